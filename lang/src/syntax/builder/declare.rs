//! Building files, declarations and comprehensions; which expressions are labels.

use super::{Builder, Mark, Node, Part, Postfix, Waiting};
use crate::diagnostic::{Diagnostic, Fix, Place, Span};
use crate::syntax::MAX_DEPTH;
use crate::syntax::errors::code;
use crate::syntax::tree::*;

impl Builder<'_> {
    // Declarations

    /// A declaration is complete.
    pub(crate) fn declare(&mut self, (decl, depth): (Decl, u32)) -> u32 {
        self.decls.push(decl);
        depth
    }

    /// The first declaration of a list, `depth` deep, was just declared.
    pub(crate) fn first_decl(&self, depth: u32) -> Waiting {
        Waiting {
            start: self.decls.len() - 1,
            depth,
        }
    }

    /// A list without declarations.
    pub(crate) fn no_decls(&self) -> Waiting {
        Waiting {
            start: self.decls.len(),
            depth: 0,
        }
    }

    /// A label, its colon included.
    pub(crate) fn push_label(&mut self, part: Part, mark: Mark) {
        self.labels.push((part, mark));
    }

    /// `label: label: value @attribute()` with the last `count` labels, or an embedding.
    pub(crate) fn declaration(
        &mut self,
        count: usize,
        part: Part,
        attributes: Vec<Attribute>,
    ) -> u32 {
        let made = if count == 0 {
            self.bare(part, attributes)
        } else {
            self.labelled(count, part, attributes)
        };
        self.declare(made)
    }

    fn labelled(&mut self, count: usize, part: Part, attributes: Vec<Attribute>) -> (Decl, u32) {
        let end = attributes
            .last()
            .map_or(part.node.span().end, |a| a.span.end);
        let base = self.labels.len() - count;
        let start = self.labels[base].0.start();
        let mut depth = part.node.depth;
        let value_alias = part.alias.and_then(|alias| self.alias(alias));
        let mut inner = Innermost {
            value: *part.node.expr,
            value_alias,
            attributes,
        };
        while let Some((part, mark)) = self.labels.pop() {
            depth = depth.max(part.node.depth) + 1;
            let span = Span::new(part.start(), end);
            let Some(field) = self.field(part, mark, inner, span) else {
                break;
            };
            if self.labels.len() == base {
                if depth as usize > MAX_DEPTH {
                    self.too_deep(field.label.span());
                    break;
                }
                return (Decl::Field(field), depth);
            }
            let literal = StructLit {
                decls: vec![Decl::Field(field)],
                braces: false,
                span,
            };
            inner = Innermost {
                value: Expr::Struct(literal),
                value_alias: None,
                attributes: Vec::new(),
            };
        }
        self.labels.truncate(base);
        (Decl::Bad(Span::new(start, end)), 0)
    }

    /// A declaration without a label.
    fn bare(&mut self, part: Part, attributes: Vec<Attribute>) -> (Decl, u32) {
        if let Some(attribute) = attributes.first() {
            self.error(
                code::ATTRIBUTE,
                attribute.span,
                "an attribute belongs to a field",
                "move it to a line of its own to describe the struct",
            );
        }
        let depth = part.node.depth;
        let Some((name, equals)) = part.alias else {
            return (Decl::Embed(*part.node.expr), depth);
        };
        let span = name.span().to(part.node.span());
        let Expr::Ident(name) = *name.expr else {
            self.not_a_name(&name.expr);
            return (Decl::Bad(span), 0);
        };
        let error = Diagnostic::error(code::ALIAS, "an alias on its own is written with `let`")
            .label(
                self.place(Span::new(name.span.start, equals + 1)),
                "this declares no field",
            )
            .with_fix(Fix {
                title: format!("write `let {} = …`", name.name),
                edits: vec![(
                    self.place(Span::new(name.span.start, name.span.start)),
                    "let ".to_string(),
                )],
            });
        self.errors.push(error);
        (
            Decl::Alias(LetClause {
                name,
                value: *part.node.expr,
                span,
            }),
            depth,
        )
    }

    fn field(&mut self, part: Part, mark: Mark, inner: Innermost, span: Span) -> Option<Field> {
        let alias = match part.alias {
            Some(alias) => Some(self.alias(alias)?),
            None => None,
        };
        let label = self.label(*part.node.expr)?;
        let presence = match mark.presence {
            None => Presence::Regular,
            Some(span) => {
                let optional = self.slice(span.start, span.end) == "?";
                if let Label::Pattern { .. } = label {
                    self.error(
                        code::PATTERN_MARK,
                        span,
                        "a pattern is neither optional nor required",
                        "remove this",
                    );
                    Presence::Regular
                } else if optional {
                    Presence::Optional
                } else {
                    Presence::Required
                }
            }
        };
        let postfix_alias = mark.postfix.map(|postfix| {
            let (alias, span) = *postfix;
            self.needs(
                self.experiments.aliasv2,
                span,
                "an alias after a label",
                "aliasv2",
            );
            alias
        });
        let aliases = Aliases {
            label: alias,
            postfix: postfix_alias,
            value: inner.value_alias,
        };
        Some(Field {
            aliases: aliases.boxed(),
            label,
            presence,
            value: inner.value,
            attributes: inner.attributes,
            span,
        })
    }

    /// The name in `name=…`.
    pub(super) fn alias(&mut self, (node, equals): (Node, u32)) -> Option<Ident> {
        if self.experiments.aliasv2 {
            self.error(
                code::ALIAS,
                Span::new(equals, equals + 1),
                "aliases with `=` are not allowed with `@experiment(aliasv2)`",
                "write `label~name: …`",
            );
        }
        match *node.expr {
            Expr::Ident(name) => {
                self.declared(&name);
                Some(name)
            }
            other => {
                self.not_a_name(&other);
                None
            }
        }
    }

    fn not_a_name(&mut self, expr: &Expr) {
        if !matches!(expr, Expr::Bad(_)) {
            self.error(
                code::ALIAS,
                expr.span(),
                "only a name can stand before `=`",
                "this is not a name",
            );
        }
    }

    /// The label that an expression before a colon is, if it is one.
    fn label(&mut self, expr: Expr) -> Option<Label> {
        let span = expr.span();
        match expr {
            Expr::Ident(name) => {
                self.declared(&name);
                Some(Label::Ident(name))
            }
            Expr::Null(_) | Expr::Bool(..) => Some(Label::Ident(self.ident(span.start, span.end))),
            Expr::String(value, span) => Some(Label::String { value, span }),
            Expr::Interpolation(ref interpolation) if !interpolation.bytes => {
                Some(Label::Interpolation(expr))
            }
            Expr::Paren(expr, span) => Some(Label::Dynamic { expr, span }),
            Expr::List(list) => self.pattern(list),
            other => {
                self.bad_label(&other);
                None
            }
        }
    }

    fn pattern(&mut self, mut list: ListLit) -> Option<Label> {
        let span = list.span;
        let only = (list.elements.len() == 1 && list.ellipsis.is_none())
            .then(|| list.elements.pop())
            .flatten();
        match only {
            Some(Element::Expr(expr)) => Some(Label::Pattern {
                alias: None,
                expr: Box::new(expr),
                span,
            }),
            Some(Element::Alias(alias, expr)) => Some(Label::Pattern {
                alias: Some(alias),
                expr: Box::new(expr),
                span,
            }),
            _ => {
                self.error(
                    code::LABEL,
                    span,
                    "the brackets of a pattern hold exactly one expression",
                    "as in `[string]: value`",
                );
                self.bad_labels.push(span);
                None
            }
        }
    }

    fn bad_label(&mut self, expr: &Expr) {
        let span = expr.span();
        self.bad_labels.push(span);
        let text = self.slice(span.start, span.end);
        let error = |message: &str| Diagnostic::error(code::LABEL, message);
        let quoted = |title: String, text: String, place: Place| Fix {
            title,
            edits: vec![(place, text)],
        };
        let place = self.place(span);
        let error = match expr {
            Expr::Bad(_) => return,
            Expr::Number(..) => error("a number cannot name a field")
                .label(place, "quote it")
                .with_fix(quoted(
                    format!("write `\"{text}\"`"),
                    format!("\"{text}\""),
                    place,
                )),
            Expr::Selector(_) => error("a path cannot name a field")
                .label(place, "nested fields are written `a: b: value`")
                .with_fix(quoted(
                    "nest the fields".to_string(),
                    text.split('.').collect::<Vec<_>>().join(": "),
                    place,
                )),
            Expr::Bytes(..) => error("bytes cannot name a field").label(place, "use double quotes"),
            Expr::Binary(_) if is_hyphenated(text) => error("a name has no hyphens")
                .label(place, "quote it")
                .with_fix(quoted(
                    format!("write `\"{text}\"`"),
                    format!("\"{text}\""),
                    place,
                )),
            _ => error("this expression cannot name a field").label(
                place,
                "before a `:` stands a name, a string, `(expression)` or `[pattern]`",
            ),
        };
        self.errors.push(error);
    }

    pub(crate) fn postfix(&mut self, start: u32, first: Ident, second: Option<Ident>) -> Postfix {
        let span = Span::new(
            start,
            second.as_ref().map_or(first.span.end, |n| n.span.end),
        );
        match second {
            None => Box::new((PostfixAlias::Value(first), span)),
            Some(second) => Box::new((PostfixAlias::Pair(first, second), span)),
        }
    }

    pub(crate) fn let_clause(&mut self, start: u32, name: Ident, value: Node) -> DeepClause {
        let (clause, depth) = self.binding(start, name, value);
        Box::new((Clause::Let(clause), depth))
    }

    pub(crate) fn let_declaration(&mut self, start: u32, name: Ident, value: Node) -> u32 {
        let (clause, depth) = self.binding(start, name, value);
        self.declare((Decl::Let(clause), depth))
    }

    fn binding(&mut self, start: u32, name: Ident, value: Node) -> (LetClause, u32) {
        self.declared(&name);
        let span = Span::new(start, value.span().end);
        (
            LetClause {
                name,
                value: *value.expr,
                span,
            },
            value.depth,
        )
    }

    pub(crate) fn ellipsis_declaration(&mut self, span: Span) -> u32 {
        self.declare((Decl::Ellipsis(Ellipsis { value: None, span }), 0))
    }

    // Comprehensions

    pub(crate) fn comprehension(
        &mut self,
        start: u32,
        clauses: Vec<DeepClause>,
        body: Node,
        otherwise: Option<((bool, Span), Node)>,
    ) -> Box<(Comprehension, u32)> {
        let mut depth = clauses
            .iter()
            .map(|clause| clause.1)
            .max()
            .unwrap_or(0)
            .max(body.depth);
        let clauses: Vec<Clause> = clauses.into_iter().map(|clause| clause.0).collect();
        let body = literal(body);
        let mut end = body.span.end;
        let otherwise = otherwise.map(|((is_else, span), other)| {
            depth = depth.max(other.depth);
            let other = literal(other);
            end = other.span.end;
            let single = matches!(&clauses[..], [Clause::If { .. } | Clause::Try { .. }]);
            let word = self.slice(span.start, span.end);
            self.needs(self.experiments.attempt, span, &format!("`{word}`"), "try");
            if single && !is_else {
                self.error(
                    code::OTHERWISE,
                    span,
                    format!("a single `if` or `try` has an `else`, not `{word}`"),
                    "write `else`",
                );
            } else if !single && is_else {
                self.error(
                    code::OTHERWISE,
                    span,
                    "`else` follows a single `if` or `try` only",
                    "write `fallback`",
                );
            }
            (
                if is_else {
                    Otherwise::Else
                } else {
                    Otherwise::Fallback
                },
                span,
                other,
            )
        });
        let span = Span::new(start, end);
        Box::new((
            Comprehension {
                clauses,
                body,
                otherwise,
                span,
            },
            depth,
        ))
    }

    pub(crate) fn for_clause(
        &mut self,
        start: u32,
        key: Option<Ident>,
        value: Ident,
        source: Node,
    ) -> DeepClause {
        if let Some(key) = &key {
            self.declared(key);
        }
        self.declared(&value);
        let span = Span::new(start, source.span().end);
        Box::new((
            Clause::For {
                key,
                value,
                source: *source.expr,
                span,
            },
            source.depth,
        ))
    }

    pub(crate) fn if_clause(&mut self, start: u32, condition: Node) -> DeepClause {
        let span = Span::new(start, condition.span().end);
        Box::new((
            Clause::If {
                condition: *condition.expr,
                span,
            },
            condition.depth,
        ))
    }

    pub(crate) fn try_clause(&mut self, span: Span) -> DeepClause {
        Box::new((
            Clause::Try {
                name: None,
                value: None,
                span,
            },
            0,
        ))
    }

    pub(crate) fn try_value_clause(&mut self, start: u32, name: Ident, value: Node) -> DeepClause {
        let span = Span::new(start, value.span().end);
        Box::new((
            Clause::Try {
                name: Some(name),
                value: Some(*value.expr),
                span,
            },
            value.depth,
        ))
    }
}

/// A clause and its depth.
pub(crate) type DeepClause = Box<(Clause, u32)>;

/// The struct that a node of a body is.
fn literal(node: Node) -> StructLit {
    match *node.expr {
        Expr::Struct(literal) => literal,
        other => {
            // The nesting limit was passed.
            let span = other.span();
            StructLit {
                decls: vec![Decl::Bad(span)],
                braces: true,
                span,
            }
        }
    }
}

/// What the innermost field of a chain of labels holds.
struct Innermost {
    value: Expr,
    value_alias: Option<Ident>,
    attributes: Vec<Attribute>,
}

/// Whether the text is names with hyphens between them.
fn is_hyphenated(text: &str) -> bool {
    text.split('-')
        .all(|part| !part.is_empty() && part.chars().all(char::is_alphanumeric))
}
