//! The `holosc` command: arguments, file system, terminal and editor around [`holos_lang`].
//!
//! A command loads what its arguments name ([`load`]), evaluates it, and writes a value or a tree of
//! files; what went wrong goes to [`report`]. Exit code 0: fine; 1: the input is at fault; 2: the
//! call is.

#![allow(
    clippy::result_large_err,
    reason = "an error is a diagnostic that ends the command; its size costs nothing"
)]

pub mod args;
pub mod commands;
mod cost;
pub mod encode;
pub mod files;
pub mod load;
pub mod lsp;
mod names;
pub mod render;
pub mod report;
mod trim;

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Fine,
    /// The input is at fault: exit code 1.
    Input,
    /// The call is at fault, or the environment: exit code 2.
    Call,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Input => 1,
            Outcome::Call => 2,
        })
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// Runs a command line; the first word is the program's name.
pub fn main_with(words: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let args = match args::Args::read(words) {
        Ok(args) => args,
        Err(error) => {
            let wanted = !error.use_stderr();
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            return if wanted { Outcome::Fine } else { Outcome::Call }.into();
        }
    };
    commands::run(args).into()
}
