//! Validators: builtin functions that judge a value, and those that take schemas (`matchN`, `matchIf`).

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use rustc_hash::FxHashSet;

impl Machine<'_> {
    /// The error of a value that does not satisfy a bound or validator.
    pub(super) fn validate(&mut self, check: Check, node: Node) -> Option<ErrId> {
        match check.value {
            Value::Bound(_) => self.validate_bound(check, Value::Node(node)),
            Value::Validator(index) => {
                let saved = (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                );
                (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                ) = (check.env, check.place, NIL, true, check.info);
                self.in_validator += 1;
                let error = self.validate_with(index, Value::Node(node), check.place);
                self.in_validator -= 1;
                (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                ) = saved;
                error
            }
            _ => None,
        }
    }

    fn validate_with(&mut self, index: u32, value: Value, place: ExprId) -> Option<ErrId> {
        let validator = self.validators[index as usize].clone();
        let open = self.signature(validator.function).open;
        let own = self.unwrap(value);
        let mut values = vec![if open || matches!(own, Value::Node(_)) {
            value
        } else {
            own
        }];
        values.extend_from_slice(&validator.arguments);
        let mut exprs = vec![NO_EXPR];
        if validator.call != NO_EXPR
            && let Expr::Call { start, len, .. } = self.program.exprs[validator.call as usize]
        {
            exprs.extend_from_slice(&self.program.lists[start as usize..(start + len) as usize]);
        }
        let saved_env = std::mem::replace(&mut self.env, validator.env);
        let result = self.apply(validator.function, &values, &exprs);
        self.env = saved_env;
        let collected = std::mem::replace(&mut self.errs, NIL);
        let (code, mut parts) = match result {
            Value::Bool(true) | Value::None if collected == NIL => return None,
            Value::Bottom(error) => (self.code(error), vec![error]),
            Value::None => (self.code(collected), vec![collected]),
            _ => (ErrorCode::Eval, Vec::new()),
        };
        if collected != NIL && !parts.contains(&collected) {
            parts.push(collected);
        }
        if let Value::Bottom(own) = self.unwrap(value) {
            return Some(own);
        }
        Some(self.push_error(Bottom {
            code,
            message: Message::NotSatisfied {
                value: self.unwrap(value),
                validator: Value::Validator(index),
            },
            node: self.node,
            exprs: [place].into_iter().collect(),
            parts,
            ..Bottom::default()
        }))
    }

    /// A finished copy of a value, defaults taken, that can be unified with a schema.
    fn data_copy(&mut self, value: Value, depth: usize) -> Value {
        let Some(value) = self.default_quiet(value) else {
            return value;
        };
        let Value::Node(node) = value else {
            return value;
        };
        let node = self.deref(node);
        self.finalize(node);
        let node = self.deref(node);
        let base = self.n(node).base;
        if depth > 1000 || !matches!(base, Value::Struct | Value::List { .. }) {
            let base = match base {
                Value::Disjunction(_) => self.default_quiet(base).unwrap_or(base),
                other => other,
            };
            if self.arc_slice(node).is_empty() {
                return match base {
                    Value::Node(_) => self.data_copy(base, depth + 1),
                    other => other,
                };
            }
        }
        let copy = self.new_data(base);
        for (label, arc) in self.arc_vec(node) {
            if label.is_let() || self.n(arc).arc_type != ArcType::Member {
                continue;
            }
            let value = self.data_copy(Value::Node(arc), depth + 1);
            self.add_data(copy, label, value);
        }
        Value::Node(copy)
    }

    pub(super) fn default_quiet(&mut self, value: Value) -> Option<Value> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let taken = self.default_of(value);
        self.errs = saved;
        Some(taken.unwrap_or(value))
    }

    /// A trial of values.
    pub(super) fn trial_of<const N: usize>(&mut self, values: [Value; N]) -> (Node, ErrId) {
        let source = self.source;
        let values = values.map(|value| (self.value_expr(value, source), NIL));
        self.trial(&values)
    }

    /// Unifies values as a new node; the error is that of the result, incomplete ones and missing
    /// required fields included.
    pub(super) fn trial(&mut self, values: &[(ExprId, EnvId)]) -> (Node, ErrId) {
        let node = self.new_inline();
        // The history goes on, so that a validator that leads back to itself is seen to.
        let (refs, cyclic) = (self.info.refs, self.info.cyclic);
        let info = Info {
            refs,
            cyclic,
            ..Info::default()
        };
        for &(expr, env) in values {
            self.add_conjunct_record(node, expr, env, info);
        }
        let checked = self.node;
        if checked != NIL {
            // It stands where the value checked stands, so that what refers back to that is seen to be a cycle.
            let NodeData { parent, label, .. } = *self.n(checked);
            let own = self.n_mut(node);
            (own.parent, own.label) = (parent, label);
            if self.bare_state(node).is_some() {
                self.s_mut(node).drop_parent_requirements = true;
                if self.has_state(checked) {
                    let (depth, fed) = (self.s(checked).depth, self.s(checked).has_non_cyclic);
                    let state = self.s_mut(node);
                    (state.depth, state.has_non_cyclic) = (depth, fed);
                }
            }
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        let saved_info = std::mem::replace(&mut self.info, info);
        let saved_blocking = std::mem::take(&mut self.blocking);
        self.finalize(node);
        self.blocking = saved_blocking;
        self.info = saved_info;
        self.errs = saved;
        let error = self.final_error(node, 0);
        (node, error)
    }

    fn final_error(&mut self, node: Node, depth: usize) -> ErrId {
        let node = self.deref(node);
        if depth > 1000 {
            return NIL;
        }
        if let Some(error) = self.bottom_of(node) {
            return error;
        }
        for (label, arc) in self.arc_vec(node) {
            if label.is_let() {
                continue;
            }
            match self.n(arc).arc_type {
                ArcType::Required if label.is_regular() => {
                    return self.new_error(ErrorCode::Incomplete, Message::RequiredAbsent(label));
                }
                ArcType::Member => {
                    let error = self.final_error(arc, depth + 1);
                    if error != NIL {
                        return error;
                    }
                }
                _ => {}
            }
        }
        NIL
    }

    /// The error of the first required field at or below a node that is not there.
    pub(super) fn required_absent_below(
        &mut self,
        node: Node,
        seen: &mut FxHashSet<Node>,
    ) -> Option<ErrId> {
        let node = self.deref(node);
        // Nodes are shared, and may lead back to themselves.
        if !seen.insert(node) || seen.len() > MOST_SEARCHED {
            return None;
        }
        for (label, arc) in self.arc_vec(node) {
            match self.n(arc).arc_type {
                ArcType::Required if label.is_regular() => {
                    let absent = Message::RequiredAbsent(label);
                    return Some(self.new_error(ErrorCode::Incomplete, absent));
                }
                ArcType::Member if !label.is_let() => {
                    let below = stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                        self.required_absent_below(arc, seen)
                    });
                    if below.is_some() {
                        return below;
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The value that `matchN` or `matchIf` holds against schemas, as an expression; else what it answers.
    fn validated(&mut self, function: &str, value: Value) -> Result<ExprId, Value> {
        if !self.is_validator {
            return Err(self.fail(format!(
                "{function} is a validator and should not be used as a function"
            )));
        }
        let own = self.data_copy(value, 0);
        if let Value::Bottom(_) = self.unwrap(own) {
            return Err(Value::Bool(false));
        }
        if self.info.cyclic == Cyclic::Yes {
            let error = self.new_error(ErrorCode::StructuralCycle, Message::StructuralCycle);
            return Err(Value::Bottom(error));
        }
        Ok(self.value_expr(own, self.source))
    }

    pub(super) fn match_n(&mut self, values: &[Value]) -> Value {
        let own = match self.validated("matchN", values[0]) {
            Ok(own) => own,
            Err(verdict) => return verdict,
        };
        let (mut count, mut possible) = (0, 0);
        let mut errors = Vec::new();
        for check in self.elements_of(values[2]) {
            let check = self.value_expr(check, self.source);
            let (_, error) = self.trial(&[(own, NIL), (check, NIL)]);
            if error == NIL {
                count += 1;
            } else if self.is_limit(error) {
                return Value::Bottom(error);
            } else {
                errors.push(error);
                if self.code(error).is_incomplete() {
                    possible += 1;
                }
            }
        }
        let (_, mismatch) = self.trial_of([values[1], Value::Int(count)]);
        if mismatch == NIL {
            return Value::Bool(true);
        }
        let wanted = self.unwrap(values[1]);
        let code = match wanted {
            Value::Int(n) if n > count && n <= count + possible => ErrorCode::Incomplete,
            Value::Bound(_) => {
                let low = self
                    .program
                    .bound(Comparison::GreaterEqual, Value::Int(count));
                let high = self
                    .program
                    .bound(Comparison::LessEqual, Value::Int(count + possible));
                let (node, _) = self.trial_of([values[1], low, high]);
                if self.bottom_of(node).is_none() {
                    ErrorCode::Incomplete
                } else {
                    ErrorCode::Eval
                }
            }
            Value::Int(_) | Value::Number(_) => ErrorCode::Eval,
            _ => ErrorCode::Incomplete,
        };
        let text = format!("{count} matched, expected {}", self.show(wanted));
        errors.retain(|&e| code == ErrorCode::Eval || self.code(e).is_incomplete());
        let error = self.text_error(code, text);
        for part in errors.iter().take(4) {
            let exprs = self.errors[*part as usize].exprs.clone();
            self.errors[error as usize].exprs.extend(exprs);
        }
        Value::Bottom(error)
    }

    pub(super) fn match_if(&mut self, values: &[Value], exprs: &[ExprId]) -> Value {
        let own = match self.validated("matchIf", values[0]) {
            Ok(own) => own,
            Err(verdict) => return verdict,
        };
        let env = self.env;
        let (_, failed) = self.trial(&[(own, NIL), (exprs[1], env)]);
        if failed != NIL && self.is_limit(failed) {
            return Value::Bottom(failed);
        }
        let chosen = if failed == NIL { exprs[2] } else { exprs[3] };
        let (_, error) = self.trial(&[(own, NIL), (chosen, env)]);
        if error == NIL {
            Value::Bool(true)
        } else {
            Value::Bottom(error)
        }
    }
}

/// How many nodes are searched for required fields that are not there.
const MOST_SEARCHED: usize = 1 << 20;
