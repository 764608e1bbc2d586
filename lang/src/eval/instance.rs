//! Values that are an instance of a definition already.
//!
//! What refers to a definition and to a value that has this definition among its own conjuncts is that value: it was
//! checked when it was evaluated (`#app: #App`, given one of `apps: [string]: #App`). For which machines this is, says
//! `equal.rs`.

use super::equal::{Equals, MAX_CONJUNCTS};
use super::machine::*;
use crate::diagnostic::FileId;
use crate::resolve::program::*;
use smallvec::SmallVec;

/// How deep values and expressions are searched.
const MAX_NESTING: u32 = 64;

impl Machine<'_> {
    /// The value that all conjuncts, which are references, come to: one of them refers to it, and the others to what it
    /// has among its own conjuncts.
    pub(super) fn find_instance(
        &mut self,
        equals: &mut Equals,
        node: Node,
        conjuncts: &[Conjunct],
    ) -> Option<Node> {
        let place = self.first_place(&conjuncts[0])?;
        let mut targets: SmallVec<[Node; MAX_CONJUNCTS]> = SmallVec::new();
        for c in conjuncts {
            let referred = c.info.refs != 0 && self.first_place(c) == Some(place);
            if !referred || c.info.flags & !Info::FROM_DEF != 0 {
                return None;
            }
            targets.push(self.present(c.expr, c.env)?);
        }
        let at = (0..targets.len()).find(|&at| {
            self.is_settled(targets[at])
                && targets
                    .iter()
                    .all(|&other| other == targets[at] || self.is_instance(targets[at], other))
        })?;
        let instance = targets[at];
        let NodeData { parent, label, .. } = *self.n(node);
        let holder = self.requirements_of_parents(parent)?;
        let required = &self.s(holder).required[..];
        let ids = || required.iter().map(|r| r.id);
        let own = self.lies_in_by_parents(ids(), conjuncts[at].info.group);
        let (mut some, mut all, mut closed) = (own, own, 0);
        for c in conjuncts {
            let set = self.lies_in_by_parents(ids(), c.info.group);
            some |= set;
            all &= set;
            if self.is_definition_path(c.expr) {
                closed |= set;
            }
        }
        let special = !label.is_regular();
        for (at, r) in required.iter().enumerate() {
            let bit = 1 << at;
            // What the value has all came with each definition that it is an instance of.
            if r.is_in_force() && (own | closed) & bit == 0 && !(special && some & bit == 0) {
                return None;
            }
            let around = |c: &Conjunct| c.info.outer == r.id || c.info.embed == r.id;
            if all & bit == 0 && conjuncts.iter().any(around) {
                return None;
            }
        }
        // The order of its fields is that of this node's, or nobody sees it.
        let hidden = !label.is_regular()
            && (equals.taken.as_ref()).is_some_and(|taken| !taken.contains(&label));
        let leads = at == 0 || targets.len() == 2 && self.leads(instance, targets[0]);
        let known = equals.orders.get(&(instance, hidden, leads)).copied();
        let keeps = known.unwrap_or_else(|| {
            let keeps = self.keeps_order_as_instance(instance, hidden, leads);
            equals.orders.insert((instance, hidden, leads), keeps);
            keeps
        });
        keeps.then_some(instance)
    }

    /// Whether the fields of a value, and of what is in it, come in the same order where it meets what it is an instance
    /// of. Where its fields are `hidden`, their own order does not matter; where what it is an instance of `leads`, they
    /// also arrive in the same order.
    fn keeps_order_as_instance(&mut self, instance: Node, hidden: bool, leads: bool) -> bool {
        let mut place = None;
        let mut referred = true;
        let mut at = self.n(instance).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            let own = self.first_place(&c);
            referred &= c.info.refs != 0 && own.is_some() && place.is_none_or(|p| Some(p) == own);
            place = own;
            at = c.next;
        }
        // What came through one reference stands side by side in either case.
        let keeps = hidden || leads && (referred || self.keeps_order(instance));
        if !keeps {
            return false;
        }
        leads && referred || self.holds_one_order(instance, MAX_NESTING)
    }

    fn holds_one_order(&self, node: Node, nesting: u32) -> bool {
        let Some(nesting) = nesting.checked_sub(1) else {
            return false;
        };
        self.arc_slice(node).iter().all(|&(_, arc)| {
            let arc = self.deref(arc);
            self.n(arc).arc_count == 0
                || (self.n(arc).structs == NIL || self.only_literal(arc).is_some())
                    && self.holds_one_order(arc, nesting)
        })
    }

    /// Whether the conjuncts of a node begin with a reference to another one.
    fn leads(&self, node: Node, of: Node) -> bool {
        let c = self.conjuncts[self.n(node).conjuncts as usize];
        let mut expr = c.expr;
        while let Expr::Unify(first, _) = self.program.exprs[expr as usize] {
            expr = first;
        }
        self.present(expr, c.env) == Some(of)
    }

    /// Where what a conjunct brings stands in the order of fields: where it is written, or the first reference on its
    /// way.
    pub(super) fn first_place(&self, c: &Conjunct) -> Option<(FileId, u32)> {
        let expr = match c.info.refs {
            0 => c.expr,
            refs => self.first_reference(refs),
        };
        let place = self.place_of(expr)?;
        Some((place.file, place.span.start))
    }

    /// Whether a node is finished, without any error, and may be shared.
    fn is_settled(&self, node: Node) -> bool {
        let data = self.n(node);
        data.status == Status::Finalized
            && data.child_errors == NIL
            && matches!(data.base, Value::Struct | Value::List { .. })
            && data.flags & (NodeData::NON_ROOTED | NodeData::DYNAMIC | NodeData::DATA) == 0
            && !data.label.is_let()
    }

    /// Whether a node has another one among its conjuncts, as a whole.
    fn is_instance(&self, node: Node, of: Node) -> bool {
        let mut found = false;
        let mut at = self.n(node).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if c.info.flags & !Info::FROM_DEF != 0 {
                return false;
            }
            match self.has_operand(c.expr, c.env, of, MAX_NESTING) {
                Some(has) => found |= has,
                None => return false,
            }
            at = c.next;
        }
        found
    }

    /// Whether an expression is a reference to a node, or has it as an operand of `&`. `None` where it is anything but
    /// literals and references.
    fn has_operand(&self, expr: ExprId, env: EnvId, of: Node, nesting: u32) -> Option<bool> {
        let nesting = nesting.checked_sub(1)?;
        match self.program.exprs[expr as usize] {
            Expr::Unify(a, b) => {
                let first = self.has_operand(a, env, of, nesting)?;
                Some(self.has_operand(b, env, of, nesting)? || first)
            }
            Expr::Struct(_) | Expr::List(_) => Some(false),
            Expr::Field { .. } | Expr::Select { .. } | Expr::ForValue { .. } => {
                Some(self.present(expr, env) == Some(of))
            }
            _ => None,
        }
    }
}
