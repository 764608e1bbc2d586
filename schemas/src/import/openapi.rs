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
                kinds(&entry.key, &entry.value, id, &mut import.packages, options);
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
                import.definitions.push((
                    if name == "#" {
                        format!("#{root}")
                    } else {
                        name.to_owned()
                    },
                    id,
                ));
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

/// Notes the kinds that a definition says it is, in the package it goes to.
fn kinds(name: &str, node: &Node, schema: Id, packages: &mut Vec<Package>, options: &Options) {
    let (path, definition) = place(name, options);
    if !packages.iter().any(|p| p.path == path) {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        packages.push(Package {
            path: path.clone(),
            name,
            files: Vec::new(),
            kinds: Vec::new(),
        });
    }
    let versions = node
        .get("x-kubernetes-group-version-kind")
        .map(Node::elements)
        .unwrap_or_default();
    // Options such as DeleteOptions belong to every group, and are no objects.
    let [version] = versions else { return };
    let text = |key: &str| version.get(key).and_then(Node::str).unwrap_or_default();
    let (group, version, kind) = (text("group"), text("version"), text("kind"));
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let namespaced =
        !kubernetes::cluster_scoped().contains(kind.strip_suffix("List").unwrap_or(kind));
    if let Some(package) = packages.iter_mut().find(|p| p.path == path) {
        package.kinds.push(Kind {
            api_version,
            kind: kind.to_owned(),
            definition: format!("#{definition}"),
            namespaced,
            schema,
        });
    }
}

/// The import path and name of a definition.
fn place(name: &str, options: &Options) -> (String, String) {
    let last = name.rsplit('.').next().unwrap_or(name);
    kubernetes::target(name)
        .unwrap_or_else(|| (options.path.clone(), capital(last.trim_start_matches('#'))))
}

/// Prints all definitions into the files of their packages.
fn print(import: &mut Import, options: &Options) {
    let mut by_package: BTreeMap<String, Vec<(String, Id)>> = BTreeMap::new();
    for (name, id) in &import.definitions {
        let (path, definition) = place(name, options);
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
            let definition = place(root.map_or(reference, |(name, _)| name), options).1;
            let known = members.iter().any(|(name, _)| *name == definition);
            known.then(|| Target {
                path: None,
                definition: format!("#{definition}"),
            })
        };
        let dialect = if builtin {
            Dialect::Kubernetes
        } else {
            Dialect::Json
        };
        let mut printer = Printer::new(&text, dialect, &path, &names, &resolve);
        let at = match packages.iter().position(|p| p.path == path) {
            Some(at) => at,
            None => {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                packages.push(Package {
                    path: path.clone(),
                    name,
                    files: Vec::new(),
                    kinds: Vec::new(),
                });
                packages.len() - 1
            }
        };
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
