//! Schemas as language text: one expression for each, written as a person would.
//!
//! What the text cannot say without losing closedness (`not`, most of `oneOf` and `anyOf` over
//! objects, rules) is left to [`crate::validate`]; `matchN` in a definition would open it.

use super::{Dialect, META, QUANTITY};
use crate::schema::{Additional, Id, ListType, Pool, Schema, Type};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// How tightly an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Or,
    And,
    Atom,
}

struct Expr {
    text: String,
    precedence: Precedence,
}

impl Expr {
    fn atom(text: impl Into<String>) -> Expr {
        Expr {
            text: text.into(),
            precedence: Precedence::Atom,
        }
    }

    fn within(self, least: Precedence) -> String {
        if self.precedence < least {
            format!("({})", self.text)
        } else {
            self.text
        }
    }
}

/// Where the definition of a `$ref` lives.
pub(super) struct Target {
    /// The import path, where it is not the package being printed.
    pub(super) path: Option<String>,
    /// `#Name`
    pub(super) definition: String,
}

/// Prints the definitions of one package.
pub(super) struct Printer<'a> {
    pub(super) pool: &'a Pool,
    pub(super) dialect: Dialect,
    /// The import path of the package being printed.
    pub(super) path: &'a str,
    /// Schemas that are definitions of this package.
    pub(super) names: &'a FxHashMap<Id, String>,
    /// Where a reference leads; `None` is reported by the caller beforehand and means anything.
    pub(super) resolve: &'a dyn Fn(&str) -> Option<Target>,
    /// Import paths used by what was printed since [`Printer::take`].
    imports: BTreeSet<String>,
    /// Definitions of this package used by what was printed since [`Printer::take`].
    uses: BTreeSet<String>,
}

/// What a printed text needs.
pub(super) struct Needs {
    pub(super) imports: BTreeSet<String>,
    pub(super) definitions: BTreeSet<String>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        pool: &'a Pool,
        dialect: Dialect,
        path: &'a str,
        names: &'a FxHashMap<Id, String>,
        resolve: &'a dyn Fn(&str) -> Option<Target>,
    ) -> Printer<'a> {
        Printer {
            pool,
            dialect,
            path,
            names,
            resolve,
            imports: BTreeSet::new(),
            uses: BTreeSet::new(),
        }
    }

    /// What was needed since the last call.
    pub(super) fn take(&mut self) -> Needs {
        Needs {
            imports: std::mem::take(&mut self.imports),
            definitions: std::mem::take(&mut self.uses),
        }
    }

    /// The right side of a definition; `constants` are fields with a fixed value, which come first.
    pub(super) fn definition(&mut self, id: Id, constants: &[(&str, String)]) -> String {
        let schema = self.pool.get(id);
        if constants.is_empty() {
            self.body(schema).text
        } else {
            self.object(schema, constants).text
        }
    }

    fn expr(&mut self, id: Id) -> Expr {
        match self.names.get(&id) {
            Some(name) => {
                self.uses.insert(name.clone());
                Expr::atom(name)
            }
            None => self.body(self.pool.get(id)),
        }
    }

    fn body(&mut self, schema: &Schema) -> Expr {
        let inner = self.inner(schema);
        let null =
            schema.nullable && inner.text != "_" && !schema.values.iter().any(|v| &**v == "null");
        if null {
            or(vec![Expr::atom("null"), inner])
        } else {
            inner
        }
    }

    fn inner(&mut self, schema: &Schema) -> Expr {
        if let Some(reference) = &schema.reference {
            return self.reference(reference);
        }
        let values = self.values(schema);
        if !values.is_empty() {
            return or(values.into_iter().map(Expr::atom).collect());
        }
        if schema.int_or_string {
            if schema.pattern.as_deref() == Some(QUANTITY) {
                return self.named("k8s.io/apimachinery/pkg/api/resource", "#Quantity");
            }
            return or(vec![Expr::atom("int"), self.string(schema)]);
        }
        if schema.embedded {
            return self.embedded();
        }
        let types = inferred(schema);
        if types.is_empty() {
            return self.combined(schema);
        }
        or(types.into_iter().map(|ty| self.typed(schema, ty)).collect())
    }

    /// The values of `enum`, met with those of `allOf`.
    fn values(&self, schema: &Schema) -> Vec<String> {
        let mut values: Vec<&str> = schema.values.iter().map(|v| &**v).collect();
        for part in &schema.all_of {
            let others = &self.pool.get(*part).values;
            if others.is_empty() {
                continue;
            }
            if values.is_empty() {
                values = others.iter().map(|v| &**v).collect();
            } else {
                values.retain(|v| others.iter().any(|o| &**o == *v));
            }
        }
        if schema.nullable && !values.is_empty() && !values.contains(&"null") {
            values.insert(0, "null");
        }
        let mut seen = BTreeSet::new();
        values
            .into_iter()
            .filter(|v| seen.insert(*v))
            .map(str::to_owned)
            .collect()
    }

    fn typed(&mut self, schema: &Schema, ty: Type) -> Expr {
        match ty {
            Type::Null => Expr::atom("null"),
            Type::Boolean => Expr::atom("bool"),
            Type::Integer | Type::Number => self.number(schema, ty),
            Type::String => self.string(schema),
            Type::Array => self.array(schema),
            Type::Object => self.object(schema, &[]),
        }
    }

    fn number(&mut self, schema: &Schema, ty: Type) -> Expr {
        let bounded = schema.minimum.is_some() && schema.maximum.is_some();
        let base = match (ty, schema.format.as_deref()) {
            (Type::Number, _) => "number",
            (_, Some("int32")) if !bounded => "int32",
            (_, Some("int64")) if !bounded => "int64",
            _ => "int",
        };
        let mut parts = vec![Expr::atom(base)];
        if let Some(minimum) = &schema.minimum {
            parts.push(Expr::atom(format!(
                ">{}{minimum}",
                if schema.exclusive_minimum { "" } else { "=" }
            )));
        }
        if let Some(maximum) = &schema.maximum {
            parts.push(Expr::atom(format!(
                "<{}{maximum}",
                if schema.exclusive_maximum { "" } else { "=" }
            )));
        }
        if let Some(factor) = &schema.multiple_of {
            let call = self.call("math", format!("MultipleOf({factor})"));
            parts.push(call);
        }
        and(parts)
    }

    fn string(&mut self, schema: &Schema) -> Expr {
        let mut parts = Vec::new();
        match schema.min_length {
            None | Some(0) => {}
            Some(1) => parts.push(Expr::atom(r#"!="""#)),
            Some(n) => parts.push(self.call("strings", format!("MinRunes({n})"))),
        }
        if let Some(n) = schema.max_length {
            parts.push(self.call("strings", format!("MaxRunes({n})")));
        }
        if let Some(pattern) = &schema.pattern {
            parts.push(Expr::atom(format!("=~{}", quote(pattern))));
        }
        if let Some(format) = &schema.format {
            parts.extend(self.format(format));
        }
        for group in [&schema.any_of, &schema.one_of] {
            let formats: Vec<_> = group
                .iter()
                .filter(|id| self.pool.get(**id).types.is_empty())
                .collect();
            if !formats.is_empty() && formats.len() == group.len() {
                let alternatives = formats.into_iter().map(|id| self.expr(*id)).collect();
                parts.push(or(alternatives));
            }
        }
        parts.retain(|p| p.text != "_");
        if parts.is_empty() {
            Expr::atom("string")
        } else {
            and(parts)
        }
    }

    /// A validator of a format, for those the API server checks.
    fn format(&mut self, format: &str) -> Option<Expr> {
        let kubernetes = self.dialect == Dialect::Kubernetes;
        Some(match format {
            "date-time" if kubernetes => self.named(META, "#DateTime"),
            "date-time" => self.call("time", "Time".into()),
            "byte" if kubernetes => self.named(META, "#Bytes"),
            "duration" if kubernetes => {
                Expr::atom(r#"=~"^[-+]?([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+$|^0$""#)
            }
            "date" => Expr::atom(r#"=~"^[0-9]{4}-[0-9]{2}-[0-9]{2}$""#),
            "ipv4" => {
                let octet = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";
                Expr::atom(format!(r#"=~"^{octet}(\\.{octet}){{3}}$""#))
            }
            "ipv6" => Expr::atom(r#"=~"^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$""#),
            "cidr" => Expr::atom(r#"=~"^[0-9A-Fa-f:.]+/[0-9]{1,3}$""#),
            "uri" => Expr::atom(r#"=~"^([A-Za-z][A-Za-z0-9+.-]*:|/)""#),
            "uuid" => Expr::atom(r#"=~"^[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}$""#),
            "email" => Expr::atom(r#"=~"^[^@]+@[^@]+$""#),
            _ => return None,
        })
    }

    fn array(&mut self, schema: &Schema) -> Expr {
        let list = match schema.items {
            None => "[...]".to_owned(),
            Some(items) => match self.expr(items).within(Precedence::And) {
                any if any == "_" => "[...]".to_owned(),
                element => format!("[...{element}]"),
            },
        };
        let mut parts = vec![Expr::atom(list)];
        if let Some(n) = schema.min_items.filter(|n| *n > 0) {
            parts.push(self.call("list", format!("MinItems({n})")));
        }
        if let Some(n) = schema.max_items {
            parts.push(self.call("list", format!("MaxItems({n})")));
        }
        if schema.unique_items || schema.list_type == Some(ListType::Set) {
            parts.push(self.call("list", "UniqueItems()".into()));
        }
        and(parts)
    }

    fn object(&mut self, schema: &Schema, constants: &[(&str, String)]) -> Expr {
        let mut lines: Vec<String> = constants
            .iter()
            .map(|(name, value)| format!("{}: {value}", label(name)))
            .collect();
        lines.extend(self.alternatives(schema));
        for (name, id) in &schema.properties {
            if constants.iter().any(|(constant, _)| constant == &&**name) {
                continue;
            }
            let mark = if schema.required.contains(name) {
                '!'
            } else {
                '?'
            };
            if let Some(description) = &self.pool.get(*id).description {
                lines.extend(
                    description
                        .trim()
                        .lines()
                        .map(|l| format!("// {}", l.trim()).trim_end().to_owned()),
                );
            }
            let value = self.expr(*id).text;
            lines.push(format!("{}{mark}: {value}", label(name)));
        }
        for name in &schema.required {
            if schema.property(name).is_none() {
                lines.push(format!("{}!: _", label(name)));
            }
        }
        let open = match schema.additional {
            Some(Additional::Schema(value)) if schema.properties.is_empty() => {
                let value = self.expr(value).text;
                lines.push(format!("[string]: {value}"));
                false
            }
            Some(Additional::Schema(_)) => true,
            Some(Additional::Allowed(allowed)) => allowed,
            None => false,
        };
        if open || schema.preserve {
            lines.push("...".into());
        }
        let mut parts = vec![Expr::atom(block(&lines))];
        if let Some(n) = schema.min_properties.filter(|n| *n > 0) {
            parts.push(self.call("struct", format!("MinFields({n})")));
        }
        if let Some(n) = schema.max_properties {
            parts.push(self.call("struct", format!("MaxFields({n})")));
        }
        and(parts)
    }

    /// Embedded disjunctions that say "exactly one" or "at most one" of some fields.
    fn alternatives(&self, schema: &Schema) -> Vec<String> {
        let mut lines = Vec::new();
        for group in schema
            .all_of
            .iter()
            .map(|id| &self.pool.get(*id).one_of)
            .chain([&schema.one_of])
        {
            let mut names = Vec::new();
            let mut none = false;
            let plain = group.iter().all(|id| {
                let branch = self.pool.get(*id);
                match (&branch.required[..], branch.not) {
                    ([name], None) if only_required(branch) => {
                        names.push(&**name);
                        true
                    }
                    ([], Some(_)) => {
                        none = true;
                        true
                    }
                    _ => false,
                }
            });
            if !plain || names.len() < 2 {
                continue;
            }
            let branches: Vec<String> = names
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    let chosen = if none {
                        None
                    } else {
                        Some(format!("{}!: _", label(name)))
                    };
                    let others = names.iter().filter(|other| *other != name);
                    let fields: Vec<String> = chosen
                        .into_iter()
                        .chain(others.map(|o| format!("{}?: _|_", label(o))))
                        .collect();
                    let default = if none && at == 0 { "*" } else { "" };
                    format!("{default}{{{}}}", fields.join(", "))
                })
                .collect();
            lines.push(branches.join(" | "));
        }
        lines
    }

    /// A schema without a type.
    fn combined(&mut self, schema: &Schema) -> Expr {
        if self.dialect == Dialect::Kubernetes {
            let alternatives: Vec<Expr> = schema.any_of.iter().map(|id| self.expr(*id)).collect();
            return if alternatives.is_empty() {
                Expr::atom("_")
            } else {
                or(alternatives)
            };
        }
        let mut parts = Vec::new();
        for id in &schema.all_of {
            parts.push(self.expr(*id));
        }
        for (count, group) in [(">=1", &schema.any_of), ("1", &schema.one_of)] {
            if group.is_empty() {
                continue;
            }
            let alternatives: Vec<Expr> = group.iter().map(|id| self.expr(*id)).collect();
            let scalars = group.iter().all(|id| {
                let types = inferred(self.pool.get(*id));
                !types.is_empty() && !types.contains(&Type::Object) && !types.contains(&Type::Array)
            });
            if scalars {
                parts.push(or(alternatives));
            } else {
                let list: Vec<String> = alternatives.into_iter().map(|a| a.text).collect();
                parts.push(Expr::atom(format!(
                    "matchN({count}, [{}])",
                    list.join(", ")
                )));
            }
        }
        if let Some(not) = schema.not {
            let not = self.expr(not).text;
            parts.push(Expr::atom(format!("matchN(0, [{not}])")));
        }
        parts.retain(|p| p.text != "_");
        if parts.is_empty() {
            Expr::atom("_")
        } else {
            and(parts)
        }
    }

    fn embedded(&mut self) -> Expr {
        let meta = self.named(META, "#ObjectMeta").text;
        let lines = [
            "apiVersion!: string",
            "kind!: string",
            &format!("metadata?: {meta}"),
            "...",
        ];
        Expr::atom(block(&lines.map(str::to_owned)))
    }

    fn reference(&mut self, reference: &str) -> Expr {
        match (self.resolve)(reference) {
            Some(Target {
                path: Some(path),
                definition,
            }) => self.named(&path, &definition),
            Some(Target {
                path: None,
                definition,
            }) => {
                self.uses.insert(definition.clone());
                Expr::atom(definition)
            }
            None => Expr::atom("_"),
        }
    }

    fn named(&mut self, path: &str, definition: &str) -> Expr {
        if path == self.path {
            self.uses.insert(definition.to_owned());
            return Expr::atom(definition);
        }
        self.imports.insert(path.to_owned());
        Expr::atom(format!("{}.{definition}", alias(path)))
    }

    fn call(&mut self, package: &str, call: String) -> Expr {
        self.imports.insert(package.to_owned());
        Expr::atom(format!("{package}.{call}"))
    }
}

fn only_required(schema: &Schema) -> bool {
    *schema
        == Schema {
            required: schema.required.clone(),
            ..Schema::default()
        }
}

/// The types a schema allows, also where only its other keywords tell.
fn inferred(schema: &Schema) -> Vec<Type> {
    if !schema.types.is_empty() {
        return schema.types.clone();
    }
    if !schema.properties.is_empty()
        || schema
            .additional
            .is_some_and(|a| a != Additional::Allowed(true))
    {
        return vec![Type::Object];
    }
    if schema.items.is_some() {
        return vec![Type::Array];
    }
    if schema.pattern.is_some() || schema.max_length.is_some() || schema.format.is_some() {
        return vec![Type::String];
    }
    Vec::new()
}

fn or(mut parts: Vec<Expr>) -> Expr {
    if let Some(any) = parts.iter().position(|p| p.text == "_") {
        return parts.swap_remove(any);
    }
    join(parts, " | ", Precedence::Or)
}

fn and(parts: Vec<Expr>) -> Expr {
    join(parts, " & ", Precedence::And)
}

fn join(mut parts: Vec<Expr>, with: &str, precedence: Precedence) -> Expr {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let texts: Vec<String> = parts.into_iter().map(|p| p.within(precedence)).collect();
    Expr {
        text: texts.join(with),
        precedence,
    }
}

/// A struct literal over several lines.
fn block(lines: &[String]) -> String {
    match lines {
        [] => "{}".into(),
        [only] if !only.contains('\n') && !only.starts_with("//") => format!("{{{only}}}"),
        _ => {
            let mut text = String::from("{\n");
            for line in lines.iter().flat_map(|l| l.split('\n')) {
                text.push('\t');
                text.push_str(line);
                text.push('\n');
            }
            text.push('}');
            text
        }
    }
}

/// Names a label must not have unquoted: keywords, and what the generated text refers to, since a
/// field in reach would be meant instead.
const RESERVED: &[&str] = &[
    "_",
    "bool",
    "bytes",
    "div",
    "else",
    "error",
    "fallback",
    "false",
    "float",
    "for",
    "func",
    "if",
    "import",
    "in",
    "int",
    "int32",
    "int64",
    "intstr",
    "let",
    "list",
    "matchN",
    "math",
    "mod",
    "null",
    "number",
    "otherwise",
    "package",
    "quo",
    "rem",
    "resource",
    "runtime",
    "self",
    "string",
    "strings",
    "struct",
    "time",
    "true",
    "try",
];

/// A field's name as a label.
pub(super) fn label(name: &str) -> String {
    let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    let import = name.ends_with(|c: char| c.is_ascii_digit()) && name.contains('v');
    if identifier && !import && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    serde_json::Value::from(name).to_string()
}

/// A string literal, raw where that spares backslashes.
pub(super) fn quote(text: &str) -> String {
    let raw = text.contains(['\\', '"']) && !text.contains("\"#") && !text.contains("\\#");
    if raw && !text.contains(|c: char| c.is_control()) && !text.starts_with("\"\"") {
        return format!("#\"{text}\"#");
    }
    serde_json::Value::from(text).to_string()
}

/// The name a package is imported by: `corev1`, `metav1`, `resource`, `v1`.
pub(super) fn alias(path: &str) -> String {
    let mut segments = path.rsplit('/');
    let last = segments.next().unwrap_or_default();
    let version = last
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !version {
        return last.to_owned();
    }
    let group = segments
        .next()
        .unwrap_or_default()
        .split('.')
        .next()
        .unwrap_or_default();
    format!("{}{last}", group.replace('-', ""))
}
