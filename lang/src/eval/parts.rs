//! Large values, evaluated in parts by several threads.
//!
//! Once the fields of a struct are known, what one of them comes to depends on the program alone. Parts, runs of
//! neighbouring fields, are therefore evaluated by several machines, each by a thread: copies of the one that found the
//! fields. A machine takes part after part, and goes back to where it began once it has grown by as much as that is
//! worth: there are never more nodes than those of a few parts. What parts of several machines refer to is evaluated in
//! each.
//!
//! Only a value without errors comes about in this way. Whatever else it is, the whole is evaluated the
//! common way, which says what is wrong.

use super::equal::Equals;
use super::machine::*;
use super::order::Arcs;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::builtin::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

/// Programs with fewer expressions than this are evaluated whole.
const MIN_EXPRS: usize = 2_000;
/// Values with fewer structs to divide than this are evaluated whole.
const MIN_STRUCTS: usize = 64;
/// Fields of a struct with fewer are divided too.
const WIDE: usize = 32;
/// How deep wide structs are searched for.
const MAX_DEPTH: usize = 3;
/// How many parts there are for each processor, where there are fields enough: they take what is left in turn.
const PARTS: usize = 32;
/// The most fields of a part.
const MAX_PART: usize = 100;
/// The least number of values that a machine makes before it begins anew.
const MIN_NODES: usize = 8_000;
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
    /// Labels of which the program takes the value.
    named: Arc<FxHashSet<Label>>,
}

/// What is found while a value is divided.
struct Division {
    /// Labels of which the program takes the value: such a field is not divided.
    named: FxHashSet<Label>,
    path: Item,
    items: Vec<Item>,
    structs: usize,
}

impl Division {
    /// The field at the path is evaluated by itself.
    fn item(&mut self) -> Skeleton {
        self.items.push(self.path.clone());
        Skeleton::Item(self.items.len() - 1)
    }
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
    /// The value as data, where it is large and nothing is wrong with it. Another thread lets go of `discarded` before it
    /// evaluates, and takes its memory up again.
    pub(super) fn data_in_parts(
        &mut self,
        node: Node,
        root: Node,
        discarded: impl Send,
    ) -> Option<Data> {
        if self.program.exprs.len() < MIN_EXPRS {
            return None;
        }
        let start = self.start_of(node, root)?;
        // The program is lent: what is added to it does not change what there was.
        let mut planner = Machine::new(std::mem::take(&mut self.program), self.builtins);
        let data = planner.plan(&start).and_then(|plan| {
            let (mut data, stats) = evaluate(&planner, &plan, discarded)?;
            self.stats.of_parts += stats.nodes;
            self.stats.add(Stats { nodes: 0, ..stats });
            planner.assemble(&plan.skeleton, &mut data)
        });
        self.program = planner.program;
        data
    }

    /// Divides the value. This machine evaluates nothing else, and so leaves no trace where parts turn out not
    /// to be the way.
    fn plan(&mut self, start: &Start) -> Option<Plan> {
        let named = self.named(match start {
            Start::Package => &[],
            Start::Expressions(exprs) => exprs,
        })?;
        let top = self.top(start);
        if named.contains(&self.n(top).label) {
            return None;
        }
        let mut division = Division {
            named,
            path: Item::new(),
            items: Vec::new(),
            structs: 0,
        };
        let skeleton = self.skeleton(top, &mut division)?;
        (division.structs >= MIN_STRUCTS).then_some(Plan {
            top,
            items: division.items,
            skeleton,
            named: Arc::new(division.named),
        })
    }

    /// The labels of fields that the program takes as values, if that can be told: a field that leads back to the struct
    /// it is in is evaluated with it. Where a name only leads on to what is selected from it, it does not count.
    pub(super) fn named(&self, own: &[ExprId]) -> Option<FxHashSet<Label>> {
        let mut leads_on = vec![false; self.program.exprs.len()];
        for expr in &self.program.exprs {
            if let Expr::Select { base, .. } = expr {
                leads_on[*base as usize] = true;
            }
        }
        let mut named = FxHashSet::default();
        for (id, expr) in (0..).zip(&self.program.exprs) {
            match expr {
                Expr::Field { label, .. } | Expr::Select { label, .. }
                    if !leads_on[id as usize] && !own.contains(&id) =>
                {
                    named.insert(*label);
                }
                Expr::Itself { .. } | Expr::Dynamic { .. } => return None,
                _ => {}
            }
        }
        Some(named)
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

    /// Divides the value at the division's path into items. `None` where it cannot be told what its fields are.
    fn skeleton(&mut self, at: Node, division: &mut Division) -> Option<Skeleton> {
        let depth = division.path.len();
        let Some(arcs) = self.divisible_arcs(at, depth) else {
            return (depth > 0).then(|| division.item());
        };
        let shown = arcs.iter().filter(|(label, _)| label.is_string());
        let wide = shown.count() >= WIDE || depth >= MAX_DEPTH;
        let mut fields = Vec::with_capacity(arcs.len());
        for (label, arc) in arcs {
            if label.is_let() || self.n(arc).arc_type == ArcType::Optional {
                continue;
            }
            let divide = !wide
                && label.is_string()
                && self.is_literal(arc)
                && !division.named.contains(&label);
            division.path.push(label);
            let part = if divide {
                self.skeleton(arc, division)?
            } else {
                division.structs += usize::from(self.holds_more(arc));
                division.item()
            };
            division.path.pop();
            fields.push((label, part));
        }
        Some(Skeleton::Struct(fields))
    }

    /// The fields of a struct that is the sum of them, at that many steps from the top; `None` of any other value.
    pub(super) fn divisible_arcs(&mut self, at: Node, depth: usize) -> Option<Arcs> {
        self.eval_depth = depth as i32;
        self.complete_shallow(at);
        self.eval_depth = 0;
        if self.has_state(at) {
            // What leads back to it is a structural cycle.
            self.s_mut(at).eval_depth = depth as i32;
        }
        if !self.is_divisible(at) {
            return None;
        }
        self.sweep_arcs(at);
        let arcs = self.ordered_arcs(at);
        let mut types = arcs.iter().map(|&(_, arc)| self.n(arc).arc_type);
        types
            .all(|kind| matches!(kind, ArcType::Member | ArcType::Optional))
            .then_some(arcs)
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
        s.errors == NIL
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
            && s.user_errors.is_empty()
            && !self.requires_much(node)
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
    pub(super) fn is_literal(&self, node: Node) -> bool {
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
                Some(Data::Struct(out.into()))
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
    fn evaluate_part<'i>(
        &mut self,
        top: Node,
        items: impl ExactSizeIterator<Item = &'i Item>,
    ) -> Option<Part> {
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

    /// A field and, where it is a regular one, its data. `None` where something is wrong.
    fn evaluate_item(&mut self, parent: Node, label: Label, depth: usize) -> Option<Option<Data>> {
        let arc = self.sound_item(parent, label, depth)?;
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

    /// A field, evaluated; `None` where something is wrong.
    pub(super) fn sound_item(&mut self, parent: Node, label: Label, depth: usize) -> Option<Node> {
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
        if self.has_state(parent) && self.refuses(parent, label) {
            return None;
        }
        Some(arc)
    }
}

/// The data of all items, part by part, by copies of the machine that made the plan.
fn evaluate(
    planner: &Machine<'_>,
    plan: &Plan,
    discarded: impl Send,
) -> Option<(Vec<Option<Data>>, Stats)> {
    let items = &plan.items[..];
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let size = (items.len() / (PARTS * processors)).clamp(1, MAX_PART);
    // Beginning anew is worth about what it takes.
    let limit = planner.nodes.len() + MIN_NODES.max(planner.nodes.len() / 2);
    let order = by_name(items);
    let parts: Vec<&[usize]> = order.chunks(size).collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let total = Mutex::new(Stats::default());
    let count = |machine: &Machine<'_>| {
        let stats = Stats {
            nodes: (machine.nodes.len() - planner.nodes.len()) as u64,
            ..machine.stats
        };
        // A thread that panicked ends the command.
        if let Ok(mut total) = total.lock() {
            total.add(stats);
        }
    };
    let work = |done: &mpsc::Sender<(usize, Part)>| {
        let mut machine = planner.clone();
        machine.equals = Some(Box::new(Equals::new(Some(plan.named.clone()))));
        machine.stats = Stats::default();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(index) else {
                break;
            };
            if machine.nodes.len() > limit {
                count(&machine);
                machine.restart(planner);
                machine.stats = Stats::default();
            }
            match machine.evaluate_part(plan.top, part.iter().map(|&at| &items[at])) {
                // Nobody listens once the evaluation has ended.
                Some(part) => drop(done.send((index, part))),
                None => failed.store(true, Ordering::Relaxed),
            }
        }
        count(&machine);
    };
    let (sender, receiver) = mpsc::channel();
    let mut discarded = Some(discarded);
    std::thread::scope(|scope| {
        for _ in 1..processors.min(parts.len()) {
            let sender = sender.clone();
            let discarded = discarded.take();
            let thread = std::thread::Builder::new().stack_size(STACK);
            // Where no thread can be had, the others do the work.
            let _ = thread.spawn_scoped(scope, || {
                drop(discarded);
                let sender = sender;
                work(&sender);
            });
        }
        work(&sender);
    });
    drop(sender);
    let mut done: Vec<Option<Part>> = parts.iter().map(|_| None).collect();
    for (index, part) in receiver {
        done[index] = Some(part);
    }
    let mut data: Vec<Option<Data>> = items.iter().map(|_| None).collect();
    for (part, places) in done.into_iter().zip(&parts) {
        for (field, &at) in part?.into_iter().zip(*places) {
            data[at] = field;
        }
    }
    Some((data, total.into_inner().unwrap_or_default()))
}

/// The items in the order they are evaluated in: fields of one name after each other, as they often come from the same
/// values (an application, on each of several clusters).
fn by_name(items: &[Item]) -> Vec<usize> {
    let mut first = FxHashMap::default();
    for (at, item) in items.iter().enumerate() {
        first.entry(item.last()).or_insert(at);
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|&at| first[&items[at].last()]);
    order
}
