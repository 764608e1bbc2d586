//! Calls every builtin function with arbitrary values and fails if one panics.
//!
//! ```text
//! fuzz-builtins [--calls N] [--seed N] [--only NAME]
//! ```
//!
//! Equal seeds make equal calls. It prints each call that panics, the slowest batch of calls, and how many gave a value
//! (the others were refused). The exit code is 1 if anything panicked, 3 if a batch did not end.

use anyhow::{Context, Result, bail};
use holos_tests::fuzz::{Random, call, evaluate, functions};
use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// Calls in one program.
const BATCH: u64 = 330;
/// How long a batch may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The stack a thread of the command line has.
const STACK: usize = 8 << 20;

struct Options {
    calls: u64,
    seed: u64,
    only: String,
}

fn main() -> ExitCode {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let mut out = std::io::stdout();
        options().and_then(|options| fuzz(&options, &mut out))
    });
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(true))) => ExitCode::SUCCESS,
        Ok(Ok(Ok(false))) => ExitCode::from(1),
        Ok(Ok(Err(error))) => {
            _ = writeln!(std::io::stderr(), "fuzz-builtins: {error:#}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(2),
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        calls: 100_000,
        seed: 1,
        only: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{name} takes a value"))?;
        match name.as_str() {
            "--calls" => options.calls = value.parse().context("--calls takes a number")?,
            "--seed" => options.seed = value.parse().context("--seed takes a number")?,
            "--only" => options.only = value,
            _ => bail!("there is no option {name}"),
        }
    }
    Ok(options)
}

fn fuzz(options: &Options, out: &mut impl Write) -> Result<bool> {
    let mut functions = functions();
    functions.retain(|(package, function)| {
        format!("{}.{}", package.name, function.name).contains(&options.only)
    });
    if functions.is_empty() {
        bail!("there is no function {}", options.only);
    }
    let (mut made, mut values, mut panics) = (0, 0, 0);
    let mut slowest = (Duration::ZERO, String::new());
    for batch in 0..options.calls.div_ceil(BATCH) {
        let mut random = Random::new(options.seed.wrapping_add(batch << 20));
        let calls: Vec<String> = (0..BATCH.min(options.calls - made))
            .map(|at| {
                let (package, function) =
                    functions[((made + at) % functions.len() as u64) as usize];
                call(package, function, &mut random)
            })
            .collect();
        made += calls.len() as u64;
        let start = Instant::now();
        watch(Some(&calls));
        match catch_unwind(|| evaluate(&calls)) {
            Ok(Ok(count)) => values += count,
            Ok(Err(error)) => bail!("batch {batch} is no program: {error}"),
            Err(_) => {
                for call in &calls {
                    if catch_unwind(|| evaluate(std::slice::from_ref(call))).is_err() {
                        panics += 1;
                        writeln!(out, "PANIC {call}")?;
                    }
                }
            }
        }
        watch(None);
        let whole = start.elapsed();
        if whole > slowest.0 {
            slowest = slow(&calls, whole);
        }
    }
    writeln!(
        out,
        "{made} calls of {} functions with seed {}: {values} values, {} refused, {panics} panics",
        functions.len(),
        options.seed,
        made - values as u64,
    )?;
    writeln!(
        out,
        "the slowest batch took {:.2} s: {}",
        slowest.0.as_secs_f64(),
        slowest.1
    )?;
    Ok(panics == 0)
}

/// Tells the watchdog what runs now, if anything; a batch that does not end is printed, and ends the process with 3.
fn watch(calls: Option<&[String]>) {
    static NOW: Mutex<Option<(Instant, String)>> = Mutex::new(None);
    static WATCHDOG: Once = Once::new();
    let guard = || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((start, calls)) = &*now
                && start.elapsed() > LIMIT
            {
                _ = writeln!(std::io::stderr(), "one of these does not end:\n{calls}");
                std::process::exit(3);
            }
        }
    };
    WATCHDOG.call_once(|| _ = std::thread::spawn(guard));
    let mut now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
    *now = calls.map(|calls| (Instant::now(), calls.join("\n")));
}

/// The call that takes longest, if the batch is worth a look.
fn slow(calls: &[String], whole: Duration) -> (Duration, String) {
    if whole < Duration::from_millis(500) {
        return (whole, "no call of it stands out".to_owned());
    }
    let time = |call: &String| {
        let start = Instant::now();
        _ = catch_unwind(|| evaluate(std::slice::from_ref(call)));
        start.elapsed()
    };
    let worst = calls.iter().max_by_key(|call| time(call));
    (
        whole,
        worst.map_or(String::new(), |call| call.chars().take(300).collect()),
    )
}
