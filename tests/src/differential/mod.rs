//! Generated programs, and whether this evaluator and another implementation of the language agree on them.
//!
//! [`generate`] makes programs, [`evaluate`] says what becomes of one here, [`reference`] what becomes of many elsewhere,
//! [`shrink`] offers smaller programs for one on which they differ, [`explain`] a reason that can be checked, with other spellings
//! of it ([`variants`]).

pub mod cycles;
pub mod evaluate;
pub mod explain;
pub mod generate;
pub mod program;
pub mod read;
pub mod reference;
pub mod rewrite;
pub mod shrink;
pub mod variants;

use std::collections::BTreeSet;

/// What becomes of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Data, as JSON.
    Data(String),
    /// Not concrete: where, and the value as language text.
    Incomplete(BTreeSet<String>, String),
    /// Wrong: where.
    Wrong(BTreeSet<String>),
    /// It is no program: a name leads nowhere, a `let` is not used.
    Refused(String),
    /// It could not be evaluated at all.
    Failed(String),
}

/// How closely outcomes are compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Closeness {
    /// Data, and whether the program is wrong or not concrete.
    Class,
    /// Also where.
    Paths,
    /// Also the text of what is not concrete; the order of its words does not count.
    Text,
}

impl Outcome {
    /// Whether two outcomes are the same.
    pub fn agrees(&self, other: &Outcome, closeness: Closeness) -> bool {
        match (self, other) {
            (Outcome::Data(x), Outcome::Data(y)) => x == y,
            (Outcome::Incomplete(a, x), Outcome::Incomplete(b, y)) => {
                (a == b || closeness < Closeness::Paths)
                    && (closeness < Closeness::Text || words(x) == words(y))
            }
            (Outcome::Wrong(a), Outcome::Wrong(b)) => a == b || closeness < Closeness::Paths,
            // What is refused before evaluation differs in words only.
            (Outcome::Refused(_), Outcome::Refused(_) | Outcome::Wrong(_))
            | (Outcome::Wrong(_), Outcome::Refused(_)) => true,
            _ => false,
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    let separators = |c: char| !(c.is_alphanumeric() || "_#\"".contains(c));
    let mut words: Vec<&str> = text
        .split(separators)
        .filter(|word| !word.is_empty())
        .collect();
    words.sort_unstable();
    words
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths = |paths: &BTreeSet<String>| paths.iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Outcome::Data(json) => write!(f, "data {json}"),
            Outcome::Incomplete(at, text) => write!(f, "incomplete at {} in {text}", paths(at)),
            Outcome::Wrong(at) => write!(f, "wrong at {}", paths(at)),
            Outcome::Refused(why) => write!(f, "refused: {why}"),
            Outcome::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}
