//! Benchmarks: programs made by size, and what running them costs.

pub mod hard;
pub mod measure;
pub mod platform;
pub mod workloads;
