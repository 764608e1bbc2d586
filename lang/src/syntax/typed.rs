//! What stands before a place in a text that somebody is typing, for completion.
//!
//! It works on tokens: while one types, there is seldom a tree.

use super::lexer::{self, Lexeme, Token};
use crate::diagnostic::FileId;

/// `a.b.pre` before a place: names, each followed by a dot, and what is typed of the next one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Typed<'t> {
    /// The names before the last dot; none where a name begins.
    pub names: Vec<&'t str>,
    /// What is typed of a name so far.
    pub prefix: &'t str,
}

/// The names that end at an offset; `None` in comments and strings, and behind a dot that
/// follows something other than names.
pub fn typed(text: &str, offset: u32) -> Option<Typed<'_>> {
    let lexed = lexer::lex(FileId(0), text, Token::StartFile);
    let comment = |span: &crate::diagnostic::Span| span.start < offset && offset <= span.end;
    if lexed.comments.iter().any(comment) {
        return None;
    }
    let source = |lexeme: &Lexeme| &text[lexeme.start as usize..lexeme.end as usize];
    let mut tokens: Vec<&Lexeme> = (lexed.tokens.iter())
        .take_while(|lexeme| lexeme.start < offset)
        .filter(|lexeme| lexeme.start < lexeme.end)
        .collect();
    let last = tokens.last()?;
    let quoted = text[last.start as usize..].trim_start_matches('#');
    let quoted = quoted.starts_with(['"', '\'', ')']) && last.token != Token::RightParen;
    // The end of an unclosed one is inside of it.
    if quoted && (offset < last.end || !closed(last.token, source(last))) {
        return None;
    }
    let mut prefix = "";
    if word(source(last)) && offset <= last.end {
        prefix = &text[last.start as usize..offset as usize];
        tokens.pop();
    }
    let mut names = Vec::new();
    let mut next = offset - prefix.len() as u32;
    while let Some(dot) = tokens.pop_if(|lexeme| lexeme.token == Token::Dot) {
        // A dot may stand at the start of the next line, but not a name behind it.
        if dot.end != next {
            return None;
        }
        let name = tokens.pop().filter(|lexeme| word(source(lexeme)))?;
        next = name.start;
        names.push(source(name));
    }
    names.reverse();
    Some(Typed { names, prefix })
}

fn word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$' | '#'))
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
}

/// Whether a string literal has its closing quotes, or opens an interpolation.
fn closed(token: Token, text: &str) -> bool {
    let inner = text.trim_matches('#');
    match token {
        Token::InterpolationStart | Token::InterpolationMiddle => true,
        _ => inner.len() > 1 && inner.ends_with(['"', '\'']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is typed before `|` in a text.
    fn at(text: &str) -> Option<(String, String)> {
        let offset = text.find('|').expect("a place") as u32;
        let text = text.replacen('|', "", 1);
        let typed = typed(&text, offset)?;
        Some((typed.names.join("."), typed.prefix.to_owned()))
    }

    fn some(names: &str, prefix: &str) -> Option<(String, String)> {
        Some((names.to_owned(), prefix.to_owned()))
    }

    #[test]
    fn names_before_a_place() {
        assert_eq!(at("x: strings.|"), some("strings", ""));
        assert_eq!(at("x: strings.Sp|lit(1)"), some("strings", "Sp"));
        assert_eq!(at("x: [a.b.#C.|\ny: 1"), some("a.b.#C", ""));
        assert_eq!(at("x: st|"), some("", "st"));
        assert_eq!(at("x: |"), some("", ""));
        assert_eq!(at("x: \"\\(strings.|)\""), some("strings", ""));
        assert_eq!(at("x: \"\\(strings.|"), some("strings", ""));
        assert_eq!(at("x: a.in.f|"), some("a.in", "f"));
        assert_eq!(at("x: f(1).|"), None);
        assert_eq!(at("x: \"strings.|\""), None);
        assert_eq!(at("x: \"strings.|"), None);
        assert_eq!(at("x: \"\"\"\n\tstrings.|\n\t\"\"\""), None);
        assert_eq!(at("x: \"\\(a)strings.|\""), None);
        assert_eq!(at("x: 1 // strings.|\n"), None);
        assert_eq!(at("|"), None);
    }
}
