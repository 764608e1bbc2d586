//! `packages/` is as the generator wrote it: nothing was edited by hand, added or lost.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn nothing_was_edited_by_hand() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut found = String::new();
    for path in &files {
        let name = path.strip_prefix(&root).expect("it was found there");
        let sum = Sha256::digest(fs::read(path)?);
        let _ = writeln!(found, "{sum:x}  {}", name.display());
    }
    let expected = fs::read_to_string(root.with_extension("sha256"))?;
    let differing: Vec<&str> = (found.lines())
        .filter(|line| !expected.lines().any(|other| other == *line))
        .chain(
            expected
                .lines()
                .filter(|line| !found.lines().any(|other| other == *line)),
        )
        .collect();
    assert!(
        differing.is_empty(),
        "not as generated (`generate --from DIR` writes them anew): {differing:#?}"
    );
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
