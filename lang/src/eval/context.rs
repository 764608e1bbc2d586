//! What builtin functions may ask of the evaluator.

use super::error::ErrorCode;
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::builtin::{self, CallError, Kind, ValueRef};
use crate::value::schema::{SchemaReader, SchemaRef};
use rustc_hash::FxHashSet;
use std::sync::Arc;

impl builtin::Context for Machine<'_> {
    fn data(&mut self, value: ValueRef) -> Result<Data, CallError> {
        let value = self.refs_values[value.0 as usize];
        self.data_of(value)
            .map_err(|error| self.call_error_of(error))
    }

    fn make(&mut self, data: &Data) -> ValueRef {
        let value = self.value_of_data(data);
        self.value_ref(value)
    }

    fn make_expr(&mut self, expr: &crate::syntax::tree::Expr) -> ValueRef {
        let place = self.program.places[self.source as usize];
        let imports = rustc_hash::FxHashMap::default();
        let builtins = self.builtins;
        let compiler = crate::resolve::compile::Compiler::new(
            &mut self.program,
            builtins,
            &imports,
            Arc::from(""),
        );
        let (id, _) = compiler.expression(&[], &[], place.file, expr);
        let node = self.new_inline();
        let env = self.new_env(NIL, node);
        self.add_conjunct_record(node, id, env, Info::default());
        let saved = std::mem::take(&mut self.blocking);
        self.finalize(node);
        self.blocking = saved;
        self.value_ref(Value::Node(node))
    }

    fn kind(&mut self, value: ValueRef) -> Kind {
        let value = self.refs_values[value.0 as usize];
        Machine::kind(self, value)
    }

    fn is_open(&mut self, value: ValueRef) -> bool {
        let Value::Node(node) = self.refs_values[value.0 as usize] else {
            return false;
        };
        let node = self.deref(node);
        match self.n(node).base {
            Value::List { open } => open,
            _ => self.is_open_struct(node) || self.n(node).patterns != NIL,
        }
    }

    fn default(&mut self, value: ValueRef) -> ValueRef {
        let value = self.refs_values[value.0 as usize];
        if let Value::Node(node) = value {
            self.finalize(node);
        }
        let value = self.default_quiet(value).unwrap_or(value);
        self.value_ref(value)
    }

    fn declared(&mut self, value: ValueRef) -> usize {
        let Value::Node(node) = self.refs_values[value.0 as usize] else {
            return 0;
        };
        let node = self.deref(node);
        self.materialize_all(node);
        let mut count = 0;
        for (label, arc) in self.arc_vec(node) {
            let declared = matches!(self.n(arc).arc_type, ArcType::Optional | ArcType::Required);
            if label.is_regular() && declared {
                self.finalize(arc);
                // One that could never be set is none.
                let error = self.bottom_of(arc);
                let never = error.is_some_and(|error| !self.code(error).is_incomplete());
                count += usize::from(!never);
            }
        }
        count
    }

    fn elements(&mut self, value: ValueRef) -> Result<Vec<ValueRef>, CallError> {
        let value = self.refs_values[value.0 as usize];
        let value = self.default_quiet(value).unwrap_or(value);
        if let Value::Node(node) = value {
            self.finalize(node);
        }
        let unwrapped = self.unwrap(value);
        if let Value::Bottom(error) = unwrapped {
            return Err(self.call_error_of(error));
        }
        let is_list = matches!(unwrapped, Value::Node(n) if matches!(self.n(self.deref(n)).base, Value::List { .. }));
        if !is_list {
            return Err(CallError::incomplete("the argument is not a list yet"));
        }
        let elements = self.elements_of(value);
        Ok(elements.into_iter().map(|v| self.value_ref(v)).collect())
    }

    fn fields(&mut self, value: ValueRef) -> Result<Vec<(Arc<str>, ValueRef)>, CallError> {
        let value = self.refs_values[value.0 as usize];
        let value = self.default_quiet(value).unwrap_or(value);
        let Value::Node(node) = value else {
            return Err(CallError::incomplete("the argument is not a struct yet"));
        };
        self.finalize(node);
        let node = self.deref(node);
        if let Some(error) = self.bottom_of(node) {
            return Err(self.call_error_of(error));
        }
        let arcs = self.ordered_arcs(node);
        let mut out = Vec::with_capacity(arcs.len());
        for (label, arc) in arcs {
            if label.is_string() && self.n(arc).arc_type == ArcType::Member {
                let name = self.program.strings.shared(label.id());
                out.push((name, self.value_ref(Value::Node(arc))));
            }
        }
        Ok(out)
    }

    fn unify(&mut self, a: ValueRef, b: ValueRef, concrete: bool) -> Result<ValueRef, CallError> {
        let (a, b) = (
            self.refs_values[a.0 as usize],
            self.refs_values[b.0 as usize],
        );
        for value in [a, b] {
            // A schema that leads back to itself is refused before anything is held against it.
            if let Value::Node(node) = value
                && !(self.has_state(node) && self.s(node).eval_depth > 0)
            {
                self.finalize(node);
                if let Some(error) = self.bottom_of(self.deref(node))
                    && self.code(error) == ErrorCode::StructuralCycle
                {
                    return Err(self.call_error_of(error));
                }
            }
        }
        let (node, error) = self.trial_of([a, b]);
        if error != NIL && (concrete || !self.code(error).is_incomplete()) {
            return Err(self.call_error_of(error));
        }
        if concrete {
            let mut open = NIL;
            self.open_parts(node, &mut open, 0);
            if open != NIL {
                return Err(self.call_error_of(open));
            }
        }
        Ok(self.value_ref(Value::Node(node)))
    }

    fn absent(&mut self, value: ValueRef) -> Option<CallError> {
        let Value::Node(node) = self.refs_values[value.0 as usize] else {
            return None;
        };
        let error = self.required_absent_below(node, &mut FxHashSet::default())?;
        Some(self.call_error_of(error))
    }

    fn fill(&mut self, value: ValueRef, fields: &[(&str, ValueRef)]) -> ValueRef {
        let base = self.refs_values[value.0 as usize];
        let data = self.new_data(Value::Struct);
        for (name, value) in fields {
            let value = self.refs_values[value.0 as usize];
            let label = Label::string(self.program.strings.intern(name));
            self.add_data(data, label, value);
        }
        let (node, _) = self.trial_of([base, Value::Node(data)]);
        self.value_ref(Value::Node(node))
    }

    fn lookup(&mut self, value: ValueRef, label: &str) -> Option<ValueRef> {
        let Value::Node(node) = self.refs_values[value.0 as usize] else {
            return None;
        };
        self.finalize(node);
        let node = self.deref(node);
        let label = Label::string(self.program.strings.find(label)?);
        let arc = self.find_arc(node, label)?;
        (self.n(arc).arc_type == ArcType::Member).then(|| self.value_ref(Value::Node(arc)))
    }

    fn same(&mut self, a: ValueRef, b: ValueRef) -> bool {
        let (a, b) = (
            self.refs_values[a.0 as usize],
            self.refs_values[b.0 as usize],
        );
        for value in [a, b] {
            if let Value::Node(node) = value {
                self.finalize(node);
            }
        }
        self.equal_values(a, b, Equality::Operator)
    }

    fn read_schema(
        &mut self,
        value: ValueRef,
        run: &mut dyn FnMut(&mut dyn SchemaReader, SchemaRef),
    ) -> Result<(), CallError> {
        Machine::read_schema(self, value, run)
    }

    fn text(&mut self, value: ValueRef) -> String {
        let value = self.refs_values[value.0 as usize];
        self.show(value)
    }
}
