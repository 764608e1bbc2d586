//! YAML: documents in, with places; block style out.

mod read;
mod resolve;
mod write;

pub use read::read;
pub(super) use write::write;
