//! `orders PATH [--orders N]`: the assertions of archives that hold as they are written, and not in another order of
//! declarations, operands or files. `orders --laws N [--seed S]`: generated values for which a law of `&` does not hold.

use anyhow::{Context, Result, bail};
use holos_tests::conformance::isolated::archives;
use holos_tests::conformance::laws::generated;
use holos_tests::conformance::permute::{Order, sensitive};
use holos_tests::conformance::{builtins, txtar::Archive};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Evaluation nests deeply; a thread's usual stack is small.
const STACK: usize = 256 << 20;

fn main() -> Result<()> {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run)?;
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("the run panicked"),
    }
}

fn run() -> Result<()> {
    let (mut path, mut orders, mut laws, mut seed) = (None, 8, 0, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().context("the flag needs a value");
        match argument.as_str() {
            "--orders" => orders = value()?.parse()?,
            "--laws" => laws = value()?.parse()?,
            "--seed" => seed = value()?.parse()?,
            _ => path = Some(PathBuf::from(argument)),
        }
    }
    let mut out = std::io::stdout();
    for number in seed..seed + laws {
        let (text, trials) = generated(number, builtins());
        for trial in trials.iter().filter(|trial| !trial.holds()) {
            writeln!(
                out,
                "{number} {}\n{text}     {}\n",
                trial.name,
                trial.text()
            )?;
        }
    }
    if let Some(path) = path {
        each_order(&path, orders, &mut out)?;
    }
    Ok(())
}

fn each_order(path: &Path, count: u64, out: &mut impl Write) -> Result<()> {
    let orders: Vec<Order> = std::iter::once(Order::Reversed)
        .chain((1..count).map(Order::Shuffled))
        .collect();
    for file in archives(path)? {
        let archive = Archive::parse(&std::fs::read_to_string(&file)?);
        for found in sensitive(&archive, builtins(), &orders) {
            let (assertion, order, failure) = (found.assertion, found.order, found.failure);
            writeln!(out, "{} {assertion} # {order:?}: {failure}", file.display())?;
        }
    }
    Ok(())
}
