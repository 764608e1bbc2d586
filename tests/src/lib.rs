//! The suites: archives of language tests and what runs them.

pub mod conformance;
