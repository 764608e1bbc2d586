//! Regular expressions in Go's RE2 syntax, run by the `regex` crate.
//!
//! The two dialects agree in most, and this translates what differs: `\d \w \s \b` are ASCII, `{` that
//! starts no repeat is a literal, `\Q…\E` quotes, `\<` is a `<`, octal escapes exist, classes have no set
//! operators (`[a&&b]` is the three characters), and `\p{…}` knows categories and scripts only.
//! Matching takes time linear in the text. Limits: a repeat count is at most 1000, groups nest at most
//! 250 deep, and a compiled expression takes at most 32 MiB. Unlike in Go, the names of groups are
//! unique and start with a letter or `_`.

use regex::{Regex, RegexBuilder};
use std::iter::Peekable;
use std::str::CharIndices;

const MAX_REPEAT: u32 = 1000;
const MAX_NESTING: u32 = 250;
const MAX_COMPILED_BYTES: usize = 32 << 20;

/// Compiles a pattern.
///
/// # Errors
/// Says what is wrong with the pattern and quotes the part at fault, in Go's terms.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = Translator::new(pattern).pattern()?;
    RegexBuilder::new(&translated)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .nest_limit(MAX_NESTING)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "expression too large".to_owned(),
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        })
}

/// What every text that matches begins with, where the pattern says that much.
pub fn prefix(pattern: &str) -> Option<String> {
    let translated = Translator::new(pattern).pattern().ok()?;
    let mut parser = regex_syntax::ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .build();
    let hir = parser.parse(&translated).ok()?;
    let starts = hir.properties().look_set_prefix();
    if !starts.contains(regex_syntax::hir::Look::Start) {
        return None;
    }
    let literals = regex_syntax::hir::literal::Extractor::new().extract(&hir);
    let prefix = std::str::from_utf8(literals.longest_common_prefix()?).ok()?;
    (!prefix.is_empty()).then(|| prefix.to_owned())
}

struct Translator<'p> {
    pattern: &'p str,
    rest: Peekable<CharIndices<'p>>,
    out: String,
    depth: usize,
}

impl<'p> Translator<'p> {
    fn new(pattern: &'p str) -> Translator<'p> {
        let rest = pattern.char_indices().peekable();
        Translator {
            pattern,
            rest,
            out: String::with_capacity(pattern.len() + 8),
            depth: 0,
        }
    }

    /// Where the next character stands.
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.pattern.len(), |(at, _)| *at)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, c)| *c == wanted).is_some()
    }

    /// Moves to a place further on.
    fn skip_to(&mut self, place: usize) {
        while self.rest.next_if(|(at, _)| *at < place).is_some() {}
    }

    fn error(&mut self, what: &str, from: usize) -> String {
        let to = self.at();
        format!("{what}: `{}`", &self.pattern[from..to])
    }

    fn literal(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.out
            .push_str(&regex_syntax::escape(c.encode_utf8(&mut buffer)));
    }

    fn pattern(mut self) -> Result<String, String> {
        // Whether something stands before that a repetition can apply to, and where the last one began.
        let mut atom = false;
        let mut repetition: Option<usize> = None;
        while let Some((at, c)) = self.rest.next() {
            let last_repetition = repetition.take();
            match c {
                '*' | '+' | '?' | '{' => {
                    let count = if c == '{' {
                        self.repeat(at)?
                    } else {
                        Some(c.to_string())
                    };
                    let Some(operator) = count else {
                        self.out.push_str("\\{");
                        atom = true;
                        continue;
                    };
                    let lazy = self.eat('?');
                    if let Some(start) = last_repetition {
                        return Err(self.error("invalid nested repetition operator", start));
                    }
                    if !atom {
                        return Err(self.error("missing argument to repetition operator", at));
                    }
                    self.out.push_str(&operator);
                    if lazy {
                        self.out.push('?');
                    }
                    repetition = Some(at);
                }
                '(' => {
                    let opened = self.group(at)?;
                    if opened {
                        self.depth += 1;
                        atom = false;
                    }
                }
                ')' => {
                    if self.depth == 0 {
                        return Err(format!("unexpected ): `{}`", self.pattern));
                    }
                    self.depth -= 1;
                    self.out.push(')');
                    atom = true;
                }
                '|' => {
                    self.out.push('|');
                    atom = false;
                }
                '[' => {
                    self.class(at)?;
                    atom = true;
                }
                '\\' => {
                    if self.eat('Q') {
                        atom |= self.quoted();
                        continue;
                    }
                    self.escape(at)?;
                    atom = true;
                }
                '.' | '^' | '$' => {
                    self.out.push(c);
                    atom = true;
                }
                _ => {
                    self.literal(c);
                    atom = true;
                }
            }
        }
        if self.depth > 0 {
            return Err(format!("missing closing ): `{}`", self.pattern));
        }
        Ok(self.out)
    }

    /// After `{`: the repeat as written, or `None` where the brace is a literal.
    fn repeat(&mut self, at: usize) -> Result<Option<String>, String> {
        let rest = &self.pattern[at + 1..];
        let Some((body, _)) = rest.split_once('}') else {
            return Ok(None);
        };
        let (low, high) = match body.split_once(',') {
            None => (body, Some(body)),
            Some((low, "")) => (low, None),
            Some((low, high)) => (low, Some(high)),
        };
        let is_count = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        };
        if !is_count(low) || !high.is_none_or(is_count) {
            return Ok(None);
        }
        self.skip_to(at + 1 + body.len() + 1);
        let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let (least, most) = (count(low), high.map_or(0, count));
        if least > MAX_REPEAT || most > MAX_REPEAT || (high.is_some() && least > most) {
            return Err(self.error("invalid repeat count", at));
        }
        Ok(Some(format!("{{{body}}}")))
    }

    /// After `(`: whether a group was opened (`(?i)` opens none).
    fn group(&mut self, at: usize) -> Result<bool, String> {
        let rest = &self.pattern[at..];
        for prefix in ["(?P<", "(?<"] {
            let Some(named) = rest.strip_prefix(prefix) else {
                continue;
            };
            if prefix == "(?<" && named.starts_with(['=', '!']) {
                break;
            }
            let end = named
                .find('>')
                .ok_or_else(|| format!("invalid named capture: `{rest}`"))?;
            let name = &named[..end];
            self.skip_to(at + prefix.len() + end + 1);
            let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(valid) {
                return Err(self.error("invalid named capture", at));
            }
            self.out.push_str(&format!("(?P<{name}>"));
            return Ok(true);
        }
        if !rest.starts_with("(?") {
            self.out.push('(');
            return Ok(true);
        }
        self.skip_to(at + 2);
        let mut flags = String::new();
        for (_, c) in self.rest.by_ref() {
            match c {
                'i' | 'm' | 's' | 'U' => flags.push(c),
                '-' if !flags.contains('-') => flags.push('-'),
                ':' | ')' if !flags.ends_with('-') => {
                    self.out.push_str(&format!("(?{flags}{c}"));
                    if c == ')' && flags.is_empty() {
                        self.out.truncate(self.out.len() - 3);
                    }
                    return Ok(c == ':');
                }
                _ => break,
            }
        }
        Err(self.error("invalid or unsupported Perl syntax", at))
    }

    /// After `\Q`: whether any character was quoted.
    fn quoted(&mut self) -> bool {
        let start = self.at();
        let rest = &self.pattern[start..];
        let text = rest.split_once("\\E").map_or(rest, |(text, _)| text);
        self.out.push_str(&regex_syntax::escape(text));
        self.skip_to((start + text.len() + 2).min(self.pattern.len()));
        !text.is_empty()
    }

    /// After `\`, outside a class.
    fn escape(&mut self, at: usize) -> Result<(), String> {
        let simple = match self.peek() {
            None => return Err("trailing backslash at end of expression: ``".to_owned()),
            Some('A') => "\\A",
            Some('z') => "\\z",
            Some('b') => "(?-u:\\b)",
            Some('B') => "(?-u:\\B)",
            Some(_) => {
                if let Some(class) = self.class_escape(at)? {
                    self.out.push_str(&format!("[{class}]"));
                } else {
                    let c = self.character_escape(at)?;
                    self.literal(c);
                }
                return Ok(());
            }
        };
        self.rest.next();
        self.out.push_str(simple);
        Ok(())
    }

    /// After `\`: a class such as `\d` or `\pL`, as items of a bracketed class.
    fn class_escape(&mut self, at: usize) -> Result<Option<String>, String> {
        let items = match self.peek() {
            Some('d') => "0-9",
            Some('D') => "[^0-9]",
            Some('s') => "\\t\\n\\x0C\\r ",
            Some('S') => "[^\\t\\n\\x0C\\r ]",
            Some('w') => "0-9A-Za-z_",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class(at).map(Some),
            _ => return Ok(None),
        };
        self.rest.next();
        Ok(Some(items.to_owned()))
    }

    fn unicode_class(&mut self, at: usize) -> Result<String, String> {
        const WHAT: &str = "invalid character class range";
        let mut negated = self.rest.next().is_some_and(|(_, c)| c == 'P');
        let Some((start, c)) = self.rest.next() else {
            return Err(self.error(WHAT, at));
        };
        let mut name = c.to_string();
        if c == '{' {
            let Some(end) = self.pattern[start..].find('}') else {
                self.skip_to(self.pattern.len());
                return Err(self.error(WHAT, at));
            };
            name = self.pattern[start + 1..start + end].to_owned();
            self.skip_to(start + end + 1);
        }
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest.to_owned();
        }
        let letter = if negated { 'P' } else { 'p' };
        let valid = |c: char| c.is_ascii_alphanumeric() || " _-".contains(c);
        if !name.is_empty() && name.chars().all(valid) {
            let known = ["gc", "sc"].iter().find_map(|property| {
                let class = format!("\\{letter}{{{property}={name}}}");
                regex_syntax::parse(&class).is_ok().then_some(class)
            });
            let bare = ["any", "ascii", "assigned"].contains(&name.to_ascii_lowercase().as_str());
            if let Some(class) = known {
                return Ok(class);
            } else if bare {
                return Ok(format!("\\{letter}{{{name}}}"));
            }
        }
        Err(self.error(WHAT, at))
    }

    /// After `\`: one character.
    fn character_escape(&mut self, at: usize) -> Result<char, String> {
        let Some((start, c)) = self.rest.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        let value = match c {
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            'x' => return self.hexadecimal(at),
            '0'..='7' => {
                let octal = |c: char| c.is_digit(8);
                let length = self.pattern[start..]
                    .chars()
                    .take(3)
                    .take_while(|c| octal(*c))
                    .count();
                if c != '0' && length < 2 {
                    return Err(self.error("invalid escape sequence", at));
                }
                self.skip_to(start + length);
                u32::from_str_radix(&self.pattern[start..start + length], 8).unwrap_or(0)
            }
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => c as u32,
            _ => return Err(self.error("invalid escape sequence", at)),
        };
        Ok(char::from_u32(value).unwrap_or_default())
    }

    fn hexadecimal(&mut self, at: usize) -> Result<char, String> {
        let start = self.at();
        let rest = &self.pattern[start..];
        let (digits, length) = match rest.strip_prefix('{') {
            Some(braced) => match braced.find('}') {
                Some(end) => (&braced[..end], end + 2),
                None => ("", rest.len()),
            },
            None => (rest.get(..2).unwrap_or(""), 2.min(rest.len())),
        };
        let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        self.skip_to(start + length);
        let value = u32::from_str_radix(digits, 16)
            .ok()
            .and_then(char::from_u32);
        value
            .filter(|_| valid)
            .ok_or_else(|| self.error("invalid escape sequence", at))
    }

    /// After `[`.
    fn class(&mut self, at: usize) -> Result<(), String> {
        self.out.push('[');
        if self.eat('^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let from = self.at();
            match self.peek() {
                None => {
                    return Err(format!("missing closing ]: `{}`", &self.pattern[at..]));
                }
                Some(']') if !first => {
                    self.rest.next();
                    self.out.push(']');
                    return Ok(());
                }
                Some('[') if self.pattern[from..].starts_with("[:") => {
                    if self.named_class(from)? {
                        first = false;
                        continue;
                    }
                }
                Some('\\') => {
                    let before = self.rest.clone();
                    self.rest.next();
                    if let Some(items) = self.class_escape(from)? {
                        self.out.push_str(&items);
                        first = false;
                        continue;
                    }
                    self.rest = before;
                }
                Some(_) => {}
            }
            first = false;
            self.range(from)?;
        }
    }

    /// `[:alpha:]` inside a class; `false` where there is no `:]` and the `[` is a literal.
    fn named_class(&mut self, from: usize) -> Result<bool, String> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let Some(end) = self.pattern[from + 2..].find(":]") else {
            return Ok(false);
        };
        let name = &self.pattern[from + 2..from + 2 + end];
        self.skip_to(from + 2 + end + 2);
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(self.error("invalid character class range", from));
        }
        self.out.push_str(&format!("[:{name}:]"));
        Ok(true)
    }

    /// One character, or a range of them, inside a class.
    fn range(&mut self, from: usize) -> Result<(), String> {
        let low = self.class_character()?;
        let place = self.at();
        let mut high = low;
        let rest = &self.pattern[place..];
        if rest.len() > 1 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.rest.next();
            high = self.class_character()?;
            if high < low {
                return Err(self.error("invalid character class range", from));
            }
        }
        self.literal_in_class(low);
        if high != low {
            self.out.push('-');
            self.literal_in_class(high);
        }
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, String> {
        let at = self.at();
        match self.rest.next() {
            Some((_, '\\')) => {
                if matches!(
                    self.peek(),
                    Some('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P')
                ) {
                    self.rest.next();
                    return Err(self.error("invalid escape sequence", at));
                }
                self.character_escape(at)
            }
            Some((_, c)) => Ok(c),
            None => Err("missing closing ]".to_owned()),
        }
    }

    fn literal_in_class(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.out.push_str(&format!("\\x{:02X}", c as u32));
        } else {
            self.out.push(c);
        }
    }
}
