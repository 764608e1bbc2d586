//! Whether all that one value allows is allowed by another.
//!
//! The answer may be no where yes is true: of two conjunctions, say, that come to the same in different words.

use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use crate::value::schema::Instance;

/// How two values are compared.
#[derive(Clone, Copy)]
pub(super) struct Subsumption {
    /// The one that allows is taken as its default.
    pub left_default: bool,
    /// The one that is allowed is taken as its default.
    pub right_default: bool,
    /// Closed structs are taken as open.
    pub open: bool,
    /// The one that is allowed is data as far as its own fields go: what it lacks it will not have.
    pub data: bool,
}

/// How deep values are compared.
const DEEPEST: usize = 100;

fn all(answers: impl IntoIterator<Item = Instance>) -> Instance {
    let mut answers = answers.into_iter();
    let bad = answers.find(|&answer| answer != Instance::Yes);
    bad.unwrap_or(Instance::Yes)
}

fn yes(holds: bool) -> Instance {
    if holds { Instance::Yes } else { Instance::No }
}

impl Machine<'_> {
    /// Whether `a` allows all that `b` allows.
    pub(super) fn subsumes(
        &mut self,
        a: Value,
        b: Value,
        how: Subsumption,
        depth: usize,
    ) -> Instance {
        if depth > DEEPEST {
            return Instance::Unknown;
        }
        for value in [a, b] {
            if let Value::Node(node) = value {
                self.finalize(node);
            }
        }
        let b = match how.right_default {
            true => self.some_default(b),
            false => b,
        };
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
            self.subsumes_inner(self.unwrap(a), self.unwrap(b), how, depth + 1)
        })
    }

    /// The default where there is one, else the value.
    fn some_default(&mut self, value: Value) -> Value {
        let disjunction = self.unwrap(value);
        match disjunction {
            Value::Disjunction(index) if self.disjunctions[index as usize].defaults == 1 => {
                self.disjunctions[index as usize].values[0]
            }
            _ => value,
        }
    }

    fn subsumes_inner(&mut self, a: Value, b: Value, how: Subsumption, depth: usize) -> Instance {
        if a == b {
            return Instance::Yes;
        }
        match (a, b) {
            (_, Value::Bottom(error)) => return yes(!self.code(error).is_incomplete()),
            (Value::Node(x), Value::Node(y)) => return self.subsumes_node(x, y, how, depth),
            (Value::Conjunction(x), Value::Conjunction(y)) => {
                let (x, y) = (self.conjunction(x).to_vec(), self.conjunction(y).to_vec());
                let found = x.into_iter().all(|a| {
                    y.iter()
                        .any(|&b| self.subsumes(a, b, how, depth) == Instance::Yes)
                });
                return yes(found);
            }
            (_, Value::Conjunction(y)) => {
                let y = self.conjunction(y).to_vec();
                let found =
                    (y.into_iter()).any(|b| self.subsumes(a, b, how, depth) == Instance::Yes);
                return yes(found);
            }
            (Value::Disjunction(x), Value::Disjunction(y)) if !how.left_default => {
                let x = self.disjunctions[x as usize].clone();
                let y = self.disjunctions[y as usize].clone();
                let found = y.values.iter().enumerate().all(|(i, &b)| {
                    x.values.iter().enumerate().any(|(j, &a)| {
                        (j < x.defaults || i >= y.defaults)
                            && self.subsumes(a, b, how, depth) == Instance::Yes
                    })
                });
                return yes(found);
            }
            (_, Value::Disjunction(y)) => {
                let y = self.disjunctions[y as usize].values.clone();
                return all(y.into_iter().map(|b| self.subsumes(a, b, how, depth)));
            }
            _ => {}
        }
        match a {
            Value::Top => Instance::Yes,
            Value::Kind(kind) => yes(kind.contains(self.kind(b))),
            Value::Bound(x) => self.subsumes_bound(x, b),
            Value::Validator(x) => match b {
                Value::Validator(y) => yes(self.equal_validators(x, y)),
                _ if self.is_concrete(b) => yes(self.trial_of([a, b]).1 == NIL),
                _ => Instance::No,
            },
            Value::Conjunction(x) => {
                let x = self.conjunction(x).to_vec();
                all(x.into_iter().map(|a| self.subsumes(a, b, how, depth)))
            }
            Value::Disjunction(x) => {
                let d = &self.disjunctions[x as usize];
                if how.left_default && d.defaults == 1 {
                    let a = d.values[0];
                    return self.subsumes(a, b, how, depth);
                }
                let shown = match how.left_default && d.defaults > 0 {
                    true => d.defaults,
                    false => d.values.len(),
                };
                let x = d.values[..shown].to_vec();
                let found =
                    (x.into_iter()).any(|a| self.subsumes(a, b, how, depth) == Instance::Yes);
                yes(found)
            }
            _ => yes(self.equal_scalars(a, b)),
        }
    }

    fn subsumes_bound(&mut self, x: u32, b: Value) -> Instance {
        use Comparison as C;
        let x = self.program.bounds[x as usize];
        let Value::Bound(y) = b else {
            let a = self.program.bound(x.op, x.value);
            let plain = Kind::NUMBER.or(Kind::STRING).or(Kind::BOOL);
            let plain = plain.contains(self.kind(b)) && self.is_concrete(b);
            return yes(plain && self.satisfies(a, b));
        };
        let y = self.program.bounds[y as usize];
        // What the bounds have to be to each other, from the one that allows.
        let order = match (x.op, y.op) {
            (C::Greater, C::GreaterEqual) => C::Less,
            (C::Greater | C::GreaterEqual, C::Greater | C::GreaterEqual) => C::LessEqual,
            (C::Less, C::LessEqual) => C::Greater,
            (C::Less | C::LessEqual, C::Less | C::LessEqual) => C::GreaterEqual,
            (C::NotEqual, C::GreaterEqual) => C::Less,
            (C::NotEqual, C::Greater) => C::LessEqual,
            (C::NotEqual, C::Less) => C::GreaterEqual,
            (C::NotEqual, C::LessEqual) => C::Greater,
            (C::NotEqual, C::NotEqual) | (C::Match, C::Match) | (C::NotMatch, C::NotMatch) => {
                C::Equal
            }
            _ => return Instance::No,
        };
        let comparable = [x.value, y.value].map(|value| self.is_concrete(value));
        let related = self.program.bound(order, y.value);
        yes(comparable == [true, true] && self.satisfies(related, x.value))
    }

    fn subsumes_node(&mut self, x: Node, y: Node, how: Subsumption, depth: usize) -> Instance {
        let (x, y) = (self.deref(x), self.deref(y));
        if x == y {
            return Instance::Yes;
        }
        match (self.n(x).base, self.n(y).base) {
            (Value::List { open }, Value::List { open: other }) => {
                return self.subsumes_list((x, open), (y, other), how, depth);
            }
            (Value::Struct, Value::Struct) => {}
            _ => return Instance::No,
        }
        let is_data = how.data;
        let how = Subsumption { data: false, ..how };
        let closed = |m: &Self, node| !how.open && m.is_closed_struct(node);
        let (x_closed, y_closed) = (closed(self, x), how.right_default || closed(self, y));
        if x_closed && !y_closed && !is_data {
            return Instance::No;
        }
        self.materialize_all(x);
        self.materialize_all(y);
        for (label, a) in self.arc_vec(x) {
            let presence = self.n(a).arc_type;
            if label.is_let() || presence > ArcType::Optional {
                continue;
            }
            self.finalize(a);
            let constraint = presence != ArcType::Member;
            if constraint && self.node_kind(self.deref(a)) == Kind::TOP {
                continue;
            }
            let b = match self.find_arc(y, label) {
                Some(b) if self.n(b).arc_type <= ArcType::Optional => b,
                _ if !constraint => return Instance::No,
                _ if is_data || !self.accepts(y, label) => continue,
                _ => match self.matched(y, label) {
                    Some(b) => b,
                    None => {
                        let b = self.new_inline();
                        self.set_data(b, Value::Top);
                        b
                    }
                },
            };
            if self.find_arc(y, label).is_some() && presence < self.n(b).arc_type {
                return Instance::No;
            }
            match self.subsumes(Value::Node(a), Value::Node(b), how, depth) {
                Instance::Yes => {}
                other => return other,
            }
        }
        for (label, b) in self.arc_vec(y) {
            if label.is_let()
                || self.n(b).arc_type > ArcType::Optional
                || self.find_arc(x, label).is_some()
            {
                continue;
            }
            if !self.accepts(x, label) {
                match how.open {
                    true => continue,
                    false => return Instance::No,
                }
            }
            let matched = self.matched(x, label);
            let said = matched.is_some() || self.n(x).has(NodeData::ELLIPSIS);
            if said && self.n(b).arc_type != ArcType::Member {
                return Instance::No;
            }
            let Some(a) = matched else { continue };
            match self.subsumes(Value::Node(a), Value::Node(b), how, depth) {
                Instance::Yes => {}
                other => return other,
            }
        }
        self.subsumes_patterns((x, y), is_data, how, depth)
    }

    fn subsumes_patterns(
        &mut self,
        (x, y): (Node, Node),
        is_data: bool,
        how: Subsumption,
        depth: usize,
    ) -> Instance {
        let pairs = |m: &Self, node: Node| match m.n(node).patterns {
            NIL => Vec::new(),
            id => m.patterns[id as usize].pairs.to_vec(),
        };
        let (ours, theirs) = (pairs(self, x), pairs(self, y));
        if ours.is_empty() {
            return Instance::Yes;
        }
        if theirs.is_empty() {
            return yes(is_data || self.is_closed_struct(y) || self.n(y).has(NodeData::DATA));
        }
        for (pattern, conjuncts) in ours {
            let same = theirs.iter().find(|(other, _)| {
                self.equal_values(pattern, *other, super::ops::Equality::Structural)
            });
            let Some((_, others)) = same else {
                return Instance::Unknown;
            };
            let (a, b) = (
                self.constraint(&conjuncts).0,
                self.constraint(&others.clone()).0,
            );
            match self.subsumes(Value::Node(a), Value::Node(b), how, depth) {
                Instance::Yes => {}
                other => return other,
            }
        }
        Instance::Yes
    }

    fn subsumes_list(
        &mut self,
        (x, x_open): (Node, bool),
        (y, y_open): (Node, bool),
        how: Subsumption,
        depth: usize,
    ) -> Instance {
        // By default a list has no more elements than it has.
        let y_open = y_open && !how.right_default;
        let (a, b) = (
            self.elements_of(Value::Node(x)),
            self.elements_of(Value::Node(y)),
        );
        let short = a.len() < b.len() && !x_open;
        if (!x_open && y_open) || a.len() > b.len() || short {
            return Instance::No;
        }
        for (index, &b) in b.iter().enumerate() {
            let a = match a.get(index) {
                Some(&a) => a,
                None => match self.matched(x, Label::index(index as u32)) {
                    Some(a) => Value::Node(a),
                    None => Value::Top,
                },
            };
            match self.subsumes(a, b, how, depth) {
                Instance::Yes => {}
                other => return other,
            }
        }
        Instance::Yes
    }

    /// What the patterns of a struct or list say of a field or element that is not there, as a value of its own; `None`
    /// where they say nothing.
    pub(super) fn matched(&mut self, node: Node, label: Label) -> Option<Node> {
        let id = self.n(node).patterns;
        if id == NIL {
            return None;
        }
        let mut found = Vec::new();
        for (pattern, conjuncts) in self.patterns[id as usize].pairs.clone() {
            if self.matches_pattern(pattern, label) {
                found.extend(conjuncts);
            }
        }
        (!found.is_empty()).then(|| self.constraint(&found).0)
    }

    /// What the conjuncts of patterns come to, and those conjuncts.
    pub(super) fn constraint(
        &mut self,
        conjuncts: &[PatternConjunct],
    ) -> (Node, Vec<(ExprId, EnvId)>) {
        let node = self.new_inline();
        self.n_mut(node).flags |= NodeData::PATTERN;
        for c in conjuncts {
            self.add_conjunct_record(node, c.expr, c.env, c.info.without_closedness());
        }
        self.finalize(node);
        let pieces = conjuncts.iter().map(|c| (c.expr, c.env)).collect();
        (node, pieces)
    }
}
