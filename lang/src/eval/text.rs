//! Values back to syntax trees: what `eval` and `def` print.

use super::View;
use super::machine::*;
use super::order::Arcs;
use crate::diagnostic::Span;
use crate::resolve::program::*;
use crate::syntax::tree;
use crate::value::builtin::Kind;
use std::sync::Arc;

/// How values look within expressions.
const SOURCE: View = View {
    hidden: false,
    definitions: false,
    optional: false,
    patterns: true,
    attributes: false,
    defaults: false,
    concrete: false,
};

const NOWHERE: Span = Span { start: 0, end: 0 };

fn ident(name: &str) -> tree::Expr {
    tree::Expr::Ident(tree::Ident {
        name: name.into(),
        span: NOWHERE,
    })
}

fn chain(op: tree::BinaryOp, mut operands: Vec<tree::Expr>) -> tree::Expr {
    match operands.len() {
        0 => ident("_"),
        1 => operands.remove(0),
        n => tree::Expr::Binary(tree::Binary {
            op,
            op_spans: vec![NOWHERE; n - 1],
            operands,
            span: NOWHERE,
        }),
    }
}

impl Machine<'_> {
    /// A finished node as an expression of the language.
    pub(super) fn tree(&mut self, node: Node, view: View) -> tree::Expr {
        self.printing.push(self.deref(node));
        let tree = stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || self.tree_inner(node, view));
        self.printing.pop();
        tree
    }

    fn tree_inner(&mut self, node: Node, view: View) -> tree::Expr {
        let original = node;
        let mut node = self.deref(node);
        if self.n(node).status != Status::Finalized {
            self.finalize(node);
            node = self.deref(node);
        }
        if view.concrete || view.defaults {
            node = self.default_node(node);
        }
        match self.n(node).base {
            Value::Bottom(error) => {
                if self.code(error).is_incomplete() {
                    return self.source_tree(original, node, view);
                }
                if matches!(
                    self.errors[error as usize].value,
                    Value::Struct | Value::List { .. }
                ) {
                    return self.structure(node, self.errors[error as usize].value, view);
                }
                tree::Expr::Bottom(NOWHERE)
            }
            base @ (Value::Struct | Value::List { .. }) => self.structure(node, base, view),
            base => {
                let value = self.value_tree(base, view);
                let shown = self.shown_arcs(node, view);
                if shown.is_empty() || !matches!(base, Value::None) && shown.is_empty() {
                    return value;
                }
                let mut decls = vec![tree::Decl::Embed(value)];
                decls.extend(self.fields_tree(shown, view));
                tree::Expr::Struct(tree::StructLit {
                    decls,
                    braces: true,
                    span: NOWHERE,
                })
            }
        }
    }

    fn shown_arcs(&mut self, node: Node, view: View) -> Arcs {
        if view.optional {
            self.materialize_all(node);
        }
        let mut arcs = self.ordered_arcs(node);
        arcs.retain(|&mut (label, arc)| {
            if label.is_let() || label.is_int() {
                return false;
            }
            let arc_type = self.n(arc).arc_type;
            if arc_type > ArcType::Optional || (arc_type == ArcType::Optional && !view.optional) {
                return false;
            }
            (view.hidden || !label.is_hidden()) && (view.definitions || !label.is_definition())
        });
        arcs
    }

    fn structure(&mut self, node: Node, base: Value, view: View) -> tree::Expr {
        let shown = self.shown_arcs(node, view);
        let fields = self.fields_tree(shown, view);
        if let Value::List { open } = base {
            let mut elements = Vec::new();
            for (label, arc) in self.arc_vec(node) {
                if label.is_int() && self.n(arc).arc_type == ArcType::Member {
                    elements.push(tree::Element::Expr(self.tree(arc, view)));
                }
            }
            let ellipsis = (open && view.patterns && !view.concrete).then(|| {
                let rest = self.rest_type(node);
                let value = rest.map(|expr| Box::new(self.expr_tree(expr, NIL)));
                tree::Ellipsis {
                    value,
                    span: NOWHERE,
                }
            });
            let list = tree::Expr::List(tree::ListLit {
                elements,
                ellipsis,
                span: NOWHERE,
            });
            if fields.is_empty() {
                return list;
            }
            let mut decls = vec![tree::Decl::Embed(list)];
            decls.extend(fields);
            return tree::Expr::Struct(tree::StructLit {
                decls,
                braces: true,
                span: NOWHERE,
            });
        }
        let mut decls = fields;
        if view.optional && view.patterns {
            decls.extend(self.patterns_tree(node));
            if self.n(node).has(NodeData::ELLIPSIS) {
                decls.push(tree::Decl::Ellipsis(tree::Ellipsis {
                    value: None,
                    span: NOWHERE,
                }));
            }
        }
        tree::Expr::Struct(tree::StructLit {
            decls,
            braces: true,
            span: NOWHERE,
        })
    }

    /// The element type of an open list.
    pub(super) fn rest_type(&self, node: Node) -> Option<ExprId> {
        let patterns = self.n(node).patterns;
        if patterns == NIL {
            return None;
        }
        let (_, conjuncts) = self.patterns[patterns as usize].pairs.last()?;
        let expr = conjuncts.first()?.expr;
        match self.program.exprs[expr as usize] {
            Expr::Value(Value::Top) => None,
            _ => Some(expr),
        }
    }

    fn patterns_tree(&mut self, node: Node) -> Vec<tree::Decl> {
        let patterns = self.n(node).patterns;
        if patterns == NIL {
            return Vec::new();
        }
        let pairs = self.patterns[patterns as usize].pairs.clone();
        let mut out = Vec::new();
        for (pattern, conjuncts) in pairs {
            let filter = self.value_tree(pattern, SOURCE);
            let values: Vec<_> = conjuncts
                .iter()
                .map(|c| self.expr_tree(c.expr, c.env))
                .collect();
            out.push(tree::Decl::Field(field(
                tree::Label::Pattern {
                    alias: None,
                    expr: Box::new(filter),
                    span: NOWHERE,
                },
                tree::Presence::Regular,
                chain(tree::BinaryOp::Unify, values),
            )));
        }
        out
    }

    fn fields_tree(&mut self, arcs: Arcs, view: View) -> Vec<tree::Decl> {
        arcs.into_iter()
            .map(|(label, arc)| {
                let presence = match self.n(arc).arc_type {
                    ArcType::Optional => tree::Presence::Optional,
                    ArcType::Required => tree::Presence::Required,
                    _ => tree::Presence::Regular,
                };
                let name = self.label_tree(label);
                let value = self.tree(arc, view);
                let mut own = field(name, presence, value);
                if view.attributes {
                    own.attributes = self.attributes_of(arc);
                }
                tree::Decl::Field(own)
            })
            .collect()
    }

    /// The attributes of all declarations of a field.
    pub(super) fn attributes_of(&self, arc: Node) -> Vec<tree::Attribute> {
        let mut out = Vec::new();
        let parent = self.n(arc).parent;
        if parent == NIL || self.program.attributes.is_empty() {
            return out;
        }
        let mut at = self.n(arc).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            let mut s = self.n(parent).structs;
            while s != NIL {
                let info = self.structs[s as usize];
                let shape = &self.program.shapes[info.shape as usize];
                for index in shape.start..shape.start + shape.len {
                    if let Decl::Field { value, .. } = self.program.decls[index as usize]
                        && value == c.expr
                        && let Some(list) = self.program.attributes.get(&index)
                    {
                        out.extend(list.iter().map(|(name, body)| tree::Attribute {
                            name: name.clone(),
                            body: body.clone(),
                            span: NOWHERE,
                        }));
                    }
                }
                s = info.next;
            }
            at = c.next;
        }
        out
    }

    fn label_tree(&self, label: Label) -> tree::Label {
        let text = self.program.label_text(label);
        if label.is_string() && text.starts_with('"') {
            let value = self.program.strings.shared(label.id());
            return tree::Label::String {
                value,
                span: NOWHERE,
            };
        }
        tree::Label::Ident(tree::Ident {
            name: text.as_str().into(),
            span: NOWHERE,
        })
    }

    pub(super) fn value_tree(&mut self, value: Value, view: View) -> tree::Expr {
        match value {
            Value::None | Value::Cycle | Value::Top => ident("_"),
            Value::Bottom(_) => tree::Expr::Bottom(NOWHERE),
            Value::Null => tree::Expr::Null(NOWHERE),
            Value::Bool(b) => tree::Expr::Bool(b, NOWHERE),
            Value::Int(i) => tree::Expr::Number(i.to_string().into(), NOWHERE),
            Value::Number(id) => {
                tree::Expr::Number(self.program.numbers[id as usize].to_cue().into(), NOWHERE)
            }
            Value::String(id) => tree::Expr::String(self.program.strings.shared(id), NOWHERE),
            Value::Bytes(id) => tree::Expr::Bytes(self.program.bytes[id as usize].clone(), NOWHERE),
            Value::Kind(kind) => kind_tree(kind),
            Value::Bound(id) => {
                let bound = self.program.bounds[id as usize];
                let operand = self.value_tree(bound.value, view);
                let op = match bound.op {
                    Comparison::Equal => tree::UnaryOp::Equal,
                    Comparison::NotEqual => tree::UnaryOp::NotEqual,
                    Comparison::Less => tree::UnaryOp::Less,
                    Comparison::LessEqual => tree::UnaryOp::LessEqual,
                    Comparison::Greater => tree::UnaryOp::Greater,
                    Comparison::GreaterEqual => tree::UnaryOp::GreaterEqual,
                    Comparison::Match => tree::UnaryOp::Match,
                    Comparison::NotMatch => tree::UnaryOp::NotMatch,
                };
                tree::Expr::Unary(tree::Unary {
                    op,
                    op_span: NOWHERE,
                    operand: Box::new(operand),
                    span: NOWHERE,
                })
            }
            Value::Validator(id) => {
                let name = self.validator_name(id);
                let v = self.validators[id as usize].clone();
                let function = path_tree(&name);
                if v.call == NO_EXPR {
                    return function;
                }
                let arguments = v
                    .arguments
                    .iter()
                    .map(|&a| self.value_tree(a, view))
                    .collect();
                tree::Expr::Call {
                    function: Box::new(function),
                    arguments,
                    span: NOWHERE,
                }
            }
            Value::Conjunction(id) => {
                let mut parts = self.conjunction(id).to_vec();
                if let Some(name) = self.range_name(&parts) {
                    return ident(name);
                }
                // The type reads best in front.
                if let Some(at) = parts.iter().position(|p| matches!(p, Value::Kind(_))) {
                    let kind = parts.remove(at);
                    parts.insert(0, kind);
                }
                let trees = parts
                    .into_iter()
                    .map(|p| self.value_tree(p, view))
                    .collect();
                chain(tree::BinaryOp::Unify, trees)
            }
            Value::Disjunction(id) => {
                let d = self.disjunctions[id as usize].clone();
                if (view.defaults || view.concrete) && d.defaults == 1 {
                    return self.value_tree(d.values[0], view);
                }
                let trees = d
                    .values
                    .iter()
                    .enumerate()
                    .map(|(i, &v)| {
                        let tree = self.value_tree(v, view);
                        if i < d.defaults {
                            tree::Expr::Unary(tree::Unary {
                                op: tree::UnaryOp::Default,
                                op_span: NOWHERE,
                                operand: Box::new(tree),
                                span: NOWHERE,
                            })
                        } else {
                            tree
                        }
                    })
                    .collect();
                chain(tree::BinaryOp::Disjunction, trees)
            }
            Value::Function(_) => path_tree(&self.show(value)),
            Value::Struct => tree::Expr::Struct(tree::StructLit {
                decls: Vec::new(),
                braces: true,
                span: NOWHERE,
            }),
            Value::List { .. } => tree::Expr::List(tree::ListLit {
                elements: Vec::new(),
                ellipsis: None,
                span: NOWHERE,
            }),
            // The operand of a bound or of a validator may hold it.
            Value::Node(node) if self.printing.contains(&self.deref(node)) => ident("_"),
            Value::Node(node) => self.tree(node, view),
        }
    }

    /// The predeclared name of a range of integers.
    fn range_name(&self, parts: &[Value]) -> Option<&'static str> {
        let (mut low, mut high, mut int) = (None, None, false);
        for &part in parts {
            match part {
                Value::Kind(Kind::INT) => int = true,
                Value::Bound(id) => {
                    let b = self.program.bounds[id as usize];
                    match (b.op, b.value) {
                        (Comparison::GreaterEqual, Value::Int(v)) => low = Some(v),
                        (Comparison::LessEqual, Value::Int(v)) => high = Some(v),
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        if !int {
            return None;
        }
        match (low, high) {
            (Some(0), None) => Some("uint"),
            (Some(0), Some(255)) => Some("uint8"),
            (Some(0), Some(65_535)) => Some("uint16"),
            (Some(0), Some(4_294_967_295)) => Some("uint32"),
            (Some(-128), Some(127)) => Some("int8"),
            (Some(-32_768), Some(32_767)) => Some("int16"),
            (Some(-2_147_483_648), Some(2_147_483_647)) => Some("int32"),
            (Some(i64::MIN), Some(i64::MAX)) => Some("int64"),
            (Some(0), Some(0x10_FFFF)) => Some("rune"),
            _ => None,
        }
    }

    /// An unfinished value: the expressions it is waiting for.
    fn source_tree(&mut self, node: Node, target: Node, view: View) -> tree::Expr {
        if let Some(error) = self.bottom_of(target)
            && matches!(
                self.errors[error as usize].value,
                Value::Struct | Value::List { .. }
            )
        {
            let value = self.errors[error as usize].value;
            return self.structure(target, value, view);
        }
        let mut parts = Vec::new();
        let mut at = self.n(node).conjuncts;
        while at != NIL && parts.len() < 16 {
            let c = self.conjuncts[at as usize];
            parts.push(self.expr_tree(c.expr, c.env));
            at = c.next;
        }
        chain(tree::BinaryOp::Unify, parts)
    }

    /// An expression as it was written, names as they were spelt.
    pub(super) fn expr_tree(&mut self, expr: ExprId, env: EnvId) -> tree::Expr {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
            self.expr_tree_inner(expr, env)
        })
    }

    fn expr_tree_inner(&mut self, expr: ExprId, env: EnvId) -> tree::Expr {
        let boxed = |m: &mut Self, e: ExprId| Box::new(m.expr_tree(e, env));
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => self.value_tree(value, SOURCE),
            Expr::Field { label, .. } => ident(&self.program.label_text(label)),
            Expr::LabelName { .. } | Expr::Dynamic { .. } => ident("_"),
            Expr::Itself { .. } => ident("self"),
            Expr::Let { clause, .. } => {
                let name = self.program.let_names[clause as usize];
                ident(&self.program.strings.shared(name))
            }
            Expr::ForValue { up } => {
                let frame = if env == NIL {
                    NIL
                } else {
                    self.env_up(env, up)
                };
                if frame == NIL {
                    return ident("_");
                }
                // An element may refer to the value it is a part of.
                let node = self.envs[frame as usize].node;
                match self.printing.contains(&self.deref(node)) {
                    true => ident("_"),
                    false => self.tree(node, SOURCE),
                }
            }
            Expr::ForKey { up } => {
                let frame = if env == NIL {
                    NIL
                } else {
                    self.env_up(env, up)
                };
                if frame == NIL {
                    return ident("_");
                }
                let value = self.label_value(self.envs[frame as usize].label);
                self.value_tree(value, SOURCE)
            }
            Expr::ClauseLet { body, .. } => self.expr_tree(body, NIL),
            Expr::Package(index) => {
                let package = &self.program.packages[index as usize];
                let name = package.name.clone();
                ident(&name)
            }
            Expr::Select { base, label, .. } => {
                let base = boxed(self, base);
                let name = match self.label_tree(label) {
                    tree::Label::String { value, span } => {
                        tree::SelectorName::String { value, span }
                    }
                    tree::Label::Ident(ident) => tree::SelectorName::Ident(ident),
                    _ => unreachable!("labels are names"),
                };
                tree::Expr::Selector(tree::Selector {
                    base,
                    name,
                    span: NOWHERE,
                })
            }
            Expr::Index { base, index, .. } => tree::Expr::Index {
                base: boxed(self, base),
                index: boxed(self, index),
                span: NOWHERE,
            },
            Expr::Slice { base, low, high } => tree::Expr::Slice {
                base: boxed(self, base),
                low: (low != NO_EXPR).then(|| boxed(self, low)),
                high: (high != NO_EXPR).then(|| boxed(self, high)),
                span: NOWHERE,
            },
            Expr::Interpolation { bytes, start, len } => {
                let mut fragments: Vec<Arc<[u8]>> = Vec::new();
                let mut expressions = Vec::new();
                for (i, index) in (start..start + len).enumerate() {
                    let part = self.program.lists[index as usize];
                    if i % 2 == 1 {
                        expressions.push(self.expr_tree(part, env));
                        continue;
                    }
                    fragments.push(match self.program.exprs[part as usize] {
                        Expr::Value(Value::String(id)) => {
                            self.program.strings.get(id).as_bytes().into()
                        }
                        Expr::Value(Value::Bytes(id)) => self.program.bytes[id as usize].clone(),
                        _ => Arc::from(&b""[..]),
                    });
                }
                tree::Expr::Interpolation(tree::Interpolation {
                    bytes,
                    fragments,
                    expressions,
                    span: NOWHERE,
                })
            }
            Expr::Plus(x) => unary(tree::UnaryOp::Plus, boxed(self, x)),
            Expr::Minus(x) => unary(tree::UnaryOp::Minus, boxed(self, x)),
            Expr::Not(x) => unary(tree::UnaryOp::Not, boxed(self, x)),
            Expr::Bound(op, x) => {
                let op = match op {
                    Comparison::Equal => tree::UnaryOp::Equal,
                    Comparison::NotEqual => tree::UnaryOp::NotEqual,
                    Comparison::Less => tree::UnaryOp::Less,
                    Comparison::LessEqual => tree::UnaryOp::LessEqual,
                    Comparison::Greater => tree::UnaryOp::Greater,
                    Comparison::GreaterEqual => tree::UnaryOp::GreaterEqual,
                    Comparison::Match => tree::UnaryOp::Match,
                    Comparison::NotMatch => tree::UnaryOp::NotMatch,
                };
                unary(op, boxed(self, x))
            }
            Expr::Binary(op, a, b) => {
                let op = match op {
                    Operator::Or { .. } => tree::BinaryOp::Or,
                    Operator::And { .. } => tree::BinaryOp::And,
                    Operator::Add => tree::BinaryOp::Add,
                    Operator::Subtract => tree::BinaryOp::Subtract,
                    Operator::Multiply => tree::BinaryOp::Multiply,
                    Operator::Divide => tree::BinaryOp::Divide,
                    Operator::Compare(op) => match op {
                        Comparison::Equal => tree::BinaryOp::Equal,
                        Comparison::NotEqual => tree::BinaryOp::NotEqual,
                        Comparison::Less => tree::BinaryOp::Less,
                        Comparison::LessEqual => tree::BinaryOp::LessEqual,
                        Comparison::Greater => tree::BinaryOp::Greater,
                        Comparison::GreaterEqual => tree::BinaryOp::GreaterEqual,
                        Comparison::Match => tree::BinaryOp::Match,
                        Comparison::NotMatch => tree::BinaryOp::NotMatch,
                    },
                };
                let operands = vec![self.expr_tree(a, env), self.expr_tree(b, env)];
                chain(op, operands)
            }
            Expr::Unify(a, b) => {
                let operands = vec![self.expr_tree(a, env), self.expr_tree(b, env)];
                chain(tree::BinaryOp::Unify, operands)
            }
            Expr::Disjunction(index) => {
                let Disjunction { arms, called, .. } =
                    self.program.disjunctions[index as usize].clone();
                if called {
                    let element = |(arm, _)| tree::Element::Expr(self.expr_tree(arm, NIL));
                    let list = tree::Expr::List(tree::ListLit {
                        elements: arms.into_iter().map(element).collect(),
                        ellipsis: None,
                        span: NOWHERE,
                    });
                    return tree::Expr::Call {
                        function: Box::new(ident("or")),
                        arguments: vec![list],
                        span: NOWHERE,
                    };
                }
                let operands = arms
                    .into_iter()
                    .map(|(arm, marked)| {
                        let arm = boxed(self, arm);
                        if marked {
                            unary(tree::UnaryOp::Default, arm)
                        } else {
                            *arm
                        }
                    })
                    .collect();
                chain(tree::BinaryOp::Disjunction, operands)
            }
            Expr::Call {
                function,
                start,
                len,
            } => {
                let function = boxed(self, function);
                let arguments = (start..start + len)
                    .map(|i| self.expr_tree(self.program.lists[i as usize], env))
                    .collect();
                tree::Expr::Call {
                    function,
                    arguments,
                    span: NOWHERE,
                }
            }
            Expr::Struct(shape) => {
                let Shape {
                    start,
                    len,
                    ellipsis,
                    ..
                } = self.program.shapes[shape as usize];
                let mut decls = Vec::new();
                for index in start..start + len {
                    match self.program.decls[index as usize] {
                        Decl::Field { label, arc, value } => {
                            let value = self.expr_tree(value, NIL);
                            let presence = match arc {
                                ArcType::Optional => tree::Presence::Optional,
                                ArcType::Required => tree::Presence::Required,
                                _ => tree::Presence::Regular,
                            };
                            decls.push(tree::Decl::Field(field(
                                self.label_tree(label),
                                presence,
                                value,
                            )));
                        }
                        Decl::Dynamic { key, value, .. } => {
                            let key = boxed(self, key);
                            let value = self.expr_tree(value, NIL);
                            let label = tree::Label::Dynamic {
                                expr: key,
                                span: NOWHERE,
                            };
                            decls.push(tree::Decl::Field(field(
                                label,
                                tree::Presence::Regular,
                                value,
                            )));
                        }
                        Decl::Pattern { filter, value } => {
                            let filter = boxed(self, filter);
                            let value = self.expr_tree(value, NIL);
                            let label = tree::Label::Pattern {
                                alias: None,
                                expr: filter,
                                span: NOWHERE,
                            };
                            decls.push(tree::Decl::Field(field(
                                label,
                                tree::Presence::Regular,
                                value,
                            )));
                        }
                        Decl::Embed(expr) => {
                            decls.push(tree::Decl::Embed(self.expr_tree(expr, NIL)))
                        }
                        Decl::Comprehension(_) | Decl::Ellipsis => {}
                    }
                }
                if ellipsis {
                    decls.push(tree::Decl::Ellipsis(tree::Ellipsis {
                        value: None,
                        span: NOWHERE,
                    }));
                }
                tree::Expr::Struct(tree::StructLit {
                    decls,
                    braces: true,
                    span: NOWHERE,
                })
            }
            Expr::List(index) => {
                let literal = self.program.list_literals[index as usize].clone();
                let elements = literal
                    .elements
                    .iter()
                    .filter_map(|e| match e {
                        Element::Expr(e) => Some(tree::Element::Expr(self.expr_tree(*e, NIL))),
                        Element::Comprehension(_) => None,
                    })
                    .collect();
                let ellipsis = literal.ellipsis.map(|e| tree::Ellipsis {
                    value: match self.program.exprs[e as usize] {
                        Expr::Value(Value::Top) => None,
                        _ => Some(boxed(self, e)),
                    },
                    span: NOWHERE,
                });
                tree::Expr::List(tree::ListLit {
                    elements,
                    ellipsis,
                    span: NOWHERE,
                })
            }
            Expr::Comprehension(_) => ident("_"),
            Expr::Open(x) => tree::Expr::Open(boxed(self, x), NOWHERE),
        }
    }
}

fn unary(op: tree::UnaryOp, operand: Box<tree::Expr>) -> tree::Expr {
    tree::Expr::Unary(tree::Unary {
        op,
        op_span: NOWHERE,
        operand,
        span: NOWHERE,
    })
}

fn field(label: tree::Label, presence: tree::Presence, value: tree::Expr) -> tree::Field {
    tree::Field {
        presence,
        ..tree::Field::regular(label, value, NOWHERE)
    }
}

fn path_tree(name: &str) -> tree::Expr {
    match name.rsplit_once('.') {
        Some((base, last)) => tree::Expr::Selector(tree::Selector {
            base: Box::new(ident(base)),
            name: tree::SelectorName::Ident(tree::Ident {
                name: last.into(),
                span: NOWHERE,
            }),
            span: NOWHERE,
        }),
        None => ident(name),
    }
}

fn kind_tree(kind: Kind) -> tree::Expr {
    if kind.contains(Kind::TOP) {
        return ident("_");
    }
    let mut parts = Vec::new();
    let mut left = kind;
    for (k, tree) in [
        (Kind::NULL, tree::Expr::Null(NOWHERE)),
        (Kind::BOOL, ident("bool")),
        (Kind::NUMBER, ident("number")),
        (Kind::INT, ident("int")),
        (Kind::FLOAT, ident("float")),
        (Kind::STRING, ident("string")),
        (Kind::BYTES, ident("bytes")),
    ] {
        if left.contains(k) {
            parts.push(tree);
            left = Kind(left.0 & !k.0);
        }
    }
    if left.contains(Kind::LIST) {
        let ellipsis = Some(tree::Ellipsis {
            value: None,
            span: NOWHERE,
        });
        parts.push(tree::Expr::List(tree::ListLit {
            elements: Vec::new(),
            ellipsis,
            span: NOWHERE,
        }));
    }
    if left.contains(Kind::STRUCT) {
        parts.push(tree::Expr::Struct(tree::StructLit {
            decls: Vec::new(),
            braces: true,
            span: NOWHERE,
        }));
    }
    chain(tree::BinaryOp::Disjunction, parts)
}
