//! What files a platform's manifests make, and whether every object is fit to be applied.

use super::platform::get;
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::value::Data;
use holos_schemas::validate::{Finding, Reason, Validator};
use holos_stdlib::encoding::{self, Format};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The header of every file that is written.
const HEADER: &str = "# Written by holosc render; changes made here are lost.\n";

/// What to write, and what it came from.
#[derive(Debug, Default)]
pub struct Plan {
    /// Contents by path below the output directory, with `/`.
    pub files: BTreeMap<String, Vec<u8>>,
    pub clusters: usize,
    /// Distinct names of Namespace objects.
    pub namespaces: usize,
    /// Distinct names of components.
    pub components: usize,
    pub objects: usize,
    /// Distinct kinds of objects that a schema was found for.
    pub kinds: usize,
}

/// An object, and where it is: `manifests.east.bank.deployment`.
struct Object<'d> {
    cluster: &'d str,
    component: &'d str,
    /// None of what is in `gitops`.
    key: Option<&'d str>,
    data: &'d Data,
}

impl Object<'_> {
    /// The path of its value.
    fn path(&self) -> String {
        let [cluster, component] = [self.cluster, self.component].map(label);
        match self.key {
            Some(key) => format!("manifests.{cluster}.{component}.{}", label(key)),
            None => format!("gitops.{cluster}.{component}"),
        }
    }
}

/// Plans the files of a platform, and checks every object against the schema of its kind.
///
/// Findings are errors, but for kinds without a schema: those are warnings. Where one finding holds of
/// objects on several clusters, it is said once.
pub fn plan(
    manifests: &Data,
    gitops: Option<&Data>,
    validator: &Validator,
) -> (Plan, Vec<Diagnostic>) {
    let mut plan = Plan::default();
    let mut errors = Vec::new();
    let mut groups: Vec<(String, Vec<Object<'_>>)> = Vec::new();
    let mut components = BTreeSet::new();
    for (cluster, of_cluster) in fields(manifests, "manifests", &mut errors) {
        plan.clusters += 1;
        let path = format!("manifests.{}", label(cluster));
        for (component, objects) in fields(of_cluster, &path, &mut errors) {
            let path = format!("{path}.{}", label(component));
            for name in [cluster, component] {
                errors.extend(unfit(name, &path));
            }
            let objects: Vec<Object<'_>> = fields(objects, &path, &mut errors)
                .map(|(key, data)| Object {
                    cluster,
                    component,
                    key: Some(key),
                    data,
                })
                .collect();
            components.insert(component.clone());
            if !objects.is_empty() {
                groups.push((
                    format!("clusters/{cluster}/components/{component}/{component}.gen.yaml"),
                    objects,
                ));
            }
        }
    }
    for (cluster, of_cluster) in gitops
        .into_iter()
        .flat_map(|gitops| fields(gitops, "gitops", &mut errors))
        .collect::<Vec<_>>()
    {
        let path = format!("gitops.{}", label(cluster));
        for (component, data) in fields(of_cluster, &path, &mut errors) {
            let path = format!("{path}.{}", label(component));
            for name in [cluster, component] {
                errors.extend(unfit(name, &path));
            }
            let file = format!("clusters/{cluster}/gitops/{component}.application.gen.yaml");
            let object = Object {
                cluster,
                component,
                key: None,
                data,
            };
            groups.push((file, vec![object]));
        }
    }
    plan.components = components.len();
    let all: Vec<&Object<'_>> = groups.iter().flat_map(|(_, objects)| objects).collect();
    plan.objects = all.len();
    let namespaces = all
        .iter()
        .filter(|object| text(object.data, "kind") == Some("Namespace"));
    plan.namespaces = namespaces
        .map(|object| name(object.data))
        .collect::<BTreeSet<_>>()
        .len();
    let kinds = all
        .iter()
        .filter_map(|object| Some((text(object.data, "apiVersion")?, text(object.data, "kind")?)));
    let kinds: BTreeSet<_> = kinds
        .filter(|(version, kind)| holos_schemas::kind(version, kind).is_some())
        .collect();
    plan.kinds = kinds.len();
    let like = distinct(&groups);
    let made: Vec<Option<Made>> = all
        .par_iter()
        .zip(&like)
        .enumerate()
        .map(|(index, (object, &like))| (like == index).then(|| Made::of(object, validator)))
        .collect();
    let made: Vec<&Made> = like
        .iter()
        .filter_map(|&index| made[index].as_ref())
        .collect();
    errors.extend(check(&all, &made));
    let mut made = made.into_iter();
    for (file, objects) in &groups {
        let texts: Vec<_> = (made.by_ref().take(objects.len()))
            .map(|made| &made.text)
            .collect();
        match together(objects, &texts) {
            Ok(contents) => {
                plan.files.insert(file.clone(), contents);
            }
            Err(error) => errors.push(error),
        }
    }
    (plan, errors)
}

/// For each object, the first one that is the same: most objects are on several clusters, and looked at once. The
/// same ones have the same component and key.
fn distinct(groups: &[(String, Vec<Object<'_>>)]) -> Vec<usize> {
    type Known<'d> = Vec<(usize, &'d Data)>;
    let mut known: HashMap<(&str, Option<&str>), Known<'_>> = HashMap::new();
    let mut like = Vec::new();
    for object in groups.iter().flat_map(|(_, objects)| objects) {
        let index = like.len();
        let known = known.entry((object.component, object.key)).or_default();
        match known.iter().find(|(_, data)| is_same(data, object.data)) {
            Some(&(first, _)) => like.push(first),
            None => {
                known.push((index, object.data));
                like.push(index);
            }
        }
    }
    like
}

/// Whether two objects are equal; nearly always those that are have one value.
fn is_same(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Struct(x), Data::Struct(y)) if Arc::ptr_eq(x, y) => true,
        _ => a == b,
    }
}

/// What is made of an object.
struct Made {
    findings: Vec<Finding>,
    /// Its YAML, or why there is none.
    text: Result<Vec<u8>, String>,
}

impl Made {
    fn of(object: &Object<'_>, validator: &Validator) -> Made {
        let mut text = Vec::new();
        let written = encoding::write(Format::Yaml, object.data, &mut text);
        Made {
            findings: validator.data(object.data),
            text: written.map(|()| text).map_err(|error| error.to_string()),
        }
    }
}

/// The contents of a file.
fn together(
    objects: &[Object<'_>],
    texts: &[&Result<Vec<u8>, String>],
) -> Result<Vec<u8>, Diagnostic> {
    let mut out = HEADER.as_bytes().to_vec();
    for (i, (object, text)) in objects.iter().zip(texts).enumerate() {
        if i > 0 {
            out.extend_from_slice(b"---\n");
        }
        let text = text.as_ref().map_err(|error| {
            Diagnostic::error(Code(505), format!("cannot write this as YAML: {error}"))
                .at_path(object.path())
        })?;
        out.extend_from_slice(text);
    }
    Ok(out)
}

/// Findings on every object, the same ones on other clusters only counted.
fn check(objects: &[&Object<'_>], made: &[&Made]) -> Vec<Diagnostic> {
    // By what is wrong with what: the object's identity without the cluster.
    let mut groups: Vec<(String, Vec<(&Object<'_>, &Finding)>)> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for (object, made) in objects.iter().zip(made) {
        for finding in &made.findings {
            let key = match finding.reason {
                Reason::NoSchema => finding.message.clone(),
                _ => format!(
                    "{}\n{}\n{}",
                    describe(object.data),
                    finding.path,
                    finding.message
                ),
            };
            let at = *index.entry(key.clone()).or_insert_with(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push((object, finding));
        }
    }
    groups
        .into_iter()
        .filter_map(|(_, places)| {
            let (object, finding) = *places.first()?;
            let message = match finding.path.as_str() {
                "" => format!("{}: {}", describe(object.data), finding.message),
                path => format!("{}: {path}: {}", describe(object.data), finding.message),
            };
            let path = match finding.path.as_str() {
                "" => object.path(),
                path => format!("{}.{path}", object.path()),
            };
            let mut diagnostic = match finding.reason {
                Reason::NoSchema => Diagnostic::warning(finding.reason.code(), message),
                _ => Diagnostic::error(finding.reason.code(), message),
            };
            diagnostic = diagnostic
                .note(format!("the value is `{path}`"))
                .at_path(path);
            diagnostic.help.extend(finding.help.clone());
            match places.len() - 1 {
                0 => {}
                1 => diagnostic = diagnostic.note("and 1 more object for the same reason"),
                n => {
                    diagnostic =
                        diagnostic.note(format!("and {n} more objects for the same reason"))
                }
            }
            Some(diagnostic)
        })
        .collect()
}

/// The fields of a struct; anything else is an error.
fn fields<'d>(
    data: &'d Data,
    path: &str,
    errors: &mut Vec<Diagnostic>,
) -> std::slice::Iter<'d, (Arc<str>, Data)> {
    match data {
        Data::Struct(fields) => &fields[..],
        _ => {
            let message = format!("`{path}` is not a struct");
            errors.push(Diagnostic::error(Code(431), message).at_path(path));
            &[][..]
        }
    }
    .iter()
}

/// Names become folders and files: they are DNS labels, as Kubernetes' own names.
fn unfit(name: &str, path: &str) -> Option<Diagnostic> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let fine = name.chars().all(fits)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 200;
    (!fine).then(|| {
        Diagnostic::error(
            Code(432),
            format!("`{name}` cannot be the name of a folder"),
        )
        .at_path(path)
        .note("names of clusters and components are lower-case letters, digits, `-` and `.`")
    })
}

/// A label as a path shows it.
fn label(name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain {
        name.to_string()
    } else {
        format!("{name:?}")
    }
}

fn text<'d>(data: &'d Data, field: &str) -> Option<&'d str> {
    match get(data, field)? {
        Data::String(text) => Some(text),
        _ => None,
    }
}

fn name(data: &Data) -> &str {
    get(data, "metadata")
        .and_then(|metadata| text(metadata, "name"))
        .unwrap_or("")
}

/// `Deployment bank`, as people say it.
fn describe(data: &Data) -> String {
    match (text(data, "kind"), name(data)) {
        (None, _) => "object".into(),
        (Some(kind), "") => kind.into(),
        (Some(kind), name) => format!("{kind} {name}"),
    }
}
