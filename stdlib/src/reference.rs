//! What people read about the builtin packages: signatures, doc lines and an example of each function.
//!
//! `holosc help`, the editor's hover and completion, and the reference chapter of the specification all take
//! their words from here, and here they come from the table ([`Standard`](crate::Standard)).

use crate::Standard;
use holos_lang::value::builtin::{Builtins, Function, Mode, Package, Parameter};

/// An example a line, `call  =>  JSON`, in the order of the table.
const EXAMPLES: &str = include_str!("builtin/examples.txt");

/// A function or constant of a package.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    Function(&'static Package, &'static Function),
    /// Name, and the source text of the value.
    Constant(&'static Package, &'static str, &'static str),
}

impl Entry {
    /// The name behind the package's.
    pub fn name(&self) -> &'static str {
        match self {
            Entry::Function(_, function) => function.name,
            Entry::Constant(_, name, _) => name,
        }
    }

    /// As one reads it in a program: `strings.Split(s: string, sep: string): list`, `math.Pi: 3.14…`.
    pub fn signature(&self) -> String {
        match self {
            Entry::Function(package, function) => {
                format!("{}.{}", package.name, signature(function))
            }
            Entry::Constant(package, name, value) => format!("{}.{name}: {value}", package.name),
        }
    }

    /// What the function does, in one line; of a constant nothing.
    pub fn doc(&self) -> &'static str {
        match self {
            Entry::Function(_, function) => function.doc,
            Entry::Constant(..) => "",
        }
    }

    /// How the function is called as a validator, where it is one: `strings.MinRunes(min)`, `net.IPv4`.
    pub fn validator(&self) -> Option<String> {
        let Entry::Function(package, function) = self else {
            return None;
        };
        if !function.is_validator() {
            return None;
        }
        let names: Vec<&str> = function.parameters.iter().skip(1).map(|p| p.name).collect();
        let arguments = match names[..] {
            [] => String::new(),
            _ => format!("({})", names.join(", ")),
        };
        Some(format!("{}.{}{arguments}", package.name, function.name))
    }

    /// A call and its result as JSON.
    pub fn example(&self) -> Option<(&'static str, &'static str)> {
        let Entry::Function(package, function) = self else {
            return None;
        };
        examples().find(|(call, _)| {
            let name = call
                .split_once('(')
                .and_then(|(name, _)| name.split_once('.'));
            name == Some((package.name, function.name))
        })
    }
}

/// All examples: calls and their results as JSON.
pub fn examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLES
        .lines()
        .filter_map(|line| line.split_once("  =>  "))
}

/// The package of an import path, or of a name that an import declares.
pub fn package(name: &str) -> Option<&'static Package> {
    let mut paths = Standard.paths().into_iter();
    Standard
        .package(name)
        .or_else(|| paths.find_map(|path| Standard.package(path).filter(|p| p.name == name)))
}

/// What a package has, functions first, in the order of the table.
pub fn entries(package: &'static Package) -> impl Iterator<Item = Entry> {
    let functions = package.functions.iter();
    let constants = package.constants.iter();
    functions
        .map(move |function| Entry::Function(package, function))
        .chain(constants.map(move |(name, value)| Entry::Constant(package, name, value)))
}

/// The entry that `strings.Split` or `encoding/json.Marshal` names.
pub fn find(name: &str) -> Option<Entry> {
    let (package_name, name) = name.rsplit_once('.')?;
    entries(package(package_name)?).find(|entry| entry.name() == name)
}

/// A function with its parameters, without its package: `Split(s: string, sep: string): list`.
pub fn signature(function: &Function) -> String {
    let parameter = |parameter: &Parameter| {
        let value = match parameter.mode {
            Mode::Value => "value ",
            Mode::Data => "",
        };
        let default = parameter
            .default
            .map_or(String::new(), |text| format!(" = {text}"));
        format!("{}: {value}{}{default}", parameter.name, parameter.kind)
    };
    let parameters: Vec<String> = function.parameters.iter().map(parameter).collect();
    format!(
        "{}({}): {}",
        function.name,
        parameters.join(", "),
        function.result
    )
}
