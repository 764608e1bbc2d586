//! Operators with their operands, bounds, interpolations and slices.

use super::error::{Bottom, ErrorCode};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    pub(super) fn sign(&mut self, x: ExprId, negate: bool) -> Step<Value> {
        let op = if negate { "-" } else { "+" };
        if !self.concrete_possible(x, op) {
            return Ok(Value::None);
        }
        let value = self.value(x, SCALAR, Mode::Wait)?;
        match self.number_of(value) {
            Some(number) => Ok(if negate {
                self.program.number(number.neg())
            } else {
                value
            }),
            None => Ok(self.operand_error(x, value, Kind::NUMBER, op)),
        }
    }

    pub(super) fn operand_error(
        &mut self,
        _x: ExprId,
        value: Value,
        want: Kind,
        op: &str,
    ) -> Value {
        match value {
            Value::Bottom(_) => value,
            Value::None => Value::None,
            _ => {
                let kind = self.kind(value);
                if kind.and(want).is_empty() {
                    self.fail(format!(
                        "invalid operation {op}{} (type {kind})",
                        self.show(value)
                    ))
                } else {
                    self.add_incomplete(format!("operand of `{op}` is not concrete (was {kind})"));
                    Value::None
                }
            }
        }
    }

    /// Whether an operand can ever be concrete, from its text alone.
    pub(super) fn concrete_possible(&mut self, x: ExprId, op: &str) -> bool {
        if !self.program.exprs[x as usize].is_never_concrete() {
            return true;
        }
        let error = self.text_error(
            ErrorCode::Eval,
            format!("invalid operand: `{op}` requires a concrete value, not a type"),
        );
        self.add_error(error);
        false
    }

    /// An operand as a concrete value; what is not concrete becomes an incomplete error.
    fn operand(&mut self, x: ExprId, op: &str) -> Step<Value> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let result = stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || {
            self.eval_guarded(x, SCALAR, Mode::Wait, false)
        });
        let inner = std::mem::replace(&mut self.errs, saved);
        let (value, _) = result?;
        self.settle_inline(value);
        if let Value::Bottom(error) = value {
            return Ok(Value::Bottom(error));
        }
        if inner != NIL {
            return Ok(Value::Bottom(inner));
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        let taken = self.default_of(value);
        let unresolved = std::mem::replace(&mut self.errs, saved);
        let Some(taken) = taken else {
            return Ok(Value::Bottom(unresolved));
        };
        let taken = self.unwrap(taken);
        if let Value::Bottom(_) = taken {
            return Ok(taken);
        }
        if !self.is_concrete(taken) {
            let shown = self.show(taken);
            let error = self.text_error(
                ErrorCode::Incomplete,
                format!("non-concrete value {shown} in operand to {op}"),
            );
            return Ok(Value::Bottom(error));
        }
        Ok(taken)
    }

    fn is_literal_bottom(&self, x: ExprId) -> bool {
        matches!(
            self.program.exprs[x as usize],
            Expr::Value(Value::Bottom(crate::resolve::compile::LITERAL_BOTTOM))
        )
    }

    pub(super) fn binary(
        &mut self,
        expr: ExprId,
        op: Operator,
        left: ExprId,
        right: ExprId,
        mode: Mode,
    ) -> Step<Value> {
        let text = op.text();
        let short = matches!(
            op,
            Operator::And { short: true } | Operator::Or { short: true }
        );
        if short && self.concrete_possible(left, text) {
            let decides = matches!(op, Operator::Or { .. });
            if self.operand(left, text)? == Value::Bool(decides) {
                return Ok(Value::Bool(decides));
            }
        }
        if !self.concrete_possible(left, text) || !self.concrete_possible(right, text) {
            return Ok(Value::None);
        }
        if let Operator::Compare(op @ (Comparison::Equal | Comparison::NotEqual)) = op {
            if self.is_literal_bottom(left) {
                return self.compare_bottom(right, op, mode);
            }
            if self.is_literal_bottom(right) {
                return self.compare_bottom(left, op, mode);
            }
        }
        let a = self.operand(left, text)?;
        let b = self.operand(right, text)?;
        let error = match (a, b) {
            (Value::Bottom(a), Value::Bottom(b)) => self.combine(a, b),
            (Value::Bottom(error), _) | (_, Value::Bottom(error)) => error,
            _ => NIL,
        };
        if error != NIL {
            return Ok(Value::Bottom(error));
        }
        if self.errs != NIL {
            return Ok(Value::Bottom(self.errs));
        }
        self.source = expr;
        Ok(self.operate(op, a, b))
    }

    /// `x == _|_` and `x != _|_`: whether `x` is an error or not concrete.
    fn compare_bottom(&mut self, x: ExprId, op: Comparison, _mode: Mode) -> Step<Value> {
        let is_bottom = Value::Bool(op == Comparison::Equal);
        let is_value = Value::Bool(op != Comparison::Equal);
        let saved = std::mem::replace(&mut self.errs, NIL);
        self.in_validator += 1;
        let value = self.eval(x, TASKS_DONE, Mode::Finalize);
        self.in_validator -= 1;
        let value = match value {
            Ok(value) => value,
            Err(stop) => {
                self.errs = saved;
                return Err(stop);
            }
        };
        self.errs = NIL;
        let mut taken = self.default_of(value).unwrap_or(Value::None);
        if self.errs != NIL && taken == Value::None {
            // An unresolved disjunction is a value.
            taken = self.unwrap(value);
        }
        self.errs = saved;
        let mut taken = self.unwrap(taken);
        if !matches!(taken, Value::None | Value::Bottom(_))
            && !self.kind(taken).and(Kind::STRUCT.or(Kind::LIST)).is_empty()
            && matches!(value, Value::Node(_))
        {
            taken = value;
        }
        let env = self.env;
        match taken {
            Value::None => Ok(is_bottom),
            Value::Bottom(error) => {
                match self.code(error) {
                    _ if self.is_limit(error) => {
                        self.add_error(error);
                        return Ok(Value::None);
                    }
                    ErrorCode::Cycle => {
                        self.add_error(error);
                        return Ok(Value::None);
                    }
                    ErrorCode::Incomplete => {
                        let at = self.errors[error as usize].holder;
                        if at != NIL
                            && self.has_state(at)
                            && self.s(at).running
                            && self.n(at).status != Status::Finalized
                            && !self.meets(at, VALUE)
                            && self.s(at).provided & VALUE != 0
                            && let Some(&task) = self.stack.last()
                        {
                            return Err(self.wait_for(task, at, VALUE));
                        }
                        self.remember_test(env, x, true);
                    }
                    _ => {}
                }
                Ok(is_bottom)
            }
            Value::Node(node) => {
                let node = self.deref(node);
                match self.n(node).base {
                    Value::Disjunction(_) => {
                        self.remember_test(env, x, false);
                        return Ok(is_value);
                    }
                    base if !matches!(
                        base,
                        Value::None
                            | Value::Cycle
                            | Value::Struct
                            | Value::List { .. }
                            | Value::Bottom(_)
                    ) =>
                    {
                        self.remember_test(env, x, false);
                        return Ok(if self.is_concrete(base) {
                            is_value
                        } else {
                            is_bottom
                        });
                    }
                    _ => {}
                }
                if self.depth_cycle(node) {
                    self.remember_test(env, x, true);
                    return Ok(is_bottom);
                }
                self.finalize(node);
                let node = self.deref(node);
                match self.n(node).base {
                    Value::Bottom(error) if !self.code(error).is_incomplete() => Ok(is_bottom),
                    Value::Struct | Value::List { .. } | Value::Bottom(_) => Ok(is_value),
                    base => Ok(
                        if self.is_concrete(base) || matches!(base, Value::Disjunction(_)) {
                            is_value
                        } else {
                            is_bottom
                        },
                    ),
                }
            }
            other => {
                self.remember_test(env, x, false);
                let concrete = self.is_concrete(other) || matches!(other, Value::Disjunction(_));
                Ok(if concrete { is_value } else { is_bottom })
            }
        }
    }

    fn remember_test(&mut self, env: EnvId, expr: ExprId, expect_error: bool) {
        let node = self.env_node(env);
        if node != NIL && self.has_state(node) {
            self.s_mut(node).post_checks.push(PostCheck {
                env,
                expr,
                expect_error,
            });
        }
    }

    pub(super) fn eval_bound(&mut self, op: Comparison, x: ExprId) -> Step<Value> {
        let value = self.value(x, SCALAR, Mode::Wait)?;
        match value {
            Value::None => return Ok(Value::None),
            Value::Bottom(_) => return Ok(value),
            _ => {}
        }
        let kind = self.kind(value);
        let mut mask = Kind::NUMBER.or(Kind::STRING).or(Kind::BYTES);
        if matches!(op, Comparison::Equal | Comparison::NotEqual) {
            mask = mask
                .or(Kind::NULL)
                .or(Kind::BOOL)
                .or(Kind::LIST)
                .or(Kind::STRUCT);
        }
        if kind.and(mask).is_empty() {
            return Ok(self.fail(format!("cannot use a value of type {kind} as a bound")));
        }
        if !self.is_concrete(value) {
            if let Expr::Value(Value::Kind(_)) = self.program.exprs[x as usize] {
                return Ok(self.fail("a bound needs a value, and this is a type"));
            }
            self.add_incomplete("non-concrete value for bound");
            return Ok(Value::None);
        }
        Ok(self.program.bound(op, value))
    }

    pub(super) fn interpolate(&mut self, bytes: bool, start: u32, len: u32) -> Step<Value> {
        let mut out: Vec<u8> = Vec::new();
        let outer = std::mem::replace(&mut self.errs, NIL);
        for index in start..start + len {
            let part = self.program.lists[index as usize];
            let value = match self.value(part, SCALAR, Mode::Wait) {
                Ok(value) => value,
                Err(stop) => {
                    self.errs = outer;
                    return Err(stop);
                }
            };
            match value {
                Value::String(id) => out.extend_from_slice(self.program.strings.get(id).as_bytes()),
                Value::Bytes(id) => {
                    let data = self.program.bytes[id as usize].clone();
                    if bytes {
                        out.extend_from_slice(&data);
                    } else {
                        out.extend_from_slice(text_of(&data).as_bytes());
                    }
                }
                Value::Bool(value) => {
                    out.extend_from_slice(if value { b"true" } else { b"false" });
                }
                Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Value::Number(id) => {
                    out.extend_from_slice(
                        self.program.numbers[id as usize].to_display().as_bytes(),
                    );
                }
                Value::None => {
                    if self.errs == NIL {
                        self.add_incomplete("the interpolated value is not known");
                    }
                }
                Value::Bottom(error) => self.add_error(error),
                other => self.type_error(
                    other,
                    Kind::STRING.or(Kind::NUMBER).or(Kind::BYTES).or(Kind::BOOL),
                ),
            }
            if out.len() > MAX_STRING {
                let error = self.text_error(ErrorCode::Eval, "the interpolated string is too long");
                self.add_error(error);
                break;
            }
        }
        let errors = std::mem::replace(&mut self.errs, outer);
        if errors != NIL {
            let code = self.code(errors);
            let wrapped = Bottom {
                code,
                node: self.node,
                parts: vec![errors],
                ..Bottom::default()
            };
            return Ok(Value::Bottom(self.push_error(wrapped)));
        }
        if bytes {
            Ok(self.program.bytes(&out))
        } else {
            let text = String::from_utf8(out)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
            Ok(self.string_value(&text))
        }
    }

    pub(super) fn slice(&mut self, base: ExprId, low: ExprId, high: ExprId) -> Step<Value> {
        let value = self.value(base, FIELD_SET, Mode::Wait)?;
        if value == Value::None {
            if self.errs == NIL {
                self.add_incomplete("the value to slice is not concrete");
            }
            return Ok(Value::None);
        }
        let length = match value {
            Value::Node(node) if matches!(self.n(self.deref(node)).base, Value::List { .. }) => {
                self.element_count(self.deref(node))
            }
            Value::Bytes(id) => self.program.bytes[id as usize].len(),
            Value::Bottom(_) => return Ok(value),
            other => {
                let kind = self.kind(other);
                return Ok(self.fail(format!("cannot slice a value of type {kind}")));
            }
        };
        let mut bounds = [0, length];
        for (slot, expr) in [(0, low), (1, high)] {
            if expr == NO_EXPR {
                continue;
            }
            let index = self.value(expr, SCALAR, Mode::Wait)?;
            match index {
                Value::Int(i) if i < 0 => {
                    return Ok(self.fail(format!("slice index {i} must not be negative")));
                }
                Value::Int(i) => bounds[slot] = i as usize,
                other => {
                    self.type_error(other, Kind::INT);
                    return Ok(Value::None);
                }
            }
        }
        let [from, to] = bounds;
        if to > length {
            return Ok(self.fail(format!("index {to} out of range")));
        }
        if from > to {
            return Ok(self.fail(format!("invalid slice index: {from} > {to}")));
        }
        match value {
            Value::Bytes(id) => {
                let data = self.program.bytes[id as usize].clone();
                Ok(self.program.bytes(&data[from..to]))
            }
            Value::Node(node) => {
                let node = self.deref(node);
                let values: Vec<Value> = self
                    .arc_vec(node)
                    .iter()
                    .filter(|(label, _)| label.is_int())
                    .skip(from)
                    .take(to - from)
                    .map(|(_, arc)| Value::Node(*arc))
                    .collect();
                Ok(Value::Node(self.new_list(&values)))
            }
            _ => unreachable!("checked above"),
        }
    }

    /// A list whose elements are the values.
    pub(super) fn new_list(&mut self, values: &[Value]) -> Node {
        let list = self.new_data(Value::List { open: false });
        self.reserve_arcs(list, values.len() as u32);
        for (index, &value) in (0..).zip(values) {
            self.add_data(list, Label::index(index), value);
        }
        list
    }

    pub(super) fn type_error(&mut self, value: Value, want: Kind) {
        match value {
            Value::Bottom(_) => {}
            Value::None => {
                if self.errs == NIL {
                    self.add_incomplete("the value is not known");
                }
            }
            _ => {
                let kind = self.kind(value);
                let shown = self.show(value);
                if !self.is_concrete(value) && !kind.and(want).is_empty() {
                    self.add_incomplete(format!("a concrete value is needed, and this is {shown}"));
                } else {
                    let text = format!("cannot use {shown} (type {kind}) as type {want}");
                    let error = self.text_error(ErrorCode::Eval, text);
                    self.add_error(error);
                }
            }
        }
    }
}

/// Bytes as text: each run of bytes that is not UTF-8 becomes one replacement character.
fn text_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for (index, chunk) in bytes.utf8_chunks().enumerate() {
        let continues = index > 0 && chunk.valid().is_empty();
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !continues {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out
}

/// The longest string an operation may make, in bytes.
pub(super) const MAX_STRING: usize = 256 << 20;
