//! Where writers put their text: a buffer that empties itself into a stream when it has grown.

use std::io;

/// The buffer is handed on when it is longer than this.
const CHUNK: usize = 1 << 16;

/// Text on its way out.
pub(super) struct Sink<'a> {
    pub text: String,
    stream: Option<&'a mut dyn io::Write>,
}

impl<'a> Sink<'a> {
    /// Collects everything in [`Sink::text`].
    pub(super) fn collect() -> Sink<'a> {
        Sink {
            text: String::new(),
            stream: None,
        }
    }

    pub(super) fn stream(stream: &'a mut dyn io::Write) -> Sink<'a> {
        Sink {
            text: String::with_capacity(2 * CHUNK),
            stream: Some(stream),
        }
    }

    /// Whether it hands anything on.
    pub(super) fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Hands on what has gathered, if it is much. Writers call it once an entry.
    pub(super) fn breathe(&mut self) -> io::Result<()> {
        if self.text.len() < CHUNK {
            Ok(())
        } else {
            self.flush()
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(stream) = &mut self.stream {
            stream.write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }

    pub(super) fn spaces(&mut self, mut count: usize) {
        const BLANK: &str = "                                                                ";
        while count > BLANK.len() {
            self.text.push_str(BLANK);
            count -= BLANK.len();
        }
        self.text.push_str(&BLANK[..count]);
    }
}
