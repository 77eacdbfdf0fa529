//! Copies in and out.

use spg_wire::client::{Client, CopySource, Error};
use spg_wire::encode::CopyWriter;
use spg_wire::frame::SERVER_FRAME_LENGTH_MAX;
use spg_wire::message::{ClientMessage, TransactionStatus, server};
use spg_wire::value::{ColumnRef, oid};
use spg_wire::{Frame, Opcode, Severity};

use crate::peer::{Peer, column, serve};

fn columns() -> [ColumnRef<'static>; 2] {
    [
        ColumnRef { name: "id", type_oid: oid::INT8, type_modifier: -1 },
        ColumnRef { name: "name", type_oid: oid::TEXT, type_modifier: -1 },
    ]
}

fn begin(peer: &mut Peer) {
    peer.expect(Opcode::CopyIn);
    server::columns(&mut peer.out, Opcode::CopyInReady, columns().into_iter());
    peer.flush();
}

/// The ids and the sizes of the frames of a copy, up to its end.
fn receive(peer: &mut Peer) -> (Vec<i64>, Vec<usize>, Opcode) {
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let (opcode, payload) = peer.frame().unwrap();
        let frame = Frame { opcode: opcode as u8, payload: &payload };
        let ClientMessage::CopyData(rows) = ClientMessage::decode(frame).unwrap() else {
            return (ids, sizes, opcode);
        };
        sizes.push(payload.len());
        for row in rows {
            let values: Vec<_> = row.iter().collect();
            let id = values[0].unwrap().try_into().unwrap();
            ids.push(i64::from_le_bytes(id));
            assert_eq!(values.len(), 2);
        }
    }
}

#[test]
fn rows_arrive_in_frames_of_many() {
    let server = serve(|peer| {
        begin(peer);
        let (ids, sizes, end) = receive(peer);
        assert_eq!(end, Opcode::CopyDone);
        peer.expect(Opcode::Sync);
        assert!(ids.iter().copied().eq(0..10_000));
        assert!(sizes.len() > 3 && sizes.iter().all(|size| *size < 70_000), "{sizes:?}");
        peer.complete("COPY", Some(10_000));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut copy = client.copy_in("t", &["id", "name"]).unwrap();
    assert_eq!(copy.columns()[1].name, "name");
    for id in 0..10_000_i32 {
        // An i32 widens to the column's BIGINT.
        copy.write_row(&[&id, &"somebody's name"]).unwrap();
    }
    assert_eq!(copy.finish().unwrap(), 10_000);
    drop(client);
    server.join();
}

#[test]
fn rows_that_do_not_fit_are_refused_and_leave_nothing() {
    let server = serve(|peer| {
        begin(peer);
        let (ids, _, end) = receive(peer);
        assert_eq!((ids, end), (vec![1], Opcode::CopyDone));
        peer.expect(Opcode::Sync);
        peer.complete("COPY", Some(1));
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut copy = client.copy_in("t", &[]).unwrap();
    assert!(matches!(copy.write_row(&[&1_i64, &2_i64]), Err(Error::Conversion(_))));
    assert!(matches!(copy.write_row(&[&"x", &"x"]), Err(Error::Conversion(_))));
    assert!(matches!(copy.write_row(&[&1_i64]), Err(Error::Usage(_))));
    copy.write_row(&[&1_i64, &None::<&str>]).unwrap();
    assert_eq!(copy.finish().unwrap(), 1);
    drop(client);
    server.join();
}

#[test]
fn a_copy_that_is_dropped_or_aborted_loads_nothing() {
    let server = serve(|peer| {
        for _ in 0..2 {
            begin(peer);
            let (_, _, end) = receive(peer);
            assert_eq!(end, Opcode::CopyFail);
            peer.expect(Opcode::Sync);
            peer.error(Severity::Error, "57014");
            peer.ready();
        }
        peer.expect(Opcode::Ping);
        server::pong(&mut peer.out, 1);
        peer.flush();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut copy = client.copy_in("t", &[]).unwrap();
    copy.write_row(&[&1_i64, &"a"]).unwrap();
    drop(copy);
    client.copy_in("t", &[]).unwrap().abort("changed my mind").unwrap();
    client.ping(1).unwrap();
    drop(client);
    server.join();
}

#[test]
fn an_error_ends_a_copy_before_all_rows_are_sent() {
    let server = serve(|peer| {
        // In answer to CopyIn, and in the middle.
        peer.expect(Opcode::CopyIn);
        peer.error(Severity::Error, "42P01");
        peer.flush();
        peer.expect(Opcode::Sync);
        peer.ready();
        begin(peer);
        peer.expect(Opcode::CopyData);
        peer.error(Severity::Error, "23502");
        peer.flush();
        let (_, _, end) = receive(peer);
        assert_eq!(end, Opcode::Sync);
        peer.ready_with(TransactionStatus::Failed);
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    assert_eq!(client.copy_in("x", &[]).unwrap_err().code(), "42P01");
    let mut copy = client.copy_in("t", &[]).unwrap();
    let error = loop {
        if let Err(error) = copy.write_row(&[&1_i64, &"a"]) {
            break error;
        }
    };
    assert_eq!(error.code(), "23502");
    drop(copy);
    assert_eq!(client.transaction_status(), TransactionStatus::Failed);
    drop(client);
    server.join();
}

#[test]
fn rows_come_out_in_bulk() {
    let server = serve(|peer| {
        for _ in 0..2 {
            peer.expect_all(&[Opcode::CopyOut, Opcode::Sync]);
            server::columns(&mut peer.out, Opcode::CopyOutReady, [column()].into_iter());
            for frame in 0..3 {
                let mut copy = CopyWriter::begin(&mut peer.out, Opcode::CopyRows);
                for number in 0..frame * 2 {
                    let mut row = copy.row();
                    row.push_i32(frame * 10 + number);
                    row.finish().unwrap();
                    copy.row_done();
                }
                copy.finish_within(SERVER_FRAME_LENGTH_MAX).unwrap();
            }
            server::plain(&mut peer.out, Opcode::CopyEnd);
            peer.complete("COPY", Some(6));
            peer.ready();
        }
        peer.expect_all(&[Opcode::CopyOut, Opcode::Sync]);
        peer.error(Severity::Error, "42P01");
        peer.ready();
        peer.drain();
    });
    let mut client = Client::connect(&server.config).unwrap();
    let copy = client.copy_out(CopySource::Table("t")).unwrap();
    assert_eq!(copy.columns()[0].name, "n");
    let numbers: Vec<i32> = copy.map(|row| row.unwrap().get(0)).collect();
    assert_eq!(numbers, [10, 11, 20, 21, 22, 23]);
    let mut copy = client.copy_out(CopySource::Query("SELECT n FROM t")).unwrap();
    let row = copy.next_row().unwrap().unwrap();
    assert_eq!(row.try_get::<i32>("n").unwrap(), 10);
    drop(copy);
    assert_eq!(client.copy_out(CopySource::Table("x")).unwrap_err().code(), "42P01");
    drop(client);
    server.join();
}
