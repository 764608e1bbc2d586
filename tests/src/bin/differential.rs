//! Generates programs, evaluates them here and by CUE, and prints the programs on which the outcomes differ for no known
//! reason (`src/differential/explain.rs`); if there is one, it exits with 1.
//!
//! ```text
//! differential --reference PATH [--also PATH] [--seed S] [--from N] [--programs N | --list FILE] [--known FILE]
//!              [--shrink N] [--only REASON] [--each | --record | --laws] [--closeness class|paths|text]
//! differential --reference PATH [--also PATH] --show PROGRAM [--laws]
//! ```
//!
//! `--also` is a reference of another version; `src/differential/reference.go` says how one is built. `--list` names programs,
//! a line each that begins with seed and number (other lines are none); `--known` those that are explained one by one, with the
//! explanation behind ` # `. Programs are printed as small as they get; from the shape `--shrink` on as they are. `--only` prints those that
//! differ for one reason, `--each` a line for each that differs, `--record` the first for each reason with the answers that it
//! rests on, as `suites/differential/reasons.txt` has them. `--laws` prints, instead, the spellings of a program (`src/differential/rewrite`)
//! that have another outcome here. `--show` evaluates one program, as printed.

use anyhow::{Context, Result, bail};
use holos_tests::differential::cycles::References;
use holos_tests::differential::explain::{Reason, Witnesses, broken, text};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::program::{Decl, Expr};
use holos_tests::differential::reference::{Answers, Recorder, Reference, outcomes};
use holos_tests::differential::{Closeness, Outcome, evaluate::evaluate, read, shrink::candidates};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

struct Options {
    reference: PathBuf,
    also: Option<PathBuf>,
    programs: usize,
    seed: u64,
    from: usize,
    shrink: usize,
    only: Option<String>,
    list: Option<PathBuf>,
    known: Option<PathBuf>,
    each: bool,
    laws: bool,
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
        list: None,
        known: None,
        each: false,
        laws: false,
        record: false,
        closeness: Closeness::Class,
        show: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let switch = match flag.as_str() {
            "--record" => Some(&mut options.record),
            "--each" => Some(&mut options.each),
            "--laws" => Some(&mut options.laws),
            _ => None,
        };
        if let Some(switch) = switch {
            *switch = true;
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
            "--list" => options.list = Some(value.into()),
            "--known" => options.known = Some(value.into()),
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

/// The seed of a program, and its number among those of the seed.
type Id = (u64, u64);

fn generated((seed, number): Id) -> Vec<Decl> {
    program(&mut Random::new(
        seed.wrapping_mul(1 << 32).wrapping_add(number),
    ))
}

/// The programs that lines begin with, and what is said behind ` # `.
fn listed(path: &Path) -> Result<Vec<(Id, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let id = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let why = line.split_once(" # ").map_or("", |(_, why)| why);
        Some((id, why.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
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
            witness: None,
        },
    };
    let mut out = std::io::stdout();
    if let Some(text) = &options.show {
        return show(text, &options, &mut comparison, &mut out);
    }
    let ids: Vec<Id> = match &options.list {
        Some(path) => listed(path)?.into_iter().map(|(id, _)| id).collect(),
        None => (options.from..options.from + options.programs)
            .map(|number| (options.seed, number as u64))
            .collect(),
    };
    if options.laws {
        let mut broken = 0;
        for &id in &ids {
            broken += usize::from(show_laws(
                &generated(id),
                &format!("{} {}", id.0, id.1),
                &mut out,
            )?);
        }
        writeln!(
            out,
            "{} programs, {broken} that change their outcome",
            ids.len()
        )?;
        return Ok(match broken {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        });
    }
    let known: HashSet<Id> = match &options.known {
        Some(path) => {
            let known = listed(path)?.into_iter();
            known
                .filter(|(_, why)| !why.is_empty())
                .map(|(id, _)| id)
                .collect()
        }
        None => HashSet::new(),
    };
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut unexplained = 0;
    let mut recorded = BTreeSet::new();
    for ids in ids.chunks(BATCH) {
        let programs: Vec<Vec<Decl>> = ids.iter().map(|&id| generated(id)).collect();
        for (i, here, there) in comparison.compare(&programs)? {
            *kinds.entry(kind(&there)).or_default() += 1;
            if here.agrees(&there, options.closeness) {
                continue;
            }
            let mut reason = comparison.witnesses.reason(&programs[i], &here, &there)?;
            if reason.is_none() && known.contains(&ids[i]) {
                reason = Some(Reason::Listed);
            }
            let (seed, number) = ids[i];
            if let Some(reason) = reason.filter(|reason| {
                options.record && !recorded.contains(reason) && text(&programs[i]).len() < RECORDED
            }) {
                recorded.insert(reason);
                writeln!(out, "== {}: {seed} {number}", reason.name())?;
                comparison.record(&mut out, &programs[i], &here, &there)?;
                writeln!(out)?;
            }
            match reason {
                Some(reason) => *reasons.entry(reason).or_default() += 1,
                None => unexplained += 1,
            }
            if options.each {
                let name = reason.map_or("-", Reason::name);
                let how = comparison.witnesses.witness.as_ref();
                let how = how.map_or_else(String::new, |witness| witness.rewritings.join(", "));
                writeln!(out, "{seed} {number} {name}: {how}")?;
                out.flush()?;
                continue;
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
                writeln!(
                    out,
                    "{text}\n  program: {seed} {number}\n  here:  {here}\n  there: {there}\n"
                )?;
            }
        }
    }
    let differences = unexplained + reasons.values().sum::<usize>();
    writeln!(
        out,
        "{} programs: {differences} differ, {unexplained} for no known reason",
        ids.len()
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

/// What becomes of one program, and why; or which of its spellings differ here.
fn show(
    text: &str,
    options: &Options,
    comparison: &mut Comparison,
    out: &mut impl Write,
) -> Result<ExitCode> {
    // Here a panic is to be seen.
    drop(std::panic::take_hook());
    let file = format!("p: {text}");
    let here = evaluate(&file, "p");
    let there = outcomes(&mut *comparison.witnesses.reference, &[file])?.remove(0);
    writeln!(out, "here:  {here}\nthere: {there}")?;
    let Some(program) = read::program(text) else {
        return Ok(ExitCode::SUCCESS);
    };
    if options.laws {
        show_laws(&program, "", out)?;
    }
    if !here.agrees(&there, options.closeness) {
        let reason = comparison.witnesses.reason(&program, &here, &there)?;
        writeln!(out, "{}", reason.map_or("no known reason", Reason::name))?;
        if let Some(witness) = &comparison.witnesses.witness {
            writeln!(out, "{}: {}", witness.rewritings.join(", "), witness.text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a program and the spellings of it that have another outcome here; whether there are any.
fn show_laws(program: &[Decl], head: &str, out: &mut impl Write) -> Result<bool> {
    let here = evaluate(&text(program), "p");
    let broken = broken(program, &here);
    if broken.is_empty() {
        return Ok(false);
    }
    let cycle = match References::of(program).has_cycle() {
        true => " (with a cycle)",
        false => "",
    };
    writeln!(out, "{head} {}{cycle}\n    {here}", text(program))?;
    for (rewriting, text, outcome) in broken {
        writeln!(out, "  {rewriting}: {text}\n    {outcome}")?;
    }
    Ok(true)
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
        let mut asked = Witnesses {
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
            witness: None,
        };
        asked.reason(program, here, there)?;
        let witness = asked.witness.take().map(|witness| witness.text);
        drop(asked);
        // Of the other spellings the one that shows it is enough.
        log.extend(own.into_iter().filter(|(request, _)| {
            request.is_array() || witness.as_deref().is_some_and(|text| request == text)
        }));
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
