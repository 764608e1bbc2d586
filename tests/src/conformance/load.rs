//! From the files of an archive to packages: the files at its top are the main package, the others
//! are found by import path, in the archive's own module or below `cue.mod/pkg`.

use super::txtar::Archive;
use holos_lang::diagnostic::{Source, SourceMap};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::tree::{Decl, Expr, Label};
use holos_lang::syntax::{self, tree};
use std::sync::Arc;

const MODULE_FILES: [&str; 2] = ["cue.mod/module.cue", "holos.mod/module.holos"];
const VENDORED: [&str; 3] = ["cue.mod/pkg/", "cue.mod/usr/", "cue.mod/gen/"];

/// Whether a name in an archive is that of source text; tests of a package are not part of it.
pub(super) fn is_source(name: &str) -> bool {
    let stem = name.strip_suffix(".cue");
    stem.or(name.strip_suffix(".holos"))
        .is_some_and(|stem| !stem.ends_with("_test"))
}

/// The main package: the source files at the archive's top.
pub(super) fn main_package(archive: &Archive, sources: &mut SourceMap) -> PackageFiles {
    let files = archive
        .files
        .iter()
        .filter(|(name, _)| is_source(name) && !name.contains('/'));
    package(files, sources, "", true)
}

fn package<'a>(
    files: impl Iterator<Item = &'a (String, String)>,
    sources: &mut SourceMap,
    path: &str,
    user: bool,
) -> PackageFiles {
    let mut package = PackageFiles {
        path: path.into(),
        ..Default::default()
    };
    for (name, text) in files {
        let id = sources.add(Source {
            name: name.as_str().into(),
            text: text.as_str().into(),
            user,
        });
        let parsed = syntax::parse(id, text);
        package.errors.extend(parsed.errors);
        if let Some(clause) = &parsed.file.package
            && package.name.is_empty()
        {
            package.name = clause.name.clone();
        }
        package.files.push((id, Arc::new(parsed.file)));
    }
    package
}

/// Finds imported packages in an archive.
pub(super) struct ArchiveImporter<'a> {
    archive: &'a Archive,
    module: String,
}

impl<'a> ArchiveImporter<'a> {
    pub(super) fn new(archive: &'a Archive) -> ArchiveImporter<'a> {
        let module = archive
            .files
            .iter()
            .find(|(name, _)| MODULE_FILES.contains(&name.as_str()))
            .and_then(|(name, text)| module_path(name, text))
            .unwrap_or_default();
        ArchiveImporter { archive, module }
    }

    /// The files of `dir` that belong to the package `name`, and those of the same name in the
    /// directories above it inside the module.
    fn files(&self, dir: &str, name: &str, ancestors: bool) -> Vec<&'a (String, String)> {
        let in_package = |text: &str| {
            let parsed = syntax::parse(holos_lang::diagnostic::FileId(0), text);
            parsed
                .file
                .package
                .is_some_and(|package| &*package.name == name)
        };
        let here = |file: &str| file.rsplit_once('/').map_or("", |(parent, _)| parent) == dir;
        let above = |file: &str| {
            let parent = file.rsplit_once('/').map_or("", |(parent, _)| parent);
            parent.is_empty()
                || dir
                    .strip_prefix(parent)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let all = self.archive.files.iter();
        let found: Vec<_> = all
            .clone()
            .filter(|(file, text)| is_source(file) && here(file) && in_package(text))
            .collect();
        if found.is_empty() || !ancestors || dir.is_empty() {
            return found;
        }
        let inherited =
            all.filter(|(file, text)| is_source(file) && above(file) && in_package(text));
        inherited.chain(found).collect()
    }
}

impl Importer for ArchiveImporter<'_> {
    fn import(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        _from: &str,
    ) -> Result<PackageFiles, ImportError> {
        let (location, qualifier) = path.split_once(':').unwrap_or((path, ""));
        let location = strip_major(location);
        let name = match qualifier {
            "" => location.rsplit('/').next().unwrap_or(&location),
            _ => qualifier,
        };
        let inside = match self.module.as_str() {
            "" => None,
            module => location
                .strip_prefix(module)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .map(|rest| rest.trim_start_matches('/')),
        };
        let mut files = inside
            .map(|dir| self.files(dir, name, true))
            .unwrap_or_default();
        if files.is_empty() {
            files = VENDORED
                .iter()
                .flat_map(|base| self.files(&format!("{base}{location}"), name, false))
                .collect();
        }
        if files.is_empty() {
            return Err(ImportError {
                message: "is not in this archive".into(),
                help: Vec::new(),
            });
        }
        Ok(package(files.into_iter(), sources, path, false))
    }
}

/// `a.b/c@v0/d` without its major version.
fn strip_major(path: &str) -> String {
    match path.split_once('@') {
        Some((before, after)) => {
            let rest = after.find('/').map_or("", |slash| &after[slash..]);
            format!("{before}{rest}")
        }
        None => path.to_owned(),
    }
}

fn module_path(name: &str, text: &str) -> Option<String> {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: name.into(),
        text: text.into(),
        user: false,
    });
    let file: tree::File = syntax::parse(id, text).file;
    file.decls.iter().find_map(|decl| match decl {
        Decl::Field(field) if label_is(&field.label, "module") => match &field.value {
            Expr::String(value, _) => Some(strip_major(value)),
            _ => None,
        },
        _ => None,
    })
}

fn label_is(label: &Label, name: &str) -> bool {
    match label {
        Label::Ident(ident) => &*ident.name == name,
        Label::String { value, .. } => &**value == name,
        _ => false,
    }
}
