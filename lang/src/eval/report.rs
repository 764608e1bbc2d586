//! Errors of values as diagnostics.

use super::error::{Bottom, ErrorCode, Message};
use super::follow::Found;
use super::machine::*;
use super::trace::Difference;
use crate::diagnostic::{Code, Diagnostic, Label as Mark, Place};
use crate::resolve::program::*;
use rustc_hash::{FxHashMap, FxHashSet};

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

/// What stands at the value that a law refuses.
const REFUSED: &str = "refused";

/// What stands at a part that is in one of two sides only.
const ONE_SIDED: &str = "only one side has this";

/// A walk over a value in search of errors.
#[derive(Default)]
struct Walk {
    /// The node it began with.
    start: Node,
    /// Shared nodes on the way, and the nodes that lead to them.
    shared: Vec<(Node, Node)>,
    /// Shared nodes that were visited, outside of definitions and inside.
    seen: FxHashSet<(Node, bool)>,
    /// Errors and the nodes they are of, with the path where that of the error's own node does not say where one stands.
    found: Vec<(ErrId, Node, Option<String>)>,
}

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
        let mut walk = Walk {
            start: node,
            ..Walk::default()
        };
        self.collect(node, concrete, false, &mut walk);
        let mut reported = FxHashSet::default();
        let mut out: Vec<Found> = Vec::new();
        // Where those with the same path and message are, so that a long list of errors stays linear.
        let mut alike: FxHashMap<_, Vec<usize>> = FxHashMap::default();
        for (error, node, path) in walk.found {
            for mut diagnostic in self.diagnose_leaves(error, &mut reported) {
                if let Some(path) = &path {
                    diagnostic.path.clone_from(path);
                }
                let key = (diagnostic.path.clone(), diagnostic.message.clone());
                let alike = alike.entry(key).or_default();
                if !alike
                    .iter()
                    .any(|&index| out[index].diagnostic == diagnostic)
                {
                    alike.push(out.len());
                    out.push(Found {
                        diagnostic,
                        error,
                        node,
                    });
                }
            }
        }
        let out = self.without_followers(out);
        let mut out = self.without_consequences(out);
        out.sort_by_key(|d| {
            d.labels
                .first()
                .map(|l| (l.place.file, l.place.span.start, d.path.clone()))
        });
        out
    }

    /// One mistake is one error. What shows in a library's files only, while something shows in the user's, follows from that;
    /// laws that fail for what is written at one place are counted.
    fn without_consequences(&self, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let of_user = |d: &Diagnostic| d.labels.iter().any(|label| self.is_user(label.place));
        let any = found.iter().any(of_user);
        let mut out: Vec<(Diagnostic, usize)> = Vec::new();
        for diagnostic in found {
            if any && !diagnostic.labels.is_empty() && !of_user(&diagnostic) {
                continue;
            }
            let first = diagnostic.labels.first().map(|label| label.place);
            let same = out.iter_mut().find(|(other, _)| {
                diagnostic.code == USER
                    && other.code == USER
                    && first.is_some()
                    && other.labels.first().map(|label| label.place) == first
            });
            match same {
                Some((_, count)) => *count += 1,
                None => out.push((diagnostic, 0)),
            }
        }
        self.keep_refusals(&mut out);
        let counted = out.into_iter().map(|(diagnostic, more)| match more {
            0 => diagnostic,
            1 => diagnostic.note("and 1 more error for the same reason"),
            n => diagnostic.note(format!("and {n} more errors for the same reason")),
        });
        counted.collect()
    }

    /// A law that refuses what is written at a place has said what is wrong there: the same law where that value
    /// was taken along to, and the conflict that the law words, are not said again.
    fn keep_refusals(&self, found: &mut Vec<(Diagnostic, usize)>) {
        let refused: Vec<(Place, String)> = (found.iter())
            .filter(|(diagnostic, _)| diagnostic.code == USER)
            .filter_map(|(diagnostic, _)| {
                let label = diagnostic.labels.iter().find(|l| l.message == REFUSED)?;
                self.is_user(label.place)
                    .then(|| (label.place, diagnostic.message.clone()))
            })
            .collect();
        found.retain(|(diagnostic, _)| {
            let first = diagnostic.labels.first().map(|label| label.place);
            if diagnostic.code == USER {
                diagnostic.labels.iter().any(|l| l.message == REFUSED)
                    || refused
                        .iter()
                        .all(|(_, message)| *message != diagnostic.message)
            } else {
                refused.iter().all(|&(place, _)| first != Some(place))
            }
        });
    }

    pub(super) fn diagnose_all(&mut self, error: ErrId) -> Vec<Diagnostic> {
        let mut reported = FxHashSet::default();
        self.diagnose_leaves(error, &mut reported)
    }

    fn collect(&mut self, node: Node, concrete: bool, in_definition: bool, walk: &mut Walk) {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
            let target = self.deref(node);
            if target == node {
                return self.collect_inner(node, concrete, in_definition, walk);
            }
            if !walk.seen.insert((target, in_definition)) {
                return;
            }
            walk.shared.push((target, node));
            self.collect_inner(node, concrete, in_definition, walk);
            walk.shared.pop();
        });
    }

    /// The path on which a walk came to a node, which may be shared by several fields.
    fn path_in(&self, node: Node, walk: &Walk) -> String {
        let mut labels = Vec::new();
        let mut at = node;
        let mut shared = walk.shared.as_slice();
        while at != NIL {
            if let Some(index) = shared.iter().rposition(|(target, _)| *target == at) {
                at = shared[index].1;
                shared = &shared[..index];
            }
            let data = self.n(at);
            if data.label != Label::NONE {
                labels.push(self.program.label_text(data.label));
            }
            at = data.parent;
        }
        labels.reverse();
        labels.join(".")
    }

    /// Whether a node belongs to a value without a path: an operand, the base of a selection.
    fn is_inline(&self, node: Node, walk: &Walk) -> bool {
        let mut at = node;
        while at != NIL && self.n(at).parent != NIL && at != walk.start {
            at = self.n(at).parent;
        }
        at != NIL && at != walk.start && self.n(at).flags & NodeData::DYNAMIC != 0
    }

    fn collect_inner(&mut self, node: Node, concrete: bool, in_definition: bool, walk: &mut Walk) {
        let mut target = self.deref(node);
        if let Some(error) = self.bottom_of(target) {
            let code = self.code(error);
            // That of another node's field, or of one where there are no fields, is an operand's, which nobody else reports.
            let e = &self.errors[error as usize];
            let own = !e.from_child || e.node != target || self.arc_slice(target).is_empty();
            if own && (!code.is_incomplete() || (concrete && !in_definition)) {
                let path = self
                    .is_inline(self.errors[error as usize].node, walk)
                    .then(|| self.path_in(node, walk));
                walk.found.push((error, node, path));
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
                    let path = Some(self.path_in(node, walk));
                    walk.found.push((error, node, path));
                }
                return;
            }
        }
        for (label, arc) in self.arc_vec(target) {
            if label.is_let() {
                continue;
            }
            let arc_type = self.n(arc).arc_type;
            if arc_type == ArcType::Required && concrete && !in_definition {
                let own = self.deref(arc);
                let fatal = self
                    .bottom_of(own)
                    .filter(|e| !self.code(*e).is_incomplete());
                if fatal.is_none() {
                    let error = self.required_absent(target, arc, label);
                    self.errors[error as usize].holder = node;
                    let path = Some(self.path_in(arc, walk));
                    walk.found.push((error, arc, path));
                    continue;
                }
            }
            if arc_type > ArcType::Required {
                continue;
            }
            let definition = in_definition || !label.is_regular();
            self.collect(arc, concrete, definition, walk);
        }
    }

    /// An error is reported as the errors it is made of: a group as its members, a disjunction that failed because
    /// something else did as that.
    fn diagnose_leaves(
        &mut self,
        error: ErrId,
        reported: &mut FxHashSet<ErrId>,
    ) -> Vec<Diagnostic> {
        if !reported.insert(error) {
            return Vec::new();
        }
        let e = self.errors[error as usize].clone();
        let parts = match &e.message {
            Message::Text(text) if text.is_empty() => e.parts,
            // What the message speaks of failed itself.
            Message::User(_) => e.parts,
            Message::Disjunction => {
                let said = self.worth_saying(&e);
                let caused = match self.is_own_law(&e, &said) {
                    true => Vec::new(),
                    false => self.causes_elsewhere(&e),
                };
                match (caused.is_empty(), said.len()) {
                    (false, _) => caused,
                    (true, 1) => said,
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        if parts.is_empty() {
            let of = e.exprs.first();
            if of.is_some_and(|expr| self.program.refused.contains(expr)) {
                return Vec::new();
            }
            return vec![self.diagnose(error)];
        }
        let mut out = Vec::new();
        for part in parts {
            out.extend(self.diagnose_leaves(part, reported));
        }
        out
    }

    /// Which of the errors behind a failed disjunction are of values elsewhere.
    fn causes_elsewhere(&self, disjunction: &Bottom) -> Vec<ErrId> {
        let here = self.path(disjunction.node);
        let mut leaves = Vec::new();
        self.leaves(disjunction, &mut leaves, 0);
        leaves.retain(|&leaf| {
            let e = &self.errors[leaf as usize];
            !e.code.is_incomplete() && !here.is_empty() && self.is_elsewhere(e, &here)
        });
        leaves
    }

    fn is_elsewhere(&self, e: &Bottom, here: &str) -> bool {
        let there = match e.node {
            NIL => String::new(),
            node => self.path(node),
        };
        !there.is_empty() && !there.starts_with(here)
    }

    /// Whether a disjunction failed because of an `error(…)` of its own, and not for what that speaks of.
    fn is_own_law(&self, disjunction: &Bottom, said: &[ErrId]) -> bool {
        let here = self.path(disjunction.node);
        said.iter().any(|&part| {
            let e = &self.errors[part as usize];
            e.code == ErrorCode::User && e.parts.is_empty() && !self.is_elsewhere(e, &here)
        })
    }

    fn leaves(&self, error: &Bottom, out: &mut Vec<ErrId>, depth: usize) {
        if depth > 32 || out.len() > 64 {
            return;
        }
        for &part in &error.parts {
            let e = &self.errors[part as usize];
            if e.parts.is_empty() {
                out.push(part);
            } else {
                self.leaves(e, out, depth + 1);
            }
        }
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
        if let Message::User(text) = &e.message {
            return self.diagnose_user(&e, text, diagnostic);
        }
        if matches!(e.message, Message::Disjunction)
            && let Some(found) = self.none_of(&e, &diagnostic)
        {
            return found;
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
                let place = places.first().map(|(place, _)| *place);
                self.suggest_field(e.node, *label, place, &mut diagnostic);
            }
            Message::NotSatisfied { .. } => {
                let value = self.own_conjuncts(e.node).into_iter().find_map(|c| {
                    let expr = self.program.exprs[c.expr as usize];
                    let concrete = matches!(expr, Expr::Value(value) if super::union::is_scalar(value)) || matches!(expr, Expr::List(_));
                    self.place_of(c.expr).filter(|_| concrete)
                });
                if let Some(value) =
                    value.filter(|value| !places.iter().any(|(place, _)| place == value))
                {
                    places.insert(0, (value, "the value is here".to_string()));
                    if let Some(validator) = places.get_mut(1) {
                        validator.1 = "it is checked here".to_string();
                    }
                }
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
        if matches!(
            e.message,
            Message::Conflict { .. } | Message::Mismatch { .. } | Message::OutOfBound { .. }
        ) {
            for place in self.ways(&e) {
                let mut labels = diagnostic.labels.iter();
                if !labels.any(|label| label.place.overlaps(place)) {
                    diagnostic = diagnostic.label(place, "by way of this");
                }
            }
        }
        if matches!(e.message, Message::Disjunction) {
            for part in self.worth_saying(&e).into_iter().take(8) {
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
        if matches!(e.message, Message::RequiredAbsent(_)) && e.node != NIL {
            let parent = self.n(e.node).parent;
            let around = match (e.holder, parent) {
                (NIL, NIL) => e.node,
                (NIL, parent) => parent,
                (holder, _) => holder,
            };
            // Not those of what it only stands for.
            let mut at = self.n(around).conjuncts;
            let mut user = None;
            while at != NIL {
                let c = self.conjuncts[at as usize];
                user = self.written(c.expr).or(user);
                at = c.next;
            }
            if let Some(place) =
                user.filter(|place| !diagnostic.labels.iter().any(|label| label.place == *place))
            {
                if let Some(first) = diagnostic.labels.first_mut() {
                    first.message = "required here".to_string();
                }
                let message = "missing in this".to_string();
                diagnostic.labels.insert(0, Mark { place, message });
            }
        }
        // What shows in a library only is shown where the user uses it, too.
        let shown = diagnostic
            .labels
            .iter()
            .any(|label| self.is_user(label.place));
        if !shown
            && !diagnostic.labels.is_empty()
            && let Some(place) = self.written_around(e.node)
        {
            let message = "for this".to_string();
            diagnostic.labels.insert(0, Mark { place, message });
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

    /// A disjunction that failed because one value is none of its alternatives.
    fn none_of(&mut self, e: &Bottom, diagnostic: &Diagnostic) -> Option<Diagnostic> {
        let mut leaves = Vec::new();
        self.leaves(e, &mut leaves, 0);
        let pairs: Vec<[(Value, Option<Place>); 2]> = (leaves.iter())
            .map(|&leaf| {
                let part = &self.errors[leaf as usize];
                let (Message::Conflict { left, right } | Message::Mismatch { left, right, .. }) =
                    part.message
                else {
                    return None;
                };
                let place = |i: usize| part.exprs.get(i).and_then(|&expr| self.place_of(expr));
                Some([(left, place(0)), (right, place(1))])
            })
            .collect::<Option<_>>()?;
        let [first, second, ..] = &pairs[..] else {
            return None;
        };
        let is_common =
            |side: &(Value, Option<Place>)| pairs.iter().all(|pair| pair.contains(side));
        let value = *first
            .iter()
            .find(|side| is_common(side) && second.contains(side))?;
        let mut alternatives: Vec<(Value, Option<Place>)> = Vec::new();
        for pair in &pairs {
            let other = if pair[0] == value { pair[1] } else { pair[0] };
            if !(alternatives.iter()).any(|known| known.0 == other.0) {
                alternatives.push(other);
            }
        }
        let texts: Vec<String> = alternatives.iter().map(|a| self.show(a.0)).collect();
        let shown = self.show(value.0);
        if let [only] = &alternatives[..] {
            // Whatever the alternatives were, they were the same.
            let [left, right] = [(value.1?, shown), (only.1?, self.show(only.0))];
            let mut found = diagnostic.clone();
            (found.code, found.message) = (
                CONFLICT,
                format!("conflicting values {} and {}", left.1, right.1),
            );
            found = found.label(left.0, format!("this is {}", left.1));
            return Some(found.label(right.0, format!("this is {}", right.1)));
        }
        let message = match texts.len() {
            0..=8 => format!("{shown} is none of {}", texts.join(", ")),
            n => format!("{shown} is none of {n} alternatives"),
        };
        let mut found = Diagnostic {
            message,
            ..diagnostic.clone()
        };
        let place = value.1?;
        found = found.label(place, "this is none of them");
        let mut places = alternatives.iter().filter_map(|a| a.1);
        let start = places.next()?;
        let last = places.rfind(|other| other.file == start.file);
        let span = last.map_or(start.span, |last| start.span.to(last.span));
        found = found.label(Place { span, ..start }, "one of these");
        let own = self.text_of(value.0)?;
        let names: Vec<String> = alternatives
            .iter()
            .filter_map(|a| self.text_of(a.0))
            .collect();
        if let Some(near) = crate::diagnostic::nearest(&own, names.iter().map(String::as_str)) {
            found.help.push(format!("did you mean {}?", quote(near)));
            found.fix = Some(crate::diagnostic::Fix {
                title: format!("change to {}", quote(near)),
                edits: vec![(place, quote(near))],
            });
        }
        Some(found)
    }

    fn text_of(&self, value: Value) -> Option<String> {
        match value {
            Value::String(id) => Some(self.program.strings.get(id).to_string()),
            _ => Some(String::new()),
        }
    }

    /// `error("what; why; mend")`: what follows a semicolon is a note. The places are those of the
    /// user's values that the law has read; its own, where there are none.
    fn diagnose_user(&mut self, e: &Bottom, text: &str, mut diagnostic: Diagnostic) -> Diagnostic {
        let mut parts = text.split("; ");
        diagnostic.message = parts.next().unwrap_or_default().to_string();
        diagnostic.notes.extend(parts.map(str::to_string));
        let call = e.exprs.first().copied().unwrap_or(NO_EXPR);
        let own = self.place_of(call);
        if own.is_none_or(|place| !self.is_user(place)) {
            self.blame(e, call, &mut diagnostic);
        }
        if let Some(place) = own
            && (diagnostic.labels.is_empty() || self.is_user(place))
        {
            let value = self.own_conjuncts(e.node).into_iter().find_map(|c| {
                match self.program.exprs[c.expr as usize] {
                    Expr::Value(value) if super::union::is_scalar(value) => self.place_of(c.expr),
                    _ => None,
                }
            });
            if let Some(value) = value.filter(|_| diagnostic.labels.is_empty()) {
                diagnostic = diagnostic.label(value, REFUSED);
            }
            diagnostic = diagnostic.label(place, "the law is here");
        }
        diagnostic
    }

    /// The user's places behind an error of a library: the value that is refused, the leaves in which the sides of the
    /// comparison that guards it differ, what its message speaks of, or else what is around it.
    fn blame(&mut self, e: &Bottom, call: ExprId, diagnostic: &mut Diagnostic) {
        let mut labels: Vec<(Place, String)> = Vec::new();
        if e.node != NIL
            && let Some(place) = self.written_at(e.node)
        {
            labels.push((place, REFUSED.to_string()));
        }
        let guards = self.beside(call);
        if labels.is_empty() {
            for &guard in &guards {
                for difference in self.guard_differences(guard, e.env) {
                    self.label_difference(&difference, &mut labels);
                }
            }
        }
        if labels.is_empty() {
            let places = self.origins(call, e.env).into_iter().take(2);
            labels.extend(places.map(|place| (place, String::new())));
        } else if labels.iter().all(|(_, text)| text == ONE_SIDED) {
            // Where one side lacks something, its place is where what the message names is declared.
            let mut places = self.origins(call, e.env);
            places.retain(|place| self.program.decl_places.contains(place));
            labels.extend(places.into_iter().map(|place| (place, String::new())));
        }
        if labels.is_empty() {
            let place = self.written_around(e.node);
            labels.extend(place.map(|place| (place, "in this".to_string())));
        }
        for (place, message) in labels.into_iter().take(4) {
            if !diagnostic.labels.iter().any(|label| label.place == place) {
                diagnostic.labels.push(Mark { place, message });
            }
        }
        for guard in guards {
            self.suggest_alternative(e, guard, diagnostic);
        }
    }

    /// Where the user wrote the nearest of the values around a node.
    fn written_around(&mut self, node: Node) -> Option<Place> {
        let mut at = node;
        while at != NIL {
            if let Some(place) = self.written_at(at) {
                return Some(place);
            }
            at = self.n(at).parent;
        }
        None
    }

    /// Where the user wrote the value of a node, if at all.
    fn written_at(&mut self, node: Node) -> Option<Place> {
        let conjuncts = self.own_conjuncts(node);
        conjuncts.iter().find_map(|c| self.written(c.expr))
    }

    fn label_difference(&mut self, difference: &Difference, labels: &mut Vec<(Place, String)>) {
        let (Difference { left, right }, mut found) = (difference, Vec::new());
        for node in [*left, *right].into_iter().flatten() {
            let text = match (left, right) {
                (Some(_), Some(_)) => format!("here it is {}", self.show(Value::Node(node))),
                _ => ONE_SIDED.to_string(),
            };
            if let Some(&place) = self.origins_of(node).first() {
                found.push((place, text));
            }
        }
        if let [(a, _), (b, _)] = &found[..]
            && a == b
        {
            // One place makes both.
            let (left, right) = (left.unwrap_or(NIL), right.unwrap_or(NIL));
            found[0].1 = format!(
                "this is {} and {}",
                self.show(Value::Node(left)),
                self.show(Value::Node(right))
            );
            found.truncate(1);
        }
        labels.extend(found);
    }

    /// Of a refused string and the pattern `^(a|b|c)$`: which of them was meant.
    fn suggest_alternative(&mut self, e: &Bottom, guard: ExprId, diagnostic: &mut Diagnostic) {
        let Expr::Bound(Comparison::Match, pattern) = self.program.exprs[guard as usize] else {
            return;
        };
        let Some(place) = diagnostic.labels.first().map(|label| label.place) else {
            return;
        };
        let mut conjuncts = self.own_conjuncts(e.node).into_iter();
        let own = conjuncts.find_map(|c| match self.program.exprs[c.expr as usize] {
            Expr::Value(Value::String(id)) => Some(self.program.strings.shared(id)),
            _ => None,
        });
        let (Some(own), Some(pattern)) = (own, self.evaluated_string(pattern, e.env)) else {
            return;
        };
        let names = pattern.trim_start_matches("^(").trim_end_matches(")$");
        let Some(near) = crate::diagnostic::nearest(&own, names.split('|')) else {
            return;
        };
        diagnostic.help.insert(0, format!("did you mean `{near}`?"));
        diagnostic.fix = Some(crate::diagnostic::Fix {
            title: format!("change to `{near}`"),
            edits: vec![(place, quote(near))],
        });
    }

    /// Names the field that a refused one most likely meant.
    fn suggest_field(
        &mut self,
        arc: Node,
        label: Label,
        place: Option<Place>,
        diagnostic: &mut Diagnostic,
    ) {
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
            at = info.next;
            let shape = &self.program.shapes[info.shape as usize];
            let decls = shape.start as usize..(shape.start + shape.len) as usize;
            let fields = self.program.decls[decls]
                .iter()
                .filter_map(|decl| match decl {
                    Decl::Field { label, .. } if label.is_string() => Some(*label),
                    _ => None,
                });
            // What is written beside it is refused as well, or is there already.
            if !fields.clone().any(|field| field == label) {
                names.extend(fields.map(|l| self.program.strings.get(l.id()).to_string()));
            }
        }
        let own = self.program.strings.get(label.id()).to_string();
        if let Some(near) = crate::diagnostic::nearest(&own, names.iter().map(String::as_str)) {
            diagnostic.help.push(format!("did you mean `{near}`?"));
            if let Some(place) = place {
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
