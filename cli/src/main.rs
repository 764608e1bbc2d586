//! The `holosc` binary: everything is in the library beside it, so that tests can run it too.

fn main() -> std::process::ExitCode {
    holosc::main()
}
