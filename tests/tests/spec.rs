//! The chapters of `spec/`: what they say of an example is what the evaluator does.
//!
//! In a block marked `holos values`, a comment `// → OUTCOME` on the last line of a field of the file says what
//! becomes of that field; `spec/README.md` has the notation. The table of diagnostics is made from the catalogue;
//! with `UPDATE_SUITES=1` in the environment it is written anew.

use holos_lang::diagnostic::catalogue::ENTRIES;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source, SourceMap};
use holos_lang::eval::{Evaluation, Selector, Strictness, View};
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::tree::{Decl, Expr, Field, File, Label};
use holos_lang::syntax::{parse, parse_expr, print};
use holos_stdlib::Standard;
use holos_tests::conformance::txtar::Archive;
use holos_tests::transcript::transcript;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn chapters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec")
}

#[test]
fn examples_come_out_as_the_chapters_say() -> std::io::Result<()> {
    let mut report = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(chapters())? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        for block in text.split("\n```holos values\n").skip(1) {
            let code = block.split("\n```").next().unwrap_or_default();
            for (field, expected, got) in outcomes(code) {
                count += 1;
                if expected != got {
                    let chapter = path.display();
                    report.push_str(&format!(
                        "{chapter}: {field} is said to be {expected}, but is {got}, in\n{code}\n\n"
                    ));
                }
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
    assert!(count > 0, "no example has an outcome");
    Ok(())
}

struct Nothing;

impl Importer for Nothing {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is nowhere".into(),
            help: Vec::new(),
        })
    }
}

/// Each field that the text says something of: its name, what is said, and what is so.
fn outcomes(code: &str) -> Vec<(String, String, String)> {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: "example.holos".into(),
        text: code.into(),
        user: true,
    });
    let parsed = parse(id, code);
    let file = Arc::new(parsed.file);
    let package = PackageFiles {
        files: vec![(id, file.clone())],
        errors: parsed.errors,
        ..PackageFiles::default()
    };
    let (mut evaluation, found) = Evaluation::new(&mut sources, package, &mut Nothing, &Standard);
    let mut outcomes = Vec::new();
    for decl in &file.decls {
        let Decl::Field(field) = decl else { continue };
        let (Some(said), Some((name, selector))) = (said(code, field), name(field)) else {
            continue;
        };
        let root = evaluation.root();
        let got = if found.is_empty() {
            match evaluation.lookup(root, &[selector]) {
                Some(node) => {
                    let errors = evaluation.errors(node, Strictness::Final);
                    let incomplete = said == "incomplete"
                        && !evaluation.errors(node, Strictness::Concrete).is_empty();
                    match () {
                        () if !errors.is_empty() => listed(&errors, said),
                        () if incomplete => said.into(),
                        () => text(evaluation.tree(node, VIEW)),
                    }
                }
                None => "nothing".into(),
            }
        } else {
            listed(&found, said)
        };
        let is_error = said.starts_with('E') && said[1..].starts_with(|c: char| c.is_ascii_digit());
        let expected = match is_error || said == "incomplete" {
            true => said.into(),
            false => text(parse_expr(FileId(0), said).0),
        };
        outcomes.push((name, expected, got));
    }
    outcomes
}

const VIEW: View = View {
    hidden: false,
    definitions: true,
    optional: false,
    patterns: false,
    attributes: false,
    defaults: true,
    concrete: false,
};

/// The comment behind a field.
fn said<'c>(code: &'c str, field: &Field) -> Option<&'c str> {
    let line = code[field.span.end as usize..].lines().next()?;
    Some(line.split_once("// → ")?.1.trim())
}

fn name(field: &Field) -> Option<(String, Selector)> {
    match &field.label {
        Label::Ident(ident) if ident.name.starts_with(['_', '#']) => Some((
            ident.name.to_string(),
            Selector::Special(ident.name.to_string()),
        )),
        Label::Ident(ident) => Some((
            ident.name.to_string(),
            Selector::Field(ident.name.to_string()),
        )),
        Label::String { value, .. } => {
            Some((value.to_string(), Selector::Field(value.to_string())))
        }
        _ => None,
    }
}

/// Errors in the words of the notation: the first one's code; with the paths where paths are expected.
fn listed(errors: &[Diagnostic], said: &str) -> String {
    let code = errors[0].code;
    if !said.contains(" at ") {
        return code.to_string();
    }
    let mut paths: Vec<&str> = errors
        .iter()
        .filter(|error| error.code == code)
        .map(|error| &*error.path)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    format!("{code} at {}", paths.join(", "))
}

fn text(expr: Expr) -> String {
    let file = File {
        decls: vec![Decl::Embed(expr)],
        ..File::default()
    };
    print(&file).trim().replace("\n", " ").replace("\t", "")
}

/// Blocks marked `console` are archives with a transcript; with `UPDATE_SUITES=1` they are written anew.
#[test]
fn transcripts_come_out_as_the_chapters_say() -> std::io::Result<()> {
    const BEGIN: &str = "\n```console\n";
    const END: &str = "\n```\n";
    let binary = Path::new(env!("CARGO_BIN_EXE_holosc-under-test"));
    let mut report = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(chapters())? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let mut made = String::new();
        let mut rest = text.as_str();
        while let Some((before, block)) = rest.split_once(BEGIN) {
            let (block, after) = block.split_once(END).unwrap_or((block, ""));
            let mut archive = Archive::parse(&format!("{block}\n"));
            let chapter = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("spec-{chapter}-{count}");
            let got = transcript(binary, &name, &archive)?;
            if got.trim_end() != archive.comment.trim_end() {
                report.push_str(&format!("{}:\n{got}\n", path.display()));
            }
            archive.comment = format!("{}\n", got.trim_end());
            count += 1;
            made += &format!("{before}{BEGIN}{}{END}", archive.to_string().trim_end());
            rest = after;
        }
        made += rest;
        if made != text && std::env::var_os("UPDATE_SUITES").is_some() {
            std::fs::write(&path, made)?;
            report.clear();
        }
    }
    assert!(report.is_empty(), "\n{report}");
    assert!(count > 0, "no chapter has a transcript");
    Ok(())
}

#[test]
fn the_table_of_diagnostics_is_the_catalogue() -> std::io::Result<()> {
    const BEGIN: &str = "<!-- the catalogue -->\n";
    let path = chapters().join("diagnostics.md");
    let text = std::fs::read_to_string(&path)?;
    let (head, _) = text
        .split_once(BEGIN)
        .expect("the chapter says where the table begins");
    let mut made = format!("{head}{BEGIN}\n| code | what is wrong |\n|---|---|\n");
    for entry in ENTRIES {
        made.push_str(&format!("| {} | {} |\n", entry.code, entry.title));
    }
    for entry in ENTRIES {
        made.push_str(&format!(
            "\n## {}: {}\n\n{}\n",
            entry.code, entry.title, entry.explanation
        ));
        made.push_str(&format!("\n```text\n{}\n```\n", entry.wrong));
        if let Some(message) = said_of(entry.wrong, entry.code) {
            made.push_str(&format!("\nIt says: {message}. Mended:\n"));
        } else {
            made.push_str("\nMended:\n");
        }
        made.push_str(&format!("\n```text\n{}\n```\n", entry.mend));
    }
    if made != text && std::env::var_os("UPDATE_SUITES").is_some() {
        return std::fs::write(path, made);
    }
    assert!(
        made == text,
        "run the tests with UPDATE_SUITES=1 to write spec/diagnostics.md anew"
    );
    Ok(())
}

/// The message with that code of a program, if the text is one.
fn said_of(code: &str, expected: Code) -> Option<String> {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: "example.holos".into(),
        text: code.into(),
        user: true,
    });
    let parsed = parse(id, code);
    let package = PackageFiles {
        files: vec![(id, Arc::new(parsed.file))],
        errors: parsed.errors,
        ..PackageFiles::default()
    };
    let (mut evaluation, mut found) =
        Evaluation::new(&mut sources, package, &mut Nothing, &Standard);
    let root = evaluation.root();
    found.extend(evaluation.errors(root, Strictness::Concrete));
    found.extend(evaluation.data(root).err().unwrap_or_default());
    found.extend(evaluation.lint());
    let said = found.into_iter().find(|it| it.code == expected)?;
    Some(said.message)
}

#[test]
fn the_index_has_every_chapter() -> std::io::Result<()> {
    let index = std::fs::read_to_string(chapters().join("README.md"))?;
    for entry in std::fs::read_dir(chapters())? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "spec/README.md does not name {name}"
        );
    }
    for link in index.split("](").skip(1) {
        let name = link.split(')').next().unwrap_or_default();
        assert!(
            chapters().join(name).exists(),
            "spec/README.md names {name}"
        );
    }
    Ok(())
}
