//! From definitions to an OpenAPI document.
//!
//! A schema is put together from the parts of a value as it is written: a reference becomes a `$ref`, what several
//! declarations say becomes an `allOf`, alternatives become an `enum` or a `oneOf`. Where references are expanded, the
//! schema is a structural one ([`super::structural`]).

use super::super::arguments::{Result, error};
use super::constraints::type_of;
use super::formats;
use super::object::Object;
use holos_lang::syntax::tree::Presence;
use holos_lang::value::Data;
use holos_lang::value::builtin::{CallError, Kind};
use holos_lang::value::schema::{Form, Instance, SchemaField, SchemaReader, SchemaRef};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How deep schemas may nest.
const DEEPEST: usize = 200;
/// How many schemas a document may have, those inside of others included.
const MOST_SCHEMAS: usize = 1 << 18;
/// How many alternatives are compared with each other.
const MOST_COMPARED: usize = 64;

/// Which version of OpenAPI is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    V3_0,
    V3_1,
}

impl Version {
    pub(super) fn named(text: &str) -> Option<Version> {
        match text {
            "3.0.0" => Some(Version::V3_0),
            "3.1.0" => Some(Version::V3_1),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Version::V3_0 => "3.0.0",
            Version::V3_1 => "3.1.0",
        }
    }
}

/// What the document is to be like.
pub(super) struct Options {
    pub version: Version,
    pub info: Option<Data>,
    /// What references lead to stands in their place.
    pub expand: bool,
}

/// The document of the definitions of a struct.
pub(super) fn document(
    reader: &mut dyn SchemaReader,
    schema: SchemaRef,
    options: &Options,
) -> Result<Data> {
    let mut writer = Writer {
        reader,
        options,
        builders: Vec::new(),
        schemas: BTreeMap::new(),
        referenced: BTreeMap::new(),
        path: Vec::new(),
        around: Vec::new(),
        written: 0,
        structural: HashMap::new(),
    };
    if let Some(error) = writer.reader.error(schema) {
        return Err(error);
    }
    let fields = writer.reader.fields(schema);
    for field in &fields {
        if !field.definition || is_internal(field) {
            continue;
        }
        let name = spelt(field);
        let schema = writer.named(&name, field.value)?;
        writer.schemas.insert(name, schema.into());
    }
    writer.follow_references()?;
    let info = writer.info(schema, &fields)?;
    let schemas = writer.schemas.into_iter().collect();
    let components = Object::of("schemas", Data::Struct(schemas));
    let mut document = Object::of("openapi", text(options.version.text()));
    document.set("info", info);
    document.set("paths", Data::Struct(Vec::new().into()));
    document.set("components", components);
    Ok(document.into())
}

/// Definitions that only hold values of others, as those of protocol buffers have.
pub(super) fn is_internal(field: &SchemaField) -> bool {
    field.definition && field.label.ends_with("_value")
}

/// The label without what marks a definition.
pub(super) fn spelt(field: &SchemaField) -> Arc<str> {
    match field.label.strip_prefix('#') {
        Some(rest) if field.definition => rest.into(),
        _ => field.label.clone(),
    }
}

pub(super) fn text(text: &str) -> Data {
    Data::String(text.into())
}

/// The parts of one schema, as they are found.
#[derive(Default)]
pub(super) struct Builder {
    /// The type, and its format.
    pub typed: Option<&'static str>,
    pub format: Option<&'static str>,
    /// What there is one of.
    pub single: Option<Object>,
    /// Each holds what the ones before it hold something else of.
    parts: Vec<Object>,
    current: Option<usize>,
    deprecated: bool,
    /// The builder of the whole, of one that has only a part of it.
    pub core: Option<usize>,
    pub structure: super::structural::Structure,
    /// The schema, once it is there.
    pub filled: Option<Object>,
}

impl Builder {
    pub(super) fn set(&mut self, name: &str, value: impl Into<Data>) {
        let at = match self.current {
            Some(at) if !self.parts[at].has(name) => at,
            _ => {
                self.parts.push(Object::default());
                self.parts.len() - 1
            }
        };
        self.current = Some(at);
        self.parts[at].set(name, value);
    }

    pub(super) fn set_not(&mut self, what: Object) {
        self.parts.push(Object::of("not", what));
    }

    pub(super) fn set_single(&mut self, name: &str, value: impl Into<Data>) {
        self.single.get_or_insert_default().set(name, value);
    }

    pub(super) fn set_type(&mut self, name: &'static str) {
        self.typed.get_or_insert(name);
    }
}

pub(super) struct Writer<'r> {
    pub reader: &'r mut dyn SchemaReader,
    pub options: &'r Options,
    pub builders: Vec<Builder>,
    pub schemas: BTreeMap<Arc<str>, Data>,
    /// What references outside of the schema lead to, by the names they have.
    referenced: BTreeMap<Arc<str>, (Vec<Arc<str>>, SchemaRef)>,
    /// The labels that lead to the schema being written.
    pub path: Vec<Arc<str>>,
    /// The values around the one being written.
    pub around: Vec<SchemaRef>,
    written: usize,
    /// Structural schemas that are there already: a property of a property is asked for by both.
    structural: HashMap<(Vec<Arc<str>>, SchemaRef), Object>,
}

impl Writer<'_> {
    pub(super) fn fail(&mut self, value: SchemaRef, message: impl Into<String>) -> CallError {
        let own = self.reader.error(value);
        self.here(own.unwrap_or_else(|| error(message)))
    }

    /// An error of the schema being written.
    fn here(&self, mut error: CallError) -> CallError {
        error.message = format!("{}: {}", self.path.join("."), error.message);
        error
    }

    /// Adds the schemas that references outside of the schema lead to.
    fn follow_references(&mut self) -> Result<()> {
        let mut done = 0;
        while self.referenced.len() != done {
            done = self.referenced.len();
            for (name, (path, value)) in self.referenced.clone() {
                if self.schemas.contains_key(&name) && path.is_empty() {
                    continue;
                }
                let target = self.reader.target(value);
                let (last, before) = path.split_last().expect("a reference has a path");
                self.path = before.to_vec();
                let schema = self.named(&last.clone(), target)?;
                self.schemas.insert(name, schema.into());
            }
        }
        Ok(())
    }

    fn info(&mut self, schema: SchemaRef, fields: &[SchemaField]) -> Result<Data> {
        let mut info = None;
        let mut version = None;
        for field in fields {
            if field.definition || field.presence != Presence::Regular {
                continue;
            }
            let attributes = self.reader.attributes(field.value);
            let renamed = (attributes.iter())
                .find(|attribute| &*attribute.name == "openapi")
                .and_then(|attribute| attribute.body.split(',').next())
                .map(|name| name.trim().trim_matches('"'))
                .filter(|name| !name.is_empty());
            match renamed.unwrap_or(&field.label) {
                "-" => {}
                "$version" => version = self.reader.data(field.value).ok(),
                "info" => match self.reader.kind(field.value) {
                    Kind::STRUCT => info = Some(field.value),
                    _ => return Err(error("info must be a struct")),
                },
                name => {
                    return Err(error(format!("unsupported top-level field {name:?}")));
                }
            }
        }
        if let Some(info) = &self.options.info {
            return Ok(info.clone());
        }
        let mut out = Object::default();
        if let Some(value) = info {
            match self.reader.data(value)? {
                Data::Struct(fields) => out.0 = fields.to_vec(),
                _ => return Err(error("info must be a struct")),
            }
        }
        let known = |out: &Object, name: &str| match out.get(name) {
            Some(Data::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let title = known(&out, "title").unwrap_or_else(|| {
            let docs = self.reader.docs(schema);
            docs.first()
                .map_or("Generated by cue.".into(), |doc| doc.trim().into())
        });
        let version = known(&out, "version").unwrap_or_else(|| match version {
            Some(Data::String(text)) if !text.is_empty() => text,
            _ => "no version".into(),
        });
        out.set("title", Data::String(title));
        out.set("version", Data::String(version));
        Ok(out.into())
    }

    // ---- one schema ----

    pub(super) fn builder(&mut self, builder: Builder) -> usize {
        self.builders.push(builder);
        self.builders.len() - 1
    }

    /// The schema of what a label names.
    fn named(&mut self, name: &str, value: SchemaRef) -> Result<Object> {
        self.schema(None, name, value)
    }

    pub(super) fn schema(
        &mut self,
        core: Option<usize>,
        name: &str,
        value: SchemaRef,
    ) -> Result<Object> {
        self.written += 1;
        if self.path.len() > DEEPEST {
            let message = format!("the schema nests deeper than {DEEPEST} levels");
            return Err(error(message));
        }
        if self.written > MOST_SCHEMAS {
            let message = format!("the document has more than {MOST_SCHEMAS} schemas");
            return Err(error(message));
        }
        let structural = core.is_none() && self.options.expand;
        if structural && let Some(schema) = self.structural.get(&(self.path.clone(), value)) {
            return Ok(schema.clone());
        }
        self.path.push(name.into());
        let first = self.builders.len();
        let schema = if structural {
            let schema = self.structural_schema(value);
            if let Ok(schema) = &schema {
                let key = (self.path[..self.path.len() - 1].to_vec(), value);
                self.structural.insert(key, schema.clone());
            }
            schema
        } else {
            let builder = self.builder(Builder {
                core,
                ..Builder::default()
            });
            self.fill(builder, value)
        };
        // Builders made for it are of no use to anybody else.
        self.builders.truncate(first);
        self.path.pop();
        schema
    }

    /// Finds out all that the schema of a value says.
    pub(super) fn fill(&mut self, at: usize, value: SchemaRef) -> Result<Object> {
        if let Some(filled) = &self.builders[at].filled {
            return Ok(filled.clone());
        }
        if self.builders[at].core.is_none() {
            let kind = self.reader.kind(value);
            let kind = Kind(kind.0 & !Kind::NULL.0);
            if let Some(name) = type_of(kind) {
                self.builders[at].typed = Some(name);
            }
        }
        let format = formats::format_of(self.reader, value);
        self.builders[at].format = format;
        self.builders[at].deprecated = self.is_deprecated(value);
        let core = self.builders[at].core;
        let whole = core.is_none_or(|core| self.builders[core].structure.values.len() > 1);
        if whole {
            if self.value(at, value)? {
                self.builders[at].typed = None;
            } else if !self.options.expand {
                self.describe(at, value);
            }
        }
        let mut schema = self.finish(at);
        if let (Some(format), Some("number" | "integer")) = (format, self.builders[at].typed) {
            formats::simplify(&mut schema, format);
        }
        schema.sort();
        self.builders[at].filled = Some(schema.clone());
        Ok(schema)
    }

    fn is_deprecated(&mut self, value: SchemaRef) -> bool {
        let attributes = self.reader.attributes(value);
        let mut protobuf = (attributes.iter()).filter(|a| &*a.name == "protobuf");
        protobuf.any(|a| {
            a.body
                .split(',')
                .skip(1)
                .any(|flag| flag.trim() == "deprecated")
        })
    }

    pub(super) fn describe(&mut self, at: usize, value: SchemaRef) {
        let docs = self.reader.docs(value);
        if !docs.is_empty() {
            let description = docs.join("\n\n");
            self.builders[at].set_single("description", text(description.trim()));
        }
    }

    /// All that was found, as one schema.
    pub(super) fn finish(&mut self, at: usize) -> Object {
        if let Some(filled) = &self.builders[at].filled {
            return filled.clone();
        }
        // More may be found later on, of the core of a structural schema.
        let builder = &self.builders[at];
        let mut parts = builder.parts.clone();
        let single = builder.single.clone();
        let rest = match parts.len() {
            0 => Object::default(),
            // Nothing may stand beside a reference.
            1 if single.is_none() || !parts[0].has("$ref") => parts.remove(0),
            _ => Object::of(
                "allOf",
                Data::List(parts.into_iter().map(Data::from).collect()),
            ),
        };
        let mut schema = single.unwrap_or_default();
        for (name, value) in rest.0 {
            schema.set(&name, value);
        }
        if builder.deprecated {
            schema.set("deprecated", Data::Bool(true));
        }
        let (typed, format, core) = (builder.typed, builder.format, builder.core);
        let core = core.map(|core| (self.builders[core].typed, self.builders[core].format));
        if let Some(name) = typed
            && core.is_none_or(|(own, _)| own != typed && !self.options.expand)
            && !schema.has("type")
        {
            schema.set("type", text(name));
        }
        if let Some(name) = format
            && core.is_none_or(|(_, own)| own != format)
        {
            schema.set("format", text(name));
        }
        schema.sort();
        schema
    }

    /// A builder for a part of what another one builds.
    fn part_of(&mut self, at: usize) -> usize {
        let parent = &self.builders[at];
        let part = Builder {
            core: Some(parent.core.unwrap_or(at)),
            typed: parent.typed,
            format: parent.format,
            ..Builder::default()
        };
        self.builder(part)
    }

    // ---- values ----

    /// Adds what a value says; whether it is a reference and nothing else.
    fn value(&mut self, at: usize, value: SchemaRef) -> Result<bool> {
        self.within(value, |writer| writer.value_inner(at, value))
    }

    /// Does something with a value while that is known to be around what is looked at.
    pub(super) fn within<T>(
        &mut self,
        value: SchemaRef,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.around.len() > 2 * DEEPEST {
            let message = "the schema leads back to itself, or nests too deep";
            return Err(self.here(error(message)));
        }
        self.around.push(value);
        let found = run(self);
        self.around.pop();
        found
    }

    fn value_inner(&mut self, at: usize, value: SchemaRef) -> Result<bool> {
        let mut has_default = true;
        let mut is_reference = false;
        let own = if self.options.expand || self.builders[at].format.is_some() {
            Some(self.reader.target(value))
        } else {
            let mut own = Vec::new();
            let mut names: Vec<Arc<str>> = Vec::new();
            let mut parts = Vec::new();
            self.split(Joined::All, value, 0, &mut parts);
            for part in parts {
                let Some(reference) = self.reader.reference(part) else {
                    own.push(part);
                    continue;
                };
                let name: Arc<str> = reference.path.join(".").into();
                has_default = false;
                if names.contains(&name) {
                    continue;
                }
                let target = format!("#/components/schemas/{name}");
                let object = Object::of("$ref", text(&target));
                let schema = self.part_of(at);
                self.builders[schema].parts.push(object);
                let schema = self.finish(schema);
                self.builders[at].parts.push(schema);
                if !reference.local {
                    self.referenced.insert(name.clone(), (reference.path, part));
                }
                names.push(name);
            }
            is_reference = own.is_empty() && names.len() == 1;
            (!own.is_empty()).then(|| self.reader.unify(&own))
        };
        if let Some(mut own) = own {
            let kind = self.reader.kind(own);
            if !kind.contains(Kind::STRUCT) {
                own = self.reader.evaluated(own);
            }
            let mut parts = Vec::new();
            self.split(Joined::All, own, 0, &mut parts);
            for part in parts {
                self.part(at, part)?;
            }
        }
        if has_default && self.builders[at].core.is_none() {
            self.default(at, value)?;
        }
        Ok(is_reference)
    }

    fn default(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        let Some(default) = self.reader.default(value) else {
            return Ok(());
        };
        // That a list may be empty goes without saying.
        if self.reader.kind(default) == Kind::LIST && self.reader.elements(default).is_empty() {
            return Ok(());
        }
        let default = self.data(default)?;
        self.builders[at].set("default", default);
        Ok(())
    }

    /// One of several things that are said of a value.
    fn part(&mut self, at: usize, part: SchemaRef) -> Result<()> {
        if self.is_constant(part) {
            self.constraint(at, part)?;
            if self.builders[at].core.is_none() {
                let constant = self.data(part)?;
                self.builders[at].set("enum", Data::List(vec![constant].into()));
            }
            return Ok(());
        }
        let mut alternatives = Vec::new();
        self.split(Joined::Any, part, 0, &mut alternatives);
        for alternative in &mut alternatives {
            if self.reader.reference(*alternative).is_none() {
                *alternative = self.reader.evaluated(*alternative);
            }
        }
        match alternatives[..] {
            [one] => {
                if self.reader.error(one).is_some() {
                    return Err(self.fail(one, ""));
                }
                self.constraint(at, one)
            }
            _ => self.disjunction(at, &alternatives),
        }
    }

    /// Whether a value is a scalar.
    fn is_constant(&mut self, value: SchemaRef) -> bool {
        let kind = self.reader.kind(value);
        kind != Kind::STRUCT && kind != Kind::LIST && self.reader.is_concrete(value)
    }

    /// What a value is put together of by `&` or by `|`, each once.
    fn split(&mut self, by: Joined, value: SchemaRef, depth: usize, out: &mut Vec<SchemaRef>) {
        let (joined, parts) = match self.reader.form(value) {
            Form::Only(one) => return out.push(one),
            Form::All(parts) => (Joined::All, parts),
            Form::Any(parts) => (Joined::Any, parts),
            _ => return out.push(value),
        };
        if joined != by || depth > DEEPEST {
            return out.push(value);
        }
        let mut kept: Vec<SchemaRef> = Vec::new();
        for part in parts {
            let known = kept.len() < MOST_COMPARED
                && kept.iter().any(|&other| self.reader.same(part, other));
            if !known {
                kept.push(part);
            }
        }
        for part in kept {
            self.split(by, part, depth + 1, out);
        }
    }

    fn disjunction(&mut self, at: usize, alternatives: &[SchemaRef]) -> Result<()> {
        let mut constants = Vec::new();
        let mut others = Vec::new();
        let mut nullable = false;
        for &alternative in alternatives {
            if self.reader.kind(alternative) == Kind::NULL {
                nullable = true;
            } else if self.is_constant(alternative) {
                constants.push(self.data(alternative)?);
            } else {
                others.push(alternative);
            }
        }
        if others.is_empty() || (others.len() == 1 && constants.is_empty()) {
            if let [one] = others[..] {
                self.value(at, one)?;
            }
            if !constants.is_empty() && self.builders[at].core.is_none() {
                self.builders[at].set("enum", Data::List(constants.into()));
            }
            if nullable {
                self.builders[at].set_single("nullable", Data::Bool(true));
            }
            return Ok(());
        }
        if nullable {
            self.builders[at].set_single("nullable", Data::Bool(true));
        }
        let mut any_of = Vec::new();
        if !constants.is_empty() {
            any_of.push(Object::of("enum", Data::List(constants.into())).into());
        }
        let mut schemas = Vec::with_capacity(others.len());
        for &other in &others {
            let part = self.part_of(at);
            self.value(part, other)?;
            let schema = self.finish(part);
            if schema.is_empty() && self.builders[part].typed.is_none() {
                // Anything is allowed.
                return Ok(());
            }
            schemas.push(schema);
        }
        for index in 0..others.len() {
            let schema = self.apart(index, &others, &schemas);
            any_of.push(schema.into());
        }
        self.builders[at].set("oneOf", Data::List(any_of.into()));
        Ok(())
    }

    /// The schema of one alternative. What another one allows too it has to leave to that, for schemas are open and
    /// exactly one of a `oneOf` has to hold.
    fn apart(&mut self, index: usize, others: &[SchemaRef], schemas: &[Object]) -> Object {
        let mut allowed = Vec::new();
        for (other, schema) in schemas.iter().enumerate() {
            if other != index
                && others.len() <= MOST_COMPARED
                && self.reader.allows(others[index], others[other]) != Instance::No
            {
                allowed.push(Data::from(schema.clone()));
            }
        }
        let schema = schemas[index].clone();
        if allowed.is_empty() {
            return schema;
        }
        let rest = Object::of("not", Object::of("anyOf", Data::List(allowed.into())));
        if schema.is_empty() {
            return rest;
        }
        Object::of("allOf", Data::List(vec![schema.into(), rest.into()].into()))
    }

    pub(super) fn data(&mut self, value: SchemaRef) -> Result<Data> {
        let data = self.reader.data(value);
        data.map_err(|error| self.here(error))
    }

    /// Where references are expanded, none may lead back to what it stands in.
    pub(super) fn refuse_cycle(&mut self, value: SchemaRef) -> Result<()> {
        if !self.options.expand {
            return Ok(());
        }
        match self.reader.leads_to(value, &self.around) {
            None => Ok(()),
            Some(path) => {
                let message = format!("the reference to {path} leads back to itself");
                Err(self.fail(value, format!("{message} and cannot be expanded")))
            }
        }
    }
}

/// What the parts of a value are put together by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    All,
    Any,
}
