//! Transcripts: files and commands in one text, and what the commands print.
//!
//! A transcript is the comment of an archive, whose files are there when it begins. `$ ` begins a command; what it prints
//! follows: standard output as it is, standard error behind `! `, and `[1]` for an exit code that is not zero. Times read
//! `0.00 s`. Besides `holosc` there are `cat FILE`, `find DIR`, `rm PATH`, `mkdir DIR`, `touch FILE`, `write FILE TEXT`,
//! `bytes FILE HEX` and `repeat FILE COUNT TEXT [BEFORE]`; `< FILE` at the end of a command is its standard input.
//! Files in `bin` are programs, and where there are such no others are found.

use crate::conformance::txtar::Archive;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No command of a case may take longer.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the commands of an archive with that `holosc`, in a directory that is made for it: the transcript as it is. Lines before
/// the first command stay.
///
/// # Errors
/// Where files cannot be made, or commands not be run.
pub fn transcript(binary: &Path, name: &str, archive: &Archive) -> io::Result<String> {
    let root = std::env::temp_dir().join(format!("holosc-cli-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root)?;
    for (name, contents) in &archive.files {
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap_or(&root))?;
        fs::write(&file, contents)?;
        if name.starts_with("bin/") {
            executable(&file)?;
        }
    }
    let mut transcript = String::new();
    for line in archive.comment.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let _ = writeln!(transcript, "{line}");
            transcript.push_str(&step(binary, &root, &words(command))?);
        } else if !transcript.contains("\n$ ") && !transcript.starts_with("$ ") {
            let _ = writeln!(transcript, "{line}");
        }
    }
    fs::remove_dir_all(&root)?;
    Ok(transcript)
}

#[cfg(unix)]
fn executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// One command, and what it printed.
fn step(binary: &Path, root: &Path, words: &[String]) -> io::Result<String> {
    let at = |i: usize| words.get(i).map_or("", String::as_str);
    let file = root.join(at(1));
    match at(0) {
        "holosc" => return holosc(binary, root, &words[1..]),
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
        "repeat" => {
            let text = at(3).repeat(at(2).parse().unwrap_or(0));
            fs::write(file, format!("{}{text}", at(4)))?;
        }
        other => return Ok(format!("! there is no command {other}\n")),
    }
    Ok(String::new())
}

fn holosc(binary: &Path, root: &Path, words: &[String]) -> io::Result<String> {
    let (words, input) = match words {
        [words @ .., less, file] if less == "<" => (words, fs::read(root.join(file))?),
        _ => (words, Vec::new()),
    };
    let mut command = Command::new(binary);
    if root.join("bin").exists() {
        command.env("PATH", root.join("bin"));
    }
    let mut child = command
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
