//! TLS over one connection: the handshake within its time, and what was agreed on in it.

use super::connection::Talk;
use super::http1;
use super::running::stopped;
use bytes::BytesMut;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// Serves a secure connection until either side closes it.
pub(super) async fn drive(stream: TcpStream, config: Arc<ServerConfig>, talk: Arc<Talk>) {
    let patience = talk.shared.limits.patience();
    let handshake = timeout(patience, TlsAcceptor::from(config).accept(stream));
    let accepted = tokio::select! {
        biased;
        accepted = handshake => accepted,
        () = stopped(talk.stopping.clone()) => return,
    };
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a client and the server did not agree on TLS"),
        Err(_) => return tracing::debug!("a client took too long over TLS"),
    };
    #[cfg(feature = "http2")]
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        return super::http2::serve(Box::new(stream), BytesMut::new(), talk).await;
    }
    http1::serve(Box::new(stream), BytesMut::new(), talk).await;
}
