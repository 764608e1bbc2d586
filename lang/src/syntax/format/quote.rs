//! Literals in their canonical spelling.

use regex::Regex;
use std::sync::LazyLock;

static PRINTABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$").expect("a constant pattern"));

fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        other => PRINTABLE.is_match(other.encode_utf8(&mut [0; 4])),
    }
}

/// A string literal of that value. With line breaks in it, it becomes a multi-line literal whose
/// lines are indented by `indent` tabs.
pub(crate) fn string(value: &str, indent: usize) -> String {
    literal(
        value.as_bytes(),
        '"',
        value.contains('\n').then_some(indent),
    )
}

/// A string literal on one line.
pub(crate) fn line_string(value: &str) -> String {
    literal(value.as_bytes(), '"', None)
}

/// A bytes literal of that value, as [`string`].
pub(crate) fn bytes(value: &[u8], indent: usize) -> String {
    literal(value, '\'', value.contains(&b'\n').then_some(indent))
}

fn literal(value: &[u8], quote: char, multiline: Option<usize>) -> String {
    let Some(indent) = multiline else {
        let mut out = String::with_capacity(value.len() + 2);
        out.push(quote);
        escape(value, quote, None, 0, &mut out);
        out.push(quote);
        return out;
    };
    let quotes: String = std::iter::repeat_n(quote, 3).collect();
    let hashes = hashes_needed(value, quote);
    let indent = "\t".repeat(indent);
    let mut out = "#".repeat(hashes);
    out.push_str(&quotes);
    out.push('\n');
    if !value.starts_with(b"\n") {
        out.push_str(&indent);
    }
    escape(value, quote, Some(&indent), hashes, &mut out);
    out.push('\n');
    out.push_str(&indent);
    out.push_str(&quotes);
    out.extend(std::iter::repeat_n('#', hashes));
    out
}

/// How many `#` keep three quotes in the text from ending it.
fn hashes_needed(value: &[u8], quote: char) -> usize {
    let quote = quote as u8;
    let (mut most, mut at) = (0, 0);
    while at < value.len() {
        let quotes = value[at..].iter().take_while(|&&b| b == quote).count();
        at += quotes.max(1);
        if quotes >= 3 {
            let hashes = value[at..].iter().take_while(|&&b| b == b'#').count();
            most = most.max(hashes + 1);
        }
    }
    most
}

/// Writes text with escapes where it needs them. With `indent` line breaks are kept, and what
/// follows them is indented.
pub(crate) fn escape(
    value: &[u8],
    quote: char,
    indent: Option<&str>,
    hashes: usize,
    out: &mut String,
) {
    let is_bytes = quote == '\'';
    let backslash = |out: &mut String| {
        out.push('\\');
        out.extend(std::iter::repeat_n('#', hashes));
    };
    for chunk in value.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\n' if indent.is_some() => {
                    out.push('\n');
                    if characters.peek().is_some_and(|&next| next != '\n') {
                        out.push_str(indent.unwrap_or_default());
                    }
                }
                '\\' => {
                    backslash(out);
                    out.push('\\');
                }
                _ if character == quote && indent.is_none() => {
                    backslash(out);
                    out.push(character);
                }
                _ if is_printable(character) => out.push(character),
                _ => {
                    backslash(out);
                    match character {
                        '\u{07}' => out.push('a'),
                        '\u{08}' => out.push('b'),
                        '\u{0c}' => out.push('f'),
                        '\n' => out.push('n'),
                        '\r' => out.push('r'),
                        '\t' => out.push('t'),
                        '\u{0b}' => out.push('v'),
                        '\0'..' ' if is_bytes => {
                            out.push_str(&format!("x{:02x}", character as u32))
                        }
                        '\0'..='\u{ffff}' => out.push_str(&format!("u{:04x}", character as u32)),
                        _ => out.push_str(&format!("U{:08x}", character as u32)),
                    }
                }
            }
        }
        for byte in chunk.invalid() {
            if is_bytes {
                backslash(out);
                out.push_str(&format!("x{byte:02x}"));
            } else {
                out.push('\u{fffd}');
            }
        }
    }
}

/// Whether a regular field of that name has to be quoted: names that begin with `_` or `#` would
/// mean something else.
pub(crate) fn needs_quotes(name: &str) -> bool {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}$][\p{L}\p{Nd}_$]*$").expect("a constant pattern"));
    !NAME.is_match(name)
}

/// The canonical spelling of a number: digits on both sides of the point, a small `e`, `0o` for
/// octal numbers.
pub(crate) fn number(text: &str) -> String {
    let mut out = text.to_string();
    if out.len() > 1 && out.starts_with('0') && out.as_bytes()[1].is_ascii_digit() {
        let plain = !out.contains(['.', 'e', 'E']);
        if plain {
            out = format!("0o{}", &out[1..]);
        }
    }
    if let Some(point) = out.find('.') {
        if out
            .as_bytes()
            .get(point + 1)
            .is_none_or(|b| !b.is_ascii_digit() && *b != b'_')
        {
            out.insert(point + 1, '0');
        }
        if point == 0 {
            out.insert(0, '0');
        }
    }
    if !out.starts_with("0x") && !out.starts_with("0X") && out.contains('E') {
        out = out.to_lowercase();
    }
    out
}

/// A multi-line literal whose lines are indented by `indent` tabs instead of as they were.
pub(crate) fn reindent(text: &str, indent: usize) -> Option<String> {
    let quotes = super::super::literal::Quotes::of(text, text);
    let tabs = "\t".repeat(indent);
    if !quotes.multiline || quotes.indent == tabs {
        return None;
    }
    Some(text.replace(&format!("\n{}", quotes.indent), &format!("\n{tabs}")))
}
