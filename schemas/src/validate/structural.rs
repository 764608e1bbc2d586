//! A value against its schema: types, bounds, names of fields; defaults filled in beforehand.

use super::group::Group;
use super::{Finding, KEY, KEY_END, Reason, Walk, formats};
use crate::schema::{Additional, Id, ListType, Schema, Type};
use crate::yaml::{Entry, Node, Value};
use holos_lang::diagnostic::Span;
use std::sync::Arc;

/// Values nest at most this deep where they follow a recursive schema.
const DEPTH: usize = 300;

/// The API server's words for a field the schema does not have.
pub(super) const UNKNOWN: &str = "Invalid value: value provided for unknown field";

impl Walk<'_> {
    /// Follows references to the schema that says something.
    pub(super) fn resolve(&self, group: &Arc<Group>, id: Id) -> Option<(Arc<Group>, Id)> {
        let mut at = (group.clone(), id);
        for _ in 0..16 {
            at = match &at.0.get(at.1).reference {
                Some(reference) => self.groups.definition(reference)?,
                None => return Some(at),
            };
        }
        None
    }

    /// Does what the API server does before it validates: fills in defaults, and drops nulls where
    /// null is not a value.
    pub(super) fn complete(&self, group: &Arc<Group>, id: Id, node: &mut Node, depth: usize) {
        let Some((group, id)) = self.resolve(group, id) else {
            return;
        };
        let schema = group.get(id);
        let span = node.span;
        match &mut node.value {
            Value::Map(entries) if depth < DEPTH => {
                entries.retain(|entry| {
                    let value = match (schema.property(&entry.key), schema.additional) {
                        (Some(id), _) | (None, Some(Additional::Schema(id))) => id,
                        _ => return true,
                    };
                    let null = entry.value.value == Value::Null;
                    !null || self.takes_null(&group, value)
                });
                for (name, id) in &schema.properties {
                    if let Some(default) = &group.get(*id).default
                        && !entries.iter().any(|e| e.key == *name)
                        && let Ok(value) = serde_json::from_str(default)
                    {
                        let value = Node::from_json(&value, span);
                        entries.push(Entry {
                            key: name.clone(),
                            key_span: span,
                            value,
                        });
                    }
                }
                for entry in entries {
                    match (schema.property(&entry.key), schema.additional) {
                        (Some(id), _) | (None, Some(Additional::Schema(id))) => {
                            self.complete(&group, id, &mut entry.value, depth + 1);
                        }
                        _ => {}
                    }
                }
            }
            Value::List(elements) if depth < DEPTH => {
                for (element, id) in elements.iter_mut().zip(std::iter::repeat(schema.items)) {
                    if let Some(id) = id {
                        self.complete(&group, id, element, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn takes_null(&self, group: &Arc<Group>, id: Id) -> bool {
        let Some((group, id)) = self.resolve(group, id) else {
            return true;
        };
        let schema = group.get(id);
        schema.nullable || (schema.types.is_empty() && schema.preserve)
    }

    /// Checks a value that [`Walk::complete`] went over.
    pub(super) fn value(&mut self, group: &Arc<Group>, id: Id, node: &Node, depth: usize) {
        let Some((group, id)) = self.resolve(group, id) else {
            return;
        };
        let schema = group.get(id);
        if depth > DEPTH {
            return self.find(Reason::Type, node.span, "nests too deep to be checked");
        }
        if node.value == Value::Null {
            if !schema.nullable && !schema.types.is_empty() {
                self.wrong_type(schema, node);
            }
            return;
        }
        if !schema.values.is_empty() && !schema.values.iter().any(|v| equals(v, node)) {
            let supported: Vec<&str> = schema.values.iter().map(|v| &**v).collect();
            let message = format!(
                "Unsupported value: {}: supported values: {}",
                shown(node),
                supported.join(", ")
            );
            self.find(Reason::Value, node.span, message);
        }
        if !fits(schema, node) {
            return self.wrong_type(schema, node);
        }
        if schema.types.is_empty() && schema.properties.is_empty() && !schema.int_or_string {
            // One of several types, such as a schema or a list of them: the type tells which.
            let fitting = schema.any_of.iter().find(|part| {
                self.resolve(&group, **part).is_some_and(|(group, id)| {
                    let part = group.get(id);
                    !part.types.is_empty() && fits(part, node)
                })
            });
            if let Some(part) = fitting {
                return self.value(&group, *part, node, depth + 1);
            }
        }
        match &node.value {
            Value::String(text) => self.string(&group, schema, node.span, text),
            Value::Int(_) | Value::Float(_) => self.number(schema, node),
            Value::List(elements) => self.list(&group, schema, node, elements, depth),
            Value::Map(entries) => self.map(&group, schema, node, entries, depth),
            _ => {}
        }
        self.logic(&group, schema, node, depth);
        if !schema.rules.is_empty() {
            self.rules(&group, id, node);
        }
    }

    fn wrong_type(&mut self, schema: &Schema, node: &Node) {
        let types: Vec<&str> = if schema.int_or_string {
            vec!["integer", "string"]
        } else {
            schema.types.iter().map(|ty| type_name(*ty)).collect()
        };
        let message = format!(
            "Invalid value: must be of type {}: {:?}",
            types.join(" or "),
            node.type_name()
        );
        self.find(Reason::Type, node.span, message);
        // The API server's strict reader looks for unknown fields before it looks at types.
        if schema.preserve || self.quiet {
            return;
        }
        for (at, element) in node.elements().iter().enumerate() {
            let end = self.push(format_args!("[{at}]"));
            self.strangers(element);
            self.path.truncate(end);
        }
        self.strangers(node);
    }

    /// Reports every field of an object that stands where there can be none.
    fn strangers(&mut self, node: &Node) {
        for entry in node.entries() {
            let end = self.push(format_args!(".{}", entry.key));
            self.find(Reason::Unknown, entry.key_span, UNKNOWN);
            self.path.truncate(end);
        }
    }

    fn string(&mut self, group: &Group, schema: &Schema, span: Span, text: &str) {
        if schema.min_length.is_some() || schema.max_length.is_some() {
            let length = text.chars().count() as u64;
            if let Some(least) = schema.min_length.filter(|n| length < *n) {
                self.find(
                    Reason::Value,
                    span,
                    format!("Invalid value: {text:?}: must be at least {least} chars long"),
                );
            }
            if let Some(most) = schema.max_length.filter(|n| length > *n) {
                self.find(
                    Reason::Value,
                    span,
                    format!("Too long: may not be more than {most} characters"),
                );
            }
        }
        if let Some(pattern) = &schema.pattern
            && group
                .pattern(pattern)
                .is_some_and(|regex| !regex.is_match(text))
        {
            self.find(
                Reason::Value,
                span,
                format!("Invalid value: {text:?}: must match '{pattern}'"),
            );
        }
        if let Some(format) = &schema.format
            && !schema.int_or_string
            && !formats::matches(format, text)
        {
            self.find(
                Reason::Value,
                span,
                format!("Invalid value: {text:?}: must be of type {format}"),
            );
        }
    }

    fn number(&mut self, schema: &Schema, node: &Node) {
        let value = match node.value {
            Value::Int(i) => i as f64,
            Value::Float(f) => f,
            _ => return,
        };
        let range = match schema.format.as_deref() {
            Some("int32") => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Some("int64") => Some((i64::MIN as f64, i64::MAX as f64)),
            _ => None,
        };
        if range.is_some_and(|(least, most)| value < least || value > most) {
            let format = schema.format.as_deref().unwrap_or_default();
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: {value}: must be of type {format}"),
            );
        }
        let bound = |text: &Option<Box<str>>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
        if let Some(least) = bound(&schema.minimum)
            && (value < least || (schema.exclusive_minimum && value == least))
        {
            let than = if schema.exclusive_minimum {
                "greater than"
            } else {
                "greater than or equal to"
            };
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: {value}: must be {than} {least}"),
            );
        }
        if let Some(most) = bound(&schema.maximum)
            && (value > most || (schema.exclusive_maximum && value == most))
        {
            let than = if schema.exclusive_maximum {
                "less than"
            } else {
                "less than or equal to"
            };
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: {value}: must be {than} {most}"),
            );
        }
        if let Some(factor) = bound(&schema.multiple_of)
            && factor != 0.0
            && (value / factor).fract().abs() > 1e-9
        {
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: {value}: must be a multiple of {factor}"),
            );
        }
    }

    fn list(
        &mut self,
        group: &Arc<Group>,
        schema: &Schema,
        node: &Node,
        elements: &[Node],
        depth: usize,
    ) {
        let count = elements.len() as u64;
        if let Some(least) = schema.min_items.filter(|n| count < *n) {
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: {count}: must have at least {least} items"),
            );
        }
        if let Some(most) = schema.max_items.filter(|n| count > *n) {
            self.find(
                Reason::Value,
                node.span,
                format!("Too many: {count}: must have at most {most} items"),
            );
        }
        let unique = schema.unique_items || schema.list_type.is_some();
        let mut seen = rustc_hash::FxHashSet::default();
        for (at, element) in elements.iter().enumerate() {
            let end = self.push(format_args!("[{at}]"));
            if unique {
                let key = match schema.list_type {
                    Some(ListType::Map) => {
                        let keys = schema.list_keys.iter();
                        let keys = keys
                            .filter_map(|k| Some(format!("{:?}:{}", k, element.get(k)?.to_json())));
                        format!("{{{}}}", keys.collect::<Vec<_>>().join(","))
                    }
                    _ => element.to_json().to_string(),
                };
                if seen.contains(&key) {
                    self.find(
                        Reason::Duplicate,
                        element.span,
                        format!("Duplicate value: {key}"),
                    );
                }
                seen.insert(key);
            }
            if let Some(items) = schema.items {
                self.value(group, items, element, depth + 1);
            }
            self.path.truncate(end);
        }
    }

    fn map(
        &mut self,
        group: &Arc<Group>,
        schema: &Schema,
        node: &Node,
        entries: &[Entry],
        depth: usize,
    ) {
        let count = entries.len() as u64;
        if let Some(least) = schema.min_properties.filter(|n| count < *n) {
            self.find(
                Reason::Value,
                node.span,
                format!("Invalid value: must have at least {least} properties"),
            );
        }
        if let Some(most) = schema.max_properties.filter(|n| count > *n) {
            self.find(
                Reason::Value,
                node.span,
                format!("Too many: {count}: must have at most {most} properties"),
            );
        }
        for name in &schema.required {
            if !entries.iter().any(|e| e.key == *name) {
                let end = self.push(format_args!(".{name}"));
                self.find(Reason::Required, node.span, "Required value");
                self.path.truncate(end);
            }
        }
        if schema.embedded {
            self.embedded(node, entries, schema);
        }
        for entry in entries {
            let property = schema.property(&entry.key);
            let end = match property {
                None if schema.additional.is_some() => {
                    self.push(format_args!("{KEY}{}{KEY_END}", entry.key))
                }
                _ => self.push_field(&entry.key),
            };
            match (property, schema.additional) {
                (Some(id), _) | (None, Some(Additional::Schema(id))) => {
                    self.value(group, id, &entry.value, depth + 1);
                }
                (None, Some(Additional::Allowed(true))) => {}
                (None, _) => {
                    let anything = schema.types.is_empty() && schema.properties.is_empty();
                    let known = schema.preserve
                        || anything
                        || self.quiet
                        || (schema.embedded
                            && ["apiVersion", "kind", "metadata"].contains(&&*entry.key));
                    if !known {
                        let near = nearest(&entry.key, schema);
                        let help = near.map(|name| format!("did you mean `{name}`?"));
                        let found =
                            Finding::new(Reason::Unknown, entry.key_span, self.path(), UNKNOWN);
                        self.report(Finding { help, ..found });
                    }
                }
            }
            self.path.truncate(end);
        }
    }

    /// An object inside of an object says what it is.
    fn embedded(&mut self, node: &Node, entries: &[Entry], schema: &Schema) {
        for name in ["apiVersion", "kind"] {
            let value = entries.iter().find(|e| &*e.key == name);
            if !schema.required.iter().any(|r| &**r == name)
                && value.is_none_or(|e| e.value.str().is_none_or(str::is_empty))
            {
                let end = self.push(format_args!(".{name}"));
                self.find(Reason::Required, node.span, "Required value");
                self.path.truncate(end);
            }
        }
    }

    fn logic(&mut self, group: &Arc<Group>, schema: &Schema, node: &Node, depth: usize) {
        if schema.int_or_string {
            return;
        }
        for part in &schema.all_of {
            let matched = self.matches(group, *part, node, depth);
            if !matched {
                self.find(
                    Reason::Value,
                    node.span,
                    "Invalid value: must validate all the schemas (allOf)",
                );
            }
        }
        if !schema.any_of.is_empty()
            && !schema
                .any_of
                .iter()
                .any(|s| self.matches(group, *s, node, depth))
        {
            self.find(
                Reason::Value,
                node.span,
                "Invalid value: must validate at least one schema (anyOf)",
            );
        }
        if !schema.one_of.is_empty() {
            let count = schema
                .one_of
                .iter()
                .filter(|s| self.matches(group, **s, node, depth))
                .count();
            if count != 1 {
                let message = format!(
                    "Invalid value: must validate one and only one schema (oneOf), not {count}"
                );
                self.find(Reason::Value, node.span, message);
            }
        }
        if schema
            .not
            .is_some_and(|not| self.matches(group, not, node, depth))
        {
            self.find(
                Reason::Value,
                node.span,
                "Invalid value: must not validate the schema (not)",
            );
        }
    }

    fn matches(&self, group: &Arc<Group>, id: Id, node: &Node, depth: usize) -> bool {
        let mut walk = Walk {
            quiet: true,
            path: String::new(),
            findings: Vec::new(),
            ..*self
        };
        walk.value(group, id, node, depth + 1);
        walk.findings.is_empty()
    }

    fn find(&mut self, reason: Reason, span: Span, message: impl Into<String>) {
        let found = Finding::new(reason, span, self.path(), message);
        self.report(found);
    }
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Null => "null",
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::String => "string",
        Type::Array => "array",
        Type::Object => "object",
    }
}

fn fits(schema: &Schema, node: &Node) -> bool {
    if schema.int_or_string {
        return matches!(node.value, Value::Int(_) | Value::String(_));
    }
    match &node.value {
        Value::Null => schema.nullable || schema.allows(Type::Null),
        Value::Bool(_) => schema.allows(Type::Boolean),
        Value::Int(_) => schema.allows(Type::Integer) || schema.allows(Type::Number),
        Value::Float(f) => {
            schema.allows(Type::Number) || (schema.allows(Type::Integer) && f.fract() == 0.0)
        }
        Value::String(_) => schema.allows(Type::String),
        Value::List(_) => schema.allows(Type::Array),
        Value::Map(_) => schema.allows(Type::Object),
    }
}

fn equals(text: &str, node: &Node) -> bool {
    match &node.value {
        Value::String(s) => {
            text.starts_with('"') && serde_json::from_str::<String>(text).is_ok_and(|t| *t == **s)
        }
        Value::Int(i) => text.parse() == Ok(*i) || text.parse() == Ok(*i as f64),
        Value::Float(f) => text.parse() == Ok(*f),
        Value::Bool(b) => text == if *b { "true" } else { "false" },
        Value::Null => text == "null",
        _ => {
            let json = node.to_json().to_string();
            text == json.as_str()
        }
    }
}

fn shown(node: &Node) -> String {
    match &node.value {
        Value::Map(_) | Value::List(_) => node.type_name().to_owned(),
        _ => node.to_json().to_string(),
    }
}

/// The property whose name is most like a misspelt one.
fn nearest<'a>(name: &str, schema: &'a Schema) -> Option<&'a str> {
    let names = schema
        .properties
        .iter()
        .map(|(n, _)| (distance(name, n), &**n));
    names
        .filter(|(d, n)| *d <= 1 + n.len() / 4)
        .min()
        .map(|(_, n)| n)
}

/// How many letters have to be changed; the case of a letter does not count.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX / 2;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
