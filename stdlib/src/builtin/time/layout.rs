//! Go's layouts: the parts they are made of, and instants written by them.

use super::calendar::{DAYS, MONTHS, civil, days_of};

/// An instant, and the zone it is written in.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Since 1970-01-01T00:00:00Z.
    pub(super) seconds: i64,
    pub(super) nanos: u32,
    /// East of UTC, in seconds.
    pub(super) offset: i64,
    /// The zone's abbreviation, empty where only the offset is known.
    pub(super) zone: String,
}
/// A part of a layout.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Part<'l> {
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

pub(super) fn layout_parts(layout: &str) -> Vec<Part<'_>> {
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
    pub(super) fn local(&self) -> (i64, i64) {
        let local = self.seconds + self.offset;
        (local.div_euclid(86_400), local.rem_euclid(86_400))
    }

    pub(super) fn format(&self, layout: &str) -> String {
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
