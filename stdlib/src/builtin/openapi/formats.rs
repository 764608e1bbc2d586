//! Types that OpenAPI has a format for.

use super::object::Object;
use holos_lang::value::Comparison;
use holos_lang::value::builtin::Kind;
use holos_lang::value::schema::{Form, SchemaReader, SchemaRef};
use holos_lang::value::{Data, Number};

/// A format, and the range of the numbers it stands for.
struct Range {
    format: &'static str,
    /// Whether it is of ints only.
    int: bool,
    low: &'static str,
    high: &'static str,
}

const RANGES: [Range; 4] = [
    Range {
        format: "int32",
        int: true,
        low: "-2147483648",
        high: "2147483647",
    },
    Range {
        format: "int64",
        int: true,
        low: "-9223372036854775808",
        high: "9223372036854775807",
    },
    Range {
        format: "float",
        int: false,
        low: "-340282346638528859811704183484516925440.0",
        high: "340282346638528859811704183484516925440.0",
    },
    Range {
        format: "double",
        int: false,
        low: "-1.797693134862315708145274237317043567981e+308",
        high: "1.797693134862315708145274237317043567981e+308",
    },
];

fn is(number: &Number, text: &str) -> bool {
    Number::parse_literal(text).is_ok_and(|other| number.numeric_cmp(&other).is_eq())
}

/// The format of a value, if its type has one.
pub(super) fn format_of(reader: &mut dyn SchemaReader, value: SchemaRef) -> Option<&'static str> {
    let formatted = Kind::NUMBER.or(Kind::STRING).or(Kind::BYTES);
    if reader.kind(value).and(formatted).is_empty() {
        return None;
    }
    if let Form::Call(name, arguments) = reader.form(value) {
        return match (&*name, &arguments[..]) {
            ("time.Time", []) => Some("date-time"),
            ("time.Format", &[layout]) => match reader.data(layout) {
                Ok(Data::String(layout)) => match &*layout {
                    "2006-01-02" => Some("date"),
                    "2006-01-02T15:04:05.999999999Z07:00" => Some("date-time"),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
    }
    let value = reader.evaluated(value);
    let kind = reader.kind(value);
    match reader.form(value) {
        Form::Whole if kind == Kind::BYTES && !reader.is_concrete(value) => Some("binary"),
        Form::Call(name, arguments) if &*name == "time.Time" && arguments.is_empty() => {
            Some("date-time")
        }
        Form::All(parts) => range(reader, kind == Kind::INT, &parts),
        _ => None,
    }
}

/// The format of a type that is a range and nothing more.
fn range(reader: &mut dyn SchemaReader, int: bool, parts: &[SchemaRef]) -> Option<&'static str> {
    let (mut low, mut high) = (None, None);
    for &part in parts {
        match reader.form(part) {
            Form::Whole if int && !reader.is_concrete(part) => {}
            Form::Bound(Comparison::GreaterEqual, bound) => low = Some(number(reader, bound)?),
            Form::Bound(Comparison::LessEqual, bound) => high = Some(number(reader, bound)?),
            _ => return None,
        }
    }
    let (low, high) = (low?, high?);
    let mut known = RANGES.iter();
    let range = known.find(|r| r.int == int && is(&low, r.low) && is(&high, r.high))?;
    Some(range.format)
}

fn number(reader: &mut dyn SchemaReader, value: SchemaRef) -> Option<Number> {
    match reader.data(value) {
        Ok(Data::Number(number)) => Some(number),
        _ => None,
    }
}

/// Leaves out the bounds that the format of a schema says already.
pub(super) fn simplify(schema: &mut Object, format: &str) {
    let Some(range) = RANGES.iter().find(|range| range.format == format) else {
        return;
    };
    schema.0.retain(|(name, value)| match (&**name, value) {
        ("minimum", Data::Number(number)) => !is(number, range.low),
        ("maximum", Data::Number(number)) => !is(number, range.high),
        _ => true,
    });
}
