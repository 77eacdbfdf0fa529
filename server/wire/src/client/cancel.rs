//! Cancelling a statement from another thread.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use super::error::Error;
use crate::error::ProtocolError;
use crate::frame::{FrameBuffer, HELLO_FRAME_LENGTH_MAX};
use crate::message::{CancelKey, ServerMessage, client};
use crate::socket::Socket;

/// How long connecting and the answer may take, each.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// Cancels the statements of one connection, from any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CancelToken {
    address: SocketAddr,
    key: CancelKey,
}

impl CancelToken {
    pub(super) fn new(address: SocketAddr, key: CancelKey) -> Self {
        Self { address, key }
    }

    /// The token of a key that was told elsewhere, for the server at `address`, `host:port`.
    pub fn from_key(address: &str, key: CancelKey) -> Result<Self, Error> {
        Ok(Self::new(resolve(address)?, key))
    }

    /// What allows to cancel; to be told to nobody who should not.
    pub fn key(&self) -> CancelKey {
        self.key
    }

    /// Asks the server to cancel what the connection runs now, and waits until it has got the request. The statement
    /// ends with 57014, unless it ends before; nothing happens if none runs.
    pub fn cancel(&self) -> Result<(), Error> {
        let mut request = Vec::new();
        client::cancel(&mut request, self.key);
        deliver(&self.address, &request)
    }
}

/// Asks the server at `address`, `host:port`, to cancel what the session of this name runs now, and waits until it has
/// got the request. Nothing happens if there is no such session, or if it runs nothing.
pub fn cancel_session(address: &str, name: &str) -> Result<(), Error> {
    let mut request = Vec::new();
    client::cancel_session(&mut request, name).map_err(Error::Limit)?;
    deliver(&resolve(address)?, &request)
}

fn resolve(address: &str) -> Result<SocketAddr, Error> {
    let first = address.to_socket_addrs().map_err(Error::Connect)?.next();
    let missing = || io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    first.ok_or_else(|| Error::Connect(missing()))
}

/// Sends a request to cancel on a connection of its own.
fn deliver(address: &SocketAddr, request: &[u8]) -> Result<(), Error> {
    let socket = Socket::connect(address, Some(CANCEL_TIMEOUT)).map_err(Error::Connect)?;
    socket.set_read_timeout(Some(CANCEL_TIMEOUT)).map_err(Error::Io)?;
    socket.write_all(request).map_err(Error::Io)?;
    let mut inbox = FrameBuffer::new(HELLO_FRAME_LENGTH_MAX);
    loop {
        if let Some(frame) = inbox.next_frame().map_err(Error::Protocol)? {
            return match ServerMessage::decode(frame).map_err(Error::Protocol)? {
                ServerMessage::CancelDone => Ok(()),
                ServerMessage::ErrorResponse(fields) => Err(Error::Db(fields)),
                other => Err(Error::Protocol(ProtocolError::UnexpectedMessage {
                    opcode: other.opcode(),
                    during: "a cancel",
                })),
            };
        }
        let read = inbox.fill(|buffer| socket.read_some(buffer, Duration::ZERO));
        if read.map_err(Error::Io)? == 0 {
            return Err(Error::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}
