//! Running a template over data.

use super::format::{print_line, printed, sprintf};
use super::parse::{Node, Operand, Pipe, Set};
use super::{escape_html, escape_js, escape_query};
use crate::builtin::arguments::{MAX_RESULT, kind_of};
use holos_lang::value::{Data, Number};
use std::borrow::Cow;
use std::cmp::Ordering;

const MAX_STEPS: usize = 1_000_000;
const MAX_DEPTH: usize = 100;

type Result<T> = std::result::Result<T, String>;
type Value<'d> = Cow<'d, Data>;

/// How a list of nodes ended.
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'d> {
    set: &'d Set,
    /// The variables in scope, innermost last.
    variables: Vec<(String, Value<'d>)>,
    out: String,
    steps: usize,
    depth: usize,
}

pub(super) fn execute(set: &Set, data: &Data) -> Result<String> {
    let mut run = Run {
        set,
        variables: Vec::new(),
        out: String::new(),
        steps: 0,
        depth: 0,
    };
    run.template("", Cow::Borrowed(data))?;
    Ok(run.out)
}

impl<'d> Run<'d> {
    fn template(&mut self, name: &str, data: Value<'d>) -> Result<()> {
        let nodes = self
            .set
            .get(name)
            .ok_or_else(|| format!("template {name:?} not defined"))?;
        if self.depth == MAX_DEPTH {
            return Err("templates nest too deeply".to_owned());
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.variables, vec![(String::new(), data.clone())]);
        self.list(nodes, &data)?;
        self.variables = outer;
        self.depth -= 1;
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(format!("more than {MAX_STEPS} steps"));
        }
        if self.out.len() > MAX_RESULT {
            return Err("the text is too long".to_owned());
        }
        Ok(())
    }

    fn list(&mut self, nodes: &'d [Node], dot: &Value<'d>) -> Result<Flow> {
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        match &*value {
                            Data::Null => self.out.push_str("<no value>"),
                            value => self.out.push_str(&printed(value)),
                        }
                    }
                }
                Node::If(pipe, body, otherwise) => {
                    let scope = self.variables.len();
                    let holds = truth(&*self.pipe(pipe, dot)?);
                    let flow = self.list(if holds { body } else { otherwise }, dot)?;
                    self.variables.truncate(scope);
                    if !matches!(flow, Flow::On) {
                        return Ok(flow);
                    }
                }
                Node::With(pipe, body, otherwise) => {
                    let scope = self.variables.len();
                    let value = self.pipe(pipe, dot)?;
                    let flow = match truth(&value) {
                        true => self.list(body, &value)?,
                        false => self.list(otherwise, dot)?,
                    };
                    self.variables.truncate(scope);
                    if !matches!(flow, Flow::On) {
                        return Ok(flow);
                    }
                }
                Node::Range(pipe, body, otherwise) => self.range(pipe, body, otherwise, dot)?,
                Node::Template(name, pipe) => {
                    let data = match pipe {
                        Some(pipe) => self.pipe(pipe, dot)?,
                        None => Cow::Owned(Data::Null),
                    };
                    self.template(name, data)?;
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::On)
    }

    fn range(
        &mut self,
        pipe: &'d Pipe,
        body: &'d [Node],
        otherwise: &'d [Node],
        dot: &Value<'d>,
    ) -> Result<()> {
        let scope = self.variables.len();
        let value = self.commands(pipe, dot)?;
        let int = |n: usize| Cow::Owned(Data::Number(n.into()));
        let is_count = matches!(&*value, Data::Number(_));
        let entries: Vec<(Value<'d>, Value<'d>)> = match value {
            Cow::Borrowed(Data::List(list)) => list
                .iter()
                .enumerate()
                .map(|(at, item)| (int(at), Cow::Borrowed(item)))
                .collect(),
            Cow::Borrowed(Data::Struct(fields)) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                let entry = |(name, value): &'d (_, Data)| {
                    (
                        Cow::Owned(Data::String(std::sync::Arc::clone(name))),
                        Cow::Borrowed(value),
                    )
                };
                fields.into_iter().map(entry).collect()
            }
            value => match &*value {
                Data::Null => Vec::new(),
                Data::Number(n) if n.is_int_kind() => {
                    let count = n.as_i64().unwrap_or(i64::MAX).max(0) as usize;
                    if count > MAX_STEPS {
                        return Err(format!("range over more than {MAX_STEPS}"));
                    }
                    (0..count).map(|n| (int(n), int(n))).collect()
                }
                Data::List(list) => {
                    let entry = |(at, item): (usize, &Data)| (int(at), Cow::Owned(item.clone()));
                    list.iter().enumerate().map(entry).collect()
                }
                other => return Err(format!("range cannot iterate over a {}", kind_of(other))),
            },
        };
        if entries.is_empty() {
            self.list(otherwise, dot)?;
        }
        for (key, item) in entries {
            self.step()?;
            match &pipe.variables[..] {
                [one] if is_count => self.set_variable(one, key, pipe.assigns)?,
                [one] => self.set_variable(one, item.clone(), pipe.assigns)?,
                [first, second] => {
                    self.set_variable(first, key, pipe.assigns)?;
                    self.set_variable(second, item.clone(), pipe.assigns)?;
                }
                _ => {}
            }
            let flow = self.list(body, &item)?;
            self.variables.truncate(scope);
            if matches!(flow, Flow::Break) {
                break;
            }
        }
        Ok(())
    }

    fn set_variable(&mut self, name: &str, value: Value<'d>, assigns: bool) -> Result<()> {
        if !assigns {
            self.variables.push((name.to_owned(), value));
            return Ok(());
        }
        let known = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name);
        known
            .ok_or_else(|| format!("undefined variable ${name}"))?
            .1 = value;
        Ok(())
    }

    /// The value of a pipeline; a variable it declares or sets gets it.
    fn pipe(&mut self, pipe: &'d Pipe, dot: &Value<'d>) -> Result<Value<'d>> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set_variable(name, value.clone(), pipe.assigns)?;
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &'d Pipe, dot: &Value<'d>) -> Result<Value<'d>> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value, dot)?);
        }
        value.ok_or_else(|| "missing value".to_owned())
    }

    /// A command, with the value of the one before it as its last argument.
    fn command(
        &mut self,
        command: &'d [Operand],
        last: Option<Value<'d>>,
        dot: &Value<'d>,
    ) -> Result<Value<'d>> {
        self.step()?;
        match command {
            [Operand::Function(name), arguments @ ..] => self.call(name, arguments, last, dot),
            [single] if last.is_none() => self.operand(single, dot),
            _ => Err("what is no function has no arguments".to_owned()),
        }
    }

    fn operand(&mut self, operand: &'d Operand, dot: &Value<'d>) -> Result<Value<'d>> {
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Constant(data) => Ok(Cow::Borrowed(data)),
            Operand::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known
                    .map(|(_, value)| value.clone())
                    .ok_or(format!("undefined variable ${name}"))
            }
            Operand::Function(name) => self.call(name, &[], None, dot),
            Operand::Paren(pipe) => self.pipe(pipe, dot),
            Operand::Field(base, name) => match self.operand(base, dot)? {
                Cow::Borrowed(data) => field(data, name).map(|found| match found {
                    Some(value) => Cow::Borrowed(value),
                    None => Cow::Owned(Data::Null),
                }),
                Cow::Owned(data) => Ok(Cow::Owned(
                    field(&data, name)?.cloned().unwrap_or(Data::Null),
                )),
            },
        }
    }

    fn call(
        &mut self,
        name: &str,
        operands: &'d [Operand],
        last: Option<Value<'d>>,
        dot: &Value<'d>,
    ) -> Result<Value<'d>> {
        let total = operands.len() + usize::from(last.is_some());
        if matches!(name, "and" | "or") && total > 0 {
            // The rest is not looked at once the answer is known.
            let mut value = Cow::Owned(Data::Null);
            for index in 0..total {
                value = match (operands.get(index), &last) {
                    (Some(operand), _) => self.operand(operand, dot)?,
                    (None, Some(last)) => last.clone(),
                    (None, None) => break,
                };
                if truth(&value) == (name == "or") {
                    break;
                }
            }
            return Ok(value);
        }
        let mut arguments = Vec::with_capacity(total);
        for operand in operands {
            arguments.push(self.operand(operand, dot)?);
        }
        arguments.extend(last);
        let all: Vec<&Data> = arguments.iter().map(|value| &**value).collect();
        let text = |text: String| Ok(Cow::Owned(Data::String(text.into())));
        let boolean = |value: bool| Ok(Cow::Owned(Data::Bool(value)));
        match (name, &all[..]) {
            ("not", [value]) => boolean(!truth(value)),
            ("len", [value]) => {
                let length = match value {
                    Data::String(text) => text.len(),
                    Data::Bytes(bytes) => bytes.len(),
                    Data::List(list) => list.len(),
                    Data::Struct(fields) => fields.len(),
                    other => return Err(format!("len of a {}", kind_of(other))),
                };
                Ok(Cow::Owned(Data::Number(length.into())))
            }
            ("index", [base, keys @ ..]) => index(base, keys).map(Cow::Owned),
            ("slice", [base, bounds @ ..]) => slice(base, bounds).map(Cow::Owned),
            ("print", values) => text(super::format::print(values)),
            ("println", values) => text(print_line(values)),
            ("printf", [Data::String(format), values @ ..]) => text(sprintf(format, values)?),
            ("html", values) => text(escape_html(&super::format::print(values))),
            ("js", values) => text(escape_js(&super::format::print(values))),
            ("urlquery", values) => text(escape_query(&super::format::print(values))),
            ("eq", [first, others @ ..]) if !others.is_empty() => {
                for other in others {
                    if equal(first, other)? {
                        return boolean(true);
                    }
                }
                boolean(false)
            }
            ("ne", [a, b]) => boolean(!equal(a, b)?),
            ("lt", [a, b]) => boolean(order(a, b)?.is_lt()),
            ("le", [a, b]) => boolean(order(a, b)?.is_le()),
            ("gt", [a, b]) => boolean(order(a, b)?.is_gt()),
            ("ge", [a, b]) => boolean(order(a, b)?.is_ge()),
            (
                "not" | "len" | "index" | "slice" | "printf" | "eq" | "ne" | "lt" | "le" | "gt"
                | "ge" | "and" | "or",
                _,
            ) => Err(format!("wrong arguments of {name}")),
            _ => Err(format!("function {name:?} not defined")),
        }
    }
}

fn truth(value: &Data) -> bool {
    match value {
        Data::Null => false,
        Data::Bool(value) => *value,
        Data::Number(number) => !number.is_zero(),
        Data::String(text) => !text.is_empty(),
        Data::Bytes(bytes) => !bytes.is_empty(),
        Data::List(list) => !list.is_empty(),
        Data::Struct(fields) => !fields.is_empty(),
    }
}

fn field<'v>(value: &'v Data, name: &str) -> Result<Option<&'v Data>> {
    match value {
        Data::Struct(fields) => Ok(fields
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, value)| value)),
        Data::Null => Err(format!("nil has no field {name}")),
        other => Err(format!("a {} has no field {name}", kind_of(other))),
    }
}

fn index(base: &Data, keys: &[&Data]) -> Result<Data> {
    let mut value = base.clone();
    for key in keys {
        let found = match (&value, key) {
            (Data::List(list), Data::Number(number)) => Some(
                number
                    .to_usize()
                    .and_then(|at| list.get(at))
                    .ok_or("index out of range")?,
            ),
            (Data::Struct(fields), Data::String(name)) => fields
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            (Data::String(text), Data::Number(number)) => {
                let byte = number.to_usize().and_then(|at| text.as_bytes().get(at));
                let byte = i64::from(*byte.ok_or("index out of range")?);
                value = Data::Number(byte.into());
                continue;
            }
            (other, key) => {
                return Err(format!(
                    "a {} cannot index a {}",
                    kind_of(key),
                    kind_of(other)
                ));
            }
        };
        value = found.cloned().unwrap_or(Data::Null);
    }
    Ok(value)
}

fn slice(base: &Data, bounds: &[&Data]) -> Result<Data> {
    let length = match base {
        Data::String(text) => text.len(),
        Data::List(list) => list.len(),
        other => return Err(format!("slice of a {}", kind_of(other))),
    };
    let bound = |at: usize, default: usize| match bounds.get(at) {
        None => Ok(default),
        Some(Data::Number(number)) => number.to_usize().ok_or("index out of range"),
        Some(_) => Err("an index must be an int"),
    };
    let (start, end) = (bound(0, 0)?, bound(1, length)?);
    if bounds.len() > 2 || start > end || end > length {
        return Err("index out of range".to_owned());
    }
    match base {
        Data::List(list) => Ok(Data::List(list[start..end].to_vec().into())),
        Data::String(text) => {
            let bytes = &text.as_bytes()[start..end];
            Ok(Data::String(String::from_utf8_lossy(bytes).into()))
        }
        _ => Err("slice of what has no elements".to_owned()),
    }
}

fn same_kind(a: &Number, b: &Number) -> Result<()> {
    match a.is_int_kind() == b.is_int_kind() {
        true => Ok(()),
        false => Err("incompatible types for comparison".to_owned()),
    }
}

fn equal(a: &Data, b: &Data) -> Result<bool> {
    match (a, b) {
        (Data::Number(a), Data::Number(b)) => {
            same_kind(a, b)?;
            Ok(a.numeric_cmp(b).is_eq())
        }
        (Data::String(a), Data::String(b)) => Ok(a == b),
        (Data::Bool(a), Data::Bool(b)) => Ok(a == b),
        (Data::Null, other) | (other, Data::Null) => Ok(matches!(other, Data::Null)),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn order(a: &Data, b: &Data) -> Result<Ordering> {
    match (a, b) {
        (Data::Number(a), Data::Number(b)) => {
            same_kind(a, b)?;
            Ok(a.numeric_cmp(b))
        }
        (Data::String(a), Data::String(b)) => Ok(a.cmp(b)),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}
