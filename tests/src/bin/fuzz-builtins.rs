//! Calls every builtin function with arbitrary values and fails if one panics or does not end.
//!
//! ```text
//! fuzz-builtins [--calls N] [--seed N] [--threads N] [--only NAME] [--from BATCH] [--limit SECONDS]
//! ```
//!
//! Calls are made in batches, each of one function; equal seeds make equal batches. Every hundred thousand calls it says
//! on standard error how far it is. It prints each call that panics, how many calls gave a value (the others were refused),
//! and which functions took longest. The exit code is 1 if anything panicked, 3 if a batch took longer than `--limit`.
//! After a death (the stack, the memory), `--from` with the batch that was last reported goes on from there.

use anyhow::{Context, Result, bail};
use holos_lang::value::builtin::{Function, Package};
use holos_tests::fuzz::{Random, call, evaluate, functions};
use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls in one program.
const BATCH: u64 = 250;
/// A batch that takes longer is searched for the call that does.
const SLOW: Duration = Duration::from_millis(1000);
/// How many calls are between two reports.
const REPORT: u64 = 100_000;
/// The stack a thread of the command line has.
const STACK: usize = 8 << 20;

struct Options {
    calls: u64,
    seed: u64,
    threads: usize,
    only: String,
    from: u64,
    limit: Duration,
}

fn main() -> ExitCode {
    match options().and_then(|options| fuzz(&options, &mut std::io::stdout())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            _ = writeln!(std::io::stderr(), "fuzz-builtins: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        calls: 100_000,
        seed: 1,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        only: String::new(),
        from: 0,
        limit: Duration::from_secs(60),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{name} takes a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .with_context(|| format!("{name} takes a number"))
        };
        match name.as_str() {
            "--calls" => options.calls = number()?,
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = number()?.clamp(1, 256) as usize,
            "--only" => options.only = value,
            "--from" => options.from = number()?,
            "--limit" => options.limit = Duration::from_secs(number()?),
            _ => bail!("there is no option {name}"),
        }
    }
    Ok(options)
}

/// A function with its package.
type Entry = (&'static Package, &'static Function);

/// Which calls there are to make.
struct Plan {
    functions: Vec<Entry>,
    seed: u64,
}

impl Plan {
    /// The place in the table of a batch's function.
    fn function(&self, batch: u64) -> usize {
        (batch % self.functions.len() as u64) as usize
    }

    /// The function and the calls of a batch.
    fn batch(&self, batch: u64) -> (Entry, Vec<String>) {
        let mut random = Random::new(self.seed.wrapping_add(batch << 20));
        let entry = self.functions[self.function(batch)];
        let calls = (0..BATCH).map(|_| call(entry.0, entry.1, &mut random));
        (entry, calls.collect())
    }
}

/// How far the threads are.
struct State {
    /// The first batch, the next one, and the one after the last.
    first: u64,
    next: u64,
    end: u64,
    start: Instant,
    values: u64,
    done: u64,
    panics: Vec<String>,
    failure: Option<String>,
    /// Time spent in each function.
    spent: Vec<Duration>,
    slowest: (Duration, String),
    /// What each thread is at.
    now: Vec<Option<(Instant, u64)>>,
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fuzz(options: &Options, out: &mut impl Write) -> Result<bool> {
    let mut functions = functions();
    functions.retain(|entry| name(entry).contains(&options.only));
    if functions.is_empty() {
        bail!("there is no function {}", options.only);
    }
    let state = Arc::new(Mutex::new(State {
        first: options.from,
        next: options.from,
        end: options.calls.div_ceil(BATCH),
        start: Instant::now(),
        values: 0,
        done: 0,
        panics: Vec::new(),
        failure: None,
        spent: vec![Duration::ZERO; functions.len()],
        slowest: (Duration::ZERO, String::new()),
        now: vec![None; options.threads],
    }));
    let plan = Arc::new(Plan {
        functions,
        seed: options.seed,
    });
    let threads: Vec<_> = (0..options.threads)
        .map(|thread| {
            let (plan, state) = (plan.clone(), state.clone());
            let builder = std::thread::Builder::new().stack_size(STACK);
            builder.spawn(move || while batch(&plan, &state, thread) {})
        })
        .collect::<Result<_, _>>()?;
    while threads.iter().any(|thread| !thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(100));
        let state = lock(&state);
        for (start, at) in state.now.iter().flatten() {
            if start.elapsed() > options.limit {
                let (entry, calls) = plan.batch(*at);
                let (name, calls) = (name(&entry), calls.join("\n"));
                _ = writeln!(
                    std::io::stderr(),
                    "batch {at}, of {name}, does not end:\n{calls}"
                );
                std::process::exit(3);
            }
        }
    }
    let state = lock(&state);
    if let Some(failure) = &state.failure {
        bail!("{failure}");
    }
    report(&plan, &state, out)?;
    Ok(state.panics.is_empty())
}

fn name((package, function): &Entry) -> String {
    format!("{}.{}", package.name, function.name)
}

/// Makes the next batch of calls, if there is one.
fn batch(plan: &Plan, state: &Mutex<State>, thread: usize) -> bool {
    let at = {
        let mut state = lock(state);
        if state.next >= state.end || state.failure.is_some() {
            return false;
        }
        state.next += 1;
        state.next - 1
    };
    let (entry, calls) = plan.batch(at);
    let start = Instant::now();
    lock(state).now[thread] = Some((start, at));
    let result = catch_unwind(|| evaluate(entry.0, &calls));
    let took = start.elapsed();
    lock(state).now[thread] = None;
    let alone = |call: &String| catch_unwind(|| evaluate(entry.0, std::slice::from_ref(call)));
    let mut panics = Vec::new();
    if result.is_err() {
        panics = calls.iter().filter(|call| alone(call).is_err()).collect();
    }
    let slower = took > SLOW && took > lock(state).slowest.0;
    let worst = if slower {
        let time = |call: &&String| {
            let start = Instant::now();
            _ = alone(call);
            start.elapsed()
        };
        calls.iter().max_by_key(time)
    } else {
        None
    };
    let mut state = lock(state);
    match result {
        Ok(Ok(values)) => state.values += values as u64,
        Ok(Err(error)) => state.failure = Some(format!("batch {at} is no program: {error}")),
        Err(_) if panics.is_empty() => state.panics.push(format!("all of batch {at}")),
        Err(_) => state.panics.extend(panics.into_iter().cloned()),
    }
    state.done += BATCH;
    state.spent[plan.function(at)] += took;
    if took > state.slowest.0 {
        let worst = worst.map_or(String::new(), |call| call.chars().take(300).collect());
        state.slowest = (took, format!("{} {worst}", name(&entry)));
    }
    if state.done.is_multiple_of(REPORT) {
        let seconds = state.start.elapsed().as_secs_f64();
        _ = writeln!(
            std::io::stderr(),
            "{} calls, {:.0} a second, {} panics; next is batch {}",
            state.done,
            state.done as f64 / seconds,
            state.panics.len(),
            state.next,
        );
    }
    true
}

fn report(plan: &Plan, state: &State, out: &mut impl Write) -> Result<()> {
    for call in &state.panics {
        writeln!(out, "PANIC {call}")?;
    }
    let seconds = state.start.elapsed().as_secs_f64();
    writeln!(
        out,
        "{} calls of {} functions with seed {}: {} values, {} refused, {} panics",
        state.done,
        plan.functions.len(),
        plan.seed,
        state.values,
        state.done - state.values,
        state.panics.len(),
    )?;
    writeln!(
        out,
        "{:.0} s, {:.0} calls a second; the slowest batch of {BATCH} took {:.2} s: {}",
        seconds,
        state.done as f64 / seconds,
        state.slowest.0.as_secs_f64(),
        state.slowest.1.trim_end()
    )?;
    let mut order: Vec<usize> = (0..plan.functions.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(state.spent[at]));
    let share = |&at: &usize| {
        let spent = state.spent[at].as_secs_f64();
        format!("{} {spent:.1} s", name(&plan.functions[at]))
    };
    let most: Vec<String> = order.iter().take(8).map(share).collect();
    writeln!(out, "most time went to {}", most.join(", "))?;
    if state.first > 0 {
        writeln!(out, "the first batch was {}", state.first)?;
    }
    Ok(())
}
