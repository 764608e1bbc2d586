//! Wrong programs, and what a person reads about each: every archive in `diagnostics/` is a directory with one mistake.
//!
//! `holosc check` runs in it (of `in.holos`, if there is one), or what the comment's line `$ holosc …` says. What it prints on standard error is in
//! `expected`; it must find something, and its exit code is zero only if there is no error. Cases in
//! `platform` are added to `platform/base.holos`. With `UPDATE_SUITES=1` in the environment `expected` is rewritten;
//! `CASE=name` runs some.

use holos_tests::conformance::txtar::Archive;
use rayon::prelude::*;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const EXPECTED: &str = "expected";

#[test]
fn language() {
    suite("language");
}

#[test]
fn platform() {
    suite("platform");
}

fn suite(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("diagnostics")
        .join(name);
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "txtar"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let only = std::env::var("CASE").unwrap_or_default();
    let failures: Vec<String> = (cases.par_iter())
        .filter(|path| path.to_string_lossy().contains(&only))
        .filter_map(|path| {
            run(path)
                .unwrap_or_else(|error| Some(error.to_string()))
                .map(|failure| format!("{}: {failure}", path.display()))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Runs a case; what is not as it should be is the failure.
fn run(path: &Path) -> io::Result<Option<String>> {
    let mut archive = Archive::parse(&fs::read_to_string(path)?);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let root =
        std::env::temp_dir().join(format!("holosc-diagnostics-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root)?;
    let base = path.with_file_name("base.holos");
    if base.exists() {
        fs::copy(base, root.join("base.holos"))?;
    }
    let mut expected = "";
    for (name, contents) in &archive.files {
        if name == EXPECTED {
            expected = contents;
            continue;
        }
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap_or(&root))?;
        fs::write(file, contents)?;
    }
    let check = match root.join("in.holos").exists() {
        true => "check in.holos",
        false => "check",
    };
    let command = archive
        .comment
        .lines()
        .find_map(|line| line.strip_prefix("$ holosc "));
    let output = Command::new(env!("CARGO_BIN_EXE_holosc-under-test"))
        .args(command.unwrap_or(check).split_whitespace())
        .current_dir(&root)
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .output()?;
    let found = String::from_utf8_lossy(&output.stderr).replace(&*root.to_string_lossy(), "ROOT");
    let found = format!("{}\n", found.trim_end());
    fs::remove_dir_all(&root)?;
    let failed = found.lines().any(|line| line.starts_with("error["));
    let agrees = matches!(output.status.code(), Some(0)) != failed;
    if found.trim().is_empty() || output.status.code().is_none() || !agrees {
        return Ok(Some(format!(
            "exit code {:?}\n{found}",
            output.status.code()
        )));
    }
    if found == expected {
        return Ok(None);
    }
    if std::env::var_os("UPDATE_SUITES").is_some() {
        archive.set(EXPECTED, found);
        fs::write(path, archive.to_string())?;
        return Ok(None);
    }
    Ok(Some(format!("expected\n{expected}--- but found\n{found}")))
}
