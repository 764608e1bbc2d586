//! The walk over files, declarations and comprehensions.

use super::cursor::Cursor;
use super::layout::wish::*;
use super::layout::{Gap, Layout};
use super::quote;
use crate::diagnostic::Span;
use crate::syntax::lexer::Token;
use crate::syntax::tree::*;

/// Walks a tree and writes it. Without a cursor, it writes the tree's own tokens.
pub(super) struct Walker<'s> {
    pub(super) layout: Layout,
    pub(super) cursor: Option<Cursor<'s>>,
    /// Where the source is broken; declarations around these places stay as they are.
    faults: Vec<Span>,
    /// What the elements of the current struct are parted by.
    pub(super) separator: u16,
    /// Whether a label was written.
    labelled: bool,
}

/// What stands at the top of a file.
enum Item<'a> {
    Package(Option<&'a Ident>),
    /// As many imports as there are; in parentheses or not.
    Imports(&'a [Import], bool),
    Attribute(Option<&'a Attribute>),
    Decl(&'a Decl),
}

impl<'s> Walker<'s> {
    pub(super) fn new(cursor: Option<Cursor<'s>>, faults: Vec<Span>) -> Walker<'s> {
        Walker {
            layout: Layout::new(),
            cursor,
            faults,
            separator: LINE,
            labelled: false,
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.comments();
        if let Some(cursor) = &mut self.cursor
            && let Some((rest, gap)) = cursor.take_verbatim(u32::MAX)
        {
            self.layout.put(rest, Some(gap));
        }
        self.layout.finish()
    }

    // Pieces of text

    pub(super) fn wish(&mut self, wishes: u16) {
        self.layout.wish(wishes);
    }

    /// Writes the next token of the source, or `text`.
    pub(super) fn put(&mut self, text: &str) {
        self.comments();
        match &mut self.cursor {
            None => self.layout.put(text, None),
            Some(cursor) => match cursor.take() {
                Some((_, found, gap)) => self.layout.put(found, Some(gap)),
                None => self.layout.put(text, None),
            },
        }
    }

    /// Writes the next token of the source, or `text`, whatever space is before it in the source.
    pub(super) fn put_fixed(&mut self, text: &str) {
        self.comments();
        let found = self
            .cursor
            .as_mut()
            .and_then(Cursor::take)
            .map(|(_, found, _)| found);
        self.layout.put(found.unwrap_or(text), None);
    }

    /// Writes text that the source may or may not have.
    pub(super) fn put_canonical(&mut self, text: &str, token: Token) {
        match &self.cursor {
            Some(cursor) if cursor.peek().is_some_and(|t| t.token == token) => self.put(text),
            _ => self.layout.put(text, None),
        }
    }

    /// Takes the next token of the source and writes something else for it.
    pub(super) fn put_instead(&mut self, text: &str) {
        self.comments();
        let gap = self
            .cursor
            .as_mut()
            .and_then(Cursor::take)
            .map(|(_, _, gap)| gap);
        self.layout.put(text, gap);
    }

    /// Writes the comments before the next token.
    pub(super) fn comments(&mut self) {
        while let Some(comment) = self.cursor.as_mut().and_then(|c| c.take_comment(false)) {
            self.layout.comment(comment.text, comment.gap, comment.doc);
        }
    }

    /// Writes the comment that ends the current line, if one does.
    pub(super) fn line_comment(&mut self) {
        if let Some(comment) = self.cursor.as_mut().and_then(|c| c.take_comment(true)) {
            self.layout.comment(comment.text, comment.gap, false);
        }
    }

    /// Whether the next token begins a line, or there is no source.
    fn begins_line(&mut self) -> bool {
        self.cursor
            .as_mut()
            .is_none_or(|cursor| cursor.next_gap() >= Gap::Line)
    }

    /// A line break that ends columns, or a blank within a struct on one line.
    fn line_break(&self) -> u16 {
        if self.separator == BLANK {
            BLANK
        } else {
            BREAK
        }
    }

    // Files

    pub(super) fn file(&mut self, file: &File) {
        let mut items = self.head(file);
        items.extend(file.decls.iter().map(Item::Decl));
        let ends = ends(&items, file.span.end.saturating_add(1));
        self.items(&items, &ends);
        self.comments();
        self.layout.put("", None);
    }

    /// Package clause, imports and attributes, in the order of the source.
    fn head<'a>(&self, file: &'a File) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        let Some(cursor) = &self.cursor else {
            items.extend(file.attributes.iter().map(|a| Item::Attribute(Some(a))));
            items.extend(file.package.iter().map(|name| Item::Package(Some(name))));
            if !file.imports.is_empty() {
                items.push(Item::Imports(&file.imports, file.imports.len() > 1));
            }
            return items;
        };
        let decls = file
            .decls
            .first()
            .map_or(u32::MAX, |decl| decl.span().start);
        let mut imports = &file.imports[..];
        let mut attributes = file.attributes.iter();
        let mut tokens = cursor.rest().iter().peekable();
        while let Some(lexeme) = tokens.next().filter(|t| t.start < decls) {
            match lexeme.token {
                Token::Attribute => items.push(Item::Attribute(attributes.next())),
                Token::Package => items.push(Item::Package(file.package.as_ref())),
                Token::Import => {
                    let group = tokens.peek().is_some_and(|t| t.token == Token::LeftParen);
                    let count = if group {
                        let end = tokens
                            .clone()
                            .find(|t| t.token == Token::RightParen)
                            .map_or(u32::MAX, |t| t.start);
                        imports
                            .iter()
                            .take_while(|import| import.span.start < end)
                            .count()
                    } else {
                        imports.len().min(1)
                    };
                    let (these, rest) = imports.split_at(count);
                    items.push(Item::Imports(these, group));
                    imports = rest;
                }
                _ => {}
            }
        }
        items
    }

    /// Declarations between braces.
    pub(super) fn decls(&mut self, decls: &[Decl], end: u32) {
        let items: Vec<Item<'_>> = decls.iter().map(Item::Decl).collect();
        let ends = ends(&items, end);
        self.items(&items, &ends);
    }

    fn items(&mut self, items: &[Item<'_>], ends: &[u32]) {
        let mut depth = 0;
        for (index, item) in items.iter().enumerate() {
            let field = item.field();
            if index > 0 {
                self.wish(SEPARATE);
                let next = field.map_or(0, nesting);
                if self.separator == LINE && (depth == 0 || next != depth) {
                    self.wish(BREAK);
                }
                if self.is_described(item) {
                    match items[index - 1].field() {
                        Some(before) if !is_definition(&before.label) => {}
                        _ => self.wish(SECTION),
                    }
                }
            }
            self.item(item, ends[index]);
            self.line_comment();
            depth = field.map_or(0, nesting);
            let next = items.get(index + 1).and_then(Item::field);
            self.wish(
                match next.filter(|f| f.value_alias().is_none()).map(|f| &f.value) {
                    Some(Expr::Struct(literal)) if literal.braces || literal.decls.len() != 1 => {
                        self.line_break()
                    }
                    Some(Expr::List(_)) => self.line_break(),
                    _ => self.separator,
                },
            );
        }
    }

    /// Whether comments above an item, or at the end of its line, say something about it.
    fn is_described(&self, item: &Item<'_>) -> bool {
        let Some(cursor) = &self.cursor else {
            return false;
        };
        let end = match item {
            Item::Decl(decl) => decl.span().end,
            Item::Attribute(Some(attribute)) => attribute.span.end,
            _ => return cursor.has_doc(),
        };
        cursor.has_doc() || cursor.comment_after(end)
    }

    fn item(&mut self, item: &Item<'_>, end: u32) {
        self.comments();
        match item {
            Item::Package(name) => {
                self.put("package");
                self.wish(BLANK);
                self.put(name.map_or("_", |name| &name.name));
                self.line_comment();
                self.wish(SECTION | FIXED);
            }
            Item::Imports(imports, group) => self.imports(imports, *group),
            Item::Attribute(attribute) => self.attribute(*attribute),
            Item::Decl(decl) => self.decl(decl, end),
        }
    }

    fn imports(&mut self, imports: &[Import], group: bool) {
        self.put("import");
        self.wish(BLANK);
        if group {
            self.put("(");
            self.wish(if imports.is_empty() { 0 } else { LINE | INDENT });
        }
        for import in imports {
            if let Some(name) = &import.alias {
                self.put(&name.name);
                self.wish(BLANK);
            }
            self.put(&quote::line_string(&import.path));
            self.line_comment();
            self.wish(LINE);
            if !self.begins_line() {
                self.wish(FIXED);
            }
        }
        if group {
            self.comments();
            self.wish(if imports.is_empty() { 0 } else { DEDENT | LINE });
            self.put(")");
            self.line_comment();
            self.wish(LINE);
        }
        self.wish(SECTION | FIXED);
    }

    fn attribute(&mut self, attribute: Option<&Attribute>) {
        let text = attribute
            .map(|a| format!("@{}({})", a.name, a.body))
            .unwrap_or_default();
        self.put(&text);
    }

    // Declarations

    /// Writes a declaration; `end` is where the next one begins, or the brace after it.
    fn decl(&mut self, decl: &Decl, end: u32) {
        if self.verbatim(decl, end) {
            return;
        }
        match decl {
            Decl::Field(field) => self.field(field),
            Decl::Let(clause) => {
                if self.begins_line() {
                    self.wish(BREAK);
                }
                self.put("let");
                self.binding(clause);
                self.line_comment();
                self.wish(SEPARATE);
            }
            Decl::Alias(clause) => {
                if self.begins_line() {
                    self.wish(BREAK);
                }
                self.put(&clause.name.name);
                self.wish(BLANK);
                self.put("=");
                self.wish(BLANK);
                self.expr(&clause.value);
                self.wish(SEPARATE);
            }
            Decl::Embed(expr) => {
                if self.begins_line() {
                    self.wish(BREAK);
                }
                self.expr(expr);
                self.line_comment();
                self.wish(LINE);
            }
            Decl::Comprehension(comprehension) => {
                if self.begins_line() {
                    self.wish(BREAK);
                }
                self.comprehension(comprehension);
            }
            Decl::Ellipsis(ellipsis) => {
                self.put("...");
                if let Some(value) = &ellipsis.value {
                    self.expr(value);
                }
            }
            Decl::Attribute(attribute) => self.attribute(Some(attribute)),
            Decl::Bad(_) => {}
        }
    }

    /// Leaves a declaration as it is if something is wrong in it outside of an inner struct.
    fn verbatim(&mut self, decl: &Decl, end: u32) -> bool {
        if self.faults.is_empty() {
            return matches!(decl, Decl::Bad(_)) && self.cursor.is_none();
        }
        let span = decl.span();
        let inner = inner_struct(decl);
        let here = |fault: &Span| {
            let inside = inner.is_some_and(|s| s.start < fault.start && fault.end < s.end);
            let until = if fault.start <= span.end {
                fault.start + 1
            } else {
                end
            };
            span.start <= fault.end && fault.start < until && !inside
        };
        if !matches!(decl, Decl::Bad(_)) && !self.faults.iter().any(here) {
            return false;
        }
        if let Some(cursor) = &mut self.cursor
            && let Some((text, gap)) = cursor.take_verbatim(end)
        {
            self.layout.put(text, Some(gap));
        }
        true
    }

    /// `name = value`, after the keyword.
    fn binding(&mut self, clause: &LetClause) {
        self.wish(BLANK | FIXED);
        self.put(&clause.name.name);
        self.wish(BLANK | FIXED);
        self.put("=");
        self.wish(BLANK);
        self.expr(&clause.value);
    }

    fn field(&mut self, field: &Field) {
        if let Some(alias) = field.alias() {
            self.put(&alias.name);
            self.put("=");
        }
        self.label(&field.label);
        match field.postfix_alias() {
            None => {}
            Some(PostfixAlias::Value(name)) => {
                self.put("~");
                self.wish(GLUE);
                self.put_canonical("(", Token::LeftParen);
                self.wish(GLUE);
                self.put(&name.name);
                self.wish(GLUE);
                self.put_canonical(")", Token::RightParen);
            }
            Some(PostfixAlias::Pair(label, value)) => {
                self.put("~");
                self.wish(GLUE);
                self.put("(");
                self.wish(GLUE);
                self.put(&label.name);
                self.layout.put(",", None);
                self.wish(GLUE);
                self.put(&value.name);
                self.wish(GLUE);
                self.put(")");
            }
        }
        match field.presence {
            Presence::Regular => {}
            Presence::Optional => self.put_fixed("?"),
            Presence::Required => self.put_fixed("!"),
        }
        self.wish(GLUE | FIXED);
        self.put(":");
        if let Some(inner) = self.chained(field) {
            let new_line = self
                .cursor
                .as_mut()
                .is_some_and(|c| c.next_gap() >= Gap::Line);
            if new_line {
                self.wish(INDENT | BREAK);
                self.comments();
                self.field(inner);
                self.layout.dedent();
            } else {
                self.wish(BLANK | FIXED);
                self.field(inner);
            }
            return;
        }
        let source = |span| self.cursor.as_ref().map(|cursor| cursor.slice(span));
        let breaks = field.value_alias().is_none() && breaks_lines(&field.value, &source);
        let column = if breaks || self.layout.brace_on_line {
            BLANK
        } else {
            COLUMN
        };
        self.wish(column);
        if let Some(alias) = field.value_alias() {
            self.put(&alias.name);
            self.put("=");
        }
        match &field.value {
            value @ (Expr::Struct(_) | Expr::List(_)) if field.value_alias().is_none() => {
                self.expr(value);
            }
            value => {
                self.wish(INDENT);
                self.expr(value);
                self.layout.dedent();
            }
        }
        let mut space = column;
        for attribute in &field.attributes {
            self.wish(space);
            self.attribute(Some(attribute));
            space = BLANK;
        }
        if breaks {
            self.wish(BREAK);
        }
    }

    /// The field that follows the colon of a field without braces.
    fn chained<'a>(&self, field: &'a Field) -> Option<&'a Field> {
        let Expr::Struct(StructLit {
            decls,
            braces: false,
            ..
        }) = &field.value
        else {
            return None;
        };
        match &decls[..] {
            [Decl::Field(inner)] if field.value_alias().is_none() => {
                let described = self.cursor.as_ref().is_some_and(Cursor::has_doc);
                let tagged = !inner.attributes.is_empty() || !field.attributes.is_empty();
                (!described && !tagged).then_some(inner)
            }
            _ => None,
        }
    }

    fn label(&mut self, label: &Label) {
        // At the head of a file these two are keywords.
        let keyword = |name: &str| matches!(name, "package" | "import");
        let head = self.cursor.is_none() && !std::mem::replace(&mut self.labelled, true);
        match label {
            Label::Ident(name) if head && keyword(&name.name) => {
                self.put(&quote::line_string(&name.name));
            }
            Label::Ident(name) => self.put(&name.name),
            Label::String { value, .. } => {
                let quoted =
                    self.cursor.is_some() || quote::needs_quotes(value) || head && keyword(value);
                let text = if quoted {
                    quote::line_string(value)
                } else {
                    value.to_string()
                };
                let plain = self.cursor.as_ref().and_then(Cursor::peek).is_none_or(|t| {
                    let text = self.cursor.as_ref().map_or("", |c| c.slice(t.span()));
                    text.starts_with('"') && !text.starts_with("\"\"\"")
                });
                if plain {
                    self.put(&text)
                } else {
                    self.put_instead(&text)
                }
            }
            Label::Interpolation(expr) => self.expr(expr),
            Label::Dynamic { expr, .. } => {
                self.put("(");
                self.expr(expr);
                self.put(")");
            }
            Label::Pattern { alias, expr, .. } => {
                self.put("[");
                self.wish(GLUE | INDENT);
                if let Some(alias) = alias {
                    self.put(&alias.name);
                    self.put("=");
                }
                self.expr(expr);
                self.wish(GLUE | DEDENT);
                self.put("]");
            }
        }
    }

    // Comprehensions

    pub(super) fn comprehension(&mut self, comprehension: &Comprehension) {
        for (index, clause) in comprehension.clauses.iter().enumerate() {
            if index > 0 {
                self.wish(BLANK);
            }
            self.clause(clause);
        }
        self.wish(BLANK | FIXED);
        self.struct_literal(&comprehension.body);
        if let Some((kind, _, body)) = &comprehension.otherwise {
            self.wish(BLANK);
            match kind {
                Otherwise::Else => self.put_fixed("else"),
                Otherwise::Fallback => self.put_instead("otherwise"),
            }
            self.wish(BLANK);
            self.struct_literal(body);
        }
    }

    fn clause(&mut self, clause: &Clause) {
        match clause {
            Clause::For {
                key, value, source, ..
            } => {
                self.put("for");
                self.wish(BLANK | INDENT);
                if let Some(key) = key {
                    self.put(&key.name);
                    self.layout.put(",", None);
                    self.wish(BLANK);
                }
                self.put(&value.name);
                self.wish(BLANK);
                self.put("in");
                self.wish(BLANK);
                self.expr(source);
                self.layout.dedent();
            }
            Clause::If { condition, .. } => {
                self.put("if");
                self.wish(BLANK | INDENT);
                self.expr(condition);
                self.layout.dedent();
            }
            Clause::Let(clause) => {
                self.put("let");
                self.wish(INDENT);
                self.binding(clause);
                self.layout.dedent();
            }
            Clause::Try { name, value, .. } => {
                self.put("try");
                if let (Some(name), Some(value)) = (name, value) {
                    self.wish(BLANK | FIXED | INDENT);
                    self.put(&name.name);
                    self.wish(BLANK | FIXED);
                    self.put("=");
                    self.wish(BLANK);
                    self.expr(value);
                    self.layout.dedent();
                }
            }
        }
    }
}

impl<'a> Item<'a> {
    fn field(&self) -> Option<&'a Field> {
        match self {
            Item::Decl(Decl::Field(field)) => Some(field),
            _ => None,
        }
    }
}

/// Where each item ends at the latest: where the next one begins.
fn ends(items: &[Item<'_>], end: u32) -> Vec<u32> {
    let start = |item: &Item<'_>| match item {
        Item::Decl(decl) => decl.span().start,
        _ => 0,
    };
    let next = items.iter().skip(1).map(start);
    next.chain([end]).collect()
}

/// How many labels lead to the value of a field, if its struct has one field only, and so on;
/// 0 if they lead to a struct of another size. Fields of different depths are not aligned.
fn nesting(field: &Field) -> usize {
    match &field.value {
        Expr::Struct(literal) if field.value_alias().is_none() => match &literal.decls[..] {
            [Decl::Field(inner)] => 1 + nesting(inner),
            [_] => 1,
            _ => 0,
        },
        _ => 1,
    }
}

fn is_definition(label: &Label) -> bool {
    matches!(label, Label::Ident(name) if name.name.starts_with('#') || name.name.starts_with("_#"))
}

/// Whether a value takes several lines, or might. `source` cuts text out of the source, if there is one.
fn breaks_lines<'s>(expr: &Expr, source: &impl Fn(Span) -> Option<&'s str>) -> bool {
    let breaks = |expr: &Expr| breaks_lines(expr, source);
    match expr {
        Expr::Struct(_) | Expr::List(_) => true,
        Expr::String(value, span) => {
            source(*span).map_or_else(|| value.contains('\n'), |text| text.contains('\n'))
        }
        Expr::Bytes(value, span) => {
            source(*span).map_or_else(|| value.contains(&b'\n'), |text| text.contains('\n'))
        }
        Expr::Paren(inner, _) | Expr::Open(inner, _) | Expr::Try(inner, _) => breaks(inner),
        Expr::Unary(unary) => breaks(&unary.operand),
        Expr::Binary(binary) => binary.operands.iter().any(breaks),
        Expr::Index { base, .. } => breaks(base),
        Expr::Selector(selector) => breaks(&selector.base),
        Expr::Call { arguments, .. } => arguments.iter().any(breaks),
        _ => false,
    }
}

/// The braces in which faults do not concern the declaration itself.
fn inner_struct(decl: &Decl) -> Option<Span> {
    match decl {
        Decl::Field(field) => match &field.value {
            Expr::Struct(literal) if literal.braces => Some(literal.span),
            Expr::Struct(literal) => literal.decls.first().and_then(inner_struct),
            _ => None,
        },
        Decl::Embed(Expr::Struct(literal)) => Some(literal.span),
        Decl::Comprehension(comprehension) if comprehension.otherwise.is_none() => {
            Some(comprehension.body.span)
        }
        _ => None,
    }
}
