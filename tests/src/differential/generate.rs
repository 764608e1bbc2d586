//! Programs from a grammar that leans to what is subtle: definitions, embeddings, disjunctions with defaults,
//! closedness, patterns, comprehensions, references that form cycles.

use super::program::{Clause, Decl, Expr};

/// Numbers that depend on the seed only (SplitMix64).
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const REGULAR: [&str; 4] = ["a", "b", "c", "d"];
const LABELS: [&str; 12] = [
    "a", "b", "c", "d", "a", "b", "c", "#A", "#B", "#C", "_h", "#A",
];
const MARKS: [&str; 8] = ["", "", "", "", "", "", "?", "!"];
const SCALARS: [&str; 12] = [
    "1", "2", "3", "1", "\"s\"", "\"a\"", "true", "null", "1.5", "false", "0", "'b'",
];
const TYPES: [&str; 12] = [
    "int",
    "string",
    "number",
    "_",
    "int",
    "bool",
    ">0",
    "<3",
    "(>=1 & <=3)",
    "!=1",
    "=~\"^s\"",
    "!=null",
];

/// The declarations of one program.
pub fn program(random: &mut Random) -> Vec<Decl> {
    let mut generator = Generator {
        random,
        scopes: Vec::new(),
        lets: 0,
    };
    let mut decls = generator.decls(3, 5);
    Names::new(random).decls(&mut decls);
    strip_unused(&mut decls);
    decls
}

/// A value that refers to nothing outside of it.
pub fn value(random: &mut Random) -> Expr {
    let depth = 2 + random.below(2);
    let mut generator = Generator {
        random,
        scopes: Vec::new(),
        lets: 0,
    };
    let mut value = vec![Decl::Embed(generator.expr(depth))];
    Names::new(random).decls(&mut value);
    strip_unused(&mut value);
    match value.pop() {
        Some(Decl::Embed(value)) => value,
        _ => Expr::Atom("_".into()),
    }
}

struct Generator<'r> {
    random: &'r mut Random,
    /// The names each enclosing literal or clause declares.
    scopes: Vec<Vec<String>>,
    lets: usize,
}

impl Generator<'_> {
    fn decls(&mut self, depth: usize, most: usize) -> Vec<Decl> {
        let count = 1 + self.random.below(most);
        let labels: Vec<&str> = (0..count).map(|_| *self.random.pick(&LABELS)).collect();
        self.scopes
            .push(labels.iter().map(|label| (*label).to_owned()).collect());
        let mut decls = Vec::new();
        for label in labels {
            let decl = self.decl(label, depth);
            decls.push(decl);
        }
        if self.random.one_in(12) {
            decls.push(Decl::Ellipsis);
        }
        self.scopes.pop();
        decls
    }

    fn decl(&mut self, label: &str, depth: usize) -> Decl {
        match self.random.below(24) {
            0 | 1 => Decl::Embed(self.embedded(depth)),
            2 => {
                let pattern = match self.random.below(4) {
                    0 => Expr::Atom("=~\"^[ab]\"".into()),
                    1 => Expr::Atom("\"a\"".into()),
                    2 => self.name(),
                    _ => Expr::Atom("string".into()),
                };
                Decl::Pattern(pattern, self.expr(depth - 1))
            }
            3 => {
                let label = match self.random.below(3) {
                    0 => self.reference(),
                    1 => Expr::Interpolation(Box::new(self.expr(0)), "x"),
                    _ => Expr::Atom(format!("\"{}\"", self.random.pick(&REGULAR))),
                };
                let mark = *self.random.pick(&MARKS);
                Decl::Dynamic(label, mark, self.expr(depth - 1))
            }
            4 | 5 => {
                let mut clauses = vec![self.clause(depth)];
                self.scopes.push(clause_names(&clauses[0]));
                let mut pushed = 1;
                if self.random.one_in(4) {
                    let clause = self.clause(depth);
                    self.scopes.push(clause_names(&clause));
                    pushed += 1;
                    clauses.push(clause);
                }
                let body = self.decls(depth.saturating_sub(1).max(1), 2);
                self.scopes.truncate(self.scopes.len() - pushed);
                Decl::Comprehension(clauses, body)
            }
            6 => {
                self.lets += 1;
                let name = format!("L{}", self.lets);
                let value = self.expr(depth - 1);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.push(name.clone());
                    scope.push(name.clone());
                }
                Decl::Let(name, value)
            }
            _ => {
                let mark = *self.random.pick(&MARKS);
                Decl::Field(format!("{label}{mark}"), self.expr(depth - 1))
            }
        }
    }

    fn clause(&mut self, depth: usize) -> Clause {
        match self.random.below(8) {
            0 | 1 => {
                self.lets += 1;
                let n = self.lets;
                let of = match self.random.below(3) {
                    0 => Expr::List(vec![self.expr(0), self.expr(0)]),
                    1 => self.reference(),
                    _ => self.expr(depth.min(1)),
                };
                Clause::For(format!("k{n}"), format!("v{n}"), of)
            }
            2 => {
                self.lets += 1;
                Clause::Let(format!("L{}", self.lets), self.expr(0))
            }
            _ => Clause::If(self.condition()),
        }
    }

    fn condition(&mut self) -> Expr {
        match self.random.below(6) {
            0 => Expr::Atom("true".into()),
            1 => self.reference(),
            2 | 3 => {
                let op = *self.random.pick(&["!=", "=="]);
                let bottom = Box::new(Expr::Atom("_|_".into()));
                Expr::Binary(op, Box::new(self.reference()), bottom)
            }
            _ => {
                let op = *self.random.pick(&["==", "!=", ">", "<", "&&"]);
                Expr::Binary(op, Box::new(self.reference()), Box::new(self.expr(0)))
            }
        }
    }

    fn name(&mut self) -> Expr {
        let depth = self.scopes.len();
        if depth == 0 {
            return Expr::Atom("_".into());
        }
        let scope = match self.random.below(3) {
            0 => 0,
            1 => depth - 1,
            _ => self.random.below(depth),
        };
        match self.scopes[scope].is_empty() {
            true => Expr::Atom("1".into()),
            false => Expr::Atom(self.random.pick(&self.scopes[scope]).clone()),
        }
    }

    fn reference(&mut self) -> Expr {
        let mut expr = self.name();
        while self.random.one_in(3) {
            expr = match self.random.below(6) {
                0 => Expr::Index(Box::new(expr), Box::new(Expr::Atom("0".into()))),
                1 => Expr::Index(Box::new(expr), Box::new(Expr::Atom("\"a\"".into()))),
                2 => Expr::Select(Box::new(expr), "#A".into()),
                _ => Expr::Select(Box::new(expr), (*self.random.pick(&REGULAR)).into()),
            };
        }
        expr
    }

    fn embedded(&mut self, depth: usize) -> Expr {
        match self.random.below(6) {
            0..=2 => self.reference(),
            3 => Expr::Call("close", vec![self.structure(depth.saturating_sub(1))]),
            _ => self.expr(depth.saturating_sub(1)),
        }
    }

    fn structure(&mut self, depth: usize) -> Expr {
        match depth {
            0 => Expr::Struct(vec![Decl::Field(
                (*self.random.pick(&REGULAR)).into(),
                Expr::Atom((*self.random.pick(&SCALARS)).into()),
            )]),
            _ => Expr::Struct(self.decls(depth, 3)),
        }
    }

    fn binary(&mut self, op: &'static str, depth: usize) -> Expr {
        let (x, y) = (self.expr(depth), self.expr(depth));
        Expr::Binary(op, Box::new(x), Box::new(y))
    }

    fn disjunction(&mut self, depth: usize) -> Expr {
        let mut arms: Vec<Expr> = (0..2 + self.random.below(2))
            .map(|_| self.expr(depth))
            .collect();
        if self.random.below(5) < 3 {
            let at = self.random.below(arms.len());
            arms[at] = Expr::Unary("*", Box::new(arms[at].clone()));
        }
        let first = arms.remove(0);
        arms.into_iter()
            .fold(first, |x, y| Expr::Binary("|", Box::new(x), Box::new(y)))
    }

    fn expr(&mut self, depth: usize) -> Expr {
        if depth == 0 {
            return match self.random.below(8) {
                0..=2 => Expr::Atom((*self.random.pick(&SCALARS)).into()),
                3 | 4 => Expr::Atom((*self.random.pick(&TYPES)).into()),
                _ => self.reference(),
            };
        }
        let below = depth - 1;
        match self.random.below(30) {
            0..=2 => self.expr(0),
            3..=5 => self.reference(),
            6..=11 => self.structure(depth),
            12..=15 => self.binary("&", below),
            16..=19 => self.disjunction(below),
            20 => {
                let op = *self.random.pick(&["+", "-", "*", "+"]);
                self.binary(op, 0)
            }
            21 => {
                let op = *self.random.pick(&["==", "!=", "<", ">="]);
                self.binary(op, below.min(1))
            }
            22 | 23 => self.list(below),
            24 => Expr::Call("close", vec![self.structure(below)]),
            25 => Expr::Interpolation(Box::new(self.expr(0)), "s"),
            26 => match self.random.below(3) {
                0 => Expr::Call("len", vec![self.expr(below)]),
                1 => Expr::Call("and", vec![self.list(below)]),
                _ => Expr::Call("or", vec![self.list(below)]),
            },
            27 => {
                let structure = self.structure(below);
                Expr::Select(Box::new(structure), (*self.random.pick(&REGULAR)).into())
            }
            28 => {
                let op = *self.random.pick(&[">", "<", "!=", ">=", "-", "!"]);
                Expr::Unary(op, Box::new(self.expr(0)))
            }
            _ => self.binary("&", below),
        }
    }

    fn list(&mut self, depth: usize) -> Expr {
        let mut items: Vec<Expr> = (0..self.random.below(3))
            .map(|_| self.expr(depth))
            .collect();
        if self.random.one_in(5) {
            let clause = self.clause(depth);
            self.scopes.push(clause_names(&clause));
            let element = self.expr(depth.min(1));
            self.scopes.pop();
            items.push(Expr::Yield(vec![clause], Box::new(element)));
        }
        if self.random.one_in(4) {
            let element = self
                .random
                .one_in(2)
                .then(|| Box::new(self.expr(depth.min(1))));
            items.push(Expr::Open(element));
        }
        Expr::List(items)
    }
}

fn clause_names(clause: &Clause) -> Vec<String> {
    match clause {
        Clause::If(_) => Vec::new(),
        Clause::For(key, value, _) => vec![key.clone(), value.clone(), value.clone()],
        Clause::Let(name, _) => vec![name.clone()],
    }
}

/// Replaces names that lead nowhere by some that are in scope.
struct Names<'r> {
    random: &'r mut Random,
    /// The names each enclosing literal or clause declares.
    scopes: Vec<Vec<String>>,
}

impl Names<'_> {
    fn new(random: &mut Random) -> Names<'_> {
        Names {
            random,
            scopes: Vec::new(),
        }
    }

    fn decls(&mut self, decls: &mut [Decl]) {
        let declared = decls.iter().filter_map(|decl| match decl {
            Decl::Field(label, _) => Some(label.trim_end_matches(['?', '!']).to_owned()),
            Decl::Let(name, _) => Some(name.clone()),
            _ => None,
        });
        self.scopes.push(declared.collect());
        for decl in decls {
            match decl {
                Decl::Field(_, value) | Decl::Embed(value) | Decl::Let(_, value) => {
                    self.expr(value);
                }
                Decl::Pattern(label, value) | Decl::Dynamic(label, _, value) => {
                    self.expr(label);
                    self.expr(value);
                }
                Decl::Comprehension(clauses, body) => {
                    let depth = self.scopes.len();
                    self.clauses(clauses);
                    self.decls(body);
                    self.scopes.truncate(depth);
                }
                Decl::Ellipsis => {}
            }
        }
        self.scopes.pop();
    }

    fn clauses(&mut self, clauses: &mut [Clause]) {
        for clause in clauses {
            match clause {
                Clause::If(expr) | Clause::For(_, _, expr) | Clause::Let(_, expr) => {
                    self.expr(expr)
                }
            }
            self.scopes.push(clause_names(clause));
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Atom(text) => {
                if is_name(text) && !self.scopes.iter().flatten().any(|name| name == text) {
                    let known: Vec<&String> = self.scopes.iter().flatten().collect();
                    *text = match known.is_empty() {
                        true => "_".into(),
                        false => (*self.random.pick(&known)).clone(),
                    };
                }
            }
            Expr::Struct(decls) => self.decls(decls),
            Expr::Yield(clauses, element) => {
                let depth = self.scopes.len();
                self.clauses(clauses);
                self.expr(element);
                self.scopes.truncate(depth);
            }
            other => super::shrink::parts(other)
                .into_iter()
                .for_each(|part| self.expr(part)),
        }
    }
}

/// Whether an atom is a name that the program has to declare.
fn is_name(text: &str) -> bool {
    text.starts_with(['_', '#', 'L', 'k', 'v']) && text.len() > 1 || REGULAR.contains(&text)
}

/// Removes `let`s that nothing refers to, which are errors.
pub fn strip_unused(decls: &mut Vec<Decl>) {
    loop {
        let whole = Expr::Struct(decls.clone()).to_string();
        let mut unused = |name: &str| count(&whole, name) < 2;
        let mut removed = false;
        strip(decls, &mut unused, &mut removed);
        if !removed {
            return;
        }
    }
}

/// How often a name stands in a text, not as part of another one.
fn count(text: &str, name: &str) -> usize {
    text.match_indices(name)
        .filter(|(at, _)| {
            let rest = &text[at + name.len()..];
            !rest.starts_with(|c: char| c.is_ascii_digit())
        })
        .count()
}

fn strip(decls: &mut Vec<Decl>, unused: &mut dyn FnMut(&str) -> bool, removed: &mut bool) {
    decls.retain(|decl| match decl {
        Decl::Let(name, _) if unused(name) => {
            *removed = true;
            false
        }
        _ => true,
    });
    for decl in decls {
        if let Decl::Comprehension(clauses, _) = decl {
            strip_clauses(clauses, unused, removed);
        }
        super::shrink::each_child(decl, &mut |child| match child {
            super::shrink::Child::Decls(decls) => strip(decls, unused, removed),
            super::shrink::Child::Clauses(clauses) => strip_clauses(clauses, unused, removed),
        });
    }
}

fn strip_clauses(clauses: &mut [Clause], unused: &mut dyn FnMut(&str) -> bool, removed: &mut bool) {
    for clause in clauses {
        if let Clause::Let(name, _) = clause
            && unused(name)
        {
            *clause = Clause::If(Expr::Atom("true".into()));
            *removed = true;
        }
    }
}
