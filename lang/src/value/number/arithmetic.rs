//! Arithmetic: 34 significant digits, rounded half up, for both kinds; integer division is exact.

use super::{Decimal, MAX_EXPONENT, Number, PRECISION, digits, power_of_ten};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::Zero;

type Result<T> = std::result::Result<T, String>;

impl Number {
    /// `self + other`.
    ///
    /// # Errors
    /// If the result's exponent is beyond [`MAX_EXPONENT`]; so of all of these operations.
    pub fn add(&self, other: &Number) -> Result<Number> {
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Number::Int(sum));
        }
        Ok(self.to_decimal().add(&other.to_decimal())?.into_number())
    }

    /// `self - other`.
    ///
    /// # Errors
    /// As [`Number::add`].
    pub fn sub(&self, other: &Number) -> Result<Number> {
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Ok(Number::Int(difference));
        }
        let mut negated = other.to_decimal();
        negated.negative = !negated.negative;
        Ok(self.to_decimal().add(&negated)?.into_number())
    }

    /// `self * other`. Zero keeps the sign of the product: `0 * -1` is `-0`.
    ///
    /// # Errors
    /// As [`Number::add`].
    pub fn mul(&self, other: &Number) -> Result<Number> {
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
            && (product != 0 || (*a >= 0 && *b >= 0))
        {
            return Ok(Number::Int(product));
        }
        Ok(self.to_decimal().mul(&other.to_decimal())?.into_number())
    }

    /// `self / other`, a float always. Trailing zeros go, but one is kept (or put back) where the
    /// quotient would show no fraction: `4/2` is `2.0`, `20/2` prints `10`, `200/2` `1.0E+2`.
    ///
    /// # Errors
    /// Division by zero, and as [`Number::add`].
    pub fn div(&self, other: &Number) -> Result<Number> {
        if other.is_zero() {
            let what = if self.is_zero() {
                "division undefined"
            } else {
                "division by zero"
            };
            return Err(what.to_owned());
        }
        Ok(self
            .to_decimal()
            .div(&other.to_decimal(), PRECISION)?
            .keep_fraction()
            .into_number())
    }

    /// `-self`. Zero has no sign afterwards.
    pub fn neg(&self) -> Number {
        match self {
            Number::Int(value) if *value != i64::MIN => Number::Int(-value),
            _ => {
                let mut decimal = self.to_decimal();
                decimal.negative = !decimal.negative && !decimal.coefficient.is_zero();
                decimal.into_number()
            }
        }
    }

    /// The absolute value.
    pub fn abs(&self) -> Number {
        let mut decimal = self.to_decimal();
        decimal.negative = false;
        decimal.into_number()
    }

    /// Rounded to 34 significant digits.
    ///
    /// # Errors
    /// As [`Number::add`].
    pub fn round_to_precision(&self) -> Result<Number> {
        match self {
            Number::Int(_) => Ok(self.clone()),
            Number::Decimal(decimal) => Ok(decimal.as_ref().clone().rounded()?.into_number()),
        }
    }

    /// The Euclidean quotient of two ints: the remainder is never negative.
    ///
    /// # Errors
    /// Division by zero, or an operand that is not integral; so of all four.
    pub fn int_div(&self, other: &Number) -> Result<Number> {
        self.integers(other, i64::checked_div_euclid, |a, b| {
            let (quotient, rest) = a.div_rem(b);
            match (
                rest.sign() == num_bigint::Sign::Minus,
                b.sign() == num_bigint::Sign::Minus,
            ) {
                (false, _) => quotient,
                (true, false) => quotient - 1,
                (true, true) => quotient + 1,
            }
        })
    }

    /// The Euclidean remainder of two ints, never negative.
    ///
    /// # Errors
    /// As [`Number::int_div`].
    pub fn int_mod(&self, other: &Number) -> Result<Number> {
        self.integers(other, i64::checked_rem_euclid, |a, b| {
            let rest = a % b;
            if rest.sign() == num_bigint::Sign::Minus {
                rest + BigInt::from(b.magnitude().clone())
            } else {
                rest
            }
        })
    }

    /// The truncated quotient of two ints.
    ///
    /// # Errors
    /// As [`Number::int_div`].
    pub fn int_quo(&self, other: &Number) -> Result<Number> {
        self.integers(other, i64::checked_div, |a, b| a / b)
    }

    /// The truncated remainder of two ints: it has the sign of `self`.
    ///
    /// # Errors
    /// As [`Number::int_div`].
    pub fn int_rem(&self, other: &Number) -> Result<Number> {
        self.integers(other, i64::checked_rem, |a, b| a % b)
    }

    fn integers(
        &self,
        other: &Number,
        small: fn(i64, i64) -> Option<i64>,
        big: fn(&BigInt, &BigInt) -> BigInt,
    ) -> Result<Number> {
        if other.is_zero() {
            return Err("division by zero".to_owned());
        }
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(result) = small(*a, *b)
        {
            return Ok(Number::Int(result));
        }
        let whole = |n: &Number| {
            n.to_bigint()
                .ok_or("operand of integer division is not an integer")
        };
        Ok(Number::from_bigint(big(&whole(self)?, &whole(other)?)))
    }
}

impl Decimal {
    /// As a number; the decimal must be in range.
    pub(super) fn into_number(self) -> Number {
        Number::from_parts(self.int, self.negative, self.coefficient, self.exponent)
    }

    fn add(&self, other: &Decimal) -> Result<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let raise = |d: &Decimal| -> Result<BigInt> {
            let shift = i64::from(d.exponent) - i64::from(exponent);
            if shift > MAX_EXPONENT {
                return Err(out_of_range());
            }
            let magnitude = match shift {
                0 => d.coefficient.clone(),
                _ => &d.coefficient * power_of_ten(shift as u32),
            };
            Ok(if d.negative {
                -BigInt::from(magnitude)
            } else {
                magnitude.into()
            })
        };
        let sum = raise(self)? + raise(other)?;
        let both_negative = self.negative && other.negative;
        let negative = sum.sign() == num_bigint::Sign::Minus || (sum.is_zero() && both_negative);
        let coefficient = sum.into_parts().1;
        Decimal {
            coefficient,
            exponent,
            negative,
            int: self.int && other.int,
        }
        .rounded()
    }

    pub(super) fn mul(&self, other: &Decimal) -> Result<Decimal> {
        Decimal {
            coefficient: &self.coefficient * &other.coefficient,
            exponent: self
                .exponent
                .checked_add(other.exponent)
                .ok_or_else(out_of_range)?,
            negative: self.negative != other.negative,
            int: self.int && other.int,
        }
        .rounded()
    }

    /// The quotient to `precision` digits, rounded half up; `other` must not be zero.
    fn div(&self, other: &Decimal, precision: u64) -> Result<Decimal> {
        let negative = self.negative != other.negative;
        let shift = self.exponent - other.exponent;
        if self.coefficient.is_zero() {
            let zero = BigUint::ZERO;
            return Decimal {
                coefficient: zero,
                exponent: shift,
                negative,
                int: false,
            }
            .rounded();
        }
        // Enough digits below the dividend that the quotient has `precision` or one more.
        let have = digits(&self.coefficient) as i64 - digits(&other.coefficient) as i64;
        let mut more = precision as i64 - have;
        let scaled = |more: i64| match u32::try_from(more) {
            Ok(up) => (
                &self.coefficient * power_of_ten(up),
                other.coefficient.clone(),
            ),
            Err(_) => {
                let down = (-more) as u32;
                (
                    self.coefficient.clone(),
                    &other.coefficient * power_of_ten(down),
                )
            }
        };
        let (dividend, divisor) = scaled(more);
        let (mut quotient, mut rest) = dividend.div_rem(&divisor);
        let mut divisor = divisor;
        if digits(&quotient) > precision {
            more -= 1;
            let (dividend, smaller) = scaled(more);
            (quotient, rest) = dividend.div_rem(&smaller);
            divisor = smaller;
        }
        if !rest.is_zero() && rest * 2u8 >= divisor {
            quotient += 1u8;
        }
        let exponent = i64::from(shift) - more;
        let exponent = i32::try_from(exponent).map_err(|_| out_of_range())?;
        Decimal {
            coefficient: quotient,
            exponent,
            negative,
            int: false,
        }
        .rounded()
    }

    /// Rounded half up to [`PRECISION`] digits, its exponent checked.
    pub(super) fn rounded(mut self) -> Result<Decimal> {
        let mut count = digits(&self.coefficient);
        if count > PRECISION {
            let drop = (count - PRECISION) as u32;
            let power = power_of_ten(drop);
            let (quotient, rest) = self.coefficient.div_rem(&power);
            self.coefficient = quotient;
            self.exponent += drop as i32;
            if rest * 2u8 >= power {
                self.coefficient += 1u8;
                if digits(&self.coefficient) > PRECISION {
                    self.coefficient /= 10u8;
                    self.exponent += 1;
                }
            }
            count = PRECISION;
        }
        let exponent = i64::from(self.exponent);
        let adjusted = exponent + count as i64 - 1;
        if exponent.abs() > MAX_EXPONENT + PRECISION as i64 || adjusted.abs() > MAX_EXPONENT {
            return Err(out_of_range());
        }
        Ok(self)
    }

    /// Without trailing zeros, except that a result with fractional digits keeps one.
    fn keep_fraction(self) -> Decimal {
        let mut reduced = self.reduced();
        if self.exponent < 0 && reduced.exponent >= 0 {
            reduced.coefficient *= 10u8;
            reduced.exponent -= 1;
        }
        reduced
    }

    /// With the exponent 0, if the value has no fraction.
    pub(super) fn into_whole(self) -> Option<Decimal> {
        let reduced = self.reduced();
        let power = u32::try_from(reduced.exponent).ok()?;
        let coefficient = reduced.coefficient * power_of_ten(power);
        Some(Decimal {
            coefficient,
            exponent: 0,
            ..self
        })
    }
}

fn out_of_range() -> String {
    "exponent out of range".to_owned()
}
