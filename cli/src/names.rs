//! The names that syntax trees use.

use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::tree::*;
use std::collections::BTreeSet;

/// The names that declarations refer to, wherever these lead.
pub(crate) fn used(decls: &[Decl]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    references(decls, &mut |name, _| {
        names.insert(name);
    });
    names
}

/// The imports of a package that declarations need.
pub(crate) fn imports(decls: &[Decl], package: &PackageFiles) -> Vec<Import> {
    let names = used(decls);
    let mut out: Vec<Import> = Vec::new();
    for import in package.files.iter().flat_map(|(_, file)| &file.imports) {
        let name = imported_name(import);
        let known = out.iter().any(|other| imported_name(other) == name);
        if names.contains(name) && !known {
            out.push(import.clone());
        }
    }
    out
}

/// The name that an import has in its file, as far as its path says.
pub(crate) fn imported_name(import: &Import) -> &str {
    match &import.alias {
        Some(alias) => &alias.name,
        None => {
            let last = import.path.rsplit('/').next().unwrap_or_default();
            let last = last.rsplit(':').next().unwrap_or(last);
            last.split('@').next().unwrap_or(last)
        }
    }
}

/// Calls `found` for each name that stands where a value can, with what is selected from it.
pub(crate) fn references<'t>(decls: &'t [Decl], found: Found<'_, 't>) {
    Walk { found }.decls(decls);
}

/// A name, and what is selected from it.
type Found<'w, 't> = &'w mut dyn FnMut(&'t str, Option<&'t str>);

struct Walk<'w, 't> {
    found: Found<'w, 't>,
}

impl<'t> Walk<'_, 't> {
    fn decls(&mut self, decls: &'t [Decl]) {
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

    fn ellipsis(&mut self, ellipsis: &'t Ellipsis) {
        if let Some(value) = &ellipsis.value {
            self.expr(value);
        }
    }

    fn structure(&mut self, literal: &'t StructLit) {
        self.decls(&literal.decls);
    }

    fn comprehension(&mut self, comprehension: &'t Comprehension) {
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

    fn expr(&mut self, expr: &'t Expr) {
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

    fn each(&mut self, exprs: &'t [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }
}
