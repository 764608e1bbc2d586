//! What a holos program can import without a module: builtin packages, data encodings and the platform library.

pub mod builtin;
pub mod encoding;
pub mod platform;
pub mod reference;

pub use builtin::Standard;
pub use platform::platform_files;
