//! What each argument means: a file of some kind, standard input, or packages.
//!
//! As in CUE: an argument with a known extension is a file; `yaml:` says how to read the files after it; a
//! directory, `./…`, or an import path is a package, `:name` chooses one, `...` means all below.

use crate::files::Files;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_stdlib::encoding::Format;
use std::path::PathBuf;

/// How to read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Language text.
    Source,
    Data(Format),
    /// The bytes as they are.
    Binary,
}

impl Kind {
    /// The kind of that name, as a qualifier or `type=` spells it.
    pub fn named(name: &str) -> Option<Kind> {
        match name {
            "holos" | "cue" => Some(Kind::Source),
            "binary" => Some(Kind::Binary),
            _ => Format::named(name).map(Kind::Data),
        }
    }

    /// The kind that a file's extension promises.
    pub fn of_file(name: &str) -> Option<Kind> {
        let (stem, extension) = name.rsplit_once('.')?;
        let known =
            Kind::named(extension).filter(|kind| *kind != Kind::Binary && extension != "text");
        known.filter(|_| !stem.is_empty() && !name.ends_with("..."))
    }
}

/// One argument, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    File(PathBuf, Kind),
    Stdin(Kind),
    Packages(Pattern),
}

/// Which packages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    pub place: PackagePlace,
    /// Whether it ended in `...`.
    pub below: bool,
    /// What stood after `:`.
    pub name: Option<String>,
    /// The argument as written.
    pub spelt: String,
}

/// Where packages are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PackagePlace {
    Directory(PathBuf),
    ImportPath(String),
}

/// Understands the arguments; none at all means the package here.
///
/// # Errors
/// A qualifier that is not known or has no file after it; an extension that is not known; a
/// directory where a file is meant.
pub fn parse(files: &Files, arguments: &[String]) -> Result<Vec<Input>, Diagnostic> {
    let mut inputs = Vec::new();
    let mut qualifier: Option<(Kind, &str)> = None;
    let mut used = true;
    for argument in arguments {
        if let Some(name) = argument
            .strip_suffix(':')
            .filter(|name| !name.contains(['/', '.']))
        {
            let kind = name
                .split('+')
                .find_map(Kind::named)
                .ok_or_else(|| unknown_qualifier(name))?;
            (qualifier, used) = (Some((kind, argument.as_str())), false);
            continue;
        }
        used = true;
        let kind = qualifier.map(|(kind, _)| kind);
        if argument == "-" {
            inputs.push(Input::Stdin(kind.unwrap_or(Kind::Source)));
        } else if let Some(kind) = kind.or_else(|| Kind::of_file(argument)) {
            let path = files.absolute(argument);
            let package = argument.starts_with("./") || argument.ends_with('/');
            if package && qualifier.is_none() && files.is_dir(&path) {
                inputs.push(Input::Packages(pattern(files, argument)));
            } else {
                inputs.push(Input::File(path, kind));
            }
        } else if let Some((name, rest)) = qualified(argument) {
            return Err(Diagnostic::error(
                Code(910),
                "a file type and a file's name are two arguments",
            )
            .help(format!("write `{name}: {rest}`")));
        } else {
            let path = files.absolute(argument);
            if files.is_file(&path) {
                return Err(Diagnostic::error(
                    Code(906),
                    format!("what kind of file is `{argument}`?"),
                )
                .help(format!(
                    "say how to read it, for example `yaml: {argument}`"
                )));
            }
            inputs.push(Input::Packages(pattern(files, argument)));
        }
    }
    if !used {
        let spelt = qualifier.map_or("", |(_, spelt)| spelt);
        return Err(Diagnostic::error(
            Code(910),
            format!("`{spelt}` has no file after it"),
        ));
    }
    if inputs.is_empty() {
        inputs.push(Input::Packages(pattern(files, ".")));
    }
    Ok(inputs)
}

/// `yaml:x` in two parts, where the first is a kind's name.
fn qualified(argument: &str) -> Option<(&str, &str)> {
    let (name, rest) = argument.split_once(':')?;
    Kind::named(name).filter(|_| !rest.is_empty())?;
    Some((name, rest))
}

fn unknown_qualifier(name: &str) -> Diagnostic {
    let known = [
        "holos", "cue", "json", "jsonl", "yaml", "toml", "text", "binary",
    ];
    let error =
        Diagnostic::error(Code(906), format!("`{name}:` is not a kind of file")).note(format!(
            "there are {}",
            known.map(|name| format!("`{name}:`")).join(", ")
        ));
    match holos_lang::diagnostic::nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}:`?")),
        None => error,
    }
}

fn pattern(files: &Files, argument: &str) -> Pattern {
    let spelt = argument.to_string();
    let last = argument.rfind('/').map_or(0, |at| at + 1);
    let (path, name) = match argument[last..].rfind(':') {
        Some(at) => (
            &argument[..last + at],
            Some(argument[last + at + 1..].to_string()),
        ),
        None => (argument, None),
    };
    let (path, below) = match path.strip_suffix("...") {
        Some(rest) if rest.is_empty() || rest.ends_with('/') => (rest, true),
        _ => (path, false),
    };
    let directory = files.absolute(if path.is_empty() { "." } else { path });
    let relative = path.is_empty() || path.starts_with(['.', '/']);
    let place = if relative || files.is_dir(&directory) {
        PackagePlace::Directory(directory)
    } else {
        PackagePlace::ImportPath(path.trim_end_matches('/').to_string())
    };
    Pattern {
        place,
        below,
        name,
        spelt,
    }
}
