//! `encoding/base64`, `encoding/hex` and `encoding/csv`.

use super::arguments::*;
use holos_lang::value::Data;

pub(super) mod base64_package {
    use super::*;
    use base64::Engine;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

    /// As Go's standard encoding: padding is required, the bits it leaves over are ignored.
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );

    package! {
        "encoding/base64", "base64", "The base64 encoding (RFC 4648). The first argument is always null: the standard alphabet with padding.";
        constants {}
        "EncodedLen" (encoding: ANY, n: INT) -> INT,
            "The length of the text of n bytes." => |_, a| {
                standard(&a)?;
                Ok((a.int_in(1, i64::MIN / 4, i64::MAX / 4)? + 2) / 3 * 4)
            },
        "DecodedLen" (encoding: ANY, x: INT) -> INT,
            "The greatest number of bytes of a text of length x." => |_, a| {
                standard(&a)?;
                Ok(a.int_in(1, i64::MIN / 4, i64::MAX / 4)? / 4 * 3)
            },
        "Encode" (encoding: ANY, src: TEXT) -> STRING,
            "The text of the bytes." => |_, a| {
                standard(&a)?;
                Ok(ENGINE.encode(a.bytes(1)?))
            },
        "Decode" (encoding: ANY, s: STRING) -> TEXT,
            "The bytes of a text; line breaks in it are ignored." => |_, a| {
                standard(&a)?;
                let text = a.str(1)?.replace(['\r', '\n'], "");
                let decoded = ENGINE.decode(text);
                decoded.map(bytes).map_err(|problem| {
                    error(format!("illegal base64 data: {problem}")).argument(1)
                })
            },
    }

    fn standard(a: &Arguments<'_>) -> Result<()> {
        match a.data(0)? {
            Data::Null => Ok(()),
            _ => Err(error("unsupported encoding: it must be null").argument(0)),
        }
    }
}

pub(super) mod hex {
    use super::*;

    package! {
        "encoding/hex", "hex", "Hexadecimal text.";
        constants {}
        "EncodedLen" (n: INT) -> INT,
            "The length of the text of n bytes." => |_, a| {
                Ok(a.int_in(0, i64::MIN / 2, i64::MAX / 2)? * 2)
            },
        "DecodedLen" (x: INT) -> INT,
            "The number of bytes of a text of length x." => |_, a| Ok(a.int(0)? / 2),
        "Decode" (s: STRING) -> TEXT,
            "The bytes of a text." => |_, a| {
                let text = a.str(0)?.as_bytes();
                let digit = |b: &u8| (*b as char).to_digit(16).map(|d| d as u8);
                let (pairs, rest) = text.as_chunks::<2>();
                let decoded: Option<Vec<u8>> =
                    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
                match decoded {
                    Some(decoded) if rest.is_empty() => Ok(bytes(decoded)),
                    Some(_) => Err(error("odd length of hexadecimal text").argument(0)),
                    None => Err(error("not a hexadecimal digit").argument(0)),
                }
            },
        "Dump" (data: TEXT) -> STRING,
            "A listing of the bytes, sixteen a line, as hexdump -C prints it." => |_, a| Ok(dump(a.bytes(0)?)),
        "Encode" (src: TEXT) -> STRING,
            "The text of the bytes, in lower case." => |_, a| {
                Ok(a.bytes(0)?.iter().map(|b| format!("{b:02x}")).collect::<String>())
            },
    }

    fn dump(data: &[u8]) -> String {
        let mut out = String::new();
        for (line, part) in data.chunks(16).enumerate() {
            out.push_str(&format!("{:08x} ", line * 16));
            for column in 0..16 {
                out.push_str(if column == 8 { "  " } else { " " });
                match part.get(column) {
                    Some(byte) => out.push_str(&format!("{byte:02x}")),
                    None => out.push_str("  "),
                }
            }
            out.push_str("  |");
            out.extend(part.iter().map(|b| {
                if (32..127).contains(b) {
                    *b as char
                } else {
                    '.'
                }
            }));
            out.push_str("|\n");
        }
        out
    }
}

pub(super) mod csv_package {
    use super::*;
    use crate::encoding::json;

    package! {
        "encoding/csv", "csv", "Comma-separated values (RFC 4180).";
        constants {}
        "Encode" (x: ANY) -> STRING,
            "The text of a list of lists; what is no string is written as JSON." => |_, a| {
                let mut out = String::new();
                for row in a.list(0)? {
                    let Data::List(row) = row else {
                        return Err(error("a row must be a list").argument(0));
                    };
                    for (column, value) in row.iter().enumerate() {
                        if column > 0 {
                            out.push(',');
                        }
                        let text = match value {
                            Data::String(text) => text.to_string(),
                            other => json::to_compact(other).map_err(|e| error(e.to_string()))?,
                        };
                        field(&text, row.len() == 1, &mut out);
                    }
                    out.push('\n');
                }
                Ok(out)
            },
        "Decode" (r: TEXT) -> LIST,
            "The rows of a text, lists of strings of one length." => |_, a| {
                let text = std::str::from_utf8(a.bytes(0)?)
                    .map_err(|_| error("the text is not valid UTF-8").argument(0))?;
                rows(text).map_err(|problem| error(problem).argument(0))
            },
    }

    fn field(text: &str, _alone: bool, out: &mut String) {
        let quoted = text == "\\."
            || text.contains([',', '"', '\n', '\r'])
            || text.starts_with(char::is_whitespace);
        if quoted {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(text);
        }
    }

    fn rows(text: &str) -> std::result::Result<Vec<Vec<String>>, String> {
        let text = text.replace("\r\n", "\n");
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut rest = text.as_str();
        let mut line = 1;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('\n') {
                rest = after;
                line += 1;
                continue;
            }
            let mut row = Vec::new();
            loop {
                let end;
                if let Some(quoted) = rest.strip_prefix('"') {
                    let mut value = String::new();
                    let mut inner = quoted;
                    loop {
                        let Some((before, after)) = inner.split_once('"') else {
                            return Err(format!(
                                "line {line}: extraneous or missing \" in a quoted field"
                            ));
                        };
                        value.push_str(before);
                        match after.strip_prefix('"') {
                            Some(after) => {
                                value.push('"');
                                inner = after;
                            }
                            None => {
                                inner = after;
                                break;
                            }
                        }
                    }
                    row.push(value);
                    rest = inner;
                    if !rest.is_empty() && !rest.starts_with([',', '\n']) {
                        return Err(format!(
                            "line {line}: extraneous or missing \" in a quoted field"
                        ));
                    }
                } else {
                    end = rest.find([',', '\n']).unwrap_or(rest.len());
                    if rest[..end].contains('"') {
                        return Err(format!(
                            "line {line}: bare \" in a field that is not quoted"
                        ));
                    }
                    row.push(rest[..end].to_owned());
                    rest = &rest[end..];
                }
                match rest.strip_prefix(',') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            line += 1;
            if rows.first().is_some_and(|first| first.len() != row.len()) {
                return Err(format!("row {}: wrong number of fields", rows.len() + 1));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}
