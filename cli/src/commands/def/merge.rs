//! The files of a package as one file: what several say of a field is said in one place.

use crate::names::{imported_name, used};
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::print;
use holos_lang::syntax::tree::*;
use std::collections::BTreeMap;

/// The files of a package as one; nothing where names of one file mean something else in another.
pub(super) fn merged(package: &PackageFiles) -> Option<File> {
    let mut imports: Vec<Import> = Vec::new();
    let mut decls = Vec::new();
    let mut lets = BTreeMap::new();
    for (index, (_, file)) in package.files.iter().enumerate() {
        for import in &file.imports {
            let mut others = imports.iter();
            match others.find(|other| imported_name(other) == imported_name(import)) {
                Some(other) if other.path == import.path => {}
                Some(_) => return None,
                None => imports.push(import.clone()),
            }
        }
        for decl in &file.decls {
            if let Decl::Let(clause) | Decl::Alias(clause) = decl {
                let other = lets.insert(clause.name.name.clone(), index);
                if other.is_some_and(|other| other != index) {
                    return None;
                }
            }
        }
        decls.extend(file.decls.iter().cloned());
    }
    // A name of one file must not become that of an import or a `let` of another.
    let hidden = |name: &str| {
        lets.contains_key(name) || imports.iter().any(|import| imported_name(import) == name)
    };
    let fields = decls.iter().filter_map(label);
    if fields.into_iter().any(|name| hidden(&name)) {
        return None;
    }
    let clause = package
        .files
        .iter()
        .find_map(|(_, file)| file.package.clone());
    Some(File {
        package: clause,
        imports,
        decls: together(decls),
        ..File::default()
    })
}

/// The name of a field that can be said in one place with others of that name.
fn label(decl: &Decl) -> Option<String> {
    let Decl::Field(field) = decl else {
        return None;
    };
    let aliased =
        field.alias().is_some() || field.postfix_alias().is_some() || field.value_alias().is_some();
    match &field.label {
        _ if aliased => None,
        Label::Ident(ident) => Some(ident.name.to_string()),
        // As an identifier it would have another meaning.
        Label::String { value, .. } if value.starts_with(['_', '#']) => None,
        Label::String { value, .. } => Some(value.to_string()),
        _ => None,
    }
}

/// Declarations with those of the same field as one.
fn together(decls: Vec<Decl>) -> Vec<Decl> {
    let mut out: Vec<Decl> = Vec::new();
    let mut known: BTreeMap<(String, u8), usize> = BTreeMap::new();
    for decl in decls {
        let (Some(name), Decl::Field(field)) = (label(&decl), &decl) else {
            out.push(decl);
            continue;
        };
        let presence = match field.presence {
            Presence::Regular => 0,
            Presence::Optional => 1,
            Presence::Required => 2,
        };
        match known.get(&(name.clone(), presence)).map(|&at| &mut out[at]) {
            Some(Decl::Field(first)) => {
                first.value = unified(first.value.clone(), field.value.clone());
                first.attributes.extend(field.attributes.iter().cloned());
            }
            _ => {
                known.insert((name, presence), out.len());
                out.push(decl);
            }
        }
    }
    out
}

/// `a & b`, literals put together where that changes no name's meaning.
fn unified(a: Expr, b: Expr) -> Expr {
    let mut operands = Vec::new();
    for side in [a, b] {
        match side {
            Expr::Binary(binary) if binary.op == BinaryOp::Unify => {
                operands.extend(binary.operands);
            }
            other => operands.push(other),
        }
    }
    let mut out: Vec<Expr> = Vec::new();
    for operand in operands {
        let text = |expr: &Expr| {
            print(&File {
                decls: vec![Decl::Embed(expr.clone())],
                ..File::default()
            })
        };
        if out.iter().any(|other| text(other) == text(&operand)) {
            continue;
        }
        let literal = out.iter_mut().find_map(|other| match (other, &operand) {
            (Expr::Struct(x), Expr::Struct(y)) if apart(&x.decls, &y.decls) => Some(x),
            _ => None,
        });
        match (literal, operand) {
            (Some(literal), Expr::Struct(more)) => {
                let mut decls = std::mem::take(&mut literal.decls);
                decls.extend(more.decls);
                literal.decls = together(decls);
                literal.braces = true;
            }
            (_, operand) => out.push(operand),
        }
    }
    match out.len() {
        1 => out.remove(0),
        n => Expr::Binary(Binary {
            op: BinaryOp::Unify,
            op_spans: vec![Default::default(); n - 1],
            operands: out,
            span: Default::default(),
        }),
    }
}

/// Whether neither literal uses a name that the other one declares.
fn apart(x: &[Decl], y: &[Decl]) -> bool {
    let declares = |decls: &[Decl], other: &[Decl]| {
        let used = used(other);
        let own: Vec<String> = decls.iter().filter_map(label).collect();
        let plain = decls.iter().all(|decl| match decl {
            Decl::Field(_) => label(decl).is_some(),
            Decl::Let(_) | Decl::Alias(_) => false,
            _ => true,
        });
        let declared: Vec<String> = other.iter().filter_map(label).collect();
        // A name that both declare means the same field in either.
        let harmless = |name: &String| !used.contains(name.as_str()) || declared.contains(name);
        plain && own.iter().all(harmless)
    };
    declares(x, y) && declares(y, x)
}
