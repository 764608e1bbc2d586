//! `encoding/json`, `encoding/yaml` and `encoding/toml`, on the readers and writers of
//! [`crate::encoding`].

use super::arguments::*;
use crate::encoding::{DUPLICATE_KEY, Format, Read, read, to_string};
use holos_lang::diagnostic::{Diagnostic, FileId};
use holos_lang::syntax::tree::{Element, Expr, ListLit};
use holos_lang::value::Data;
use holos_lang::value::builtin::{Context, ValueRef};

fn text<'a>(a: &Arguments<'a>) -> Result<&'a str> {
    std::str::from_utf8(a.bytes(0)?).map_err(|_| error("the text is not valid UTF-8").argument(0))
}

/// The documents of a text, or the first of what is wrong with it.
fn documents(a: &Arguments<'_>, format: Format) -> Result<Vec<Expr>> {
    let Read { documents, errors } = read(format, FileId(0), text(a)?);
    // A key given twice in JSON is two fields that must agree.
    let json = matches!(format, Format::Json | Format::JsonLines);
    let twice = |problem: &Diagnostic| problem.code == DUPLICATE_KEY && json;
    match errors.into_iter().find(|problem| !twice(problem)) {
        None => Ok(documents),
        Some(problem) => Err(error(problem.message).argument(0)),
    }
}

/// The one document of a text.
fn document(a: &Arguments<'_>, format: Format) -> Result<Expr> {
    let mut documents = documents(a, format)?;
    match documents.len() {
        0 => Ok(Expr::Null(Default::default())),
        1 => Ok(documents.remove(0)),
        _ => Err(error("the text has more than one document").argument(0)),
    }
}

fn stream(documents: Vec<Expr>) -> Expr {
    Expr::List(ListLit {
        elements: documents.into_iter().map(Element::Expr).collect(),
        ellipsis: None,
        span: Default::default(),
    })
}

fn marshal(format: Format, data: &Data) -> Result<String> {
    to_string(format, data).map_err(|problem| error(problem.to_string()).argument(0))
}

/// The value with the fields of each struct in the order of their names.
fn sorted(data: &Data) -> Data {
    match data {
        Data::Struct(fields) => {
            let mut fields: Vec<_> = (fields.iter())
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Data::Struct(fields.into())
        }
        Data::List(elements) => Data::List(elements.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}

/// Whether every document fits the schema; the error is that of the first that does not.
fn validate(
    context: &mut dyn Context,
    documents: &[Expr],
    schema: ValueRef,
    concrete: bool,
) -> Result<bool> {
    for document in documents {
        let value = context.make_expr(document);
        context.unify(value, schema, concrete)?;
    }
    Ok(true)
}

pub(super) mod json {
    use super::*;

    package! {
        "encoding/json", "json", "JSON (RFC 8259).";
        constants {}
        "Valid" (data: TEXT) -> BOOL,
            "Whether the text is JSON." => |_, a| Ok(check(&a).is_ok()),
        "Compact" (src: TEXT) -> STRING,
            "The JSON text without blanks between its tokens." => |_, a| {
                Ok(lay_out(check(&a)?, None))
            },
        "Indent" (src: TEXT, prefix: STRING, indent: STRING) -> STRING,
            "The JSON text with a line an element, each begun by the prefix and an indent a level." => |_, a| {
                let source = check(&a)?;
                let (prefix, indent) = (a.str(1)?, a.str(2)?);
                // A line has at most the depth of the whole text in indents.
                let depth = source.bytes().filter(|b| b"{[".contains(b)).count().min(1000);
                let lines = source.bytes().filter(|b| b"{}[],".contains(b)).count() + 1;
                let line = prefix.len() + depth * indent.len();
                limited(source.len().saturating_add(lines.saturating_mul(line)))?;
                let blanks = source.len() - source.trim_end_matches(BLANKS).len();
                let end = &source[source.len() - blanks..];
                Ok(lay_out(source, Some((prefix, indent))) + end)
            },
        "HTMLEscape" (src: TEXT) -> STRING,
            "The text with <, >, &, U+2028 and U+2029 as JSON escapes." => |_, a| {
                let mut out = String::new();
                for c in text(&a)?.chars() {
                    match c {
                        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                            out.push_str(&format!("\\u{:04x}", c as u32));
                        }
                        _ => out.push(c),
                    }
                }
                Ok(out)
            },
        "Marshal" (v: ANY) -> STRING,
            "The value as compact JSON." => |_, a| {
                crate::encoding::json::to_compact(a.data(0)?).map_err(|e| error(e.to_string()))
            },
        "MarshalStream" (v: ANY) -> STRING,
            "The elements of a list as JSON, one a line." => |_, a| {
                let mut out = String::new();
                for value in a.list(0)? {
                    out.push_str(&marshal(Format::JsonLines, value)?);
                }
                Ok(out)
            },
        "UnmarshalStream" (data: TEXT) -> ANY,
            "The list of the JSON values that follow one another in the text." => |context, a| {
                Ok(context.make_expr(&stream(documents(&a, Format::JsonLines)?)))
            },
        "Unmarshal" (b: TEXT) -> ANY,
            "The value of a JSON text." => |context, a| {
                Ok(context.make_expr(&document(&a, Format::Json)?))
            },
        "Validate" (b: TEXT, value v: ANY) -> BOOL,
            "Whether the JSON text fits a schema." => |context, a| {
                let value = context.make_expr(&document(&a, Format::Json)?);
                let value = context.unify(value, a.value(1)?, false)?;
                match context.absent(value) {
                    Some(error) => Err(error),
                    None => Ok(true),
                }
            },
    }

    const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

    /// The text, if it is JSON. A key given twice is no syntax error.
    fn check<'a>(a: &Arguments<'a>) -> Result<&'a str> {
        let text = text(a)?;
        let fatal = |problem: &Diagnostic| problem.code != DUPLICATE_KEY;
        match read(Format::Json, FileId(0), text)
            .errors
            .into_iter()
            .find(fatal)
        {
            None => Ok(text),
            Some(problem) => Err(error(problem.message).argument(0)),
        }
    }

    /// Valid JSON with other blanks; `style` is prefix and indent.
    fn lay_out(source: &str, style: Option<(&str, &str)>) -> String {
        let mut out = String::with_capacity(source.len());
        let mut depth = 0;
        let mut chars = source.chars().filter(|_| true).peekable();
        let line = |out: &mut String, depth: usize| {
            if let Some((prefix, indent)) = style {
                out.push('\n');
                out.push_str(prefix);
                out.extend(std::iter::repeat_n(indent, depth));
            }
        };
        let mut opened = false;
        while let Some(c) = chars.next() {
            if BLANKS.contains(&c) {
                continue;
            }
            if std::mem::take(&mut opened) && !matches!(c, ']' | '}') {
                depth += 1;
                line(&mut out, depth);
            } else if matches!(c, ']' | '}') && !out.ends_with(['[', '{']) {
                depth -= 1;
                line(&mut out, depth);
            }
            out.push(c);
            match c {
                '{' | '[' => opened = true,
                ',' => line(&mut out, depth),
                ':' if style.is_some() => out.push(' '),
                '"' => {
                    while let Some(inner) = chars.next() {
                        out.push(inner);
                        match inner {
                            '"' => break,
                            '\\' => out.extend(chars.next()),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        out
    }
}

pub(super) mod yaml {
    use super::*;

    package! {
        "encoding/yaml", "yaml", "YAML 1.2, with what YAML 1.1 would misread quoted.";
        constants {}
        "Marshal" (v: ANY) -> STRING,
            "The value as YAML." => |_, a| marshal(Format::Yaml, a.data(0)?),
        "MarshalStream" (v: ANY) -> STRING,
            "The elements of a list as YAML documents." => |_, a| {
                let mut out = String::new();
                for (index, value) in a.list(0)?.iter().enumerate() {
                    if index > 0 {
                        out.push_str("---\n");
                    }
                    out.push_str(&marshal(Format::Yaml, value)?);
                }
                Ok(out)
            },
        "Unmarshal" (data: TEXT) -> ANY,
            "The value of a YAML text of one document." => |context, a| {
                match document(&a, Format::Yaml)? {
                    Expr::Null(_) => Ok(context.make(&Data::Null)),
                    expr => Ok(context.make_expr(&expr)),
                }
            },
        "UnmarshalStream" (data: TEXT) -> ANY,
            "The list of the values of a text's documents." => |context, a| {
                let mut documents = documents(&a, Format::Yaml)?;
                if documents.is_empty() {
                    documents.push(Expr::Null(Default::default()));
                }
                Ok(context.make_expr(&stream(documents)))
            },
        "Validate" (b: TEXT, value v: ANY) -> BOOL,
            "Whether the documents of the text fit a schema, with nothing left open." => |context, a| {
                validate(context, &documents(&a, Format::Yaml)?, a.value(1)?, true)
            },
        "ValidatePartial" (b: TEXT, value v: ANY) -> BOOL,
            "Whether the documents of the text do not contradict a schema." => |context, a| {
                validate(context, &documents(&a, Format::Yaml)?, a.value(1)?, false)
            },
    }
}

pub(super) mod toml {
    use super::*;

    package! {
        "encoding/toml", "toml", "TOML 1.0.";
        constants {}
        "Marshal" (v: ANY) -> STRING,
            "The value, a struct, as TOML, with the names of a table sorted." => |_, a| {
                marshal(Format::Toml, &sorted(a.data(0)?))
            },
        "Unmarshal" (data: TEXT) -> ANY,
            "The value of a TOML text." => |context, a| {
                Ok(context.make_expr(&document(&a, Format::Toml)?))
            },
    }
}
