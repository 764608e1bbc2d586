//! `holosc vet` without a schema: Kubernetes manifests by their apiVersion and kind.
//!
//! CustomResourceDefinitions among the inputs are learnt before anything is checked, so that objects
//! of their kinds may stand before or after them, in any file.

use super::Session;
use crate::Outcome;
use crate::args::Vet;
use crate::files::Files;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source};
use holos_schemas::import::Input;
use holos_schemas::validate::{Reason, Validator};
use rayon::prelude::*;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Checks the inputs if they are manifests: data files without a schema, directories of them, or `-`.
pub(super) fn run(session: &mut Session, args: &Vet) -> Option<Outcome> {
    let inputs = &args.inputs.inputs;
    if args.schema.is_some() || inputs.is_empty() {
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
    let mut texts: Vec<(FileId, Arc<str>)> = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        let read = match path {
            Some(path) => session
                .files
                .text(path)
                .map(|text| (session.files.display(path), text)),
            None => standard_input().map(|text| ("-".to_owned(), text)),
        };
        match read {
            Ok((name, text)) => {
                let source = Source {
                    name: name.as_str().into(),
                    text: text.clone(),
                    user: true,
                };
                texts.push((session.sources.add(source), text));
            }
            Err(error) => unread.push(error),
        }
    }
    let mut validator = Validator::new();
    // A word of the kind is cheaper to look for than a document is to read twice.
    let learnt = texts
        .iter()
        .filter(|(_, text)| text.contains("CustomResourceDefinition"));
    let learnt: Vec<Input<'_>> = learnt
        .map(|(file, text)| Input { file: *file, text })
        .collect();
    let mut found = unread;
    if !learnt.is_empty() {
        found.extend(validator.learn(&learnt));
    }
    let checked: Vec<Vec<Diagnostic>> = texts
        .par_iter()
        .map(|(file, text)| validator.file(*file, text).1)
        .collect();
    let no_schema = Reason::NoSchema.code();
    for diagnostic in checked.into_iter().flatten() {
        let missing = args.ignore_missing_schemas && diagnostic.code == no_schema;
        if !missing && !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    session.report(&found)
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
