//! Values as finished data, and data as values.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::Number;
use crate::value::builtin::CallError;
use std::sync::Arc;

impl Machine<'_> {
    /// A value as data; the error where it is not concrete.
    pub(super) fn data_of(&mut self, value: Value) -> Result<Data, ErrId> {
        stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || self.data_of_inner(value))
    }

    /// Whether a node is a struct or list around the one that is evaluated.
    fn stands_in(&self, node: Node) -> bool {
        if !matches!(self.n(node).base, Value::Struct | Value::List { .. }) {
            return false;
        }
        let mut at = self.node;
        while at != NIL && self.deref(at) != node {
            at = self.n(at).parent;
        }
        at != NIL
    }

    /// The data of a field or element; an error where it is what the data are needed for.
    fn data_of_arc(&mut self, arc: Node) -> Result<Data, ErrId> {
        let data = self.n(arc);
        if data.status == Status::Evaluating && data.base == Value::Cycle {
            return Err(self.text_error(ErrorCode::Cycle, "the value depends on itself"));
        }
        self.data_of(Value::Node(arc))
    }

    fn data_of_inner(&mut self, value: Value) -> Result<Data, ErrId> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let at = match value {
            Value::Node(node) => node,
            _ => self.node,
        };
        let taken = self.with_node(at, |m| m.default_of(value));
        let errors = std::mem::replace(&mut self.errs, saved);
        let Some(value) = taken else {
            if let Value::Node(node) = value {
                self.errors[errors as usize].exprs =
                    self.conjunct_exprs(node).into_iter().collect();
            }
            return Err(errors);
        };
        match value {
            Value::Null => Ok(Data::Null),
            Value::Bool(b) => Ok(Data::Bool(b)),
            Value::Int(i) => Ok(Data::Number(Number::from_i64(i))),
            Value::Number(id) => Ok(Data::Number(self.program.numbers[id as usize].clone())),
            Value::String(id) => Ok(Data::String(self.program.strings.shared(id))),
            Value::Bytes(id) => Ok(Data::Bytes(self.program.bytes[id as usize].clone())),
            Value::Bottom(error) => Err(error),
            Value::Node(node) => {
                let mut node = self.deref(node);
                match self.n(node).status {
                    Status::Finalized => {}
                    // The call stands inside of what it is given, in a definition for instance. Its data are the
                    // regular fields, and those can be known.
                    Status::Evaluating if self.stands_in(node) => {
                        let _ = self.unify(node, ALL & !SUB_FIELDS, Mode::Finalize, false);
                        node = self.deref(node);
                    }
                    _ => {
                        self.finalize(node);
                        node = self.deref(node);
                    }
                }
                match self.n(node).base {
                    Value::Struct | Value::List { .. } => self.data_of_entries(node),
                    Value::Bottom(error) => Err(error),
                    Value::Cycle | Value::None => {
                        let saved = std::mem::replace(&mut self.node, node);
                        let error =
                            self.text_error(ErrorCode::Incomplete, "the value is not known yet");
                        self.node = saved;
                        Err(error)
                    }
                    Value::Node(_) => unreachable!("dereferenced above"),
                    other => {
                        let saved = std::mem::replace(&mut self.node, node);
                        let result = if other == Value::Top || !self.is_concrete(other) {
                            let exprs = self.conjunct_exprs(node).into_iter().collect();
                            let error = self.push_error(Bottom {
                                code: ErrorCode::Incomplete,
                                message: match other {
                                    Value::Disjunction(_) => Message::Unresolved(other),
                                    _ => Message::NotConcrete(other),
                                },
                                node,
                                exprs,
                                ..Bottom::default()
                            });
                            match other {
                                Value::Disjunction(index)
                                    if self.disjunctions[index as usize].defaults == 1 =>
                                {
                                    self.data_of(other)
                                }
                                _ => Err(error),
                            }
                        } else {
                            self.data_of(other)
                        };
                        self.node = saved;
                        result
                    }
                }
            }
            other => {
                let error = self.new_error(ErrorCode::Incomplete, Message::NotConcrete(other));
                Err(error)
            }
        }
    }

    /// The data of a struct or list, by way of its fields or elements. What several nodes stand for is made once.
    fn data_of_entries(&mut self, node: Node) -> Result<Data, ErrId> {
        // Without an order they are good for one purpose only.
        let kept = !self.unordered && self.n(node).status == Status::Finalized;
        if kept
            && let Some(equals) = &self.equals
            && let Some(made) = equals.made.get(&node)
        {
            return Ok(made.clone());
        }
        let data = match self.n(node).base {
            Value::Struct => Data::Struct(self.data_of_fields(node)?.into()),
            _ => Data::List(self.data_of_elements(node)?.into()),
        };
        if kept && let Some(equals) = &mut self.equals {
            equals.made.insert(node, data.clone());
        }
        Ok(data)
    }

    fn data_of_fields(&mut self, node: Node) -> Result<Vec<(Arc<str>, Data)>, ErrId> {
        let mut fields = Vec::with_capacity(self.n(node).arc_count as usize);
        for (label, arc) in self.ordered_arcs(node) {
            match self.n(arc).arc_type {
                ArcType::Member if label.is_string() => {}
                ArcType::Required if label.is_string() => {
                    return Err(self.required_absent(node, arc, label));
                }
                _ => continue,
            }
            let data = self.data_of_arc(arc)?;
            fields.push((self.program.strings.shared(label.id()), data));
        }
        Ok(fields)
    }

    fn data_of_elements(&mut self, node: Node) -> Result<Vec<Data>, ErrId> {
        let mut elements = Vec::with_capacity(self.n(node).arc_count as usize);
        for (label, arc) in self.arc_vec(node) {
            if label.is_int() && self.n(arc).arc_type == ArcType::Member {
                elements.push(self.data_of_arc(arc)?);
            }
        }
        Ok(elements)
    }

    pub(super) fn required_absent(&mut self, node: Node, arc: Node, label: Label) -> ErrId {
        let places = self.label_places(node, arc, label);
        let exprs = self.conjunct_exprs(arc).into_iter().collect();
        self.push_error(Bottom {
            code: ErrorCode::Incomplete,
            message: Message::RequiredAbsent(label),
            node: arc,
            exprs,
            places,
            ..Bottom::default()
        })
    }

    /// A finished struct or list that no expression stands for, without fields or elements yet.
    pub(super) fn new_data(&mut self, base: Value) -> Node {
        let node = self.new_inline();
        self.set_data(node, base);
        node
    }

    /// Adds a field or an element to one. A node is what it is: what is unified with it reaches its conjuncts.
    pub(super) fn add_data(&mut self, node: Node, label: Label, value: Value) {
        let arc = self.new_node(node, label, ArcType::Member);
        match value {
            Value::Node(target) => {
                let own = self.n_mut(arc);
                own.base = Value::Node(target);
                own.flags |= NodeData::SHARED;
                own.status = Status::Finalized;
            }
            value => self.set_data(arc, value),
        }
        self.append_arc(node, label, arc);
    }

    /// A value made of data.
    pub(super) fn value_of_data(&mut self, data: &Data) -> Value {
        match data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Number(number) => self.program.number(number.clone()),
            Data::String(text) => self.string_value(text),
            Data::Bytes(bytes) => self.program.bytes(bytes),
            Data::List(items) => {
                let values: Vec<Value> =
                    items.iter().map(|item| self.value_of_data(item)).collect();
                Value::Node(self.new_list(&values))
            }
            Data::Struct(fields) => {
                let node = self.new_data(Value::Struct);
                for (name, data) in fields.iter() {
                    let value = self.value_of_data(data);
                    let label = Label::string(self.program.strings.intern(name));
                    self.add_data(node, label, value);
                }
                Value::Node(node)
            }
        }
    }

    pub(super) fn call_error_of(&mut self, error: ErrId) -> CallError {
        let message = self.describe(error);
        CallError {
            message,
            incomplete: self.code(error).is_incomplete(),
            structural: self.code(error) == ErrorCode::StructuralCycle,
            unmet: false,
            argument: None,
        }
    }
}
