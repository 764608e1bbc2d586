//! Reference cycles and structural cycles.
//!
//! A reference that is resolved again on the way to itself within one node adds nothing (`a: b, b: a`); one
//! whose target holds the node it stands in would repeat itself without end, unless something that is
//! not part of the cycle feeds it. Each conjunct carries the references resolved on its way; where a
//! target repeats, the conjunct is cyclic, and a node with cyclic conjuncts only is an error
//! (specification, "Structural cycles").

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;

/// A reference, evaluated for a node, and what it led to.
#[derive(Clone, Copy)]
pub(super) struct Resolved {
    pub node: Node,
    pub target: Node,
    pub env: EnvId,
    pub expr: ExprId,
    pub info: Info,
}

impl Machine<'_> {
    /// Whether the node is being evaluated further out on the stack.
    pub(super) fn depth_cycle(&self, node: Node) -> bool {
        let data = self.n(node);
        if data.state == NIL || data.status == Status::Finalized {
            return false;
        }
        let depth = self.s(node).eval_depth;
        depth > 0 && depth < self.eval_depth
    }

    pub(super) fn has_ancestor(&self, node: Node, target: Node) -> bool {
        if self.depth_cycle(target) {
            return true;
        }
        let target = self.deref(target);
        let mut at = self.n(node).parent;
        while at != NIL {
            if self.deref(at) == target {
                return true;
            }
            at = self.n(at).parent;
        }
        false
    }

    /// Records what a reference resolved to. `true` means that the conjunct is to be dropped or has been put aside.
    pub(super) fn detect_cycle(&mut self, resolved: Resolved) -> (Info, bool) {
        if let Some(found) = self.find_cycle(resolved) {
            self.impasses += 1;
            return found;
        }
        let depth = self.s(resolved.node).depth;
        let (target, at) = (self.deref(resolved.target), self.deref(resolved.node));
        let mut info = resolved.info;
        info.refs = self.add_to_history(info.refs, resolved.expr, target, at, depth);
        (info, false)
    }

    /// What [`Machine::detect_cycle`] gives where the target was met before on the way to the node.
    fn find_cycle(&mut self, resolved: Resolved) -> Option<(Info, bool)> {
        let Resolved {
            node,
            target,
            env,
            expr,
            mut info,
        } = resolved;
        if self.has_ancestor(node, target) {
            return Some(self.mark_cyclic(resolved, true));
        }
        if self.s(node).has_non_cyclic && info.cyclic == Cyclic::Maybe {
            return Some((info, false));
        }
        let mut chain_step = false;
        let mut at = info.refs;
        let mut walked = self.s(node).depth;
        if walked >= 4 {
            self.steps += walked as u64 / 4;
            walked = 0;
        }
        let unrooted = self.n(target).has(NodeData::NON_ROOTED);
        let by_expr = unrooted.then_some(expr);
        let meant = self.deref(target);
        while at != 0 {
            if let Some(next) = self.past_block(at, meant, by_expr) {
                at = next;
                walked += 1;
                self.steps += 1;
                continue;
            }
            let record = self.refs[at as usize - 1];
            at = record.next;
            walked += 1;
            // A long way back is work, too.
            if walked & 3 == 0 {
                self.steps += 1;
            }
            if self.deref(record.target) == meant {
                if self.same(record.at, node) {
                    return Some((info, true));
                }
                if info.cyclic == Cyclic::Optional && self.s(node).has_non_cyclic {
                    info.cyclic = Cyclic::Maybe;
                    if record.depth == self.s(node).depth {
                        return Some((info, true));
                    }
                    info.refs = 0;
                    return Some((info, false));
                }
                let feeding = self.n(node).has(NodeData::DYNAMIC)
                    && self.n(target).status != Status::Finalized
                    && self.has_disjunction_conjunct(target);
                let state = self.s(node);
                if record.expr != expr && state.has_non_cycle && state.has_non_cyclic && !feeding {
                    continue;
                }
                return Some(self.mark_cyclic(resolved, false));
            }
            if record.expr == expr && unrooted {
                if self.same(record.at, node) {
                    if chain_step {
                        continue;
                    }
                    // Stepping along a finite chain of distinct bindings is no cycle.
                    let scope = if env == NIL {
                        NIL
                    } else {
                        self.envs[env as usize].node
                    };
                    let from = self.n(record.target).parent;
                    if scope != NIL
                        && (self.same(scope, node) || (from != NIL && self.same(scope, from)))
                    {
                        chain_step = true;
                        continue;
                    }
                    return Some(self.mark_cyclic(resolved, false));
                }
                let parent = self.n(target).parent;
                if self.n(record.target).has(NodeData::NON_ROOTED)
                    && parent != NIL
                    && self.n(parent).has(NodeData::DYNAMIC)
                    && self.n(parent).parent == NIL
                    && self.has_state(parent)
                    && self.s(parent).has_ancestor_cycle
                {
                    return Some(self.mark_cyclic(resolved, true));
                }
            }
        }
        None
    }

    fn has_disjunction_conjunct(&self, node: Node) -> bool {
        let mut at = self.n(node).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if matches!(
                self.program.exprs[c.expr as usize],
                Expr::Disjunction(_) | Expr::Value(Value::Disjunction(_))
            ) {
                return true;
            }
            at = c.next;
        }
        false
    }

    fn mark_cyclic(&mut self, resolved: Resolved, ancestor: bool) -> (Info, bool) {
        let mut info = resolved.info;
        info.cyclic = Cyclic::Yes;
        let state = self.s_mut(resolved.node);
        state.has_any_cyclic = true;
        state.has_ancestor_cycle |= ancestor;
        let fed = state.has_non_cycle || (!ancestor && state.has_non_cyclic);
        if !fed && resolved.env != NIL {
            let parked = (resolved.expr, resolved.env, info, resolved.target);
            state.cyclic_conjuncts.push(parked);
            return (info, true);
        }
        (info, false)
    }

    pub(super) fn mark_non_cyclic(&mut self, node: Node, info: Info) {
        if info.cyclic <= Cyclic::Optional {
            self.s_mut(node).has_non_cyclic = true;
        }
    }

    /// New structure that is not part of a cycle lets the conjuncts that were put aside go on.
    pub(super) fn update_cyclic(&mut self, node: Node, info: Info) {
        let state = self.s_mut(node);
        state.has_field_value = true;
        if info.cyclic == Cyclic::Yes {
            return;
        }
        state.has_non_cycle = true;
        if state.cyclic_conjuncts.is_empty() {
            return;
        }
        let parked = std::mem::take(&mut state.cyclic_conjuncts);
        for (expr, env, info, target) in parked {
            if target != NIL {
                self.schedule_node_conjuncts(node, expr, env, target, info);
            } else {
                self.schedule_conjunct(node, expr, env, info);
            }
        }
    }

    pub(super) fn only_cyclic(&self, node: Node) -> bool {
        let state = self.s(node);
        (state.has_ancestor_cycle && !state.has_non_cycle)
            || (state.has_any_cyclic && !state.has_non_cyclic)
    }

    /// Calls that were put aside, but can only read labels, may run.
    pub(super) fn release_safe_cyclic(&mut self, node: Node) {
        if self.s(node).cyclic_conjuncts.is_empty() || !self.s(node).tasks.is_empty() {
            return;
        }
        // Whoever reads it from outside of the cycle has it evaluated.
        let fed = self.s(node).has_non_cycle;
        self.s_mut(node).has_non_cyclic = true;
        let parked = std::mem::take(&mut self.s_mut(node).cyclic_conjuncts);
        for (expr, env, mut info, target) in parked {
            if target == NIL && (fed || self.reads_labels_only(expr)) {
                info.cyclic = Cyclic::No;
                self.schedule_conjunct(node, expr, env, info);
            } else {
                self.s_mut(node)
                    .cyclic_conjuncts
                    .push((expr, env, info, target));
            }
        }
    }

    fn reads_labels_only(&self, expr: ExprId) -> bool {
        let list = |start: u32, len: u32| {
            self.program.lists[start as usize..(start + len) as usize]
                .iter()
                .all(|&e| self.reads_labels_only(e))
        };
        match self.program.exprs[expr as usize] {
            Expr::Value(_) | Expr::LabelName { .. } => true,
            Expr::Binary(_, a, b) | Expr::Unify(a, b) => {
                self.reads_labels_only(a) && self.reads_labels_only(b)
            }
            Expr::Plus(a) | Expr::Minus(a) | Expr::Not(a) => self.reads_labels_only(a),
            Expr::Call { start, len, .. } | Expr::Interpolation { start, len, .. } => {
                list(start, len)
            }
            Expr::List(index) => self.program.list_literals[index as usize]
                .elements
                .iter()
                .all(|e| matches!(e, Element::Expr(e) if self.reads_labels_only(*e))),
            _ => false,
        }
    }

    /// `false` where the node has turned out to be a structural cycle.
    pub(super) fn assert_acyclic(&mut self, node: Node) -> bool {
        self.s_mut(node).cyclic_conjuncts.clear();
        if self.only_cyclic(node) {
            self.structural_cycle(node);
            return false;
        }
        true
    }

    pub(super) fn structural_cycle(&mut self, node: Node) {
        self.impasses += 1;
        let exprs = self.conjunct_exprs(node).into_iter().collect();
        let error = self.push_error(Bottom {
            code: ErrorCode::StructuralCycle,
            message: Message::StructuralCycle,
            node,
            exprs,
            ..Bottom::default()
        });
        let combined = match self.bottom_of(node) {
            Some(own) => self.combine(own, error),
            None => error,
        };
        self.set_base(node, Value::Bottom(combined));
        self.clear_arcs(node);
    }
}
