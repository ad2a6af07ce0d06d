//! A small HTTP client for the control plane of a running server.

use bytes::Bytes;
use http::Uri;
use http::uri::Authority;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Bytes of a reply that are read: a journal as HAR is the largest.
const REPLY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Where a server is, and who vouches for it.
pub(super) struct Place<'a> {
    /// Its address, `http` or `https`.
    pub(super) url: &'a str,
    /// The CA's certificate; without one, those count that the system trusts.
    pub(super) ca: Option<&'a Path>,
}

impl Place<'_> {
    /// Sends one request; gives status and body, or why not.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<(u16, Bytes), String> {
        let url = self.url;
        let exchange = self.exchange(method, path, token);
        tokio::time::timeout(timeout, exchange).await.map_err(|_| format!("`{url}` did not answer in time"))?
    }

    /// Whether something accepts connections there.
    pub(super) async fn is_open(&self) -> bool {
        match self.parse() {
            Ok((_, authority)) => self.connect(&authority).await.is_ok(),
            Err(_) => false,
        }
    }

    fn parse(&self) -> Result<(bool, Authority), String> {
        let url = self.url;
        let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("`{url}` begins with neither `http://` nor `https://`")),
        };
        let authority = uri.authority().ok_or_else(|| format!("`{url}` names no host"))?;
        Ok((is_secure, authority.clone()))
    }

    async fn connect(&self, authority: &Authority) -> Result<TcpStream, String> {
        let port = authority.port_u16().unwrap_or(if self.url.starts_with("https") { 443 } else { 80 });
        let stream = TcpStream::connect((host(authority), port)).await;
        stream.map_err(|error| format!("cannot reach `{}`: {error}", self.url))
    }

    async fn exchange(&self, method: &str, path: &str, token: Option<&str>) -> Result<(u16, Bytes), String> {
        let (is_secure, authority) = self.parse()?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", authority.as_str())
            .header("connection", "close");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::new())).map_err(|error| error.to_string())?;
        let stream = self.connect(&authority).await?;
        if !is_secure {
            return self.converse(stream, request).await;
        }
        let name = ServerName::try_from(host(&authority).to_owned());
        let name = name.map_err(|_| format!("`{}` names no host", self.url))?;
        let secured = TlsConnector::from(Arc::new(self.trust()?)).connect(name, stream).await;
        self.converse(secured.map_err(|error| format!("no secure connection to `{}`: {error}", self.url))?, request)
            .await
    }

    async fn converse<S>(&self, stream: S, request: http::Request<Full<Bytes>>) -> Result<(u16, Bytes), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let unreachable = |error: hyper::Error| format!("`{}` does not answer: {error}", self.url);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body =
            Limited::new(response.into_body(), REPLY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }

    fn trust(&self) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = self.ca {
            let shown = file.display();
            let pem =
                std::fs::read(file).map_err(|error| format!("cannot read the CA's certificate `{shown}`: {error}"))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| format!("the CA's certificate `{shown}` is no valid PEM"))?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("the certificate in `{shown}` cannot be used: {error}"))?;
            }
            if roots.is_empty() {
                return Err(format!("`{shown}` has no certificate: there is no `-----BEGIN CERTIFICATE-----`"));
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}
