//! The importer: documents in, package text or diagnostics out.

use holos_lang::diagnostic::FileId;
use holos_schemas::import::{self, Import, Input, Options};

fn input(text: &str) -> Input<'_> {
    Input {
        file: FileId(0),
        text,
    }
}

/// A CustomResourceDefinition whose `spec` has this schema, written as flow YAML.
fn crd(spec: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: crontabs.example.com}}
spec:
  group: example.com
  names: {{kind: CronTab, plural: crontabs}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {{type: object, properties: {{x: {spec}}}}}
"
    )
}

/// What the field `x` becomes, and the messages.
fn field(schema: &str) -> (String, Vec<String>) {
    let import = import::crd(&[input(&crd(schema))], &Options::default());
    let messages = import
        .diagnostics
        .iter()
        .map(|d| d.message.clone())
        .collect();
    let text: String = import
        .packages
        .iter()
        .flat_map(|p| &p.files)
        .map(|(_, t)| t.as_str())
        .collect();
    let value = text
        .split_once("#CronTabSpec: ")
        .map_or("", |(_, rest)| rest)
        .trim_end();
    let value = value
        .strip_prefix("{x?: ")
        .and_then(|v| v.strip_suffix('}'))
        .unwrap_or(value);
    (value.to_owned(), messages)
}

#[test]
fn every_construct_has_its_text() {
    let cases = [
        ("{type: string}", "string"),
        ("{type: string, minLength: 1}", r#"!="""#),
        (
            "{type: string, minLength: 2, maxLength: 5}",
            "strings.MinRunes(2) & strings.MaxRunes(5)",
        ),
        (r#"{type: string, pattern: "^a\\.b$"}"#, r##"=~#"^a\.b$"#"##),
        (r#"{type: string, enum: ["", A, B]}"#, r#""" | "A" | "B""#),
        ("{type: integer, enum: [1, 2]}", "1 | 2"),
        ("{type: string, format: date-time}", "metav1.#DateTime"),
        ("{type: string, format: byte}", "metav1.#Bytes"),
        ("{type: integer}", "int"),
        ("{type: integer, format: int32}", "int32"),
        ("{type: integer, format: int32, minimum: 0}", "int32 & >=0"),
        (
            "{type: integer, format: int64, minimum: 1, maximum: 65535}",
            "int & >=1 & <=65535",
        ),
        (
            "{type: integer, minimum: 0, exclusiveMinimum: true}",
            "int & >0",
        ),
        (
            "{type: number, multipleOf: 0.5}",
            "number & math.MultipleOf(0.5)",
        ),
        ("{type: boolean, default: true}", "bool"),
        ("{type: string, nullable: true}", "null | string"),
        ("{type: array, items: {type: string}}", "[...string]"),
        (
            "{type: array, items: {type: string}, minItems: 1, maxItems: 3}",
            "[...string] & list.MinItems(1) & list.MaxItems(3)",
        ),
        (
            "{type: array, items: {type: string}, x-kubernetes-list-type: set}",
            "[...string] & list.UniqueItems()",
        ),
        (
            "{type: object, additionalProperties: {type: string}}",
            "{[string]: string}",
        ),
        (
            "{type: object, x-kubernetes-preserve-unknown-fields: true}",
            "{...}",
        ),
        ("{x-kubernetes-preserve-unknown-fields: true}", "_"),
        ("{type: object}", "{}"),
        (
            "{type: object, additionalProperties: {type: string}, minProperties: 1}",
            "{[string]: string} & struct.MinFields(1)",
        ),
        (
            "{anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}",
            "int | string",
        ),
        (
            "{type: object, required: [a], properties: {a: {type: string}}}",
            "{a!: string}",
        ),
        (
            "{type: object, required: [a], properties: {a: {type: string, default: b}}}",
            "{a?: string}",
        ),
        (
            r#"{type: object, properties: {string: {type: string}}}"#,
            r#"{"string"?: string}"#,
        ),
        (
            r#"{type: object, properties: {a-b: {type: string}}}"#,
            r#"{"a-b"?: string}"#,
        ),
        (
            "{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}",
            "{\n\t\t{a!: _, b?: _|_} | {b!: _, a?: _|_}\n\t\ta?: string\n\t\tb?: string\n\t}",
        ),
    ];
    for (schema, expected) in cases {
        let (text, messages) = field(schema);
        let text = text
            .strip_prefix("{\n\tx?: ")
            .and_then(|t| t.strip_suffix("\n}"))
            .unwrap_or(&text);
        assert_eq!((text, &messages[..]), (expected, &[][..]), "{schema}");
    }
}

#[test]
fn embedded_resources_are_objects() {
    let (text, _) = field(
        "{type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}",
    );
    assert!(
        text.contains("metadata?:   metav1.#ObjectMeta") && text.contains("..."),
        "{text}"
    );
}

#[test]
fn shapes_in_two_places_are_written_once() {
    let reference =
        "{type: object, required: [name], properties: {key: {type: string}, name: {type: string}}}";
    let (text, _) = field(&format!(
        "{{type: object, properties: {{passwordRef: {reference}, tokenRef: {reference}}}}}"
    ));
    assert_eq!(text.matches("name!:").count(), 1, "{text}");
    assert!(
        text.contains("#PasswordRef") || text.contains("#TokenRef"),
        "{text}"
    );
}

#[test]
fn broken_definitions_are_refused() {
    let cases = [
        ("{properties: {a: {type: string}}}", "has no type"),
        ("{$ref: '#/definitions/X'}", "has a $ref"),
        (
            "{type: object, properties: {}, additionalProperties: {type: string}}",
            "both properties and additionalProperties",
        ),
        ("{type: strng}", "expected a type"),
        ("{type: string, minLength: many}", "expected a count"),
        (
            "{type: string, x-kubernetes-validations: [{rule: 'self =< 5'}]}",
            "cannot be compiled",
        ),
    ];
    for (schema, expected) in cases {
        let (_, messages) = field(schema);
        assert!(
            messages.iter().any(|m| m.contains(expected)),
            "{schema}: {messages:?}"
        );
    }
    let two = crd("{type: string}")
        + "  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n";
    let import = import::crd(&[input(&two)], &Options::default());
    assert!(
        import.diagnostics[0].message.contains("2 storage versions"),
        "{:?}",
        import.diagnostics
    );
}

#[test]
fn hostile_documents_end_in_diagnostics() {
    let bomb = (1..12).fold(
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, n| {
            let before = format!("*a{}, ", n - 1).repeat(10);
            text + &format!("a{n}: &a{n} [{before}]\n")
        },
    );
    let deep = "[".repeat(100_000);
    for text in [
        bomb.as_str(),
        deep.as_str(),
        "a: [b",
        "{\"a\": \"\\q\"}",
        "%",
        "? [a]\n: b",
    ] {
        let import = import::crd(&[input(text)], &Options::default());
        assert!(
            !import.diagnostics.is_empty(),
            "{}",
            &text[..text.len().min(40)]
        );
    }
}

fn text(import: &Import) -> String {
    import
        .packages
        .iter()
        .flat_map(|p| &p.files)
        .map(|(_, text)| text.as_str())
        .collect()
}

#[test]
fn json_schema_is_open_and_may_recurse() {
    let document = r##"{
        "title": "Tree", "type": "object", "required": ["value"],
        "properties": {
            "value": {"type": ["string", "null"]},
            "children": {"type": "array", "items": {"$ref": "#"}},
            "port": {"$ref": "#/$defs/port"}
        },
        "$defs": {"port": {"type": "integer", "exclusiveMinimum": 0}}
    }"##;
    let options = Options {
        path: "example.com/tree".into(),
        ..Options::default()
    };
    let import = import::jsonschema(&[input(document)], &options);
    let text = text(&import);
    assert!(import.diagnostics.is_empty(), "{:?}", import.diagnostics);
    for expected in [
        "children?: [...#Tree]",
        "port?:  #Port",
        "null | string",
        "#Port: int & >0",
        "\t...",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}

#[test]
fn references_to_nowhere_are_reported() {
    let document = "{definitions: {a: {properties: {b: {$ref: '#/definitions/c'}}}}}";
    let import = import::openapi(&[input(document)], &Default::default(), &Options::default());
    assert!(
        import.diagnostics[0].message.contains("leads nowhere"),
        "{:?}",
        import.diagnostics
    );
}
