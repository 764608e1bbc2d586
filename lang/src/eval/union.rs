//! Disjunctions of plain scalars and types, multiplied without making nodes.

use super::disjunct::*;
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

impl Machine<'_> {
    /// Works out disjunctions of plain scalars and types without making nodes.
    pub(super) fn resolve_scalars(&mut self, node: Node, list: &[DisjunctionConjunct]) -> bool {
        let state = self.s(node);
        let data = self.n(node);
        if data.arc_count > 0
            || data.patterns != NIL
            || data.structs != NIL
            || state.has_struct
            || state.has_top
            || state.list_expr != NO_EXPR
            || state
                .checks
                .iter()
                .any(|c| !matches!(c.value, Value::Bound(_)))
            || state.errors != NIL
            || (data.has(NodeData::DISJUNCT) && state.arm_mode != Some(Mode::Finalize))
            || !matches!(data.base, Value::None | Value::Cycle) && !is_scalar(data.base)
        {
            return false;
        }
        if !state.tasks.iter().all(|&t| {
            let t = &self.tasks[t as usize];
            t.kind == TaskKind::Disjunctions || t.state >= TaskState::Done
        }) {
            return false;
        }
        let mut plain = Vec::with_capacity(list.len());
        for d in list {
            let Some(arms) = self.plain_arms(&d.source, d.env) else {
                return false;
            };
            plain.push((arms, d.env));
        }
        let scalar = self.s(node).scalar;
        let base = if scalar != Value::None {
            scalar
        } else {
            self.validators_of(node)
        };
        let mut left: Vec<(Value, Default3, Default3)> = {
            let (mode, own) = self.s(node).arm_default;
            vec![(base, mode, own)]
        };
        for (arms, env) in &plain {
            left = self.scalar_step(left, arms, *env);
            if left.is_empty() {
                return false;
            }
        }
        for d in list {
            self.add_evidence(node, d.info, Evidence::TOP);
            self.update_cyclic(node, d.info);
        }
        if let [(value, ..)] = left[..] {
            let source = match list[0].source {
                DisjunctionSource::Expr(index) => {
                    self.program.disjunctions[index as usize].arms[0].0
                }
                DisjunctionSource::Value { .. } => self.source,
            };
            let info = list[0].info;
            self.insert_value(node, value, source, list[0].env, info);
            return true;
        }
        self.s_mut(node).has_disjunction = true;
        self.s_mut(node).choices = left
            .into_iter()
            .map(|(value, mode, own)| Choice {
                value,
                mode,
                own,
                assigned: Shared::default(),
                merged: Vec::new(),
            })
            .collect();
        self.signal_choice(
            node,
            ALL & !SUB_FIELDS
                & !CHILDREN
                & !DISJUNCTIONS
                & !TASKS
                & !VALUE
                & !FIELD_CONJUNCTS
                & !FIELD_SET,
        );
        true
    }

    /// The value of a disjunction of plain scalars that nothing else is unified with.
    pub(super) fn lone_union(&mut self, index: u32) -> Option<Value> {
        let arms = self.plain_arms(&DisjunctionSource::Expr(index), NIL)?;
        let start = vec![(Value::Top, Default3::Maybe, Default3::Maybe)];
        let left = self.scalar_step(start, &arms, NIL);
        if let [(value, ..)] = left[..] {
            return Some(value);
        }
        if left.is_empty() {
            return None;
        }
        let choices = left.iter().map(|&(value, mode, _)| (value, mode));
        Some(self.new_disjunction(choices))
    }

    /// Survivors as one value, the defaults first.
    pub(super) fn new_disjunction(
        &mut self,
        choices: impl Iterator<Item = (Value, Default3)> + Clone,
    ) -> Value {
        let has_defaults = choices.clone().any(|(_, mode)| mode != Default3::Maybe);
        let mut values: Vec<Value> = choices.clone().map(|(value, _)| value).collect();
        let mut defaults = 0;
        for (index, (value, mode)) in choices.enumerate() {
            if mode == Default3::Is {
                values[index] = values[defaults];
                values[defaults] = value;
                defaults += 1;
            }
        }
        self.disjunctions.push(DisjunctionValue {
            values,
            defaults,
            has_defaults,
        });
        Value::Disjunction((self.disjunctions.len() - 1) as u32)
    }

    /// The arms of a disjunction, where all are scalars, types and bounds, chains of such, or refer to such.
    fn plain_arms(&mut self, source: &DisjunctionSource, env: EnvId) -> Option<PlainArms> {
        match *source {
            DisjunctionSource::Expr(index) => {
                let mut arms = PlainArms::new();
                for arm in 0..self.program.disjunctions[index as usize].arms.len() {
                    let d = &self.program.disjunctions[index as usize];
                    let (expr, mark) = d.arms[arm];
                    let mark = default_mode(d.marked, mark);
                    let arm = match self.program.exprs[expr as usize] {
                        Expr::Value(value) if self.is_plain(value) => PlainArm::Value(value),
                        Expr::Disjunction(inner) if self.is_plain_chain(inner) => {
                            PlainArm::Chain(inner)
                        }
                        Expr::Field { .. } | Expr::Select { .. } if env != NIL => {
                            self.plain_target(expr, env, &mut FxHashSet::default())?
                        }
                        _ => return None,
                    };
                    arms.push((arm, mark));
                }
                Some(arms)
            }
            DisjunctionSource::Value { index, .. } => {
                let d = self.disjunctions[index as usize].clone();
                let mut arms = PlainArms::new();
                for (i, value) in d.values.iter().enumerate() {
                    let value = match *value {
                        Value::Node(node) => {
                            self.finalize(node);
                            let target = self.deref(node);
                            if self.n(target).arc_count > 0 {
                                return None;
                            }
                            self.n(target).base
                        }
                        value => value,
                    };
                    if !is_scalar(value) {
                        return None;
                    }
                    let mark = default_mode(d.has_defaults, i < d.defaults);
                    arms.push((PlainArm::Value(value), mark));
                }
                Some(arms)
            }
        }
    }

    /// What a reference comes to, where that is a plain value or a disjunction of such, and nothing that is being
    /// evaluated has a part in it. Without this, a chain of defaults is evaluated anew at each of its steps.
    fn plain_target(
        &mut self,
        expr: ExprId,
        env: EnvId,
        within: &mut FxHashSet<Node>,
    ) -> Option<PlainArm> {
        let target = self.present(expr, env)?;
        if self.n(target).status == Status::Unprocessed
            && !self.try_leaf(target)
            && self.is_plain_target(target, within)
        {
            self.finalize(target);
        }
        let target = self.deref(target);
        let data = self.n(target);
        if data.status != Status::Finalized || data.arc_count > 0 || data.structs != NIL {
            return None;
        }
        match data.base {
            Value::Disjunction(index) => {
                let d = &self.disjunctions[index as usize];
                let is_plain = d.values.iter().all(|&value| self.is_plain(value));
                is_plain.then_some(PlainArm::Known(index))
            }
            value => self.is_plain(value).then_some(PlainArm::Value(value)),
        }
    }

    /// Whether all conjuncts are plain values and disjunctions of such, or of references to such, which are finished
    /// when this returns.
    fn is_plain_target(&mut self, target: Node, within: &mut FxHashSet<Node>) -> bool {
        let data = *self.n(target);
        if data.state != NIL
            || data.base != Value::None
            || data.conjuncts == NIL
            || data.arc_count > 0
            || data.parent == NIL
            || data.flags & (NodeData::DYNAMIC | NodeData::DISJUNCT | NodeData::PATTERN) != 0
            || !within.insert(target)
            || !self.children_known(data.parent)
        {
            return false;
        }
        stacker::maybe_grow(96 * 1024, 4 * 1024 * 1024, || {
            let mut at = data.conjuncts;
            while at != NIL {
                let c = self.conjuncts[at as usize];
                let is_plain = c.info.cyclic <= Cyclic::Optional
                    && match self.program.exprs[c.expr as usize] {
                        Expr::Value(value) => self.is_plain(value),
                        Expr::Disjunction(index) => self.is_plain_union(index, c.env, within),
                        _ => false,
                    };
                if !is_plain {
                    return false;
                }
                at = c.next;
            }
            !self.has_state(target)
        })
    }

    fn is_plain_union(&mut self, index: u32, env: EnvId, within: &mut FxHashSet<Node>) -> bool {
        (0..self.program.disjunctions[index as usize].arms.len()).all(|arm| {
            let (expr, _) = self.program.disjunctions[index as usize].arms[arm];
            match self.program.exprs[expr as usize] {
                Expr::Value(value) => self.is_plain(value),
                Expr::Disjunction(inner) => self.is_plain_chain(inner),
                Expr::Field { .. } | Expr::Select { .. } => {
                    self.plain_target(expr, env, within).is_some()
                }
                _ => false,
            }
        })
    }

    pub(super) fn is_plain_chain(&self, index: u32) -> bool {
        self.program.disjunctions[index as usize]
            .arms
            .iter()
            .all(|&(expr, _)| match self.program.exprs[expr as usize] {
                Expr::Value(value) => self.is_plain(value),
                Expr::Disjunction(inner) => self.is_plain_chain(inner),
                _ => false,
            })
    }

    pub(super) fn is_plain(&self, value: Value) -> bool {
        is_scalar(value)
            || match value {
                Value::Kind(kind) => kind != Kind::TOP,
                Value::Bound(b) => {
                    let b = self.program.bounds[b as usize];
                    !matches!(b.op, Comparison::NotEqual | Comparison::Equal)
                }
                Value::Conjunction(_) => true,
                _ => false,
            }
    }

    fn scalar_step(
        &mut self,
        left: Vec<(Value, Default3, Default3)>,
        arms: &PlainArms,
        env: EnvId,
    ) -> Vec<(Value, Default3, Default3)> {
        struct Pair {
            value: Value,
            mode: Default3,
            own: Default3,
            inner: Vec<(Value, Default3, Default3)>,
        }
        let mut pairs = Vec::new();
        let (mut left_drops, mut right_drops) = (true, true);
        for &(base, mode, own) in &left {
            for &(arm, mark) in arms {
                let pair = match arm {
                    PlainArm::Value(value) => match self.meet_scalars(base, value) {
                        Some(value) => Pair {
                            value,
                            mode,
                            own: mark,
                            inner: Vec::new(),
                        },
                        None => continue,
                    },
                    PlainArm::Chain(_) | PlainArm::Known(_) => {
                        let nested = match arm {
                            PlainArm::Known(index) => Some(self.known_arms(index)),
                            PlainArm::Chain(index) => {
                                self.plain_arms(&DisjunctionSource::Expr(index), env)
                            }
                            PlainArm::Value(_) => None,
                        };
                        let Some(nested) = nested else {
                            continue;
                        };
                        let inner = self.scalar_step(vec![(base, mode, mark)], &nested, env);
                        match inner[..] {
                            [] => continue,
                            [(value, mode, _)] => Pair {
                                value,
                                mode,
                                own: mark,
                                inner: Vec::new(),
                            },
                            _ => Pair {
                                value: Value::None,
                                mode,
                                own: mark,
                                inner,
                            },
                        }
                    }
                };
                if mode == Default3::Is || own == Default3::Is {
                    left_drops = false;
                }
                if mark == Default3::Is {
                    right_drops = false;
                }
                pairs.push(pair);
            }
        }
        let mut merged = Merged::default();
        let mut marked_inner = false;
        let drop = |drops: bool, mode: Default3| if drops { Default3::Maybe } else { mode };
        for pair in pairs {
            if pair.inner.is_empty() {
                let mode = drop(left_drops, pair.mode).max(drop(right_drops, pair.own));
                self.merge_scalar(&mut merged, (pair.value, mode, pair.own));
            } else {
                for (value, mode, own) in pair.inner {
                    let inner = pair.own.max(mode);
                    let mode = drop(left_drops, pair.mode).max(inner);
                    marked_inner |= mode != Default3::Maybe;
                    self.merge_scalar(&mut merged, (value, mode, own));
                }
            }
        }
        let mut out = merged.arms;
        if marked_inner {
            for entry in &mut out {
                if entry.1 == Default3::Maybe {
                    entry.1 = Default3::Not;
                }
            }
        }
        out
    }

    /// The alternatives of a finished disjunction of plain values.
    fn known_arms(&self, index: u32) -> PlainArms {
        let d = &self.disjunctions[index as usize];
        let arms = d.values.iter().enumerate();
        arms.map(|(i, &value)| {
            let mark = default_mode(d.has_defaults, i < d.defaults);
            (PlainArm::Value(value), mark)
        })
        .collect()
    }

    fn merge_scalar(&mut self, merged: &mut Merged, new: (Value, Default3, Default3)) {
        let known = match new.0 {
            Value::String(text) if merged.arms.len() > FEW_ARMS => {
                merged.index_strings();
                merged.strings.get(&text).copied()
            }
            value => {
                let mut arms = merged.arms.iter().map(|entry| entry.0);
                arms.position(|known| match (known, value) {
                    (a, b) if a == b => true,
                    (a, b) if is_scalar(a) && is_scalar(b) => self.equal_scalars(a, b),
                    (a, b) => self.equal_values(a, b, Equality::Structural),
                })
            }
        };
        match known {
            None => merged.arms.push(new),
            Some(known) if new.1 == Default3::Is => merged.arms[known].1 = Default3::Is,
            Some(_) => {}
        }
    }

    /// The meet of two scalars, types or bounds; `None` where it is empty.
    fn meet_scalars(&mut self, a: Value, b: Value) -> Option<Value> {
        match (a, b) {
            (Value::Top, other) | (other, Value::Top) => Some(other),
            (Value::Kind(x), Value::Kind(y)) => {
                let kind = x.and(y);
                (!kind.is_empty()).then_some(Value::Kind(kind))
            }
            (x, y) if is_scalar(x) && is_scalar(y) => self.equal_scalars(x, y).then_some(x),
            (x, Value::Kind(kind)) | (Value::Kind(kind), x) if is_scalar(x) => {
                (!self.kind(x).and(kind).is_empty()).then_some(x)
            }
            (x, bound @ Value::Bound(_)) | (bound @ Value::Bound(_), x) if is_scalar(x) => {
                let kinds = self.kind(bound).and(self.kind(x));
                (!kinds.is_empty() && self.satisfies(bound, x)).then_some(x)
            }
            (x, Value::Conjunction(index)) | (Value::Conjunction(index), x) if is_scalar(x) => {
                let parts = self.conjunction(index).to_vec();
                parts
                    .iter()
                    .all(|&part| self.meet_scalars(x, part).is_some())
                    .then_some(x)
            }
            _ => {
                let node = self.unify_alone(a, b);
                match self.n(node).base {
                    Value::Bottom(_) => None,
                    value => Some(value),
                }
            }
        }
    }
}

/// Of more alternatives than this, a string is found by hash.
const FEW_ARMS: usize = 16;

/// Alternatives, each once.
#[derive(Default)]
struct Merged {
    arms: Vec<(Value, Default3, Default3)>,
    /// Where each string is among the first `indexed` of them.
    strings: FxHashMap<StrId, usize>,
    indexed: usize,
}

impl Merged {
    fn index_strings(&mut self) {
        for (position, entry) in self.arms.iter().enumerate().skip(self.indexed) {
            if let Value::String(text) = entry.0 {
                self.strings.insert(text, position);
            }
        }
        self.indexed = self.arms.len();
    }
}

/// An arm of a disjunction of scalars.
#[derive(Clone, Copy, Debug)]
enum PlainArm {
    Value(Value),
    /// A chain in parentheses, into `Program::disjunctions`.
    Chain(u32),
    /// A disjunction that is finished, into [`Machine::disjunctions`].
    Known(u32),
}

type PlainArms = SmallVec<[(PlainArm, Default3); 6]>;

/// Whether the value is a concrete scalar.
pub(super) fn is_scalar(value: Value) -> bool {
    matches!(
        value,
        Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Bytes(_)
    )
}
