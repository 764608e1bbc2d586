//! `text/template`: Go's templates over plain data.
//!
//! All of the language is there: actions, pipelines, variables, `if`, `range`, `with`, `define`, `block`,
//! `template`, `break`, `continue`, trim marks, comments, and the predefined functions but `call`. Limits:
//! a million steps, templates 100 deep, pipelines nested 100 deep, and the length of any text a
//! function makes.

mod execute;
mod format;
mod parse;

use super::arguments::*;
use super::{html, net};

package! {
    "text/template", "template", "Go's text templates.";
    constants {}
    "Execute" (templ: STRING, data: ANY) -> STRING,
        "The text of a template with the data put in." => |_, a| {
            let set = parse::parse(a.str(0)?).map_err(|e| error(format!("template: {e}")).argument(0))?;
            execute::execute(&set, a.data(1)?).map_err(|e| error(format!("template: {e}")).argument(0))
        },
    "HTMLEscape" (s: STRING) -> STRING,
        "The text with <, >, &, ' and \" as entities." => |_, a| Ok(escape_html(a.str(0)?)),
    "JSEscape" (s: STRING) -> STRING,
        "The text as it stands in a string of JavaScript." => |_, a| Ok(escape_js(a.str(0)?)),
}

fn escape_html(text: &str) -> String {
    html::escape(&text.replace('\0', "\u{fffd}"))
}

fn escape_js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04X}", c as u32)),
            _ if c.is_ascii() || super::strconv::is_print(c) => out.push(c),
            _ => out.push_str(&format!("\\u{:04X}", c as u32)),
        }
    }
    out
}

fn escape_query(text: &str) -> String {
    net::escape(text, "-_.~", true)
}
