//! The parameters of a request to the authorization server, from a form-urlencoded or a multipart body.

use super::Strictness;
use crate::contract::decode;
use crate::message::Request;
use crate::message::media_type::MediaType;
use http::header::CONTENT_TYPE;

/// The parameters that have a meaning here.
const OWN: [&str; 6] = ["grant_type", "scope", "client_id", "client_secret", "token", "token_type_hint"];

/// Names and values, in the order they were sent.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the body; an error says why it cannot be read, or what about it is not allowed.
    pub(super) fn read(request: &Request, strictness: Strictness) -> Result<Self, String> {
        let parameters = Self(pairs(request, strictness)?);
        match parameters.repeated(strictness) {
            Some(name) => Err(format!("the parameter `{name}` is given more than once")),
            None => Ok(parameters),
        }
    }

    /// A parameter's value. One without a value counts as left out (RFC 6749 §3.2).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that is given more than once (RFC 6749 §3.2 forbids it); to be lenient, one that matters.
    fn repeated(&self, strictness: Strictness) -> Option<&str> {
        let matters = |name: &str| strictness == Strictness::ToTheLetter || OWN.contains(&name);
        let mut names = self.0.iter().map(|(name, _)| name.as_str()).enumerate();
        let is_again = |index: usize, name: &str| self.0.iter().take(index).any(|(earlier, _)| earlier == name);
        names.find(|(index, name)| matters(name) && is_again(*index, name)).map(|(_, name)| name)
    }
}

fn pairs(request: &Request, strictness: Strictness) -> Result<Vec<(String, String)>, String> {
    let strict = strictness == Strictness::ToTheLetter;
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    if let Some((name, _)) = query.into_iter().find(|(name, _)| strict && OWN.contains(&name.as_ref())) {
        return Err(format!("the parameter `{name}` is in the query; parameters belong into the body"));
    }
    let text = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(text) = text else {
        return if request.body().is_empty() {
            Ok(Vec::new())
        } else {
            Err("the request has a body but no `Content-Type`".to_owned())
        };
    };
    let media = MediaType::parse(text).ok_or_else(|| "the `Content-Type` is no media type".to_owned())?;
    if media.is_form() {
        let body = std::str::from_utf8(request.body()).map_err(|_| "the body is not UTF-8".to_owned())?;
        let pairs = form_urlencoded::parse(body.as_bytes());
        return Ok(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect());
    }
    if media.is_multipart() && !strict {
        let parts = decode::parts(text, request.body()).map_err(|error| error.message)?;
        let value = |part: decode::Part| {
            let text =
                String::from_utf8(part.bytes.to_vec()).map_err(|_| format!("the part `{}` is not UTF-8", part.name))?;
            Ok((part.name, text))
        };
        return parts.into_iter().map(value).collect();
    }
    let wanted = if strict { "form-urlencoded data" } else { "form-urlencoded or multipart form data" };
    Err(format!("the body is `{}`; send {wanted}", media.essence()))
}

/// The text that a form-urlencoded one stands for.
pub(super) fn decoded(text: &str) -> String {
    let pair = format!("x={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Whether a text can have come of form-urlencoding: ASCII without what separates pairs, its escapes whole.
pub(super) fn is_encoded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => is_hex(at + 1) && is_hex(at + 2),
        b'&' | b'=' | b';' => false,
        byte => byte.is_ascii_graphic(),
    })
}

#[cfg(test)]
mod tests {
    use super::{decoded, is_encoded};

    #[test]
    fn only_what_form_urlencoding_gives_counts_as_encoded() {
        for (text, is) in
            [("a-1", true), ("a%2Bb+c", true), ("a b", false), ("ü", false), ("%2", false), ("a=b", false)]
        {
            assert_eq!(is_encoded(text), is, "{text}");
        }
        assert_eq!((decoded("a%2Bb+c"), decoded("%C3%BC")), ("a+b c".to_owned(), "ü".to_owned()));
    }
}
