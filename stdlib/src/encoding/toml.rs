//! TOML 1.0, read by the `toml` crate, which keeps places, and written here, in the value's own order.
//!
//! In each table, what fits on a line comes first, then the tables, as the format demands. Dates and times are read as strings.

use super::json::{field, negated};
use super::sink::Sink;
use super::{
    EXCESSIVE, MALFORMED, MAX_WRITE_DEPTH, Outcome, Read, UNSUPPORTED, WriteError, error_at,
    too_deep,
};
use holos_lang::diagnostic::{FileId, Span};
use holos_lang::syntax::MAX_DEPTH;
use holos_lang::syntax::tree::{Element, Expr, ListLit, StructLit};
use holos_lang::value::{Data, Number};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a file, which is one table.
pub fn read(file: FileId, text: &str) -> Read {
    let mut read = Read::default();
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let (table, errors) = DeTable::parse_recoverable(&text[start..]);
    let reader = Reader { file, start };
    for error in errors {
        let message = format!("this is no TOML: {}", error.message().replace('\n', ", "));
        let span = reader.span(error.span().unwrap_or(0..0));
        read.errors.push(*error_at(MALFORMED, file, span, message));
    }
    if read.errors.is_empty() {
        let span = Span::new(start as u32, text.len() as u32);
        match reader.table(table.get_ref(), span, 0) {
            Ok(value) => read.documents.push(value),
            Err(error) => read.errors.push(*error),
        }
    }
    read
}

struct Reader {
    file: FileId,
    start: usize,
}

impl Reader {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(
            (range.start + self.start) as u32,
            (range.end + self.start) as u32,
        )
    }

    fn table(&self, table: &DeTable<'_>, span: Span, depth: usize) -> Outcome<Expr> {
        // The crate sorts the names; a reader wants the file's order.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut decls = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let value = self.value(value, depth + 1)?;
            decls.push(field(
                key.get_ref().as_ref().into(),
                self.span(key.span()),
                value,
            ));
        }
        Ok(Expr::Struct(StructLit {
            decls,
            braces: true,
            span,
        }))
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, depth: usize) -> Outcome<Expr> {
        let span = self.span(value.span());
        if depth > MAX_DEPTH {
            let message = format!("the TOML nests more than {MAX_DEPTH} deep");
            return Err(error_at(EXCESSIVE, self.file, span, message));
        }
        Ok(match value.get_ref() {
            DeValue::String(text) => Expr::String(text.as_ref().into(), span),
            DeValue::Boolean(value) => Expr::Bool(*value, span),
            DeValue::Integer(integer) => {
                let text = integer.as_str();
                let prefix = match integer.radix() {
                    16 => "0x",
                    8 => "0o",
                    2 => "0b",
                    _ => "",
                };
                self.number(text, prefix, span)?
            }
            DeValue::Float(float) => self.number(float.as_str(), "", span)?,
            DeValue::Datetime(time) => Expr::String(time.to_string().into(), span),
            DeValue::Array(array) => {
                let elements = array
                    .iter()
                    .map(|element| self.value(element, depth + 1).map(Element::Expr));
                let elements = elements.collect::<Result<_, _>>()?;
                Expr::List(ListLit {
                    elements,
                    ellipsis: None,
                    span,
                })
            }
            DeValue::Table(table) => self.table(table, span, depth)?,
        })
    }

    fn number(&self, text: &str, prefix: &str, span: Span) -> Outcome<Expr> {
        let digits = text.trim_start_matches(['+', '-']);
        if digits.ends_with("inf") || digits.ends_with("nan") {
            let message = format!("there is no number {text}: numbers are finite");
            return Err(error_at(UNSUPPORTED, self.file, span, message));
        }
        let spelling = match digits.starts_with(prefix) {
            true => digits.to_owned(),
            false => format!("{prefix}{digits}"),
        };
        if let Err(why) = Number::parse_literal(&spelling) {
            let message = format!("{text} is no number: {why}");
            return Err(error_at(MALFORMED, self.file, span, message));
        }
        let literal = Expr::Number(spelling.into(), span);
        Ok(if text.starts_with('-') {
            negated(literal, span.start)
        } else {
            literal
        })
    }
}

pub(super) fn write(data: &Data, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    match data {
        Data::Struct(fields) => table(fields, &mut Vec::new(), &mut false, sink),
        _ => Err(refused(&[], "a TOML file is a table: it needs a struct")),
    }
}

type Fields = [(std::sync::Arc<str>, Data)];

fn refused(path: &[&str], message: &str) -> WriteError {
    WriteError::Unsupported(path.join("."), message.into())
}

/// The entries of a table whose header is written; `entry` is whether the last line is one.
fn table<'d>(
    fields: &'d Fields,
    path: &mut Vec<&'d str>,
    entry: &mut bool,
    sink: &mut Sink<'_>,
) -> Result<(), WriteError> {
    if path.len() > MAX_WRITE_DEPTH {
        return Err(too_deep());
    }
    for (name, value) in fields.iter().filter(|(_, value)| !is_section(value)) {
        path.push(name);
        key(name, &mut sink.text);
        sink.text.push_str(" = ");
        inline(value, path, sink)?;
        sink.text.push('\n');
        *entry = true;
        path.pop();
        sink.breathe()?;
    }
    for (name, value) in fields.iter().filter(|(_, value)| is_section(value)) {
        path.push(name);
        match value {
            Data::Struct(fields) => {
                header(path, "[", "]\n", entry, sink);
                table(fields, path, entry, sink)?;
            }
            Data::List(elements) => {
                for element in elements.iter() {
                    if let Data::Struct(fields) = element {
                        header(path, "[[", "]]\n", entry, sink);
                        table(fields, path, entry, sink)?;
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

/// Whether a value gets a header: a table, or a list of nothing but tables.
fn is_section(value: &Data) -> bool {
    match value {
        Data::Struct(_) => true,
        Data::List(elements) => {
            !elements.is_empty() && elements.iter().all(|e| matches!(e, Data::Struct(_)))
        }
        _ => false,
    }
}

/// A header; one below another stands right below it.
fn header(path: &[&str], open: &str, close: &str, entry: &mut bool, sink: &mut Sink<'_>) {
    if std::mem::take(entry) {
        sink.text.push('\n');
    }
    sink.text.push_str(open);
    for (index, name) in path.iter().enumerate() {
        if index > 0 {
            sink.text.push('.');
        }
        key(name, &mut sink.text);
    }
    sink.text.push_str(close);
}

fn inline<'d>(
    value: &'d Data,
    path: &mut Vec<&'d str>,
    sink: &mut Sink<'_>,
) -> Result<(), WriteError> {
    match value {
        Data::Null => return Err(refused(path, "TOML has no null")),
        Data::Bool(value) => sink.text.push_str(if *value { "true" } else { "false" }),
        Data::Number(value) => number(value, sink),
        Data::String(text) => string(text, &mut sink.text),
        Data::Bytes(bytes) => {
            sink.text.push('\'');
            super::base64::encode(bytes, &mut sink.text);
            sink.text.push('\'');
        }
        Data::List(elements) => {
            sink.text.push('[');
            for (index, element) in elements.iter().enumerate() {
                sink.text.push_str(if index > 0 { ", " } else { "" });
                nested(element, "", path, sink)?;
            }
            sink.text.push(']');
        }
        Data::Struct(fields) => {
            sink.text.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                sink.text.push_str(if index > 0 { ", " } else { "" });
                key(name, &mut sink.text);
                sink.text.push_str(" = ");
                nested(field, name, path, sink)?;
            }
            sink.text.push('}');
        }
    }
    Ok(())
}

fn nested<'d>(
    value: &'d Data,
    name: &'d str,
    path: &mut Vec<&'d str>,
    sink: &mut Sink<'_>,
) -> Result<(), WriteError> {
    if path.len() > MAX_WRITE_DEPTH {
        return Err(too_deep());
    }
    path.push(name);
    inline(value, path, sink)?;
    path.pop();
    Ok(())
}

/// A float needs digits on both sides of its point.
fn number(value: &Number, sink: &mut Sink<'_>) {
    let text = value.to_json();
    sink.text.push_str(&text);
    if !value.is_int_kind() && !text.contains(['.', 'E']) {
        sink.text.push_str(".0");
    }
}

fn key(name: &str, out: &mut String) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match !name.is_empty() && name.bytes().all(bare) {
        true => out.push_str(name),
        false => string(name, out),
    }
}

/// In single quotes where nothing needs an escape.
fn string(text: &str, out: &mut String) {
    if !text.contains('\'') && !text.contains(char::is_control) {
        out.push('\'');
        out.push_str(text);
        out.push('\'');
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}
