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

    /// Replaces a file's content, or adds the file.
    pub fn set(&mut self, name: &str, content: String) {
        match self.files.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = content,
            None => self.files.push((name.to_owned(), content)),
        }
    }

    /// Whether the comment has a line that starts with `word`.
    pub fn comment_says(&self, word: &str) -> bool {
        self.comment
            .lines()
            .any(|line| line.trim().starts_with(word))
    }
}

impl std::fmt::Display for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.comment)?;
        self.files
            .iter()
            .try_for_each(|(name, content)| write!(f, "-- {name} --\n{content}"))
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
