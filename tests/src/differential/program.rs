//! A program as a tree that is easy to make smaller, and its text.

use std::fmt::{self, Display, Formatter};

/// An expression.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Expr {
    /// A literal, a type or a name, as it is written.
    Atom(String),
    /// A prefix operator (`!`, `-`, `>`, `*` as the mark of a default).
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Struct(Vec<Decl>),
    List(Vec<Expr>),
    /// `...` or `...T` at the end of a list.
    Open(Option<Box<Expr>>),
    /// A comprehension that yields elements: clauses, and the element.
    Yield(Vec<Clause>, Box<Expr>),
    Call(&'static str, Vec<Expr>),
    Select(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// `"\(expression)text"`.
    Interpolation(Box<Expr>, &'static str),
}

/// A declaration of a struct.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Decl {
    /// The label with its mark.
    Field(String, Expr),
    Pattern(Expr, Expr),
    /// `(label): value`; the text is the mark.
    Dynamic(Expr, &'static str, Expr),
    Embed(Expr),
    Let(String, Expr),
    Comprehension(Vec<Clause>, Vec<Decl>),
    Ellipsis,
}

/// A clause of a comprehension.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Clause {
    If(Expr),
    For(String, String, Expr),
    Let(String, Expr),
}

fn joined<T: Display>(f: &mut Formatter<'_>, parts: &[T]) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        part.fmt(f)?;
    }
    Ok(())
}

/// An operand, in parentheses unless it is a simple one.
struct Operand<'e>(&'e Expr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Unary(..) | Expr::Binary(..) => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Atom(text) => f.write_str(text),
            Expr::Unary(op, x) => write!(f, "{op}{}", Operand(x)),
            Expr::Binary("|", x, y) => write!(f, "{} | {}", Arm(x), Arm(y)),
            Expr::Binary(op, x, y) => write!(f, "{} {op} {}", Operand(x), Operand(y)),
            Expr::Struct(decls) => {
                f.write_str("{")?;
                joined(f, decls)?;
                f.write_str("}")
            }
            Expr::List(items) => {
                f.write_str("[")?;
                joined(f, items)?;
                f.write_str("]")
            }
            Expr::Open(None) => f.write_str("..."),
            Expr::Open(Some(element)) => write!(f, "...{element}"),
            Expr::Yield(clauses, element) => {
                for clause in clauses {
                    write!(f, "{clause} ")?;
                }
                write!(f, "{{{element}}}")
            }
            Expr::Call(name, arguments) => {
                write!(f, "{name}(")?;
                joined(f, arguments)?;
                f.write_str(")")
            }
            // `1.a` would be a number and a name.
            Expr::Select(x, label) if matches!(&**x, Expr::Atom(text) if text.starts_with(|c: char| c.is_ascii_digit())) =>
            {
                write!(f, "({x}).{label}")
            }
            Expr::Select(x, label) => write!(f, "{}.{label}", Operand(x)),
            Expr::Index(x, index) => write!(f, "{}[{index}]", Operand(x)),
            Expr::Interpolation(x, text) => write!(f, "\"\\({x}){text}\""),
        }
    }
}

/// An operand of `|`, where the mark of a default needs no parentheses.
struct Arm<'e>(&'e Expr);

impl Display for Arm<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Unary(..) | Expr::Binary("|", ..) => self.0.fmt(f),
            _ => Operand(self.0).fmt(f),
        }
    }
}

impl Display for Decl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Decl::Field(label, value) => write!(f, "{label}: {value}"),
            Decl::Pattern(pattern, value) => write!(f, "[{pattern}]: {value}"),
            Decl::Dynamic(label, mark, value) => write!(f, "({label}){mark}: {value}"),
            Decl::Embed(value) => value.fmt(f),
            Decl::Let(name, value) => write!(f, "let {name} = {value}"),
            Decl::Comprehension(clauses, body) => {
                for clause in clauses {
                    write!(f, "{clause} ")?;
                }
                f.write_str("{")?;
                joined(f, body)?;
                f.write_str("}")
            }
            Decl::Ellipsis => f.write_str("..."),
        }
    }
}

impl Display for Clause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Clause::If(condition) => write!(f, "if {condition}"),
            Clause::For(key, value, of) => write!(f, "for {key}, {value} in {of}"),
            Clause::Let(name, value) => write!(f, "let {name} = {value}"),
        }
    }
}
