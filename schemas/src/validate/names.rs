//! Names, labels and annotations: the rules that hold for the metadata of every object.

use super::{Finding, Reason, Walk};
use crate::yaml::{Node, Value};

/// What is wrong with a DNS-1123 label, such as the name of a namespace.
pub(crate) fn label(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = name.bytes().next().is_some_and(fine) && name.bytes().last().is_some_and(fine);
    (!ends || !name.bytes().all(|b| fine(b) || b == b'-')).then_some(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    )
}

/// What is wrong with a DNS-1123 subdomain, such as the name of most objects.
pub(crate) fn subdomain(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    let part =
        |part: &str| label(part).is_none() || (part.len() > 63 && label(&part[..1]).is_none());
    (!name.split('.').all(part)).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    )
}

/// What is wrong with the key of a label or annotation.
pub(crate) fn qualified(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|p| p.is_empty() || subdomain(p).is_some()) {
        return Some("prefix part must be a lowercase RFC 1123 subdomain");
    }
    if name.is_empty() {
        return Some("name part must be non-empty");
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 characters");
    }
    (!plain(name)).then_some(
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    )
}

/// What is wrong with the value of a label.
pub(crate) fn label_value(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    (!value.is_empty() && !plain(value)).then_some(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    )
}

fn plain(text: &str) -> bool {
    let ends = |b: u8| b.is_ascii_alphanumeric();
    text.bytes().next().is_some_and(ends)
        && text.bytes().last().is_some_and(ends)
        && text.bytes().all(|b| ends(b) || b"-_.".contains(&b))
}

/// A name that may be part of a URL's path.
fn path_segment(name: &str) -> Option<&'static str> {
    if name == "." || name == ".." {
        return Some("may not be '.' or '..'");
    }
    name.contains(['/', '%'])
        .then_some("may not contain '/' or '%'")
}

/// Checks `metadata`; its structure has been checked before.
pub(super) fn metadata(
    walk: &mut Walk<'_>,
    api_version: &str,
    kind: &str,
    object: &Node,
    namespaced: Option<bool>,
) {
    let Some(metadata) = object.get("metadata") else {
        return;
    };
    let text = |key: &str| {
        metadata
            .get(key)
            .and_then(Node::str)
            .filter(|s| !s.is_empty())
    };
    let mut found = |at: &Node, path: &str, message: &str| {
        let end = walk.push(format_args!(".metadata.{path}"));
        let path = walk.path();
        walk.path.truncate(end);
        walk.report(Finding::new(Reason::Metadata, at.span, path, message));
    };
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let check = match (group, kind) {
        ("rbac.authorization.k8s.io", _) => path_segment,
        ("", "Namespace") => label,
        ("", "Service") => label,
        _ => subdomain,
    };
    for (key, prefix) in [("name", false), ("generateName", true)] {
        let Some(name) = text(key) else { continue };
        // What is generated replaces the end of the prefix.
        let name = if prefix {
            name.trim_end_matches(['-', '.'])
        } else {
            name
        };
        if let Some(message) = check(name) {
            found(
                metadata.get(key).unwrap_or(metadata),
                key,
                &format!("Invalid value: {name:?}: {message}"),
            );
        }
    }
    if let Some(namespace) = text("namespace") {
        let at = metadata.get("namespace").unwrap_or(metadata);
        // The server drops the namespace of a kind that has none.
        if namespaced != Some(false)
            && let Some(message) = label(namespace)
        {
            found(
                at,
                "namespace",
                &format!("Invalid value: {namespace:?}: {message}"),
            );
        }
    }
    let entries = |key: &str| metadata.get(key).map(Node::entries).unwrap_or_default();
    for entry in entries("labels") {
        let value = entry.value.str().unwrap_or_default();
        if let Some(message) = qualified(&entry.key) {
            found(
                &entry.value,
                "labels",
                &format!("Invalid value: {:?}: {message}", entry.key),
            );
        } else if let Some(message) = label_value(value) {
            found(
                &entry.value,
                "labels",
                &format!("Invalid value: {value:?}: {message}"),
            );
        }
    }
    let mut size = 0;
    for entry in entries("annotations") {
        size += entry.key.len() + entry.value.str().unwrap_or_default().len();
        if let Some(message) = qualified(&entry.key.to_ascii_lowercase()) {
            found(
                &entry.value,
                "annotations",
                &format!("Invalid value: {:?}: {message}", entry.key),
            );
        }
    }
    if size > 256 * 1024 {
        found(
            metadata,
            "annotations",
            "Too long: may not be more than 262144 bytes",
        );
    }
    for (at, finalizer) in metadata
        .get("finalizers")
        .map(Node::elements)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        if let Some(message) = finalizer.str().and_then(qualified) {
            found(finalizer, &format!("finalizers[{at}]"), message);
        }
    }
    for owner in metadata
        .get("ownerReferences")
        .map(Node::elements)
        .unwrap_or_default()
    {
        for key in ["apiVersion", "kind", "name", "uid"] {
            let value = owner.get(key);
            if value.is_none_or(|v| matches!(&v.value, Value::String(s) if s.is_empty())) {
                found(
                    owner,
                    &format!("ownerReferences.{key}"),
                    "Invalid value: \"\": must not be empty",
                );
            }
        }
    }
}
