//! From the text of a template to its tree.

use holos_lang::value::{Data, Number};
use std::collections::BTreeMap;

/// How deeply parentheses and blocks may nest.
const MAX_DEPTH: usize = 100;

type Result<T> = std::result::Result<T, String>;

/// The templates of a text by name; the text itself has the empty one.
pub(super) type Set = BTreeMap<String, Vec<Node>>;

pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Pipe, Vec<Node>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    Range(Pipe, Vec<Node>, Vec<Node>),
    Template(String, Option<Pipe>),
    Break,
    Continue,
}

/// `$x := command | command`.
pub(super) struct Pipe {
    pub(super) variables: Vec<String>,
    /// Whether the variables exist already (`=`).
    pub(super) assigns: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

pub(super) enum Operand {
    Dot,
    Constant(Data),
    Variable(String),
    Function(String),
    Paren(Pipe),
    Field(Box<Operand>, String),
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    /// An identifier or keyword.
    Word(String),
    /// `.name`, and whether a blank stands before it.
    Field(String, bool),
    Dot(bool),
    Variable(String),
    Constant(Data),
    Sign(&'static str),
}

/// A piece of the text: what stands outside of actions, or one action.
enum Piece {
    Text(String),
    Action(Vec<Token>),
}

pub(super) fn parse(text: &str) -> Result<Set> {
    let mut parser = Parser {
        pieces: pieces(text)?.into_iter(),
        set: Set::new(),
        depth: 0,
        loops: 0,
        ended: Vec::new(),
    };
    let (nodes, end) = parser.list(true)?;
    if let Some(end) = end {
        return Err(format!("unexpected {{{{{end}}}}}"));
    }
    parser.set.insert(String::new(), nodes);
    Ok(parser.set)
}

fn pieces(text: &str) -> Result<Vec<Piece>> {
    const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim = false;
    loop {
        let (mut before, after) = match rest.split_once("{{") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        if trim {
            before = before.trim_start_matches(BLANKS);
        }
        let trims_left = after.is_some_and(|a| a.starts_with('-') && a[1..].starts_with(BLANKS));
        if trims_left {
            before = before.trim_end_matches(BLANKS);
        }
        pieces.push(Piece::Text(before.to_owned()));
        let Some(after) = after else {
            return Ok(pieces);
        };
        let inside = if trims_left { &after[1..] } else { after };
        if let Some(comment) = inside.trim_start_matches(BLANKS).strip_prefix("/*") {
            let (_, end) = comment.split_once("*/").ok_or("unclosed comment")?;
            let end = end.trim_start_matches(BLANKS);
            trim = end.starts_with("-}}");
            let end = end.strip_prefix('-').unwrap_or(end);
            rest = end
                .strip_prefix("}}")
                .ok_or("comment ends before closing delimiter")?;
            continue;
        }
        let mut lexer = Lexer { rest: inside };
        pieces.push(Piece::Action(lexer.action()?));
        trim = lexer.rest.starts_with('-');
        rest = lexer
            .rest
            .trim_start_matches('-')
            .strip_prefix("}}")
            .unwrap_or("");
    }
}

struct Lexer<'t> {
    rest: &'t str,
}

impl<'t> Lexer<'t> {
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        self.take(end.unwrap_or(self.rest.len())).to_owned()
    }

    /// The tokens up to `}}`, which is left.
    fn action(&mut self) -> Result<Vec<Token>> {
        const SIGNS: [&str; 6] = [":=", "=", "|", "(", ")", ","];
        let mut tokens = Vec::new();
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            let blank = trimmed.len() < self.rest.len() || tokens.is_empty();
            self.rest = trimmed;
            if self.rest.starts_with("}}") || (blank && self.rest.starts_with("-}}")) {
                return Ok(tokens);
            }
            let Some(first) = self.rest.chars().next() else {
                return Err("unclosed action".to_owned());
            };
            if let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
                self.take(sign.len());
                tokens.push(Token::Sign(sign));
                continue;
            }
            let next_digit =
                self.rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
            tokens.push(match first {
                '.' if !next_digit => {
                    self.take(1);
                    match self.word() {
                        name if name.is_empty() => Token::Dot(blank),
                        name => Token::Field(name, blank),
                    }
                }
                '$' => {
                    self.take(1);
                    Token::Variable(self.word())
                }
                '"' => Token::Constant(Data::String(self.quoted('"')?.into())),
                '`' => {
                    let (text, rest) = self.rest[1..]
                        .split_once('`')
                        .ok_or("unterminated raw string")?;
                    self.rest = rest;
                    Token::Constant(Data::String(text.into()))
                }
                '\'' => {
                    let text = self.quoted('\'')?;
                    let mut chars = text.chars();
                    match (chars.next(), chars.next()) {
                        (Some(c), None) => {
                            Token::Constant(Data::Number(i64::from(u32::from(c)).into()))
                        }
                        _ => return Err("malformed character constant".to_owned()),
                    }
                }
                '0'..='9' | '+' | '-' | '.' => self.number()?,
                c if c.is_alphabetic() || c == '_' => match self.word().as_str() {
                    "true" => Token::Constant(Data::Bool(true)),
                    "false" => Token::Constant(Data::Bool(false)),
                    "nil" => Token::Constant(Data::Null),
                    word => Token::Word(word.to_owned()),
                },
                c => return Err(format!("unexpected {c:?} in action")),
            });
        }
    }

    fn number(&mut self) -> Result<Token> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let text = self.take(end.unwrap_or(self.rest.len()));
        let number = Number::parse_literal(text).map_err(|_| format!("bad number {text:?}"))?;
        Ok(Token::Constant(Data::Number(number)))
    }

    /// A quoted constant with Go's escapes.
    fn quoted(&mut self, mark: char) -> Result<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => break,
                _ if c == mark => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(out);
                }
                '\\' => {
                    let Some((_, escape)) = chars.next() else {
                        break;
                    };
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    out.push(match escape {
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'v' => '\u{b}',
                        '\\' | '\'' | '"' => escape,
                        'x' | 'u' | 'U' => {
                            let text: String =
                                chars.by_ref().take(digits).map(|(_, c)| c).collect();
                            let code = u32::from_str_radix(&text, 16).ok();
                            code.and_then(char::from_u32)
                                .ok_or("bad escape in constant")?
                        }
                        _ => return Err("bad escape in constant".to_owned()),
                    });
                }
                _ => out.push(c),
            }
        }
        Err("unterminated quoted string".to_owned())
    }
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    set: Set,
    depth: usize,
    /// How many `range` surround the place.
    loops: usize,
    /// The action that ended the last list.
    ended: Vec<Token>,
}

/// The word that ends a list: `end` or `else`.
type End = Option<String>;

impl Parser {
    /// Nodes up to `end` or `else`, and which of them; `None` is the end of the text.
    fn list(&mut self, top: bool) -> Result<(Vec<Node>, End)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("blocks nest too deeply".to_owned());
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let tokens = match piece {
                Piece::Text(text) if text.is_empty() => continue,
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            let word = match tokens.first() {
                Some(Token::Word(word)) => word.as_str(),
                _ => "",
            };
            match word {
                "end" | "else" => {
                    self.depth -= 1;
                    let word = word.to_owned();
                    self.ended = tokens;
                    return Ok((nodes, Some(word)));
                }
                "if" | "with" | "range" => nodes.push(self.control(word, &tokens[1..])?),
                "define" if top => {
                    let [_, Token::Constant(Data::String(name))] = &tokens[..] else {
                        return Err("define needs a name".to_owned());
                    };
                    let name = name.to_string();
                    self.define(name)?;
                }
                "block" => {
                    let [_, Token::Constant(Data::String(name)), rest @ ..] = &tokens[..] else {
                        return Err("block needs a name".to_owned());
                    };
                    let pipe = pipe(rest)?;
                    self.define(name.to_string())?;
                    nodes.push(Node::Template(name.to_string(), Some(pipe)));
                }
                "template" => {
                    let [_, Token::Constant(Data::String(name)), rest @ ..] = &tokens[..] else {
                        return Err("template needs a name".to_owned());
                    };
                    let data = if rest.is_empty() {
                        None
                    } else {
                        Some(pipe(rest)?)
                    };
                    nodes.push(Node::Template(name.to_string(), data));
                }
                "break" | "continue" if tokens.len() == 1 => {
                    if self.loops == 0 {
                        return Err(format!("{word} outside of range"));
                    }
                    nodes.push(if word == "break" {
                        Node::Break
                    } else {
                        Node::Continue
                    });
                }
                _ => nodes.push(Node::Action(pipe(&tokens)?)),
            }
        }
        self.depth -= 1;
        Ok((nodes, None))
    }

    fn define(&mut self, name: String) -> Result<()> {
        let loops = std::mem::take(&mut self.loops);
        let (nodes, end) = self.list(true)?;
        self.loops = loops;
        if end.as_deref() != Some("end") {
            return Err(format!("{name:?} has no end"));
        }
        self.set.insert(name, nodes);
        Ok(())
    }

    fn control(&mut self, word: &str, tokens: &[Token]) -> Result<Node> {
        let pipe = pipe(tokens)?;
        let loops = usize::from(word == "range");
        self.loops += loops;
        let (body, end) = self.list(false)?;
        self.loops -= loops;
        let otherwise = match end.as_deref() {
            Some("end") => Vec::new(),
            Some("else") => {
                let ended = std::mem::take(&mut self.ended);
                match &ended[1..] {
                    [] => {
                        let (nodes, end) = self.list(false)?;
                        if end.as_deref() != Some("end") {
                            return Err(format!("{word} has no end"));
                        }
                        nodes
                    }
                    // `else if` and `else with` share the end.
                    [Token::Word(next), rest @ ..] if next == word && word != "range" => {
                        vec![self.control(word, rest)?]
                    }
                    _ => return Err("unexpected tokens behind else".to_owned()),
                }
            }
            _ => return Err(format!("{word} has no end")),
        };
        Ok(match word {
            "if" => Node::If(pipe, body, otherwise),
            "with" => Node::With(pipe, body, otherwise),
            _ => Node::Range(pipe, body, otherwise),
        })
    }
}

fn pipe(tokens: &[Token]) -> Result<Pipe> {
    let mut reader = Reader { tokens, depth: 0 };
    let pipe = reader.pipe()?;
    if reader.tokens.is_empty() {
        Ok(pipe)
    } else {
        Err("unexpected tokens in action".to_owned())
    }
}

struct Reader<'t> {
    tokens: &'t [Token],
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, sign: &str) -> bool {
        let eaten = matches!(self.tokens.first(), Some(Token::Sign(found)) if *found == sign);
        if eaten {
            self.tokens = &self.tokens[1..];
        }
        eaten
    }

    fn pipe(&mut self) -> Result<Pipe> {
        let mut variables = Vec::new();
        let mut assigns = false;
        let declared = match self.tokens {
            [
                Token::Variable(a),
                Token::Sign(sign @ (":=" | "=")),
                rest @ ..,
            ] => Some((vec![a.clone()], *sign, rest)),
            [
                Token::Variable(a),
                Token::Sign(","),
                Token::Variable(b),
                Token::Sign(sign @ (":=" | "=")),
                rest @ ..,
            ] => Some((vec![a.clone(), b.clone()], *sign, rest)),
            _ => None,
        };
        if let Some((names, sign, rest)) = declared {
            (variables, assigns, self.tokens) = (names, sign == "=", rest);
        }
        let mut commands = vec![self.command()?];
        while self.eat("|") {
            commands.push(self.command()?);
        }
        if matches!(commands[0][..], [Operand::Constant(Data::Null)]) {
            return Err("nil is not a command".to_owned());
        }
        let later = commands[1..]
            .iter()
            .all(|c| matches!(c[0], Operand::Function(_) | Operand::Field(..)));
        if !later {
            return Err("only a function can stand behind |".to_owned());
        }
        Ok(Pipe {
            variables,
            assigns,
            commands,
        })
    }

    fn command(&mut self) -> Result<Vec<Operand>> {
        let mut operands = Vec::new();
        while let Some(operand) = self.operand()? {
            operands.push(operand);
        }
        if operands.is_empty() {
            Err("missing value".to_owned())
        } else {
            Ok(operands)
        }
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(token) = self.tokens.first() else {
            return Ok(None);
        };
        let mut operand = match token {
            Token::Word(name) => Operand::Function(name.clone()),
            Token::Dot(_) => Operand::Dot,
            Token::Field(name, _) => Operand::Field(Box::new(Operand::Dot), name.clone()),
            Token::Variable(name) => Operand::Variable(name.clone()),
            Token::Constant(data) => Operand::Constant(data.clone()),
            Token::Sign("(") => {
                self.tokens = &self.tokens[1..];
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err("parentheses nest too deeply".to_owned());
                }
                let pipe = self.pipe()?;
                self.depth -= 1;
                if !matches!(self.tokens.first(), Some(Token::Sign(")"))) {
                    return Err("unclosed parenthesis".to_owned());
                }
                Operand::Paren(pipe)
            }
            Token::Sign(_) => return Ok(None),
        };
        self.tokens = &self.tokens[1..];
        while let Some(Token::Field(name, false)) = self.tokens.first() {
            operand = Operand::Field(Box::new(operand), name.clone());
            self.tokens = &self.tokens[1..];
        }
        Ok(Some(operand))
    }
}
