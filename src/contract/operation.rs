//! What an operation declares, compiled: parameters, request body, responses, security.

use super::checked::CheckedAnswers;
use super::decode::{Encoding, Sequence, Shape, Style, shape_of};
use super::points::Points;
use super::schema::{Checker, SchemaUse, Schemas};
use super::security::Requirement;
use super::structure::Structure;
use crate::diagnostic::{Diagnostic, Part};
use crate::message::media_type::MediaType;
use bytes::Bytes;
use http::{HeaderValue, Method};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What an operation is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OperationNames {
    /// The operationId, else the method and the template.
    pub(crate) name: String,
    /// The method and the template.
    pub(crate) label: String,
}

/// A method on a path template.
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path template, without base path.
    pub(crate) template: String,
    pub(crate) operation_id: Option<String>,
    pub(crate) names: Arc<OperationNames>,
    /// Pointer of the Operation Object.
    pub(crate) pointer: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RequestBody>,
    /// In the order of the document, exact statuses, ranges and `default` mixed.
    pub(crate) responses: Vec<ResponseDeclaration>,
    /// The status of a plain success: the lowest declared 2xx, else `2XX` or `default` as 200, else the lowest declared.
    pub(crate) success: u16,
    /// The alternatives; empty when nothing is demanded.
    pub(crate) security: Vec<Requirement>,
    /// Its place among the operations of the contract.
    pub(crate) index: usize,
    /// What of it can be touched, found when first asked for.
    pub(crate) points: OnceLock<Points>,
}

impl Operation {
    /// The response declared for a status: the code itself, then its range, then `default`.
    pub(crate) fn response(&self, status: u16) -> Option<&ResponseDeclaration> {
        let find = |wanted: StatusKey| self.responses.iter().find(|response| response.status == wanted);
        find(StatusKey::Code(status))
            .or_else(|| find(StatusKey::Range(status / 100)))
            .or_else(|| find(StatusKey::Default))
    }

    /// The examples of the answers to good requests, with status and media type.
    pub(crate) fn good_examples(&self) -> impl Iterator<Item = (String, String, &Example)> {
        let good = self.responses.iter().filter_map(|response| match response.status {
            StatusKey::Code(code @ 200..=399) => Some((code.to_string(), response)),
            StatusKey::Range(class @ 2..=3) => Some((format!("{class}XX"), response)),
            _ => None,
        });
        good.flat_map(|(status, response)| {
            response.content.iter().flat_map(move |content| {
                let (status, media) = (status.clone(), content.media.to_string());
                content.examples.iter().map(move |example| (status.clone(), media.clone(), example))
            })
        })
    }

    /// The pointers of what answers are made of: examples, their texts, and those of headers.
    pub(crate) fn example_pointers(&self) -> impl Iterator<Item = &str> {
        let contents = self.body.iter().flat_map(|body| &body.content);
        let contents = contents.chain(self.responses.iter().flat_map(|response| &response.content));
        let examples = contents.flat_map(|content| &content.examples).flat_map(|example| {
            let text = match &example.form {
                ExampleForm::Data { text } => text.as_deref(),
                ExampleForm::Either | ExampleForm::Text => None,
            };
            [Some(example.pointer.as_str()), text].into_iter().flatten()
        });
        let headers = self.responses.iter().flat_map(|response| &response.headers);
        examples.chain(headers.filter_map(|header| header.example.as_deref()))
    }

    /// The pointer of the example that was sent as this body.
    pub(crate) fn example_that_is(&self, status: u16, body: &Arc<Value>) -> Option<&str> {
        let mut examples = self.response(status)?.content.iter().flat_map(|content| &content.examples);
        let sent = |example: &&Example| {
            let prepared = example.prepared.get().and_then(Option::as_ref);
            prepared.is_some_and(|prepared| Arc::ptr_eq(&prepared.value, body))
        };
        examples.find(sent).map(|example| example.pointer.as_str())
    }

    /// Whether the status is declared by its code or its range.
    pub(crate) fn declares(&self, status: u16) -> bool {
        self.responses.iter().any(|response| match response.status {
            StatusKey::Code(code) => code == status,
            StatusKey::Range(class) => class == status / 100,
            StatusKey::Default => false,
        })
    }
}

/// A Parameter Object.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) part: Part,
    pub(crate) required: bool,
    pub(crate) allow_empty: bool,
    pub(crate) pointer: String,
    pub(crate) value: ParameterValue,
}

/// How a parameter's text becomes a value.
pub(crate) enum ParameterValue {
    /// By style and schema.
    Styled { style: Style, explode: bool, shape: Shape, members: Members, schema: SchemaUse },
    /// By a media type.
    Content { media: MediaType, schema: Option<SchemaUse> },
    /// The whole query, by a media type.
    QueryString(Box<Content>),
    /// Nothing usable is declared: any text.
    Any,
}

/// The names that an object's schema declares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    pub(crate) names: Vec<String>,
    /// Whether other names are allowed, too.
    pub(crate) open: bool,
}

/// A Request Body Object.
pub(crate) struct RequestBody {
    pub(crate) required: bool,
    pub(crate) pointer: String,
    pub(crate) content: Vec<Content>,
}

/// A media type with its Media Type Object.
pub(crate) struct Content {
    pub(crate) media: MediaType,
    /// The same as a header has it.
    pub(crate) media_value: Option<HeaderValue>,
    pub(crate) pointer: String,
    pub(crate) schema: Option<SchemaUse>,
    /// What each item of a sequence is checked against.
    pub(crate) item_schema: Option<SchemaUse>,
    /// Set where the body is one item after another.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) encodings: Vec<(String, Encoding)>,
    /// Set where the parts of a multipart body have positions instead of names.
    pub(crate) positions: Option<Positions>,
    /// Required headers of parts, by property: header name and schema.
    pub(crate) part_headers: Vec<(String, HeaderDeclaration)>,
    pub(crate) examples: Vec<Example>,
    /// What its schema describes, found when first asked for.
    pub(crate) structure: OnceLock<Structure>,
}

impl Content {
    /// Everything in which a value breaks the schema of the whole, and that of each item.
    pub(crate) fn check(&self, checker: Checker<'_>, value: &Value, part: Part, prefix: &str) -> Vec<Diagnostic> {
        const VIOLATIONS_MAX: usize = 100;
        if value.is_string() && self.is_opaque(checker.schemas) {
            return Vec::new();
        }
        let mut found =
            self.schema.as_ref().map(|schema| schema.check(checker, value, part, prefix)).unwrap_or_default();
        if let (Some(schema), Value::Array(items)) = (&self.item_schema, value) {
            for (index, item) in items.iter().enumerate() {
                if found.len() >= VIOLATIONS_MAX {
                    break;
                }
                // There may be millions of items, so no place is named before one is wrong.
                if schema.is_valid(checker.schemas, item) {
                    continue;
                }
                found.extend(schema.check(checker, item, part, &format!("{prefix}/{index}")));
            }
        }
        found
    }

    /// Whether the schema describes objects or arrays in a media type whose texts nothing here can read as such.
    pub(crate) fn is_opaque(&self, schemas: &Schemas) -> bool {
        let media = &self.media;
        let readable = media.is_json() || media.is_form() || media.is_multipart() || media.is_xml() || media.is_range();
        let structured = |schema: &SchemaUse| shape_of(schemas, &schema.pointer) != Shape::Primitive;
        !readable && self.sequence.is_none() && self.schema.as_ref().is_some_and(structured)
    }

    /// Whether the value is an instance of the schema of the whole, and each item of that of the items.
    pub(crate) fn is_valid(&self, schemas: &Schemas, value: &Value) -> bool {
        if value.is_string() && self.is_opaque(schemas) {
            return true;
        }
        let whole = self.schema.as_ref().is_none_or(|schema| schema.is_valid(schemas, value));
        let item = |item: &Value| self.item_schema.as_ref().is_none_or(|schema| schema.is_valid(schemas, item));
        whole && value.as_array().is_none_or(|items| items.iter().all(item))
    }
}

/// How the parts of a multipart body are written by their positions (OAS 3.2.0, Encoding By Position).
pub(crate) struct Positions {
    pub(crate) prefix: Vec<PartEncoding>,
    /// For the parts after those of the prefix.
    pub(crate) rest: Option<PartEncoding>,
}

impl Positions {
    pub(crate) fn at(&self, index: usize) -> Option<&PartEncoding> {
        self.prefix.get(index).or(self.rest.as_ref())
    }
}

/// An Encoding Object with its headers.
pub(crate) struct PartEncoding {
    pub(crate) encoding: Encoding,
    pub(crate) headers: Vec<HeaderDeclaration>,
}

/// An example of a representation.
pub(crate) struct Example {
    /// `None` for the single `example`.
    pub(crate) name: Option<String>,
    /// Pointer of the value in the document.
    pub(crate) pointer: String,
    pub(crate) form: ExampleForm,
    /// The value as it may be sent, or `None` if it contradicts its schema.
    pub(crate) prepared: OnceLock<Option<Prepared>>,
}

/// What an example shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExampleForm {
    /// `value` or `example`: data, or, outside of JSON, also a text as it is sent.
    Either,
    /// `dataValue`, and the pointer of the `serializedValue` beside it.
    Data { text: Option<String> },
    /// `serializedValue` alone.
    Text,
}

/// A representation that has been checked, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) value: Arc<Value>,
    pub(crate) bytes: Bytes,
    pub(crate) checked: Arc<CheckedAnswers>,
}

/// The key of a response in the Responses Object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusKey {
    Code(u16),
    Range(u16),
    Default,
}

impl fmt::Display for StatusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Range(class) => write!(f, "{class}XX"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A Response Object.
pub(crate) struct ResponseDeclaration {
    pub(crate) status: StatusKey,
    pub(crate) pointer: String,
    pub(crate) headers: Vec<HeaderDeclaration>,
    pub(crate) content: Vec<Content>,
}

/// A Header Object.
pub(crate) struct HeaderDeclaration {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) pointer: String,
    pub(crate) explode: bool,
    pub(crate) shape: Shape,
    pub(crate) schema: Option<SchemaUse>,
    /// Set when the header is declared by `content`.
    pub(crate) media: Option<MediaType>,
    /// Pointer of an example.
    pub(crate) example: Option<String>,
}
