//! Running a process, and what it cost.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What a run cost, and what it wrote.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub wall: f64,
    pub cpu: f64,
    /// Megabytes of resident memory, at most.
    pub peak: f64,
    pub output: Vec<u8>,
    pub errors: String,
}

/// Clock ticks to the second in `/proc`; Linux has had this value on every architecture for long.
const TICKS: f64 = 100.0;

/// How often the memory of a process is looked at, at its beginning and later on.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LAST_PAUSE: Duration = Duration::from_micros(1600);

/// Runs a command to its end in `dir`.
///
/// # Errors
/// Where it cannot be run or fails.
pub fn run(dir: &Path, command: &[String]) -> Result<Run> {
    let output = dir.join(".output");
    let errors = dir.join(".errors");
    let before = children_time()?;
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&output)?)
        .stderr(fs::File::create(&errors)?)
        .spawn()
        .with_context(|| format!("cannot run {}", command[0]))?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let (ended, wall, peak) = thread::scope(|scope| {
        let (end, ending) = mpsc::channel::<()>();
        let peak = scope.spawn(move || watch(&status, &ending));
        let ended = child.wait();
        let wall = start.elapsed().as_secs_f64();
        drop(end);
        (ended, wall, peak.join().unwrap_or(f64::NAN))
    });
    let ended = ended?;
    let run = Run {
        wall,
        cpu: children_time()? - before,
        peak,
        output: fs::read(&output)?,
        errors: fs::read_to_string(&errors)?,
    };
    if !ended.success() {
        let last = run.errors.lines().last().unwrap_or_default();
        bail!("{}: {ended}: {last}", command.join(" "));
    }
    Ok(run)
}

/// The processor time of all children that have ended.
fn children_time() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("this needs Linux")?;
    let (_, fields) = stat.rsplit_once(')').context("unknown format of stat")?;
    let mut times = fields.split_ascii_whitespace().skip(13);
    let mut next = || times.next().and_then(|t| t.parse::<f64>().ok());
    match (next(), next()) {
        (Some(user), Some(system)) => Ok((user + system) / TICKS),
        _ => bail!("unknown format of stat"),
    }
}

/// The most memory of a process until there is a word of its end. It is looked at often while it is young, and seldom later:
/// looking takes time of the processors that it needs.
fn watch(status: &Path, ending: &mpsc::Receiver<()>) -> f64 {
    let mut peak: f64 = 0.0;
    let mut pause = FIRST_PAUSE;
    while let Err(mpsc::RecvTimeoutError::Timeout) = ending.recv_timeout(pause) {
        peak = peak.max(high_water(status).unwrap_or(0.0));
        pause = (2 * pause).min(LAST_PAUSE);
    }
    peak
}

fn high_water(status: &Path) -> Option<f64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// The middle one of several costs.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The exponent with which a cost grows: the slope of a line through logarithms, by least squares.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(n, c)| (n.ln(), c.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}
