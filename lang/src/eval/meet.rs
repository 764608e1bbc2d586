//! Values meet in a node: its scalar, its kind, its bounds and validators are narrowed as they arrive.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// Two values unified by themselves, in a node of their own; what is wrong with it is nobody else's error.
    pub(super) fn unify_alone(&mut self, a: Value, b: Value) -> Node {
        let node = self.new_inline();
        for value in [a, b] {
            let expr = self.value_expr(value, self.source);
            self.add_conjunct_record(node, expr, NIL, Info::default());
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        self.finalize(node);
        self.errs = saved;
        node
    }

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
}
