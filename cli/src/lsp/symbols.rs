//! `textDocument/documentSymbol`: the fields of a file, nested.

use super::position::range;
use gen_lsp_types::{DocumentSymbol, SymbolKind};
use holos_lang::diagnostic::Span;
use holos_lang::syntax::tree::*;

/// The symbols of a file.
pub(super) fn symbols(file: &File, text: &str) -> Vec<DocumentSymbol> {
    of_decls(&file.decls, text)
}

fn of_decls(decls: &[Decl], text: &str) -> Vec<DocumentSymbol> {
    let mut out = Vec::new();
    for decl in decls {
        match decl {
            Decl::Field(field) => {
                let name = match &field.label {
                    Label::Ident(ident) => ident.name.to_string(),
                    Label::String { value, .. } => value.to_string(),
                    label => source(text, label.span()),
                };
                let kind = match &field.value {
                    _ if name.starts_with('#') || name.starts_with("_#") => SymbolKind::Class,
                    Expr::Struct(_) => SymbolKind::Object,
                    Expr::List(_) => SymbolKind::Array,
                    Expr::String(..) | Expr::Interpolation(_) => SymbolKind::String,
                    Expr::Number(..) => SymbolKind::Number,
                    Expr::Bool(..) => SymbolKind::Boolean,
                    _ => SymbolKind::Field,
                };
                out.push(symbol(
                    name,
                    kind,
                    field.span,
                    field.label.span(),
                    of_expr(&field.value, text),
                    text,
                ));
            }
            Decl::Let(clause) | Decl::Alias(clause) => {
                let name = clause.name.name.to_string();
                let inner = of_expr(&clause.value, text);
                out.push(symbol(
                    name,
                    SymbolKind::Variable,
                    clause.span,
                    clause.name.span,
                    inner,
                    text,
                ));
            }
            Decl::Embed(value) => out.extend(of_expr(value, text)),
            Decl::Comprehension(comprehension) => {
                out.extend(of_decls(&comprehension.body.decls, text))
            }
            _ => {}
        }
    }
    out
}

fn of_expr(value: &Expr, text: &str) -> Vec<DocumentSymbol> {
    super::locate::structs(value)
        .into_iter()
        .flat_map(|literal| of_decls(&literal.decls, text))
        .collect()
}

fn source(text: &str, span: Span) -> String {
    text.get(span.start as usize..span.end as usize)
        .filter(|s| !s.is_empty())
        .unwrap_or("?")
        .to_string()
}

fn symbol(
    name: String,
    kind: SymbolKind,
    whole: Span,
    label: Span,
    children: Vec<DocumentSymbol>,
    text: &str,
) -> DocumentSymbol {
    let name = if name.trim().is_empty() {
        "\"\"".to_string()
    } else {
        name
    };
    let children = (!children.is_empty()).then_some(children);
    DocumentSymbol::new(
        name,
        None,
        kind,
        None,
        None,
        range(text, whole.to(label)),
        range(text, label),
        children,
    )
}
