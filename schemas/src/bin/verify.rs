//! Measures the validator against real documents with recorded verdicts: `verify DIR [-v]`.
//!
//! DIR has `valid/` and `invalid/`, each with a `MANIFEST.tsv` that names a component, a file and, for the
//! invalid ones, the API server's findings as a JSON list of field and message. Rows without
//! findings are passed over: nobody recorded a verdict.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use holos_schemas::validate::Validator;
use holos_schemas::yaml;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some(dir) = args.first() else {
        eprintln!("usage: verify DIR [-v]");
        return ExitCode::from(2);
    };
    let verbose = args.iter().any(|a| a == "-v");
    match run(Path::new(dir), verbose) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(dir: &Path, verbose: bool) -> io::Result<()> {
    let validator = Validator::new();
    let start = std::time::Instant::now();
    let (mut accepted, mut valid) = (0, 0);
    for row in rows(&dir.join("valid"))? {
        let findings = check(&validator, &dir.join("valid").join(&row.file))?;
        valid += 1;
        accepted += usize::from(findings.is_empty());
        if verbose && !findings.is_empty() {
            println!("refused though valid: {}\n    {findings:?}", row.file);
        }
    }
    let (mut refused, mut matched, mut invalid) = (0, 0, 0);
    for row in rows(&dir.join("invalid"))? {
        let Ok(recorded) = serde_json::from_str::<Vec<(String, String)>>(&row.verdict) else {
            continue;
        };
        let findings = check(&validator, &dir.join("invalid").join(&row.file))?;
        invalid += 1;
        refused += usize::from(!findings.is_empty());
        // Without a path the whole document could not be read; findings have a path for it nonetheless.
        let same = |(path, _): &(String, String)| {
            path == "<nil>" || path.is_empty() || findings.iter().any(|f| f.0 == *path)
        };
        let reason = !findings.is_empty() && recorded.iter().any(same);
        matched += usize::from(reason);
        if verbose && !reason {
            println!(
                "{}: {}\n    recorded {}\n    found {findings:?}",
                row.layers, row.file, row.verdict
            );
        }
    }
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "valid: {accepted} of {valid} accepted ({:.1} %)",
        share(accepted, valid)
    );
    println!(
        "invalid: {refused} of {invalid} refused ({:.1} %)",
        share(refused, invalid)
    );
    println!(
        "invalid: {matched} of {invalid} for the recorded reason ({:.1} %)",
        share(matched, invalid)
    );
    println!("{:.0} ms", start.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

struct Row {
    file: String,
    verdict: String,
    layers: String,
}

fn rows(dir: &Path) -> io::Result<Vec<Row>> {
    let manifest = fs::read_to_string(dir.join("MANIFEST.tsv"))?;
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
fn check(validator: &Validator, path: &Path) -> io::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path)?;
    let (documents, errors) = yaml::documents(holos_lang::diagnostic::FileId(0), &text);
    let errors = errors.into_iter().map(|e| (String::new(), e.message));
    let findings = documents
        .iter()
        .flat_map(|d| validator.object(d))
        .map(|f| (f.path, f.message));
    Ok(errors.chain(findings).collect())
}
