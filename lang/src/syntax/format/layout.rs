//! Lines, indentation and columns: where formatted text is put together.
//!
//! Whoever writes to a [`Layout`] first *wishes* for space, as often as it likes, and then puts down
//! a piece of text. What comes of the wishes is decided when the text comes: line breaks go before
//! blanks, and where the text has a place in a source, the source's line breaks count.
//!
//! A [`wish::COLUMN`] ends a cell. As in gofmt, cells that stand above each other in lines without a
//! [`wish::BREAK`] between them are as wide as the widest.

/// What can be wished for between two pieces of text; wishes add up.
pub(crate) mod wish {
    /// A blank.
    pub(crate) const BLANK: u16 = 1;
    /// The end of a cell.
    pub(crate) const COLUMN: u16 = 1 << 1;
    /// Nothing, rather than a blank.
    pub(crate) const GLUE: u16 = 1 << 2;
    /// The source's line breaks do not count.
    pub(crate) const FIXED: u16 = 1 << 3;
    /// A comma.
    pub(crate) const COMMA: u16 = 1 << 4;
    /// With [`COMMA`]: only if a line break follows.
    pub(crate) const TRAILING: u16 = 1 << 5;
    /// A comma and a blank, unless a line break follows.
    pub(crate) const SEPARATE: u16 = 1 << 6;
    /// A line break.
    pub(crate) const LINE: u16 = 1 << 7;
    /// A line break that columns do not cross.
    pub(crate) const BREAK: u16 = 1 << 8;
    /// An empty line.
    pub(crate) const SECTION: u16 = 1 << 9;
    /// The next line, if there is one before the matching [`DEDENT`], is indented by one more.
    pub(crate) const INDENT: u16 = 1 << 10;
    /// Ends an [`INDENT`].
    pub(crate) const DEDENT: u16 = 1 << 11;
}
use wish::*;

/// How far a piece of source text stands from what is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Gap {
    None,
    Blank,
    Line,
    Section,
}

#[derive(Default)]
struct Line {
    indent: usize,
    /// All but the last are ended by a [`COLUMN`].
    cells: Vec<String>,
    /// Columns do not go on below.
    last: bool,
}

/// Text under construction.
pub(crate) struct Layout {
    lines: Vec<Line>,
    indent: usize,
    /// For each open [`INDENT`], whether a line was indented for it.
    stack: Vec<bool>,
    wishes: u16,
    /// A line break has to come before anything else.
    after_comment: bool,
    /// Nothing was written yet.
    empty: bool,
    /// An opening brace was the last text before an element that stands on the same line.
    pub(crate) brace_on_line: bool,
}

impl Layout {
    pub(crate) fn new() -> Layout {
        Layout {
            lines: vec![Line {
                cells: vec![String::new()],
                ..Line::default()
            }],
            indent: 0,
            stack: Vec::new(),
            wishes: FIXED,
            after_comment: false,
            empty: true,
            brace_on_line: false,
        }
    }

    /// The number of the line being written.
    pub(crate) fn line(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn indent(&self) -> usize {
        self.indent
    }

    pub(crate) fn wish(&mut self, wishes: u16) {
        self.wishes |= wishes;
    }

    /// Ends an [`INDENT`] at once.
    pub(crate) fn dedent(&mut self) {
        if self.stack.pop() == Some(true) {
            self.indent -= 1;
        }
    }

    /// Writes `text`, which stands so far from what is before it in the source, if in any.
    pub(crate) fn put(&mut self, text: &str, gap: Option<Gap>) {
        let mut wishes = self.wishes;
        if let Some(gap) = gap
            && wishes & FIXED == 0
        {
            wishes = at_gap(wishes, gap);
            if self.after_comment {
                wishes |= LINE;
            }
        }
        self.write_space(wishes);
        self.write(text);
        self.after_comment = false;
    }

    /// Writes a comment. `doc` says that it stands directly above what it describes.
    pub(crate) fn comment(&mut self, text: &str, gap: Gap, doc: bool) {
        let mut wishes = self.wishes;
        if gap <= Gap::Blank && !self.empty && !self.after_comment {
            wishes |= BLANK;
            wishes &= !(LINE | SECTION | BREAK | SEPARATE | TRAILING);
        }
        if !self.empty {
            wishes |= COLUMN;
        }
        if wishes & FIXED == 0 {
            wishes = at_gap(wishes, gap);
            if self.after_comment {
                wishes |= LINE;
            }
        }
        self.write_space(wishes);
        self.write(text);
        self.after_comment = true;
        self.wishes = LINE | if doc { FIXED } else { 0 };
    }

    fn write(&mut self, text: &str) {
        self.empty &= text.is_empty();
        if let Some(cell) = self.lines.last_mut().and_then(|line| line.cells.last_mut()) {
            cell.push_str(text);
        }
    }

    fn write_space(&mut self, wishes: u16) {
        self.wishes = 0;
        let line_break = !self.empty && wishes & (LINE | BREAK | SECTION) != 0;
        if wishes & COMMA != 0 && (line_break || wishes & TRAILING == 0) {
            self.write(",");
        }
        if wishes & INDENT != 0 {
            self.stack.push(false);
        }
        if wishes & DEDENT != 0 {
            self.dedent();
        }
        if line_break {
            if wishes & DEDENT == 0
                && let Some(top @ false) = self.stack.last_mut()
            {
                *top = true;
                self.indent += 1;
            }
            self.brace_on_line = false;
            if let Some(line) = self.lines.last_mut() {
                line.last = wishes & (SECTION | BREAK) != 0;
            }
            if wishes & SECTION != 0 {
                self.lines.push(Line {
                    cells: vec![String::new()],
                    last: true,
                    indent: 0,
                });
            }
            let cells = vec![String::new()];
            self.lines.push(Line {
                indent: self.indent,
                cells,
                last: false,
            });
        } else if wishes & SEPARATE != 0 {
            self.write(", ");
        } else if wishes & GLUE != 0 {
        } else if wishes & COLUMN != 0 {
            if let Some(line) = self.lines.last_mut() {
                line.cells.push(String::new());
            }
        } else if wishes & BLANK != 0 {
            self.write(" ");
        }
    }

    /// The finished text, with a line break at its end.
    pub(crate) fn finish(self) -> String {
        let mut out = String::new();
        let mut start = 0;
        for end in 0..self.lines.len() {
            if self.lines[end].last || end + 1 == self.lines.len() {
                write_block(&self.lines[start..=end], &mut out);
                start = end + 1;
            }
        }
        while out.ends_with("\n\n") {
            out.pop();
        }
        out
    }
}

/// What is left of the wishes where the source has that gap.
fn at_gap(wishes: u16, gap: Gap) -> u16 {
    match gap {
        Gap::None => wishes & !(LINE | BREAK | SECTION),
        Gap::Blank => wishes & !(LINE | BREAK | SECTION) | BLANK,
        Gap::Line => wishes | LINE,
        Gap::Section => wishes | SECTION,
    }
}

/// Writes lines whose cells are aligned with each other.
fn write_block(lines: &[Line], out: &mut String) {
    // The width of each ended cell. Indentation counts as a column of its own, so that lines that
    // are indented more do not part those around them.
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|l| vec![0; l.cells.len() - 1]).collect();
    let columns = lines
        .iter()
        .map(|l| l.indent + l.cells.len() - 1)
        .max()
        .unwrap_or(0);
    let ended = |line: &Line, column: usize| line.indent + line.cells.len() - 1 > column;
    // A column is as wide as its widest cell, over a run of lines that have it, and in which the
    // column before it runs on as well.
    let mut runs: Vec<(usize, usize)> = vec![(0, lines.len())];
    for column in 0..columns {
        let mut inner = Vec::new();
        for &(from, to) in &runs {
            let mut at = from;
            while at < to {
                if !ended(&lines[at], column) {
                    at += 1;
                    continue;
                }
                let end = (at..to).find(|&i| !ended(&lines[i], column)).unwrap_or(to);
                inner.push((at, end));
                let width = |line: &Line| {
                    let cell = column
                        .checked_sub(line.indent)
                        .map(|c| line.cells[c].as_str());
                    cell.map_or(0, |cell| cell.chars().count())
                };
                let widest = lines[at..end].iter().map(width).max().unwrap_or(0);
                for index in at..end {
                    if let Some(cell) = column.checked_sub(lines[index].indent) {
                        widths[index][cell] = if widest == 0 { 0 } else { widest + 1 };
                    }
                }
                at = end;
            }
        }
        runs = inner;
    }
    for (line, widths) in lines.iter().zip(&widths) {
        if line.cells.iter().any(|cell| !cell.is_empty()) {
            out.extend(std::iter::repeat_n('\t', line.indent));
        }
        for (index, cell) in line.cells.iter().enumerate() {
            out.push_str(cell);
            if let Some(&width) = widths.get(index) {
                let length = cell.chars().count();
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(length)));
            }
        }
        out.push('\n');
    }
}
