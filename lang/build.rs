//! Compiles the grammar.

fn main() {
    println!("cargo::rerun-if-changed=src/syntax/grammar.lalrpop");
    if let Err(error) = lalrpop::Configuration::new()
        .use_cargo_dir_conventions()
        .emit_rerun_directives(false)
        .process()
    {
        panic!("src/syntax/grammar.lalrpop: {error}");
    }
}
