//! `textDocument/references`, `documentHighlight`, `prepareRename` and `rename`: where a name stands in its package.
//!
//! Two places name the same thing if what they name is declared at a common place. Of a field, the evaluation knows
//! where: in the literal, and in the definitions that literal meets. So renaming a field of a definition renames it in
//! the values made from it, too.

use super::analysis::Analysis;
use super::hover::path_of;
use super::locate::{Scope, declarations, locate, named, step};
use super::position::range;
use gen_lsp_types::{Location, Position, Range};
use holos_lang::diagnostic::{FileId, Place, Span};
use holos_lang::eval::Selector;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A name in a text, and where what it names is declared.
struct Named {
    name: String,
    span: Span,
    declared: BTreeSet<Place>,
}

/// Every place in the package that names what stands at a position.
pub(super) fn references(analysis: &mut Analysis, path: &Path, at: Position) -> Vec<Location> {
    let places = occurrences(analysis, path, at).map(|(_, places)| places);
    places
        .unwrap_or_default()
        .into_iter()
        .filter_map(|place| analysis.location(place.file, place.span))
        .collect()
}

/// Those in the same file.
pub(super) fn highlights(analysis: &mut Analysis, path: &Path, at: Position) -> Vec<Value> {
    let Some((file, _)) = analysis.file(path) else {
        return Vec::new();
    };
    let Some((_, places)) = occurrences(analysis, path, at) else {
        return Vec::new();
    };
    let text = &analysis.sources.get(file).text;
    let own = places.into_iter().filter(|place| place.file == file);
    own.map(|place| json!({"range": range(text, place.span), "kind": 1}))
        .collect()
}

/// What would be renamed at a position, if it can be.
pub(super) fn prepare(analysis: &mut Analysis, path: &Path, at: Position) -> Option<Value> {
    let (named, places) = occurrences(analysis, path, at)?;
    if !all_own(analysis, &named, &places) {
        return None;
    }
    let (file, _) = analysis.file(path)?;
    let range: Range = range(&analysis.sources.get(file).text, named.span);
    Some(json!({"range": range, "placeholder": named.name}))
}

/// The edits that give what stands at a position another name.
pub(super) fn rename(
    analysis: &mut Analysis,
    path: &Path,
    at: Position,
    new: &str,
) -> Option<Value> {
    let (named, places) = occurrences(analysis, path, at)?;
    let kind = |name: &str| name.chars().take_while(|c| matches!(c, '_' | '#')).count();
    let plain = new
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '#' | '$'))
        && !new.trim_start_matches(['_', '#']).is_empty()
        && !new.starts_with(|c: char| c.is_numeric());
    // A field stays regular, hidden or a definition: what that changes is more than a name.
    let same = kind(&named.name) == kind(new);
    if !plain || !same || !all_own(analysis, &named, &places) {
        return None;
    }
    let mut changes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for place in places {
        let text = &analysis.sources.get(place.file).text;
        let old = &text[place.span.start as usize..place.span.end as usize];
        let new = match old.starts_with('"') {
            true => format!("\"{new}\""),
            false => new.to_string(),
        };
        let location = analysis.location(place.file, place.span)?;
        let edit = json!({"range": location.range, "newText": new});
        changes
            .entry(location.uri.to_string())
            .or_default()
            .push(edit);
    }
    Some(json!({"changes": changes}))
}

/// Whether nothing of it is declared in files of others.
fn all_own(analysis: &Analysis, named: &Named, places: &BTreeSet<Place>) -> bool {
    let own = |place: &Place| {
        let mut files = analysis.package.files.iter();
        analysis.sources.get(place.file).user && files.any(|(file, _)| *file == place.file)
    };
    !places.is_empty() && places.iter().chain(&named.declared).all(own)
}

/// What stands at a position, with all declarations it turns out to have, and every place that names it.
fn occurrences(
    analysis: &mut Analysis,
    path: &Path,
    at: Position,
) -> Option<(Named, BTreeSet<Place>)> {
    let (file, _, offset) = analysis.at(path, at)?;
    let mut target = named_at(analysis, file, offset)?;
    let mut others = Vec::new();
    let files = analysis.package.files.iter().map(|(file, _)| *file);
    let files: Vec<FileId> = files
        .filter(|file| analysis.sources.get(*file).user)
        .collect();
    for file in files {
        let text = analysis.sources.get(file).text.clone();
        for (start, _) in text.match_indices(&target.name) {
            if is_word(&text, start, target.name.len())
                && let Some(named) = named_at(analysis, file, start as u32)
                && named.name == target.name
            {
                others.push((file, named));
            }
        }
    }
    let mut places = BTreeSet::new();
    loop {
        let known = places.len();
        others.retain(|(file, named)| {
            let same = !named.declared.is_disjoint(&target.declared);
            if same {
                target.declared.extend(&named.declared);
                places.insert(Place {
                    file: *file,
                    span: named.span,
                });
            }
            !same
        });
        if places.len() == known {
            return Some((target, places));
        }
    }
}

fn is_word(text: &str, start: usize, length: usize) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '$');
    !text[..start].chars().next_back().is_some_and(part)
        && !text[start + length..].chars().next().is_some_and(part)
}

/// The name at an offset.
fn named_at(analysis: &mut Analysis, file: FileId, offset: u32) -> Option<Named> {
    let tree = analysis.file_tree(file)?;
    let text = analysis.sources.get(file).text.clone();
    let found = locate(&tree, offset);
    let holds = |span: Span| span.start <= offset && offset <= span.end;
    let place = |span: Span| Place { file, span };
    let source = |span: Span| {
        let text = text.get(span.start as usize..span.end as usize)?;
        Some(text.trim_matches('"').to_string())
    };
    // A variable or alias where it is declared.
    let own = found.scopes.iter().rev().find_map(|scope| match scope {
        Scope::Name(ident) if holds(ident.span) => Some(ident.span),
        _ => None,
    });
    let (span, declared) = if let Some(span) = own {
        (span, BTreeSet::from([place(span)]))
    } else if let Some(span) = found.label {
        let mut declared = BTreeSet::from([place(span)]);
        if found.reference.is_empty() && !found.many {
            declared.extend(declared_at(analysis, &found.path));
        }
        (span, declared)
    } else {
        let names: Vec<&str> = found.reference.iter().map(|(name, _)| *name).collect();
        let span = found.reference.last()?.1;
        let mut declared = BTreeSet::new();
        if let [name] = names[..] {
            let locals = declarations(&found, name);
            declared.extend(locals.iter().map(|local| place(local.span)));
            if locals.is_empty() {
                for (other, tree) in &analysis.package.files {
                    let spans = named(&tree.decls, name).into_iter();
                    declared.extend(spans.map(|(span, ..)| Place { file: *other, span }));
                }
                if !declared.is_empty() {
                    declared.extend(declared_at(analysis, &[step(name)]));
                }
            }
        }
        if let Some(path) = path_of(analysis, &found, file, &names) {
            declared.extend(declared_at(analysis, &path));
        }
        (span, declared)
    };
    let name = source(span)?;
    (!declared.is_empty()).then_some(Named {
        name,
        span,
        declared,
    })
}

fn declared_at(analysis: &mut Analysis, path: &[Selector]) -> Vec<Place> {
    let Some(evaluation) = &mut analysis.evaluation else {
        return Vec::new();
    };
    let root = evaluation.root();
    match evaluation.lookup(root, path) {
        Some(node) => evaluation.declared(node),
        None => Vec::new(),
    }
}
