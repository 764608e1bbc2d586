//! What changed in a file of manifests, in words: `Deployment bank: image 1.14.1 → 1.14.2`.

use holos_lang::diagnostic::FileId;
use holos_lang::syntax::tree::{Decl, Element, Expr, Label};
use holos_stdlib::encoding::{Format, read};
use std::collections::BTreeMap;

/// The longest value that is shown whole.
const LONGEST: usize = 40;

/// The first change between two files of objects, and how many more there are.
pub fn describe(before: &[u8], after: &[u8]) -> String {
    let (before, after) = (objects(before), objects(after));
    let mut changes = Vec::new();
    for (identity, new) in &after {
        match before.get(identity) {
            None => changes.push(format!("{identity}: new")),
            Some(old) => {
                let mut found = Vec::new();
                compare(&mut Vec::new(), old, new, &mut found);
                changes.extend(
                    found
                        .into_iter()
                        .map(|change| format!("{identity}: {change}")),
                );
            }
        }
    }
    changes.extend(
        before
            .keys()
            .filter(|key| !after.contains_key(*key))
            .map(|key| format!("{key}: removed")),
    );
    match &changes[..] {
        [] => "layout only".into(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
    }
}

/// A value without places.
#[derive(PartialEq, Debug)]
enum Value {
    Scalar(String),
    List(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

/// The objects of a file by kind and name.
fn objects(text: &[u8]) -> BTreeMap<String, Value> {
    let text = String::from_utf8_lossy(text);
    let mut out = BTreeMap::new();
    for document in read(Format::Yaml, FileId(0), &text).documents {
        let value = value(&document);
        // An empty file is a stream of one null.
        if !matches!(value, Value::Struct(_)) {
            continue;
        }
        let field = |value: &Value, name: &str| match value {
            Value::Struct(fields) => fields.iter().position(|(key, _)| key == name),
            _ => None,
        };
        let scalar = |value: &Value, name: &str| match (value, field(value, name)) {
            (Value::Struct(fields), Some(at)) => match &fields[at].1 {
                Value::Scalar(text) => Some(text.trim_matches('"').to_string()),
                _ => None,
            },
            _ => None,
        };
        let kind = scalar(&value, "kind").unwrap_or_else(|| "object".into());
        let metadata = match (&value, field(&value, "metadata")) {
            (Value::Struct(fields), Some(at)) => Some(&fields[at].1),
            _ => None,
        };
        let name = metadata
            .and_then(|metadata| scalar(metadata, "name"))
            .unwrap_or_default();
        let namespace = metadata.and_then(|metadata| scalar(metadata, "namespace"));
        let mut identity = format!("{kind} {name}");
        if out.contains_key(&identity) {
            identity = format!("{kind} {}/{name}", namespace.unwrap_or_default());
        }
        out.insert(identity, value);
    }
    out
}

fn value(expr: &Expr) -> Value {
    match expr {
        Expr::Struct(literal) => Value::Struct(
            (literal.decls.iter())
                .filter_map(|decl| match decl {
                    Decl::Field(field) => {
                        let name = match &field.label {
                            Label::Ident(ident) => ident.name.to_string(),
                            Label::String { value, .. } => value.to_string(),
                            _ => return None,
                        };
                        Some((name, value(&field.value)))
                    }
                    _ => None,
                })
                .collect(),
        ),
        Expr::List(list) => Value::List(
            (list.elements.iter())
                .filter_map(|element| match element {
                    Element::Expr(expr) => Some(value(expr)),
                    _ => None,
                })
                .collect(),
        ),
        Expr::String(text, _) => Value::Scalar(format!("{text:?}")),
        Expr::Number(text, _) => Value::Scalar(text.to_string()),
        Expr::Bool(value, _) => Value::Scalar(value.to_string()),
        Expr::Unary(unary) => match value(&unary.operand) {
            Value::Scalar(text) => Value::Scalar(format!("-{text}")),
            other => other,
        },
        _ => Value::Scalar("null".into()),
    }
}

/// Collects the leaves in which two values differ.
fn compare<'v>(path: &mut Vec<&'v str>, old: &'v Value, new: &'v Value, out: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Struct(before), Value::Struct(after)) => {
            for (name, new) in after {
                path.push(name);
                match before.iter().find(|(key, _)| key == name) {
                    Some((_, old)) => compare(path, old, new, out),
                    None => out.push(format!("{} added", show_path(path))),
                }
                path.pop();
            }
            for (name, _) in before
                .iter()
                .filter(|(name, _)| !after.iter().any(|(key, _)| key == name))
            {
                path.push(name);
                out.push(format!("{} removed", show_path(path)));
                path.pop();
            }
        }
        (Value::List(before), Value::List(after)) if before.len() == after.len() => {
            for (old, new) in before.iter().zip(after) {
                compare(path, old, new, out);
            }
        }
        (Value::Scalar(old), Value::Scalar(new)) => {
            let (old, new) = shorten(old.trim_matches('"'), new.trim_matches('"'));
            out.push(format!("{} {old} → {new}", show_path(path)));
        }
        _ => out.push(format!("{} changed", show_path(path))),
    }
}

/// The end of a path says enough in a summary.
fn show_path(path: &[&str]) -> String {
    path.last().map_or(String::new(), |name| name.to_string())
}

/// Two values without what they begin with alike, where they are long: `1.14.1 → 1.14.2` of two images.
fn shorten(old: &str, new: &str) -> (String, String) {
    let same: usize = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let cut = old[..same].rfind([':', '@', ' ']).map_or(0, |at| at + 1);
    let clip = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    };
    (clip(&old[cut..]), clip(&new[cut..]))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn changes_are_said_in_words() {
        let object = |image: &str, extra: &str| {
            format!("kind: Deployment\nmetadata:\n  name: bank\nspec:\n  image: {image}\n{extra}")
        };
        for (before, after, expected) in [
            (
                object("r/bank:1.14.1", ""),
                object("r/bank:1.14.2", ""),
                "Deployment bank: image 1.14.1 → 1.14.2",
            ),
            (
                object("a", ""),
                object("a", "  replicas: 3\n"),
                "Deployment bank: replicas added",
            ),
            (
                object("a", "  replicas: 3\n"),
                object("b", ""),
                "Deployment bank: image a → b, and 1 more",
            ),
            (String::new(), object("a", ""), "Deployment bank: new"),
        ] {
            assert_eq!(describe(before.as_bytes(), after.as_bytes()), expected);
        }
    }
}
