//! Parameters of a request: decoded by style or media type, then checked.

use super::Checking;
use crate::contract::decode::{self, Malformed, Query};
use crate::contract::operation::{Parameter, ParameterValue};
use crate::diagnostic::{Code, Diagnostic, Part, code, did_you_mean};
use crate::source::{Focus, json, pointer};
use http::header::COOKIE;
use serde_json::Value;

impl Checking<'_> {
    pub(super) fn parameters(&mut self, names: &[String], captures: &[&str]) {
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
                Part::Query if matches!(parameter.value, ParameterValue::QueryString(_)) => {
                    self.query_string(parameter);
                    continue;
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
            ParameterValue::Styled { style, explode, shape, members, .. } => {
                Ok(decode::decode_cookie(*style, *explode, *shape, &parameter.name, cookies, &members.names)?
                    .map(Found::Raw))
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
    pub(super) fn content(&mut self, parameter: &Parameter, text: &str) {
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

    pub(super) fn keep(&mut self, parameter: &Parameter, value: Value) {
        let map = match parameter.part {
            Part::Path => &mut self.decoded.path,
            Part::Query => &mut self.decoded.query,
            Part::Header => &mut self.decoded.header,
            _ => &mut self.decoded.cookie,
        };
        map.insert(parameter.name.clone(), value);
    }

    pub(super) fn absent(&mut self, parameter: &Parameter) {
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

    pub(super) fn malformed(&mut self, parameter: &Parameter, malformed: Malformed) {
        let code = if malformed.repeated { code::PARAMETER_REPEATED } else { code::PARAMETER_MALFORMED };
        let message = format!("the parameter `{}`: {}", parameter.name, malformed.message);
        self.malformed_text(parameter, code, message, malformed.expected);
    }

    pub(super) fn malformed_text(
        &mut self,
        parameter: &Parameter,
        code: Code,
        message: String,
        expected: Option<String>,
    ) {
        let place = self.contract.document.location(&parameter.pointer, Focus::Value);
        self.decoded.diagnostics.push(
            Diagnostic::new(code, message)
                .at(parameter.part, pointer::join("", &parameter.name))
                .contract(Some(place))
                .values(expected, None),
        );
    }
}

/// What a parameter's place gave.
pub(super) enum Found {
    Raw(decode::Raw),
    Text(String),
}
