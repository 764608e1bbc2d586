//! Compiles syntax trees into a [`Program`]: names become environment levels and labels.
//!
//! Resolution is lexical and static (CUE specification, "References"): a name is searched from the
//! innermost scope outwards to the file, then among the fields of the package's other files, then among
//! the predeclared names. A scope is a struct literal, a list literal (without names), a clause of a
//! comprehension, or a field with an alias.

mod mistakes;

use super::program::*;
use crate::diagnostic::{Code, Diagnostic, FileId, Place, Span, nearest};
use crate::syntax::tree;
use crate::value::Number;
use crate::value::builtin::{self, Builtins, Kind};
use rustc_hash::FxHashMap;
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

#[derive(Clone, Copy, Debug)]
enum Entry {
    Field(Label),
    Let(u32),
    /// Alias of a dynamic field: its key, by index in `keys`.
    DynamicField(u32),
    /// The matched label of a pattern or dynamic field.
    LabelName,
    /// The label of a plain field, as a constant.
    LabelText(StrId),
    /// The value whose field stands at this depth.
    Itself,
    /// The field a pattern matched.
    Matched,
    ForKey,
    ForValue,
    ClauseLet(ExprId),
    Import(u32),
}

#[derive(Debug)]
struct Name {
    text: Arc<str>,
    entry: Entry,
    /// Where it is declared; `None` where being unused is no error.
    declared: Option<Span>,
    /// Where it stands.
    at: Span,
    used: bool,
}

impl Name {
    /// Whether it is a field by its own name.
    fn is_field(&self) -> bool {
        matches!(self.entry, Entry::Field(_)) && self.declared.is_none()
    }
}

#[derive(Debug, Default)]
struct Scope {
    names: Vec<Name>,
    /// Positions in `names`, where they are many.
    index: FxHashMap<Arc<str>, usize>,
    /// Environment levels outside and including this scope.
    depth: u32,
    label_used: bool,
    /// It surrounds the value of a field: what is further in belongs to that value.
    field: bool,
}

impl Scope {
    /// From this many names on they are found by hash.
    const INDEXED: usize = 16;

    fn position(&self, name: &str) -> Option<usize> {
        if self.index.is_empty() {
            return self.names.iter().position(|n| &*n.text == name);
        }
        self.index.get(name).copied()
    }

    fn push(&mut self, name: Name) {
        self.names.push(name);
        let from = if self.index.is_empty() && self.names.len() >= Scope::INDEXED {
            0
        } else if !self.index.is_empty() {
            self.names.len() - 1
        } else {
            return;
        };
        for (at, name) in self.names.iter().enumerate().skip(from) {
            self.index.entry(name.text.clone()).or_insert(at);
        }
    }
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

/// Names a language version declares without being asked, for "did you mean".
const PREDECLARED: &[&str] = &[
    "string", "bytes", "bool", "int", "float", "number", "len", "close", "and", "or", "div", "mod",
    "quo", "rem", "matchN", "matchIf", "error", "rune", "int8", "int16", "int32", "int64",
    "int128", "uint", "uint8", "uint16", "uint32", "uint64", "uint128", "float32", "float64",
    "self",
];

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

    fn declare_import(&mut self, scope: &mut Scope, import: &tree::Import, declared: Option<Span>) {
        let imported = self
            .imports
            .get(&import.path)
            .copied()
            .unwrap_or(Imported::Failed);
        let text: Arc<str> = match (&import.alias, imported) {
            (Some(alias), _) => alias.name.clone(),
            (None, Imported::Builtin(package)) => package.name.into(),
            (None, Imported::Package(index))
                if !self.program.packages[index as usize].name.is_empty() =>
            {
                self.program.packages[index as usize].name.clone()
            }
            _ => super::implied_name(&import.path).into(),
        };
        if let Some(span) = declared
            && scope.position(&text).is_some()
        {
            self.error(
                NAME_CLASH,
                span,
                format!("`{text}` is imported twice in this file"),
            );
        }
        self.file_imports.push((import.path.clone(), imported));
        scope.push(Name {
            text,
            entry: Entry::Import(self.file_imports.len() as u32 - 1),
            declared: if matches!(imported, Imported::Failed) {
                None
            } else {
                declared
            },
            at: declared.unwrap_or_default(),
            used: false,
        });
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
            let compiled = self.expr(value);
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
        let is_optional = |d: &&Decl| {
            matches!(
                d,
                Decl::Field {
                    arc: ArcType::Optional,
                    ..
                }
            )
        };
        let optionals = compiled.iter().filter(is_optional).count() as u32;
        self.program.decls.extend(compiled);
        self.program.decl_places.extend(places);
        self.program.shapes.push(Shape {
            start,
            len,
            optionals,
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

    fn report_unused(&mut self, scope: &Scope) {
        for name in &scope.names {
            let Some(span) = name.declared else { continue };
            if name.used {
                continue;
            }
            if matches!(name.entry, Entry::Import(_)) {
                let message = format!("`{}` is imported and not used", name.text);
                self.error(UNUSED_IMPORT, span, message);
                self.unused_for_hidden(span);
            } else {
                let message = format!("alias or let clause `{}` is not used", name.text);
                self.error(UNUSED_ALIAS, span, message);
                self.unused_for_hidden(span);
            }
        }
    }

    fn add_name(&mut self, scope: &mut Scope, ident: &tree::Ident, entry: Entry, must_use: bool) {
        if &*ident.name == "_" {
            if must_use {
                self.error(
                    NAME_CLASH,
                    ident.span,
                    "`_` cannot be the name of an alias or let clause",
                );
            }
            return;
        }
        let is_field = matches!(entry, Entry::Field(_)) && !must_use;
        if let Some(at) = scope.position(&ident.name) {
            let other = &mut scope.names[at];
            let other_field = matches!(other.entry, Entry::Field(_)) && other.declared.is_none();
            if is_field && other_field {
                return;
            }
            let message = if is_field || other_field {
                other.used = true;
                format!(
                    "`{}` names both a field and an alias in this scope",
                    ident.name
                )
            } else {
                format!("`{}` is declared twice in this scope", ident.name)
            };
            self.error(NAME_CLASH, ident.span, message);
            return;
        }
        let name = Name {
            text: ident.name.clone(),
            entry,
            declared: must_use.then_some(ident.span),
            at: ident.span,
            used: false,
        };
        if !name.is_field() {
            self.hides(&name);
        }
        scope.push(name);
    }

    fn declare(&mut self, scope: &mut Scope, decl: &tree::Decl) {
        match decl {
            tree::Decl::Let(clause) => {
                self.program.lets.push(NO_EXPR);
                let name = self.program.strings.intern(&clause.name.name);
                self.program.let_names.push(name);
                let index = self.program.lets.len() as u32 - 1;
                self.add_name(scope, &clause.name, Entry::Let(index), true);
            }
            tree::Decl::Alias(clause) => {
                self.error(
                    MISPLACED,
                    clause.span,
                    "an alias on its own is no longer part of the language; use a let clause",
                );
            }
            tree::Decl::Field(field) => {
                let label = self.static_label(&field.label);
                if let (tree::Label::Ident(ident), Some(label)) = (&field.label, label) {
                    if ident.name.starts_with("__") {
                        self.error(
                            INVALID_LABEL,
                            ident.span,
                            "names that begin with `__` are reserved",
                        );
                    }
                    self.add_name(scope, ident, Entry::Field(label), false);
                }
                let alias = match (&field.alias, &field.postfix_alias) {
                    (Some(alias), None) => {
                        if self.experiments.alias_v2 {
                            self.error(
                                EXPERIMENT,
                                alias.span,
                                "under `aliasv2` write the alias after the label: `label~X`",
                            );
                        }
                        Some(alias)
                    }
                    (None, Some(tree::PostfixAlias::Value(alias))) => Some(alias),
                    (None, Some(tree::PostfixAlias::Pair(name, value))) => {
                        if let Some(label) = label
                            && &*name.name != "_"
                        {
                            if label.is_definition() || label.is_hidden() {
                                self.error(
                                    INVALID_LABEL,
                                    name.span,
                                    "the label of a definition or hidden field has no string value",
                                );
                            }
                            let entry = Entry::LabelText(label.id());
                            self.add_name(scope, name, entry, true);
                        }
                        (&*value.name != "_").then_some(value)
                    }
                    (Some(alias), Some(_)) => {
                        self.error(
                            NAME_CLASH,
                            alias.span,
                            "a field cannot have both a prefix and a postfix alias",
                        );
                        None
                    }
                    (None, None) => None,
                };
                if field.postfix_alias.is_some() && !self.experiments.alias_v2 {
                    self.error(
                        EXPERIMENT,
                        field.label.span(),
                        "postfix aliases need `@experiment(aliasv2)` at the top of the file",
                    );
                }
                if let Some(alias) = alias {
                    match (&field.label, label) {
                        (_, Some(label)) => self.add_name(scope, alias, Entry::Field(label), true),
                        (tree::Label::Pattern { .. }, None) => {}
                        (_, None) => {
                            self.program.keys.push(NO_EXPR);
                            let entry = Entry::DynamicField(self.program.keys.len() as u32 - 1);
                            self.add_name(scope, alias, entry, true);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn lets_of<'t>(&mut self, decls: &'t [tree::Decl]) -> Vec<(u32, &'t tree::Expr)> {
        let scope = self.scopes.last().expect("inside a struct");
        let find = |name: &str| {
            scope.names.iter().find_map(|n| match n.entry {
                Entry::Let(index) if &*n.text == name => Some(index),
                _ => None,
            })
        };
        decls
            .iter()
            .filter_map(|decl| match decl {
                tree::Decl::Let(clause) => Some((find(&clause.name.name)?, &clause.value)),
                _ => None,
            })
            .collect()
    }

    fn keys_of<'t>(&mut self, decls: &'t [tree::Decl]) -> Vec<(u32, &'t tree::Label)> {
        let scope = self.scopes.last().expect("inside a struct");
        let find = |name: &str| {
            scope.names.iter().find_map(|n| match n.entry {
                Entry::DynamicField(index) if &*n.text == name => Some(index),
                _ => None,
            })
        };
        decls
            .iter()
            .filter_map(|decl| {
                let tree::Decl::Field(field) = decl else {
                    return None;
                };
                let alias = match (&field.alias, &field.postfix_alias) {
                    (Some(alias), _) => alias,
                    (_, Some(tree::PostfixAlias::Value(alias))) => alias,
                    (_, Some(tree::PostfixAlias::Pair(_, alias))) => alias,
                    _ => return None,
                };
                Some((find(&alias.name)?, &field.label))
            })
            .collect()
    }

    fn label_key(&mut self, label: &tree::Label) -> ExprId {
        match label {
            tree::Label::Interpolation(expr) => self.expr(expr),
            tree::Label::Dynamic { expr, .. } => self.expr(expr),
            other => self.bottom(other.span()),
        }
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
        if let Some(alias) = &field.value_alias {
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
        if pattern && let Some(alias) = &field.alias {
            self.add_name(&mut inner, alias, Entry::Matched, true);
        }
        match &field.postfix_alias {
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

    fn struct_literal(&mut self, literal: &tree::StructLit, body: bool) -> ExprId {
        self.depth += 1;
        let scope = Scope {
            depth: self.depth,
            ..Scope::default()
        };
        let shape = self.body(scope, &literal.decls, false, body, literal.span);
        self.depth -= 1;
        self.push(Expr::Struct(shape), literal.span)
    }

    pub(crate) fn expr(&mut self, expr: &tree::Expr) -> ExprId {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &tree::Expr) -> ExprId {
        let span = expr.span();
        let value = match expr {
            tree::Expr::Ident(ident) => return self.ident(ident),
            tree::Expr::Bottom(_) => Value::Bottom(LITERAL_BOTTOM),
            tree::Expr::Null(_) => Value::Null,
            tree::Expr::Bool(value, _) => Value::Bool(*value),
            tree::Expr::Number(text, _) => match Number::parse_literal(text) {
                Ok(number) => self.program.number(number),
                Err(message) => {
                    self.error(INVALID_NUMBER, span, message);
                    return self.bottom(span);
                }
            },
            tree::Expr::String(text, _) => Value::String(self.program.strings.intern(text)),
            tree::Expr::Bytes(bytes, _) => self.program.bytes(bytes),
            tree::Expr::Interpolation(interpolation) => return self.interpolation(interpolation),
            tree::Expr::Struct(literal) => return self.struct_literal(literal, false),
            tree::Expr::List(literal) => return self.list(literal),
            tree::Expr::Paren(inner, _) => return self.expr(inner),
            tree::Expr::Unary(unary) => return self.unary(unary),
            tree::Expr::Binary(binary) => return self.binary(binary),
            tree::Expr::Selector(selector) => return self.selector(selector, false),
            tree::Expr::Index { base, index, .. } => return self.index(base, index, span, false),
            tree::Expr::Slice {
                base, low, high, ..
            } => {
                let base = self.expr(base);
                let low = low.as_ref().map_or(NO_EXPR, |low| self.expr(low));
                let high = high.as_ref().map_or(NO_EXPR, |high| self.expr(high));
                return self.push(Expr::Slice { base, low, high }, span);
            }
            tree::Expr::Call {
                function,
                arguments,
                ..
            } => {
                let function = self.expr(function);
                let arguments: Vec<_> = arguments.iter().map(|a| self.expr(a)).collect();
                let (start, len) = self.list_of(arguments);
                return self.push(
                    Expr::Call {
                        function,
                        start,
                        len,
                    },
                    span,
                );
            }
            tree::Expr::Open(inner, _) => {
                if !self.experiments.explicit_open {
                    self.error(
                        EXPERIMENT,
                        span,
                        "postfix `...` needs `@experiment(explicitopen)` at the top of the file",
                    );
                }
                let inner = self.expr(inner);
                return self.push(Expr::Open(inner), span);
            }
            tree::Expr::Try(inner, _) => return self.optional(inner, span),
            tree::Expr::Bad(_) => return self.bottom(span),
        };
        self.push(Expr::Value(value), span)
    }

    fn optional(&mut self, inner: &tree::Expr, span: Span) -> ExprId {
        if !self.experiments.attempt {
            self.error(
                EXPERIMENT,
                span,
                "`x?` needs `@experiment(try)` at the top of the file",
            );
        }
        match inner {
            tree::Expr::Ident(ident) => {
                let id = self.ident(ident);
                if let Expr::Field { optional, .. } = &mut self.program.exprs[id as usize] {
                    *optional = true;
                }
                id
            }
            tree::Expr::Selector(selector) => self.selector(selector, true),
            tree::Expr::Index { base, index, span } => self.index(base, index, *span, true),
            other => {
                self.error(
                    MISPLACED,
                    span,
                    "`?` marks a reference, a selection or an index",
                );
                self.expr(other)
            }
        }
    }

    fn list_of(&mut self, items: Vec<ExprId>) -> (u32, u32) {
        let start = self.program.lists.len() as u32;
        let len = items.len() as u32;
        self.program.lists.extend(items);
        (start, len)
    }

    fn interpolation(&mut self, interpolation: &tree::Interpolation) -> ExprId {
        let mut parts = Vec::with_capacity(interpolation.fragments.len() * 2);
        for (index, fragment) in interpolation.fragments.iter().enumerate() {
            let value = if interpolation.bytes {
                self.program.bytes(fragment)
            } else {
                let text = String::from_utf8_lossy(fragment);
                Value::String(self.program.strings.intern(&text))
            };
            parts.push(self.push(Expr::Value(value), interpolation.span));
            if let Some(expr) = interpolation.expressions.get(index) {
                parts.push(self.expr(expr));
            }
        }
        let (start, len) = self.list_of(parts);
        let bytes = interpolation.bytes;
        self.push(
            Expr::Interpolation { bytes, start, len },
            interpolation.span,
        )
    }

    fn list(&mut self, literal: &tree::ListLit) -> ExprId {
        self.depth += 1;
        self.scopes.push(Scope {
            depth: self.depth,
            ..Scope::default()
        });
        let mut elements = Vec::with_capacity(literal.elements.len());
        for element in &literal.elements {
            elements.push(match element {
                tree::Element::Expr(expr) => Element::Expr(self.expr(expr)),
                tree::Element::Alias(alias, expr) => {
                    let mut scope = Scope {
                        depth: self.depth,
                        ..Scope::default()
                    };
                    self.add_name(&mut scope, alias, Entry::Itself, true);
                    self.scopes.push(scope);
                    let expr = self.expr(expr);
                    let scope = self.scopes.pop().expect("pushed above");
                    self.report_unused(&scope);
                    Element::Expr(expr)
                }
                tree::Element::Comprehension(comprehension) => {
                    Element::Comprehension(self.comprehension(comprehension, true))
                }
            });
        }
        let ellipsis = literal
            .ellipsis
            .as_ref()
            .map(|ellipsis| match &ellipsis.value {
                Some(value) => self.expr(value),
                None => self.push(Expr::Value(Value::Top), ellipsis.span),
            });
        self.scopes.pop();
        self.depth -= 1;
        self.program
            .list_literals
            .push(ListLiteral { elements, ellipsis });
        let index = (self.program.list_literals.len() - 1) as u32;
        self.push(Expr::List(index), literal.span)
    }

    fn unary(&mut self, unary: &tree::Unary) -> ExprId {
        use tree::UnaryOp as Op;
        let operand = self.expr(&unary.operand);
        let literal = match self.program.exprs[operand as usize] {
            Expr::Value(value) => Some(value),
            _ => None,
        };
        let bound = |op| Expr::Bound(op, operand);
        let expr = match unary.op {
            Op::Plus => Expr::Plus(operand),
            Op::Minus => match literal {
                // `-1` is a literal to everybody but the grammar.
                Some(Value::Int(value)) => {
                    Expr::Value(self.program.number(Number::from_i64(value).neg()))
                }
                Some(Value::Number(index)) => {
                    let number = self.program.numbers[index as usize].neg();
                    Expr::Value(self.program.number(number))
                }
                _ => Expr::Minus(operand),
            },
            Op::Not => Expr::Not(operand),
            Op::Default => {
                self.error(
                    MISPLACED,
                    unary.span,
                    "`*` marks a default and stands in a disjunction",
                );
                return operand;
            }
            Op::Less => bound(Comparison::Less),
            Op::LessEqual => bound(Comparison::LessEqual),
            Op::Greater => bound(Comparison::Greater),
            Op::GreaterEqual => bound(Comparison::GreaterEqual),
            Op::NotEqual => bound(Comparison::NotEqual),
            Op::Equal => bound(Comparison::Equal),
            Op::Match => bound(Comparison::Match),
            Op::NotMatch => bound(Comparison::NotMatch),
        };
        let literal_bound = match (expr, literal) {
            (
                Expr::Bound(op, _),
                Some(
                    value @ (Value::Int(_) | Value::Number(_) | Value::String(_) | Value::Bytes(_)),
                ),
            ) => Some(Expr::Value(self.program.bound(op, value))),
            (
                Expr::Bound(op @ (Comparison::NotEqual | Comparison::Equal), _),
                Some(value @ (Value::Null | Value::Bool(_))),
            ) => Some(Expr::Value(self.program.bound(op, value))),
            _ => None,
        };
        self.push(literal_bound.unwrap_or(expr), unary.span)
    }

    fn binary(&mut self, binary: &tree::Binary) -> ExprId {
        use tree::BinaryOp as Op;
        if binary.op == Op::Disjunction {
            return self.disjunction(binary);
        }
        let short = self.experiments.short_circuit;
        let operator = match binary.op {
            Op::Disjunction | Op::Unify => None,
            Op::Or => Some(Operator::Or { short }),
            Op::And => Some(Operator::And { short }),
            Op::Equal => Some(Operator::Compare(Comparison::Equal)),
            Op::NotEqual => Some(Operator::Compare(Comparison::NotEqual)),
            Op::Less => Some(Operator::Compare(Comparison::Less)),
            Op::LessEqual => Some(Operator::Compare(Comparison::LessEqual)),
            Op::Greater => Some(Operator::Compare(Comparison::Greater)),
            Op::GreaterEqual => Some(Operator::Compare(Comparison::GreaterEqual)),
            Op::Match => Some(Operator::Compare(Comparison::Match)),
            Op::NotMatch => Some(Operator::Compare(Comparison::NotMatch)),
            Op::Add => Some(Operator::Add),
            Op::Subtract => Some(Operator::Subtract),
            Op::Multiply => Some(Operator::Multiply),
            Op::Divide => Some(Operator::Divide),
        };
        let known = self.errors.len();
        let (mut left, mut possible) = self.operand(&binary.operands[0], operator);
        let start = binary.operands[0].span();
        for operand in &binary.operands[1..] {
            let (right, right_possible) = self.operand(operand, operator);
            let expr = match operator {
                None => Expr::Unify(left, right),
                Some(operator) => Expr::Binary(operator, left, right),
            };
            left = self.push(expr, start.to(operand.span()));
            if !(possible && right_possible) {
                self.program.refused.insert(left);
            }
            possible = true;
        }
        self.unquoted(binary, known);
        left
    }

    /// An operand, and whether it can be concrete; one that cannot be is an error wherever it stands.
    fn operand(&mut self, operand: &tree::Expr, operator: Option<Operator>) -> (ExprId, bool) {
        let errors = self.errors.len();
        let compiled = self.expr(operand);
        let Some(operator) = operator else {
            return (compiled, true);
        };
        let never = self.program.exprs[compiled as usize].is_never_concrete();
        if never && self.errors.len() == errors {
            let text = operator.text();
            let message =
                format!("invalid operand: `{text}` requires a concrete value, not a type");
            self.error(OPERATION, operand.span(), message);
        }
        (compiled, !never)
    }

    fn disjunction(&mut self, binary: &tree::Binary) -> ExprId {
        let mut arms = Vec::with_capacity(binary.operands.len());
        let mut marked = false;
        for operand in &binary.operands {
            match operand {
                tree::Expr::Unary(unary) if unary.op == tree::UnaryOp::Default => {
                    marked = true;
                    arms.push((self.expr(&unary.operand), true));
                }
                other => arms.push((self.expr(other), false)),
            }
        }
        self.program.disjunctions.push(Disjunction { marked, arms });
        let index = (self.program.disjunctions.len() - 1) as u32;
        self.push(Expr::Disjunction(index), binary.span)
    }

    fn selector(&mut self, selector: &tree::Selector, optional: bool) -> ExprId {
        let (label, name, name_span) = match &selector.name {
            tree::SelectorName::Ident(ident) => (
                self.program
                    .identifier_label(&ident.name, &self.package_path),
                ident.name.clone(),
                ident.span,
            ),
            tree::SelectorName::String { value, span } => (
                Label::string(self.program.strings.intern(value)),
                value.clone(),
                *span,
            ),
        };
        if let tree::Expr::Ident(ident) = &*selector.base
            && let Some(Entry::Import(index)) = self.find(&ident.name).map(|(entry, _)| entry)
            && let Imported::Builtin(package) = self.file_imports[index as usize].1
        {
            return self.builtin_member(package, &name, selector.span, name_span);
        }
        let base = self.expr(&selector.base);
        self.push(
            Expr::Select {
                base,
                label,
                optional,
            },
            selector.span,
        )
    }

    fn builtin_member(
        &mut self,
        package: &'static builtin::Package,
        name: &str,
        span: Span,
        name_span: Span,
    ) -> ExprId {
        if let Some(function) = package.functions.iter().find(|f| f.name == name) {
            return self.function(Callable::Package(package, function), span);
        }
        if let Some((_, text)) = package.constants.iter().find(|(n, _)| *n == name) {
            let (expr, errors) = crate::syntax::parse_expr(self.file, text);
            debug_assert!(errors.is_empty(), "{name}: {errors:?}");
            // A constant sees nothing of the program around it.
            let scopes = std::mem::take(&mut self.scopes);
            let depth = std::mem::take(&mut self.depth);
            let fields = std::mem::take(&mut self.package_fields);
            let (exprs, decls) = (self.program.places.len(), self.program.decl_places.len());
            let id = self.expr(&expr);
            (self.scopes, self.depth, self.package_fields) = (scopes, depth, fields);
            // Its text is in no file: all of it stands where its name does.
            let places = self.program.places[exprs..].iter_mut();
            for place in places.chain(&mut self.program.decl_places[decls..]) {
                place.span = span;
            }
            return id;
        }
        let names = package.functions.iter().map(|f| f.name);
        let names = names.chain(package.constants.iter().map(|(n, _)| *n));
        let help = nearest(name, names).map(str::to_string);
        let message = format!("package `{}` has no `{name}`", package.path);
        let diagnostic = self.error(UNRESOLVED, name_span, message);
        if let Some(near) = help {
            diagnostic.help.push(format!("did you mean `{near}`?"));
        }
        self.bottom(span)
    }

    fn function(&mut self, callable: Callable, span: Span) -> ExprId {
        self.program.functions.push(callable);
        let index = (self.program.functions.len() - 1) as u32;
        self.push(Expr::Value(Value::Function(index)), span)
    }

    fn index(
        &mut self,
        base: &tree::Expr,
        index: &tree::Expr,
        span: Span,
        optional: bool,
    ) -> ExprId {
        let base = self.expr(base);
        let index = self.expr(index);
        self.push(
            Expr::Index {
                base,
                index,
                optional,
            },
            span,
        )
    }

    /// The innermost entry of a name, and how many environments out it is.
    fn find(&mut self, name: &str) -> Option<(Entry, u16)> {
        for (level, scope) in self.scopes.iter_mut().enumerate().rev() {
            if let Some(at) = scope.position(name) {
                let found = &mut scope.names[at];
                // A `let` is not in scope in its own value.
                if matches!(found.entry, Entry::Let(index) if self.open_lets.contains(&index)) {
                    continue;
                }
                found.used = true;
                if self.own_scopes.contains(&level) && !matches!(found.entry, Entry::Import(_)) {
                    self.refers_to_own = true;
                }
                return Some((found.entry, (self.depth - scope.depth) as u16));
            }
        }
        None
    }

    fn ident(&mut self, ident: &tree::Ident) -> ExprId {
        let span = ident.span;
        if &*ident.name == "_" {
            return self.push(Expr::Value(Value::Top), span);
        }
        let found = self.find(&ident.name);
        if let Some((Entry::Field(_), _)) = found {
            self.field_hides(ident);
        }
        let expr = match found {
            Some((entry, up)) => match entry {
                Entry::Field(label) => Expr::Field {
                    up,
                    label,
                    optional: false,
                },
                Entry::Let(clause) => {
                    // A let that is just `self` or an alias names a node, not a copy of it.
                    let body = self.program.lets[clause as usize];
                    match self.program.exprs.get(body as usize) {
                        Some(Expr::Itself { up: inner }) if *inner > 0 => {
                            Expr::Itself { up: up + inner }
                        }
                        _ => Expr::Let { up, clause },
                    }
                }
                Entry::DynamicField(key) => Expr::Dynamic { up, key },
                Entry::LabelName => Expr::LabelName { up },
                Entry::LabelText(text) => Expr::Value(Value::String(text)),
                Entry::Itself => Expr::Itself { up },
                Entry::Matched => {
                    let name = self.push(Expr::LabelName { up: 0 }, span);
                    self.program.keys.push(name);
                    Expr::Dynamic {
                        up,
                        key: self.program.keys.len() as u32 - 1,
                    }
                }
                Entry::ForKey => Expr::ForKey { up },
                Entry::ForValue => Expr::ForValue { up },
                Entry::ClauseLet(body) => Expr::ClauseLet { up, body },
                Entry::Import(index) => match self.file_imports[index as usize].1 {
                    Imported::Package(package) => Expr::Package(package),
                    Imported::Failed => return self.bottom(span),
                    Imported::Builtin(package) => {
                        let message =
                            format!("package `{}` is not a value; select from it", package.name);
                        self.error(MISPLACED, span, message);
                        return self.bottom(span);
                    }
                },
            },
            None => match self.package_fields.get(&ident.name) {
                Some(&label) => {
                    let up = (self.depth.saturating_sub(1)) as u16;
                    Expr::Field {
                        up,
                        label,
                        optional: false,
                    }
                }
                None => return self.predeclared(ident),
            },
        };
        self.push(expr, span)
    }

    fn predeclared(&mut self, ident: &tree::Ident) -> ExprId {
        let span = ident.span;
        let name = ident.name.strip_prefix("__").unwrap_or(&ident.name);
        let kind = match name {
            "string" => Kind::STRING,
            "bytes" => Kind::BYTES,
            "bool" => Kind::BOOL,
            "int" => Kind::INT,
            "float" => Kind::FLOAT,
            "number" => Kind::NUMBER,
            _ => Kind::NONE,
        };
        if !kind.is_empty() {
            return self.push(Expr::Value(Value::Kind(kind)), span);
        }
        if ident.name.as_ref() == "__no_sharing" {
            // CUE's name for a top beside which a reference is copied.
            return self.push(Expr::Value(Value::Top), span);
        }
        let function = match name {
            "len" => Some(Predeclared::Len),
            "close" => Some(Predeclared::Close),
            "closeAll" if ident.name.starts_with("__") => Some(Predeclared::CloseAll),
            "reclose" if ident.name.starts_with("__") => Some(Predeclared::Reclose),
            "and" => Some(Predeclared::And),
            "or" => Some(Predeclared::Or),
            "div" => Some(Predeclared::Div),
            "mod" => Some(Predeclared::Mod),
            "quo" => Some(Predeclared::Quo),
            "rem" => Some(Predeclared::Rem),
            "matchN" => Some(Predeclared::MatchN),
            "matchIf" => Some(Predeclared::MatchIf),
            "error" => Some(Predeclared::Error),
            _ => None,
        };
        if let Some(function) = function {
            return self.function(Callable::Predeclared(function), span);
        }
        if let Some(conjuncts) = range(name) {
            let mut values = Vec::new();
            for (op, text) in conjuncts.1 {
                let number = Number::parse_literal(text.trim_start_matches('-'))
                    .expect("the ranges below are valid");
                let number = if text.starts_with('-') {
                    number.neg()
                } else {
                    number
                };
                let value = self.program.number(number);
                values.push(self.program.bound(op, value));
            }
            if conjuncts.0 == Kind::INT {
                values.insert(0, Value::Kind(Kind::INT));
            }
            self.program.conjunctions.push(values);
            let index = (self.program.conjunctions.len() - 1) as u32;
            return self.push(Expr::Value(Value::Conjunction(index)), span);
        }
        if name == "self" && (self.experiments.alias_v2 || ident.name.starts_with("__")) {
            return self.push(Expr::Itself { up: 1 }, span);
        }
        self.unresolved(ident);
        self.bottom(span)
    }
}

/// The error index that stands for a literal `_|_`.
pub(crate) const LITERAL_BOTTOM: u32 = 0;
/// The index of the error of what could not be compiled.
pub(crate) const REPORTED: u32 = 2;

type Range = (Kind, Vec<(Comparison, &'static str)>);

/// The bounds of a predeclared numeric type (specification, "Predeclared identifiers").
fn range(name: &str) -> Option<Range> {
    let (low, high) = match name {
        "rune" => ("0", "1114111"),
        "int8" => ("-128", "127"),
        "int16" => ("-32768", "32767"),
        "int32" => ("-2147483648", "2147483647"),
        "int64" => ("-9223372036854775808", "9223372036854775807"),
        "int128" => (
            "-170141183460469231731687303715884105728",
            "170141183460469231731687303715884105727",
        ),
        "uint" => return Some((Kind::INT, vec![(Comparison::GreaterEqual, "0")])),
        "uint8" => ("0", "255"),
        "uint16" => ("0", "65535"),
        "uint32" => ("0", "4294967295"),
        "uint64" => ("0", "18446744073709551615"),
        "uint128" => ("0", "340282366920938463463374607431768211455"),
        "float32" => (
            "-3.40282346638528859811704183484516925440e+38",
            "3.40282346638528859811704183484516925440e+38",
        ),
        "float64" => (
            "-1.797693134862315708145274237317043567981e+308",
            "1.797693134862315708145274237317043567981e+308",
        ),
        _ => return None,
    };
    let kind = if name.starts_with("float") {
        Kind::NUMBER
    } else {
        Kind::INT
    };
    Some((
        kind,
        vec![
            (Comparison::GreaterEqual, low),
            (Comparison::LessEqual, high),
        ],
    ))
}

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
