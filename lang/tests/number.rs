//! Numbers: literals, arithmetic and text, as pairs of input and output.

use holos_lang::value::Number;
use std::cmp::Ordering;
use std::collections::HashSet;

fn number(text: &str) -> Number {
    Number::parse_literal(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `text` is a literal, or `literal operator literal`.
fn evaluate(text: &str) -> Result<Number, String> {
    let words: Vec<&str> = text.split(' ').collect();
    let [left, operator, right] = words[..] else {
        return Number::parse_literal(text);
    };
    let (left, right) = (Number::parse_literal(left)?, Number::parse_literal(right)?);
    match operator {
        "+" => left.add(&right),
        "-" => left.sub(&right),
        "*" => left.mul(&right),
        "/" => left.div(&right),
        "div" => left.int_div(&right),
        "mod" => left.int_mod(&right),
        "quo" => left.int_quo(&right),
        "rem" => left.int_rem(&right),
        _ => Err(format!("no operator {operator}")),
    }
}

#[test]
fn prints_as_cue_does() {
    // (input, language text, JSON)
    let cases = [
        ("1e3", "1e+3", "1E+3"),
        ("1.0", "1.0", "1.0"),
        ("1.50", "1.50", "1.50"),
        ("20 / 2", "10.0", "10"),
        ("200 / 2", "1.0e+2", "1.0E+2"),
        (
            "99999999999999999999999999999999999 + 1",
            "1.000000000000000000000000000000000e+35",
            "1.000000000000000000000000000000000E+35",
        ),
        ("1e100000 * 1", "1e+100000", "1E+100000"),
        ("-0.0", "0.0", "0.0"),
        ("1.0 * 1e5", "1.0e+5", "1.0E+5"),
        ("0.000001", "0.000001", "0.000001"),
        ("0.0000001", "1e-7", "1E-7"),
        ("1K", "1000", "1000"),
        ("1.", "1.0", "1"),
        ("0.", "0.0", "0"),
        ("00.5", "0.5", "0.5"),
        ("0x1F", "31", "31"),
        ("0X1F", "31", "31"),
        ("0b101", "5", "5"),
        ("0o17", "15", "15"),
        (".5", "0.5", "0.5"),
        ("1e3 + 0", "1000.0", "1000"),
        ("1_000.50", "1000.50", "1000.50"),
        ("0e5", "0e+5", "0E+5"),
        ("0e5 + 0", "0.0", "0"),
        ("0.000", "0.000", "0.000"),
        ("1.5M", "1500000", "1500000"),
        ("0.1K", "100", "100"),
        ("0K", "0", "0"),
        (".5K", "500", "500"),
        ("1.K", "1000", "1000"),
        ("1P", "1000000000000000", "1000000000000000"),
        ("1Pi", "1125899906842624", "1125899906842624"),
        ("1e1_0", "1e+10", "1E+10"),
        ("1._5", "1.5", "1.5"),
        ("1.e5", "1e+5", "1E+5"),
        ("2e30 / 1", "2.0e+30", "2.0E+30"),
        (
            "1e100000 + 1",
            "1.000000000000000000000000000000000e+100000",
            "1.000000000000000000000000000000000E+100000",
        ),
        ("1 - 1.0", "0.0", "0.0"),
        ("0.0 * -1", "-0.0", "-0.0"),
        ("0 * -1", "-0", "-0"),
        ("0 / 5", "0.0", "0"),
        ("0.00 / 5", "0.0", "0.0"),
        ("1e5 / 1e2", "1.0e+3", "1.0E+3"),
        ("1.00 / 1", "1.0", "1.0"),
        ("6.0 / 2", "3.0", "3.0"),
        ("4 / 2", "2.0", "2.0"),
        ("123.4500 + 0", "123.4500", "123.4500"),
        (
            "1 / 3",
            "0.3333333333333333333333333333333333",
            "0.3333333333333333333333333333333333",
        ),
        (
            "-2 / 3",
            "-0.6666666666666666666666666666666667",
            "-0.6666666666666666666666666666666667",
        ),
        (
            "1e40 / 3",
            "3.333333333333333333333333333333333e+39",
            "3.333333333333333333333333333333333E+39",
        ),
        ("1 / 8", "0.125", "0.125"),
        (
            "1e-50 + 1",
            "1.000000000000000000000000000000000",
            "1.000000000000000000000000000000000",
        ),
        (
            "9999999999999999999999999999999999.5 + 0",
            "1.000000000000000000000000000000000e+34",
            "1.000000000000000000000000000000000E+34",
        ),
        ("1.5e3 * 2", "3.0e+3", "3.0E+3"),
        ("1e3 * 2", "2e+3", "2E+3"),
        (
            "12345678901234567890123456789012345.678K",
            "12345678901234567890123456789012350000",
            "12345678901234567890123456789012350000",
        ),
        (
            "9223372036854775807 + 1",
            "9223372036854775808",
            "9223372036854775808",
        ),
        (
            "-9223372036854775808 - 1",
            "-9223372036854775809",
            "-9223372036854775809",
        ),
        (
            "-9223372036854775808 div -1",
            "9223372036854775808",
            "9223372036854775808",
        ),
        ("-10 div 3", "-4", "-4"),
        ("-10 mod 3", "2", "2"),
        ("-10 quo 3", "-3", "-3"),
        ("-10 rem 3", "-1", "-1"),
        ("7 div -3", "-2", "-2"),
        ("-7 div -3", "3", "3"),
        ("-7 mod -3", "2", "2"),
        (
            "-100000000000000000000 div 3",
            "-33333333333333333334",
            "-33333333333333333334",
        ),
        ("-100000000000000000000 mod 3", "2", "2"),
        (
            "-100000000000000000000 div -3",
            "33333333333333333334",
            "33333333333333333334",
        ),
        (
            "123456789012345678901234567890123456789012345678901234567890 * 1",
            "1.234567890123456789012345678901235e+59",
            "1.234567890123456789012345678901235E+59",
        ),
    ];
    for (input, text, json) in cases {
        let value = evaluate(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        assert_eq!(
            (value.to_cue().as_str(), value.to_json().as_str()),
            (text, json),
            "{input}"
        );
    }
}

#[test]
fn yaml_shows_that_a_float_is_one() {
    for (input, yaml) in [
        ("20 / 2", "10."),
        ("1.", "1."),
        ("1e3", "1e+3"),
        ("1.0 * 1e10", "1.0E+10"),
        ("7", "7"),
    ] {
        assert_eq!(
            evaluate(input).map(|n| n.to_yaml()),
            Ok(yaml.to_owned()),
            "{input}"
        );
    }
}

#[test]
fn refuses() {
    let cases = [
        ("1__0", "illegal '_' in number"),
        ("1_", "illegal '_' in number"),
        ("1_.5", "illegal '_' in number"),
        ("01", "illegal integer number: it starts with 0"),
        ("1e", "illegal exponent in number"),
        ("1e+", "illegal exponent in number"),
        ("0x", "illegal hexadecimal number"),
        ("0xg", "illegal hexadecimal number"),
        ("0o8", "illegal octal number"),
        ("", "invalid number"),
        (".", "invalid number"),
        ("1.2.3", "invalid number"),
        ("1Kib", "invalid number"),
        ("1Y", "invalid number"),
        ("0.0001K", "number cannot be represented as int"),
        ("1e100001", "exponent out of range"),
        ("1e-99999999999999999999", "exponent out of range"),
        ("1e100000 * 10", "exponent out of range"),
        ("1e-100000 / 10", "exponent out of range"),
        ("1e60000 * 1e60000", "exponent out of range"),
        ("1 / 0", "division by zero"),
        ("0 / 0", "division undefined"),
        ("1 div 0", "division by zero"),
        ("1.5 div 1", "operand of integer division is not an integer"),
    ];
    for (input, message) in cases {
        assert_eq!(
            evaluate(input).map(|n| n.to_json()),
            Err(message.to_owned()),
            "{input}"
        );
    }
}

#[test]
fn equality_is_of_kind_and_value_and_order_of_value_alone() {
    // (a, b, equal as values, order)
    let cases = [
        ("1", "1.0", false, Ordering::Equal),
        ("1.0", "1.00", true, Ordering::Equal),
        ("1000", "1e3", false, Ordering::Equal),
        ("1e3", "1000.000", true, Ordering::Equal),
        ("0.0", "0e7", true, Ordering::Equal),
        ("1e100000", "1e-100000", false, Ordering::Greater),
        ("-1e100000", "1e-100000", false, Ordering::Less),
        (
            "99999999999999999999",
            "100000000000000000000",
            false,
            Ordering::Less,
        ),
        (
            "0.1",
            "0.09999999999999999999999999999999999999999",
            false,
            Ordering::Greater,
        ),
        ("-5", "-4.5", false, Ordering::Less),
    ];
    for (a, b, equal, order) in cases {
        let (a, b) = (number(a), number(b));
        assert_eq!((a == b, a.numeric_cmp(&b)), (equal, order), "{a} and {b}");
        assert_eq!(b.numeric_cmp(&a), order.reverse(), "{b} and {a}");
        assert_eq!(HashSet::from([a, b]).len() == 1, equal);
    }
    let rounded = evaluate("99999999999999999999999999999999999 + 1").expect("in range");
    assert!(rounded.is_int_kind() && rounded == number("100000000000000000000000000000000000"));
    assert_eq!(
        HashSet::from([rounded, number("100000000000000000000000000000000000")]).len(),
        1
    );
}

#[test]
fn converts() {
    assert_eq!(number("1e3").as_i64(), Some(1000));
    assert_eq!(number("1000.0").to_usize(), Some(1000));
    assert_eq!(number("1.5").as_i64(), None);
    assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
    assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
    assert_eq!(number("18446744073709551616").as_u64(), None);
    assert_eq!(number("1e30").as_i64(), None);
    assert_eq!(number("0.1").to_f64(), 0.1);
    for (float, text) in [
        (100.0, "1E+2"),
        (0.5, "0.5"),
        (-1.25e-9, "-1.25E-9"),
        (3.0, "3"),
    ] {
        assert_eq!(
            Number::from_f64(float).map(|n| n.to_json()),
            Some(text.to_owned())
        );
    }
    assert!(Number::from_f64(f64::NAN).is_none());
}
