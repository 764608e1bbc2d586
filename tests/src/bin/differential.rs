//! `differential --reference PATH [--programs N] [--seed S] [--shrink N] [--closeness class|paths|text]`: generates
//! programs, evaluates them here and by CUE, and prints the programs, made as small as they get, on which the outcomes
//! differ; from the shape `--shrink` on as they are. `--show PROGRAM` evaluates that one only. `src/differential/reference.go` says how the reference is built.

use anyhow::{Context, Result, bail};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::program::{Decl, Expr};
use holos_tests::differential::reference::Reference;
use holos_tests::differential::{Closeness, Outcome, evaluate::evaluate, shrink::candidates};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

struct Options {
    reference: PathBuf,
    programs: usize,
    seed: u64,
    shrink: usize,
    closeness: Closeness,
    show: Option<String>,
}

fn options() -> Result<Options> {
    let mut options = Options {
        reference: "reference".into(),
        programs: 1000,
        seed: 1,
        shrink: usize::MAX,
        closeness: Closeness::Class,
        show: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--reference" => options.reference = value.into(),
            "--programs" => options.programs = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--show" => options.show = Some(value),
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

/// How many programs are on the way at a time.
const BATCH: usize = 500;
/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 256 << 20;

fn main() -> Result<()> {
    std::panic::set_hook(Box::new(|_| ()));
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run)?;
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("the run panicked"),
    }
}

fn run() -> Result<()> {
    let options = options()?;
    let mut comparison = Comparison {
        reference: Reference::new(&options.reference),
        closeness: options.closeness,
    };
    let mut out = std::io::stdout();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut done, mut differences) = (0, 0);
    if let Some(text) = &options.show {
        let text = format!("p: {text}");
        let here = evaluate(&text, "p");
        let there = comparison.reference.outcomes(&[text])?.remove(0);
        writeln!(out, "here:  {here}\nthere: {there}")?;
        return Ok(());
    }
    while done < options.programs {
        let count = BATCH.min(options.programs - done);
        let number = |i: usize| {
            options
                .seed
                .wrapping_mul(1 << 32)
                .wrapping_add((done + i) as u64)
        };
        let programs: Vec<Vec<Decl>> = (0..count)
            .map(|i| program(&mut Random::new(number(i))))
            .collect();
        for (i, here, there) in comparison.compare(&programs)? {
            *kinds.entry(kind(&there)).or_default() += 1;
            if here.agrees(&there, options.closeness) {
                continue;
            }
            if let Some(why) = explained(&here, &there) {
                *reasons.entry(why).or_default() += 1;
                continue;
            }
            differences += 1;
            let (small, here, there) = match shapes.len() < options.shrink {
                true => comparison.smallest(programs[i].clone(), here, there)?,
                false => (programs[i].clone(), here, there),
            };
            let text = Expr::Struct(small).to_string();
            let seen = shapes.entry(text.clone()).or_default();
            *seen += 1;
            if *seen == 1 {
                writeln!(out, "{text}\n  here:  {here}\n  there: {there}\n")?;
            }
        }
        done += count;
    }
    writeln!(
        out,
        "{done} programs from seed {}, {differences} differ, in {} shapes",
        options.seed,
        shapes.len()
    )?;
    for (why, count) in reasons {
        writeln!(out, "{count:8} {why}")?;
    }
    for (kind, count) in kinds {
        writeln!(out, "{count:8} {kind}")?;
    }
    Ok(())
}

/// Why a difference is none that counts.
fn explained(here: &Outcome, there: &Outcome) -> Option<&'static str> {
    match (here, there) {
        (Outcome::Failed(_), _) => None,
        (_, Outcome::Failed(_)) => Some("CUE panics or does not end"),
        _ => None,
    }
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
    reference: Reference,
    closeness: Closeness,
}

impl Comparison {
    /// The outcomes of programs: index, here, there.
    fn compare(&mut self, programs: &[Vec<Decl>]) -> Result<Vec<(usize, Outcome, Outcome)>> {
        let texts: Vec<String> = programs
            .iter()
            .map(|decls| format!("p: {}", Expr::Struct(decls.clone())))
            .collect();
        let (here, there) = std::thread::scope(|scope| {
            let there = scope.spawn(|| self.reference.outcomes(&texts));
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

    /// The smallest program found on which the outcomes still differ.
    fn smallest(
        &mut self,
        mut program: Vec<Decl>,
        mut here: Outcome,
        mut there: Outcome,
    ) -> Result<(Vec<Decl>, Outcome, Outcome)> {
        loop {
            let smaller = candidates(&program);
            let differs = self
                .compare(&smaller)?
                .into_iter()
                .find(|(_, h, t)| !h.agrees(t, self.closeness));
            match differs {
                Some((i, h, t)) => (program, here, there) = (smaller[i].clone(), h, t),
                None => return Ok((program, here, there)),
            }
        }
    }
}
