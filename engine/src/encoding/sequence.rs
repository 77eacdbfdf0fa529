//! A sequence on disk: what it looks like, and the place that a restart goes on from.
//!
//! | part | meaning |
//! |---|---|
//! | id, version | varints |
//! | name | length (varint) and UTF-8 |
//! | type | 1 byte: 2 int2, 3 int4, 4 int8 |
//! | start, increment, min, max, cache | 8 bytes each |
//! | cycle | 1 byte, 0 or 1 |
//! | place | value, 8 bytes; 1 byte: 1 if the value counts as drawn |
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::sync::Arc;

use super::{DecodeError, Reader, put_bytes, put_varint};
use crate::storage::sequence::{Logged, Sequence, SequenceDefinition, SequenceId};
use crate::types::DataType;

/// Appends a sequence.
pub fn encode_sequence(sequence: &Sequence, out: &mut Vec<u8>) {
    let definition = &sequence.definition;
    put_varint(out, definition.id.0);
    put_varint(out, definition.version);
    put_bytes(out, definition.name.as_bytes());
    out.push(match definition.data_type {
        DataType::Int2 => 2,
        DataType::Int4 => 3,
        _ => 4,
    });
    let SequenceDefinition { start, increment, min, max, cache, .. } = **definition;
    for number in [start, increment, min, max, cache] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(u8::from(definition.cycle));
    encode_place(sequence.logged, out);
}

/// Reads a sequence: what [`encode_sequence`] wrote.
pub fn decode_sequence(reader: &mut Reader<'_>) -> Result<Sequence, DecodeError> {
    let id = SequenceId(reader.varint()?);
    let version = reader.varint()?;
    let name = Arc::from(reader.text()?);
    let data_type = match reader.u8()? {
        2 => DataType::Int2,
        3 => DataType::Int4,
        4 => DataType::Int8,
        other => return Err(reader.error_found("a sequence's type before", u64::from(other))),
    };
    let mut number = || reader.array().map(i64::from_le_bytes);
    let (start, increment) = (number()?, number()?);
    let (min, max, cache) = (number()?, number()?, number()?);
    let cycle = reader.bool()?;
    let (value, is_called) = decode_place(reader)?;
    let holds = |value: i64| (min..=max).contains(&value);
    if increment == 0 || cache < 1 || min >= max || !holds(start) || !holds(value) {
        return Err(reader.error("a sequence within its bounds before"));
    }
    let definition = SequenceDefinition {
        id,
        name,
        data_type,
        start,
        increment,
        min,
        max,
        cache,
        cycle,
        version,
    };
    Ok(Sequence::at(definition, value, is_called))
}

/// Appends a place.
pub fn encode_place(logged: Logged, out: &mut Vec<u8>) {
    out.extend_from_slice(&logged.value.to_le_bytes());
    out.push(u8::from(logged.is_called));
}

/// Reads a place: the value, and whether it counts as drawn.
pub fn decode_place(reader: &mut Reader<'_>) -> Result<(i64, bool), DecodeError> {
    Ok((i64::from_le_bytes(reader.array()?), reader.bool()?))
}
