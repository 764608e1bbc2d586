//! What a builtin package is: a table of functions and constants that the evaluator calls.
//!
//! The language knows no package by name; the standard library hands it a [`Builtins`]. A function sees
//! plain [`Data`] where its parameter asks for data, and an opaque [`ValueRef`] where it asks for a
//! value of the lattice (a schema); what it may do with one is in [`Context`]. Functions return errors
//! without places: the caller knows where the call stands.

use super::Data;
use super::schema::{SchemaReader, SchemaRef};

/// Finds builtin packages by import path.
pub trait Builtins: Sync {
    /// The package, or `None` where there is no builtin package of that path.
    fn package(&self, path: &str) -> Option<&'static Package>;

    /// The paths of all packages, sorted, for completion and for "did you mean".
    fn paths(&self) -> Vec<&'static str>;
}

/// A builtin package: `strings`, `encoding/json`.
#[derive(Debug)]
pub struct Package {
    pub path: &'static str,
    /// The identifier an import declares.
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [Function],
    /// Constants and types, as the source text of an expression: `("Pi", "3.14159…")`,
    /// `("MaxBase", "36")`, `("Comparer", "{T: _, x: T, y: T, less: bool}")`.
    pub constants: &'static [(&'static str, &'static str)],
}

/// One function of a package.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    pub result: Kind,
    /// One line.
    pub doc: &'static str,
    pub call: fn(&mut dyn Context, &[Argument]) -> Result<Return, CallError>,
}

impl Function {
    /// Whether calling it with its first argument missing makes a validator: `strings.MinRunes(3)`.
    /// True of every function that answers with a boolean and whose last parameter has no default
    /// (as in CUE). One of a single parameter is a validator without being called: `net.IPv4`.
    pub fn is_validator(&self) -> bool {
        self.result == Kind::BOOL && self.parameters.last().is_some_and(|p| p.default.is_none())
    }
}

/// A parameter's name, accepted kinds, and how it is passed.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub mode: Mode,
    /// What the elements of a list must be.
    pub elements: Kind,
    /// Source text of the value it has where the call leaves it out; only trailing parameters have one.
    pub default: Option<&'static str>,
}

/// How an argument reaches the function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Fully evaluated, concrete, defaults taken.
    Data,
    /// As a [`ValueRef`]: a schema, or a value that need not be concrete.
    Value,
}

/// A set of value kinds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kind(pub u16);

impl Kind {
    pub const NONE: Kind = Kind(0);
    pub const NULL: Kind = Kind(1);
    pub const BOOL: Kind = Kind(1 << 1);
    pub const INT: Kind = Kind(1 << 2);
    pub const FLOAT: Kind = Kind(1 << 3);
    pub const STRING: Kind = Kind(1 << 4);
    pub const BYTES: Kind = Kind(1 << 5);
    /// A function or validator that has not been called.
    pub const FUNC: Kind = Kind(1 << 6);
    pub const LIST: Kind = Kind(1 << 7);
    pub const STRUCT: Kind = Kind(1 << 8);
    pub const NUMBER: Kind = Kind(Kind::INT.0 | Kind::FLOAT.0);
    pub const SCALAR: Kind =
        Kind(Kind::NULL.0 | Kind::BOOL.0 | Kind::NUMBER.0 | Kind::STRING.0 | Kind::BYTES.0);
    pub const TOP: Kind = Kind((1 << 9) - 1);

    /// Kinds in both.
    pub const fn and(self, other: Kind) -> Kind {
        Kind(self.0 & other.0)
    }

    /// Kinds in either.
    pub const fn or(self, other: Kind) -> Kind {
        Kind(self.0 | other.0)
    }

    /// Whether no kind is left.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every kind of `other` is in `self`.
    pub const fn contains(self, other: Kind) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::fmt::Display for Kind {
    /// As CUE writes it: `int`, `(int|string)`, `number`, `_`, `_|_`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.contains(Kind::TOP) {
            return f.write_str("_");
        }
        let names = [
            (Kind::NULL, "null"),
            (Kind::BOOL, "bool"),
            (Kind::NUMBER, "number"),
            (Kind::INT, "int"),
            (Kind::FLOAT, "float"),
            (Kind::STRING, "string"),
            (Kind::BYTES, "bytes"),
            (Kind::FUNC, "func"),
            (Kind::LIST, "list"),
            (Kind::STRUCT, "struct"),
        ];
        let mut left = *self;
        let mut parts = Vec::new();
        for (kind, name) in names {
            if left.contains(kind) {
                parts.push(name);
                left = Kind(left.0 & !kind.0);
            }
        }
        match parts[..] {
            [] => f.write_str("_|_"),
            [one] => f.write_str(one),
            _ => write!(f, "({})", parts.join("|")),
        }
    }
}

/// A value of the lattice, alive during one call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ValueRef(pub u32);

/// An argument, as its parameter's [`Mode`] asks.
#[derive(Clone, Debug)]
pub enum Argument {
    Data(Data),
    Value(ValueRef),
}

impl Argument {
    /// The data of a [`Mode::Data`] argument.
    ///
    /// # Panics
    /// If the parameter was declared [`Mode::Value`]: the table and the function disagree.
    pub fn data(&self) -> &Data {
        match self {
            Argument::Data(data) => data,
            Argument::Value(_) => unreachable!("the parameter is declared Mode::Value"),
        }
    }

    /// The value of a [`Mode::Value`] argument.
    ///
    /// # Panics
    /// If the parameter was declared [`Mode::Data`]: the table and the function disagree.
    pub fn value(&self) -> ValueRef {
        match self {
            Argument::Value(value) => *value,
            Argument::Data(_) => unreachable!("the parameter is declared Mode::Data"),
        }
    }
}

/// What a function gives back.
#[derive(Clone, Debug)]
pub enum Return {
    Data(Data),
    /// One of the values it was given, or one it made.
    Value(ValueRef),
    /// A list whose elements are values of the lattice (`list.Concat`, `list.Sort`).
    Values(Vec<ValueRef>),
}

/// Why a call failed.
#[derive(Clone, PartialEq, Debug)]
pub struct CallError {
    pub message: String,
    /// Whether more information could still mend it.
    pub incomplete: bool,
    /// Whether an argument is a structural cycle.
    pub structural: bool,
    /// Whether a validator is only not satisfied yet: called as a function it says `false`.
    pub unmet: bool,
    /// The zero-based argument at fault, where one is.
    pub argument: Option<usize>,
}

impl CallError {
    /// A final error.
    pub fn new(message: impl Into<String>) -> CallError {
        CallError {
            message: message.into(),
            incomplete: false,
            structural: false,
            unmet: false,
            argument: None,
        }
    }

    /// An error that more information could mend.
    pub fn incomplete(message: impl Into<String>) -> CallError {
        CallError {
            message: message.into(),
            incomplete: true,
            structural: false,
            unmet: false,
            argument: None,
        }
    }

    /// What a validator says that more information could satisfy.
    pub fn unmet(message: impl Into<String>) -> CallError {
        CallError {
            unmet: true,
            ..CallError::incomplete(message)
        }
    }

    /// Names the argument at fault.
    pub fn argument(mut self, index: usize) -> CallError {
        self.argument = Some(index);
        self
    }
}

/// What a function may ask of the evaluator.
pub trait Context {
    /// The value as concrete data, defaults taken.
    fn data(&mut self, value: ValueRef) -> Result<Data, CallError>;
    /// A value made of data.
    fn make(&mut self, data: &Data) -> ValueRef;
    /// A value made of JSON-like syntax (`json.Unmarshal` of text with places).
    fn make_expr(&mut self, expr: &crate::syntax::tree::Expr) -> ValueRef;
    /// The kinds the value may have.
    fn kind(&mut self, value: ValueRef) -> Kind;
    /// Whether a list or struct may still get elements or fields, so that a count is not final.
    fn is_open(&mut self, value: ValueRef) -> bool;
    /// How many fields of a struct are declared, but optional or required and not set.
    fn declared(&mut self, value: ValueRef) -> usize;
    /// The value, or its default where it is a disjunction with one.
    fn default(&mut self, value: ValueRef) -> ValueRef;
    /// The elements of a list.
    fn elements(&mut self, value: ValueRef) -> Result<Vec<ValueRef>, CallError>;
    /// The regular fields of a struct, in order.
    fn fields(
        &mut self,
        value: ValueRef,
    ) -> Result<Vec<(std::sync::Arc<str>, ValueRef)>, CallError>;
    /// `a & b`, evaluated to the end; the error is that of the result. `concrete` asks for a
    /// result without anything left open.
    fn unify(&mut self, a: ValueRef, b: ValueRef, concrete: bool) -> Result<ValueRef, CallError>;
    /// The error of the first required field, at any depth, that is not there.
    fn absent(&mut self, value: ValueRef) -> Option<CallError>;
    /// `value` with the fields of a struct set, evaluated (`list.Sort`'s comparators).
    fn fill(&mut self, value: ValueRef, fields: &[(&str, ValueRef)]) -> ValueRef;
    /// The field of a struct, or `None`.
    fn lookup(&mut self, value: ValueRef, label: &str) -> Option<ValueRef>;
    /// Whether the two are the same as far as they are known: a type equals itself, hidden and optional fields do
    /// not count.
    fn same(&mut self, a: ValueRef, b: ValueRef) -> bool;
    /// Lets `run` read the value as it is written.
    ///
    /// # Errors
    /// Where a schema is made of itself without end.
    fn read_schema(
        &mut self,
        value: ValueRef,
        run: &mut dyn FnMut(&mut dyn SchemaReader, SchemaRef),
    ) -> Result<(), CallError>;
    /// The value as language text (`yaml.MarshalStream` of incomplete values, messages).
    fn text(&mut self, value: ValueRef) -> String;
}
