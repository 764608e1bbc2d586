//! Kubernetes API schemas as packages, and the importer that generates them.
//!
//! The packages are embedded, compressed one by one; a package is unpacked when it is asked for.
//!
//! ```
//! let (path, definition) = holos_schemas::kind("apps/v1", "Deployment").expect("it ships");
//! assert_eq!((path, definition), ("k8s.io/api/apps/v1", "#Deployment"));
//! assert!(holos_schemas::package(path).is_some());
//! ```

pub mod export;
pub mod import;
pub mod schema;
pub mod validate;
pub mod yaml;

use std::borrow::Cow;

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// apiVersion, kind, import path, definition, scope; the table is sorted by the first two.
pub type Entry = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Scope,
);

/// The files of a package, name and text, sorted by name; `None` where no such package ships.
pub fn package(path: &str) -> Option<Vec<(String, Cow<'static, str>)>> {
    let at = PACKAGES.binary_search_by(|(p, ..)| (*p).cmp(path)).ok()?;
    let blob = miniz_oxide::inflate::decompress_to_vec(PACKAGES[at].1).ok()?;
    let mut rest = &blob[..];
    let mut files = Vec::new();
    while let (Some(name), Some(text)) = (part(&mut rest), part(&mut rest)) {
        files.push((name, Cow::Owned(text)));
    }
    Some(files)
}

/// What the validator knows of a package: see [`validate::group`].
pub(crate) fn schema_text(path: &str) -> Option<String> {
    let at = PACKAGES.binary_search_by(|(p, ..)| (*p).cmp(path)).ok()?;
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(PACKAGES[at].2).ok()?).ok()
}

/// Takes a length and as many bytes of text off the front.
fn part(rest: &mut &[u8]) -> Option<String> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (text, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = tail;
    String::from_utf8(text.to_vec()).ok()
}

/// The import paths of all packages, sorted.
pub fn paths() -> &'static [&'static str] {
    PATHS
}

/// The import path and definition (`#Deployment`) that describe the objects of a kind.
pub fn kind(api_version: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    entry(api_version, kind).map(|(_, _, path, definition, _)| (*path, *definition))
}

/// Whether a kind lives in a namespace.
pub fn scope(api_version: &str, kind: &str) -> Option<Scope> {
    entry(api_version, kind).map(|entry| entry.4)
}

/// Every kind: apiVersion, kind, import path, definition, scope; sorted by the first two.
pub fn kinds() -> impl Iterator<Item = &'static Entry> {
    KINDS.iter()
}

fn entry(api_version: &str, kind: &str) -> Option<&'static Entry> {
    let at = KINDS
        .binary_search_by(|(v, k, ..)| (*v, *k).cmp(&(api_version, kind)))
        .ok()?;
    Some(&KINDS[at])
}
