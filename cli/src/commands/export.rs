//! `holosc export`: concrete data.

use super::{Session, apart};
use crate::Outcome;
use crate::args::{Export, Format};
use crate::encode::{Value, emit, encode, print_values, target};
use crate::load::{Instance, Loader};
use holos_lang::eval::Evaluation;
use std::path::Path;

pub(super) fn run(session: &mut Session, args: &Export) -> Outcome {
    let (format, path) = match target(&session.files, &args.output, Format::Json) {
        Ok(target) => target,
        Err(error) => return session.report(&[error]),
    };
    if let Some(schemas) = super::schemas::wanted(format) {
        return super::schemas::run(session, args, schemas);
    }
    let (outcome, values) = if args.components {
        super::components::values(session, args)
    } else {
        values(session, args)
    };
    let outcome = finish(session, outcome, format, path.as_deref(), &values);
    // The process is about to end: giving millions of values back one by one is waste.
    std::mem::forget(values);
    outcome
}

fn values(session: &mut Session, args: &Export) -> (Outcome, Vec<Value>) {
    let files = session.files.clone();
    let mut loader = Loader::new(&files);
    let merge = args.schema.is_none();
    let instances = match session.load(&mut loader, &args.inputs, merge) {
        Ok(instances) => instances,
        Err(outcome) => return (outcome, Vec::new()),
    };
    let mut values = Vec::new();
    if instances.len() < 2 || session.cost.profile.is_some() || args.schema.is_some() {
        let each =
            |session: &mut Session, evaluation: &mut Evaluation<'_>, instance: &mut Instance| {
                let schema = args.schema.as_deref();
                let nodes = match session.chosen(evaluation, instance, &args.expression, schema) {
                    Ok(nodes) => nodes,
                    Err(errors) => return session.report(&errors),
                };
                // Nothing needs them from here on.
                instance.package.files = Vec::new();
                evaluation.discard_trees();
                for node in nodes {
                    match evaluation.data(node) {
                        Ok(data) => values.push(Value::Data(data)),
                        Err(errors) => return session.report(&errors),
                    }
                }
                Outcome::Fine
            };
        let outcome = session.each_of(&mut loader, instances, merge, each);
        return (outcome, values);
    }
    let mut expressions = Vec::new();
    for text in &args.expression {
        match session.parse("--expression", text) {
            Ok(expression) => expressions.push(expression),
            Err(errors) => return (session.report(&errors), values),
        }
    }
    let mut instances = instances.into_iter();
    let next = |_: &mut Session, _: &mut Loader<'_>| {
        instances.next().map(|mut instance| {
            instance.merge_data();
            Ok(instance)
        })
    };
    let evaluated = apart::each(session, &mut loader, next, |evaluation| {
        if expressions.is_empty() {
            let root = evaluation.root();
            return Ok(vec![evaluation.data(root)?]);
        }
        let mut out = Vec::with_capacity(expressions.len());
        for (file, expr) in &expressions {
            let node = evaluation.expression(*file, expr)?;
            out.push(evaluation.data(node)?);
        }
        Ok(out)
    });
    let mut outcome = Outcome::Fine;
    for package in evaluated {
        outcome = super::graver(outcome, session.report(&package.found));
        values.extend(package.value.into_iter().flatten().map(Value::Data));
    }
    (outcome, values)
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
