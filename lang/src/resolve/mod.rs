//! Names to slots, imports to packages: from syntax trees to a program the evaluator runs.

pub(crate) mod compile;
mod load;
pub(crate) mod program;
pub mod tags;

use crate::diagnostic::{Diagnostic, FileId, SourceMap};
use crate::syntax::tree;
pub use load::{Library, Prepared};
use std::sync::Arc;

/// The parsed files of one package, all with the same package clause.
#[derive(Clone, Debug, Default)]
pub struct PackageFiles {
    /// The full import path, qualifier included, or empty for the files named on the command line.
    /// Hidden fields belong to it.
    pub path: Arc<str>,
    /// The name in the package clause; empty for files without one.
    pub name: Arc<str>,
    pub files: Vec<(FileId, Arc<tree::File>)>,
    /// What was found while reading and parsing.
    pub errors: Vec<Diagnostic>,
}

/// Why an import path leads nowhere.
#[derive(Clone, Debug)]
pub struct ImportError {
    /// What is wrong, without the path or the place: "is not in this module".
    pub message: String,
    /// Advice, such as the nearest path that exists.
    pub help: Vec<String>,
}

/// Where packages come from: modules on disk, the embedded library and schemas.
///
/// Builtin packages are not asked of it; [`crate::value::builtin::Builtins`] has those.
pub trait Importer {
    /// Reads and parses the package `path`, imported by the package `from`, adding its files to `sources`.
    fn import(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        from: &str,
    ) -> Result<PackageFiles, ImportError>;
}

/// The name an import path declares where neither an alias nor the package says otherwise: the
/// qualifier after `:`, else the last element without a major version (`@v1`).
pub fn implied_name(path: &str) -> &str {
    if let Some((_, qualifier)) = path.rsplit_once(':') {
        return qualifier;
    }
    let path = path.split('@').next().unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}
