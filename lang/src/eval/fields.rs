//! The fields of a node: how they come about, which conjuncts they have, and whether two conjuncts are the same.

use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;

impl Machine<'_> {
    /// The arc of a label, made where it does not exist.
    pub(super) fn get_arc(&mut self, node: Node, label: Label, arc_type: ArcType) -> (Node, bool) {
        if let Some(arc) = self.find_arc(node, label) {
            self.update_arc_type(arc, arc_type);
            return (arc, false);
        }
        (self.new_arc(node, label, arc_type), true)
    }

    pub(super) fn new_arc(&mut self, node: Node, label: Label, arc_type: ArcType) -> Node {
        let arc = self.new_node(node, label, arc_type);
        self.stats.nodes += 1;
        if self.s(node).frozen & FIELD_SET != 0 {
            let error = self.new_error(ErrorCode::Eval, Message::FrozenField(label));
            self.add_error(error);
            self.n_mut(arc).arc_type = ArcType::NotPresent;
        }
        self.append_arc(node, label, arc);
        arc
    }

    /// Adds a conjunct to a field of the node, and what its patterns say of the field.
    pub(super) fn insert_arc(
        &mut self,
        node: Node,
        label: Label,
        arc_type: ArcType,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) -> Node {
        if self.n(node).has(NodeData::DEFERS) && self.find_arc(node, label).is_none() {
            self.materialize(node, label);
        }
        let (arc, new) = self.get_arc(node, label, arc_type);
        self.add_to_arc(node, arc, new, arc_type, expr, env, info);
        arc
    }

    #[expect(clippy::too_many_arguments, reason = "a conjunct and where it goes")]
    pub(super) fn add_to_arc(
        &mut self,
        node: Node,
        arc: Node,
        new: bool,
        arc_type: ArcType,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) {
        let saved = std::mem::replace(&mut self.node, arc);
        if self.insert_conjunct(arc, arc_type, expr, env, info, !new) {
            self.apply_patterns(node, arc, arc_type);
        }
        self.node = saved;
    }

    /// Adds what the patterns of a node say of one of its fields.
    fn apply_patterns(&mut self, node: Node, arc: Node, arc_type: ArcType) {
        let patterns = self.n(node).patterns;
        let label = self.n(arc).label;
        if patterns == NIL || !label.is_regular() {
            return;
        }
        for index in self.matching_patterns(patterns, label) {
            let count = self.patterns[patterns as usize].pairs[index].1.len();
            for i in 0..count {
                let c = self.patterns[patterns as usize].pairs[index].1[i];
                self.insert_matched(arc, arc_type, c, label);
            }
        }
    }

    /// The first conjunct of a field that was just made, and what the node's patterns say of it.
    pub(super) fn add_to_new_arc(
        &mut self,
        node: Node,
        arc: Node,
        arc_type: ArcType,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) {
        let saved = std::mem::replace(&mut self.node, arc);
        self.inherit_closedness(arc);
        self.add_conjunct_record(arc, expr, env, info);
        self.apply_patterns(node, arc, arc_type);
        self.node = saved;
    }

    pub(super) fn insert_matched(
        &mut self,
        arc: Node,
        arc_type: ArcType,
        c: PatternConjunct,
        label: Label,
    ) {
        let env = self.labelled_env(c.env, label);
        self.insert_conjunct(arc, arc_type, c.expr, env, c.info, true);
    }

    pub(super) fn labelled_env(&mut self, env: EnvId, label: Label) -> EnvId {
        let mut frame = self.envs[env as usize];
        frame.label = label;
        self.envs.push(frame);
        (self.envs.len() - 1) as EnvId
    }

    /// Whether two environments bind the same: equal frames all the way.
    pub(super) fn same_env(&self, mut a: EnvId, mut b: EnvId) -> bool {
        loop {
            if a == b {
                return true;
            }
            if a == NIL || b == NIL {
                return false;
            }
            let (x, y) = (&self.envs[a as usize], &self.envs[b as usize]);
            if x.label != y.label || x.kind != y.kind {
                return false;
            }
            // Frames of the same clause bind the same where the environments around them and
            // the keys are the same, though their source may have been evaluated anew.
            if x.kind == FrameKind::Literal && !self.same_binding(x.node, y.node) {
                return false;
            }
            (a, b) = (x.up, y.up);
        }
    }

    /// Whether two nodes stand for the same: the same node, or one operand evaluated twice.
    fn same_binding(&self, a: Node, b: Node) -> bool {
        if a == b {
            return true;
        }
        if a == NIL || b == NIL {
            return false;
        }
        let (a, b) = (self.deref_disjunct(a), self.deref_disjunct(b));
        if a == b
            || self.deref(a) == self.deref(b)
            || self.adopts_arm_of(a, b)
            || self.adopts_arm_of(b, a)
        {
            return true;
        }
        let (x, y) = (self.n(a), self.n(b));
        if x.label != y.label {
            return false;
        }
        let inline = NodeData::DYNAMIC;
        if x.has(inline) && y.has(inline) {
            if x.conjuncts == NIL || y.conjuncts == NIL {
                return false;
            }
            let (c, d) = (
                self.conjuncts[x.conjuncts as usize],
                self.conjuncts[y.conjuncts as usize],
            );
            return c.expr == d.expr && self.same_env(c.env, d.env);
        }
        let unrooted = |n: &NodeData| n.has(NodeData::NON_ROOTED) || n.label.is_let();
        // The fields of a node and of the arm that is being tried for it are two nodes as well.
        (unrooted(x) && unrooted(y) || self.stats.disjuncts_tried > 0)
            && self.same_binding(x.parent, y.parent)
    }

    fn insert_conjunct(
        &mut self,
        arc: Node,
        arc_type: ArcType,
        expr: ExprId,
        env: EnvId,
        info: Info,
        check: bool,
    ) -> bool {
        if self.n(arc).status == Status::Finalized {
            return false;
        }
        // The state is made when the field is evaluated; leaves need none.
        if self.has_state(arc) {
            self.mark_non_cyclic(arc, info);
        } else {
            self.inherit_closedness(arc);
        }
        self.update_arc_type(arc, arc_type);
        if check && let Some(c) = self.same_conjunct(arc, expr, env) {
            if c.info.group != 0 && self.bare_state(arc).is_some() {
                self.add_replacement(arc, info.group, c.info.group);
            }
            if self.in_progress(arc) {
                self.schedule_conjunct(arc, expr, env, info);
            }
            return false;
        }
        self.add_conjunct_record(arc, expr, env, info);
        if self.in_progress(arc) {
            self.schedule_conjunct(arc, expr, env, info);
        }
        if self.has_state(arc) {
            for index in 0..self.s(arc).notify.len() {
                let (to, to_info) = self.s(arc).notify[index];
                let told = self.n(to).status == Status::Finalized || to == self.arm_for;
                if self.has_state(to) && !told {
                    self.schedule_conjunct(to, expr, env, to_info);
                }
                if !self.has_state(arc) {
                    break;
                }
            }
        }
        true
    }

    /// The conjunct of a node that is the same expression with the same bindings.
    fn same_conjunct(&mut self, node: Node, expr: ExprId, env: EnvId) -> Option<Conjunct> {
        if !self.n(node).has(NodeData::MANY_CONJUNCTS) {
            let mut at = self.n(node).conjuncts;
            let mut count = 0;
            while at != NIL {
                let c = self.conjuncts[at as usize];
                if c.expr == expr && self.same_env(c.env, env) {
                    return Some(c);
                }
                at = c.next;
                count += 1;
            }
            if count < MANY_CONJUNCTS {
                return None;
            }
            self.n_mut(node).flags |= NodeData::MANY_CONJUNCTS;
            let mut at = self.n(node).conjuncts;
            while at != NIL {
                let c = &self.conjuncts[at as usize];
                let entry = self.conjunct_index.entry((node, c.expr));
                entry.or_default().push(at);
                at = c.next;
            }
            return None;
        }
        let same = self.conjunct_index.get(&(node, expr))?;
        // One expression many times, each with bindings of its own, is not searched to the end.
        let mut same = same.iter().map(|&at| self.conjuncts[at as usize]);
        same.by_ref()
            .take(MAX_SEARCHED)
            .find(|c| self.same_env(c.env, env))
    }
}

/// More conjuncts than this are searched by expression.
pub(super) const MANY_CONJUNCTS: u32 = 16;
/// How many conjuncts of one expression are compared with a new one.
const MAX_SEARCHED: usize = 200;
