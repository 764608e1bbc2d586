//! Definitions to the files of a package.

use super::print::{Needs, Printer, alias};
use std::collections::{BTreeMap, BTreeSet};

/// A printed definition.
pub(super) struct Definition {
    /// `#Deployment`
    pub(super) name: String,
    /// The text of its value.
    pub(super) text: String,
    pub(super) docs: Vec<String>,
    pub(super) needs: Needs,
    /// Whether it gets a file of its own, with everything only it uses.
    pub(super) kind: bool,
}

/// Lays definitions out in files: one for each kind, and `shared.holos` for what several use.
pub(super) fn files(package: &str, definitions: Vec<Definition>) -> Vec<(String, String)> {
    let by_name: BTreeMap<&str, usize> = definitions
        .iter()
        .enumerate()
        .map(|(i, d)| (d.name.as_str(), i))
        .collect();
    let mut owners: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); definitions.len()];
    for (root, definition) in definitions.iter().enumerate() {
        if !definition.kind {
            continue;
        }
        let mut todo = vec![root];
        while let Some(at) = todo.pop() {
            if (at == root || !definitions[at].kind) && owners[at].insert(root) {
                todo.extend(
                    definitions[at]
                        .needs
                        .definitions
                        .iter()
                        .filter_map(|n| by_name.get(n.as_str())),
                );
            }
        }
    }
    let mut files: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, owners) in owners.iter().enumerate() {
        let file = match owners.first() {
            Some(only) if owners.len() == 1 => definitions[*only].name[1..].to_lowercase(),
            _ => "shared".to_owned(),
        };
        files.entry(file).or_default().push(at);
    }
    files
        .into_iter()
        .map(|(file, mut parts)| {
            parts.sort_by_key(|at| (!definitions[*at].kind, &definitions[*at].name));
            let parts: Vec<&Definition> = parts.into_iter().map(|at| &definitions[at]).collect();
            (format!("{file}.holos"), text(package, &parts))
        })
        .collect()
}

fn text(package: &str, definitions: &[&Definition]) -> String {
    let mut text = format!(
        "// Generated from the project's published schemas. Do not edit.\n\npackage {package}\n"
    );
    let imports: BTreeSet<&String> = definitions.iter().flat_map(|d| &d.needs.imports).collect();
    let line = |path: &str| {
        let name = alias(path);
        if path.ends_with(&name) {
            format!("\"{path}\"")
        } else {
            format!("{name} \"{path}\"")
        }
    };
    match imports.len() {
        0 => {}
        1 => text.extend(
            imports
                .iter()
                .map(|path| format!("\nimport {}\n", line(path))),
        ),
        _ => {
            text.push_str("\nimport (\n");
            text.extend(imports.iter().map(|path| format!("\t{}\n", line(path))));
            text.push_str(")\n");
        }
    }
    for definition in definitions {
        text.push('\n');
        text.extend(
            definition
                .docs
                .iter()
                .map(|l| format!("{}\n", format!("// {l}").trim_end())),
        );
        text.push_str(&format!("{}: {}\n", definition.name, definition.text));
    }
    holos_lang::syntax::format(&text).unwrap_or(text)
}

impl Definition {
    /// Prints a definition; see [`Printer::definition`].
    pub(super) fn print(
        printer: &mut Printer<'_>,
        name: &str,
        id: crate::schema::Id,
        constants: &[(&str, String)],
    ) -> Definition {
        let docs = printer
            .pool
            .get(id)
            .description
            .as_deref()
            .unwrap_or_default();
        let docs = docs.trim().lines().map(|l| l.trim().to_owned()).collect();
        let text = printer.definition(id, constants);
        Definition {
            name: format!("#{name}"),
            text,
            docs,
            needs: printer.take(),
            kind: !constants.is_empty(),
        }
    }
}
