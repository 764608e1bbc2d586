//! `time`: instants as RFC 3339 text, durations as Go writes them, and Go's layouts.
//!
//! A layout shows the reference time *Mon Jan 2 15:04:05 MST 2006* the way others are written.

mod calendar;
mod duration;
mod layout;
mod parse;

use super::arguments::*;
use calendar::civil;
use duration::format_duration;
pub(super) use duration::parse_duration;
use holos_lang::value::Data;
use layout::Time;
use parse::parse;

const SECOND: i64 = 1_000_000_000;
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

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

/// An instant since 1970-01-01T00:00:00Z as text in UTC, with the nanoseconds there are (RFC 3339).
pub fn timestamp(since: std::time::Duration) -> String {
    Time {
        seconds: since.as_secs().try_into().unwrap_or(i64::MAX),
        nanos: since.subsec_nanos(),
        offset: 0,
        zone: String::new(),
    }
    .format(RFC3339_NANO)
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

#[cfg(test)]
mod tests {
    use super::timestamp;
    use std::time::Duration;

    #[test]
    fn timestamps_are_rfc_3339() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_795_392_000, 933_789_540, "2026-11-23T00:00:00.93378954Z"),
            (1_795_392_059, 945_304_227, "2026-11-23T00:00:59.945304227Z"),
        ] {
            assert_eq!(timestamp(Duration::new(seconds, nanos)), expected);
        }
    }
}
