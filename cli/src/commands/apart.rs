//! Packages evaluated side by side: by all processors, with what they import compiled once.

use super::{Session, with_errors_of_values};
use crate::load::{Instance, Loader, fatal};
use holos_lang::diagnostic::Diagnostic;
use holos_lang::eval::{Evaluation, Stats};
use holos_lang::resolve::{Library, Prepared};
use std::collections::BTreeMap;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

/// The stack of a thread; beyond it, evaluation allocates.
const STACK: usize = 4 * 1024 * 1024;

/// What came of one package.
pub(super) struct Finished<T> {
    /// What was found while loading and evaluating; an error is among it where there is no value.
    pub(super) found: Vec<Diagnostic>,
    pub(super) value: Option<T>,
}

/// Evaluates the packages that `next` gives, until it gives none, and gives what `work` makes of each, in their order. They are
/// loaded and their imports compiled by this thread, while others already evaluate.
pub(super) fn each<'f, T: Send>(
    session: &mut Session,
    loader: &mut Loader<'f>,
    mut next: impl FnMut(&mut Session, &mut Loader<'f>) -> Option<Result<Instance, Vec<Diagnostic>>>,
    work: impl Fn(&mut Evaluation<'_>) -> Result<T, Vec<Diagnostic>> + Sync,
) -> Vec<Finished<T>> {
    let start = Instant::now();
    let mut loading = Duration::ZERO;
    let (jobs, waiting) = mpsc::channel::<(usize, Prepared)>();
    let waiting = Mutex::new(waiting);
    let (done, results) = mpsc::channel::<(usize, Finished<T>, Stats)>();
    let evaluate = |done: &mpsc::Sender<(usize, Finished<T>, Stats)>| {
        loop {
            // A thread that panicked held the lock only while it waited.
            let job = match waiting.lock() {
                Ok(waiting) => waiting.recv(),
                Err(_) => return,
            };
            let Ok((index, prepared)) = job else { return };
            let (finished, stats) = evaluate(prepared, &work);
            // Nobody listens once the command has ended.
            let _ = done.send((index, finished, stats));
        }
    };
    let mut finished: Vec<Option<Finished<T>>> = Vec::new();
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
        for _ in 1..processors {
            let done = done.clone();
            let thread = std::thread::Builder::new().stack_size(STACK);
            // Where no thread can be had, this one does the work.
            let _ = thread.spawn_scoped(scope, || {
                let done = done;
                evaluate(&done);
            });
        }
        // By module: imports are looked up in the module of who imports.
        let mut libraries: BTreeMap<Option<std::path::PathBuf>, Library> = BTreeMap::new();
        let started = Instant::now();
        while let Some(instance) = next(session, loader) {
            let index = finished.len();
            finished.push(None);
            match instance {
                Ok(instance) => {
                    let module = instance.module.as_ref().map(|module| module.root.clone());
                    let mut importer = loader.importer(&instance);
                    let prepared = libraries.entry(module).or_default().prepare(
                        &mut session.sources,
                        instance.package.clone(),
                        &mut importer,
                        &holos_stdlib::Standard,
                    );
                    // There is a receiver for as long as this function runs.
                    let _ = jobs.send((index, prepared));
                }
                Err(found) => finished[index] = Some(Finished { found, value: None }),
            }
        }
        loading = started.elapsed();
        drop(jobs);
        evaluate(&done);
    });
    drop(done);
    session.cost.spent("compile", loading);
    session
        .cost
        .spent("evaluate", start.elapsed().saturating_sub(loading));
    for (index, result, stats) in results {
        session.cost.count(stats);
        finished[index] = Some(result);
    }
    finished.into_iter().flatten().collect()
}

fn evaluate<T>(
    prepared: Prepared,
    work: impl Fn(&mut Evaluation<'_>) -> Result<T, Vec<Diagnostic>>,
) -> (Finished<T>, Stats) {
    let (mut evaluation, mut found) = Evaluation::of(prepared, &holos_stdlib::Standard);
    // The other processors have their own.
    evaluation.keep_whole();
    let mut value = None;
    if fatal(&found) {
        found = with_errors_of_values(found, &mut evaluation);
    } else {
        match work(&mut evaluation) {
            Ok(made) => value = Some(made),
            Err(errors) => found.extend(errors),
        }
    }
    (Finished { found, value }, evaluation.stats())
}
