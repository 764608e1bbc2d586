//! `html`: text as it stands in HTML.

use super::arguments::*;

package! {
    "html", "html", "Escapes of HTML.";
    constants {}
    "Escape" (s: STRING) -> STRING,
        "The text with <, >, &, ' and \" as entities." => |_, a| Ok(escape(a.str(0)?)),
    "Unescape" (s: STRING) -> STRING,
        "The text with all entities of HTML as the characters they stand for." => |_, a| {
            Ok(htmlize::unescape(a.str(0)?).into_owned())
        },
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            _ => out.push(c),
        }
    }
    out
}
