//! `holosc why`: where a value comes from.

use super::Session;
use crate::Outcome;
use crate::args::Why;
use holos_lang::eval::{Origin, Strictness, View};
use holos_lang::syntax::{print, tree};
use std::fmt::Write as _;

/// What the argument is called as a source.
const PATH: &str = "PATH";
/// How much of a line of source is shown.
const WIDEST: usize = 60;

pub(super) fn run(session: &mut Session, args: &Why) -> Outcome {
    session.programs = true;
    session.each(&args.inputs, true, |session, evaluation, _| {
        let node = match session.expression(evaluation, PATH, &args.path) {
            Ok(node) => node,
            Err(errors) => return session.report(&errors),
        };
        let view = View {
            definitions: true,
            defaults: true,
            ..View::default()
        };
        let errors = evaluation.errors(node, Strictness::Final);
        let mut out = String::new();
        if errors.is_empty() {
            let value = tree::Decl::Embed(evaluation.tree(node, view));
            out = print(&tree::File {
                decls: vec![value],
                ..tree::File::default()
            });
        }
        let out = out.trim_start().to_string() + &table(session, &evaluation.why(node));
        let printed = session.print(out.as_bytes());
        super::graver(session.report(&errors), printed)
    })
}

/// One line a conjunct: its place, the line of source, what it contributed.
fn table(session: &Session, origins: &[Origin]) -> String {
    let rows: Vec<[String; 3]> = origins
        .iter()
        .filter(|origin| &*session.sources.get(origin.place.file).name != PATH)
        .map(|Origin { place, said }| {
            let source = session.sources.get(place.file);
            let (line, _) = session.sources.line_column(place.file, place.span.start);
            let text = source.text.lines().nth(line as usize - 1);
            let text = text
                .unwrap_or_default()
                .trim()
                .chars()
                .take(WIDEST)
                .collect();
            [format!("{}:{line}", source.name), text, said.clone()]
        })
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let (places, texts) = (width(0), width(1));
    let mut out = String::new();
    for (i, [place, text, said]) in rows.iter().enumerate() {
        let branch = if i + 1 == rows.len() {
            "└─"
        } else {
            "├─"
        };
        let _ = writeln!(out, "{branch} {place:places$}  {text:texts$}  {said}");
    }
    out
}
