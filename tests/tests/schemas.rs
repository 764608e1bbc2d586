//! The shipped schemas: each document of `suites/schemas/*.yaml` is accepted or refused as the comment
//! above it says, by the validator and, where it says `definition`, by the kind's definition.
//!
//! `# accept`; `# refuse PATH: PART OF THE MESSAGE`; `# refuse definition PATH: …`.

use holos_lang::diagnostic::{FileId, Severity, Source, SourceMap};
use holos_lang::eval::{Evaluation, Strictness};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax;
use holos_schemas::validate::Validator;
use holos_schemas::yaml::{self, Node};
use std::sync::Arc;

struct Case {
    name: String,
    accepted: bool,
    /// Whether the definition refuses it as well.
    definition: bool,
    expected: String,
    text: String,
}

fn cases() -> Vec<Case> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/suites/schemas");
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for (at, document) in text.split("---\n").enumerate() {
            let (head, text) = document.split_once('\n').unwrap();
            let head = head
                .strip_prefix("# ")
                .expect("a document begins with what is expected of it");
            let refused = head.strip_prefix("refuse ");
            let expected = refused.unwrap_or_default();
            let definition = expected.strip_prefix("definition ");
            cases.push(Case {
                name: format!("{file} #{}", at + 1),
                accepted: refused.is_none(),
                definition: definition.is_some(),
                expected: definition.unwrap_or(expected).to_owned(),
                text: text.to_owned(),
            });
        }
    }
    cases
}

#[test]
fn the_validator_accepts_and_refuses() {
    let validator = Validator::new();
    for case in cases() {
        let (_, found) = validator.file(FileId(0), &case.text);
        let found: Vec<String> = found.into_iter().map(|d| d.message).collect();
        if case.accepted {
            assert!(found.is_empty(), "{}: {found:?}", case.name);
        } else {
            let (path, message) = case
                .expected
                .split_once(": ")
                .unwrap_or((&case.expected, ""));
            let same = |f: &String| f.contains(path) && f.contains(message);
            assert!(found.iter().any(same), "{}: {found:?}", case.name);
        }
    }
}

struct Schemas;

impl Importer for Schemas {
    fn import(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        _: &str,
    ) -> Result<PackageFiles, ImportError> {
        let files = holos_schemas::package(path).ok_or_else(|| ImportError {
            message: "does not ship".into(),
            help: Vec::new(),
        })?;
        let mut package = PackageFiles {
            path: path.into(),
            ..PackageFiles::default()
        };
        for (name, text) in files {
            add(sources, &mut package, &name, &text);
        }
        Ok(package)
    }
}

fn add(sources: &mut SourceMap, package: &mut PackageFiles, name: &str, text: &str) {
    let file = sources.add(Source {
        name: name.into(),
        text: text.into(),
        user: false,
    });
    let parsed = syntax::parse(file, text);
    if let Some(name) = &parsed.file.package {
        package.name = name.name.clone();
    }
    package.files.push((file, Arc::new(parsed.file)));
    package.errors.extend(parsed.errors);
}

/// What evaluating an object with the definition of its kind finds.
fn evaluate(object: &Node) -> Option<Vec<String>> {
    let text = |key: &str| object.get(key).and_then(Node::str).unwrap_or_default();
    let (path, definition) = holos_schemas::kind(text("apiVersion"), text("kind"))?;
    let program = format!(
        "import p {path:?}\n\nout: p.{definition} & {}\n",
        object.to_json()
    );
    let mut sources = SourceMap::default();
    let mut package = PackageFiles::default();
    add(&mut sources, &mut package, "case.holos", &program);
    let builtins = &holos_stdlib::Standard;
    let (mut evaluation, mut found) =
        Evaluation::new(&mut sources, package, &mut Schemas, builtins);
    let root = evaluation.root();
    found.extend(evaluation.errors(root, Strictness::Concrete));
    let errors = found.into_iter().filter(|d| d.severity == Severity::Error);
    Some(
        errors
            .map(|d| format!("{}: {}", d.path, d.message))
            .collect(),
    )
}

#[test]
fn definitions_accept_and_refuse() {
    for case in cases() {
        let (documents, _) = yaml::documents(FileId(0), &case.text);
        let Some(found) = documents.first().and_then(evaluate) else {
            continue;
        };
        if case.accepted {
            assert!(found.is_empty(), "{}: {found:?}", case.name);
        } else if case.definition {
            assert!(
                !found.is_empty(),
                "{}: the definition accepts it",
                case.name
            );
        }
    }
}

#[test]
fn every_package_parses_and_is_formatted() {
    for path in holos_schemas::paths() {
        for (name, text) in holos_schemas::package(path).expect("a path leads to a package") {
            let parsed = syntax::parse(FileId(0), &text);
            assert!(
                parsed.errors.is_empty(),
                "{path}/{name}: {:?}",
                parsed.errors
            );
            assert_eq!(
                syntax::format(&text).as_deref(),
                Some(&*text),
                "{path}/{name}"
            );
        }
    }
}

#[test]
fn every_kind_has_its_definition() {
    for (version, kind, path, definition, _) in holos_schemas::kinds() {
        let files = holos_schemas::package(path).unwrap_or_default();
        let found = files
            .iter()
            .any(|(_, text)| text.contains(&format!("\n{definition}: ")));
        assert!(found, "{kind} of {version} in {path}");
    }
}
