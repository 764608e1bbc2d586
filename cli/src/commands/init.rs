//! `holosc init`: a module here, and on request a small platform to start from.

use super::Session;
use crate::Outcome;
use crate::args::Init;
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
        let last = module.rsplit('/').next().unwrap_or(&module);
        files.push((
            "platform.holos".to_string(),
            platform(&plain(last.split(['.', '@']).next().unwrap_or(last))),
        ));
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

fn platform(name: &str) -> String {
    format!(
        r#"package {name}

import "platform"

platform.#Platform & {{
	name:   "{name}"
	domain: "{name}.example"

	clusters: {{
		management: {{role: "management", provider: gke: {{project: "{name}-mgmt", region: "us-central1"}}}}
		east: {{role: "primary", provider: eks: {{account: "123456789012", region: "us-east-2"}}}}
		west: {{role: "standby", provider: eks: {{account: "123456789012", region: "us-west-2"}}}}
	}}

	namespaces: hello: {{owner: "team-hello"}}

	components: hello: platform.#WebService & {{
		namespace: "hello"
		image:     "registry.{name}.example/hello:1.0.0"
		port:      8080
		host:      "hello"
	}}
}}
"#
    )
}
