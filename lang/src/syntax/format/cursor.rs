//! The source while it is being formatted: its tokens and comments in order, and the space between.

use super::layout::Gap;
use crate::diagnostic::Span;
use crate::syntax::lexer::{Lexeme, Token};

/// A place in a source between two of its tokens.
pub(crate) struct Cursor<'s> {
    text: &'s str,
    tokens: Vec<Lexeme>,
    comments: Vec<Span>,
    token: usize,
    comment: usize,
    /// Where the last token or comment ended.
    end: u32,
    /// What was taken last is a comment that ended a line.
    line_comment: bool,
}

/// A comment that is next.
pub(crate) struct Comment<'s> {
    pub(crate) text: &'s str,
    pub(crate) gap: Gap,
    /// It stands directly above a token, or above a comment that does.
    pub(crate) doc: bool,
}

impl<'s> Cursor<'s> {
    /// Commas that the end of a line stands for are not kept.
    pub(crate) fn new(text: &'s str, tokens: &[Lexeme], comments: Vec<Span>) -> Cursor<'s> {
        let tokens = tokens
            .iter()
            .skip(1)
            .filter(|t| !t.is_inserted_comma())
            .copied()
            .collect();
        Cursor {
            text,
            tokens,
            comments,
            token: 0,
            comment: 0,
            end: 0,
            line_comment: false,
        }
    }

    pub(crate) fn slice(&self, span: Span) -> &'s str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn gap(&self, to: u32) -> Gap {
        let between = self.text.get(self.end as usize..to as usize).unwrap_or("");
        match between.bytes().filter(|&b| b == b'\n').count() {
            0 if between.is_empty() => Gap::None,
            0 => Gap::Blank,
            1 => Gap::Line,
            _ => Gap::Section,
        }
    }

    /// The index of the next token that is no comma.
    fn index(&self) -> usize {
        let commas = self.tokens[self.token..]
            .iter()
            .take_while(|t| t.token == Token::Comma)
            .count();
        self.token + commas
    }

    /// The next token that is no comma.
    pub(crate) fn peek(&self) -> Option<Lexeme> {
        self.tokens.get(self.index()).copied()
    }

    /// Passes over commas that stand before the offset.
    fn skip_commas(&mut self, before: u32) {
        while let Some(next) = self.tokens.get(self.token)
            && next.token == Token::Comma
            && next.start < before
        {
            self.end = next.end;
            self.token += 1;
        }
    }

    /// The space before the next token that is no comma, or before the next comment.
    pub(crate) fn next_gap(&mut self) -> Gap {
        let next = self.peek().map_or(self.text.len() as u32, |t| t.start);
        let next = self
            .comments
            .get(self.comment)
            .map_or(next, |c| next.min(c.start));
        self.skip_commas(next);
        self.gap(next)
    }

    /// Takes the next token that is no comma.
    pub(crate) fn take(&mut self) -> Option<(Lexeme, &'s str, Gap)> {
        let lexeme = self.peek()?;
        self.skip_commas(lexeme.start);
        let gap = self.gap(lexeme.start);
        self.token += 1;
        self.end = lexeme.end;
        self.line_comment = false;
        Some((lexeme, self.slice(lexeme.span()), gap))
    }

    /// Takes the next comment if it stands before the next token; with `same_line` only if it
    /// stands on the line of what is before it.
    pub(crate) fn take_comment(&mut self, same_line: bool) -> Option<Comment<'s>> {
        let span = *self.comments.get(self.comment)?;
        let next = self.peek().map(|t| t.start);
        if next.is_some_and(|next| next < span.start) {
            return None;
        }
        self.skip_commas(span.start);
        let gap = self.gap(span.start);
        if same_line && gap > Gap::Blank {
            return None;
        }
        self.comment += 1;
        self.end = span.end;
        let doc = gap > Gap::Blank && self.above_token(next);
        // Comments that begin below one at the end of a line are set off from it, unless they are
        // about what follows.
        let below = std::mem::replace(&mut self.line_comment, self.token > 0 && gap <= Gap::Blank);
        let opened = self.token > 0 && opens(self.tokens[self.token - 1].token);
        let gap = if below && gap == Gap::Line && (!doc || opened) {
            Gap::Section
        } else {
            gap
        };
        Some(Comment {
            text: self.slice(span),
            gap,
            doc,
        })
    }

    /// Whether the comments that follow without an empty line lead to the token at `next`.
    fn above_token(&self, next: Option<u32>) -> bool {
        let mut end = self.end;
        let lines = |from: u32, to: u32| {
            self.text[from as usize..to as usize]
                .bytes()
                .filter(|&b| b == b'\n')
                .count()
        };
        for comment in &self.comments[self.comment..] {
            if next.is_some_and(|next| next < comment.start) {
                break;
            }
            if lines(end, comment.start) > 1 {
                return false;
            }
            end = comment.end;
        }
        next.is_some_and(|next| lines(end, next) == 1)
    }

    /// Whether comments stand directly above the next token.
    pub(crate) fn has_doc(&self) -> bool {
        let Some(next) = self.peek().map(|t| t.start) else {
            return false;
        };
        let waiting = &self.comments[self.comment..];
        let count = waiting.iter().take_while(|c| c.start < next).count();
        let Some(last) = waiting[..count].last() else {
            return false;
        };
        self.text[last.end as usize..next as usize]
            .bytes()
            .filter(|&b| b == b'\n')
            .count()
            == 1
    }

    /// Whether a comment stands before the next token.
    pub(crate) fn has_comment(&self) -> bool {
        let next = self.peek().map_or(u32::MAX, |t| t.start);
        self.comments
            .get(self.comment)
            .is_some_and(|c| c.start < next)
    }

    /// Whether a comment after the offset belongs to what ends there: it stands on the same line, or
    /// does not lead to the next token.
    pub(crate) fn comment_after(&self, offset: u32) -> bool {
        let index = self.tokens.partition_point(|t| t.start < offset);
        let next = self.tokens[index..]
            .iter()
            .find(|t| t.token != Token::Comma);
        let leads = next.is_some_and(|t| !closes(t.token));
        let next = next.map_or(self.text.len() as u32, |t| t.start);
        let lines = |from: u32, to: u32| {
            self.text[from as usize..to as usize]
                .bytes()
                .filter(|&b| b == b'\n')
                .count()
        };
        let first = self.comments.partition_point(|c| c.start < offset);
        let mut end = None;
        for comment in self.comments[first..].iter().take_while(|c| c.start < next) {
            match end {
                None if lines(offset, comment.start) == 0 => return true,
                Some(end) if lines(end, comment.start) > 1 => return true,
                _ => {}
            }
            end = Some(comment.end);
        }
        end.is_some_and(|end| !leads || lines(end, next) > 1)
    }

    pub(crate) fn on_one_line(&self, span: Span) -> bool {
        !self.slice(span).contains('\n')
    }

    /// Whether a comma is written before the token or node that begins at the offset.
    pub(crate) fn comma_before(&self, offset: u32) -> bool {
        let index = self.tokens.partition_point(|t| t.start < offset);
        index > 0 && self.tokens[index - 1].token == Token::Comma
    }

    /// Takes everything up to the offset as it is: text that cannot be formatted.
    pub(crate) fn take_verbatim(&mut self, until: u32) -> Option<(&'s str, Gap)> {
        let until = until.min(self.text.len() as u32);
        let start = self.peek().map_or(until, |t| t.start);
        let start = self
            .comments
            .get(self.comment)
            .map_or(start, |c| start.min(c.start));
        if start >= until {
            return None;
        }
        self.skip_commas(start);
        let gap = self.gap(start);
        while self.tokens.get(self.token).is_some_and(|t| t.start < until) {
            self.token += 1;
        }
        while self
            .comments
            .get(self.comment)
            .is_some_and(|c| c.start < until)
        {
            self.comment += 1;
        }
        // The comma after it is the layout's.
        let mut until = until;
        if let Some(last) = self.tokens[..self.token].last()
            && last.token == Token::Comma
            && self.comments[..self.comment]
                .last()
                .is_none_or(|c| c.end <= last.start)
        {
            until = last.start;
        }
        let text = self.text.get(start as usize..until as usize)?.trim_end();
        self.end = start + text.len() as u32;
        Some((text, gap))
    }

    /// Whether the last token taken is a closing brace or bracket.
    pub(crate) fn last_is_bracket(&self) -> bool {
        let last = self.tokens[..self.token]
            .iter()
            .rev()
            .find(|t| t.token != Token::Comma);
        last.is_some_and(|t| matches!(t.token, Token::RightBrace | Token::RightBracket))
    }

    /// The tokens from here on, to look ahead.
    pub(crate) fn rest(&self) -> &[Lexeme] {
        &self.tokens[self.token..]
    }
}

fn opens(token: Token) -> bool {
    matches!(
        token,
        Token::LeftBrace | Token::LeftBracket | Token::LeftParen
    )
}

fn closes(token: Token) -> bool {
    matches!(
        token,
        Token::RightBrace | Token::RightBracket | Token::RightParen
    )
}
