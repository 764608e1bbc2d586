//! `holosc vet`: data against a schema, document by document; packages in themselves; or, where
//! there are only data files and no schema, Kubernetes manifests.

use super::{Session, graver};
use crate::Outcome;
use crate::args::Vet;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::eval::Strictness;

pub(super) fn run(session: &mut Session, args: &Vet) -> Outcome {
    if let Some(outcome) = super::manifests::run(session, args) {
        return outcome;
    }
    session.each(&args.inputs, false, |session, evaluation, instance| {
        let schema = match &args.schema {
            None => evaluation.root(),
            Some(text) => match session.expression(evaluation, "--schema", text) {
                Ok(node) => node,
                Err(errors) => return session.report(&errors),
            },
        };
        if instance.data.is_empty() {
            if args.schema.is_some() {
                let error = Diagnostic::error(
                    Code(910),
                    "`--schema` is for data files, and there are none",
                );
                return session.report(&[error]);
            }
            let concrete = args.concrete == Some(true);
            let errors = evaluation.errors(
                schema,
                if concrete {
                    Strictness::Concrete
                } else {
                    Strictness::Final
                },
            );
            return session.report(&errors);
        }
        let strictness = if args.concrete == Some(false) {
            Strictness::Final
        } else {
            Strictness::Concrete
        };
        let mut outcome = Outcome::Fine;
        for document in &instance.data {
            let errors = match evaluation.expression(document.file, &document.expr) {
                Ok(data) => {
                    let both = evaluation.unify(schema, data);
                    evaluation.errors(both, strictness)
                }
                Err(errors) => errors,
            };
            outcome = graver(outcome, session.report(&errors));
        }
        outcome
    })
}
