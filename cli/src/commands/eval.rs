//! `holosc eval`: a value as language text, or as data.

use super::Session;
use crate::Outcome;
use crate::args::{Eval, Format};
use crate::encode::{Value, target};
use crate::names::imports;
use holos_lang::eval::{Strictness, View};
use holos_lang::resolve::PackageFiles;
use holos_lang::syntax::tree;

pub(super) fn run(session: &mut Session, args: &Eval) -> Outcome {
    let (format, path) = match target(&session.files, &args.output, Format::Holos) {
        Ok(target) => target,
        Err(error) => return session.report(&[error]),
    };
    let text = matches!(format, Format::Holos | Format::Cue);
    let strictness = if args.concrete || !text {
        Strictness::Concrete
    } else {
        Strictness::Final
    };
    let view = View {
        hidden: args.all || args.show_hidden,
        definitions: true,
        optional: args.all || args.show_optional,
        patterns: false,
        attributes: args.show_attributes,
        concrete: args.concrete,
        defaults: true,
    };
    let (outcome, values) = session.shown(
        &args.inputs,
        &args.expression,
        args.schema.as_deref(),
        strictness,
        |_, evaluation, instance, node| {
            if text {
                Ok(shown(evaluation.tree(node, view), args, &instance.package))
            } else {
                evaluation.data(node).map(Value::Data)
            }
        },
    );
    super::export::finish(session, outcome, format, path.as_deref(), &values)
}

/// A value as text; a whole package with the imports it needs.
fn shown(value: tree::Expr, args: &Eval, package: &PackageFiles) -> Value {
    match value {
        tree::Expr::Struct(literal) if args.expression.is_empty() && args.schema.is_none() => {
            Value::File(tree::File {
                imports: imports(&literal.decls, package),
                decls: literal.decls,
                ..tree::File::default()
            })
        }
        value => Value::Tree(value),
    }
}
