//! Servers that break the protocol or vanish: every call ends with an error, and the connection refuses further use.

use std::net::TcpListener;
use std::time::Duration;

use proptest::prelude::*;
use spg_wire::client::{Client, Config, Error};
use spg_wire::message::{CancelKey, server};
use spg_wire::{Opcode, ProtocolError, RowWriter, Severity};

use crate::peer::{Peer, column, serve, serve_all};

const REQUEST: [Opcode; 4] = [Opcode::Parse, Opcode::Bind, Opcode::Execute, Opcode::Sync];

/// What a query ends with if the server answers it with `answer` and closes.
fn end_of_query(answer: impl FnOnce(&mut Peer) + Send + 'static) -> Error {
    let server = serve(|peer| {
        peer.expect_all(&REQUEST);
        answer(peer);
        peer.flush();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let error = client.query("SELECT n FROM t", &[]).unwrap_err();
    server.join();
    assert!(client.is_closed());
    assert_eq!(client.query("SELECT 1", &[]).unwrap_err().code(), "08006");
    error
}

#[track_caller]
fn check_broken(error: &Error, expected: ProtocolError) {
    assert!(matches!(error, Error::Protocol(actual) if *actual == expected), "{error}");
    assert_eq!(error.code(), "08P01");
}

#[test]
fn frames_over_the_limit_are_refused() {
    let error = end_of_query(|peer| peer.send(&[0xff, 0xff, 0xff, 0xff, 0x92]));
    let limit = spg_wire::frame::SERVER_FRAME_LENGTH_MAX;
    check_broken(&error, ProtocolError::FrameTooLong { length: u64::from(u32::MAX), limit });
    check_broken(&end_of_query(|peer| peer.send(&[0; 4])), ProtocolError::FrameEmpty);
}

#[test]
fn messages_out_of_order_are_refused() {
    let unexpected = |opcode| ProtocolError::UnexpectedMessage { opcode, during: "an execution" };
    let error = end_of_query(|peer| peer.row(1));
    check_broken(&error, unexpected(Opcode::DataRow));
    let error = end_of_query(Peer::ready);
    check_broken(&error, unexpected(Opcode::Ready));
    let error = end_of_query(|peer| {
        peer.parsed(0);
        peer.ready();
    });
    check_broken(&error, unexpected(Opcode::Ready));
    let error = end_of_query(|peer| {
        peer.parsed(0);
        peer.row(1);
        server::columns(&mut peer.out, Opcode::RowDescription, [column()].into_iter());
    });
    check_broken(&error, unexpected(Opcode::RowDescription));
    let error = end_of_query(|peer| {
        peer.parsed(0);
        peer.complete("SELECT", Some(0));
        peer.row(1);
    });
    check_broken(&error, unexpected(Opcode::DataRow));
    let error = end_of_query(|peer| server::plain(&mut peer.out, Opcode::CopyEnd));
    check_broken(&error, unexpected(Opcode::CopyEnd));
}

#[test]
fn broken_messages_are_refused() {
    check_broken(
        &end_of_query(|peer| peer.send(&[1, 0, 0, 0, 0xee])),
        ProtocolError::UnknownOpcode(0xee),
    );
    check_broken(
        &end_of_query(|peer| peer.send(&[1, 0, 0, 0, Opcode::Query as u8])),
        ProtocolError::UnknownOpcode(0x10),
    );
    check_broken(
        &end_of_query(|peer| peer.send(&[2, 0, 0, 0, Opcode::ParseComplete as u8, 0])),
        ProtocolError::Truncated,
    );
    let error = end_of_query(|peer| {
        peer.parsed(0);
        let mut row = RowWriter::data_row(&mut peer.out);
        row.push_i32(1);
        row.push_i32(2);
        row.finish().unwrap();
    });
    check_broken(&error, ProtocolError::ColumnCount { expected: 1, actual: 2 });
}

#[test]
fn a_value_that_is_none_of_its_type_is_an_error_of_the_value() {
    let server = serve(|peer| {
        peer.expect_all(&REQUEST);
        peer.parsed(0);
        let mut row = RowWriter::data_row(&mut peer.out);
        row.push_text("three");
        row.finish().unwrap();
        peer.complete("SELECT", Some(1));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let row = client.query_one("SELECT n FROM t", &[]).unwrap();
    assert_eq!(row.try_get::<i32>(0).unwrap_err().code(), "22P03");
    drop(client);
    server.join();
}

#[test]
fn a_connection_that_ends_is_lost() {
    let empty = end_of_query(|_| ());
    let in_a_header = end_of_query(|peer| peer.send(&[9, 0]));
    let in_a_frame = end_of_query(|peer| peer.send(&[9, 0, 0, 0, Opcode::DataRow as u8, 1]));
    let after_rows = end_of_query(|peer| {
        peer.parsed(0);
        peer.row(1);
    });
    for error in [empty, in_a_header, in_a_frame, after_rows] {
        assert!(matches!(error, Error::Io(_)), "{error}");
        assert_eq!(error.code(), "08006");
    }
}

#[test]
fn a_server_that_ends_says_so() {
    let error = end_of_query(|peer| peer.error(Severity::Fatal, "57P01"));
    assert_eq!(error.code(), "57P01");
    let server = serve(|peer| {
        peer.query();
        peer.error(Severity::Fatal, "25P03");
        peer.flush();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.simple_query("SELECT 1").unwrap_err().code(), "25P03");
    assert!(client.is_closed());
    server.join();
}

#[test]
fn a_server_that_is_silent_is_given_up() {
    let server = serve(|peer| {
        peer.expect_all(&REQUEST);
        peer.drain();
    });
    let config = server.config.clone().read_timeout(Some(Duration::from_millis(20)));
    let mut client = Client::connect(config).unwrap();
    assert_eq!(client.query("SELECT 1", &[]).unwrap_err().code(), "08006");
    drop(client);
    server.join();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config::from(silent.local_addr().unwrap());
    let result = Client::connect(config.connect_timeout(Some(Duration::from_millis(20))));
    assert_eq!(result.unwrap_err().code(), "08001");
}

#[test]
fn hellos_that_fail() {
    let refusal = |answer: fn(&mut Peer)| {
        let server = serve_all(move |listener| {
            let mut peer = Peer::accept(listener);
            peer.expect(Opcode::Hello);
            answer(&mut peer);
            peer.flush();
        });
        let error = Client::connect(&server.config).unwrap_err();
        server.join();
        error.code()
    };
    assert_eq!(refusal(|peer| peer.error(Severity::Fatal, "57P03")), "57P03");
    assert_eq!(refusal(|_| ()), "08001");
    assert_eq!(refusal(Peer::ready), "08P01");
    assert_eq!(
        refusal(|peer| {
            let key = CancelKey { session_id: 1, secret: [0; 16] };
            server::hello_ok(&mut peer.out, 0x0200, [0; 16], key, [].into_iter());
        }),
        "08P01"
    );
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(Client::connect(nobody).unwrap_err().code(), "08001");
    assert_eq!(Client::connect("no port").unwrap_err().code(), "08001");
}

#[test]
fn pings_and_cancels_are_checked() {
    let server = serve(|peer| {
        peer.expect(Opcode::Ping);
        server::pong(&mut peer.out, 2);
        peer.flush();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.ping(1).unwrap_err().code(), "08P01");
    assert!(client.is_closed());
    server.join();
    let server = serve_all(|listener| {
        let mut peer = Peer::accept(listener);
        peer.hello();
        let mut cancel = Peer::accept(listener);
        cancel.expect(Opcode::Cancel);
        cancel.ready();
        let mut cancel = Peer::accept(listener);
        cancel.expect(Opcode::Cancel);
        drop(cancel);
        peer.drain();
    });
    let client = Client::connect(&server.config).unwrap();
    let token = client.cancel_token();
    assert_eq!(token.cancel().unwrap_err().code(), "08P01");
    assert_eq!(token.cancel().unwrap_err().code(), "08006");
    drop(client);
    server.join();
}

#[test]
fn an_unasked_ready_does_not_pass_for_the_next_answer() {
    let server = serve(|peer| {
        peer.expect_all(&REQUEST);
        peer.parsed(0);
        peer.complete("SELECT", Some(0));
        peer.ready();
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    client.query("SELECT 1", &[]).unwrap();
    // Whether the second Ready has arrived with the first or not, it is not the answer to this.
    assert_eq!(client.query("SELECT 1", &[]).unwrap_err().code(), "08P01");
    drop(client);
    server.join();
}

/// A whole valid answer to a query, to be broken.
fn valid_answer() -> Vec<u8> {
    let mut out = Vec::new();
    let types = [spg_wire::value::oid::INT4];
    server::parse_complete(&mut out, 0, types.into_iter(), [column()].into_iter());
    for number in 0..5 {
        let mut row = RowWriter::data_row(&mut out);
        row.push_i32(number);
        row.finish().unwrap();
    }
    let notice = crate::peer::fields(Severity::Notice, "00000");
    server::notice_response(&mut out, &notice);
    server::parameter_status(&mut out, "key", "value");
    server::command_complete(&mut out, "SELECT", Some(5), None);
    server::ready(&mut out, spg_wire::TransactionStatus::Idle);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_panics_or_hangs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut answer = valid_answer();
        for (place, byte) in &changes {
            let place = place.index(answer.len());
            answer[place] = *byte;
        }
        answer.truncate(cut.index(answer.len() * 2));
        let server = serve(move |peer| {
            peer.expect_all(&REQUEST);
            peer.send(&answer);
        });
        let mut client = Client::connect(&server.config).unwrap();
        match client.query("SELECT n FROM t", &[]) {
            Ok(rows) => {
                for row in rows {
                    let _value = row.try_get::<i32>(0);
                }
            }
            Err(error) => prop_assert_eq!(error.code().len(), 5),
        }
        drop(client);
        server.join();
    }
}
