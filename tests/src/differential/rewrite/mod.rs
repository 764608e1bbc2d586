//! Rewritings of one place of a program that the specification makes equal, each with its name; and several of them after
//! each other, at places that a seed picks.
//!
//! A rewriting stands here only if it holds wherever it is offered: by a law of the lattice, by what the specification says of
//! the construct, or because a name stands for its value. `suites/differential/rewritings.txt` has an example of each, and
//! `tests/differential.rs` evaluates the rewritings of many programs.

mod declarations;
mod expressions;

use super::generate::Random;
use super::program::{Clause, Decl, Expr};
use super::variants;
use std::collections::HashSet;

/// A program in another spelling, and what was done to it.
pub struct Rewritten {
    pub rewriting: &'static str,
    pub program: Vec<Decl>,
}

/// Every rewriting at every place, one at a time.
pub fn once(program: &[Decl]) -> Vec<Rewritten> {
    let name = fresh(&Expr::Struct(program.to_vec()).to_string());
    let mut collect = Collect {
        name: &name,
        exprs: Vec::new(),
        decls: Vec::new(),
    };
    walk(&mut program.to_vec(), &mut collect);
    let mut found = Vec::new();
    let mut add = |rewriting, change: &mut dyn Visit| {
        let mut program = program.to_vec();
        walk(&mut program, change);
        found.push(Rewritten { rewriting, program });
    };
    for (left, offers) in collect.exprs.into_iter().enumerate() {
        for (rewriting, expr) in offers {
            let with = Some(expr);
            add(rewriting, &mut ReplaceExpr { left, with });
        }
    }
    for (left, offers) in collect.decls.into_iter().enumerate() {
        for (rewriting, decls) in offers {
            let with = Some(decls);
            add(rewriting, &mut ReplaceDecls { left, with });
        }
    }
    found.extend(declarations::inlined(program));
    let mut seen = HashSet::from([program.to_vec()]);
    found.retain(|rewritten| seen.insert(rewritten.program.clone()));
    found
}

/// How long a program may become.
const LONGEST: usize = 2000;

/// Programs to which from one to `most` rewritings were done, and the order of their parts changed.
pub fn often(
    program: &[Decl],
    random: &mut Random,
    count: usize,
    most: usize,
) -> Vec<(Vec<&'static str>, Vec<Decl>)> {
    let first = once(program);
    let mut seen = HashSet::from([program.to_vec()]);
    let mut found = Vec::new();
    for _ in 0..count {
        let mut names = Vec::new();
        let mut current = program.to_vec();
        if !first.is_empty() {
            let one = &first[random.below(first.len())];
            names.push(one.rewriting);
            current = one.program.clone();
        }
        for _ in 0..random.below(most) {
            let mut next = once(&current);
            if next.is_empty() {
                break;
            }
            let next = next.swap_remove(random.below(next.len()));
            if Expr::Struct(next.program.clone()).to_string().len() > LONGEST {
                break;
            }
            names.push(next.rewriting);
            current = next.program;
        }
        if random.below(2) == 0 {
            names.push("the order means nothing");
            current = variants::shuffled(&current, random);
        }
        if seen.insert(current.clone()) {
            found.push((names, current));
        }
    }
    found
}

/// What is appended to make a name that is nowhere in a text.
fn fresh(text: &str) -> String {
    let taken = |n: &usize| ["z", "Z"].iter().any(|z| text.contains(&format!("{z}{n}")));
    (1..)
        .find(|n| !taken(n))
        .map_or_else(String::new, |n| n.to_string())
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// The value of a field, a pattern, a `let` or an element, or an operand of `&` that makes one.
    Value,
    /// A declaration by itself.
    Embedded,
    /// In parentheses or brackets before a colon.
    Label,
    /// Behind `if`.
    Condition,
    /// Of `|`, with its mark.
    Arm,
    /// Next to `_|_` in a comparison, or that itself: a question whether there is a value.
    Question,
    /// Any other operand, argument or operand of a selection.
    Operand,
}

/// What is around a place.
#[derive(Clone, Default)]
struct Around {
    /// The names that each list of declarations and each clause around declares, the outermost first.
    names: Vec<HashSet<String>>,
    /// Whether one of them is closed: in a definition or a call of `close`.
    closed: bool,
}

/// Sees every expression and every list of declarations, the innermost first.
trait Visit {
    fn expr(&mut self, _: &mut Expr, _: Role, _: &Around) {}
    fn decls(&mut self, _: &mut Vec<Decl>, _: &Around) {}
}

fn walk(program: &mut Vec<Decl>, visit: &mut dyn Visit) {
    in_decls(program, &Around::default(), visit);
}

fn in_decls(decls: &mut Vec<Decl>, around: &Around, visit: &mut dyn Visit) {
    let mut inside = around.clone();
    inside.names.push(declared(decls));
    for decl in decls.iter_mut() {
        match decl {
            Decl::Field(label, value) => {
                let mut inside = inside.clone();
                inside.closed |= label.contains('#');
                in_expr(value, Role::Value, &inside, visit);
            }
            Decl::Let(_, value) => in_expr(value, Role::Value, &inside, visit),
            Decl::Embed(value) => in_expr(value, Role::Embedded, &inside, visit),
            Decl::Pattern(label, value) | Decl::Dynamic(label, _, value) => {
                in_expr(label, Role::Label, &inside, visit);
                in_expr(value, Role::Value, &inside, visit);
            }
            Decl::Comprehension(clauses, body) => {
                let inside = in_clauses(clauses, &inside, visit);
                in_decls(body, &inside, visit);
            }
            Decl::Ellipsis => {}
        }
    }
    visit.decls(decls, around);
}

/// What is around what stands behind the clauses.
fn in_clauses(clauses: &mut [Clause], around: &Around, visit: &mut dyn Visit) -> Around {
    let mut inside = around.clone();
    for clause in clauses {
        match clause {
            Clause::If(expr) => in_expr(expr, Role::Condition, &inside, visit),
            Clause::For(k, v, expr) => {
                in_expr(expr, Role::Operand, &inside, visit);
                inside.names.push(HashSet::from([k.clone(), v.clone()]));
            }
            Clause::Let(name, expr) => {
                in_expr(expr, Role::Operand, &inside, visit);
                inside.names.push(HashSet::from([name.clone()]));
            }
        }
    }
    inside
}

fn in_expr(expr: &mut Expr, role: Role, around: &Around, visit: &mut dyn Visit) {
    match expr {
        Expr::Struct(decls) => in_decls(decls, around, visit),
        Expr::Yield(clauses, element) => {
            let inside = in_clauses(clauses, around, visit);
            in_expr(element, Role::Value, &inside, visit);
            return;
        }
        // Neither is an expression by itself.
        Expr::Open(Some(element)) => {
            in_expr(element, Role::Value, around, visit);
            return;
        }
        Expr::Open(None) => return,
        Expr::Unary("*", x) => {
            in_expr(x, Role::Operand, around, visit);
            return;
        }
        Expr::Unary(_, x) | Expr::Select(x, _) | Expr::Interpolation(x, _) => {
            in_expr(x, Role::Operand, around, visit);
        }
        Expr::Binary("|", x, y) => {
            in_expr(x, Role::Arm, around, visit);
            in_expr(y, Role::Arm, around, visit);
        }
        Expr::Binary("==" | "!=", x, y) if is_bottom(x) || is_bottom(y) => {
            in_expr(x, Role::Question, around, visit);
            in_expr(y, Role::Question, around, visit);
        }
        Expr::Binary("&", x, y) => {
            let role = match role {
                Role::Value | Role::Embedded | Role::Arm => Role::Value,
                _ => Role::Operand,
            };
            in_expr(x, role, around, visit);
            in_expr(y, role, around, visit);
        }
        Expr::Binary(_, x, y) | Expr::Index(x, y) => {
            in_expr(x, Role::Operand, around, visit);
            in_expr(y, Role::Operand, around, visit);
        }
        Expr::List(items) => items
            .iter_mut()
            .for_each(|x| in_expr(x, Role::Value, around, visit)),
        Expr::Call(name, items) => {
            let mut inside = around.clone();
            inside.closed |= *name == "close";
            for item in items {
                in_expr(item, Role::Operand, &inside, visit);
            }
        }
        Expr::Atom(_) => {}
    }
    visit.expr(expr, role, around);
}

fn is_bottom(expr: &Expr) -> bool {
    matches!(expr, Expr::Atom(text) if text == "_|_")
}

type Offers<T> = Vec<(&'static str, T)>;

/// Collects what may stand at each place.
struct Collect<'n> {
    name: &'n str,
    exprs: Vec<Offers<Expr>>,
    decls: Vec<Offers<Vec<Decl>>>,
}

impl Visit for Collect<'_> {
    fn expr(&mut self, expr: &mut Expr, role: Role, _: &Around) {
        self.exprs.push(expressions::offers(expr, role, self.name));
    }

    fn decls(&mut self, decls: &mut Vec<Decl>, around: &Around) {
        self.decls
            .push(declarations::offers(decls, around, self.name));
    }
}

struct ReplaceExpr {
    left: usize,
    with: Option<Expr>,
}

impl Visit for ReplaceExpr {
    fn expr(&mut self, expr: &mut Expr, _: Role, _: &Around) {
        if self.left == 0
            && let Some(with) = self.with.take()
        {
            *expr = with;
        }
        self.left = self.left.wrapping_sub(1);
    }
}

struct ReplaceDecls {
    left: usize,
    with: Option<Vec<Decl>>,
}

impl Visit for ReplaceDecls {
    fn decls(&mut self, decls: &mut Vec<Decl>, _: &Around) {
        if self.left == 0
            && let Some(with) = self.with.take()
        {
            *decls = with;
        }
        self.left = self.left.wrapping_sub(1);
    }
}

/// The names that a list of declarations makes visible in itself.
fn declared(decls: &[Decl]) -> HashSet<String> {
    decls
        .iter()
        .filter_map(|decl| match decl {
            Decl::Field(label, _) => Some(bare(label).to_owned()),
            Decl::Let(name, _) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// A label without its mark.
fn bare(label: &str) -> &str {
    label.trim_end_matches(['?', '!'])
}

/// Every name that stands anywhere in something: also those that lead inside of it.
fn names_in(decls: &[Decl]) -> HashSet<String> {
    struct Names(HashSet<String>);
    impl Visit for Names {
        fn expr(&mut self, expr: &mut Expr, _: Role, _: &Around) {
            if let Expr::Atom(name) = expr {
                self.0.insert(name.clone());
            }
        }
    }
    let mut names = Names(HashSet::new());
    walk(&mut decls.to_vec(), &mut names);
    names.0
}

fn atom(text: &str) -> Expr {
    Expr::Atom(text.into())
}

fn binary(op: &'static str, x: &Expr, y: &Expr) -> Expr {
    Expr::Binary(op, Box::new(x.clone()), Box::new(y.clone()))
}
