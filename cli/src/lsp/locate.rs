//! Which field of the value a place in the text belongs to, and what a name there refers to.

use holos_lang::diagnostic::Span;
use holos_lang::eval::Selector;
use holos_lang::syntax::tree::*;

/// What stands at an offset.
#[derive(Debug, Default)]
pub(super) struct Found<'t> {
    /// The path of the innermost field around the offset, as far as it is fixed by the text.
    pub(super) path: Vec<Selector>,
    /// Whether something on the way (a pattern, a comprehension) makes the path one of many.
    pub(super) many: bool,
    /// The value of that field, where it is written.
    pub(super) value: Option<Span>,
    /// The label at the offset.
    pub(super) label: Option<Span>,
    /// The names that a reference at the offset is made of: `a.b.c` up to the one pointed at.
    pub(super) reference: Vec<(&'t str, Span)>,
    /// The import whose line the offset is on.
    pub(super) import: Option<&'t Import>,
    /// The declarations whose names are in scope, the innermost last.
    pub(super) scopes: Vec<Scope<'t>>,
}

/// Names that something declares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'t> {
    /// The fields, lets and aliases of a struct, and how long the path to it is.
    Struct(&'t [Decl], usize),
    /// One name: a comprehension's variable, an alias.
    Name(&'t Ident),
}

/// Looks an offset up in a file.
pub(super) fn locate(file: &File, offset: u32) -> Found<'_> {
    let mut found = Found {
        import: file.imports.iter().find(|i| holds(i.span, offset)),
        ..Found::default()
    };
    decls(&file.decls, offset, &mut found);
    found
}

fn holds(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

fn decls<'t>(list: &'t [Decl], offset: u32, found: &mut Found<'t>) {
    found.scopes.push(Scope::Struct(list, found.path.len()));
    for decl in list.iter().filter(|decl| holds(decl.span(), offset)) {
        match decl {
            Decl::Field(field) => return self::field(field, offset, found),
            Decl::Let(clause) | Decl::Alias(clause) => {
                if holds(clause.name.span, offset) {
                    found.label = Some(clause.name.span);
                    found.reference = vec![(&clause.name.name, clause.name.span)];
                    return;
                }
                found.many = true;
                return expr(&clause.value, offset, found);
            }
            Decl::Embed(value) => return expr(value, offset, found),
            Decl::Comprehension(value) => return comprehension(value, offset, found),
            Decl::Ellipsis(Ellipsis {
                value: Some(value), ..
            }) => {
                found.many = true;
                return expr(value, offset, found);
            }
            _ => {}
        }
    }
}

fn field<'t>(field: &'t Field, offset: u32, found: &mut Found<'t>) {
    if let Some(alias) = field.alias() {
        found.scopes.push(Scope::Name(alias));
    }
    match &field.label {
        Label::Ident(ident) if ident.name.starts_with(['_', '#']) => {
            found.path.push(Selector::Special(ident.name.to_string()));
        }
        Label::Ident(ident) => found.path.push(Selector::Field(ident.name.to_string())),
        Label::String { value, .. } => found.path.push(Selector::Field(value.to_string())),
        Label::Pattern {
            alias,
            expr: pattern,
            ..
        } => {
            found.many = true;
            if let Some(alias) = alias {
                found.scopes.push(Scope::Name(alias));
            }
            if holds(pattern.span(), offset) {
                return expr(pattern, offset, found);
            }
        }
        Label::Interpolation(label) => {
            found.many = true;
            if holds(label.span(), offset) {
                return expr(label, offset, found);
            }
        }
        Label::Dynamic { expr: label, .. } => {
            found.many = true;
            if holds(label.span(), offset) {
                return expr(label, offset, found);
            }
        }
    }
    if holds(field.label.span(), offset) {
        found.label = Some(field.label.span());
        return;
    }
    for alias in field
        .value_alias()
        .into_iter()
        .chain(match field.postfix_alias() {
            Some(PostfixAlias::Value(ident) | PostfixAlias::Pair(_, ident)) => Some(ident),
            None => None,
        })
    {
        found.scopes.push(Scope::Name(alias));
    }
    found.value = Some(field.value.span());
    expr(&field.value, offset, found);
}

fn comprehension<'t>(value: &'t Comprehension, offset: u32, found: &mut Found<'t>) {
    for clause in &value.clauses {
        match clause {
            Clause::For {
                key, value, source, ..
            } => {
                if holds(source.span(), offset) {
                    return expr(source, offset, found);
                }
                found.scopes.extend(key.iter().map(Scope::Name));
                found.scopes.push(Scope::Name(value));
            }
            Clause::If { condition, .. } => {
                if holds(condition.span(), offset) {
                    return expr(condition, offset, found);
                }
            }
            Clause::Let(clause) => {
                if holds(clause.value.span(), offset) {
                    return expr(&clause.value, offset, found);
                }
                found.scopes.push(Scope::Name(&clause.name));
            }
            Clause::Try { name, value, .. } => {
                if let Some(value) = value.as_ref().filter(|value| holds(value.span(), offset)) {
                    return expr(value, offset, found);
                }
                found.scopes.extend(name.iter().map(Scope::Name));
            }
        }
    }
    // The body adds to the struct around it; with `for` it may do so many times under one label.
    if holds(value.body.span, offset) {
        decls(&value.body.decls, offset, found);
    } else if let Some((_, _, body)) = &value.otherwise {
        decls(&body.decls, offset, found);
    }
}

fn expr<'t>(value: &'t Expr, offset: u32, found: &mut Found<'t>) {
    let mut inner = |value: &'t Expr| {
        if holds(value.span(), offset) {
            expr(value, offset, found);
        }
    };
    match value {
        Expr::Ident(ident) => found.reference = vec![(&ident.name, ident.span)],
        Expr::Selector(selector) => {
            let span = match &selector.name {
                SelectorName::Ident(ident) => ident.span,
                SelectorName::String { span, .. } => *span,
            };
            if !holds(span, offset) || holds(selector.base.span(), offset) {
                return inner(&selector.base);
            }
            found.reference = chain(value).unwrap_or_default();
        }
        Expr::Struct(literal) => decls(&literal.decls, offset, found),
        Expr::List(list) => {
            for (i, element) in list.elements.iter().enumerate() {
                match element {
                    Element::Expr(value) | Element::Alias(_, value)
                        if holds(value.span(), offset) =>
                    {
                        found.path.push(Selector::Index(i));
                        return expr(value, offset, found);
                    }
                    Element::Comprehension(value) if holds(value.span, offset) => {
                        found.many = true;
                        return comprehension(value, offset, found);
                    }
                    _ => {}
                }
            }
        }
        Expr::Paren(value, _) | Expr::Open(value, _) | Expr::Try(value, _) => inner(value),
        Expr::Unary(unary) => inner(&unary.operand),
        Expr::Binary(binary) => {
            if !matches!(binary.op, BinaryOp::Unify | BinaryOp::Disjunction) {
                binary.operands.iter().for_each(inner);
            } else {
                binary
                    .operands
                    .iter()
                    .filter(|x| holds(x.span(), offset))
                    .take(1)
                    .for_each(inner);
            }
        }
        Expr::Interpolation(interpolation) => interpolation.expressions.iter().for_each(inner),
        Expr::Index { base, index, .. } => [base, index].into_iter().for_each(|x| inner(x)),
        Expr::Slice {
            base, low, high, ..
        } => {
            [Some(base), low.as_ref(), high.as_ref()]
                .into_iter()
                .flatten()
                .for_each(|x| inner(x));
        }
        Expr::Call {
            function,
            arguments,
            ..
        } => {
            inner(function);
            arguments.iter().for_each(inner);
        }
        _ => {}
    }
}

/// The names of `a.b.c`.
fn chain(value: &Expr) -> Option<Vec<(&str, Span)>> {
    match value {
        Expr::Ident(ident) => Some(vec![(&ident.name, ident.span)]),
        Expr::Selector(selector) => {
            let mut names = chain(&selector.base)?;
            names.push(match &selector.name {
                SelectorName::Ident(ident) => (&ident.name, ident.span),
                SelectorName::String { value, span } => (value, *span),
            });
            Some(names)
        }
        Expr::Paren(inner, _) => chain(inner),
        _ => None,
    }
}

/// A name as a step of a path.
pub(super) fn step(name: &str) -> Selector {
    if name.starts_with('#') || name.starts_with('_') {
        Selector::Special(name.into())
    } else {
        Selector::Field(name.into())
    }
}

/// What a declaration of a name is.
pub(super) struct Declared<'t> {
    pub(super) span: Span,
    /// The value, to look further names up in.
    pub(super) value: Option<&'t Expr>,
    /// The path of the value, where it is a field.
    pub(super) path: Option<Vec<Selector>>,
}

/// The declarations of a name in the scopes of a place, those of the innermost scope that has any.
pub(super) fn declarations<'t>(found: &Found<'t>, name: &str) -> Vec<Declared<'t>> {
    for scope in found.scopes.iter().rev() {
        let declared: Vec<Declared<'t>> = match *scope {
            Scope::Name(ident) if &*ident.name == name => {
                vec![Declared {
                    span: ident.span,
                    value: None,
                    path: None,
                }]
            }
            Scope::Name(_) => Vec::new(),
            Scope::Struct(decls, depth) => {
                let path: Vec<Selector> = found.path.iter().take(depth).cloned().collect();
                named(decls, name)
                    .into_iter()
                    .map(|(span, value, is_field)| Declared {
                        span,
                        value,
                        path: (is_field && !found.many)
                            .then(|| path.iter().cloned().chain([step(name)]).collect()),
                    })
                    .collect()
            }
        };
        if !declared.is_empty() {
            return declared;
        }
    }
    Vec::new()
}

/// The fields, lets and aliases of that name: where, what value, and whether it is a field.
pub(super) fn named<'t>(decls: &'t [Decl], name: &str) -> Vec<(Span, Option<&'t Expr>, bool)> {
    let mut out = Vec::new();
    for decl in decls {
        match decl {
            Decl::Field(field) => {
                let spelt = match &field.label {
                    Label::Ident(ident) => &*ident.name,
                    Label::String { value, .. } => value,
                    _ => "",
                };
                if spelt == name {
                    out.push((field.label.span(), Some(&field.value), true));
                } else if let Some(alias) = field.alias().filter(|alias| &*alias.name == name) {
                    out.push((alias.span, Some(&field.value), false));
                }
            }
            Decl::Let(clause) | Decl::Alias(clause) if &*clause.name.name == name => {
                out.push((clause.name.span, Some(&clause.value), false));
            }
            _ => {}
        }
    }
    out
}

/// The struct literals an expression is made of.
pub(super) fn structs(value: &Expr) -> Vec<&StructLit> {
    match value {
        Expr::Struct(literal) => vec![literal],
        Expr::Paren(inner, _) => structs(inner),
        Expr::Binary(binary) if matches!(binary.op, BinaryOp::Unify | BinaryOp::Disjunction) => {
            binary.operands.iter().flat_map(structs).collect()
        }
        Expr::Unary(unary) if unary.op == UnaryOp::Default => structs(&unary.operand),
        _ => Vec::new(),
    }
}
