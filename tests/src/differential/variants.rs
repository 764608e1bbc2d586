//! Other spellings of a program that mean the same: its parts in other orders, and rewritings that the laws of the lattice
//! allow.

use super::generate::Random;
use super::program::{Clause, Decl, Expr};

/// Programs that say the same with their declarations, operands of `&` and arms in other orders.
pub fn reordered(program: &[Decl]) -> Vec<Vec<Decl>> {
    let all = [Order::Declarations, Order::Operands, Order::Arms];
    let mut found: Vec<Vec<Decl>> = all
        .iter()
        .map(|&order| changed(program, &mut Reverse(&[order])))
        .collect();
    found.push(changed(program, &mut Reverse(&all)));
    found.push(changed(
        program,
        &mut Reverse(&[Order::Declarations, Order::Operands]),
    ));
    for seed in 0..SHUFFLES {
        found.push(changed(program, &mut Shuffle(Random::new(seed))));
    }
    distinct(program, found)
}

/// A program with its declarations, operands of `&` and arms in any order.
pub fn shuffled(program: &[Decl], random: &mut Random) -> Vec<Decl> {
    let seed = random.below(usize::MAX) as u64;
    changed(program, &mut Shuffle(Random::new(seed)))
}

/// Programs that say the same in other words, with what was done to them.
pub fn rewritten(program: &[Decl]) -> Vec<Vec<Decl>> {
    let mut found = vec![
        changed(program, &mut Conjoin(Conjoined::Top)),
        changed(program, &mut Conjoin(Conjoined::Itself)),
        changed(program, &mut RepeatDeclarations),
        changed(program, &mut RepeatArms),
        changed(program, &mut LetsAsFields),
        changed(program, &mut PlainConditions),
    ];
    let mut inlined = program.to_vec();
    if inline_lets(&mut inlined) {
        found.push(inlined);
    }
    // One place at a time, where all of them at once hide each other.
    let fields = count_fields(program);
    for index in 0..fields.min(MOST_FIELDS) {
        for conjoined in [Conjoined::Top, Conjoined::Itself] {
            let mut one = ConjoinOne {
                conjoined,
                left: index,
            };
            found.push(changed(program, &mut one));
        }
    }
    distinct(program, found)
}

/// How many random orders are tried.
const SHUFFLES: u64 = 8;
/// How many fields are rewritten one by one.
const MOST_FIELDS: usize = 12;

fn distinct(program: &[Decl], mut found: Vec<Vec<Decl>>) -> Vec<Vec<Decl>> {
    let mut seen = std::collections::HashSet::new();
    seen.insert(Expr::Struct(program.to_vec()).to_string());
    found.retain(|variant| seen.insert(Expr::Struct(variant.clone()).to_string()));
    found
}

/// A change to every list of declarations and every expression, the innermost first.
trait Change {
    fn decls(&mut self, _: &mut Vec<Decl>) {}
    fn expr(&mut self, _: &mut Expr) {}
}

fn changed(program: &[Decl], change: &mut dyn Change) -> Vec<Decl> {
    let mut program = program.to_vec();
    in_decls(&mut program, change);
    program
}

fn in_decls(decls: &mut Vec<Decl>, change: &mut dyn Change) {
    for decl in decls.iter_mut() {
        match decl {
            Decl::Field(_, value) | Decl::Embed(value) | Decl::Let(_, value) => {
                in_expr(value, change);
            }
            Decl::Pattern(label, value) | Decl::Dynamic(label, _, value) => {
                in_expr(label, change);
                in_expr(value, change);
            }
            Decl::Comprehension(clauses, body) => {
                in_clauses(clauses, change);
                in_decls(body, change);
            }
            Decl::Ellipsis => {}
        }
    }
    change.decls(decls);
}

fn in_clauses(clauses: &mut [Clause], change: &mut dyn Change) {
    for clause in clauses {
        match clause {
            Clause::If(expr) | Clause::For(_, _, expr) | Clause::Let(_, expr) => {
                in_expr(expr, change);
            }
        }
    }
}

fn in_expr(expr: &mut Expr, change: &mut dyn Change) {
    match expr {
        Expr::Struct(decls) => in_decls(decls, change),
        Expr::Yield(clauses, element) => {
            in_clauses(clauses, change);
            in_expr(element, change);
        }
        _ => super::shrink::parts(expr)
            .into_iter()
            .for_each(|part| in_expr(part, change)),
    }
    change.expr(expr);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Declarations,
    Operands,
    Arms,
}

struct Reverse<'o>(&'o [Order]);

impl Change for Reverse<'_> {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        if self.0.contains(&Order::Declarations) {
            decls.reverse();
            ellipsis_last(decls);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Binary(op, x, y) = expr
            && (*op == "&" && self.0.contains(&Order::Operands)
                || *op == "|" && self.0.contains(&Order::Arms))
        {
            std::mem::swap(x, y);
        }
    }
}

struct Shuffle(Random);

impl Change for Shuffle {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        for last in (1..decls.len()).rev() {
            decls.swap(last, self.0.below(last + 1));
        }
        ellipsis_last(decls);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Binary("&" | "|", x, y) = expr
            && self.0.below(2) == 0
        {
            std::mem::swap(x, y);
        }
    }
}

/// `...` has to stand last.
fn ellipsis_last(decls: &mut [Decl]) {
    decls.sort_by_key(|decl| *decl == Decl::Ellipsis);
}

#[derive(Clone, Copy)]
enum Conjoined {
    Top,
    Itself,
}

impl Conjoined {
    fn to(self, value: &mut Expr) {
        let other = match self {
            Conjoined::Top => Expr::Atom("_".into()),
            Conjoined::Itself => value.clone(),
        };
        *value = Expr::Binary("&", Box::new(value.clone()), Box::new(other));
    }
}

/// `a: x` becomes `a: x & _` or `a: x & x`.
struct Conjoin(Conjoined);

impl Change for Conjoin {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        for decl in decls {
            // Repeating what has been repeated inside would double the program at each level.
            if let Decl::Field(_, value) = decl
                && (matches!(self.0, Conjoined::Top) || value.to_string().len() < 200)
            {
                self.0.to(value);
            }
        }
    }
}

struct ConjoinOne {
    conjoined: Conjoined,
    left: usize,
}

impl Change for ConjoinOne {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        for decl in decls {
            if let Decl::Field(_, value) = decl {
                if self.left == 0 {
                    self.conjoined.to(value);
                }
                self.left = self.left.wrapping_sub(1);
            }
        }
    }
}

struct CountFields(usize);

impl Change for CountFields {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        let fields = decls.iter().filter(|d| matches!(d, Decl::Field(..)));
        self.0 += fields.count();
    }
}

fn count_fields(program: &[Decl]) -> usize {
    let mut count = CountFields(0);
    changed(program, &mut count);
    count.0
}

/// `a: x` becomes `a: x, a: x`.
struct RepeatDeclarations;

impl Change for RepeatDeclarations {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        let fields = decls.iter().filter(|d| matches!(d, Decl::Field(..)));
        let again: Vec<Decl> = fields
            .filter(|field| field.to_string().len() < 200)
            .cloned()
            .collect();
        decls.extend(again);
        ellipsis_last(decls);
    }
}

/// `x | y` becomes `x | y | y`.
struct RepeatArms;

impl Change for RepeatArms {
    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Binary("|", _, y) = expr
            && y.to_string().len() < 200
        {
            let y = y.clone();
            *expr = Expr::Binary("|", Box::new(expr.clone()), y);
        }
    }
}

/// `let x = y` becomes a hidden field.
struct LetsAsFields;

impl Change for LetsAsFields {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        for decl in decls {
            if let Decl::Let(name, value) = decl {
                *decl = Decl::Field(format!("_{name}"), value.clone());
            }
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Atom(name) = expr
            && is_let(name)
        {
            *name = format!("_{name}");
        }
    }
}

pub(super) fn is_let(name: &str) -> bool {
    let digits = name.strip_prefix('L');
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

/// `if true {x}` becomes `{x}`.
struct PlainConditions;

impl Change for PlainConditions {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        for decl in decls {
            if let Decl::Comprehension(clauses, body) = decl
                && matches!(&clauses[..], [Clause::If(Expr::Atom(text))] if text == "true")
            {
                *decl = Decl::Embed(Expr::Struct(std::mem::take(body)));
            }
        }
    }
}

/// Puts the value of each `let` where its name stands; `false` if there is nothing to do.
fn inline_lets(program: &mut Vec<Decl>) -> bool {
    let mut lets = Lets(Vec::new());
    in_decls(program, &mut lets);
    if lets.0.is_empty() {
        return false;
    }
    // A value may name another `let`.
    for _ in 0..lets.0.len() {
        in_decls(program, &mut Inline(&lets.0));
        if Expr::Struct(program.clone()).to_string().len() > 5000 {
            return false;
        }
    }
    true
}

/// Takes the `let`s of declarations out. Clauses keep theirs.
struct Lets(Vec<(String, Expr)>);

impl Change for Lets {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        decls.retain(|decl| match decl {
            Decl::Let(name, value) => {
                self.0.push((name.clone(), value.clone()));
                false
            }
            _ => true,
        });
    }
}

struct Inline<'l>(&'l [(String, Expr)]);

impl Change for Inline<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Atom(name) = expr
            && let Some((_, value)) = self.0.iter().find(|(other, _)| other == name)
        {
            *expr = value.clone();
        }
    }
}
