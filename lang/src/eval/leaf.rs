//! Fields that are plain scalars, evaluated without tasks.
//!
//! Most fields of a configuration are a constant, a type beside a constant, or a reference to a scalar that is
//! already known. Once all conjuncts of such a field are known their meet is that of a few values, and neither
//! a state nor the scheduler has a part in it. Only the case without errors is handled here: whatever else
//! it is goes the common way, which says what is wrong.

use super::known::{MAX_NESTING, MAX_STEPS};
use super::machine::*;
use super::union::is_scalar;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use smallvec::SmallVec;

/// Nodes with one of these are evaluated the common way.
const NO_LEAF: u16 =
    NodeData::DYNAMIC | NodeData::DISJUNCT | NodeData::PATTERN | NodeData::COMPUTES;

/// What the conjuncts of a leaf say.
#[derive(Default)]
struct Meet {
    scalar: Option<Value>,
    kind: Kind,
    bounds: SmallVec<[Value; 4]>,
    /// Disjunctions of plain scalars: of the program, and evaluated ones.
    unions: SmallVec<[Union; 2]>,
    /// How many values came together.
    count: u32,
    /// Some value is computed from others.
    computes: bool,
}

#[derive(Clone, Copy)]
enum Union {
    Expr(u32),
    Value(u32),
}

impl Machine<'_> {
    /// Finishes a node whose conjuncts are plain scalars, and says whether it was one.
    pub(super) fn try_leaf(&mut self, node: Node) -> bool {
        self.try_leaf_within(node, MAX_STEPS)
    }

    pub(super) fn try_leaf_within(&mut self, node: Node, steps: u32) -> bool {
        let data = *self.n(node);
        if !self.is_untouched(&data)
            || data.arc_type >= ArcType::Pending
            || data.flags & NO_LEAF != 0
        {
            return false;
        }
        let mut at = data.conjuncts;
        while at != NIL {
            let c = &self.conjuncts[at as usize];
            if c.info.cyclic > Cyclic::Optional || !self.may_be_leaf(c.expr) {
                return false;
            }
            at = c.next;
        }
        if !self.children_known(data.parent) || self.has_state(node) {
            return false;
        }
        let mut meet = Meet {
            kind: Kind::TOP,
            ..Meet::default()
        };
        let closed = self.n(data.parent).flags & NodeData::CLOSED_RECURSIVE;
        let mut flags = NodeData::LEAF | closed;
        let mut at = data.conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if c.info.has(Info::FROM_DEF) {
                flags |= NodeData::CLOSED_RECURSIVE;
            }
            if !self.add_to_leaf(&mut meet, c.expr, c.env, steps) {
                if meet.computes {
                    // Long chains of sums are not followed from each of their links.
                    self.n_mut(node).flags |= NodeData::COMPUTES;
                }
                return false;
            }
            at = c.next;
        }
        let Some(value) = self.leaf_value(&meet) else {
            return false;
        };
        if self.n(node).status != Status::Unprocessed || self.has_state(node) {
            return false;
        }
        let data = self.n_mut(node);
        data.base = value;
        data.status = Status::Finalized;
        data.flags |= flags;
        true
    }

    fn may_be_leaf(&self, expr: ExprId) -> bool {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => self.is_leaf_value(value),
            Expr::Field { .. }
            | Expr::Select { .. }
            | Expr::ForValue { .. }
            | Expr::ForKey { .. }
            | Expr::LabelName { .. } => true,
            Expr::Disjunction(index) => self.is_plain_chain(index),
            Expr::Unify(a, b) => self.may_be_leaf(a) && self.may_be_leaf(b),
            _ => self.may_be_known(expr, MAX_NESTING),
        }
    }

    fn is_leaf_value(&self, value: Value) -> bool {
        is_scalar(value) || self.is_plain(value)
    }

    /// Adds a conjunct; `false` where it is not a plain scalar, or not known yet.
    fn add_to_leaf(&mut self, meet: &mut Meet, expr: ExprId, env: EnvId, steps: u32) -> bool {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => self.add_value_to_leaf(meet, value),
            Expr::Unify(a, b) => {
                self.add_to_leaf(meet, a, env, steps) && self.add_to_leaf(meet, b, env, steps)
            }
            Expr::Disjunction(index) => {
                meet.unions.push(Union::Expr(index));
                meet.count += 1;
                true
            }
            Expr::LabelName { .. }
            | Expr::ForKey { .. }
            | Expr::Interpolation { .. }
            | Expr::Binary(..)
            | Expr::Call { .. }
            | Expr::Not(_)
            | Expr::Minus(_) => {
                meet.computes |= !matches!(
                    self.program.exprs[expr as usize],
                    Expr::LabelName { .. } | Expr::ForKey { .. }
                );
                match self.known_scalar(expr, env, steps) {
                    Some(value) => self.add_value_to_leaf(meet, value),
                    None => false,
                }
            }
            _ => {
                let Some(target) = self.known_target(expr, env, steps) else {
                    return false;
                };
                let target = self.deref(target);
                let data = *self.n(target);
                data.status == Status::Finalized
                    && data.arc_count == 0
                    && match data.base {
                        Value::Disjunction(index) => {
                            let d = &self.disjunctions[index as usize];
                            if !d.values.iter().all(|&v| self.is_leaf_value(v)) {
                                return false;
                            }
                            meet.unions.push(Union::Value(index));
                            meet.count += 1;
                            true
                        }
                        value => self.add_value_to_leaf(meet, value),
                    }
            }
        }
    }

    fn add_value_to_leaf(&mut self, meet: &mut Meet, value: Value) -> bool {
        meet.count += 1;
        match value {
            Value::Kind(kind) => meet.kind = meet.kind.and(kind),
            Value::Bound(_) => meet.bounds.push(value),
            Value::Conjunction(index) => {
                for i in 0..self.conjunction(index).len() {
                    match self.conjunction(index)[i] {
                        Value::Kind(kind) => meet.kind = meet.kind.and(kind),
                        part @ Value::Bound(_) => meet.bounds.push(part),
                        _ => return false,
                    }
                }
            }
            value if is_scalar(value) => match meet.scalar {
                None => meet.scalar = Some(value),
                Some(known) => return self.equal_scalars(known, value),
            },
            _ => return false,
        }
        true
    }

    /// What the conjuncts come to; `None` where that is an error or more than one value.
    fn leaf_value(&mut self, meet: &Meet) -> Option<Value> {
        let Some(scalar) = meet.scalar else {
            return match (&meet.unions[..], &meet.bounds[..]) {
                ([Union::Expr(index)], []) if meet.kind == Kind::TOP => self.union_value(*index),
                ([Union::Value(index)], []) if meet.count == 1 => Some(Value::Disjunction(*index)),
                ([], []) if meet.kind != Kind::TOP && !meet.kind.is_empty() => {
                    Some(Value::Kind(meet.kind))
                }
                ([], [bound]) if meet.count == 1 && meet.kind == Kind::TOP => Some(*bound),
                _ => None,
            };
        };
        if meet.kind.and(self.kind(scalar)).is_empty() {
            return None;
        }
        for index in 0..meet.bounds.len() {
            if !self.admits(meet.bounds[index], scalar) {
                return None;
            }
        }
        for index in 0..meet.unions.len() {
            let admitted = match meet.unions[index] {
                Union::Expr(index) => self.union_admits(index, scalar),
                Union::Value(index) => (0..self.disjunctions[index as usize].values.len())
                    .any(|i| self.admits(self.disjunctions[index as usize].values[i], scalar)),
            };
            if !admitted {
                return None;
            }
        }
        Some(scalar)
    }

    /// Whether a plain value and a scalar meet.
    fn admits(&mut self, value: Value, scalar: Value) -> bool {
        match value {
            Value::Kind(kind) => !kind.and(self.kind(scalar)).is_empty(),
            Value::Bound(index) => {
                let bound = self.program.bounds[index as usize];
                !self.kind(value).and(self.kind(scalar)).is_empty()
                    && is_scalar(bound.value)
                    && self.satisfies(value, scalar)
            }
            Value::Conjunction(index) => (0..self.conjunction(index).len()).all(|i| {
                let part = self.conjunction(index)[i];
                self.admits(part, scalar)
            }),
            value => is_scalar(value) && self.equal_scalars(value, scalar),
        }
    }

    fn union_admits(&mut self, index: u32, scalar: Value) -> bool {
        let count = self.program.disjunctions[index as usize].arms.len();
        (0..count).any(|i| {
            let (arm, _) = self.program.disjunctions[index as usize].arms[i];
            match self.program.exprs[arm as usize] {
                Expr::Value(value) => self.admits(value, scalar),
                Expr::Disjunction(inner) => self.union_admits(inner, scalar),
                _ => false,
            }
        })
    }

    /// A disjunction of plain scalars by itself; the same value each time.
    fn union_value(&mut self, index: u32) -> Option<Value> {
        if let Some(known) = self.union_values.get(&index) {
            return Some(*known);
        }
        let value = self.lone_union(index)?;
        self.union_values.insert(index, value);
        Some(value)
    }
}
