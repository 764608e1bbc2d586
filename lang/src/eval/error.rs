//! Errors as values: bottoms, their codes, and how they combine.

use super::machine::*;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use crate::value::builtin::Kind;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// What sort of error a bottom is, worst first. The last two may be mended by more information.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) enum ErrorCode {
    #[default]
    Eval,
    /// `error("…")`.
    User,
    /// A literal `_|_`.
    Literal,
    StructuralCycle,
    Incomplete,
    Cycle,
}

/// Up to so many errors are told apart by comparing each with each.
const FEW_ERRORS: usize = 16;

impl ErrorCode {
    /// Whether more information may still mend it.
    pub(super) fn is_incomplete(self) -> bool {
        self >= ErrorCode::Incomplete
    }
}

/// What went wrong, with the values that took part; turned into words only when it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    Text(String),
    /// Something is too large to be worked out; what it would be is not known.
    Limit(String),
    /// Two scalars that differ, or a value of another kind.
    Conflict {
        left: Value,
        right: Value,
    },
    /// Kinds without a common one; the values where they are known.
    Mismatch {
        left: Value,
        right: Value,
        kinds: (Kind, Kind),
    },
    NotAllowed(Label),
    OutOfBound {
        value: Value,
        bound: Value,
    },
    IncompatibleBounds {
        left: Value,
        right: Value,
    },
    UndefinedField(Label),
    OptionalField(Label),
    RequiredMissing(Label),
    RequiredAbsent(Label),
    StructuralCycle,
    CycleWith(ExprId),
    Unresolved(Value),
    NotConcrete(Value),
    ListLength {
        left: u32,
        right: u32,
    },
    /// All arms failed.
    Disjunction,
    User(String),
    NotSatisfied {
        value: Value,
        validator: Value,
    },
    FrozenField(Label),
}

/// An error value.
#[derive(Clone, Debug)]
pub(super) struct Bottom {
    pub code: ErrorCode,
    pub message: Message,
    /// The node it was found at.
    pub node: Node,
    /// The node that lacks what was looked up in it.
    pub holder: Node,
    /// The environment of the expression that failed.
    pub env: EnvId,
    /// Expressions that took part.
    pub exprs: SmallVec<[ExprId; 2]>,
    /// Declarations that took part (labels that are not allowed).
    pub places: SmallVec<[Place; 2]>,
    /// The errors it is made of.
    pub parts: Vec<ErrId>,
    /// A field that a closed struct does not have.
    pub not_allowed: bool,
    /// It is (only) that of a child.
    pub from_child: bool,
    /// Something is too large, here or in a part.
    pub limit: bool,
    /// What the node would be without the error: a struct or list keeps its arcs.
    pub value: Value,
}

impl Default for Bottom {
    fn default() -> Bottom {
        Bottom {
            code: ErrorCode::Eval,
            message: Message::Text(String::new()),
            node: NIL,
            holder: NIL,
            env: NIL,
            exprs: SmallVec::new(),
            places: SmallVec::new(),
            parts: Vec::new(),
            not_allowed: false,
            from_child: false,
            limit: false,
            value: Value::None,
        }
    }
}

/// The error of a call on the value that is being evaluated: as a whole conjunct it says nothing of
/// that value, so that what else is known of it decides.
pub(super) const CYCLE_PLACEHOLDER: ErrId = 1;

impl Machine<'_> {
    pub(super) fn new_error(&mut self, code: ErrorCode, message: Message) -> ErrId {
        let error = Bottom {
            code,
            message,
            node: self.node,
            env: self.env,
            exprs: SmallVec::from_slice(&[self.source]),
            ..Bottom::default()
        };
        self.push_error(error)
    }

    pub(super) fn push_error(&mut self, mut error: Bottom) -> ErrId {
        error.limit = self.limited
            && (matches!(error.message, Message::Limit(_))
                || error.parts.iter().any(|&part| self.is_limit(part)));
        self.errors.push(error);
        (self.errors.len() - 1) as ErrId
    }

    pub(super) fn text_error(&mut self, code: ErrorCode, text: impl Into<String>) -> ErrId {
        self.new_error(code, Message::Text(text.into()))
    }

    pub(super) fn limit_error(&mut self, text: impl Into<String>) -> ErrId {
        if !self.limited {
            self.limited = true;
            // What led to one limit may lead to it again wherever else there is a choice.
            self.max_steps = self.max_steps.min(self.steps + STEPS_AFTER_LIMIT);
        }
        self.new_error(ErrorCode::Eval, Message::Limit(text.into()))
    }

    /// Whether an error is that something is too large, or comes from one: nothing may be concluded from it.
    pub(super) fn is_limit(&self, error: ErrId) -> bool {
        self.errors[error as usize].limit
    }

    /// Adds an error to those of the expression under evaluation.
    pub(super) fn add_error(&mut self, error: ErrId) {
        self.errs = self.combine(self.errs, error);
    }

    /// A final error of the expression under evaluation, with a text.
    pub(super) fn fail(&mut self, text: impl Into<String>) -> Value {
        let error = self.text_error(ErrorCode::Eval, text);
        Value::Bottom(error)
    }

    /// An incomplete error, added to those of the expression under evaluation.
    pub(super) fn add_incomplete(&mut self, text: impl Into<String>) {
        let error = self.text_error(ErrorCode::Incomplete, text);
        self.add_error(error);
    }

    pub(super) fn code(&self, error: ErrId) -> ErrorCode {
        self.errors[error as usize].code
    }

    /// One error of two: a pending one gives way to a worse one, two final ones are both kept.
    pub(super) fn combine(&mut self, a: ErrId, b: ErrId) -> ErrId {
        if a == NIL || a == b {
            return b;
        }
        if b == NIL {
            return a;
        }
        self.combine_all(&[a, b])
    }

    /// One error of many, as [`Machine::combine`] makes one of two, in time and memory linear in their
    /// number: `NIL` of none.
    pub(super) fn combine_all(&mut self, errors: &[ErrId]) -> ErrId {
        let Some(worst) = errors.iter().map(|&e| self.code(e)).min() else {
            return NIL;
        };
        let mut first = NIL;
        let mut parts: Vec<ErrId> = Vec::new();
        for &id in errors {
            let code = self.code(id);
            if code != worst && code.is_incomplete() {
                continue;
            }
            // Beside a limit nothing else is worth saying, and there may be as many more errors as there were steps to it.
            if self.limited && self.is_limit(id) {
                return id;
            }
            if first == NIL {
                first = id;
            }
            let error = &self.errors[id as usize];
            let nameless = matches!(error.message, Message::Text(ref t) if t.is_empty());
            if nameless && !error.parts.is_empty() {
                parts.extend_from_slice(&error.parts);
            } else {
                parts.push(id);
            }
        }
        if parts.len() <= FEW_ERRORS {
            let mut kept = 0;
            for at in 0..parts.len() {
                if !parts[..kept].contains(&parts[at]) {
                    parts[kept] = parts[at];
                    kept += 1;
                }
            }
            parts.truncate(kept);
        } else {
            let mut seen = FxHashSet::default();
            parts.retain(|&part| seen.insert(part));
        }
        if parts.len() == 1 {
            return parts[0];
        }
        let not_allowed = parts.iter().all(|&p| self.errors[p as usize].not_allowed);
        let from_child = parts.iter().all(|&p| self.errors[p as usize].from_child);
        let Bottom {
            node,
            holder,
            value,
            ..
        } = self.errors[first as usize];
        self.push_error(Bottom {
            code: worst,
            node,
            holder,
            parts,
            not_allowed,
            from_child,
            value,
            ..Bottom::default()
        })
    }

    /// The error of a node, if it is one.
    pub(super) fn bottom_of(&self, node: Node) -> Option<ErrId> {
        match self.n(node).base {
            Value::Bottom(error) => Some(error),
            _ => None,
        }
    }

    pub(super) fn node_error(&mut self, node: Node, error: ErrId) {
        let combined = self.combine(self.s(node).errors, error);
        self.s_mut(node).errors = combined;
    }

    /// A failed child, as [`Machine::add_child_errors`] adds several.
    pub(super) fn add_child_error(&mut self, node: Node, error: ErrId) {
        self.add_child_errors(node, vec![error]);
    }

    /// Failed children make their parent fail, unless more information may mend them.
    pub(super) fn add_child_errors(&mut self, node: Node, mut errors: Vec<ErrId>) {
        if errors.is_empty() {
            return;
        }
        let known = self.n(node).child_errors;
        if known != NIL {
            errors.insert(0, known);
        }
        let combined = self.combine_all(&errors);
        self.n_mut(node).child_errors = combined;
        let code = self.code(combined);
        if code.is_incomplete() {
            return;
        }
        match self.n(node).base {
            // Its own error is final, too; one that more might mend says nothing beside one that nothing mends.
            Value::Bottom(own)
                if !self.errors[own as usize].not_allowed
                    && self.errors[own as usize].code <= code => {}
            base => {
                let value = match base {
                    Value::Bottom(own) => self.errors[own as usize].value,
                    other => other,
                };
                let not_allowed = self.errors[combined as usize].not_allowed;
                let id = self.push_error(Bottom {
                    code,
                    node,
                    parts: vec![combined],
                    from_child: true,
                    not_allowed,
                    value,
                    ..Bottom::default()
                });
                self.set_base(node, Value::Bottom(id));
            }
        }
    }
}

/// How many more steps are taken once a limit has been passed.
const STEPS_AFTER_LIMIT: u64 = 10_000;
