//! `holosc import`: schemas to packages, data to language text.

use super::{Session, graver};
use crate::Outcome;
use crate::args::{Import, ImportData, ImportKind, ImportSchemas};
use crate::encode::emit;
use crate::files::{utf8, write};
use crate::load::inputs::{self, Input, Kind};
use crate::load::{decode, fatal};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source};
use holos_schemas::import::{self as schemas, Options};
use holos_stdlib::encoding::{ImportOptions, import};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(session: &mut Session, args: &Import) -> Outcome {
    match &args.kind {
        ImportKind::Data(args) => data(session, args),
        ImportKind::Crd(args) => packages(session, args, schemas::crd),
        ImportKind::Openapi(args) => packages(session, args, |inputs, options| {
            schemas::openapi(inputs, &Default::default(), options)
        }),
        ImportKind::Jsonschema(args) => packages(session, args, schemas::jsonschema),
    }
}

fn packages(
    session: &mut Session,
    args: &ImportSchemas,
    convert: impl Fn(&[schemas::Input<'_>], &Options) -> schemas::Import,
) -> Outcome {
    let mut texts: Vec<(FileId, Arc<str>)> = Vec::new();
    for name in &args.files {
        match bytes(session, name).and_then(|bytes| utf8(bytes, name)) {
            Ok(text) => {
                let source = Source {
                    name: name.as_str().into(),
                    text: text.clone(),
                    user: true,
                };
                texts.push((session.sources.add(source), text));
            }
            Err(error) => return session.report(&[error]),
        }
    }
    let inputs: Vec<schemas::Input<'_>> = texts
        .iter()
        .map(|(file, text)| schemas::Input { file: *file, text })
        .collect();
    let stem = Path::new(&args.files[0])
        .file_stem()
        .map_or("schema".into(), |stem| stem.to_string_lossy());
    let options = Options {
        docs: true,
        path: format!("schema.example/{}", identifier(&stem)),
    };
    let made = convert(&inputs, &options);
    let outcome = session.report(&made.diagnostics);
    if made.packages.is_empty() {
        let error = Diagnostic::error(
            Code(510),
            "the input defines nothing that could be imported",
        );
        return graver(
            outcome,
            if outcome == Outcome::Fine {
                session.report(&[error])
            } else {
                outcome
            },
        );
    }
    let mut listed = String::new();
    for package in &made.packages {
        for (name, text) in &package.files {
            let Some(root) = &args.out else {
                listed.push_str(text);
                continue;
            };
            let path = session.files.absolute(root).join(&package.path).join(name);
            if let Err(error) = put(session, &path, text, args.force) {
                return session.report(&[error]);
            }
            listed.push_str(&format!(" wrote  {}\n", session.files.display(&path)));
        }
    }
    graver(outcome, session.print(listed.as_bytes()))
}

fn data(session: &mut Session, args: &ImportData) -> Outcome {
    let inputs = match inputs::parse(&session.files, &args.files) {
        Ok(inputs) => inputs,
        Err(error) => return session.report(&[error]),
    };
    if args.out.is_some() && inputs.len() > 1 {
        let error = Diagnostic::error(
            Code(910),
            "`--outfile` is for one input, and there are several",
        );
        return session.report(&[error]);
    }
    let mut outcome = Outcome::Fine;
    for input in inputs {
        outcome = graver(outcome, one(session, args, &input));
    }
    outcome
}

fn one(session: &mut Session, args: &ImportData, input: &Input) -> Outcome {
    let (read, name, kind, beside) = match input {
        Input::File(path, kind @ Kind::Data(_)) => (
            session.files.bytes(path),
            session.files.display(path),
            *kind,
            Some(path.with_extension("holos")),
        ),
        Input::Stdin(kind @ Kind::Data(_)) => (bytes(session, "-"), "-".into(), *kind, None),
        _ => {
            let error =
                Diagnostic::error(Code(906), "only data is imported: JSON, YAML, TOML or text")
                    .help("say how to read the input, for example `yaml: -`");
            return session.report(&[error]);
        }
    };
    let decoded = read.and_then(|bytes| decode(&mut session.sources, &name, kind, bytes, true));
    let (documents, found) = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return session.report(&[error]),
    };
    let outcome = session.report(&found);
    if fatal(&found) {
        return outcome;
    }
    let path = args
        .path
        .iter()
        .flat_map(|path| path.split('.'))
        .filter(|part| !part.is_empty());
    let options = ImportOptions {
        package: args.package.clone(),
        path: path
            .map(|part| part.trim_matches('"').to_string())
            .collect(),
        list: documents.len() > 1,
    };
    let text = import(
        documents
            .into_iter()
            .map(|document| document.expr)
            .collect(),
        &options,
    );
    let target = match args.out.as_deref() {
        Some("-") => None,
        Some(file) => Some(session.files.absolute(file)),
        None => beside,
    };
    let result = match &target {
        None => emit(&session.files, None, text.as_bytes()),
        Some(path) => put(session, path, &text, args.force),
    };
    match result {
        Ok(()) => Outcome::Fine,
        Err(error) => session.report(&[error]),
    }
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

/// Writes a new file, or over one that is there where that was asked for.
fn put(session: &Session, path: &Path, text: &str, force: bool) -> Result<(), Diagnostic> {
    if path.exists() && !force {
        let message = format!("`{}` exists", session.files.display(path));
        return Err(Diagnostic::error(Code(905), message).help("overwrite it with `--force`"));
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
