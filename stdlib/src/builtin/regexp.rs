//! `regexp`: regular expressions in RE2's syntax; matching takes time linear in the text.

use super::arguments::*;
use ::regex::{Captures, Regex};
use holos_lang::value::Data;
use holos_lang::value::builtin::CallError;
use holos_lang::value::regex;
use std::cell::RefCell;
use std::sync::Arc;

package! {
    "regexp", "regexp", "Regular expressions in the RE2 syntax.";
    constants {}
    "Find" (pattern: STRING, s: STRING) -> STRING,
        "The leftmost match of the pattern in s; none is an error." => |_, a| {
            let found = compile(&a)?.find(a.str(1)?).ok_or_else(no_match)?;
            Ok(found.as_str())
        },
    "FindAll" (pattern: STRING, s: STRING, n: INT) -> LIST,
        "The first n matches of the pattern in s, all if n is negative; none is an error." => |_, a| {
            let regex = compile(&a)?;
            let all = matches(&regex, a.str(1)?, a.int(2)?);
            some(all.iter().map(|found| string(&found[0])).collect())
        },
    "FindAllNamedSubmatch" (pattern: STRING, s: STRING, n: INT) -> LIST,
        "As FindAll, each match a struct of its named groups." => |_, a| {
            let regex = compile(&a)?;
            let all = matches(&regex, a.str(1)?, a.int(2)?);
            some(all.iter().map(|found| named(&regex, found)).collect())
        },
    "FindAllSubmatch" (pattern: STRING, s: STRING, n: INT) -> LIST,
        "As FindAll, each match a list of the match and its groups." => |_, a| {
            let regex = compile(&a)?;
            let all = matches(&regex, a.str(1)?, a.int(2)?);
            some(all.iter().map(groups).collect())
        },
    "FindNamedSubmatch" (pattern: STRING, s: STRING) -> STRUCT,
        "The named groups of the leftmost match of the pattern in s; no match is an error." => |_, a| {
            let regex = compile(&a)?;
            let found = regex.captures(a.str(1)?).ok_or_else(no_match)?;
            Ok(named(&regex, &found))
        },
    "FindSubmatch" (pattern: STRING, s: STRING) -> LIST,
        "The leftmost match of the pattern in s and its groups; no match is an error." => |_, a| {
            let found = compile(&a)?.captures(a.str(1)?).map(|found| groups(&found));
            found.ok_or_else(no_match)
        },
    "ReplaceAll" (pattern: STRING, src: STRING, repl: STRING) -> STRING,
        "The text with matches replaced by repl, in which $1 or ${name} is a group." => |_, a| {
            let (regex, template) = (compile(&a)?, a.str(2)?);
            replace(&regex, a.str(1)?, |found, out| expand(template, found, out))
        },
    "ReplaceAllLiteral" (pattern: STRING, src: STRING, repl: STRING) -> STRING,
        "The text with matches replaced by repl as it stands." => |_, a| {
            let (regex, text) = (compile(&a)?, a.str(2)?);
            replace(&regex, a.str(1)?, |_, out| out.push_str(text))
        },
    "Valid" (pattern: STRING) -> BOOL,
        "Whether the pattern is a valid regular expression; if not, the error says why." => |_, a| {
            compile(&a).map(|_| true)
        },
    "Match" (pattern: STRING, s: STRING) -> BOOL,
        "Whether s contains a match of the pattern." => |_, a| {
            Ok(compile(&a)?.is_match(a.str(1)?))
        },
    "QuoteMeta" (s: STRING) -> STRING,
        "A pattern that matches s itself." => |_, a| {
            let mut quoted = String::new();
            for c in a.str(0)?.chars() {
                if "\\.+*?()|[]{}^$".contains(c) {
                    quoted.push('\\');
                }
                quoted.push(c);
            }
            Ok(quoted)
        },
}

/// Patterns compiled before, by this thread. The count bounds their memory.
const MAX_CACHED: usize = 64;

fn compile(a: &Arguments<'_>) -> Result<Regex> {
    thread_local! {
        static CACHE: RefCell<Vec<(Arc<str>, Regex)>> = const { RefCell::new(Vec::new()) };
    }
    let pattern = a.str(0)?;
    CACHE.with_borrow_mut(|cache| {
        if let Some((_, regex)) = cache.iter().find(|(known, _)| **known == *pattern) {
            return Ok(regex.clone());
        }
        let compiled = regex::compile(pattern)
            .map_err(|problem| error(format!("invalid regexp: {problem}")).argument(0))?;
        if cache.len() == MAX_CACHED {
            cache.remove(0);
        }
        cache.push((pattern.into(), compiled.clone()));
        Ok(compiled)
    })
}

fn no_match() -> CallError {
    error("no match")
}

fn some(found: Vec<Data>) -> Result<Data> {
    if found.is_empty() {
        Err(no_match())
    } else {
        Ok(Data::List(found.into()))
    }
}

fn matches<'t>(regex: &Regex, text: &'t str, count: i64) -> Vec<Captures<'t>> {
    regex
        .captures_iter(text)
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .collect()
}

fn groups(found: &Captures<'_>) -> Data {
    let text = |group: Option<::regex::Match<'_>>| string(group.map_or("", |m| m.as_str()));
    Data::List(found.iter().map(text).collect())
}

fn named(regex: &Regex, found: &Captures<'_>) -> Data {
    let field = |name: &str| {
        (
            name.into(),
            string(found.name(name).map_or("", |group| group.as_str())),
        )
    };
    let mut fields: Vec<_> = regex.capture_names().flatten().map(field).collect();
    fields.sort_by(|a: &(Arc<str>, Data), b| a.0.cmp(&b.0));
    Data::Struct(fields.into())
}

fn replace(
    regex: &Regex,
    text: &str,
    mut put: impl FnMut(&Captures<'_>, &mut String),
) -> Result<String> {
    let mut out = String::new();
    let mut end = 0;
    for found in regex.captures_iter(text) {
        let whole = found.get_match();
        out.push_str(&text[end..whole.start()]);
        put(&found, &mut out);
        limited(out.len())?;
        end = whole.end();
    }
    out.push_str(&text[end..]);
    Ok(out)
}

/// Writes a replacement: `$name` takes the longest name of letters, digits and `_`; an unknown group
/// is empty; `$$` is a dollar sign, and so is a `$` that no name follows.
fn expand(template: &str, found: &Captures<'_>, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let word = |text: &str| {
            text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(text.len())
        };
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => {
                let (name, after) = inner.split_at(word(inner));
                match after.strip_prefix('}') {
                    Some(after) => (name, after),
                    None => ("", rest),
                }
            }
            None => rest.split_at(word(rest)),
        };
        if name.is_empty() {
            out.push('$');
            continue;
        }
        rest = after;
        let group = match name.parse::<usize>() {
            Ok(index) => found.get(index),
            Err(_) => found.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out.push_str(rest);
}
