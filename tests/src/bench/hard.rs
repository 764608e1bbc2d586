//! Worst cases: programs of the kinds that evaluators of the language are known to take minutes for. Numbers are those of
//! the threads in CUE's tracker that describe the kind.

use super::workloads::File;
use std::fmt::Write;

/// A program of a parameter, and why it grows faster than a straight line where it does.
pub struct Hard {
    pub name: &'static str,
    pub sizes: [usize; 3],
    pub files: fn(usize) -> Vec<File>,
    /// What it grows with, where that is more than N.
    pub reason: &'static str,
}

pub const HARD: [Hard; 20] = [
    hard("list in a comprehension", [2_000, 8_000, 32_000], list, ""),
    hard("nested disjunctions, 5 arms", [100, 400, 1_600], nested, ""),
    hard("wide definition, many uses", [100, 400, 1_600], wide, ""),
    hard("files of a package", [50, 200, 800], files, ""),
    hard("chain of &", [100, 400, 1_600], chain, ""),
    hard("deep nesting", [40, 80, 160], nesting, ""),
    hard("ladder of if", [100, 400, 1_600], ladder, ""),
    hard("patterns over fields", [160, 640, 2_560], patterns, ""),
    hard(
        "long string",
        [1_000, 4_000, 16_000],
        string,
        "the N texts, each a value that may be printed, have N² characters together",
    ),
    hard("references to one struct", [200, 800, 3_200], shared, ""),
    hard(
        "closed definitions embedded",
        [200, 800, 3_200],
        embedded,
        "",
    ),
    hard(
        "defaults through a chain",
        [400, 1_600, 6_400],
        defaults,
        "",
    ),
    hard(
        "elements as fields (2598)",
        [2_000, 8_000, 32_000],
        dictionary,
        "",
    ),
    hard(
        "fields under if (3307)",
        [400, 1_600, 6_400],
        conditional,
        "",
    ),
    hard(
        "recursive tagged union (4475)",
        [20, 40, 80],
        recursive,
        "at each of N steps each of N arms is held against the tag",
    ),
    hard("or() of a list (3514)", [400, 1_600, 6_400], any_of, ""),
    hard(
        "steps in disjunctions (758)",
        [4, 6, 8],
        steps,
        "two choices stay possible at each step, and each is evaluated with all steps before it: 2^N",
    ),
    hard("call in each struct (1644)", [500, 2_000, 8_000], calls, ""),
    hard(
        "list against its schema (756)",
        [500, 2_000, 8_000],
        checked,
        "",
    ),
    hard(
        "if beside if, cross-referring",
        [100, 400, 1_600],
        switches,
        "",
    ),
];

const fn hard(
    name: &'static str,
    sizes: [usize; 3],
    files: fn(usize) -> Vec<File>,
    reason: &'static str,
) -> Hard {
    Hard {
        name,
        sizes,
        files,
        reason,
    }
}

fn one(text: String) -> Vec<File> {
    vec![("main.cue".to_owned(), text)]
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| line(i) + "\n").collect()
}

fn list(n: usize) -> Vec<File> {
    one(format!(
        "import \"list\"\nxs: list.Range(0, {n}, 1)\nout: [for i, x in xs if mod(x, 2) == 0 {{id: i, name: \"n\\(x)\"}}]\nlast: out[len(out)-1].id\n"
    ))
}

/// N fields, each one of five structs.
fn nested(n: usize) -> Vec<File> {
    let arms = (0..5).map(|a| format!("{{kind: \"k{a}\", v{a}: int | *{a}}}"));
    let arms = arms.collect::<Vec<_>>().join(" | ");
    let mut text = format!("#A: {arms}\n#S: {{\n");
    text += &lines(n, |i| format!("\tf{i}: #A"));
    text += "}\nout: #S & {\n";
    text += &lines(n, |i| format!("\tf{i}: kind: \"k{}\"", i % 5));
    one(text + "}\n")
}

fn wide(n: usize) -> Vec<File> {
    let mut text = "#D: {\n\tname: string\n".to_owned();
    text += &lines(300, |i| format!("\tf{i}?: int | string"));
    text += "}\nout: [string]: #D\n";
    text += &lines(n, |i| {
        format!("out: x{i}: #D & {{name: \"x{i}\", f{}: {i}}}", i % 300)
    });
    one(text)
}

fn files(n: usize) -> Vec<File> {
    let text = |i: usize| {
        format!(
            "package p\n\n#T{i}: {{a: int, b: string | *\"b\"}}\nout: x{i}: #T{i} & {{a: {i}}}\n"
        )
    };
    (0..n).map(|i| (format!("f{i}.cue"), text(i))).collect()
}

fn chain(n: usize) -> Vec<File> {
    let parts: Vec<String> = (0..n).map(|i| format!("{{f{i}: {i}, x: >={i}}}")).collect();
    one(format!("out: {} & {{x: {n}}}\n", parts.join(" & ")))
}

fn nesting(n: usize) -> Vec<File> {
    let mut text = "out: ".to_owned();
    for i in 0..n {
        _ = write!(text, "{{a{i}: {i}, n: ");
    }
    one(text + "1" + &"}".repeat(n) + "\n")
}

fn ladder(n: usize) -> Vec<File> {
    let mut text = format!("x: {}\nout: {{\n", n / 2);
    text += &lines(n, |i| {
        format!("\tif x == {i} {{picked: {i}}}\n\tif x != {i} {{no{i}: true}}")
    });
    one(text + "}\n")
}

fn patterns(n: usize) -> Vec<File> {
    let mut text = "out: {\n".to_owned();
    text += &lines(n, |i| format!("\t[=~\"^a{i}-\"]: int\n\t\"a{i}-x\": {i}"));
    one(text + "}\n")
}

fn string(n: usize) -> Vec<File> {
    let mut text = "_s0: \"\"\n".to_owned();
    text += &lines(n, |i| format!("_s{}: _s{i} + \"{}\"", i + 1, i % 10));
    one(format!("{text}out: len(_s{n})\n"))
}

fn shared(n: usize) -> Vec<File> {
    let mut text = "base: {\n".to_owned();
    text += &lines(100, |i| format!("\tf{i}: {{a: {i}, b: \"x\"}}"));
    text += "}\n_all: {\n";
    text += &lines(n, |i| format!("\tu{i}: base"));
    one(text + &format!("}}\nout: _all.u{}.f99.a\n", n - 1))
}

fn embedded(n: usize) -> Vec<File> {
    let mut text = lines(n, |i| format!("#P{i}: {{f{i}: int | *{i}}}"));
    text += "out: {\n";
    text += &lines(n, |i| format!("\t#P{i}"));
    one(text + "}\n")
}

fn defaults(n: usize) -> Vec<File> {
    let mut text = "_d0: *1 | int\n".to_owned();
    text += &lines(n, |i| format!("_d{}: *_d{i} | int", i + 1));
    one(format!("{text}out: _d{n}\n"))
}

/// A list of structs turned into fields by name.
fn dictionary(n: usize) -> Vec<File> {
    let mut text = "#Item: {name: string, size: int}\nxs: [...#Item]\nxs: [\n".to_owned();
    text += &lines(n, |i| format!("\t{{name: \"n{i}\", size: {i}}},"));
    one(text + "]\nout: {for x in xs {(x.name): x}}\n")
}

/// Fields that are there on a condition, around fields on another.
fn conditional(n: usize) -> Vec<File> {
    let mut text = "on: *true | bool\nmore: on\nif on {\n".to_owned();
    text += &lines(n / 10, |i| {
        let keys = lines(8, |k| format!("\t\tk{k}: \"v{k}\""));
        format!("\ta: b: c: r{i}: {{\n{keys}\t\tif more {{\n\t\t\tk9: true\n\t\t}}\n\t}}")
    });
    one(text + "}\n")
}

/// Each arm refers to the whole for the next.
fn recursive(n: usize) -> Vec<File> {
    let mut text = format!("out: (#T & {{t: \"r{n}\"}}).out\n#T: {{t!: \"r0\", out: {{}}}}");
    for i in 1..=n {
        let last = i - 1;
        _ = write!(
            text,
            " |\n\t{{t!: \"r{i}\", out: next: (#T & {{t: \"r{last}\"}}).out}}"
        );
    }
    one(text + "\n")
}

fn any_of(n: usize) -> Vec<File> {
    let mut text = format!(
        "import \"list\"\n#Zone: or([for i in list.Range(0, {n}, 1) {{\"z\\(i)\"}}])\nout: {{\n"
    );
    text += &lines(10, |i| format!("\tu{i}: #Zone & \"z{}\"", i * n / 10));
    one(text + "}\n")
}

/// Lists of operations, each of which mounts the one before it.
fn steps(n: usize) -> Vec<File> {
    let mut text = "#Task: {#steps: #Script, ...} | {bool | int | string, #steps: #Script}\n\
        #Script: [...#Op]\n#Op: #Fetch | #Exec\n#Fetch: {ref: string}\n\
        #Exec: {args: [...string], mount: [string]: {from: #Task} | \"tmpfs\"}\na0: #steps: []\n"
        .to_owned();
    text += &lines(n, |i| {
        format!(
            "a{}: #steps: [#Fetch & {{ref: \"r\"}}, #Exec & {{args: [\"sh\"], mount: \"/tmp\": from: a{i}}}]",
            i + 1
        )
    });
    one(text)
}

fn calls(n: usize) -> Vec<File> {
    one(format!(
        "import \"list\"\n#A: {{x: number, y: number, total: list.Max([x, y])}}\n\
         out: {{for i, _ in list.Repeat([1], {n}) {{let a = #A & {{x: i, y: 2}}, \"a\\(i)\": a.total}}}}\n"
    ))
}

fn checked(n: usize) -> Vec<File> {
    let mut text = "#W: {file: string, jobs: [string]: {on: \"push\" | \"pull\", steps: [...{run: string}]}}\n\
        out: [...#W]\nout: [\n"
        .to_owned();
    text += &lines(n, |i| {
        format!(
            "\t{{file: \"f{i}\", jobs: test: {{on: \"push\", steps: [{{run: \"a\"}}, {{run: \"b\"}}]}}}},"
        )
    });
    one(text + "]\n")
}

/// Each field is there where the one before it is.
fn switches(n: usize) -> Vec<File> {
    let mut text = "out: {\n\ts0: true\n".to_owned();
    text += &lines(n, |i| format!("\tif out.s{i} {{s{}: true}}", i + 1));
    one(text + "}\n")
}
