//! The heads of an exchange as the journal keeps them: in one piece of memory. There are thousands of them, and the buffer
//! that a head was read into is many times as large as the head.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The target of a request, its fields, and those of the response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heads {
    /// Shared by exchanges that are the same.
    bytes: Bytes,
    target: usize,
    request: usize,
}

/// The bytes before a field: the lengths of its name and of its value.
const LENGTHS: usize = 8;

impl Heads {
    /// `but`: a field of the response that is left out.
    pub(crate) fn new(target: &str, request: &HeaderMap, response: &HeaderMap, but: Option<&HeaderName>) -> Self {
        let response = || response.iter().filter(|(name, _)| Some(*name) != but);
        let bytes = target.len() + room(request.iter()) + room(response());
        let mut heads = Vec::with_capacity(bytes);
        heads.extend_from_slice(target.as_bytes());
        request.iter().for_each(|field| push(&mut heads, field));
        let request = heads.len();
        response().for_each(|field| push(&mut heads, field));
        Self { bytes: heads.into(), target: target.len(), request }
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The request's target.
    pub(crate) fn target(&self) -> &str {
        self.bytes.get(..self.target).and_then(|target| std::str::from_utf8(target).ok()).unwrap_or_default()
    }

    /// The fields of the request.
    pub(crate) fn request(&self) -> HeaderMap {
        fields(self.bytes.get(self.target..self.request).unwrap_or_default())
    }

    /// The fields of the response.
    pub(crate) fn response(&self) -> HeaderMap {
        fields(self.bytes.get(self.request..).unwrap_or_default())
    }
}

fn room<'f>(fields: impl Iterator<Item = (&'f HeaderName, &'f HeaderValue)>) -> usize {
    fields.map(|(name, value)| LENGTHS + name.as_str().len() + value.len()).sum()
}

fn push(heads: &mut Vec<u8>, (name, value): (&HeaderName, &HeaderValue)) {
    for part in [name.as_str().as_bytes(), value.as_bytes()] {
        // The limit on heads is far below.
        heads.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    heads.extend_from_slice(name.as_str().as_bytes());
    heads.extend_from_slice(value.as_bytes());
}

fn fields(mut bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    while let Some((name, value, rest)) = first(bytes) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
        bytes = rest;
    }
    headers
}

fn first(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value) as usize)?;
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_out_as_they_went_in() {
        let mut request = HeaderMap::new();
        for (name, value) in [("host", "a"), ("x-twice", "1"), ("x-empty", ""), ("x-twice", "2"), ("x-bytes", "é")] {
            request.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut response = HeaderMap::new();
        response.insert("content-type", HeaderValue::from_static("text/plain"));
        let heads = Heads::new("/a?b=é", &request, &response, None);
        let lacking = Heads::new("/a?b=é", &request, &response, Some(&http::header::CONTENT_TYPE));
        assert_eq!((lacking.request(), lacking.response()), (request.clone(), HeaderMap::new()));
        assert_eq!((heads.target(), heads.request(), heads.response()), ("/a?b=é", request, response));
        assert_eq!((Heads::default().target(), Heads::default().response()), ("", HeaderMap::new()));
    }
}
