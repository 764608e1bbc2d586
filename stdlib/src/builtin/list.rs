//! `list`: lists as wholes. Elements pass through as they are, concrete or not.

use super::arguments::*;
use holos_lang::value::builtin::{CallError, Context, Kind, ValueRef};
use holos_lang::value::{Data, Number};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// How many pairs of elements that are not concrete `list.UniqueItems` compares.
const MAX_COMPARED: usize = 1 << 20;

package! {
    "list", "list", "Functions on lists.";
    constants {
        "Comparer" = "{T: _, x: T, y: T, less: bool}",
        "Ascending" = "{T: number | string, x: T, y: T, less: x < y}",
        "Descending" = "{T: number | string, x: T, y: T, less: x > y}",
    }
    "Drop" (value x: LIST, n: INT) -> LIST,
        "The list without its first n elements." => |context, a| {
            let mut list = a.elements(context, 0)?;
            let count = size(&a, 1)?.min(list.len());
            Ok(list.split_off(count))
        },
    "FlattenN" (value xs: ANY, depth: INT) -> LIST,
        "The list with lists inside it replaced by their elements, depth levels down; all if negative." => |context, a| {
            let (list, depth) = (a.value(0)?, a.int(1)?);
            let mut flat = Vec::new();
            flatten(context, list, depth, &mut flat)?;
            Ok(flat)
        },
    "Repeat" (value x: LIST, count: INT) -> LIST,
        "The elements of the list, count times over." => |context, a| {
            let list = a.elements(context, 0)?;
            let count = a.int_in(1, 0, MAX_REPEAT)? as usize;
            if list.len() * count > MAX_ELEMENTS {
                return Err(too_long().argument(1));
            }
            Ok(list.repeat(count))
        },
    "Concat" (value a: LIST) -> LIST,
        "The elements of the lists in a list, one list after the other." => |context, a| {
            let mut all = Vec::new();
            for list in a.elements(context, 0)? {
                all.extend(context.elements(list)?);
            }
            Ok(all)
        },
    "Take" (value x: LIST, n: INT) -> LIST,
        "The first n elements." => |context, a| {
            let mut list = a.elements(context, 0)?;
            list.truncate(size(&a, 1)?);
            Ok(list)
        },
    "Slice" (value x: LIST, i: INT, j: INT) -> LIST,
        "The elements from index i up to j." => |context, a| {
            let list = a.elements(context, 0)?;
            let (start, end) = (size(&a, 1)?, size(&a, 2)?);
            if start > end {
                return Err(error(format!("invalid index: {start} > {end}")).argument(1));
            }
            let part = list.get(start..end).map(<[ValueRef]>::to_vec);
            part.ok_or_else(|| error("slice bounds out of range").argument(2))
        },
    "Reverse" (value x: LIST) -> LIST,
        "The elements from last to first." => |context, a| {
            let mut list = a.elements(context, 0)?;
            list.reverse();
            Ok(list)
        },
    "MinItems" (value list: LIST, n: INT) -> BOOL,
        "Whether the list has at least n elements." => |context, a| {
            let (count, least) = (a.elements(context, 0)?.len() as i64, a.int(1)?);
            if count < least && context.is_open(a.value(0)?) {
                return Err(CallError::unmet(format!(
                    "the list has {count} elements so far, and needs {least}"
                )));
            }
            Ok(count >= least)
        },
    "MaxItems" (value list: LIST, n: INT) -> BOOL,
        "Whether the list has at most n elements." => |context, a| {
            Ok(a.elements(context, 0)?.len() as i64 <= a.int(1)?)
        },
    "UniqueItems" (value a: LIST) -> BOOL,
        "Whether no two elements are equal." => |context, a| {
            let list = a.elements(context, 0)?;
            unique(context, list)
        },
    "Contains" (value a: LIST, value v: ANY) -> BOOL,
        "Whether an element equals v." => |context, a| {
            let wanted = a.value(1)?;
            let data = context.data(wanted)?;
            for element in a.elements(context, 0)? {
                match context.data(element) {
                    Ok(element) if identical(&element, &data) => return Ok(true),
                    // What is not concrete is unequal to what is.
                    Err(error) if !error.incomplete => return Err(error),
                    _ => {}
                }
            }
            Ok(false)
        },
    "MatchN" (value list: LIST, value n: ANY, value matchValue: ANY) -> BOOL,
        "Whether the number of elements that match a schema fits n, which may be a bound: list.MatchN(>1, int)." => |context, a| {
            let (wanted, schema) = (a.value(1)?, a.value(2)?);
            let mut count = 0;
            for element in a.elements(context, 0)? {
                let matched = context.unify(element, schema, false);
                count += i64::from(matched.is_ok_and(|value| context.absent(value).is_none()));
            }
            let count = context.make(&count.into_data());
            Ok(context.unify(count, wanted, false).is_ok())
        },
    "Avg" (xs: LIST of NUMBER) -> NUMBER,
        "The average of a list of numbers." => |_, a| {
            let numbers = a.numbers(0)?;
            if numbers.is_empty() {
                return Err(error("empty list").argument(0));
            }
            let sum = fold(&numbers, 0, Number::add)?;
            Ok(decimal(&sum.div(&numbers.len().into()).map_err(error)?))
        },
    "Max" (xs: LIST of NUMBER) -> NUMBER,
        "The greatest of a list of numbers." => |_, a| extreme(&a, Ordering::Greater),
    "Min" (xs: LIST of NUMBER) -> NUMBER,
        "The least of a list of numbers." => |_, a| extreme(&a, Ordering::Less),
    "Product" (xs: LIST of NUMBER) -> NUMBER,
        "The product of a list of numbers; 1 if it is empty." => |_, a| {
            Ok(decimal(&fold(&a.numbers(0)?, 1, Number::mul)?))
        },
    "Range" (start: NUMBER, limit: NUMBER, step: NUMBER) -> LIST,
        "The numbers from start up to, and without, limit; at most 1048576 of them." => |_, a| {
            range(a.number(0)?, a.number(1)?, a.number(2)?)
        },
    "Sum" (xs: LIST of NUMBER) -> NUMBER,
        "The sum of a list of numbers; 0 if it is empty." => |_, a| {
            Ok(decimal(&fold(&a.numbers(0)?, 0, Number::add)?))
        },
    "Sort" (value list: LIST, value cmp: ANY) -> LIST,
        "The list sorted by a comparator, a struct with x, y and less, such as list.Ascending." => |context, a| {
            sort(context, &a)
        },
    "SortStable" (value list: LIST, value cmp: ANY) -> LIST,
        "As Sort, which is stable as well." => |context, a| sort(context, &a),
    "SortStrings" (a: LIST of STRING) -> LIST,
        "A list of strings in the order of their bytes." => |_, a| {
            let mut strings = a.strings(0)?;
            strings.sort_unstable();
            Ok(strings)
        },
    "IsSorted" (value list: LIST, value cmp: ANY) -> BOOL,
        "Whether the list is sorted by a comparator." => |context, a| {
            let (list, comparator) = (a.elements(context, 0)?, comparator(context, &a)?);
            for pair in list.windows(2) {
                // A comparison that fails shows no order, as in CUE.
                if less(context, comparator, pair[1], pair[0]).unwrap_or(true) {
                    return Ok(false);
                }
            }
            Ok(true)
        },
    "IsSortedStrings" (a: LIST of STRING) -> BOOL,
        "Whether a list of strings is in the order of their bytes." => |_, a| {
            Ok(a.strings(0)?.is_sorted())
        },
}

fn too_long() -> CallError {
    error(format!(
        "the list would have more than {MAX_ELEMENTS} elements"
    ))
}

fn size(a: &Arguments<'_>, index: usize) -> Result<usize> {
    usize::try_from(a.int(index)?).map_err(|_| error("negative index").argument(index))
}

fn flatten(
    context: &mut dyn Context,
    list: ValueRef,
    depth: i64,
    flat: &mut Vec<ValueRef>,
) -> Result<()> {
    // Lists still to walk, innermost last: the data's depth is not the stack's.
    let mut open = vec![context.elements(list)?.into_iter()];
    while let Some(innermost) = open.last_mut() {
        let Some(element) = innermost.next() else {
            open.pop();
            continue;
        };
        let element = context.default(element);
        let level = open.len() as i64 - 1;
        if context.kind(element) == Kind::LIST && (depth < 0 || level < depth) {
            open.push(context.elements(element)?.into_iter());
        } else {
            flat.push(element);
        }
    }
    Ok(())
}

/// Refuses equal elements. Those that may still come to differ are an error that more information could mend.
fn unique(context: &mut dyn Context, list: Vec<ValueRef>) -> Result<bool> {
    // What is concrete is found by a hash, what is not is compared pair by pair.
    let mut concrete: HashMap<u64, Vec<(Data, ValueRef)>> = HashMap::new();
    let mut others: Vec<ValueRef> = Vec::new();
    let mut compared = 0;
    let mut undecided = false;
    for element in list {
        let equal = match context.data(element) {
            Ok(data) => {
                let same_hash = concrete.entry(hash(&data)).or_default();
                let equal = (same_hash.iter())
                    .find(|(other, _)| identical(other, &data))
                    .map(|(_, other)| *other);
                same_hash.push((data, element));
                equal
            }
            Err(error) if !error.incomplete => return Err(error),
            Err(_) => {
                compared += others.len();
                if compared > MAX_COMPARED {
                    let message = "too many elements that are not concrete to compare them all";
                    return Err(error(message).argument(0));
                }
                let equal = (others.iter()).find(|other| context.same(**other, element));
                let equal = equal.copied();
                others.push(element);
                equal
            }
        };
        match equal {
            Some(other) if is_fixed(context, other) && is_fixed(context, element) => {
                return Ok(false);
            }
            Some(_) => undecided = true,
            None => {}
        }
    }
    match undecided {
        true => Err(CallError::unmet("elements are equal so far")),
        false => Ok(true),
    }
}

/// Whether two values are equal, structs whatever their order; unlike for `==`, an int and a float never are.
fn identical(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Number(x), Data::Number(y)) => {
            x.is_int_kind() == y.is_int_kind() && x.numeric_cmp(y).is_eq()
        }
        (Data::List(x), Data::List(y)) => {
            x.len() == y.len() && x.iter().zip(&y[..]).all(|(a, b)| identical(a, b))
        }
        (Data::Struct(x), Data::Struct(y)) => {
            let find = |name| y.iter().find(|(other, _)| other == name);
            let same = |(name, a)| find(name).is_some_and(|(_, b)| identical(a, b));
            x.len() == y.len() && x.iter().map(|(name, a)| (name, a)).all(same)
        }
        _ => a == b,
    }
}

/// Equal for equal data, whatever the order of fields and the spelling of numbers.
fn hash(data: &Data) -> u64 {
    let mut state = DefaultHasher::new();
    match data {
        Data::Null => 0.hash(&mut state),
        Data::Bool(value) => value.hash(&mut state),
        Data::Number(number) => (number.to_f64() + 0.0).to_bits().hash(&mut state),
        Data::String(text) => text.hash(&mut state),
        Data::Bytes(bytes) => bytes.hash(&mut state),
        Data::List(elements) => elements.iter().for_each(|e| hash(e).hash(&mut state)),
        Data::Struct(fields) => {
            let field = |(name, value): &(Arc<str>, Data)| {
                let mut state = DefaultHasher::new();
                (name, hash(value)).hash(&mut state);
                state.finish()
            };
            let sum = fields.iter().map(field).fold(0, u64::wrapping_add);
            (fields.len(), sum).hash(&mut state);
        }
    }
    state.finish()
}

/// Whether nothing can be added to a value any more.
fn is_fixed(context: &mut dyn Context, value: ValueRef) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let value = context.default(value);
        let kind = context.kind(value);
        if Kind::LIST.contains(kind) || Kind::STRUCT.contains(kind) {
            if context.is_open(value) || context.declared(value) > 0 {
                return false;
            }
            let inner = match Kind::LIST.contains(kind) {
                true => context.elements(value),
                false => (context.fields(value))
                    .map(|fields| fields.into_iter().map(|(_, value)| value).collect()),
            };
            match inner {
                Ok(inner) => open.extend(inner),
                Err(_) => return false,
            }
        } else if context.data(value).is_err() {
            return false;
        }
    }
    true
}

fn fold(
    numbers: &[&Number],
    start: i64,
    step: fn(&Number, &Number) -> std::result::Result<Number, String>,
) -> Result<Number> {
    let mut result = Number::from_i64(start);
    for number in numbers {
        result = step(number, &result).map_err(error)?;
    }
    Ok(result)
}

/// The first of the greatest or least numbers.
fn extreme(a: &Arguments<'_>, wanted: Ordering) -> Result<Data> {
    let mut numbers = a.numbers(0)?.into_iter();
    let mut best = numbers
        .next()
        .ok_or_else(|| error("empty list").argument(0))?;
    for number in numbers {
        if number.numeric_cmp(best) == wanted {
            best = number;
        }
    }
    Ok(decimal(best))
}

fn range(start: &Number, limit: &Number, step: &Number) -> Result<Data> {
    let toward = match step.sign() {
        0 => return Err(error("step must be non zero").argument(2)),
        1 => Ordering::Less,
        _ => Ordering::Greater,
    };
    if start.numeric_cmp(limit) == toward.reverse() {
        let wanted = if toward == Ordering::Less {
            "greater"
        } else {
            "less"
        };
        let sign = if toward == Ordering::Less {
            "positive"
        } else {
            "negative"
        };
        let message = format!("end must be {wanted} than start when step is {sign}");
        return Err(error(message).argument(1));
    }
    // Known beforehand: where the step is lost in the digits of the start, it would not get there at all.
    let steps = limit.sub(start).and_then(|way| way.div(step));
    let most = Number::from(MAX_ELEMENTS);
    if !steps.is_ok_and(|steps| steps.numeric_cmp(&most).is_le()) {
        return Err(too_long());
    }
    let mut numbers = Vec::new();
    let mut next = start.clone();
    while next.numeric_cmp(limit) == toward {
        if numbers.len() == MAX_ELEMENTS {
            return Err(too_long());
        }
        numbers.push(decimal(&next));
        next = step.add(&next).map_err(error)?;
    }
    Ok(Data::List(numbers.into()))
}

fn comparator(context: &mut dyn Context, a: &Arguments<'_>) -> Result<ValueRef> {
    let comparator = a.value(1)?;
    match context.lookup(comparator, "less") {
        Some(_) => Ok(comparator),
        None => Err(error("the comparator has no field less").argument(1)),
    }
}

fn less(context: &mut dyn Context, comparator: ValueRef, x: ValueRef, y: ValueRef) -> Result<bool> {
    let compared = context.fill(comparator, &[("x", x), ("y", y)]);
    let less = context
        .lookup(compared, "less")
        .ok_or_else(|| error("the comparator has no field less").argument(1))?;
    match context.data(less)? {
        Data::Bool(less) => Ok(less),
        other => Err(error(format!("the comparator's less is a {}", kind_of(&other))).argument(1)),
    }
}

/// A stable merge sort: the comparator may fail, and need not be an order.
fn sort(context: &mut dyn Context, a: &Arguments<'_>) -> Result<Vec<ValueRef>> {
    let (mut list, comparator) = (a.elements(context, 0)?, comparator(context, a)?);
    let mut width = 1;
    while width < list.len() {
        let mut merged = Vec::with_capacity(list.len());
        for pair in list.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right) {
                if less(context, comparator, *r, *l)? {
                    merged.push(*r);
                    right = right_rest;
                } else {
                    merged.push(*l);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        list = merged;
        width *= 2;
    }
    Ok(list)
}
