//! Fields of a node that somebody asks for: whether they are there, may still come, or can never be.

use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// Whether the arc's conjuncts cannot be touched any more by announced comprehensions.
    fn settled_for_lookup(&self, node: Node, label: Label) -> bool {
        if self.has_active_parent_task(node) {
            return false;
        }
        match self.find_arc(node, label) {
            Some(arc) if self.n(arc).arc_type == ArcType::Member => {
                !self.has_active_parent_task(arc)
            }
            _ => false,
        }
    }

    /// The arc of a label. `None` where it does not (yet) exist; the error has been added then.
    pub(super) fn lookup(
        &mut self,
        node: Node,
        label: Label,
        needs: Condition,
        mode: Mode,
    ) -> Step<Option<Node>> {
        let mut node = self.deref(node);
        let mut has_state = self.state(node).is_some();
        if has_state {
            let error = self.s(node).errors;
            if error != NIL {
                // That of another package, of which no more than this is evaluated.
                let at = self.errors[error as usize].holder;
                if at != NIL {
                    let root = self.root_of(at);
                    if root != self.root_of(node) && !self.n(root).has(NodeData::DYNAMIC) {
                        self.add_error(error);
                    }
                }
            }
            let data = *self.n(node);
            let known = data.has(NodeData::DYNAMIC)
                || data.label.is_let()
                || self.children_known(data.parent);
            if known && self.has_state(node) {
                self.signal(node, ANCESTORS);
            }
            if self.in_progress(node) && !self.all_started(node) {
                let mut wanted = VALUE | FIELD_CONJUNCTS | TASKS;
                if self.settled_for_lookup(node, label) {
                    wanted &= !TASKS;
                }
                self.process(node, wanted, Mode::Attempt)?;
                self.update_scalar(node);
            }
        }
        let target = self.deref(node);
        if target != node {
            node = target;
            has_state = self.state(node).is_some();
        } else if has_state && self.n(node).status == Status::Finalized {
            has_state = false;
        }

        let mut arc;
        let result;
        let found = match self.find_arc(node, label) {
            None => self.materialize(node, label),
            found => found,
        };
        match found {
            Some(found) => {
                result = Some(found);
                arc = self.deref_non_rooted(found);
                if self.n(arc).arc_type == ArcType::Member {
                    return Ok(result);
                }
            }
            None if !has_state || self.meets(node, TASKS_DONE) => {
                self.report_undefined(node, label);
                return Ok(None);
            }
            None => {
                if !self.is_open_struct(node) && !self.accepts(node, label) {
                    self.report_undefined(node, label);
                    return Ok(None);
                }
                arc = self.new_node(node, label, ArcType::Pending);
                if mode != Mode::Finalize && mode != Mode::Ignore {
                    self.append_arc(node, label, arc);
                }
                result = Some(arc);
            }
        }
        let arc_state = self.state(arc).is_some();
        if arc_state && (!self.meets(arc, TASKS_DONE) || !self.meets(arc, ARC_TYPE)) {
            let needs = needs | ARC_TYPE;
            match mode {
                Mode::Ignore | Mode::Attempt => {
                    if self.n(arc).arc_type == ArcType::Pending {
                        if mode == Mode::Ignore {
                            return Ok(result);
                        }
                        if has_state {
                            if self.has_active_parent_task(node) {
                                self.pending_parent = true;
                                return Ok(result);
                            }
                            let state = self.s(node);
                            if state.provided & TASKS != 0
                                && state.counters[TASKS.trailing_zeros() as usize] > 0
                            {
                                self.pending_parent = true;
                                return Ok(result);
                            }
                        }
                        if self.has_active_parent_task(arc) {
                            self.pending_parent = true;
                            return Ok(result);
                        }
                        self.n_mut(arc).arc_type = ArcType::NotPresent;
                    }
                }
                Mode::Wait => {
                    self.process(arc, needs, Mode::Wait)?;
                }
                Mode::Finalize => {
                    if matches!(self.n(arc).arc_type, ArcType::Pending | ArcType::Optional) {
                        let current = self.stack.last().copied();
                        let other_running = self.s(arc).parent_tasks.iter().any(|&t| {
                            self.tasks[t as usize].state == TaskState::Running && Some(t) != current
                        });
                        if other_running {
                            self.process(arc, ARC_TYPE, Mode::Wait)?;
                        }
                    }
                    if needs == ARC_TYPE | FIELD_SET {
                        self.unify(arc, needs, Mode::Finalize, false)?;
                    } else if !self.unify(arc, needs, Mode::Attempt, false)? && self.has_state(arc)
                    {
                        self.process(arc, needs, Mode::Attempt)?;
                    }
                    if self.n(arc).arc_type == ArcType::Pending && !self.has_active_parent_task(arc)
                    {
                        self.n_mut(arc).arc_type = ArcType::NotPresent;
                    }
                }
            }
        }
        arc = self.deref_non_rooted(arc);
        match self.n(arc).arc_type {
            ArcType::Member => Ok(result),
            ArcType::Required => {
                let error = self.new_error(ErrorCode::Incomplete, Message::RequiredMissing(label));
                self.errors[error as usize].holder = node;
                self.add_error(error);
                Ok(result)
            }
            ArcType::Optional => {
                let error = self.new_error(ErrorCode::Incomplete, Message::OptionalField(label));
                self.errors[error as usize].holder = node;
                self.add_error(error);
                Ok(None)
            }
            ArcType::NotPresent => {
                self.report_undefined(node, label);
                Ok(None)
            }
            ArcType::Pending => {
                let cyclic = self.has_state(arc)
                    && self.s(arc).parent_tasks.iter().any(|&t| {
                        matches!(
                            self.tasks[t as usize].state,
                            TaskState::Running | TaskState::Waiting | TaskState::Failed
                        )
                    });
                if cyclic {
                    let text = format!(
                        "cyclic reference to field {}",
                        self.program.label_text(label)
                    );
                    let error = self.text_error(ErrorCode::Cycle, text);
                    self.errors[error as usize].holder = node;
                    self.add_error(error);
                } else {
                    self.report_undefined(node, label);
                }
                Ok(None)
            }
        }
    }

    pub(super) fn root_of(&self, mut node: Node) -> Node {
        while self.n(node).parent != NIL {
            node = self.n(node).parent;
        }
        node
    }

    /// Adds the error for a field that is not there: final where it can never be.
    pub(super) fn report_undefined(&mut self, node: Node, label: Label) {
        let kind = self.node_kind(node);
        if label.is_int() && !kind.is_empty() && kind.and(Kind::LIST).is_empty() {
            let text = format!("invalid index {} (found {kind}, want list)", label.id());
            let error = self.text_error(ErrorCode::Eval, text);
            self.errors[error as usize].holder = node;
            self.add_error(error);
            return;
        }
        let code = match self.bottom_of(node) {
            Some(error) => self.code(error),
            None => {
                let pending = self.has_state(node)
                    && self.s(node).errors != NIL
                    && self.code(self.s(node).errors) == ErrorCode::Cycle;
                if pending {
                    ErrorCode::Cycle
                } else if label.is_int()
                    && self.n(node).status != Status::Finalized
                    && self.node != NIL
                    && self.same(self.node, node)
                {
                    // An element of the list that is just being made.
                    ErrorCode::Incomplete
                } else if !self.accepts(node, label) {
                    ErrorCode::Eval
                } else {
                    ErrorCode::Incomplete
                }
            }
        };
        let message = if label.is_int() {
            Message::Text(format!(
                "index out of range [{}] with length {}",
                label.id(),
                self.element_count(node)
            ))
        } else {
            Message::UndefinedField(label)
        };
        let error = self.new_error(code, message);
        self.errors[error as usize].holder = node;
        self.add_error(error);
    }

    /// Whether the value allows a field of that label, present or not.
    pub(super) fn accepts(&mut self, node: Node, label: Label) -> bool {
        if !label.is_regular() {
            return true;
        }
        let node = self.deref(node);
        if let Value::Disjunction(index) = self.n(node).base {
            let values = self.disjunctions[index as usize].values.clone();
            return values
                .iter()
                .any(|v| matches!(v, Value::Node(n) if self.accepts(*n, label)));
        }
        let kind = self.node_kind(node);
        if label.is_int() {
            return match self.n(node).base {
                Value::List { open } => (label.id() as usize) < self.element_count(node) || open,
                _ => !kind.and(Kind::LIST).is_empty(),
            };
        }
        if kind.and(Kind::STRUCT).is_empty() && (!kind.is_empty() || self.n(node).structs == NIL) {
            return false;
        }
        if self.is_open_struct(node) || self.has_field(node, label) {
            return true;
        }
        self.matches_any_pattern(node, label)
    }

    pub(super) fn matches_any_pattern(&mut self, node: Node, label: Label) -> bool {
        let patterns = self.n(node).patterns;
        patterns != NIL && !self.matching_patterns(patterns, label).is_empty()
    }
}
