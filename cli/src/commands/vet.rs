//! `holosc vet`: data against a schema, document by document; packages in themselves; or, where
//! there are only data files and no schema, Kubernetes manifests.

use super::{Session, graver};
use crate::Outcome;
use crate::args::Vet;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::eval::{Evaluation, NodeId, Strictness};

pub(super) fn run(session: &mut Session, args: &Vet) -> Outcome {
    if let Some(outcome) = super::manifests::run(session, args) {
        return outcome;
    }
    session.each(&args.inputs, false, |session, evaluation, instance| {
        let schema = match &args.schema[..] {
            [] => evaluation.root(),
            [_, _, ..] => {
                let message = "`--schema` is given twice; several are for manifests, as folders";
                return session.report(&[Diagnostic::error(Code(910), message)]);
            }
            [text] => match session.expression(evaluation, "--schema", text) {
                Ok(node) => node,
                Err(errors) => return session.report(&errors),
            },
        };
        if instance.data.is_empty() {
            if !args.schema.is_empty() {
                let error = Diagnostic::error(
                    Code(910),
                    "`--schema` is for data files, and there are none",
                );
                return session.report(&[error]);
            }
            let concrete = args.concrete == Some(true);
            let errors = found(evaluation, schema, concrete);
            return session.report(&errors);
        }
        let concrete = args.concrete != Some(false);
        let mut outcome = Outcome::Fine;
        for document in &instance.data {
            let errors = match evaluation.expression(document.file, &document.expr) {
                Ok(data) => {
                    let both = evaluation.unify(schema, data);
                    found(evaluation, both, concrete)
                }
                Err(errors) => errors,
            };
            outcome = graver(outcome, session.report(&errors));
        }
        outcome
    })
}

/// What is wrong with a value; concrete values must also be fit to be written as data.
fn found(evaluation: &mut Evaluation<'_>, node: NodeId, concrete: bool) -> Vec<Diagnostic> {
    if !concrete {
        return evaluation.errors(node, Strictness::Final);
    }
    let errors = evaluation.errors(node, Strictness::Concrete);
    if errors.is_empty() {
        evaluation.data(node).err().unwrap_or_default()
    } else {
        errors
    }
}
