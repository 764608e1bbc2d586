//! What becomes of programs under CUE's own evaluator: a process (built from `reference.go`, which says how) that reads a
//! program a line and answers each with a line.

use super::Outcome;
use super::evaluate::one_line;
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::parse_expr;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The command, and the process while it lives.
pub struct Reference {
    command: PathBuf,
    process: Option<Process>,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Reference {
    /// A command that was built from `reference.go`.
    pub fn new(command: &Path) -> Reference {
        Reference {
            command: command.into(),
            process: None,
        }
    }

    /// The outcome of the field `p` of each program.
    ///
    /// # Errors
    /// If the command cannot be started.
    pub fn outcomes(&mut self, programs: &[String]) -> io::Result<Vec<Outcome>> {
        let requests: Vec<Value> = programs.iter().map(|text| json!(text)).collect();
        self.answer(&requests)
    }

    fn answer(&mut self, programs: &[Value]) -> io::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(programs.len());
        while outcomes.len() < programs.len() {
            let mut process = match self.process.take() {
                Some(process) => process,
                None => self.start()?,
            };
            let left = &programs[outcomes.len()..];
            if answers(&mut process, left, &mut outcomes) {
                self.process = Some(process);
                continue;
            }
            // It ended: of the program it had begun with an answer if it ended itself, of none if it crashed.
            let status = process.child.wait()?;
            if status.code() != Some(GAVE_UP) {
                outcomes.push(Outcome::Failed("crash".into()));
            }
        }
        Ok(outcomes)
    }

    /// The paths in the field `p` of a program at which there is an error that more information may mend, also in
    /// definitions and hidden fields; none if the program is wrong.
    ///
    /// # Errors
    /// If the command cannot be started.
    pub fn failing(&mut self, program: &str) -> io::Result<BTreeSet<String>> {
        let answer = self.answer(&[json!([program])])?.pop();
        Ok(match answer {
            Some(Outcome::Incomplete(paths, _)) => paths,
            _ => BTreeSet::new(),
        })
    }

    fn start(&self) -> io::Result<Process> {
        let mut child = Command::new(&self.command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the process has no pipes"));
        };
        Ok(Process {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin);
            _ = process.child.wait();
        }
    }
}

/// The exit code of a process that gave a program up, having said so.
const GAVE_UP: i32 = 3;

/// Adds the answers to the programs; `false` if the process ended before the last.
fn answers(process: &mut Process, programs: &[Value], outcomes: &mut Vec<Outcome>) -> bool {
    let (stdin, stdout) = (&mut process.stdin, &mut process.stdout);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for program in programs {
                if writeln!(stdin, "{program}").is_err() {
                    break;
                }
            }
            _ = stdin.flush();
        });
        let mut line = String::new();
        for _ in programs {
            line.clear();
            match stdout.read_line(&mut line) {
                Ok(count) if count > 0 => outcomes.push(outcome(&line)),
                _ => return false,
            }
        }
        true
    })
}

fn outcome(line: &str) -> Outcome {
    let Ok(answer) = serde_json::from_str::<Value>(line) else {
        return Outcome::Failed(format!("the answer {line}"));
    };
    let text = || answer["text"].as_str().unwrap_or_default().to_owned();
    let paths = || -> BTreeSet<String> {
        let paths = answer["paths"].as_array().into_iter().flatten();
        paths
            .filter_map(|path| path.as_str().map(str::to_owned))
            .collect()
    };
    match answer["class"].as_str().unwrap_or_default() {
        "data" => Outcome::Data(text()),
        "incomplete" => {
            let (value, _) = parse_expr(FileId(0), &text());
            Outcome::Incomplete(paths(), one_line(value))
        }
        "wrong" => Outcome::Wrong(paths()),
        "refused" => Outcome::Refused(text()),
        _ => Outcome::Failed(text()),
    }
}
