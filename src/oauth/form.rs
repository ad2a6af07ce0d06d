//! The parameters of a token request, from a form-urlencoded or a multipart body.

use crate::contract::decode;
use crate::message::Request;
use crate::message::media_type::MediaType;
use http::header::CONTENT_TYPE;

/// Names and values, in the order they were sent.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the body; an error says why it cannot be read.
    pub(super) fn read(request: &Request) -> Result<Self, String> {
        let text = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(text) = text else {
            return if request.body().is_empty() {
                Ok(Self(Vec::new()))
            } else {
                Err("the request has a body but no `Content-Type`".to_owned())
            };
        };
        let media = MediaType::parse(text).ok_or_else(|| "the `Content-Type` is no media type".to_owned())?;
        if media.is_form() {
            let body = std::str::from_utf8(request.body()).map_err(|_| "the body is not UTF-8".to_owned())?;
            let pairs = form_urlencoded::parse(body.as_bytes());
            return Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()));
        }
        if media.is_multipart() {
            let parts = decode::parts(text, request.body()).map_err(|error| error.message)?;
            let value = |part: decode::Part| {
                let text = String::from_utf8(part.bytes.to_vec())
                    .map_err(|_| format!("the part `{}` is not UTF-8", part.name))?;
                Ok((part.name, text))
            };
            return parts.into_iter().map(value).collect::<Result<_, String>>().map(Self);
        }
        Err(format!("the body is `{}`; send form-urlencoded or multipart form data", media.essence()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of OAuth's that is given more than once (RFC 6749 §3.2 forbids it).
    pub(super) fn repeated(&self) -> Option<&str> {
        const OWN: [&str; 4] = ["grant_type", "scope", "client_id", "client_secret"];
        OWN.into_iter().find(|name| self.0.iter().filter(|(key, _)| key == name).count() > 1)
    }
}
