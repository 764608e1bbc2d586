//! Measures how much of CUE's evaluator suite (or of any suite of `.txtar` archives) holds.
//!
//! ```text
//! conformance PATH [FILTER] [--list-failures] [--known=FILE] [--json] [--limit=SECONDS]
//! conformance --one=FILE[#PATH]
//! ```
//!
//! `FILTER` is a part of an archive's path. `--one` shows the value and each assertion about it.
//! `--known` is a list of what is known to fail, `ARCHIVE PATH: why`, a line each: it is counted by itself, and a line
//! whose assertion holds is an error. The exit code is 1 where another assertion fails, 2 where the call is wrong.

use anyhow::{Context, Result, bail};
use holos_tests::conformance::isolated::{Report, archives, isolated, work};
use holos_tests::conformance::txtar::Archive;
use holos_tests::conformance::{builtins, describe};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Default)]
struct Options {
    positional: Vec<String>,
    list_failures: bool,
    json: bool,
    worker: bool,
    one: Option<String>,
    path: Option<String>,
    describe: bool,
    limit: u64,
    known: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    match options().and_then(|options| start(&options, &mut out)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            _ = writeln!(std::io::stderr(), "conformance: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        limit: 10,
        ..Default::default()
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            value
                .clone()
                .or_else(|| arguments.next())
                .context("a value is missing")
        };
        match name {
            "--list-failures" => options.list_failures = true,
            "--json" => options.json = true,
            "--worker" => options.worker = true,
            "--describe" => options.describe = true,
            "--known" => options.known = Some(value()?.into()),
            "--one" => options.one = Some(value()?),
            "--path" => options.path = Some(value()?),
            "--limit" => options.limit = value()?.parse().context("--limit takes seconds")?,
            _ if name.starts_with("--") => bail!("there is no option {name}"),
            _ => options.positional.push(argument),
        }
    }
    Ok(options)
}

fn start(options: &Options, out: &mut (impl Write + Send)) -> Result<bool> {
    if let Some(one) = &options.one {
        let (file, path) = one
            .split_once('#')
            .map_or((one.as_str(), None), |(f, p)| (f, Some(p)));
        return show(Path::new(file), path, options, out);
    }
    let [root, filter @ ..] = options.positional.as_slice() else {
        bail!("say where the archives are");
    };
    let root = Path::new(root);
    if options.describe {
        let text = std::fs::read_to_string(root)?;
        let text = describe(&Archive::parse(&text), builtins(), options.path.as_deref());
        writeln!(out, "{text}")?;
        return Ok(true);
    }
    if options.worker {
        work(root, builtins(), options.path.as_deref(), out)?;
        return Ok(true);
    }
    let found = archives(root).with_context(|| format!("cannot read {}", root.display()))?;
    let chosen: Vec<_> = found
        .into_iter()
        .filter(|file| {
            filter
                .iter()
                .all(|part| file.to_string_lossy().contains(part))
        })
        .collect();
    let executable = std::env::current_exe()?;
    let limit = Duration::from_secs(options.limit);
    let reports: Vec<(PathBuf, Report)> = chosen
        .into_par_iter()
        .map(|file| Ok((file.clone(), isolated(&executable, &file, None, limit)?)))
        .collect::<Result<_>>()?;
    let names: Vec<_> = reports.iter().map(|(file, _)| name(root, file)).collect();
    let known = match &options.known {
        Some(file) => known(&std::fs::read_to_string(file)?)?,
        None => BTreeMap::new(),
    };
    if options.json {
        json(&names, &reports, out)?;
    } else {
        print(&names, &reports, options.list_failures, out)?;
    }
    if options.known.is_some() {
        return judge(&names, &reports, &known, filter.is_empty(), out);
    }
    Ok(reports
        .iter()
        .all(|(_, report)| report.passed() == report.planned))
}

/// The lines of a list of known failures: the assertion, and why. None is without a reason.
fn known(text: &str) -> Result<BTreeMap<String, String>> {
    let mut list = BTreeMap::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let (assertion, why) = line
            .split_once(": ")
            .with_context(|| format!("there is no reason in `{line}`"))?;
        list.insert(assertion.to_owned(), why.to_owned());
    }
    Ok(list)
}

/// Holds what failed against the list: nothing may be missing in it, and nothing too much.
fn judge(
    names: &[String],
    reports: &[(PathBuf, Report)],
    known: &BTreeMap<String, String>,
    whole: bool,
    out: &mut impl Write,
) -> Result<bool> {
    let outcomes = names.iter().zip(reports).flat_map(|(name, (_, report))| {
        let text = move |assertion: &str| {
            format!(
                "{name} {}",
                assertion.strip_suffix(" eq").unwrap_or(assertion)
            )
        };
        report
            .outcomes
            .iter()
            .map(move |outcome| (text(&outcome.assertion), &outcome.failure))
    });
    let mut failed: Vec<String> = Vec::new();
    for (assertion, failure) in outcomes {
        if failure.is_some() {
            failed.push(assertion);
        }
    }
    let new: Vec<_> = failed
        .iter()
        .filter(|name| !known.contains_key(*name))
        .collect();
    let mended: Vec<_> = known
        .keys()
        .filter(|name| whole && !failed.contains(name))
        .collect();
    for name in &new {
        writeln!(out, "NEW {name}")?;
    }
    for name in &mended {
        writeln!(out, "HOLDS {name}, and is listed as failing")?;
    }
    writeln!(
        out,
        "{} known failures, {} others",
        failed.len() - new.len(),
        new.len()
    )?;
    let ended = reports.iter().any(|(_, report)| report.ended.is_some());
    Ok(new.is_empty() && mended.is_empty() && !ended)
}

/// The archive's path below the suite, without the extension.
fn name(root: &Path, file: &Path) -> String {
    let file = file
        .strip_prefix(root)
        .ok()
        .filter(|path| path.file_name().is_some())
        .unwrap_or(file);
    file.with_extension("").to_string_lossy().replace('\\', "/")
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

fn print(
    names: &[String],
    reports: &[(PathBuf, Report)],
    list: bool,
    out: &mut impl Write,
) -> Result<()> {
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut passed, mut planned, mut crashes) = (0, 0, 0);
    for (name, (_, report)) in names.iter().zip(reports) {
        let entry = folders.entry(folder(name)).or_default();
        entry.0 += report.passed();
        entry.1 += report.planned;
        passed += report.passed();
        planned += report.planned;
        if list {
            for outcome in &report.outcomes {
                if let Some(why) = &outcome.failure {
                    let short: String = why.chars().take(300).collect();
                    writeln!(
                        out,
                        "FAIL {name} {}: {}",
                        outcome.assertion,
                        short.replace('\n', " ")
                    )?;
                }
            }
        }
        if let Some(ended) = &report.ended {
            crashes += 1;
            writeln!(out, "ENDED {name}: {ended}")?;
        }
    }
    for (folder, (passed, planned)) in folders.iter().filter(|(_, (_, planned))| *planned > 0) {
        writeln!(
            out,
            "{passed:5} of {planned:5}  {:5.1} %  {folder}",
            percent(*passed, *planned)
        )?;
    }
    let whole = percent(passed, planned);
    writeln!(
        out,
        "{passed:5} of {planned:5}  {whole:5.1} %  in all; {crashes} archives ended early"
    )?;
    Ok(())
}

fn percent(passed: usize, planned: usize) -> f64 {
    100.0 * passed as f64 / planned.max(1) as f64
}

fn json(names: &[String], reports: &[(PathBuf, Report)], out: &mut impl Write) -> Result<()> {
    let archives: Vec<_> = names
        .iter()
        .zip(reports)
        .map(|(name, (_, report))| {
            let failures = report.outcomes.iter().filter_map(|outcome| {
                let why = outcome.failure.as_ref()?;
                Some(serde_json::json!({"assertion": outcome.assertion, "why": why}))
            });
            serde_json::json!({
                "archive": name,
                "assertions": report.planned,
                "passed": report.passed(),
                "failures": failures.collect::<Vec<_>>(),
                "ended": report.ended,
                "milliseconds": report.elapsed.as_millis() as u64,
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &archives)?;
    writeln!(out)?;
    Ok(())
}

/// Shows one archive: its value, then each assertion.
fn show(file: &Path, path: Option<&str>, options: &Options, out: &mut impl Write) -> Result<bool> {
    let executable = std::env::current_exe()?;
    let mut description = std::process::Command::new(&executable);
    description
        .arg("--describe")
        .arg(file)
        .args(path.map(|path| format!("--path={path}")));
    let description = description.output()?;
    out.write_all(&description.stdout)?;
    out.write_all(&description.stderr)?;
    let report = isolated(&executable, file, path, Duration::from_secs(options.limit))?;
    for outcome in &report.outcomes {
        match &outcome.failure {
            None => writeln!(out, "ok    {}", outcome.assertion)?,
            Some(why) => writeln!(out, "FAIL  {}\n      {why}", outcome.assertion)?,
        }
    }
    if let Some(ended) = &report.ended {
        writeln!(out, "{ended}")?;
    }
    writeln!(out, "{} of {} hold", report.passed(), report.outcomes.len())?;
    Ok(report.ended.is_none() && report.passed() == report.outcomes.len())
}
