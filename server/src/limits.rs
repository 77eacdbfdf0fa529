//! Every bound of the daemon as one constant with its reason.

use std::time::Duration;

/// Address without any other.
pub const ADDRESS_DEFAULT: &str = "127.0.0.1:5544";

/// Connections at a time; beyond it 53300.
pub const CONNECTIONS_MAX_DEFAULT: usize = 2_000;

/// Stack of a connection's thread: what the deepest allowed nesting of a statement needs in the dev profile (see
/// `spg_engine::limits::NESTING_DEPTH_MAX`). Memory is taken only as far as it is used.
pub const STACK_BYTES: usize = 2 << 20;

/// From accepting a connection to having its whole Hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// From a frame's first byte to its last, with a second more for each [`FRAME_BYTES_PER_SECOND`] that have arrived.
pub const FRAME_TIMEOUT: Duration = Duration::from_secs(30);

/// The least that a client has to send of a long frame.
pub const FRAME_BYTES_PER_SECOND: usize = 64 << 10;

/// What a connection may keep of a frame that is not whole without asking: reading ahead fills as much.
pub const FRAME_BYTES_FREE: usize = 64 << 10;

/// Bytes of frames that are not whole, beyond [`FRAME_BYTES_FREE`] of each, over all connections; beyond it 53200 for the
/// one that brings more. Four of the longest: 2,000 connections could keep 128 GB otherwise.
pub const INCOMPLETE_BYTES_MAX: usize = 256 << 20;

/// How long a client may read nothing of an answer, which keeps a version of the data alive meanwhile.
pub const WRITE_TIMEOUT_DEFAULT: Duration = Duration::from_mins(1);

/// How long running statements may go on when the server ends, before they are cancelled.
pub const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long cancelled statements may take to end, before the process ends all the same.
pub const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// How long a named session is kept without a connection.
pub const NAMED_SESSION_IDLE: Duration = Duration::from_mins(1);

/// Named sessions at a time; each may hold an open transaction. Beyond it 53300.
pub const NAMED_SESSIONS_MAX: usize = 1_000;

/// Bytes of `user`, `application_name` and a session's name, as of any name.
pub const NAME_BYTES_MAX: usize = 63;

/// Prepared statements of one connection; beyond it 54000. Each is a tree and a plan, some kilobytes.
pub const PREPARED_STATEMENTS_MAX: usize = 1_024;

/// Bytes of their texts together; beyond it 54000. A tree is about thirty times its text.
pub const PREPARED_TEXT_BYTES_MAX: usize = 2 << 20;

/// Parameters that a connection which waits keeps room for, 24 bytes each.
pub const VALUES_RETAINED: usize = 256;

/// Output is written when it reaches this, also within a statement.
pub const FLUSH_BYTES: usize = 64 << 10;

/// What a connection keeps of its output buffer while it is busy.
pub const OUTPUT_BYTES_RETAINED: usize = 256 << 10;

/// What a connection that waits keeps of its input and of its output buffer, each.
pub const IDLE_BYTES_RETAINED: usize = 8 << 10;

/// How often deadlines are looked at and waiting clients missed. A client that is gone is noticed within two of these.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// How long a connection polls before it waits, by default; BENCHMARKS.md says what it gains.
pub const POLL_DEFAULT: Duration = Duration::from_micros(50);

/// Longest `--poll-us`: what polls longer is a busy loop.
pub const POLL_MAX: Duration = Duration::from_millis(10);

/// Connections that wait to be accepted, in the kernel.
pub const BACKLOG: i32 = 1_024;

/// Refused connections that are kept open for a moment, so that their clients can read why.
pub const REFUSED_KEPT_MAX: usize = 64;

/// How long, and how much is read off a connection meanwhile that ends with an error: closing a socket with unread bytes
/// in it takes the error away from its client.
pub const LINGER: Duration = Duration::from_millis(500);

/// Bytes read off a connection that ends with an error.
pub const LINGER_BYTES_MAX: usize = 1 << 20;

/// A pause after a failure to accept that will not go away at once.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Between two lines in the log about the same kind of refusal.
pub const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(1);
