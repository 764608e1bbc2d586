//! `holosc fmt`: files in the one layout, comments kept; around what is broken, too.

use super::{Session, graver};
use crate::Outcome;
use crate::args::Fmt;
use crate::files::{utf8, write};
use holos_lang::diagnostic::{Code, Diagnostic, Source};
use holos_lang::syntax;
use std::io::Read;
use std::path::{Path, PathBuf};

pub(super) fn run(session: &mut Session, args: &Fmt) -> Outcome {
    if args.inputs == ["-"] {
        return standard_input(session);
    }
    let mut paths = Vec::new();
    let inputs = if args.inputs.is_empty() {
        vec![".".to_string()]
    } else {
        args.inputs.clone()
    };
    for input in &inputs {
        let (directory, below) = match input.strip_suffix("...") {
            Some(rest) => (if rest.is_empty() { "." } else { rest }, true),
            None => (input.as_str(), false),
        };
        let path = session.files.absolute(directory);
        if session.files.is_dir(&path) {
            collect(session, &path, below, &mut paths);
        } else {
            paths.push(path);
        }
    }
    let mut outcome = Outcome::Fine;
    for path in paths {
        outcome = graver(outcome, file(session, args, &path));
    }
    outcome
}

fn file(session: &mut Session, args: &Fmt, path: &Path) -> Outcome {
    let text = match session.files.text(path) {
        Ok(text) => text,
        Err(error) => return session.report(&[error]),
    };
    let name = session.files.display(path);
    let (formatted, outcome) = formatted(session, &name, &text);
    if formatted == *text {
        return outcome;
    }
    if args.check || args.list {
        session.print(format!("{name}\n").as_bytes());
    }
    if args.check {
        return Outcome::Input;
    }
    match write(&session.files, path, formatted.as_bytes()) {
        Ok(()) => outcome,
        Err(error) => session.report(&[error]),
    }
}

fn standard_input(session: &mut Session) -> Outcome {
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().lock().read_to_end(&mut bytes) {
        let message = format!(
            "cannot read standard input: {}",
            crate::files::plain(&error)
        );
        return session.report(&[Diagnostic::error(Code(901), message)]);
    }
    let text = match utf8(bytes, "-") {
        Ok(text) => text,
        Err(error) => return session.report(&[error]),
    };
    let (formatted, outcome) = formatted(session, "-", &text);
    graver(outcome, session.print(formatted.as_bytes()))
}

/// The text, formatted; what cannot be parsed is reported, and stays as it is.
fn formatted(session: &mut Session, name: &str, text: &str) -> (String, Outcome) {
    let file = session.sources.add(Source {
        name: name.into(),
        text: text.into(),
        user: true,
    });
    let errors = syntax::parse(file, text).errors;
    let outcome = session.report(&errors);
    let formatted = syntax::format(text).unwrap_or_else(|| text.to_string());
    (formatted, outcome)
}

fn collect(session: &Session, dir: &Path, below: bool, out: &mut Vec<PathBuf>) {
    for name in session.files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        let link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        if session.files.is_dir(&path) {
            if below && !link && !name.starts_with(['.', '_']) && name != "target" {
                collect(session, &path, below, out);
            }
        } else if name.ends_with(".holos") || name.ends_with(".cue") {
            out.push(path);
        }
    }
}
