//! What becomes of many programs under another implementation's command, a few processes for all of them.
//!
//! Each program is a field of one file. First those are found that are wrong (`eval`), until no more are; of the rest those that
//! are not concrete (`export`); what is then left is exported.

use super::Outcome;
use super::evaluate::one_line;
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::parse;
use holos_lang::syntax::tree::{Decl, Label};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command, and the folder its input is written to.
pub struct Reference {
    command: PathBuf,
    folder: PathBuf,
}

impl Reference {
    /// A command that is called as `cue` is.
    ///
    /// # Errors
    /// If the folder for its input cannot be made.
    pub fn new(command: &Path) -> std::io::Result<Reference> {
        let folder = std::env::temp_dir().join(format!("differential-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Reference {
            command: command.into(),
            folder,
        })
    }

    /// The outcome of each program: a field's name, and the text of that field.
    ///
    /// # Errors
    /// If the command cannot be started.
    pub fn outcomes(
        &self,
        programs: &[(String, String)],
    ) -> std::io::Result<BTreeMap<String, Outcome>> {
        let mut left: Vec<&(String, String)> = programs.iter().collect();
        let mut outcomes = BTreeMap::new();
        // Wrong ones, until none is left: a name that leads nowhere hides what evaluation would find.
        loop {
            let run = self.run(&["eval", "-E"], &left)?;
            if run.errors.is_empty() {
                if run.fine {
                    break;
                }
                return self.halves(&left, outcomes, &run.stderr, Outcome::Wrong);
            }
            if run.unclear && left.len() > 1 {
                return self.halves(&left, outcomes, &run.stderr, Outcome::Wrong);
            }
            left.retain(|(name, _)| !run.errors.contains_key(name));
            for (name, paths) in run.errors {
                outcomes.insert(name, Outcome::Wrong(paths));
            }
        }
        let run = self.run(&["export", "-E"], &left)?;
        let incomplete = run.errors;
        if !run.fine && incomplete.is_empty() {
            let incomplete = |paths| Outcome::Incomplete(paths, String::new());
            return self.halves(&left, outcomes, &run.stderr, incomplete);
        }
        let (open, concrete): (Vec<_>, Vec<_>) = left
            .iter()
            .copied()
            .partition(|(name, _)| incomplete.contains_key(name));
        let mut texts = values(&self.run(&["eval"], &open)?.stdout);
        for (name, paths) in incomplete {
            let text = texts.remove(&name).unwrap_or_default();
            outcomes.insert(name, Outcome::Incomplete(paths, text));
        }
        let run = self.run(&["export"], &concrete)?;
        if !run.fine {
            let incomplete = |paths| Outcome::Incomplete(paths, String::new());
            return self.halves(&concrete, outcomes, &run.stderr, incomplete);
        }
        for (name, json) in members(&run.stdout) {
            outcomes.insert(name, Outcome::Data(json));
        }
        Ok(outcomes)
    }

    /// What cannot be told apart by its messages is tried in halves.
    fn halves(
        &self,
        programs: &[&(String, String)],
        mut outcomes: BTreeMap<String, Outcome>,
        why: &str,
        outcome: impl Fn(BTreeSet<String>) -> Outcome,
    ) -> std::io::Result<BTreeMap<String, Outcome>> {
        if let [(name, _)] = programs {
            let outcome = match why.is_empty() {
                true => Outcome::Failed("no answer within the time".into()),
                false if why.contains("panic") => Outcome::Failed("panic".into()),
                false => outcome(BTreeSet::from([why.into()])),
            };
            outcomes.insert(name.clone(), outcome);
            return Ok(outcomes);
        }
        let programs: Vec<(String, String)> = programs.iter().map(|p| (*p).clone()).collect();
        let (first, second) = programs.split_at(programs.len() / 2);
        outcomes.extend(self.outcomes(first)?);
        outcomes.extend(self.outcomes(second)?);
        Ok(outcomes)
    }

    fn run(&self, arguments: &[&str], programs: &[&(String, String)]) -> std::io::Result<Run> {
        let mut text = String::new();
        for (_, program) in programs {
            text.push_str(program);
            text.push('\n');
        }
        std::fs::write(self.folder.join("programs.cue"), text)?;
        let output = Command::new("timeout")
            .arg("60")
            .arg(&self.command)
            .args(arguments)
            .arg("programs.cue")
            .current_dir(&self.folder)
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let (errors, unclear) = errors(&stderr, arguments.first() == Some(&"eval"));
        Ok(Run {
            errors,
            unclear,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            fine: output.status.success(),
            stderr,
        })
    }
}

struct Run {
    /// The paths of errors by program.
    errors: BTreeMap<String, BTreeSet<String>>,
    fine: bool,
    /// Only missing fields are named, which alone make nothing wrong.
    unclear: bool,
    stdout: String,
    stderr: String,
}

/// Lines of the form `p12.a.b: what is wrong`; the details of an empty disjunction count for the disjunction.
///
/// A required field that is missing makes nothing `wrong`, but is listed as well, or alone where it hides what is wrong.
fn errors(stderr: &str, wrong: bool) -> (BTreeMap<String, BTreeSet<String>>, bool) {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut absent = found.clone();
    for line in stderr.lines() {
        let Some((path, message)) = line.split_once(": ") else {
            continue;
        };
        let required = message.starts_with("field is required");
        let name = path.split(['.', '[']).next().unwrap_or_default();
        let digits = name.strip_prefix('p').unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let found = if wrong && required {
            &mut absent
        } else {
            &mut found
        };
        found.entry(name.into()).or_default().insert(path.into());
    }
    match found.is_empty() && !absent.is_empty() {
        true => (absent, true),
        false => (found, false),
    }
}

/// The fields of a file in the language, each value in the one layout.
fn values(text: &str) -> BTreeMap<String, String> {
    let parsed = parse(FileId(0), text);
    let fields = parsed.file.decls.into_iter().filter_map(|decl| match decl {
        Decl::Field(field) => match field.label {
            Label::Ident(name) => Some((name.name.to_string(), one_line(field.value))),
            _ => None,
        },
        _ => None,
    });
    fields.collect()
}

/// The members of a JSON object that is printed with an indent of four, moved to the left.
fn members(json: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in json.lines() {
        let Some(line) = line.strip_prefix("    ") else {
            continue;
        };
        if let Some((key, value)) = line.strip_prefix('"').and_then(|l| l.split_once("\": ")) {
            name = key.into();
            found.insert(name.clone(), value.into());
        } else if let Some(value) = found.get_mut(&name) {
            value.push('\n');
            value.push_str(line);
        }
    }
    for value in found.values_mut() {
        *value = value.trim_end_matches(',').into();
    }
    found
}
