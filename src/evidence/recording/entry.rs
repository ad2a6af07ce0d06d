//! One recorded exchange as JSON has it. Exporters differ, so nearly everything may be absent or null, and members that
//! are not named here are passed over. No `flatten` here: it would keep what is passed over.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// An entry of `log.entries`, or an exchange of the control plane.
#[derive(Debug, Deserialize)]
pub(super) struct EntryJson {
    #[serde(rename = "startedDateTime")]
    pub(super) started: Option<String>,
    /// Milliseconds in a HAR, the time of day in an exchange of the control plane.
    pub(super) time: Option<Value>,
    pub(super) duration_us: Option<f64>,
    pub(super) request: Option<RequestJson>,
    pub(super) response: Option<ResponseJson>,
    /// On a line: many, as the control plane lists them.
    pub(super) exchanges: Option<Vec<EntryJson>>,
    /// On a line: it is a whole HAR.
    pub(super) log: Option<IgnoredAny>,
}

impl EntryJson {
    /// Whether it is in the control plane's form.
    pub(super) fn is_own(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.target.is_some() && request.url.is_none())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RequestJson {
    pub(super) method: Option<String>,
    pub(super) url: Option<String>,
    pub(super) headers: Option<Vec<PairJson>>,
    pub(super) cookies: Option<Vec<PairJson>>,
    #[serde(rename = "queryString")]
    pub(super) query: Option<Vec<PairJson>>,
    #[serde(rename = "postData")]
    pub(super) post: Option<PostJson>,
    #[serde(rename = "bodySize")]
    pub(super) body_size: Option<f64>,
    pub(super) target: Option<String>,
    pub(super) body: Option<Text>,
    pub(super) body_base64: Option<String>,
    pub(super) body_truncated: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResponseJson {
    pub(super) status: Option<f64>,
    pub(super) headers: Option<Vec<PairJson>>,
    pub(super) content: Option<ContentJson>,
    pub(super) body: Option<Text>,
    pub(super) body_base64: Option<String>,
    pub(super) body_truncated: Option<bool>,
}

/// A header field, a cookie or a query parameter.
#[derive(Debug, Deserialize)]
pub(super) struct PairJson {
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PostJson {
    #[serde(rename = "mimeType")]
    pub(super) media: Option<String>,
    pub(super) text: Option<Text>,
    pub(super) params: Option<Vec<ParamJson>>,
    /// As in `content`; no part of HAR 1.2, and in use.
    pub(super) encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ParamJson {
    pub(super) name: Option<String>,
    pub(super) value: Option<Text>,
    #[serde(rename = "fileName")]
    pub(super) file_name: Option<String>,
    #[serde(rename = "contentType")]
    pub(super) media: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ContentJson {
    pub(super) size: Option<f64>,
    #[serde(rename = "mimeType")]
    pub(super) media: Option<String>,
    pub(super) text: Option<Text>,
    pub(super) encoding: Option<String>,
}

/// The text of a body. Browsers write bytes that are no text as lone surrogates, which a `String` cannot hold.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Text, E> {
                Ok(Text(bytes))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.as_bytes().to_vec()))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(text.into_bytes()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Text, A::Error> {
                Err(serde::de::Error::custom("invalid type: sequence, expected a text"))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}
