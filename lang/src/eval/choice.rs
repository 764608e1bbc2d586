//! Choices: a node evaluated afresh with one arm taken of each disjunction (specification chapter "Disjunctions and defaults").
//!
//! Survivors are multiplied with the arms of one disjunction after the other; what fails is dropped, what is equal is merged.

use super::disjunct::*;
use super::error::ErrorCode;
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;

impl Machine<'_> {
    pub(super) fn resolve_choices(
        &mut self,
        node: Node,
        list: &[DisjunctionConjunct],
        dead: &[Vec<bool>],
    ) -> ErrId {
        if self.s(node).assigned.len() > MAX_NESTED {
            return self.limit_error(format!(
                "more than {MAX_NESTED} disjunctions nest in one value"
            ));
        }
        if self.stats.disjuncts_tried > MAX_TRIED {
            return self.limit_error(format!(
                "the disjunctions take more than {MAX_TRIED} trials"
            ));
        }
        // Inside an arm that is not the last word, nothing may be finished.
        let mut outer_mode = None;
        let mut at = node;
        while at != NIL {
            if self.n(at).has(NodeData::DISJUNCT) {
                outer_mode = Some(if self.has_state(at) {
                    self.s(at).arm_mode.unwrap_or(Mode::Finalize)
                } else {
                    Mode::Finalize
                });
                break;
            }
            at = self.n(at).parent;
        }
        let assigned = self.s(node).assigned.clone();
        let start = Choice {
            value: Value::Node(node),
            mode: self.s(node).arm_default.0,
            own: self.s(node).arm_default.1,
            assigned,
            merged: Vec::new(),
        };
        let mut cross = vec![start];
        for (index, d) in list.iter().enumerate() {
            let last = index + 1 == list.len();
            let mode = if last {
                outer_mode.unwrap_or(Mode::Finalize)
            } else {
                Mode::Attempt
            };
            let mut errors = Vec::new();
            let later: Vec<Assigned> = list[index + 1..]
                .iter()
                .map(|d| Assigned {
                    source: d.source.clone(),
                    env: d.env,
                    arm: LATER,
                })
                .collect();
            let step = Factor {
                disjunction: d,
                dead: &dead[index],
                later: &later,
                mode,
            };
            let outermost = outer_mode.is_none() && !self.explaining;
            let refused = std::mem::take(&mut self.refused_early);
            let mut results = self.cross_product(node, &cross, &step, &mut errors);
            if results.is_empty() && outermost && self.refused_early {
                // Tried whole, for what the error says.
                self.explaining = true;
                errors.clear();
                results = self.cross_product(node, &cross, &step, &mut errors);
                self.explaining = false;
            }
            self.refused_early |= refused;
            if let Some(&error) = errors.iter().find(|&&error| self.is_limit(error)) {
                // An alternative that is too large to be worked out may not be left out.
                for choice in &results {
                    self.drop_choice(choice);
                }
                return error;
            }
            if index > 0 {
                for choice in &cross {
                    self.drop_choice(choice);
                }
            }
            if results.is_empty() {
                return self.no_choice(node, errors);
            }
            if results.len() > MAX_CHOICES {
                for choice in &results {
                    self.drop_choice(choice);
                }
                return self.limit_error(format!(
                    "the disjunctions of this value have more than {MAX_CHOICES} combinations"
                ));
            }
            cross = results;
        }
        let waiting = self.detach_arcs(node);
        let mut completed = 0;
        if let [choice] = &cross[..] {
            match choice.value {
                Value::Node(target) => {
                    if self.has_state(target) {
                        completed = self.s(target).completed;
                    } else {
                        completed = ALL;
                    }
                    self.set_base(node, Value::Node(target));
                }
                value => self.set_base(node, value),
            }
            let ambiguous = self.s(node).ambiguous_in;
            if ambiguous != NIL && choice.mode != Default3::Is {
                // Which alternatives are left was asked by one of them.
                let text = format!(
                    "cycle across a disjunction referenced by {}, which decides it",
                    self.path(ambiguous)
                );
                let error = self.text_error(ErrorCode::Cycle, text);
                self.set_base(node, Value::Bottom(error));
                return error;
            }
        } else {
            let defaults: Vec<_> = cross.iter().filter(|c| c.mode == Default3::Is).collect();
            if let [only] = defaults[..]
                && let Value::Node(target) = only.value
            {
                completed = if self.has_state(target) {
                    self.s(target).completed
                } else {
                    ALL
                };
            }
            self.s_mut(node).choices = cross;
        }
        if completed != 0 {
            self.signal_choice(node, completed);
        }
        for task in waiting {
            if self.tasks[task as usize].state == TaskState::Waiting
                && self.tasks[task as usize].blocked_on == NIL
            {
                self.run_task(task, Mode::Attempt);
            }
        }
        NIL
    }

    /// What is known of the choice is known of the node, its own tasks apart.
    pub(super) fn signal_choice(&mut self, node: Node, completed: Condition) {
        let own = TASKS | DISJUNCTIONS | CHILDREN | SUB_FIELDS;
        self.signal(node, completed & !own & (SCALAR | ARC_TYPE | ANCESTORS));
    }

    fn cross_product(
        &mut self,
        node: Node,
        cross: &[Choice],
        step: &Factor,
        errors: &mut Vec<ErrId>,
    ) -> Vec<Choice> {
        let &Factor {
            disjunction: d,
            dead,
            later,
            mode,
        } = step;
        let arms = self.arms(&d.source);
        let mut tried = Vec::new();
        let (mut left_drops, mut right_drops) = (true, true);
        for left in cross {
            for (arm, &(_, mark)) in arms.iter().enumerate() {
                if dead[arm] {
                    continue;
                }
                let taken = Assigned {
                    source: d.source.clone(),
                    env: d.env,
                    arm,
                };
                let extended = |known: &Shared<Assigned>| -> Shared<Assigned> {
                    let known = known.iter().chain([&taken]).cloned();
                    known.collect::<Vec<_>>().into()
                };
                let assigned = extended(&left.assigned);
                let mut merged: Vec<_> = left.merged.iter().map(extended).collect();
                let mut result = self.try_arm(node, assigned, later, left, mark, mode);
                while let Err(error) = result
                    && self.errors[error as usize].not_allowed
                    && !merged.is_empty()
                {
                    let assigned = merged.remove(0);
                    result = self.try_arm(node, assigned, later, left, mark, mode);
                }
                match result {
                    Ok(mut choice) => {
                        choice.merged = merged;
                        if left.mode == Default3::Is || left.own == Default3::Is {
                            left_drops = false;
                        }
                        if mark == Default3::Is {
                            right_drops = false;
                        }
                        tried.push(choice);
                    }
                    Err(error) => errors.push(error),
                }
            }
        }
        let drop = |drops: bool, mode: Default3| if drops { Default3::Maybe } else { mode };
        let mut out: Vec<Choice> = Vec::new();
        let mut marked_inner = false;
        for mut choice in tried {
            let inner = match choice.value {
                Value::Node(target)
                    if self.has_state(target) && !self.s(target).choices.is_empty() =>
                {
                    let mut inner = std::mem::take(&mut self.s_mut(target).choices);
                    for x in &mut inner {
                        x.assigned = settled(&x.assigned);
                    }
                    inner
                }
                _ => Vec::new(),
            };
            if inner.is_empty() {
                choice.mode = drop(left_drops, choice.mode).max(drop(right_drops, choice.own));
                self.merge_choice(&mut out, choice);
            } else {
                for mut x in inner {
                    let mode = choice.own.max(x.mode);
                    x.mode = drop(left_drops, choice.mode).max(mode);
                    marked_inner |= x.mode != Default3::Maybe;
                    self.merge_choice(&mut out, x);
                }
            }
        }
        if marked_inner {
            for choice in &mut out {
                if choice.mode == Default3::Maybe {
                    choice.mode = Default3::Not;
                }
            }
        }
        out
    }

    /// Evaluates the node with the arms chosen so far.
    fn try_arm(
        &mut self,
        node: Node,
        assigned: Shared<Assigned>,
        later: &[Assigned],
        left: &Choice,
        mark: Default3,
        mode: Mode,
    ) -> Result<Choice, ErrId> {
        self.stats.disjuncts_tried += 1;
        let data = *self.n(node);
        let arm = self.new_node(data.parent, data.label, ArcType::Member);
        let keep = NodeData::DYNAMIC
            | NodeData::NON_ROOTED
            | NodeData::PATTERN
            | NodeData::CLOSED_RECURSIVE
            | NodeData::CLOSED_ONCE;
        {
            let own = self.n_mut(arm);
            own.flags = (data.flags & keep) | NodeData::DISJUNCT;
            own.conjuncts = data.conjuncts;
            own.last_conjunct = data.last_conjunct;
            own.arc_type = data.arc_type;
        }
        self.arm_origin.insert(arm, node);
        let saved_blocking = std::mem::take(&mut self.blocking);
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        let saved_base = data.base;
        // What refers to the node from outside sees the arm being tried.
        self.set_base(node, Value::Node(arm));

        self.bare_state(arm);
        {
            let (drop_parent, ancestor_done) = (
                self.s(node).drop_parent_requirements,
                self.s(node).completed & ANCESTORS,
            );
            let State {
                depth,
                within_cycle,
                ..
            } = *self.s(node);
            let own = self.s_mut(arm);
            own.within_cycle = within_cycle;
            own.assigned = if later.is_empty() {
                assigned.clone()
            } else {
                assigned
                    .iter()
                    .chain(later)
                    .cloned()
                    .collect::<Vec<_>>()
                    .into()
            };
            own.arm_mode = Some(mode);
            own.arm_default = (left.mode, mark);
            if mode == Mode::Attempt {
                // What comes later may add to every part of the value: nothing below is complete.
                let open = TASKS | SCALAR | VALUE | FIELD_CONJUNCTS | DISJUNCTIONS;
                own.provided |= open;
                for bit in 0..COUNTERS {
                    if open & COUNTED & (1 << bit) != 0 {
                        own.counters[bit] += 1;
                    }
                }
            }
            own.depth = depth;
            own.drop_parent_requirements = drop_parent;
            own.completed |= ancestor_done;
        }
        self.wait_alike(node, arm);
        let _ = self.unify(arm, ALL, mode, true);

        let failed = self.arm_error(arm);
        let stray = std::mem::replace(&mut self.errs, saved_errs);
        let failed = if failed == NIL { stray } else { failed };
        self.set_base(node, saved_base);
        let leftover = std::mem::replace(&mut self.blocking, saved_blocking);
        for task in leftover {
            let t = &self.tasks[task as usize];
            if t.blocked_on != NIL && t.state == TaskState::Waiting && !t.defunct {
                self.blocking.push(task);
            }
        }
        if failed != NIL {
            let choice = Choice {
                value: Value::Node(arm),
                mode: left.mode,
                own: mark,
                assigned,
                merged: Vec::new(),
            };
            self.drop_choice(&choice);
            return Err(failed);
        }
        let target = self.deref_disjunct(arm);
        let mut choice = Choice {
            value: Value::Node(target),
            mode: left.mode,
            own: mark,
            assigned,
            merged: Vec::new(),
        };
        if target != arm {
            // A lone inner survivor takes the place of the arm, with its own choices and marks.
            if let Some((mode, inner)) = self.arm_modes.get(&target).cloned() {
                choice.mode = mode;
                choice.assigned = settled(&inner);
            }
        }
        self.arm_modes
            .insert(target, (choice.mode, choice.assigned.clone()));
        Ok(choice)
    }

    /// What waits at the node for a value elsewhere waits for it in the arm, too: it is not the arm's to
    /// break that wait, as whoever waits may be who the arm is tried for.
    fn wait_alike(&mut self, node: Node, arm: Node) {
        if self.state(arm).is_none() {
            return;
        }
        for index in 0..self.s(arm).tasks.len() {
            let id = self.s(arm).tasks[index];
            let own = self.tasks[id as usize];
            if own.state != TaskState::Ready
                || !matches!(own.kind, TaskKind::Expr | TaskKind::Resolve)
            {
                continue;
            }
            let waiting = self.s(node).tasks.iter().find_map(|&other| {
                let t = &self.tasks[other as usize];
                let alike = t.state == TaskState::Waiting
                    && t.blocked_on != NIL
                    && (t.expr, t.env, t.kind) == (own.expr, own.env, own.kind);
                alike.then_some((t.blocked_on, t.blocked_for))
            });
            let Some((on, condition)) = waiting else {
                continue;
            };
            if !self.has_state(on) || self.meets(on, condition) || self.lies_below(on, node) {
                continue;
            }
            let t = &mut self.tasks[id as usize];
            (t.state, t.waited) = (TaskState::Waiting, true);
            (t.blocked_on, t.blocked_for) = (on, condition);
            self.s_mut(on).waiters.push(id);
        }
    }

    /// Whether a node is another one, or lies somewhere below it.
    pub(super) fn lies_below(&self, mut node: Node, above: Node) -> bool {
        while node != NIL {
            if node == above {
                return true;
            }
            node = self.n(node).parent;
        }
        false
    }

    /// The error that makes an arm fail: its own, or one in a field that is not optional, at any depth.
    fn arm_error(&mut self, node: Node) -> ErrId {
        self.arm_error_at(node, 0)
    }

    fn arm_error_at(&mut self, node: Node, depth: usize) -> ErrId {
        if depth > 2000 {
            return NIL;
        }
        let target = self.deref(node);
        if self.n(target).status == Status::Unprocessed {
            // Literal conflicts show as soon as the conjuncts are in.
            self.state(target);
        }
        if let Some(error) = self.bottom_of(target) {
            return error;
        }
        let child = self.n(target).child_errors;
        if child != NIL {
            return child;
        }
        if self.has_state(target) {
            let errors = self.s(target).errors;
            if errors != NIL {
                return errors;
            }
        }
        for (label, arc) in self.arc_vec(target) {
            if label.is_let() || self.n(arc).arc_type > ArcType::Required {
                continue;
            }
            // What is wrong with a finished field has reached its parent, if it counts there.
            if self.n(arc).status == Status::Finalized {
                continue;
            }
            let error = self.arm_error_at(arc, depth + 1);
            if error != NIL {
                return error;
            }
        }
        NIL
    }

    fn drop_choice(&mut self, choice: &Choice) {
        if let Value::Node(node) = choice.value {
            self.kill(node, &mut Vec::new());
        }
    }

    /// Ends all tasks at and below a node; collects the tasks of others that waited there.
    fn kill(&mut self, node: Node, waiting: &mut Vec<TaskId>) {
        if self.has_state(node) {
            for index in 0..self.s(node).tasks.len() {
                let task = self.s(node).tasks[index];
                if self.tasks[task as usize].state != TaskState::Running {
                    self.tasks[task as usize].defunct = true;
                }
            }
            for index in 0..self.s(node).waiters.len() {
                let task = self.s(node).waiters[index];
                let t = &mut self.tasks[task as usize];
                if t.blocked_on == node {
                    (t.blocked_on, t.blocked_for) = (NIL, NEVER);
                    waiting.push(task);
                }
            }
        }
        for index in 0..self.n(node).arc_count {
            let arc = self.arc(node, index).1;
            if self.n(arc).status != Status::Finalized && self.n(arc).parent == node {
                self.kill(arc, waiting);
            }
        }
    }

    /// The node's own arcs are no longer its value: who waited for them must look again.
    fn detach_arcs(&mut self, node: Node) -> Vec<TaskId> {
        let mut waiting = Vec::new();
        for index in 0..self.n(node).arc_count {
            let arc = self.arc(node, index).1;
            if self.n(arc).parent == node {
                self.kill(arc, &mut waiting);
            }
        }
        waiting
    }

    fn merge_choice(&mut self, out: &mut Vec<Choice>, new: Choice) {
        for choice in out.iter_mut() {
            let equal = match (choice.value, new.value) {
                (Value::Node(a), Value::Node(b)) => {
                    let (x, y) = (self.deref(a), self.deref(b));
                    if self.n(x).status == Status::Finalized
                        && self.n(y).status == Status::Finalized
                    {
                        self.equal_values(Value::Node(x), Value::Node(y), Equality::Structural)
                    } else {
                        self.equal_partial(x, y, 0)
                    }
                }
                (a, b) => self.equal_values(a, b, Equality::Structural),
            };
            if equal {
                if new.mode == Default3::Is {
                    choice.mode = Default3::Is;
                }
                let (old, dropped) = (choice.value, new.value);
                if let (Value::Node(a), Value::Node(b)) = (old, dropped) {
                    self.merge_evidence(a, b, 0);
                }
                if choice.merged.len() < MAX_MERGED {
                    choice.merged.push(new.assigned.clone());
                }
                self.drop_choice(&new);
                return;
            }
        }
        out.push(new);
    }

    /// The evidence of a merged choice counts for the one that is kept.
    fn merge_evidence(&mut self, kept: Node, dropped: Node, depth: usize) {
        let (kept, dropped) = (self.deref(kept), self.deref(dropped));
        if depth > 1000 || kept == dropped || !self.has_state(kept) || !self.has_state(dropped) {
            return;
        }
        for index in 0..self.s(dropped).evidence.len() {
            let e = self.s(dropped).evidence[index];
            if !self.s(kept).evidence.iter().any(|x| x.id == e.id) {
                self.s_mut(kept).add_evidence(e);
            }
        }
        for index in 0..self.s(dropped).replacements.len() {
            let r = self.s(dropped).replacements[index];
            if !self.s(kept).replacements.contains(&r) {
                self.s_mut(kept).replacements.push(r);
            }
        }
        for (label, arc) in self.arc_vec(dropped) {
            if let Some(other) = self.find_arc(kept, label) {
                self.merge_evidence(other, arc, depth + 1);
            }
        }
    }

    /// Whether two unfinished choices have the same value and the same work left.
    fn equal_partial(&mut self, x: Node, y: Node, depth: usize) -> bool {
        if x == y {
            return true;
        }
        if depth > 500 {
            return false;
        }
        match (self.has_state(x), self.has_state(y)) {
            (false, false) => {
                return self.equal_values(Value::Node(x), Value::Node(y), Equality::Structural);
            }
            (true, true) => {}
            _ => return false,
        }
        let (a, b) = (self.s(x), self.s(y));
        if a.kind != b.kind
            || a.has_top != b.has_top
            || a.checks.len() != b.checks.len()
            || a.lower.is_some() != b.lower.is_some()
            || a.upper.is_some() != b.upper.is_some()
            || a.cyclic_conjuncts.len() != b.cyclic_conjuncts.len()
            || !(a.cyclic_conjuncts.iter().zip(&b.cyclic_conjuncts)).all(|(p, q)| p.3 == q.3)
        {
            return false;
        }
        if !self.same_deferred(x, y) {
            self.materialize_all(x);
            self.materialize_all(y);
        }
        let (a, b) = (self.s(x), self.s(y));
        if self.n(x).arc_count != self.n(y).arc_count {
            return false;
        }
        let pending = |m: &Self, node: Node| -> Vec<ExprId> {
            let mut list: Vec<_> = m
                .s(node)
                .tasks
                .iter()
                .map(|&t| &m.tasks[t as usize])
                .filter(|t| t.state < TaskState::Done)
                .map(|t| t.expr)
                .collect();
            list.sort_unstable();
            list
        };
        if pending(self, x) != pending(self, y) || !a.choices.is_empty() || !b.choices.is_empty() {
            return false;
        }
        if (a.scalar == Value::None) != (b.scalar == Value::None)
            || (a.scalar != Value::None && !self.equal_scalars(a.scalar, b.scalar))
        {
            return false;
        }
        let pairs: Vec<(Value, Value)> = {
            let (a, b) = (self.s(x), self.s(y));
            let mut out: Vec<_> = a
                .checks
                .iter()
                .zip(&b.checks)
                .map(|(p, q)| (p.value, q.value))
                .collect();
            if let (Some(p), Some(q)) = (a.lower, b.lower) {
                out.push((p.value, q.value));
            }
            if let (Some(p), Some(q)) = (a.upper, b.upper) {
                out.push((p.value, q.value));
            }
            out
        };
        for (p, q) in pairs {
            if !self.equal_values(p, q, Equality::Structural) {
                return false;
            }
        }
        let (px, py) = (self.n(x).patterns, self.n(y).patterns);
        if (px == NIL) != (py == NIL) {
            return false;
        }
        if px != NIL {
            let a = self.patterns[px as usize].clone();
            let b = self.patterns[py as usize].clone();
            if a.pairs.len() != b.pairs.len() {
                return false;
            }
            for ((p, c), (q, d)) in a.pairs.iter().zip(&b.pairs) {
                if !self.equal_values(*p, *q, Equality::Loose)
                    || c.len() != d.len()
                    || !c.iter().zip(d).all(|(c, d)| c.expr == d.expr)
                {
                    return false;
                }
            }
        }
        for (label, arc) in self.arc_vec(x) {
            let Some(other) = self.find_arc(y, label) else {
                return false;
            };
            if self.n(arc).arc_type != self.n(other).arc_type {
                return false;
            }
            let (arc, other) = (self.deref(arc), self.deref(other));
            // Not yet started arcs are equal where their conjuncts are.
            if !self.in_progress(arc) && self.n(arc).status != Status::Finalized {
                self.state(arc);
            }
            if !self.in_progress(other) && self.n(other).status != Status::Finalized {
                self.state(other);
            }
            if !self.equal_partial(arc, other, depth + 1) {
                return false;
            }
        }
        true
    }
}

/// One disjunction to be multiplied with the survivors so far.
struct Factor<'s> {
    disjunction: &'s DisjunctionConjunct,
    dead: &'s [bool],
    /// Those that come after it, to be left alone.
    later: &'s [Assigned],
    mode: Mode,
}

/// Without those whose turn comes later: who comes next says so anew.
pub(super) fn settled(assigned: &Shared<Assigned>) -> Shared<Assigned> {
    if assigned.iter().all(|a| a.arm != LATER) {
        return assigned.clone();
    }
    assigned
        .iter()
        .filter(|a| a.arm != LATER)
        .cloned()
        .collect::<Vec<_>>()
        .into()
}

/// How many disjunctions of one value may be nested in or multiplied with each other.
const MAX_NESTED: usize = 200;
/// How many equal choices are remembered for one.
const MAX_MERGED: usize = 8;
/// How many combinations of arms may be alive at once.
const MAX_CHOICES: usize = 8192;
/// How many arms one evaluation may try; each takes about a kilobyte.
const MAX_TRIED: u64 = 2_000_000;
