//! `holosc import`: schemas to packages, data to language text; and `holosc get`, which imports into the module.

mod data;

use super::Session;
use crate::Outcome;
use crate::args::{Get, GetKind, Import, ImportKind, ImportSchemas};
use crate::files::{Files, utf8, write};
use crate::load::fatal;
use crate::load::module::Module;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source};
use holos_schemas::import::{self as schemas, Options};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(session: &mut Session, args: &Import) -> Outcome {
    match &args.kind {
        None => data::run(session, &args.data, None),
        Some(ImportKind::Data(args)) => data::run(session, args, None),
        Some(ImportKind::Json(args)) => data::run(session, args, Some("json")),
        Some(ImportKind::Yaml(args)) => data::run(session, args, Some("yaml")),
        Some(ImportKind::Toml(args)) => data::run(session, args, Some("toml")),
        Some(ImportKind::Text(args)) => data::run(session, args, Some("text")),
        Some(ImportKind::Crd(args)) => packages(session, args, schemas::crd),
        Some(ImportKind::Openapi(args)) => packages(session, args, |inputs, options| {
            schemas::openapi(inputs, &Default::default(), options)
        }),
        Some(ImportKind::Jsonschema(args)) => packages(session, args, schemas::jsonschema),
    }
}

/// `holosc get`: what `import` makes, where the imports of this module look for it.
pub(super) fn get(session: &mut Session, args: &Get) -> Outcome {
    let GetKind::Crd(args) = &args.kind;
    let here = session.files.absolute(".");
    let (module, found) = Module::find(&session.files, &mut session.sources, &here);
    let outcome = session.report(&found);
    if fatal(&found) {
        return outcome;
    }
    let Some(root) = module.map(|module| module.generated()) else {
        let error =
            Diagnostic::error(Code(902), "there is no module here").help("`holosc init` makes one");
        return session.report(&[error]);
    };
    let made = match make(session, &args.files, args.docs, schemas::crd) {
        Ok(made) => made,
        Err(outcome) => return outcome,
    };
    let mut listed = String::new();
    for package in &made.packages {
        let dir = root.join(&package.path);
        let facts = ("schema.json".to_owned(), made.schema_text(&package.path));
        let files = package.files.iter().chain([&facts]);
        for (name, text) in files {
            if let Err(error) = put(session, &dir.join(name), text, true) {
                return session.report(&[error]);
            }
        }
        // A package is replaced whole: a file of an earlier one would define things twice.
        for name in session.files.list(&dir).unwrap_or_default() {
            let old = name.ends_with(".holos") && !package.files.iter().any(|(n, _)| *n == name);
            let path = dir.join(&name);
            if old && let Err(e) = std::fs::remove_file(&path) {
                let shown = session.files.display(&path);
                let message = format!("cannot remove `{shown}`: {}", crate::files::plain(&e));
                return session.report(&[Diagnostic::error(Code(905), message)]);
            }
        }
        let kinds: Vec<&str> = package.kinds.iter().map(|k| k.kind.as_str()).collect();
        listed.push_str(&format!(" got  {}: {}\n", package.path, kinds.join(", ")));
    }
    session.print(listed.as_bytes())
}

/// Converts the documents of all files. Where one is at fault the outcome is the result, and nothing is to be
/// written.
fn make(
    session: &mut Session,
    names: &[String],
    docs: bool,
    convert: impl Fn(&[schemas::Input<'_>], &Options) -> schemas::Import,
) -> Result<schemas::Import, Outcome> {
    let mut files = Vec::new();
    for name in names {
        let path = session.files.absolute(name);
        if name != "-" && session.files.is_dir(&path) {
            documents(&session.files, &path, &mut files);
        } else {
            files.push(name.clone());
        }
    }
    let mut texts: Vec<(FileId, Arc<str>)> = Vec::new();
    for name in &files {
        match bytes(session, name).and_then(|bytes| utf8(bytes, name)) {
            Ok(text) => {
                let source = Source {
                    name: name.as_str().into(),
                    text: text.clone(),
                    user: true,
                };
                texts.push((session.sources.add(source), text));
            }
            Err(error) => return Err(session.report(&[error])),
        }
    }
    let inputs: Vec<schemas::Input<'_>> = texts
        .iter()
        .map(|(file, text)| schemas::Input { file: *file, text })
        .collect();
    let stem = Path::new(&names[0])
        .file_stem()
        .map_or("schema".into(), |stem| stem.to_string_lossy());
    let options = Options {
        docs,
        path: format!("schema.example/{}", identifier(&stem)),
    };
    let mut made = convert(&inputs, &options);
    if made.packages.is_empty() && !fatal(&made.diagnostics) {
        made.diagnostics.push(Diagnostic::error(
            Code(510),
            "the input defines nothing that could be imported",
        ));
    }
    let outcome = session.report(&made.diagnostics);
    if fatal(&made.diagnostics) {
        return Err(outcome);
    }
    Ok(made)
}

/// Every YAML and JSON file below a directory, in order of their names.
fn documents(files: &Files, dir: &Path, found: &mut Vec<String>) {
    for name in files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        if files.is_dir(&path) {
            documents(files, &path, found);
        } else if [".yaml", ".yml", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            found.push(files.display(&path));
        }
    }
}

fn packages(
    session: &mut Session,
    args: &ImportSchemas,
    convert: impl Fn(&[schemas::Input<'_>], &Options) -> schemas::Import,
) -> Outcome {
    let made = match make(session, &args.files, args.docs, convert) {
        Ok(made) => made,
        Err(outcome) => return outcome,
    };
    let files = made.packages.iter().flat_map(|package| {
        let file = |(name, text)| (format!("{}/{name}", package.path), text);
        package
            .files
            .iter()
            .map(move |(name, text)| file((name, text)))
    });
    let Some(root) = &args.out else {
        let text: String = files.map(|(_, text)| text.as_str()).collect();
        return session.print(text.as_bytes());
    };
    let root = session.files.absolute(root);
    let files: Vec<_> = files.map(|(name, text)| (root.join(name), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists() && !args.force) {
        return session.report(&[exists(session, path)]);
    }
    let mut listed = String::new();
    for (path, text) in files {
        if let Err(error) = put(session, &path, text, args.force) {
            return session.report(&[error]);
        }
        listed.push_str(&format!(" wrote  {}\n", session.files.display(&path)));
    }
    session.print(listed.as_bytes())
}

fn bytes(session: &Session, name: &str) -> Result<Vec<u8>, Diagnostic> {
    if name != "-" {
        return session.files.bytes(&session.files.absolute(name));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| {
            Diagnostic::error(
                Code(901),
                format!("cannot read standard input: {}", crate::files::plain(&e)),
            )
        })?;
    Ok(bytes)
}

fn exists(session: &Session, path: &Path) -> Diagnostic {
    let message = format!("`{}` exists", session.files.display(path));
    Diagnostic::error(Code(905), message).help("overwrite it with `--force`")
}

/// Writes a new file, or over one that is there where that was asked for.
fn put(session: &Session, path: &Path, text: &str, force: bool) -> Result<(), Diagnostic> {
    if path.exists() && !force {
        return Err(exists(session, path));
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| {
            let parent = session.files.display(parent);
            Diagnostic::error(
                Code(905),
                format!("cannot make `{parent}`: {}", crate::files::plain(&e)),
            )
        })?;
    }
    write(&session.files, path, text.as_bytes())
}

fn identifier(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.to_lowercase()
    } else {
        format!("s{name}")
    }
}
