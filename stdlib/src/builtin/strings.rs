//! `strings`: text, counted in bytes unless a name says runes. Case mappings are one rune to one rune.

use super::arguments::*;
use holos_lang::value::Data;

package! {
    "strings", "strings", "Functions on strings.";
    constants {}
    "ByteAt" (b: TEXT, i: INT) -> INT,
        "The byte at index i." => |_, a| {
            let index = usize::try_from(a.int(1)?).ok();
            let byte = index.and_then(|i| a.bytes(0).ok()?.get(i));
            byte.map(|b| i64::from(*b)).ok_or_else(|| out_of_range(1))
        },
    "ByteSlice" (b: TEXT, start: INT, end: INT) -> TEXT,
        "The bytes from start up to end." => |_, a| {
            let range = range(&a, 1)?;
            a.bytes(0)?.get(range).map(bytes).ok_or_else(|| out_of_range(2))
        },
    "Runes" (s: STRING) -> LIST,
        "The code points of s, as ints." => |_, a| {
            Ok(a.str(0)?.chars().map(|c| i64::from(u32::from(c))).collect::<Vec<_>>())
        },
    "Repeat" (s: STRING, count: INT) -> STRING,
        "Count copies of s, one after the other." => |_, a| {
            let (text, count) = (a.str(0)?, a.int_in(1, 0, MAX_REPEAT)? as usize);
            limited(text.len().saturating_mul(count))?;
            Ok(text.repeat(count))
        },
    "MinRunes" (s: STRING, min: INT) -> BOOL,
        "Whether s has at least min runes." => |_, a| {
            Ok(a.str(0)?.chars().count() as i64 >= a.int(1)?)
        },
    "MaxRunes" (s: STRING, max: INT) -> BOOL,
        "Whether s has at most max runes." => |_, a| {
            Ok(a.str(0)?.chars().count() as i64 <= a.int(1)?)
        },
    "ToTitle" (s: STRING) -> STRING,
        "The string with the first letter of every word in title case." => |_, a| {
            Ok(first_of_words(a.str(0)?, title))
        },
    "ToCamel" (s: STRING) -> STRING,
        "The string with the first letter of every word in lower case." => |_, a| {
            Ok(first_of_words(a.str(0)?, lower))
        },
    "SliceRunes" (s: STRING, start: INT, end: INT) -> STRING,
        "The runes from start up to end." => |_, a| {
            let (text, range) = (a.str(0)?, range(&a, 1)?);
            let part: String = text.chars().skip(range.start).take(range.len()).collect();
            if text.chars().count() < range.end {
                return Err(out_of_range(2));
            }
            Ok(part)
        },
    "Compare" (a: STRING, b: STRING) -> INT,
        "-1, 0 or 1: the order of the two strings by their bytes." => |_, a| {
            Ok(a.str(0)?.cmp(a.str(1)?) as i64)
        },
    "Count" (s: STRING, substr: STRING) -> INT,
        "How often substr occurs without overlaps; the empty string is before and after each rune." => |_, a| {
            let (text, part) = (a.str(0)?, a.str(1)?);
            Ok(if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() })
        },
    "Contains" (s: STRING, substr: STRING) -> BOOL,
        "Whether substr is within s." => |_, a| Ok(a.str(0)?.contains(a.str(1)?)),
    "ContainsAny" (s: STRING, chars: STRING) -> BOOL,
        "Whether any of the code points in chars is within s." => |_, a| {
            let chars = a.str(1)?;
            Ok(a.str(0)?.contains(|c| chars.contains(c)))
        },
    "LastIndex" (s: STRING, substr: STRING) -> INT,
        "The byte index of the last substr in s, or -1." => |_, a| {
            Ok(index(a.str(0)?.rfind(a.str(1)?)))
        },
    "IndexAny" (s: STRING, chars: STRING) -> INT,
        "The byte index of the first of any of the code points in chars, or -1." => |_, a| {
            let chars = a.str(1)?;
            Ok(index(a.str(0)?.find(|c| chars.contains(c))))
        },
    "LastIndexAny" (s: STRING, chars: STRING) -> INT,
        "The byte index of the last of any of the code points in chars, or -1." => |_, a| {
            let chars = a.str(1)?;
            Ok(index(a.str(0)?.rfind(|c| chars.contains(c))))
        },
    "SplitN" (s: STRING, sep: STRING, n: INT) -> LIST,
        "At most n parts of s between separators, the last unsplit; all if n is negative." => |_, a| {
            Ok(split(a.str(0)?, a.str(1)?, a.int(2)?, false))
        },
    "SplitAfterN" (s: STRING, sep: STRING, n: INT) -> LIST,
        "As SplitN, the separators kept at the end of the parts." => |_, a| {
            Ok(split(a.str(0)?, a.str(1)?, a.int(2)?, true))
        },
    "Split" (s: STRING, sep: STRING) -> LIST,
        "The parts of s between separators; its runes if the separator is empty." => |_, a| {
            Ok(split(a.str(0)?, a.str(1)?, -1, false))
        },
    "SplitAfter" (s: STRING, sep: STRING) -> LIST,
        "As Split, the separators kept at the end of the parts." => |_, a| {
            Ok(split(a.str(0)?, a.str(1)?, -1, true))
        },
    "Fields" (s: STRING) -> LIST,
        "The parts of s between white space." => |_, a| {
            Ok(a.str(0)?.split_whitespace().collect::<Vec<_>>())
        },
    "Join" (elems: LIST of STRING, sep: STRING) -> STRING,
        "The strings of a list, with sep between them." => |_, a| {
            let (parts, separator) = (a.strings(0)?, a.str(1)?);
            let text: usize = parts.iter().map(|part| part.len()).sum();
            limited(text.saturating_add(parts.len().saturating_mul(separator.len())))?;
            Ok(parts.join(separator))
        },
    "HasPrefix" (s: STRING, prefix: STRING) -> BOOL,
        "Whether s begins with prefix." => |_, a| Ok(a.str(0)?.starts_with(a.str(1)?)),
    "HasSuffix" (s: STRING, suffix: STRING) -> BOOL,
        "Whether s ends with suffix." => |_, a| Ok(a.str(0)?.ends_with(a.str(1)?)),
    "ToUpper" (s: STRING) -> STRING,
        "The string in upper case." => |_, a| Ok(a.str(0)?.chars().map(upper).collect::<String>()),
    "ToLower" (s: STRING) -> STRING,
        "The string in lower case." => |_, a| Ok(a.str(0)?.chars().map(lower).collect::<String>()),
    "Trim" (s: STRING, cutset: STRING) -> STRING,
        "The string without the code points in cutset at its ends." => |_, a| {
            let cutset = a.str(1)?;
            Ok(a.str(0)?.trim_matches(|c| cutset.contains(c)))
        },
    "TrimLeft" (s: STRING, cutset: STRING) -> STRING,
        "The string without the code points in cutset at its beginning." => |_, a| {
            let cutset = a.str(1)?;
            Ok(a.str(0)?.trim_start_matches(|c| cutset.contains(c)))
        },
    "TrimRight" (s: STRING, cutset: STRING) -> STRING,
        "The string without the code points in cutset at its end." => |_, a| {
            let cutset = a.str(1)?;
            Ok(a.str(0)?.trim_end_matches(|c| cutset.contains(c)))
        },
    "TrimSpace" (s: STRING) -> STRING,
        "The string without white space at its ends." => |_, a| Ok(a.str(0)?.trim()),
    "TrimPrefix" (s: STRING, prefix: STRING) -> STRING,
        "The string without the prefix, if it has it." => |_, a| {
            let text = a.str(0)?;
            Ok(text.strip_prefix(a.str(1)?).unwrap_or(text))
        },
    "TrimSuffix" (s: STRING, suffix: STRING) -> STRING,
        "The string without the suffix, if it has it." => |_, a| {
            let text = a.str(0)?;
            Ok(text.strip_suffix(a.str(1)?).unwrap_or(text))
        },
    "Replace" (s: STRING, old: STRING, new: STRING, n: INT) -> STRING,
        "The string with its first n old replaced by new; all of them if n is negative." => |_, a| {
            let (text, old, new) = (a.str(0)?, a.str(1)?, a.str(2)?);
            let most = usize::try_from(a.int(3)?).unwrap_or(usize::MAX);
            let found = text.matches(old).take(most).count();
            limited(text.len().saturating_add(found.saturating_mul(new.len())))?;
            Ok(text.replacen(old, new, most))
        },
    "Index" (s: STRING, substr: STRING) -> INT,
        "The byte index of the first substr in s, or -1." => |_, a| {
            Ok(index(a.str(0)?.find(a.str(1)?)))
        },
}

fn out_of_range(argument: usize) -> holos_lang::value::builtin::CallError {
    error("index out of range").argument(argument)
}

fn index(found: Option<usize>) -> i64 {
    found.map_or(-1, |at| at as i64)
}

/// The range that two arguments give, its start not after its end.
fn range(a: &Arguments<'_>, first: usize) -> Result<std::ops::Range<usize>> {
    let start = usize::try_from(a.int(first)?).map_err(|_| out_of_range(first))?;
    let end = usize::try_from(a.int(first + 1)?).map_err(|_| out_of_range(first + 1))?;
    if start > end {
        Err(out_of_range(first))
    } else {
        Ok(start..end)
    }
}

fn split(text: &str, separator: &str, count: i64, keep: bool) -> Data {
    if count == 0 {
        return Data::List(Vec::new().into());
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most {
        let (end, next) = if separator.is_empty() {
            // One rune a part; the last one is the rest.
            match rest.chars().next().map(char::len_utf8) {
                Some(length) if length < rest.len() => (length, length),
                _ => break,
            }
        } else {
            let Some(at) = rest.find(separator) else {
                break;
            };
            (
                if keep { at + separator.len() } else { at },
                at + separator.len(),
            )
        };
        parts.push(&rest[..end]);
        rest = &rest[next..];
    }
    if !(separator.is_empty() && rest.is_empty()) {
        parts.push(rest);
    }
    parts.into_data()
}

fn first_of_words(text: &str, change: fn(char) -> char) -> String {
    let mut before = ' ';
    let changed = text.chars().map(|c| {
        let after_space = before.is_whitespace();
        before = c;
        if after_space { change(c) } else { c }
    });
    changed.collect()
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        // Greek letters with an iota below have a single upper case form besides the full one.
        _ => match c {
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => {
                char::from_u32(c as u32 + 8).unwrap_or(c)
            }
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => char::from_u32(c as u32 + 9).unwrap_or(c),
            _ => c,
        },
    }
}

fn lower(c: char) -> char {
    // The only rune whose full lower case has two: a capital I with a dot.
    c.to_lowercase().next().unwrap_or(c)
}

fn title(c: char) -> char {
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters have capitals, but no title case.
        '\u{10D0}'..='\u{10FF}' => c,
        _ => upper(c),
    }
}
