//! Text to tokens.
//!
//! logos recognises the tokens that a regular expression can describe; everything that depends on
//! context is in the wrapper, [`lex`]:
//!
//! - **Commas.** A line that ends in an operand, a closing bracket, `?` or `...` gets a comma, unless
//!   the next line starts with `,` or `:`. An inserted comma is an empty span after that token.
//! - **Strings.** logos finds the opening quotes, the wrapper the end. A string with interpolations
//!   becomes [`Token::InterpolationStart`], the tokens of the expression, [`Token::InterpolationMiddle`],
//!   …, [`Token::InterpolationEnd`]; a stack of open brackets says which `)` resumes a string.
//! - **Attributes** are one token each; their content only has to balance.
//! - **Keywords** are keywords only where they can be: `for`, `if`, `let`, `try` at the start of a
//!   declaration, an element or a clause; `in` after a name; `else` and `fallback` after `}`;
//!   `package` and `import` at the head of a file. Anywhere else they are identifiers. `?` and `!`
//!   before a `:` become marks of a label.
//! - **Depth.** Everything that makes the parser's stack grow is counted while lexing, and lexing
//!   stops at [`MAX_DEPTH`]: 100 MB of `[` cost no more than 500 of them.
//!
//! **Invariant:** tokens and comments lie in the order of the text and do not overlap; what is
//! between them is blank, or a character that was reported as an error.

use super::errors::{self, code};
use super::{MAX_DEPTH, MAX_ERRORS};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use logos::Logos;
use regex::Regex;
use std::sync::LazyLock;

/// The kind of a token. Variants without a pattern are made by the wrapper.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r]+")]
pub(crate) enum Token {
    #[regex(r"\n[ \t\r\n]*")]
    Newline,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,

    #[regex(r"[A-Za-z$_][A-Za-z0-9_$]*|_?#([A-Za-z$_][A-Za-z0-9_$]*)?")]
    Ident,
    #[regex(r"[^\x00-\x7F]")]
    NonAscii,
    #[regex(r"[0-9][0-9_]*(\.[0-9_]*)?([eE][+-]?[0-9_]+|[KMGTP]i?)?")]
    #[regex(r"\.[0-9][0-9_]*([eE][+-]?[0-9_]+|[KMGTP]i?)?")]
    #[regex(r"0[xX][0-9A-Fa-f_]*|0b[01_]*|0o[0-7_]*")]
    Number,
    #[regex(r##"#*("|'|"""|''')"##)]
    Quote,
    #[regex(r"@[A-Za-z0-9_$]*")]
    Attribute,

    #[token("null")]
    Null,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("if")]
    If,
    #[token("let")]
    Let,
    #[token("try")]
    Try,
    #[token("else")]
    Else,
    #[token("fallback")]
    #[token("otherwise")]
    Fallback,
    #[token("package")]
    Package,
    #[token("import")]
    Import,

    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("(")]
    LeftParen,
    #[token(")")]
    RightParen,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("...")]
    Ellipsis,
    #[token("?")]
    Question,
    #[token("~")]
    Tilde,
    #[token("=")]
    Assign,
    #[token("_|_")]
    Bottom,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("&")]
    And,
    #[token("|")]
    Or,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("==")]
    Equal,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("=~")]
    Match,
    #[token("!~")]
    NotMatch,
    #[token("!")]
    Not,

    /// A whole string or bytes literal.
    String,
    /// `"text \(`.
    InterpolationStart,
    /// `) text \(`.
    InterpolationMiddle,
    /// `) text"`.
    InterpolationEnd,
    /// `?` before a colon.
    OptionalMark,
    /// `!` before a colon.
    RequiredMark,
    /// Stands for an operand that could not be read.
    BadOperand,
    /// Stands for a declaration that could not be read.
    BadDecl,
    /// Tells the grammar to expect a file.
    StartFile,
    /// Tells the grammar to expect one expression.
    StartExpr,
}

impl Token {
    /// Whether a line that ends in this token ends an element: a comma is inserted after it, and
    /// what follows directly cannot be an operand.
    pub(crate) fn ends_operand(self) -> bool {
        use Token::*;
        match self {
            Ident | Number | Attribute | Null | True | False | For | In | If | Let | Try | Else
            | Fallback | Package | Import | RightBrace | RightBracket | RightParen | Ellipsis
            | Question | Bottom | String | InterpolationEnd | BadOperand | BadDecl
            | OptionalMark => true,
            Newline | Comment | NonAscii | Quote | LeftBrace | LeftBracket | LeftParen | Comma
            | Colon | Dot | Tilde | Assign | Plus | Minus | Star | Slash | And | Or | AndAnd
            | OrOr | Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Match
            | NotMatch | Not | InterpolationStart | InterpolationMiddle | RequiredMark
            | StartFile | StartExpr => false,
        }
    }

    /// Whether the token is an operator that can stand before or between operands.
    pub(crate) fn is_operator(self) -> bool {
        use Token::*;
        matches!(
            self,
            Plus | Minus
                | Star
                | Slash
                | And
                | Or
                | AndAnd
                | OrOr
                | Equal
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | Match
                | NotMatch
                | Not
        )
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Lexeme {
    pub(crate) fn new(token: Token, span: Span) -> Lexeme {
        Lexeme {
            token,
            start: span.start,
            end: span.end,
        }
    }

    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    /// Whether this is a comma that the end of a line stands for.
    pub(crate) fn is_inserted_comma(self) -> bool {
        self.token == Token::Comma && self.start == self.end
    }
}

/// What [`lex`] makes of a text.
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Lexeme>,
    pub(crate) comments: Vec<Span>,
    pub(crate) errors: Vec<Diagnostic>,
    /// Lexing stopped early because a limit was reached.
    pub(crate) stopped: bool,
}

/// What the wrapper has to know about the quotes of a string.
#[derive(Clone, Copy)]
struct Quotes {
    character: u8,
    multiline: bool,
    hashes: usize,
}

impl Quotes {
    fn width(self) -> usize {
        self.hashes + if self.multiline { 3 } else { 1 }
    }

    /// Whether the closing quotes stand at the start of `rest`.
    fn close(self, rest: &[u8]) -> bool {
        let quotes = self.width() - self.hashes;
        rest.len() >= self.width()
            && rest[..quotes].iter().all(|&b| b == self.character)
            && rest[quotes..self.width()].iter().all(|&b| b == b'#')
    }
}

/// How a stretch of string text ended; the offset is past the ending.
enum Stretch {
    Closed(usize),
    Interpolation(usize),
    Unclosed(usize),
}

#[derive(Clone, Copy)]
enum Open {
    Bracket(Token),
    /// `\(` in a string that began at the offset.
    Interpolation(Quotes, u32),
}

/// An open bracket, and how much nesting the tokens since the last comma inside it add.
struct Frame {
    open: Open,
    weight: usize,
}

struct Lexer<'s> {
    file: FileId,
    text: &'s str,
    logos: logos::Lexer<'s, Token>,
    lexed: Lexed,
    frames: Vec<Frame>,
    /// Nesting outside any bracket.
    top_weight: usize,
    /// The sum of all weights and the number of frames.
    depth: usize,
}

static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}_$]+").expect("a constant pattern"));
static LETTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\p{L}").expect("a constant pattern"));

/// Splits the text of one file into tokens, beginning with `start`.
pub(crate) fn lex(file: FileId, text: &str, start: Token) -> Lexed {
    let mut tokens = Vec::with_capacity(text.len().min(1 << 26) / 5 + 8);
    tokens.push(Lexeme::new(start, Span::default()));
    let mut logos = Token::lexer(text);
    if text.starts_with('\u{feff}') {
        logos.bump('\u{feff}'.len_utf8());
    }
    let mut lexer = Lexer {
        file,
        text,
        logos,
        lexed: Lexed {
            tokens,
            comments: Vec::new(),
            errors: Vec::new(),
            stopped: false,
        },
        frames: Vec::new(),
        top_weight: 0,
        depth: 0,
    };
    lexer.run();
    resolve_keywords(&mut lexer.lexed.tokens);
    lexer.lexed
}

impl<'s> Lexer<'s> {
    fn run(&mut self) {
        while let Some(next) = self.logos.next() {
            match next {
                Ok(token) => self.token(token),
                Err(()) => self.illegal_character(),
            }
            if self.depth > MAX_DEPTH {
                self.too_deep();
                return;
            }
            if self.lexed.errors.len() >= MAX_ERRORS {
                self.lexed.stopped = true;
                self.lexed
                    .errors
                    .push(errors::too_many(self.place(self.span())));
                return;
            }
        }
        self.insert_comma();
    }

    fn too_deep(&mut self) {
        let span = self.last().span();
        self.lexed.stopped = true;
        self.lexed.errors.push(errors::too_deep(self.place(span)));
    }

    fn last(&self) -> Lexeme {
        *self.lexed.tokens.last().expect("the start token is there")
    }

    fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    fn span(&self) -> Span {
        let range = self.logos.span();
        Span::new(range.start as u32, range.end as u32)
    }

    fn push(&mut self, token: Token, span: Span) {
        self.lexed.tokens.push(Lexeme::new(token, span));
    }

    fn error(&mut self, code: crate::diagnostic::Code, span: Span, message: &str, label: &str) {
        let error = Diagnostic::error(code, message).label(self.place(span), label);
        self.lexed.errors.push(error);
    }

    fn token(&mut self, token: Token) {
        use Token::*;
        let span = self.span();
        match token {
            Newline => {
                if !matches!(
                    self.text.as_bytes().get(span.end as usize),
                    Some(b',' | b':')
                ) {
                    self.insert_comma();
                }
            }
            Comment => {
                self.insert_comma();
                let end = self.text[..span.end as usize].trim_end_matches('\r').len() as u32;
                self.lexed.comments.push(Span::new(span.start, end));
            }
            Ident => self.identifier(span),
            NonAscii => {
                if LETTER.is_match(self.logos.slice()) {
                    self.identifier(span);
                } else {
                    self.illegal_character();
                }
            }
            Null | True | False | For | In | If | Let | Try | Else | Fallback | Package
            | Import => {
                if self
                    .logos
                    .remainder()
                    .bytes()
                    .next()
                    .is_some_and(|b| b >= 0x80)
                {
                    self.identifier(span);
                } else {
                    self.push(token, span);
                }
            }
            Number => self.number(span),
            Quote => self.string(span),
            Attribute => self.attribute(span),
            LeftBrace | LeftBracket | LeftParen => {
                self.open(Open::Bracket(token));
                self.push(token, span);
            }
            RightBrace | RightBracket | RightParen => self.close(token, span),
            Comma => {
                self.push(token, span);
                self.reset_weight();
            }
            Colon => {
                self.add_weight();
                self.push(token, span);
            }
            operator if operator.is_operator() => {
                if !self.last().token.ends_operand() {
                    self.add_weight();
                }
                self.push(token, span);
            }
            _ => self.push(token, span),
        }
    }

    /// Ends the element before a line break or a comment.
    fn insert_comma(&mut self) {
        let last = self.last();
        if last.token.ends_operand() {
            self.push(Token::Comma, Span::new(last.end, last.end));
            self.reset_weight();
        }
    }

    fn open(&mut self, open: Open) {
        self.frames.push(Frame { open, weight: 0 });
        self.depth += 1;
    }

    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.depth -= 1 + frame.weight;
        }
    }

    fn add_weight(&mut self) {
        *self
            .frames
            .last_mut()
            .map_or(&mut self.top_weight, |frame| &mut frame.weight) += 1;
        self.depth += 1;
    }

    fn reset_weight(&mut self) {
        let weight = self
            .frames
            .last_mut()
            .map_or(&mut self.top_weight, |frame| &mut frame.weight);
        self.depth -= std::mem::take(weight);
    }

    /// A closing bracket. It ends the innermost bracket of its kind, over others that are still
    /// open but not over an interpolation, so that a mistake in one does not spread.
    fn close(&mut self, token: Token, span: Span) {
        let opening = match token {
            Token::RightBrace => Token::LeftBrace,
            Token::RightBracket => Token::LeftBracket,
            _ => Token::LeftParen,
        };
        let mut matching = None;
        for (index, frame) in self.frames.iter().enumerate().rev() {
            match frame.open {
                Open::Bracket(open) if open == opening => {
                    matching = Some((index, None));
                    break;
                }
                Open::Bracket(_) => {}
                Open::Interpolation(quotes, start) => {
                    if token == Token::RightParen {
                        matching = Some((index, Some((quotes, start))));
                    }
                    break;
                }
            }
        }
        if let Some((index, _)) = matching {
            while self.frames.len() > index {
                self.pop();
            }
        }
        match matching {
            Some((_, Some((quotes, start)))) => {
                if self.last().is_inserted_comma() {
                    self.lexed.tokens.pop();
                }
                self.string_rest(quotes, start, span);
            }
            _ => self.push(token, span),
        }
    }

    fn identifier(&mut self, mut span: Span) {
        let beyond_ascii = |b: u8| b >= 0x80;
        if (self
            .logos
            .remainder()
            .bytes()
            .next()
            .is_some_and(beyond_ascii)
            || self
                .logos
                .slice()
                .bytes()
                .next_back()
                .is_some_and(beyond_ascii))
            && let Some(more) = WORD.find(self.logos.remainder())
        {
            self.logos.bump(more.len());
            span = self.span();
        }
        let name = &self.text[span.start as usize..span.end as usize];
        if name == "__" && self.logos.remainder().starts_with('#') {
            self.error(
                code::ILLEGAL_CHARACTER,
                span,
                "a name cannot begin with `__#`",
                "hidden definitions begin with `_#`",
            );
        }
        self.push(Token::Ident, span);
    }

    fn illegal_character(&mut self) {
        let span = self.span();
        if let Some(last) = self.lexed.errors.last()
            && last.code == code::ILLEGAL_CHARACTER
            && last
                .labels
                .first()
                .is_some_and(|label| label.place.span.end == span.start)
        {
            let end = span.end;
            if let Some(last) = self.lexed.errors.last_mut() {
                last.labels[0].place.span.end = end;
            }
            return;
        }
        let shown: String = self.logos.slice().escape_debug().collect();
        let shown = if shown == "\\u{feff}" {
            "byte order mark".into()
        } else {
            format!("`{shown}`")
        };
        self.error(
            code::ILLEGAL_CHARACTER,
            span,
            &format!("{shown} is not part of the language"),
            "unexpected character",
        );
    }

    fn number(&mut self, mut span: Span) {
        let mut text = self.logos.slice();
        if text.ends_with('.') && self.logos.remainder().starts_with("..") {
            // `1...` is `1` and an ellipsis.
            span.end -= 1;
            text = &text[..text.len() - 1];
            self.restart(span.end);
        }
        match number_fault(text) {
            None => self.push(Token::Number, span),
            Some(fault) => {
                self.error(code::NUMBER, span, fault, "not a number");
                self.push(Token::BadOperand, span);
            }
        }
    }

    /// A string whose opening quotes logos has matched.
    fn string(&mut self, span: Span) {
        let bytes = self.text.as_bytes();
        let opening = &bytes[span.start as usize..span.end as usize];
        let hashes = opening.iter().take_while(|&&b| b == b'#').count();
        let quotes = Quotes {
            character: opening[hashes],
            multiline: opening.len() - hashes == 3,
            hashes,
        };
        if quotes.multiline {
            let rest = &bytes[span.end as usize..];
            if hashes > 0 && rest.len() >= hashes && rest[..hashes].iter().all(|&b| b == b'#') {
                // `#"""#` is the one-line string of one quote.
                self.logos.bump(hashes);
                return self.push(Token::String, self.span());
            }
            if !matches!(rest, [b'\n', ..] | [b'\r', b'\n', ..]) {
                self.error(
                    code::MULTILINE_STRING,
                    span,
                    "the text of a multi-line string begins on the next line",
                    "expected a line break after these quotes",
                );
                self.push(Token::BadOperand, span);
                // The rest of the line is probably meant as the string.
                let line = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                return self.logos.bump(line);
            }
        }
        self.string_stretch(quotes, span.start, span.start, Token::String);
    }

    /// The rest of a string after the `)` of an interpolation.
    fn string_rest(&mut self, quotes: Quotes, start: u32, paren: Span) {
        self.string_stretch(quotes, start, paren.start, Token::InterpolationEnd);
    }

    fn string_stretch(&mut self, quotes: Quotes, start: u32, from: u32, whole: Token) {
        let bytes = self.text.as_bytes();
        let position = self.logos.span().end;
        let continued = whole == Token::InterpolationEnd;
        let (end, token) = match scan_string(bytes, position, quotes, continued) {
            Stretch::Closed(end) => (end, whole),
            Stretch::Interpolation(end) => {
                self.open(Open::Interpolation(quotes, start));
                let token = if continued {
                    Token::InterpolationMiddle
                } else {
                    Token::InterpolationStart
                };
                (end, token)
            }
            Stretch::Unclosed(end) => {
                let opening = Span::new(start, start + quotes.width() as u32);
                let kind = if quotes.character == b'"' {
                    "string"
                } else {
                    "bytes literal"
                };
                self.error(
                    code::UNCLOSED_STRING,
                    opening,
                    &format!("this {kind} is not closed"),
                    &format!("no closing `{}` follows", quotes_text(quotes)),
                );
                (
                    end,
                    if continued {
                        Token::InterpolationEnd
                    } else {
                        Token::BadOperand
                    },
                )
            }
        };
        self.logos.bump(end - position);
        self.push(token, Span::new(from, end as u32));
    }

    /// `@name(…)`: one token, whatever is between the parentheses.
    fn attribute(&mut self, span: Span) {
        let (tokens, comments) = (self.lexed.tokens.len(), self.lexed.comments.len());
        let mut open: Vec<Token> = Vec::new();
        let mut end = span.end;
        let mut fault = Some("`(` expected after the name of an attribute");
        while let Some(next) = self.logos.next() {
            let inner = self.span();
            if open.is_empty() && next != Ok(Token::LeftParen) {
                self.restart(inner.start);
                break;
            }
            match next {
                Ok(bracket @ (Token::LeftParen | Token::LeftBrace | Token::LeftBracket)) => {
                    open.push(bracket);
                    fault = Some("this attribute is not closed");
                }
                Ok(Token::RightParen | Token::RightBrace | Token::RightBracket) => {
                    open.pop();
                }
                Ok(Token::Quote) => {
                    self.string(inner);
                    if self.last().token == Token::InterpolationStart {
                        self.pop();
                        fault = Some("an attribute cannot contain an interpolation");
                        break;
                    }
                }
                Ok(_) => {}
                Err(()) => self.illegal_character(),
            }
            end = self.logos.span().end as u32;
            if open.is_empty() {
                fault = None;
                break;
            }
            if self.depth + open.len() > MAX_DEPTH {
                self.depth += open.len();
                break;
            }
        }
        self.lexed.tokens.truncate(tokens);
        self.lexed.comments.truncate(comments);
        if let Some(fault) = fault {
            self.error(
                code::ATTRIBUTE,
                span,
                fault,
                "attributes are written `@name(content)`",
            );
            // The rest of the file is hardly meant as its content.
            let rest = &self.text[span.end as usize..end.max(span.end) as usize];
            let line = rest.find('\n').unwrap_or(rest.len());
            end = span.end + rest[..line].trim_end().len() as u32;
            self.restart(end);
        }
        self.push(Token::Attribute, Span::new(span.start, end));
    }

    /// Continues lexing at `offset`, which logos has already passed.
    fn restart(&mut self, offset: u32) {
        self.logos = Token::lexer(self.text);
        self.logos.bump(offset as usize);
    }
}

/// The closing quotes, for messages.
fn quotes_text(quotes: Quotes) -> String {
    let quote = (quotes.character as char).to_string();
    quote.repeat(quotes.width() - quotes.hashes) + &"#".repeat(quotes.hashes)
}

/// Finds the end of string text from `position` on. `continued` says that it goes on after an
/// interpolation, so that a multi-line string does not begin at the start of a line.
fn scan_string(bytes: &[u8], position: usize, quotes: Quotes, continued: bool) -> Stretch {
    let mut at = position;
    let mut line_start = quotes.multiline && !continued;
    if line_start {
        // The opening line.
        at += bytes[at..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(0, |n| n + 1);
    }
    while at < bytes.len() {
        if line_start {
            line_start = false;
            let blank = bytes[at..]
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
                .count();
            if quotes.close(&bytes[at + blank..]) {
                return Stretch::Closed(at + blank + quotes.width());
            }
        }
        match bytes[at] {
            b'\n' if quotes.multiline => line_start = true,
            b'\n' => return Stretch::Unclosed(at),
            b'\\' => {
                let escape = &bytes[at + 1..];
                if escape.len() > quotes.hashes
                    && escape[..quotes.hashes].iter().all(|&b| b == b'#')
                {
                    at += 1 + quotes.hashes;
                    match bytes[at] {
                        b'(' => return Stretch::Interpolation(at + 1),
                        b'\n' => continue,
                        _ => {}
                    }
                }
            }
            byte if byte == quotes.character && !quotes.multiline && quotes.close(&bytes[at..]) => {
                return Stretch::Closed(at + quotes.width());
            }
            _ => {}
        }
        at += 1;
    }
    Stretch::Unclosed(bytes.len())
}

/// What is wrong with a number that has roughly the right form.
fn number_fault(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if bytes.contains(&b'_') {
        let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_hexdigit);
        let misplaced = (0..bytes.len()).any(|i| {
            bytes[i] == b'_' && !(digit(i + 1) && (digit(i - 1) || i == 2 && bytes[0] == b'0'))
        });
        if misplaced {
            return Some("`_` in a number must stand between digits");
        }
    }
    if bytes[0] != b'0' || bytes.len() == 1 {
        return None;
    }
    match bytes[1] {
        b'x' | b'X' if bytes.len() == 2 => Some("`0x` must be followed by hexadecimal digits"),
        b'b' if bytes.len() == 2 => Some("`0b` must be followed by binary digits"),
        b'o' if bytes.len() == 2 => Some("`0o` must be followed by octal digits"),
        b'0'..=b'9' | b'_' if !bytes.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => {
            Some("a whole number cannot begin with `0`; octal numbers begin with `0o`")
        }
        _ => None,
    }
}

/// Decides for each keyword whether it is one where it stands.
fn resolve_keywords(tokens: &mut [Lexeme]) {
    use Token::*;
    let mut prelude = tokens.first().is_some_and(|t| t.token == StartFile);
    let mut begun = false;
    let mut depth = 0usize;
    for i in 1..tokens.len() {
        let token = tokens[i].token;
        if prelude && depth == 0 && matches!(tokens[i - 1].token, Comma | StartFile) {
            prelude = matches!(token, Attribute | Package | Import);
        }
        match token {
            LeftParen | LeftBrace | LeftBracket => depth += 1,
            RightParen | RightBrace | RightBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !matches!(
            token,
            Null | True
                | False
                | For
                | In
                | If
                | Let
                | Try
                | Else
                | Fallback
                | Package
                | Import
                | Question
                | Not
        ) {
            continue;
        }
        let before = tokens[i - 1].token;
        let after = tokens.get(i + 1).map(|t| t.token);
        let then = tokens.get(i + 2).map(|t| t.token);
        // A keyword directly after an operand can only begin a clause.
        let clause = match before {
            Comma | LeftBrace | LeftBracket | StartFile => true,
            // After these, an operand or a name follows.
            For | In | If | Let => false,
            other => other.ends_operand(),
        };
        let head = prelude && depth == 0 && matches!(before, Comma | StartFile);
        let keyword = match token {
            Null | True | False => before != Dot,
            For => clause && after.is_some_and(is_name),
            Let => clause && after.is_some_and(is_name),
            If => clause && begins_condition(after, then),
            Try => clause && matches!(after, Some(LeftBrace | Ident | For | If | Let)),
            In => before == Ident && after.is_some_and(|t| t != Colon && t != Comma),
            Else | Fallback => before == RightBrace,
            // The clause comes first; a second one is refused as such.
            Package => head && (!begun || matches!(after, Some(Ident | Comma))),
            Import => head,
            Question => {
                if after == Some(Colon) {
                    tokens[i].token = OptionalMark;
                }
                continue;
            }
            _ => {
                if after == Some(Colon) {
                    tokens[i].token = RequiredMark;
                }
                continue;
            }
        };
        begun |= keyword && matches!(token, Package | Import);
        if !keyword {
            tokens[i].token = Ident;
            prelude &= !head;
        }
    }
}

/// Whether a token can be the name a clause declares.
fn is_name(token: Token) -> bool {
    use Token::*;
    matches!(token, Ident | Package | Import)
}

/// Whether what follows an `if` makes it a clause and not the name of a field.
fn begins_condition(after: Option<Token>, then: Option<Token>) -> bool {
    use Token::*;
    match after {
        None
        | Some(
            Colon | Assign | Question | Comma | Tilde | Dot | RightBracket | RightBrace
            | RightParen | InterpolationEnd | InterpolationMiddle,
        ) => false,
        Some(Not) => then != Some(Colon),
        Some(_) => true,
    }
}
