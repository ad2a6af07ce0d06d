//! A small HTTP client for the control plane of a running server.

use bytes::Bytes;
use http::Uri;
use http::uri::Authority;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;

/// Bytes of a reply that are read: a journal as HAR is the largest.
const REPLY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Sends one request; gives status and body, or why not.
pub(super) async fn send(
    method: &str,
    base: &str,
    path: &str,
    token: Option<&str>,
    timeout: Duration,
) -> Result<(u16, Bytes), String> {
    let exchange = exchange(method, base, path, token);
    tokio::time::timeout(timeout, exchange).await.map_err(|_| format!("`{base}` did not answer in time"))?
}

/// Whether something accepts connections at the address.
pub(super) async fn is_open(base: &str) -> bool {
    connect(base).await.is_ok()
}

async fn connect(base: &str) -> Result<(Authority, TcpStream), String> {
    let uri: Uri = base.parse().map_err(|_| format!("`{base}` is no URL"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("`{base}` does not begin with `http://`"));
    }
    let authority = uri.authority().ok_or_else(|| format!("`{base}` names no host"))?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|error| format!("cannot reach `{base}`: {error}"))?;
    Ok((authority.clone(), stream))
}

async fn exchange(method: &str, base: &str, path: &str, token: Option<&str>) -> Result<(u16, Bytes), String> {
    let (authority, stream) = connect(base).await?;
    let unreachable = |error: hyper::Error| format!("`{base}` does not answer: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", authority.as_str())
        .header("connection", "close");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::new())).map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let body =
        Limited::new(response.into_body(), REPLY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    Ok((status, body.to_bytes()))
}
