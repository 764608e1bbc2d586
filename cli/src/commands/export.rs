//! `holosc export`: concrete data.

use super::Session;
use crate::Outcome;
use crate::args::{Export, Format};
use crate::encode::{Value, emit, encode, print_values, target};
use std::path::Path;

pub(super) fn run(session: &mut Session, args: &Export) -> Outcome {
    let (format, path) = match target(&session.files, &args.output, Format::Json) {
        Ok(target) => target,
        Err(error) => return session.report(&[error]),
    };
    if let Some(schemas) = super::schemas::wanted(format) {
        return super::schemas::run(session, args, schemas);
    }
    let mut values = Vec::new();
    let outcome = session.each(
        &args.inputs,
        args.schema.is_none(),
        |session, evaluation, instance| {
            let nodes = match session.chosen(
                evaluation,
                instance,
                &args.expression,
                args.schema.as_deref(),
            ) {
                Ok(nodes) => nodes,
                Err(errors) => return session.report(&errors),
            };
            for node in nodes {
                match evaluation.data(node) {
                    Ok(data) => values.push(Value::Data(data)),
                    Err(errors) => return session.report(&errors),
                }
            }
            Outcome::Fine
        },
    );
    let outcome = finish(session, outcome, format, path.as_deref(), &values);
    // The process is about to end: giving millions of values back one by one is waste.
    std::mem::forget(values);
    outcome
}

/// Writes the values. To a file only where all went well; to standard output what there is.
pub(super) fn finish(
    session: &mut Session,
    outcome: Outcome,
    format: Format,
    path: Option<&Path>,
    values: &[Value],
) -> Outcome {
    if outcome != Outcome::Fine && (path.is_some() || values.is_empty()) {
        return outcome;
    }
    let start = std::time::Instant::now();
    let written = match path {
        Some(_) => encode(format, values).and_then(|bytes| emit(&session.files, path, &bytes)),
        None => print_values(&session.files, format, values),
    };
    session.cost.add("output", start);
    match written {
        Ok(()) => outcome,
        Err(error) => super::graver(outcome, session.report(&[error])),
    }
}
