use crate::message::*;
use std::{io, net::*, sync::Arc};
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Request) -> Reply;
    fn refuse(&self, refusal: Refusal, head: Option<http::request::Parts>) -> Reply;
}
pub(crate) enum Refusal {
    BodyTooLarge,
    TargetTooLong,
    HeadTooLarge,
    BodyTimeout,
    BadFraming(String),
}
impl Refusal {
    pub(crate) fn code(&self) -> crate::diagnostic::Code {
        crate::diagnostic::code::BODY_TOO_LARGE
    }
}
impl std::fmt::Display for Refusal {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
pub(crate) fn bind(a: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(a)
}
pub(crate) struct Running(SocketAddr);
pub(crate) fn serve(l: TcpListener, _h: Arc<dyn Handler>, _: Limits) -> io::Result<Running> {
    Ok(Running(l.local_addr()?))
}
impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.0
    }
    pub(crate) async fn stop(&mut self) {}
}
