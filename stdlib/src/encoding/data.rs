//! From the trees that readers make to values, without an evaluation.

use holos_lang::syntax::tree::{BinaryOp, Decl, Element, Expr, Field, Label, UnaryOp};
use holos_lang::value::{Data, Number};
use std::sync::Arc;

/// The value of a tree, where it is one of those [`super::read`] makes: literals, lists of them, structs
/// with plain fields. An empty YAML document is null.
pub fn data(expr: &Expr) -> Option<Data> {
    Some(match expr {
        Expr::Null(_) => Data::Null,
        Expr::Bool(value, _) => Data::Bool(*value),
        Expr::Number(text, _) => Data::Number(Number::parse_literal(text).ok()?),
        Expr::String(text, _) => Data::String(text.clone()),
        Expr::Bytes(bytes, _) => Data::Bytes(bytes.clone()),
        Expr::Unary(unary) if unary.op == UnaryOp::Minus => match data(&unary.operand)? {
            Data::Number(number) => Data::Number(number.neg()),
            _ => return None,
        },
        Expr::Unary(unary) if unary.op == UnaryOp::Default => data(&unary.operand)?,
        Expr::Binary(binary) if binary.op == BinaryOp::Disjunction => data(&binary.operands[0])?,
        Expr::List(list) => {
            let elements = list.elements.iter().map(|element| match element {
                Element::Expr(value) => data(value),
                _ => None,
            });
            Data::List(elements.collect::<Option<_>>()?)
        }
        Expr::Struct(literal) => {
            let fields = literal.decls.iter().map(|decl| match decl {
                Decl::Field(field) => Some((name(field)?, data(&field.value)?)),
                _ => None,
            });
            Data::Struct(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn name(field: &Field) -> Option<Arc<str>> {
    match &field.label {
        Label::String { value, .. } => Some(value.clone()),
        Label::Ident(ident) => Some(ident.name.clone()),
        _ => None,
    }
}
