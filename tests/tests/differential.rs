//! The reasons for which programs differ from CUE (`suites/differential/reasons.txt`): each is found again by what CUE
//! answered then, and not without it. The rewritings of programs (`suites/differential/rewritings.txt`): each makes what it is
//! said to make, and no program in which nothing depends on itself means something else when it is rewritten, but for the
//! corners in `suites/differential/corners.txt`, a line each: seed, number, ` # `, and why.

use holos_tests::differential::Closeness;
use holos_tests::differential::cycles::References;
use holos_tests::differential::evaluate::evaluate;
use holos_tests::differential::explain::{Reason, Witnesses, broken, text};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::program::Expr;
use holos_tests::differential::read;
use holos_tests::differential::reference::{Answers, Replay, outcomes};
use holos_tests::differential::rewrite::once;
use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 64 << 20;

/// The seed of the programs on which the rewritings are tried, and how many.
const SEED: u64 = 50;
const PROGRAMS: u64 = 2000;

fn suite(name: &str) -> io::Result<String> {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/differential");
    std::fs::read_to_string(suites.join(name))
}

#[test]
fn each_rewriting_makes_what_it_is_said_to() -> io::Result<()> {
    let text = suite("rewritings.txt")?;
    let mut shown = BTreeSet::new();
    for case in text.split("\n== ").skip(1) {
        let lines: Vec<&str> = case.lines().collect();
        let [name, before, after] = lines[..] else {
            return Err(io::Error::other(format!("a case has three lines: {case}")));
        };
        let Some(program) = read::program(before) else {
            return Err(io::Error::other(format!("not a program: {before}")));
        };
        assert_eq!(Expr::Struct(program.clone()).to_string(), before);
        let found = once(&program).into_iter().filter(|r| r.rewriting == name);
        let found: Vec<String> = found.map(|r| Expr::Struct(r.program).to_string()).collect();
        assert!(
            found.iter().any(|text| text == after),
            "{name}: {before} becomes {found:#?}"
        );
        shown.insert(name.to_owned());
    }
    // None is without an example.
    for number in 0..200 {
        for rewritten in once(&generated(SEED, number)) {
            assert!(
                shown.contains(rewritten.rewriting),
                "{}",
                rewritten.rewriting
            );
        }
    }
    Ok(())
}

fn generated(seed: u64, number: u64) -> Vec<holos_tests::differential::program::Decl> {
    program(&mut Random::new((seed << 32) + number))
}

#[test]
fn a_rewritten_program_means_the_same() -> io::Result<()> {
    let text = suite("corners.txt")?;
    let corners: BTreeSet<(u64, u64)> = text
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_once(" # ")?.0.split(' ');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
        .collect();
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    let failed: BTreeSet<(u64, u64)> = pool.map_err(io::Error::other)?.install(|| {
        let numbers = (0..PROGRAMS).into_par_iter();
        numbers
            .filter(|&number| {
                let program = generated(SEED, number);
                !References::of(&program).has_cycle() && {
                    let here = evaluate(&self::text(&program), "p");
                    !broken(&program, &here).is_empty()
                }
            })
            .map(|number| (SEED, number))
            .collect()
    });
    assert_eq!(
        failed, corners,
        "programs that change (`differential --laws` says how), and those known"
    );
    Ok(())
}

#[test]
fn each_reason_is_found_again() -> io::Result<()> {
    let cases = suite("reasons.txt")?;
    let thread = std::thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(move || {
        let cases = cases.split("\n== ").skip(1);
        let failed: Vec<String> = cases.filter_map(|case| check(case).err()).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    })?;
    assert!(thread.join().is_ok(), "a case fails");
    Ok(())
}

fn check(case: &str) -> Result<(), String> {
    let mut lines = case.lines();
    let head = lines.next().unwrap_or_default();
    let (name, numbers) = head.rsplit_once(": ").ok_or("a case has a name")?;
    let (seed, index) = numbers.split_once(' ').ok_or("a case has a number")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    let program = program(&mut Random::new((number(seed)? << 32) + number(index)?));
    let (mut known, mut others) = (Vec::new(), Vec::new());
    while let (Some(request), Some(answer)) = (lines.next(), lines.next()) {
        let answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
        match request {
            "other" => others.push((Value::Null, answer)),
            request => {
                let request = serde_json::from_str(request);
                known.push((
                    request.map_err(|e: serde_json::Error| e.to_string())?,
                    answer,
                ));
            }
        }
    }
    let text = text(&program);
    if known.first().is_none_or(|(request, _)| *request != text) {
        return Err(format!("{name}: the program is now {text}"));
    }
    let here = evaluate(&text, "p");
    let reason = |known: Vec<(Value, Value)>, others: Vec<(Value, Value)>| {
        let mut reference = Replay(known);
        let there =
            outcomes(&mut reference, std::slice::from_ref(&text)).map_err(|e| e.to_string())?;
        let other = (!others.is_empty()).then(|| Box::new(Replay(others)) as Box<dyn Answers>);
        Witnesses {
            reference: Box::new(reference),
            other,
            closeness: Closeness::Class,
            witness: None,
        }
        .reason(&program, &here, &there[0])
        .map_err(|error| error.to_string())
    };
    let only = known[..1].to_vec();
    match reason(known, others)? {
        Some(reason) if reason.name() == name => {}
        other => return Err(format!("{name}: the reason is now {other:?} ({here})")),
    }
    // Those that rest on other spellings and versions are not found without them.
    match reason(only, Vec::new())? {
        Some(Reason::Order | Reason::Spelling | Reason::Version) => Err(format!(
            "{name}: a reason is found without what it rests on"
        )),
        _ => Ok(()),
    }
}
