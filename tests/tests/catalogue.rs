//! The examples of the catalogue: where one is a program, the wrong one has its code, and the mended one has not.

use holos_lang::diagnostic::catalogue::ENTRIES;
use holos_lang::diagnostic::{Source, SourceMap};
use holos_lang::eval::{Evaluation, Strictness};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use std::collections::BTreeSet;
use std::sync::Arc;

struct Nothing;

impl Importer for Nothing {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is nowhere".into(),
            help: Vec::new(),
        })
    }
}

/// The codes of a program of one file.
fn codes(text: &str) -> BTreeSet<u16> {
    let mut sources = SourceMap::default();
    let file = sources.add(Source {
        name: "example.holos".into(),
        text: text.into(),
        user: true,
    });
    let parsed = holos_lang::syntax::parse(file, text);
    let mut package = PackageFiles {
        errors: parsed.errors,
        ..Default::default()
    };
    package.files.push((file, Arc::new(parsed.file)));
    let (mut evaluation, mut found) =
        Evaluation::new(&mut sources, package, &mut Nothing, &holos_stdlib::Standard);
    if found.is_empty() {
        let root = evaluation.root();
        found = evaluation.errors(root, Strictness::Concrete);
        found.extend(evaluation.data(root).err().unwrap_or_default());
        found.extend(evaluation.lint());
    }
    found.iter().map(|diagnostic| diagnostic.code.0).collect()
}

#[test]
fn examples_have_their_codes() {
    // Examples that are words, not programs.
    let words = [19, 20, 21];
    let programs = ENTRIES
        .iter()
        .filter(|entry| entry.code.0 < 400 && !words.contains(&entry.code.0));
    let mut wrong = Vec::new();
    for entry in programs {
        let code = entry.code.0;
        let found = codes(entry.wrong);
        if !found.contains(&code) {
            wrong.push(format!(
                "{}: the wrong example has {found:?}:\n{}",
                entry.code, entry.wrong
            ));
        }
        let found = codes(entry.mend);
        if found.contains(&code) {
            wrong.push(format!(
                "{}: the mended example has it too:\n{}",
                entry.code, entry.mend
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
