//! Schedules of CronJobs.

use super::parse_duration;

const MACROS: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    /// Names of the values from `low` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        low: 0,
        high: 59,
        names: &[],
    },
    Field {
        name: "hour",
        low: 0,
        high: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        low: 1,
        high: 31,
        names: &[],
    },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &MONTHS,
    },
    Field {
        name: "day of the week",
        low: 0,
        high: 6,
        names: &DAYS,
    },
];

pub(super) fn check(schedule: &str) -> Result<(), String> {
    if schedule.starts_with('@') {
        let every = schedule.strip_prefix("@every ");
        let valid = match every {
            Some(duration) => parse_duration(duration).is_some(),
            None => MACROS.contains(&schedule),
        };
        return match valid {
            true => Ok(()),
            false => Err(format!(
                "{schedule:?} is not one of {}, @every",
                MACROS.join(", ")
            )),
        };
    }
    if schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=") {
        return Err("a time zone does not belong in the schedule: set timeZone".to_owned());
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("a schedule has five fields, not {}", fields.len()));
    }
    for (text, field) in fields.iter().zip(&FIELDS) {
        for part in text.split(',') {
            check_part(part, field)
                .map_err(|problem| format!("{} {part:?}: {problem}", field.name))?;
        }
    }
    Ok(())
}

fn check_part(part: &str, field: &Field) -> Result<(), String> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
        return Err("the step must be a positive number".to_owned());
    }
    if range == "*" || range == "?" {
        return Ok(());
    }
    let (low, high) = range.split_once('-').unwrap_or((range, range));
    let (low, high) = (value(low, field)?, value(high, field)?);
    if low > high {
        Err("the range ends before it begins".to_owned())
    } else {
        Ok(())
    }
}

fn value(text: &str, field: &Field) -> Result<u32, String> {
    let name = text.to_ascii_lowercase();
    if let Some(index) = field.names.iter().position(|known| *known == name) {
        return Ok(field.low + index as u32);
    }
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    number
        .filter(|number| (field.low..=field.high).contains(number))
        .ok_or_else(|| format!("values are from {} to {}", field.low, field.high))
}
