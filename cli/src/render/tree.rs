//! Writing a tree of files, all or nothing.
//!
//! The new tree is built whole in a folder beside the old one, with links to the files that stay, and takes its place by
//! renaming. Whoever is killed before leaves the earlier tree; killed between the two renames, the next run
//! finds the earlier tree under its other name and puts it back. Only files ending in `.gen.yaml` are
//! owned, and so removed; all others move along.

use crate::files::plain;
use holos_lang::diagnostic::{Code, Diagnostic};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The one folder of the output directory that is written.
const FOLDER: &str = "clusters";
const NEW: &str = ".clusters.new";
const OLD: &str = ".clusters.old";
const OWNED: &str = ".gen.yaml";

/// How the disk differs from what is to be there; paths below the output directory.
#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    pub new: Vec<String>,
    /// With the earlier contents.
    pub changed: Vec<(String, Vec<u8>)>,
    pub removed: Vec<String>,
    pub same: usize,
}

impl Difference {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// An output directory.
pub struct Tree {
    root: PathBuf,
    /// What people see for it.
    shown: String,
}

impl Tree {
    /// The tree at `root`, which need not exist.
    pub fn new(root: PathBuf, shown: String) -> Tree {
        Tree { root, shown }
    }

    /// Compares the disk with what is to be there.
    ///
    /// # Errors
    /// Where the disk cannot be read.
    pub fn compare(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Difference, Diagnostic> {
        // A run that was killed between two renames left the tree here.
        let folder = if self.root.join(FOLDER).exists() {
            FOLDER
        } else {
            OLD
        };
        let mut difference = Difference::default();
        let mut owned = Vec::new();
        self.walk(&self.root.join(folder), FOLDER, &mut owned)
            .map_err(|(path, error)| self.error(901, "read", &path, &error))?;
        for (name, contents) in files {
            let path = self.root.join(folder).join(
                name.strip_prefix(FOLDER)
                    .unwrap_or(name)
                    .trim_start_matches('/'),
            );
            match fs::read(&path) {
                Ok(before) if before == *contents => difference.same += 1,
                Ok(before) => difference.changed.push((name.clone(), before)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    difference.new.push(name.clone())
                }
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                    difference.new.push(name.clone())
                }
                Err(error) => return Err(self.error(901, "read", &path, &error)),
            }
        }
        difference.removed = owned
            .into_iter()
            .filter(|name| !files.contains_key(name))
            .collect();
        Ok(difference)
    }

    /// Makes the disk what it is to be. Nothing is touched where nothing differs.
    ///
    /// # Errors
    /// Where the disk refuses; the earlier tree is whole then.
    pub fn write(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Difference, Diagnostic> {
        let failed = |path: &Path, error: &io::Error| self.error(905, "write", path, error);
        fs::create_dir_all(&self.root).map_err(|e| failed(&self.root, &e))?;
        // The lock is on the folder itself and ends with this process, however it ends.
        let lock = File::open(&self.root).map_err(|e| failed(&self.root, &e))?;
        if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Diagnostic::error(
                Code(905),
                format!("another render is writing `{}`", self.shown),
            ));
        }
        self.recover().map_err(|(path, e)| failed(&path, &e))?;
        let difference = self.compare(files)?;
        if difference.is_empty() {
            return Ok(difference);
        }
        let new = self.root.join(NEW);
        let built = self.build(files).and_then(|()| self.swap());
        built.map_err(|(path, error)| {
            let _ = fs::remove_dir_all(&new);
            failed(&path, &error)
        })?;
        Ok(difference)
    }

    /// Clears up after a run that was killed.
    fn recover(&self) -> Result<(), (PathBuf, io::Error)> {
        let [folder, new, old] = [FOLDER, NEW, OLD].map(|name| self.root.join(name));
        if old.exists() {
            if folder.exists() {
                at(&old, fs::remove_dir_all(&old))?;
            } else {
                at(&old, fs::rename(&old, &folder))?;
            }
        }
        if new.exists() {
            at(&new, fs::remove_dir_all(&new))?;
        }
        Ok(())
    }

    /// Builds the whole new tree beside the old one.
    fn build(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<(), (PathBuf, io::Error)> {
        let new = self.root.join(NEW);
        at(&new, fs::create_dir(&new))?;
        let folder = self.root.join(FOLDER);
        if folder.exists() {
            self.carry(&folder, &new, FOLDER, files)?;
        }
        for (name, contents) in files {
            let path = new.join(
                name.strip_prefix(FOLDER)
                    .unwrap_or(name)
                    .trim_start_matches('/'),
            );
            if path.exists() {
                continue;
            }
            if let Some(parent) = path.parent() {
                at(parent, fs::create_dir_all(parent))?;
            }
            let mut file = at(&path, File::create_new(&path))?;
            at(&path, file.write_all(contents))?;
        }
        Ok(())
    }

    /// Links what stays: files of others, and files whose contents are right.
    fn carry(
        &self,
        from: &Path,
        to: &Path,
        shown: &str,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<bool, (PathBuf, io::Error)> {
        let mut any = false;
        for entry in at(from, fs::read_dir(from))? {
            let entry = at(from, entry)?;
            let (source, name) = (entry.path(), entry.file_name());
            let (target, shown) = (
                to.join(&name),
                format!("{shown}/{}", name.to_string_lossy()),
            );
            let kind = at(&source, entry.file_type())?;
            if kind.is_dir() {
                at(&target, fs::create_dir(&target))?;
                if self.carry(&source, &target, &shown, files)? {
                    any = true;
                } else {
                    // What is written next makes its folder again.
                    at(&target, fs::remove_dir(&target))?;
                }
                continue;
            }
            let stays = match files.get(&shown) {
                Some(contents) => kind.is_file() && at(&source, fs::read(&source))? == *contents,
                None => !shown.ends_with(OWNED),
            };
            if stays {
                any = true;
                link(&source, &target).map_err(|error| (source.clone(), error))?;
            }
        }
        Ok(any)
    }

    fn swap(&self) -> Result<(), (PathBuf, io::Error)> {
        let [folder, new, old] = [FOLDER, NEW, OLD].map(|name| self.root.join(name));
        if folder.exists() {
            at(&folder, fs::rename(&folder, &old))?;
        }
        if let Err(error) = fs::rename(&new, &folder) {
            // Back to what it was.
            let _ = fs::rename(&old, &folder);
            return Err((new, error));
        }
        // The new tree is there; what is left of the old one goes now or with the next run.
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }

    /// The owned files below `dir`, sorted.
    fn walk(
        &self,
        dir: &Path,
        shown: &str,
        out: &mut Vec<String>,
    ) -> Result<(), (PathBuf, io::Error)> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => at(dir, entries)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = at(dir, entry)?;
            names.push((
                entry.file_name().to_string_lossy().into_owned(),
                at(dir, entry.file_type())?,
            ));
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in names {
            let shown = format!("{shown}/{name}");
            if kind.is_dir() {
                self.walk(&dir.join(&name), &shown, out)?;
            } else if name.ends_with(OWNED) {
                out.push(shown);
            }
        }
        Ok(())
    }

    fn error(&self, code: u16, verb: &str, path: &Path, error: &io::Error) -> Diagnostic {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let shown = match below.as_os_str().is_empty() {
            true => self.shown.clone(),
            false => format!("{}/{}", self.shown.trim_end_matches('/'), below.display()),
        };
        let why = if error.kind() == io::ErrorKind::NotADirectory
            || error.kind() == io::ErrorKind::AlreadyExists
        {
            "it is a file, not a directory".into()
        } else {
            plain(error)
        };
        Diagnostic::error(Code(code), format!("cannot {verb} `{shown}`: {why}"))
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, (PathBuf, io::Error)> {
    result.map_err(|error| (path.to_path_buf(), error))
}

/// A second name for a file, or a copy where the file system has no second names.
fn link(source: &Path, target: &Path) -> io::Result<()> {
    if fs::hard_link(source, target).is_ok() {
        return Ok(());
    }
    #[cfg(unix)]
    if source.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(source)?, target);
    }
    fs::copy(source, target).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        list.iter()
            .map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()))
            .collect()
    }

    fn disk(root: &Path) -> Vec<String> {
        let mut out = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    out.push(format!(
                        "{}={text}",
                        path.strip_prefix(root).unwrap().display()
                    ));
                }
            }
        }
        out.sort();
        out
    }

    fn fresh(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("holosc-tree-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        root
    }

    #[test]
    fn a_tree_becomes_what_it_is_to_be_and_others_files_stay() {
        let root = fresh("become");
        let tree = Tree::new(root.clone(), "deploy".into());
        let (a, b) = (
            "clusters/east/components/a/a.gen.yaml",
            "clusters/east/components/b/b.gen.yaml",
        );
        let first = tree.write(&files(&[(a, "1"), (b, "1")])).unwrap();
        assert_eq!((first.new.len(), first.same), (2, 0));
        fs::write(root.join("clusters/east/notes.txt"), "mine").unwrap();
        let second = tree.write(&files(&[(a, "2")])).unwrap();
        assert_eq!(second.changed, [(a.to_string(), b"1".to_vec())]);
        assert_eq!(second.removed, [b]);
        assert_eq!(
            disk(&root),
            [format!("{a}=2"), "clusters/east/notes.txt=mine".into()]
        );
        assert!(tree.write(&files(&[(a, "2")])).unwrap().is_empty());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_a_killed_run_left_is_put_right() {
        let root = fresh("recover");
        let tree = Tree::new(root.clone(), "deploy".into());
        let a = "clusters/east/a.gen.yaml";
        tree.write(&files(&[(a, "1")])).unwrap();
        // Killed between the renames, with the new tree built.
        fs::rename(root.join(FOLDER), root.join(OLD)).unwrap();
        fs::create_dir(root.join(NEW)).unwrap();
        assert_eq!(tree.compare(&files(&[(a, "1")])).unwrap().same, 1);
        tree.write(&files(&[(a, "1")])).unwrap();
        assert_eq!(disk(&root), [format!("{a}=1")]);
        assert!(!root.join(OLD).exists() && !root.join(NEW).exists());
        fs::remove_dir_all(&root).unwrap();
    }
}
