//! Finding the module a directory belongs to.

use crate::files::Files;
use holos_lang::diagnostic::{Code, Diagnostic, Place, Source, SourceMap};
use holos_lang::syntax::{self, tree};
use std::path::{Path, PathBuf};

/// The folders that mark a module's root, the native one first, and the file in each.
const MARKS: [(&str, &str); 2] = [("holos.mod", "module.holos"), ("cue.mod", "module.cue")];

/// A module: the directory that holds `holos.mod` or `cue.mod`.
#[derive(Clone, Debug)]
pub struct Module {
    pub root: PathBuf,
    /// The path without a major version: `acme.example/platform`.
    pub path: String,
}

impl Module {
    /// The module whose root is `dir` or the nearest directory above it.
    pub fn find(
        files: &Files,
        sources: &mut SourceMap,
        dir: &Path,
    ) -> (Option<Module>, Vec<Diagnostic>) {
        for root in dir.ancestors() {
            for (folder, file) in MARKS {
                let path = root.join(folder).join(file);
                if files.is_file(&path) {
                    return Module::read(files, sources, root, &path);
                }
            }
            // A folder without its file (as older tools leave) still marks the root.
            if MARKS
                .iter()
                .any(|(folder, _)| files.is_dir(&root.join(folder)))
            {
                return (
                    Some(Module {
                        root: root.into(),
                        path: String::new(),
                    }),
                    Vec::new(),
                );
            }
        }
        (None, Vec::new())
    }

    fn read(
        files: &Files,
        sources: &mut SourceMap,
        root: &Path,
        path: &Path,
    ) -> (Option<Module>, Vec<Diagnostic>) {
        let mut module = Module {
            root: root.into(),
            path: String::new(),
        };
        let text = match files.text(path) {
            Ok(text) => text,
            Err(error) => return (Some(module), vec![error]),
        };
        let name = files.display(path);
        let file = sources.add(Source {
            name: name.as_str().into(),
            text: text.clone(),
            user: true,
        });
        let parsed = syntax::parse(file, &text);
        let mut errors = parsed.errors;
        let value = parsed.file.decls.iter().find_map(|decl| match decl {
            tree::Decl::Field(field) if label(&field.label) == Some("module") => Some(&field.value),
            _ => None,
        });
        match value {
            Some(tree::Expr::String(path, _)) => module.path = unversioned(path).to_string(),
            Some(other) => errors.push(
                Diagnostic::error(Code(909), "the field `module` is not a string").label(
                    Place {
                        file,
                        span: other.span(),
                    },
                    "a path such as \"acme.example/platform\" belongs here",
                ),
            ),
            // A module without a name has no imports of its own packages.
            None => {}
        }
        (Some(module), errors)
    }

    /// The directory of an import path within this module.
    pub fn directory(&self, path: &str) -> Option<PathBuf> {
        let rest = unversioned(path)
            .strip_prefix(self.path.as_str())
            .filter(|_| !self.path.is_empty())?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(self.root.join(rest)),
            None => rest.is_empty().then(|| self.root.clone()),
        }
    }

    /// The import path of a directory within this module, without a qualifier.
    pub fn import_path(&self, dir: &Path) -> Option<String> {
        let rest = dir.strip_prefix(&self.root).ok()?;
        let parts = rest
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        let whole: Vec<_> = std::iter::once(self.path.as_str().into())
            .chain(parts)
            .collect();
        (!self.path.is_empty()).then(|| whole.join("/"))
    }

    /// Where packages are put that were generated for this module.
    pub fn generated(&self) -> PathBuf {
        let mark = MARKS.iter().map(|(folder, _)| self.root.join(folder));
        let mark = mark.into_iter().find(|folder| folder.is_dir());
        mark.unwrap_or_else(|| self.root.join(MARKS[0].0))
            .join("gen")
    }

    /// Where packages of other modules are kept by hand, in the order they are looked for.
    pub fn vendored(&self, path: &str) -> Vec<PathBuf> {
        let folders = MARKS
            .iter()
            .flat_map(|(folder, _)| ["pkg", "gen", "usr"].map(|sub| (*folder, sub)));
        folders
            .map(|(folder, sub)| self.root.join(folder).join(sub).join(unversioned(path)))
            .collect()
    }
}

/// A path without `@v1`.
pub(crate) fn unversioned(path: &str) -> &str {
    match path.rfind('@') {
        Some(at) if path[at + 1..].starts_with('v') && !path[at..].contains('/') => &path[..at],
        _ => path,
    }
}

/// A label that is a plain name.
pub(crate) fn label(label: &tree::Label) -> Option<&str> {
    match label {
        tree::Label::Ident(ident) => Some(&ident.name),
        tree::Label::String { value, .. } => Some(value),
        _ => None,
    }
}
