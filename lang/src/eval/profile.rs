//! Which declarations the work went to.
//!
//! The measure is conjuncts: each is a declaration that was inserted into one value. A stack is where the
//! declaration is written (package, field, field in it), not where its value is.

use super::machine::Machine;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use rustc_hash::FxHashMap;

/// Frames by number: the frame around it, and its name.
struct Frames {
    list: Vec<(usize, String)>,
}

/// No frame around it.
const NONE: usize = usize::MAX;

impl Frames {
    fn push(&mut self, around: usize, name: &str) -> usize {
        // The separator of frames.
        self.list.push((around, name.replace(';', ",")));
        self.list.len() - 1
    }

    fn stack(&self, mut frame: usize) -> String {
        let mut names = Vec::new();
        while frame != NONE {
            names.push(self.list[frame].1.as_str());
            frame = self.list[frame].0;
        }
        names.reverse();
        names.join(";")
    }
}

impl Machine<'_> {
    /// Folded stacks, in the order of the program, each with its weight.
    pub(super) fn profile(&self) -> Vec<(String, u64)> {
        let program = &self.program;
        let mut frames = Frames { list: Vec::new() };
        let mut owners = vec![NONE; program.exprs.len()];
        let mut work: Vec<(ExprId, usize)> = Vec::new();
        for package in &program.packages {
            let frame = frames.push(NONE, &package.name);
            work.extend(package.files.iter().map(|&file| (file, frame)));
        }
        while let Some((expr, frame)) = work.pop() {
            if expr == NO_EXPR || owners[expr as usize] != NONE {
                continue;
            }
            owners[expr as usize] = frame;
            self.children(expr, frame, &mut frames, &mut work);
        }
        // Expressions made on the way stand where those do that they were made of.
        let written: FxHashMap<Place, usize> = (0..owners.len())
            .filter(|&id| owners[id] != NONE)
            .map(|id| (program.places[id], owners[id]))
            .collect();
        let mut weights = vec![0; frames.list.len()];
        for conjunct in &self.conjuncts {
            let id = conjunct.expr as usize;
            let owner = match owners[id] {
                NONE => written.get(&program.places[id]).copied().unwrap_or(NONE),
                owner => owner,
            };
            if let Some(weight) = weights.get_mut(owner) {
                *weight += 1;
            }
        }
        (0..weights.len())
            .filter(|&frame| weights[frame] > 0)
            .map(|frame| (frames.stack(frame), weights[frame]))
            .collect()
    }

    fn children(
        &self,
        expr: ExprId,
        frame: usize,
        frames: &mut Frames,
        work: &mut Vec<(ExprId, usize)>,
    ) {
        let program = &self.program;
        let lists = |start: u32, len: u32| &program.lists[start as usize..(start + len) as usize];
        let mut add = |exprs: &[ExprId]| work.extend(exprs.iter().map(|&e| (e, frame)));
        match program.exprs[expr as usize] {
            Expr::Struct(shape) => {
                let shape = &program.shapes[shape as usize];
                for decl in &program.decls[shape.start as usize..(shape.start + shape.len) as usize]
                {
                    match *decl {
                        Decl::Field { label, value, .. } => {
                            let name = program.label_text(label);
                            work.push((value, frames.push(frame, &name)));
                        }
                        Decl::Dynamic { key, value, .. } => {
                            work.push((key, frame));
                            work.push((value, frames.push(frame, "(…)")));
                        }
                        Decl::Pattern { filter, value } => {
                            work.push((filter, frame));
                            work.push((value, frames.push(frame, "[…]")));
                        }
                        Decl::Embed(expr) => work.push((expr, frame)),
                        Decl::Comprehension(index) => {
                            self.comprehension_parts(index, frame, work);
                        }
                        Decl::Ellipsis => {}
                    }
                }
            }
            Expr::Comprehension(index) => self.comprehension_parts(index, frame, work),
            Expr::Disjunction(index) => {
                let arms = &program.disjunctions[index as usize].arms;
                work.extend(arms.iter().map(|&(arm, _)| (arm, frame)));
            }
            Expr::List(index) => {
                let list = &program.list_literals[index as usize];
                for element in &list.elements {
                    match *element {
                        Element::Expr(expr) => work.push((expr, frame)),
                        Element::Comprehension(index) => {
                            self.comprehension_parts(index, frame, work);
                        }
                    }
                }
                work.extend(list.ellipsis.map(|element| (element, frame)));
            }
            Expr::Call {
                function,
                start,
                len,
            } => {
                add(&[function]);
                add(lists(start, len));
            }
            Expr::Interpolation { start, len, .. } => add(lists(start, len)),
            Expr::Unify(a, b) | Expr::Binary(_, a, b) => add(&[a, b]),
            Expr::Index { base, index, .. } => add(&[base, index]),
            Expr::Slice { base, low, high } => add(&[base, low, high]),
            Expr::Select { base, .. } => add(&[base]),
            Expr::ClauseLet { body, .. } => add(&[body]),
            Expr::Let { clause, .. } => add(&[program.lets[clause as usize]]),
            Expr::Plus(a) | Expr::Minus(a) | Expr::Not(a) | Expr::Bound(_, a) | Expr::Open(a) => {
                add(&[a]);
            }
            _ => {}
        }
    }

    fn comprehension_parts(&self, index: u32, frame: usize, work: &mut Vec<(ExprId, usize)>) {
        let comprehension = &self.program.comprehensions[index as usize];
        for clause in &comprehension.clauses {
            match *clause {
                Clause::For { source: expr } | Clause::If(expr) | Clause::Try { value: expr } => {
                    work.push((expr, frame));
                }
                Clause::Let => {}
            }
        }
        work.push((comprehension.body, frame));
        work.push((comprehension.otherwise, frame));
    }
}
