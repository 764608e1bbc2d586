//! The platform library's source files, embedded.

/// Every file of `stdlib/platform`: its path relative to that folder, with `/`, and its text; sorted.
/// A file in a folder `x` belongs to the package `platform/x`.
pub fn platform_files() -> &'static [(&'static str, &'static str)] {
    FILES
}

static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/platform_files.rs"));
