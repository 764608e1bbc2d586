//! `holosc export --components`: what each component of a Holos platform evaluates to.
//!
//! A platform of that kind is a package whose field `holos` lists components: directories, and the tags each is evaluated with.
//! The same directory may be a component many times over. All are evaluated in this process, side by side, and share the
//! files and the imports they have in common.

use super::{Session, apart};
use crate::Outcome;
use crate::args::{Export, Inputs};
use crate::encode::{Value, json};
use crate::load::{Instance, Loader};
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::value::Data;

/// Where a package says what it is for Holos.
const FIELD: &str = "holos";

/// The values of the components, in the platform's order.
pub(super) fn values(session: &mut Session, args: &Export) -> (Outcome, Vec<Value>) {
    let files = session.files.clone();
    let mut loader = Loader::new(&files);
    let expressions = if args.expression.is_empty() {
        vec![FIELD.to_owned()]
    } else {
        args.expression.clone()
    };
    let mut parsed = Vec::new();
    for text in &expressions {
        match session.parse("--expression", text) {
            Ok(expression) => parsed.push(expression),
            Err(errors) => return (session.report(&errors), Vec::new()),
        }
    }
    let (field, field_expr) = match session.parse("--components", FIELD) {
        Ok(expression) => expression,
        Err(errors) => return (session.report(&errors), Vec::new()),
    };
    let mut platforms = match loader.load(&mut session.sources, &args.inputs) {
        Ok(instances) => instances,
        Err(errors) => return (session.report(&errors), Vec::new()),
    };
    let mut outcome = Outcome::Fine;
    let mut values = Vec::new();
    for mut platform in platforms.drain(..) {
        platform.merge_data();
        let name = platform.name.clone();
        let module = platform.module.clone();
        let mut only = Some(platform);
        let evaluated = apart::each(
            session,
            &mut loader,
            |_, _| only.take().map(Ok),
            |evaluation| {
                let node = evaluation.expression(field, &field_expr)?;
                evaluation.data(node)
            },
        );
        let mut listed = None;
        for platform in evaluated {
            outcome = super::graver(outcome, session.report(&platform.found));
            listed = platform.value;
        }
        let Some(listed) = listed else { continue };
        let root = module.map_or_else(|| files.cwd.clone(), |module| module.root);
        let components = match components(&listed, &root, &args.inputs) {
            Some(components) => components,
            None => {
                let error = Diagnostic::error(
                    Code(910),
                    format!(
                        "`{name}` lists no components: `{FIELD}.spec.components` is no list of structs with a name and a path"
                    ),
                );
                outcome = super::graver(outcome, session.report(&[error]));
                continue;
            }
        };
        let mut components = components.into_iter();
        let next = |session: &mut Session, loader: &mut Loader<'_>| {
            let Component {
                name,
                inputs,
                parameters,
            } = components.next()?;
            let loaded = loader.load_component(&mut session.sources, &inputs, &parameters);
            let named = |error: Diagnostic| match error.code {
                Code(908) => error.note(format!("it is a parameter of component `{name}`")),
                _ => error,
            };
            let loaded = loaded.map_err(|errors| errors.into_iter().map(named).collect());
            Some(loaded.and_then(|instances| one(instances, &inputs)))
        };
        let evaluated = apart::each(session, &mut loader, next, |evaluation| {
            let mut out = Vec::with_capacity(parsed.len());
            for (file, expr) in &parsed {
                let node = evaluation.expression(*file, expr)?;
                out.push(evaluation.data(node)?);
            }
            Ok(out)
        });
        for component in evaluated {
            outcome = super::graver(outcome, session.report(&component.found));
            values.extend(component.value.into_iter().flatten().map(Value::Data));
        }
    }
    (outcome, values)
}

fn one(mut instances: Vec<Instance>, inputs: &Inputs) -> Result<Instance, Vec<Diagnostic>> {
    match instances.pop() {
        Some(only) if instances.is_empty() => Ok(only),
        _ => Err(vec![Diagnostic::error(
            Code(907),
            format!("`{}` is not one package", inputs.inputs.join(" ")),
        )]),
    }
}

/// How a component of a platform is loaded.
struct Component {
    name: String,
    inputs: Inputs,
    /// The tags that are meant for it alone.
    parameters: Vec<String>,
}

/// How each component of a platform is loaded; `None` where the value lists none.
fn components(platform: &Data, root: &std::path::Path, given: &Inputs) -> Option<Vec<Component>> {
    let Data::List(list) = field(field(platform, "spec")?, "components")? else {
        return None;
    };
    list.iter()
        .map(|component| {
            let name = text(field(component, "name")?)?;
            let path = text(field(component, "path")?)?;
            // The platform's own tags first: of two values for one tag the later counts.
            let mut tags = given.tags.clone();
            tags.push(format!("holos_component_name={name}"));
            tags.push(format!("holos_component_path={path}"));
            for (key, tag) in [
                ("labels", "holos_component_labels"),
                ("annotations", "holos_component_annotations"),
            ] {
                if let Some(value @ Data::Struct(_)) = field(component, key) {
                    tags.push(format!("{tag}={}", json(value)));
                }
            }
            let mut parameters = Vec::new();
            if let Some(Data::Struct(given)) = field(component, "parameters") {
                for (key, value) in given.iter() {
                    tags.push(format!("{key}={}", text(value)?));
                    parameters.push(key.to_string());
                }
            }
            let inputs = Inputs {
                inputs: vec![root.join(path).display().to_string()],
                tags,
                tag_variables: given.tag_variables,
                ..Inputs::default()
            };
            Some(Component {
                name: name.to_owned(),
                inputs,
                parameters,
            })
        })
        .collect()
}

fn field<'d>(data: &'d Data, name: &str) -> Option<&'d Data> {
    match data {
        Data::Struct(fields) => {
            let mut fields = fields.iter();
            fields
                .find(|(label, _)| &**label == name)
                .map(|(_, value)| value)
        }
        _ => None,
    }
}

fn text(data: &Data) -> Option<&str> {
    match data {
        Data::String(text) => Some(text),
        _ => None,
    }
}
