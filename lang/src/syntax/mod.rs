//! Text to tokens to [`tree`]: lexer, grammar, literals, formatter.

mod builder;
pub(crate) mod docs;
pub mod errors;
mod format;
mod lexer;
mod literal;
mod pieces;
mod recover;
pub mod tree;
mod typed;

#[allow(
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    unused,
    reason = "generated code"
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/syntax/grammar.rs"));
}

use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use builder::Root;
use lexer::Token;
pub use typed::{Typed, typed};

/// How deeply braces, brackets, parentheses and operators may nest; deeper input is an error.
pub const MAX_DEPTH: usize = 500;

/// After so many syntax errors, the rest of a file is not read.
pub const MAX_ERRORS: usize = 50;

/// The largest text in bytes; spans are 32 bits wide.
pub const MAX_LENGTH: usize = u32::MAX as usize - 1;

/// A file's tree and everything that was wrong with its text.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub file: tree::File,
    pub errors: Vec<Diagnostic>,
}

/// Parses one file. Never fails: what cannot be parsed becomes [`tree::Decl::Bad`] or
/// [`tree::Expr::Bad`] and an error beside the tree. Errors are in the order of the text.
pub fn parse(file: FileId, text: &str) -> Parsed {
    if let Some(error) = too_large(file, text) {
        return Parsed {
            file: tree::File::default(),
            errors: vec![error],
        };
    }
    let lexed = lexer::lex(file, text, Token::StartFile);
    if lexed.errors.is_empty()
        && !lexed.stopped
        && let Some(file) = pieces::parse(file, text, &lexed.tokens)
    {
        return Parsed {
            file,
            errors: Vec::new(),
        };
    }
    let (mut builder, root, errors) = recover::parse(file, text, lexed);
    let decls = match root {
        Some(Root::File(decls)) => decls,
        _ => builder.no_decls(),
    };
    Parsed {
        file: builder.finish(decls),
        errors,
    }
}

/// Parses text that is one expression (`-e`, the expected side of a test).
pub fn parse_expr(file: FileId, text: &str) -> (tree::Expr, Vec<Diagnostic>) {
    let whole = Span::new(0, text.len().min(MAX_LENGTH) as u32);
    if let Some(error) = too_large(file, text) {
        return (tree::Expr::Bad(whole), vec![error]);
    }
    let lexed = lexer::lex(file, text, Token::StartExpr);
    let (_, root, errors) = recover::parse(file, text, lexed);
    match root {
        Some(Root::Expr(node)) => (node.into_expr(), errors),
        _ => (tree::Expr::Bad(whole), errors),
    }
}

fn too_large(file: FileId, text: &str) -> Option<Diagnostic> {
    (text.len() > MAX_LENGTH).then(|| {
        let place = Place {
            file,
            span: Span::default(),
        };
        Diagnostic::error(errors::code::TOO_LARGE, "this file is larger than 4 GiB")
            .label(place, "of this file")
    })
}

/// A tree that no text belongs to, as formatted text (`eval`, `def`, `import`). Literals are
/// printed in CUE's canonical spelling.
pub fn print(file: &tree::File) -> String {
    format::print(file)
}

/// Formats source text, keeping every comment; `None` where nothing could be formatted.
pub fn format(text: &str) -> Option<String> {
    format::format(text)
}

/// The kinds of a text's tokens and where they stand, supplied commas included; `None` where it has no tokens. It is
/// for comparing the parser with the grammar in `spec/`.
pub fn tokens(text: &str) -> Option<Vec<(String, Span)>> {
    let lexed = lexer::lex(FileId(0), text, Token::StartFile);
    let tokens = lexed.tokens.iter().skip(1);
    (lexed.errors.is_empty() && !lexed.stopped).then(|| {
        tokens
            .map(|lexeme| {
                (
                    format!("{:?}", lexeme.token),
                    Span::new(lexeme.start, lexeme.end),
                )
            })
            .collect()
    })
}

/// How many tokens a text has, for measuring what finding them costs.
pub fn count_tokens(text: &str) -> usize {
    lexer::lex(FileId(0), text, Token::StartFile).tokens.len()
}
