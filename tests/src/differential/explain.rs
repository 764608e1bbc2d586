//! Why two evaluators differ on a program: reasons that can be checked, each by evaluating other spellings of it.

use super::cycles::References;
use super::evaluate::{evaluate, failing};
use super::program::{Decl, Expr};
use super::reference::Reference;
use super::variants::{reordered, rewritten};
use super::{Closeness, Outcome};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;

/// A reason for a difference, with what it takes to be one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The other evaluator has no answer.
    NoAnswer,
    /// The other evaluator gives another answer when declarations, operands of `&` or arms stand in another order, and in
    /// one of these orders it is the answer here; here the answer is the same in that order.
    Order,
    /// The same for a spelling that the laws of the lattice make equal: `x & _` or `x & x` for `x`, a field twice, an arm
    /// twice, a `let` where it is used or as a hidden field, the body of `if true`.
    Spelling,
    /// What depends on itself fails in both, finally in one and as not yet known in the other: at each place that is wrong in
    /// one there is an error in the other, there or around it, and the names on the way there refer to each other in a circle.
    Finality,
    /// Another version of the other evaluator gives the answer that is given here.
    Version,
}

impl Reason {
    /// How a summary names it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NoAnswer => "CUE panics or does not end",
            Reason::Order => "the order shows in CUE",
            Reason::Spelling => "the spelling shows in CUE",
            Reason::Finality => "a cycle fails, finally or not",
            Reason::Version => "CUE's versions differ",
        }
    }
}

/// The evaluators to be asked.
pub struct Witnesses {
    pub reference: Reference,
    /// The same evaluator in another version.
    pub other: Option<Reference>,
    pub closeness: Closeness,
}

impl Witnesses {
    /// The reason for a difference; `None` if none is found.
    ///
    /// # Errors
    /// If a reference cannot be started.
    pub fn reason(
        &mut self,
        program: &[Decl],
        here: &Outcome,
        there: &Outcome,
    ) -> io::Result<Option<Reason>> {
        if matches!(here, Outcome::Failed(_)) {
            return Ok(None);
        }
        if matches!(there, Outcome::Failed(_)) {
            return Ok(Some(Reason::NoAnswer));
        }
        if self.shows(&reordered(program), here, there)? {
            return Ok(Some(Reason::Order));
        }
        if self.shows(&rewritten(program), here, there)? {
            return Ok(Some(Reason::Spelling));
        }
        if self.differ_in_finality(program, here, there)? {
            return Ok(Some(Reason::Finality));
        }
        if let Some(other) = &mut self.other
            && let [outcome] = &other.outcomes(&[text(program)])?[..]
            && here.agrees(outcome, self.closeness)
        {
            return Ok(Some(Reason::Version));
        }
        Ok(None)
    }

    fn differ_in_finality(
        &mut self,
        program: &[Decl],
        here: &Outcome,
        there: &Outcome,
    ) -> io::Result<bool> {
        let text = text(program);
        let (wrong, failing) = match (here, there) {
            (Outcome::Wrong(_), Outcome::Wrong(_)) => return Ok(false),
            (Outcome::Wrong(wrong), Outcome::Incomplete(..) | Outcome::Data(_)) => {
                (wrong, self.reference.failing(&text)?)
            }
            (Outcome::Incomplete(..) | Outcome::Data(_), Outcome::Wrong(wrong)) => {
                (wrong, failing(&text, "p"))
            }
            _ => return Ok(false),
        };
        let references = References::of(program);
        Ok(!wrong.is_empty()
            && wrong
                .iter()
                .all(|path| fails_at(&failing, path) && references.in_cycle(path)))
    }

    /// Whether one of the variants has the outcome that the program has here in both evaluators.
    fn shows(
        &mut self,
        variants: &[Vec<Decl>],
        here: &Outcome,
        there: &Outcome,
    ) -> io::Result<bool> {
        let texts: Vec<String> = variants.iter().map(|variant| text(variant)).collect();
        let outcomes = self.reference.outcomes(&texts)?;
        Ok(texts.iter().zip(&outcomes).any(|(text, outcome)| {
            !same(outcome, there, self.closeness) && same(outcome, here, self.closeness) && {
                let ours = evaluate(text, "p");
                same(&ours, outcome, self.closeness)
            }
        }))
    }
}

/// Whether there is an error at a path or around it. What fails inside an expression has no path from the top: any counts.
fn fails_at(failing: &BTreeSet<String>, path: &str) -> bool {
    if !is_place(path) {
        return !failing.is_empty();
    }
    failing.iter().any(|at| {
        let rest = path.strip_prefix(at.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

pub(super) fn is_place(path: &str) -> bool {
    path == "p" || path.starts_with("p.")
}

/// A program with its value as the field `p`.
pub fn text(program: &[Decl]) -> String {
    format!("p: {}", Expr::Struct(program.to_vec()))
}

/// Whether two outcomes are the same but for the order of fields.
fn same(a: &Outcome, b: &Outcome, closeness: Closeness) -> bool {
    match (a, b) {
        (Outcome::Data(x), Outcome::Data(y)) => {
            x == y
                || match (
                    serde_json::from_str::<Value>(x),
                    serde_json::from_str::<Value>(y),
                ) {
                    (Ok(x), Ok(y)) => x == y,
                    _ => false,
                }
        }
        _ => a.agrees(b, closeness),
    }
}
