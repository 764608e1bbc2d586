//! Parsing what is broken.
//!
//! A text without errors is parsed once. Where the parser stops, the tokens are mended and parsed
//! again, until it gets through: first the brackets are balanced, by indentation where they do not
//! match; then, for each error, the smallest part between commas that contains it is replaced:
//! the value of a field, an element, an argument, or else a declaration. So a mistake costs what is
//! between two commas, and mostly less.

use super::MAX_ERRORS;
use super::builder::{Builder, Root};
use super::errors::{self, code};
use super::grammar::StartParser;
use super::lexer::{Lexed, Lexeme, Token};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use lalrpop_util::ParseError;

/// Parses the tokens of a text; `None` where not even mending helped.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    lexed: Lexed,
) -> (Builder<'_>, Option<Root>, Vec<Diagnostic>) {
    let Lexed {
        tokens,
        errors,
        stopped,
        ..
    } = lexed;
    let mut mender = Mender {
        file,
        text,
        tokens,
        errors,
        quiet: stopped,
        stopped,
        balanced: false,
        unclosed_strings: Vec::new(),
    };
    let (mut builder, root) = mender.run();
    let mut errors = std::mem::take(&mut mender.errors);
    errors.append(&mut builder.errors);
    // After `\(` without its `)`, the closing quotes are taken for opening ones.
    errors.retain(|error| {
        let start = error
            .labels
            .first()
            .map_or(0, |label| label.place.span.start);
        !mender.unclosed_strings.iter().any(|&open| {
            let between = text.get(open as usize..start as usize);
            between.is_some_and(|gap| !gap.contains('\n'))
        })
    });
    errors.sort_by_key(|error| error.labels.first().map(|label| label.place.span.start));
    (builder, root, errors)
}

struct Mender<'s> {
    file: FileId,
    text: &'s str,
    tokens: Vec<Lexeme>,
    errors: Vec<Diagnostic>,
    /// Nothing more is to be reported.
    quiet: bool,
    balanced: bool,
    /// Lexing stopped at a limit.
    stopped: bool,
    /// Where interpolations begin that are not closed.
    unclosed_strings: Vec<u32>,
}

impl<'s> Mender<'s> {
    fn run(&mut self) -> (Builder<'s>, Option<Root>) {
        let mut rounds = 0;
        loop {
            let mut builder = Builder::new(self.file, self.text, &self.tokens, self.stopped);
            let mut pulled = 0;
            let tokens = self.tokens.iter().map(|t| {
                pulled += 1;
                (t.start, t.token, t.end)
            });
            let result = StartParser::new().parse(&mut builder, tokens);
            let at = match result {
                Ok(root) => {
                    if rounds < MAX_ERRORS && self.split_labels(&builder.bad_labels) {
                        rounds += 1;
                        continue;
                    }
                    return (builder, Some(root));
                }
                Err(ParseError::UnrecognizedEof { .. }) => self.tokens.len(),
                Err(_) => pulled - 1,
            };
            rounds += 1;
            if !std::mem::replace(&mut self.balanced, true) && self.balance() {
                continue;
            }
            if rounds > 4 * MAX_ERRORS {
                return (builder, None);
            }
            self.mend(at);
        }
    }

    fn report(&mut self, error: Diagnostic) {
        if self.quiet {
            return;
        }
        self.errors.push(error);
        if self.errors.len() >= MAX_ERRORS {
            self.quiet = true;
            let end = self.text.len() as u32;
            let place = Place {
                file: self.file,
                span: Span::new(end, end),
            };
            self.errors.push(errors::too_many(place));
        }
    }

    /// Whether something in these bytes was reported already.
    fn reported(&self, span: Span) -> bool {
        self.errors.iter().any(|error| {
            error.labels.first().is_some_and(|label| {
                let at = label.place.span;
                at.start < span.end && span.start < at.end.max(at.start + 1)
            })
        })
    }

    /// Replaces the part that contains the error at token `at`.
    fn mend(&mut self, at: usize) {
        let at = self.bodiless(at).unwrap_or(at);
        let (open, mut left) = self.enclosing(at);
        let right = self.part_end(at);
        let opening = open.map(|index| self.tokens[index].token);
        let span = self.span_of(left, right);
        // A bracket that was made up was reported as missing.
        let made_up = self
            .tokens
            .get(at)
            .is_some_and(|t| closes(t.token) && t.start == t.end);
        if !self.quiet && !made_up && !self.reported(span) {
            let error = errors::unexpected(self.file, self.text, &self.tokens, at, opening);
            self.report(error);
        }
        if self.complete(at) {
            return;
        }
        // What was replaced already was not at fault: what comes before it is.
        let mended = |token| matches!(token, Token::BadDecl | Token::BadOperand);
        while left + 1 == right && left > 1 && mended(self.tokens[left].token) {
            if self.tokens[left - 1].token != Token::Comma {
                break;
            }
            left = self.enclosing(left - 1).1;
        }
        let in_struct = matches!(opening, None | Some(Token::LeftBrace))
            && self.tokens[0].token == Token::StartFile
            || opening == Some(Token::LeftBrace);
        // Where no commas can be, the part is all that is in the brackets.
        let comma = self.tokens.get(at).is_some_and(|t| t.token == Token::Comma);
        let right = if comma && left + 1 == right && mended(self.tokens[left].token) {
            self.closing_bracket(at)
        } else {
            right
        };
        let imports = open.is_some_and(|index| self.tokens[index - 1].token == Token::Import);
        if imports {
            return self.replace(left, right, Token::BadDecl);
        }
        if !in_struct {
            // A whole element, or what is between two brackets.
            return self.replace(left, right, Token::BadOperand);
        }
        let colon = self.last_colon(left, at.min(right));
        match colon {
            Some(colon)
                if self.tokens.get(colon + 1).map(|t| t.token) != Some(Token::BadOperand) =>
            {
                self.replace(colon + 1, right, Token::BadOperand);
            }
            _ => self.replace(left, right, Token::BadDecl),
        }
    }

    /// If only an operand or a name is missing before token `at`, makes up for it.
    fn complete(&mut self, at: usize) -> bool {
        let ends = self.tokens.get(at).is_none_or(|next| {
            next.token == Token::Comma
                || closes(next.token)
                || next.token == Token::InterpolationMiddle
        });
        let previous = self.tokens[at - 1];
        if !ends {
            return false;
        }
        match previous.token {
            Token::Dot => {
                self.tokens.remove(at - 1);
                true
            }
            token
                if token.is_operator()
                    || matches!(
                        token,
                        Token::Colon
                            | Token::Assign
                            | Token::LeftParen
                            | Token::InterpolationStart
                            | Token::InterpolationMiddle
                    ) =>
            {
                let span = Span::new(previous.end, previous.end);
                self.tokens.insert(at, Lexeme::new(Token::BadOperand, span));
                true
            }
            _ => false,
        }
    }

    /// If the part before the comma before `at` is a comprehension without a body, that comma.
    fn bodiless(&self, at: usize) -> Option<usize> {
        let found = self.tokens.get(at)?;
        if self.tokens[at - 1].token != Token::Comma || !errors::begins_operand(found.token) {
            return None;
        }
        let (_, left) = self.enclosing(at - 1);
        let clause = matches!(self.tokens[left].token, Token::For | Token::If | Token::Try);
        clause.then_some(at - 1)
    }

    /// Where the tokens stand; if there are none, where they would.
    fn span_of(&self, left: usize, right: usize) -> Span {
        if left < right {
            self.tokens[left].span().to(self.tokens[right - 1].span())
        } else {
            let end = self.tokens[left - 1].end;
            Span::new(end, end)
        }
    }

    fn replace(&mut self, left: usize, right: usize, token: Token) {
        let span = self.span_of(left, right);
        self.tokens.splice(left..right, [Lexeme::new(token, span)]);
    }

    /// The innermost bracket open before token `at`, and where the part begins that it lies in.
    fn enclosing(&self, at: usize) -> (Option<usize>, usize) {
        let mut stack: Vec<(Option<usize>, usize)> = vec![(None, 1)];
        for (index, lexeme) in self.tokens[..at].iter().enumerate().skip(1) {
            match lexeme.token {
                token if opens(token) => stack.push((Some(index), index + 1)),
                Token::InterpolationMiddle => {
                    if stack.len() > 1 {
                        stack.pop();
                    }
                    stack.push((Some(index), index + 1));
                }
                token if closes(token) && stack.len() > 1 => {
                    stack.pop();
                }
                Token::Comma => {
                    if let Some(top) = stack.last_mut() {
                        top.1 = index + 1;
                    }
                }
                _ => {}
            }
        }
        stack.pop().unwrap_or((None, 1))
    }

    /// The bracket that closes what token `at` is in.
    fn closing_bracket(&self, at: usize) -> usize {
        let mut end = self.part_end(at);
        while self
            .tokens
            .get(end)
            .is_some_and(|t| t.token == Token::Comma)
        {
            end = self.part_end(end + 1);
        }
        end
    }

    /// Where the part that contains token `at` ends: at a comma or the bracket around it.
    fn part_end(&self, at: usize) -> usize {
        let mut depth = 0usize;
        for (index, lexeme) in self.tokens.iter().enumerate().skip(at) {
            match lexeme.token {
                Token::InterpolationMiddle if depth == 0 => return index,
                token if opens(token) => depth += 1,
                token if closes(token) => {
                    if depth == 0 {
                        return index;
                    }
                    depth -= 1;
                }
                Token::Comma if depth == 0 => return index,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// The last colon of a label between two tokens.
    fn last_colon(&self, left: usize, right: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut colon = None;
        for (index, lexeme) in self.tokens.iter().enumerate().take(right).skip(left) {
            match lexeme.token {
                token if opens(token) => depth += 1,
                token if closes(token) => depth = depth.saturating_sub(1),
                Token::Colon if depth == 0 => colon = Some(index),
                _ => {}
            }
        }
        colon
    }

    /// A label that stretches over lines is mostly a value that lacks its end, and the next field:
    /// `a: 1 +`, line break, `b: 2`. Puts an operand and a comma where the line breaks.
    fn split_labels(&mut self, labels: &[Span]) -> bool {
        let mut split = false;
        for label in labels {
            let from = self.tokens.partition_point(|t| t.start < label.start);
            let to = self.tokens.partition_point(|t| t.end <= label.end);
            let breaks = |index: usize| {
                let (end, start) = (self.tokens[index].end, self.tokens[index + 1].start);
                self.text
                    .get(end as usize..start as usize)
                    .is_some_and(|gap| gap.contains('\n'))
            };
            let Some(last) = (from..to.saturating_sub(1))
                .rev()
                .find(|&index| breaks(index))
            else {
                continue;
            };
            let lexeme = self.tokens[last];
            if !lexeme.token.is_operator() && lexeme.token != Token::Dot {
                continue;
            }
            let end = Span::new(lexeme.end, lexeme.end);
            let operator = &self.text[lexeme.start as usize..lexeme.end as usize];
            let place = Place {
                file: self.file,
                span: lexeme.span(),
            };
            let what = if lexeme.token == Token::Dot {
                "a field name"
            } else {
                "an operand"
            };
            self.report(
                Diagnostic::error(
                    code::MISSING_VALUE,
                    format!("expected {what} after `{operator}`, found the end of the line"),
                )
                .label(place, format!("{what} belongs after this")),
            );
            let missing = if lexeme.token == Token::Dot {
                Token::Ident
            } else {
                Token::BadOperand
            };
            let extra = [Lexeme::new(missing, end), Lexeme::new(Token::Comma, end)];
            if missing == Token::Ident {
                self.tokens
                    .splice(last..last + 1, [Lexeme::new(Token::Comma, end)]);
            } else {
                self.tokens.splice(last + 1..last + 1, extra);
            }
            split = true;
            break;
        }
        split
    }

    /// Makes all brackets match; whether anything had to be changed.
    fn balance(&mut self) -> bool {
        if self.is_balanced() {
            return false;
        }
        let mut out: Vec<Lexeme> = Vec::with_capacity(self.tokens.len() + 8);
        let mut stack: Vec<Opened> = Vec::new();
        let tokens = std::mem::take(&mut self.tokens);
        let mut line_end = 0;
        // The token before was dropped, and what ended with it ends without a comma.
        let mut dropped = false;
        for (index, &lexeme) in tokens.iter().enumerate() {
            let first = index > 0
                && self
                    .text
                    .get(line_end as usize..lexeme.start as usize)
                    .is_some_and(|gap| gap.contains('\n'));
            line_end = lexeme.end;
            if std::mem::take(&mut dropped)
                && lexeme.is_inserted_comma()
                && out.last().is_some_and(|t| !t.token.ends_operand())
            {
                continue;
            }
            let indent = if first {
                Some(self.indent(lexeme.start))
            } else {
                None
            };
            if closes(lexeme.token) || lexeme.token == Token::InterpolationMiddle {
                let Some(matching) = matching(&stack, lexeme.token, indent) else {
                    match stack.last() {
                        Some(opened) if self.same_line(opened.lexeme, lexeme) => {
                            self.report(errors::mismatched(self.file, opened.lexeme, lexeme));
                            out.push(Lexeme::new(closing(opened.lexeme.token), lexeme.span()));
                            stack.pop();
                        }
                        _ => {
                            self.report(errors::unmatched(self.file, lexeme));
                            dropped = true;
                        }
                    }
                    continue;
                };
                while stack.len() > matching + 1 {
                    self.close_missing(&mut out, &mut stack, lexeme.span());
                }
                stack.pop();
                if lexeme.token == Token::InterpolationMiddle {
                    let indent = self.indent(lexeme.start);
                    stack.push(Opened {
                        lexeme,
                        indent,
                        suspect: None,
                    });
                }
                out.push(lexeme);
                continue;
            }
            if let Some(indent) = indent
                && !matches!(lexeme.token, Token::Comma)
            {
                let field = matches!(
                    tokens.get(index + 1).map(|next| next.token),
                    Some(Token::Colon | Token::OptionalMark | Token::RequiredMark)
                );
                for opened in stack.iter_mut().rev() {
                    let inside = match opened.lexeme.token {
                        Token::LeftBrace => indent > opened.indent,
                        // Other brackets go on over lines more freely, but hold no fields.
                        _ if field => indent > opened.indent,
                        _ => indent >= opened.indent,
                    };
                    if inside {
                        break;
                    }
                    opened.suspect.get_or_insert((out.len(), lexeme.span()));
                }
            }
            if opens(lexeme.token) {
                let indent = self.indent(lexeme.start);
                stack.push(Opened {
                    lexeme,
                    indent,
                    suspect: None,
                });
            }
            out.push(lexeme);
        }
        let end = self.text.len() as u32;
        while !stack.is_empty() {
            self.close_missing(&mut out, &mut stack, Span::new(end, end));
        }
        self.tokens = out;
        true
    }

    /// Closes the innermost open bracket: where the indentation first said that it should have been
    /// closed, or else here.
    fn close_missing(&mut self, out: &mut Vec<Lexeme>, stack: &mut Vec<Opened>, here: Span) {
        let Some(opened) = stack.pop() else { return };
        let (mut at, place) = opened.suspect.unwrap_or((out.len(), here));
        // A comma that the end of a line stands for then ends what is closed.
        if out[at - 1].is_inserted_comma() {
            at -= 1;
        }
        if opens_interpolation(opened.lexeme.token) && !self.stopped {
            self.unclosed_strings.push(opened.lexeme.end);
        }
        self.report(errors::unclosed(self.file, opened.lexeme, place));
        let close = closing(opened.lexeme.token);
        let before = out[at - 1].end;
        let span = Span::new(before, before);
        let comma = out
            .get(at)
            .is_some_and(|t| t.token != Token::Comma && !closes(t.token));
        let mut extra = vec![Lexeme::new(close, span)];
        if comma {
            extra.push(Lexeme::new(Token::Comma, span));
        }
        let count = extra.len();
        out.splice(at..at, extra);
        for outer in stack {
            if let Some((suspect, _)) = &mut outer.suspect
                && *suspect >= at
            {
                *suspect += count;
            }
        }
    }

    fn is_balanced(&self) -> bool {
        let mut stack = Vec::new();
        for lexeme in &self.tokens {
            if opens(lexeme.token) {
                stack.push(lexeme.token);
            } else if closes(lexeme.token) || lexeme.token == Token::InterpolationMiddle {
                match stack.pop() {
                    Some(open) if pairs(open, lexeme.token) => {}
                    _ => return false,
                }
                if lexeme.token == Token::InterpolationMiddle {
                    stack.push(lexeme.token);
                }
            }
        }
        stack.is_empty()
    }

    fn same_line(&self, from: Lexeme, to: Lexeme) -> bool {
        let between = self.text.get(from.end as usize..to.start as usize);
        between.is_some_and(|text| !text.contains('\n'))
    }

    /// How far the line that contains the offset is indented.
    fn indent(&self, offset: u32) -> usize {
        let line = self.text[..offset as usize]
            .rfind('\n')
            .map_or(0, |n| n + 1);
        self.text[line..]
            .bytes()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count()
    }
}

/// A bracket that is open while balancing.
struct Opened {
    lexeme: Lexeme,
    /// The indentation of its line.
    indent: usize,
    /// The first token that, by its indentation, should not be inside.
    suspect: Option<(usize, Span)>,
}

/// Which open bracket a closing one means. At the start of a line, indentation decides between
/// several.
fn matching(stack: &[Opened], close: Token, indent: Option<usize>) -> Option<usize> {
    let mut candidates = stack
        .iter()
        .enumerate()
        .rev()
        .take_while(|(_, opened)| {
            // What is inside a string does not end what is outside, unless a line says so.
            close == Token::InterpolationEnd
                || close == Token::InterpolationMiddle
                || indent.is_some()
                || !opens_interpolation(opened.lexeme.token)
        })
        .filter(|(_, opened)| pairs(opened.lexeme.token, close))
        .map(|(index, opened)| (index, opened.indent));
    let (nearest, inner) = candidates.next()?;
    match indent {
        Some(indent) if inner > indent => {
            let aligned = candidates.find(|&(_, outer)| outer == indent);
            Some(aligned.map_or(nearest, |(index, _)| index))
        }
        _ => Some(nearest),
    }
}

pub(super) fn opens(token: Token) -> bool {
    matches!(
        token,
        Token::LeftBrace | Token::LeftBracket | Token::LeftParen | Token::InterpolationStart
    )
}

fn opens_interpolation(token: Token) -> bool {
    matches!(
        token,
        Token::InterpolationStart | Token::InterpolationMiddle
    )
}

pub(super) fn closes(token: Token) -> bool {
    matches!(
        token,
        Token::RightBrace | Token::RightBracket | Token::RightParen | Token::InterpolationEnd
    )
}

fn closing(open: Token) -> Token {
    match open {
        Token::LeftBrace => Token::RightBrace,
        Token::LeftBracket => Token::RightBracket,
        Token::LeftParen => Token::RightParen,
        _ => Token::InterpolationEnd,
    }
}

fn pairs(open: Token, close: Token) -> bool {
    match close {
        Token::RightBrace => open == Token::LeftBrace,
        Token::RightBracket => open == Token::LeftBracket,
        Token::RightParen => open == Token::LeftParen,
        _ => opens_interpolation(open),
    }
}
