//! Links the programs at a fixed address where the linker is GNU's or takes its options: a program that may lie
//! anywhere has seventy thousand addresses to write when it starts, which takes longer than to evaluate a small file.

fn main() {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
