//! Lists the platform library's files, so that [`include_str!`] embeds each.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let library = root.join("platform");
    println!("cargo::rerun-if-changed=platform");
    let mut files = Vec::new();
    collect(&library, &library, &mut files);
    files.sort();
    let mut table = String::from("&[\n");
    for name in files {
        let path = format!("/platform/{name}");
        table.push_str(&format!(
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),\n"
        ));
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("platform_files.rs"), table).expect("the build directory can be written");
}

/// The .holos files under `dir`, as paths with `/` relative to `library`.
fn collect(library: &Path, dir: &Path, files: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(library, &path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "holos")
        {
            let parts = path
                .strip_prefix(library)
                .expect("it was found there")
                .components();
            let parts: Vec<String> = parts
                .map(|part| part.as_os_str().to_string_lossy().into())
                .collect();
            files.push(parts.join("/"));
        }
    }
}
