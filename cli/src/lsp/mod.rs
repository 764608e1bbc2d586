//! `holosc lsp`: the language server, over standard input and output.
//!
//! The main thread keeps the open documents and answers what needs only their text. Each change starts a
//! thread that waits a moment, loads and evaluates the package, publishes what is wrong, and then answers questions
//! about values until the next change replaces it. A panic there is reported and costs that answer only.

mod actions;
mod analysis;
mod completion;
mod definition;
mod diagnostics;
mod fields;
mod formatting;
mod hover;
mod locate;
mod position;
mod references;
mod symbols;
mod uri;

use crate::files::Files;
use analysis::Analysis;
use gen_lsp_types::{Position, Range};
use holos_lang::diagnostic::FileId;
use holos_lang::syntax;
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long typing must pause before a package is evaluated.
const PAUSE: Duration = Duration::from_millis(120);
/// Deep values recurse; threads get as much stack as the main one of a generous system.
const STACK: usize = 256 << 20;

/// Serves an editor until it says to exit.
///
/// # Errors
/// Where the transport breaks or the editor does not speak the protocol.
pub fn serve(files: Files) -> Result<(), String> {
    let (connection, threads) = Connection::stdio();
    let capabilities = json!({
        "positionEncoding": "utf-16",
        "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
        "hoverProvider": true,
        "definitionProvider": true,
        "completionProvider": {"triggerCharacters": [".", "\"", "/"]},
        "referencesProvider": true,
        "documentHighlightProvider": true,
        "renameProvider": {"prepareProvider": true},
        "documentSymbolProvider": true,
        "documentFormattingProvider": true,
        "codeActionProvider": {"codeActionKinds": ["quickfix"]},
    });
    let (id, params) = connection.initialize_start().map_err(|e| e.to_string())?;
    let info = json!({"name": "holosc", "version": env!("CARGO_PKG_VERSION")});
    let answer = json!({"capabilities": capabilities, "serverInfo": info});
    connection
        .initialize_finish(id, answer)
        .map_err(|e| e.to_string())?;
    let root = params["rootUri"]
        .as_str()
        .or(params["workspaceFolders"][0]["uri"].as_str())
        .and_then(uri::path);
    let files = Files {
        cwd: root.unwrap_or(files.cwd),
        ..files
    };
    let outbox = connection.sender.clone();
    let send: Outbox = Arc::new(move |message| {
        // An editor that has gone is told nothing.
        let _ = outbox.send(message);
    });
    let mut server = Server {
        files,
        documents: BTreeMap::new(),
        packages: BTreeMap::new(),
        send,
    };
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection
                    .handle_shutdown(&request)
                    .map_err(|e| e.to_string())?
                {
                    break;
                }
                server.request(request);
            }
            Message::Notification(notification) => server.notification(&notification),
            Message::Response(_) => {}
        }
    }
    drop(server);
    drop(connection);
    threads.join().map_err(|e| e.to_string())
}

type Outbox = Arc<dyn Fn(Message) + Send + Sync>;

/// What is open, and who evaluates it.
struct Server {
    files: Files,
    /// Open texts by path.
    documents: BTreeMap<PathBuf, Arc<str>>,
    /// One evaluation for each package that has a file open.
    packages: BTreeMap<Key, Package>,
    send: Outbox,
}

/// A directory and a package name, or a file by itself.
type Key = (PathBuf, String);

/// The running evaluation of a package.
struct Package {
    /// A file of it that is open.
    main: PathBuf,
    /// Counts its changes; an evaluation of an older count is stale.
    generation: Arc<AtomicU64>,
    questions: Option<Sender<Question>>,
    /// The files that diagnostics were published for.
    published: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// What only an evaluation can answer.
struct Question {
    id: RequestId,
    kind: QuestionKind,
    path: PathBuf,
    position: Position,
}

enum QuestionKind {
    Hover,
    Definition,
    Completion,
    References,
    Highlights,
    PrepareRename,
    /// The new name.
    Rename(String),
}

impl Server {
    fn request(&mut self, request: Request) {
        let params = &request.params;
        let path = params["textDocument"]["uri"].as_str().and_then(uri::path);
        let text = path
            .as_ref()
            .and_then(|path| self.documents.get(path))
            .cloned();
        let result = match request.method.as_str() {
            "textDocument/hover" => return self.ask(request.id, QuestionKind::Hover, path, params),
            "textDocument/definition" => {
                return self.ask(request.id, QuestionKind::Definition, path, params);
            }
            "textDocument/references" => {
                return self.ask(request.id, QuestionKind::References, path, params);
            }
            "textDocument/documentHighlight" => {
                return self.ask(request.id, QuestionKind::Highlights, path, params);
            }
            "textDocument/prepareRename" => {
                return self.ask(request.id, QuestionKind::PrepareRename, path, params);
            }
            "textDocument/rename" => {
                let new = params["newName"].as_str().unwrap_or_default();
                let kind = QuestionKind::Rename(new.to_string());
                return self.ask(request.id, kind, path, params);
            }
            "textDocument/completion" => {
                let at = serde_json::from_value(params["position"].clone()).unwrap_or_default();
                match text.and_then(|text| completion::members(&text, at)) {
                    Some(items) => Some(json!(items)),
                    None => return self.ask(request.id, QuestionKind::Completion, path, params),
                }
            }
            "textDocument/documentSymbol" => text.map(|text| {
                let parsed = syntax::parse(FileId(0), &text);
                json!(symbols::symbols(&parsed.file, &text))
            }),
            "textDocument/formatting" => text
                .and_then(|text| formatting::formatting(&text))
                .map(|edits| json!(edits)),
            "textDocument/codeAction" => Some(json!(actions::actions(params))),
            method => {
                let message = format!("holosc does not know `{method}`");
                let code = lsp_server::ErrorCode::MethodNotFound as i32;
                return (self.send)(Response::new_err(request.id, code, message).into());
            }
        };
        (self.send)(Response::new_ok(request.id, result.unwrap_or(Value::Null)).into());
    }

    /// Hands a question to the evaluation of the document's package.
    fn ask(&mut self, id: RequestId, kind: QuestionKind, path: Option<PathBuf>, params: &Value) {
        let position = serde_json::from_value(params["position"].clone()).unwrap_or_default();
        let asked = path.and_then(|path| {
            let key = self.key(&path)?;
            let questions = self.packages.get(&key)?.questions.as_ref()?;
            questions
                .send(Question {
                    id: id.clone(),
                    kind,
                    path,
                    position,
                })
                .ok()
        });
        if asked.is_none() {
            (self.send)(Response::new_ok(id, Value::Null).into());
        }
    }

    fn notification(&mut self, notification: &Notification) {
        let params = &notification.params;
        let document = &params["textDocument"];
        let Some(path) = document["uri"].as_str().and_then(uri::path) else {
            return;
        };
        match notification.method.as_str() {
            "textDocument/didOpen" => {
                self.documents
                    .insert(path, document["text"].as_str().unwrap_or_default().into());
                self.evaluate(Duration::ZERO);
            }
            "textDocument/didChange" => {
                let mut text = self
                    .documents
                    .get(&path)
                    .map_or(String::new(), |text| text.to_string());
                for change in params["contentChanges"].as_array().into_iter().flatten() {
                    apply(&mut text, change);
                }
                self.documents.insert(path, text.into());
                self.evaluate(PAUSE);
            }
            "textDocument/didSave" => self.evaluate(Duration::ZERO),
            "textDocument/didClose" => {
                self.documents.remove(&path);
                self.evaluate(Duration::ZERO);
            }
            _ => {}
        }
    }

    /// The package a document belongs to.
    fn key(&self, path: &Path) -> Option<Key> {
        let text = self.documents.get(path)?;
        if !path
            .extension()
            .is_some_and(|extension| extension == "holos" || extension == "cue")
        {
            return None;
        }
        let clause = syntax::parse(FileId(0), text).file.package;
        Some(match (clause, path.parent()) {
            (Some(clause), Some(dir)) => (dir.to_path_buf(), clause.name.to_string()),
            _ => (path.to_path_buf(), String::new()),
        })
    }

    /// Evaluates every package that has a file open, after a pause.
    fn evaluate(&mut self, pause: Duration) {
        let open: BTreeMap<Key, PathBuf> = self
            .documents
            .keys()
            .rev()
            .filter_map(|path| Some((self.key(path)?, path.clone())))
            .collect();
        let files = Files {
            overlay: self.documents.clone(),
            ..self.files.clone()
        };
        let gone: Vec<Key> = self
            .packages
            .keys()
            .filter(|key| !open.contains_key(*key))
            .cloned()
            .collect();
        for key in gone {
            if let Some(package) = self.packages.remove(&key) {
                package.generation.fetch_add(1, Ordering::SeqCst);
                publish(&self.send, &package.published, BTreeMap::new());
            }
        }
        for (key, main) in open {
            let package = self.packages.entry(key).or_insert_with(|| Package {
                main: main.clone(),
                generation: Arc::default(),
                questions: None,
                published: Arc::default(),
            });
            package.main = main;
            let generation = package.generation.fetch_add(1, Ordering::SeqCst) + 1;
            let (questions, asked) = channel();
            let work = Work {
                files: files.clone(),
                main: package.main.clone(),
                generation,
                latest: package.generation.clone(),
                published: package.published.clone(),
                send: self.send.clone(),
                pause,
            };
            let thread = std::thread::Builder::new()
                .name("evaluation".into())
                .stack_size(STACK);
            package.questions = thread
                .spawn(move || work.run(&asked))
                .ok()
                .map(|_| questions);
        }
    }
}

/// One evaluation, to be run on a thread of its own.
struct Work {
    files: Files,
    main: PathBuf,
    generation: u64,
    latest: Arc<AtomicU64>,
    published: Arc<Mutex<BTreeSet<PathBuf>>>,
    send: Outbox,
    pause: Duration,
}

impl Work {
    fn superseded(&self) -> bool {
        self.latest.load(Ordering::SeqCst) != self.generation
    }

    fn run(&self, questions: &Receiver<Question>) {
        std::thread::sleep(self.pause);
        let mut analysis = None;
        if !self.superseded() {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let analysis = Analysis::new(&self.files, &self.main, &|| self.superseded());
                let found = diagnostics::by_file(
                    &analysis.sources,
                    &analysis.found,
                    &analysis.root,
                    &self.main,
                );
                (analysis, found)
            }));
            match result {
                Ok((made, found)) => {
                    if !self.superseded() {
                        publish(&self.send, &self.published, found);
                    }
                    analysis = Some(made);
                }
                Err(_) => self.apologise(),
            }
        }
        // Until the next change drops the other end.
        for question in questions {
            let answer = analysis.as_mut().and_then(|analysis| {
                let answer = catch_unwind(AssertUnwindSafe(|| {
                    let (path, at) = (question.path.as_path(), question.position);
                    match &question.kind {
                        QuestionKind::Hover => json!(hover::hover(analysis, path, at)),
                        QuestionKind::Definition => {
                            json!(definition::definition(analysis, path, at))
                        }
                        QuestionKind::Completion => {
                            json!(completion::completion(analysis, path, at))
                        }
                        QuestionKind::References => {
                            json!(references::references(analysis, path, at))
                        }
                        QuestionKind::Highlights => {
                            json!(references::highlights(analysis, path, at))
                        }
                        QuestionKind::PrepareRename => {
                            json!(references::prepare(analysis, path, at))
                        }
                        QuestionKind::Rename(new) => {
                            json!(references::rename(analysis, path, at, new))
                        }
                    }
                }));
                answer.map_err(|_| self.apologise()).ok()
            });
            (self.send)(Response::new_ok(question.id, answer.unwrap_or(Value::Null)).into());
        }
    }

    fn apologise(&self) {
        let message = "holosc: an internal error; please report it with the file that caused it";
        let params = json!({"type": 1, "message": message});
        (self.send)(Notification::new("window/logMessage".into(), params).into());
    }
}

/// Publishes the diagnostics of a package, and clears those of files that have none any more.
fn publish(
    send: &Outbox,
    published: &Mutex<BTreeSet<PathBuf>>,
    mut found: BTreeMap<PathBuf, Vec<gen_lsp_types::Diagnostic>>,
) {
    let mut published = published
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let now: BTreeSet<PathBuf> = found.keys().cloned().collect();
    for path in published.union(&now) {
        let params =
            json!({"uri": uri::of(path), "diagnostics": found.remove(path).unwrap_or_default()});
        send(Notification::new("textDocument/publishDiagnostics".into(), params).into());
    }
    *published = now;
}

/// One change of a document: of a range, or of everything.
fn apply(text: &mut String, change: &Value) {
    let new = change["text"].as_str().unwrap_or_default();
    match serde_json::from_value::<Range>(change["range"].clone()) {
        Ok(range) => {
            let start = position::offset(text, range.start) as usize;
            let end = (position::offset(text, range.end) as usize).max(start);
            text.replace_range(start..end, new);
        }
        Err(_) => *text = new.to_string(),
    }
}
