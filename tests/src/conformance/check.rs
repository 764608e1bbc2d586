//! The assertions of an archive, one after the other.

use super::attribute::{self, Directive, ErrorSpec, Record, code_name};
use super::compare::compare;
use super::load::{ArchiveImporter, main_package};
use super::permute::Order;
use super::printed;
use super::program::Program;
use super::txtar::Archive;
use super::{Outcome, Segment, path_text};
use holos_lang::diagnostic::{Diagnostic, SourceMap};
use holos_lang::eval::inspect::{Allows, ErrorCode, Shape};
use holos_lang::eval::{Evaluation, NodeId, Selector, Strictness};
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::tree::{Decl, Expr, File, Presence};
use holos_lang::value::builtin::{Builtins, Kind};
use std::sync::Arc;

/// The evaluator generation whose suffixed directives (`eq:v3`) apply.
const VERSION: &str = "v3";
/// Directives that assert something this runner compares.
const ASSERTIONS: [&str; 6] = ["eq", "err", "kind", "closed", "allows", "permute"];

/// What is to be checked, without what does not count.
pub(super) fn plan(archive: &Archive) -> Vec<Record> {
    plan_of(archive, &main_package(archive, &mut SourceMap::default()))
}

fn plan_of(archive: &Archive, package: &PackageFiles) -> Vec<Record> {
    if archive.comment_says("#inlinetest:exclude") {
        return Vec::new();
    }
    let records: Vec<_> = package
        .files
        .iter()
        .flat_map(|(_, file)| attribute::records(file))
        .collect();
    if records.is_empty() {
        return printed::records(archive);
    }
    let only = archive
        .comment
        .lines()
        .find_map(|line| line.trim().strip_prefix("#subpath:"));
    let mut plan: Vec<Record> = Vec::new();
    for record in &records {
        let named = |name: &str| {
            records.iter().any(|r| {
                r.path == record.path
                    && r.directive.name == name
                    && (r.directive.version.is_empty() || r.directive.version == VERSION)
            })
        };
        let version = record.directive.version.as_str();
        let outside = only.is_some_and(|only| {
            record
                .path
                .first()
                .is_some_and(|segment| segment.name != only.trim())
        });
        if !is_assertion(record) || named("skip") || named("todo") || outside {
            continue;
        }
        if !version.is_empty() && version != VERSION {
            continue;
        }
        match plan
            .iter()
            .position(|planned| is_same_assertion(planned, record))
        {
            Some(_) if version.is_empty() && record.directive.name == "permute" => {}
            // What is said later, and what is said for this version, replaces the rest.
            Some(index) if !version.is_empty() || plan[index].directive.version.is_empty() => {
                plan[index] = record.clone();
            }
            Some(_) => {}
            None => plan.push(record.clone()),
        }
    }
    plan
}

fn is_assertion(record: &Record) -> bool {
    let directive = &record.directive;
    ASSERTIONS.contains(&directive.name.as_str())
        && (directive.name != "eq" || directive.operand().is_some())
        && !directive
            .arguments
            .iter()
            .any(|a| a.key.is_empty() && a.value.starts_with("skip"))
}

fn is_same_assertion(a: &Record, b: &Record) -> bool {
    let detail = |directive: &Directive| match directive.name.as_str() {
        "allows" => directive.operand().map(str::to_owned),
        _ => directive
            .argument("at")
            .map(|argument| argument.value.clone()),
    };
    if a.directive.name == "permute" && b.directive.name == "permute" {
        return permuted(a) == permuted(b);
    }
    a.path == b.path
        && a.directive.name == b.directive.name
        && detail(&a.directive) == detail(&b.directive)
}

/// The struct whose fields a `permute` reorders.
fn permuted(record: &Record) -> &[Segment] {
    match (record.inside, record.path.split_last()) {
        (false, Some((_, parent))) => parent,
        _ => &record.path,
    }
}

pub(super) fn run(
    archive: &Archive,
    builtins: &dyn Builtins,
    only: Option<&str>,
    report: &mut dyn FnMut(Outcome),
) {
    let mut sources = SourceMap::default();
    let package = main_package(archive, &mut sources);
    let mut plan = plan_of(archive, &package);
    if let Some(only) = only {
        plan.retain(|record| {
            let path = path_text(&record.path);
            path == only
                || path
                    .strip_prefix(only)
                    .is_some_and(|rest| rest.starts_with('.'))
        });
    }
    if plan.is_empty() {
        return;
    }
    let suite = Suite {
        archive,
        builtins,
        plan,
    };
    let mut program = suite.evaluate(&mut sources, package.clone());
    for record in &suite.plan {
        let checked = match record.directive.name.as_str() {
            "permute" => suite.permute(&package, &sources, record),
            _ => suite.check(&mut program, record),
        };
        report(Outcome {
            assertion: name(record),
            failure: checked.err(),
        });
    }
}

/// What an assertion is called: `a.b eq`.
fn name(record: &Record) -> String {
    let path = path_text(&record.path);
    let at = record
        .directive
        .argument("at")
        .map_or(String::new(), |at| format!(" at={}", at.value));
    let assertion = format!("{path} {}{at}", record.directive.name);
    assertion.trim_start().to_owned()
}

pub(super) fn run_permuted(
    archive: &Archive,
    builtins: &dyn Builtins,
    order: &Order,
    report: &mut dyn FnMut(Outcome),
) {
    let mut sources = SourceMap::default();
    let mut package = main_package(archive, &mut sources);
    let mut plan = plan_of(archive, &package);
    plan.retain(|record| {
        record.directive.name != "permute"
            && !record
                .directive
                .operand()
                .is_some_and(|text| text.contains("checkOrder"))
    });
    order.apply(&mut package);
    let suite = Suite {
        archive,
        builtins,
        plan,
    };
    let mut program = suite.evaluate(&mut sources, package);
    for record in &suite.plan {
        let checked = suite.check(&mut program, record);
        report(Outcome {
            assertion: name(record),
            failure: checked.err(),
        });
    }
}

pub(super) fn describe(archive: &Archive, builtins: &dyn Builtins, only: Option<&str>) -> String {
    let mut sources = SourceMap::default();
    let package = main_package(archive, &mut sources);
    let mut found = package.errors.clone();
    let mut importer = ArchiveImporter::new(archive);
    let (evaluation, errors) = Evaluation::new(&mut sources, package, &mut importer, builtins);
    found.extend(errors);
    let mut program = Program::new(evaluation);
    let root = program.evaluation.root();
    let path: Vec<_> = only.into_iter().flat_map(path_of).collect();
    let value = match program.find(root, &path) {
        Some(node) => {
            found.extend(program.evaluation.errors(node, Strictness::Final));
            program.text(node)
        }
        None => "there is no such value".into(),
    };
    found
        .iter()
        .map(|error| line(&sources, error))
        .chain([value])
        .collect::<Vec<_>>()
        .join("\n")
}

/// A diagnostic on one line.
fn line(sources: &SourceMap, error: &Diagnostic) -> String {
    let place = error.labels.first().map_or(String::new(), |label| {
        let (line, column) = sources.line_column(label.place.file, label.place.span.start);
        format!("{}:{line}:{column}: ", sources.get(label.place.file).name)
    });
    format!("{place}{} {}: {}", error.code, error.path, error.message)
}

struct Suite<'a> {
    archive: &'a Archive,
    builtins: &'a dyn Builtins,
    plan: Vec<Record>,
}

impl<'a> Suite<'a> {
    fn evaluate(&self, sources: &mut SourceMap, package: PackageFiles) -> Program<'a> {
        let mut importer = ArchiveImporter::new(self.archive);
        Program::new(Evaluation::new(sources, package, &mut importer, self.builtins).0)
    }

    /// Checks any assertion but `permute`.
    fn check(&self, program: &mut Program<'a>, record: &Record) -> Result<(), String> {
        let directive = &record.directive;
        let root = program.evaluation.root();
        let mut node = program.find(root, &record.path);
        if let (Some(at), "eq" | "err") = (directive.argument("at"), directive.name.as_str()) {
            let steps = path_of(at.unquoted());
            node = node.and_then(|node| program.find(node, &steps));
            if node.is_none() {
                return Err(format!("there is no value at {}", at.unquoted()));
            }
        }
        if directive.name == "err" {
            // A field that is only declared is not there to whoever looks it up.
            if let Some((last, parent)) = record.path.split_last()
                && directive.argument("at").is_none()
                && let Some(parent) = program.find(root, parent)
                && program.is_declared_only(parent, last)
            {
                node = None;
            }
            return error(program, &ErrorSpec::parse(&directive.arguments), node);
        }
        let Some(node) = node else {
            return Err("there is no such value".into());
        };
        match directive.name.as_str() {
            "eq" => {
                let expected = directive.operand().unwrap_or_default();
                let printed = directive.version == printed::PRINTED;
                compare(program, self.builtins, node, expected, printed)
            }
            "kind" => {
                let wanted = kinds(&directive.setting)?;
                let got = program.inspect(node).kind;
                expect(wanted == got, || {
                    format!("expected the kind {wanted}, got {got}")
                })
            }
            "closed" => {
                let wanted = directive.setting != "false";
                let got = program.inspect(node).closed;
                expect(wanted == got, || {
                    format!("expected closed to be {wanted}, is {got}")
                })
            }
            "allows" => {
                let wanted = directive.setting != "false";
                let what = directive.operand().ok_or("it says not what to allow")?;
                let got = program.evaluation.allows(node, &allowed(what));
                expect(wanted == got, || {
                    format!("expected allowing {what} to be {wanted}, is {got}")
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks every assertion about the struct and what is in it in each order of the marked fields.
    fn permute(
        &self,
        package: &PackageFiles,
        sources: &SourceMap,
        record: &Record,
    ) -> Result<(), String> {
        let path = permuted(record);
        let found = package
            .files
            .iter()
            .enumerate()
            .find_map(|(index, (_, file))| {
                let places = permutable(decls_at(&file.decls, path)?, record.inside);
                (places.len() >= 2).then_some((index, places))
            });
        let Some((index, places)) = found else {
            return Ok(());
        };
        let inner = self
            .plan
            .iter()
            .filter(|r| r.directive.name != "permute" && r.path.starts_with(path));
        let inner: Vec<_> = inner.collect();
        let mut order: Vec<usize> = (0..places.len()).collect();
        let mut count = 0;
        loop {
            count += 1;
            let mut package = package.clone();
            let (id, file) = &package.files[index];
            let mut file: File = (**file).clone();
            if let Some(decls) = decls_at_mut(&mut file.decls, path) {
                let original: Vec<_> = places.iter().map(|&place| decls[place].clone()).collect();
                for (&place, &from) in places.iter().zip(&order) {
                    decls[place] = original[from].clone();
                }
            }
            package.files[index] = (*id, Arc::new(file));
            let mut program = self.evaluate(&mut sources.clone(), package);
            for record in &inner {
                self.check(&mut program, record).map_err(|message| {
                    let (path, name) = (path_text(&record.path), &record.directive.name);
                    format!("in the order {order:?}, {path} {name}: {message}")
                })?;
            }
            if !next_permutation(&mut order) {
                break;
            }
        }
        let wanted = record
            .directive
            .argument("count")
            .map(|count| count.value.as_str());
        let wanted = wanted
            .filter(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned();
        expect(wanted.is_empty() || wanted == count.to_string(), || {
            format!("expected {wanted} orders, there are {count}")
        })
    }
}

fn expect(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

/// Checks `@test(err, …)`; a value that is not there counts as an error.
pub(super) fn error(
    program: &mut Program<'_>,
    spec: &ErrorSpec,
    node: Option<NodeId>,
) -> Result<(), String> {
    let Some(node) = node else {
        let missing = spec.accepts(ErrorCode::Eval) || spec.accepts(ErrorCode::Incomplete);
        return expect(missing, || "there is no such value".into());
    };
    let codes = || spec.codes.join("|");
    if spec.any {
        let found = any_error(program, spec, node, 0);
        return expect(found, || {
            format!("expected an error {} in {}", codes(), program.text(node))
        });
    }
    let inspection = program.inspect(node);
    let Some(code) = inspection.error else {
        return Err(format!(
            "expected an error {}, got {}",
            codes(),
            program.text(node)
        ));
    };
    expect(spec.accepts(code), || {
        let got = code_name(code);
        format!(
            "expected the error code {}, got {got} in {}",
            codes(),
            program.text(node)
        )
    })?;
    let paths = spec
        .suberrors
        .iter()
        .chain([spec])
        .filter_map(|spec| spec.path.as_deref());
    let paths: Vec<_> = paths.collect();
    if paths.is_empty() {
        return Ok(());
    }
    let mut found = program.evaluation.error_paths(node);
    let reported = program.evaluation.errors(node, Strictness::Concrete);
    found.extend(reported.into_iter().map(|error| error.path));
    for path in paths {
        let here = |got: &String| got == path || got.ends_with(&format!(".{path}"));
        expect(found.iter().any(here), || {
            format!("expected an error at {path}, got them at {found:?}")
        })?;
    }
    Ok(())
}

/// Whether the value, a regular field or an element of it is such an error.
fn any_error(program: &mut Program<'_>, spec: &ErrorSpec, node: NodeId, depth: usize) -> bool {
    if depth > 100 {
        return false;
    }
    let inspection = program.inspect(node);
    if inspection.error.is_some_and(|code| spec.accepts(code)) {
        return true;
    }
    let fields = inspection.fields.iter();
    let fields = fields.filter(|field| !field.special && field.presence == Presence::Regular);
    let elements = match &inspection.shape {
        Shape::List { elements, .. } => elements.as_slice(),
        _ => &[],
    };
    fields
        .map(|field| field.value)
        .chain(elements.iter().copied())
        .any(|child| any_error(program, spec, child, depth + 1))
}

fn kinds(text: &str) -> Result<Kind, String> {
    text.split('|').try_fold(Kind::NONE, |all, name| {
        let kind = match name.trim() {
            "null" => Kind::NULL,
            "bool" => Kind::BOOL,
            "int" => Kind::INT,
            "float" => Kind::FLOAT,
            "number" => Kind::NUMBER,
            "string" => Kind::STRING,
            "bytes" => Kind::BYTES,
            "list" => Kind::LIST,
            "struct" => Kind::STRUCT,
            "top" | "_" => Kind::TOP,
            "bottom" | "_|_" => Kind::NONE,
            other => return Err(format!("{other} is no kind")),
        };
        Ok(all.or(kind))
    })
}

fn allowed(text: &str) -> Allows {
    match text {
        "string" => Allows::AnyField,
        "int" => Allows::AnyIndex,
        _ => Allows::Label(match (text.strip_prefix('"'), text.parse()) {
            (Some(rest), _) => Selector::Field(rest.trim_end_matches('"').to_owned()),
            (None, Ok(index)) => Selector::Index(index),
            (None, Err(_)) if text.starts_with(['#', '_']) => Selector::Special(text.to_owned()),
            (None, Err(_)) => Selector::Field(text.to_owned()),
        }),
    }
}

/// A path as written in `at=`: `a.b`, `a._h$(mod.test@v0:p).0`, `a."x-y"`.
fn path_of(text: &str) -> Vec<Segment> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted) = (0usize, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '.' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_prefix('"') {
            Some(rest) => Segment::regular(rest.trim_end_matches('"')),
            None => Segment::spelt(part),
        })
        .collect()
}

/// The declarations of the struct literal at a path.
fn decls_at<'f>(decls: &'f [Decl], path: &[Segment]) -> Option<&'f [Decl]> {
    let Some((first, rest)) = path.split_first() else {
        return Some(decls);
    };
    decls.iter().find_map(|decl| match decl {
        Decl::Field(field) if attribute::label_segment(&field.label).as_ref() == Some(first) => {
            match &field.value {
                Expr::Struct(literal) => decls_at(&literal.decls, rest),
                _ => None,
            }
        }
        _ => None,
    })
}

fn decls_at_mut<'f>(decls: &'f mut Vec<Decl>, path: &[Segment]) -> Option<&'f mut Vec<Decl>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(decls);
    };
    decls.iter_mut().find_map(|decl| match decl {
        Decl::Field(field) if attribute::label_segment(&field.label).as_ref() == Some(first) => {
            match &mut field.value {
                Expr::Struct(literal) => decls_at_mut(&mut literal.decls, rest),
                _ => None,
            }
        }
        _ => None,
    })
}

/// The indices of the fields to reorder.
fn permutable(decls: &[Decl], all: bool) -> Vec<usize> {
    let chosen = |decl: &&Decl| match decl {
        Decl::Field(field) => {
            let mut directives = field.attributes.iter().filter_map(attribute::directive);
            all || directives.any(|directive| directive.name == "permute")
        }
        _ => false,
    };
    decls
        .iter()
        .enumerate()
        .filter(|(_, decl)| chosen(decl))
        .map(|(index, _)| index)
        .collect()
}

/// The next order in the lexical sequence of them all, or `false` after the last.
fn next_permutation(order: &mut [usize]) -> bool {
    let Some(pivot) = (1..order.len()).rev().find(|&i| order[i - 1] < order[i]) else {
        return false;
    };
    let swap = (pivot..order.len())
        .rev()
        .find(|&i| order[i] > order[pivot - 1])
        .unwrap_or(pivot);
    order.swap(pivot - 1, swap);
    order[pivot..].reverse();
    true
}
