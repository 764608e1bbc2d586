//! The project's own language suite: every assertion of every archive in `suites/language` holds, but for
//! those in `suites/language/skip.txt`, which may fail.
//!
//! A line of that file is `assertion # reason`, the assertion in the words a failure is reported with. With
//! `UPDATE_SUITES=1` in the environment the file is rewritten: lines of assertions that hold go, those that fail are added.

use holos_tests::conformance::isolated::{archives, isolated};
use holos_tests::conformance::txtar::Archive;
use holos_tests::conformance::{builtins, run};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const HEADER: &str =
    "Assertions that do not hold yet, one a line, with the reason behind a number sign.\n";
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn every_assertion_holds() -> std::io::Result<()> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/language");
    let list = suite.join("skip.txt");
    let text = std::fs::read_to_string(&list)?;
    let skipped: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(" # "))
        .collect();
    let executable = Path::new(env!("CARGO_BIN_EXE_conformance"));
    let failures: Vec<(String, String)> = archives(&suite)?
        .into_par_iter()
        .map(|file| {
            let name = file
                .strip_prefix(&suite)
                .unwrap_or(&file)
                .with_extension("");
            let name = name.to_string_lossy().replace('\\', "/");
            let report = isolated(executable, &file, None, LIMIT)?;
            let failed = report.outcomes.into_iter().filter_map(|outcome| {
                Some((format!("{name} {}", outcome.assertion), outcome.failure?))
            });
            let mut failed: Vec<_> = failed.collect();
            failed.extend(report.ended.map(|why| (name, why)));
            Ok(failed)
        })
        .collect::<std::io::Result<Vec<_>>>()?
        .concat();
    let failed: BTreeSet<&str> = failures
        .iter()
        .map(|(assertion, _)| assertion.as_str())
        .collect();
    if std::env::var_os("UPDATE_SUITES").is_some() {
        let mut lines = String::from(HEADER);
        for assertion in &failed {
            let reason = skipped
                .get(assertion)
                .copied()
                .unwrap_or("the evaluator differs from CUE here");
            lines.push_str(&format!("{assertion} # {reason}\n"));
        }
        return std::fs::write(list, lines);
    }
    let mut report = String::new();
    for (assertion, why) in &failures {
        if !skipped.contains_key(assertion.as_str()) {
            report.push_str(&format!("FAIL {assertion}\n     {why}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
    Ok(())
}

/// An alternative that is too large to be worked out is an error of the whole: it is not left out.
#[test]
fn a_limit_takes_no_alternative_away() {
    let chain = |length: usize| {
        let links = (1..length).map(|i| format!("_d{i}: *_d{} | int\n", i - 1));
        let links: String = links.collect();
        let expected = match length {
            ..200 => "@test(eq, *{a: 1} | int)",
            _ => "@test(err)",
        };
        let last = length - 1;
        let text = format!("-- in.cue --\n_d0: {{a: 1}}\n{links}x: _d{last} {expected}\n");
        let mut failures = Vec::new();
        run(&Archive::parse(&text), builtins(), None, &mut |outcome| {
            failures.extend(outcome.failure);
        });
        failures
    };
    for length in [60, 120, 250] {
        assert_eq!(chain(length), Vec::<String>::new(), "{length} links");
    }
}
