//! What the benchmarks measure are programs that evaluate: each, at its smallest size.

use holos_tests::bench::hard::HARD;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn hard_programs_evaluate() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hard");
    let mut failures = Vec::new();
    for case in &HARD {
        _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let files = (case.files)(case.sizes[0]);
        for (name, text) in &files {
            fs::write(dir.join(name), text).unwrap();
        }
        let run = Command::new(env!("CARGO_BIN_EXE_holosc-under-test"))
            .arg("export")
            .args(files.iter().map(|(name, _)| name))
            .current_dir(&dir)
            .output()
            .unwrap();
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            failures.push(format!("{}: {said}", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
