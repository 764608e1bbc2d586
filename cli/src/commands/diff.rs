//! `holosc diff`: two platforms, rendered trees or git revisions, compared by object.

use super::Session;
use crate::Outcome;
use crate::args::{Diff, Inputs, PlatformInput};
use crate::load::{Instance, Loader, fatal};
use crate::render::difference::{Files, Risk, Touched, between};
use crate::render::platform::Platform;
use crate::render::{Plan, plan};
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::eval::Evaluation;
use holos_lang::syntax::tree::{Decl, Expr, Label};
use holos_lang::value::Data;
use holos_schemas::validate::Validator;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// How many objects of a risk are listed.
const MOST_LISTED: usize = 40;

pub(super) fn run(session: &mut Session, args: &Diff) -> Outcome {
    match compare(session, args) {
        Ok(text) => session.print(text.as_bytes()),
        Err(outcome) => outcome,
    }
}

fn compare(session: &mut Session, args: &Diff) -> Result<String, Outcome> {
    if let Some(swap) = &args.swap {
        let directory = args.before.as_deref().unwrap_or(".");
        let (before, _) = platform(session, directory, &args.tags, None)?;
        let (after, roles) = platform(session, directory, &args.tags, Some(swap))?;
        return Ok(roles + &summary(&between(&before, &after)));
    }
    let before = side(
        session,
        args.before.as_deref().unwrap_or("HEAD"),
        &args.tags,
    )?;
    let after = side(session, args.after.as_deref().unwrap_or("."), &args.tags)?;
    Ok(summary(&between(&before, &after)))
}

/// The files of a rendered tree, of a platform, or of this directory at a git revision.
fn side(session: &mut Session, name: &str, tags: &[String]) -> Result<Files, Outcome> {
    let path = session.files.absolute(name);
    if path.join("clusters").is_dir() {
        let mut found = Files::new();
        return match collect(&path, &path.join("clusters"), &mut found) {
            Ok(()) => Ok(found),
            Err(error) => {
                let message = format!("cannot read `{name}`: {}", crate::files::plain(&error));
                Err(session.report(&[Diagnostic::error(Code(901), message)]))
            }
        };
    }
    if path.exists() || name.contains(':') {
        return Ok(platform(session, name, tags, None)?.0);
    }
    let checkout =
        Checkout::new(&session.files.cwd, name).map_err(|error| session.report(&[error]))?;
    let directory = checkout.directory.to_string_lossy().into_owned();
    Ok(platform(session, &directory, tags, None)?.0)
}

fn collect(root: &Path, dir: &Path, found: &mut Files) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|end| end == "yaml") {
            let name = path.strip_prefix(root).unwrap_or(&path);
            let name = name.to_string_lossy().replace('\\', "/");
            found.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(())
}

/// What is to be written, and what is wrong with it.
type Planned = (Plan, Vec<Diagnostic>);

fn planned(manifests: &Data, gitops: Option<&Data>) -> Planned {
    plan(manifests, gitops, &Validator::new())
}

/// A platform rendered in memory, with a line about the roles where `swap` changes them.
fn platform(
    session: &mut Session,
    directory: &str,
    tags: &[String],
    swap: Option<&str>,
) -> Result<(Files, String), Outcome> {
    let ((plan, found), roles) = match swap {
        None => {
            let input = PlatformInput {
                directory: directory.into(),
                tags: tags.into(),
                tag_variables: false,
            };
            (
                session.platform(&input, planned, |(_, found)| found)?.1,
                String::new(),
            )
        }
        Some(swap) => swapped(session, directory, tags, swap)?,
    };
    match session.report(&found) {
        Outcome::Fine => Ok((plan.files, roles)),
        outcome => Err(outcome),
    }
}

/// The platform with the role of one cluster given to another, which gets that one's in return.
fn swapped(
    session: &mut Session,
    directory: &str,
    tags: &[String],
    swap: &str,
) -> Result<(Planned, String), Outcome> {
    let fail = |session: &mut Session, message: String| {
        let error = Diagnostic::error(Code(910), message)
            .help("write it like `--swap primary=west`; roles are read where the platform's files say `clusters: west: role: \"standby\"`");
        session.report(&[error])
    };
    let Some((role, cluster)) = swap.split_once('=') else {
        return Err(fail(
            session,
            format!("`{swap}` is not a role and a cluster"),
        ));
    };
    let files = session.files.clone();
    let mut loader = Loader::new(&files);
    let inputs = Inputs {
        inputs: vec![directory.into()],
        tags: tags.into(),
        ..Default::default()
    };
    let instances = loader
        .load(&mut session.sources, &inputs)
        .map_err(|errors| session.report(&errors))?;
    let [mut instance]: [Instance; 1] = instances
        .try_into()
        .map_err(|_| fail(session, "this takes one platform".into()))?;
    instance.merge_data();
    let mut roles = Vec::new();
    for (_, file) in &instance.package.files {
        let mut file = (**file).clone();
        each_role(&mut file.decls, &mut Vec::new(), &mut |cluster, role| {
            roles.push((cluster.to_string(), role.to_string()));
            None
        });
    }
    let of = |name: &str| roles.iter().find(|(cluster, _)| cluster == name);
    let holder = roles.iter().find(|(_, held)| held == role);
    let (Some((_, given)), Some((holder, _))) = (of(cluster), holder) else {
        let message = format!("no cluster `{cluster}` could take the role `{role}` of another");
        return Err(fail(session, message));
    };
    for (_, file) in &mut instance.package.files {
        each_role(
            &mut Arc::make_mut(file).decls,
            &mut Vec::new(),
            &mut |name, _| {
                if name == cluster {
                    Some(role.into())
                } else if name == holder {
                    Some(given.as_str().into())
                } else {
                    None
                }
            },
        );
    }
    let mut importer = loader.importer(&instance);
    let (evaluation, found) = Evaluation::new(
        &mut session.sources,
        instance.package.clone(),
        &mut importer,
        &holos_stdlib::Standard,
    );
    drop(importer);
    if fatal(&found) {
        return Err(session.report(&found));
    }
    let mut evaluation = session
        .rendered(&mut loader, &mut instance, evaluation)
        .map_err(|errors| session.report(&errors))?;
    let (_, plan) =
        Platform::read(&mut evaluation, planned).map_err(|errors| session.report(&errors))?;
    let line = format!(" {holder}  {role} → {given}     {cluster}  {given} → {role}\n");
    Ok((plan, line))
}

/// Calls `each` with every `clusters: <name>: role: "…"` that is written out, and writes what it returns.
fn each_role(
    decls: &mut [Decl],
    path: &mut Vec<String>,
    each: &mut dyn FnMut(&str, &str) -> Option<Arc<str>>,
) {
    for decl in decls {
        match decl {
            Decl::Field(field) => {
                let name = match &field.label {
                    Label::Ident(ident) => ident.name.to_string(),
                    Label::String { value, .. } => value.to_string(),
                    _ => continue,
                };
                path.push(name);
                role_in(&mut field.value, path, each);
                path.pop();
            }
            Decl::Embed(expr) => role_in(expr, path, each),
            _ => {}
        }
    }
}

fn role_in(
    expr: &mut Expr,
    path: &mut Vec<String>,
    each: &mut dyn FnMut(&str, &str) -> Option<Arc<str>>,
) {
    match expr {
        Expr::Struct(literal) => each_role(&mut literal.decls, path, each),
        Expr::Binary(binary) => {
            for operand in &mut binary.operands {
                role_in(operand, path, each);
            }
        }
        Expr::Paren(inner, _) => role_in(inner, path, each),
        Expr::String(text, _) => {
            if let [.., clusters, name, role] = &path[..]
                && clusters == "clusters"
                && role == "role"
                && let Some(new) = each(name, text)
            {
                *text = new;
            }
        }
        _ => {}
    }
}

/// What a revision holds of the repository, in a folder that goes when this does.
struct Checkout {
    root: PathBuf,
    /// Where this directory is in it.
    directory: PathBuf,
}

impl Checkout {
    fn new(cwd: &Path, revision: &str) -> Result<Checkout, Diagnostic> {
        let commit = git(
            cwd,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                &format!("{revision}^{{commit}}"),
            ],
        )
        .map_err(|error| {
            let message = format!(
                "`{revision}` is no directory, and no revision of a git repository here{}",
                match error.as_str() {
                    "" => String::new(),
                    words => format!(": {words}"),
                }
            );
            Diagnostic::error(Code(910), message)
        })?;
        let fail = |error: String| {
            let message = format!("cannot read revision `{revision}`: {error}");
            Diagnostic::error(Code(901), message)
        };
        let prefix = git(cwd, &["rev-parse", "--show-prefix"]).map_err(fail)?;
        let top = git(cwd, &["rev-parse", "--show-toplevel"]).map_err(fail)?;
        let root =
            std::env::temp_dir().join(format!("holosc-diff-{}-{commit}", std::process::id()));
        let checkout = Checkout {
            directory: root.join(prefix),
            root,
        };
        std::fs::create_dir_all(&checkout.root).map_err(|e| fail(crate::files::plain(&e)))?;
        // An index of its own: that of the repository is left alone.
        let tree = format!("--work-tree={}", checkout.root.display());
        let index = checkout.root.with_extension("index");
        let result = Command::new("git")
            .current_dir(&top)
            .env("GIT_INDEX_FILE", &index)
            .args([&tree, "checkout", &commit, "--", "."])
            .output();
        let _ = std::fs::remove_file(index);
        match result {
            Ok(output) if output.status.success() => Ok(checkout),
            Ok(output) => Err(fail(String::from_utf8_lossy(&output.stderr).trim().into())),
            Err(error) => Err(fail(crate::files::plain(&error))),
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// What git prints; its own words where it fails.
fn git(cwd: &Path, arguments: &[&str]) -> Result<String, String> {
    match Command::new("git")
        .current_dir(cwd)
        .args(arguments)
        .output()
    {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        }
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_string()),
        Err(_) => Err("git is not installed".into()),
    }
}

fn summary(touched: &[Touched]) -> String {
    if touched.is_empty() {
        return " no object differs\n".into();
    }
    let count = |mark| touched.iter().filter(|one| one.mark == mark).count();
    let names = |of: fn(&Touched) -> &str| {
        let names: BTreeSet<&str> = touched
            .iter()
            .map(of)
            .filter(|name| !name.is_empty())
            .collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let mut out = format!(
        " {} objects change, {} appear, {} vanish\n clusters {}; namespaces {}\n",
        count('~'),
        count('+'),
        count('-'),
        names(|one| &one.identity.cluster),
        names(|one| &one.identity.namespace),
    );
    for risk in Risk::ALL {
        let of: Vec<&Touched> = touched.iter().filter(|one| one.risk == risk).collect();
        if of.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n {} ({})", risk.title(), of.len());
        for one in of.iter().take(MOST_LISTED) {
            let identity = &one.identity;
            let place = match identity.namespace.as_str() {
                "" => identity.name.clone(),
                namespace => format!("{namespace}/{}", identity.name),
            };
            let line = format!(
                "   {} {:<12} {} {place}   {}",
                one.mark, identity.cluster, identity.kind, one.words
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        if of.len() > MOST_LISTED {
            let _ = writeln!(out, "   … and {} more", of.len() - MOST_LISTED);
        }
    }
    out
}
