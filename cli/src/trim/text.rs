//! A text without what was cut, comments and layout kept.

use super::Cuts;
use holos_lang::diagnostic::{FileId, Place, Span};
use holos_lang::syntax::{self, tree};
use std::ops::Range;
use tree::{BinaryOp, Decl, Element, Expr, File};

/// The text of a file without what was cut, formatted.
pub(crate) fn without(file: FileId, tree: &File, text: &str, cuts: &Cuts) -> String {
    let mut cutter = Cutter {
        file,
        text,
        cuts,
        edits: Vec::new(),
    };
    cutter.decls(&tree.decls);
    let text = cutter.apply();
    syntax::format(&text).unwrap_or(text)
}

struct Cutter<'t> {
    file: FileId,
    text: &'t str,
    cuts: &'t Cuts,
    edits: Vec<(Range<usize>, &'static str)>,
}

impl Cutter<'_> {
    fn is_cut(&self, span: Span) -> bool {
        self.cuts.contains(&Place {
            file: self.file,
            span,
        })
    }

    /// Whether nothing is left of them.
    fn decls(&mut self, decls: &[Decl]) -> bool {
        let mut left = decls.is_empty();
        for decl in decls {
            match decl {
                Decl::Field(field) if self.is_cut(field.span) => self.remove(field.span),
                Decl::Field(field) => {
                    left = true;
                    let before = self.edits.len();
                    if self.value(&field.value) {
                        self.replace(before, field.value.span(), "_");
                    }
                }
                _ => left = true,
            }
        }
        !left
    }

    /// Edits a value; whether nothing is left of it.
    fn value(&mut self, value: &Expr) -> bool {
        match value {
            Expr::Struct(literal) => self.decls(&literal.decls),
            Expr::Paren(inner, _) => self.value(inner),
            Expr::Binary(binary) if binary.op == BinaryOp::Unify => self.operands(&binary.operands),
            Expr::List(list) => {
                for element in &list.elements {
                    let Element::Expr(value) = element else {
                        continue;
                    };
                    let before = self.edits.len();
                    if self.value(value) {
                        self.replace(before, value.span(), "{}");
                    }
                }
                false
            }
            _ => false,
        }
    }

    fn operands(&mut self, operands: &[Expr]) -> bool {
        let mut first_left = None;
        for (i, operand) in operands.iter().enumerate() {
            let before = self.edits.len();
            if !self.value(operand) {
                if first_left.is_none() && i > 0 {
                    // Those before it go, with their operators.
                    let start = operands[0].span().start as usize;
                    self.edits.push((start..operand.span().start as usize, ""));
                }
                first_left.get_or_insert(i);
            } else if first_left.is_some() {
                let start = operands[i - 1].span().end;
                self.replace(before, Span::new(start, operand.span().end), "");
            } else {
                self.edits.truncate(before);
            }
        }
        first_left.is_none()
    }

    /// Replaces what has edits of its own since `before`.
    fn replace(&mut self, before: usize, span: Span, with: &'static str) {
        self.edits.truncate(before);
        self.edits
            .push((span.start as usize..span.end as usize, with));
    }

    /// Removes a declaration with its comma, its comments, and its line if it has one for itself.
    fn remove(&mut self, span: Span) {
        let (mut start, mut end) = (span.start as usize, span.end as usize);
        let blank = |c: char| c == ' ' || c == '\t' || c == '\r';
        let after = |at: usize| self.text[at..].trim_start_matches(blank);
        let skip = |at: usize| self.text.len() - after(at).len();
        let comma = after(end).starts_with(',');
        if comma {
            end = skip(end) + 1;
        }
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let alone = self.text[line..start].trim().is_empty();
        let rest = after(end);
        if alone && (rest.is_empty() || rest.starts_with('\n') || rest.starts_with("//")) {
            let newline = self.text[end..].find('\n').map(|at| end + at + 1);
            end = newline.unwrap_or(self.text.len());
            start = line;
            while let Some(above) = self.line_above(start) {
                if !self.text[above..start].trim_start().starts_with("//") {
                    break;
                }
                start = above;
            }
        } else if comma {
            end = skip(end);
        } else {
            let before = self.text[..start].trim_end_matches(blank);
            if let Some(before) = before.strip_suffix(',') {
                start = before.len();
            }
        }
        self.edits.push((start..end, ""));
    }

    fn line_above(&self, start: usize) -> Option<usize> {
        let before = self.text[..start].strip_suffix('\n')?;
        Some(before.rfind('\n').map_or(0, |at| at + 1))
    }

    fn apply(mut self) -> String {
        self.edits
            .sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let (mut out, mut at) = (String::with_capacity(self.text.len()), 0);
        for (range, with) in self.edits {
            if range.start >= at {
                out.push_str(&self.text[at..range.start]);
                out.push_str(with);
            }
            at = at.max(range.end);
        }
        out.push_str(&self.text[at..]);
        out
    }
}
