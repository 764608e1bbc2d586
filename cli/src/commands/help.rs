//! `holosc help`: the builtin packages, one package, one function.

use super::Session;
use crate::Outcome;
use crate::args::Help;
use holos_lang::diagnostic::{Code, Diagnostic, nearest};
use holos_lang::value::builtin::{Builtins, Package};
use holos_stdlib::Standard;
use holos_stdlib::reference::{Entry, entries, find, package};
use std::fmt::Write;

pub(super) fn run(session: &mut Session, args: &Help) -> Outcome {
    let text = match args.name.as_deref() {
        None => packages(),
        Some(name) => match (find(name), package(name)) {
            (Some(entry), _) => one(&entry),
            (None, Some(package)) => whole(package),
            (None, None) => return session.report(&[unknown(name)]),
        },
    };
    session.print(text.as_bytes())
}

fn packages() -> String {
    let mut out = String::new();
    for package in Standard.paths().into_iter().filter_map(package) {
        let _ = writeln!(out, "{:16} {}", package.path, package.doc);
    }
    out.push_str(
        "\n`holosc help strings` lists what a package has; `holosc --help` lists the commands.\n",
    );
    out
}

fn whole(package: &'static Package) -> String {
    let mut out = format!("import \"{}\"\n\n{}\n\n", package.path, package.doc);
    for entry in entries(package) {
        let _ = writeln!(out, "{}", entry.signature());
    }
    out
}

fn one(entry: &Entry) -> String {
    let mut out = format!("{}\n", entry.signature());
    if !entry.doc().is_empty() {
        let _ = writeln!(out, "\n{}", entry.doc());
    }
    if let Some(validator) = entry.validator() {
        let _ = writeln!(out, "As a validator: {validator}");
    }
    if let Some((call, result)) = entry.example() {
        let _ = writeln!(out, "\n    {call}\n    // {result}");
    }
    out
}

fn unknown(name: &str) -> Diagnostic {
    let error = Diagnostic::error(Code(910), format!("there is no builtin `{name}`"));
    let all: Vec<String> = (Standard.paths().into_iter().filter_map(package))
        .flat_map(|package| {
            let names = entries(package).map(|entry| format!("{}.{}", package.name, entry.name()));
            names.chain([package.path.to_string()])
        })
        .collect();
    match nearest(name, all.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("`holosc help` lists the packages"),
    }
}
