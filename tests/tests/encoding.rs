//! The suite of data formats: each archive in `suites/encoding` has one input, `in.EXTENSION`, and what must come of it.
//!
//! `out.json`, `out.yaml`, … is the text of all its documents in that format; `out.holos` what an import makes
//! of them; `errors.txt` has a line an error, `line:column: code message`, and one a writer refuses
//! with is `out.EXTENSION: message` (that output is then not compared). With `UPDATE_SUITES=1` in the environment, expectations
//! that are not met are rewritten instead: read the difference before it is committed.

use holos_lang::diagnostic::{Source, SourceMap};
use holos_lang::value::Data;
use holos_stdlib::encoding::{Format, Read, data, import, read, to_string, write, write_stream};
use holos_tests::conformance::isolated::archives;
use holos_tests::conformance::txtar::Archive;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn every_archive_holds() -> std::io::Result<()> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/encoding");
    let mut report = String::new();
    let update = std::env::var_os("UPDATE_SUITES").is_some();
    for file in archives(&suite)? {
        let mut archive = Archive::parse(&std::fs::read_to_string(&file)?);
        for (name, expected, got) in outcomes(&archive) {
            if expected != got && update {
                archive.set(&name, got);
                std::fs::write(&file, archive.to_string())?;
            } else if expected != got {
                let file = file.strip_prefix(&suite).unwrap_or(&file).display();
                _ = write!(
                    report,
                    "{file} {name}\nexpected:\n{expected}\ngot:\n{got}\n"
                );
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
    Ok(())
}

/// A large value is encoded by several threads where it goes to a stream, and by one where it becomes a text.
#[test]
fn a_large_value_is_written_as_it_is_by_one_thread() {
    let text = |n: usize| Data::String(format!("\"{n}\"\n").into());
    let few = |n: usize| Data::List((0..n).map(text).collect());
    let fields = |count: usize, value: &dyn Fn(usize) -> Data| {
        Data::Struct(
            (0..count)
                .map(|n| (format!("f{n}").into(), value(n)))
                .collect(),
        )
    };
    let each = |n: usize| fields(n % 4, &few);
    let all = fields(3, &|n| fields(400 * n, &each));
    for data in [
        few(3000),
        each(3),
        Data::List(vec![all.clone(), each(2), all].into()),
    ] {
        for format in [Format::Json, Format::JsonLines] {
            let mut written = Vec::new();
            write(format, &data, &mut written).unwrap();
            let expected = to_string(format, &data).unwrap();
            assert!(
                String::from_utf8(written).unwrap() == expected,
                "{format:?}"
            );
        }
    }
}

/// Each expected file with what there is instead.
fn outcomes(archive: &Archive) -> Vec<(String, String, String)> {
    let input = archive
        .files
        .iter()
        .find(|(name, _)| name.starts_with("in."));
    let Some((name, text)) = input else {
        return vec![("in".into(), "a file".into(), String::new())];
    };
    // A data file need not end with a line break; an archive's files do.
    let text = if archive.comment_says("#no-final-newline") {
        text.trim_end()
    } else {
        text
    };
    let mut sources = SourceMap::default();
    let file = sources.add(Source {
        name: name.as_str().into(),
        text: text.into(),
        user: true,
    });
    let format = Format::of_file(name).unwrap_or(Format::Text);
    let Read { documents, errors } = read(format, file, text);
    let mut said = String::new();
    for error in &errors {
        let place = error.labels.first().map_or((0, 0), |label| {
            sources.line_column(label.place.file, label.place.span.start)
        });
        _ = writeln!(
            said,
            "{}:{}: {} {}",
            place.0, place.1, error.code, error.message
        );
    }
    let values: Vec<_> = documents.iter().filter_map(data).collect();
    let mut outcomes = Vec::new();
    for (name, expected) in &archive.files {
        let Some(extension) = name.strip_prefix("out.") else {
            continue;
        };
        let mut got = Vec::new();
        if extension == "holos" {
            got = import(documents.clone(), None).into_bytes();
        } else {
            let format = Format::named(extension).unwrap_or(Format::Text);
            if let Err(error) = write_stream(format, &values, &mut got) {
                _ = writeln!(said, "{name}: {error}");
                continue;
            }
        }
        let got = String::from_utf8_lossy(&got).into_owned();
        outcomes.push((name.clone(), expected.clone(), got));
    }
    let expected = archive.files.iter().find(|(name, _)| name == "errors.txt");
    let expected = expected.map_or(String::new(), |(_, text)| text.clone());
    outcomes.push(("errors.txt".into(), expected, said));
    outcomes
}
