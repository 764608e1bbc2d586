//! What a platform's package says, as data: its manifests, and what there is to know about it.

use crate::commands::Session;
use crate::load::fatal;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::eval::apart::{Share, Step};
use holos_lang::eval::{Evaluation, Selector};
use holos_lang::value::Data;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stack of the thread that works while the laws are looked at.
const STACK: usize = 8 * 1024 * 1024;

/// A platform without errors.
#[derive(Debug)]
pub struct Platform {
    /// By cluster, component and key.
    pub manifests: Data,
    /// By cluster and component.
    pub gitops: Option<Data>,
    /// See `stdlib/platform/inventory.holos`.
    pub inventory: Option<Data>,
}

impl Platform {
    /// Reads a package. The whole platform must be free of errors: its laws are hidden fields.
    ///
    /// `meanwhile` has what is rendered while another processor finds out whether the laws hold. What it made of that
    /// is of use where there is nothing wrong.
    pub fn read<T: Send>(
        evaluation: &mut Evaluation<'_>,
        meanwhile: impl Fn(&Data, Option<&Data>) -> T + Sync,
    ) -> Result<(Platform, T), Vec<Diagnostic>> {
        if let Some(found) = apart(evaluation, &meanwhile) {
            return Ok(found);
        }
        let errors = Session::wrong(evaluation);
        if fatal(&errors) {
            return Err(circle(evaluation).map_or(errors, |error| vec![error]));
        }
        let manifests = field(evaluation, &["manifests"])?.ok_or_else(no_platform)?;
        let platform = Platform {
            gitops: field(evaluation, &["gitops"])?,
            inventory: field(evaluation, &["inventory"])?,
            manifests,
        };
        let made = meanwhile(&platform.manifests, platform.gitops.as_ref());
        Ok((platform, made))
    }
}

/// A platform with which nothing is wrong, by two processors: what namespaces come to takes as long as all else, and needs
/// little of it. `None` where something is wrong, or the package cannot be divided in this way: [`Platform::read`] evaluates it
/// by one, then.
pub fn apart<T: Send>(
    evaluation: &mut Evaluation<'_>,
    meanwhile: &(impl Fn(&Data, Option<&Data>) -> T + Sync),
) -> Option<(Platform, T)> {
    let each = |component| [Step::Field("manifests"), Step::Each, Step::Field(component)];
    let (division, mut copy) = evaluation.divide(&[
        &[Step::Field("namespaces")],
        &each("namespaces"),
        &each("secret-stores"),
    ])?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = || {
        let receiver = receiver;
        let manifests = copy.data_of_share(&division, Share::Apart, "manifests");
        let sound = copy.is_share_sound(&division, Share::Apart);
        // The process is about to end: giving a large value back piece by piece is waste.
        std::mem::forget(copy);
        // Without the other share there is nothing to make.
        let (here, gitops): (Data, Option<Data>) = receiver.recv().ok()?;
        let manifests = division.together("manifests", here, manifests.filter(|_| sound)??)?;
        let made = meanwhile(&manifests, gitops.as_ref());
        Some((manifests, gitops, made))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).ok()?;
        let mut share = |name| evaluation.data_of_share(&division, Share::Here, name);
        if let Some(Some(manifests)) = share("manifests")
            && let Some(gitops) = share("gitops")
        {
            // Nobody listens where something is wrong.
            let _ = sender.send((manifests, gitops));
        }
        drop(sender);
        let sound = evaluation.is_share_sound(&division, Share::Here);
        let inventory = evaluation.data_of_share(&division, Share::Here, "inventory");
        // A thread that panicked ends the command.
        let made = thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (manifests, gitops, made) = made.filter(|_| sound)?;
        let platform = Platform {
            manifests,
            gitops,
            inventory: inventory?,
        };
        Some((platform, made))
    })
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
