//! Rules of CustomResourceDefinitions, with the functions Kubernetes adds, and what holds for objects
//! of kinds learnt from the input.

use holos_lang::diagnostic::FileId;
use holos_schemas::import::Input;
use holos_schemas::validate::Validator;

/// The messages about an object whose `spec.x` has the schema and value given.
fn check(schema: &str, rule: &str, value: &str) -> Vec<String> {
    let crd = format!(
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
          spec:
            type: object
            properties:
              x: {{{schema}, x-kubernetes-validations: [{{rule: {rule:?}, message: broken}}]}}
---
apiVersion: example.com/v1
kind: CronTab
metadata: {{name: a}}
spec: {{x: {value}}}
"
    );
    let mut validator = Validator::new();
    let mut found = validator.learn(&[Input {
        file: FileId(0),
        text: &crd,
    }]);
    found.extend(validator.file(FileId(0), &crd).1);
    found
        .into_iter()
        .map(|d| format!("{} {}", d.code, d.message))
        .collect()
}

#[test]
fn rules_hold_or_do_not() {
    let string = "type: string";
    let strings = "type: array, items: {type: string}";
    let integers = "type: array, items: {type: integer}";
    let fields = "type: object, properties: {namespace: {type: string}, a-b: {type: integer}, for: {type: string, format: duration}}";
    // Schema, rule, a value it holds for, one it does not.
    let cases = [
        (
            string,
            "self.startsWith('a') && self.endsWith('z')",
            "abz",
            "abc",
        ),
        (string, "self.matches('^[a-z]+$')", "abc", "a1"),
        (string, "self.size() <= 3", "abc", "abcd"),
        (string, "self.lowerAscii() == self", "abc", "Abc"),
        (string, "self.split('/')[0] == 'a'", "a/b", "b/a"),
        (string, "self.substring(1) == 'b'", "ab", "abc"),
        (string, "self.find('[0-9]+') == '12'", "a12b", "a1b"),
        (
            string,
            "isURL(self) && url(self).getScheme() in ['http', 'https']",
            "\"http://a.b/c\"",
            "ftp://a",
        ),
        (
            string,
            "url(self).getHostname() == 'a.b' && url(self).getPort() == '80'",
            "\"http://a.b:80/\"",
            "\"http://a.b/\"",
        ),
        (string, "isIP(self)", "10.0.0.1", "10.0.0.256"),
        (
            string,
            "isCIDR(self) && cidr(self).containsIP('10.1.2.3')",
            "10.0.0.0/8",
            "192.168.0.0/16",
        ),
        (
            string,
            "quantity(self).isGreaterThan(quantity('1Gi'))",
            "2Gi",
            "512Mi",
        ),
        (string, "duration(self) >= duration('1ms')", "1s", "1us"),
        (
            string,
            "!format.dns1123Label().validate(self).hasValue()",
            "a-b",
            "A_b",
        ),
        (
            string,
            "size(self) == 0 || format.dns1123Label().validate(self) == null",
            "a-b",
            "A_b",
        ),
        (
            integers,
            "self.sum() == 6 && self.min() == 1 && self.max() == 3",
            "[3, 1, 2]",
            "[3, 1]",
        ),
        (integers, "self.isSorted()", "[1, 2, 2]", "[2, 1]"),
        (
            strings,
            "self.all(a, self.exists_one(b, a == b))",
            "[a, b]",
            "[a, a]",
        ),
        (
            strings,
            "self.filter(a, a != '').map(a, a + '!').exists(a, a == 'b!')",
            "[a, b]",
            "[a]",
        ),
        (strings, "sets.contains(self, ['a'])", "[b, a]", "[b]"),
        (
            fields,
            "!has(self.__namespace__) || self.__namespace__ == 'a'",
            "{namespace: a}",
            "{namespace: b}",
        ),
        (fields, "self.a__dash__b > 1", "{a-b: 2}", "{a-b: 1}"),
        (
            fields,
            "self.__for__ < duration('1h')",
            "{for: 5m}",
            "{for: 2h}",
        ),
        (fields, "self.?a__dash__b.orValue(1) == 1", "{}", "{a-b: 2}"),
        (
            "x-kubernetes-int-or-string: true",
            "type(self) == int || self.endsWith('%')",
            "5",
            "five",
        ),
    ];
    for (schema, rule, good, bad) in cases {
        assert_eq!(
            check(schema, rule, good),
            Vec::<String>::new(),
            "{rule} on {good}"
        );
        let found = check(schema, rule, bad);
        let refused = found
            .iter()
            .any(|m| m.starts_with("E0527 spec.x: ") && m.contains("broken"));
        assert!(refused, "{rule} on {bad}: {found:?}");
    }
}

#[test]
fn what_cannot_be_checked_is_said_and_refuses_nothing() {
    let found = check("type: string", "semver(self).major() > 1", "1.0.0");
    assert!(
        matches!(&found[..], [one] if one.contains("cannot be compiled")),
        "{found:?}"
    );
    assert_eq!(
        check("type: string", "self == oldSelf", "a"),
        Vec::<String>::new()
    );
}

#[test]
fn objects_of_learnt_kinds_are_checked() {
    let found = check("type: integer, minimum: 3, default: 5", "self > 0", "2");
    assert!(
        found
            .iter()
            .any(|m| m.contains("greater than or equal to 3")),
        "{found:?}"
    );
    assert_eq!(
        check("type: integer, minimum: 3, default: 5", "self > 4", "null"),
        Vec::<String>::new()
    );
}
