//! How two rendered platforms differ, by object, and what may come of it when the difference is applied.

use super::change::{Change, Value, compare, documents};
use std::collections::{BTreeMap, BTreeSet};

/// Files by path below the output directory.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What may come of a change, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Risk {
    /// Data may be gone for good.
    DataLoss,
    /// The API server refuses it: the object has to be deleted and made again.
    Immutable,
    /// Who may do or reach what changes.
    Security,
    /// Pods are replaced.
    Restart,
    Other,
}

impl Risk {
    /// All of them, the worst first.
    pub const ALL: [Risk; 5] = [
        Risk::DataLoss,
        Risk::Immutable,
        Risk::Security,
        Risk::Restart,
        Risk::Other,
    ];

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Risk::DataLoss => "may lose data",
            Risk::Immutable => "cannot be changed in place",
            Risk::Security => "changes who may do or reach what",
            Risk::Restart => "restarts pods",
            Risk::Other => "other changes",
        }
    }
}

/// What identifies an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Identity {
    pub cluster: String,
    pub namespace: String,
    /// The API group; the version is no part of what an object is.
    group: String,
    pub kind: String,
    pub name: String,
}

/// An object that is new, gone or another.
#[derive(Debug)]
pub struct Touched {
    pub identity: Identity,
    /// `+`, `-` or `~`.
    pub mark: char,
    pub risk: Risk,
    /// What about it, the worst first.
    pub words: String,
}

/// The objects that differ, the riskiest first.
pub fn between(before: &Files, after: &Files) -> Vec<Touched> {
    let empty = Vec::new();
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let (a, b) = (
            before.get(path).unwrap_or(&empty),
            after.get(path).unwrap_or(&empty),
        );
        if a != b {
            read(path, a, &mut old);
            read(path, b, &mut new);
        }
    }
    let mut out = Vec::new();
    for (identity, object) in &new {
        match old.get(identity) {
            None => out.push(Touched {
                identity: identity.clone(),
                mark: '+',
                risk: if about_security(identity, &[]) {
                    Risk::Security
                } else {
                    Risk::Other
                },
                words: String::new(),
            }),
            Some(earlier) => {
                let mut changes = Vec::new();
                compare(&mut Vec::new(), earlier, object, &mut changes);
                out.extend(changed(identity, changes));
            }
        }
    }
    for identity in old.keys().filter(|identity| !new.contains_key(*identity)) {
        out.push(Touched {
            identity: identity.clone(),
            mark: '-',
            risk: removal(identity),
            words: String::new(),
        });
    }
    out.sort_by(|a, b| (a.risk, &a.identity).cmp(&(b.risk, &b.identity)));
    out
}

/// The objects of a file, `clusters/<cluster>/…`.
fn read(path: &str, text: &[u8], out: &mut BTreeMap<Identity, Value>) {
    let cluster = path.split('/').nth(1).unwrap_or_default();
    for object in documents(text) {
        let metadata = |name| {
            object
                .get("metadata")
                .map_or("", |metadata| metadata.text(name))
                .to_string()
        };
        let version = object.text("apiVersion");
        let identity = Identity {
            cluster: cluster.into(),
            namespace: metadata("namespace"),
            group: version
                .rsplit_once('/')
                .map_or("", |(group, _)| group)
                .into(),
            kind: object.text("kind").into(),
            name: metadata("name"),
        };
        out.insert(identity, object);
    }
}

fn changed(identity: &Identity, changes: Vec<Change>) -> Option<Touched> {
    let mut ranked: Vec<(Risk, Change)> = changes
        .into_iter()
        .map(|change| (risk(identity, &change), change))
        .collect();
    ranked.sort_by_key(|(risk, _)| *risk);
    let (worst, first) = ranked.first()?;
    let words = match ranked.len() {
        1 => first.words.clone(),
        n => format!("{}, and {} more", first.words, n - 1),
    };
    Some(Touched {
        identity: identity.clone(),
        mark: '~',
        risk: *worst,
        words,
    })
}

fn removal(identity: &Identity) -> Risk {
    let holds_data = match (identity.group.as_str(), identity.kind.as_str()) {
        ("", "Namespace" | "PersistentVolumeClaim" | "PersistentVolume")
        | ("apps", "StatefulSet")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("postgresql.cnpg.io", "Cluster" | "Database")
        | ("barmancloud.cnpg.io", "ObjectStore")
        | (_, "PostgresCluster" | "Bucket" | "DatabaseInstance") => true,
        (group, "Instance" | "Cluster") => group.ends_with(".aws.m.upbound.io"),
        ("cluster.x-k8s.io", _) => true,
        _ => false,
    };
    match holds_data {
        true => Risk::DataLoss,
        false if about_security(identity, &[]) => Risk::Security,
        false => Risk::Other,
    }
}

fn risk(identity: &Identity, change: &Change) -> Risk {
    let path: Vec<&str> = change.path.iter().map(String::as_str).collect();
    let kind = identity.kind.as_str();
    if loses_data(&path, change) {
        return Risk::DataLoss;
    }
    let immutable = match (kind, &path[..]) {
        ("Deployment" | "StatefulSet" | "DaemonSet", ["spec", "selector", ..])
        | (
            "StatefulSet",
            [
                "spec",
                "serviceName" | "volumeClaimTemplates" | "podManagementPolicy",
                ..,
            ],
        )
        | ("Job", ["spec", "selector" | "template" | "completions", ..])
        | ("RoleBinding" | "ClusterRoleBinding", ["roleRef", ..])
        | ("StorageClass", ["provisioner" | "parameters" | "reclaimPolicy", ..])
        | ("Service", ["spec", "clusterIP"])
        | ("Secret", ["type"])
        | (
            "PersistentVolumeClaim",
            [
                "spec",
                "accessModes" | "storageClassName" | "volumeMode" | "volumeName",
                ..,
            ],
        ) => true,
        // What a database or a bucket of the cloud is, it was made as.
        (
            "Instance" | "Cluster" | "Bucket" | "DatabaseInstance",
            [
                "spec",
                "forProvider",
                "region" | "location" | "engine" | "dbName" | "databaseName" | "username"
                | "masterUsername" | "storageEncrypted",
                ..,
            ],
        ) => true,
        // A Job that Argo CD deletes before it makes it again may change as it likes.
        _ => false,
    };
    if immutable {
        return Risk::Immutable;
    }
    if about_security(identity, &path) {
        return Risk::Security;
    }
    let restarts = match (kind, &path[..]) {
        ("Deployment" | "StatefulSet" | "DaemonSet", ["spec", "template", ..]) => true,
        (
            "Cluster",
            [
                "spec",
                "imageName" | "resources" | "postgresql" | "replica" | "instances" | "certificates",
                ..,
            ],
        ) => identity.group == "postgresql.cnpg.io",
        (
            "PostgresCluster",
            [
                "spec",
                "instances" | "image" | "config" | "standby" | "shutdown",
                ..,
            ],
        ) => true,
        // Charts restart what their values change.
        ("Application", ["spec", "source" | "sources", "helm" | "targetRevision", ..]) => true,
        _ => false,
    };
    if restarts { Risk::Restart } else { Risk::Other }
}

fn loses_data(path: &[&str], change: &Change) -> bool {
    let (old, new) = match &change.scalar {
        Some((old, new)) => (old.as_str(), new.as_str()),
        None => return matches!(path, [.., "deletionProtection"]),
    };
    match path.last() {
        Some(&("deletionProtection" | "storageEncrypted")) => old == "true",
        Some(&"skipFinalSnapshot") => new == "true",
        Some(
            &("retentionPolicy"
            | "backupRetentionPeriod"
            | "retention"
            | "repo1-retention-full"
            | "days"
            | "size"
            | "storage"
            | "allocatedStorage"
            | "automatedSnapshotRetentionPeriod"),
        ) => quantity(new) < quantity(old),
        Some(&"destinationPath") => true,
        _ => false,
    }
}

/// The number that a quantity begins with, in units of its suffix.
fn quantity(text: &str) -> f64 {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().unwrap_or(0.0);
    number
        * match &text[end..] {
            "Ki" => 1024.0,
            "Mi" => 1024.0 * 1024.0,
            "Gi" => 1024.0 * 1024.0 * 1024.0,
            "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            "w" => 7.0,
            "m" => 30.0,
            "y" => 365.0,
            _ => 1.0,
        }
}

fn about_security(identity: &Identity, path: &[&str]) -> bool {
    let kind = matches!(
        identity.kind.as_str(),
        "Role"
            | "ClusterRole"
            | "RoleBinding"
            | "ClusterRoleBinding"
            | "ServiceAccount"
            | "NetworkPolicy"
            | "AuthorizationPolicy"
            | "RequestAuthentication"
            | "PeerAuthentication"
            | "ReferenceGrant"
            | "SecretStore"
            | "ClusterSecretStore"
            | "AppProject"
            | "BucketPublicAccessBlock"
            | "BucketIAMMember"
            | "ServiceAccountIAMMember"
            | "PodIdentityAssociation"
    ) || matches!(identity.group.as_str(), "iam.aws.m.upbound.io");
    kind || (identity.kind == "Namespace" && path.contains(&"labels"))
        || path.contains(&"securityContext")
        || path.contains(&"serviceAccountName")
}
