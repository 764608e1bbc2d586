//! What other programs render for a platform: charts, by `helm template`, and kustomizations, by `kustomize build`.
//!
//! The evaluator does no input or output. A platform says what is to be rendered (`external.requests`, see
//! `stdlib/platform/external.holos`); here the programs are run, each distinct command once, and what they print
//! becomes files of the library's package `platform/rendered`: `results: <key>: <kind>/<name>: <object>`. Its places are those in the program's
//! output, so that an object that breaks a law is shown where the program printed it.

use super::platform::{fields, get, text};
use crate::files::plain;
use crate::load::Document;
use holos_lang::diagnostic::{Code, Diagnostic, Place, Source, SourceMap, Span};
use holos_lang::syntax::tree::{Decl, Element, Expr, Field, Ident, Label, StructLit};
use holos_lang::value::Data;
use holos_schemas::Scope;
use holos_stdlib::encoding::{self, Format};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// More output than this is no chart's.
const MOST: u64 = 64 * 1024 * 1024;
/// How long a program may take where the platform does not say it.
const LONGEST: Duration = Duration::from_secs(120);
/// How often it is looked whether a program that printed everything has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// How many lines of a program's complaint are shown.
const LINES: usize = 12;
/// A program that the user has to install is not there.
const MISSING: Code = Code(435);
/// A program did not render what it was asked for.
const FAILED: Code = Code(436);

/// What one instance of a component wants.
#[derive(Clone, Debug)]
pub struct Request {
    /// `<cluster>/<component>`
    key: String,
    pub component: String,
    cluster: String,
    namespace: String,
    command: Invocation,
    /// The field, below the component, that says what is rendered.
    pub field: &'static str,
}

/// A command line, and what the program reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Invocation {
    program: &'static str,
    arguments: Vec<String>,
    input: Vec<u8>,
    /// What must be there, relative to the platform's directory.
    path: String,
    /// How long it may take.
    limit: Duration,
}

impl Invocation {
    /// As a person would type it, without the flags that are always there.
    fn shown(&self) -> String {
        let words: Vec<&str> = (self.arguments.iter())
            .take_while(|word| !word.starts_with("--"))
            .map(String::as_str)
            .collect();
        format!("{} {}", self.program, words.join(" "))
    }
}

/// The requests of a platform, from the data of `external.requests`.
///
/// # Errors
/// Values that cannot be written.
pub fn requests(data: &Data) -> Result<Vec<Request>, Diagnostic> {
    let mut out = Vec::new();
    for (key, request) in fields(data) {
        let of = |name: &str| text(request, name).to_owned();
        let limit = |field: &Data| match get(field, "timeout") {
            Some(Data::Number(seconds)) => {
                let seconds = seconds.to_string().parse().ok();
                seconds.map_or(LONGEST, Duration::from_secs)
            }
            _ => LONGEST,
        };
        let (command, field) = if let Some(helm) = get(request, "helm") {
            let nothing = Data::Struct(Vec::new().into());
            let mut input = Vec::new();
            let values = get(helm, "values").unwrap_or(&nothing);
            encoding::write(Format::Yaml, values, &mut input).map_err(|error| {
                Diagnostic::error(FAILED, format!("cannot write values: {error}"))
            })?;
            let chart = text(helm, "chart").to_owned();
            let mut arguments = vec![
                "template".to_owned(),
                text(helm, "release").into(),
                chart.clone(),
            ];
            let namespace = of("namespace");
            let flags = ["--skip-tests", "--values", "-", "--namespace", &namespace];
            arguments.extend(flags.map(str::to_owned));
            arguments.extend(["--kube-version".into(), text(helm, "kubernetes").into()]);
            if get(helm, "crds") == Some(&Data::Bool(true)) {
                arguments.push("--include-crds".into());
            }
            let command = Invocation {
                program: "helm",
                arguments,
                input,
                path: chart,
                limit: limit(helm),
            };
            (command, "helm.chart")
        } else if let Some(kustomize) = get(request, "kustomize") {
            let directory = text(kustomize, "directory").to_owned();
            let command = Invocation {
                program: "kustomize",
                arguments: vec!["build".into(), directory.clone()],
                input: Vec::new(),
                path: directory,
                limit: limit(kustomize),
            };
            (command, "kustomize.directory")
        } else {
            continue;
        };
        out.push(Request {
            key: key.to_string(),
            component: of("component"),
            cluster: of("cluster"),
            namespace: of("namespace"),
            command,
            field,
        });
    }
    Ok(out)
}

/// Runs the programs in `directory`. What they print becomes documents for the package; `place` says where a request was made.
///
/// # Errors
/// Each program that is missing, fails, or prints something that is no stream of objects.
pub fn run(
    requests: &[Request],
    directory: &Path,
    sources: &mut SourceMap,
    place: &mut dyn FnMut(&mut SourceMap, &Request) -> Option<Place>,
) -> Result<Vec<Document>, Vec<Diagnostic>> {
    let mut users: BTreeMap<&Invocation, Vec<&Request>> = BTreeMap::new();
    for request in requests {
        users.entry(&request.command).or_default().push(request);
    }
    let users: Vec<(&Invocation, Vec<&Request>)> = users.into_iter().collect();
    let outputs: Vec<Result<String, Diagnostic>> = users
        .par_iter()
        .map(|(command, users)| output(command, users[0].field, directory))
        .collect();
    let mut documents = Vec::new();
    let mut errors: Vec<Diagnostic> = Vec::new();
    for ((command, users), output) in users.iter().zip(outputs) {
        let first = users[0];
        let shown = command.shown();
        let of = match users.len() {
            1 => format!("component `{}` on `{}`", first.component, first.cluster),
            _ => format!("component `{}`", first.component),
        };
        // A program that is missing is missing once.
        let repeated = |error: &Diagnostic, errors: &[Diagnostic]| {
            error.code == MISSING && errors.iter().any(|e| e.message == error.message)
        };
        let found = match output {
            Err(error) if repeated(&error, &errors) => continue,
            Err(error) => Err(vec![error]),
            Ok(output) => objects(&shown, output, sources),
        };
        match found {
            Ok((file, objects)) => {
                for request in users {
                    let expr = result(request, &objects);
                    documents.push(Document { file, expr });
                }
            }
            Err(found) => {
                let place = place(sources, first);
                errors.extend(found.into_iter().map(|error| {
                    let error = match place {
                        Some(place) => error.label(place, "rendered for this"),
                        None => error,
                    };
                    error.note(format!("`{shown}` is run for {of}"))
                }));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let file = sources.add(Source {
        name: "external".into(),
        text: "".into(),
        user: false,
    });
    let expr = nest(&["ran"], Expr::Bool(true, Span::default()));
    documents.push(Document { file, expr });
    Ok(documents)
}

/// What a program prints; `field` is what it is run for.
fn output(command: &Invocation, field: &str, directory: &Path) -> Result<String, Diagnostic> {
    let deadline = Instant::now() + command.limit;
    let shown = command.shown();
    if !directory.join(&command.path).exists() {
        let message = format!("there is no `{}` to render", command.path);
        return Err(Diagnostic::error(FAILED, message)
            .help("the path is relative to the directory of the platform"));
    }
    let mut child = Command::new(command.program)
        .args(&command.arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Diagnostic::error(
                MISSING,
                format!(
                    "`{}` is not installed: no such program is on the PATH",
                    command.program
                ),
            )
            .help(format!(
                "install `{}`, or commit what it renders as objects",
                command.program
            )),
            _ => Diagnostic::error(FAILED, format!("cannot run `{shown}`: {}", plain(&error))),
        })?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // What the program leaves behind may hold the pipes open after it was stopped: these threads are not waited for.
    let (sender, receiver) = mpsc::channel();
    let input = command.input.clone();
    std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input says itself what is wrong.
            let _ = stdin.write_all(&input);
        }
    });
    let printing = sender.clone();
    std::thread::spawn(move || printing.send((true, limited(stdout))));
    std::thread::spawn(move || sender.send((false, limited(stderr))));
    let (mut printed, mut complaint) = (Vec::new(), Vec::new());
    let mut ended = true;
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok((true, all)) => printed = all,
            Ok((false, all)) => complaint = all,
            Err(_) => {
                ended = false;
                break;
            }
        }
        if printed.len() as u64 > MOST {
            break;
        }
    }
    if printed.len() as u64 > MOST {
        // It may still be writing.
        let _ = child.kill();
        let _ = child.wait();
        let message = format!("`{shown}` printed more than {} MB", MOST / 1024 / 1024);
        return Err(Diagnostic::error(FAILED, message));
    }
    let mut status = None;
    while ended && status.is_none() {
        status = child.try_wait().map_err(|error| {
            Diagnostic::error(FAILED, format!("cannot run `{shown}`: {}", plain(&error)))
        })?;
        if status.is_none() {
            ended = Instant::now() < deadline;
            std::thread::sleep(PAUSE);
        }
    }
    let Some(status) = status else {
        // It may have ended in this moment.
        let _ = child.kill();
        let _ = child.wait();
        let seconds = command.limit.as_secs();
        let message = format!("`{shown}` did not end within {seconds} s, and was stopped");
        let field = field.split('.').next().unwrap_or(field);
        return Err(Diagnostic::error(FAILED, message).help(format!(
            "if it needs longer, say how many seconds: `{field}: timeout: {}`",
            seconds.saturating_mul(2)
        )));
    };
    if !status.success() {
        let mut error = Diagnostic::error(FAILED, format!("`{shown}` failed: {status}"));
        let complaint = String::from_utf8_lossy(&complaint);
        let lines: Vec<&str> = complaint
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        for line in lines.iter().take(LINES) {
            error = error.note(*line);
        }
        if lines.len() > LINES {
            error = error.note(format!("… and {} lines more", lines.len() - LINES));
        }
        return Err(error);
    }
    String::from_utf8(printed)
        .map_err(|_| Diagnostic::error(FAILED, format!("what `{shown}` printed is no UTF-8")))
}

/// All of a stream, up to a byte more than the most.
fn limited(stream: Option<impl Read>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(stream) = stream {
        // What was read until an error is what there is.
        let _ = stream.take(MOST + 1).read_to_end(&mut out);
    }
    out
}

/// An object, with its key and whether it needs to be put into a namespace.
struct Rendered {
    kind: String,
    name: String,
    namespace: String,
    namespaced: bool,
    literal: StructLit,
}

type Objects = (holos_lang::diagnostic::FileId, Vec<Rendered>);

/// The objects of a program's output.
fn objects(
    shown: &str,
    output: String,
    sources: &mut SourceMap,
) -> Result<Objects, Vec<Diagnostic>> {
    let file = sources.add(Source {
        name: format!("output of `{shown}`").into(),
        text: output.as_str().into(),
        user: true,
    });
    let read = encoding::read(Format::Yaml, file, &output);
    if !read.errors.is_empty() {
        return Err(read.errors);
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for document in read.documents {
        flatten(document, file, &mut found, &mut errors);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // Kinds that the output itself defines.
    let mut defined: BTreeMap<(String, String), bool> = BTreeMap::new();
    for literal in &found {
        if scalar(literal, "kind") == "CustomResourceDefinition"
            && let Some(spec) = child(literal, "spec")
        {
            let kind = child(spec, "names").map_or("", |names| scalar(names, "kind"));
            let key = (scalar(spec, "group").to_owned(), kind.to_owned());
            defined.insert(key, scalar(spec, "scope") != "Cluster");
        }
    }
    let all = found.into_iter().map(|literal| {
        let version = scalar(&literal, "apiVersion");
        let kind = scalar(&literal, "kind").to_owned();
        let of = |name| {
            child(&literal, "metadata")
                .map_or("", |it| scalar(it, name))
                .to_owned()
        };
        let group = version
            .split_once('/')
            .map_or("", |(group, _)| group)
            .to_owned();
        // Of a kind that nobody knows, Argo CD decides it.
        let namespaced = match holos_schemas::scope(version, &kind) {
            Some(scope) => matches!(scope, Scope::Namespaced),
            None => defined
                .get(&(group, kind.clone()))
                .copied()
                .unwrap_or(false),
        };
        Rendered {
            name: of("name"),
            namespace: of("namespace"),
            namespaced,
            kind,
            literal,
        }
    });
    Ok((file, all.collect()))
}

/// Documents that are objects, and the items of lists of objects; an empty document is none.
fn flatten(
    document: Expr,
    file: holos_lang::diagnostic::FileId,
    found: &mut Vec<StructLit>,
    errors: &mut Vec<Diagnostic>,
) {
    let span = document.span();
    let not_object = |errors: &mut Vec<Diagnostic>| {
        let place = Place { file, span };
        errors.push(
            Diagnostic::error(
                FAILED,
                "this is no Kubernetes object: it has no `apiVersion`, `kind` and name",
            )
            .label(place, "printed here"),
        );
    };
    match document {
        Expr::Null(_) => {}
        Expr::Struct(literal) if literal.decls.is_empty() => {}
        Expr::Struct(literal) if scalar(&literal, "kind") == "List" => {
            let items = literal.decls.into_iter().find_map(|decl| match decl {
                Decl::Field(field) if named(&field) == Some("items") => Some(field.value),
                _ => None,
            });
            if let Some(Expr::List(list)) = items {
                for element in list.elements {
                    if let Element::Expr(item) = element {
                        flatten(item, file, found, errors);
                    }
                }
            }
        }
        Expr::Struct(literal) => {
            let name = child(&literal, "metadata").map_or("", |it| scalar(it, "name"));
            let words = [
                scalar(&literal, "apiVersion"),
                scalar(&literal, "kind"),
                name,
            ];
            match words.iter().any(|word| word.is_empty()) {
                true => not_object(errors),
                false => found.push(literal),
            }
        }
        _ => not_object(errors),
    }
}

fn named(field: &Field) -> Option<&str> {
    match &field.label {
        Label::Ident(ident) => Some(&ident.name),
        Label::String { value, .. } => Some(value),
        _ => None,
    }
}

fn value<'e>(literal: &'e StructLit, name: &str) -> Option<&'e Expr> {
    literal.decls.iter().find_map(|decl| match decl {
        Decl::Field(field) if named(field) == Some(name) => Some(&field.value),
        _ => None,
    })
}

fn child<'e>(literal: &'e StructLit, name: &str) -> Option<&'e StructLit> {
    match value(literal, name) {
        Some(Expr::Struct(inner)) => Some(inner),
        _ => None,
    }
}

/// The text of a field; empty where it is none.
fn scalar<'e>(literal: &'e StructLit, name: &str) -> &'e str {
    match value(literal, name) {
        Some(Expr::String(text, _)) => text,
        _ => "",
    }
}

/// The objects as the request's result, each in the component's namespace if it names none.
fn result(request: &Request, objects: &[Rendered]) -> Expr {
    let mut decls = Vec::new();
    for object in objects {
        let twin = |other: &Rendered| other.kind == object.kind && other.name == object.name;
        let key = match objects.iter().filter(|other| twin(other)).count() {
            1 => format!("{}/{}", object.kind, object.name),
            _ => format!("{}/{}/{}", object.kind, object.namespace, object.name),
        };
        let mut literal = object.literal.clone();
        if object.namespaced && object.namespace.is_empty() {
            let namespace = Expr::String(request.namespace.as_str().into(), Span::default());
            literal
                .decls
                .push(field("metadata", nest(&["namespace"], namespace)));
        }
        decls.push(field(&key, Expr::Struct(literal)));
    }
    let all = Expr::Struct(StructLit {
        decls,
        braces: true,
        span: Span::default(),
    });
    nest(&["results", &request.key], all)
}

/// `a: b: value`
fn nest(path: &[&str], value: Expr) -> Expr {
    path.iter().rev().fold(value, |value, name| {
        Expr::Struct(StructLit {
            decls: vec![field(name, value)],
            braces: true,
            span: Span::default(),
        })
    })
}

fn field(name: &str, value: Expr) -> Decl {
    let plain = name.chars().all(|c| c.is_ascii_lowercase());
    let span = Span::default();
    let label = match plain {
        true => Label::Ident(Ident {
            name: name.into(),
            span,
        }),
        false => Label::String {
            value: name.into(),
            span,
        },
    };
    Decl::Field(Field::regular(label, value, span))
}
