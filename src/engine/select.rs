//! Which application a request speaks for: the one that its credential names, else the one that it names itself,
//! else the first.

use super::Handling;
use crate::diagnostic::{Diagnostic, Part, code, did_you_mean};
use crate::message::Request;
use crate::store::Application;
use http::header::{AUTHORIZATION, HOST};
use http::uri::Authority;
use std::sync::Arc;

/// The header that names an application where no credential does.
const HEADER: &str = "x-mock-application";
/// A name before this names an application, and resolves to this machine everywhere (RFC 6761 §6.3).
const HOST_SUFFIX: &str = ".localhost";
/// Applications that are looked through for one that may have been meant. Over it nothing is suggested from the rest.
const CANDIDATES_MAX: usize = 1_000;

impl Handling<'_, '_> {
    /// The application that a request speaks for whose credential names `credited`.
    pub(super) fn spoken_for(
        &self,
        credited: Option<Arc<Application>>,
    ) -> Result<Option<Arc<Application>>, Box<Diagnostic>> {
        match credited.or_else(|| self.bearer()) {
            Some(application) => Ok(Some(application)),
            None => Ok(self.named()?.or_else(|| self.engine.store.first())),
        }
    }

    /// The application that a refused request names one way or another, so that its journal shows the refusal.
    pub(super) fn attributed(&self) -> Option<Arc<Application>> {
        self.bearer().or_else(|| self.named().ok().flatten())
    }

    /// The application of a token that was sent although nothing demands one.
    fn bearer(&self) -> Option<Arc<Application>> {
        let text = self.request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (_, token) = text.split_once(' ')?;
        self.engine.authorization.look(token.trim(), self.moment, |grant| Arc::clone(&grant.application)).ok()
    }

    /// The application that the request's header or host names; an error if there is no such application.
    fn named(&self) -> Result<Option<Arc<Application>>, Box<Diagnostic>> {
        let store = &self.engine.store;
        if let Some(value) = self.request.headers().get(HEADER) {
            let name = String::from_utf8_lossy(value.as_bytes());
            let found = store.by_name_or_id(name.trim());
            return found.map(Some).ok_or_else(|| self.unknown(name.trim(), HEADER));
        }
        let Some(name) = host_of(self.request).and_then(|host| host.strip_suffix(HOST_SUFFIX).map(ToOwned::to_owned))
        else {
            return Ok(None);
        };
        // A host has no upper case, a name may have.
        let found = store.by_name_or_id(&name).or_else(|| store.by_name_in_any_case(&name));
        found.map(Some).ok_or_else(|| self.unknown(&name, HOST.as_str()))
    }

    fn unknown(&self, name: &str, header: &str) -> Box<Diagnostic> {
        let diagnostic = Diagnostic::new(code::APPLICATION_UNKNOWN, format!("there is no application `{name}`"))
            .at(Part::Header, format!("/{header}"));
        let applications = self.engine.store.all();
        let names = applications.iter().take(CANDIDATES_MAX).map(|application| application.name());
        Box::new(match did_you_mean(name, names) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic.help("`GET /_mock/api/applications` lists the applications"),
        })
    }
}

/// The host that the request was sent to, lower case, without port and without the root's dot.
fn host_of(request: &Request) -> Option<String> {
    let field = || request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let text = request.uri().authority().map(Authority::as_str).or_else(field)?;
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}
