//! Bytes on disk: how numbers, schemas, columns and changes are written, little-endian, and read back from bytes that
//! are not trusted.
//!
//! Reading order: [`reader`]; [`column`] is values of one type; [`row_ids`] is ids as runs; [`change`] is what a
//! commit did to one table; [`schema`] is a table's shape; [`sequence`] is a sequence.
//!
//! [`reader`] checks every length before it is used. What reads foreign bytes answers [`DecodeError`] and never
//! panics, nor allocates more than a small multiple of the bytes there are.

mod change;
mod column;
pub mod reader;
mod row_ids;
mod schema;
mod sequence;

#[cfg(test)]
mod tests;

pub use change::{decode_change, encode_change};
pub use column::{decode_column, encode_column};

pub use reader::{DecodeError, Reader};
pub use row_ids::{ROW_ID_END, decode_row_ids, encode_row_ids};
pub use schema::{decode_schema, encode_schema};
pub use sequence::{decode_place, decode_sequence, encode_place, encode_sequence};

/// Appends a number as up to ten bytes, seven bits each, the lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes with their length before them.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
