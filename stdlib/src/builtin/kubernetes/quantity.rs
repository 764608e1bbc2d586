//! Quantities of resources: a number with a suffix, kept in units of 1e-9.

use super::shortened;
use holos_lang::value::Number;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, Zero};

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// From 1e-9 up.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

pub(super) struct Quantity {
    pub(super) nanos: BigInt,
    /// Whether it is written in powers of 1024.
    pub(super) binary: bool,
}

impl Quantity {
    /// Reads `1.5Gi`, `500m`, `2e3`. What is smaller than 1e-9 is rounded up, as Kubernetes does.
    pub(super) fn parse(text: &str) -> Result<Quantity, String> {
        let wrong = || {
            let shown = shortened(text);
            format!("{shown:?} is not a quantity: a number with a suffix such as m, k, M, Ki or Gi")
        };
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || fraction.contains('.') || digits.len() > 1000 {
            return Err(wrong());
        }
        let digits: BigInt = digits.parse().map_err(|_| wrong())?;
        let binary = BINARY.iter().position(|known| *known == suffix);
        let (factor, exponent) = if let Some(power) = binary {
            (BigInt::from(1u8) << (10 * (power + 1)), 0)
        } else if let Some(power) = DECIMAL.iter().position(|known| *known == suffix) {
            (BigInt::from(1u8), 3 * power as i32 - 9)
        } else {
            let exponent = suffix.strip_prefix(['e', 'E']).ok_or_else(wrong)?;
            let exponent: i32 = exponent.parse().map_err(|_| wrong())?;
            if exponent.abs() > 1000 {
                return Err(format!(
                    "the exponent of {:?} is out of range",
                    shortened(text)
                ));
            }
            (BigInt::from(1u8), exponent)
        };
        let scale = 9 + exponent - fraction.len() as i32;
        let ten = BigInt::from(10u8);
        let nanos = match u32::try_from(scale) {
            Ok(up) => digits * factor * ten.pow(up),
            Err(_) => (digits * factor).div_ceil(&ten.pow(scale.unsigned_abs())),
        };
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        Ok(Quantity {
            nanos,
            binary: binary.is_some(),
        })
    }

    /// The value itself.
    pub(super) fn number(&self) -> Number {
        let (mut digits, mut exponent) = (self.nanos.clone(), -9);
        while exponent < 0 && digits.is_multiple_of(&BigInt::from(10u8)) {
            digits /= 10;
            exponent += 1;
        }
        let (sign, coefficient) = digits.into_parts();
        let number = Number::from_parts(false, sign == Sign::Minus, coefficient, exponent);
        number.to_int().unwrap_or(number)
    }

    /// The canonical text: the greatest suffix that leaves a whole number.
    pub(super) fn text(&self) -> String {
        let unit = BigInt::from(1_000_000_000u32);
        let (mut whole, rest) = self.nanos.div_rem(&unit);
        if self.binary && rest.is_zero() && whole.abs() >= BigInt::from(1024u32) {
            let mut power = 0;
            while power < BINARY.len() && whole.is_multiple_of(&BigInt::from(1024u32)) {
                whole /= 1024;
                power += 1;
            }
            let suffix = if power == 0 { "" } else { BINARY[power - 1] };
            return format!("{whole}{suffix}");
        }
        if self.nanos.is_zero() {
            return "0".to_owned();
        }
        let (mut value, mut power) = (self.nanos.clone(), 0);
        while power + 1 < DECIMAL.len() && value.is_multiple_of(&BigInt::from(1000u32)) {
            value /= 1000;
            power += 1;
        }
        format!("{value}{}", DECIMAL[power])
    }
}
