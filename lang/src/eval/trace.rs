//! Where a value comes from: the conjuncts of a node and, through references, those of the nodes they lead to.
//!
//! An error that a library's law reports is one of the user's values; a trace leads from the expression that failed to the
//! places in the user's files where what it read was written:
//!
//! ```text
//! error("\(it.name) …")  →  it.name: object.metadata.name  →  metadata: name: "oncall"     in the user's file
//! ```
//!
//! Only finished evaluations are traced: nothing here changes a value.

use super::machine::*;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use rustc_hash::FxHashSet;

/// How many places a trace finds, and how many steps it takes.
const MOST_PLACES: usize = 8;
const MOST_STEPS: usize = 4000;
/// How deep two values are compared.
const DEEPEST: usize = 40;

/// What a trace has found and where it has been.
#[derive(Default)]
struct Trace {
    /// Each with the length of the path at which it was found.
    places: Vec<(Place, usize)>,
    nodes: FxHashSet<Node>,
    exprs: FxHashSet<(ExprId, EnvId)>,
    steps: usize,
}

impl Trace {
    fn full(&mut self) -> bool {
        self.steps += 1;
        self.places.len() >= MOST_PLACES || self.steps > MOST_STEPS
    }

    fn push(&mut self, place: Place, depth: usize) {
        if !self.places.iter().any(|found| found.0 == place) {
            self.places.push((place, depth));
        }
    }

    /// The most specific first.
    fn finish(mut self) -> Vec<Place> {
        self.places
            .sort_by_key(|&(_, depth)| std::cmp::Reverse(depth));
        self.places.into_iter().map(|found| found.0).collect()
    }
}

/// One conjunct of a value.
#[derive(Clone, Debug)]
pub struct Origin {
    pub place: Place,
    /// What it contributed.
    pub said: String,
}

/// A leaf in which two values differ; one side may not have it.
pub(super) struct Difference {
    pub left: Option<Node>,
    pub right: Option<Node>,
}

impl Machine<'_> {
    /// Whether the place is in a file of the user's.
    pub(super) fn is_user(&self, place: Place) -> bool {
        let known = self.program.user_files.get(place.file.0 as usize);
        place.span.end > place.span.start && known.copied().unwrap_or(true)
    }

    /// The places in the user's files where what an expression reads was written.
    pub(super) fn origins(&mut self, expr: ExprId, env: EnvId) -> Vec<Place> {
        let mut trace = Trace::default();
        self.trace_expr(expr, env, &mut trace);
        trace.finish()
    }

    /// The places in the user's files where a value was written, or what it was made of.
    pub(super) fn origins_of(&mut self, node: Node) -> Vec<Place> {
        let mut trace = Trace::default();
        self.trace_node(node, &mut trace);
        trace.finish()
    }

    /// The node a reference denotes, in a finished evaluation.
    fn denoted(&mut self, expr: ExprId, env: EnvId) -> Option<Node> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let node = self.with_context(env, Info::default(), |m| m.resolve(expr, ALL, Mode::Ignore));
        self.errs = saved;
        node.ok().flatten()
    }

    /// The node that a name and what is selected from it lead to.
    pub(super) fn led_to(&mut self, expr: ExprId, env: EnvId) -> Option<Node> {
        (env != NIL && self.is_path(expr))
            .then(|| self.denoted(expr, env))
            .flatten()
    }

    /// Whether an expression is a name and what is selected from it: nothing that would be evaluated at some node.
    fn is_path(&self, expr: ExprId) -> bool {
        match self.program.exprs[expr as usize] {
            Expr::Field { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. }
            | Expr::Package(_) => true,
            Expr::Itself { up } => up > 0,
            Expr::Select { base, .. } => self.is_path(base),
            Expr::Index { base, index, .. } => {
                let name = matches!(
                    self.program.exprs[index as usize],
                    Expr::Value(_) | Expr::LabelName { .. } | Expr::ForKey { .. }
                );
                self.is_path(base) && (name || self.is_path(index))
            }
            _ => false,
        }
    }

    /// The node an expression evaluates to, in a finished evaluation.
    fn evaluated(&mut self, expr: ExprId, env: EnvId) -> Option<Node> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let value = self.with_context(env, Info::default(), |m| m.eval(expr, ALL, Mode::Finalize));
        self.errs = saved;
        match value {
            Ok(Value::Node(node)) => Some(node),
            _ => None,
        }
    }

    /// The string an expression evaluates to, in a finished evaluation.
    pub(super) fn evaluated_string(
        &mut self,
        expr: ExprId,
        env: EnvId,
    ) -> Option<std::sync::Arc<str>> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let value = self.with_context(env, Info::default(), |m| m.value(expr, ALL, Mode::Finalize));
        self.errs = saved;
        match value {
            Ok(Value::String(id)) => Some(self.program.strings.shared(id)),
            _ => None,
        }
    }

    fn trace_expr(&mut self, expr: ExprId, env: EnvId, trace: &mut Trace) {
        if expr == NO_EXPR || trace.full() || !trace.exprs.insert((expr, env)) {
            return;
        }
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || {
            self.trace_expr_inner(expr, env, trace);
        });
    }

    fn trace_expr_inner(&mut self, expr: ExprId, env: EnvId, trace: &mut Trace) {
        match self.program.exprs[expr as usize] {
            Expr::Field { .. }
            | Expr::Itself { .. }
            | Expr::Dynamic { .. }
            | Expr::Let { .. }
            | Expr::ForValue { .. }
            | Expr::ClauseLet { .. } => {
                if let Some(node) = self.denoted(expr, env) {
                    self.trace_node(node, trace);
                }
            }
            Expr::Select { base, .. } | Expr::Index { base, .. } => match self.denoted(expr, env) {
                Some(node) => self.trace_node(node, trace),
                None => self.trace_expr(base, env, trace),
            },
            Expr::LabelName { up } | Expr::ForKey { up } => {
                let env = self.env_up(env, up);
                if env != NIL && self.envs[env as usize].node != NIL {
                    let Env {
                        node, label, kind, ..
                    } = self.envs[env as usize];
                    // A pattern's frame is of the struct that the named field is in.
                    let named = match kind {
                        FrameKind::Literal => self.find_arc(self.deref(node), label),
                        _ => None,
                    };
                    self.trace_label(named.unwrap_or(node), trace);
                }
            }
            Expr::Interpolation { start, len, .. } => self.trace_list(start, len, env, trace),
            Expr::Call {
                function,
                start,
                len,
            } => {
                if let Expr::Select { .. } = self.program.exprs[function as usize] {
                    self.trace_expr(function, env, trace);
                }
                self.trace_list(start, len, env, trace);
            }
            Expr::Plus(x) | Expr::Minus(x) | Expr::Not(x) | Expr::Open(x) | Expr::Bound(_, x) => {
                self.trace_expr(x, env, trace);
            }
            Expr::Binary(_, x, y) | Expr::Unify(x, y) => {
                self.trace_expr(x, env, trace);
                self.trace_expr(y, env, trace);
            }
            Expr::Slice { base, .. } => self.trace_expr(base, env, trace),
            Expr::List(_) | Expr::Comprehension(_) => {
                if let Some(node) = self.evaluated(expr, env) {
                    self.trace_node(node, trace);
                }
            }
            Expr::Disjunction(index) => {
                for (arm, _) in self.program.disjunctions[index as usize].arms.clone() {
                    self.trace_expr(arm, env, trace);
                }
            }
            Expr::Value(_) | Expr::Package(_) | Expr::Struct(_) => {}
        }
    }

    fn trace_list(&mut self, start: u32, len: u32, env: EnvId, trace: &mut Trace) {
        for index in start..start + len {
            self.trace_expr(self.program.lists[index as usize], env, trace);
        }
    }

    /// First where the user wrote the node, then what it refers to, then who named it, then what is in it.
    fn trace_node(&mut self, node: Node, trace: &mut Trace) {
        if trace.full() || !trace.nodes.insert(node) {
            return;
        }
        let before = trace.places.len();
        let conjuncts = self.own_conjuncts(node);
        for c in &conjuncts {
            if let Some(place) = self.written(c.expr) {
                trace.push(place, self.depth(node));
                return;
            }
        }
        for c in &conjuncts {
            self.trace_conjunct(node, c, trace);
        }
        if trace.places.len() == before {
            self.trace_label(node, trace);
        }
        if trace.places.len() == before {
            for (label, arc) in self.arc_vec(self.deref(node)) {
                if label.is_regular() && self.n(arc).arc_type == ArcType::Member {
                    self.trace_node(arc, trace);
                }
            }
        }
    }

    /// What a conjunct of the node reads: of a literal, what it embeds.
    fn trace_conjunct(&mut self, node: Node, c: &Conjunct, trace: &mut Trace) {
        let Expr::Struct(shape) = self.program.exprs[c.expr as usize] else {
            return self.trace_expr(c.expr, c.env, trace);
        };
        let Shape { start, len, .. } = self.program.shapes[shape as usize];
        for index in start..start + len {
            if let Decl::Embed(expr) = self.program.decls[index as usize] {
                let env = self.new_env(c.env, node);
                self.trace_expr(expr, env, trace);
            }
        }
    }

    fn depth(&self, node: Node) -> usize {
        let mut at = self.deref(node);
        let mut depth = 0;
        while self.n(at).parent != NIL {
            at = self.n(at).parent;
            depth += 1;
        }
        depth
    }

    /// Who named the field that the node is.
    fn trace_label(&mut self, node: Node, trace: &mut Trace) {
        if trace.full() {
            return;
        }
        if self.n(node).label.is_int() {
            self.trace_node(node, trace);
            return;
        }
        for c in self.own_conjuncts(node) {
            let Some(index) = self.declaration_of(c.expr) else {
                continue;
            };
            let place = self.program.decl_places[index as usize];
            match self.program.decls[index as usize] {
                Decl::Field { .. } | Decl::Dynamic { .. } if self.is_user(place) => {
                    trace.push(place, self.depth(node));
                    return;
                }
                Decl::Dynamic { key, .. } => self.trace_expr(key, c.env, trace),
                _ => {}
            }
        }
    }

    /// The conjuncts of a node and of those it stands for, in order of arrival.
    pub(super) fn own_conjuncts(&self, mut node: Node) -> Vec<Conjunct> {
        let mut out = Vec::new();
        loop {
            let mut at = self.n(node).conjuncts;
            while at != NIL && out.len() < 256 {
                out.push(self.conjuncts[at as usize]);
                at = self.conjuncts[at as usize].next;
            }
            match self.n(node).base {
                Value::Node(next) => node = next,
                _ => return out,
            }
        }
    }

    /// The place to show of a conjunct that the user wrote: that of a value, or the label of what is no plain value.
    pub(super) fn written(&mut self, expr: ExprId) -> Option<Place> {
        let place = self.place_of(expr).filter(|&place| self.is_user(place))?;
        match self.program.exprs[expr as usize] {
            Expr::Value(Value::Top | Value::Kind(_) | Value::Bound(_)) => None,
            Expr::Value(_)
            | Expr::Interpolation { .. }
            | Expr::Field { .. }
            | Expr::Select { .. }
            | Expr::Binary(..) => Some(place),
            _ => match self.declaration_of(expr) {
                Some(index) => Some(self.program.decl_places[index as usize]),
                None => Some(place),
            },
        }
    }

    /// The declaration whose value the expression is.
    pub(super) fn declaration_of(&mut self, expr: ExprId) -> Option<u32> {
        if self.declarations.is_empty() {
            for (index, decl) in self.program.decls.iter().enumerate() {
                if let Decl::Field { value, .. } | Decl::Dynamic { value, .. } = *decl {
                    self.declarations.insert(value, index as u32);
                }
            }
        }
        self.declarations.get(&expr).copied()
    }

    // ---- why ----

    /// Each conjunct of a node: where it is written, and what it contributed.
    pub(super) fn why(&mut self, node: Node) -> Vec<Origin> {
        let result = self.default_node(node);
        let mut result = self.unwrap(Value::Node(result));
        if let Value::Disjunction(index) = result
            && let d = &self.disjunctions[index as usize]
            && d.defaults == 1
        {
            result = self.unwrap(d.values[0]);
        }
        let mut out: Vec<Origin> = Vec::new();
        for c in self.own_conjuncts(node) {
            let Some(place) = self
                .place_of(c.expr)
                .filter(|place| place.span.end > place.span.start)
            else {
                continue;
            };
            let Some(said) = self.contribution(&c, result) else {
                continue;
            };
            if !out.iter().any(|origin| origin.place == place) {
                out.push(Origin { place, said });
            }
        }
        out.sort_by_key(|origin| !self.is_user(origin.place));
        out
    }

    fn contribution(&mut self, c: &Conjunct, result: Value) -> Option<String> {
        let is_result = |m: &Self, value: Value| value == result || m.equal_scalars(value, result);
        Some(match self.program.exprs[c.expr as usize] {
            // Its sides are conjuncts of their own.
            Expr::Unify(..) => return None,
            Expr::Value(value) if super::union::is_scalar(value) => match is_result(self, value) {
                true => "set here".into(),
                false => format!("says {}", self.show(value)),
            },
            Expr::Value(_) | Expr::Bound(..) => "allows it".into(),
            Expr::Disjunction(index) => {
                let d = self.program.disjunctions[index as usize].clone();
                let marked = d.arms.iter().find(|arm| arm.1).map(|arm| arm.0);
                match marked.map(|arm| self.program.exprs[arm as usize]) {
                    None => "allows it".into(),
                    Some(Expr::Value(value)) if is_result(self, value) => {
                        "its default is taken".into()
                    }
                    Some(Expr::Value(value)) => {
                        format!("allows it; its default {} is not taken", self.show(value))
                    }
                    Some(_) => "allows it; it has a default".into(),
                }
            }
            Expr::Interpolation { .. } | Expr::Binary(..) | Expr::Call { .. } => {
                "computed here".into()
            }
            Expr::Struct(_) => "has fields of it".into(),
            Expr::List(_) => "has elements of it".into(),
            Expr::Comprehension(_) => "yields fields of it".into(),
            _ => "refers to it".into(),
        })
    }

    // ---- what guards an error ----

    /// The arms beside an `error(…)` in its disjunction.
    pub(super) fn beside(&self, call: ExprId) -> Vec<ExprId> {
        let of =
            (self.program.disjunctions.iter()).find(|d| d.arms.iter().any(|&(arm, _)| arm == call));
        let arms = of.map_or(&[][..], |d| &d.arms);
        arms.iter()
            .map(|arm| arm.0)
            .filter(|&arm| arm != call)
            .collect()
    }

    /// The leaves in which the sides of the comparisons in an expression differ.
    pub(super) fn guard_differences(&mut self, expr: ExprId, env: EnvId) -> Vec<Difference> {
        let mut out = Vec::new();
        match self.program.exprs[expr as usize] {
            Expr::Unify(x, y) => {
                out = self.guard_differences(x, env);
                out.extend(self.guard_differences(y, env));
            }
            Expr::Binary(Operator::Compare(Comparison::Equal), x, y) => {
                if let (Some(x), Some(y)) = (self.evaluated(x, env), self.evaluated(y, env)) {
                    self.differences(x, y, 0, &mut out);
                }
            }
            _ => {}
        }
        out
    }

    fn differences(&mut self, x: Node, y: Node, depth: usize, out: &mut Vec<Difference>) {
        if out.len() >= MOST_PLACES || depth > DEEPEST {
            return;
        }
        let (a, b) = (self.default_node(x), self.default_node(y));
        let (p, q) = (self.n(a).base, self.n(b).base);
        let structs = matches!((p, q), (Value::Struct, Value::Struct));
        let lists = matches!((p, q), (Value::List { .. }, Value::List { .. }));
        if !structs && !lists {
            if !self.equal_values(
                Value::Node(a),
                Value::Node(b),
                super::ops::Equality::Operator,
            ) {
                out.push(Difference {
                    left: Some(x),
                    right: Some(y),
                });
            }
            return;
        }
        for (label, arc) in self.members(a) {
            match self
                .find_arc(b, label)
                .filter(|&other| self.n(other).arc_type == ArcType::Member)
            {
                Some(other) => self.differences(arc, other, depth + 1, out),
                None => out.push(Difference {
                    left: Some(arc),
                    right: None,
                }),
            }
        }
        for (label, arc) in self.members(b) {
            if self.find_arc(a, label).is_none() {
                out.push(Difference {
                    left: None,
                    right: Some(arc),
                });
            }
        }
    }

    fn members(&self, node: Node) -> Vec<(Label, Node)> {
        let arcs = self.arc_slice(node).iter().copied();
        arcs.filter(|&(label, arc)| label.is_regular() && self.n(arc).arc_type == ArcType::Member)
            .collect()
    }
}
