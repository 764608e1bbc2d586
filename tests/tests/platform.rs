//! The platform library at work: the reference platform's tree, its promotion, and the examples of every doc comment.
//!
//! `platform/reference.txtar` is what `platforms/reference` renders to; of a cluster that is the east but for its role only the files
//! that differ from the east's are in it. `UPDATE_SUITES=1` rewrites it, and what a promotion changes (`platform/promotion.txt`).

use holos_tests::conformance::txtar::Archive;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Kinds that differ by the role of the cluster they are on.
const BY_ROLE: [&str; 3] = ["Cluster", "PostgresCluster", "ScheduledBackup"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn holosc(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holosc-under-test"))
        .args(arguments)
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn temporary(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("holosc-platform-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn files(root: &Path, at: &Path, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, out);
        } else {
            let name = path.strip_prefix(root).unwrap();
            out.insert(
                name.to_string_lossy().replace('\\', "/"),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
}

/// Compares with a committed file, or rewrites it.
fn golden(path: &str, found: &str) {
    let path = here(path);
    if std::env::var_os("UPDATE_SUITES").is_some() {
        fs::write(path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (was, is))) =
        (expected.lines().zip(found.lines()).enumerate()).find(|(_, (was, is))| was != is)
    {
        panic!(
            "{}:{}: expected `{was}`, but found `{is}`",
            path.display(),
            line + 1
        );
    }
    assert_eq!(expected.len(), found.len(), "{}", path.display());
}

#[test]
fn the_reference_platform_renders_to_its_golden_tree() {
    let out = temporary("reference");
    let reference = here("platforms/reference");
    stdout(&holosc(
        &["render", "-o", out.to_str().unwrap()],
        &reference,
    ));
    let mut found = BTreeMap::new();
    files(&out, &out, &mut found);
    fs::remove_dir_all(&out).unwrap();
    let like_east = |name: &str, text: &str| {
        let cluster = name.split('/').nth(1).unwrap_or_default();
        !matches!(cluster, "management" | "east")
            && found
                .get(&name.replacen(cluster, "east", 1))
                .is_some_and(|east| {
                    *east
                        .replace("clusters/east/", &format!("clusters/{cluster}/"))
                        .replace(
                            "holos.run/cluster: east",
                            &format!("holos.run/cluster: {cluster}"),
                        )
                        == *text
                })
    };
    let archive = Archive {
        comment: String::new(),
        files: found
            .iter()
            .filter(|(name, text)| !like_east(name, text))
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect(),
    };
    golden("platform/reference.txtar", &archive.to_string());
}

#[test]
fn a_promotion_changes_what_follows_from_the_roles_and_nothing_else() {
    let output = stdout(&holosc(
        &["diff", ".", "--swap", "primary=west"],
        &here("platforms/reference"),
    ));
    assert!(output.starts_with(" east  primary → standby     west  standby → primary\n"));
    let touched: Vec<&str> = output
        .lines()
        .filter(|line| line.starts_with("   "))
        .collect();
    assert!(touched.len() > 10);
    for line in touched {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "~", "nothing appears or vanishes: {line}");
        assert!(BY_ROLE.contains(&words[2]), "not implied by a role: {line}");
    }
    golden("platform/promotion.txt", &output);
}

/// The programs in doc comments: lines behind `//` and a tab.
fn examples(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("//\t") {
            Some(code) => {
                let last = out.last_mut().unwrap();
                last.push_str(code);
                last.push('\n');
            }
            // A blank line within an example.
            None if line == "//" && !out.last().unwrap().is_empty() => {
                out.last_mut().unwrap().push('\n');
            }
            None => out.push(String::new()),
        }
    }
    out.retain(|example| !example.trim().is_empty());
    out
}

#[test]
fn the_examples_of_the_library_render() {
    let base = fs::read_to_string(here("diagnostics/platform/base.holos")).unwrap();
    let mut cases = Vec::new();
    for (name, text) in holos_stdlib::platform_files() {
        if !name.ends_with(".gen.holos") {
            cases.extend(
                examples(text)
                    .into_iter()
                    .enumerate()
                    .map(|(i, example)| (format!("{name}-{i}"), example)),
            );
        }
    }
    assert!(cases.len() > 20);
    let failures: Vec<String> = cases
        .par_iter()
        .filter_map(|(name, example)| {
            let directory = temporary(name);
            let core = match example.contains("core.#") {
                true => "import core \"k8s.io/api/core/v1\"\n",
                false => "",
            };
            if example.starts_with("package ") {
                fs::write(directory.join("platform.holos"), example).unwrap();
            } else {
                fs::write(directory.join("base.holos"), &base).unwrap();
                let text = format!("package acme\n\nimport \"platform\"\n{core}\n{example}");
                let used = text.matches("platform.#").count() > 0;
                let text = if used {
                    text
                } else {
                    text.replace("import \"platform\"\n", "")
                };
                fs::write(directory.join("example.holos"), text).unwrap();
            }
            let output = holosc(&["render"], &directory);
            fs::remove_dir_all(&directory).unwrap();
            (!output.status.success()).then(|| {
                format!(
                    "{name}:\n{example}\n{}",
                    String::from_utf8_lossy(&output.stderr)
                )
            })
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
