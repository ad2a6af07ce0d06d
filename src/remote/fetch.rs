//! One document: connecting, asking, following redirects, reading within limits.

use super::tls;
use crate::contract::Retrieved;
use crate::message::RemoteLimits;
use crate::message::media_type::MediaType;
use crate::server::runtime;
use bytes::Bytes;
use fluent_uri::{Uri, UriRef};
use http::header::{ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, LOCATION, USER_AGENT};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use std::sync::mpsc;
use std::time::Duration;
use tokio::net::TcpStream;

const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Fetches a document, and waits for it on the caller's thread; the work is done by the background runtime.
pub(super) fn retrieve(uri: &str, limits: &RemoteLimits, left: Duration) -> Result<Retrieved, String> {
    let runtime = runtime().map_err(|error| format!("cannot start a runtime: {error}"))?;
    let (sender, receiver) = mpsc::channel();
    let (start, limits) = (uri.to_owned(), limits.clone());
    let patience = limits.document_timeout.min(left);
    runtime.spawn(async move {
        let fetched = tokio::time::timeout(patience, follow(&start, &limits)).await;
        let _ = sender.send(fetched.unwrap_or_else(|_| Err(format!("no answer within {patience:?}"))));
    });
    let fetched = receiver.recv().unwrap_or_else(|_| Err("the fetch was cut off".to_owned()));
    fetched.map_err(|reason| format!("cannot read `{uri}`: {reason}"))
}

/// What a server answers.
enum Answer {
    Document(String),
    /// The target of a redirect.
    Elsewhere(String),
}

async fn follow(start: &str, limits: &RemoteLimits) -> Result<Retrieved, String> {
    let mut at = Uri::parse(start.to_owned()).map_err(|_| "it is no URI".to_owned())?;
    for _ in 0..=limits.redirects_max {
        match get(&at, limits.document_bytes_max).await? {
            Answer::Document(text) => return Ok(Retrieved { uri: at.as_str().to_owned(), text }),
            Answer::Elsewhere(location) => at = redirected(&at, &location)?,
        }
    }
    Err(format!("it is redirected more than {} times", limits.redirects_max))
}

fn redirected(at: &Uri<String>, location: &str) -> Result<Uri<String>, String> {
    let target = UriRef::parse(location).ok().and_then(|target| target.resolve_against(at).ok());
    let target = target.ok_or_else(|| format!("it is redirected to `{location}`, which is no URI"))?;
    let plain = target.as_str().split('#').next().unwrap_or_default().to_owned();
    let scheme = target.scheme().as_str().to_ascii_lowercase();
    let allowed = scheme == "https" || scheme == "http" && at.scheme().as_str().eq_ignore_ascii_case("http");
    if !allowed {
        return Err(format!("it is redirected to `{plain}`, from {} to {scheme}", at.scheme().as_str()));
    }
    Uri::parse(plain).map_err(|_| "it is redirected to what is no URI".to_owned())
}

async fn get(at: &Uri<String>, bytes_max: usize) -> Result<Answer, String> {
    let uri: http::Uri = at.as_str().parse().map_err(|_| "it is no URL".to_owned())?;
    let authority = uri.authority().ok_or_else(|| "it names no host".to_owned())?;
    if authority.as_str().contains('@') {
        return Err("it holds credentials, which are not sent".to_owned());
    }
    let secure = uri.scheme_str() == Some("https");
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let request = http::Request::get(uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str))
        .header(HOST, authority.as_str())
        .header(
            ACCEPT,
            "application/openapi+yaml, application/openapi+json, application/yaml, application/json, */*;q=0.5",
        )
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = if secure {
        send(TokioIo::new(tls::connect(host, stream).await?), request).await?
    } else {
        send(TokioIo::new(stream), request).await?
    };
    let (head, body) = response.into_parts();
    if head.status.is_redirection()
        && let Some(location) = head.headers.get(LOCATION)
    {
        return Ok(Answer::Elsewhere(String::from_utf8_lossy(location.as_bytes()).into_owned()));
    }
    if head.status != http::StatusCode::OK {
        return Err(format!("the server answers {}", head.status));
    }
    readable(&head.headers)?;
    let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { format!("it has more than {bytes_max} bytes") } else { error.to_string() }
    })?;
    let text = String::from_utf8(body.to_bytes().to_vec());
    text.map(Answer::Document).map_err(|error| format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

async fn send<S>(
    stream: S,
    request: http::Request<Empty<Bytes>>,
) -> Result<http::Response<hyper::body::Incoming>, String>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| format!("the server does not answer: {error}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(broken)?;
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

/// Whether the head speaks of text that may be a document.
fn readable(headers: &HeaderMap) -> Result<(), String> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(format!("it comes in the content coding `{coding}`, which was not asked for"));
    }
    let media = text(CONTENT_TYPE).as_deref().and_then(MediaType::parse).map(|media| media.essence());
    match media {
        Some(media) if ["text/html", "application/xhtml+xml"].contains(&media.as_str()) => {
            Err(format!("it is `{media}`, no JSON or YAML"))
        }
        _ => Ok(()),
    }
}
