//! The last reply of a connection, written once, and sent again when the same request comes once more.

use super::Again;
use crate::message::Reply;
use bytes::BytesMut;
use http::header::DATE;
use http::{Method, Version};
use std::fmt::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A reply as hyper writes it over HTTP/1.1.
pub(super) struct Last {
    again: Again,
    /// All but the number of the exchange and the date.
    bytes: Vec<u8>,
    /// Where in it those two belong.
    number_at: usize,
    date_at: usize,
    date: Date,
}

impl Last {
    /// Nothing where hyper would decide on the framing by more than the length of a body.
    pub(super) fn of(again: Again, method: &Method, version: Version, reply: &Reply) -> Option<Self> {
        let headers = reply.headers();
        let is_plain = version == Version::HTTP_11
            && *method == Method::GET
            && !reply.body().is_empty()
            && !headers.contains_key(DATE);
        let reason = reply.status().canonical_reason().filter(|_| is_plain)?;
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", reply.status().as_str()).into_bytes();
        let mut number_at = None;
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            if *name == again.field {
                number_at = Some(bytes.len());
            } else {
                bytes.extend_from_slice(value.as_bytes());
            }
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\ndate: ", reply.body().len()).as_bytes());
        let date_at = bytes.len();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(reply.body());
        Some(Self { again, bytes, number_at: number_at?, date_at, date: Date::default() })
    }

    /// Writes the reply once more; `false` if the request is to be handled. `start`: when it came.
    pub(super) fn write(&mut self, start: Instant, to: &mut BytesMut) -> bool {
        let Some(number) = (self.again.number)(start) else { return false };
        let (before, rest) = self.bytes.split_at(self.number_at);
        let (between, behind) = rest.split_at(self.date_at - self.number_at);
        to.reserve(self.bytes.len() + "18446744073709551615".len() + Date::BYTES);
        to.extend_from_slice(before);
        // There is room for it, so it cannot fail.
        let _ = write!(to, "{number}");
        to.extend_from_slice(between);
        to.extend_from_slice(self.date.now().as_bytes());
        to.extend_from_slice(behind);
        true
    }
}

/// The date of replies (RFC 9110 §5.6.7), which is made once a second.
#[derive(Default)]
struct Date {
    second: u64,
    text: String,
}

impl Date {
    const BYTES: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

    fn now(&mut self) -> &str {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.text.is_empty() || self.second != second {
            (self.second, self.text) = (second, httpdate::fmt_http_date(now));
        }
        &self.text
    }
}
