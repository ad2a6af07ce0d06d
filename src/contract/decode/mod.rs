//! From the text of a message to JSON values: parameters by style, bodies by media type, typed by schemas.
//!
//! Delimiters are split before anything is percent-decoded, and nothing is coerced: a text becomes a number
//! only if it is one to the letter. Nothing here reads headers or knows an operation.

mod charset;
mod coding;
mod form;
mod mime;
mod multipart;
mod query;
mod sequence;
mod style;
mod typed;
mod xml;

pub(crate) use charset::Charset;
pub(crate) use coding::{CodingError, encoded, inflate};
pub(crate) use form::{Encoding, form_value};
pub(crate) use multipart::{
    Part, PartProblem, Styles, binary_value, multipart_value, ordered_parts, parts, positional_value,
};
pub(crate) use query::{Gathered, Query, decode_query};
pub(crate) use sequence::Sequence;
pub(crate) use style::{
    Malformed, Raw, Shape, Style, decode_cookie, decode_header, decode_path, encode_header, percent_decoded,
};
pub(crate) use typed::{shape_of, typed};
pub(crate) use xml::{xml_text, xml_value};

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyError {
    /// Where in the decoded body.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl BodyError {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}
