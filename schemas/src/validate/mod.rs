//! Objects checked as the API server would: by apiVersion and kind, structure and unknown fields,
//! defaults, names and labels, uniqueness, and rules.

mod formats;
pub(crate) mod group;
mod library;
mod names;
mod rules;
mod structural;

use crate::Scope;
use crate::import::{self, Import, Input, Options};
use crate::yaml::{self, Node, Value};
use group::{Group, Groups};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use holos_lang::value::Data;
pub(crate) use rules::compile as compile_rule;
use std::sync::Arc;

/// Why an object is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// It does not say what it is.
    NotAnObject,
    /// Nothing is known about its kind.
    NoSchema,
    /// A field the kind does not have.
    Unknown,
    /// A field is missing.
    Required,
    /// A value of another type.
    Type,
    /// A value outside of what is allowed.
    Value,
    /// A key, or an element of a set, that is there twice.
    Duplicate,
    /// A rule (`x-kubernetes-validations`) that does not hold.
    Rule,
    /// A name, label or annotation.
    Metadata,
}

impl Reason {
    /// The code of its diagnostics.
    pub fn code(self) -> Code {
        Code(match self {
            Reason::NotAnObject => 520,
            Reason::NoSchema => 521,
            Reason::Unknown => 522,
            Reason::Required => 523,
            Reason::Type => 524,
            Reason::Value => 525,
            Reason::Duplicate => 526,
            Reason::Rule => 527,
            Reason::Metadata => 528,
        })
    }
}

/// One thing wrong with an object.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub reason: Reason,
    /// Where, in the text the object was read from.
    pub span: Span,
    /// `spec.containers[0].image`
    pub path: String,
    /// In the API server's words, as far as they are clear.
    pub message: String,
    pub help: Option<String>,
}

impl Finding {
    fn new(
        reason: Reason,
        span: Span,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            reason,
            span,
            path: path.into(),
            message: message.into(),
            help: None,
        }
    }

    /// The finding as a diagnostic about a file.
    pub fn diagnostic(&self, file: FileId) -> Diagnostic {
        let message = match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{path}: {}", self.message),
        };
        let place = Place {
            file,
            span: self.span,
        };
        let last = self.path.rsplit('.').next().unwrap_or_default();
        let here = match self.reason {
            Reason::NotAnObject => "this is no object".to_owned(),
            Reason::NoSchema => "this kind is not known".to_owned(),
            Reason::Unknown => "there is no such field here".to_owned(),
            Reason::Required => format!("`{last}` is missing here"),
            Reason::Type => "another type is wanted".to_owned(),
            Reason::Value | Reason::Metadata => "not allowed".to_owned(),
            Reason::Duplicate => "here again".to_owned(),
            Reason::Rule => "the rule is about this".to_owned(),
        };
        let mut diagnostic = Diagnostic::error(self.reason.code(), message).label(place, here);
        diagnostic.path.clone_from(&self.path);
        diagnostic.help.extend(self.help.clone());
        diagnostic
    }
}

/// Checks objects against the schemas that ship, and those it has learnt.
#[derive(Default)]
pub struct Validator {
    groups: Groups,
    scopes: std::collections::BTreeMap<(String, String), bool>,
}

impl Validator {
    /// A validator of the kinds that ship.
    pub fn new() -> Validator {
        Validator::default()
    }

    /// Adds the kinds of the CustomResourceDefinitions in the files, and reports those that are broken.
    pub fn learn(&mut self, inputs: &[Input<'_>]) -> Vec<Diagnostic> {
        let mut import = import::crd(inputs, &Options::default());
        self.add(&import);
        std::mem::take(&mut import.diagnostics)
    }

    /// Adds the kinds of an import; they come before those that ship.
    pub fn add(&mut self, import: &Import) {
        self.groups.learn(import);
        for kind in import.packages.iter().flat_map(|p| &p.kinds) {
            self.scopes.insert(
                (kind.api_version.clone(), kind.kind.clone()),
                kind.namespaced,
            );
        }
    }

    /// Checks every document of a file, and gives the number of objects in it.
    pub fn file(&self, file: FileId, text: &str) -> (usize, Vec<Diagnostic>) {
        let (documents, mut diagnostics) = yaml::documents(file, text);
        let mut count = 0;
        for document in &documents {
            let mut findings = self.object(document);
            count += document
                .get("items")
                .map_or(1, |items| items.elements().len().max(1));
            findings.sort_by(|a, b| (a.span, &a.path).cmp(&(b.span, &b.path)));
            diagnostics.extend(findings.iter().map(|f| f.diagnostic(file)));
        }
        (count, diagnostics)
    }

    /// Checks an object that was not read from a text.
    pub fn data(&self, data: &Data) -> Vec<Finding> {
        self.object(&Node::from_data(data))
    }

    /// Checks one object, or each object of a list.
    pub fn object(&self, node: &Node) -> Vec<Finding> {
        let mut walk = Walk {
            groups: &self.groups,
            quiet: false,
            path: String::new(),
            findings: Vec::new(),
        };
        self.check(&mut walk, node);
        walk.findings
    }

    fn check(&self, walk: &mut Walk<'_>, node: &Node) {
        let mut names = [""; 2];
        for (at, key) in ["apiVersion", "kind"].into_iter().enumerate() {
            match node.get(key).map(|n| (n, n.str())) {
                Some((_, Some(text))) if !text.is_empty() => names[at] = text,
                found => {
                    let span = found.map_or(node.span, |(n, _)| n.span);
                    let message = match &node.value {
                        Value::Map(_) => format!("this object has no {key}"),
                        _ => format!(
                            "this is no object, but a value of type {}",
                            node.type_name()
                        ),
                    };
                    return walk.report(Finding::new(
                        Reason::NotAnObject,
                        span,
                        walk.path(),
                        message,
                    ));
                }
            }
        }
        walk.duplicates(node);
        let [api_version, kind] = names;
        let list = kind.ends_with("List") && node.get("items").is_some();
        if list
            && (api_version == "v1" && kind == "List"
                || self.groups.kind(api_version, kind).is_none())
        {
            for (at, item) in node
                .get("items")
                .map(Node::elements)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                let end = walk.push(format_args!(".items[{at}]"));
                self.check(walk, item);
                walk.path.truncate(end);
            }
            return;
        }
        match self.groups.kind(api_version, kind) {
            Some((group, id)) => self.known(walk, node, [api_version, kind], &group, id),
            None => {
                let mut found = Finding::new(
                    Reason::NoSchema,
                    node.get("kind").map_or(node.span, |n| n.span),
                    walk.path(),
                    format!("there is no schema for {kind} in {api_version}"),
                );
                found.help = other_version(kind);
                walk.report(found);
            }
        }
    }

    fn known(
        &self,
        walk: &mut Walk<'_>,
        node: &Node,
        names: [&str; 2],
        group: &Arc<Group>,
        id: crate::schema::Id,
    ) {
        let [api_version, kind] = names;
        let mut object = node.clone();
        walk.complete(group, id, &mut object, 0);
        let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        let custom = !group.builtin;
        if custom {
            // The schema of a custom resource says little of the fields every object has.
            let known = self.groups.definition(meta);
            if let (Value::Map(entries), Some((meta, id))) = (&mut object.value, known)
                && let Some(metadata) = entries.iter_mut().find(|e| &*e.key == "metadata")
            {
                walk.complete(&meta, id, &mut metadata.value, 0);
                let end = walk.push(format_args!(".metadata"));
                walk.value(&meta, id, &metadata.value, 0);
                walk.path.truncate(end);
            }
            walk.root(group, id, &object);
        } else {
            walk.value(group, id, &object, 0);
        }
        let scope = self
            .scopes
            .get(&(api_version.to_owned(), kind.to_owned()))
            .copied();
        let scope =
            scope.or_else(|| crate::scope(api_version, kind).map(|s| s == Scope::Namespaced));
        names::metadata(walk, api_version, kind, &object, scope);
    }
}

/// The versions a kind is known in, as advice.
fn other_version(kind: &str) -> Option<String> {
    let known: Vec<&str> = crate::kinds()
        .filter(|k| k.1 == kind)
        .map(|k| k.0)
        .collect();
    (!known.is_empty()).then(|| format!("{kind} is known in {}", known.join(", ")))
}

/// In a path, what stands before and after the key of a map.
const KEY: char = '\u{1}';
const KEY_END: char = '\u{2}';

/// A check under way.
struct Walk<'a> {
    groups: &'a Groups,
    /// Whether only the fact of a finding matters, as inside of `anyOf`.
    quiet: bool,
    /// With a `.` in front.
    path: String,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// Where the walk is, the keys of maps written as fields.
    fn path(&self) -> String {
        let path = self.path.strip_prefix(['.', KEY]).unwrap_or(&self.path);
        path.chars()
            .filter(|c| *c != KEY_END)
            .map(|c| if c == KEY { '.' } else { c })
            .collect()
    }

    /// Where the walk is, the keys of maps in brackets, as rules report it.
    fn rule_path(&self) -> String {
        let path = self.path.strip_prefix('.').unwrap_or(&self.path);
        path.replace(KEY, "[").replace(KEY_END, "]")
    }

    /// Steps down; the result is what [`String::truncate`] takes to step up again.
    fn push(&mut self, step: std::fmt::Arguments<'_>) -> usize {
        let end = self.path.len();
        if !self.quiet {
            let _ = std::fmt::Write::write_fmt(&mut self.path, step);
        }
        end
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports keys that are there twice.
    fn duplicates(&mut self, node: &Node) {
        let entries = node.entries();
        for (at, entry) in entries.iter().enumerate() {
            let end = self.push(format_args!(".{}", entry.key));
            if entries.len() < 64 && entries[..at].iter().any(|e| e.key == entry.key) {
                let message = format!("key {:?} already set in map", entry.key);
                self.report(Finding::new(
                    Reason::Duplicate,
                    entry.key_span,
                    self.path(),
                    message,
                ));
            }
            self.duplicates(&entry.value);
            self.path.truncate(end);
        }
        if entries.len() >= 64 {
            let mut seen = rustc_hash::FxHashSet::default();
            for entry in entries.iter().filter(|e| !seen.insert(&e.key)) {
                let message = format!("key {:?} already set in map", entry.key);
                let path = format!("{}.{}", self.path(), entry.key);
                self.report(Finding::new(
                    Reason::Duplicate,
                    entry.key_span,
                    path,
                    message,
                ));
            }
        }
        for (at, element) in node.elements().iter().enumerate() {
            let end = self.push(format_args!("[{at}]"));
            self.duplicates(element);
            self.path.truncate(end);
        }
    }

    /// A whole custom resource: `metadata` is known, and its schema may only narrow its name.
    fn root(&mut self, group: &Arc<Group>, id: crate::schema::Id, object: &Node) {
        let mut trimmed = object.clone();
        if let Value::Map(entries) = &mut trimmed.value {
            entries.retain(|e| !["apiVersion", "kind", "metadata"].contains(&&*e.key));
        }
        let schema = group.get(id);
        if let (Some(id), Some(metadata)) = (schema.property("metadata"), object.get("metadata")) {
            for (name, id) in &group.get(id).properties {
                if let Some(value) = metadata.get(name) {
                    let end = self.push(format_args!(".metadata.{name}"));
                    self.value(group, *id, value, 0);
                    self.path.truncate(end);
                }
            }
        }
        for entry in trimmed.entries() {
            let end = self.push(format_args!(".{}", entry.key));
            match schema.property(&entry.key) {
                Some(id) => self.value(group, id, &entry.value, 0),
                None if schema.preserve => {}
                None => {
                    let message = structural::UNKNOWN;
                    self.report(Finding::new(
                        Reason::Unknown,
                        entry.key_span,
                        self.path(),
                        message,
                    ));
                }
            }
            self.path.truncate(end);
        }
        for name in schema
            .required
            .iter()
            .filter(|name| object.get(name).is_none())
        {
            let end = self.push(format_args!(".{name}"));
            self.report(Finding::new(
                Reason::Required,
                object.span,
                self.path(),
                "Required value",
            ));
            self.path.truncate(end);
        }
        if !schema.rules.is_empty() {
            self.rules(group, id, object);
        }
    }
}
