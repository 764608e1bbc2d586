//! The holos configuration language.
//!
//! CUE's language (version v0.17) under the extension `.holos`: types and values are one lattice,
//! and the one operation is unification. Text becomes tokens, tokens a [`syntax::tree::File`], files a
//! [`resolve::Program`], a program a graph of nodes, and nodes [`value::Data`] or language text.
//!
//! **Invariant:** this crate does no I/O. Files come through [`resolve::Importer`], builtin functions
//! through [`value::builtin::Builtins`]; it knows neither the standard library nor Kubernetes.

mod check;
pub mod diagnostic;
pub mod eval;
pub mod resolve;
pub mod syntax;
pub mod value;
