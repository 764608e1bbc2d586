//! The laws of `&`, held against values of a package: `x & y` is `y & x`, `(x & y) & z` is `x & (y & z)`, `x & x` is `x`.

use super::load::{ArchiveImporter, main_package};
use super::program::Program;
use super::txtar::Archive;
use crate::differential::generate::{Random, value};
use holos_lang::diagnostic::{Severity, Source, SourceMap};
use holos_lang::eval::{Evaluation, Selector};
use holos_lang::syntax::parse;
use holos_lang::syntax::tree::{Decl, Label};
use holos_lang::value::builtin::Builtins;
use std::sync::Arc;

/// A law that was tried on some names: `x & y`, and what its two sides are.
#[derive(Clone, Debug)]
pub struct Trial {
    /// `commutative a b`.
    pub name: String,
    /// The two values as text in which no order shows.
    pub sides: (String, String),
}

impl Trial {
    /// Both sides, a line each.
    pub fn text(&self) -> String {
        format!("{}\n     {}", self.sides.0, self.sides.1)
    }

    /// Whether the law holds. Of two errors, which code they have may depend on the order, as it does in CUE.
    pub fn holds(&self) -> bool {
        let (left, right) = (&self.sides.0, &self.sides.1);
        let error = |side: &str| side.starts_with("_|_");
        left == right || (error(left) && error(right))
    }
}

/// The names an archive's main package declares at its top, in order.
pub fn names(archive: &Archive) -> Vec<String> {
    let package = main_package(archive, &mut SourceMap::default());
    let mut names: Vec<String> = Vec::new();
    for (_, file) in &package.files {
        for decl in &file.decls {
            if let Decl::Field(field) = decl
                && let Label::Ident(name) = &field.label
                && !names.iter().any(|known| **known == *name.name)
            {
                names.push(name.name.to_string());
            }
        }
    }
    names
}

/// Tries the laws on each triple of names; nothing where the package does not compile.
pub fn trials(archive: &Archive, triples: &[[String; 3]], builtins: &dyn Builtins) -> Vec<Trial> {
    let mut text = String::new();
    let mut tried = Vec::new();
    for [x, y, z] in triples {
        let laws = [
            (
                "commutative",
                &[x, y][..],
                format!("{x} & {y}"),
                format!("{y} & {x}"),
            ),
            (
                "associative",
                &[x, y, z],
                format!("({x} & {y}) & {z}"),
                format!("{x} & ({y} & {z})"),
            ),
            ("idempotent", &[x], format!("{x} & {x}"), x.clone()),
        ];
        for (law, operands, left, right) in laws {
            let operands: Vec<&str> = operands.iter().map(|name| name.as_str()).collect();
            let name = format!("{law} {}", operands.join(" "));
            if tried.contains(&name) {
                continue;
            }
            let n = tried.len();
            text.push_str(&format!("law{n}: {{left: {left}, right: {right}}}\n"));
            tried.push(name);
        }
    }
    let mut sources = SourceMap::default();
    let mut package = main_package(archive, &mut sources);
    let id = sources.add(Source {
        name: "laws.holos".into(),
        text: text.as_str().into(),
        user: true,
    });
    package.files.push((id, Arc::new(parse(id, &text).file)));
    let mut importer = ArchiveImporter::new(archive);
    let (evaluation, found) = Evaluation::new(&mut sources, package, &mut importer, builtins);
    if found.iter().any(|d| d.severity == Severity::Error) {
        return Vec::new();
    }
    let mut program = Program::new(evaluation);
    let root = program.evaluation.root();
    let mut found = Vec::new();
    for (law, name) in tried.into_iter().enumerate() {
        let mut side = |side: &str| {
            let path = [
                Selector::Field(format!("law{law}")),
                Selector::Field(side.into()),
            ];
            match program.evaluation.lookup(root, &path) {
                Some(node) => program.canonical(node),
                None => "nothing".into(),
            }
        };
        let sides = (side("left"), side("right"));
        found.push(Trial { name, sides });
    }
    found
}

/// Three generated values and the laws on them: their text, and the trials.
pub fn generated(seed: u64, builtins: &dyn Builtins) -> (String, Vec<Trial>) {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for name in ["x", "y", "z"] {
        text.push_str(&format!("{name}: {}\n", value(&mut random)));
    }
    let mut archive = Archive::default();
    archive.set("values.holos", text.clone());
    let triple = ["x", "y", "z"].map(str::to_owned);
    let trials = trials(&archive, &[triple], builtins);
    (text, trials)
}
