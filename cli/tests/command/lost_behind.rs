//! Connections that end right behind an answer, as those of a server that is stopped do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use spg_wire::message::{CancelKey, server};
use spg_wire::value::oid;
use spg_wire::{
    ColumnRef, ErrorFields, FrameBuffer, Opcode, PROTOCOL_VERSION, RowWriter, Severity, SqlState,
    TransactionStatus,
};

use crate::support::{Run, spg};

/// A server for one connection: it answers the first Query with `answer`, and then is no more.
fn serve(answer: Vec<u8>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut frames = FrameBuffer::new(1 << 20);
        expect(Opcode::Hello, &mut socket, &mut frames);
        let mut welcome = Vec::new();
        let key = CancelKey { session_id: 1, secret: [0; 16] };
        server::hello_ok(&mut welcome, PROTOCOL_VERSION, [0; 16], key, [].into_iter());
        server::ready(&mut welcome, TransactionStatus::Idle);
        socket.write_all(&welcome).unwrap();
        expect(Opcode::Query, &mut socket, &mut frames);
        socket.write_all(&answer).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        // Closing a socket with unread bytes would take back what was sent.
        socket.read_to_end(&mut Vec::new()).ok();
    });
    (address, serving)
}

fn expect(opcode: Opcode, socket: &mut TcpStream, frames: &mut FrameBuffer) {
    loop {
        if let Some(frame) = frames.next_frame().unwrap() {
            assert_eq!(frame.opcode, opcode as u8);
            return;
        }
        let mut bytes = [0; 4_096];
        let length = socket.read(&mut bytes).unwrap();
        assert_ne!(length, 0, "the client still speaks");
        frames.push(&bytes[..length]);
    }
}

/// What a server sends: one row, then as much as `until` says.
fn answer(until: &[Opcode]) -> Vec<u8> {
    let mut out = Vec::new();
    let column = ColumnRef { name: "one", type_oid: oid::INT4, type_modifier: -1 };
    server::columns(&mut out, Opcode::RowDescription, [column].into_iter());
    let mut row = RowWriter::data_row(&mut out);
    row.push_i32(1);
    row.finish().unwrap();
    for opcode in until {
        match opcode {
            Opcode::CommandComplete => server::command_complete(&mut out, "SELECT", Some(1), None),
            Opcode::Ready => server::ready(&mut out, TransactionStatus::Idle),
            Opcode::ErrorResponse => {
                let state = SqlState::from_code("57P01");
                let fields = ErrorFields::new(Severity::Fatal, state, "the server is going down");
                server::error_response(&mut out, &fields);
            }
            other => unreachable!("{other:?} is no part of these answers"),
        }
    }
    out
}

fn run(until: &[Opcode], arguments: &[&str]) -> Run {
    let (address, serving) = serve(answer(until));
    let run = spg(&[&["--addr", &address], arguments].concat());
    serving.join().unwrap();
    run
}

/// How one statement ended, and what the connection said behind it.
fn codes(run: &Run) -> Vec<String> {
    let answers: Vec<serde_json::Value> = serde_json::from_str(&run.out).expect(&run.out);
    let code = |answer: &serde_json::Value| match &answer["error"] {
        serde_json::Value::Null => answer["tag"].clone(),
        error => error["sqlstate"].clone(),
    };
    answers.iter().map(|answer| code(answer).as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_answer_stands_whatever_ends_the_connection_behind_it() {
    use Opcode::{CommandComplete, ErrorResponse, Ready};
    let cases: [(&[Opcode], &str, &[&str]); 6] = [
        (&[CommandComplete, ErrorResponse], "SELECT 1", &["SELECT 1", "57P01"]),
        (&[CommandComplete, ErrorResponse], "SELECT 1; SELECT 2", &["SELECT 1", "57P01"]),
        (&[CommandComplete], "SELECT 1", &["SELECT 1", "08006"]),
        (&[CommandComplete, Ready, ErrorResponse], "SELECT 1; SELECT 2", &["SELECT 1", "57P01"]),
        // Without its end an answer may not be whole.
        (&[ErrorResponse], "SELECT 1", &["57P01"]),
        (&[], "SELECT 1", &["08006"]),
    ];
    for (until, text, expected) in cases {
        let run = run(until, &["query", text, "--format", "json"]);
        assert_eq!(run.status, 3, "{until:?}: {run:?}");
        assert_eq!(codes(&run), expected, "{until:?}: {run:?}");
    }
}

#[test]
fn a_table_stands_before_the_end_of_the_connection() {
    let until = [Opcode::CommandComplete, Opcode::ErrorResponse];
    let run = run(&until, &["query", "SELECT 1 AS one"]);
    assert_eq!(run.out, " one \n-----\n   1\n(1 row)\n\n");
    assert_eq!((run.status, run.err.as_str()), (3, "FATAL:  57P01: the server is going down\n"));
}

#[test]
fn an_export_is_whole_before_the_end_of_the_connection() {
    let until = [Opcode::CommandComplete, Opcode::ErrorResponse];
    let run = run(&until, &["export", "t"]);
    assert_eq!((run.status, run.out.as_str()), (3, "one\n1\n"), "{run:?}");
    assert_eq!(run.err, "FATAL:  57P01: the server is going down\n");
}
