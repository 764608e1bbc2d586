//! `holosc explain`: what a diagnostic code means.

use super::Session;
use crate::Outcome;
use crate::args::Explain;
use holos_lang::diagnostic::catalogue::{ENTRIES, find};
use holos_lang::diagnostic::{Code, Diagnostic};
use std::fmt::Write;

pub(super) fn run(session: &mut Session, args: &Explain) -> Outcome {
    let mut out = String::new();
    match &args.code {
        None => {
            for entry in ENTRIES {
                let _ = writeln!(out, "{}  {}", entry.code, entry.title);
            }
        }
        Some(code) => {
            let Some(entry) = find(code) else {
                let error =
                    Diagnostic::error(Code(910), format!("there is no diagnostic `{code}`"))
                        .help("`holosc explain` lists all codes");
                return session.report(&[error]);
            };
            let _ = writeln!(
                out,
                "{}: {}\n\n{}\n",
                entry.code,
                entry.title,
                fill(entry.explanation)
            );
            let _ = writeln!(
                out,
                "Wrong:\n\n{}\n\nMended:\n\n{}",
                indent(entry.wrong),
                indent(entry.mend)
            );
        }
    }
    session.print(out.as_bytes())
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Words in lines of at most 80 characters.
fn fill(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if last == 0 => line.push_str(word),
            Some(line) if last + 1 + word.chars().count() <= 80 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}
