//! From arguments to packages: which files belong together, and where imports come from.
//!
//! The rules are CUE's: files named together are one package; a directory's files with the same package
//! clause are one package, together with the files of that package in the directories above, up to the module's
//! root. Imports are found in the module, in `pkg`, `gen` and `usr` of its mark folder, in the embedded platform
//! library, and among the embedded schemas, in that order.

mod ahead;
mod embed;
mod import;
pub mod inputs;
pub mod module;
pub(crate) mod placement;
mod used;

use crate::args::{Inputs, Placing};
use crate::files::{Files, utf8};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Severity, Source, SourceMap};
use holos_lang::resolve::PackageFiles;
use holos_lang::resolve::tags::Tags;
use holos_lang::syntax::{self, tree};
use holos_stdlib::builtin::time::timestamp;
use holos_stdlib::encoding;
pub use import::PackageImporter;
pub(crate) use import::ReadAhead;
use inputs::{Input, Kind, PackagePlace, Pattern};
use module::Module;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A package to evaluate.
#[derive(Clone, Debug)]
pub struct Instance {
    /// How a person would name it: a directory, or the first file.
    pub name: String,
    pub package: PackageFiles,
    /// The module its imports are looked up in.
    pub module: Option<Module>,
    /// Data files named beside it, a document each.
    pub data: Vec<Document>,
    /// What other programs rendered for it: files of the library's package `platform/rendered`.
    pub rendered: Vec<Document>,
}

/// A document of a data file.
#[derive(Clone, Debug)]
pub struct Document {
    pub file: FileId,
    pub expr: tree::Expr,
}

impl Instance {
    /// The instance with each of its documents by itself.
    pub fn apart(self) -> Vec<Instance> {
        if self.data.len() < 2 {
            return vec![self];
        }
        let with = |document: &Document| Instance {
            data: vec![document.clone()],
            ..self.clone()
        };
        self.data.iter().map(with).collect()
    }

    /// Makes the data files part of the package: they are unified with it.
    pub fn merge_data(&mut self) {
        let files = self.data.drain(..).map(Document::into_file);
        self.package.files.extend(files);
    }
}

impl Document {
    /// As a file of a package.
    fn into_file(self) -> (FileId, Arc<tree::File>) {
        let span = self.expr.span();
        let decls = match self.expr {
            tree::Expr::Struct(literal) => literal.decls,
            other => vec![tree::Decl::Embed(other)],
        };
        let file = tree::File {
            decls,
            span,
            ..Default::default()
        };
        (self.file, Arc::new(file))
    }
}

/// Reads files and groups them to packages. One loader goes with one [`SourceMap`].
pub struct Loader<'f> {
    files: &'f Files,
    tags: Tags,
    placing: Placing,
    /// The tags that loaded files declare.
    known_tags: Vec<String>,
    parsed: BTreeMap<PathBuf, ReadFile>,
    ahead: ahead::Ahead,
    /// Whether of the packages that ship only what is used is read.
    only_used: bool,
}

/// A file that was read: its tree and what was wrong, or why it could not be.
type ReadFile = Result<ParsedFile, Diagnostic>;

/// A file, its tree, and what was wrong with its text.
type ParsedFile = (FileId, Arc<tree::File>, Vec<Diagnostic>);

impl<'f> Loader<'f> {
    /// A loader for one run.
    pub fn new(files: &'f Files) -> Loader<'f> {
        Loader {
            files,
            tags: Tags::default(),
            placing: Placing::default(),
            known_tags: Vec::new(),
            parsed: BTreeMap::new(),
            ahead: ahead::Ahead::default(),
            only_used: false,
        }
    }

    /// Has only what is used of the packages of schemas that ship read: for who asks nothing of a package but what it says
    /// itself.
    pub fn read_only_used(&mut self) {
        self.only_used = true;
    }

    /// Loads what the arguments name.
    ///
    /// # Errors
    /// What keeps the call from having a meaning. What is wrong within files is in [`PackageFiles::errors`].
    pub fn load(
        &mut self,
        sources: &mut SourceMap,
        args: &Inputs,
    ) -> Result<Vec<Instance>, Vec<Diagnostic>> {
        self.set_tags(args);
        let instances = self.found(sources, args)?;
        let unused = self.tags.unused(&self.known_tags);
        if unused.is_empty() {
            Ok(instances)
        } else {
            Err(unused)
        }
    }

    fn set_tags(&mut self, args: &Inputs) {
        self.tags = Tags::parse(&args.tags);
        self.placing = args.placing.clone();
        if args.tag_variables {
            self.tags.variables = system_variables(self.files);
        }
    }

    fn found(
        &mut self,
        sources: &mut SourceMap,
        args: &Inputs,
    ) -> Result<Vec<Instance>, Vec<Diagnostic>> {
        let inputs = inputs::parse(self.files, &args.inputs).map_err(|e| vec![e])?;
        let mut instances = Vec::new();
        let mut loose = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            match input {
                Input::Packages(pattern) => {
                    match self.packages(sources, &pattern, args.package.as_deref()) {
                        Ok(found) => instances.extend(found),
                        Err(mut found) => errors.append(&mut found),
                    }
                }
                other => loose.push(other),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if !loose.is_empty() {
            let mut made = self.loose(sources, loose, args.package.as_deref())?;
            // Data files beside one package belong to it.
            match &mut instances[..] {
                [only] if made.package.files.is_empty() => only.data.append(&mut made.data),
                _ => instances.insert(0, made),
            }
        }
        Ok(instances)
    }

    /// Loads one component of a platform: the package in its directory, with the tags that the platform gives it. It need
    /// not have those that are given to all components, but must have its own parameters.
    ///
    /// # Errors
    /// As [`Loader::load`].
    pub fn load_component(
        &mut self,
        sources: &mut SourceMap,
        args: &Inputs,
        parameters: &[String],
    ) -> Result<Vec<Instance>, Vec<Diagnostic>> {
        self.set_tags(args);
        self.known_tags.clear();
        let instances = self.found(sources, args)?;
        let unused = self.tags.unused_of(parameters, &self.known_tags);
        if unused.is_empty() {
            Ok(instances)
        } else {
            Err(unused)
        }
    }

    /// What finds the imports of an instance.
    pub fn importer(&mut self, instance: &Instance) -> PackageImporter<'_, 'f> {
        PackageImporter::new(self, instance)
    }

    /// Files and standard input, as one package.
    fn loose(
        &mut self,
        sources: &mut SourceMap,
        inputs: Vec<Input>,
        package: Option<&str>,
    ) -> Result<Instance, Vec<Diagnostic>> {
        let mut made = Instance {
            name: String::new(),
            package: PackageFiles::default(),
            module: None,
            data: Vec::new(),
            rendered: Vec::new(),
        };
        let mut errors = Vec::new();
        let mut left_out = Vec::new();
        let paths = inputs.iter().filter_map(|input| match input {
            Input::File(path, Kind::Source) => Some(path.clone()),
            _ => None,
        });
        self.parse_ahead(paths.collect());
        let (module, found) = Module::find(self.files, sources, &self.files.cwd);
        made.package.errors.extend(found);
        made.module = module;
        for input in inputs {
            let name = match &input {
                Input::File(path, _) => self.files.display(path),
                _ => "-".to_string(),
            };
            if made.name.is_empty() {
                made.name = name.clone();
            }
            if let Input::File(path, Kind::Source) = &input
                && is_test(path)
            {
                let message = format!("`{name}` is left out: a `_test` file is in no package");
                left_out.push(Diagnostic::warning(Code(907), message));
                continue;
            }
            if let Err(found) = self.loose_file(sources, &mut made, &input, &name) {
                errors.extend(found);
            }
        }
        if made.package.files.is_empty() && made.data.is_empty() && !left_out.is_empty() {
            for warning in &mut left_out {
                warning.severity = Severity::Error;
            }
            errors.append(&mut left_out);
        }
        made.package.errors.append(&mut left_out);
        let clauses = made
            .package
            .files
            .iter()
            .filter_map(|(_, file)| file.package.as_ref());
        if let Some(clause) = clauses.map(|ident| ident.name.clone()).next() {
            made.package.name = clause;
        }
        for (_, file) in &made.package.files {
            if let Some(other) = file
                .package
                .as_ref()
                .filter(|ident| ident.name != made.package.name)
            {
                let message = format!(
                    "files of two packages are named together: `{}` and `{}`",
                    made.package.name, other.name
                );
                errors.push(
                    Diagnostic::error(Code(907), message)
                        .help("name the files of one package, or a directory"),
                );
                break;
            }
        }
        if let Some(package) = package.filter(|_| made.package.name.is_empty()) {
            made.package.name = package.into();
        }
        if errors.is_empty() {
            Ok(made)
        } else {
            Err(errors)
        }
    }

    fn loose_file(
        &mut self,
        sources: &mut SourceMap,
        made: &mut Instance,
        input: &Input,
        name: &str,
    ) -> Result<(), Vec<Diagnostic>> {
        match input {
            Input::File(path, Kind::Source) => {
                let (file, tree, found) = self.parse(sources, path, true).map_err(|e| vec![e])?;
                self.add(&mut made.package, path.parent(), file, tree, found, sources);
            }
            Input::Stdin(Kind::Source) => {
                let text = utf8(stdin().map_err(|e| vec![e])?, "-").map_err(|e| vec![e])?;
                let file = sources.add(Source {
                    name: "-".into(),
                    text: text.clone(),
                    user: true,
                });
                let parsed = syntax::parse(file, &text);
                let cwd = self.files.cwd.clone();
                self.add(
                    &mut made.package,
                    Some(&cwd),
                    file,
                    Arc::new(parsed.file),
                    parsed.errors,
                    sources,
                );
            }
            Input::File(_, kind) | Input::Stdin(kind) => {
                let bytes = match input {
                    Input::File(path, _) => self.files.bytes(path),
                    _ => stdin(),
                };
                let (documents, mut found) =
                    decode(sources, name, *kind, bytes.map_err(|e| vec![e])?, true)
                        .map_err(|e| vec![e])?;
                let filename = match input {
                    Input::File(path, _) => path.display().to_string(),
                    _ => name.to_string(),
                };
                let placed = placement::place(sources, &self.placing, &filename, documents)?;
                made.data.extend(placed);
                made.package.errors.append(&mut found);
            }
            Input::Packages(_) => {}
        }
        Ok(())
    }

    /// Adds a parsed file to a package of the user's, with its tags injected and its files embedded.
    fn add(
        &mut self,
        package: &mut PackageFiles,
        dir: Option<&Path>,
        file: FileId,
        mut tree: Arc<tree::File>,
        mut found: Vec<Diagnostic>,
        sources: &mut SourceMap,
    ) {
        package.errors.append(&mut found);
        package
            .errors
            .extend(self.tags.inject(file, &mut tree, &mut self.known_tags));
        if let Some(dir) = dir {
            package
                .errors
                .extend(embed::embed(self.files, sources, dir, file, &mut tree));
        }
        package.files.push((file, tree));
    }

    /// The packages a pattern names.
    fn packages(
        &mut self,
        sources: &mut SourceMap,
        pattern: &Pattern,
        package: Option<&str>,
    ) -> Result<Vec<Instance>, Vec<Diagnostic>> {
        let (start, module, errors) = match &pattern.place {
            PackagePlace::Directory(dir) => {
                let (module, errors) = Module::find(self.files, sources, dir);
                (dir.clone(), module, errors)
            }
            PackagePlace::ImportPath(path) => {
                let (module, errors) = Module::find(self.files, sources, &self.files.cwd.clone());
                let Some(dir) = module.as_ref().and_then(|module| module.directory(path)) else {
                    return Err(vec![self.no_package(path, module.as_ref())]);
                };
                (dir, module, errors)
            }
        };
        if !self.files.is_dir(&start) {
            return Err(vec![self.no_directory(&start, &pattern.spelt)]);
        }
        let mut directories = Vec::new();
        if pattern.below {
            below(self.files, &start, &mut directories, 0);
        } else {
            directories.push(start);
        }
        if pattern.below {
            let paths = directories.iter().flat_map(|dir| self.candidates(dir));
            let paths = paths.collect();
            self.parse_ahead(paths);
        }
        let wanted = pattern.name.as_deref().or(package);
        let mut instances = Vec::new();
        for dir in directories {
            match self.directory(sources, &dir, wanted, module.as_ref(), pattern.below) {
                Ok(found) => instances.extend(found),
                Err(error) => return Err(vec![error]),
            }
        }
        if instances.is_empty() {
            let message = format!("`{}` matches no package", pattern.spelt);
            return Err(vec![Diagnostic::error(Code(907), message)]);
        }
        if let Some(first) = instances.first_mut() {
            first.package.errors.splice(0..0, errors);
        }
        Ok(instances)
    }

    fn no_directory(&self, dir: &Path, spelt: &str) -> Diagnostic {
        let error = Diagnostic::error(
            Code(902),
            format!("there is no package `{spelt}`: no such directory"),
        );
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return error;
        };
        let names: Vec<String> = self.files.list(parent).unwrap_or_default();
        let names = names
            .iter()
            .filter(|name| self.files.is_dir(&parent.join(name)));
        match holos_lang::diagnostic::nearest(&name.to_string_lossy(), names.map(String::as_str)) {
            Some(near) => error.help(format!(
                "did you mean `./{}`?",
                self.files.display(&parent.join(near))
            )),
            None => error,
        }
    }

    fn no_package(&self, path: &str, module: Option<&Module>) -> Diagnostic {
        let error = Diagnostic::error(
            Code(902),
            format!("there is no file, directory or package `{path}`"),
        );
        let names = self.files.list(&self.files.cwd).unwrap_or_default();
        let error = match holos_lang::diagnostic::nearest(path, names.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `./{near}`?")),
            None => error,
        };
        match module {
            Some(module) if !module.path.is_empty() => {
                error.note(format!("this module is `{}`", module.path))
            }
            _ => error,
        }
    }

    /// The package in one directory; `quiet` makes a directory without one fine.
    fn directory(
        &mut self,
        sources: &mut SourceMap,
        dir: &Path,
        wanted: Option<&str>,
        module: Option<&Module>,
        quiet: bool,
    ) -> Result<Option<Instance>, Diagnostic> {
        let shown = self.files.display(dir);
        let listed = self.sources_in(sources, dir, true)?;
        let anonymous = wanted == Some("_");
        let mut names: Vec<(Arc<str>, FileId)> = Vec::new();
        for (file, tree, _) in &listed {
            let name: Arc<str> = tree
                .package
                .as_ref()
                .map_or("".into(), |ident| ident.name.clone());
            if (anonymous || !name.is_empty() && &*name != "_")
                && !names.iter().any(|(known, _)| *known == name)
            {
                names.push((name, *file));
            }
        }
        let chosen = match (wanted, &names[..]) {
            (Some("_"), _) => Arc::from(""),
            (Some(name), _) if names.iter().any(|(known, _)| **known == *name) => name.into(),
            (None, [(only, _)]) => only.clone(),
            _ if quiet && (wanted.is_some() || names.is_empty()) => return Ok(None),
            (Some(name), _) => {
                let error =
                    Diagnostic::error(Code(907), format!("`{shown}` has no package `{name}`"));
                let known = names.iter().map(|(name, _)| &**name);
                return Err(match holos_lang::diagnostic::nearest(name, known) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                });
            }
            (None, []) if listed.is_empty() => {
                return Err(Diagnostic::error(
                    Code(907),
                    format!("`{shown}` has no .holos or .cue files"),
                ));
            }
            (None, []) => {
                return Err(Diagnostic::error(
                    Code(907),
                    format!("no file in `{shown}` has a package clause"),
                )
                .help("begin each with `package NAME`, or name the files themselves"));
            }
            (None, [(a, _), (b, _), ..]) => {
                let list: Vec<String> = names
                    .iter()
                    .map(|(name, file)| format!("`{name}` in {}", sources.get(*file).name))
                    .collect();
                return Err(Diagnostic::error(
                    Code(907),
                    format!("`{shown}` has several packages: {}", list.join(", ")),
                )
                .help(format!(
                    "choose one: `{}:{a}` or `{}:{b}`",
                    dotted(&shown),
                    dotted(&shown)
                )));
            }
        };
        let path = module
            .and_then(|module| module.import_path(dir))
            .map_or(String::new(), |path| import::canonical(&path, &chosen));
        let mut package = PackageFiles {
            path: path.into(),
            name: chosen.clone(),
            ..Default::default()
        };
        self.gather(sources, &mut package, dir, module, true)?;
        Ok(Some(Instance {
            name: shown,
            package,
            module: module.cloned(),
            data: Vec::new(),
            rendered: Vec::new(),
        }))
    }

    /// Adds the files of the package in `dir` and in the directories above it, the module's root first.
    fn gather(
        &mut self,
        sources: &mut SourceMap,
        package: &mut PackageFiles,
        dir: &Path,
        module: Option<&Module>,
        user: bool,
    ) -> Result<(), Diagnostic> {
        let within =
            module.filter(|module| !package.name.is_empty() && dir.starts_with(&module.root));
        let mut directories: Vec<PathBuf> = match within {
            Some(module) => dir
                .ancestors()
                .take_while(|d| d.starts_with(&module.root))
                .map(Path::to_path_buf)
                .collect(),
            None => vec![dir.to_path_buf()],
        };
        directories.reverse();
        for dir in directories {
            for (file, tree, found) in self.sources_in(sources, &dir, user)? {
                let name = tree.package.as_ref().map_or("", |ident| &*ident.name);
                if name == &*package.name {
                    if user {
                        self.add(package, Some(&dir), file, tree, found, sources);
                    } else {
                        let mut tree = tree;
                        package.errors.extend(found);
                        package
                            .errors
                            .extend(embed::embed(self.files, sources, &dir, file, &mut tree));
                        package.files.push((file, tree));
                    }
                } else if name.is_empty() && tree.decls.is_empty() {
                    // A file that cannot be read has no clause either; what is wrong with it is said.
                    package.errors.extend(found);
                }
            }
        }
        Ok(())
    }

    /// The source files in a directory that `@if`, `@ignore` and their names leave in.
    fn sources_in(
        &mut self,
        sources: &mut SourceMap,
        dir: &Path,
        user: bool,
    ) -> Result<Vec<ParsedFile>, Diagnostic> {
        let names = self.files.list(dir).map_err(|e| {
            let message = format!(
                "cannot read `{}`: {}",
                self.files.display(dir),
                crate::files::plain(&e)
            );
            Diagnostic::error(Code(901), message)
        })?;
        let mut out = Vec::new();
        let paths: Vec<PathBuf> = candidates_of(dir, &names).collect();
        self.parse_ahead(paths.clone());
        for path in paths {
            if !self.files.is_file(&path) {
                continue;
            }
            let (file, tree, found) = match self.parse(sources, &path, user) {
                Ok(read) => read,
                Err(error) => {
                    // Not this file's turn to stop the others: an empty file carries the message.
                    let source = Source {
                        name: self.files.display(&path).as_str().into(),
                        text: "".into(),
                        user,
                    };
                    (sources.add(source), Arc::default(), vec![error])
                }
            };
            match self.tags.includes(file, &tree) {
                Ok(true) => out.push((file, tree, found)),
                Ok(false) => {}
                Err(error) => out.push((file, tree, vec![error])),
            }
        }
        Ok(out)
    }

    /// The files in a directory that may be part of a package, by their names.
    fn candidates(&self, dir: &Path) -> Vec<PathBuf> {
        let names = self.files.list(dir).unwrap_or_default();
        candidates_of(dir, &names).collect()
    }

    /// Has files read and parsed by several threads, where that is worth it.
    fn parse_ahead(&mut self, mut paths: Vec<PathBuf>) {
        paths.retain(|path| !self.parsed.contains_key(path));
        self.ahead.parse(self.files, paths);
    }

    /// Lets go of the trees of files; those that are asked for again are read again.
    pub fn forget_trees(&mut self) {
        self.parsed.clear();
    }

    /// A file's tree; a file is read once.
    fn parse(&mut self, sources: &mut SourceMap, path: &Path, user: bool) -> ReadFile {
        if let Some(known) = self.parsed.get(path) {
            return known.clone();
        }
        let ahead = self.ahead.take(path);
        let text = match &ahead {
            Some((text, _)) => Ok(text.clone()),
            None => self.files.text(path),
        };
        let read = text.map(|text| {
            let name = self.files.display(path);
            let file = sources.add(Source {
                name: name.as_str().into(),
                text: text.clone(),
                user,
            });
            match ahead {
                Some((_, tree)) => (file, tree, Vec::new()),
                None => {
                    let parsed = syntax::parse(file, &text);
                    (file, Arc::new(parsed.file), parsed.errors)
                }
            }
        });
        self.parsed.insert(path.to_path_buf(), read.clone());
        read
    }
}

/// Reads the bytes of a data file.
///
/// # Errors
/// Where they are not UTF-8. What else is wrong comes beside the documents.
pub fn decode(
    sources: &mut SourceMap,
    name: &str,
    kind: Kind,
    bytes: Vec<u8>,
    user: bool,
) -> Result<(Vec<Document>, Vec<Diagnostic>), Diagnostic> {
    let format = match kind {
        Kind::Data(format) => format,
        Kind::Binary => {
            let file = sources.add(Source {
                name: name.into(),
                text: "".into(),
                user,
            });
            let expr = tree::Expr::Bytes(bytes.into(), Default::default());
            return Ok((vec![Document { file, expr }], Vec::new()));
        }
        Kind::Source => {
            let text = utf8(bytes, name)?;
            let file = sources.add(Source {
                name: name.into(),
                text: text.clone(),
                user,
            });
            let parsed = syntax::parse(file, &text);
            let literal = tree::StructLit {
                decls: parsed.file.decls,
                braces: true,
                span: parsed.file.span,
            };
            return Ok((
                vec![Document {
                    file,
                    expr: tree::Expr::Struct(literal),
                }],
                parsed.errors,
            ));
        }
    };
    let text = utf8(bytes, name)?;
    let file = sources.add(Source {
        name: name.into(),
        text: text.clone(),
        user,
    });
    let read = encoding::read(format, file, &text);
    Ok((
        read.documents
            .into_iter()
            .map(|expr| Document { file, expr })
            .collect(),
        read.errors,
    ))
}

/// Whether any of them is an error.
pub fn fatal(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

fn stdin() -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| {
            Diagnostic::error(
                Code(901),
                format!("cannot read standard input: {}", crate::files::plain(&e)),
            )
        })?;
    Ok(bytes)
}

/// The directories at and below `dir` that may hold packages, sorted.
fn below(files: &Files, dir: &Path, out: &mut Vec<PathBuf>, depth: usize) {
    // Deeper than people nest directories; links that lead up end here.
    const DEEPEST: usize = 64;
    out.push(dir.to_path_buf());
    for name in files.list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        let hidden =
            name.starts_with(['.', '_']) || matches!(&*name, "cue.mod" | "holos.mod" | "testdata");
        let link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        let other_module = ["cue.mod", "holos.mod"]
            .iter()
            .any(|mark| path.join(mark).is_dir());
        if depth < DEEPEST && !hidden && !link && !other_module && files.is_dir(&path) {
            below(files, &path, out, depth + 1);
        }
    }
}

fn dotted(path: &str) -> String {
    if path.starts_with(['.', '/']) {
        path.to_string()
    } else {
        format!("./{path}")
    }
}

/// The variables that `@tag(…, var=…)` may ask for, as `-T` offers them.
fn system_variables(files: &Files) -> Vec<(String, String)> {
    let env = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .unwrap_or_default()
    };
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap_or_else(|_| env(&["HOSTNAME", "COMPUTERNAME"]));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    // Programs written for CUE expect Go's names.
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    vec![
        ("now".into(), timestamp(now)),
        ("os".into(), os.into()),
        ("arch".into(), arch.into()),
        ("cwd".into(), files.cwd.display().to_string()),
        ("username".into(), env(&["USER", "LOGNAME", "USERNAME"])),
        ("hostname".into(), hostname.trim().into()),
        (
            "rand".into(),
            format!("0x{:x}{:08x}", now.as_nanos(), std::process::id()),
        ),
    ]
}

fn candidates_of(dir: &Path, names: &[String]) -> impl Iterator<Item = PathBuf> {
    names.iter().filter_map(move |name| {
        let (stem, "holos" | "cue") = name.rsplit_once('.')? else {
            return None;
        };
        let path = dir.join(name);
        let out = name.starts_with(['_', '.']) || stem.ends_with("_tool") || is_test(&path);
        (!out).then_some(path)
    })
}

/// Whether a file is left out by its name, `…_test.cue`, as CUE leaves it out.
fn is_test(path: &Path) -> bool {
    path.file_stem()
        .is_some_and(|stem| stem.to_string_lossy().ends_with("_test"))
}
