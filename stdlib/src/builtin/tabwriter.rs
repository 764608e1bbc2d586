//! `text/tabwriter`: columns aligned by the tabs in the text.

use super::arguments::*;
use holos_lang::value::Data;

package! {
    "text/tabwriter", "tabwriter", "Text in aligned columns.";
    constants {}
    "Write" (data: ANY) -> STRING,
        "The text, or the lines of a list, with the cells that tabs end as wide as the widest of their column." => |_, a| {
            let text = match a.data(0)? {
                Data::List(lines) => {
                    let mut text = String::new();
                    for line in lines.iter() {
                        match line {
                            Data::String(line) => text.push_str(line),
                            Data::Bytes(line) => text.push_str(&String::from_utf8_lossy(line)),
                            other => {
                                let message = format!("a line is a {}, not a string", kind_of(other));
                                return Err(error(message).argument(0));
                            }
                        }
                        text.push('\n');
                    }
                    text
                }
                _ => String::from_utf8_lossy(a.bytes(0)?).into_owned(),
            };
            let widest = text.split(['\t', '\n', '\u{b}', '\u{c}']).map(str::len).max().unwrap_or(0);
            let cells = text.chars().filter(|c| "\t\u{b}".contains(*c)).count();
            limited(text.len().saturating_add(widest.saturating_mul(cells)))?;
            // A form feed ends a block: columns on its two sides are apart.
            Ok(text.split_inclusive('\u{c}').map(aligned).collect::<String>())
        },
}

/// The text with its cells padded: a cell belongs to a column of neighbouring lines that have it too.
fn aligned(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text
        .split(['\n', '\u{c}'])
        .map(|line| line.split(['\t', '\u{b}']).collect())
        .collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|line| vec![0; line.len() - 1]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut start = 0;
        while start < lines.len() {
            let end = (start..lines.len())
                .find(|line| widths[*line].len() <= column)
                .unwrap_or(lines.len());
            let width = |line: &Vec<&str>| line[column].chars().count();
            let widest = lines[start..end].iter().map(width).max().unwrap_or(0);
            // A column of empty cells alone has no width, else a blank separates it from the next.
            let padded = widest + 1;
            for line in &mut widths[start..end] {
                line[column] = padded;
            }
            start = end + 1;
        }
    }
    let mut out = String::new();
    for (index, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
        for (cell, text) in cells.iter().enumerate() {
            out.push_str(text);
            if let Some(width) = widths.get(cell) {
                out.extend(std::iter::repeat_n(' ', width - text.chars().count()));
            }
        }
        if index + 1 < lines.len() {
            out.push('\n');
        }
    }
    out
}
