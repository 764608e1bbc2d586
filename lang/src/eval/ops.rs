//! Operators on concrete values, bounds, equality.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use super::operation::MAX_STRING;
use crate::resolve::program::*;
use crate::value::Number;
use crate::value::builtin::Kind;
use std::cmp::Ordering;

/// Which equality is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Equality {
    /// `==`: regular fields only, defaults taken, closedness ignored.
    Operator,
    /// Of disjuncts: all fields, optional ones and closedness included.
    Structural,
    /// All fields but optional ones.
    Loose,
}

impl Machine<'_> {
    /// Applies an operator to two concrete values.
    pub(super) fn operate(&mut self, op: Operator, a: Value, b: Value) -> Value {
        for value in [a, b] {
            if let (Operator::Compare(Comparison::Equal | Comparison::NotEqual), Value::Node(node)) =
                (op, value)
                && self.same(node, self.node)
                && self.is_running(self.deref(node))
            {
                // What is compared may depend on the answer.
                let source = self.source;
                let error = self.new_error(ErrorCode::Cycle, Message::CycleWith(source));
                return Value::Bottom(error);
            }
            if let Some(error) = self.not_final(value) {
                return Value::Bottom(error);
            }
        }
        let (ka, kb) = (self.kind(a), self.kind(b));
        let numbers = !ka.and(Kind::NUMBER).is_empty() && !kb.and(Kind::NUMBER).is_empty();
        match op {
            Operator::Compare(op) => return self.compare(op, a, b),
            Operator::And { .. } | Operator::Or { .. } => {
                let decides = Value::Bool(matches!(op, Operator::Or { .. }));
                for value in [a, b] {
                    if !matches!(value, Value::Bool(_)) {
                        self.type_error(value, Kind::BOOL);
                        return Value::None;
                    }
                    // Then it does not matter what the other one is.
                    if value == decides {
                        return decides;
                    }
                }
                return b;
            }
            Operator::Add if numbers => return self.arithmetic(a, b, Number::add),
            Operator::Subtract => {
                for value in [a, b] {
                    if self.kind(value).and(Kind::NUMBER).is_empty() {
                        self.type_error(value, Kind::NUMBER);
                    }
                }
                return if numbers {
                    self.arithmetic(a, b, Number::sub)
                } else {
                    Value::None
                };
            }
            Operator::Multiply if numbers => return self.arithmetic(a, b, Number::mul),
            Operator::Divide if numbers => return self.arithmetic(a, b, Number::div),
            Operator::Add => match (a, b) {
                (Value::String(x), Value::String(y)) => {
                    let text = format!(
                        "{}{}",
                        self.program.strings.get(x),
                        self.program.strings.get(y)
                    );
                    if text.len() > MAX_STRING {
                        return self.fail("the string is too long");
                    }
                    return self.string_value(&text);
                }
                (Value::Bytes(x), Value::Bytes(y)) => {
                    let mut out = self.program.bytes[x as usize].to_vec();
                    out.extend_from_slice(&self.program.bytes[y as usize]);
                    return self.program.bytes(&out);
                }
                _ if ka == Kind::LIST && kb == Kind::LIST => {
                    return self.fail("lists cannot be added with `+`; use list.Concat");
                }
                _ => {}
            },
            Operator::Multiply => match (a, b) {
                (Value::String(_) | Value::Bytes(_), Value::Int(_)) => return self.repeat(a, b),
                (Value::Int(_), Value::String(_) | Value::Bytes(_)) => return self.repeat(b, a),
                _ if (ka == Kind::LIST && kb == Kind::INT)
                    || (ka == Kind::INT && kb == Kind::LIST) =>
                {
                    return self.fail("lists cannot be multiplied with `*`; use list.Repeat");
                }
                _ => {}
            },
            Operator::Divide => {}
        }
        let text = format!(
            "invalid operands {} and {} to '{}' (type {ka} and {kb})",
            self.show(a),
            self.show(b),
            op.text()
        );
        self.fail(text)
    }

    fn repeat(&mut self, what: Value, count: Value) -> Value {
        let Value::Int(count) = count else {
            unreachable!("called with an int")
        };
        if count < 0 {
            return self.fail(format!(
                "cannot convert negative number {count} to a repeat count"
            ));
        }
        if count > MAX_REPEAT {
            return self.fail(format!(
                "repeat count {count} exceeds the limit of {MAX_REPEAT}"
            ));
        }
        let length = match what {
            Value::String(id) => self.program.strings.get(id).len(),
            Value::Bytes(id) => self.program.bytes[id as usize].len(),
            _ => 0,
        };
        if length.saturating_mul(count as usize) > MAX_STRING {
            return self.fail("the result is too long");
        }
        match what {
            Value::String(id) => {
                let text = self.program.strings.get(id).repeat(count as usize);
                self.string_value(&text)
            }
            Value::Bytes(id) => {
                let data = self.program.bytes[id as usize].repeat(count as usize);
                self.program.bytes(&data)
            }
            _ => unreachable!("called with a string or bytes"),
        }
    }

    pub(super) fn arithmetic(
        &mut self,
        a: Value,
        b: Value,
        op: impl Fn(&Number, &Number) -> Result<Number, String>,
    ) -> Value {
        let (Some(x), Some(y)) = (self.number_of(a), self.number_of(b)) else {
            unreachable!("both are numbers")
        };
        match op(&x, &y) {
            Ok(number) => self.program.number(number),
            Err(message) => self.fail(message),
        }
    }

    /// An operand must have no errors below it and nothing open.
    fn not_final(&mut self, value: Value) -> Option<ErrId> {
        let Value::Node(node) = value else {
            return None;
        };
        let node = self.deref(node);
        self.finalize(node);
        let node = self.deref(node);
        let mut found = NIL;
        self.open_parts(node, &mut found, 0);
        if found == NIL {
            return None;
        }
        let code = self.code(found);
        let error = Bottom {
            code,
            node: self.node,
            parts: vec![found],
            ..Bottom::default()
        };
        Some(self.push_error(error))
    }

    /// Collects errors and values that are not concrete below a node, definitions aside.
    pub(super) fn open_parts(&mut self, node: Node, found: &mut ErrId, depth: usize) {
        if depth > 1000 || *found != NIL {
            return;
        }
        let node = self.deref(node);
        let base = match self.n(node).base {
            Value::Disjunction(index) if self.disjunctions[index as usize].defaults == 1 => {
                self.disjunctions[index as usize].values[0]
            }
            base => base,
        };
        match base {
            Value::Node(default) => return self.open_parts(default, found, depth + 1),
            Value::Bottom(error) => {
                *found = self.combine(*found, error);
                return;
            }
            Value::Struct | Value::List { .. } => {}
            base if self.is_concrete(base) => return,
            base => {
                let saved = std::mem::replace(&mut self.node, node);
                let error = self.new_error(ErrorCode::Incomplete, Message::NotConcrete(base));
                self.node = saved;
                *found = self.combine(*found, error);
                return;
            }
        }
        for (label, arc) in self.arc_vec(node) {
            let arc_type = self.n(arc).arc_type;
            if arc_type == ArcType::Required && !label.is_let() {
                let error = self.new_error(ErrorCode::Incomplete, Message::RequiredAbsent(label));
                *found = self.combine(*found, error);
                continue;
            }
            if label.is_regular() && arc_type == ArcType::Member {
                self.open_parts(arc, found, depth + 1);
            }
        }
    }

    pub(super) fn compare(&mut self, op: Comparison, a: Value, b: Value) -> Value {
        let (ka, kb) = (self.kind(a), self.kind(b));
        let numbers = !ka.and(Kind::NUMBER).is_empty() && !kb.and(Kind::NUMBER).is_empty();
        match op {
            Comparison::Equal | Comparison::NotEqual => {
                let equal = if numbers {
                    self.compare_numbers(a, b) == Ordering::Equal
                } else if ka != kb {
                    false
                } else {
                    match (a, b) {
                        (Value::Node(x), Value::Node(y)) => {
                            self.finalize(x);
                            self.finalize(y);
                            self.equal_values(a, b, Equality::Operator)
                        }
                        _ => self.equal_scalars(a, b),
                    }
                };
                Value::Bool(equal == (op == Comparison::Equal))
            }
            Comparison::Match | Comparison::NotMatch => {
                let pattern = match b {
                    Value::String(id) => id,
                    other => {
                        self.type_error(other, Kind::STRING);
                        return Value::None;
                    }
                };
                let text = match a {
                    Value::String(id) => id,
                    Value::Bytes(id) => {
                        let data = self.program.bytes[id as usize].clone();
                        let text = String::from_utf8_lossy(&data).into_owned();
                        self.program.strings.intern(&text)
                    }
                    other => {
                        self.type_error(other, Kind::STRING);
                        return Value::None;
                    }
                };
                match self.matches_regex(pattern, text) {
                    Ok(found) => Value::Bool(found == (op == Comparison::Match)),
                    Err(message) => self.fail(message),
                }
            }
            _ => {
                let ordering = if numbers {
                    self.compare_numbers(a, b)
                } else {
                    match (a, b) {
                        (Value::String(x), Value::String(y)) => {
                            self.program.strings.get(x).cmp(self.program.strings.get(y))
                        }
                        (Value::Bytes(x), Value::Bytes(y)) => {
                            self.program.bytes[x as usize].cmp(&self.program.bytes[y as usize])
                        }
                        _ => {
                            let text = format!(
                                "invalid operands {} and {} to '{}' (type {ka} and {kb})",
                                self.show(a),
                                self.show(b),
                                op.text()
                            );
                            return self.fail(text);
                        }
                    }
                };
                Value::Bool(match op {
                    Comparison::Less => ordering.is_lt(),
                    Comparison::LessEqual => ordering.is_le(),
                    Comparison::Greater => ordering.is_gt(),
                    _ => ordering.is_ge(),
                })
            }
        }
    }

    fn compare_numbers(&self, a: Value, b: Value) -> Ordering {
        if let (Value::Int(x), Value::Int(y)) = (a, b) {
            return x.cmp(&y);
        }
        match (self.number_of(a), self.number_of(b)) {
            (Some(x), Some(y)) => x.numeric_cmp(&y),
            _ => Ordering::Less,
        }
    }

    pub(super) fn matches_regex(&mut self, pattern: StrId, text: StrId) -> Result<bool, String> {
        if let Some(&known) = self.regex_cache.get(&(pattern, text)) {
            return Ok(known);
        }
        if !self.regexes.contains_key(&pattern) {
            let compiled = crate::value::regex::compile(self.program.strings.get(pattern));
            let compiled = match compiled {
                Ok(regex) => Some(regex),
                Err(message) => {
                    self.regexes.insert(pattern, None);
                    return Err(format!("invalid regexp: {message}"));
                }
            };
            self.regexes.insert(pattern, compiled);
        }
        let Some(regex) = &self.regexes[&pattern] else {
            let compiled = crate::value::regex::compile(self.program.strings.get(pattern));
            let message = compiled.err().unwrap_or_default();
            return Err(format!("invalid regexp: {message}"));
        };
        let found = regex.is_match(self.program.strings.get(text));
        self.regex_cache.insert((pattern, text), found);
        Ok(found)
    }

    /// Whether two scalars are the same value: same kind, same value.
    pub(super) fn equal_scalars(&self, a: Value, b: Value) -> bool {
        match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(x), Value::Bool(y)) => x == y,
            (Value::Int(x), Value::Int(y)) => x == y,
            (Value::String(x), Value::String(y)) => x == y,
            (Value::Bytes(x), Value::Bytes(y)) => {
                self.program.bytes[x as usize] == self.program.bytes[y as usize]
            }
            (Value::Number(_), _) | (_, Value::Number(_)) => {
                match (self.number_of(a), self.number_of(b)) {
                    (Some(x), Some(y)) => x == y,
                    _ => false,
                }
            }
            (Value::Function(x), Value::Function(y)) => self.same_function(x, y),
            _ => a == b,
        }
    }

    pub(super) fn equal_values(&mut self, a: Value, b: Value, mode: Equality) -> bool {
        let (a, b) = if mode == Equality::Structural {
            (a, b)
        } else {
            (self.quiet_default(a), self.quiet_default(b))
        };
        match (a, b) {
            (Value::Node(x), Value::Node(y)) => self.equal_nodes(x, y, mode),
            (Value::Node(x), other) | (other, Value::Node(x)) => {
                let base = self.n(self.deref(x)).base;
                !matches!(
                    base,
                    Value::Node(_) | Value::Struct | Value::List { .. } | Value::None
                ) && self.arc_slice(self.deref(x)).is_empty()
                    && self.equal_terminals(base, other, mode)
            }
            _ => self.equal_terminals(a, b, mode),
        }
    }

    fn quiet_default(&mut self, value: Value) -> Value {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let taken = self.default_of(value).unwrap_or(value);
        self.errs = saved;
        taken
    }

    fn equal_terminals(&mut self, a: Value, b: Value, mode: Equality) -> bool {
        match (a, b) {
            (Value::Bottom(_), Value::Bottom(_)) | (Value::Top, Value::Top) => true,
            (Value::Kind(x), Value::Kind(y)) => x == y,
            (Value::Bound(x), Value::Bound(y)) => {
                let (x, y) = (
                    self.program.bounds[x as usize],
                    self.program.bounds[y as usize],
                );
                x.op == y.op && self.equal_values(x.value, y.value, mode)
            }
            (Value::Conjunction(x), Value::Conjunction(y)) => {
                let (x, y) = (self.conjunction(x).to_vec(), self.conjunction(y).to_vec());
                x.len() == y.len()
                    && x.iter()
                        .zip(&y)
                        .all(|(&a, &b)| self.equal_values(a, b, mode))
            }
            (Value::Disjunction(x), Value::Disjunction(y)) => {
                if x == y {
                    return true;
                }
                let x = self.disjunctions[x as usize].values.clone();
                let y = self.disjunctions[y as usize].values.clone();
                x.len() == y.len()
                    && x.iter()
                        .zip(&y)
                        .all(|(&a, &b)| self.equal_values(a, b, mode))
            }
            (Value::Validator(x), Value::Validator(y)) => self.equal_validators(x, y),
            _ => self.equal_scalars(a, b),
        }
    }

    fn equal_nodes(&mut self, x: Node, y: Node, mode: Equality) -> bool {
        if self.n(x).arc_type != self.n(y).arc_type && mode == Equality::Structural {
            return false;
        }
        let (x, y) = (self.deref(x), self.deref(y));
        if x == y {
            return true;
        }
        if self.node_kind(x) != self.node_kind(y) {
            return false;
        }
        let limit = if mode == Equality::Structural {
            ArcType::Optional
        } else {
            ArcType::Required
        };
        if mode == Equality::Structural
            && (self.is_closed_struct(x) != self.is_closed_struct(y)
                || self.is_closed_list(x) != self.is_closed_list(y))
        {
            return false;
        }
        if mode == Equality::Structural && !self.same_deferred(x, y) {
            self.materialize_all(x);
            self.materialize_all(y);
        }
        let skip = |m: &Self, label: Label, arc: Node| {
            (mode == Equality::Operator && !label.is_regular()) || m.n(arc).arc_type > limit
        };
        let arcs = self.arc_vec(x);
        let mut count = 0;
        for (label, a) in arcs {
            if skip(self, label, a) {
                continue;
            }
            count += 1;
            let Some(b) = self.find_arc(y, label) else {
                return false;
            };
            if self.n(a).arc_type != self.n(b).arc_type {
                return false;
            }
            let equal = stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
                self.equal_values(Value::Node(a), Value::Node(b), mode)
            });
            if !equal {
                return false;
            }
        }
        let others = self
            .arc_slice(y)
            .iter()
            .filter(|(l, a)| !skip(self, *l, *a))
            .count();
        if others != count {
            return false;
        }
        let (a, b) = (self.n(x).base, self.n(y).base);
        if is_structural(a) && is_structural(b) {
            return true;
        }
        self.equal_terminals(a, b, mode)
    }

    // ---- bounds ----

    /// Whether a value satisfies a bound.
    pub(super) fn satisfies(&mut self, bound: Value, value: Value) -> bool {
        let Value::Bound(index) = bound else {
            return false;
        };
        let b = self.program.bounds[index as usize];
        let saved = std::mem::replace(&mut self.errs, NIL);
        let result = self.compare(b.op, value, b.value);
        let errors = std::mem::replace(&mut self.errs, saved);
        if let Value::Bottom(error) = result {
            // A bad regular expression is an error of the pattern.
            self.add_error(error);
        }
        let _ = errors;
        result == Value::Bool(true)
    }

    pub(super) fn validate_bound(&mut self, check: Check, value: Value) -> Option<ErrId> {
        let Value::Bound(index) = check.value else {
            return None;
        };
        let b = self.program.bounds[index as usize];
        let value = self.unwrap(value);
        if let Value::Bottom(error) = value {
            return Some(error);
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        let result = match self.not_final(value) {
            Some(error) => Value::Bottom(error),
            None => self.compare(b.op, value, b.value),
        };
        let errors = std::mem::replace(&mut self.errs, saved);
        match result {
            Value::Bool(true) => None,
            Value::Bool(false) => {
                let mut exprs: smallvec::SmallVec<[ExprId; 2]> =
                    [check.place].into_iter().collect();
                if self.has_state(self.node) {
                    let scalar = self.s(self.node).scalar_expr;
                    if scalar != NO_EXPR {
                        exprs.push(scalar);
                    }
                }
                Some(self.push_error(Bottom {
                    code: ErrorCode::Eval,
                    message: Message::OutOfBound {
                        value,
                        bound: check.value,
                    },
                    node: self.node,
                    exprs,
                    ..Bottom::default()
                }))
            }
            Value::Bottom(error) => Some(error),
            _ if errors != NIL => Some(errors),
            _ => None,
        }
    }

    /// What two bounds come to: one of them, an error, or `None` where both must stay.
    pub(super) fn simplify_bounds(&mut self, kind: Kind, x: Value, y: Value) -> Value {
        let (Value::Bound(xi), Value::Bound(yi)) = (x, y) else {
            return Value::None;
        };
        let (bx, by) = (
            self.program.bounds[xi as usize],
            self.program.bounds[yi as usize],
        );
        let truth = |m: &mut Self, op: Comparison, a: Value, b: Value| {
            let saved = std::mem::replace(&mut m.errs, NIL);
            let result = m.compare(op, a, b);
            m.errs = saved;
            result == Value::Bool(true)
        };
        let (cx, cy) = (category(bx.op), category(by.op));
        if cx == cy {
            if cx == 0 || cx > 1 {
                let same = self.kind(bx.value) == self.kind(by.value)
                    && truth(self, Comparison::Equal, bx.value, by.value);
                return if same { x } else { Value::None };
            }
            // The tighter of two in the same direction.
            let op = match bx.op {
                Comparison::Greater => Comparison::GreaterEqual,
                Comparison::GreaterEqual => Comparison::Greater,
                Comparison::Less => Comparison::LessEqual,
                _ => Comparison::Less,
            };
            return if truth(self, op, bx.value, by.value) {
                x
            } else {
                y
            };
        }
        if cx == -cy && cx != 0 {
            let (low, high) = if cx == 1 { (bx, by) } else { (by, bx) };
            return self.empty_range(kind, low, high);
        }
        if bx.op == Comparison::Equal {
            return if truth(self, by.op, bx.value, by.value) {
                x
            } else {
                Value::None
            };
        }
        if by.op == Comparison::Equal {
            return if truth(self, bx.op, by.value, bx.value) {
                y
            } else {
                Value::None
            };
        }
        if bx.op == Comparison::NotEqual {
            return if truth(self, by.op, bx.value, by.value) {
                Value::None
            } else {
                y
            };
        }
        if by.op == Comparison::NotEqual {
            return if truth(self, bx.op, by.value, bx.value) {
                Value::None
            } else {
                x
            };
        }
        Value::None
    }

    /// An error where no value lies between the two bounds.
    fn empty_range(&mut self, kind: Kind, low: BoundValue, high: BoundValue) -> Value {
        let inclusive = low.op == Comparison::GreaterEqual && high.op == Comparison::LessEqual;
        let empty = match (low.value, high.value) {
            (Value::String(a), Value::String(b)) if kind == Kind::STRING => {
                let order = self.program.strings.get(a).cmp(self.program.strings.get(b));
                order.is_gt() || (order.is_eq() && !inclusive)
            }
            (Value::Bytes(a), Value::Bytes(b)) if kind == Kind::BYTES => {
                let order = self.program.bytes[a as usize].cmp(&self.program.bytes[b as usize]);
                order.is_gt() || (order.is_eq() && !inclusive)
            }
            _ => {
                let (Some(a), Some(b)) = (self.number_of(low.value), self.number_of(high.value))
                else {
                    return Value::None;
                };
                let order = a.numeric_cmp(&b);
                if order.is_gt() || (order.is_eq() && !inclusive) {
                    true
                } else if kind.and(Kind::FLOAT).is_empty() && !order.is_eq() {
                    !has_int_between(&a, &b, low.op, high.op)
                } else {
                    kind.and(Kind::FLOAT).is_empty() && !a.is_integral()
                }
            }
        };
        if !empty {
            return Value::None;
        }
        let left = self.program.bound(low.op, low.value);
        let right = self.program.bound(high.op, high.value);
        let error = self.new_error(ErrorCode::Eval, Message::IncompatibleBounds { left, right });
        Value::Bottom(error)
    }
}

/// Whether an integer lies between two different numbers.
fn has_int_between(low: &Number, high: &Number, low_op: Comparison, high_op: Comparison) -> bool {
    let Some(first) = smallest_int(low, low_op == Comparison::GreaterEqual) else {
        return true;
    };
    match first.numeric_cmp(high) {
        Ordering::Less => true,
        Ordering::Equal => high_op == Comparison::LessEqual,
        Ordering::Greater => false,
    }
}

/// The smallest integer above a number, itself included where asked.
fn smallest_int(low: &Number, inclusive: bool) -> Option<Number> {
    if low.is_integral() {
        return if inclusive {
            Some(low.clone())
        } else {
            low.add(&Number::from_i64(1)).ok()
        };
    }
    let floor = low.to_f64().floor();
    (floor.abs() < 1e15).then(|| Number::from_i64(floor as i64 + 1))
}

fn category(op: Comparison) -> i8 {
    match op {
        Comparison::Greater | Comparison::GreaterEqual => 1,
        Comparison::Less | Comparison::LessEqual => -1,
        Comparison::NotEqual => 0,
        Comparison::Match => 2,
        Comparison::NotMatch => 3,
        Comparison::Equal => 4,
    }
}

fn is_structural(value: Value) -> bool {
    matches!(
        value,
        Value::Struct | Value::List { .. } | Value::None | Value::Cycle
    )
}

/// How often `*` may repeat a string, as in CUE.
const MAX_REPEAT: i64 = 1_000_000;
