//! What an operation declares, compiled: parameters, request body, responses, security.

use super::decode::{Encoding, Shape, Style};
use super::points::Points;
use super::schema::SchemaUse;
use super::security::Requirement;
use crate::diagnostic::Part;
use crate::message::media_type::MediaType;
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// A method on a path template.
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path template, without base path.
    pub(crate) template: String,
    pub(crate) operation_id: Option<String>,
    /// Pointer of the Operation Object.
    pub(crate) pointer: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RequestBody>,
    /// In the order of the document, exact statuses, ranges and `default` mixed.
    pub(crate) responses: Vec<ResponseDeclaration>,
    /// The alternatives; empty when nothing is demanded.
    pub(crate) security: Vec<Requirement>,
    /// Its place among the operations of the contract.
    pub(crate) index: usize,
    /// What of it can be touched, found when first asked for.
    pub(crate) points: OnceLock<Points>,
}

impl Operation {
    /// The operationId, else the method and the template.
    pub(crate) fn name(&self) -> String {
        self.operation_id.clone().unwrap_or_else(|| format!("{} {}", self.method, self.template))
    }

    /// The response declared for a status: the code itself, then its range, then `default`.
    pub(crate) fn response(&self, status: u16) -> Option<&ResponseDeclaration> {
        let find = |wanted: StatusKey| self.responses.iter().find(|response| response.status == wanted);
        find(StatusKey::Code(status))
            .or_else(|| find(StatusKey::Range(status / 100)))
            .or_else(|| find(StatusKey::Default))
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
    pub(crate) pointer: String,
    pub(crate) schema: Option<SchemaUse>,
    pub(crate) encodings: Vec<(String, Encoding)>,
    /// Required headers of parts, by property: header name and schema.
    pub(crate) part_headers: Vec<(String, HeaderDeclaration)>,
    pub(crate) examples: Vec<Example>,
}

/// An example of a representation.
pub(crate) struct Example {
    /// `None` for the single `example`.
    pub(crate) name: Option<String>,
    /// Pointer of the value in the document.
    pub(crate) pointer: String,
    /// The value as it may be sent, or `None` if it contradicts its schema.
    pub(crate) prepared: OnceLock<Option<Prepared>>,
}

/// A representation that has been checked, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) value: Arc<Value>,
    pub(crate) bytes: Bytes,
}

/// The key of a response in the Responses Object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusKey {
    Code(u16),
    Range(u16),
    Default,
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
