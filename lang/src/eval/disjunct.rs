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

use super::choice::settled;
use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;

/// A disjunction for which an arm has been chosen.
#[derive(Clone, Debug)]
pub(super) struct Assigned {
    pub source: DisjunctionSource,
    pub env: EnvId,
    pub arm: usize,
}

/// Stands for the arm of a disjunction whose turn has not come.
pub(super) const LATER: usize = usize::MAX;

/// One survivor.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub value: Value,
    pub mode: Default3,
    /// The mark of the arm chosen last.
    pub own: Default3,
    pub assigned: Shared<Assigned>,
    /// Equal choices that were merged into this one, so far: where it turns out to lack a label that a
    /// closed struct requires, one of them may have it.
    pub merged: Vec<Shared<Assigned>>,
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
                    self.schedule_arm(node, arm, env, info);
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

    /// Inserts an arm. What it says of a field that the disjunction came from is not said of the node again:
    /// `y: 1 | {y: 1}, y` is `{y: 1}`.
    fn schedule_arm(&mut self, node: Node, arm: ExprId, env: EnvId, info: Info) {
        let saved = std::mem::replace(&mut self.arm_for, node);
        self.schedule_conjunct(node, arm, env, info);
        self.arm_for = saved;
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
    pub(super) fn arms(&mut self, source: &DisjunctionSource) -> Vec<(ExprId, Default3)> {
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
                self.set_base(node, Value::Cycle);
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
                    self.schedule_arm(node, arms[arm].0, d.env, d.info);
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

    /// The error of a disjunction none of whose choices survives.
    pub(super) fn no_choice(&mut self, node: Node, errors: Vec<ErrId>) -> ErrId {
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
            self.set_base(node, Value::Bottom(error));
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
            self.set_base(node, value);
        } else {
            let text = format!(
                "cycle across unresolved disjunction referenced by {}",
                self.path(ambiguous)
            );
            let error = self.text_error(ErrorCode::Cycle, text);
            self.set_base(node, Value::Bottom(error));
        }
        self.clear_arcs(node);
        self.n_mut(node).child_errors = NIL;
    }
}

pub(super) fn default_mode(marked: bool, is_default: bool) -> Default3 {
    match (marked, is_default) {
        (false, _) => Default3::Maybe,
        (true, true) => Default3::Is,
        (true, false) => Default3::Not,
    }
}
