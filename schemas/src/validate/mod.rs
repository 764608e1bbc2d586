//! Objects checked as the API server would: by apiVersion and kind, structure and unknown fields,
//! defaults, names and labels, uniqueness, and rules.

mod formats;
pub(crate) mod group;
mod library;
mod names;
mod rules;
mod structural;

use crate::Scope;
use crate::export::{self, Exported, Format};
use crate::import::{self, Import, Input, Options};
use crate::yaml::{self, Node, Value};
use group::{Group, Groups};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Severity, Span};
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
    /// A key of a mapping that is there twice.
    DuplicateKey,
    /// An element of a set that is there twice, or two of one key.
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
            Reason::DuplicateKey | Reason::Duplicate => 526,
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
            Reason::DuplicateKey | Reason::Duplicate => "here again".to_owned(),
            Reason::Rule => "the rule is about this".to_owned(),
        };
        let mut diagnostic = Diagnostic::error(self.reason.code(), message).label(place, here);
        diagnostic.path.clone_from(&self.path);
        diagnostic.help.extend(self.help.clone());
        diagnostic
    }
}

/// An object of a file, and what is wrong with it.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Checked {
    pub api_version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// In the order of their places.
    pub findings: Vec<Finding>,
}

impl Checked {
    fn new(node: &Node, findings: Vec<Finding>) -> Checked {
        let text = |node: Option<&Node>| node.and_then(Node::str).unwrap_or_default().to_owned();
        let metadata = |key: &str| text(node.get("metadata").and_then(|m| m.get(key)));
        Checked {
            api_version: text(node.get("apiVersion")),
            kind: text(node.get("kind")),
            namespace: metadata("namespace"),
            name: metadata("name"),
            findings,
        }
    }

    /// Its findings as diagnostics about the file it stands in.
    pub fn diagnostics(&self, file: FileId) -> impl Iterator<Item = Diagnostic> {
        self.findings.iter().map(move |f| f.diagnostic(file))
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
        // What is not checked is said when somebody imports the definition.
        import.diagnostics.retain(|d| d.severity != Severity::Note);
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

    /// Adds the kinds of a generated package, from the text that [`Import::schema_text`] wrote for it;
    /// `false` where the text is not such a text.
    pub fn package(&mut self, api_version: &str, text: &str) -> bool {
        let Some(group) = Group::from_text(text) else {
            return false;
        };
        let key = |kind: &String| (api_version.to_owned(), kind.clone());
        for kind in group.kinds.keys() {
            self.scopes.insert(key(kind), !group.cluster.contains(kind));
        }
        self.groups
            .add(api_version, group.kinds.keys().map(key).collect(), group);
        true
    }

    /// The kinds of a package (`apps/v1` and its definition, such as `#Deployment`; without one all kinds) in
    /// another format; nothing where no such kind is known.
    pub fn export(
        &self,
        path: &str,
        definition: Option<&str>,
        format: Format,
    ) -> Vec<serde_json::Value> {
        let learnt = self.groups.of_package(path);
        let shipped = crate::kinds()
            .filter(|entry| entry.2 == path)
            .map(|entry| (entry.0.to_owned(), entry.1.to_owned()));
        let mut kinds: Vec<(String, String)> = learnt.into_iter().chain(shipped).collect();
        kinds.retain(|(_, kind)| definition.is_none_or(|d| d.strip_prefix('#') == Some(kind)));
        kinds.sort();
        kinds.dedup();
        let found: Vec<_> = kinds
            .into_iter()
            .filter_map(|key| {
                let (group, id) = self.groups.kind(&key.0, &key.1)?;
                let namespaced = self.namespaced(&key.0, &key.1) != Some(false);
                let groups = &self.groups;
                Some((key, namespaced, group::Shelf { groups, group }, id))
            })
            .collect();
        let kinds = found.iter().map(|(key, namespaced, shelf, id)| Exported {
            api_version: &key.0,
            kind: &key.1,
            namespaced: *namespaced,
            schema: *id,
            source: shelf,
        });
        let kinds: Vec<Exported<'_>> = kinds.collect();
        match kinds.is_empty() {
            true => Vec::new(),
            false => export::documents(format, &kinds),
        }
    }

    /// Whether objects of a kind are in a namespace, where that is known.
    fn namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        let key = (api_version.to_owned(), kind.to_owned());
        let learnt = self.scopes.get(&key).copied();
        learnt.or_else(|| crate::scope(api_version, kind).map(|s| s == Scope::Namespaced))
    }

    /// Reads what ships of some packages, by their paths, before it is asked for.
    pub fn read_ahead<'p>(&self, paths: impl IntoIterator<Item = &'p str>) {
        for path in paths {
            self.groups.read_ahead(path);
        }
    }

    /// Checks every document of a file, and gives the number of objects in it.
    pub fn file(&self, file: FileId, text: &str) -> (usize, Vec<Diagnostic>) {
        let (objects, mut diagnostics) = self.objects(file, text);
        diagnostics.extend(objects.iter().flat_map(|object| object.diagnostics(file)));
        (objects.len(), diagnostics)
    }

    /// Checks every object of a file, those of lists one by one. The diagnostics are about the file's
    /// syntax.
    pub fn objects(&self, file: FileId, text: &str) -> (Vec<Checked>, Vec<Diagnostic>) {
        let (mut documents, diagnostics) = yaml::documents(file, text);
        let mut objects = Vec::new();
        for document in &mut documents {
            self.each(document, String::new(), &mut objects);
        }
        (objects, diagnostics)
    }

    /// Checks an object at a path, or each object of a list. It is left as the API server would complete it.
    fn each(&self, node: &mut Node, path: String, objects: &mut Vec<Checked>) {
        let mut walk = Walk {
            groups: &self.groups,
            quiet: false,
            path,
            findings: Vec::new(),
        };
        if self.is_unpacked(node) {
            let items = node.get_mut("items").map(|items| &mut items.value);
            if let Some(Value::List(items)) = items
                && !items.is_empty()
            {
                for (at, item) in items.iter_mut().enumerate() {
                    self.each(item, format!("{}.items[{at}]", walk.path), objects);
                }
                return;
            }
        } else {
            self.check(&mut walk, node);
        }
        let mut findings = walk.findings;
        findings.sort_by(|a, b| (a.span, &a.path).cmp(&(b.span, &b.path)));
        objects.push(Checked::new(node, findings));
    }

    /// Whether it is a list of objects that is checked element by element.
    fn is_unpacked(&self, node: &Node) -> bool {
        let text = |key: &str| node.get(key).and_then(Node::str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let plain = (api_version, kind) == ("v1", "List");
        kind.ends_with("List")
            && node.get("items").is_some()
            && (plain || self.groups.kind(api_version, kind).is_none())
    }

    /// Checks an object that was not read from a text.
    pub fn data(&self, data: &Data) -> Vec<Finding> {
        self.findings(&mut Node::from_data(data))
    }

    /// Checks one object, or each object of a list.
    pub fn object(&self, node: &Node) -> Vec<Finding> {
        self.findings(&mut node.clone())
    }

    fn findings(&self, node: &mut Node) -> Vec<Finding> {
        let mut objects = Vec::new();
        self.each(node, String::new(), &mut objects);
        objects.into_iter().flat_map(|o| o.findings).collect()
    }

    fn check(&self, walk: &mut Walk<'_>, node: &mut Node) {
        let mut names = [const { String::new() }; 2];
        for (at, key) in ["apiVersion", "kind"].into_iter().enumerate() {
            match node.get(key).map(|n| (n, n.str())) {
                Some((_, Some(text))) if !text.is_empty() => names[at] = text.to_owned(),
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
        let [api_version, kind] = names.each_ref().map(String::as_str);
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
        object: &mut Node,
        names: [&str; 2],
        group: &Arc<Group>,
        id: crate::schema::Id,
    ) {
        let [api_version, kind] = names;
        walk.complete(group, id, object, 0);
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
            walk.root(group, id, object);
        } else {
            walk.value(group, id, object, 0);
        }
        let scope = self.namespaced(api_version, kind);
        names::metadata(walk, api_version, kind, object, scope);
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

/// Whether a map in it has a key twice.
fn has_duplicates(node: &Node) -> bool {
    let entries = node.entries();
    let twice = match entries.len() {
        0..64 => (entries.iter().enumerate())
            .any(|(at, entry)| entries[..at].iter().any(|e| e.key == entry.key)),
        _ => {
            let mut seen = rustc_hash::FxHashSet::default();
            !entries.iter().all(|entry| seen.insert(&entry.key))
        }
    };
    twice
        || entries.iter().any(|entry| has_duplicates(&entry.value))
        || node.elements().iter().any(has_duplicates)
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

    /// Steps down to a field, as [`Walk::push`].
    fn push_field(&mut self, key: &str) -> usize {
        let end = self.path.len();
        if !self.quiet {
            self.path.push('.');
            self.path.push_str(key);
        }
        end
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports keys that are there twice.
    fn duplicates(&mut self, node: &Node) {
        if has_duplicates(node) {
            self.each_duplicate(node);
        }
    }

    fn each_duplicate(&mut self, node: &Node) {
        let entries = node.entries();
        for (at, entry) in entries.iter().enumerate() {
            let end = self.push(format_args!(".{}", entry.key));
            if entries.len() < 64 && entries[..at].iter().any(|e| e.key == entry.key) {
                let message = format!("key {:?} already set in map", entry.key);
                self.report(Finding::new(
                    Reason::DuplicateKey,
                    entry.key_span,
                    self.path(),
                    message,
                ));
            }
            self.each_duplicate(&entry.value);
            self.path.truncate(end);
        }
        if entries.len() >= 64 {
            let mut seen = rustc_hash::FxHashSet::default();
            for entry in entries.iter().filter(|e| !seen.insert(&e.key)) {
                let message = format!("key {:?} already set in map", entry.key);
                let path = format!("{}.{}", self.path(), entry.key);
                self.report(Finding::new(
                    Reason::DuplicateKey,
                    entry.key_span,
                    path,
                    message,
                ));
            }
        }
        for (at, element) in node.elements().iter().enumerate() {
            let end = self.push(format_args!("[{at}]"));
            self.each_duplicate(element);
            self.path.truncate(end);
        }
    }

    /// A whole custom resource: `metadata` is known, and its schema may only narrow its name.
    fn root(&mut self, group: &Arc<Group>, id: crate::schema::Id, object: &Node) {
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
        let common = ["apiVersion", "kind", "metadata"];
        let entries = object.entries().iter();
        for entry in entries.filter(|e| !common.contains(&&*e.key)) {
            let end = self.push_field(&entry.key);
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
