//! Removing from files what the rest of a package implies: fields whose values a schema or a template gives anyway.
//!
//! What may go is guessed ([`Evaluation::implied`]), and then tried: the package is evaluated without it, and has to come
//! out the same. Where several candidates cannot go together, halves of them are tried.
//!
//! [`Evaluation::implied`]: holos_lang::eval::Evaluation::implied

mod text;
mod tree;

pub(crate) use text::without;
pub(crate) use tree::{Candidate, candidates, pruned};

use holos_lang::diagnostic::Place;
use std::collections::BTreeSet;

/// The fields that are taken out.
pub(crate) type Cuts = BTreeSet<Place>;

/// The largest set of candidates that can go; `same` says whether the package without a set comes out the same.
/// Of two that imply each other the first one stays.
pub(crate) fn largest(
    candidates: &[Candidate],
    cuts: &mut Cuts,
    same: &mut impl FnMut(&Cuts) -> bool,
) {
    if candidates.is_empty() {
        return;
    }
    let mut trial = cuts.clone();
    trial.extend(candidates.iter().map(|candidate| candidate.cut));
    if same(&trial) {
        *cuts = trial;
    } else if candidates.len() > 1 {
        let (first, second) = candidates.split_at(candidates.len() / 2);
        largest(second, cuts, same);
        largest(first, cuts, same);
    }
}
