//! Smaller programs: a declaration or an element less, an expression replaced by a part of it or by something plain.

use super::generate::strip_unused;
use super::program::{Clause, Decl, Expr};

/// What a declaration contains.
pub(super) enum Child<'a> {
    Decls(&'a mut Vec<Decl>),
    Clauses(&'a mut [Clause]),
}

/// Calls `f` with each list of declarations or clauses below a declaration, one level at a time.
pub(super) fn each_child(decl: &mut Decl, f: &mut dyn FnMut(Child<'_>)) {
    match decl {
        Decl::Comprehension(clauses, body) => {
            for clause in clauses.iter_mut() {
                in_expr(clause_expr(clause), f);
            }
            f(Child::Decls(body));
        }
        Decl::Pattern(label, value) | Decl::Dynamic(label, _, value) => {
            in_expr(label, f);
            in_expr(value, f);
        }
        Decl::Field(_, value) | Decl::Embed(value) | Decl::Let(_, value) => in_expr(value, f),
        Decl::Ellipsis => {}
    }
}

fn clause_expr(clause: &mut Clause) -> &mut Expr {
    match clause {
        Clause::If(expr) | Clause::For(_, _, expr) | Clause::Let(_, expr) => expr,
    }
}

fn in_expr(expr: &mut Expr, f: &mut dyn FnMut(Child<'_>)) {
    match expr {
        Expr::Struct(decls) => f(Child::Decls(decls)),
        Expr::Yield(clauses, element) => {
            for clause in clauses.iter_mut() {
                in_expr(clause_expr(clause), f);
            }
            f(Child::Clauses(clauses));
            in_expr(element, f);
        }
        other => {
            for part in parts(other) {
                in_expr(part, f);
            }
        }
    }
}

/// The expressions directly inside one that is neither a struct nor a comprehension.
pub(super) fn parts(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Unary(_, x) | Expr::Select(x, _) | Expr::Interpolation(x, _) => vec![x],
        Expr::Open(Some(x)) => vec![x],
        Expr::Binary(_, x, y) | Expr::Index(x, y) => vec![x, y],
        Expr::List(items) | Expr::Call(_, items) => items.iter_mut().collect(),
        Expr::Atom(_) | Expr::Open(None) | Expr::Struct(_) | Expr::Yield(..) => Vec::new(),
    }
}

/// Every program one step smaller, the smallest first.
pub fn candidates(program: &[Decl]) -> Vec<Vec<Decl>> {
    let mut found = decls(program);
    for candidate in &mut found {
        strip_unused(candidate);
    }
    found.retain(|candidate| candidate != program);
    found.sort_by_key(|candidate| size(candidate));
    found.dedup();
    found
}

fn size(program: &[Decl]) -> usize {
    program.iter().map(|decl| decl.to_string().len() + 1).sum()
}

/// A list with each element left out, and with each element replaced by what `smaller` offers.
fn list<T: Clone>(items: &[T], least: usize, smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if items.len() > least {
            let mut shorter = items.to_vec();
            shorter.remove(i);
            found.push(shorter);
        }
        for replacement in smaller(item) {
            let mut changed = items.to_vec();
            changed[i] = replacement;
            found.push(changed);
        }
    }
    found
}

fn decls(items: &[Decl]) -> Vec<Vec<Decl>> {
    let mut found = list(items, 0, decl);
    // What a comprehension or an embedded struct has inside may stand outside as well.
    for (i, item) in items.iter().enumerate() {
        if let Decl::Comprehension(_, body) | Decl::Embed(Expr::Struct(body)) = item {
            let mut flat = items.to_vec();
            flat.splice(i..=i, body.iter().cloned());
            found.push(flat);
        }
    }
    found
}

fn decl(item: &Decl) -> Vec<Decl> {
    match item {
        Decl::Field(label, value) => {
            let mut found: Vec<Decl> = expr(value)
                .into_iter()
                .map(|value| Decl::Field(label.clone(), value))
                .collect();
            if let Some(bare) = label.strip_suffix(['?', '!']) {
                found.push(Decl::Field(bare.into(), value.clone()));
            }
            found
        }
        Decl::Pattern(label, value) => pairs(label, value, Decl::Pattern),
        Decl::Dynamic(label, mark, value) => {
            let mut found = pairs(label, value, |label, value| {
                Decl::Dynamic(label, mark, value)
            });
            if let Expr::Atom(text) = label
                && text.starts_with('"')
            {
                let label = format!("{}{mark}", text.trim_matches('"'));
                found.push(Decl::Field(label, value.clone()));
            }
            found
        }
        Decl::Embed(value) => expr(value).into_iter().map(Decl::Embed).collect(),
        Decl::Let(name, value) => expr(value)
            .into_iter()
            .map(|value| Decl::Let(name.clone(), value))
            .collect(),
        Decl::Comprehension(clauses, body) => {
            let mut found: Vec<Decl> = list(clauses, 1, clause)
                .into_iter()
                .map(|clauses| Decl::Comprehension(clauses, body.clone()))
                .collect();
            found.extend(
                decls(body)
                    .into_iter()
                    .map(|body| Decl::Comprehension(clauses.clone(), body)),
            );
            found
        }
        Decl::Ellipsis => Vec::new(),
    }
}

fn clause(item: &Clause) -> Vec<Clause> {
    match item {
        Clause::If(condition) => expr(condition).into_iter().map(Clause::If).collect(),
        Clause::For(key, value, of) => expr(of)
            .into_iter()
            .map(|of| Clause::For(key.clone(), value.clone(), of))
            .collect(),
        Clause::Let(name, value) => expr(value)
            .into_iter()
            .map(|value| Clause::Let(name.clone(), value))
            .collect(),
    }
}

fn pairs<T>(x: &Expr, y: &Expr, make: impl Fn(Expr, Expr) -> T) -> Vec<T> {
    let mut found: Vec<T> = expr(x).into_iter().map(|x| make(x, y.clone())).collect();
    found.extend(expr(y).into_iter().map(|y| make(x.clone(), y)));
    found
}

fn boxed(x: &Expr, make: impl Fn(Box<Expr>) -> Expr) -> Vec<Expr> {
    expr(x).into_iter().map(|x| make(Box::new(x))).collect()
}

fn expr(item: &Expr) -> Vec<Expr> {
    let plain = ["1", "_", "{}"];
    let mut found = Vec::new();
    match item {
        Expr::Atom(text) if plain.contains(&text.as_str()) => return found,
        Expr::Struct(decls) if decls.is_empty() => return found,
        Expr::Atom(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            return vec![Expr::Atom("1".into())];
        }
        Expr::Open(None) => return found,
        Expr::Open(Some(element)) => {
            found = boxed(element, |x| Expr::Open(Some(x)));
            found.push(Expr::Open(None));
            return found;
        }
        Expr::Yield(clauses, element) => {
            found.extend(
                list(clauses, 1, clause)
                    .into_iter()
                    .map(|clauses| Expr::Yield(clauses, element.clone())),
            );
            found.extend(boxed(element, |x| Expr::Yield(clauses.clone(), x)));
            found.push((**element).clone());
            return found;
        }
        _ => {}
    }
    found.extend(plain.map(|text| match text {
        "{}" => Expr::Struct(Vec::new()),
        text => Expr::Atom(text.into()),
    }));
    match item {
        Expr::Atom(_) | Expr::Open(_) | Expr::Yield(..) => {}
        Expr::Unary(op, x) => {
            found.push((**x).clone());
            found.extend(boxed(x, |x| Expr::Unary(op, x)));
        }
        Expr::Binary(op, x, y) => {
            found.push(unmarked(x));
            found.push(unmarked(y));
            found.extend(pairs(x, y, |x, y| {
                Expr::Binary(op, Box::new(x), Box::new(y))
            }));
        }
        Expr::Struct(items) => found.extend(decls(items).into_iter().map(Expr::Struct)),
        Expr::List(items) => found.extend(list(items, 0, expr).into_iter().map(Expr::List)),
        Expr::Call(name, items) => {
            found.extend(items.iter().cloned());
            found.extend(
                list(items, items.len(), expr)
                    .into_iter()
                    .map(|items| Expr::Call(name, items)),
            );
        }
        Expr::Select(x, label) => {
            found.push((**x).clone());
            found.extend(boxed(x, |x| Expr::Select(x, label.clone())));
        }
        Expr::Index(x, index) => {
            found.push((**x).clone());
            found.extend(pairs(x, index, |x, y| {
                Expr::Index(Box::new(x), Box::new(y))
            }));
        }
        Expr::Interpolation(x, text) => {
            found.push((**x).clone());
            found.extend(boxed(x, |x| Expr::Interpolation(x, text)));
        }
    }
    found
}

/// A mark of a default makes sense in a disjunction only.
fn unmarked(expr: &Expr) -> Expr {
    match expr {
        Expr::Unary("*", x) => (**x).clone(),
        other => other.clone(),
    }
}
