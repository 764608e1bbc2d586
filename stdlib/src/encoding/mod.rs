//! Data formats: text to trees with places, and finished values to text.
//!
//! [`read`] turns JSON, JSON Lines, YAML, TOML or plain text into syntax trees whose spans point into that text,
//! so that a value that breaks a schema is shown where it stands. [`write`] prints [`Data`] as `cue export`
//! does, byte for byte for JSON and YAML; [`write_stream`] prints several. [`import`](import()) makes language text of data.
//!
//! **Invariant:** no input makes a reader or a writer panic, and trees stay within the depth the parser
//! allows ([`MAX_DEPTH`](holos_lang::syntax::MAX_DEPTH)).

mod base64;
mod data;
mod import;
pub mod json;
mod json_parts;
mod sink;
mod text;
pub mod toml;
pub mod yaml;

pub use data::data;
pub use import::{at, import, list};

use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use holos_lang::syntax::tree::Expr;
use holos_lang::value::Data;
use sink::Sink;
use std::io;

/// The text is not in the format its name promises.
pub const MALFORMED: Code = Code(501);
/// A mapping names a key twice.
pub const DUPLICATE_KEY: Code = Code(502);
/// The text says something the language has no value for: infinity, an unknown tag.
pub const UNSUPPORTED: Code = Code(503);
/// The text nests too deeply, or its aliases expand without measure.
pub const EXCESSIVE: Code = Code(504);

/// How deeply a value may nest to be written.
const MAX_WRITE_DEPTH: usize = 10_000;

/// A data format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    Json,
    /// One JSON value a line, or one after the other.
    JsonLines,
    Yaml,
    Toml,
    /// The text is one string.
    Text,
}

impl Format {
    /// All formats with their names (the first is the canonical one) as `--out` takes them, which are also file extensions.
    pub const NAMES: [(Format, &'static [&'static str]); 5] = [
        (Format::Json, &["json"]),
        (Format::JsonLines, &["jsonl", "ldjson", "ndjson"]),
        (Format::Yaml, &["yaml", "yml"]),
        (Format::Toml, &["toml"]),
        (Format::Text, &["text", "txt"]),
    ];

    /// The format of that name or extension.
    pub fn named(name: &str) -> Option<Format> {
        Format::NAMES
            .iter()
            .find(|(_, names)| names.contains(&name))
            .map(|(format, _)| *format)
    }

    /// The format a file's name promises.
    pub fn of_file(name: &str) -> Option<Format> {
        Format::named(name.rsplit_once('.')?.1)
    }
}

/// What [`read`] found.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// One tree a document; JSON, TOML and text have one.
    pub documents: Vec<Expr>,
    /// What was wrong; documents before the first error are there all the same.
    pub errors: Vec<Diagnostic>,
}

/// Reads the text of `file`. A byte order mark at its start is skipped.
pub fn read(format: Format, file: FileId, text: &str) -> Read {
    match format {
        Format::Json => json::read(file, text),
        Format::JsonLines => json::read_lines(file, text),
        Format::Yaml => yaml::read(file, text),
        Format::Toml => toml::read(file, text),
        Format::Text => text::read(text),
    }
}

/// Why a value could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The stream refused it.
    Io(io::Error),
    /// The format cannot say it; the first part is the path of the value concerned.
    Unsupported(String, String),
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WriteError::Io(error) => error.fmt(f),
            WriteError::Unsupported(path, message) if path.is_empty() => f.write_str(message),
            WriteError::Unsupported(path, message) => write!(f, "{path}: {message}"),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WriteError::Io(error) => Some(error),
            WriteError::Unsupported(..) => None,
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        WriteError::Io(error)
    }
}

/// Writes a value as `cue export` prints it: JSON with an indent of four, YAML with one of two; all end
/// with a line break but text.
///
/// # Errors
/// If the stream fails, or the format has no way to say the value (TOML: null; text: all but strings,
/// bytes and scalars).
pub fn write(format: Format, data: &Data, out: &mut dyn io::Write) -> Result<(), WriteError> {
    let mut sink = Sink::stream(out);
    put(format, data, &mut sink)?;
    Ok(sink.flush()?)
}

/// Writes several values: YAML documents between `---`, lines of JSON, texts one after the other.
///
/// # Errors
/// As [`write`].
pub fn write_stream(
    format: Format,
    values: &[Data],
    out: &mut dyn io::Write,
) -> Result<(), WriteError> {
    let mut sink = Sink::stream(out);
    for (index, data) in values.iter().enumerate() {
        if format == Format::Yaml && index > 0 {
            sink.text.push_str("---\n");
        }
        put(format, data, &mut sink)?;
    }
    Ok(sink.flush()?)
}

/// The text [`write`] writes.
///
/// # Errors
/// As [`write`].
pub fn to_string(format: Format, data: &Data) -> Result<String, WriteError> {
    let mut sink = Sink::collect();
    put(format, data, &mut sink)?;
    Ok(sink.text)
}

fn put(format: Format, data: &Data, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    match format {
        Format::Json => json::write(data, json::Layout::Indented, sink),
        Format::JsonLines => json::write(data, json::Layout::Compact, sink),
        Format::Yaml => yaml::write(data, sink),
        Format::Toml => toml::write(data, sink),
        Format::Text => text::write(data, sink),
    }?;
    if format == Format::Json || format == Format::JsonLines {
        sink.text.push('\n');
    }
    Ok(())
}

fn too_deep() -> WriteError {
    WriteError::Unsupported(
        String::new(),
        format!("the value nests more than {MAX_WRITE_DEPTH} deep"),
    )
}

/// What a part of a reader gives. Boxed, for an error is rare and large.
type Outcome<T> = Result<T, Box<Diagnostic>>;

/// An error at one place of a data file.
fn error_at(code: Code, file: FileId, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message).label(Place { file, span }, ""))
}
