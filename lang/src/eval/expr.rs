//! Evaluating expressions: references, selections, operators, interpolation.
//!
//! An error of an expression is added to [`Machine::errs`] and given as [`Value::Bottom`]; [`Value::None`] means
//! that there is no value (yet) and the error, if any, has been added.

use super::error::{Bottom, ErrorCode, Message};
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

    fn eval_guarded(
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
        let Ok(mut value) = result else {
            self.errs = saved_errs;
            return Err(Yield);
        };
        if let Value::Node(node) = value
            && let Some(error) = self.bottom_of(node)
            && !self.code(error).is_incomplete()
        {
            value = Value::Bottom(error);
        }
        if let Value::Bottom(error) = value
            && error != self.errs
        {
            self.errs = self.combine(self.errs, error);
        }
        self.errs = self.combine(saved_errs, self.errs);
        if self.errs != NIL {
            value = Value::Bottom(self.errs);
        }
        Ok((value, info))
    }

    fn eval_inner(
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
                let node = self.new_inline();
                let (env, refs) = (self.env, self.info.refs);
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
    fn settle_inline(&mut self, value: Value) {
        if let Value::Node(node) = value {
            let data = self.n(node);
            if data.status == Status::Unprocessed && data.has(NodeData::DYNAMIC) {
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
        Ok(self.unwrap(value))
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
            self.info = self.detect_cycle(arc, arc, NIL, expr, info).0;
            let own = needs;
            let needs = needs | ARC_TYPE;
            match mode {
                Mode::Finalize => {
                    self.unify(arc, needs, Mode::Attempt, true)?;
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
                    && self.meets(node, ANCESTORS | VALUE)
                    && self.all_finished(node) =>
            {
                Ok(self.validators_of(node))
            }
            _ => Ok(Value::Node(node)),
        }
    }

    // ---- resolving references to nodes ----

    /// The node a reference denotes; `None` where it does not exist (the error is added) or is not
    /// known yet.
    pub(super) fn resolve(
        &mut self,
        expr: ExprId,
        needs: Condition,
        mode: Mode,
    ) -> Step<Option<Node>> {
        match self.program.exprs[expr as usize] {
            Expr::Field {
                up,
                label,
                optional,
            } => {
                let env = self.env_up(self.env, up);
                let node = self.envs[env as usize].node;
                let saved = std::mem::replace(&mut self.errs, NIL);
                let found = self.lookup(node, label, needs, mode);
                let found = found.map(|arc| self.check_try(optional, arc));
                self.errs = self.combine(saved, self.errs);
                found
            }
            Expr::Itself { up: 0 } => Ok(Some(self.node)),
            Expr::Itself { up } => {
                let env = self.env_up(self.env, up - 1);
                let node = self.env_node(env);
                Ok(Some(self.deref_disjunct(node)))
            }
            Expr::Dynamic { up, key } => {
                let env = self.env_up(self.env, up);
                let node = self.envs[env as usize].node;
                let key = self.program.keys[key as usize];
                let info = self.info;
                if self.keys.contains(&(key, env)) {
                    // The key refers to the field that it names.
                    let error = self.new_error(ErrorCode::Cycle, Message::CycleWith(expr));
                    self.add_error(error);
                    return Ok(None);
                }
                self.keys.push((key, env));
                let value = self.with_context(env, info, |m| m.value(key, SCALAR, Mode::Wait));
                self.keys.pop();
                let Value::String(text) = value? else {
                    if self.errs == NIL {
                        self.add_incomplete("the label of the aliased field is not known");
                    }
                    return Ok(None);
                };
                self.lookup(node, Label::string(text), needs, mode)
            }
            Expr::Let { up, clause } => {
                let env = self.env_up(self.env, up);
                let body = self.program.lets[clause as usize];
                if body == NO_EXPR {
                    self.add_incomplete("the let clause is used before it is defined");
                    return Ok(None);
                }
                let parent = self.envs[env as usize].node;
                Ok(Some(self.let_node(
                    env,
                    env,
                    body,
                    parent,
                    Label::let_clause(clause),
                )))
            }
            Expr::ClauseLet { up, body } => {
                let frame = self.env_up(self.env, up);
                let env = self.envs[frame as usize].up;
                let parent = self.env_node(env);
                Ok(Some(self.let_node(frame, env, body, parent, Label::NONE)))
            }
            Expr::ForValue { up } => {
                let env = self.env_up(self.env, up);
                Ok(Some(self.envs[env as usize].node))
            }
            Expr::Package(package) => Ok(Some(self.package_node(package))),
            Expr::Select {
                base,
                label,
                optional,
            } => {
                let Some(node) = self.base_node(base, label.is_regular())? else {
                    return Ok(None);
                };
                let saved = std::mem::replace(&mut self.errs, NIL);
                let found = self.lookup(node, label, needs, mode);
                let found = found.map(|arc| self.check_try(optional, arc));
                self.errs = self.combine(saved, self.errs);
                found
            }
            Expr::Index {
                base,
                index,
                optional,
            } => {
                let node = self.base_node(base, true)?;
                let index = self.value(index, SCALAR, Mode::Wait)?;
                let Some(node) = node else { return Ok(None) };
                let Some(label) = self.index_label(index) else {
                    return Ok(None);
                };
                if self.errs != NIL {
                    return Ok(None);
                }
                let found = self.lookup(node, label, needs, mode)?;
                Ok(self.check_try(optional, found))
            }
            _ => {
                let value = self.eval(expr, needs, mode)?;
                match value {
                    Value::Node(node) => Ok(Some(node)),
                    Value::None | Value::Bottom(_) => Ok(None),
                    other => {
                        let node = self.new_inline();
                        self.set_data(node, other);
                        Ok(Some(node))
                    }
                }
            }
        }
    }

    /// Makes a node a finished scalar.
    pub(super) fn set_data(&mut self, node: Node, value: Value) {
        let data = self.n_mut(node);
        data.base = value;
        data.status = Status::Finalized;
        data.flags |= NodeData::DATA;
    }

    fn check_try(&mut self, optional: bool, arc: Option<Node>) -> Option<Node> {
        if arc.is_none() && optional && self.errs != NIL && self.code(self.errs).is_incomplete() {
            let mut at = self.node;
            while at != NIL {
                if self.has_state(at) && self.s(at).try_skip.is_some() {
                    self.s_mut(at).try_skip = Some(true);
                    break;
                }
                at = self.n(at).parent;
            }
        }
        arc
    }

    fn let_node(
        &mut self,
        key: EnvId,
        env: EnvId,
        body: ExprId,
        parent: Node,
        label: Label,
    ) -> Node {
        if let Some(&node) = self.lets.get(&(key, body)) {
            if !self.is_running(node) || self.s(node).scalar != Value::None {
                return node;
            }
            // It is asked for by what it depends on. That may know by now what it did not know when the clause was
            // begun: the clause is evaluated once more.
            if let Some(&again) = self.lets_again.get(&node) {
                return again;
            }
            let again = self.new_node(parent, label, ArcType::Member);
            let c = self.conjuncts[self.n(node).conjuncts as usize];
            self.n_mut(again).flags = self.n(node).flags & NodeData::DYNAMIC;
            self.add_conjunct_record(again, c.expr, c.env, c.info);
            self.lets_again.insert(node, again);
            return again;
        }
        let node = self.new_node(parent, label, ArcType::Member);
        if label == Label::NONE {
            self.n_mut(node).flags |= NodeData::DYNAMIC;
        }
        // A `let` inside the value of one may be the same one again: what led here then tells where it ends.
        let refs = match label == Label::NONE || self.is_within_let(parent) {
            true => self.info.refs,
            false => 0,
        };
        let info = Info {
            refs,
            ..Info::default()
        };
        self.add_conjunct_record(node, body, env, info);
        self.lets.insert((key, body), node);
        node
    }

    /// Whether a task of the node is being run.
    pub(super) fn is_running(&self, node: Node) -> bool {
        if !self.has_state(node) {
            return false;
        }
        let running = |&t: &TaskId| self.tasks[t as usize].state == TaskState::Running;
        self.s(node).tasks.iter().any(running)
    }

    fn is_within_let(&self, mut node: Node) -> bool {
        while node != NIL {
            if self.n(node).label.is_let() {
                return true;
            }
            node = self.n(node).parent;
        }
        false
    }

    /// The root of an imported package.
    pub(super) fn package_node(&mut self, package: u32) -> Node {
        if let Some(&node) = self.package_nodes.get(&package) {
            return node;
        }
        let node = self.new_node(NIL, Label::NONE, ArcType::Member);
        self.package_nodes.insert(package, node);
        for index in 0..self.program.packages[package as usize].files.len() {
            let file = self.program.packages[package as usize].files[index];
            self.add_conjunct_record(node, file, NIL, Info::default());
        }
        node
    }

    fn index_label(&mut self, index: Value) -> Option<Label> {
        match index {
            Value::String(text) => Some(Label::string(text)),
            Value::Int(value) => {
                if value < 0 {
                    let error = self.text_error(
                        ErrorCode::Eval,
                        format!("invalid index {value}: it must not be negative"),
                    );
                    self.add_error(error);
                    return None;
                }
                if value > i64::from(Label::MAX_INDEX) {
                    let error =
                        self.text_error(ErrorCode::Eval, format!("index {value} is too large"));
                    self.add_error(error);
                    return None;
                }
                Some(Label::index(value as u32))
            }
            Value::None => {
                if self.errs == NIL {
                    self.add_incomplete("index is not known");
                }
                None
            }
            Value::Bottom(error) => {
                self.add_error(error);
                None
            }
            other => {
                let kind = self.kind(other);
                let may_be = [Kind::STRING, Kind::INT, Kind::NUMBER].contains(&kind);
                if self.is_concrete(other) || !may_be {
                    let text = format!("invalid index {} (type {kind})", self.show(other));
                    let error = self.text_error(ErrorCode::Eval, text);
                    self.add_error(error);
                } else {
                    let text = format!("non-concrete index {}", self.show(other));
                    self.add_incomplete(text);
                }
                None
            }
        }
    }

    /// Evaluates the base of a selection or a `for` source as far as its set of fields.
    pub(super) fn unify_node(&mut self, expr: ExprId, needs: Condition, mode: Mode) -> Step<Value> {
        let saved_source = std::mem::replace(&mut self.source, expr);
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        let result = self.unify_node_inner(expr, needs, mode);
        self.source = saved_source;
        let Ok(mut value) = result else {
            self.errs = saved_errs;
            return Err(Yield);
        };
        if let Value::Node(node) = value
            && let Some(error) = self.bottom_of(node)
            && !self.code(error).is_incomplete()
        {
            value = Value::Bottom(error);
        }
        if let Value::Bottom(error) = value {
            self.add_error(error);
        }
        self.errs = self.combine(saved_errs, self.errs);
        if self.errs != NIL {
            value = Value::Bottom(self.errs);
        }
        Ok(value)
    }

    fn unify_node_inner(&mut self, expr: ExprId, needs: Condition, mode: Mode) -> Step<Value> {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => return Ok(value),
            Expr::Field { .. }
            | Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. }
            | Expr::Package(_)
            | Expr::Select { .. }
            | Expr::Index { .. } => {}
            _ => {
                let saved = self.info;
                let value = self.eval_inner(expr, needs, mode, false);
                self.info = saved;
                return value;
            }
        }
        let found = self.resolve(expr, needs, mode)?;
        if self.errs != NIL {
            return Ok(Value::None);
        }
        let Some(node) = found else {
            return Ok(Value::None);
        };
        let node = self.deref(node);
        if self.state(node).is_some() {
            if self.info.cyclic != Cyclic::Yes {
                self.s_mut(node).has_non_cycle = true;
            }
            self.process(node, ARC_TYPE | FIELD_SET, Mode::Wait)?;
            if self.has_state(node) && !self.s(node).choices.is_empty() {
                self.unify(node, ARC_TYPE | FIELD_SET, Mode::Wait, false)?;
            }
        }
        Ok(Value::Node(self.deref(node)))
    }

    /// The struct or list to select from; `None` where there is none (the error is added).
    fn base_node(&mut self, expr: ExprId, scalar: bool) -> Step<Option<Node>> {
        let is_reference = matches!(
            self.program.exprs[expr as usize],
            Expr::Field { .. }
                | Expr::Itself { .. }
                | Expr::Dynamic { .. }
                | Expr::Let { .. }
                | Expr::ForValue { .. }
                | Expr::ClauseLet { .. }
                | Expr::Package(_)
                | Expr::Select { .. }
                | Expr::Index { .. }
        );
        let saved = self.info;
        if !is_reference {
            self.info = self.info.without(Info::FROM_DEF);
        }
        let value = self.unify_node(expr, FIELD_SET | ANCESTORS, Mode::Wait);
        self.info.flags = saved.flags;
        let Some(value) = self.default_of(value?) else {
            return Ok(None);
        };
        let node = match value {
            Value::Node(node) => self.deref(node),
            Value::None => {
                if self.errs == NIL {
                    self.add_incomplete("the value to select from is not known");
                }
                return Ok(None);
            }
            Value::Bottom(error) => {
                self.add_error(error);
                return Ok(None);
            }
            other => {
                self.select_error(other);
                return Ok(None);
            }
        };
        let _ = scalar;
        match self.n(node).base {
            Value::None => {
                if self.has_state(node) && !self.s(node).kind.and(Kind::STRUCT).is_empty() {
                    return Ok(Some(node));
                }
                self.add_incomplete("the value to select from is incomplete");
                Ok(None)
            }
            Value::Cycle | Value::Struct | Value::List { .. } => {
                if self.n(node).has(NodeData::NON_ROOTED) {
                    self.complete_shallow(node);
                    if let Some(error) = self.bottom_of(node)
                        && !self.code(error).is_incomplete()
                    {
                        self.add_error(error);
                        return Ok(None);
                    }
                }
                Ok(Some(node))
            }
            Value::Bottom(error) => {
                self.add_error(error);
                Ok(None)
            }
            // A scalar may carry definitions: `{5, #n: 1}.#n`.
            other => {
                if !scalar {
                    return Ok(Some(node));
                }
                self.select_error(other);
                Ok(None)
            }
        }
    }

    fn select_error(&mut self, value: Value) {
        let kind = self.kind(value);
        if !kind.and(Kind::STRUCT).is_empty() {
            self.add_incomplete(format!("cannot select from a value of type {kind} yet"));
        } else {
            let text = format!("invalid operand: found {kind}, want list or struct");
            let error = self.text_error(ErrorCode::Eval, text);
            self.add_error(error);
        }
    }

    // ---- operators ----

    fn sign(&mut self, x: ExprId, negate: bool) -> Step<Value> {
        let op = if negate { "-" } else { "+" };
        if !self.concrete_possible(x, op) {
            return Ok(Value::None);
        }
        let value = self.value(x, SCALAR, Mode::Wait)?;
        match self.number_of(value) {
            Some(number) => Ok(if negate {
                self.program.number(number.neg())
            } else {
                value
            }),
            None => Ok(self.operand_error(x, value, Kind::NUMBER, op)),
        }
    }

    fn operand_error(&mut self, _x: ExprId, value: Value, want: Kind, op: &str) -> Value {
        match value {
            Value::Bottom(_) => value,
            Value::None => Value::None,
            _ => {
                let kind = self.kind(value);
                if kind.and(want).is_empty() {
                    self.fail(format!(
                        "invalid operation {op}{} (type {kind})",
                        self.show(value)
                    ))
                } else {
                    self.add_incomplete(format!("operand of `{op}` is not concrete (was {kind})"));
                    Value::None
                }
            }
        }
    }

    /// Whether an operand can ever be concrete, from its text alone.
    pub(super) fn concrete_possible(&mut self, x: ExprId, op: &str) -> bool {
        if !self.program.exprs[x as usize].is_never_concrete() {
            return true;
        }
        let error = self.text_error(
            ErrorCode::Eval,
            format!("invalid operand: `{op}` requires a concrete value, not a type"),
        );
        self.add_error(error);
        false
    }

    /// An operand as a concrete value; what is not concrete becomes an incomplete error.
    fn operand(&mut self, x: ExprId, op: &str) -> Step<Value> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let result = stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || {
            self.eval_guarded(x, SCALAR, Mode::Wait, false)
        });
        let inner = std::mem::replace(&mut self.errs, saved);
        let (value, _) = result?;
        self.settle_inline(value);
        if let Value::Bottom(error) = value {
            return Ok(Value::Bottom(error));
        }
        if inner != NIL {
            return Ok(Value::Bottom(inner));
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        let taken = self.default_of(value);
        let unresolved = std::mem::replace(&mut self.errs, saved);
        let Some(taken) = taken else {
            return Ok(Value::Bottom(unresolved));
        };
        let taken = self.unwrap(taken);
        if let Value::Bottom(_) = taken {
            return Ok(taken);
        }
        if !self.is_concrete(taken) {
            let shown = self.show(taken);
            let error = self.text_error(
                ErrorCode::Incomplete,
                format!("non-concrete value {shown} in operand to {op}"),
            );
            return Ok(Value::Bottom(error));
        }
        Ok(taken)
    }

    fn is_literal_bottom(&self, x: ExprId) -> bool {
        matches!(
            self.program.exprs[x as usize],
            Expr::Value(Value::Bottom(crate::resolve::compile::LITERAL_BOTTOM))
        )
    }

    fn binary(
        &mut self,
        expr: ExprId,
        op: Operator,
        left: ExprId,
        right: ExprId,
        mode: Mode,
    ) -> Step<Value> {
        let text = op.text();
        let short = matches!(
            op,
            Operator::And { short: true } | Operator::Or { short: true }
        );
        if short && self.concrete_possible(left, text) {
            let decides = matches!(op, Operator::Or { .. });
            if self.operand(left, text)? == Value::Bool(decides) {
                return Ok(Value::Bool(decides));
            }
        }
        if !self.concrete_possible(left, text) || !self.concrete_possible(right, text) {
            return Ok(Value::None);
        }
        if let Operator::Compare(op @ (Comparison::Equal | Comparison::NotEqual)) = op {
            if self.is_literal_bottom(left) {
                return self.compare_bottom(right, op, mode);
            }
            if self.is_literal_bottom(right) {
                return self.compare_bottom(left, op, mode);
            }
        }
        let a = self.operand(left, text)?;
        let b = self.operand(right, text)?;
        let error = match (a, b) {
            (Value::Bottom(a), Value::Bottom(b)) => self.combine(a, b),
            (Value::Bottom(error), _) | (_, Value::Bottom(error)) => error,
            _ => NIL,
        };
        if error != NIL {
            return Ok(Value::Bottom(error));
        }
        if self.errs != NIL {
            return Ok(Value::Bottom(self.errs));
        }
        self.source = expr;
        Ok(self.operate(op, a, b))
    }

    /// `x == _|_` and `x != _|_`: whether `x` is an error or not concrete.
    fn compare_bottom(&mut self, x: ExprId, op: Comparison, _mode: Mode) -> Step<Value> {
        let is_bottom = Value::Bool(op == Comparison::Equal);
        let is_value = Value::Bool(op != Comparison::Equal);
        let saved = std::mem::replace(&mut self.errs, NIL);
        self.in_validator += 1;
        let value = self.eval(x, TASKS_DONE, Mode::Finalize);
        self.in_validator -= 1;
        let value = match value {
            Ok(value) => value,
            Err(stop) => {
                self.errs = saved;
                return Err(stop);
            }
        };
        self.errs = NIL;
        let mut taken = self.default_of(value).unwrap_or(Value::None);
        if self.errs != NIL && taken == Value::None {
            // An unresolved disjunction is a value.
            taken = self.unwrap(value);
        }
        self.errs = saved;
        let mut taken = self.unwrap(taken);
        if !matches!(taken, Value::None | Value::Bottom(_))
            && !self.kind(taken).and(Kind::STRUCT.or(Kind::LIST)).is_empty()
            && matches!(value, Value::Node(_))
        {
            taken = value;
        }
        let env = self.env;
        match taken {
            Value::None => Ok(is_bottom),
            Value::Bottom(error) => {
                match self.code(error) {
                    _ if self.is_limit(error) => {
                        self.add_error(error);
                        return Ok(Value::None);
                    }
                    ErrorCode::Cycle => {
                        self.add_error(error);
                        return Ok(Value::None);
                    }
                    ErrorCode::Incomplete => {
                        let at = self.errors[error as usize].holder;
                        if at != NIL
                            && self.has_state(at)
                            && self.s(at).running
                            && self.n(at).status != Status::Finalized
                            && !self.meets(at, VALUE)
                            && self.s(at).provided & VALUE != 0
                            && let Some(&task) = self.stack.last()
                        {
                            return Err(self.wait_for(task, at, VALUE));
                        }
                        self.remember_test(env, x, true);
                    }
                    _ => {}
                }
                Ok(is_bottom)
            }
            Value::Node(node) => {
                let node = self.deref(node);
                match self.n(node).base {
                    Value::Disjunction(_) => {
                        self.remember_test(env, x, false);
                        return Ok(is_value);
                    }
                    base if !matches!(
                        base,
                        Value::None
                            | Value::Cycle
                            | Value::Struct
                            | Value::List { .. }
                            | Value::Bottom(_)
                    ) =>
                    {
                        self.remember_test(env, x, false);
                        return Ok(if self.is_concrete(base) {
                            is_value
                        } else {
                            is_bottom
                        });
                    }
                    _ => {}
                }
                if self.depth_cycle(node) {
                    self.remember_test(env, x, true);
                    return Ok(is_bottom);
                }
                self.finalize(node);
                let node = self.deref(node);
                match self.n(node).base {
                    Value::Bottom(error) if !self.code(error).is_incomplete() => Ok(is_bottom),
                    Value::Struct | Value::List { .. } | Value::Bottom(_) => Ok(is_value),
                    base => Ok(
                        if self.is_concrete(base) || matches!(base, Value::Disjunction(_)) {
                            is_value
                        } else {
                            is_bottom
                        },
                    ),
                }
            }
            other => {
                self.remember_test(env, x, false);
                let concrete = self.is_concrete(other) || matches!(other, Value::Disjunction(_));
                Ok(if concrete { is_value } else { is_bottom })
            }
        }
    }

    fn remember_test(&mut self, env: EnvId, expr: ExprId, expect_error: bool) {
        let node = self.env_node(env);
        if node != NIL && self.has_state(node) {
            self.s_mut(node).post_checks.push(PostCheck {
                env,
                expr,
                expect_error,
            });
        }
    }

    fn eval_bound(&mut self, op: Comparison, x: ExprId) -> Step<Value> {
        let value = self.value(x, SCALAR, Mode::Wait)?;
        match value {
            Value::None => return Ok(Value::None),
            Value::Bottom(_) => return Ok(value),
            _ => {}
        }
        let kind = self.kind(value);
        let mut mask = Kind::NUMBER.or(Kind::STRING).or(Kind::BYTES);
        if matches!(op, Comparison::Equal | Comparison::NotEqual) {
            mask = mask
                .or(Kind::NULL)
                .or(Kind::BOOL)
                .or(Kind::LIST)
                .or(Kind::STRUCT);
        }
        if kind.and(mask).is_empty() {
            return Ok(self.fail(format!("cannot use a value of type {kind} as a bound")));
        }
        if !self.is_concrete(value) {
            if let Expr::Value(Value::Kind(_)) = self.program.exprs[x as usize] {
                return Ok(self.fail("a bound needs a value, and this is a type"));
            }
            self.add_incomplete("non-concrete value for bound");
            return Ok(Value::None);
        }
        Ok(self.program.bound(op, value))
    }

    fn interpolate(&mut self, bytes: bool, start: u32, len: u32) -> Step<Value> {
        let mut out: Vec<u8> = Vec::new();
        let outer = std::mem::replace(&mut self.errs, NIL);
        for index in start..start + len {
            let part = self.program.lists[index as usize];
            let value = match self.value(part, SCALAR, Mode::Wait) {
                Ok(value) => value,
                Err(stop) => {
                    self.errs = outer;
                    return Err(stop);
                }
            };
            match value {
                Value::String(id) => out.extend_from_slice(self.program.strings.get(id).as_bytes()),
                Value::Bytes(id) => {
                    let data = self.program.bytes[id as usize].clone();
                    if bytes {
                        out.extend_from_slice(&data);
                    } else {
                        out.extend_from_slice(text_of(&data).as_bytes());
                    }
                }
                Value::Bool(value) => {
                    out.extend_from_slice(if value { b"true" } else { b"false" });
                }
                Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Value::Number(id) => {
                    out.extend_from_slice(
                        self.program.numbers[id as usize].to_display().as_bytes(),
                    );
                }
                Value::None => {
                    if self.errs == NIL {
                        self.add_incomplete("the interpolated value is not known");
                    }
                }
                Value::Bottom(error) => self.add_error(error),
                other => self.type_error(
                    other,
                    Kind::STRING.or(Kind::NUMBER).or(Kind::BYTES).or(Kind::BOOL),
                ),
            }
            if out.len() > MAX_STRING {
                let error = self.text_error(ErrorCode::Eval, "the interpolated string is too long");
                self.add_error(error);
                break;
            }
        }
        let errors = std::mem::replace(&mut self.errs, outer);
        if errors != NIL {
            let code = self.code(errors);
            let wrapped = Bottom {
                code,
                node: self.node,
                parts: vec![errors],
                ..Bottom::default()
            };
            return Ok(Value::Bottom(self.push_error(wrapped)));
        }
        if bytes {
            Ok(self.program.bytes(&out))
        } else {
            let text = String::from_utf8(out)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
            Ok(self.string_value(&text))
        }
    }

    fn slice(&mut self, base: ExprId, low: ExprId, high: ExprId) -> Step<Value> {
        let value = self.value(base, FIELD_SET, Mode::Wait)?;
        if value == Value::None {
            if self.errs == NIL {
                self.add_incomplete("the value to slice is not concrete");
            }
            return Ok(Value::None);
        }
        let length = match value {
            Value::Node(node) if matches!(self.n(self.deref(node)).base, Value::List { .. }) => {
                self.element_count(self.deref(node))
            }
            Value::Bytes(id) => self.program.bytes[id as usize].len(),
            Value::Bottom(_) => return Ok(value),
            other => {
                let kind = self.kind(other);
                return Ok(self.fail(format!("cannot slice a value of type {kind}")));
            }
        };
        let mut bounds = [0, length];
        for (slot, expr) in [(0, low), (1, high)] {
            if expr == NO_EXPR {
                continue;
            }
            let index = self.value(expr, SCALAR, Mode::Wait)?;
            match index {
                Value::Int(i) if i < 0 => {
                    return Ok(self.fail(format!("slice index {i} must not be negative")));
                }
                Value::Int(i) => bounds[slot] = i as usize,
                other => {
                    self.type_error(other, Kind::INT);
                    return Ok(Value::None);
                }
            }
        }
        let [from, to] = bounds;
        if to > length {
            return Ok(self.fail(format!("index {to} out of range")));
        }
        if from > to {
            return Ok(self.fail(format!("invalid slice index: {from} > {to}")));
        }
        match value {
            Value::Bytes(id) => {
                let data = self.program.bytes[id as usize].clone();
                Ok(self.program.bytes(&data[from..to]))
            }
            Value::Node(node) => {
                let node = self.deref(node);
                let values: Vec<Value> = self
                    .arc_vec(node)
                    .iter()
                    .filter(|(label, _)| label.is_int())
                    .skip(from)
                    .take(to - from)
                    .map(|(_, arc)| Value::Node(*arc))
                    .collect();
                Ok(Value::Node(self.new_list(&values)))
            }
            _ => unreachable!("checked above"),
        }
    }

    /// A list whose elements are the values.
    pub(super) fn new_list(&mut self, values: &[Value]) -> Node {
        let list = self.new_inline();
        let data = self.n_mut(list);
        data.base = Value::List { open: false };
        data.status = Status::Finalized;
        data.flags |= NodeData::DATA;
        self.reserve_arcs(list, values.len() as u32);
        for (index, value) in values.iter().enumerate() {
            let arc = self.new_node(list, Label::index(index as u32), ArcType::Member);
            match *value {
                Value::Node(target) => {
                    // The element is the node itself: what is unified with it reaches its conjuncts.
                    let data = self.n_mut(arc);
                    data.base = Value::Node(target);
                    data.flags |= NodeData::SHARED;
                    data.status = Status::Finalized;
                }
                value => self.set_data(arc, value),
            }
            self.append_arc(list, Label::index(index as u32), arc);
        }
        list
    }

    pub(super) fn type_error(&mut self, value: Value, want: Kind) {
        match value {
            Value::Bottom(_) => {}
            Value::None => {
                if self.errs == NIL {
                    self.add_incomplete("the value is not known");
                }
            }
            _ => {
                let kind = self.kind(value);
                let shown = self.show(value);
                if !self.is_concrete(value) && !kind.and(want).is_empty() {
                    self.add_incomplete(format!("a concrete value is needed, and this is {shown}"));
                } else {
                    let text = format!("cannot use {shown} (type {kind}) as type {want}");
                    let error = self.text_error(ErrorCode::Eval, text);
                    self.add_error(error);
                }
            }
        }
    }
}

/// Bytes as text: each run of bytes that is not UTF-8 becomes one replacement character.
fn text_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for (index, chunk) in bytes.utf8_chunks().enumerate() {
        let continues = index > 0 && chunk.valid().is_empty();
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !continues {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out
}

/// The longest string an operation may make, in bytes.
pub(super) const MAX_STRING: usize = 256 << 20;
