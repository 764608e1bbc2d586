//! `differential --reference PATH [--also PATH] [--programs N] [--seed S] [--from N] [--shrink N] [--only REASON] [--record] [--closeness class|paths|text]`:
//! generates programs, evaluates them here and by CUE, and prints the programs on which the outcomes differ for no
//! known reason (`src/differential/explain.rs`), made as small as they get; from the shape `--shrink` on as they are. If there is one, it exits with 1.
//! `--record` prints the first program for each reason with the answers that it rests on, as `suites/differential/reasons.txt` has them.
//! `--also` is a reference of another version, `--only` prints the programs that differ for one reason. `--show PROGRAM`
//! evaluates that one only. `src/differential/reference.go` says how the reference is built.

use anyhow::{Context, Result, bail};
use holos_tests::differential::explain::{Reason, Witnesses, text};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::program::{Decl, Expr};
use holos_tests::differential::reference::{Answers, Recorder, Reference, outcomes};
use holos_tests::differential::{Closeness, Outcome, evaluate::evaluate, shrink::candidates};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

struct Options {
    reference: PathBuf,
    also: Option<PathBuf>,
    programs: usize,
    seed: u64,
    from: usize,
    shrink: usize,
    only: Option<String>,
    record: bool,
    closeness: Closeness,
    show: Option<String>,
}

fn options() -> Result<Options> {
    let mut options = Options {
        reference: "reference".into(),
        also: None,
        programs: 1000,
        seed: 1,
        from: 0,
        shrink: usize::MAX,
        only: None,
        record: false,
        closeness: Closeness::Class,
        show: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        if flag == "--record" {
            options.record = true;
            continue;
        }
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--reference" => options.reference = value.into(),
            "--also" => options.also = Some(value.into()),
            "--programs" => options.programs = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--from" => options.from = value.parse()?,
            "--show" => options.show = Some(value),
            "--only" => options.only = Some(value),
            "--shrink" => options.shrink = value.parse()?,
            "--closeness" => {
                options.closeness = match value.as_str() {
                    "class" => Closeness::Class,
                    "paths" => Closeness::Paths,
                    "text" => Closeness::Text,
                    _ => bail!("outcomes are compared by class, paths or text"),
                }
            }
            _ => bail!("there is no flag {flag}"),
        }
    }
    Ok(options)
}

/// The longest program that is recorded.
const RECORDED: usize = 300;
/// How many programs are on the way at a time.
const BATCH: usize = 500;
/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 256 << 20;

fn main() -> Result<ExitCode> {
    std::panic::set_hook(Box::new(|_| ()));
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run)?;
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("the run panicked"),
    }
}

fn run() -> Result<ExitCode> {
    let options = options()?;
    let mut comparison = Comparison {
        witnesses: Witnesses {
            reference: Box::new(Reference::new(&options.reference)),
            other: options
                .also
                .as_deref()
                .map(|path| Box::new(Reference::new(path)) as Box<dyn Answers>),
            closeness: options.closeness,
        },
    };
    let mut out = std::io::stdout();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    let (mut done, mut unexplained) = (0, 0);
    let mut recorded = BTreeSet::new();
    if let Some(text) = &options.show {
        // Here a panic is to be seen.
        drop(std::panic::take_hook());
        let text = format!("p: {text}");
        let here = evaluate(&text, "p");
        let there = outcomes(&mut *comparison.witnesses.reference, &[text])?.remove(0);
        writeln!(out, "here:  {here}\nthere: {there}")?;
        return Ok(ExitCode::SUCCESS);
    }
    while done < options.programs {
        let count = BATCH.min(options.programs - done);
        let number = |i: usize| {
            options
                .seed
                .wrapping_mul(1 << 32)
                .wrapping_add((options.from + done + i) as u64)
        };
        let programs: Vec<Vec<Decl>> = (0..count)
            .map(|i| program(&mut Random::new(number(i))))
            .collect();
        for (i, here, there) in comparison.compare(&programs)? {
            *kinds.entry(kind(&there)).or_default() += 1;
            if here.agrees(&there, options.closeness) {
                continue;
            }
            let reason = comparison.witnesses.reason(&programs[i], &here, &there)?;
            if let Some(reason) = reason.filter(|reason| {
                options.record && !recorded.contains(reason) && text(&programs[i]).len() < RECORDED
            }) {
                recorded.insert(reason);
                let index = options.from + done + i;
                writeln!(out, "== {}: {} {index}", reason.name(), options.seed)?;
                comparison.record(&mut out, &programs[i], &here, &there)?;
                writeln!(out)?;
            }
            match reason {
                Some(reason) => *reasons.entry(reason).or_default() += 1,
                None => unexplained += 1,
            }
            let shown = !options.record
                && match &options.only {
                    Some(only) => reason.is_some_and(|reason| reason.name() == only),
                    None => reason.is_none(),
                };
            if !shown {
                continue;
            }
            let (small, here, there) = match shapes.len() < options.shrink {
                true => comparison.smallest(programs[i].clone(), here, there, reason)?,
                false => (programs[i].clone(), here, there),
            };
            let text = Expr::Struct(small).to_string();
            let seen = shapes.entry(text.clone()).or_default();
            *seen += 1;
            if *seen == 1 {
                let index = options.from + done + i;
                writeln!(
                    out,
                    "{text}\n  index: {index}\n  here:  {here}\n  there: {there}\n"
                )?;
            }
        }
        done += count;
    }
    let differences = unexplained + reasons.values().sum::<usize>();
    writeln!(
        out,
        "{done} programs of seed {} from {}: {differences} differ, {unexplained} for no known reason",
        options.seed, options.from
    )?;
    for (reason, count) in reasons {
        writeln!(out, "{count:8} {}", reason.name())?;
    }
    writeln!(out, "of all programs in CUE:")?;
    for (kind, count) in kinds {
        writeln!(out, "{count:8} {kind}")?;
    }
    Ok(match unexplained {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Data(_) => "data",
        Outcome::Incomplete(..) => "incomplete",
        Outcome::Wrong(_) => "wrong",
        Outcome::Refused(_) => "refused",
        Outcome::Failed(_) => "failed",
    }
}

struct Comparison {
    witnesses: Witnesses<'static>,
}

impl Comparison {
    /// The outcomes of programs: index, here, there.
    fn compare(&mut self, programs: &[Vec<Decl>]) -> Result<Vec<(usize, Outcome, Outcome)>> {
        let texts: Vec<String> = programs.iter().map(|program| text(program)).collect();
        let (here, there) = std::thread::scope(|scope| {
            let there = scope.spawn(|| outcomes(&mut *self.witnesses.reference, &texts));
            let here: Vec<Outcome> = texts.iter().map(|text| evaluate(text, "p")).collect();
            (here, there.join())
        });
        let there = there.map_err(|_| anyhow::anyhow!("the reference panicked"))??;
        let pairs = here.into_iter().zip(there);
        Ok(pairs
            .enumerate()
            .map(|(i, (here, there))| (i, here, there))
            .collect())
    }

    /// Writes what a reason rests on: the program, and the answers that differ from the one to the program.
    fn record(
        &mut self,
        out: &mut impl Write,
        program: &[Decl],
        here: &Outcome,
        there: &Outcome,
    ) -> Result<()> {
        let mut log = Vec::new();
        let witnesses = &mut self.witnesses;
        outcomes(
            &mut Recorder {
                of: &mut *witnesses.reference,
                log: &mut log,
            },
            &[text(program)],
        )?;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        Witnesses {
            reference: Box::new(Recorder {
                of: &mut *witnesses.reference,
                log: &mut own,
            }),
            other: witnesses.other.as_mut().map(|of| {
                Box::new(Recorder {
                    of: &mut **of,
                    log: &mut others,
                }) as Box<dyn Answers>
            }),
            closeness: witnesses.closeness,
        }
        .reason(program, here, there)?;
        let first = log.clone();
        // The texts of values that are not data tell the spellings apart only.
        let same = |a: &Value, b: &Value| {
            a["class"] == b["class"] && (a["class"] != "data" || a["text"] == b["text"])
        };
        log.extend(
            own.into_iter()
                .filter(|(request, answer)| request.is_array() || !same(answer, &first[0].1)),
        );
        for (request, answer) in log {
            writeln!(out, "{request}\n    {answer}")?;
        }
        for (_, answer) in others {
            writeln!(out, "other\n    {answer}")?;
        }
        Ok(())
    }

    /// The smallest program found on which the outcomes still differ, for the same reason.
    fn smallest(
        &mut self,
        mut program: Vec<Decl>,
        mut here: Outcome,
        mut there: Outcome,
        reason: Option<Reason>,
    ) -> Result<(Vec<Decl>, Outcome, Outcome)> {
        'smaller: loop {
            let smaller = candidates(&program);
            for (i, h, t) in self.compare(&smaller)? {
                if !h.agrees(&t, self.witnesses.closeness)
                    && self.witnesses.reason(&smaller[i], &h, &t)? == reason
                {
                    (program, here, there) = (smaller[i].clone(), h, t);
                    continue 'smaller;
                }
            }
            return Ok((program, here, there));
        }
    }
}
