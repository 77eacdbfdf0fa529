//! Every message survives the wire, and no frame that was cut or changed is taken for another without a check.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use spg_wire::decode::{Item, List, Reader};
use spg_wire::encode::{CopyWriter, RowWriter};
use spg_wire::frame::{CLIENT_FRAME_LENGTH_MAX, SERVER_FRAME_LENGTH_MAX};
use spg_wire::message::client::{self, CopySource};
use spg_wire::message::server::{self, HelloOk};
use spg_wire::message::{AuditHead, CancelKey, Receipt, TransactionStatus};
use spg_wire::value::{Floats, oid};
use spg_wire::{
    ClientMessage, ColumnRef, ErrorFields, FrameBuffer, Opcode, ProtocolError, ServerMessage,
    Severity, SqlState, ValueRef,
};

const RECEIPT: Receipt =
    Receipt { commit: 12, head: Some(AuditHead { sequence: 34, hash: [0x3c; 32] }) };

const KEY: CancelKey = CancelKey { session_id: 0x0102_0304_0506_0708, secret: [9; 16] };

/// All messages of a client, one of each at least.
fn client_frames() -> Vec<u8> {
    let mut out = Vec::new();
    client::hello(&mut out, 0x0100, &[("user", "ada"), ("lock_timeout", "5s")]).unwrap();
    client::cancel(&mut out, KEY);
    client::ping(&mut out, 77);
    client::query(&mut out, "SELECT 'ż'; SELECT 2").unwrap();
    client::parse(&mut out, 3, "SELECT $1", &[oid::INT4, oid::INFER]).unwrap();
    client::bind(&mut out, 3, parameters().into_iter()).unwrap();
    client::close(&mut out, 3);
    client::admin(&mut out, "audit-verify", &[("expect_head", "00")]).unwrap();
    client::copy_in(&mut out, "t", &["a", "b"]).unwrap();
    client::copy_out(&mut out, CopySource::Table("t")).unwrap();
    client::copy_out(&mut out, CopySource::Query("SELECT 1")).unwrap();
    client::copy_fail(&mut out, "changed my mind").unwrap();
    copy_rows(&mut out, Opcode::CopyData, CLIENT_FRAME_LENGTH_MAX);
    client::cancel_session(&mut out, "nightly").unwrap();
    for opcode in
        [Opcode::Execute, Opcode::Sync, Opcode::Stats, Opcode::CopyDone, Opcode::Terminate]
    {
        client::plain(&mut out, opcode);
    }
    out
}

/// All messages of a server, one of each at least.
fn server_frames() -> Vec<u8> {
    let mut out = Vec::new();
    let pairs = [("server_version", "0.1.0"), ("empty", "")];
    server::hello_ok(&mut out, 0x0100, [7; 16], KEY, pairs.into_iter());
    server::parameter_status(&mut out, "lock_timeout", "5s");
    server::stats_reply(&mut out, pairs.into_iter());
    server::pong(&mut out, 77);
    server::parse_complete(&mut out, 3, [oid::INT4].into_iter(), columns().into_iter());
    server::columns(&mut out, Opcode::RowDescription, columns().into_iter());
    let mut row = RowWriter::data_row(&mut out);
    for value in parameters() {
        row.push(value);
    }
    row.finish().unwrap();
    server::command_complete(&mut out, "SELECT", Some(1), None);
    server::command_complete(&mut out, "BEGIN", None, None);
    server::error_response(&mut out, &all_fields());
    server::notice_response(
        &mut out,
        &ErrorFields::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, "there you go"),
    );
    for status in [TransactionStatus::Idle, TransactionStatus::Block, TransactionStatus::Failed] {
        server::ready(&mut out, status);
    }
    server::columns(&mut out, Opcode::CopyInReady, columns().into_iter());
    server::columns(&mut out, Opcode::CopyOutReady, columns().into_iter());
    copy_rows(&mut out, Opcode::CopyRows, SERVER_FRAME_LENGTH_MAX);
    for opcode in [Opcode::CancelDone, Opcode::CloseComplete, Opcode::EmptyQuery, Opcode::CopyEnd] {
        server::plain(&mut out, opcode);
    }
    server::command_complete(&mut out, "INSERT 0", Some(1), Some(&RECEIPT));
    let without_audit = Receipt { head: None, ..RECEIPT };
    server::command_complete(&mut out, "COMMIT", None, Some(&without_audit));
    out
}

fn parameters() -> Vec<ValueRef<'static>> {
    vec![
        ValueRef::Null,
        ValueRef::Bool(true),
        ValueRef::Int2(-2),
        ValueRef::Int4(4),
        ValueRef::Int8(-8),
        ValueRef::Float4(0.5),
        ValueRef::Float8(-0.25),
        ValueRef::Text("zażółć"),
        ValueRef::Vector(Floats::Numbers(&[1.0, 2.0, 3.0])),
    ]
}

fn columns() -> [ColumnRef<'static>; 2] {
    [
        ColumnRef { name: "id", type_oid: oid::INT4, type_modifier: -1 },
        ColumnRef { name: "", type_oid: oid::VARCHAR, type_modifier: 14 },
    ]
}

fn copy_rows(out: &mut Vec<u8>, opcode: Opcode, limit: u32) {
    let mut copy = CopyWriter::begin(out, opcode);
    for number in 0..3 {
        let mut row = copy.row();
        row.push_i32(number);
        row.push_null();
        row.finish().unwrap();
        copy.row_done();
    }
    copy.finish_within(limit).unwrap();
}

fn all_fields() -> ErrorFields {
    let some = |text: &str| Some(text.to_owned());
    ErrorFields {
        detail: some("Key (id)=(1) already exists."),
        hint: some("Try another."),
        position: Some(8),
        context: some("while testing"),
        schema: some("public"),
        table: some("t"),
        column: some("id"),
        datatype: some("integer"),
        constraint: some("t_pkey"),
        ..ErrorFields::new(Severity::Error, SqlState::from_code("23505"), "duplicate key value")
    }
}

/// Opcode and payload of each frame.
fn split(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut buffer = FrameBuffer::new(SERVER_FRAME_LENGTH_MAX);
    buffer.push(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = buffer.next_frame().unwrap() {
        frames.push((frame.opcode, frame.payload.to_vec()));
    }
    assert!(buffer.is_empty());
    frames
}

fn client_message((opcode, payload): &(u8, Vec<u8>)) -> Result<ClientMessage<'_>, ProtocolError> {
    ClientMessage::decode(spg_wire::Frame { opcode: *opcode, payload })
}

fn server_message((opcode, payload): &(u8, Vec<u8>)) -> Result<ServerMessage<'_>, ProtocolError> {
    ServerMessage::decode(spg_wire::Frame { opcode: *opcode, payload })
}

#[test]
fn client_messages_survive_the_wire() {
    let frames = split(&client_frames());
    let messages: Vec<_> = frames.iter().map(|frame| client_message(frame).unwrap()).collect();
    for (frame, message) in frames.iter().zip(&messages) {
        assert_eq!(frame.0, message.opcode() as u8);
    }
    let ClientMessage::Hello { version: 0x0100, options } = messages[0] else { panic!() };
    assert_eq!(options.iter().collect::<Vec<_>>(), [("user", "ada"), ("lock_timeout", "5s")]);
    assert_eq!(messages[1], ClientMessage::Cancel(KEY));
    assert_eq!(messages[2], ClientMessage::Ping(77));
    assert_eq!(messages[3], ClientMessage::Query("SELECT 'ż'; SELECT 2"));
    let ClientMessage::Parse { statement_id: 3, text: "SELECT $1", parameter_types } = messages[4]
    else {
        panic!()
    };
    assert_eq!(parameter_types.iter().collect::<Vec<_>>(), [oid::INT4, 0]);
    let ClientMessage::Bind { statement_id: 3, parameters: bound } = messages[5] else { panic!() };
    let values: Vec<_> = bound.iter().map(|parameter| parameter.value().unwrap()).collect();
    assert_eq!(values, parameters());
    assert_eq!(messages[6], ClientMessage::Close { statement_id: 3 });
    let ClientMessage::Admin { verb: "audit-verify", options } = messages[7] else { panic!() };
    assert_eq!(options.iter().collect::<Vec<_>>(), [("expect_head", "00")]);
    let ClientMessage::CopyIn { table: "t", columns } = messages[8] else { panic!() };
    assert_eq!(columns.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(messages[9], ClientMessage::CopyOut(CopySource::Table("t")));
    assert_eq!(messages[10], ClientMessage::CopyOut(CopySource::Query("SELECT 1")));
    assert_eq!(messages[11], ClientMessage::CopyFail("changed my mind"));
    let ClientMessage::CopyData(rows) = messages[12] else { panic!() };
    check_copied(rows);
    assert_eq!(
        messages[13..],
        [
            ClientMessage::CancelSession("nightly"),
            ClientMessage::Execute,
            ClientMessage::Sync,
            ClientMessage::Stats,
            ClientMessage::CopyDone,
            ClientMessage::Terminate,
        ]
    );
}

#[test]
fn server_messages_survive_the_wire() {
    let frames = split(&server_frames());
    let messages: Vec<_> = frames.iter().map(|frame| server_message(frame).unwrap()).collect();
    for (frame, message) in frames.iter().zip(&messages) {
        assert_eq!(frame.0, message.opcode() as u8);
    }
    let ServerMessage::HelloOk(HelloOk { version, database_uuid, cancel_key, parameters: told }) =
        messages[0]
    else {
        panic!()
    };
    assert_eq!((version, database_uuid, cancel_key), (0x0100, [7; 16], KEY));
    assert_eq!(told.iter().collect::<Vec<_>>(), [("server_version", "0.1.0"), ("empty", "")]);
    assert_eq!(messages[1], ServerMessage::ParameterStatus { key: "lock_timeout", value: "5s" });
    let ServerMessage::StatsReply(stats) = messages[2] else { panic!() };
    assert_eq!(stats.len(), 2);
    assert_eq!(messages[3], ServerMessage::Pong(77));
    let ServerMessage::ParseComplete { statement_id: 3, parameter_types, columns: described } =
        messages[4]
    else {
        panic!()
    };
    assert_eq!(parameter_types.iter().collect::<Vec<_>>(), [oid::INT4]);
    assert_eq!(described.iter().collect::<Vec<_>>(), columns());
    let ServerMessage::RowDescription(described) = messages[5] else { panic!() };
    assert_eq!(described.iter().collect::<Vec<_>>(), columns());
    let ServerMessage::DataRow(row) = messages[6] else { panic!() };
    let values = row.iter().zip(parameters());
    for (bytes, value) in values {
        assert_eq!(ValueRef::decode(value.type_oid(), bytes), Ok(value));
    }
    let complete = |tag, rows, receipt| ServerMessage::CommandComplete { tag, rows, receipt };
    assert_eq!(messages[7], complete("SELECT 1", 1, None));
    assert_eq!(messages[8], complete("BEGIN", 0, None));
    assert_eq!(messages[9], ServerMessage::ErrorResponse(Box::new(all_fields())));
    let ServerMessage::NoticeResponse(notice) = &messages[10] else { panic!() };
    assert_eq!((notice.code(), notice.message.as_str()), ("00000", "there you go"));
    assert_eq!(messages[11], ServerMessage::Ready(TransactionStatus::Idle));
    assert_eq!(messages[13], ServerMessage::Ready(TransactionStatus::Failed));
    let ServerMessage::CopyInReady(described) = messages[14] else { panic!() };
    assert_eq!(described.len(), 2);
    let ServerMessage::CopyRows(rows) = messages[16] else { panic!() };
    check_copied(rows);
    assert_eq!(
        messages[17..21],
        [
            ServerMessage::CancelDone,
            ServerMessage::CloseComplete,
            ServerMessage::EmptyQuery,
            ServerMessage::CopyEnd,
        ]
    );
    assert_eq!(messages[21], complete("INSERT 0 1", 1, Some(RECEIPT)));
    let without_audit = Receipt { head: None, ..RECEIPT };
    assert_eq!(messages[22], complete("COMMIT", 0, Some(without_audit)));
}

fn check_copied(rows: List<'_, List<'_, Option<&[u8]>>>) {
    assert_eq!(rows.len(), 3);
    for (number, row) in rows.iter().enumerate() {
        let number = i32::try_from(number).unwrap();
        let values: Vec<_> = row.iter().collect();
        assert_eq!(values, [Some(&number.to_le_bytes()[..]), None]);
    }
}

#[test]
fn every_opcode_is_sent_by_one_side_and_tested_here() {
    let client: Vec<u8> = split(&client_frames()).into_iter().map(|(opcode, _)| opcode).collect();
    let server: Vec<u8> = split(&server_frames()).into_iter().map(|(opcode, _)| opcode).collect();
    for opcode in Opcode::ALL {
        let byte = *opcode as u8;
        assert_eq!(client.contains(&byte), byte < 0x80, "{opcode:?}");
        assert_eq!(server.contains(&byte), byte >= 0x80, "{opcode:?}");
    }
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    for (opcode, payload) in split(&client_frames()).into_iter().chain(split(&server_frames())) {
        let refused = |payload: Vec<u8>| {
            let frame = (opcode, payload);
            if opcode < 0x80 {
                client_message(&frame).is_err()
            } else {
                server_message(&frame).is_err()
            }
        };
        for length in 0..payload.len() {
            // Without a receipt, or with a shorter one, it is a CommandComplete as well.
            let is_whole = opcode == Opcode::CommandComplete as u8
                && [8, 40, 48].contains(&(payload.len() - length))
                && server_message(&(opcode, payload[..length].to_vec())).is_ok();
            if is_whole {
                continue;
            }
            assert!(refused(payload[..length].to_vec()), "0x{opcode:02x} cut to {length}");
        }
        assert!(refused([&payload[..], &[0]].concat()), "0x{opcode:02x} with a byte more");
    }
}

#[test]
fn opcodes_of_the_other_direction_are_unknown() {
    for byte in 0..=u8::MAX {
        let frame = (byte, Vec::new());
        let unknown = ProtocolError::UnknownOpcode(byte);
        let is_client = Opcode::from_byte(byte).is_some() && byte < 0x80;
        let is_server = Opcode::from_byte(byte).is_some() && byte >= 0x80;
        assert_eq!(client_message(&frame) == Err(unknown), !is_client);
        assert_eq!(server_message(&frame) == Err(unknown), !is_server);
    }
}

#[test]
fn counts_that_lie_are_refused_at_once() {
    let bind = [&3_u32.to_le_bytes()[..], &u16::MAX.to_le_bytes(), &[0; 64]].concat();
    let copied = [&u32::MAX.to_le_bytes()[..], &[0; 64]].concat();
    for frame in [(Opcode::Bind as u8, bind), (Opcode::CopyData as u8, copied)] {
        assert_eq!(client_message(&frame), Err(ProtocolError::CountTooLarge));
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    let length = |length: i32| {
        let bytes = [&length.to_le_bytes()[..], b"abc"].concat();
        <Option<&[u8]>>::read(&mut Reader::new(&bytes)).map(|value| value.map(<[u8]>::len))
    };
    assert_eq!(length(-1), Ok(None));
    assert_eq!(length(3), Ok(Some(3)));
    assert_eq!(length(4), Err(ProtocolError::Truncated));
    assert_eq!(length(-2), Err(ProtocolError::NegativeLength));
    assert_eq!(length(i32::MIN), Err(ProtocolError::NegativeLength));
}

#[test]
fn texts_are_utf8_without_nul() {
    let query = |text: &[u8]| {
        let payload = [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat();
        client_message(&(Opcode::Query as u8, payload)).map(|_| ())
    };
    assert_eq!(query(b"SELECT 1"), Ok(()));
    assert_eq!(query(b"SELECT '\xff'"), Err(ProtocolError::InvalidUtf8));
    assert_eq!(query(b"SELECT '\0'"), Err(ProtocolError::NulInText));
}

#[test]
fn error_texts_are_cut_where_a_character_ends() {
    let long = "ż".repeat(server::ERROR_TEXT_BYTES_MAX);
    let mut out = Vec::new();
    let fields = ErrorFields::new(Severity::Error, SqlState::INTERNAL_ERROR, format!("a{long}"));
    server::error_response(&mut out, &fields);
    let fields = ErrorFields::new(Severity::Error, SqlState::INTERNAL_ERROR, "a\0b");
    server::error_response(&mut out, &fields);
    let frames = split(&out);
    let ServerMessage::ErrorResponse(fields) = server_message(&frames[0]).unwrap() else {
        panic!()
    };
    assert_eq!(fields.message.len(), server::ERROR_TEXT_BYTES_MAX - 1);
    let ServerMessage::ErrorResponse(fields) = server_message(&frames[1]).unwrap() else {
        panic!()
    };
    assert_eq!(fields.message, "a");
}
