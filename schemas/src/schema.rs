//! The schema of a value, as OpenAPI, CustomResourceDefinitions and JSON Schema say it.
//!
//! Schemas live in a [`Pool`], each distinct one once: two shapes are identical exactly when their
//! [`Id`]s are. That is how shared shapes are found, and why the validator's data is small.

use crate::yaml::{Node, Value};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place};
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};

/// A schema in a [`Pool`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub u32);

/// The JSON types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// How list elements are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListType {
    Set,
    Map,
}

/// What keys beyond the named properties may hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Additional {
    Allowed(bool),
    Schema(Id),
}

/// A rule in the Common Expression Language (`x-kubernetes-validations`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    pub rule: Box<str>,
    #[serde(skip_serializing_if = "str_is_empty")]
    pub message: Box<str>,
    #[serde(skip_serializing_if = "str_is_empty")]
    pub message_expression: Box<str>,
    #[serde(skip_serializing_if = "str_is_empty")]
    pub field_path: Box<str>,
    #[serde(skip_serializing_if = "is_default")]
    pub optional_old_self: bool,
}

/// One schema; what it does not say is the default value of the field.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Schema {
    /// The types allowed; empty allows every type.
    #[serde(skip_serializing_if = "is_default")]
    pub types: Vec<Type>,
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<Box<str>>,
    /// Sorted by name.
    #[serde(skip_serializing_if = "is_default")]
    pub properties: Vec<(Box<str>, Id)>,
    #[serde(skip_serializing_if = "is_default")]
    pub required: Vec<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub additional: Option<Additional>,
    #[serde(skip_serializing_if = "is_default")]
    pub items: Option<Id>,
    /// The values allowed, as JSON text.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Vec<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub format: Option<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub pattern: Option<Box<str>>,
    /// A number, as JSON text.
    #[serde(skip_serializing_if = "is_default")]
    pub minimum: Option<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub maximum: Option<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_minimum: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_maximum: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub multiple_of: Option<Box<str>>,
    /// In Unicode characters.
    #[serde(skip_serializing_if = "is_default")]
    pub min_length: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub max_length: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub min_items: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub max_items: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub unique_items: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub min_properties: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub max_properties: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub nullable: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`
    #[serde(skip_serializing_if = "is_default")]
    pub preserve: bool,
    /// `x-kubernetes-embedded-resource`
    #[serde(skip_serializing_if = "is_default")]
    pub embedded: bool,
    /// As JSON text.
    #[serde(skip_serializing_if = "is_default")]
    pub default: Option<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub list_type: Option<ListType>,
    #[serde(skip_serializing_if = "is_default")]
    pub list_keys: Vec<Box<str>>,
    #[serde(skip_serializing_if = "is_default")]
    pub rules: Vec<Rule>,
    #[serde(skip_serializing_if = "is_default")]
    pub all_of: Vec<Id>,
    #[serde(skip_serializing_if = "is_default")]
    pub any_of: Vec<Id>,
    #[serde(skip_serializing_if = "is_default")]
    pub one_of: Vec<Id>,
    #[serde(skip_serializing_if = "is_default")]
    pub not: Option<Id>,
    /// The name of the definition that is meant, as the document spells it after its last `/`.
    #[serde(skip_serializing_if = "is_default")]
    pub reference: Option<Box<str>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn str_is_empty(text: &str) -> bool {
    text.is_empty()
}

impl Schema {
    /// Whether a type is allowed.
    pub fn allows(&self, ty: Type) -> bool {
        self.types.is_empty() || self.types.contains(&ty)
    }

    /// The schema under a property's name.
    pub fn property(&self, name: &str) -> Option<Id> {
        let at = self
            .properties
            .binary_search_by(|(n, _)| (**n).cmp(name))
            .ok()?;
        Some(self.properties[at].1)
    }

    /// Every schema this one mentions, in a fixed order, with a way to replace it.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Id> {
        let additional = match &mut self.additional {
            Some(Additional::Schema(id)) => Some(id),
            _ => None,
        };
        self.properties
            .iter_mut()
            .map(|(_, id)| id)
            .chain(additional)
            .chain(&mut self.items)
            .chain(&mut self.all_of)
            .chain(&mut self.any_of)
            .chain(&mut self.one_of)
            .chain(&mut self.not)
    }
}

/// All distinct schemas of an import. A schema comes after those it mentions.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    schemas: IndexSet<Schema>,
}

impl Pool {
    /// The id of a schema, which is added unless an equal one is there.
    pub fn add(&mut self, schema: Schema) -> Id {
        Id(self.schemas.insert_full(schema).0 as u32)
    }

    /// The schema of an id.
    pub fn get(&self, id: Id) -> &Schema {
        &self.schemas[id.0 as usize]
    }

    /// The number of schemas.
    pub fn len(&self) -> usize {
        self.schemas.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.schemas.is_empty()
    }

    /// All schemas in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.iter()
    }

    /// Copies a schema and all it mentions from another pool, changing each by `change` on the way,
    /// which gets the schema's id in the other pool as well.
    pub fn adopt(&mut self, other: &Pool, id: Id, change: &mut dyn FnMut(Id, &mut Schema)) -> Id {
        let mut schema = other.get(id).clone();
        for child in schema.children_mut() {
            *child = self.adopt(other, *child, change);
        }
        change(id, &mut schema);
        self.add(schema)
    }
}

/// Reads schemas from documents.
pub struct SchemaReader<'a> {
    pub pool: &'a mut Pool,
    pub file: FileId,
    /// Whether descriptions are kept.
    pub docs: bool,
    /// Whether objects may have more properties than those named, unless they say otherwise.
    pub open: bool,
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

impl SchemaReader<'_> {
    /// Reads one schema; what cannot be read is reported and means "anything".
    pub fn read(&mut self, node: &Node) -> Id {
        let schema = match &node.value {
            Value::Map(_) => self.schema(node),
            Value::Bool(true) => Schema::default(),
            Value::Bool(false) => Schema {
                not: Some(self.pool.add(Schema::default())),
                ..Schema::default()
            },
            _ => {
                self.wrong(node, "a schema");
                Schema::default()
            }
        };
        self.pool.add(schema)
    }

    fn schema(&mut self, node: &Node) -> Schema {
        let mut schema = Schema::default();
        for entry in node.entries() {
            self.keyword(&mut schema, &entry.key, &entry.value);
        }
        if let [only] = schema.all_of[..]
            && schema
                == (Schema {
                    all_of: vec![only],
                    default: schema.default.clone(),
                    ..Schema::default()
                })
        {
            // OpenAPI v3 wraps a reference in `allOf` to give it a default.
            return Schema {
                default: schema.default,
                ..self.pool.get(only).clone()
            };
        }
        let object = schema.types.contains(&Type::Object) || !schema.properties.is_empty();
        if self.open && object && schema.additional.is_none() {
            schema.additional = Some(Additional::Allowed(true));
        }
        schema.properties.sort();
        schema.required.sort();
        schema.required.dedup();
        schema
    }

    fn keyword(&mut self, schema: &mut Schema, key: &str, node: &Node) {
        match key {
            "type" => schema.types = self.types(node, &mut schema.nullable),
            "description" if self.docs => schema.description = self.string(node),
            "properties" => {
                schema.properties = node
                    .entries()
                    .iter()
                    .map(|e| (e.key.clone(), self.read(&e.value)))
                    .collect();
            }
            "required" => schema.required = self.strings(node),
            "additionalProperties" => {
                schema.additional = Some(match node.value {
                    Value::Bool(allowed) => Additional::Allowed(allowed),
                    _ => Additional::Schema(self.read(node)),
                });
            }
            "items" => schema.items = Some(self.read(node)),
            "enum" => schema.values = node.elements().iter().map(json).collect(),
            "const" => schema.values = vec![json(node)],
            "format" => schema.format = self.string(node),
            "pattern" => schema.pattern = self.string(node),
            "minimum" => schema.minimum = self.number(node),
            "maximum" => schema.maximum = self.number(node),
            "exclusiveMinimum" => {
                (schema.exclusive_minimum, schema.minimum) =
                    self.exclusive(node, schema.minimum.take());
            }
            "exclusiveMaximum" => {
                (schema.exclusive_maximum, schema.maximum) =
                    self.exclusive(node, schema.maximum.take());
            }
            "multipleOf" => schema.multiple_of = self.number(node),
            "minLength" => schema.min_length = self.count(node),
            "maxLength" => schema.max_length = self.count(node),
            "minItems" => schema.min_items = self.count(node),
            "maxItems" => schema.max_items = self.count(node),
            "uniqueItems" => schema.unique_items = self.flag(node),
            "minProperties" => schema.min_properties = self.count(node),
            "maxProperties" => schema.max_properties = self.count(node),
            "nullable" => schema.nullable |= self.flag(node),
            "default" => schema.default = Some(json(node)),
            "allOf" => schema.all_of = self.list(node),
            "anyOf" => schema.any_of = self.list(node),
            "oneOf" => schema.one_of = self.list(node),
            "not" => schema.not = Some(self.read(node)),
            "$ref" => {
                let target = self.string(node).unwrap_or_default();
                let name = target.rsplit('/').next().unwrap_or_default();
                schema.reference = Some(if target.ends_with('#') {
                    "#".into()
                } else {
                    name.into()
                });
            }
            "x-kubernetes-int-or-string" => schema.int_or_string = self.flag(node),
            "x-kubernetes-preserve-unknown-fields" => schema.preserve = self.flag(node),
            "x-kubernetes-embedded-resource" => schema.embedded = self.flag(node),
            "x-kubernetes-list-type" => {
                schema.list_type = match node.str() {
                    Some("set") => Some(ListType::Set),
                    Some("map") => Some(ListType::Map),
                    _ => None,
                };
            }
            "x-kubernetes-list-map-keys" => schema.list_keys = self.strings(node),
            "x-kubernetes-validations" => {
                schema.rules = node.elements().iter().map(rule).collect();
            }
            // Facts about merging, and the words of people.
            _ => {}
        }
    }

    fn types(&mut self, node: &Node, nullable: &mut bool) -> Vec<Type> {
        let single = std::slice::from_ref(node);
        let names = if let Value::List(list) = &node.value {
            &list[..]
        } else {
            single
        };
        let mut types = Vec::new();
        for name in names {
            match name.str() {
                Some("boolean") => types.push(Type::Boolean),
                Some("integer") => types.push(Type::Integer),
                Some("number") => types.push(Type::Number),
                Some("string") => types.push(Type::String),
                Some("array") => types.push(Type::Array),
                Some("object") => types.push(Type::Object),
                Some("null") if names.len() > 1 => *nullable = true,
                Some("null") => types.push(Type::Null),
                _ => self.wrong(
                    name,
                    "a type: one of string, integer, number, boolean, array, object, null",
                ),
            }
        }
        types
    }

    fn wrong(&mut self, node: &Node, expected: &str) {
        let place = Place {
            file: self.file,
            span: node.span,
        };
        let message = format!(
            "this schema is broken: expected {expected}, found {}",
            node.type_name()
        );
        self.diagnostics
            .push(Diagnostic::error(Code(510), message).label(place, "here"));
    }

    fn string(&mut self, node: &Node) -> Option<Box<str>> {
        if node.str().is_none() {
            self.wrong(node, "a string");
        }
        node.str().map(Box::from)
    }

    fn strings(&mut self, node: &Node) -> Vec<Box<str>> {
        node.elements()
            .iter()
            .filter_map(|e| self.string(e))
            .collect()
    }

    fn list(&mut self, node: &Node) -> Vec<Id> {
        node.elements().iter().map(|e| self.read(e)).collect()
    }

    fn number(&mut self, node: &Node) -> Option<Box<str>> {
        match node.value {
            Value::Int(i) => Some(i.to_string().into()),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e15 => {
                Some((f as i64).to_string().into())
            }
            Value::Float(f) => Some(f.to_string().into()),
            _ => {
                self.wrong(node, "a number");
                None
            }
        }
    }

    /// Before draft 6 a flag beside the bound, since then a bound of its own.
    fn exclusive(&mut self, node: &Node, bound: Option<Box<str>>) -> (bool, Option<Box<str>>) {
        match node.bool() {
            Some(exclusive) => (exclusive, bound),
            None => (true, self.number(node)),
        }
    }

    fn count(&mut self, node: &Node) -> Option<u64> {
        if node.unsigned().is_none() {
            self.wrong(node, "a count");
        }
        node.unsigned()
    }

    fn flag(&mut self, node: &Node) -> bool {
        if node.bool().is_none() {
            self.wrong(node, "true or false");
        }
        node.bool().unwrap_or_default()
    }
}

fn rule(node: &Node) -> Rule {
    let text = |key: &str| node.get(key).and_then(Node::str).unwrap_or_default().into();
    Rule {
        rule: text("rule"),
        message: text("message"),
        message_expression: text("messageExpression"),
        field_path: text("fieldPath"),
        optional_old_self: node
            .get("optionalOldSelf")
            .and_then(Node::bool)
            .unwrap_or_default(),
    }
}

fn json(node: &Node) -> Box<str> {
    node.to_json().to_string().into()
}
