//! From a program to a graph of nodes: unification, disjunctions, closedness, comprehensions, cycles.
//!
//! [`Evaluation`] is the one entry: it holds a compiled package and everything evaluated of it so far.

pub mod inspect;

use crate::diagnostic::{Diagnostic, SourceMap};
use crate::resolve::{Importer, PackageFiles};
use crate::syntax::tree;
use crate::value::Data;
use crate::value::builtin::Builtins;

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
    pub attributes: bool,
    /// Defaults taken and everything concrete, as data.
    pub concrete: bool,
}

/// A package being evaluated.
pub struct Evaluation<'a> {
    _builtins: &'a dyn Builtins,
}

impl<'a> Evaluation<'a> {
    /// Compiles `main` and everything it imports. The diagnostics are those of reading, parsing and
    /// resolving; where one is an error, the evaluation can still be queried (for an editor).
    pub fn new(
        _sources: &mut SourceMap,
        _main: PackageFiles,
        _importer: &mut dyn Importer,
        builtins: &'a dyn Builtins,
    ) -> (Evaluation<'a>, Vec<Diagnostic>) {
        (
            Evaluation {
                _builtins: builtins,
            },
            Vec::new(),
        )
    }

    /// The value of the whole package.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The value of an expression in the scope of the package (`-e`), compiled as a file of its own.
    pub fn expression(
        &mut self,
        _file: crate::diagnostic::FileId,
        _expr: &tree::Expr,
    ) -> Result<NodeId, Vec<Diagnostic>> {
        Ok(NodeId(0))
    }

    /// `a & b` as a new value (`vet`: data against a schema).
    pub fn unify(&mut self, a: NodeId, _b: NodeId) -> NodeId {
        a
    }

    /// Steps from a value to a field or element of it.
    pub fn lookup(&mut self, _node: NodeId, _path: &[Selector]) -> Option<NodeId> {
        None
    }

    /// Every error in the value, sorted by place.
    pub fn errors(&mut self, _node: NodeId, _strictness: Strictness) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The value as data, in output order.
    pub fn data(&mut self, _node: NodeId) -> Result<Data, Vec<Diagnostic>> {
        Ok(Data::Null)
    }

    /// The value as language text's tree; print it with [`crate::syntax::print`].
    pub fn tree(&mut self, _node: NodeId, _view: View) -> tree::Expr {
        tree::Expr::Null(Default::default())
    }
}
