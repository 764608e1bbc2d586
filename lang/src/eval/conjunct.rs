//! Inserting conjuncts: literals directly, everything else as a task.

use super::error::{Bottom, ErrorCode, Message};
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
            Expr::Field { .. }
            | Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. }
            | Expr::Package(_)
            | Expr::Select { .. }
            | Expr::Index { .. } => {
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
            return !self.literals.insert((node, shape));
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
                self.literals.insert((node, info.shape));
                at = info.next;
            }
            self.literals.insert((node, shape));
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

    fn insert_data(&mut self, node: Node, target: Node, expr: ExprId, env: EnvId, info: Info) {
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

    // ---- values ----

    /// Unifies a value with what the node has so far.
    pub(super) fn insert_value(
        &mut self,
        node: Node,
        value: Value,
        expr: ExprId,
        env: EnvId,
        mut info: Info,
    ) {
        match value {
            Value::None | Value::Cycle => return,
            Value::Node(target) => {
                let data = *self.n(target);
                if data.has(NodeData::CLOSED_ONCE) || data.has(NodeData::CLOSED_RECURSIVE) {
                    self.n_mut(node).flags |=
                        data.flags & (NodeData::CLOSED_ONCE | NodeData::CLOSED_RECURSIVE);
                    if !self.is_from_disjunction(target) {
                        info = self.add_resolver(node, target, info, false);
                    }
                }
                if data.base == Value::Struct {
                    self.s_mut(node).is_struct = true;
                    self.update_kind(node, Kind::STRUCT, expr, info);
                }
                if data.has(NodeData::DATA) {
                    self.insert_data(node, target, expr, env, info);
                } else {
                    self.update_cyclic(node, info);
                    self.schedule_node_conjuncts(node, expr, env, target, info);
                }
                return;
            }
            Value::Bottom(error) => {
                self.unshare(node);
                let error = if error == crate::resolve::compile::LITERAL_BOTTOM {
                    let saved = std::mem::replace(&mut self.source, expr);
                    let id = self.new_error(
                        ErrorCode::Literal,
                        Message::Text("explicit error (_|_ literal) in source".into()),
                    );
                    self.source = saved;
                    id
                } else {
                    error
                };
                self.node_error(node, error);
                return;
            }
            Value::Function(index) => {
                self.unshare(node);
                if let Some(validator) = self.bare_validator(index) {
                    self.insert_value(node, validator, expr, env, info);
                    return;
                }
            }
            _ => {}
        }
        let kind = self.kind(value);
        if !self.update_kind_of(node, kind, value, expr, info) {
            return;
        }
        match value {
            Value::Disjunction(index) => {
                self.update_cyclic(node, info);
                self.unshare(node);
                let source = DisjunctionSource::Value { index, expr };
                self.schedule_disjunction(node, env, info.optional(), source);
            }
            Value::Conjunction(index) => {
                for i in 0..self.conjunction(index).len() {
                    let part = self.conjunction(index)[i];
                    self.insert_value(node, part, expr, env, info);
                }
            }
            Value::Top => {
                self.update_cyclic(node, info);
                self.s_mut(node).has_top = true;
                self.add_evidence(node, info, Evidence::TOP);
            }
            Value::Kind(kind) => {
                self.unshare(node);
                self.update_cyclic(node, info);
                if kind != Kind::TOP {
                    self.add_evidence(node, info, Evidence::TOP);
                }
            }
            Value::Bound(_) => {
                self.unshare(node);
                self.update_cyclic(node, info);
                self.insert_bound(node, value, expr, env, info);
            }
            Value::Validator(_) => {
                self.unshare(node);
                self.insert_validator(node, value, expr, env, info);
            }
            _ => {
                self.unshare(node);
                self.update_cyclic(node, info);
                let known = self.s(node).scalar;
                if known != Value::None {
                    if !self.equal_scalars(known, value) {
                        self.conflict(node, known, self.s(node).scalar_expr, value, expr);
                    }
                } else {
                    let state = self.s_mut(node);
                    state.scalar = value;
                    state.scalar_expr = expr;
                    self.signal(node, SCALAR);
                }
            }
        }
        if !self.has_state(node) {
            return;
        }
        let (lower, upper, kind) = {
            let s = self.s(node);
            (s.lower, s.upper, s.kind)
        };
        if let (Some(low), Some(high)) = (lower, upper) {
            match self.simplify_bounds(kind, low.value, high.value) {
                Value::None => {}
                simpler => {
                    let state = self.s_mut(node);
                    (state.lower, state.upper) = (None, None);
                    if let Value::Bottom(error) = simpler {
                        self.errors[error as usize].exprs =
                            [low.place, high.place].into_iter().collect();
                        self.errors[error as usize].node = node;
                    }
                    self.insert_value(node, simpler, expr, env, info);
                }
            }
        }
    }

    fn insert_bound(&mut self, node: Node, value: Value, expr: ExprId, env: EnvId, info: Info) {
        let Value::Bound(index) = value else {
            unreachable!("called with a bound")
        };
        let bound = self.program.bounds[index as usize];
        let check = Check {
            value,
            env,
            info,
            place: expr,
        };
        let kind = self.s(node).kind;
        match bound.op {
            Comparison::Less
            | Comparison::LessEqual
            | Comparison::Greater
            | Comparison::GreaterEqual => {
                let is_lower = matches!(bound.op, Comparison::Greater | Comparison::GreaterEqual);
                let state = self.s(node);
                let old = if is_lower { state.lower } else { state.upper };
                if let Some(old) = old {
                    let simpler = self.simplify_bounds(kind, value, old.value);
                    if simpler != Value::None {
                        let state = self.s_mut(node);
                        *(if is_lower {
                            &mut state.lower
                        } else {
                            &mut state.upper
                        }) = None;
                        let (expr, env) = if simpler == old.value {
                            (old.place, old.env)
                        } else {
                            (expr, env)
                        };
                        self.insert_value(node, simpler, expr, env, info);
                        return;
                    }
                }
                let state = self.s_mut(node);
                *(if is_lower {
                    &mut state.lower
                } else {
                    &mut state.upper
                }) = Some(check);
            }
            Comparison::Equal | Comparison::NotEqual | Comparison::Match | Comparison::NotMatch => {
                if matches!(bound.op, Comparison::Equal | Comparison::NotEqual) {
                    self.add_evidence(node, info, Evidence::OPEN_VALIDATOR | Evidence::TOP);
                    let own = self.kind(value);
                    if !own.and(Kind::LIST.or(Kind::STRUCT)).is_empty() {
                        self.s_mut(node).has_top = true;
                    }
                }
                let mut known = false;
                let mut index = 0;
                while index < self.s(node).checks.len() {
                    let other = self.s(node).checks[index].value;
                    if matches!(other, Value::Bound(_)) {
                        let simpler = self.simplify_bounds(kind, value, other);
                        // Comparing structs evaluates them, which may have checked and finished this node.
                        if !self.has_state(node) {
                            return;
                        }
                        let same = |check: &Check| check.value == other;
                        if !self.s(node).checks.get(index).is_some_and(same) {
                            break;
                        }
                        if simpler == other {
                            known = true;
                        } else if simpler == value {
                            self.s_mut(node).checks.remove(index);
                            continue;
                        }
                    }
                    index += 1;
                }
                if !known {
                    self.s_mut(node).checks.push(check);
                }
            }
        }
    }

    fn insert_validator(&mut self, node: Node, value: Value, expr: ExprId, env: EnvId, info: Info) {
        let Value::Validator(index) = value else {
            unreachable!("called with a validator")
        };
        let kind = self.kind(value);
        if !kind.and(Kind::LIST.or(Kind::STRUCT)).is_empty() {
            let open = if self.takes_schemas(index) {
                Evidence::OPEN_VALIDATOR
            } else {
                0
            };
            self.add_evidence(node, info, open | Evidence::TOP);
        }
        for i in 0..self.s(node).checks.len() {
            let other = self.s(node).checks[i].value;
            if let Value::Validator(other) = other
                && self.equal_validators(index, other)
            {
                return;
            }
            if !self.has_state(node) {
                return;
            }
        }
        self.s_mut(node).checks.push(Check {
            value,
            env,
            info,
            place: expr,
        });
        if kind == Kind::TOP {
            self.s_mut(node).has_top = true;
        }
        self.update_kind_of(node, kind, value, expr, info);
    }

    pub(super) fn update_kind(&mut self, node: Node, kind: Kind, expr: ExprId, info: Info) -> bool {
        let value = if kind == Kind::STRUCT {
            Value::Struct
        } else {
            Value::Kind(kind)
        };
        self.update_kind_of(node, kind, value, expr, info)
    }

    /// Narrows the node's kind; a conflict is an error at the node.
    fn update_kind_of(
        &mut self,
        node: Node,
        kind: Kind,
        value: Value,
        expr: ExprId,
        info: Info,
    ) -> bool {
        self.add_evidence(node, info, 0);
        let own = self.s(node).kind;
        if own.is_empty() || kind.is_empty() {
            return false;
        }
        let met = own.and(kind);
        if met.is_empty() {
            let other = self.s(node).kind_expr;
            let left = self.left_value(node, other);
            let error = self.push_error(Bottom {
                code: ErrorCode::Eval,
                message: Message::Mismatch {
                    left,
                    right: value,
                    kinds: (own, kind),
                },
                node,
                exprs: if other == NO_EXPR {
                    [expr].into_iter().collect()
                } else {
                    [other, expr].into_iter().collect()
                },
                ..Bottom::default()
            });
            self.node_error(node, error);
        }
        let state = self.s_mut(node);
        if state.kind != met || state.kind_expr == NO_EXPR {
            state.kind_expr = expr;
        }
        state.kind = met;
        !met.is_empty()
    }

    fn left_value(&self, node: Node, expr: ExprId) -> Value {
        let state = self.s(node);
        if state.scalar != Value::None {
            return state.scalar;
        }
        if expr != NO_EXPR {
            match self.program.exprs[expr as usize] {
                Expr::Value(value) => return value,
                Expr::Struct(_) => return Value::Struct,
                Expr::List(_) => return Value::Kind(Kind::LIST),
                _ => {}
            }
        }
        Value::Kind(state.kind)
    }

    fn conflict(
        &mut self,
        node: Node,
        left: Value,
        left_expr: ExprId,
        right: Value,
        right_expr: ExprId,
    ) {
        let error = self.push_error(Bottom {
            code: ErrorCode::Eval,
            message: Message::Conflict { left, right },
            node,
            exprs: [left_expr, right_expr].into_iter().collect(),
            ..Bottom::default()
        });
        self.node_error(node, error);
    }

    fn is_from_disjunction(&self, mut node: Node) -> bool {
        loop {
            let data = self.n(node);
            if data.has(NodeData::DISJUNCT) {
                return true;
            }
            match data.base {
                Value::Disjunction(_) => return true,
                Value::Node(next) => node = next,
                _ => return false,
            }
        }
    }

    // ---- arcs and patterns ----

    /// The arc of a label, made where it does not exist.
    pub(super) fn get_arc(&mut self, node: Node, label: Label, arc_type: ArcType) -> (Node, bool) {
        if let Some(arc) = self.find_arc(node, label) {
            self.update_arc_type(arc, arc_type);
            return (arc, false);
        }
        (self.new_arc(node, label, arc_type), true)
    }

    fn new_arc(&mut self, node: Node, label: Label, arc_type: ArcType) -> Node {
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
    fn add_to_new_arc(
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

    fn insert_matched(&mut self, arc: Node, arc_type: ArcType, c: PatternConjunct, label: Label) {
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

    /// Adds a pattern constraint and applies it to the fields that are there.
    pub(super) fn insert_pattern(
        &mut self,
        node: Node,
        pattern: Value,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) {
        if self.n(node).patterns == NIL {
            self.patterns.push(Patterns::default());
            self.n_mut(node).patterns = (self.patterns.len() - 1) as u32;
        }
        let id = self.n(node).patterns as usize;
        let c = PatternConjunct { expr, env, info };
        match self.same_pattern(id, pattern) {
            Some(index) => {
                for i in 0..self.patterns[id].pairs[index].1.len() {
                    let other = self.patterns[id].pairs[index].1[i];
                    if other.expr == expr && self.same_env(other.env, env) {
                        self.add_replacement(node, info.group, other.info.group);
                        return;
                    }
                }
                self.patterns[id].pairs[index].1.push(c);
            }
            None => self.push_pattern(id, pattern, c),
        }
        let candidates = self.candidate_arcs(node, pattern);
        let mut index = 0;
        loop {
            let at = match &candidates {
                Some(some) => some.get(index as usize).copied(),
                None => Some(index),
            };
            let Some(at) = at.filter(|&at| at < self.n(node).arc_count) else {
                break;
            };
            let (label, arc) = self.arc(node, at);
            index += 1;
            if !label.is_regular() || self.n(arc).arc_type == ArcType::Pending {
                continue;
            }
            if self.matches_pattern(pattern, label) {
                let arc_type = self.n(arc).arc_type;
                self.insert_matched(arc, arc_type, c, label);
            }
        }
    }

    /// Whether a label is one the pattern stands for.
    pub(super) fn matches_pattern(&mut self, pattern: Value, label: Label) -> bool {
        if !label.is_regular() {
            return false;
        }
        let kind = if label.is_string() {
            Kind::STRING
        } else {
            Kind::INT
        };
        let pattern = match pattern {
            Value::Node(node) => {
                self.finalize(node);
                self.unwrap(pattern)
            }
            other => other,
        };
        if self.kind(pattern).and(kind).is_empty() {
            if let Value::Bottom(error) = pattern {
                self.add_error(error);
            }
            return false;
        }
        match pattern {
            Value::Top => true,
            Value::Kind(k) => k.contains(kind),
            Value::String(id) => label.is_string() && label.id() == id,
            Value::Int(value) => label.is_int() && i64::from(label.id()) == value,
            Value::Bound(_) => {
                let value = self.label_value(label);
                self.satisfies(pattern, value)
            }
            Value::Conjunction(index) => {
                let parts = self.conjunction(index).to_vec();
                parts
                    .into_iter()
                    .all(|part| self.matches_pattern(part, label))
            }
            Value::Disjunction(index) => {
                let parts = self.disjunctions[index as usize].values.clone();
                parts
                    .into_iter()
                    .any(|part| self.matches_pattern(part, label))
            }
            _ => {
                let value = self.label_value(label);
                let (a, b) = (
                    self.value_expr(pattern, self.source),
                    self.value_expr(value, self.source),
                );
                let node = self.new_inline();
                self.add_conjunct_record(node, a, NIL, Info::default());
                self.add_conjunct_record(node, b, NIL, Info::default());
                let saved = std::mem::replace(&mut self.errs, NIL);
                self.finalize(node);
                self.errs = saved;
                self.bottom_of(self.deref(node)).is_none()
            }
        }
    }

    pub(super) fn label_value(&self, label: Label) -> Value {
        if label.is_int() {
            Value::Int(i64::from(label.id()))
        } else {
            Value::String(label.id())
        }
    }
}

/// More conjuncts than this are searched by expression.
const MANY_CONJUNCTS: u32 = 16;
/// How many conjuncts of one expression are compared with a new one.
const MAX_SEARCHED: usize = 200;
