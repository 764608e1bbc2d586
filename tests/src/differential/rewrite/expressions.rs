//! What may stand in place of an expression.

use super::super::program::{Decl, Expr};
use super::{Offers, Role, atom, bare, binary, declared, is_bottom, names_in};

/// What means the same as `x` where it stands; `name` makes names that the program does not have.
pub(super) fn offers(x: &Expr, role: Role, name: &str) -> Offers<Expr> {
    let mut found = Offers::new();
    if is_bottom(x) && role == Role::Question {
        return found;
    }
    // What an operator or a selection needs it looks at in its own way: it asks for a value, and a type that is written there is
    // refused.
    let needed = !matches!(role, Role::Value | Role::Embedded | Role::Arm);
    if !(needed || role == Role::Arm && matches!(x, Expr::Binary("|", ..))) {
        wrapped(x, role, name, &mut found);
    }
    unwrapped(x, role, &mut found);
    operators(x, &mut found);
    calls(x, &mut found);
    if is_failure(x) && matches!(role, Role::Value | Role::Embedded | Role::Arm) {
        found.push(("every failure is the bottom", atom("_|_")));
    }
    found
}

/// Laws that hold for every value. A chain of `|` is one operator with all its arms, whose marks belong together: what is
/// inside of it is no value by itself.
fn wrapped(x: &Expr, role: Role, name: &str, found: &mut Offers<Expr>) {
    let top = atom("_");
    found.push(("top is neutral", binary("&", x, &top)));
    found.push(("top is neutral", binary("&", &top, x)));
    if x.to_string().len() < 200 {
        found.push(("meet is idempotent", binary("&", x, x)));
        found.push(("join is idempotent", binary("|", x, x)));
    }
    found.push(("bottom is neutral", binary("|", x, &atom("_|_"))));
    // Top in a struct is the open struct.
    if !may_be_top(x) {
        found.push((
            "a value is what embeds it",
            Expr::Struct(vec![Decl::Embed(x.clone())]),
        ));
    }
    let label = format!("z{name}");
    found.push((
        "a field is its value",
        Expr::Select(
            Box::new(Expr::Struct(vec![Decl::Field(label.clone(), x.clone())])),
            label,
        ),
    ));
    // A list would be read as the beginning of a pattern.
    if role != Role::Embedded {
        found.push((
            "an element is its value",
            Expr::Index(Box::new(Expr::List(vec![x.clone()])), Box::new(atom("0"))),
        ));
    }
}

/// The same laws the other way.
fn unwrapped(x: &Expr, role: Role, found: &mut Offers<Expr>) {
    match x {
        Expr::Binary("&", a, b) if **a == atom("_") => {
            found.push(("top is neutral", (**b).clone()));
        }
        Expr::Binary("&", a, b) if **b == atom("_") => {
            found.push(("top is neutral", (**a).clone()));
        }
        Expr::Binary("&", a, b) if a == b => {
            found.push(("meet is idempotent", (**a).clone()));
        }
        Expr::Binary("|", a, b) if a == b && !has_mark(a) => {
            found.push(("join is idempotent", (**a).clone()));
        }
        Expr::Binary("|", a, b) if !has_mark(x) && role != Role::Arm => {
            if let Expr::Binary("|", _, c) = &**a
                && b == c
            {
                found.push(("join is idempotent", (**a).clone()));
            }
            for (arm, other) in [(a, b), (b, a)] {
                if is_bottom(arm) || is_failure(arm) {
                    found.push(("bottom is neutral", (**other).clone()));
                }
            }
        }
        Expr::Struct(decls) => {
            if let [Decl::Embed(value)] = &decls[..]
                && !may_be_top(value)
            {
                found.push(("a value is what embeds it", value.clone()));
            }
        }
        Expr::Select(a, label) => {
            if let Expr::Struct(decls) = &**a
                && let [Decl::Field(only, value)] = &decls[..]
                && only == label
                && !names_in(&[Decl::Embed(value.clone())]).contains(label)
            {
                found.push(("a field is its value", value.clone()));
            }
        }
        Expr::Index(a, index) => {
            if let (Expr::List(items), Expr::Atom(zero)) = (&**a, &**index)
                && let [value] = &items[..]
                && zero == "0"
                && !matches!(value, Expr::Yield(..) | Expr::Open(_))
            {
                found.push(("an element is its value", value.clone()));
            }
        }
        _ => {}
    }
}

/// Laws of operators.
fn operators(x: &Expr, found: &mut Offers<Expr>) {
    match x {
        Expr::Binary(op, a, b) => {
            let mirrored = match *op {
                "==" => Some("=="),
                "!=" => Some("!="),
                "<" => Some(">"),
                "<=" => Some(">="),
                ">" => Some("<"),
                ">=" => Some("<="),
                "*" => Some("*"),
                // Texts and lists are appended.
                "+" if is_number(a) || is_number(b) => Some("+"),
                _ => None,
            };
            if let Some(mirrored) = mirrored {
                found.push(("operands change places", binary(mirrored, b, a)));
            }
            if *op == "&" {
                if let Expr::Binary("&", c, d) = &**a {
                    found.push(("meet is associative", binary("&", c, &binary("&", d, b))));
                }
                if let Expr::Binary("&", c, d) = &**b {
                    found.push(("meet is associative", binary("&", &binary("&", a, c), d)));
                }
                distributed(a, b, found);
                distributed(b, a, found);
            }
        }
        Expr::Select(a, label) if !label.starts_with(['_', '#', 'z']) => {
            let index = atom(&format!("\"{label}\""));
            found.push((
                "a selector is an index",
                Expr::Index(a.clone(), Box::new(index)),
            ));
        }
        Expr::Index(a, index) => {
            if let Expr::Atom(text) = &**index
                && let Some(label) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'))
            {
                found.push((
                    "a selector is an index",
                    Expr::Select(a.clone(), label.to_owned()),
                ));
            }
        }
        Expr::Interpolation(a, text) if !text.is_empty() => {
            found.push((
                "an interpolation is a sum",
                Expr::Binary(
                    "+",
                    Box::new(Expr::Interpolation(a.clone(), "")),
                    Box::new(atom(&format!("\"{text}\""))),
                ),
            ));
            if let Expr::Atom(number) = &**a
                && number.chars().all(|c| c.is_ascii_digit())
            {
                found.push((
                    "an interpolation of a literal",
                    atom(&format!("\"{number}{text}\"")),
                ));
            }
        }
        Expr::Atom(text) if is_number(x) => {
            found.push((
                "a literal has its type",
                binary("&", &atom(text), &atom("number")),
            ));
        }
        _ => {}
    }
}

/// `a & (c | d)` is `(a & c) | (a & d)` if neither `c` nor `d` has a default.
fn distributed(a: &Expr, b: &Expr, found: &mut Offers<Expr>) {
    if let Expr::Binary("|", c, d) = b
        && [c, d].into_iter().all(|arm| is_plain(arm))
        && a.to_string().len() < 200
    {
        let (x, y) = (binary("&", a, c), binary("&", a, d));
        found.push(("meet distributes over join", binary("|", &x, &y)));
    }
}

/// Whether an expression is evidently a value without a default: a literal, a type or a struct of fields.
fn is_plain(x: &Expr) -> bool {
    match x {
        Expr::Atom(text) => !is_name(text),
        Expr::Struct(decls) => decls.iter().all(|decl| matches!(decl, Decl::Field(..))),
        _ => false,
    }
}

/// Whether something may have no kind of its own.
fn may_be_top(x: &Expr) -> bool {
    match x {
        Expr::Atom(text) => text == "_" || is_name(text),
        Expr::Select(..) | Expr::Index(..) => true,
        Expr::Binary("&", a, b) => may_be_top(a) && may_be_top(b),
        Expr::Binary("|", a, b) => may_be_top(a) || may_be_top(b),
        Expr::Call("and" | "or", _) => true,
        Expr::Struct(decls) => decls.iter().all(|decl| match decl {
            Decl::Embed(x) => may_be_top(x),
            Decl::Comprehension(..) => true,
            _ => false,
        }),
        _ => false,
    }
}

/// Whether an atom is a name, not a literal or a type.
pub(super) fn is_name(text: &str) -> bool {
    let types = ["int", "string", "number", "bool", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || "_#".contains(c))
        && !["_", "_|_"].contains(&text)
        && !types.contains(&text)
}

fn is_number(x: &Expr) -> bool {
    matches!(x, Expr::Atom(text) if text.starts_with(|c: char| c.is_ascii_digit()))
}

/// What `and`, `or` and `close` are by themselves.
fn calls(x: &Expr, found: &mut Offers<Expr>) {
    let Expr::Call(function, arguments) = x else {
        return;
    };
    let [argument] = &arguments[..] else {
        return;
    };
    match (*function, argument) {
        ("and" | "or", Expr::List(items)) => {
            let joined = items.iter().all(|item| {
                !matches!(
                    item,
                    Expr::Open(_) | Expr::Yield(..) | Expr::Binary("|", ..)
                )
            });
            let (op, said) = match *function {
                "and" => ("&", "and is &"),
                _ => ("|", "or is |"),
            };
            let mut items = items.iter().cloned();
            if joined && let Some(first) = items.next() {
                let chain = items.fold(first, |x, y| binary(op, &x, &y));
                found.push((said, chain));
            }
        }
        ("close", _) => {
            let again = Expr::Call("close", vec![x.clone()]);
            found.push(("close is idempotent", again));
        }
        _ => {}
    }
}

/// Whether something is no value, whatever the program says: literals that conflict, an operator with a literal that it does not take.
fn is_failure(x: &Expr) -> bool {
    match x {
        Expr::Binary("&", a, b) => {
            let kind = |x: &Expr| match x {
                Expr::Struct(decls) if !decls.iter().any(may_be_scalar) => Some("{}".to_owned()),
                Expr::List(_) => Some("[]".to_owned()),
                Expr::Atom(text) if is_literal(text) => Some(text.clone()),
                _ => None,
            };
            matches!((kind(a), kind(b)), (Some(x), Some(y)) if x != y)
                || is_failure(a)
                || is_failure(b)
        }
        Expr::Unary("!", a) => is_number(a) || matches!(&**a, Expr::Struct(_) | Expr::List(_)),
        Expr::Unary("-", a) => matches!(&**a, Expr::List(_)),
        _ => false,
    }
}

fn is_literal(text: &str) -> bool {
    // `1` and `1.0` would be two spellings of unlike kinds: numbers count by their text, which the generator makes unlike.
    text.starts_with(|c: char| c.is_ascii_digit() || "\"'".contains(c))
        || ["true", "false", "null"].contains(&text)
}

/// Whether a declaration may make the struct around it a scalar or a list.
fn may_be_scalar(decl: &Decl) -> bool {
    matches!(decl, Decl::Embed(_) | Decl::Comprehension(..))
}

fn has_mark(x: &Expr) -> bool {
    match x {
        Expr::Unary("*", _) => true,
        Expr::Binary("|", a, b) => has_mark(a) || has_mark(b),
        _ => false,
    }
}

/// Whether a literal's fields may stand among other declarations: no name changes what it leads to.
pub(super) fn may_mix(inner: &[Decl], outer: &[Decl]) -> bool {
    let clash = |declared: std::collections::HashSet<String>, decls: &[Decl]| {
        names_in(decls)
            .iter()
            .any(|name| declared.contains(bare(name)))
    };
    !clash(declared(inner), outer) && !clash(declared(outer), inner)
}
