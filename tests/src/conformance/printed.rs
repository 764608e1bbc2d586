//! Archives that hold a whole value as it is printed: `out/NAME`, or `out/NAME-v3` where generations differ.
//!
//! Such a file is source text, after a list of errors that ends with `Result:` if there are any. Each field at its top is
//! one assertion, `eq`; a `_|_` stands for any error, and an expression that could not be finished for a value that is
//! incomplete.

use super::attribute::{Argument, Directive, Record, label_segment};
use super::txtar::Archive;
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::parse;
use holos_lang::syntax::tree::{Decl, Expr};

/// How a record of a printed value is marked.
pub(super) const PRINTED: &str = "printed";

/// What the printed value asserts; nothing where there is none.
pub(super) fn records(archive: &Archive) -> Vec<Record> {
    let outputs = || {
        archive
            .files
            .iter()
            .filter(|(name, _)| name.starts_with("out/"))
    };
    let newest = outputs().find(|(name, _)| name.ends_with("-v3"));
    let Some((_, text)) = newest.or_else(|| outputs().next()) else {
        return Vec::new();
    };
    let text = text
        .split_once("\nResult:\n")
        .map_or(text.as_str(), |(_, value)| value);
    let parsed = parse(FileId(0), text);
    let record = |decl: &Decl| {
        let Decl::Field(field) = decl else {
            return None;
        };
        let span = field.value.span();
        let value = text.get(span.start as usize..span.end as usize)?;
        let braces = matches!(field.value, Expr::Struct(_)) && !value.starts_with('{');
        let argument = Argument {
            key: String::new(),
            value: if braces {
                format!("{{\n{value}\n}}")
            } else {
                value.to_owned()
            },
        };
        Some(Record {
            path: vec![label_segment(&field.label)?],
            directive: Directive {
                name: "eq".to_owned(),
                version: PRINTED.to_owned(),
                setting: String::new(),
                arguments: vec![argument],
            },
            inside: false,
        })
    };
    parsed.file.decls.iter().filter_map(record).collect()
}
