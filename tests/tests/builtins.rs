//! The builtin packages against CUE: `suites/builtins/*.txt` has one case a line,
//! `expression  =>  JSON` or `expression  =>  !message`, where the right side is what CUE answers (bytes as
//! base64). Messages are our own, so that only the refusal itself is compared. Lines that begin with
//! `//` are comments.
//!
//! Arguments are computed by a small calculator of literals, calls and constants, which also stands in
//! for the evaluator ([`Context`]); what needs schemas is tested in the language suite.

use holos_lang::diagnostic::FileId;
use holos_lang::syntax::parse_expr;
use holos_lang::syntax::tree::{Decl, Element, Expr, Label, Presence, SelectorName, UnaryOp};
use holos_lang::value::builtin::{
    Argument, Builtins, CallError, Context, Function, Kind, Mode, Return, ValueRef,
};
use holos_lang::value::{Data, Number};
use holos_stdlib::Standard;
use holos_stdlib::encoding::json;
use std::path::Path;
use std::sync::Arc;

/// Values alive during a call, by index.
#[derive(Default)]
struct Calculator {
    values: Vec<Data>,
}

enum Problem {
    /// The call is refused.
    Refused(String),
    /// The calculator has no such expression.
    Unknown,
}

type Outcome = Result<Data, Problem>;

impl Calculator {
    fn get(&self, value: ValueRef) -> &Data {
        &self.values[value.0 as usize]
    }

    fn put(&mut self, data: Data) -> ValueRef {
        self.values.push(data);
        ValueRef(self.values.len() as u32 - 1)
    }

    fn expression(&mut self, expr: &Expr) -> Outcome {
        Ok(match expr {
            Expr::Null(_) => Data::Null,
            Expr::Bool(value, _) => Data::Bool(*value),
            Expr::Number(text, _) => {
                Data::Number(Number::parse_literal(text).map_err(Problem::Refused)?)
            }
            Expr::String(text, _) => Data::String(text.clone()),
            Expr::Bytes(bytes, _) => Data::Bytes(bytes.clone()),
            Expr::Paren(inner, _) => self.expression(inner)?,
            Expr::Unary(unary) if unary.op == UnaryOp::Minus => {
                match self.expression(&unary.operand)? {
                    Data::Number(number) => Data::Number(number.neg()),
                    _ => return Err(Problem::Unknown),
                }
            }
            Expr::List(list) => {
                let mut elements = Vec::new();
                for element in &list.elements {
                    let Element::Expr(element) = element else {
                        return Err(Problem::Unknown);
                    };
                    elements.push(self.expression(element)?);
                }
                if list.ellipsis.is_some() {
                    return Err(Problem::Unknown);
                }
                Data::List(elements)
            }
            Expr::Struct(literal) => {
                let mut fields = Vec::new();
                for decl in &literal.decls {
                    let Decl::Field(field) = decl else {
                        return Err(Problem::Unknown);
                    };
                    if field.presence != Presence::Regular {
                        return Err(Problem::Unknown);
                    }
                    let name: Arc<str> = match &field.label {
                        Label::Ident(name) if !name.name.starts_with(['_', '#']) => {
                            (*name.name).into()
                        }
                        Label::String { value, .. } => value.clone(),
                        _ => return Err(Problem::Unknown),
                    };
                    fields.push((name, self.expression(&field.value)?));
                }
                Data::Struct(fields)
            }
            Expr::Selector(_) => {
                let (package, name) = qualified(expr).ok_or(Problem::Unknown)?;
                let package = Standard.package(package).ok_or(Problem::Unknown)?;
                let constant = package.constants.iter().find(|(known, _)| *known == name);
                let (_, text) = constant.ok_or(Problem::Unknown)?;
                self.expression(&parse_expr(FileId(0), text).0)?
            }
            Expr::Call {
                function,
                arguments,
                ..
            } => {
                let (package, name) = qualified(function).ok_or(Problem::Unknown)?;
                let package = Standard.package(package).ok_or(Problem::Unknown)?;
                let function = package
                    .functions
                    .iter()
                    .find(|function| function.name == name);
                let function = function.ok_or_else(|| Problem::Refused("no function".into()))?;
                return self.call(function, arguments);
            }
            _ => return Err(Problem::Unknown),
        })
    }

    fn call(&mut self, function: &Function, arguments: &[Expr]) -> Outcome {
        let mut passed = Vec::new();
        if arguments.len() > function.parameters.len() {
            return Err(Problem::Refused("too many arguments".into()));
        }
        for (index, parameter) in function.parameters.iter().enumerate() {
            let data = match (arguments.get(index), parameter.default) {
                (Some(argument), _) => self.expression(argument)?,
                (None, Some(default)) => self.expression(&parse_expr(FileId(0), default).0)?,
                (None, None) => return Err(Problem::Refused("too few arguments".into())),
            };
            if parameter.kind.and(kind_of(&data)).is_empty() {
                return Err(Problem::Refused("wrong kind of argument".into()));
            }
            passed.push(match parameter.mode {
                Mode::Data => Argument::Data(data),
                Mode::Value => Argument::Value(self.put(data)),
            });
        }
        match (function.call)(self, &passed) {
            Ok(Return::Data(data)) => Ok(data),
            Ok(Return::Value(value)) => Ok(self.get(value).clone()),
            Ok(Return::Values(values)) => Ok(Data::List(
                values
                    .into_iter()
                    .map(|value| self.get(value).clone())
                    .collect(),
            )),
            Err(error) => Err(Problem::Refused(error.message)),
        }
    }
}

/// `strings.Join`: the import path that the name stands for, and the member.
fn qualified(expr: &Expr) -> Option<(&'static str, &str)> {
    let Expr::Selector(selector) = expr else {
        return None;
    };
    let (Expr::Ident(package), SelectorName::Ident(name)) = (&*selector.base, &selector.name)
    else {
        return None;
    };
    let path = Standard.paths().into_iter().find(|path| {
        path.rsplit('/')
            .next()
            .is_some_and(|last| last == &*package.name)
    })?;
    Some((path, &name.name))
}

fn kind_of(data: &Data) -> Kind {
    match data {
        Data::Null => Kind::NULL,
        Data::Bool(_) => Kind::BOOL,
        Data::Number(number) if number.is_int_kind() => Kind::INT,
        Data::Number(_) => Kind::FLOAT,
        Data::String(_) => Kind::STRING,
        Data::Bytes(_) => Kind::BYTES,
        Data::List(_) => Kind::LIST,
        Data::Struct(_) => Kind::STRUCT,
    }
}

/// With the fields of structs by name: their order does not count.
fn sorted(data: &Data) -> Data {
    match data {
        Data::List(list) => Data::List(list.iter().map(sorted).collect()),
        Data::Struct(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Data::Struct(fields)
        }
        other => other.clone(),
    }
}

impl Context for Calculator {
    fn data(&mut self, value: ValueRef) -> Result<Data, CallError> {
        Ok(self.get(value).clone())
    }

    fn make(&mut self, data: &Data) -> ValueRef {
        self.put(data.clone())
    }

    fn make_expr(&mut self, expr: &Expr) -> ValueRef {
        let data = self.expression(expr).unwrap_or(Data::Null);
        self.put(data)
    }

    fn kind(&mut self, value: ValueRef) -> Kind {
        kind_of(self.get(value))
    }

    fn elements(&mut self, value: ValueRef) -> Result<Vec<ValueRef>, CallError> {
        match self.get(value).clone() {
            Data::List(list) => Ok(list.into_iter().map(|element| self.put(element)).collect()),
            _ => Err(CallError::new("not a list")),
        }
    }

    fn fields(&mut self, value: ValueRef) -> Result<Vec<(Arc<str>, ValueRef)>, CallError> {
        match self.get(value).clone() {
            Data::Struct(fields) => Ok(fields
                .into_iter()
                .map(|(name, value)| (name, self.put(value)))
                .collect()),
            _ => Err(CallError::new("not a struct")),
        }
    }

    fn unify(&mut self, a: ValueRef, b: ValueRef, _: bool) -> Result<ValueRef, CallError> {
        if self.get(a) == self.get(b) {
            Ok(a)
        } else {
            Err(CallError::new("conflict"))
        }
    }

    fn fill(&mut self, value: ValueRef, _: &[(&str, ValueRef)]) -> ValueRef {
        value
    }

    fn lookup(&mut self, value: ValueRef, label: &str) -> Option<ValueRef> {
        let fields = self.fields(value).ok()?;
        fields
            .into_iter()
            .find(|(name, _)| **name == *label)
            .map(|(_, value)| value)
    }

    fn equal(&mut self, a: ValueRef, b: ValueRef) -> Result<bool, CallError> {
        Ok(sorted(self.get(a)) == sorted(self.get(b)))
    }

    fn text(&mut self, value: ValueRef) -> String {
        json::to_compact(self.get(value)).unwrap_or_default()
    }
}

/// Compact JSON of the right side of a case, whatever its spacing and escapes.
fn normalised(text: &str) -> String {
    match Calculator::default().expression(&parse_expr(FileId(0), text).0) {
        Ok(data) => json::to_compact(&data).unwrap_or_default(),
        Err(_) => text.to_owned(),
    }
}

/// Whether two floats differ in their last digits only: the libraries of functions such as the sine do.
fn nearly(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) if b.len() < 25 => (x - y).abs() <= x.abs() * 1e-13,
        _ => false,
    }
}

#[test]
fn builtins_answer_as_cue_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/builtins");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the suite")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    let (mut passed, mut unknown, mut wrong) = (0, 0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
        {
            let (expression, expected) = line.split_once("  =>  ").expect(line);
            let (expr, errors) = parse_expr(FileId(0), expression);
            let outcome = match errors.first() {
                Some(error) => Err(Problem::Refused(error.message.clone())),
                None => Calculator::default().expression(&expr),
            };
            let (fine, got) = match outcome {
                Err(Problem::Unknown) => {
                    unknown += 1;
                    continue;
                }
                Err(Problem::Refused(message)) => {
                    (expected.starts_with('!'), format!("!{message}"))
                }
                Ok(data) => {
                    let text = json::to_compact(&data).unwrap_or_else(|error| error.to_string());
                    let same = text == expected || text == normalised(expected);
                    let near = expression.starts_with("math.") && nearly(&text, expected);
                    (same || near, text)
                }
            };
            if fine {
                passed += 1;
            } else {
                wrong.push(format!("{expression}\n  want {expected}\n  have {got}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} wrong, {passed} passed, {unknown} beyond the calculator",
        wrong.join("\n"),
        wrong.len(),
    );
}
