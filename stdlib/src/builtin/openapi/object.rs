//! JSON objects under construction.

use holos_lang::value::Data;
use std::cmp::Reverse;
use std::sync::Arc;

/// An object: names in the order in which they were first set.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(pub(super) Vec<(Arc<str>, Data)>);

/// What a schema begins with, in this order; the rest follows by name.
const FIRST: [&str; 17] = [
    "description",
    "type",
    "format",
    "required",
    "properties",
    "minProperties",
    "maxProperties",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "items",
    "enum",
];

impl Object {
    pub(super) fn of(name: &str, value: impl Into<Data>) -> Object {
        Object(vec![(name.into(), value.into())])
    }

    pub(super) fn get(&self, name: &str) -> Option<&Data> {
        let entry = self.0.iter().find(|(own, _)| &**own == name);
        entry.map(|(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a value, in place of the one there is.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Data>) {
        let value = value.into();
        match self.0.iter_mut().find(|(own, _)| &**own == name) {
            Some((_, own)) => *own = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Puts the parts of a schema in order.
    pub(super) fn sort(&mut self) {
        let rank = |name: &str| match FIRST.iter().position(|first| *first == name) {
            Some(at) => FIRST.len() + 1 - at,
            None => usize::from(name == "default"),
        };
        (self.0).sort_by(|(a, _), (b, _)| (Reverse(rank(a)), a).cmp(&(Reverse(rank(b)), b)));
    }
}

impl From<Object> for Data {
    fn from(object: Object) -> Data {
        Data::Struct(object.0.into())
    }
}
