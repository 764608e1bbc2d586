//! What other conjuncts say already: the guess that `holosc trim` starts from.
//!
//! ```text
//! light: [string]: brightness: *100 | int
//! light: hall: brightness: 100               // the pattern implies it
//! ```
//!
//! A plain value is one conjunct of a node, or of several. It may be superfluous if each of these nodes has others, and they alone
//! come to the same. It is a guess, because what refers to the node is not looked at.

use super::machine::*;
use crate::diagnostic::Place;
use crate::resolve::program::*;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;

impl Machine<'_> {
    /// The places of the plain values below a node that may be superfluous.
    pub(super) fn implied(&mut self, root: Node) -> BTreeSet<Place> {
        let (mut implied, mut needed) = (BTreeSet::new(), FxHashSet::default());
        let mut visited = FxHashSet::default();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            self.finalize(node);
            let target = self.deref(node);
            if !visited.insert((node, target)) {
                continue;
            }
            for (label, arc) in self.arc_vec(target) {
                if !label.is_let() && self.n(arc).arc_type == ArcType::Member {
                    open.push(arc);
                }
            }
            let conjuncts = self.own_conjuncts(node);
            for (index, c) in conjuncts.iter().enumerate() {
                let Some(place) = self.place_of(c.expr).filter(|&place| self.is_user(place)) else {
                    continue;
                };
                if needed.contains(&place) {
                    continue;
                }
                if self.others_say(node, &conjuncts, index) {
                    implied.insert(place);
                } else {
                    needed.insert(place);
                }
            }
        }
        implied.retain(|place| !needed.contains(place));
        implied
    }

    /// Whether a node is the same without one of its conjuncts. Of structs and lists only their elements can tell.
    fn others_say(&mut self, node: Node, conjuncts: &[Conjunct], without: usize) -> bool {
        if conjuncts.len() < 2 {
            return false;
        }
        let whole = self.settled(node);
        if !super::union::is_scalar(whole) {
            return true;
        }
        let rest = self.new_inline();
        for (index, c) in conjuncts.iter().enumerate() {
            // Parts of a conjunction are conjuncts of their own.
            if index != without && !matches!(self.program.exprs[c.expr as usize], Expr::Unify(..)) {
                self.add_conjunct_record(rest, c.expr, c.env, Info::default());
            }
        }
        self.finalize(rest);
        let rest = self.settled(rest);
        rest == whole || self.equal_scalars(rest, whole)
    }

    /// The value of a node, its default taken.
    fn settled(&mut self, node: Node) -> Value {
        let node = self.default_node(node);
        let value = self.unwrap(Value::Node(node));
        if let Value::Disjunction(index) = value
            && let d = &self.disjunctions[index as usize]
            && d.defaults == 1
        {
            return self.unwrap(d.values[0]);
        }
        value
    }
}
