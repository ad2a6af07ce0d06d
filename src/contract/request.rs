//! Decoding and checking a request against its operation: everything that is wrong with it, at once.

use super::Contract;
use super::decode::{self, Malformed, Query, Shape, Style};
use super::operation::{Content, Members, Operation, Parameter, ParameterValue, RequestBody};
use super::representation::Representation;
use super::schema::Checker;
use crate::diagnostic::{Code, Diagnostic, Part, Severity, code, did_you_mean};
use crate::message::Request;
use crate::message::media_type::MediaType;
use crate::source::{Focus, json, pointer};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE};
use serde_json::{Map, Value};

/// A request as the contract reads it.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) path: Map<String, Value>,
    pub(crate) query: Map<String, Value>,
    pub(crate) header: Map<String, Value>,
    pub(crate) cookie: Map<String, Value>,
    pub(crate) body: Option<Value>,
    /// Everything found, in the order of the contract: parameters, then the body.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Checks a request. `captures` are the raw texts of the path template's expressions under `names`.
pub(crate) fn check(
    contract: &Contract,
    operation: &Operation,
    request: &Request,
    names: &[String],
    captures: &[&str],
    body_bytes_max: usize,
) -> Decoded {
    let mut checking = Checking {
        contract,
        checker: Checker { document: &contract.document, schemas: &contract.request },
        operation,
        request,
        decoded: Decoded::default(),
    };
    checking.parameters(names, captures);
    if let Some(body) = &operation.body {
        checking.body(body, body_bytes_max);
    }
    checking.decoded
}

struct Checking<'a> {
    contract: &'a Contract,
    checker: Checker<'a>,
    operation: &'a Operation,
    request: &'a Request,
    decoded: Decoded,
}

impl Checking<'_> {
    fn parameters(&mut self, names: &[String], captures: &[&str]) {
        if self.operation.parameters.is_empty() && self.request.uri().query().is_none() {
            return;
        }
        let query = Query::parse(self.request.uri().query().unwrap_or_default());
        let cookies = self.cookies();
        for parameter in &self.operation.parameters {
            let raw = match parameter.part {
                Part::Path => {
                    let Some(index) = names.iter().position(|name| *name == parameter.name) else { continue };
                    self.path_value(parameter, captures.get(index).copied().unwrap_or_default())
                }
                Part::Query => self.query_value(parameter, &query),
                Part::Header => self.header_value(parameter),
                _ => self.cookie_value(parameter, &cookies),
            };
            match raw {
                Ok(Some(Found::Raw(raw))) => self.styled(parameter, &raw),
                Ok(Some(Found::Text(text))) => self.content(parameter, &text),
                Ok(None) => self.absent(parameter),
                Err(malformed) => self.malformed(parameter, malformed),
            }
        }
        self.unknown_query(&query);
    }

    fn cookies(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for field in self.request.headers().get_all(COOKIE) {
            let text = String::from_utf8_lossy(field.as_bytes());
            for pair in text.split(';') {
                if let Some((name, value)) = pair.trim().split_once('=') {
                    pairs.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        pairs
    }

    fn path_value(&self, parameter: &Parameter, text: &str) -> Result<Option<Found>, Malformed> {
        match &parameter.value {
            ParameterValue::Styled { style, explode, shape, .. } => {
                decode::decode_path(*style, *explode, *shape, &parameter.name, text).map(|raw| Some(Found::Raw(raw)))
            }
            _ => decode::percent_decoded(text).map(|text| Some(Found::Text(text))),
        }
    }

    fn query_value(&self, parameter: &Parameter, query: &Query<'_>) -> Result<Option<Found>, Malformed> {
        let ParameterValue::Styled { style, explode, shape, members, .. } = &parameter.value else {
            return query.single(&parameter.name).map(|found| found.map(Found::Text));
        };
        let claimed = |name: &str| self.claims(parameter, name);
        let raw = decode::decode_query(
            *style,
            *explode,
            *shape,
            &parameter.name,
            query,
            &decode::Gathered { names: &members.names, open: members.open, claimed: &claimed },
        )?;
        Ok(raw.map(Found::Raw))
    }

    /// Whether a query name belongs to another parameter, or to the credentials.
    fn claims(&self, parameter: &Parameter, name: &str) -> bool {
        let base = name.split('[').next().unwrap_or(name);
        self.operation.parameters.iter().filter(|other| other.part == Part::Query && other.name != parameter.name).any(|other| {
            other.name == name || matches!(&other.value, ParameterValue::Styled { style: Style::DeepObject, .. } if other.name == base)
        }) || self.contract.is_query_key(name)
    }

    fn header_value(&self, parameter: &Parameter) -> Result<Option<Found>, Malformed> {
        let values: Vec<String> = self
            .request
            .headers()
            .get_all(parameter.name.as_str())
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
            .collect();
        if values.is_empty() {
            return Ok(None);
        }
        match &parameter.value {
            ParameterValue::Styled { explode, shape, .. } => {
                // Field lines of one name are one list (RFC 9110 §5.3).
                let text = values.join(",");
                decode::decode_header(*explode, *shape, &text).map(|raw| Some(Found::Raw(raw)))
            }
            _ => Ok(Some(Found::Text(values.join(", ")))),
        }
    }

    fn cookie_value(&self, parameter: &Parameter, cookies: &[(String, String)]) -> Result<Option<Found>, Malformed> {
        match &parameter.value {
            ParameterValue::Styled { explode, shape, members, .. } => {
                Ok(decode::decode_cookie(*explode, *shape, &parameter.name, cookies, &members.names)?.map(Found::Raw))
            }
            _ => match cookies.iter().find(|(name, _)| *name == parameter.name) {
                Some((_, value)) => decode::percent_decoded(value).map(|text| Some(Found::Text(text))),
                None => Ok(None),
            },
        }
    }

    fn styled(&mut self, parameter: &Parameter, raw: &decode::Raw) {
        let ParameterValue::Styled { schema, .. } = &parameter.value else { return };
        let is_empty = |raw: &decode::Raw| matches!(raw, decode::Raw::Text(text) if text.is_empty());
        let empty =
            is_empty(raw) || matches!(raw, decode::Raw::List(items) if items.len() == 1 && items.iter().all(is_empty));
        if empty && parameter.allow_empty && parameter.part == Part::Query {
            self.keep(parameter, Value::String(String::new()));
            return;
        }
        let value = decode::typed(&self.contract.request, &schema.pointer, raw);
        let mut found = schema.check(self.checker, &value, parameter.part, &pointer::join("", &parameter.name));
        if empty && !found.is_empty() {
            for diagnostic in &mut found {
                diagnostic.code = code::PARAMETER_EMPTY;
            }
        }
        self.decoded.diagnostics.append(&mut found);
        self.keep(parameter, value);
    }

    /// A parameter with `content`: its text is a document of the media type.
    fn content(&mut self, parameter: &Parameter, text: &str) {
        let ParameterValue::Content { media, schema } = &parameter.value else {
            self.keep(parameter, Value::String(text.to_owned()));
            return;
        };
        let value = if media.is_json() {
            match json::parse(text.as_bytes()) {
                Ok(parsed) if parsed.duplicate_keys.is_empty() => parsed.value,
                Ok(_) => {
                    let message = format!("the parameter `{}` names a member twice", parameter.name);
                    self.malformed_text(parameter, code::BODY_DUPLICATE_KEY, message, None);
                    return;
                }
                Err(error) => {
                    let message =
                        format!("the parameter `{}` is no well-formed JSON: {}", parameter.name, error.message);
                    self.malformed_text(parameter, code::PARAMETER_MALFORMED, message, Some("JSON".to_owned()));
                    return;
                }
            }
        } else {
            Value::String(text.to_owned())
        };
        if let Some(schema) = schema {
            let mut found = schema.check(self.checker, &value, parameter.part, &pointer::join("", &parameter.name));
            self.decoded.diagnostics.append(&mut found);
        }
        self.keep(parameter, value);
    }

    fn keep(&mut self, parameter: &Parameter, value: Value) {
        let map = match parameter.part {
            Part::Path => &mut self.decoded.path,
            Part::Query => &mut self.decoded.query,
            Part::Header => &mut self.decoded.header,
            _ => &mut self.decoded.cookie,
        };
        map.insert(parameter.name.clone(), value);
    }

    fn absent(&mut self, parameter: &Parameter) {
        if !parameter.required {
            return;
        }
        let message = format!("the required {} parameter `{}` is missing", parameter.part.as_str(), parameter.name);
        let place = self.contract.document.location(&parameter.pointer, Focus::Value);
        let mut diagnostic = Diagnostic::new(code::PARAMETER_MISSING, message)
            .at(parameter.part, pointer::join("", &parameter.name))
            .keyword("required")
            .contract(Some(place))
            .values(Some(format!("{} parameter `{}`", parameter.part.as_str(), parameter.name)), None);
        if parameter.part == Part::Query {
            let query = self.request.uri().query().unwrap_or_default();
            let names: Vec<String> =
                form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
            let undeclared = names
                .iter()
                .map(String::as_str)
                .filter(|name| !self.operation.parameters.iter().any(|other| other.name == *name));
            if let Some(close) = did_you_mean(&parameter.name, undeclared) {
                diagnostic = diagnostic.help(format!("is `{close}` meant to be `{}`?", parameter.name));
            }
        }
        self.decoded.diagnostics.push(diagnostic);
    }

    fn malformed(&mut self, parameter: &Parameter, malformed: Malformed) {
        let code = if malformed.repeated { code::PARAMETER_REPEATED } else { code::PARAMETER_MALFORMED };
        let message = format!("the parameter `{}`: {}", parameter.name, malformed.message);
        self.malformed_text(parameter, code, message, malformed.expected);
    }

    fn malformed_text(&mut self, parameter: &Parameter, code: Code, message: String, expected: Option<String>) {
        let place = self.contract.document.location(&parameter.pointer, Focus::Value);
        self.decoded.diagnostics.push(
            Diagnostic::new(code, message)
                .at(parameter.part, pointer::join("", &parameter.name))
                .contract(Some(place))
                .values(expected, None),
        );
    }

    fn unknown_query(&mut self, query: &Query<'_>) {
        let takes_any = self.operation.parameters.iter().any(|parameter| {
            let ParameterValue::Styled { style: Style::Form, explode: true, shape: Shape::Object, members, .. } =
                &parameter.value
            else {
                return false;
            };
            parameter.part == Part::Query && members.open
        });
        if takes_any {
            return;
        }
        let mut seen: Vec<&str> = Vec::new();
        for name in query.names() {
            let base = name.split('[').next().unwrap_or(name);
            let known =
                self.operation.parameters.iter().filter(|parameter| parameter.part == Part::Query).any(|parameter| {
                    match &parameter.value {
                        ParameterValue::Styled { style: Style::DeepObject, .. } => parameter.name == base,
                        ParameterValue::Styled {
                            style: Style::Form,
                            explode: true,
                            shape: Shape::Object,
                            members: Members { names, .. },
                            ..
                        } => names.iter().any(|member| member == name),
                        _ => parameter.name == name,
                    }
                });
            if known || seen.contains(&name) || self.contract.is_query_key(name) {
                continue;
            }
            seen.push(name);
            let names = self
                .operation
                .parameters
                .iter()
                .filter(|parameter| parameter.part == Part::Query)
                .map(|parameter| parameter.name.as_str());
            let mut diagnostic =
                Diagnostic::new(code::PARAMETER_UNKNOWN, format!("the operation declares no query parameter `{name}`"))
                    .severity(if self.contract.options.refuse_unknown_query {
                        Severity::Error
                    } else {
                        Severity::Warning
                    })
                    .at(Part::Query, pointer::join("", name))
                    .contract(Some(self.contract.document.location(&self.operation.pointer, Focus::Key)));
            if let Some(close) = did_you_mean(name, names) {
                diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
            }
            self.decoded.diagnostics.push(diagnostic);
        }
    }

    fn body_problem(&mut self, code: Code, message: impl Into<String>, at: &str, contract: &str) {
        let place = self.contract.document.location(contract, Focus::Value);
        self.decoded.diagnostics.push(Diagnostic::new(code, message).at(Part::Body, at).contract(Some(place)));
    }

    fn body(&mut self, body: &RequestBody, body_bytes_max: usize) {
        let headers = self.request.headers();
        // Two fields of it make a text that is no media type.
        let fields: Vec<String> = headers
            .get_all(CONTENT_TYPE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let media_text = (!fields.is_empty()).then(|| fields.join(", "));
        if self.request.body().is_empty() {
            let media = media_text.as_deref().and_then(MediaType::parse);
            // A body of no bytes may be a value of a text or binary type, never of JSON, a form or XML.
            let content = media.as_ref().and_then(|media| best(&body.content, media));
            let carries_nothing = media
                .as_ref()
                .is_none_or(|media| media.is_json() || media.is_xml() || media.is_multipart() || media.is_form())
                || content.is_none();
            if carries_nothing {
                if body.required {
                    self.body_problem(code::BODY_MISSING, "the request body is required", "", &body.pointer);
                    if let Some(last) = self.decoded.diagnostics.last_mut() {
                        last.keyword = Some("required".to_owned());
                    }
                }
                return;
            }
        }
        let declared: Vec<String> = body.content.iter().map(|content| content.media.to_string()).collect();
        let declared = declared.join(", ");
        let Some(text) = media_text else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the request has a body but no `Content-Type`; declared: {declared}"),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(media) = MediaType::parse(&text).filter(|media| !media.is_range()) else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the `Content-Type` is no media type; declared: {declared}"),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(content) = best(&body.content, &media) else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the media type `{}` is not declared; declared: {declared}", media.essence()),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(bytes) = self.inflated(body, body_bytes_max) else { return };
        let (value, mut found) = Representation::new(self.checker, content).read(&media, &text, &bytes);
        self.decoded.diagnostics.append(&mut found);
        self.decoded.body = value;
    }

    fn inflated(&mut self, body: &RequestBody, body_bytes_max: usize) -> Option<Bytes> {
        let values: Vec<String> = self
            .request
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let codings: Vec<&str> = values
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|coding| !coding.is_empty())
            .collect();
        if codings.is_empty() {
            return Some(self.request.body().clone());
        }
        match decode::inflate(&codings, self.request.body().clone(), body_bytes_max) {
            Ok(bytes) => Some(bytes),
            Err(decode::CodingError::Unsupported(coding)) => {
                self.body_problem(
                    code::CONTENT_ENCODING_UNSUPPORTED,
                    format!("the content coding `{coding}` is not supported"),
                    "",
                    &body.pointer,
                );
                None
            }
            Err(decode::CodingError::Malformed(reason)) => {
                self.body_problem(
                    code::BODY_MALFORMED,
                    format!("the body is not in its content coding: {reason}"),
                    "",
                    &body.pointer,
                );
                None
            }
            Err(decode::CodingError::TooLarge) => {
                self.body_problem(
                    code::BODY_TOO_LARGE,
                    format!("the body inflates to more than {body_bytes_max} bytes"),
                    "",
                    &body.pointer,
                );
                None
            }
        }
    }
}

/// What a parameter's place gave.
enum Found {
    Raw(decode::Raw),
    Text(String),
}

/// The most specific declared media type that covers the one sent.
pub(super) fn best<'c>(content: &'c [Content], media: &MediaType) -> Option<&'c Content> {
    content.iter().filter(|content| content.media.covers(media)).max_by_key(|content| content.media.specificity())
}
