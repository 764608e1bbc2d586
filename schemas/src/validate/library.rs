//! Functions on lists, sets and named formats that rules may use.

use super::{formats, names};
use cel::common::types::{LIST_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::objects::OptionalValue;
use cel::{DeclarationError, Env, ExecutionError, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// Names of Kubernetes' functions that are not here: a rule that uses one is not checked.
pub(super) const UNSUPPORTED: &[&str] = &[
    "semver",
    "isSemver",
    "jsonpatch",
    "authorizer",
    "transformMap",
    "transformList",
    "isCanonical",
    "masked",
];

/// Declares the functions.
pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    let two_lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_member_overload("sum", "list.sum()", LIST_TYPE, vec![], sum)?;
    env.add_member_overload("min", "list.min()", LIST_TYPE, vec![], min)?;
    env.add_member_overload("max", "list.max()", LIST_TYPE, vec![], max)?;
    env.add_member_overload("isSorted", "list.isSorted()", LIST_TYPE, vec![], is_sorted)?;
    env.add_overload(
        "sets.contains",
        "sets.contains(list,list)",
        two_lists(),
        contains,
    )?;
    env.add_overload(
        "sets.equivalent",
        "sets.equivalent(list,list)",
        two_lists(),
        equivalent,
    )?;
    env.add_overload(
        "sets.intersects",
        "sets.intersects(list,list)",
        two_lists(),
        intersects,
    )?;
    let string = || vec![STRING_TYPE];
    env.add_member_overload(
        "findAll",
        "string.findAll(string)",
        STRING_TYPE,
        string(),
        find_all,
    )?;
    env.add_member_overload(
        "validate",
        "format.validate(string)",
        STRING_TYPE,
        string(),
        validate,
    )?;
    env.add_overload("format.named", "format.named(string)", string(), named)?;
    // A format is told by its name.
    cel::add_overload!(env, fn label: () -> cel::common::types::CelString, name = "format.dns1123Label")?;
    cel::add_overload!(env, fn subdomain: () -> cel::common::types::CelString, name = "format.dns1123Subdomain")?;
    cel::add_overload!(env, fn service: () -> cel::common::types::CelString, name = "format.dns1035Label")?;
    cel::add_overload!(env, fn qualified: () -> cel::common::types::CelString, name = "format.qualifiedName")?;
    cel::add_overload!(env, fn label_value: () -> cel::common::types::CelString, name = "format.labelValue")?;
    cel::add_overload!(env, fn uri: () -> cel::common::types::CelString, name = "format.uri")?;
    cel::add_overload!(env, fn uuid: () -> cel::common::types::CelString, name = "format.uuid")?;
    cel::add_overload!(env, fn byte: () -> cel::common::types::CelString, name = "format.byte")?;
    cel::add_overload!(env, fn date: () -> cel::common::types::CelString, name = "format.date")?;
    cel::add_overload!(env, fn datetime: () -> cel::common::types::CelString, name = "format.datetime")?;
    Ok(())
}

macro_rules! format_names {
    ($($function:ident $name:literal),*) => {
        $(fn $function() -> cel::common::types::CelString<'static> {
            $name.to_owned().into()
        })*
    };
}

format_names!(
    label "dns1123Label", subdomain "dns1123Subdomain", service "dns1035Label", qualified "qualifiedName",
    label_value "labelValue", uri "uri", uuid "uuid", byte "byte", date "date", datetime "datetime"
);

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn back<'b, 'v>(value: Value) -> Outcome<'b, 'v> {
    let boxed: Box<dyn Val> = value.try_into()?;
    Ok(CowVal::Owned(boxed))
}

fn value(args: &Args<'_, '_>, at: usize) -> Result<Value, ExecutionError> {
    match args.get(at) {
        Some(arg) => Value::try_from(arg.as_ref()),
        None => Err(ExecutionError::MissingArgumentOrTarget),
    }
}

fn elements(args: &Args<'_, '_>, at: usize) -> Result<Arc<Vec<Value>>, ExecutionError> {
    match value(args, at)? {
        Value::List(list) => Ok(list),
        other => Err(ExecutionError::unsupported_target_type(other)),
    }
}

fn text(args: &Args<'_, '_>, at: usize) -> Result<Arc<String>, ExecutionError> {
    match value(args, at)? {
        Value::String(text) => Ok(text),
        other => Err(ExecutionError::unsupported_target_type(other)),
    }
}

fn sum<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let list = elements(&args, 0)?;
    let whole: Option<i64> = list
        .iter()
        .map(|v| {
            if let Value::Int(i) = v {
                Some(*i)
            } else {
                None
            }
        })
        .sum();
    let number = |v: &Value| match v {
        Value::Int(i) => *i as f64,
        Value::Float(f) => *f,
        Value::UInt(u) => *u as f64,
        _ => 0.0,
    };
    back(whole.map_or_else(|| Value::Float(list.iter().map(number).sum()), Value::Int))
}

fn extreme<'b, 'v>(args: &Args<'b, 'v>, wanted: Ordering, name: &str) -> Outcome<'b, 'v> {
    let list = elements(args, 0)?;
    let mut best: Option<&Value> = None;
    for element in list.iter() {
        if best.is_none_or(|b| element.partial_cmp(b) == Some(wanted)) {
            best = Some(element);
        }
    }
    match best {
        Some(best) => back(best.clone()),
        None => Err(ExecutionError::function_error(name, "the list is empty")),
    }
}

fn min<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    extreme(&args, Ordering::Less, "min")
}

fn max<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    extreme(&args, Ordering::Greater, "max")
}

fn is_sorted<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let list = elements(&args, 0)?;
    let sorted = list
        .windows(2)
        .all(|pair| pair[0].partial_cmp(&pair[1]) != Some(Ordering::Greater));
    back(Value::Bool(sorted))
}

fn contains<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (all, some) = (elements(&args, 0)?, elements(&args, 1)?);
    back(Value::Bool(some.iter().all(|v| all.contains(v))))
}

fn equivalent<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (a, b) = (elements(&args, 0)?, elements(&args, 1)?);
    back(Value::Bool(
        a.iter().all(|v| b.contains(v)) && b.iter().all(|v| a.contains(v)),
    ))
}

fn intersects<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (a, b) = (elements(&args, 0)?, elements(&args, 1)?);
    back(Value::Bool(a.iter().any(|v| b.contains(v))))
}

fn find_all<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (text, pattern) = (text(&args, 0)?, text(&args, 1)?);
    let regex = regex::Regex::new(&super::group::re2(&pattern))
        .map_err(|error| ExecutionError::function_error("findAll", error))?;
    let found = regex
        .find_iter(&text)
        .map(|m| Value::String(Arc::new(m.as_str().to_owned())));
    back(Value::List(Arc::new(found.collect())))
}

fn named<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let name = Value::String(text(&args, 0)?);
    back(Value::Opaque(Arc::new(OptionalValue::of(name))))
}

/// Nothing where a text has the format, else a list of what is wrong.
fn validate<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (format, text) = (text(&args, 0)?, text(&args, 1)?);
    let wrong = match format.as_str() {
        "dns1123Label" => names::label(&text),
        "dns1035Label" => names::label(&text).or_else(|| {
            text.starts_with(|c: char| c.is_ascii_digit())
                .then_some("must start with a letter")
        }),
        "dns1123Subdomain" => names::subdomain(&text),
        "qualifiedName" => names::qualified(&text),
        "labelValue" => names::label_value(&text),
        other => (!formats::matches(other, &text)).then_some("does not have the format"),
    };
    let none = OptionalValue::none();
    let wrong = wrong.map(|w| Value::List(Arc::new(vec![Value::String(Arc::new(w.to_owned()))])));
    back(Value::Opaque(Arc::new(
        wrong.map_or(none, OptionalValue::of),
    )))
}
