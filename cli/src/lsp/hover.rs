//! `textDocument/hover`: the value a field has, and what is written above its declaration.

use super::analysis::Analysis;
use super::definition::{imported, resolve};
use super::locate::{declarations, locate, step};
use super::position::range;
use gen_lsp_types::{Hover, MarkupContent, MarkupKind, Position};
use holos_lang::diagnostic::{FileId, Span};
use holos_lang::eval::{Selector, View};
use holos_lang::syntax::{self, tree};
use holos_lang::value::builtin::Builtins;
use holos_stdlib::reference;
use std::path::Path;

/// How many lines of a value are shown.
const MOST_LINES: usize = 24;

/// What to show at a position.
pub(super) fn hover(analysis: &mut Analysis, path: &Path, position: Position) -> Option<Hover> {
    let (file, tree, offset) = analysis.at(path, position)?;
    let found = locate(&tree, offset);
    let (span, value_path) = match &found.reference[..] {
        [] => (found.label?, (!found.many).then(|| found.path.clone())),
        [names @ .., (last, span)] => {
            let all: Vec<&str> = names.iter().map(|(name, _)| *name).chain([*last]).collect();
            if let Some(text) = builtin(&tree, &all) {
                return Some(markdown(
                    text,
                    range(&analysis.sources.get(file).text, *span),
                ));
            }
            (*span, path_of(analysis, &found, file, &all))
        }
    };
    let names: Vec<&str> = found.reference.iter().map(|(name, _)| *name).collect();
    let declared = match names.is_empty() {
        true => vec![(file, span)],
        false => {
            let places = resolve(analysis, file, &tree, &found, &names);
            places
                .into_iter()
                .map(|(file, span, _)| (file, span))
                .collect()
        }
    };
    let docs: Vec<String> = declared
        .iter()
        .filter_map(|(file, span)| comment(analysis, *file, *span))
        .collect();
    let value = value_path.and_then(|path| value(analysis, &path));
    let shown = match value {
        Some(text) => text,
        // A definition of another package: as it is declared.
        None => declared
            .iter()
            .map(|(file, span)| source(analysis, *file, *span))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    if shown.is_empty() && docs.is_empty() {
        return None;
    }
    let mut text = format!("```holos\n{shown}\n```");
    for doc in docs {
        text.push_str("\n\n");
        text.push_str(&doc);
    }
    Some(markdown(
        text,
        range(&analysis.sources.get(file).text, span),
    ))
}

fn markdown(value: String, at: gen_lsp_types::Range) -> Hover {
    Hover::new(
        MarkupContent::new(MarkupKind::Markdown, value).into(),
        Some(at),
    )
}

/// The path of the value that `a.b.c` is.
pub(super) fn path_of(
    analysis: &Analysis,
    found: &super::locate::Found<'_>,
    file: FileId,
    names: &[&str],
) -> Option<Vec<Selector>> {
    let (first, rest) = names.split_first()?;
    let declared = declarations(found, first);
    let mut path = match declared.first() {
        Some(declared) => declared.path.clone()?,
        None => {
            let mut others = analysis.package.files.iter().filter(|(id, _)| *id != file);
            others.find(|(_, tree)| !super::locate::named(&tree.decls, first).is_empty())?;
            vec![step(first)]
        }
    };
    path.extend(rest.iter().map(|name| step(name)));
    Some(path)
}

/// The value at a path, as language text.
fn value(analysis: &mut Analysis, path: &[Selector]) -> Option<String> {
    let evaluation = analysis.evaluation.as_mut()?;
    let root = evaluation.root();
    let node = evaluation.lookup(root, path)?;
    let view = View {
        definitions: true,
        optional: true,
        patterns: true,
        ..View::default()
    };
    let expr = evaluation.tree(node, view);
    let decl = match path.last()? {
        Selector::Field(name) | Selector::Special(name) => field(name, expr),
        Selector::Index(_) => tree::Decl::Embed(expr),
    };
    let text = syntax::print(&tree::File {
        decls: vec![decl],
        ..Default::default()
    });
    Some(clip(text.trim()))
}

/// `name: value`, as it is printed.
fn field(name: &str, value: tree::Expr) -> tree::Decl {
    let span = Span::default();
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '#' | '$'))
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let label = match plain && !name.is_empty() {
        true => tree::Label::Ident(tree::Ident {
            name: name.into(),
            span,
        }),
        false => tree::Label::String {
            value: name.into(),
            span,
        },
    };
    tree::Decl::Field(tree::Field::regular(label, value, span))
}

/// What a builtin function does.
fn builtin(tree: &tree::File, names: &[&str]) -> Option<String> {
    let import = imported(tree, names.first()?)?;
    let package = holos_stdlib::Standard.package(&import.path)?;
    let Some(name) = names.get(1) else {
        return Some(format!(
            "```holos\nimport \"{}\"\n```\n\n{}",
            package.path, package.doc
        ));
    };
    let entry = reference::entries(package).find(|entry| entry.name() == *name)?;
    let mut text = format!("```holos\n{}\n```", entry.signature());
    if !entry.doc().is_empty() {
        text.push_str("\n\n");
        text.push_str(entry.doc());
    }
    if let Some((call, result)) = entry.example() {
        text.push_str(&format!("\n\n```holos\n{call}\n// {result}\n```"));
    }
    Some(text)
}

/// The comment lines right above a declaration.
pub(super) fn comment(analysis: &Analysis, file: FileId, span: Span) -> Option<String> {
    let text = analysis.sources.get(file).text.get(..span.start as usize)?;
    let before = text.rfind('\n').map_or("", |at| &text[..at]);
    let mut lines: Vec<&str> = Vec::new();
    for line in before.lines().rev() {
        match line.trim_start().strip_prefix("//") {
            Some(comment) => lines.push(comment.strip_prefix(' ').unwrap_or(comment)),
            None => break,
        }
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The declaration's own text, from its label to where its braces close.
fn source(analysis: &Analysis, file: FileId, span: Span) -> String {
    let text = &analysis.sources.get(file).text;
    let Some(rest) = text.get(span.start as usize..) else {
        return String::new();
    };
    let mut depth = 0usize;
    let mut lines = Vec::new();
    for line in rest.lines() {
        lines.push(line);
        depth += line.matches(['{', '[', '(']).count();
        depth = depth.saturating_sub(line.matches(['}', ']', ')']).count());
        if depth == 0 || lines.len() > MOST_LINES {
            break;
        }
    }
    clip(&lines.join("\n"))
}

fn clip(text: &str) -> String {
    match text.lines().count() {
        n if n > MOST_LINES => {
            let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
            format!("{}\n// … {} more lines", lines.join("\n"), n - MOST_LINES)
        }
        _ => text.to_string(),
    }
}
