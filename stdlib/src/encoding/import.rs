//! Data as language text: what `holosc import` writes.

use holos_lang::diagnostic::Span;
use holos_lang::syntax::print;
use holos_lang::syntax::tree::{Decl, Element, Expr, File, Ident, Label, ListLit, StructLit};
use std::sync::Arc;

/// The documents as the text of one file: they are unified, one after the other.
pub fn import(documents: Vec<Expr>, package: Option<&str>) -> String {
    let mut decls = Vec::new();
    for document in documents.into_iter().map(bare_labels) {
        match document {
            Expr::Struct(literal) => decls.extend(literal.decls),
            value => decls.push(Decl::Embed(value)),
        }
    }
    let package = package.map(|name| Ident {
        name: name.into(),
        span: Span::default(),
    });
    print(&File {
        package,
        decls,
        ..Default::default()
    })
}

/// The value at a path: `["spec", "values"]` gives `spec: values: …`.
pub fn at(path: &[Arc<str>], value: Expr) -> Expr {
    let span = value.span();
    path.iter().rev().fold(value, |value, name| {
        Expr::Struct(StructLit {
            decls: vec![super::json::field(name.clone(), span, value)],
            braces: false,
            span,
        })
    })
}

/// The values as a list.
pub fn list(values: Vec<Expr>) -> Expr {
    let span = values.first().map_or(Span::default(), Expr::span);
    Expr::List(ListLit {
        elements: values.into_iter().map(Element::Expr).collect(),
        ellipsis: None,
        span,
    })
}

/// The value with labels unquoted where an identifier means the same.
fn bare_labels(value: Expr) -> Expr {
    match value {
        Expr::Struct(mut literal) => {
            literal.decls = literal.decls.into_iter().map(bare_label).collect();
            Expr::Struct(literal)
        }
        Expr::List(mut list) => {
            let elements = list.elements.into_iter().map(|element| match element {
                Element::Expr(value) => Element::Expr(bare_labels(value)),
                other => other,
            });
            list.elements = elements.collect();
            Expr::List(list)
        }
        other => other,
    }
}

fn bare_label(decl: Decl) -> Decl {
    let Decl::Field(mut field) = decl else {
        return decl;
    };
    if let Label::String { value, span } = &field.label
        && is_identifier(value)
    {
        field.label = Label::Ident(Ident {
            name: value.clone(),
            span: *span,
        });
    }
    field.value = bare_labels(field.value);
    Decl::Field(field)
}

/// Whether a regular field may have the name without quotes.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '$')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}
