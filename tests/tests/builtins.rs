//! The builtin packages against CUE: `suites/builtins/*.txt` has one case a line,
//! `expression  =>  JSON` or `expression  =>  !message`, where the right side is what CUE answers (bytes as
//! base64; `differences.txt` has ours, and why). Messages are our own, so that only the refusal itself is
//! compared. Lines that begin with `//` are comments.

use holos_lang::diagnostic::{FileId, Source, SourceMap};
use holos_lang::eval::{Evaluation, Selector};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::{parse, parse_expr};
use holos_lang::value::builtin::Builtins;
use holos_stdlib::Standard;
use holos_stdlib::encoding::json;
use holos_stdlib::reference;
use holos_stdlib::reference::Entry;
use holos_tests::fuzz;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Nothing but builtin packages can be imported.
struct NoImports;

impl Importer for NoImports {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is no builtin package".to_owned(),
            help: Vec::new(),
        })
    }
}

/// The value of an expression as compact JSON, or why it has none.
fn evaluate(expression: &str) -> Result<String, String> {
    let imports: String = Standard
        .paths()
        .into_iter()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            expression
                .match_indices(&format!("{name}."))
                .any(|(at, _)| {
                    !expression[..at]
                        .ends_with(|c: char| c.is_alphanumeric() || "_.\"/".contains(c))
                })
        })
        .map(|path| format!("import {path:?}\n"))
        .collect();
    let mut sources = SourceMap::default();
    let text: Arc<str> = format!("{imports}x: {expression}\n").into();
    let file = sources.add(Source {
        name: "case.cue".into(),
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
    let (mut evaluation, errors) = Evaluation::new(&mut sources, files, &mut NoImports, &Standard);
    if let Some(error) = errors.first() {
        return Err(error.message.clone());
    }
    let root = evaluation.root();
    let x = evaluation.lookup(root, &[Selector::Field("x".to_owned())]);
    let data = evaluation.data(x.ok_or("no value")?).map_err(|errors| {
        errors
            .first()
            .map_or_else(String::new, |error| error.message.clone())
    })?;
    json::to_compact(&data).map_err(|error| error.to_string())
}

/// Whether two floats differ in their last digits only: the libraries of functions such as the sine do.
fn nearly(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) if b.len() < 25 => (x - y).abs() <= x.abs() * 1e-13,
        _ => false,
    }
}

/// What is wrong with a case, if anything is.
fn failure(line: &str) -> Option<String> {
    let (expression, expected) = line.split_once("  =>  ").expect(line);
    let got = evaluate(expression);
    let fine = match &got {
        Err(_) => expected.starts_with('!'),
        Ok(text) => {
            let near = expression.starts_with("math.") && nearly(text, expected);
            // The other text may have other escapes.
            let same = || evaluate(expected).is_ok_and(|other| other == *text);
            text == expected || near || (!expected.starts_with('!') && same())
        }
    };
    let got = got.unwrap_or_else(|message| format!("!{message}"));
    (!fine).then(|| format!("{expression}\n  want {expected}\n  have {got}"))
}

#[test]
fn builtins_answer_as_cue_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/builtins");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the suite")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    let texts: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("readable"))
        .chain([reference::examples()
            .map(|(call, result)| format!("{call}  =>  {result}\n"))
            .collect()])
        .collect();
    let cases: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .collect();
    let wrong: Vec<String> = cases.par_iter().filter_map(|line| failure(line)).collect();
    let (wrong, count) = (wrong.join("\n"), wrong.len());
    assert!(count == 0, "{wrong}\n{count} of {} wrong, ", cases.len());
}

#[test]
fn the_reference_chapter_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/builtins.md");
    let written = std::fs::read_to_string(file).expect("the chapter");
    let current = holos_tests::builtin_reference::chapter(&Standard);
    assert!(
        written == current,
        "run: cargo run -p holos-tests --bin builtin-reference > spec/builtins.md"
    );
}

/// The names that a chapter of the reference has in the tables under `## path`.
fn documented(chapter: &str, path: &str) -> BTreeSet<String> {
    let section = chapter
        .split("\n## ")
        .find(|section| section.lines().next() == Some(path))
        .unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split(['(', '`']).next())
        .map(str::to_owned)
        .collect()
}

/// What `holosc help ARGUMENT` prints.
fn help(argument: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_holosc-under-test"))
        .args(["help", argument])
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "holosc help {argument}");
    String::from_utf8(output.stdout).expect("text")
}

/// Completion is beside the other dialogues with the language server, in `lsp.rs`.
#[test]
fn table_chapter_examples_and_help_name_the_same() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/builtins.md");
    let chapter = std::fs::read_to_string(file).expect("the chapter");
    let mut exemplified: Vec<&str> = Vec::new();
    for path in Standard.paths() {
        let package = Standard.package(path).expect("a listed package");
        let table: BTreeSet<String> = (package.functions.iter().map(|f| f.name))
            .chain(package.constants.iter().map(|(name, _)| *name))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            documented(&chapter, path),
            table,
            "spec/builtins.md, {path}"
        );
        let prefix = format!("{}.", package.name);
        let helped: BTreeSet<String> = help(path)
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix))
            .filter_map(|line| line.split(['(', ':']).next())
            .map(str::to_owned)
            .collect();
        assert_eq!(helped, table, "holosc help {path}");
        for entry in reference::entries(package) {
            let Entry::Function(..) = entry else {
                continue;
            };
            let name = format!("{prefix}{}", entry.name());
            let (call, _) = entry
                .example()
                .unwrap_or_else(|| panic!("{name} has no example"));
            exemplified.push(call);
        }
    }
    let all: Vec<&str> = reference::examples().map(|(call, _)| call).collect();
    assert_eq!(
        exemplified, all,
        "an example a function, in the order of the table"
    );
    let help = help("strings.Split");
    let (call, result) = reference::find("strings.Split")
        .and_then(|entry| entry.example())
        .expect("an example");
    for part in ["strings.Split(s: string, sep: string): list", call, result] {
        assert!(help.contains(part), "{help}");
    }
}

/// What a case shows of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Case {
    Ordinary,
    /// An argument is empty, zero, negative, huge or not ASCII, or the case stands in `edges.txt`.
    Edge,
    Refused,
}

fn kind(expression: &str, expected: &str, edges: bool) -> Case {
    if expected.starts_with('!') {
        return Case::Refused;
    }
    let mut arguments = expression.split_once('(').map_or(expression, |call| call.1);
    let empty = ["\"\"", "\'\'", "[]", "{}"];
    let mut edge =
        edges || !arguments.is_ascii() || empty.iter().any(|text| arguments.contains(text));
    // Numbers outside of texts.
    let mut before = ' ';
    while let Some(c) = arguments.chars().next() {
        let mut end = c.len_utf8();
        if c == '"' || c == '\'' {
            let escaped = |at: usize| arguments[..at].chars().rev().take_while(|&c| c == '\\');
            let close = arguments[1..].match_indices(c).map(|(at, _)| at + 1);
            end = (close.into_iter().find(|&at| escaped(at).count() % 2 == 0))
                .map_or(arguments.len(), |at| at + 1);
        } else if (c == '-' || c.is_ascii_digit()) && !before.is_alphanumeric() {
            let rest = &arguments[1..];
            end = 1 + rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                .unwrap_or(rest.len());
            let number = arguments[..end].parse::<f64>();
            edge |= number.is_ok_and(|n| n <= 0.0 || n >= 2_147_483_648.0);
        }
        before = c;
        arguments = &arguments[end..];
    }
    match edge {
        true => Case::Edge,
        false => Case::Ordinary,
    }
}

/// The functions that an expression names: `list.Sort`, `strings.MinRunes`.
fn named(expression: &str) -> BTreeSet<&str> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    (expression.split(|c| !part(c)))
        .filter(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn every_function_has_an_ordinary_an_edge_and_a_refused_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/builtins");
    let mut cases: BTreeMap<String, BTreeSet<Case>> = BTreeMap::new();
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the suite").flatten() {
        let edges = file.file_name() == "edges.txt";
        let text = std::fs::read_to_string(file.path()).expect("readable");
        let lines = text.lines().filter(|line| !line.starts_with("//"));
        for (expression, expected) in lines.filter_map(|line| line.split_once("  =>  ")) {
            count += 1;
            for name in named(expression) {
                let kinds = cases.entry(name.to_owned()).or_default();
                kinds.insert(kind(expression, expected, edges));
            }
        }
    }
    assert!(count >= 1500, "{count} cases");
    let all = BTreeSet::from([Case::Ordinary, Case::Edge, Case::Refused]);
    let mut missing = Vec::new();
    for package in Standard.paths().iter().filter_map(|p| Standard.package(p)) {
        for function in package.functions {
            let name = format!("{}.{}", package.name, function.name);
            let has = cases.remove(&name).unwrap_or_default();
            let lacks: Vec<&Case> = all.difference(&has).collect();
            if !lacks.is_empty() {
                missing.push(format!("{name}: {lacks:?}"));
            }
        }
    }
    assert!(missing.is_empty(), "no case of\n{}", missing.join("\n"));
}

/// A few of the calls that the command `fuzz-builtins` makes by the million.
#[test]
fn arbitrary_calls_end_without_a_panic() {
    let functions: Vec<_> = fuzz::functions().into_iter().enumerate().collect();
    functions
        .par_iter()
        .for_each(|&(index, (package, function))| {
            let mut random = fuzz::Random::new(index as u64);
            let calls: Vec<String> = (0..20)
                .map(|_| fuzz::call(package, function, &mut random))
                .collect();
            assert!(fuzz::evaluate(package, &calls).is_ok(), "{calls:#?}");
        });
}

#[test]
fn differences_from_cue_are_listed_in_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = std::fs::read_to_string(root.join("suites/builtins/differences.txt"));
    let chapter = std::fs::read_to_string(root.join("../spec/builtins.md")).expect("the chapter");
    let listed = chapter
        .split("\n## ")
        .find(|section| section.starts_with("Where CUE differs"));
    for line in cases
        .expect("the cases")
        .lines()
        .filter(|line| !line.starts_with("//"))
    {
        for name in named(line.split("  =>  ").next().unwrap_or(line)) {
            assert!(listed.is_some_and(|text| text.contains(name)), "{name}");
        }
    }
}

#[test]
fn the_table_is_well_formed() {
    let paths = Standard.paths();
    assert!(paths.is_sorted(), "{paths:?}");
    for path in paths {
        let package = Standard.package(path).expect("a listed package");
        assert_eq!(package.path, path);
        let mut names: Vec<&str> = package
            .functions
            .iter()
            .map(|function| function.name)
            .collect();
        names.extend(package.constants.iter().map(|(name, _)| *name));
        names.sort_unstable();
        assert!(
            names.windows(2).all(|pair| pair[0] != pair[1]),
            "{path} names one twice"
        );
        for function in package.functions {
            let line = function.doc;
            assert!(
                line.ends_with(['.', '…']) && !line.contains('\n'),
                "{path}.{}",
                function.name
            );
            let optional = function
                .parameters
                .iter()
                .map(|parameter| parameter.default.is_some());
            assert!(
                optional.is_sorted(),
                "{path}.{}: defaults come last",
                function.name
            );
        }
        for (name, text) in package.constants {
            let (_, errors) = parse_expr(FileId(0), text);
            assert!(errors.is_empty(), "{path}.{name} is no expression");
        }
    }
}
