//! SPG's wire protocol: frames, messages, values, errors, and a blocking client.
//!
//! `PROTOCOL.md` beside the sources is the specification, complete enough to write a client from; this crate is what
//! the server and the Rust client share. It uses nothing else of SPG.
//!
//! In reading order: [`frame`] cuts a stream of bytes into frames, [`message`] says what each holds, [`value`] what
//! the values in rows and parameters are; [`decode`] and [`encode`] are the reader and the writers they use.
//! [`client`] is the client, and [`socket`] the socket that it and the server read and write.
//!
//! Whatever the peer sends, nothing here panics, and nothing allocates more than a small multiple of what has arrived.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![expect(clippy::doc_markdown, reason = "the messages' names are words of the protocol here")]

pub mod client;
pub mod decode;
pub mod encode;
pub mod error;
pub mod frame;
pub mod message;
pub mod socket;
pub mod value;

pub use client::Client;
pub use decode::List;
pub use encode::RowWriter;
pub use error::{ErrorFields, ProtocolError, Severity, SqlState};
pub use frame::{Frame, FrameBuffer, Opcode};
pub use message::{
    AuditHead, ClientMessage, PROTOCOL_VERSION, Receipt, ServerMessage, TransactionStatus,
};
pub use value::{Column, ColumnRef, Parameter, Value, ValueRef};
