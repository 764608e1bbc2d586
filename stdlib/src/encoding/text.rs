//! Plain text: a file is one string, and a string its own text.

use super::sink::Sink;
use super::{Read, WriteError};
use holos_lang::diagnostic::Span;
use holos_lang::syntax::tree::Expr;
use holos_lang::value::Data;

pub(super) fn read(text: &str) -> Read {
    let span = Span::new(0, text.len() as u32);
    Read {
        documents: vec![Expr::String(text.into(), span)],
        errors: Vec::new(),
    }
}

/// A string as it is, and a line break.
pub(super) fn write(data: &Data, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    let what = match data {
        Data::String(text) => {
            sink.text.push_str(text);
            sink.text.push('\n');
            return Ok(());
        }
        Data::Bytes(_) => "bytes",
        Data::Number(_) => "a number",
        Data::Bool(_) => "a boolean",
        Data::Null => "null",
        Data::List(_) => "a list",
        Data::Struct(_) => "a struct",
    };
    let message = format!("text output needs a string, and this is {what}");
    Err(WriteError::Unsupported(String::new(), message))
}
