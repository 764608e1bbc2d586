//! Packages evaluated by two machines: each has its share, and together they say what one does.

use holos_lang::eval::apart::{Share, Step};
use holos_lang::eval::{Evaluation, Selector};
use holos_tests::package::with;
use holosc::render::platform::{self, fields};

const BOTH: [Share; 2] = [Share::Here, Share::Apart];

/// Whether each share is sound, where the package can be divided.
fn sound(text: &str, apart: &[&[Step<'_>]]) -> Option<[bool; 2]> {
    with(text, |evaluation| {
        let (division, mut copy) = evaluation.divide(apart)?;
        Some([
            evaluation.is_share_sound(&division, Share::Here),
            copy.is_share_sound(&division, Share::Apart),
        ])
    })
}

#[test]
fn shares_are_put_together_in_the_order_of_the_fields() {
    let text = r#"
        out: {for c in ["x", "y"] {(c): {first: n, slow: {for k, v in items {(k): v.n}}, last: c}}}
        items: [Name=string]: {name: Name, n: len(name)}
        items: {a: {}, bb: {}}
        n: len(items)
        _law: {if n != 2 {error("not two")}}
    "#;
    let slow = [Step::Field("out"), Step::Each, Step::Field("slow")];
    let apart: [&[Step<'_>]; 2] = [&[Step::Field("items")], &slow];
    let whole = with(text, |evaluation| {
        let root = evaluation.root();
        let out = evaluation.lookup(root, &[Selector::Field("out".into())]);
        evaluation.data(out.unwrap()).unwrap()
    });
    with(text, |evaluation| {
        let (division, mut copy) = evaluation.divide(&apart).unwrap();
        let data = |evaluation: &mut Evaluation<'_>, share, name| {
            let data = evaluation.data_of_share(&division, share, name);
            data.unwrap()
        };
        let [here, there] = [
            data(evaluation, Share::Here, "out").unwrap(),
            data(&mut copy, Share::Apart, "out").unwrap(),
        ];
        assert_ne!(here, whole);
        let out = division.together("out", here, there).unwrap();
        assert_eq!(out, whole);
        assert_eq!(data(evaluation, Share::Here, "nothing"), None);
        assert_eq!(data(evaluation, Share::Here, "items"), None);
        let mut both = [evaluation, &mut copy].into_iter().zip(BOTH);
        assert!(both.all(|(evaluation, share)| evaluation.is_share_sound(&division, share)));
    });
}

#[test]
fn an_error_is_found_by_the_machine_that_has_the_field() {
    let a: &[&[Step<'_>]] = &[&[Step::Field("a")]];
    for (text, expected) in [
        ("a: b: 1\nc: 2", Some([true, true])),
        // What is not known is no error.
        ("a: b: int\nc: string", Some([true, true])),
        ("a: b: 1 & 2\nc: 2", Some([true, false])),
        ("a: b: 1\n_c: 1 & 2", Some([false, true])),
        ("a: b: 1\nc: a.b & 2", Some([false, true])),
        ("#D: a: b?: int\n#D & {a: b: 1, c: 2}", Some([false, true])),
        (
            "#D: a: b?: int\n#D & {a: {b: 1, d: 2}}",
            Some([true, false]),
        ),
        // Nothing is apart.
        ("c: 2", None),
        // More than the sum of its fields.
        ("a: b: 1\n{c: 1} | {c: 2}", None),
        ("a: b: 1\nif c > 0 {d: 1}\nc: int", None),
    ] {
        assert_eq!(sound(text, a), expected, "{text}");
    }
}

#[test]
fn a_struct_that_something_takes_as_a_value_is_not_the_sum_of_its_fields() {
    let within: &[&[Step<'_>]] = &[&[Step::Field("a"), Step::Each, Step::Field("apart")]];
    for (text, expected) in [
        ("a: b: {apart: c: 1, d: 2}", [true, true]),
        ("a: b: {apart: c: 1, d: 2}\ne: {a.b, f: 1}", [true, true]),
        ("a: b: {apart: c: 1, d: 2}\ne: a.b", [false, true]),
        ("a: b: {apart: c: 1, d: len(a.b)}", [true, true]),
        (
            "a: b: {apart: c: 1, d: json.Marshal(a.b.apart)}",
            [true, true],
        ),
        (
            "a: b: {apart: c: 1, d: 2}\ne: json.Marshal(a)",
            [false, true],
        ),
        // What depends on itself by way of a call is not known, which is no error.
        ("a: b: {apart: c: json.Marshal(a.b), d: 2}", [true, true]),
        ("a: b: {apart: {c: a.b}, d: 2}", [true, false]),
    ] {
        let text = format!("import \"encoding/json\"\n_used: json.Valid\n{text}");
        assert_eq!(sound(&text, within), Some(expected), "{text}");
    }
}

/// It would be rendered by one processor as well, and nobody would see.
#[test]
fn a_platform_is_evaluated_by_two_processors() {
    let text = r#"
        package acme
        import "platform"
        platform.#Platform & {
            name:   "acme"
            domain: "acme.example"
            clusters: {
                management: {role: "management", provider: gke: {project: "acme-mgmt", region: "us-central1"}}
                east: {role: "primary", provider: eks: {account: "123456789012", region: "us-east-2"}}
            }
            backups: s3: {bucket: "acme-backups", region: "us-east-2"}
            namespaces: bank: {owner: "team-bank", grants: "bank-developers": "edit"}
            components: bank: platform.#WebService & {namespace: "bank", image: "registry.acme.example/bank:1.14.2", host: "bank"}
        }
    "#;
    let (platform, made) = with(text, |evaluation| {
        platform::apart(evaluation, &|manifests, _| manifests.clone()).unwrap()
    });
    assert_eq!(platform.manifests, made);
    // Namespaces have equal objects on each cluster, and one value of each.
    let object = |cluster: usize| {
        let components = &fields(&made)[cluster].1;
        let objects = &fields(components)[0].1;
        fields(&fields(objects)[0].1)
    };
    assert!(std::ptr::eq(object(0), object(1)));
    for (_, components) in fields(&made) {
        let names: Vec<&str> = fields(components).iter().map(|(name, _)| &**name).collect();
        assert_eq!(names[..2], ["namespaces", "secret-stores"]);
        assert!(names.len() > 10 && fields(&fields(components)[0].1).len() > 20);
    }
}
