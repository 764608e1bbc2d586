//! The string formats that the API server checks; others it passes over.

/// Whether `text` has the format, where the format is known.
pub(crate) fn matches(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => date_time(text),
        "date" => date(text),
        "byte" => base64(text),
        "duration" => duration(text),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "uri" => {
            text.starts_with('/')
                || text
                    .split_once(':')
                    .is_some_and(|(scheme, _)| is_scheme(scheme))
        }
        "uuid" => uuid(text),
        "email" => text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        "hostname" => super::names::subdomain(&text.to_ascii_lowercase()).is_none(),
        "mac" => {
            text.split([':', '-']).count() == 6
                && text.split([':', '-']).all(|p| p.len() == 2 && hex(p))
        }
        _ => true,
    }
}

fn hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn uuid(text: &str) -> bool {
    let digits: String = text.split('-').collect();
    digits.len() == 32 && hex(&digits)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// An address and the length of its prefix.
pub(crate) fn cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|n| n <= most)
}

fn base64(text: &str) -> bool {
    let text: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b'\n' && *b != b'\r')
        .collect();
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let body = &text[..text.len() - padding];
    text.len().is_multiple_of(4)
        && padding <= 2
        && body
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"+/".contains(b))
}

fn number(text: &str, digits: usize, most: u32) -> bool {
    text.len() == digits
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u32>().is_ok_and(|n| n <= most)
}

fn date(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else {
        return false;
    };
    let Some((month, day)) = rest.split_once('-') else {
        return false;
    };
    if !(number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31)) {
        return false;
    }
    let (year, month, day) = (
        year.parse().unwrap_or(0u32),
        month.parse().unwrap_or(0u32),
        day.parse().unwrap_or(0u32),
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    month > 0 && day > 0 && day <= days
}

fn date_time(text: &str) -> bool {
    let Some((day, time)) = text.split_once(['T', 't']) else {
        return false;
    };
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let clock: Vec<&str> = time.split(':').collect();
    let zone_fine = match zone.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', ..] => zone[1..]
            .split_once(':')
            .is_some_and(|(hours, minutes)| number(hours, 2, 23) && number(minutes, 2, 59)),
        _ => false,
    };
    let clock_fine =
        matches!(clock[..], [h, m, s] if number(h, 2, 23) && number(m, 2, 59) && number(s, 2, 59));
    date(day)
        && clock_fine
        && zone_fine
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// The length of time in nanoseconds, as Go writes it (`1h30m`).
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let count: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += count
            * match &rest[..end] {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                "h" => 3600e9,
                _ => return None,
            };
        rest = &rest[end..];
    }
    (!text.trim_start_matches(['-', '+']).is_empty()).then_some((sign as f64 * total) as i64)
}

/// What the API server takes besides Go's durations: a number and the name of a unit.
fn duration(text: &str) -> bool {
    let worded = || {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let unit = text[end..].trim().trim_end_matches('s');
        end > 0
            && [
                "n",
                "nano",
                "nanosecond",
                "u",
                "micro",
                "m",
                "milli",
                "sec",
                "second",
                "min",
                "minute",
                "hr",
                "hour",
                "h",
                "d",
                "day",
                "w",
                "wk",
                "week",
            ]
            .contains(&unit)
    };
    nanoseconds(text).is_some() || worded()
}
