//! OpenAPI (2.0 and 3.x) and JSON Schema documents to packages.

use super::crd::printable;
use super::kubernetes::{self, Extras};
use super::names::{Root, capital, choose};
use super::package::{Definition, files};
use super::print::{Printer, Target};
use super::{Dialect, Import, Input, Kind, Options, Package};
use crate::schema::{Id, Pool, SchemaReader};
use crate::yaml::{self, Node};
use holos_lang::diagnostic::{Code, Diagnostic, Place};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Imports the definitions of OpenAPI documents. Names such as `io.k8s.api.apps.v1.Deployment` go
/// to the package of their group (`k8s.io/api/apps/v1`), others to [`Options::path`]. `extras` adds to
/// Kubernetes' definitions what its document lacks.
pub fn openapi(inputs: &[Input<'_>], extras: &Extras, options: &Options) -> Import {
    let mut import = Import::default();
    for input in inputs {
        let (documents, mut diagnostics) = yaml::documents(input.file, input.text);
        import.diagnostics.append(&mut diagnostics);
        for document in &documents {
            let schemas = document
                .get("definitions")
                .or_else(|| document.get("components").and_then(|c| c.get("schemas")));
            let Some(schemas) = schemas else {
                let place = Place {
                    file: input.file,
                    span: document.span,
                };
                let message = "this is not an OpenAPI document: it has neither definitions nor components.schemas";
                import
                    .diagnostics
                    .push(Diagnostic::error(Code(512), message).label(place, "here"));
                continue;
            };
            unresolved(input, document, schemas, &mut import.diagnostics);
            for entry in schemas.entries() {
                let builtin = kubernetes::target(&entry.key).is_some();
                let Import {
                    pool, diagnostics, ..
                } = &mut import;
                let mut reader = SchemaReader {
                    pool,
                    file: input.file,
                    docs: options.docs,
                    open: !builtin,
                    diagnostics,
                };
                let mut id = reader.read(&entry.value);
                if builtin {
                    id = extras.apply(&mut import.pool, &entry.key, id);
                }
                kinds(&entry.key, &entry.value, id, &mut import, options);
                import.definitions.push((entry.key.to_string(), id));
            }
        }
    }
    import.definitions.sort();
    import.definitions.dedup_by(|a, b| a.0 == b.0);
    print(&mut import, options);
    import
}

/// Imports a JSON Schema document as one package at [`Options::path`]: the document itself is
/// `#Schema`, or named by its title, and its `$defs` and `definitions` are definitions.
pub fn jsonschema(inputs: &[Input<'_>], options: &Options) -> Import {
    let mut import = Import::default();
    for input in inputs {
        let (documents, mut diagnostics) = yaml::documents(input.file, input.text);
        import.diagnostics.append(&mut diagnostics);
        for document in &documents {
            unresolved(input, document, document, &mut import.diagnostics);
            let root = document
                .get("title")
                .and_then(Node::str)
                .map(capital)
                .unwrap_or_default();
            let root = if root.is_empty() {
                "Schema".to_owned()
            } else {
                root
            };
            let nested = ["definitions", "$defs"]
                .into_iter()
                .filter_map(|key| document.get(key));
            let mut named: Vec<(&str, &Node)> = nested
                .flat_map(|n| n.entries().iter().map(|e| (&*e.key, &e.value)))
                .collect();
            named.push(("#", document));
            for (name, node) in named {
                let Import {
                    pool, diagnostics, ..
                } = &mut import;
                let mut reader = SchemaReader {
                    pool,
                    file: input.file,
                    docs: options.docs,
                    open: true,
                    diagnostics,
                };
                let id = reader.read(node);
                let mut name = name.to_owned();
                if name == "#" {
                    let kind = versions(node).first();
                    name = match kind.and_then(|v| v.get("version")).and_then(Node::str) {
                        // Kinds of several groups may have one title.
                        Some(version) => format!("#{}.{root}", group_version(kind, version)),
                        None => format!("#{root}"),
                    };
                    if kind.is_some() {
                        kinds(&name, node, id, &mut import, options);
                    }
                }
                import.definitions.push((name, id));
            }
        }
    }
    import.definitions.sort();
    import.definitions.dedup_by(|a, b| a.0 == b.0);
    print(&mut import, options);
    import
}

/// Reports references that lead nowhere.
fn unresolved(input: &Input<'_>, node: &Node, schemas: &Node, diagnostics: &mut Vec<Diagnostic>) {
    for entry in node.entries() {
        if &*entry.key == "$ref"
            && let Some(target) = entry.value.str()
        {
            let name = target.rsplit('/').next().unwrap_or_default();
            let known = [
                Some(schemas),
                schemas.get("definitions"),
                schemas.get("$defs"),
            ];
            if target != "#" && !known.into_iter().flatten().any(|s| s.get(name).is_some()) {
                let place = Place {
                    file: input.file,
                    span: entry.value.span,
                };
                let message = format!("the reference `{target}` leads nowhere in this document");
                diagnostics.push(Diagnostic::error(Code(513), message).label(place, "here"));
            }
        }
        unresolved(input, &entry.value, schemas, diagnostics);
    }
    for element in node.elements() {
        unresolved(input, element, schemas, diagnostics);
    }
}

/// The kinds that a schema says its objects are of.
fn versions(node: &Node) -> &[Node] {
    node.get("x-kubernetes-group-version-kind")
        .map(Node::elements)
        .unwrap_or_default()
}

/// `apps/v1`, `v1`
fn group_version(kind: Option<&Node>, version: &str) -> String {
    match kind.and_then(|k| k.get("group")).and_then(Node::str) {
        None | Some("") => version.to_owned(),
        Some(group) => format!("{group}/{version}"),
    }
}

/// Notes the kinds that a definition says it is, in the package it goes to.
fn kinds(name: &str, node: &Node, schema: Id, import: &mut Import, options: &Options) {
    // Options such as DeleteOptions belong to every group, and are no objects.
    let kind = match versions(node) {
        [only] => {
            let text = |key: &str| only.get(key).and_then(Node::str).unwrap_or_default();
            let api_version = group_version(Some(only), text("version"));
            let kind = text("kind").to_owned();
            (!kind.is_empty() && !text("version").is_empty()).then_some((api_version, kind))
        }
        _ => None,
    };
    if let (None, Some((api_version, kind))) = (kubernetes::target(name), &kind) {
        let place = (api_version.clone(), capital(kind));
        import.places.insert(name.to_owned(), place);
    }
    let (path, definition) = place(name, &import.places, options);
    let at = package_at(&mut import.packages, &path);
    let Some((api_version, kind)) = kind else {
        return;
    };
    let cluster = node.get("x-kubernetes-scope").and_then(Node::str) == Some("Cluster");
    let builtin = kubernetes::target(name).is_some();
    let base = kind.strip_suffix("List").unwrap_or(&kind);
    let unscoped = builtin && kubernetes::cluster_scoped().contains(base);
    let namespaced = !cluster && !unscoped;
    import.packages[at].kinds.push(Kind {
        api_version,
        definition: format!("#{definition}"),
        kind,
        namespaced,
        schema,
    });
}

/// The place of a package among others, to which it is added.
fn package_at(packages: &mut Vec<Package>, path: &str) -> usize {
    if let Some(at) = packages.iter().position(|p| p.path == path) {
        return at;
    }
    packages.push(Package {
        path: path.to_owned(),
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        files: Vec::new(),
        kinds: Vec::new(),
    });
    packages.len() - 1
}

/// The import path and name of a definition.
fn place(
    name: &str,
    places: &BTreeMap<String, (String, String)>,
    options: &Options,
) -> (String, String) {
    if let Some(place) = places.get(name) {
        return place.clone();
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    kubernetes::target(name)
        .unwrap_or_else(|| (options.path.clone(), capital(last.trim_start_matches('#'))))
}

/// Prints all definitions into the files of their packages.
fn print(import: &mut Import, options: &Options) {
    let mut by_package: BTreeMap<String, Vec<(String, Id)>> = BTreeMap::new();
    for (name, id) in &import.definitions {
        let (path, definition) = place(name, &import.places, options);
        by_package.entry(path).or_default().push((definition, *id));
    }
    let kubernetes: BTreeSet<String> = import
        .definitions
        .iter()
        .filter_map(|(name, _)| kubernetes::target(name))
        .map(|(path, _)| path)
        .collect();
    let mut packages = std::mem::take(&mut import.packages);
    for (path, mut members) in by_package {
        members.sort();
        let mut text = Pool::default();
        let roots: Vec<Root> = members
            .iter()
            .map(|(name, id)| Root {
                kind: name.clone(),
                schema: printable(&mut text, &import.pool, *id),
            })
            .collect();
        let builtin = kubernetes.contains(&path);
        let shapes = if builtin {
            Vec::new()
        } else {
            choose(&text, &roots)
        };
        let names: FxHashMap<Id, String> = shapes
            .iter()
            .map(|(name, id)| (*id, format!("#{name}")))
            .collect();
        let resolve = |reference: &str| -> Option<Target> {
            if builtin {
                return kubernetes::resolve(&path, reference);
            }
            // A document refers to itself as `#`.
            let root = import
                .definitions
                .iter()
                .find(|(name, _)| reference == "#" && name.starts_with('#'));
            let name = root.map_or(reference, |(name, _)| name);
            let (at, definition) = place(name, &import.places, options);
            let known = match at == path {
                true => members.iter().any(|(name, _)| *name == definition),
                false => import.definitions.iter().any(|(n, _)| n == name),
            };
            known.then(|| Target {
                path: (at != path).then_some(at),
                definition: format!("#{definition}"),
            })
        };
        let dialect = if builtin {
            Dialect::Kubernetes
        } else {
            Dialect::Json
        };
        let mut printer = Printer::new(&text, dialect, &path, &names, &resolve);
        let at = package_at(&mut packages, &path);
        let package = &mut packages[at];
        let mut definitions = Vec::new();
        for root in &roots {
            let kind = package
                .kinds
                .iter()
                .find(|k| k.definition[1..] == root.kind);
            let constants = kind.map(|k| {
                let text = |s: &str| serde_json::Value::from(s).to_string();
                [
                    ("apiVersion", text(&k.api_version)),
                    ("kind", text(&k.kind)),
                ]
            });
            let constants = constants.as_ref().map_or(&[][..], |c| c);
            definitions.push(Definition::print(
                &mut printer,
                &root.kind,
                root.schema,
                constants,
            ));
        }
        for (name, id) in &shapes {
            definitions.push(Definition::print(&mut printer, name, *id, &[]));
        }
        if path == super::META {
            definitions.extend(super::kubernetes::formats());
        }
        package.files = files(&package.name, definitions);
        package.kinds.sort();
    }
    packages.sort_by(|a, b| a.path.cmp(&b.path));
    import.packages = packages;
}
