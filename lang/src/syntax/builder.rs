//! What the grammar's actions do: they build the tree, bound its depth, and check what a grammar
//! cannot say (which expressions are labels, which names are reserved, which syntax a file has to
//! ask for).
//!
//! A [`Node`] carries the depth of its tree; one that passes the limit becomes [`Expr::Bad`] at once,
//! so that no tree is ever deeper.
//!
//! What the parser moves about on its stack is small: declarations, labels and elements wait in
//! stacks of the builder, from which the end of their list takes them. That also makes every vector
//! of the tree exactly as large as it has to be.

use super::MAX_DEPTH;
use super::errors::{self, code};
use super::lexer::{Lexeme, Token};
use super::literal::{Fault, Quotes};
use super::tree::*;
use crate::diagnostic::{Code, Diagnostic, FileId, Fix, Place, Span};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What a whole text is.
#[derive(Debug)]
pub(crate) enum Root {
    File(Waiting),
    Expr(Node),
}

/// An expression and the depth of its tree.
#[derive(Debug)]
pub(crate) struct Node {
    expr: Box<Expr>,
    depth: u32,
}

impl Node {
    pub(crate) fn span(&self) -> Span {
        self.expr.span()
    }

    pub(crate) fn into_expr(self) -> Expr {
        *self.expr
    }
}

/// A list of what waits in one of the builder's stacks from `start` on, and the depth of the deepest.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    start: usize,
    depth: u32,
}

impl Waiting {
    /// The list when one more has come, of that depth.
    pub(crate) fn and(self, depth: u32) -> Waiting {
        Waiting {
            start: self.start,
            depth: self.depth.max(depth),
        }
    }
}

/// `expr` or `name = expr`, before it is known whether it is a label.
#[derive(Debug)]
pub(crate) struct Part {
    alias: Option<(Node, u32)>,
    node: Node,
}

impl Part {
    pub(crate) fn new(node: Node) -> Part {
        Part { alias: None, node }
    }

    /// `equals` is where the `=` stands.
    pub(crate) fn aliased(alias: Node, equals: u32, node: Node) -> Part {
        Part {
            alias: Some((alias, equals)),
            node,
        }
    }

    fn start(&self) -> u32 {
        self.alias
            .as_ref()
            .map_or(self.node.span().start, |(name, _)| name.span().start)
    }
}

/// What stands between a label and its colon.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    postfix: Option<Postfix>,
    presence: Option<Span>,
}

/// An alias after a label, and where it stands.
pub(crate) type Postfix = Box<(PostfixAlias, Span)>;

impl Mark {
    pub(crate) fn new(postfix: Option<Postfix>, presence: Option<Span>) -> Mark {
        Mark { postfix, presence }
    }
}

/// Operands with operators of any precedence between them.
#[derive(Debug)]
pub(crate) struct Chain {
    operands: Vec<Node>,
    /// Each operator and where it begins.
    operators: Vec<(BinaryOp, u32)>,
}

impl Chain {
    pub(crate) fn new(first: Node, operator: (BinaryOp, u32), second: Node) -> Chain {
        Chain {
            operands: vec![first, second],
            operators: vec![operator],
        }
    }

    pub(crate) fn push(&mut self, operator: (BinaryOp, u32), operand: Node) {
        self.operators.push(operator);
        self.operands.push(operand);
    }
}

/// Syntax that a file has to ask for.
#[derive(Clone, Copy, Default, Debug)]
struct Experiments {
    aliasv2: bool,
    explicitopen: bool,
    attempt: bool,
}

/// The experiments there are; those that are part of the language by now may still be named.
const EXPERIMENTS: [&str; 7] = [
    "testing",
    "accepted_",
    "structcmp",
    "explicitopen",
    "aliasv2",
    "try",
    "shortcircuit",
];

/// The state of one parse.
pub(crate) struct Builder<'s> {
    file: FileId,
    text: &'s str,
    names: FxHashMap<&'s str, Arc<str>>,
    experiments: Experiments,
    too_deep: bool,
    pub(crate) errors: Vec<Diagnostic>,
    /// Expressions before a colon that are no labels.
    pub(crate) bad_labels: Vec<Span>,
    package: Option<Ident>,
    imports: Vec<Import>,
    decls: Vec<Decl>,
    labels: Vec<(Part, Mark)>,
    elements: Vec<Element>,
}

impl<'s> Builder<'s> {
    /// `stopped` says that the nesting limit was reported already.
    pub(crate) fn new(
        file: FileId,
        text: &'s str,
        tokens: &[Lexeme],
        stopped: bool,
    ) -> Builder<'s> {
        let mut builder = Builder {
            file,
            text,
            names: FxHashMap::default(),
            experiments: Experiments::default(),
            too_deep: stopped,
            errors: Vec::new(),
            bad_labels: Vec::new(),
            package: None,
            imports: Vec::new(),
            decls: Vec::new(),
            labels: Vec::new(),
            elements: Vec::new(),
        };
        let head = tokens.iter().skip(1);
        for token in head.take_while(|t| matches!(t.token, Token::Attribute | Token::Comma)) {
            if token.token == Token::Attribute {
                let attribute = builder.attribute(token.start, token.end);
                builder.ask_for(&attribute);
            }
        }
        builder
    }

    /// The file whose declarations these are.
    pub(crate) fn finish(&mut self, decls: Waiting) -> File {
        let mut decls: Vec<Decl> = self.decls.drain(decls.start..).collect();
        let package = self.package.take();
        let head = package
            .as_ref()
            .map(|name| name.span.start)
            .or(self.imports.first().map(|import| import.span.start))
            .unwrap_or(u32::MAX);
        let count = decls
            .iter()
            .take_while(|d| matches!(d, Decl::Attribute(a) if a.span.start < head))
            .count();
        let attributes = decls
            .drain(..count)
            .filter_map(|decl| match decl {
                Decl::Attribute(attribute) => Some(attribute),
                _ => None,
            })
            .collect();
        File {
            attributes,
            package,
            imports: std::mem::take(&mut self.imports),
            decls,
            span: Span::new(0, self.text.len() as u32),
        }
    }

    // Helpers

    fn slice(&self, start: u32, end: u32) -> &'s str {
        &self.text[start as usize..end as usize]
    }

    fn name(&mut self, text: &'s str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name: Arc<str> = text.into();
        self.names.insert(text, name.clone());
        name
    }

    fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>, label: &str) {
        self.errors
            .push(Diagnostic::error(code, message).label(self.place(span), label));
    }

    /// A node over children of at most that depth.
    fn node(&mut self, expr: Expr, children: u32) -> Node {
        let depth = children + 1;
        if depth as usize <= MAX_DEPTH {
            return Node {
                expr: Box::new(expr),
                depth,
            };
        }
        let span = expr.span();
        self.too_deep(span);
        Node {
            expr: Box::new(Expr::Bad(span)),
            depth: 1,
        }
    }

    fn too_deep(&mut self, span: Span) {
        if !std::mem::replace(&mut self.too_deep, true) {
            self.errors.push(errors::too_deep(self.place(span)));
        }
    }

    fn leaf(&mut self, expr: Expr) -> Node {
        Node {
            expr: Box::new(expr),
            depth: 1,
        }
    }

    // Names, attributes, imports

    pub(crate) fn ident(&mut self, start: u32, end: u32) -> Ident {
        Ident {
            name: self.name(self.slice(start, end)),
            span: Span::new(start, end),
        }
    }

    /// A name that is declared here.
    fn declared(&mut self, ident: &Ident) {
        if ident.name.starts_with("__") {
            self.error(
                code::RESERVED_NAME,
                ident.span,
                format!("the name `{}` is reserved", ident.name),
                "names that begin with `__` cannot be declared",
            );
        }
    }

    pub(crate) fn attribute(&mut self, start: u32, end: u32) -> Attribute {
        let text = self.slice(start, end);
        let (name, body) = match text.split_once('(') {
            Some((name, body)) => (name, body.strip_suffix(')').unwrap_or(body)),
            None => (text, ""),
        };
        let name = self.name(name[1..].trim_end());
        Attribute {
            name,
            body: body.into(),
            span: Span::new(start, end),
        }
    }

    /// Turns on what `@experiment(a,b)` names.
    fn ask_for(&mut self, attribute: &Attribute) {
        if &*attribute.name != "experiment" {
            return;
        }
        for name in attribute
            .body
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match name {
                "aliasv2" => self.experiments.aliasv2 = true,
                "explicitopen" => self.experiments.explicitopen = true,
                "try" => self.experiments.attempt = true,
                other if EXPERIMENTS.contains(&other) => {}
                other => self.error(
                    code::EXPERIMENT,
                    attribute.span,
                    format!("there is no experiment `{other}`"),
                    "named here",
                ),
            }
        }
    }

    fn needs(&mut self, enabled: bool, span: Span, what: &str, name: &str) {
        if !enabled {
            let error = Diagnostic::error(code::EXPERIMENT, format!("{what} is an experiment"))
                .label(self.place(span), "used here")
                .help(format!("put `@experiment({name})` at the head of the file"));
            self.errors.push(error);
        }
    }

    pub(crate) fn package(&mut self, name: Ident) {
        if name.name.starts_with('#') || name.name.starts_with("_#") {
            self.error(
                code::IMPORT,
                name.span,
                "a package cannot be a definition",
                "in this name",
            );
        }
        self.package = Some(name);
    }

    pub(crate) fn imports(&mut self, imports: Vec<Option<Import>>) {
        self.imports.extend(imports.into_iter().flatten());
    }

    pub(crate) fn import(&mut self, alias: Option<Ident>, path_span: Span) -> Option<Import> {
        if let Some(name) = &alias {
            self.declared(name);
            if name.name.starts_with('#') || name.name.starts_with("_#") {
                let span = name.span;
                self.error(
                    code::IMPORT,
                    span,
                    "an import cannot be a definition",
                    "in this name",
                );
            }
        }
        let path: Arc<str> = match self.string(path_span.start, path_span.end).into_expr() {
            Expr::String(path, _) => path,
            _ => "".into(),
        };
        let name = path.rsplit_once(':').map_or(&*path, |(name, _)| name);
        let illegal = |c: char| {
            c.is_whitespace() || c.is_control() || "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{fffd}".contains(c)
        };
        if name.is_empty() || name.contains(illegal) {
            self.error(
                code::IMPORT,
                path_span,
                format!("`{path}` is not an import path"),
                "a path is made of names with `/` between them",
            );
        }
        let start = alias
            .as_ref()
            .map_or(path_span.start, |name| name.span.start);
        Some(Import {
            alias,
            path,
            path_span,
            span: Span::new(start, path_span.end),
        })
    }

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
        Some(Field {
            alias,
            label,
            postfix_alias,
            presence,
            value_alias: inner.value_alias,
            value: inner.value,
            attributes: inner.attributes,
            span,
        })
    }

    /// The name in `name=…`.
    fn alias(&mut self, (node, equals): (Node, u32)) -> Option<Ident> {
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

    // Expressions

    /// Groups a flat chain by precedence; operators of one precedence associate to the left, and
    /// a run of one operator stays flat.
    pub(crate) fn climb(&mut self, chain: Chain) -> Node {
        let Chain {
            operands,
            operators,
        } = chain;
        let mut done: Vec<Node> = Vec::new();
        let mut pending: Vec<(BinaryOp, u32)> = Vec::new();
        if operators.iter().all(|(op, _)| *op == operators[0].0) {
            return self.run(operands, &operators);
        }
        let mut operands = operands.into_iter();
        done.extend(operands.next());
        for (operator, operand) in operators.into_iter().zip(operands) {
            self.fold(&mut done, &mut pending, operator.0);
            pending.push(operator);
            done.push(operand);
        }
        self.fold_all(&mut done, &mut pending)
    }

    /// Combines what binds more strongly than `next`, or as strongly with another operator.
    fn fold(&mut self, done: &mut Vec<Node>, pending: &mut Vec<(BinaryOp, u32)>, next: BinaryOp) {
        while let Some(&(last, _)) = pending.last() {
            if last == next || precedence(last) < precedence(next) {
                return;
            }
            self.fold_run(done, pending, last);
        }
    }

    fn fold_all(&mut self, done: &mut Vec<Node>, pending: &mut Vec<(BinaryOp, u32)>) -> Node {
        while let Some(&(last, _)) = pending.last() {
            self.fold_run(done, pending, last);
        }
        done.pop().unwrap_or_else(|| self.bad(0, 0))
    }

    /// Combines the run of `operator` at the end.
    fn fold_run(
        &mut self,
        done: &mut Vec<Node>,
        pending: &mut Vec<(BinaryOp, u32)>,
        operator: BinaryOp,
    ) {
        let count = pending
            .iter()
            .rev()
            .take_while(|(op, _)| *op == operator)
            .count();
        let operators = pending.split_off(pending.len() - count);
        let operands = done.split_off(done.len() - count - 1);
        let node = self.run(operands, &operators);
        done.push(node);
    }

    fn run(&mut self, operands: Vec<Node>, operators: &[(BinaryOp, u32)]) -> Node {
        let depth = operands.iter().map(|node| node.depth).max().unwrap_or(0);
        let first = operands.first().map_or(Span::default(), Node::span);
        let span = operands.last().map_or(first, |node| first.to(node.span()));
        let op = operators[0].0;
        let length = symbol(op).len() as u32;
        let op_spans = operators
            .iter()
            .map(|&(_, at)| Span::new(at, at + length))
            .collect();
        let operands = operands.into_iter().map(Node::into_expr).collect();
        self.node(
            Expr::Binary(Binary {
                op,
                operands,
                op_spans,
                span,
            }),
            depth,
        )
    }

    pub(crate) fn unary(&mut self, op: UnaryOp, op_span: Span, operand: Node) -> Node {
        let span = op_span.to(operand.span());
        let depth = operand.depth;
        self.node(
            Expr::Unary(Unary {
                op,
                op_span,
                operand: operand.expr,
                span,
            }),
            depth,
        )
    }

    pub(crate) fn selector(&mut self, base: Node, name: Ident) -> Node {
        let span = base.span().to(name.span);
        let name = SelectorName::Ident(name);
        self.node(
            Expr::Selector(Selector {
                base: base.expr,
                name,
                span,
            }),
            base.depth,
        )
    }

    pub(crate) fn string_selector(&mut self, base: Node, at: Span) -> Node {
        let text = self.slice(at.start, at.end);
        let value = match self.string(at.start, at.end).into_expr() {
            Expr::String(value, _) if text.starts_with('"') && !text.starts_with("\"\"\"") => value,
            Expr::Bad(_) => "".into(),
            _ => {
                self.error(
                    code::UNEXPECTED,
                    at,
                    "after `.` stands a name or a string in plain double quotes",
                    "use an index: `x[…]`",
                );
                "".into()
            }
        };
        let span = base.span().to(at);
        let name = SelectorName::String { value, span: at };
        self.node(
            Expr::Selector(Selector {
                base: base.expr,
                name,
                span,
            }),
            base.depth,
        )
    }

    pub(crate) fn index(&mut self, base: Node, index: Node, end: u32) -> Node {
        let span = Span::new(base.span().start, end);
        let depth = base.depth.max(index.depth);
        self.node(
            Expr::Index {
                base: base.expr,
                index: index.expr,
                span,
            },
            depth,
        )
    }

    pub(crate) fn slice_of(
        &mut self,
        base: Node,
        low: Option<Node>,
        high: Option<Node>,
        end: u32,
    ) -> Node {
        let span = Span::new(base.span().start, end);
        let bounds = low.iter().chain(&high).map(|node| node.depth);
        let depth = bounds.max().unwrap_or(0).max(base.depth);
        let bound = |node: Option<Node>| node.map(|node| node.expr);
        self.node(
            Expr::Slice {
                base: base.expr,
                low: bound(low),
                high: bound(high),
                span,
            },
            depth,
        )
    }

    pub(crate) fn call(&mut self, function: Node, arguments: Vec<Node>, end: u32) -> Node {
        let span = Span::new(function.span().start, end);
        let depth = arguments
            .iter()
            .map(|node| node.depth)
            .max()
            .unwrap_or(0)
            .max(function.depth);
        let arguments = arguments.into_iter().map(Node::into_expr).collect();
        self.node(
            Expr::Call {
                function: function.expr,
                arguments,
                span,
            },
            depth,
        )
    }

    pub(crate) fn open(&mut self, base: Node, at: Span) -> Node {
        self.needs(
            self.experiments.explicitopen,
            at,
            "`...` after a value",
            "explicitopen",
        );
        let span = base.span().to(at);
        self.node(Expr::Open(base.expr, span), base.depth)
    }

    pub(crate) fn attempt(&mut self, base: Node, end: u32) -> Node {
        let span = Span::new(base.span().start, end);
        if !matches!(
            *base.expr,
            Expr::Ident(_) | Expr::Selector(_) | Expr::Index { .. } | Expr::Bad(_)
        ) {
            self.error(
                code::UNEXPECTED,
                Span::new(end - 1, end),
                "`?` follows a reference only",
                "this is not a reference",
            );
        }
        self.node(Expr::Try(base.expr, span), base.depth)
    }

    pub(crate) fn reference(&mut self, start: u32, end: u32) -> Node {
        let name = self.ident(start, end);
        self.leaf(Expr::Ident(name))
    }

    pub(crate) fn number(&mut self, start: u32, end: u32) -> Node {
        let text = self.name(self.slice(start, end));
        self.leaf(Expr::Number(text, Span::new(start, end)))
    }

    pub(crate) fn null(&mut self, start: u32, end: u32) -> Node {
        self.leaf(Expr::Null(Span::new(start, end)))
    }

    pub(crate) fn boolean(&mut self, value: bool, start: u32, end: u32) -> Node {
        self.leaf(Expr::Bool(value, Span::new(start, end)))
    }

    pub(crate) fn bottom(&mut self, start: u32, end: u32) -> Node {
        self.leaf(Expr::Bottom(Span::new(start, end)))
    }

    pub(crate) fn bad(&mut self, start: u32, end: u32) -> Node {
        self.leaf(Expr::Bad(Span::new(start, end)))
    }

    pub(crate) fn paren(&mut self, start: u32, inner: Node, end: u32) -> Node {
        self.node(Expr::Paren(inner.expr, Span::new(start, end)), inner.depth)
    }

    pub(crate) fn struct_literal(&mut self, start: u32, decls: Waiting, end: u32) -> Node {
        let span = Span::new(start, end);
        let list = self.decls.drain(decls.start..).collect();
        self.node(
            Expr::Struct(StructLit {
                decls: list,
                braces: true,
                span,
            }),
            decls.depth,
        )
    }

    pub(crate) fn list(
        &mut self,
        start: u32,
        elements: Waiting,
        ellipsis: Option<(Option<Node>, Span)>,
        end: u32,
    ) -> Node {
        let mut depth = elements.depth;
        let ellipsis = ellipsis.map(|(value, span)| {
            depth = depth.max(value.as_ref().map_or(0, |node| node.depth));
            Ellipsis {
                value: value.map(|node| node.expr),
                span,
            }
        });
        let elements = self.elements.drain(elements.start..).collect();
        self.node(
            Expr::List(ListLit {
                elements,
                ellipsis,
                span: Span::new(start, end),
            }),
            depth,
        )
    }

    /// The list whose first element, `depth` deep, has just come.
    pub(crate) fn first_element(&self, depth: u32) -> Waiting {
        Waiting {
            start: self.elements.len() - 1,
            depth,
        }
    }

    pub(crate) fn no_elements(&self) -> Waiting {
        Waiting {
            start: self.elements.len(),
            depth: 0,
        }
    }

    pub(crate) fn element(&mut self, part: Part) -> u32 {
        let element = match part.alias.and_then(|alias| self.alias(alias)) {
            Some(name) => Element::Alias(name, *part.node.expr),
            None => Element::Expr(*part.node.expr),
        };
        self.elements.push(element);
        part.node.depth
    }

    pub(crate) fn comprehension_element(&mut self, made: Box<(Comprehension, u32)>) -> u32 {
        self.elements.push(Element::Comprehension(made.0));
        made.1
    }

    // Strings

    /// A string or bytes literal without interpolations.
    pub(crate) fn string(&mut self, start: u32, end: u32) -> Node {
        let text = self.slice(start, end);
        let span = Span::new(start, end);
        if text.starts_with('"') && !text.starts_with("\"\"\"") {
            let content = &text[1..text.len() - 1];
            if !content.bytes().any(|b| matches!(b, b'\\' | b'\r' | 0)) {
                let value = self.name(content);
                return self.leaf(Expr::String(value, span));
            }
        }
        let quotes = Quotes::of(text, text);
        let (content, faults) = self.decode(quotes, text, start, true, true);
        if faults {
            return self.leaf(Expr::Bad(span));
        }
        self.leaf(if quotes.bytes {
            Expr::Bytes(content.into(), span)
        } else {
            Expr::String(String::from_utf8_lossy(&content).into(), span)
        })
    }

    /// Decodes the token `text` of a string; whether it had faults, too.
    fn decode(
        &mut self,
        quotes: Quotes<'_>,
        text: &str,
        start: u32,
        first: bool,
        last: bool,
    ) -> (Vec<u8>, bool) {
        // A continued stretch begins with `)`, one that is followed by an expression ends in `\(`.
        let from = if first { quotes.width() } else { 1 };
        let closing = if last {
            quotes.width()
        } else {
            quotes.hashes + 2
        };
        let to = text.len().saturating_sub(closing);
        let mut faults = Vec::new();
        let offset = start + from as u32;
        let content = quotes.decode(
            text.get(from..to).unwrap_or(""),
            offset,
            first,
            last,
            &mut faults,
        );
        let any = !faults.is_empty();
        for Fault {
            code,
            message,
            label,
            span,
        } in faults
        {
            self.error(code, span, message, &label);
        }
        (content, any)
    }

    /// Each of `parts` is a stretch of text that ends in `\(` and the expression after it.
    pub(crate) fn interpolation(
        &mut self,
        start: u32,
        parts: Vec<(Span, Node)>,
        last: Span,
    ) -> Node {
        let first = parts.first().map_or(last, |(span, _)| *span);
        let opening = self.slice(first.start, first.end);
        let closing = self.slice(last.start, last.end);
        let quotes = Quotes::of(opening, closing);
        let mut fragments: Vec<Arc<[u8]>> = Vec::with_capacity(parts.len() + 1);
        let mut expressions = Vec::with_capacity(parts.len());
        let mut depth = 0;
        for (index, (span, node)) in parts.into_iter().enumerate() {
            let text = self.slice(span.start, span.end);
            let (content, _) = self.decode(quotes, text, span.start, index == 0, false);
            fragments.push(content.into());
            depth = depth.max(node.depth);
            expressions.push(*node.expr);
        }
        if closing.len() > quotes.width() {
            let (content, _) = self.decode(quotes, closing, last.start, false, true);
            fragments.push(content.into());
        } else {
            fragments.push(Arc::new([]));
        }
        let span = Span::new(start, last.end);
        let bytes = quotes.bytes;
        self.node(
            Expr::Interpolation(Interpolation {
                bytes,
                fragments,
                expressions,
                span,
            }),
            depth,
        )
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

/// How strongly an operator binds; 1 is the weakest.
pub(crate) fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp::*;
    match op {
        Disjunction => 1,
        Unify => 2,
        Or => 3,
        And => 4,
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Match | NotMatch => 5,
        Add | Subtract => 6,
        Multiply | Divide => 7,
    }
}

/// How an operator is written.
pub(crate) fn symbol(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        Disjunction => "|",
        Unify => "&",
        Or => "||",
        And => "&&",
        Equal => "==",
        NotEqual => "!=",
        Less => "<",
        LessEqual => "<=",
        Greater => ">",
        GreaterEqual => ">=",
        Match => "=~",
        NotMatch => "!~",
        Add => "+",
        Subtract => "-",
        Multiply => "*",
        Divide => "/",
    }
}
