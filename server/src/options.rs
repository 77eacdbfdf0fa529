//! How a server behaves, as far as its user decides.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::limits;

/// Called with the text of each statement of a Query before it runs.
pub type StatementHook = Arc<dyn Fn(&str) + Send + Sync>;

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// Where to listen, in order of preference; port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// Connections at a time.
    pub connections_max: usize,
    /// How long a connection polls before it waits; zero never polls.
    pub poll: Duration,
    /// From accepting a connection to having its Hello.
    pub hello_timeout: Duration,
    /// From a frame's first byte to its last.
    pub frame_timeout: Duration,
    /// How long a client may read nothing of its answer.
    pub write_timeout: Duration,
    /// How long a named session is kept without a connection.
    pub named_session_idle: Duration,
    /// Stack of a connection's thread.
    pub stack_bytes: usize,
    /// How long running statements may go on when the server ends.
    pub stop_grace: Duration,
    /// For tests that need a statement to wait or to panic.
    pub statement_hook: Option<StatementHook>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            connections_max: limits::CONNECTIONS_MAX_DEFAULT,
            poll: limits::POLL_DEFAULT,
            hello_timeout: limits::HELLO_TIMEOUT,
            frame_timeout: limits::FRAME_TIMEOUT,
            write_timeout: limits::WRITE_TIMEOUT_DEFAULT,
            named_session_idle: limits::NAMED_SESSION_IDLE,
            stack_bytes: limits::STACK_BYTES,
            stop_grace: limits::STOP_GRACE,
            statement_hook: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("addresses", &self.addresses)
            .field("connections_max", &self.connections_max)
            .field("poll", &self.poll)
            .finish_non_exhaustive()
    }
}
