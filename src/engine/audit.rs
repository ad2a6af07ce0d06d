//! Exchanges that happened elsewhere: judged in both directions like those that are answered here, and answered by nobody.
//!
//! Recorded credentials cannot be verified, so of security it is judged whether there are any of the demanded kind.

use super::authorize::Lack;
use super::cors::is_preflight;
use super::{Engine, Handling, Outcome, Seen, decodable, normalised};
use crate::contract::security::Presented;
use crate::contract::{Extent, Operation, Prepared, Routed};
use crate::diagnostic::{Diagnostic, Fault, Part, Place, Severity, code};
use crate::evidence::recording::{Bounds, Entry, Recorded};
use crate::message::{MASK, Reply, Request};
use crate::source::pointer;
use http::header::{COOKIE, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

/// What of a recording is judged, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    /// What stands before the contract's paths. Exchanges outside of it are passed over.
    pub(crate) base_path: String,
    /// Hosts, with or without port, of which exchanges are judged; empty for all.
    pub(crate) hosts: Vec<String>,
    /// Whether the recording is known to lack credentials.
    pub(crate) without_credentials: bool,
}

/// What became of the entries of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Exchanges that were judged.
    pub judged: u64,
    /// Of these, those of which the recording lacks a part, so that the rest was judged alone.
    pub in_part: u64,
    /// Requests without a response, which were aborted or blocked: passed over.
    pub without_response: u64,
    /// What is no HTTP, such as `data:` URLs and web sockets: passed over.
    pub not_http: u64,
    /// Exchanges with other hosts: passed over.
    pub other_hosts: u64,
    /// Exchanges outside of the base path: passed over.
    pub outside_base_path: u64,
}

impl Engine {
    /// How much of a recording is read at once.
    pub(crate) fn recording_bounds(&self) -> Bounds {
        let limits = &self.settings.limits;
        Bounds { entry_bytes_max: limits.recorded_entry_bytes_max, fields_max: limits.recorded_fields_max }
    }

    /// Judges an entry of a recording and records it, or passes over it. Either has a number of its own.
    pub(crate) fn audit(&self, entry: Entry, terms: &Terms, real: Timestamp, tally: &mut Tally) {
        let passed_over = match entry {
            Entry::Exchange(recorded) if terms.takes_host(recorded.host.as_deref()) => {
                if self.audit_exchange(*recorded, terms, real, tally) {
                    return;
                }
                &mut tally.outside_base_path
            }
            Entry::Exchange(_) => &mut tally.other_hosts,
            Entry::WithoutResponse => &mut tally.without_response,
            Entry::NotHttp => &mut tally.not_http,
        };
        *passed_over += 1;
        self.evidence.number();
    }

    /// Judges and records an exchange; `false` if it lies outside of the base path.
    fn audit_exchange(&self, recorded: Recorded, terms: &Terms, real: Timestamp, tally: &mut Tally) -> bool {
        let Recorded { request, request_extent, reply, reply_extent, bad_target, time, duration, notes, .. } = recorded;
        let world = self.world.load();
        let moment = self.store.moment(time.unwrap_or(real));
        let handling = Handling { engine: self, world: &world, request: &request, moment };
        let judging = Judging { handling: &handling, reply: &reply, request_extent, reply_extent, terms };
        let Some(mut outcome) = judging.judge(bad_target) else { return false };
        tally.judged += 1;
        outcome.diagnostics.extend(judging.notes(&notes));
        let in_part = outcome.diagnostics.iter().any(|diagnostic| diagnostic.code == code::RECORDED_IN_PART);
        tally.in_part += u64::from(in_part);
        outcome.reply = reply;
        let admission = self.admit(&outcome);
        self.record(&world, request, outcome, moment, (admission, duration), None);
        true
    }
}

impl Terms {
    fn takes_host(&self, host: Option<&str>) -> bool {
        let Some(host) = host.filter(|_| !self.hosts.is_empty()) else { return true };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        self.hosts.iter().any(|wanted| wanted == host || wanted == name)
    }

    /// The path below the base path.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = path.strip_prefix(self.base_path.trim_end_matches('/'))?;
        match below {
            "" => Some("/"),
            below if below.starts_with('/') => Some(below),
            _ => None,
        }
    }
}

/// One recorded exchange on its way. The handling's request is the recorded one.
struct Judging<'a, 'w, 'r> {
    handling: &'a Handling<'w, 'r>,
    reply: &'a Reply,
    request_extent: Extent,
    reply_extent: Extent,
    terms: &'a Terms,
}

impl<'w, 'r> Judging<'_, 'w, 'r> {
    fn request(&self) -> &'r Request {
        self.handling.request
    }

    /// What was found; `None` if it is none of the contract's business. The outcome has no reply yet.
    fn judge(&self, bad_target: Option<String>) -> Option<Outcome<'w>> {
        let request = self.request();
        let path = normalised(request.uri().path());
        if let Some(reason) = bad_target {
            return Some(found(Diagnostic::new(code::BAD_TARGET, reason).at(Part::Path, "")));
        }
        let below = self.terms.below(&path);
        let endpoints = &self.handling.world.endpoints;
        if let Some(served) = endpoints.at(&path).or_else(|| below.and_then(|path| endpoints.at(path))) {
            return Some(Outcome { secret: served.endpoint.tells_secrets(), ..Outcome::default() });
        }
        let path = below?;
        // Which preflights are allowed is the server's business.
        if is_preflight(request) {
            return Some(Outcome::default());
        }
        if let Err(reason) = decodable(path) {
            return Some(found(Diagnostic::new(code::BAD_TARGET, reason).at(Part::Path, "")));
        }
        Some(match self.handling.contract().route(request.method(), path) {
            Routed::Operation { operation, names, captures } => self.exchanged(operation, names, &captures),
            Routed::OtherMethod { .. } if request.method() == Method::OPTIONS => Outcome::default(),
            Routed::OtherMethod { allow, operation } => found(self.handling.method_not_allowed(&allow, operation).0),
            Routed::Unknown(diagnostic) => found(*diagnostic),
        })
    }

    fn exchanged(&self, operation: &'w Operation, names: &[String], captures: &[&str]) -> Outcome<'w> {
        let (security, lacking) = match self.credentials(operation) {
            Ok(security) => (security, None),
            Err(diagnostic) => (None, Some(*diagnostic)),
        };
        let bytes_max = self.handling.settings().limits.recorded_entry_bytes_max;
        let contract = self.handling.contract();
        let mut decoded = contract.check_request(operation, self.request(), names, captures, bytes_max);
        let mut diagnostics = std::mem::take(&mut decoded.diagnostics);
        if self.request_extent == Extent::Part {
            diagnostics.retain(|diagnostic| !is_of_body(diagnostic));
            decoded.body = None;
        }
        let mut is_masked = self.drop_masked(&mut diagnostics);
        diagnostics.splice(0..0, lacking);
        let wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let (mut body, mut points) = (None, Vec::new());
        if !self.is_beyond_contract(operation, wrong) {
            let status = self.reply.status().as_u16();
            let carried = self.carries_body().then_some((self.reply.body(), self.reply_extent));
            let (value, mut found) =
                contract.check_received(operation, status, self.reply.headers(), carried, bytes_max);
            is_masked |= self.drop_masked(&mut found);
            let declared = operation.response(status);
            let content = declared.and_then(|declared| contract.content_of(declared, self.reply.headers()));
            if let Some((value, content)) = value.as_ref().zip(content) {
                points = contract.body_points(operation, status, content, value);
            }
            body = value.map(|value| Prepared::new(value, self.reply.body().clone()));
            diagnostics.extend(found);
        }
        if is_masked {
            diagnostics.push(note("the recording masks a value, so it was not judged", Part::Request));
        }
        let seen = Seen {
            decoded: (!wrong).then(|| Box::new(decoded)),
            security,
            body,
            points: points.into(),
            ..Seen::default()
        };
        Outcome { diagnostics, operation: Some(operation), seen, ..Outcome::default() }
    }

    /// Drops what is said of values that the recorder has masked; whether there was any.
    fn drop_masked(&self, diagnostics: &mut Vec<Diagnostic>) -> bool {
        let before = diagnostics.len();
        diagnostics.retain(|diagnostic| !self.is_of_masked(diagnostic));
        diagnostics.len() < before
    }

    fn is_of_masked(&self, diagnostic: &Diagnostic) -> bool {
        let Some(Place::Message { part, pointer }) = &diagnostic.place else { return false };
        let name = pointer::tokens(pointer).next().unwrap_or_default();
        let message = if diagnostic.fault == Fault::Server { self.reply.headers() } else { self.request().headers() };
        match part {
            Part::Header => message.get(name.as_ref()).is_some_and(|value| value.as_bytes() == MASK.as_bytes()),
            Part::Cookie => has_masked_cookies(self.request()),
            Part::Query => {
                let query = self.request().uri().query().unwrap_or_default();
                form_urlencoded::parse(query.as_bytes()).any(|(known, value)| known == name && value == MASK)
            }
            Part::Body => {
                let is_reply = diagnostic.fault == Fault::Server;
                let bytes = if is_reply { self.reply.body() } else { self.request().body() };
                let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
                body.pointer(pointer).is_some_and(|value| value == MASK)
            }
            _ => false,
        }
    }

    /// The alternative of the security requirements for which there are credentials, or what is lacking.
    fn credentials(&self, operation: &Operation) -> Result<Option<usize>, Box<Diagnostic>> {
        let mut nearest: Option<Lack> = None;
        for (alternative, requirement) in operation.security.iter().enumerate() {
            let mut lacks = requirement.iter().filter_map(|(scheme, _)| self.lack(*scheme));
            let Some(lack) = lacks.next() else { return Ok(Some(alternative)) };
            nearest = nearest.max(Some(lack));
        }
        let Some(lack) = nearest.filter(|_| !self.terms.without_credentials) else { return Ok(None) };
        let mut diagnostic = self.handling.denied(operation, &lack, None).diagnostic;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&self.reply.status());
        if matches!(lack, Lack::Credentials(_)) && !refused {
            diagnostic.help = Some("browsers leave credentials out of a HAR unless they are told to keep them; then pass `--without-credentials`".to_owned());
        }
        Err(Box::new(diagnostic))
    }

    fn lack(&self, scheme: usize) -> Option<Lack> {
        // A scheme that is not declared is a finding about the contract, told by `check`.
        let scheme = self.handling.contract().schemes().get(scheme)?;
        match scheme.presented(self.request()) {
            // What the journal masks as a whole may hold the cookie.
            Presented::Absent if has_masked_cookies(self.request()) && scheme.travels_in_cookie() => None,
            Presented::Absent => {
                Some(Lack::Credentials(format!("the request carries no credentials for `{}`", scheme.name)))
            }
            Presented::Malformed(reason) if !is_masked(self.request()) => Some(Lack::Form(reason)),
            _ => None,
        }
    }

    /// Whether the contract says nothing about this response: that to a request which breaks it, and that which only
    /// says that nothing has changed.
    fn is_beyond_contract(&self, operation: &Operation, wrong: bool) -> bool {
        let status = self.reply.status();
        let headers = self.request().headers();
        let is_conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        operation.response(status.as_u16()).is_none()
            && (wrong && status.is_client_error() || status == StatusCode::NOT_MODIFIED && is_conditional)
    }

    /// Whether a response like this one has a body at all (RFC 9110 §6.4.1).
    fn carries_body(&self) -> bool {
        let status = self.reply.status();
        self.request().method() != Method::HEAD
            && !status.is_informational()
            && ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
    }

    /// What the recording lacks.
    fn notes(&self, notes: &[String]) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = notes.iter().map(|text| note(text, Part::Header)).collect();
        if self.request_extent == Extent::Part {
            found.push(note("the recording lacks the request's body or its end, so it was not judged", Part::Body));
        }
        if self.reply_extent == Extent::Part {
            found.push(note("the recording lacks the response's body or its end, so it was not judged", Part::Body));
        }
        found
    }
}

fn note(text: &str, part: Part) -> Diagnostic {
    Diagnostic::new(code::RECORDED_IN_PART, text).at(part, "")
}

fn found(diagnostic: Diagnostic) -> Outcome<'static> {
    Outcome { diagnostics: vec![diagnostic], ..Outcome::default() }
}

/// Whether it is about what a body spells; its media type is told elsewhere.
fn is_of_body(diagnostic: &Diagnostic) -> bool {
    let about_type = [code::MEDIA_TYPE_UNSUPPORTED, code::CONTENT_ENCODING_UNSUPPORTED].contains(&diagnostic.code);
    !about_type && matches!(diagnostic.place, Some(Place::Message { part: Part::Body, .. }))
}

/// Whether the cookies stand in the recording as one mask.
fn has_masked_cookies(request: &Request) -> bool {
    request.headers().get(COOKIE).is_some_and(|value| value.as_bytes() == MASK.as_bytes())
}

/// Whether the recorder has hidden the credentials.
fn is_masked(request: &Request) -> bool {
    request.headers().get_all(http::header::AUTHORIZATION).iter().any(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        text.contains("**") || text.contains("redacted") || text.contains("filtered")
    })
}
