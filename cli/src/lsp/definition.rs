//! `textDocument/definition`: where a name is declared.

use super::analysis::Analysis;
use super::locate::{declarations, locate, named, structs};
use gen_lsp_types::{Location, Position};
use holos_lang::diagnostic::{FileId, Span};
use holos_lang::syntax::tree;
use std::path::Path;

/// The declarations of what stands at a position.
pub(super) fn definition(analysis: &Analysis, path: &Path, position: Position) -> Vec<Location> {
    let Some((file, tree, offset)) = analysis.at(path, position) else {
        return Vec::new();
    };
    let found = locate(&tree, offset);
    let places = match (&found.import, &found.reference[..]) {
        (Some(import), _) => package(analysis, import),
        (None, []) => found.label.map(|span| (file, span)).into_iter().collect(),
        (None, names) => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            resolve(analysis, file, &tree, &found, &names)
                .into_iter()
                .map(|(file, span, _)| (file, span))
                .collect()
        }
    };
    places
        .into_iter()
        .filter_map(|(file, span)| analysis.location(file, span))
        .collect()
}

/// The package clauses of an imported package's files.
fn package(analysis: &Analysis, import: &tree::Import) -> Vec<(FileId, Span)> {
    let files = analysis
        .import(&import.path)
        .map_or(&[][..], |package| &package.files);
    files
        .iter()
        .map(|(file, tree)| {
            (
                *file,
                tree.package.as_ref().map_or(tree.span, |ident| ident.span),
            )
        })
        .collect()
}

/// A declaration: its file, its place, its value.
pub(super) type Place<'t> = (FileId, Span, Option<&'t tree::Expr>);

/// What `a.b.c` leads to.
pub(super) fn resolve<'t>(
    analysis: &'t Analysis,
    file: FileId,
    tree: &'t tree::File,
    found: &super::locate::Found<'t>,
    names: &[&str],
) -> Vec<Place<'t>> {
    let Some((first, rest)) = names.split_first() else {
        return Vec::new();
    };
    let mut current: Vec<Place<'t>> = declarations(found, first)
        .into_iter()
        .map(|d| (file, d.span, d.value))
        .collect();
    if current.is_empty() {
        // A field of another file of the package.
        let others = analysis.package.files.iter().filter(|(id, _)| *id != file);
        current = others
            .flat_map(|(id, tree)| top(*id, tree, first))
            .collect();
    }
    let mut rest = rest;
    if current.is_empty()
        && let Some(import) = imported(tree, first)
    {
        let Some(package) = analysis.import(&import.path) else {
            return vec![(file, import.span, None)];
        };
        let Some((name, tail)) = rest.split_first() else {
            return vec![(file, import.span, None)];
        };
        current = package
            .files
            .iter()
            .flat_map(|(id, tree)| top(*id, tree, name))
            .collect();
        rest = tail;
    }
    for name in rest {
        current = (current.into_iter())
            .flat_map(|(file, _, value)| {
                value
                    .map(structs)
                    .unwrap_or_default()
                    .into_iter()
                    .map(move |s| (file, s))
            })
            .flat_map(|(file, literal)| {
                named(&literal.decls, name)
                    .into_iter()
                    .map(move |(span, value, _)| (file, span, value))
            })
            .collect();
    }
    current
}

fn top<'t>(file: FileId, tree: &'t tree::File, name: &str) -> Vec<Place<'t>> {
    named(&tree.decls, name)
        .into_iter()
        .map(|(span, value, _)| (file, span, value))
        .collect()
}

/// The import that declares a name in a file.
pub(super) fn imported<'t>(tree: &'t tree::File, name: &str) -> Option<&'t tree::Import> {
    tree.imports.iter().find(|import| match &import.alias {
        Some(alias) => *alias.name == *name,
        None => {
            let last = import.path.rsplit('/').next().unwrap_or(&import.path);
            let last = last.rsplit(':').next().unwrap_or(last);
            last.split('@').next() == Some(name)
        }
    })
}
