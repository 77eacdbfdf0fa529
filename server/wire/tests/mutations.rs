//! Whatever arrives, decoding neither panics nor yields more than the bytes hold.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use spg_wire::encode::RowWriter;
use spg_wire::frame::CLIENT_FRAME_LENGTH_MAX;
use spg_wire::message::{client, server};
use spg_wire::value::oid;
use spg_wire::{
    ClientMessage, ColumnRef, ErrorFields, Frame, FrameBuffer, Opcode, ServerMessage, Severity,
    SqlState, ValueRef,
};

/// Looks at everything in a message of a client; the number of items it holds.
fn look_at_client(message: ClientMessage<'_>) -> usize {
    match message {
        ClientMessage::Hello { options, .. } => options.iter().count(),
        ClientMessage::Parse { parameter_types, .. } => parameter_types.iter().count(),
        ClientMessage::Bind { parameters, .. } => {
            let is_value = parameters.iter().map(|parameter| parameter.value().is_ok());
            is_value.collect::<Vec<_>>().len()
        }
        ClientMessage::CopyIn { columns, .. } => columns.iter().count(),
        ClientMessage::CopyData(rows) => rows.iter().map(|row| row.iter().count().max(1)).sum(),
        _ => 0,
    }
}

/// Looks at everything in a message of a server; the number of items and bytes of text it holds.
fn look_at_server(message: &ServerMessage<'_>) -> usize {
    match message {
        ServerMessage::HelloOk(hello) => hello.parameters.iter().count(),
        ServerMessage::StatsReply(stats) => stats.iter().count(),
        ServerMessage::RowDescription(columns)
        | ServerMessage::CopyInReady(columns)
        | ServerMessage::CopyOutReady(columns) => columns.iter().count(),
        ServerMessage::ParseComplete { parameter_types, columns, .. } => {
            parameter_types.iter().count() + columns.iter().count()
        }
        ServerMessage::DataRow(row) => {
            let is_value = row.iter().map(|bytes| ValueRef::decode(oid::VECTOR, bytes).is_ok());
            is_value.collect::<Vec<_>>().len()
        }
        ServerMessage::CopyRows(rows) => rows.iter().map(|row| row.iter().count().max(1)).sum(),
        ServerMessage::ErrorResponse(fields) | ServerMessage::NoticeResponse(fields) => {
            let ErrorFields {
                detail,
                hint,
                context,
                schema,
                table,
                column,
                datatype,
                constraint,
                ..
            } = &**fields;
            let optional = [detail, hint, context, schema, table, column, datatype, constraint];
            let lengths = optional.into_iter().flatten().map(String::len);
            fields.message.len() + lengths.sum::<usize>()
        }
        _ => 0,
    }
}

fn check(opcode: u8, payload: &[u8]) {
    let frame = Frame { opcode, payload };
    if let Ok(message) = ClientMessage::decode(frame) {
        assert!(look_at_client(message) <= payload.len());
        assert_eq!(message.opcode() as u8, opcode);
    }
    if let Ok(message) = ServerMessage::decode(frame) {
        assert!(look_at_server(&message) <= payload.len());
        assert_eq!(message.opcode() as u8, opcode);
    }
}

/// Frames with lists, texts, values and optional fields.
fn frames() -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    client::hello(&mut out, 0x0100, &[("user", "ada"), ("x", "y")]).unwrap();
    client::parse(&mut out, 3, "SELECT $1", &[oid::INT4, 0]).unwrap();
    let values = [ValueRef::Int4(1), ValueRef::Text("text"), ValueRef::Null];
    client::bind(&mut out, 3, values.into_iter()).unwrap();
    client::copy_in(&mut out, "t", &["a", "b"]).unwrap();
    let column = ColumnRef { name: "c", type_oid: oid::TEXT, type_modifier: -1 };
    server::parse_complete(&mut out, 3, [oid::INT4].into_iter(), [column, column].into_iter());
    let mut row = RowWriter::data_row(&mut out);
    for value in values {
        row.push(value);
    }
    row.finish().unwrap();
    let mut fields = ErrorFields::new(Severity::Error, SqlState::INTERNAL_ERROR, "message");
    fields.hint = Some("hint".to_owned());
    server::error_response(&mut out, &fields);
    server::stats_reply(&mut out, [("a", "1"), ("b", "2")].into_iter());
    for opcode in [Opcode::CopyData, Opcode::CopyRows] {
        let mut copy = spg_wire::encode::CopyWriter::begin(&mut out, opcode);
        for _ in 0..3 {
            let mut row = copy.row();
            for value in values {
                row.push(value);
            }
            row.finish().unwrap();
            copy.row_done();
        }
        copy.finish_within(CLIENT_FRAME_LENGTH_MAX).unwrap();
    }
    let mut buffer = FrameBuffer::new(CLIENT_FRAME_LENGTH_MAX);
    buffer.push(&out);
    let mut frames = Vec::new();
    while let Some(frame) = buffer.next_frame().unwrap() {
        frames.push((frame.opcode, frame.payload.to_vec()));
    }
    frames
}

#[test]
fn every_change_of_one_byte() {
    for (opcode, payload) in frames() {
        check(opcode, &payload);
        for place in 0..payload.len() {
            for byte in 0..=u8::MAX {
                let mut changed = payload.clone();
                changed[place] = byte;
                check(opcode, &changed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_any_kind(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        for opcode in Opcode::ALL {
            check(*opcode as u8, &payload);
        }
    }

    #[test]
    fn streams_of_any_kind(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut buffer = FrameBuffer::new(CLIENT_FRAME_LENGTH_MAX);
        buffer.push(&bytes);
        while let Ok(Some(frame)) = buffer.next_frame() {
            check(frame.opcode, frame.payload);
        }
        prop_assert!(buffer.capacity() <= bytes.len().max(8));
    }

    #[test]
    fn several_changes_and_a_cut(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let frames = frames();
        let (opcode, payload) = which.get(&frames);
        let mut payload = payload.clone();
        for (place, byte) in &changes {
            let place = place.index(payload.len());
            payload[place] = *byte;
        }
        check(*opcode, &payload);
        payload.truncate(cut.index(payload.len()));
        check(*opcode, &payload);
    }

    #[test]
    fn values_of_any_kind_survive(
        number in any::<i64>(), float in any::<f64>(), text in "[^\0]{0,40}",
        floats in prop::collection::vec(any::<f32>(), 0..20),
    ) {
        let values = [
            ValueRef::Int8(number),
            ValueRef::Float8(float),
            ValueRef::Text(&text),
            ValueRef::Vector(floats[..].into()),
        ];
        let mut out = Vec::new();
        client::bind(&mut out, 1, values.into_iter()).unwrap();
        let frame = Frame { opcode: Opcode::Bind as u8, payload: &out[5..] };
        let ClientMessage::Bind { parameters, .. } = ClientMessage::decode(frame).unwrap() else {
            panic!()
        };
        for (parameter, value) in parameters.iter().zip(values) {
            match (parameter.value().unwrap(), value) {
                (ValueRef::Float8(decoded), ValueRef::Float8(float)) => {
                    prop_assert_eq!(decoded.to_bits(), float.to_bits());
                }
                (ValueRef::Vector(decoded), ValueRef::Vector(floats)) => {
                    let bits = |floats: spg_wire::value::Floats<'_>| -> Vec<u32> {
                        floats.iter().map(f32::to_bits).collect()
                    };
                    prop_assert_eq!(bits(decoded), bits(floats));
                }
                (decoded, value) => prop_assert_eq!(decoded, value),
            }
        }
    }
}
