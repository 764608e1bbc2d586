//! `textDocument/completion`: what may be typed at a place.
//!
//! What an imported builtin package has is answered from the text alone ([`members`]), at once, however broken the
//! text is. Everything else waits for the evaluation of the package ([`completion`]).

use super::analysis::Analysis;
use super::definition::imported;
use super::fields::{self, Typing};
use super::locate::{declarations, locate, named};
use super::position::{position, range};
use gen_lsp_types::{
    CompletionItem, CompletionItemKind, MarkupContent, MarkupKind, Position, Range, TextEdit,
};
use holos_lang::diagnostic::{FileId, Span};
use holos_lang::syntax::{self, Typed, tree, typed};
use holos_lang::value::builtin::{Builtins, Package};
use holos_stdlib::Standard;
use holos_stdlib::reference::{self, Entry};
use std::path::Path;

/// The functions and constants behind `strings.`, if that is an imported builtin package, and the paths
/// of builtin packages inside the quotes of an import.
pub(super) fn members(text: &str, at: Position) -> Option<Vec<CompletionItem>> {
    let offset = super::position::offset(text, at);
    let tree = syntax::parse(FileId(0), text).file;
    let quoted =
        |import: &&tree::Import| import.path_span.start < offset && offset < import.path_span.end;
    if let Some(import) = tree.imports.iter().find(quoted) {
        return Some(paths(text, import));
    }
    let typed = typed(text, offset)?;
    let [name] = typed.names[..] else {
        return None;
    };
    let package = Standard.package(&imported(&tree, name)?.path)?;
    Some(of_package(package, &[]))
}

/// What may be typed at a place of an evaluated package.
pub(super) fn completion(
    analysis: &mut Analysis,
    path: &Path,
    at: Position,
) -> Option<Vec<CompletionItem>> {
    let (file, tree, offset) = analysis.at(path, at)?;
    let text = analysis.sources.get(file).text.clone();
    let Some(Typed { names, prefix }) = typed(&text, offset) else {
        return in_string(analysis, &tree, file, &text, offset);
    };
    let start = offset - prefix.len() as u32;
    let typing = Typing {
        text: &text,
        file,
        span: Span::new(start, offset),
    };
    let mut items = Vec::new();
    match names[..] {
        [] if typing.begins_declaration() => {
            let found = locate(&tree, offset);
            items.extend(fields::labels(analysis, &found, &typing));
            items.extend(packages(&text, &tree));
        }
        [] => {
            // Behind `name: ` the place belongs to the field, which may end before the blanks.
            let line = text[..start as usize].trim_end_matches([' ', '\t']).len() as u32;
            let found = locate(&tree, line.max(1).min(offset));
            items.extend(fields::values(analysis, &found, &typing));
            let found = locate(&tree, offset);
            items.extend(fields::names(analysis, &found, &typing));
            items.extend(packages(&text, &tree));
        }
        // A builtin package that is not imported yet, unless something else has its name.
        [name]
            if !is_declared(analysis, &tree, offset, name)
                && reference::package(name).is_some_and(|package| package.name == name) =>
        {
            let package = reference::package(name)?;
            items.extend(of_package(package, &[import(&text, &tree, package.path)]));
        }
        _ => {
            let found = locate(&tree, offset);
            items.extend(fields::members(analysis, &found, &tree, &typing, &names));
        }
    }
    Some(items)
}

/// What a text between quotes may be.
fn in_string(
    analysis: &mut Analysis,
    tree: &tree::File,
    file: FileId,
    text: &str,
    offset: u32,
) -> Option<Vec<CompletionItem>> {
    let before = &text[..offset as usize];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    // Between quotes, not behind them.
    if before[line..].matches('"').count().is_multiple_of(2) {
        return None;
    }
    let start = line + before[line..].rfind('"')?;
    let rest = &text[offset as usize..];
    let end = rest.find(['"', '\n']).unwrap_or(rest.len());
    let closed = usize::from(rest[end..].starts_with('"'));
    let span = Span::new(start as u32, (offset as usize + end + closed) as u32);
    let found = locate(tree, span.start);
    found.label.is_none().then(|| {
        let typing = Typing { text, file, span };
        fields::values(analysis, &found, &typing)
    })
}

/// Whether a name means something at a place already.
fn is_declared(analysis: &Analysis, tree: &tree::File, offset: u32, name: &str) -> bool {
    let mut files = analysis.package.files.iter();
    !declarations(&locate(tree, offset), name).is_empty()
        || imported(tree, name).is_some()
        || files.any(|(_, tree)| !named(&tree.decls, name).is_empty())
}

/// What a builtin package has, with edits that make it usable.
fn of_package(package: &'static Package, edits: &[TextEdit]) -> Vec<CompletionItem> {
    let item = |entry: Entry| {
        let kind = match entry {
            Entry::Function(..) => CompletionItemKind::Function,
            Entry::Constant(..) => CompletionItemKind::Constant,
        };
        let mut doc = entry.doc().to_owned();
        if let Some((call, result)) = entry.example() {
            doc.push_str(&format!("\n\n```holos\n{call}\n// {result}\n```"));
        }
        CompletionItem {
            label: entry.name().to_owned(),
            kind: Some(kind),
            detail: Some(entry.signature()),
            documentation: (!doc.is_empty()).then(|| markdown(doc)),
            additional_text_edits: (!edits.is_empty()).then(|| edits.to_vec()),
            ..CompletionItem::default()
        }
    };
    reference::entries(package).map(item).collect()
}

/// The names of the builtin packages; choosing one that is not imported imports it.
fn packages(text: &str, tree: &tree::File) -> Vec<CompletionItem> {
    let paths = Standard.paths().into_iter();
    paths
        .filter_map(|path| Standard.package(path))
        .map(|package| {
            let mut imports = tree.imports.iter();
            let there = imports.find(|import| *import.path == *package.path);
            let name = (there.and_then(|import| import.alias.as_ref()))
                .map_or(package.name, |alias| &alias.name);
            CompletionItem {
                label: name.to_owned(),
                kind: Some(CompletionItemKind::Module),
                detail: Some(format!("import {:?}", package.path)),
                documentation: Some(markdown(package.doc.to_owned())),
                additional_text_edits: there
                    .is_none()
                    .then(|| vec![import(text, tree, package.path)]),
                ..CompletionItem::default()
            }
        })
        .collect()
}

/// The paths of the builtin packages, to stand between the quotes of an import.
fn paths(text: &str, import: &tree::Import) -> Vec<CompletionItem> {
    let within = Span::new(import.path_span.start + 1, import.path_span.end - 1);
    let place = range(text, within);
    let paths = Standard.paths().into_iter();
    paths
        .filter_map(|path| Standard.package(path))
        .map(|package| CompletionItem {
            label: package.path.to_owned(),
            kind: Some(CompletionItemKind::Module),
            documentation: Some(markdown(package.doc.to_owned())),
            text_edit: Some(TextEdit::new(place, package.path.to_owned()).into()),
            ..CompletionItem::default()
        })
        .collect()
}

fn markdown(value: String) -> gen_lsp_types::Documentation {
    MarkupContent::new(MarkupKind::Markdown, value).into()
}

/// The edit that adds an import: among those that are there, else below the package clause.
pub(super) fn import(text: &str, tree: &tree::File, path: &str) -> TextEdit {
    let line = |offset: u32| text[..offset as usize].rfind('\n').map_or(0, |at| at + 1);
    let after = |offset: u32| {
        let rest = &text[offset as usize..];
        rest.find('\n')
            .map_or(text.len(), |at| offset as usize + at + 1)
    };
    let (at, new) = match tree.imports.iter().find(|import| *import.path > *path) {
        Some(next) => beside(text, line(next.span.start), next, path),
        None => match (tree.imports.last(), &tree.package) {
            (Some(last), _) => beside(text, after(last.span.end), last, path),
            (None, Some(clause)) => (after(clause.span.end), format!("\nimport {path:?}\n")),
            (None, None) => {
                let attributes = tree.attributes.last();
                let at = attributes.map_or(0, |attribute| after(attribute.span.end));
                (at, format!("import {path:?}\n\n"))
            }
        },
    };
    // Behind a last line that no newline ends.
    let new = match at > 0 && !text[..at].ends_with('\n') {
        true => format!("\n{}", new.trim_end_matches('\n')),
        false => new,
    };
    let at = position(text, at as u32);
    TextEdit::new(Range::new(at, at), new)
}

/// An import in the manner of one that is there: a line of its group, or a line with the keyword.
fn beside(text: &str, at: usize, other: &tree::Import, path: &str) -> (usize, String) {
    let start = other.span.start as usize;
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[begin..start];
    match before.trim() {
        "" if !text[start..].starts_with("import") => (at, format!("{before}{path:?}\n")),
        "" | "import" => (at, format!("import {path:?}\n")),
        // A group on one line: above it.
        _ => (begin, format!("import {path:?}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text with an import added by the edit.
    fn with(text: &str, path: &str) -> String {
        let edit = import(text, &syntax::parse(FileId(0), text).file, path);
        let at = super::super::position::offset(text, edit.range.start) as usize;
        format!("{}{}{}", &text[..at], edit.new_text, &text[at..])
    }

    #[test]
    fn imports_are_added_in_the_manner_of_those_there() {
        for (text, expected) in [
            ("a: 1\n", "import \"net\"\n\na: 1\n"),
            (
                "package p\n\na: 1\n",
                "package p\n\nimport \"net\"\n\na: 1\n",
            ),
            ("package p", "package p\n\nimport \"net\""),
            (
                "import \"list\"\nimport \"time\"\n",
                "import \"list\"\nimport \"net\"\nimport \"time\"\n",
            ),
            (
                "import \"list\"\n\na: 1\n",
                "import \"list\"\nimport \"net\"\n\na: 1\n",
            ),
            (
                "import (\n\t\"list\"\n\ts \"strings\"\n)\n",
                "import (\n\t\"list\"\n\t\"net\"\n\ts \"strings\"\n)\n",
            ),
            (
                "import (\n\t\"list\"\n)\n",
                "import (\n\t\"list\"\n\t\"net\"\n)\n",
            ),
            ("import (\"list\")\n", "import \"net\"\nimport (\"list\")\n"),
        ] {
            assert_eq!(with(text, "net"), expected);
        }
    }
}
