//! The reasons for which programs differ from CUE (`suites/differential/reasons.txt`): each is found again by what CUE
//! answered then, and not without it.

use holos_tests::differential::Closeness;
use holos_tests::differential::evaluate::evaluate;
use holos_tests::differential::explain::{Reason, Witnesses, text};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::reference::{Answers, Replay, outcomes};
use serde_json::Value;
use std::path::Path;

/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 64 << 20;

#[test]
fn each_reason_is_found_again() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/differential/reasons.txt");
    let cases = std::fs::read_to_string(path)?;
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
