//! Parsing a large file on several processors.
//!
//! Between two declarations of a file nothing is open: what stands before a comma there and what stands behind it
//! are parsed apart, and come to the same tree as when they are parsed one after the other. Only files without errors
//! are: whatever a piece does not get through is parsed whole, by [`super::recover`], which says what is wrong.

use super::builder::{Builder, Root};
use super::grammar::StartParser;
use super::lexer::{Lexeme, Token};
use super::recover::{closes, opens};
use super::tree::File;
use crate::diagnostic::FileId;

/// A piece has at least so many tokens: fewer are parsed in less time than a thread takes to begin.
const LEAST: usize = 10_000;
/// Into more pieces no file is divided.
const MOST: usize = 16;

/// The tree of a file that has no errors, where it is large enough to be parsed in pieces.
pub(super) fn parse(file: FileId, text: &str, tokens: &[Lexeme]) -> Option<File> {
    let most = (tokens.len() / LEAST).min(MOST);
    if most < 2 {
        return None;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pieces = divide(tokens, most.min(threads))?;
    let parsed: Vec<Option<File>> = std::thread::scope(|scope| {
        let piece = |part| move || piece(file, text, tokens, part);
        let others: Vec<_> = pieces[1..]
            .iter()
            .map(|&part| scope.spawn(piece(part)))
            .collect();
        let first = piece(pieces[0])();
        let others = others.into_iter().map(|other| other.join().ok().flatten());
        std::iter::once(first).chain(others).collect()
    });
    let mut parsed = parsed.into_iter();
    let mut whole = parsed.next()??;
    if whole.decls.is_empty() {
        return None;
    }
    for other in parsed {
        let other = other?;
        // The head of a file is in its first piece.
        if other.package.is_some() || !other.imports.is_empty() {
            return None;
        }
        whole.decls.extend(
            other
                .attributes
                .into_iter()
                .map(super::tree::Decl::Attribute),
        );
        whole.decls.extend(other.decls);
    }
    Some(whole)
}

/// Pieces of about the same size, each of whole declarations; the first token, which says what is parsed, aside.
fn divide(tokens: &[Lexeme], count: usize) -> Option<Vec<&[Lexeme]>> {
    let mut rest = tokens.get(1..)?;
    let mut pieces = Vec::with_capacity(count);
    for left in (2..=count).rev() {
        let wanted = rest.len() / left;
        let mut depth = 0usize;
        let comma = rest.iter().enumerate().position(|(index, lexeme)| {
            if opens(lexeme.token) {
                depth += 1;
            } else if closes(lexeme.token) {
                depth = depth.saturating_sub(1);
            }
            index >= wanted && depth == 0 && lexeme.token == Token::Comma
        });
        let Some(comma) = comma else { break };
        pieces.push(&rest[..comma]);
        rest = &rest[comma + 1..];
    }
    pieces.push(rest);
    (pieces.len() > 1).then_some(pieces)
}

fn piece(file: FileId, text: &str, tokens: &[Lexeme], part: &[Lexeme]) -> Option<File> {
    let mut builder = Builder::new(file, text, tokens, false);
    let part = tokens.iter().take(1).chain(part);
    let part = part.map(|lexeme| (lexeme.start, lexeme.token, lexeme.end));
    let Ok(Root::File(decls)) = StartParser::new().parse(&mut builder, part) else {
        return None;
    };
    let clean = builder.errors.is_empty() && builder.bad_labels.is_empty();
    clean.then(|| builder.finish(decls))
}
