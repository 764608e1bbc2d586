//! The order of fields in output.
//!
//! Fields come in the order of the literals that declare them. Where several literals meet in one node, each
//! contributes "comes before" edges between its own fields; literals are taken by position, those of one
//! position (operands of `&`, a reference and its host) side by side. The result is a topological
//! order: ties and cycles go by name (specification, "Order of fields").

use super::machine::*;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

#[derive(Clone, Debug)]
struct Literal {
    shape: ShapeId,
    place: Place,
    dynamic: bool,
    explicit: bool,
}

/// The arcs of a node, copied.
pub(super) type Arcs = SmallVec<[(Label, Node); 16]>;

/// Orders of nodes with more arcs than this are not kept.
const MAX_CACHED: usize = 64;

impl Machine<'_> {
    /// The arcs of a node in output order.
    pub(super) fn ordered_arcs(&mut self, node: Node) -> Arcs {
        let arcs = self.arc_slice(node);
        if self.unordered || arcs.len() < 2 || self.n(node).structs == NIL {
            return Arcs::from_slice(arcs);
        }
        // Where one literal declares every field, the order is its own.
        if let Some(shape) = self.only_literal(node) {
            let shape = &self.program.shapes[shape as usize];
            let decls = &self.program.decls[shape.start as usize..][..shape.len as usize];
            let mut declared = decls.iter().filter_map(|decl| match decl {
                Decl::Field { label, .. } => Some(*label),
                _ => None,
            });
            // In the common case the arcs stand in the order of the declarations.
            let in_order = |&(label, _): &(Label, Node)| declared.any(|other| other == label);
            if !shape.optional_again && arcs.iter().all(in_order) {
                return Arcs::from_slice(arcs);
            }
        }
        let arcs = self.arc_vec(node);
        if arcs.len() > MAX_CACHED {
            return self
                .sorted_arcs(node, false)
                .into_iter()
                .map(|i| arcs[i as usize])
                .collect();
        }
        // Instances of one template have the same literals, labels and expressions, and so the
        // same order.
        let mut key = std::mem::take(&mut self.order_key);
        self.write_order_key(node, &mut key);
        let ordered = |order: &[u32]| order.iter().map(|&i| arcs[i as usize]).collect();
        let result = match self.orders.get(&key[..]) {
            Some(order) => ordered(order),
            None => {
                let order = self.sorted_arcs(node, false);
                let result = ordered(&order);
                self.orders
                    .insert(key.as_slice().into(), order.into_boxed_slice());
                result
            }
        };
        self.order_key = key;
        result
    }

    /// All that the order of a node's arcs depends on.
    fn write_order_key(&self, node: Node, key: &mut Vec<u32>) {
        key.clear();
        let data = self.n(node);
        let mut at = data.structs;
        while at != NIL {
            let info = &self.structs[at as usize];
            key.push(info.shape);
            at = info.next;
        }
        key.push(NIL);
        let conjuncts = |first: u32, key: &mut Vec<u32>| {
            let mut at = first;
            while at != NIL {
                let c = &self.conjuncts[at as usize];
                key.push(c.expr);
                if c.info.refs != 0 {
                    key.push(NIL - 1);
                    key.push(self.first_reference(c.info.refs));
                }
                at = c.next;
            }
            key.push(NIL);
        };
        conjuncts(data.conjuncts, key);
        for &(label, arc) in self.arc_slice(node) {
            key.push(label.0);
            conjuncts(self.n(arc).conjuncts, key);
        }
    }

    /// The reference that a history began with.
    pub(super) fn first_reference(&self, refs: u32) -> ExprId {
        let mut record = &self.refs[refs as usize - 1];
        while record.next != 0 {
            record = &self.refs[record.next as usize - 1];
        }
        record.expr
    }

    /// The only literal of a node that has to do with the order of its fields, if there is one.
    pub(super) fn only_literal(&self, node: Node) -> Option<ShapeId> {
        let mut only = None;
        let mut at = self.n(node).structs;
        while at != NIL {
            let StructInfo { shape, next, .. } = self.structs[at as usize];
            at = next;
            let Shape { start, len, .. } = self.program.shapes[shape as usize];
            let decls = &self.program.decls[start as usize..][..len as usize];
            let orders = only != Some(shape)
                && decls.iter().any(|decl| match decl {
                    Decl::Field { label, .. } => self.find_arc(node, *label).is_some(),
                    _ => false,
                });
            if decls
                .iter()
                .any(|decl| matches!(decl, Decl::Dynamic { .. }))
                || orders && only.replace(shape).is_some()
            {
                return None;
            }
        }
        only
    }

    /// Whether the fields of a node would stand in the same order if all of its conjuncts had come through one reference.
    pub(super) fn keeps_order(&mut self, node: Node) -> bool {
        self.n(node).arc_count < 2 || self.only_literal(node).is_some() || {
            let flat = self.sorted_arcs(node, true);
            let ordered = self.ordered_arcs(node);
            let arcs = self.arc_slice(node);
            (flat.iter().map(|&at| arcs[at as usize])).eq(ordered.iter().copied())
        }
    }

    /// The output order, as indices of arcs; where it is `flat`, as if all conjuncts had come through one reference.
    fn sorted_arcs(&mut self, node: Node, flat: bool) -> Vec<u32> {
        let arcs = self.arc_vec(node);
        // The literals by shape: where a literal was inserted several times, as by each firing of a comprehension,
        // all that is found out here holds of each of them.
        let mut inserted: SmallVec<[usize; 8]> = SmallVec::new();
        let mut literals: SmallVec<[Literal; 8]> = SmallVec::new();
        let mut by_shape = ByShape::default();
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            at = info.next;
            if let Some(known) = by_shape.get(&literals, info.shape) {
                inserted.push(known);
                continue;
            }
            by_shape.add(info.shape, literals.len());
            inserted.push(literals.len());
            literals.push(Literal {
                shape: info.shape,
                place: self.shape_place(&self.program.shapes[info.shape as usize]),
                dynamic: false,
                explicit: false,
            });
        }
        inserted.reverse();

        // Which literals declare a field with that value.
        let mut owners = Owners::default();
        let mut dynamic_values: FxHashMap<ExprId, VecDeque<Label>> = FxHashMap::default();
        for (index, literal) in literals.iter().enumerate() {
            let shape = &self.program.shapes[literal.shape as usize];
            for d in shape.start..shape.start + shape.len {
                match self.program.decls[d as usize] {
                    Decl::Field { value, .. } => owners.declare(value, index),
                    Decl::Dynamic { value, .. } => {
                        owners.declare(value, index);
                        dynamic_values.entry(value).or_default();
                    }
                    Decl::Embed(expr) => owners.declare(expr, index),
                    _ => {}
                }
            }
        }
        owners.sort();
        // The reference that was followed last, while that still says all.
        let mut last = NO_EXPR;
        for &(label, arc) in &arcs {
            let mut at = self.n(arc).conjuncts;
            while at != NIL {
                let c = self.conjuncts[at as usize];
                at = c.next;
                let Some(own) = owners.of(c.expr) else {
                    continue;
                };
                if let Some(labels) = dynamic_values.get_mut(&c.expr) {
                    labels.push_back(label);
                }
                if c.info.refs == 0 {
                    if let Some(place) = self.field_place(&literals, own, c.expr) {
                        own.iter().for_each(|&i| literals[i].place = place);
                        last = NO_EXPR;
                    }
                    continue;
                }
                // What came through a reference stands where the reference does.
                let reference = self.first_reference(c.info.refs);
                let place = self.program.places[reference as usize];
                let own = own.clone();
                if owners.add(reference, &own) || last != reference {
                    let all = owners.of(reference).into_iter().flatten();
                    all.for_each(|&i| literals[i].place = place);
                    last = reference;
                }
            }
        }
        if flat && let Some(first) = literals.first() {
            let place = first.place;
            literals
                .iter_mut()
                .for_each(|literal| literal.place = place);
        }
        // Operands of `&` are explicit unifications.
        let mut work: SmallVec<[ExprId; 16]> = SmallVec::new();
        let mut at = match flat {
            true => NIL,
            false => self.n(node).conjuncts,
        };
        while at != NIL {
            let c = self.conjuncts[at as usize];
            work.push(c.expr);
            at = c.next;
        }
        for literal in inserted.iter().map(|&i| &literals[i]) {
            let shape = &self.program.shapes[literal.shape as usize];
            for d in shape.start..shape.start + shape.len {
                if let Decl::Embed(expr) = self.program.decls[d as usize] {
                    work.push(expr);
                }
            }
        }
        let mut next = 0;
        while next < work.len() && next < 10_000 {
            let expr = work[next];
            next += 1;
            let Expr::Unify(a, b) = self.program.exprs[expr as usize] else {
                continue;
            };
            for side in [a, b] {
                let own = owners.of(side).into_iter().flatten();
                own.for_each(|&i| literals[i].explicit = true);
                if let Expr::Struct(shape) = self.program.exprs[side as usize]
                    && let Some(i) = by_shape.get(&literals, shape)
                {
                    literals[i].explicit = true;
                }
                work.push(side);
            }
        }
        for literal in &mut literals {
            let shape = &self.program.shapes[literal.shape as usize];
            literal.dynamic = (shape.start..shape.start + shape.len).any(|d| {
                matches!(self.program.decls[d as usize], Decl::Dynamic { value, .. }
                    if dynamic_values.get(&value).is_some_and(|l| !l.is_empty()))
            });
        }
        // From here on, one entry for each insertion that has labels of its own.
        let mut seen = vec![false; literals.len()];
        inserted.retain(|&mut i| literals[i].dynamic || !std::mem::replace(&mut seen[i], true));
        let mut literals: SmallVec<[Literal; 8]> =
            inserted.iter().map(|&i| literals[i].clone()).collect();
        literals.sort_by(|a, b| {
            (a.place.file, a.place.span.start)
                .cmp(&(b.place.file, b.place.span.start))
                .then(a.dynamic.cmp(&b.dynamic))
        });
        let batches = batches(&literals);
        let mut graph = Graph::new(&arcs);
        let mut previous: Chain = Chain::new();
        let mut before: Option<Place> = None;
        for batch in &batches {
            let explicit = batch.len() > 1 || literals[batch[0]].explicit;
            let first = literals[batch[0]].place;
            if before.is_some_and(|p| p.file != first.file) {
                previous.clear();
            }
            let mut frontier = Chain::new();
            for &i in batch {
                let literal = &literals[i];
                let mut chain = previous.clone();
                let shape = &self.program.shapes[literal.shape as usize];
                for d in shape.start..shape.start + shape.len {
                    let label = match self.program.decls[d as usize] {
                        Decl::Field { label, .. } => label,
                        Decl::Dynamic { value, .. } => {
                            match dynamic_values.get_mut(&value).and_then(VecDeque::pop_front) {
                                Some(label) => label,
                                None => continue,
                            }
                        }
                        _ => continue,
                    };
                    let Some(vertex) = graph.vertex(label) else {
                        continue;
                    };
                    let owner = graph.owner[vertex];
                    if owner.is_some_and(|(o, _)| o == i) {
                        continue;
                    }
                    if owner.is_some_and(|(_, file)| file == literal.place.file) && !explicit {
                        continue;
                    }
                    graph.owner[vertex] = Some((i, literal.place.file));
                    graph.edges.extend(chain.iter().map(|&from| (from, vertex)));
                    chain.clear();
                    chain.push(vertex);
                }
                frontier.extend(chain);
            }
            frontier.dedup();
            previous = frontier;
            before = Some(first);
        }
        let names: SmallVec<[Cow<'_, str>; 16]> = arcs
            .iter()
            .map(|(label, _)| self.sort_name(*label))
            .collect();
        graph.sort(&names)
    }

    fn sort_name(&self, label: Label) -> Cow<'_, str> {
        if label.is_int() {
            format!("{:012}", label.id()).into()
        } else if label.is_string() {
            self.program.strings.get(label.id()).into()
        } else {
            self.program.label_text(label).into()
        }
    }

    fn shape_place(&self, shape: &Shape) -> Place {
        let nowhere = Place {
            file: crate::diagnostic::FileId(0),
            span: Default::default(),
        };
        if shape.len == 0 {
            return nowhere;
        }
        self.program
            .decl_places
            .get(shape.start as usize)
            .copied()
            .unwrap_or(nowhere)
    }

    fn field_place(&self, literals: &[Literal], owners: &[usize], value: ExprId) -> Option<Place> {
        for &i in owners {
            let shape = &self.program.shapes[literals[i].shape as usize];
            for d in shape.start..shape.start + shape.len {
                match self.program.decls[d as usize] {
                    Decl::Field { value: v, .. } | Decl::Dynamic { value: v, .. } if v == value => {
                        return Some(self.program.decl_places[d as usize]);
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// Positions of literals, in order.
type Positions = SmallVec<[usize; 2]>;

/// Which literals have a field, or an embedding, of that value, and which came through a reference: by expression.
#[derive(Default)]
struct Owners(SmallVec<[(ExprId, Positions); 16]>);

impl Owners {
    /// Before [`Owners::sort`], once for each declaration.
    fn declare(&mut self, value: ExprId, position: usize) {
        self.0.push((value, Positions::from_slice(&[position])));
    }

    fn sort(&mut self) {
        if !self.0.is_sorted_by_key(|(expr, _)| *expr) {
            self.0.sort_by_key(|(expr, _)| *expr);
        }
        self.0.dedup_by(|next, before| {
            let same = next.0 == before.0;
            if same {
                before.1.extend_from_slice(&next.1);
                before.1.dedup();
            }
            same
        });
    }

    fn find(&self, expr: ExprId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&expr, |(known, _)| *known)
    }

    fn of(&self, expr: ExprId) -> Option<&Positions> {
        self.find(expr).ok().map(|at| &self.0[at].1)
    }

    /// Says whether there was anything to add.
    fn add(&mut self, expr: ExprId, positions: &Positions) -> bool {
        match self.find(expr) {
            Err(at) => {
                self.0.insert(at, (expr, positions.clone()));
                true
            }
            Ok(at) => {
                let known = &mut self.0[at].1;
                let before = known.len();
                for &position in positions {
                    if let Err(at) = known.binary_search(&position) {
                        known.insert(at, position);
                    }
                }
                known.len() > before
            }
        }
    }
}

/// Where the literal of a shape stands; of many, by hash.
#[derive(Default)]
struct ByShape(FxHashMap<ShapeId, usize>);

impl ByShape {
    fn add(&mut self, shape: ShapeId, position: usize) {
        if position >= MAX_SEARCHED {
            self.0.insert(shape, position);
        }
    }

    fn get(&self, literals: &[Literal], shape: ShapeId) -> Option<usize> {
        let first = &literals[..literals.len().min(MAX_SEARCHED)];
        let found = first.iter().position(|literal| literal.shape == shape);
        found.or_else(|| self.0.get(&shape).copied())
    }
}

/// Literals that stand side by side.
type Batch = SmallVec<[usize; 4]>;

/// Groups literals of one position; adjacent explicit groups of one file are one.
fn batches(literals: &[Literal]) -> SmallVec<[Batch; 8]> {
    let explicit = |batch: &Batch| batch.len() > 1 || literals[batch[0]].explicit;
    let mut out: SmallVec<[Batch; 8]> = SmallVec::new();
    let mut batch = Batch::new();
    let flush = |batch: Batch, out: &mut SmallVec<[Batch; 8]>| {
        if batch.is_empty() {
            return;
        }
        if let Some(last) = out.last_mut()
            && explicit(&batch)
            && explicit(last)
            && literals[last[0]].place.file == literals[batch[0]].place.file
        {
            last.extend(batch);
        } else {
            out.push(batch);
        }
    };
    for (index, literal) in literals.iter().enumerate() {
        let same = batch.first().is_some_and(|&first| {
            let first: &Literal = &literals[first];
            first.place.file == literal.place.file
                && first.place.span.start == literal.place.span.start
                && !literal.dynamic
        });
        if !batch.is_empty() && !same {
            flush(std::mem::take(&mut batch), &mut out);
        }
        batch.push(index);
    }
    flush(batch, &mut out);
    out
}

/// Vertices that come before what is declared next.
type Chain = SmallVec<[usize; 8]>;

/// Of more than this, one is found by hash.
const MAX_SEARCHED: usize = 16;

/// "Comes before" among the arcs of a node.
struct Graph<'a> {
    arcs: &'a [(Label, Node)],
    index: FxHashMap<Label, usize>,
    edges: SmallVec<[(usize, usize); 16]>,
    owner: SmallVec<[Option<(usize, crate::diagnostic::FileId)>; 16]>,
}

impl Graph<'_> {
    fn new(arcs: &[(Label, Node)]) -> Graph<'_> {
        let mut index = FxHashMap::default();
        if arcs.len() > MAX_SEARCHED {
            index.extend(arcs.iter().enumerate().map(|(i, (label, _))| (*label, i)));
        }
        Graph {
            arcs,
            index,
            edges: SmallVec::new(),
            owner: SmallVec::from_elem(None, arcs.len()),
        }
    }

    fn vertex(&self, label: Label) -> Option<usize> {
        if self.arcs.len() > MAX_SEARCHED {
            self.index.get(&label).copied()
        } else {
            self.arcs.iter().position(|(known, _)| *known == label)
        }
    }

    /// Topological order of the strongly connected components; within one, and among those that
    /// are ready, by name.
    fn sort(&self, names: &[Cow<'_, str>]) -> Vec<u32> {
        if let Some(out) = self.sort_few(names) {
            return out;
        }
        let single = (0..names.len()).map(|i| i as u32).collect::<Vec<_>>();
        let out = self.sort_components(names, &single, &single);
        if out.len() == names.len() {
            return out;
        }
        // There are cycles.
        let components = self.components();
        let mut members = single;
        members.sort_by_key(|&i| (components[i as usize], &names[i as usize]));
        self.sort_components(names, &components, &members)
    }

    /// The order of up to 64 vertices, with those that come before one as the bits of a set; `None` where there are
    /// more, or cycles.
    fn sort_few(&self, names: &[Cow<'_, str>]) -> Option<Vec<u32>> {
        if names.len() > 64 {
            return None;
        }
        let mut before: SmallVec<[u64; 16]> = SmallVec::from_elem(0, names.len());
        for &(from, to) in &self.edges {
            if from != to {
                before[to] |= 1 << from;
            }
        }
        let mut out = Vec::with_capacity(names.len());
        let mut left = u64::MAX >> (64 - names.len().max(1));
        while out.len() < names.len() {
            let mut next: Option<usize> = None;
            for (vertex, before) in before.iter().enumerate() {
                let ready = left & (1 << vertex) != 0 && before & left == 0;
                if ready && next.is_none_or(|next| names[vertex] < names[next]) {
                    next = Some(vertex);
                }
            }
            let next = next?;
            left &= !(1 << next);
            out.push(next as u32);
        }
        Some(out)
    }

    /// The order, given the component of each vertex and all vertices by component; less than all of them where
    /// components depend on each other.
    fn sort_components(
        &self,
        names: &[Cow<'_, str>],
        components: &[u32],
        members: &[u32],
    ) -> Vec<u32> {
        let count = components.iter().max().map_or(0, |&c| c as usize + 1);
        // Where the members of each component, and the edges out of it, begin.
        let starts = |keys: &mut dyn Iterator<Item = usize>| {
            let mut starts: SmallVec<[u32; 17]> = SmallVec::from_elem(0, count + 1);
            for key in keys {
                starts[key + 1] += 1;
            }
            for i in 0..count {
                starts[i + 1] += starts[i];
            }
            starts
        };
        let component = |vertex: usize| components[vertex] as usize;
        let first = starts(&mut members.iter().map(|&i| component(i as usize)));
        let mut edges: SmallVec<[(usize, usize); 16]> = self
            .edges
            .iter()
            .map(|&(from, to)| (component(from), component(to)))
            .filter(|(from, to)| from != to)
            .collect();
        edges.sort_unstable();
        let outgoing = starts(&mut edges.iter().map(|&(from, _)| from));
        let mut incoming: SmallVec<[u32; 16]> = SmallVec::from_elem(0, count);
        for &(_, to) in &edges {
            incoming[to] += 1;
        }
        let name = |component: usize| &*names[members[first[component] as usize] as usize];
        let mut ready: BinaryHeap<Reverse<(&str, usize)>> = (0..count)
            .filter(|&component| incoming[component] == 0)
            .map(|component| Reverse((name(component), component)))
            .collect();
        let mut out = Vec::with_capacity(names.len());
        while let Some(Reverse((_, component))) = ready.pop() {
            out.extend(&members[first[component] as usize..first[component + 1] as usize]);
            for &(_, to) in &edges[outgoing[component] as usize..outgoing[component + 1] as usize] {
                incoming[to] -= 1;
                if incoming[to] == 0 {
                    ready.push(Reverse((name(to), to)));
                }
            }
        }
        out
    }

    /// Tarjan's strongly connected components, without recursion.
    fn components(&self) -> Vec<u32> {
        let n = self.arcs.len();
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); n];
        for &(from, to) in &self.edges {
            edges[from].push(to);
        }
        let (mut low, mut number) = (vec![0; n], vec![usize::MAX; n]);
        let (mut on_stack, mut component) = (vec![false; n], vec![u32::MAX; n]);
        let (mut stack, mut counter, mut found) = (Vec::new(), 0, 0);
        for root in 0..n {
            if number[root] != usize::MAX {
                continue;
            }
            let mut work = vec![(root, 0)];
            while let Some(&mut (vertex, ref mut edge)) = work.last_mut() {
                if *edge == 0 {
                    number[vertex] = counter;
                    low[vertex] = counter;
                    counter += 1;
                    stack.push(vertex);
                    on_stack[vertex] = true;
                }
                if let Some(&to) = edges[vertex].get(*edge) {
                    *edge += 1;
                    if number[to] == usize::MAX {
                        work.push((to, 0));
                    } else if on_stack[to] {
                        low[vertex] = low[vertex].min(number[to]);
                    }
                    continue;
                }
                if low[vertex] == number[vertex] {
                    while let Some(top) = stack.pop() {
                        on_stack[top] = false;
                        component[top] = found;
                        if top == vertex {
                            break;
                        }
                    }
                    found += 1;
                }
                work.pop();
                if let Some(&mut (parent, _)) = work.last_mut() {
                    low[parent] = low[parent].min(low[vertex]);
                }
            }
        }
        component
    }
}
