//! Calls of builtin functions, chosen by the fuzzer's bytes. What panics or does not end is a finding.

#![no_main]

use holos_tests::fuzz::{Bytes, Source, call, evaluate, functions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut source = Bytes(bytes);
    let functions = functions();
    let (package, function) = functions[source.below(functions.len())];
    evaluate(&[call(package, function, &mut source)]).expect("a program");
});
