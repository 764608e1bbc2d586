//! Running an archive in a process of its own, so that a hang, a stack overflow or memory without end costs that
//! archive's assertions and no more.
//!
//! The worker prints one line that says how many assertions there are, then one line an outcome: `+ ASSERTION` or
//! `- ASSERTION<tab>MESSAGE`, with line breaks and tabs in them escaped.

use super::txtar::Archive;
use super::{Outcome, plan, run};
use holos_lang::value::builtin::Builtins;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Address space a worker may use, in KiB.
const MEMORY: u64 = 3 << 20;
/// The worker's stack: what a program's main thread usually has.
const STACK: usize = 8 << 20;

/// What became of an archive.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many assertions it has.
    pub planned: usize,
    /// Those that were checked; fewer than planned if the worker ended early.
    pub outcomes: Vec<Outcome>,
    /// Why the worker ended early.
    pub ended: Option<String>,
    pub elapsed: Duration,
}

impl Report {
    /// How many assertions hold.
    pub fn passed(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.failure.is_none())
            .count()
    }
}

/// Checks the archive in this process and prints as a worker does.
///
/// # Errors
/// If the archive cannot be read or the output cannot be written.
pub fn work(
    file: &Path,
    builtins: &(dyn Builtins + Sync),
    only: Option<&str>,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let archive = Archive::parse(&std::fs::read_to_string(file)?);
    let thread = || -> io::Result<()> {
        writeln!(out, "{}", plan(&archive))?;
        out.flush()?;
        let mut result = Ok(());
        run(&archive, builtins, only, &mut |outcome| {
            let line = match &outcome.failure {
                None => format!("+ {}", escape(&outcome.assertion)),
                Some(why) => format!("- {}\t{}", escape(&outcome.assertion), escape(why)),
            };
            if result.is_ok() {
                result = writeln!(out, "{line}").and_then(|()| out.flush());
            }
        });
        result
    };
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, thread)?;
        worker
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the worker panicked")))
    })
}

/// Runs `executable --worker FILE` and reads what it says.
///
/// # Errors
/// If the process cannot be started.
pub fn isolated(
    executable: &Path,
    file: &Path,
    only: Option<&str>,
    limit: Duration,
) -> io::Result<Report> {
    let start = Instant::now();
    let mut command = limited(executable);
    command.arg("--worker").arg(file);
    command.args(only.map(|path| format!("--path={path}")));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, lines) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    let stderr = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            _ = stderr.by_ref().take(1 << 16).read_to_end(&mut text);
            // Whatever else it says must not block it.
            _ = io::copy(&mut stderr, &mut io::sink());
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let mut report = Report::default();
    let mut late = false;
    let mut planned = None;
    loop {
        match lines.recv_timeout(limit.saturating_sub(start.elapsed())) {
            Ok(line) if planned.is_none() => planned = Some(line.parse().unwrap_or(0)),
            Ok(line) => report.outcomes.extend(outcome(&line)),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                late = true;
                child.kill()?;
                break;
            }
        }
    }
    let status = child.wait()?;
    let said = stderr
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    report.planned = planned.unwrap_or_else(|| {
        std::fs::read_to_string(file).map_or(0, |text| text.matches("@test(").count())
    });
    report.elapsed = start.elapsed();
    if late {
        report.ended = Some(format!("took longer than {} s", limit.as_secs()));
    } else if !status.success() {
        let hint = said
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let detail = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .nth(1)
            .unwrap_or_default();
        report.ended = Some(format!("the worker crashed ({status}): {hint} {detail}"));
    }
    Ok(report)
}

/// The command, with a limit on its memory where the system has a shell that can set one.
fn limited(executable: &Path) -> Command {
    if cfg!(unix) {
        let mut command = Command::new("sh");
        let script = format!("ulimit -v {MEMORY} 2>/dev/null; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(executable);
        return command;
    }
    Command::new(executable)
}

fn outcome(line: &str) -> Option<Outcome> {
    if let Some(assertion) = line.strip_prefix("+ ") {
        return Some(Outcome {
            assertion: unescape(assertion),
            failure: None,
        });
    }
    let (assertion, why) = line.strip_prefix("- ")?.split_once('\t')?;
    Some(Outcome {
        assertion: unescape(assertion),
        failure: Some(unescape(why)),
    })
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
        .replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            }),
            _ => out.push(c),
        }
    }
    out
}

/// All `.txtar` files at or below a path, sorted.
///
/// # Errors
/// If a directory cannot be read.
pub fn archives(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(archives(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "txtar")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
