//! Nodes, arcs, indirections and environments: steps in the graph that every part of the evaluator takes.

use super::machine::*;
use super::union::is_scalar;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use crate::value::Number;
use crate::value::builtin::Kind;
use smallvec::SmallVec;

impl Machine<'_> {
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

    /// What a field or an element of data says: a scalar, or the node it is, whose conjuncts it has and none of its own.
    pub(super) fn element_value(&self, node: Node) -> Value {
        let node = self.deref_element(node);
        let data = self.n(node);
        match data.base {
            scalar if data.has(NodeData::DATA) && is_scalar(scalar) => scalar,
            _ => Value::Node(node),
        }
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
                    let state = self.s(node);
                    match state.is_struct {
                        true => Kind::STRUCT,
                        false => state.kind,
                    }
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
            Value::Cycle
                if self.has_state(node)
                    && (self.s(node).is_struct || self.s(node).kind == Kind::LIST) =>
            {
                Value::Node(node)
            }
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

    /// Whether a field is but its conjuncts so far: nobody has looked at it, and nobody does from within a cycle.
    #[inline]
    pub(super) fn is_untouched(&self, data: &NodeData) -> bool {
        data.status == Status::Unprocessed
            && data.state == NIL
            && data.base == Value::None
            && data.conjuncts != NIL
            && data.arc_count == 0
            && data.parent != NIL
            && !data.label.is_let()
            && self.info.cyclic != Cyclic::Yes
    }

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
