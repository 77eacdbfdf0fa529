//! Messages: what each opcode's payload holds, how it is written and how it is read.
//!
//! A decoded message borrows from its frame and allocates nothing; lists are [`List`](crate::decode::List)s whose
//! bounds were checked. Each message has a writer, too, which appends a frame without building the message first.

pub mod client;
pub mod receipt;
pub mod server;

pub use client::ClientMessage;
pub use receipt::{AuditHead, Receipt};
pub use server::ServerMessage;

/// The protocol's version that this crate speaks: major in the high byte, minor in the low one.
///
/// Peers with the same major version understand each other; the lower minor version is spoken.
pub const PROTOCOL_VERSION: u16 = 0x0101;

/// The first version in which CommandComplete brings receipts and Admin is understood.
pub const VERSION_OF_RECEIPTS: u16 = 0x0101;

/// Where a session stands between statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TransactionStatus {
    /// Outside a transaction block.
    Idle = b'I',
    /// In a transaction block.
    Block = b'T',
    /// In a transaction block that has failed.
    Failed = b'E',
}

impl TransactionStatus {
    /// The status of a byte on the wire: `I`, `T` or `E`.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'I' => Some(Self::Idle),
            b'T' => Some(Self::Block),
            b'E' => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What allows to cancel a session's statements: told to its client alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CancelKey {
    /// The session.
    pub session_id: u64,
    /// Random bytes that only its client knows.
    pub secret: [u8; 16],
}

impl std::fmt::Debug for CancelKey {
    /// Without the secret, which has no place in a log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CancelKey({})", self.session_id)
    }
}
