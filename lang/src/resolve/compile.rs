//! Compiles syntax trees into a [`Program`]: names become environment levels and labels.
//!
//! Resolution is lexical and static (CUE specification, "References"): a name is searched from the
//! innermost scope outwards to the file, then among the fields of the package's other files, then among
//! the predeclared names. A scope is a struct literal, a list literal (without names), a clause of a
//! comprehension, or a field with an alias.

mod expressions;
mod mistakes;
mod names;

use self::names::{Entry, Name, PREDECLARED, Scope};
use super::program::*;
use crate::diagnostic::{Code, Diagnostic, FileId, Place, Span};
use crate::syntax::tree;
use crate::value::builtin::{self, Builtins};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

pub(crate) const UNRESOLVED: Code = Code(101);
pub(crate) const UNUSED_IMPORT: Code = Code(102);
pub(crate) const UNUSED_ALIAS: Code = Code(103);
pub(crate) const NAME_CLASH: Code = Code(104);
pub(crate) const IMPORT_FAILED: Code = Code(105);
pub(crate) const INVALID_LABEL: Code = Code(106);
pub(crate) const EXPERIMENT: Code = Code(107);
pub(crate) const INVALID_NUMBER: Code = Code(108);
pub(crate) const MISPLACED: Code = Code(109);
pub(crate) const SHADOWED: Code = Code(110);
const OPERATION: Code = Code(212);

/// What an import path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Imported {
    Package(u32),
    Builtin(&'static builtin::Package),
    Failed,
}

/// The previews a file has switched on.
#[derive(Clone, Copy, Default, Debug)]
struct Experiments {
    alias_v2: bool,
    explicit_open: bool,
    attempt: bool,
    short_circuit: bool,
}

/// Compiles the files of one package.
pub(crate) struct Compiler<'p> {
    program: &'p mut Program,
    builtins: &'p dyn Builtins,
    imports: &'p FxHashMap<Arc<str>, Imported>,
    package_path: Arc<str>,
    /// Top-level fields of all files of the package.
    package_fields: FxHashMap<Arc<str>, Label>,
    file: FileId,
    scopes: Vec<Scope>,
    /// While a pattern is read: the scopes of the struct it stands in, and whether it refers to one.
    own_scopes: std::ops::Range<usize>,
    refers_to_own: bool,
    /// The `let`s whose values are being compiled.
    open_lets: Vec<u32>,
    depth: u32,
    experiments: Experiments,
    file_imports: Vec<(Arc<str>, Imported)>,
    errors: Vec<Diagnostic>,
}

impl<'p> Compiler<'p> {
    pub(crate) fn new(
        program: &'p mut Program,
        builtins: &'p dyn Builtins,
        imports: &'p FxHashMap<Arc<str>, Imported>,
        package_path: Arc<str>,
    ) -> Compiler<'p> {
        Compiler {
            program,
            builtins,
            imports,
            package_path,
            package_fields: FxHashMap::default(),
            file: FileId(0),
            scopes: Vec::new(),
            own_scopes: 0..0,
            refers_to_own: false,
            open_lets: Vec::new(),
            depth: 0,
            experiments: Experiments::default(),
            file_imports: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Compiles all files of a package; gives their struct expressions and what was wrong.
    pub(crate) fn package(
        mut self,
        files: &[(FileId, Arc<tree::File>)],
    ) -> (Vec<ExprId>, Vec<Diagnostic>) {
        for (_, file) in files {
            self.declare_package_fields(&file.decls);
        }
        let compiled = files
            .iter()
            .map(|(id, file)| self.file(*id, file))
            .collect();
        (compiled, self.errors)
    }

    /// Compiles an expression in the scope of a package whose files are `files`, and which has `fields`.
    pub(crate) fn expression(
        mut self,
        files: &[(FileId, Arc<tree::File>)],
        fields: &[(Arc<str>, Label)],
        file: FileId,
        expr: &tree::Expr,
    ) -> (ExprId, Vec<Diagnostic>) {
        self.package_fields.extend(fields.iter().cloned());
        for (_, file) in files {
            self.declare_package_fields(&file.decls);
        }
        self.file = file;
        let mut scope = Scope {
            depth: 1,
            ..Scope::default()
        };
        for (_, file) in files {
            for import in &file.imports {
                self.declare_import(&mut scope, import, None);
            }
        }
        // `-e strings.ToUpper(x)` works without an import, as the package is unmistakable. Documents refer to none.
        let paths = if is_data(expr) {
            Vec::new()
        } else {
            self.builtins.paths()
        };
        for path in paths {
            if let Some(package) = self.builtins.package(path)
                && scope.position(package.name).is_none()
                && !self.package_fields.contains_key(package.name)
            {
                self.file_imports
                    .push((path.into(), Imported::Builtin(package)));
                scope.push(Name {
                    text: package.name.into(),
                    entry: Entry::Import(self.file_imports.len() as u32 - 1),
                    declared: None,
                    at: Span::default(),
                    used: true,
                });
            }
        }
        self.scopes.push(scope);
        self.depth = 1;
        let id = self.expr(expr);
        (id, self.errors)
    }

    fn declare_package_fields(&mut self, decls: &[tree::Decl]) {
        for decl in decls {
            if let tree::Decl::Field(field) = decl
                && let tree::Label::Ident(ident) = &field.label
            {
                let label = self
                    .program
                    .identifier_label(&ident.name, &self.package_path);
                self.package_fields.insert(ident.name.clone(), label);
            }
        }
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let message = message.into();
        let place = Place {
            file: self.file,
            span,
        };
        self.errors
            .push(Diagnostic::error(code, message.clone()).label(place, message));
        self.errors.last_mut().expect("just pushed")
    }

    fn push(&mut self, expr: Expr, span: Span) -> ExprId {
        self.program.expr(expr, self.file, span)
    }

    fn bottom(&mut self, span: Span) -> ExprId {
        // It has been reported; an error that is not final causes no further ones.
        self.push(Expr::Value(Value::Bottom(REPORTED)), span)
    }

    fn file(&mut self, id: FileId, file: &tree::File) -> ExprId {
        self.file = id;
        self.experiments = Experiments::default();
        self.file_imports.clear();
        for attribute in &file.attributes {
            if &*attribute.name == "experiment" {
                for name in attribute.body.split(',') {
                    match name.trim() {
                        "aliasv2" => self.experiments.alias_v2 = true,
                        "explicitopen" => self.experiments.explicit_open = true,
                        "try" => self.experiments.attempt = true,
                        "shortcircuit" => self.experiments.short_circuit = true,
                        // On for every file of this language version.
                        "structcmp" | "keepvalidators" => {}
                        other => {
                            let message = format!("unknown experiment `{other}`");
                            self.error(EXPERIMENT, attribute.span, message);
                        }
                    }
                }
            }
        }
        let mut scope = Scope {
            depth: 1,
            ..Scope::default()
        };
        for import in &file.imports {
            self.declare_import(&mut scope, import, Some(import.span));
        }
        self.depth = 1;
        let shape = self.body(scope, &file.decls, true, false, file.span);
        self.depth = 0;
        self.push(Expr::Struct(shape), file.span)
    }

    /// Compiles the declarations between braces; `self.depth` already counts the new environment.
    fn body(
        &mut self,
        mut scope: Scope,
        decls: &[tree::Decl],
        file: bool,
        body: bool,
        _span: Span,
    ) -> ShapeId {
        for decl in decls {
            self.declare(&mut scope, decl);
        }
        self.scopes.push(scope);
        let lets = self.lets_of(decls);
        let keys = self.keys_of(decls);
        for (index, value) in lets {
            self.open_lets.push(index);
            // What it matches are not the fields beside it.
            self.scopes.push(Scope {
                depth: self.depth,
                field: true,
                ..Scope::default()
            });
            let compiled = self.expr(value);
            self.scopes.pop();
            self.open_lets.pop();
            self.program.lets[index as usize] = compiled;
        }
        for (index, key) in keys {
            let compiled = self.label_key(key);
            self.program.keys[index as usize] = compiled;
        }
        let mut compiled = Vec::with_capacity(decls.len());
        let mut places = Vec::with_capacity(decls.len());
        let mut attributes = Vec::new();
        let (mut embeds, mut ellipsis) = (false, false);
        for decl in decls {
            let Some(item) = self.decl(decl) else {
                continue;
            };
            embeds |= matches!(item, Decl::Embed(_) | Decl::Comprehension(_));
            ellipsis |= matches!(item, Decl::Ellipsis);
            if let tree::Decl::Field(field) = decl
                && !field.attributes.is_empty()
            {
                let list = field
                    .attributes
                    .iter()
                    .map(|a| (a.name.clone(), a.body.clone()));
                attributes.push((compiled.len() as u32, list.collect::<Vec<_>>()));
            }
            compiled.push(item);
            let span = match decl {
                tree::Decl::Field(field) => field.label.span(),
                other => other.span(),
            };
            places.push(Place {
                file: self.file,
                span,
            });
        }
        let start = self.program.decls.len() as u32;
        for (index, list) in attributes {
            self.program.attributes.insert(start + index, list);
        }
        let len = compiled.len() as u32;
        let mut optionals = 0;
        // Which labels there are, by a bit each of the last few bits of their numbers.
        let (mut optional, mut others) = (0u64, 0u64);
        for decl in &compiled {
            if let Decl::Field { label, arc, .. } = decl {
                let bit = 1 << (label.0 >> 3 & 63);
                if *arc == ArcType::Optional {
                    optionals += 1;
                    optional |= bit;
                } else {
                    others |= bit;
                }
            }
        }
        let optional_again = optional & others != 0 && declares_again(&compiled);
        self.program.decls.extend(compiled);
        self.program.decl_places.extend(places);
        self.program.shapes.push(Shape {
            start,
            len,
            optionals,
            optional_again,
            embeds,
            ellipsis,
            file,
            body,
            explicit_open: self.experiments.explicit_open,
        });
        let scope = self.scopes.pop().expect("pushed above");
        self.report_unused(&scope);
        (self.program.shapes.len() - 1) as ShapeId
    }

    fn static_label(&mut self, label: &tree::Label) -> Option<Label> {
        match label {
            tree::Label::Ident(ident) if &*ident.name == "_" => None,
            tree::Label::Ident(ident) => Some(
                self.program
                    .identifier_label(&ident.name, &self.package_path),
            ),
            tree::Label::String { value, .. } => {
                Some(Label::string(self.program.strings.intern(value)))
            }
            _ => None,
        }
    }

    fn decl(&mut self, decl: &tree::Decl) -> Option<Decl> {
        match decl {
            tree::Decl::Field(field) => self.field(field),
            tree::Decl::Embed(expr) => Some(Decl::Embed(self.expr(expr))),
            tree::Decl::Comprehension(comprehension) => Some(Decl::Comprehension(
                self.comprehension(comprehension, false),
            )),
            tree::Decl::Ellipsis(ellipsis) => {
                if let Some(value) = &ellipsis.value {
                    self.error(
                        MISPLACED,
                        value.span(),
                        "`...` in a struct takes no type; write `[string]: T`",
                    );
                }
                Some(Decl::Ellipsis)
            }
            _ => None,
        }
    }

    fn field(&mut self, field: &tree::Field) -> Option<Decl> {
        let arc = match field.presence {
            tree::Presence::Regular => ArcType::Member,
            tree::Presence::Optional => ArcType::Optional,
            tree::Presence::Required => ArcType::Required,
        };
        // Aliases that are visible in the value only.
        let mut inner = Scope {
            depth: self.depth,
            field: true,
            ..Scope::default()
        };
        let dynamic = matches!(
            field.label,
            tree::Label::Pattern { .. }
                | tree::Label::Dynamic { .. }
                | tree::Label::Interpolation(_)
        );
        let pattern = matches!(field.label, tree::Label::Pattern { .. });
        if let Some(alias) = field.value_alias() {
            if self.experiments.alias_v2 {
                self.error(
                    EXPERIMENT,
                    alias.span,
                    "under `aliasv2` write the alias after the label: `label~X`",
                );
            }
            self.add_name(&mut inner, alias, Entry::Itself, true);
        }
        if let tree::Label::Pattern {
            alias: Some(alias), ..
        } = &field.label
        {
            self.add_name(&mut inner, alias, Entry::LabelName, false);
        }
        if pattern && let Some(alias) = field.alias() {
            self.add_name(&mut inner, alias, Entry::Matched, true);
        }
        match field.postfix_alias() {
            Some(tree::PostfixAlias::Value(alias)) if pattern => {
                self.add_name(&mut inner, alias, Entry::Matched, true);
            }
            Some(tree::PostfixAlias::Pair(name, value)) if dynamic => {
                if &*name.name != "_" {
                    self.add_name(&mut inner, name, Entry::LabelName, true);
                }
                if pattern && &*value.name != "_" {
                    self.add_name(&mut inner, value, Entry::Matched, true);
                }
            }
            _ => {}
        }
        self.scopes.push(inner);
        let value = self.expr(&field.value);
        let inner = self.scopes.pop().expect("pushed above");
        self.report_unused(&inner);
        let _ = inner.label_used;
        match &field.label {
            tree::Label::Pattern { expr, span, .. } => {
                if field.presence != tree::Presence::Regular {
                    self.error(
                        INVALID_LABEL,
                        *span,
                        "a pattern constraint takes no `?` or `!`",
                    );
                }
                let filter = self.filter(expr);
                Some(Decl::Pattern { filter, value })
            }
            tree::Label::Dynamic { expr, .. } => {
                let key = self.expr(expr);
                Some(Decl::Dynamic { key, arc, value })
            }
            tree::Label::Interpolation(expr) => {
                let key = self.expr(expr);
                Some(Decl::Dynamic { key, arc, value })
            }
            label => match self.static_label(label) {
                Some(label) => Some(Decl::Field { label, arc, value }),
                None => {
                    self.error(INVALID_LABEL, label.span(), "`_` cannot be a label");
                    None
                }
            },
        }
    }

    /// The expression of a pattern. What it matches cannot depend on the struct it stands in.
    fn filter(&mut self, expr: &tree::Expr) -> ExprId {
        let outside = self.scopes.iter().rposition(|scope| scope.field);
        let own = outside.map_or(0, |at| at + 1)..self.scopes.len();
        let outer = std::mem::replace(&mut self.own_scopes, own);
        let outer_refers = std::mem::replace(&mut self.refers_to_own, false);
        let filter = self.expr(expr);
        self.own_scopes = outer;
        if std::mem::replace(&mut self.refers_to_own, outer_refers) {
            self.error(
                INVALID_LABEL,
                expr.span(),
                "a pattern cannot refer to the struct whose fields it matches",
            );
        }
        filter
    }

    fn comprehension(&mut self, comprehension: &tree::Comprehension, in_list: bool) -> u32 {
        let outer = self.depth;
        let scopes = self.scopes.len();
        let mut clauses = Vec::new();
        for (index, clause) in comprehension.clauses.iter().enumerate() {
            match clause {
                tree::Clause::For {
                    key, value, source, ..
                } => {
                    let source = self.expr(source);
                    self.depth += 1;
                    let mut scope = Scope {
                        depth: self.depth,
                        ..Scope::default()
                    };
                    if let Some(key) = key
                        && &*key.name != "_"
                    {
                        self.add_name(&mut scope, key, Entry::ForKey, false);
                    }
                    if &*value.name != "_" {
                        self.add_name(&mut scope, value, Entry::ForValue, false);
                    }
                    self.scopes.push(scope);
                    clauses.push(Clause::For { source });
                }
                tree::Clause::If { condition, .. } => {
                    clauses.push(Clause::If(self.expr(condition)));
                }
                tree::Clause::Let(clause) => {
                    if index == 0 {
                        self.error(
                            MISPLACED,
                            clause.span,
                            "a comprehension cannot start with `let`; put the clause before it",
                        );
                    }
                    let body = self.expr(&clause.value);
                    self.depth += 1;
                    let mut scope = Scope {
                        depth: self.depth,
                        ..Scope::default()
                    };
                    self.add_name(&mut scope, &clause.name, Entry::ClauseLet(body), true);
                    self.scopes.push(scope);
                    clauses.push(Clause::Let);
                }
                tree::Clause::Try { name, value, span } => {
                    if !self.experiments.attempt {
                        self.error(
                            EXPERIMENT,
                            *span,
                            "`try` needs `@experiment(try)` at the top of the file",
                        );
                    }
                    match (name, value) {
                        (Some(name), Some(value)) => {
                            let body = self.expr(value);
                            self.depth += 1;
                            let mut scope = Scope {
                                depth: self.depth,
                                ..Scope::default()
                            };
                            self.add_name(&mut scope, name, Entry::ClauseLet(body), true);
                            self.scopes.push(scope);
                            clauses.push(Clause::Try { value: body });
                        }
                        _ => clauses.push(Clause::Try { value: NO_EXPR }),
                    }
                }
            }
        }
        let body = self.struct_literal(&comprehension.body, true);
        while self.scopes.len() > scopes {
            let scope = self.scopes.pop().expect("longer than before");
            self.report_unused(&scope);
        }
        self.depth = outer;
        let otherwise = match &comprehension.otherwise {
            Some((_, span, literal)) => {
                if !self.experiments.attempt {
                    self.error(
                        EXPERIMENT,
                        *span,
                        "`else` and `fallback` need `@experiment(try)` at the top of the file",
                    );
                }
                self.struct_literal(literal, true)
            }
            None => NO_EXPR,
        };
        let _ = in_list;
        self.program.comprehensions.push(Comprehension {
            clauses,
            body,
            otherwise,
        });
        (self.program.comprehensions.len() - 1) as u32
    }
}

/// The error index that stands for a literal `_|_`.
pub(crate) const LITERAL_BOTTOM: u32 = 0;
/// The index of the error of what could not be compiled.
pub(crate) const REPORTED: u32 = 2;

/// Whether an expression is written-out data, which refers to nothing.
fn is_data(expr: &tree::Expr) -> bool {
    match expr {
        tree::Expr::Null(_)
        | tree::Expr::Bool(..)
        | tree::Expr::Number(..)
        | tree::Expr::String(..)
        | tree::Expr::Bytes(..) => true,
        tree::Expr::List(list) => {
            list.ellipsis.is_none()
                && list.elements.iter().all(|element| match element {
                    tree::Element::Expr(expr) => is_data(expr),
                    _ => false,
                })
        }
        tree::Expr::Struct(literal) => literal.decls.iter().all(|decl| match decl {
            tree::Decl::Field(field) => {
                matches!(
                    field.label,
                    tree::Label::Ident(_) | tree::Label::String { .. }
                ) && is_data(&field.value)
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Whether an optional field is declared once more, not as an optional one.
fn declares_again(decls: &[Decl]) -> bool {
    let labels = |optional: bool| {
        decls.iter().filter_map(move |decl| match decl {
            Decl::Field { label, arc, .. } if (*arc == ArcType::Optional) == optional => {
                Some(*label)
            }
            _ => None,
        })
    };
    let optional: FxHashSet<Label> = labels(true).collect();
    labels(false).any(|label| optional.contains(&label))
}
