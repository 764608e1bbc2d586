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
        title: "something cannot stand here",
        explanation: "The grammar has no place for this token after the one before it. What is between the commas around it is left out of the program.",
        wrong: "a: [b: 1]",
        mend: "a: [{b: 1}]",
    },
    Entry {
        code: Code(2),
        title: "a string is not closed",
        explanation: "The closing quotes of a string or bytes literal are missing. A literal in single quotation marks ends with its line; one in three quotes ends at three quotes on a line of their own.",
        wrong: "name: \"web",
        mend: "name: \"web\"",
    },
    Entry {
        code: Code(3),
        title: "an escape does not exist",
        explanation: "After a backslash in a string stands something that is no escape sequence, or too few digits. Bytes escapes (`\\x41`, `\\101`) exist in single quotes only.",
        wrong: "path: \"C:\\dir\"",
        mend: "path: #\"C:\\dir\"#",
    },
    Entry {
        code: Code(4),
        title: "a multi-line string is not laid out right",
        explanation: "The text begins on the line after the opening quotes, the closing quotes stand on a line of their own, and what is before them stands before every line.",
        wrong: "a: \"\"\"text\"\"\"",
        mend: "a: \"text\"",
    },
    Entry {
        code: Code(5),
        title: "a number is malformed",
        explanation: "Digits are missing after `0x`, `0b` or `0o`, a `_` does not stand between digits, or a whole number begins with `0`.",
        wrong: "mode: 0644",
        mend: "mode: 0o644",
    },
    Entry {
        code: Code(6),
        title: "a character is not part of the language",
        explanation: "Outside of strings and comments, only the characters of names, numbers and operators have a meaning.",
        wrong: "a: 7 % 2",
        mend: "a: mod(7, 2)",
    },
    Entry {
        code: Code(7),
        title: "a bracket is not closed",
        explanation: "An opening bracket lacks its closing one. Where it should stand is guessed by the indentation of the lines.",
        wrong: "a: {b: 1",
        mend: "a: {b: 1}",
    },
    Entry {
        code: Code(8),
        title: "a bracket closes nothing",
        explanation: "A closing bracket has no opening one, or one of another kind.",
        wrong: "a: [1, 2)",
        mend: "a: [1, 2]",
    },
    Entry {
        code: Code(9),
        title: "an attribute is malformed",
        explanation: "Attributes are written `@name(content)`; brackets balance in their content, and it has no interpolations. An attribute beside a value belongs to a field.",
        wrong: "a: 1 @tag",
        mend: "a: 1 @tag(a)",
    },
    Entry {
        code: Code(10),
        title: "a value is missing",
        explanation: "After a colon, `=`, a dot or an operator, the line or the bracket ends before what belongs there.",
        wrong: "a: 1 +",
        mend: "a: 1 + 2",
    },
    Entry {
        code: Code(11),
        title: "a comma is missing",
        explanation: "Two declarations, elements or arguments follow each other without a comma or a line break between them.",
        wrong: "a: [1 2]",
        mend: "a: [1, 2]",
    },
    Entry {
        code: Code(12),
        title: "an expression is no label",
        explanation: "Before a colon stands a name, a string, an expression in parentheses or a pattern in brackets.",
        wrong: "a.b: 1",
        mend: "a: b: 1",
    },
    Entry {
        code: Code(13),
        title: "an alias cannot be here",
        explanation: "`name = ` stands before a label, a value or an element; on its own it is written `let`.",
        wrong: "X = 5",
        mend: "let X = 5",
    },
    Entry {
        code: Code(14),
        title: "a name is reserved",
        explanation: "Names that begin with two underscores are the language's own and cannot be declared.",
        wrong: "__x: 1",
        mend: "_x: 1",
    },
    Entry {
        code: Code(15),
        title: "an experiment is not asked for",
        explanation: "The syntax is not yet part of the language; a file that wants it says so at its head.",
        wrong: "a~X: 1",
        mend: "@experiment(aliasv2)\na~X: 1",
    },
    Entry {
        code: Code(16),
        title: "the wrong word introduces the alternative",
        explanation: "A comprehension of a single `if` or `try` has an `else`; every other has a `fallback`.",
        wrong: "for x in y {a: x} else {a: 0}",
        mend: "for x in y {a: x} fallback {a: 0}",
    },
    Entry {
        code: Code(17),
        title: "a pattern is marked optional or required",
        explanation: "A pattern constrains the fields that exist, so that `?` and `!` mean nothing for it.",
        wrong: "[string]?: int",
        mend: "[string]: int",
    },
    Entry {
        code: Code(18),
        title: "an import or a package clause is malformed",
        explanation: "Imports stand before all other declarations; a path is a string of names with `/` between them; neither a package nor an import is named as a definition is.",
        wrong: "import \"a b\"",
        mend: "import \"a/b\"",
    },
    Entry {
        code: Code(19),
        title: "nesting is too deep",
        explanation: "Brackets, labels and operators nest at most 500 levels deep.",
        wrong: "[[[[ … ]]]]",
        mend: "let inner = [[ … ]]",
    },
    Entry {
        code: Code(20),
        title: "a file is too large",
        explanation: "Places in a file are counted in 32 bits, which is enough for 4 GiB.",
        wrong: "a file of 5 GiB",
        mend: "several files of one package",
    },
    Entry {
        code: Code(21),
        title: "there are too many errors",
        explanation: "After 50 syntax errors, the rest of a file is not read: it is probably not in this language.",
        wrong: "holosc check picture.png",
        mend: "holosc check platform.holos",
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
        wrong: "holosc eval /root/secret.holos",
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
