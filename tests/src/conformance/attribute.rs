//! What an assertion says: the body of `@test(…)`, and where in the program it stands.

use super::Segment;
use holos_lang::eval::inspect::ErrorCode;
use holos_lang::syntax::tree::{self, Attribute, Decl, Expr, Label};

/// One comma-separated argument of an attribute.
#[derive(Clone, Debug, Default)]
pub(super) struct Argument {
    /// Before a top-level `=`, or empty.
    pub key: String,
    /// After it, without surrounding blanks.
    pub value: String,
}

impl Argument {
    /// The value, and where it is a simple quoted string what is quoted.
    pub(super) fn unquoted(&self) -> &str {
        let value = self.value.as_str();
        match value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(inner) if !inner.contains('\\') => inner,
            _ => value,
        }
    }
}

/// A parsed `@test(…)`.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub name: String,
    /// `v3` of `eq:v3`; `todo` marks what is known not to hold yet.
    pub version: String,
    /// `false` of `closed=false`.
    pub setting: String,
    pub arguments: Vec<Argument>,
}

impl Directive {
    pub(super) fn argument(&self, key: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.key == key)
    }

    /// The first argument without a key: the expected expression, the selector.
    pub(super) fn operand(&self) -> Option<&str> {
        self.arguments
            .iter()
            .find(|a| a.key.is_empty() && !a.value.is_empty() && a.value != "incorrect")
            .map(|a| a.value.as_str())
    }
}

/// What `@test(err, …)` asks for; what concerns messages and places is dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct ErrorSpec {
    /// Any of them; none is "whichever".
    pub codes: Vec<String>,
    pub any: bool,
    pub at: Option<String>,
    pub path: Option<String>,
    pub suberrors: Vec<ErrorSpec>,
}

impl ErrorSpec {
    pub(super) fn parse(arguments: &[Argument]) -> ErrorSpec {
        let mut spec = ErrorSpec::default();
        for argument in arguments {
            let value = argument.unquoted();
            match argument.key.as_str() {
                "code" => spec.codes = alternatives(value),
                "at" => spec.at = Some(value.to_owned()),
                "path" => spec.path = Some(value.to_owned()),
                "suberr" => {
                    let inner = value.trim_start_matches('(').trim_end_matches(')');
                    spec.suberrors.push(ErrorSpec::parse(&arguments_of(inner)));
                }
                "" if value == "any" => spec.any = true,
                _ => {}
            }
        }
        spec
    }

    /// As CUE's runner reads it inside an expected struct, where neither paths nor parts are compared.
    pub(super) fn within(arguments: &[Argument]) -> ErrorSpec {
        ErrorSpec {
            path: None,
            suberrors: Vec::new(),
            ..ErrorSpec::parse(arguments)
        }
    }

    pub(super) fn accepts(&self, code: ErrorCode) -> bool {
        self.codes.is_empty() || self.codes.iter().any(|name| name == code_name(code))
    }
}

/// How archives spell a code.
pub(super) fn code_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Eval => "eval",
        ErrorCode::User => "user",
        ErrorCode::StructuralCycle => "structural_cycle",
        ErrorCode::Incomplete => "incomplete",
        ErrorCode::Cycle => "cycle",
    }
}

fn alternatives(text: &str) -> Vec<String> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    text.split('|')
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// The directive of an attribute, or `None` where it is not `@test`.
pub(super) fn directive(attribute: &Attribute) -> Option<Directive> {
    if &*attribute.name != "test" {
        return None;
    }
    let mut arguments = arguments_of(&attribute.body);
    let first = if arguments.is_empty() {
        Argument::default()
    } else {
        arguments.remove(0)
    };
    let (head, setting) = match first.key.is_empty() {
        true => (first.value, String::new()),
        false => (first.key, first.value),
    };
    let (name, version) = head.split_once(':').unwrap_or((&head, ""));
    Some(Directive {
        name: name.to_owned(),
        version: version.to_owned(),
        setting,
        arguments,
    })
}

/// Splits an attribute's body at top-level commas, and each part at its first top-level `=`.
pub(super) fn arguments_of(body: &str) -> Vec<Argument> {
    let bytes = body.as_bytes();
    let mut arguments = Vec::new();
    let (mut start, mut equals, mut depth, mut at) = (0, None, 0usize, 0);
    let mut finish = |start: usize, equals: Option<usize>, end: usize| {
        let (key, value) = match equals {
            Some(equals) => (&body[start..equals], &body[equals + 1..end]),
            None => ("", &body[start..end]),
        };
        arguments.push(Argument {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        });
    };
    while at < bytes.len() {
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b'"' | b'\'' | b'#' => {
                at = string_end(bytes, at);
                continue;
            }
            b'/' if next == Some(b'/') => {
                at += bytes[at..].iter().take_while(|&&b| b != b'\n').count();
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'=' | b'!' | b'<' | b'>' if matches!(next, Some(b'=' | b'~')) => at += 1,
            b'=' if depth == 0 && equals.is_none() => equals = Some(at),
            b',' if depth == 0 => {
                finish(start, equals.take(), at);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if !body[start..].trim().is_empty() {
        finish(start, equals, body.len());
    }
    arguments
}

/// The end of the string literal that starts at `start`, or one past a `#` that starts none.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start..].iter().take_while(|&&b| b == b'#').count();
    let Some(&quote @ (b'"' | b'\'')) = bytes.get(start + hashes) else {
        return start + hashes;
    };
    let open = start + hashes;
    let width = if bytes[open..].starts_with(&[quote; 3]) {
        3
    } else {
        1
    };
    let mut at = open + width;
    while at < bytes.len() {
        if bytes[at] == b'\\'
            && bytes[at + 1..]
                .iter()
                .take(hashes)
                .filter(|&&b| b == b'#')
                .count()
                == hashes
        {
            at += 1 + hashes;
            if bytes.get(at) == Some(&b'(') {
                let mut depth = 0usize;
                while at < bytes.len() {
                    match bytes[at] {
                        b'"' | b'\'' => {
                            at = string_end(bytes, at);
                            continue;
                        }
                        b'(' => depth += 1,
                        b')' => depth -= 1,
                        _ => {}
                    }
                    at += 1;
                    if depth == 0 {
                        break;
                    }
                }
            } else {
                at += 1;
            }
            continue;
        }
        let closes = bytes[at..]
            .iter()
            .take(width)
            .filter(|&&b| b == quote)
            .count()
            == width
            && bytes[at + width..]
                .iter()
                .take(hashes)
                .filter(|&&b| b == b'#')
                .count()
                == hashes;
        if closes {
            return at + width + hashes;
        }
        at += 1;
    }
    bytes.len()
}

/// A directive and the path of the value it is about.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub path: Vec<Segment>,
    pub directive: Directive,
    /// Whether it stands inside the struct (or the file) rather than behind the field.
    pub inside: bool,
}

/// Every assertion of a file, in source order.
pub(super) fn records(file: &tree::File) -> Vec<Record> {
    let mut records = Vec::new();
    for attribute in file.attributes.iter() {
        push(&mut records, attribute, &[], true);
    }
    walk(&file.decls, &mut Vec::new(), &mut records);
    records
}

fn walk(decls: &[Decl], path: &mut Vec<Segment>, records: &mut Vec<Record>) {
    for decl in decls {
        match decl {
            Decl::Attribute(attribute) => push(records, attribute, path, true),
            Decl::Field(field) => {
                let Some(segment) = label_segment(&field.label) else {
                    continue;
                };
                path.push(segment);
                for attribute in &field.attributes {
                    push(records, attribute, path, false);
                }
                if let Expr::Struct(literal) = &field.value {
                    walk(&literal.decls, path, records);
                }
                path.pop();
            }
            _ => {}
        }
    }
}

fn push(records: &mut Vec<Record>, attribute: &Attribute, path: &[Segment], inside: bool) {
    if let Some(directive) = directive(attribute) {
        records.push(Record {
            path: path.to_vec(),
            directive,
            inside,
        });
    }
}

/// The path segment of a label that can be read off the source.
pub(super) fn label_segment(label: &Label) -> Option<Segment> {
    match label {
        Label::Ident(ident) => Some(Segment::spelt(&ident.name)),
        Label::String { value, .. } => Some(Segment::regular(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_split_at_the_top_level() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            (
                "eq, {a: 1, b: [2, 3]}",
                &[("", "eq"), ("", "{a: 1, b: [2, 3]}")],
            ),
            (
                "err, code=eval, at=a.b",
                &[("", "err"), ("code", "eval"), ("at", "a.b")],
            ),
            ("eq, =~\"a,b\"", &[("", "eq"), ("", "=~\"a,b\"")]),
            (
                "eq, >=1 & <=2, at=x",
                &[("", "eq"), ("", ">=1 & <=2"), ("at", "x")],
            ),
            ("closed=false", &[("closed", "false")]),
            (
                "eq, \"\"\"\n\ta, \"b\"\n\t\"\"\"",
                &[("", "eq"), ("", "\"\"\"\n\ta, \"b\"\n\t\"\"\"")],
            ),
            ("eq, #\"a\",\"#", &[("", "eq"), ("", "#\"a\",\"#")]),
            (
                "eq, \"\\(\"a,\")\", p=1",
                &[("", "eq"), ("", "\"\\(\"a,\")\""), ("p", "1")],
            ),
            (
                "eq, {#D: 1} // why, indeed\n",
                &[("", "eq"), ("", "{#D: 1} // why, indeed")],
            ),
            ("", &[]),
        ];
        for (body, expected) in cases {
            let got = arguments_of(body);
            let got: Vec<_> = got
                .iter()
                .map(|a| (a.key.as_str(), a.value.as_str()))
                .collect();
            assert_eq!(&got, expected, "{body}");
        }
    }
}
