//! Rules in the Common Expression Language (`x-kubernetes-validations`), with Kubernetes' own
//! functions. Rules about a change (`oldSelf`) say nothing about an object alone, and are skipped.

use super::group::Group;
use super::{Finding, Reason, Walk, formats, library};
use crate::schema::{Additional, Id, Rule, Type};
use crate::yaml::{Node, Value};
use cel::common::ast::{Expr, IdedExpr};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::objects::{Key, Map, OptionalValue};
use cel::{Context, Env, ExecutionError, Program};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Compiles a rule; the error says what is wrong with it.
pub(crate) fn compile(rule: &str) -> Result<Program, String> {
    let called = |name: &&&str| {
        rule.match_indices(**name).any(|(at, _)| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !rule[..at].ends_with(word) && rule[at + name.len()..].starts_with(['(', '.'])
        })
    };
    if let Some(name) = library::UNSUPPORTED.iter().find(called) {
        return Err(format!("it uses `{name}`, which is not known here"));
    }
    // A format's verdict is optional; some rules take it for null.
    let rule = match rule.contains(".validate(") {
        true => rule.replace(") == null", ").hasValue() == false").into(),
        false => std::borrow::Cow::Borrowed(rule),
    };
    environment()
        .compile(&rule)
        .map_err(|error| error.to_string())
}

impl Walk<'_> {
    /// Evaluates the rules of a schema on a value that has its structure.
    pub(super) fn rules(&mut self, group: &Arc<Group>, id: Id, node: &Node) {
        let mut value = None;
        for rule in &group.get(id).rules {
            if rule.rule.contains("oldSelf") && !rule.optional_old_self {
                continue;
            }
            // What cannot be compiled was reported when it was imported.
            let Some(program) = group.rule(&rule.rule) else {
                continue;
            };
            if !affordable(program.expression(), node) {
                let message = format!(
                    "Forbidden: the rule costs too much to evaluate: {}",
                    rule.rule
                );
                let path = self.path();
                self.report(Finding::new(Reason::Rule, node.span, path, message));
                continue;
            }
            let value = value.get_or_insert_with(|| self.cel_value(group, id, node));
            let mut context = Context::with_env(environment().clone());
            context.add_variable_from_value("self", value.clone());
            if rule.optional_old_self {
                let none = cel::Value::Opaque(Arc::new(OptionalValue::none()));
                context.add_variable_from_value("oldSelf", none);
            }
            let failure = match program.execute(&context) {
                Ok(cel::Value::Bool(true)) => continue,
                Ok(_) => message(group, rule, &context),
                // A function nobody knows says nothing about the object.
                Err(ExecutionError::UndeclaredReference(_)) => continue,
                Err(error) => format!("{error} evaluating rule: {}", rule.message),
            };
            let path = self.rule_path() + &rule.field_path;
            let path = path.strip_prefix('.').unwrap_or(&path);
            self.report(Finding::new(
                Reason::Rule,
                node.span,
                path,
                format!("Invalid value: {failure}"),
            ));
        }
    }

    /// The value as rules see it: fields by escaped names, strings of some formats as what they mean.
    fn cel_value(&self, group: &Arc<Group>, id: Id, node: &Node) -> cel::Value {
        let Some((group, id)) = self.resolve(group, id) else {
            return plain(node);
        };
        let schema = group.get(id);
        match &node.value {
            Value::String(text) => match schema.format.as_deref() {
                Some("duration") => match formats::nanoseconds(text) {
                    Some(ns) => cel::Value::Duration(chrono::Duration::nanoseconds(ns)),
                    None => plain(node),
                },
                Some("date-time") => match chrono::DateTime::parse_from_rfc3339(text) {
                    Ok(time) => cel::Value::Timestamp(time),
                    Err(_) => plain(node),
                },
                _ => plain(node),
            },
            Value::Int(i) if schema.types == [Type::Number] => cel::Value::Float(*i as f64),
            Value::List(elements) => {
                let element = |e| {
                    schema
                        .items
                        .map_or_else(|| plain(e), |items| self.cel_value(&group, items, e))
                };
                cel::Value::List(Arc::new(elements.iter().map(element).collect()))
            }
            Value::Map(entries) => {
                let field =
                    |e: &crate::yaml::Entry| match (schema.property(&e.key), schema.additional) {
                        (Some(id), _) => {
                            (key(&escape(&e.key)), self.cel_value(&group, id, &e.value))
                        }
                        (None, Some(Additional::Schema(id))) => {
                            (key(&e.key), self.cel_value(&group, id, &e.value))
                        }
                        (None, _) => (key(&escape(&e.key)), plain(&e.value)),
                    };
                map(entries.iter().map(field).collect())
            }
            _ => plain(node),
        }
    }
}

/// How many steps the loops of a rule may take; the API server bounds them as well.
const STEPS: u64 = 10_000_000;

/// Whether loops inside of loops, each as long as the longest collection of the value, take few enough steps.
fn affordable(rule: &IdedExpr, node: &Node) -> bool {
    let loops = loops(rule);
    loops < 2
        || longest(node)
            .checked_pow(loops)
            .is_some_and(|steps| steps <= STEPS)
}

/// How deep loops nest.
fn loops(expr: &IdedExpr) -> u32 {
    let most = |parts: &[&IdedExpr]| parts.iter().map(|part| loops(part)).max().unwrap_or(0);
    match &expr.expr {
        Expr::Comprehension(c) => {
            let body = 1 + most(&[&c.loop_cond, &c.loop_step]);
            body.max(most(&[&c.iter_range, &c.accu_init, &c.result]))
        }
        Expr::Call(call) => {
            let target = call.target.as_deref().map_or(0, loops);
            call.args.iter().map(loops).fold(target, u32::max)
        }
        Expr::List(list) => list.elements.iter().map(loops).max().unwrap_or(0),
        Expr::Select(select) => loops(&select.operand),
        _ => 0,
    }
}

/// The number of elements of the longest list or map in a value.
fn longest(node: &Node) -> u64 {
    let own = node.elements().len().max(node.entries().len()) as u64;
    let elements = node.elements().iter().map(longest);
    let values = node.entries().iter().map(|e| longest(&e.value));
    elements.chain(values).fold(own, u64::max)
}

fn message(group: &Group, rule: &Rule, context: &Context<'_, '_>) -> String {
    let program = Some(&rule.message_expression)
        .filter(|e| !e.is_empty())
        .and_then(|e| group.rule(e));
    if let Some(Ok(cel::Value::String(text))) = program.map(|p| p.execute(context)) {
        return text.to_string();
    }
    match &*rule.message {
        "" => format!("failed rule: {}", rule.rule),
        message => message.to_owned(),
    }
}

fn map(map: HashMap<Key, cel::Value>) -> cel::Value {
    cel::Value::Map(Map { map: Arc::new(map) })
}

fn key(name: &str) -> Key {
    Key::String(Arc::new(name.to_owned()))
}

/// A value without a schema.
fn plain(node: &Node) -> cel::Value {
    match &node.value {
        Value::Null => cel::Value::Null,
        Value::Bool(b) => cel::Value::Bool(*b),
        Value::Int(i) => cel::Value::Int(*i),
        Value::Float(f) => cel::Value::Float(*f),
        Value::String(s) => cel::Value::String(Arc::new(s.to_string())),
        Value::List(list) => cel::Value::List(Arc::new(list.iter().map(plain).collect())),
        Value::Map(entries) => map(entries
            .iter()
            .map(|e| (key(&e.key), plain(&e.value)))
            .collect()),
    }
}

/// A field's name as rules spell it: what is no identifier, or a word of the language, is escaped.
fn escape(name: &str) -> String {
    const WORDS: &[&str] = &[
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ];
    if WORDS.contains(&name) {
        return format!("__{name}__");
    }
    let name = name.replace("__", "__underscores__");
    name.replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

/// The language with Kubernetes' libraries.
fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut env = Env::stdlib().with_optional_support(true);
        // A name declared twice would be an error; the libraries have none in common.
        let declared = env
            .add_extension(cel::extensions::strings)
            .and_then(|()| env.add_extension(cel::extensions::lists))
            .and_then(|()| env.add_extension(cel::extensions::math))
            .and_then(|()| library::declare(&mut env))
            .and_then(|()| kubernetes(&mut env));
        debug_assert!(declared.is_ok(), "{declared:?}");
        Arc::new(env)
    })
}

/// What Kubernetes adds: URLs, addresses, quantities, regular expressions, and named formats.
fn kubernetes(env: &mut Env) -> Result<(), cel::DeclarationError> {
    cel::add_overload!(env, fn is_url: (CelString) -> CelBool, name = "isURL")?;
    cel::add_overload!(env, fn url: (CelString) -> Result<CelString>, name = "url")?;
    cel::add_member_overload!(env, fn scheme: (CelString) -> CelString, name = "getScheme")?;
    cel::add_member_overload!(env, fn host: (CelString) -> CelString, name = "getHost")?;
    cel::add_member_overload!(env, fn hostname: (CelString) -> CelString, name = "getHostname")?;
    cel::add_member_overload!(env, fn port: (CelString) -> CelString, name = "getPort")?;
    cel::add_member_overload!(env, fn path: (CelString) -> CelString, name = "getEscapedPath")?;
    cel::add_overload!(env, fn is_ip: (CelString) -> CelBool, name = "isIP")?;
    cel::add_overload!(env, fn ip: (CelString) -> Result<CelString>, name = "ip")?;
    cel::add_overload!(env, fn is_cidr: (CelString) -> CelBool, name = "isCIDR")?;
    cel::add_overload!(env, fn cidr: (CelString) -> Result<CelString>, name = "cidr")?;
    cel::add_member_overload!(env, fn family: (CelString) -> CelInt, name = "family")?;
    cel::add_member_overload!(env, fn prefix_length: (CelString) -> CelInt, name = "prefixLength")?;
    cel::add_member_overload!(env, fn contains_ip: (CelString, CelString) -> CelBool, name = "containsIP")?;
    cel::add_overload!(env, fn is_quantity: (CelString) -> CelBool, name = "isQuantity")?;
    cel::add_overload!(env, fn quantity: (CelString) -> Result<CelDouble>, name = "quantity")?;
    cel::add_member_overload!(env, fn greater: (CelDouble, CelDouble) -> CelBool, name = "isGreaterThan")?;
    cel::add_member_overload!(env, fn less: (CelDouble, CelDouble) -> CelBool, name = "isLessThan")?;
    cel::add_member_overload!(env, fn compare: (CelDouble, CelDouble) -> CelInt, name = "compareTo")?;
    cel::add_member_overload!(env, fn sum: (CelDouble, CelDouble) -> CelDouble, name = "add")?;
    cel::add_member_overload!(env, fn difference: (CelDouble, CelDouble) -> CelDouble, name = "sub")?;
    cel::add_member_overload!(env, fn is_integer: (CelDouble) -> CelBool, name = "isInteger")?;
    cel::add_member_overload!(env, fn as_integer: (CelDouble) -> CelInt, name = "asInteger")?;
    cel::add_member_overload!(env, fn as_float: (CelDouble) -> CelDouble, name = "asApproximateFloat")?;
    cel::add_member_overload!(env, fn find: (CelString, CelString) -> Result<CelString>, name = "find")?;
    Ok(())
}

fn failed<T>(function: &str, text: &str) -> Result<T, ExecutionError> {
    Err(ExecutionError::function_error(
        function,
        format!("{text:?} is not valid"),
    ))
}

/// Scheme, authority and the rest of an absolute URL or an absolute path.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return None;
    }
    if text.starts_with('/') {
        return Some(("", "", text));
    }
    let (scheme, rest) = text.split_once(':')?;
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let Some(rest) = rest.strip_prefix("//") else {
        return fine.then_some((scheme, "", rest));
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (fine
        && !authority.contains([
            '%', '#', '"', '<', '>', '\\', '^', '`', '{', '|', '}', '$', '@',
        ])
        || fine && authority.contains('@') && !authority.contains(['%', '#', '"', '<', '>', '\\']))
    .then_some((scheme, authority, path))
}

fn is_url(text: &CelString<'_>) -> CelBool {
    parts(text.inner()).is_some().into()
}

fn url(text: &CelString<'_>) -> Result<CelString<'static>, ExecutionError> {
    if parts(text.inner()).is_none() {
        return failed("url", text.inner());
    }
    Ok(text.inner().to_owned().into())
}

fn scheme(url: &CelString<'_>) -> CelString<'static> {
    parts(url.inner()).map_or("", |p| p.0).to_lowercase().into()
}

fn authority<'a>(url: &'a CelString<'_>) -> &'a str {
    let authority = parts(url.inner()).map_or("", |p| p.1);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

fn host(url: &CelString<'_>) -> CelString<'static> {
    authority(url).to_owned().into()
}

fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    }
}

fn hostname(url: &CelString<'_>) -> CelString<'static> {
    split_port(authority(url))
        .0
        .trim_matches(['[', ']'])
        .to_owned()
        .into()
}

fn port(url: &CelString<'_>) -> CelString<'static> {
    split_port(authority(url)).1.to_owned().into()
}

fn path(url: &CelString<'_>) -> CelString<'static> {
    let path = parts(url.inner()).map_or("", |p| p.2);
    path.split('?').next().unwrap_or_default().to_owned().into()
}

fn address(text: &str) -> Option<std::net::IpAddr> {
    text.parse().ok()
}

fn is_ip(text: &CelString<'_>) -> CelBool {
    address(text.inner()).is_some().into()
}

fn ip(text: &CelString<'_>) -> Result<CelString<'static>, ExecutionError> {
    match address(text.inner()) {
        Some(address) => Ok(address.to_string().into()),
        None => failed("ip", text.inner()),
    }
}

fn is_cidr(text: &CelString<'_>) -> CelBool {
    formats::cidr(text.inner()).into()
}

fn cidr(text: &CelString<'_>) -> Result<CelString<'static>, ExecutionError> {
    if !formats::cidr(text.inner()) {
        return failed("cidr", text.inner());
    }
    Ok(text.inner().to_owned().into())
}

fn family(text: &CelString<'_>) -> CelInt {
    let address = text.inner().split('/').next().and_then(address);
    i64::from(if address.is_some_and(|a| a.is_ipv6()) {
        6
    } else {
        4
    })
    .into()
}

fn prefix_length(text: &CelString<'_>) -> CelInt {
    text.inner()
        .split_once('/')
        .and_then(|(_, n)| n.parse::<i64>().ok())
        .unwrap_or_default()
        .into()
}

/// An address as bits, shifted so that those of both families start at the top.
fn bits(address: std::net::IpAddr) -> u128 {
    match address {
        std::net::IpAddr::V4(a) => u128::from(u32::from(a)) << 96,
        std::net::IpAddr::V6(a) => u128::from(a),
    }
}

fn contains_ip(range: &CelString<'_>, ip: &CelString<'_>) -> CelBool {
    let inside = || {
        let (base, length) = range.inner().split_once('/')?;
        let (base, ip, length) = (
            address(base)?,
            address(ip.inner())?,
            length.parse::<u32>().ok()?,
        );
        let mask = u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0);
        Some(base.is_ipv4() == ip.is_ipv4() && bits(base) & mask == bits(ip) & mask)
    };
    inside().unwrap_or_default().into()
}

/// The number a quantity stands for.
fn amount(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn is_quantity(text: &CelString<'_>) -> CelBool {
    amount(text.inner()).is_some().into()
}

fn quantity(text: &CelString<'_>) -> Result<CelDouble, ExecutionError> {
    match amount(text.inner()) {
        Some(amount) => Ok(amount.into()),
        None => failed("quantity", text.inner()),
    }
}

fn greater(a: &CelDouble, b: &CelDouble) -> CelBool {
    (a.inner() > b.inner()).into()
}

fn less(a: &CelDouble, b: &CelDouble) -> CelBool {
    (a.inner() < b.inner()).into()
}

fn compare(a: &CelDouble, b: &CelDouble) -> CelInt {
    (a.inner().total_cmp(b.inner()) as i64).into()
}

fn sum(a: &CelDouble, b: &CelDouble) -> CelDouble {
    (a.inner() + b.inner()).into()
}

fn difference(a: &CelDouble, b: &CelDouble) -> CelDouble {
    (a.inner() - b.inner()).into()
}

fn is_integer(a: &CelDouble) -> CelBool {
    (a.inner().fract() == 0.0).into()
}

fn as_integer(a: &CelDouble) -> CelInt {
    (*a.inner() as i64).into()
}

fn as_float(a: &CelDouble) -> CelDouble {
    (*a.inner()).into()
}

fn find(
    text: &CelString<'_>,
    pattern: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    match regex::Regex::new(&super::group::re2(pattern.inner())) {
        Ok(regex) => Ok(regex
            .find(text.inner())
            .map_or("", |m| m.as_str())
            .to_owned()
            .into()),
        Err(_) => failed("find", pattern.inner()),
    }
}
