//! Measures the validator against documents with recorded verdicts: `samples DIR [--crds DIR] [--via FORMAT]`.
//!
//! DIR has `valid/` and `invalid/`, each with a `MANIFEST.tsv` that names a component, a file and, for the
//! invalid ones, the API server's findings as a JSON list of field and message. Rows without
//! findings are counted and passed over: nobody recorded a verdict. Every document that does not fare as recorded
//! is named. With `--crds`, what importing that directory costs is printed, and with `--via crd`, `openapi` or
//! `jsonschema` its kinds are exported in that format and imported again before the documents are checked.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use anyhow::{Context, Result, bail};
use holos_lang::diagnostic::FileId;
use holos_schemas::import::{self, Import, Input, Options};
use holos_schemas::validate::Validator;
use holos_schemas::yaml;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all valid documents are accepted, and 97 of 100 invalid ones refused for the recorded reason.
fn run(args: Vec<String>) -> Result<bool> {
    let flag = |name: &str| {
        let at = args.iter().position(|a| a == name)?;
        args.get(at + 1).cloned()
    };
    let Some(dir) = args.first().filter(|a| !a.starts_with('-')) else {
        bail!("usage: samples DIR [--crds DIR] [--via crd|openapi|jsonschema]");
    };
    let mut validator = Validator::new();
    if let Some(crds) = flag("--crds") {
        let start = Clock::start();
        let texts = texts(Path::new(&crds))?;
        let read = start.milliseconds();
        let made = import_crds(&texts);
        println!(
            "import: {} files, {} packages, {:.0} ms of CPU beyond {read:.0} ms of reading",
            texts.len(),
            made.packages.len(),
            start.milliseconds() - read
        );
        if let Some(format) = flag("--via") {
            validator.add(&via(&made, &format)?);
        }
    }
    let dir = Path::new(dir);
    let (valid, accepted) = check_valid(&validator, &dir.join("valid"))?;
    let (invalid, matched) = check_invalid(&validator, &dir.join("invalid"))?;
    thousand(&validator, &dir.join("valid"))?;
    Ok(valid == accepted && matched * 100 >= invalid * 97)
}

fn import_crds(texts: &[String]) -> Import {
    let inputs: Vec<Input<'_>> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| Input {
            file: FileId(at as u32),
            text,
        })
        .collect();
    import::crd(&inputs, &Options::default())
}

/// Exports the kinds of an import, and imports what was exported.
fn via(made: &Import, format: &str) -> Result<Import> {
    let exported = made.export(format.parse().map_err(anyhow::Error::msg)?);
    let text: Vec<String> = exported.iter().map(ToString::to_string).collect();
    let text = text.join("\n---\n");
    let input = [Input {
        file: FileId(0),
        text: &text,
    }];
    let options = Options {
        docs: false,
        path: "exported.example/v1".into(),
    };
    let again = match format {
        "crd" => import::crd(&input, &options),
        "openapi" => import::openapi(&input, &Default::default(), &options),
        _ => import::jsonschema(&input, &options),
    };
    for diagnostic in &again.diagnostics {
        println!("{}: {}", diagnostic.code, diagnostic.message);
    }
    let kinds: usize = again.packages.iter().map(|p| p.kinds.len()).sum();
    println!("{kinds} kinds by way of {format}");
    Ok(again)
}

fn check_valid(validator: &Validator, dir: &Path) -> Result<(usize, usize)> {
    let rows = rows(dir)?;
    let mut accepted = 0;
    for row in &rows {
        let findings = check(validator, &dir.join(&row.file))?;
        accepted += usize::from(findings.is_empty());
        if !findings.is_empty() {
            println!("refused though valid: {}\n    {findings:?}", row.file);
        }
    }
    println!("valid: {accepted} of {} accepted", rows.len());
    Ok((rows.len(), accepted))
}

fn check_invalid(validator: &Validator, dir: &Path) -> Result<(usize, usize)> {
    // Layer to the documents, those refused, and those refused for the recorded reason.
    let mut layers: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut invalid, mut matched, mut whole, mut unrecorded) = (0, 0, 0, 0);
    for row in rows(dir)? {
        let Ok(recorded) = serde_json::from_str::<Vec<(String, String)>>(&row.verdict) else {
            unrecorded += 1;
            continue;
        };
        let findings = check(validator, &dir.join(&row.file))?;
        // Without a path the whole document could not be read; findings have a path for it nonetheless.
        let same = |(path, _): &&(String, String)| {
            path == "<nil>" || path.is_empty() || findings.iter().any(|f| f.0 == *path)
        };
        let refused = !findings.is_empty();
        let reason = refused && recorded.iter().any(|r| same(&r));
        invalid += 1;
        matched += usize::from(reason);
        whole += usize::from(refused && recorded.iter().all(|r| same(&r)));
        let layer = layers.entry(row.layers.clone()).or_default();
        for (count, one) in layer.iter_mut().zip([true, refused, reason]) {
            *count += usize::from(one);
        }
        for missed in recorded.iter().filter(|r| !same(r)) {
            println!(
                "{} ({}): recorded {missed:?}\n    found {findings:?}",
                row.file, row.layers
            );
        }
    }
    for (layer, [all, refused, reason]) in &layers {
        println!("{layer}: {refused} of {all} refused, {reason} for a recorded reason");
    }
    println!(
        "invalid: {matched} of {invalid} refused for a recorded reason, {whole} for all of them"
    );
    println!("{unrecorded} documents have no recorded verdict");
    Ok((invalid, matched))
}

/// What vetting a thousand documents costs.
fn thousand(validator: &Validator, dir: &Path) -> Result<()> {
    let mut documents = Vec::new();
    for row in rows(dir)? {
        documents.push(fs::read_to_string(dir.join(row.file))?);
    }
    let documents: Vec<&String> = documents.iter().cycle().take(1000).collect();
    let start = Clock::start();
    let read: Vec<_> = documents
        .iter()
        .flat_map(|text| yaml::documents(FileId(0), text).0)
        .collect();
    let reading = start.milliseconds();
    let start = Clock::start();
    let found: usize = read.iter().map(|d| validator.object(d).len()).sum();
    println!(
        "vet: {} documents, {found} findings, {:.0} ms of CPU beyond {reading:.0} ms of reading YAML",
        read.len(),
        start.milliseconds()
    );
    Ok(())
}

/// The processor's time of this thread where the system tells it, else the clock's.
struct Clock(Instant, Option<u64>);

impl Clock {
    fn start() -> Clock {
        Clock(Instant::now(), on_cpu())
    }

    fn milliseconds(&self) -> f64 {
        match (self.1, on_cpu()) {
            (Some(start), Some(now)) => (now - start) as f64 / 1e6,
            _ => self.0.elapsed().as_secs_f64() * 1e3,
        }
    }
}

/// Nanoseconds.
fn on_cpu() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

struct Row {
    file: String,
    verdict: String,
    layers: String,
}

fn rows(dir: &Path) -> Result<Vec<Row>> {
    let path = dir.join("MANIFEST.tsv");
    let manifest = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let rows = manifest.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let column = |at: usize| columns.get(at).copied().unwrap_or_default().to_owned();
        Row {
            file: format!("{}/{}", column(0), column(1)),
            verdict: column(12),
            layers: column(13),
        }
    });
    Ok(rows.collect())
}

/// Path and message of everything found in the documents of a file.
fn check(validator: &Validator, path: &Path) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let (objects, errors) = validator.objects(FileId(0), &text);
    let errors = errors.into_iter().map(|e| (String::new(), e.message));
    let findings = objects.into_iter().flat_map(|o| o.findings);
    Ok(errors
        .chain(findings.map(|f| (f.path, f.message)))
        .collect())
}

/// Every file below a directory whose name says YAML, in order.
fn texts(dir: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .with_context(|| dir.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    // Where two projects define a kind, the last by name counts.
    paths.sort_by(|a, b| b.cmp(a));
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(texts(&path)?);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            found.push(fs::read_to_string(path)?);
        }
    }
    Ok(found)
}
