//! The reference chapter of the builtin packages, generated from their table.

use holos_lang::value::builtin::{Builtins, Package};
use holos_stdlib::reference::signature;
use std::fmt::Write;

/// What stands above the packages.
const HEAD: &str = "\
# Builtin packages

This chapter is generated from the table of the standard library:
`cargo run -p holos-tests --bin builtin-reference > spec/builtins.md`.

A package is imported by its path. The names, parameters and results of functions are those of CUE v0.17;
`kubernetes` is our own. A function that answers with a boolean is a validator too, called without its
first argument: `name: strings.MaxRunes(63)`; one with a single parameter needs no call: `ip: net.IPv4`.
`holosc help strings.Split` prints a function's line of this chapter and an example.
A wrong argument is an error at the call. A parameter with `=` may be left out; one marked *value* takes
a value that need not be concrete, such as a schema.

## Limits

| what | limit |
|---|---|
| a text that a function makes | 268435456 bytes |
| `strings.Repeat`, `list.Repeat` | count 1000000 |
| a list that `list.Repeat` or `list.Range` makes | 1048576 elements |
| shifts and bit indices | 524288 |
| decimal exponents | 100000 |
| digits of a number read from text | 200000 |
| digits behind the point, `strconv.FormatFloat` | 100000 |
| order of `math.Jn`, `math.Yn` | 10000 |
| regular expressions | repeats 1000, nesting 250, 32 MiB compiled |
| blocks in `kubernetes.DisjointCIDRs` | 4096 |
| pairs of elements that are not concrete, `list.UniqueItems` | 1048576 |
| schemas that `openapi.MarshalSchema` writes, those inside of others included | 262144, nesting 200 |

## Where CUE differs

- `list.IsSorted` refuses a comparator without the field `less`; CUE answers true.
- `math.Floor` and its like are exact at any size; CUE answers 0 beyond 34 digits.
- `math.Exp`, `math.Pow10`: the exponent of a result is at most 100000 in magnitude; CUE's limits vary.
- A result of `math` that is no finite number is refused at the call; in CUE it is NaN or Infinity, which its export refuses.
- 64-bit functions of `math` (`Sin`, `Gamma`, …) may differ in the last digits.
- `time.ToUnixNano` refuses years before 1678 and after 2262; CUE answers with an overflown number.
- `strconv.ParseNumber(\"-0\")` is 0; CUE answers NaN.
- `uuid.Valid` called with its argument answers true; CUE crashes.
- `yaml.Marshal` writes a number or text the same way wherever it comes from; CUE keeps a literal's spelling.
- `toml.Marshal` refuses null, which CUE leaves out, and what is no struct, of which CUE makes no TOML.
- Names of groups in regular expressions are unique and begin with a letter or `_`.
- `text/template.Execute` has no function `call`; it runs at most a million steps, 100 templates deep.
- `html.Unescape` leaves an entity without digits (`&#x;`) as it is.
- `openapi.MarshalSchema` writes what a label or a validator that is not called (`time.Duration`) allows; CUE writes a reference
  to a schema of that name. Where a constraint has no counterpart (`!=` of a string) it is refused, where CUE crashes; so is a schema with
  an error in it, of which CUE writes what it can.
";

/// The whole chapter.
pub fn chapter(builtins: &dyn Builtins) -> String {
    let mut out = HEAD.to_owned();
    for path in builtins.paths() {
        if let Some(package) = builtins.package(path) {
            section(package, &mut out);
        }
    }
    out
}

fn section(package: &Package, out: &mut String) {
    let _ = write!(out, "\n## {}\n\n{}\n", package.path, package.doc);
    if !package.functions.is_empty() {
        out.push_str("\n| function | |\n|---|---|\n");
    }
    for function in package.functions {
        let _ = writeln!(
            out,
            "| `{}` | {} |",
            signature(function).replace('|', "\\|"),
            function.doc.replace('|', "\\|")
        );
    }
    if !package.constants.is_empty() {
        out.push_str("\n| constant | value |\n|---|---|\n");
    }
    for (name, value) in package.constants {
        let _ = writeln!(out, "| `{name}` | `{}` |", value.replace('|', "\\|"));
    }
}
