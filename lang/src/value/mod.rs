//! The lattice's finished side: numbers, [`Data`], and the contract of builtin functions.

pub mod builtin;
pub mod number;
pub mod regex;
pub mod schema;

pub use number::Number;
use std::sync::Arc;

/// A finished, concrete value: what JSON can say, and bytes. Its parts are shared, so that what several places have in common
/// is there once, and a copy costs nothing.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<[Data]>),
    /// Regular fields in output order; names are unique.
    Struct(Arc<[(Arc<str>, Data)]>),
}

/// How two values are compared, by an operator or by a bound.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    Equal,
    Match,
    NotMatch,
}

impl Comparison {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
            Comparison::NotEqual => "!=",
            Comparison::Equal => "==",
            Comparison::Match => "=~",
            Comparison::NotMatch => "!~",
        }
    }
}

/// Whether two values are equal as `==` has it: numbers by value, structs whatever their order.
pub fn equal_data(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Number(x), Data::Number(y)) => x.numeric_cmp(y).is_eq(),
        (Data::List(x), Data::List(y)) => {
            x.len() == y.len() && x.iter().zip(&y[..]).all(|(a, b)| equal_data(a, b))
        }
        (Data::Struct(x), Data::Struct(y)) => {
            x.len() == y.len()
                && x.iter().all(|(name, a)| {
                    y.iter()
                        .find(|(other, _)| other == name)
                        .is_some_and(|(_, b)| equal_data(a, b))
                })
        }
        _ => a == b,
    }
}
