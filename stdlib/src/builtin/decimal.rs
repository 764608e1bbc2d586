//! Roots, powers, exponentials and logarithms of decimals, to 34 significant digits.
//!
//! They work on integers scaled by a power of ten with some thirty digits more than the result has, so
//! that rounding it is right but for results within 1e-30 of a tie.

use holos_lang::value::Number;
use holos_lang::value::number::PRECISION;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Signed, ToPrimitive, Zero};

type Result<T> = std::result::Result<T, String>;

/// Digits behind the point that intermediate results have.
const SCALE: u32 = 90;
/// The greatest argument of the exponential, in magnitude: beyond, the result has no exponent.
const MAX_EXPONENTIAL: i64 = 230_000;
/// The greatest exponent that a power with a whole exponent is computed with exactly.
const MAX_POWER: u64 = 1_000_000;

fn ten_to(power: u32) -> BigInt {
    BigInt::from(10u8).pow(power)
}

fn negative(message: &str) -> String {
    format!("the {message} of a negative number")
}

/// `value · 10^exponent` to 34 digits, padded with zeros to that many as an inexact result is.
fn inexact(value: &BigInt, exponent: i64) -> Result<Number> {
    let digits = value.magnitude().to_string().len() as i64;
    let more = PRECISION as i64 - digits;
    let (value, exponent) = match u32::try_from(more) {
        Ok(more) => (value * ten_to(more), exponent - i64::from(more)),
        Err(_) => (value.clone(), exponent),
    };
    let exponent = i32::try_from(exponent).map_err(|_| "exponent out of range")?;
    let (sign, coefficient) = value.into_parts();
    Number::from_parts(false, sign == Sign::Minus, coefficient, exponent).round_to_precision()
}

/// The number as an integer scaled by `10^SCALE`; what is smaller is cut off.
fn scaled(number: &Number) -> Result<BigInt> {
    let (is_negative, coefficient, exponent) = number.to_parts();
    let shift = i64::from(exponent) + i64::from(SCALE);
    let coefficient = BigInt::from(coefficient);
    let value = match u32::try_from(shift) {
        Ok(up) if up < 4000 => coefficient * ten_to(up),
        Ok(_) => return Err("the number is too large".to_owned()),
        Err(_) => coefficient / ten_to(u32::try_from(-shift).unwrap_or(u32::MAX).min(400_000)),
    };
    Ok(if is_negative { -value } else { value })
}

/// The cube root.
///
/// # Errors
/// Never in practice: the result of a number in range is in range.
pub(super) fn cbrt(number: &Number) -> Result<Number> {
    if number.is_zero() {
        return Ok(Number::from_i64(0));
    }
    let (is_negative, coefficient, exponent) = number.to_parts();
    // Raised so that the root has more than 34 digits, and the exponent is a multiple of three.
    let digits = coefficient.to_string().len() as i32;
    let mut raise = (3 * 38 - digits).max(0);
    raise += (exponent - raise).rem_euclid(3);
    let raised = coefficient * BigUint::from(10u8).pow(raise as u32);
    let root = raised.cbrt();
    let exact = &root * &root * &root == raised;
    // A digit below the last stands for what was cut off.
    let root = BigInt::from(root * 10u8 + u8::from(!exact));
    let root = if is_negative { -root } else { root };
    inexact(&root, i64::from((exponent - raise) / 3) - 1)
}

/// `e` to the power of the number.
///
/// # Errors
/// If the result is out of range.
pub(super) fn exp(number: &Number) -> Result<Number> {
    if number.is_zero() {
        return Ok(Number::from_i64(1));
    }
    let limit = Number::from_i64(MAX_EXPONENTIAL);
    if number.abs().numeric_cmp(&limit).is_gt() {
        return Err("exponent out of range".to_owned());
    }
    let (mantissa, exponent) = exp_scaled(&scaled(number)?);
    inexact(&mantissa, exponent)
}

/// `e^x` for a scaled `x`, as `mantissa · 10^exponent`.
fn exp_scaled(x: &BigInt) -> (BigInt, i64) {
    let one = ten_to(SCALE);
    let ln10 = ln_ten();
    let tens = (x / &ln10).to_i64().unwrap_or(0);
    let rest = x - &ln10 * tens;
    // exp(rest) by its series, after halving often enough that few terms are needed.
    const HALVINGS: u32 = 8;
    let small = rest >> HALVINGS;
    let (mut sum, mut term) = (one.clone(), one.clone());
    for n in 1u32.. {
        term = term * &small / &one / n;
        if term.is_zero() || term == BigInt::from(-1) {
            break;
        }
        sum += &term;
    }
    for _ in 0..HALVINGS {
        sum = &sum * &sum / &one;
    }
    (sum, tens - i64::from(SCALE))
}

fn ln_ten() -> BigInt {
    // 10 = 2^3 · 1.25
    let one = ten_to(SCALE);
    ln_two() * 3 + ln_near_one(&(&one * 5 / 4))
}

fn ln_two() -> BigInt {
    ln_near_one(&(ten_to(SCALE) * 2))
}

/// The logarithm of a scaled number between 0.5 and 2: twice the area tangent of (x-1)/(x+1).
fn ln_near_one(x: &BigInt) -> BigInt {
    let one = ten_to(SCALE);
    let ratio = (x - &one) * &one / (x + &one);
    let square = &ratio * &ratio / &one;
    let (mut sum, mut power) = (BigInt::zero(), ratio);
    for n in 0u32.. {
        let term = &power / (2 * n + 1);
        if term.is_zero() {
            break;
        }
        sum += term;
        power = power * &square / &one;
    }
    sum * 2
}

/// The natural logarithm of a positive number, scaled.
fn ln_scaled(number: &Number) -> BigInt {
    let (_, coefficient, exponent) = number.to_parts();
    let digits = coefficient.to_string().len() as i64;
    let one = ten_to(SCALE);
    // The number as a mantissa from 1 up to 10, and a power of ten.
    let shift = i64::from(SCALE) - (digits - 1);
    let coefficient = BigInt::from(coefficient);
    let mut mantissa = match u32::try_from(shift) {
        Ok(up) => coefficient * ten_to(up),
        Err(_) => coefficient / ten_to((-shift) as u32),
    };
    let tens = i64::from(exponent) + digits - 1;
    let mut halvings = 0;
    while mantissa > &one * 3 / 2 {
        mantissa >>= 1;
        halvings += 1;
    }
    ln_near_one(&mantissa) + ln_two() * halvings + ln_ten() * tens
}

/// The natural logarithm.
///
/// # Errors
/// If the number is not positive.
pub(super) fn ln(number: &Number) -> Result<Number> {
    match number.sign() {
        -1 => return Err(negative("logarithm")),
        0 => return Err("the logarithm of zero is infinite".to_owned()),
        _ => {}
    }
    let one = Number::from_i64(1);
    let logarithm = ln_scaled(number);
    if logarithm.is_zero() {
        return match number.numeric_cmp(&one).is_eq() {
            true => Ok(Number::from_i64(0)),
            // Nearer to one than there are digits: ln(1+d) is d.
            false => number.sub(&one),
        };
    }
    inexact(&logarithm, -i64::from(SCALE))
}

/// The decimal logarithm; a power of ten has an exact one.
///
/// # Errors
/// If the number is not positive.
pub(super) fn log10(number: &Number) -> Result<Number> {
    let natural = ln(number)?;
    let (_, coefficient, exponent) = number.to_parts();
    let text = coefficient.to_string();
    if text.trim_end_matches('0') == "1" {
        return Ok(Number::from_i64(
            i64::from(exponent) + text.len() as i64 - 1,
        ));
    }
    if natural.is_zero() {
        return Ok(natural);
    }
    let quotient = ln_scaled(number) * ten_to(SCALE) / ln_ten();
    inexact(&quotient, -i64::from(SCALE))
}

/// The binary logarithm: the quotient of two natural ones of 34 digits.
///
/// # Errors
/// If the number is not positive.
pub(super) fn log2(number: &Number) -> Result<Number> {
    ln(number)?.div(&ln(&Number::from_i64(2))?)
}

/// `base` to the power of `exponent`.
///
/// # Errors
/// If the result is out of range or undefined: 0^0, 0^-1, or a fractional power of a negative number.
pub(super) fn pow(base: &Number, exponent: &Number) -> Result<Number> {
    match (base.sign(), exponent.sign()) {
        (0, 0) => return Err("zero to the power of zero is undefined".to_owned()),
        (0, 1) => return Ok(Number::from_i64(0)),
        (0, _) => return Err("a negative power of zero is infinite".to_owned()),
        (_, 0) => return Ok(Number::from_i64(1)),
        _ => {}
    }
    if let Some(whole) = exponent.to_int() {
        let count = whole.abs().as_u64().filter(|count| *count <= MAX_POWER);
        let Some(count) = count else {
            let base = base.abs().numeric_cmp(&Number::from_i64(1));
            return match base.is_eq() {
                true => Ok(Number::from_i64(1)),
                false => Err("exponent out of range".to_owned()),
            };
        };
        let power = whole_power(base, count)?;
        return match exponent.sign() {
            1 => power.round_to_precision(),
            _ => {
                let (is_negative, coefficient, exponent) = power.to_parts();
                let dividend = ten_to(SCALE + coefficient.to_string().len() as u32);
                let digits = i64::from(SCALE) + coefficient.to_string().len() as i64;
                let quotient = dividend / BigInt::from(coefficient);
                let quotient = if is_negative { -quotient } else { quotient };
                inexact(&quotient, -digits - i64::from(exponent))
            }
        };
    }
    if base.sign() < 0 {
        return Err(negative("fractional power"));
    }
    let logarithm = ln_scaled(base) * scaled(exponent)? / ten_to(SCALE);
    if logarithm.abs() > ten_to(SCALE) * MAX_EXPONENTIAL {
        return Err("exponent out of range".to_owned());
    }
    let (mantissa, exponent) = exp_scaled(&logarithm);
    inexact(&mantissa, exponent)
}

/// By squaring, cutting what is beyond some 90 digits.
fn whole_power(base: &Number, mut count: u64) -> Result<Number> {
    let (is_negative, mut square, exponent) = base.to_parts();
    let mut square_exponent = i64::from(exponent);
    let (mut result, mut result_exponent) = (BigUint::one(), 0i64);
    let is_negative = is_negative && count % 2 == 1;
    let cut = |value: &mut BigUint, exponent: &mut i64| {
        let digits = (value.bits() as f64 * std::f64::consts::LOG10_2) as u32;
        if digits > 2 * SCALE {
            let drop = digits - SCALE;
            *value /= BigUint::from(10u8).pow(drop);
            *exponent += i64::from(drop);
        }
    };
    while count > 0 {
        if count % 2 == 1 {
            result *= &square;
            result_exponent += square_exponent;
            cut(&mut result, &mut result_exponent);
        }
        count /= 2;
        if count > 0 {
            square = &square * &square;
            square_exponent = square_exponent.saturating_mul(2);
            cut(&mut square, &mut square_exponent);
        }
    }
    let exponent = i32::try_from(result_exponent).map_err(|_| "exponent out of range")?;
    Ok(Number::from_parts(false, is_negative, result, exponent))
}
