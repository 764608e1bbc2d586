//! Evaluating a platform of which other programs render a part (see [`external`]).

use super::Session;
use crate::load::{Instance, Loader, fatal};
use crate::render::external;
use holos_lang::diagnostic::{Diagnostic, Place, Source, SourceMap};
use holos_lang::eval::{Evaluation, Strictness};
use holos_lang::syntax;

/// What a platform wants of other programs.
const REQUESTS: &str = "external.requests";

impl Session {
    /// What is wrong with a package. Errors are found in the order of its fields if nothing was evaluated before, as what
    /// other programs are to render was.
    pub(crate) fn wrong(evaluation: &mut Evaluation<'_>) -> Vec<Diagnostic> {
        let root = evaluation.root();
        if fatal(&evaluation.errors(root, Strictness::Final)) {
            *evaluation = evaluation.seed().evaluation();
        }
        let root = evaluation.root();
        evaluation.errors(root, Strictness::Final)
    }

    /// The evaluation with what other programs render for it; the same one where nothing is to be rendered.
    pub(crate) fn rendered<'a>(
        &mut self,
        loader: &mut Loader<'_>,
        instance: &mut Instance,
        mut evaluation: Evaluation<'a>,
    ) -> Result<Evaluation<'a>, Vec<Diagnostic>> {
        // What is no platform has no such field.
        let wanted = expression(&mut self.sources, &mut evaluation, REQUESTS)
            .and_then(|node| evaluation.data(node).ok());
        let requests = match wanted {
            Some(data) => external::requests(&data).map_err(|error| vec![error])?,
            // If it cannot be told what is wanted, the platform is wrong, and evaluating it says how.
            None => Vec::new(),
        };
        if requests.is_empty() {
            return Ok(evaluation);
        }
        let directory = {
            let named = self.files.absolute(&instance.name);
            match self.files.is_dir(&named) {
                true => named,
                false => named.parent().map_or(named.clone(), Into::into),
            }
        };
        let mut place = |sources: &mut SourceMap, request: &external::Request| {
            let path = format!("components.{:?}.{}", request.component, request.field);
            place(sources, &mut evaluation, &path)
        };
        let documents = external::run(&requests, &directory, &mut self.sources, &mut place)?;
        instance.rendered = documents;
        let mut importer = loader.importer(instance);
        let (evaluation, found) = Evaluation::new(
            &mut self.sources,
            instance.package.clone(),
            &mut importer,
            &holos_stdlib::Standard,
        );
        match fatal(&found) {
            true => Err(found),
            false => Ok(evaluation),
        }
    }
}

/// Where the user says a value.
pub(super) fn place(
    sources: &mut SourceMap,
    evaluation: &mut Evaluation<'_>,
    path: &str,
) -> Option<Place> {
    let node = expression(sources, evaluation, path)?;
    let origins = evaluation.why(node);
    let user = |place: &Place| {
        let source = sources.get(place.file);
        source.user && &*source.name != path
    };
    origins.iter().map(|origin| origin.place).find(user)
}

fn expression(
    sources: &mut SourceMap,
    evaluation: &mut Evaluation<'_>,
    text: &str,
) -> Option<holos_lang::eval::NodeId> {
    let file = sources.add(Source {
        name: text.into(),
        text: text.into(),
        user: true,
    });
    let (expr, errors) = syntax::parse_expr(file, text);
    match fatal(&errors) {
        true => None,
        false => evaluation.expression(file, &expr).ok(),
    }
}
