//! Values as text, as Go's `fmt` writes them.

use crate::builtin::strconv::{format_float, is_print, quote};
use holos_lang::value::{Data, Number};

/// The greatest width and precision.
const MAX_WIDTH: usize = 10_000;

/// As `%v` has it.
pub(super) fn printed(value: &Data) -> String {
    match value {
        Data::Null => "<nil>".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => number_text(number),
        Data::String(text) => text.to_string(),
        Data::Bytes(bytes) => {
            format!(
                "[{}]",
                bytes
                    .iter()
                    .map(u8::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        }
        Data::List(list) => format!(
            "[{}]",
            list.iter().map(printed).collect::<Vec<_>>().join(" ")
        ),
        Data::Struct(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let entry =
                |(name, value): &(std::sync::Arc<str>, Data)| format!("{name}:{}", printed(value));
            format!(
                "map[{}]",
                fields.into_iter().map(entry).collect::<Vec<_>>().join(" ")
            )
        }
    }
}

fn number_text(number: &Number) -> String {
    match number.is_int_kind() {
        true => number.to_json(),
        false => format_float(number.to_f64(), false, b'g', -1),
    }
}

/// The values one after the other, a blank between two that are no strings.
pub(super) fn print(values: &[&Data]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let text = |value: &Data| matches!(value, Data::String(_));
        if index > 0 && !text(value) && !text(values[index - 1]) {
            out.push(' ');
        }
        out.push_str(&printed(value));
    }
    out
}

/// The values with blanks between them, and a line break.
pub(super) fn print_line(values: &[&Data]) -> String {
    let texts: Vec<String> = values.iter().map(|value| printed(value)).collect();
    texts.join(" ") + "\n"
}

#[derive(Default)]
struct Flags {
    left: bool,
    plus: bool,
    blank: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

/// As Go's `Sprintf`, mistakes in the format written into the text.
pub(super) fn sprintf(format: &str, values: &[&Data]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = format;
    let mut used = 0;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut flags = Flags::default();
        let mut after = after;
        while let Some(flag) = after.chars().next().filter(|c| "-+ 0#".contains(*c)) {
            match flag {
                '-' => flags.left = true,
                '+' => flags.plus = true,
                ' ' => flags.blank = true,
                '0' => flags.zero = true,
                _ => flags.sharp = true,
            }
            after = &after[1..];
        }
        let number = |after: &mut &str| {
            let end = after
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(after.len());
            let (digits, next) = after.split_at(end);
            *after = next;
            match digits {
                "" => Ok(None),
                digits => match digits.parse::<usize>() {
                    Ok(number) if number <= MAX_WIDTH => Ok(Some(number)),
                    _ => Err(format!("width or precision beyond {MAX_WIDTH}")),
                },
            }
        };
        flags.width = number(&mut after)?.unwrap_or(0);
        if let Some(next) = after.strip_prefix('.') {
            after = next;
            flags.precision = Some(number(&mut after)?.unwrap_or(0));
        }
        let Some(verb) = after.chars().next() else {
            out.push_str("%!(NOVERB)");
            return Ok(out);
        };
        rest = &after[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        match values.get(used) {
            Some(value) => out.push_str(&verbatim(verb, value, &flags)),
            None => out.push_str(&format!("%!{verb}(MISSING)")),
        }
        used += 1;
    }
    out.push_str(rest);
    if used < values.len() {
        let extra = |value: &&Data| match value {
            Data::Null => "<nil>".to_owned(),
            value => format!("{}={}", type_name(value), printed(value)),
        };
        let extras: Vec<String> = values[used..].iter().map(extra).collect();
        out.push_str(&format!("%!(EXTRA {})", extras.join(", ")));
    }
    Ok(out)
}

fn type_name(value: &Data) -> &'static str {
    match value {
        Data::Null => "<nil>",
        Data::Bool(_) => "bool",
        Data::Number(number) if number.is_int_kind() => "int64",
        Data::Number(_) => "float64",
        Data::String(_) => "string",
        Data::Bytes(_) => "[]uint8",
        Data::List(_) => "[]interface {}",
        Data::Struct(_) => "map[string]interface {}",
    }
}

/// One value by one verb.
fn verbatim(verb: char, value: &Data, flags: &Flags) -> String {
    let precision = flags.precision;
    let signed = |text: String| match (text.starts_with('-'), flags.plus, flags.blank) {
        (false, true, _) => format!("+{text}"),
        (false, false, true) => format!(" {text}"),
        _ => text,
    };
    let radix = |number: &Number, radix: u32| {
        number
            .to_bigint()
            .map_or_else(String::new, |value| value.to_str_radix(radix))
    };
    let text = match (verb, value) {
        ('v', Data::Number(_)) => signed(printed(value)),
        ('v', _) => printed(value),
        ('t', Data::Bool(value)) => value.to_string(),
        ('d', Data::Number(number)) if number.is_int_kind() => signed(number.to_json()),
        ('b', Data::Number(number)) if number.is_int_kind() => signed(radix(number, 2)),
        ('o', Data::Number(number)) if number.is_int_kind() => signed(radix(number, 8)),
        ('x', Data::Number(number)) if number.is_int_kind() => signed(format!(
            "{}{}",
            if flags.sharp { "0x" } else { "" },
            radix(number, 16)
        )),
        ('X', Data::Number(number)) if number.is_int_kind() => {
            signed(radix(number, 16).to_uppercase())
        }
        ('c' | 'q' | 'U', Data::Number(number)) if number.is_int_kind() => {
            let code = number.as_u64().and_then(|n| u32::try_from(n).ok());
            let c = code
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            match verb {
                'c' => c.to_string(),
                'q' => quote(c.encode_utf8(&mut [0; 4]), '\'', is_print),
                _ => format!("U+{:04X}", c as u32),
            }
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Data::Number(number)) if !number.is_int_kind() => {
            let default = if matches!(verb, 'g' | 'G') { -1 } else { 6 };
            let precision = precision.map_or(default, |precision| precision as i64);
            let letter = if verb == 'F' { b'f' } else { verb as u8 };
            signed(format_float(number.to_f64(), false, letter, precision))
        }
        ('s' | 'q' | 'x' | 'X', Data::String(_) | Data::Bytes(_)) => {
            let bytes = match value {
                Data::String(text) => text.as_bytes(),
                Data::Bytes(bytes) => bytes,
                _ => &[],
            };
            let text = String::from_utf8_lossy(bytes);
            let cut: String = text.chars().take(precision.unwrap_or(usize::MAX)).collect();
            match verb {
                's' => cut,
                'q' => quote(&cut, '"', is_print),
                'x' => cut.bytes().map(|b| format!("{b:02x}")).collect(),
                _ => cut.bytes().map(|b| format!("{b:02X}")).collect(),
            }
        }
        ('s' | 'd' | 'q' | 'x' | 'f' | 'g' | 'e', Data::List(list)) => {
            let inner = list
                .iter()
                .map(|item| verbatim(verb, item, &Flags::default()));
            format!("[{}]", inner.collect::<Vec<_>>().join(" "))
        }
        (_, Data::Null) => format!("%!{verb}(<nil>)"),
        _ => format!("%!{verb}({}={})", type_name(value), printed(value)),
    };
    padded(text, flags, matches!(value, Data::Number(_)))
}

fn padded(text: String, flags: &Flags, number: bool) -> String {
    let missing = flags.width.saturating_sub(text.chars().count());
    if missing == 0 {
        text
    } else if flags.left {
        text + &" ".repeat(missing)
    } else if flags.zero && number {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (&text[..1], digits),
            None => ("", text.as_str()),
        };
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        " ".repeat(missing) + &text
    }
}
