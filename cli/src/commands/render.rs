//! `holosc render`: a platform's manifests on disk.

use super::Session;
use crate::Outcome;
use crate::args::Render;
use crate::render::tree::{Difference, Tree};
use crate::render::{Plan, change, plan};
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_schemas::validate::Validator;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many changed files the summary lists.
const MOST_LISTED: usize = 20;

pub(super) fn run(session: &mut Session, args: &Render) -> Outcome {
    let start = Instant::now();
    let out = match &args.out {
        Some(out) => session.files.absolute(out),
        None => session
            .files
            .absolute(args.input.directory.split(':').next().unwrap_or("."))
            .join("deploy"),
    };
    let mut validator = Validator::new();
    super::manifests::installed(session, &mut validator);
    let validator = Arc::new(validator);
    let of_packages = validator.clone();
    session.read_ahead = Some(Box::new(move |paths| {
        of_packages.read_ahead(paths.iter().map(String::as_str));
    }));
    let planned = session.platform(
        &args.input,
        |manifests, gitops| {
            let start = Instant::now();
            (plan(manifests, gitops, &validator), start.elapsed())
        },
        |((_, found), _)| found,
    );
    let (platform, ((plan, found), rendered)) = match planned {
        Ok(planned) => planned,
        Err(outcome) => return outcome,
    };
    // The process is about to end: giving a large value back piece by piece is waste.
    std::mem::forget((platform, validator));
    let checked = start.elapsed();
    let outcome = session.report(&found);
    if outcome != Outcome::Fine {
        return outcome;
    }
    let shown = format!("{}/", session.files.display(&out).trim_end_matches('/'));
    let tree = Tree::new(out, shown.clone());
    let result = if args.check {
        tree.compare(&plan.files)
    } else {
        tree.write(&plan.files)
    };
    let difference = match result {
        Ok(difference) => difference,
        Err(error) => return session.report(&[error]),
    };
    let text = summary(
        &plan,
        &difference,
        &shown,
        args.check,
        [checked, rendered, start.elapsed() - checked],
    );
    let outcome = session.print(text.as_bytes());
    if args.check && !difference.is_empty() {
        let error = Diagnostic::error(
            Code(433),
            format!("`{shown}` is not what the platform renders to"),
        )
        .help("run `holosc render`, and commit what it writes");
        return session.report(&[error]);
    }
    outcome
}

fn summary(
    plan: &Plan,
    difference: &Difference,
    shown: &str,
    check: bool,
    times: [Duration; 3],
) -> String {
    let mut out = String::new();
    let counts = [
        format!(
            "checked   {}, {}, {}",
            count(plan.clusters, "cluster"),
            count(plan.namespaces, "namespace"),
            count(plan.components, "component"),
        ),
        format!(
            "rendered  {}, validated against {}",
            count(plan.objects, "object"),
            count(plan.kinds, "kind")
        ),
        format!(
            "{}  {shown}  {} changed, {} new, {} removed, {} same",
            if check { "compared" } else { "wrote   " },
            count(difference.changed.len(), "file"),
            number(difference.new.len()),
            number(difference.removed.len()),
            number(difference.same),
        ),
    ];
    for (line, time) in counts.iter().zip(times) {
        let _ = writeln!(out, " {line:<60} {:>6.2} s", time.as_secs_f64());
    }
    let contents = |name: &String| plan.files.get(name).map_or(&[][..], Vec::as_slice);
    let changed = difference
        .changed
        .iter()
        .map(|(name, before)| ("~", name, change::describe(before, contents(name))));
    let removed = difference
        .removed
        .iter()
        .map(|name| ("-", name, String::new()));
    // A first render is all new; its files are not worth a list.
    let new = difference
        .new
        .iter()
        .filter(|_| difference.same + difference.changed.len() > 0);
    let new = new.map(|name| ("+", name, String::new()));
    let lines: Vec<_> = changed.chain(new).chain(removed).collect();
    let width = lines
        .iter()
        .take(MOST_LISTED)
        .map(|(_, name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (mark, name, words) in lines.iter().take(MOST_LISTED) {
        let _ = writeln!(
            out,
            "{}",
            format!("           {mark} {name:<width$}   {words}").trim_end()
        );
    }
    if lines.len() > MOST_LISTED {
        let _ = writeln!(
            out,
            "           … and {} more",
            number(lines.len() - MOST_LISTED)
        );
    }
    out
}

/// `1 file`, `1,204 objects`.
fn count(n: usize, what: &str) -> String {
    format!("{} {what}{}", number(n), if n == 1 { "" } else { "s" })
}

/// A number with commas between thousands.
fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{count, number};

    #[test]
    fn numbers_are_written_for_people() {
        for (n, expected) in [
            (0, "0"),
            (999, "999"),
            (1204, "1,204"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(number(n), expected);
        }
        assert_eq!(
            (count(1, "file").as_str(), count(2, "file").as_str()),
            ("1 file", "2 files")
        );
    }
}
