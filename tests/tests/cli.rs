//! The command line, as transcripts: every archive in `suites/cli` is a directory of files and the commands run in it.
//!
//! The text before the files is the transcript (see [`holos_tests::transcript`]). With `UPDATE_SUITES=1` in the environment the
//! transcripts are rewritten.

use holos_tests::conformance::txtar::Archive;
use holos_tests::transcript::transcript;
use rayon::prelude::*;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[test]
fn transcripts() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/cli");
    let mut cases: Vec<PathBuf> = fs::read_dir(&suite)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "txtar")
    });
    cases.sort();
    assert!(!cases.is_empty());
    let only = std::env::var("CASE").unwrap_or_default();
    let failures: Vec<String> = (cases.par_iter())
        .filter(|path| path.to_string_lossy().contains(&only))
        .filter_map(|path| {
            run(path).unwrap_or_else(|error| Some(format!("{}: {error}", path.display())))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Runs a case; what differs from the transcript is the failure.
fn run(path: &Path) -> io::Result<Option<String>> {
    let mut archive = Archive::parse(&fs::read_to_string(path)?);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let binary = Path::new(env!("CARGO_BIN_EXE_holosc-under-test"));
    let transcript = transcript(binary, &name, &archive)?;
    let expected = archive.comment.trim_end();
    if expected == transcript.trim_end() {
        return Ok(None);
    }
    if std::env::var_os("UPDATE_SUITES").is_some() {
        archive.comment = transcript;
        fs::write(path, archive.to_string())?;
        return Ok(None);
    }
    Ok(Some(format!(
        "{name}: expected\n{expected}\n--- but found\n{transcript}"
    )))
}
