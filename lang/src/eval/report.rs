//! Errors of values as diagnostics.

use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::resolve::program::*;
use rustc_hash::FxHashSet;

/// Codes of evaluation errors.
const CONFLICT: Code = Code(201);
const NOT_ALLOWED: Code = Code(202);
const OUT_OF_BOUND: Code = Code(203);
const UNDEFINED: Code = Code(204);
const INCOMPLETE: Code = Code(205);
const REQUIRED: Code = Code(206);
const DISJUNCTION: Code = Code(207);
const USER: Code = Code(208);
const EXPLICIT: Code = Code(209);
const NOT_SATISFIED: Code = Code(210);
const LENGTH: Code = Code(211);
const OPERATION: Code = Code(212);
const AMBIGUOUS: Code = Code(213);
const STRUCTURAL: Code = Code(301);
const CYCLE: Code = Code(302);
const FROZEN: Code = Code(303);

impl Machine<'_> {
    /// The node a path continues from: indirections and a single default followed.
    pub(super) fn default_node(&self, node: Node) -> Node {
        let mut node = self.deref(node);
        while let Value::Disjunction(index) = self.n(node).base {
            let d = &self.disjunctions[index as usize];
            match d.values.first() {
                Some(&Value::Node(next)) if d.defaults == 1 => node = self.deref(next),
                _ => break,
            }
        }
        node
    }

    /// All errors at and below a node; with `concrete` also what is not concrete.
    pub(super) fn report(&mut self, node: Node, concrete: bool) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut seen = FxHashSet::default();
        self.collect(node, concrete, false, &mut found, &mut seen);
        let mut reported = FxHashSet::default();
        let mut out: Vec<Diagnostic> = Vec::new();
        for error in found {
            for diagnostic in self.diagnose_leaves(error, &mut reported) {
                if !out.contains(&diagnostic) {
                    out.push(diagnostic);
                }
            }
        }
        out.sort_by_key(|d| {
            d.labels
                .first()
                .map(|l| (l.place.file, l.place.span.start, d.path.clone()))
        });
        out
    }

    pub(super) fn diagnose_all(&mut self, error: ErrId) -> Vec<Diagnostic> {
        let mut reported = FxHashSet::default();
        self.diagnose_leaves(error, &mut reported)
    }

    fn collect(
        &mut self,
        node: Node,
        concrete: bool,
        in_definition: bool,
        found: &mut Vec<ErrId>,
        seen: &mut FxHashSet<Node>,
    ) {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
            self.collect_inner(node, concrete, in_definition, found, seen);
        });
    }

    fn collect_inner(
        &mut self,
        node: Node,
        concrete: bool,
        in_definition: bool,
        found: &mut Vec<ErrId>,
        seen: &mut FxHashSet<Node>,
    ) {
        let mut target = self.deref(node);
        if !seen.insert(target) {
            return;
        }
        if let Some(error) = self.bottom_of(target) {
            let code = self.code(error);
            let own = !self.errors[error as usize].from_child;
            if own && (!code.is_incomplete() || (concrete && !in_definition)) {
                found.push(error);
            }
            let structural = matches!(
                self.errors[error as usize].value,
                Value::Struct | Value::List { .. }
            ) || !own;
            if !structural {
                return;
            }
        } else if concrete && !in_definition {
            target = self.default_node(target);
            let base = self.n(target).base;
            if !self.is_concrete(base) && !matches!(base, Value::Struct | Value::List { .. }) {
                if let Err(error) = self.data_of(Value::Node(target)) {
                    found.push(error);
                }
                return;
            }
        }
        for (label, arc) in self.arc_vec(target) {
            if label.is_let() {
                continue;
            }
            let arc_type = self.n(arc).arc_type;
            if arc_type == ArcType::Required && label.is_regular() && concrete && !in_definition {
                let own = self.deref(arc);
                let fatal = self
                    .bottom_of(own)
                    .filter(|e| !self.code(*e).is_incomplete());
                if fatal.is_none() {
                    let error = self.required_absent(target, arc, label);
                    found.push(error);
                    continue;
                }
            }
            if arc_type > ArcType::Required {
                continue;
            }
            let definition = in_definition || !label.is_regular();
            self.collect(arc, concrete, definition, found, seen);
        }
    }

    fn diagnose_leaves(
        &mut self,
        error: ErrId,
        reported: &mut FxHashSet<ErrId>,
    ) -> Vec<Diagnostic> {
        if !reported.insert(error) {
            return Vec::new();
        }
        let e = &self.errors[error as usize];
        let grouped = matches!(&e.message, Message::Text(text) if text.is_empty());
        let single = matches!(e.message, Message::Disjunction) && e.parts.len() == 1;
        if (grouped || single) && !e.parts.is_empty() {
            let parts = e.parts.clone();
            let mut out = Vec::new();
            for part in parts {
                out.extend(self.diagnose_leaves(part, reported));
            }
            return out;
        }
        vec![self.diagnose(error)]
    }

    fn diagnose(&mut self, error: ErrId) -> Diagnostic {
        let e = self.errors[error as usize].clone();
        let code = match (&e.message, e.code) {
            (_, ErrorCode::StructuralCycle) => STRUCTURAL,
            (_, ErrorCode::Cycle) => CYCLE,
            (Message::Conflict { .. } | Message::Mismatch { .. }, _) => CONFLICT,
            (Message::NotAllowed(_), _) => NOT_ALLOWED,
            (Message::OutOfBound { .. } | Message::IncompatibleBounds { .. }, _) => OUT_OF_BOUND,
            (Message::UndefinedField(_), ErrorCode::Eval) => UNDEFINED,
            (Message::RequiredAbsent(_) | Message::RequiredMissing(_), _) => REQUIRED,
            (Message::Unresolved(_), _) => AMBIGUOUS,
            (_, ErrorCode::User) => USER,
            (_, ErrorCode::Literal) => EXPLICIT,
            (Message::Disjunction, ErrorCode::Eval) => DISJUNCTION,
            (Message::NotSatisfied { .. }, ErrorCode::Eval) => NOT_SATISFIED,
            (Message::ListLength { .. }, _) => LENGTH,
            (Message::FrozenField(_), _) => FROZEN,
            (_, ErrorCode::Incomplete) => INCOMPLETE,
            _ => OPERATION,
        };
        let message = self.describe(error);
        let mut diagnostic = Diagnostic::error(code, message.clone());
        if e.node != NIL {
            diagnostic.path = self.path(e.node);
        }
        let mut places: Vec<(Place, String)> = Vec::new();
        for place in &e.places {
            places.push((*place, String::new()));
        }
        for &expr in &e.exprs {
            if let Some(place) = self.place_of(expr)
                && place.span.end > place.span.start
                && !places.iter().any(|(p, _)| *p == place)
                && e.places.is_empty()
            {
                places.push((place, String::new()));
            }
        }
        if places.is_empty() && e.node != NIL {
            for expr in self.conjunct_exprs(e.node) {
                if let Some(place) = self.place_of(expr) {
                    places.push((place, String::new()));
                    break;
                }
            }
        }
        match &e.message {
            Message::Conflict { left, right } | Message::Mismatch { left, right, .. } => {
                let texts = [self.show(*left), self.show(*right)];
                for (slot, text) in places.iter_mut().zip(texts) {
                    slot.1 = format!("this is {text}");
                }
            }
            Message::OutOfBound { value, bound } => {
                let texts = [
                    format!("the bound {} is set here", self.show(*bound)),
                    format!("the value is {}", self.show(*value)),
                ];
                for (slot, text) in places.iter_mut().zip(texts) {
                    slot.1 = text;
                }
                places.reverse();
            }
            Message::NotAllowed(label) => {
                if let Some(slot) = places.first_mut() {
                    slot.1 = "this field is not part of the closed struct".to_string();
                }
                self.suggest_field(e.node, *label, &mut diagnostic);
            }
            Message::UndefinedField(label) => {
                self.suggest_member(e.holder, *label, &mut diagnostic);
            }
            _ => {}
        }
        for (index, (place, text)) in places.into_iter().enumerate() {
            let text = if text.is_empty() && index == 0 {
                message.clone()
            } else {
                text
            };
            diagnostic = diagnostic.label(place, text);
        }
        if matches!(e.message, Message::Disjunction) {
            for &part in e.parts.iter().take(8) {
                let text = self.describe(part);
                if !diagnostic.notes.contains(&text) {
                    diagnostic.notes.push(text);
                }
            }
            // The alternative that came nearest shows where to look.
            if let Some(&part) = e.parts.last() {
                let nearest = self.diagnose_all(part);
                if let Some(first) = nearest.into_iter().next() {
                    for label in first.labels {
                        if !diagnostic.labels.iter().any(|l| l.place == label.place) {
                            diagnostic.labels.push(label);
                        }
                    }
                    diagnostic.help.extend(first.help);
                }
            }
        }
        if matches!(e.message, Message::NotSatisfied { .. }) {
            for &part in e.parts.iter().take(4) {
                let text = self.describe(part);
                if !text.is_empty() {
                    diagnostic.notes.push(text);
                }
            }
        }
        diagnostic
    }

    /// Names the field that a refused one most likely meant.
    fn suggest_field(&mut self, arc: Node, label: Label, diagnostic: &mut Diagnostic) {
        if !label.is_string() || arc == NIL {
            return;
        }
        let parent = self.n(arc).parent;
        if parent == NIL {
            return;
        }
        let mut names: Vec<String> = Vec::new();
        let mut at = self.n(parent).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            let shape = &self.program.shapes[info.shape as usize];
            for index in shape.start..shape.start + shape.len {
                if let Decl::Field { label: l, .. } = self.program.decls[index as usize]
                    && l.is_string()
                    && l != label
                {
                    names.push(self.program.strings.get(l.id()).to_string());
                }
            }
            at = info.next;
        }
        let own = self.program.strings.get(label.id()).to_string();
        if let Some(near) = crate::diagnostic::nearest(&own, names.iter().map(String::as_str)) {
            diagnostic.help.push(format!("did you mean `{near}`?"));
            if let Some(place) = diagnostic.labels.first().map(|l| l.place) {
                diagnostic.fix = Some(crate::diagnostic::Fix {
                    title: format!("rename to `{near}`"),
                    edits: vec![(place, near.to_string())],
                });
            }
        }
    }

    fn suggest_member(&mut self, node: Node, label: Label, diagnostic: &mut Diagnostic) {
        if node == NIL || label.is_int() {
            return;
        }
        let node = self.deref(node);
        let names: Vec<String> = self
            .arc_slice(node)
            .iter()
            .map(|(l, _)| *l)
            .chain(self.deferred_labels(node))
            .map(|l| self.program.label_text(l))
            .collect();
        let own = self.program.label_text(label);
        if let Some(near) = crate::diagnostic::nearest(&own, names.iter().map(String::as_str)) {
            diagnostic.help.push(format!("did you mean `{near}`?"));
        }
    }
}
