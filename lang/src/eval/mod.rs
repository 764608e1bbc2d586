//! From a program to a graph of nodes: unification, disjunctions, closedness, comprehensions, cycles.
//!
//! [`Evaluation`] is the one entry: it holds a compiled package and everything evaluated of it so far.

pub mod apart;
mod call;
mod choice;
mod close;
mod comprehension;
mod conjunct;
mod context;
mod cycle;
mod data;
mod disjunct;
mod editor;
mod equal;
mod error;
mod expr;
mod fields;
mod follow;
mod free;
mod graph;
mod history;
mod implied;
pub mod inspect;
mod instance;
mod known;
mod leaf;
mod lookup;
mod machine;
mod meet;
mod operation;
mod ops;
mod optional;
mod order;
mod parts;
mod pattern;
mod profile;
mod prune;
mod reference;
mod report;
mod requirement;
mod sched;
mod schema;
mod show;
mod state;
mod subsume;
mod task;
mod text;
mod trace;
mod unify;
mod union;
mod validator;

use crate::diagnostic::{Diagnostic, FileId, Place, SourceMap};
use crate::resolve::compile::{Compiler, Imported};
use crate::resolve::program::{ArcType, Label, Program, Value};
use crate::resolve::{Importer, Library, PackageFiles, Prepared};
use crate::syntax::tree;
use crate::value::Data;
use crate::value::builtin::Builtins;
use machine::{Info, Machine, NIL};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use machine::Stats;
pub use trace::Origin;

/// A value in the graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

/// What counts as an error when a value is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// Final errors only (`eval`).
    Final,
    /// Also whatever is not concrete (`export`, `vet -c`).
    Concrete,
}

/// One label of a path given from outside: `a.b`, `#D`, `_h`, `"x-y"`, `[3]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// A regular field.
    Field(String),
    /// `#D`, `_#d` or a hidden field of the main package, as spelt.
    Special(String),
    Index(usize),
}

/// What a value's text shows (`eval`, `def`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct View {
    pub hidden: bool,
    pub definitions: bool,
    pub optional: bool,
    /// With optional fields also patterns and `...`; of lists, what else may be in them.
    pub patterns: bool,
    pub attributes: bool,
    /// A disjunction with one default shows as the default.
    pub defaults: bool,
    /// Defaults taken and everything concrete, as data.
    pub concrete: bool,
}

/// What further evaluations of a compiled package start from; threads may share it.
#[derive(Clone, Copy)]
pub struct Seed<'e, 'a> {
    program: &'e Program,
    builtins: &'a dyn Builtins,
    main: &'e PackageFiles,
    imports: &'e FxHashMap<Arc<str>, Imported>,
}

impl<'a> Seed<'_, 'a> {
    /// The package, not evaluated yet.
    pub fn evaluation(&self) -> Evaluation<'a> {
        let mut machine = Machine::new(self.program.clone(), self.builtins);
        let root = machine.package_node(0);
        Evaluation {
            machine,
            main: self.main.clone(),
            imports: self.imports.clone(),
            root,
            whole: false,
            discarded: Vec::new(),
        }
    }
}

/// A package being evaluated.
pub struct Evaluation<'a> {
    machine: Machine<'a>,
    main: PackageFiles,
    imports: FxHashMap<Arc<str>, Imported>,
    root: u32,
    /// Never evaluated in parts.
    whole: bool,
    /// Trees that nobody needs any more.
    discarded: Vec<(FileId, Arc<tree::File>)>,
}

impl<'a> Evaluation<'a> {
    /// Compiles `main` and everything it imports. The diagnostics are those of reading, parsing and
    /// resolving; where one is an error, the evaluation can still be queried (for an editor).
    pub fn new(
        sources: &mut SourceMap,
        main: PackageFiles,
        importer: &mut dyn Importer,
        builtins: &'a dyn Builtins,
    ) -> (Evaluation<'a>, Vec<Diagnostic>) {
        let mut library = Library::default();
        let prepared = library.prepare(sources, main, importer, builtins);
        // Nobody else has what was compiled: it need not be copied.
        drop(library);
        Evaluation::of(prepared, builtins)
    }

    /// Compiles a package of which all imports are compiled.
    pub fn of(prepared: Prepared, builtins: &'a dyn Builtins) -> (Evaluation<'a>, Vec<Diagnostic>) {
        let loaded = prepared.compile(builtins);
        let mut machine = Machine::new(loaded.program, builtins);
        let root = machine.package_node(0);
        let evaluation = Evaluation {
            machine,
            main: loaded.main,
            imports: loaded.imports,
            root,
            whole: false,
            discarded: Vec::new(),
        };
        (evaluation, loaded.errors)
    }

    /// For evaluating the same package once more, by itself.
    pub fn seed(&self) -> Seed<'_, 'a> {
        Seed {
            program: &self.machine.program,
            builtins: self.machine.builtins,
            main: &self.main,
            imports: &self.imports,
        }
    }

    /// Lets go of the syntax trees, for large packages: expressions given later do not see the imports of their files. Their
    /// memory is given back beside the evaluation of the next data, where that is done by several threads.
    pub fn discard_trees(&mut self) {
        self.discarded = std::mem::take(&mut self.main.files);
    }

    /// The value of the whole package.
    pub fn root(&self) -> NodeId {
        NodeId(self.root)
    }

    /// The value of an expression in the scope of the package (`-e`), compiled as a file of its own.
    ///
    /// # Errors
    /// What is wrong with its names.
    pub fn expression(
        &mut self,
        file: FileId,
        expr: &tree::Expr,
    ) -> Result<NodeId, Vec<Diagnostic>> {
        let path = if self.main.path.is_empty() {
            &self.main.name
        } else {
            &self.main.path
        };
        let builtins = self.machine.builtins;
        // What embedding brought to the top is in scope here, unlike within the files.
        self.machine.complete_shallow(self.root);
        let root = self.machine.deref(self.root);
        let fields: Vec<(Arc<str>, Label)> = self
            .machine
            .arc_slice(root)
            .iter()
            .filter(|(label, _)| !label.is_let() && !label.is_int())
            .map(|(label, _)| {
                let mut text = self.machine.program.strings.get(label.id());
                if label.is_hidden() {
                    text = text.split('\0').next().unwrap_or_default();
                }
                (text.into(), *label)
            })
            .collect();
        let compiler = Compiler::new(
            &mut self.machine.program,
            builtins,
            &self.imports,
            path.clone(),
        );
        let (id, errors) = compiler.expression(&self.main.files, &fields, file, expr);
        if !errors.is_empty() {
            return Err(errors);
        }
        let env = self.machine.new_env(NIL, self.root);
        let node = self.machine.new_inline();
        self.machine
            .add_conjunct_record(node, id, env, Info::default());
        Ok(NodeId(node))
    }

    /// Bounds how many values are made from here on, below the limit there is anyway.
    pub fn limit_values(&mut self, most: usize) {
        let machine = &mut self.machine;
        machine.max_nodes = machine.max_nodes.min(machine.nodes.len() + most);
    }

    /// Bounds how many steps are taken from here on, below the limit there is anyway.
    pub fn limit_steps(&mut self, most: u64) {
        let machine = &mut self.machine;
        machine.max_steps = machine.max_steps.min(machine.steps + most);
    }

    /// `a & b` as a new value (`vet`: data against a schema).
    pub fn unify(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let m = &mut self.machine;
        let node = m.new_inline();
        for side in [a, b] {
            let expr = m.value_expr(Value::Node(side.0), m.source);
            m.add_conjunct_record(node, expr, NIL, Info::default());
        }
        NodeId(node)
    }

    /// Steps from a value to a field or element of it.
    pub fn lookup(&mut self, node: NodeId, path: &[Selector]) -> Option<NodeId> {
        let mut at = node.0;
        for step in path {
            let label = self.label(step)?;
            self.machine.finalize(at);
            let target = self.machine.default_node(at);
            at = match self.machine.find_arc(target, label) {
                Some(arc) => arc,
                None => self.machine.materialize(target, label)?,
            };
            if self.machine.n(at).arc_type > ArcType::Optional {
                return None;
            }
        }
        Some(NodeId(at))
    }

    fn label(&mut self, selector: &Selector) -> Option<Label> {
        let path = if self.main.path.is_empty() {
            &self.main.name
        } else {
            &self.main.path
        };
        match selector {
            Selector::Field(name) => Some(Label::string(self.machine.program.strings.intern(name))),
            Selector::Special(name) => {
                let (name, path) = match name.split_once('$') {
                    Some((name, path)) => (name, path.to_string()),
                    None => (name.as_str(), path.to_string()),
                };
                Some(self.machine.program.identifier_label(name, &path))
            }
            Selector::Index(index) => {
                let index = u32::try_from(*index)
                    .ok()
                    .filter(|i| *i < Label::MAX_INDEX)?;
                Some(Label::index(index))
            }
        }
    }

    /// Every error in the value, sorted by place.
    pub fn errors(&mut self, node: NodeId, strictness: Strictness) -> Vec<Diagnostic> {
        self.machine.finalize(node.0);
        // A final error makes everything around it bottom: without one at the top there is none below.
        let target = self.machine.deref(node.0);
        if strictness == Strictness::Final && self.machine.bottom_of(target).is_none() {
            return Vec::new();
        }
        self.machine
            .report(node.0, strictness == Strictness::Concrete)
    }

    /// What can be said without evaluating, as warnings; see [`crate::check`].
    pub fn lint(&self) -> Vec<Diagnostic> {
        crate::check::check(&self.machine.program)
    }

    /// Where a value comes from: its conjuncts, the user's first.
    pub fn why(&mut self, node: NodeId) -> Vec<Origin> {
        self.machine.finalize(node.0);
        self.machine.why(node.0)
    }

    /// The places of plain values in the user's files that the other conjuncts of their nodes may imply. Evaluating without
    /// them says whether they do.
    pub fn implied(&mut self) -> BTreeSet<Place> {
        self.machine.implied(self.root)
    }

    /// The value as data, in output order.
    ///
    /// # Errors
    /// Everything that is wrong or not concrete.
    pub fn data(&mut self, node: NodeId) -> Result<Data, Vec<Diagnostic>> {
        let discarded = std::mem::take(&mut self.discarded);
        // What is evaluated already is not evaluated in parts once more.
        let done = self.machine.n(node.0).status == machine::Status::Finalized;
        if self.whole || done {
            drop(discarded);
        } else if let Some(data) = self.machine.data_in_parts(node.0, self.root, discarded) {
            return Ok(data);
        }
        self.whole_data(node)
    }

    /// Whether the value is data; the errors where it is not.
    ///
    /// # Errors
    /// Those of [`Evaluation::data`].
    pub fn check_data(&mut self, node: NodeId) -> Result<(), Vec<Diagnostic>> {
        self.machine.finalize(node.0);
        self.machine.unordered = true;
        let data = self.machine.data_of(Value::Node(node.0));
        self.machine.unordered = false;
        match data {
            Ok(_) => Ok(()),
            Err(_) => self.whole_data(node).map(|_| ()),
        }
    }

    fn whole_data(&mut self, node: NodeId) -> Result<Data, Vec<Diagnostic>> {
        self.machine.finalize(node.0);
        // Errors make everything around them bottom: without one at the top there is none below.
        let target = self.machine.deref(node.0);
        if self.machine.bottom_of(target).is_none()
            && let Ok(data) = self.machine.data_of(Value::Node(node.0))
        {
            return Ok(data);
        }
        let errors = self.errors(node, Strictness::Concrete);
        if !errors.is_empty() {
            return Err(errors);
        }
        self.machine
            .data_of(Value::Node(node.0))
            .map_err(|error| self.machine.diagnose_all(error))
    }

    /// The value as language text's tree; print it with [`crate::syntax::print`].
    pub fn tree(&mut self, node: NodeId, view: View) -> tree::Expr {
        self.machine.finalize(node.0);
        self.machine.tree(node.0, view)
    }

    /// From now on nothing is evaluated in parts, so that [`Evaluation::profile`] sees all of it.
    pub fn keep_whole(&mut self) {
        self.whole = true;
    }

    /// Which declarations the work went to: folded stacks (`package;field;field`) with their weights.
    pub fn profile(&self) -> Vec<(String, u64)> {
        self.machine.profile()
    }

    /// Work counters so far.
    pub fn stats(&self) -> Stats {
        let mut stats = self.machine.stats;
        // Those counted are of parts; their machines are gone.
        stats.nodes = stats.of_parts + self.machine.nodes.len() as u64;
        stats
    }
}
