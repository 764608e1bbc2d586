//! Selectors of labels: `app=web,tier in (a, b),!old`.

use super::{is_label_value, is_qualified_name, shortened};
use holos_lang::value::Data;
use std::sync::Arc;

pub(super) struct Requirement {
    key: String,
    condition: Condition,
}

enum Condition {
    Exists,
    Missing,
    In(Vec<String>),
    /// True as well where the label is missing.
    NotIn(Vec<String>),
}

impl Requirement {
    pub(super) fn holds(&self, labels: &[(Arc<str>, Data)]) -> bool {
        let value = labels
            .iter()
            .find(|(key, _)| **key == *self.key)
            .map(|(_, value)| value);
        let among = |values: &[String]| match value {
            Some(Data::String(value)) => values.iter().any(|known| **known == **value),
            _ => false,
        };
        match &self.condition {
            Condition::Exists => value.is_some(),
            Condition::Missing => value.is_none(),
            Condition::In(values) => among(values),
            Condition::NotIn(values) => !among(values),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    // Commas inside parentheses belong to a set of values.
    let mut depth = 0;
    let parts = text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(|part| requirement(part.trim())).collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let key = |key: &str| match is_qualified_name(key.trim()) {
        true => Ok(key.trim().to_owned()),
        false => Err(format!(
            "{:?} is not the key of a label",
            shortened(key.trim())
        )),
    };
    let value = |value: &str| match is_label_value(value.trim()) {
        true => Ok(value.trim().to_owned()),
        false => Err(format!(
            "{:?} is not the value of a label",
            shortened(value.trim())
        )),
    };
    let (key, condition) = if let Some((name, wanted)) = text.split_once("!=") {
        (key(name)?, Condition::NotIn(vec![value(wanted)?]))
    } else if let Some((name, wanted)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (key(name)?, Condition::In(vec![value(wanted)?]))
    } else if let Some((head, rest)) = text.split_once('(') {
        let list = rest
            .strip_suffix(')')
            .ok_or_else(|| format!("{text:?} lacks its )"))?;
        let values = list
            .split(',')
            .map(value)
            .collect::<Result<Vec<_>, String>>()?;
        let words: Vec<&str> = head.split_whitespace().collect();
        match words[..] {
            [name, "in"] => (key(name)?, Condition::In(values)),
            [name, "notin"] => (key(name)?, Condition::NotIn(values)),
            _ => {
                return Err(format!(
                    "{:?} must be: key in (…) or key notin (…)",
                    shortened(text)
                ));
            }
        }
    } else if let Some(name) = text.strip_prefix('!') {
        (key(name)?, Condition::Missing)
    } else {
        (key(text)?, Condition::Exists)
    };
    Ok(Requirement { key, condition })
}
