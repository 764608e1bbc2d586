//! Trees and source text in canonical form.
//!
//! One walk over the tree serves both. Without a source ([`print`]) it spells every token itself;
//! with one ([`format`]) it takes the tokens from the [`cursor`], which also knows the comments
//! between them and where the source breaks its lines. The [`layout`] decides about space.

mod cursor;
mod expr;
mod layout;
mod quote;
mod walk;

use super::errors::code;
use super::lexer::{Lexed, Lexeme, Token, lex};
use super::literal::Quotes;
use super::tree::File;
use crate::diagnostic::{Code, FileId, Span};
use cursor::Cursor;
use walk::Walker;

/// See [`super::print`].
pub(super) fn print(file: &File) -> String {
    let mut walker = Walker::new(None, Vec::new());
    walker.file(file);
    let text = walker.finish();
    if text == "\n" { String::new() } else { text }
}

/// See [`super::format`].
pub(super) fn format(text: &str) -> Option<String> {
    let (mut out, mut sound) = format_once(text)?;
    // Around errors, new line breaks can change what is thought to belong together.
    for _ in 0..3 {
        if sound {
            return Some(out);
        }
        let (again, _) = format_once(&out)?;
        sound = again == out;
        out = again;
    }
    sound.then_some(out)
}

/// Formats a text, and says whether it was without errors, so that doing it again changes nothing.
fn format_once(text: &str) -> Option<(String, bool)> {
    let file = FileId(0);
    let Lexed {
        tokens,
        comments,
        stopped,
        ..
    } = lex(file, text, Token::StartFile);
    if stopped {
        return None;
    }
    let parsed = super::parse(file, text);
    let faults: Vec<Span> = parsed
        .errors
        .iter()
        .filter(|error| is_structural(error.code))
        .flat_map(|error| error.labels.iter().map(|label| label.place.span))
        .collect();
    let sound = faults.is_empty();
    let cursor = Cursor::new(text, &tokens, comments.clone());
    let mut walker = Walker::new(Some(cursor), faults);
    walker.file(&parsed.file);
    let out = walker.finish();
    let kept = keeps_everything(text, &tokens, &comments, &out)
        && (!parsed.errors.is_empty() || super::parse(file, &out).errors.is_empty());
    kept.then_some((out, sound))
}

/// Whether an error leaves a hole in the tree.
fn is_structural(code: Code) -> bool {
    ![code::RESERVED_NAME, code::EXPERIMENT, code::OTHERWISE].contains(&code)
}

/// Whether formatted text has the same tokens and the same comments. Commas and braces aside, which
/// formatting may add or take away; literals may be spelt anew.
fn keeps_everything(text: &str, tokens: &[Lexeme], comments: &[Span], out: &str) -> bool {
    let after = lex(FileId(0), out, Token::StartFile);
    let slice =
        |text: &'_ str, span: Span| text[span.start as usize..span.end as usize].to_string();
    let before = significant(tokens);
    let same = |a: &Lexeme, b: &Lexeme| {
        let (one, two) = (slice(text, a.span()), slice(out, b.span()));
        one == two
            || match (a.token, b.token) {
                (Token::Number, Token::Number) => quote::number(&one) == quote::number(&two),
                (Token::String, Token::String) => decoded(&one) == decoded(&two),
                (Token::Fallback, Token::Fallback) => true,
                _ => false,
            }
    };
    let now = significant(&after.tokens);
    before.len() == now.len()
        && before.iter().zip(&now).all(|(a, b)| same(a, b))
        && comments.len() == after.comments.len()
        && comments
            .iter()
            .zip(&after.comments)
            .all(|(a, b)| slice(text, *a) == slice(out, *b))
}

/// The tokens that formatting must keep.
fn significant(tokens: &[Lexeme]) -> Vec<Lexeme> {
    let mut kept: Vec<Lexeme> = Vec::with_capacity(tokens.len());
    let mut alias = false;
    for lexeme in tokens {
        match lexeme.token {
            Token::Comma | Token::LeftBrace | Token::RightBrace => {}
            // `~X` becomes `~(X)`.
            Token::LeftParen if kept.last().is_some_and(|t| t.token == Token::Tilde) => {
                alias = true
            }
            Token::RightParen if std::mem::take(&mut alias) => {}
            _ => kept.push(*lexeme),
        }
    }
    kept
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let quotes = Quotes::of(text, text);
    let content = text.get(quotes.width()..text.len().checked_sub(quotes.width())?)?;
    let mut faults = Vec::new();
    let decoded = quotes.decode(content, 0, true, true, &mut faults);
    faults.is_empty().then_some(decoded)
}
