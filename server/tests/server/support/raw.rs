//! A socket that sends whatever a test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use spg_wire::frame::SERVER_FRAME_LENGTH_MAX;
use spg_wire::message::{PROTOCOL_VERSION, client};
use spg_wire::{ErrorFields, FrameBuffer, Opcode, ServerMessage, Severity};

use super::PATIENCE;

/// A connection without any rules.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    inbox: FrameBuffer,
}

/// A frame of any opcode and payload.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32 + 1;
    [&length.to_le_bytes()[..], &[opcode], payload].concat()
}

/// A Query.
pub(crate) fn query(script: &str) -> Vec<u8> {
    let mut out = Vec::new();
    client::query(&mut out, script).unwrap();
    out
}

impl Raw {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, inbox: FrameBuffer::new(SERVER_FRAME_LENGTH_MAX) }
    }

    /// Says Hello and reads the answer to it.
    pub(crate) fn greeted(mut self) -> Self {
        let mut out = Vec::new();
        client::hello(&mut out, PROTOCOL_VERSION, &[]).unwrap();
        self.send(&out);
        self.expect(Opcode::HelloOk);
        self.expect(Opcode::Ready);
        self
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends what the server may refuse to take.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame: its opcode and payload; None at the end of the stream.
    pub(crate) fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = self.inbox.next_frame().unwrap() {
                return Some((frame.opcode, frame.payload.to_vec()));
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(length) => self.inbox.push(&bytes[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// Reads the next frame, which must be of this opcode.
    pub(crate) fn expect(&mut self, opcode: Opcode) -> Vec<u8> {
        let (received, payload) = self.receive().unwrap();
        assert_eq!(Opcode::from_byte(received), Some(opcode), "{payload:?}");
        payload
    }

    /// Reads frames until an error comes.
    pub(crate) fn error(&mut self) -> ErrorFields {
        loop {
            let (opcode, payload) = self.receive().expect("the connection ended without an error");
            let frame = spg_wire::Frame { opcode, payload: &payload };
            if let ServerMessage::ErrorResponse(fields) = ServerMessage::decode(frame).unwrap() {
                return *fields;
            }
        }
    }

    /// Reads a fatal error and the end of the stream; the error's SQLSTATE and message.
    pub(crate) fn fatal(&mut self) -> (String, String) {
        let fields = self.error();
        assert_eq!(fields.severity, Severity::Fatal);
        assert!(self.receive().is_none(), "the connection goes on after {fields}");
        (fields.code().to_owned(), fields.message)
    }

    /// Reads and drops everything up to the end of the stream.
    pub(crate) fn drain(&mut self) {
        while self.receive().is_some() {}
    }

    /// Whether something has come, or the end.
    pub(crate) fn is_readable(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        !matches!(peeked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Closes the sending side.
    pub(crate) fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
