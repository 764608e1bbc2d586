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
        // With one literal that declares every field, the order is its own.
        let first = self.structs[self.n(node).structs as usize];
        if first.next == NIL {
            let shape = &self.program.shapes[first.shape as usize];
            let mut declared = Vec::with_capacity(arcs.len());
            let mut plain = true;
            for index in shape.start..shape.start + shape.len {
                match self.program.decls[index as usize] {
                    Decl::Field { label, .. } => declared.push(label),
                    Decl::Dynamic { .. } => plain = false,
                    _ => {}
                }
            }
            if plain {
                // In the common case the arcs stand in the order of the declarations.
                let mut at = 0;
                let in_order = arcs.iter().all(|&(label, _)| {
                    while at < declared.len() && declared[at] != label {
                        at += 1;
                    }
                    at < declared.len()
                });
                if in_order {
                    return Arcs::from_slice(arcs);
                }
            }
        }
        let arcs = self.arc_vec(node);
        if arcs.len() > MAX_CACHED {
            return self
                .sorted_arcs(node)
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
                let order = self.sorted_arcs(node);
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
    fn first_reference(&self, refs: u32) -> ExprId {
        let mut record = &self.refs[refs as usize - 1];
        while record.next != 0 {
            record = &self.refs[record.next as usize - 1];
        }
        record.expr
    }

    /// The output order, as indices of arcs.
    fn sorted_arcs(&mut self, node: Node) -> Vec<u32> {
        let arcs = self.arc_vec(node);
        // The literals by shape: where a literal was inserted several times, as by each firing of a comprehension,
        // all that is found out here holds of each of them.
        let mut inserted: Vec<usize> = Vec::new();
        let mut literals: Vec<Literal> = Vec::new();
        let mut by_shape: FxHashMap<ShapeId, usize> = FxHashMap::default();
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            inserted.push(*by_shape.entry(info.shape).or_insert_with(|| {
                literals.push(Literal {
                    shape: info.shape,
                    place: self.shape_place(&self.program.shapes[info.shape as usize]),
                    dynamic: false,
                    explicit: false,
                });
                literals.len() - 1
            }));
            at = info.next;
        }
        inserted.reverse();

        // Which literals declare a field with that value.
        let mut owners: FxHashMap<ExprId, SmallVec<[usize; 2]>> = FxHashMap::default();
        let mut dynamic_values: FxHashMap<ExprId, VecDeque<Label>> = FxHashMap::default();
        for (index, literal) in literals.iter().enumerate() {
            let shape = &self.program.shapes[literal.shape as usize];
            for d in shape.start..shape.start + shape.len {
                match self.program.decls[d as usize] {
                    Decl::Field { value, .. } => owners.entry(value).or_default().push(index),
                    Decl::Dynamic { value, .. } => {
                        owners.entry(value).or_default().push(index);
                        dynamic_values.entry(value).or_default();
                    }
                    Decl::Embed(expr) => owners.entry(expr).or_default().push(index),
                    _ => {}
                }
            }
        }
        for &(label, arc) in &arcs {
            let mut at = self.n(arc).conjuncts;
            while at != NIL {
                let c = self.conjuncts[at as usize];
                at = c.next;
                let Some(indices) = owners.get(&c.expr).cloned() else {
                    continue;
                };
                if let Some(labels) = dynamic_values.get_mut(&c.expr) {
                    labels.push_back(label);
                }
                let mut place = self.field_place(&literals, &indices, c.expr);
                if c.info.refs != 0 {
                    let reference = self.first_reference(c.info.refs);
                    place = Some(self.program.places[reference as usize]);
                    let known = owners.entry(reference).or_default();
                    for &i in &indices {
                        if !known.contains(&i) {
                            known.push(i);
                        }
                    }
                    for &i in known.iter() {
                        if let Some(place) = place {
                            literals[i].place = place;
                        }
                    }
                }
                if let Some(place) = place {
                    for &i in &indices {
                        literals[i].place = place;
                    }
                }
            }
        }
        // Operands of `&` are explicit unifications.
        let mut work: Vec<ExprId> = Vec::new();
        let mut at = self.n(node).conjuncts;
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
                if let Some(indices) = owners.get(&side) {
                    for &i in indices {
                        literals[i].explicit = true;
                    }
                }
                if let Expr::Struct(shape) = self.program.exprs[side as usize]
                    && let Some(&i) = by_shape.get(&shape)
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
        // From here on, one entry for each insertion.
        let mut literals: Vec<Literal> = inserted.iter().map(|&i| literals[i].clone()).collect();
        literals.sort_by(|a, b| {
            (a.place.file, a.place.span.start)
                .cmp(&(b.place.file, b.place.span.start))
                .then(a.dynamic.cmp(&b.dynamic))
        });
        let batches = batches(&literals);
        let mut graph = Graph::new(&arcs);
        let mut previous: Vec<Label> = Vec::new();
        let mut before: Option<Place> = None;
        for batch in &batches {
            let explicit = batch.len() > 1 || literals[batch[0]].explicit;
            let first = literals[batch[0]].place;
            if before.is_some_and(|p| p.file != first.file) {
                previous.clear();
            }
            let mut frontier = Vec::new();
            for &i in batch {
                let literal = &literals[i];
                let mut chain = previous.clone();
                let shape = self.program.shapes[literal.shape as usize].clone();
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
                    let Some(vertex) = graph.index.get(&label).copied() else {
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
                    for from in &chain {
                        if let Some(&from) = graph.index.get(from) {
                            graph.edges[from].push(vertex);
                        }
                    }
                    chain = vec![label];
                }
                frontier.extend(chain);
            }
            frontier.dedup();
            previous = frontier;
            before = Some(first);
        }
        let names: Vec<String> = arcs
            .iter()
            .map(|(label, _)| self.sort_name(*label))
            .collect();
        graph.sort(&names)
    }

    fn sort_name(&self, label: Label) -> String {
        if label.is_int() {
            return format!("{:012}", label.id());
        }
        let text = self.program.label_text(label);
        match text.strip_prefix('"') {
            Some(_) if label.is_string() => self.program.strings.get(label.id()).to_string(),
            _ => text,
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

    fn field_place(&self, literals: &[Literal], indices: &[usize], value: ExprId) -> Option<Place> {
        for &i in indices {
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

/// Groups literals of one position; adjacent explicit groups of one file are one.
fn batches(literals: &[Literal]) -> Vec<Vec<usize>> {
    let explicit = |batch: &[usize]| batch.len() > 1 || literals[batch[0]].explicit;
    let mut out: Vec<Vec<usize>> = Vec::new();
    let mut batch: Vec<usize> = Vec::new();
    let flush = |batch: Vec<usize>, out: &mut Vec<Vec<usize>>| {
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

struct Graph {
    index: FxHashMap<Label, usize>,
    edges: Vec<Vec<usize>>,
    owner: Vec<Option<(usize, crate::diagnostic::FileId)>>,
}

impl Graph {
    fn new(arcs: &[(Label, Node)]) -> Graph {
        let index = arcs
            .iter()
            .enumerate()
            .map(|(i, (label, _))| (*label, i))
            .collect();
        Graph {
            index,
            edges: vec![Vec::new(); arcs.len()],
            owner: vec![None; arcs.len()],
        }
    }

    /// Topological order of the strongly connected components; within one, and among those that
    /// are ready, by name.
    fn sort(&self, names: &[String]) -> Vec<u32> {
        let components = self.components();
        let count = components.iter().max().map_or(0, |c| c + 1);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (vertex, &component) in components.iter().enumerate() {
            members[component].push(vertex);
        }
        for list in &mut members {
            list.sort_by(|&a, &b| names[a].cmp(&names[b]));
        }
        let mut incoming = vec![0usize; count];
        let mut outgoing: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (vertex, edges) in self.edges.iter().enumerate() {
            for &to in edges {
                let (a, b) = (components[vertex], components[to]);
                if a != b {
                    outgoing[a].push(b);
                    incoming[b] += 1;
                }
            }
        }
        let mut ready: BinaryHeap<Reverse<(&str, usize)>> = BinaryHeap::new();
        for component in 0..count {
            if incoming[component] == 0 {
                ready.push(Reverse((&names[members[component][0]], component)));
            }
        }
        let mut out = Vec::with_capacity(names.len());
        while let Some(Reverse((_, component))) = ready.pop() {
            out.extend(members[component].iter().map(|&i| i as u32));
            for &to in &outgoing[component] {
                incoming[to] -= 1;
                if incoming[to] == 0 {
                    ready.push(Reverse((&names[members[to][0]], to)));
                }
            }
        }
        out
    }

    /// Tarjan's strongly connected components, without recursion.
    fn components(&self) -> Vec<usize> {
        let n = self.edges.len();
        let (mut low, mut number) = (vec![0; n], vec![usize::MAX; n]);
        let (mut on_stack, mut component) = (vec![false; n], vec![usize::MAX; n]);
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
                if let Some(&to) = self.edges[vertex].get(*edge) {
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
