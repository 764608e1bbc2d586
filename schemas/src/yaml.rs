//! YAML and JSON documents with places, read the way the API server's own reader reads them.
//!
//! Kubernetes tools convert YAML to JSON with a YAML 1.1 reader: `yes`, `on` and `0777` are not
//! strings. JSON is read by the same parser, being a subset.

use granit_parser::{Event, Parser, ScalarStyle};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use holos_lang::value::Data;

/// Aliases may repeat at most this many nodes in one file.
const ALIAS_BUDGET: usize = 1_000_000;
/// Collections nest at most this deep; walks over a [`Node`] may recurse.
const DEPTH: usize = 256;

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

/// What JSON can say. A mapping keeps repeated keys, for whoever wants to report them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Box<str>,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|e| &*e.key == key)
            .map(|e| &e.value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let entry = entries.iter_mut().find(|e| &*e.key == key)?;
        Some(&mut entry.value)
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text of a string.
    pub fn str(&self) -> Option<&str> {
        match &self.value {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub fn unsigned(&self) -> Option<u64> {
        match self.value {
            Value::Int(i) => u64::try_from(i).ok(),
            Value::Float(f) if f >= 0.0 && f.fract() == 0.0 && f < 9e15 => Some(f as u64),
            _ => None,
        }
    }

    /// The value as JSON, keys in their order; of a repeated key the last counts.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(i) => Json::from(*i),
            Value::Float(f) => Json::from(*f),
            Value::String(s) => Json::String(s.to_string()),
            Value::List(list) => Json::Array(list.iter().map(Node::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|e| (e.key.to_string(), e.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// JSON as a value that stands at one place.
    pub fn from_json(json: &serde_json::Value, span: Span) -> Node {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => match n.as_i64() {
                Some(i) => Value::Int(i),
                None => Value::Float(n.as_f64().unwrap_or(f64::MAX)),
            },
            Json::String(s) => Value::String(s.as_str().into()),
            Json::Array(list) => {
                Value::List(list.iter().map(|e| Node::from_json(e, span)).collect())
            }
            Json::Object(map) => Value::Map(
                map.iter()
                    .map(|(k, v)| Entry {
                        key: k.as_str().into(),
                        key_span: span,
                        value: Node::from_json(v, span),
                    })
                    .collect(),
            ),
        };
        Node { span, value }
    }

    /// A finished value of the language, which stands nowhere; bytes become base64.
    pub fn from_data(data: &Data) -> Node {
        let span = Span::default();
        let value = match data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Number(n) => {
                return Node {
                    span,
                    value: number(&n.to_string()),
                };
            }
            Data::String(s) => Value::String((**s).into()),
            Data::Bytes(bytes) => Value::String(base64(bytes).into()),
            Data::List(list) => Value::List(list.iter().map(Node::from_data).collect()),
            Data::Struct(fields) => Value::Map(
                fields
                    .iter()
                    .map(|(k, v)| Entry {
                        key: (**k).into(),
                        key_span: span,
                        value: Node::from_data(v),
                    })
                    .collect(),
            ),
        };
        Node { span, value }
    }

    /// What JSON Schema calls the type.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }
}

/// A collection that is still open.
struct Open {
    start: u32,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<(Box<str>, Span)>,
    map: bool,
    entries: Vec<Entry>,
    elements: Vec<Node>,
    /// Mappings named by `<<`, whose keys count where there are none of the same name.
    merged: Vec<Entry>,
}

/// Reads every document of a file. Empty documents are left out. On a syntax error the documents
/// before it are kept.
pub fn documents(file: FileId, text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut reader = Reader {
        file,
        text,
        documents: Vec::new(),
        diagnostics: Vec::new(),
        stack: Vec::new(),
        anchors: Vec::new(),
        aliased: 0,
        json: text.trim_start().starts_with('{'),
    };
    reader.run();
    (reader.documents, reader.diagnostics)
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
    stack: Vec<Open>,
    anchors: Vec<Option<Node>>,
    aliased: usize,
    /// Whether the text is JSON, as the API server's reader tells it: by its first character.
    json: bool,
}

impl Reader<'_> {
    fn run(&mut self) {
        let text = self.text;
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, span)) => {
                    let range = span.byte_range().unwrap_or_default();
                    let span = Span::new(range.start as u32, range.end as u32);
                    if let Err(message) = self.event(event, span) {
                        self.error(span, message);
                        return;
                    }
                }
                Err(error) => {
                    let at = error
                        .marker()
                        .byte_offset()
                        .unwrap_or_default()
                        .min(text.len()) as u32;
                    self.error(
                        Span::new(at, at),
                        format!("this is not YAML: {}", error.info()),
                    );
                    return;
                }
            }
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        let place = Place {
            file: self.file,
            span,
        };
        self.diagnostics
            .push(Diagnostic::error(Code(501), message).label(place, "here"));
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.as_ref().and_then(|t| t.core_suffix());
                let value = match (style, tagged) {
                    (ScalarStyle::DoubleQuoted, _) if self.escapes_slash(span) => {
                        return Err(
                            "`\\/` is an escape in JSON only, not in the YAML 1.1 that Kubernetes reads",
                        );
                    }
                    (_, Some("str")) => Value::String(text.into()),
                    (ScalarStyle::Plain, _) => plain(&text),
                    _ => Value::String(text.into()),
                };
                self.value(Node { span, value }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(span, anchor, false),
            Event::MappingStart(_, anchor, _) => self.open(span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(id) => {
                let Some(Some(node)) = self.anchors.get(id) else {
                    return Err("an alias inside its own anchor");
                };
                self.aliased += size(node);
                if self.aliased > ALIAS_BUDGET {
                    return Err("its aliases repeat more than a million values");
                }
                let node = node.clone();
                self.value(Node { span, ..node }, 0)
            }
            _ => Ok(()),
        }
    }

    /// Whether a double-quoted scalar has an escape that is JSON's alone.
    fn escapes_slash(&self, span: Span) -> bool {
        let raw = self
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default();
        raw.contains("\\/") && !self.json && {
            let mut bytes = raw.bytes();
            let mut escaped = false;
            bytes.any(|b| {
                let slash = escaped && b == b'/';
                escaped = !escaped && b == b'\\';
                slash
            })
        }
    }

    fn open(&mut self, span: Span, anchor: usize, map: bool) -> Result<(), &'static str> {
        if self.stack.len() >= DEPTH {
            return Err("it nests more than 256 deep");
        }
        self.stack.push(Open {
            start: span.start,
            anchor,
            key: None,
            map,
            entries: Vec::new(),
            elements: Vec::new(),
            merged: Vec::new(),
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), &'static str> {
        let Some(mut open) = self.stack.pop() else {
            return Ok(());
        };
        let last = open.entries.last().map(|e| e.value.span.end);
        let last = last
            .or(open.elements.last().map(|n| n.span.end))
            .unwrap_or(end.end);
        let value = if open.map {
            for entry in open.merged {
                if !open.entries.iter().any(|e| e.key == entry.key) {
                    open.entries.push(entry);
                }
            }
            Value::Map(open.entries)
        } else {
            Value::List(open.elements)
        };
        self.value(
            Node {
                span: Span::new(open.start, last.max(end.start.min(end.end))),
                value,
            },
            open.anchor,
        )
    }

    fn value(&mut self, node: Node, anchor: usize) -> Result<(), &'static str> {
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = Some(node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            if node.value != Value::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        if !open.map {
            open.elements.push(node);
        } else if let Some((key, key_span)) = open.key.take() {
            if &*key == "<<" && matches!(node.value, Value::Map(_) | Value::List(_)) {
                match node.value {
                    Value::Map(entries) => open.merged.extend(entries),
                    Value::List(list) => {
                        open.merged
                            .extend(list.into_iter().flat_map(|n| n.entries().to_vec()));
                    }
                    _ => {}
                }
            } else {
                open.entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                });
            }
        } else {
            let key = match node.value {
                Value::String(s) => s,
                Value::List(_) | Value::Map(_) => return Err("a key that is not a string"),
                // The API server's reader turns other scalars into strings.
                _ => self.text[node.span.start as usize..node.span.end as usize].into(),
            };
            open.key = Some((key, node.span));
        }
        Ok(())
    }
}

fn number(text: &str) -> Value {
    match text.parse() {
        Ok(int) => Value::Int(int),
        Err(_) => Value::Float(text.parse().unwrap_or(f64::MAX)),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

fn size(node: &Node) -> usize {
    1 + node.elements().iter().map(size).sum::<usize>()
        + node.entries().iter().map(|e| size(&e.value)).sum::<usize>()
}

/// What a plain scalar means.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Value::String(text.into());
    }
    let digits = text.replace('_', "");
    if let Some(int) = integer(&digits) {
        return Value::Int(int);
    }
    let number = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match digits.parse::<f64>() {
        Ok(float) if number && float.is_finite() => Value::Float(float),
        _ => Value::String(text.into()),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}
