//! What types, bounds and validators say, in the words of JSON Schema.

use super::super::arguments::Result;
use super::object::Object;
use super::writer::{Builder, Version, Writer, is_internal, spelt, text};
use holos_lang::syntax::tree::Presence;
use holos_lang::value::Comparison;
use holos_lang::value::builtin::{CallError, Kind};
use holos_lang::value::schema::{Form, SchemaRef};
use holos_lang::value::{Data, Number};

impl Writer<'_> {
    /// What a value says that is not put together.
    pub(super) fn constraint(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        let kind = self.reader.kind(value);
        let Some(typed) = type_of(kind) else {
            if kind == Kind::NULL {
                self.builders[at].set_single("nullable", Data::Bool(true));
            }
            return Ok(());
        };
        if kind == Kind::BYTES && self.builders[at].typed.is_none() {
            self.builders[at].format = Some("byte");
        }
        self.builders[at].set_type(typed);
        match typed {
            "number" | "integer" => self.number(at, value),
            "string" => self.string(at, value, kind == Kind::BYTES),
            "object" => self.object(at, value),
            "array" => self.array(at, value),
            _ => Ok(()),
        }
    }

    fn number(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        let exclusive = |builder: &mut Builder, name: &str, limit: &str, bound: Data, old: bool| {
            if old {
                builder.set(name, Data::Bool(true));
                builder.set(limit, bound);
            } else {
                builder.set(name, bound);
            }
        };
        let old = self.options.version == Version::V3_0;
        match self.reader.form(value) {
            Form::Bound(op, bound) => {
                let bound = self.data(bound)?;
                let builder = &mut self.builders[at];
                match op {
                    Comparison::Less => {
                        exclusive(builder, "exclusiveMaximum", "maximum", bound, old)
                    }
                    Comparison::LessEqual => builder.set("maximum", bound),
                    Comparison::Greater => {
                        exclusive(builder, "exclusiveMinimum", "minimum", bound, old);
                    }
                    Comparison::GreaterEqual => builder.set("minimum", bound),
                    Comparison::NotEqual => {
                        let both = vec![
                            Object::of("minimum", bound.clone()).into(),
                            Object::of("maximum", bound).into(),
                        ];
                        builder.set_not(Object::of("allOf", Data::List(both.into())));
                    }
                    Comparison::Equal | Comparison::Match | Comparison::NotMatch => {
                        return Err(self.unsupported(value, "number"));
                    }
                }
            }
            Form::Call(name, arguments) => {
                if &*name == "math.MultipleOf" {
                    let divisor = self.integer(value, &arguments)?;
                    self.builders[at].set("multipleOf", divisor);
                }
            }
            Form::All(_) | Form::Any(_) | Form::Operation => {
                return Err(self.unsupported(value, "number"));
            }
            Form::Whole | Form::Only(_) | Form::Reference => {}
        }
        Ok(())
    }

    fn string(&mut self, at: usize, value: SchemaRef, bytes: bool) -> Result<()> {
        let what = if bytes { "bytes" } else { "string" };
        match self.reader.form(value) {
            Form::Bound(op @ (Comparison::Match | Comparison::NotMatch), pattern) => {
                let pattern = match self.data(pattern)? {
                    Data::String(text) => Data::String(text),
                    Data::Bytes(bytes) => Data::String(String::from_utf8_lossy(&bytes).into()),
                    _ => return Err(self.unsupported(value, what)),
                };
                match op {
                    Comparison::Match => self.builders[at].set("pattern", pattern),
                    _ => self.builders[at].set_not(Object::of("pattern", pattern)),
                }
            }
            Form::Call(name, arguments) => {
                let keyword = match &*name {
                    "strings.MinRunes" => "minLength",
                    "strings.MaxRunes" => "maxLength",
                    _ => return Ok(()),
                };
                let length = self.integer(value, &arguments)?;
                self.builders[at].set(keyword, length);
            }
            Form::Bound(..) | Form::All(_) | Form::Any(_) | Form::Operation => {
                return Err(self.unsupported(value, what));
            }
            Form::Whole | Form::Only(_) | Form::Reference => {}
        }
        Ok(())
    }

    fn unsupported(&mut self, value: SchemaRef, what: &str) -> CallError {
        let how = match self.reader.form(value) {
            Form::Bound(op, _) => op.text(),
            Form::All(_) => "&",
            Form::Any(_) => "|",
            _ => "this operation",
        };
        self.fail(value, format!("OpenAPI has nothing for {how} of a {what}"))
    }

    /// The one argument of a validator, an int.
    fn integer(&mut self, value: SchemaRef, arguments: &[SchemaRef]) -> Result<Data> {
        if let [argument] = arguments {
            let data = self.data(*argument)?;
            if matches!(&data, Data::Number(number) if number.as_i64().is_some()) {
                return Ok(data);
            }
        }
        Err(self.fail(value, "the validator needs one int that fits 64 bits"))
    }

    fn object(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        match self.reader.form(value) {
            Form::Call(name, arguments) => {
                let keyword = match &*name {
                    "struct.MinFields" => "minProperties",
                    "struct.MaxFields" => "maxProperties",
                    _ => return Ok(()),
                };
                let count = self.integer(value, &arguments)?;
                self.builders[at].set(keyword, count);
                return Ok(());
            }
            Form::Whole | Form::Only(_) => {}
            _ => return Err(self.unsupported(value, "struct")),
        }
        let fields = self.reader.fields(value);
        let required: Vec<Data> = (fields.iter())
            .filter(|field| !field.definition && field.presence != Presence::Optional)
            .map(|field| text(&field.label))
            .collect();
        if !required.is_empty() {
            self.builders[at].set("required", Data::List(required.into()));
        }
        let core = self.builders[at].core;
        let mut properties = Object::default();
        for field in fields {
            if is_internal(&field) {
                continue;
            }
            let label = spelt(&field);
            let own = core.and_then(|core| self.builders[core].structure.property(&label));
            let schema = self.schema(own, &label, field.value)?;
            if field.definition {
                let mut path = self.path.clone();
                path.push(label);
                self.schemas.insert(path.join(".").into(), schema.into());
            } else if core.is_none() || !schema.is_empty() {
                properties.set(&label, schema);
            }
        }
        let single = &mut self.builders[at].single;
        match single.as_mut().and_then(|single| {
            let found = single
                .0
                .iter_mut()
                .find(|(name, _)| &**name == "properties");
            found.map(|(_, value)| value)
        }) {
            Some(Data::Struct(known)) => {
                let mut merged = Object(known.to_vec());
                for (name, schema) in properties.0 {
                    merged.set(&name, schema);
                }
                *known = merged.0.into();
            }
            _ if properties.is_empty() => {}
            _ => self.builders[at].set_single("properties", properties),
        }
        let listed = core.is_some_and(|core| self.builders[core].structure.items.is_some());
        if let Some(any) = self.reader.any_field(value)
            && !listed
        {
            self.refuse_cycle(any)?;
            let schema = self.schema(None, "*", any)?;
            if !schema.is_empty() {
                self.builders[at].set_single("additionalProperties", schema);
            }
        }
        Ok(())
    }

    fn array(&mut self, at: usize, value: SchemaRef) -> Result<()> {
        match self.reader.form(value) {
            Form::Call(name, arguments) => {
                match &*name {
                    "list.UniqueItems" => {
                        self.builders[at].set("uniqueItems", Data::Bool(true));
                    }
                    "list.MinItems" | "list.MaxItems" => {
                        let count = self.integer(value, &arguments)?;
                        let keyword = match &*name {
                            "list.MinItems" => "minItems",
                            _ => "maxItems",
                        };
                        self.builders[at].set(keyword, count);
                    }
                    _ => {}
                }
                return Ok(());
            }
            Form::Whole | Form::Only(_) => {}
            _ => return Err(self.unsupported(value, "list")),
        }
        let elements = self.reader.elements(value);
        let mut items = Vec::with_capacity(elements.len());
        for (index, &element) in elements.iter().enumerate() {
            let schema = self.schema(None, &index.to_string(), element)?;
            items.push(Data::from(schema));
        }
        let any = self.reader.any_element(value);
        let count = items.len();
        if count > 0 {
            self.builders[at].set("items", Data::List(items.into()));
            if any.is_some() {
                let least = Data::Number(Number::from_u64(count as u64));
                self.builders[at].set("minItems", least);
            }
        }
        let Some(any) = any else { return Ok(()) };
        self.refuse_cycle(any)?;
        let core = self.builders[at].core;
        let own = core.and_then(|core| self.builders[core].structure.items);
        let schema = self.schema(own, "*", any)?;
        if count > 0 {
            self.builders[at].set("additionalItems", schema);
        } else if core.is_none() || !schema.is_empty() {
            self.builders[at].set_single("items", schema);
        }
        Ok(())
    }
}

/// The type of values of a kind.
pub(super) fn type_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::BOOL => Some("boolean"),
        Kind::FLOAT | Kind::NUMBER => Some("number"),
        Kind::INT => Some("integer"),
        Kind::BYTES | Kind::STRING => Some("string"),
        Kind::STRUCT => Some("object"),
        Kind::LIST => Some("array"),
        _ => None,
    }
}
