//! The command line, as transcripts: every archive in `suites/cli` is a directory of files and the commands run in it.
//!
//! The text before the files is the transcript. `$ ` begins a command; what it prints follows: standard output as it
//! is, standard error behind `! `, and `[1]` for an exit code that is not zero. Times read `0.00 s`.
//! Besides `holosc` there are `cat FILE`, `find DIR`, `rm PATH`, `mkdir DIR`, `touch FILE`, `write FILE TEXT`,
//! `bytes FILE HEX` and `repeat FILE COUNT TEXT`; `< FILE` at the end of a command is its standard input. With
//! `UPDATE_SUITES=1` in the environment the transcripts are rewritten.

use holos_tests::conformance::txtar::Archive;
use rayon::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No command of a case may take longer.
const LIMIT: Duration = Duration::from_secs(120);

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
    let root = std::env::temp_dir().join(format!("holosc-cli-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root)?;
    for (name, contents) in &archive.files {
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap_or(&root))?;
        fs::write(file, contents)?;
    }
    let mut transcript = String::new();
    for line in archive.comment.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let _ = writeln!(transcript, "{line}");
            transcript.push_str(&step(&root, &words(command))?);
        } else if !transcript.contains("\n$ ") && !transcript.starts_with("$ ") {
            let _ = writeln!(transcript, "{line}");
        }
    }
    fs::remove_dir_all(&root)?;
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

/// One command, and what it printed.
fn step(root: &Path, words: &[String]) -> io::Result<String> {
    let at = |i: usize| words.get(i).map_or("", String::as_str);
    let file = root.join(at(1));
    match at(0) {
        "holosc" => return holosc(root, &words[1..]),
        "cat" => return Ok(fs::read_to_string(file).unwrap_or_else(|error| format!("! {error}\n"))),
        "find" => {
            let mut found = Vec::new();
            if file.exists() {
                find(&file, root, &mut found)?;
            }
            found.sort();
            return Ok(found.iter().map(|path| format!("{path}\n")).collect());
        }
        "rm" if file.is_dir() => fs::remove_dir_all(file)?,
        "rm" => fs::remove_file(file)?,
        "mkdir" => fs::create_dir_all(file)?,
        "touch" => fs::write(file, "")?,
        "write" => make(&file, format!("{}\n", at(2).replace("\\n", "\n")))?,
        "bytes" => {
            let hex = at(2).as_bytes();
            let bytes = hex
                .chunks(2)
                .map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or(0));
            fs::write(file, bytes.collect::<Vec<u8>>())?;
        }
        "repeat" => fs::write(file, at(3).repeat(at(2).parse().unwrap_or(0)))?,
        other => return Ok(format!("! there is no command {other}\n")),
    }
    Ok(String::new())
}

fn holosc(root: &Path, words: &[String]) -> io::Result<String> {
    let (words, input) = match words {
        [words @ .., less, file] if less == "<" => (words, fs::read(root.join(file))?),
        _ => (words, Vec::new()),
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_holosc-under-test"))
        .args(words)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take();
    let feed = std::thread::spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(&input)));
    let id = child.id();
    let start = Instant::now();
    let output = child.wait_with_output()?;
    let _ = feed.join();
    let mut out = mask(&String::from_utf8_lossy(&output.stdout), root);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str("\\\n");
    }
    for line in mask(&String::from_utf8_lossy(&output.stderr), root).lines() {
        let _ = writeln!(out, "{}", format!("! {line}").trim_end());
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => {
            let _ = writeln!(out, "[{code}]");
        }
        None => {
            let _ = writeln!(out, "[killed]");
        }
    }
    if start.elapsed() > LIMIT {
        let _ = writeln!(out, "! process {id} took longer than {LIMIT:?}");
    }
    Ok(out)
}

/// Takes out what differs from run to run: times, and where the case lies.
fn mask(text: &str, root: &Path) -> String {
    let text = text.replace(&*root.to_string_lossy(), "ROOT");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(" s\n") {
        let head = &rest[..at];
        let number = head.len()
            - head
                .bytes()
                .rev()
                .take_while(|b| b.is_ascii_digit() || *b == b'.')
                .count();
        if head[number..].contains('.') {
            let blanks = head[..number].trim_end_matches(' ').len();
            out.push_str(&head[..blanks]);
            out.push_str("  0.00 s\n");
        } else {
            out.push_str(&rest[..at + 3]);
        }
        rest = &rest[at + 3..];
    }
    out + rest
}

/// Writes a file, and the folders it is in.
fn make(file: &Path, text: String) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(file, text)
}

fn find(path: &Path, root: &Path, out: &mut Vec<String>) -> io::Result<()> {
    if !path.is_dir() {
        out.push(
            path.strip_prefix(root)
                .unwrap_or(path)
                .display()
                .to_string(),
        );
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        find(&entry?.path(), root, out)?;
    }
    Ok(())
}

/// The words of a command; quotes keep blanks.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), _) if q == c => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(c), true),
            (None, ' ') => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}
