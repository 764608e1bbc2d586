//! Prints the reference chapter of the builtin packages.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let chapter = holos_tests::builtin_reference::chapter(&holos_stdlib::Standard);
    std::io::stdout().write_all(chapter.as_bytes())
}
