//! From an evaluated platform to its manifests on disk.
//!
//! A platform's package has `manifests: <cluster>: <component>: <key>: <object>` and `gitops: <cluster>:
//! <component>: <Application>` (see the platform library's README). Rendering is [`plan`]: data to file
//! contents, checked; then [`tree::Tree`]: contents to disk, all or nothing.

pub mod change;
pub mod difference;
pub mod external;
pub mod plan;
pub mod platform;
pub mod tree;

pub use plan::{Plan, plan};
