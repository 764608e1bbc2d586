//! Which values of a program depend on themselves, judged by its text: names resolved as the language resolves them.

use super::program::{Clause, Decl, Expr};
use std::collections::HashMap;

/// What refers to what in a program.
pub struct References {
    /// The names of declarations; the program itself is the first, without a name.
    names: Vec<String>,
    /// By declaration, those that it refers to, or something inside of it.
    to: Vec<Vec<usize>>,
}

impl References {
    /// Those of a program that is the value of a field.
    pub fn of(program: &[Decl]) -> References {
        let mut walk = Walk {
            references: References {
                names: vec![String::new()],
                to: vec![Vec::new()],
            },
            scopes: Vec::new(),
            around: vec![0],
        };
        walk.decls(program);
        walk.references
    }

    /// Whether what stands at a path (`p.a.b`; `p` is the program) is or leads to a value that depends on itself. A path
    /// through a value has no declaration of its own: any of those named by its labels counts.
    pub fn in_cycle(&self, path: &str) -> bool {
        let labels: Vec<&str> = path.split('.').skip(1).collect();
        let anywhere = !super::explain::is_place(path);
        let named = |name: &str| match labels.is_empty() {
            true => anywhere || name.is_empty(),
            false => anywhere || labels.contains(&name),
        };
        let starts = (0..self.names.len()).filter(|&at| named(&self.names[at]));
        starts
            .flat_map(|start| self.reached(start).into_iter().chain([start]))
            .any(|at| self.reached(at).contains(&at))
    }

    /// Whether anything depends on itself, or on the program as a whole.
    pub fn has_cycle(&self) -> bool {
        (0..self.names.len()).any(|at| self.reached(at).contains(&at))
    }

    fn reached(&self, start: usize) -> Vec<usize> {
        let mut reached = Vec::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for &next in &self.to[at] {
                if !reached.contains(&next) {
                    reached.push(next);
                    open.push(next);
                }
            }
        }
        reached
    }
}

struct Walk {
    references: References,
    /// The declarations each enclosing literal or clause has.
    scopes: Vec<HashMap<String, usize>>,
    /// The declarations around what is being walked.
    around: Vec<usize>,
}

impl Walk {
    fn declare(&mut self, name: &str) -> usize {
        self.references.names.push(name.to_owned());
        self.references.to.push(Vec::new());
        self.references.names.len() - 1
    }

    fn decls(&mut self, decls: &[Decl]) {
        let mut scope = HashMap::new();
        for decl in decls {
            let name = match decl {
                Decl::Field(label, _) => label.trim_end_matches(['?', '!']),
                Decl::Let(name, _) => name,
                Decl::Dynamic(Expr::Atom(label), _, _) if label.starts_with('"') => {
                    label.trim_matches('"')
                }
                _ => continue,
            };
            if !scope.contains_key(name) {
                let index = self.declare(name);
                scope.insert(name.to_owned(), index);
            }
        }
        let all: Vec<usize> = scope.values().copied().collect();
        self.scopes.push(scope);
        for decl in decls {
            let depth = self.around.len();
            match decl {
                Decl::Field(label, value) | Decl::Let(label, value) => {
                    let name = label.trim_end_matches(['?', '!']);
                    let own = self.scopes.last().and_then(|scope| scope.get(name));
                    self.around.extend(own.copied());
                    self.expr(value);
                }
                // What has a label that is not written may be any of the fields beside it.
                Decl::Pattern(label, value) | Decl::Dynamic(label, _, value) => {
                    self.expr(label);
                    self.around.extend(&all);
                    self.expr(value);
                }
                Decl::Embed(value) => self.expr(value),
                Decl::Comprehension(clauses, body) => {
                    let scopes = self.scopes.len();
                    self.clauses(clauses);
                    self.decls(body);
                    self.scopes.truncate(scopes);
                }
                Decl::Ellipsis => {}
            }
            self.around.truncate(depth);
        }
        self.scopes.pop();
    }

    fn clauses(&mut self, clauses: &[Clause]) {
        for clause in clauses {
            let (names, expr) = match clause {
                Clause::If(expr) => (vec![], expr),
                Clause::For(key, value, expr) => (vec![key, value], expr),
                Clause::Let(name, expr) => (vec![name], expr),
            };
            let scope: HashMap<String, usize> = names
                .into_iter()
                .map(|name| (name.clone(), self.declare(name)))
                .collect();
            let depth = self.around.len();
            self.around.extend(scope.values());
            self.expr(expr);
            self.around.truncate(depth);
            self.scopes.push(scope);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Atom(name) => {
                let target = self.scopes.iter().rev().find_map(|scope| scope.get(name));
                if let Some(&target) = target {
                    for &from in &self.around {
                        self.references.to[from].push(target);
                    }
                }
            }
            Expr::Struct(decls) => self.decls(decls),
            Expr::Yield(clauses, element) => {
                let scopes = self.scopes.len();
                self.clauses(clauses);
                self.expr(element);
                self.scopes.truncate(scopes);
            }
            Expr::Unary(_, x) | Expr::Select(x, _) | Expr::Interpolation(x, _) => self.expr(x),
            Expr::Binary(_, x, y) | Expr::Index(x, y) => {
                self.expr(x);
                self.expr(y);
            }
            Expr::List(items) | Expr::Call(_, items) => items.iter().for_each(|x| self.expr(x)),
            Expr::Open(Some(x)) => self.expr(x),
            Expr::Open(None) => {}
        }
    }
}
