//! Completion from values: the fields that the struct around a place may have, what a field may be, what a dotted name
//! leads to, and the names in scope.

use super::analysis::Analysis;
use super::definition::resolve;
use super::hover::{comment, path_of};
use super::locate::{Found, Scope, structs};
use super::position::range;
use gen_lsp_types::{CompletionItem, CompletionItemKind, MarkupContent, MarkupKind, TextEdit};
use holos_lang::diagnostic::{FileId, Place, Span};
use holos_lang::eval::inspect::{InspectedField, Shape};
use holos_lang::eval::{NodeId, View};
use holos_lang::syntax::{self, tree};
use holos_lang::value::builtin::Kind;
use std::collections::BTreeSet;
use tree::{Decl, Label, Presence};

/// How much of a value is shown beside a name.
const WIDEST: usize = 60;
/// How deep alternatives are looked through.
const DEEPEST: usize = 8;

/// Where something is typed, and what stands there already.
pub(super) struct Typing<'t> {
    pub(super) text: &'t str,
    pub(super) file: FileId,
    /// What is replaced by a choice.
    pub(super) span: Span,
}

impl Typing<'_> {
    fn item(&self, label: String, kind: CompletionItemKind, insert: String) -> CompletionItem {
        CompletionItem {
            label,
            kind: Some(kind),
            text_edit: Some(TextEdit::new(range(self.text, self.span), insert).into()),
            ..CompletionItem::default()
        }
    }

    /// Whether a declaration begins here.
    pub(super) fn begins_declaration(&self) -> bool {
        let before = self.text[..self.span.start as usize].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', '{', ','])
    }
}

/// The fields that the struct around a place may have and that its literal does not have yet.
pub(super) fn labels(
    analysis: &mut Analysis,
    found: &Found<'_>,
    typing: &Typing<'_>,
) -> Vec<CompletionItem> {
    let literal = found.scopes.iter().rev().find_map(|scope| match scope {
        Scope::Struct(decls, depth) => Some((*decls, *depth)),
        Scope::Name(_) => None,
    });
    let Some((decls, depth)) = literal.filter(|_| !found.many) else {
        return Vec::new();
    };
    let written: BTreeSet<&str> = decls.iter().filter_map(written).collect();
    let path = &found.path[..depth.min(found.path.len())];
    let Some(evaluation) = &mut analysis.evaluation else {
        return Vec::new();
    };
    let root = evaluation.root();
    let Some(node) = evaluation.lookup(root, path) else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    fields_of(analysis, node, &mut fields, 0);
    fields.retain(|field| !field.special && !written.contains(&*field.label));
    fields
        .iter()
        .map(|field| {
            let name = spelt(&field.label);
            let mut item = typing.item(
                field.label.to_string(),
                CompletionItemKind::Field,
                format!("{name}: "),
            );
            let (mark, rank) = match field.presence {
                Presence::Required => ("!", 0),
                Presence::Regular => ("", 1),
                Presence::Optional => ("?", 2),
            };
            item.sort_text = Some(format!("{rank}{}", field.label));
            describe(analysis, field, mark, &mut item);
            item
        })
        .collect()
}

fn written(decl: &Decl) -> Option<&str> {
    match decl {
        Decl::Field(field) => match &field.label {
            Label::Ident(ident) => Some(&ident.name),
            Label::String { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// The fields of a value, those of all alternatives where several are left.
fn fields_of(analysis: &mut Analysis, node: NodeId, out: &mut Vec<InspectedField>, depth: usize) {
    let Some(evaluation) = &mut analysis.evaluation else {
        return;
    };
    let inspected = evaluation.inspect(node);
    if let Shape::Disjunction { values, .. } = inspected.shape
        && depth < DEEPEST
    {
        for value in values {
            fields_of(analysis, value, out, depth + 1);
        }
    }
    for field in inspected.fields {
        let known = out
            .iter()
            .any(|other| other.label == field.label && other.package == field.package);
        if !known {
            out.push(field);
        }
    }
}

/// Type and documentation of a field.
fn describe(
    analysis: &mut Analysis,
    field: &InspectedField,
    mark: &str,
    item: &mut CompletionItem,
) {
    let Some(evaluation) = &mut analysis.evaluation else {
        return;
    };
    let value = evaluation.tree(
        field.value,
        View {
            definitions: true,
            patterns: true,
            ..View::default()
        },
    );
    let text = match &value {
        tree::Expr::Struct(literal) if !literal.decls.is_empty() => "{…}".to_string(),
        value => syntax::print(&tree::File {
            decls: vec![Decl::Embed(value.clone())],
            ..tree::File::default()
        }),
    };
    let line: String = text.trim().lines().next().unwrap_or_default().into();
    let line: String = line.chars().take(WIDEST).collect();
    item.detail = Some(format!("{}{mark}: {line}", field.label));
    let places = evaluation.declared(field.value);
    let doc = places
        .iter()
        .find_map(|place| comment(analysis, place.file, place.span));
    item.documentation = doc.map(|doc| MarkupContent::new(MarkupKind::Markdown, doc).into());
}

/// A label as it has to be written.
fn spelt(name: &str) -> String {
    let plain = name
        .chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '$')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
    match plain {
        true => name.into(),
        false => format!("{name:?}"),
    }
}

/// The values that a field may still have, where they can be listed.
pub(super) fn values(
    analysis: &mut Analysis,
    found: &Found<'_>,
    typing: &Typing<'_>,
) -> Vec<CompletionItem> {
    let Some(evaluation) = analysis.evaluation.as_mut().filter(|_| !found.many) else {
        return Vec::new();
    };
    let root = evaluation.root();
    let Some(node) = evaluation.lookup(root, &found.path) else {
        return Vec::new();
    };
    // Without what stands there, as it is to be replaced.
    let place = Place {
        file: typing.file,
        span: found.value.unwrap_or(typing.span),
    };
    let rest = evaluation.without(node, place);
    let mut texts = Vec::new();
    choices(analysis, rest, &mut texts, 0);
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            let mut item = typing.item(text.clone(), CompletionItemKind::EnumMember, text.clone());
            item.sort_text = Some(format!("0{index:04}"));
            item.filter_text = Some(text);
            item
        })
        .collect()
}

fn choices(analysis: &mut Analysis, node: NodeId, out: &mut Vec<String>, depth: usize) {
    let Some(evaluation) = &mut analysis.evaluation else {
        return;
    };
    match evaluation.inspect(node).shape {
        Shape::Disjunction { values, .. } if depth < DEEPEST => {
            for value in values {
                choices(analysis, value, out, depth + 1);
            }
        }
        Shape::Type(kind) if kind == Kind::BOOL => {
            out.extend(["true".to_string(), "false".to_string()]);
        }
        Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::String(_) => {
            let value = evaluation.tree(node, View::default());
            let text = syntax::print(&tree::File {
                decls: vec![Decl::Embed(value)],
                ..tree::File::default()
            });
            let text = text.trim().to_string();
            if !out.contains(&text) && !text.contains('\n') {
                out.push(text);
            }
        }
        _ => {}
    }
}

/// What stands behind `a.b.`.
pub(super) fn members(
    analysis: &mut Analysis,
    found: &Found<'_>,
    tree: &tree::File,
    typing: &Typing<'_>,
    names: &[&str],
) -> Vec<CompletionItem> {
    let node = path_of(analysis, found, typing.file, names).and_then(|path| {
        let evaluation = analysis.evaluation.as_mut()?;
        let root = evaluation.root();
        evaluation.lookup(root, &path)
    });
    let mut fields = Vec::new();
    if let Some(node) = node {
        fields_of(analysis, node, &mut fields, 0);
    }
    if !fields.is_empty() {
        return fields
            .iter()
            .map(|field| {
                let name = match field.special {
                    true => field.label.to_string(),
                    false => spelt(&field.label),
                };
                let kind = CompletionItemKind::Field;
                let mut item = typing.item(field.label.to_string(), kind, name);
                describe(analysis, field, "", &mut item);
                item
            })
            .collect();
    }
    of_declarations(analysis, found, tree, typing, names)
}

/// The same from the text alone: the declarations of a package, or of the literals a name stands for.
fn of_declarations(
    analysis: &Analysis,
    found: &Found<'_>,
    tree: &tree::File,
    typing: &Typing<'_>,
    names: &[&str],
) -> Vec<CompletionItem> {
    let package = match names {
        [name] => {
            super::definition::imported(tree, name).and_then(|import| analysis.import(&import.path))
        }
        _ => None,
    };
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    let mut add = |file: FileId, decl: &Decl| {
        let (Decl::Field(field), Some(name)) = (decl, written(decl)) else {
            return;
        };
        if name.starts_with('_') || !seen.insert(name.to_string()) {
            return;
        }
        let kind = match name.starts_with('#') {
            true => CompletionItemKind::Class,
            false => CompletionItemKind::Field,
        };
        let insert = match name.starts_with('#') {
            true => name.to_string(),
            false => spelt(name),
        };
        let mut item = typing.item(name.to_string(), kind, insert);
        item.documentation = comment(analysis, file, field.span)
            .map(|doc| MarkupContent::new(MarkupKind::Markdown, doc).into());
        items.push(item);
    };
    if let Some(package) = package {
        for (file, tree) in &package.files {
            tree.decls.iter().for_each(|decl| add(*file, decl));
        }
    } else {
        for (file, _, value) in resolve(analysis, typing.file, tree, found, names) {
            for literal in value.map(structs).unwrap_or_default() {
                literal.decls.iter().for_each(|decl| add(file, decl));
            }
        }
    }
    items
}

/// The names that an expression can begin with here.
pub(super) fn names(
    analysis: &Analysis,
    found: &Found<'_>,
    typing: &Typing<'_>,
) -> Vec<CompletionItem> {
    let mut out: Vec<(String, CompletionItemKind)> = Vec::new();
    let mut add = |name: &str, kind| {
        if name != "_" && !out.iter().any(|(other, _)| other == name) {
            out.push((name.to_string(), kind));
        }
    };
    let of_decls = |decls: &[Decl], add: &mut dyn FnMut(&str, CompletionItemKind)| {
        for decl in decls {
            match decl {
                Decl::Field(field) => {
                    if let Label::Ident(ident) = &field.label {
                        let kind = match ident.name.contains('#') {
                            true => CompletionItemKind::Class,
                            false => CompletionItemKind::Field,
                        };
                        add(&ident.name, kind);
                    }
                    if let Some(alias) = field.alias() {
                        add(&alias.name, CompletionItemKind::Variable);
                    }
                }
                Decl::Let(clause) | Decl::Alias(clause) => {
                    add(&clause.name.name, CompletionItemKind::Variable);
                }
                _ => {}
            }
        }
    };
    for scope in found.scopes.iter().rev() {
        match scope {
            Scope::Name(ident) => add(&ident.name, CompletionItemKind::Variable),
            Scope::Struct(decls, _) => of_decls(decls, &mut add),
        }
    }
    for (_, tree) in &analysis.package.files {
        of_decls(&tree.decls, &mut add);
    }
    for import in analysis
        .file_tree(typing.file)
        .iter()
        .flat_map(|tree| &tree.imports)
    {
        let last = import.path.rsplit('/').next().unwrap_or_default();
        let last = last.rsplit(':').next().unwrap_or(last);
        let last = last.split('@').next().unwrap_or(last);
        add(
            import.alias.as_ref().map_or(last, |alias| &alias.name),
            CompletionItemKind::Module,
        );
    }
    for name in [
        "string", "int", "bool", "number", "float", "bytes", "null", "true", "false",
    ] {
        add(name, CompletionItemKind::Keyword);
    }
    for name in [
        "len", "close", "and", "or", "div", "mod", "quo", "rem", "matchN", "matchIf", "error",
    ] {
        add(name, CompletionItemKind::Function);
    }
    out.into_iter()
        .enumerate()
        .map(|(index, (name, kind))| {
            let mut item = typing.item(name.clone(), kind, name);
            item.sort_text = Some(format!("5{index:04}"));
            item
        })
        .collect()
}
