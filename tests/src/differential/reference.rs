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

/// Who answers requests: programs as JSON strings, or questions about one as lists (`reference.go`).
pub trait Answers: Send {
    /// An answer to each request, in order.
    ///
    /// # Errors
    /// If nobody can be asked.
    fn ask(&mut self, requests: &[Value]) -> io::Result<Vec<Value>>;
}

/// The outcome of the field `p` of each program.
///
/// # Errors
/// If nobody can be asked.
pub fn outcomes(of: &mut dyn Answers, programs: &[String]) -> io::Result<Vec<Outcome>> {
    let requests: Vec<Value> = programs.iter().map(|text| json!(text)).collect();
    Ok(of.ask(&requests)?.iter().map(outcome).collect())
}

/// The paths in the field `p` of a program at which there is an error, also in definitions and hidden fields; nothing in the
/// program is wrong for good.
///
/// # Errors
/// If nobody can be asked.
pub fn failing(of: &mut dyn Answers, program: &str) -> io::Result<BTreeSet<String>> {
    let answers = of.ask(&[json!([program])])?;
    Ok(answers.first().map(paths).unwrap_or_default())
}

/// Answers as another one gives them, written down.
pub struct Recorder<'a> {
    pub of: &'a mut dyn Answers,
    pub log: &'a mut Vec<(Value, Value)>,
}

impl Answers for Recorder<'_> {
    fn ask(&mut self, requests: &[Value]) -> io::Result<Vec<Value>> {
        let found = self.of.ask(requests)?;
        let pairs = requests.iter().cloned().zip(found.iter().cloned());
        self.log.extend(pairs);
        Ok(found)
    }
}

/// Answers that were written down; any other program is answered as the first of them.
pub struct Replay(pub Vec<(Value, Value)>);

impl Answers for Replay {
    fn ask(&mut self, requests: &[Value]) -> io::Result<Vec<Value>> {
        let answer = |request: &Value| {
            let known = self.0.iter().find(|(other, _)| other == request);
            let known = known.or(self.0.first());
            known.map(|(_, answer)| answer.clone()).unwrap_or_default()
        };
        Ok(requests.iter().map(answer).collect())
    }
}

impl Answers for Reference {
    fn ask(&mut self, requests: &[Value]) -> io::Result<Vec<Value>> {
        let mut found = Vec::with_capacity(requests.len());
        while found.len() < requests.len() {
            let mut process = match self.process.take() {
                Some(process) => process,
                None => self.start()?,
            };
            let left = &requests[found.len()..];
            if answers(&mut process, left, &mut found) {
                self.process = Some(process);
                continue;
            }
            // It ended: of the program it had begun with an answer if it ended itself, of none if it crashed.
            let status = process.child.wait()?;
            if status.code() != Some(GAVE_UP) {
                found.push(json!({"class": "failed", "text": "crash"}));
            }
        }
        Ok(found)
    }
}

impl Reference {
    /// A command that was built from `reference.go`.
    pub fn new(command: &Path) -> Reference {
        Reference {
            command: command.into(),
            process: None,
        }
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
fn answers(process: &mut Process, programs: &[Value], found: &mut Vec<Value>) -> bool {
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
                Ok(count) if count > 0 => found.push(
                    serde_json::from_str(&line)
                        .unwrap_or_else(|_| json!({"class": "failed", "text": "no answer"})),
                ),
                _ => return false,
            }
        }
        true
    })
}

fn paths(answer: &Value) -> BTreeSet<String> {
    let paths = answer["paths"].as_array().into_iter().flatten();
    paths
        .filter_map(|path| path.as_str().map(str::to_owned))
        .collect()
}

fn outcome(answer: &Value) -> Outcome {
    let text = || answer["text"].as_str().unwrap_or_default().to_owned();
    match answer["class"].as_str().unwrap_or_default() {
        "data" => Outcome::Data(text()),
        "incomplete" => {
            let (value, _) = parse_expr(FileId(0), &text());
            Outcome::Incomplete(paths(answer), one_line(value))
        }
        "wrong" => Outcome::Wrong(paths(answer)),
        "refused" => Outcome::Refused(text()),
        _ => Outcome::Failed(text()),
    }
}
