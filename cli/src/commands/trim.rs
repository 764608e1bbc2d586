//! `holosc trim`: removes from files what schemas and templates imply already; see [`crate::trim`].

use super::{Session, graver};
use crate::Outcome;
use crate::args::Trim;
use crate::encode::emit;
use crate::load::{Instance, Loader, fatal};
use crate::trim::{Candidate, Cuts, candidates, largest, pruned, without};
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place};
use holos_lang::eval::{Evaluation, Strictness, View};
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::print;
use holos_lang::syntax::tree::{Decl, Expr, File};
use std::sync::Arc;

/// How much is shown of what goes.
const WIDEST: usize = 80;

/// Everything that has to stay the same.
const VIEW: View = View {
    hidden: true,
    definitions: true,
    optional: true,
    patterns: true,
    attributes: true,
    defaults: true,
    concrete: false,
};

pub(super) fn run(session: &mut Session, args: &Trim) -> Outcome {
    let files = session.files.clone();
    let mut loader = Loader::new(&files);
    let instances = match loader.load(&mut session.sources, &args.inputs) {
        Ok(instances) => instances,
        Err(errors) => return session.report(&errors),
    };
    let mut outcome = Outcome::Fine;
    for mut instance in instances {
        let own = own_files(session, &instance);
        instance.merge_data();
        let found = match trim(session, &mut loader, &instance, &own) {
            Ok(cuts) => write(session, args, &own, &cuts),
            Err(errors) => session.report(&errors),
        };
        outcome = graver(outcome, found);
    }
    outcome
}

/// The source files of the package itself: what stands in the directories above belongs to others, too.
fn own_files(session: &Session, instance: &Instance) -> Vec<(FileId, Arc<File>)> {
    let dir = session.files.absolute(&instance.name);
    let mut files = instance.package.files.clone();
    if session.files.is_dir(&dir) {
        files.retain(|(file, _)| {
            let path = session.files.absolute(&*session.sources.get(*file).name);
            path.parent() == Some(&dir)
        });
    }
    files
}

/// What can go.
fn trim(
    session: &mut Session,
    loader: &mut Loader<'_>,
    instance: &Instance,
    own: &[(FileId, Arc<File>)],
) -> Result<Cuts, Vec<Diagnostic>> {
    let (whole, mut evaluation) = outcome(session, loader, instance, instance.package.clone())?;
    let implied = evaluation.implied();
    drop(evaluation);
    let mut open: Vec<Candidate> = own
        .iter()
        .flat_map(|(file, tree)| candidates(*file, tree))
        .filter(|candidate| implied.contains(&candidate.value))
        .collect();
    let mut cuts = Cuts::new();
    let mut refused = Cuts::new();
    while !open.is_empty() {
        largest(&open, &mut cuts, &mut |trial| {
            let mut package = instance.package.clone();
            for (file, tree) in &mut package.files {
                if own.iter().any(|(other, _)| other == file) {
                    *tree = Arc::new(pruned(*file, tree, trial).0);
                }
            }
            outcome(session, loader, instance, package).is_ok_and(|(found, _)| found == whole)
        });
        refused.extend(open.iter().map(|candidate| candidate.cut));
        open = own
            .iter()
            .flat_map(|(file, tree)| pruned(*file, tree, &cuts).1)
            .filter(|candidate| !refused.contains(&candidate.cut))
            .collect();
    }
    Ok(cuts)
}

/// What a package comes to, and its evaluation.
fn outcome(
    session: &mut Session,
    loader: &mut Loader<'_>,
    instance: &Instance,
    package: PackageFiles,
) -> Result<(String, Evaluation<'static>), Vec<Diagnostic>> {
    let mut importer = loader.importer(instance);
    let builtins = &holos_stdlib::Standard;
    let (mut evaluation, found) =
        Evaluation::new(&mut session.sources, package, &mut importer, builtins);
    if fatal(&found) {
        return Err(found);
    }
    let root = evaluation.root();
    let errors = evaluation.errors(root, Strictness::Final);
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok((sorted(evaluation.tree(root, VIEW)), evaluation))
}

/// A value as text that does not depend on the order of fields.
fn sorted(value: Expr) -> String {
    fn sort(value: &mut Expr) {
        match value {
            Expr::Struct(literal) => {
                for decl in &mut literal.decls {
                    if let Decl::Field(field) = decl {
                        sort(&mut field.value);
                    }
                }
                (literal.decls).sort_by_cached_key(|decl| match decl {
                    Decl::Field(field) => format!("{:?}", field.label),
                    _ => String::new(),
                });
            }
            Expr::List(list) => {
                for element in &mut list.elements {
                    if let holos_lang::syntax::tree::Element::Expr(value) = element {
                        sort(value);
                    }
                }
            }
            _ => {}
        }
    }
    let mut value = value;
    sort(&mut value);
    print(&File {
        decls: vec![Decl::Embed(value)],
        ..File::default()
    })
}

/// Writes the files that change, and says what went.
fn write(session: &mut Session, args: &Trim, own: &[(FileId, Arc<File>)], cuts: &Cuts) -> Outcome {
    let within = |a: &Place, b: &Place| {
        a != b && a.file == b.file && b.span.start <= a.span.start && a.span.end <= b.span.end
    };
    // What is in something that goes is not told by itself.
    let outermost: Vec<&Place> = cuts
        .iter()
        .filter(|place| !cuts.iter().any(|other| within(place, other)))
        .collect();
    let cut_in = |file: FileId| {
        outermost
            .iter()
            .copied()
            .filter(move |place| place.file == file)
    };
    if let Some(target) = &args.out {
        let [(file, tree)] = own else {
            let error = Diagnostic::error(Code(910), "`--outfile` is for one file");
            return session.report(&[error]);
        };
        let text = without(*file, tree, &session.sources.get(*file).text, cuts);
        let path = (target != "-").then(|| session.files.absolute(target));
        if let Some(path) = path.as_ref().filter(|path| path.exists() && !args.force) {
            let message = format!("`{}` exists", session.files.display(path));
            let error = Diagnostic::error(Code(905), message);
            return session.report(&[error.help("overwrite it with `--force`")]);
        }
        return match emit(&session.files, path.as_deref(), text.as_bytes()) {
            Ok(()) => Outcome::Fine,
            Err(error) => session.report(&[error]),
        };
    }
    let mut listed = String::new();
    for (file, tree) in own {
        if cut_in(*file).next().is_none() {
            continue;
        }
        let source = session.sources.get(*file);
        for place in cut_in(*file) {
            let (line, _) = session.sources.line_column(*file, place.span.start);
            let text = &source.text[place.span.start as usize..place.span.end as usize];
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let text: String = text.chars().take(WIDEST).collect();
            listed.push_str(&format!(" trim  {}:{line}  {text}\n", source.name));
        }
        if !args.dry_run {
            let path = session.files.absolute(&*source.name);
            let text = without(*file, tree, &source.text, cuts);
            if let Err(error) = crate::files::write(&session.files, &path, text.as_bytes()) {
                return session.report(&[error]);
            }
        }
    }
    session.print(listed.as_bytes())
}
