//! What a platform's package says, as data: its manifests, and what there is to know about it.

use crate::commands::Session;
use crate::load::fatal;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::eval::{Evaluation, Selector};
use holos_lang::value::Data;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stack of the thread that works while the laws are looked at.
const STACK: usize = 8 * 1024 * 1024;

/// A platform without errors.
#[derive(Debug)]
pub struct Platform {
    pub manifests: Data,
    pub gitops: Option<Data>,
    /// See `stdlib/platform/inventory.holos`.
    pub inventory: Option<Data>,
}

impl Platform {
    /// Reads an evaluated package. The whole platform must be free of errors: its laws are hidden fields.
    ///
    /// What is rendered is evaluated first, and `meanwhile` has it while another processor finds out whether the
    /// laws hold. What it made of that is of use where there is nothing wrong.
    pub fn read<T: Send>(
        evaluation: &mut Evaluation<'_>,
        meanwhile: impl Fn(&Data, Option<&Data>) -> T + Sync,
    ) -> Result<(Platform, T), Vec<Diagnostic>> {
        let ahead = |evaluation: &mut Evaluation<'_>, name: &str| {
            evaluation.data_ahead(&[Selector::Field(name.into())])
        };
        let manifests = ahead(evaluation, "manifests");
        let gitops = manifests.as_ref().and_then(|_| ahead(evaluation, "gitops"));
        let (errors, made) = std::thread::scope(|scope| {
            let work = || Some(meanwhile(manifests.as_ref()?, gitops.as_ref()));
            let thread = std::thread::Builder::new().stack_size(STACK);
            let thread = thread.spawn_scoped(scope, work);
            let errors = Session::wrong(evaluation);
            // Where no thread can be had, it is made now. One that panicked ends the command.
            let made = match thread {
                Ok(thread) => thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) if fatal(&errors) => None,
                Err(_) => work(),
            };
            (errors, made)
        });
        if fatal(&errors) {
            return Err(circle(evaluation).map_or(errors, |error| vec![error]));
        }
        let inventory = field(evaluation, &["inventory"])?;
        let (manifests, gitops, made) = match (manifests, made) {
            (Some(manifests), Some(made)) => (manifests, gitops, made),
            _ => {
                let manifests = field(evaluation, &["manifests"])?.ok_or_else(no_platform)?;
                let gitops = field(evaluation, &["gitops"])?;
                let made = meanwhile(&manifests, gitops.as_ref());
                (manifests, gitops, made)
            }
        };
        let platform = Platform {
            manifests,
            gitops,
            inventory,
        };
        Ok((platform, made))
    }
}

fn no_platform() -> Vec<Diagnostic> {
    let message = "this package is not a platform: it has no field `manifests`";
    let help = "a platform is `platform.#Platform & {…}` after `import \"platform\"`";
    vec![Diagnostic::error(Code(430), message).help(help)]
}

/// The concrete data of a field.
fn field(evaluation: &mut Evaluation<'_>, path: &[&str]) -> Result<Option<Data>, Vec<Diagnostic>> {
    let root = evaluation.root();
    let path: Vec<Selector> = path
        .iter()
        .map(|name| Selector::Field((*name).into()))
        .collect();
    let Some(node) = evaluation.lookup(root, &path) else {
        return Ok(None);
    };
    evaluation.data(node).map(Some)
}

/// Components that wait for each other. The language sees that as a value that depends on itself, and cannot name them.
fn circle(evaluation: &mut Evaluation<'_>) -> Option<Diagnostic> {
    let after = field(evaluation, &["inventory", "after"]).ok()??;
    let after: BTreeMap<&str, Vec<&str>> = fields(&after)
        .iter()
        .map(|(name, all)| (&**name, strings(all)))
        .collect();
    let mut done = Vec::new();
    let way = after
        .keys()
        .find_map(|start| walk(start, &after, &mut Vec::new(), &mut done))?;
    let message = format!(
        "components wait for each other: {}",
        way.iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" after ")
    );
    Some(
        Diagnostic::error(Code(434), message)
            .help("take one of them out of the other's `needs`")
            .at_path(format!("components.{}.needs", way[0])),
    )
}

/// The way from a component back to it, if there is one.
fn walk<'d>(
    at: &'d str,
    after: &BTreeMap<&'d str, Vec<&'d str>>,
    way: &mut Vec<&'d str>,
    done: &mut Vec<&'d str>,
) -> Option<Vec<&'d str>> {
    if let Some(start) = way.iter().position(|name| *name == at) {
        let mut found = way[start..].to_vec();
        found.push(at);
        return Some(found);
    }
    if done.contains(&at) {
        return None;
    }
    way.push(at);
    let found = after
        .get(at)
        .into_iter()
        .flatten()
        .find_map(|next| walk(next, after, way, done));
    way.pop();
    done.push(at);
    found
}

/// The fields of a struct; none of anything else.
pub fn fields(data: &Data) -> &[(Arc<str>, Data)] {
    match data {
        Data::Struct(fields) => fields,
        _ => &[],
    }
}

/// A field by its name.
pub fn get<'d>(data: &'d Data, name: &str) -> Option<&'d Data> {
    fields(data)
        .iter()
        .find(|(key, _)| **key == *name)
        .map(|(_, value)| value)
}

/// A text field; empty where there is none.
pub fn text<'d>(data: &'d Data, name: &str) -> &'d str {
    match get(data, name) {
        Some(Data::String(text)) => text,
        _ => "",
    }
}

/// The texts of a list.
pub fn strings(data: &Data) -> Vec<&str> {
    match data {
        Data::List(items) => items
            .iter()
            .filter_map(|item| match item {
                Data::String(text) => Some(&**text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
