//! `path`: file paths of Unix, Windows and Plan 9 as text; no file is looked at.

use super::arguments::*;

package! {
    "path", "path", "File paths of Unix, Windows and Plan 9.";
    constants {
        "Unix" = "\"unix\"",
        "Windows" = "\"windows\"",
        "Plan9" = "\"plan9\"",
    }
    "Split" (path: STRING, os: STRING = "\"unix\"") -> LIST,
        "The directory, with its separator at the end, and the file." => |_, a| {
            let (path, os) = (a.str(0)?, os(&a, 1)?);
            let start = os.last_separator(path).map_or(os.volume(path).len(), |at| at + 1);
            Ok(vec![&path[..start], &path[start..]])
        },
    "SplitList" (path: STRING, os: STRING) -> LIST,
        "The paths of a list such as the variable PATH." => |_, a| {
            Ok(os(&a, 1)?.split_list(a.str(0)?))
        },
    "Join" (elem: LIST of STRING, os: STRING = "\"unix\"") -> STRING,
        "The elements as one path, cleaned; empty ones are left out." => |_, a| {
            Ok(os(&a, 1)?.join(&a.strings(0)?))
        },
    "Match" (pattern: STRING, name: STRING, os: STRING = "\"unix\"") -> BOOL,
        "Whether a pattern with *, ?, [a-z] and [^a-z] matches the whole name; * and ? match no separator." => |_, a| {
            let os = os(&a, 2)?;
            let pattern = parse_pattern(a.str(0)?, os).map_err(|e| error(e).argument(0))?;
            Ok(matches(&pattern, a.str(1)?, os.separator()))
        },
    "Clean" (path: STRING, os: STRING = "\"unix\"") -> STRING,
        "The shortest path that means the same." => |_, a| Ok(os(&a, 1)?.clean(a.str(0)?)),
    "ToSlash" (path: STRING, os: STRING) -> STRING,
        "The path with slashes for separators." => |_, a| {
            Ok(a.str(0)?.replace(os(&a, 1)?.separator(), "/"))
        },
    "FromSlash" (path: STRING, os: STRING) -> STRING,
        "The path with separators for slashes." => |_, a| Ok(os(&a, 1)?.from_slash(a.str(0)?)),
    "Ext" (path: STRING, os: STRING = "\"unix\"") -> STRING,
        "The extension, with its point." => |_, a| {
            let (path, os) = (a.str(0)?, os(&a, 1)?);
            let name = path.rsplit(|c| os.is_separator(c)).next().unwrap_or("");
            Ok(name.rfind('.').map_or("", |at| &name[at..]))
        },
    "Resolve" (dir: STRING, sub: STRING, os: STRING = "\"unix\"") -> STRING,
        "The path sub as seen from dir: itself if it is absolute." => |_, a| {
            let (dir, sub, os) = (a.str(0)?, a.str(1)?, os(&a, 2)?);
            Ok(if os.is_absolute(sub) { os.clean(sub) } else { os.join(&[&os.clean(dir), sub]) })
        },
    "Rel" (basepath: STRING, targpath: STRING, os: STRING = "\"unix\"") -> STRING,
        "The path from basepath to targpath." => |_, a| {
            let (base, target) = (a.str(0)?, a.str(1)?);
            os(&a, 2)?.relative(base, target).ok_or_else(|| {
                error(format!("cannot make {target:?} relative to {base:?}"))
            })
        },
    "Base" (path: STRING, os: STRING = "\"unix\"") -> STRING,
        "The last element." => |_, a| {
            let (path, os) = (a.str(0)?, os(&a, 1)?);
            if path.is_empty() {
                return Ok(".".to_owned());
            }
            let path = path.trim_end_matches(|c| os.is_separator(c));
            let path = &path[os.volume(path).len()..];
            let name = path.rsplit(|c| os.is_separator(c)).next().unwrap_or("");
            Ok(if name.is_empty() { os.separator().to_string() } else { name.to_owned() })
        },
    "Dir" (path: STRING, os: STRING = "\"unix\"") -> STRING,
        "All but the last element, cleaned." => |_, a| {
            let (path, os) = (a.str(0)?, os(&a, 1)?);
            let volume = os.volume(path);
            let end = os.last_separator(path).map_or(volume.len(), |at| at + 1);
            let dir = os.clean(&path[volume.len()..end]);
            Ok(if dir == "." && volume.len() > 2 { volume.to_owned() } else { format!("{volume}{dir}") })
        },
    "IsAbs" (path: STRING, os: STRING = "\"unix\"") -> BOOL,
        "Whether the path is absolute." => |_, a| Ok(os(&a, 1)?.is_absolute(a.str(0)?)),
    "VolumeName" (path: STRING, os: STRING = "\"windows\"") -> STRING,
        "The volume a path of Windows begins with: C: or \\\\host\\share." => |_, a| {
            Ok(os(&a, 1)?.volume(a.str(0)?))
        },
}

#[derive(Clone, Copy, PartialEq)]
enum Os {
    Unix,
    Windows,
    Plan9,
}

fn os(a: &Arguments<'_>, index: usize) -> Result<Os> {
    match a.str(index)? {
        // Those systems whose paths are Unix's, by their names in Go.
        "unix" | "aix" | "android" | "darwin" | "dragonfly" | "freebsd" | "hurd" | "illumos"
        | "ios" | "js" | "linux" | "nacl" | "netbsd" | "openbsd" | "solaris" | "zos" => {
            Ok(Os::Unix)
        }
        "windows" => Ok(Os::Windows),
        "plan9" => Ok(Os::Plan9),
        other => {
            let message = format!("the system must be unix, windows or plan9, not {other:?}");
            Err(error(message).argument(index))
        }
    }
}

impl Os {
    fn separator(self) -> char {
        if self == Os::Windows { '\\' } else { '/' }
    }

    fn is_separator(self, c: char) -> bool {
        c == '/' || (c == '\\' && self == Os::Windows)
    }

    /// The last separator behind the volume.
    fn last_separator(self, path: &str) -> Option<usize> {
        let volume = self.volume(path).len();
        path[volume..]
            .rfind(|c| self.is_separator(c))
            .map(|at| at + volume)
    }

    #[expect(clippy::wrong_self_convention, reason = "named for CUE's FromSlash")]
    fn from_slash(self, path: &str) -> String {
        if self == Os::Windows {
            path.replace('/', "\\")
        } else {
            path.to_owned()
        }
    }

    fn same(self, a: &str, b: &str) -> bool {
        a == b || (self == Os::Windows && a.to_lowercase() == b.to_lowercase())
    }

    fn is_absolute(self, path: &str) -> bool {
        match self {
            Os::Unix => path.starts_with('/'),
            Os::Plan9 => path.starts_with(['/', '#']),
            Os::Windows => {
                let rest = &path[self.volume(path).len()..];
                is_reserved(path)
                    || (rest.len() < path.len() && rest.starts_with(|c| self.is_separator(c)))
            }
        }
    }

    fn volume(self, path: &str) -> &str {
        if self != Os::Windows {
            return "";
        }
        let bytes = path.as_bytes();
        if let [letter, b':', ..] = bytes
            && letter.is_ascii_alphabetic()
        {
            return &path[..2];
        }
        // \\host\share
        let slash = |at: usize| bytes.get(at).is_some_and(|b| b"/\\".contains(b));
        if bytes.len() < 5 || !slash(0) || !slash(1) || slash(2) || bytes[2] == b'.' {
            return "";
        }
        let Some(middle) = (3..bytes.len() - 1).find(|at| slash(*at)) else {
            return "";
        };
        if slash(middle + 1) || bytes[middle + 1] == b'.' {
            return "";
        }
        let end = (middle + 1..bytes.len())
            .find(|at| slash(*at))
            .unwrap_or(bytes.len());
        &path[..end]
    }

    fn clean(self, path: &str) -> String {
        let volume = self.volume(path);
        let rest = &path[volume.len()..];
        if rest.is_empty() {
            return match volume.len() > 1 && path.as_bytes()[1] != b':' {
                true => self.from_slash(path),
                false => format!("{path}."),
            };
        }
        let rooted = rest.starts_with(|c| self.is_separator(c));
        let mut parts: Vec<&str> = Vec::new();
        for part in rest.split(|c| self.is_separator(c)) {
            match part {
                "" | "." => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                ".." if rooted => {}
                _ => parts.push(part),
            }
        }
        let separator = self.separator().to_string();
        let root = if rooted { separator.as_str() } else { "" };
        let body = parts.join(&separator);
        let whole = if body.is_empty() && !rooted {
            "."
        } else {
            &body
        };
        self.from_slash(&format!("{volume}{root}{whole}"))
    }

    fn join(self, parts: &[&str]) -> String {
        let Some(first) = parts.iter().position(|part| !part.is_empty()) else {
            return String::new();
        };
        let (parts, separator) = (&parts[first..], self.separator().to_string());
        if self != Os::Windows {
            return self.clean(&parts.join(&separator));
        }
        if parts[0].len() == 2 && parts[0].ends_with(':') {
            // A drive alone is a place on that drive, not its root.
            let rest: Vec<&str> = parts[1..]
                .iter()
                .copied()
                .skip_while(|part| part.is_empty())
                .collect();
            return self.clean(&format!("{}{}", parts[0], rest.join(&separator)));
        }
        let is_share = |path: &str| self.volume(path).len() > 2;
        let joined = self.clean(&parts.join(&separator));
        if !is_share(&joined) {
            return joined;
        }
        // Joining must not make a share of what is none.
        let head = self.clean(parts[0]);
        if is_share(&head) {
            return joined;
        }
        let tail = self.clean(&parts[1..].join(&separator));
        if head.ends_with('\\') {
            head + &tail
        } else {
            head + &separator + &tail
        }
    }

    fn split_list(self, path: &str) -> Vec<String> {
        if path.is_empty() {
            return Vec::new();
        }
        match self {
            Os::Unix => path.split(':').map(str::to_owned).collect(),
            Os::Plan9 => path.split('\0').map(str::to_owned).collect(),
            Os::Windows => {
                let mut quoted = false;
                let parts = path.split(|c| {
                    quoted ^= c == '"';
                    c == ';' && !quoted
                });
                parts.map(|part| part.replace('"', "")).collect()
            }
        }
    }

    fn relative(self, base: &str, target: &str) -> Option<String> {
        let (base_volume, target_volume) = (self.volume(base).len(), self.volume(target).len());
        let (base_clean, target_clean) = (self.clean(base), self.clean(target));
        if self.same(&base_clean, &target_clean) {
            return Some(".".to_owned());
        }
        let same_volume = self.same(&base[..base_volume], &target[..target_volume]);
        let base = &base_clean[base_volume..];
        let base = if base == "." { "" } else { base };
        let target = &target_clean[target_volume..];
        let separator = self.separator();
        if base.starts_with(separator) != target.starts_with(separator) || !same_volume {
            return None;
        }
        let parts = |path: &'_ str| -> Vec<String> {
            path.split(separator)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (base, target) = (parts(base), parts(target));
        let common = base
            .iter()
            .zip(&target)
            .take_while(|(a, b)| self.same(a, b))
            .count();
        if base.get(common).is_some_and(|part| part == "..") {
            return None;
        }
        let up = std::iter::repeat_n("..", base.len() - common);
        let all: Vec<&str> = up
            .chain(target[common..].iter().map(String::as_str))
            .collect();
        Some(all.join(&separator.to_string()))
    }
}

fn is_reserved(path: &str) -> bool {
    let upper = path.to_ascii_uppercase();
    let numbered = |prefix| {
        upper
            .strip_prefix(prefix)
            .is_some_and(|n: &str| n.len() == 1 && n.bytes().all(|b| (b'1'..=b'9').contains(&b)))
    };
    ["CON", "PRN", "AUX", "NUL"].contains(&upper.as_str()) || numbered("COM") || numbered("LPT")
}

enum Glob {
    Star,
    Any,
    Char(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn parse_pattern(pattern: &str, os: Os) -> std::result::Result<Vec<Glob>, String> {
    let bad = || "syntax error in pattern".to_owned();
    let mut globs = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        globs.push(match c {
            '*' if rest.peek() == Some(&'*') => {
                return Err("** is not supported in patterns".to_owned());
            }
            '*' => Glob::Star,
            '?' => Glob::Any,
            '\\' if os != Os::Windows => Glob::Char(rest.next().ok_or_else(bad)?),
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                let bound = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| match rest.next()
                {
                    None | Some('-' | ']') => Err(bad()),
                    Some('\\') if os != Os::Windows => rest.next().ok_or_else(bad),
                    Some(c) => Ok(c),
                };
                while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
                    let low = bound(&mut rest)?;
                    let high = match rest.next_if_eq(&'-') {
                        Some(_) => bound(&mut rest)?,
                        None => low,
                    };
                    if rest.peek().is_none() {
                        return Err(bad());
                    }
                    ranges.push((low, high));
                }
                Glob::Class { negated, ranges }
            }
            c => Glob::Char(c),
        });
    }
    Ok(globs)
}

/// Linear in the product of the lengths: only the last star is ever tried again.
fn matches(pattern: &[Glob], name: &str, separator: char) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            None if n == name.len() => return true,
            None => false,
            Some(Glob::Star) => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(glob) => name.get(n).is_some_and(|c| match glob {
                Glob::Any => *c != separator,
                Glob::Char(wanted) => c == wanted,
                Glob::Class { negated, ranges } => {
                    ranges.iter().any(|(low, high)| (low..=high).contains(&c)) != *negated
                }
                Glob::Star => false,
            }),
        };
        if step {
            (p, n) = (p + 1, n + 1);
            continue;
        }
        match retry {
            Some((next, from)) if name.get(from).is_some_and(|c| *c != separator) => {
                retry = Some((next, from + 1));
                (p, n) = (next, from + 1);
            }
            _ => return false,
        }
    }
}
