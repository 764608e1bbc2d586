//! Evaluating expressions: references, selections, operators, interpolation.
//!
//! An error of an expression is added to [`Machine::errs`] and given as [`Value::Bottom`]; [`Value::None`] means
//! that there is no value (yet) and the error, if any, has been added.

use super::cycle::Resolved;
use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// The value of an expression in the current environment.
    pub(super) fn eval(&mut self, expr: ExprId, needs: Condition, mode: Mode) -> Step<Value> {
        Ok(self.eval_info(expr, needs, mode)?.0)
    }

    /// The value, and the info a conjunct made of it carries.
    pub(super) fn eval_info(
        &mut self,
        expr: ExprId,
        needs: Condition,
        mode: Mode,
    ) -> Step<(Value, Info)> {
        stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || {
            self.eval_guarded(expr, needs, mode, false)
        })
    }

    pub(super) fn eval_guarded(
        &mut self,
        expr: ExprId,
        needs: Condition,
        mode: Mode,
        concrete: bool,
    ) -> Step<(Value, Info)> {
        let saved_source = std::mem::replace(&mut self.source, expr);
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        let saved_info = self.info;
        let result = self.eval_inner(expr, needs, mode, concrete);
        let info = self.info;
        self.source = saved_source;
        self.info = saved_info;
        let Ok(value) = result else {
            self.errs = saved_errs;
            return Err(Yield);
        };
        Ok((self.with_errors(value, saved_errs), info))
    }

    /// What an expression came to: the errors that were met, with those of the expressions before it, or the value.
    pub(super) fn with_errors(&mut self, mut value: Value, before: ErrId) -> Value {
        if let Value::Node(node) = value
            && let Some(error) = self.bottom_of(node)
            && !self.code(error).is_incomplete()
        {
            value = Value::Bottom(error);
        }
        if let Value::Bottom(error) = value {
            self.add_error(error);
        }
        self.errs = self.combine(before, self.errs);
        match self.errs {
            NIL => value,
            errors => Value::Bottom(errors),
        }
    }

    pub(super) fn eval_inner(
        &mut self,
        expr: ExprId,
        needs: Condition,
        mode: Mode,
        concrete: bool,
    ) -> Step<Value> {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => Ok(value),
            Expr::Open(inner) => {
                let (value, info) = self.eval_info(inner, needs, mode)?;
                self.info = info.with(Info::OPENED);
                Ok(value)
            }
            Expr::Field { .. }
            | Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. }
            | Expr::Package(_)
            | Expr::Select { .. }
            | Expr::Index { .. } => self.eval_reference(expr, needs, mode, concrete),
            Expr::LabelName { up } => {
                let env = self.env_up(self.env, up);
                let label = if env == NIL {
                    Label::NONE
                } else {
                    self.envs[env as usize].label
                };
                if label == Label::NONE {
                    // In a pattern that no field has matched: any label.
                    return Ok(Value::Kind(Kind::STRING));
                }
                Ok(self.label_value(label))
            }
            Expr::ForKey { up } => {
                let env = self.env_up(self.env, up);
                Ok(self.label_value(self.envs[env as usize].label))
            }
            Expr::Struct(_) | Expr::List(_) => {
                let node = self.new_inline();
                let (env, info) = (self.env, self.info);
                self.add_conjunct_record(node, expr, env, info);
                self.complete_shallow(node);
                Ok(Value::Node(node))
            }
            Expr::Disjunction(_) => {
                let node = self.new_inline();
                let (env, info) = (self.env, self.info);
                self.add_conjunct_record(node, expr, env, info);
                self.finalize(node);
                Ok(Value::Node(node))
            }
            Expr::Unify(..) => {
                let (env, refs) = (self.env, self.info.refs);
                let around = self.inline.iter().filter(|&&it| it == (expr, env));
                if around.count() >= MAX_INLINE {
                    let error =
                        self.new_error(ErrorCode::StructuralCycle, Message::StructuralCycle);
                    return Ok(Value::Bottom(error));
                }
                let node = self.new_inline();
                self.inline.push((expr, env));
                let info = Info {
                    refs,
                    ..Info::default()
                };
                self.add_conjunct_record(node, expr, env, info);
                let scope = self.env_node(env);
                let dynamic = scope != NIL && self.n(scope).has(NodeData::DYNAMIC);
                if (self.in_detached == 0 && dynamic) || self.in_validator > 0 {
                    self.finalize(node);
                } else {
                    self.complete_shallow(node);
                }
                self.inline.pop();
                Ok(Value::Node(node))
            }
            Expr::Slice { base, low, high } => self.slice(base, low, high),
            Expr::Interpolation { bytes, start, len } => self.interpolate(bytes, start, len),
            Expr::Plus(x) => self.sign(x, false),
            Expr::Minus(x) => self.sign(x, true),
            Expr::Not(x) => {
                if !self.concrete_possible(x, "!") {
                    return Ok(Value::None);
                }
                match self.value(x, SCALAR, Mode::Wait)? {
                    Value::Bool(value) => Ok(Value::Bool(!value)),
                    other => Ok(self.operand_error(x, other, Kind::BOOL, "!")),
                }
            }
            Expr::Bound(op, x) => self.eval_bound(op, x),
            Expr::Binary(op, left, right) => self.binary(expr, op, left, right, mode),
            Expr::Call {
                function,
                start,
                len,
            } => self.call(expr, function, start, len, needs, mode),
            Expr::Comprehension(_) => {
                let node = self.new_inline();
                let (env, info) = (self.env, self.info);
                self.add_conjunct_record(node, expr, env, info);
                self.complete_shallow(node);
                Ok(Value::Node(node))
            }
        }
    }

    /// Evaluates a node but for its fields' own values.
    pub(super) fn complete_shallow(&mut self, node: Node) {
        let _ = self.unify(node, ALL & !SUB_FIELDS, Mode::Finalize, false);
        if self.n(node).arc_type == ArcType::Pending {
            let label = self.n(node).label;
            let error = self.new_error(ErrorCode::Incomplete, Message::UndefinedField(label));
            self.add_error(error);
        }
    }

    /// What a call made (`close(…)`) is evaluated when an operator or a function looks at it.
    pub(super) fn settle_inline(&mut self, value: Value) {
        if let Value::Node(node) = value {
            let data = self.n(node);
            // So is an element of a list that was written there (`or([if c {1}])`).
            let element = data.label.is_int() && matches!(data.base, Value::None | Value::Cycle);
            if data.status == Status::Unprocessed
                && (data.has(NodeData::DYNAMIC)
                    || element && self.n(self.root_of(node)).has(NodeData::DYNAMIC))
            {
                self.complete_shallow(node);
            }
        }
    }

    /// The value with its default taken and unwrapped; errors are added.
    pub(super) fn value(&mut self, expr: ExprId, needs: Condition, mode: Mode) -> Step<Value> {
        let value = stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || {
            self.eval_guarded(expr, needs, mode, true)
        })?
        .0;
        self.settle_inline(value);
        let value = self.default_of(value).unwrap_or(Value::None);
        let value = self.unwrap(value);
        if let Value::Bottom(error) = value {
            // An inline value may wait: nobody has said so.
            self.add_error(error);
        }
        Ok(value)
    }

    /// The default of a disjunction; an unresolved one is an incomplete error (added) and `None`.
    pub(super) fn default_of(&mut self, mut value: Value) -> Option<Value> {
        loop {
            let disjunction = match value {
                Value::Node(node) => match self.n(node).base {
                    Value::Disjunction(index) => index,
                    Value::Node(next) => {
                        value = Value::Node(next);
                        continue;
                    }
                    _ => return Some(value),
                },
                Value::Disjunction(index) => index,
                other => return Some(other),
            };
            let d = &self.disjunctions[disjunction as usize];
            if d.defaults != 1 {
                let error = self.new_error(
                    ErrorCode::Incomplete,
                    Message::Unresolved(Value::Disjunction(disjunction)),
                );
                self.add_error(error);
                return None;
            }
            value = d.values[0];
        }
    }

    fn eval_reference(
        &mut self,
        expr: ExprId,
        needs: Condition,
        mode: Mode,
        concrete: bool,
    ) -> Step<Value> {
        let Some(found) = self.resolve(expr, needs, mode)? else {
            return Ok(Value::None);
        };
        if self.errs != NIL {
            return Ok(Value::None);
        }
        let original = found;
        let arc = self.deref_non_shared(found);
        if self.state(arc).is_some() {
            let info = self.info;
            let resolved = Resolved {
                node: arc,
                target: arc,
                env: NIL,
                expr,
                info,
            };
            self.info = self.detect_cycle(resolved).0;
            let own = needs;
            let needs = needs | ARC_TYPE;
            match mode {
                Mode::Finalize => {
                    self.unify(arc, needs, Mode::Attempt, true)?;
                    // What still waits, and not for this, has its turn before that.
                    if self.has_state(arc) && !self.meets(arc, needs) && !self.is_running(arc) {
                        self.unify(arc, needs, Mode::Finalize, true)?;
                    }
                    if self.has_state(arc) {
                        self.freeze(arc, needs);
                    }
                }
                Mode::Attempt => {
                    self.unify(arc, needs, Mode::Attempt, true)?;
                }
                Mode::Wait => {
                    self.unify(arc, needs, Mode::Wait, true)?;
                    let mut evaluating = self.n(arc).status == Status::Evaluating;
                    if concrete
                        && original != arc
                        && self.has_state(original)
                        && self.meets(original, SCALAR)
                        && self.is_concrete_node(arc)
                    {
                        evaluating = false;
                    }
                    if evaluating && original != arc && self.n(arc).has(NodeData::DISJUNCT) {
                        if own == SCALAR
                            && self.has_state(original)
                            && !self.meets(original, SCALAR)
                            && let Some(&task) = self.stack.last()
                        {
                            let node = self.tasks[task as usize].node;
                            self.s_mut(original).ambiguous_in = node;
                            return Err(self.wait_for(task, original, needs));
                        }
                        let error = self.text_error(ErrorCode::Cycle, "unresolved disjunction");
                        return Ok(Value::Bottom(error));
                    }
                    let has_state = self.has_state(arc);
                    let mut breaks = (has_state && self.s(arc).has_field_value)
                        || self.n(arc).base != Value::Cycle;
                    if has_state && self.will_be_struct(arc, concrete && evaluating) {
                        self.s_mut(arc).is_struct = true;
                        breaks |= concrete;
                    }
                    if evaluating
                        && !breaks
                        && has_state
                        && self.s(arc).frozen & SCALAR != 0
                        && self.all_finished(arc)
                    {
                        self.finalize(arc);
                        breaks = self.n(arc).base != Value::Cycle;
                    }
                    if evaluating && !breaks {
                        let error = self.new_error(ErrorCode::Cycle, Message::CycleWith(expr));
                        self.add_error(error);
                    } else {
                        let value = self.evaluate(arc, needs, mode)?;
                        if self.n(arc).has(NodeData::NON_ROOTED)
                            && self.has_state(arc)
                            && !self.all_finished(arc)
                            && let Some(&task) = self.stack.last()
                        {
                            self.unsettled.push((self.tasks[task as usize].node, arc));
                        }
                        return Ok(value);
                    }
                }
                Mode::Ignore => {}
            }
        }
        let arc = self.deref(arc);
        self.evaluate(arc, needs, mode)
    }

    /// Whether a node to which nothing more gives a value, or that cannot wait any longer for it, can be nothing but a struct: it
    /// has a literal, and only comprehensions in it have not been run, or, where an `own` condition may ask, are being run.
    fn will_be_struct(&self, node: Node, own: bool) -> bool {
        let state = self.s(node);
        state.has_struct
            && !state.is_struct
            && !state.has_top
            && !state.has_disjunction
            && (state.frozen & SCALAR != 0
                || state.errors == NIL && self.meets(node, ANCESTORS | VALUE))
            && state.scalar == Value::None
            && state.kind.and(Kind::STRUCT) == Kind::STRUCT
            && state.tasks.iter().all(|&id| {
                let task = &self.tasks[id as usize];
                let waits = task.kind == TaskKind::Comprehension
                    && (own || task.state != TaskState::Running);
                let asks = task.kind == TaskKind::Expr && self.stack.last() == Some(&id);
                task.state >= TaskState::Done || waits || asks
            })
    }

    /// The value of a node that a reference led to.
    fn evaluate(&mut self, node: Node, needs: Condition, mode: Mode) -> Step<Value> {
        if matches!(self.n(node).base, Value::None | Value::Cycle)
            && self.n(node).status != Status::Finalized
        {
            self.unify(node, needs, mode, true)?;
            if self.n(node).arc_type == ArcType::Pending {
                if self.n(node).status == Status::Evaluating {
                    let mut at = node;
                    while self.n(at).parent != NIL && self.n(at).arc_type == ArcType::Pending {
                        at = self.n(at).parent;
                    }
                    let source = self.source;
                    let error = self.new_error(ErrorCode::Cycle, Message::CycleWith(source));
                    return Ok(Value::Bottom(error));
                }
                let label = self.n(node).label;
                let error = self.new_error(ErrorCode::Incomplete, Message::UndefinedField(label));
                self.add_error(error);
                return Ok(Value::None);
            }
        }
        if self.has_state(node) {
            let errors = self.s(node).errors;
            if errors != NIL && !self.code(errors).is_incomplete() {
                return Ok(Value::Bottom(errors));
            }
            let scalar = self.s(node).scalar;
            if scalar != Value::None && self.n(node).base == Value::Cycle {
                return Ok(scalar);
            }
        }
        match self.n(node).base {
            Value::Bottom(error) => {
                if self.code(error).is_incomplete() {
                    self.add_error(error);
                    return Ok(Value::None);
                }
                Ok(Value::Bottom(error))
            }
            Value::None => {
                if !self.has_state(node) {
                    return Ok(Value::None);
                }
                Ok(match self.s(node).is_struct {
                    true => Value::Node(node),
                    false => self.validators_of(node),
                })
            }
            // All of it has been said, though nobody has finished it.
            Value::Cycle
                if self.has_state(node)
                    && !self.s(node).is_struct
                    && (self.meets(node, ANCESTORS | VALUE)
                        || self.s(node).frozen & SCALAR != 0)
                    && self.all_finished(node) =>
            {
                Ok(self.validators_of(node))
            }
            // So has all that it shares.
            Value::Node(_)
                if self.has_state(node) && self.s(node).frozen & (SCALAR | VALUE) != 0 =>
            {
                let target = self.deref(node);
                let data = self.n(target);
                let said = data.base == Value::Cycle
                    && !data.has(NodeData::DISJUNCT)
                    && self.has_state(target)
                    && !self.s(target).is_struct
                    && self.all_finished(target);
                Ok(match said {
                    true => self.validators_of(target),
                    false => Value::Node(node),
                })
            }
            _ => Ok(Value::Node(node)),
        }
    }
}

/// How many times a conjunction inside an expression may be evaluated within itself: an operand that leads back to the
/// expression leads there again, whatever else the other operand gives it.
const MAX_INLINE: usize = 3;
