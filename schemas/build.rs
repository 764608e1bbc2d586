//! Packs `packages/` into the crate: one compressed blob a package, and a table of paths and kinds.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("packages");
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    println!("cargo::rerun-if-changed={}", root.display());
    let mut packages = Vec::new();
    collect(&root, &root, &mut packages);
    packages.sort();
    let mut table = String::from("static PACKAGES: &[(&str, &[u8], &[u8])] = &[\n");
    for (at, (path, files)) in packages.iter().enumerate() {
        let mut blob = Vec::new();
        for file in files {
            let text = fs::read(root.join(path).join(file)).expect("a package's file is readable");
            for part in [file.as_bytes(), &text] {
                blob.extend((part.len() as u32).to_le_bytes());
                blob.extend(part);
            }
        }
        let schema = fs::read(root.join(path).join("schema.json")).unwrap_or_default();
        for (name, blob) in [("text", blob), ("schema", schema)] {
            let blob = miniz_oxide::deflate::compress_to_vec(&blob, 8);
            fs::write(out.join(format!("{at}.{name}")), blob).expect("OUT_DIR is writable");
        }
        let blob =
            |name: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{at}.{name}\"))");
        let _ = writeln!(
            table,
            "    ({path:?}, {}, {}),",
            blob("text"),
            blob("schema")
        );
    }
    table.push_str("];\nstatic PATHS: &[&str] = &[\n");
    for (path, _) in &packages {
        let _ = writeln!(table, "    {path:?},");
    }
    table.push_str("];\nstatic KINDS: &[Entry] = &[\n");
    let kinds = fs::read_to_string(root.join("KINDS.tsv")).unwrap_or_default();
    for line in kinds.lines().skip(1) {
        let [version, kind, path, definition, scope] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("KINDS.tsv has five columns: {line}");
        };
        let scope = if scope == "namespaced" {
            "Namespaced"
        } else {
            "Cluster"
        };
        let _ = writeln!(
            table,
            "    ({version:?}, {kind:?}, {path:?}, {definition:?}, Scope::{scope}),"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("table.rs"), table).expect("OUT_DIR is writable");
}

/// Directories with `.holos` files, by import path, each with its file names sorted.
fn collect(root: &Path, dir: &Path, packages: &mut Vec<(String, Vec<String>)>) {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(root, &path, packages);
        } else if name.ends_with(".holos") {
            files.push(name);
        }
    }
    if let (false, Ok(path)) = (files.is_empty(), dir.strip_prefix(root)) {
        files.sort();
        let segments: Vec<_> = path.iter().map(|s| s.to_string_lossy()).collect();
        packages.push((segments.join("/"), files));
    }
}
