//! The catalogue of diagnostic codes: what each means, an example, and how to mend it.

use super::Code;

/// One code, explained.
#[derive(Debug)]
pub struct Entry {
    pub code: Code,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// When it is reported, and why it is an error.
    pub explanation: &'static str,
    /// The shortest program or call that has it.
    pub wrong: &'static str,
    /// The same, mended.
    pub mend: &'static str,
}

/// The entry of a code as printed (`E0201`), in either case, with or without the letter and zeros.
pub fn find(code: &str) -> Option<&'static Entry> {
    let number: u16 = code.trim_start_matches(['E', 'e']).parse().ok()?;
    ENTRIES.iter().find(|entry| entry.code.0 == number)
}

/// All codes, in ascending order.
pub static ENTRIES: &[Entry] = &[
    Entry {
        code: Code(1),
        title: "something stands where it cannot",
        explanation: "The text is not of the language at this place. Declarations after it are still checked.",
        wrong: "a: {...: 1}",
        mend: "a: {[string]: 1}",
    },
    Entry {
        code: Code(2),
        title: "a string is not closed",
        explanation: "A string in single quotes or double quotes ends on its line. Longer text goes between three quotes each.",
        wrong: r#"a: "x"#,
        mend: r#"a: "x""#,
    },
    Entry {
        code: Code(3),
        title: "an escape is not known",
        explanation: r##"In a string, `\` begins an escape: \n \t \" \\ \/ \uXXXX \UXXXXXXXX \(…), and in bytes \xXX and \ooo. Raw strings, `#"…"#`, have none of them without `#`."##,
        wrong: r#"a: "C:\dir""#,
        mend: r##"a: #"C:\dir"#"##,
    },
    Entry {
        code: Code(4),
        title: "a text of several lines is malformed",
        explanation: "After three opening quotes the line ends; each line begins with the blanks that stand before the closing quotes.",
        wrong: r#"a: """
	x
  y
	""""#,
        mend: r#"a: """
	x
	y
	""""#,
    },
    Entry {
        code: Code(5),
        title: "a number is malformed",
        explanation: "Numbers are decimal, 0x…, 0o… or 0b…, with `_` between digits; a decimal one has no leading zeros, and may have a multiplier such as K or Mi.",
        wrong: "a: 0123",
        mend: "a: 0o123",
    },
    Entry {
        code: Code(6),
        title: "a character is not part of the language",
        explanation: "Outside of strings and comments only letters, digits, `_`, `$`, `#` and the operators have a meaning.",
        wrong: "a: 5 € 2",
        mend: r#"a: "5 €""#,
    },
    Entry {
        code: Code(7),
        title: "a bracket is not closed",
        explanation: "An opening bracket has no closing one before the file, or what is around it, ends.",
        wrong: "a: {b: 1",
        mend: "a: {b: 1}",
    },
    Entry {
        code: Code(8),
        title: "a bracket closes nothing",
        explanation: "A closing bracket has no opening one.",
        wrong: "a: 1]",
        mend: "a: [1]",
    },
    Entry {
        code: Code(9),
        title: "an attribute is malformed",
        explanation: "An attribute is `@name(…)` with balanced brackets and quotes.",
        wrong: "a: 1 @tag(",
        mend: "a: 1 @tag(x)",
    },
    Entry {
        code: Code(10),
        title: "a value is missing",
        explanation: "After `:`, an operator or a keyword a value is due.",
        wrong: "a:",
        mend: "a: 1",
    },
    Entry {
        code: Code(11),
        title: "a comma is missing",
        explanation: "Fields and elements on one line are set apart by commas.",
        wrong: "a: {b: 1 c: 2}",
        mend: "a: {b: 1, c: 2}",
    },
    Entry {
        code: Code(12),
        title: "this cannot name a field",
        explanation: "A label is a name, a string, `(expression)` or `[pattern]`.",
        wrong: "1: 2",
        mend: r#""1": 2"#,
    },
    Entry {
        code: Code(13),
        title: "an alias is malformed",
        explanation: "`X=` stands before a label or a value and is a plain name.",
        wrong: "a: (X=1)",
        mend: "a: X={b: 1, c: X.b}",
    },
    Entry {
        code: Code(14),
        title: "a name is reserved",
        explanation: "Names that begin with two underscores belong to the language.",
        wrong: "__a: 1",
        mend: "_a: 1",
    },
    Entry {
        code: Code(15),
        title: "syntax that the file has to ask for",
        explanation: "Some syntax is an experiment; a file that uses it says `@experiment(NAME)` above its package clause.",
        wrong: r#"a: {}
b: a..."#,
        mend: r#"@experiment(explicitopen)

a: {}
b: a..."#,
    },
    Entry {
        code: Code(16),
        title: "the wrong word for an alternative",
        explanation: "After `if` clauses the alternative is `else`; after a `for` it is `fallback`.",
        wrong: "a: [for x in [] {x} else {0}]",
        mend: r#"@experiment(try)

a: [for x in [] {x} fallback {0}]"#,
    },
    Entry {
        code: Code(17),
        title: "a pattern with a mark",
        explanation: "`?` and `!` belong to fields, not to patterns: a pattern never requires a field.",
        wrong: "[string]?: int",
        mend: "[string]: int",
    },
    Entry {
        code: Code(18),
        title: "an import is malformed",
        explanation: r#"An import is `import "path"` or `import name "path"`, before all other declarations."#,
        wrong: r#"a: 1
import "strings""#,
        mend: r#"import "strings"

a: strings.ToUpper("x")"#,
    },
    Entry {
        code: Code(19),
        title: "nesting beyond the limit",
        explanation: "Brackets and operators nest at most 500 deep.",
        wrong: "a file of ten thousand `[`",
        mend: "Split the value, or generate less of it.",
    },
    Entry {
        code: Code(20),
        title: "a file is too large",
        explanation: "Places in a file are counted in 32 bits.",
        wrong: "a source file of more than 4 GiB",
        mend: "Split it.",
    },
    Entry {
        code: Code(21),
        title: "too many errors",
        explanation: "A file with many syntax errors shows the first ones only.",
        wrong: "a file that is no .holos at all",
        mend: "holosc eval json: data.txt",
    },
    Entry {
        code: Code(101),
        title: "a name leads nowhere",
        explanation: "A reference is looked up in the structs around it, then in the package, the imports and the predeclared names. A field of a value is reached with a dot.",
        wrong: "a: b",
        mend: r#"a: b
b: 1"#,
    },
    Entry {
        code: Code(102),
        title: "an import is not used",
        explanation: "What is imported is to be used: an unused import is most often a misspelling or a left-over.",
        wrong: r#"import "strings"

a: 1"#,
        mend: "a: 1",
    },
    Entry {
        code: Code(103),
        title: "an alias or let is not used",
        explanation: "A `let` or alias that nothing refers to is most often a misspelling.",
        wrong: "a: {let x = 1, y: 2}",
        mend: "a: {let x = 1, y: x}",
    },
    Entry {
        code: Code(104),
        title: "two things have one name",
        explanation: "In one scope a name is declared once, by a field, a let, an alias or an import.",
        wrong: r#"import "strings"

import "strings"

a: strings.ToUpper("x")"#,
        mend: r#"import "strings"

a: strings.ToUpper("x")"#,
    },
    Entry {
        code: Code(105),
        title: "an import leads nowhere",
        explanation: "The path is neither in this module, nor kept under its `pkg`, `gen` or `usr`, nor built in; or packages import each other in a circle.",
        wrong: r#"import "stirngs"

a: stirngs.ToUpper("x")"#,
        mend: r#"import "strings"

a: strings.ToUpper("x")"#,
    },
    Entry {
        code: Code(106),
        title: "a label that cannot be",
        explanation: "The label is reserved, or does not name one field.",
        wrong: "__x: 1",
        mend: "_x: 1",
    },
    Entry {
        code: Code(107),
        title: "an experiment that is not switched on",
        explanation: "See E0015.",
        wrong: r#"a: {b: 1}
c: a..."#,
        mend: r#"@experiment(explicitopen)

a: {b: 1}
c: a..."#,
    },
    Entry {
        code: Code(108),
        title: "a number out of range",
        explanation: "A number literal is too long or its exponent too large.",
        wrong: "a: 1e99999999999",
        mend: "a: 1e99",
    },
    Entry {
        code: Code(109),
        title: "something stands where it has no meaning",
        explanation: "The syntax is known, but not at this place: a package used as a value, a default mark outside of a disjunction.",
        wrong: r#"import "strings"

a: strings"#,
        mend: r#"import "strings"

a: strings.ToUpper("x")"#,
    },
    Entry {
        code: Code(110),
        title: "a name hides another",
        explanation: "A name means what is nearest around it. Where a field, a variable or a `let` has the name of a `let`, a variable, an alias or an import further out, that one cannot be meant any more; `name: name` is the field itself. `check` warns of it.",
        wrong: r#"let name = "bank"
title: name
app: {name: name}"#,
        mend: r#"let bank = "bank"
title: bank
app: {name: bank}"#,
    },
    Entry {
        code: Code(201),
        title: "two values conflict",
        explanation: "A value has to be all that is said of it at once; two different concrete values, or two types, cannot be one value. Both places are shown.",
        wrong: r#"a: 1
a: 2"#,
        mend: r#"a: int
a: 2"#,
    },
    Entry {
        code: Code(202),
        title: "a field is not allowed",
        explanation: "A closed struct, such as everything a definition says, has the fields it declares and no others.",
        wrong: r#"#A: {port: int}
a: #A & {prot: 80}"#,
        mend: r#"#A: {port: int}
a: #A & {port: 80}"#,
    },
    Entry {
        code: Code(203),
        title: "a value is out of its bounds",
        explanation: r#"The value does not satisfy a bound such as `<65536` or `=~"^a"`."#,
        wrong: r#"a: <65536
a: 70000"#,
        mend: r#"a: <65536
a: 7000"#,
    },
    Entry {
        code: Code(204),
        title: "a field does not exist",
        explanation: "A selection or an index asks for a field or element that its operand cannot have.",
        wrong: r#"#A: {x: 1}
a: #A.y"#,
        mend: r#"#A: {x: 1}
a: #A.x"#,
    },
    Entry {
        code: Code(205),
        title: "a value is not concrete",
        explanation: "What is exported must be data: each value one number, string, …, not a type.",
        wrong: "a: int",
        mend: "a: int & 5",
    },
    Entry {
        code: Code(206),
        title: "a required field is missing",
        explanation: "A field with `!` must be given a value where the struct is used.",
        wrong: r#"#A: {x!: int}
a: #A"#,
        mend: r#"#A: {x!: int}
a: #A & {x: 1}"#,
    },
    Entry {
        code: Code(207),
        title: "no branch of a disjunction fits",
        explanation: "Every alternative of `a | b` conflicts with what else is said. The branch that came nearest is explained.",
        wrong: r#"a: "x" | "y"
a: "z""#,
        mend: r#"a: "x" | "y"
a: "y""#,
    },
    Entry {
        code: Code(208),
        title: "an error that the author wrote",
        explanation: r#"The program says `error("…")` here: a law that does not hold. The message is the author's."#,
        wrong: r#"a: error("not today")"#,
        mend: "a: 1",
    },
    Entry {
        code: Code(209),
        title: "an explicit error",
        explanation: "The program says `_|_`: no value at all.",
        wrong: "a: _|_",
        mend: "a: _",
    },
    Entry {
        code: Code(210),
        title: "a validator refuses the value",
        explanation: "A function used as a constraint, such as `strings.MinRunes(3)`, does not hold of the value.",
        wrong: r#"import "strings"

a: strings.MinRunes(3)
a: "ab""#,
        mend: r#"import "strings"

a: strings.MinRunes(3)
a: "abc""#,
    },
    Entry {
        code: Code(211),
        title: "lists of different lengths",
        explanation: "Lists are one value only if they have the same length, or the shorter is open: `[1, ...]`.",
        wrong: r#"a: [1, 2]
a: [1, 2, 3]"#,
        mend: r#"a: [1, 2, ...]
a: [1, 2, 3]"#,
    },
    Entry {
        code: Code(212),
        title: "an operation that cannot be done",
        explanation: "An operator or a function has operands of the wrong kind, or fails.",
        wrong: r#"a: 1 + "x""#,
        mend: r#"a: "1" + "x""#,
    },
    Entry {
        code: Code(213),
        title: "several alternatives are left",
        explanation: "A disjunction without a default, or with several, is not one value; more has to be said.",
        wrong: r#"a: "x" | "y""#,
        mend: r#"a: *"x" | "y""#,
    },
    Entry {
        code: Code(214),
        title: "an alternative that can never be chosen",
        explanation: "What the disjunction is unified with leaves nothing of the alternative. It may go, or the constraint is too narrow. `check` warns of it.",
        wrong: r#"a: int & (*"auto" | 5)"#,
        mend: r#"a: *"auto" | 5"#,
    },
    Entry {
        code: Code(215),
        title: "an alternative that is there twice",
        explanation: "A disjunction names each alternative once; the second one is most often meant to be another. `check` warns of it.",
        wrong: r#"a: "x" | "y" | "y""#,
        mend: r#"a: "x" | "y" | "z""#,
    },
    Entry {
        code: Code(301),
        title: "a struct contains itself without end",
        explanation: "A definition that needs a value of itself has no finite value; an optional field or a list ends the chain.",
        wrong: r#"#A: {next: #A}
a: #A"#,
        mend: r#"#A: {next?: #A}
a: #A"#,
    },
    Entry {
        code: Code(302),
        title: "a value depends on itself",
        explanation: "Following the references of a value leads back to it, and nothing concrete is on the way.",
        wrong: r#"a: b + 1
b: a - 1"#,
        mend: r#"a: b + 1
b: 1"#,
    },
    Entry {
        code: Code(303),
        title: "a field comes too late",
        explanation: "A field is added to a struct by something that had to look at the same struct first.",
        wrong: r#"a: {for k, v in a {"\(k)x": v}, b: 1}"#,
        mend: r#"b: {b: 1}
a: {for k, v in b {"\(k)x": v}}"#,
    },
    Entry {
        code: Code(430),
        title: "a package is not a platform",
        explanation: "`render` reads the field `manifests` of the package.",
        wrong: r#"package acme

name: "acme""#,
        mend: r#"package acme

import "platform"

platform.#Platform & {name: "acme"}"#,
    },
    Entry {
        code: Code(431),
        title: "manifests of the wrong shape",
        explanation: "`manifests` is `<cluster>: <component>: <key>: <object>`, and `gitops` is `<cluster>: <component>: <object>`.",
        wrong: r#"manifests: east: bank: "text""#,
        mend: r#"manifests: east: bank: cm: {apiVersion: "v1", kind: "ConfigMap"}"#,
    },
    Entry {
        code: Code(432),
        title: "a name that cannot be a folder",
        explanation: "Clusters and components become folders; their names are lower-case letters, digits, `-` and `.`.",
        wrong: r#"manifests: east: "../up": {}"#,
        mend: "manifests: east: up: {}",
    },
    Entry {
        code: Code(433),
        title: "the tree is not what the platform renders to",
        explanation: "`render --check` compares, and writes nothing.",
        wrong: "holosc render --check    (after a change)",
        mend: "holosc render && git add deploy",
    },
    Entry {
        code: Code(434),
        title: "components wait for each other",
        explanation: "What must come up first is derived from what components need; a circle of needs has no first.",
        wrong: "components: bank: needs: ledger: true\ncomponents: ledger: needs: bank: true",
        mend: "components: bank: needs: ledger: true",
    },
    Entry {
        code: Code(435),
        title: "a program that renders is missing",
        explanation: "Charts are rendered by `helm`, kustomizations by `kustomize`. They are not part of holosc: it runs those on the PATH.",
        wrong: "components: podinfo: helm: chart: \"charts/podinfo\"    (without helm)",
        mend: "install Helm 3 or later, and render again",
    },
    Entry {
        code: Code(436),
        title: "a chart or kustomization cannot be rendered",
        explanation: "The folder is not there, the program failed, it did not end in time (two minutes, or what `timeout` says in seconds), or what it printed is no stream of Kubernetes objects.",
        wrong: "components: podinfo: helm: chart: \"chart/podinfo\"    (the folder is `charts`)",
        mend: "components: podinfo: helm: chart: \"charts/podinfo\"",
    },
    Entry {
        code: Code(501),
        title: "a data file is malformed",
        explanation: "The text is not of the format that the file's name or the qualifier promises.",
        wrong: "port: [",
        mend: "port: []",
    },
    Entry {
        code: Code(502),
        title: "a key is there twice",
        explanation: "A mapping of JSON, YAML or TOML names a key once.",
        wrong: r#"{"a": 1, "a": 2}"#,
        mend: r#"{"a": 2}"#,
    },
    Entry {
        code: Code(503),
        title: "data without a counterpart",
        explanation: "The format says something the language has no value for: infinity, not-a-number, an unknown tag.",
        wrong: "a: .inf",
        mend: "a: 1e308",
    },
    Entry {
        code: Code(504),
        title: "data nests too deeply",
        explanation: "A data file nests beyond the limit, or its aliases expand without measure.",
        wrong: "a file of ten thousand `[`",
        mend: "Split it.",
    },
    Entry {
        code: Code(505),
        title: "a format cannot say a value",
        explanation: "TOML has no null; text is one string or number; binary is a string or bytes.",
        wrong: "holosc export --out toml    (of `a: null`)",
        mend: "holosc export --out yaml",
    },
    Entry {
        code: Code(510),
        title: "a schema is broken",
        explanation: "A keyword of a schema has a value it cannot have, such as a `type` that does not exist, or a document defines nothing that can be imported.",
        wrong: "type: strng",
        mend: "type: string",
    },
    Entry {
        code: Code(511),
        title: "a CustomResourceDefinition is broken",
        explanation: "The API server would refuse the definition: it lacks its group, names or schema, its schema is not structural, or it has none or several storage versions. The version concerned is left out.",
        wrong: "properties: {replicas: {}}    (no type)",
        mend: "properties: {replicas: {type: integer}}",
    },
    Entry {
        code: Code(512),
        title: "this is no OpenAPI document",
        explanation: "An OpenAPI document has its schemas in `definitions` (2.0) or `components.schemas` (3.x).",
        wrong: "holosc import openapi crd.yaml",
        mend: "holosc import crd crd.yaml",
    },
    Entry {
        code: Code(513),
        title: "a reference leads nowhere",
        explanation: "A `$ref` names a schema that the document does not have.",
        wrong: "$ref: '#/definitions/Prot'",
        mend: "$ref: '#/definitions/Port'",
    },
    Entry {
        code: Code(514),
        title: "a rule cannot be compiled",
        explanation: "A rule in `x-kubernetes-validations` is not valid in the Common Expression Language, or uses a function that is not known. It is left out of every check.",
        wrong: "rule: self.replicas =< 5",
        mend: "rule: self.replicas <= 5",
    },
    Entry {
        code: Code(515),
        title: "a rule is about a change",
        explanation: "A rule in `x-kubernetes-validations` compares an object with what it was before (`oldSelf`). Before an object is applied there is nothing to compare it with: such rules are left out of every check.",
        wrong: "rule: self.storage == oldSelf.storage",
        mend: "The API server checks it when the object changes.",
    },
    Entry {
        code: Code(520),
        title: "this is not a Kubernetes object",
        explanation: "Every object says what it is in `apiVersion` and `kind`.",
        wrong: "metadata: {name: web}",
        mend: "apiVersion: v1\nkind: Service\nmetadata: {name: web}",
    },
    Entry {
        code: Code(521),
        title: "there is no schema for a kind",
        explanation: "Nothing is known about this apiVersion and kind. The kinds of CustomResourceDefinitions among the inputs are known, and those that ship.",
        wrong: "apiVersion: apps/v2\nkind: Deployment",
        mend: "apiVersion: apps/v1\nkind: Deployment",
    },
    Entry {
        code: Code(522),
        title: "an object has an unknown field",
        explanation: "The kind has no such field at this place: the API server drops it, or refuses the object. A name that is nearly right is offered.",
        wrong: "spec: {replica: 3}",
        mend: "spec: {replicas: 3}",
    },
    Entry {
        code: Code(523),
        title: "a required field is missing",
        explanation: "The API server refuses the object without it.",
        wrong: "kind: Deployment\nspec: {template: {...}}",
        mend: "kind: Deployment\nspec: {selector: {...}, template: {...}}",
    },
    Entry {
        code: Code(524),
        title: "a field has a value of the wrong type",
        explanation: "The field wants another type. YAML reads `yes`, `on` and `8080` as no strings.",
        wrong: "annotations: {port: 8080}",
        mend: "annotations: {port: \"8080\"}",
    },
    Entry {
        code: Code(525),
        title: "a field has a value that is not allowed",
        explanation: "The value breaks a bound, a pattern, a length or an enumeration of the kind's schema.",
        wrong: "imagePullPolicy: Sometimes",
        mend: "imagePullPolicy: Always",
    },
    Entry {
        code: Code(526),
        title: "something is there twice",
        explanation: "A key stands twice in a mapping, or two elements of a list have the key that tells them apart in common.",
        wrong: "ports: [{name: a, port: 80}, {name: b, port: 80}]",
        mend: "ports: [{name: a, port: 80}, {name: b, port: 81}]",
    },
    Entry {
        code: Code(527),
        title: "a rule of the kind does not hold",
        explanation: "The kind's schema has rules beyond structure (`x-kubernetes-validations`); the message is the rule's. Rules about a change of an object are not checked.",
        wrong: "kind: Gateway\nspec: {listeners: [{protocol: TCP, hostname: a.example}]}",
        mend: "kind: Gateway\nspec: {listeners: [{protocol: TCP}]}",
    },
    Entry {
        code: Code(528),
        title: "metadata is wrong",
        explanation: "A name, namespace, label, annotation, finalizer or owner reference breaks the rules that hold for every object.",
        wrong: "metadata: {name: My_App}",
        mend: "metadata: {name: my-app}",
    },
    Entry {
        code: Code(901),
        title: "a file cannot be read",
        explanation: "The system refused to read a file or directory: rights, a device error, or a file \
                      larger than 1 GiB.",
        wrong: "holosc eval secret.holos",
        mend: "Give yourself the right to read it, or name another file.",
    },
    Entry {
        code: Code(902),
        title: "a file or package does not exist",
        explanation: "An argument names a file, directory or package that is not there. An argument with a known \
                      extension is a file; one that begins with `./`, or names a directory, is a package; \
                      any other is an import path.",
        wrong: "holosc eval platfrom.holos",
        mend: "holosc eval platform.holos",
    },
    Entry {
        code: Code(903),
        title: "a file is not UTF-8",
        explanation: "Source and data files are UTF-8, with or without a byte order mark. The message names the \
                      first byte that is not.",
        wrong: "a file saved as Latin-1 or UTF-16",
        mend: "iconv -f latin1 -t utf-8 old.holos > new.holos",
    },
    Entry {
        code: Code(904),
        title: "a directory stands where a file is meant",
        explanation: "An argument with the extension of a file, or one that is qualified (`yaml: x`), names a directory.",
        wrong: "holosc eval yaml: ./conf",
        mend: "holosc eval ./conf",
    },
    Entry {
        code: Code(905),
        title: "a file cannot be written",
        explanation: "The system refused to write. The earlier contents are whole: files are written beside their \
                      place and moved there in one step.",
        wrong: "holosc export -o /proc/x.json",
        mend: "holosc export -o x.json",
    },
    Entry {
        code: Code(906),
        title: "the kind of a file is not known",
        explanation: "A file's kind follows from its extension (.holos .cue .json .jsonl .yaml .yml .toml .txt), or \
                      from a qualifier before it (`yaml: FILE`).",
        wrong: "holosc export settings.conf",
        mend: "holosc export yaml: settings.conf",
    },
    Entry {
        code: Code(907),
        title: "a directory has no package, or several",
        explanation: "A directory given as an argument is a package: its files with the same `package` clause. \
                      Files without one, files beginning with `_` or `.`, and files that `@if` or `@ignore` leave out do \
                      not count. Where there are several packages, say which.",
        wrong: "holosc eval ./conf",
        mend: "holosc eval ./conf:prod",
    },
    Entry {
        code: Code(908),
        title: "a tag is not used",
        explanation: "A `-t` names a tag that no `@tag` or `@if` of the loaded packages has, or gives it a \
                      value that is not of its type.",
        wrong: "holosc eval -t evn=prod\n\nenv: string @tag(env)",
        mend: "holosc eval -t env=prod",
    },
    Entry {
        code: Code(909),
        title: "a module file is wrong",
        explanation: "holos.mod/module.holos (or cue.mod/module.cue) must be plain data with the field `module`.",
        wrong: "module: 5",
        mend: "module: \"acme.example/platform\"",
    },
    Entry {
        code: Code(910),
        title: "the call is at fault",
        explanation: "The arguments contradict each other or cannot be understood.",
        wrong: "holosc vet -d '#Config' conf.holos    (no data to validate)",
        mend: "holosc vet -d '#Config' conf.holos data.yaml",
    },
    Entry {
        code: Code(911),
        title: "an attribute for the loader is wrong",
        explanation: "`@if`, `@tag`, `@embed` or `@extern` cannot be understood, stands where it means nothing, or names a \
                      file that is not there.",
        wrong: "@extern(embed)\na: _ @embed(file=\"none.json\")",
        mend: "@extern(embed)\na: _ @embed(file=\"some.json\")",
    },
    Entry {
        code: Code(912),
        title: "the connection to the editor broke",
        explanation: "`holosc lsp` speaks the Language Server Protocol over standard input and output, and got something else.",
        wrong: "holosc lsp < file.holos",
        mend: "Let the editor start it: see cli/editors.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_complete() {
        assert!(ENTRIES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for entry in ENTRIES {
            let texts = [entry.title, entry.explanation, entry.wrong, entry.mend];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", entry.code);
        }
    }

    #[test]
    fn codes_are_found_however_spelt() {
        for code in ["E0901", "e0901", "901", "E901"] {
            assert_eq!(
                find(code).map(|entry| entry.code),
                Some(Code(901)),
                "{code}"
            );
        }
        assert!(find("E9999").is_none() && find("x").is_none());
    }
}
