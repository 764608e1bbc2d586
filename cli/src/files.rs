//! The file system as commands and the editor see it: reading with an overlay, writing in one step.

use holos_lang::diagnostic::{Code, Diagnostic};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The longest file that is read, in bytes: places are 32-bit offsets.
const MAX_FILE: u64 = 1 << 30;

/// The files of this machine under those an editor has open.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Where the user stands; absolute.
    pub cwd: PathBuf,
    /// Text by absolute path, in place of what the disk has.
    pub overlay: BTreeMap<PathBuf, Arc<str>>,
}

impl Files {
    /// The files as seen from the current directory.
    ///
    /// # Errors
    /// Where the current directory is gone.
    pub fn here() -> Result<Files, Diagnostic> {
        let cwd = std::env::current_dir().map_err(|e| {
            Diagnostic::error(
                Code(901),
                format!("cannot find the current directory: {}", plain(&e)),
            )
        })?;
        Ok(Files {
            cwd,
            overlay: BTreeMap::new(),
        })
    }

    /// `path` made absolute, with `.` and `..` taken out as text.
    pub fn absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        let mut out = PathBuf::new();
        for part in self.cwd.join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    out.pop();
                }
                part => out.push(part),
            }
        }
        out
    }

    /// `path` as a person standing here would write it.
    pub fn display(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.cwd).unwrap_or(path);
        if path.as_os_str().is_empty() {
            ".".into()
        } else {
            path.display().to_string()
        }
    }

    /// Whether there is a directory at `path`.
    pub fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// Whether there is a file at `path`, on disk or in the editor.
    pub fn is_file(&self, path: &Path) -> bool {
        self.overlay.contains_key(path) || path.is_file()
    }

    /// The names in a directory, sorted, files of the editor included.
    ///
    /// # Errors
    /// As the system reports them.
    pub fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = std::fs::read_dir(dir)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let open = self
            .overlay
            .keys()
            .filter(|path| path.parent() == Some(dir));
        names.extend(open.filter_map(|path| Some(path.file_name()?.to_str()?.to_string())));
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// A diagnostic that says what stands in the way: missing (with the nearest name that exists), a
    /// directory, not readable, too big.
    pub fn bytes(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        if let Some(text) = self.overlay.get(path) {
            return Ok(text.as_bytes().to_vec());
        }
        let name = self.display(path);
        let meta = std::fs::metadata(path).map_err(|e| self.missing(path, &e))?;
        if meta.is_dir() {
            return Err(Diagnostic::error(
                Code(904),
                format!("`{name}` is a directory, and a file is needed here"),
            )
            .help(format!(
                "to load the package in it, write `./{}`",
                name.trim_start_matches("./")
            )));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(|e| self.missing(path, &e))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(Diagnostic::error(
                Code(901),
                format!("`{name}` is larger than 1 GiB"),
            ));
        }
        Ok(bytes)
    }

    /// The text of a file, without a byte order mark.
    ///
    /// # Errors
    /// As [`Files::bytes`], and where the bytes are not UTF-8.
    pub fn text(&self, path: &Path) -> Result<Arc<str>, Diagnostic> {
        if let Some(text) = self.overlay.get(path) {
            return Ok(text.clone());
        }
        utf8(self.bytes(path)?, &self.display(path))
    }

    fn missing(&self, path: &Path, error: &io::Error) -> Diagnostic {
        let name = self.display(path);
        if error.kind() != io::ErrorKind::NotFound {
            return Diagnostic::error(Code(901), format!("cannot read `{name}`: {}", plain(error)));
        }
        let diagnostic = Diagnostic::error(Code(902), format!("there is no file `{name}`"));
        let Some((dir, file)) = path.parent().zip(path.file_name()) else {
            return diagnostic;
        };
        let file = file.to_string_lossy();
        let Ok(names) = self.list(dir) else {
            return diagnostic.note(format!("nor a directory `{}`", self.display(dir)));
        };
        match holos_lang::diagnostic::nearest(&file, names.iter().map(String::as_str)) {
            Some(near) => {
                diagnostic.help(format!("did you mean `{}`?", self.display(&dir.join(near))))
            }
            None => diagnostic,
        }
    }
}

/// Bytes as text, without a byte order mark.
///
/// # Errors
/// Where they are not UTF-8: says which byte.
pub fn utf8(bytes: Vec<u8>, name: &str) -> Result<Arc<str>, Diagnostic> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into()),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
                + 1;
            let byte = error.as_bytes()[at];
            Err(Diagnostic::error(
                Code(903),
                format!("`{name}` is not UTF-8: byte 0x{byte:02x} on line {line}"),
            )
            .help("save it as UTF-8"))
        }
    }
}

/// An error of the system in plain words: without the number.
pub fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_lowercase()
        }
    }
}

/// Writes a file in one step: whoever reads it sees the old contents or the new.
///
/// # Errors
/// A diagnostic that says why not; the earlier file is whole then.
pub fn write(files: &Files, path: &Path, contents: &[u8]) -> Result<(), Diagnostic> {
    write_beside(path, contents).map_err(|e| {
        Diagnostic::error(
            Code(905),
            format!("cannot write `{}`: {}", files.display(path), plain(&e)),
        )
    })
}

fn write_beside(path: &Path, contents: &[u8]) -> io::Result<()> {
    // A device or a pipe has nothing to keep whole, and must not be replaced by a file.
    if path.exists() && !path.is_file() {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(contents);
    }
    // Through a link to the file itself, so that the link stays one.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        if let Ok(meta) = std::fs::metadata(&path) {
            file.set_permissions(meta.permissions())?;
        }
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}
