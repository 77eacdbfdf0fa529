//! Receipts of commits, and the operator's tasks.

use spg_wire::client::Client;
use spg_wire::message::{ClientMessage, server};
use spg_wire::{AuditHead, Frame, Opcode, Receipt, Severity};

use crate::peer::serve;

const RECEIPT: Receipt =
    Receipt { commit: 7, head: Some(AuditHead { sequence: 9, hash: [0xab; 32] }) };

#[test]
fn the_last_commit_s_receipt_is_kept() {
    let later = Receipt { commit: 8, head: None };
    let server = serve(move |peer| {
        peer.query();
        server::command_complete(&mut peer.out, "INSERT 0", Some(1), Some(&RECEIPT));
        server::command_complete(&mut peer.out, "SELECT", Some(0), None);
        peer.ready();
        peer.expect_all(&[Opcode::Parse, Opcode::Bind, Opcode::Execute, Opcode::Sync]);
        peer.parsed(0);
        server::command_complete(&mut peer.out, "UPDATE", Some(1), Some(&later));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.last_receipt(), None);
    let results = client.simple_query("INSERT INTO t VALUES (1); SELECT 1").unwrap();
    assert_eq!((results[0].receipt, results[1].receipt), (Some(RECEIPT), None));
    assert_eq!(client.last_receipt(), Some(RECEIPT));
    let mut rows = client.query_raw("UPDATE t SET n = 1", &[]).unwrap();
    assert!(rows.next_row().unwrap().is_none());
    assert_eq!(rows.receipt(), Some(later));
    drop(rows);
    assert_eq!(client.last_receipt(), Some(later));
    drop(client);
    server.join();
}

#[test]
fn a_task_has_one_answer() {
    let server = serve(|peer| {
        let payload = peer.expect(Opcode::Admin);
        let frame = Frame { opcode: Opcode::Admin as u8, payload: &payload };
        let ClientMessage::Admin { verb: "audit-verify", options } =
            ClientMessage::decode(frame).unwrap()
        else {
            panic!()
        };
        assert_eq!(options.iter().collect::<Vec<_>>(), [("expect_head", "00")]);
        let column = [crate::peer::column()];
        server::columns(&mut peer.out, Opcode::RowDescription, column.into_iter());
        peer.row(5);
        peer.complete("SELECT", Some(1));
        peer.ready();
        peer.expect(Opcode::Admin);
        peer.error(Severity::Error, "42883");
        peer.ready();
        peer.expect(Opcode::Ping);
        server::pong(&mut peer.out, 1);
        peer.flush();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let answer = client.administer("audit-verify", &[("expect_head", "00")]).unwrap();
    assert_eq!((answer.tag.as_str(), answer.rows[0].get::<i32>("n")), ("SELECT 1", 5));
    assert_eq!(client.administer("no-such-verb", &[]).unwrap_err().code(), "42883");
    client.ping(1).unwrap();
    drop(client);
    server.join();
}
