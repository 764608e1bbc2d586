//! Many files, read and parsed by all processors before they are asked for.

use crate::files::Files;
use holos_lang::diagnostic::FileId;
use holos_lang::syntax::{self, tree};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Less text than this is parsed sooner than threads are started.
const MIN_BYTES: u64 = 128 * 1024;

/// Files that nobody has asked for yet. Those with errors are not among them: their places need the file's id, which a
/// file gets when it is asked for.
#[derive(Default)]
pub(super) struct Ahead {
    files: BTreeMap<PathBuf, (Arc<str>, Arc<tree::File>)>,
}

impl Ahead {
    pub(super) fn parse(&mut self, files: &Files, mut paths: Vec<PathBuf>) {
        paths.retain(|path| !self.files.contains_key(path));
        if paths.len() < 2 {
            return;
        }
        let sizes = paths.iter().filter_map(|path| path.metadata().ok());
        if sizes.map(|meta| meta.len()).sum::<u64>() < MIN_BYTES {
            return;
        }
        let parsed: Vec<_> = paths
            .into_par_iter()
            .filter_map(|path| {
                let text = files.text(&path).ok()?;
                let parsed = syntax::parse(FileId(0), &text);
                let fine = parsed.errors.is_empty();
                fine.then(|| (path, (text, Arc::new(parsed.file))))
            })
            .collect();
        self.files.extend(parsed);
    }

    pub(super) fn take(&mut self, path: &Path) -> Option<(Arc<str>, Arc<tree::File>)> {
        self.files.remove(path)
    }
}
