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

/// Loads all imports of `main`, depth first, and compiles every package after those it imports.
pub(crate) fn load(
    sources: &mut SourceMap,
    main: PackageFiles,
    importer: &mut dyn Importer,
    builtins: &dyn Builtins,
) -> Loaded {
    let mut loader = Loader {
        sources,
        importer,
        builtins,
        program: Program::default(),
        imports: FxHashMap::default(),
        stack: Vec::new(),
        errors: Vec::new(),
    };
    loader.program.packages.push(Package {
        name: main.name.clone(),
        files: Vec::new(),
    });
    loader.package(0, &main, true);
    let Loader {
        sources,
        mut program,
        imports,
        errors,
        ..
    } = loader;
    program.user_files = sources.iter().map(|(_, source)| source.user).collect();
    Loaded {
        program,
        main,
        imports,
        errors,
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
    fn package(&mut self, index: u32, package: &PackageFiles, user: bool) {
        self.errors.extend(package.errors.iter().cloned());
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
        // Hidden fields belong to a package; files without a path share their name.
        let path: Arc<str> = if package.path.is_empty() {
            package.name.clone()
        } else {
            package.path.clone()
        };
        let compiler = Compiler::new(&mut self.program, self.builtins, &self.imports, path);
        let (files, errors) = compiler.package(&package.files);
        self.program.packages[index as usize].files = files;
        let _ = user;
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
                self.package(index, &files, false);
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
