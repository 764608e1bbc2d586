//! One module a command, and what they share: loading, evaluating, reporting.

mod apart;
pub(crate) mod check;
mod completions;
mod components;
mod def;
mod diff;
mod eval;
mod explain;
mod export;
mod external;
mod fmt;
mod help;
mod import;
mod init;
mod lsp;
mod manifests;
mod platform;
mod render;
mod schemas;
mod trim;
mod verdicts;
mod vet;
mod why;

use crate::Outcome;
use crate::args::{Args, Command, Inputs, Work};
use crate::cost::Cost;
use crate::encode::{Value, emit};
use crate::files::Files;
use crate::load::{Instance, Loader, ReadAhead, fatal};
use crate::report::Reporter;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Source, SourceMap};
use holos_lang::eval::{Evaluation, NodeId, Strictness};
use holos_lang::syntax::{self, tree};
use std::io::Write;
use std::time::Instant;

/// Runs one command line.
pub fn run(args: Args) -> Outcome {
    let mut session = match Session::new(Reporter::new(&args.global)) {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let outcome = match args.command {
        Command::Version => {
            let text = format!("holosc {} (language v0.17)\n", env!("CARGO_PKG_VERSION"));
            session.print(text.as_bytes())
        }
        Command::Explain(args) => explain::run(&mut session, &args),
        Command::Help(args) => help::run(&mut session, &args),
        Command::Completions(args) => completions::run(&mut session, &args),
        Command::Eval(args) => {
            session.measure(&args.work);
            eval::run(&mut session, &args)
        }
        Command::Export(args) => {
            session.measure(&args.work);
            export::run(&mut session, &args)
        }
        Command::Check(args) => check::run(&mut session, &args),
        Command::Why(args) => why::run(&mut session, &args),
        Command::Vet(args) => {
            session.measure(&args.work);
            vet::run(&mut session, &args)
        }
        Command::Def(args) => def::run(&mut session, &args),
        Command::Trim(args) => trim::run(&mut session, &args),
        Command::Fmt(args) => fmt::run(&mut session, &args),
        Command::Init(args) => init::run(&mut session, &args),
        Command::Import(args) => import::run(&mut session, &args),
        Command::Get(args) => import::get(&mut session, &args),
        Command::Render(args) => render::run(&mut session, &args),
        Command::Diff(args) => diff::run(&mut session, &args),
        Command::Secrets(args) => platform::secrets(&mut session, &args),
        Command::Order(args) => platform::order(&mut session, &args),
        Command::Graph(args) => platform::graph(&mut session, &args),
        Command::Lsp(_) => lsp::run(&mut session),
    };
    let outcome = graver(outcome, session.tell_cost());
    session.reporter.finish();
    outcome
}

/// What a command works with.
pub(crate) struct Session {
    pub(crate) files: Files,
    pub(crate) sources: SourceMap,
    pub(crate) reporter: Reporter,
    /// Where findings go instead of being reported.
    pub(crate) collected: Option<Vec<Diagnostic>>,
    /// Whether warnings are reported beside what loading found.
    pub(crate) lint: bool,
    pub(crate) cost: Cost,
    /// Whether charts and kustomizations are rendered, by other programs.
    pub(crate) programs: bool,
    /// Whether only what is used of the packages of schemas is read.
    pub(crate) only_used: bool,
    /// Reads ahead what checking objects of packages takes, by the paths of those that are imported.
    pub(crate) read_ahead: Option<ReadAhead>,
}

impl Session {
    fn new(mut reporter: Reporter) -> Result<Session, Outcome> {
        match Files::here() {
            Ok(files) => Ok(Session {
                files,
                sources: SourceMap::default(),
                reporter,
                collected: None,
                lint: false,
                cost: Cost::default(),
                programs: false,
                only_used: false,
                read_ahead: None,
            }),
            Err(error) => {
                reporter.report(&SourceMap::default(), &[error]);
                reporter.finish();
                Err(Outcome::Call)
            }
        }
    }

    /// Reports findings; the outcome is that of the call if one has a code of the environment.
    pub(crate) fn report(&mut self, found: &[Diagnostic]) -> Outcome {
        match &mut self.collected {
            Some(collected) => collected.extend_from_slice(found),
            None => self.reporter.report(&self.sources, found),
        }
        if !fatal(found) {
            Outcome::Fine
        } else if found
            .iter()
            .any(|d| matches!(d.code.0, 435 | 902 | 905 | 906 | 908 | 910))
        {
            Outcome::Call
        } else {
            Outcome::Input
        }
    }

    /// Writes to standard output.
    pub(crate) fn print(&mut self, bytes: &[u8]) -> Outcome {
        match emit(&self.files, None, bytes) {
            Ok(()) => Outcome::Fine,
            Err(error) => self.report(&[error]),
        }
    }

    fn measure(&mut self, work: &Work) {
        self.cost.stats = work.stats;
        self.cost.profile = work.profile.clone();
    }

    /// Prints and writes what was asked for with `--stats` and `--profile`.
    fn tell_cost(&mut self) -> Outcome {
        if self.cost.stats {
            let sources = self.sources.iter().map(|(_, source)| source.text.as_ref());
            self.cost.split_tokens(sources);
            let text = self.cost.text();
            // A closed pipe leaves nobody to tell.
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
        match &self.cost.profile {
            None => Outcome::Fine,
            Some(path) => {
                let path = self.files.cwd.join(path);
                match std::fs::write(&path, &self.cost.folded) {
                    Ok(()) => Outcome::Fine,
                    Err(error) => {
                        let text = format!("cannot write {}: {error}", path.display());
                        self.report(&[Diagnostic::error(Code(905), text)])
                    }
                }
            }
        }
    }

    /// Loads what the arguments name and hands each package to `each`, evaluated; the gravest outcome counts.
    pub(crate) fn each(
        &mut self,
        inputs: &Inputs,
        merge: bool,
        each: impl FnMut(&mut Session, &mut Evaluation<'_>, &mut Instance) -> Outcome,
    ) -> Outcome {
        let files = self.files.clone();
        let mut loader = Loader::new(&files);
        if self.only_used {
            loader.read_only_used();
        }
        match self.load(&mut loader, inputs, merge) {
            Ok(instances) => self.each_of(&mut loader, instances, merge, each),
            Err(outcome) => outcome,
        }
    }

    /// Loads what the arguments name; where data are to be merged, as the flags say.
    pub(crate) fn load(
        &mut self,
        loader: &mut Loader<'_>,
        inputs: &Inputs,
        merge: bool,
    ) -> Result<Vec<Instance>, Outcome> {
        let start = Instant::now();
        let instances = loader.load(&mut self.sources, inputs);
        self.cost.add("parse", start);
        let instances = instances.map_err(|errors| self.report(&errors))?;
        Ok(match inputs.placing.merge {
            Some(false) if merge => instances.into_iter().flat_map(Instance::apart).collect(),
            _ => instances,
        })
    }

    /// Hands each package to `each`, evaluated, one after the other; the gravest outcome counts.
    pub(crate) fn each_of(
        &mut self,
        loader: &mut Loader<'_>,
        instances: Vec<Instance>,
        merge: bool,
        mut each: impl FnMut(&mut Session, &mut Evaluation<'_>, &mut Instance) -> Outcome,
    ) -> Outcome {
        let mut gravest = Outcome::Fine;
        let single = instances.len() == 1;
        for mut instance in instances {
            if merge {
                instance.merge_data();
            }
            let start = Instant::now();
            let mut importer = loader.importer(&instance);
            let builtins = &holos_stdlib::Standard;
            importer.read_ahead = self.read_ahead.take();
            let (mut evaluation, found) = Evaluation::new(
                &mut self.sources,
                instance.package.clone(),
                &mut importer,
                builtins,
            );
            match self.only_used {
                true => importer.discard(),
                false => drop(importer),
            }
            if self.programs && !fatal(&found) {
                match self.rendered(loader, &mut instance, evaluation) {
                    Ok(complete) => evaluation = complete,
                    Err(errors) => {
                        gravest = graver(gravest, self.report(&errors));
                        continue;
                    }
                }
            }
            if single {
                loader.forget_trees();
            }
            self.cost.add("compile", start);
            if self.cost.profile.is_some() {
                evaluation.keep_whole();
            }
            let start = Instant::now();
            let outcome = if fatal(&found) {
                let mut found = with_errors_of_values(found, &mut evaluation);
                if self.lint {
                    found = check::with_warnings(found, &evaluation);
                }
                self.report(&found)
            } else {
                self.report(&found);
                each(self, &mut evaluation, &mut instance)
            };
            gravest = graver(gravest, outcome);
            self.cost.add("evaluate", start);
            self.cost.count(evaluation.stats());
            if self.cost.profile.is_some() {
                for (stack, weight) in evaluation.profile() {
                    self.cost.folded += &format!("{stack} {weight}\n");
                }
            }
            if single {
                // The process is about to end: giving millions of values back one by one is waste.
                std::mem::forget(evaluation);
            }
        }
        gravest
    }

    /// The values of `-e` expressions, or the whole package where there are none.
    pub(crate) fn select(
        &mut self,
        evaluation: &mut Evaluation<'_>,
        expressions: &[String],
    ) -> Result<Vec<NodeId>, Vec<Diagnostic>> {
        if expressions.is_empty() {
            return Ok(vec![evaluation.root()]);
        }
        expressions
            .iter()
            .map(|text| self.expression(evaluation, "--expression", text))
            .collect()
    }

    /// What is shown of each value that the inputs, `--expression` and `--schema` choose, up to the first one that is wrong.
    pub(crate) fn shown(
        &mut self,
        inputs: &Inputs,
        expressions: &[String],
        schema: Option<&str>,
        strictness: Strictness,
        mut show: impl FnMut(
            &mut Session,
            &mut Evaluation<'_>,
            &Instance,
            NodeId,
        ) -> Result<Value, Vec<Diagnostic>>,
    ) -> (Outcome, Vec<Value>) {
        let mut values = Vec::new();
        let outcome = self.each(inputs, schema.is_none(), |session, evaluation, instance| {
            let nodes = match session.chosen(evaluation, instance, expressions, schema) {
                Ok(nodes) => nodes,
                Err(errors) => return session.report(&errors),
            };
            for node in nodes {
                let errors = evaluation.errors(node, strictness);
                let outcome = session.report(&errors);
                if outcome != Outcome::Fine {
                    return outcome;
                }
                match show(session, evaluation, instance, node) {
                    Ok(value) => values.push(value),
                    Err(errors) => return session.report(&errors),
                }
            }
            Outcome::Fine
        });
        (outcome, values)
    }

    /// The values to show: each document unified with a schema, those of `-e` expressions, or the whole package.
    pub(crate) fn chosen(
        &mut self,
        evaluation: &mut Evaluation<'_>,
        instance: &Instance,
        expressions: &[String],
        schema: Option<&str>,
    ) -> Result<Vec<NodeId>, Vec<Diagnostic>> {
        let Some(schema) = schema else {
            return self.select(evaluation, expressions);
        };
        if instance.data.is_empty() {
            return Err(vec![no_data()]);
        }
        let schema = self.expression(evaluation, "--schema", schema)?;
        let mut nodes = Vec::new();
        for document in &instance.data {
            let data = evaluation.expression(document.file, &document.expr)?;
            nodes.push(evaluation.unify(schema, data));
        }
        Ok(nodes)
    }

    /// The value of an expression given as an argument.
    pub(crate) fn expression(
        &mut self,
        evaluation: &mut Evaluation<'_>,
        flag: &str,
        text: &str,
    ) -> Result<NodeId, Vec<Diagnostic>> {
        let (file, expr) = self.parse(flag, text)?;
        evaluation.expression(file, &expr)
    }

    /// An expression given as an argument.
    pub(crate) fn parse(
        &mut self,
        flag: &str,
        text: &str,
    ) -> Result<(FileId, tree::Expr), Vec<Diagnostic>> {
        let file = self.sources.add(Source {
            name: flag.into(),
            text: text.into(),
            user: true,
        });
        let (expr, errors) = syntax::parse_expr(file, text);
        if fatal(&errors) {
            return Err(errors);
        }
        Ok((file, expr))
    }
}

/// A schema without anything to check.
pub(crate) fn no_data() -> Diagnostic {
    Diagnostic::error(
        Code(910),
        "`--schema` is for data files, and there are none",
    )
}

/// What loading found, and what the values say all the same: what could not be read or resolved is top there, which
/// causes no error of its own.
pub(crate) fn with_errors_of_values(
    mut found: Vec<Diagnostic>,
    evaluation: &mut Evaluation<'_>,
) -> Vec<Diagnostic> {
    let root = evaluation.root();
    found.extend(evaluation.errors(root, Strictness::Final));
    found.sort_by_key(|d| {
        d.labels
            .first()
            .map(|label| (label.place.file, label.place.span.start))
    });
    found
}

/// The one that weighs more.
pub(crate) fn graver(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Call, _) | (_, Outcome::Call) => Outcome::Call,
        (Outcome::Input, _) | (_, Outcome::Input) => Outcome::Input,
        _ => Outcome::Fine,
    }
}
