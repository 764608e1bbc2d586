//! `holosc export --out crd|openapi|jsonschema`: imported kinds as what they could be imported from.

use super::{Session, export};
use crate::Outcome;
use crate::args::{Export, Format};
use crate::encode::{Value, target};
use crate::load::{Instance, Loader};
use holos_lang::diagnostic::{Code, Diagnostic, FileId};
use holos_lang::syntax::{self, tree};
use holos_lang::value::{Data, Number};
use holos_schemas::export::Format as Schemas;
use holos_schemas::validate::Validator;

/// The format of schemas that the flags ask for.
pub(super) fn wanted(format: Format) -> Option<Schemas> {
    Some(match format {
        Format::Crd => Schemas::Crd,
        Format::Openapi => Schemas::Openapi,
        Format::Jsonschema => Schemas::Jsonschema,
        _ => return None,
    })
}

/// Writes every kind of the packages that are named, or those of `-e`: `#Deployment`, `apps.#Deployment`.
pub(super) fn run(session: &mut Session, args: &Export, schemas: Schemas) -> Outcome {
    let path = match target(&session.files, &args.output, Format::Json) {
        Ok((_, path)) => path,
        Err(error) => return session.report(&[error]),
    };
    let mut validator = Validator::new();
    super::manifests::installed(session, &mut validator);
    let named = match named(session, args, &validator, schemas) {
        Ok(named) => named,
        Err(errors) => return session.report(&errors),
    };
    let mut values = Vec::new();
    for (path, definition) in named {
        let found = validator.export(&path, definition.as_deref(), schemas);
        if found.is_empty() {
            let shown = definition.unwrap_or(path);
            return session.report(&[unknown(&shown)]);
        }
        values.extend(found.iter().map(|json| Value::Data(data(json))));
    }
    let format = match schemas {
        Schemas::Crd => Format::Yaml,
        _ => Format::Json,
    };
    export::finish(session, Outcome::Fine, format, path.as_deref(), &values)
}

/// The packages, and in them the definitions, that the arguments name.
fn named(
    session: &mut Session,
    args: &Export,
    validator: &Validator,
    schemas: Schemas,
) -> Result<Vec<(String, Option<String>)>, Vec<Diagnostic>> {
    let definitions = |package: &str| match &args.expression[..] {
        [] => vec![(package.to_owned(), None)],
        some => some
            .iter()
            .map(|text| (package.to_owned(), Some(text.clone())))
            .collect(),
    };
    let mut found = Vec::new();
    let mut inputs = args.inputs.clone();
    // Packages that ship, or that `get` put into the module, are named by their import paths.
    inputs.inputs.retain(|input| {
        let package = !session.files.absolute(input).exists()
            && !validator.export(input, None, schemas).is_empty();
        if package {
            found.extend(definitions(input));
        }
        !package
    });
    if !found.is_empty() && inputs.inputs.is_empty() {
        return Ok(found);
    }
    let files = session.files.clone();
    let instances = Loader::new(&files).load(&mut session.sources, &inputs)?;
    for instance in &instances {
        for text in &args.expression {
            let (path, definition) = kind(instance, text).ok_or_else(|| vec![unknown(text)])?;
            found.push((path, Some(definition)));
        }
        if args.expression.is_empty() {
            found.push((instance.package.path.to_string(), None));
        }
    }
    Ok(found)
}

fn unknown(what: &str) -> Diagnostic {
    Diagnostic::error(Code(505), format!("`{what}` is no kind that was imported"))
        .help("name the definition of a kind in its package: `apps.#Deployment`")
}

/// The package and the definition that an expression names.
fn kind(instance: &Instance, text: &str) -> Option<(String, String)> {
    let (expr, errors) = syntax::parse_expr(FileId(0), text);
    if !errors.is_empty() {
        return None;
    }
    match expr {
        tree::Expr::Ident(ident) => {
            Some((instance.package.path.to_string(), ident.name.to_string()))
        }
        tree::Expr::Selector(selector) => {
            let tree::Expr::Ident(base) = &*selector.base else {
                return None;
            };
            let tree::SelectorName::Ident(definition) = &selector.name else {
                return None;
            };
            let mut imports = (instance.package.files.iter()).flat_map(|(_, file)| &file.imports);
            let import = imports.find(|import| match &import.alias {
                Some(alias) => alias.name == base.name,
                None => import.path.rsplit(['/', ':']).next() == Some(&base.name),
            })?;
            let path = import.path.split(':').next().unwrap_or_default();
            Some((path.to_owned(), definition.name.to_string()))
        }
        _ => None,
    }
}

fn data(json: &serde_json::Value) -> Data {
    use serde_json::Value as Json;
    match json {
        Json::Null => Data::Null,
        Json::Bool(b) => Data::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(
            || {
                n.as_f64()
                    .and_then(Number::from_f64)
                    .map_or(Data::Null, Data::Number)
            },
            |n| Data::Number(n.into()),
        ),
        Json::String(s) => Data::String(s.as_str().into()),
        Json::Array(list) => Data::List(list.iter().map(data).collect()),
        Json::Object(fields) => Data::Struct(
            (fields.iter())
                .map(|(name, value)| (name.as_str().into(), data(value)))
                .collect(),
        ),
    }
}
