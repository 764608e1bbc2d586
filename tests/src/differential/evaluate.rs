//! What becomes of a program here.

use super::Outcome;
use holos_lang::diagnostic::{Diagnostic, Severity, Source, SourceMap};
use holos_lang::eval::inspect::Shape;
use holos_lang::eval::{Evaluation, NodeId, Selector, Strictness, View};
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

/// Why a program that would be evaluated too long failed.
pub const NO_ANSWER: &str = "no answer within the limits";
/// How many values a program may make.
const LIMIT: usize = 200_000;
/// How many steps a program may take.
const STEPS: u64 = 1_000_000;
/// A program that gives no answer within these limits may take as many times that before it counts as having none.
const PATIENCE: u32 = 20;

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
    let outcome = |patience| {
        let caught = std::panic::catch_unwind(|| unguarded(text, name, patience));
        caught.unwrap_or_else(|_| Outcome::Failed("panic".into()))
    };
    match outcome(1) {
        Outcome::Failed(why) if why == NO_ANSWER => outcome(PATIENCE),
        outcome => outcome,
    }
}

/// The paths in the field `name` of a file at which there is an error, also in definitions and hidden fields.
pub fn failing(text: &str, name: &str) -> BTreeSet<String> {
    let caught = std::panic::catch_unwind(|| {
        let mut evaluation = match begin(text, 1) {
            Ok(evaluation) => evaluation,
            Err(_) => return BTreeSet::new(),
        };
        let mut found = BTreeSet::new();
        let root = evaluation.root();
        if let Some(node) = evaluation.lookup(root, &[Selector::Field(name.into())]) {
            collect(&mut evaluation, node, name, 0, &mut found);
        }
        found
    });
    caught.unwrap_or_default()
}

/// How deep errors are looked for, and how many are enough.
const DEEP: usize = 8;
const MANY: usize = 1000;

fn collect(
    evaluation: &mut Evaluation<'_>,
    node: NodeId,
    path: &str,
    depth: usize,
    found: &mut BTreeSet<String>,
) {
    let inspection = evaluation.inspect(node);
    if inspection.error.is_some() {
        found.insert(path.into());
    }
    if depth > DEEP || found.len() > MANY {
        return;
    }
    if let Shape::List { elements, .. } = inspection.shape {
        for (index, element) in elements.into_iter().enumerate() {
            collect(
                evaluation,
                element,
                &format!("{path}.{index}"),
                depth + 1,
                found,
            );
        }
    }
    for field in inspection.fields {
        let path = format!("{path}.{}", field.label);
        collect(evaluation, field.value, &path, depth + 1, found);
    }
}

/// The evaluation of a file, or why there is none.
fn begin(text: &str, patience: u32) -> Result<Evaluation<'static>, String> {
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
        return Err(error.message.clone());
    }
    evaluation.limit_values(LIMIT * patience as usize);
    evaluation.limit_steps(STEPS * u64::from(patience));
    Ok(evaluation)
}

fn unguarded(text: &str, name: &str, patience: u32) -> Outcome {
    let mut evaluation = match begin(text, patience) {
        Ok(evaluation) => evaluation,
        Err(why) => return Outcome::Refused(why),
    };
    let root = evaluation.root();
    let found = evaluation.errors(root, Strictness::Final);
    if found.iter().any(|d| d.message.contains("the evaluation")) {
        return Outcome::Failed(NO_ANSWER.into());
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
