//! What each kind of task does, and sharing of nodes.

use super::cycle::Resolved;
use super::error::{Bottom, CYCLE_PLACEHOLDER, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    pub(super) fn perform(&mut self, id: TaskId, mode: Mode) -> Step<()> {
        let task = self.tasks[id as usize];
        match task.kind {
            TaskKind::Expr => {
                let (value, info) = self.eval_info(task.expr, SCALAR, mode)?;
                if value == Value::Bottom(CYCLE_PLACEHOLDER) {
                    self.impasses += 1;
                    self.errs = NIL;
                    return Ok(());
                }
                if info.cyclic == Cyclic::Yes && self.n(task.node).has(NodeData::PATTERN) {
                    return Ok(());
                }
                if self.has_state(task.node) {
                    self.insert_value(task.node, value, task.expr, task.env, info);
                    if matches!(value, Value::Bottom(_)) {
                        // The node has it now.
                        self.errs = NIL;
                    }
                }
                Ok(())
            }
            TaskKind::Resolve => self.perform_resolve(id, mode),
            TaskKind::Dynamic(arc_type, value) => self.perform_dynamic(id, arc_type, value, mode),
            TaskKind::Pattern(value) => {
                let pattern = self.eval(task.expr, SCALAR | DISJUNCTIONS, Mode::Wait)?;
                if !matches!(pattern, Value::None | Value::Bottom(_)) {
                    let pattern = match pattern {
                        Value::Node(node) => {
                            let _ = self.unify(node, SCALAR, Mode::Finalize, false);
                            self.unwrap(pattern)
                        }
                        other => other,
                    };
                    self.complete_pattern(pattern)?;
                    self.insert_pattern(task.node, pattern, value, task.env, task.info);
                }
                Ok(())
            }
            TaskKind::Comprehension => self.perform_comprehension(id),
            TaskKind::List => self.perform_list(id, mode),
            TaskKind::ListNode(list) => self.perform_list_node(id, list),
            TaskKind::Disjunctions => {
                let error = self.resolve_disjunctions(task.node);
                if error != NIL {
                    self.tasks[id as usize].error = error;
                }
                Ok(())
            }
        }
    }

    /// Evaluates what a pattern consists of (`or([…])` gives its elements as they are) while the task can still wait
    /// for it: once labels are matched it is too late.
    fn complete_pattern(&mut self, pattern: Value) -> Step<()> {
        let parts = match pattern {
            Value::Disjunction(index) => self.disjunctions[index as usize].values.clone(),
            Value::Conjunction(index) => self.conjunction(index).to_vec(),
            _ => return Ok(()),
        };
        for part in parts {
            match part {
                Value::Node(node) => {
                    self.unify(node, SCALAR, Mode::Wait, false)?;
                }
                part => self.complete_pattern(part)?,
            }
        }
        Ok(())
    }

    fn perform_resolve(&mut self, id: TaskId, mode: Mode) -> Step<()> {
        let task = self.tasks[id as usize];
        let saved_pending = std::mem::replace(&mut self.pending_parent, false);
        let found = self.resolve(task.expr, FIELD_SET, mode);
        let pending = std::mem::replace(&mut self.pending_parent, saved_pending);
        let found = found?;
        // A field that whoever runs this task ahead may still add: then is time enough to look.
        let early = mode == Mode::Attempt && self.errs == NIL && pending;
        let Some(arc) = found else {
            self.tasks[id as usize].retry = early;
            return Ok(());
        };
        if early && self.n(arc).arc_type == ArcType::Pending && self.n(arc).conjuncts == NIL {
            self.tasks[id as usize].retry = true;
            return Ok(());
        }
        if !self.has_state(task.node) {
            return Ok(());
        }
        let mut info = self.info;
        if self.n(arc).has(NodeData::OPENED_SHARED) || task.info.has(Info::OPENED) {
            info = info.with(Info::OPENED);
        }
        if task.info.has(Info::CONJUNCTION_OPENED) {
            info = info.with(Info::CONJUNCTION_OPENED);
        }
        let arc = self.deref_non_disjunct(arc);
        let target = self.deref_disjunct(arc);
        let (info, skip) = self.detect_cycle(Resolved {
            node: task.node,
            target,
            env: task.env,
            expr: task.expr,
            info,
        });
        if skip {
            self.unshare(task.node);
            // It adds nothing, but says that the field may be there.
            self.add_evidence(task.node, info, 0);
            return Ok(());
        }
        if self.tasks[id as usize].defunct {
            return Ok(());
        }
        if let Some(error) = self.bottom_of(target)
            && self.code(error) == ErrorCode::StructuralCycle
        {
            self.add_error(error);
            return Ok(());
        }
        self.schedule_node_conjuncts(task.node, task.expr, task.env, arc, info);
        Ok(())
    }

    fn perform_dynamic(
        &mut self,
        id: TaskId,
        arc_type: ArcType,
        value: ExprId,
        mode: Mode,
    ) -> Step<()> {
        let task = self.tasks[id as usize];
        let key = self.value(task.expr, SCALAR | DISJUNCTIONS, mode)?;
        let label = match key {
            Value::None | Value::Bottom(_) => {
                return Ok(());
            }
            Value::String(text) => Label::string(text),
            Value::Int(_) | Value::Number(_) if self.kind(key) == Kind::INT => {
                let value = self.fail("integer fields not supported");
                self.add_value_error(value);
                return Ok(());
            }
            Value::Node(key)
                if self.n(key).has(NodeData::DYNAMIC)
                    || !self.n(key).has(NodeData::DISJUNCT) && self.lies_below(key, task.node)
                    || self.n(key).status == Status::Evaluating
                        && (self.has_ancestor(task.node, key)
                            || self.has_state(key) && !self.all_finished(key)) =>
            {
                self.add_incomplete("key value of dynamic field not yet known");
                return Ok(());
            }
            other => {
                let kind = self.kind(other);
                let structural =
                    matches!(other, Value::Node(_)) && (kind == Kind::STRUCT || kind == Kind::LIST);
                if structural || self.is_concrete(other) {
                    let text = format!(
                        "invalid label {}: must be a string, found {kind}",
                        self.show(other)
                    );
                    let value = self.fail(text);
                    self.add_value_error(value);
                    return Ok(());
                }
                let text = format!(
                    "key value of dynamic field must be concrete, found {}",
                    self.show(other)
                );
                self.add_incomplete(text);
                return Ok(());
            }
        };
        let env = self.labelled_env(task.env, label);
        self.insert_arc(task.node, label, arc_type, value, env, task.info);
        Ok(())
    }

    pub(super) fn add_value_error(&mut self, value: Value) {
        if let Value::Bottom(error) = value {
            self.add_error(error);
        }
    }

    fn perform_list(&mut self, id: TaskId, mode: Mode) -> Step<()> {
        let task = self.tasks[id as usize];
        let node = task.node;
        self.update_cyclic(node, task.info);
        let Expr::List(literal) = self.program.exprs[task.expr as usize] else {
            unreachable!("a list task has a list literal")
        };
        if self.s(node).kind != Kind::LIST {
            self.update_kind(node, Kind::LIST, task.expr, task.info);
        }
        let info = task.info.sub_field();
        let count = self.program.list_literals[literal as usize].elements.len();
        self.reserve_arcs(node, count as u32);
        let mut index: u32 = 0;
        let mut comprehends = false;
        for position in 0..count {
            match self.program.list_literals[literal as usize].elements[position] {
                Element::Expr(expr) => {
                    self.insert_arc(
                        node,
                        Label::index(index),
                        ArcType::Member,
                        expr,
                        task.env,
                        info,
                    );
                    index += 1;
                }
                Element::Comprehension(comprehension) => {
                    comprehends = true;
                    let envs = self.fire(NIL, task.env, comprehension, mode)?;
                    let Some(envs) = envs else { return Ok(()) };
                    let c = &self.program.comprehensions[comprehension as usize];
                    let (body, otherwise) = (c.body, c.otherwise);
                    if envs.is_empty() && otherwise != NO_EXPR {
                        self.insert_arc(
                            node,
                            Label::index(index),
                            ArcType::Member,
                            otherwise,
                            task.env,
                            info,
                        );
                        index += 1;
                    }
                    for env in envs {
                        self.insert_arc(
                            node,
                            Label::index(index),
                            ArcType::Member,
                            body,
                            env,
                            info,
                        );
                        index += 1;
                        if index >= Label::MAX_INDEX {
                            break;
                        }
                    }
                }
            }
        }
        let ellipsis = self.program.list_literals[literal as usize].ellipsis;
        if let Some(element) = ellipsis {
            let pattern = if index == 0 {
                Value::Kind(Kind::INT)
            } else {
                self.program
                    .bound(Comparison::GreaterEqual, Value::Int(i64::from(index)))
            };
            self.insert_pattern(node, pattern, element, task.env, info.optional());
        }
        let closed = ellipsis.is_none();
        if self.check_length(node, index, closed, comprehends, task.expr) {
            self.set_list_type(node, closed, task.expr, info);
        }
        Ok(())
    }

    fn check_length(
        &mut self,
        node: Node,
        length: u32,
        closed: bool,
        comprehends: bool,
        expr: ExprId,
    ) -> bool {
        let state = self.s(node);
        let (known, known_closed, known_expr) =
            (state.list_length, state.list_closed, state.list_expr);
        let set = if length < known {
            if closed {
                self.length_error(node, length, known, expr, known_expr);
                return false;
            }
            false
        } else if length > known {
            if known_closed {
                self.length_error(node, known, length, known_expr, expr);
                return false;
            }
            true
        } else {
            (closed && !known_closed) || (closed == known_closed && !comprehends)
        };
        if set {
            let state = self.s_mut(node);
            state.list_length = length;
            state.list_expr = expr;
            state.list_closed = closed;
        }
        true
    }

    fn length_error(&mut self, node: Node, left: u32, right: u32, a: ExprId, b: ExprId) {
        let error = self.push_error(Bottom {
            code: ErrorCode::Eval,
            message: Message::ListLength { left, right },
            node,
            exprs: [a, b].into_iter().filter(|&e| e != NO_EXPR).collect(),
            ..Bottom::default()
        });
        self.node_error(node, error);
    }

    fn set_list_type(&mut self, node: Node, closed: bool, expr: ExprId, info: Info) {
        if self.s(node).kind.is_empty() {
            return;
        }
        let open = match self.n(node).base {
            Value::List { open } => open,
            _ => true,
        };
        if !matches!(self.n(node).base, Value::Bottom(_)) {
            let open = open && !closed;
            self.set_base(node, Value::List { open });
        }
        if self.s(node).kind != Kind::LIST {
            self.update_kind(node, Kind::LIST, expr, info);
        }
    }

    fn perform_list_node(&mut self, id: TaskId, list: Node) -> Step<()> {
        let task = self.tasks[id as usize];
        let node = task.node;
        let arcs: Vec<_> = self
            .arc_vec(list)
            .into_iter()
            .filter(|(l, _)| l.is_int())
            .collect();
        let closed = self.is_closed_list(list);
        if !self.check_length(node, arcs.len() as u32, closed, false, task.expr) {
            return Ok(());
        }
        if closed {
            self.s_mut(node).list_closed = true;
        }
        for (label, arc) in arcs {
            let value = self.element_value(arc);
            let value = self.value_expr(value, task.expr);
            self.insert_arc(node, label, ArcType::Member, value, NIL, task.info);
        }
        self.set_list_type(node, closed, task.expr, task.info);
        Ok(())
    }

    // ---- sharing ----

    /// Lets the node be the one it refers to, where nothing else is known of it.
    pub(super) fn share(
        &mut self,
        node: Node,
        expr: ExprId,
        env: EnvId,
        target: Node,
        info: Info,
    ) -> bool {
        let data = *self.n(node);
        let to = *self.n(target);
        let state = self.s(node);
        if data.arc_count > 0
            || to.flags & (NodeData::NON_ROOTED | NodeData::DYNAMIC) != 0
            || to.label.is_let()
            || state.no_sharing
            || state.is_shared
            || self.errs != NIL
            || (info.cyclic == Cyclic::Yes
                && data.flags & (NodeData::NON_ROOTED | NodeData::DYNAMIC) != 0)
            || (data.has(NodeData::CLOSED_RECURSIVE) && !to.has(NodeData::CLOSED_RECURSIVE))
        {
            return false;
        }
        if self.is_to_have_more(node, target) || self.leads_back_to_arm(node, target) {
            self.s_mut(node).no_sharing = true;
            return false;
        }
        let state = self.s_mut(node);
        state.base_before_sharing = Some(data.base);
        state.is_shared = true;
        state.shared_expr = expr;
        state.shared_env = env;
        self.set_base(node, Value::Node(target));
        let data = self.n_mut(node);
        data.flags |= NodeData::SHARED;
        if info.has(Info::OPENED) || info.has(Info::CONJUNCTION_OPENED) {
            data.flags |= NodeData::OPENED_SHARED;
        }
        self.add_shared(node, info);
        true
    }

    /// Whether a reference that is not followed yet is sure to bring in a literal of another value.
    fn is_to_have_more(&self, node: Node, target: Node) -> bool {
        let tasks = &self.s(node).tasks;
        tasks.len() > 1
            && tasks.iter().any(|&id| {
                let task = &self.tasks[id as usize];
                task.state == TaskState::Ready
                    && task.kind == TaskKind::Resolve
                    && self.present(task.expr, task.env).is_some_and(|other| {
                        other != self.deref(target)
                            && self.has_all_conjuncts(other)
                            && self.is_literal(other)
                    })
            })
    }

    /// Whether a value that is a reference leads back to the alternative that is being tried around the node. Shared, it would be
    /// finished with that cycle, also where the alternative is then given up.
    fn leads_back_to_arm(&self, node: Node, target: Node) -> bool {
        if self.n(target).status == Status::Finalized {
            return false;
        }
        let mut at = self.n(target).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Some(found) = self.present(c.expr, c.env) {
                let arm = self.deref(found);
                let data = self.n(arm);
                let tried = data.has(NodeData::DISJUNCT) && data.status != Status::Finalized;
                if tried && self.lies_below(node, arm) {
                    return true;
                }
            }
            at = c.next;
        }
        false
    }

    pub(super) fn add_shared(&mut self, node: Node, info: Info) {
        let state = self.s_mut(node);
        if state.shared_infos.is_empty() || state.share_cyclic < info.cyclic {
            state.share_cyclic = info.cyclic;
        }
        state.shared_infos.push(info);
    }

    /// Something else is unified into a shared node: it gets conjuncts of its own.
    #[inline]
    pub(super) fn unshare(&mut self, node: Node) {
        let state = self.s_mut(node);
        state.no_sharing = true;
        if state.is_shared {
            self.end_sharing(node);
        }
    }

    fn end_sharing(&mut self, node: Node) {
        let state = self.s_mut(node);
        state.is_shared = false;
        let base = state.base_before_sharing.take().unwrap_or(Value::None);
        let (expr, env) = (state.shared_expr, state.shared_env);
        let infos = std::mem::take(&mut state.shared_infos);
        let Value::Node(target) = self.n(node).base else {
            return;
        };
        self.set_base(node, base);
        let data = self.n_mut(node);
        data.flags &= !(NodeData::SHARED | NodeData::OPENED_SHARED);
        for info in &infos {
            self.schedule_node_conjuncts(node, expr, env, target, *info);
        }
        for info in infos {
            if self.has_state(node) {
                self.add_evidence(node, info, 0);
            }
        }
    }

    pub(super) fn finalize_sharing(&mut self, node: Node) {
        if !self.has_state(node) {
            return;
        }
        if !self.s(node).shared_infos.is_empty() {
            let infos = std::mem::take(&mut self.s_mut(node).shared_infos);
            for info in &infos {
                self.add_evidence(node, *info, 0);
            }
            self.s_mut(node).shared_infos = infos;
        }
        if self.s(node).is_shared
            && let Value::Node(target) = self.n(node).base
            && self.s(node).share_cyclic == Cyclic::No
        {
            self.finalize(target);
        }
    }
}
