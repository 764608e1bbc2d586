//! The `.txtar` format: a comment, then files, each after a line `-- name --`.

/// A parsed archive.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// The text before the first file.
    pub comment: String,
    /// Names and contents, in order.
    pub files: Vec<(String, String)>,
}

impl Archive {
    /// Reads an archive. Every text is one: without a marker line it is all comment.
    pub fn parse(text: &str) -> Archive {
        let mut archive = Archive::default();
        for line in text.split_inclusive('\n') {
            if let Some(name) = marker(line) {
                archive.files.push((name.to_owned(), String::new()));
            } else {
                let part = match archive.files.last_mut() {
                    Some((_, content)) => content,
                    None => &mut archive.comment,
                };
                part.push_str(line);
            }
        }
        archive
    }

    /// Whether the comment has a line that starts with `word`.
    pub fn comment_says(&self, word: &str) -> bool {
        self.comment
            .lines()
            .any(|line| line.trim().starts_with(word))
    }
}

fn marker(line: &str) -> Option<&str> {
    let name = line
        .trim_end()
        .strip_prefix("-- ")?
        .strip_suffix(" --")?
        .trim();
    (!name.is_empty()).then_some(name)
}
