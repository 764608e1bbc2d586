//! Large values, evaluated in parts by several threads.
//!
//! Once the fields of a struct are known, what one of them comes to depends on the program alone. A part,
//! a run of neighbouring fields, is therefore evaluated by a machine of its own: a copy of the one that found
//! the fields. It is dropped as soon as the part's data has been taken out, so there are never more nodes than those
//! of a few parts. What several parts refer to is evaluated in each of them.
//!
//! Only a value without errors comes about in this way. Whatever else it is, the whole is evaluated the
//! common way, which says what is wrong.

use super::machine::*;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::builtin::Kind;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Programs with fewer expressions than this are evaluated whole.
const MIN_EXPRS: usize = 2_000;
/// Values with fewer structs to divide than this are evaluated whole.
const MIN_STRUCTS: usize = 64;
/// A struct with fewer fields is not divided itself, but perhaps what is in it.
const WIDE: usize = 64;
/// How deep wide structs are searched for.
const MAX_DEPTH: usize = 3;
/// The least number of fields of a part, where there are enough of them.
const PART: usize = 100;
/// A copy of the program is made for each part: one expression costs about a hundredth of a field.
const EXPRS_PER_FIELD: usize = 100;
/// The stack of a thread; beyond it, evaluation allocates.
const STACK: usize = 4 * 1024 * 1024;

/// A field that is evaluated by itself, by its path from the top.
type Item = SmallVec<[Label; 4]>;

/// What the value is put together from.
enum Skeleton {
    Item(usize),
    Struct(Vec<(Label, Skeleton)>),
}

struct Plan {
    top: Node,
    items: Vec<Item>,
    skeleton: Skeleton,
}

/// How a machine gets to the value.
enum Start {
    Package,
    /// Expressions in the scope of the package.
    Expressions(Vec<ExprId>),
}

/// The data of a part's fields; `None` for those that are none.
type Part = Vec<Option<Data>>;

impl Machine<'_> {
    /// The value as data, where it is large and nothing is wrong with it.
    pub(super) fn data_in_parts(&mut self, node: Node, root: Node) -> Option<Data> {
        if self.program.exprs.len() < MIN_EXPRS {
            return None;
        }
        let start = self.start_of(node, root)?;
        let mut planner = Machine::new(self.program.clone(), self.builtins);
        let plan = planner.plan(&start)?;
        let (mut data, stats) = evaluate(&planner, &plan)?;
        self.stats.of_parts += stats.nodes;
        self.stats.add(Stats { nodes: 0, ..stats });
        planner.assemble(&plan.skeleton, &mut data)
    }

    /// Divides the value. This machine evaluates nothing else, and so leaves no trace where parts turn out not
    /// to be the way.
    fn plan(&mut self, start: &Start) -> Option<Plan> {
        let top = self.top(start);
        let mut items = Vec::new();
        let mut structs = 0;
        let skeleton = self.skeleton(top, &mut Item::new(), &mut items, &mut structs)?;
        let divided = items.iter().flat_map(|item| &item[..item.len() - 1]);
        let mut names: Vec<Label> = divided.copied().collect();
        names.push(self.n(top).label);
        names.sort_unstable();
        names.dedup();
        if structs < MIN_STRUCTS || self.are_named(start, &names) {
            return None;
        }
        Some(Plan {
            top,
            items,
            skeleton,
        })
    }

    /// Whether the program may refer to a struct of one of these names: fields that lead back to the struct
    /// they are in are evaluated with it.
    fn are_named(&self, start: &Start, names: &[Label]) -> bool {
        let own: &[ExprId] = match start {
            Start::Package => &[],
            Start::Expressions(exprs) => exprs,
        };
        (0..).zip(&self.program.exprs).any(|(id, expr)| match expr {
            Expr::Field { label, .. } | Expr::Select { label, .. } => {
                names.binary_search(label).is_ok() && !own.contains(&id)
            }
            Expr::Itself { .. } | Expr::Dynamic { .. } => true,
            _ => false,
        })
    }

    fn start_of(&self, node: Node, root: Node) -> Option<Start> {
        if node == root {
            return Some(Start::Package);
        }
        let mut exprs = Vec::new();
        let mut at = self.n(node).conjuncts;
        while at != NIL {
            let c = &self.conjuncts[at as usize];
            let frame = (c.env != NIL).then(|| self.envs[c.env as usize])?;
            if frame.node != root || frame.up != NIL || c.info != Info::default() {
                return None;
            }
            if matches!(self.program.exprs[c.expr as usize], Expr::Value(_)) {
                return None;
            }
            exprs.push(c.expr);
            at = c.next;
        }
        Some(Start::Expressions(exprs))
    }

    /// Divides the value at `path` into items. `None` where it cannot be told what its fields are.
    fn skeleton(
        &mut self,
        at: Node,
        path: &mut Item,
        items: &mut Vec<Item>,
        structs: &mut usize,
    ) -> Option<Skeleton> {
        self.eval_depth = path.len() as i32;
        self.complete_shallow(at);
        self.eval_depth = 0;
        if self.has_state(at) {
            // What leads back to it is a structural cycle.
            self.s_mut(at).eval_depth = path.len() as i32;
        }
        if !self.is_divisible(at) {
            if path.is_empty() {
                return None;
            }
            items.push(path.clone());
            return Some(Skeleton::Item(items.len() - 1));
        }
        self.sweep_arcs(at);
        let arcs = self.ordered_arcs(at);
        let wide = arcs.len() >= WIDE || path.len() >= MAX_DEPTH;
        let mut fields = Vec::with_capacity(arcs.len());
        for (label, arc) in arcs {
            match self.n(arc).arc_type {
                ArcType::Member => {}
                ArcType::Optional => continue,
                _ => return None,
            }
            if label.is_let() {
                continue;
            }
            path.push(label);
            let part = if !wide && label.is_string() && self.is_literal(arc) {
                self.skeleton(arc, path, items, structs)
            } else {
                *structs += usize::from(self.holds_more(arc));
                items.push(path.clone());
                Some(Skeleton::Item(items.len() - 1))
            };
            path.pop();
            fields.push((label, part?));
        }
        Some(Skeleton::Struct(fields))
    }

    /// Whether a node is a struct of which nothing is left to find out but the values of its fields.
    fn is_divisible(&mut self, node: Node) -> bool {
        let data = *self.n(node);
        if data.base != Value::Struct || !self.has_state(node) || data.child_errors != NIL {
            return false;
        }
        if data.status == Status::Finalized || !self.all_finished(node) {
            return false;
        }
        let s = self.s(node);
        let plain = s.errors == NIL
            && s.kind == Kind::STRUCT
            && s.scalar == Value::None
            && s.lower.is_none()
            && s.upper.is_none()
            && s.checks.is_empty()
            && s.post_checks.is_empty()
            && s.disjunctions.is_empty()
            && s.resolved.is_empty()
            && !s.has_disjunction
            && !s.is_shared
            && !s.has_any_cyclic
            && !s.has_ancestor_cycle
            && s.cyclic_conjuncts.is_empty()
            && s.user_errors.is_empty();
        plain && self.closes_nothing(node)
    }

    /// Whether evaluating the field is work: some conjunct of it is more than a scalar.
    fn holds_more(&self, node: Node) -> bool {
        let mut at = self.n(node).conjuncts;
        while at != NIL {
            let c = &self.conjuncts[at as usize];
            match self.program.exprs[c.expr as usize] {
                Expr::Struct(_) | Expr::Unify(..) | Expr::List(_) => return true,
                _ => at = c.next,
            }
        }
        false
    }

    /// Whether the field's value is written out where it stands.
    fn is_literal(&self, node: Node) -> bool {
        let first = self.n(node).conjuncts;
        first != NIL && {
            let c = &self.conjuncts[first as usize];
            matches!(self.program.exprs[c.expr as usize], Expr::Struct(_))
        }
    }

    fn assemble(&self, skeleton: &Skeleton, data: &mut [Option<Data>]) -> Option<Data> {
        match skeleton {
            Skeleton::Item(index) => data[*index].take(),
            Skeleton::Struct(fields) => {
                let mut out: Vec<(Arc<str>, Data)> = Vec::with_capacity(fields.len());
                for (label, part) in fields.iter().filter(|(label, _)| label.is_string()) {
                    let value = self.assemble(part, data)?;
                    out.push((self.program.strings.shared(label.id()), value));
                }
                Some(Data::Struct(out))
            }
        }
    }

    /// The node of the value, with its fields known.
    fn top(&mut self, start: &Start) -> Node {
        let root = self.package_node(0);
        let node = match start {
            Start::Package => root,
            Start::Expressions(exprs) => {
                self.complete_shallow(root);
                let env = self.new_env(NIL, root);
                let node = self.new_inline();
                for &expr in exprs {
                    self.add_conjunct_record(node, expr, env, Info::default());
                }
                node
            }
        };
        self.complete_shallow(node);
        self.deref(node)
    }

    /// Evaluates fields one after the other. `None` where something is wrong.
    fn evaluate_part(&mut self, top: Node, items: &[Item]) -> Option<Part> {
        let mut part = Part::with_capacity(items.len());
        let mut within: (&[Label], Node) = (&[], top);
        for item in items {
            let (&label, path) = item.split_last()?;
            if within.0 != path {
                let mut at = top;
                for &step in path {
                    at = self.find_arc(at, step)?;
                }
                within = (path, at);
            }
            part.push(self.evaluate_item(within.1, label, item.len())?);
        }
        Some(part)
    }

    fn evaluate_item(&mut self, parent: Node, label: Label, depth: usize) -> Option<Option<Data>> {
        let arc = self.find_arc(parent, label)?;
        self.eval_depth = depth as i32;
        self.finalize(arc);
        self.eval_depth = 0;
        if self.n(arc).arc_type != ArcType::Member {
            return None;
        }
        if let Some(error) = self.bottom_of(self.deref(arc)) {
            self.add_child_error(parent, error);
            if self.bottom_of(parent).is_some() {
                return None;
            }
        }
        let data = if label.is_string() {
            Some(self.data_of(Value::Node(arc)).ok()?)
        } else {
            None
        };
        if self.n(arc).status == Status::Finalized && self.has_state(arc) {
            self.release(arc);
        }
        Some(data)
    }
}

/// The data of all items, part by part, by copies of the machine that made the plan.
fn evaluate(planner: &Machine<'_>, plan: &Plan) -> Option<(Vec<Option<Data>>, Stats)> {
    let items = &plan.items[..];
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let part = PART.max(planner.program.exprs.len() / EXPRS_PER_FIELD);
    let size = part.min(items.len().div_ceil(2 * processors)).max(1);
    let parts: Vec<&[Item]> = items.chunks(size).collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = |done: &mpsc::Sender<(usize, Part, Stats)>| {
        let mut sizes = Sizes::default();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(items) = parts.get(index) else {
                return;
            };
            let mut machine = planner.clone();
            machine.stats = Stats::default();
            machine.reserve(sizes);
            match machine.evaluate_part(plan.top, items) {
                // Nobody listens once the evaluation has ended.
                Some(part) => {
                    let stats = Stats {
                        nodes: (machine.nodes.len() - planner.nodes.len()) as u64,
                        ..machine.stats
                    };
                    drop(done.send((index, part, stats)));
                }
                None => failed.store(true, Ordering::Relaxed),
            }
            sizes = machine.sizes();
        }
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 1..processors.min(parts.len()) {
            let sender = sender.clone();
            let thread = std::thread::Builder::new().stack_size(STACK);
            // Where no thread can be had, the others do the work.
            let _ = thread.spawn_scoped(scope, || {
                let sender = sender;
                work(&sender);
            });
        }
        work(&sender);
    });
    drop(sender);
    let mut done: Vec<Option<Part>> = parts.iter().map(|_| None).collect();
    let mut stats = Stats::default();
    for (index, part, of_part) in receiver {
        stats.add(of_part);
        done[index] = Some(part);
    }
    let mut data = Vec::with_capacity(items.len());
    for part in done {
        data.extend(part?);
    }
    Some((data, stats))
}
