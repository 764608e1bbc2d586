//! Arms of disjunctions that cannot survive, recognised without being evaluated: by their kinds, and by constant fields
//! (`kind: "A"` against `kind: "B"`).

use super::machine::*;
use super::union::is_scalar;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    /// Whether an arm certainly conflicts with what the node has, judged without evaluating it: by kind, or by
    /// a constant field (`kind: "A"` against `kind: "B"`). Unification only adds constraints, so a
    /// conflict of parts is one of the wholes.
    pub(super) fn is_dead(&mut self, node: Node, expr: ExprId, env: EnvId) -> bool {
        let kind = self.s(node).kind;
        match self.program.exprs[expr as usize] {
            Expr::Value(value) => match value {
                Value::Node(target) => {
                    let own = self.n(self.deref(target)).base;
                    let scalar = self.s(node).scalar;
                    scalar != Value::None && is_scalar(own) && !self.equal_scalars(scalar, own)
                }
                Value::Bottom(_) => false,
                value => {
                    if self.kind(value).and(kind).is_empty() {
                        return true;
                    }
                    let scalar = self.s(node).scalar;
                    scalar != Value::None && is_scalar(value) && !self.equal_scalars(scalar, value)
                }
            },
            Expr::List(_) => kind.and(Kind::LIST).is_empty(),
            Expr::Struct(shape) => self.shape_is_dead(node, shape),
            Expr::Field { up, label, .. } => {
                let env = self.env_up(env, up);
                let scope = self.envs[env as usize].node;
                if scope == NIL {
                    return false;
                }
                let scope = self.deref(scope);
                match self.find_arc(scope, label) {
                    Some(target) => self.target_is_dead(node, target),
                    None => false,
                }
            }
            _ => false,
        }
    }

    fn target_is_dead(&mut self, node: Node, target: Node) -> bool {
        let mut at = self.n(target).conjuncts;
        let mut count = 0;
        while at != NIL && count < 4 {
            let c = self.conjuncts[at as usize];
            if let Expr::Struct(shape) = self.program.exprs[c.expr as usize]
                && self.shape_is_dead(node, shape)
            {
                return true;
            }
            at = c.next;
            count += 1;
        }
        false
    }

    fn shape_is_dead(&mut self, node: Node, shape: ShapeId) -> bool {
        let kind = self.s(node).kind;
        let Shape {
            start, len, embeds, ..
        } = self.program.shapes[shape as usize];
        if !embeds && kind.and(Kind::STRUCT).is_empty() {
            return true;
        }
        if self.n(node).arc_count == 0 {
            return false;
        }
        for index in start..start + len {
            let Decl::Field {
                label,
                arc: arc_type,
                value,
            } = self.program.decls[index as usize]
            else {
                continue;
            };
            if !label.is_regular() {
                continue;
            }
            let Expr::Value(constant) = self.program.exprs[value as usize] else {
                continue;
            };
            if !is_scalar(constant) {
                continue;
            }
            let Some(arc) = self.find_arc(node, label) else {
                continue;
            };
            let other = self.n(arc).arc_type;
            if arc_type == ArcType::Optional && other > ArcType::Required {
                continue;
            }
            if other == ArcType::NotPresent {
                continue;
            }
            if let Some(known) = self.constant_of(arc)
                && !self.equal_scalars(known, constant)
            {
                return true;
            }
        }
        false
    }

    /// A scalar among the conjuncts of an arc.
    fn constant_of(&self, arc: Node) -> Option<Value> {
        if self.has_state(arc) && is_scalar(self.s(arc).scalar) {
            return Some(self.s(arc).scalar);
        }
        let mut at = self.n(arc).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Expr::Value(value) = self.program.exprs[c.expr as usize] {
                if is_scalar(value) {
                    return Some(value);
                }
                if let Value::Node(target) = value {
                    let base = self.n(self.deref(target)).base;
                    if is_scalar(base) {
                        return Some(base);
                    }
                }
            }
            at = c.next;
        }
        let base = self.n(arc).base;
        is_scalar(base).then_some(base)
    }
}
