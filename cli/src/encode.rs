//! Writing values: the format that was asked for, to where it was asked for.

use crate::args::{Format, Output};
use crate::files::{Files, write};
use holos_lang::diagnostic::{Code, Diagnostic};
use holos_lang::syntax::{self, tree};
use holos_lang::value::Data;
use holos_stdlib::encoding;
use std::io::Write;

/// One value of the output.
pub enum Value {
    Data(Data),
    Tree(tree::Expr),
    /// A package as one file.
    File(tree::File),
    /// Language text, as it is.
    Text(String),
}

/// The format and the file that the flags ask for: `-o yaml:x`, `-o x.yaml`, `--out yaml`.
///
/// # Errors
/// Where the file exists and `--force` is not given, or its name does not say a format.
pub fn target(
    files: &Files,
    output: &Output,
    default: Format,
) -> Result<(Format, Option<std::path::PathBuf>), Diagnostic> {
    let Some(file) = output.file.as_deref() else {
        return Ok((output.out.unwrap_or(default), None));
    };
    let (qualifier, file) = match file
        .split_once(':')
        .and_then(|(name, rest)| Some((named(name)?, rest.trim())))
    {
        Some((format, rest)) => (Some(format), rest),
        None => (None, file),
    };
    if file == "-" {
        return Ok((output.out.or(qualifier).unwrap_or(default), None));
    }
    let by_name = file
        .rsplit_once('.')
        .and_then(|(_, extension)| named(extension));
    let Some(format) = output.out.or(qualifier).or(by_name) else {
        return Err(
            Diagnostic::error(Code(906), format!("what kind of file is `{file}`?"))
                .help("say it with `--out`, for example `--out yaml`"),
        );
    };
    let path = files.absolute(file);
    if path.is_file() && !output.force {
        return Err(Diagnostic::error(Code(905), format!("`{file}` exists"))
            .help("overwrite it with `--force`"));
    }
    Ok((format, Some(path)))
}

/// A value as indented JSON; a value that JSON cannot say is `null`.
pub fn json(data: &Data) -> String {
    let mut out = Vec::new();
    match encoding::write(encoding::Format::Json, data, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => "null".into(),
    }
}

fn named(name: &str) -> Option<Format> {
    Some(match name {
        "json" => Format::Json,
        "jsonl" | "ndjson" | "ldjson" => Format::Jsonl,
        "yaml" | "yml" => Format::Yaml,
        "toml" => Format::Toml,
        "text" | "txt" => Format::Text,
        "holos" => Format::Holos,
        "cue" => Format::Cue,
        "binary" => Format::Binary,
        _ => return None,
    })
}

/// The text of the values: documents of YAML between `---`, values of the language between `// ---`.
///
/// # Errors
/// Where the format cannot say a value.
pub fn encode(format: Format, values: &[Value]) -> Result<Vec<u8>, Diagnostic> {
    let mut out = Vec::new();
    encode_into(format, values, &mut out)?;
    Ok(out)
}

/// Writes the values to standard output, as they are encoded where the format can say every value. A reader
/// that has gone is no error.
///
/// # Errors
/// Where the format cannot say a value, or standard output cannot be written.
pub fn print_values(files: &Files, format: Format, values: &[Value]) -> Result<(), Diagnostic> {
    if !matches!(format, Format::Json | Format::Jsonl | Format::Yaml) {
        return emit(files, None, &encode(format, values)?);
    }
    let mut out = Stdout {
        out: std::io::stdout().lock(),
        failed: None,
    };
    let result = encode_into(format, values, &mut out);
    match out.failed {
        Some(error) => printed(Err(error)),
        None => result.and_then(|()| printed(out.out.flush())),
    }
}

/// Standard output; keeps why it failed.
struct Stdout {
    out: std::io::StdoutLock<'static>,
    failed: Option<std::io::Error>,
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes).map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn encode_into(format: Format, values: &[Value], out: &mut dyn Write) -> Result<(), Diagnostic> {
    let data_format = match format {
        Format::Json => encoding::Format::Json,
        Format::Jsonl => encoding::Format::JsonLines,
        Format::Yaml => encoding::Format::Yaml,
        Format::Toml => encoding::Format::Toml,
        Format::Text => encoding::Format::Text,
        Format::Binary => return put(&binary(values)?, out),
        Format::Holos | Format::Cue => return put(language(values).as_bytes(), out),
        Format::Crd | Format::Openapi | Format::Jsonschema => {
            return Err(Diagnostic::error(
                Code(910),
                format!("only `export` writes {}", name(format)),
            ));
        }
    };
    for (i, value) in values.iter().enumerate() {
        let Value::Data(data) = value else { continue };
        if i > 0 && format == Format::Yaml {
            put(b"---\n", out)?;
        }
        encoding::write(data_format, data, out).map_err(|error| {
            Diagnostic::error(
                Code(505),
                format!("cannot write this as {}: {error}", name(format)),
            )
        })?;
    }
    Ok(())
}

fn put(bytes: &[u8], out: &mut dyn Write) -> Result<(), Diagnostic> {
    printed(out.write_all(bytes))
}

fn name(format: Format) -> String {
    format!("{format:?}").to_lowercase()
}

fn binary(values: &[Value]) -> Result<Vec<u8>, Diagnostic> {
    let mut out = Vec::new();
    for value in values {
        match value {
            Value::Data(Data::Bytes(bytes)) => out.extend_from_slice(bytes),
            Value::Data(Data::String(text)) => out.extend_from_slice(text.as_bytes()),
            _ => {
                return Err(Diagnostic::error(
                    Code(505),
                    "only a string or bytes can be written as binary",
                )
                .help("choose one with `-e`"));
            }
        }
    }
    Ok(out)
}

fn language(values: &[Value]) -> String {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push_str("// ---\n");
        }
        let text = match value {
            Value::Tree(expr) => print(expr.clone()),
            Value::File(file) => syntax::print(file),
            Value::Text(text) => text.clone(),
            Value::Data(data) => {
                let text = encoding::to_string(encoding::Format::Json, data).unwrap_or_default();
                print(syntax::parse_expr(holos_lang::diagnostic::FileId(0), &text).0)
            }
        };
        out.push_str(&text);
        if !text.ends_with('\n') && !text.is_empty() {
            out.push('\n');
        }
    }
    out
}

/// A value as a file: a struct without its braces.
fn print(expr: tree::Expr) -> String {
    let decls = match expr {
        tree::Expr::Struct(literal) => literal.decls,
        other => vec![tree::Decl::Embed(other)],
    };
    syntax::print(&tree::File {
        decls,
        ..Default::default()
    })
}

/// Writes bytes to a file in one step, or to standard output. A reader that has gone is no error.
///
/// # Errors
/// Why the file cannot be written.
pub fn emit(files: &Files, path: Option<&std::path::Path>, bytes: &[u8]) -> Result<(), Diagnostic> {
    match path {
        Some(path) => write(files, path, bytes),
        None => {
            let mut out = std::io::stdout().lock();
            printed(out.write_all(bytes).and_then(|()| out.flush()))
        }
    }
}

fn printed(result: std::io::Result<()>) -> Result<(), Diagnostic> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Diagnostic::error(
            Code(905),
            format!(
                "cannot write to standard output: {}",
                crate::files::plain(&error)
            ),
        )),
        _ => Ok(()),
    }
}
