//! Where the documents of data files go: at their root, at a path that `--path` computes for each, into lists.

use super::Document;
use crate::args::Placing;
use holos_lang::diagnostic::{Code, Diagnostic, FileId, Place, Source, SourceMap, Span};
use holos_lang::eval::Evaluation;
use holos_lang::resolve::{ImportError, Importer, PackageFiles};
use holos_lang::syntax::{self, tree};
use holos_lang::value::Data;
use holos_stdlib::encoding;
use std::sync::Arc;

/// What the flag is called as a source.
const FLAG: &str = "--path";

/// One label of the path.
enum Part {
    Name(Arc<str>),
    Computed(FileId, tree::Expr),
}

/// The documents of one file, each where the arguments put it.
///
/// # Errors
/// What is wrong with a label, or with evaluating it.
pub(crate) fn place(
    sources: &mut SourceMap,
    placing: &Placing,
    filename: &str,
    documents: Vec<Document>,
) -> Result<Vec<Document>, Vec<Diagnostic>> {
    if placing.path.is_empty() && !placing.list {
        return Ok(documents);
    }
    let mut parts = Vec::new();
    for text in &placing.path {
        parse(sources, text, &mut parts)?;
    }
    let count = documents.len();
    let mut placed: Vec<(Vec<Arc<str>>, FileId, Vec<tree::Expr>)> = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let context = placing
            .with_context
            .then(|| context(&document, filename, index, count));
        let path = labels(sources, &parts, &document, context)?;
        let same = placed.iter_mut().find(|(other, ..)| *other == path);
        match same.filter(|_| placing.list) {
            Some((.., values)) => values.push(document.expr),
            None => placed.push((path, document.file, vec![document.expr])),
        }
    }
    let documents = placed.into_iter().map(|(path, file, mut values)| {
        let value = match values.pop() {
            Some(only) if !placing.list => only,
            last => {
                values.extend(last);
                encoding::list(values)
            }
        };
        let expr = encoding::at(&path, value);
        Document { file, expr }
    });
    Ok(documents.collect())
}

/// `a: "b": "\(c)":`, a field without its value, is several labels; anything else an expression for one.
fn parse(
    sources: &mut SourceMap,
    text: &str,
    parts: &mut Vec<Part>,
) -> Result<(), Vec<Diagnostic>> {
    let file = sources.add(Source {
        name: FLAG.into(),
        text: text.into(),
        user: true,
    });
    if !text.trim_end().ends_with(':') {
        let (expr, errors) = syntax::parse_expr(file, text);
        if super::fatal(&errors) {
            return Err(errors);
        }
        parts.push(Part::Computed(file, expr));
        return Ok(());
    }
    let parsed = syntax::parse(file, &format!("{text} _"));
    if super::fatal(&parsed.errors) {
        return Err(parsed.errors);
    }
    let mut decls = parsed.file.decls;
    while let Some(decl) = decls.pop() {
        let tree::Decl::Field(field) = decl else {
            return Err(vec![no_label(file, decl.span())]);
        };
        parts.push(match field.label {
            tree::Label::Ident(ident) => Part::Name(ident.name),
            tree::Label::String { value, .. } => Part::Name(value),
            tree::Label::Interpolation(expr) => Part::Computed(file, expr),
            tree::Label::Dynamic { expr, .. } => Part::Computed(file, *expr),
            tree::Label::Pattern { span, .. } => return Err(vec![no_label(file, span)]),
        });
        if let tree::Expr::Struct(literal) = field.value {
            decls = literal.decls;
        }
    }
    Ok(())
}

fn no_label(file: FileId, span: Span) -> Diagnostic {
    Diagnostic::error(Code(910), "a path consists of labels and expressions")
        .label(Place { file, span }, "this is neither")
}

/// The struct that labels are evaluated in with `--with-context`.
fn context(document: &Document, filename: &str, index: usize, count: usize) -> tree::Expr {
    let span = document.expr.span();
    let number = |n: usize| tree::Expr::Number(n.to_string().into(), span);
    let fields = [
        ("data", document.expr.clone()),
        ("filename", tree::Expr::String(filename.into(), span)),
        ("index", number(index)),
        ("recordCount", number(count)),
    ];
    let decls =
        fields
            .into_iter()
            .flat_map(|(name, value)| match encoding::at(&[name.into()], value) {
                tree::Expr::Struct(literal) => literal.decls,
                _ => Vec::new(),
            });
    tree::Expr::Struct(tree::StructLit {
        decls: decls.collect(),
        braces: true,
        span,
    })
}

struct NoImports;

impl Importer for NoImports {
    fn import(&mut self, _: &mut SourceMap, _: &str, _: &str) -> Result<PackageFiles, ImportError> {
        Err(ImportError {
            message: "is not for labels".into(),
            help: Vec::new(),
        })
    }
}

/// The labels of one document.
fn labels(
    sources: &mut SourceMap,
    parts: &[Part],
    document: &Document,
    context: Option<tree::Expr>,
) -> Result<Vec<Arc<str>>, Vec<Diagnostic>> {
    let scope = context.unwrap_or_else(|| document.expr.clone());
    let decls = match scope {
        tree::Expr::Struct(literal) => literal.decls,
        other => vec![tree::Decl::Embed(other)],
    };
    let file = tree::File {
        decls,
        ..Default::default()
    };
    let package = PackageFiles {
        files: vec![(document.file, Arc::new(file))],
        ..Default::default()
    };
    let builtins = &holos_stdlib::Standard;
    let (mut evaluation, _) = Evaluation::new(sources, package, &mut NoImports, builtins);
    let label = |part: &Part| match part {
        Part::Name(name) => Ok(name.clone()),
        Part::Computed(file, expr) => {
            let node = evaluation.expression(*file, expr)?;
            match evaluation.data(node)? {
                Data::String(text) => Ok(text.as_ref().into()),
                other => {
                    let place = Place {
                        file: *file,
                        span: expr.span(),
                    };
                    let found = format!("this is {}", crate::encode::json(&other));
                    Err(vec![
                        Diagnostic::error(Code(910), "a label must be a string")
                            .label(place, found),
                    ])
                }
            }
        }
    };
    parts.iter().map(label).collect()
}
