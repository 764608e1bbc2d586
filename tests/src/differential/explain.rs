//! Why two evaluators differ on a program: reasons that can be checked, each by evaluating other spellings of it.

use super::cycles::References;
use super::evaluate::{NO_ANSWER, evaluate, failing};
use super::generate::Random;
use super::program::{Decl, Expr};
use super::reference::{self, Answers};
use super::rewrite;
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
    /// Nor is there one here, within the limits.
    NeitherAnswers,
    /// The other evaluator gives another answer when declarations, operands of `&` or arms stand in another order, and in
    /// one of these orders it is the answer here; here the answer is the same in that order.
    Order,
    /// The same for another spelling that means the same ([`super::variants`], [`super::rewrite`]).
    Spelling,
    /// What depends on itself fails in both, finally in one and as not yet known in the other: at each place that is wrong in
    /// one there is an error in the other, there or around it, and the names on the way there refer to each other in a circle.
    Finality,
    /// The data is the same, in another order of fields.
    FieldOrder,
    /// Another version of the other evaluator gives the answer that is given here.
    Version,
    /// The program is in a list, with the rule of the language that decides.
    Listed,
}

impl Reason {
    /// How a summary names it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NoAnswer => "CUE panics or does not end",
            Reason::NeitherAnswers => "neither gives an answer within limits",
            Reason::Order => "the order shows in CUE",
            Reason::Spelling => "the spelling shows in CUE",
            Reason::Finality => "a cycle fails, finally or not",
            Reason::FieldOrder => "only the order of fields differs",
            Reason::Version => "CUE's versions differ",
            Reason::Listed => "explained by itself",
        }
    }
}

/// The evaluators to be asked.
pub struct Witnesses<'a> {
    pub reference: Box<dyn Answers + 'a>,
    /// The same evaluator in another version.
    pub other: Option<Box<dyn Answers + 'a>>,
    pub closeness: Closeness,
    /// The spelling of the last program that differed on which both agree.
    pub witness: Option<Witness>,
}

/// A spelling on which both agree: what was done, and the text.
#[derive(Debug)]
pub struct Witness {
    pub rewritings: Vec<&'static str>,
    pub text: String,
}

type Spelling = (Vec<&'static str>, Vec<Decl>);

fn named(name: &'static str, programs: Vec<Vec<Decl>>) -> Vec<Spelling> {
    let programs = programs.into_iter();
    programs.map(|program| (vec![name], program)).collect()
}

/// How many spellings the reference is asked at a time.
const AT_ONCE: usize = 40;
/// How many programs with several rewritings are tried, and how many rewritings they have at most.
const OFTEN: usize = 200;
const MOST: usize = 3;

fn rewritten_once(program: &[Decl]) -> Vec<Spelling> {
    let found = rewrite::once(program).into_iter();
    found
        .map(|rewritten| (vec![rewritten.rewriting], rewritten.program))
        .collect()
}

fn rewritten_often(program: &[Decl]) -> Vec<Spelling> {
    rewrite::often(program, &mut Random::new(1), OFTEN, MOST)
}

impl Witnesses<'_> {
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
        self.witness = None;
        match (here, there) {
            (Outcome::Failed(why), Outcome::Failed(_)) if why == NO_ANSWER => {
                return Ok(Some(Reason::NeitherAnswers));
            }
            (Outcome::Failed(_), _) => return Ok(None),
            (_, Outcome::Failed(_)) => return Ok(Some(Reason::NoAnswer)),
            _ => {}
        }
        if same(here, there, self.closeness) {
            return Ok(Some(Reason::FieldOrder));
        }
        // Data that the program itself contradicts is no answer, whatever the other evaluator says.
        if fixed(program, here).is_some() {
            return Ok(None);
        }
        if self.shows(
            &named("the order means nothing", reordered(program)),
            here,
            there,
        )? {
            return Ok(Some(Reason::Order));
        }
        if self.shows(&named("everywhere", rewritten(program)), here, there)?
            || self.shows(&rewritten_once(program), here, there)?
            || self.shows(&rewritten_often(program), here, there)?
        {
            return Ok(Some(Reason::Spelling));
        }
        if self.differ_in_finality(program, here, there)? {
            return Ok(Some(Reason::Finality));
        }
        if let Some(other) = &mut self.other
            && let [outcome] = &reference::outcomes(&mut **other, &[text(program)])?[..]
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
                (wrong, reference::failing(&mut *self.reference, &text)?)
            }
            (Outcome::Incomplete(..) | Outcome::Data(_), Outcome::Wrong(wrong)) => {
                (wrong, failing(&text, "p"))
            }
            _ => return Ok(false),
        };
        let mut failing = failing;
        for outcome in [here, there] {
            if let Outcome::Incomplete(paths, _) = outcome {
                failing.extend(paths.iter().cloned());
            }
        }
        let references = References::of(program);
        Ok(!wrong.is_empty()
            && wrong
                .iter()
                .all(|path| fails_at(&failing, path) && references.in_cycle(path)))
    }

    /// Whether one of the variants has the outcome that the program has here in both evaluators.
    fn shows(
        &mut self,
        variants: &[Spelling],
        here: &Outcome,
        there: &Outcome,
    ) -> io::Result<bool> {
        for variants in variants.chunks(AT_ONCE) {
            let texts: Vec<String> = variants.iter().map(|(_, program)| text(program)).collect();
            let outcomes = reference::outcomes(&mut *self.reference, &texts)?;
            let witness = texts.iter().zip(&outcomes).position(|(text, outcome)| {
                // What is no program at all is none of the spellings.
                !matches!(outcome, Outcome::Refused(_))
                    && !same(outcome, there, self.closeness)
                    && same(outcome, here, self.closeness)
                    && {
                        let ours = evaluate(text, "p");
                        same(&ours, outcome, self.closeness)
                    }
            });
            if let Some(at) = witness {
                self.witness = Some(Witness {
                    rewritings: variants[at].0.clone(),
                    text: texts[at].clone(),
                });
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The spellings of a program, by one rewriting or in another order, whose outcome here is another one.
pub fn broken(program: &[Decl], here: &Outcome) -> Vec<(&'static str, String, Outcome)> {
    if matches!(here, Outcome::Refused(_)) {
        return Vec::new();
    }
    let own = fixed(program, here);
    let orders = reordered(program).into_iter();
    let orders = orders.map(|program| ("the order means nothing", program));
    let once = rewrite::once(program).into_iter();
    let once = once.map(|rewritten| (rewritten.rewriting, rewritten.program));
    orders
        .chain(once)
        .filter_map(|(rewriting, program)| {
            let text = text(&program);
            let outcome = evaluate(&text, "p");
            (!same(&outcome, here, Closeness::Class)).then_some((rewriting, text, outcome))
        })
        .chain(own)
        .collect()
}

/// A program conjoined with the data that it is, if it then is something else.
fn fixed(program: &[Decl], here: &Outcome) -> Option<(&'static str, String, Outcome)> {
    let text = text(program);
    let Outcome::Data(data) = here else {
        return None;
    };
    // Bytes are texts in JSON, and an open list is closed.
    if text.contains("'b'") || text.contains("...") {
        return None;
    }
    let text = format!("{text}\np: {data}");
    let outcome = evaluate(&text, "p");
    (!same(&outcome, here, Closeness::Class)).then_some((
        "a value is what it evaluates to",
        text,
        outcome,
    ))
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

/// Whether a path leads to a field; what is in a clause or a pattern has one as well.
pub(super) fn is_place(path: &str) -> bool {
    (path == "p" || path.starts_with("p."))
        && !path
            .split('.')
            .any(|label| label.ends_with("[]") || super::variants::is_let(label))
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
