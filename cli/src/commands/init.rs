//! `holosc init`: a module here, and on request a small platform to start from.

use super::Session;
use crate::Outcome;
use crate::args::{Cloud, Init};
use crate::files::write;
use holos_lang::diagnostic::{Code, Diagnostic};

pub(super) fn run(session: &mut Session, args: &Init) -> Outcome {
    match make(session, args) {
        Ok(text) => session.print(text.as_bytes()),
        Err(error) => session.report(&[error]),
    }
}

fn make(session: &Session, args: &Init) -> Result<String, Diagnostic> {
    let cwd = session.files.cwd.clone();
    for mark in ["holos.mod/module.holos", "cue.mod/module.cue"] {
        if session.files.is_file(&cwd.join(mark)) {
            return Err(Diagnostic::error(
                Code(910),
                format!("there is a module here already: {mark}"),
            ));
        }
    }
    let directory: String = cwd.file_name().map_or("platform".into(), |name| {
        name.to_string_lossy().to_lowercase()
    });
    let module = args
        .module
        .clone()
        .unwrap_or_else(|| format!("{}.example", plain(&directory)));
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-~@".contains(c);
    if module.is_empty() || !module.chars().all(fits) || module.starts_with('/') {
        return Err(
            Diagnostic::error(Code(910), format!("`{module}` is not a module path"))
                .help("write it like `acme.example/platform`"),
        );
    }
    let mut files = vec![(
        "holos.mod/module.holos".to_string(),
        format!("module: \"{module}\"\nlanguage: version: \"v0.17.0\"\n"),
    )];
    if args.platform {
        files.push(("platform.holos".to_string(), platform(args, &module)?));
    }
    let mut out = String::new();
    for (name, text) in files {
        let path = cwd.join(&name);
        if session.files.is_file(&path) {
            return Err(Diagnostic::error(Code(910), format!("`{name}` exists")));
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| {
                let parent = session.files.display(parent);
                Diagnostic::error(
                    Code(905),
                    format!("cannot make `{parent}`: {}", crate::files::plain(&e)),
                )
            })?;
        }
        write(&session.files, &path, text.as_bytes())?;
        out.push_str(&format!(" wrote  {name}\n"));
    }
    if args.platform {
        out.push_str("\nNow: holosc render\n");
    }
    Ok(out)
}

/// Letters and digits of a name, fit for a package and a DNS label.
fn plain(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.to_lowercase()
    } else {
        format!("p{name}")
    }
}

/// A small platform: one management cluster, a primary in the first region, a standby in each other.
fn platform(args: &Init, module: &str) -> Result<String, Diagnostic> {
    let last = module.rsplit('/').next().unwrap_or(module);
    let name = match &args.name {
        Some(name) if plain(name) != *name => {
            let message = format!("`{name}` cannot be the name of a platform");
            return Err(Diagnostic::error(Code(910), message)
                .help("a name is lower-case letters and digits, and begins with a letter"));
        }
        Some(name) => name.clone(),
        None => plain(last.split(['.', '@']).next().unwrap_or(last)),
    };
    let domain = args.domain.clone().unwrap_or(format!("{name}.example"));
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let regions: Vec<&str> = match (args.provider, args.regions.len()) {
        (Cloud::Gke, 0) => vec!["us-central1", "us-east1"],
        (_, 0) => vec!["us-east-2", "us-west-2"],
        _ => args.regions.iter().map(String::as_str).collect(),
    };
    if let Some(bad) = regions
        .iter()
        .chain([&domain.as_str()])
        .find(|text| text.is_empty() || !text.chars().all(fits))
    {
        let message = format!("`{bad}` is neither a domain nor a region");
        return Err(Diagnostic::error(Code(910), message));
    }
    let provider = |cluster: &str, region: &str| match args.provider {
        Cloud::Eks => {
            format!("provider: eks: {{account: \"123456789012\", region: \"{region}\"}}")
        }
        Cloud::Gke => {
            format!("provider: gke: {{project: \"{name}-{cluster}\", region: \"{region}\"}}")
        }
        Cloud::Existing => format!("provider: existing: region: \"{region}\""),
    };
    let mut clusters = format!(
        "\t\tmanagement: {{role: \"management\", {}}}\n",
        provider("management", regions[0])
    );
    for (i, region) in regions.iter().enumerate() {
        let (cluster, role) = match i {
            0 => ("primary".to_string(), "primary"),
            1 => ("standby".to_string(), "standby"),
            n => (format!("standby{n}"), "standby"),
        };
        clusters.push_str(&format!(
            "\t\t{cluster}: {{role: \"{role}\", {}}}\n",
            provider(&cluster, region)
        ));
    }
    let backups = match args.provider {
        Cloud::Gke => format!("gcs: bucket: \"{name}-backups\""),
        _ => format!(
            "s3: {{bucket: \"{name}-backups\", region: \"{}\"}}",
            regions[0]
        ),
    };
    Ok(format!(
        r#"package {name}

import "platform"

platform.#Platform & {{
	name:   "{name}"
	domain: "{domain}"

	clusters: {{
{clusters}	}}

	backups: {backups}

	namespaces: hello: {{owner: "team-hello", grants: "hello-developers": "edit"}}

	components: hello: platform.#WebService & {{
		namespace: "hello"
		image:     "registry.{domain}/hello:1.0.0"
		port:      8080
		host:      "hello"
		access:    "hello-developers"
	}}
}}
"#
    ))
}
