//! Sockets that a service manager has opened and hands over (systemd's `LISTEN_FDS`).

use chatkitty_mock::Builder;
use listenfd::ListenFd;

/// What tells of them.
pub(super) const VARIABLES: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];
/// More are nobody's: there is one socket of each kind.
const SOCKETS_MAX: usize = 2;

/// Has a server listen on the sockets that are handed over: one of TCP, in place of host and port, and a Unix socket.
pub(super) fn take(mut builder: Builder) -> Result<Builder, String> {
    let count = std::env::var("LISTEN_FDS").ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or_default();
    if count > SOCKETS_MAX {
        return Err(format!("`LISTEN_FDS` hands over {count} sockets; one of TCP and one Unix socket can be served"));
    }
    let mut sockets = ListenFd::from_env();
    let (mut tcp, mut unix) = (0, 0);
    for index in 0..sockets.len() {
        if let Ok(Some(listener)) = sockets.take_tcp_listener(index) {
            builder = builder.tcp_listener(listener);
            tcp += 1;
        } else if let Ok(Some(listener)) = sockets.take_unix_listener(index) {
            builder = builder.unix_listener(listener);
            unix += 1;
        } else {
            return Err(format!("what `LISTEN_FDS` hands over as number {} is no stream socket", index + 1));
        }
    }
    if tcp > 1 || unix > 1 {
        return Err("`LISTEN_FDS` hands over two sockets of a kind; one of each can be served".to_owned());
    }
    Ok(builder)
}
