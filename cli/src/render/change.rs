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
                        .map(|change| format!("{identity}: {}", change.words)),
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

/// A leaf in which two values differ.
#[derive(Debug)]
pub(super) struct Change {
    /// The names on the way to it; positions in lists are left out.
    pub(super) path: Vec<String>,
    /// The change in words, with the last name of the path.
    pub(super) words: String,
    /// What it was and what it is, of a scalar.
    pub(super) scalar: Option<(String, String)>,
}

/// A value without places.
#[derive(PartialEq, Debug)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// A field of a struct.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(fields) => fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar field; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Scalar(text)) => text.trim_matches('"'),
            _ => "",
        }
    }
}

/// The documents of a file that are structs; an empty file is a stream of one null.
pub(super) fn documents(text: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(text);
    let documents = read(Format::Yaml, FileId(0), &text).documents;
    let values = documents.iter().map(value);
    values
        .filter(|value| matches!(value, Value::Struct(_)))
        .collect()
}

/// The objects of a file by kind and name.
fn objects(text: &[u8]) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for value in documents(text) {
        let kind = match value.text("kind") {
            "" => "object",
            kind => kind,
        };
        let of = |name: &str| {
            value
                .get("metadata")
                .map_or("", |metadata| metadata.text(name))
        };
        let mut identity = format!("{kind} {}", of("name"));
        if out.contains_key(&identity) {
            identity = format!("{kind} {}/{}", of("namespace"), of("name"));
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
pub(super) fn compare<'v>(
    path: &mut Vec<&'v str>,
    old: &'v Value,
    new: &'v Value,
    out: &mut Vec<Change>,
) {
    let change = |path: &[&str], words: String, scalar| Change {
        path: path.iter().map(ToString::to_string).collect(),
        words,
        scalar,
    };
    match (old, new) {
        _ if old == new => {}
        (Value::Struct(before), Value::Struct(after)) => {
            for (name, value) in after {
                path.push(name);
                match old.get(name) {
                    Some(old) => compare(path, old, value, out),
                    None => out.push(change(path, format!("{} added", show_path(path)), None)),
                }
                path.pop();
            }
            for (name, _) in before.iter().filter(|(name, _)| new.get(name).is_none()) {
                path.push(name);
                out.push(change(path, format!("{} removed", show_path(path)), None));
                path.pop();
            }
        }
        (Value::List(before), Value::List(after)) if before.len() == after.len() => {
            for (old, new) in before.iter().zip(after) {
                compare(path, old, new, out);
            }
        }
        (Value::Scalar(old), Value::Scalar(new)) => {
            let (old, new) = (old.trim_matches('"'), new.trim_matches('"'));
            let (was, is) = shorten(old, new);
            let words = format!("{} {was} → {is}", show_path(path));
            out.push(change(path, words, Some((old.into(), new.into()))));
        }
        _ => out.push(change(path, format!("{} changed", show_path(path)), None)),
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
