//! From a body of the control plane to what an application starts from: a fixture file is such a body, too.

use super::dispatch::{full, text};
use super::{Call, Failure};
use crate::diagnostic::{Diagnostic, Part, Place, code};
use crate::fixtures;
use crate::source::pointer;
use crate::store::Seed;
use http::StatusCode;
use serde_json::{Map, Value};

impl Call<'_> {
    /// What a new application starts from, or everything that is wrong with the body.
    pub(super) fn seed(&self, body: &Map<String, Value>) -> Result<Seed, Failure> {
        let mut diagnostics = Vec::new();
        // A fixture file says all there is, so that nothing is copied beside it.
        let like = text(body, "like");
        let is_file = like.is_none() && ["credentials", "deleted", "state"].iter().any(|name| body.contains_key(*name));
        let mut seed = if is_file { Seed::default() } else { self.pattern(like, &mut diagnostics) };
        seed.name = text(body, "name").unwrap_or_default().to_owned();
        let world = self.engine.world();
        let given = fixtures::credentials(&world.contract, body.get("credentials"));
        if !given.is_empty() {
            seed.credentials = given;
        }
        for (path, value) in body.get("resources").and_then(Value::as_object).into_iter().flatten() {
            let added = fixtures::resource(&world.contract, &world.model, path, value, &mut seed.state);
            diagnostics.extend(moved(added.err().unwrap_or_default(), pointer::join("/resources", path)));
        }
        for (index, path) in body.get("deleted").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let path = path.as_str().unwrap_or_default();
            let removed = fixtures::deleted(&world.contract, &world.model, path, &mut seed.state);
            diagnostics.extend(moved(removed.err().unwrap_or_default(), format!("/deleted/{index}")));
        }
        let known = world.model.overrides().beyond(&world.contract);
        for (path, said) in body.get("state").and_then(Value::as_object).into_iter().flatten() {
            if known.get(path) != Some(said) {
                let message = format!("the role of `{path}` holds for the whole server and is another one here");
                let diagnostic = Diagnostic::new(code::FIXTURE_STATE, message)
                    .at(Part::Body, pointer::join("/state", path))
                    .help("start the server with this file in `--fixtures`");
                diagnostics.push(diagnostic);
            }
        }
        if !diagnostics.is_empty() {
            return Err(Failure { status: StatusCode::BAD_REQUEST, diagnostics });
        }
        let bounds = self.engine.bounds();
        if seed.state.entries() > bounds.entries_max || seed.state.bytes() > bounds.bytes_max {
            return Err(full());
        }
        Ok(seed)
    }

    fn pattern(&self, like: Option<&str>, diagnostics: &mut Vec<Diagnostic>) -> Seed {
        self.engine.seed_like(like).unwrap_or_else(|| {
            let message = format!("there is no fixture or application `{}` to copy", like.unwrap_or_default());
            diagnostics.push(Diagnostic::new(code::APPLICATION_UNKNOWN, message).at(Part::Body, "/like"));
            Seed::default()
        })
    }
}

/// Diagnostics of a part of the body, as of the body.
pub(super) fn moved(violations: Vec<Diagnostic>, at: String) -> impl Iterator<Item = Diagnostic> {
    violations.into_iter().map(move |violation| {
        let inner = match &violation.place {
            Some(Place::Message { pointer, .. }) => pointer.clone(),
            _ => String::new(),
        };
        violation.at(Part::Body, format!("{at}{inner}"))
    })
}
