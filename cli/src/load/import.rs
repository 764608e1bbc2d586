//! Where imported packages come from.

use super::module::{Module, unversioned};
use super::used::{self, Part};
use super::{Document, Instance, Loader};
use holos_lang::diagnostic::{FileId, Source, SourceMap};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::{self, tree};
use holos_lang::value::builtin::Builtins as _;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The package of the library that has what other programs rendered.
const RENDERED: &str = "platform/rendered";

/// Work for another thread, from the paths of the packages of schemas that a package imports.
pub(crate) type ReadAhead = Box<dyn FnOnce(Vec<String>) + Send>;

/// Finds the imports of one instance, and refuses cycles of them.
pub struct PackageImporter<'l, 'f> {
    loader: &'l mut Loader<'f>,
    module: Option<Module>,
    /// The files of the package that imports are found for.
    main: Vec<(FileId, Arc<tree::File>)>,
    /// Files of the package [`RENDERED`].
    rendered: Vec<Document>,
    /// Who imports what so far, by canonical path.
    edges: BTreeMap<String, Vec<String>>,
    found: BTreeMap<String, PackageFiles>,
    /// Packages that ship, parsed before they are asked for.
    ahead: BTreeMap<String, Vec<Shipped>>,
    /// What another thread does once it is known which packages of schemas are imported.
    pub(crate) read_ahead: Option<ReadAhead>,
}

/// A file of a package that ships: its name and text, and its tree where it has no errors.
struct Shipped {
    name: String,
    text: Arc<str>,
    tree: Option<Arc<tree::File>>,
}

impl Shipped {
    fn parse((name, text): (String, Arc<str>)) -> Shipped {
        let used = text.clone();
        Shipped::parse_part(Part { name, text, used })
    }

    fn parse_part(Part { name, text, used }: Part) -> Shipped {
        let parsed = syntax::parse(FileId(0), &used);
        // Places of errors need the file's id, which it gets when it is asked for.
        let tree = parsed.errors.is_empty().then(|| Arc::new(parsed.file));
        Shipped { name, text, tree }
    }
}

/// The files of a package that ships; none where there is no such package.
pub(super) fn shipped(path: &str) -> Vec<(String, Arc<str>)> {
    if !is_of_platform(path) {
        let files = holos_schemas::package(path).unwrap_or_default().into_iter();
        return files
            .map(|(file, text)| (format!("{path}/{file}"), Arc::from(&*text)))
            .collect();
    }
    let folder = path["platform".len()..].trim_start_matches('/');
    let all = holos_stdlib::platform_files().iter();
    all.filter(|(file, _)| file.rsplit_once('/').map_or("", |(folder, _)| folder) == folder)
        .map(|(file, text)| (format!("platform/{file}"), Arc::from(*text)))
        .collect()
}

/// Whether a path is that of a package of the platform library.
fn is_of_platform(path: &str) -> bool {
    path == "platform" || path.starts_with("platform/")
}

impl<'l, 'f> PackageImporter<'l, 'f> {
    pub(super) fn new(loader: &'l mut Loader<'f>, instance: &Instance) -> Self {
        let module = instance.module.clone();
        PackageImporter {
            loader,
            module,
            main: instance.package.files.clone(),
            rendered: instance.rendered.clone(),
            edges: BTreeMap::new(),
            found: BTreeMap::new(),
            ahead: BTreeMap::new(),
            read_ahead: None,
        }
    }

    /// Lets go of all trees, by another thread, while this one goes on.
    pub(crate) fn discard(self) {
        let trees = (self.found, self.ahead);
        rayon::spawn(move || drop(trees));
    }

    /// The packages that were imported.
    pub fn found(&self) -> impl Iterator<Item = &PackageFiles> {
        self.found.values()
    }

    /// The chain of imports that leads from `start` to `goal`, both included.
    fn chain(&self, start: &str, goal: &str) -> Option<Vec<String>> {
        let mut stack = vec![vec![start.to_string()]];
        let mut seen = BTreeSet::new();
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

    fn embedded(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        name: &str,
    ) -> Option<PackageFiles> {
        let files = match self.ahead.remove(path) {
            Some(files) => files,
            None => {
                let files = shipped(path);
                match files.len() {
                    0 | 1 => files.into_iter().map(Shipped::parse).collect(),
                    _ => files.into_par_iter().map(Shipped::parse).collect(),
                }
            }
        };
        let mut package = PackageFiles {
            path: canonical(path, name).into(),
            ..Default::default()
        };
        for Shipped { name, text, tree } in files {
            let file = sources.add(Source {
                name: name.into(),
                text: text.clone(),
                user: false,
            });
            let tree = tree.unwrap_or_else(|| {
                let parsed = syntax::parse(file, &text);
                package.errors.extend(parsed.errors);
                Arc::new(parsed.file)
            });
            if package.name.is_empty() {
                let clause = tree.package.as_ref().map(|ident| ident.name.clone());
                package.name = clause.unwrap_or_default();
            }
            package.files.push((file, tree));
        }
        self.parse_ahead(&package);
        if path == RENDERED {
            let files = self.rendered.iter().cloned().map(Document::into_file);
            package.files.extend(files);
        }
        (!package.files.is_empty()).then_some(package)
    }

    /// Parses what a package that ships imports: nearly always other packages that ship.
    fn parse_ahead(&mut self, package: &PackageFiles) {
        if self.loader.only_used && self.parse_used(package) {
            return;
        }
        let imports = package.files.iter().flat_map(|(_, tree)| &tree.imports);
        let paths: BTreeSet<&str> = imports.map(|import| split(&import.path).0).collect();
        let unknown = |path: &&str| {
            let module = self.module.as_ref();
            let own = module.is_some_and(|module| module.directory(path).is_some());
            !own && !self.found.contains_key(*path) && !self.ahead.contains_key(*path)
        };
        let paths: Vec<&str> = paths.into_iter().filter(unknown).collect();
        if paths.len() < 2 {
            return;
        }
        let parsed: Vec<(String, Vec<Shipped>)> = paths
            .into_par_iter()
            .map(|path| {
                let files = shipped(path).into_iter().map(Shipped::parse).collect();
                (path.to_owned(), files)
            })
            .collect();
        self.ahead
            .extend(parsed.into_iter().filter(|(_, files)| !files.is_empty()));
    }

    /// Parses, of all packages of schemas that the library refers to, what it or the main package refers to. False where
    /// some other package may refer to more.
    fn parse_used(&mut self, library: &PackageFiles) -> bool {
        if &*library.path != "platform" {
            return !self.ahead.is_empty();
        }
        let mut imports = self.main.iter().flat_map(|(_, tree)| &tree.imports);
        let ships = |path: &str| {
            let builtin = holos_stdlib::Standard.package(path).is_some();
            builtin || is_of_platform(path) || holos_schemas::paths().contains(&split(path).0)
        };
        let module = self.module.as_ref();
        let own = |path: &str| {
            module.is_some_and(|module| {
                let vendored = module.vendored(path);
                let files = self.loader.files;
                module.directory(path).is_some() || vendored.iter().any(|dir| files.is_dir(dir))
            })
        };
        if !imports.all(|import| ships(&import.path)) {
            return false;
        }
        let files = self.main.iter().chain(&library.files);
        let roots = files.map(|(_, tree)| &**tree);
        let known = |path: &str| is_of_platform(path) || self.found.contains_key(path);
        let parts = used::parts(roots, known);
        if parts.keys().any(|path| own(path)) {
            return false;
        }
        let parts: Vec<(String, Vec<Part>)> = parts.into_iter().collect();
        let parsed: Vec<(String, Vec<Shipped>)> = parts
            .into_par_iter()
            .map(|(path, parts)| {
                let files = parts.into_par_iter().map(Shipped::parse_part).collect();
                (path, files)
            })
            .collect();
        self.ahead.extend(parsed);
        if let Some(read_ahead) = self.read_ahead.take() {
            let paths: Vec<String> = self.ahead.keys().cloned().collect();
            rayon::spawn(move || read_ahead(paths));
        }
        true
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
pub(super) fn split(path: &str) -> (&str, &str) {
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
