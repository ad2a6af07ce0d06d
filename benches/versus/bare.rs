//! The yardstick: a hyper server that gives one answer to whatever it is asked, with no routing, no security, no checks.
//! Where a request has a body, it is read whole and parsed as JSON.
//!
//! It is a process of its own, with the runtime of the server: the program runs itself, writes the answer to its
//! standard input and reads the port from its standard output.

use crate::Result;
use crate::process::Process;
use crate::wire;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _, stdin};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::net::TcpListener;

/// As many as the server has on two cores.
const WORKERS: usize = 2;
/// Written by hyper itself.
const OF_HYPER: [&str; 2] = ["content-length", "date"];

/// Starts a bare server that answers what `address` answers to this request.
pub(crate) fn start(address: SocketAddr, request: &[u8]) -> Result<Process> {
    let reply = wire::exchange(address, request)?;
    let fields: Vec<(&str, &str)> = reply
        .headers()
        .iter()
        .filter(|(name, _)| !OF_HYPER.contains(&name.as_str()))
        .map(|(name, value)| Ok((name.as_str(), value.to_str()?)))
        .collect::<Result<_>>()?;
    let body = str::from_utf8(reply.body())?;
    let answer = json!({ "status": reply.status().as_u16(), "fields": fields, "body": body });
    let mut child =
        Command::new(std::env::current_exe()?).arg("--bare").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(input) = &mut child.stdin {
        writeln!(input, "{answer}")?;
    }
    let process = Process::told(child, |port| Ok((Ipv4Addr::LOCALHOST, port.trim().parse()?).into()))?;
    let bare = wire::exchange(process.address, request)?;
    let names = |reply: &http::Response<Vec<u8>>| {
        let mut names: Vec<String> = reply.headers().keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    if bare.body() != reply.body() || names(&bare) != names(&reply) {
        return Err(format!("the bare server answers {bare:?} instead of {reply:?}").into());
    }
    Ok(process)
}

/// Is the bare server, until its standard input ends.
#[expect(clippy::print_stdout, reason = "the port is told on standard output")]
pub(crate) fn serve() -> Result<()> {
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let answer = Arc::new(answer(&serde_json::from_str(&line)?)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    println!("{}", listener.local_addr()?.port());
    runtime.spawn(accept(listener, answer));
    stdin().lock().read_line(&mut line)?;
    runtime.shutdown_background();
    Ok(())
}

fn answer(told: &Value) -> Result<http::Response<Bytes>> {
    let status = u16::try_from(told["status"].as_u64().unwrap_or_default())?;
    let mut answer = http::Response::builder().status(status);
    for field in told["fields"].as_array().into_iter().flatten() {
        answer = answer.header(field[0].as_str().unwrap_or_default(), field[1].as_str().unwrap_or_default());
    }
    Ok(answer.body(Bytes::from(told["body"].as_str().unwrap_or_default().to_owned()))?)
}

async fn accept(listener: TcpListener, answer: Arc<http::Response<Bytes>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            // A socket without it serves too, only slower, which the figures would show.
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| respond(request, Arc::clone(&answer)));
            // A client that goes away ends its connection.
            let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(
    request: http::Request<Incoming>,
    answer: Arc<http::Response<Bytes>>,
) -> std::result::Result<http::Response<Full<Bytes>>, Infallible> {
    if !request.body().is_end_stream()
        && let Ok(body) = request.into_body().collect().await
    {
        let _ = black_box(serde_json::from_slice::<Value>(&body.to_bytes()));
    }
    Ok(answer.as_ref().clone().map(Full::new))
}
