//! The walk over expressions.

use super::cursor::Cursor;
use super::layout::Gap;
use super::layout::wish::*;
use super::quote;
use super::walk::Walker;
use crate::syntax::builder::{precedence, symbol};
use crate::syntax::tree::*;

/// The precedence of prefix operators.
const UNARY: u8 = 8;
/// The precedence of what takes postfix operators.
const PRIMARY: u8 = 9;

impl Walker<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.expr_in(expr, 0, 1);
    }

    /// Writes an operand of an operator of precedence `outer`. The deeper it is, the fewer blanks
    /// stand around its own operators.
    fn expr_in(&mut self, expr: &Expr, outer: u8, depth: usize) {
        let bare = matches!(expr, Expr::Struct(literal) if !literal.braces);
        if !bare {
            self.comments();
        }
        match expr {
            Expr::Ident(name) => self.put(&name.name),
            Expr::Bottom(_) => self.put("_|_"),
            Expr::Null(_) => self.put("null"),
            Expr::Bool(value, _) => self.put(if *value { "true" } else { "false" }),
            Expr::Number(text, _) => self.put_instead(&quote::number(text)),
            Expr::String(value, _) => {
                let indent = self.layout.indent() + 1;
                self.literal(|| quote::string(value, indent));
            }
            Expr::Bytes(value, _) => {
                let indent = self.layout.indent() + 1;
                self.literal(|| quote::bytes(value, indent));
            }
            Expr::Interpolation(interpolation) => self.interpolation(interpolation, depth),
            Expr::Struct(literal) => self.struct_literal(literal),
            Expr::List(literal) => self.list(literal),
            Expr::Paren(inner, _) => {
                self.put("(");
                self.expr_in(inner, 0, shallower(depth));
                self.put(")");
            }
            Expr::Unary(unary) => {
                let parens = self.cursor.is_none() && outer > UNARY;
                self.open_paren(parens);
                self.put(unary_symbol(unary.op));
                self.wish(FIXED);
                if self.cursor.is_none() && clashes(unary) {
                    self.wish(BLANK);
                }
                self.expr_in(&unary.operand, UNARY, depth);
                self.close_paren(parens);
            }
            Expr::Binary(binary) => {
                let parens = self.cursor.is_none() && precedence(binary.op) < outer;
                self.open_paren(parens);
                let depth = if parens { shallower(depth) } else { depth };
                self.binary(binary, binary.operands.len(), depth);
                self.close_paren(parens);
            }
            Expr::Selector(selector) => {
                self.selector(selector, depth);
            }
            Expr::Index { base, index, .. } => {
                self.expr_in(base, PRIMARY, 1);
                self.put("[");
                self.expr_in(index, 0, depth + 1);
                self.put("]");
            }
            Expr::Slice {
                base, low, high, ..
            } => {
                self.expr_in(base, PRIMARY, 1);
                self.put("[");
                if let Some(low) = low {
                    self.expr_in(low, 0, depth + 1);
                }
                let binary =
                    |bound: &Option<Box<Expr>>| matches!(bound.as_deref(), Some(Expr::Binary(_)));
                let spaced =
                    depth <= 1 && low.is_some() && high.is_some() && (binary(low) || binary(high));
                self.wish(if spaced { BLANK } else { 0 });
                self.put_fixed(":");
                self.wish(if spaced { BLANK } else { 0 });
                if let Some(high) = high {
                    self.expr_in(high, 0, depth + 1);
                }
                self.put("]");
            }
            Expr::Call {
                function,
                arguments,
                ..
            } => self.call(function, arguments, depth),
            Expr::Open(inner, _) => {
                self.expr_in(inner, PRIMARY, depth);
                self.put_fixed("...");
            }
            Expr::Try(inner, _) => {
                self.expr_in(inner, PRIMARY, depth);
                self.put_fixed("?");
            }
            Expr::Bad(span) => match self.cursor.as_mut().and_then(|c| c.take_verbatim(span.end)) {
                Some((text, gap)) => self.layout.put(text, Some(gap)),
                None => self.layout.put("_|_", None),
            },
        }
    }

    fn open_paren(&mut self, parens: bool) {
        if parens {
            self.layout.put("(", None);
            self.wish(FIXED);
        }
    }

    fn close_paren(&mut self, parens: bool) {
        if parens {
            self.layout.put(")", None);
        }
    }

    /// A string or bytes literal; one of several lines is indented anew.
    fn literal(&mut self, spell: impl FnOnce() -> String) {
        self.comments();
        let indent = self.layout.indent();
        let Some(cursor) = &mut self.cursor else {
            return self.layout.put(&spell(), None);
        };
        let Some((_, text, gap)) = cursor.take() else {
            return;
        };
        // Very deep text is left alone, for it would become too wide.
        let anew = if indent < 6 && text.contains('\n') {
            // The indentation counts on the line that the literal begins on.
            self.layout.put("", Some(gap));
            quote::reindent(text, self.layout.indent() + 1)
        } else {
            self.layout.put("", Some(gap));
            None
        };
        self.layout.put(anew.as_deref().unwrap_or(text), None);
    }

    fn interpolation(&mut self, interpolation: &Interpolation, depth: usize) {
        let quoted = if interpolation.bytes { '\'' } else { '"' };
        if self.cursor.is_some() {
            for expression in &interpolation.expressions {
                // `"text \(` or `) text \(`.
                self.put("");
                self.expr_in(expression, 0, depth + 1);
            }
            return self.put("");
        }
        let mut text = String::from(quoted);
        for (index, fragment) in interpolation.fragments.iter().enumerate() {
            quote::escape(fragment, quoted, None, 0, &mut text);
            if let Some(expression) = interpolation.expressions.get(index) {
                text.push_str("\\(");
                self.layout.put(&text, None);
                self.expr_in(expression, 0, depth + 1);
                text = String::from(")");
            }
        }
        text.push(quoted);
        self.layout.put(&text, None);
    }

    fn call(&mut self, function: &Expr, arguments: &[Expr], depth: usize) {
        let depth = if arguments.len() > 1 {
            depth + 1
        } else {
            depth
        };
        let indented = match function {
            Expr::Selector(selector) => self.selector(selector, depth),
            other => {
                self.expr_in(other, PRIMARY, depth);
                false
            }
        };
        self.put("(");
        for argument in arguments {
            self.expr_in(argument, 0, depth);
            self.wish(COMMA | BLANK);
            self.line_comment();
        }
        self.comments();
        self.wish(TRAILING | GLUE);
        self.put(")");
        if indented {
            self.layout.dedent();
        }
    }

    /// Whether the name stands on a line of its own, and something is indented for it.
    fn selector(&mut self, selector: &Selector, depth: usize) -> bool {
        self.expr_in(&selector.base, PRIMARY, depth);
        self.put_fixed(".");
        let broken = self
            .cursor
            .as_mut()
            .is_some_and(|c| c.next_gap() >= Gap::Line);
        self.wish(if broken { INDENT | BREAK } else { GLUE });
        match &selector.name {
            SelectorName::Ident(name) => self.put(&name.name),
            SelectorName::String { value, .. } => self.put(&quote::line_string(value)),
        }
        if broken {
            self.wish(DEDENT);
        }
        false
    }

    // Operators

    /// Writes the first `count` operands of a chain.
    fn binary(&mut self, binary: &Binary, count: usize, depth: usize) {
        let own = precedence(binary.op);
        let spaced = own < cutoff(binary, count, depth);
        if count > 2 {
            self.binary(binary, count - 1, depth);
        } else {
            let left = &binary.operands[0];
            let same = matches!(left, Expr::Binary(inner) if precedence(inner.op) == own);
            self.expr_in(left, own, if same { depth } else { depth + 1 });
        }
        self.wish(FIXED | if spaced { BLANK } else { 0 });
        self.put(symbol(binary.op));
        let new_line = self
            .cursor
            .as_mut()
            .is_some_and(|c| c.next_gap() >= Gap::Line);
        self.wish(match (new_line, spaced) {
            (true, _) => BREAK,
            (false, true) => FIXED | BLANK,
            (false, false) => FIXED,
        });
        self.expr_in(&binary.operands[count - 1], own + 1, depth + 1);
    }

    // Structs and lists

    pub(super) fn struct_literal(&mut self, literal: &StructLit) {
        let outer = self.separator;
        let one_line = self
            .cursor
            .as_ref()
            .is_some_and(|c| c.on_one_line(literal.span));
        if literal.decls.len() <= 1 && one_line {
            self.separator = BLANK;
        }
        let line_break = if self.separator == BLANK {
            BLANK
        } else {
            BREAK
        };
        let in_source = self.cursor.is_some() && literal.braces;
        if in_source || self.cursor.is_none() {
            self.put("{");
        } else {
            self.layout.put("{", None);
        }
        let line = self.layout.line();
        let mut wishes = GLUE | INDENT;
        if literal.decls.is_empty() {
            let comment = self.cursor.as_ref().is_some_and(Cursor::has_comment);
            wishes |= if comment { line_break } else { BLANK | FIXED };
        } else {
            wishes |= line_break;
            if !in_source {
                wishes |= LINE | FIXED;
            }
        }
        self.wish(wishes);
        self.layout.brace_on_line = true;
        self.line_comment();
        self.decls(&literal.decls, literal.span.end.saturating_sub(1));
        if in_source {
            self.comments();
        }
        self.wish(DEDENT | GLUE);
        let ends_in_bracket = self.ends_in_bracket(literal);
        if self.layout.line() != line {
            self.wish(LINE | if ends_in_bracket { 0 } else { FIXED });
        }
        if in_source || self.cursor.is_none() {
            self.put("}");
        } else {
            self.layout.put("}", None);
        }
        self.separator = outer;
    }

    /// Whether the last token in the braces is a bracket that may stand beside the brace.
    fn ends_in_bracket(&self, literal: &StructLit) -> bool {
        let Some(cursor) = &self.cursor else {
            return literal.decls.last().is_some_and(|decl| match decl {
                Decl::Field(field) => matches!(field.value, Expr::Struct(_) | Expr::List(_)),
                Decl::Embed(expr) => matches!(expr, Expr::Struct(_) | Expr::List(_)),
                Decl::Comprehension(_) => true,
                _ => false,
            });
        };
        cursor.last_is_bracket()
    }

    fn list(&mut self, literal: &ListLit) {
        let starts: Vec<u32> = literal
            .elements
            .iter()
            .map(element_start)
            .chain(literal.ellipsis.iter().map(|ellipsis| ellipsis.span.start))
            .collect();
        let open = self.omits_commas(&starts, literal.span.end - u32::from(literal.span.end > 0));
        self.put("[");
        self.wish(GLUE | INDENT);
        if starts.is_empty() && !self.cursor.as_ref().is_some_and(Cursor::has_comment) {
            self.wish(BLANK | FIXED);
        }
        self.line_comment();
        for (index, element) in literal.elements.iter().enumerate() {
            if index > 0 && open {
                self.wish(SEPARATE);
            }
            match element {
                Element::Expr(expr) => self.expr(expr),
                Element::Alias(name, expr) => {
                    self.put(&name.name);
                    self.put("=");
                    self.expr(expr);
                }
                Element::Comprehension(comprehension) => self.comprehension(comprehension),
            }
            self.wish(if open { 0 } else { COMMA | BLANK });
            self.line_comment();
        }
        if let Some(ellipsis) = &literal.ellipsis {
            if !literal.elements.is_empty() && open {
                self.wish(SEPARATE);
            }
            self.put("...");
            self.wish(GLUE);
            if let Some(value) = &ellipsis.value {
                let top = matches!(&**value, Expr::Ident(name) if &*name.name == "_");
                if !top || self.cursor.is_some() {
                    self.expr(value);
                }
            }
            self.wish(if open { 0 } else { COMMA | BLANK });
            self.line_comment();
        }
        self.wish(TRAILING);
        self.comments();
        self.wish(GLUE | DEDENT | TRAILING);
        self.put("]");
    }

    /// Whether the source leaves out commas between elements, and so does the formatted text.
    fn omits_commas(&self, starts: &[u32], close: u32) -> bool {
        let Some(cursor) = &self.cursor else {
            return false;
        };
        match starts {
            [] => false,
            [_] => !cursor.comma_before(close),
            [_, rest @ ..] => rest.iter().any(|&start| !cursor.comma_before(start)),
        }
    }
}

fn element_start(element: &Element) -> u32 {
    match element {
        Element::Expr(expr) => expr.span().start,
        Element::Alias(name, _) => name.span.start,
        Element::Comprehension(comprehension) => comprehension.span.start,
    }
}

fn shallower(depth: usize) -> usize {
    depth.saturating_sub(1).max(1)
}

/// Operators of this precedence or a stronger one stand without blanks in the first `count` operands
/// of a chain. As in Go: blanks show the precedence where `+` and `*` are mixed, and deep inside
/// other expressions there are none.
fn cutoff(binary: &Binary, count: usize, depth: usize) -> u8 {
    let mut seen = Seen::default();
    seen.chain(binary, count);
    if seen.clash > 0 {
        return seen.clash + 1;
    }
    match (seen.sum && seen.product, depth) {
        (true, 1) => 7,
        (true, _) => 6,
        (false, 1) => 8,
        (false, _) => 6,
    }
}

/// Which operators occur in a chain of operators without parentheses.
#[derive(Default)]
struct Seen {
    sum: bool,
    product: bool,
    /// The precedence of an operator that must be parted from the prefix operator after it.
    clash: u8,
}

impl Seen {
    fn chain(&mut self, binary: &Binary, count: usize) {
        let own = precedence(binary.op);
        self.sum |= own == 6;
        self.product |= own == 7;
        for (index, operand) in binary.operands[..count].iter().enumerate() {
            match operand {
                Expr::Binary(inner) => {
                    let inner_own = precedence(inner.op);
                    if inner_own > own || index == 0 && inner_own == own {
                        self.chain(inner, inner.operands.len());
                    }
                }
                Expr::Unary(unary) if index > 0 => match (binary.op, unary.op) {
                    (BinaryOp::Divide, UnaryOp::Default) => self.clash = 8,
                    (BinaryOp::Add, UnaryOp::Plus) | (BinaryOp::Subtract, UnaryOp::Minus) => {
                        self.clash = self.clash.max(6);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// Whether a prefix operator and the one after it would be read as one token.
fn clashes(unary: &Unary) -> bool {
    let Expr::Unary(inner) = &*unary.operand else {
        return false;
    };
    let (outer, inner) = (unary_symbol(unary.op), unary_symbol(inner.op));
    matches!((outer, inner), ("<" | ">" | "!" | "=", i) if i.starts_with(['=', '~']))
}

fn unary_symbol(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Minus => "-",
        UnaryOp::Not => "!",
        UnaryOp::Default => "*",
        UnaryOp::Less => "<",
        UnaryOp::LessEqual => "<=",
        UnaryOp::Greater => ">",
        UnaryOp::GreaterEqual => ">=",
        UnaryOp::NotEqual => "!=",
        UnaryOp::Match => "=~",
        UnaryOp::NotMatch => "!~",
        UnaryOp::Equal => "==",
    }
}
