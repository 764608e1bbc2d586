//! What may stand in place of a list of declarations.

use super::super::program::{Clause, Decl, Expr};
use super::expressions::{is_name, may_mix};
use super::{
    Around, Offers, Rewritten, Role, Visit, atom, bare, declared, is_bottom, names_in, walk,
};
use std::collections::HashSet;

/// What means the same as a list of declarations; `name` makes names that the program does not have.
pub(super) fn offers(decls: &[Decl], around: &Around, name: &str) -> Offers<Vec<Decl>> {
    let mut found = Offers::new();
    for at in 0..decls.len() {
        let mut put = |rewriting, with: Vec<Decl>| {
            let mut copy = decls.to_vec();
            copy.splice(at..=at, with);
            copy.sort_by_key(|decl| *decl == Decl::Ellipsis);
            found.push((rewriting, copy));
        };
        match &decls[at] {
            Decl::Field(label, value) => {
                field(decls, around, (label, value), name, &mut put);
            }
            Decl::Dynamic(label, mark, value) => dynamic(decls, (label, mark, value), &mut put),
            Decl::Embed(value) => {
                let body = vec![Decl::Embed(value.clone())];
                put(
                    "a comprehension is its body",
                    vec![Decl::Comprehension(vec![Clause::If(atom("true"))], body)],
                );
                if let Expr::Struct(inner) = value
                    && !inner.contains(&Decl::Ellipsis)
                    && may_mix(inner, decls)
                    && !(decls.iter().enumerate())
                        .any(|(i, decl)| i != at && may_be_scalar(std::slice::from_ref(decl)))
                {
                    put("a struct is what it embeds", inner.clone());
                }
                for (part, index) in strict(value) {
                    let with = |x| Decl::Embed(replaced(value, index, x));
                    hoist(name, part, with, &mut put);
                }
            }
            Decl::Comprehension(clauses, body) => {
                comprehension(clauses, body, name, &mut put);
            }
            Decl::Pattern(..) if !may_be_scalar(decls) => {
                let one = vec![decls[at].clone()];
                put(
                    "a comprehension is its body",
                    vec![Decl::Comprehension(vec![Clause::If(atom("true"))], one)],
                );
            }
            Decl::Pattern(..) | Decl::Let(..) | Decl::Ellipsis => {}
        }
    }
    merged(decls, around, &mut found);
    if around.names.is_empty() {
        let mut copy = decls.to_vec();
        copy.insert(0, Decl::Field(format!("_z{name}"), atom("1")));
        found.push(("a hidden field beside", copy));
    }
    found
}

type Put<'p> = dyn FnMut(&'static str, Vec<Decl>) + 'p;

fn field(
    decls: &[Decl],
    around: &Around,
    (label, value): (&str, &Expr),
    name: &str,
    put: &mut Put<'_>,
) {
    let this = Decl::Field(label.into(), value.clone());
    let top = Decl::Field(label.into(), atom("_"));
    if value.to_string().len() < 200 {
        put("a field twice", vec![this.clone(), this.clone()]);
    }
    put("a field is also top", vec![top.clone(), this.clone()]);
    put("a field is also top", vec![this.clone(), top.clone()]);
    let regular = label == bare(label);
    if regular {
        let optional = Decl::Field(format!("{label}?"), value.clone());
        put("a field is optional besides", vec![optional, this.clone()]);
        let scope = declared(decls);
        // The field moves to where its name is not seen, so that another one has to declare it.
        let body = vec![this.clone()];
        if !may_be_scalar(decls)
            && !around.closed
            && !label.contains('#')
            && !names_in(&body)
                .iter()
                .any(|name| scope.contains(name) && name == label)
        {
            put(
                "a comprehension is its body",
                vec![
                    top.clone(),
                    Decl::Comprehension(vec![Clause::If(atom("true"))], body.clone()),
                ],
            );
            put(
                "a struct is what it embeds",
                vec![top.clone(), Decl::Embed(Expr::Struct(body))],
            );
        }
        if !label.starts_with(['_', '#', '"']) {
            let quoted = atom(&format!("\"{label}\""));
            put(
                "a label may be dynamic",
                vec![
                    top.clone(),
                    Decl::Dynamic(quoted.clone(), "", value.clone()),
                ],
            );
            put(
                "a pattern with one name",
                vec![top, Decl::Pattern(quoted, value.clone())],
            );
        }
        for (part, index) in strict(value) {
            let with = |x| Decl::Field(label.into(), replaced(value, index, x));
            hoist(name, part, with, put);
        }
    }
    if around.closed || label.contains('#') {
        return;
    }
    if let Expr::Binary("&", x, y) = value {
        put(
            "declarations are conjoined",
            vec![
                Decl::Field(label.into(), (**x).clone()),
                Decl::Field(label.into(), (**y).clone()),
            ],
        );
    }
    // Literals conjoin by their fields, if no name in one leads to the other.
    if let Expr::Struct(inner) = value
        && inner.len() > 1
        && inner
            .iter()
            .all(|decl| matches!(decl, Decl::Field(..) | Decl::Pattern(..)))
    {
        for at in 1..inner.len() {
            let (x, y) = inner.split_at(at);
            if independent(x, y) {
                put(
                    "declarations are conjoined",
                    vec![
                        Decl::Field(label.into(), Expr::Struct(x.to_vec())),
                        Decl::Field(label.into(), Expr::Struct(y.to_vec())),
                    ],
                );
            }
        }
    }
}

/// Whether a literal with these declarations may be a scalar or a list, which a struct beside it would not be.
fn may_be_scalar(decls: &[Decl]) -> bool {
    let scalar = |decl: &Decl| matches!(decl, Decl::Embed(_) | Decl::Comprehension(..));
    decls.iter().any(scalar)
}

/// Whether no name in one of two lists is one that the other declares.
fn independent(x: &[Decl], y: &[Decl]) -> bool {
    let uses = |decls: &[Decl], scope: HashSet<String>| {
        names_in(decls).iter().any(|name| scope.contains(name))
    };
    !uses(x, declared(y)) && !uses(y, declared(x))
}

/// Two declarations of a field as one.
fn merged(decls: &[Decl], around: &Around, found: &mut Offers<Vec<Decl>>) {
    if around.closed {
        return;
    }
    for (at, decl) in decls.iter().enumerate() {
        let Decl::Field(label, x) = decl else {
            continue;
        };
        if label.contains('#') {
            continue;
        }
        let other = decls
            .iter()
            .enumerate()
            .skip(at + 1)
            .find_map(|(i, other)| match other {
                Decl::Field(other, y) if other == label => Some((i, y)),
                _ => None,
            });
        let Some((i, y)) = other else { continue };
        let mut values = vec![binary_meet(x, y)];
        if let (Expr::Struct(p), Expr::Struct(q)) = (x, y)
            && [p, q]
                .into_iter()
                .flatten()
                .all(|decl| matches!(decl, Decl::Field(..)))
            && independent(p, q)
        {
            values.push(Expr::Struct([&p[..], q].concat()));
        }
        for value in values {
            let mut copy = decls.to_vec();
            copy[at] = Decl::Field(label.clone(), value);
            copy.remove(i);
            found.push(("declarations are conjoined", copy));
        }
    }
}

fn binary_meet(x: &Expr, y: &Expr) -> Expr {
    super::binary("&", x, y)
}

fn dynamic(decls: &[Decl], (label, mark, value): (&Expr, &str, &Expr), put: &mut Put<'_>) {
    let Expr::Atom(text) = label else {
        return;
    };
    let Some(name) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return;
    };
    put(
        "a label may be dynamic",
        vec![Decl::Field(format!("{text}{mark}"), value.clone())],
    );
    // As a name it is seen.
    if !names_in(decls).contains(name) || declared(decls).contains(name) {
        let inside = names_in(&[Decl::Embed(value.clone())]);
        if !inside.contains(name) || declared(decls).contains(name) {
            put(
                "a label may be dynamic",
                vec![Decl::Field(format!("{name}{mark}"), value.clone())],
            );
        }
    }
}

fn comprehension(clauses: &[Clause], body: &[Decl], name: &str, put: &mut Put<'_>) {
    let always = Clause::If(atom("true"));
    for at in [0, clauses.len()] {
        let mut more = clauses.to_vec();
        more.insert(at, always.clone());
        put(
            "true is neutral",
            vec![Decl::Comprehension(more, body.to_vec())],
        );
    }
    if let Some(at) = clauses.iter().position(|clause| *clause == always) {
        let mut less = clauses.to_vec();
        less.remove(at);
        put(
            "a comprehension is its body",
            match less.is_empty() {
                true => vec![Decl::Embed(Expr::Struct(body.to_vec()))],
                false => vec![Decl::Comprehension(less, body.to_vec())],
            },
        );
    }
    if !body.contains(&Decl::Ellipsis) {
        let embedded = vec![Decl::Embed(Expr::Struct(body.to_vec()))];
        put(
            "a struct is what it embeds",
            vec![Decl::Comprehension(clauses.to_vec(), embedded)],
        );
    }
    match clauses.first() {
        Some(Clause::If(condition)) => {
            let question = matches!(condition, Expr::Binary("==" | "!=", x, y) if is_bottom(x) || is_bottom(y));
            if !question {
                let with = |x: Expr| {
                    let mut changed = clauses.to_vec();
                    changed[0] = Clause::If(x);
                    Decl::Comprehension(changed, body.to_vec())
                };
                hoist(name, condition, with, put);
            }
            let mut once = clauses.to_vec();
            let (k, v) = (format!("kz{name}"), format!("vz{name}"));
            let element = Expr::Yield(vec![Clause::If(condition.clone())], Box::new(atom("1")));
            once[0] = Clause::For(k, v, Expr::List(vec![element]));
            put(
                "a condition ranges over one or none",
                vec![Decl::Comprehension(once, body.to_vec())],
            );
        }
        Some(Clause::For(k, v, Expr::List(items)))
            if !items
                .iter()
                .any(|x| matches!(x, Expr::Open(_) | Expr::Yield(..))) =>
        {
            // The variables of the clause, as far as they are used.
            let mut rest = names_in(body);
            for clause in &clauses[1..] {
                let (Clause::If(x) | Clause::For(_, _, x) | Clause::Let(_, x)) = clause;
                rest.extend(names_in(&[Decl::Embed(x.clone())]));
            }
            let each = |(i, item): (usize, &Expr)| {
                let mut own = vec![always.clone()];
                if rest.contains(k) {
                    own.push(Clause::Let(k.clone(), atom(&i.to_string())));
                }
                if rest.contains(v) {
                    own.push(Clause::Let(v.clone(), item.clone()));
                }
                own.extend_from_slice(&clauses[1..]);
                Decl::Comprehension(own, body.to_vec())
            };
            if !items.is_empty() {
                let unrolled = items.iter().enumerate().map(each).collect();
                put("a list has these elements", unrolled);
            }
        }
        Some(Clause::For(_, _, source)) => {
            let with = |x: Expr| {
                let mut changed = clauses.to_vec();
                if let Clause::For(_, _, of) = &mut changed[0] {
                    *of = x;
                }
                Decl::Comprehension(changed, body.to_vec())
            };
            hoist(name, source, with, put);
        }
        _ => {}
    }
}

/// An expression that is needed wherever the list of declarations is, as a `let` or a hidden field beside.
fn hoist(name: &str, value: &Expr, with: impl Fn(Expr) -> Decl, put: &mut Put<'_>) {
    if matches!(value, Expr::Atom(_)) {
        return;
    }
    let variable = format!("Z{name}");
    put(
        "a let is its value",
        vec![
            Decl::Let(variable.clone(), value.clone()),
            with(atom(&variable)),
        ],
    );
}

/// The parts of a value without which it is none, itself first, with their numbers: operands of what is not `|`.
fn strict(value: &Expr) -> Vec<(&Expr, usize)> {
    let mut found = vec![value];
    let mut at = 0;
    while at < found.len() {
        found.extend(needed(found[at]));
        at += 1;
    }
    found.into_iter().zip(0..).collect()
}

fn needed(value: &Expr) -> Vec<&Expr> {
    match value {
        Expr::Binary("==" | "!=", x, y) if is_bottom(x) || is_bottom(y) => vec![],
        Expr::Binary("|" | "&&" | "||", ..) => vec![],
        Expr::Binary(_, x, y) | Expr::Index(x, y) => vec![x, y],
        Expr::Unary(op, x) if *op != "*" => vec![x],
        Expr::Select(x, _) | Expr::Interpolation(x, _) => vec![x],
        _ => vec![],
    }
}

/// A value with the part of a number ([`strict`]) replaced.
fn replaced(value: &Expr, number: usize, with: Expr) -> Expr {
    let part: *const Expr = strict(value)[number].0;
    fn put(value: &Expr, part: *const Expr, with: &Expr) -> Expr {
        if std::ptr::eq(value, part) {
            return with.clone();
        }
        let boxed = |x: &Expr| Box::new(put(x, part, with));
        match value {
            Expr::Binary(op, x, y) => Expr::Binary(op, boxed(x), boxed(y)),
            Expr::Index(x, y) => Expr::Index(boxed(x), boxed(y)),
            Expr::Unary(op, x) => Expr::Unary(op, boxed(x)),
            Expr::Select(x, label) => Expr::Select(boxed(x), label.clone()),
            Expr::Interpolation(x, text) => Expr::Interpolation(boxed(x), text),
            other => other.clone(),
        }
    }
    put(value, part, &with)
}

/// References to fields of the program by their values, one at a time. A name stands for all declarations of its field, those
/// besides too: it has to be known that there are none.
pub(super) fn inlined(program: &[Decl]) -> Vec<Rewritten> {
    let plain = |decl: &Decl| matches!(decl, Decl::Field(..) | Decl::Let(..) | Decl::Ellipsis);
    if !program.iter().all(plain) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for decl in program {
        let Decl::Field(label, value) = decl else {
            continue;
        };
        let name = bare(label);
        let alone = program
            .iter()
            .filter(|decl| matches!(decl, Decl::Field(other, _) if bare(other) == name))
            .count()
            == 1;
        // An optional field is none; a definition closes what it is given.
        if !alone || label.ends_with(['?', '!']) || name.starts_with('#') || !is_name(name) {
            continue;
        }
        let inside = names_in(&[Decl::Embed(value.clone())]);
        if inside.contains(name) || value.to_string().len() > 200 {
            continue;
        }
        for place in 0.. {
            let mut copy = program.to_vec();
            let mut inline = Inline {
                name,
                value,
                captured: &inside,
                left: place,
                done: None,
            };
            walk(&mut copy, &mut inline);
            match inline.done {
                None => break,
                Some(false) => {}
                Some(true) => found.push(Rewritten {
                    rewriting: "a name is its value",
                    program: copy,
                }),
            }
        }
    }
    found
}

struct Inline<'v> {
    name: &'v str,
    value: &'v Expr,
    captured: &'v HashSet<String>,
    left: usize,
    /// Whether the place was found, and replaced.
    done: Option<bool>,
}

impl Visit for Inline<'_> {
    fn expr(&mut self, expr: &mut Expr, role: Role, around: &Around) {
        if !matches!(expr, Expr::Atom(name) if name == self.name) {
            return;
        }
        if self.left == 0 {
            let seen = around.names.iter().skip(1).any(|scope| {
                scope.contains(self.name) || self.captured.iter().any(|name| scope.contains(name))
            });
            let role = matches!(role, Role::Value | Role::Embedded | Role::Arm);
            self.done = Some(!seen && role);
            if !seen && role {
                *expr = self.value.clone();
            }
        }
        self.left = self.left.wrapping_sub(1);
    }
}
