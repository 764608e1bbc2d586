//! Reads the text of a program: what [`super::program`] writes, and the part of the language that the generator knows.

use super::program::{Clause, Decl, Expr};
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::{parse_expr, tree};

/// The declarations of a struct literal; `None` if it is something else, or has in it what the generator never writes.
pub fn program(text: &str) -> Option<Vec<Decl>> {
    let (parsed, errors) = parse_expr(FileId(0), text);
    if !errors.is_empty() {
        return None;
    }
    match expr(&parsed, text)? {
        Expr::Struct(decls) => Some(decls),
        _ => None,
    }
}

fn decls(literal: &tree::StructLit, text: &str) -> Option<Vec<Decl>> {
    literal.decls.iter().map(|d| decl(d, text)).collect()
}

fn decl(decl: &tree::Decl, text: &str) -> Option<Decl> {
    Some(match decl {
        tree::Decl::Field(field) => {
            let mark = match field.presence {
                tree::Presence::Regular => "",
                tree::Presence::Optional => "?",
                tree::Presence::Required => "!",
            };
            let value = expr(&field.value, text)?;
            match &field.label {
                tree::Label::Ident(name) => Decl::Field(format!("{}{mark}", name.name), value),
                tree::Label::String { value: label, .. } => {
                    Decl::Field(format!("\"{label}\"{mark}"), value)
                }
                tree::Label::Dynamic { expr: label, .. } => {
                    Decl::Dynamic(expr(label, text)?, mark, value)
                }
                tree::Label::Pattern {
                    alias: None,
                    expr: label,
                    ..
                } => Decl::Pattern(expr(label, text)?, value),
                tree::Label::Pattern { .. } | tree::Label::Interpolation(_) => return None,
            }
        }
        tree::Decl::Let(clause) => {
            Decl::Let(clause.name.name.to_string(), expr(&clause.value, text)?)
        }
        tree::Decl::Embed(value) => Decl::Embed(expr(value, text)?),
        tree::Decl::Comprehension(comprehension) => Decl::Comprehension(
            clauses(&comprehension.clauses, text)?,
            decls(&comprehension.body, text)?,
        ),
        tree::Decl::Ellipsis(tree::Ellipsis { value: None, .. }) => Decl::Ellipsis,
        _ => return None,
    })
}

fn clauses(found: &[tree::Clause], text: &str) -> Option<Vec<Clause>> {
    let clause = |clause: &tree::Clause| {
        Some(match clause {
            tree::Clause::For {
                key: Some(key),
                value,
                source,
                ..
            } => Clause::For(
                key.name.to_string(),
                value.name.to_string(),
                expr(source, text)?,
            ),
            tree::Clause::If { condition, .. } => Clause::If(expr(condition, text)?),
            tree::Clause::Let(clause) => {
                Clause::Let(clause.name.name.to_string(), expr(&clause.value, text)?)
            }
            _ => return None,
        })
    };
    found.iter().map(clause).collect()
}

fn boxed(found: &tree::Expr, text: &str) -> Option<Box<Expr>> {
    expr(found, text).map(Box::new)
}

fn expr(found: &tree::Expr, text: &str) -> Option<Expr> {
    Some(match found {
        tree::Expr::Ident(_)
        | tree::Expr::Bottom(_)
        | tree::Expr::Null(_)
        | tree::Expr::Bool(..)
        | tree::Expr::Number(..)
        | tree::Expr::String(..)
        | tree::Expr::Bytes(..) => {
            let span = found.span();
            Expr::Atom(text.get(span.start as usize..span.end as usize)?.into())
        }
        tree::Expr::Interpolation(interpolation) => {
            let [value] = &interpolation.expressions[..] else {
                return None;
            };
            let suffix = match interpolation.fragments.get(1).map(|f| &**f) {
                Some(b"s") => "s",
                Some(b"x") => "x",
                Some(b"") => "",
                _ => return None,
            };
            Expr::Interpolation(boxed(value, text)?, suffix)
        }
        tree::Expr::Struct(literal) => Expr::Struct(decls(literal, text)?),
        tree::Expr::List(list) => {
            let mut items = Vec::new();
            for element in &list.elements {
                items.push(match element {
                    tree::Element::Expr(value) => expr(value, text)?,
                    tree::Element::Comprehension(comprehension) => {
                        let body = match &comprehension.body.decls[..] {
                            [tree::Decl::Embed(value)] => expr(value, text)?,
                            _ => Expr::Struct(decls(&comprehension.body, text)?),
                        };
                        Expr::Yield(clauses(&comprehension.clauses, text)?, Box::new(body))
                    }
                    tree::Element::Alias(..) => return None,
                });
            }
            if let Some(ellipsis) = &list.ellipsis {
                let value = ellipsis.value.as_deref();
                items.push(Expr::Open(match value {
                    Some(value) => Some(boxed(value, text)?),
                    None => None,
                }));
            }
            Expr::List(items)
        }
        tree::Expr::Paren(inner, _) => expr(inner, text)?,
        tree::Expr::Unary(unary) => {
            let op = match unary.op {
                tree::UnaryOp::Minus => "-",
                tree::UnaryOp::Not => "!",
                tree::UnaryOp::Default => "*",
                tree::UnaryOp::Less => "<",
                tree::UnaryOp::LessEqual => "<=",
                tree::UnaryOp::Greater => ">",
                tree::UnaryOp::GreaterEqual => ">=",
                tree::UnaryOp::NotEqual => "!=",
                tree::UnaryOp::Match => "=~",
                _ => return None,
            };
            Expr::Unary(op, boxed(&unary.operand, text)?)
        }
        tree::Expr::Binary(binary) => {
            let op = match binary.op {
                tree::BinaryOp::Disjunction => "|",
                tree::BinaryOp::Unify => "&",
                tree::BinaryOp::Or => "||",
                tree::BinaryOp::And => "&&",
                tree::BinaryOp::Equal => "==",
                tree::BinaryOp::NotEqual => "!=",
                tree::BinaryOp::Less => "<",
                tree::BinaryOp::LessEqual => "<=",
                tree::BinaryOp::Greater => ">",
                tree::BinaryOp::GreaterEqual => ">=",
                tree::BinaryOp::Add => "+",
                tree::BinaryOp::Subtract => "-",
                tree::BinaryOp::Multiply => "*",
                _ => return None,
            };
            let mut operands = binary.operands.iter().map(|x| expr(x, text));
            let first = operands.next()??;
            operands.try_fold(first, |x, y| {
                Some(Expr::Binary(op, Box::new(x), Box::new(y?)))
            })?
        }
        tree::Expr::Selector(selector) => {
            let tree::SelectorName::Ident(name) = &selector.name else {
                return None;
            };
            Expr::Select(boxed(&selector.base, text)?, name.name.to_string())
        }
        tree::Expr::Index { base, index, .. } => {
            Expr::Index(boxed(base, text)?, boxed(index, text)?)
        }
        tree::Expr::Call {
            function,
            arguments,
            ..
        } => {
            let tree::Expr::Ident(name) = &**function else {
                return None;
            };
            let name = ["len", "and", "or", "close"]
                .into_iter()
                .find(|known| *known == &*name.name)?;
            let arguments: Option<Vec<Expr>> = arguments.iter().map(|x| expr(x, text)).collect();
            Expr::Call(name, arguments?)
        }
        tree::Expr::Slice { .. }
        | tree::Expr::Open(..)
        | tree::Expr::Try(..)
        | tree::Expr::Bad(_) => return None,
    })
}
