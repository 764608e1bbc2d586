//! What becomes of a program here.

use super::Outcome;
use holos_lang::diagnostic::{Diagnostic, Severity, Source, SourceMap};
use holos_lang::eval::{Evaluation, Selector, Strictness, View};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::tree::{Decl, Expr, File};
use holos_lang::syntax::{parse, print};
use holos_stdlib::Standard;
use holos_stdlib::encoding::{Format, to_string};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What `eval` shows of a value.
const VIEW: View = View {
    hidden: false,
    definitions: true,
    optional: false,
    patterns: true,
    attributes: false,
    defaults: true,
    concrete: false,
};

/// How many values a program may make.
const LIMIT: usize = 200_000;
/// How many steps a program may take.
const STEPS: u64 = 1_000_000;

struct Nothing;

impl Importer for Nothing {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is nowhere".into(),
            help: Vec::new(),
        })
    }
}

/// The outcome of the field `name` of a file with this text. Names that lead nowhere make it [`Outcome::Refused`].
pub fn evaluate(text: &str, name: &str) -> Outcome {
    let caught = std::panic::catch_unwind(|| unguarded(text, name));
    caught.unwrap_or_else(|_| Outcome::Failed("panic".into()))
}

fn unguarded(text: &str, name: &str) -> Outcome {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: "program.holos".into(),
        text: text.into(),
        user: true,
    });
    let parsed = parse(id, text);
    let package = PackageFiles {
        files: vec![(id, Arc::new(parsed.file))],
        errors: parsed.errors,
        ..PackageFiles::default()
    };
    let (mut evaluation, found) = Evaluation::new(&mut sources, package, &mut Nothing, &Standard);
    if let Some(error) = found.iter().find(|d| d.severity == Severity::Error) {
        return Outcome::Refused(error.message.clone());
    }
    evaluation.limit_values(LIMIT);
    evaluation.limit_steps(STEPS);
    let root = evaluation.root();
    let found = evaluation.errors(root, Strictness::Final);
    if found.iter().any(|d| d.message.contains("the evaluation")) {
        return Outcome::Failed("no answer within the limits".into());
    }
    let wrong = paths(&found);
    if !wrong.is_empty() {
        return Outcome::Wrong(wrong);
    }
    let Some(node) = evaluation.lookup(root, &[Selector::Field(name.into())]) else {
        return Outcome::Failed("the field is not there".into());
    };
    let incomplete = paths(&evaluation.errors(root, Strictness::Concrete));
    if !incomplete.is_empty() {
        return Outcome::Incomplete(incomplete, one_line(evaluation.tree(node, VIEW)));
    }
    match evaluation.data(node) {
        Ok(data) => match to_string(Format::Json, &data) {
            Ok(json) => Outcome::Data(json.trim_end().into()),
            Err(error) => Outcome::Failed(error.to_string()),
        },
        Err(errors) => Outcome::Failed(errors.first().map_or("?".into(), |e| e.message.clone())),
    }
}

fn paths(found: &[Diagnostic]) -> BTreeSet<String> {
    found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.path.clone())
        .collect()
}

/// An expression as text in the one layout, on one line.
pub(super) fn one_line(expr: Expr) -> String {
    let file = File {
        decls: vec![Decl::Embed(expr)],
        ..File::default()
    };
    let words: Vec<String> = print(&file).split_whitespace().map(str::to_owned).collect();
    words.join(" ")
}
