//! What can be said of a program without evaluating it, in definitions and bodies that nobody instantiates, too.
//!
//! Everything here is judged by the kinds that expressions can have at most: a name stands for what its only declaration
//! says, and for anything where there are several. Unification only narrows, so what is impossible here is
//! impossible wherever it is used. Still the language allows it while nobody does: findings are warnings, and
//! what evaluation reports at the same place is not said twice.

mod kinds;

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use kinds::Kinds;
use rustc_hash::FxHashSet;

const CONFLICT: Code = Code(201);
const OUT_OF_BOUND: Code = Code(203);
const OPERATION: Code = Code(212);
const NEVER: Code = Code(214);
const TWICE: Code = Code(215);

/// The findings in the user's files, in the order of the program.
pub(crate) fn check(program: &Program) -> Vec<Diagnostic> {
    let mut checker = Checker {
        kinds: Kinds::new(program),
        program,
        found: Vec::new(),
    };
    checker.run();
    let mut found = checker.found;
    let is_user = |warning: &&Diagnostic| {
        (warning.labels.first()).is_some_and(|label| {
            (program.user_files.get(label.place.file.0 as usize)).is_some_and(|&user| user)
        })
    };
    found.extend(program.warnings.iter().filter(is_user).cloned());
    found
}

struct Checker<'p> {
    program: &'p Program,
    kinds: Kinds<'p>,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn run(&mut self) {
        let inner: FxHashSet<ExprId> = (self.program.exprs.iter())
            .flat_map(|expr| match *expr {
                Expr::Unify(x, y) => [x, y],
                _ => [NO_EXPR; 2],
            })
            .collect();
        for id in 0..self.program.exprs.len() as ExprId {
            if !self.kinds.is_user(id) {
                continue;
            }
            match self.program.exprs[id as usize] {
                Expr::Unify(..) if !inner.contains(&id) => self.conjunction(id),
                Expr::Disjunction(index) => self.disjunction(index),
                Expr::Binary(op, x, y) => self.operands(id, op, x, y),
                Expr::Plus(x) | Expr::Minus(x) => self.operand(x, Kind::NUMBER, "a sign"),
                Expr::Not(x) => self.operand(x, Kind::BOOL, "`!`"),
                Expr::Interpolation { start, len, .. } => self.interpolation(start, len),
                Expr::Bound(Comparison::Match | Comparison::NotMatch, pattern) => {
                    self.pattern(pattern);
                }
                Expr::Value(Value::Bound(index)) => self.folded(id, index),
                Expr::Call {
                    function,
                    start,
                    len,
                } => self.call(id, function, start, len),
                _ => {}
            }
        }
    }

    fn place(&self, expr: ExprId) -> Place {
        self.program.places[expr as usize]
    }

    fn warn(&mut self, code: Code, at: ExprId, message: String) -> &mut Diagnostic {
        let warning = Diagnostic::warning(code, message).label(self.place(at), "");
        self.found.push(warning);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    // ---- conjunctions ----

    /// Two parts without a common kind, two values, bounds that leave nothing, a value out of a bound.
    fn conjunction(&mut self, id: ExprId) {
        let mut parts = Vec::new();
        self.flatten(id, &mut parts);
        for (i, &x) in parts.iter().enumerate() {
            for &y in &parts[i + 1..] {
                if self.contradict(x, y) {
                    return;
                }
            }
        }
        for &part in &parts {
            if let Expr::Disjunction(index) = self.program.exprs[part as usize] {
                let others = parts.iter().filter(|&&other| other != part);
                let kind = others.fold(Kind::TOP, |kind, &other| kind.and(self.kinds.of(other)));
                self.unreachable(index, kind, part, &parts);
            }
        }
    }

    fn flatten(&self, id: ExprId, out: &mut Vec<ExprId>) {
        match self.program.exprs[id as usize] {
            Expr::Unify(x, y) if out.len() < 64 => {
                self.flatten(x, out);
                self.flatten(y, out);
            }
            _ => out.push(id),
        }
    }

    fn contradict(&mut self, x: ExprId, y: ExprId) -> bool {
        let (p, q) = (self.kinds.of(x), self.kinds.of(y));
        if p.is_empty() || q.is_empty() {
            return false;
        }
        let second = self.place(y);
        if p.and(q).is_empty() {
            let message = format!("{p} and {q} have no value in common");
            let warning = self.warn(CONFLICT, x, message);
            warning.labels[0].message = format!("this is {p}");
            *warning = warning.clone().label(second, format!("this is {q}"));
            return true;
        }
        let (code, message) = match (self.kinds.constant(x), self.kinds.constant(y)) {
            (Some(a), Some(b)) if self.kinds.differ(a, b) => {
                (CONFLICT, "these are two different values")
            }
            (Some(a), None) if self.kinds.violates(a, y) => {
                (OUT_OF_BOUND, "this value is out of its bound")
            }
            (None, Some(b)) if self.kinds.violates(b, x) => {
                (OUT_OF_BOUND, "this value is out of its bound")
            }
            (None, None) if self.kinds.exclude(x, y) => {
                (OUT_OF_BOUND, "no number satisfies both bounds")
            }
            _ => return false,
        };
        let warning = self.warn(code, x, message.to_string());
        *warning = warning.clone().label(second, "");
        true
    }

    // ---- disjunctions ----

    /// An arm that is there twice.
    fn disjunction(&mut self, index: u32) {
        let arms = self.program.disjunctions[index as usize].arms.clone();
        for (i, &(arm, marked)) in arms.iter().enumerate() {
            let Some(value) = self.kinds.constant(arm) else {
                continue;
            };
            let first = arms[..i].iter().find(|&&(other, mark)| {
                mark == marked
                    && (self.kinds.constant(other))
                        .is_some_and(|other| self.kinds.same(value, other))
            });
            if let Some(&(first, _)) = first {
                let place = self.place(first);
                let warning = self.warn(TWICE, arm, "this alternative is there twice".into());
                *warning = warning.clone().label(place, "the first time");
            }
        }
    }

    /// Arms that are not of the kind that what they are unified with leaves.
    fn unreachable(&mut self, index: u32, kind: Kind, disjunction: ExprId, parts: &[ExprId]) {
        let arms = self.program.disjunctions[index as usize].arms.clone();
        for (arm, marked) in arms {
            let own = self.kinds.of(arm);
            let out_of_bound = self.kinds.constant(arm).is_some_and(|value| {
                let mut others = parts.iter().filter(|&&other| other != disjunction);
                others.any(|&other| self.kinds.violates(value, other))
            });
            if own.is_empty() || kind.is_empty() || (!own.and(kind).is_empty() && !out_of_bound) {
                continue;
            }
            let what = if marked {
                "this default"
            } else {
                "this alternative"
            };
            let warning = self.warn(NEVER, arm, format!("{what} can never be chosen"));
            warning.labels[0].message = match out_of_bound {
                true => "this is out of a bound beside it".to_string(),
                false => format!("this is {own}, and only {kind} is left"),
            };
        }
    }

    // ---- operations ----

    fn operands(&mut self, id: ExprId, op: Operator, x: ExprId, y: ExprId) {
        let (p, q) = (self.kinds.of(x), self.kinds.of(y));
        if p.is_empty() || q.is_empty() {
            return;
        }
        let both = |kind: Kind| !p.and(kind).is_empty() && !q.and(kind).is_empty();
        let ordered = both(Kind::NUMBER) || both(Kind::STRING) || both(Kind::BYTES);
        let repeats = |a: Kind, b: Kind| {
            !a.and(Kind::STRING.or(Kind::BYTES)).is_empty() && !b.and(Kind::INT).is_empty()
        };
        let fits = match op {
            // The right one may never be looked at.
            Operator::And { .. } | Operator::Or { .. } => !p.and(Kind::BOOL).is_empty(),
            Operator::Add => ordered,
            Operator::Subtract | Operator::Divide => both(Kind::NUMBER),
            Operator::Multiply => both(Kind::NUMBER) || repeats(p, q) || repeats(q, p),
            Operator::Compare(Comparison::Equal | Comparison::NotEqual) => true,
            Operator::Compare(Comparison::Match | Comparison::NotMatch) => {
                self.pattern(y);
                !q.and(Kind::STRING).is_empty() && !p.and(Kind::STRING.or(Kind::BYTES)).is_empty()
            }
            Operator::Compare(_) => ordered,
        };
        if !fits {
            let (first, second) = (self.place(x), self.place(y));
            let message = "these operands do not go together".to_string();
            let warning = self.warn(OPERATION, id, message);
            warning.labels.clear();
            *warning = warning
                .clone()
                .label(first, format!("this is {p}"))
                .label(second, format!("this is {q}"));
        }
    }

    fn operand(&mut self, x: ExprId, want: Kind, of: &str) {
        let kind = self.kinds.of(x);
        if !kind.is_empty() && kind.and(want).is_empty() {
            self.warn(
                OPERATION,
                x,
                format!("the operand of {of} is {kind}, and must be {want}"),
            );
        }
    }

    fn interpolation(&mut self, start: u32, len: u32) {
        let wanted = Kind::BOOL.or(Kind::NUMBER).or(Kind::STRING).or(Kind::BYTES);
        for index in start..start + len {
            let part = self.program.lists[index as usize];
            let kind = self.kinds.of(part);
            if !kind.is_empty() && kind.and(wanted).is_empty() {
                self.warn(
                    OPERATION,
                    part,
                    format!("{kind} cannot be part of a string"),
                );
            }
        }
    }

    /// A bound whose operand is a literal.
    fn folded(&mut self, id: ExprId, index: u32) {
        let bound = self.program.bounds[index as usize];
        if matches!(bound.op, Comparison::Match | Comparison::NotMatch) {
            self.regexp(id, bound.value);
        }
    }

    fn pattern(&mut self, expr: ExprId) {
        if let Some(value) = self.kinds.constant(expr) {
            self.regexp(expr, value);
        }
    }

    fn regexp(&mut self, at: ExprId, value: Value) {
        let Value::String(id) = value else {
            return;
        };
        if let Err(message) = crate::value::regex::compile(self.program.strings.get(id)) {
            let last = message.lines().last().unwrap_or_default().to_string();
            self.warn(
                OPERATION,
                at,
                format!("this is no regular expression: {last}"),
            );
        }
    }

    fn call(&mut self, id: ExprId, function: ExprId, start: u32, len: u32) {
        let Expr::Value(Value::Function(index)) = self.program.exprs[function as usize] else {
            return;
        };
        let Callable::Package(package, function) = self.program.functions[index as usize] else {
            return;
        };
        let name = format!("{}.{}", package.name, function.name);
        let (have, most) = (len as usize, function.parameters.len());
        let least = function
            .parameters
            .iter()
            .filter(|p| p.default.is_none())
            .count();
        let validator = function.is_validator() && have + 1 == most;
        if have > most || (have < least && !validator) {
            let message = format!("{name} takes {most} arguments, and has {have} here");
            self.warn(OPERATION, id, message);
            return;
        }
        let parameters = &function.parameters[usize::from(validator)..];
        for (i, parameter) in parameters.iter().enumerate().take(have) {
            let argument = self.program.lists[start as usize + i];
            let kind = self.kinds.of(argument);
            let mut want = parameter.kind;
            // A string stands for bytes, bytes for a string, and an int for a float.
            if !want.and(Kind::STRING.or(Kind::BYTES)).is_empty() {
                want = want.or(Kind::STRING).or(Kind::BYTES);
            }
            if !want.and(Kind::FLOAT).is_empty() {
                want = want.or(Kind::NUMBER);
            }
            if !kind.is_empty() && kind.and(want).is_empty() {
                let message = format!(
                    "argument `{}` of {name} is {kind}, and must be {}",
                    parameter.name, parameter.kind
                );
                self.warn(OPERATION, argument, message);
            }
        }
    }
}
