//! The names that syntax trees use.

use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::tree::*;
use std::collections::BTreeSet;

/// The names that declarations refer to, wherever these lead.
pub(crate) fn used(decls: &[Decl]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    of_decls(decls, &mut names);
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

fn of_decls<'t>(decls: &'t [Decl], out: &mut BTreeSet<&'t str>) {
    for decl in decls {
        match decl {
            Decl::Field(field) => {
                match &field.label {
                    Label::Interpolation(expr) => of_expr(expr, out),
                    Label::Dynamic { expr, .. } | Label::Pattern { expr, .. } => of_expr(expr, out),
                    Label::Ident(_) | Label::String { .. } => {}
                }
                of_expr(&field.value, out);
            }
            Decl::Let(clause) | Decl::Alias(clause) => of_expr(&clause.value, out),
            Decl::Embed(expr) => of_expr(expr, out),
            Decl::Comprehension(comprehension) => of_comprehension(comprehension, out),
            Decl::Ellipsis(ellipsis) => {
                if let Some(value) = &ellipsis.value {
                    of_expr(value, out);
                }
            }
            Decl::Attribute(_) | Decl::Bad(_) => {}
        }
    }
}

fn of_comprehension<'t>(comprehension: &'t Comprehension, out: &mut BTreeSet<&'t str>) {
    for clause in &comprehension.clauses {
        match clause {
            Clause::For { source, .. } => of_expr(source, out),
            Clause::If { condition, .. } => of_expr(condition, out),
            Clause::Let(clause) => of_expr(&clause.value, out),
            Clause::Try { value, .. } => {
                if let Some(value) = value {
                    of_expr(value, out);
                }
            }
        }
    }
    of_decls(&comprehension.body.decls, out);
    if let Some((_, _, body)) = &comprehension.otherwise {
        of_decls(&body.decls, out);
    }
}

fn of_expr<'t>(expr: &'t Expr, out: &mut BTreeSet<&'t str>) {
    match expr {
        Expr::Ident(ident) => {
            out.insert(&ident.name);
        }
        Expr::Interpolation(interpolation) => {
            for expr in &interpolation.expressions {
                of_expr(expr, out);
            }
        }
        Expr::Struct(literal) => of_decls(&literal.decls, out),
        Expr::List(list) => {
            for element in &list.elements {
                match element {
                    Element::Expr(expr) | Element::Alias(_, expr) => of_expr(expr, out),
                    Element::Comprehension(comprehension) => of_comprehension(comprehension, out),
                }
            }
            if let Some(value) = list.ellipsis.as_ref().and_then(|e| e.value.as_ref()) {
                of_expr(value, out);
            }
        }
        Expr::Paren(inner, _) | Expr::Open(inner, _) | Expr::Try(inner, _) => of_expr(inner, out),
        Expr::Unary(unary) => of_expr(&unary.operand, out),
        Expr::Binary(binary) => {
            for operand in &binary.operands {
                of_expr(operand, out);
            }
        }
        Expr::Selector(selector) => of_expr(&selector.base, out),
        Expr::Index { base, index, .. } => {
            of_expr(base, out);
            of_expr(index, out);
        }
        Expr::Slice {
            base, low, high, ..
        } => {
            for expr in [Some(base), low.as_ref(), high.as_ref()]
                .into_iter()
                .flatten()
            {
                of_expr(expr, out);
            }
        }
        Expr::Call {
            function,
            arguments,
            ..
        } => {
            of_expr(function, out);
            for argument in arguments {
                of_expr(argument, out);
            }
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
