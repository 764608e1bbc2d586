//! `formatting PATH…`: formats every input of the archives below the paths (`NAME.input`), says where doing it again changes something
//! or where it cannot be done, and shows where the layout is another than the archive's (`out/format/NAME.golden`).

use anyhow::{Context, Result};
use holos_lang::syntax::format;
use holos_tests::conformance::isolated::archives;
use holos_tests::conformance::txtar::Archive;
use std::io::Write;
use std::path::Path;

fn main() -> Result<()> {
    let mut out = std::io::stdout();
    let (mut inputs, mut faults, mut same) = (0, 0, 0);
    for path in std::env::args().skip(1) {
        for file in archives(Path::new(&path))? {
            let text =
                std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let archive = Archive::parse(&text);
            for (name, input) in &archive.files {
                let Some(name) = name.strip_suffix(".input") else {
                    continue;
                };
                inputs += 1;
                let title = format!("{} {name}", file.display());
                let Some(once) = format(input) else {
                    faults += 1;
                    writeln!(out, "{title}: cannot be formatted")?;
                    continue;
                };
                if format(&once).as_ref() != Some(&once) {
                    faults += 1;
                    writeln!(out, "{title}: formatting it again changes it")?;
                }
                let golden = format!("out/format/{name}.golden");
                let expected = archive.files.iter().find(|(name, _)| *name == golden);
                match expected {
                    Some((_, expected)) if expected.trim() != once.trim() => {
                        writeln!(out, "{title}: another layout")?;
                        differing(&mut out, expected, &once)?;
                    }
                    _ => same += 1,
                }
            }
        }
    }
    writeln!(
        out,
        "{inputs} inputs, {same} in the same layout, {faults} faults"
    )?;
    std::process::exit(i32::from(faults > 0));
}

/// The lines between what the two texts have in common at their beginning and at their end.
fn differing(out: &mut impl Write, expected: &str, got: &str) -> std::io::Result<()> {
    let (mut a, mut b): (Vec<&str>, Vec<&str>) = (
        expected.trim().lines().collect(),
        got.trim().lines().collect(),
    );
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    a.drain(..start);
    b.drain(..start);
    while a.last().is_some() && a.last() == b.last() {
        a.pop();
        b.pop();
    }
    for (mark, lines) in [('-', a), ('+', b)] {
        for line in lines {
            writeln!(out, "  {mark} {line}")?;
        }
    }
    Ok(())
}
