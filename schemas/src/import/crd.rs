//! CustomResourceDefinitions to packages: one for each group and version, its kinds as definitions.

use super::names::{Root, choose};
use super::package::{Definition, files};
use super::print::Printer;
use super::{Dialect, Import, Input, Kind, META, Options, Package};
use crate::schema::{Id, ListType, Pool, Schema, SchemaReader, Type};
use crate::yaml::{self, Node};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Severity};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Imports every CustomResourceDefinition of the files, `List`s unpacked; other objects are passed
/// over. Versions that are no longer served are imported as well: objects of them exist.
pub fn crd(inputs: &[Input<'_>], options: &Options) -> Import {
    let mut import = Import::default();
    let mut groups: BTreeMap<(String, String), Vec<Kind>> = BTreeMap::new();
    for input in inputs {
        let (documents, mut diagnostics) = yaml::documents(input.file, input.text);
        import.diagnostics.append(&mut diagnostics);
        for document in &documents {
            let mut reader = CrdReader {
                file: input.file,
                options,
                import: &mut import,
                groups: &mut groups,
            };
            reader.document(document);
        }
    }
    for ((group, version), mut kinds) in groups {
        kinds.sort();
        kinds.dedup_by(|a, b| a.kind == b.kind);
        import
            .packages
            .push(package(&import.pool, &group, &version, kinds));
    }
    import
}

struct CrdReader<'a> {
    file: FileId,
    options: &'a Options,
    import: &'a mut Import,
    groups: &'a mut BTreeMap<(String, String), Vec<Kind>>,
}

impl CrdReader<'_> {
    fn document(&mut self, document: &Node) {
        let text = |key: &str| document.get(key).and_then(Node::str).unwrap_or_default();
        match (text("apiVersion"), text("kind")) {
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => self.definition(document),
            ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition") => self.error(
                document.get("apiVersion").unwrap_or(document),
                "apiextensions.k8s.io/v1beta1 has not been served since Kubernetes 1.22",
            ),
            (_, kind) if kind.ends_with("List") => {
                for item in document
                    .get("items")
                    .map(Node::elements)
                    .unwrap_or_default()
                {
                    self.document(item);
                }
            }
            _ => {}
        }
    }

    fn error(&mut self, node: &Node, message: impl Into<String>) {
        let place = Place {
            file: self.file,
            span: node.span,
        };
        self.import
            .diagnostics
            .push(Diagnostic::error(Code(511), message).label(place, "here"));
    }

    fn definition(&mut self, document: &Node) {
        let at = |path: &[&str]| path.iter().try_fold(document, |node, key| node.get(key));
        let text = |path: &[&str]| at(path).and_then(Node::str).map(str::to_owned);
        let (Some(group), Some(kind)) =
            (text(&["spec", "group"]), text(&["spec", "names", "kind"]))
        else {
            return self.error(
                document,
                "this CustomResourceDefinition lacks spec.group or spec.names.kind",
            );
        };
        let namespaced = text(&["spec", "scope"]).as_deref() != Some("Cluster");
        let versions = at(&["spec", "versions"])
            .map(Node::elements)
            .unwrap_or_default();
        let flag = |version: &Node, key: &str| version.get(key).and_then(Node::bool) == Some(true);
        let storage = versions.iter().filter(|v| flag(v, "storage")).count();
        if storage != 1 {
            let message =
                format!("{kind}.{group} has {storage} storage versions, and needs exactly one");
            self.error(at(&["spec", "versions"]).unwrap_or(document), message);
        }
        for version in versions {
            let name = version.get("name").and_then(Node::str);
            let schema = version.get("schema").and_then(|s| s.get("openAPIV3Schema"));
            let (Some(name), Some(schema)) = (name, schema) else {
                self.error(
                    version,
                    format!("this version of {kind} lacks its name or its openAPIV3Schema"),
                );
                continue;
            };
            let before = self.import.diagnostics.len();
            self.structural(schema, &mut String::new(), false);
            let errors = &self.import.diagnostics[before..];
            if errors.iter().any(|d| d.severity == Severity::Error) {
                continue;
            }
            self.transitions(schema, &kind);
            let schema = self.schema(schema);
            self.groups
                .entry((group.clone(), name.to_owned()))
                .or_default()
                .push(Kind {
                    api_version: format!("{group}/{name}"),
                    kind: kind.clone(),
                    definition: format!("#{kind}"),
                    namespaced,
                    schema,
                });
        }
    }

    /// Says which rules are about a change of an object, and so not checked on an object alone.
    fn transitions(&mut self, schema: &Node, kind: &str) {
        let mut rules = Vec::new();
        transition_rules(schema, &mut rules);
        let Some(first) = rules.first() else { return };
        let message = match rules.len() {
            1 => format!("a rule of {kind} is about a change (`oldSelf`), and is not checked"),
            n => format!("{n} rules of {kind} are about a change (`oldSelf`), and are not checked"),
        };
        let place = Place {
            file: self.file,
            span: first.span,
        };
        let note = Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::warning(Code(515), message)
        };
        self.import.diagnostics.push(note.label(place, "the first"));
    }

    /// Reports what keeps a schema from being structural, and rules that cannot be compiled. `logic`
    /// is inside of `allOf`, `anyOf`, `oneOf` and `not`, where values are only narrowed.
    fn structural(&mut self, node: &Node, path: &mut String, logic: bool) {
        let flag = |key: &str| node.get(key).and_then(Node::bool) == Some(true);
        let shown = if path.is_empty() {
            "the root"
        } else {
            path.as_str()
        }
        .to_owned();
        if let Some(reference) = node.get("$ref") {
            self.error(
                reference,
                format!("this schema is not structural: {shown} has a $ref"),
            );
        }
        let free =
            flag("x-kubernetes-int-or-string") || flag("x-kubernetes-preserve-unknown-fields");
        if !logic && !free && node.get("type").is_none() {
            self.error(
                node,
                format!("this schema is not structural: {shown} has no type"),
            );
        }
        if !logic && node.get("properties").is_some() && node.get("additionalProperties").is_some()
        {
            let message = "has both properties and additionalProperties";
            self.error(
                node,
                format!("this schema is not structural: {shown} {message}"),
            );
        }
        if let Some(at) = node.get("uniqueItems").filter(|n| n.bool() == Some(true)) {
            self.error(
                at,
                format!("{shown} has uniqueItems, which the API server refuses"),
            );
        }
        for rule in node
            .get("x-kubernetes-validations")
            .map(Node::elements)
            .unwrap_or_default()
        {
            for key in ["rule", "messageExpression"] {
                let Some(text) = rule.get(key) else { continue };
                if let Err(error) = crate::validate::compile_rule(text.str().unwrap_or_default()) {
                    let place = Place {
                        file: self.file,
                        span: text.span,
                    };
                    let message =
                        format!("this rule of {shown} cannot be compiled, and is not checked");
                    let warning = Diagnostic::warning(Code(514), message)
                        .label(place, "here")
                        .note(error);
                    self.import.diagnostics.push(warning);
                }
            }
        }
        let end = path.len();
        for entry in node.entries() {
            match &*entry.key {
                "properties" => {
                    for property in entry.value.entries() {
                        path.push_str(if end > 0 { "." } else { "" });
                        path.push_str(&property.key);
                        self.structural(&property.value, path, logic);
                        path.truncate(end);
                    }
                }
                "items" | "additionalProperties" if !entry.value.entries().is_empty() => {
                    path.push_str(if &*entry.key == "items" { "[]" } else { ".*" });
                    self.structural(&entry.value, path, logic);
                    path.truncate(end);
                }
                "not" => self.structural(&entry.value, path, true),
                "allOf" | "anyOf" | "oneOf" => {
                    for part in entry.value.elements() {
                        self.structural(part, path, true);
                    }
                }
                _ => {}
            }
        }
    }

    fn schema(&mut self, node: &Node) -> Id {
        let Import {
            pool, diagnostics, ..
        } = &mut *self.import;
        SchemaReader {
            pool,
            file: self.file,
            docs: self.options.docs,
            open: false,
            diagnostics,
        }
        .read(node)
    }
}

/// The rules of a schema that compare with what was before.
fn transition_rules<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    for entry in node.entries() {
        if &*entry.key == "x-kubernetes-validations" {
            let optional = |rule: &&Node| rule.get("optionalOldSelf").and_then(Node::bool);
            let text = |rule: &'n Node| rule.get("rule").filter(|r| r.str().is_some());
            let rules = entry.value.elements().iter();
            let rules = rules
                .filter(|rule| optional(rule) != Some(true))
                .filter_map(text);
            found.extend(rules.filter(|r| r.str().is_some_and(|t| t.contains("oldSelf"))));
        } else {
            transition_rules(&entry.value, found);
        }
    }
    for element in node.elements() {
        transition_rules(element, found);
    }
}

/// Copies what the text can say of a schema: rules and defaults are the validator's. A field with a
/// default need not be written, also where it is required.
pub(super) fn printable(text: &mut Pool, pool: &Pool, id: Id) -> Id {
    text.adopt(pool, id, &mut |id, schema| {
        let original = pool.get(id);
        schema
            .required
            .retain(|name| !original.property(name).is_some_and(|id| filled(pool, id)));
        schema.default = None;
        schema.rules = Vec::new();
        schema.list_keys = Vec::new();
        if schema.list_type == Some(ListType::Map) {
            schema.list_type = None;
        }
    })
}

/// Whether a default makes a value valid that nobody set.
fn filled(pool: &Pool, id: Id) -> bool {
    let schema = pool.get(id);
    let missing = |name: &str| !schema.property(name).is_some_and(|id| filled(pool, id));
    match schema.default.as_deref() {
        None => false,
        Some("{}") => {
            schema.reference.is_none() && !schema.required.iter().any(|name| missing(name))
        }
        Some(_) => true,
    }
}

fn package(pool: &Pool, group: &str, version: &str, kinds: Vec<Kind>) -> Package {
    let path = format!("{group}/{version}");
    let mut text = Pool::default();
    let roots: Vec<Root> = kinds
        .iter()
        .map(|kind| Root {
            kind: kind.kind.clone(),
            schema: root(pool, &mut text, kind.schema),
        })
        .collect();
    let shapes = choose(&text, &roots);
    let names: FxHashMap<Id, String> = shapes
        .iter()
        .map(|(name, id)| (*id, format!("#{name}")))
        .collect();
    let resolve = |reference: &str| {
        let path = Some(META.to_owned());
        (reference == "ObjectMeta").then(|| super::print::Target {
            path,
            definition: "#ObjectMeta".into(),
        })
    };
    let mut printer = Printer::new(&text, Dialect::Kubernetes, &path, &names, &resolve);
    let mut definitions = Vec::new();
    for root in &roots {
        let constants = [
            (
                "apiVersion",
                serde_json::Value::from(path.as_str()).to_string(),
            ),
            (
                "kind",
                serde_json::Value::from(root.kind.as_str()).to_string(),
            ),
        ];
        definitions.push(Definition::print(
            &mut printer,
            &root.kind,
            root.schema,
            &constants,
        ));
    }
    for (name, id) in &shapes {
        definitions.push(Definition::print(&mut printer, name, *id, &[]));
    }
    Package {
        name: version.to_owned(),
        files: files(version, definitions),
        kinds,
        path,
    }
}

/// The schema of a whole object: its metadata is ObjectMeta, whatever the document says of it, and
/// what it requires of the name.
fn root(pool: &Pool, text: &mut Pool, id: Id) -> Id {
    let id = printable(text, pool, id);
    let mut schema = text.get(id).clone();
    let meta = text.add(Schema {
        reference: Some("ObjectMeta".into()),
        ..Schema::default()
    });
    schema.properties.retain(|(name, _)| &**name != "metadata");
    schema.properties.push(("metadata".into(), meta));
    schema.properties.sort();
    schema.types = vec![Type::Object];
    text.add(schema)
}
