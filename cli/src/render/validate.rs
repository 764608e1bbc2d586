//! The validator of objects, until the schemas bring theirs.
#![allow(missing_docs)]
use holos_lang::diagnostic::Code;
use holos_lang::value::Data;
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    NoSchema,
    Other,
}
impl Reason {
    pub fn code(self) -> Code {
        Code(521)
    }
}
#[derive(Clone, Debug)]
pub struct Finding {
    pub reason: Reason,
    pub path: String,
    pub message: String,
    pub help: Option<String>,
}
#[derive(Default)]
pub struct Validator;
impl Validator {
    pub fn new() -> Validator {
        Validator
    }
    pub fn data(&self, _: &Data) -> Vec<Finding> {
        Vec::new()
    }
}
