//! Scopes and names: what a literal, a clause or a file declares, and what an identifier finds.

use super::*;
use crate::diagnostic::Span;
use crate::resolve::program::*;
use crate::syntax::tree;
use crate::value::Number;
use crate::value::builtin::Kind;
use rustc_hash::FxHashMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
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
pub(super) struct Name {
    pub text: Arc<str>,
    pub entry: Entry,
    /// Where it is declared; `None` where being unused is no error.
    pub declared: Option<Span>,
    /// Where it stands.
    pub at: Span,
    pub used: bool,
}

impl Name {
    /// Whether it is a field by its own name.
    pub(super) fn is_field(&self) -> bool {
        matches!(self.entry, Entry::Field(_)) && self.declared.is_none()
    }
}

#[derive(Debug, Default)]
pub(super) struct Scope {
    pub names: Vec<Name>,
    /// Positions in `names`, where they are many.
    pub index: FxHashMap<Arc<str>, usize>,
    /// Environment levels outside and including this scope.
    pub depth: u32,
    pub label_used: bool,
    /// It surrounds the value of a field: what is further in belongs to that value.
    pub field: bool,
}

impl Scope {
    /// From this many names on they are found by hash.
    const INDEXED: usize = 16;

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        if self.index.is_empty() {
            return self.names.iter().position(|n| &*n.text == name);
        }
        self.index.get(name).copied()
    }

    pub(super) fn push(&mut self, name: Name) {
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

/// Names a language version declares without being asked, for "did you mean".
pub(super) const PREDECLARED: &[&str] = &[
    "string", "bytes", "bool", "int", "float", "number", "len", "close", "and", "or", "div", "mod",
    "quo", "rem", "matchN", "matchIf", "error", "rune", "int8", "int16", "int32", "int64",
    "int128", "uint", "uint8", "uint16", "uint32", "uint64", "uint128", "float32", "float64",
    "self",
];

impl Compiler<'_> {
    pub(super) fn declare_import(
        &mut self,
        scope: &mut Scope,
        import: &tree::Import,
        declared: Option<Span>,
    ) {
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
            _ => crate::resolve::implied_name(&import.path).into(),
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

    pub(super) fn report_unused(&mut self, scope: &Scope) {
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

    pub(super) fn add_name(
        &mut self,
        scope: &mut Scope,
        ident: &tree::Ident,
        entry: Entry,
        must_use: bool,
    ) {
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

    pub(super) fn declare(&mut self, scope: &mut Scope, decl: &tree::Decl) {
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
                let alias = match (field.alias(), field.postfix_alias()) {
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
                if field.postfix_alias().is_some() && !self.experiments.alias_v2 {
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

    pub(super) fn lets_of<'t>(&mut self, decls: &'t [tree::Decl]) -> Vec<(u32, &'t tree::Expr)> {
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

    pub(super) fn keys_of<'t>(&mut self, decls: &'t [tree::Decl]) -> Vec<(u32, &'t tree::Label)> {
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
                let alias = match (field.alias(), field.postfix_alias()) {
                    (Some(alias), _) => alias,
                    (_, Some(tree::PostfixAlias::Value(alias))) => alias,
                    (_, Some(tree::PostfixAlias::Pair(_, alias))) => alias,
                    _ => return None,
                };
                Some((find(&alias.name)?, &field.label))
            })
            .collect()
    }

    pub(super) fn label_key(&mut self, label: &tree::Label) -> ExprId {
        match label {
            tree::Label::Interpolation(expr) => self.expr(expr),
            tree::Label::Dynamic { expr, .. } => self.expr(expr),
            other => self.bottom(other.span()),
        }
    }

    /// The innermost entry of a name, and how many environments out it is.
    pub(super) fn find(&mut self, name: &str) -> Option<(Entry, u16)> {
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

    pub(super) fn ident(&mut self, ident: &tree::Ident) -> ExprId {
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
