//! Values as they are written, out of an evaluation: see [`crate::value::schema`].
//!
//! A node keeps its conjuncts. Those that are declarations are told from those that a reference or a conjunction brought
//! by where they stand: a declaration's environment is that of the struct the field is in. What a conjunct is made of is
//! evaluated as a value of its own when somebody asks.

use super::machine::*;
use super::ops::Equality;
use super::subsume::Subsumption;
use crate::diagnostic::FileId;
use crate::resolve::program::*;
use crate::syntax::docs::Docs;
use crate::syntax::tree::{Attribute, Presence};
use crate::value::Data;
use crate::value::builtin::{CallError, Kind, ValueRef};
use crate::value::schema::{Form, Instance, Reference, SchemaField, SchemaReader, SchemaRef};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// How many readers there may be inside each other: a schema may hold what is made of it.
const MOST_READERS: u32 = 4;
/// How deep an expression is searched for references.
const DEEPEST: usize = 64;

/// For the default of a disjunction that another alternative allows.
const SIMPLIFY: Subsumption = Subsumption {
    left_default: true,
    right_default: false,
    open: false,
    data: false,
};

/// What a value is written as.
#[derive(Clone, Debug)]
enum Written {
    /// It is what it comes to.
    Evaluated,
    Conjuncts(Vec<(ExprId, EnvId)>),
    Unified(Vec<SchemaRef>),
}

#[derive(Clone, Debug)]
struct Entry {
    node: Node,
    written: Written,
}

/// What the program declares, found when the first value is read and kept for the next.
#[derive(Clone, Default)]
pub(super) struct Declared {
    docs: FxHashMap<FileId, Arc<Docs>>,
    /// The declarations of fields and patterns by their values.
    values: FxHashMap<ExprId, u32>,
    /// The elements of list literals.
    elements: FxHashSet<ExprId>,
    /// How many declarations and list literals have been looked at.
    seen: (usize, usize),
}

impl Declared {
    /// Looks at what is new in the program.
    fn update(&mut self, program: &Program) {
        let (decls, lists) = self.seen;
        for (index, decl) in program.decls.iter().enumerate().skip(decls) {
            if let Decl::Field { value, .. }
            | Decl::Dynamic { value, .. }
            | Decl::Pattern { value, .. } = *decl
            {
                self.values.entry(value).or_insert(index as u32);
            }
        }
        for list in &program.list_literals[lists..] {
            self.elements.extend(list.ellipsis);
            for element in &list.elements {
                if let Element::Expr(expr) = *element {
                    self.elements.insert(expr);
                }
            }
        }
        self.seen = (program.decls.len(), program.list_literals.len());
    }
}

struct Reader<'r, 'a> {
    m: &'r mut Machine<'a>,
    /// What the reader is of.
    root: Node,
    entries: Vec<Entry>,
    declared: Declared,
    /// What nodes are declared as, and what further fields or elements of them have to be.
    known: FxHashMap<Node, SchemaRef>,
    rests: FxHashMap<Node, Option<SchemaRef>>,
}

impl Machine<'_> {
    /// Lets `run` read a value as it is written.
    pub(super) fn read_schema(
        &mut self,
        value: ValueRef,
        run: &mut dyn FnMut(&mut dyn SchemaReader, SchemaRef),
    ) -> Result<(), CallError> {
        if self.readers == MOST_READERS {
            let message = format!("schemas are made of schemas more than {MOST_READERS} deep");
            return Err(CallError::new(message));
        }
        self.readers += 1;
        let saved = (
            std::mem::replace(&mut self.errs, NIL),
            std::mem::take(&mut self.blocking),
            std::mem::take(&mut self.info),
        );
        let root = match self.refs_values[value.0 as usize] {
            Value::Node(node) => node,
            value => self.value_node(value),
        };
        self.finalize(root);
        let mut declared = std::mem::take(&mut self.declared);
        declared.update(&self.program);
        let mut reader = Reader {
            root: self.deref(root),
            entries: Vec::new(),
            declared,
            known: FxHashMap::default(),
            rests: FxHashMap::default(),
            m: self,
        };
        let conjuncts = reader.all_conjuncts(root);
        let value = reader.add(root, Written::Conjuncts(conjuncts));
        // A schema is walked recursively.
        stacker::maybe_grow(2 * 1024 * 1024, 16 * 1024 * 1024, || {
            run(&mut reader, value);
        });
        let declared = reader.declared;
        self.declared = declared;
        (self.errs, self.blocking, self.info) = saved;
        self.readers -= 1;
        Ok(())
    }
}

impl Reader<'_, '_> {
    fn add(&mut self, node: Node, written: Written) -> SchemaRef {
        self.entries.push(Entry { node, written });
        SchemaRef(self.entries.len() as u32 - 1)
    }

    fn node(&self, value: SchemaRef) -> Node {
        self.entries[value.0 as usize].node
    }

    /// The one conjunct that the value is written as.
    fn single(&self, value: SchemaRef) -> Option<(ExprId, EnvId)> {
        match &self.entries[value.0 as usize].written {
            Written::Conjuncts(conjuncts) => match conjuncts[..] {
                [conjunct] => Some(conjunct),
                _ => None,
            },
            _ => None,
        }
    }

    fn all_conjuncts(&self, node: Node) -> Vec<(ExprId, EnvId)> {
        let mut out = Vec::new();
        let mut at = self.m.n(node).conjuncts;
        while at != NIL {
            let c = self.m.conjuncts[at as usize];
            out.push((c.expr, c.env));
            at = c.next;
        }
        out
    }

    /// A node with what it is declared as.
    fn declared(&mut self, node: Node) -> SchemaRef {
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        let NodeData { parent, label, .. } = *self.m.n(node);
        let mut conjuncts = self.all_conjuncts(node);
        if parent == NIL {
            // A package is its files.
            let files = |m: &Machine<'_>, expr: ExprId| match m.program.exprs[expr as usize] {
                Expr::Struct(shape) => m.program.shapes[shape as usize].file,
                _ => false,
            };
            if conjuncts.iter().any(|c| files(self.m, c.0)) {
                conjuncts.retain(|c| files(self.m, c.0));
            }
        } else {
            let own = |m: &Machine<'_>, env: EnvId| {
                let at = m.env_node(env);
                at != NIL && (at == parent || m.deref(at) == m.deref(parent))
            };
            let kept: Vec<_> = (conjuncts.iter().copied())
                .filter(|&(expr, env)| own(self.m, env) && self.is_declaration(expr, label))
                .collect();
            match kept.is_empty() {
                true => conjuncts.retain(|c| c.1 == NIL && self.is_node(c.0)),
                false => conjuncts = kept,
            }
        }
        let written = match conjuncts.is_empty() {
            true => Written::Evaluated,
            false => Written::Conjuncts(conjuncts),
        };
        self.m.finalize(node);
        let value = self.add(node, written);
        self.known.insert(node, value);
        value
    }

    fn is_node(&self, expr: ExprId) -> bool {
        let expr = self.m.program.exprs[expr as usize];
        matches!(expr, Expr::Value(Value::Node(_)))
    }

    fn is_declaration(&self, expr: ExprId, label: Label) -> bool {
        if label.is_int() && self.declared.elements.contains(&expr) {
            return true;
        }
        match self.declared.values.get(&expr) {
            Some(&index) => match self.m.program.decls[index as usize] {
                Decl::Field { label: own, .. } => own == label,
                _ => true,
            },
            None => false,
        }
    }

    /// An expression that `like` is made of, as a value in its place.
    fn part(&mut self, like: Node, expr: ExprId, env: EnvId) -> SchemaRef {
        match self.m.program.exprs[expr as usize] {
            Expr::Value(Value::Node(node)) => return self.declared(node),
            Expr::Value(value) => return self.of_value(value),
            _ => {}
        }
        let node = self.fresh(like, &[(expr, env)]);
        self.add(node, Written::Conjuncts(vec![(expr, env)]))
    }

    /// Expressions as a value in the place of `like`.
    fn fresh(&mut self, like: Node, conjuncts: &[(ExprId, EnvId)]) -> Node {
        let node = self.m.new_inline();
        for &(expr, env) in conjuncts {
            self.m.add_conjunct_record(node, expr, env, Info::default());
        }
        let NodeData { parent, label, .. } = *self.m.n(like);
        // What stands in a definition is closed.
        self.m.n_mut(node).label = label;
        self.m.finalize(node);
        self.m.n_mut(node).parent = parent;
        node
    }

    /// Something evaluated.
    fn of_value(&mut self, value: Value) -> SchemaRef {
        let node = self.m.value_node(value);
        self.add(node, Written::Evaluated)
    }

    fn of_values(&mut self, values: &[Value]) -> Vec<SchemaRef> {
        values.iter().map(|&value| self.of_value(value)).collect()
    }

    /// What patterns say, as a value.
    fn constraint(&mut self, conjuncts: &[PatternConjunct]) -> SchemaRef {
        let (node, conjuncts) = self.m.constraint(conjuncts);
        self.add(node, Written::Conjuncts(conjuncts))
    }

    // ---- forms ----

    /// The form of something evaluated.
    fn form_of_value(&mut self, value: Value) -> Form {
        match value {
            Value::Bound(id) => {
                let bound = self.m.program.bounds[id as usize];
                Form::Bound(bound.op, self.of_value(bound.value))
            }
            Value::Validator(id) => {
                let arguments = self.m.validators[id as usize].arguments.clone();
                let name = self.m.validator_name(id);
                Form::Call(name.into(), self.of_values(&arguments))
            }
            Value::Conjunction(id) => {
                let parts = self.m.conjunction(id).to_vec();
                Form::All(self.of_values(&parts))
            }
            Value::Disjunction(id) => {
                let d = self.m.disjunctions[id as usize].clone();
                let (defaults, others) = d.values.split_at(d.defaults);
                let kept: Vec<bool> = (defaults.iter())
                    .map(|&value| {
                        let mut allowing = others.iter();
                        !allowing.any(|&n| self.m.subsumes(n, value, SIMPLIFY, 0) == Instance::Yes)
                    })
                    .collect();
                let shown: Vec<Value> = (d.values.iter().enumerate())
                    .filter(|(index, _)| kept.get(*index).copied().unwrap_or(true))
                    .map(|(_, &value)| value)
                    .collect();
                one_or_any(self.of_values(&shown))
            }
            _ => Form::Whole,
        }
    }

    /// The form of an expression that a value is written as.
    fn form_of_expr(&mut self, value: SchemaRef, expr: ExprId, env: EnvId) -> Form {
        let node = self.node(value);
        match self.m.program.exprs[expr as usize] {
            Expr::Value(Value::Node(target)) => {
                let target = self.declared(target);
                self.form(target)
            }
            Expr::Value(constant) => self.form_of_value(constant),
            Expr::Unify(left, right) => Form::All(vec![
                self.part(node, left, env),
                self.part(node, right, env),
            ]),
            Expr::Bound(op, operand) => Form::Bound(op, self.part(node, operand, env)),
            Expr::Disjunction(index) => {
                let arms = self.m.program.disjunctions[index as usize].arms.clone();
                self.alternatives(node, &arms, env)
            }
            Expr::Call {
                function,
                start,
                len,
            } => self.form_of_call(node, function, (start, len), env),
            Expr::Struct(shape) => self.form_of_struct(node, shape, env),
            Expr::List(_) | Expr::Comprehension(_) => Form::Whole,
            Expr::Field { .. }
            | Expr::LabelName { .. }
            | Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ForKey { .. }
            | Expr::ClauseLet { .. }
            | Expr::Package(_)
            | Expr::Select { .. }
            | Expr::Index { .. } => Form::Reference,
            Expr::Slice { .. }
            | Expr::Interpolation { .. }
            | Expr::Plus(_)
            | Expr::Minus(_)
            | Expr::Not(_)
            | Expr::Binary(..)
            | Expr::Open(_) => Form::Operation,
        }
    }

    /// The arms of a disjunction without defaults that others allow.
    fn alternatives(&mut self, node: Node, arms: &[(ExprId, bool)], env: EnvId) -> Form {
        let parts: Vec<SchemaRef> = (arms.iter())
            .map(|&(arm, _)| self.part(node, arm, env))
            .collect();
        let mut shown = Vec::new();
        for (index, &part) in parts.iter().enumerate() {
            let value = Value::Node(self.node(part));
            let implied = arms[index].1
                && (0..parts.len()).any(|other| {
                    !arms[other].1
                        && self
                            .m
                            .bottom_of(self.m.deref(self.node(parts[other])))
                            .is_none()
                        && {
                            let other = Value::Node(self.node(parts[other]));
                            self.m.subsumes(other, value, SIMPLIFY, 0) == Instance::Yes
                        }
                });
            if !implied {
                shown.push(part);
            }
        }
        one_or_any(shown)
    }

    fn form_of_call(
        &mut self,
        node: Node,
        function: ExprId,
        (start, len): (u32, u32),
        env: EnvId,
    ) -> Form {
        let arguments = self.m.program.lists[start as usize..(start + len) as usize].to_vec();
        let Expr::Value(callee @ (Value::Function(_) | Value::Validator(_))) =
            self.m.program.exprs[function as usize]
        else {
            return Form::Operation;
        };
        let name = self.m.show(callee);
        if let ("and" | "or", &[argument]) = (&name[..], &arguments[..]) {
            let list = self.part(node, argument, env);
            let parts = self.elements(list);
            return match &name[..] {
                // Nothing to choose from is an error, which the value has.
                _ if parts.is_empty() => Form::Whole,
                "and" => Form::All(parts),
                _ => Form::Any(parts),
            };
        }
        let arguments = (arguments.into_iter())
            .map(|argument| self.part(node, argument, env))
            .collect();
        Form::Call(name.into(), arguments)
    }

    /// Whether what a literal embeds only says what it is, beside its fields.
    fn is_plain(&self, expr: ExprId) -> bool {
        matches!(self.m.program.exprs[expr as usize], Expr::Value(value) if is_plain(value))
    }

    /// What a literal embeds, and then its fields.
    fn form_of_struct(&mut self, node: Node, shape: ShapeId, env: EnvId) -> Form {
        let literal = self.m.program.shapes[shape as usize].clone();
        let decls = literal.start..literal.start + literal.len;
        let embedded: Vec<ExprId> = decls
            .clone()
            .filter_map(|index| match self.m.program.decls[index as usize] {
                Decl::Embed(expr) if !self.is_plain(expr) => Some(expr),
                _ => None,
            })
            .collect();
        if embedded.is_empty() {
            return Form::Whole;
        }
        let fields = (embedded.len() < literal.len as usize)
            .then(|| self.without_embeddings(node, &literal, env));
        let inside = self.m.new_env(env, fields.unwrap_or(node));
        let mut parts: Vec<SchemaRef> = (embedded.into_iter())
            .map(|expr| self.part(node, expr, inside))
            .collect();
        if let Some(fields) = fields {
            let conjuncts = self.all_conjuncts(fields);
            parts.push(self.add(fields, Written::Conjuncts(conjuncts)));
        }
        match parts[..] {
            [one] => self.form(one),
            _ => Form::All(parts),
        }
    }

    /// The fields of a literal, as a literal of their own.
    fn without_embeddings(&mut self, node: Node, literal: &Shape, env: EnvId) -> Node {
        let program = &mut self.m.program;
        let place = program.decl_places[literal.start as usize];
        let start = program.decls.len() as u32;
        let kind = self.m.kind(self.m.n(self.m.deref(node)).base);
        let program = &mut self.m.program;
        let scalar = kind != Kind::STRUCT && !kind.is_empty();
        if scalar {
            let expr = program.expr(Expr::Value(Value::Kind(kind)), place.file, place.span);
            program.decls.push(Decl::Embed(expr));
            program.decl_places.push(place);
        }
        for index in literal.start..literal.start + literal.len {
            let decl = program.decls[index as usize];
            if let Decl::Embed(expr) = decl
                && !matches!(program.exprs[expr as usize], Expr::Value(value) if is_plain(value))
            {
                continue;
            }
            if let Some(attributes) = program.attributes.get(&index).cloned() {
                let own = program.decls.len() as u32;
                program.attributes.insert(own, attributes);
            }
            program.decls.push(decl);
            program
                .decl_places
                .push(program.decl_places[index as usize]);
        }
        program.shapes.push(Shape {
            start,
            len: program.decls.len() as u32 - start,
            embeds: scalar,
            ..literal.clone()
        });
        let shape = program.shapes.len() as u32 - 1;
        let expr = program.expr(Expr::Struct(shape), place.file, place.span);
        self.fresh(node, &[(expr, env)])
    }

    // ---- references ----

    /// The outermost value around what an expression names, and the labels from there.
    fn path_of(&mut self, expr: ExprId, env: EnvId) -> Option<(Node, Vec<Label>)> {
        let (mut root, mut path) = match self.m.program.exprs[expr as usize] {
            Expr::Field { up, label, .. } => {
                let frame = self.m.env_up(env, up);
                let (root, mut path) = self.place(self.m.envs[frame as usize].node);
                path.push(label);
                return Some((root, path));
            }
            Expr::Dynamic { .. } => {
                let node = self.m.led_to(expr, env)?;
                return Some(self.place(node));
            }
            Expr::Package(package) => (self.m.package_node(package), Vec::new()),
            Expr::Select { base, label, .. } => {
                let (root, mut path) = self.path_of(base, env)?;
                path.push(label);
                (root, path)
            }
            Expr::Index { base, .. } => {
                let (root, mut path) = self.path_of(base, env)?;
                let node = self.m.led_to(expr, env)?;
                path.push(self.m.n(node).label);
                (root, path)
            }
            _ => return None,
        };
        root = self.m.deref(root);
        path.retain(|&label| label != Label::NONE);
        Some((root, path))
    }

    /// The outermost value around a node, and the labels that lead from it to the node.
    fn place(&self, node: Node) -> (Node, Vec<Label>) {
        let mut path = Vec::new();
        let mut at = node;
        loop {
            let NodeData { parent, label, .. } = *self.m.n(at);
            if parent == NIL || self.m.deref(at) == self.root && label == Label::NONE {
                path.reverse();
                return (at, path);
            }
            if label != Label::NONE {
                path.push(label);
            }
            at = parent;
        }
    }

    fn refers(&mut self, expr: ExprId, env: EnvId, nodes: &[Node], depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let each = |r: &mut Self, exprs: &[ExprId]| {
            (exprs.iter()).find_map(|&expr| r.refers(expr, env, nodes, depth + 1))
        };
        match self.m.program.exprs[expr as usize] {
            Expr::Unify(a, b) | Expr::Binary(_, a, b) => each(self, &[a, b]),
            Expr::Open(a) | Expr::Bound(_, a) | Expr::Plus(a) | Expr::Minus(a) | Expr::Not(a) => {
                each(self, &[a])
            }
            Expr::Disjunction(index) => {
                let arms = self.m.program.disjunctions[index as usize].arms.iter();
                let arms: Vec<ExprId> = arms.map(|arm| arm.0).collect();
                each(self, &arms)
            }
            Expr::Call { start, len, .. } => {
                let arguments =
                    self.m.program.lists[start as usize..(start + len) as usize].to_vec();
                each(self, &arguments)
            }
            _ => {
                let node = self.m.led_to(expr, env)?;
                let target = self.m.deref(node);
                let found = nodes.iter().any(|&other| self.m.deref(other) == target);
                found.then(|| self.m.path(node))
            }
        }
    }
}

fn is_plain(value: Value) -> bool {
    matches!(value, Value::Top | Value::Kind(_)) || super::union::is_scalar(value)
}

fn one_or_any(parts: Vec<SchemaRef>) -> Form {
    match parts[..] {
        [one] => Form::Only(one),
        _ => Form::Any(parts),
    }
}

impl SchemaReader for Reader<'_, '_> {
    fn kind(&mut self, value: SchemaRef) -> Kind {
        let node = self.m.deref(self.node(value));
        match self.m.n(node).base {
            Value::Bottom(error) => match self.m.errors[error as usize].value {
                kept @ (Value::Struct | Value::List { .. })
                    if self.m.code(error).is_incomplete() =>
                {
                    self.m.kind(kept)
                }
                _ => Kind::NONE,
            },
            base => self.m.kind(base),
        }
    }

    fn form(&mut self, value: SchemaRef) -> Form {
        match self.entries[value.0 as usize].written.clone() {
            Written::Unified(parts) => Form::All(parts),
            Written::Conjuncts(conjuncts) => {
                if let [(expr, env)] = conjuncts[..] {
                    return self.form_of_expr(value, expr, env);
                }
                let node = self.node(value);
                let parts = conjuncts.into_iter();
                Form::All(
                    parts
                        .map(|(expr, env)| self.part(node, expr, env))
                        .collect(),
                )
            }
            Written::Evaluated => {
                let node = self.m.deref(self.node(value));
                self.form_of_value(self.m.n(node).base)
            }
        }
    }

    fn reference(&mut self, value: SchemaRef) -> Option<Reference> {
        let (expr, env) = self.single(value)?;
        let (root, labels) = self.path_of(expr, env)?;
        if labels.is_empty() {
            return None;
        }
        let path = labels.iter().map(|&label| self.spelt(label)).collect();
        let local = self.m.deref(root) == self.root;
        Some(Reference { path, local })
    }

    fn target(&mut self, value: SchemaRef) -> SchemaRef {
        let Some((expr, env)) = self.single(value) else {
            return value;
        };
        match self.m.led_to(expr, env) {
            Some(node) => self.declared(node),
            None => value,
        }
    }

    fn evaluated(&mut self, value: SchemaRef) -> SchemaRef {
        let node = self.m.deref(self.node(value));
        self.add(node, Written::Evaluated)
    }

    fn unify(&mut self, values: &[SchemaRef]) -> SchemaRef {
        if let [one] = values {
            return *one;
        }
        let source = self.m.source;
        let place = self.m.program.places[source as usize];
        let mut conjuncts = Vec::with_capacity(values.len());
        for &value in values {
            let expr = self.m.value_expr(Value::Node(self.node(value)), source);
            let open = (self.m.program).expr(Expr::Open(expr), place.file, place.span);
            conjuncts.push((open, NIL));
        }
        let like = values.first().map_or(self.root, |&first| self.node(first));
        let node = self.fresh(like, &conjuncts);
        self.add(node, Written::Unified(values.to_vec()))
    }

    fn default(&mut self, value: SchemaRef) -> Option<SchemaRef> {
        let node = self.m.deref(self.node(value));
        let default = match self.m.n(node).base {
            Value::Disjunction(index) => match &self.m.disjunctions[index as usize] {
                d if d.defaults == 1 => d.values[0],
                _ => return None,
            },
            Value::List { open: true } => return Some(self.add(node, Written::Evaluated)),
            _ => return None,
        };
        let default = self.of_value(default);
        let concrete = self.m.is_concrete(Value::Node(self.node(default)));
        concrete.then_some(default)
    }

    fn is_concrete(&mut self, value: SchemaRef) -> bool {
        let node = self.m.deref(self.node(value));
        match self.m.bottom_of(node) {
            Some(error) => !self.m.code(error).is_incomplete(),
            // That it has a default does not make it that.
            None if matches!(self.m.n(node).base, Value::Disjunction(_)) => false,
            None => self.m.is_concrete(Value::Node(node)),
        }
    }

    fn data(&mut self, value: SchemaRef) -> Result<Data, CallError> {
        let data = self.m.data_of(Value::Node(self.node(value)));
        data.map_err(|error| self.m.call_error_of(error))
    }

    fn error(&mut self, value: SchemaRef) -> Option<CallError> {
        let node = self.m.deref(self.node(value));
        let error = self.m.bottom_of(node)?;
        Some(self.m.call_error_of(error))
    }

    fn fields(&mut self, value: SchemaRef) -> Vec<SchemaField> {
        let node = self.m.deref(self.node(value));
        self.m.materialize_all(node);
        let mut out = Vec::new();
        for (label, arc) in self.m.ordered_arcs(node) {
            let presence = match self.m.n(arc).arc_type {
                ArcType::Member => Presence::Regular,
                ArcType::Required => Presence::Required,
                ArcType::Optional => Presence::Optional,
                ArcType::Pending | ArcType::NotPresent => continue,
            };
            if label.is_hidden() || label.is_int() || label.is_let() {
                continue;
            }
            out.push(SchemaField {
                label: self.m.program.strings.shared(label.id()),
                definition: label.is_definition(),
                presence,
                value: self.declared(arc),
            });
        }
        out
    }

    fn any_field(&mut self, value: SchemaRef) -> Option<SchemaRef> {
        let node = self.m.deref(self.node(value));
        if let Some(&known) = self.rests.get(&node) {
            return known;
        }
        if matches!(self.m.n(node).base, Value::List { .. }) {
            return None;
        }
        let id = self.m.n(node).patterns;
        let pairs = match id {
            NIL => Default::default(),
            _ => self.m.patterns[id as usize].pairs.clone(),
        };
        let mut found = Vec::new();
        for (pattern, conjuncts) in pairs {
            let pattern = self.m.unwrap(pattern);
            if matches!(pattern, Value::Top | Value::Kind(_))
                && self.m.kind(pattern).contains(Kind::STRING)
            {
                found.extend(conjuncts);
            }
        }
        let open = self.m.n(node).has(NodeData::ELLIPSIS);
        let found = match found.is_empty() {
            true => open.then(|| self.of_value(Value::Top)),
            false => Some(self.constraint(&found)),
        };
        self.rests.insert(node, found);
        found
    }

    fn elements(&mut self, value: SchemaRef) -> Vec<SchemaRef> {
        let node = self.m.deref(self.node(value));
        let mut out = Vec::new();
        for (label, arc) in self.m.arc_vec(node) {
            if label.is_int() && self.m.n(arc).arc_type == ArcType::Member {
                out.push(self.declared(arc));
            }
        }
        out
    }

    fn any_element(&mut self, value: SchemaRef) -> Option<SchemaRef> {
        let node = self.m.deref(self.node(value));
        let Value::List { open: true } = self.m.n(node).base else {
            return None;
        };
        if let Some(&known) = self.rests.get(&node) {
            return known;
        }
        let id = self.m.n(node).patterns;
        let mut found = Vec::new();
        if id != NIL {
            // What is said of any element, not only of those that are there.
            let beyond = Label::index(Label::MAX_INDEX);
            for (pattern, conjuncts) in self.m.patterns[id as usize].pairs.clone() {
                if self.m.matches_pattern(pattern, beyond) {
                    found.extend(conjuncts);
                }
            }
        }
        let found = match found.is_empty() {
            true => self.of_value(Value::Top),
            false => self.constraint(&found),
        };
        self.rests.insert(node, Some(found));
        Some(found)
    }

    fn same(&mut self, a: SchemaRef, b: SchemaRef) -> bool {
        let (a, b) = (self.node(a), self.node(b));
        (self.m).equal_values(Value::Node(a), Value::Node(b), Equality::Structural)
    }

    fn allows(&mut self, a: SchemaRef, b: SchemaRef) -> Instance {
        let how = Subsumption {
            left_default: false,
            right_default: true,
            open: true,
            data: matches!(self.entries[b.0 as usize].written, Written::Evaluated),
        };
        let (a, b) = (self.node(a), self.node(b));
        self.m.subsumes(Value::Node(a), Value::Node(b), how, 0)
    }

    fn docs(&mut self, value: SchemaRef) -> Vec<Arc<str>> {
        let mut out: Vec<Arc<str>> = Vec::new();
        match self.entries[value.0 as usize].written.clone() {
            Written::Evaluated => {}
            Written::Unified(parts) => {
                for part in parts {
                    let docs = self.docs(part);
                    out.extend(docs);
                }
            }
            Written::Conjuncts(conjuncts) => {
                for (expr, _) in conjuncts {
                    let docs = self.docs_of(expr);
                    for text in docs {
                        if !out.contains(&text) {
                            out.push(text);
                        }
                    }
                }
            }
        }
        out
    }

    fn attributes(&mut self, value: SchemaRef) -> Vec<Attribute> {
        self.m.attributes_of(self.node(value))
    }

    fn leads_to(&mut self, value: SchemaRef, values: &[SchemaRef]) -> Option<String> {
        let nodes: Vec<Node> = values.iter().map(|&value| self.node(value)).collect();
        let Written::Conjuncts(conjuncts) = self.entries[value.0 as usize].written.clone() else {
            return None;
        };
        conjuncts
            .into_iter()
            .find_map(|(expr, env)| self.refers(expr, env, &nodes, 0))
    }
}

impl Reader<'_, '_> {
    /// A label without quotes, and without what marks a definition.
    fn spelt(&self, label: Label) -> Arc<str> {
        if label.is_string() {
            return self.m.program.strings.shared(label.id());
        }
        let text = self.m.program.label_text(label);
        text.trim_start_matches(['_', '#']).into()
    }

    /// What is said above the declaration that an expression is the value of, or at the beginning of a file.
    fn docs_of(&mut self, expr: ExprId) -> Vec<Arc<str>> {
        if let Expr::Value(Value::Node(node)) = self.m.program.exprs[expr as usize] {
            let value = self.declared(node);
            return self.docs(value);
        }
        let program = &self.m.program;
        let declaration = self.declared.values.get(&expr);
        let place = match (declaration, program.exprs[expr as usize]) {
            (Some(&index), _) => program.decl_places[index as usize],
            (None, Expr::Struct(shape)) if program.shapes[shape as usize].file => {
                program.places[expr as usize]
            }
            _ => return Vec::new(),
        };
        let Some(text) = program.texts.get(place.file.0 as usize) else {
            return Vec::new();
        };
        let docs =
            (self.declared.docs.entry(place.file)).or_insert_with(|| Arc::new(Docs::of(text)));
        match declaration {
            Some(_) => docs.at(place.span.start).to_vec(),
            None => docs.of_file().into_iter().collect(),
        }
    }
}
