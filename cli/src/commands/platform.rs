//! `holosc secrets`, `order` and `graph`: what a platform has to say about itself (its field `inventory`).

use super::{Session, external};
use crate::Outcome;
use crate::args::{Graph, Inputs, PlatformInput, Secrets};
use crate::encode::json;
use crate::render::platform::{Platform, fields, get, strings, text};
use holos_lang::diagnostic::{Code, Diagnostic, Label};
use holos_lang::eval::Evaluation;
use holos_lang::value::Data;
use std::fmt::Write;

/// The page that draws the graph; its data goes where the mark is.
const PAGE: &str = include_str!("graph.html");
const MARK: &str = "/*DATA*/";
/// How many findings are shown with their places: finding one out takes as long as a small evaluation.
const MOST_LOCATED: usize = 20;
/// How many steps of an object's path come before its last.
const OBJECT: usize = 3;

impl Session {
    /// The one platform of a directory, and what is made of its manifests while its laws are looked at. `findings` are what was
    /// found out about objects.
    pub(super) fn platform<T: Send>(
        &mut self,
        input: &PlatformInput,
        meanwhile: impl Fn(&Data, Option<&Data>) -> T + Sync,
        findings: fn(&mut T) -> &mut [Diagnostic],
    ) -> Result<(Platform, T), Outcome> {
        let inputs = Inputs {
            inputs: vec![input.directory.clone()],
            tags: input.tags.clone(),
            tag_variables: input.tag_variables,
            ..Inputs::default()
        };
        let mut platforms = Vec::new();
        self.programs = true;
        self.only_used = true;
        let outcome = self.each(
            &inputs,
            true,
            |session, evaluation, _| match Platform::read(evaluation, &meanwhile) {
                Ok((platform, mut made)) => {
                    session.locate(evaluation, findings(&mut made));
                    platforms.push((platform, made));
                    Outcome::Fine
                }
                Err(errors) => session.report(&errors),
            },
        );
        match (outcome, platforms.pop()) {
            (Outcome::Fine, Some(platform)) if platforms.is_empty() => Ok(platform),
            (Outcome::Fine, _) => {
                let error =
                    Diagnostic::error(Code(910), "this takes one platform, and several were named");
                Err(self.report(&[error]))
            }
            (outcome, _) => Err(outcome),
        }
    }

    /// Shows where what is wrong with objects was written, by a person or by a program that rendered for the platform.
    pub(super) fn locate(&mut self, evaluation: &mut Evaluation<'_>, found: &mut [Diagnostic]) {
        let unplaced = found.iter_mut().filter(|d| d.labels.is_empty());
        for diagnostic in unplaced.take(MOST_LOCATED) {
            let path = diagnostic.path.clone();
            let place = outwards(&path).find_map(|part| {
                external::place(&mut self.sources, evaluation, part)
                    .map(|place| (place, part.len() == path.len()))
            });
            if let Some((place, exact)) = place {
                let text = if exact { "refused" } else { "here" };
                diagnostic.labels.push(Label {
                    place,
                    message: text.into(),
                });
            }
        }
    }

    fn inventory(&mut self, input: &PlatformInput, part: &str) -> Result<Data, Outcome> {
        let (platform, ()) = self.platform(input, |_, _| (), |()| &mut [])?;
        match platform.inventory.as_ref().and_then(|all| get(all, part)) {
            Some(found) => Ok(found.clone()),
            None => {
                let message = format!("this platform has no `inventory.{part}`");
                let error = Diagnostic::error(Code(430), message)
                    .help("`platform.#Platform` of the platform library has it");
                Err(self.report(&[error]))
            }
        }
    }
}

/// A path into an object, `manifests.<cluster>.<component>.<key>.…`, and what is around its end, up to the object.
fn outwards(path: &str) -> impl Iterator<Item = &str> {
    let mut ends = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in path.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '.' | '[' if !quoted => ends.push(at),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    ends.push(path.len());
    ends.into_iter().skip(OBJECT).rev().map(|end| &path[..end])
}

/// Every secret that the platform expects, those that somebody has to make first.
pub(super) fn secrets(session: &mut Session, args: &Secrets) -> Outcome {
    let all = match session.inventory(&args.input, "secrets") {
        Ok(all) => all,
        Err(outcome) => return outcome,
    };
    let made = |secret: &Data| get(secret, "created") == Some(&Data::Bool(true));
    let (created, expected): (Vec<_>, Vec<_>) =
        fields(&all).iter().partition(|(_, secret)| made(secret));
    let mut out = format!(
        "{} secrets to make on management, each once and in its namespace:\n",
        expected.len()
    );
    for (name, secret) in &expected {
        describe(&mut out, name, secret);
    }
    if args.all {
        let _ = write!(
            out,
            "\n{} secrets that are made by themselves:\n",
            created.len()
        );
        for (name, secret) in &created {
            describe(&mut out, name, secret);
        }
    } else if !created.is_empty() {
        let _ = write!(
            out,
            "\n{} more are made by themselves; `--all` lists them\n",
            created.len()
        );
    }
    session.print(out.as_bytes())
}

fn describe(out: &mut String, name: &str, secret: &Data) {
    let list = |field| get(secret, field).map(strings).unwrap_or_default();
    let consumers = list("consumers");
    let _ = writeln!(out, "\n{name}");
    let rows = [
        ("type", text(secret, "type").to_string()),
        ("keys", list("keys").join(", ")),
        ("owner", text(secret, "owner").to_string()),
        ("read by", consumers.join(", ")),
        ("how", text(secret, "how").to_string()),
    ];
    for (title, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "  {title:<8} {value}");
    }
}

/// In which order the components are synchronized.
pub(super) fn order(session: &mut Session, input: &PlatformInput) -> Outcome {
    let (order, after) = match (
        session.inventory(input, "order"),
        session.inventory(input, "after"),
    ) {
        (Ok(order), Ok(after)) => (order, after),
        (Err(outcome), _) | (_, Err(outcome)) => return outcome,
    };
    let wave = |data: &Data| match data {
        Data::Number(number) => number.to_string().parse::<i64>().unwrap_or(0),
        _ => 0,
    };
    let mut rows: Vec<(i64, &str)> = fields(&order)
        .iter()
        .map(|(name, data)| (wave(data), &**name))
        .collect();
    rows.sort_unstable();
    let width = rows.iter().map(|(_, name)| name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (wave, name) in rows {
        let after = get(&after, name).map(strings).unwrap_or_default();
        let after = match after.len() {
            0 => String::new(),
            _ => format!("   after {}", after.join(", ")),
        };
        let _ = writeln!(
            out,
            "{}",
            format!("{wave:>3}  {name:<width$}{after}").trim_end()
        );
    }
    session.print(out.as_bytes())
}

/// The platform as a picture: Mermaid, or a page.
pub(super) fn graph(session: &mut Session, args: &Graph) -> Outcome {
    let platform = match session.platform(&args.input, |_, _| (), |()| &mut []) {
        Ok((platform, ())) => platform,
        Err(outcome) => return outcome,
    };
    let Some(inventory) = &platform.inventory else {
        let error = Diagnostic::error(Code(430), "this platform has no `inventory`");
        return session.report(&[error]);
    };
    let out = if args.html {
        // Nothing in a script may end it.
        PAGE.replacen(MARK, &json(inventory).replace("</", "<\\/"), 1)
    } else {
        mermaid(inventory)
    };
    session.print(out.as_bytes())
}

fn mermaid(inventory: &Data) -> String {
    let nothing = Data::Struct(Vec::new().into());
    let graph = get(inventory, "graph").unwrap_or(&nothing);
    let part = |name| get(graph, name).map(fields).unwrap_or_default();
    let id = |kind: &str, name: &str| {
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        format!("{kind}_{name}")
    };
    let mut out = String::from("graph LR\n");
    for (cluster, about) in part("clusters") {
        let _ = writeln!(
            out,
            "  {}([\"{cluster}: {}, {}\"])",
            id("cluster", cluster),
            text(about, "role"),
            text(about, "provider")
        );
    }
    for (namespace, _) in part("namespaces") {
        let inside: Vec<_> = part("components")
            .iter()
            .filter(|(_, about)| text(about, "namespace") == &**namespace)
            .collect();
        if inside.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  subgraph {}[\"{namespace}\"]", id("ns", namespace));
        for (component, about) in inside {
            let _ = writeln!(out, "    {}[\"{component}\"]", id("c", component));
            for database in get(about, "databases").map(strings).unwrap_or_default() {
                let node = id("db", &format!("{component}_{database}"));
                let _ = writeln!(out, "    {node}[(\"{database}\")]");
                let _ = writeln!(out, "    {} --> {node}", id("c", component));
            }
        }
        let _ = writeln!(out, "  end");
    }
    let after = get(inventory, "after").map(fields).unwrap_or_default();
    for (component, about) in part("components") {
        for host in get(about, "hosts").map(strings).unwrap_or_default() {
            let node = id("host", host);
            let _ = writeln!(out, "  {node}{{{{\"{host}\"}}}} --> {}", id("c", component));
        }
        let needed = after
            .iter()
            .find(|(name, _)| name == component)
            .map(|(_, all)| strings(all))
            .unwrap_or_default();
        for other in needed.iter().filter(|name| **name != "secret-stores") {
            let _ = writeln!(out, "  {} -.-> {}", id("c", component), id("c", other));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::outwards;

    #[test]
    fn a_path_is_followed_outwards_to_its_object() {
        let path = r#"manifests.east.a."Deployment/a.b".spec.list[0].name"#;
        let parts: Vec<&str> = outwards(path).collect();
        assert_eq!(parts.len(), 5);
        assert_eq!(parts[0], path);
        assert_eq!(
            parts[1],
            r#"manifests.east.a."Deployment/a.b".spec.list[0]"#
        );
        assert_eq!(parts[4], r#"manifests.east.a."Deployment/a.b""#);
        assert_eq!(outwards("gitops.east.a").count(), 0);
    }
}
