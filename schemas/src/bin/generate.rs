//! Regenerates `packages/` from published schemas.
//!
//! `generate --from DIR` writes, and with them `packages.sha256`, by which a test sees that nothing was edited by
//! hand; with `--check` nothing is written, and a difference fails. DIR has
//! `crds/<project>/*.yaml`, and `openapi/` with Kubernetes' document, `enums-*.tsv` and `markers-*.tsv`.

#![expect(clippy::print_stderr, reason = "it is a command")]

use holos_lang::diagnostic::{Diagnostic, FileId, Severity, Source, SourceMap};
use holos_schemas::import::{self, Import, Input, Options, kubernetes::Extras};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let check = args.iter().any(|a| a == "--check");
    let from = args
        .iter()
        .position(|a| a == "--from")
        .and_then(|at| args.get(at + 1));
    let Some(from) = from else {
        eprintln!("usage: generate --from DIR [--check]");
        return ExitCode::from(2);
    };
    match run(Path::new(from), check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well: everything imported, and with `check` nothing differs.
fn run(from: &Path, check: bool) -> io::Result<bool> {
    let mut sources = SourceMap::default();
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut kinds = vec![];
    let mut fine = true;
    let imports = [
        kubernetes(&from.join("openapi"), &mut sources)?,
        crds(&from.join("crds"), &mut sources)?,
    ];
    for import in imports {
        let said = |d: &&Diagnostic| d.severity != Severity::Note;
        for diagnostic in import.diagnostics.iter().filter(said) {
            fine &= diagnostic.severity != Severity::Error;
            let place = diagnostic.labels.first().map(|l| l.place);
            let at = place.map(|p| {
                (
                    sources.get(p.file).name.clone(),
                    sources.line_column(p.file, p.span.start),
                )
            });
            eprintln!("{}: {} {at:?}", diagnostic.code, diagnostic.message);
        }
        for package in &import.packages {
            files.insert(
                Path::new(&package.path).join("schema.json"),
                import.schema_text(&package.path),
            );
        }
        for package in import.packages {
            for (name, text) in package.files {
                files.insert(Path::new(&package.path).join(name), text);
            }
            for kind in package.kinds {
                let scope = if kind.namespaced {
                    "namespaced"
                } else {
                    "cluster"
                };
                let row = [
                    &kind.api_version,
                    &kind.kind,
                    &package.path,
                    &kind.definition,
                    scope,
                ]
                .join("\t");
                kinds.push(((kind.api_version, kind.kind), row));
            }
        }
    }
    kinds.sort();
    let rows: Vec<String> = kinds.into_iter().map(|(_, row)| row + "\n").collect();
    let header = "apiVersion\tkind\tpackage\tdefinition\tscope\n";
    files.insert("KINDS.tsv".into(), header.to_owned() + &rows.concat());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages");
    Ok(fine
        & if check {
            compare(&root, &files)
        } else {
            write(&root, &files)?
        })
}

fn write(root: &Path, files: &BTreeMap<PathBuf, String>) -> io::Result<bool> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, text)?;
    }
    fs::write(root.with_extension("sha256"), sums(files))?;
    let bytes: usize = files.values().map(String::len).sum();
    eprintln!("wrote {} files, {} KiB", files.len(), bytes / 1024);
    Ok(true)
}

/// A line a file, as `sha256sum` writes it.
fn sums(files: &BTreeMap<PathBuf, String>) -> String {
    let mut out = String::new();
    for (path, text) in files {
        let _ = writeln!(out, "{:x}  {}", Sha256::digest(text), path.display());
    }
    out
}

fn compare(root: &Path, files: &BTreeMap<PathBuf, String>) -> bool {
    let mut fine = true;
    if fs::read_to_string(root.with_extension("sha256")).ok() != Some(sums(files)) {
        eprintln!("differs: packages.sha256");
        fine = false;
    }
    for (path, text) in files {
        if fs::read_to_string(root.join(path)).ok().as_ref() != Some(text) {
            eprintln!("differs: {}", path.display());
            fine = false;
        }
    }
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path
                .strip_prefix(root)
                .is_ok_and(|p| !files.contains_key(p))
            {
                eprintln!("not generated: {}", path.display());
                fine = false;
            }
        }
    }
    fine
}

fn read(path: &Path, sources: &mut SourceMap) -> io::Result<FileId> {
    let text = fs::read_to_string(path)?;
    let name = path.display().to_string().into();
    Ok(sources.add(Source {
        name,
        text: text.into(),
        user: true,
    }))
}

fn sorted(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

fn kubernetes(dir: &Path, sources: &mut SourceMap) -> io::Result<Import> {
    let find = |prefix: &str| {
        let name = |p: &PathBuf| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(prefix))
        };
        let missing = io::Error::other(format!("{} has no {prefix}*", dir.display()));
        sorted(dir)?.into_iter().find(name).ok_or(missing)
    };
    let extras = Extras::read(
        &fs::read_to_string(find("enums-")?)?,
        &fs::read_to_string(find("markers-")?)?,
    );
    let file = read(&find("v3-")?, sources)?;
    let extras = extras.with_defaults(file, &sources.get(file).text.clone());
    let file = read(&find("swagger-")?, sources)?;
    let text = sources.get(file).text.clone();
    Ok(import::openapi(
        &[Input { file, text: &text }],
        &extras,
        &Options::default(),
    ))
}

/// Where two projects define a kind, the last by name counts: Gateway API's experimental channel has all
/// of the standard one.
fn crds(dir: &Path, sources: &mut SourceMap) -> io::Result<Import> {
    let mut texts = Vec::new();
    for project in sorted(dir)?.iter().rev().filter(|p| p.is_dir()) {
        for path in sorted(project)? {
            let file = read(&path, sources)?;
            texts.push((file, sources.get(file).text.clone()));
        }
    }
    let inputs: Vec<Input<'_>> = texts
        .iter()
        .map(|(file, text)| Input { file: *file, text })
        .collect();
    Ok(import::crd(&inputs, &Options::default()))
}
