//! What is known of a node while it is evaluated, the tasks that find out more, and the conditions they wait for.

use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// What is known of a node, and what a task may wait for.
pub(super) type Condition = u16;
pub(super) const ANCESTORS: Condition = 1;
pub(super) const ARC_TYPE: Condition = 1 << 1;
pub(super) const VALUE: Condition = 1 << 2;
pub(super) const SCALAR: Condition = 1 << 3;
pub(super) const FIELD_CONJUNCTS: Condition = 1 << 4;
pub(super) const FIELD_SET: Condition = 1 << 5;
pub(super) const TASKS: Condition = 1 << 6;
pub(super) const SUB_FIELDS: Condition = 1 << 7;
pub(super) const DISJUNCTIONS: Condition = 1 << 8;
pub(super) const CHILDREN: Condition = 1 << 9;
pub(super) const ALL: Condition = 0x7fff;
pub(super) const NEVER: Condition = 0x8000;
/// Conditions that hold when their counter is zero.
pub(super) const COUNTED: Condition = ARC_TYPE | VALUE | FIELD_CONJUNCTS | TASKS | DISJUNCTIONS;
pub(super) const TASKS_DONE: Condition = ANCESTORS | TASKS;
pub(super) const COUNTERS: usize = 10;
/// More groups, or nodes referred to, than this at one node are found by hash.
pub(super) const MANY: usize = 16;

/// What to do where a condition does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Go on with what is there, and do not process anything.
    Ignore,
    Attempt,
    /// Suspend the running task.
    Wait,
    /// Break deadlocks; what is still missing becomes an error.
    Finalize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum TaskState {
    Ready,
    Running,
    Waiting,
    Done,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TaskKind {
    Expr,
    Resolve,
    Dynamic(ArcType, ExprId),
    Pattern(ExprId),
    Comprehension,
    List,
    /// Elements of a finished list.
    ListNode(Node),
    Disjunctions,
}

/// A piece of work on one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub state: TaskState,
    pub kind: TaskKind,
    pub completes: Condition,
    pub node: Node,
    pub expr: ExprId,
    pub env: EnvId,
    pub info: Info,
    pub blocked_on: Node,
    pub blocked_for: Condition,
    pub defunct: bool,
    /// It has been queued on a node, so others may still know it.
    pub waited: bool,
    pub inserting: bool,
    pub retry: bool,
    /// It brings in the arm chosen of a disjunction.
    pub arm: bool,
    /// It is among its node's [`OpenTasks`].
    pub counted: bool,
    pub error: ErrId,
}

/// How many tasks of a node are in which state, so that they need not be looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OpenTasks {
    pub ready: u32,
    pub ready_comprehensions: u32,
    pub running_comprehensions: u32,
}

impl OpenTasks {
    pub(super) fn count(&mut self, kind: TaskKind, state: TaskState) {
        let comprehension = u32::from(kind == TaskKind::Comprehension);
        match state {
            TaskState::Ready => {
                self.ready += 1;
                self.ready_comprehensions += comprehension;
            }
            TaskState::Running => self.running_comprehensions += comprehension,
            _ => {}
        }
    }

    pub(super) fn discount(&mut self, kind: TaskKind, state: TaskState) {
        let comprehension = u32::from(kind == TaskKind::Comprehension);
        match state {
            TaskState::Ready => {
                self.ready = self.ready.saturating_sub(1);
                self.ready_comprehensions = self.ready_comprehensions.saturating_sub(comprehension);
            }
            TaskState::Running => {
                self.running_comprehensions =
                    self.running_comprehensions.saturating_sub(comprehension);
            }
            _ => {}
        }
    }
}

/// A requirement of closedness that began at a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement {
    /// The node referred to; `NIL` for embeddings and literals.
    pub target: Node,
    pub id: u32,
    pub outer: u32,
    pub embed: u32,
    pub ignore: bool,
    pub kind: GroupKind,
    pub recursive: bool,
    pub conjunction_opened: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum GroupKind {
    Reference,
    Embedding,
    Literal,
}

/// A requirement as it applies to a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Required {
    pub id: u32,
    pub outer: u32,
    pub embed: u32,
    pub kind: GroupKind,
    pub once: bool,
    pub ignored: bool,
    pub removed: bool,
    pub conjunction_opened: bool,
}

impl Required {
    /// Whether fields have to meet it.
    pub(super) fn is_in_force(&self) -> bool {
        !self.ignored && !self.removed
    }
}

/// A group that touched a node, and what it brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub id: u32,
    pub embed: u32,
    pub flags: u8,
}

impl Evidence {
    pub(super) const TOP: u8 = 1;
    pub(super) const STRUCT: u8 = 2;
    pub(super) const ELLIPSIS: u8 = 4;
    pub(super) const OPEN_VALIDATOR: u8 = 8;
}

/// One disjunction of a node.
#[derive(Clone, Debug)]
pub(super) struct DisjunctionConjunct {
    pub env: EnvId,
    pub info: Info,
    pub source: DisjunctionSource,
}

#[derive(Clone, Debug)]
pub(super) enum DisjunctionSource {
    /// Into `Program::disjunctions`.
    Expr(u32),
    /// A value made by an expression (`or(…)`), into [`Machine::disjunctions`].
    Value { index: u32, expr: ExprId },
}

/// The same disjunction, though its value may have been made anew.
impl PartialEq for DisjunctionSource {
    fn eq(&self, other: &DisjunctionSource) -> bool {
        match (self, other) {
            (DisjunctionSource::Expr(a), DisjunctionSource::Expr(b)) => a == b,
            (
                DisjunctionSource::Value { expr: a, .. },
                DisjunctionSource::Value { expr: b, .. },
            ) => a == b,
            _ => false,
        }
    }
}

/// Whether a survivor of a disjunction is a default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Default3 {
    #[default]
    Maybe,
    Is,
    Not,
}

/// A comparison with `_|_` to be repeated when the node is finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct PostCheck {
    pub env: EnvId,
    pub expr: ExprId,
    pub expect_error: bool,
}

/// A bound, validator or type with where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub value: Value,
    pub env: EnvId,
    pub info: Info,
    pub place: ExprId,
}

/// A list that several own; empty, it takes no memory of its own.
#[derive(Debug)]
pub(super) struct Shared<T>(Option<Arc<Vec<T>>>);

impl<T> Shared<T> {
    pub(super) fn is_same(&self, other: &Shared<T>) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared(None)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(list: Vec<T>) -> Shared<T> {
        Shared((!list.is_empty()).then(|| Arc::new(list)))
    }
}

impl<T> std::ops::Deref for Shared<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], |list| list)
    }
}

/// "The first group lies in the second", beyond what their parents say.
pub(super) type Edges = Shared<(u32, u32)>;

/// Everything about a node while it is evaluated.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub started: bool,
    pub provided: Condition,
    pub completed: Condition,
    pub frozen: Condition,
    pub running: bool,
    pub counters: [u16; COUNTERS],
    pub tasks: Vec<TaskId>,
    /// So many of the first tasks have ended: a field set with thousands of tasks is asked for often.
    pub ended: usize,
    pub open: OpenTasks,
    pub parent_tasks: Vec<TaskId>,
    pub waiters: Vec<TaskId>,
    pub notify: Vec<(Node, Info)>,
    /// Nodes of which the conjuncts are this one's too.
    pub merged: Vec<Node>,
    /// The same, where they are many.
    pub merged_index: FxHashSet<Node>,
    /// Literals that were inserted, where they are many.
    pub literals: FxHashSet<ShapeId>,
    pub depth: i32,
    pub eval_depth: i32,
    pub completing: bool,
    pub to_complete: bool,

    pub kind: Kind,
    pub kind_expr: ExprId,
    pub scalar: Value,
    pub scalar_expr: ExprId,
    pub lower: Option<Check>,
    pub upper: Option<Check>,
    pub checks: Vec<Check>,
    pub errors: ErrId,
    pub has_top: bool,
    pub has_struct: bool,
    pub is_struct: bool,
    pub is_def: bool,
    pub list_closed: bool,
    pub list_length: u32,
    pub list_expr: ExprId,
    pub post_checks: Vec<PostCheck>,
    pub try_skip: Option<bool>,

    pub disjunctions: Vec<DisjunctionConjunct>,
    /// Those that have been worked out.
    pub resolved: Vec<DisjunctionConjunct>,
    pub has_disjunction: bool,
    /// Survivors: node, default mode.
    pub choices: Vec<super::disjunct::Choice>,
    pub assigned: Shared<super::disjunct::Assigned>,
    pub arm_mode: Mode3,
    /// The mode of the choice an arm extends, and the arm's own mark.
    pub arm_default: (Default3, Default3),
    pub ambiguous_in: Node,
    pub user_errors: Vec<ErrId>,

    pub has_non_cycle: bool,
    pub has_non_cyclic: bool,
    pub has_any_cyclic: bool,
    pub has_ancestor_cycle: bool,
    pub has_field_value: bool,
    pub cyclic_conjuncts: Vec<(ExprId, EnvId, Info, Node)>,
    /// What led to an inline value that is asked for within a structural cycle: all its conjuncts are part of that.
    pub within_cycle: Option<u32>,

    pub no_sharing: bool,
    pub is_shared: bool,
    pub share_cyclic: Cyclic,
    pub shared_infos: SmallVec<[Info; 1]>,
    pub shared_expr: ExprId,
    pub shared_env: EnvId,
    pub base_before_sharing: Option<Value>,

    pub evidence: Vec<Evidence>,
    /// Positions in `evidence`, where it is long.
    pub evidence_index: FxHashMap<u32, u32>,
    /// The newest group in `evidence`.
    pub newest_evidence: u32,
    /// All flags of the evidence together.
    pub evidence_flags: u8,
    /// The groups of which the evidence has an ellipsis.
    pub ellipses: Vec<u32>,
    /// In order of their groups.
    pub requirements: Vec<Requirement>,
    /// The first requirement for each node referred to, where they are many, and how many of them it has.
    pub requirement_index: (usize, FxHashMap<Node, u32>),
    pub replacements: Vec<(u32, u32)>,
    /// Own and outer replacements, and how many were own when they were collected.
    pub edges: Option<(usize, Edges)>,
    pub required: Vec<Required>,
    /// The node whose list applies: this one, or one around it; `NIL` while that is not known.
    pub required_by: Node,
    pub drop_parent_requirements: bool,
    /// Its entry among the nodes that others may stand for.
    pub equal: u32,
}

/// The mode an arm's clone is evaluated in; none where the node is not an arm.
pub(super) type Mode3 = Option<Mode>;

impl State {
    /// Notes that the conjuncts of `target` are this node's too; `false` where they were before.
    pub(super) fn merge(&mut self, target: Node) -> bool {
        if self.merged.len() <= MANY {
            if self.merged.contains(&target) {
                return false;
            }
            self.merged.push(target);
            if self.merged.len() > MANY {
                self.merged_index.extend(&self.merged);
            }
            return true;
        }
        self.merged_index.insert(target)
    }

    /// Where the first requirement for a node referred to stands.
    pub(super) fn requirement_for(&mut self, target: Node) -> Option<usize> {
        if self.requirements.len() <= MANY {
            return self.requirements.iter().position(|r| r.target == target);
        }
        let (known, index) = &mut self.requirement_index;
        for (at, r) in self.requirements.iter().enumerate().skip(*known) {
            index.entry(r.target).or_insert(at as u32);
        }
        *known = self.requirements.len();
        index.get(&target).map(|&at| at as usize)
    }

    /// An embedded definition closes the literals around it, from `outer` on.
    pub(super) fn require_around(&mut self, mut outer: u32, recursive: bool) {
        let mut rest = &mut self.requirements[..];
        while outer != 0
            && let Ok(at) = rest.binary_search_by_key(&outer, |r| r.id)
        {
            let requirement = &mut rest[at];
            requirement.ignore = false;
            requirement.recursive |= recursive;
            outer = requirement.outer;
            rest = &mut rest[..at];
        }
    }

    /// The evidence of a group.
    pub(super) fn evidence_of(&mut self, group: u32) -> Option<&mut Evidence> {
        // Groups are numbered as they are made, and most evidence is that of new ones.
        if self.evidence.is_empty() || group > self.newest_evidence {
            return None;
        }
        // Conjuncts of one group come one after the other.
        let recent = self.evidence.len().saturating_sub(MANY);
        let at = match self.evidence[recent..].iter().rposition(|e| e.id == group) {
            Some(at) => recent + at,
            None if recent == 0 => return None,
            None => {
                let from = self.evidence_index.len();
                for (at, e) in self.evidence.iter().enumerate().skip(from) {
                    self.evidence_index.insert(e.id, at as u32);
                }
                *self.evidence_index.get(&group)? as usize
            }
        };
        Some(&mut self.evidence[at])
    }

    /// Adds the evidence of a group that has none yet.
    pub(super) fn add_evidence(&mut self, evidence: Evidence) {
        self.evidence_flags |= evidence.flags;
        if evidence.flags & Evidence::ELLIPSIS != 0 {
            self.ellipses.push(evidence.id);
        }
        self.newest_evidence = self.newest_evidence.max(evidence.id);
        self.evidence.push(evidence);
    }

    /// Forgets everything but the buffers. In place: a state is large.
    pub(super) fn reset(&mut self) {
        let State {
            started,
            provided,
            completed,
            frozen,
            running,
            counters,
            tasks,
            ended,
            open,
            parent_tasks,
            waiters,
            notify,
            merged,
            merged_index,
            literals,
            depth,
            eval_depth,
            completing,
            to_complete,
            kind,
            kind_expr,
            scalar,
            scalar_expr,
            lower,
            upper,
            checks,
            errors,
            has_top,
            has_struct,
            is_struct,
            is_def,
            list_closed,
            list_length,
            list_expr,
            post_checks,
            try_skip,
            disjunctions,
            resolved,
            has_disjunction,
            choices,
            assigned,
            arm_mode,
            arm_default,
            ambiguous_in,
            user_errors,
            has_non_cycle,
            has_non_cyclic,
            has_any_cyclic,
            has_ancestor_cycle,
            has_field_value,
            cyclic_conjuncts,
            within_cycle,
            no_sharing,
            is_shared,
            share_cyclic,
            shared_infos,
            shared_expr,
            shared_env,
            base_before_sharing,
            evidence,
            evidence_index,
            newest_evidence,
            evidence_flags,
            ellipses,
            requirements,
            requirement_index,
            replacements,
            edges,
            required,
            required_by,
            drop_parent_requirements,
            equal,
        } = self;
        tasks.clear();
        *open = OpenTasks::default();
        parent_tasks.clear();
        waiters.clear();
        notify.clear();
        merged.clear();
        merged_index.clear();
        literals.clear();
        checks.clear();
        post_checks.clear();
        disjunctions.clear();
        resolved.clear();
        choices.clear();
        user_errors.clear();
        cyclic_conjuncts.clear();
        *within_cycle = None;
        shared_infos.clear();
        evidence.clear();
        evidence_index.clear();
        *newest_evidence = 0;
        ellipses.clear();
        *evidence_flags = 0;
        requirements.clear();
        requirement_index.0 = 0;
        requirement_index.1.clear();
        replacements.clear();
        *started = false;
        *provided = 0;
        *completed = 0;
        *frozen = 0;
        *running = false;
        *counters = [0; COUNTERS];
        *ended = 0;
        *depth = 0;
        *eval_depth = 0;
        *completing = false;
        *to_complete = false;
        *kind = Kind::TOP;
        *kind_expr = NO_EXPR;
        *scalar = Value::None;
        *scalar_expr = NO_EXPR;
        *lower = None;
        *upper = None;
        *errors = NIL;
        *has_top = false;
        *has_struct = false;
        *is_struct = false;
        *is_def = false;
        *list_closed = false;
        *list_length = 0;
        *list_expr = NO_EXPR;
        *try_skip = None;
        *has_disjunction = false;
        *assigned = Default::default();
        *arm_mode = None;
        *arm_default = Default::default();
        *ambiguous_in = NIL;
        *has_non_cycle = false;
        *has_non_cyclic = false;
        *has_any_cyclic = false;
        *has_ancestor_cycle = false;
        *has_field_value = false;
        *no_sharing = false;
        *is_shared = false;
        *share_cyclic = Default::default();
        *shared_expr = NO_EXPR;
        *shared_env = NIL;
        *base_before_sharing = None;
        *edges = None;
        required.clear();
        *required_by = NIL;
        *drop_parent_requirements = false;
        *equal = NIL;
    }
}
