//! Nodes with equal conjuncts, evaluated once.
//!
//! What a node comes to depends on its conjuncts, on what these refer to, and on what closedness requires of them.
//! Another node may have all of that in common with it: the labels of a workload in each of its objects, what a
//! definition says and no instance changes, an application on each of several clusters. Such a node stands for the one that
//! was evaluated first. So does one that refers to a value and to a definition that this value is an instance of already (`instance.rs`).
//!
//! The paths of errors would be those of the first node. So this is done only by machines of which anything that is wrong
//! is evaluated anew by another one (`parts.rs`, `apart.rs`), and only nodes without errors are stood for.

use super::free::{ELEMENT, FreeNames};
use super::machine::*;
use crate::diagnostic::FileId;
use crate::resolve::program::*;
use crate::value::Data;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::SmallVec;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::Hasher;
use std::sync::Arc;

/// Nodes with more conjuncts are evaluated by themselves.
pub(super) const MAX_CONJUNCTS: usize = 8;
/// Nodes of which more is required are evaluated by themselves.
const MAX_REQUIRED: usize = 64;
/// After so many nodes that were looked for it is decided whether that is worth while ...
const TRIAL: u32 = 256;
/// ... as it is where one in so many was found.
const WORTH: u32 = 16;
/// After so many nodes of one expression in turn that had no other one equal to them, no more of them are looked for.
const MISSES: u32 = 64;

/// What is known of equal nodes.
#[derive(Clone, Debug)]
pub(super) struct Equals {
    /// By the hash of what a node comes from; into `entries`.
    index: FxHashMap<u64, u32>,
    entries: Vec<Entry>,
    /// What nodes come from, one after the other.
    keys: Vec<u32>,
    names: FreeNames,
    /// For each expression that nodes began with, how many of them in turn had no other one equal to them.
    misses: FxHashMap<ExprId, u32>,
    /// Whether values may stand for what meets them and what they are instances of, as far as order goes.
    pub orders: FxHashMap<(Node, bool, bool), bool>,
    /// The labels of fields that the program takes as values, if that can be told.
    pub taken: Option<Arc<FxHashSet<Label>>>,
    /// The data of finished structs and lists: they are asked for once by each node that stands for them.
    pub made: FxHashMap<Node, Data>,
    /// How many nodes were looked for, and how many of them were there.
    tried: u32,
    found: u32,
    /// A buffer for what the conjuncts of a node refer to.
    words: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// In `keys`.
    start: u32,
    end: u32,
    /// The expression that the node began with.
    expr: ExprId,
    /// The node that came from it, once it is evaluated without an error.
    node: Node,
    /// [`Machine::impasses`] when its evaluation began.
    since: u64,
}

impl Equals {
    pub(super) fn new(taken: Option<Arc<FxHashSet<Label>>>) -> Equals {
        Equals {
            index: FxHashMap::default(),
            entries: Vec::new(),
            keys: Vec::new(),
            names: FreeNames::new(),
            misses: FxHashMap::default(),
            orders: FxHashMap::default(),
            taken,
            made: FxHashMap::default(),
            tried: 0,
            found: 0,
            words: Vec::new(),
        }
    }

    /// Forgets the nodes, not what is known of the program.
    pub(super) fn restart(&mut self) {
        self.index.clear();
        self.entries.clear();
        self.keys.clear();
        self.orders.clear();
        self.made.clear();
        (self.tried, self.found) = (0, 0);
    }

    /// The place of the entry for the key that was written last, and whether it is a new one. `None` where another key
    /// has the same hash.
    fn entry(&mut self, start: usize, expr: ExprId, impasses: u64) -> Option<(u32, bool)> {
        let mut hasher = FxHasher::default();
        for &word in &self.keys[start..] {
            hasher.write_u32(word);
        }
        let next = self.entries.len() as u32;
        match self.index.entry(hasher.finish()) {
            MapEntry::Occupied(known) => {
                let at = *known.get();
                let entry = self.entries[at as usize];
                let same =
                    self.keys[entry.start as usize..entry.end as usize] == self.keys[start..];
                self.keys.truncate(start);
                same.then_some((at, false))
            }
            MapEntry::Vacant(vacant) => {
                vacant.insert(next);
                self.entries.push(Entry {
                    start: start as u32,
                    end: self.keys.len() as u32,
                    expr,
                    node: NIL,
                    since: impasses,
                });
                Some((next, true))
            }
        }
    }
}

/// What becomes of a node that may be equal to another one.
pub(super) enum Equal {
    /// It is evaluated by itself, and others may stand for it: the place of its entry.
    First(u32),
    /// It stands for another one, and is finished.
    Same(Node),
}

/// A conjunct, by what it means rather than by where it stands.
#[derive(Clone, Copy)]
struct Meaning {
    /// The expression, or [`FIELD`].
    what: u32,
    /// What it refers to, in the buffer of words.
    start: u32,
    end: u32,
    flags: u32,
    group: u32,
    embed: u32,
    outer: u32,
    /// Where what it brings stands in the order of fields.
    place: Option<(FileId, u32)>,
}

impl Machine<'_> {
    /// Lets a node that nobody has looked at stand for an equal one that is evaluated.
    pub(super) fn try_equal(&mut self, node: Node) -> Option<Equal> {
        let mut equals = self.equals.take()?;
        let found = self.find_equal(&mut equals, node);
        self.equals = Some(equals);
        found
    }

    fn find_equal(&mut self, equals: &mut Equals, node: Node) -> Option<Equal> {
        let data = *self.n(node);
        let unrooted = NodeData::DYNAMIC | NodeData::NON_ROOTED | NodeData::DISJUNCT;
        if !self.is_untouched(&data)
            || data.arc_type != ArcType::Member
            || data.flags & (unrooted | NodeData::PATTERN) != 0
            || equals.tried > TRIAL && equals.found < equals.tried / WORTH
        {
            return None;
        }
        let mut conjuncts: SmallVec<[Conjunct; MAX_CONJUNCTS]> = SmallVec::new();
        let mut references = 0;
        let mut at = data.conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if conjuncts.len() == MAX_CONJUNCTS || c.info.cyclic > Cyclic::Optional {
                return None;
            }
            references += usize::from(self.program.exprs[c.expr as usize].is_reference());
            conjuncts.push(c);
            at = c.next;
        }
        // A lone reference stands for what it refers to anyway.
        if conjuncts.len() == 1 && references == 1 {
            return None;
        }
        if !self.has_all_conjuncts(node) || !self.has_state(data.parent) {
            return None;
        }
        equals.tried += 1;
        let instance = match conjuncts.len() == references {
            true => self.find_instance(equals, node, &conjuncts),
            false => None,
        };
        let equal = match instance {
            Some(instance) => Equal::Same(instance),
            None => self.find_entry(equals, node, &conjuncts)?,
        };
        if let Equal::Same(same) = equal {
            equals.found += 1;
            let closed = self.n(same).flags & (NodeData::CLOSED_RECURSIVE | NodeData::ELLIPSIS);
            self.set_base(node, Value::Node(same));
            let data = self.n_mut(node);
            data.flags |= NodeData::LEAF | NodeData::SHARED | closed;
            data.status = Status::Finalized;
        }
        Some(equal)
    }

    /// The entry of a node, or who it is equal to.
    fn find_entry(
        &mut self,
        equals: &mut Equals,
        node: Node,
        conjuncts: &[Conjunct],
    ) -> Option<Equal> {
        let expr = conjuncts[0].expr;
        let misses = equals.misses.entry(expr).or_default();
        if *misses >= MISSES {
            return None;
        }
        *misses += 1;
        equals.words.clear();
        let mut meanings: SmallVec<[Meaning; MAX_CONJUNCTS]> = SmallVec::new();
        for c in conjuncts {
            meanings.push(self.meaning(equals, c)?);
        }
        let start = equals.keys.len();
        let (keys, words) = (&mut equals.keys, &equals.words[..]);
        if self.write_key(keys, words, node, &meanings).is_none() {
            equals.keys.truncate(start);
            return None;
        }
        let (at, new) = equals.entry(start, expr, self.impasses)?;
        let entry = equals.entries[at as usize];
        match entry.node {
            _ if new => Some(Equal::First(at)),
            NIL => None,
            same => {
                equals.misses.extend([(expr, 0), (entry.expr, 0)]);
                Some(Equal::Same(same))
            }
        }
    }

    /// Notes that a node, which was the first of its kind, is evaluated.
    pub(super) fn note_equal(&mut self, node: Node) {
        let at = self.s(node).equal;
        if at == NIL || self.n(node).status != Status::Finalized {
            return;
        }
        let target = self.deref(node);
        let sound = |data: &NodeData| {
            data.child_errors == NIL && !matches!(data.base, Value::Bottom(_) | Value::Cycle)
        };
        let s = self.s(node);
        let plain = s.errors == NIL && !s.has_any_cyclic && !s.has_ancestor_cycle;
        if plain
            && sound(self.n(node))
            && sound(self.n(target))
            && let Some(equals) = &mut self.equals
            && let Some(entry) = equals.entries.get_mut(at as usize)
            && entry.since == self.impasses
        {
            entry.node = node;
        }
    }

    /// What a conjunct means, if that does not depend on the struct it stands in.
    fn meaning(&self, equals: &mut Equals, c: &Conjunct) -> Option<Meaning> {
        let free = equals.names.of(&self.program, c.expr)?;
        if free.frames & 1 != 0 {
            return None;
        }
        let start = equals.words.len() as u32;
        let mut what = c.expr;
        if let Expr::Field { label, .. } = self.program.exprs[c.expr as usize] {
            what = FIELD;
            equals.words.push(u32::from(label.is_definition()));
        }
        for &(up, label) in &free.fields {
            let frame = &self.envs[self.env_up(c.env, up) as usize];
            if frame.node == NIL {
                return None;
            }
            let scope = self.deref(frame.node);
            let target = match label {
                ELEMENT => Some(scope),
                label => self.find_arc(scope, Label(label)),
            };
            match target {
                // A finished node stands for the same for good.
                Some(target) if self.n(target).status == Status::Finalized => {
                    equals.words.push(self.deref(target));
                }
                Some(target) => equals.words.push(target),
                None => equals.words.extend([NIL, scope]),
            }
        }
        if free.frames != 0 {
            let up = free.frames.trailing_zeros() as u16;
            equals.words.push(self.env_up(c.env, up));
        }
        let Info {
            group,
            embed,
            outer,
            refs,
            cyclic,
            flags,
        } = c.info;
        Some(Meaning {
            what,
            start,
            end: equals.words.len() as u32,
            flags: u32::from(flags) | (cyclic as u32) << 8 | u32::from(refs != 0) << 10,
            group,
            embed,
            outer,
            place: self.first_place(c),
        })
    }

    /// The node that has the requirements for the fields of another one, if these are few, and the parents of groups alone
    /// say what lies in them.
    pub(super) fn requirements_of_parents(&mut self, node: Node) -> Option<Node> {
        let opened = self.s(node).evidence_flags & !Evidence::STRUCT != 0;
        if opened || !self.edges(node).is_empty() {
            return None;
        }
        let holder = self.required(node);
        let required = &self.s(holder).required;
        let few = required.len() <= MAX_REQUIRED;
        (few && required.is_sorted_by_key(|r| r.id)).then_some(holder)
    }

    /// Writes down all that decides what a node comes to: its conjuncts, and what is required of them. `None` where
    /// more than the parents of their groups decides about that.
    fn write_key(
        &mut self,
        key: &mut Vec<u32>,
        words: &[u32],
        node: Node,
        conjuncts: &[Meaning],
    ) -> Option<()> {
        let NodeData {
            parent,
            label,
            flags,
            ..
        } = *self.n(node);
        let holder = self.requirements_of_parents(parent)?;
        let required = &self.s(holder).required[..];
        let special = !label.is_regular();
        let (mut in_force, mut lasting) = (0u64, 0u64);
        for (at, r) in required.iter().enumerate() {
            let here = u64::from(r.is_in_force());
            in_force |= here << at;
            lasting |= (here & u64::from(!r.once)) << at;
        }
        // For each conjunct the requirements that it lies in, as bits; those that some, and that all of them lie in.
        let mut lies_in = [0u64; MAX_CONJUNCTS];
        let (mut some, mut all) = (0, u64::MAX);
        let mut uniform = true;
        for (index, c) in conjuncts.iter().enumerate() {
            lies_in[index] = match index.checked_sub(1) {
                Some(last) if conjuncts[last].group == c.group => lies_in[last],
                _ => self.lies_in_by_parents(required.iter().map(|r| r.id), c.group),
            };
            some |= lies_in[index];
            all &= lies_in[index];
            uniform &= (c.embed, c.outer) == (conjuncts[0].embed, conjuncts[0].outer);
        }
        // Of a hidden field nothing is required that did not touch it.
        let applies = if special { some } else { u64::MAX };
        if in_force & applies & !some != 0 {
            return None;
        }
        // What all conjuncts lie in is met by whatever they bring.
        let mut counts = lasting & applies & !all;
        // Requirements that conjuncts or others refer to, as their embedding or what is around them. One that all conjuncts
        // lie in is like any other.
        let mut named = 0u64;
        let position = |id: u32| required.iter().rposition(|r| r.id == id);
        let mut open = counts;
        for c in &conjuncts[..if uniform { 1 } else { conjuncts.len() }] {
            for id in [c.embed, c.outer] {
                if id != 0
                    && let Some(at) = position(id)
                {
                    open |= 1 << at;
                    named |= 1 << at;
                }
            }
        }
        let mut seen = open;
        while open != 0 {
            let at = open.trailing_zeros() as usize;
            open &= open - 1;
            for id in [required[at].embed, required[at].outer] {
                if id != 0
                    && let Some(around) = position(id)
                {
                    named |= 1 << around;
                    open |= 1 << around & !seen;
                    seen |= 1 << around;
                }
            }
        }
        named &= applies;
        uniform &= named & !all == 0;
        if !uniform {
            counts |= named;
        }
        let number = |id: u32| match id {
            0 => 0,
            id => match position(id) {
                Some(at) if named & 1 << at == 0 => NIL,
                Some(_) if uniform => 1,
                Some(at) => 1 + (named & ((1 << at) - 1)).count_ones(),
                None => NIL,
            },
        };
        let closed = NodeData::CLOSED_RECURSIVE | NodeData::CLOSED_ONCE | NodeData::ELLIPSIS;
        key.push(
            u32::from(flags & closed)
                | u32::from(special) << 16
                | u32::from(label.is_definition()) << 17
                | u32::from(uniform) << 18
                | (conjuncts.len() as u32) << 20,
        );
        let mut numbered = (0, 0, 0, 0);
        for (index, c) in conjuncts.iter().enumerate() {
            let first = conjuncts[..index].iter().position(|o| o.group == c.group);
            let first = first.unwrap_or(index) as u32;
            // How many of the others it comes behind: the order of fields.
            let rank = conjuncts.iter().filter(|o| o.place < c.place).count() as u32;
            if (numbered.0, numbered.1) != (c.embed, c.outer) {
                numbered = (c.embed, c.outer, number(c.embed), number(c.outer));
            }
            let words = &words[c.start as usize..c.end as usize];
            let shape = c.flags | first << 16 | rank << 20 | (words.len() as u32) << 24;
            key.extend_from_slice(&[c.what, shape, numbered.2, numbered.3]);
            key.extend_from_slice(words);
        }
        let embed = match uniform && conjuncts[0].embed != 0 {
            true => self.lies_in_by_parents(required.iter().map(|r| r.id), conjuncts[0].embed),
            false => 0,
        };
        let from = key.len();
        while counts != 0 {
            let at = counts.trailing_zeros() as usize;
            counts &= counts - 1;
            let r = &required[at];
            let is_named = named & 1 << at != 0;
            let touched = (0..conjuncts.len()).fold(0, |set, index| {
                set | ((lies_in[index] >> at & 1) as u32) << index
            });
            let within = uniform
                && r.embed != 0
                && position(r.embed).is_some_and(|around| embed & 1 << around != 0);
            let flags = (r.kind as u32)
                | u32::from(r.once) << 2
                | u32::from(r.ignored) << 3
                | u32::from(r.removed) << 4
                | u32::from(r.conjunction_opened) << 5
                | u32::from(is_named) << 6
                | u32::from(within) << 7
                | touched << 8;
            let entry = [flags, number(r.embed), number(r.outer)];
            let known = key[from..].chunks_exact(entry.len()).any(|e| e == entry);
            if is_named || !known {
                key.extend_from_slice(&entry);
            }
        }
        Some(())
    }
}

/// In place of an expression: a reference to a field.
const FIELD: u32 = u32::MAX;
