//! The scheduler: tasks of a node, the conditions they wait for, and how deadlocks are broken.
//!
//! A node's conjuncts that are not plain values become tasks. A task that needs something of another node
//! which is not known yet is queued there and unwinds ([`Yield`]); it runs again from its start
//! when the condition is signalled. When a node must be finished and only waiting tasks are left, the
//! conditions they wait for are frozen, all of them before any of the tasks runs, so that the order of
//! evaluation does not show.

use super::equal::Equal;
use super::machine::*;
use crate::resolve::program::*;

/// Conditions a task of a kind contributes to.
const GENERIC: Condition = TASKS | SCALAR | VALUE | FIELD_CONJUNCTS;
const FIELDS: Condition = TASKS | FIELD_CONJUNCTS | VALUE;

impl Machine<'_> {
    /// The state of an unfinished node, made on demand; its conjuncts are not scheduled yet.
    pub(super) fn bare_state(&mut self, node: Node) -> Option<StateId> {
        let data = self.n(node);
        if data.status == Status::Finalized {
            return None;
        }
        if data.state != NIL {
            return Some(data.state);
        }
        let id = match self.free_states.pop() {
            Some(id) => id,
            None => {
                self.states.push(State::default());
                (self.states.len() - 1) as StateId
            }
        };
        self.states[id as usize].reset();
        self.n_mut(node).state = id;
        let parent = self.n(node).parent;
        let mut provided = SCALAR | ARC_TYPE;
        if parent != NIL && self.has_state(parent) {
            self.states[id as usize].depth = self.s(parent).depth + 1;
            provided |= ANCESTORS;
        }
        self.states[id as usize].provided = provided;
        self.inherit_closedness(node);
        Some(id)
    }

    /// What lies in a definition is closed as the definition is.
    pub(super) fn inherit_closedness(&mut self, node: Node) {
        let NodeData { parent, label, .. } = *self.n(node);
        if label.is_definition()
            || (parent != NIL && self.n(parent).has(NodeData::CLOSED_RECURSIVE))
        {
            self.n_mut(node).flags |= NodeData::CLOSED_RECURSIVE;
        }
    }

    /// The state of an unfinished node with its conjuncts scheduled.
    pub(super) fn state(&mut self, node: Node) -> Option<StateId> {
        let data = self.n(node);
        if data.status == Status::Finalized {
            return None;
        }
        let known = data.state;
        if known != NIL && self.states[known as usize].started {
            return Some(known);
        }
        if known == NIL && self.try_leaf(node) {
            return None;
        }
        let equal = match self.try_equal(node) {
            Some(Equal::Same(_)) => return None,
            Some(Equal::First(entry)) => entry,
            None => NIL,
        };
        let id = self.bare_state(node)?;
        self.states[id as usize].equal = equal;
        if !self.states[id as usize].started {
            self.schedule_conjuncts(node);
        }
        Some(id)
    }

    pub(super) fn in_progress(&self, node: Node) -> bool {
        self.n(node).status != Status::Finalized && self.has_state(node) && self.s(node).started
    }

    fn schedule_conjuncts(&mut self, node: Node) {
        self.s_mut(node).started = true;
        self.set_base(node, Value::Cycle);
        // What has a place in the result does not depend on who asks for it first.
        if self.info.cyclic == Cyclic::Yes {
            let root = self.root_of(node);
            if self.n(root).flags & (NodeData::DYNAMIC | NodeData::NON_ROOTED) != 0 {
                self.s_mut(node).within_cycle = Some(self.info.refs);
            }
        }
        let within_cycle = self.s(node).within_cycle;
        self.with_node(node, |m| {
            let mut at = m.n(node).conjuncts;
            while at != NIL {
                let c = m.conjuncts[at as usize];
                let mut info = c.info;
                if let Some(refs) = within_cycle {
                    (info.cyclic, info.refs) = (Cyclic::Yes, refs);
                }
                m.schedule_conjunct(node, c.expr, c.env, info);
                at = m.conjuncts[at as usize].next;
            }
        });
    }

    pub(super) fn meets(&self, node: Node, mut needs: Condition) -> bool {
        let state = self.s(node);
        if state.running {
            needs &= state.provided;
        }
        state.completed & needs == needs
    }

    pub(super) fn schedule_task(
        &mut self,
        node: Node,
        kind: TaskKind,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) -> TaskId {
        self.stats.tasks += 1;
        let task = Task {
            state: TaskState::Ready,
            kind,
            completes: 0,
            node,
            expr,
            env,
            info,
            blocked_on: NIL,
            blocked_for: NEVER,
            defunct: false,
            waited: false,
            inserting: false,
            retry: false,
            arm: self.arm_for == node,
            counted: true,
            error: NIL,
        };
        let id = match self.free_tasks.pop() {
            Some(id) => {
                self.tasks[id as usize] = task;
                id
            }
            None => {
                self.tasks.push(task);
                (self.tasks.len() - 1) as TaskId
            }
        };
        let completes = match kind {
            TaskKind::Expr | TaskKind::Resolve => GENERIC,
            TaskKind::Disjunctions => GENERIC | DISJUNCTIONS,
            TaskKind::Dynamic(..)
            | TaskKind::Pattern(_)
            | TaskKind::List
            | TaskKind::ListNode(_) => FIELDS,
            TaskKind::Comprehension => {
                let Expr::Comprehension(index) = self.program.exprs[expr as usize] else {
                    unreachable!("a comprehension task has a comprehension")
                };
                let body = self.program.comprehensions[index as usize].body;
                self.push_down(node, id, body) | TASKS
            }
        };
        self.tasks[id as usize].completes = completes;
        let state = self.s_mut(node);
        state.open.count(kind, TaskState::Ready);
        state.provided |= completes;
        for bit in 0..COUNTERS {
            if completes & COUNTED & (1 << bit) != 0 {
                state.counters[bit] += 1;
            }
        }
        // Disjunctions come last.
        let tasks = &mut state.tasks;
        tasks.push(id);
        if kind != TaskKind::Disjunctions && tasks.len() > 1 {
            let mut at = tasks.len() - 1;
            while at > 0 {
                let before = self.tasks[self.s(node).tasks[at - 1] as usize];
                if before.kind != TaskKind::Disjunctions || before.state != TaskState::Ready {
                    break;
                }
                self.s_mut(node).tasks.swap(at, at - 1);
                at -= 1;
            }
        }
        id
    }

    /// Announces the fields a comprehension may yield as pending arcs, so that only those who read
    /// them wait for it. Gives what the comprehension may contribute to the node itself.
    fn push_down(&mut self, node: Node, task: TaskId, body: ExprId) -> Condition {
        match self.program.exprs[body as usize] {
            Expr::Struct(shape) => {
                let Shape { start, len, .. } = self.program.shapes[shape as usize];
                let mut completes = 0;
                for index in start..start + len {
                    match self.program.decls[index as usize] {
                        Decl::Field { label, value, .. } => {
                            if self.find_arc(node, label).is_none() {
                                self.materialize(node, label);
                            }
                            let arc = self.get_arc(node, label, ArcType::Pending).0;
                            if self.bare_state(arc).is_some() {
                                self.s_mut(arc).parent_tasks.push(task);
                                self.push_down(arc, task, value);
                            }
                        }
                        Decl::Embed(expr) => {
                            completes |= match self.program.exprs[expr as usize] {
                                Expr::Value(_) => VALUE,
                                _ => self.push_down(node, task, expr),
                            }
                        }
                        Decl::Comprehension(index) => {
                            let body = self.program.comprehensions[index as usize].body;
                            completes |= self.push_down(node, task, body) | TASKS;
                        }
                        Decl::Dynamic { .. } | Decl::Pattern { .. } | Decl::Ellipsis => {
                            completes |= FIELD_CONJUNCTS;
                        }
                    }
                }
                completes | TASKS
            }
            _ => VALUE | FIELD_CONJUNCTS | TASKS,
        }
    }

    fn is_pushed_down(&self, task: TaskId) -> bool {
        let task = &self.tasks[task as usize];
        task.kind == TaskKind::Comprehension && task.completes == TASKS
    }

    pub(super) fn all_started(&self, node: Node) -> bool {
        self.s(node).open.ready == 0
    }

    /// Takes a task a step further, and counts it for its node.
    fn set_task(&mut self, id: TaskId, to: TaskState) {
        let task = &mut self.tasks[id as usize];
        let from = std::mem::replace(&mut task.state, to);
        let Task {
            node,
            kind,
            counted,
            ..
        } = *task;
        if counted && self.has_state(node) {
            let open = &mut self.s_mut(node).open;
            open.discount(kind, from);
            open.count(kind, to);
        }
    }

    /// The node's tasks have nothing more to add to it.
    fn drop_tasks(&mut self, node: Node) {
        for index in 0..self.s(node).tasks.len() {
            let id = self.s(node).tasks[index];
            self.tasks[id as usize].counted = false;
        }
        let state = self.s_mut(node);
        state.tasks.clear();
        state.open = OpenTasks::default();
        state.ended = 0;
    }

    pub(super) fn all_finished(&self, node: Node) -> bool {
        let state = self.s(node);
        state.tasks[state.ended..]
            .iter()
            .all(|&t| self.tasks[t as usize].state >= TaskState::Done)
    }

    pub(super) fn has_active_parent_task(&self, node: Node) -> bool {
        self.has_state(node)
            && self
                .s(node)
                .parent_tasks
                .iter()
                .any(|&t| self.tasks[t as usize].state < TaskState::Done)
    }

    /// Whether all conjuncts of the children of `node` are known.
    pub(super) fn children_known(&mut self, node: Node) -> bool {
        if node == NIL {
            return true;
        }
        match self.state(node) {
            None => true,
            Some(_) => self.meets(node, FIELD_CONJUNCTS | ANCESTORS),
        }
    }

    fn completions(&mut self, node: Node) -> Condition {
        let state = self.s(node);
        let mut x = state.completed;
        let data = self.n(node);
        if x & ANCESTORS != 0 {
            x |= COUNTED & !state.provided;
            if x & SUB_FIELDS != 0 {
                x |= ARC_TYPE;
            }
        }
        match data.arc_type {
            ArcType::Member | ArcType::NotPresent => x |= ARC_TYPE,
            ArcType::Pending if x & ARC_TYPE != 0 && !self.has_active_parent_task(node) => {
                self.n_mut(node).arc_type = ArcType::NotPresent;
            }
            _ => {}
        }
        let data = self.n(node);
        if x & VALUE != 0 && matches!(data.arc_type, ArcType::Member | ArcType::NotPresent) {
            x |= SCALAR;
        }
        const NEEDED: Condition = FIELD_CONJUNCTS | TASKS_DONE;
        if x & NEEDED == NEEDED {
            let state = self.s(node);
            if state.counters[TASKS.trailing_zeros() as usize] > 0
                || state.counters[FIELD_CONJUNCTS.trailing_zeros() as usize] > 0
            {
                return x;
            }
            let pending = x & (SUB_FIELDS | FIELD_SET) == 0
                && self
                    .arc_slice(node)
                    .iter()
                    .any(|(_, a)| self.n(*a).arc_type == ArcType::Pending);
            if !pending {
                x |= FIELD_SET;
            }
        }
        x
    }

    /// Whether nothing can be added to the node's own value any more, nor waits for it: all its conjuncts were plain
    /// literals and values, or such as [`Machine::run_known`] brought in.
    pub(super) fn is_quiet(&self, node: Node) -> bool {
        let state = self.s(node);
        self.is_unobserved(node)
            && !state.to_complete
            && state.counters.iter().all(|&count| count == 0)
            && self
                .arc_slice(node)
                .iter()
                .all(|(_, arc)| self.n(*arc).arc_type != ArcType::Pending)
    }

    /// What the scheduler would come to for a quiet node.
    pub(super) fn complete_quiet(&mut self, node: Node) {
        let state = self.s_mut(node);
        state.completed |= ANCESTORS | ARC_TYPE | COUNTED | SCALAR | FIELD_SET;
        state.frozen |= ANCESTORS | ARC_TYPE;
        state.running = true;
    }

    /// Marks conditions as met and runs the tasks that waited for them.
    pub(super) fn signal(&mut self, node: Node, completed: Condition) {
        let state = self.s_mut(node);
        if state.completed & completed == completed {
            if state.frozen & completed != completed {
                let freeze = self.without_open_field_set(node, completed);
                self.s_mut(node).frozen |= freeze;
            }
            return;
        }
        state.completed |= completed;
        let freeze = self.without_open_field_set(node, completed);
        let more = self.completions(node);
        let state = self.s_mut(node);
        state.completed |= more;
        state.frozen |= freeze;
        let mut index = 0;
        while self.has_state(node) && index < self.s(node).waiters.len() {
            let task = self.s(node).waiters[index];
            index += 1;
            let t = &mut self.tasks[task as usize];
            if t.blocked_on == node {
                let completed = self.s(node).completed;
                let t = &mut self.tasks[task as usize];
                if t.blocked_for & completed == t.blocked_for {
                    t.blocked_for = NEVER;
                    t.blocked_on = NIL;
                    self.run_task(task, Mode::Attempt);
                }
            }
        }
    }

    pub(super) fn freeze(&mut self, node: Node, condition: Condition) {
        let freeze = self.without_open_field_set(node, condition);
        self.s_mut(node).frozen |= freeze;
        self.s_mut(node).completed |= condition;
    }

    /// The field set is not frozen while somebody who is not part of the deadlock may still add fields.
    fn without_open_field_set(&self, node: Node, condition: Condition) -> Condition {
        if condition & FIELD_SET == 0 {
            return condition;
        }
        let current = self.stack.last().copied();
        let state = self.s(node);
        for &task in &state.parent_tasks {
            if self.tasks[task as usize].state < TaskState::Done && Some(task) != current {
                return condition & !FIELD_SET;
            }
        }
        for &id in &state.tasks[state.ended..] {
            let task = &self.tasks[id as usize];
            // A disjunction chooses among fields, it does not add to the set that was read.
            match task.state {
                TaskState::Ready => return condition & !FIELD_SET,
                TaskState::Running if task.kind != TaskKind::Comprehension => {
                    return condition & !FIELD_SET;
                }
                _ => {}
            }
        }
        condition
    }

    fn decrement(&mut self, node: Node, completes: Condition) {
        let done = self.count_down(node, completes);
        self.signal(node, done);
    }

    /// One task less that contributes to conditions; gives those to which no other one does.
    fn count_down(&mut self, node: Node, completes: Condition) -> Condition {
        let mut done = 0;
        let state = self.s_mut(node);
        for bit in 0..COUNTERS {
            let mask = 1 << bit;
            if completes & COUNTED & mask != 0 && state.counters[bit] > 0 {
                state.counters[bit] -= 1;
                if state.counters[bit] == 0 {
                    done |= mask;
                }
            }
        }
        done
    }

    /// Processes ancestors, so that no conjunct of theirs is missed.
    fn process_ancestors(&mut self, node: Node, mode: Mode) -> Step<bool> {
        if self.meets(node, ANCESTORS) {
            return Ok(true);
        }
        let NodeData {
            parent,
            flags,
            label,
            ..
        } = *self.n(node);
        let mut done = true;
        if parent != NIL && self.has_state(parent) && !self.meets(parent, CHILDREN) {
            done = self.process_ancestors(parent, mode)?;
            let fields = FIELD_CONJUNCTS.trailing_zeros() as usize;
            if self.has_state(parent) {
                if self.s(parent).counters[fields] > 0 {
                    self.process(parent, FIELD_CONJUNCTS, mode)?;
                }
                if done && self.has_state(parent) && self.s(parent).counters[fields] == 0 {
                    self.s_mut(parent).completed |= CHILDREN;
                }
            }
        }
        if !self.has_state(node) {
            return Ok(true);
        }
        let known = flags & NodeData::DYNAMIC != 0 || label.is_let() || self.children_known(parent);
        if known && self.has_state(node) {
            self.signal(node, ANCESTORS);
        }
        Ok(done)
    }

    /// Runs the node's tasks that contribute to `needs`.
    pub(super) fn process(&mut self, node: Node, needs: Condition, mode: Mode) -> Step<bool> {
        let more = self.completions(node);
        self.signal(node, more);
        if !self.has_state(node) {
            return Ok(true);
        }
        if !self.meets(node, needs) {
            self.process_ancestors(node, mode)?;
        }
        if !self.has_state(node) {
            return Ok(true);
        }
        let mut ran_parent = false;
        let mut index = 0;
        while self.has_state(node) && index < self.s(node).parent_tasks.len() {
            let task = self.s(node).parent_tasks[index];
            index += 1;
            if self.tasks[task as usize].state == TaskState::Ready {
                self.run_task(task, mode);
                ran_parent = true;
            }
        }
        if !self.has_state(node) {
            return Ok(true);
        }
        if ran_parent && !self.meets(node, needs) {
            self.process_ancestors(node, mode)?;
        }
        if !self.has_state(node) {
            return Ok(true);
        }
        if self.n(node).arc_type == ArcType::Pending && mode == Mode::Finalize {
            self.drop_tasks(node);
        }
        self.s_mut(node).running = true;

        let mut select = needs;
        if needs & SCALAR != 0 {
            select |= VALUE;
        }
        if needs & FIELD_SET != 0 {
            select |= FIELD_CONJUNCTS;
        }
        let mut position = 0;
        let from = self.blocking.len();
        self.run_ready(node, select, mode, &mut position);

        match mode {
            Mode::Finalize => {}
            Mode::Wait => {
                if !self.has_state(node) || self.meets(node, needs) {
                    return Ok(true);
                }
                if let Some(&task) = self.stack.last() {
                    return Err(self.wait_for(task, node, needs));
                }
            }
            Mode::Attempt | Mode::Ignore => {
                return Ok(!self.has_state(node) || self.meets(node, needs));
            }
        }

        let held = self.hold_back(from);
        // Break deadlocks.
        loop {
            let mut index = 0;
            while index < self.blocking.len() {
                let blocked = self.tasks[self.blocking[index] as usize].blocked_on;
                index += 1;
                if blocked != NIL && self.has_state(blocked) {
                    self.signal(blocked, SCALAR | ARC_TYPE);
                }
            }
            let mut index = 0;
            while index < self.blocking.len() {
                let task = self.tasks[self.blocking[index] as usize];
                index += 1;
                if task.blocked_on != NIL && self.has_state(task.blocked_on) {
                    self.impasses += 1;
                    self.freeze(task.blocked_on, task.blocked_for);
                }
            }
            let waits = self.waits;
            let mut index = 0;
            while index < self.blocking.len() {
                let id = self.blocking[index];
                index += 1;
                let task = self.tasks[id as usize];
                if task.blocked_on != NIL && !task.defunct {
                    let t = &mut self.tasks[id as usize];
                    (t.blocked_on, t.blocked_for) = (NIL, NEVER);
                    if self.has_state(task.blocked_on) {
                        self.signal(task.blocked_on, task.blocked_for);
                    }
                    self.run_task(id, Mode::Attempt);
                }
            }
            if self.has_state(node) && position < self.s(node).tasks.len() {
                self.run_ready(node, select, mode, &mut position);
                continue;
            }
            // What these tasks need may have been settled in between, with all that waited then.
            if self.waits != waits && !self.blocking.is_empty() {
                continue;
            }
            break;
        }
        self.blocking.clear();
        self.block_again(held);
        Ok(true)
    }

    /// Takes out of the first so many blocked tasks those that wait for their own node while a comprehension of it is being
    /// run: that one is in no deadlock, and may add to the node.
    fn hold_back(&mut self, from: usize) -> Vec<TaskId> {
        let mut held = Vec::new();
        for index in (0..from.min(self.blocking.len())).rev() {
            let id = self.blocking[index];
            let Task {
                node, blocked_on, ..
            } = self.tasks[id as usize];
            if blocked_on == node
                && self.has_state(node)
                && self.s(node).open.running_comprehensions > 0
            {
                held.push(self.blocking.remove(index));
            }
        }
        held.reverse();
        held
    }

    /// Those of the tasks that still wait are blocked as they were.
    fn block_again(&mut self, tasks: Vec<TaskId>) {
        for task in tasks {
            let t = &self.tasks[task as usize];
            if t.blocked_on != NIL && t.state == TaskState::Waiting && !t.defunct {
                self.blocking.push(task);
            }
        }
    }

    /// Skips the tasks that have ended.
    fn skip_ended(&mut self, node: Node) -> usize {
        let State { tasks, ended, .. } = self.s(node);
        let rest = tasks.iter().skip(*ended);
        let more = rest.take_while(|&&id| self.tasks[id as usize].state >= TaskState::Done);
        let ended = ended + more.count();
        self.s_mut(node).ended = ended;
        ended
    }

    fn run_ready(&mut self, node: Node, select: Condition, mode: Mode, position: &mut usize) {
        let open = self.s(node).open;
        // Of many comprehensions none is looked at while one of them runs.
        let only_comprehensions = open.ready == open.ready_comprehensions;
        if open.running_comprehensions > 0 && only_comprehensions || open.ready == 0 {
            *position = self.s(node).tasks.len();
            return;
        }
        let (mut comprehension, mut inserting, mut disjunction) = (false, false, false);
        let ended = self.skip_ended(node);
        *position = ended.max(*position);
        for &id in &self.s(node).tasks[ended..] {
            let task = &self.tasks[id as usize];
            if task.state == TaskState::Running && task.kind == TaskKind::Comprehension {
                comprehension = true;
                inserting |= task.inserting;
            }
            if task.state == TaskState::Ready && task.kind == TaskKind::Disjunctions {
                disjunction = true;
            }
        }
        while self.has_state(node) && *position < self.s(node).tasks.len() {
            let id = self.s(node).tasks[*position];
            *position += 1;
            let task = &self.tasks[id as usize];
            if task.state != TaskState::Ready || task.completes & select == 0 {
                continue;
            }
            match task.kind {
                // One comprehension at a time: a later one may read what this one adds.
                TaskKind::Comprehension if comprehension => continue,
                TaskKind::Resolve if inserting => continue,
                // Each arm runs its own copy.
                TaskKind::Comprehension if disjunction && self.is_pushed_down(id) => continue,
                _ => self.run_task(id, mode),
            }
        }
    }

    /// Queues a task on a condition; give the result back up to the scheduler.
    pub(super) fn wait_for(&mut self, task: TaskId, node: Node, needs: Condition) -> Yield {
        let t = &mut self.tasks[task as usize];
        t.waited = true;
        t.blocked_on = node;
        t.blocked_for = needs;
        self.set_task(task, TaskState::Waiting);
        self.s_mut(node).waiters.push(task);
        self.blocking.push(task);
        self.waits += 1;
        Yield
    }

    pub(super) fn run_task(&mut self, id: TaskId, mode: Mode) {
        stacker::maybe_grow(96 * 1024, 4 * 1024 * 1024, || self.run_task_inner(id, mode));
    }

    fn run_task_inner(&mut self, id: TaskId, mode: Mode) {
        let task = self.tasks[id as usize];
        let node = task.node;
        if task.defunct || !self.has_state(node) {
            self.set_task(id, TaskState::Cancelled);
            return;
        }
        if self.s(node).has_ancestor_cycle {
            match task.kind {
                TaskKind::Comprehension if self.only_cyclic(node) => {
                    self.set_task(id, TaskState::Done);
                    return;
                }
                TaskKind::Disjunctions => {
                    self.set_task(id, TaskState::Done);
                    return;
                }
                _ => {}
            }
        }
        if matches!(task.state, TaskState::Done | TaskState::Failed) {
            return;
        }
        self.steps += 1;
        if self.stack.len() > MAX_TASK_DEPTH || self.steps > self.max_steps {
            let error = self.too_much();
            self.node_error(node, error);
            self.set_task(id, TaskState::Failed);
            self.decrement(node, task.completes);
            return;
        }
        let completes = self.perform_task(id, mode);
        if completes != 0 && self.has_state(node) {
            self.decrement(node, completes);
        }
        if self.has_state(node) && self.s(node).to_complete {
            self.s_mut(node).to_complete = false;
            self.complete_tasks(node, Mode::Attempt);
        }
    }

    /// Does the work of a task. Gives what its end completes; nothing where it has not come to its end.
    fn perform_task(&mut self, id: TaskId, mode: Mode) -> Condition {
        let task = self.tasks[id as usize];
        let node = task.node;
        let finished = self.n(node).status == Status::Finalized;
        let saved_node = std::mem::replace(&mut self.node, node);
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        let saved = (self.env, self.info, self.source, self.arm_for);
        (self.env, self.info, self.source) = (task.env, task.info, task.expr);
        self.arm_for = if task.arm { node } else { NIL };
        self.stack.push(id);
        self.tasks[id as usize].error = NIL;
        self.set_task(id, TaskState::Running);

        let result = self.perform(id, mode);

        let errors = std::mem::replace(&mut self.errs, NIL);
        if result.is_ok() && !self.unsettled.is_empty() {
            self.settle_read(node);
        }
        self.errs = saved_errs;
        self.stack.pop();
        (self.env, self.info, self.source, self.arm_for) = saved;

        let mut completes = 0;
        if result.is_ok() && self.tasks[id as usize].retry {
            self.tasks[id as usize].retry = false;
            self.set_task(id, TaskState::Ready);
        } else if self.tasks[id as usize].state != TaskState::Waiting {
            let error = self.combine(self.tasks[id as usize].error, errors);
            let t = &mut self.tasks[id as usize];
            t.blocked_on = NIL;
            t.blocked_for = NEVER;
            t.error = error;
            completes = std::mem::take(&mut t.completes);
            let to = match error {
                NIL => TaskState::Done,
                _ => TaskState::Failed,
            };
            self.set_task(id, to);
            if self.has_state(node) {
                if error != NIL {
                    self.node_error(node, error);
                }
                if !finished && self.n(node).status == Status::Finalized {
                    self.finished_ahead(node);
                } else if finished && error != NIL && self.n(node).has(NodeData::DISJUNCT) {
                    // The arm was finished while this waited for what decides it.
                    self.set_bottom(node, error);
                }
            } else if error != NIL && !self.code(error).is_incomplete() {
                // What the task needed took in the node itself, and finished it.
                let error = match self.bottom_of(node) {
                    Some(own) => self.combine(own, error),
                    None => error,
                };
                self.set_bottom(node, error);
            }
        }
        self.node = saved_node;
        completes
    }

    /// Runs the tasks of a node where they only bring in elements of lists, and conjuncts of values that get no more of
    /// them, in their order.
    /// The scheduler would do the same, and after each of them look for who waited for it; here nobody can. Says whether
    /// that was all there was to do.
    pub(super) fn run_known(&mut self, node: Node) -> bool {
        if !self.has_state(node) || !self.s(node).tasks.iter().all(|&id| self.is_known(id)) {
            return false;
        }
        let known = self.s(node).tasks.len();
        let ran_all = self.run_all_known(node, known);
        if self.has_state(node) && self.s(node).to_complete {
            self.s_mut(node).to_complete = false;
            if !ran_all {
                self.complete_tasks(node, Mode::Attempt);
            }
        }
        ran_all && self.has_state(node)
    }

    /// The same, where that is so of as many of its tasks.
    fn run_all_known(&mut self, node: Node, known: usize) -> bool {
        let mut index = 0;
        while let Some(&id) = self.s(node).tasks.get(index) {
            index += 1;
            if self.tasks[id as usize].state == TaskState::Done {
                continue;
            }
            let room = self.stack.len() < MAX_TASK_DEPTH && self.steps < self.max_steps;
            if !room || !self.is_unobserved(node) || index > known && !self.is_known(id) {
                return false;
            }
            self.steps += 1;
            let completes = self.perform_task(id, Mode::Finalize);
            if !self.has_state(node) {
                return false;
            }
            self.count_down(node, completes);
            if self.tasks[id as usize].state != TaskState::Done {
                return false;
            }
        }
        true
    }

    /// Whether a task is done, or brings in a value that is there with all its conjuncts, or the elements of a list
    /// that are written out.
    fn is_known(&self, id: TaskId) -> bool {
        let task = &self.tasks[id as usize];
        let known = |target| self.has_all_conjuncts(target);
        match (task.state, task.kind) {
            (TaskState::Done, _) => true,
            (TaskState::Ready, _) if task.defunct => false,
            (TaskState::Ready, TaskKind::Resolve) => {
                self.present(task.expr, task.env).is_some_and(known)
            }
            (TaskState::Ready, TaskKind::List) => {
                let Expr::List(literal) = self.program.exprs[task.expr as usize] else {
                    return false;
                };
                let elements = &self.program.list_literals[literal as usize].elements;
                elements.iter().all(|e| matches!(e, Element::Expr(_)))
            }
            _ => false,
        }
    }

    /// Whether it is known that a node gets no further conjuncts.
    pub(super) fn has_all_conjuncts(&self, node: Node) -> bool {
        let data = self.n(node);
        if data.status == Status::Finalized {
            return true;
        }
        let parent = data.parent;
        parent != NIL
            && !self.has_active_parent_task(node)
            && (self.n(parent).status == Status::Finalized
                || self.in_progress(parent) && self.meets(parent, FIELD_CONJUNCTS | ANCESTORS))
    }

    /// Whether no task waits for anything the node's own tasks may find out, nor adds to the node.
    fn is_unobserved(&self, node: Node) -> bool {
        let state = self.s(node);
        self.blocking.is_empty()
            && self.n(node).arc_type == ArcType::Member
            && self.n(node).status != Status::Finalized
            && state.started
            && !state.has_ancestor_cycle
            && state.parent_tasks.is_empty()
            && state.waiters.is_empty()
            && state.cyclic_conjuncts.is_empty()
    }

    /// The error of a task for which there is no room, or no time.
    #[cold]
    fn too_much(&mut self) -> ErrId {
        if self.steps > self.max_steps {
            return match self.limited {
                false => {
                    let most = self.max_steps;
                    self.limit_error(format!("the evaluation takes more than {most} steps"))
                }
                true => self.limit_error("the evaluation was given up, having passed a limit"),
            };
        }
        self.limit_error(
            "the evaluation nests too deeply: more values depend on each other in one chain than the limit allows",
        )
    }

    /// What a task needed took in the node itself, and finished it before the task gave it its value.
    fn finished_ahead(&mut self, node: Node) {
        let errors = self.s(node).errors;
        let wrong = self.n(node).child_errors != NIL || self.bottom_of(node).is_some();
        if errors != NIL && (!self.code(errors).is_incomplete() || !wrong) {
            self.set_bottom(node, errors);
        } else {
            self.update_scalar(node);
        }
    }

    /// Completes the inline values that tasks of the node read: what is wrong with one is an error of
    /// who used a part of it.
    fn settle_read(&mut self, node: Node) {
        while let Some(at) = self.unsettled.iter().position(|(by, _)| *by == node) {
            let (_, read) = self.unsettled.remove(at);
            self.complete_shallow(read);
            if let Some(error) = self.bottom_of(read)
                && self.has_state(node)
            {
                self.node_error(node, error);
            }
        }
    }

    /// Runs what is left of a node's tasks after one of them merged a node still in progress.
    pub(super) fn complete_tasks(&mut self, node: Node, mode: Mode) {
        if !self.has_state(node) || !self.s(node).started || self.s(node).completing {
            return;
        }
        if self.s(node).completed & ANCESTORS != 0 && self.all_started(node) {
            return;
        }
        self.s_mut(node).completing = true;
        let NodeData {
            parent,
            flags,
            label,
            ..
        } = *self.n(node);
        if flags & NodeData::DYNAMIC != 0 || label.is_let() || self.children_known(parent) {
            self.signal(node, ANCESTORS);
        }
        if self.has_state(node) && !self.all_started(node) {
            let _ = self.process(node, VALUE | FIELD_CONJUNCTS, mode);
            self.update_scalar(node);
        }
        if self.has_state(node) {
            self.s_mut(node).completing = false;
        }
    }
}

/// How many tasks may be in the midst of running one inside another.
const MAX_TASK_DEPTH: usize = 20_000;
/// How many times one evaluation may run a task. Each value takes a few runs; far more means that alternatives are tried
/// again and again.
pub(super) const MAX_STEPS: u64 = 200_000_000;
