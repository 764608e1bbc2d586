//! Diagnostics as data.
//!
//! Every finding, of whichever stage, is a [`Diagnostic`]: a code, a severity, a message, the places
//! that took part, notes, and where a machine can mend it a [`Fix`]. Drawing is the caller's.

pub mod catalogue;

use std::fmt;
use std::sync::Arc;

/// A source file in a [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// A half-open range of byte offsets in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The range from `start` up to, not including, `end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A [`Span`] and the file it lies in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    pub file: FileId,
    pub span: Span,
}

impl Place {
    /// Whether both have something in common.
    pub fn overlaps(self, other: Place) -> bool {
        self.file == other.file
            && self.span.start < other.span.end
            && other.span.start < self.span.end
    }
}

/// The text of one file, and the name people see for it.
#[derive(Clone, Debug)]
pub struct Source {
    /// What a diagnostic prints: a path relative to where the user stands, or `-`.
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// Whether the file belongs to the user, not to the standard library or a dependency;
    /// diagnostics prefer the user's places.
    pub user: bool,
}

/// All files of one run; [`FileId`] indexes it.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a file and gives its id.
    pub fn add(&mut self, source: Source) -> FileId {
        self.sources.push(source);
        FileId(self.sources.len() as u32 - 1)
    }

    /// The file with that id.
    pub fn get(&self, file: FileId) -> &Source {
        &self.sources[file.0 as usize]
    }

    /// All files with their ids, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.sources
            .iter()
            .enumerate()
            .map(|(i, s)| (FileId(i as u32), s))
    }

    /// One-based line and column of a byte offset; the column counts bytes, as CUE's does.
    pub fn line_column(&self, file: FileId, offset: u32) -> (u32, u32) {
        let text = self.get(file).text.as_bytes();
        let before = &text[..(offset as usize).min(text.len())];
        let line = before.iter().filter(|&&b| b == b'\n').count() as u32 + 1;
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count() as u32 + 1;
        (line, column)
    }
}

/// How much a diagnostic weighs: only errors make a run fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// A stable identity of a kind of diagnostic, printed as `E0123`.
///
/// The numbers are grouped: E00xx syntax, E01xx names and imports, E02xx types and values,
/// E03xx structure and cycles, E04xx platform, E05xx data and schemas, E09xx the environment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

/// A place that took part, and what it contributed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Label {
    pub place: Place,
    pub message: String,
}

/// Edits that mend the problem.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fix {
    /// What it does, in the imperative: "rename to `replicas`".
    pub title: String,
    /// Replacements; they do not overlap.
    pub edits: Vec<(Place, String)>,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The path of the value concerned (`a.b.0`), empty where there is none.
    pub path: String,
    /// The first label is where a person would look first.
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// What to do, printed as `help:`.
    pub help: Vec<String>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error with no place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            path: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            fix: None,
        }
    }

    /// A warning with no place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message)
        }
    }

    /// Adds a place.
    pub fn label(mut self, place: Place, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            place,
            message: message.into(),
        });
        self
    }

    /// Adds a remark.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Adds advice.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Says which value it is about.
    pub fn at_path(mut self, path: impl Into<String>) -> Diagnostic {
        self.path = path.into();
        self
    }

    /// Attaches a fix.
    pub fn with_fix(mut self, fix: Fix) -> Diagnostic {
        self.fix = Some(fix);
        self
    }
}

/// The candidate a misspelt name most likely meant: by edit distance (insert, delete, replace,
/// swap of neighbours), at most a third of the name's length, case ignored; the first of equals. Of a name of one
/// letter nothing is left to know another by.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = name.chars().count();
    let limit = match length {
        0 | 1 => 0,
        _ => (length / 3).max(1),
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name || candidate.chars().count().abs_diff(length) > limit {
            continue;
        }
        let distance = distance(&name.to_lowercase(), &candidate.to_lowercase());
        if distance <= limit && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Damerau–Levenshtein distance (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut value = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                value = value.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = value;
        }
    }
    rows[a.len()][b.len()]
}
