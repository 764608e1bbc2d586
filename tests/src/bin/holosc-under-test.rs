//! `holosc`, built as a binary of this package so that its tests find it.

fn main() -> std::process::ExitCode {
    holosc::main()
}
