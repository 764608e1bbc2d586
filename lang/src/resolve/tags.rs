//! `@tag` injection and `@if` build tags, as transforms of syntax trees.
//!
//! `env: string @tag(env)` with `env=prod` given becomes `env: string & "prod"`. `@if(expr)` above the
//! package clause keeps a file out of its package unless the expression over tag names holds.
//! Rules: <https://cuelang.org/docs/concept/how-cue-works-with-tags/>.

use crate::diagnostic::{Code, Diagnostic, FileId, Place, Span, nearest};
use crate::syntax::tree::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was given from outside, and what of it was used.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    /// `-t key=value`, in order; the last one of a key counts.
    pub values: Vec<(String, String)>,
    /// `-t name`: for `@if`, and for the short forms of `@tag`.
    pub names: Vec<String>,
    /// Values of `var=` by variable; empty unless asked for.
    pub variables: Vec<(String, String)>,
    used: BTreeSet<String>,
}

impl Tags {
    /// Reads `key=value` and `name` arguments.
    pub fn parse(arguments: &[String]) -> Tags {
        let mut tags = Tags::default();
        for argument in arguments {
            match argument.split_once('=') {
                Some((key, value)) => tags.values.push((key.into(), value.into())),
                None => tags.names.push(argument.clone()),
            }
        }
        tags
    }

    /// One error for each tag that was given and never used.
    pub fn unused(&self, known: &[String]) -> Vec<Diagnostic> {
        let given = self.values.iter().map(|(key, _)| key).chain(&self.names);
        self.unused_of(given, known)
    }

    /// One error for each of these tags that was never used.
    pub fn unused_of<'t>(
        &self,
        given: impl IntoIterator<Item = &'t String>,
        known: &[String],
    ) -> Vec<Diagnostic> {
        let unused = given.into_iter().filter(|name| !self.used.contains(*name));
        unused
            .map(|name| {
                let mut error = Diagnostic::error(Code(908), format!("no file has a tag `{name}`"));
                let near = nearest(name, known.iter().map(String::as_str));
                if let Some(near) = near.filter(|near| near != name) {
                    error = error.help(format!("did you mean `{near}`?"));
                }
                match known {
                    [] => error,
                    _ if known.contains(name) => error.help(format!(
                        "to set the tag `{name}`, give it a value: `{name}=…`"
                    )),
                    _ => error.note(format!("the tags here are: {}", known.join(", "))),
                }
            })
            .collect()
    }

    /// Whether the file belongs to its package: its `@if` holds, and it has no `@ignore`.
    ///
    /// # Errors
    /// Where an `@if` cannot be understood.
    pub fn includes(&mut self, file: FileId, tree: &File) -> Result<bool, Diagnostic> {
        let mut included = true;
        for attribute in &tree.attributes {
            match &*attribute.name {
                "ignore" => included = false,
                "if" => {
                    let place = Place {
                        file,
                        span: attribute.span,
                    };
                    let (expr, errors) = crate::syntax::parse_expr(file, &attribute.body);
                    let holds = if errors.is_empty() {
                        self.holds(&expr)
                    } else {
                        None
                    };
                    included &= holds.ok_or_else(|| {
                        Diagnostic::error(
                            Code(911),
                            "`@if` takes tag names joined by `&&`, `||`, `!` and parentheses",
                        )
                        .label(place, "this cannot be understood")
                    })?;
                }
                _ => {}
            }
        }
        Ok(included)
    }

    fn holds(&mut self, expr: &Expr) -> Option<bool> {
        Some(match expr {
            Expr::Ident(ident) => {
                self.used.insert(ident.name.to_string());
                self.names.iter().any(|name| **name == *ident.name)
            }
            Expr::Paren(inner, _) => self.holds(inner)?,
            Expr::Unary(unary) if unary.op == UnaryOp::Not => !self.holds(&unary.operand)?,
            Expr::Binary(binary) if matches!(binary.op, BinaryOp::And | BinaryOp::Or) => {
                // Every operand is looked at, so that each name counts as used.
                let all: Option<Vec<bool>> =
                    binary.operands.iter().map(|x| self.holds(x)).collect();
                let all = all?;
                if binary.op == BinaryOp::And {
                    all.iter().all(|&x| x)
                } else {
                    all.iter().any(|&x| x)
                }
            }
            _ => return None,
        })
    }

    /// Injects the values into the fields of a file that have an `@tag`. `known` collects their names.
    pub fn inject(
        &mut self,
        file: FileId,
        tree: &mut Arc<File>,
        known: &mut Vec<String>,
    ) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        if has_tags(&tree.decls) {
            let mut walk = Walk {
                tags: self,
                file,
                known,
                errors: &mut errors,
            };
            walk.decls(&mut Arc::make_mut(tree).decls, true);
        }
        errors
    }

    /// The value for a tag, if one was given.
    fn value(&mut self, tag: &Tag) -> Option<String> {
        if let Some((_, value)) = self.values.iter().rev().find(|(key, _)| *key == tag.name) {
            self.used.insert(tag.name.clone());
            return Some(value.clone());
        }
        if let Some(short) = self.names.iter().find(|name| tag.short.contains(name)) {
            self.used.insert(short.clone());
            return Some(short.clone());
        }
        let variable = tag.variable.as_ref()?;
        self.variables
            .iter()
            .find(|(name, _)| name == variable)
            .map(|(_, value)| value.clone())
    }
}

/// Where a tree has `@tag`s, without a clone of the rest.
fn has_tags(decls: &[Decl]) -> bool {
    decls.iter().any(|decl| match decl {
        Decl::Field(field) => {
            field.attributes.iter().any(|a| &*a.name == "tag")
                || literals(&field.value).any(|s| has_tags(&s.decls))
        }
        Decl::Comprehension(comprehension) => has_tags(&comprehension.body.decls),
        Decl::Embed(expr) => literals(expr).any(|s| has_tags(&s.decls)),
        _ => false,
    })
}

/// The struct literals that an expression is, or is a unification of.
fn literals(expr: &Expr) -> Box<dyn Iterator<Item = &StructLit> + '_> {
    match expr {
        Expr::Struct(literal) => Box::new(std::iter::once(literal)),
        Expr::Paren(inner, _) => literals(inner),
        Expr::Binary(binary) => Box::new(binary.operands.iter().flat_map(literals)),
        _ => Box::new(std::iter::empty()),
    }
}

struct Walk<'w> {
    tags: &'w mut Tags,
    file: FileId,
    known: &'w mut Vec<String>,
    errors: &'w mut Vec<Diagnostic>,
}

impl Walk<'_> {
    /// `fixed`: whether each field here exists exactly once.
    fn decls(&mut self, decls: &mut [Decl], fixed: bool) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field, fixed),
                Decl::Comprehension(comprehension) => {
                    self.decls(&mut comprehension.body.decls, false)
                }
                Decl::Embed(expr) => self.expr(expr, fixed),
                _ => {}
            }
        }
    }

    fn expr(&mut self, expr: &mut Expr, fixed: bool) {
        match expr {
            Expr::Struct(literal) => self.decls(&mut literal.decls, fixed),
            Expr::Paren(inner, _) => self.expr(inner, fixed),
            Expr::Binary(binary) => binary.operands.iter_mut().for_each(|x| self.expr(x, fixed)),
            _ => {}
        }
    }

    fn field(&mut self, field: &mut Field, fixed: bool) {
        let once = fixed
            && field.presence == Presence::Regular
            && matches!(field.label, Label::Ident(_) | Label::String { .. });
        self.expr(&mut field.value, once);
        let attributes: Vec<Attribute> = field
            .attributes
            .iter()
            .filter(|a| &*a.name == "tag")
            .cloned()
            .collect();
        for attribute in attributes {
            let place = Place {
                file: self.file,
                span: attribute.span,
            };
            if !once {
                let message = "`@tag` stands on a field that may exist never or often";
                self.errors.push(
                    Diagnostic::error(Code(911), message)
                        .label(place, "it belongs on a regular field"),
                );
                continue;
            }
            let tag = match Tag::parse(&attribute.body) {
                Ok(tag) => tag,
                Err(message) => {
                    self.errors
                        .push(Diagnostic::error(Code(911), message).label(place, ""));
                    continue;
                }
            };
            if !self.known.contains(&tag.name) {
                self.known.push(tag.name.clone());
            }
            let Some(value) = self.tags.value(&tag) else {
                continue;
            };
            match literal(&value, tag.kind, attribute.span) {
                Some(literal) => unify(&mut field.value, literal),
                None => {
                    let message = format!(
                        "the value `{value}` of tag `{}` is not {}",
                        tag.name,
                        tag.kind.name()
                    );
                    self.errors.push(
                        Diagnostic::error(Code(908), message)
                            .label(place, "the tag is declared here"),
                    );
                }
            }
        }
    }
}

/// `value & literal`, in place.
fn unify(value: &mut Expr, literal: Expr) {
    let span = literal.span();
    let old = std::mem::replace(value, Expr::Bad(span));
    let whole = old.span();
    *value = Expr::Binary(Binary {
        op: BinaryOp::Unify,
        operands: vec![old, literal],
        op_spans: vec![span],
        span: whole,
    });
}

/// The `type=` of a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    String,
    Int,
    Number,
    Bool,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::String => "a string",
            Type::Int => "an int",
            Type::Number => "a number",
            Type::Bool => "a bool",
        }
    }
}

/// The text of a tag's value as a literal of its type.
fn literal(text: &str, kind: Type, span: Span) -> Option<Expr> {
    match kind {
        Type::String => Some(Expr::String(text.into(), span)),
        Type::Bool => text.parse().ok().map(|value| Expr::Bool(value, span)),
        Type::Int | Type::Number => {
            let (sign, digits) = match text.split_at_checked(1) {
                Some(("-", rest)) => (Some(UnaryOp::Minus), rest),
                Some(("+", rest)) => (Some(UnaryOp::Plus), rest),
                _ => (None, text),
            };
            let (expr, errors) = crate::syntax::parse_expr(FileId(0), digits);
            let Expr::Number(spelt, _) = expr else {
                return None;
            };
            let fraction =
                spelt.contains('.') || (!spelt.starts_with("0x") && spelt.contains(['e', 'E']));
            if !errors.is_empty() || (kind == Type::Int && fraction) {
                return None;
            }
            let number = Expr::Number(spelt, span);
            Some(match sign {
                None => number,
                Some(op) => Expr::Unary(Unary {
                    op,
                    op_span: span,
                    operand: Box::new(number),
                    span,
                }),
            })
        }
    }
}

/// The body of one `@tag`.
#[derive(PartialEq, Debug)]
struct Tag {
    name: String,
    kind: Type,
    short: Vec<String>,
    variable: Option<String>,
}

impl Tag {
    fn parse(body: &str) -> Result<Tag, String> {
        let mut tag = Tag {
            name: String::new(),
            kind: Type::String,
            short: Vec::new(),
            variable: None,
        };
        for (i, argument) in arguments(body).into_iter().enumerate() {
            match (i, argument) {
                (0, Argument { key: None, value }) if !value.is_empty() => tag.name = value,
                (0, _) => return Err("`@tag` begins with the name of the tag: `@tag(name)`".into()),
                (
                    _,
                    Argument {
                        key: Some(key),
                        value,
                    },
                ) => match (&*key, &*value) {
                    ("type", "string") => tag.kind = Type::String,
                    ("type", "int") => tag.kind = Type::Int,
                    ("type", "number") => tag.kind = Type::Number,
                    ("type", "bool") => tag.kind = Type::Bool,
                    ("type", _) => {
                        return Err(format!(
                            "`type={value}` of `@tag` is none of string, int, number, bool"
                        ));
                    }
                    ("short", _) => {
                        tag.short = value.split('|').map(|s| s.trim().to_string()).collect()
                    }
                    ("var", _) => tag.variable = Some(value),
                    _ => {
                        return Err(format!(
                            "`@tag` has no setting `{key}`; there are type, short, var"
                        ));
                    }
                },
                (_, Argument { value, .. }) => {
                    return Err(format!("`{value}` in `@tag` is not a setting `key=value`"));
                }
            }
        }
        if tag.name.is_empty() {
            Err("`@tag` needs the name of the tag: `@tag(name)`".into())
        } else {
            Ok(tag)
        }
    }
}

/// One argument of an attribute: `value` or `key=value`, quotes taken off the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    pub key: Option<String>,
    pub value: String,
}

/// Splits an attribute's body at its commas; commas in quotes or brackets do not count.
pub fn arguments(body: &str) -> Vec<Argument> {
    let (mut parts, mut start, mut depth, mut quote, mut escaped) =
        (Vec::new(), 0, 0usize, None, false);
    for (i, c) in body.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&body[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    if !body[start..].trim().is_empty() || !parts.is_empty() {
        parts.push(&body[start..]);
    }
    parts
        .into_iter()
        .map(|part| {
            let part = part.trim();
            match part.split_once('=') {
                Some((key, value)) if !key.starts_with(['"', '\'']) => Argument {
                    key: Some(key.trim().into()),
                    value: unquote(value.trim()),
                },
                _ => Argument {
                    key: None,
                    value: unquote(part),
                },
            }
        })
        .collect()
}

/// The text of a string literal, or the text as it is.
fn unquote(text: &str) -> String {
    if text.starts_with(['"', '#'])
        && let (Expr::String(value, _), errors) = crate::syntax::parse_expr(FileId(0), text)
        && errors.is_empty()
    {
        return value.to_string();
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_split_at_their_commas() {
        let check = |body: &str, expected: &[(&str, &str)]| {
            let found = arguments(body);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|a| (a.key.as_deref().unwrap_or(""), &*a.value))
                .collect();
            assert_eq!(found, expected, "{body}");
        };
        check("", &[]);
        check("env", &[("", "env")]);
        check(
            "env, short=prod|dev ,type=int",
            &[("", "env"), ("short", "prod|dev"), ("type", "int")],
        );
        check("f(a,b),[c,d]", &[("", "f(a,b)"), ("", "[c,d]")]);
    }

    #[test]
    fn tags_are_read() {
        let tag = Tag::parse("env,short=a|b,var=os").unwrap();
        assert_eq!(
            (tag.name.as_str(), tag.short.len(), tag.variable.as_deref()),
            ("env", 2, Some("os"))
        );
        for wrong in ["", "type=int", "x,type=list", "x,colour=red", "x,y"] {
            assert!(Tag::parse(wrong).is_err(), "{wrong}");
        }
    }
}
