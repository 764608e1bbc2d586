//! Building expressions: operators by precedence, operands, literals.

use super::{Builder, Chain, Node, Part, Waiting};
use crate::diagnostic::Span;
use crate::syntax::errors::code;
use crate::syntax::literal::{Fault, Quotes};
use crate::syntax::tree::*;
use std::sync::Arc;

impl Builder<'_> {
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

    pub(crate) fn comprehension_element(&mut self, made: (Comprehension, u32)) -> u32 {
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
