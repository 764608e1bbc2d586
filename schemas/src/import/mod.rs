//! Schemas in, packages out: CustomResourceDefinitions, OpenAPI and JSON Schema documents become
//! `.holos` files. Pure: text in, text out.

pub mod crd;
pub mod kubernetes;
mod names;
mod openapi;
mod package;
mod print;

pub use crd::crd;
pub use openapi::{jsonschema, openapi};

use crate::schema::{Id, Pool};
use holos_lang::diagnostic::{Diagnostic, FileId};
use std::collections::BTreeMap;

/// The package of ObjectMeta.
pub(crate) const META: &str = "k8s.io/apimachinery/pkg/apis/meta/v1";

/// What controller-gen writes for a quantity.
pub(crate) const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Whose rules a schema follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Objects are closed unless they say otherwise, formats are those the API server checks.
    Kubernetes,
    /// Objects are open unless they say otherwise.
    Json,
}

/// A file to import.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Places in diagnostics name it.
    pub file: FileId,
    pub text: &'a str,
}

/// What an import may be told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Descriptions become doc comments.
    pub docs: bool,
    /// The import path of a package whose document names none (JSON Schema, OpenAPI outside Kubernetes).
    pub path: String,
}

/// A kind of object that a package defines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kind {
    /// `apps/v1`, `v1`
    pub api_version: String,
    pub kind: String,
    /// `#Deployment`
    pub definition: String,
    pub namespaced: bool,
    /// The schema of its objects in [`Import::pool`].
    pub schema: Id,
}

/// A generated package.
#[derive(Clone, Debug)]
pub struct Package {
    /// The import path.
    pub path: String,
    /// The name in the package clause.
    pub name: String,
    /// File name and text, sorted by name.
    pub files: Vec<(String, String)>,
    pub kinds: Vec<Kind>,
}

/// The result of an import. Where a diagnostic is an error, what it concerns is left out.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Sorted by path.
    pub packages: Vec<Package>,
    /// The schemas as they were read, for [`crate::validate`].
    pub pool: Pool,
    /// Named schemas that others refer to.
    pub definitions: Vec<(String, Id)>,
    /// The package and definition of names that a document says the kind of.
    pub(crate) places: BTreeMap<String, (String, String)>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Import {
    /// The schemas of a package as text, for the validator that ships them.
    pub fn schema_text(&self, path: &str) -> String {
        crate::validate::group::Group::of(self, path).to_text()
    }
}
