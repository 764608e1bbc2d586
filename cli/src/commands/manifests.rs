//! `holosc vet` without a schema: Kubernetes manifests by their apiVersion and kind.
//!
//! What is known of kinds, the first that knows one counts: CustomResourceDefinitions among the inputs (so objects
//! of their kinds may stand before or after them, in any file), the folders of `--schema`, the packages that
//! `holosc get crd` put into the module, and the schemas that ship.

use super::verdicts::{self, Status, Verdict};
use super::{Session, graver};
use crate::Outcome;
use crate::args::{Vet, VetFormat};
use crate::files::Files;
use crate::load::module::Module;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source};
use holos_schemas::import::{self, Input, Options};
use holos_schemas::validate::{Checked, Reason, Validator};
use rayon::prelude::*;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The one version of Kubernetes whose schemas ship.
const KUBERNETES: &str = "1.36";

/// Checks the inputs if they are manifests: data files without a schema, directories of them, or `-`.
pub(super) fn run(session: &mut Session, args: &Vet) -> Option<Outcome> {
    let inputs = &args.inputs.inputs;
    let folder = |name: &String| session.files.absolute(name).exists();
    if !args.schema.iter().all(folder) || inputs.is_empty() {
        return None;
    }
    let mut paths = Vec::new();
    for input in inputs {
        let path = session.files.absolute(input);
        if input == "-" {
            paths.push(None);
        } else if session.files.is_dir(&path) {
            let mut found = Vec::new();
            if !collect(&session.files, &path, &mut found) || found.is_empty() {
                return None;
            }
            paths.extend(found.into_iter().map(Some));
        } else if is_manifest(input) {
            paths.push(Some(path));
        } else {
            return None;
        }
    }
    Some(check(session, args, &paths))
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Manifests below a directory, in order of their names; `false` where it holds a package.
fn collect(files: &Files, dir: &Path, found: &mut Vec<PathBuf>) -> bool {
    for name in files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        if name.ends_with(".holos") || name.ends_with(".cue") {
            return false;
        }
        if name.starts_with('.') {
            continue;
        }
        if files.is_dir(&path) {
            if !collect(files, &path, found) {
                return false;
            }
        } else if is_manifest(&name) {
            found.push(path);
        }
    }
    true
}

fn check(session: &mut Session, args: &Vet, paths: &[Option<PathBuf>]) -> Outcome {
    let mut validator = Validator::new();
    let mut found = Vec::new();
    installed(session, &mut validator);
    for folder in &args.schema {
        found.extend(schemas(session, &mut validator, folder));
    }
    found.extend(version(args));
    let mut texts: Vec<(FileId, Arc<str>)> = Vec::new();
    for path in paths {
        match read(session, path.as_deref()) {
            Ok(text) => texts.push(text),
            Err(error) => found.push(error),
        }
    }
    // A word of the kind is cheaper to look for than a document is to read twice.
    let learnt = texts
        .iter()
        .filter(|(_, text)| text.contains("CustomResourceDefinition"));
    let learnt: Vec<Input<'_>> = learnt
        .map(|(file, text)| Input { file: *file, text })
        .collect();
    if !learnt.is_empty() {
        found.extend(validator.learn(&learnt));
    }
    let checked: Vec<_> = texts
        .par_iter()
        .map(|(file, text)| (*file, validator.objects(*file, text)))
        .collect();
    let mut all = Vec::new();
    for (file, (objects, unreadable)) in checked {
        all.extend(unreadable.into_iter().map(|d| Verdict::unreadable(file, d)));
        all.extend(
            objects
                .into_iter()
                .map(|object| verdict(args, file, object)),
        );
    }
    if matches!(args.output, VetFormat::Text) {
        found.extend(all.iter().flat_map(|v| v.diagnostics.clone()));
        let outcome = session.report(&found);
        return match args.summary {
            true => graver(outcome, session.print(verdicts::summary(&all).as_bytes())),
            false => outcome,
        };
    }
    let written = verdicts::write(args.output, &session.sources, &all);
    let refused = all
        .iter()
        .any(|v| !matches!(v.status, Status::Valid | Status::Skipped));
    let outcome = match refused {
        true => Outcome::Input,
        false => Outcome::Fine,
    };
    let outcome = graver(outcome, session.report(&found));
    graver(outcome, session.print(written.as_bytes()))
}

/// What the flags make of the findings on an object.
fn verdict(args: &Vet, file: FileId, mut object: Checked) -> Verdict {
    let whole = format!("{}/{}", object.api_version, object.kind);
    let skipped = args.skip.iter().any(|s| *s == object.kind || *s == whole);
    let unknown = object.findings.iter().any(|f| f.reason == Reason::NoSchema);
    let mut status = Status::Valid;
    if skipped || unknown && args.ignore_missing_schemas {
        object.findings.clear();
        status = Status::Skipped;
    }
    if args.strict == Some(false) {
        let lenient = [Reason::Unknown, Reason::DuplicateKey];
        object.findings.retain(|f| !lenient.contains(&f.reason));
    }
    if !object.findings.is_empty() {
        status = if unknown {
            Status::Error
        } else {
            Status::Invalid
        };
    }
    let diagnostics = object.diagnostics(file).collect();
    Verdict {
        file,
        status,
        object,
        diagnostics,
    }
}

/// Whether the version of Kubernetes that was asked for is the one that ships.
fn version(args: &Vet) -> Option<Diagnostic> {
    let asked = args.kubernetes_version.as_deref()?;
    let wanted = asked.strip_prefix('v').unwrap_or(asked);
    let same = wanted == KUBERNETES
        || wanted
            .strip_prefix(KUBERNETES)
            .is_some_and(|patch| patch.starts_with('.'));
    if same || ["master", "latest"].contains(&wanted) || !args.schema.is_empty() {
        return None;
    }
    let message =
        format!("the schemas that ship are those of Kubernetes {KUBERNETES}, not {asked}");
    Some(
        Diagnostic::error(Code(910), message)
            .help("name a folder that has the OpenAPI document of that version with `--schema`"),
    )
}

/// Learns the packages that `holosc get crd` put into the module of the working directory.
pub(super) fn installed(session: &mut Session, validator: &mut Validator) {
    let here = session.files.absolute(".");
    let (Some(module), _) = Module::find(&session.files, &mut session.sources, &here) else {
        return;
    };
    for root in module.vendored("") {
        packages(&session.files, &root, &root, validator);
    }
}

/// Learns every `schema.json` below a folder of packages.
fn packages(files: &Files, root: &Path, dir: &Path, validator: &mut Validator) {
    for name in files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        if files.is_dir(&path) {
            packages(files, root, &path, validator);
        } else if name == "schema.json"
            && let (Ok(text), Ok(package)) = (files.text(&path), dir.strip_prefix(root))
        {
            let parts: Vec<_> = package.iter().map(|p| p.to_string_lossy()).collect();
            validator.package(&parts.join("/"), &text);
        }
    }
}

/// Learns the CustomResourceDefinitions, OpenAPI documents and packages of a folder, or of one file.
fn schemas(session: &mut Session, validator: &mut Validator, folder: &str) -> Vec<Diagnostic> {
    let path = session.files.absolute(folder);
    let mut found = Vec::new();
    let mut paths = Vec::new();
    if session.files.is_dir(&path) {
        packages(&session.files, &path, &path, validator);
        documents(&session.files, &path, &mut paths);
    } else {
        paths.push(path);
    }
    for path in paths {
        let (file, text) = match read(session, Some(&path)) {
            Ok(read) => read,
            Err(error) => {
                found.push(error);
                continue;
            }
        };
        let input = Input { file, text: &text };
        if text.contains("CustomResourceDefinition") && !text.contains("\"swagger\"") {
            found.extend(validator.learn(&[input]));
        } else if ["\"definitions\"", "components"]
            .iter()
            .any(|word| text.contains(word))
        {
            let options = Options {
                docs: false,
                path: "schema.example/openapi".into(),
            };
            let made = import::openapi(&[input], &Default::default(), &options);
            validator.add(&made);
            found.extend(made.diagnostics);
        }
    }
    found
}

/// Every YAML and JSON file below a directory that is no part of a package.
fn documents(files: &Files, dir: &Path, found: &mut Vec<PathBuf>) {
    for name in files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        if files.is_dir(&path) {
            documents(files, &path, found);
        } else if is_manifest(&name) && name != "schema.json" {
            found.push(path);
        }
    }
}

fn read(session: &mut Session, path: Option<&Path>) -> Result<(FileId, Arc<str>), Diagnostic> {
    let (name, text) = match path {
        Some(path) => (session.files.display(path), session.files.text(path)?),
        None => ("-".to_owned(), standard_input()?),
    };
    let source = Source {
        name: name.as_str().into(),
        text: text.clone(),
        user: true,
    };
    Ok((session.sources.add(source), text))
}

fn standard_input() -> Result<Arc<str>, Diagnostic> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|e| {
        let message = format!("cannot read standard input: {}", crate::files::plain(&e));
        Diagnostic::error(Code(901), message)
    })?;
    crate::files::utf8(bytes, "-")
}
