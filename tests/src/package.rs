//! A package of one file, with all that the command line gives it.

use holos_lang::diagnostic::SourceMap;
use holos_lang::eval::Evaluation;
use holos_stdlib::Standard;
use holosc::args::Inputs;
use holosc::files::Files;
use holosc::load::Loader;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Evaluates the one file of a package.
///
/// # Panics
/// If it cannot be loaded or compiled.
pub fn with<T>(text: &str, work: impl FnOnce(&mut Evaluation<'_>) -> T) -> T {
    let cwd = PathBuf::from("/package");
    let overlay = BTreeMap::from([(cwd.join("case.holos"), text.into())]);
    let files = Files { cwd, overlay };
    let mut sources = SourceMap::default();
    let mut loader = Loader::new(&files);
    let inputs = Inputs {
        inputs: vec!["case.holos".into()],
        ..Inputs::default()
    };
    let instance = loader.load(&mut sources, &inputs).unwrap().remove(0);
    let mut importer = loader.importer(&instance);
    let package = instance.package.clone();
    let (mut evaluation, errors) = Evaluation::new(&mut sources, package, &mut importer, &Standard);
    assert_eq!(errors, []);
    work(&mut evaluation)
}
