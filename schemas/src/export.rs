//! Schemas out: the kinds of a package as CustomResourceDefinitions, OpenAPI or JSON Schema, rules and defaults
//! included. What was imported is exported as it was read.

use crate::import::Import;
use crate::schema::{Additional, Id, ListType, Rule, Schema, Type};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where references nest deeper than this, they are recursive, and anything is allowed there.
const DEPTH: usize = 64;

/// What schemas are written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// CustomResourceDefinitions, one a kind.
    Crd,
    /// One OpenAPI 3.0 document.
    Openapi,
    /// One JSON Schema a kind.
    Jsonschema,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Format, String> {
        match name {
            "crd" => Ok(Format::Crd),
            "openapi" => Ok(Format::Openapi),
            "jsonschema" => Ok(Format::Jsonschema),
            _ => Err(format!("{name} is none of crd, openapi, jsonschema")),
        }
    }
}

/// A kind of object, and what its schema is read from.
pub(crate) struct Exported<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) namespaced: bool,
    pub(crate) schema: Id,
    pub(crate) source: &'a dyn Source,
}

/// Where schemas are.
pub(crate) trait Source {
    /// The schema of an id.
    fn schema(&self, id: Id) -> &Schema;
    /// The schema that a name in `$ref` stands for, and where those it mentions are.
    fn named(&self, name: &str) -> Option<(Box<dyn Source + '_>, Id)>;
}

impl Source for &Import {
    fn schema(&self, id: Id) -> &Schema {
        self.pool.get(id)
    }

    fn named(&self, name: &str) -> Option<(Box<dyn Source + '_>, Id)> {
        let found = self.definitions.iter().find(|(n, _)| n == name)?;
        Some((Box::new(*self), found.1))
    }
}

impl Import {
    /// Every kind of the import, in another format.
    pub fn export(&self, format: Format) -> Vec<Value> {
        let kinds = self.packages.iter().flat_map(|p| &p.kinds);
        let kinds = kinds.map(|kind| Exported {
            api_version: &kind.api_version,
            kind: &kind.kind,
            namespaced: kind.namespaced,
            schema: kind.schema,
            source: &self,
        });
        documents(format, &kinds.collect::<Vec<_>>())
    }
}

/// The documents that describe some kinds.
pub(crate) fn documents(format: Format, kinds: &[Exported<'_>]) -> Vec<Value> {
    match format {
        Format::Crd => definitions(kinds),
        Format::Openapi => vec![openapi(kinds)],
        Format::Jsonschema => kinds
            .iter()
            .map(|kind| {
                let mut schema = root(format, kind);
                schema.insert("title".into(), kind.kind.into());
                let version = "https://json-schema.org/draft/2020-12/schema";
                schema.insert("$schema".into(), version.into());
                Value::Object(schema)
            })
            .collect(),
    }
}

fn split(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

fn openapi(kinds: &[Exported<'_>]) -> Value {
    let mut schemas = Map::new();
    for kind in kinds {
        let (group, version) = split(kind.api_version);
        let mut parts: Vec<&str> = group.split('.').rev().filter(|p| !p.is_empty()).collect();
        parts.extend([version, kind.kind]);
        schemas.insert(parts.join("."), Value::Object(root(Format::Openapi, kind)));
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Schemas", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
    })
}

/// One definition for all versions of a kind; the newest is the one that is stored.
fn definitions(kinds: &[Exported<'_>]) -> Vec<Value> {
    let mut by_kind: BTreeMap<(&str, &str), Vec<&Exported<'_>>> = BTreeMap::new();
    for kind in kinds {
        let group = split(kind.api_version).0;
        by_kind.entry((group, kind.kind)).or_default().push(kind);
    }
    let definition = |((group, kind), mut versions): ((&str, &str), Vec<&Exported<'_>>)| {
        versions.sort_by_key(|v| std::cmp::Reverse(age(split(v.api_version).1)));
        let singular = kind.to_lowercase();
        let plural = plural(&singular);
        let scope = if versions[0].namespaced {
            "Namespaced"
        } else {
            "Cluster"
        };
        let list: Vec<Value> = (versions.iter().enumerate())
            .map(|(at, version)| {
                let schema = root(Format::Crd, version);
                let name = split(version.api_version).1;
                json!({
                    "name": name, "served": true, "storage": at == 0,
                    "schema": {"openAPIV3Schema": schema},
                })
            })
            .collect();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group,
                "names": {
                    "kind": kind, "listKind": format!("{kind}List"),
                    "plural": plural, "singular": singular,
                },
                "scope": scope,
                "versions": list,
            },
        })
    };
    by_kind.into_iter().map(definition).collect()
}

/// Sorts versions as Kubernetes does: stable ones last, then by number.
fn age(version: &str) -> (u8, u64, u64) {
    let rest = version.strip_prefix('v').unwrap_or(version);
    let (major, stage, minor) = match rest.find(|c: char| !c.is_ascii_digit()) {
        None => (rest, 2, ""),
        Some(at) => {
            let (major, stage) = rest.split_at(at);
            match (stage.strip_prefix("beta"), stage.strip_prefix("alpha")) {
                (Some(minor), _) => (major, 1, minor),
                (_, minor) => (major, 0, minor.unwrap_or_default()),
            }
        }
    };
    let number = |text: &str| text.parse().unwrap_or_default();
    (stage, number(major), number(minor))
}

fn plural(singular: &str) -> String {
    let vowel = |c: char| "aeiou".contains(c);
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(vowel) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"]
            .iter()
            .any(|end| singular.ends_with(end)) =>
        {
            format!("{singular}es")
        }
        _ => format!("{singular}s"),
    }
}

/// The schema of whole objects: what they say of themselves is not theirs to close.
fn root(format: Format, kind: &Exported<'_>) -> Map<String, Value> {
    let writer = Writer {
        format,
        logic: false,
    };
    let mut schema = writer.schema(kind.source, kind.schema, 0);
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(properties) = properties {
        for name in ["apiVersion", "kind"] {
            properties
                .entry(name)
                .or_insert_with(|| json!({"type": "string"}));
        }
        match properties.get_mut("metadata") {
            Some(Value::Object(metadata)) => {
                metadata.remove("additionalProperties");
            }
            _ => {
                properties.insert("metadata".into(), json!({"type": "object"}));
            }
        }
    }
    if format != Format::Crd {
        let (group, version) = split(kind.api_version);
        let is = json!([{"group": group, "version": version, "kind": kind.kind}]);
        schema.insert("x-kubernetes-group-version-kind".into(), is);
        if !kind.namespaced {
            schema.insert("x-kubernetes-scope".into(), "Cluster".into());
        }
    }
    schema
}

#[derive(Clone, Copy)]
struct Writer {
    format: Format,
    /// Whether values are only narrowed, as inside of `anyOf`.
    logic: bool,
}

impl Writer {
    fn value(self, source: &dyn Source, id: Id, depth: usize) -> Value {
        Value::Object(self.schema(source, id, depth))
    }

    fn schema(self, source: &dyn Source, id: Id, depth: usize) -> Map<String, Value> {
        let schema = source.schema(id);
        if let Some(name) = &schema.reference {
            return match source.named(name).filter(|_| depth < DEPTH) {
                Some((source, id)) => self.schema(&*source, id, depth + 8),
                None => self.anything(),
            };
        }
        let mut out = Map::new();
        self.types(schema, &mut out);
        self.scalars(schema, &mut out);
        self.object(source, schema, depth, &mut out);
        if let Some(items) = schema.items {
            out.insert("items".into(), self.value(source, items, depth + 1));
        }
        self.extensions(schema, &mut out);
        let inside = Writer {
            logic: true,
            ..self
        };
        let parts = [
            ("allOf", &schema.all_of),
            ("anyOf", &schema.any_of),
            ("oneOf", &schema.one_of),
        ];
        for (key, parts) in parts.into_iter().filter(|(_, parts)| !parts.is_empty()) {
            let parts = parts.iter().map(|id| inside.value(source, *id, depth + 1));
            out.insert(key.into(), parts.collect());
        }
        if let Some(not) = schema.not {
            out.insert("not".into(), inside.value(source, not, depth + 1));
        }
        out
    }

    fn anything(self) -> Map<String, Value> {
        let mut out = Map::new();
        if self.format == Format::Crd && !self.logic {
            out.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
        }
        out
    }

    fn types(self, schema: &Schema, out: &mut Map<String, Value>) {
        let name = |ty: &Type| serde_json::to_value(ty).unwrap_or_default();
        let mut types: Vec<Value> = schema.types.iter().map(name).collect();
        let nullable = schema.nullable && !types.is_empty();
        if nullable && self.format == Format::Jsonschema {
            types.push("null".into());
        } else if schema.nullable {
            out.insert("nullable".into(), true.into());
        }
        match &types[..] {
            [] if self.format == Format::Crd && !self.logic && !schema.int_or_string => {
                // What has no type must say that it may be anything.
                out.extend(self.anything());
            }
            [] => {}
            [only] => {
                out.insert("type".into(), only.clone());
            }
            _ => {
                out.insert("type".into(), Value::Array(types));
            }
        }
    }

    fn scalars(self, schema: &Schema, out: &mut Map<String, Value>) {
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let texts = [
            ("description", &schema.description),
            ("format", &schema.format),
            ("pattern", &schema.pattern),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                out.insert(key.into(), (**text).into());
            }
        }
        let bounds = [
            (
                "minimum",
                "exclusiveMinimum",
                &schema.minimum,
                schema.exclusive_minimum,
            ),
            (
                "maximum",
                "exclusiveMaximum",
                &schema.maximum,
                schema.exclusive_maximum,
            ),
        ];
        for (key, exclusive_key, bound, exclusive) in bounds {
            let Some(bound) = bound else { continue };
            let separate = exclusive && self.format == Format::Jsonschema;
            let key = if separate { exclusive_key } else { key };
            out.insert(key.into(), parsed(bound));
            if exclusive && !separate {
                out.insert(exclusive_key.into(), true.into());
            }
        }
        if let Some(factor) = &schema.multiple_of {
            out.insert("multipleOf".into(), parsed(factor));
        }
        let counts = [
            ("minLength", schema.min_length),
            ("maxLength", schema.max_length),
            ("minItems", schema.min_items),
            ("maxItems", schema.max_items),
            ("minProperties", schema.min_properties),
            ("maxProperties", schema.max_properties),
        ];
        for (key, count) in counts {
            if let Some(count) = count {
                out.insert(key.into(), count.into());
            }
        }
        if schema.unique_items {
            // The API server takes no `uniqueItems`; a set is the same.
            let (key, value) = match self.format {
                Format::Crd => ("x-kubernetes-list-type", json!("set")),
                _ => ("uniqueItems", json!(true)),
            };
            out.insert(key.into(), value);
        }
        if !schema.values.is_empty() {
            let values = schema.values.iter().map(|v| parsed(v));
            out.insert("enum".into(), values.collect());
        }
        if let Some(default) = &schema.default {
            out.insert("default".into(), parsed(default));
        }
    }

    fn object(
        self,
        source: &dyn Source,
        schema: &Schema,
        depth: usize,
        out: &mut Map<String, Value>,
    ) {
        if !schema.properties.is_empty() {
            let properties = schema.properties.iter();
            let properties =
                properties.map(|(name, id)| (name.to_string(), self.value(source, *id, depth + 1)));
            out.insert("properties".into(), Value::Object(properties.collect()));
        }
        if !schema.required.is_empty() {
            let required = schema.required.iter().map(|name| Value::from(&**name));
            out.insert("required".into(), required.collect());
        }
        let object = schema.types.contains(&Type::Object) || !schema.properties.is_empty();
        let closed = object && !schema.preserve && !schema.embedded && !self.logic;
        let additional = match schema.additional {
            Some(Additional::Schema(id)) => Some(self.value(source, id, depth + 1)),
            Some(Additional::Allowed(true)) if self.format == Format::Crd => {
                out.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
                None
            }
            Some(Additional::Allowed(true)) => Some(true.into()),
            // Structural schemas are closed without saying it.
            _ if closed && self.format != Format::Crd => Some(false.into()),
            _ => None,
        };
        if let Some(additional) = additional {
            out.insert("additionalProperties".into(), additional);
        }
    }

    fn extensions(self, schema: &Schema, out: &mut Map<String, Value>) {
        let flags = [
            ("x-kubernetes-int-or-string", schema.int_or_string),
            ("x-kubernetes-preserve-unknown-fields", schema.preserve),
            ("x-kubernetes-embedded-resource", schema.embedded),
        ];
        for (key, _) in flags.into_iter().filter(|(_, set)| *set) {
            out.insert(key.into(), true.into());
        }
        if let Some(list) = schema.list_type {
            let name = match list {
                ListType::Set => "set",
                ListType::Map => "map",
            };
            out.insert("x-kubernetes-list-type".into(), name.into());
        }
        if !schema.list_keys.is_empty() {
            let keys = schema.list_keys.iter().map(|key| Value::from(&**key));
            out.insert("x-kubernetes-list-map-keys".into(), keys.collect());
        }
        if !schema.rules.is_empty() {
            let rules = schema.rules.iter().map(rule);
            out.insert("x-kubernetes-validations".into(), rules.collect());
        }
    }
}

fn rule(rule: &Rule) -> Value {
    let mut out = Map::new();
    let texts = [
        ("rule", &rule.rule),
        ("message", &rule.message),
        ("messageExpression", &rule.message_expression),
        ("fieldPath", &rule.field_path),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(key.into(), (**text).into());
    }
    if rule.optional_old_self {
        out.insert("optionalOldSelf".into(), true.into());
    }
    Value::Object(out)
}
