//! Documents as syntax trees.
//!
//! Scalars mean what they mean to `cue` (see [`super::resolve`]); anchors are expanded where an alias stands, up to
//! a limit; a merge key's fields replace those before it and yield to those after it. Comments are dropped.
//! A key twice in one mapping is an error, as the YAML specification has it.

use super::resolve::{Resolved, resolve};
use crate::encoding::json::{Names, duplicate, field, negated};
use crate::encoding::{EXCESSIVE, MALFORMED, Outcome, Read, UNSUPPORTED, base64, error_at};
use granit_parser::{Event, Parser, ScalarStyle, Tag, options};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Span};
use holos_lang::syntax::MAX_DEPTH;
use holos_lang::syntax::tree::{
    Binary, BinaryOp, Decl, Element, Expr, Ident, Label, ListLit, StructLit, Unary, UnaryOp,
};
use holos_lang::value::Number;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// How many nodes all aliases of a stream may expand to.
const MAX_ALIAS_NODES: usize = 50_000;

/// Reads all documents. Empty text is one document, `*null | _`, so that an empty file of values
/// agrees with any schema.
pub fn read(file: FileId, text: &str) -> Read {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut read = Read::default();
    let mut failed = false;
    for part in read_parts(file, text, &parts(text, start)) {
        read.documents.extend(part.documents);
        read.errors.extend(part.errors);
        if part.failed {
            // Nothing is said of what comes after it.
            failed = true;
            break;
        }
    }
    if !failed && read.documents.is_empty() {
        read.documents.push(nothing());
    }
    read
}

/// Streams shorter than this are read by one thread.
const MIN_PARALLEL: usize = 128 * 1024;
/// The stack of a thread that reads.
const STACK: usize = 8 * 1024 * 1024;

/// Documents next to each other.
struct Part {
    documents: Vec<Expr>,
    errors: Vec<Diagnostic>,
    /// Whether some of it could not be read.
    failed: bool,
}

/// Ranges of whole documents, about as many as there are processors. A line that begins with `---` begins a document
/// whatever it stands in (YAML 1.2, section 9.1.4); anchors and directives may reach further than one document.
fn parts(text: &str, start: usize) -> Vec<Range<usize>> {
    let is_anchor = |(at, _): (usize, &str)| {
        !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '&' || c == '=')
    };
    let is_one = text.len() < MIN_PARALLEL
        || text[start..].starts_with('%')
        || text.contains("\n%")
        || text.match_indices('&').any(is_anchor);
    let count = if is_one {
        1
    } else {
        std::thread::available_parallelism().map_or(1, |n| n.get())
    };
    let mut out = Vec::new();
    let mut from = start;
    for index in 1..count {
        let near = (start + (text.len() - start) / count * index).max(from);
        let near = text.ceil_char_boundary(near);
        let marker = text[near..].match_indices("\n---").find(|&(at, _)| {
            let after = text.as_bytes().get(near + at + 4);
            matches!(after, None | Some(b' ' | b'\t' | b'\n' | b'\r'))
        });
        let Some((at, _)) = marker else { break };
        out.push(from..near + at + 1);
        from = near + at + 1;
    }
    out.push(from..text.len());
    out
}

fn read_parts(file: FileId, text: &str, ranges: &[Range<usize>]) -> Vec<Part> {
    let Some((first, others)) = ranges.split_first() else {
        return Vec::new();
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = others
            .iter()
            .map(|range| {
                let read = || read_part(file, text, range.clone());
                let thread = std::thread::Builder::new().stack_size(STACK);
                (range, thread.spawn_scoped(scope, read))
            })
            .collect();
        let mut out = vec![read_part(file, text, first.clone())];
        for (range, thread) in others {
            // Where no thread can be had, it is read here.
            let part = thread.ok().and_then(|thread| thread.join().ok());
            out.push(part.unwrap_or_else(|| read_part(file, text, range.clone())));
        }
        out
    })
}

fn read_part(file: FileId, text: &str, range: Range<usize>) -> Part {
    let options = options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut reader = Reader {
        file,
        text: &text[..range.end],
        start: range.start,
        parser: Parser::new_from_str_with_options(&text[range], options),
        anchors: HashMap::new(),
        alias_nodes: 0,
        names: Names::default(),
        errors: Vec::new(),
    };
    let mut documents = Vec::new();
    let result = reader.stream(&mut documents);
    let failed = result.is_err();
    reader.errors.extend(result.err().map(|error| *error));
    Part {
        documents,
        errors: reader.errors,
        failed,
    }
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    /// Where the parser's text starts in the file.
    start: usize,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    /// What each anchor stands for, `None` while it is being read.
    anchors: HashMap<usize, Option<Node>>,
    alias_nodes: usize,
    names: Names,
    errors: Vec<Diagnostic>,
}

/// A value and what expanding it costs.
#[derive(Clone)]
struct Node {
    value: Expr,
    /// Whether the source is a plain or quoted scalar, with its text, as keys need it.
    key: Option<Arc<str>>,
    nodes: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Outcome<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(0..0);
                let at = |offset: usize| (offset + self.start).min(self.text.len()) as u32;
                Ok((event, Span::new(at(range.start), at(range.end))))
            }
            Some(Err(error)) => {
                let offset = error.marker().byte_offset().unwrap_or(0) + self.start;
                let start = offset.min(self.text.len()) as u32;
                let end = self
                    .text
                    .get(start as usize..)
                    .and_then(|rest| rest.chars().next());
                let span = Span::new(start, start + end.map_or(0, char::len_utf8) as u32);
                Err(self.error(
                    MALFORMED,
                    span,
                    format!("this is no YAML: {}", error.info()),
                ))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
        error_at(code, self.file, span, message)
    }

    fn stream(&mut self, documents: &mut Vec<Expr>) -> Outcome<()> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) => self.anchors.clear(),
                event => documents.push(self.node(event, span, 0)?.value),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Outcome<Node> {
        if depth >= MAX_DEPTH {
            let message = format!("the YAML nests more than {MAX_DEPTH} deep");
            return Err(self.error(EXCESSIVE, span, message));
        }
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), span)?)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(anchor);
                (anchor, self.sequence(span, depth)?)
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(anchor);
                (anchor, self.mapping(span, depth)?)
            }
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => return Err(self.error(MALFORMED, span, "this is no YAML: expected a value")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, Some(node.clone()));
        }
        Ok(node)
    }

    fn begin(&mut self, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Outcome<Node> {
        let Some(Some(node)) = self.anchors.get(&anchor) else {
            return Err(self.error(UNSUPPORTED, span, "the anchor's value contains itself"));
        };
        self.alias_nodes += node.nodes;
        if self.alias_nodes > MAX_ALIAS_NODES {
            let message = format!("the aliases expand to more than {MAX_ALIAS_NODES} values");
            return Err(self.error(EXCESSIVE, span, message));
        }
        if depth + node.depth > MAX_DEPTH {
            let message = format!("the YAML nests more than {MAX_DEPTH} deep");
            return Err(self.error(EXCESSIVE, span, message));
        }
        let mut node = node.clone();
        match &mut node.value {
            Expr::Struct(literal) => literal.span = span,
            Expr::List(literal) => literal.span = span,
            _ => {}
        }
        Ok(node)
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Outcome<Node> {
        let mut elements = Vec::new();
        let (mut nodes, mut deepest, mut end) = (1, 0, start);
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                end = closing(self.text, end, span, ']');
                break;
            }
            let node = self.node(event, span, depth + 1)?;
            nodes += node.nodes;
            deepest = deepest.max(node.depth);
            end = node.value.span();
            elements.push(Element::Expr(node.value));
        }
        elements.shrink_to_fit();
        let value = Expr::List(ListLit {
            elements,
            ellipsis: None,
            span: start.to(end),
        });
        Ok(Node {
            value,
            key: None,
            nodes,
            depth: deepest + 1,
        })
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Outcome<Node> {
        let mut entries = Entries::default();
        let (mut nodes, mut deepest, mut end) = (1, 0, start);
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                end = closing(self.text, end, key_span, '}');
                break;
            }
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<");
            let key = self.key(event, key_span, depth)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            nodes += node.nodes + 1;
            deepest = deepest.max(node.depth);
            end = key_span.to(node.value.span());
            if merges {
                self.merge(&node.value, span, &mut entries)?;
                continue;
            }
            if let Some(first) = entries.put(key.clone(), key_span, node.value) {
                let error = duplicate(self.file, &key, key_span, first);
                self.errors.push(error);
            }
        }
        entries.decls.shrink_to_fit();
        let value = Expr::Struct(StructLit {
            decls: entries.decls,
            braces: true,
            span: start.to(end),
        });
        Ok(Node {
            value,
            key: None,
            nodes,
            depth: deepest + 1,
        })
    }

    /// The name a key gives a field; numbers and the like name it as they are spelt.
    fn key(&mut self, event: Event<'t>, span: Span, depth: usize) -> Outcome<Arc<str>> {
        if let Event::Scalar(text, style, 0, None) = &event
            && (*style != ScalarStyle::Plain || resolve(text) == Resolved::String)
        {
            return Ok(self.names.get(text));
        }
        let node = self.node(event, span, depth + 1)?;
        let text = match node.value {
            Expr::String(text, _) => return Ok(text),
            Expr::Null(_) => Some("null".into()),
            Expr::Bool(value, _) => Some(value.to_string().into()),
            _ => node.key,
        };
        text.map_or_else(
            || {
                Err(self.error(
                    UNSUPPORTED,
                    span,
                    "only a scalar can be a key here, for a field has a name",
                ))
            },
            Ok,
        )
    }

    fn merge(&self, value: &Expr, span: Span, entries: &mut Entries) -> Outcome<()> {
        match value {
            Expr::Struct(literal) => {
                for decl in &literal.decls {
                    if let Decl::Field(field) = decl
                        && let Label::String { value: key, span } = &field.label
                    {
                        entries.merge(key.clone(), *span, field.value.clone());
                    }
                }
                Ok(())
            }
            // What stands earlier in the list counts more.
            Expr::List(list) => list
                .elements
                .iter()
                .rev()
                .try_for_each(|element| match element {
                    Element::Expr(value) => self.merge(value, span, entries),
                    _ => Ok(()),
                }),
            _ => {
                let message = "a merge key takes a mapping or a list of mappings";
                Err(self.error(UNSUPPORTED, span, message))
            }
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Outcome<Node> {
        let original = tag.map(Tag::original).filter(|original| original != "!");
        let tag_name = match (tag, &original) {
            (Some(tag), Some(original)) => match tag.suffix_in_namespace("tag:yaml.org,2002:") {
                Some(suffix) => Some(suffix),
                None => {
                    let message = format!("the tag {original} is not known");
                    return Err(self.error(UNSUPPORTED, span, message));
                }
            },
            _ => None,
        };
        let tag_name = tag_name.as_deref();
        let plain = style == ScalarStyle::Plain;
        let resolved = match tag_name {
            None if !plain => Resolved::String,
            None => resolve(text),
            Some("str" | "timestamp") => Resolved::String,
            Some("binary") => return self.binary(text, span),
            Some(name @ ("int" | "float" | "bool" | "null")) => {
                let resolved = resolve(text);
                let fits = match name {
                    "int" => resolved == Resolved::Int,
                    "float" => {
                        matches!(
                            resolved,
                            Resolved::Int | Resolved::Float | Resolved::NotFinite
                        )
                    }
                    "bool" => matches!(resolved, Resolved::Bool(_)),
                    _ => resolved == Resolved::Null,
                };
                if !fits {
                    return Err(self.error(MALFORMED, span, format!("{text:?} is no {name}")));
                }
                resolved
            }
            Some(other) => {
                return Err(self.error(
                    UNSUPPORTED,
                    span,
                    format!("the tag !!{other} is not known"),
                ));
            }
        };
        let value = match resolved {
            Resolved::Null => Expr::Null(span),
            Resolved::Bool(value) => Expr::Bool(value, span),
            Resolved::String | Resolved::Merge => Expr::String(text.into(), span),
            Resolved::Int | Resolved::Float => self.number(text, span)?,
            Resolved::NotFinite => {
                let message = format!("there is no number {text}: numbers are finite");
                return Err(self.error(UNSUPPORTED, span, message));
            }
        };
        Ok(Node {
            value,
            key: Some(number_key(text)),
            nodes: 1,
            depth: 1,
        })
    }

    fn binary(&self, text: &str, span: Span) -> Outcome<Node> {
        let joined: Cow<'_, str> = match text.contains([' ', '\n']) {
            true => Cow::Owned(text.split_whitespace().collect()),
            false => Cow::Borrowed(text),
        };
        match base64::decode(&joined) {
            Some(bytes) => Ok(Node {
                value: Expr::Bytes(bytes.into(), span),
                key: None,
                nodes: 1,
                depth: 1,
            }),
            None => Err(self.error(MALFORMED, span, "!!binary takes base 64")),
        }
    }

    /// A number as a literal of the language.
    fn number(&self, text: &str, span: Span) -> Outcome<Expr> {
        let literal = language_spelling(text);
        if let Err(why) = Number::parse_literal(&literal) {
            return Err(self.error(MALFORMED, span, format!("{text} is no number: {why}")));
        }
        let negative = text.starts_with('-');
        let start = span.start + u32::from(text.starts_with(['-', '+']));
        let literal = Expr::Number(literal.into(), Span::new(start.min(span.end), span.end));
        Ok(if negative {
            negated(literal, span.start)
        } else {
            literal
        })
    }
}

/// A YAML number without its sign as the language spells it.
fn language_spelling(text: &str) -> String {
    let unsigned = text.trim_start_matches(['+', '-']);
    match unsigned.as_bytes() {
        [b'0', second, ..] if second.is_ascii_digit() || *second == b'_' => {
            let digits = unsigned[1..].trim_start_matches('_');
            match digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_')
            {
                true => format!("0o{digits}"),
                false => unsigned.trim_start_matches('0').to_owned(),
            }
        }
        _ => unsigned.to_owned(),
    }
}

fn number_key(text: &str) -> Arc<str> {
    let sign = if text.starts_with('-') { "-" } else { "" };
    match resolve(text) {
        Resolved::Int => format!("{sign}{}", language_spelling(text)).into(),
        _ => text.into(),
    }
}

/// A mapping's fields, each name once.
#[derive(Default)]
struct Entries {
    decls: Vec<Decl>,
    /// Those that a merge key brought.
    merged: HashSet<usize>,
    /// Where a name's field is, once there are more fields than are looked through.
    places: HashMap<Arc<str>, usize>,
}

/// Mappings of more fields than this are looked through by hash.
const FEW_FIELDS: usize = 16;

impl Entries {
    fn find(&self, key: &str) -> Option<usize> {
        if self.decls.len() > FEW_FIELDS {
            return self.places.get(key).copied();
        }
        let is_named = |decl: &Decl| name_of(decl).is_some_and(|(name, _)| &**name == key);
        self.decls.iter().position(is_named)
    }

    /// Adds a field of the mapping itself. A second of the same name is refused, unless a merge key
    /// stands between the two or brought the first.
    fn put(&mut self, key: Arc<str>, span: Span, value: Expr) -> Option<Span> {
        match self.find(&key) {
            Some(index) => {
                if !self.merged.remove(&index) {
                    return name_of(&self.decls[index]).map(|(_, first)| first);
                }
                self.decls[index] = field(key, span, value);
            }
            None => self.push(key, span, value),
        }
        None
    }

    /// Adds a field a merge key brings; it replaces one that is there.
    fn merge(&mut self, key: Arc<str>, span: Span, value: Expr) {
        match self.find(&key) {
            Some(index) => {
                self.decls[index] = field(key, span, value);
                self.merged.insert(index);
            }
            None => {
                self.merged.insert(self.decls.len());
                self.push(key, span, value);
            }
        }
    }

    fn push(&mut self, key: Arc<str>, span: Span, value: Expr) {
        let index = self.decls.len();
        self.decls.push(field(key.clone(), span, value));
        if index == FEW_FIELDS {
            let names = self.decls.iter().enumerate();
            let names = names.filter_map(|(at, decl)| Some((name_of(decl)?.0.clone(), at)));
            self.places.extend(names);
        } else if index > FEW_FIELDS {
            self.places.insert(key, index);
        }
    }
}

/// The name of a field, and where it stands.
fn name_of(decl: &Decl) -> Option<(&Arc<str>, Span)> {
    match decl {
        Decl::Field(field) => match &field.label {
            Label::String { value, span } => Some((value, *span)),
            _ => None,
        },
        _ => None,
    }
}

/// The end of a collection: its bracket in flow style, else its last entry.
fn closing(text: &str, last: Span, end: Span, bracket: char) -> Span {
    match text.get(end.start as usize..end.end as usize) {
        Some(token) if token.starts_with(bracket) => end,
        _ => last,
    }
}

/// `*null | _`.
fn nothing() -> Expr {
    let span = Span::default();
    let null = Unary {
        op: UnaryOp::Default,
        op_span: span,
        operand: Box::new(Expr::Null(span)),
        span,
    };
    let any = Ident {
        name: "_".into(),
        span,
    };
    Expr::Binary(Binary {
        op: BinaryOp::Disjunction,
        operands: vec![Expr::Unary(null), Expr::Ident(any)],
        op_spans: vec![span],
        span,
    })
}
