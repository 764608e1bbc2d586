//! Large packages, of which nodes with equal conjuncts are evaluated once: they come to what they do without that.

use holos_lang::value::Data;
use holos_tests::differential::Outcome;
use holos_tests::differential::evaluate::evaluate as outcome;
use holos_tests::differential::explain::text;
use holos_tests::differential::generate::{Random, program};
use holos_tests::package::with;
use std::fmt::Write as _;

/// What all cases have in common: enough applications for a package that is evaluated in parts.
const APPS: &str = "
    #Name: =~\"^[a-z0-9-]+$\"
    #App: {name: #Name, port: int & >0, tier: *\"web\" | \"batch\", labels: [string]: string}
    apps: [Name=string]: #App & {name: Name}
    _all: {for n, a in apps {(n): a}}
";

/// Each is a package with 400 applications `apps: \"a0\"` and so on, of which `out` makes something.
const CASES: &[(&str, &str)] = &[
    (
        "labels in several objects, with and without a definition around them",
        r#"
        #Labels: [string]: string
        #Meta: {name: #Name, labels?: #Labels, annotations?: [string]: string}
        #Deployment: {kind: "Deployment", metadata: #Meta, spec: {replicas: int | *2, strategy: {type: *"Rolling" | "Recreate"}}}
        #Service: {kind: "Service", metadata: #Meta, spec: selector: #Labels}
        #Render: {
            #app: #App
            _labels: #Labels & {"name": #app.name, "by": "test", #app.labels}
            _meta: {name: #app.name, labels: _labels}
            deployment: #Deployment & {metadata: _meta}
            service: #Service & {metadata: _meta, spec: selector: name: #app.name}
        }
        out: {for c in ["x", "y", "z"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "a field that one definition allows and the other one does not",
        r#"
        #Open: meta: {name: string, note?: string}
        #Closed: meta: {name: string}
        _shared: {name: "n", if true {note: "x"}}
        #Render: {#app: #App, a: #Open & {meta: {name: "n", note: "x"}}, b: #Closed & {meta: {name: "n", note: "x"}}}
        out: {for n, a in apps {(n): #Render & {#app: a}}}
        "#,
    ),
    (
        "equal conjuncts, of which a definition closes one value only",
        r#"
        l: {a?: string}
        #Meta: {labels: l}
        #Render: {#app: #App, _x: {a: #app.name, b: "2"}, open: {labels: l} & {labels: _x}, tight: #Meta & {labels: _x}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "the same fields from literals that meet in another order",
        r#"
        #Render: {
            #app: #App
            _x: {b: #app.name, a: 1}
            _y: {c: 1, a: 1, d: #app.port}
            first: p: _x & _y
            second: p: _y & _x
            third: p: _x
            third: p: _y
            fourth: p: _y
            fourth: p: _x
            keys: [for k, _ in first.p {k}, for k, _ in second.p {k}]
        }
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "a value that is an instance of a definition already, in its own order",
        r#"
        #Render: {#app: #App, own: #app, keys: [for k, _ in #app {k}], labels: #app.labels}
        #Other: {#app: #App, name: #app.name, labels: {z: "1", #app.labels}}
        out: {for n, a in apps {(n): #Render & {#app: a}}}
        other: {for n, a in apps {(n): #Other & {#app: a}}}
        "#,
    ),
    (
        "values that depend on the label they stand under",
        r#"
        #Render: {#app: #App, by: [L=string]: {label: L, of: {name: L, port: #app.port}}, by: {a: {}, b: {}}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "let clauses, comprehensions and conditions",
        r#"
        #Render: {
            #app: #App
            #cluster: string
            let port = {number: #app.port, name: "p-\(#cluster)"}
            a: {p: port, q: {let twice = #app.port * 2, n: twice, m: {k: twice}}}
            b: {if #app.tier == "web" {web: {port: #app.port}}, for k, v in #app.labels {(k): {v: v}}}
            c: {if #cluster == "x" {only: {x: #app.port}}}
        }
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a, #cluster: c}}}}}
        "#,
    ),
    (
        "defaults that somebody else decides",
        r#"
        #Base: {mode: *"a" | "b", of: {mode: *"a" | "b", more: {n: *1 | int}}}
        #Render: {#app: #App, x: #Base, y: #Base & {of: mode: "b"}, z: #Base & {of: more: n: #app.port}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "an error in one of several equal values",
        r#"
        #Render: {#app: #App, x: {l: {n: #app.port & <8350}}, y: {l: {n: #app.port & <8350}}}
        out: {for n, a in apps {(n): #Render & {#app: a}}}
        "#,
    ),
    (
        "a value that is not concrete",
        r#"
        #Render: {#app: #App, x: {l: {n: int, m: {k: #app.port}}}, y: {l: {n: int, m: {k: #app.port}}}}
        out: {for n, a in apps {(n): #Render & {#app: a}}}
        out: a7: x: l: n: 1
        "#,
    ),
    (
        "alternatives of structs",
        r#"
        #Port: {number: int} | {name: string}
        #Render: {#app: #App, x: {p: #Port & {number: #app.port}}, y: {p: #Port & {name: #app.name}}, z: {p: #Port & {number: #app.port}}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "embedded definitions and open structs",
        r#"
        #A: {a: {n: int, ...}}
        #B: {b: {m: int}}
        #AB: {#A, #B, c: {k: int}}
        #Render: {#app: #App, x: #AB & {a: {n: 1, more: #app.port}, b: m: 2, c: k: 3}, y: {#A, a: {n: 1, more: #app.port}}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
    (
        "a field that an embedded definition does not know",
        r#"
        #A: {a: {n: int}}
        #Render: {#app: #App, x: {#A, a: {n: 1}}, y: {#A, a: {n: 1, more: #app.port}}}
        out: {for c in ["x", "y"] {(c): {for n, a in apps {(n): #Render & {#app: a}}}}}
        "#,
    ),
];

fn package(case: &str) -> String {
    let mut text = format!("{APPS}\n{case}\n");
    for n in 0..400 {
        let _ = writeln!(
            text,
            "apps: a{n}: {{port: {}, labels: {{team: \"t{}\", zone: \"z\", app: \"a{n}\"}}}}",
            8000 + n,
            n % 7,
        );
    }
    text
}

/// What a package comes to, and how many values that took; with `whole` they are all evaluated by themselves.
fn evaluate(text: &str, whole: bool) -> (Result<Data, Vec<String>>, u64) {
    with(text, |evaluation| {
        let root = evaluation.root();
        if whole {
            evaluation.keep_whole();
        }
        let data = evaluation.data(root);
        let messages = |errors: Vec<_>| errors.iter().map(|e| format!("{e:?}")).collect();
        (data.map_err(messages), evaluation.stats().nodes)
    })
}

#[test]
fn equal_nodes_come_to_the_same_as_nodes_evaluated_by_themselves() {
    for (name, case) in CASES {
        let text = package(case);
        let (expected, _) = evaluate(&text, true);
        let (data, _) = evaluate(&text, false);
        assert!(data == expected, "{name}:\n{data:?}\n{expected:?}");
    }
}

/// Arbitrary programs that come to data, once for each application on two clusters.
#[test]
fn generated_programs_come_to_the_same_in_many_places() {
    let programs = (0..).map(|seed| text(&program(&mut Random::new(seed))));
    let data = programs.filter(|p| matches!(outcome(p, "p"), Outcome::Data(_)));
    for p in data.take(PROGRAMS) {
        let case = format!(
            "#Render: {{#app: #App, {p}}}\n
            out: {{for c in [\"x\", \"y\"] {{(c): {{for n, a in apps {{(n): #Render & {{#app: a}}}}}}}}}}"
        );
        let package = package(&case);
        let (expected, _) = evaluate(&package, true);
        let (data, _) = evaluate(&package, false);
        assert!(data == expected, "{case}:\n{data:?}\n{expected:?}");
    }
}

const PROGRAMS: usize = 50;

#[test]
fn equal_nodes_are_evaluated_once() {
    let (name, case) = CASES[0];
    let text = package(case);
    let (_, each) = evaluate(&text, true);
    let (_, once) = evaluate(&text, false);
    assert!(once * 10 < each * 7, "{name}: {once} of {each}");
}
