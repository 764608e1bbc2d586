//! Expressions other than identifiers.

use super::*;
use crate::diagnostic::{Span, nearest};
use crate::resolve::program::*;
use crate::syntax::tree;
use crate::value::Number;
use crate::value::builtin::{self};

impl Compiler<'_> {
    pub(super) fn struct_literal(&mut self, literal: &tree::StructLit, body: bool) -> ExprId {
        self.depth += 1;
        let scope = Scope {
            depth: self.depth,
            ..Scope::default()
        };
        let shape = self.body(scope, &literal.decls, false, body, literal.span);
        self.depth -= 1;
        self.push(Expr::Struct(shape), literal.span)
    }

    pub(crate) fn expr(&mut self, expr: &tree::Expr) -> ExprId {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &tree::Expr) -> ExprId {
        let span = expr.span();
        let value = match expr {
            tree::Expr::Ident(ident) => return self.ident(ident),
            tree::Expr::Bottom(_) => Value::Bottom(LITERAL_BOTTOM),
            tree::Expr::Null(_) => Value::Null,
            tree::Expr::Bool(value, _) => Value::Bool(*value),
            tree::Expr::Number(text, _) => match Number::parse_literal(text) {
                Ok(number) => self.program.number(number),
                Err(message) => {
                    self.error(INVALID_NUMBER, span, message);
                    return self.bottom(span);
                }
            },
            tree::Expr::String(text, _) => Value::String(self.program.strings.intern(text)),
            tree::Expr::Bytes(bytes, _) => self.program.bytes(bytes),
            tree::Expr::Interpolation(interpolation) => return self.interpolation(interpolation),
            tree::Expr::Struct(literal) => return self.struct_literal(literal, false),
            tree::Expr::List(literal) => return self.list(literal),
            tree::Expr::Paren(inner, _) => return self.expr(inner),
            tree::Expr::Unary(unary) => return self.unary(unary),
            tree::Expr::Binary(binary) => return self.binary(binary),
            tree::Expr::Selector(selector) => return self.selector(selector, false),
            tree::Expr::Index { base, index, .. } => return self.index(base, index, span, false),
            tree::Expr::Slice {
                base, low, high, ..
            } => {
                let base = self.expr(base);
                let low = low.as_ref().map_or(NO_EXPR, |low| self.expr(low));
                let high = high.as_ref().map_or(NO_EXPR, |high| self.expr(high));
                return self.push(Expr::Slice { base, low, high }, span);
            }
            tree::Expr::Call {
                function,
                arguments,
                ..
            } => {
                let function = self.expr(function);
                if let [tree::Expr::List(list)] = &arguments[..]
                    && let Some(alternatives) = self.alternatives(function, list)
                {
                    return self.push(alternatives, span);
                }
                let arguments: Vec<_> = arguments.iter().map(|a| self.expr(a)).collect();
                let (start, len) = self.list_of(arguments);
                return self.push(
                    Expr::Call {
                        function,
                        start,
                        len,
                    },
                    span,
                );
            }
            tree::Expr::Open(inner, _) => {
                if !self.experiments.explicit_open {
                    self.error(
                        EXPERIMENT,
                        span,
                        "postfix `...` needs `@experiment(explicitopen)` at the top of the file",
                    );
                }
                let inner = self.expr(inner);
                return self.push(Expr::Open(inner), span);
            }
            tree::Expr::Try(inner, _) => return self.optional(inner, span),
            tree::Expr::Bad(_) => return self.bottom(span),
        };
        self.push(Expr::Value(value), span)
    }

    fn optional(&mut self, inner: &tree::Expr, span: Span) -> ExprId {
        if !self.experiments.attempt {
            self.error(
                EXPERIMENT,
                span,
                "`x?` needs `@experiment(try)` at the top of the file",
            );
        }
        match inner {
            tree::Expr::Ident(ident) => {
                let id = self.ident(ident);
                if let Expr::Field { optional, .. } = &mut self.program.exprs[id as usize] {
                    *optional = true;
                }
                id
            }
            tree::Expr::Selector(selector) => self.selector(selector, true),
            tree::Expr::Index { base, index, span } => self.index(base, index, *span, true),
            other => {
                self.error(
                    MISPLACED,
                    span,
                    "`?` marks a reference, a selection or an index",
                );
                self.expr(other)
            }
        }
    }

    fn list_of(&mut self, items: Vec<ExprId>) -> (u32, u32) {
        let start = self.program.lists.len() as u32;
        let len = items.len() as u32;
        self.program.lists.extend(items);
        (start, len)
    }

    fn interpolation(&mut self, interpolation: &tree::Interpolation) -> ExprId {
        let mut parts = Vec::with_capacity(interpolation.fragments.len() * 2);
        for (index, fragment) in interpolation.fragments.iter().enumerate() {
            let value = if interpolation.bytes {
                self.program.bytes(fragment)
            } else {
                let text = String::from_utf8_lossy(fragment);
                Value::String(self.program.strings.intern(&text))
            };
            parts.push(self.push(Expr::Value(value), interpolation.span));
            if let Some(expr) = interpolation.expressions.get(index) {
                parts.push(self.expr(expr));
            }
        }
        let (start, len) = self.list_of(parts);
        let bytes = interpolation.bytes;
        self.push(
            Expr::Interpolation { bytes, start, len },
            interpolation.span,
        )
    }

    fn list(&mut self, literal: &tree::ListLit) -> ExprId {
        self.depth += 1;
        self.scopes.push(Scope {
            depth: self.depth,
            ..Scope::default()
        });
        let mut elements = Vec::with_capacity(literal.elements.len());
        for element in &literal.elements {
            elements.push(match element {
                tree::Element::Expr(expr) => Element::Expr(self.expr(expr)),
                tree::Element::Alias(alias, expr) => {
                    let mut scope = Scope {
                        depth: self.depth,
                        ..Scope::default()
                    };
                    self.add_name(&mut scope, alias, Entry::Itself, true);
                    self.scopes.push(scope);
                    let expr = self.expr(expr);
                    let scope = self.scopes.pop().expect("pushed above");
                    self.report_unused(&scope);
                    Element::Expr(expr)
                }
                tree::Element::Comprehension(comprehension) => {
                    Element::Comprehension(self.comprehension(comprehension, true))
                }
            });
        }
        let ellipsis = literal
            .ellipsis
            .as_ref()
            .map(|ellipsis| match &ellipsis.value {
                Some(value) => self.expr(value),
                None => self.push(Expr::Value(Value::Top), ellipsis.span),
            });
        self.scopes.pop();
        self.depth -= 1;
        self.program
            .list_literals
            .push(ListLiteral { elements, ellipsis });
        let index = (self.program.list_literals.len() - 1) as u32;
        self.push(Expr::List(index), literal.span)
    }

    fn unary(&mut self, unary: &tree::Unary) -> ExprId {
        use tree::UnaryOp as Op;
        let operand = self.expr(&unary.operand);
        let literal = match self.program.exprs[operand as usize] {
            Expr::Value(value) => Some(value),
            _ => None,
        };
        let bound = |op| Expr::Bound(op, operand);
        let expr = match unary.op {
            Op::Plus => Expr::Plus(operand),
            Op::Minus => match literal {
                // `-1` is a literal to everybody but the grammar.
                Some(Value::Int(value)) => {
                    Expr::Value(self.program.number(Number::from_i64(value).neg()))
                }
                Some(Value::Number(index)) => {
                    let number = self.program.numbers[index as usize].neg();
                    Expr::Value(self.program.number(number))
                }
                _ => Expr::Minus(operand),
            },
            Op::Not => Expr::Not(operand),
            Op::Default => {
                self.error(
                    MISPLACED,
                    unary.span,
                    "`*` marks a default and stands in a disjunction",
                );
                return operand;
            }
            Op::Less => bound(Comparison::Less),
            Op::LessEqual => bound(Comparison::LessEqual),
            Op::Greater => bound(Comparison::Greater),
            Op::GreaterEqual => bound(Comparison::GreaterEqual),
            Op::NotEqual => bound(Comparison::NotEqual),
            Op::Equal => bound(Comparison::Equal),
            Op::Match => bound(Comparison::Match),
            Op::NotMatch => bound(Comparison::NotMatch),
        };
        let literal_bound = match (expr, literal) {
            (
                Expr::Bound(op, _),
                Some(
                    value @ (Value::Int(_) | Value::Number(_) | Value::String(_) | Value::Bytes(_)),
                ),
            ) => Some(Expr::Value(self.program.bound(op, value))),
            (
                Expr::Bound(op @ (Comparison::NotEqual | Comparison::Equal), _),
                Some(value @ (Value::Null | Value::Bool(_))),
            ) => Some(Expr::Value(self.program.bound(op, value))),
            _ => None,
        };
        self.push(literal_bound.unwrap_or(expr), unary.span)
    }

    fn binary(&mut self, binary: &tree::Binary) -> ExprId {
        use tree::BinaryOp as Op;
        if binary.op == Op::Disjunction {
            return self.disjunction(binary);
        }
        let short = self.experiments.short_circuit;
        let operator = match binary.op {
            Op::Disjunction | Op::Unify => None,
            Op::Or => Some(Operator::Or { short }),
            Op::And => Some(Operator::And { short }),
            Op::Equal => Some(Operator::Compare(Comparison::Equal)),
            Op::NotEqual => Some(Operator::Compare(Comparison::NotEqual)),
            Op::Less => Some(Operator::Compare(Comparison::Less)),
            Op::LessEqual => Some(Operator::Compare(Comparison::LessEqual)),
            Op::Greater => Some(Operator::Compare(Comparison::Greater)),
            Op::GreaterEqual => Some(Operator::Compare(Comparison::GreaterEqual)),
            Op::Match => Some(Operator::Compare(Comparison::Match)),
            Op::NotMatch => Some(Operator::Compare(Comparison::NotMatch)),
            Op::Add => Some(Operator::Add),
            Op::Subtract => Some(Operator::Subtract),
            Op::Multiply => Some(Operator::Multiply),
            Op::Divide => Some(Operator::Divide),
        };
        let known = self.errors.len();
        let (mut left, mut possible) = self.operand(&binary.operands[0], operator);
        let start = binary.operands[0].span();
        for operand in &binary.operands[1..] {
            let (right, right_possible) = self.operand(operand, operator);
            let expr = match operator {
                None => Expr::Unify(left, right),
                Some(operator) => Expr::Binary(operator, left, right),
            };
            left = self.push(expr, start.to(operand.span()));
            if !(possible && right_possible) {
                self.program.refused.insert(left);
            }
            possible = true;
        }
        self.unquoted(binary, known);
        left
    }

    /// An operand, and whether it can be concrete; one that cannot be is an error wherever it stands.
    fn operand(&mut self, operand: &tree::Expr, operator: Option<Operator>) -> (ExprId, bool) {
        let errors = self.errors.len();
        let compiled = self.expr(operand);
        let Some(operator) = operator else {
            return (compiled, true);
        };
        let never = self.program.exprs[compiled as usize].is_never_concrete();
        if never && self.errors.len() == errors {
            let text = operator.text();
            let message =
                format!("invalid operand: `{text}` requires a concrete value, not a type");
            self.error(OPERATION, operand.span(), message);
        }
        (compiled, !never)
    }

    fn disjunction(&mut self, binary: &tree::Binary) -> ExprId {
        let mut arms = Vec::with_capacity(binary.operands.len());
        let mut marked = false;
        for operand in &binary.operands {
            match operand {
                tree::Expr::Unary(unary) if unary.op == tree::UnaryOp::Default => {
                    marked = true;
                    arms.push((self.expr(&unary.operand), true));
                }
                other => arms.push((self.expr(other), false)),
            }
        }
        let called = false;
        let disjunction = self.new_disjunction(Disjunction {
            marked,
            arms,
            called,
        });
        self.push(disjunction, binary.span)
    }

    fn new_disjunction(&mut self, disjunction: Disjunction) -> Expr {
        self.program.disjunctions.push(disjunction);
        Expr::Disjunction((self.program.disjunctions.len() - 1) as u32)
    }

    /// `or([x, y])` is `x | y`, also where `x` refers to the value that this is part of: it is not for the list to be
    /// evaluated first. In a list that names itself or its elements, or of which clauses make elements, the call does that.
    fn alternatives(&mut self, function: ExprId, list: &tree::ListLit) -> Option<Expr> {
        let Expr::Value(Value::Function(function)) = self.program.exprs[function as usize] else {
            return None;
        };
        let is_or = matches!(
            self.program.functions[function as usize],
            Callable::Predeclared(Predeclared::Or)
        );
        if !is_or || list.elements.len() < 2 || list.ellipsis.is_some() || self.experiments.alias_v2
        {
            return None;
        }
        let elements = list.elements.iter().map(|element| match element {
            tree::Element::Expr(expr) => Some(expr),
            _ => None,
        });
        let elements: Vec<_> = elements.collect::<Option<_>>()?;
        let arms = elements
            .into_iter()
            .map(|e| (self.expr(e), false))
            .collect();
        Some(self.new_disjunction(Disjunction {
            marked: false,
            arms,
            called: true,
        }))
    }

    fn selector(&mut self, selector: &tree::Selector, optional: bool) -> ExprId {
        let (label, name, name_span) = match &selector.name {
            tree::SelectorName::Ident(ident) => (
                self.program
                    .identifier_label(&ident.name, &self.package_path),
                ident.name.clone(),
                ident.span,
            ),
            tree::SelectorName::String { value, span } => (
                Label::string(self.program.strings.intern(value)),
                value.clone(),
                *span,
            ),
        };
        if let tree::Expr::Ident(ident) = &*selector.base
            && let Some(Entry::Import(index)) = self.find(&ident.name).map(|(entry, _)| entry)
            && let Imported::Builtin(package) = self.file_imports[index as usize].1
        {
            return self.builtin_member(package, &name, selector.span, name_span);
        }
        let base = self.expr(&selector.base);
        self.push(
            Expr::Select {
                base,
                label,
                optional,
            },
            selector.span,
        )
    }

    fn builtin_member(
        &mut self,
        package: &'static builtin::Package,
        name: &str,
        span: Span,
        name_span: Span,
    ) -> ExprId {
        if let Some(function) = package.functions.iter().find(|f| f.name == name) {
            return self.function(Callable::Package(package, function), span);
        }
        if let Some((_, text)) = package.constants.iter().find(|(n, _)| *n == name) {
            let (expr, errors) = crate::syntax::parse_expr(self.file, text);
            debug_assert!(errors.is_empty(), "{name}: {errors:?}");
            // A constant sees nothing of the program around it.
            let scopes = std::mem::take(&mut self.scopes);
            let depth = std::mem::take(&mut self.depth);
            let fields = std::mem::take(&mut self.package_fields);
            let (exprs, decls) = (self.program.places.len(), self.program.decl_places.len());
            let id = self.expr(&expr);
            (self.scopes, self.depth, self.package_fields) = (scopes, depth, fields);
            // Its text is in no file: all of it stands where its name does.
            let places = self.program.places[exprs..].iter_mut();
            for place in places.chain(&mut self.program.decl_places[decls..]) {
                place.span = span;
            }
            return id;
        }
        let names = package.functions.iter().map(|f| f.name);
        let names = names.chain(package.constants.iter().map(|(n, _)| *n));
        let help = nearest(name, names).map(str::to_string);
        let message = format!("package `{}` has no `{name}`", package.path);
        let diagnostic = self.error(UNRESOLVED, name_span, message);
        if let Some(near) = help {
            diagnostic.help.push(format!("did you mean `{near}`?"));
        }
        self.bottom(span)
    }

    pub(super) fn function(&mut self, callable: Callable, span: Span) -> ExprId {
        self.program.functions.push(callable);
        let index = (self.program.functions.len() - 1) as u32;
        self.push(Expr::Value(Value::Function(index)), span)
    }

    fn index(
        &mut self,
        base: &tree::Expr,
        index: &tree::Expr,
        span: Span,
        optional: bool,
    ) -> ExprId {
        let base = self.expr(base);
        let index = self.expr(index);
        self.push(
            Expr::Index {
                base,
                index,
                optional,
            },
            span,
        )
    }
}
