//! Pattern constraints; many of them on one struct, found without trying each with each field.
//!
//! A pattern such as `=~"^app-"` can only match labels that begin as it does. Where a struct has many patterns, they
//! are kept by what their labels must begin with, and the labels are kept sorted; so a new field is held
//! against the few patterns that it could match, and a new pattern against the few fields.

use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use crate::value::regex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// More patterns than this are indexed.
const MANY: usize = 16;

/// The patterns and the labels of a struct with many patterns.
#[derive(Clone, Debug, Default)]
pub(super) struct PatternIndex {
    /// Regular expressions, by their text.
    by_text: FxHashMap<StrId, u32>,
    /// Those whose labels all begin with the same text.
    by_prefix: FxHashMap<Box<str>, SmallVec<[u32; 1]>>,
    /// How long such texts are, each length once.
    lengths: Vec<usize>,
    /// All other patterns.
    others: Vec<u32>,
    /// The labels of the first `seen` arcs, each with the arc's index.
    labels: BTreeMap<Arc<str>, u32>,
    seen: u32,
    last: Option<(Label, Node)>,
}

impl PatternIndex {
    fn add(&mut self, at: u32, text: Option<StrId>, prefix: Option<String>) {
        if let Some(text) = text {
            self.by_text.insert(text, at);
        }
        match prefix {
            Some(prefix) => {
                if let Err(place) = self.lengths.binary_search(&prefix.len()) {
                    self.lengths.insert(place, prefix.len());
                }
                self.by_prefix.entry(prefix.into()).or_default().push(at);
            }
            None => self.others.push(at),
        }
    }
}

impl Machine<'_> {
    /// Adds a pattern constraint and applies it to the fields that are there.
    pub(super) fn insert_pattern(
        &mut self,
        node: Node,
        pattern: Value,
        expr: ExprId,
        env: EnvId,
        info: Info,
    ) {
        if self.n(node).patterns == NIL {
            self.patterns.push(Patterns::default());
            self.n_mut(node).patterns = (self.patterns.len() - 1) as u32;
        }
        let id = self.n(node).patterns as usize;
        let c = PatternConjunct { expr, env, info };
        match self.same_pattern(id, pattern) {
            Some(index) => {
                for i in 0..self.patterns[id].pairs[index].1.len() {
                    let other = self.patterns[id].pairs[index].1[i];
                    if other.expr == expr && self.same_env(other.env, env) {
                        self.add_replacement(node, info.group, other.info.group);
                        return;
                    }
                }
                self.patterns[id].pairs[index].1.push(c);
            }
            None => self.push_pattern(id, pattern, c),
        }
        let candidates = self.candidate_arcs(node, pattern);
        let mut index = 0;
        loop {
            let at = match &candidates {
                Some(some) => some.get(index as usize).copied(),
                None => Some(index),
            };
            let Some(at) = at.filter(|&at| at < self.n(node).arc_count) else {
                break;
            };
            let (label, arc) = self.arc(node, at);
            index += 1;
            if !label.is_regular() || self.n(arc).arc_type == ArcType::Pending {
                continue;
            }
            if self.matches_pattern(pattern, label) {
                let arc_type = self.n(arc).arc_type;
                self.insert_matched(arc, arc_type, c, label);
            }
        }
    }

    /// Whether a label is one the pattern stands for.
    pub(super) fn matches_pattern(&mut self, pattern: Value, label: Label) -> bool {
        if !label.is_regular() {
            return false;
        }
        let kind = if label.is_string() {
            Kind::STRING
        } else {
            Kind::INT
        };
        let pattern = match pattern {
            Value::Node(node) => {
                self.finalize(node);
                self.unwrap(pattern)
            }
            other => other,
        };
        if self.kind(pattern).and(kind).is_empty() {
            if let Value::Bottom(error) = pattern {
                self.add_error(error);
            }
            return false;
        }
        match pattern {
            Value::Top => true,
            Value::Kind(k) => k.contains(kind),
            Value::String(id) => label.is_string() && label.id() == id,
            Value::Int(value) => label.is_int() && i64::from(label.id()) == value,
            Value::Bound(_) => {
                let value = self.label_value(label);
                self.satisfies(pattern, value)
            }
            Value::Conjunction(index) => {
                let parts = self.conjunction(index).to_vec();
                parts
                    .into_iter()
                    .all(|part| self.matches_pattern(part, label))
            }
            Value::Disjunction(index) => {
                let parts = self.disjunctions[index as usize].values.clone();
                parts
                    .into_iter()
                    .any(|part| self.matches_pattern(part, label))
            }
            _ => {
                let value = self.label_value(label);
                let node = self.unify_alone(pattern, value);
                self.bottom_of(self.deref(node)).is_none()
            }
        }
    }

    pub(super) fn label_value(&self, label: Label) -> Value {
        if label.is_int() {
            Value::Int(i64::from(label.id()))
        } else {
            Value::String(label.id())
        }
    }

    /// The text of a pattern that is one regular expression.
    fn expression_of(&self, pattern: Value) -> Option<StrId> {
        let Value::Bound(index) = pattern else {
            return None;
        };
        let bound = self.program.bounds[index as usize];
        match bound.value {
            Value::String(text) if bound.op == Comparison::Match => Some(text),
            _ => None,
        }
    }

    /// What every label that matches begins with.
    fn prefix_of(&self, pattern: Value) -> Option<String> {
        regex::prefix(self.program.strings.get(self.expression_of(pattern)?))
    }

    /// Which of the node's patterns is the same as this one.
    pub(super) fn same_pattern(&mut self, id: usize, pattern: Value) -> Option<usize> {
        let expression = self.expression_of(pattern);
        if let Some(index) = &self.patterns[id].index
            && let Some(text) = expression
        {
            if let Some(&known) = index.by_text.get(&text) {
                return Some(known as usize);
            }
            for i in 0..index.others.len() {
                let at = self.patterns[id].index.as_ref()?.others[i] as usize;
                let other = self.patterns[id].pairs[at].0;
                if self.expression_of(other).is_none()
                    && self.equal_values(other, pattern, Equality::Loose)
                {
                    return Some(at);
                }
            }
            return None;
        }
        (0..self.patterns[id].pairs.len()).find(|&at| {
            let other = self.patterns[id].pairs[at].0;
            other == pattern || self.equal_values(other, pattern, Equality::Loose)
        })
    }

    pub(super) fn push_pattern(&mut self, id: usize, pattern: Value, conjunct: PatternConjunct) {
        let pairs = &mut self.patterns[id].pairs;
        pairs.push((pattern, [conjunct].into_iter().collect()));
        let count = pairs.len();
        if count <= MANY {
            return;
        }
        let (mut index, from) = match self.patterns[id].index.take() {
            Some(index) => (index, count - 1),
            None => (Box::default(), 0),
        };
        for at in from..count {
            let pattern = self.patterns[id].pairs[at].0;
            let (text, prefix) = (self.expression_of(pattern), self.prefix_of(pattern));
            index.add(at as u32, text, prefix);
        }
        self.patterns[id].index = Some(index);
    }

    /// Which of a struct's patterns match the label.
    pub(super) fn matching_patterns(
        &mut self,
        patterns: u32,
        label: Label,
    ) -> SmallVec<[usize; 4]> {
        let id = patterns as usize;
        let mut out = SmallVec::new();
        let mut add_if_matched = |m: &mut Self, index: usize| {
            let pattern = m.patterns[id].pairs[index].0;
            if m.matches_pattern(pattern, label) {
                out.push(index);
            }
        };
        match self.candidate_patterns(id, label) {
            Some(some) => some
                .iter()
                .for_each(|&index| add_if_matched(self, index as usize)),
            None => {
                (0..self.patterns[id].pairs.len()).for_each(|index| add_if_matched(self, index));
            }
        }
        out
    }

    /// The patterns that a label could match; `None` where all could.
    fn candidate_patterns(&self, id: usize, label: Label) -> Option<SmallVec<[u32; 16]>> {
        let index = self.patterns[id].index.as_ref()?;
        let mut found: SmallVec<[u32; 16]> = SmallVec::from_slice(&index.others);
        if label.is_string() {
            let text = self.program.strings.get(label.id());
            // A length that ends within a character is that of no prefix of this text.
            for prefix in index
                .lengths
                .iter()
                .filter_map(|&length| text.get(..length))
            {
                if let Some(at) = index.by_prefix.get(prefix) {
                    found.extend_from_slice(at);
                }
            }
        }
        found.sort_unstable();
        Some(found)
    }

    /// The arcs, by index, that could match a pattern; `None` where all could.
    pub(super) fn candidate_arcs(&mut self, node: Node, pattern: Value) -> Option<Vec<u32>> {
        let id = self.n(node).patterns as usize;
        self.patterns[id].index.as_ref()?;
        let prefix = self.prefix_of(pattern)?;
        let mut index = self.patterns[id].index.take()?;
        let count = self.n(node).arc_count;
        let same = index.seen <= count
            && (index.seen == 0 || index.last == Some(self.arc(node, index.seen - 1)));
        if !same {
            index.labels.clear();
            index.seen = 0;
        }
        while index.seen < count {
            let (label, arc) = self.arc(node, index.seen);
            if label.is_string() {
                let text = self.program.strings.shared(label.id());
                index.labels.insert(text, index.seen);
            }
            index.last = Some((label, arc));
            index.seen += 1;
        }
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let labels = index.labels.range::<str, _>(from);
        let mut found: Vec<u32> = labels
            .take_while(|(text, _)| text.starts_with(&prefix))
            .map(|(_, &at)| at)
            .collect();
        found.sort_unstable();
        self.patterns[id].index = Some(index);
        Some(found)
    }
}
