//! The resolved program: what the evaluator runs.
//!
//! Everything is an index into a table of [`Program`]; a name is a number of environment levels to
//! climb and a [`Label`]. Programs are built by [`super::compile`] and never changed by evaluation,
//! except that the evaluator interns further strings and appends expressions (`-e`).

use crate::diagnostic::{FileId, Place, Span};
pub(crate) use crate::value::Comparison;
use crate::value::Number;
use crate::value::builtin::{Function, Kind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// An interned string.
pub(crate) type StrId = u32;
/// An index into [`Program::exprs`].
pub(crate) type ExprId = u32;
/// An index into [`Program::shapes`].
pub(crate) type ShapeId = u32;

/// What names an arc: an interned string or a list index, and its class in the low three bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Label(pub u32);

const STRING: u32 = 0;
const INT: u32 = 1;
const DEFINITION: u32 = 2;
const HIDDEN: u32 = 3;
const HIDDEN_DEFINITION: u32 = 4;
const LET: u32 = 5;

impl Label {
    /// No label: the root, and values without a place.
    pub(crate) const NONE: Label = Label(7);
    /// The largest list index that can be a label.
    pub(crate) const MAX_INDEX: u32 = (1 << 29) - 1;

    pub(crate) fn string(id: StrId) -> Label {
        Label(id << 3 | STRING)
    }
    pub(crate) fn index(index: u32) -> Label {
        Label(index << 3 | INT)
    }
    pub(crate) fn let_clause(id: u32) -> Label {
        Label(id << 3 | LET)
    }
    pub(crate) fn id(self) -> u32 {
        self.0 >> 3
    }
    pub(crate) fn is_string(self) -> bool {
        self.0 & 7 == STRING
    }
    pub(crate) fn is_int(self) -> bool {
        self.0 & 7 == INT
    }
    pub(crate) fn is_regular(self) -> bool {
        self.0 & 7 <= INT
    }
    /// `#D` or `_#D`.
    pub(crate) fn is_definition(self) -> bool {
        matches!(self.0 & 7, DEFINITION | HIDDEN_DEFINITION)
    }
    /// `_h` or `_#D`.
    pub(crate) fn is_hidden(self) -> bool {
        matches!(self.0 & 7, HIDDEN | HIDDEN_DEFINITION)
    }
    pub(crate) fn is_let(self) -> bool {
        self.0 & 7 == LET
    }
}

/// How present an arc is; the strongest of its conjuncts wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum ArcType {
    Member,
    Required,
    Optional,
    /// A comprehension may yet produce it.
    Pending,
    NotPresent,
}

/// A value that fits sixteen bytes; strings, numbers and structures are indices.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) enum Value {
    /// Nothing known yet.
    #[default]
    None,
    /// Being evaluated.
    Cycle,
    Bottom(u32),
    Null,
    Bool(bool),
    Int(i64),
    /// Into the number table: what does not fit `Int`.
    Number(u32),
    String(StrId),
    Bytes(u32),
    Top,
    Kind(Kind),
    /// Into the bound table.
    Bound(u32),
    /// Into the validator table.
    Validator(u32),
    /// Into the conjunction table: bounds, validators and a kind.
    Conjunction(u32),
    /// Into the disjunction table.
    Disjunction(u32),
    /// Into the function table.
    Function(u32),
    Struct,
    List {
        open: bool,
    },
    /// Another node.
    Node(u32),
}

/// Infix operators that compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Compare(Comparison),
    Or { short: bool },
    And { short: bool },
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// An expression, children by index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expr {
    Value(Value),
    /// The field `label` of the struct `up` environments out.
    Field {
        up: u16,
        label: Label,
        optional: bool,
    },
    /// The label that a pattern or dynamic field matched, as a string.
    LabelName {
        up: u16,
    },
    /// The node itself (`self`, value aliases); `up` 0 is the node under evaluation.
    Itself {
        up: u16,
    },
    /// The field whose label the key expression gives (aliases of dynamic fields).
    Dynamic {
        up: u16,
        key: u32,
    },
    /// A `let` clause of a struct.
    Let {
        up: u16,
        clause: u32,
    },
    /// The value and the key variable of a `for` clause.
    ForValue {
        up: u16,
    },
    ForKey {
        up: u16,
    },
    /// A `let` (or `try x =`) clause of a comprehension.
    ClauseLet {
        up: u16,
        body: ExprId,
    },
    Package(u32),
    Select {
        base: ExprId,
        label: Label,
        optional: bool,
    },
    Index {
        base: ExprId,
        index: ExprId,
        optional: bool,
    },
    /// Bounds are [`NO_EXPR`] where left out.
    Slice {
        base: ExprId,
        low: ExprId,
        high: ExprId,
    },
    /// Fragments (strings) and expressions in turn, from [`Program::lists`].
    Interpolation {
        bytes: bool,
        start: u32,
        len: u32,
    },
    Plus(ExprId),
    Minus(ExprId),
    Not(ExprId),
    Bound(Comparison, ExprId),
    Binary(Operator, ExprId, ExprId),
    Unify(ExprId, ExprId),
    /// Into [`Program::disjunctions`].
    Disjunction(u32),
    Call {
        function: ExprId,
        start: u32,
        len: u32,
    },
    Struct(ShapeId),
    /// Into [`Program::list_literals`].
    List(u32),
    /// Into [`Program::comprehensions`].
    Comprehension(u32),
    /// `x...`.
    Open(ExprId),
}

/// Stands for an absent expression.
pub(crate) const NO_EXPR: ExprId = u32::MAX;

/// A struct literal (or a file), compiled once.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Into [`Program::decls`].
    pub start: u32,
    pub len: u32,
    /// How many of the declarations are optional fields.
    pub optionals: u32,
    /// One of these fields is declared once more, not as an optional one.
    pub optional_again: bool,
    /// Embeds an expression or a comprehension.
    pub embeds: bool,
    pub ellipsis: bool,
    pub file: bool,
    /// The body of a comprehension.
    pub body: bool,
    /// Written under `@experiment(explicitopen)`.
    pub explicit_open: bool,
}

/// One declaration of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decl {
    Field {
        label: Label,
        arc: ArcType,
        value: ExprId,
    },
    Dynamic {
        key: ExprId,
        arc: ArcType,
        value: ExprId,
    },
    Pattern {
        filter: ExprId,
        value: ExprId,
    },
    Embed(ExprId),
    Comprehension(u32),
    Ellipsis,
}

/// One chain `a | *b | c`.
#[derive(Clone, Debug)]
pub(crate) struct Disjunction {
    pub marked: bool,
    /// Each arm, and whether it is marked.
    pub arms: Vec<(ExprId, bool)>,
    /// Whether it is written as `or([…])`.
    pub called: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ListLiteral {
    pub elements: Vec<Element>,
    /// The element type of `...T`; `...` alone is `_`.
    pub ellipsis: Option<ExprId>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Element {
    Expr(ExprId),
    Comprehension(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub clauses: Vec<Clause>,
    /// A [`Expr::Struct`].
    pub body: ExprId,
    /// `else`/`fallback`, or [`NO_EXPR`].
    pub otherwise: ExprId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Clause {
    For {
        source: ExprId,
    },
    If(ExprId),
    Let,
    /// `try { … }` or `try x = e`.
    Try {
        value: ExprId,
    },
}

/// Names and bodies of a field's attributes.
pub(crate) type Attributes = Vec<(Arc<str>, Arc<str>)>;

/// A package of the program.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub name: Arc<str>,
    /// One [`Expr::Struct`] for each file.
    pub files: Vec<ExprId>,
}

/// A builtin function the evaluator can call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callable {
    Predeclared(Predeclared),
    Package(&'static crate::value::builtin::Package, &'static Function),
}

/// Functions of the language itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Predeclared {
    Len,
    Close,
    CloseAll,
    Reclose,
    And,
    Or,
    Div,
    Mod,
    Quo,
    Rem,
    MatchN,
    MatchIf,
    Error,
}

/// A bound: `>=1`, `!="x"`, `=~"re"`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct BoundValue {
    pub op: Comparison,
    pub value: Value,
}

/// The whole program.
#[derive(Clone, Default, Debug)]
pub(crate) struct Program {
    pub(crate) exprs: Vec<Expr>,
    /// Parallel to `exprs`.
    pub(crate) places: Vec<Place>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) decls: Vec<Decl>,
    /// Parallel to `decls`: where the label stands.
    pub(crate) decl_places: Vec<Place>,
    pub(crate) lists: Vec<ExprId>,
    pub(crate) disjunctions: Vec<Disjunction>,
    pub(crate) list_literals: Vec<ListLiteral>,
    pub(crate) comprehensions: Vec<Comprehension>,
    /// Bodies of `let` clauses and keys of aliased dynamic fields, filled in after their references.
    pub(crate) lets: Vec<ExprId>,
    pub(crate) let_names: Vec<StrId>,
    pub(crate) keys: Vec<ExprId>,
    pub(crate) packages: Vec<Package>,
    pub(crate) strings: Interner,
    pub(crate) numbers: Vec<Number>,
    pub(crate) bytes: Vec<Arc<[u8]>>,
    pub(crate) functions: Vec<Callable>,
    pub(crate) bounds: Vec<BoundValue>,
    /// Constant conjunctions: predeclared ranges such as `uint8`.
    pub(crate) conjunctions: Vec<Vec<Value>>,
    /// Which files are the user's, by [`FileId`]; a later one is.
    pub(crate) user_files: Vec<bool>,
    /// The texts of the files, by [`FileId`]; a later one is not there.
    pub(crate) texts: Arc<[Arc<str>]>,
    /// What names are likely mistaken for others, for the checker.
    pub(crate) warnings: Vec<crate::diagnostic::Diagnostic>,
    /// Attributes of fields, by the index of their declaration.
    pub(crate) attributes: FxHashMap<u32, Attributes>,
    /// Operations on what can never be concrete, which have been reported.
    pub(crate) refused: FxHashSet<ExprId>,
}

impl Program {
    pub(crate) fn expr(&mut self, expr: Expr, file: FileId, span: Span) -> ExprId {
        self.exprs.push(expr);
        self.places.push(Place { file, span });
        (self.exprs.len() - 1) as ExprId
    }

    /// The label as a program spells it: `a`, `"x-y"`, `#D`, `3`.
    pub(crate) fn label_text(&self, label: Label) -> String {
        if label.is_int() {
            return label.id().to_string();
        }
        if label.is_let() {
            return self
                .let_names
                .get(label.id() as usize)
                .map_or_else(String::new, |&name| self.strings.get(name).to_string());
        }
        let text = self.strings.get(label.id());
        if label.is_hidden() {
            return text.split('\0').next().unwrap_or_default().to_string();
        }
        if label.is_string() && !is_identifier(text) {
            return quote(text);
        }
        text.to_string()
    }

    /// The label of a name as an identifier spells it, in the package `path`.
    pub(crate) fn identifier_label(&mut self, name: &str, path: &str) -> Label {
        if let Some(rest) = name.strip_prefix('_') {
            if rest.starts_with('_') {
                return Label::string(self.strings.intern(name));
            }
            let id = self.strings.intern(&format!("{name}\0{path}"));
            let class = if rest.starts_with('#') {
                HIDDEN_DEFINITION
            } else {
                HIDDEN
            };
            return Label(id << 3 | class);
        }
        let id = self.strings.intern(name);
        if name.starts_with('#') {
            Label(id << 3 | DEFINITION)
        } else {
            Label::string(id)
        }
    }

    pub(crate) fn number(&mut self, number: Number) -> Value {
        match number {
            Number::Int(value) => Value::Int(value),
            number => {
                self.numbers.push(number);
                Value::Number((self.numbers.len() - 1) as u32)
            }
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Value {
        self.bytes.push(bytes.into());
        Value::Bytes((self.bytes.len() - 1) as u32)
    }

    pub(crate) fn bound(&mut self, op: Comparison, value: Value) -> Value {
        self.bounds.push(BoundValue { op, value });
        Value::Bound((self.bounds.len() - 1) as u32)
    }
}

/// Whether the text can be written as a label without quotes.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '$')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// A string literal that denotes the text.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                out.push_str(&format!("\\u{:04X}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Strings by number and numbers by string.
#[derive(Clone, Default, Debug)]
pub(crate) struct Interner {
    map: FxHashMap<Arc<str>, StrId>,
    strings: Vec<Arc<str>>,
}

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> StrId {
        if let Some(&id) = self.map.get(text) {
            return id;
        }
        let shared: Arc<str> = text.into();
        let id = self.strings.len() as StrId;
        self.strings.push(shared.clone());
        self.map.insert(shared, id);
        id
    }

    pub(crate) fn find(&self, text: &str) -> Option<StrId> {
        self.map.get(text).copied()
    }

    pub(crate) fn get(&self, id: StrId) -> &str {
        &self.strings[id as usize]
    }

    pub(crate) fn shared(&self, id: StrId) -> Arc<str> {
        self.strings[id as usize].clone()
    }
}

impl Operator {
    /// As it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Operator::Compare(op) => op.text(),
            Operator::Or { .. } => "||",
            Operator::And { .. } => "&&",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
        }
    }
}

impl Expr {
    /// Whether it is a type or a bound, which no evaluation makes concrete.
    pub(crate) fn is_never_concrete(&self) -> bool {
        matches!(
            self,
            Expr::Value(Value::Top | Value::Kind(_) | Value::Bound(_) | Value::Conjunction(_))
                | Expr::Bound(..)
        )
    }

    /// Whether it names a value that is declared elsewhere.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(
            self,
            Expr::Field { .. }
                | Expr::Itself { .. }
                | Expr::Dynamic { .. }
                | Expr::Let { .. }
                | Expr::ForValue { .. }
                | Expr::ClauseLet { .. }
                | Expr::Package(_)
                | Expr::Select { .. }
                | Expr::Index { .. }
        )
    }
}
