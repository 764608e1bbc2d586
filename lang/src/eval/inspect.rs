//! Looking at one node as it is, before it is data or text: for conformance tests and editors.
//!
//! [`Evaluation::inspect`] evaluates a node and its fields' own values lazily: what it hands out are
//! node ids, to be inspected in turn. Nothing is taken as its default, nothing is dropped.

use super::machine::{Machine, NIL, NodeData};
use super::{Evaluation, NodeId, Selector};
use crate::resolve::program::{ArcType, Label, Value};
use crate::syntax::tree::{Attribute, Presence};
pub use crate::value::Comparison;
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
    /// Whether the value is closed, by a definition around it or by `close`: of a scalar that has fields, its fields.
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
    Bound(Comparison, Box<Shape>),
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
    pub fn inspect(&mut self, node: NodeId) -> Inspection {
        let m = &mut self.machine;
        m.finalize(node.0);
        let target = m.deref(node.0);
        let base = m.n(target).base;
        let error = m.bottom_of(target);
        let code = error.map(|e| code_of(m.code(e)));
        let kept = error.map(|e| m.errors[e as usize].value);
        let shape = match (base, kept) {
            (Value::Bottom(_), Some(Value::Struct)) => Shape::Struct,
            (Value::Bottom(_), Some(Value::List { .. })) => m.list_shape(target, false),
            (Value::Bottom(_), _) => Shape::Bottom,
            (Value::List { open }, _) => m.list_shape(target, open),
            (base, _) => m.shape(base),
        };
        let kind = match base {
            Value::Bottom(_) => match (kept, code) {
                (
                    Some(value @ (Value::Struct | Value::List { .. })),
                    Some(ErrorCode::Incomplete | ErrorCode::Cycle),
                ) => m.kind(value),
                (_, Some(ErrorCode::Incomplete | ErrorCode::Cycle)) => Kind::TOP,
                _ => Kind::NONE,
            },
            base => m.kind(base),
        };
        let mut fields = Vec::new();
        m.materialize_all(target);
        for (label, arc) in m.ordered_arcs(target) {
            if label.is_int() || label.is_let() {
                continue;
            }
            let presence = match m.n(arc).arc_type {
                ArcType::Member => Presence::Regular,
                ArcType::Required => Presence::Required,
                ArcType::Optional => Presence::Optional,
                _ => continue,
            };
            let text = m.program.strings.get(label.id());
            let (name, package) = match text.split_once('\0') {
                Some((name, package)) if label.is_hidden() => (name, package),
                _ => (text, ""),
            };
            fields.push(InspectedField {
                label: name.into(),
                package: package.into(),
                special: !label.is_regular(),
                presence,
                value: NodeId(arc),
                attributes: m.attributes_of(arc),
            });
        }
        let mut patterns = Vec::new();
        let id = m.n(target).patterns;
        if id != NIL && !matches!(base, Value::List { .. }) {
            for (pattern, conjuncts) in m.patterns[id as usize].pairs.clone() {
                let key = match pattern {
                    Value::Node(node) => node,
                    value => {
                        let node = m.new_inline();
                        m.set_data(node, value);
                        node
                    }
                };
                let value = m.new_inline();
                m.n_mut(value).flags |= NodeData::PATTERN;
                for c in conjuncts {
                    m.add_conjunct_record(value, c.expr, c.env, c.info.without_closedness());
                }
                patterns.push((NodeId(key), NodeId(value)));
            }
        }
        let flags = NodeData::CLOSED_RECURSIVE | NodeData::CLOSED_ONCE;
        // A node that is another one may be closed where that is not.
        let closed =
            (m.n(target).flags | m.n(node.0).flags) & flags != 0 || m.is_closed_list(target);
        Inspection {
            shape,
            error: code,
            kind,
            fields,
            patterns,
            closed,
        }
    }

    /// The paths of all errors at and below the node, those of failed alternatives included.
    pub fn error_paths(&mut self, node: NodeId) -> Vec<String> {
        let m = &mut self.machine;
        m.finalize(node.0);
        let mut errors = Vec::new();
        let mut nodes = vec![node.0];
        let mut seen = std::collections::HashSet::new();
        while let Some(node) = nodes.pop() {
            let node = m.deref(node);
            if !seen.insert(node) {
                continue;
            }
            errors.extend(m.bottom_of(node));
            nodes.extend(m.arc_vec(node).iter().map(|(_, arc)| *arc));
        }
        let mut paths = Vec::new();
        let mut at = 0;
        while at < errors.len() {
            let error = &m.errors[errors[at] as usize];
            at += 1;
            if error.node != NIL {
                let path = m.path(error.node);
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            let parts = error.parts.iter().filter(|part| !errors.contains(part));
            let parts: Vec<_> = parts.copied().collect();
            errors.extend(parts);
        }
        paths
    }

    /// The node, or what its default is where it has one (a disjunction whose defaults come to one
    /// value).
    pub fn default(&mut self, node: NodeId) -> NodeId {
        self.machine.finalize(node.0);
        let target = self.machine.deref(node.0);
        let taken = self.machine.default_of_node(target);
        NodeId(taken)
    }

    /// Whether a field of that label could be added (or is there) without a closedness error.
    pub fn allows(&mut self, node: NodeId, what: &Allows) -> bool {
        self.machine.finalize(node.0);
        let target = self.machine.deref(node.0);
        match what {
            Allows::Label(selector) => match self.label(selector) {
                Some(label) => self.machine.accepts(target, label),
                None => false,
            },
            Allows::AnyField => {
                let m = &mut self.machine;
                if m.is_open_struct(target)
                    && !m.kind(m.n(target).base).and(Kind::STRUCT).is_empty()
                {
                    return true;
                }
                m.any_pattern(target, Kind::STRING)
            }
            Allows::AnyIndex => {
                let m = &mut self.machine;
                match m.n(target).base {
                    Value::List { open } => open,
                    base => !m.kind(base).and(Kind::LIST).is_empty(),
                }
            }
        }
    }
}

fn code_of(code: super::error::ErrorCode) -> ErrorCode {
    use super::error::ErrorCode as E;
    match code {
        E::Eval => ErrorCode::Eval,
        E::User | E::Literal => ErrorCode::User,
        E::StructuralCycle => ErrorCode::StructuralCycle,
        E::Incomplete => ErrorCode::Incomplete,
        E::Cycle => ErrorCode::Cycle,
    }
}

impl Machine<'_> {
    fn any_pattern(&self, node: u32, kind: Kind) -> bool {
        let id = self.n(node).patterns;
        id != NIL
            && self.patterns[id as usize]
                .pairs
                .iter()
                .any(|(pattern, _)| match pattern {
                    Value::Top => true,
                    Value::Kind(k) => k.contains(kind),
                    _ => false,
                })
    }

    /// The node of the default, made where the default is a plain value.
    fn default_of_node(&mut self, node: u32) -> u32 {
        let Value::Disjunction(index) = self.n(node).base else {
            return node;
        };
        let d = &self.disjunctions[index as usize];
        if d.defaults != 1 {
            return node;
        }
        match d.values[0] {
            Value::Node(next) => {
                let next = self.deref(next);
                self.default_of_node(next)
            }
            value => self.value_node(value),
        }
    }

    pub(super) fn value_node(&mut self, value: Value) -> u32 {
        if let Value::Node(node) = value {
            return node;
        }
        let node = self.new_inline();
        self.set_data(node, value);
        node
    }

    fn list_shape(&mut self, node: u32, open: bool) -> Shape {
        let elements: Vec<NodeId> = self
            .arc_vec(node)
            .iter()
            .filter(|(label, arc)| label.is_int() && self.n(*arc).arc_type == ArcType::Member)
            .map(|(_, arc)| NodeId(*arc))
            .collect();
        let rest = open.then(|| {
            let rest = self.new_inline();
            self.n_mut(rest).flags |= NodeData::PATTERN;
            let id = self.n(node).patterns;
            let mut any = false;
            if id != NIL {
                // Only what applies to elements beyond those present.
                let beyond = Label::index(elements.len() as u32 + 1000);
                for (pattern, conjuncts) in self.patterns[id as usize].pairs.clone() {
                    if !self.matches_pattern(pattern, beyond) {
                        continue;
                    }
                    for c in conjuncts {
                        self.add_conjunct_record(rest, c.expr, c.env, c.info.without_closedness());
                        any = true;
                    }
                }
            }
            if !any {
                self.set_data(rest, Value::Top);
            }
            NodeId(rest)
        });
        Shape::List { elements, rest }
    }

    fn shape(&mut self, value: Value) -> Shape {
        match value {
            Value::None | Value::Cycle | Value::Top => Shape::Type(Kind::TOP),
            Value::Bottom(_) => Shape::Bottom,
            Value::Null => Shape::Null,
            Value::Bool(b) => Shape::Bool(b),
            Value::Int(i) => Shape::Number(Number::from_i64(i)),
            Value::Number(id) => Shape::Number(self.program.numbers[id as usize].clone()),
            Value::String(id) => Shape::String(self.program.strings.shared(id)),
            Value::Bytes(id) => Shape::Bytes(self.program.bytes[id as usize].clone()),
            Value::Kind(kind) => Shape::Type(kind),
            Value::Bound(id) => {
                let bound = self.program.bounds[id as usize];
                Shape::Bound(bound.op, Box::new(self.shape(bound.value)))
            }
            Value::Validator(id) => {
                let name = self.validator_name(id);
                let arguments = self.validators[id as usize].arguments.clone();
                let arguments = arguments
                    .into_iter()
                    .map(|a| NodeId(self.value_node(a)))
                    .collect();
                Shape::Validator(name.into(), arguments)
            }
            Value::Function(_) => Shape::Validator(self.show(value).into(), Vec::new()),
            Value::Conjunction(id) => {
                let parts = self.conjunction(id).to_vec();
                Shape::Conjunction(parts.into_iter().map(|p| self.shape(p)).collect())
            }
            Value::Disjunction(id) => {
                let d = self.disjunctions[id as usize].clone();
                let values = d
                    .values
                    .iter()
                    .map(|&v| NodeId(self.value_node(v)))
                    .collect();
                Shape::Disjunction {
                    values,
                    defaults: d.defaults,
                }
            }
            Value::Struct => Shape::Struct,
            Value::List { open } => Shape::List {
                elements: Vec::new(),
                rest: open.then_some(NodeId(0)),
            },
            Value::Node(node) => {
                let node = self.deref(node);
                match self.n(node).base {
                    Value::List { open } => self.list_shape(node, open),
                    base => self.shape(base),
                }
            }
        }
    }
}
