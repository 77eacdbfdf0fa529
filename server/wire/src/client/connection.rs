//! One connection to a server: what has been sent, what has arrived, and how many answers are still to come.
//!
//! Invariant: `readies_due` counts the Queries and Syncs that were sent and not yet answered by Ready. Whoever begins a
//! request first brings it to zero ([`Connection::settle`]), so that no answer is ever taken for another's.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::cancel::CancelToken;
use super::config::Config;
use super::error::Error;
use crate::error::{ErrorFields, ProtocolError, Severity};
use crate::frame::{FrameBuffer, FrameSpan, Opcode, SERVER_FRAME_LENGTH_MAX};
use crate::message::client::{self, plain};
use crate::message::{PROTOCOL_VERSION, Receipt, ServerMessage, TransactionStatus};
use crate::socket::{Polling, Socket};

/// Notices kept until somebody asks for them; older ones go first.
const NOTICES_MAX: usize = 100;

/// Settings that a server may report.
const PARAMETERS_MAX: usize = 1_000;

/// Answers that are read while a request is still being written; beyond it the caller must read first.
const UNREAD_BYTES_MAX: usize = SERVER_FRAME_LENGTH_MAX as usize;

/// What is read of an unwanted answer before its statement is cancelled.
const DRAIN_BYTES_MAX: usize = 1 << 20;

/// An empty request buffer larger than this gives its memory back.
const REQUEST_BYTES_RETAINED: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    inbox: FrameBuffer,
    /// Frames that were written and not sent yet.
    pub(super) out: Vec<u8>,
    polling: Polling,
    read_timeout: Option<Duration>,
    /// After an error of the stream nothing that arrives can be trusted.
    is_broken: Cell<bool>,
    readies_due: u32,
    /// Between CopyIn and its end; other messages must not be sent.
    pub(super) is_copying: bool,
    status: TransactionStatus,
    pub(super) database_uuid: [u8; 16],
    /// Of the last commit that was acknowledged.
    pub(super) last_receipt: Option<Receipt>,
    parameters: BTreeMap<String, String>,
    notices: VecDeque<ErrorFields>,
    cancel: Option<CancelToken>,
}

impl Connection {
    /// Connects and says hello.
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        let deadline =
            config.connect_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (socket, address) = connect(&config.address, deadline)?;
        let mut connection = Self {
            socket,
            inbox: FrameBuffer::new(SERVER_FRAME_LENGTH_MAX),
            out: Vec::new(),
            polling: Polling::new(config.poll),
            read_timeout: None,
            is_broken: Cell::new(false),
            readies_due: 0,
            is_copying: false,
            status: TransactionStatus::Idle,
            database_uuid: [0; 16],
            last_receipt: None,
            parameters: BTreeMap::new(),
            notices: VecDeque::new(),
            cancel: None,
        };
        connection.set_read_timeout(remaining(deadline)?)?;
        client::hello(&mut connection.out, PROTOCOL_VERSION, &config.hello_options())
            .map_err(Error::Limit)?;
        connection.readies_due = 1;
        let welcomed = connection.flush().and_then(|()| connection.welcome(address));
        welcomed.and_then(|()| connection.settle()).map_err(|error| match error {
            Error::Io(error) => Error::Connect(error),
            other => other,
        })?;
        connection.set_read_timeout(config.read_timeout)?;
        Ok(connection)
    }

    /// Reads HelloOk.
    fn welcome(&mut self, address: SocketAddr) -> Result<(), Error> {
        let (opcode, span) = self.next_span()?;
        let (key, uuid, parameters) = match self.decode(span)? {
            ServerMessage::HelloOk(hello) => {
                let [_, major] = hello.version.to_le_bytes();
                if [major] != PROTOCOL_VERSION.to_le_bytes()[1..] {
                    return Err(self.broken(ProtocolError::Version(hello.version)));
                }
                let parameters = hello.parameters.iter().take(PARAMETERS_MAX);
                let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned()));
                (hello.cancel_key, hello.database_uuid, parameters.collect())
            }
            ServerMessage::ErrorResponse(fields) => {
                self.is_broken.set(true);
                return Err(Error::Db(fields));
            }
            _ => return Err(self.unexpected(opcode, "the hello")),
        };
        self.cancel = Some(CancelToken::new(address, key));
        self.database_uuid = uuid;
        self.parameters = parameters;
        Ok(())
    }

    /// Sends what was written. If the server's answers fill its buffers meanwhile, they are read, so that two peers
    /// that both write never wait for each other.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.check()?;
        let result = self.send();
        self.out.clear();
        if self.out.capacity() > REQUEST_BYTES_RETAINED {
            self.out = Vec::new();
        }
        result.map_err(|error| self.lost(error))
    }

    fn send(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while let Some(rest) = self.out.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.socket.try_write(rest) {
                Ok(0) => {}
                Ok(length) => {
                    sent = sent.saturating_add(length);
                    continue;
                }
                // The server has closed, perhaps after an ErrorResponse that says why: let the reader find it.
                Err(error) if is_closed(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.socket.wait(true, self.read_timeout)? {
                if self.inbox.waiting_bytes() > UNREAD_BYTES_MAX {
                    return Err(io::Error::other("too many answers wait to be read"));
                }
                if self.inbox.fill(|buffer| self.socket.read_some(buffer, Duration::ZERO))? == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Waits for the next message and says where it is. Notices and changed settings are kept, CloseComplete is dropped.
    pub(super) fn next_span(&mut self) -> Result<(Opcode, FrameSpan), Error> {
        loop {
            let (opcode, span) = self.next_span_or_notice()?;
            if opcode == Opcode::NoticeResponse {
                if let ServerMessage::NoticeResponse(fields) = self.decode(span)? {
                    self.keep_notice(*fields);
                }
            } else {
                return Ok((opcode, span));
            }
        }
    }

    /// As [`Connection::next_span`], notices included.
    pub(super) fn next_span_or_notice(&mut self) -> Result<(Opcode, FrameSpan), Error> {
        loop {
            if let Some(found) = self.next_span_arrived()? {
                return Ok(found);
            }
            let (socket, polling) = (&self.socket, &mut self.polling);
            match self.inbox.fill(|buffer| polling.read_some(socket, buffer)) {
                Ok(0) => return Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    /// An error that the server has sent although it was not asked to answer yet, as during a copy; without waiting.
    pub(super) fn error_arrived(&mut self) -> Result<Option<Box<ErrorFields>>, Error> {
        let socket = &self.socket;
        let read = self.inbox.fill(|buffer| socket.try_read(buffer).map(Option::unwrap_or_default));
        read.map_err(|error| self.lost(error))?;
        while let Some((opcode, span)) = self.next_span_arrived()? {
            match self.decode(span)? {
                ServerMessage::NoticeResponse(fields) => self.keep_notice(*fields),
                ServerMessage::ErrorResponse(fields) => return Ok(Some(fields)),
                _ => return Err(self.unexpected(opcode, "a copy")),
            }
        }
        Ok(None)
    }

    /// The next message, if it has arrived.
    fn next_span_arrived(&mut self) -> Result<Option<(Opcode, FrameSpan)>, Error> {
        loop {
            self.check()?;
            let span = self.inbox.next_span().map_err(|error| self.broken(error))?;
            let Some(span) = span else { return Ok(None) };
            let byte = self.inbox.frame(span).opcode;
            let opcode = Opcode::from_byte(byte);
            let opcode = opcode.ok_or_else(|| self.broken(ProtocolError::UnknownOpcode(byte)))?;
            match opcode {
                Opcode::CloseComplete => drop(self.decode(span)?),
                Opcode::ParameterStatus => self.keep_parameter(span)?,
                Opcode::CommandComplete => {
                    self.keep_receipt(span)?;
                    return Ok(Some((opcode, span)));
                }
                Opcode::Ready => {
                    self.note_ready(span)?;
                    return Ok(Some((opcode, span)));
                }
                _ => return Ok(Some((opcode, span))),
            }
        }
    }

    /// The message at `span`, which must be of the last call of `next_span`.
    pub(super) fn decode(&self, span: FrameSpan) -> Result<ServerMessage<'_>, Error> {
        let message = ServerMessage::decode(self.inbox.frame(span));
        if let Ok(ServerMessage::ErrorResponse(fields)) = &message
            && matches!(fields.severity, Severity::Fatal | Severity::Panic)
        {
            self.is_broken.set(true);
        }
        message.map_err(|error| self.broken(error))
    }

    /// The payload at `span`, which must be of the last call of `next_span`.
    pub(super) fn payload(&self, span: FrameSpan) -> &[u8] {
        self.inbox.frame(span).payload
    }

    fn note_ready(&mut self, span: FrameSpan) -> Result<(), Error> {
        let ServerMessage::Ready(status) = self.decode(span)? else {
            return Err(self.unexpected(Opcode::Ready, "an answer"));
        };
        self.status = status;
        match self.readies_due.checked_sub(1) {
            Some(due) => self.readies_due = due,
            None => return Err(self.unexpected(Opcode::Ready, "no request")),
        }
        Ok(())
    }

    fn keep_parameter(&mut self, span: FrameSpan) -> Result<(), Error> {
        if let ServerMessage::ParameterStatus { key, value } = self.decode(span)? {
            let (key, value) = (key.to_owned(), value.to_owned());
            if self.parameters.len() < PARAMETERS_MAX || self.parameters.contains_key(&key) {
                self.parameters.insert(key, value);
            }
        }
        Ok(())
    }

    #[inline]
    fn keep_receipt(&mut self, span: FrameSpan) -> Result<(), Error> {
        if let ServerMessage::CommandComplete { receipt: Some(receipt), .. } = self.decode(span)? {
            self.last_receipt = Some(receipt);
        }
        Ok(())
    }

    fn keep_notice(&mut self, fields: ErrorFields) {
        if self.notices.len() >= NOTICES_MAX {
            self.notices.pop_front();
        }
        self.notices.push_back(fields);
    }

    /// Notices since the last call.
    pub(super) fn take_notices(&mut self) -> Vec<ErrorFields> {
        self.notices.drain(..).collect()
    }

    /// A setting that the server reports.
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    /// Where the session stood at the last Ready.
    pub(super) fn status(&self) -> TransactionStatus {
        self.status
    }

    /// What cancels this connection's statements.
    pub(super) fn cancel_token(&self) -> CancelToken {
        self.cancel.clone().expect("an open connection has said hello")
    }

    /// Writes Sync.
    pub(super) fn sync(&mut self) {
        plain(&mut self.out, Opcode::Sync);
        self.ready_due();
    }

    /// Counts a Query or Sync that was written.
    pub(super) fn ready_due(&mut self) {
        self.readies_due = self.readies_due.saturating_add(1);
    }

    /// Reads and drops what is left of earlier answers; a copy that was left is given up.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.check()?;
        self.leave_copy()?;
        while self.readies_due > 0 {
            self.skip_to_ready()?;
        }
        Ok(())
    }

    /// Reads and drops messages up to the next Ready.
    pub(super) fn skip_to_ready(&mut self) -> Result<(), Error> {
        loop {
            let (opcode, span) = self.next_span()?;
            match opcode {
                Opcode::Ready => return Ok(()),
                Opcode::ErrorResponse => {
                    let message = self.decode(span)?;
                    let is_broken = self.is_broken.get();
                    if let (ServerMessage::ErrorResponse(fields), true) = (message, is_broken) {
                        return Err(Error::Db(fields));
                    }
                }
                _ => {}
            }
        }
    }

    /// As [`Connection::settle`], and cancels a statement whose answer is long.
    pub(super) fn abandon(&mut self) {
        let mut drained = 0_usize;
        while self.readies_due > 0 && !self.is_broken.get() {
            let Ok((_, span)) = self.next_span() else { return };
            let before = drained;
            drained = drained.saturating_add(self.inbox.frame(span).payload.len());
            if before <= DRAIN_BYTES_MAX && drained > DRAIN_BYTES_MAX {
                // A cancel that fails only makes this take longer.
                drop(self.cancel_token().cancel());
            }
        }
    }

    fn leave_copy(&mut self) -> Result<(), Error> {
        if self.is_copying {
            self.is_copying = false;
            client::copy_fail(&mut self.out, "the client gave up").map_err(Error::Limit)?;
            self.sync();
            self.flush()?;
        }
        Ok(())
    }

    /// The error of a statement, after everything up to Ready has been read.
    pub(super) fn failed(&mut self, fields: Box<ErrorFields>) -> Error {
        if self.is_broken.get() {
            return Error::Db(fields);
        }
        match self.skip_to_ready() {
            Ok(()) => Error::Db(fields),
            Err(error) => error,
        }
    }

    /// A message that has no place here.
    pub(super) fn unexpected(&self, opcode: Opcode, during: &'static str) -> Error {
        self.broken(ProtocolError::UnexpectedMessage { opcode, during })
    }

    /// Marks the connection as of no further use, because of what the server sent.
    pub(super) fn broken(&self, error: ProtocolError) -> Error {
        self.is_broken.set(true);
        Error::Protocol(error)
    }

    fn lost(&self, error: io::Error) -> Error {
        self.is_broken.set(true);
        Error::Io(error)
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_broken.get() {
            let closed = io::Error::new(io::ErrorKind::NotConnected, "the connection has ended");
            return Err(Error::Io(closed));
        }
        Ok(())
    }

    /// Whether the connection is of no further use.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.get()
    }

    /// Says goodbye.
    pub(super) fn terminate(&mut self) {
        if !self.is_broken.get() {
            self.out.clear();
            plain(&mut self.out, Opcode::Terminate);
            // The server notices the end of the stream, too.
            drop(self.socket.try_write(&self.out));
            self.is_broken.set(true);
        }
    }

    /// Waits until the server has closed.
    pub(super) fn wait_for_end(&mut self, timeout: Duration) {
        let deadline = Instant::now().checked_add(timeout);
        while let Ok(Some(left)) = remaining(deadline) {
            // What still arrives is answers that nobody wants.
            self.inbox.discard();
            let socket = &self.socket;
            let arrived = socket
                .set_read_timeout(Some(left))
                .and_then(|()| self.inbox.fill(|buffer| socket.read_some(buffer, Duration::ZERO)));
            if !arrived.is_ok_and(|length| length > 0) {
                return;
            }
        }
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        self.read_timeout = timeout;
        self.socket.set_read_timeout(timeout).map_err(Error::Io)
    }
}

/// Tries all addresses of `address`.
fn connect(address: &str, deadline: Option<Instant>) -> Result<(Socket, SocketAddr), Error> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs().map_err(Error::Connect)? {
        match Socket::connect(&address, remaining(deadline)?) {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => failure = error,
        }
    }
    Err(Error::Connect(failure))
}

/// Time left until `deadline`.
fn remaining(deadline: Option<Instant>) -> Result<Option<Duration>, Error> {
    let Some(deadline) = deadline else { return Ok(None) };
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(Some(left)),
        _ => Err(Error::Connect(io::ErrorKind::TimedOut.into())),
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
