//! From the files of one package to a program with everything it imports.

use super::compile::{Compiler, IMPORT_FAILED, Imported};
use super::program::{Package, Program};
use super::{Importer, PackageFiles};
use crate::diagnostic::{Diagnostic, Place, SourceMap};
use crate::value::builtin::Builtins;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A compiled program, the files of its main package, and what was wrong.
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) main: PackageFiles,
    pub(crate) imports: FxHashMap<Arc<str>, Imported>,
    pub(crate) errors: Vec<Diagnostic>,
}

/// Compiled packages that several main packages of one module import, each of them compiled once.
#[derive(Clone, Default)]
pub struct Library {
    program: Arc<Program>,
    imports: Arc<FxHashMap<Arc<str>, Imported>>,
}

/// A main package of which all imports are compiled. It can go to another thread to be compiled itself.
pub struct Prepared {
    library: Library,
    main: PackageFiles,
    errors: Vec<Diagnostic>,
    user_files: Vec<bool>,
    texts: Arc<[Arc<str>]>,
}

impl Library {
    /// Loads all imports of `main`, depth first, and compiles every package after those it imports.
    pub fn prepare(
        &mut self,
        sources: &mut SourceMap,
        main: PackageFiles,
        importer: &mut dyn Importer,
        builtins: &dyn Builtins,
    ) -> Prepared {
        let Library {
            mut program,
            mut imports,
        } = std::mem::take(self);
        let mut wanted = main.files.iter().flat_map(|(_, tree)| &tree.imports);
        let known = wanted.all(|import| imports.contains_key(&import.path));
        if !known || program.packages.is_empty() {
            let before = Library {
                program: program.clone(),
                imports: imports.clone(),
            };
            let mut loader = Loader {
                sources,
                importer,
                builtins,
                program: std::mem::take(Arc::make_mut(&mut program)),
                imports: std::mem::take(Arc::make_mut(&mut imports)),
                stack: Vec::new(),
                errors: Vec::new(),
            };
            if loader.program.packages.is_empty() {
                // The place of the main package.
                loader.program.packages.push(Package {
                    name: "".into(),
                    files: Vec::new(),
                });
            }
            loader.imports_of(&main);
            let errors = std::mem::take(&mut loader.errors);
            let made = Library {
                program: Arc::new(loader.program),
                imports: Arc::new(loader.imports),
            };
            // What was wrong with an import is to be said of each package that imports it.
            *self = if errors.is_empty() {
                made.clone()
            } else {
                before
            };
            return Prepared {
                library: made,
                errors: main.errors.iter().cloned().chain(errors).collect(),
                main,
                user_files: sources.iter().map(|(_, source)| source.user).collect(),
                texts: texts(sources),
            };
        }
        *self = Library { program, imports };
        Prepared {
            library: self.clone(),
            errors: main.errors.clone(),
            main,
            user_files: sources.iter().map(|(_, source)| source.user).collect(),
            texts: texts(sources),
        }
    }
}

fn texts(sources: &SourceMap) -> Arc<[Arc<str>]> {
    let texts = sources.iter().map(|(_, source)| source.text.clone());
    texts.collect()
}

impl Prepared {
    /// Compiles the main package.
    pub(crate) fn compile(self, builtins: &dyn Builtins) -> Loaded {
        let Library { program, imports } = self.library;
        let mut program = Arc::unwrap_or_clone(program);
        let imports = Arc::unwrap_or_clone(imports);
        let mut errors = self.errors;
        program.packages[0].name = self.main.name.clone();
        program.user_files = self.user_files;
        program.texts = self.texts;
        let compiler = Compiler::new(&mut program, builtins, &imports, own_path(&self.main));
        let (files, found) = compiler.package(&self.main.files);
        program.packages[0].files = files;
        errors.extend(found);
        Loaded {
            program,
            main: self.main,
            imports,
            errors,
        }
    }
}

/// Hidden fields belong to a package; files without a path share their name.
fn own_path(package: &PackageFiles) -> Arc<str> {
    if package.path.is_empty() {
        package.name.clone()
    } else {
        package.path.clone()
    }
}

struct Loader<'l> {
    sources: &'l mut SourceMap,
    importer: &'l mut dyn Importer,
    builtins: &'l dyn Builtins,
    program: Program,
    imports: FxHashMap<Arc<str>, Imported>,
    /// Packages being loaded, outermost first.
    stack: Vec<Arc<str>>,
    errors: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn imports_of(&mut self, package: &PackageFiles) {
        self.stack.push(package.path.clone());
        for (file, tree) in &package.files {
            for import in &tree.imports {
                let place = Place {
                    file: *file,
                    span: import.path_span,
                };
                self.import(&import.path, &package.path, place);
            }
        }
        self.stack.pop();
    }

    fn package(&mut self, index: u32, package: &PackageFiles) {
        self.errors.extend(package.errors.iter().cloned());
        self.imports_of(package);
        let path = own_path(package);
        let compiler = Compiler::new(&mut self.program, self.builtins, &self.imports, path);
        let (files, errors) = compiler.package(&package.files);
        self.program.packages[index as usize].files = files;
        self.errors.extend(errors);
    }

    fn import(&mut self, path: &Arc<str>, from: &str, place: Place) {
        if self
            .stack
            .iter()
            .any(|outer| outer == path && !path.is_empty())
        {
            let mut chain: Vec<&str> = self.stack.iter().map(|p| &**p).collect();
            chain.retain(|p| !p.is_empty());
            chain.push(path);
            self.errors.push(
                Diagnostic::error(
                    IMPORT_FAILED,
                    format!("import cycle: {}", chain.join(" → ")),
                )
                .label(place, "this import closes the cycle"),
            );
            self.imports.entry(path.clone()).or_insert(Imported::Failed);
            return;
        }
        if self.imports.contains_key(path) {
            return;
        }
        if let Some(package) = self.builtins.package(path) {
            self.imports
                .insert(path.clone(), Imported::Builtin(package));
            return;
        }
        match self.importer.import(self.sources, path, from) {
            Ok(files) => {
                self.program.packages.push(Package {
                    name: files.name.clone(),
                    files: Vec::new(),
                });
                let index = (self.program.packages.len() - 1) as u32;
                self.imports.insert(path.clone(), Imported::Package(index));
                self.package(index, &files);
            }
            Err(error) => {
                self.imports.insert(path.clone(), Imported::Failed);
                let mut diagnostic = Diagnostic::error(
                    IMPORT_FAILED,
                    format!("cannot import `{path}`: {}", error.message),
                )
                .label(place, error.message.clone());
                diagnostic.help = error.help;
                if let Some(near) = crate::diagnostic::nearest(path, self.builtins.paths())
                    && diagnostic.help.is_empty()
                {
                    diagnostic.help.push(format!("did you mean `{near}`?"));
                }
                self.errors.push(diagnostic);
            }
        }
    }
}
