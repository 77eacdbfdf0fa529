//! A server that does what a test tells it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use spg_wire::client::Config;
use spg_wire::encode::RowWriter;
use spg_wire::frame::CLIENT_FRAME_LENGTH_MAX;
use spg_wire::message::{CancelKey, PROTOCOL_VERSION, TransactionStatus, server};
use spg_wire::value::oid;
use spg_wire::{ColumnRef, ErrorFields, FrameBuffer, Opcode, Severity, SqlState};

pub(crate) const KEY: CancelKey = CancelKey { session_id: 11, secret: [0xcd; 16] };

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: TcpStream,
    inbox: FrameBuffer,
    pub(crate) out: Vec<u8>,
}

/// A server in a thread; `join` shows its panics.
pub(crate) struct Server {
    pub(crate) config: Config,
    thread: JoinHandle<()>,
}

impl Server {
    pub(crate) fn join(self) {
        self.thread.join().unwrap();
    }
}

/// Serves one connection by `script`, after the hello.
pub(crate) fn serve(script: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    serve_all(move |listener| {
        let mut peer = Peer::accept(listener);
        peer.hello();
        script(&mut peer);
    })
}

/// Serves by `script` from the listener on.
pub(crate) fn serve_all(script: impl FnOnce(&TcpListener) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config::from(listener.local_addr().unwrap());
    let thread = thread::spawn(move || script(&listener));
    Server { config, thread }
}

impl Peer {
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        Self { stream, inbox: FrameBuffer::new(CLIENT_FRAME_LENGTH_MAX), out: Vec::new() }
    }

    /// Answers the hello.
    pub(crate) fn hello(&mut self) {
        self.expect(Opcode::Hello);
        let parameters = [("server_version", "0.0-test")];
        server::hello_ok(&mut self.out, PROTOCOL_VERSION, [3; 16], KEY, parameters.into_iter());
        self.ready();
    }

    /// The next frame; none at the end of the stream.
    pub(crate) fn frame(&mut self) -> Option<(Opcode, Vec<u8>)> {
        loop {
            if let Some(frame) = self.inbox.next_frame().unwrap() {
                let opcode = Opcode::from_byte(frame.opcode).unwrap();
                return Some((opcode, frame.payload.to_vec()));
            }
            let mut bytes = [0; 16_384];
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.inbox.push(&bytes[..length]),
            }
        }
    }

    /// The payload of the next frame, which must have this opcode.
    #[track_caller]
    pub(crate) fn expect(&mut self, opcode: Opcode) -> Vec<u8> {
        let (actual, payload) = self.frame().expect("the client still speaks");
        assert_eq!(actual, opcode);
        payload
    }

    /// These frames come next.
    #[track_caller]
    pub(crate) fn expect_all(&mut self, opcodes: &[Opcode]) {
        for opcode in opcodes {
            self.expect(*opcode);
        }
    }

    /// The text of the next frame, which must be a Query.
    #[track_caller]
    pub(crate) fn query(&mut self) -> String {
        let payload = self.expect(Opcode::Query);
        String::from_utf8(payload[4..].to_vec()).unwrap()
    }

    /// Sends what was written to `out`.
    pub(crate) fn flush(&mut self) {
        // A client that has closed is the test's business, not the server's.
        let _closed = self.stream.write_all(&self.out);
        self.out.clear();
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.flush();
    }

    pub(crate) fn ready(&mut self) {
        self.ready_with(TransactionStatus::Idle);
    }

    pub(crate) fn ready_with(&mut self, status: TransactionStatus) {
        server::ready(&mut self.out, status);
        self.flush();
    }

    pub(crate) fn complete(&mut self, verb: &str, rows: Option<u64>) {
        server::command_complete(&mut self.out, verb, rows, None);
    }

    pub(crate) fn error(&mut self, severity: Severity, sqlstate: &str) {
        server::error_response(&mut self.out, &fields(severity, sqlstate));
    }

    /// `ParseComplete` of a statement with one column `n` INT.
    pub(crate) fn parsed(&mut self, statement_id: u32) {
        let types = [oid::INT4];
        server::parse_complete(
            &mut self.out,
            statement_id,
            types.into_iter(),
            [column()].into_iter(),
        );
    }

    /// A row of one INT.
    pub(crate) fn row(&mut self, number: i32) {
        let mut row = RowWriter::data_row(&mut self.out);
        row.push_i32(number);
        row.finish().unwrap();
    }

    /// Reads until the client closes.
    pub(crate) fn drain(&mut self) {
        while self.frame().is_some() {}
    }
}

pub(crate) fn column() -> ColumnRef<'static> {
    ColumnRef { name: "n", type_oid: oid::INT4, type_modifier: -1 }
}

pub(crate) fn fields(severity: Severity, sqlstate: &str) -> ErrorFields {
    ErrorFields::new(severity, SqlState::from_code(sqlstate), "as the script says")
}
