//! Inserting conjuncts: literals directly, everything else as a task.

use super::fields::MANY_CONJUNCTS;
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// Splits a conjunct into what can be inserted at once and what becomes a task.
    pub(super) fn schedule_conjunct(&mut self, node: Node, expr: ExprId, env: EnvId, info: Info) {
        if info.has(Info::FROM_DEF) {
            self.n_mut(node).flags |= NodeData::CLOSED_RECURSIVE;
        }
        self.mark_non_cyclic(node, info);
        match self.program.exprs[expr as usize] {
            Expr::Value(Value::Node(target)) => self.insert_node(node, target, expr, env, info),
            Expr::Value(value) => self.insert_value(node, value, expr, env, info),
            Expr::Open(inner) => {
                self.schedule_conjunct(node, inner, env, info.with(Info::OPENED));
            }
            Expr::Unify(left, right) => {
                let mut inner = info;
                if inner.has(Info::OPENED) {
                    // `(A & B)...` opens the conjunction as a whole; A and B still constrain each other.
                    inner = inner
                        .without(Info::OPENED)
                        .with(Info::CONJUNCTION_OPENED)
                        .with(Info::FROM_EMBED);
                    inner = self.new_requirement(node, inner, GroupKind::Embedding);
                }
                self.schedule_conjunct(node, left, env, inner);
                self.schedule_conjunct(node, right, env, inner);
            }
            Expr::Struct(shape) => {
                self.unshare(node);
                self.schedule_struct(node, shape, expr, env, info);
            }
            Expr::List(_) => {
                self.unshare(node);
                self.update_cyclic(node, info);
                let inner = self.new_env(env, node);
                self.update_kind(node, Kind::LIST, expr, info);
                self.schedule_task(node, TaskKind::List, expr, inner, info);
            }
            Expr::Disjunction(index) => {
                self.unshare(node);
                self.schedule_disjunction(
                    node,
                    env,
                    info.optional(),
                    DisjunctionSource::Expr(index),
                );
                self.add_evidence(node, info, 0);
            }
            Expr::Comprehension(_) => {
                self.schedule_task(node, TaskKind::Comprehension, expr, env, info);
            }
            reference if reference.is_reference() => {
                self.schedule_task(node, TaskKind::Resolve, expr, env, info);
            }
            Expr::Call { start, len, .. } => {
                self.unshare(node);
                // A call inside a cycle waits for evidence that the cycle is fed.
                let state = self.s(node);
                if info.cyclic == Cyclic::Yes
                    && !state.has_non_cycle
                    && !state.has_non_cyclic
                    && (start..start + len)
                        .any(|i| self.has_reference(self.program.lists[i as usize]))
                {
                    let state = self.s_mut(node);
                    state.has_ancestor_cycle = true;
                    state.cyclic_conjuncts.push((expr, env, info, NIL));
                    return;
                }
                self.schedule_task(node, TaskKind::Expr, expr, env, info);
            }
            _ => {
                self.unshare(node);
                self.schedule_task(node, TaskKind::Expr, expr, env, info);
            }
        }
    }

    fn has_reference(&self, expr: ExprId) -> bool {
        match self.program.exprs[expr as usize] {
            Expr::Value(_) => false,
            Expr::Binary(_, a, b) | Expr::Unify(a, b) => {
                self.has_reference(a) || self.has_reference(b)
            }
            Expr::Plus(a) | Expr::Minus(a) | Expr::Not(a) => self.has_reference(a),
            Expr::Call { start, len, .. } => self.program.lists
                [start as usize..(start + len) as usize]
                .iter()
                .any(|&e| self.has_reference(e)),
            Expr::List(index) => self.program.list_literals[index as usize]
                .elements
                .iter()
                .any(|e| matches!(e, Element::Expr(e) if self.has_reference(*e))),
            _ => true,
        }
    }

    fn schedule_struct(
        &mut self,
        node: Node,
        shape_id: ShapeId,
        expr: ExprId,
        env: EnvId,
        mut info: Info,
    ) {
        self.update_cyclic(node, info);
        self.add_evidence(node, info, Evidence::STRUCT);
        // Fields of the literal see the node they are inserted into: this is where an instance
        // of a template gets its own environment.
        let inner = self.new_env(env, node);
        self.s_mut(node).has_struct = true;
        let again = self.has_literal(node, shape_id);
        let next = self.n(node).structs;
        self.structs.push(StructInfo {
            shape: shape_id,
            next,
            deferred: NIL,
        });
        let own = self.structs.len() - 1;
        self.n_mut(node).structs = own as u32;

        let Shape {
            start,
            len,
            optionals,
            optional_again: _,
            embeds,
            ellipsis,
            file,
            body,
            explicit_open,
        } = self.program.shapes[shape_id as usize];
        if embeds
            && !explicit_open
            && info.outer == 0
            && !info.has(Info::FROM_EMBED)
            && !file
            && !body
        {
            info = self.new_requirement(node, info, GroupKind::Literal);
        }
        self.reserve_arcs(node, len - optionals);
        let mut is_struct = false;
        for index in start..start + len {
            match self.program.decls[index as usize] {
                Decl::Field { label, arc, value } => {
                    if label.is_string() && arc == ArcType::Member && !is_struct {
                        is_struct = true;
                        self.s_mut(node).is_struct = true;
                        self.update_kind(node, Kind::STRUCT, expr, info);
                    }
                    let mut sub = info.sub_field();
                    let mut found = self.find_arc(node, label);
                    if arc == ArcType::Optional {
                        sub = sub.optional();
                        if found.is_none() && self.may_defer(index, value, inner, shape_id) {
                            if self.structs[own].deferred == NIL {
                                self.n_mut(node).flags |= NodeData::DEFERS;
                                self.structs[own].deferred = self.deferred.len() as u32;
                                self.deferred.push(Deferred {
                                    env: inner,
                                    info: sub,
                                });
                            }
                            continue;
                        }
                    }
                    if found.is_none() && self.n(node).has(NodeData::DEFERS) {
                        found = self.materialize(node, label);
                    }
                    match found {
                        Some(field) => {
                            self.update_arc_type(field, arc);
                            // The expression belongs to this literal: where that is new here, so is the conjunct.
                            self.add_to_arc(node, field, !again, arc, value, inner, sub);
                        }
                        None => {
                            let field = self.new_arc(node, label, arc);
                            self.add_to_new_arc(node, field, arc, value, inner, sub);
                        }
                    }
                }
                Decl::Dynamic { key, arc, value } => {
                    if arc == ArcType::Member {
                        self.s_mut(node).is_struct = true;
                        self.update_kind(node, Kind::STRUCT, expr, info);
                    }
                    let kind = TaskKind::Dynamic(arc, value);
                    self.schedule_task(node, kind, key, inner, info.sub_field());
                }
                Decl::Pattern { filter, value } => {
                    let sub = info.sub_field().optional();
                    // Most patterns are plain values and need no task.
                    if let Expr::Value(pattern) = self.program.exprs[filter as usize]
                        && !matches!(pattern, Value::Bottom(_) | Value::Node(_))
                    {
                        self.insert_pattern(node, pattern, value, inner, sub);
                    } else {
                        self.schedule_task(node, TaskKind::Pattern(value), filter, inner, sub);
                    }
                }
                Decl::Comprehension(comprehension) => {
                    let sub = self.embedding(node, None, explicit_open, info);
                    let place = self.program.decl_places[index as usize];
                    let expr = self.program.expr(
                        Expr::Comprehension(comprehension),
                        place.file,
                        place.span,
                    );
                    self.schedule_task(node, TaskKind::Comprehension, expr, inner, sub);
                }
                Decl::Embed(embedded) => {
                    let sub = self.embedding(node, Some(embedded), explicit_open, info);
                    self.schedule_conjunct(node, embedded, inner, sub);
                }
                Decl::Ellipsis => {}
            }
        }
        if ellipsis {
            self.n_mut(node).flags |= NodeData::ELLIPSIS;
            self.add_evidence(node, info, Evidence::ELLIPSIS);
        }
        if !embeds && !is_struct {
            self.s_mut(node).is_struct = true;
            self.update_kind(node, Kind::STRUCT, expr, info);
        }
    }

    /// Whether the literal has been inserted into the node before. From many literals on, it is noted.
    fn has_literal(&mut self, node: Node, shape: ShapeId) -> bool {
        if self.n(node).has(NodeData::MANY_LITERALS) {
            return !self.s_mut(node).literals.insert(shape);
        }
        let mut at = self.n(node).structs;
        let mut count = 0;
        while at != NIL {
            let info = self.structs[at as usize];
            if info.shape == shape {
                return true;
            }
            at = info.next;
            count += 1;
        }
        if count >= MANY_CONJUNCTS {
            self.n_mut(node).flags |= NodeData::MANY_LITERALS;
            let mut at = self.n(node).structs;
            while at != NIL {
                let info = self.structs[at as usize];
                self.s_mut(node).literals.insert(info.shape);
                at = info.next;
            }
            self.s_mut(node).literals.insert(shape);
        }
        false
    }

    fn embedding(
        &mut self,
        node: Node,
        embedded: Option<ExprId>,
        explicit_open: bool,
        info: Info,
    ) -> Info {
        if explicit_open {
            return info;
        }
        let info = info.with(Info::FROM_EMBED);
        if let Some(expr) = embedded
            && matches!(self.program.exprs[expr as usize], Expr::Binary(..))
        {
            return info;
        }
        self.new_requirement(node, info, GroupKind::Embedding)
    }

    /// The node as a conjunct: its own conjuncts, or its data.
    pub(super) fn insert_node(
        &mut self,
        node: Node,
        target: Node,
        expr: ExprId,
        env: EnvId,
        mut info: Info,
    ) {
        let data = *self.n(target);
        if data.has(NodeData::DATA) {
            self.unshare(node);
            self.insert_data(node, target, expr, env, info);
            return;
        }
        if data.has(NodeData::CLOSED_ONCE) {
            self.n_mut(node).flags |= NodeData::CLOSED_ONCE;
            info = self.add_resolver(node, target, info, false);
        }
        self.schedule_node_conjuncts(node, expr, env, target, info);
    }

    pub(super) fn insert_data(
        &mut self,
        node: Node,
        target: Node,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) {
        let target = self.deref(target);
        match self.n(target).base {
            Value::List { .. } => {
                self.update_cyclic(node, info);
                self.schedule_task(node, TaskKind::ListNode(target), expr, env, info);
            }
            Value::Struct => {
                self.s_mut(node).is_struct = true;
                self.s_mut(node).has_struct = true;
                self.update_cyclic(node, info);
                self.update_kind(node, Kind::STRUCT, expr, info);
                for (label, arc) in self.arc_vec(target) {
                    if self.n(arc).arc_type != ArcType::Member {
                        continue;
                    }
                    let value = self.element_value(arc);
                    let value = self.value_expr(value, expr);
                    self.insert_arc(node, label, ArcType::Member, value, NIL, info);
                }
            }
            value => self.insert_value(node, value, expr, env, info),
        }
    }

    /// Adds the conjuncts of `target` to `node`, now and when more arrive.
    pub(super) fn schedule_node_conjuncts(
        &mut self,
        node: Node,
        expr: ExprId,
        env: EnvId,
        target: Node,
        mut info: Info,
    ) {
        let data = *self.n(target);
        if !data.has(NodeData::CLOSED_RECURSIVE)
            && !data.has(NodeData::CLOSED_ONCE)
            && info.embed != 0
        {
            // An inline value does not close the literal it is embedded in.
            info = info.without(Info::FROM_DEF);
        }
        if self.deref(node) == self.deref(target) {
            if self.s(node).is_shared {
                self.add_shared(node, info);
            }
            return;
        }
        if self.share(node, expr, env, target, info) {
            self.state(target);
            return;
        }
        if data.has(NodeData::DATA) {
            self.insert_data(node, target, expr, env, info);
            return;
        }
        if self.is_definition_path(expr) || data.label.is_definition() {
            self.s_mut(node).is_def = true;
            info = info.with(Info::FROM_DEF);
            info = self.add_resolver(node, target, info, false);
        } else {
            info = self.add_resolver(node, target, info, true);
        }
        // The same conjuncts by another way only add closedness information.
        if !self.s_mut(node).merge(target) {
            return;
        }
        if data.has(NodeData::DISJUNCT) {
            self.adopt_arm(node, target);
        }

        let unrooted =
            self.n(node).has(NodeData::NON_ROOTED) && !self.n(node).has(NodeData::DYNAMIC);
        if data.parent != NIL && !unrooted {
            let parent = self.state(data.parent).is_some();
            if self.bare_state(target).is_some()
                && parent
                && self.has_state(data.parent)
                && !self.meets(data.parent, ANCESTORS | FIELD_CONJUNCTS)
            {
                self.add_notify(target, node, info);
            }
        }
        let mut at = self.n(target).conjuncts;
        let last = self.n(target).last_conjunct;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if c.info.has(Info::FROM_DEF) {
                self.n_mut(node).flags |= NodeData::CLOSED_RECURSIVE;
            }
            self.schedule_conjunct(node, c.expr, c.env, info);
            if !self.has_state(node) {
                return;
            }
            // What the node itself adds to its field meanwhile, it is told.
            if at == last && data.parent == node {
                break;
            }
            at = self.conjuncts[at as usize].next;
        }
        if self.bare_state(target).is_some() {
            self.s_mut(node).to_complete = true;
        }
    }

    fn add_notify(&mut self, from: Node, to: Node, info: Info) {
        if self.in_progress(from) && self.meets(from, ANCESTORS) {
            return;
        }
        let state = self.s_mut(from);
        if state.notify.iter().any(|(n, _)| *n == to) {
            return;
        }
        state.notify.push((to, info));
    }

    /// Whether any selector of a reference is a definition.
    pub(super) fn is_definition_path(&self, mut expr: ExprId) -> bool {
        loop {
            match self.program.exprs[expr as usize] {
                Expr::Field { label, .. } => return label.is_definition(),
                Expr::Select { base, label, .. } => {
                    if label.is_definition() {
                        return true;
                    }
                    expr = base;
                }
                Expr::Index { base, .. } => expr = base,
                Expr::Open(inner) => expr = inner,
                _ => return false,
            }
        }
    }
}
