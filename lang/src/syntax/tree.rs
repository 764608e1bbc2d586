//! The syntax tree: what the parser makes of the tokens of one file.
//!
//! It follows the CUE specification's grammar (v0.17) with names already decoded: string
//! literals hold their value, `a: b: c` is a field whose value is a brace-less [`StructLit`]. The tree
//! keeps no blanks and no comments; the formatter finds those in the tokens around a node's span.
//!
//! **Invariant:** the parser bounds the nesting depth (see [`super::MAX_DEPTH`]), so that code which
//! walks a tree recursively needs no guard of its own. Chains of one operator are flat
//! ([`Binary::operands`]), so their length does not count as depth.

use crate::diagnostic::Span;
use std::sync::Arc;

/// One parsed file. Broken declarations are [`Decl::Bad`]; their errors are beside the tree.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// File attributes before the package clause: `@if(…)`, `@experiment(…)`, `@extern(…)`.
    pub attributes: Vec<Attribute>,
    pub package: Option<Ident>,
    pub imports: Vec<Import>,
    pub decls: Vec<Decl>,
    pub span: Span,
}

/// `import alias "path:qualifier"`, one for each line of a group.
#[derive(Clone, Debug)]
pub struct Import {
    pub alias: Option<Ident>,
    /// The decoded string, qualifier included.
    pub path: Arc<str>,
    pub path_span: Span,
    pub span: Span,
}

/// An identifier as spelt: `x`, `_x`, `#x`, `_#x`, `__int`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ident {
    pub name: Arc<str>,
    pub span: Span,
}

/// `@name(body)`.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: Arc<str>,
    /// The text between the parentheses, untouched.
    pub body: Arc<str>,
    pub span: Span,
}

/// What stands between the braces of a struct, or at the top of a file.
#[derive(Clone, Debug)]
pub enum Decl {
    Field(Field),
    Let(LetClause),
    /// `X = expr` on its own (old style); it declares a name and no field.
    Alias(LetClause),
    Embed(Expr),
    Comprehension(Comprehension),
    Ellipsis(Ellipsis),
    Attribute(Attribute),
    /// Something that could not be parsed.
    Bad(Span),
}

/// `label: value`, `label?: value`, `label!: value`, `[pattern]: value`.
#[derive(Clone, Debug)]
pub struct Field {
    /// Few fields have any: they are kept apart, so that the others are small.
    pub aliases: Option<Box<Aliases>>,
    pub label: Label,
    pub presence: Presence,
    /// What follows the `=` of a value alias.
    pub value: Expr,
    pub attributes: Vec<Attribute>,
    pub span: Span,
}

impl Field {
    /// `label: value`, with nothing else to it.
    pub fn regular(label: Label, value: Expr, span: Span) -> Field {
        Field {
            aliases: None,
            label,
            presence: Presence::Regular,
            value,
            attributes: Vec::new(),
            span,
        }
    }

    /// `X=label: …`.
    pub fn alias(&self) -> Option<&Ident> {
        self.aliases.as_ref()?.label.as_ref()
    }

    /// `label~X: …` or `label~(K,V): …` (experiment `aliasv2`).
    pub fn postfix_alias(&self) -> Option<&PostfixAlias> {
        self.aliases.as_ref()?.postfix.as_ref()
    }

    /// `label: X={…}`.
    pub fn value_alias(&self) -> Option<&Ident> {
        self.aliases.as_ref()?.value.as_ref()
    }
}

/// The other names of a field.
#[derive(Clone, Debug)]
pub struct Aliases {
    pub label: Option<Ident>,
    pub postfix: Option<PostfixAlias>,
    pub value: Option<Ident>,
}

impl Aliases {
    /// `None` where there is none.
    pub fn boxed(self) -> Option<Box<Aliases>> {
        let none = self.label.is_none() && self.postfix.is_none() && self.value.is_none();
        (!none).then(|| Box::new(self))
    }
}

/// The suffix of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    Regular,
    Optional,
    Required,
}

/// `~X` or `~(K,V)`.
#[derive(Clone, Debug)]
pub enum PostfixAlias {
    Value(Ident),
    /// Label name, then value; either may be `_`.
    Pair(Ident, Ident),
}

/// What names a field.
#[derive(Clone, Debug)]
pub enum Label {
    Ident(Ident),
    /// `"name"` without interpolation, decoded.
    String {
        value: Arc<str>,
        span: Span,
    },
    /// `"\(x)"`: an [`Expr::Interpolation`].
    Interpolation(Expr),
    /// `(expr)`; the span includes the parentheses.
    Dynamic {
        expr: Box<Expr>,
        span: Span,
    },
    /// `[expr]` or `[alias=expr]`; the span includes the brackets.
    Pattern {
        alias: Option<Ident>,
        expr: Box<Expr>,
        span: Span,
    },
}

/// `let name = value`.
#[derive(Clone, Debug)]
pub struct LetClause {
    pub name: Ident,
    pub value: Expr,
    pub span: Span,
}

/// `...` or `...T`.
#[derive(Clone, Debug)]
pub struct Ellipsis {
    pub value: Option<Box<Expr>>,
    pub span: Span,
}

/// `for … if … { … } else { … }`.
#[derive(Clone, Debug)]
pub struct Comprehension {
    pub clauses: Vec<Clause>,
    pub body: StructLit,
    /// `else {…}` or `fallback {…}` (experiment `try`), with the keyword's span.
    pub otherwise: Option<(Otherwise, Span, StructLit)>,
    pub span: Span,
}

/// Which keyword introduced the alternative body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Otherwise {
    Else,
    Fallback,
}

/// One clause of a comprehension.
#[derive(Clone, Debug)]
pub enum Clause {
    For {
        key: Option<Ident>,
        value: Ident,
        source: Expr,
        span: Span,
    },
    If {
        condition: Expr,
        span: Span,
    },
    Let(LetClause),
    /// `try` (the body follows) or `try x = expr` (experiment `try`).
    Try {
        name: Option<Ident>,
        value: Option<Expr>,
        span: Span,
    },
}

/// `{ … }`, or the brace-less struct of `a: b: c`.
#[derive(Clone, Debug)]
pub struct StructLit {
    pub decls: Vec<Decl>,
    pub braces: bool,
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    Ident(Ident),
    /// `_|_`.
    Bottom(Span),
    Null(Span),
    Bool(bool, Span),
    /// A number literal as spelt: `1_000`, `0x1F`, `1.5Ki`, `1e3`.
    Number(Arc<str>, Span),
    /// Any string form without interpolation, decoded.
    String(Arc<str>, Span),
    /// Any bytes form without interpolation, decoded.
    Bytes(Arc<[u8]>, Span),
    Interpolation(Interpolation),
    Struct(StructLit),
    List(ListLit),
    Paren(Box<Expr>, Span),
    Unary(Unary),
    Binary(Binary),
    Selector(Selector),
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
        span: Span,
    },
    Slice {
        base: Box<Expr>,
        low: Option<Box<Expr>>,
        high: Option<Box<Expr>>,
        span: Span,
    },
    Call {
        function: Box<Expr>,
        arguments: Vec<Expr>,
        span: Span,
    },
    /// `x...` (experiment `explicitopen`).
    Open(Box<Expr>, Span),
    /// `x?` (experiment `try`).
    Try(Box<Expr>, Span),
    Bad(Span),
}

/// `"a \(b) c"`; a bytes interpolation keeps its fragments as bytes.
#[derive(Clone, Debug)]
pub struct Interpolation {
    pub bytes: bool,
    /// One more fragment than expressions, in turn.
    pub fragments: Vec<Arc<[u8]>>,
    pub expressions: Vec<Expr>,
    pub span: Span,
}

/// `[a, b, ...T]`; elements may be comprehensions.
#[derive(Clone, Debug)]
pub struct ListLit {
    pub elements: Vec<Element>,
    pub ellipsis: Option<Ellipsis>,
    pub span: Span,
}

/// One element of a list literal.
#[derive(Clone, Debug)]
pub enum Element {
    Expr(Expr),
    /// `X=value` (old style): the alias names the element inside itself.
    Alias(Ident, Expr),
    Comprehension(Comprehension),
}

/// A prefix operator and its operand.
#[derive(Clone, Debug)]
pub struct Unary {
    pub op: UnaryOp,
    pub op_span: Span,
    pub operand: Box<Expr>,
    pub span: Span,
}

/// Prefix operators; the comparison ones make bounds, `*` marks a default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Plus,
    Minus,
    Not,
    Default,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    Match,
    NotMatch,
    /// `==x` as a bound (experiment-free since v0.15).
    Equal,
}

/// A left-associative chain of one operator: `a & b & c`.
#[derive(Clone, Debug)]
pub struct Binary {
    pub op: BinaryOp,
    /// At least two.
    pub operands: Vec<Expr>,
    /// One less than operands.
    pub op_spans: Vec<Span>,
    pub span: Span,
}

/// Infix operators, weakest first: `|`, `&`, `||`, `&&`, comparisons, `+ -`, `* /`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Disjunction,
    Unify,
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Match,
    NotMatch,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// `x.name`, `x."name"`.
#[derive(Clone, Debug)]
pub struct Selector {
    pub base: Box<Expr>,
    pub name: SelectorName,
    pub span: Span,
}

/// What follows the dot.
#[derive(Clone, Debug)]
pub enum SelectorName {
    Ident(Ident),
    String { value: Arc<str>, span: Span },
}

impl Label {
    /// Where the label stands.
    pub fn span(&self) -> Span {
        match self {
            Label::Ident(ident) => ident.span,
            Label::Interpolation(expr) => expr.span(),
            Label::String { span, .. }
            | Label::Dynamic { span, .. }
            | Label::Pattern { span, .. } => *span,
        }
    }
}

impl Decl {
    /// Where the declaration stands.
    pub fn span(&self) -> Span {
        match self {
            Decl::Field(field) => field.span,
            Decl::Let(clause) | Decl::Alias(clause) => clause.span,
            Decl::Embed(expr) => expr.span(),
            Decl::Comprehension(comprehension) => comprehension.span,
            Decl::Ellipsis(ellipsis) => ellipsis.span,
            Decl::Attribute(attribute) => attribute.span,
            Decl::Bad(span) => *span,
        }
    }
}

impl Expr {
    /// Where the expression stands.
    pub fn span(&self) -> Span {
        match self {
            Expr::Ident(ident) => ident.span,
            Expr::Interpolation(interpolation) => interpolation.span,
            Expr::Struct(literal) => literal.span,
            Expr::List(literal) => literal.span,
            Expr::Unary(unary) => unary.span,
            Expr::Binary(binary) => binary.span,
            Expr::Selector(selector) => selector.span,
            Expr::Bottom(span)
            | Expr::Null(span)
            | Expr::Bool(_, span)
            | Expr::Number(_, span)
            | Expr::String(_, span)
            | Expr::Bytes(_, span)
            | Expr::Paren(_, span)
            | Expr::Index { span, .. }
            | Expr::Slice { span, .. }
            | Expr::Call { span, .. }
            | Expr::Open(_, span)
            | Expr::Try(_, span)
            | Expr::Bad(span) => *span,
        }
    }
}
