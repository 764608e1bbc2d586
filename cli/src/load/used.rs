//! What is used of the packages of schemas that ship. Such a package has a definition for each kind of an API group and for
//! all that these are made of, and of most of them nothing is ever asked: they need not be parsed and compiled.
//!
//! A definition of a package is referred to as `alias.#Name`; where an alias stands in any other way, all of its package counts
//! as used. Who refers to what is seen in the trees of the files at which references begin (`names.rs`), and in the texts
//! of schemas, which are generated: each declaration begins a line, and only references to definitions have a `#`.

use super::import::{shipped, split};
use crate::names::references;
use holos_lang::resolve::implied_name;
use holos_lang::syntax::tree;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// A file of which a part is used: its name and text, and what of the text is to be parsed. That has the same places.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) text: Arc<str>,
    pub(super) used: Arc<str>,
}

/// A package, as far as it was looked at.
struct Package {
    files: Vec<File>,
    /// Where each definition is declared: files and declarations in them.
    names: HashMap<String, Vec<(usize, usize)>>,
    whole: bool,
}

struct File {
    name: String,
    text: Arc<str>,
    /// By alias, the path of each import, and whether a used declaration refers to it.
    imports: Vec<(String, String, bool)>,
    /// The end of what comes before the declarations.
    head: usize,
    /// The declarations, each up to the next one, and whether it is used.
    declarations: Vec<(Range<usize>, bool)>,
}

/// The path of a package, and a definition of it that is used, or all of it.
type Use = (String, Option<String>);

/// The used parts of packages that ship, by import path, from the files at which references begin. `is_known` is of
/// paths that are not to be looked for among the packages that ship.
pub(super) fn parts<'f>(
    roots: impl Iterator<Item = &'f tree::File>,
    is_known: impl Fn(&str) -> bool + Sync,
) -> BTreeMap<String, Vec<Part>> {
    let mut uses = BTreeSet::new();
    for tree in roots.filter(|tree| !tree.imports.is_empty()) {
        let imports: Vec<(&str, &str)> = (tree.imports.iter())
            .map(|import| {
                let alias = import.alias.as_ref().map(|alias| &*alias.name);
                (
                    alias.unwrap_or_else(|| implied_name(&import.path)),
                    &*import.path,
                )
            })
            .collect();
        references(&tree.decls, &mut |name, selected| {
            if let Some((_, path)) = imports.iter().find(|(alias, _)| *alias == name) {
                let definition = selected.filter(|name| name.starts_with('#'));
                uses.insert((path.to_string(), definition.map(str::to_owned)));
            }
        });
    }
    let mut packages: BTreeMap<String, Option<Package>> = BTreeMap::new();
    while !uses.is_empty() {
        let unknown: BTreeSet<&str> = (uses.iter())
            .map(|(path, _)| split(path).0)
            .filter(|path| !packages.contains_key(*path))
            .collect();
        let found: Vec<(String, Option<Package>)> = (unknown.into_iter().collect::<Vec<_>>())
            .into_par_iter()
            .map(|path| {
                (
                    path.to_owned(),
                    (!is_known(path)).then(|| Package::read(path)),
                )
            })
            .collect();
        packages.extend(found);
        let mut further = BTreeSet::new();
        for (path, name) in uses {
            if let Some(Some(package)) = packages.get_mut(split(&path).0) {
                package.mark(name.as_deref(), &mut further);
            }
        }
        uses = further;
        uses.retain(|(path, name)| match packages.get(split(path).0) {
            Some(Some(package)) => !package.is_used(name.as_deref()),
            Some(None) => false,
            None => true,
        });
    }
    let packages = packages.into_iter();
    packages
        .filter_map(|(path, package)| Some((path, package?.parts())))
        .filter(|(_, parts)| !parts.is_empty())
        .collect()
}

impl Package {
    fn read(path: &str) -> Package {
        let mut package = Package {
            files: Vec::new(),
            names: HashMap::new(),
            whole: false,
        };
        for (name, text) in shipped(path) {
            let (file, names) = File::read(name, text);
            let at = package.files.len();
            // What is not written as schemas are is taken whole.
            package.whole |= names.iter().any(|name| !name.starts_with('#'));
            for (index, name) in names.into_iter().enumerate() {
                package.names.entry(name).or_default().push((at, index));
            }
            package.files.push(file);
        }
        package
    }

    fn is_used(&self, name: Option<&str>) -> bool {
        let is_used = |&(file, index): &(usize, usize)| self.files[file].declarations[index].1;
        self.whole
            || name
                .and_then(|name| self.names.get(name)?.first())
                .is_some_and(is_used)
    }

    /// Notes that a definition is used, or, without a name, all of the package; what it refers to of other packages goes to
    /// `further`.
    fn mark(&mut self, name: Option<&str>, further: &mut BTreeSet<Use>) {
        // Who refers to what there is not is to be told what there is.
        let mut waiting = match name.and_then(|name| self.names.get(name)) {
            Some(places) if !self.whole => places.clone(),
            _ => {
                self.whole = true;
                self.names.values().flatten().copied().collect()
            }
        };
        while let Some((file, index)) = waiting.pop() {
            let File {
                text,
                imports,
                declarations,
                ..
            } = &mut self.files[file];
            let (range, used) = &mut declarations[index];
            if std::mem::replace(used, true) {
                continue;
            }
            let text = &text[range.clone()];
            for (at, _) in text.match_indices('#') {
                let name = &text[at..at + word(&text[at..])];
                let before = &text[..at];
                if let Some(before) = before.strip_suffix('.')
                    && !before.ends_with('.')
                {
                    let alias = &before[before.trim_end_matches(is_part_of_word).len()..];
                    let import = imports.iter_mut().find(|(known, ..)| known == alias);
                    if let Some((_, path, used)) = import {
                        *used = true;
                        further.insert((path.clone(), Some(name.to_owned())));
                    }
                } else if let Some(places) = self.names.get(name) {
                    waiting.extend(places);
                }
            }
        }
    }

    fn parts(self) -> Vec<Part> {
        let whole = self.whole;
        let files = self.files.into_iter();
        files
            .filter_map(|file| match whole {
                true => Some(Part {
                    name: file.name,
                    used: file.text.clone(),
                    text: file.text,
                }),
                false => file.part(),
            })
            .collect()
    }
}

impl File {
    /// A file, and the names of its declarations: what begins a line without being indented is one.
    fn read(name: String, text: Arc<str>) -> (File, Vec<String>) {
        let mut imports = Vec::new();
        let mut starts = Vec::new();
        let mut names = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let begins = !line.starts_with([' ', '\t', '\r', '\n', '}', ')', ']', '/']);
            if begins && !line.starts_with("package ") && !line.starts_with("import ") {
                starts.push(at);
                names.push(line[..word(line)].to_owned());
            } else if starts.is_empty()
                && let Some((alias, path)) = import(line)
            {
                imports.push((alias.to_owned(), path.to_owned(), false));
            }
            at += line.len();
        }
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let declarations = (starts.iter().zip(ends))
            .map(|(&start, end)| (start..end, false))
            .collect();
        let head = starts.first().copied().unwrap_or(text.len());
        let file = File {
            name,
            text,
            imports,
            head,
            declarations,
        };
        (file, names)
    }

    /// The file with what is used of it; what is not used is blank. `None` where nothing is.
    fn part(mut self) -> Option<Part> {
        let text = &self.text;
        let declarations = self.declarations.iter();
        let kept = declarations.clone().filter(|(_, used)| *used);
        let kept: Vec<&str> = kept.map(|(range, _)| &text[range.clone()]).collect();
        if kept.is_empty() {
            return None;
        }
        for (alias, _, used) in self.imports.iter_mut().filter(|(_, _, used)| !*used) {
            // One of a builtin package.
            alias.push('.');
            *used = kept.iter().any(|text| text.contains(&**alias));
        }
        let mut used = String::with_capacity(text.len());
        // An import that nothing refers to is an error.
        let mut imports = self.imports.iter();
        for line in text[..self.head].split_inclusive('\n') {
            match import(line).and_then(|_| imports.next()) {
                Some((_, _, false)) => blank(line, &mut used),
                _ => used.push_str(line),
            }
        }
        for (range, is_used) in declarations {
            match is_used {
                true => used.push_str(&text[range.clone()]),
                false => blank(&text[range.clone()], &mut used),
            }
        }
        Some(Part {
            used: used.into(),
            name: self.name,
            text: self.text,
        })
    }
}

/// The alias and path of an import that has a line of its own.
fn import(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.strip_prefix("import ").unwrap_or(line);
    let (alias, rest) = line.split_once('"')?;
    let (path, rest) = rest.split_once('"')?;
    let alias = alias.trim();
    let plain = rest.is_empty() && word(alias) == alias.len();
    plain.then(|| match alias {
        "" => (implied_name(path), path),
        _ => (alias, path),
    })
}

/// As many spaces as the text has bytes, and its ends of lines.
fn blank(text: &str, out: &mut String) {
    for line in text.split_inclusive('\n') {
        let spaces = line.strip_suffix('\n').unwrap_or(line).len();
        out.extend(std::iter::repeat_n(' ', spaces));
        out.push_str(&line[spaces..]);
    }
}

/// The length of the identifier at the beginning.
fn word(text: &str) -> usize {
    text.find(|c| !is_part_of_word(c)).unwrap_or(text.len())
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '#')
}

#[cfg(test)]
mod tests {
    use super::parts;
    use holos_lang::diagnostic::FileId;
    use holos_lang::syntax;
    use std::collections::BTreeMap;

    /// What is parsed of the packages that a text refers to, without what is blank.
    fn used(text: &str) -> BTreeMap<String, String> {
        let tree = syntax::parse(FileId(0), text).file;
        let parts = parts([&tree].into_iter(), |_| false);
        let parts = parts.into_iter().map(|(path, parts)| {
            let texts = parts.iter().map(|part| {
                let ends = |text: &str| -> Vec<usize> {
                    let ends = text.match_indices('\n');
                    ends.map(|(at, _)| at).collect()
                };
                assert_eq!(ends(&part.used), ends(&part.text), "places stay");
                &*part.used
            });
            (path, texts.collect::<String>())
        });
        parts.collect()
    }

    #[test]
    fn what_nothing_refers_to_is_left_out() {
        let used = used("import net \"k8s.io/api/networking/v1\"\na: [...net.#IngressClass]\n");
        let own = &used["k8s.io/api/networking/v1"];
        assert!(own.contains("\n#IngressClass: {"));
        assert!(own.contains("\n#IngressClassParametersReference: {"));
        assert!(!own.contains("#NetworkPolicy"));
        assert!(used["k8s.io/apimachinery/pkg/apis/meta/v1"].contains("#ObjectMeta"));
        assert!(!used.contains_key("k8s.io/api/core/v1"));
    }

    #[test]
    fn a_package_that_is_used_in_any_other_way_is_taken_whole() {
        let path = "k8s.io/api/networking/v1";
        for text in [
            "net",
            "net[\"#Ingress\"]",
            "net.#Ingres",
            "{for k, _ in net {(k): 1}}",
        ] {
            let used = used(&format!("import net {path:?}\na: {text}\n"));
            assert!(used[path].contains("\n#NetworkPolicy: {"), "{text}");
        }
        for text in ["\"net\"", "{net: 1}", "{net?: 1}", "b.net"] {
            assert!(used(&format!("import net {path:?}\na: {text}\n")).is_empty());
        }
    }
}
