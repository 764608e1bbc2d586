//! JSON (RFC 8259) and JSON Lines.
//!
//! Reading is strict: no comments, no trailing commas, no key twice in an object (where `cue` lets
//! two equal values pass, a key given twice is always a mistake). Writing is byte for byte what `cue export` and `json.Marshal` write.

use super::json_parts;
use super::sink::Sink;
use super::{
    DUPLICATE_KEY, EXCESSIVE, MALFORMED, MAX_WRITE_DEPTH, Outcome, Read, WriteError, base64,
    error_at, too_deep,
};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use holos_lang::syntax::MAX_DEPTH;
use holos_lang::syntax::tree::{
    Decl, Element, Expr, Field, Label, ListLit, StructLit, Unary, UnaryOp,
};
use holos_lang::value::{Data, Number};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// Reads a file that is one value.
pub fn read(file: FileId, text: &str) -> Read {
    let mut reader = Reader::new(file, text);
    let mut read = Read::default();
    reader.blanks();
    match reader.value(0) {
        Ok(value) => {
            read.documents.push(value);
            reader.blanks();
            if reader.at < text.len() {
                let error = reader.expected("the end of the file, for JSON is one value");
                reader.errors.push(*error);
            }
        }
        Err(error) => reader.errors.push(*error),
    }
    read.errors = reader.errors;
    read
}

/// Reads values that follow one another, with or without line breaks between them.
pub fn read_lines(file: FileId, text: &str) -> Read {
    let mut reader = Reader::new(file, text);
    let mut read = Read::default();
    reader.blanks();
    while reader.at < text.len() {
        match reader.value(0) {
            Ok(value) => read.documents.push(value),
            Err(error) => {
                reader.errors.push(*error);
                break;
            }
        }
        reader.blanks();
    }
    read.errors = reader.errors;
    read
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    names: Names,
    /// What does not keep the rest from being read.
    errors: Vec<Diagnostic>,
}

impl<'t> Reader<'t> {
    fn new(file: FileId, text: &'t str) -> Reader<'t> {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Reader {
            file,
            text,
            at,
            names: Names::default(),
            errors: Vec::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn span(&self, start: usize) -> Span {
        Span::new(start as u32, self.at as u32)
    }

    fn error(&self, code: Code, start: usize, message: impl Into<String>) -> Box<Diagnostic> {
        error_at(code, self.file, self.span(start), message)
    }

    /// Says what should have stood where the reader is.
    fn expected(&self, what: &str) -> Box<Diagnostic> {
        let next = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next());
        let (found, length) = match next {
            Some(c) => (format!("`{}`", c.escape_debug()), c.len_utf8()),
            None => ("the end of the file".into(), 0),
        };
        let span = Span::new(self.at as u32, (self.at + length) as u32);
        let message = format!("expected {what}, found {found}");
        error_at(
            MALFORMED,
            self.file,
            span,
            format!("this is no JSON: {message}"),
        )
    }

    fn value(&mut self, depth: usize) -> Outcome<Expr> {
        let start = self.at;
        if depth >= MAX_DEPTH {
            let message = format!("the JSON nests more than {MAX_DEPTH} deep");
            return Err(self.error(EXCESSIVE, start, message));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let value = self.string()?;
                Ok(Expr::String(value, self.span(start)))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", |span| Expr::Bool(true, span)),
            Some(b'f') => self.word("false", |span| Expr::Bool(false, span)),
            Some(b'n') => self.word("null", Expr::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str, make: impl Fn(Span) -> Expr) -> Outcome<Expr> {
        let start = self.at;
        if !self.text.as_bytes()[start..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(make(self.span(start)))
    }

    fn object(&mut self, depth: usize) -> Outcome<Expr> {
        let start = self.at;
        self.at += 1;
        let mut decls = Vec::new();
        let mut keys = Keys::default();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Expr::Struct(StructLit {
                decls,
                braces: true,
                span: self.span(start),
            }));
        }
        loop {
            let key_start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in quotes"));
            }
            let key = self.string()?;
            let key = self.names.shared(key);
            let key_span = self.span(key_start);
            if let Some(first) = keys.first(&key, key_span, &decls) {
                self.errors
                    .push(duplicate(self.file, &key, key_span, first));
            }
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:`"));
            }
            self.at += 1;
            self.blanks();
            let value = self.value(depth + 1)?;
            decls.push(field(key, key_span, value));
            self.blanks();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.blanks();
                }
                Some(b'}') => {
                    self.at += 1;
                    decls.shrink_to_fit();
                    return Ok(Expr::Struct(StructLit {
                        decls,
                        braces: true,
                        span: self.span(start),
                    }));
                }
                _ => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Outcome<Expr> {
        let start = self.at;
        self.at += 1;
        let mut elements = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Expr::List(ListLit {
                elements,
                ellipsis: None,
                span: self.span(start),
            }));
        }
        loop {
            elements.push(Element::Expr(self.value(depth + 1)?));
            self.blanks();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.blanks();
                }
                Some(b']') => {
                    self.at += 1;
                    elements.shrink_to_fit();
                    return Ok(Expr::List(ListLit {
                        elements,
                        ellipsis: None,
                        span: self.span(start),
                    }));
                }
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn digits(&mut self) -> Outcome<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.expected("a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Outcome<Expr> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let digits = self.at;
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let literal = Expr::Number(self.text[digits..self.at].into(), self.span(digits));
        Ok(if negative {
            negated(literal, start as u32)
        } else {
            literal
        })
    }

    fn string(&mut self) -> Outcome<Arc<str>> {
        let start = self.at;
        self.at += 1;
        let bytes = self.text.as_bytes();
        let length = bytes[self.at..].iter().take_while(|&&b| plain(b)).count();
        if bytes.get(self.at + length) == Some(&b'"') {
            let value = self.text[self.at..self.at + length].into();
            self.at += length + 1;
            return Ok(value);
        }
        let mut value = String::new();
        loop {
            let length = bytes[self.at..].iter().take_while(|&&b| plain(b)).count();
            value.push_str(&self.text[self.at..self.at + length]);
            self.at += length;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value.into());
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(_) => {
                    return Err(
                        self.expected("an escape, for a string has no raw control characters")
                    );
                }
                None => {
                    return Err(self.error(
                        MALFORMED,
                        start,
                        "this is no JSON: the string has no end",
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Outcome<char> {
        let start = self.at;
        self.at += 2;
        Ok(match self.text.as_bytes().get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex(start)?;
                let unit = match first {
                    0xD800..0xDC00 if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        let second = self.hex(start)?;
                        match second {
                            0xDC00..0xE000 => {
                                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                            }
                            _ => first,
                        }
                    }
                    _ => first,
                };
                return char::from_u32(unit).ok_or_else(|| {
                    self.error(
                        MALFORMED,
                        start,
                        "this is half of a surrogate pair, no character",
                    )
                });
            }
            _ => {
                self.at = start + 1;
                return Err(self.expected("one of `\"\\/bfnrtu` after `\\`"));
            }
        })
    }

    /// Four hexadecimal digits.
    fn hex(&mut self, start: usize) -> Outcome<u32> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => Err(self.error(
                MALFORMED,
                start,
                "this is no JSON: `\\u` takes four hexadecimal digits",
            )),
        }
    }
}

/// Where the keys of an object stand. Most objects are small; only a big one gets a table.
#[derive(Default)]
struct Keys {
    table: HashMap<Arc<str>, Span>,
}

impl Keys {
    const SMALL: usize = 16;

    /// Where the key was before, if it was; `decls` are the fields so far.
    fn first(&mut self, key: &Arc<str>, span: Span, decls: &[Decl]) -> Option<Span> {
        let labels = decls.iter().filter_map(|decl| match decl {
            Decl::Field(Field {
                label: Label::String { value, span },
                ..
            }) => Some((value, *span)),
            _ => None,
        });
        if decls.len() < Keys::SMALL {
            return labels
                .into_iter()
                .find(|(label, _)| *label == key)
                .map(|(_, span)| span);
        }
        if self.table.is_empty() {
            self.table
                .extend(labels.map(|(label, span)| (label.clone(), span)));
        }
        match self.table.entry(key.clone()) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(span);
                None
            }
        }
    }
}

/// The bytes at which [`quote`] looks closer: those that are escaped, and the one with which U+2028 and U+2029 begin.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        stops[byte] = !plain(byte as u8) || byte == 0xE2;
        byte += 1;
    }
    stops
};

/// Whether a byte stands for itself in a string.
const fn plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// The keys of a file: most of them name the same few fields again and again.
#[derive(Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The text as it was kept when it came first.
    pub(super) fn shared(&mut self, text: Arc<str>) -> Arc<str> {
        match self.0.get(&text) {
            Some(known) => known.clone(),
            None => {
                self.0.insert(text.clone());
                text
            }
        }
    }

    /// The same of a text that is not kept yet.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        match self.0.get(text) {
            Some(known) => known.clone(),
            None => self.shared(text.into()),
        }
    }
}

pub(super) fn field(key: Arc<str>, key_span: Span, value: Expr) -> Decl {
    let span = key_span.to(value.span());
    let label = Label::String {
        value: key,
        span: key_span,
    };
    Decl::Field(Field::regular(label, value, span))
}

/// A literal with a minus sign at `start`.
pub(super) fn negated(literal: Expr, start: u32) -> Expr {
    let span = Span::new(start, literal.span().end);
    let op_span = Span::new(start, start + 1);
    Expr::Unary(Unary {
        op: UnaryOp::Minus,
        op_span,
        operand: Box::new(literal),
        span,
    })
}

pub(super) fn duplicate(file: FileId, key: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error(DUPLICATE_KEY, format!("the key {key:?} is here twice"))
        .label(Place { file, span: second }, "the second time")
        .label(Place { file, span: first }, "the first time")
        .help("remove one of the two, or rename it")
}

/// How much room JSON gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Four spaces a level, as `cue export` prints.
    Indented,
    /// No blanks at all.
    Compact,
}

/// The value on one line without blanks, as `json.Marshal` gives it.
///
/// # Errors
/// If the value nests beyond measure.
pub fn to_compact(data: &Data) -> Result<String, WriteError> {
    let mut sink = Sink::collect();
    write(data, Layout::Compact, &mut sink)?;
    Ok(sink.text)
}

pub(super) fn write(data: &Data, layout: Layout, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    if sink.is_stream() && json_parts::write(data, layout, sink)? {
        return Ok(());
    }
    value(data, layout, 0, sink)
}

pub(super) fn value(
    data: &Data,
    layout: Layout,
    depth: usize,
    sink: &mut Sink<'_>,
) -> Result<(), WriteError> {
    if depth > MAX_WRITE_DEPTH {
        return Err(too_deep());
    }
    match data {
        Data::Null => sink.text.push_str("null"),
        Data::Bool(true) => sink.text.push_str("true"),
        Data::Bool(false) => sink.text.push_str("false"),
        Data::Number(Number::Int(number)) => {
            // Writing to a string does not fail.
            let _ = write!(sink.text, "{number}");
        }
        Data::Number(number) => sink.text.push_str(&number.to_json()),
        Data::String(text) => quote(text, &mut sink.text),
        Data::Bytes(bytes) => {
            sink.text.push('"');
            base64::encode(bytes, &mut sink.text);
            sink.text.push('"');
        }
        Data::List(elements) if elements.is_empty() => sink.text.push_str("[]"),
        Data::Struct(fields) if fields.is_empty() => sink.text.push_str("{}"),
        Data::List(elements) => {
            sink.text.push('[');
            for (index, element) in elements.iter().enumerate() {
                entry(index, None, layout, depth + 1, sink);
                value(element, layout, depth + 1, sink)?;
                sink.breathe()?;
            }
            close(']', layout, depth, sink);
        }
        Data::Struct(fields) => {
            sink.text.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                entry(index, Some(name), layout, depth + 1, sink);
                value(field, layout, depth + 1, sink)?;
                sink.breathe()?;
            }
            close('}', layout, depth, sink);
        }
    }
    Ok(())
}

/// What stands before the value of an entry: a comma after the first one, a new line, and the name of a field.
pub(super) fn entry(
    index: usize,
    name: Option<&str>,
    layout: Layout,
    depth: usize,
    sink: &mut Sink<'_>,
) {
    if index > 0 {
        sink.text.push(',');
    }
    line(layout, depth, sink);
    if let Some(name) = name {
        quote(name, &mut sink.text);
        sink.text.push_str(if layout == Layout::Indented {
            ": "
        } else {
            ":"
        });
    }
}

/// The end of a list or struct that has entries.
pub(super) fn close(bracket: char, layout: Layout, depth: usize, sink: &mut Sink<'_>) {
    line(layout, depth, sink);
    sink.text.push(bracket);
}

fn line(layout: Layout, depth: usize, sink: &mut Sink<'_>) {
    if layout == Layout::Indented {
        sink.text.push('\n');
        sink.spaces(4 * depth);
    }
}

/// A string in quotes. U+2028 and U+2029 are escaped, because JavaScript took them for line breaks.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let bytes = rest.as_bytes();
        let stop = bytes.iter().position(|&b| STOPS[usize::from(b)]);
        let length = stop.unwrap_or(bytes.len());
        let (before, after) = rest.split_at(length);
        out.push_str(before);
        let Some(c) = after.chars().next() else { break };
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
        rest = &after[c.len_utf8()..];
    }
    out.push('"');
}
