//! Numbers: integers of any size and decimals with CUE's 34 significant digits, one type.
//!
//! A number has a *kind* (int or float) and a value. `1` and `1.0` differ in kind, so they do not unify,
//! but they compare equal with `==` and arithmetic mixes them. Arithmetic rounds to 34 significant digits
//! (half up), for ints as well: `99999999999999999999999999999999999 + 1` is
//! `1.000000000000000000000000000000000E+35`, an int still. Literals are exact at any length up to
//! [`MAX_DIGITS`]. A decimal remembers its trailing zeros: `1.50` prints as `1.50`, yet equals `1.5`.

mod arithmetic;
mod literal;
mod text;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{ToPrimitive, Zero};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Significant digits of the result of an arithmetic operation.
pub const PRECISION: u64 = 34;
/// The greatest magnitude of a decimal exponent in scientific notation, as in `1e100000`.
pub const MAX_EXPONENT: i64 = 100_000;
/// The longest literal or conversion, in digits.
pub const MAX_DIGITS: usize = 200_000;

/// A number of the language. Equality and hashing are those of values: same kind and same value,
/// however many trailing zeros were written. For `==` use [`Number::numeric_cmp`].
#[derive(Clone, Debug)]
pub enum Number {
    /// An int that fits a machine word.
    Int(i64),
    /// Every other number.
    Decimal(Box<Decimal>),
}

const _: () = assert!(size_of::<Number>() <= 16);

/// `coefficient · 10^exponent`, with a sign (there is a negative zero) and a kind.
#[derive(Clone, Debug)]
pub struct Decimal {
    coefficient: BigUint,
    exponent: i32,
    negative: bool,
    int: bool,
}

impl Number {
    /// The int `value`.
    pub const fn from_i64(value: i64) -> Number {
        Number::Int(value)
    }

    /// The int `value`.
    pub fn from_u64(value: u64) -> Number {
        match i64::try_from(value) {
            Ok(small) => Number::Int(small),
            Err(_) => Number::from_parts(true, false, value.into(), 0),
        }
    }

    /// The int `value`.
    pub fn from_bigint(value: BigInt) -> Number {
        let (sign, coefficient) = value.into_parts();
        Number::from_parts(true, sign == Sign::Minus, coefficient, 0)
    }

    /// The float with the shortest digits that read back as `value`; `None` for infinities and NaN.
    pub fn from_f64(value: f64) -> Option<Number> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len() as i32);
        let digits: BigUint = mantissa.replace('.', "").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - fraction;
        Some(Number::from_parts(
            false,
            value.is_sign_negative(),
            digits,
            exponent,
        ))
    }

    /// `±coefficient · 10^exponent`, of kind int or float. An int's exponent must not be negative.
    pub fn from_parts(int: bool, negative: bool, coefficient: BigUint, exponent: i32) -> Number {
        debug_assert!(!int || exponent >= 0, "an int with a fraction");
        if int && exponent == 0 && !(negative && coefficient.is_zero()) {
            let magnitude = coefficient.to_i128();
            let signed = magnitude.map(|m| if negative { -m } else { m });
            if let Some(small) = signed.and_then(|v| i64::try_from(v).ok()) {
                return Number::Int(small);
            }
        }
        Number::Decimal(Box::new(Decimal {
            coefficient,
            exponent,
            negative,
            int,
        }))
    }

    /// Sign (true: negative), coefficient and exponent: the inverse of [`Number::from_parts`].
    pub fn to_parts(&self) -> (bool, BigUint, i32) {
        let decimal = self.to_decimal();
        (decimal.negative, decimal.coefficient, decimal.exponent)
    }

    fn to_decimal(&self) -> Decimal {
        match self {
            Number::Int(value) => Decimal {
                coefficient: value.unsigned_abs().into(),
                exponent: 0,
                negative: *value < 0,
                int: true,
            },
            Number::Decimal(decimal) => (**decimal).clone(),
        }
    }

    /// Whether the number is an `int` (else a `float`).
    pub fn is_int_kind(&self) -> bool {
        match self {
            Number::Int(_) => true,
            Number::Decimal(decimal) => decimal.int,
        }
    }

    /// The same value as a float (`1` becomes `1`, of the other kind).
    pub fn into_float(self) -> Number {
        Number::Decimal(Box::new(Decimal {
            int: false,
            ..self.to_decimal()
        }))
    }

    /// The same value as an int with the exponent 0, if it has no fraction (`1e3` becomes `1000`).
    pub fn to_int(&self) -> Option<Number> {
        let whole = self.to_decimal().into_whole()?;
        Some(Number::from_parts(
            true,
            whole.negative,
            whole.coefficient,
            0,
        ))
    }

    /// Whether the value has no fraction, whatever the kind.
    pub fn is_integral(&self) -> bool {
        match self {
            Number::Int(_) => true,
            Number::Decimal(decimal) => decimal.int || decimal.reduced().exponent >= 0,
        }
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Number::Int(value) => *value == 0,
            Number::Decimal(decimal) => decimal.coefficient.is_zero(),
        }
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match self {
            Number::Int(value) => value.signum() as i32,
            Number::Decimal(decimal) if decimal.coefficient.is_zero() => 0,
            Number::Decimal(decimal) if decimal.negative => -1,
            Number::Decimal(_) => 1,
        }
    }

    /// The value as a machine word, if it is integral and fits; the kind does not matter.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Number::Int(value) => Some(*value),
            Number::Decimal(decimal) => decimal.small_integer(),
        }
    }

    /// The value as an unsigned machine word, if it is integral and fits; the kind does not matter.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Number::Int(value) => u64::try_from(*value).ok(),
            Number::Decimal(decimal) => {
                if decimal.adjusted_exponent() > 20 {
                    return None;
                }
                self.to_bigint()?.to_u64()
            }
        }
    }

    /// The value as an index, if it is integral, not negative and fits.
    pub fn to_usize(&self) -> Option<usize> {
        usize::try_from(self.as_i64()?).ok()
    }

    /// The exact value, if it is integral.
    pub fn to_bigint(&self) -> Option<BigInt> {
        match self {
            Number::Int(value) => Some((*value).into()),
            Number::Decimal(decimal) => {
                let reduced = decimal.reduced();
                let power = u32::try_from(reduced.exponent).ok()?;
                let sign = if reduced.negative {
                    Sign::Minus
                } else {
                    Sign::Plus
                };
                Some(BigInt::from_biguint(
                    sign,
                    reduced.coefficient * power_of_ten(power),
                ))
            }
        }
    }

    /// The nearest `f64`, infinite beyond its range.
    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Int(value) => *value as f64,
            Number::Decimal(_) => self.to_json().parse().unwrap_or(f64::NAN),
        }
    }

    /// The order of the values, whatever the kinds: `1` and `1.0` are equal.
    pub fn numeric_cmp(&self, other: &Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(b),
            _ => self.to_decimal().cmp_value(&other.to_decimal()),
        }
    }
}

impl Decimal {
    /// The exponent in scientific notation.
    fn adjusted_exponent(&self) -> i64 {
        i64::from(self.exponent) + digits(&self.coefficient) as i64 - 1
    }

    /// Without trailing zeros; zero has the exponent 0.
    fn reduced(&self) -> Decimal {
        let mut reduced = self.clone();
        if reduced.coefficient.is_zero() {
            reduced.exponent = 0;
            reduced.negative = false;
            return reduced;
        }
        // A number divisible by 10^k has at least k trailing zero bits: most need no division at all.
        for step in [4096u32, 256, 16, 1] {
            if reduced.coefficient.trailing_zeros().unwrap_or(0) < u64::from(step) {
                continue;
            }
            let power = power_of_ten(step);
            while reduced.coefficient.trailing_zeros().unwrap_or(0) >= u64::from(step) {
                let (quotient, rest) = num_integer::Integer::div_rem(&reduced.coefficient, &power);
                if !rest.is_zero() {
                    break;
                }
                reduced.coefficient = quotient;
                reduced.exponent += step as i32;
            }
        }
        reduced
    }

    fn small_integer(&self) -> Option<i64> {
        if self.coefficient.is_zero() {
            return Some(0);
        }
        if self.adjusted_exponent() > 19 || self.adjusted_exponent() < 0 {
            return None;
        }
        let reduced = self.reduced();
        let scale = 10i128.checked_pow(u32::try_from(reduced.exponent).ok()?)?;
        let magnitude = reduced.coefficient.to_i128()?.checked_mul(scale)?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    fn cmp_value(&self, other: &Decimal) -> Ordering {
        let sign = |d: &Decimal| match (d.coefficient.is_zero(), d.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (ours, theirs) = (sign(self), sign(other));
        if ours != theirs || ours == 0 {
            return ours.cmp(&theirs);
        }
        let magnitude = self
            .adjusted_exponent()
            .cmp(&other.adjusted_exponent())
            .then_with(|| {
                // Of equal magnitude: the exponents differ by no more than the digits do.
                let low = self.exponent.min(other.exponent);
                let align = |d: &Decimal| &d.coefficient * power_of_ten((d.exponent - low) as u32);
                align(self).cmp(&align(other))
            });
        if ours < 0 {
            magnitude.reverse()
        } else {
            magnitude
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.is_int_kind() == other.is_int_kind() && self.numeric_cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_int_kind().hash(state);
        if let Some(small) = self.as_i64() {
            small.hash(state);
        } else {
            let reduced = self.to_decimal().reduced();
            (reduced.negative, reduced.exponent, &reduced.coefficient).hash(state);
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::Int(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::from_u64(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Number {
        Number::from_u64(value as u64)
    }
}

impl From<BigInt> for Number {
    fn from(value: BigInt) -> Number {
        Number::from_bigint(value)
    }
}

/// `10^exponent`.
fn power_of_ten(exponent: u32) -> BigUint {
    match 10u128.checked_pow(exponent) {
        Some(small) => small.into(),
        None => BigUint::from(10u8).pow(exponent),
    }
}

/// The number of decimal digits; zero has one.
fn digits(value: &BigUint) -> u64 {
    if let Some(small) = value.to_u128() {
        return small.checked_ilog10().map_or(1, |log| u64::from(log) + 1);
    }
    // The estimate from the bits is exact or one too low.
    let estimate = ((value.bits() - 1) as f64 * std::f64::consts::LOG10_2) as u32;
    let mut count = estimate;
    while *value >= power_of_ten(count) {
        count += 1;
    }
    u64::from(count)
}
