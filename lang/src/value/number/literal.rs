//! Reading number literals: `1_000`, `0x1F`, `1.5Ki`, `.5e-3`.

use super::{Decimal, MAX_DIGITS, MAX_EXPONENT, Number};
use num_bigint::BigUint;

impl Number {
    /// Reads a literal in any of the language's forms: decimal and `0x` `0b` `0o` integers, `_` between
    /// digits, fractions and exponents (floats), multipliers `K` to `P` and `Ki` to `Pi` (ints, which
    /// must come out whole). A leading sign is accepted.
    ///
    /// # Errors
    /// Says what is wrong with the literal, without repeating it.
    pub fn parse_literal(text: &str) -> Result<Number, String> {
        let (negative, body) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let small = body.len() <= 18 && !body.starts_with('0');
        if small && !body.is_empty() && body.bytes().all(|b| b.is_ascii_digit()) {
            let value: i64 = body.parse().map_err(|_| invalid())?;
            return Ok(Number::Int(if negative { -value } else { value }));
        }
        if body.len() > MAX_DIGITS {
            return Err(format!("number has more than {MAX_DIGITS} digits"));
        }
        for (prefixes, radix, name) in [
            (&["0x", "0X"][..], 16, "hexadecimal"),
            (&["0b"], 2, "binary"),
            (&["0o"], 8, "octal"),
        ] {
            if let Some(rest) = prefixes.iter().find_map(|prefix| body.strip_prefix(prefix)) {
                let digits = separated(rest)?;
                let value = BigUint::parse_bytes(digits.as_bytes(), radix)
                    .ok_or_else(|| format!("illegal {name} number"))?;
                return Ok(Number::from_parts(
                    true,
                    negative && value != BigUint::ZERO,
                    value,
                    0,
                ));
            }
        }
        decimal(negative, body)
    }
}

fn invalid() -> String {
    "invalid number".to_owned()
}

/// Digits without their `_`, each of which must stand between two digits.
fn separated(text: &str) -> Result<String, String> {
    if text.ends_with('_') || text.contains("__") {
        return Err("illegal '_' in number".to_owned());
    }
    Ok(text.replace('_', ""))
}

fn decimal(negative: bool, body: &str) -> Result<Number, String> {
    let end = body
        .find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.'))
        .unwrap_or(body.len());
    let (mantissa, suffix) = body.split_at(end);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let (whole, part) = (separated(whole)?, separated(fraction.unwrap_or(""))?);
    if part.contains('.') || (whole.is_empty() && part.is_empty()) {
        return Err(invalid());
    }
    let float = fraction.is_some() || suffix.starts_with(['e', 'E']);
    if !float && whole.len() > 1 && whole.starts_with('0') {
        return Err("illegal integer number: it starts with 0".to_owned());
    }
    let digits = format!("{whole}{part}");
    let coefficient = BigUint::parse_bytes(digits.as_bytes(), 10).ok_or_else(invalid)?;
    // A literal's sign does not reach zero: `-0.0` is `0.0`.
    let negative = negative && coefficient != BigUint::ZERO;
    let scale = -(part.len() as i64);

    if let Some(exponent) = suffix.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let magnitude = separated(unsigned)?;
        if magnitude.is_empty() || !magnitude.bytes().all(|b| b.is_ascii_digit()) {
            return Err("illegal exponent in number".to_owned());
        }
        let magnitude: i64 = magnitude.parse().unwrap_or(i64::MAX / 2);
        let exponent = if exponent.starts_with('-') {
            -magnitude
        } else {
            magnitude
        };
        return finite(negative, coefficient, exponent + scale);
    }
    if suffix.is_empty() {
        return match float {
            true => finite(negative, coefficient, scale),
            false => Ok(Number::from_parts(true, negative, coefficient, 0)),
        };
    }
    let unit = multiplier(suffix).ok_or_else(invalid)?;
    let value = Decimal {
        coefficient,
        exponent: scale as i32,
        negative,
        int: false,
    };
    let unit = Number::from_i64(unit).to_decimal();
    let product = value
        .mul(&unit)?
        .into_whole()
        .ok_or("number cannot be represented as int")?;
    Ok(Number::from_parts(
        true,
        product.negative,
        product.coefficient,
        0,
    ))
}

fn finite(negative: bool, coefficient: BigUint, exponent: i64) -> Result<Number, String> {
    let adjusted = exponent + super::digits(&coefficient) as i64 - 1;
    if exponent.abs() > MAX_EXPONENT || adjusted.abs() > MAX_EXPONENT {
        return Err("exponent out of range".to_owned());
    }
    Ok(Number::from_parts(
        false,
        negative,
        coefficient,
        exponent as i32,
    ))
}

fn multiplier(suffix: &str) -> Option<i64> {
    let (letter, base) = match suffix.strip_suffix('i') {
        Some(letter) => (letter, 1024i64),
        None => (suffix, 1000),
    };
    let power = ["K", "M", "G", "T", "P"]
        .iter()
        .position(|l| *l == letter)?;
    Some(base.pow(power as u32 + 1))
}
