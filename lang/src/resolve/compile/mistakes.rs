//! Names that lead nowhere, or not where one would think.

use super::{Compiler, EXPERIMENT, Entry, Name, PREDECLARED, SHADOWED, UNRESOLVED};
use crate::diagnostic::{Diagnostic, Fix, Place, Span, nearest};
use crate::syntax::tree;
use std::sync::Arc;

impl Compiler<'_> {
    fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    pub(super) fn unresolved(&mut self, ident: &tree::Ident) {
        if &*ident.name == "self" {
            self.error(
                EXPERIMENT,
                ident.span,
                "`self` needs `@experiment(aliasv2)` at the top of the file",
            );
            return;
        }
        let mut names: Vec<Arc<str>> = self
            .scopes
            .iter()
            .flat_map(|s| s.names.iter().map(|n| n.text.clone()))
            .collect();
        // Sorted, as a hash map has no order of its own.
        let mut fields: Vec<_> = self.package_fields.keys().cloned().collect();
        fields.sort();
        names.extend(fields);
        names.extend(PREDECLARED.iter().map(|&name| name.into()));
        let builtin = self
            .builtins
            .paths()
            .into_iter()
            .find(|path| path.rsplit('/').next() == Some(&*ident.name));
        let near = nearest(&ident.name, names.iter().map(|n| &**n)).map(str::to_string);
        let place = Place {
            file: self.file,
            span: ident.span,
        };
        let diagnostic = self.error(
            UNRESOLVED,
            ident.span,
            format!("reference `{}` not found", ident.name),
        );
        let word = match &*ident.name {
            "yes" | "on" | "True" | "TRUE" => Some("true"),
            "no" | "off" | "False" | "FALSE" => Some("false"),
            "nil" | "None" | "undefined" | "NULL" => Some("null"),
            _ => None,
        };
        if let Some(word) = word {
            diagnostic
                .help
                .push(format!("write `{word}`, or quote the word"));
            diagnostic.fix = Some(Fix {
                title: format!("replace with `{word}`"),
                edits: vec![(place, word.to_string())],
            });
        } else if let Some(path) = builtin {
            diagnostic
                .help
                .push(format!("import it: `import \"{path}\"`"));
        } else if let Some(near) = near {
            diagnostic.help.push(format!("did you mean `{near}`?"));
            diagnostic.fix = Some(Fix {
                title: format!("replace with `{near}`"),
                edits: vec![(place, near)],
            });
        }
    }

    /// `us-east-2` is a difference of names that nobody declared; a text was meant.
    pub(super) fn unquoted(&mut self, binary: &tree::Binary, known: usize) {
        let mut words = Vec::new();
        for operand in &binary.operands {
            match operand {
                tree::Expr::Ident(ident) => words.push(&*ident.name),
                tree::Expr::Number(text, _) => words.push(text),
                _ => return,
            }
        }
        let ends = binary.operands.iter().map(|operand| operand.span().end);
        let starts = binary
            .operands
            .iter()
            .skip(1)
            .map(|operand| operand.span().start);
        let joined = ends.zip(starts).all(|(end, start)| end + 1 == start);
        let found = &self.errors[known..];
        let undeclared = !found.is_empty() && found.iter().all(|error| error.code == UNRESOLVED);
        if binary.op != tree::BinaryOp::Subtract || !joined || !undeclared {
            return;
        }
        let text = words.join("-");
        self.errors.truncate(known);
        let place = self.place(binary.span);
        let message = format!("`{text}` is a difference of names that are not declared");
        let error = self.error(UNRESOLVED, binary.span, message);
        error
            .help
            .push(format!("if a text is meant, quote it: `\"{text}\"`"));
        error.fix = Some(Fix {
            title: format!("quote `{text}`"),
            edits: vec![(place, format!("\"{text}\""))],
        });
    }

    /// What a name of an outer scope is, for those that no field of a struct should hide unseen.
    fn outer(&self, name: &str, scopes: usize) -> Option<(Span, &'static str)> {
        self.scopes[..scopes].iter().rev().find_map(|scope| {
            let found = &scope.names[scope.position(name)?];
            let what = match found.entry {
                Entry::Import(_) => "import",
                Entry::Let(_) | Entry::ClauseLet(_) => "`let`",
                Entry::ForKey | Entry::ForValue => "variable of a `for`",
                _ if found.is_field() => return None,
                _ => "alias",
            };
            (found.at.end > found.at.start).then_some((found.at, what))
        })
    }

    /// A `let`, variable or alias of the same name as one around it.
    pub(super) fn hides(&mut self, name: &Name) {
        let Some((hidden, what)) = self.outer(&name.text, self.scopes.len()) else {
            return;
        };
        let message = format!("`{}` hides the {what} of the same name", name.text);
        let warning = Diagnostic::warning(SHADOWED, message)
            .label(self.place(name.at), "from here on this one is meant")
            .label(self.place(hidden), format!("the {what} is declared here"));
        self.program.warnings.push(warning);
    }

    /// Nobody uses what the last error is about because something hides it: that is then part of the error.
    pub(super) fn unused_for_hidden(&mut self, at: Span) {
        let place = self.place(at);
        let mut warnings = self.program.warnings.iter();
        let hidden = warnings.position(|warning| {
            warning
                .labels
                .last()
                .is_some_and(|label| label.place == place)
        });
        let Some(hidden) = hidden else { return };
        let warning = self.program.warnings.remove(hidden);
        if let Some(error) = self.errors.last_mut() {
            error.labels.extend(warning.labels.into_iter().take(1));
            error.help.extend(warning.help);
        }
    }

    /// A reference to a field, where a `let`, variable, alias or import of the same name is further out.
    pub(super) fn field_hides(&mut self, ident: &tree::Ident) {
        let own = self
            .scopes
            .iter()
            .rposition(|scope| scope.position(&ident.name).is_some());
        let Some(level) = own else { return };
        let scope = &self.scopes[level];
        let Some(field) = scope.position(&ident.name).map(|at| &scope.names[at]) else {
            return;
        };
        if !field.is_field() {
            return;
        }
        let at = field.at;
        let Some((hidden, what)) = self.outer(&ident.name, level) else {
            return;
        };
        let message = format!(
            "`{}` is the field of that name, which hides the {what}",
            ident.name
        );
        let mut warning = Diagnostic::warning(SHADOWED, message)
            .label(self.place(ident.span), "this refers to the field")
            .label(self.place(at), "the field is here")
            .label(self.place(hidden), format!("the {what} is declared here"));
        warning
            .help
            .push(format!("if the {what} is meant, give it another name"));
        self.program.warnings.push(warning);
    }
}
