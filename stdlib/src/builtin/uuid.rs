//! `uuid`: universally unique identifiers (RFC 9562).

use super::arguments::*;
use md5::Md5;
use num_bigint::{BigInt, BigUint};
use sha1::{Digest, Sha1};

package! {
    "uuid", "uuid", "Universally unique identifiers.";
    constants {
        "ns" = "{DNS: \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\", URL: \"6ba7b811-9dad-11d1-80b4-00c04fd430c8\", OID: \"6ba7b812-9dad-11d1-80b4-00c04fd430c8\", X500: \"6ba7b814-9dad-11d1-80b4-00c04fd430c8\", Nil: \"00000000-0000-0000-0000-000000000000\"}",
        "variants" = "{Invalid: 0, RFC4122: 1, Reserved: 2, Microsoft: 3, Future: 4}",
    }
    "Valid" (s: STRING) -> BOOL,
        "Whether s is a UUID: plain, with urn:uuid:, in braces or without hyphens." => |_, a| {
            parse(a.str(0)?, true).map(|_| true)
        },
    "Parse" (s: STRING) -> STRING,
        "The UUID in its usual form." => |_, a| Ok(text(&parse(a.str(0)?, false)?)),
    "URN" (x: STRING) -> STRING,
        "The UUID as urn:uuid:…" => |_, a| {
            Ok(format!("urn:uuid:{}", text(&parse(a.str(0)?, false)?)))
        },
    "FromInt" (i: INT) -> STRING,
        "The UUID of a 128-bit int." => |_, a| {
            let digits = a.bigint(0)?.magnitude().to_bytes_be();
            if digits.len() > 16 {
                return Err(error("the int has more than 128 bits").argument(0));
            }
            let mut id = [0; 16];
            id[16 - digits.len()..].copy_from_slice(&digits);
            Ok(text(&id))
        },
    "ToInt" (x: STRING) -> INT,
        "The bytes of the string x (not those of the UUID) as one int, as CUE has it." => |_, a| {
            Ok(BigInt::from(BigUint::from_bytes_be(a.str(0)?.as_bytes())))
        },
    "Variant" (x: STRING) -> INT,
        "The variant, one of uuid.variants." => |_, a| {
            Ok(match parse(a.str(0)?, false)?[8] {
                byte if byte & 0xc0 == 0x80 => 1i64,
                byte if byte & 0xe0 == 0xc0 => 3,
                byte if byte & 0xe0 == 0xe0 => 4,
                _ => 2,
            })
        },
    "Version" (x: STRING) -> INT,
        "The version, 1 to 8." => |_, a| Ok(i64::from(parse(a.str(0)?, false)?[6] >> 4)),
    "SHA1" (space: STRING, data: TEXT) -> STRING,
        "The UUID of version 5 that the data has in a name space." => |_, a| {
            let hash = Sha1::new().chain_update(parse(a.str(0)?, false)?);
            Ok(named(&hash.chain_update(a.bytes(1)?).finalize(), 5))
        },
    "MD5" (space: STRING, data: TEXT) -> STRING,
        "The UUID of version 3 that the data has in a name space." => |_, a| {
            let hash = Md5::new().chain_update(parse(a.str(0)?, false)?);
            Ok(named(&hash.chain_update(a.bytes(1)?).finalize(), 3))
        },
}

fn parse(text: &str, strict: bool) -> Result<[u8; 16]> {
    let wrong = || {
        error(format!(
            "{:?} is not a UUID",
            text.chars().take(80).collect::<String>()
        ))
    };
    let wrong = || wrong().argument(0);
    let bytes = text.as_bytes();
    let plain = match bytes.len() {
        32 => {
            let hyphen = |at: usize| {
                if [8, 12, 16, 20].contains(&at) {
                    "-"
                } else {
                    ""
                }
            };
            let digits = text
                .char_indices()
                .map(|(at, c)| format!("{}{c}", hyphen(at)));
            digits.collect::<String>()
        }
        36 => text.to_owned(),
        38 if !strict || (text.starts_with('{') && text.ends_with('}')) => {
            text.get(1..37).ok_or_else(wrong)?.to_owned()
        }
        45 if text
            .get(..9)
            .is_some_and(|urn| urn.eq_ignore_ascii_case("urn:uuid:")) =>
        {
            text[9..].to_owned()
        }
        _ => return Err(wrong()),
    };
    let parts: Vec<&str> = plain.split('-').collect();
    if parts.iter().map(|part| part.len()).ne([8, 4, 4, 4, 12]) {
        return Err(wrong());
    }
    let digits = parts.concat();
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let value = u128::from_str_radix(&digits, 16).map_err(|_| wrong())?;
    Ok(value.to_be_bytes())
}

fn text(id: &[u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(*id));
    let part = |range: std::ops::Range<usize>| &digits[range];
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

fn named(hash: &[u8], version: u8) -> String {
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id[6] = id[6] & 0x0f | version << 4;
    id[8] = id[8] & 0x3f | 0x80;
    text(&id)
}
