//! Loading contract and fixtures again while the server runs: aside, and swapped in whole.

use super::{Error, MockServer};
use crate::diagnostic::{Diagnostic, code};
use crate::server;
use crate::store::Refused;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Time that files must stay as they are before they count as written.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

impl MockServer {
    /// Loads contract and fixtures again from where they came from, and serves them in the place of the present ones.
    ///
    /// State that still satisfies the contract stays, and so do tokens. What no longer does goes back to the fixture, or
    /// is gone; what nobody changed follows the fixture. New fixture files become new applications, changed credentials
    /// apply, and applications whose file is gone stay. Gives what was found in the contract, and what state was lost.
    /// The calling thread waits while the files are read and compiled; requests do not.
    ///
    /// ```
    /// let mock = chatkitty_mock::MockServer::start();
    /// assert!(mock.reload()?.iter().all(|found| found.severity != chatkitty_mock::diagnostic::Severity::Error));
    /// # Ok::<(), chatkitty_mock::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The contract or a fixture cannot be used; what was served is served on.
    pub fn reload(&self) -> Result<Vec<Diagnostic>, Error> {
        // Held to the end: one reload at a time.
        let mut sources = self.shared.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let glance = sources.glance();
        let reloaded = self.shared.loader.load().and_then(|loaded| {
            let told = self.shared.engine.replace(loaded.world, loaded.seeds, self.shared.now());
            let told = told.map_err(|(name, refused)| vec![not_added(&name, refused)])?;
            Ok((loaded.findings, told, loaded.sources))
        });
        match reloaded {
            Ok((mut found, told, read)) => {
                *sources = read;
                found.extend(told);
                Ok(found)
            }
            Err(findings) => {
                sources.break_at(glance);
                Err(Error::findings(findings))
            }
        }
    }

    /// Waits until a file that contract or fixtures were read from has changed and is not being written any more;
    /// after a [`reload`](Self::reload) that failed, until one is touched. It looks every 500 ms. With neither a
    /// contract nor fixtures of one's own it never ends.
    pub async fn files_changed(&self) {
        let shared = Arc::clone(&self.shared);
        let Ok(runtime) = server::runtime() else { return std::future::pending().await };
        let watching = runtime.spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let look = Arc::clone(&shared);
                let changed = move || look.sources.lock().unwrap_or_else(PoisonError::into_inner).have_changed();
                if !tokio::task::spawn_blocking(changed).await.unwrap_or(false) {
                    continue;
                }
                let glance = || shared.sources.lock().unwrap_or_else(PoisonError::into_inner).glance();
                let mut before = glance();
                loop {
                    tokio::time::sleep(SETTLED_AFTER).await;
                    let now = glance();
                    if now == before {
                        return;
                    }
                    before = now;
                }
            }
        });
        let mut watching = Stopped(watching);
        // It ends by itself only when there is something to tell.
        let _ = (&mut watching.0).await;
    }
}

/// A task that ends with what waits for it.
struct Stopped(tokio::task::JoinHandle<()>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn not_added(name: &str, refused: Refused) -> Diagnostic {
    let reason = match refused {
        Refused::NameTaken => "another application has its name",
        Refused::ClientIdTaken => "another application has one of its client ids",
        Refused::TooMany => "there are as many applications as the limit allows",
    };
    Diagnostic::new(code::FIXTURE_DUPLICATE, format!("the application `{name}` cannot be added: {reason}"))
}
