//! The runner itself: what an assertion accepts and what it refuses.

use holos_tests::conformance::txtar::Archive;
use holos_tests::conformance::{Outcome, builtins, run};

/// Sources, and whether their one assertion holds.
const CASES: &[(&str, bool)] = &[
    ("a: 1 @test(eq, 1)", true),
    ("a: 1 @test(eq, 2)", false),
    ("a: 1 @test(eq, int)", false),
    ("a: int @test(eq, int)", true),
    ("a: uint8 @test(eq, uint8)", true),
    ("a: \"x\" @test(eq, 'x')", false),
    ("a: *1 | 2 @test(eq, 1)", false),
    ("a: *1 | 2 @test(eq, 2 | *1)", true),
    ("a: *1 | 2 @test(eq, 1 | 2)", false),
    ("a: >1 & <9 @test(eq, <9 & >1)", true),
    ("a: >1 & <9 @test(eq, >1)", false),
    ("a: {b: 1, c: 2} @test(eq, {c: 2, b: 1})", true),
    ("a: {b: 1, c: 2} @test(eq, {b: 1})", false),
    ("a: {b: 1} @test(eq, {b: 1, c: 2})", false),
    ("a: {b?: 1} @test(eq, {b?: 1})", true),
    ("a: {b?: 1} @test(eq, {b: 1})", false),
    ("a: {b!: 1} @test(eq, {b?: 1})", false),
    ("a: {#B: 1, _c: 2} @test(eq, {#B: 1, _c: 2})", true),
    ("a: {#B: 1} @test(eq, {})", false),
    ("a: {\"#B\": 1} @test(eq, {#B: 1})", false),
    ("a: {5, #n: 1} @test(eq, {5, #n: 1})", true),
    ("a: {5, #n: 1} @test(eq, 5)", false),
    ("a: {[string]: int} @test(eq, {[string]: int})", true),
    ("a: {[string]: int} @test(eq, {[string]: bool})", false),
    (
        "a: {b: 1, c: 2} @test(eq, {@test(checkOrder), c: 2, b: 1})",
        false,
    ),
    ("a: {b: *1 | 2} @test(eq, {b: 1 @test(final)})", true),
    (
        "a: {b: 1, c: 2} @test(eq, {b: 1, c: 3 @test(ignore)})",
        true,
    ),
    (
        "a: {b: 1 & 2} @test(eq, {b: _|_ @test(err, code=eval)})",
        true,
    ),
    (
        "a: {b: 1 & 2} @test(eq, {b: _|_ @test(err, code=cycle)})",
        false,
    ),
    ("a: {b: 1 @x(y)} @test(eq, {b: 1 @x(y)})", true),
    ("a: {b: 1 @x(y)} @test(eq, {b: 1})", false),
    ("a: [1, 2] @test(eq, [1, 2])", true),
    ("a: [1, 2] @test(eq, [1])", false),
    ("a: {b: 1} @test(eq, 1, at=b)", true),
    ("a: {b: 1} @test(eq, 1, at=c)", false),
    ("a: 1 & 2 @test(err)", true),
    (
        "a: 1 & 2 @test(err, code=eval, contains=\"anything\", pos=[9:9])",
        true,
    ),
    ("a: 1 & 2 @test(err, code=incomplete)", false),
    ("a: 1 & 2 @test(err, code=(incomplete|eval))", true),
    ("a: 1 @test(err)", false),
    ("a: {b: c: 1 & 2} @test(err, any, code=eval)", true),
    ("a: {b: c: 1 & 2, d: 1} @test(err, at=d)", false),
    ("a: int | string @test(kind=string|int)", true),
    ("a: int @test(kind=float)", false),
    ("#A: {b: 1} @test(closed)", true),
    ("a: {b: 1} @test(closed)", false),
    ("#A: {b: 1} @test(allows=false, c)", true),
    ("#A: {b: 1} @test(allows, c)", false),
    (
        "a: {b: c + 1 @test(permute), c: 1 @test(permute), @test(eq, {b: 2, c: 1})}",
        true,
    ),
    ("a: 1\n@test(eq, {a: 1})", true),
    ("a: 1\n@test(eq, {a: 2})", false),
    ("a: {b: 1 @test(eq, 1)}", true),
];

/// Sources whose assertions do not count.
const NOT_COUNTED: &[&str] = &[
    "a: 1 @test(eq:todo, 2)",
    "a: 1 @test(eq, 2) @test(skip)",
    "a: 1 @test(eq, 2) @test(todo)",
    "a: 1 @test(debug, \"x\")",
    "a: 1 @test(eq:v9, 2)",
    "a: 1 @test()",
];

fn outcomes(source: &str) -> Vec<Outcome> {
    let archive = Archive::parse(&format!("-- in.cue --\n{source}\n"));
    let mut outcomes = Vec::new();
    run(&archive, builtins(), None, &mut |outcome| {
        outcomes.push(outcome)
    });
    outcomes
}

#[test]
fn assertions_hold_or_not() {
    for (source, holds) in CASES {
        let outcomes = outcomes(source);
        assert!(!outcomes.is_empty(), "nothing was checked: {source}");
        let failure = outcomes.iter().find_map(|outcome| outcome.failure.as_ref());
        assert_eq!(failure.is_none(), *holds, "{source}: {failure:?}");
    }
}

#[test]
fn what_does_not_count_is_not_checked() {
    for source in NOT_COUNTED {
        assert!(outcomes(source).is_empty(), "{source}");
    }
}

#[test]
fn a_version_replaces_the_rest() {
    let outcomes = outcomes("a: 1 @test(eq, 2) @test(eq:v3, 1)");
    let failures: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.failure.is_none())
        .collect();
    assert_eq!(failures, [true]);
}

#[test]
fn imports_come_from_the_archive() {
    let archive = Archive::parse(
        "-- cue.mod/module.cue --\nmodule: \"m.test@v0\"\n-- in.cue --\nimport \"m.test/sub/p\"\n\
         a: p.#D & {b: 1} @test(eq, {b: 1, c: 2})\n-- sub/p/p.cue --\npackage p\n#D: {b: int, c: 2}\n",
    );
    let mut outcomes = Vec::new();
    run(&archive, builtins(), None, &mut |outcome| {
        outcomes.push(outcome)
    });
    let failures: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.failure)
        .collect();
    assert_eq!(failures, [None]);
}
