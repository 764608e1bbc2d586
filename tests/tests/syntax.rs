//! The suite of the syntax: each archive in `suites/syntax` has inputs `NAME.holos`, and what comes of them.
//!
//! `NAME.tree` is the tree as nested lists, `NAME.errors` has a line an error, `line:column: code
//! message` and indented below it what the other places say, `NAME.format` is the text formatted and
//! `NAME.print` the tree printed without its text. Only what an archive has is compared; an input
//! without `NAME.errors` must have none. With `UPDATE_SUITES=1` in the environment, expectations that
//! are not met are rewritten instead: read the difference before it is committed.

use holos_lang::diagnostic::catalogue::ENTRIES;
use holos_lang::diagnostic::{Diagnostic, FileId, Source, SourceMap};
use holos_lang::syntax::tree::*;
use holos_lang::syntax::{MAX_DEPTH, MAX_ERRORS, format, parse, parse_expr, print};
use holos_tests::conformance::isolated::archives;
use holos_tests::conformance::txtar::Archive;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/syntax")
}

/// All inputs of the suite.
fn inputs() -> std::io::Result<Vec<String>> {
    let mut inputs = Vec::new();
    for file in archives(&suite())? {
        let archive = Archive::parse(&std::fs::read_to_string(&file)?);
        let sources = archive
            .files
            .into_iter()
            .filter(|(name, _)| name.ends_with(".holos"));
        inputs.extend(sources.map(|(_, text)| text));
    }
    Ok(inputs)
}

#[test]
fn every_archive_holds() -> std::io::Result<()> {
    let mut report = String::new();
    let update = std::env::var_os("UPDATE_SUITES").is_some();
    for file in archives(&suite())? {
        let mut archive = Archive::parse(&std::fs::read_to_string(&file)?);
        for (name, expected, got) in outcomes(&archive) {
            if expected != got && update {
                archive.set(&name, got);
                std::fs::write(&file, archive.to_string())?;
            } else if expected != got {
                let file = file.strip_prefix(suite()).unwrap_or(&file).display();
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

/// Each expected file with what there is instead.
fn outcomes(archive: &Archive) -> Vec<(String, String, String)> {
    let mut outcomes = Vec::new();
    for (name, text) in &archive.files {
        let Some(name) = name.strip_suffix(".holos") else {
            continue;
        };
        let parsed = parse(FileId(0), text);
        let mut compare = |kind: &str, got: &dyn Fn() -> String, always: bool| {
            let name = format!("{name}.{kind}");
            let expected = archive.files.iter().find(|(other, _)| *other == name);
            if expected.is_some() || always {
                let expected = expected.map_or(String::new(), |(_, text)| text.clone());
                outcomes.push((name, expected, got()));
            }
        };
        compare("tree", &|| dump(&parsed.file), false);
        let errors = listed(text, &parsed.errors);
        compare("errors", &|| errors.clone(), !errors.is_empty());
        compare("format", &|| format(text).unwrap_or_default(), false);
        compare("print", &|| print(&parsed.file), false);
    }
    outcomes
}

fn listed(text: &str, errors: &[Diagnostic]) -> String {
    let mut sources = SourceMap::default();
    sources.add(Source {
        name: "in".into(),
        text: text.into(),
        user: true,
    });
    let mut out = String::new();
    for error in errors {
        let mut labels = error.labels.iter().map(|label| {
            let (line, column) = sources.line_column(label.place.file, label.place.span.start);
            format!("{line}:{column}: ")
        });
        let first = labels.next().unwrap_or_default();
        _ = writeln!(out, "{first}{} {}", error.code, error.message);
        for (place, label) in labels.zip(error.labels.iter().skip(1)) {
            _ = writeln!(out, "    {place}{}", label.message);
        }
    }
    out
}

// Properties

#[test]
fn formatting_twice_changes_nothing() -> std::io::Result<()> {
    for text in inputs()? {
        if let Some(once) = format(&text) {
            assert_eq!(format(&once).as_deref(), Some(&*once), "of:\n{text}");
        }
    }
    Ok(())
}

/// Every file of the language in the project: what is committed is laid out by whoever wrote it, so only that formatting is stable.
#[test]
fn the_projects_own_files_can_be_formatted() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = ["stdlib", "schemas", "tests", "cli"]
        .map(|folder| root.join(folder))
        .into();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "holos")
            {
                let text = std::fs::read_to_string(&path)?;
                let once = format(&text);
                let once = once.unwrap_or_else(|| panic!("{} cannot be formatted", path.display()));
                assert_eq!(
                    format(&once).as_deref(),
                    Some(&*once),
                    "{} changes when it is formatted twice",
                    path.display()
                );
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} files were found");
    Ok(())
}

#[test]
fn what_is_printed_can_be_read() -> std::io::Result<()> {
    for text in inputs()? {
        let parsed = parse(FileId(0), &text);
        if parsed.errors.is_empty() {
            let printed = print(&parsed.file);
            let again = parse(FileId(0), &printed);
            assert_eq!(listed(&printed, &again.errors), "", "of:\n{printed}");
            assert_eq!(print(&again.file), printed);
        }
    }
    Ok(())
}

/// Inputs with a piece taken out or put in are parsed, printed and formatted without a panic.
#[test]
fn nothing_breaks_the_parser() -> std::io::Result<()> {
    let pieces = [
        "{", "}", "[", ")", "\"", "\"\"\"", "\\(", ",", ":", "\n", "=", "...", "@x(", "#", "?", "é",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for text in inputs()? {
        for _ in 0..20 {
            let mut characters: Vec<char> = text.chars().collect();
            let at = random(characters.len());
            if random(2) == 0 {
                let until = (at + random(8)).min(characters.len());
                characters.drain(at..until);
            } else {
                let piece = pieces[random(pieces.len())];
                characters.splice(at..at, piece.chars());
            }
            let broken: String = characters.into_iter().collect();
            print(&parse(FileId(0), &broken).file);
            if let Some(once) = format(&broken) {
                assert_eq!(format(&once).as_deref(), Some(&*once), "of:\n{broken}");
            }
        }
    }
    Ok(())
}

/// The blocks of the specification's chapters on syntax.
#[test]
fn the_specification_is_true() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    for chapter in ["lexis.md", "grammar.md"] {
        let text = std::fs::read_to_string(root.join(chapter))?;
        for block in text.split("\n```holos").skip(1) {
            let (kind, rest) = block.split_once('\n').unwrap_or_default();
            let code = rest.split("\n```").next().unwrap_or_default();
            let errors = listed(code, &parse(FileId(0), code).errors);
            assert_eq!(
                errors.is_empty(),
                kind.trim() != "error",
                "{chapter}:\n{code}\n{errors}"
            );
        }
    }
    Ok(())
}

/// The examples of the catalogue have the errors that they are examples of.
#[test]
fn the_catalogue_is_true() {
    let fit = |code: u16| (1..=18).contains(&code) && code != 20;
    for entry in ENTRIES.iter().filter(|entry| fit(entry.code.0)) {
        let codes = |text: &str| -> Vec<_> {
            parse(FileId(0), text)
                .errors
                .iter()
                .map(|error| error.code)
                .collect()
        };
        assert!(
            codes(entry.wrong).contains(&entry.code),
            "{} of {}",
            entry.code,
            entry.wrong
        );
        let experiment = format!("@experiment(try)\n{}", entry.mend);
        let mend = if entry.code.0 == 16 {
            &experiment
        } else {
            entry.mend
        };
        assert_eq!(codes(mend), [], "{} of {mend}", entry.code);
    }
}

// Limits

#[test]
fn deep_input_gives_one_error() {
    let many = 200_000;
    let inputs = [
        "[".repeat(many),
        "a:".repeat(many),
        format!("a: {}", "-".repeat(many)),
        format!("a: b{}", ".b".repeat(many)),
        format!("a: b{}", "+b-c".repeat(many)),
        format!("a: {}", "\"\\(".repeat(many)),
        format!("a: b{}", "[0]".repeat(many)),
        format!("{}{}", "{".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1)),
    ];
    for text in &inputs {
        let errors = parse(FileId(0), text).errors;
        let codes: Vec<String> = errors.iter().map(|error| error.code.to_string()).collect();
        assert_eq!(codes, ["E0019"], "of {}…", &text[..20]);
    }
}

#[test]
fn depth_within_the_limit_is_no_error() {
    let text = format!(
        "a: {}{}",
        "(".repeat(MAX_DEPTH - 10),
        ")".repeat(MAX_DEPTH - 10)
    );
    assert!(
        parse(FileId(0), &text.replace("()", "(1)"))
            .errors
            .is_empty()
    );
    assert!(
        parse(FileId(0), &format!("a: 1{}", "+1".repeat(100_000)))
            .errors
            .is_empty()
    );
}

#[test]
fn errors_are_counted_out() {
    for text in [
        "} ".repeat(10_000),
        "% ".repeat(10_000),
        "a b\n".repeat(2_000),
    ] {
        let errors = parse(FileId(0), &text).errors;
        assert_eq!(errors.len(), MAX_ERRORS + 1, "of {}…", &text[..20]);
    }
}

#[test]
fn an_expression_stands_alone() {
    let cases = [
        ("1 + 2 * 3", "(+ 1 (* 2 3))", 0),
        ("  {a: 1}\n", "{(: a 1)}", 0),
        ("a: 1", "bad", 1),
        ("", "bad", 1),
        ("1 2", "bad", 1),
    ];
    for (text, tree, errors) in cases {
        let (expr, found) = parse_expr(FileId(0), text);
        let mut out = String::new();
        expression(&expr, &mut out);
        assert_eq!((&*out, found.len()), (tree, errors), "of {text}");
    }
}

// Trees as nested lists

fn dump(file: &File) -> String {
    let mut out = String::new();
    for attribute in &file.attributes {
        _ = writeln!(out, "(@{} {:?})", attribute.name, attribute.body);
    }
    if let Some(name) = &file.package {
        _ = writeln!(out, "(package {})", name.name);
    }
    for import in &file.imports {
        let alias = import.alias.as_ref().map_or("", |alias| &alias.name);
        _ = writeln!(out, "(import {alias:?} {:?})", import.path);
    }
    for decl in &file.decls {
        declaration(decl, &mut out);
        out.push('\n');
    }
    out
}

fn declaration(decl: &Decl, out: &mut String) {
    match decl {
        Decl::Field(field) => {
            out.push_str("(: ");
            if let Some(alias) = field.alias() {
                _ = write!(out, "{}=", alias.name);
            }
            label(&field.label, out);
            match field.postfix_alias() {
                Some(PostfixAlias::Value(name)) => _ = write!(out, "~{}", name.name),
                Some(PostfixAlias::Pair(key, value)) => {
                    _ = write!(out, "~({},{})", key.name, value.name);
                }
                None => {}
            }
            out.push_str(match field.presence {
                Presence::Regular => " ",
                Presence::Optional => "? ",
                Presence::Required => "! ",
            });
            if let Some(alias) = field.value_alias() {
                _ = write!(out, "{}=", alias.name);
            }
            expression(&field.value, out);
            for attribute in &field.attributes {
                _ = write!(out, " @{}", attribute.name);
            }
            out.push(')');
        }
        Decl::Let(clause) => binding("let", clause, out),
        Decl::Alias(clause) => binding("alias", clause, out),
        Decl::Embed(expr) => expression(expr, out),
        Decl::Comprehension(it) => comprehension(it, out),
        Decl::Ellipsis(it) => ellipsis(it, out),
        Decl::Attribute(it) => _ = write!(out, "(@{} {:?})", it.name, it.body),
        Decl::Bad(_) => out.push_str("bad"),
    }
}

fn binding(word: &str, clause: &LetClause, out: &mut String) {
    _ = write!(out, "({word} {} ", clause.name.name);
    expression(&clause.value, out);
    out.push(')');
}

fn ellipsis(it: &Ellipsis, out: &mut String) {
    out.push_str("...");
    if let Some(value) = &it.value {
        expression(value, out);
    }
}

fn label(it: &Label, out: &mut String) {
    match it {
        Label::Ident(name) => out.push_str(&name.name),
        Label::String { value, .. } => _ = write!(out, "{value:?}"),
        Label::Interpolation(expr) => expression(expr, out),
        Label::Dynamic { expr, .. } => {
            out.push_str("(dynamic ");
            expression(expr, out);
            out.push(')');
        }
        Label::Pattern { alias, expr, .. } => {
            out.push('[');
            if let Some(alias) = alias {
                _ = write!(out, "{}=", alias.name);
            }
            expression(expr, out);
            out.push(']');
        }
    }
}

fn comprehension(it: &Comprehension, out: &mut String) {
    out.push_str("(do");
    for clause in &it.clauses {
        out.push(' ');
        match clause {
            Clause::For {
                key, value, source, ..
            } => {
                let key = key
                    .as_ref()
                    .map_or(String::new(), |key| format!("{} ", key.name));
                _ = write!(out, "(for {key}{} ", value.name);
                expression(source, out);
                out.push(')');
            }
            Clause::If { condition, .. } => {
                out.push_str("(if ");
                expression(condition, out);
                out.push(')');
            }
            Clause::Let(clause) => binding("let", clause, out),
            Clause::Try {
                name: Some(name),
                value: Some(value),
                ..
            } => {
                _ = write!(out, "(try {} ", name.name);
                expression(value, out);
                out.push(')');
            }
            Clause::Try { .. } => out.push_str("try"),
        }
    }
    out.push(' ');
    structure(&it.body, out);
    if let Some((kind, _, body)) = &it.otherwise {
        _ = write!(out, " {kind:?} ");
        structure(body, out);
    }
    out.push(')');
}

fn structure(literal: &StructLit, out: &mut String) {
    out.push_str(if literal.braces { "{" } else { "" });
    for (index, decl) in literal.decls.iter().enumerate() {
        out.push_str(if index > 0 { " " } else { "" });
        declaration(decl, out);
    }
    out.push_str(if literal.braces { "}" } else { "" });
}

fn list(head: &str, items: &[&Expr], out: &mut String) {
    _ = write!(out, "({head}");
    for item in items {
        out.push(' ');
        expression(item, out);
    }
    out.push(')');
}

fn expression(expr: &Expr, out: &mut String) {
    match expr {
        Expr::Ident(name) => out.push_str(&name.name),
        Expr::Bottom(_) => out.push_str("_|_"),
        Expr::Null(_) => out.push_str("null"),
        Expr::Bool(value, _) => _ = write!(out, "{value}"),
        Expr::Number(text, _) => out.push_str(text),
        Expr::String(value, _) => _ = write!(out, "{value:?}"),
        Expr::Bytes(value, _) => _ = write!(out, "'{}'", value.escape_ascii()),
        Expr::Interpolation(it) => {
            out.push_str(if it.bytes { "(bytes" } else { "(string" });
            for (index, fragment) in it.fragments.iter().enumerate() {
                _ = write!(out, " {:?}", String::from_utf8_lossy(fragment));
                if let Some(expr) = it.expressions.get(index) {
                    out.push(' ');
                    expression(expr, out);
                }
            }
            out.push(')');
        }
        Expr::Struct(literal) => structure(literal, out),
        Expr::List(literal) => {
            out.push('[');
            for (index, element) in literal.elements.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                match element {
                    Element::Expr(expr) => expression(expr, out),
                    Element::Alias(name, expr) => {
                        _ = write!(out, "{}=", name.name);
                        expression(expr, out);
                    }
                    Element::Comprehension(it) => comprehension(it, out),
                }
            }
            if let Some(it) = &literal.ellipsis {
                out.push_str(if literal.elements.is_empty() { "" } else { " " });
                ellipsis(it, out);
            }
            out.push(']');
        }
        Expr::Paren(inner, _) => list("paren", &[inner], out),
        Expr::Unary(unary) => list(&format!("{:?}", unary.op), &[&unary.operand], out),
        Expr::Binary(binary) => {
            list(
                operator(binary.op),
                &binary.operands.iter().collect::<Vec<_>>(),
                out,
            );
        }
        Expr::Selector(selector) => {
            out.push_str("(. ");
            expression(&selector.base, out);
            match &selector.name {
                SelectorName::Ident(name) => _ = write!(out, " {})", name.name),
                SelectorName::String { value, .. } => _ = write!(out, " {value:?})"),
            }
        }
        Expr::Index { base, index, .. } => list("index", &[base, index], out),
        Expr::Slice {
            base, low, high, ..
        } => {
            out.push_str("(slice ");
            expression(base, out);
            for bound in [low, high] {
                out.push(' ');
                match bound {
                    Some(bound) => expression(bound, out),
                    None => out.push('-'),
                }
            }
            out.push(')');
        }
        Expr::Call {
            function,
            arguments,
            ..
        } => {
            let items: Vec<&Expr> = std::iter::once(&**function).chain(arguments).collect();
            list("call", &items, out);
        }
        Expr::Open(inner, _) => list("open", &[inner], out),
        Expr::Try(inner, _) => list("try", &[inner], out),
        Expr::Bad(_) => out.push_str("bad"),
    }
}

fn operator(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        Disjunction => "|",
        Unify => "&",
        Or => "||",
        And => "&&",
        Equal => "==",
        NotEqual => "!=",
        Less => "<",
        LessEqual => "<=",
        Greater => ">",
        GreaterEqual => ">=",
        Match => "=~",
        NotMatch => "!~",
        Add => "+",
        Subtract => "-",
        Multiply => "*",
        Divide => "/",
    }
}
