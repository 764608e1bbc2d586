//! What an editor asks of a value: where its field is declared, and what it could be.

use super::machine::*;
use super::{Evaluation, NodeId};
use crate::diagnostic::Place;

impl Evaluation<'_> {
    /// The labels of the declarations of a field, in literals and in the definitions they meet. Those of values that it
    /// only refers to are not among them.
    pub fn declared(&mut self, field: NodeId) -> Vec<Place> {
        let m = &mut self.machine;
        m.finalize(field.0);
        let parent = m.n(field.0).parent;
        let mut places = Vec::new();
        let mut at = m.n(field.0).conjuncts;
        while at != NIL {
            let c = m.conjuncts[at as usize];
            at = c.next;
            let within = c.env != NIL && parent != NIL && {
                let around = m.envs[c.env as usize].node;
                around != NIL && m.deref(around) == m.deref(parent)
            };
            if within && let Some(index) = m.declaration_of(c.expr) {
                let place = m.program.decl_places[index as usize];
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        places
    }

    /// The value as it would be without the conjunct that stands at a place.
    pub fn without(&mut self, node: NodeId, place: Place) -> NodeId {
        let m = &mut self.machine;
        m.finalize(node.0);
        let rest = m.new_inline();
        for c in m.own_conjuncts(node.0) {
            let own = m.place_of(c.expr).is_some_and(|other| {
                other.file == place.file
                    && place.span.start <= other.span.start
                    && other.span.end <= place.span.end
            });
            // The whole conjunction has the part in it; its other parts are conjuncts of their own.
            let whole = matches!(
                m.program.exprs[c.expr as usize],
                crate::resolve::program::Expr::Unify(..)
            );
            if !own && !whole {
                m.add_conjunct_record(rest, c.expr, c.env, Info::default());
            }
        }
        m.finalize(rest);
        NodeId(rest)
    }
}
