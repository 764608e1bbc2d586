//! The evaluator's tables: nodes, conjuncts, environments, tasks, and the helpers every part uses.
//!
//! All ids are indices into vectors that live as long as the [`Machine`]. A node under evaluation has a
//! [`State`]; a finished one has none. See the chapter "References and cycles" of the specification for the
//! meaning, and ARCHITECTURE.md for the shape of an evaluation.
//!
//! **Invariants:** a finished node never changes; `groups[g] < g`; a conjunct's cycle mark only
//! grows; a node is evaluated under at most one [`State`].

use super::error::{Bottom, ErrorCode, Message};
pub(super) use super::history::{Block, RefRecord};
pub(super) use super::state::*;
use crate::resolve::program::*;
use crate::value::builtin::{Builtins, Kind};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

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
    /// Its literals are in [`State::literals`].
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
    /// An arm was given up before its fields were evaluated.
    pub(super) refused_early: bool,
    /// Arms are evaluated to their end, for what their errors say.
    pub(super) explaining: bool,
    /// Optional fields of wide shapes by label: indices of declarations.
    pub(super) optional_index: FxHashMap<(ShapeId, Label), SmallVec<[u32; 1]>>,
    pub(super) patterns: Vec<Patterns>,
    /// Parents of closedness groups; group 0 is none.
    pub(super) groups: Vec<u32>,
    pub(super) refs: Vec<RefRecord>,
    pub(super) blocks: Vec<Block>,
    /// How many times a node began or ended to stand for another one.
    pub(super) indirections: u64,
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
    /// Equal nodes, on a machine that evaluates them once.
    pub(super) equals: Option<Box<super::equal::Equals>>,
    /// Orders of arcs that have been worked out, by what they depend on.
    pub(super) orders: FxHashMap<Box<[u32]>, Box<[u32]>>,
    /// A buffer for keys of `orders`.
    pub(super) order_key: Vec<u32>,
    /// The order of fields does not matter for now.
    pub(super) unordered: bool,
    pub(super) marks: super::requirement::Marks,
    pub(super) regexes: FxHashMap<StrId, Option<regex::Regex>>,
    pub(super) regex_cache: FxHashMap<(StrId, StrId), bool>,
    /// Keys of aliased dynamic fields that are being evaluated.
    pub(super) keys: Vec<(ExprId, EnvId)>,
    /// Conjunctions inside expressions that are being evaluated.
    pub(super) inline: Vec<(ExprId, EnvId)>,
    /// The declaration of each value, made when the first error is traced.
    pub(super) declarations: FxHashMap<ExprId, u32>,
    pub(super) blocking: Vec<TaskId>,
    pub(super) stack: Vec<TaskId>,
    /// Inline values that a task of the first node read before they were complete.
    pub(super) unsettled: Vec<(Node, Node)>,
    /// How many times a task has begun to wait.
    pub(super) waits: u64,
    /// How many times evaluation came back to where it had been (a cycle), or could not go on anywhere (a deadlock): what is
    /// found out then may hold on this way to a node only.
    pub(super) impasses: u64,
    /// The node of which an arm is being inserted.
    pub(super) arm_for: Node,
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
    /// How many values are being read as they are written, one inside the other.
    pub(super) readers: u32,
    pub(super) declared: super::schema::Declared,
    /// How many nodes there may be.
    pub(super) max_nodes: usize,
    /// How many steps have been taken: runs of tasks.
    pub(super) steps: u64,
    /// How many steps may be taken.
    pub(super) max_steps: u64,
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
            blocks: Vec::new(),
            indirections: 0,
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
            equals: None,
            orders: FxHashMap::default(),
            order_key: Vec::new(),
            unordered: false,
            marks: super::requirement::Marks::default(),
            regexes: FxHashMap::default(),
            regex_cache: FxHashMap::default(),
            keys: Vec::new(),
            inline: Vec::new(),
            declarations: FxHashMap::default(),
            blocking: Vec::new(),
            stack: Vec::new(),
            unsettled: Vec::new(),
            waits: 0,
            impasses: 0,
            arm_for: NIL,
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
            readers: 0,
            declared: super::schema::Declared::default(),
            max_nodes: super::unify::MAX_NODES,
            steps: 0,
            max_steps: super::sched::MAX_STEPS,
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
            blocks,
            indirections: _,
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
            equals,
            orders: _,
            order_key: _,
            unordered,
            marks: _,
            regexes: _,
            regex_cache: _,
            keys,
            inline,
            declarations,
            blocking,
            stack,
            unsettled,
            waits,
            impasses: _,
            arm_for,
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
            readers,
            declared: _,
            max_nodes,
            steps,
            max_steps,
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
        blocks.clone_from(&from.blocks);
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
        if let Some(equals) = equals {
            equals.restart();
        }
        unordered.clone_from(&from.unordered);
        keys.clone_from(&from.keys);
        inline.clone_from(&from.inline);
        declarations.clone_from(&from.declarations);
        blocking.clone_from(&from.blocking);
        stack.clone_from(&from.stack);
        unsettled.clone_from(&from.unsettled);
        *waits = from.waits;
        *arm_for = from.arm_for;
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
        readers.clone_from(&from.readers);
        max_nodes.clone_from(&from.max_nodes);
        steps.clone_from(&from.steps);
        max_steps.clone_from(&from.max_steps);
    }
}
