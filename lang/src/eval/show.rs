//! Values and errors as short text, for messages.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;

impl Machine<'_> {
    /// A value in a few words of the language.
    pub(super) fn show(&self, value: Value) -> String {
        let mut out = String::new();
        self.show_into(value, &mut out, 0);
        out
    }

    fn show_into(&self, value: Value, out: &mut String, depth: usize) {
        if out.len() > 120 || depth > 6 {
            out.push('…');
            return;
        }
        match value {
            Value::None | Value::Cycle | Value::Top => out.push('_'),
            Value::Bottom(_) => out.push_str("_|_"),
            Value::Null => out.push_str("null"),
            Value::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            Value::Int(i) => out.push_str(&i.to_string()),
            Value::Number(id) => out.push_str(&self.program.numbers[id as usize].to_cue()),
            Value::String(id) => out.push_str(&quote(self.program.strings.get(id))),
            Value::Bytes(id) => {
                let text = String::from_utf8_lossy(&self.program.bytes[id as usize]).into_owned();
                let quoted = quote(&text);
                out.push('\'');
                out.push_str(&quoted[1..quoted.len() - 1]);
                out.push('\'');
            }
            Value::Kind(kind) => out.push_str(&kind.to_string().replace('|', " | ")),
            Value::Bound(id) => {
                let bound = self.program.bounds[id as usize];
                out.push_str(bound.op.text());
                self.show_into(bound.value, out, depth + 1);
            }
            Value::Validator(id) => {
                out.push_str(&self.validator_name(id));
                let v = &self.validators[id as usize];
                if v.call != NO_EXPR {
                    out.push('(');
                    for (i, &argument) in v.arguments.iter().enumerate() {
                        if i > 0 {
                            out.push_str(", ");
                        }
                        self.show_into(argument, out, depth + 1);
                    }
                    out.push(')');
                }
            }
            Value::Conjunction(id) => {
                for (i, &part) in self.conjunction(id).iter().enumerate() {
                    if i > 0 {
                        out.push_str(" & ");
                    }
                    self.show_into(part, out, depth + 1);
                }
            }
            Value::Disjunction(id) => {
                let d = &self.disjunctions[id as usize];
                for (i, &part) in d.values.iter().enumerate() {
                    if i > 0 {
                        out.push_str(" | ");
                    }
                    if i < d.defaults {
                        out.push('*');
                    }
                    self.show_into(part, out, depth + 1);
                }
            }
            Value::Function(id) => match self.program.functions[id as usize] {
                Callable::Predeclared(p) => out.push_str(&format!("{p:?}").to_lowercase()),
                Callable::Package(package, f) => {
                    out.push_str(package.name);
                    out.push('.');
                    out.push_str(f.name);
                }
            },
            Value::Struct => out.push_str("{…}"),
            Value::List { .. } => out.push_str("[…]"),
            Value::Node(node) => {
                let node = self.deref(node);
                let base = match self.n(node).base {
                    // Around an error there is still a struct or list.
                    Value::Bottom(error) if depth == 0 => match self.errors[error as usize].value {
                        kept @ (Value::Struct | Value::List { .. }) => kept,
                        _ => Value::Bottom(error),
                    },
                    base => base,
                };
                match base {
                    Value::Struct => {
                        out.push('{');
                        let mut first = true;
                        for &(label, arc) in self.arc_slice(node) {
                            if !label.is_regular() || self.n(arc).arc_type > ArcType::Required {
                                continue;
                            }
                            if !first {
                                out.push_str(", ");
                            }
                            first = false;
                            if out.len() > 100 {
                                out.push('…');
                                break;
                            }
                            out.push_str(&self.program.label_text(label));
                            out.push_str(": ");
                            self.show_into(Value::Node(arc), out, depth + 1);
                        }
                        out.push('}');
                    }
                    Value::List { open } => {
                        out.push('[');
                        let mut first = true;
                        for &(label, arc) in self.arc_slice(node) {
                            if !label.is_int() {
                                continue;
                            }
                            if !first {
                                out.push_str(", ");
                            }
                            first = false;
                            if out.len() > 100 {
                                out.push('…');
                                break;
                            }
                            self.show_into(Value::Node(arc), out, depth + 1);
                        }
                        if open {
                            out.push_str(if first { "..." } else { ", ..." });
                        }
                        out.push(']');
                    }
                    Value::Node(_) => out.push('_'),
                    Value::Cycle | Value::None if self.has_state(node) => {
                        let scalar = self.s(node).scalar;
                        if scalar != Value::None {
                            self.show_into(scalar, out, depth + 1);
                        } else {
                            out.push_str(&self.s(node).kind.to_string());
                        }
                    }
                    base => self.show_into(base, out, depth + 1),
                }
            }
        }
    }

    /// Why the arms of a disjunction failed: in the author's words, where there are some.
    pub(super) fn worth_saying(&self, disjunction: &Bottom) -> Vec<ErrId> {
        let parts = &disjunction.parts;
        let user = parts.iter().filter(|&&p| self.code(p) == ErrorCode::User);
        let user: Vec<ErrId> = user.copied().collect();
        if user.is_empty() { parts.clone() } else { user }
    }

    /// What an error says, in one line.
    pub(super) fn describe(&self, error: ErrId) -> String {
        let e: &Bottom = &self.errors[error as usize];
        match &e.message {
            Message::Text(text) if text.is_empty() => {
                let parts: Vec<String> =
                    e.parts.iter().take(3).map(|&p| self.describe(p)).collect();
                parts.join("; ")
            }
            Message::Text(text) | Message::Limit(text) => text.clone(),
            Message::User(text) => text.clone(),
            Message::Conflict { left, right } => {
                format!(
                    "conflicting values {} and {}",
                    self.show(*left),
                    self.show(*right)
                )
            }
            Message::Mismatch { left, right, kinds } => format!(
                "conflicting values {} and {} (mismatched types {} and {})",
                self.show(*left),
                self.show(*right),
                kinds.0,
                kinds.1
            ),
            Message::NotAllowed(label) => {
                format!("field `{}` is not allowed", self.program.label_text(*label))
            }
            Message::OutOfBound { value, bound } => {
                format!(
                    "value {} is out of bound {}",
                    self.show(*value),
                    self.show(*bound)
                )
            }
            Message::IncompatibleBounds { left, right } => {
                format!(
                    "no value satisfies both {} and {}",
                    self.show(*left),
                    self.show(*right)
                )
            }
            Message::UndefinedField(label) => {
                format!("undefined field `{}`", self.program.label_text(*label))
            }
            Message::OptionalField(label) => format!(
                "field `{}` is optional and not set, so it cannot be referred to",
                self.program.label_text(*label)
            ),
            Message::RequiredMissing(label) => {
                format!(
                    "required field `{}` is missing",
                    self.program.label_text(*label)
                )
            }
            Message::RequiredAbsent(label) => format!(
                "field `{}` is required but not present",
                self.program.label_text(*label)
            ),
            Message::StructuralCycle => "structural cycle".to_string(),
            Message::CycleWith(_) => "the value depends on itself".to_string(),
            Message::Unresolved(value) => {
                format!(
                    "ambiguous value: {} has no single default",
                    self.show(*value)
                )
            }
            Message::NotConcrete(value) => format!("incomplete value {}", self.show(*value)),
            Message::ListLength { left, right } => {
                format!("incompatible list lengths ({left} and {right})")
            }
            Message::Disjunction => match &self.worth_saying(e)[..] {
                [] => "no alternative is possible".to_string(),
                &[part] => self.describe(part),
                parts if self.code(parts[0]) == ErrorCode::User => {
                    let texts: Vec<String> = parts.iter().map(|&p| self.describe(p)).collect();
                    texts.join("; ")
                }
                parts => format!("none of {} alternatives is possible", parts.len()),
            },
            Message::NotSatisfied { value, validator } => format!(
                "value {} does not satisfy {}",
                self.show(*value),
                self.show(*validator)
            ),
            Message::FrozenField(label) => format!(
                "adding field `{}` is not allowed: the set of fields has been read already",
                self.program.label_text(*label)
            ),
        }
    }
}
