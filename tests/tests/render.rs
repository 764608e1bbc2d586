//! A render that is killed at any moment leaves the earlier tree or the new one, whole; the next one mends what is left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Files of one component; enough of them that there are moments in between.
const OBJECTS: usize = 400;

fn platform(version: usize) -> String {
    format!(
        "package acme\n\nmanifests: east: {{for i in [for n in (_all) {{n}}] {{\"c\\(i)\": cm: {{apiVersion: \"v1\", kind: \"ConfigMap\", \
         metadata: {{name: \"c\\(i)\", namespace: \"a\"}}, data: version: \"release-{version}-\"}}}}}}\n_all: [{}]\n",
        (0..OBJECTS)
            .map(|i| format!("\"{i}\""))
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn holosc(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holosc-under-test"));
    command
        .arg("render")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The tree as somebody finds it: the contents of each file.
fn tree(at: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(at).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tree(&path, files);
        } else {
            let contents = fs::read_to_string(&path).unwrap();
            files.insert(path, contents);
        }
    }
}

fn rendered(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    // Between two renames the earlier tree has another name; the next run gives it back.
    let deploy = root.join("deploy");
    for name in ["clusters", ".clusters.old"] {
        if files.is_empty() {
            let mut found = BTreeMap::new();
            tree(&deploy.join(name), &mut found);
            files = (found.into_iter())
                .map(|(path, text)| {
                    (
                        path.strip_prefix(deploy.join(name)).unwrap().to_owned(),
                        text,
                    )
                })
                .collect();
        }
    }
    files
}

#[test]
fn a_killed_render_leaves_a_whole_tree() {
    let root = std::env::temp_dir().join(format!("holosc-killed-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let file = root.join("platform.holos");
    fs::write(&file, platform(0)).unwrap();
    assert!(holosc(&root).status().unwrap().success());
    let mut before = rendered(&root);
    assert_eq!(before.len(), OBJECTS);
    let mut killed = 0;
    for version in 1..25 {
        fs::write(&file, platform(version)).unwrap();
        let mut child = holosc(&root).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(version as u64 * 12));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        let after = rendered(&root);
        let text = |n: usize| format!("release-{n}-");
        let whole = after == before
            || (after.len() == OBJECTS && after.values().all(|it| it.contains(&text(version))));
        assert!(whole, "killed after {} ms", version * 12);
        killed += usize::from(!ended.success());
        before = after;
    }
    assert!(killed > 0, "no run was killed");
    assert!(holosc(&root).status().unwrap().success());
    let after = rendered(&root);
    assert!(after.len() == OBJECTS && after.values().all(|it| it.contains("release-24-")));
    let mut left = fs::read_dir(root.join("deploy"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        left.all(|name| name == "clusters"),
        "something is left beside the tree"
    );
    fs::remove_dir_all(&root).unwrap();
}
