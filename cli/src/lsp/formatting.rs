//! `textDocument/formatting`: the whole text as one edit, or none where it cannot be parsed.

use super::position::range;
use gen_lsp_types::TextEdit;
use holos_lang::diagnostic::{FileId, Span};
use holos_lang::syntax;

/// The edit that formats a text.
pub(super) fn formatting(text: &str) -> Option<Vec<TextEdit>> {
    if crate::load::fatal(&syntax::parse(FileId(0), text).errors) {
        return None;
    }
    let formatted = syntax::format(text)?;
    if formatted == text {
        return Some(Vec::new());
    }
    Some(vec![TextEdit::new(
        range(text, Span::new(0, text.len() as u32)),
        formatted,
    )])
}
