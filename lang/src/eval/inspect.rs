//! Looking at one node as it is, before it is data or text: for conformance tests and editors.
//!
//! [`Evaluation::inspect`] evaluates a node and its fields' own values lazily: what it hands out are
//! node ids, to be inspected in turn. Nothing is taken as its default, nothing is dropped.

use super::{Evaluation, NodeId, Selector};
use crate::syntax::tree::{Attribute, Presence};
use crate::value::Number;
use crate::value::builtin::Kind;
use std::sync::Arc;

/// What kind of failure a value is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ErrorCode {
    /// A conflict, a bad operand, a field that is not allowed: final.
    Eval,
    /// `error("…")` and `_|_` in the source: final.
    User,
    /// A struct that contains itself without end: final.
    StructuralCycle,
    /// More information could still mend it.
    Incomplete,
    /// A reference cycle; a concrete value could still mend it.
    Cycle,
}

/// Comparison operators of bounds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BoundOp {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    Equal,
    Match,
    NotMatch,
}

/// One evaluated node.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub shape: Shape,
    /// The error the node is, or that it takes from a regular field or element below it (then the
    /// shape is still [`Shape::Struct`] or [`Shape::List`]).
    pub error: Option<ErrorCode>,
    /// Every kind the value could still have, disjuncts included; none for a final error.
    pub kind: Kind,
    /// Fields of any presence, definitions and hidden fields, in output order; a scalar or a list that
    /// is embedded in a struct has them too. `let`s are not among them.
    pub fields: Vec<InspectedField>,
    /// Pattern and constraint, `...T` not among them.
    pub patterns: Vec<(NodeId, NodeId)>,
    /// Whether the struct is closed, by a definition around it or by `close`.
    pub closed: bool,
}

/// What a node is apart from its fields.
#[derive(Clone, Debug)]
pub enum Shape {
    /// An error with nothing around it; see [`Inspection::error`].
    Bottom,
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// `int`, `string`, `_`, `int | string` as one type.
    Type(Kind),
    Bound(BoundOp, Box<Shape>),
    /// A builtin not yet applied, `strings.MinRunes(3)` or `struct.MaxFields` (no arguments): its name with the package's
    /// import path (`"strings.MinRunes"`, `"close"`), and the arguments.
    Validator(Arc<str>, Vec<NodeId>),
    /// Two or more of types, bounds and validators, in a canonical order.
    Conjunction(Vec<Shape>),
    /// Two or more disjuncts; the first `defaults` of them are marked.
    Disjunction {
        values: Vec<NodeId>,
        defaults: usize,
    },
    /// The fields are in [`Inspection::fields`].
    Struct,
    List {
        elements: Vec<NodeId>,
        /// The type of `...T` in an open list.
        rest: Option<NodeId>,
    },
}

/// One field of a node.
#[derive(Clone, Debug)]
pub struct InspectedField {
    /// As spelt: `a`, `#D`, `_h`, without quotes.
    pub label: Arc<str>,
    /// For `_h` and `_#h`: the path of the package it belongs to, or its name where it has no path;
    /// otherwise empty.
    pub package: Arc<str>,
    /// Whether the label is a definition or hidden (`"#D"`, quoted, is neither).
    pub special: bool,
    pub presence: Presence,
    pub value: NodeId,
    /// The attributes of all its declarations.
    pub attributes: Vec<Attribute>,
}

/// What [`Evaluation::allows`] asks about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Allows {
    Label(Selector),
    /// Any regular field (`[string]: …` matches).
    AnyField,
    /// Any index.
    AnyIndex,
}

impl Evaluation<'_> {
    /// The node as it is.
    pub fn inspect(&mut self, _node: NodeId) -> Inspection {
        Inspection {
            shape: Shape::Bottom,
            error: Some(ErrorCode::Incomplete),
            kind: Kind::NONE,
            fields: Vec::new(),
            patterns: Vec::new(),
            closed: false,
        }
    }

    /// The node, or what its default is where it has one (a disjunction whose defaults come to one
    /// value).
    pub fn default(&mut self, node: NodeId) -> NodeId {
        node
    }

    /// Whether a field of that label could be added (or is there) without a closedness error.
    pub fn allows(&mut self, _node: NodeId, _what: &Allows) -> bool {
        false
    }
}
