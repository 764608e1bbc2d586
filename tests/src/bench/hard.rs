//! Worst cases: programs of the kinds that evaluators of the language are known to take minutes for.

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

pub const HARD: [Hard; 12] = [
    hard("list in a comprehension", [2_000, 8_000, 32_000], list, ""),
    hard("nested disjunctions, 5 arms", [20, 100, 400], nested, ""),
    hard("wide definition, many uses", [100, 400, 1_600], wide, ""),
    hard("files of a package", [50, 200, 800], files, ""),
    hard("chain of &", [100, 400, 1_600], chain, ""),
    hard("deep nesting", [40, 80, 160], nesting, ""),
    hard("ladder of if", [100, 400, 1_600], ladder, ""),
    hard(
        "patterns over fields",
        [40, 160, 640],
        patterns,
        "N patterns meet N fields: each pair is a check",
    ),
    hard(
        "long string",
        [1_000, 4_000, 16_000],
        string,
        "the text built so far is copied for each of N additions",
    ),
    hard("references to one struct", [200, 800, 3_200], shared, ""),
    hard(
        "closed definitions embedded",
        [50, 200, 800],
        embedded,
        "each of N embeddings is a group of closedness, and each of N fields is held against all of them",
    ),
    hard(
        "defaults through a chain",
        [15, 30, 60],
        defaults,
        "the choice at each step holds those of all steps before it",
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
