//! Writers onto a `Vec<u8>`: frames whose length is filled in at their end, and rows value by value.
//!
//! Nothing here allocates beyond what the vector grows by. Lengths are narrowed without a check while a frame is
//! written: one that does not fit makes the frame longer than its limit, and then all of it is taken back.

use crate::error::ProtocolError;
use crate::frame::{LENGTH_BYTES, Opcode, SERVER_FRAME_LENGTH_MAX};
use crate::value::{Floats, Interval, ValueRef};

/// Writes one frame. Without a `finish` the frame is incomplete: the vector must be cut back to where it began.
#[derive(Debug)]
#[must_use = "a frame counts only once it is finished"]
pub struct FrameWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> FrameWriter<'a> {
    /// Begins a frame at the end of `out`.
    #[inline]
    pub fn begin(out: &'a mut Vec<u8>, opcode: Opcode) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, opcode as u8]);
        Self { out, start }
    }

    /// Writes a byte.
    #[inline]
    pub fn u8(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Writes a number of two bytes.
    #[inline]
    pub fn u16(&mut self, number: u16) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes a number of four bytes.
    #[inline]
    pub fn u32(&mut self, number: u32) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes a number of eight bytes.
    #[inline]
    pub fn u64(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes a string.
    #[inline]
    pub fn string(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes(text.as_bytes());
    }

    /// Writes a string that may be missing.
    pub fn optional_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.u32(u32::MAX),
        }
    }

    /// Writes a value: i32 length and bytes.
    #[inline]
    pub fn value(&mut self, value: ValueRef<'_>) {
        write_value(self.out, value);
    }

    /// The vector, for what the methods do not offer.
    #[inline]
    pub fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Fills the length in. The frame must be known to be short.
    #[inline]
    pub fn finish(self) {
        let length = self.length();
        debug_assert!(length <= SERVER_FRAME_LENGTH_MAX as usize, "a frame without a bound");
        set_u32(self.out, self.start, length as u32);
    }

    /// Fills the length in, or takes the frame back if it is longer than `limit`.
    #[inline]
    pub fn finish_within(self, limit: u32) -> Result<(), ProtocolError> {
        let length = self.length();
        if length > limit as usize {
            self.out.truncate(self.start);
            return Err(ProtocolError::FrameTooLong { length: length as u64, limit });
        }
        set_u32(self.out, self.start, length as u32);
        Ok(())
    }

    #[inline]
    fn length(&self) -> usize {
        self.out.len().saturating_sub(self.start).saturating_sub(LENGTH_BYTES)
    }
}

/// Writes one row, value by value: as a DataRow, or within CopyData.
///
/// ```
/// use spg_wire::encode::RowWriter;
///
/// let mut out = Vec::new();
/// let mut row = RowWriter::data_row(&mut out);
/// row.push_i32(7);
/// row.push_text("seven");
/// row.finish()?;
/// assert_eq!(out.len(), 4 + 1 + 2 + (4 + 4) + (4 + 5));
/// # Ok::<(), spg_wire::ProtocolError>(())
/// ```
#[derive(Debug)]
#[must_use = "a row counts only once it is finished"]
pub struct RowWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where the frame, or within CopyData the row, begins.
    start: usize,
    count: u32,
    is_frame: bool,
    /// Bytes of values that were not written because the row is too long with them.
    omitted: usize,
}

impl<'a> RowWriter<'a> {
    /// Begins a DataRow frame.
    #[inline]
    pub fn data_row(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, Opcode::DataRow as u8, 0, 0]);
        Self { out, start, count: 0, is_frame: true, omitted: 0 }
    }

    /// Begins a row without a frame around it.
    #[inline]
    pub fn bare(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0, 0]);
        Self { out, start, count: 0, is_frame: false, omitted: 0 }
    }

    /// Writes NULL.
    #[inline]
    pub fn push_null(&mut self) {
        self.count = self.count.wrapping_add(1);
        write_null(self.out);
    }

    /// Writes a BOOL.
    #[inline]
    pub fn push_bool(&mut self, value: bool) {
        self.count = self.count.wrapping_add(1);
        self.out.extend_from_slice(&[1, 0, 0, 0, u8::from(value)]);
    }

    /// Writes a SMALLINT.
    #[inline]
    pub fn push_i16(&mut self, value: i16) {
        self.count = self.count.wrapping_add(1);
        let [a, b] = value.to_le_bytes();
        self.out.extend_from_slice(&[2, 0, 0, 0, a, b]);
    }

    /// Writes an INT.
    #[inline]
    pub fn push_i32(&mut self, value: i32) {
        self.count = self.count.wrapping_add(1);
        write_four(self.out, value.to_le_bytes());
    }

    /// Writes a BIGINT.
    #[inline]
    pub fn push_i64(&mut self, value: i64) {
        self.count = self.count.wrapping_add(1);
        write_eight(self.out, value.to_le_bytes());
    }

    /// Writes a REAL.
    #[inline]
    pub fn push_f32(&mut self, value: f32) {
        self.count = self.count.wrapping_add(1);
        write_four(self.out, value.to_le_bytes());
    }

    /// Writes a DOUBLE PRECISION.
    #[inline]
    pub fn push_f64(&mut self, value: f64) {
        self.count = self.count.wrapping_add(1);
        write_eight(self.out, value.to_le_bytes());
    }

    /// Writes an INTERVAL.
    pub fn push_interval(&mut self, value: Interval) {
        self.count = self.count.wrapping_add(1);
        write_bytes(self.out, &value.to_bytes());
    }

    /// Writes a TEXT or VARCHAR.
    #[inline]
    pub fn push_text(&mut self, value: &str) {
        self.count = self.count.wrapping_add(1);
        if self.has_room(value.len()) {
            write_bytes(self.out, value.as_bytes());
        }
    }

    /// Writes a VECTOR.
    #[inline]
    pub fn push_vector(&mut self, value: &[f32]) {
        self.count = self.count.wrapping_add(1);
        if self.has_room(std::mem::size_of_val(value)) {
            write_floats(self.out, Floats::from(value));
        }
    }

    /// Writes a value of any type.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Text(text) => self.push_text(text),
            ValueRef::Vector(Floats::Numbers(numbers)) => self.push_vector(numbers),
            value => {
                self.count = self.count.wrapping_add(1);
                let length = match value {
                    ValueRef::Vector(floats) => floats.len().saturating_mul(4),
                    _ => 8,
                };
                if self.has_room(length) {
                    write_value(self.out, value);
                }
            }
        }
    }

    /// Whether a value of `length` bytes may be written; from the first on that makes the row too long, none is. So a row
    /// costs no more memory than the longest that is allowed.
    #[inline]
    fn has_room(&mut self, length: usize) -> bool {
        let written = self.out.len().saturating_sub(self.start);
        if self.omitted > 0 || written.saturating_add(length) > SERVER_FRAME_LENGTH_MAX as usize {
            self.omitted = self.omitted.saturating_add(length).saturating_add(LENGTH_BYTES);
        }
        self.omitted == 0
    }

    /// Values written so far.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Fills count and length in. A row beyond [`SERVER_FRAME_LENGTH_MAX`] or 65,535 values is taken back.
    #[inline]
    pub fn finish(self) -> Result<(), ProtocolError> {
        let written = self.out.len().saturating_sub(self.start).saturating_sub(LENGTH_BYTES);
        let length = written.saturating_add(self.omitted);
        let Ok(count) = u16::try_from(self.count) else {
            self.out.truncate(self.start);
            return Err(ProtocolError::TooManyValues);
        };
        if self.omitted > 0 || length > SERVER_FRAME_LENGTH_MAX as usize {
            self.out.truncate(self.start);
            let limit = SERVER_FRAME_LENGTH_MAX;
            return Err(ProtocolError::FrameTooLong { length: length as u64, limit });
        }
        if self.is_frame {
            set_u32(self.out, self.start, length as u32);
            set_u16(self.out, self.start.saturating_add(LENGTH_BYTES).saturating_add(1), count);
        } else {
            set_u16(self.out, self.start, count);
        }
        Ok(())
    }

    /// Takes back what was written of the row.
    pub fn abandon(self) {
        self.out.truncate(self.start);
    }
}

/// Writes a CopyData frame row by row, in either direction.
#[derive(Debug)]
#[must_use = "a frame counts only once it is finished"]
pub struct CopyWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    rows: u32,
}

impl<'a> CopyWriter<'a> {
    /// Begins a frame: `Opcode::CopyData` from a client, `Opcode::CopyRows` from a server.
    pub fn begin(out: &'a mut Vec<u8>, opcode: Opcode) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, opcode as u8, 0, 0, 0, 0]);
        Self { out, start, rows: 0 }
    }

    /// Begins the next row, to be finished before anything else is done. Call [`CopyWriter::row_done`] after.
    #[inline]
    pub fn row(&mut self) -> RowWriter<'_> {
        RowWriter::bare(self.out)
    }

    /// Counts the row that was just finished.
    #[inline]
    pub fn row_done(&mut self) {
        self.rows = self.rows.saturating_add(1);
    }

    /// Appends `count` rows that were written elsewhere with [`RowWriter::bare`].
    pub fn append(&mut self, rows: &[u8], count: u32) {
        self.out.extend_from_slice(rows);
        self.rows = self.rows.saturating_add(count);
    }

    /// Rows counted so far.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Bytes of the frame so far; about 64 KiB is a good size to end it.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    /// Takes back what was written of the frame.
    pub fn abandon(self) {
        self.out.truncate(self.start);
    }

    /// Fills length and count in, or takes the frame back if it is longer than `limit`.
    pub fn finish_within(self, limit: u32) -> Result<(), ProtocolError> {
        let count_at = self.start.saturating_add(LENGTH_BYTES).saturating_add(1);
        set_u32(self.out, count_at, self.rows);
        FrameWriter { out: self.out, start: self.start }.finish_within(limit)
    }
}

/// Writes a value: i32 length, -1 for NULL, and its bytes.
#[inline]
pub fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => write_null(out),
        ValueRef::Bool(value) => out.extend_from_slice(&[1, 0, 0, 0, u8::from(value)]),
        ValueRef::Int2(value) => write_bytes(out, &value.to_le_bytes()),
        ValueRef::Int4(value) | ValueRef::Date(value) => write_four(out, value.to_le_bytes()),
        ValueRef::Float4(value) => write_four(out, value.to_le_bytes()),
        ValueRef::Float8(value) => write_eight(out, value.to_le_bytes()),
        ValueRef::Int8(value)
        | ValueRef::Time(value)
        | ValueRef::Timestamp(value)
        | ValueRef::TimestampTz(value) => {
            write_eight(out, value.to_le_bytes());
        }
        ValueRef::Interval(value) => write_bytes(out, &value.to_bytes()),
        ValueRef::Text(value) => write_bytes(out, value.as_bytes()),
        ValueRef::Vector(value) => write_floats(out, value),
    }
}

/// The decimal digits of `number`, into `digits`.
#[inline]
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0'.wrapping_add((number % 10) as u8);
        number /= 10;
        first = place;
        if number == 0 {
            break;
        }
    }
    digits.get(first..).unwrap_or_default()
}

#[inline]
fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xff; 4]);
}

#[inline]
fn write_four(out: &mut Vec<u8>, number: [u8; 4]) {
    write_number::<4, 8>(out, number);
}

#[inline]
fn write_eight(out: &mut Vec<u8>, number: [u8; 8]) {
    write_number::<8, 12>(out, number);
}

/// Length and bytes of a number in one piece, which costs one check for room instead of two.
#[inline]
fn write_number<const N: usize, const TOTAL: usize>(out: &mut Vec<u8>, number: [u8; N]) {
    let mut piece = [0; TOTAL];
    piece[0] = N as u8;
    if let Some(place) = piece.last_chunk_mut::<N>() {
        *place = number;
    }
    out.extend_from_slice(&piece);
}

#[inline]
fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn write_floats(out: &mut Vec<u8>, floats: Floats<'_>) {
    match floats {
        Floats::Bytes(bytes) => write_bytes(out, bytes),
        Floats::Numbers(numbers) => {
            let length = std::mem::size_of_val(numbers);
            out.extend_from_slice(&(length as u32).to_le_bytes());
            let start = out.len();
            out.resize(start.saturating_add(length), 0);
            let room = out.get_mut(start..).unwrap_or_default();
            for (place, number) in room.chunks_exact_mut(4).zip(numbers) {
                place.copy_from_slice(&number.to_le_bytes());
            }
        }
    }
}

#[inline]
fn set_u32(out: &mut [u8], at: usize, number: u32) {
    if let Some(place) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = number.to_le_bytes();
    }
}

#[inline]
fn set_u16(out: &mut [u8], at: usize, number: u16) {
    if let Some(place) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = number.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_of_display() {
        let numbers = [0, 1, 9, 10, 99, 100, 12_345, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        for number in numbers {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn an_abandoned_row_leaves_nothing() {
        let mut out = b"before".to_vec();
        let mut row = RowWriter::data_row(&mut out);
        row.push_text("half a row");
        row.abandon();
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_row_of_too_many_values_is_taken_back() {
        let mut out = b"before".to_vec();
        let mut row = RowWriter::data_row(&mut out);
        for _ in 0..=u16::MAX {
            row.push_null();
        }
        assert_eq!(row.finish(), Err(ProtocolError::TooManyValues));
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_row_that_is_too_long_is_not_written() {
        let text = "x".repeat(64 << 20);
        for is_typed in [false, true] {
            let mut out = b"before".to_vec();
            let mut row = RowWriter::data_row(&mut out);
            for _ in 0..100 {
                if is_typed {
                    row.push_text(&text);
                } else {
                    row.push(ValueRef::Text(&text));
                }
                row.push_i32(1);
            }
            assert!(row.out.len() <= SERVER_FRAME_LENGTH_MAX as usize);
            assert!(matches!(row.finish(), Err(ProtocolError::FrameTooLong { length, .. })
                if length > 100 * (64 << 20)));
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn a_frame_over_its_limit_is_taken_back() {
        let mut out = b"before".to_vec();
        let mut frame = FrameWriter::begin(&mut out, Opcode::Query);
        frame.string("SELECT 1");
        let error = ProtocolError::FrameTooLong { length: 13, limit: 12 };
        assert_eq!(frame.finish_within(12), Err(error));
        assert_eq!(out, b"before");
    }

    #[test]
    fn vectors_are_the_same_from_numbers_and_from_bytes() {
        let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
        write_floats(&mut numbers, Floats::Numbers(&[1.0, -2.5, f32::NAN]));
        write_floats(&mut bytes, Floats::Bytes(&numbers[4..]));
        assert_eq!(numbers, bytes);
        assert_eq!(numbers[..8], [12, 0, 0, 0, 0, 0, 0x80, 0x3f]);
    }
}
