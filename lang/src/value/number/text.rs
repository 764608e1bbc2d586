//! Writing numbers.
//!
//! The common form is the decimal's scientific string: plain digits where the exponent is not positive
//! and the number not too small, else `d.dddE±n`. The original base, `_` and multipliers are not kept.

use super::{Decimal, Number};
use num_traits::Zero;
use std::fmt::Write;

impl Number {
    /// As JSON output has it: `1.50`, `1E+3`, `0.5`, and `1` for the float `1.`.
    pub fn to_json(&self) -> String {
        match self {
            Number::Int(value) => value.to_string(),
            Number::Decimal(decimal) => decimal.scientific(),
        }
    }

    /// As interpolation has it: `"\(1e3)"` is `1E+3`.
    pub fn to_display(&self) -> String {
        self.to_json()
    }

    /// As language text: a float always shows a point or an exponent (`10.0`, `1e+3`).
    pub fn to_cue(&self) -> String {
        let mut text = self.to_json().to_ascii_lowercase();
        if !self.is_int_kind() && !text.contains(['.', 'e']) {
            text.push_str(".0");
        }
        text
    }

    /// As YAML output: a float always shows a point or an exponent (`10.`), and an exponent without a
    /// point before it is lower case (`1e+3`, `1.0E+10`).
    pub fn to_yaml(&self) -> String {
        let mut text = self.to_json();
        if !self.is_int_kind() && !text.contains(['.', 'E']) {
            text.push('.');
        } else if !text.contains('.') {
            text.make_ascii_lowercase();
        }
        text
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_display())
    }
}

impl Decimal {
    fn scientific(&self) -> String {
        let digits = self.coefficient.to_string();
        let exponent = i64::from(self.exponent);
        let count = digits.len() as i64;
        // Zeros show their fraction: 0E-9 is 0.000000000. The lower limit is that of CUE's decimals.
        let padded = match self.coefficient.is_zero() && (-2000..0).contains(&exponent) {
            true => count - exponent,
            false => count,
        };
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if exponent <= 0 && exponent + padded > -6 {
            let point = count + exponent;
            if exponent == 0 {
                text.push_str(&digits);
            } else if point <= 0 {
                text.push_str("0.");
                text.extend(std::iter::repeat_n('0', -point as usize));
                text.push_str(&digits);
            } else {
                text.push_str(&digits[..point as usize]);
                text.push('.');
                text.push_str(&digits[point as usize..]);
            }
            return text;
        }
        text.push_str(&digits[..1]);
        if count > 1 {
            text.push('.');
            text.push_str(&digits[1..]);
        }
        let _ = write!(text, "E{:+}", exponent + count - 1);
        text
    }
}
