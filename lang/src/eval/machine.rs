//! The evaluator's tables: nodes, conjuncts, environments, tasks, and the helpers every part uses.
//!
//! All ids are indices into vectors that live as long as the [`Machine`]. A node under evaluation has a
//! [`State`]; a finished one has none. See the chapter "References and cycles" of the specification for the
//! meaning, and ARCHITECTURE.md for the shape of an evaluation.
//!
//! **Invariants:** a finished node never changes; `groups[g] < g`; a conjunct's cycle mark only
//! grows; a node is evaluated under at most one [`State`].

use super::error::{Bottom, ErrorCode, Message};
use crate::diagnostic::Place;
use crate::resolve::program::*;
use crate::value::Number;
use crate::value::builtin::{Builtins, Kind};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;

pub(super) type Node = u32;
pub(super) type EnvId = u32;
pub(super) type TaskId = u32;
pub(super) type StateId = u32;
/// An index into [`Machine::errors`].
pub(super) type ErrId = u32;

/// No node, environment, state, error or list entry.
pub(super) const NIL: u32 = u32::MAX;

/// A task met a condition that does not hold yet and has been queued on it; unwinds to the
/// innermost running task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yield;

pub(super) type Step<T> = Result<T, Yield>;

/// How far a conjunct is part of a structural cycle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(u8)]
pub(super) enum Cyclic {
    #[default]
    No,
    /// Came through `?`, a pattern or a disjunct: a cycle may be harmless.
    Optional,
    Maybe,
    Yes,
}

/// What accompanies a conjunct: closedness provenance and cycle history.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Info {
    /// The closedness group it belongs to; 0 is none.
    pub group: u32,
    /// The enclosing embedding, a group.
    pub embed: u32,
    /// The enclosing struct with embeddings, a group.
    pub outer: u32,
    /// History of resolved references, into [`Machine::refs`], plus one; 0 is none.
    pub refs: u32,
    pub cyclic: Cyclic,
    pub flags: u8,
}

impl Info {
    pub(super) const FROM_DEF: u8 = 1;
    pub(super) const FROM_EMBED: u8 = 2;
    pub(super) const OPENED: u8 = 4;
    pub(super) const CONJUNCTION_OPENED: u8 = 8;

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
    pub(super) fn with(mut self, flag: u8) -> Info {
        self.flags |= flag;
        self
    }
    pub(super) fn without(mut self, flag: u8) -> Info {
        self.flags &= !flag;
        self
    }
    /// For the fields of a struct whose literal has this info.
    pub(super) fn sub_field(self) -> Info {
        self.without(Info::FROM_EMBED)
    }
    pub(super) fn optional(mut self) -> Info {
        if self.cyclic == Cyclic::No {
            self.cyclic = Cyclic::Optional;
        }
        self
    }
    pub(super) fn without_closedness(mut self) -> Info {
        (self.group, self.embed, self.outer) = (0, 0, 0);
        self
    }
}

/// One conjunct of a node; conjuncts form a list in order of arrival.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conjunct {
    pub expr: ExprId,
    pub env: EnvId,
    pub info: Info,
    pub next: u32,
}

/// The bindings an expression sees: the chain of literals around it, each with the node it was
/// inserted into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Env {
    pub up: EnvId,
    /// The node of a literal; the element of a `for` frame; `NIL` for a `let` frame.
    pub node: Node,
    /// The label a pattern or dynamic field matched; the key of a `for` frame.
    pub label: Label,
    pub kind: FrameKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FrameKind {
    Literal,
    For,
    Let,
}

/// One step of a conjunct's reference history.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefRecord {
    pub expr: ExprId,
    pub target: Node,
    pub at: Node,
    pub depth: i32,
    pub next: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(super) enum Status {
    Unprocessed,
    Evaluating,
    Finalized,
}

/// A path in the result graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeData {
    pub base: Value,
    pub parent: Node,
    pub label: Label,
    pub conjuncts: u32,
    pub last_conjunct: u32,
    pub arcs: u32,
    pub arc_count: u32,
    pub arc_capacity: u32,
    pub state: StateId,
    /// Errors of children that make this node bottom too.
    pub child_errors: ErrId,
    /// Into [`Machine::structs`]: literals that contributed, newest first.
    pub structs: u32,
    /// Into [`Machine::patterns`].
    pub patterns: u32,
    pub flags: u16,
    pub arc_type: ArcType,
    pub status: Status,
}

impl NodeData {
    pub(super) const NON_ROOTED: u16 = 1;
    pub(super) const DYNAMIC: u16 = 2;
    pub(super) const CLOSED_RECURSIVE: u16 = 4;
    pub(super) const CLOSED_ONCE: u16 = 8;
    pub(super) const ELLIPSIS: u16 = 16;
    pub(super) const DISJUNCT: u16 = 32;
    pub(super) const SHARED: u16 = 64;
    pub(super) const PATTERN: u16 = 128;
    pub(super) const OPENED_SHARED: u16 = 256;
    /// A value given from outside, with nothing left to evaluate.
    pub(super) const DATA: u16 = 512;
    pub(super) const INDEXED: u16 = 1024;
    /// Finished without a state: its conjuncts are its evidence.
    pub(super) const LEAF: u16 = 2048;
    /// Some literal keeps optional fields back.
    pub(super) const DEFERS: u16 = 4096;
    /// Its conjuncts are in [`Machine::conjunct_index`].
    pub(super) const MANY_CONJUNCTS: u16 = 8192;
    /// Its literals are in [`Machine::literals`].
    pub(super) const MANY_LITERALS: u16 = 16384;
    /// Computing its value from known scalars was tried, and some were not known.
    pub(super) const COMPUTES: u16 = 32768;

    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Pattern constraints of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    pub pairs: SmallVec<[(Value, SmallVec<[PatternConjunct; 1]>); 1]>,
    /// Where there are many.
    pub index: Option<Box<super::pattern::PatternIndex>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PatternConjunct {
    pub expr: ExprId,
    pub env: EnvId,
    pub info: Info,
}

/// A literal that contributed fields to a node: the input of field order.
#[derive(Clone, Copy, Debug)]
pub(super) struct StructInfo {
    pub shape: ShapeId,
    pub next: u32,
    /// Into [`Machine::deferred`]: its optional fields that nobody has asked for are no arcs yet;
    /// `NIL` where there are none.
    pub deferred: u32,
}

/// What optional fields of a literal need to become arcs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred {
    pub env: EnvId,
    pub info: Info,
}

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
    pub error: ErrId,
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
    pub parent_tasks: Vec<TaskId>,
    pub waiters: Vec<TaskId>,
    pub notify: Vec<(Node, Info)>,
    pub merged: Vec<Node>,
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
    pub requirements: Vec<Requirement>,
    pub replacements: Vec<(u32, u32)>,
    /// Own and outer replacements, and how many were own when they were collected.
    pub edges: Option<(usize, Edges)>,
    pub required: Vec<Required>,
    /// The node whose list applies: this one, or one around it; `NIL` while that is not known.
    pub required_by: Node,
    pub drop_parent_requirements: bool,
}

/// The mode an arm's clone is evaluated in; none where the node is not an arm.
pub(super) type Mode3 = Option<Mode>;

impl State {
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
            parent_tasks,
            waiters,
            notify,
            merged,
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
            no_sharing,
            is_shared,
            share_cyclic,
            shared_infos,
            shared_expr,
            shared_env,
            base_before_sharing,
            evidence,
            evidence_index,
            requirements,
            replacements,
            edges,
            required,
            required_by,
            drop_parent_requirements,
        } = self;
        tasks.clear();
        parent_tasks.clear();
        waiters.clear();
        notify.clear();
        merged.clear();
        checks.clear();
        post_checks.clear();
        disjunctions.clear();
        resolved.clear();
        choices.clear();
        user_errors.clear();
        cyclic_conjuncts.clear();
        shared_infos.clear();
        evidence.clear();
        evidence_index.clear();
        requirements.clear();
        replacements.clear();
        *started = false;
        *provided = 0;
        *completed = 0;
        *frozen = 0;
        *running = false;
        *counters = [0; COUNTERS];
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
    }
}

impl std::default::Default for Kind {
    fn default() -> Kind {
        Kind::TOP
    }
}

/// An unresolved disjunction: defaults first.
#[derive(Clone, Debug)]
pub(super) struct DisjunctionValue {
    pub values: Vec<Value>,
    pub defaults: usize,
    pub has_defaults: bool,
}

/// A builtin called with all arguments but the first, or not called at all.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Validator {
    pub function: u32,
    /// The call expression; `NO_EXPR` where the function was not called.
    pub call: ExprId,
    pub arguments: Vec<Value>,
    pub env: EnvId,
}

/// Work counters (`--stats`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub nodes: u64,
    pub conjuncts: u64,
    pub tasks: u64,
    pub disjuncts_tried: u64,
    pub disjuncts_pruned: u64,
    /// Nodes of machines that are gone.
    pub(super) of_parts: u64,
}

impl Stats {
    /// Adds the counters of other work.
    pub fn add(&mut self, other: Stats) {
        self.nodes += other.nodes;
        self.conjuncts += other.conjuncts;
        self.tasks += other.tasks;
        self.disjuncts_tried += other.disjuncts_tried;
        self.disjuncts_pruned += other.disjuncts_pruned;
    }
}

/// The evaluator.
#[derive(Clone)]
pub(crate) struct Machine<'a> {
    pub(super) program: Program,
    pub(super) builtins: &'a dyn Builtins,
    pub(super) nodes: Vec<NodeData>,
    pub(super) conjuncts: Vec<Conjunct>,
    pub(super) arcs: Vec<(Label, Node)>,
    pub(super) arc_index: FxHashMap<(Node, Label), Node>,
    pub(super) envs: Vec<Env>,
    pub(super) states: Vec<State>,
    pub(super) free_states: Vec<StateId>,
    pub(super) tasks: Vec<Task>,
    pub(super) free_tasks: Vec<TaskId>,
    pub(super) structs: Vec<StructInfo>,
    pub(super) deferred: Vec<Deferred>,
    /// Conjuncts of nodes with many of them, by expression.
    pub(super) conjunct_index: FxHashMap<(Node, ExprId), SmallVec<[u32; 1]>>,
    /// Whether an optional field, by its declaration, may be kept back.
    pub(super) may_defer: FxHashMap<u32, bool>,
    /// Optional fields of wide shapes by label: indices of declarations.
    /// An arm was given up before its fields were evaluated.
    pub(super) refused_early: bool,
    /// Arms are evaluated to their end, for what their errors say.
    pub(super) explaining: bool,
    pub(super) optional_index: FxHashMap<(ShapeId, Label), SmallVec<[u32; 1]>>,
    pub(super) patterns: Vec<Patterns>,
    /// Parents of closedness groups; group 0 is none.
    pub(super) groups: Vec<u32>,
    pub(super) refs: Vec<RefRecord>,
    pub(super) errors: Vec<Bottom>,
    pub(super) validators: Vec<Validator>,
    pub(super) conjunctions: Vec<Vec<Value>>,
    pub(super) disjunctions: Vec<DisjunctionValue>,
    pub(super) disjunction_arms: FxHashMap<u32, Vec<(ExprId, Default3)>>,
    /// Marks and arms of evaluated arms, for when one is the lone survivor of a nested disjunction.
    pub(super) arm_modes: FxHashMap<Node, (Default3, Shared<super::disjunct::Assigned>)>,
    /// The node an arm is a choice of.
    pub(super) arm_origin: FxHashMap<Node, Node>,
    /// Arms whose conjuncts were added to a node, with the choices they stand for.
    pub(super) adopted: FxHashMap<Node, SmallVec<[Node; 1]>>,
    /// Values handed to builtin functions.
    pub(super) refs_values: Vec<Value>,
    pub(super) lets: FxHashMap<(EnvId, ExprId), Node>,
    /// `let`s evaluated a second time for what they depend on themselves.
    pub(super) lets_again: FxHashMap<Node, Node>,
    pub(super) package_nodes: FxHashMap<u32, Node>,
    /// Values of disjunctions of plain scalars, by themselves.
    pub(super) union_values: FxHashMap<u32, Value>,
    /// Orders of arcs that have been worked out, by what they depend on.
    pub(super) orders: FxHashMap<Box<[u32]>, Box<[u32]>>,
    /// A buffer for keys of `orders`.
    pub(super) order_key: Vec<u32>,
    /// The order of fields does not matter for now.
    pub(super) unordered: bool,
    /// Literals inserted into nodes that have many.
    pub(super) literals: FxHashSet<(Node, ShapeId)>,
    pub(super) marks: super::requirement::Marks,
    pub(super) regexes: FxHashMap<StrId, Option<regex::Regex>>,
    pub(super) regex_cache: FxHashMap<(StrId, StrId), bool>,
    /// Keys of aliased dynamic fields that are being evaluated.
    pub(super) keys: Vec<(ExprId, EnvId)>,
    /// The declaration of each value, made when the first error is traced.
    pub(super) declarations: FxHashMap<ExprId, u32>,
    pub(super) blocking: Vec<TaskId>,
    pub(super) stack: Vec<TaskId>,
    /// Inline values that a task of the first node read before they were complete.
    pub(super) unsettled: Vec<(Node, Node)>,
    pub(super) eval_depth: i32,
    /// Some limit has been passed.
    pub(super) limited: bool,
    pub(super) in_validator: u32,
    pub(super) in_detached: u32,
    pub(super) is_validator: bool,
    pub(super) pending_parent: bool,
    /// The environment, info, expression and node under evaluation.
    pub(super) env: EnvId,
    pub(super) info: Info,
    pub(super) source: ExprId,
    pub(super) node: Node,
    /// Errors of the expression under evaluation.
    pub(super) errs: ErrId,
    pub(super) stats: Stats,
    /// The nodes that are being printed, the outermost first.
    pub(super) printing: Vec<Node>,
    /// How many nodes there may be.
    pub(super) max_nodes: usize,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(mut program: Program, builtins: &'a dyn Builtins) -> Machine<'a> {
        let none = program.expr(
            Expr::Value(Value::Top),
            crate::diagnostic::FileId(0),
            crate::diagnostic::Span::default(),
        );
        let placeholder = Bottom {
            code: ErrorCode::Cycle,
            message: Message::Text("the value depends on itself".into()),
            ..Bottom::default()
        };
        let literal = Bottom {
            code: ErrorCode::Literal,
            message: Message::Text("explicit error (_|_ literal) in source".into()),
            node: NIL,
            ..Bottom::default()
        };
        let reported = Bottom {
            code: ErrorCode::Incomplete,
            message: Message::Text("it could not be compiled".into()),
            ..Bottom::default()
        };
        Machine {
            program,
            builtins,
            nodes: Vec::new(),
            conjuncts: Vec::new(),
            arcs: Vec::new(),
            arc_index: FxHashMap::default(),
            envs: Vec::new(),
            states: Vec::new(),
            free_states: Vec::new(),
            tasks: Vec::new(),
            free_tasks: Vec::new(),
            structs: Vec::new(),
            deferred: Vec::new(),
            conjunct_index: FxHashMap::default(),
            may_defer: FxHashMap::default(),
            refused_early: false,
            explaining: false,
            optional_index: FxHashMap::default(),
            patterns: Vec::new(),
            groups: vec![0],
            refs: Vec::new(),
            errors: vec![literal, placeholder, reported],
            validators: Vec::new(),
            conjunctions: Vec::new(),
            disjunctions: Vec::new(),
            disjunction_arms: FxHashMap::default(),
            arm_modes: FxHashMap::default(),
            arm_origin: FxHashMap::default(),
            adopted: FxHashMap::default(),
            refs_values: Vec::new(),
            lets: FxHashMap::default(),
            lets_again: FxHashMap::default(),
            package_nodes: FxHashMap::default(),
            union_values: FxHashMap::default(),
            orders: FxHashMap::default(),
            order_key: Vec::new(),
            unordered: false,
            literals: FxHashSet::default(),
            marks: super::requirement::Marks::default(),
            regexes: FxHashMap::default(),
            regex_cache: FxHashMap::default(),
            keys: Vec::new(),
            declarations: FxHashMap::default(),
            blocking: Vec::new(),
            stack: Vec::new(),
            unsettled: Vec::new(),
            eval_depth: 0,
            limited: false,
            in_validator: 0,
            in_detached: 0,
            is_validator: false,
            pending_parent: false,
            env: NIL,
            info: Info::default(),
            source: none,
            node: NIL,
            errs: NIL,
            stats: Stats::default(),
            printing: Vec::new(),
            max_nodes: super::unify::MAX_NODES,
        }
    }

    /// Goes back to where another machine is that this one is a copy of. What was found out of the program is kept, and
    /// so is the memory: a part of a large value begins here.
    pub(super) fn restart(&mut self, from: &Machine<'a>) {
        let Machine {
            program: _,
            builtins: _,
            nodes,
            conjuncts,
            arcs,
            arc_index,
            envs,
            states,
            free_states,
            tasks,
            free_tasks,
            structs,
            deferred,
            conjunct_index,
            may_defer: _,
            refused_early,
            explaining,
            optional_index: _,
            patterns,
            groups,
            refs,
            errors,
            validators,
            conjunctions,
            disjunctions,
            disjunction_arms,
            arm_modes,
            arm_origin,
            adopted,
            refs_values,
            lets,
            lets_again,
            package_nodes,
            union_values,
            orders: _,
            order_key: _,
            unordered,
            literals,
            marks: _,
            regexes: _,
            regex_cache: _,
            keys,
            declarations,
            blocking,
            stack,
            unsettled,
            eval_depth,
            in_validator,
            in_detached,
            is_validator,
            pending_parent,
            env,
            info,
            source,
            node,
            errs,
            stats,
            printing,
            max_nodes,
            limited,
        } = self;
        limited.clone_from(&from.limited);
        nodes.clone_from(&from.nodes);
        conjuncts.clone_from(&from.conjuncts);
        arcs.clone_from(&from.arcs);
        arc_index.clone_from(&from.arc_index);
        envs.clone_from(&from.envs);
        states.clone_from(&from.states);
        free_states.clone_from(&from.free_states);
        tasks.clone_from(&from.tasks);
        free_tasks.clone_from(&from.free_tasks);
        structs.clone_from(&from.structs);
        deferred.clone_from(&from.deferred);
        conjunct_index.clone_from(&from.conjunct_index);
        refused_early.clone_from(&from.refused_early);
        explaining.clone_from(&from.explaining);
        patterns.clone_from(&from.patterns);
        groups.clone_from(&from.groups);
        refs.clone_from(&from.refs);
        errors.clone_from(&from.errors);
        validators.clone_from(&from.validators);
        conjunctions.clone_from(&from.conjunctions);
        disjunctions.clone_from(&from.disjunctions);
        disjunction_arms.clone_from(&from.disjunction_arms);
        arm_modes.clone_from(&from.arm_modes);
        arm_origin.clone_from(&from.arm_origin);
        adopted.clone_from(&from.adopted);
        refs_values.clone_from(&from.refs_values);
        lets.clone_from(&from.lets);
        lets_again.clone_from(&from.lets_again);
        package_nodes.clone_from(&from.package_nodes);
        union_values.clone_from(&from.union_values);
        unordered.clone_from(&from.unordered);
        literals.clone_from(&from.literals);
        keys.clone_from(&from.keys);
        declarations.clone_from(&from.declarations);
        blocking.clone_from(&from.blocking);
        stack.clone_from(&from.stack);
        unsettled.clone_from(&from.unsettled);
        eval_depth.clone_from(&from.eval_depth);
        in_validator.clone_from(&from.in_validator);
        in_detached.clone_from(&from.in_detached);
        is_validator.clone_from(&from.is_validator);
        pending_parent.clone_from(&from.pending_parent);
        env.clone_from(&from.env);
        info.clone_from(&from.info);
        source.clone_from(&from.source);
        node.clone_from(&from.node);
        errs.clone_from(&from.errs);
        stats.clone_from(&from.stats);
        printing.clone_from(&from.printing);
        max_nodes.clone_from(&from.max_nodes);
    }

    // ---- nodes ----

    pub(super) fn new_node(&mut self, parent: Node, label: Label, arc_type: ArcType) -> Node {
        let mut flags = 0;
        if parent != NIL
            && self.nodes[parent as usize].flags & (NodeData::DYNAMIC | NodeData::NON_ROOTED) != 0
        {
            flags |= NodeData::NON_ROOTED;
        }
        self.nodes.push(NodeData {
            base: Value::None,
            parent,
            label,
            conjuncts: NIL,
            last_conjunct: NIL,
            arcs: 0,
            arc_count: 0,
            arc_capacity: 0,
            state: NIL,
            child_errors: NIL,
            structs: NIL,
            patterns: NIL,
            flags,
            arc_type,
            status: Status::Unprocessed,
        });
        (self.nodes.len() - 1) as Node
    }

    /// A value without a place in the tree: an operand, an argument.
    pub(super) fn new_inline(&mut self) -> Node {
        let node = self.new_node(NIL, Label::NONE, ArcType::Member);
        self.n_mut(node).flags |= NodeData::DYNAMIC;
        node
    }

    #[inline]
    pub(super) fn n(&self, node: Node) -> &NodeData {
        &self.nodes[node as usize]
    }

    #[inline]
    pub(super) fn n_mut(&mut self, node: Node) -> &mut NodeData {
        &mut self.nodes[node as usize]
    }

    /// The state of a node that has one.
    #[inline]
    pub(super) fn s(&self, node: Node) -> &State {
        &self.states[self.nodes[node as usize].state as usize]
    }

    #[inline]
    pub(super) fn s_mut(&mut self, node: Node) -> &mut State {
        &mut self.states[self.nodes[node as usize].state as usize]
    }

    #[inline]
    pub(super) fn has_state(&self, node: Node) -> bool {
        self.nodes[node as usize].state != NIL
    }

    pub(super) fn add_conjunct_record(&mut self, node: Node, expr: ExprId, env: EnvId, info: Info) {
        let id = self.conjuncts.len() as u32;
        self.conjuncts.push(Conjunct {
            expr,
            env,
            info,
            next: NIL,
        });
        let data = &mut self.nodes[node as usize];
        if data.conjuncts == NIL {
            data.conjuncts = id;
        } else {
            self.conjuncts[data.last_conjunct as usize].next = id;
        }
        self.nodes[node as usize].last_conjunct = id;
        if self.nodes[node as usize].has(NodeData::MANY_CONJUNCTS) {
            let entry = self.conjunct_index.entry((node, expr));
            entry.or_default().push(id);
        }
        self.stats.conjuncts += 1;
    }

    /// The node's arcs as (label, node) pairs; by index, as they may grow.
    #[inline]
    pub(super) fn arc(&self, node: Node, index: u32) -> (Label, Node) {
        self.arcs[(self.nodes[node as usize].arcs + index) as usize]
    }

    #[inline]
    pub(super) fn arc_slice(&self, node: Node) -> &[(Label, Node)] {
        let data = &self.nodes[node as usize];
        &self.arcs[data.arcs as usize..(data.arcs + data.arc_count) as usize]
    }

    pub(super) fn arc_vec(&self, node: Node) -> SmallVec<[(Label, Node); 16]> {
        SmallVec::from_slice(self.arc_slice(node))
    }

    /// Makes room for `more` arcs.
    pub(super) fn reserve_arcs(&mut self, node: Node, more: u32) {
        let data = self.nodes[node as usize];
        let need = data.arc_count + more;
        if need <= data.arc_capacity {
            return;
        }
        let capacity = if data.arc_capacity == 0 {
            need
        } else {
            need.max(data.arc_capacity * 2)
        };
        let start = self.arcs.len();
        if data.arcs + data.arc_capacity == start as u32 && data.arc_capacity > 0 {
            // The last segment grows in place.
            self.arcs
                .resize((data.arcs + capacity) as usize, (Label::NONE, NIL));
        } else {
            self.arcs
                .resize(start + capacity as usize, (Label::NONE, NIL));
            let (from, count) = (data.arcs as usize, data.arc_count as usize);
            self.arcs.copy_within(from..from + count, start);
            self.nodes[node as usize].arcs = start as u32;
        }
        self.nodes[node as usize].arc_capacity = capacity;
    }

    const INDEX_FROM: u32 = 24;

    pub(super) fn append_arc(&mut self, node: Node, label: Label, arc: Node) {
        self.reserve_arcs(node, 1);
        let data = &mut self.nodes[node as usize];
        self.arcs[(data.arcs + data.arc_count) as usize] = (label, arc);
        data.arc_count += 1;
        if data.has(NodeData::INDEXED) {
            self.arc_index.insert((node, label), arc);
        } else if data.arc_count > Self::INDEX_FROM {
            data.flags |= NodeData::INDEXED;
            let (start, count) = (data.arcs, data.arc_count);
            for i in start..start + count {
                let (label, arc) = self.arcs[i as usize];
                self.arc_index.entry((node, label)).or_insert(arc);
            }
        }
    }

    pub(super) fn find_arc(&self, node: Node, label: Label) -> Option<Node> {
        let data = &self.nodes[node as usize];
        if data.has(NodeData::INDEXED) {
            return self.arc_index.get(&(node, label)).copied();
        }
        let arcs = &self.arcs[data.arcs as usize..(data.arcs + data.arc_count) as usize];
        arcs.iter().find(|(l, _)| *l == label).map(|(_, arc)| *arc)
    }

    pub(super) fn clear_arcs(&mut self, node: Node) {
        let data = &mut self.nodes[node as usize];
        data.arc_count = 0;
        if data.has(NodeData::INDEXED) {
            data.flags &= !NodeData::INDEXED;
            let (start, capacity) = (data.arcs, data.arc_capacity);
            for i in start..start + capacity {
                let label = self.arcs[i as usize].0;
                self.arc_index.remove(&(node, label));
            }
        }
    }

    /// Drops arcs that turned out not to exist.
    pub(super) fn sweep_arcs(&mut self, node: Node) {
        let data = self.nodes[node as usize];
        let mut kept = 0;
        for i in 0..data.arc_count {
            let pair = self.arcs[(data.arcs + i) as usize];
            if self.nodes[pair.1 as usize].arc_type == ArcType::NotPresent {
                if data.has(NodeData::INDEXED) {
                    self.arc_index.remove(&(node, pair.0));
                }
                continue;
            }
            self.arcs[(data.arcs + kept) as usize] = pair;
            kept += 1;
        }
        self.nodes[node as usize].arc_count = kept;
    }

    // ---- indirections ----

    /// What the node ultimately stands for: through disjuncts and shared nodes.
    pub(super) fn deref(&self, mut node: Node) -> Node {
        while let Value::Node(next) = self.nodes[node as usize].base {
            node = next;
        }
        node
    }

    /// Through a chosen disjunct only.
    pub(super) fn deref_disjunct(&self, mut node: Node) -> Node {
        while let Value::Node(next) = self.nodes[node as usize].base {
            if !self.nodes[next as usize].has(NodeData::DISJUNCT) {
                break;
            }
            node = next;
        }
        node
    }

    /// Through shared nodes, up to a disjunct.
    pub(super) fn deref_non_disjunct(&self, mut node: Node) -> Node {
        while let Value::Node(next) = self.nodes[node as usize].base {
            if self.nodes[next as usize].has(NodeData::DISJUNCT) {
                break;
            }
            node = next;
        }
        node
    }

    /// The node whose conjuncts a part of finished data stands for: that may be one alternative of a
    /// disjunction.
    pub(super) fn deref_element(&self, node: Node) -> Node {
        let mut node = self.deref_non_disjunct(node);
        while self.n(node).conjuncts == NIL
            && let Value::Node(next) = self.n(node).base
        {
            node = next;
        }
        node
    }

    pub(super) fn deref_non_shared(&self, mut node: Node) -> Node {
        if self.has_state(node) && self.s(node).is_shared {
            return node;
        }
        while let Value::Node(next) = self.nodes[node as usize].base {
            node = next;
        }
        node
    }

    pub(super) fn deref_non_rooted(&self, mut node: Node) -> Node {
        while let Value::Node(next) = self.nodes[node as usize].base {
            let data = &self.nodes[node as usize];
            let target = &self.nodes[next as usize];
            if target.has(NodeData::DISJUNCT)
                || (data.has(NodeData::SHARED) && !target.label.is_let())
            {
                break;
            }
            node = next;
        }
        node
    }

    pub(super) fn same(&self, a: Node, b: Node) -> bool {
        a == b || self.deref(a) == self.deref(b)
    }

    // ---- values ----

    /// The kinds a value may have.
    pub(super) fn kind(&self, value: Value) -> Kind {
        match value {
            Value::None | Value::Cycle | Value::Top => Kind::TOP,
            Value::Bottom(_) => Kind::NONE,
            Value::Null => Kind::NULL,
            Value::Bool(_) => Kind::BOOL,
            Value::Int(_) => Kind::INT,
            Value::Number(index) => {
                if self.program.numbers[index as usize].is_int_kind() {
                    Kind::INT
                } else {
                    Kind::FLOAT
                }
            }
            Value::String(_) => Kind::STRING,
            Value::Bytes(_) => Kind::BYTES,
            Value::Kind(kind) => kind,
            Value::Bound(index) => {
                let bound = self.program.bounds[index as usize];
                let kind = self.kind(bound.value);
                if !kind.and(Kind::NUMBER).is_empty() {
                    Kind::NUMBER
                } else if kind == Kind::NULL && bound.op == Comparison::NotEqual {
                    Kind(Kind::TOP.0 & !Kind::NULL.0)
                } else {
                    kind
                }
            }
            Value::Validator(index) => self.validator_kind(index),
            Value::Conjunction(index) => self
                .conjunction(index)
                .iter()
                .fold(Kind::TOP, |kind, &value| kind.and(self.kind(value))),
            Value::Disjunction(index) => self.disjunctions[index as usize]
                .values
                .iter()
                .fold(Kind::NONE, |kind, &value| kind.or(self.kind(value))),
            Value::Function(_) => Kind::FUNC,
            Value::Struct => Kind::STRUCT,
            Value::List { .. } => Kind::LIST,
            Value::Node(node) => self.node_kind(node),
        }
    }

    /// Conjunctions of the program come first, then those made during evaluation.
    pub(super) fn conjunction(&self, index: u32) -> &[Value] {
        let constants = self.program.conjunctions.len();
        let index = index as usize;
        if index < constants {
            &self.program.conjunctions[index]
        } else {
            &self.conjunctions[index & !RUNTIME as usize]
        }
    }

    pub(super) fn new_conjunction(&mut self, values: Vec<Value>) -> Value {
        self.conjunctions.push(values);
        Value::Conjunction((self.conjunctions.len() - 1) as u32 | RUNTIME)
    }

    pub(super) fn node_kind(&self, node: Node) -> Kind {
        let data = self.n(node);
        if data.state != NIL && self.s(node).kind.is_empty() {
            return Kind::NONE;
        }
        match data.base {
            Value::None | Value::Cycle => {
                if data.state != NIL {
                    self.s(node).kind
                } else {
                    Kind::TOP
                }
            }
            base => self.kind(base),
        }
    }

    /// Whether the value is neither a type, a bound, nor undecided.
    pub(super) fn is_concrete(&self, value: Value) -> bool {
        match value {
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::Struct
            | Value::List { .. }
            | Value::Function(_) => true,
            Value::Disjunction(index) => {
                let d = &self.disjunctions[index as usize];
                d.defaults == 1 && self.is_concrete(d.values[0])
            }
            Value::Node(node) => self.is_concrete_node(node),
            _ => false,
        }
    }

    pub(super) fn is_concrete_node(&self, node: Node) -> bool {
        let node = self.deref(node);
        match self.n(node).base {
            // A struct is one before all of it is known.
            Value::None | Value::Cycle => self.has_state(node) && self.s(node).is_struct,
            Value::Bottom(_) => false,
            base => self.is_concrete(base),
        }
    }

    pub(super) fn number_of(&self, value: Value) -> Option<Number> {
        match value {
            Value::Int(value) => Some(Number::from_i64(value)),
            Value::Number(index) => Some(self.program.numbers[index as usize].clone()),
            _ => None,
        }
    }

    pub(super) fn string_value(&mut self, text: &str) -> Value {
        Value::String(self.program.strings.intern(text))
    }

    /// The value of a finished node: a scalar, or the node itself for structures.
    pub(super) fn unwrap(&self, value: Value) -> Value {
        let Value::Node(node) = value else {
            return value;
        };
        let node = self.deref(node);
        match self.n(node).base {
            Value::None | Value::Struct | Value::List { .. } => Value::Node(node),
            Value::Cycle if self.has_state(node) && self.s(node).is_struct => Value::Node(node),
            base => base,
        }
    }

    pub(super) fn place_of(&self, expr: ExprId) -> Option<Place> {
        self.program.places.get(expr as usize).copied()
    }

    /// An expression that stands for a value made at run time, at the place of `source`.
    pub(super) fn value_expr(&mut self, value: Value, source: ExprId) -> ExprId {
        let place = self.program.places[source as usize];
        self.program
            .expr(Expr::Value(value), place.file, place.span)
    }

    // ---- environments ----

    pub(super) fn new_env(&mut self, up: EnvId, node: Node) -> EnvId {
        self.envs.push(Env {
            up,
            node,
            label: Label::NONE,
            kind: FrameKind::Literal,
        });
        (self.envs.len() - 1) as EnvId
    }

    pub(super) fn env_up(&self, mut env: EnvId, up: u16) -> EnvId {
        for _ in 0..up {
            env = self.envs[env as usize].up;
        }
        env
    }

    /// The node of the innermost literal frame.
    pub(super) fn env_node(&self, mut env: EnvId) -> Node {
        while env != NIL {
            let frame = &self.envs[env as usize];
            if frame.kind == FrameKind::Literal {
                return frame.node;
            }
            env = frame.up;
        }
        NIL
    }

    // ---- tests of nodes ----

    /// Whether a literal's node, a disjunct or an ancestor makes the node part of a definition.
    pub(super) fn is_closed_struct(&self, node: Node) -> bool {
        let data = self.n(node);
        match data.base {
            Value::Node(_) => {
                return data.has(NodeData::CLOSED_RECURSIVE) && !data.has(NodeData::ELLIPSIS);
            }
            Value::Struct | Value::Disjunction(_) => {}
            Value::Bottom(error) if self.errors[error as usize].value == Value::Struct => {}
            _ => return false,
        }
        self.is_closed(node)
    }

    fn is_closed(&self, node: Node) -> bool {
        let data = self.n(node);
        !data.has(NodeData::ELLIPSIS)
            && (data.has(NodeData::CLOSED_RECURSIVE) || data.has(NodeData::CLOSED_ONCE))
    }

    pub(super) fn is_open_struct(&self, node: Node) -> bool {
        let data = self.n(node);
        data.has(NodeData::ELLIPSIS)
            || (!data.has(NodeData::CLOSED_ONCE) && !self.is_closed_struct(node))
    }

    pub(super) fn is_closed_list(&self, node: Node) -> bool {
        match self.n(self.deref(node)).base {
            Value::List { open } => !open,
            _ => false,
        }
    }

    pub(super) fn element_count(&self, node: Node) -> usize {
        self.arc_slice(node)
            .iter()
            .filter(|(l, a)| l.is_int() && self.n(*a).arc_type == ArcType::Member)
            .count()
    }

    pub(super) fn path(&self, node: Node) -> String {
        let mut labels: SmallVec<[Label; 16]> = SmallVec::new();
        let mut at = node;
        while at != NIL {
            let data = self.n(at);
            if data.label != Label::NONE {
                labels.push(data.label);
            }
            at = data.parent;
        }
        let mut out = String::new();
        for label in labels.iter().rev() {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&self.program.label_text(*label));
        }
        out
    }

    pub(super) fn with_context<T>(
        &mut self,
        env: EnvId,
        info: Info,
        run: impl FnOnce(&mut Self) -> Step<T>,
    ) -> Step<T> {
        let saved = (self.env, self.info, self.source);
        (self.env, self.info) = (env, info);
        let result = run(self);
        (self.env, self.info, self.source) = saved;
        result
    }

    pub(super) fn with_node<T>(&mut self, node: Node, run: impl FnOnce(&mut Self) -> T) -> T {
        let saved = std::mem::replace(&mut self.node, node);
        let result = run(self);
        self.node = saved;
        result
    }
}

/// Marks indices of conjunctions made during evaluation.
pub(super) const RUNTIME: u32 = 1 << 31;
