//! The lattice's finished side: numbers, [`Data`], and the contract of builtin functions.

pub mod builtin;
pub mod number;
pub mod regex;

pub use number::Number;
use std::sync::Arc;

/// A finished, concrete value: what JSON can say, and bytes.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Data>),
    /// Regular fields in output order; names are unique.
    Struct(Vec<(Arc<str>, Data)>),
}
