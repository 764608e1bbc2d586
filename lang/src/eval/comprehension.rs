//! Comprehensions: running clauses and inserting what they yield.

use super::error::{ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use crate::value::builtin::Kind;

impl Machine<'_> {
    pub(super) fn perform_comprehension(&mut self, id: TaskId) -> Step<()> {
        let task = self.tasks[id as usize];
        let Expr::Comprehension(index) = self.program.exprs[task.expr as usize] else {
            unreachable!("a comprehension task has a comprehension")
        };
        let Some(envs) = self.fire(task.node, task.env, index, Mode::Ignore)? else {
            return Ok(());
        };
        if !self.has_state(task.node) {
            return Ok(());
        }
        let c = &self.program.comprehensions[index as usize];
        let (body, otherwise) = (c.body, c.otherwise);
        self.tasks[id as usize].inserting = true;
        if envs.is_empty() && otherwise != NO_EXPR {
            self.schedule_conjunct(task.node, otherwise, task.env, task.info);
        }
        for env in envs {
            if !self.has_state(task.node) {
                break;
            }
            self.schedule_conjunct(task.node, body, env, task.info);
        }
        self.tasks[id as usize].inserting = false;
        Ok(())
    }

    /// The environments a comprehension yields; `None` where a clause failed (the error is added).
    pub(super) fn fire(
        &mut self,
        node: Node,
        env: EnvId,
        index: u32,
        _mode: Mode,
    ) -> Step<Option<Vec<EnvId>>> {
        let saved = (self.env, self.info, self.source, self.node);
        let saved_errs = std::mem::replace(&mut self.errs, NIL);
        if node != NIL {
            self.node = node;
        }
        let mut out = Vec::new();
        let result = self.clauses(index, 0, env, &mut out);
        (self.env, self.info, self.source, self.node) = saved;
        let errors = std::mem::replace(&mut self.errs, saved_errs);
        result?;
        if errors != NIL {
            self.add_error(errors);
            return Ok(None);
        }
        Ok(Some(out))
    }

    fn clauses(
        &mut self,
        index: u32,
        position: usize,
        env: EnvId,
        out: &mut Vec<EnvId>,
    ) -> Step<()> {
        let Some(&clause) = self.program.comprehensions[index as usize]
            .clauses
            .get(position)
        else {
            out.push(env);
            return Ok(());
        };
        self.env = env;
        match clause {
            Clause::If(condition) => {
                self.source = condition;
                let value = match self.known(condition) {
                    Some(value) => value,
                    None => self.value(condition, SCALAR, Mode::Wait)?,
                };
                match value {
                    Value::Bool(true) => self.clauses(index, position + 1, env, out)?,
                    Value::Bool(false) => {}
                    other => {
                        self.type_error(other, Kind::BOOL);
                    }
                }
            }
            Clause::Let => {
                let frame = self.frame(env, NIL, Label::NONE, FrameKind::Let);
                self.clauses(index, position + 1, frame, out)?;
            }
            Clause::Try { value } => {
                let body = self.program.comprehensions[index as usize].body;
                let expr = if value == NO_EXPR { body } else { value };
                let trial = self.new_inline();
                // Marks of undefined references look for the trial through its ancestors.
                self.n_mut(trial).parent = self.env_node(env);
                let info = self.info;
                self.add_conjunct_record(trial, expr, env, info);
                self.state(trial);
                self.s_mut(trial).try_skip = Some(false);
                let saved = std::mem::replace(&mut self.errs, NIL);
                self.finalize(trial);
                self.errs = saved;
                let skip = self.has_state(trial) && self.s(trial).try_skip == Some(true);
                if skip {
                    return Ok(());
                }
                let next = if value == NO_EXPR {
                    env
                } else {
                    self.frame(env, NIL, Label::NONE, FrameKind::Let)
                };
                self.clauses(index, position + 1, next, out)?;
            }
            Clause::For { source } => {
                self.source = source;
                let Some(target) = self.range_source(source)? else {
                    return Ok(());
                };
                if self.state(target).is_some() {
                    self.freeze(target, FIELD_SET);
                }
                let mut at = 0;
                while at < self.n(target).arc_count {
                    let (label, arc) = self.arc(target, at);
                    at += 1;
                    if !label.is_regular() {
                        continue;
                    }
                    if self.state(arc).is_some() {
                        let _ = self.process(arc, ARC_TYPE, Mode::Attempt);
                    }
                    match self.n(arc).arc_type {
                        ArcType::Member => {}
                        ArcType::Required => {
                            let text = format!(
                                "missing required field in for comprehension: {}",
                                self.program.label_text(label)
                            );
                            self.add_incomplete(text);
                            continue;
                        }
                        _ => continue,
                    }
                    let frame = self.frame(env, arc, label, FrameKind::For);
                    self.clauses(index, position + 1, frame, out)?;
                    if self.errs != NIL {
                        break;
                    }
                    if out.len() > MAX_YIELDS {
                        let error = self.limit_error(format!(
                            "the comprehension yields more than {MAX_YIELDS} values"
                        ));
                        self.add_error(error);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn frame(&mut self, up: EnvId, node: Node, label: Label, kind: FrameKind) -> EnvId {
        self.envs.push(Env {
            up,
            node,
            label,
            kind,
        });
        (self.envs.len() - 1) as EnvId
    }

    /// The node a `for` clause ranges over.
    fn range_source(&mut self, source: ExprId) -> Step<Option<Node>> {
        self.in_detached += 1;
        let value = self.unify_node(source, FIELD_SET | ANCESTORS, Mode::Attempt);
        self.in_detached -= 1;
        let value = value?;
        if let Value::Node(node) = value {
            let _ = self.unify(node, FIELD_SET | ANCESTORS, Mode::Finalize, true);
        }
        let Some(value) = self.default_of(value) else {
            return Ok(None);
        };
        let node = match value {
            Value::Node(node) => self.deref(node),
            Value::Bottom(error) => {
                self.add_error(error);
                return Ok(None);
            }
            other => {
                self.range_error(other);
                return Ok(None);
            }
        };
        let base = match self.n(node).base {
            Value::Cycle if self.has_state(node) => {
                // Being evaluated: what is there so far is what is ranged over.
                Value::Kind(self.s(node).kind)
            }
            base => base,
        };
        if base == Value::Kind(Kind::LIST) && self.makes_list(node) {
            // How many elements it has depends on how many it has.
            let error = self.new_error(ErrorCode::Cycle, Message::CycleWith(source));
            self.add_error(error);
            return Ok(None);
        }
        match base {
            Value::Struct | Value::List { .. } => Ok(Some(node)),
            Value::Bottom(error) => {
                self.add_error(error);
                Ok(None)
            }
            Value::None => {
                self.add_incomplete("cannot range over an incomplete value");
                Ok(None)
            }
            Value::Kind(kind) if kind == Kind::STRUCT || kind == Kind::LIST => Ok(Some(node)),
            Value::Disjunction(_) => {
                let shown = self.show(base);
                self.add_incomplete(format!("cannot range over unresolved disjunction {shown}"));
                Ok(None)
            }
            other => {
                self.range_error(other);
                Ok(None)
            }
        }
    }

    /// Whether a list literal is just being inserted into the node.
    fn makes_list(&self, node: Node) -> bool {
        self.has_state(node)
            && self.s(node).tasks.iter().any(|&task| {
                let task = &self.tasks[task as usize];
                task.kind == TaskKind::List && task.state < TaskState::Done
            })
    }

    fn range_error(&mut self, value: Value) {
        let kind = self.kind(value);
        if !kind.and(Kind::STRUCT.or(Kind::LIST)).is_empty() {
            self.add_incomplete(format!(
                "cannot range over an incomplete value of type {kind}"
            ));
        } else if value == Value::None {
            self.add_incomplete("cannot range over an incomplete value");
        } else {
            let text = format!("cannot range over a value of type {kind}: want a list or struct");
            let error = self.text_error(ErrorCode::Eval, text);
            self.add_error(error);
        }
    }
}

/// How many environments one comprehension may yield.
const MAX_YIELDS: usize = 10_000_000;
