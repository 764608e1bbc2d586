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

mod declare;
mod express;

pub(crate) use declare::DeepClause;
pub(crate) use express::{precedence, symbol};

use super::MAX_DEPTH;
use super::errors::{self, code};
use super::lexer::{Lexeme, Token};
use super::tree::*;
use crate::diagnostic::{Code, Diagnostic, FileId, Place, Span};
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
}
