//! `holosc vet`: data against a schema, document by document; packages in themselves; or, where
//! there are only data files and no schema, Kubernetes manifests.

use super::{Session, graver};
use crate::Outcome;
use crate::args::Vet;
use crate::load::Document;
use holos_lang::diagnostic::Diagnostic;
use holos_lang::diagnostic::FileId;
use holos_lang::eval::{Evaluation, NodeId, Strictness};
use holos_lang::syntax::tree;
use rayon::prelude::*;

/// So many documents are checked by one evaluation, before it is dropped with all that they came to.
const DOCUMENTS: usize = 256;

pub(super) fn run(session: &mut Session, args: &Vet) -> Outcome {
    let placing = &args.inputs.placing;
    let placed = !placing.path.is_empty() || placing.list;
    if !placed && let Some(outcome) = super::manifests::run(session, args) {
        return outcome;
    }
    let mut schemas = Vec::new();
    for text in &args.schema {
        match session.parse("--schema", text) {
            Ok(schema) => schemas.push(schema),
            Err(errors) => return session.report(&errors),
        }
    }
    let schema = &schemas[..];
    let merge = placing.merge == Some(true) && schema.is_empty();
    session.each(&args.inputs, merge, |session, evaluation, instance| {
        let value = match value_of(evaluation, schema) {
            Ok(value) => value,
            Err(errors) => return session.report(&errors),
        };
        if instance.data.is_empty() {
            if !schema.is_empty() {
                return session.report(&[super::no_data()]);
            }
            let concrete = match merge {
                true => args.concrete != Some(false),
                false => args.concrete == Some(true),
            };
            let errors = found(evaluation, value, concrete);
            return session.report(&errors);
        }
        let concrete = args.concrete != Some(false);
        if session.cost.profile.is_some() {
            let errors = check(evaluation, schema, &instance.data, concrete);
            return session.report(&errors.concat());
        }
        let seed = evaluation.seed();
        let errors: Vec<_> = instance
            .data
            .par_chunks(DOCUMENTS)
            .flat_map_iter(|documents| {
                let mut evaluation = seed.evaluation();
                check(&mut evaluation, schema, documents, concrete)
            })
            .collect();
        errors.iter().fold(Outcome::Fine, |outcome, errors| {
            graver(outcome, session.report(errors))
        })
    })
}

/// What data is checked against: all schemas, or the package.
fn value_of(
    evaluation: &mut Evaluation<'_>,
    schemas: &[(FileId, tree::Expr)],
) -> Result<NodeId, Vec<Diagnostic>> {
    let mut all: Option<NodeId> = None;
    for (file, expr) in schemas {
        let schema = evaluation.expression(*file, expr)?;
        all = Some(match all {
            None => schema,
            Some(others) => evaluation.unify(others, schema),
        });
    }
    Ok(all.unwrap_or_else(|| evaluation.root()))
}

/// What is wrong with each document.
fn check(
    evaluation: &mut Evaluation<'_>,
    schema: &[(FileId, tree::Expr)],
    documents: &[Document],
    concrete: bool,
) -> Vec<Vec<Diagnostic>> {
    let schema = value_of(evaluation, schema);
    let check = |document: &Document| {
        let schema = schema.clone()?;
        let data = evaluation.expression(document.file, &document.expr)?;
        let both = evaluation.unify(schema, data);
        Ok(found(evaluation, both, concrete))
    };
    let found = documents.iter().map(check);
    found
        .map(|found| found.unwrap_or_else(|errors| errors))
        .collect()
}

/// What is wrong with a value; concrete values must also be fit to be written as data.
fn found(evaluation: &mut Evaluation<'_>, node: NodeId, concrete: bool) -> Vec<Diagnostic> {
    if !concrete {
        return evaluation.errors(node, Strictness::Final);
    }
    let errors = evaluation.errors(node, Strictness::Concrete);
    if errors.is_empty() {
        evaluation.check_data(node).err().unwrap_or_default()
    } else {
        errors
    }
}
