//! A large platform, made on the spot: what it takes to render it, and to render it again after one field was changed.

use super::workloads::File;
use std::fmt::Write;

/// How large it is. Every platform has the library's own components and namespaces, which count as well.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub clusters: usize,
    pub components: usize,
    pub namespaces: usize,
}

/// The size that the times are promised for.
pub const PROMISED: Size = Size {
    clusters: 3,
    components: 40,
    namespaces: 200,
};

/// What the library itself has, besides `namespaces` and `secret-stores`, which render as components do.
const OWN_COMPONENTS: usize = 27;
const OWN_NAMESPACES: usize = 12;

/// The platform; `tag` is the tag of one component's image.
pub fn files(size: Size, tag: &str) -> Vec<File> {
    let mut text = String::from(
        r#"package acme

import "platform"

platform.#Platform & {
	name:   "acme"
	domain: "acme.example"

	clusters: {
		management: {role: "management", provider: gke: {project: "acme-mgmt", region: "us-central1"}, spot: true}
		primary: {role: "primary", provider: eks: {account: "123456789012", region: "us-east-2"}}
"#,
    );
    for i in 2..size.clusters {
        _ = writeln!(
            text,
            "\t\t\"standby-{i}\": {{role: \"standby\", provider: eks: {{account: \"123456789012\", region: \"us-west-2\"}}}}"
        );
    }
    text.push_str(
        r#"	}
	backups: s3: {bucket: "acme-backups", region: "us-east-2"}
	registries: ecr: "123456789012": region: "us-east-2"
"#,
    );
    let namespaces = size.namespaces.saturating_sub(OWN_NAMESPACES).max(1);
    for i in 0..namespaces {
        let team = i % 20;
        _ = writeln!(
            text,
            "\tnamespaces: \"team-{i:03}\": {{owner: \"team-{team}\", grants: {{\"developers-{i}\": \"edit\", \"leads-{i}\": \"secrets\"}}}}"
        );
    }
    let applications = size.components.saturating_sub(OWN_COMPONENTS);
    for i in 0..applications {
        let namespace = i * (namespaces / applications).max(1) % namespaces;
        let (port, tag) = (8000 + i, if i == 0 { tag } else { "1.0.0" });
        let database = match i % 4 {
            0 => "\n\t\tdatabase:  postgres: storage: \"20Gi\"",
            _ => "",
        };
        _ = writeln!(
            text,
            r#"	components: "app-{i:02}": platform.#WebService & {{
		namespace: "team-{namespace:03}"
		image:     "registry.acme.example/app-{i:02}:{tag}"
		port:      {port}
		host:      "app-{i:02}"
		access:    "developers-{namespace}"{database}
	}}"#
        );
    }
    text.push_str("}\n");
    vec![("platform.holos".to_owned(), text)]
}
