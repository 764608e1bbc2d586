//! Semantic versions (2.0.0) and ranges of them.

use super::shortened;
use std::cmp::Ordering;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Version {
    numbers: [u64; 3],
    /// How many of the numbers were written.
    given: usize,
    /// The identifiers of a pre-release.
    pre: Vec<String>,
}

impl Version {
    /// A version; minor and patch may be left out.
    pub(super) fn parse(text: &str) -> Option<Version> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = text.split_once('+').unwrap_or((text, "0"));
        let (core, pre) = rest.split_once('-').unwrap_or((rest, ""));
        let identifiers = |text: &str| {
            text.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
        };
        let is_number = |part: &str| {
            part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
        };
        let pre_given = rest.len() > core.len();
        let pre: Vec<String> = if pre_given {
            pre.split('.').map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        let zeros = |part: &String| part.bytes().all(|b| b.is_ascii_digit()) && !is_number(part);
        if !identifiers(build)
            || (pre_given && (!identifiers(&pre.join(".")) || pre.iter().any(zeros)))
        {
            return None;
        }
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > 3 || !parts.iter().all(|part| !part.is_empty() && is_number(part)) {
            return None;
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(&parts) {
            *number = part.parse().ok()?;
        }
        Some(Version {
            numbers,
            given: parts.len(),
            pre,
        })
    }

    /// The first version after all that begin with the first `count` numbers.
    fn after(&self, count: usize) -> Version {
        let mut numbers = [0; 3];
        numbers[..count].copy_from_slice(&self.numbers[..count]);
        if count > 0 {
            numbers[count - 1] = numbers[count - 1].saturating_add(1);
        }
        Version {
            numbers,
            given: 3,
            pre: Vec::new(),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let pre = || match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = self.pre.iter().zip(&other.pre);
                let first = parts
                    .map(|(a, b)| identifier_order(a, b))
                    .find(|order| order.is_ne());
                first.unwrap_or_else(|| self.pre.len().cmp(&other.pre.len()))
            }
        };
        self.numbers.cmp(&other.numbers).then_with(pre)
    }
}

fn identifier_order(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match (number(a), number(b)) {
        (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

/// Alternatives, each a list of bounds that all must hold.
pub(super) struct Range(Vec<Vec<(Bound, Version)>>);

#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Range {
    pub(super) fn parse(text: &str) -> Result<Range, String> {
        text.split("||")
            .map(alternative)
            .collect::<Result<_, _>>()
            .map(Range)
    }

    pub(super) fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|bounds| {
            let named = version.pre.is_empty() || bounds.iter().any(|(_, v)| !v.pre.is_empty());
            named
                && bounds.iter().all(|(bound, limit)| {
                    let order = version.cmp(limit);
                    match bound {
                        Bound::Less => order.is_lt(),
                        Bound::LessOrEqual => order.is_le(),
                        Bound::Greater => order.is_gt(),
                        Bound::GreaterOrEqual => order.is_ge(),
                        Bound::Equal => order.is_eq(),
                        Bound::NotEqual => order.is_ne(),
                    }
                })
        })
    }
}

fn alternative(text: &str) -> Result<Vec<(Bound, Version)>, String> {
    let mut bounds = Vec::new();
    if let Some((low, high)) = text.split_once(" - ") {
        comparator(&format!(">={}", low.trim()), &mut bounds)?;
        comparator(&format!("<={}", high.trim()), &mut bounds)?;
        return Ok(bounds);
    }
    // An operator may stand apart from its version.
    let mut operator = String::new();
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        operator.push_str(word);
        if word.ends_with(['<', '>', '=', '!', '~', '^']) {
            continue;
        }
        comparator(&operator, &mut bounds)?;
        operator.clear();
    }
    if !operator.is_empty() || bounds.is_empty() && text.trim().is_empty() {
        return Err(format!("{:?} is not a range of versions", shortened(text)));
    }
    Ok(bounds)
}

fn comparator(text: &str, bounds: &mut Vec<(Bound, Version)>) -> Result<(), String> {
    let wrong = || format!("{:?} is not a bound of versions", shortened(text));
    let end = text
        .find(|c: char| !"<>=!~^".contains(c))
        .unwrap_or(text.len());
    let (operator, version) = text.split_at(end);
    // 1.x, 1.* and 1 are the same: fewer numbers.
    let mut parts: Vec<&str> = version.split('.').collect();
    let wildcard = |part: &str| ["x", "X", "*"].contains(&part);
    if let Some(first) = parts.iter().position(|part| wildcard(part)) {
        if !parts[first..].iter().all(|part| wildcard(part)) {
            return Err(wrong());
        }
        parts.truncate(first);
    }
    if parts.is_empty() {
        // Any version at all, where the operator leaves one.
        return if matches!(operator, "" | "=" | "==" | ">=" | "<=" | "~" | "^") {
            Ok(())
        } else {
            Err(wrong())
        };
    }
    let version = Version::parse(&parts.join(".")).ok_or_else(wrong)?;
    let given = version.given;
    let whole = given == 3;
    let after = version.after(given);
    match operator {
        "" | "=" | "==" if whole => bounds.push((Bound::Equal, version)),
        "!=" if whole => bounds.push((Bound::NotEqual, version)),
        ">" if whole => bounds.push((Bound::Greater, version)),
        ">" => bounds.push((Bound::GreaterOrEqual, after)),
        ">=" => bounds.push((Bound::GreaterOrEqual, version)),
        "<" => bounds.push((Bound::Less, version)),
        "<=" if whole => bounds.push((Bound::LessOrEqual, version)),
        "<=" => bounds.push((Bound::Less, after)),
        "" | "=" | "==" => {
            bounds.push((Bound::GreaterOrEqual, version));
            bounds.push((Bound::Less, after));
        }
        "~" => {
            let end = version.after(given.min(2));
            bounds.push((Bound::GreaterOrEqual, version));
            bounds.push((Bound::Less, end));
        }
        "^" => {
            // Up to the first number that is not zero.
            let first = version.numbers[..given]
                .iter()
                .position(|n| *n > 0)
                .unwrap_or(given - 1);
            let end = version.after(first + 1);
            bounds.push((Bound::GreaterOrEqual, version));
            bounds.push((Bound::Less, end));
        }
        _ => return Err(wrong()),
    }
    Ok(())
}
