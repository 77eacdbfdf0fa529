//! Queries, prepared statements, scripts, pipelines.

use std::ops::ControlFlow;

use spg_wire::client::{Client, Config, Error, ScriptEvent};
use spg_wire::message::{ClientMessage, TransactionStatus, server};
use spg_wire::value::{ValueRef, oid};
use spg_wire::{Frame, Opcode, Severity};

use crate::peer::{Peer, column, serve, serve_all};

const ONE_SHOT: [Opcode; 4] = [Opcode::Parse, Opcode::Bind, Opcode::Execute, Opcode::Sync];
const PREPARED: [Opcode; 3] = [Opcode::Bind, Opcode::Execute, Opcode::Sync];

#[test]
fn the_hello_carries_names_and_settings() {
    let server = serve_all(|listener| {
        let mut peer = Peer::accept(listener);
        let payload = peer.expect(Opcode::Hello);
        let frame = Frame { opcode: Opcode::Hello as u8, payload: &payload };
        let ClientMessage::Hello { version: 0x0101, options } =
            ClientMessage::decode(frame).unwrap()
        else {
            panic!()
        };
        let expected = [
            ("user", "ada"),
            ("application_name", "tests"),
            ("session", "kept"),
            ("lock_timeout", "5s"),
        ];
        assert_eq!(options.iter().collect::<Vec<_>>(), expected);
        let parameters = [("server_version", "9.9")].into_iter();
        server::hello_ok(&mut peer.out, 0x0105, [3; 16], crate::peer::KEY, parameters);
        server::parameter_status(&mut peer.out, "session_resumed", "on");
        peer.ready_with(TransactionStatus::Block);
        peer.expect(Opcode::Terminate);
    });
    let config = Config { address: server.config.address.clone(), ..Config::new("") };
    let config = config.user("ada").application_name("tests").session("kept");
    let client = Client::connect(config.option("lock_timeout", "5s")).unwrap();
    assert_eq!(client.parameter("server_version"), Some("9.9"));
    assert_eq!(client.parameter("session_resumed"), Some("on"));
    assert_eq!(client.database_uuid(), [3; 16]);
    assert_eq!(client.transaction_status(), TransactionStatus::Block);
    client.close();
    server.join();
}

#[test]
fn a_text_is_run_in_one_round_trip() {
    let server = serve(|peer| {
        let parse = peer.expect(Opcode::Parse);
        assert!(parse.ends_with(b"SELECT $1::int\0\0"));
        let bind = peer.expect(Opcode::Bind);
        let frame = Frame { opcode: Opcode::Bind as u8, payload: &bind };
        let ClientMessage::Bind { parameters, .. } = ClientMessage::decode(frame).unwrap() else {
            panic!()
        };
        let values: Vec<_> = parameters.iter().map(|p| p.value().unwrap()).collect();
        assert_eq!(values, [ValueRef::Int4(5), ValueRef::Text("x"), ValueRef::Null]);
        peer.expect_all(&[Opcode::Execute, Opcode::Sync]);
        peer.parsed(0);
        peer.row(5);
        peer.complete("SELECT", Some(1));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let row = client.query_one("SELECT $1::int", &[&5_i32, &"x", &None::<f64>]).unwrap();
    assert_eq!(row.get::<i32>("n"), 5);
    drop(client);
    server.join();
}

#[test]
fn the_number_of_rows_is_checked() {
    let server = serve(|peer| {
        for count in [0, 2, 0, 1] {
            peer.expect_all(&ONE_SHOT);
            peer.parsed(0);
            for number in 0..count {
                peer.row(number);
            }
            peer.complete("SELECT", Some(0));
            peer.ready();
        }
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.query_one("SELECT 1", &[]).unwrap_err().code(), "P0002");
    assert_eq!(client.query_opt("SELECT 1", &[]).unwrap_err().code(), "P0003");
    assert!(client.query_opt("SELECT 1", &[]).unwrap().is_none());
    assert!(client.query_opt("SELECT 1", &[]).unwrap().is_some());
    drop(client);
    server.join();
}

#[test]
fn statements_are_prepared_once_and_forgotten_when_dropped() {
    let server = serve(|peer| {
        peer.expect_all(&[Opcode::Parse, Opcode::Sync]);
        peer.parsed(1);
        peer.ready();
        for number in 0..3 {
            peer.expect_all(&PREPARED);
            peer.row(number);
            peer.complete("SELECT", Some(1));
            peer.ready();
        }
        assert_eq!(peer.expect(Opcode::Close), 1_u32.to_le_bytes());
        peer.expect_all(&ONE_SHOT);
        server::plain(&mut peer.out, Opcode::CloseComplete);
        peer.parsed(0);
        peer.complete("UPDATE", Some(7));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let statement = client.prepare("SELECT n FROM t WHERE id = $1").unwrap();
    assert_eq!(statement.parameter_types(), [oid::INT4]);
    assert_eq!(statement.columns()[0].name, "n");
    for number in 0..3 {
        let rows = client.query(&statement, &[&number]).unwrap();
        assert_eq!(rows[0].get::<i32>(0), number);
    }
    drop(statement);
    assert_eq!(client.execute("UPDATE t SET n = 1", &[]).unwrap(), 7);
    drop(client);
    server.join();
}

#[test]
fn a_statement_of_another_connection_is_refused() {
    let server = serve_all(|listener| {
        let mut first = Peer::accept(listener);
        first.hello();
        first.expect_all(&[Opcode::Parse, Opcode::Sync]);
        first.parsed(1);
        first.ready();
        let mut second = Peer::accept(listener);
        second.hello();
        second.drain();
    });
    let mut first = Client::connect(&server.config).unwrap();
    let statement = first.prepare("SELECT 1").unwrap();
    let mut second = Client::connect(&server.config).unwrap();
    assert!(matches!(second.query(&statement, &[]), Err(Error::Usage(_))));
    let mut pipeline = second.pipeline();
    assert!(matches!(pipeline.execute(&statement, &[]), Err(Error::Usage(_))));
    drop(pipeline);
    drop(second);
    server.join();
}

#[test]
fn an_error_leaves_the_connection_usable() {
    let server = serve(|peer| {
        // In Parse, in Bind and among the rows.
        peer.expect_all(&ONE_SHOT);
        peer.error(Severity::Error, "42601");
        peer.ready();
        peer.expect_all(&ONE_SHOT);
        peer.parsed(0);
        peer.error(Severity::Error, "22P02");
        peer.ready();
        peer.expect_all(&ONE_SHOT);
        peer.parsed(0);
        peer.row(1);
        peer.error(Severity::Error, "22012");
        peer.ready_with(TransactionStatus::Failed);
        peer.expect_all(&[Opcode::Parse, Opcode::Sync]);
        peer.error(Severity::Error, "42P01");
        peer.ready();
        peer.expect(Opcode::Ping);
        server::pong(&mut peer.out, 5);
        peer.flush();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    for sqlstate in ["42601", "22P02", "22012"] {
        let error = client.query("SELECT 1/0", &[]).unwrap_err();
        assert_eq!((error.code().as_str(), error.as_db().is_some()), (sqlstate, true));
    }
    assert_eq!(client.transaction_status(), TransactionStatus::Failed);
    assert_eq!(client.prepare("SELECT * FROM x").unwrap_err().code(), "42P01");
    client.ping(5).unwrap();
    drop(client);
    server.join();
}

#[test]
fn columns_known_at_run_time_only_are_described_before_the_rows() {
    let server = serve(|peer| {
        peer.expect_all(&ONE_SHOT);
        server::parse_complete(&mut peer.out, 0, [].into_iter(), [].into_iter());
        server::columns(&mut peer.out, Opcode::RowDescription, [column()].into_iter());
        peer.row(8);
        peer.complete("SHOW", None);
        peer.ready();
        peer.expect_all(&ONE_SHOT);
        server::parse_complete(&mut peer.out, 0, [].into_iter(), [].into_iter());
        server::plain(&mut peer.out, Opcode::EmptyQuery);
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.query_one("SHOW n", &[]).unwrap().get::<i32>("n"), 8);
    assert!(client.query(" -- nothing", &[]).unwrap().is_empty());
    drop(client);
    server.join();
}

#[test]
fn rows_stream_and_what_nobody_reads_is_read_for_them() {
    let server = serve(|peer| {
        for _ in 0..2 {
            peer.expect_all(&ONE_SHOT);
            peer.parsed(0);
            for number in 0..1_000 {
                peer.row(number);
            }
            peer.complete("SELECT", Some(1_000));
            peer.ready();
        }
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut rows = client.query_raw("SELECT n FROM t", &[]).unwrap();
    assert_eq!(rows.columns()[0].name, "n");
    assert_eq!(rows.next_row().unwrap().unwrap().try_get::<i32>(0).unwrap(), 0);
    drop(rows);
    let mut rows = client.query_raw("SELECT n FROM t", &[]).unwrap();
    let sum: i64 = rows.by_ref().map(|row| row.unwrap().get::<i64>(0)).sum();
    assert_eq!((sum, rows.rows_affected(), rows.tag()), (499_500, 1_000, "SELECT 1000"));
    drop(rows);
    drop(client);
    server.join();
}

#[test]
fn a_long_answer_that_nobody_reads_is_cancelled() {
    let server = serve_all(|listener| {
        let mut peer = Peer::accept(listener);
        peer.hello();
        peer.expect_all(&ONE_SHOT);
        peer.parsed(0);
        for number in 0..200_000 {
            peer.row(number);
        }
        peer.flush();
        let mut cancel = Peer::accept(listener);
        let payload = cancel.expect(Opcode::Cancel);
        assert_eq!(payload, [&11_u64.to_le_bytes()[..], &[0xcd; 16]].concat());
        server::plain(&mut cancel.out, Opcode::CancelDone);
        cancel.flush();
        peer.error(Severity::Error, "57014");
        peer.ready();
        peer.expect_all(&ONE_SHOT);
        peer.parsed(0);
        peer.complete("SELECT", Some(0));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    drop(client.query_raw("SELECT n FROM t", &[]).unwrap());
    assert!(client.query("SELECT 1", &[]).unwrap().is_empty());
    drop(client);
    server.join();
}

#[test]
fn scripts_go_on_after_errors() {
    let server = serve(|peer| {
        for _ in 0..2 {
            assert_eq!(peer.query(), "SELECT 1; SELEC; DROP TABLE t");
            server::columns(&mut peer.out, Opcode::RowDescription, [column()].into_iter());
            peer.row(1);
            peer.complete("SELECT", Some(1));
            peer.error(Severity::Error, "42601");
            let notice = crate::peer::fields(Severity::Notice, "00000");
            server::notice_response(&mut peer.out, &notice);
            peer.complete("DROP TABLE", None);
            peer.ready();
        }
        assert_eq!(peer.query(), "");
        server::plain(&mut peer.out, Opcode::EmptyQuery);
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let script = "SELECT 1; SELEC; DROP TABLE t";
    let results = client.simple_query(script).unwrap();
    let tags: Vec<&str> = results.iter().map(|result| result.tag.as_str()).collect();
    assert_eq!(tags, ["SELECT 1", "", "DROP TABLE"]);
    assert_eq!(results[0].rows[0].get::<i32>("n"), 1);
    assert_eq!(results[1].error.as_ref().unwrap().code(), "42601");
    assert_eq!(results[2].notices.len(), 1);
    assert_eq!(client.batch_execute(script).unwrap_err().code(), "42601");
    assert_eq!(client.simple_query("").unwrap().len(), 1);
    drop(client);
    server.join();
}

#[test]
fn a_visitor_that_breaks_cancels_the_rest() {
    let server = serve_all(|listener| {
        let mut peer = Peer::accept(listener);
        peer.hello();
        peer.query();
        server::columns(&mut peer.out, Opcode::RowDescription, [column()].into_iter());
        peer.row(1);
        peer.row(2);
        peer.flush();
        let mut cancel = Peer::accept(listener);
        cancel.expect(Opcode::Cancel);
        server::plain(&mut cancel.out, Opcode::CancelDone);
        cancel.flush();
        peer.error(Severity::Error, "57014");
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut rows = 0;
    client
        .simple_query_with("SELECT n FROM t", |event| match event {
            ScriptEvent::Row(_) => {
                rows += 1;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert_eq!(rows, 1);
    assert!(!client.is_closed());
    drop(client);
    server.join();
}

#[test]
fn a_pipeline_answers_in_order_and_each_fails_by_itself() {
    let server = serve(|peer| {
        peer.expect_all(&[Opcode::Parse, Opcode::Sync]);
        peer.parsed(1);
        peer.ready();
        for number in 0..16 {
            peer.expect_all(&PREPARED);
            if number == 5 {
                peer.error(Severity::Error, "22003");
            } else {
                peer.row(number);
                peer.complete("SELECT", Some(1));
            }
            server::ready(&mut peer.out, TransactionStatus::Idle);
        }
        peer.flush();
        for number in 0..2 {
            peer.expect_all(&PREPARED);
            peer.row(number);
            peer.complete("SELECT", Some(1));
            peer.ready();
        }
        peer.expect(Opcode::Ping);
        server::pong(&mut peer.out, 1);
        peer.flush();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let statement = client.prepare("SELECT n FROM t WHERE id = $1").unwrap();
    let mut pipeline = client.pipeline();
    for number in 0..16 {
        pipeline.execute(&statement, &[&number]).unwrap();
    }
    assert_eq!(pipeline.len(), 16);
    for number in 0..16 {
        match pipeline.next_rows().unwrap() {
            Ok(rows) => assert_eq!(rows[0].get::<i32>(0), number),
            Err(error) => assert_eq!((number, error.code().as_str()), (5, "22003")),
        }
    }
    assert!(pipeline.next_rows().is_none() && pipeline.is_empty());
    // Dropped with answers due: they are read.
    pipeline.execute(&statement, &[&1]).unwrap();
    pipeline.flush().unwrap();
    pipeline.execute(&statement, &[&2]).unwrap();
    drop(pipeline);
    client.ping(1).unwrap();
    drop(client);
    server.join();
}

#[test]
fn two_peers_that_both_write_do_not_wait_for_each_other() {
    const COUNT: i32 = 2_000;
    let server = serve(|peer| {
        peer.expect_all(&[Opcode::Parse, Opcode::Sync]);
        peer.parsed(1);
        peer.ready();
        // Far more than the sockets' buffers hold, before anything is read.
        let text = "x".repeat(8_192);
        for _ in 0..COUNT {
            let mut row = spg_wire::RowWriter::data_row(&mut peer.out);
            row.push_text(&text);
            row.finish().unwrap();
            peer.complete("SELECT", Some(1));
            peer.ready();
        }
        for _ in 0..COUNT {
            peer.expect_all(&PREPARED);
        }
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let statement = client.prepare("SELECT n").unwrap();
    let text = "y".repeat(8_192);
    let mut pipeline = client.pipeline();
    for _ in 0..COUNT {
        pipeline.execute(&statement, &[&text]).unwrap();
    }
    let mut bytes = 0;
    while let Some(result) = pipeline.next_with(|row| {
        bytes += row.columns().len();
        Ok(())
    }) {
        assert_eq!(result.unwrap(), 1);
    }
    assert_eq!(bytes, usize::try_from(COUNT).unwrap());
    drop(pipeline);
    drop(client);
    server.join();
}

#[test]
fn stats_and_notices() {
    let server = serve(|peer| {
        peer.expect(Opcode::Stats);
        let notice = crate::peer::fields(Severity::Warning, "01000");
        server::notice_response(&mut peer.out, &notice);
        server::stats_reply(&mut peer.out, [("sessions", "3")].into_iter());
        peer.flush();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.stats().unwrap(), [("sessions".to_owned(), "3".to_owned())]);
    assert_eq!(client.take_notices()[0].code(), "01000");
    assert!(client.take_notices().is_empty());
    drop(client);
    server.join();
}
