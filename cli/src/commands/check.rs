//! `holosc check`: every error of the packages, without needing concrete values.

use super::Session;
use crate::Outcome;
use crate::args::Check;
use crate::files::write;
use holos_lang::diagnostic::{Diagnostic, FileId, Place};
use holos_lang::eval::Evaluation;
use std::collections::BTreeMap;

pub(super) fn run(session: &mut Session, args: &Check) -> Outcome {
    session.programs = true;
    if args.fix {
        let outcome = fix(session, args);
        if outcome != Outcome::Fine {
            return outcome;
        }
    }
    session.lint = true;
    session.each(&args.inputs, true, |session, evaluation, _| {
        let found = all(evaluation);
        session.report(&found)
    })
}

/// What evaluation shows, and what shows without it at other places.
fn all(evaluation: &mut Evaluation<'_>) -> Vec<Diagnostic> {
    let found = Session::wrong(evaluation);
    with_warnings(found, evaluation)
}

/// The findings, and the warnings of what is at other places.
pub(crate) fn with_warnings(
    mut found: Vec<Diagnostic>,
    evaluation: &Evaluation<'_>,
) -> Vec<Diagnostic> {
    let said: Vec<Place> = (found.iter())
        .flat_map(|diagnostic| diagnostic.labels.iter().map(|label| label.place))
        .collect();
    let mut warnings = evaluation.lint();
    warnings.retain(|warning| {
        let mut places = warning.labels.iter().map(|label| label.place);
        !places.any(|place| said.iter().any(|&other| place.overlaps(other)))
    });
    found.extend(warnings);
    found
}

/// Applies the fixes of all findings.
fn fix(session: &mut Session, args: &Check) -> Outcome {
    session.collected = Some(Vec::new());
    session.each(&args.inputs, true, |session, evaluation, _| {
        let found = all(evaluation);
        session.report(&found)
    });
    let found = session.collected.take().unwrap_or_default();
    let mut edits: BTreeMap<FileId, Vec<(Place, String)>> = BTreeMap::new();
    for fix in found.into_iter().filter_map(|diagnostic| diagnostic.fix) {
        for (place, text) in fix.edits {
            edits.entry(place.file).or_default().push((place, text));
        }
    }
    let mut count = 0;
    for (file, edits) in edits {
        match rewrite(session, file, edits) {
            Ok(applied) => count += applied,
            Err(error) => return session.report(&[error]),
        }
    }
    // Read again: places have moved.
    session.sources = Default::default();
    let plural = if count == 1 { "" } else { "s" };
    session.print(format!("fixed {count} mistake{plural}\n").as_bytes())
}

/// Applies edits to a file of the user's: how many.
fn rewrite(
    session: &Session,
    file: FileId,
    mut edits: Vec<(Place, String)>,
) -> Result<usize, Diagnostic> {
    let source = session.sources.get(file);
    let path = session.files.absolute(&*source.name);
    if !source.user || !session.files.is_file(&path) {
        return Ok(0);
    }
    // From the end, so that what is before stays in its place; of edits that overlap, the last one.
    edits.sort_by_key(|(place, _)| std::cmp::Reverse((place.span.start, place.span.end)));
    edits.dedup();
    let (mut text, mut before, mut count) = (source.text.to_string(), u32::MAX, 0);
    for (place, replacement) in edits {
        if place.span.end <= before {
            let range = place.span.start as usize..place.span.end as usize;
            text.replace_range(range, &replacement);
            before = place.span.start;
            count += 1;
        }
    }
    write(&session.files, &path, text.as_bytes())?;
    Ok(count)
}
