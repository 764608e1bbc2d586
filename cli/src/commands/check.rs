//! `holosc check`: every error of the packages, without needing concrete values.

use super::Session;
use crate::Outcome;
use crate::args::Check;
use holos_lang::eval::Strictness;

pub(super) fn run(session: &mut Session, args: &Check) -> Outcome {
    session.each(&args.inputs, true, |session, evaluation, _| {
        let root = evaluation.root();
        let errors = evaluation.errors(root, Strictness::Final);
        session.report(&errors)
    })
}
