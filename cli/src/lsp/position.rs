//! Editors count lines from zero and columns in UTF-16 units; the compiler counts bytes.

use gen_lsp_types::{Position, Range};
use holos_lang::diagnostic::Span;

/// The position of a byte offset.
pub(super) fn position(text: &str, offset: u32) -> Position {
    let offset = text.floor_char_boundary((offset as usize).min(text.len()));
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() as u32;
    Position {
        line,
        character: before[start..].encode_utf16().count() as u32,
    }
}

/// The byte offset of a position; one past the end of a line is its end.
pub(super) fn offset(text: &str, position: Position) -> u32 {
    let mut start = 0;
    for _ in 0..position.line {
        match text[start..].find('\n') {
            Some(at) => start += at + 1,
            None => return text.len() as u32,
        }
    }
    let line = text[start..].split('\n').next().unwrap_or("");
    let mut units = 0;
    for (at, c) in line.char_indices() {
        if units >= position.character {
            return (start + at) as u32;
        }
        units += c.len_utf16() as u32;
    }
    (start + line.trim_end_matches('\r').len()) as u32
}

/// The range of a span.
pub(super) fn range(text: &str, span: Span) -> Range {
    Range {
        start: position(text, span.start),
        end: position(text, span.end.max(span.start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_positions_are_inverse() {
        let text = "a: \"é😀b\"\nc: 1\n";
        for (at, (line, character)) in [
            (0, (0, 0)),
            (4, (0, 4)),
            (6, (0, 5)),
            (10, (0, 7)),
            (13, (1, 0)),
            (17, (1, 4)),
        ] {
            let expected = Position { line, character };
            assert_eq!(position(text, at), expected, "{at}");
            assert_eq!(offset(text, expected), at, "{line}:{character}");
        }
        assert_eq!(
            offset(
                text,
                Position {
                    line: 0,
                    character: 99
                }
            ),
            12
        );
        assert_eq!(
            offset(
                text,
                Position {
                    line: 99,
                    character: 0
                }
            ),
            text.len() as u32
        );
    }
}
