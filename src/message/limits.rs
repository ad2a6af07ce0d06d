use std::time::Duration;

/// Generated instances that a contract remembers. Over it all are forgotten, and made anew when asked for.
pub(crate) const MADE_ENTRIES_MAX: usize = 1_024;
/// Bytes of the generated instances that a contract remembers. Over it all are forgotten.
pub(crate) const MADE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a client can make grow, each with its unit, default and consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct Limits {
    /// Bytes of a request body, as sent and as inflated. Default 10 MiB (`--max-body`); over it 413.
    pub body_bytes_max: usize,
    /// Bytes of the request line and the header section. Default 64 KiB; over it 431.
    pub head_bytes_max: usize,
    /// Header fields of a request. Default 100; over it 431.
    pub header_fields_max: usize,
    /// Bytes of a request target. Default 16 KiB; over it 414.
    pub target_bytes_max: usize,
    /// Bytes of all chunk extensions of a body. Default 8 KiB; over it 400.
    pub chunk_extension_bytes_max: usize,
    /// Time to send the head, counted from the connection's last activity; a connection's first byte, and a TLS handshake, have as
    /// much of their own. Default 30 s (`--head-timeout`); over it the connection is closed.
    pub head_timeout: Duration,
    /// Time to send the body. Default 30 s (`--body-timeout`); over it 408.
    pub body_timeout: Duration,
    /// Requests of one HTTP/2 connection under way at once. Default 128; over it a stream is refused.
    pub streams_max: usize,
    /// Streams of an HTTP/2 connection that are reset before they were looked at, or for an error of the client. Default 64; over it the connection is closed.
    pub stream_resets_max: usize,
    /// Connections open at once. Default 1,024 (`--max-connections`); over it the next waits to be accepted.
    pub connections_max: usize,
    /// Exchanges the journal of one application keeps. Default 10,000 (`--journal`); over it the oldest is dropped.
    pub journal_entries_max: usize,
    /// Bytes of exchanges the journal of one application keeps. Default 64 MiB; over it the oldest exchange is dropped.
    pub journal_bytes_max: usize,
    /// Bytes of exchanges the journals of all applications keep together. Default 256 MiB; over it each drops its oldest eighth.
    pub journals_bytes_max: usize,
    /// Bytes of one body that the journal keeps. Default 64 KiB; over it the rest is cut off and the exchange marked.
    pub journal_body_bytes_max: usize,
    /// Bytes of the changes to state of one exchange that the journal keeps. Default 1 MiB; over it the rest is left out and the exchange marked.
    pub journal_changes_bytes_max: usize,
    /// Bytes of one recorded exchange that is read, or of another member of a recording. Default 64 MiB; over it reading stops with an error.
    pub recorded_entry_bytes_max: usize,
    /// Header fields of a recorded message. Default 1,000; over it what comes after is left out, with a note.
    pub recorded_fields_max: usize,
    /// Applications alive at once. Default 100,000; over it creating one is refused with 429.
    pub applications_max: usize,
    /// Resources, and paths of deleted ones, that one application holds. Default 100,000; over it a write is refused with 507.
    pub state_entries_max: usize,
    /// Bytes of the representations that one application holds. Default 64 MiB; over it a write is refused with 507.
    pub state_bytes_max: usize,
    /// Credentials that one application has. Default 100; over it adding one is refused with 429.
    pub credentials_max: usize,
    /// Snapshots that the control plane keeps. Default 1,000; over it taking one is refused with 429.
    pub snapshots_max: usize,
    /// Bytes of the representations in all snapshots, each counted as often as it is in one. Default 256 MiB; over it taking one is refused with 507.
    pub snapshots_bytes_max: usize,
    /// Tokens alive at once. Default 1,000,000; over it the oldest is dropped.
    pub tokens_max: usize,
    /// Time that requests under way are given to finish at a graceful stop. Default 2 s; over it they are cut off.
    pub stop_timeout: Duration,
}

/// Longer timeouts are beyond what clocks can add.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// How long a connection may say nothing.
    pub(crate) fn patience(&self) -> Duration {
        self.head_timeout.min(FOREVER)
    }

    /// How long a body may take.
    pub(crate) fn body_patience(&self) -> Duration {
        self.body_timeout.min(FOREVER)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 10 * 1024 * 1024,
            head_bytes_max: 64 * 1024,
            header_fields_max: 100,
            target_bytes_max: 16 * 1024,
            chunk_extension_bytes_max: 8 * 1024,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            streams_max: 128,
            stream_resets_max: 64,
            connections_max: 1024,
            journal_entries_max: 10_000,
            journal_bytes_max: 64 * 1024 * 1024,
            journals_bytes_max: 256 * 1024 * 1024,
            journal_body_bytes_max: 64 * 1024,
            journal_changes_bytes_max: 1024 * 1024,
            recorded_entry_bytes_max: 64 * 1024 * 1024,
            recorded_fields_max: 1_000,
            applications_max: 100_000,
            state_entries_max: 100_000,
            state_bytes_max: 64 * 1024 * 1024,
            credentials_max: 100,
            snapshots_max: 1_000,
            snapshots_bytes_max: 256 * 1024 * 1024,
            tokens_max: 1_000_000,
            stop_timeout: Duration::from_secs(2),
        }
    }
}

/// What documents elsewhere, which references of a contract lead to, may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteLimits {
    /// Bytes of one document elsewhere. Default 16 MiB; over it the reference leads nowhere.
    pub document_bytes_max: usize,
    /// Time for one document elsewhere, with its redirects. Default 10 s; over it the reference leads nowhere.
    pub document_timeout: Duration,
    /// Documents elsewhere of one contract. Default 1,000; over it references to further ones lead nowhere.
    pub documents_max: usize,
    /// Redirects in a row to one document elsewhere. Default 5; over it the reference leads nowhere.
    pub redirects_max: usize,
    /// Time for all documents elsewhere of one contract. Default 60 s; over it references to further ones lead nowhere.
    pub total_timeout: Duration,
}

impl Default for RemoteLimits {
    fn default() -> Self {
        Self {
            document_bytes_max: 16 * 1024 * 1024,
            document_timeout: Duration::from_secs(10),
            documents_max: 1_000,
            redirects_max: 5,
            total_timeout: Duration::from_secs(60),
        }
    }
}
