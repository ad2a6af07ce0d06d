//! The one background runtime of the process, shared by every server in it. It is never shut down.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// The process's background runtime, started by the first call; usable inside and outside any runtime.
///
/// # Errors
///
/// When the operating system gives no threads or no event queue; the next call tries again.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    // Only one is ever built: dropping a second one inside another runtime would panic.
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let workers = thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 4));
    let built =
        Builder::new_multi_thread().worker_threads(workers).thread_name(env!("CARGO_PKG_NAME")).enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| built))
}
