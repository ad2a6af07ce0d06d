//! Content codings (RFC 9110 §8.4.1), undone within a bound, and done for answers that declare one.

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, GzEncoder, ZlibDecoder, ZlibEncoder};
use std::io::Read;

/// Why a coding cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodingError {
    Unsupported(String),
    Malformed(String),
    TooLarge,
}

/// Content codings applied one after the other that are undone. Over it the body is refused.
const CODINGS_MAX: usize = 4;
/// Members of a body in gzip, each of which costs more than its bytes. Over it the body is refused.
const MEMBERS_MAX: usize = 1_000;

/// Undoes the codings, the last one applied first; no step gives more than `max` bytes.
pub(crate) fn inflate(codings: &[&str], body: Bytes, max: usize) -> Result<Bytes, CodingError> {
    if codings.len() > CODINGS_MAX {
        return Err(CodingError::Unsupported(codings.join(", ")));
    }
    let mut body = body;
    for coding in codings.iter().rev() {
        body = match coding.to_ascii_lowercase().as_str() {
            "identity" => body,
            "gzip" | "x-gzip" => gunzip(&body, max)?,
            // The coding is zlib's format; some senders leave its wrapper out.
            "deflate" => match read(ZlibDecoder::new(body.as_ref()), max) {
                Err(CodingError::Malformed(_)) => read(DeflateDecoder::new(body.as_ref()), max)?,
                other => other?,
            },
            "br" => read(brotli_decompressor::Decompressor::new(body.as_ref(), 4096), max)?,
            other => return Err(CodingError::Unsupported(other.to_owned())),
        };
    }
    Ok(body)
}

/// Undoes gzip, member by member (RFC 1952 §2.2).
fn gunzip(body: &[u8], max: usize) -> Result<Bytes, CodingError> {
    let mut inflated = BytesMut::new();
    let mut rest = body;
    for _ in 0..MEMBERS_MAX {
        let mut member = GzDecoder::new(rest);
        inflated.extend_from_slice(&read(&mut member, max - inflated.len())?);
        rest = member.into_inner();
        // Some senders fill up with zeros.
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(inflated.freeze());
        }
    }
    Err(CodingError::Malformed(format!("it has more than {MEMBERS_MAX} members")))
}

fn read(reader: impl Read, max: usize) -> Result<Bytes, CodingError> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut inflated).map_err(|error| CodingError::Malformed(error.to_string()))?;
    if inflated.len() > max { Err(CodingError::TooLarge) } else { Ok(Bytes::from(inflated)) }
}

/// The body in the codings of a `Content-Encoding` value, the first one applied first; `None` if one cannot be done.
pub(crate) fn encoded(codings: &str, body: &Bytes) -> Option<Bytes> {
    let mut body = body.clone();
    for coding in codings.split(',').map(str::trim).filter(|coding| !coding.is_empty()) {
        let mut output = Vec::new();
        match coding.to_ascii_lowercase().as_str() {
            "identity" => continue,
            "gzip" | "x-gzip" => GzEncoder::new(body.as_ref(), Compression::default()).read_to_end(&mut output).ok()?,
            "deflate" => ZlibEncoder::new(body.as_ref(), Compression::default()).read_to_end(&mut output).ok()?,
            _ => return None,
        };
        body = Bytes::from(output);
    }
    Some(body)
}
