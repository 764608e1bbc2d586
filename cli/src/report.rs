//! Diagnostics for people and machines: drawn by ariadne, one a line, JSON, or SARIF.

use crate::args::{ColorWhen, DiagnosticFormat, Global};
use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Severity, SourceMap, catalogue};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::ops::Range;

/// Lines longer than this are not drawn whole.
const LONGEST_LINE: usize = 240;
/// The code of `error(…)`.
const USER: Code = Code(208);
/// Labels that cover more lines than this are drawn at their first.
const MOST_LINES: usize = 12;

/// Collects the diagnostics of a run and writes them once, at its end.
pub struct Reporter {
    format: DiagnosticFormat,
    color: bool,
    found: Vec<Value>,
    errors: usize,
}

impl Reporter {
    /// A reporter as the global flags ask.
    pub fn new(global: &Global) -> Reporter {
        let color = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !refused
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
                    && std::io::stderr().is_terminal()
            }
        };
        Reporter {
            format: global.diagnostics,
            color,
            found: Vec::new(),
            errors: 0,
        }
    }

    /// How many errors were reported.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Reports diagnostics in the order of the files, each once.
    pub fn report(&mut self, sources: &SourceMap, diagnostics: &[Diagnostic]) {
        let mut read = Cache::new(sources);
        for diagnostic in &sorted(diagnostics) {
            self.errors += usize::from(diagnostic.severity == Severity::Error);
            let text = match self.format {
                DiagnosticFormat::Text => draw(&mut read, diagnostic, self.color),
                DiagnosticFormat::Short => short(sources, diagnostic),
                DiagnosticFormat::Json | DiagnosticFormat::Sarif => {
                    self.found.push(json(sources, diagnostic, self.format));
                    continue;
                }
            };
            print(&text);
        }
    }

    /// Writes what is written at the end: the JSON formats.
    pub fn finish(self) {
        match self.format {
            DiagnosticFormat::Json => print(&format!("{:#}\n", Value::Array(self.found))),
            DiagnosticFormat::Sarif => print(&format!("{:#}\n", sarif(self.found))),
            _ => {}
        }
    }
}

/// Writes to standard error; a closed one leaves nobody to tell.
pub fn print(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// By place, those without one first; the order is otherwise kept. One mistake is said once, however many values it
/// reaches: the others are counted.
pub fn sorted(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut out: Vec<(Diagnostic, BTreeSet<&str>)> = Vec::new();
    let mut index = HashMap::new();
    for diagnostic in diagnostics {
        let same = Diagnostic {
            path: String::new(),
            ..diagnostic.clone()
        };
        let at = *index.entry(same).or_insert_with(|| {
            out.push((diagnostic.clone(), BTreeSet::new()));
            out.len() - 1
        });
        out[at].1.insert(&diagnostic.path);
    }
    // What is wrong as syntax, or as the name of something, is not said again of the same place as another.
    let mut syntax = HashSet::new();
    let mut named = HashMap::new();
    for (position, (d, _)) in out.iter().enumerate() {
        match d.code.0 {
            ..100 => _ = syntax.insert(start(d)),
            100..200 => _ = named.entry(start(d)).or_insert(position),
            _ => {}
        }
    }
    let mut position = 0;
    out.retain(|(d, _)| {
        position += 1;
        let own = start(d);
        let earlier = named.get(&own).is_some_and(|&first| first + 1 < position);
        !(101..200).contains(&d.code.0) || own.is_none() || !(earlier || syntax.contains(&own))
    });
    out.sort_by_key(|(d, _)| d.labels.first().map(|l| (l.place.file, l.place.span.start)));
    let counted = out
        .into_iter()
        .map(|(diagnostic, paths)| match paths.len() {
            0 | 1 => diagnostic,
            2 => diagnostic.note("and 1 more value for the same reason"),
            n => diagnostic.note(format!("and {} more values for the same reason", n - 1)),
        });
    counted.collect()
}

/// Where a diagnostic begins.
fn start(diagnostic: &Diagnostic) -> Option<(FileId, u32)> {
    let label = diagnostic.labels.first()?;
    Some((label.place.file, label.place.span.start))
}

fn severity(diagnostic: &Diagnostic) -> (&'static str, Color) {
    match diagnostic.severity {
        Severity::Error => ("error", Color::Red),
        Severity::Warning => ("warning", Color::Yellow),
        Severity::Note => ("note", Color::Blue),
    }
}

/// `file:line:column: error[E0201]: message (path)`.
fn short(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    if let Some(label) = diagnostic.labels.first() {
        let (line, column) = sources.line_column(label.place.file, label.place.span.start);
        let _ = write!(
            out,
            "{}:{line}:{column}: ",
            sources.get(label.place.file).name
        );
    }
    let _ = write!(
        out,
        "{}[{}]: {}",
        severity(diagnostic).0,
        diagnostic.code,
        clean(&diagnostic.message)
    );
    if !diagnostic.path.is_empty() {
        let _ = write!(out, " ({})", diagnostic.path);
    }
    out.push('\n');
    out
}

/// The message and the source with its labels, notes and help below, framed.
fn draw(read: &mut Cache, diagnostic: &Diagnostic, color: bool) -> String {
    let sources = read.sources;
    let (word, hue) = severity(diagnostic);
    let paint = |text: &str, hue: Color| {
        use ariadne::Fmt;
        if color {
            text.fg(hue).to_string()
        } else {
            text.to_string()
        }
    };
    // The words of a law are the user's, and say of what they are.
    let path = match diagnostic.code {
        USER => "",
        _ => &diagnostic.path,
    };
    let path = match path {
        "" => String::new(),
        path => format!("{}: ", clean(path)),
    };
    let mut out = format!(
        "{}: {path}{}\n",
        paint(&format!("{word}[{}]", diagnostic.code), hue),
        clean(&diagnostic.message)
    );
    let remarks: Vec<String> = (diagnostic.notes.iter().map(|note| format!("note: {note}")))
        .chain(diagnostic.help.iter().map(|help| format!("help: {help}")))
        .map(|remark| clean(&remark))
        .collect();
    let drawn = match diagnostic.labels[..] {
        [] => None,
        _ if diagnostic
            .labels
            .iter()
            .any(|label| too_long(sources, label.place)) =>
        {
            Some(places(sources, diagnostic))
        }
        _ => snippet(read, diagnostic, color, hue),
    };
    let Some(drawn) = drawn else {
        for remark in remarks {
            let _ = writeln!(out, "  {}", remark.replace('\n', "\n  "));
        }
        out.push('\n');
        return out;
    };
    // Ariadne closes the frame on the last line; remarks go inside.
    let (body, close) = drawn
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", drawn.trim_end()));
    out.push_str(body);
    out.push('\n');
    let margin = strip_colors(close)
        .chars()
        .take_while(|&c| c == '─')
        .count();
    for remark in remarks {
        for line in remark.lines() {
            let _ = writeln!(
                out,
                "{}{} {line}",
                " ".repeat(margin),
                paint("│", Color::Fixed(246))
            );
        }
    }
    out.push_str(close);
    out.push_str("\n\n");
    out
}

/// The source lines with their labels, as ariadne draws them, without its own headline.
fn snippet(read: &mut Cache, diagnostic: &Diagnostic, color: bool, hue: Color) -> Option<String> {
    let sources = read.sources;
    let main = diagnostic.labels.first()?.place;
    let config = Config::default()
        .with_index_type(IndexType::Byte)
        .with_char_set(CharSet::Unicode)
        .with_color(color)
        .with_tab_width(2);
    let mut report =
        Report::build(ReportKind::Error, (main.file, range(sources, main))).with_config(config);
    // By file, that of the first label first, and in the order of the text.
    let mut labels: Vec<_> = diagnostic.labels.iter().enumerate().collect();
    labels.sort_by_key(|(_, label)| {
        let place = label.place;
        (place.file != main.file, place.file, place.span.start)
    });
    for (order, (i, label)) in labels.into_iter().enumerate() {
        let hue = if i == 0 { hue } else { Color::Cyan };
        let mut drawn = Label::new((label.place.file, range(sources, label.place)))
            .with_color(hue)
            .with_order(order as i32);
        // Without a message ariadne marks nothing.
        let message = if label.message.is_empty() {
            "here"
        } else {
            &label.message
        };
        // The headline need not be said again.
        let message = match *message == diagnostic.message {
            true => "here",
            false => message,
        };
        drawn = drawn.with_message(clean(message));
        report = report.with_label(drawn);
    }
    let mut bytes = Vec::new();
    report.finish().write(read, &mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // The first line is ariadne's own headline, and its lines end with blanks.
    let lines = text.split_once('\n')?.1.lines();
    Some(lines.map(|line| format!("{}\n", line.trim_end())).collect())
}

/// The places as `file:line:column`, for lines that are too long to draw.
fn places(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    for label in &diagnostic.labels {
        let (line, column) = sources.line_column(label.place.file, label.place.span.start);
        let open = if out.is_empty() {
            "  ╭─"
        } else {
            "  ├─"
        };
        let name = &sources.get(label.place.file).name;
        let _ = writeln!(out, "{open}[ {name}:{line}:{column} ]");
        if !label.message.is_empty() {
            let _ = writeln!(out, "  │ {}", clean(&label.message));
        }
    }
    out.push_str("──╯\n");
    out
}

/// Whether a line that a label touches is too long to be drawn.
fn too_long(sources: &SourceMap, place: Place) -> bool {
    let text = sources.get(place.file).text.as_bytes();
    let range = range(sources, place);
    let start = text[..range.start]
        .iter()
        .rev()
        .take(LONGEST_LINE)
        .take_while(|&&b| b != b'\n')
        .count();
    let end = text[range.end..]
        .iter()
        .take(LONGEST_LINE)
        .take_while(|&&b| b != b'\n')
        .count();
    let longest_inside = text[range]
        .split(|&b| b == b'\n')
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0);
    start + end + longest_inside > LONGEST_LINE
}

/// The bytes a label covers: at least one character where there is one, within the text, on
/// character boundaries, and of not too many lines.
fn range(sources: &SourceMap, place: Place) -> Range<usize> {
    let text = &sources.get(place.file).text;
    let start = text.floor_char_boundary((place.span.start as usize).min(text.len()));
    let mut end = text.ceil_char_boundary((place.span.end as usize).clamp(start, text.len()));
    let inside = &text[start..end];
    if inside.bytes().filter(|&b| b == b'\n').count() > MOST_LINES {
        end = start + inside.find('\n').unwrap_or(inside.len());
    }
    start..end
}

/// Text without control characters: a terminal must not obey a file's contents.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

fn strip_colors(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(|c| *c == 'm');
        } else {
            out.push(c);
        }
    }
    out
}

/// The sources as ariadne asks for them; a file is split into lines when it is first drawn.
struct Cache<'s> {
    sources: &'s SourceMap,
    read: BTreeMap<FileId, ariadne::Source<String>>,
}

impl<'s> Cache<'s> {
    fn new(sources: &'s SourceMap) -> Cache<'s> {
        Cache {
            sources,
            read: Default::default(),
        }
    }
}

impl ariadne::Cache<FileId> for &mut Cache<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &FileId) -> Result<&ariadne::Source<String>, impl std::fmt::Debug> {
        let sources = self.sources;
        Ok::<_, std::fmt::Error>(self.read.entry(*id).or_insert_with(|| {
            // One byte for one byte: places stay right, and the terminal is safe.
            let text = sources.get(*id).text.chars();
            ariadne::Source::from(
                text.map(|c| {
                    if c.is_ascii_control() && !matches!(c, '\n' | '\t') {
                        ' '
                    } else {
                        c
                    }
                })
                .collect::<String>(),
            )
        }))
    }

    fn display<'a>(&self, id: &'a FileId) -> Option<impl std::fmt::Display + 'a> {
        Some(self.sources.get(*id).name.to_string())
    }
}

/// One diagnostic as JSON. Lines and columns count from one, columns in bytes (in characters for SARIF, which knows
/// no bytes); offsets in bytes from zero.
fn json(sources: &SourceMap, diagnostic: &Diagnostic, format: DiagnosticFormat) -> Value {
    let at = |file: FileId, offset: u32| {
        let (line, column) = sources.line_column(file, offset);
        if format != DiagnosticFormat::Sarif {
            return (line, column);
        }
        let text = &sources.get(file).text;
        let end = text.floor_char_boundary((offset as usize).min(text.len()));
        let start = text.floor_char_boundary(end.saturating_sub(column as usize - 1));
        (line, text[start..end].chars().count() as u32 + 1)
    };
    let place = |place: Place| {
        let (line, column) = at(place.file, place.span.start);
        let (end_line, end_column) = at(place.file, place.span.end);
        json!({
            "file": &*sources.get(place.file).name,
            "line": line, "column": column, "endLine": end_line, "endColumn": end_column,
            "start": place.span.start, "end": place.span.end,
        })
    };
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| json!({"message": label.message, "place": place(label.place)}))
        .collect();
    let fix = diagnostic.fix.as_ref().map(|fix| {
        let edits = fix
            .edits
            .iter()
            .map(|(at, text)| json!({"place": place(*at), "text": text}));
        json!({"title": fix.title, "edits": edits.collect::<Vec<_>>()})
    });
    json!({
        "code": diagnostic.code.to_string(),
        "severity": severity(diagnostic).0,
        "message": diagnostic.message,
        "path": diagnostic.path,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "fix": fix,
    })
}

/// A SARIF 2.1.0 log of diagnostics.
pub fn sarif_log(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Value {
    let found = sorted(diagnostics);
    let found = found
        .iter()
        .map(|d| json(sources, d, DiagnosticFormat::Sarif));
    sarif(found.collect())
}

/// A SARIF 2.1.0 log of diagnostics that [`json`] made.
fn sarif(found: Vec<Value>) -> Value {
    let location = |label: &Value| {
        let place = &label["place"];
        json!({
            "physicalLocation": {
                "artifactLocation": {"uri": place["file"]},
                "region": {
                    "startLine": place["line"], "startColumn": place["column"],
                    "endLine": place["endLine"], "endColumn": place["endColumn"],
                },
            },
            "message": {"text": label["message"]},
        })
    };
    let mut codes: Vec<&str> = found.iter().filter_map(|d| d["code"].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            let title = catalogue::find(code).map_or("", |entry| entry.title);
            json!({"id": code, "shortDescription": {"text": title}})
        })
        .collect();
    let results: Vec<Value> = found
        .iter()
        .map(|d| {
            let mut locations: Vec<Value> = d["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .map(location)
                .collect();
            let related = if locations.is_empty() {
                Vec::new()
            } else {
                locations.split_off(1)
            };
            if let (Some(first), Some(path)) = (locations.first_mut(), d["path"].as_str())
                && !path.is_empty()
            {
                first["logicalLocations"] = json!([{"fullyQualifiedName": path}]);
            }
            json!({
                "ruleId": d["code"], "level": d["severity"],
                "message": {"text": d["message"]},
                "locations": locations, "relatedLocations": related,
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "holosc", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}
