//! `time`: instants as RFC 3339 text, durations as Go writes them, and Go's layouts.
//!
//! A layout shows the reference time *Mon Jan 2 15:04:05 MST 2006* the way others are written.

use super::arguments::*;
use holos_lang::value::Data;

const SECOND: i64 = 1_000_000_000;
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

package! {
    "time", "time", "Instants and durations.";
    constants {
        "Nanosecond" = "1",
        "Microsecond" = "1000",
        "Millisecond" = "1000000",
        "Second" = "1000000000",
        "Minute" = "60000000000",
        "Hour" = "3600000000000",
        "ANSIC" = "\"Mon Jan _2 15:04:05 2006\"",
        "UnixDate" = "\"Mon Jan _2 15:04:05 MST 2006\"",
        "RubyDate" = "\"Mon Jan 02 15:04:05 -0700 2006\"",
        "RFC822" = "\"02 Jan 06 15:04 MST\"",
        "RFC822Z" = "\"02 Jan 06 15:04 -0700\"",
        "RFC850" = "\"Monday, 02-Jan-06 15:04:05 MST\"",
        "RFC1123" = "\"Mon, 02 Jan 2006 15:04:05 MST\"",
        "RFC1123Z" = "\"Mon, 02 Jan 2006 15:04:05 -0700\"",
        "RFC3339" = "\"2006-01-02T15:04:05Z07:00\"",
        "RFC3339Nano" = "\"2006-01-02T15:04:05.999999999Z07:00\"",
        "RFC3339Date" = "\"2006-01-02\"",
        "Kitchen" = "\"3:04PM\"",
        "Kitchen24" = "\"15:04\"",
        "January" = "1",
        "February" = "2",
        "March" = "3",
        "April" = "4",
        "May" = "5",
        "June" = "6",
        "July" = "7",
        "August" = "8",
        "September" = "9",
        "October" = "10",
        "November" = "11",
        "December" = "12",
        "Sunday" = "0",
        "Monday" = "1",
        "Tuesday" = "2",
        "Wednesday" = "3",
        "Thursday" = "4",
        "Friday" = "5",
        "Saturday" = "6",
    }
    "Duration" (s: STRING) -> BOOL,
        "Whether s is a duration such as 1h30m or -1.5s." => |_, a| {
            duration(a.str(0)?).map(|_| true)
        },
    "FormatDuration" (d: INT) -> STRING,
        "The text of a duration in nanoseconds." => |_, a| Ok(format_duration(a.int(0)?)),
    "ParseDuration" (s: STRING) -> INT,
        "The nanoseconds of a duration such as 1h30m." => |_, a| duration(a.str(0)?),
    "Time" (s: STRING) -> BOOL,
        "Whether s is an instant as RFC 3339 writes it." => |_, a| {
            parse(RFC3339_NANO, a.str(0)?).map(|_| true).map_err(|error| error.argument(0))
        },
    "Format" (value: STRING, layout: STRING) -> BOOL,
        "Whether the value has the layout." => |_, a| {
            parse(a.str(1)?, a.str(0)?).map(|_| true).map_err(|error| error.argument(0))
        },
    "FormatString" (layout: STRING, value: STRING) -> STRING,
        "The instant, written in the layout." => |_, a| {
            let time = parse(RFC3339_NANO, a.str(1)?).map_err(|error| error.argument(1))?;
            Ok(time.format(a.str(0)?))
        },
    "Parse" (layout: STRING, value: STRING) -> STRING,
        "The instant that the value is in the layout, in UTC." => |_, a| {
            let time = parse(a.str(0)?, a.str(1)?).map_err(|error| error.argument(1))?;
            Ok(Time { offset: 0, zone: String::new(), ..time }.format(RFC3339_NANO))
        },
    "Unix" (sec: INT, nsec: INT) -> STRING,
        "The instant so many seconds and nanoseconds after 1970-01-01, in UTC." => |_, a| {
            let (seconds, nanos) = (a.int(0)?, a.int(1)?);
            let seconds = seconds.checked_add(nanos.div_euclid(SECOND));
            let seconds = seconds.ok_or_else(|| error("the time is out of range").argument(0))?;
            let nanos = nanos.rem_euclid(SECOND) as u32;
            Ok(Time { seconds, nanos, offset: 0, zone: String::new() }.format(RFC3339_NANO))
        },
    "ToUnix" (value: STRING) -> INT,
        "The seconds from 1970-01-01 to the instant." => |_, a| Ok(instant(&a)?.seconds),
    "ToUnixNano" (value: STRING) -> INT,
        "The nanoseconds from 1970-01-01 to the instant, in the years 1678 to 2262." => |_, a| {
            let time = instant(&a)?;
            let nanos = time.seconds.checked_mul(SECOND);
            let nanos = nanos.and_then(|n| n.checked_add(i64::from(time.nanos)));
            nanos.ok_or_else(|| error("the time is out of range").argument(0))
        },
    "Split" (t: STRING) -> STRUCT,
        "The parts of the instant, as it is written." => |_, a| {
            let time = instant(&a)?;
            let (days, seconds) = time.local();
            let (year, month, day) = civil(days);
            let parts = [
                ("year", year),
                ("month", month),
                ("day", day),
                ("hour", seconds / 3600),
                ("minute", seconds / 60 % 60),
                ("second", seconds % 60),
                ("nanosecond", i64::from(time.nanos)),
            ];
            Ok(Data::Struct(parts.into_iter().map(|(n, v)| (n.into(), v.into_data())).collect()))
        },
}

fn instant(a: &Arguments<'_>) -> Result<Time> {
    parse(RFC3339_NANO, a.str(0)?).map_err(|error| error.argument(0))
}

fn duration(text: &str) -> Result<i64> {
    parse_duration(text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        error(format!("{shown:?} is not a duration")).argument(0)
    })
}

/// Nanoseconds of a duration in Go's notation, or `None`.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, u64); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let unit = UNITS.iter().find(|(known, _)| *known == name)?.1;
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let mut value = whole.checked_mul(unit).filter(|v| *v <= 1 << 63)?;
        // Digits beyond those that fit have no weight.
        let (mut part, mut scale) = (0u64, 1.0);
        for digit in fraction.bytes() {
            let Some(next) = part.checked_mul(10).map(|p| p + u64::from(digit - b'0')) else {
                break;
            };
            if next > 1 << 63 {
                break;
            }
            (part, scale) = (next, scale * 10.0);
        }
        value += (part as f64 * (unit as f64 / scale)) as u64;
        total = total.checked_add(value).filter(|v| *v <= 1 << 63)?;
        rest = after;
    }
    match negative {
        true => Some((total as i64).wrapping_neg()),
        false => i64::try_from(total).ok(),
    }
}

fn format_duration(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    // A number of units, its fraction without trailing zeros.
    let decimal = |value: u64, unit: u64, digits: usize| {
        let fraction = format!("{:0digits$}", value % unit);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{}{point}{fraction}", value / unit)
    };
    match magnitude {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{magnitude}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(magnitude, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(magnitude, 1_000_000, 6)),
        _ => {
            let (minutes, rest) = (magnitude / 60_000_000_000, magnitude % 60_000_000_000);
            let seconds = decimal(rest, 1_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// An instant, and the zone it is written in.
#[derive(Clone, Debug)]
struct Time {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanos: u32,
    /// East of UTC, in seconds.
    offset: i64,
    /// The zone's abbreviation, empty where only the offset is known.
    zone: String,
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of the days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A part of a layout.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Part<'l> {
    Text(&'l str),
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    /// `Z` for UTC, colons, seconds, minutes.
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    /// The mark (`.` or `,`), digits, and whether trailing zeros go.
    Fraction {
        mark: char,
        digits: usize,
        trim: bool,
    },
}

fn layout_parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < layout.len() {
        if !layout.is_char_boundary(at) {
            at += 1;
            continue;
        }
        let Some((part, length)) = layout_part(layout, at) else {
            at += 1;
            continue;
        };
        if start < at {
            parts.push(Part::Text(&layout[start..at]));
        }
        parts.push(part);
        at += length;
        start = at;
    }
    if start < layout.len() {
        parts.push(Part::Text(&layout[start..]));
    }
    parts
}

/// The part that begins at a place, and its length.
fn layout_part(layout: &str, at: usize) -> Option<(Part<'static>, usize)> {
    let rest = &layout[at..];
    let lower_after = |length: usize| {
        rest.as_bytes()
            .get(length)
            .is_some_and(|b| b.is_ascii_lowercase())
    };
    if rest.starts_with("Jan") && !rest.starts_with("January") && lower_after(3) {
        return None;
    }
    if rest.starts_with("Mon") && !rest.starts_with("Monday") && lower_after(3) {
        return None;
    }
    // `_2006` is an underscore and a year.
    if rest.starts_with("_2006") {
        return None;
    }
    let offset = |z, colon, parts| Part::Offset { z, colon, parts };
    let known = [
        ("January", Part::LongMonth),
        ("Jan", Part::Month),
        ("Monday", Part::LongDay),
        ("Mon", Part::WeekDay),
        ("MST", Part::Zone),
        ("002", Part::ZeroYearDay),
        ("01", Part::ZeroMonth),
        ("02", Part::ZeroDay),
        ("03", Part::ZeroHour12),
        ("04", Part::ZeroMinute),
        ("05", Part::ZeroSecond),
        ("06", Part::Year),
        ("15", Part::Hour),
        ("1", Part::NumMonth),
        ("2006", Part::LongYear),
        ("2", Part::Day),
        ("__2", Part::UnderYearDay),
        ("_2", Part::UnderDay),
        ("3", Part::Hour12),
        ("4", Part::Minute),
        ("5", Part::Second),
        ("PM", Part::UpperPm),
        ("pm", Part::LowerPm),
        ("-070000", offset(false, false, 3)),
        ("-07:00:00", offset(false, true, 3)),
        ("-0700", offset(false, false, 2)),
        ("-07:00", offset(false, true, 2)),
        ("-07", offset(false, false, 1)),
        ("Z070000", offset(true, false, 3)),
        ("Z07:00:00", offset(true, true, 3)),
        ("Z0700", offset(true, false, 2)),
        ("Z07:00", offset(true, true, 2)),
        ("Z07", offset(true, false, 1)),
    ];
    if let Some((text, part)) = known.iter().find(|(text, _)| rest.starts_with(text)) {
        return Some((*part, text.len()));
    }
    let mark = rest.chars().next().filter(|c| ".,".contains(*c))?;
    let digit = rest[1..].chars().next().filter(|c| "09".contains(*c))?;
    let digits = rest[1..].chars().take_while(|c| *c == digit).count();
    let ends = !rest[1 + digits..].starts_with(|c: char| c.is_ascii_digit());
    ends.then_some((
        Part::Fraction {
            mark,
            digits,
            trim: digit == '9',
        },
        1 + digits,
    ))
}

impl Time {
    /// Days and seconds of the day, as the clock of the zone shows them.
    fn local(&self) -> (i64, i64) {
        let local = self.seconds + self.offset;
        (local.div_euclid(86_400), local.rem_euclid(86_400))
    }

    fn format(&self, layout: &str) -> String {
        let (days, clock) = self.local();
        let (year, month, day) = civil(days);
        let year_day = days - days_of(year, 1, 1) + 1;
        let week_day = DAYS[(days + 4).rem_euclid(7) as usize];
        let month_name = MONTHS[(month - 1) as usize];
        let hour = clock / 3600;
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let (minute, second) = (clock / 60 % 60, clock % 60);
        let mut out = String::new();
        for part in layout_parts(layout) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::LongMonth => out.push_str(month_name),
                Part::Month => out.push_str(&month_name[..3]),
                Part::NumMonth => out.push_str(&month.to_string()),
                Part::ZeroMonth => out.push_str(&format!("{month:02}")),
                Part::LongDay => out.push_str(week_day),
                Part::WeekDay => out.push_str(&week_day[..3]),
                Part::Day => out.push_str(&day.to_string()),
                Part::UnderDay => out.push_str(&format!("{day:2}")),
                Part::ZeroDay => out.push_str(&format!("{day:02}")),
                Part::UnderYearDay => out.push_str(&format!("{year_day:3}")),
                Part::ZeroYearDay => out.push_str(&format!("{year_day:03}")),
                Part::Hour => out.push_str(&format!("{hour:02}")),
                Part::Hour12 => out.push_str(&hour12.to_string()),
                Part::ZeroHour12 => out.push_str(&format!("{hour12:02}")),
                Part::Minute => out.push_str(&minute.to_string()),
                Part::ZeroMinute => out.push_str(&format!("{minute:02}")),
                Part::Second => out.push_str(&second.to_string()),
                Part::ZeroSecond => out.push_str(&format!("{second:02}")),
                Part::LongYear if year < 0 => out.push_str(&format!("-{:04}", -year)),
                Part::LongYear => out.push_str(&format!("{year:04}")),
                Part::Year => out.push_str(&format!("{:02}", year.rem_euclid(100))),
                Part::UpperPm => out.push_str(if hour < 12 { "AM" } else { "PM" }),
                Part::LowerPm => out.push_str(if hour < 12 { "am" } else { "pm" }),
                Part::Zone => self.zone_name(&mut out),
                Part::Offset { z: true, .. } if self.offset == 0 => out.push('Z'),
                Part::Offset { colon, parts, .. } => self.offset_text(colon, parts, &mut out),
                Part::Fraction { mark, digits, trim } => {
                    let nanos = format!("{:09}", self.nanos);
                    let shown = format!("{nanos:0<digits$}");
                    let shown = &shown[..digits];
                    let shown = if trim {
                        shown.trim_end_matches('0')
                    } else {
                        shown
                    };
                    if !shown.is_empty() {
                        out.push(mark);
                        out.push_str(shown);
                    }
                }
            }
        }
        out
    }

    fn zone_name(&self, out: &mut String) {
        if !self.zone.is_empty() {
            out.push_str(&self.zone);
        } else if self.offset == 0 {
            out.push_str("UTC");
        } else {
            self.offset_text(false, 2, out);
        }
    }

    fn offset_text(&self, colon: bool, parts: u8, out: &mut String) {
        let magnitude = self.offset.abs();
        let colon = if colon { ":" } else { "" };
        out.push(if self.offset < 0 { '-' } else { '+' });
        out.push_str(&format!("{:02}", magnitude / 3600));
        if parts > 1 {
            out.push_str(&format!("{colon}{:02}", magnitude / 60 % 60));
        }
        if parts > 2 {
            out.push_str(&format!("{colon}{:02}", magnitude % 60));
        }
    }
}

/// What parsing has found so far, and the text left.
struct Parser<'t> {
    rest: &'t str,
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm: Option<bool>,
    offset: Option<i64>,
    zone: String,
}

fn parse(layout: &str, text: &str) -> Result<Time> {
    parse_parts(&layout_parts(layout), text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        error(format!("{shown:?} is not a time in the layout {layout:?}"))
    })
}

fn parse_parts(parts: &[Part<'_>], text: &str) -> Option<Time> {
    let mut parser = Parser {
        rest: text,
        year: 0,
        month: None,
        day: None,
        year_day: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        pm: None,
        offset: None,
        zone: String::new(),
    };
    for (index, part) in parts.iter().enumerate() {
        let next = parts[index + 1..]
            .iter()
            .find(|part| !matches!(part, Part::Text(_)));
        parser.part(*part, next.copied())?;
    }
    if parser.rest.is_empty() {
        parser.finish()
    } else {
        None
    }
}

impl<'t> Parser<'t> {
    fn take(&mut self, length: usize) -> Option<&'t str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A number of one or two digits, or of exactly two.
    fn number(&mut self, fixed: bool) -> Option<i64> {
        let digits = self
            .rest
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits == 0 || (fixed && digits < 2) {
            return None;
        }
        self.take(digits)?.parse().ok()
    }

    fn name(&mut self, names: &[&str], length: Option<usize>) -> Option<usize> {
        let found = names.iter().position(|name| {
            let name = &name[..length.unwrap_or(name.len())];
            self.rest
                .get(..name.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(name))
        })?;
        self.take(length.unwrap_or(names[found].len()))?;
        Some(found)
    }

    fn part(&mut self, part: Part<'_>, next: Option<Part<'_>>) -> Option<()> {
        match part {
            Part::Text(text) => self.text(text)?,
            Part::LongMonth => self.month = Some(self.name(&MONTHS, None)? as i64 + 1),
            Part::Month => self.month = Some(self.name(&MONTHS, Some(3))? as i64 + 1),
            Part::NumMonth | Part::ZeroMonth => {
                let month = self.number(part == Part::ZeroMonth)?;
                self.month = Some(month).filter(|m| (1..=12).contains(m));
                self.month?;
            }
            Part::LongDay => {
                self.name(&DAYS, None)?;
            }
            Part::WeekDay => {
                self.name(&DAYS, Some(3))?;
            }
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                if part == Part::UnderDay {
                    self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                }
                self.day = Some(self.number(part == Part::ZeroDay)?);
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                if part == Part::UnderYearDay {
                    for _ in 0..2 {
                        self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                    }
                }
                let digits = self
                    .rest
                    .bytes()
                    .take(3)
                    .take_while(u8::is_ascii_digit)
                    .count();
                if digits == 0 || (part == Part::ZeroYearDay && digits < 3) {
                    return None;
                }
                self.year_day = Some(self.take(digits)?.parse().ok()?);
            }
            Part::Hour => self.hour = self.number(false).filter(|h| *h < 24)?,
            Part::Hour12 | Part::ZeroHour12 => {
                self.hour = self.number(part == Part::ZeroHour12).filter(|h| *h <= 12)?;
            }
            Part::Minute | Part::ZeroMinute => {
                self.minute = self.number(part == Part::ZeroMinute).filter(|m| *m < 60)?;
            }
            Part::Second | Part::ZeroSecond => {
                self.second = self.number(part == Part::ZeroSecond).filter(|s| *s < 60)?;
                // A fraction may follow even where the layout has none.
                if !matches!(next, Some(Part::Fraction { .. })) {
                    self.fraction(None)?;
                }
            }
            Part::LongYear => {
                let digits = self.take(4)?;
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                self.year = digits.parse().ok()?;
            }
            Part::Year => {
                let year = self.number(true)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Part::UpperPm => self.pm = Some(pm(self.take(2)?, "AM", "PM")?),
            Part::LowerPm => self.pm = Some(pm(self.take(2)?, "am", "pm")?),
            Part::Zone => self.zone()?,
            Part::Offset { z, colon, parts } => self.offset(z, colon, parts)?,
            Part::Fraction {
                digits,
                trim: false,
                ..
            } => self.fraction(Some(digits))?,
            Part::Fraction { .. } => self.fraction(None)?,
        }
        Some(())
    }

    /// Literal text; a run of spaces stands for any number of them.
    fn text(&mut self, text: &str) -> Option<()> {
        let mut text = text;
        while let Some(c) = text.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                text = text.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(c)?;
                text = &text[c.len_utf8()..];
            }
        }
        Some(())
    }

    /// A fraction of a second: with the given digits, or with any number of them or none.
    fn fraction(&mut self, wanted: Option<usize>) -> Option<()> {
        let after = self.rest.strip_prefix(['.', ',']);
        let found = after.map_or(0, |text| {
            text.bytes().take_while(u8::is_ascii_digit).count()
        });
        let digits = match wanted {
            Some(wanted) if found < wanted => return None,
            Some(wanted) => wanted,
            None if found == 0 => return Some(()),
            None => found,
        };
        let text = &self.take(digits + 1)?[1..];
        let nine: String = text.chars().chain(std::iter::repeat('0')).take(9).collect();
        self.nanos = nine.parse().ok()?;
        Some(())
    }

    fn offset(&mut self, z: bool, colon: bool, parts: u8) -> Option<()> {
        if z && let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            self.offset = Some(0);
            self.zone = "UTC".to_owned();
            return Some(());
        }
        let sign = match self.take(1)? {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let mut total = 0;
        for (index, unit, most) in [(0, 3600, 24), (1, 60, 60), (2, 1, 60)] {
            if index < parts {
                if colon && index > 0 && self.take(1)? != ":" {
                    return None;
                }
                total += unit * self.number(true).filter(|n| *n <= most)?;
            }
        }
        self.offset = Some(sign * total);
        Some(())
    }

    /// An abbreviation such as `CET`; `GMT+3` has its offset.
    fn zone(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("UTC") {
            self.rest = rest;
            self.offset = Some(0);
            self.zone = "UTC".to_owned();
            return Some(());
        }
        let signed = |text: &str| {
            let digits = text
                .get(1..)?
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count();
            let hours: i64 = text.get(..digits + 1)?.parse().ok()?;
            (text.starts_with(['+', '-']) && hours.abs() < 24).then_some((hours, digits + 1))
        };
        if self.rest.starts_with("ChST") || self.rest.starts_with("MeST") {
            self.zone = self.take(4)?.to_owned();
            return Some(());
        }
        if self.rest.starts_with(['+', '-']) {
            let (_, length) = signed(self.rest)?;
            self.zone = self.take(length)?.to_owned();
            return Some(());
        }
        if let Some(after) = self.rest.strip_prefix("GMT") {
            // As in Go, its hours say how it is shown, and do not move the instant.
            let length = signed(after).map_or(0, |(_, length)| length);
            self.zone = self.take(3 + length)?.to_owned();
            return Some(());
        }
        let upper = self
            .rest
            .bytes()
            .take(6)
            .take_while(u8::is_ascii_uppercase)
            .count();
        let name = &self.rest[..upper];
        let known = match upper {
            3 => true,
            4 => name.ends_with('T') || name == "WITA",
            5 => name.ends_with('T'),
            _ => false,
        };
        if !known {
            return None;
        }
        self.zone = self.take(upper)?.to_owned();
        Some(())
    }

    fn finish(self) -> Option<Time> {
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (mut month, mut day) = (self.month, self.day);
        if let Some(year_day) = self.year_day {
            let most = if is_leap(self.year) { 366 } else { 365 };
            if !(1..=most).contains(&year_day) {
                return None;
            }
            let (_, m, d) = civil(days_of(self.year, 1, 1) + year_day - 1);
            if month.is_some_and(|month| month != m) || day.is_some_and(|day| day != d) {
                return None;
            }
            (month, day) = (Some(m), Some(d));
        }
        let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
        if !(1..=days_in(self.year, month)).contains(&day) {
            return None;
        }
        let clock = hour * 3600 + self.minute * 60 + self.second;
        let offset = self.offset.unwrap_or(0);
        let seconds = days_of(self.year, month, day) * 86_400 + clock - offset;
        Some(Time {
            seconds,
            nanos: self.nanos,
            offset,
            zone: self.zone,
        })
    }
}

fn pm(text: &str, am: &str, pm: &str) -> Option<bool> {
    match text {
        _ if text == am => Some(false),
        _ if text == pm => Some(true),
        _ => None,
    }
}
