//! Candidates in a tree, and trees without what was cut.

use super::Cuts;
use holos_lang::diagnostic::{FileId, Place, Span};
use holos_lang::syntax::tree::{
    Binary, BinaryOp, Decl, Element, Expr, Field, File, Ident, Label, ListLit, Presence, StructLit,
};

/// Something that may be superfluous.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The field.
    pub(crate) cut: Place,
    /// Its value.
    pub(crate) value: Place,
}

/// The fields of a file with plain values that are data: none in definitions, hidden or optional fields, patterns, disjunctions,
/// comprehensions, `let` clauses or arguments, which are the schema. What refers to something stays as well, for a
/// reference to a schema implies nothing but checks.
pub(crate) fn candidates(file: FileId, tree: &File) -> Vec<Candidate> {
    let mut out = Vec::new();
    of_decls(file, &tree.decls, &mut out);
    out
}

fn of_decls(file: FileId, decls: &[Decl], out: &mut Vec<Candidate>) {
    for decl in decls {
        let Decl::Field(field) = decl else { continue };
        if !is_data(field) {
            continue;
        }
        if is_plain(&field.value) {
            let place = |span: Span| Place { file, span };
            out.push(Candidate {
                cut: place(field.span),
                value: place(field.value.span()),
            });
        } else {
            of_value(file, &field.value, out);
        }
    }
}

fn of_value(file: FileId, value: &Expr, out: &mut Vec<Candidate>) {
    match value {
        Expr::Struct(literal) => of_decls(file, &literal.decls, out),
        Expr::Paren(inner, _) => of_value(file, inner, out),
        Expr::Binary(binary) if binary.op == BinaryOp::Unify => {
            for operand in &binary.operands {
                of_value(file, operand, out);
            }
        }
        Expr::List(list) => {
            for element in &list.elements {
                let Element::Expr(value) = element else {
                    continue;
                };
                of_value(file, value, out);
            }
        }
        _ => {}
    }
}

fn is_data(field: &Field) -> bool {
    let regular = match &field.label {
        Label::Ident(ident) => !ident.name.starts_with(['_', '#']),
        Label::String { .. } => true,
        _ => false,
    };
    regular
        && field.presence == Presence::Regular
        && field.attributes.is_empty()
        && field.postfix_alias().is_none()
}

/// Whether the value refers to nothing.
fn is_plain(value: &Expr) -> bool {
    match value {
        Expr::Struct(literal) => literal.braces && literal.decls.is_empty(),
        Expr::List(list) => {
            let mut elements = list.elements.iter();
            list.ellipsis.is_none()
                && elements
                    .all(|element| matches!(element, Element::Expr(value) if is_scalar(value)))
        }
        Expr::Binary(binary) => {
            binary.op == BinaryOp::Unify && binary.operands.iter().all(is_scalar)
        }
        value => is_scalar(value),
    }
}

fn is_scalar(value: &Expr) -> bool {
    match value {
        Expr::Null(_) | Expr::Bool(..) | Expr::Number(..) | Expr::String(..) | Expr::Bytes(..) => {
            true
        }
        Expr::Ident(ident) => matches!(
            &*ident.name,
            "int" | "float" | "number" | "string" | "bytes" | "bool"
        ),
        Expr::Unary(unary) => is_scalar(&unary.operand),
        Expr::Paren(inner, _) => is_scalar(inner),
        _ => false,
    }
}

/// A file without what was cut. What has nothing left afterwards is `_`, and a candidate in its turn.
pub(crate) fn pruned(file: FileId, tree: &File, cuts: &Cuts) -> (File, Vec<Candidate>) {
    let mut pruner = Pruner {
        file,
        cuts,
        emptied: Vec::new(),
    };
    let pruned = File {
        decls: pruner.decls(&tree.decls),
        ..tree.clone()
    };
    (pruned, pruner.emptied)
}

struct Pruner<'c> {
    file: FileId,
    cuts: &'c Cuts,
    emptied: Vec<Candidate>,
}

impl Pruner<'_> {
    fn is_cut(&self, span: Span) -> bool {
        self.cuts.contains(&Place {
            file: self.file,
            span,
        })
    }

    fn decls(&mut self, decls: &[Decl]) -> Vec<Decl> {
        let mut out = Vec::with_capacity(decls.len());
        for decl in decls {
            match decl {
                Decl::Field(field) if self.is_cut(field.span) => {}
                Decl::Field(field) => out.push(Decl::Field(self.field(field))),
                other => out.push(other.clone()),
            }
        }
        out
    }

    fn field(&mut self, field: &Field) -> Field {
        let before = self.emptied.len();
        let value = self.value(&field.value);
        if is_data(field) && value.is_none() {
            // With it goes what is in it.
            self.emptied.truncate(before);
            let place = |span: Span| Place {
                file: self.file,
                span,
            };
            self.emptied.push(Candidate {
                cut: place(field.span),
                value: place(field.value.span()),
            });
        }
        Field {
            value: value.unwrap_or_else(|| top(field.value.span())),
            ..field.clone()
        }
    }

    /// The value, if anything is left of it.
    fn value(&mut self, value: &Expr) -> Option<Expr> {
        match value {
            Expr::Struct(literal) => {
                let decls = self.decls(&literal.decls);
                let emptied = decls.is_empty() && !literal.decls.is_empty();
                (!emptied).then(|| {
                    Expr::Struct(StructLit {
                        decls,
                        ..literal.clone()
                    })
                })
            }
            Expr::Paren(inner, span) => Some(Expr::Paren(Box::new(self.value(inner)?), *span)),
            Expr::Binary(binary) if binary.op == BinaryOp::Unify => {
                let operands = binary.operands.iter();
                let mut operands: Vec<Expr> =
                    operands.filter_map(|operand| self.value(operand)).collect();
                if operands.len() < 2 {
                    return operands.pop();
                }
                Some(Expr::Binary(Binary {
                    op_spans: binary.op_spans[..operands.len() - 1].to_vec(),
                    operands,
                    ..binary.clone()
                }))
            }
            Expr::List(list) => {
                let elements = list.elements.iter().map(|element| match element {
                    Element::Expr(value) => {
                        let empty = || {
                            Expr::Struct(StructLit {
                                decls: Vec::new(),
                                braces: true,
                                span: value.span(),
                            })
                        };
                        Element::Expr(self.value(value).unwrap_or_else(empty))
                    }
                    other => other.clone(),
                });
                Some(Expr::List(ListLit {
                    elements: elements.collect(),
                    ..list.clone()
                }))
            }
            other => Some(other.clone()),
        }
    }
}

fn top(span: Span) -> Expr {
    Expr::Ident(Ident {
        name: "_".into(),
        span,
    })
}
