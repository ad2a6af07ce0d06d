//! Sockets that are listened on: TCP, and on Unix a file that stands for one.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// Connections that wait to be accepted. Over it they are tried again by the client's system, a second later.
const BACKLOG: i32 = 1024;

/// Binds and listens at once; port 0 takes any free one.
///
/// # Errors
///
/// When the address is in use, is not this machine's, or may not be bound.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A port is free again as soon as its server is gone, whatever connections it had.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(Listener::Tcp(socket.into()))
}

/// A socket that listens, before it is served.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(std::net::TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

/// The same, while it is served.
pub(super) enum Served {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// A connection that was accepted.
pub(super) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listener {
    /// Where it listens, if that has an address.
    pub(crate) fn address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Self::Unix(_) => Ok(None),
        }
    }

    /// Hands it over to the runtime in whose context this is called.
    pub(super) fn serve(self) -> io::Result<Served> {
        match self {
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener).map(Served::Tcp)
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                listener.set_nonblocking(true)?;
                UnixListener::from_std(listener).map(Served::Unix)
            }
        }
    }
}

impl Served {
    pub(super) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        match self {
            Self::Tcp(listener) => {
                listener.poll_accept(context).map(|accepted| accepted.map(|(stream, _)| Accepted::Tcp(stream)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                listener.poll_accept(context).map(|accepted| accepted.map(|(stream, _)| Accepted::Unix(stream)))
            }
        }
    }
}
