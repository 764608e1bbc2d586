//! Structural schemas, as CustomResourceDefinitions have to have them.
//!
//! Fields and elements of all alternatives stand together in one tree of properties, with their types; what the
//! alternatives say beyond that is added to it.

use super::super::arguments::Result;
use super::formats;
use super::object::Object;
use super::writer::{Builder, Writer};
use holos_lang::value::builtin::Kind;
use holos_lang::value::schema::{Form, SchemaRef};
use std::sync::Arc;

/// What is found of a value that has fields or elements.
pub(super) struct Structure {
    kind: Kind,
    /// The values that it may be.
    pub values: Vec<SchemaRef>,
    properties: Vec<(Arc<str>, usize)>,
    pub items: Option<usize>,
}

impl Default for Structure {
    fn default() -> Structure {
        Structure {
            kind: Kind::NONE,
            values: Vec::new(),
            properties: Vec::new(),
            items: None,
        }
    }
}

impl Structure {
    pub(super) fn property(&self, label: &str) -> Option<usize> {
        let mut properties = self.properties.iter();
        let found = properties.find(|(own, _)| &**own == label);
        found.map(|(_, builder)| *builder)
    }
}

impl Writer<'_> {
    pub(super) fn structural_schema(&mut self, value: SchemaRef) -> Result<Object> {
        let at = self.builder(Builder::default());
        self.gather(at, value)?;
        self.core_schema(at)?;
        self.fill(at, value)
    }

    /// Finds the properties of a value and of all that it is put together of.
    fn gather(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        self.within(value, |writer| writer.gather_inner(at, value))
    }

    fn gather_inner(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        self.describe(at, value);
        let format = formats::format_of(self.reader, value);
        let mut value = value;
        if format.is_some() {
            self.builders[at].format = format;
        } else {
            value = self.reader.evaluated(value);
            let kind = self.reader.kind(value);
            self.builders[at].structure.kind = kind;
            let any = match kind {
                Kind::STRUCT => self.reader.any_field(value),
                Kind::LIST => self.reader.any_element(value),
                _ => None,
            };
            if let Some(any) = any {
                self.refuse_cycle(any)?;
                let items = match self.builders[at].structure.items {
                    Some(items) => items,
                    None => {
                        let items = self.builder(Builder::default());
                        self.builders[at].structure.items = Some(items);
                        items
                    }
                };
                self.gather(items, any)?;
            }
            if kind == Kind::STRUCT {
                self.gather_fields(at, value)?;
            }
        }
        let known = self.builders[at].structure.values.clone();
        if !known
            .into_iter()
            .any(|other| self.reader.same(other, value))
        {
            self.builders[at].structure.values.push(value);
        }
        Ok(())
    }

    fn gather_fields(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        if let Form::All(parts) | Form::Any(parts) = self.reader.form(value) {
            for part in parts {
                self.gather(at, part)?;
            }
        }
        for field in self.reader.fields(value) {
            if field.definition {
                continue;
            }
            let property = match self.builders[at].structure.property(&field.label) {
                Some(property) => property,
                None => {
                    let property = self.builder(Builder::default());
                    let structure = &mut self.builders[at].structure;
                    structure.properties.push((field.label.clone(), property));
                    property
                }
            };
            self.gather(property, field.value)?;
        }
        Ok(())
    }

    fn named_core_schema(&mut self, name: &str, at: usize) -> Result<Object> {
        self.path.push(name.into());
        let schema = self.core_schema(at);
        self.path.pop();
        schema
    }

    /// The part of a schema that says which properties there are.
    fn core_schema(&mut self, at: usize) -> Result<Object> {
        let structure = &self.builders[at].structure;
        let (kind, items) = (structure.kind, structure.items);
        match kind {
            Kind::LIST => {
                if let Some(items) = items {
                    self.builders[at].set_type("array");
                    let schema = self.named_core_schema("*", items)?;
                    self.builders[at].set_single("items", schema);
                }
            }
            Kind::STRUCT => {
                let properties = structure.properties.clone();
                let mut schemas = Object::default();
                for (label, property) in properties {
                    let schema = self.named_core_schema(&label, property)?;
                    schemas.set(&label, schema);
                }
                if !schemas.is_empty() || items.is_some() {
                    self.builders[at].set_type("object");
                }
                if !schemas.is_empty() {
                    self.builders[at].set_single("properties", schemas);
                }
                if let Some(items) = items {
                    let schema = self.named_core_schema("*", items)?;
                    self.builders[at].set_single("additionalProperties", schema);
                }
            }
            _ => {}
        }
        // A value that is not one of several says all there is to be said.
        if let [value] = self.builders[at].structure.values[..] {
            return self.fill(at, value);
        }
        Ok(self.finish(at))
    }
}
