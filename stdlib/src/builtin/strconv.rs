//! `strconv`: numbers, booleans and quoted strings from and to text, in Go's notations.

use super::arguments::*;
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::{parse_expr, tree::Expr};
use holos_lang::value::{Data, Number};
use num_bigint::BigInt;
use num_traits::{One, Signed};

/// The most digits behind the point.
const MAX_PRECISION: i64 = 100_000;

package! {
    "strconv", "strconv", "Conversions of basic values from and to text.";
    constants { "IntSize" = "64" }
    "Unquote" (s: STRING) -> STRING,
        "The string that s is a literal of." => |_, a| unquote(a.str(0)?),
    "ParseBool" (str: STRING) -> BOOL,
        "The value of 1, t, T, true, True, TRUE, 0, f, F, false, False or FALSE." => |_, a| {
            match a.str(0)? {
                "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
                "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
                other => Err(syntax(other, "bool")),
            }
        },
    "FormatBool" (b: BOOL) -> STRING,
        "true or false." => |_, a| Ok(if a.bool(0)? { "true" } else { "false" }),
    "ParseFloat" (s: STRING, bitSize: INT) -> NUMBER,
        "The nearest float of 32 or 64 bits; hexadecimal floats too." => |_, a| {
            let text = a.str(0)?;
            let value = parse_float(text, a.int(1)? == 32).ok_or_else(|| syntax(text, "float"))?;
            float(value)
        },
    "ParseNumber" (s: STRING) -> NUMBER,
        "The number that s is a literal of, exactly." => |_, a| {
            let parsed = Number::parse_literal(a.str(0)?);
            Ok(decimal(&parsed.map_err(|problem| error(problem).argument(0))?))
        },
    "ParseUint" (s: STRING, base: INT, bitSize: INT) -> INT,
        "The int of a text in a base from 2 to 62, or by its prefix if 0, that is not negative and fits bitSize bits, any if 0." => |_, a| {
            let (value, bits) = (parse_int(&a)?, a.int_in(2, 0, i64::MAX)?);
            if value.is_negative() || (bits > 0 && value.bits() > bits as u64) {
                return Err(error("value out of range").argument(0));
            }
            Ok(value)
        },
    "ParseInt" (s: STRING, base: INT, bitSize: INT) -> INT,
        "The int of a text in a base from 2 to 62, or by its prefix if 0, that fits bitSize bits with a sign, any if 0." => |_, a| {
            let (value, bits) = (parse_int(&a)?, a.int_in(2, 0, i64::MAX)?);
            // The magnitude of the least number is one more than that of the greatest.
            let greatest = if value.is_negative() { &value + BigInt::one() } else { value.clone() };
            if bits > 0 && greatest.bits() > bits as u64 - 1 {
                return Err(error("value out of range").argument(0));
            }
            Ok(value)
        },
    "Atoi" (s: STRING) -> INT,
        "The int of a decimal text." => |_, a| int(a.str(0)?, 10),
    "FormatFloat" (f: NUMBER, fmt: ANY, prec: INT, bitSize: INT) -> STRING,
        "A float in the format e, E, f, g, G, b, x or X, with prec digits, or as few as needed if -1." => |_, a| {
            let format = match a.data(1)? {
                Data::String(text) if text.len() == 1 => text.as_bytes()[0],
                Data::String(_) => {
                    return Err(error("expected a string of one character").argument(1));
                }
                Data::Number(number) if number.is_int_kind() => number
                    .as_i64()
                    .and_then(|n| u8::try_from(n).ok())
                    .ok_or_else(|| error("the format must be from 0 to 255").argument(1))?,
                other => {
                    let message = format!("the format is a {}, not a string", kind_of(other));
                    return Err(error(message).argument(1));
                }
            };
            let (value, precision) = (a.f64(0)?, a.int_in(2, i64::MIN, MAX_PRECISION)?);
            match a.int(3)? {
                32 => Ok(format_float(f64::from(value as f32), true, format, precision)),
                64 => Ok(format_float(value, false, format, precision)),
                other => Err(error(format!("the bit size must be 32 or 64, not {other}")).argument(3)),
            }
        },
    "FormatUint" (i: INT, base: INT) -> STRING,
        "An int in a base from 2 to 62." => |_, a| format_int(&a),
    "FormatInt" (i: INT, base: INT) -> STRING,
        "An int in a base from 2 to 62." => |_, a| format_int(&a),
    "Quote" (s: STRING) -> STRING,
        "A literal of s in Go's notation, with escapes for what does not print." => |_, a| {
            Ok(quote(a.str(0)?, '"', is_print))
        },
    "QuoteToASCII" (s: STRING) -> STRING,
        "As Quote, with escapes for all that is not ASCII." => |_, a| {
            Ok(quote(a.str(0)?, '"', is_ascii_print))
        },
    "QuoteToGraphic" (s: STRING) -> STRING,
        "As Quote, spaces of all kinds left as they are." => |_, a| {
            Ok(quote(a.str(0)?, '"', is_graphic))
        },
    "QuoteRune" (r: INT) -> STRING,
        "A literal of the code point in single quotes." => |_, a| quote_rune(&a, is_print),
    "QuoteRuneToASCII" (r: INT) -> STRING,
        "As QuoteRune, with escapes for all that is not ASCII." => |_, a| quote_rune(&a, is_ascii_print),
    "QuoteRuneToGraphic" (r: INT) -> STRING,
        "As QuoteRune, spaces of all kinds left as they are." => |_, a| quote_rune(&a, is_graphic),
    "IsPrint" (r: INT) -> BOOL,
        "Whether the code point prints: a letter, mark, number, punctuation, symbol or the ASCII space." => |_, a| {
            Ok(rune(&a)?.is_some_and(is_print))
        },
    "IsGraphic" (r: INT) -> BOOL,
        "Whether the code point prints or is a space." => |_, a| {
            Ok(rune(&a)?.is_some_and(is_graphic))
        },
}

fn syntax(text: &str, what: &str) -> holos_lang::value::builtin::CallError {
    let shown: String = text.chars().take(80).collect();
    error(format!("{shown:?} is not the text of a {what}")).argument(0)
}

fn unquote(text: &str) -> Result<String> {
    let quoted = text.starts_with(['"', '\'', '#']) && text.ends_with(['"', '\'', '#']);
    if quoted {
        let (expr, errors) = parse_expr(FileId(0), text);
        match expr {
            Expr::String(value, _) if errors.is_empty() => return Ok(value.to_string()),
            Expr::Bytes(value, _) if errors.is_empty() => {
                return Ok(String::from_utf8_lossy(&value).into_owned());
            }
            _ => {}
        }
    }
    Err(syntax(text, "string literal"))
}

/// A float of 64 bits, or of 32 widened, or `None` for what is no finite number.
fn parse_float(text: &str, single: bool) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value = if let Some(hex) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        hexadecimal_float(hex)?
    } else {
        if unsigned.starts_with(['_', '+', '-'])
            || unsigned.ends_with('_')
            || unsigned.contains("__")
        {
            return None;
        }
        let bytes = unsigned.as_bytes();
        let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
        for (at, _) in unsigned.match_indices('_') {
            if !digit(bytes.get(at.wrapping_sub(1))) || !digit(bytes.get(at + 1)) {
                return None;
            }
        }
        let plain = unsigned.replace('_', "");
        if !plain
            .bytes()
            .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        {
            return None;
        }
        if single {
            f64::from(plain.parse::<f32>().ok()?)
        } else {
            plain.parse().ok()?
        }
    };
    let value = if single {
        f64::from(value as f32)
    } else {
        value
    };
    let signed = if text.starts_with('-') { -value } else { value };
    signed.is_finite().then_some(signed)
}

/// `1.8p-2`: the exponent is required.
fn hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse::<i64>().ok()?.clamp(-100_000, 100_000) as i32;
    let mantissa = mantissa.replace('_', "");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 1000 {
        return None;
    }
    let value = BigInt::parse_bytes(digits.as_bytes(), 16)?;
    let drop = value.bits().saturating_sub(64) as i32;
    // What is beyond 64 bits only matters in that it is there.
    let top: BigInt = &value >> drop;
    let sticky = (&top << drop) != value;
    let top = u64::try_from(&top).ok()? | u64::from(sticky);
    let shift = exponent
        .checked_sub(4 * fraction.len() as i32)?
        .checked_add(drop)?;
    Some(libm::ldexp(top as f64, shift))
}

fn parse_int(a: &Arguments<'_>) -> Result<BigInt> {
    let base = a.int(1)?;
    if base != 0 && !(2..=62).contains(&base) {
        return Err(error(format!("the base must be 0 or from 2 to 62, not {base}")).argument(1));
    }
    int(a.str(0)?, base as u32)
}

fn int(text: &str, base: u32) -> Result<BigInt> {
    let wrong = || syntax(text, "int");
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (digits, radix) = match (base, lower.get(..2)) {
        (0, Some("0x")) => (&unsigned[2..], 16),
        (0, Some("0b")) => (&unsigned[2..], 2),
        (0, Some("0o")) => (&unsigned[2..], 8),
        (0, _) if unsigned.len() > 1 && unsigned.starts_with('0') => (&unsigned[1..], 8),
        (0, _) => (unsigned, 10),
        _ => (unsigned, base),
    };
    let prefixed = digits.len() < unsigned.len();
    let separated = base == 0
        && !digits.ends_with('_')
        && !digits.contains("__")
        && (prefixed || !digits.starts_with('_'));
    if digits.contains('_') && !separated {
        return Err(wrong());
    }
    let digits = digits.replace('_', "");
    if digits.len() > holos_lang::value::number::MAX_DIGITS {
        return Err(error("the number has too many digits").argument(0));
    }
    let value: Option<Vec<u8>> = digits
        .chars()
        .map(|c| {
            let value = match c {
                '0'..='9' => c as u32 - '0' as u32,
                'a'..='z' => c as u32 - 'a' as u32 + 10,
                'A'..='Z' if radix <= 36 => c as u32 - 'A' as u32 + 10,
                'A'..='Z' => c as u32 - 'A' as u32 + 36,
                _ => return None,
            };
            (value < radix).then_some(value as u8)
        })
        .collect();
    let value = value
        .filter(|digits| !digits.is_empty())
        .ok_or_else(wrong)?;
    let sign = if text.starts_with('-') {
        num_bigint::Sign::Minus
    } else {
        num_bigint::Sign::Plus
    };
    BigInt::from_radix_be(sign, &value, radix).ok_or_else(wrong)
}

fn format_int(a: &Arguments<'_>) -> Result<String> {
    let (value, base) = (a.bigint(0)?, a.int_in(1, 2, 62)?);
    let (sign, digits) = value.to_radix_be(base as u32);
    let digit = |d: u8| match d {
        0..=9 => (b'0' + d) as char,
        10..=35 => (b'a' + d - 10) as char,
        _ => (b'A' + d - 36) as char,
    };
    let minus = if sign == num_bigint::Sign::Minus {
        "-"
    } else {
        ""
    };
    Ok(minus.chars().chain(digits.into_iter().map(digit)).collect())
}

/// A float's decimal digits and where the point is: `0.digits · 10^point`. Zero has no digits.
struct Digits {
    digits: String,
    point: i64,
}

impl Digits {
    /// Of Rust's `d.ddde±n`, trailing zeros dropped.
    fn new(scientific: &str) -> Digits {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits = mantissa.replace('.', "");
        let digits = digits.trim_end_matches('0').to_owned();
        let point = if digits.is_empty() {
            0
        } else {
            exponent.parse::<i64>().unwrap_or(0) + 1
        };
        Digits { digits, point }
    }

    fn exponential(&self, precision: usize, letter: char) -> String {
        let digits = if self.digits.is_empty() {
            "0"
        } else {
            &self.digits
        };
        let mut text = digits[..1].to_owned();
        if precision > 0 {
            let fraction = &digits[1..];
            text.push('.');
            text.push_str(fraction);
            text.extend(std::iter::repeat_n(
                '0',
                precision.saturating_sub(fraction.len()),
            ));
        }
        let exponent = if self.digits.is_empty() {
            0
        } else {
            self.point - 1
        };
        let sign = if exponent < 0 { '-' } else { '+' };
        text + &format!("{letter}{sign}{:02}", exponent.abs())
    }

    fn fixed(&self, precision: usize) -> String {
        let count = self.digits.len() as i64;
        let at = |place: i64| match usize::try_from(place) {
            Ok(place) if place < count as usize => char::from(self.digits.as_bytes()[place]),
            _ => '0',
        };
        let mut text: String = (0..self.point.max(0)).map(at).collect();
        if text.is_empty() {
            text.push('0');
        }
        if precision > 0 {
            text.push('.');
            text.extend((0..precision as i64).map(|place| at(self.point + place)));
        }
        text
    }
}

/// As Go's `FormatFloat`; `value` is a 32-bit float widened if `single`.
pub(super) fn format_float(value: f64, single: bool, format: u8, precision: i64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() {
        return if sign.is_empty() { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = value.abs();
    let shortest = precision < 0;
    let wanted = precision.max(0) as usize;
    let least = || match single {
        true => Digits::new(&format!("{:e}", magnitude as f32)),
        false => Digits::new(&format!("{magnitude:e}")),
    };
    let body = match format {
        b'e' | b'E' => {
            let (digits, precision) = match shortest {
                true => {
                    let digits = least();
                    let precision = digits.digits.len().saturating_sub(1);
                    (digits, precision)
                }
                false => (Digits::new(&format!("{magnitude:.wanted$e}")), wanted),
            };
            digits.exponential(precision, format as char)
        }
        b'f' if shortest => {
            let digits = least();
            let precision = (digits.digits.len() as i64 - digits.point).max(0);
            digits.fixed(precision as usize)
        }
        b'f' => format!("{magnitude:.wanted$}"),
        b'g' | b'G' => {
            let significant = wanted.max(1);
            let digits = match shortest {
                true => least(),
                false => Digits::new(&format!("{magnitude:.*e}", significant - 1)),
            };
            let count = digits.digits.len() as i64;
            let mut limit = if shortest { count } else { significant as i64 };
            if limit > count && count >= digits.point {
                limit = count;
            }
            if shortest {
                limit = 6;
            }
            let exponent = digits.point - 1;
            if exponent < -4 || exponent >= limit {
                let letter = if format == b'g' { 'e' } else { 'E' };
                digits.exponential(digits.digits.len().saturating_sub(1), letter)
            } else {
                digits.fixed((count - digits.point).max(0) as usize)
            }
        }
        b'b' => binary(magnitude, single),
        b'x' | b'X' => {
            let text = hexadecimal(magnitude, if shortest { None } else { Some(wanted) });
            if format == b'X' {
                text.to_uppercase()
            } else {
                text
            }
        }
        other => return format!("%{}", other as char),
    };
    format!("{sign}{body}")
}

/// `4503599627370496p-52`.
fn binary(magnitude: f64, single: bool) -> String {
    let (bits, width, bias) = match single {
        true => (u64::from((magnitude as f32).to_bits()), 23, 127),
        false => (magnitude.to_bits(), 52, 1023),
    };
    let fraction = bits & ((1 << width) - 1);
    let (mantissa, exponent) = match bits >> width {
        0 => (fraction, 1),
        exponent => (fraction | 1 << width, exponent as i64),
    };
    format!("{mantissa}p{:+}", exponent - bias - width)
}

/// `0x1.8p+00`, with as few digits as needed or as many as wanted.
fn hexadecimal(magnitude: f64, digits: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = match magnitude == 0.0 {
        true => (0, 0),
        false => {
            // Subnormal numbers as well get a mantissa that starts with 1.
            let (fraction, exponent) = libm::frexp(magnitude);
            (libm::ldexp(fraction, 53) as u64, i64::from(exponent) - 1)
        }
    };
    if let Some(digits) = digits.filter(|digits| *digits < 13) {
        let drop = 52 - 4 * digits as u32;
        let (unit, half) = (1u64 << drop, 1u64 << (drop - 1));
        let rest = mantissa & (unit - 1);
        mantissa >>= drop;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = match digits {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(digits) if digits <= 13 => fraction[..digits].to_owned(),
        Some(digits) => format!("{fraction:0<digits$}"),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "0x{}{point}{fraction}p{sign}{:02}",
        mantissa >> 52,
        exponent.abs()
    )
}

fn rune(a: &Arguments<'_>) -> Result<Option<char>> {
    let code = a.int_in(0, i64::from(i32::MIN), i64::from(i32::MAX))?;
    Ok(u32::try_from(code).ok().and_then(char::from_u32))
}

fn quote_rune(a: &Arguments<'_>, shown: fn(char) -> bool) -> Result<String> {
    let c = rune(a)?.unwrap_or(char::REPLACEMENT_CHARACTER);
    Ok(quote(c.encode_utf8(&mut [0; 4]), '\'', shown))
}

/// A literal in Go's notation.
pub(super) fn quote(text: &str, mark: char, shown: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            _ if c == mark => out.extend(['\\', mark]),
            _ if shown(c) => out.push(c),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
            _ if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push(mark);
    out
}

fn is_ascii_print(c: char) -> bool {
    matches!(c, ' '..='~')
}

pub(super) fn is_print(c: char) -> bool {
    c == ' ' || (is_graphic(c) && !in_class("\\p{Zs}", c, 1))
}

pub(super) fn is_graphic(c: char) -> bool {
    in_class("[\\pL\\pM\\pN\\pP\\pS\\p{Zs}]", c, 0)
}

fn in_class(class: &str, c: char, slot: usize) -> bool {
    static CLASSES: [std::sync::OnceLock<Option<regex::Regex>>; 2] =
        [const { std::sync::OnceLock::new() }; 2];
    let regex = CLASSES[slot].get_or_init(|| regex::Regex::new(class).ok());
    regex
        .as_ref()
        .is_some_and(|regex| regex.is_match(c.encode_utf8(&mut [0; 4])))
}
