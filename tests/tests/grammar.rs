//! The rules in `spec/grammar.md`, as a recogniser beside the compiler's parser.
//!
//! Both read the same tokens. They have to agree on every file of the suites, and on files made from these by taking
//! out, doubling or swapping a token. The parser says more than the grammar: what it finds beyond (experiments,
//! aliases where none can be, and the like) has codes of its own.

use holos_lang::diagnostic::{Diagnostic, FileId};
use holos_lang::syntax::{parse, tokens};
use holos_tests::conformance::txtar::Archive;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What the parser finds in what the grammar allows: escapes, lines of texts, numbers, attributes, aliases, reserved names,
/// experiments, branches, marks of patterns, imports.
const BEYOND: [u16; 10] = [3, 4, 5, 9, 13, 14, 15, 16, 17, 18];
/// What it says of what the chapter says in words: `?` behind what is no reference, bytes as a label.
const IN_WORDS: [&str; 2] = [
    "`?` follows a reference only",
    "this expression cannot name a field",
];
/// Longer files take too long to recognise.
const LONGEST: usize = 1500;
const MUTATIONS: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

// ---- the notation ----

#[derive(Debug)]
enum Rule {
    Sequence(Vec<Rule>),
    Choice(Vec<Rule>),
    Optional(Box<Rule>),
    Repeated(Box<Rule>),
    Name(String),
    Token(String),
}

type Grammar = BTreeMap<String, Rule>;

/// The rules of all blocks marked `ebnf` of a chapter.
fn grammar(chapter: &str) -> Grammar {
    let path = root().join("spec").join(chapter);
    let text = std::fs::read_to_string(&path).expect("the chapter is there");
    let mut grammar = Grammar::new();
    for block in text.split("\n```ebnf\n").skip(1) {
        let mut words = Words::new(block.split("\n```").next().unwrap_or_default());
        while let Some(name) = words.next() {
            assert_eq!(words.next().as_deref(), Some("="), "after {name}");
            let rule = words.choice();
            assert_eq!(words.next().as_deref(), Some("."), "at the end of {name}");
            assert!(
                grammar.insert(name.clone(), rule).is_none(),
                "{name} is there twice"
            );
        }
    }
    grammar
}

struct Words<'t>(&'t str);

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Words<'t> {
        Words(text)
    }

    fn peek(&self) -> Option<String> {
        Words(self.0).next()
    }

    /// A name, a quoted token with its quotes, or a sign.
    fn next(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let length = match first {
            '"' => text[1..].find('"')? + 2,
            c if c.is_alphabetic() => text
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(text.len()),
            c => c.len_utf8(),
        };
        self.0 = &text[length..];
        Some(text[..length].to_string())
    }

    fn choice(&mut self) -> Rule {
        let mut arms = vec![self.sequence()];
        while self.peek().as_deref() == Some("|") {
            self.next();
            arms.push(self.sequence());
        }
        match arms.len() {
            1 => arms.remove(0),
            _ => Rule::Choice(arms),
        }
    }

    fn sequence(&mut self) -> Rule {
        let mut parts = Vec::new();
        while let Some(word) = self.peek() {
            let close = match word.as_str() {
                "|" | "." | "]" | "}" | ")" => break,
                "[" => "]",
                "{" => "}",
                "(" => ")",
                _ => "",
            };
            self.next();
            if close.is_empty() {
                parts.push(match word.strip_prefix('"') {
                    Some(token) => Rule::Token(token.trim_end_matches('"').to_string()),
                    None => Rule::Name(word),
                });
                continue;
            }
            let inner = self.choice();
            assert_eq!(self.next().as_deref(), Some(close));
            parts.push(match close {
                "]" => Rule::Optional(Box::new(inner)),
                "}" => Rule::Repeated(Box::new(inner)),
                _ => inner,
            });
        }
        Rule::Sequence(parts)
    }
}

fn visit(rule: &Rule, see: &mut impl FnMut(&Rule)) {
    see(rule);
    match rule {
        Rule::Sequence(rules) | Rule::Choice(rules) => {
            rules.iter().for_each(|rule| visit(rule, see));
        }
        Rule::Optional(rule) | Rule::Repeated(rule) => visit(rule, see),
        Rule::Name(_) | Rule::Token(_) => {}
    }
}

// ---- the compiler's grammar ----

/// How the chapter spells a token of the compiler's grammar.
fn spelt(token: &str) -> &str {
    match token {
        "identifier" => "name",
        "string (" => "string_start",
        ") string (" => "string_middle",
        ") string" => "string_end",
        "?:" => "?",
        "!:" => "!",
        other => other,
    }
}

/// The tokens that the compiler's grammar declares: what it calls them, by their kind.
fn declared() -> BTreeMap<String, String> {
    let path = root().join("lang/src/syntax/grammar.lalrpop");
    let text = std::fs::read_to_string(path).expect("the grammar is there");
    let lines = text
        .lines()
        .filter_map(|line| line.trim().split_once(" => Token::"));
    lines
        .map(|(token, kind)| {
            let token = token.trim_matches('"').to_string();
            (kind.trim_end_matches(',').to_string(), token)
        })
        .collect()
}

#[test]
fn rules_are_there_and_tokens_are_those_of_the_compiler() {
    let grammar = grammar("grammar.md");
    let (mut names, mut used) = (BTreeSet::new(), BTreeSet::new());
    for rule in grammar.values() {
        visit(rule, &mut |rule| match rule {
            Rule::Name(name) => {
                names.insert(name.clone());
            }
            Rule::Token(token) => {
                used.insert(token.clone());
            }
            _ => {}
        });
    }
    for name in grammar.keys() {
        assert!(
            name == "file" || names.contains(name),
            "nothing uses {name}"
        );
    }
    used.extend(names.into_iter().filter(|name| !grammar.contains_key(name)));
    let inner = |token: &&String| !token.starts_with("start ") && !token.starts_with("bad ");
    let declared = declared();
    let known = declared.values().filter(inner);
    let mut known: BTreeSet<String> = known.map(|token| spelt(token).to_string()).collect();
    // One token of the compiler, whose builder tells them apart.
    known.insert("bytes".to_string());
    assert_eq!(used, known);
}

#[test]
fn every_block_of_rules_can_be_read() {
    assert!(grammar("lexis.md").contains_key("name"));
    assert!(grammar("packages.md").contains_key("import_path"));
}

// ---- recognising ----

/// Where a rule can end that begins at a place, by rule and place.
struct Recogniser<'g> {
    grammar: &'g Grammar,
    tokens: Vec<String>,
    known: BTreeMap<(&'g str, usize), Rc<BTreeSet<usize>>>,
}

impl<'g> Recogniser<'g> {
    fn name(&mut self, name: &'g str, at: usize) -> Rc<BTreeSet<usize>> {
        let Some(rule) = self.grammar.get(name) else {
            return Rc::new(self.token(name, at));
        };
        if let Some(known) = self.known.get(&(name, at)) {
            return known.clone();
        }
        let ends = Rc::new(self.ends(rule, at));
        self.known.insert((name, at), ends.clone());
        ends
    }

    fn token(&self, token: &str, at: usize) -> BTreeSet<usize> {
        let is = self.tokens.get(at).is_some_and(|other| other == token);
        is.then_some(at + 1).into_iter().collect()
    }

    fn ends(&mut self, rule: &'g Rule, at: usize) -> BTreeSet<usize> {
        match rule {
            Rule::Token(token) => self.token(token, at),
            Rule::Name(name) => (*self.name(name, at)).clone(),
            Rule::Choice(arms) => arms.iter().flat_map(|arm| self.ends(arm, at)).collect(),
            Rule::Optional(inner) => {
                let mut ends = self.ends(inner, at);
                ends.insert(at);
                ends
            }
            Rule::Sequence(parts) => {
                let mut starts = BTreeSet::from([at]);
                for part in parts {
                    starts = starts
                        .into_iter()
                        .flat_map(|start| self.ends(part, start))
                        .collect();
                    if starts.is_empty() {
                        break;
                    }
                }
                starts
            }
            Rule::Repeated(inner) => {
                let (mut ends, mut open) = (BTreeSet::from([at]), vec![at]);
                while let Some(start) = open.pop() {
                    for end in self.ends(inner, start) {
                        if ends.insert(end) {
                            open.push(end);
                        }
                    }
                }
                ends
            }
        }
    }
}

/// Whether the rules accept a text; nothing where it has no tokens, or too many.
fn accepts(grammar: &Grammar, kinds: &BTreeMap<String, String>, text: &str) -> Option<bool> {
    let found = tokens(text)?;
    if found.len() > LONGEST {
        return None;
    }
    let mut tokens: Vec<String> = found
        .iter()
        .map(|(kind, span)| {
            let token = spelt(kinds.get(kind).map_or(kind, |token| token));
            let source = &text[span.start as usize..span.end as usize];
            let is_bytes = source.trim_start_matches('#').starts_with('\'');
            let token = if token == "string" && is_bytes {
                "bytes"
            } else {
                token
            };
            token.to_string()
        })
        .collect();
    if tokens.last().is_some_and(|last| last != ",") {
        tokens.push(",".to_string());
    }
    let all = tokens.len();
    let mut recogniser = Recogniser {
        grammar,
        tokens,
        known: BTreeMap::new(),
    };
    Some(recogniser.name("file", 0).contains(&all))
}

/// What the parser and the rules do not agree on.
fn disagreement(accepted: bool, text: &str) -> Option<String> {
    let errors = parse(FileId(0), text).errors;
    let beyond =
        |error: &Diagnostic| BEYOND.contains(&error.code.0) || IN_WORDS.contains(&&*error.message);
    let agreed = match accepted {
        true => errors.iter().all(beyond),
        false => !errors.is_empty(),
    };
    let said = errors.first().map_or("nothing", |error| &error.message);
    let rules = if accepted { "accept" } else { "refuse" };
    (!agreed).then(|| format!("the rules {rules}, the parser says: {said}\n{text}"))
}

/// Texts of the language in the project: archives, files, blocks of chapters.
fn samples() -> Vec<String> {
    let mut samples = Vec::new();
    let mut folders = [
        "tests/suites",
        "tests/diagnostics",
        "stdlib/platform",
        "spec",
    ]
    .map(|folder| root().join(folder))
    .to_vec();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the folder is there");
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.to_string_lossy().into_owned();
            let is_source = |name: &str| name.ends_with(".holos") || name.ends_with(".cue");
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            if is_source(&name) && !name.ends_with(".gen.holos") {
                samples.push(text);
            } else if name.ends_with(".txtar") {
                let files = Archive::parse(&text).files.into_iter();
                samples.extend(files.filter(|(name, _)| is_source(name)).map(|(_, t)| t));
            } else if name.ends_with(".md") {
                let blocks = text.split("\n```holos").skip(1);
                let blocks = blocks.filter_map(|block| block.split_once('\n'));
                samples.extend(
                    blocks.map(|(_, block)| {
                        block.split("\n```").next().unwrap_or_default().to_string()
                    }),
                );
            }
        }
    }
    samples.sort();
    samples.dedup();
    samples
}

/// A text with one token left out, doubled, or swapped with the next.
fn mutated(text: &str, random: &mut impl FnMut(usize) -> usize) -> Option<String> {
    let written = tokens(text)?;
    let spans: Vec<_> = written
        .into_iter()
        .map(|(_, span)| span.start as usize..span.end as usize)
        .filter(|span| !span.is_empty())
        .collect();
    if spans.len() < 2 {
        return None;
    }
    let index = random(spans.len() - 1);
    let (one, next) = (spans[index].clone(), spans[index + 1].clone());
    let (before, after) = (&text[..one.start], &text[one.end..]);
    Some(match random(3) {
        0 => format!("{before} {after}"),
        1 => format!("{before}{} {}{after}", &text[one.clone()], &text[one]),
        _ => format!(
            "{before}{}{}{}{}",
            &text[next.clone()],
            &text[one.end..next.start],
            &text[one],
            &text[next.end..]
        ),
    })
}

#[test]
fn rules_accept_what_the_parser_does() {
    let check = || {
        let (grammar, kinds) = (grammar("grammar.md"), declared());
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let (mut compared, mut refused, mut report) = (0, 0, String::new());
        for sample in samples() {
            let mut texts = vec![sample.clone()];
            texts.extend((0..MUTATIONS).filter_map(|_| mutated(&sample, &mut random)));
            for text in texts {
                let Some(accepted) = accepts(&grammar, &kinds, &text) else {
                    continue;
                };
                compared += 1;
                refused += usize::from(!accepted);
                if let Some(found) = disagreement(accepted, &text)
                    && report.len() < 4000
                {
                    report.push_str(&found);
                    report.push_str("\n----\n");
                }
            }
        }
        assert!(report.is_empty(), "\n{report}");
        assert!(
            compared > 2000 && refused > 500,
            "only {compared} texts were compared, {refused} of them refused"
        );
    };
    let thread = std::thread::Builder::new().stack_size(1 << 28);
    let done = thread.spawn(check).expect("a thread").join();
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}
