//! The kinds an expression can have at most, and what constants say.

use crate::resolve::program::*;
use crate::value::Number;
use crate::value::builtin::Kind;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::cmp::Ordering;

/// Expressions nested deeper are of any kind.
const DEEPEST: usize = 40;

/// Judges expressions of a program.
pub(super) struct Kinds<'p> {
    program: &'p Program,
    /// The value of each label that the user's files declare once; none where they do more often.
    only: FxHashMap<Label, Option<ExprId>>,
    /// What is known already; what is being judged can be anything.
    known: RefCell<FxHashMap<ExprId, Kind>>,
}

impl<'p> Kinds<'p> {
    pub(super) fn new(program: &'p Program) -> Kinds<'p> {
        let mut kinds = Kinds {
            program,
            only: FxHashMap::default(),
            known: RefCell::default(),
        };
        for decl in &program.decls {
            if let Decl::Field { label, value, .. } = *decl
                && kinds.is_user(value)
            {
                let twice = kinds.only.contains_key(&label);
                kinds.only.insert(label, (!twice).then_some(value));
            }
        }
        kinds
    }

    /// Whether the expression stands in a file of the user's.
    pub(super) fn is_user(&self, expr: ExprId) -> bool {
        let place = self.program.places[expr as usize];
        place.span.end > place.span.start
            && (self.program.user_files.get(place.file.0 as usize)).is_some_and(|&user| user)
    }

    /// The kinds the value of the expression can have.
    pub(super) fn of(&self, expr: ExprId) -> Kind {
        self.at(expr, 0)
    }

    fn at(&self, expr: ExprId, depth: usize) -> Kind {
        if depth > DEEPEST || expr == NO_EXPR {
            return Kind::TOP;
        }
        if let Some(&kind) = self.known.borrow().get(&expr) {
            return kind;
        }
        self.known.borrow_mut().insert(expr, Kind::TOP);
        let kind = self.judge(expr, depth);
        self.known.borrow_mut().insert(expr, kind);
        kind
    }

    fn judge(&self, expr: ExprId, depth: usize) -> Kind {
        let at = |expr: ExprId| self.at(expr, depth + 1);
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => self.of_value(value),
            Expr::Field { label, .. } => match self.only.get(&label) {
                Some(&Some(value)) => at(value),
                _ => Kind::TOP,
            },
            Expr::LabelName { .. } => Kind::STRING,
            Expr::Interpolation { bytes: true, .. } => Kind::BYTES,
            Expr::Interpolation { .. } => Kind::STRING,
            Expr::Plus(_) | Expr::Minus(_) => Kind::NUMBER,
            Expr::Not(_) => Kind::BOOL,
            Expr::Bound(op, x) => bounded(op, at(x), self.constant(x)),
            Expr::Binary(op, x, y) => match op {
                Operator::Compare(_) | Operator::And { .. } | Operator::Or { .. } => Kind::BOOL,
                Operator::Subtract | Operator::Divide => Kind::NUMBER,
                Operator::Add => sum(at(x).and(at(y))),
                Operator::Multiply if at(x).or(at(y)) == at(x).or(at(y)).and(Kind::NUMBER) => {
                    Kind::NUMBER
                }
                Operator::Multiply => Kind::TOP,
            },
            Expr::Unify(x, y) => at(x).and(at(y)),
            Expr::Disjunction(index) => (self.program.disjunctions[index as usize].arms.iter())
                .fold(Kind::NONE, |kind, &(arm, _)| kind.or(at(arm))),
            Expr::Open(x) => at(x),
            Expr::Struct(shape) if !self.program.shapes[shape as usize].embeds => Kind::STRUCT,
            Expr::List(_) => Kind::LIST,
            _ => Kind::TOP,
        }
    }

    fn of_value(&self, value: Value) -> Kind {
        match value {
            Value::Null => Kind::NULL,
            Value::Bool(_) => Kind::BOOL,
            Value::Int(_) => Kind::INT,
            Value::Number(index) if self.program.numbers[index as usize].is_int_kind() => Kind::INT,
            Value::Number(_) => Kind::FLOAT,
            Value::String(_) => Kind::STRING,
            Value::Bytes(_) => Kind::BYTES,
            Value::Kind(kind) => kind,
            Value::Bound(index) => {
                let bound = self.program.bounds[index as usize];
                bounded(bound.op, self.of_value(bound.value), Some(bound.value))
            }
            Value::Conjunction(index) => {
                (self.program.conjunctions.get(index as usize)).map_or(Kind::TOP, |parts| {
                    parts
                        .iter()
                        .fold(Kind::TOP, |kind, &part| kind.and(self.of_value(part)))
                })
            }
            _ => Kind::TOP,
        }
    }

    // ---- constants ----

    /// The scalar that a literal denotes.
    pub(super) fn constant(&self, expr: ExprId) -> Option<Value> {
        match self.program.exprs.get(expr as usize)? {
            Expr::Value(
                value @ (Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Bytes(_)),
            ) => Some(*value),
            Expr::Minus(x) => match self.constant(*x)? {
                Value::Int(value) => value.checked_neg().map(Value::Int),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether two literals are surely the same value.
    pub(super) fn same(&self, a: Value, b: Value) -> bool {
        !matches!(a, Value::Number(_) | Value::Bytes(_)) && a == b
    }

    /// Whether two literals are surely different values.
    pub(super) fn differ(&self, a: Value, b: Value) -> bool {
        match (a, b) {
            (Value::Int(_), Value::Int(_))
            | (Value::String(_), Value::String(_))
            | (Value::Bool(_), Value::Bool(_)) => a != b,
            _ => false,
        }
    }

    fn number(&self, value: Value) -> Option<Number> {
        match value {
            Value::Int(value) => Some(Number::from_i64(value)),
            Value::Number(index) => Some(self.program.numbers[index as usize].clone()),
            _ => None,
        }
    }

    /// The comparisons with numbers that the expression consists of.
    fn bounds(&self, expr: ExprId) -> Vec<(Comparison, Number)> {
        let of_value = |value: Value| match value {
            Value::Bound(index) => {
                let bound = self.program.bounds[index as usize];
                self.number(bound.value).map(|number| (bound.op, number))
            }
            _ => None,
        };
        match self.program.exprs[expr as usize] {
            Expr::Bound(op, x) => {
                let number = self.constant(x).and_then(|value| self.number(value));
                number.map(|number| (op, number)).into_iter().collect()
            }
            Expr::Value(Value::Conjunction(index)) => {
                (self.program.conjunctions.get(index as usize)).map_or_else(Vec::new, |parts| {
                    parts.iter().filter_map(|&part| of_value(part)).collect()
                })
            }
            Expr::Value(value) => of_value(value).into_iter().collect(),
            Expr::Field { label, .. } => match self.only.get(&label) {
                Some(&Some(value))
                    if !matches!(self.program.exprs[value as usize], Expr::Field { .. }) =>
                {
                    self.bounds(value)
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Whether a number is out of a bound.
    pub(super) fn violates(&self, value: Value, bound: ExprId) -> bool {
        let Some(value) = self.number(value) else {
            return false;
        };
        self.bounds(bound).iter().any(|(op, limit)| {
            let order = value.numeric_cmp(limit);
            match op {
                Comparison::Less => order != Ordering::Less,
                Comparison::LessEqual => order == Ordering::Greater,
                Comparison::Greater => order != Ordering::Greater,
                Comparison::GreaterEqual => order == Ordering::Less,
                Comparison::NotEqual => order == Ordering::Equal,
                _ => false,
            }
        })
    }

    /// Whether no number is within both bounds.
    pub(super) fn exclude(&self, x: ExprId, y: ExprId) -> bool {
        let (p, q) = (self.bounds(x), self.bounds(y));
        let crossed = |low: &(Comparison, Number), high: &(Comparison, Number)| {
            let is_low = matches!(low.0, Comparison::Greater | Comparison::GreaterEqual);
            let is_high = matches!(high.0, Comparison::Less | Comparison::LessEqual);
            is_low && is_high && low.1.numeric_cmp(&high.1) == Ordering::Greater
        };
        p.iter()
            .any(|a| q.iter().any(|b| crossed(a, b) || crossed(b, a)))
    }
}

/// What satisfies a comparison with a value of that kind.
fn bounded(op: Comparison, kind: Kind, value: Option<Value>) -> Kind {
    match op {
        Comparison::Match | Comparison::NotMatch => Kind::STRING.or(Kind::BYTES),
        Comparison::Equal => kind,
        Comparison::NotEqual if value.is_none_or(|value| value == Value::Null) => Kind::TOP,
        _ if !kind.and(Kind::NUMBER).is_empty() => kind.or(Kind::NUMBER),
        _ => kind,
    }
}

/// The kinds of a sum whose operands have these in common.
fn sum(kind: Kind) -> Kind {
    let mut out = kind.and(Kind::STRING.or(Kind::BYTES));
    if !kind.and(Kind::NUMBER).is_empty() {
        out = out.or(Kind::NUMBER);
    }
    if out.is_empty() { Kind::TOP } else { out }
}
