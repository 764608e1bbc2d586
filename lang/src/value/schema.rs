//! Values as they are written, for functions that translate types (`openapi.MarshalSchema`).
//!
//! A value that is evaluated is what all its declarations come to; a translation wants the declarations themselves: that
//! a field *is* `#Port`, and what is said above it. A [`SchemaReader`] shows both of one value and what it leads to. It is
//! made when a function asks for it and found from what evaluation keeps anyway, so that nobody else pays for it.

use super::builtin::{CallError, Kind};
use super::{Comparison, Data};
use crate::syntax::tree::{Attribute, Presence};
use std::sync::Arc;

/// A value, as it is written or evaluated; alive as long as its reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SchemaRef(pub u32);

/// How a value is put together.
#[derive(Clone, Debug)]
pub enum Form {
    /// Not of other values: a scalar, a type, a struct, a list.
    Whole,
    /// What is left of a disjunction is this alone.
    Only(SchemaRef),
    /// `a & b`, several declarations, or a struct with what it embeds.
    All(Vec<SchemaRef>),
    /// `a | b`, without defaults that another alternative allows.
    Any(Vec<SchemaRef>),
    Bound(Comparison, SchemaRef),
    /// The function as `strings.MinRunes`, and the arguments it was given.
    Call(Arc<str>, Vec<SchemaRef>),
    Reference,
    /// Something that is computed.
    Operation,
}

/// What a reference names.
#[derive(Clone, Debug)]
pub struct Reference {
    /// From the outermost value on: a package, or a value that stands by itself.
    pub path: Vec<Arc<str>>,
    /// Whether the outermost value is the one that the reader is of.
    pub local: bool,
}

/// A declared field of a struct.
#[derive(Clone, Debug)]
pub struct SchemaField {
    /// As spelt, without quotes: `a`, `#D`.
    pub label: Arc<str>,
    pub definition: bool,
    pub presence: Presence,
    pub value: SchemaRef,
}

/// Whether all that one value allows is allowed by another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instance {
    Yes,
    No,
    /// It would take more than is compared.
    Unknown,
}

/// Reads values as they are written.
pub trait SchemaReader {
    /// The kinds the value may have.
    fn kind(&mut self, value: SchemaRef) -> Kind;
    /// How it is put together.
    fn form(&mut self, value: SchemaRef) -> Form;
    /// What it names, if a name is all it is.
    fn reference(&mut self, value: SchemaRef) -> Option<Reference>;
    /// What a reference leads to; anything else is itself.
    fn target(&mut self, value: SchemaRef) -> SchemaRef;
    /// What it comes to, whatever it was written as.
    fn evaluated(&mut self, value: SchemaRef) -> SchemaRef;
    /// All of them at once; none closes what another one has.
    fn unify(&mut self, values: &[SchemaRef]) -> SchemaRef;
    /// Its default, if it has one that is concrete at its top.
    fn default(&mut self, value: SchemaRef) -> Option<SchemaRef>;
    /// Whether it is concrete at its top, or never can be.
    fn is_concrete(&mut self, value: SchemaRef) -> bool;
    /// It as data, defaults taken.
    ///
    /// # Errors
    /// What is not concrete.
    fn data(&mut self, value: SchemaRef) -> Result<Data, CallError>;
    /// What is wrong with it.
    fn error(&mut self, value: SchemaRef) -> Option<CallError>;
    /// The fields that are not hidden, in order.
    fn fields(&mut self, value: SchemaRef) -> Vec<SchemaField>;
    /// What a field of any name has to be, where patterns or `...` say it.
    fn any_field(&mut self, value: SchemaRef) -> Option<SchemaRef>;
    /// The elements that a list has.
    fn elements(&mut self, value: SchemaRef) -> Vec<SchemaRef>;
    /// What further elements of a list have to be, where there may be some.
    fn any_element(&mut self, value: SchemaRef) -> Option<SchemaRef>;
    /// Whether two are the same, as far as can be seen.
    fn same(&mut self, a: SchemaRef, b: SchemaRef) -> bool;
    /// Whether what `b` allows is allowed by `a`, closed structs taken as open.
    fn allows(&mut self, a: SchemaRef, b: SchemaRef) -> Instance;
    /// What is said above its declarations; each ends with a line break.
    fn docs(&mut self, value: SchemaRef) -> Vec<Arc<str>>;
    /// The attributes of its declarations.
    fn attributes(&mut self, value: SchemaRef) -> Vec<Attribute>;
    /// The path of what the value refers to that is one of `values`.
    fn leads_to(&mut self, value: SchemaRef, values: &[SchemaRef]) -> Option<String>;
}
