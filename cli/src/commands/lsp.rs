//! `holosc lsp`: serve an editor.

use super::Session;
use crate::Outcome;
use holos_lang::diagnostic::{Code, Diagnostic};

pub(super) fn run(session: &mut Session) -> Outcome {
    match crate::lsp::serve(session.files.clone()) {
        Ok(()) => Outcome::Fine,
        Err(message) => {
            let error = Diagnostic::error(
                Code(912),
                format!("the editor's connection broke: {message}"),
            );
            session.report(&[error])
        }
    }
}
