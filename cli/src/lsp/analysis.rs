//! One package, loaded and evaluated for the editor, and what is asked of it afterwards.

use super::uri;
use crate::args::Inputs;
use crate::commands::check::with_warnings;
use crate::commands::with_errors_of_values;
use crate::files::Files;
use crate::load::Loader;
use gen_lsp_types::{Location, Position};
use holos_lang::diagnostic::{Diagnostic, FileId, Source, SourceMap};
use holos_lang::eval::Evaluation;
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::{self, tree};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A package as an editor needs it.
pub(super) struct Analysis {
    pub(super) sources: SourceMap,
    pub(super) package: PackageFiles,
    /// The packages it imports, directly or not; builtin ones are not among them.
    pub(super) imports: Vec<PackageFiles>,
    pub(super) evaluation: Option<Evaluation<'static>>,
    pub(super) found: Vec<Diagnostic>,
    /// Names of sources are relative to it.
    pub(super) root: PathBuf,
}

impl Analysis {
    /// Loads and evaluates the package that `main` belongs to.
    pub(super) fn new(files: &Files, main: &Path, superseded: &dyn Fn() -> bool) -> Analysis {
        let mut analysis = Analysis {
            sources: SourceMap::default(),
            package: PackageFiles::default(),
            imports: Vec::new(),
            evaluation: None,
            found: Vec::new(),
            root: files.cwd.clone(),
        };
        let text = match files.text(main) {
            Ok(text) => text,
            Err(error) => {
                analysis.found.push(error);
                return analysis;
            }
        };
        let parsed = syntax::parse(FileId(0), &text);
        let input = match (&parsed.file.package, main.parent()) {
            (Some(clause), Some(dir)) if &*clause.name != "_" => {
                format!("{}:{}", dir.display(), clause.name)
            }
            _ => main.display().to_string(),
        };
        let mut loader = Loader::new(files);
        let inputs = Inputs {
            inputs: vec![input],
            ..Inputs::default()
        };
        match loader.load(&mut analysis.sources, &inputs) {
            Ok(instances) => {
                for instance in instances {
                    if superseded() {
                        return analysis;
                    }
                    let mut importer = loader.importer(&instance);
                    let (mut evaluation, found) = Evaluation::new(
                        &mut analysis.sources,
                        instance.package.clone(),
                        &mut importer,
                        &holos_stdlib::Standard,
                    );
                    analysis.imports.extend(importer.found().cloned());
                    analysis.found.extend(if superseded() {
                        found
                    } else {
                        let found = with_errors_of_values(found, &mut evaluation);
                        with_warnings(found, &evaluation)
                    });
                    analysis.evaluation = Some(evaluation);
                    analysis.package = instance.package;
                }
            }
            Err(errors) => analysis.found.extend(errors),
        }
        if analysis.file(main).is_none() {
            // A file that its package leaves out is still checked for itself.
            let name = files.display(main);
            let file = analysis.sources.add(Source {
                name: name.as_str().into(),
                text: text.clone(),
                user: true,
            });
            let parsed = syntax::parse(file, &text);
            analysis.found.extend(parsed.errors);
            analysis.package.files.push((file, Arc::new(parsed.file)));
        }
        analysis
    }

    /// The file of the package at `path`.
    pub(super) fn file(&self, path: &Path) -> Option<(FileId, &Arc<tree::File>)> {
        let mut files = self.package.files.iter();
        let (id, tree) =
            files.find(|(id, _)| self.root.join(&*self.sources.get(*id).name) == path)?;
        Some((*id, tree))
    }

    /// The tree of a file of the package.
    pub(super) fn file_tree(&self, file: FileId) -> Option<Arc<tree::File>> {
        let mut files = self.package.files.iter();
        files
            .find(|(id, _)| *id == file)
            .map(|(_, tree)| tree.clone())
    }

    /// The file at `path`, the offset of a position in it.
    pub(super) fn at(
        &self,
        path: &Path,
        position: Position,
    ) -> Option<(FileId, Arc<tree::File>, u32)> {
        let (id, tree) = self.file(path)?;
        Some((
            id,
            tree.clone(),
            super::position::offset(&self.sources.get(id).text, position),
        ))
    }

    /// A place as an editor can open it; files of the embedded library are written out for that.
    pub(super) fn location(
        &self,
        file: FileId,
        span: holos_lang::diagnostic::Span,
    ) -> Option<Location> {
        let source = self.sources.get(file);
        let path = if source.user {
            self.root.join(&*source.name)
        } else {
            written_out(source)?
        };
        Some(Location::new(
            uri::of(&path),
            super::position::range(&source.text, span),
        ))
    }

    /// The imported package of that import path; builtin ones are not found.
    pub(super) fn import(&self, path: &str) -> Option<&PackageFiles> {
        self.imports.iter().find(|package| *package.path == *path)
    }
}

/// A copy of an embedded file, for reading.
fn written_out(source: &Source) -> Option<PathBuf> {
    let folder =
        std::env::temp_dir().join(concat!("holosc-", env!("CARGO_PKG_VERSION"), "-library"));
    let path = folder.join(&*source.name);
    if std::fs::read(&path).is_ok_and(|text| text == source.text.as_bytes()) {
        return Some(path);
    }
    std::fs::create_dir_all(path.parent()?).ok()?;
    std::fs::write(&path, source.text.as_bytes()).ok()?;
    Some(path)
}
