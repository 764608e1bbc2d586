//! The built-in kinds: where their definitions live, and what the published document lacks.

use super::package::Definition;
use super::print::{Needs, Target};
use crate::schema::{Additional, Id, Pool, Schema, Type};
use crate::yaml::{self, Node, Value};
use holos_lang::diagnostic::FileId;
use std::collections::{BTreeMap, BTreeSet};

/// The import path and definition of a name in Kubernetes' OpenAPI document, such as
/// `io.k8s.api.apps.v1.Deployment`.
pub(crate) fn target(name: &str) -> Option<(String, String)> {
    let (package, definition) = name.rsplit_once('.')?;
    let path = match package.strip_prefix("io.k8s.")?.split_once('.')? {
        ("api", rest) => format!("k8s.io/api/{}", rest.replace('.', "/")),
        (
            repository @ ("apimachinery"
            | "apiextensions-apiserver"
            | "kube-aggregator"
            | "metrics"),
            rest,
        ) => format!("k8s.io/{repository}/{}", rest.replace('.', "/")),
        // Kinds of other groups below `k8s.io`, such as those of `gateway.networking.k8s.io`.
        _ => return None,
    };
    Some((path, definition.to_owned()))
}

/// Where a reference to `name` from the package `from` leads.
pub(super) fn resolve(from: &str, name: &str) -> Option<Target> {
    let (path, definition) = target(name)?;
    let path = (path != from).then_some(path);
    Some(Target {
        path,
        definition: format!("#{definition}"),
    })
}

/// Fields required since 1.36 which objects written for earlier clusters leave out.
const UNREQUIRED: &[&str] = &["validationActions"];

/// Facts about fields that the published document lacks, read from the Go types.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Definition and field to the values allowed.
    enums: BTreeMap<(String, String), Vec<String>>,
    /// Definition and field to validation markers.
    markers: BTreeMap<(String, String), Vec<String>>,
    /// Definition and field of structs that are there, empty, when nobody sets them.
    structs: BTreeSet<(String, String)>,
}

impl Extras {
    /// Reads two tables of tab-separated columns: definition, field, Go type, and the values with `|`
    /// between them, or one marker.
    pub fn read(enums: &str, markers: &str) -> Extras {
        let mut extras = Extras::default();
        for [definition, field, _, values] in rows(enums) {
            let values = values.split('|').map(str::to_owned).collect();
            extras
                .enums
                .insert((definition.to_owned(), field.to_owned()), values);
        }
        for [definition, field, _, marker] in rows(markers) {
            let key = (definition.to_owned(), field.to_owned());
            extras
                .markers
                .entry(key)
                .or_default()
                .push(stable(marker).to_owned());
        }
        extras
    }

    /// Reads which structs are never absent, from an OpenAPI 3 document of Kubernetes: there their
    /// default is `{}`. A status is the server's to fill.
    pub fn with_defaults(mut self, file: FileId, document: &str) -> Extras {
        for document in yaml::documents(file, document).0 {
            let schemas = document.get("components").and_then(|c| c.get("schemas"));
            for definition in schemas.map(Node::entries).unwrap_or_default() {
                let properties = definition
                    .value
                    .get("properties")
                    .map(Node::entries)
                    .unwrap_or_default();
                for property in properties.iter().filter(|p| &*p.key == "spec") {
                    let default = property.value.get("default");
                    if default.is_some_and(|d| d.value == Value::Map(Vec::new())) {
                        self.structs
                            .insert((definition.key.to_string(), property.key.to_string()));
                    }
                }
            }
        }
        self
    }

    /// Adds the facts to a definition.
    pub(super) fn apply(&self, pool: &mut Pool, name: &str, id: Id) -> Id {
        let mut schema = pool.get(id).clone();
        known(name, &mut schema, pool);
        schema
            .required
            .retain(|field| !UNREQUIRED.contains(&&**field));
        for at in 0..schema.properties.len() {
            let (field, id) = schema.properties[at].clone();
            let key = (name.to_owned(), field.to_string());
            let mut property = pool.get(id).clone();
            if let Some(values) = self.enums.get(&key) {
                let values = values
                    .iter()
                    .map(|v| serde_json::Value::from(v.as_str()).to_string().into());
                deepest(pool, &mut property, &mut |scalar| {
                    scalar.values = values.clone().collect()
                });
            }
            for marker in self.markers.get(&key).into_iter().flatten() {
                let required = marker == "+k8s:required" && !UNREQUIRED.contains(&&*field);
                if required && !schema.required.contains(&field) {
                    schema.required.push(field.clone());
                    schema.required.sort();
                }
                mark(&mut property, marker);
            }
            if self.structs.contains(&key) {
                property.default = Some("{}".into());
            }
            schema.properties[at].1 = pool.add(property);
        }
        pool.add(schema)
    }
}

fn rows(table: &str) -> impl Iterator<Item = [&str; 4]> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| line.splitn(4, '\t').collect::<Vec<_>>().try_into().ok())
}

/// A marker without its stage: `+k8s:alpha(since: "1.36")=+k8s:required` is in force as well, since
/// the hand-written validation it restates is.
fn stable(marker: &str) -> &str {
    let staged = ["+k8s:alpha(", "+k8s:beta(", "+k8s:stable("]
        .iter()
        .any(|s| marker.starts_with(s));
    if staged {
        marker.split_once(")=").map_or(marker, |(_, rest)| rest)
    } else {
        marker
    }
}

fn mark(property: &mut Schema, marker: &str) {
    let Some((name, value)) = marker.split_once('=') else {
        return;
    };
    let count = || value.trim().parse().ok();
    match name {
        "+k8s:minimum" => property.minimum = Some(value.into()),
        "+k8s:maximum" => {
            property.maximum = Some(value.split(' ').next().unwrap_or_default().into())
        }
        "+k8s:maxItems" => property.max_items = count(),
        "+k8s:maxLength" => property.max_length = count(),
        "+default" => property.default = Some(value.into()),
        _ => {}
    }
}

/// Applies `change` to the schema at the end of `items` and `additionalProperties`.
fn deepest(pool: &mut Pool, schema: &mut Schema, change: &mut dyn FnMut(&mut Schema)) {
    if let Some(items) = schema.items {
        let mut element = pool.get(items).clone();
        deepest(pool, &mut element, change);
        schema.items = Some(pool.add(element));
    } else if let Some(Additional::Schema(value)) = schema.additional {
        let mut element = pool.get(value).clone();
        deepest(pool, &mut element, change);
        schema.additional = Some(Additional::Schema(pool.add(element)));
    } else {
        change(schema);
    }
}

/// Definitions whose Go type reads and writes its JSON by hand, so that the document says little.
fn known(name: &str, schema: &mut Schema, pool: &mut Pool) {
    let any = Schema::default();
    let props = |name: &str| Schema {
        reference: Some(
            format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.{name}").into(),
        ),
        ..Schema::default()
    };
    match name.rsplit('.').next().unwrap_or_default() {
        "Quantity" => {
            *schema = Schema {
                any_of: vec![
                    pool.add(Schema {
                        types: vec![Type::Number],
                        ..any.clone()
                    }),
                    pool.add(Schema {
                        types: vec![Type::String],
                        pattern: Some(super::QUANTITY.into()),
                        ..any.clone()
                    }),
                ],
                ..any
            };
        }
        "IntOrString" => {
            *schema = Schema {
                int_or_string: true,
                ..any
            };
        }
        "ContainerPort" | "ServicePort" => {
            // Part of the key by which ports are told apart.
            if let Some(port) = schema
                .properties
                .iter_mut()
                .find(|(name, _)| &**name == "protocol")
            {
                let default = Some("\"TCP\"".into());
                port.1 = pool.add(Schema {
                    types: vec![Type::String],
                    default,
                    ..any
                });
            }
        }
        "Time" | "MicroTime" => schema.nullable = true,
        "FieldsV1" | "RawExtension" | "Patch" => schema.preserve = true,
        "JSON" => *schema = any,
        "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrStringArray" => {
            let other = match name.rsplit("Or").next().unwrap_or_default() {
                "Bool" => Schema {
                    types: vec![Type::Boolean],
                    ..any
                },
                "Array" => Schema {
                    types: vec![Type::Array],
                    items: Some(pool.add(props("JSONSchemaProps"))),
                    ..any
                },
                _ => Schema {
                    types: vec![Type::Array],
                    items: Some(pool.add(Schema {
                        types: vec![Type::String],
                        ..any.clone()
                    })),
                    ..any
                },
            };
            *schema = Schema {
                any_of: vec![pool.add(props("JSONSchemaProps")), pool.add(other)],
                ..Schema::default()
            };
        }
        _ => {}
    }
}

/// Built-in kinds that are not in a namespace; the document's paths would say so.
pub(super) fn cluster_scoped() -> BTreeSet<&'static str> {
    [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "DeviceTaintRule",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourcePoolStatusRequest",
        "ResourceSlice",
        "RuntimeClass",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "ServiceCIDR",
        "StorageClass",
        "StorageVersion",
        "StorageVersionMigration",
        "SubjectAccessReview",
        "TokenReview",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    ]
    .into()
}

/// Definitions for formats, which the packages of all kinds use.
pub(super) fn formats() -> Vec<Definition> {
    let date_time = r##"=~#"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"#"##;
    let definition = |name: &str, text: &str, doc: &str| Definition {
        name: name.to_owned(),
        text: text.to_owned(),
        docs: vec![doc.to_owned()],
        needs: Needs {
            imports: BTreeSet::new(),
            definitions: BTreeSet::new(),
        },
        kind: false,
    };
    vec![
        definition(
            "#DateTime",
            date_time,
            "A point in time as RFC 3339 writes it.",
        ),
        definition(
            "#Bytes",
            r#"bytes | =~"^[A-Za-z0-9+/\\s]*={0,2}\\s*$""#,
            "Bytes, or their base64 encoding.",
        ),
    ]
}
