//! What expressions refer to outside of themselves: which fields, and how many environments out.

use crate::resolve::program::*;
use smallvec::SmallVec;

/// How deep expressions are searched.
const MAX_NESTING: u32 = 64;
/// More fields of an expression than this are not told apart.
const MAX_FIELDS: usize = 12;
/// In place of a label: the element that a comprehension ranges over.
pub(super) const ELEMENT: u32 = u32::MAX;

/// What an expression refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Free {
    /// Environments, a bit for each, of which more is used than fields.
    pub frames: u64,
    /// Fields, by how many environments out they are, and by their labels or as [`ELEMENT`].
    pub fields: SmallVec<[(u16, u32); 4]>,
}

/// In [`FreeNames::of`]: not searched yet.
const UNKNOWN: u32 = u32::MAX;
/// Places in [`FreeNames::list`].
const NOTHING: u32 = 0;
const ANYWHERE: u32 = 1;

/// What the expressions of a program refer to, each searched once.
#[derive(Clone, Debug)]
pub(super) struct FreeNames {
    /// For each expression a place in `list`.
    of: Vec<u32>,
    list: Vec<Free>,
}

impl FreeNames {
    pub(super) fn new() -> FreeNames {
        FreeNames {
            of: Vec::new(),
            list: vec![Free::default(), Free::default()],
        }
    }

    /// What an expression refers to; `None` where that may be anything.
    pub(super) fn of(&mut self, program: &Program, expr: ExprId) -> Option<&Free> {
        match self.search(program, expr, MAX_NESTING) {
            ANYWHERE => None,
            at => self.list.get(at as usize),
        }
    }

    fn search(&mut self, program: &Program, expr: ExprId, nesting: u32) -> u32 {
        let at = expr as usize;
        if self.of.len() <= at {
            self.of.resize(program.exprs.len(), UNKNOWN);
        }
        if self.of[at] != UNKNOWN {
            return self.of[at];
        }
        // What leads back to itself may lead anywhere.
        self.of[at] = ANYWHERE;
        let Some(nesting) = nesting.checked_sub(1) else {
            return ANYWHERE;
        };
        let mut search = Search {
            program,
            names: self,
            nesting,
            found: Free::default(),
            anywhere: false,
        };
        search.add_parts(expr);
        let Search {
            found, anywhere, ..
        } = search;
        let place = if anywhere {
            ANYWHERE
        } else if found.frames == 0 && found.fields.is_empty() {
            NOTHING
        } else {
            self.list.push(found);
            self.list.len() as u32 - 1
        };
        self.of[at] = place;
        place
    }
}

/// A search for what an expression refers to.
struct Search<'s> {
    program: &'s Program,
    names: &'s mut FreeNames,
    nesting: u32,
    found: Free,
    anywhere: bool,
}

impl Search<'_> {
    /// Adds what a part refers to that stands in so many more environments.
    fn add(&mut self, part: ExprId, inside: u32) {
        self.add_from(part, inside, 0);
    }

    /// The same of a part that stands in so many fewer of them.
    fn add_from(&mut self, part: ExprId, inside: u32, outside: u32) {
        if part == NO_EXPR {
            return;
        }
        let free = match self.names.search(self.program, part, self.nesting) {
            NOTHING => return,
            ANYWHERE => {
                self.anywhere = true;
                return;
            }
            at => self.names.list[at as usize].clone(),
        };
        for up in 0..u64::BITS {
            if free.frames & 1 << up != 0 {
                self.frame((up + outside).checked_sub(inside));
            }
        }
        for (up, label) in free.fields {
            self.field((u32::from(up) + outside).checked_sub(inside), label);
        }
    }

    /// `None` is one that the expression itself makes.
    fn frame(&mut self, up: Option<u32>) {
        match up {
            Some(up) if up < u64::BITS => self.found.frames |= 1 << up,
            Some(_) => self.anywhere = true,
            None => {}
        }
    }

    fn field(&mut self, up: Option<u32>, label: u32) {
        let Some(up) = up else { return };
        let field = (up as u16, label);
        if self.found.fields.contains(&field) {
            return;
        }
        if self.found.fields.len() < MAX_FIELDS && up < u64::BITS {
            self.found.fields.push(field);
        } else {
            self.frame(Some(up));
        }
    }

    fn add_list(&mut self, start: u32, len: u32) {
        for index in start..start + len {
            self.add(self.program.lists[index as usize], 0);
        }
    }

    fn add_parts(&mut self, expr: ExprId) {
        let program = self.program;
        match program.exprs[expr as usize] {
            Expr::Value(Value::Node(_)) | Expr::Itself { .. } | Expr::Dynamic { .. } => {
                self.anywhere = true;
            }
            Expr::Value(_) | Expr::Package(_) => {}
            // They look at the node they stand in.
            Expr::Field { optional: true, .. }
            | Expr::Select { optional: true, .. }
            | Expr::Index { optional: true, .. } => self.anywhere = true,
            Expr::Field { up, label, .. } => self.field(Some(up.into()), label.0),
            Expr::ForValue { up } => self.field(Some(up.into()), ELEMENT),
            Expr::LabelName { up } | Expr::ForKey { up } => self.frame(Some(up.into())),
            Expr::Let { up, clause } => {
                self.frame(Some(up.into()));
                self.add_from(program.lets[clause as usize], 0, up.into());
            }
            Expr::ClauseLet { up, body } => {
                self.frame(Some(up.into()));
                self.add_from(body, 0, u32::from(up) + 1);
            }
            Expr::Select { base: a, .. }
            | Expr::Plus(a)
            | Expr::Minus(a)
            | Expr::Not(a)
            | Expr::Bound(_, a)
            | Expr::Open(a) => self.add(a, 0),
            Expr::Binary(_, a, b) | Expr::Unify(a, b) => {
                self.add(a, 0);
                self.add(b, 0);
            }
            Expr::Index { base, index, .. } => {
                self.add(base, 0);
                self.add(index, 0);
            }
            Expr::Slice { base, low, high } => {
                for part in [base, low, high] {
                    self.add(part, 0);
                }
            }
            Expr::Interpolation { start, len, .. } => self.add_list(start, len),
            Expr::Call {
                function,
                start,
                len,
            } => {
                self.add(function, 0);
                self.add_list(start, len);
            }
            Expr::Disjunction(index) => {
                for &(arm, _) in &program.disjunctions[index as usize].arms {
                    self.add(arm, 0);
                }
            }
            Expr::List(index) => {
                let list = &program.list_literals[index as usize];
                for element in &list.elements {
                    match *element {
                        Element::Expr(expr) => self.add(expr, 1),
                        Element::Comprehension(index) => self.add_comprehension(index, 1),
                    }
                }
                if let Some(rest) = list.ellipsis {
                    self.add(rest, 1);
                }
            }
            Expr::Struct(shape) => {
                let Shape { start, len, .. } = program.shapes[shape as usize];
                for index in start..start + len {
                    match program.decls[index as usize] {
                        Decl::Field { value, .. } | Decl::Embed(value) => self.add(value, 1),
                        Decl::Pattern { filter, value } => {
                            self.add(filter, 1);
                            self.add(value, 1);
                        }
                        Decl::Dynamic { key, value, .. } => {
                            self.add(key, 1);
                            self.add(value, 1);
                        }
                        Decl::Comprehension(index) => self.add_comprehension(index, 1),
                        Decl::Ellipsis => {}
                    }
                }
            }
            Expr::Comprehension(index) => self.add_comprehension(index, 0),
        }
    }

    fn add_comprehension(&mut self, index: u32, inside: u32) {
        let comprehension = &self.program.comprehensions[index as usize];
        self.add(comprehension.otherwise, inside);
        let mut inside = inside;
        for clause in &comprehension.clauses {
            match *clause {
                Clause::For { source } => {
                    self.add(source, inside);
                    inside += 1;
                }
                Clause::If(condition) => self.add(condition, inside),
                // Its body is in the expressions that refer to it.
                Clause::Let => inside += 1,
                // What it looks for depends on the node it stands in.
                Clause::Try { .. } => self.anywhere = true,
            }
        }
        self.add(comprehension.body, inside);
    }
}
