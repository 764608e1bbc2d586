//! Disjunctions and defaults.
//!
//! A node with disjunctions stands for every choice of one arm from each, unified with the rest of the
//! node. Choices that fail disappear, equal ones merge. Arms that cannot survive are recognised
//! without being evaluated (see [`Machine::is_dead`]); where one arm is left it is unified directly. Otherwise
//! a choice is a fresh node with the same conjuncts, which takes the chosen arm wherever it meets the
//! disjunction.
//!
//! The rules for marks follow CUE's evaluator rather than its specification where the two differ: marks whose
//! arms all fail do not count, step by step (specification chapter "Disjunctions and defaults").

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// A disjunction for which an arm has been chosen.
#[derive(Clone, Debug)]
pub(super) struct Assigned {
    source: DisjunctionSource,
    env: EnvId,
    arm: usize,
}

/// Stands for the arm of a disjunction whose turn has not come.
const LATER: usize = usize::MAX;

/// One survivor.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub value: Value,
    pub mode: Default3,
    /// The mark of the arm chosen last.
    own: Default3,
    assigned: Shared<Assigned>,
    /// Equal choices that were merged into this one, so far: where it turns out to lack a label that a
    /// closed struct requires, one of them may have it.
    merged: Vec<Shared<Assigned>>,
}

impl Machine<'_> {
    pub(super) fn schedule_disjunction(
        &mut self,
        node: Node,
        env: EnvId,
        info: Info,
        source: DisjunctionSource,
    ) {
        let assigned = self.s(node).assigned.clone();
        for known in assigned.iter() {
            if known.source == source && self.same_env(known.env, env) {
                if known.arm == LATER {
                    return;
                }
                if let Some(&(arm, _)) = self.arms(&source).get(known.arm) {
                    self.schedule_conjunct(node, arm, env, info);
                    return;
                }
            }
        }
        let resolved = self.s(node).resolved.len();
        for index in 0..resolved + self.s(node).disjunctions.len() {
            let state = self.s(node);
            let known = if index < resolved {
                &state.resolved[index]
            } else {
                &state.disjunctions[index - resolved]
            };
            let (known_env, group) = (known.env, known.info.group);
            if known.source == source && self.same_env(known_env, env) {
                // Unification is idempotent; only provenance is new.
                if group != info.group {
                    self.add_replacement(node, info.group, group);
                }
                return;
            }
        }
        if self.s(node).disjunctions.is_empty() {
            let place = self.source;
            self.schedule_task(node, TaskKind::Disjunctions, place, NIL, Info::default());
        }
        self.s_mut(node)
            .disjunctions
            .push(DisjunctionConjunct { env, info, source });
    }

    /// An arm as a conjunct brings its choices along: its conjuncts alone would be the whole
    /// disjunction again.
    pub(super) fn adopt_arm(&mut self, node: Node, arm: Node) {
        let arm = self.deref_disjunct(arm);
        let Some((_, chosen)) = self.arm_modes.get(&arm) else {
            return;
        };
        let chosen = settled(chosen);
        if chosen.is_empty() {
            return;
        }
        let mut all = self.s(node).assigned.to_vec();
        all.extend(chosen.iter().cloned());
        self.s_mut(node).assigned = all.into();
        self.adopted.entry(node).or_default().push(arm);
    }

    /// Whether `node` has adopted an arm of `other`, or of an arm of it.
    pub(super) fn adopts_arm_of(&self, node: Node, other: Node) -> bool {
        let Some(arms) = self.adopted.get(&node) else {
            return false;
        };
        arms.iter().any(|&arm| {
            let mut at = arm;
            loop {
                if at == other {
                    return true;
                }
                match self.arm_origin.get(&at) {
                    Some(&origin) => at = origin,
                    None => return false,
                }
            }
        })
    }

    /// The arms of a disjunction with their marks.
    fn arms(&mut self, source: &DisjunctionSource) -> Vec<(ExprId, Default3)> {
        match *source {
            DisjunctionSource::Expr(index) => {
                let d = &self.program.disjunctions[index as usize];
                d.arms
                    .iter()
                    .map(|&(expr, mark)| (expr, default_mode(d.marked, mark)))
                    .collect()
            }
            DisjunctionSource::Value { index, .. } => {
                if let Some(known) = self.disjunction_arms.get(&index) {
                    return known.clone();
                }
                let d = self.disjunctions[index as usize].clone();
                let source = self.source;
                let arms: Vec<_> = d
                    .values
                    .iter()
                    .enumerate()
                    .map(|(i, &value)| {
                        let expr = self.value_expr(value, source);
                        (expr, default_mode(d.has_defaults, i < d.defaults))
                    })
                    .collect();
                self.disjunction_arms.insert(index, arms.clone());
                arms
            }
        }
    }

    /// The task: works out the disjunctions of a node. Gives the error where no choice survives.
    pub(super) fn resolve_disjunctions(&mut self, node: Node) -> ErrId {
        let added = std::mem::take(&mut self.s_mut(node).disjunctions);
        if added.is_empty() || self.s(node).kind.is_empty() {
            return NIL;
        }
        // A reference that resolved late may bring disjunctions after others were worked out:
        // then the product is made anew.
        let mut list = std::mem::take(&mut self.s_mut(node).resolved);
        let again = !list.is_empty();
        list.extend(added);
        if again {
            self.s_mut(node).choices.clear();
            if matches!(self.n(node).base, Value::Node(_) | Value::Disjunction(_)) {
                self.n_mut(node).base = Value::Cycle;
            }
        }
        self.s_mut(node).resolved = list.clone();
        if self.resolve_scalars(node, &list) {
            return NIL;
        }
        if again {
            let dead: Vec<Vec<bool>> = list
                .iter()
                .map(|d| vec![false; self.arms(&d.source).len()])
                .collect();
            self.s_mut(node).has_disjunction = true;
            return self.resolve_choices(node, &list, &dead);
        }
        let mut inlined = false;
        let mut dead: Vec<Vec<bool>> = Vec::with_capacity(list.len());
        let mut index = 0;
        while index < list.len() {
            let d = list[index].clone();
            let arms = self.arms(&d.source);
            let mut flags: Vec<bool> = arms
                .iter()
                .map(|(expr, _)| self.is_dead(node, *expr, d.env))
                .collect();
            let alive = flags.iter().filter(|f| !**f).count();
            self.stats.disjuncts_pruned += (flags.len() - alive) as u64;
            if alive == 0 {
                // Tried all the same, for what the error says.
                flags.fill(false);
            } else if alive == 1 {
                let arm = flags.iter().position(|f| !f).expect("one is alive");
                if !self.may_be_nested(arms[arm].0) {
                    let assigned = Assigned {
                        source: d.source.clone(),
                        env: d.env,
                        arm,
                    };
                    let mut all = self.s(node).assigned.to_vec();
                    all.push(assigned);
                    self.s_mut(node).assigned = all.into();
                    list.remove(index);
                    self.s_mut(node).resolved.remove(index);
                    self.schedule_conjunct(node, arms[arm].0, d.env, d.info);
                    inlined = true;
                    if !self.has_state(node) {
                        return NIL;
                    }
                    continue;
                }
            }
            dead.push(flags);
            index += 1;
        }
        if inlined {
            self.s_mut(node).resolved.clear();
            if !list.is_empty() {
                let added = std::mem::take(&mut self.s_mut(node).disjunctions);
                let again = added.is_empty();
                list.extend(added);
                self.s_mut(node).disjunctions = list;
                if again {
                    let place = self.source;
                    self.schedule_task(node, TaskKind::Disjunctions, place, NIL, Info::default());
                }
            }
            return NIL;
        }
        self.s_mut(node).has_disjunction = true;
        self.resolve_choices(node, &list, &dead)
    }

    /// Whether an arm must be evaluated on its own: a disjunction, whose marks the rules treat apart,
    /// or a call, whose error is that of an arm.
    fn may_be_nested(&self, expr: ExprId) -> bool {
        !matches!(
            self.program.exprs[expr as usize],
            Expr::Struct(_)
                | Expr::List(_)
                | Expr::Value(_)
                | Expr::Field { .. }
                | Expr::Select { .. }
        )
    }

    // ---- pruning ----

    /// Whether an arm certainly conflicts with what the node has, judged without evaluating it: by kind, or by
    /// a constant field (`kind: "A"` against `kind: "B"`). Unification only adds constraints, so a
    /// conflict of parts is one of the wholes.
    fn is_dead(&mut self, node: Node, expr: ExprId, env: EnvId) -> bool {
        let kind = self.s(node).kind;
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => match value {
                Value::Node(target) => {
                    let own = self.n(self.deref(target)).base;
                    let scalar = self.s(node).scalar;
                    scalar != Value::None && is_scalar(own) && !self.equal_scalars(scalar, own)
                }
                Value::Bottom(_) => false,
                value => {
                    if self.kind(value).and(kind).is_empty() {
                        return true;
                    }
                    let scalar = self.s(node).scalar;
                    scalar != Value::None && is_scalar(value) && !self.equal_scalars(scalar, value)
                }
            },
            Expr::List(_) => kind.and(Kind::LIST).is_empty(),
            Expr::Struct(shape) => self.shape_is_dead(node, shape),
            Expr::Field { up, label, .. } => {
                let env = self.env_up(env, up);
                let scope = self.envs[env as usize].node;
                if scope == NIL {
                    return false;
                }
                let scope = self.deref(scope);
                match self.find_arc(scope, label) {
                    Some(target) => self.target_is_dead(node, target),
                    None => false,
                }
            }
            _ => false,
        }
    }

    fn target_is_dead(&mut self, node: Node, target: Node) -> bool {
        let mut at = self.n(target).conjuncts;
        let mut count = 0;
        while at != NIL && count < 4 {
            let c = self.conjuncts[at as usize];
            if let Expr::Struct(shape) = self.program.exprs[c.expr as usize]
                && self.shape_is_dead(node, shape)
            {
                return true;
            }
            at = c.next;
            count += 1;
        }
        false
    }

    fn shape_is_dead(&mut self, node: Node, shape: ShapeId) -> bool {
        let kind = self.s(node).kind;
        let Shape {
            start, len, embeds, ..
        } = self.program.shapes[shape as usize];
        if !embeds && kind.and(Kind::STRUCT).is_empty() {
            return true;
        }
        if self.n(node).arc_count == 0 {
            return false;
        }
        for index in start..start + len {
            let Decl::Field {
                label,
                arc: arc_type,
                value,
            } = self.program.decls[index as usize]
            else {
                continue;
            };
            if !label.is_regular() {
                continue;
            }
            let Expr::Value(constant) = self.program.exprs[value as usize] else {
                continue;
            };
            if !is_scalar(constant) {
                continue;
            }
            let Some(arc) = self.find_arc(node, label) else {
                continue;
            };
            let other = self.n(arc).arc_type;
            if arc_type == ArcType::Optional && other > ArcType::Required {
                continue;
            }
            if other == ArcType::NotPresent {
                continue;
            }
            if let Some(known) = self.constant_of(arc)
                && !self.equal_scalars(known, constant)
            {
                return true;
            }
        }
        false
    }

    /// A scalar among the conjuncts of an arc.
    fn constant_of(&self, arc: Node) -> Option<Value> {
        if self.has_state(arc) && is_scalar(self.s(arc).scalar) {
            return Some(self.s(arc).scalar);
        }
        let mut at = self.n(arc).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Expr::Value(value) = self.program.exprs[c.expr as usize] {
                if is_scalar(value) {
                    return Some(value);
                }
                if let Value::Node(target) = value {
                    let base = self.n(self.deref(target)).base;
                    if is_scalar(base) {
                        return Some(base);
                    }
                }
            }
            at = c.next;
        }
        let base = self.n(arc).base;
        is_scalar(base).then_some(base)
    }

    // ---- scalars ----

    /// Works out disjunctions of plain scalars and types without making nodes.
    fn resolve_scalars(&mut self, node: Node, list: &[DisjunctionConjunct]) -> bool {
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
    fn new_disjunction(
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
        let mut out: Vec<(Value, Default3, Default3)> = Vec::new();
        let mut marked_inner = false;
        let drop = |drops: bool, mode: Default3| if drops { Default3::Maybe } else { mode };
        for pair in pairs {
            if pair.inner.is_empty() {
                let mode = drop(left_drops, pair.mode).max(drop(right_drops, pair.own));
                self.merge_scalar(&mut out, (pair.value, mode, pair.own));
            } else {
                for (value, mode, own) in pair.inner {
                    let inner = pair.own.max(mode);
                    let mode = drop(left_drops, pair.mode).max(inner);
                    marked_inner |= mode != Default3::Maybe;
                    self.merge_scalar(&mut out, (value, mode, own));
                }
            }
        }
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

    fn merge_scalar(
        &mut self,
        out: &mut Vec<(Value, Default3, Default3)>,
        new: (Value, Default3, Default3),
    ) {
        for entry in out.iter_mut() {
            let equal = match (entry.0, new.0) {
                (a, b) if a == b => true,
                (a, b) if is_scalar(a) && is_scalar(b) => self.equal_scalars(a, b),
                (a, b) => self.equal_values(a, b, Equality::Structural),
            };
            if equal {
                if new.1 == Default3::Is {
                    entry.1 = Default3::Is;
                }
                return;
            }
        }
        out.push(new);
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
                let source = self.source;
                let (x, y) = (self.value_expr(a, source), self.value_expr(b, source));
                let node = self.new_inline();
                self.add_conjunct_record(node, x, NIL, Info::default());
                self.add_conjunct_record(node, y, NIL, Info::default());
                let saved = std::mem::replace(&mut self.errs, NIL);
                self.finalize(node);
                self.errs = saved;
                match self.n(node).base {
                    Value::Bottom(_) => None,
                    value => Some(value),
                }
            }
        }
    }

    // ---- the general case ----

    fn resolve_choices(
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
                    self.n_mut(node).base = Value::Node(target);
                }
                value => self.n_mut(node).base = value,
            }
            let ambiguous = self.s(node).ambiguous_in;
            if ambiguous != NIL && choice.mode != Default3::Is && self.s(node).choices.is_empty() {
                let _ = ambiguous;
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
    fn signal_choice(&mut self, node: Node, completed: Condition) {
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
        self.n_mut(node).base = Value::Node(arm);

        self.bare_state(arm);
        {
            let (drop_parent, ancestor_done) = (
                self.s(node).drop_parent_requirements,
                self.s(node).completed & ANCESTORS,
            );
            let depth = self.s(node).depth;
            let own = self.s_mut(arm);
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
        self.n_mut(node).base = saved_base;
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
    fn lies_below(&self, mut node: Node, above: Node) -> bool {
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
                self.s_mut(kept).evidence.push(e);
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

    /// The error of a disjunction none of whose choices survives.
    fn no_choice(&mut self, node: Node, errors: Vec<ErrId>) -> ErrId {
        let mut code = ErrorCode::Eval;
        let mut user = Vec::new();
        let mut others = Vec::new();
        for error in errors {
            if self.code(error) == ErrorCode::User {
                user.push(error);
                continue;
            }
            code = code.max(self.code(error));
            others.push(error);
        }
        // A message the author wrote says it better than ours.
        let mut parts = user;
        parts.extend(others);
        self.push_error(Bottom {
            code,
            message: Message::Disjunction,
            node,
            exprs: [self.source].into_iter().collect(),
            parts,
            ..Bottom::default()
        })
    }

    /// Makes the survivors the node's value.
    pub(super) fn finalize_disjunction(&mut self, node: Node) {
        if self.s(node).choices.is_empty() {
            return;
        }
        let choices = self.s(node).choices.clone();
        let mut alive = Vec::new();
        let mut errors = Vec::new();
        for choice in choices {
            let error = match choice.value {
                Value::Node(target) => self.bottom_of(self.deref(target)),
                _ => None,
            };
            match error {
                Some(error) => errors.push(error),
                None => alive.push(choice),
            }
        }
        if alive.is_empty() {
            let error = self.no_choice(node, errors);
            self.n_mut(node).base = Value::Bottom(error);
            return;
        }
        if matches!(self.n(node).base, Value::Bottom(_)) {
            return;
        }
        let value = self.new_disjunction(alive.iter().map(|c| (c.value, c.mode)));
        let Value::Disjunction(index) = value else {
            unreachable!("made as a disjunction")
        };
        let defaults = self.disjunctions[index as usize].defaults;
        let ambiguous = self.s(node).ambiguous_in;
        if ambiguous == NIL || defaults == 1 {
            self.n_mut(node).base = value;
        } else {
            let text = format!(
                "cycle across unresolved disjunction referenced by {}",
                self.path(ambiguous)
            );
            let error = self.text_error(ErrorCode::Cycle, text);
            self.n_mut(node).base = Value::Bottom(error);
        }
        self.clear_arcs(node);
        self.n_mut(node).child_errors = NIL;
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

/// Without those whose turn comes later: who comes next says so anew.
fn settled(assigned: &Shared<Assigned>) -> Shared<Assigned> {
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

fn default_mode(marked: bool, is_default: bool) -> Default3 {
    match (marked, is_default) {
        (false, _) => Default3::Maybe,
        (true, true) => Default3::Is,
        (true, false) => Default3::Not,
    }
}

/// How many arms one evaluation may try; each takes about a kilobyte.
const MAX_TRIED: u64 = 2_000_000;
/// How many disjunctions of one value may be nested in or multiplied with each other.
const MAX_NESTED: usize = 200;
/// How many equal choices are remembered for one.
const MAX_MERGED: usize = 8;
/// How many combinations of arms may be alive at once.
const MAX_CHOICES: usize = 8192;
