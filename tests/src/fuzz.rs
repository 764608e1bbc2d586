//! Arbitrary calls of builtin functions, made by their signatures, for the `fuzz-builtins` command.
//!
//! Most arguments have a kind that the parameter takes, and most texts are near something that a function reads
//! (a layout, a pattern, an address, a document), so that calls get past the first check.

use holos_lang::diagnostic::{Source, SourceMap};
use holos_lang::eval::{Evaluation, Selector};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::parse;
use holos_lang::value::builtin::{Builtins, Function, Kind, Package, Parameter};
use holos_stdlib::Standard;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// A generator of pseudo-random numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Equal seeds give equal numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number less than `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// Every builtin function with its package, in the order of the table.
pub fn functions() -> Vec<(&'static Package, &'static Function)> {
    (Standard.paths().into_iter())
        .filter_map(|path| Standard.package(path))
        .flat_map(|package| package.functions.iter().map(move |f| (package, f)))
        .collect()
}

/// A call with arbitrary arguments, as source text; now and then one as a validator.
pub fn call(package: &Package, function: &Function, random: &mut Random) -> String {
    let mut out = String::new();
    let mut parameters = function.parameters;
    if function.is_validator() && random.below(8) == 0 {
        argument(&parameters[0], random, &mut out);
        out.push_str(" & ");
        parameters = &parameters[1..];
    }
    let _ = write!(out, "{}.{}", package.name, function.name);
    if parameters.is_empty() && !out.starts_with(package.name) {
        return out;
    }
    out.push('(');
    let required = parameters.iter().filter(|p| p.default.is_none()).count();
    let count = required + random.below(parameters.len() - required + 1);
    for (index, parameter) in parameters[..count].iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        argument(parameter, random, &mut out);
    }
    out.push(')');
    out
}

/// A value for a parameter, mostly of a kind that it takes.
fn argument(parameter: &Parameter, random: &mut Random, out: &mut String) {
    let kind = match random.below(12) {
        0 => Kind::TOP,
        _ => match parameter.name {
            "config" => return configuration(random, out),
            "schema" => return definitions(random, out),
            _ => parameter.kind,
        },
    };
    value(kind, 3, random, out);
}

/// How a schema is to be written.
fn configuration(random: &mut Random, out: &mut String) {
    let version = ["3.0.0", "3.1.0"][random.below(2)];
    let _ = write!(out, "{{version: {version:?}");
    if random.below(2) == 0 {
        out.push_str(", expandReferences: true");
    }
    out.push('}');
}

/// A struct of definitions that refer to each other.
fn definitions(random: &mut Random, out: &mut String) {
    out.push('{');
    for name in DEFINITIONS {
        let _ = write!(out, "{name}: ");
        schema(3, random, out);
        out.push_str(", ");
    }
    out.push('}');
}

/// A type of at most `depth` levels.
fn schema(depth: usize, random: &mut Random, out: &mut String) {
    if depth == 0 {
        out.push_str(SCHEMAS[random.below(SCHEMAS.len())]);
        return;
    }
    match random.below(12) {
        0..3 => out.push_str(SCHEMAS[random.below(SCHEMAS.len())]),
        3..5 => out.push_str(DEFINITIONS[random.below(DEFINITIONS.len())]),
        5..8 => {
            out.push('{');
            for index in 0..random.below(4) {
                let mark = ["", "?", "!"][random.below(3)];
                let label = ["a", "b", "#in", "[string]", "c"][index];
                let mark = if label.starts_with('[') { "" } else { mark };
                let _ = write!(out, "{label}{mark}: ");
                schema(depth - 1, random, out);
                out.push_str(", ");
            }
            match random.below(8) {
                0 => out.push_str("..."),
                1 => schema(depth - 1, random, out),
                2 => out.push_str("if true {d: int}"),
                _ => {}
            }
            out.push('}');
        }
        8 => {
            out.push_str("[...");
            schema(depth - 1, random, out);
            out.push(']');
        }
        choice => {
            let operator = if choice == 9 { " & " } else { " | " };
            out.push('(');
            schema(depth - 1, random, out);
            out.push_str(operator);
            if choice == 10 {
                out.push('*');
            }
            schema(depth - 1, random, out);
            out.push(')');
        }
    }
}

/// Makes the calls of a package's functions, all in one program, and says how many gave a value.
///
/// # Errors
/// If the calls are no program.
pub fn evaluate(package: &Package, calls: &[String]) -> Result<usize, String> {
    let mut text = String::new();
    // What schemas among the arguments call is there too.
    for path in BTreeSet::from([package.path, "list", "strings"]) {
        let _ = writeln!(text, "import {path:?}");
    }
    for (index, call) in calls.iter().enumerate() {
        let _ = writeln!(text, "x{index}: {call}");
    }
    let text: Arc<str> = text.into();
    let mut sources = SourceMap::default();
    let file = sources.add(Source {
        name: "calls.holos".into(),
        text: text.clone(),
        user: true,
    });
    let parsed = parse(file, &text);
    if let Some(error) = parsed.errors.first() {
        return Err(error.message.clone());
    }
    let files = PackageFiles {
        files: vec![(file, Arc::new(parsed.file))],
        ..PackageFiles::default()
    };
    let (mut evaluation, _) = Evaluation::new(&mut sources, files, &mut NoImports, &Standard);
    let root = evaluation.root();
    let mut values = 0;
    for index in 0..calls.len() {
        let field = Selector::Field(format!("x{index}"));
        let node = evaluation.lookup(root, &[field]);
        values += usize::from(node.is_some_and(|node| evaluation.data(node).is_ok()));
    }
    Ok(values)
}

struct NoImports;

impl Importer for NoImports {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is no builtin package".to_owned(),
            help: Vec::new(),
        })
    }
}

/// A literal of one of the kinds, at most `depth` levels deep.
fn value(kinds: Kind, depth: usize, random: &mut Random, out: &mut String) {
    let kinds: Vec<Kind> = [
        Kind::NULL,
        Kind::BOOL,
        Kind::INT,
        Kind::FLOAT,
        Kind::STRING,
        Kind::BYTES,
        Kind::LIST,
        Kind::STRUCT,
    ]
    .into_iter()
    .filter(|&kind| kinds.contains(kind) && (depth > 0 || Kind::SCALAR.contains(kind)))
    .collect();
    let any = kinds.len() == 8;
    if any && random.below(6) == 0 {
        out.push_str(SCHEMAS[random.below(SCHEMAS.len())]);
        return;
    }
    if kinds.is_empty() {
        out.push_str("[]");
        return;
    }
    match kinds[random.below(kinds.len())] {
        Kind::NULL => out.push_str("null"),
        Kind::BOOL => out.push_str(["true", "false"][random.below(2)]),
        Kind::INT => integer(random, out),
        Kind::FLOAT => float(random, out),
        Kind::STRING => quoted('"', &text(random), out),
        Kind::BYTES => quoted('\'', &text(random), out),
        Kind::LIST => list(depth, random, out),
        _ => structure(depth, random, out),
    }
}

fn integer(random: &mut Random, out: &mut String) {
    // Of great counts a few will do: results of their size take the time of thousands of other calls.
    let number = match random.below(256) {
        0..2 => INTEGERS[random.below(INTEGERS.len())].to_owned(),
        2 => random.below(1 << 14).to_string(),
        3..40 => format!("-{}", random.below(40)),
        _ => random.below(40).to_string(),
    };
    out.push_str(&number);
}

fn float(random: &mut Random, out: &mut String) {
    let number = match random.below(4) {
        0 => FLOATS[random.below(FLOATS.len())].to_owned(),
        1 => format!(
            "{}.{:03}e{}",
            random.below(100),
            random.below(1000),
            [0, 1, 2, 3, 12, 16, 34, 39][random.below(8)]
        ),
        2 => format!("-{}.{}", random.below(1000), random.below(1000)),
        _ => format!("{}.{}", random.below(10), random.below(1_000_000)),
    };
    out.push_str(&number);
}

fn list(depth: usize, random: &mut Random, out: &mut String) {
    // Many functions take lists of one kind only.
    let kind = match random.below(4) {
        0 => Kind::TOP,
        1 => Kind::NUMBER,
        2 => Kind::INT,
        _ => Kind::STRING,
    };
    out.push('[');
    for _ in 0..random.below(6) {
        value(kind, depth - 1, random, out);
        out.push_str(", ");
    }
    if random.below(12) == 0 {
        out.push_str("...");
    }
    out.push(']');
}

fn structure(depth: usize, random: &mut Random, out: &mut String) {
    out.push('{');
    for index in 0..random.below(5) {
        let label = ["a", "b", "name", "x", "less"][index];
        let _ = write!(out, "{label}: ");
        value(Kind::TOP, depth - 1, random, out);
        out.push_str(", ");
    }
    out.push('}');
}

/// A text that a function may understand, or nearly.
fn text(random: &mut Random) -> String {
    let mut text: Vec<char> = match random.below(10) {
        0 => (0..random.below(12)).map(|_| character(random)).collect(),
        1 => {
            let both = [
                TEXTS[random.below(TEXTS.len())],
                TEXTS[random.below(TEXTS.len())],
            ];
            both.concat().chars().collect()
        }
        _ => TEXTS[random.below(TEXTS.len())].chars().collect(),
    };
    for _ in 0..[0, 0, 1, 2][random.below(4)] {
        let at = random.below(text.len() + 1);
        match random.below(3) {
            0 => text.insert(at, character(random)),
            1 if at < text.len() => _ = text.remove(at),
            _ if at < text.len() => text[at] = character(random),
            _ => {}
        }
    }
    text.into_iter().collect()
}

fn character(random: &mut Random) -> char {
    match random.below(8) {
        0 => char::from_u32(random.below(0x11_0000) as u32).unwrap_or('\u{fffd}'),
        1 => char::from(random.below(32) as u8),
        2 => ['ß', 'İ', 'ı', 'ǆ', 'Σ', '\u{301}', '日', '\u{feff}'][random.below(8)],
        _ => char::from(32 + random.below(95) as u8),
    }
}

/// A literal of a text, or of its bytes.
fn quoted(quote: char, text: &str, out: &mut String) {
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c => _ = write!(out, "\\U{:08x}", u32::from(c)),
        }
    }
    out.push(quote);
}

const DEFINITIONS: [&str; 4] = ["#A", "#B", "#C", "#D"];

/// Values that are no data.
const SCHEMAS: &[&str] = &[
    "_",
    "int",
    "string",
    ">0",
    "<=3 & int",
    "{a: int, ...}",
    "{a!: string}",
    "{[string]: int}",
    "[...int]",
    "1 | *2",
    "list.Ascending",
    "list.Descending",
    "{x: _, y: _, less: x.a < y.a}",
    "{x: _, y: _, less: true}",
    "close({a: 1})",
    "=~\"^a\"",
    "strings.MinRunes(2)",
    "{version: \"3.0.0\", info: {title: \"a\", version: \"b\"}}",
    "{#A: {a: int, b?: #A}, #B: [...#A]}",
];

const INTEGERS: &[&str] = &[
    "65536",
    "1048576",
    "536870912",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "-18446744073709551616",
    "340282366920938463463374607431768211456",
    "1000000000000000000000000000000000000000000",
    "1114111",
    "55296",
    "253402300800",
];

const FLOATS: &[&str] = &[
    "0.0",
    "-0.0",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "1e10",
    "1e-10",
    "1e308",
    "1e309",
    "5e-324",
    "1e-400",
    "1e400",
    "-1e400",
    "1e99999",
    "1e-99999",
    "3.14159",
    "0.1",
    "1e34",
    "1e35",
    "1.0000000000000000000000000000000001",
    "9007199254740993.0",
    "171.0",
    "-1.0",
    "700.0",
];

/// What the functions read: documents, patterns, layouts, addresses, names.
const TEXTS: &[&str] = &[
    "",
    "a",
    "abc",
    "Hello World",
    "a,b,,c",
    "  a b\t c\n",
    "日本語",
    "İstanbul ǆ ß",
    // Numbers and booleans.
    "0",
    "-1",
    "42",
    "1e5",
    "0x1p-3",
    "1_000",
    "0b101",
    "1.5Ki",
    "500m",
    "1.5Gi",
    "1E3",
    "true",
    "Inf",
    "NaN",
    "e",
    "g",
    "f",
    "b",
    "x",
    // Documents.
    "{\"a\": 1}",
    "[1, 2, {\"b\": null}]",
    "{\"a\": \"\\ud800\"}",
    "a: 1\nb: [x, y]\n",
    "a: &x [1]\nb: *x\n",
    "a: &a [*a]",
    "--- 1\n--- 2\n",
    "? a\n: b\n",
    "- !!binary aGk=",
    "a = 1\n[b]\nc = [1, 2]\n",
    "a.b = 'x'\n",
    "x = 1979-05-27T07:32:00Z",
    "\"a\",\"b\"\"c\"\n1,2\n",
    "[[[[[[[[",
    "{{{{{{{{",
    "|\n  text\n",
    "%YAML 1.1",
    // Times.
    "1h30m",
    "-2.5s",
    "1us",
    "300ms",
    "2026-01-02T15:04:05Z",
    "2026-01-02T15:04:05.999999999+07:00",
    "2026-02-30",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "15:04:05",
    "Mon Jan _2 15:04:05 MST 2006",
    "2006-01-02",
    "Jan 2 2006 3:04PM -0700",
    "002 06 .000 ,999",
    "Monday, 02-Jan-06 15:04:05 MST",
    // Patterns.
    "a+",
    "(a|b)*c",
    "(?P<x>[a-z]+)=(?P<y>\\d+)",
    "(?i)ABC",
    "[^a-z]{2,5}",
    "\\pL\\W\\b",
    "(((((a{100}){100}){100}))))",
    "^$",
    "(?s).*",
    "$1-${x}$$",
    "[[:alpha:]]",
    "\\x{10FFFF}",
    "a**",
    "(?:",
    "*.yaml",
    "[a-c]?*",
    "\\",
    // Paths, addresses, names.
    "a/b/../c",
    "/etc/app.conf",
    "C:\\a\\b",
    "\\\\host\\share\\x",
    "//a//b/",
    "unix",
    "windows",
    "plan9",
    "10.0.0.1",
    "10.0.0.0/8",
    "::1",
    "fe80::1%eth0",
    "2001:db8::/32",
    "::ffff:1.2.3.4",
    "255.255.255.255",
    "1.2.3.4/33",
    "[::1]:80",
    "example.com:http",
    "https://u:p@a.com:1/b?c=d#e",
    "%41%zz",
    "a+b%20c",
    "xn--bcher-kva.com",
    "a..b",
    "app.kubernetes.io/name",
    "app=web,tier in (a, b),!old",
    "ghcr.io/a/b:v1@sha256:00",
    "*/5 0-23 1,15 jan-mar *",
    "@every 1h",
    "v1.2.3-rc.1+b",
    ">=1.30 <1.37 || ~2.1",
    "^0.2.x",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "urn:uuid:00000000-0000-0000-0000-000000000000",
    "SHA256",
    "MD5",
    "aGVsbG8=",
    "68656c6c6f",
    "zz",
    // Templates.
    "{{.name}}",
    "{{range .}}{{.}}{{else}}-{{end}}",
    "{{if and .a (not .b)}}x{{end}}",
    "{{define \"t\"}}{{template \"t\" .}}{{end}}{{template \"t\" .}}",
    "{{printf \"%5.2f|%-8s|%x|%q|%v\" 1.5 .name 255 .a .b}}",
    "{{printf \"%999999999d\" 1}}",
    "{{index .x 0}}{{len .}}{{slice .name 1 2}}",
    "{{with $x := .a}}{{$x}}{{end}}",
    "{{range $i, $e := .}}{{$i}}{{break}}{{end}}",
    "{{- /* c */ -}} x {{/* d */}}",
    "{{html . | js | urlquery}}",
    "<a href='x'>&amp;&#x41;&nosuch;&#;</a>",
    "a\tb\tc\naaa\tbb\x0b\x0c\x1b<b>\n",
];
