//! Calls: the predeclared functions, builtin packages, validators.

use super::error::{Bottom, CYCLE_PLACEHOLDER, ErrorCode, Message};
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::Number;
use crate::value::builtin::{self, Argument, CallError, Kind, Mode as ParamMode, Return, ValueRef};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// How many nodes are searched for required fields that are not there.
const MOST_SEARCHED: usize = 1 << 20;

/// What the evaluator needs to know of a function.
struct Signature {
    name: String,
    kinds: Vec<Kind>,
    /// Arguments are passed unevaluated or non-concrete.
    open: bool,
    validator: bool,
    /// It makes a struct or a list.
    structural: bool,
    /// How many arguments have no default.
    required: usize,
}

impl Machine<'_> {
    pub(super) fn same_function(&self, x: u32, y: u32) -> bool {
        match (
            self.program.functions[x as usize],
            self.program.functions[y as usize],
        ) {
            (Callable::Predeclared(a), Callable::Predeclared(b)) => a == b,
            (Callable::Package(_, a), Callable::Package(_, b)) => std::ptr::eq(a, b),
            _ => false,
        }
    }

    fn signature(&self, function: u32) -> Signature {
        let kinds = |list: &[Kind]| list.to_vec();
        match self.program.functions[function as usize] {
            Callable::Predeclared(p) => {
                use Predeclared as P;
                let sized = Kind::STRING.or(Kind::BYTES).or(Kind::LIST).or(Kind::STRUCT);
                let (name, kinds, open, validator) = match p {
                    P::Len => ("len", kinds(&[sized]), false, false),
                    P::Close => ("close", kinds(&[Kind::STRUCT]), false, false),
                    P::CloseAll => ("__closeAll", kinds(&[Kind::TOP]), false, false),
                    P::Reclose => ("__reclose", kinds(&[Kind::TOP]), false, false),
                    P::And => ("and", kinds(&[Kind::LIST]), false, false),
                    P::Or => ("or", kinds(&[Kind::LIST]), true, false),
                    P::Div => ("div", kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Mod => ("mod", kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Quo => ("quo", kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Rem => ("rem", kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::MatchN => (
                        "matchN",
                        kinds(&[Kind::TOP, Kind::INT, Kind::LIST]),
                        true,
                        true,
                    ),
                    P::MatchIf => (
                        "matchIf",
                        kinds(&[Kind::TOP, Kind::TOP, Kind::TOP, Kind::TOP]),
                        true,
                        true,
                    ),
                    P::Error => ("error", kinds(&[Kind::STRING]), false, false),
                };
                Signature {
                    name: name.to_string(),
                    required: kinds.len(),
                    kinds,
                    open,
                    validator,
                    structural: matches!(p, P::Close),
                }
            }
            Callable::Package(package, f) => Signature {
                name: format!("{}.{}", package.name, f.name),
                kinds: f.parameters.iter().map(|p| p.kind).collect(),
                open: f.parameters.iter().any(|p| p.mode == ParamMode::Value),
                required: f.parameters.iter().filter(|p| p.default.is_none()).count(),
                validator: f.is_validator(),
                structural: matches!(f.result, Kind::STRUCT | Kind::LIST),
            },
        }
    }

    pub(super) fn validator_kind(&self, index: u32) -> Kind {
        let function = self.validators[index as usize].function;
        self.signature(function)
            .kinds
            .first()
            .copied()
            .unwrap_or(Kind::TOP)
    }

    pub(super) fn validator_name(&self, index: u32) -> String {
        self.signature(self.validators[index as usize].function)
            .name
    }

    /// Whether it is the arguments of the validator that say which fields there may be.
    pub(super) fn takes_schemas(&self, index: u32) -> bool {
        let function = self.validators[index as usize].function;
        match self.program.functions[function as usize] {
            Callable::Predeclared(_) => self.signature(function).open,
            Callable::Package(_, f) => {
                let mut arguments = f.parameters.iter().skip(1);
                arguments.any(|p| p.mode == ParamMode::Value)
            }
        }
    }

    /// A boolean function of one parameter is a validator without being called.
    pub(super) fn bare_validator(&mut self, function: u32) -> Option<Value> {
        let signature = self.signature(function);
        if !(signature.validator && signature.kinds.len() == 1) {
            return None;
        }
        Some(self.new_validator(Validator {
            function,
            call: NO_EXPR,
            arguments: Vec::new(),
            env: NIL,
        }))
    }

    fn new_validator(&mut self, validator: Validator) -> Value {
        self.validators.push(validator);
        Value::Validator((self.validators.len() - 1) as u32)
    }

    pub(super) fn equal_validators(&mut self, x: u32, y: u32) -> bool {
        if x == y {
            return true;
        }
        let (a, b) = (
            self.validators[x as usize].clone(),
            self.validators[y as usize].clone(),
        );
        if !self.same_function(a.function, b.function) || a.arguments.len() != b.arguments.len() {
            return false;
        }
        a.arguments.iter().zip(&b.arguments).all(|(&a, &b)| {
            for value in [a, b] {
                if let Value::Node(node) = value {
                    self.finalize(node);
                }
            }
            self.equal_values(a, b, Equality::Structural)
        })
    }

    pub(super) fn call(
        &mut self,
        expr: ExprId,
        function: ExprId,
        start: u32,
        len: u32,
        needs: Condition,
        mode: Mode,
    ) -> Step<Value> {
        let callee = self.value(function, SCALAR, Mode::Wait)?;
        let function = match callee {
            Value::Function(function) => function,
            Value::Validator(index) => {
                if self.validators[index as usize].call != NO_EXPR {
                    return Ok(self.fail("cannot call a validator that has been called already"));
                }
                self.validators[index as usize].function
            }
            Value::None | Value::Bottom(_) => return Ok(Value::None),
            other => {
                let kind = self.kind(other);
                if !self.is_concrete(other) && !kind.and(Kind::FUNC).is_empty() {
                    self.add_incomplete(format!("cannot call a non-concrete value of type {kind}"));
                    return Ok(Value::None);
                }
                let text = format!(
                    "cannot call non-function {} (type {kind})",
                    self.show(other)
                );
                return Ok(self.fail(text));
            }
        };
        let arguments: Vec<ExprId> =
            self.program.lists[start as usize..(start + len) as usize].to_vec();
        let signature = self.signature(function);
        if let Callable::Predeclared(Predeclared::Error) = self.program.functions[function as usize]
        {
            return self.call_error(&arguments);
        }
        let partial = signature.validator && arguments.len() + 1 == signature.kinds.len();
        let enough = (signature.required..=signature.kinds.len()).contains(&arguments.len());
        if !partial && !enough {
            let word = if arguments.len() > signature.kinds.len() {
                "too many"
            } else {
                "not enough"
            };
            let text = format!(
                "{word} arguments in call to {} (have {}, want {})",
                signature.name,
                arguments.len(),
                signature.kinds.len()
            );
            return Ok(self.fail(text));
        }
        let mut values = Vec::with_capacity(arguments.len());
        // A schema that leads back to the value that the call is part of.
        let mut cycle: Option<Info> = None;
        let saved_info = self.info;
        let outer = std::mem::replace(&mut self.errs, NIL);
        self.info = self.info.without(Info::FROM_DEF).without(Info::FROM_EMBED);
        for &argument in &arguments {
            let saved = std::mem::replace(&mut self.errs, NIL);
            let value = if signature.open {
                self.eval_info(argument, needs, mode).map(|(value, info)| {
                    cycle = cycle.or((info.cyclic == Cyclic::Yes).then_some(info));
                    value
                })
            } else {
                self.value(argument, needs | FIELD_SET | SCALAR | DISJUNCTIONS, mode)
            };
            let value = match value {
                Ok(value) => value,
                Err(stop) => {
                    self.info = saved_info;
                    self.errs = outer;
                    return Err(stop);
                }
            };
            match value {
                Value::None => {
                    if self.errs == NIL {
                        self.add_incomplete(format!(
                            "an argument of {} is incomplete",
                            signature.name
                        ));
                    }
                }
                Value::Bottom(error) => self.add_error(error),
                Value::Cycle => {
                    let error = match signature.structural {
                        true => self.text_error(ErrorCode::Cycle, "the value depends on itself"),
                        false => CYCLE_PLACEHOLDER,
                    };
                    self.add_error(error);
                }
                value => values.push(value),
            }
            self.errs = self.combine(saved, self.errs);
        }
        self.info = saved_info;
        let errors = std::mem::replace(&mut self.errs, outer);
        if errors != NIL {
            self.add_error(errors);
            return Ok(Value::None);
        }
        if let Some(Info { cyclic, refs, .. }) = cycle {
            (self.info.cyclic, self.info.refs) = (cyclic, refs);
        }
        if partial {
            let env = self.env;
            return Ok(self.new_validator(Validator {
                function,
                call: expr,
                arguments: values,
                env,
            }));
        }
        let saved_validator = std::mem::replace(&mut self.is_validator, false);
        let result = self.apply(function, &values, &arguments);
        self.is_validator = saved_validator;
        self.info = saved_info;
        Ok(match result {
            Value::Bottom(error) if self.errors[error as usize].code != ErrorCode::User => {
                let code = self.code(error);
                let text = format!("error in call to {}", signature.name);
                let mut wrapped = self.errors[error as usize].clone();
                if let Message::Text(inner) = &wrapped.message
                    && !inner.is_empty()
                {
                    wrapped.message = Message::Text(format!("{text}: {inner}"));
                }
                wrapped.code = code;
                wrapped.node = self.node;
                Value::Bottom(self.push_error(wrapped))
            }
            Value::Node(node) => {
                self.state(node);
                let target = self.deref(node);
                if self.n(target).status == Status::Finalized
                    && let value @ Value::Disjunction(_) = self.n(target).base
                {
                    // The alternatives belong to this call: a second evaluation of it makes the same.
                    return Ok(value);
                }
                Value::Node(node)
            }
            other => other,
        })
    }

    /// `error("…")`: values that are not known yet are printed as they are.
    fn call_error(&mut self, arguments: &[ExprId]) -> Step<Value> {
        let [argument] = arguments else {
            return Ok(self.fail("error takes one argument"));
        };
        let mut causes = NIL;
        let text = match self.program.exprs[*argument as usize] {
            Expr::Interpolation { start, len, .. } => {
                let mut out = String::new();
                for index in start..start + len {
                    let part = self.program.lists[index as usize];
                    let saved = std::mem::replace(&mut self.errs, NIL);
                    let value = self.value(part, SCALAR, Mode::Finalize);
                    let failed = std::mem::replace(&mut self.errs, saved);
                    match value? {
                        Value::String(id) => out.push_str(self.program.strings.get(id)),
                        _ if failed != NIL => {
                            out.push_str("_|_");
                            causes = self.combine(causes, failed);
                        }
                        value => out.push_str(&self.show(value)),
                    }
                }
                out
            }
            _ => match self.value(*argument, SCALAR, Mode::Wait)? {
                Value::String(id) => self.program.strings.get(id).to_string(),
                other => {
                    self.type_error(other, Kind::STRING);
                    return Ok(Value::None);
                }
            },
        };
        let error = self.new_error(ErrorCode::User, Message::User(text));
        if causes != NIL && !self.code(causes).is_incomplete() {
            self.errors[error as usize].parts.push(causes);
        }
        Ok(Value::Bottom(error))
    }

    /// The value of a parameter's default, a literal.
    fn default_argument(&mut self, text: &str) -> Value {
        let (expr, _) = crate::syntax::parse_expr(crate::diagnostic::FileId(0), text);
        let data = match expr {
            crate::syntax::tree::Expr::String(text, _) => Data::String(text),
            _ => Data::Null,
        };
        self.value_of_data(&data)
    }

    /// Calls a function with evaluated arguments.
    pub(super) fn apply(&mut self, function: u32, values: &[Value], exprs: &[ExprId]) -> Value {
        let signature = self.signature(function);
        let mut values = values.to_vec();
        if let Callable::Package(_, f) = self.program.functions[function as usize] {
            // What the call leaves out has its default.
            for parameter in f.parameters.iter().skip(values.len()) {
                values.extend(parameter.default.map(|text| self.default_argument(text)));
            }
        }
        let values = &values[..];
        for (index, &value) in values.iter().enumerate() {
            if let Value::Bottom(_) = self.unwrap(value) {
                return self.unwrap(value);
            }
            let kind = self.kind(value);
            if kind.and(signature.kinds[index]).is_empty() {
                let text = format!(
                    "cannot use {} (type {kind}) as {} in argument {} to {}",
                    self.show(value),
                    signature.kinds[index],
                    index + 1,
                    signature.name
                );
                return self.fail(text);
            }
        }
        match self.program.functions[function as usize] {
            Callable::Predeclared(p) => self.predeclared(p, values, exprs),
            Callable::Package(_, f) => {
                let saved_errs = std::mem::replace(&mut self.errs, NIL);
                let mut arguments = Vec::with_capacity(values.len());
                let mut bad = None;
                for (index, parameter) in f.parameters.iter().enumerate() {
                    match parameter.mode {
                        ParamMode::Value => {
                            let id = self.value_ref(values[index]);
                            arguments.push(Argument::Value(id));
                        }
                        ParamMode::Data => {
                            let data = self.data_of(values[index]).map_err(|error| {
                                let wanted = parameter.elements;
                                if wanted == Kind::TOP || !self.code(error).is_incomplete() {
                                    return error;
                                }
                                self.wrong_element(values[index], wanted).unwrap_or(error)
                            });
                            match data {
                                Ok(data) => arguments.push(Argument::Data(data)),
                                Err(error) => {
                                    bad = Some(error);
                                    break;
                                }
                            }
                        }
                    }
                }
                let result = match bad {
                    Some(error) => Value::Bottom(error),
                    None => match (f.call)(self, &arguments) {
                        Ok(Return::Data(data)) => self.value_of_data(&data),
                        Ok(Return::Value(ValueRef(id))) => self.refs_values[id as usize],
                        Ok(Return::Values(list)) => {
                            let values: Vec<Value> = list
                                .iter()
                                .map(|v| self.refs_values[v.0 as usize])
                                .collect();
                            Value::Node(self.new_list(&values))
                        }
                        Err(error) if error.unmet && !self.is_validator => Value::Bool(false),
                        Err(error) => {
                            let code = if error.structural {
                                ErrorCode::StructuralCycle
                            } else if error.incomplete {
                                ErrorCode::Incomplete
                            } else {
                                ErrorCode::Eval
                            };
                            Value::Bottom(self.text_error(code, error.message))
                        }
                    },
                };
                self.errs = saved_errs;
                result
            }
        }
    }

    /// The error of an element that can never be of the kind asked for, if that is the first that is no data.
    fn wrong_element(&mut self, list: Value, wanted: Kind) -> Option<ErrId> {
        for (index, element) in self.elements_of(list).into_iter().enumerate() {
            let element = self.default_quiet(element)?;
            let kind = self.kind(element);
            if !kind.is_empty() && kind.and(wanted).is_empty() {
                let shown = self.show(element);
                let text = format!("element {index} is {shown} (type {kind}), not a {wanted}");
                return Some(self.text_error(ErrorCode::Eval, text));
            }
            if !self.is_concrete(element) {
                return None;
            }
        }
        None
    }

    pub(super) fn value_ref(&mut self, value: Value) -> ValueRef {
        self.refs_values.push(value);
        ValueRef((self.refs_values.len() - 1) as u32)
    }

    fn predeclared(&mut self, p: Predeclared, values: &[Value], exprs: &[ExprId]) -> Value {
        use Predeclared as P;
        match p {
            P::Len => self.len(values[0]),
            P::Close => {
                let Value::Node(node) = values[0] else {
                    return self.fail("close needs a struct");
                };
                Value::Node(self.wrap(node, NodeData::CLOSED_ONCE))
            }
            P::CloseAll => {
                if let Some(error) = self.refuse_closing(exprs, false) {
                    return error;
                }
                let Value::Node(node) = values[0] else {
                    return self.fail("argument must be a struct or list literal");
                };
                self.n_mut(node).flags |= NodeData::CLOSED_RECURSIVE;
                Value::Node(node)
            }
            P::Reclose => match self.refuse_closing(exprs, true) {
                Some(error) => error,
                None => values[0],
            },
            P::And => {
                let elements = self.elements_of(values[0]);
                if elements.is_empty() {
                    Value::Top
                } else {
                    self.new_conjunction(elements)
                }
            }
            P::Or => {
                let Some(value) = self.default_of(values[0]) else {
                    return Value::None;
                };
                let elements = self.elements_of(value);
                match elements[..] {
                    [] => {
                        let error =
                            self.text_error(ErrorCode::Incomplete, "empty list in call to or");
                        Value::Bottom(error)
                    }
                    [one] => one,
                    _ => {
                        self.disjunctions.push(DisjunctionValue {
                            values: elements,
                            defaults: 0,
                            has_defaults: false,
                        });
                        Value::Disjunction((self.disjunctions.len() - 1) as u32)
                    }
                }
            }
            P::Div => self.integers(values, Number::int_div),
            P::Mod => self.integers(values, Number::int_mod),
            P::Quo => self.integers(values, Number::int_quo),
            P::Rem => self.integers(values, Number::int_rem),
            P::MatchN => self.match_n(values),
            P::MatchIf => self.match_if(values, exprs),
            P::Error => unreachable!("handled before its argument is evaluated"),
        }
    }

    /// What is wrong with the argument of `__closeAll` or `__reclose`: they close what stands in a literal
    /// under `@experiment(explicitopen)`.
    fn refuse_closing(&mut self, exprs: &[ExprId], allow_close: bool) -> Option<Value> {
        let mut at = *exprs.first()?;
        if let Expr::Call {
            function,
            start,
            len: 1,
        } = self.program.exprs[at as usize]
            && allow_close
            && let Expr::Value(Value::Function(f)) = self.program.exprs[function as usize]
            && let Callable::Predeclared(Predeclared::Close) = self.program.functions[f as usize]
        {
            at = self.program.lists[start as usize];
        }
        match self.program.exprs[at as usize] {
            Expr::List(_) => None,
            Expr::Struct(shape) if self.program.shapes[shape as usize].explicit_open => None,
            Expr::Struct(_) => Some(self.fail("it needs `@experiment(explicitopen)`")),
            _ => Some(self.fail("the argument must be a struct or list literal")),
        }
    }

    fn integers(
        &mut self,
        values: &[Value],
        op: impl Fn(&Number, &Number) -> Result<Number, String>,
    ) -> Value {
        for &value in values {
            if !matches!(value, Value::Int(_) | Value::Number(_)) {
                self.type_error(value, Kind::INT);
                return Value::None;
            }
        }
        self.arithmetic(values[0], values[1], op)
    }

    fn len(&mut self, value: Value) -> Value {
        match value {
            Value::String(id) => Value::Int(self.program.strings.get(id).len() as i64),
            Value::Bytes(id) => Value::Int(self.program.bytes[id as usize].len() as i64),
            Value::Node(node) => {
                let node = self.deref(node);
                match self.n(node).base {
                    Value::List { .. } => Value::Int(self.element_count(node) as i64),
                    Value::Struct => {
                        let mut count = 0;
                        for (label, arc) in self.arc_vec(node) {
                            if !label.is_regular() {
                                continue;
                            }
                            if self.n(arc).arc_type == ArcType::Pending {
                                let _ = self.unify(arc, ARC_TYPE, Mode::Finalize, false);
                            }
                            if self.n(arc).arc_type == ArcType::Member {
                                count += 1;
                            }
                        }
                        Value::Int(count)
                    }
                    other => self.len_error(other),
                }
            }
            other => self.len_error(other),
        }
    }

    fn len_error(&mut self, value: Value) -> Value {
        let kind = self.kind(value);
        let text = format!("incomplete argument {} (type {kind})", self.show(value));
        Value::Bottom(self.text_error(ErrorCode::Incomplete, text))
    }

    /// A node with the same conjuncts and a flag.
    fn wrap(&mut self, node: Node, flag: u16) -> Node {
        let wrapped = self.new_inline();
        let expr = self.value_expr(Value::Node(node), self.source);
        let info = self.info.without(Info::FROM_DEF).without(Info::FROM_EMBED);
        self.add_conjunct_record(wrapped, expr, NIL, info);
        self.n_mut(wrapped).flags |= flag;
        wrapped
    }

    fn elements_of(&mut self, value: Value) -> Vec<Value> {
        let Value::Node(node) = value else {
            return Vec::new();
        };
        let node = self.deref(node);
        self.arc_vec(node)
            .iter()
            .filter(|(label, _)| label.is_int())
            .map(|&(_, arc)| match self.n(arc).base {
                base if self.n(arc).has(NodeData::DATA) && super::disjunct::is_scalar(base) => base,
                _ => Value::Node(arc),
            })
            .collect()
    }

    // ---- validators ----

    /// The error of a value that does not satisfy a bound or validator.
    pub(super) fn validate(&mut self, check: Check, node: Node) -> Option<ErrId> {
        match check.value {
            Value::Bound(_) => self.validate_bound(check, Value::Node(node)),
            Value::Validator(index) => {
                let saved = (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                );
                (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                ) = (check.env, check.place, NIL, true, check.info);
                self.in_validator += 1;
                let error = self.validate_with(index, Value::Node(node), check.place);
                self.in_validator -= 1;
                (
                    self.env,
                    self.source,
                    self.errs,
                    self.is_validator,
                    self.info,
                ) = saved;
                error
            }
            _ => None,
        }
    }

    fn validate_with(&mut self, index: u32, value: Value, place: ExprId) -> Option<ErrId> {
        let validator = self.validators[index as usize].clone();
        let open = self.signature(validator.function).open;
        let own = self.unwrap(value);
        let mut values = vec![if open || matches!(own, Value::Node(_)) {
            value
        } else {
            own
        }];
        values.extend_from_slice(&validator.arguments);
        let mut exprs = vec![NO_EXPR];
        if validator.call != NO_EXPR
            && let Expr::Call { start, len, .. } = self.program.exprs[validator.call as usize]
        {
            exprs.extend_from_slice(&self.program.lists[start as usize..(start + len) as usize]);
        }
        let saved_env = std::mem::replace(&mut self.env, validator.env);
        let result = self.apply(validator.function, &values, &exprs);
        self.env = saved_env;
        let collected = std::mem::replace(&mut self.errs, NIL);
        let (code, mut parts) = match result {
            Value::Bool(true) | Value::None if collected == NIL => return None,
            Value::Bottom(error) => (self.code(error), vec![error]),
            Value::None => (self.code(collected), vec![collected]),
            _ => (ErrorCode::Eval, Vec::new()),
        };
        if collected != NIL && !parts.contains(&collected) {
            parts.push(collected);
        }
        if let Value::Bottom(own) = self.unwrap(value) {
            return Some(own);
        }
        Some(self.push_error(Bottom {
            code,
            message: Message::NotSatisfied {
                value: self.unwrap(value),
                validator: Value::Validator(index),
            },
            node: self.node,
            exprs: [place].into_iter().collect(),
            parts,
            ..Bottom::default()
        }))
    }

    /// A finished copy of a value, defaults taken, that can be unified with a schema.
    fn data_copy(&mut self, value: Value, depth: usize) -> Value {
        let Some(value) = self.default_quiet(value) else {
            return value;
        };
        let Value::Node(node) = value else {
            return value;
        };
        let node = self.deref(node);
        self.finalize(node);
        let node = self.deref(node);
        let base = self.n(node).base;
        if depth > 1000 || !matches!(base, Value::Struct | Value::List { .. }) {
            let base = match base {
                Value::Disjunction(_) => self.default_quiet(base).unwrap_or(base),
                other => other,
            };
            if self.arc_slice(node).is_empty() {
                return match base {
                    Value::Node(_) => self.data_copy(base, depth + 1),
                    other => other,
                };
            }
        }
        let copy = self.new_inline();
        let arcs = self.arc_vec(node);
        {
            let data = self.n_mut(copy);
            data.base = base;
            data.status = Status::Finalized;
            data.flags |= NodeData::DATA;
        }
        for (label, arc) in arcs {
            if label.is_let() || self.n(arc).arc_type != ArcType::Member {
                continue;
            }
            let value = self.data_copy(Value::Node(arc), depth + 1);
            let own = self.new_node(copy, label, ArcType::Member);
            match value {
                Value::Node(target) => {
                    let data = self.n_mut(own);
                    data.base = Value::Node(target);
                    data.flags |= NodeData::SHARED;
                    data.status = Status::Finalized;
                }
                value => self.set_data(own, value),
            }
            self.append_arc(copy, label, own);
        }
        Value::Node(copy)
    }

    fn default_quiet(&mut self, value: Value) -> Option<Value> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let taken = self.default_of(value);
        self.errs = saved;
        Some(taken.unwrap_or(value))
    }

    /// Unifies values as a new node; the error is that of the result, incomplete ones and missing
    /// required fields included.
    fn trial(&mut self, values: &[(ExprId, EnvId)]) -> (Node, ErrId) {
        let node = self.new_inline();
        // The history goes on, so that a validator that leads back to itself is seen to.
        let (refs, cyclic) = (self.info.refs, self.info.cyclic);
        let info = Info {
            refs,
            cyclic,
            ..Info::default()
        };
        for &(expr, env) in values {
            self.add_conjunct_record(node, expr, env, info);
        }
        let checked = self.node;
        if checked != NIL {
            // It stands where the value checked stands, so that what refers back to that is seen to be a cycle.
            let NodeData { parent, label, .. } = *self.n(checked);
            let own = self.n_mut(node);
            (own.parent, own.label) = (parent, label);
            if self.bare_state(node).is_some() {
                self.s_mut(node).drop_parent_requirements = true;
                if self.has_state(checked) {
                    let (depth, fed) = (self.s(checked).depth, self.s(checked).has_non_cyclic);
                    let state = self.s_mut(node);
                    (state.depth, state.has_non_cyclic) = (depth, fed);
                }
            }
        }
        let saved = std::mem::replace(&mut self.errs, NIL);
        let saved_info = std::mem::replace(&mut self.info, info);
        let saved_blocking = std::mem::take(&mut self.blocking);
        self.finalize(node);
        self.blocking = saved_blocking;
        self.info = saved_info;
        self.errs = saved;
        let error = self.final_error(node, 0);
        (node, error)
    }

    fn final_error(&mut self, node: Node, depth: usize) -> ErrId {
        let node = self.deref(node);
        if depth > 1000 {
            return NIL;
        }
        if let Some(error) = self.bottom_of(node) {
            return error;
        }
        for (label, arc) in self.arc_vec(node) {
            if label.is_let() {
                continue;
            }
            match self.n(arc).arc_type {
                ArcType::Required if label.is_regular() => {
                    return self.new_error(ErrorCode::Incomplete, Message::RequiredAbsent(label));
                }
                ArcType::Member => {
                    let error = self.final_error(arc, depth + 1);
                    if error != NIL {
                        return error;
                    }
                }
                _ => {}
            }
        }
        NIL
    }

    /// The error of the first required field at or below a node that is not there.
    fn required_absent_below(&mut self, node: Node, seen: &mut FxHashSet<Node>) -> Option<ErrId> {
        let node = self.deref(node);
        // Nodes are shared, and may lead back to themselves.
        if !seen.insert(node) || seen.len() > MOST_SEARCHED {
            return None;
        }
        for (label, arc) in self.arc_vec(node) {
            match self.n(arc).arc_type {
                ArcType::Required if label.is_regular() => {
                    let absent = Message::RequiredAbsent(label);
                    return Some(self.new_error(ErrorCode::Incomplete, absent));
                }
                ArcType::Member if !label.is_let() => {
                    let below = stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                        self.required_absent_below(arc, seen)
                    });
                    if below.is_some() {
                        return below;
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn match_n(&mut self, values: &[Value]) -> Value {
        if !self.is_validator {
            return self.fail("matchN is a validator and should not be used as a function");
        }
        let own = self.data_copy(values[0], 0);
        if let Value::Bottom(_) = self.unwrap(own) {
            return Value::Bool(false);
        }
        if self.info.cyclic == Cyclic::Yes {
            return Value::Bottom(
                self.new_error(ErrorCode::StructuralCycle, Message::StructuralCycle),
            );
        }
        let own = self.value_expr(own, self.source);
        let (mut count, mut possible) = (0, 0);
        let mut errors = Vec::new();
        for check in self.elements_of(values[2]) {
            let check = self.value_expr(check, self.source);
            let (_, error) = self.trial(&[(own, NIL), (check, NIL)]);
            if error == NIL {
                count += 1;
            } else if self.is_limit(error) {
                return Value::Bottom(error);
            } else {
                errors.push(error);
                if self.code(error).is_incomplete() {
                    possible += 1;
                }
            }
        }
        let counted = self.value_expr(Value::Int(count), self.source);
        let bound = self.value_expr(values[1], self.source);
        let (_, mismatch) = self.trial(&[(bound, NIL), (counted, NIL)]);
        if mismatch == NIL {
            return Value::Bool(true);
        }
        let wanted = self.unwrap(values[1]);
        let code = match wanted {
            Value::Int(n) if n > count && n <= count + possible => ErrorCode::Incomplete,
            Value::Bound(_) => {
                let low = self
                    .program
                    .bound(Comparison::GreaterEqual, Value::Int(count));
                let high = self
                    .program
                    .bound(Comparison::LessEqual, Value::Int(count + possible));
                let (low, high) = (
                    self.value_expr(low, self.source),
                    self.value_expr(high, self.source),
                );
                let (node, _) = self.trial(&[(bound, NIL), (low, NIL), (high, NIL)]);
                if self.bottom_of(node).is_none() {
                    ErrorCode::Incomplete
                } else {
                    ErrorCode::Eval
                }
            }
            Value::Int(_) | Value::Number(_) => ErrorCode::Eval,
            _ => ErrorCode::Incomplete,
        };
        let text = format!("{count} matched, expected {}", self.show(wanted));
        errors.retain(|&e| code == ErrorCode::Eval || self.code(e).is_incomplete());
        let error = self.text_error(code, text);
        for part in errors.iter().take(4) {
            let exprs = self.errors[*part as usize].exprs.clone();
            self.errors[error as usize].exprs.extend(exprs);
        }
        Value::Bottom(error)
    }

    fn match_if(&mut self, values: &[Value], exprs: &[ExprId]) -> Value {
        if !self.is_validator {
            return self.fail("matchIf is a validator and should not be used as a function");
        }
        let own = self.data_copy(values[0], 0);
        if let Value::Bottom(_) = self.unwrap(own) {
            return Value::Bool(false);
        }
        if self.info.cyclic == Cyclic::Yes {
            return Value::Bottom(
                self.new_error(ErrorCode::StructuralCycle, Message::StructuralCycle),
            );
        }
        let own = self.value_expr(own, self.source);
        let env = self.env;
        let (_, failed) = self.trial(&[(own, NIL), (exprs[1], env)]);
        if failed != NIL && self.is_limit(failed) {
            return Value::Bottom(failed);
        }
        let chosen = if failed == NIL { exprs[2] } else { exprs[3] };
        let (_, error) = self.trial(&[(own, NIL), (chosen, env)]);
        if error == NIL {
            Value::Bool(true)
        } else {
            Value::Bottom(error)
        }
    }

    // ---- data ----

    /// A value as data; the error where it is not concrete.
    pub(super) fn data_of(&mut self, value: Value) -> Result<Data, ErrId> {
        stacker::maybe_grow(64 * 1024, 4 * 1024 * 1024, || self.data_of_inner(value))
    }

    /// Whether a node is a struct or list around the one that is evaluated.
    fn stands_in(&self, node: Node) -> bool {
        if !matches!(self.n(node).base, Value::Struct | Value::List { .. }) {
            return false;
        }
        let mut at = self.node;
        while at != NIL && self.deref(at) != node {
            at = self.n(at).parent;
        }
        at != NIL
    }

    /// The data of a field or element; an error where it is what the data are needed for.
    fn data_of_arc(&mut self, arc: Node) -> Result<Data, ErrId> {
        let data = self.n(arc);
        if data.status == Status::Evaluating && data.base == Value::Cycle {
            return Err(self.text_error(ErrorCode::Cycle, "the value depends on itself"));
        }
        self.data_of(Value::Node(arc))
    }

    fn data_of_inner(&mut self, value: Value) -> Result<Data, ErrId> {
        let saved = std::mem::replace(&mut self.errs, NIL);
        let at = match value {
            Value::Node(node) => node,
            _ => self.node,
        };
        let taken = self.with_node(at, |m| m.default_of(value));
        let errors = std::mem::replace(&mut self.errs, saved);
        let Some(value) = taken else {
            if let Value::Node(node) = value {
                self.errors[errors as usize].exprs =
                    self.conjunct_exprs(node).into_iter().collect();
            }
            return Err(errors);
        };
        match value {
            Value::Null => Ok(Data::Null),
            Value::Bool(b) => Ok(Data::Bool(b)),
            Value::Int(i) => Ok(Data::Number(Number::from_i64(i))),
            Value::Number(id) => Ok(Data::Number(self.program.numbers[id as usize].clone())),
            Value::String(id) => Ok(Data::String(self.program.strings.shared(id))),
            Value::Bytes(id) => Ok(Data::Bytes(self.program.bytes[id as usize].clone())),
            Value::Bottom(error) => Err(error),
            Value::Node(node) => {
                let mut node = self.deref(node);
                match self.n(node).status {
                    Status::Finalized => {}
                    // The call stands inside of what it is given, in a definition for instance. Its data are the
                    // regular fields, and those can be known.
                    Status::Evaluating if self.stands_in(node) => {
                        let _ = self.unify(node, ALL & !SUB_FIELDS, Mode::Finalize, false);
                        node = self.deref(node);
                    }
                    _ => {
                        self.finalize(node);
                        node = self.deref(node);
                    }
                }
                match self.n(node).base {
                    Value::Struct => {
                        let mut fields = Vec::with_capacity(self.n(node).arc_count as usize);
                        for (label, arc) in self.ordered_arcs(node) {
                            match self.n(arc).arc_type {
                                ArcType::Member if label.is_string() => {}
                                ArcType::Required if label.is_string() => {
                                    let error = self.required_absent(node, arc, label);
                                    return Err(error);
                                }
                                _ => continue,
                            }
                            let data = self.data_of_arc(arc)?;
                            fields.push((self.program.strings.shared(label.id()), data));
                        }
                        Ok(Data::Struct(fields))
                    }
                    Value::List { .. } => {
                        let mut items = Vec::with_capacity(self.n(node).arc_count as usize);
                        for (label, arc) in self.arc_vec(node) {
                            if label.is_int() && self.n(arc).arc_type == ArcType::Member {
                                items.push(self.data_of_arc(arc)?);
                            }
                        }
                        Ok(Data::List(items))
                    }
                    Value::Bottom(error) => Err(error),
                    Value::Cycle | Value::None => {
                        let saved = std::mem::replace(&mut self.node, node);
                        let error =
                            self.text_error(ErrorCode::Incomplete, "the value is not known yet");
                        self.node = saved;
                        Err(error)
                    }
                    Value::Node(_) => unreachable!("dereferenced above"),
                    other => {
                        let saved = std::mem::replace(&mut self.node, node);
                        let result = if other == Value::Top || !self.is_concrete(other) {
                            let exprs = self.conjunct_exprs(node).into_iter().collect();
                            let error = self.push_error(Bottom {
                                code: ErrorCode::Incomplete,
                                message: match other {
                                    Value::Disjunction(_) => Message::Unresolved(other),
                                    _ => Message::NotConcrete(other),
                                },
                                node,
                                exprs,
                                ..Bottom::default()
                            });
                            match other {
                                Value::Disjunction(index)
                                    if self.disjunctions[index as usize].defaults == 1 =>
                                {
                                    self.data_of(other)
                                }
                                _ => Err(error),
                            }
                        } else {
                            self.data_of(other)
                        };
                        self.node = saved;
                        result
                    }
                }
            }
            other => {
                let error = self.new_error(ErrorCode::Incomplete, Message::NotConcrete(other));
                Err(error)
            }
        }
    }

    pub(super) fn required_absent(&mut self, node: Node, arc: Node, label: Label) -> ErrId {
        let mut places = smallvec::SmallVec::new();
        let mut at = self.n(arc).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Some(place) = self.label_place(node, label, c.expr)
                && !places.contains(&place)
            {
                places.push(place);
            }
            at = c.next;
        }
        let exprs = self.conjunct_exprs(arc).into_iter().collect();
        self.push_error(Bottom {
            code: ErrorCode::Incomplete,
            message: Message::RequiredAbsent(label),
            node: arc,
            exprs,
            places,
            ..Bottom::default()
        })
    }

    /// A value made of data.
    pub(super) fn value_of_data(&mut self, data: &Data) -> Value {
        match data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Number(number) => self.program.number(number.clone()),
            Data::String(text) => self.string_value(text),
            Data::Bytes(bytes) => self.program.bytes(bytes),
            Data::List(items) => {
                let values: Vec<Value> =
                    items.iter().map(|item| self.value_of_data(item)).collect();
                Value::Node(self.new_list(&values))
            }
            Data::Struct(fields) => {
                let node = self.new_inline();
                let own = self.n_mut(node);
                own.base = Value::Struct;
                own.status = Status::Finalized;
                own.flags |= NodeData::DATA;
                for (name, data) in fields {
                    let value = self.value_of_data(data);
                    let label = Label::string(self.program.strings.intern(name));
                    let arc = self.new_node(node, label, ArcType::Member);
                    match value {
                        Value::Node(target) => {
                            let own = self.n_mut(arc);
                            own.base = Value::Node(target);
                            own.flags |= NodeData::SHARED;
                            own.status = Status::Finalized;
                        }
                        value => self.set_data(arc, value),
                    }
                    self.append_arc(node, label, arc);
                }
                Value::Node(node)
            }
        }
    }

    fn call_error_of(&mut self, error: ErrId) -> CallError {
        let message = self.describe(error);
        CallError {
            message,
            incomplete: self.code(error).is_incomplete(),
            structural: self.code(error) == ErrorCode::StructuralCycle,
            unmet: false,
            argument: None,
        }
    }
}

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
        let (a, b) = (
            self.value_expr(a, self.source),
            self.value_expr(b, self.source),
        );
        let (node, error) = self.trial(&[(a, NIL), (b, NIL)]);
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
        let data = self.new_inline();
        {
            let own = self.n_mut(data);
            own.base = Value::Struct;
            own.status = Status::Finalized;
            own.flags |= NodeData::DATA;
        }
        for (name, value) in fields {
            let value = self.refs_values[value.0 as usize];
            let label = Label::string(self.program.strings.intern(name));
            let arc = self.new_node(data, label, ArcType::Member);
            match value {
                Value::Node(target) => {
                    let own = self.n_mut(arc);
                    own.base = Value::Node(target);
                    own.flags |= NodeData::SHARED;
                    own.status = Status::Finalized;
                }
                value => self.set_data(arc, value),
            }
            self.append_arc(data, label, arc);
        }
        let (a, b) = (
            self.value_expr(base, self.source),
            self.value_expr(Value::Node(data), self.source),
        );
        let (node, _) = self.trial(&[(a, NIL), (b, NIL)]);
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

    fn text(&mut self, value: ValueRef) -> String {
        let value = self.refs_values[value.0 as usize];
        self.show(value)
    }
}
