//! Resolving references to nodes: names, selections, indices, `let`s and packages.

use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
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
        let mut info = Info::default();
        if label == Label::NONE || self.is_within_let(parent) {
            (info.cyclic, info.refs) = (self.info.cyclic, self.info.refs);
        }
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
        let Ok(value) = result else {
            self.errs = saved_errs;
            return Err(Yield);
        };
        Ok(self.with_errors(value, saved_errs))
    }

    fn unify_node_inner(&mut self, expr: ExprId, needs: Condition, mode: Mode) -> Step<Value> {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => return Ok(value),
            expr if expr.is_reference() => {}
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
        let is_reference = self.program.exprs[expr as usize].is_reference();
        let saved = self.info;
        if !is_reference {
            self.info = self.info.without(Info::FROM_DEF);
        }
        let value = self.unify_node(expr, FIELD_SET | ANCESTORS, Mode::Wait);
        self.info.flags = saved.flags;
        let value = value?;
        if self.is_own_choice(value) {
            self.add_incomplete(
                "which alternative of the value is left depends on what is selected from it",
            );
            return Ok(None);
        }
        let Some(value) = self.default_of(value) else {
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
            // A scalar that is nobody's value has no definitions, and may yet be unified with some.
            other if !scalar && !matches!(self.program.exprs[expr as usize], Expr::Value(_)) => {
                let kind = self.kind(other);
                self.add_incomplete(format!("a value of type {kind} has no definitions"));
                return Ok(None);
            }
            other => {
                self.select_error(other);
                return Ok(None);
            }
        };
        if self.n(node).label.is_let() && self.has_state(node) {
            // Nobody else says what is wrong with it.
            let errors = self.s(node).errors;
            if errors != NIL && !self.code(errors).is_incomplete() {
                self.add_error(errors);
                return Ok(None);
            }
        }
        match self.n(node).base {
            Value::None => {
                if self.has_state(node) && !self.s(node).kind.and(Kind::STRUCT).is_empty() {
                    return Ok(Some(node));
                }
                self.add_incomplete("the value to select from is incomplete");
                Ok(None)
            }
            // Its kind is known before its value.
            Value::Cycle
                if scalar
                    && self.has_state(node)
                    && !self.s(node).kind.is_empty()
                    && self
                        .s(node)
                        .kind
                        .and(Kind::STRUCT.or(Kind::LIST))
                        .is_empty() =>
            {
                let kind = self.s(node).kind;
                self.select_error(Value::Kind(kind));
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

    /// Whether a value is the alternatives of the node under evaluation: which of them is left depends on what reads them.
    fn is_own_choice(&self, value: Value) -> bool {
        let Value::Node(node) = value else {
            return false;
        };
        let data = self.n(node);
        matches!(data.base, Value::Disjunction(_))
            && data.status != Status::Finalized
            && (self.node == node || self.arm_origin.get(&self.node) == Some(&node))
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
}
