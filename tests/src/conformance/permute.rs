//! A package written in another order: declarations of files and structs, operands of `&` and `|`, files.
//!
//! None of these orders means anything in the language, so whatever an archive asserts holds in all of them. Elements of
//! lists, clauses of comprehensions and arguments keep their places.

use super::run_permuted;
use super::txtar::Archive;
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::tree::{
    BinaryOp, Clause, Decl, Element, Expr, Interpolation, Label, ListLit, StructLit,
};
use holos_lang::value::builtin::Builtins;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An assertion that holds as its archive is written, and not in another order.
#[derive(Clone, Debug)]
pub struct Sensitive {
    pub assertion: String,
    pub order: Order,
    pub failure: String,
}

/// The assertions of an archive that do not hold in each of the orders, with the first order in which they fail.
pub fn sensitive(archive: &Archive, builtins: &dyn Builtins, orders: &[Order]) -> Vec<Sensitive> {
    let mut holding = BTreeSet::new();
    run_permuted(archive, builtins, &Order::Written, &mut |outcome| {
        if outcome.failure.is_none() {
            holding.insert(outcome.assertion);
        }
    });
    let mut found = Vec::new();
    for &order in orders {
        run_permuted(archive, builtins, &order, &mut |outcome| {
            if let Some(failure) = outcome.failure
                && holding.remove(&outcome.assertion)
            {
                found.push(Sensitive {
                    assertion: outcome.assertion,
                    order,
                    failure,
                });
            }
        });
    }
    found
}

/// Which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The one it has.
    Written,
    /// The last first.
    Reversed,
    /// One that depends on the seed only.
    Shuffled(u64),
}

impl Order {
    /// Rewrites the package.
    pub fn apply(&self, package: &mut PackageFiles) {
        let state = match self {
            Order::Written => return,
            Order::Reversed => None,
            Order::Shuffled(seed) => Some(*seed),
        };
        let mut permuter = Permuter { state };
        for (_, file) in &mut package.files {
            let mut changed = (**file).clone();
            permuter.decls(&mut changed.decls);
            *file = Arc::new(changed);
        }
        permuter.order(&mut package.files);
    }
}

struct Permuter {
    /// The state of the random sequence (xorshift64*), or `None` to reverse.
    state: Option<u64>,
}

impl Permuter {
    fn order<T>(&mut self, items: &mut [T]) {
        let Some(mut state) = self.state else {
            items.reverse();
            return;
        };
        for i in (1..items.len()).rev() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            items.swap(i, ((z ^ (z >> 31)) % (i as u64 + 1)) as usize);
        }
        self.state = Some(state);
    }

    fn decls(&mut self, decls: &mut [Decl]) {
        for decl in decls.iter_mut() {
            match decl {
                Decl::Field(field) => {
                    match &mut field.label {
                        Label::Interpolation(expr) => self.expr(expr),
                        Label::Dynamic { expr, .. } | Label::Pattern { expr, .. } => {
                            self.expr(expr);
                        }
                        Label::Ident(_) | Label::String { .. } => {}
                    }
                    self.expr(&mut field.value);
                }
                Decl::Let(clause) | Decl::Alias(clause) => self.expr(&mut clause.value),
                Decl::Embed(expr) => self.expr(expr),
                Decl::Comprehension(comprehension) => {
                    self.clauses(&mut comprehension.clauses);
                    self.literal(&mut comprehension.body);
                    if let Some((_, _, body)) = &mut comprehension.otherwise {
                        self.literal(body);
                    }
                }
                Decl::Ellipsis(ellipsis) => {
                    if let Some(value) = &mut ellipsis.value {
                        self.expr(value);
                    }
                }
                Decl::Attribute(_) | Decl::Bad(_) => {}
            }
        }
        self.order(decls);
    }

    fn literal(&mut self, literal: &mut StructLit) {
        self.decls(&mut literal.decls);
    }

    fn clauses(&mut self, clauses: &mut [Clause]) {
        for clause in clauses {
            match clause {
                Clause::For { source, .. } => self.expr(source),
                Clause::If { condition, .. } => self.expr(condition),
                Clause::Let(clause) => self.expr(&mut clause.value),
                Clause::Try { value, .. } => value.iter_mut().for_each(|value| self.expr(value)),
            }
        }
    }

    fn list(&mut self, list: &mut ListLit) {
        for element in &mut list.elements {
            match element {
                Element::Expr(expr) | Element::Alias(_, expr) => self.expr(expr),
                Element::Comprehension(comprehension) => {
                    self.clauses(&mut comprehension.clauses);
                    self.literal(&mut comprehension.body);
                }
            }
        }
        if let Some(value) = list.ellipsis.as_mut().and_then(|e| e.value.as_mut()) {
            self.expr(value);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Struct(literal) => self.literal(literal),
            Expr::List(list) => self.list(list),
            Expr::Paren(inner, _) | Expr::Open(inner, _) | Expr::Try(inner, _) => self.expr(inner),
            Expr::Unary(unary) => self.expr(&mut unary.operand),
            Expr::Binary(binary) => {
                for operand in &mut binary.operands {
                    self.expr(operand);
                }
                if matches!(binary.op, BinaryOp::Unify | BinaryOp::Disjunction) {
                    self.order(&mut binary.operands);
                }
            }
            Expr::Selector(selector) => self.expr(&mut selector.base),
            Expr::Index { base, index, .. } => {
                self.expr(base);
                self.expr(index);
            }
            Expr::Slice {
                base, low, high, ..
            } => {
                self.expr(base);
                low.iter_mut().for_each(|low| self.expr(low));
                high.iter_mut().for_each(|high| self.expr(high));
            }
            Expr::Call {
                function,
                arguments,
                ..
            } => {
                self.expr(function);
                arguments
                    .iter_mut()
                    .for_each(|argument| self.expr(argument));
            }
            Expr::Interpolation(Interpolation { expressions, .. }) => {
                expressions.iter_mut().for_each(|inner| self.expr(inner));
            }
            Expr::Ident(_)
            | Expr::Bottom(_)
            | Expr::Null(_)
            | Expr::Bool(..)
            | Expr::Number(..)
            | Expr::String(..)
            | Expr::Bytes(..)
            | Expr::Bad(_) => {}
        }
    }
}
