//! `textDocument/publishDiagnostics`: findings of the compiler as an editor shows them.

use super::position::range;
use super::uri;
use gen_lsp_types as lsp;
use holos_lang::diagnostic::{Diagnostic, Place, Severity, SourceMap};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The findings by file of the user; those without such a place go to the first line of `main`.
pub(super) fn by_file(
    sources: &SourceMap,
    found: &[Diagnostic],
    root: &Path,
    main: &Path,
) -> BTreeMap<PathBuf, Vec<lsp::Diagnostic>> {
    let mut out: BTreeMap<PathBuf, Vec<lsp::Diagnostic>> = BTreeMap::new();
    for diagnostic in &crate::report::sorted(found) {
        let first = diagnostic
            .labels
            .iter()
            .find(|label| sources.get(label.place.file).user);
        let (path, at) = match first {
            Some(label) => {
                let source = sources.get(label.place.file);
                (
                    root.join(&*source.name),
                    range(&source.text, label.place.span),
                )
            }
            None => (main.to_path_buf(), lsp::Range::default()),
        };
        out.entry(path).or_default().push(one(
            sources,
            diagnostic,
            at,
            first.map(|label| label.place),
            root,
        ));
    }
    out
}

fn one(
    sources: &SourceMap,
    diagnostic: &Diagnostic,
    at: lsp::Range,
    shown: Option<Place>,
    root: &Path,
) -> lsp::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => lsp::DiagnosticSeverity::Error,
        Severity::Warning => lsp::DiagnosticSeverity::Warning,
        Severity::Note => lsp::DiagnosticSeverity::Information,
    };
    let mut message = diagnostic.message.clone();
    let own = diagnostic
        .labels
        .iter()
        .find(|label| Some(label.place) == shown);
    for line in own
        .map(|label| &label.message)
        .filter(|text| !text.is_empty())
        .into_iter()
        .cloned()
        .chain(diagnostic.notes.iter().map(|note| format!("note: {note}")))
        .chain(diagnostic.help.iter().map(|help| format!("help: {help}")))
    {
        message.push('\n');
        message.push_str(&line);
    }
    let related: Vec<lsp::DiagnosticRelatedInformation> = (diagnostic.labels.iter())
        .filter(|label| Some(label.place) != shown && sources.get(label.place.file).user)
        .map(|label| {
            let source = sources.get(label.place.file);
            let location = lsp::Location::new(
                uri::of(&root.join(&*source.name)),
                range(&source.text, label.place.span),
            );
            lsp::DiagnosticRelatedInformation::new(location, label.message.clone())
        })
        .collect();
    // The edits travel with the finding and come back when the editor asks for actions.
    let fix = diagnostic.fix.as_ref().map(|fix| {
        let edits: Vec<serde_json::Value> = (fix.edits.iter())
            .map(|(place, text)| {
                let source = sources.get(place.file);
                serde_json::json!({
                    "uri": uri::of(&root.join(&*source.name)),
                    "range": range(&source.text, place.span),
                    "newText": text,
                })
            })
            .collect();
        serde_json::json!({"title": fix.title, "edits": edits})
    });
    lsp::Diagnostic {
        range: at,
        severity: Some(severity),
        code: Some(lsp::Code::String(diagnostic.code.to_string())),
        code_description: None,
        source: Some("holosc".into()),
        message: message.into(),
        tags: None,
        related_information: (!related.is_empty()).then_some(related),
        data: fix.and_then(|fix| serde_json::from_value(fix).ok()),
    }
}
