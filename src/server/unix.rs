//! The file of a Unix socket: made, taken over from a server that is gone, and removed.

use super::{Listener, runtime};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use tokio::net::UnixStream;

/// How long a server that is there may take to be noticed.
const PATIENCE: Duration = Duration::from_secs(1);

/// A socket's file, which is removed with this unless another one has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // Who has removed it before has done no harm.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Binds and listens at once, in place of a socket that nobody listens on any more.
///
/// # Errors
///
/// When somebody listens there, or the file is no socket, or it may not be made.
pub(crate) fn bind(path: &Path) -> io::Result<(Listener, SocketFile)> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is no socket, and is not replaced"));
        }
        Ok(_) => {
            clear(path)?;
            std::fs::remove_file(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    let made = std::fs::symlink_metadata(path)?;
    let file = SocketFile { path: std::path::absolute(path)?, identity: (made.dev(), made.ino()) };
    Ok((Listener::Unix(listener), file))
}

/// Whether nobody listens on the socket: only a refused connection says so.
fn clear(path: &Path) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    let asked = path.to_owned();
    // Connecting blocks where a server is there and does not accept, so it is done elsewhere.
    runtime()?.spawn(async move {
        let _ = sender.send(UnixStream::connect(asked).await.map(drop));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens on it")),
    }
}
