//! An evaluation with its nodes' inspections kept, and a short text of a value for messages.

use super::Segment;
use super::attribute::code_name;
use holos_lang::eval::inspect::{ErrorCode, InspectedField, Inspection, Shape};
use holos_lang::eval::{Evaluation, NodeId};
use holos_lang::syntax::tree::Presence;
use std::collections::HashMap;
use std::rc::Rc;

/// How deep [`Program::text`] goes.
const TEXT_DEPTH: usize = 12;
/// How long a text may get.
const TEXT_LENGTH: usize = 20_000;

pub(super) struct Program<'a> {
    pub evaluation: Evaluation<'a>,
    seen: HashMap<NodeId, Rc<Inspection>>,
}

impl<'a> Program<'a> {
    pub(super) fn new(evaluation: Evaluation<'a>) -> Program<'a> {
        Program {
            evaluation,
            seen: HashMap::new(),
        }
    }

    pub(super) fn inspect(&mut self, node: NodeId) -> Rc<Inspection> {
        if let Some(inspection) = self.seen.get(&node) {
            return inspection.clone();
        }
        let mut inspection = self.evaluation.inspect(node);
        if let Shape::Conjunction(parts) = &mut inspection.shape
            && parts.len() == 1
        {
            inspection.shape = parts.remove(0);
        }
        let inspection = Rc::new(inspection);
        self.seen.insert(node, inspection.clone());
        inspection
    }

    /// The value a path leads to; a present field is preferred to one that is only declared.
    pub(super) fn find(&mut self, from: NodeId, path: &[Segment]) -> Option<NodeId> {
        path.iter().try_fold(from, |node, segment| {
            let inspection = self.inspect(node);
            let named = || {
                inspection
                    .fields
                    .iter()
                    .filter(|field| is_named(field, segment))
            };
            if let Some(field) = named()
                .find(|field| field.presence == Presence::Regular)
                .or(named().next())
            {
                return Some(field.value);
            }
            let Shape::List { elements, .. } = &inspection.shape else {
                return None;
            };
            elements.get(segment.name.parse::<usize>().ok()?).copied()
        })
    }

    /// Whether the field is optional, and no more.
    pub(super) fn is_declared_only(&mut self, node: NodeId, name: &Segment) -> bool {
        let inspection = self.inspect(node);
        let mut named = inspection.fields.iter().filter(|f| is_named(f, name));
        named.clone().next().is_some() && named.all(|f| f.presence == Presence::Optional)
    }

    /// The value as text; unlike the language's own, errors are inside with their codes.
    pub(super) fn text(&mut self, node: NodeId) -> String {
        let mut out = String::new();
        self.write(node, TEXT_DEPTH, &mut out);
        if out.len() > TEXT_LENGTH {
            let end = (0..=TEXT_LENGTH)
                .rev()
                .find(|&at| out.is_char_boundary(at))
                .unwrap_or(0);
            out.truncate(end);
            out.push('…');
        }
        out
    }

    fn write(&mut self, node: NodeId, depth: usize, out: &mut String) {
        if depth == 0 || out.len() > TEXT_LENGTH {
            out.push('…');
            return;
        }
        let inspection = self.inspect(node);
        let error = inspection
            .error
            .map(|code| format!("_|_({})", code_name(code)));
        let is_struct = matches!(inspection.shape, Shape::Struct);
        if inspection.fields.is_empty() && inspection.patterns.is_empty() && !is_struct {
            match (&inspection.shape, error) {
                (Shape::Bottom, error) => out.push_str(&error.unwrap_or_else(|| "_|_".into())),
                (shape, error) => {
                    self.write_shape(shape, depth, out);
                    out.push_str(&error.unwrap_or_default());
                }
            }
            return;
        }
        if inspection.closed {
            out.push_str("close");
        }
        out.push('{');
        let mut separator = "";
        if let Some(error) = error {
            out.push_str(&error);
            separator = ", ";
        }
        if !is_struct && !matches!(inspection.shape, Shape::Bottom) {
            out.push_str(std::mem::replace(&mut separator, ", "));
            self.write_shape(&inspection.shape, depth, out);
        }
        for &(pattern, value) in &inspection.patterns {
            out.push_str(std::mem::replace(&mut separator, ", "));
            out.push('[');
            self.write(pattern, depth - 1, out);
            out.push_str("]: ");
            self.write(value, depth - 1, out);
        }
        for field in &inspection.fields {
            out.push_str(std::mem::replace(&mut separator, ", "));
            out.push_str(&field.label);
            if !field.package.is_empty() {
                out.push('$');
                out.push_str(&field.package);
            }
            out.push_str(match field.presence {
                Presence::Regular => ": ",
                Presence::Optional => "?: ",
                Presence::Required => "!: ",
            });
            self.write(field.value, depth - 1, out);
        }
        out.push('}');
    }

    /// The value as text in which nothing depends on the order in which fields, disjuncts or bounds arrived.
    pub(super) fn canonical(&mut self, node: NodeId) -> String {
        self.canonical_below(node, TEXT_DEPTH)
    }

    fn canonical_below(&mut self, node: NodeId, depth: usize) -> String {
        if depth == 0 {
            return "…".into();
        }
        let inspection = self.inspect(node);
        let mut out = match (&inspection.shape, inspection.error) {
            (_, Some(code)) => format!("_|_({})", code_name(code)),
            (shape, None) => self.canonical_shape(shape, depth),
        };
        let ended = inspection
            .error
            .is_some_and(|code| code < ErrorCode::Incomplete);
        if ended || matches!(inspection.shape, Shape::Bottom) {
            return out;
        }
        let mut parts = Vec::new();
        for &(pattern, value) in &inspection.patterns {
            let pattern = self.canonical_below(pattern, depth - 1);
            parts.push(format!(
                "[{pattern}]: {}",
                self.canonical_below(value, depth - 1)
            ));
        }
        for field in &inspection.fields {
            let presence = match field.presence {
                Presence::Regular => "",
                Presence::Optional => "?",
                Presence::Required => "!",
            };
            let value = self.canonical_below(field.value, depth - 1);
            parts.push(format!(
                "{}${}{presence}: {value}",
                field.label, field.package
            ));
        }
        if !parts.is_empty() || matches!(inspection.shape, Shape::Struct) {
            parts.sort_unstable();
            let closed = if inspection.closed { "close" } else { "" };
            out.push_str(&format!(" {closed}{{{}}}", parts.join(", ")));
        }
        out
    }

    fn canonical_shape(&mut self, shape: &Shape, depth: usize) -> String {
        match shape {
            Shape::Conjunction(parts) => {
                let mut parts: Vec<_> = parts
                    .iter()
                    .map(|part| self.canonical_shape(part, depth))
                    .collect();
                parts.sort_unstable();
                parts.join(" & ")
            }
            Shape::Disjunction { values, defaults } => {
                let mut parts: Vec<_> = values
                    .iter()
                    .enumerate()
                    .map(|(i, &value)| {
                        let mark = if i < *defaults { "*" } else { "" };
                        format!("{mark}{}", self.canonical_below(value, depth - 1))
                    })
                    .collect();
                parts.sort_unstable();
                format!("({})", parts.join(" | "))
            }
            Shape::List { elements, rest } => {
                let mut parts: Vec<_> = elements
                    .iter()
                    .map(|&element| self.canonical_below(element, depth - 1))
                    .collect();
                if let Some(rest) = rest {
                    parts.push(format!("...{}", self.canonical_below(*rest, depth - 1)));
                }
                format!("[{}]", parts.join(", "))
            }
            Shape::Validator(name, arguments) => {
                let arguments: Vec<_> = arguments
                    .iter()
                    .map(|&argument| self.canonical_below(argument, depth - 1))
                    .collect();
                format!("{name}({})", arguments.join(", "))
            }
            Shape::Bound(op, operand) => {
                format!("{}{}", op.text(), self.canonical_shape(operand, depth))
            }
            // The first spelling of a number is kept.
            Shape::Number(number) => match number.to_cue() {
                text if text.contains('.') && !text.contains('e') => {
                    format!("{}.", text.trim_end_matches('0').trim_end_matches('.'))
                }
                text => text,
            },
            _ => {
                let mut out = String::new();
                self.write_shape(shape, depth, &mut out);
                out
            }
        }
    }

    fn write_shape(&mut self, shape: &Shape, depth: usize, out: &mut String) {
        match shape {
            Shape::Bottom => out.push_str("_|_"),
            Shape::Null => out.push_str("null"),
            Shape::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Shape::Number(number) => out.push_str(&number.to_cue()),
            Shape::String(text) => out.push_str(&format!("{text:?}")),
            Shape::Bytes(bytes) => out.push_str(&format!("'{}'", bytes.escape_ascii())),
            Shape::Type(kind) => out.push_str(&kind.to_string()),
            Shape::Bound(op, operand) => {
                out.push_str(op.text());
                self.write_shape(operand, depth, out);
            }
            Shape::Validator(name, arguments) => {
                out.push_str(name);
                out.push('(');
                for (i, &argument) in arguments.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.write(argument, depth - 1, out);
                }
                out.push(')');
            }
            Shape::Conjunction(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { " & " });
                    self.write_shape(part, depth, out);
                }
            }
            Shape::Disjunction { values, defaults } => {
                out.push('(');
                for (i, &value) in values.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { " | " });
                    out.push_str(if i < *defaults { "*" } else { "" });
                    self.write(value, depth - 1, out);
                }
                out.push(')');
            }
            Shape::Struct => out.push_str("struct"),
            Shape::List { elements, rest } => {
                out.push('[');
                for (i, &element) in elements.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.write(element, depth - 1, out);
                }
                if let Some(rest) = rest {
                    out.push_str(if elements.is_empty() { "..." } else { ", ..." });
                    self.write(*rest, depth - 1, out);
                }
                out.push(']');
            }
        }
    }
}

/// Whether a field has the name a path or an expected struct asks for.
pub(super) fn is_named(field: &InspectedField, segment: &Segment) -> bool {
    *field.label == *segment.name
        && field.special == segment.special
        && segment
            .package
            .as_deref()
            .is_none_or(|wanted| is_package(&field.package, wanted))
}

/// Whether `wanted` (a name, or a path as `mod.test@v0:name`) is the package `path`. Names decide: the main
/// package has no more, and an archive has no two packages of one name.
fn is_package(path: &str, wanted: &str) -> bool {
    let name = |text: &str| text.rsplit(['/', ':']).next().unwrap_or(text).to_owned();
    name(path) == name(wanted)
}
