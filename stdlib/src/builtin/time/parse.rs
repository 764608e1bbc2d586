//! Instants read from text by a layout.

use super::super::arguments::*;
use super::calendar::{DAYS, MONTHS, civil, days_in, days_of, is_leap};
use super::layout::{Part, Time, layout_parts};

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

pub(super) fn parse(layout: &str, text: &str) -> Result<Time> {
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
