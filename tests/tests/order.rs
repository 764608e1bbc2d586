//! Order does not show: whatever an archive of the language suite asserts holds in every order of declarations, operands
//! and files, and `&` is commutative, associative and idempotent.
//!
//! `suites/order.txt` names the corners where it does show, a line each: what, ` # `, and why.

use holos_tests::conformance::isolated::archives;
use holos_tests::conformance::laws::{generated, names, trials};
use holos_tests::conformance::permute::{Order, sensitive};
use holos_tests::conformance::{builtins, txtar::Archive};
use holos_tests::differential::generate::Random;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// Orders of each archive besides the reverse.
const SHUFFLES: u64 = 15;
/// Triples of names of each archive on which the laws are tried.
const TRIPLES: usize = 12;
/// Triples of generated values.
const GENERATED: u64 = 3000;
/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 64 << 20;

#[test]
fn order_of_declarations_does_not_show() -> io::Result<()> {
    let orders: Vec<Order> = std::iter::once(Order::Reversed)
        .chain((1..=SHUFFLES).map(Order::Shuffled))
        .collect();
    compare(
        "order",
        each_archive(|name, archive| {
            let found = sensitive(archive, builtins(), &orders).into_iter();
            let text = |order, why| format!("{order:?}: {why}");
            found
                .map(|f| {
                    (
                        format!("order {name} {}", f.assertion),
                        text(f.order, f.failure),
                    )
                })
                .collect()
        })?,
    )
}

#[test]
fn unification_obeys_its_laws() -> io::Result<()> {
    let mut failures = each_archive(|name, archive| {
        let names = names(archive);
        let mut random = Random::new(name.bytes().fold(0, |hash: u64, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        }));
        let triples: Vec<[String; 3]> = (0..TRIPLES)
            .filter(|_| !names.is_empty())
            .map(|_| [(); 3].map(|()| names[random.below(names.len())].clone()))
            .collect();
        let found = trials(archive, &triples, builtins()).into_iter();
        found
            .filter(|trial| !trial.holds())
            .map(|trial| (format!("law {name} {}", trial.name), trial.text()))
            .collect()
    })?;
    failures.extend(pool()?.install(|| {
        let numbers = (1..=GENERATED).into_par_iter();
        let failures = numbers.map(|number| {
            let (text, trials) = generated(number, builtins());
            let failed = trials.into_iter().filter(|trial| !trial.holds());
            failed
                .map(|t| {
                    (
                        format!("law {number} {}", t.name),
                        format!("{text}{}", t.text()),
                    )
                })
                .collect::<Vec<_>>()
        });
        failures.collect::<Vec<_>>().concat()
    }));
    compare("law", failures)
}

/// What of each archive fails: its name, and why.
type Failures = Vec<(String, String)>;

fn pool() -> io::Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    pool.map_err(io::Error::other)
}

fn each_archive(check: impl Fn(&str, &Archive) -> Failures + Sync) -> io::Result<Failures> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/language");
    let files = archives(&suite)?;
    let failures = pool()?.install(|| {
        let failures = files.into_par_iter().map(|file| {
            let name = file
                .strip_prefix(&suite)
                .unwrap_or(&file)
                .with_extension("");
            let name = name.to_string_lossy().replace('\\', "/");
            let archive = Archive::parse(&std::fs::read_to_string(&file)?);
            Ok(check(&name, &archive))
        });
        failures.collect::<io::Result<Vec<_>>>()
    });
    Ok(failures?.concat())
}

/// What fails is named in the list, and what is named fails.
fn compare(kind: &str, failures: Failures) -> io::Result<()> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/order.txt");
    let text = std::fs::read_to_string(&list)?;
    let corners: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(" # "))
        .filter(|(what, _)| what.split(' ').next() == Some(kind))
        .collect();
    let failed: BTreeSet<&str> = failures.iter().map(|(what, _)| what.as_str()).collect();
    let mut report = String::new();
    for (what, why) in &failures {
        if !corners.contains_key(what.as_str()) {
            report.push_str(&format!("FAIL {what}\n     {why}\n"));
        }
    }
    for what in corners.keys().filter(|what| !failed.contains(*what)) {
        report.push_str(&format!("HOLDS {what}, which {} names\n", list.display()));
    }
    assert!(report.is_empty(), "\n{report}");
    Ok(())
}
