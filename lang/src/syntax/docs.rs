//! The comments that describe declarations.
//!
//! A tree keeps no comments. Where somebody wants those of a declaration (a schema is written out with descriptions), the
//! text is parsed once more, and each group of comment lines is given to the declaration it belongs to: the one that begins
//! on the next line, or the last of a struct whose closing brace does.

use super::lexer::{self, Token};
use super::tree::{self, Decl, Expr};
use crate::diagnostic::{FileId, Span};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What comments say of the declarations of one text, by where their labels begin.
#[derive(Debug, Default)]
pub(crate) struct Docs {
    labels: FxHashMap<u32, Vec<Arc<str>>>,
    file: Option<Arc<str>>,
}

impl Docs {
    /// Reads a text.
    pub(crate) fn of(text: &str) -> Docs {
        let file = super::parse(FileId(0), text).file;
        let mut reader = Reader {
            text,
            groups: groups(text),
            docs: Docs::default(),
        };
        reader.docs.file = reader.file(&file);
        reader.decls(&file.decls, None);
        reader.docs
    }

    /// What the file begins with: what is said above its package clause, else between that and its first declaration.
    pub(crate) fn of_file(&self) -> Option<Arc<str>> {
        self.file.clone()
    }

    /// The comments of the declaration whose label begins there, in order.
    pub(crate) fn at(&self, label: u32) -> &[Arc<str>] {
        self.labels.get(&label).map_or(&[], |docs| docs)
    }
}

/// Comment lines that follow one another, nothing else on them, by where the last one ends.
fn groups(text: &str) -> Vec<(u32, Arc<str>)> {
    let mut out: Vec<(u32, Vec<&str>)> = Vec::new();
    for span in lexer::lex(FileId(0), text, Token::StartFile).comments {
        let (start, end) = (span.start as usize, span.end as usize);
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        if !text[line..start].trim().is_empty() {
            continue;
        }
        match out.last_mut() {
            Some((last, lines)) if next_line(&text[*last as usize..start]) => {
                lines.push(&text[start..end]);
                *last = span.end;
            }
            _ => out.push((span.end, vec![&text[start..end]])),
        }
    }
    out.into_iter()
        .map(|(end, lines)| (end, wording(&lines)))
        .collect()
}

/// Whether what lies between two things says that the second begins on the line after the first.
fn next_line(between: &str) -> bool {
    between.trim().is_empty() && between.matches('\n').count() == 1
}

/// Comment lines without their marks; of blank ones in a row, one is left. Each line ends with a line break.
fn wording(lines: &[&str]) -> Arc<str> {
    let mut out = String::new();
    let mut blank = true;
    for line in lines {
        let line = line.trim_start_matches("//");
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        if !(line.is_empty() && blank) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out.into()
}

struct Reader<'t> {
    text: &'t str,
    groups: Vec<(u32, Arc<str>)>,
    docs: Docs,
}

impl Reader<'_> {
    /// The group right above what begins at an offset.
    fn above(&self, offset: u32) -> Option<Arc<str>> {
        let count = self.groups.partition_point(|group| group.0 <= offset);
        let (end, wording) = &self.groups[count.checked_sub(1)?];
        let between = &self.text[*end as usize..offset as usize];
        next_line(between).then(|| wording.clone())
    }

    fn file(&self, file: &tree::File) -> Option<Arc<str>> {
        let mut start = 0;
        if let Some(package) = &file.package {
            let clause = self.text[..package.span.start as usize].rfind("package")?;
            if let Some(wording) = self.above(clause as u32) {
                return Some(wording);
            }
            start = package.span.end;
        }
        let imports = file.imports.iter().map(|import| import.span.start);
        let decls = file.decls.iter().filter_map(|decl| match decl {
            Decl::Field(field) => Some(field.span.start),
            Decl::Let(clause) | Decl::Alias(clause) => Some(clause.span.start),
            Decl::Embed(expr) => Some(expr.span().start),
            Decl::Comprehension(c) => Some(c.span.start),
            Decl::Ellipsis(ellipsis) => Some(ellipsis.span.start),
            Decl::Attribute(attribute) => Some(attribute.span.start),
            Decl::Bad(_) => None,
        });
        let end = imports.chain(decls).min().unwrap_or(u32::MAX);
        let (last, wording) = (self.groups.iter()).find(|group| (start..end).contains(&group.0))?;
        let beside = (self.text.get(*last as usize..end as usize)).is_some_and(next_line);
        (!beside).then(|| wording.clone())
    }

    fn push(&mut self, label: &tree::Label, wording: Arc<str>) {
        let docs = self.docs.labels.entry(start_of(label)).or_default();
        docs.push(wording);
    }

    /// Declarations in braces, or those of a file.
    fn decls(&mut self, decls: &[Decl], braces: Option<Span>) {
        for decl in decls {
            self.decl(decl, true);
        }
        if let Some(span) = braces
            && let Some(Decl::Field(last)) = decls.last()
            && let Some(brace) = span.end.checked_sub(1)
            && brace >= last.span.end
            && let Some(wording) = self.above(brace)
        {
            self.push(&last.label, wording);
        }
    }

    /// `head` is false of what follows a label on its line: what is said above `a: b: 1` is said of `b`.
    fn decl(&mut self, decl: &Decl, head: bool) {
        match decl {
            Decl::Field(field) => {
                if head && let Some(wording) = self.above(field.span.start) {
                    let mut leaf = field;
                    while let Expr::Struct(literal) = &leaf.value
                        && !literal.braces
                        && let [Decl::Field(inner)] = &literal.decls[..]
                        && let tree::Label::Ident(_) | tree::Label::String { .. } = inner.label
                    {
                        leaf = inner;
                    }
                    self.push(&leaf.label, wording);
                }
                self.expr(&field.value);
            }
            Decl::Let(clause) | Decl::Alias(clause) => self.expr(&clause.value),
            Decl::Embed(expr) => self.expr(expr),
            Decl::Comprehension(c) => self.comprehension(c),
            Decl::Ellipsis(ellipsis) => ellipsis.value.iter().for_each(|e| self.expr(e)),
            Decl::Attribute(_) | Decl::Bad(_) => {}
        }
    }

    fn comprehension(&mut self, c: &tree::Comprehension) {
        self.literal(&c.body);
        if let Some((_, _, otherwise)) = &c.otherwise {
            self.literal(otherwise);
        }
    }

    fn literal(&mut self, literal: &tree::StructLit) {
        if literal.braces {
            self.decls(&literal.decls, Some(literal.span));
        } else {
            for decl in &literal.decls {
                self.decl(decl, false);
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Struct(literal) => self.literal(literal),
            Expr::List(list) => {
                for element in &list.elements {
                    match element {
                        tree::Element::Expr(e) | tree::Element::Alias(_, e) => self.expr(e),
                        tree::Element::Comprehension(c) => self.comprehension(c),
                    }
                }
                let rest = list.ellipsis.iter().filter_map(|e| e.value.as_ref());
                rest.for_each(|e| self.expr(e));
            }
            Expr::Paren(inner, _) | Expr::Open(inner, _) | Expr::Try(inner, _) => self.expr(inner),
            Expr::Unary(unary) => self.expr(&unary.operand),
            Expr::Binary(binary) => binary.operands.iter().for_each(|e| self.expr(e)),
            Expr::Selector(selector) => self.expr(&selector.base),
            Expr::Call { arguments, .. } => arguments.iter().for_each(|e| self.expr(e)),
            Expr::Index { base, .. } | Expr::Slice { base, .. } => self.expr(base),
            Expr::Ident(_)
            | Expr::Bottom(_)
            | Expr::Null(_)
            | Expr::Bool(..)
            | Expr::Number(..)
            | Expr::String(..)
            | Expr::Bytes(..)
            | Expr::Interpolation(_)
            | Expr::Bad(_) => {}
        }
    }
}

fn start_of(label: &tree::Label) -> u32 {
    match label {
        tree::Label::Ident(ident) => ident.span.start,
        tree::Label::String { span, .. }
        | tree::Label::Dynamic { span, .. }
        | tree::Label::Pattern { span, .. } => span.start,
        tree::Label::Interpolation(expr) => match expr {
            Expr::Interpolation(text) => text.span.start,
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Docs;

    fn docs(text: &str, label: &str) -> Vec<String> {
        let at = text.find(label).expect("the label") as u32;
        Docs::of(text)
            .at(at)
            .iter()
            .map(|d| d.to_string())
            .collect()
    }

    #[test]
    fn a_group_belongs_to_what_begins_on_the_next_line() {
        let text = "// far\n\n// one\n//\n//\n//   two\nx: 1 // beside\ny: 2\n";
        assert_eq!(docs(text, "x:"), ["one\n\n  two\n"]);
        assert!(docs(text, "y:").is_empty());
    }

    #[test]
    fn a_file_begins_with_what_is_said_of_it() {
        let file = |text: &str| Docs::of(text).of_file().map(|doc| doc.to_string());
        let said = Some("said\n".to_owned());
        assert_eq!(
            file("// other\n\n// said\npackage p\n\n// of a\na: 1\n"),
            said
        );
        assert_eq!(file("package p\n\n// said\n\n// of a\na: 1\n"), said);
        assert_eq!(file("// said\n\na: 1\n"), said);
        assert_eq!(file("// of a\na: 1\n"), None);
    }

    #[test]
    fn a_chain_is_described_at_its_end() {
        let text = "// said\na: b: {\n\tc: 1\n\t// last\n}\n";
        assert!(docs(text, "a:").is_empty());
        assert_eq!(docs(text, "b:"), ["said\n"]);
        assert_eq!(docs(text, "c:"), ["last\n"]);
        let text = "// said\nd: [string]: int\n";
        assert_eq!(docs(text, "d:"), ["said\n"]);
    }
}
