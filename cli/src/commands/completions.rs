//! `holosc completions`: a script that completes commands and flags in a shell.

use super::Session;
use crate::Outcome;
use crate::args::{Args, Completions};
use clap::CommandFactory;

pub(super) fn run(session: &mut Session, args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "holosc", &mut script);
    session.print(&script)
}
