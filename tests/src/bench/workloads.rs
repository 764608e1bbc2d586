//! The six workloads and the start of a process, as programs of `holosc`, `cue` and `jrsonnet` that say the same.

use std::fmt::Write;

/// Which program a command line is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    Holosc,
    Cue,
    Jrsonnet,
}

impl Tool {
    pub const ALL: [Tool; 3] = [Tool::Holosc, Tool::Cue, Tool::Jrsonnet];

    pub fn name(self) -> &'static str {
        match self {
            Tool::Holosc => "holosc",
            Tool::Cue => "cue",
            Tool::Jrsonnet => "jrsonnet",
        }
    }
}

/// A file's name and its text.
pub type File = (String, String);

/// A program of a parameter N.
pub struct Workload {
    pub name: &'static str,
    pub sizes: &'static [usize],
    /// Where instructions are counted: at a size that is quick to run, and where a large package is evaluated in parts, at such
    /// a one.
    pub counted: &'static [usize],
    pub files: fn(usize) -> Vec<File>,
    arguments: &'static [&'static str],
    jrsonnet: Option<&'static [&'static str]>,
}

impl Workload {
    /// The arguments of a tool; `None` where it has no such program.
    pub fn arguments(&self, tool: Tool) -> Option<&'static [&'static str]> {
        match tool {
            Tool::Holosc | Tool::Cue => Some(self.arguments),
            Tool::Jrsonnet => self.jrsonnet,
        }
    }
}

pub const WORKLOADS: [Workload; 8] = [
    Workload {
        name: "k8s-fanout",
        sizes: &[10, 100, 1000],
        counted: &[30, 300],
        files: fanout,
        arguments: &["export", "schema.cue", "apps.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
    Workload {
        name: "deep-unify -e out",
        sizes: &[100, 300, 1000],
        counted: &[100],
        files: deep,
        arguments: &["export", "main.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
    Workload {
        name: "deep-unify",
        sizes: &[100, 300, 1000],
        counted: &[30],
        files: deep,
        arguments: &["export", "main.cue"],
        jrsonnet: None,
    },
    Workload {
        name: "disjunctions",
        sizes: &[100, 1000, 5000],
        counted: &[50, 1000],
        files: disjunctions,
        arguments: &["export", "main.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
    Workload {
        name: "comprehension",
        sizes: &[30, 100, 300],
        counted: &[30],
        files: comprehension,
        arguments: &["export", "main.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
    Workload {
        name: "refs",
        sizes: &[100, 1000, 5000],
        counted: &[300],
        files: refs,
        arguments: &["export", "main.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
    Workload {
        name: "validate",
        sizes: &[100, 1000, 5000],
        counted: &[30],
        files: validate,
        arguments: &["vet", "main.cue", "data.yaml", "-d", "#Manifest"],
        jrsonnet: Some(&["--tla-code-file", "data=data.json", "main.jsonnet"]),
    },
    Workload {
        name: "startup",
        sizes: &[1],
        counted: &[1],
        files: startup,
        arguments: &["export", "main.cue", "-e", "out"],
        jrsonnet: Some(&["main.jsonnet"]),
    },
];

fn file(name: &str, text: impl Into<String>) -> File {
    (name.to_owned(), text.into())
}

/// One application of the fan-out, as fields that CUE and Jsonnet read alike.
fn application(i: usize) -> (String, Vec<String>) {
    let mut fields = vec![
        format!("image: \"registry.example.com/team{}/svc-{i:04}\"", i % 7),
        format!("port: {}", 8000 + i % 100),
        format!("tier: \"{}\"", ["frontend", "backend", "batch"][i % 3]),
        format!(
            "labels: {{\"team\": \"team{}\", \"app.kubernetes.io/part-of\": \"group{}\"}}",
            i % 7,
            i % 11
        ),
        format!(
            "env: [{{\"name\": \"SVC_INDEX\", \"value\": \"{i}\"}}, {{\"name\": \"LOG_LEVEL\", \"value\": \"info\"}}]"
        ),
    ];
    if !i.is_multiple_of(4) {
        fields.push(format!("tag: \"1.{}.{}\"", i % 10, i % 3));
    }
    if i.is_multiple_of(3) {
        fields.push(format!("replicas: {}", 1 + i % 5));
    }
    (format!("svc-{i:04}"), fields)
}

fn fanout(n: usize) -> Vec<File> {
    let mut cue = "package bench\n\n".to_owned();
    let mut jsonnet = "{\n".to_owned();
    for (name, fields) in (1..=n).map(application) {
        _ = writeln!(cue, "apps: \"{name}\": {{\n\t{}\n}}", fields.join("\n\t"));
        _ = writeln!(jsonnet, "  \"{name}\": {{ {} }},", fields.join(", "));
    }
    jsonnet.push_str("}\n");
    vec![
        file("schema.cue", include_str!("../../bench/programs/k8s.cue")),
        file("apps.cue", cue),
        file(
            "main.jsonnet",
            include_str!("../../bench/programs/k8s.jsonnet"),
        ),
        file("apps.libsonnet", jsonnet),
    ]
}

/// A chain of N layers, each with a field of its own and tighter bounds on common ones.
fn deep(n: usize) -> Vec<File> {
    let mut cue = "package bench\n\n_l0: {x: int, y: string, nested: {a: int, b: int}, tags: [string]: string}\n".to_owned();
    let mut jsonnet = "local l0 = { x:: null, y:: null, nested: { a:: null, b:: null }, tags: {}, assert std.isNumber(self.x), assert std.isString(self.y) };\n".to_owned();
    for i in 1..=n {
        let (before, tag) = (i - 1, i % 10);
        _ = writeln!(
            cue,
            "_l{i}: _l{before} & {{x: >={i}, f{i}: {i}, nested: {{a: >={i}, b: int}}, tags: t{tag}: string}}"
        );
        _ = writeln!(
            jsonnet,
            "local l{i} = l{before} + {{ assert self.x >= {i}, f{i}: {i}, nested+: {{ assert self.a >= {i} }}, assert std.isString(self.tags.t{tag}) }};"
        );
    }
    let tags = |quote: char| {
        let tags = (0..10).map(|j| format!("t{j}: {quote}v{j}{quote}"));
        tags.collect::<Vec<_>>().join(", ")
    };
    let x = n + 1000;
    _ = writeln!(
        cue,
        "out: _l{n} & {{x: {x}, y: \"ok\", nested: {{a: {x}, b: 7}}, tags: {{{}}}}}",
        tags('"')
    );
    _ = writeln!(
        jsonnet,
        "l{n} + {{ x::: {x}, y::: 'ok', nested+: {{ a::: {x}, b::: 7 }}, tags+: {{ {} }} }}",
        tags('\'')
    );
    vec![file("main.cue", cue), file("main.jsonnet", jsonnet)]
}

/// N items of eight types that a field tells apart.
fn disjunctions(n: usize) -> Vec<File> {
    const KINDS: [&str; 8] = [
        "web", "worker", "cron", "db", "cache", "queue", "func", "static",
    ];
    let mut cue = "package bench\n\n".to_owned();
    let mut jsonnet = "local sizes = ['small', 'medium', 'large'];\nlocal types = {\n".to_owned();
    for (k, kind) in KINDS.iter().enumerate() {
        let port = 8000 + k;
        _ = writeln!(
            cue,
            "#T{k}: {{kind: \"{kind}\", name: string, size: *\"small\" | \"medium\" | \"large\", enabled: bool | *true, p{k}: int & >=0, ports: [...int] | *[{port}], opts: {{o{k}: string, mode: *\"m{k}\" | \"x{k}\"}}}}"
        );
        _ = writeln!(
            jsonnet,
            "  {kind}: {{ kind: '{kind}', name: error 'name', size: 'small', enabled: true, p{k}: error 'p', ports: [{port}], opts: {{ o{k}: error 'o', mode: 'm{k}', assert std.member(['m{k}', 'x{k}'], self.mode) }}, assert std.member(sizes, self.size), assert std.isNumber(self.p{k}) && self.p{k} >= 0, assert std.length(std.objectFields(self)) == 7 : 'closed' }},"
        );
    }
    let types: Vec<String> = (0..8).map(|k| format!("#T{k}")).collect();
    _ = writeln!(cue, "#Item: {}\nout: [string]: #Item", types.join(" | "));
    jsonnet.push_str("};\nlocal Item(kind, i) = types[kind] + i;\n{\n");
    for i in 0..n {
        let k = i % 8;
        let kind = KINDS[k];
        let size = if i % 3 == 0 {
            format!(
                "\"size\": \"{}\", ",
                ["small", "medium", "large"][i % 9 / 3]
            )
        } else {
            String::new()
        };
        let item = format!("\"kind\": \"{kind}\", \"name\": \"item{i:05}\", \"p{k}\": {i}, {size}");
        _ = writeln!(
            cue,
            "out: i{i:05}: {{{item}\"opts\": {{\"o{k}\": \"v{i}\"}}}}"
        );
        _ = writeln!(
            jsonnet,
            "  i{i:05}: Item(\"{kind}\", {{{item}opts+: {{\"o{k}\": \"v{i}\"}}}}),"
        );
    }
    jsonnet.push_str("}\n");
    vec![file("main.cue", cue), file("main.jsonnet", jsonnet)]
}

/// A list over N times N pairs.
fn comprehension(n: usize) -> Vec<File> {
    let cue = format!(
        r#"package bench

import "list"

_n: {n}
_xs: list.Range(0, _n, 1)
_ys: list.Range(0, _n, 1)
out: {{
	rows: [for x in _xs for y in _ys if mod(x*y, 3) == 1 if x <= y {{id: "\(x)-\(y)", sum: x + y, name: "item-\(x)-of-\(_n)-\(y)"}}]
	count: len(rows)
}}
"#
    );
    let jsonnet = format!(
        "local n = {n};
local xs = std.range(0, n - 1);
local ys = std.range(0, n - 1);
{{
  rows: [{{ id: '%d-%d' % [x, y], sum: x + y, name: 'item-%d-of-%d-%d' % [x, n, y] }} for x in xs for y in ys if (x * y) % 3 == 1 if x <= y],
  count: std.length(self.rows),
}}
"
    );
    vec![file("main.cue", cue), file("main.jsonnet", jsonnet)]
}

/// A chain of N references, N that fan out from it, and N that meet again.
fn refs(n: usize) -> Vec<File> {
    let mut cue = "package bench\n\n_base: 7\n_v0: 1\n".to_owned();
    let mut jsonnet = "local v = {\n  base: 7,\n  v0: 1,\n".to_owned();
    for i in 1..=n {
        let before = i - 1;
        _ = writeln!(cue, "_v{i}: _v{before} + {}", i % 5);
        _ = writeln!(jsonnet, "  v{i}: self.v{before} + {},", i % 5);
    }
    _ = writeln!(cue, "out: last: _v{n}\nout: fan: {{");
    _ = writeln!(jsonnet, "}};\n{{\n  last: v.v{n},\n  fan: {{");
    for i in 1..=n {
        _ = writeln!(cue, "\tf{i}: _v{i}*2 + _base");
        _ = writeln!(jsonnet, "    f{i}: v.v{i} * 2 + v.base,");
    }
    cue.push_str("}\nout: back: {\n");
    jsonnet.push_str("  },\n  local fan = self.fan,\n  back: {\n");
    for i in 1..=n {
        let other = n - i + 1;
        _ = writeln!(cue, "\tb{i}: out.fan.f{other} - _v{i}");
        _ = writeln!(jsonnet, "    b{i}: fan.f{other} - v.v{i},");
    }
    cue.push_str("}\n");
    jsonnet.push_str("  },\n}\n");
    vec![file("main.cue", cue), file("main.jsonnet", jsonnet)]
}

/// N manifests held against a closed schema.
fn validate(n: usize) -> Vec<File> {
    let mut yaml = String::new();
    let mut json = Vec::with_capacity(n);
    for i in 1..=n {
        let (name, team, group) = (format!("svc-{i:04}"), i % 7, i % 11);
        let (space, replicas, port) = (i % 9, 1 + i % 5, 8000 + i % 100);
        if i > 1 {
            yaml.push_str("---\n");
        }
        _ = write!(
            yaml,
            "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: ns{space}
  labels:
    team: team{team}
    app.kubernetes.io/part-of: group{group}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      containers:
      - name: {name}
        image: registry.example.com/team{team}/{name}:1.0
        ports:
        - name: http
          containerPort: {port}
          protocol: TCP
        env:
        - name: SVC_INDEX
          value: '{i}'
        - name: LOG_LEVEL
          value: info
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
"
        );
        json.push(serde_json::json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": name,
                "namespace": format!("ns{space}"),
                "labels": {
                    "team": format!("team{team}"),
                    "app.kubernetes.io/part-of": format!("group{group}"),
                },
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{
                        "name": name,
                        "image": format!("registry.example.com/team{team}/{name}:1.0"),
                        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
                        "env": [
                            {"name": "SVC_INDEX", "value": i.to_string()},
                            {"name": "LOG_LEVEL", "value": "info"},
                        ],
                        "resources": {
                            "requests": {"cpu": "100m", "memory": "128Mi"},
                            "limits": {"memory": "256Mi"},
                        },
                    }]},
                },
            },
        }));
    }
    vec![
        file(
            "main.cue",
            include_str!("../../bench/programs/validate.cue"),
        ),
        file(
            "main.jsonnet",
            include_str!("../../bench/programs/validate.jsonnet"),
        ),
        file("data.yaml", yaml),
        file(
            "data.json",
            serde_json::json!({ "items": json }).to_string(),
        ),
    ]
}

fn startup(_: usize) -> Vec<File> {
    vec![
        file("main.cue", "package bench\n\nout: a: 1\n"),
        file("main.jsonnet", "{ a: 1 }\n"),
    ]
}
