//! Bringing a node to a condition: its tasks, its value, its fields; and looking fields up.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// Evaluates a node completely.
    pub(super) fn finalize(&mut self, node: Node) {
        let _ = self.unify(node, ALL, Mode::Finalize, true);
    }

    /// Brings the node to `needs` as far as `mode` allows; says whether it got there.
    pub(super) fn unify(
        &mut self,
        node: Node,
        needs: Condition,
        mode: Mode,
        check_closed: bool,
    ) -> Step<bool> {
        if mode == Mode::Ignore {
            return Ok(false);
        }
        stacker::maybe_grow(96 * 1024, 4 * 1024 * 1024, || {
            let saved = std::mem::replace(&mut self.node, node);
            let result = self.unify_inner(node, needs, mode, check_closed);
            self.node = saved;
            result
        })
    }

    fn unify_inner(
        &mut self,
        node: Node,
        needs: Condition,
        mode: Mode,
        check_closed: bool,
    ) -> Step<bool> {
        if self.state(node).is_none() {
            return Ok(true);
        }
        let too_large = if self.eval_depth > MAX_DEPTH || self.s(node).depth > 2 * MAX_DEPTH {
            Some(format!("the value nests deeper than {MAX_DEPTH} levels"))
        } else if self.nodes.len() > self.max_nodes {
            let most = self.max_nodes;
            Some(format!("the evaluation makes more than {most} values"))
        } else {
            None
        };
        if let Some(text) = too_large {
            let error = self.limit_error(text);
            self.set_base(node, Value::Bottom(error));
            self.n_mut(node).status = Status::Finalized;
            return Ok(true);
        }
        let parent = self.n(node).parent;
        let known = self.is_unrooted(node) || self.children_known(parent) || mode == Mode::Finalize;
        let whole = mode == Mode::Finalize
            && needs == ALL
            && self.has_state(node)
            && self.n(node).status != Status::Finalized;
        let mut quiet = whole && self.s(node).tasks.is_empty() && self.is_quiet(node);
        if quiet {
            self.complete_quiet(node);
        } else if known && self.has_state(node) {
            self.signal(node, ANCESTORS);
        }
        let own_needs = needs & !SUB_FIELDS;
        if self.n(node).base == Value::None {
            self.set_base(node, Value::Cycle);
        }
        self.update_scalar(node);
        if own_needs == SCALAR | ARC_TYPE && self.meets(node, own_needs) {
            return Ok(true);
        }
        if self.n(node).status == Status::Finalized {
            return Ok(true);
        }
        // A node that is reached again at the same depth refers to itself, perhaps through an expression.
        if self.n(node).status == Status::Evaluating
            && self.s(node).eval_depth == self.eval_depth
            && mode == Mode::Attempt
            && needs & FIELD_SET == 0
        {
            self.impasses += 1;
            return Ok(false);
        }
        self.n_mut(node).status = Status::Evaluating;
        let depth = self.eval_depth;
        let saved_depth = std::mem::replace(&mut self.s_mut(node).eval_depth, depth);
        if !quiet && whole && self.run_known(node) && self.is_quiet(node) {
            self.complete_quiet(node);
            quiet = true;
        }
        let processed = if quiet {
            Ok(())
        } else {
            self.process_marked(node, own_needs, mode)
        };
        let result =
            processed.and_then(|()| self.unify_marked(node, needs, own_needs, mode, check_closed));
        if self.has_state(node) {
            self.s_mut(node).eval_depth = saved_depth;
        }
        result
    }

    fn is_unrooted(&self, node: Node) -> bool {
        let data = self.n(node);
        data.label.is_let() || data.flags & (NodeData::DYNAMIC | NodeData::NON_ROOTED) != 0
    }

    /// Runs the tasks of a node that contribute to `needs`.
    fn process_marked(&mut self, node: Node, needs: Condition, mode: Mode) -> Step<()> {
        self.release_safe_cyclic(node);
        self.process(node, needs, mode)?;
        if self.has_state(node)
            && self.n(node).status != Status::Finalized
            && self.n(node).arc_type != ArcType::Pending
            && self.meets(node, ANCESTORS)
            && self.all_finished(node)
        {
            self.signal(node, ARC_TYPE);
        }
        Ok(())
    }

    fn unify_marked(
        &mut self,
        node: Node,
        needs: Condition,
        own_needs: Condition,
        mode: Mode,
        check_closed: bool,
    ) -> Step<bool> {
        if !self.has_state(node) || self.n(node).status == Status::Finalized {
            return Ok(true);
        }
        let target = self.deref_disjunct(node);
        if target != node {
            let status = self.n(target).status;
            let closed = self.n(target).flags & NodeData::CLOSED_RECURSIVE;
            let data = self.n_mut(node);
            data.flags = data.flags & !NodeData::CLOSED_RECURSIVE | closed;
            data.status = status;
            self.n_mut(node).child_errors = self.n(target).child_errors;
            self.clear_arcs(node);
            if status == Status::Finalized || !self.has_state(target) {
                return Ok(true);
            }
            return Ok(self.meets(target, needs));
        }
        self.update_scalar(node);
        if !self.meets(node, own_needs) && mode != Mode::Finalize {
            return Ok(false);
        }

        if self.s(node).is_shared {
            if self.s(node).base_before_sharing == Some(Value::Cycle) {
                self.s_mut(node).base_before_sharing = Some(Value::None);
            }
        } else {
            if self.n(node).base == Value::Cycle {
                self.set_base(node, Value::None);
            }
            self.validate_value(node);
        }

        if let Value::Node(target) = self.n(node).base
            && self.s(node).share_cyclic == Cyclic::No
        {
            if self.depth_cycle(target) {
                self.structural_cycle(node);
                return Ok(true);
            }
            self.unify(target, needs, mode, check_closed)?;
        }

        if !self.has_state(node) {
            return Ok(true);
        }
        if self.s(node).completed & SUB_FIELDS != 0 {
        } else if needs & SUB_FIELDS != 0 {
            if self.assert_acyclic(node)
                && self.n(node).status != Status::Finalized
                && !self.s(node).kind.is_empty()
            {
                self.complete_arcs(node, needs, mode, check_closed)?;
            }
            if !self.has_state(node) {
                return Ok(true);
            }
            if mode == Mode::Finalize {
                self.signal(node, SUB_FIELDS);
            }
            self.run_checks(node)?;
        } else if needs & FIELD_SET != 0 {
            self.settle_arc_types(node, mode)?;
        }
        if !self.has_state(node) {
            return Ok(true);
        }

        // What the expression that reads the node ran into (a cycle through it) is the node's error, too.
        let mut errors = self.s(node).errors;
        if self.errs != NIL && self.code(self.errs) == ErrorCode::Cycle {
            let pending = std::mem::replace(&mut self.errs, NIL);
            errors = self.combine(errors, pending);
        }
        if errors != NIL {
            self.s_mut(node).errors = NIL;
            let error = match self.bottom_of(node) {
                Some(own) => self.combine(own, errors),
                None => errors,
            };
            self.set_bottom(node, error);
        }
        self.finalize_disjunction(node);

        if mode == Mode::Attempt {
            return Ok(self.meets(node, needs));
        }
        let mask = self.s(node).completed & needs;
        if mask != 0 {
            self.signal(node, mask);
        }

        let target = self.deref(node);
        if target != node {
            return self.finish_indirect(node, target, needs, mode, check_closed);
        }
        if self.s(node).completed & SUB_FIELDS == 0 {
            return Ok(self.meets(node, needs));
        }

        self.eval_depth += 1;
        let block = self.s(node).has_top && !self.s(node).has_struct;
        if self.s(node).is_def && !block {
            self.n_mut(node).flags |= NodeData::CLOSED_RECURSIVE;
        }
        if check_closed {
            self.check_closed(node);
        }
        self.n_mut(node).status = Status::Finalized;
        self.eval_depth -= 1;
        if check_closed {
            self.note_equal(node);
        }
        let met = self.meets(node, needs);
        self.release_children(node);
        Ok(met)
    }

    pub(super) fn set_bottom(&mut self, node: Node, error: ErrId) {
        let base = self.n(node).base;
        if matches!(base, Value::Struct | Value::List { .. })
            && self.errors[error as usize].value == Value::None
        {
            let mut copy = self.errors[error as usize].clone();
            copy.value = base;
            if copy.parts.is_empty() {
                // Keep the leaf's identity, so that it is reported once.
                copy.parts = vec![error];
                copy.message = Message::Text(String::new());
            }
            let id = self.push_error(copy);
            self.set_base(node, Value::Bottom(id));
        } else {
            self.set_base(node, Value::Bottom(error));
        }
    }

    fn finish_indirect(
        &mut self,
        node: Node,
        target: Node,
        needs: Condition,
        mode: Mode,
        check_closed: bool,
    ) -> Step<bool> {
        self.clear_arcs(node);
        self.n_mut(node).child_errors = NIL;
        if self.s(node).completed & SUB_FIELDS == 0 {
            if self.n(target).status == Status::Unprocessed {
                self.unify(target, needs, mode, false)?;
            }
            return Ok(!self.has_state(node) || self.meets(node, needs));
        }
        let flags = self.n(target).flags & (NodeData::CLOSED_RECURSIVE | NodeData::ELLIPSIS);
        let status = self.n(target).status;
        self.n_mut(node).flags |= flags;
        self.finalize_sharing(node);
        if self.has_ancestor(node, target) || self.target_in_progress_cycle(target) {
            self.structural_cycle(node);
            self.n_mut(node).status = Status::Finalized;
            return Ok(true);
        }
        self.n_mut(node).status = status;
        self.unify(target, needs, mode, check_closed)?;
        self.n_mut(node).status = self.n(target).status;
        Ok(true)
    }

    /// Whether a shared target still has to resolve a reference to a node that is being evaluated.
    fn target_in_progress_cycle(&mut self, target: Node) -> bool {
        if !self.has_state(target) {
            return false;
        }
        for index in 0..self.s(target).tasks.len() {
            let id = self.s(target).tasks[index];
            let task = self.tasks[id as usize];
            if task.state != TaskState::Ready || task.kind != TaskKind::Resolve {
                continue;
            }
            let saved_errs = std::mem::replace(&mut self.errs, NIL);
            let found = self.with_context(task.env, task.info, |m| {
                m.resolve(task.expr, FIELD_SET, Mode::Ignore)
            });
            self.errs = saved_errs;
            if let Ok(Some(arc)) = found {
                let arc = self.deref_non_disjunct(arc);
                if self.depth_cycle(arc) {
                    return true;
                }
            }
        }
        false
    }

    /// Children that are finished need their states no longer: closedness has been checked.
    fn release_children(&mut self, node: Node) {
        for index in 0..self.n(node).arc_count {
            let arc = self.arc(node, index).1;
            if self.n(arc).status == Status::Finalized
                && self.has_state(arc)
                && !self.is_running(arc)
            {
                self.release(arc);
            }
        }
    }

    pub(super) fn release(&mut self, node: Node) {
        let id = self.n(node).state;
        for index in 0..self.states[id as usize].waiters.len() {
            let task = self.states[id as usize].waiters[index];
            let t = &mut self.tasks[task as usize];
            if t.blocked_on == node {
                (t.blocked_on, t.blocked_for) = (NIL, NEVER);
            }
        }
        for index in 0..self.states[id as usize].tasks.len() {
            let task = self.states[id as usize].tasks[index];
            let t = &self.tasks[task as usize];
            if t.state >= TaskState::Done && !t.waited && t.kind != TaskKind::Comprehension {
                self.free_tasks.push(task);
            }
        }
        self.states[id as usize].tasks.clear();
        self.states[id as usize].ended = 0;
        self.n_mut(node).state = NIL;
        self.free_states.push(id);
    }

    /// Gives the node its scalar, if one is known.
    pub(super) fn update_scalar(&mut self, node: Node) {
        if !self.has_state(node) {
            return;
        }
        let scalar = self.s(node).scalar;
        if scalar == Value::None {
            return;
        }
        match self.n(node).base {
            Value::Bottom(_) => return,
            Value::Node(target) if self.n(target).has(NodeData::DISJUNCT) => {}
            _ => self.set_base(node, scalar),
        }
        self.signal(node, SCALAR);
    }

    /// Turns what the conjuncts said into the node's own value: a scalar, a struct, a list, or what is
    /// left of types, bounds and validators.
    fn validate_value(&mut self, node: Node) {
        let state = self.s(node);
        let mut mark = state.is_struct;
        if !mark && self.n(node).structs != NIL {
            mark = !state.kind.and(Kind::STRUCT).is_empty() && !state.has_top;
            mark |= self.arc_slice(node).iter().any(|(label, arc)| {
                label.is_regular() && self.n(*arc).arc_type != ArcType::Optional
            });
        }
        if self.n(node).base == Value::None && mark {
            self.set_base(node, Value::Struct);
        }
        let value = self.n(node).base;
        if let Value::Disjunction(_) = value {
            // Each alternative has met the bounds.
        } else if value != Value::None && self.is_concrete(value) {
            for check in [self.s(node).lower, self.s(node).upper]
                .into_iter()
                .flatten()
            {
                if let Some(error) = self.validate_bound(check, value) {
                    self.node_error(node, error);
                }
            }
        } else if !matches!(value, Value::Bottom(_) | Value::Node(_)) {
            let value = self.validators_of(node);
            self.set_base(node, value);
        }
    }

    /// Types, bounds and validators of a node as one value.
    pub(super) fn validators_of(&mut self, node: Node) -> Value {
        let mut values: Vec<Value> = Vec::new();
        let mut kind = Kind::TOP;
        let (lower, upper, own_kind) = {
            let s = self.s(node);
            (s.lower, s.upper, s.kind)
        };
        for check in [lower, upper].into_iter().flatten() {
            values.push(check.value);
            kind = kind.and(self.kind(check.value));
        }
        for index in 0..self.s(node).checks.len() {
            let check = self.s(node).checks[index];
            if let Value::Bound(b) = check.value
                && self.program.bounds[b as usize].op == Comparison::NotEqual
            {
                let redundant = [lower, upper].into_iter().flatten().any(|other| {
                    self.simplify_bounds(own_kind, other.value, check.value) != Value::None
                });
                if redundant {
                    continue;
                }
            }
            values.push(check.value);
            kind = kind.and(self.kind(check.value));
        }
        if kind.0 & !own_kind.0 != 0 {
            values.push(Value::Kind(own_kind));
        }
        match values.len() {
            0 => {
                if own_kind == Kind::TOP {
                    Value::Top
                } else {
                    Value::Kind(own_kind)
                }
            }
            1 => values[0],
            _ => self.new_conjunction(values),
        }
    }

    fn run_checks(&mut self, node: Node) -> Step<()> {
        // Whoever waited for the fields may have finished the node.
        if !self.has_state(node) || self.s(node).checks.is_empty() {
            return Ok(());
        }
        let value = self.n(node).base;
        let target = self.deref(node);
        let is_error = matches!(self.n(target).base, Value::Bottom(_));
        if value == Value::None || is_error || !self.is_concrete_node(node) {
            return Ok(());
        }
        let checks = std::mem::take(&mut self.s_mut(node).checks);
        for check in checks {
            if let Some(error) = self.validate(check, node)
                && self.has_state(node)
            {
                self.node_error(node, error);
            }
        }
        Ok(())
    }

    fn settle_arc_types(&mut self, node: Node, mode: Mode) -> Step<()> {
        let mut index = 0;
        while index < self.n(node).arc_count {
            let arc = self.arc(node, index).1;
            index += 1;
            if self.n(arc).arc_type != ArcType::Pending {
                continue;
            }
            self.unify(arc, ARC_TYPE, mode, false)?;
            if self.n(arc).arc_type == ArcType::Pending {
                self.update_arc_type(arc, ArcType::NotPresent);
            }
        }
        Ok(())
    }

    fn complete_arcs(
        &mut self,
        node: Node,
        needs: Condition,
        mode: Mode,
        mut check_closed: bool,
    ) -> Step<()> {
        self.complete_tasks(node, Mode::Finalize);
        if !self.has_state(node) {
            return Ok(());
        }
        if mode == Mode::Finalize && check_closed && self.is_refused_early(node) {
            return Ok(());
        }
        self.eval_depth += 1;
        // With several arms left each is checked on its own.
        if self.s(node).has_disjunction {
            check_closed = false;
        }
        let mut index = 0;
        while index < self.n(node).arc_count {
            let (label, arc) = self.arc(node, index);
            index += 1;
            let result = self.unify(arc, needs, mode, check_closed);
            if result.is_err() {
                self.eval_depth -= 1;
                return Err(Yield);
            }
            if self.n(arc).arc_type == ArcType::Pending {
                self.update_arc_type(arc, ArcType::NotPresent);
                self.n_mut(arc).arc_type = ArcType::NotPresent;
                continue;
            }
            if self.n(arc).arc_type <= ArcType::Required
                && label.is_string()
                && self.has_state(node)
                && self.s(node).kind.and(Kind::STRUCT).is_empty()
                && self.bottom_of(node).is_none()
                && self.bottom_of(arc).is_none()
            {
                self.field_mismatch(node, arc, label);
            }
        }
        let absent = |&(_, arc): &(Label, Node)| self.n(arc).arc_type == ArcType::NotPresent;
        if self.arc_slice(node).iter().any(absent) {
            self.sweep_arcs(node);
        }
        let mut failed = Vec::new();
        for &(label, arc) in self.arc_slice(node) {
            if label.is_let() || self.n(arc).arc_type > ArcType::Required {
                continue;
            }
            failed.extend(self.bottom_of(self.deref(arc)));
        }
        self.add_child_errors(node, failed);
        if self.has_state(node) {
            if !self.s(node).post_checks.is_empty() {
                let checks = std::mem::take(&mut self.s_mut(node).post_checks);
                for check in checks {
                    self.post_check(node, check);
                }
            }
            self.finalize_sharing(node);
        }
        self.eval_depth -= 1;
        Ok(())
    }

    /// A field in something that is no struct.
    fn field_mismatch(&mut self, node: Node, arc: Node, label: Label) {
        let base = self.n(node).base;
        let kinds = (self.s(node).kind, Kind::STRUCT);
        let error = Bottom {
            code: ErrorCode::Eval,
            message: Message::Mismatch {
                left: base,
                right: Value::Struct,
                kinds,
            },
            node,
            exprs: self.conjunct_exprs(arc).into_iter().collect(),
            ..Bottom::default()
        };
        let _ = label;
        let mut error = error;
        let own = self.s(node).kind_expr;
        if own != NO_EXPR {
            error.exprs.insert(0, own);
        }
        let id = self.push_error(error);
        self.node_error(node, id);
    }

    /// The expressions of a node's conjuncts, for messages.
    pub(super) fn conjunct_exprs(&self, node: Node) -> Vec<ExprId> {
        let mut out = Vec::new();
        let mut at = self.n(node).conjuncts;
        while at != NIL && out.len() < 8 {
            let c = self.conjuncts[at as usize];
            if !out.contains(&c.expr) {
                out.push(c.expr);
            }
            at = c.next;
        }
        out
    }

    /// Repeats a comparison with `_|_`: an answer that changed is an error.
    fn post_check(&mut self, node: Node, check: PostCheck) {
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        let info = Info::default();
        let value = self.with_context(check.env, info, |m| m.eval(check.expr, ALL, Mode::Ignore));
        self.errs = saved_errs;
        let Ok(value) = value else { return };
        let value = self.default_of(value).unwrap_or(value);
        let value = self.unwrap(value);
        let is_error = matches!(value, Value::Bottom(_) | Value::None);
        if is_error != check.expect_error {
            let saved = std::mem::replace(&mut self.source, check.expr);
            let error = self.text_error(
                ErrorCode::Cycle,
                "circular dependency in the evaluation of conditionals: the tested value changed afterwards",
            );
            self.source = saved;
            let combined = match self.bottom_of(node) {
                Some(own) => self.combine(own, error),
                None => error,
            };
            self.set_bottom(node, combined);
        }
    }

    #[inline]
    pub(super) fn update_arc_type(&mut self, node: Node, arc_type: ArcType) {
        let known = self.n(node).arc_type;
        if arc_type < known || known == ArcType::Pending {
            self.change_arc_type(node, arc_type);
        }
    }

    fn change_arc_type(&mut self, node: Node, arc_type: ArcType) {
        let data = *self.n(node);
        if data.arc_type == ArcType::Pending
            && data.state != NIL
            && self.s(node).frozen & ARC_TYPE != 0
        {
            if arc_type < ArcType::Pending {
                let label = data.label;
                let error = self.new_error(ErrorCode::Cycle, Message::UndefinedField(label));
                if data.parent != NIL {
                    self.add_error(error);
                }
            }
            return;
        }
        if arc_type >= data.arc_type || data.arc_type == ArcType::NotPresent {
            return;
        }
        if data.parent != NIL
            && self.n(data.parent).arc_type == ArcType::Pending
            && self.has_state(data.parent)
        {
            self.unshare(data.parent);
        }
        self.n_mut(node).arc_type = arc_type;
    }
}

/// How many values one evaluation may make; each takes some hundred bytes.
pub(super) const MAX_NODES: usize = 40_000_000;
/// How deep values may nest.
const MAX_DEPTH: i32 = 2_000;
