//! `encoding/openapi`: definitions as the schemas of an OpenAPI document.

mod constraints;
mod formats;
mod object;
mod structural;
mod writer;

use super::arguments::*;
use holos_lang::value::Data;
use holos_lang::value::builtin::{CallError, Context, ValueRef};
use writer::{Options, Version};

package! {
    "encoding/openapi", "openapi", "Definitions as the schemas of an OpenAPI document.";
    constants {
        "#Config" = "{#Config: {version!: \"3.0.0\", info?: {title!: string, version!: string, summary?: string, description?: string, termsOfService?: string, contact?: {name?: string, url?: string, email?: string}, license?: {name!: string, url?: string}}, selfContained: bool | *false, expandReferences: bool | *false}}.#Config",
        "#Info" = "{#Info: {title!: string, version!: string, summary?: string, description?: string, termsOfService?: string, contact?: {name?: string, url?: string, email?: string}, license?: {name!: string, url?: string}}}.#Info",
        "#Contact" = "{#Contact: {name?: string, url?: string, email?: string}}.#Contact",
        "#License" = "{#License: {name!: string, url?: string}}.#License",
    }
    "MarshalSchema" (value config: ANY, value schema: ANY) -> STRING,
        "The definitions of a struct, with what is said above them, as an OpenAPI document in JSON; config is an openapi.#Config." => |context, a| {
            marshal(context, a.value(0)?, a.value(1)?)
        },
}

fn marshal(context: &mut dyn Context, config: ValueRef, schema: ValueRef) -> Result<String> {
    let flag = |context: &mut dyn Context, name: &str| {
        let value = context.lookup(config, name);
        value.is_some_and(|value| context.data(value) == Ok(Data::Bool(true)))
    };
    let expand = flag(context, "expandReferences");
    let version = match context.lookup(config, "version") {
        Some(value) => context.data(value).map_err(|error| error.argument(0))?,
        None => return Err(CallError::incomplete("config has no version").argument(0)),
    };
    let version = match &version {
        Data::String(text) => Version::named(text)
            .ok_or_else(|| error(format!("unsupported version {text}")).argument(0))?,
        _ => return Err(error("config.version must be a string").argument(0)),
    };
    let info = match context.lookup(config, "info") {
        Some(value) => match present(context, value).map_err(|error| error.argument(0))? {
            info @ Data::Struct(_) => Some(info),
            _ => return Err(error("config.info must be a struct").argument(0)),
        },
        None => None,
    };
    let options = Options {
        version,
        info,
        expand,
    };
    let mut document = Err(CallError::incomplete("the schema is not known"));
    context.read_schema(schema, &mut |reader, schema| {
        document = writer::document(reader, schema, &options);
    })?;
    crate::encoding::json::to_compact(&document?).map_err(|e| error(e.to_string()))
}

/// A value as data, without required fields that are missing.
fn present(context: &mut dyn Context, value: ValueRef) -> Result<Data> {
    if context.kind(value) != STRUCT {
        return context.data(value);
    }
    let mut out = Vec::new();
    for (name, field) in context.fields(value)? {
        out.push((name, present(context, field)?));
    }
    Ok(Data::Struct(out.into()))
}
