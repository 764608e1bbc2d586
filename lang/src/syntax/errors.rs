//! The diagnostics of the syntax, codes E0001 to E0099.

use super::MAX_DEPTH;
use super::lexer::{Lexeme, Token};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};

/// The codes of syntax errors.
pub mod code {
    use crate::diagnostic::Code;

    /// Something stands where the grammar has no place for it.
    pub const UNEXPECTED: Code = Code(1);
    /// A string or bytes literal without closing quotes.
    pub const UNCLOSED_STRING: Code = Code(2);
    /// A backslash sequence that does not exist.
    pub const ESCAPE: Code = Code(3);
    /// The lines of a multi-line string are not laid out as they must be.
    pub const MULTILINE_STRING: Code = Code(4);
    /// A malformed number.
    pub const NUMBER: Code = Code(5);
    /// A character or token that the language does not have.
    pub const ILLEGAL_CHARACTER: Code = Code(6);
    /// An opening bracket without its closing one.
    pub const UNCLOSED_BRACKET: Code = Code(7);
    /// A closing bracket without its opening one.
    pub const UNMATCHED_BRACKET: Code = Code(8);
    /// A malformed attribute.
    pub const ATTRIBUTE: Code = Code(9);
    /// A value or an operand is missing.
    pub const MISSING_VALUE: Code = Code(10);
    /// A comma or a line break is missing.
    pub const MISSING_COMMA: Code = Code(11);
    /// An expression that cannot name a field stands before a colon.
    pub const LABEL: Code = Code(12);
    /// An alias where none can be, or one of the wrong form.
    pub const ALIAS: Code = Code(13);
    /// A declared name that begins with two underscores.
    pub const RESERVED_NAME: Code = Code(14);
    /// Syntax that the file has to ask for with `@experiment(…)`.
    pub const EXPERIMENT: Code = Code(15);
    /// `else` where `fallback` belongs, or the reverse.
    pub const OTHERWISE: Code = Code(16);
    /// `?` or `!` after a pattern.
    pub const PATTERN_MARK: Code = Code(17);
    /// A malformed import path or package name.
    pub const IMPORT: Code = Code(18);
    /// Nesting beyond the limit.
    pub const TOO_DEEP: Code = Code(19);
    /// A file too large to be addressed.
    pub const TOO_LARGE: Code = Code(20);
    /// So many errors that the rest of the file was not read.
    pub const TOO_MANY: Code = Code(21);
}

/// The nesting limit was passed at `place`.
pub(crate) fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::error(
        code::TOO_DEEP,
        format!("this is nested more than {MAX_DEPTH} levels deep"),
    )
    .label(place, "the limit is passed here")
    .help("name an inner part with a field or `let`, and refer to it")
}

/// There are more errors than are shown; the rest of the file was not read.
pub(crate) fn too_many(place: Place) -> Diagnostic {
    Diagnostic::error(code::TOO_MANY, "there are more errors than are shown")
        .label(place, "the rest was not read")
}

/// An opening bracket at `open` whose closing one was missed at `here`.
pub(crate) fn unclosed(file: FileId, open: Lexeme, here: Span) -> Diagnostic {
    let (text, close) = match open.token {
        Token::LeftBrace => ("{", "}"),
        Token::LeftBracket => ("[", "]"),
        Token::LeftParen => ("(", ")"),
        _ => ("\\(", ")"),
    };
    let start = if text == "\\(" {
        open.end - 1
    } else {
        open.start
    };
    Diagnostic::error(
        code::UNCLOSED_BRACKET,
        format!("this `{text}` is not closed"),
    )
    .label(
        Place {
            file,
            span: Span::new(start, open.end),
        },
        "opened here",
    )
    .label(
        Place { file, span: here },
        format!("`{close}` expected before this"),
    )
}

/// An opening bracket and a closing one of another kind.
pub(crate) fn mismatched(file: FileId, open: Lexeme, close: Lexeme) -> Diagnostic {
    let text = |token| match token {
        Token::LeftBrace => "{",
        Token::RightBrace => "}",
        Token::LeftBracket => "[",
        Token::RightBracket => "]",
        Token::RightParen => ")",
        _ => "(",
    };
    let message = format!(
        "`{}` does not close `{}`",
        text(close.token),
        text(open.token)
    );
    Diagnostic::error(code::UNMATCHED_BRACKET, message)
        .label(
            Place {
                file,
                span: close.span(),
            },
            "the wrong bracket",
        )
        .label(
            Place {
                file,
                span: open.span(),
            },
            "opened here",
        )
}

/// A closing bracket that closes nothing.
pub(crate) fn unmatched(file: FileId, close: Lexeme) -> Diagnostic {
    let (text, open) = match close.token {
        Token::RightBrace => ("}", "{"),
        Token::RightBracket => ("]", "["),
        _ => (")", "("),
    };
    Diagnostic::error(
        code::UNMATCHED_BRACKET,
        format!("this `{text}` closes nothing"),
    )
    .label(
        Place {
            file,
            span: close.span(),
        },
        format!("no open `{open}`"),
    )
}

/// Says in words what is wrong where the parser could not go on: `tokens[at]` has no place after
/// `tokens[at - 1]`. `open` is the innermost open bracket.
pub(crate) fn unexpected(
    file: FileId,
    text: &str,
    tokens: &[Lexeme],
    at: usize,
    open: Option<Token>,
) -> Diagnostic {
    use Token::*;
    let previous = tokens[at - 1];
    let (token, span) = match tokens.get(at) {
        Some(found) => (Some(found.token), found.span()),
        None => (None, Span::new(text.len() as u32, text.len() as u32)),
    };
    let show = |span: Span| {
        let shown = &text[span.start as usize..span.end as usize];
        let line = shown.lines().next().unwrap_or_default();
        let mut cut: std::string::String = line.chars().take(24).collect();
        if cut.len() < shown.len() {
            cut.push('…');
        }
        format!("`{cut}`")
    };
    let found = match tokens.get(at) {
        None => "the end of the file".to_string(),
        Some(lexeme) if lexeme.is_inserted_comma() => {
            if text[span.end as usize..].trim().is_empty() {
                "the end of the file".to_string()
            } else {
                "the end of the line".to_string()
            }
        }
        Some(lexeme) => show(lexeme.span()),
    };
    // What is missing at the end of a line is missing there, not on the next line.
    let line_end = text
        .get(previous.end as usize..span.start as usize)
        .is_some_and(|gap| gap.contains('\n'));
    let after = Span::new(previous.end, previous.end);
    let error = |code, message: std::string::String, label: &str| {
        let span = if line_end && code == code::MISSING_VALUE {
            after
        } else {
            span
        };
        Diagnostic::error(code, message).label(Place { file, span }, label.to_string())
    };
    let before = show(previous.span());
    match (previous.token, token) {
        (Colon, _) if open == Some(LeftBracket) => error(
            code::MISSING_VALUE,
            format!("expected an index, found {found}"),
            "here",
        ),
        (Colon, _) => error(
            code::MISSING_VALUE,
            format!("expected a value after `:`, found {found}"),
            "a value belongs here",
        ),
        (Assign, _) => error(
            code::MISSING_VALUE,
            format!("expected an expression after `=`, found {found}"),
            "an expression belongs here",
        ),
        (Dot, _) => error(
            code::MISSING_VALUE,
            format!("expected a field name after `.`, found {found}"),
            "a name or a quoted string belongs here",
        ),
        (operator, _) if operator.is_operator() => error(
            code::MISSING_VALUE,
            format!("expected an operand after {before}, found {found}"),
            "an operand belongs here",
        ),
        (For | Let, _) => error(
            code::MISSING_VALUE,
            format!("expected a name after {before}, found {found}"),
            "a name belongs here",
        ),
        (In | If, _) => error(
            code::MISSING_VALUE,
            format!("expected an expression after {before}, found {found}"),
            "an expression belongs here",
        ),
        (Ident, _) if at > 1 && tokens[at - 2].token == Import => error(
            code::IMPORT,
            format!("expected an import path, found {found}"),
            "here",
        ),
        (Ident, _) if at > 1 && tokens[at - 2].token == For => error(
            code::UNEXPECTED,
            format!("expected `in` after {before}, found {found}"),
            "a loop is written `for x in y {…}`",
        ),
        (LeftParen | InterpolationStart | InterpolationMiddle, _) => error(
            code::MISSING_VALUE,
            format!("expected an expression, found {found}"),
            "an expression belongs here",
        ),
        (OptionalMark | RequiredMark | Tilde, _) => error(
            code::UNEXPECTED,
            format!("expected `:` after {before}, found {found}"),
            "here",
        ),
        (_, Some(Colon)) if open == Some(LeftBracket) || open == Some(LeftParen) => error(
            code::UNEXPECTED,
            "a field cannot stand here".to_string(),
            "put the field into braces: `{name: value}`",
        ),
        (_, Some(Assign)) => error(
            code::ALIAS,
            "an alias cannot stand here".to_string(),
            "aliases name a field, a value or an element",
        ),
        (_, Some(Import | Package)) => {
            error(code::IMPORT, format!("{found} cannot stand here"), "here")
        }
        (Ident, Some(String)) if show(previous.span()) == "`import`" => error(
            code::IMPORT,
            "imports come before all other declarations".to_string(),
            "move this import to the head of the file",
        ),
        (Package | Import, Some(Colon)) => error(
            code::IMPORT,
            format!("{before} begins a clause at the head of a file"),
            "a field of that name is written in quotes here, or after another field",
        ),
        (Package, _) => error(
            code::IMPORT,
            format!("expected the package's name, found {found}"),
            "here",
        ),
        (Import, _) => error(
            code::IMPORT,
            format!("expected an import path, found {found}"),
            "here",
        ),
        (_, Some(Comma)) if clause(tokens, at) => error(
            code::MISSING_VALUE,
            format!("expected a body in braces, found {found}"),
            "`{…}` belongs here",
        ),
        (previous, Some(next)) if previous.ends_operand() && begins_operand(next) => {
            let separator = match open {
                Some(LeftBracket | LeftParen) => "`,` or an operator",
                Some(InterpolationStart | InterpolationMiddle) => "`)` or an operator",
                _ if previous == Ident || previous == String => "`:`, `,` or a line break",
                _ => "`,` or a line break",
            };
            error(
                code::MISSING_COMMA,
                format!("expected {separator} after {before}, found {found}"),
                "unexpected here",
            )
        }
        (
            _,
            Some(RightBrace | RightBracket | RightParen | InterpolationMiddle | InterpolationEnd),
        ) => error(
            code::UNEXPECTED,
            format!("{found} is too early"),
            "something is missing before it",
        ),
        _ => error(
            code::UNEXPECTED,
            format!("{found} cannot stand here"),
            "unexpected here",
        ),
    }
}

/// Whether a comprehension without a body ends before `tokens[at]`.
fn clause(tokens: &[Lexeme], at: usize) -> bool {
    let mut depth = 0usize;
    for lexeme in tokens[..at].iter().rev() {
        match lexeme.token {
            Token::RightBrace | Token::RightBracket | Token::RightParen => depth += 1,
            Token::LeftBrace | Token::LeftBracket | Token::LeftParen if depth > 0 => depth -= 1,
            Token::If | Token::For | Token::Try if depth == 0 => return true,
            Token::LeftBrace | Token::LeftBracket | Token::LeftParen | Token::Comma
                if depth == 0 =>
            {
                return false;
            }
            _ => {}
        }
    }
    false
}

/// Whether an operand or a declaration can begin with the token.
pub(crate) fn begins_operand(token: Token) -> bool {
    use Token::*;
    matches!(
        token,
        Ident
            | String
            | InterpolationStart
            | Number
            | Null
            | True
            | False
            | Bottom
            | LeftBrace
            | LeftBracket
            | LeftParen
            | BadOperand
            | Attribute
            | Ellipsis
            | For
            | If
            | Let
            | Try
            | Not
    )
}
