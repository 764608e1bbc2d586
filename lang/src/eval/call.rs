//! Calls: the predeclared functions, builtin packages, validators.

use super::error::{CYCLE_PLACEHOLDER, ErrorCode, Message};
use super::machine::*;
use super::ops::Equality;
use crate::resolve::program::*;
use crate::value::Data;
use crate::value::Number;
use crate::value::builtin::{Argument, Kind, Mode as ParamMode, Return, ValueRef};
use smallvec::SmallVec;

/// What the evaluator needs to know of a function.
pub(super) struct Signature {
    pub kinds: SmallVec<[Kind; 4]>,
    /// Arguments are passed unevaluated or non-concrete.
    pub open: bool,
    pub validator: bool,
    /// It makes a struct or a list.
    pub structural: bool,
    /// How many arguments have no default.
    pub required: usize,
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

    pub(super) fn signature(&self, function: u32) -> Signature {
        let kinds = |list: &[Kind]| SmallVec::from_slice(list);
        match self.program.functions[function as usize] {
            Callable::Predeclared(p) => {
                use Predeclared as P;
                let sized = Kind::STRING.or(Kind::BYTES).or(Kind::LIST).or(Kind::STRUCT);
                let (kinds, open, validator): (SmallVec<[Kind; 4]>, _, _) = match p {
                    P::Len => (kinds(&[sized]), false, false),
                    P::Close => (kinds(&[Kind::STRUCT]), false, false),
                    P::CloseAll => (kinds(&[Kind::TOP]), false, false),
                    P::Reclose => (kinds(&[Kind::TOP]), false, false),
                    P::And => (kinds(&[Kind::LIST]), false, false),
                    P::Or => (kinds(&[Kind::LIST]), true, false),
                    P::Div => (kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Mod => (kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Quo => (kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::Rem => (kinds(&[Kind::INT, Kind::INT]), false, false),
                    P::MatchN => (kinds(&[Kind::TOP, Kind::INT, Kind::LIST]), true, true),
                    P::MatchIf => (
                        kinds(&[Kind::TOP, Kind::TOP, Kind::TOP, Kind::TOP]),
                        true,
                        true,
                    ),
                    P::Error => (kinds(&[Kind::STRING]), false, false),
                };
                Signature {
                    required: kinds.len(),
                    kinds,
                    open,
                    validator,
                    structural: matches!(p, P::Close),
                }
            }
            Callable::Package(_, f) => Signature {
                kinds: f.parameters.iter().map(|p| p.kind).collect(),
                open: f.parameters.iter().any(|p| p.mode == ParamMode::Value),
                required: f.parameters.iter().filter(|p| p.default.is_none()).count(),
                validator: f.is_validator(),
                structural: matches!(f.result, Kind::STRUCT | Kind::LIST),
            },
        }
    }

    /// A function as it is called: `len`, `strings.Split`.
    fn function_name(&self, function: u32) -> String {
        use Predeclared as P;
        let name = match self.program.functions[function as usize] {
            Callable::Package(package, f) => return format!("{}.{}", package.name, f.name),
            Callable::Predeclared(p) => match p {
                P::Len => "len",
                P::Close => "close",
                P::CloseAll => "__closeAll",
                P::Reclose => "__reclose",
                P::And => "and",
                P::Or => "or",
                P::Div => "div",
                P::Mod => "mod",
                P::Quo => "quo",
                P::Rem => "rem",
                P::MatchN => "matchN",
                P::MatchIf => "matchIf",
                P::Error => "error",
            },
        };
        name.to_string()
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
        self.function_name(self.validators[index as usize].function)
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
                self.function_name(function),
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
                // A task that is run ahead can wait for what it does not find.
                let ahead = |&task: &TaskId| {
                    let task = &self.tasks[task as usize];
                    !task.waited && self.has_state(task.node) && self.s(task.node).completing
                };
                let mode = match mode {
                    Mode::Attempt if self.stack.last().is_some_and(ahead) => Mode::Wait,
                    mode => mode,
                };
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
                            self.function_name(function)
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
                let text = format!("error in call to {}", self.function_name(function));
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
        let mut values = SmallVec::<[Value; 4]>::from_slice(values);
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
                    self.function_name(function)
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
                if elements.is_empty() && self.kind(values[0]) != Kind::LIST {
                    self.add_incomplete("the list in call to and is not known");
                    Value::None
                } else if elements.is_empty() {
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

    pub(super) fn elements_of(&mut self, value: Value) -> Vec<Value> {
        let Value::Node(node) = value else {
            return Vec::new();
        };
        let node = self.deref(node);
        self.arc_vec(node)
            .iter()
            .filter(|(label, _)| label.is_int())
            .map(|&(_, arc)| match self.n(arc).base {
                base if self.n(arc).has(NodeData::DATA) && super::union::is_scalar(base) => base,
                _ => Value::Node(arc),
            })
            .collect()
    }
}
