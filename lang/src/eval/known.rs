//! Expressions of which everything they read is known already.
//!
//! A condition, a sum or a name built from scalars needs no scheduler: no task has to wait, no cycle can be met and no
//! default is open. Only the case without errors is handled here, and only scalars; whatever else an expression is
//! goes the common way ([`Machine::value`]), which says what is wrong.

use super::machine::*;
use super::operation::MAX_STRING;
use super::union::is_scalar;
use crate::resolve::program::*;
use crate::value::builtin::{Kind, Mode as ParamMode};
use smallvec::SmallVec;
use std::fmt::Write as _;

/// How many references to scalars that are not evaluated yet are followed.
pub(super) const MAX_STEPS: u32 = 16;
/// How deep operands may stand in each other.
pub(super) const MAX_NESTING: u32 = 32;

impl Machine<'_> {
    /// A condition, an operand or an argument that the tree alone shows to be a scalar.
    pub(super) fn known(&mut self, expr: ExprId) -> Option<Value> {
        if !self.may_be_known(expr, MAX_NESTING) {
            return None;
        }
        let env = self.env;
        self.known_scalar(expr, env, MAX_STEPS)
    }

    /// Whether an expression may come to a scalar by itself.
    pub(super) fn may_be_known(&self, expr: ExprId, nesting: u32) -> bool {
        let Some(nesting) = nesting.checked_sub(1) else {
            return false;
        };
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => is_scalar(value),
            Expr::Field { .. }
            | Expr::Select { .. }
            | Expr::ForValue { .. }
            | Expr::ForKey { .. }
            | Expr::LabelName { .. } => true,
            Expr::Interpolation {
                bytes: false,
                start,
                len,
            } => self.may_all_be_known(start, len, nesting),
            Expr::Not(a) | Expr::Minus(a) => self.may_be_known(a, nesting),
            Expr::Binary(_, a, b) => self.may_be_known(a, nesting) && self.may_be_known(b, nesting),
            Expr::Call {
                function,
                start,
                len,
            } => {
                matches!(
                    self.program.exprs[function as usize],
                    Expr::Value(Value::Function(function)) if self.is_of_scalars(function, len)
                ) && self.may_all_be_known(start, len, nesting)
            }
            _ => false,
        }
    }

    fn may_all_be_known(&self, start: u32, len: u32, nesting: u32) -> bool {
        (start..start + len)
            .all(|index| self.may_be_known(self.program.lists[index as usize], nesting))
    }

    /// Whether a call with so many arguments makes a scalar of scalars, and is no validator.
    fn is_of_scalars(&self, function: u32, arguments: u32) -> bool {
        use Predeclared as P;
        match self.program.functions[function as usize] {
            Callable::Predeclared(P::Div | P::Mod | P::Quo | P::Rem) => arguments == 2,
            Callable::Predeclared(_) => false,
            Callable::Package(_, f) => {
                Kind::SCALAR.contains(f.result)
                    && f.parameters.len() == arguments as usize
                    && f.parameters
                        .iter()
                        .all(|p| p.mode == ParamMode::Data && Kind::SCALAR.contains(p.kind))
            }
        }
    }

    /// The scalar that an expression comes to, where all that it reads is known.
    pub(super) fn known_scalar(&mut self, expr: ExprId, env: EnvId, steps: u32) -> Option<Value> {
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => is_scalar(value).then_some(value),
            Expr::LabelName { up } | Expr::ForKey { up } => {
                let env = self.env_up(env, up);
                let label = self.envs.get(env as usize)?.label;
                (label != Label::NONE).then(|| self.label_value(label))
            }
            Expr::Interpolation { start, len, .. } => {
                let mut out = String::new();
                for index in start..start + len {
                    match self.known_scalar(self.program.lists[index as usize], env, steps)? {
                        Value::String(id) => out.push_str(self.program.strings.get(id)),
                        Value::Int(value) => write!(out, "{value}").ok()?,
                        _ => return None,
                    }
                }
                (out.len() <= MAX_STRING).then(|| self.string_value(&out))
            }
            Expr::Not(a) => match self.known_scalar(a, env, steps)? {
                Value::Bool(value) => Some(Value::Bool(!value)),
                _ => None,
            },
            Expr::Minus(a) => match self.known_scalar(a, env, steps)? {
                Value::Int(value) => value.checked_neg().map(Value::Int),
                _ => None,
            },
            Expr::Binary(op, a, b) => {
                let a = self.known_scalar(a, env, steps)?;
                if let (Operator::And { short: true }, Value::Bool(false))
                | (Operator::Or { short: true }, Value::Bool(true)) = (op, a)
                {
                    return Some(a);
                }
                let b = self.known_scalar(b, env, steps)?;
                self.known_operation(op, a, b)
            }
            Expr::Call {
                function,
                start,
                len,
            } => {
                let Expr::Value(Value::Function(function)) = self.program.exprs[function as usize]
                else {
                    return None;
                };
                let mut values = SmallVec::<[Value; 4]>::new();
                for index in start..start + len {
                    values.push(self.known_scalar(
                        self.program.lists[index as usize],
                        env,
                        steps,
                    )?);
                }
                self.known_call(function, &values)
            }
            _ => {
                let target = self.known_target(expr, env, steps)?;
                let target = self.deref(target);
                let data = self.n(target);
                if data.status != Status::Finalized || data.arc_count > 0 {
                    return None;
                }
                let value = match data.base {
                    Value::Disjunction(index) => {
                        let d = &self.disjunctions[index as usize];
                        if d.defaults != 1 {
                            return None;
                        }
                        d.values[0]
                    }
                    value => value,
                };
                is_scalar(value).then_some(value)
            }
        }
    }

    fn known_operation(&mut self, op: Operator, a: Value, b: Value) -> Option<Value> {
        if let (Value::Int(a), Value::Int(b)) = (a, b) {
            match op {
                Operator::Add => return a.checked_add(b).map(Value::Int),
                Operator::Subtract => return a.checked_sub(b).map(Value::Int),
                Operator::Multiply => return a.checked_mul(b).map(Value::Int),
                _ => {}
            }
        }
        self.without_errors(|m| m.operate(op, a, b))
    }

    fn known_call(&mut self, function: u32, values: &[Value]) -> Option<Value> {
        let saved = std::mem::replace(&mut self.is_validator, false);
        let result = self.without_errors(|m| m.apply(function, values, &[]));
        self.is_validator = saved;
        result
    }

    /// A scalar that was come to without an error: an error found here is found again, with all that is to be said
    /// of it, on the common way.
    fn without_errors(&mut self, compute: impl FnOnce(&mut Self) -> Value) -> Option<Value> {
        let known = self.errors.len();
        let saved = std::mem::replace(&mut self.errs, NIL);
        let value = compute(self);
        let found = std::mem::replace(&mut self.errs, saved);
        self.errors.truncate(known);
        (found == NIL && is_scalar(value)).then_some(value)
    }

    /// The finished node of a reference; what stands in its way is evaluated only where it is a leaf itself.
    pub(super) fn known_target(&mut self, expr: ExprId, env: EnvId, steps: u32) -> Option<Node> {
        let target = self.present(expr, env)?;
        if self.n(target).status == Status::Unprocessed && steps > 0 {
            self.try_leaf_within(target, steps - 1);
        }
        (self.n(target).status == Status::Finalized).then_some(target)
    }

    /// The node of a reference, where that is there already.
    pub(super) fn present(&self, expr: ExprId, env: EnvId) -> Option<Node> {
        let (scope, label) = match self.program.exprs[expr as usize] {
            Expr::Field {
                up,
                label,
                optional: false,
            } => (self.envs[self.env_up(env, up) as usize].node, label),
            Expr::Select {
                base,
                label,
                optional: false,
            } => {
                // A failed field spoils the struct it is in, for those who select from outside.
                let scope = self.present(base, env)?;
                let data = self.n(scope);
                if data.status != Status::Finalized || data.base != Value::Struct {
                    return None;
                }
                (scope, label)
            }
            Expr::ForValue { up } => {
                return Some(self.deref(self.envs[self.env_up(env, up) as usize].node));
            }
            _ => return None,
        };
        if scope == NIL {
            return None;
        }
        let arc = self.find_arc(self.deref(scope), label)?;
        (self.n(arc).arc_type == ArcType::Member).then(|| self.deref(arc))
    }
}
