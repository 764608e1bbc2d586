//! `@test(eq, EXPR)`: an expected expression held against a value.
//!
//! The expected side is read, not evaluated, so that a fault of the evaluator cannot hide by being on both
//! sides. Structs are compared field by field (presence, definitions, hidden fields and attributes included; order only
//! with `@test(checkOrder)` inside), disjunctions disjunct by disjunct in any order with their default marks,
//! conjunctions of bounds and types in any order. Only leaves are evaluated: literals, types, bounds, calls of builtins.
//! Patterns are compared where the expected struct has some; `let` clauses never. A struct that embeds `_|_` stands for any
//! error. Inside an expected struct, `@test(err, …)` behind a field checks for that error instead,
//! `@test(final)` takes defaults first, `@test(ignore)` leaves the field out.

use super::attribute::{self, ErrorSpec, label_segment};
use super::program::{Program, is_named};
use super::{Segment, check};
use holos_lang::diagnostic::{Severity, Source, SourceMap};
use holos_lang::eval::inspect::{ErrorCode, InspectedField, Inspection, Shape};
use holos_lang::eval::{Evaluation, NodeId, Selector as PathStep};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::tree::{
    self, Attribute, BinaryOp, Decl, Element, Expr, Label, Presence, SelectorName, StructLit,
    UnaryOp,
};
use holos_lang::syntax::{parse_expr, tree::Import};
use holos_lang::value::builtin::{Builtins, Kind};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Says at which path something is not as expected.
type Result = std::result::Result<(), String>;

/// One comparison: the program on the one side, the text of the expectation on the other.
pub(super) struct Comparison<'p, 'e> {
    pub program: &'p mut Program<'e>,
    pub builtins: &'p dyn Builtins,
    /// The expected expression's text, which spans point into.
    text: Arc<str>,
    /// Whether an expected expression that is no literal may stand for what is incomplete.
    printed: bool,
}

/// Compares the value with an expression given as text.
pub(super) fn compare(
    program: &mut Program<'_>,
    builtins: &dyn Builtins,
    node: NodeId,
    expected: &str,
    printed: bool,
) -> Result {
    let mut sources = SourceMap::default();
    let file = sources.add(Source {
        name: "expected".into(),
        text: expected.into(),
        user: true,
    });
    let (expr, errors) = parse_expr(file, expected);
    if let Some(error) = errors
        .iter()
        .find(|error| error.severity == Severity::Error)
    {
        return Err(format!(
            "cannot read the expected expression: {}",
            error.message
        ));
    }
    Comparison {
        program,
        builtins,
        text: expected.into(),
        printed,
    }
    .value("", &expr, node)
}

fn fail(path: &str, message: impl std::fmt::Display) -> Result {
    match path {
        "" => Err(message.to_string()),
        _ => Err(format!("{path}: {message}")),
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

impl<'p> Comparison<'p, '_> {
    fn source(&self, expr: &Expr) -> &str {
        let span = expr.span();
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("…")
    }

    fn mismatch(&mut self, path: &str, expr: &Expr, node: NodeId) -> Result {
        let unfinished = matches!(
            expr,
            Expr::Call { .. } | Expr::Selector(_) | Expr::Ident(_) | Expr::Binary(_)
        );
        let incomplete = Some(ErrorCode::Incomplete);
        if self.printed && unfinished && self.program.inspect(node).error == incomplete {
            return Ok(());
        }
        let got = self.program.text(node);
        fail(path, format!("expected {}, got {got}", self.source(expr)))
    }

    /// Compares one value.
    fn value(&mut self, path: &str, expr: &Expr, node: NodeId) -> Result {
        let inspection = self.program.inspect(node);
        match (expr, &inspection.shape) {
            (Expr::Paren(inner, _), _) => return self.value(path, inner, node),
            (Expr::Struct(literal), _) => return self.structure(path, literal, node),
            (Expr::Bottom(_), _) => {
                return match inspection.error {
                    Some(_) => Ok(()),
                    None => self.mismatch(path, expr, node),
                };
            }
            _ if is_binary(expr, BinaryOp::Disjunction) => {
                return self.disjunction(path, expr, node);
            }
            (Expr::Binary(binary), _) if binary.op == BinaryOp::Unify => {
                return self.conjunction(path, expr, node);
            }
            (_, Shape::Disjunction { .. } | Shape::Conjunction(_)) => {
                if is_range_type(expr) && self.leaf(expr, &inspection.shape) {
                    return Ok(());
                }
                return self.mismatch(path, expr, node);
            }
            _ => {}
        }
        if let Some(extra) = inspection.fields.iter().find(|field| field.special) {
            return fail(path, format!("the value also has a field {}", extra.label));
        }
        match expr {
            Expr::List(list) => self.list(path, list, node),
            _ if self.leaf(expr, &inspection.shape) => Ok(()),
            _ => self.mismatch(path, expr, node),
        }
    }

    fn structure(&mut self, path: &str, literal: &StructLit, node: NodeId) -> Result {
        let inspection = self.program.inspect(node);
        let expected = ExpectedStruct::of(literal);
        for embedded in &expected.embedded {
            match embedded {
                Expr::List(list) => self.list(path, list, node)?,
                Expr::Bottom(_) if inspection.error.is_some() => {}
                _ if self.leaf(embedded, &inspection.shape) => {}
                _ if is_binary(embedded, BinaryOp::Disjunction) => {
                    self.disjunction(path, embedded, node)?;
                }
                _ if is_binary(embedded, BinaryOp::Unify) => {
                    self.conjunction(path, embedded, node)?;
                }
                _ => return self.mismatch(path, embedded, node),
            }
        }
        if expected.embedded.is_empty() && !is_structural(&inspection) {
            let got = self.program.text(node);
            return fail(path, format!("expected a struct, got {got}"));
        }
        if let Some(spec) = &expected.error {
            self.error(path, spec, Some(node))?;
        }
        if expected
            .embedded
            .iter()
            .any(|expr| matches!(expr, Expr::Bottom(_)))
        {
            return Ok(());
        }
        let matched = self.fields(path, &expected, &inspection)?;
        for (index, field) in inspection.fields.iter().enumerate() {
            let hidden = self.printed && field.special && field.label.starts_with('_');
            if matched.contains(&index) || hidden || (inspection.closed && self.is_refused(field)) {
                continue;
            }
            let got = self.program.text(field.value);
            let label = field_text(field);
            return fail(path, format!("unexpected field {label}: {got}"));
        }
        if expected.ordered {
            let wanted: Vec<_> = expected
                .fields
                .iter()
                .map(|f| f.segment.name.as_str())
                .collect();
            let got: Vec<_> = inspection.fields.iter().map(|f| &*f.label).collect();
            if wanted != got {
                return fail(path, format!("expected the order {wanted:?}, got {got:?}"));
            }
        }
        self.patterns(path, &expected, &inspection)
    }

    /// Compares the expected fields; gives the indices of the inspected fields they matched.
    fn fields(
        &mut self,
        path: &str,
        expected: &ExpectedStruct<'_>,
        inspection: &Inspection,
    ) -> std::result::Result<HashSet<usize>, String> {
        let mut matched = HashSet::new();
        let mut shared = HashSet::new();
        for wanted in &expected.fields {
            let path = below(path, &wanted.segment.name);
            let found = inspection.fields.iter().position(|field| {
                field.presence == wanted.field.presence && is_named(field, &wanted.segment)
            });
            matched.extend(found);
            let node = found.map(|index| inspection.fields[index].value);
            let seen_before = wanted
                .shared
                .as_ref()
                .is_some_and(|name| !shared.insert(name.clone()));
            if wanted.ignored || seen_before {
                if let (Some(spec), Some(node)) = (&wanted.error, node) {
                    self.error(&path, spec, Some(node))?;
                }
                continue;
            }
            let Some(index) = found else {
                let suffix = presence_text(wanted.field.presence);
                return Err(format!("{path}{suffix}: there is no such field"));
            };
            let node = inspection.fields[index].value;
            if let Some(spec) = &wanted.error {
                self.error(&path, spec, Some(node))?;
                continue;
            }
            if wanted.last || expected.last {
                let node = self.program.evaluation.default(node);
                if !self.leaf_node(&wanted.field.value, node) {
                    self.mismatch(&path, &wanted.field.value, node)?;
                }
            } else {
                self.value(&path, &wanted.field.value, node)?;
            }
            attributes(
                &path,
                &wanted.field.attributes,
                &inspection.fields[index].attributes,
            )?;
        }
        Ok(matched)
    }

    /// Whether an optional field is one that closedness made an error of.
    fn is_refused(&mut self, field: &InspectedField) -> bool {
        field.presence == Presence::Optional && self.program.inspect(field.value).error.is_some()
    }

    fn patterns(
        &mut self,
        path: &str,
        expected: &ExpectedStruct<'_>,
        inspection: &Inspection,
    ) -> Result {
        if expected.patterns.is_empty() {
            return Ok(());
        }
        if expected.patterns.len() != inspection.patterns.len() {
            let (wanted, got) = (expected.patterns.len(), inspection.patterns.len());
            return fail(
                path,
                format!("expected {wanted} pattern constraints, got {got}"),
            );
        }
        for (pattern, value) in &expected.patterns {
            let path = below(path, &format!("[{}]", self.source(pattern)));
            let mut found = None;
            for &(got_pattern, got_value) in &inspection.patterns {
                if self.value(&path, pattern, got_pattern).is_ok() {
                    found = Some(got_value);
                    if self.value(&path, value, got_value).is_ok() {
                        break;
                    }
                }
            }
            match found {
                Some(got) => self.value(&path, value, got)?,
                None => return fail(&path, "there is no such pattern constraint"),
            }
        }
        Ok(())
    }

    fn list(&mut self, path: &str, expected: &tree::ListLit, node: NodeId) -> Result {
        let node = self.program.evaluation.default(node);
        let inspection = self.program.inspect(node);
        let Shape::List { elements, rest } = &inspection.shape else {
            let got = self.program.text(node);
            return fail(path, format!("expected a list, got {got}"));
        };
        if expected.elements.len() != elements.len() {
            let got = self.program.text(node);
            let wanted = expected.elements.len();
            return fail(
                path,
                format!("expected {wanted} elements, got {}: {got}", elements.len()),
            );
        }
        for (index, (wanted, &got)) in expected.elements.iter().zip(elements).enumerate() {
            let path = below(path, &index.to_string());
            match wanted {
                Element::Expr(expr) => self.value(&path, expr, got)?,
                _ => return fail(&path, "an expected element must be an expression"),
            }
        }
        match (expected.ellipsis.as_ref(), rest) {
            (None, _) => Ok(()),
            (Some(_), None) => fail(path, "expected an open list, got a closed one"),
            (Some(ellipsis), Some(rest)) => match &ellipsis.value {
                Some(expr) => self.value(&below(path, "..."), expr, *rest),
                None => Ok(()),
            },
        }
    }

    fn disjunction(&mut self, path: &str, expr: &Expr, node: NodeId) -> Result {
        let mut wanted = Vec::new();
        flatten_disjunction(expr, false, &mut wanted);
        let inspection = self.program.inspect(node);
        let (values, defaults) = match &inspection.shape {
            Shape::Disjunction { values, defaults } => (values, *defaults),
            // Types alone may be kept as one type.
            Shape::Type(_) if self.leaf(expr, &inspection.shape) => return Ok(()),
            _ => return self.mismatch(path, expr, node),
        };
        let marked = wanted.iter().filter(|(_, default)| *default).count();
        if wanted.len() != values.len() || marked != defaults {
            return self.mismatch(path, expr, node);
        }
        let mut left: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(i, v)| (*v, i < defaults))
            .collect();
        for (disjunct, default) in wanted {
            let found = (0..left.len())
                .find(|&i| left[i].1 == default && self.value(path, disjunct, left[i].0).is_ok());
            match found {
                Some(index) => _ = left.remove(index),
                None => {
                    let got = self.program.text(node);
                    let disjunct = self.source(disjunct);
                    return fail(path, format!("no disjunct is {disjunct} in {got}"));
                }
            }
        }
        Ok(())
    }

    fn conjunction(&mut self, path: &str, expr: &Expr, node: NodeId) -> Result {
        let mut wanted = Vec::new();
        flatten_conjunction(expr, &mut wanted);
        let inspection = self.program.inspect(node);
        let mut left = Vec::new();
        flatten_shape(&inspection.shape, &mut left);
        left.retain(|shape| !matches!(shape, Shape::Struct | Shape::Type(Kind::STRUCT)));
        for part in wanted {
            if let Expr::Struct(literal) = part {
                let expected = ExpectedStruct::of(literal);
                self.fields(path, &expected, &inspection)?;
                continue;
            }
            let Some((mut other, value)) = self.evaluate(part) else {
                return self.mismatch(path, expr, node);
            };
            let mut shapes = Vec::new();
            flatten_shape(&other.inspect(value).shape, &mut shapes);
            for shape in shapes {
                let same = |got: &Shape| same_shape(self.program, got, &mut other, &shape);
                match left.iter().position(same) {
                    Some(index) => _ = left.remove(index),
                    None => return self.mismatch(path, expr, node),
                }
            }
        }
        if left.is_empty() {
            Ok(())
        } else {
            self.mismatch(path, expr, node)
        }
    }

    pub(super) fn error(&mut self, path: &str, spec: &ErrorSpec, node: Option<NodeId>) -> Result {
        check::error(self.program, spec, node).or_else(|message| fail(path, message))
    }

    /// Whether a leaf expression, evaluated by itself, has this shape.
    fn leaf(&mut self, expr: &Expr, shape: &Shape) -> bool {
        match (expr, shape) {
            (Expr::Null(_), Shape::Null) => return true,
            (Expr::Bool(wanted, _), Shape::Bool(got)) => return wanted == got,
            (Expr::String(wanted, _), Shape::String(got)) => return wanted == got,
            (Expr::Bytes(wanted, _), Shape::Bytes(got)) => return wanted == got,
            (_, Shape::Bottom) => return false,
            _ => {}
        }
        let Some((mut other, value)) = self.evaluate(expr) else {
            return false;
        };
        let value = other.evaluation.default(value);
        let wanted = other.inspect(value);
        same_shape(self.program, shape, &mut other, &wanted.shape)
    }

    /// Whether an expression, evaluated by itself, equals the value.
    fn leaf_node(&mut self, expr: &Expr, node: NodeId) -> bool {
        let Some((mut other, value)) = self.evaluate(expr) else {
            return false;
        };
        same(self.program, node, &mut other, value)
    }

    /// Evaluates an expected expression in an otherwise empty package; what it calls like a builtin
    /// package is imported.
    fn evaluate(&self, expr: &Expr) -> Option<(Program<'p>, NodeId)> {
        let mut sources = SourceMap::default();
        let file = sources.add(Source {
            name: "expected".into(),
            text: self.text.clone(),
            user: true,
        });
        let mut names = BTreeMap::new();
        used_packages(expr, self.builtins, &mut names);
        let span = expr.span();
        let imports = names
            .into_values()
            .map(|path| Import {
                alias: None,
                path: path.into(),
                path_span: span,
                span,
            })
            .collect();
        let label = Label::String {
            value: "expected".into(),
            span,
        };
        let field = tree::Field::regular(label, expr.clone(), span);
        let tree = tree::File {
            imports,
            decls: vec![Decl::Field(field)],
            span,
            ..Default::default()
        };
        let package = PackageFiles {
            files: vec![(file, Arc::new(tree))],
            ..Default::default()
        };
        let (mut evaluation, errors) =
            Evaluation::new(&mut sources, package, &mut Nothing, self.builtins);
        if errors.iter().any(|error| error.severity == Severity::Error) {
            return None;
        }
        let root = evaluation.root();
        let value = evaluation.lookup(root, &[PathStep::Field("expected".into())])?;
        Some((Program::new(evaluation), value))
    }
}

struct Nothing;

impl Importer for Nothing {
    fn import(
        &mut self,
        _: &mut SourceMap,
        _: &str,
        _: &str,
    ) -> std::result::Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is not a builtin package".into(),
            help: Vec::new(),
        })
    }
}

/// An expected struct's declarations, sorted out.
struct ExpectedStruct<'a> {
    fields: Vec<ExpectedField<'a>>,
    patterns: Vec<(&'a Expr, &'a Expr)>,
    embedded: Vec<&'a Expr>,
    /// `@test(err, …)` about the struct itself.
    error: Option<ErrorSpec>,
    ordered: bool,
    last: bool,
}

struct ExpectedField<'a> {
    segment: Segment,
    field: &'a tree::Field,
    error: Option<ErrorSpec>,
    last: bool,
    ignored: bool,
    /// The name in `@test(shareID=name)`: only the first field of a name is compared.
    shared: Option<String>,
}

impl<'a> ExpectedStruct<'a> {
    fn of(literal: &'a StructLit) -> ExpectedStruct<'a> {
        let mut all = ExpectedStruct {
            fields: Vec::new(),
            patterns: Vec::new(),
            embedded: Vec::new(),
            error: None,
            ordered: false,
            last: false,
        };
        for decl in &literal.decls {
            match decl {
                Decl::Attribute(attribute) => {
                    let Some(directive) = attribute::directive(attribute) else {
                        continue;
                    };
                    match directive.name.as_str() {
                        "err" => all.error = Some(ErrorSpec::within(&directive.arguments)),
                        "checkOrder" => all.ordered = true,
                        "final" => all.last = true,
                        _ => {}
                    }
                }
                Decl::Field(field) => match (&field.label, label_segment(&field.label)) {
                    (_, Some(segment)) => all.fields.push(ExpectedField::of(segment, field)),
                    (Label::Pattern { expr, .. }, _) => all.patterns.push((expr, &field.value)),
                    _ => {}
                },
                Decl::Embed(expr) => all.embedded.push(expr),
                _ => {}
            }
        }
        all
    }
}

impl<'a> ExpectedField<'a> {
    fn of(segment: Segment, field: &'a tree::Field) -> ExpectedField<'a> {
        let mut expected = ExpectedField {
            segment,
            field,
            error: None,
            last: false,
            ignored: false,
            shared: None,
        };
        for directive in field.attributes.iter().filter_map(attribute::directive) {
            match directive.name.as_str() {
                "err" => expected.error = Some(ErrorSpec::within(&directive.arguments)),
                "final" => expected.last = true,
                "ignore" => expected.ignored = true,
                "shareID" => expected.shared = Some(directive.setting),
                _ => {}
            }
        }
        expected
    }
}

/// Whether a value may be written as a struct without an embedded expression.
fn is_structural(inspection: &Inspection) -> bool {
    match &inspection.shape {
        Shape::Struct | Shape::Type(Kind::STRUCT) => true,
        Shape::Bottom => !inspection.fields.is_empty(),
        _ => false,
    }
}

/// Attributes other than `@test`, in any order.
fn attributes(path: &str, wanted: &[Attribute], got: &[Attribute]) -> Result {
    let own = |attributes: &[Attribute]| {
        let mut texts: Vec<_> = attributes
            .iter()
            .filter(|attribute| &*attribute.name != "test")
            .map(|attribute| format!("@{}({})", attribute.name, attribute.body))
            .collect();
        texts.sort();
        texts.dedup();
        texts
    };
    let (wanted, got) = (own(wanted), own(got));
    if wanted == got {
        return Ok(());
    }
    fail(
        path,
        format!("expected the attributes {wanted:?}, got {got:?}"),
    )
}

fn field_text(field: &InspectedField) -> String {
    format!("{}{}", field.label, presence_text(field.presence))
}

fn presence_text(presence: Presence) -> &'static str {
    match presence {
        Presence::Regular => "",
        Presence::Optional => "?",
        Presence::Required => "!",
    }
}

fn is_binary(expr: &Expr, op: BinaryOp) -> bool {
    match expr {
        Expr::Paren(inner, _) => is_binary(inner, op),
        Expr::Binary(binary) => binary.op == op,
        _ => false,
    }
}

/// A predeclared name that stands for a conjunction: `uint8`, `float32`, `rune`.
fn is_range_type(expr: &Expr) -> bool {
    matches!(expr, Expr::Ident(ident) if ident.name.ends_with(|c: char| c.is_ascii_digit())
        || matches!(&*ident.name, "uint" | "rune"))
}

fn flatten_disjunction<'a>(expr: &'a Expr, default: bool, out: &mut Vec<(&'a Expr, bool)>) {
    match expr {
        Expr::Paren(inner, _) => flatten_disjunction(inner, default, out),
        Expr::Unary(unary) if unary.op == UnaryOp::Default => {
            flatten_disjunction(&unary.operand, true, out);
        }
        Expr::Binary(binary) if binary.op == BinaryOp::Disjunction => {
            for operand in &binary.operands {
                flatten_disjunction(operand, default, out);
            }
        }
        _ => out.push((expr, default)),
    }
}

fn flatten_conjunction<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match expr {
        Expr::Paren(inner, _) => flatten_conjunction(inner, out),
        Expr::Binary(binary) if binary.op == BinaryOp::Unify => {
            for operand in &binary.operands {
                flatten_conjunction(operand, out);
            }
        }
        _ => out.push(expr),
    }
}

fn flatten_shape(shape: &Shape, out: &mut Vec<Shape>) {
    match shape {
        Shape::Conjunction(parts) => parts.iter().for_each(|part| flatten_shape(part, out)),
        _ => out.push(shape.clone()),
    }
}

/// Names an expression uses like packages, with the builtin package of that name.
fn used_packages(expr: &Expr, builtins: &dyn Builtins, out: &mut BTreeMap<String, &'static str>) {
    match expr {
        Expr::Selector(selector) => match (&*selector.base, &selector.name) {
            (Expr::Ident(ident), SelectorName::Ident(_)) => {
                let named = |path: &&str| path.rsplit('/').next() == Some(&*ident.name);
                if let Some(path) = builtins.paths().into_iter().find(named) {
                    out.insert(ident.name.to_string(), path);
                }
            }
            (base, _) => used_packages(base, builtins, out),
        },
        Expr::Call {
            function,
            arguments,
            ..
        } => {
            used_packages(function, builtins, out);
            arguments
                .iter()
                .for_each(|argument| used_packages(argument, builtins, out));
        }
        Expr::Paren(inner, _) => used_packages(inner, builtins, out),
        Expr::Unary(unary) => used_packages(&unary.operand, builtins, out),
        Expr::Binary(binary) => {
            binary
                .operands
                .iter()
                .for_each(|operand| used_packages(operand, builtins, out));
        }
        _ => {}
    }
}

/// Whether two values of two programs are the same, defaults taken.
fn same(a: &mut Program<'_>, x: NodeId, b: &mut Program<'_>, y: NodeId) -> bool {
    let (x, y) = (a.evaluation.default(x), b.evaluation.default(y));
    let (left, right) = (a.inspect(x), b.inspect(y));
    let present = |inspection: &Inspection| -> Vec<(Segment, NodeId)> {
        inspection
            .fields
            .iter()
            .filter(|field| field.presence != Presence::Optional)
            .map(|field| {
                let name = field.label.to_string();
                (
                    Segment {
                        name,
                        special: field.special,
                        package: None,
                    },
                    field.value,
                )
            })
            .collect()
    };
    let (fields, others) = (present(&left), present(&right));
    fields.len() == others.len()
        && fields.iter().all(|(name, value)| {
            others
                .iter()
                .any(|(other, got)| other == name && same(a, *value, b, *got))
        })
        && same_shape(a, &left.shape, b, &right.shape)
}

fn same_shape(a: &mut Program<'_>, x: &Shape, b: &mut Program<'_>, y: &Shape) -> bool {
    match (x, y) {
        (Shape::Bottom, Shape::Bottom)
        | (Shape::Null, Shape::Null)
        | (Shape::Struct, Shape::Struct) => true,
        (Shape::Bool(x), Shape::Bool(y)) => x == y,
        (Shape::Number(x), Shape::Number(y)) => x.numeric_cmp(y).is_eq(),
        (Shape::String(x), Shape::String(y)) => x == y,
        (Shape::Bytes(x), Shape::Bytes(y)) => x == y,
        (Shape::Type(x), Shape::Type(y)) => x == y,
        (Shape::Bound(op, x), Shape::Bound(other, y)) => op == other && same_shape(a, x, b, y),
        (Shape::Validator(name, xs), Shape::Validator(other, ys)) => {
            name == other && all_same(a, xs, b, ys)
        }
        (Shape::Conjunction(_), Shape::Conjunction(_)) => {
            let (mut xs, mut ys) = (Vec::new(), Vec::new());
            flatten_shape(x, &mut xs);
            flatten_shape(y, &mut ys);
            xs.len() == ys.len()
                && xs.iter().all(|x| {
                    let found = ys.iter().position(|y| same_shape(a, x, b, y));
                    found.map(|index| ys.remove(index)).is_some()
                })
        }
        (
            Shape::Disjunction {
                values: xs,
                defaults: m,
            },
            Shape::Disjunction {
                values: ys,
                defaults: n,
            },
        ) => m == n && all_same(a, xs, b, ys),
        (Shape::List { elements: xs, .. }, Shape::List { elements: ys, .. }) => {
            all_same(a, xs, b, ys)
        }
        _ => false,
    }
}

fn all_same(a: &mut Program<'_>, xs: &[NodeId], b: &mut Program<'_>, ys: &[NodeId]) -> bool {
    xs.len() == ys.len() && xs.iter().zip(ys).all(|(&x, &y)| same(a, x, b, y))
}
