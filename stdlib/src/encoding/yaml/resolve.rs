//! What a YAML scalar without quotes and tag stands for.
//!
//! The core schema of YAML 1.2, and beyond it, as `cue` reads: octal integers spelt `0777`, binary ones, underscores between digits.
//! Unlike there, a float too big for a machine's is a number all the same (`1e400`), for ours have no such limit.
//! The booleans of YAML 1.1 (`yes`, `on`) are strings.

/// The type a plain scalar has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    /// Any base.
    Int,
    /// With a point or an exponent, or an integer beyond 64 bits.
    Float,
    /// `.inf`, `-.inf`, `.nan`.
    NotFinite,
    /// `<<`.
    Merge,
    String,
}

pub(super) fn resolve(text: &str) -> Resolved {
    if text.len() > 5 && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        // No word is as long.
        return Resolved::String;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => return Resolved::NotFinite,
        "<<" => return Resolved::Merge,
        _ => {}
    }
    if !text.starts_with([
        '+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]) {
        return Resolved::String;
    }
    let plain = match text.starts_with('.') {
        true => text.to_owned(),
        false => text.replace('_', ""),
    };
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if is_integer(unsigned, plain.len() != unsigned.len()) {
        return Resolved::Int;
    }
    if is_float(unsigned) {
        // `0128` is no octal integer, and nobody means a float by it.
        let octal = unsigned.len() > 1 && unsigned.starts_with('0');
        if octal && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return Resolved::String;
        }
        return Resolved::Float;
    }
    Resolved::String
}

/// Whether it is an integer of any base in 64 bits.
fn is_integer(unsigned: &str, signed: bool) -> bool {
    let (digits, base) = match unsigned.get(..2) {
        Some("0x" | "0X") => (&unsigned[2..], 16),
        Some("0o" | "0O") => (&unsigned[2..], 8),
        Some("0b" | "0B") => (&unsigned[2..], 2),
        Some(_) if unsigned.starts_with('0') => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    let parsed = if digits.starts_with(['+', '-']) {
        None
    } else {
        u64::from_str_radix(digits, base).ok()
    };
    parsed.is_some_and(|value| !signed || value <= i64::MAX as u64 + 1)
}

/// `.5`, `1.`, `1.5e-3`, `1e3`, `12`.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && mantissa.len() > 1,
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa && exponent
}

/// Whether a YAML 1.1 reader would take the plain scalar for something other than a string, though
/// [`resolve`] does not.
pub(super) fn is_legacy(text: &str) -> bool {
    const WORDS: [&str; 27] = [
        "y", "Y", "yes", "Yes", "YES", "n", "N", "t", "T", "f", "F", "no", "No", "NO", "true",
        "True", "TRUE", "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", ".Nan",
    ];
    if text.len() <= 5 && WORDS.contains(&text) {
        return true;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.len() > 1 && unsigned.starts_with('0') {
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        return is_time(text) || unsigned.bytes().all(digits);
    }
    is_time(text)
}

/// Whether it looks like a date, a time or a number to the base of 60.
fn is_time(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_digit() || b"-+:. \t".contains(&byte);
    let body = text.strip_suffix(['z', 'Z']).unwrap_or(text).as_bytes();
    if body.len() < 3
        || !body
            .iter()
            .all(|&byte| part(byte) || byte == b't' || byte == b'T')
    {
        return false;
    }
    let inner = &body[1..body.len() - 1];
    let letters = |bytes: &[u8]| {
        bytes
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count()
    };
    match letters(body) {
        0 => inner.iter().any(|&byte| byte == b'-' || byte == b':'),
        1 => letters(inner) == 1,
        _ => false,
    }
}
