//! The suites: archives of language tests and what runs them.

pub mod bench;
pub mod builtin_reference;
pub mod conformance;
pub mod differential;
pub mod fuzz;
pub mod package;
pub mod transcript;
