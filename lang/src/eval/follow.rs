//! Which errors only follow from others: one mistake is one error.
//!
//! ```text
//! port: int                               // not concrete
//! url:  "http://localhost:\(port)"        // nor is this, for the same reason
//! ```
//!
//! and the values of a reference cycle are one cycle.

use super::error::{Bottom, ErrorCode};
use super::machine::*;
use crate::diagnostic::{Diagnostic, Label as Mark, Place};
use crate::resolve::program::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// How many values a search for a cycle looks at.
const MOST_STEPS: usize = 200;
/// Where so many values have errors, cycles are not put together: comparing them all would take too long.
const MOST_FOUND: usize = 400;
/// How many references are shown.
const MOST_WAYS: usize = 4;

/// A diagnostic and the error it was made of.
pub(super) struct Found {
    pub diagnostic: Diagnostic,
    pub error: ErrId,
    /// What it is the error of.
    pub node: Node,
}

impl Machine<'_> {
    /// Leaves out what waits for a value that is reported itself, and all but one of the errors of a cycle.
    pub(super) fn without_followers(&mut self, mut found: Vec<Found>) -> Vec<Diagnostic> {
        found.sort_by_key(|found| {
            let first = found.diagnostic.labels.first();
            first.map(|label| (label.place.file, label.place.span.start))
        });
        let mut of_node: FxHashMap<Node, usize> = FxHashMap::default();
        for (index, Found { error, node, .. }) in found.iter().enumerate() {
            if self.code(*error).is_incomplete() {
                for node in [self.errors[*error as usize].node, *node] {
                    if node != NIL {
                        of_node.entry(self.deref(node)).or_insert(index);
                    }
                }
            }
        }
        if of_node.len() < 2 {
            return found.into_iter().map(|found| found.diagnostic).collect();
        }
        let causes: Vec<Option<usize>> = (0..found.len())
            .map(|index| self.cause(&found, index, &of_node))
            .collect();
        let mut waiting: Vec<BTreeSet<String>> = vec![BTreeSet::new(); found.len()];
        let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); found.len()];
        for (
            index,
            Found {
                diagnostic, error, ..
            },
        ) in found.iter().enumerate()
        {
            let root = root(&causes, index);
            if root == index {
                continue;
            }
            if self.code(*error) == ErrorCode::Cycle {
                marks[root].extend(diagnostic.labels.first().cloned());
            } else if diagnostic.path != found[root].diagnostic.path {
                waiting[root].insert(diagnostic.path.clone());
            }
        }
        let mut out = Vec::new();
        for (index, Found { mut diagnostic, .. }) in found.into_iter().enumerate() {
            if root(&causes, index) != index {
                continue;
            }
            for mark in marks[index].drain(..).take(6) {
                if !diagnostic.labels.iter().any(|l| l.place == mark.place) {
                    let message = "by way of this".to_string();
                    diagnostic.labels.push(Mark { message, ..mark });
                }
            }
            out.push(match waiting[index].len() {
                0 => diagnostic,
                1 => diagnostic.note("and 1 more value waits for this one"),
                n => diagnostic.note(format!("and {n} more values wait for this one")),
            });
        }
        out
    }

    /// The finding that another one follows from.
    fn cause(
        &mut self,
        found: &[Found],
        index: usize,
        of_node: &FxHashMap<Node, usize>,
    ) -> Option<usize> {
        let error = found[index].error;
        let code = self.code(error);
        if !code.is_incomplete() {
            return None;
        }
        if code == ErrorCode::Cycle {
            if of_node.len() > MOST_FOUND {
                return None;
            }
            let node = self.errors[error as usize].node;
            if node == NIL {
                return None;
            }
            let reached = self.reached(node);
            let mut earlier: Vec<usize> = reached
                .iter()
                .filter_map(|node| of_node.get(node).copied())
                .filter(|&other| other < index && self.code(found[other].error) == ErrorCode::Cycle)
                .collect();
            earlier.sort_unstable();
            let own = self.deref(node);
            return earlier.into_iter().find(|&other| {
                let other = self.errors[found[other].error as usize].node;
                self.reached(other).contains(&own)
            });
        }
        let mut read = Vec::new();
        let node = found[index].node;
        for c in self.own_conjuncts(node) {
            self.reads(c.expr, c.env, &mut read);
        }
        let own = self.deref(node);
        read.into_iter()
            .filter(|&node| node != own)
            .find_map(|node| of_node.get(&node).copied())
            .filter(|&other| other != index)
    }

    /// The nodes that a value depends on through references.
    fn reached(&mut self, node: Node) -> FxHashSet<Node> {
        let (mut reached, mut open) = (FxHashSet::default(), vec![node]);
        open.retain(|&node| node != NIL);
        while let Some(node) = open.pop().filter(|_| reached.len() < MOST_STEPS) {
            let mut read = Vec::new();
            for c in self.own_conjuncts(node) {
                self.reads(c.expr, c.env, &mut read);
            }
            open.extend(read.into_iter().filter(|&node| reached.insert(node)));
        }
        reached
    }

    /// The user's references by way of which what conflicts at a value came there: its own, and those of the structs
    /// around it.
    pub(super) fn ways(&mut self, e: &Bottom) -> Vec<Place> {
        let mut out = Vec::new();
        let mut below: Vec<Label> = Vec::new();
        let mut node = e.node;
        while node != NIL && below.len() < MOST_STEPS {
            let mut at = self.n(node).conjuncts;
            while at != NIL && out.len() < MOST_WAYS {
                let c = self.conjuncts[at as usize];
                at = c.next;
                let mut parts = vec![c.expr];
                while let Some(expr) = parts.pop() {
                    match self.program.exprs[expr as usize] {
                        Expr::Unify(x, y) => parts.extend([y, x]),
                        Expr::Field { .. } | Expr::Select { .. } | Expr::Index { .. } => {
                            if let Some(place) = self.place_of(expr)
                                && self.is_user(place)
                                && !out.contains(&place)
                                && let Some(target) = self.led_to(expr, c.env)
                            {
                                let known = out.len();
                                out.push(place);
                                if !self.says(target, &below, &e.exprs, &mut out) {
                                    out.truncate(known);
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
            below.insert(0, self.n(node).label);
            node = self.n(node).parent;
        }
        out
    }

    /// Whether one of the expressions is a conjunct of what is at a path below a node, or of what that refers to; the
    /// references on the way are added.
    fn says(&mut self, node: Node, path: &[Label], exprs: &[ExprId], out: &mut Vec<Place>) -> bool {
        let mut node = node;
        for &label in path {
            match self.find_arc(self.deref(node), label) {
                Some(arc) => node = arc,
                None => return false,
            }
        }
        let conjuncts = self.own_conjuncts(node);
        if conjuncts.iter().any(|c| exprs.contains(&c.expr)) {
            return true;
        }
        for c in conjuncts {
            let refers = matches!(
                self.program.exprs[c.expr as usize],
                Expr::Field { .. } | Expr::Select { .. } | Expr::Index { .. }
            );
            if refers
                && out.len() < MOST_WAYS
                && let Some(place) = self.place_of(c.expr)
                && !out.contains(&place)
                && let Some(target) = self.led_to(c.expr, c.env)
            {
                let known = out.len();
                out.push(place);
                if self.says(target, &[], exprs, out) {
                    return true;
                }
                out.truncate(known);
            }
        }
        false
    }

    /// The nodes that an expression refers to.
    fn reads(&mut self, expr: ExprId, env: EnvId, out: &mut Vec<Node>) {
        if expr == NO_EXPR || out.len() >= MOST_STEPS {
            return;
        }
        match self.program.exprs[expr as usize] {
            Expr::Field { .. } | Expr::Select { .. } | Expr::Index { .. } => {
                if self.fits(expr, env)
                    && let Some(node) = self.led_to(expr, env)
                {
                    out.push(self.deref(node));
                }
            }
            Expr::Plus(x) | Expr::Minus(x) | Expr::Not(x) | Expr::Open(x) | Expr::Bound(_, x) => {
                self.reads(x, env, out);
            }
            Expr::Binary(_, x, y) | Expr::Unify(x, y) => {
                self.reads(x, env, out);
                self.reads(y, env, out);
            }
            Expr::Interpolation { start, len, .. } | Expr::Call { start, len, .. } => {
                for index in start..start + len {
                    self.reads(self.program.lists[index as usize], env, out);
                }
            }
            _ => {}
        }
    }

    /// Whether the environment is deep enough for the names of a reference: an error notes that of what failed, which need
    /// not be that of each expression that took part.
    fn fits(&self, expr: ExprId, env: EnvId) -> bool {
        match self.program.exprs[expr as usize] {
            Expr::Field { up, .. }
            | Expr::Itself { up }
            | Expr::Let { up, .. }
            | Expr::ForValue { up }
            | Expr::ForKey { up }
            | Expr::ClauseLet { up, .. }
            | Expr::LabelName { up } => {
                let mut at = env;
                for _ in 0..up {
                    if at == NIL {
                        return false;
                    }
                    at = self.envs[at as usize].up;
                }
                at != NIL
            }
            Expr::Select { base, .. } => self.fits(base, env),
            Expr::Index { base, index, .. } => self.fits(base, env) && self.fits(index, env),
            Expr::Value(_) | Expr::Package(_) => true,
            _ => false,
        }
    }
}

/// Follows causes to the one that has none, or that would lead in a circle.
fn root(causes: &[Option<usize>], index: usize) -> usize {
    let (mut at, mut steps) = (index, 0);
    while let Some(next) = causes[at].filter(|_| steps < causes.len()) {
        (at, steps) = (next, steps + 1);
    }
    // In a circle, the first of them stays.
    match steps < causes.len() {
        true => at,
        false => {
            let mut first = at;
            let mut other = causes[at].unwrap_or(at);
            while other != at {
                first = first.min(other);
                other = causes[other].unwrap_or(at);
            }
            first
        }
    }
}
