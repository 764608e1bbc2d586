//! The names in a file that may refer to its imports.

use holos_lang::syntax::tree::{
    Clause, Comprehension, Decl, Element, Ellipsis, Expr, File, Label, SelectorName, StructLit,
};

/// Calls `found` for each name that stands where a value can, with what is selected from it.
pub(super) fn references(file: &File, found: &mut dyn FnMut(&str, Option<&str>)) {
    let mut walk = Walk { found };
    walk.decls(&file.decls);
}

struct Walk<'w> {
    found: &'w mut dyn FnMut(&str, Option<&str>),
}

impl Walk<'_> {
    fn decls(&mut self, decls: &[Decl]) {
        for decl in decls {
            match decl {
                Decl::Field(field) => {
                    match &field.label {
                        Label::Ident(_) | Label::String { .. } => {}
                        Label::Interpolation(expr) => self.expr(expr),
                        Label::Dynamic { expr, .. } | Label::Pattern { expr, .. } => {
                            self.expr(expr);
                        }
                    }
                    self.expr(&field.value);
                }
                Decl::Let(clause) | Decl::Alias(clause) => self.expr(&clause.value),
                Decl::Embed(expr) => self.expr(expr),
                Decl::Comprehension(comprehension) => self.comprehension(comprehension),
                Decl::Ellipsis(ellipsis) => self.ellipsis(ellipsis),
                Decl::Attribute(_) | Decl::Bad(_) => {}
            }
        }
    }

    fn ellipsis(&mut self, ellipsis: &Ellipsis) {
        if let Some(value) = &ellipsis.value {
            self.expr(value);
        }
    }

    fn structure(&mut self, literal: &StructLit) {
        self.decls(&literal.decls);
    }

    fn comprehension(&mut self, comprehension: &Comprehension) {
        for clause in &comprehension.clauses {
            match clause {
                Clause::For { source, .. } => self.expr(source),
                Clause::If { condition, .. } => self.expr(condition),
                Clause::Let(clause) => self.expr(&clause.value),
                Clause::Try { value, .. } => value.iter().for_each(|value| self.expr(value)),
            }
        }
        self.structure(&comprehension.body);
        if let Some((_, _, other)) = &comprehension.otherwise {
            self.structure(other);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Ident(name) => (self.found)(&name.name, None),
            Expr::Selector(selector) => match (&*selector.base, &selector.name) {
                (Expr::Ident(base), SelectorName::Ident(name)) => {
                    (self.found)(&base.name, Some(&name.name));
                }
                (base, _) => self.expr(base),
            },
            Expr::Interpolation(text) => self.each(&text.expressions),
            Expr::Struct(literal) => self.structure(literal),
            Expr::List(list) => {
                for element in &list.elements {
                    match element {
                        Element::Expr(expr) | Element::Alias(_, expr) => self.expr(expr),
                        Element::Comprehension(comprehension) => self.comprehension(comprehension),
                    }
                }
                list.ellipsis.iter().for_each(|all| self.ellipsis(all));
            }
            Expr::Unary(unary) => self.expr(&unary.operand),
            Expr::Binary(binary) => self.each(&binary.operands),
            Expr::Paren(inner, _) | Expr::Open(inner, _) | Expr::Try(inner, _) => self.expr(inner),
            Expr::Index { base, index, .. } => {
                self.expr(base);
                self.expr(index);
            }
            Expr::Slice {
                base, low, high, ..
            } => {
                self.expr(base);
                low.iter().chain(high).for_each(|bound| self.expr(bound));
            }
            Expr::Call {
                function,
                arguments,
                ..
            } => {
                self.expr(function);
                self.each(arguments);
            }
            Expr::Bottom(_)
            | Expr::Null(_)
            | Expr::Bool(..)
            | Expr::Number(..)
            | Expr::String(..)
            | Expr::Bytes(..)
            | Expr::Bad(_) => {}
        }
    }

    fn each(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }
}
