//! `holosc def`: a package as one file, as it is written; expressions of it, evaluated and not made concrete.

mod merge;

use super::Session;
use crate::Outcome;
use crate::args::{Def, Format};
use crate::encode::{Value, target};
use crate::load::Instance;
use holos_lang::eval::{Strictness, View};
use holos_lang::syntax;
use holos_lang::syntax::tree::{Decl, Expr};

pub(super) fn run(session: &mut Session, args: &Def) -> Outcome {
    let (format, path) = match target(&session.files, &args.output, Format::Holos) {
        Ok(target) => target,
        Err(error) => return session.report(&[error]),
    };
    let view = View {
        hidden: true,
        definitions: true,
        optional: true,
        patterns: true,
        attributes: args.show_attributes,
        ..View::default()
    };
    let whole = args.expression.is_empty() && args.schema.is_none();
    let (outcome, values) = session.shown(
        &args.inputs,
        &args.expression,
        args.schema.as_deref(),
        Strictness::Final,
        |session, evaluation, instance, node| {
            let written = whole.then(|| written(session, args, instance)).flatten();
            Ok(written.unwrap_or_else(|| Value::Tree(evaluation.tree(node, view))))
        },
    );
    super::export::finish(session, outcome, format, path.as_deref(), &values)
}

/// The package as its files say it: a single one with its comments.
fn written(session: &Session, args: &Def, instance: &Instance) -> Option<Value> {
    let package = &instance.package;
    let (mut file, only) = match &package.files[..] {
        [(id, file)] => ((**file).clone(), Some(*id)),
        _ => (merge::merged(package)?, None),
    };
    // What a tag or an embedded file says is in the tree only, and so is data.
    let source = only.map(|id| session.sources.get(id));
    let as_written = source.filter(|source| {
        let tokens = syntax::tokens(&source.text).unwrap_or_default();
        let plain = args.show_attributes || tokens.iter().all(|(kind, _)| kind != "Attribute");
        let language = source.name.ends_with(".holos") || source.name.ends_with(".cue");
        plain && language && args.inputs.tags.is_empty() && !source.text.contains("@embed")
    });
    if let Some(source) = as_written {
        return syntax::format(&source.text).map(Value::Text);
    }
    if !args.show_attributes {
        file.attributes.clear();
        without_attributes(&mut file.decls);
    }
    Some(Value::File(file))
}

fn without_attributes(decls: &mut Vec<Decl>) {
    decls.retain(|decl| !matches!(decl, Decl::Attribute(_)));
    for decl in decls {
        if let Decl::Field(field) = decl {
            field.attributes.clear();
            if let Expr::Struct(literal) = &mut field.value {
                without_attributes(&mut literal.decls);
            }
        }
    }
}
