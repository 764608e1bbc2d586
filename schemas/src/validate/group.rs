//! The schemas of one package, ready to check objects by.

use crate::import::Import;
use crate::schema::{Id, Pool, Schema};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, RwLock};

/// The schemas of the kinds and definitions of one package.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Kind to the schema of its objects.
    pub(crate) kinds: BTreeMap<String, Id>,
    /// The kinds whose objects are in no namespace.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) cluster: BTreeSet<String>,
    /// What references name.
    pub(crate) definitions: BTreeMap<String, Id>,
    pub(crate) schemas: Vec<Schema>,
    /// Whether these are built-in kinds: their reader takes null for "not set".
    #[serde(default)]
    pub(crate) builtin: bool,
    #[serde(skip)]
    pub(crate) patterns: FxHashMap<Box<str>, OnceLock<Option<regex::Regex>>>,
    #[serde(skip)]
    pub(crate) rules: FxHashMap<Box<str>, OnceLock<Option<cel::Program>>>,
}

impl Group {
    /// The part of an import that belongs to the package at `path`.
    pub(crate) fn of(import: &Import, path: &str) -> Group {
        let mut pool = Pool::default();
        let mut group = Group::default();
        for kind in import
            .packages
            .iter()
            .filter(|p| p.path == path)
            .flat_map(|p| &p.kinds)
        {
            let id = pool.adopt(&import.pool, kind.schema, &mut |_, _| {});
            group.kinds.insert(kind.kind.clone(), id);
            if !kind.namespaced {
                group.cluster.insert(kind.kind.clone());
            }
        }
        for (name, id) in &import.definitions {
            let target = crate::import::kubernetes::target(name);
            group.builtin |= target.as_ref().is_some_and(|(at, _)| at == path);
            // A name that is no built-in one may be named by any package of its document.
            let place = target.or_else(|| import.places.get(name).cloned());
            if place.map_or(!path.starts_with("k8s.io/"), |(at, _)| at == path) {
                group
                    .definitions
                    .insert(name.clone(), pool.adopt(&import.pool, *id, &mut |_, _| {}));
            }
        }
        group.schemas = pool.iter().cloned().collect();
        group.ready()
    }

    /// Reads what [`Group::to_text`] wrote.
    pub(crate) fn from_text(text: &str) -> Option<Group> {
        let mut group = serde_json::from_str::<Group>(text).ok()?;
        // A schema comes after those it mentions: nothing is missing, and nothing is endless.
        let mut schemas = group.schemas.iter_mut().enumerate();
        let sound = schemas.all(|(at, schema)| {
            let mut children = schema.children_mut();
            children.all(|child| (child.0 as usize) < at)
        });
        let mut named = group.kinds.values().chain(group.definitions.values());
        let named = named.all(|id| (id.0 as usize) < group.schemas.len());
        (sound && named).then(|| group.ready())
    }

    /// JSON, one schema a line.
    pub(crate) fn to_text(&self) -> String {
        let json = |value: &dyn erased::Json| value.text();
        let cluster = match self.cluster.is_empty() {
            true => String::new(),
            false => format!("\"cluster\":{},\n", json(&self.cluster)),
        };
        let mut text = format!(
            "{{\"builtin\":{},\n\"kinds\":{},\n{cluster}\"definitions\":{},\n\"schemas\":[\n",
            self.builtin,
            json(&self.kinds),
            json(&self.definitions)
        );
        for (at, schema) in self.schemas.iter().enumerate() {
            let comma = if at + 1 < self.schemas.len() { "," } else { "" };
            text.push_str(&format!("{}{comma}\n", json(schema)));
        }
        text + "]}\n"
    }

    fn ready(mut self) -> Group {
        let patterns = self.schemas.iter().filter_map(|s| s.pattern.clone());
        self.patterns = patterns.map(|p| (p, OnceLock::new())).collect();
        let rules = self.schemas.iter().flat_map(|s| &s.rules);
        let texts = rules.flat_map(|r| [r.rule.clone(), r.message_expression.clone()]);
        self.rules = texts.map(|r| (r, OnceLock::new())).collect();
        self
    }

    /// The schema of an id of this group.
    pub(crate) fn get(&self, id: Id) -> &Schema {
        &self.schemas[id.0 as usize]
    }

    /// The compiled form of a pattern of one of this group's schemas; `None` where it cannot be.
    pub(crate) fn pattern(&self, pattern: &str) -> Option<&regex::Regex> {
        let compile = || {
            regex::RegexBuilder::new(&re2(pattern))
                .size_limit(1 << 22)
                .build()
                .ok()
        };
        self.patterns.get(pattern)?.get_or_init(compile).as_ref()
    }
}

impl Group {
    /// The compiled form of a rule of one of this group's schemas; `None` where it cannot be.
    pub(crate) fn rule(&self, rule: &str) -> Option<&cel::Program> {
        let compile = || super::rules::compile(rule).ok();
        self.rules.get(rule)?.get_or_init(compile).as_ref()
    }
}

mod erased {
    /// Values that become JSON text.
    pub(super) trait Json {
        fn text(&self) -> String;
    }

    impl<T: serde::Serialize> Json for T {
        fn text(&self) -> String {
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

/// RE2's syntax in the `regex` crate's: its classes are ASCII, and `[`, `&&`, `--` and `~~` mean
/// nothing special inside of brackets.
pub(crate) fn re2(pattern: &str) -> String {
    let mut out = String::new();
    let mut class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next().unwrap_or('\\');
                match (next, class) {
                    ('d', true) => out.push_str("0-9"),
                    ('d', false) => out.push_str("[0-9]"),
                    ('w', true) => out.push_str("0-9A-Za-z_"),
                    ('w', false) => out.push_str("[0-9A-Za-z_]"),
                    ('s', true) => out.push_str("\\t\\n\\f\\r "),
                    ('s', false) => out.push_str("[\\t\\n\\f\\r ]"),
                    _ => out.extend(['\\', next]),
                }
            }
            '[' if class && chars.peek() == Some(&':') => out.push('['),
            '[' if class => out.push_str("\\["),
            '[' => {
                class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            ']' if class && out.ends_with(':') && out[..out.len() - 1].contains("[:") => {
                // The end of `[:alpha:]`, not of the class around it.
                out.push(']');
            }
            ']' => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => out.extend(['\\', c]),
            '-' if class && out.ends_with('-') => out.push_str("\\-"),
            _ => out.push(c),
        }
    }
    out
}

/// Definitions by name; none where there is none of that name.
type Found = FxHashMap<Box<str>, Option<(Arc<Group>, Id)>>;

/// The groups read so far, embedded or learnt.
#[derive(Default)]
pub(crate) struct Groups {
    /// By the path of their package.
    learnt: BTreeMap<String, Arc<Group>>,
    /// apiVersion and kind to the package, for what was learnt.
    kinds: FxHashMap<(String, String), String>,
    /// The package of a definition that references name, for what was learnt.
    definitions: FxHashMap<String, String>,
    read: RwLock<FxHashMap<String, Option<Arc<Group>>>>,
    /// Definitions that were looked for, by name.
    found: RwLock<Found>,
}

impl Groups {
    /// Adds the kinds of an import; they come before those that ship.
    pub(crate) fn learn(&mut self, import: &Import) {
        for package in &import.packages {
            let group = Group::of(import, &package.path);
            let kinds = package.kinds.iter();
            let kinds = kinds.map(|k| (k.api_version.clone(), k.kind.clone()));
            self.add(&package.path, kinds.collect(), group);
        }
    }

    /// Adds a group of these kinds (apiVersion and kind) to what is known of a package.
    pub(crate) fn add(&mut self, path: &str, kinds: Vec<(String, String)>, mut group: Group) {
        if let Some(old) = self.learnt.get(path) {
            merge(&mut group, old);
        }
        self.found = RwLock::default();
        let of_path = |key| (key, path.to_owned());
        self.kinds.extend(kinds.into_iter().map(of_path));
        for name in group.definitions.keys() {
            self.definitions.insert(name.clone(), path.to_owned());
        }
        self.learnt.insert(path.to_owned(), Arc::new(group));
    }

    /// The kinds that were learnt of a package: apiVersion and kind.
    pub(crate) fn of_package(&self, path: &str) -> Vec<(String, String)> {
        let Some(group) = self.learnt.get(path) else {
            return Vec::new();
        };
        let of_path = |key: &(String, String)| self.kinds.get(key).is_some_and(|p| p == path);
        let mut kinds: Vec<_> = (group.kinds.keys())
            .map(|kind| (path.to_owned(), kind.clone()))
            .filter(of_path)
            .collect();
        kinds.sort();
        kinds
    }

    /// The group that has a kind, and the schema of the kind's objects.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<(Arc<Group>, Id)> {
        let key = (api_version.to_owned(), kind.to_owned());
        let group = match self.kinds.get(&key) {
            Some(path) => self.learnt.get(path)?.clone(),
            None => self.shipped(crate::kind(api_version, kind)?.0)?,
        };
        let id = *group.kinds.get(kind)?;
        Some((group, id))
    }

    /// The group that has a definition, and its schema.
    pub(crate) fn definition(&self, name: &str) -> Option<(Arc<Group>, Id)> {
        if let Ok(found) = self.found.read()
            && let Some(definition) = found.get(name)
        {
            return definition.clone();
        }
        let definition = self.look_for(name);
        if let Ok(mut found) = self.found.write() {
            found.insert(name.into(), definition.clone());
        }
        definition
    }

    fn look_for(&self, name: &str) -> Option<(Arc<Group>, Id)> {
        let group = match self.definitions.get(name) {
            Some(path) => self.learnt.get(path)?.clone(),
            None => self.shipped(&crate::import::kubernetes::target(name)?.0)?,
        };
        let id = *group.definitions.get(name)?;
        Some((group, id))
    }

    pub(crate) fn read_ahead(&self, path: &str) {
        _ = self.shipped(path);
    }

    fn shipped(&self, path: &str) -> Option<Arc<Group>> {
        if let Ok(read) = self.read.read()
            && let Some(group) = read.get(path)
        {
            return group.clone();
        }
        let group = crate::schema_text(path)
            .and_then(|text| Group::from_text(&text))
            .map(Arc::new);
        if let Ok(mut read) = self.read.write() {
            read.insert(path.to_owned(), group.clone());
        }
        group
    }
}

/// Adds what another group has and `group` does not.
fn merge(group: &mut Group, other: &Group) {
    let mut pool = Pool::default();
    let mut from = Pool::default();
    for schema in &group.schemas {
        pool.add(schema.clone());
    }
    for schema in &other.schemas {
        from.add(schema.clone());
    }
    for (kind, id) in &other.kinds {
        if !group.kinds.contains_key(kind) {
            group
                .kinds
                .insert(kind.clone(), pool.adopt(&from, *id, &mut |_, _| {}));
            if other.cluster.contains(kind) {
                group.cluster.insert(kind.clone());
            }
        }
    }
    for (name, id) in &other.definitions {
        if !group.definitions.contains_key(name) {
            let id = pool.adopt(&from, *id, &mut |_, _| {});
            group.definitions.insert(name.clone(), id);
        }
    }
    group.schemas = pool.iter().cloned().collect();
    *group = std::mem::take(group).ready();
}

/// A group among those its references lead to.
pub(crate) struct Shelf<'g> {
    pub(crate) groups: &'g Groups,
    pub(crate) group: Arc<Group>,
}

impl crate::export::Source for Shelf<'_> {
    fn schema(&self, id: Id) -> &Schema {
        self.group.get(id)
    }

    fn named(&self, name: &str) -> Option<(Box<dyn crate::export::Source + '_>, Id)> {
        let (group, id) = self.groups.definition(name)?;
        let groups = self.groups;
        Some((Box::new(Shelf { groups, group }), id))
    }
}
