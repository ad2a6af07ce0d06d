//! Whether a request may use an operation, and which application its credentials name.

use super::Handling;
use crate::contract::Operation;
use crate::contract::security::{Presented, Scheme, SchemeKind};
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::oauth::BadToken;
use crate::store::Application;
use http::header::HeaderValue;
use std::sync::Arc;

/// A request that may not.
pub(super) struct Denied {
    pub(super) diagnostic: Diagnostic,
    pub(super) challenges: Vec<HeaderValue>,
    pub(super) application: Option<Arc<Application>>,
}

/// Why one alternative is not satisfied. The later in this list, the nearer the caller came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    Credentials(String),
    Form(String),
    Validity(String),
    Scope { required: Vec<String>, missing: Vec<String> },
}

/// The application that a request speaks for, and the alternative that it satisfies.
type Authorized = (Option<Arc<Application>>, Option<usize>);

/// What is lacking, and the application that the credentials name all the same.
type Lacking = (Lack, Option<Arc<Application>>);

impl Handling<'_, '_> {
    /// Checks the operation's security requirements: one alternative must be satisfied in all its schemes.
    pub(super) fn authorize(&self, operation: &Operation) -> Result<Authorized, Denied> {
        let mut nearest: Option<Lacking> = None;
        for (alternative, requirement) in operation.security.iter().enumerate() {
            let mut speaks_for = None;
            let mut lack = None;
            for (scheme, scopes) in requirement {
                let satisfied = match self.contract().schemes().get(*scheme) {
                    Some(scheme) => self.satisfies(scheme, scopes),
                    None => Err((
                        Lack::Validity("the contract demands a security scheme that it does not declare".to_owned()),
                        None,
                    )),
                };
                match satisfied {
                    Ok(application) => speaks_for = speaks_for.or(application),
                    // What lacks most decides, so that a caller is told of missing credentials first.
                    Err(found) => {
                        lack = Some(
                            lack.map_or(found.clone(), |known: Lacking| if found.0 < known.0 { found } else { known }),
                        )
                    }
                }
            }
            match lack {
                None => {
                    let spoken_for = self.spoken_for(speaks_for).map_err(unknown)?;
                    return Ok((spoken_for, Some(alternative)));
                }
                Some(found) if nearest.as_ref().is_none_or(|(known, _)| found.0 > *known) => nearest = Some(found),
                Some(_) => {}
            }
        }
        match nearest {
            None => Ok((self.spoken_for(None).map_err(unknown)?, None)),
            Some((lack, application)) => Err(self.denied(operation, &lack, application)),
        }
    }

    fn satisfies(&self, scheme: &Scheme, scopes: &[String]) -> Result<Option<Arc<Application>>, Lacking> {
        match scheme.presented(self.request) {
            Presented::Absent => {
                Err((Lack::Credentials(format!("the request carries no credentials for `{}`", scheme.name)), None))
            }
            Presented::Malformed(reason) => Err((Lack::Form(reason), None)),
            Presented::Opaque => Ok(None),
            Presented::Key(key) => Ok(self.engine.store.by_key(&key)),
            Presented::Basic { user, password } => match self.engine.store.by_client_id(&user) {
                Some(application)
                    if !application.credential(&user).is_some_and(|credential| credential.has_secret(&password)) =>
                {
                    Err((Lack::Validity("the password is not that of the application".to_owned()), Some(application)))
                }
                found => Ok(found),
            },
            Presented::Token(token) => match self.engine.authorization.look(token, self.moment, |grant| {
                let missing: Vec<String> = scopes.iter().filter(|scope| !grant.covers(scope)).cloned().collect();
                (Arc::clone(&grant.application), missing)
            }) {
                Ok((application, missing)) if missing.is_empty() => Ok(Some(application)),
                Ok((application, missing)) => {
                    Err((Lack::Scope { required: scopes.to_vec(), missing }, Some(application)))
                }
                // Only tokens that this server issues can be told apart; others are taken as they are.
                Err(BadToken::Unknown) if scheme.kind != (SchemeKind::OAuth2 { issued_here: true }) => Ok(None),
                Err(BadToken::Unknown) => Err((Lack::Validity("the token is unknown".to_owned()), None)),
                Err(BadToken::Expired) => Err((Lack::Validity("the token has expired".to_owned()), None)),
            },
        }
    }

    pub(super) fn denied(&self, operation: &Operation, lack: &Lack, application: Option<Arc<Application>>) -> Denied {
        let place = self.contract().operation_location(operation);
        let diagnostic = |code: Code, message: String| {
            Diagnostic::new(code, message).at(Part::Request, "").contract(Some(place.clone()))
        };
        let (diagnostic, bearer) = match lack {
            Lack::Credentials(reason) => {
                let help =
                    format!("ask `{}` for a token and send `Authorization: Bearer TOKEN`", self.world.token_path());
                let diagnostic = diagnostic(code::CREDENTIALS_MISSING, reason.clone());
                (if self.asks_for_token(operation) { diagnostic.help(help) } else { diagnostic }, String::new())
            }
            Lack::Form(reason) => (diagnostic(code::CREDENTIALS_MALFORMED, reason.clone()), invalid_token(reason)),
            Lack::Validity(reason) => (diagnostic(code::CREDENTIALS_INVALID, reason.clone()), invalid_token(reason)),
            // RFC 6750 §3: the scope that access takes, not what of it is missing.
            Lack::Scope { required, missing } => {
                let scopes = required.join(" ");
                let challenge = format!(
                    ", error=\"insufficient_scope\", error_description=\"the token lacks a scope\", scope=\"{scopes}\""
                );
                (
                    diagnostic(
                        code::INSUFFICIENT_SCOPE,
                        format!("the token lacks the scope `{}`", missing.join("`, `")),
                    ),
                    challenge,
                )
            }
        };
        Denied { diagnostic, challenges: self.challenges(operation, &bearer), application }
    }

    fn asks_for_token(&self, operation: &Operation) -> bool {
        let mut schemes =
            operation.security.iter().flatten().filter_map(|(scheme, _)| self.contract().schemes().get(*scheme));
        schemes.any(|scheme| matches!(scheme.kind, SchemeKind::OAuth2 { .. }))
    }

    /// One challenge for each scheme that could satisfy the operation (RFC 9110 §11.6.1).
    fn challenges(&self, operation: &Operation, bearer: &str) -> Vec<HeaderValue> {
        let mut texts: Vec<String> = Vec::new();
        for scheme in
            operation.security.iter().flatten().filter_map(|(scheme, _)| self.contract().schemes().get(*scheme))
        {
            let mut text = scheme.challenge();
            if text.starts_with("Bearer") {
                text.push_str(bearer);
            }
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.is_empty() {
            texts.push("Bearer realm=\"mock\"".to_owned());
        }
        texts.iter().filter_map(|text| HeaderValue::from_str(text).ok()).collect()
    }
}

/// A request that names an application which is not there.
fn unknown(diagnostic: Box<Diagnostic>) -> Denied {
    Denied { diagnostic: *diagnostic, challenges: Vec::new(), application: None }
}

fn invalid_token(reason: &str) -> String {
    let reason: String =
        reason.chars().filter(|c| (c.is_ascii_graphic() || *c == ' ') && *c != '"' && *c != '\\').collect();
    format!(", error=\"invalid_token\", error_description=\"{reason}\"")
}
