//! `holosc def`: a package's definitions and fields consolidated, not made concrete.

use super::Session;
use crate::Outcome;
use crate::args::{Def, Format};
use crate::encode::{Value, target};
use holos_lang::eval::{Strictness, View};

pub(super) fn run(session: &mut Session, args: &Def) -> Outcome {
    let (format, path) = match target(&session.files, &args.output, Format::Holos) {
        Ok(target) => target,
        Err(error) => return session.report(&[error]),
    };
    let view = View {
        hidden: true,
        definitions: true,
        optional: true,
        attributes: args.show_attributes,
        ..View::default()
    };
    let mut values = Vec::new();
    let outcome = session.each(
        &args.inputs,
        args.schema.is_none(),
        |session, evaluation, instance| {
            let nodes = match session.chosen(
                evaluation,
                instance,
                &args.expression,
                args.schema.as_deref(),
            ) {
                Ok(nodes) => nodes,
                Err(errors) => return session.report(&errors),
            };
            for node in nodes {
                let errors = evaluation.errors(node, Strictness::Final);
                let outcome = session.report(&errors);
                if outcome != Outcome::Fine {
                    return outcome;
                }
                values.push(Value::Tree(evaluation.tree(node, view)));
            }
            Outcome::Fine
        },
    );
    super::export::finish(session, outcome, format, path.as_deref(), &values)
}
