//! Data as language text: what `holosc import` writes.

use holos_lang::diagnostic::Span;
use holos_lang::syntax::print;
use holos_lang::syntax::tree::{Decl, Element, Expr, File, Ident, Label, ListLit, StructLit};

/// How the text is laid out.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The package clause, where there is one.
    pub package: Option<String>,
    /// The field the data is put into: `["spec", "values"]` gives `spec: values: …`.
    pub path: Vec<String>,
    /// Whether several documents become a list; otherwise they are unified, one after the other.
    pub list: bool,
}

/// The documents as the text of one file.
pub fn import(documents: Vec<Expr>, options: &ImportOptions) -> String {
    let span = Span::default();
    let documents: Vec<Expr> = documents.into_iter().map(bare_labels).collect();
    let documents = if options.list {
        let elements = documents.into_iter().map(Element::Expr).collect();
        vec![Expr::List(ListLit {
            elements,
            ellipsis: None,
            span,
        })]
    } else {
        documents
    };
    let mut decls = Vec::new();
    for document in documents {
        let nested = options.path.iter().rev().fold(document, |value, name| {
            let decl = super::json::field(name.as_str().into(), span, value);
            bare_labels(Expr::Struct(StructLit {
                decls: vec![decl],
                braces: false,
                span,
            }))
        });
        match nested {
            Expr::Struct(literal) => decls.extend(literal.decls),
            value => decls.push(Decl::Embed(value)),
        }
    }
    let package = options.package.as_ref().map(|name| Ident {
        name: name.as_str().into(),
        span,
    });
    print(&File {
        package,
        decls,
        ..Default::default()
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
