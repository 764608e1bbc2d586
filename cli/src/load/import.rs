//! Where imported packages come from.

use super::module::{Module, unversioned};
use super::{Document, Instance, Loader};
use holos_lang::diagnostic::{Source, SourceMap};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax;
use holos_lang::value::builtin::Builtins as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The package of the library that has what other programs rendered.
const RENDERED: &str = "platform/rendered";

/// Finds the imports of one instance, and refuses cycles of them.
pub struct PackageImporter<'l, 'f> {
    loader: &'l mut Loader<'f>,
    module: Option<Module>,
    /// Files of the package [`RENDERED`].
    rendered: Vec<Document>,
    /// Who imports what so far, by canonical path.
    edges: BTreeMap<String, Vec<String>>,
    found: BTreeMap<String, PackageFiles>,
}

impl<'l, 'f> PackageImporter<'l, 'f> {
    pub(super) fn new(loader: &'l mut Loader<'f>, instance: &Instance) -> Self {
        let module = instance.module.clone();
        PackageImporter {
            loader,
            module,
            rendered: instance.rendered.clone(),
            edges: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// The packages that were imported.
    pub fn found(&self) -> impl Iterator<Item = &PackageFiles> {
        self.found.values()
    }

    /// The chain of imports that leads from `start` to `goal`, both included.
    fn chain(&self, start: &str, goal: &str) -> Option<Vec<String>> {
        let mut stack = vec![vec![start.to_string()]];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(path) = stack.pop() {
            let last = path.last().map_or("", String::as_str);
            if last == goal {
                return Some(path);
            }
            if seen.insert(last.to_string()) {
                for next in self.edges.get(last).into_iter().flatten() {
                    stack.push(path.iter().cloned().chain([next.clone()]).collect());
                }
            }
        }
        None
    }

    fn in_directories(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        name: &str,
    ) -> Option<Result<PackageFiles, ImportError>> {
        let module = self.module.clone()?;
        let own = module.directory(path);
        let candidates = match &own {
            Some(dir) => vec![dir.clone()],
            None => module.vendored(path),
        };
        let mut package = PackageFiles {
            path: canonical(path, name).into(),
            name: name.into(),
            ..Default::default()
        };
        let mut seen = Vec::new();
        for dir in candidates
            .into_iter()
            .filter(|dir| self.loader.files.is_dir(dir))
        {
            let within = own.is_some().then_some(&module);
            if let Err(error) =
                self.loader
                    .gather(sources, &mut package, &dir, within, own.is_some())
            {
                return Some(Err(ImportError {
                    message: error.message,
                    help: error.help,
                }));
            }
            let clauses = self
                .loader
                .sources_in(sources, &dir, own.is_some())
                .unwrap_or_default();
            seen.extend(
                clauses
                    .iter()
                    .filter_map(|(_, tree, _)| Some(tree.package.as_ref()?.name.to_string())),
            );
        }
        if !package.files.is_empty() {
            return Some(Ok(package));
        }
        seen.sort();
        seen.dedup();
        match (own, &seen[..]) {
            (None, []) => None,
            (_, []) => Some(Err(self.nowhere(path, "is not in this module"))),
            (_, [other, ..]) => Some(Err(ImportError {
                message: format!("has no package named `{name}`"),
                help: vec![format!("import \"{}:{other}\"", unversioned(path))],
            })),
        }
    }

    fn embedded(&self, sources: &mut SourceMap, path: &str, name: &str) -> Option<PackageFiles> {
        let files: Vec<(String, Arc<str>)> = if path == "platform" || path.starts_with("platform/")
        {
            let folder = path
                .strip_prefix("platform")
                .unwrap_or_default()
                .trim_start_matches('/');
            let all = holos_stdlib::platform_files().iter();
            all.filter(|(file, _)| file.rsplit_once('/').map_or("", |(folder, _)| folder) == folder)
                .map(|(file, text)| (format!("platform/{file}"), Arc::from(*text)))
                .collect()
        } else {
            let files = holos_schemas::package(path)?;
            files
                .into_iter()
                .map(|(file, text)| (format!("{path}/{file}"), Arc::from(&*text)))
                .collect()
        };
        let mut package = PackageFiles {
            path: canonical(path, name).into(),
            ..Default::default()
        };
        for (file_name, text) in files {
            let file = sources.add(Source {
                name: file_name.into(),
                text: text.clone(),
                user: false,
            });
            let parsed = syntax::parse(file, &text);
            let clause = parsed
                .file
                .package
                .as_ref()
                .map(|ident| ident.name.clone())
                .unwrap_or_default();
            if package.name.is_empty() {
                package.name = clause;
            }
            package.errors.extend(parsed.errors);
            package.files.push((file, Arc::new(parsed.file)));
        }
        if path == RENDERED {
            let files = self.rendered.iter().cloned().map(Document::into_file);
            package.files.extend(files);
        }
        (!package.files.is_empty()).then_some(package)
    }

    /// A path that leads nowhere, and the nearest one that leads somewhere.
    fn nowhere(&self, path: &str, message: &str) -> ImportError {
        let mut known: Vec<String> = holos_schemas::paths()
            .iter()
            .map(|path| path.to_string())
            .collect();
        known.extend(
            holos_stdlib::Standard
                .paths()
                .iter()
                .map(|path| path.to_string()),
        );
        known.push("platform".into());
        if let Some(module) = &self.module {
            let mut directories = Vec::new();
            super::below(self.loader.files, &module.root, &mut directories, 0);
            known.extend(directories.iter().filter_map(|dir| module.import_path(dir)));
        }
        let near = holos_lang::diagnostic::nearest(path, known.iter().map(String::as_str));
        let help = near.map(|near| format!("did you mean \"{near}\"?"));
        ImportError {
            message: message.into(),
            help: help.into_iter().collect(),
        }
    }
}

impl Importer for PackageImporter<'_, '_> {
    fn import(
        &mut self,
        sources: &mut SourceMap,
        spelt: &str,
        from: &str,
    ) -> Result<PackageFiles, ImportError> {
        let (path, name) = split(spelt);
        let key = canonical(path, name);
        if let Some(mut chain) = self.chain(&key, from) {
            chain.push(key);
            let help = Vec::new();
            return Err(ImportError {
                message: format!("imports itself: {}", chain.join(" → ")),
                help,
            });
        }
        self.edges
            .entry(from.to_string())
            .or_default()
            .push(key.clone());
        if let Some(package) = self.found.get(&key) {
            return Ok(package.clone());
        }
        let package = match self.in_directories(sources, path, name) {
            Some(found) => found?,
            None => match self.embedded(sources, path, name) {
                Some(package) => package,
                None => {
                    let mut error = self.nowhere(path, "is neither in this module nor built in");
                    if self.module.is_none() && error.help.is_empty() {
                        error
                            .help
                            .push("there is no module here: `holosc init` makes one".into());
                    }
                    return Err(error);
                }
            },
        };
        self.found.insert(key, package.clone());
        Ok(package)
    }
}

/// An import path and the name of the package it means: what follows `:`, or the last part.
fn split(path: &str) -> (&str, &str) {
    let last = path.rfind('/').map_or(0, |at| at + 1);
    match path[last..].find(':') {
        Some(at) => (&path[..last + at], &path[last + at + 1..]),
        None => (path, unversioned(&path[last..])),
    }
}

/// One spelling for each package: the qualifier is written where it is not the last part of the path.
pub(super) fn canonical(path: &str, name: &str) -> String {
    let path = unversioned(path);
    let last = path.rsplit('/').next().unwrap_or(path);
    if last == name || name.is_empty() {
        path.to_string()
    } else {
        format!("{path}:{name}")
    }
}
