//! Optional fields become arcs when they are asked for.
//!
//! A schema has dozens of optional fields for each that is set. A literal's optional fields are therefore
//! kept back until another conjunct, a lookup or a view of the value names them (and never evaluated
//! where nobody does: a field that is absent is in no error).

use super::machine::*;
use crate::resolve::program::*;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;

/// Shapes with more declarations than this find optional fields by hash.
const MAX_SEARCHED: u32 = 48;
/// How many expressions are looked at for a way back to a literal.
const MAX_WALKED: usize = 4_000;
/// Optional fields that nest deeper than this are not shown.
const MAX_SHOWN_DEPTH: usize = 100;

/// A search for references that lead back to a literal.
struct Walk {
    shape: ShapeId,
    exprs: FxHashSet<ExprId>,
}

impl Machine<'_> {
    /// Whether an optional field may be kept back: not where its value leads back to the literal it is in, as that
    /// may be a structural cycle, which is an error of the literal.
    pub(super) fn may_defer(
        &mut self,
        decl: u32,
        value: ExprId,
        env: EnvId,
        shape: ShapeId,
    ) -> bool {
        if let Some(&known) = self.may_defer.get(&decl) {
            return known;
        }
        let mut walk = Walk {
            shape,
            exprs: FxHashSet::default(),
        };
        // The walk may recurse for each expression it looks at.
        let may = stacker::maybe_grow(2 * 1024 * 1024, 8 * 1024 * 1024, || {
            !self.leads_back(&mut walk, value, env, 0)
        });
        self.may_defer.insert(decl, may);
        may
    }

    /// Whether an expression, `inside` literals deeper than its environment, leads back to the literal. What cannot be
    /// told is taken to do so.
    fn leads_back(&self, walk: &mut Walk, expr: ExprId, env: EnvId, inside: u16) -> bool {
        if walk.exprs.len() > MAX_WALKED {
            return true;
        }
        if !walk.exprs.insert(expr) {
            return false;
        }
        match self.program.exprs[expr as usize] {
            Expr::Value(Value::Node(_)) => true,
            Expr::Value(_) | Expr::LabelName { .. } | Expr::ForKey { .. } | Expr::Package(_) => {
                false
            }
            Expr::Field { up, .. } if up < inside => false,
            Expr::Field { up, .. } => self.target_leads_back(walk, expr, env, up, inside),
            // Packages do not import each other in a circle.
            Expr::Select { base, .. }
                if matches!(self.program.exprs[base as usize], Expr::Package(_)) =>
            {
                false
            }
            Expr::Select { base, .. } => self.leads_back(walk, base, env, inside),
            Expr::Plus(a) | Expr::Minus(a) | Expr::Not(a) | Expr::Bound(_, a) | Expr::Open(a) => {
                self.leads_back(walk, a, env, inside)
            }
            Expr::Binary(_, a, b) | Expr::Unify(a, b) => {
                self.leads_back(walk, a, env, inside) || self.leads_back(walk, b, env, inside)
            }
            Expr::Interpolation { start, len, .. } => (start..start + len)
                .any(|i| self.leads_back(walk, self.program.lists[i as usize], env, inside)),
            Expr::Call {
                function,
                start,
                len,
            } => {
                self.leads_back(walk, function, env, inside)
                    || (start..start + len)
                        .any(|i| self.leads_back(walk, self.program.lists[i as usize], env, inside))
            }
            Expr::Disjunction(index) => self.program.disjunctions[index as usize]
                .arms
                .iter()
                .any(|&(arm, _)| self.leads_back(walk, arm, env, inside)),
            Expr::List(index) => {
                let list = &self.program.list_literals[index as usize];
                list.elements.iter().any(|element| match *element {
                    Element::Expr(expr) => self.leads_back(walk, expr, env, inside + 1),
                    Element::Comprehension(_) => true,
                }) || list
                    .ellipsis
                    .is_some_and(|rest| self.leads_back(walk, rest, env, inside + 1))
            }
            Expr::Struct(shape) => self.shape_leads_back(walk, shape, env, inside + 1),
            Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. }
            | Expr::Index { .. }
            | Expr::Slice { .. }
            | Expr::Comprehension(_) => true,
        }
    }

    fn shape_leads_back(&self, walk: &mut Walk, shape: ShapeId, env: EnvId, inside: u16) -> bool {
        if shape == walk.shape {
            return true;
        }
        let Shape { start, len, .. } = self.program.shapes[shape as usize];
        (start..start + len).any(|index| match self.program.decls[index as usize] {
            Decl::Field { value, .. } => self.leads_back(walk, value, env, inside),
            Decl::Pattern { filter, value } => {
                self.leads_back(walk, filter, env, inside)
                    || self.leads_back(walk, value, env, inside)
            }
            Decl::Embed(value) => self.leads_back(walk, value, env, inside),
            Decl::Dynamic { .. } | Decl::Comprehension(_) => true,
            Decl::Ellipsis => false,
        })
    }

    /// Whether what a field outside of the walked literals consists of leads back.
    fn target_leads_back(
        &self,
        walk: &mut Walk,
        expr: ExprId,
        env: EnvId,
        up: u16,
        inside: u16,
    ) -> bool {
        let Expr::Field { label, .. } = self.program.exprs[expr as usize] else {
            return true;
        };
        let scope = self.envs[self.env_up(env, up - inside) as usize].node;
        if scope == NIL {
            return true;
        }
        let Some(target) = self.find_arc(self.deref(scope), label) else {
            return true;
        };
        let target = self.deref(target);
        let mut at = self.n(target).conjuncts;
        if at == NIL {
            return true;
        }
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if self.leads_back(walk, c.expr, c.env, 0) {
                return true;
            }
            at = c.next;
        }
        false
    }

    /// Makes the optional field of a label an arc, where a literal of the node has one.
    pub(super) fn materialize(&mut self, node: Node, label: Label) -> Option<Node> {
        if !self.n(node).has(NodeData::DEFERS) {
            return None;
        }
        let mut found: SmallVec<[(u32, u32); 4]> = SmallVec::new();
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            if info.deferred != NIL {
                for decl in self.optional_decls(info.shape, label) {
                    found.push((decl, info.deferred));
                }
            }
            at = info.next;
        }
        // Literals are listed newest first.
        found.sort_by_key(|&(decl, deferred)| (deferred, decl));
        let mut arc = None;
        for (decl, deferred) in found {
            let Decl::Field { value, .. } = self.program.decls[decl as usize] else {
                unreachable!("optional fields are fields")
            };
            let Deferred { env, info } = self.deferred[deferred as usize];
            let (field, new) = match arc {
                Some(field) => (field, false),
                None => {
                    let field = self.new_node(node, label, ArcType::Optional);
                    self.stats.nodes += 1;
                    self.append_arc(node, label, field);
                    (field, true)
                }
            };
            arc = Some(field);
            self.add_to_arc(node, field, new, ArcType::Optional, value, env, info);
        }
        arc
    }

    /// Makes all optional fields of a node arcs; those of a finished one are evaluated.
    pub(super) fn materialize_all(&mut self, node: Node) {
        if !self.n(node).has(NodeData::DEFERS) {
            return;
        }
        let mut depth = 0;
        let mut at = self.n(node).parent;
        while at != NIL {
            depth += 1;
            at = self.n(at).parent;
        }
        if depth > MAX_SHOWN_DEPTH {
            return;
        }
        for label in self.deferred_labels(node) {
            if self.find_arc(node, label).is_some() {
                continue;
            }
            if let Some(arc) = self.materialize(node, label)
                && self.n(node).status == Status::Finalized
            {
                self.finalize(arc);
            }
        }
    }

    /// Labels of optional fields that may not be arcs yet.
    pub(super) fn deferred_labels(&self, node: Node) -> Vec<Label> {
        let mut literals: SmallVec<[ShapeId; 4]> = SmallVec::new();
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = &self.structs[at as usize];
            if info.deferred != NIL {
                literals.push(info.shape);
            }
            at = info.next;
        }
        let mut out = Vec::new();
        for &shape in literals.iter().rev() {
            let Shape { start, len, .. } = self.program.shapes[shape as usize];
            for decl in start..start + len {
                if let Decl::Field {
                    label,
                    arc: ArcType::Optional,
                    ..
                } = self.program.decls[decl as usize]
                {
                    out.push(label);
                }
            }
        }
        out
    }

    /// Whether the node has a field of that label, be it optional.
    pub(super) fn has_field(&mut self, node: Node, label: Label) -> bool {
        if self.find_arc(node, label).is_some() {
            return true;
        }
        if !self.n(node).has(NodeData::DEFERS) {
            return false;
        }
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            if info.deferred != NIL && !self.optional_decls(info.shape, label).is_empty() {
                return true;
            }
            at = info.next;
        }
        false
    }

    /// Whether two nodes hold back the same optional fields.
    pub(super) fn same_deferred(&self, x: Node, y: Node) -> bool {
        if !self.n(x).has(NodeData::DEFERS) && !self.n(y).has(NodeData::DEFERS) {
            return true;
        }
        let next = |mut at: u32| {
            while at != NIL && self.structs[at as usize].deferred == NIL {
                at = self.structs[at as usize].next;
            }
            at
        };
        let (mut a, mut b) = (next(self.n(x).structs), next(self.n(y).structs));
        while a != NIL && b != NIL {
            let (p, q) = (self.structs[a as usize], self.structs[b as usize]);
            let (p_env, q_env) = (
                self.deferred[p.deferred as usize].env,
                self.deferred[q.deferred as usize].env,
            );
            // The innermost frames are the nodes themselves.
            let (p_up, q_up) = (self.envs[p_env as usize].up, self.envs[q_env as usize].up);
            if p.shape != q.shape || !self.same_env(p_up, q_up) {
                return false;
            }
            (a, b) = (next(p.next), next(q.next));
        }
        a == NIL && b == NIL
    }

    fn optional_decls(&mut self, shape: ShapeId, label: Label) -> SmallVec<[u32; 1]> {
        let Shape { start, len, .. } = self.program.shapes[shape as usize];
        let labels = start..start + len;
        let optional = |m: &Self, decl: u32| match m.program.decls[decl as usize] {
            Decl::Field {
                label,
                arc: ArcType::Optional,
                ..
            } => Some(label),
            _ => None,
        };
        if len <= MAX_SEARCHED {
            return labels
                .filter(|&decl| optional(self, decl) == Some(label))
                .collect();
        }
        // The entry of no label says that the shape is indexed.
        let indexed = (shape, Label::NONE);
        if let Entry::Vacant(entry) = self.optional_index.entry(indexed) {
            entry.insert(SmallVec::new());
            for decl in labels {
                if let Some(label) = optional(self, decl) {
                    self.optional_index
                        .entry((shape, label))
                        .or_default()
                        .push(decl);
                }
            }
        }
        self.optional_index
            .get(&(shape, label))
            .cloned()
            .unwrap_or_default()
    }
}
