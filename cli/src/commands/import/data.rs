//! `holosc import` of data: each file becomes language text beside it.

use super::{bytes, exists, put};
use crate::Outcome;
use crate::args::ImportData;
use crate::commands::{Session, graver};
use crate::load::inputs::{self, Input, Kind};
use crate::load::{Document, decode, fatal, placement};
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::value::regex;
use holos_stdlib::encoding::import;
use std::path::{Path, PathBuf};

/// The extensions of files that a mode takes from directories.
fn extensions(mode: Option<&str>) -> &'static [&'static str] {
    match mode {
        Some("json") => &["json", "jsonl", "ndjson", "ldjson"],
        Some("yaml") => &["yaml", "yml"],
        Some("toml") => &["toml"],
        Some("text") => &["txt"],
        _ => &["json", "jsonl", "ndjson", "ldjson", "yaml", "yml"],
    }
}

/// One input, read: where its text goes unless the arguments say otherwise, and its documents.
struct Read {
    beside: Option<PathBuf>,
    documents: Vec<Document>,
}

pub(super) fn run(session: &mut Session, args: &ImportData, mode: Option<&str>) -> Outcome {
    let inputs = match names(session, args, mode) {
        Ok(names) => inputs::parse(&session.files, &names),
        Err(error) => Err(error),
    };
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(error) => return session.report(&[error]),
    };
    let mut all = Vec::new();
    for input in inputs {
        match read(session, args, &input) {
            Ok(read) => all.push(read),
            Err(errors) => return session.report(&errors),
        }
    }
    let package = args.package.as_deref();
    let text = |documents: Vec<Document>| {
        let exprs = documents.into_iter().map(|document| document.expr);
        import(exprs.collect(), package)
    };
    let mut texts: Vec<(Option<PathBuf>, String)> = Vec::new();
    if let Some(out) = &args.out {
        let documents = all.into_iter().flat_map(|read| read.documents).collect();
        let path = (out != "-").then(|| session.files.absolute(out));
        texts.push((path, text(documents)));
    } else {
        for Read { beside, documents } in all {
            match beside {
                Some(path) if args.files => {
                    let each = documents.into_iter().enumerate();
                    texts.extend(
                        each.map(|(i, one)| (Some(numbered(&path, i + 1)), text(vec![one]))),
                    );
                }
                beside => texts.push((beside, text(documents))),
            }
        }
    }
    finish(session, args, texts)
}

/// Writes all files, or none.
fn finish(
    session: &mut Session,
    args: &ImportData,
    texts: Vec<(Option<PathBuf>, String)>,
) -> Outcome {
    let mut paths = texts.iter().filter_map(|(path, _)| path.as_ref());
    if let Some(path) = paths.find(|path| path.exists() && !args.force && !args.dry_run) {
        return session.report(&[exists(session, path)]);
    }
    let mut outcome = Outcome::Fine;
    for (path, text) in texts {
        let done = match path {
            None => session.print(text.as_bytes()),
            Some(path) if args.dry_run => {
                let line = format!(" would write  {}\n", session.files.display(&path));
                session.print(line.as_bytes())
            }
            Some(path) => match put(session, &path, &text, args.force) {
                Ok(()) => Outcome::Fine,
                Err(error) => session.report(&[error]),
            },
        };
        outcome = graver(outcome, done);
    }
    outcome
}

/// `conf.holos`, 2 → `conf-2.holos`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.holos"))
}

/// The files that the arguments name, those of directories one by one.
fn names(
    session: &Session,
    args: &ImportData,
    mode: Option<&str>,
) -> Result<Vec<String>, Diagnostic> {
    let pattern = args.name.as_deref().map(regex::compile).transpose();
    let pattern = pattern.map_err(|text| {
        let last = text.lines().last().unwrap_or_default().to_string();
        Diagnostic::error(
            Code(910),
            format!("`--name` is no regular expression: {last}"),
        )
    })?;
    let mut names: Vec<String> = mode.iter().map(|mode| format!("{mode}:")).collect();
    let qualifiers = names.len();
    let here = [".".to_string()];
    let given = match &args.inputs[..] {
        [] => &here[..],
        given => given,
    };
    for input in given {
        let (directory, below) = match input.strip_suffix("...") {
            Some(rest) => (if rest.is_empty() { "." } else { rest }, true),
            None => (input.as_str(), false),
        };
        let path = session.files.absolute(directory);
        if input == "-" || !session.files.is_dir(&path) {
            names.push(input.clone());
            continue;
        }
        let mut found = Vec::new();
        collect(session, &path, below, extensions(mode), &mut found);
        if let Some(pattern) = &pattern {
            found.retain(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                pattern.is_match(&name)
            });
        }
        names.extend(found.iter().map(|path| session.files.display(path)));
    }
    if names.len() == qualifiers {
        let list = extensions(mode).join(", ");
        let message = format!("there is nothing to import: no file ends in {list}");
        return Err(Diagnostic::error(Code(902), message));
    }
    Ok(names)
}

fn collect(
    session: &Session,
    dir: &Path,
    below: bool,
    extensions: &[&str],
    out: &mut Vec<PathBuf>,
) {
    for name in session.files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        let link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        if name.starts_with(['.', '_']) {
            continue;
        }
        if session.files.is_dir(&path) {
            if below && !link && !matches!(&*name, "cue.mod" | "holos.mod") {
                collect(session, &path, below, extensions, out);
            }
        } else if let Some((_, extension)) = name.rsplit_once('.')
            && extensions.contains(&extension)
        {
            out.push(path);
        }
    }
}

fn read(session: &mut Session, args: &ImportData, input: &Input) -> Result<Read, Vec<Diagnostic>> {
    let (read, name, filename, kind, beside) = match input {
        Input::File(path, kind @ (Kind::Data(_) | Kind::Binary)) => (
            session.files.bytes(path),
            session.files.display(path),
            path.display().to_string(),
            *kind,
            Some(path.with_extension("holos")),
        ),
        Input::Stdin(kind @ (Kind::Data(_) | Kind::Binary)) => {
            (bytes(session, "-"), "-".into(), "-".into(), *kind, None)
        }
        _ => {
            let error =
                Diagnostic::error(Code(906), "only data is imported: JSON, YAML, TOML or text")
                    .help("say how to read the input, for example `yaml: -`");
            return Err(vec![error]);
        }
    };
    let decoded = read.and_then(|bytes| decode(&mut session.sources, &name, kind, bytes, true));
    let (documents, found) = decoded.map_err(|error| vec![error])?;
    if fatal(&found) {
        return Err(found);
    }
    session.report(&found);
    let placing = &args.placing;
    if documents.len() > 1 && placing.path.is_empty() && !placing.list && !args.files {
        let message = format!("`{name}` has several documents");
        let error = Diagnostic::error(Code(910), message)
            .help("`--list` makes a list of them, `--path` puts each at a path of its own, `--files` into a file of its own");
        return Err(vec![error]);
    }
    let documents = placement::place(&mut session.sources, placing, &filename, documents)?;
    Ok(Read { beside, documents })
}
