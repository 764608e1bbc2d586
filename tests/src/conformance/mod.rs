//! Runs language archives: `.txtar` files whose source carries its own expectations as `@test(…)`
//! attributes, in the format of CUE's evaluator suite.
//!
//! An archive's top-level source files are one package. An attribute behind a field is about that field's
//! value, one that stands alone inside a struct (or a file) about that struct's. What is checked:
//!
//! | attribute | holds where |
//! |---|---|
//! | `@test(eq, EXPR)` | the value has exactly the structure written, see [`compare`] |
//! | `@test(err, code=…, at=PATH, any)` | the value (that at the path; any below) is an error of that code |
//! | `@test(kind=int\|string)` | it can still be exactly these kinds |
//! | `@test(closed)`, `@test(closed=false)` | the struct is closed, is open |
//! | `@test(allows, a)`, `@test(allows=false, string)` | such a field may be added |
//! | `@test(permute)` | all of this holds in every order of the marked fields |
//!
//! An archive without any may hold the whole value as it is printed, see [`printed`].
//!
//! `name:v3` replaces `name`; `name:todo` and fields with `@test(todo)` do not count. Messages,
//! places of errors, and what is internal to an evaluator (`debug`, `shareID`, statistics) are not compared.
//!
//! [`plan`] says how many assertions an archive has, [`run`] checks them one by one; a caller that must
//! survive hangs and crashes runs it in a process of its own (the `conformance` binary does).

mod attribute;
mod check;
mod compare;
pub mod isolated;
pub mod laws;
mod load;
pub mod permute;
mod printed;
mod program;
pub mod txtar;

use holos_lang::value::builtin::Builtins;
use txtar::Archive;

/// One assertion's outcome.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The path of the value and the directive: `a.b eq`.
    pub assertion: String,
    /// What was wrong, or `None` where it holds.
    pub failure: Option<String>,
}

/// One step of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    /// As spelt, without quotes; for an index its digits.
    pub(crate) name: String,
    /// A definition or a hidden field.
    pub(crate) special: bool,
    /// The package of a hidden field, where it is said (`_x$pkg`).
    pub(crate) package: Option<String>,
}

impl Segment {
    pub(crate) fn regular(name: &str) -> Segment {
        Segment {
            name: name.to_owned(),
            special: false,
            package: None,
        }
    }

    /// From an identifier: `a`, `#D`, `_h`, `_h$pkg`.
    pub(crate) fn spelt(ident: &str) -> Segment {
        let (name, package) = match ident.split_once('$') {
            Some((name, package)) if name.starts_with('_') => (name, Some(package)),
            _ => (ident, None),
        };
        let package = package.map(|text| text.trim_matches(['(', ')']).to_owned());
        Segment {
            name: name.to_owned(),
            special: is_special(name),
            package,
        }
    }
}

fn is_special(name: &str) -> bool {
    name.starts_with('#') || name.starts_with("_#") || (name.starts_with('_') && name != "_")
}

/// A path as people write it.
pub(crate) fn path_text(path: &[Segment]) -> String {
    let names: Vec<_> = path.iter().map(|segment| segment.name.as_str()).collect();
    names.join(".")
}

/// How many assertions the archive has; 0 where it is excluded from checking.
pub fn plan(archive: &Archive) -> usize {
    check::plan(archive).len()
}

/// Checks every assertion (those about `only` and what is below it, where given), in order.
/// `report` gets each outcome as soon as it is known.
pub fn run(
    archive: &Archive,
    builtins: &dyn Builtins,
    only: Option<&str>,
    report: &mut dyn FnMut(Outcome),
) {
    check::run(archive, builtins, only, report);
}

/// Checks every assertion but `permute` with the archive's declarations, operands and files in another order.
///
/// What an archive says of the order of fields does not count.
pub fn run_permuted(
    archive: &Archive,
    builtins: &dyn Builtins,
    order: &permute::Order,
    report: &mut dyn FnMut(Outcome),
) {
    check::run_permuted(archive, builtins, order, report);
}

/// What the evaluator found wrong on the way to values, and the whole value as text, for people.
pub fn describe(archive: &Archive, builtins: &dyn Builtins, only: Option<&str>) -> String {
    check::describe(archive, builtins, only)
}

/// The builtin packages the suites run with.
pub fn builtins() -> &'static dyn Builtins {
    &holos_stdlib::Standard
}
