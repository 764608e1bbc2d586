//! `differential --cue PATH [--programs N] [--seed S] [--batch N] [--shrink N] [--closeness class|paths|text]`: generates programs, evaluates them here and by another
//! implementation, and prints the programs, made as small as they get, on which the outcomes differ.

use anyhow::{Context, Result, bail};
use holos_tests::differential::generate::{Random, program};
use holos_tests::differential::program::{Decl, Expr};
use holos_tests::differential::reference::Reference;
use holos_tests::differential::{Closeness, Outcome, evaluate::evaluate, shrink::candidates};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

struct Options {
    cue: PathBuf,
    programs: usize,
    seed: u64,
    batch: usize,
    shrink: usize,
    closeness: Closeness,
}

fn options() -> Result<Options> {
    let mut options = Options {
        cue: "cue".into(),
        programs: 1000,
        seed: 1,
        batch: 500,
        shrink: usize::MAX,
        closeness: Closeness::Class,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--cue" => options.cue = value.into(),
            "--programs" => options.programs = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--batch" => options.batch = value.parse()?,
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
    let reference = Reference::new(&options.cue)?;
    let mut out = std::io::stdout();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut done, mut differences) = (0, 0);
    let mut seed = options.seed;
    while done < options.programs {
        let count = options.batch.min(options.programs - done);
        let programs: Vec<Vec<Decl>> = (0..count)
            .map(|i| {
                program(&mut Random::new(
                    seed.wrapping_mul(1_000_003).wrapping_add(i as u64),
                ))
            })
            .collect();
        for (i, here, there) in compare(&reference, &programs)? {
            *kinds.entry(kind(&there)).or_default() += 1;
            if here.agrees(&there, options.closeness) {
                continue;
            }
            differences += 1;
            if shapes.len() >= options.shrink {
                continue;
            }
            let (small, here, there) = smallest(
                &reference,
                programs[i].clone(),
                here,
                there,
                options.closeness,
            )?;
            let text = Expr::Struct(small).to_string();
            let seen = shapes.entry(text.clone()).or_default();
            *seen += 1;
            if *seen == 1 {
                writeln!(out, "{text}\n  here:  {here}\n  there: {there}\n")?;
            }
        }
        done += count;
        seed += 1;
    }
    writeln!(
        out,
        "{done} programs, {differences} differ, in {} shapes",
        shapes.len()
    )?;
    for (kind, count) in kinds {
        writeln!(out, "{count:8} {kind}")?;
    }
    Ok(())
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Data(_) => "data",
        Outcome::Incomplete(..) => "incomplete",
        Outcome::Wrong(_) => "wrong",
        Outcome::Failed(_) => "failed",
    }
}

/// The outcomes of those programs that mean anything here: index, here, there.
fn compare(
    reference: &Reference,
    programs: &[Vec<Decl>],
) -> Result<Vec<(usize, Outcome, Outcome)>> {
    let mut texts = Vec::new();
    let mut here = BTreeMap::new();
    for (i, decls) in programs.iter().enumerate() {
        let name = format!("p{i}");
        let text = format!("{name}: {}", Expr::Struct(decls.clone()));
        match evaluate(&text, &name) {
            Outcome::Failed(why) if why != "panic" => {}
            outcome => {
                here.insert(name.clone(), (i, outcome));
                texts.push((name, text));
            }
        }
    }
    let mut there = reference.outcomes(&texts)?;
    let mut found = Vec::new();
    for (name, (i, here)) in here {
        let there = there
            .remove(&name)
            .unwrap_or_else(|| Outcome::Failed("no outcome".into()));
        found.push((i, here, there));
    }
    Ok(found)
}

/// The smallest program found on which the outcomes still differ.
fn smallest(
    reference: &Reference,
    mut program: Vec<Decl>,
    mut here: Outcome,
    mut there: Outcome,
    closeness: Closeness,
) -> Result<(Vec<Decl>, Outcome, Outcome)> {
    loop {
        let smaller = candidates(&program);
        let differs = compare(reference, &smaller)?
            .into_iter()
            .filter(|(_, h, t)| !h.agrees(t, closeness))
            .min_by_key(|(i, ..)| *i);
        match differs {
            Some((i, h, t)) => (program, here, there) = (smaller[i].clone(), h, t),
            None => return Ok((program, here, there)),
        }
    }
}
