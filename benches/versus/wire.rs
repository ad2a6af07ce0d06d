//! Messages as bytes: a request as a client writes it, and where a reply ends.

use crate::Result;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Header fields of a reply that are read.
const FIELDS_MAX: usize = 64;

/// The bytes of a request.
pub(crate) fn bytes(request: &http::Request<&str>) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(request.body().as_bytes());
    bytes
}

/// A reply's status and how many bytes it has, once its head is there; its body may still be under way.
pub(crate) struct Framing {
    pub(crate) status: u16,
    pub(crate) head_bytes: usize,
    pub(crate) bytes: usize,
}

/// How the reply at the start of these bytes is framed; nothing until its head is whole.
pub(crate) fn framing(bytes: &[u8]) -> Result<Option<Framing>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut reply = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head_bytes) = reply.parse(bytes)? else { return Ok(None) };
    let length = reply.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length: usize = match length {
        Some(field) => str::from_utf8(field.value)?.parse()?,
        None => return Err("a reply has no Content-Length".into()),
    };
    Ok(Some(Framing { status: reply.code.unwrap_or_default(), head_bytes, bytes: head_bytes + length }))
}

/// One request and its reply, on a connection of its own.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Result<http::Response<Vec<u8>>> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let mut read = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some(framing) = framing(&read)?
            && read.len() >= framing.bytes
        {
            return reply(&read[..framing.head_bytes], &read[framing.head_bytes..framing.bytes]);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(format!("{address} closed the connection without a whole reply").into()),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
}

fn reply(head: &[u8], body: &[u8]) -> Result<http::Response<Vec<u8>>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut fields);
    parsed.parse(head)?;
    let mut reply = http::Response::builder().status(parsed.code.unwrap_or_default());
    for field in parsed.headers.iter() {
        reply = reply.header(field.name, field.value);
    }
    Ok(reply.body(body.to_vec())?)
}
