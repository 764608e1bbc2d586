//! The content of string and bytes literals: decoding what is between quotes.

use super::errors::code;
use crate::diagnostic::{Code, Span};

/// The quotes around a literal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Quotes<'s> {
    /// A bytes literal, in single quotes.
    pub(crate) bytes: bool,
    pub(crate) multiline: bool,
    pub(crate) hashes: usize,
    /// What stands before the closing quotes of a multi-line literal, and is removed from the
    /// start of every line.
    pub(crate) indent: &'s str,
}

/// What is wrong with a literal, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) span: Span,
}

impl<'s> Quotes<'s> {
    /// Reads the quotes that `first` begins with; `last` ends with the closing ones.
    pub(crate) fn of(first: &str, last: &'s str) -> Quotes<'s> {
        let hashes = first.bytes().take_while(|&b| b == b'#').count();
        let rest = &first[hashes..];
        let multiline = rest.len() > 3
            && (rest.starts_with("\"\"\"") || rest.starts_with("'''"))
            && matches!(rest.as_bytes()[3], b'\n' | b'\r');
        let mut quotes = Quotes {
            bytes: rest.starts_with('\''),
            multiline,
            hashes,
            indent: "",
        };
        if multiline {
            let text = last
                .get(..last.len().saturating_sub(quotes.width()))
                .unwrap_or("");
            let blank = &text[text.rfind('\n').map_or(0, |n| n + 1)..];
            if blank.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
                quotes.indent = blank.trim_start_matches('\r');
            }
        }
        quotes
    }

    /// The length of the opening or the closing quotes.
    pub(crate) fn width(self) -> usize {
        self.hashes + if self.multiline { 3 } else { 1 }
    }

    /// Decodes `text`, a stretch between quotes and interpolations that begins at byte `offset` of
    /// the file. `first` and `last` say whether it touches the opening and the closing quotes.
    pub(crate) fn decode(
        self,
        text: &str,
        offset: u32,
        first: bool,
        last: bool,
        faults: &mut Vec<Fault>,
    ) -> Vec<u8> {
        let mut decoder = Decoder {
            quotes: self,
            text,
            offset,
            at: 0,
            out: Vec::new(),
            faults,
        };
        decoder.out.reserve(text.len());
        decoder.run(first, last);
        decoder.out
    }
}

struct Decoder<'a, 's> {
    quotes: Quotes<'s>,
    text: &'a str,
    offset: u32,
    at: usize,
    out: Vec<u8>,
    faults: &'a mut Vec<Fault>,
}

impl Decoder<'_, '_> {
    fn run(&mut self, first: bool, last: bool) {
        let bytes = self.text.as_bytes();
        if first && self.quotes.multiline {
            self.at = bytes
                .iter()
                .position(|&b| b == b'\n')
                .map_or(bytes.len(), |n| n + 1);
            self.line_start(last);
        }
        // Whether the last thing read was a line break, and whether it was escaped.
        let mut newline = first && self.quotes.multiline;
        while self.at < bytes.len() {
            let run = bytes[self.at..]
                .iter()
                .position(|&b| matches!(b, b'\\' | b'\r' | b'\n' | 0))
                .unwrap_or(bytes.len() - self.at);
            if run > 0 {
                self.out.extend_from_slice(&bytes[self.at..self.at + run]);
                self.at += run;
                newline = false;
                continue;
            }
            match bytes[self.at] {
                b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.out.push(b'\n');
                    self.line_start(last);
                    newline = true;
                }
                0 => {
                    self.at += 1;
                    self.fault(
                        code::ILLEGAL_CHARACTER,
                        self.at - 1,
                        "a NUL character cannot stand in the text",
                        "write `\\u0000`",
                    );
                }
                _ => {
                    newline = false;
                    self.escape();
                }
            }
        }
        if last && self.quotes.multiline && newline && self.out.last() == Some(&b'\n') {
            self.out.pop();
        }
    }

    fn fault(&mut self, code: Code, at: usize, message: &str, label: &str) {
        let start = self.offset + at as u32;
        self.faults.push(Fault {
            code,
            message: message.to_string(),
            label: label.to_string(),
            span: Span::new(start, (self.offset + self.at as u32).max(start)),
        });
    }

    /// Removes the indentation of a line.
    fn line_start(&mut self, last: bool) {
        let rest = &self.text[self.at..];
        if let Some(stripped) = rest.strip_prefix(self.quotes.indent) {
            self.at = self.text.len() - stripped.len();
            return;
        }
        let blank = rest
            .bytes()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let after = &rest[blank..];
        let empty = blank == 0 && (after.starts_with('\n') || after.starts_with("\r\n"));
        if empty || last && after.is_empty() {
            return;
        }
        let start = self.at;
        self.at += blank;
        self.fault(
            code::MULTILINE_STRING,
            start,
            "a line of a multi-line string must be indented as its closing quotes are",
            "this does not begin with what stands before the closing quotes",
        );
    }

    /// A backslash; whether it begins an escape depends on the number of `#`.
    fn escape(&mut self) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let hashes = &bytes[start + 1..];
        let hashes = hashes
            .iter()
            .take(self.quotes.hashes)
            .take_while(|&&b| b == b'#')
            .count();
        if hashes < self.quotes.hashes {
            self.out.push(b'\\');
            self.at += 1;
            return;
        }
        self.at += 1 + hashes;
        let Some(&kind) = bytes.get(self.at) else {
            return self.unknown_escape(start);
        };
        self.at += 1;
        let quote = if self.quotes.bytes { b'\'' } else { b'"' };
        let byte = match kind {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'/' | b'\\' => kind,
            _ if kind == quote => kind,
            b'u' => return self.code_point(start, 4),
            b'U' => return self.code_point(start, 8),
            b'x' if self.quotes.bytes => {
                return match self.digits(2, 16) {
                    Some(value) => self.out.push(value as u8),
                    None => self.unknown_escape(start),
                };
            }
            b'0'..=b'7' if self.quotes.bytes => {
                self.at -= 1;
                return match self.digits(3, 8).filter(|&v| v < 256) {
                    Some(value) => self.out.push(value as u8),
                    None => self.unknown_escape(start),
                };
            }
            b'\n' if self.quotes.multiline => return self.line_start(false),
            b'\r' if self.quotes.multiline && bytes.get(self.at) == Some(&b'\n') => {
                self.at += 1;
                return self.line_start(false);
            }
            _ => {
                // Not to end inside a character.
                while !self.text.is_char_boundary(self.at) {
                    self.at += 1;
                }
                return self.unknown_escape(start);
            }
        };
        self.out.push(byte);
    }

    fn digits(&mut self, count: usize, base: u32) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        if !digits.bytes().all(|b| (b as char).is_digit(base)) {
            return None;
        }
        self.at += count;
        u32::from_str_radix(digits, base).ok()
    }

    /// `\u` and `\U`; halves of a surrogate pair, as JSON has them, are put together.
    fn code_point(&mut self, start: usize, count: usize) {
        let Some(mut value) = self.digits(count, 16) else {
            return self.unknown_escape(start);
        };
        if (0xD800..0xDC00).contains(&value) {
            let escape = format!("\\{}u", "#".repeat(self.quotes.hashes));
            if self.text[self.at..].starts_with(&escape) {
                self.at += escape.len();
                if let Some(low) = self.digits(4, 16).filter(|v| (0xDC00..0xE000).contains(v)) {
                    value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
                }
            }
        }
        match char::from_u32(value) {
            Some(character) => {
                self.out
                    .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => self.fault(
                code::ESCAPE,
                start,
                "this escape is no Unicode character",
                "half of a surrogate pair, or beyond U+10FFFF",
            ),
        }
    }

    fn unknown_escape(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let message = format!("`{}` is not an escape sequence", text.escape_debug());
        let label = match text.as_bytes().last() {
            Some(b'0'..=b'7' | b'x') if !self.quotes.bytes => {
                "bytes can only be escaped in single quotes; use `\\u` with four digits"
            }
            Some(b'x' | b'u' | b'U') => "too few hexadecimal digits follow",
            _ => "write `\\\\` for a backslash",
        };
        self.fault(code::ESCAPE, start, &message, label);
    }
}
