//! Bytes as a stream of frames: however they arrive, the same frames come out; each is decoded as both sides do, looked at to
//! its last item, and written again byte for byte.

use std::convert::Infallible;

use spg_wire::encode::{CopyWriter, FrameWriter, write_value};
use spg_wire::frame::{CLIENT_FRAME_LENGTH_MAX, HELLO_FRAME_LENGTH_MAX, LENGTH_BYTES};
use spg_wire::message::{client, server};
use spg_wire::value::oid;
use spg_wire::{
    ClientMessage, Frame, FrameBuffer, List, Opcode, ProtocolError, ServerMessage, ValueRef,
};

/// The smallest buffer, and the largest that is read ahead into.
const SMALLEST_BYTES: usize = 4 << 10;
const READ_AHEAD_BYTES: usize = 64 << 10;

/// What a stream held: its frames, and what was wrong with what followed.
type Frames = (Vec<(u8, Vec<u8>)>, Option<ProtocolError>);

/// The first byte says how many bytes arrive at once, the rest is the stream.
pub fn frames(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else { return };
    // What is longer is refused when it is written as a Hello.
    if stream.len() > HELLO_FRAME_LENGTH_MAX as usize {
        return;
    }
    let piece_bytes = usize::from(*first).max(1);
    let limit = if first % 2 == 0 { CLIENT_FRAME_LENGTH_MAX } else { HELLO_FRAME_LENGTH_MAX };
    let (frames, error) = whole(stream, limit);
    assert_eq!(in_pieces(stream, limit, piece_bytes), (frames.clone(), error));
    assert_eq!(read_from_a_socket(stream, limit, piece_bytes), (frames.clone(), error));
    for (opcode, payload) in &frames {
        let frame = Frame { opcode: *opcode, payload };
        if let Ok(message) = ClientMessage::decode(frame) {
            look_at_client(message);
            assert_same(frame, |out| write_client(out, message));
        }
        if let Ok(message) = ServerMessage::decode(frame) {
            look_at_server(&message);
            assert_same(frame, |out| write_server(out, &message));
        }
    }
}

fn whole(stream: &[u8], limit: u32) -> Frames {
    let mut buffer = FrameBuffer::new(limit);
    buffer.push(stream);
    let mut frames = Vec::new();
    let error = take_frames(&mut buffer, &mut frames).err();
    (frames, error)
}

fn in_pieces(stream: &[u8], limit: u32, piece_bytes: usize) -> Frames {
    let mut buffer = FrameBuffer::new(limit);
    let mut frames = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        buffer.push(piece);
        if let Err(error) = take_frames(&mut buffer, &mut frames) {
            return (frames, Some(error));
        }
        assert_bounded(&buffer);
        buffer.release();
    }
    (frames, None)
}

/// As a connection reads: each read takes what has room, and no more than a piece.
fn read_from_a_socket(stream: &[u8], limit: u32, piece_bytes: usize) -> Frames {
    let mut buffer = FrameBuffer::new(limit);
    let mut frames = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let read = buffer.fill(|bytes| {
            let room = bytes.capacity() - bytes.len();
            let (now, later) = rest.split_at(rest.len().min(room).min(piece_bytes));
            bytes.extend_from_slice(now);
            rest = later;
            Ok::<_, Infallible>(now.len())
        });
        assert!(read.is_ok_and(|read| read > 0), "a read always has room");
        assert_bounded(&buffer);
        if let Err(error) = take_frames(&mut buffer, &mut frames) {
            return (frames, Some(error));
        }
    }
    (frames, None)
}

fn take_frames(
    buffer: &mut FrameBuffer,
    frames: &mut Vec<(u8, Vec<u8>)>,
) -> Result<(), ProtocolError> {
    while let Some(frame) = buffer.next_frame()? {
        frames.push((frame.opcode, frame.payload.to_vec()));
    }
    Ok(())
}

/// Writing what was decoded gives the frame back, so that nothing of it was misread or left out.
fn assert_same(frame: Frame<'_>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), ProtocolError>) {
    let mut out = Vec::new();
    assert_eq!(write(&mut out), Ok(()));
    assert_eq!(out.get(LENGTH_BYTES), Some(&frame.opcode));
    assert_eq!(out.get(LENGTH_BYTES + 1..), Some(frame.payload));
}

fn look_at_client(message: ClientMessage<'_>) {
    if let ClientMessage::Bind { parameters, .. } = message {
        for parameter in &parameters {
            look_at_value(parameter.type_oid, parameter.bytes);
        }
    }
}

fn look_at_server(message: &ServerMessage<'_>) {
    let rows: Vec<_> = match message {
        ServerMessage::DataRow(row) => vec![*row],
        ServerMessage::CopyRows(rows) => rows.iter().collect(),
        _ => return,
    };
    for bytes in rows.iter().flatten() {
        for type_oid in [oid::BOOL, oid::INT4, oid::INT8, oid::TEXT, oid::FLOAT8, oid::VECTOR] {
            look_at_value(type_oid, bytes);
        }
    }
}

/// A value that is one has the bytes that it is written with.
fn look_at_value(type_oid: u32, bytes: Option<&[u8]>) {
    let Ok(value) = ValueRef::decode(type_oid, bytes) else { return };
    let mut out = Vec::new();
    write_value(&mut out, value);
    match bytes {
        None => assert_eq!(out, (-1_i32).to_le_bytes()),
        Some(bytes) => assert_eq!(out.get(4..), Some(bytes)),
    }
    let owned = value.to_value();
    let mut again = Vec::new();
    write_value(&mut again, owned.as_ref());
    assert_eq!(again, out);
}

fn write_client(out: &mut Vec<u8>, message: ClientMessage<'_>) -> Result<(), ProtocolError> {
    match message {
        ClientMessage::Hello { version, options } => {
            return client::hello(out, version, &options.iter().collect::<Vec<_>>());
        }
        ClientMessage::Cancel(key) => client::cancel(out, key),
        ClientMessage::CancelSession(name) => return client::cancel_session(out, name),
        ClientMessage::Ping(number) => client::ping(out, number),
        ClientMessage::Query(text) => return client::query(out, text),
        ClientMessage::Parse { statement_id, text, parameter_types } => {
            return client::parse(
                out,
                statement_id,
                text,
                &parameter_types.iter().collect::<Vec<_>>(),
            );
        }
        ClientMessage::Bind { statement_id, parameters } => {
            let mut frame = FrameWriter::begin(out, Opcode::Bind);
            frame.u32(statement_id);
            frame.u16(parameters.len() as u16);
            for parameter in &parameters {
                frame.u32(parameter.type_oid);
                item(&mut frame, parameter.bytes);
            }
            frame.finish();
        }
        ClientMessage::Close { statement_id } => client::close(out, statement_id),
        ClientMessage::Admin { verb, options } => {
            return client::admin(out, verb, &options.iter().collect::<Vec<_>>());
        }
        ClientMessage::CopyIn { table, columns } => {
            return client::copy_in(out, table, &columns.iter().collect::<Vec<_>>());
        }
        ClientMessage::CopyOut(source) => return client::copy_out(out, source),
        ClientMessage::CopyData(rows) => return write_rows(out, Opcode::CopyData, rows),
        ClientMessage::CopyFail(reason) => return client::copy_fail(out, reason),
        ClientMessage::Terminate
        | ClientMessage::Stats
        | ClientMessage::Execute
        | ClientMessage::Sync
        | ClientMessage::CopyDone => client::plain(out, message.opcode()),
    }
    Ok(())
}

fn write_server(out: &mut Vec<u8>, message: &ServerMessage<'_>) -> Result<(), ProtocolError> {
    match message {
        ServerMessage::HelloOk(hello) => server::hello_ok(
            out,
            hello.version,
            hello.database_uuid,
            hello.cancel_key,
            hello.parameters.iter(),
        ),
        ServerMessage::Pong(number) => server::pong(out, *number),
        ServerMessage::StatsReply(stats) => server::stats_reply(out, stats.iter()),
        ServerMessage::ParameterStatus { key, value } => server::parameter_status(out, key, value),
        ServerMessage::ErrorResponse(fields) => server::error_response(out, fields),
        ServerMessage::NoticeResponse(fields) => server::notice_response(out, fields),
        ServerMessage::Ready(status) => server::ready(out, *status),
        ServerMessage::RowDescription(columns)
        | ServerMessage::CopyInReady(columns)
        | ServerMessage::CopyOutReady(columns) => {
            server::columns(out, message.opcode(), columns.iter());
        }
        ServerMessage::ParseComplete { statement_id, parameter_types, columns } => {
            server::parse_complete(out, *statement_id, parameter_types.iter(), columns.iter());
        }
        ServerMessage::DataRow(row) => {
            let mut frame = FrameWriter::begin(out, Opcode::DataRow);
            frame.u16(row.len() as u16);
            row.iter().for_each(|bytes| item(&mut frame, bytes));
            frame.finish();
        }
        ServerMessage::CommandComplete { tag, rows, receipt } => {
            server::command_tag(out, tag, *rows, receipt.as_ref());
        }
        ServerMessage::CopyRows(rows) => return write_rows(out, Opcode::CopyRows, *rows),
        ServerMessage::CancelDone
        | ServerMessage::CloseComplete
        | ServerMessage::EmptyQuery
        | ServerMessage::CopyEnd => server::plain(out, message.opcode()),
    }
    Ok(())
}

fn write_rows(
    out: &mut Vec<u8>,
    opcode: Opcode,
    rows: List<'_, List<'_, Option<&[u8]>>>,
) -> Result<(), ProtocolError> {
    let mut copy = CopyWriter::begin(out, opcode);
    for row in &rows {
        let count = (row.len() as u16).to_le_bytes();
        copy.append(&[&count[..], row.as_bytes()].concat(), 1);
    }
    copy.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

fn item(frame: &mut FrameWriter<'_>, bytes: Option<&[u8]>) {
    frame.u32(bytes.map_or(u32::MAX, |bytes| bytes.len() as u32));
    frame.bytes(bytes.unwrap_or_default());
}

/// Twice what waits, or what is read ahead into; never what a header says.
fn assert_bounded(buffer: &FrameBuffer) {
    let bound = (2 * buffer.waiting_bytes()).max(READ_AHEAD_BYTES) + SMALLEST_BYTES;
    assert!(buffer.capacity() <= bound, "{} bytes held, {bound} allowed", buffer.capacity());
}
