//! The language server, driven by a protocol dialogue and by a real editor (Neovim, headless).

use holos_lang::value::builtin::Builtins;
use holos_stdlib::{Standard, reference};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn server() -> &'static str {
    env!("CARGO_BIN_EXE_holosc-under-test")
}

fn fresh(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = std::env::temp_dir().join(format!("holosc-lsp-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    for (file, text) in files {
        fs::write(root.join(file), text).unwrap();
    }
    root
}

/// A server, and what it says.
struct Dialogue {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    next: i32,
}

impl Dialogue {
    fn start(root: &Path) -> Dialogue {
        let mut command = Command::new(server());
        command
            .arg("lsp")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            loop {
                let mut length = 0;
                let mut line = String::new();
                while output.read_line(&mut line).is_ok_and(|n| n > 0) && line.trim() != "" {
                    if let Some(number) = line.strip_prefix("Content-Length: ") {
                        length = number.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                if length == 0 || output.read_exact(&mut body).is_err() {
                    return;
                }
                if send.send(serde_json::from_slice(&body).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut dialogue = Dialogue {
            child,
            input,
            messages,
            next: 0,
        };
        let answer = dialogue.ask(
            "initialize",
            json!({"capabilities": {}, "rootUri": format!("file://{}", root.display())}),
        );
        assert_eq!(answer["capabilities"]["hoverProvider"], true);
        dialogue.tell("initialized", json!({}));
        dialogue
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}));
        let id = json!(self.next);
        self.until(|message| message["id"] == id)["result"].take()
    }

    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self
                .messages
                .recv_timeout(PATIENCE)
                .expect("the server answers");
            if fits(&message) {
                return message;
            }
        }
    }

    /// The next diagnostics of a file: ranges, codes and the first lines of the messages.
    fn diagnostics(&mut self, uri: &str) -> Vec<String> {
        let message = self.until(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
        });
        let list = message["params"]["diagnostics"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        list.iter()
            .map(|d| {
                let at = |end: &str| {
                    format!(
                        "{}:{}",
                        d["range"][end]["line"], d["range"][end]["character"]
                    )
                };
                let text = d["message"]
                    .as_str()
                    .unwrap_or_default()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_string();
                format!(
                    "{}-{} {} {text}",
                    at("start"),
                    at("end"),
                    d["code"].as_str().unwrap_or_default()
                )
            })
            .collect()
    }

    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_dialogue() {
    let root = fresh("dialogue", &[("other.holos", "package p\n\nother: 7\n")]);
    let uri = format!("file://{}/main.holos", root.display());
    let text = "package p\n\nport: int\nport: other + 1 // é\nuse:  port\nbad:  \"é\" & 5\n";
    let mut server = Dialogue::start(&root);
    let document = json!({"uri": uri, "languageId": "holos", "version": 1, "text": text});
    server.tell("textDocument/didOpen", json!({"textDocument": document}));
    assert_eq!(
        server.diagnostics(&uri),
        ["5:6-5:9 E0201 conflicting values \"é\" and 5 (mismatched types string and int)"]
    );
    // Mend it: replace the 5 by a string.
    let range = json!({"start": {"line": 5, "character": 12}, "end": {"line": 5, "character": 13}});
    server.tell(
        "textDocument/didChange",
        json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"range": range, "text": "string"}]}),
    );
    assert_eq!(server.diagnostics(&uri), Vec::<String>::new());
    let at = |line: u32, character: u32| json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
    let hover = server.ask("textDocument/hover", at(4, 7));
    assert_eq!(hover["contents"]["value"], "```holos\nport: 8\n```");
    let definition = server.ask("textDocument/definition", at(3, 8));
    assert_eq!(
        definition[0]["uri"],
        format!("file://{}/other.holos", root.display())
    );
    assert_eq!(
        definition[0]["range"]["start"],
        json!({"line": 2, "character": 0})
    );
    let symbols = server.ask(
        "textDocument/documentSymbol",
        json!({"textDocument": {"uri": uri}}),
    );
    let names: Vec<&str> = symbols
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!(names, ["port", "port", "use", "bad"]);
    let edits = server.ask(
        "textDocument/formatting",
        json!({"textDocument": {"uri": uri}, "options": {}}),
    );
    assert!(edits.is_array(), "{edits}");
    server.end();
    fs::remove_dir_all(&root).unwrap();
}

/// What an editor offers at the end of a text.
fn offered(server: &mut Dialogue, uri: &str, text: &str) -> Vec<Value> {
    let document = json!({"uri": uri, "languageId": "holos", "version": 1, "text": text});
    server.tell("textDocument/didOpen", json!({"textDocument": document}));
    let line = text.matches('\n').count();
    let character = text.rsplit('\n').next().unwrap_or(text).len();
    let at = json!({"line": line, "character": character});
    let items = server.ask(
        "textDocument/completion",
        json!({"textDocument": {"uri": uri}, "position": at}),
    );
    items.as_array().cloned().unwrap_or_default()
}

fn labels(items: &[Value]) -> BTreeSet<&str> {
    items.iter().filter_map(|i| i["label"].as_str()).collect()
}

#[test]
fn completions_name_what_the_table_of_builtin_packages_has() {
    let root = fresh("packages", &[]);
    let uri = format!("file://{}/main.holos", root.display());
    let mut server = Dialogue::start(&root);
    for path in Standard.paths() {
        let package = Standard.package(path).unwrap();
        // A broken text: nothing follows the dot.
        let text = format!("import p {path:?}\n\nx: [p.");
        let items = offered(&mut server, &uri, &text);
        let table: BTreeSet<&str> = reference::entries(package).map(|e| e.name()).collect();
        assert_eq!(labels(&items), table, "{path}");
        for item in &items {
            let name = format!("{path}.{}", item["label"].as_str().unwrap());
            let entry = reference::find(&name).unwrap();
            assert_eq!(item["detail"], entry.signature(), "{name}");
            let doc = item["documentation"]["value"].as_str().unwrap_or_default();
            assert!(doc.starts_with(entry.doc()), "{name}: {doc}");
        }
    }
    // One that is not imported yet is imported by the choice.
    let items = offered(&mut server, &uri, "package p\n\nx: strings.Sp");
    let edits = &items[0]["additionalTextEdits"];
    assert_eq!(edits[0]["newText"], "\nimport \"strings\"\n");
    assert_eq!(
        edits[0]["range"]["start"],
        json!({"line": 1, "character": 0})
    );
    // What has the name of a package is none.
    let items = offered(&mut server, &uri, "package p\n\nlist: {Foo: 1}\nx: list.");
    assert!(!labels(&items).contains("Repeat"), "{items:?}");
    // The packages themselves: as names, and as paths in an import.
    let items = offered(&mut server, &uri, "package p\n\nx: str");
    assert!(labels(&items).is_superset(&BTreeSet::from(["strings", "strconv", "json"])));
    let items = offered(&mut server, &uri, "import \"enc\"\n\nx: 1");
    assert!(!labels(&items).contains("encoding/json"));
    let at = json!({"line": 0, "character": 11});
    let items = server.ask(
        "textDocument/completion",
        json!({"textDocument": {"uri": uri}, "position": at}),
    );
    let paths: BTreeSet<&str> = Standard.paths().into_iter().collect();
    assert_eq!(labels(items.as_array().unwrap()), paths);
    // In a text or a comment there is nothing to offer.
    assert_eq!(offered(&mut server, &uri, "x: \"a.").len(), 0);
    assert_eq!(offered(&mut server, &uri, "x: 1 // strings.").len(), 0);
    server.end();
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn an_editor() {
    if Command::new("nvim").arg("--version").output().is_err() {
        // The one test that needs a program from outside; CI installs it.
        #[expect(
            clippy::print_stderr,
            reason = "whoever runs the test has to see that it did nothing"
        )]
        {
            eprintln!("skipped: nvim is not installed");
        }
        return;
    }
    let root = fresh(
        "editor",
        &[("port.holos", "package p\n\nname: \"x\"\nport: 80 + 0\n")],
    );
    let report = root.join("report.json");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/lsp/editor.lua");
    let mut editor = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-S"])
        .arg(&script)
        .current_dir(&root)
        .env("HOLOSC", server())
        .env("REPORT", &report)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(editor.wait().unwrap().success());
    let seen: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    let expected = json!([
        {"syntax": ["2:14-2:15 this `]` closes nothing"]},
        {"types": ["2:6-2:13 conflicting values \"bänk\" and 5 (mismatched types string and int)"]},
        {"mended": 0},
        {"hover": "```holos\nport: 80\n```"},
        {"formatted": "name: \"bänk\""},
    ]);
    assert_eq!(seen, expected, "{seen:#}");
    fs::remove_dir_all(&root).unwrap();
}

/// A text with its `‸` taken out, and where that stood.
fn marked(text: &str) -> (String, Value) {
    let (before, after) = text.split_once('‸').expect("a place is marked");
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap_or(before).encode_utf16();
    let at = json!({"line": line, "character": character.count()});
    (format!("{before}{after}"), at)
}

const SCHEMA: &str = r#"package p

// What runs.
#App: {
	// How many of it.
	replicas: *1 | int
	role!:    "web" | "worker"
	tls?:     bool
	"x-y"?:   string
	spec?: {image: string, pull?: "Always" | "Never"}
}

#Case: {kind: "a", left?: int} | {kind: "b", right?: int}
"#;

#[test]
fn completions_know_the_schema() {
    let root = fresh("schema", &[("schema.holos", SCHEMA)]);
    let mut server = Dialogue::start(&root);
    let cases = [
        // Fields that are not there yet, what is missing first.
        (
            "bank: #App & {\n\trole: \"web\"\n\t‸\n}\n",
            "replicas: , spec: , tls: , \"x-y\": ",
        ),
        (
            "bank: #App & {\n\tre‸\n}\n",
            "role: , replicas: , spec: , tls: , \"x-y\": ",
        ),
        (
            "bank: #App & {role: \"web\", spec: {‸}}\n",
            "image: , pull: ",
        ),
        (
            "bank: #App\nbank: spec: {\n\tpull: \"Never\"\n\t‸\n}\n",
            "image: ",
        ),
        ("c: #Case & {‸}\n", "kind: , left: , right: "),
        // What a field may be.
        ("bank: #App & {\n\trole: ‸\n}\n", "\"web\", \"worker\""),
        ("bank: #App & {\n\trole: \"w‸\"\n}\n", "\"web\", \"worker\""),
        ("bank: #App & {\n\ttls: t‸\n}\n", "true, false"),
        (
            "bank: #App & {role: \"web\", spec: pull: ‸}\n",
            "\"Always\", \"Never\"",
        ),
        // What a name leads to.
        (
            "bank: #App & {role: \"web\"}\nx: bank.‸\n",
            "replicas, role, tls, \"x-y\", spec",
        ),
        (
            "bank: #App & {role: \"web\", spec: image: \"i\"}\nx: bank.spec.im‸\n",
            "image, pull",
        ),
        ("x: {#D: 1, a: 2}\ny: x.‸\n", "#D, a"),
    ];
    for (index, (text, expected)) in cases.into_iter().enumerate() {
        let uri = format!("file://{}/main{index}.holos", root.display());
        let (text, at) = marked(text);
        let text = format!("package p\n\n{text}");
        let at = json!({"line": at["line"].as_u64().unwrap() + 2, "character": at["character"]});
        let document = json!({"uri": uri, "languageId": "holos", "version": 1, "text": text});
        server.tell("textDocument/didOpen", json!({"textDocument": document}));
        let document = json!({"uri": uri});
        let request = json!({"textDocument": document, "position": at});
        let items = server.ask("textDocument/completion", request);
        let mut items = items.as_array().cloned().unwrap_or_default();
        // Packages and names in scope come after what the schema says.
        items.retain(|item| {
            let rank = item["sortText"].as_str().unwrap_or("0");
            !rank.starts_with('5') && item["additionalTextEdits"].is_null()
        });
        items.sort_by_key(|item| item["sortText"].as_str().unwrap_or_default().to_string());
        let texts: Vec<&str> = (items.iter())
            .filter_map(|item| item["textEdit"]["newText"].as_str())
            .collect();
        assert_eq!(texts.join(", "), expected, "in {text}");
        if index == 0 {
            assert_eq!(items[0]["detail"], "replicas: *1 | int");
            assert_eq!(items[0]["documentation"]["value"], "How many of it.");
        }
        server.tell("textDocument/didClose", json!({"textDocument": document}));
    }
    // Names in scope.
    let uri = format!("file://{}/names.holos", root.display());
    let text = "package p\n\nlet secret = 1\nout: {for key, value in {} {(key): secret + va";
    let items = offered(&mut server, &uri, text);
    let names = BTreeSet::from([
        "secret", "key", "value", "out", "#App", "string", "len", "strings",
    ]);
    assert!(labels(&items).is_superset(&names), "{:?}", labels(&items));
    server.end();
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn names_are_found_and_renamed() {
    let schema = "package p\n\n#App: {port: int, url: \"http://x:\\(port)\"}\n";
    let root = fresh("rename", &[("schema.holos", schema)]);
    let uri = format!("file://{}/main.holos", root.display());
    let mut server = Dialogue::start(&root);
    let text = "package p\n\nlet base = 8000\nbank: #App & {port: base + 80}\nother: {port: 1, use: bank.port}\nall: {for k, v in bank {(k): v}}\n";
    let document = json!({"uri": uri, "languageId": "holos", "version": 1, "text": text});
    server.tell("textDocument/didOpen", json!({"textDocument": document}));
    let mut lines = |method: &str, line: u32, character: u32, new: &str| -> Vec<String> {
        let answer = server.ask(
            method,
            json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, "newName": new}),
        );
        let mut found = Vec::new();
        let mut say = |uri: &str, range: &Value| {
            let file = uri.rsplit('/').next().unwrap_or_default();
            let start = &range["start"];
            found.push(format!("{file} {}:{}", start["line"], start["character"]));
        };
        for location in answer.as_array().into_iter().flatten() {
            say(
                location["uri"].as_str().unwrap_or("main.holos"),
                &location["range"],
            );
        }
        for (uri, edits) in answer["changes"].as_object().into_iter().flatten() {
            for edit in edits.as_array().into_iter().flatten() {
                say(uri, &edit["range"]);
            }
        }
        found
    };
    // A field of a definition: where it is declared, where values made from it set it, where something reads it; not
    // the field of the same name elsewhere.
    let port = [
        "main.holos 3:14",
        "main.holos 4:27",
        "schema.holos 2:35",
        "schema.holos 2:7",
    ];
    let mut found = lines("textDocument/references", 3, 15, "");
    found.sort();
    assert_eq!(found, port);
    let mut found = lines("textDocument/rename", 4, 28, "listen");
    found.sort();
    assert_eq!(found, port);
    assert_eq!(
        lines("textDocument/references", 4, 9, ""),
        ["main.holos 4:8"]
    );
    // A let, a variable, a definition.
    assert_eq!(
        lines("textDocument/rename", 2, 5, "first"),
        ["main.holos 2:4", "main.holos 3:20"]
    );
    assert_eq!(
        lines("textDocument/documentHighlight", 5, 13, ""),
        ["main.holos 5:13", "main.holos 5:29"]
    );
    assert_eq!(
        lines("textDocument/rename", 3, 8, "#Web"),
        ["main.holos 3:6", "schema.holos 2:0"]
    );
    // What is no name, or would make something else of it.
    assert_eq!(
        lines("textDocument/rename", 3, 8, "Web"),
        Vec::<String>::new()
    );
    assert_eq!(
        lines("textDocument/rename", 2, 5, "a b"),
        Vec::<String>::new()
    );
    server.end();
    fs::remove_dir_all(&root).unwrap();
}
