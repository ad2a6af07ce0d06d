//! Parameters, by style or by media type.

use super::Compiler;
use crate::contract::decode::{Style, shape_of};
use crate::contract::document::Version;
use crate::contract::lower::Direction;
use crate::contract::members::members;
use crate::contract::operation::{Parameter, ParameterValue};
use crate::contract::schema::SchemaUse;
use crate::diagnostic::{Part, code};
use crate::source::{Focus, pointer};
use openapiv3 as oas;
use serde_json::{Map, Value, json};

impl Compiler<'_> {
    /// The parameters listed at a path item or operation.
    pub(super) fn parameters(&mut self, at: &str) -> Vec<Parameter> {
        let list = pointer::join(at, "parameters");
        let count = self.document.at(&list).and_then(Value::as_array).map_or(0, Vec::len);
        let mut parameters: Vec<Parameter> = Vec::new();
        for index in 0..count {
            let Some(parameter) = self.parameter(&format!("{list}/{index}")) else { continue };
            if parameters.iter().any(|known| known.name == parameter.name && known.part == parameter.part) {
                self.found(
                    code::CONTRACT_STRUCTURE,
                    format!("the parameter `{}` stands twice in one list", parameter.name),
                    &parameter.pointer,
                    Focus::Value,
                );
                continue;
            }
            parameters.push(parameter);
        }
        parameters
    }

    pub(super) fn parameter(&mut self, at: &str) -> Option<Parameter> {
        let at = self.enter(at)?;
        let raw = self.document.at(&at)?.clone();
        let text = |field: &str| raw.get(field).and_then(Value::as_str);
        let since_32 = self.document.version >= Version::V32;
        if since_32 && text("in") == Some("querystring") {
            return self.query_string(at, &raw);
        }
        let plain_cookie = since_32 && text("in") == Some("cookie") && text("style") == Some("cookie");
        // A parameter that declares neither takes any text; openapiv3 would refuse it.
        let bare = raw.get("schema").is_none() && raw.get("content").is_none();
        let typed = if bare { self.typed_bare(&at) } else { self.typed::<oas::Parameter>(&at, "parameter") }?;
        let data = typed.parameter_data_ref().clone();
        let (part, style, allow_empty) = match typed {
            oas::Parameter::Query { style, allow_empty_value, .. } => {
                (Part::Query, query_style(&style), allow_empty_value.unwrap_or(false))
            }
            oas::Parameter::Header { .. } => (Part::Header, Style::Simple, false),
            oas::Parameter::Path { style, .. } => {
                let style = path_style(&style);
                let dotted = style == Style::Label && self.document.has_dotted_labels();
                (Part::Path, if dotted { Style::DottedLabel } else { style }, false)
            }
            oas::Parameter::Cookie { .. } => {
                (Part::Cookie, if plain_cookie { Style::Cookie } else { Style::Form }, false)
            }
        };
        if part == Part::Header
            && ["accept", "content-type", "authorization"].contains(&data.name.to_ascii_lowercase().as_str())
        {
            return None;
        }
        if part == Part::Path && !data.required {
            self.found(
                code::CONTRACT_PATH_TEMPLATE,
                format!("the path parameter `{}` must have `required: true`", data.name),
                &at,
                Focus::Value,
            );
        }
        let explode = data.explode.unwrap_or(matches!(style, Style::Form | Style::DeepObject | Style::Cookie));
        let value = self.parameter_value(&at, style, explode, bare);
        Some(Parameter {
            name: data.name,
            part,
            required: data.required || part == Part::Path,
            allow_empty,
            pointer: at,
            value,
        })
    }

    /// A parameter that is the whole query (OAS 3.2.0, Parameter Locations).
    fn query_string(&mut self, at: String, raw: &Value) -> Option<Parameter> {
        let name = raw.get("name").and_then(Value::as_str).unwrap_or("querystring").to_owned();
        let mut contents = self.contents(&at, Direction::Request);
        if contents.len() != 1 {
            let message = "a parameter in `querystring` has a `content` of exactly one media type; it is not checked";
            self.found(code::CONTRACT_STRUCTURE, message, &at, Focus::Value);
            return None;
        }
        Some(Parameter {
            name,
            part: Part::Query,
            required: raw.get("required") == Some(&Value::Bool(true)),
            allow_empty: false,
            pointer: at,
            value: ParameterValue::QueryString(Box::new(contents.remove(0))),
        })
    }

    /// The query is one parameter's alone, or that of many.
    pub(super) fn check_query(&mut self, parameters: &[Parameter]) {
        let whole = |parameter: &&Parameter| matches!(parameter.value, ParameterValue::QueryString(_));
        let mut in_query = parameters.iter().filter(|parameter| parameter.part == Part::Query);
        if in_query.clone().count() > 1
            && let Some(parameter) = in_query.find(whole)
        {
            let message = "a parameter in `querystring` stands alone: no other one, and none in `query`, beside it";
            self.found(code::CONTRACT_STRUCTURE, message, &parameter.pointer, Focus::Value);
        }
    }

    fn typed_bare(&mut self, at: &str) -> Option<oas::Parameter> {
        self.warned(
            code::CONTRACT_STRUCTURE,
            "a parameter has either `schema` or `content`; this one has neither, so any text is taken",
            at,
            Focus::Value,
        );
        let mut object: Map<String, Value> = self.document.at(at)?.as_object()?.clone();
        object.insert("schema".to_owned(), json!({}));
        serde_json::from_value(Value::Object(object)).ok()
    }

    fn parameter_value(&mut self, at: &str, style: Style, explode: bool, bare: bool) -> ParameterValue {
        if bare {
            return ParameterValue::Any;
        }
        let schema_at = pointer::join(at, "schema");
        if self.document.at(&schema_at).is_some() {
            return ParameterValue::Styled {
                style,
                explode,
                shape: shape_of(self.request, &schema_at),
                members: members(self.request, &schema_at),
                schema: SchemaUse::new(schema_at, Direction::Request),
            };
        }
        let mut contents = self.contents(at, Direction::Request);
        if contents.len() == 1 {
            let content = contents.remove(0);
            return ParameterValue::Content { media: content.media, schema: content.schema };
        }
        self.found(
            code::CONTRACT_STRUCTURE,
            "the `content` of a parameter has exactly one media type; any text is taken",
            at,
            Focus::Value,
        );
        ParameterValue::Any
    }
}

pub(super) fn query_style(style: &oas::QueryStyle) -> Style {
    match style {
        oas::QueryStyle::Form => Style::Form,
        oas::QueryStyle::SpaceDelimited => Style::SpaceDelimited,
        oas::QueryStyle::PipeDelimited => Style::PipeDelimited,
        oas::QueryStyle::DeepObject => Style::DeepObject,
    }
}

fn path_style(style: &oas::PathStyle) -> Style {
    match style {
        oas::PathStyle::Matrix => Style::Matrix,
        oas::PathStyle::Label => Style::Label,
        oas::PathStyle::Simple => Style::Simple,
    }
}
