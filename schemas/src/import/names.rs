//! Which shapes of a package become definitions, and what they are called.
//!
//! A kind's `spec` and `status` always do, and so does every object, long enumeration or long
//! pattern that stands in more than one place. The name is the field's, the most frequent first;
//! where two shapes want one name, the rarer is prefixed with the field it stands in.

use crate::schema::{Additional, Id, Pool, Schema, Type};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// A kind, and the schema of its objects.
pub(super) struct Root {
    pub(super) kind: String,
    pub(super) schema: Id,
}

#[derive(Default)]
struct Use {
    count: usize,
    /// Field and the field around it, with how often.
    fields: BTreeMap<(String, String), usize>,
    order: usize,
}

/// Names for the shapes of a package; those of the kinds themselves are not among them.
pub(super) fn choose(pool: &Pool, roots: &[Root]) -> Vec<(String, Id)> {
    let mut names: BTreeMap<Id, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = roots.iter().map(|r| r.kind.clone()).collect();
    let mut by_length: Vec<&Root> = roots.iter().collect();
    by_length.sort_by_key(|r| (r.kind.len(), r.kind.clone()));
    for root in by_length {
        for part in ["spec", "status"] {
            let Some(id) = pool.get(root.schema).property(part) else {
                continue;
            };
            let name = format!("{}{}", root.kind, capital(part));
            if !pool.get(id).properties.is_empty()
                && !names.contains_key(&id)
                && taken.insert(name.clone())
            {
                names.insert(id, name);
            }
        }
    }
    let mut uses = Uses {
        pool,
        seen: FxHashMap::default(),
    };
    for root in roots {
        for (name, id) in &pool.get(root.schema).properties {
            uses.visit(*id, name, &root.kind);
        }
    }
    let mut shared: Vec<(Id, Use)> = uses
        .seen
        .into_iter()
        .filter(|(id, u)| {
            u.count > 1 && !names.contains_key(id) && worth_naming(pool, pool.get(*id))
        })
        .collect();
    shared.sort_by_key(|(_, u)| (std::cmp::Reverse(u.count), u.order));
    for (id, used) in shared {
        names.insert(id, name(&used, &mut taken));
    }
    let mut names: Vec<(String, Id)> = names.into_iter().map(|(id, name)| (name, id)).collect();
    names.sort();
    names
}

fn name(used: &Use, taken: &mut BTreeSet<String>) -> String {
    let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
    for ((field, _), count) in &used.fields {
        *fields.entry(field).or_default() += count;
    }
    let mut fields: Vec<(&str, usize)> = fields.into_iter().collect();
    fields.sort_by_key(|(field, count)| (std::cmp::Reverse(*count), field.len()));
    let short = fields.iter().map(|(field, _)| capital(field));
    let long = used
        .fields
        .keys()
        .map(|(field, parent)| capital(parent) + &capital(field));
    let numbered = (2..).map(|n| format!("{}{n}", capital(fields[0].0)));
    let name = short
        .chain(long)
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or_default();
    taken.insert(name.clone());
    name
}

struct Uses<'a> {
    pool: &'a Pool,
    seen: FxHashMap<Id, Use>,
}

impl Uses<'_> {
    fn visit(&mut self, id: Id, field: &str, parent: &str) {
        let schema = self.pool.get(id);
        if let Some(element) = schema.items {
            self.visit(element, &singular(field), parent);
        }
        if let Some(Additional::Schema(value)) = schema.additional {
            self.visit(value, &singular(field), parent);
        }
        let order = self.seen.len();
        let used = self.seen.entry(id).or_insert_with(|| Use {
            order,
            ..Use::default()
        });
        used.count += 1;
        *used
            .fields
            .entry((field.to_owned(), parent.to_owned()))
            .or_default() += 1;
        if used.count == 1 {
            for (name, child) in &schema.properties {
                self.visit(*child, name, field);
            }
        }
    }
}

/// Whether the text of a schema is longer than a name.
fn worth_naming(pool: &Pool, schema: &Schema) -> bool {
    if schema.reference.is_some() {
        return false;
    }
    if schema.types == [Type::Object] || !schema.properties.is_empty() {
        return match &schema.properties[..] {
            [] => false,
            [(_, only)] => {
                !pool.get(*only).properties.is_empty() || text_length(pool.get(*only)) > 24
            }
            _ => true,
        };
    }
    schema.items.is_none() && text_length(schema) > 48
}

fn text_length(schema: &Schema) -> usize {
    let values: usize = schema.values.iter().map(|v| v.len() + 3).sum();
    values + schema.pattern.as_ref().map_or(0, |p| p.len()) + 8 * schema.rules.len()
}

/// `parentRefs` is a list of `parentRef`.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes"] {
        if plural.ends_with(ending) {
            return plural[..plural.len() - 2].to_owned();
        }
    }
    match plural.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') && !stem.is_empty() => stem.to_owned(),
        _ => plural.to_owned(),
    }
}

/// `matchLabels` as part of a definition's name: `MatchLabels`.
pub(super) fn capital(field: &str) -> String {
    let mut name = String::new();
    let mut up = true;
    for c in field.chars() {
        if !c.is_ascii_alphanumeric() {
            up = true;
        } else if up {
            name.push(c.to_ascii_uppercase());
            up = false;
        } else {
            name.push(c);
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("N{name}")
    } else {
        name
    }
}
