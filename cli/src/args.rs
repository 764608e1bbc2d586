//! The command line, as data.

use clap::{Args as ClapArgs, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// The holos configuration compiler.
#[derive(Parser, Debug)]
#[command(
    name = "holosc",
    version,
    about,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Reads a command line; the first word is the program's name.
    ///
    /// To declare all commands takes longer than to evaluate a small file. Those that are run most are declared alone;
    /// whatever does not read so goes the whole way, which says what is wrong or prints the help.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
        let words: Vec<OsString> = words.into_iter().collect();
        let alone = words.get(1).and_then(|word| alone(word.to_str()?));
        let read = alone.and_then(|command| {
            let matches = command.try_get_matches_from(&words).ok()?;
            Args::from_arg_matches(&matches).ok()
        });
        read.map_or_else(|| Args::try_parse_from(&words), Ok)
    }
}

/// The command line with one command only, where it is one of those that are run most.
fn alone(name: &str) -> Option<clap::Command> {
    type Declare = fn(clap::Command) -> clap::Command;
    let (name, declare): (_, Declare) = match name {
        "eval" => ("eval", Eval::augment_args),
        "export" => ("export", Export::augment_args),
        "check" => ("check", Check::augment_args),
        "vet" => ("vet", Vet::augment_args),
        "fmt" => ("fmt", Fmt::augment_args),
        "render" => ("render", Render::augment_args),
        _ => return None,
    };
    let program = Global::augment_args(clap::Command::new("holosc"));
    Some(program.subcommand(declare(clap::Command::new(name))))
}

/// What every command takes.
#[derive(ClapArgs, Debug, Clone)]
pub struct Global {
    /// How to write diagnostics to standard error
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub diagnostics: DiagnosticFormat,
    /// When to colour diagnostics (NO_COLOR is respected)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
}

/// A spelling of diagnostics.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DiagnosticFormat {
    /// Drawn, with the source
    #[default]
    Text,
    /// One line each
    Short,
    /// One JSON array
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// When to colour.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Evaluate, and print the value as language text
    Eval(Eval),
    /// Evaluate, and print concrete data
    Export(Export),
    /// Report every error, without needing concrete values
    Check(Check),
    /// Show where a value comes from: each conjunct, and what it contributed
    Why(Why),
    /// Validate Kubernetes manifests, data against a schema, or packages in themselves
    Vet(Vet),
    /// Format files
    Fmt(Fmt),
    /// Print consolidated definitions, unevaluated defaults kept
    Def(Def),
    /// Remove from files what schemas and templates imply already
    Trim(Trim),
    /// Write a platform's manifests
    Render(Render),
    /// Compare two platforms by their objects, the riskiest changes first
    Diff(Diff),
    /// List the secrets that a platform expects and does not make
    Secrets(Secrets),
    /// Print in which order a platform's components come up
    Order(PlatformInput),
    /// Draw a platform: Mermaid, or a page
    Graph(Graph),
    /// Turn data or schemas into .holos files
    Import(Import),
    /// Import schemas into the module here
    Get(Get),
    /// Start a module here
    Init(Init),
    /// Serve an editor over standard input and output
    Lsp(Lsp),
    /// Explain a diagnostic code
    Explain(Explain),
    /// Say what a builtin package has, or what a function does
    Help(Help),
    /// Print the version
    Version,
    /// Print a completion script for a shell
    Completions(Completions),
}

/// What to load.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct Inputs {
    /// Files (.holos .cue .json .jsonl .yaml .toml .txt), packages (DIR, ./..., DIR:name, an import
    /// path), `-` for standard input; `json:`, `yaml:`, … say how to read the files after it
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Set a tag: key=value, or a name for @if and short forms
    #[arg(short = 't', long = "inject", value_name = "KEY=VALUE")]
    pub tags: Vec<String>,
    /// Inject the variables of the system: now, os, arch, cwd, username, hostname, rand
    #[arg(short = 'T', long = "inject-vars")]
    pub tag_variables: bool,
    /// The package name of files that have none; chooses among the packages of a directory
    #[arg(short = 'p', long, value_name = "NAME")]
    pub package: Option<String>,
    #[command(flatten)]
    pub placing: Placing,
}

/// Where the documents of data files go.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct Placing {
    /// Put each document of a data file at a path: a field without its value (`a: b:`, `"x-\(name)":`), or an expression
    /// for one label of it, evaluated within the document (`strings.ToLower(kind)`); repeatable, outermost first
    #[arg(short = 'l', long, value_name = "LABEL")]
    pub path: Vec<String>,
    /// Evaluate `--path` within {data, filename, index, recordCount} instead of the document
    #[arg(long, requires = "path")]
    pub with_context: bool,
    /// Make one list of the documents of a data file, or of those at the same path
    #[arg(long)]
    pub list: bool,
    /// Unify the documents of data files with each other: the default, where there is a choice
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub merge: Option<bool>,
}

/// What to say of the work.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct Work {
    /// Print phases, counters and peak memory to standard error
    #[arg(long)]
    pub stats: bool,
    /// Write which declarations the evaluation's work went to, as folded stacks (flamegraph tools read them)
    #[arg(long, value_name = "FILE")]
    pub profile: Option<std::path::PathBuf>,
}

/// Where to write.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct Output {
    /// The format (default: by the output file's name)
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub out: Option<Format>,
    /// Write to a file, in one step, or not at all
    #[arg(short = 'o', long = "outfile", value_name = "FILE")]
    pub file: Option<String>,
    /// Overwrite the output file
    #[arg(short = 'f', long)]
    pub force: bool,
}

/// A format of output.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Json,
    Jsonl,
    #[value(alias = "yml")]
    Yaml,
    Toml,
    Text,
    Binary,
    Holos,
    Cue,
    /// An imported kind as a CustomResourceDefinition (export only)
    Crd,
    /// An imported kind as OpenAPI (export only)
    Openapi,
    /// An imported kind as JSON Schema (export only)
    Jsonschema,
}

/// `holosc eval`
#[derive(ClapArgs, Debug)]
pub struct Eval {
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub work: Work,
    #[command(flatten)]
    pub output: Output,
    /// Evaluate this expression in the package (repeatable)
    #[arg(short, long, value_name = "EXPR")]
    pub expression: Vec<String>,
    /// Unify each document of the data files with this expression of the package, by itself
    #[arg(short = 'd', long, value_name = "EXPR", conflicts_with = "expression")]
    pub schema: Option<String>,
    /// Require concrete values
    #[arg(short, long)]
    pub concrete: bool,
    /// Show optional and hidden fields
    #[arg(short, long)]
    pub all: bool,
    /// Show optional fields
    #[arg(short = 'O', long)]
    pub show_optional: bool,
    /// Show hidden fields
    #[arg(short = 'H', long)]
    pub show_hidden: bool,
    /// Show attributes
    #[arg(short = 'A', long)]
    pub show_attributes: bool,
}

/// `holosc export`
#[derive(ClapArgs, Debug)]
pub struct Export {
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub work: Work,
    #[command(flatten)]
    pub output: Output,
    /// Export this expression (repeatable)
    #[arg(short, long, value_name = "EXPR")]
    pub expression: Vec<String>,
    /// Unify each document of the data files with this expression of the package, by itself
    #[arg(short = 'd', long, value_name = "EXPR", conflicts_with = "expression")]
    pub schema: Option<String>,
    /// INPUT is a Holos platform: export `holos` of each component it lists, evaluated with the component's tags
    #[arg(long, conflicts_with = "schema")]
    pub components: bool,
}

/// `holosc check`
#[derive(ClapArgs, Debug)]
pub struct Check {
    #[command(flatten)]
    pub inputs: Inputs,
    /// Apply the fixes that need no decision, and report the rest
    #[arg(long)]
    pub fix: bool,
}

/// `holosc why`
#[derive(ClapArgs, Debug)]
pub struct Why {
    /// The path of a value, or any expression of the package
    #[arg(id = "value", value_name = "PATH")]
    pub path: String,
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `holosc vet`
#[derive(ClapArgs, Debug)]
pub struct Vet {
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub work: Work,
    /// Require concrete values
    #[arg(short, long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub concrete: Option<bool>,
    /// The schema for the data files, an expression such as `#Config`; for manifests a folder of
    /// CustomResourceDefinitions, OpenAPI documents or packages (repeatable)
    #[arg(short = 'd', long, value_name = "EXPR|DIR")]
    pub schema: Vec<String>,
    /// Manifests of kinds that nothing is known about are fine
    #[arg(long)]
    pub ignore_missing_schemas: bool,
    /// Refuse unknown fields and repeated keys in manifests: the default; `--strict=false` passes them
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub strict: Option<bool>,
    /// The version of Kubernetes that manifests are for
    #[arg(long, value_name = "VERSION")]
    pub kubernetes_version: Option<String>,
    /// Kinds of manifests to pass over, separated by commas: Kind or apiVersion/Kind
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// How to write what is found in manifests; other formats than text go to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: VetFormat,
    /// Count the manifests at the end
    #[arg(long)]
    pub summary: bool,
}

/// A spelling of what is found in manifests.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum VetFormat {
    /// Diagnostics, on standard error
    #[default]
    Text,
    /// An object for each manifest
    Json,
    /// A test case for each manifest
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Test Anything Protocol
    Tap,
}

/// `holosc fmt`
#[derive(ClapArgs, Debug)]
pub struct Fmt {
    /// Files, directories, `./...`, `-`
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// List the files that are not formatted, and fail if there are any
    #[arg(long)]
    pub check: bool,
    /// List the files that change
    #[arg(short, long)]
    pub list: bool,
}

/// `holosc def`
#[derive(ClapArgs, Debug)]
pub struct Def {
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub output: Output,
    /// Print this expression (repeatable)
    #[arg(short, long, value_name = "EXPR")]
    pub expression: Vec<String>,
    /// Unify each document of the data files with this expression of the package, by itself
    #[arg(short = 'd', long, value_name = "EXPR", conflicts_with = "expression")]
    pub schema: Option<String>,
    /// Show attributes
    #[arg(short = 'A', long)]
    pub show_attributes: bool,
}

/// `holosc trim`
#[derive(ClapArgs, Debug)]
pub struct Trim {
    #[command(flatten)]
    pub inputs: Inputs,
    /// Say what can go, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Write to this file, or `-`, instead of the file itself; of one file
    #[arg(short = 'o', long = "outfile", value_name = "FILE")]
    pub out: Option<String>,
    /// Overwrite the output file
    #[arg(short = 'f', long)]
    pub force: bool,
}

/// `holosc render`
#[derive(ClapArgs, Debug)]
pub struct Render {
    #[command(flatten)]
    pub input: PlatformInput,
    /// Where the tree goes (default: `deploy` in the platform's directory)
    #[arg(short = 'o', long = "out-dir", value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write nothing; fail where the tree differs
    #[arg(long)]
    pub check: bool,
}

/// One platform.
#[derive(ClapArgs, Debug, Clone)]
pub struct PlatformInput {
    /// The directory of the platform
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: String,
    /// Set a tag: key=value
    #[arg(short = 't', long = "inject", value_name = "KEY=VALUE")]
    pub tags: Vec<String>,
    /// Inject the variables of the system
    #[arg(short = 'T', long = "inject-vars")]
    pub tag_variables: bool,
}

/// `holosc diff`
#[derive(ClapArgs, Debug)]
pub struct Diff {
    /// What was: a platform's directory, a rendered tree, or a git revision of this directory (default: HEAD)
    #[arg(value_name = "A")]
    pub before: Option<String>,
    /// What is: the same (default: the platform in this directory)
    #[arg(value_name = "B")]
    pub after: Option<String>,
    /// Compare the platform A with itself after this cluster has taken the role: `primary=west`
    #[arg(long, value_name = "ROLE=CLUSTER", conflicts_with = "after")]
    pub swap: Option<String>,
    /// Set a tag: key=value
    #[arg(short = 't', long = "inject", value_name = "KEY=VALUE")]
    pub tags: Vec<String>,
}

/// `holosc secrets`
#[derive(ClapArgs, Debug)]
pub struct Secrets {
    #[command(flatten)]
    pub input: PlatformInput,
    /// List those too that the platform makes by itself
    #[arg(short, long)]
    pub all: bool,
}

/// `holosc graph`
#[derive(ClapArgs, Debug)]
pub struct Graph {
    #[command(flatten)]
    pub input: PlatformInput,
    /// One page to look at, filter and click, instead of Mermaid
    #[arg(long)]
    pub html: bool,
}

/// `holosc import`
#[derive(ClapArgs, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Import {
    #[command(subcommand)]
    pub kind: Option<ImportKind>,
    #[command(flatten)]
    pub data: ImportData,
}

/// What to import.
#[derive(Subcommand, Debug)]
pub enum ImportKind {
    /// CustomResourceDefinitions, one package a group and version
    Crd(ImportSchemas),
    /// An OpenAPI document's schemas
    Openapi(ImportSchemas),
    /// A JSON Schema
    Jsonschema(ImportSchemas),
    /// Data, each file to a .holos file beside it; of directories, the JSON and YAML files
    #[command(alias = "auto")]
    Data(ImportData),
    /// JSON files, also those of directories
    Json(ImportData),
    /// YAML files, also those of directories
    Yaml(ImportData),
    /// TOML files, also those of directories
    Toml(ImportData),
    /// Text files, also those of directories
    Text(ImportData),
}

/// `holosc get`
#[derive(ClapArgs, Debug)]
pub struct Get {
    #[command(subcommand)]
    pub kind: GetKind,
}

/// What to get.
#[derive(Subcommand, Debug)]
pub enum GetKind {
    /// CustomResourceDefinitions, as packages that every package of the module can import; manifests of
    /// their kinds are checked by them
    Crd(GetCrd),
}

/// `holosc get crd`
#[derive(ClapArgs, Debug)]
pub struct GetCrd {
    /// Files, YAML or JSON, or directories of them; `-` for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub files: Vec<String>,
    /// Keep the descriptions, as comments
    #[arg(long)]
    pub docs: bool,
}

/// `holosc import crd|openapi|jsonschema`
#[derive(ClapArgs, Debug)]
pub struct ImportSchemas {
    /// Documents, YAML or JSON, or directories of them; `-` for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub files: Vec<String>,
    /// Keep the descriptions, as comments
    #[arg(long)]
    pub docs: bool,
    /// Write packages under this directory (default: standard output)
    #[arg(short = 'o', long = "out-dir", value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite files
    #[arg(short = 'f', long)]
    pub force: bool,
}

/// `holosc import`, of data
#[derive(ClapArgs, Debug)]
pub struct ImportData {
    /// Files, optionally qualified (`yaml: conf.txt`), directories, `./...`; `-` for standard input
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// The package clause to write
    #[arg(short = 'p', long, value_name = "NAME")]
    pub package: Option<String>,
    #[command(flatten)]
    pub placing: Placing,
    /// Write each document to a file of its own: `conf.yaml` to `conf-1.holos`, `conf-2.holos`
    #[arg(long)]
    pub files: bool,
    /// Of directories, the files whose names match this regular expression
    #[arg(short = 'n', long = "name", value_name = "REGEXP")]
    pub name: Option<String>,
    /// Write everything to this file, or `-`
    #[arg(short = 'o', long = "outfile", value_name = "FILE")]
    pub out: Option<String>,
    /// Overwrite files
    #[arg(short = 'f', long)]
    pub force: bool,
    /// List what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// `holosc init`
#[derive(ClapArgs, Debug)]
pub struct Init {
    /// The module's path (default: made from the directory's name)
    #[arg(value_name = "MODULE")]
    pub module: Option<String>,
    /// Also write a small platform to start from
    #[arg(long)]
    pub platform: bool,
    /// The platform's name (default: made from the module's path)
    #[arg(long, value_name = "NAME", requires = "platform")]
    pub name: Option<String>,
    /// The domain that its hosts are under (default: NAME.example)
    #[arg(long, value_name = "DOMAIN", requires = "platform")]
    pub domain: Option<String>,
    /// Who runs the workload clusters
    #[arg(long, value_enum, default_value_t, requires = "platform")]
    pub provider: Cloud,
    /// The region of the primary, and those of standbys
    #[arg(
        long,
        value_name = "REGION,…",
        value_delimiter = ',',
        requires = "platform"
    )]
    pub regions: Vec<String>,
}

/// A provider of clusters.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cloud {
    /// Amazon's
    #[default]
    Eks,
    /// Google's
    Gke,
    /// Clusters that are there already
    Existing,
}

/// `holosc lsp`
#[derive(ClapArgs, Debug)]
pub struct Lsp {
    /// Use standard input and output (the default, and the only transport)
    #[arg(long)]
    pub stdio: bool,
}

/// `holosc explain`
#[derive(ClapArgs, Debug)]
pub struct Explain {
    /// A code such as E0201; all codes are listed without one
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// `holosc help`
#[derive(ClapArgs, Debug)]
pub struct Help {
    /// A package, a function or a constant: strings, strings.Split, encoding/json.Marshal (default:
    /// list the packages)
    pub name: Option<String>,
}

/// `holosc completions`
#[derive(ClapArgs, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
