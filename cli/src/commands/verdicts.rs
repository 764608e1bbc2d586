//! What `holosc vet` says of each manifest, as JSON, JUnit, SARIF or TAP.

use crate::args::VetFormat;
use crate::report;
use holos_lang::diagnostic::{Diagnostic, FileId, SourceMap};
use holos_schemas::validate::Checked;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How an object fared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Valid,
    Invalid,
    /// It could not be checked: its file cannot be read, or its kind is not known.
    Error,
    Skipped,
}

/// One object, and what was found.
pub(super) struct Verdict {
    pub(super) file: FileId,
    pub(super) status: Status,
    pub(super) object: Checked,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Verdict {
    /// What stands for the objects behind a syntax error.
    pub(super) fn unreadable(file: FileId, error: Diagnostic) -> Verdict {
        Verdict {
            file,
            status: Status::Error,
            object: Checked::default(),
            diagnostics: vec![error],
        }
    }

    /// `Deployment shop/web`
    fn name(&self) -> String {
        let object = &self.object;
        let namespace = match object.namespace.as_str() {
            "" => String::new(),
            namespace => format!("{namespace}/"),
        };
        let name = format!("{} {namespace}{}", object.kind, object.name);
        match name.trim() {
            "" => "(unreadable)".to_owned(),
            name => name.to_owned(),
        }
    }
}

/// The verdicts in a format for machines.
pub(super) fn write(format: VetFormat, sources: &SourceMap, verdicts: &[Verdict]) -> String {
    match format {
        VetFormat::Text => summary(verdicts),
        VetFormat::Json => format!("{:#}\n", json(sources, verdicts)),
        VetFormat::Junit => junit(sources, verdicts),
        VetFormat::Tap => tap(sources, verdicts),
        VetFormat::Sarif => {
            let found: Vec<Diagnostic> = (verdicts.iter())
                .flat_map(|v| v.diagnostics.clone())
                .collect();
            format!("{:#}\n", report::sarif_log(sources, &found))
        }
    }
}

fn count(verdicts: &[Verdict], status: Status) -> usize {
    verdicts.iter().filter(|v| v.status == status).count()
}

/// One line of counts.
pub(super) fn summary(verdicts: &[Verdict]) -> String {
    let mut files: Vec<FileId> = verdicts.iter().map(|v| v.file).collect();
    files.dedup();
    format!(
        "Summary: {} resources found in {} files - Valid: {}, Invalid: {}, Errors: {}, Skipped: {}\n",
        verdicts.len(),
        files.len(),
        count(verdicts, Status::Valid),
        count(verdicts, Status::Invalid),
        count(verdicts, Status::Error),
        count(verdicts, Status::Skipped),
    )
}

/// File, line and column of a finding.
fn place(sources: &SourceMap, file: FileId, diagnostic: &Diagnostic) -> (String, u32, u32) {
    let place = diagnostic.labels.first().map(|label| label.place);
    let (line, column) = place.map_or((1, 1), |p| sources.line_column(p.file, p.span.start));
    (sources.get(file).name.to_string(), line, column)
}

fn json(sources: &SourceMap, verdicts: &[Verdict]) -> Value {
    let resources: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            let findings = verdict.diagnostics.iter().map(|d| {
                let (_, line, column) = place(sources, verdict.file, d);
                let (code, msg, path) = (d.code.to_string(), &d.message, &d.path);
                json!({"path": path, "msg": msg, "code": code, "line": line, "column": column, "help": d.help})
            });
            let messages: Vec<&str> = verdict.diagnostics.iter().map(|d| &*d.message).collect();
            json!({
                "filename": &*sources.get(verdict.file).name,
                "kind": verdict.object.kind,
                "name": verdict.object.name,
                "namespace": verdict.object.namespace,
                "version": verdict.object.api_version,
                "status": format!("status{:?}", verdict.status),
                "msg": messages.join("; "),
                "validationErrors": findings.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "resources": resources,
        "summary": {
            "valid": count(verdicts, Status::Valid),
            "invalid": count(verdicts, Status::Invalid),
            "errors": count(verdicts, Status::Error),
            "skipped": count(verdicts, Status::Skipped),
        },
    })
}

fn junit(sources: &SourceMap, verdicts: &[Verdict]) -> String {
    let counts = |verdicts: &[Verdict]| {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            verdicts.len(),
            count(verdicts, Status::Invalid),
            count(verdicts, Status::Error),
            count(verdicts, Status::Skipped)
        )
    };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"holosc vet\" {}>", counts(verdicts));
    for suite in verdicts.chunk_by(|a, b| a.file == b.file) {
        let name = xml(&sources.get(suite[0].file).name);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" {}>", counts(suite));
        for verdict in suite {
            let case = format!(
                "    <testcase classname=\"{}\" name=\"{}\"",
                xml(&verdict.object.api_version),
                xml(&verdict.name())
            );
            let element = match verdict.status {
                Status::Valid => {
                    let _ = writeln!(out, "{case}/>");
                    continue;
                }
                Status::Skipped => {
                    let _ = writeln!(out, "{case}><skipped/></testcase>");
                    continue;
                }
                Status::Invalid => "failure",
                Status::Error => "error",
            };
            let _ = writeln!(out, "{case}>");
            for diagnostic in &verdict.diagnostics {
                let (file, line, column) = place(sources, verdict.file, diagnostic);
                let _ = writeln!(
                    out,
                    "      <{element} type=\"{}\" message=\"{}\">{}</{element}>",
                    diagnostic.code,
                    xml(&diagnostic.message),
                    xml(&format!("{file}:{line}:{column}: {}", diagnostic.message))
                );
            }
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

/// Text as XML has it, without the characters XML cannot say.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

fn tap(sources: &SourceMap, verdicts: &[Verdict]) -> String {
    let mut out = format!("TAP version 13\n1..{}\n", verdicts.len());
    for (at, verdict) in verdicts.iter().enumerate() {
        let file = &sources.get(verdict.file).name;
        let name = format!("{} - {file}: {}", at + 1, line(&verdict.name()));
        let _ = match verdict.status {
            Status::Valid => writeln!(out, "ok {name}"),
            Status::Skipped => writeln!(out, "ok {name} # SKIP"),
            Status::Invalid | Status::Error => writeln!(out, "not ok {name}"),
        };
        for diagnostic in &verdict.diagnostics {
            let (file, at, column) = place(sources, verdict.file, diagnostic);
            let message = line(&diagnostic.message);
            let _ = writeln!(out, "# {file}:{at}:{column}: {message}");
        }
    }
    out
}

/// Text on one line, in which `#` begins no directive.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('#', "\\#")
}
