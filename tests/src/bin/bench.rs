//! Benchmarks: what our work costs, beside the peers that are on the machine.
//!
//! ```text
//! bench [--runs=N] [FILTER]            the workloads, beside `cue` and `jrsonnet` where they are on PATH
//! bench hard [--instructions] [FILTER] the worst cases, and how each grows: in seconds, or as valgrind counts
//! bench platform [--runs=N]            a large platform: its first render, and one after a change
//! bench instructions [--update]        instruction counts against tests/bench/instructions.txt
//! ```
//!
//! The programs are made on the spot, in a temporary folder. All tools run in turn, N times; medians are shown. What they
//! print must be the same JSON. `holosc` is this program itself, so that nothing else has to be built.
//! The exit code is 1 where outputs differ or a count grew by more than a tenth.

use anyhow::{Context, Result, bail};
use holos_tests::bench::hard::HARD;
use holos_tests::bench::measure::{Run, exponent, median, run};
use holos_tests::bench::platform::{self, PROMISED, Size};
use holos_tests::bench::workloads::{File, Tool, WORKLOADS, Workload};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The word that makes this program be `holosc`.
const AS_HOLOSC: &str = "as-holosc";
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/instructions.txt");
/// A count may grow by this much.
const TOLERANCE: f64 = 1.10;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(AS_HOLOSC) {
        return holosc::main_with(std::env::args_os().skip(1));
    }
    let mut out = std::io::stdout();
    match start(&mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            _ = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn start(out: &mut impl Write) -> Result<bool> {
    let mut runs = 5;
    let (mut update, mut counted) = (false, false);
    let mut words = Vec::new();
    for word in std::env::args().skip(1) {
        match word.split_once('=') {
            Some(("--runs", count)) => runs = count.parse().context("--runs takes a number")?,
            None if word == "--update" => update = true,
            None if word == "--instructions" => counted = true,
            _ if word.starts_with("--") => bail!("there is no option {word}"),
            _ => words.push(word),
        }
    }
    let dir = std::env::temp_dir().join(format!("holosc-bench-{}", std::process::id()));
    let fine = match words.first().map(String::as_str) {
        Some("hard") => {
            let filter = words.get(1).map_or("", String::as_str);
            hard(out, &dir, filter, counted)
        }
        Some("platform") => platform(out, &dir, runs),
        Some("instructions") => instructions(out, &dir, update),
        filter => compare(out, &dir, runs, filter.unwrap_or_default()),
    };
    // What is left in a temporary folder does no harm.
    let _ = std::fs::remove_dir_all(&dir);
    fine
}

fn write_files(dir: &Path, files: &[File]) -> Result<()> {
    // It may not be there yet.
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir)?;
    for (name, text) in files {
        std::fs::write(dir.join(name), text)?;
    }
    Ok(())
}

/// The command line of a tool, where that is on the machine.
fn command(tool: Tool, arguments: &[&str]) -> Result<Option<Vec<String>>> {
    let mut words = match tool {
        Tool::Holosc => {
            let own = std::env::current_exe()?;
            vec![own.display().to_string(), AS_HOLOSC.to_owned()]
        }
        Tool::Cue | Tool::Jrsonnet => match on_path(tool.name()) {
            None => return Ok(None),
            // Long chains of references need more than the usual stack there.
            Some(path) if tool == Tool::Jrsonnet => vec![
                "sh".to_owned(),
                "-c".to_owned(),
                "ulimit -s unlimited 2>/dev/null; exec \"$0\" \"$@\"".to_owned(),
                path.display().to_string(),
                "--max-stack=1000000".to_owned(),
            ],
            Some(path) => vec![path.display().to_string()],
        },
    };
    words.extend(arguments.iter().map(|&word| word.to_owned()));
    Ok(Some(words))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|dir| dir.join(name));
    places.find(|place| place.is_file())
}

/// A number to three digits or so.
fn short(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value < 10.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0}")
    }
}

fn compare(out: &mut impl Write, dir: &Path, runs: usize, filter: &str) -> Result<bool> {
    writeln!(
        out,
        "| workload | N | tool | wall s | CPU s | peak MB | its wall / ours |\n|---|---|---|---|---|---|---|"
    )?;
    let mut fine = true;
    let mut notes = String::new();
    for workload in WORKLOADS.iter().filter(|w| w.name.contains(filter)) {
        let (mut walls, mut peaks) = (Vec::new(), Vec::new());
        for &n in workload.sizes {
            let costs = side_by_side(workload, n, dir, runs)?;
            let ours = &costs[0].1;
            walls.push((n as f64, ours.wall));
            peaks.push((n as f64, ours.peak));
            for (tool, cost) in &costs {
                let ratio = if *tool == Tool::Holosc {
                    "1".to_owned()
                } else {
                    format!("{:.2}", cost.wall / ours.wall)
                };
                writeln!(
                    out,
                    "| {} | {n} | {} | {} | {} | {} | {ratio} |",
                    workload.name,
                    tool.name(),
                    short(cost.wall),
                    short(cost.cpu),
                    short(cost.peak)
                )?;
                if !same(&ours.output, &cost.output) {
                    fine = false;
                    let tool = tool.name();
                    _ = writeln!(notes, "{} {n}: {tool} prints something else", workload.name);
                }
            }
            out.flush()?;
        }
        if walls.len() > 1 {
            let (wall, peak) = (exponent(&walls), exponent(&peaks));
            _ = writeln!(
                notes,
                "{}: wall grows as N^{wall:.2}, memory as N^{peak:.2}",
                workload.name
            );
        }
        _ = writeln!(notes, "{}: {}", workload.name, shares(workload, dir)?);
    }
    writeln!(out, "\n{notes}")?;
    Ok(fine)
}

/// What each tool on the machine costs, ours first; they take turns.
fn side_by_side(
    workload: &Workload,
    n: usize,
    dir: &Path,
    runs: usize,
) -> Result<Vec<(Tool, Run)>> {
    write_files(dir, &(workload.files)(n))?;
    let mut commands = Vec::new();
    for tool in Tool::ALL {
        if let Some(arguments) = workload.arguments(tool)
            && let Some(words) = command(tool, arguments)?
        {
            commands.push((tool, words, Vec::new()));
        }
    }
    for _ in 0..runs {
        for (tool, words, done) in &mut commands {
            match run(dir, words) {
                Ok(run) => done.push(run),
                Err(error) if *tool == Tool::Holosc => return Err(error),
                Err(_) => {}
            }
        }
    }
    let cost = |runs: &[Run], of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
    Ok(commands
        .into_iter()
        .filter(|(_, _, runs)| !runs.is_empty())
        .map(|(tool, _, runs)| {
            let cost = Run {
                wall: cost(&runs, |r| r.wall),
                cpu: cost(&runs, |r| r.cpu),
                peak: cost(&runs, |r| r.peak),
                output: runs[0].output.clone(),
                errors: String::new(),
            };
            (tool, cost)
        })
        .collect())
}

/// Whether two outputs are the same JSON; a check has none, where the other may say how much it checked.
fn same(ours: &[u8], other: &[u8]) -> bool {
    if ours.is_empty() {
        return true;
    }
    let read = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    read(ours).is_some_and(|ours| Some(ours) == read(other))
}

/// The shares of our phases at the largest size, whose files are in `dir`.
fn shares(workload: &Workload, dir: &Path) -> Result<String> {
    let arguments = workload.arguments(Tool::Holosc).unwrap_or_default();
    let mut words = command(Tool::Holosc, arguments)?.unwrap_or_default();
    words.push("--stats".to_owned());
    let run = run(dir, &words)?;
    let mut phases = Vec::new();
    for line in run.errors.lines() {
        if let Some(line) = line.strip_suffix(" ms")
            && let Some((name, took)) = line.split_once(' ')
        {
            phases.push((name, took.trim().parse::<f64>()?));
        }
    }
    let sum: f64 = phases.iter().map(|(_, took)| took).sum();
    let phases = phases.iter();
    let phases = phases.map(|(name, took)| format!("{name} {:.0} %", took / sum * 100.0));
    Ok(phases.collect::<Vec<_>>().join(", "))
}

/// Renders a large platform, changes the tag of one image, and renders it again.
fn platform(out: &mut impl Write, dir: &Path, runs: usize) -> Result<bool> {
    let words = command(Tool::Holosc, &["render"])?.unwrap_or_default();
    let twice = Size {
        components: PROMISED.components * 2,
        ..PROMISED
    };
    writeln!(
        out,
        "| clusters × components × namespaces | render | wall s | CPU s | peak MB | said |\n|---|---|---|---|---|---|"
    )?;
    for size in [PROMISED, twice] {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            write_files(dir, &platform::files(size, "1.0.0"))?;
            first.push(run(dir, &words)?);
            for (name, text) in platform::files(size, "1.0.1") {
                std::fs::write(dir.join(name), text)?;
            }
            second.push(run(dir, &words)?);
        }
        for (title, runs) in [("first", first), ("one field changed", second)] {
            let cost = |of: fn(&Run) -> f64| short(median(runs.iter().map(of).collect()));
            let said = String::from_utf8_lossy(&runs[0].output).into_owned();
            let wrote = said.lines().find_map(|line| line.split_once("deploy/"));
            let wrote = wrote.map_or("", |(_, rest)| rest.trim());
            let wrote = wrote
                .rsplit_once("  ")
                .map_or(wrote, |(files, _)| files.trim());
            writeln!(
                out,
                "| {} × {} × {} | {title} | {} | {} | {} | {wrote} |",
                size.clusters,
                size.components,
                size.namespaces,
                cost(|r| r.wall),
                cost(|r| r.cpu),
                cost(|r| r.peak),
            )?;
            out.flush()?;
        }
    }
    Ok(true)
}

fn hard(out: &mut impl Write, dir: &Path, filter: &str, counted: bool) -> Result<bool> {
    if counted && !can_count(out)? {
        return Ok(true);
    }
    let unit = if counted {
        "10⁶ instructions"
    } else {
        "wall s"
    };
    writeln!(
        out,
        "| case | N | {unit} at each | peak MB | grows as | why more than N |\n|---|---|---|---|---|---|"
    )?;
    for case in HARD.iter().filter(|case| case.name.contains(filter)) {
        let (mut shown, mut costs, mut peak) = (Vec::new(), Vec::new(), 0.0);
        for n in case.sizes {
            let files = (case.files)(n);
            write_files(dir, &files)?;
            let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
            let mut arguments = vec!["export"];
            arguments.extend(names);
            let words = command(Tool::Holosc, &arguments)?.unwrap_or_default();
            let run = run(dir, &words)?;
            let cost = if counted {
                count(dir, &words)? as f64 / 1e6
            } else {
                run.wall
            };
            shown.push(short(cost));
            costs.push((n as f64, cost));
            peak = run.peak;
        }
        let sizes = case.sizes.map(|n| n.to_string()).join(", ");
        // The first size is mostly the start of the process.
        let grows = exponent(&costs[1..]);
        writeln!(
            out,
            "| {} | {sizes} | {} | {} | N^{grows:.2} | {} |",
            case.name,
            shown.join(", "),
            short(peak),
            case.reason
        )?;
        out.flush()?;
    }
    Ok(true)
}

fn instructions(out: &mut impl Write, dir: &Path, update: bool) -> Result<bool> {
    if !can_count(out)? {
        return Ok(true);
    }
    let compiler = Command::new("rustc").arg("--version").output()?;
    let compiler = String::from_utf8(compiler.stdout)?.trim().to_owned();
    let known = std::fs::read_to_string(COUNTS).unwrap_or_default();
    let mut lines = known.lines();
    let of = lines.next().unwrap_or_default();
    if !update && of != compiler {
        writeln!(
            out,
            "the committed counts are of {of}, this is {compiler}: they are not compared"
        )?;
        return Ok(true);
    }
    let known: BTreeMap<&str, u64> = lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
        .collect();
    let mut fine = true;
    let mut counts = format!("{compiler}\n");
    for workload in &WORKLOADS {
        let arguments = workload.arguments(Tool::Holosc).unwrap_or_default();
        for &n in workload.counted {
            let name = format!("{} {n}", workload.name);
            write_files(dir, &(workload.files)(n))?;
            let count = count(dir, &command(Tool::Holosc, arguments)?.unwrap_or_default())?;
            _ = writeln!(counts, "{name} {count}");
            let verdict = match known.get(&*name) {
                None => "new".to_owned(),
                Some(&known) => {
                    let ratio = count as f64 / known as f64;
                    if ratio > TOLERANCE && !update {
                        fine = false;
                    }
                    format!("{:+.1} %", (ratio - 1.0) * 100.0)
                }
            };
            writeln!(out, "{name:<24}{count:>14}  {verdict}")?;
        }
    }
    if update {
        std::fs::write(COUNTS, counts)?;
    }
    Ok(fine)
}

/// Runs a command by one processor.
const ONE_PROCESSOR: [&str; 3] = ["taskset", "--cpu-list", "0"];

/// Whether instructions can be counted; says so where they cannot.
fn can_count(out: &mut impl Write) -> Result<bool> {
    if on_path("valgrind").is_none() {
        writeln!(out, "no valgrind on PATH: instructions are not counted")?;
        return Ok(false);
    }
    let [program, arguments @ ..] = ONE_PROCESSOR;
    let tried = Command::new(program).args(arguments).arg("true").output();
    let pinned = tried.is_ok_and(|output| output.status.success());
    if !pinned {
        writeln!(out, "no taskset: instructions are not counted")?;
    }
    Ok(pinned)
}

/// The instructions of a command, as valgrind counts them: by one processor, as what several do depends on which is
/// the quicker one.
fn count(dir: &Path, words: &[String]) -> Result<u64> {
    let valgrind = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ];
    let words: Vec<String> = ONE_PROCESSOR
        .iter()
        .chain(&valgrind)
        .map(|&w| w.to_owned())
        .chain(words.iter().cloned())
        .collect();
    let errors = run(dir, &words)?.errors;
    let line = errors
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let (_, count) = line.context("valgrind did not say a count")?;
    count.trim().parse().context("no count")
}
