//! Values as block-style YAML, byte for byte as `cue export --out yaml` prints them.
//!
//! The emitter is written out here, because serde_yaml quotes by its own reader's rules: `yes`, `on`,
//! `12:30` and `0o7` go without quotes and a YAML 1.1 reader such as kubectl takes them for something else; and it has no
//! `!!binary`, prints lists without indent, and goes through floats for numbers it cannot hold.
//!
//! A string is plain where every reader gives the same string back; in double quotes where it
//! would be another type; in single quotes where a character has a meaning; a literal block where it has lines; and in double
//! quotes with escapes where it has what no other style can carry.

use super::resolve::{Resolved, is_legacy, resolve};
use crate::encoding::sink::Sink;
use crate::encoding::{MAX_WRITE_DEPTH, WriteError, base64, too_deep};
use holos_lang::value::{Data, Number};

/// Longer keys are written `? key`.
const LONGEST_KEY: usize = 128;

pub(crate) fn write(data: &Data, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    match data {
        Data::List(_) | Data::Struct(_) if !is_empty(data) => block(data, 0, 0, sink)?,
        _ => {
            scalar(data, 2, sink);
            sink.text.push('\n');
        }
    }
    Ok(())
}

fn is_empty(data: &Data) -> bool {
    match data {
        Data::List(elements) => elements.is_empty(),
        Data::Struct(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A list or struct with entries, whose first line the cursor is already on, behind `indent` columns.
fn block(data: &Data, indent: usize, depth: usize, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    if depth > MAX_WRITE_DEPTH {
        return Err(too_deep());
    }
    match data {
        Data::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    sink.spaces(indent);
                }
                sink.text.push_str("- ");
                inline(element, indent + 2, depth, sink)?;
                sink.breathe()?;
            }
        }
        Data::Struct(fields) => {
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    sink.spaces(indent);
                }
                let text = Text::of(name);
                if text.breaks || name.len() > LONGEST_KEY {
                    sink.text.push_str("? ");
                    string(name, &text, indent + 2, sink);
                    sink.text.push('\n');
                    sink.spaces(indent);
                    sink.text.push_str(": ");
                    inline(value, indent + 2, depth, sink)?;
                } else {
                    match &**name {
                        // A key, it would merge.
                        "<<" => sink.text.push_str("\"<<\""),
                        _ => string(name, &text, indent + 2, sink),
                    }
                    sink.text.push(':');
                    nested(value, indent + 2, depth, sink)?;
                }
                sink.breathe()?;
            }
        }
        _ => scalar(data, indent, sink),
    }
    Ok(())
}

/// A value that starts on the line the cursor is on.
fn inline(data: &Data, indent: usize, depth: usize, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    match data {
        Data::List(_) | Data::Struct(_) if !is_empty(data) => block(data, indent, depth + 1, sink),
        _ => {
            scalar(data, indent, sink);
            sink.text.push('\n');
            Ok(())
        }
    }
}

/// A value behind `key:`, on lines of its own where it has entries.
fn nested(data: &Data, indent: usize, depth: usize, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    match data {
        Data::List(_) | Data::Struct(_) if !is_empty(data) => {
            sink.text.push('\n');
            sink.spaces(indent);
            block(data, indent, depth + 1, sink)
        }
        _ => {
            sink.text.push(' ');
            scalar(data, indent, sink);
            sink.text.push('\n');
            Ok(())
        }
    }
}

/// A value on one line, or a block scalar whose lines stand behind `indent` columns.
fn scalar(data: &Data, indent: usize, sink: &mut Sink<'_>) {
    match data {
        Data::Null => sink.text.push_str("null"),
        Data::Bool(true) => sink.text.push_str("true"),
        Data::Bool(false) => sink.text.push_str("false"),
        Data::Number(value) => number(value, sink),
        Data::String(text) => string(text, &Text::of(text), indent, sink),
        Data::Bytes(bytes) => {
            sink.text.push_str("!!binary");
            if bytes.contains(&b'\n') {
                sink.text.push_str(" |-\n");
                sink.spaces(indent);
            } else if !bytes.is_empty() {
                sink.text.push(' ');
            }
            base64::encode(bytes, &mut sink.text);
        }
        Data::List(_) => sink.text.push_str("[]"),
        Data::Struct(_) => sink.text.push_str("{}"),
    }
}

/// A float shows that it is one.
fn number(value: &Number, sink: &mut Sink<'_>) {
    let text = value.to_json();
    sink.text.push_str(&text);
    if !value.is_int_kind() && !text.contains(['.', 'E']) {
        sink.text.push('.');
    }
}

/// What decides about a string's style.
struct Text {
    /// It would be read as something else.
    mistaken: bool,
    /// A character in it has a meaning, or blanks at an end would get lost.
    plain: bool,
    single: bool,
    literal: bool,
    /// It has line breaks of whatever kind.
    breaks: bool,
}

impl Text {
    fn of(text: &str) -> Text {
        let mistaken =
            is_legacy(text) || !matches!(resolve(text), Resolved::String | Resolved::Merge);
        let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.-".contains(&byte);
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(simple) {
            return Text {
                mistaken,
                plain: true,
                single: true,
                literal: true,
                breaks: false,
            };
        }
        let mut blank_before = true;
        let mut previous = '\0';
        let (mut indicator, mut special, mut tab, mut breaks) = (false, false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        if text.starts_with("---") || text.starts_with("...") {
            indicator = true;
        }
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            let blank_after = chars.peek().is_none_or(|&next| is_blank(next));
            match c {
                '#' if blank_before => indicator = true,
                ':' if blank_after => indicator = true,
                '-' | '?' if first && blank_after => indicator = true,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`'
                    if first =>
                {
                    indicator = true;
                }
                _ => {}
            }
            tab |= c == '\t';
            special |= c != '\t' && !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && is_break(previous);
            space_break |= is_break(c) && previous == ' ';
            blank_before = is_blank(c) || is_break(c);
            previous = c;
            first = false;
        }
        let edges = text.starts_with(|c| c == ' ' || is_break(c))
            || text.ends_with(|c| c == ' ' || is_break(c));
        // Line breaks of YAML 1.1 that 1.2 does not know: only an escape means the same to both.
        let separators = text.contains(['\u{2028}', '\u{2029}']);
        let trailing_space = text.ends_with(' ');
        Text {
            mistaken,
            plain: !(indicator || edges || breaks || special || tab),
            single: !(break_space || space_break || tab || special),
            literal: !(trailing_space || space_break || special || separators),
            breaks,
        }
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters beyond U+FFFF are escaped: some readers know no other.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && c != '\u{feff}'
}

fn string(text: &str, facts: &Text, indent: usize, sink: &mut Sink<'_>) {
    if text.contains('\n') {
        match facts.literal {
            true => literal(text, indent, sink),
            false => double_quoted(text, sink),
        }
    } else if facts.mistaken {
        double_quoted(text, sink);
    } else if facts.plain {
        sink.text.push_str(text);
    } else if facts.single && !facts.breaks {
        sink.text.push('\'');
        sink.text.push_str(&text.replace('\'', "''"));
        sink.text.push('\'');
    } else {
        double_quoted(text, sink);
    }
}

fn literal(text: &str, indent: usize, sink: &mut Sink<'_>) {
    sink.text.push('|');
    if text.starts_with([' ', '\n']) {
        sink.text.push('2');
    }
    if !text.ends_with('\n') {
        sink.text.push('-');
    } else if text.len() == 1 || text.ends_with("\n\n") {
        sink.text.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        sink.text.push('\n');
        if !line.is_empty() {
            sink.spaces(indent);
            sink.text.push_str(line);
        }
    }
}

fn double_quoted(text: &str, sink: &mut Sink<'_>) {
    sink.text.push('"');
    for c in text.chars() {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ if is_printable(c) => {
                sink.text.push(c);
                continue;
            }
            _ => {
                let code = u32::from(c);
                sink.text.push_str(&match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                });
                continue;
            }
        };
        sink.text.push('\\');
        sink.text.push(short);
    }
    sink.text.push('"');
}
