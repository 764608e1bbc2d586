//! `@embed(file=…)` and `@embed(glob=…)`: the contents of files as values.
//!
//! As in CUE: the file must begin with `@extern(embed)`; paths are relative to it, do not leave its directory, and
//! name regular files. The value is unified with the field's.

use super::decode;
use super::inputs::Kind;
use crate::files::Files;
use holos_lang::diagnostic::SourceMap;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use holos_lang::resolve::tags::arguments;
use holos_lang::syntax::tree::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Puts embedded files into a tree.
pub(super) fn embed(
    files: &Files,
    sources: &mut SourceMap,
    dir: &Path,
    file: FileId,
    tree: &mut Arc<File>,
) -> Vec<Diagnostic> {
    let enabled = tree
        .attributes
        .iter()
        .any(|a| &*a.name == "extern" && a.body.trim() == "embed");
    if !enabled {
        return Vec::new();
    }
    let mut walk = Walk {
        files,
        sources,
        dir,
        file,
        errors: Vec::new(),
    };
    walk.decls(&mut Arc::make_mut(tree).decls);
    walk.errors
}

struct Walk<'w> {
    files: &'w Files,
    sources: &'w mut SourceMap,
    dir: &'w Path,
    file: FileId,
    errors: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn decls(&mut self, decls: &mut Vec<Decl>) {
        let mut embedded = Vec::new();
        for decl in decls.iter_mut() {
            match decl {
                Decl::Field(field) => {
                    self.expr(&mut field.value);
                    for attribute in field
                        .attributes
                        .clone()
                        .iter()
                        .filter(|a| &*a.name == "embed")
                    {
                        if let Some(value) = self.value(attribute) {
                            let span = field.value.span();
                            let old = std::mem::replace(&mut field.value, Expr::Bad(span));
                            field.value = Expr::Binary(Binary {
                                op: BinaryOp::Unify,
                                operands: vec![old, value],
                                op_spans: vec![attribute.span],
                                span,
                            });
                        }
                    }
                }
                Decl::Attribute(attribute) if &*attribute.name == "embed" => {
                    embedded.extend(self.value(&attribute.clone()));
                }
                Decl::Embed(expr) => self.expr(expr),
                Decl::Comprehension(comprehension) => self.decls(&mut comprehension.body.decls),
                _ => {}
            }
        }
        decls.extend(embedded.into_iter().map(Decl::Embed));
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Struct(literal) => self.decls(&mut literal.decls),
            Expr::Paren(inner, _) => self.expr(inner),
            Expr::Binary(binary) => binary.operands.iter_mut().for_each(|x| self.expr(x)),
            _ => {}
        }
    }

    /// The value of one `@embed`; what is wrong with it is recorded.
    fn value(&mut self, attribute: &Attribute) -> Option<Expr> {
        self.read(attribute)
            .map_err(|message| {
                let place = Place {
                    file: self.file,
                    span: attribute.span,
                };
                self.errors.push(
                    Diagnostic::error(Code(911), format!("@embed: {message}")).label(place, ""),
                );
            })
            .ok()
    }

    fn read(&mut self, attribute: &Attribute) -> Result<Expr, String> {
        let (mut name, mut glob, mut kind) = (None, None, None);
        for argument in arguments(&attribute.body) {
            match argument.key.as_deref() {
                Some("file") => name = Some(argument.value),
                Some("glob") => glob = Some(argument.value),
                Some("type") => {
                    kind = Some(
                        Kind::named(&argument.value)
                            .ok_or(format!("`type={}` is not known", argument.value))?,
                    );
                }
                Some("allowEmptyGlob") => {}
                _ => {
                    return Err(format!(
                        "`{}` is not a setting; there are file, glob, type",
                        argument.value
                    ));
                }
            }
        }
        let empty_allowed = attribute.body.contains("allowEmptyGlob");
        match (name, glob) {
            (Some(name), None) => self.one(&name, kind, attribute.span),
            (None, Some(glob)) => {
                let names = self.matches(&glob)?;
                if names.is_empty() && !empty_allowed {
                    return Err(format!("no file matches `{glob}`"));
                }
                let mut decls = Vec::new();
                for name in names {
                    let value = self.one(&name, kind, attribute.span)?;
                    let label = Label::String {
                        value: name.as_str().into(),
                        span: attribute.span,
                    };
                    decls.push(Decl::Field(Field::regular(label, value, attribute.span)));
                }
                Ok(Expr::Struct(StructLit {
                    decls,
                    braces: true,
                    span: attribute.span,
                }))
            }
            (None, None) => Err("`file=` or `glob=` is missing".into()),
            (Some(_), Some(_)) => Err("`file=` and `glob=` exclude each other".into()),
        }
    }

    /// A file's contents. Its places are those of the attribute: a tree belongs to one file.
    fn one(&mut self, name: &str, kind: Option<Kind>, span: Span) -> Result<Expr, String> {
        inside(name)?;
        let path = self.dir.join(name);
        let kind = kind
            .or_else(|| Kind::of_file(name))
            .ok_or(format!("say the type of `{name}`: `type=…`"))?;
        if kind == Kind::Source {
            return Err(format!("`{name}` is a source file; import its package"));
        }
        let bytes = self.files.bytes(&path).map_err(|e| e.message)?;
        let shown = self.files.display(&path);
        let (documents, errors) =
            decode(self.sources, &shown, kind, bytes, true).map_err(|e| e.message)?;
        if let Some(error) = errors.first() {
            let at = error.labels.first().map(|label| {
                self.sources
                    .line_column(label.place.file, label.place.span.start)
            });
            let at = at.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            return Err(format!("{shown}{at}: {}", error.message));
        }
        let mut documents: Vec<Expr> = documents
            .into_iter()
            .map(|document| placed(document.expr, span))
            .collect();
        match documents.len() {
            1 => Ok(documents.remove(0)),
            _ => Ok(Expr::List(ListLit {
                elements: documents.into_iter().map(Element::Expr).collect(),
                ellipsis: None,
                span,
            })),
        }
    }

    /// The files a pattern matches, sorted; `*`, `?` and `[…]` match within one directory.
    fn matches(&self, glob: &str) -> Result<Vec<String>, String> {
        inside(glob)?;
        let mut found: Vec<PathBuf> = vec![PathBuf::new()];
        for part in glob.split('/') {
            let mut next = Vec::new();
            for base in &found {
                for name in self.files.list(&self.dir.join(base)).unwrap_or_default() {
                    if fits(part.as_bytes(), name.as_bytes())
                        && (!name.starts_with('.') || part.starts_with('.'))
                    {
                        next.push(base.join(name));
                    }
                }
            }
            found = next;
        }
        let mut names: Vec<String> = (found.into_iter())
            .filter(|path| self.files.is_file(&self.dir.join(path)))
            .filter_map(|path| path.to_str().map(str::to_string))
            .collect();
        names.sort();
        Ok(names)
    }
}

/// Refuses paths that leave the directory.
fn inside(path: &str) -> Result<(), String> {
    let leaves =
        path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..");
    let odd = path.is_empty() || path.split('/').any(|part| part.is_empty() || part == ".");
    if leaves {
        Err(format!("`{path}` leads out of the directory"))
    } else if odd {
        Err(format!("`{path}` is not a plain relative path"))
    } else {
        Ok(())
    }
}

/// Whether a name fits a pattern of `*`, `?` and `[a-z]`, `[^x]`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
        ([b'[', rest @ ..], [c, tail @ ..]) => {
            let Some(end) = rest
                .iter()
                .skip(1)
                .position(|&b| b == b']')
                .map(|at| at + 1)
            else {
                return false;
            };
            let (class, negated) = match &rest[..end] {
                [b'^', class @ ..] => (class, true),
                class => (class, false),
            };
            let mut hit = false;
            let mut i = 0;
            while i < class.len() {
                if i + 2 < class.len() && class[i + 1] == b'-' {
                    hit |= (class[i]..=class[i + 2]).contains(c);
                    i += 3;
                } else {
                    hit |= class[i] == *c;
                    i += 1;
                }
            }
            hit != negated && fits(&rest[end + 1..], tail)
        }
        ([b'?', rest @ ..], [_, tail @ ..]) => fits(rest, tail),
        ([a, rest @ ..], [b, tail @ ..]) => a == b && fits(rest, tail),
        _ => false,
    }
}

/// A data tree with every place set to `span`.
fn placed(expr: Expr, span: Span) -> Expr {
    match expr {
        Expr::Null(_) => Expr::Null(span),
        Expr::Bool(value, _) => Expr::Bool(value, span),
        Expr::Number(text, _) => Expr::Number(text, span),
        Expr::String(text, _) => Expr::String(text, span),
        Expr::Bytes(bytes, _) => Expr::Bytes(bytes, span),
        Expr::Unary(unary) => Expr::Unary(Unary {
            op: unary.op,
            op_span: span,
            operand: Box::new(placed(*unary.operand, span)),
            span,
        }),
        Expr::List(list) => Expr::List(ListLit {
            elements: (list.elements.into_iter())
                .map(|element| match element {
                    Element::Expr(expr) => Element::Expr(placed(expr, span)),
                    other => other,
                })
                .collect(),
            ellipsis: list.ellipsis,
            span,
        }),
        Expr::Struct(literal) => {
            let decls = literal.decls.into_iter().map(|decl| match decl {
                Decl::Field(mut field) => {
                    field.span = span;
                    field.value = placed(field.value, span);
                    field.label = match field.label {
                        Label::String { value, .. } => Label::String { value, span },
                        Label::Ident(ident) => Label::String {
                            value: ident.name,
                            span,
                        },
                        other => other,
                    };
                    Decl::Field(field)
                }
                other => other,
            });
            Expr::Struct(StructLit {
                decls: decls.collect(),
                braces: true,
                span,
            })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("*.json", "a.json", true),
            ("*.json", "a.yaml", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("*", "", true),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
