//! The query of a request: single parameters, the whole of it, and what nobody declared.

use super::parameter::Found;
use super::{Checking, VIOLATIONS_MAX};
use crate::contract::decode::{self, Malformed, Query, Shape, Style};
use crate::contract::operation::{Members, Parameter, ParameterValue};
use crate::diagnostic::{Diagnostic, Part, Severity, code, did_you_mean};
use crate::source::{Focus, json, pointer};
use serde_json::Value;
use std::collections::HashSet;

impl Checking<'_> {
    pub(super) fn query_value(&self, parameter: &Parameter, query: &Query<'_>) -> Result<Option<Found>, Malformed> {
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

    /// The whole query, without the credentials in it, as a document of its media type.
    pub(super) fn query_string(&mut self, parameter: &Parameter) {
        let ParameterValue::QueryString(content) = &parameter.value else { return };
        let query = self.request.uri().query().unwrap_or_default();
        let is_key = |pair: &&str| {
            let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
            name.is_some_and(|name| self.contract.is_query_key(&name))
        };
        let own: Vec<&str> = query.split('&').filter(|pair| !is_key(pair)).collect();
        let own = own.join("&");
        if own.is_empty() {
            self.absent(parameter);
            return;
        }
        let tree = &self.contract.request;
        let at = content.schema.as_ref().map_or("", |schema| schema.pointer.as_str());
        let value = if content.media.is_form() {
            decode::form_value(tree, at, own.as_bytes(), &content.encodings).map_err(|error| error.message)
        } else {
            decode::percent_decoded(&own).map_err(|malformed| malformed.message).and_then(|text| {
                if content.media.is_json() {
                    let parsed = json::parse(text.as_bytes()).map_err(|error| error.message)?;
                    let twice = parsed.duplicate_keys.first().map(|key| format!("the member at `{key}` stands twice"));
                    return twice.map_or(Ok(parsed.value), Err);
                }
                match &content.schema {
                    Some(schema) => Ok(decode::typed(tree, &schema.pointer, &decode::Raw::Text(text))),
                    None => Ok(Value::String(text)),
                }
            })
        };
        match value {
            Ok(value) => {
                let place = pointer::join("", &parameter.name);
                self.decoded.diagnostics.extend(content.check(self.checker, &value, Part::Query, &place));
                self.keep(parameter, value);
            }
            Err(reason) => {
                let message = format!("the query is no `{}`: {reason}", content.media.essence());
                let expected = Some(content.media.essence());
                self.malformed_text(parameter, code::PARAMETER_MALFORMED, message, expected);
            }
        }
    }

    /// Whether a query name belongs to another parameter, or to the credentials.
    fn claims(&self, parameter: &Parameter, name: &str) -> bool {
        let base = name.split('[').next().unwrap_or(name);
        self.operation.parameters.iter().filter(|other| other.part == Part::Query && other.name != parameter.name).any(|other| {
            other.name == name || matches!(&other.value, ParameterValue::Styled { style: Style::DeepObject, .. } if other.name == base)
        }) || self.contract.is_query_key(name)
    }

    pub(super) fn unknown_query(&mut self, query: &Query<'_>) {
        let takes_any = self.operation.parameters.iter().any(|parameter| {
            if matches!(parameter.value, ParameterValue::QueryString(_)) {
                return true;
            }
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
        let mut seen: HashSet<&str> = HashSet::new();
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
            if known || seen.contains(name) || self.contract.is_query_key(name) {
                continue;
            }
            if seen.len() >= VIOLATIONS_MAX {
                break;
            }
            seen.insert(name);
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
}
