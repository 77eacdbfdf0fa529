//! Frames, `[u32 length][u8 opcode][payload]`, and the buffer that yields them from a stream of bytes.
//!
//! `length` counts opcode and payload, so it is at least 1. All numbers are little-endian.

use crate::error::ProtocolError;

/// Bytes of the length before the opcode.
pub const LENGTH_BYTES: usize = 4;

/// Longest frame from a client before its Hello is accepted: names and settings, and nothing that a stranger could
/// fill memory with.
pub const HELLO_FRAME_LENGTH_MAX: u32 = 64 << 10;

/// Longest frame from a client: four times the longest statement (16 MiB), so that a Bind may carry large values.
pub const CLIENT_FRAME_LENGTH_MAX: u32 = 64 << 20;

/// Longest frame from a server: a row with the longest text value (256 MiB) and 32 MiB besides.
pub const SERVER_FRAME_LENGTH_MAX: u32 = 288 << 20;

/// What a [`FrameBuffer`] begins with: many small messages, and 1,000 connections are 4 MB.
const BUFFER_BYTES_MIN: usize = 4 << 10;

/// How far a [`FrameBuffer`] grows in order to read more at once while reads fill it.
const READ_AHEAD_BYTES_MAX: usize = 64 << 10;

/// An empty [`FrameBuffer`] larger than this gives its memory back; two frames of COPY fit, so that they do not.
const RETAINED_BYTES_MAX: usize = 256 << 10;

macro_rules! opcodes {
    ($($(#[$doc:meta])+ $name:ident = $byte:literal,)*) => {
        /// What a frame is. Clients send 0x01 to 0x7F, servers 0x80 to 0xFF.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $($(#[$doc])+ $name = $byte,)*
        }

        impl Opcode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The opcode of a byte.
            #[inline]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$name),)* _ => None }
            }
        }
    };
}

opcodes! {
    /// Begins a connection.
    Hello = 0x01,
    /// Cancels another connection's statement; instead of Hello.
    Cancel = 0x02,
    /// Asks for a Pong.
    Ping = 0x03,
    /// Ends the connection.
    Terminate = 0x04,
    /// Asks for a StatsReply.
    Stats = 0x05,
    /// Cancels a named session's statement; instead of Hello.
    CancelSession = 0x06,
    /// Runs a script.
    Query = 0x10,
    /// Prepares a statement.
    Parse = 0x11,
    /// Gives a prepared statement its parameters.
    Bind = 0x12,
    /// Runs what was bound.
    Execute = 0x13,
    /// Forgets a prepared statement.
    Close = 0x14,
    /// Asks for a Ready and ends skipping after an error.
    Sync = 0x15,
    /// Asks for a task of the operator's.
    Admin = 0x16,
    /// Begins to load rows.
    CopyIn = 0x20,
    /// Asks for rows in bulk.
    CopyOut = 0x21,
    /// Rows, from the client.
    CopyData = 0x22,
    /// No more rows, from the client.
    CopyDone = 0x23,
    /// Gives a CopyIn up.
    CopyFail = 0x24,
    /// Accepts a Hello.
    HelloOk = 0x81,
    /// Answers Cancel.
    CancelDone = 0x82,
    /// Answers Ping.
    Pong = 0x83,
    /// Answers Stats.
    StatsReply = 0x85,
    /// A setting that clients follow has changed.
    ParameterStatus = 0x86,
    /// An error.
    ErrorResponse = 0x87,
    /// A notice.
    NoticeResponse = 0x88,
    /// Everything up to a Query's end or a Sync is answered.
    Ready = 0x89,
    /// The columns of the rows that follow.
    RowDescription = 0x90,
    /// Answers Parse.
    ParseComplete = 0x91,
    /// One row.
    DataRow = 0x92,
    /// A statement is done.
    CommandComplete = 0x93,
    /// Answers Close.
    CloseComplete = 0x94,
    /// A statement without content is done.
    EmptyQuery = 0x95,
    /// Send rows.
    CopyInReady = 0xA0,
    /// Rows will follow.
    CopyOutReady = 0xA1,
    /// Rows, from the server.
    CopyRows = 0xA2,
    /// No more rows, from the server.
    CopyEnd = 0xA3,
}

/// One frame within a [`FrameBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The opcode, not yet known to exist.
    pub opcode: u8,
    /// What follows it.
    pub payload: &'a [u8],
}

/// Where a frame stands within its [`FrameBuffer`], until that is filled again.
#[derive(Clone, Copy, Debug)]
pub struct FrameSpan {
    opcode: u8,
    start: usize,
    end: usize,
}

/// A growing read buffer that yields complete frames without copying them.
///
/// It never allocates on the word of a header: its memory is at most twice what has arrived, or [`BUFFER_BYTES_MIN`],
/// or, while reads fill it, [`READ_AHEAD_BYTES_MAX`].
#[derive(Debug)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    /// Where the first frame that was not yet yielded begins.
    start: usize,
    length_max: u32,
    /// Whether the last read took all the room there was.
    was_filled: bool,
}

impl FrameBuffer {
    /// An empty buffer that refuses frames longer than `length_max`. It allocates when it is first filled.
    pub fn new(length_max: u32) -> Self {
        Self { bytes: Vec::new(), start: 0, length_max, was_filled: false }
    }

    /// Changes the longest frame allowed; for frames not yet yielded.
    pub fn set_length_max(&mut self, length_max: u32) {
        self.length_max = length_max;
    }

    /// The next frame, if all of it has arrived. A bad length is reported as soon as it is there.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ProtocolError> {
        Ok(self.next_span()?.map(|span| self.frame(span)))
    }

    /// As [`FrameBuffer::next_frame`], without borrowing the buffer; for loops that look at several frames.
    #[inline]
    pub fn next_span(&mut self) -> Result<Option<FrameSpan>, ProtocolError> {
        let Some(length) = self.arriving_length()? else { return Ok(None) };
        let opcode_at = self.start.saturating_add(LENGTH_BYTES);
        let end = opcode_at.saturating_add(length);
        let Some(opcode) = self.bytes.get(opcode_at).copied().filter(|_| end <= self.bytes.len())
        else {
            return Ok(None);
        };
        self.start = end;
        Ok(Some(FrameSpan { opcode, start: opcode_at.saturating_add(1), end }))
    }

    /// The frame of a span; empty if the buffer has been filled since.
    #[inline]
    pub fn frame(&self, span: FrameSpan) -> Frame<'_> {
        let payload = self.bytes.get(span.start..span.end).unwrap_or_default();
        Frame { opcode: span.opcode, payload }
    }

    /// Lets `read` append to the buffer, and returns what it returns: the number of bytes that arrived. `read` finds
    /// room in the vector's spare capacity and need not fill or respect it.
    pub fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.compact();
        self.make_room();
        let length_before = self.bytes.len();
        let capacity = self.bytes.capacity();
        let result = read(&mut self.bytes);
        self.was_filled = self.bytes.len() > length_before && self.bytes.len() >= capacity;
        result
    }

    /// Appends bytes that have arrived some other way.
    pub fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether no byte waits in it, not even of an incomplete frame.
    pub fn is_empty(&self) -> bool {
        self.start >= self.bytes.len()
    }

    /// Bytes that wait in it.
    pub fn waiting_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(self.start)
    }

    /// Bytes of memory it holds.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets what waits in it.
    pub fn discard(&mut self) {
        self.start = self.bytes.len();
    }

    /// Gives all memory back if the buffer is empty; before a wait that may be long.
    pub fn release(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
            self.start = 0;
            self.was_filled = false;
        }
    }

    /// The length in the first frame's header, once it has arrived.
    fn arriving_length(&self) -> Result<Option<usize>, ProtocolError> {
        let waiting = self.bytes.get(self.start..).unwrap_or_default();
        let Some(header) = waiting.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header);
        if length == 0 {
            return Err(ProtocolError::FrameEmpty);
        }
        if length > self.length_max {
            let limit = self.length_max;
            return Err(ProtocolError::FrameTooLong { length: u64::from(length), limit });
        }
        Ok(Some(length as usize))
    }

    /// Moves what waits to the front. Each byte is moved at most once: afterwards the first frame begins there.
    fn compact(&mut self) {
        if self.is_empty() {
            self.bytes.clear();
        } else if self.start > 0 {
            self.bytes.drain(..self.start);
        }
        self.start = 0;
    }

    /// Makes room for a read: what has arrived again, but no more than the frame still lacks.
    fn make_room(&mut self) {
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        if length == 0 && capacity > RETAINED_BYTES_MAX {
            self.bytes = Vec::new();
            self.was_filled = false;
        }
        let lacking = match self.arriving_length() {
            Ok(Some(frame)) => frame.saturating_add(LENGTH_BYTES).saturating_sub(length),
            _ => 0,
        };
        let spare = self.bytes.capacity().saturating_sub(length);
        if spare < lacking && spare < length.max(BUFFER_BYTES_MIN) {
            self.bytes.reserve_exact(lacking.min(length).max(BUFFER_BYTES_MIN));
        } else if self.was_filled && capacity < READ_AHEAD_BYTES_MAX {
            let wanted = capacity.saturating_mul(2).clamp(BUFFER_BYTES_MIN, READ_AHEAD_BYTES_MAX);
            self.bytes.reserve_exact(wanted.saturating_sub(length));
        }
        if self.bytes.capacity() == self.bytes.len() {
            self.bytes.reserve_exact(length.max(BUFFER_BYTES_MIN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + 1).unwrap();
        [&length.to_le_bytes()[..], &[opcode], payload].concat()
    }

    /// Appends at most what the spare capacity holds, as a socket does.
    fn read_from(source: &mut &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<usize, Infallible> {
        |buffer| {
            let length = source.len().min(buffer.capacity() - buffer.len());
            let (now, later) = source.split_at(length);
            buffer.extend_from_slice(now);
            *source = later;
            Ok(length)
        }
    }

    #[test]
    fn frames_come_out_however_the_bytes_arrive() {
        let payloads: Vec<Vec<u8>> =
            (0..40).map(|size| vec![size; usize::from(size) * 33]).collect();
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| frame(9, payload)).collect();
        for step in [1, 2, 3, 5, 7, 100, 4_096, stream.len()] {
            let mut buffer = FrameBuffer::new(CLIENT_FRAME_LENGTH_MAX);
            let mut seen = Vec::new();
            for piece in stream.chunks(step) {
                buffer.push(piece);
                while let Some(frame) = buffer.next_frame().unwrap() {
                    assert_eq!(frame.opcode, 9);
                    seen.push(frame.payload.to_vec());
                }
            }
            assert_eq!(seen, payloads);
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn bad_lengths_are_seen_before_their_bytes() {
        let mut buffer = FrameBuffer::new(100);
        buffer.push(&0_u32.to_le_bytes());
        assert_eq!(buffer.next_frame(), Err(ProtocolError::FrameEmpty));
        let mut buffer = FrameBuffer::new(100);
        buffer.push(&101_u32.to_le_bytes());
        let error = ProtocolError::FrameTooLong { length: 101, limit: 100 };
        assert_eq!(buffer.next_frame(), Err(error));
        let mut buffer = FrameBuffer::new(100);
        buffer.push(&frame(9, &[1; 99]));
        assert!(buffer.next_frame().unwrap().is_some());
    }

    #[test]
    fn memory_follows_what_has_arrived_and_not_what_a_header_says() {
        let mut buffer = FrameBuffer::new(SERVER_FRAME_LENGTH_MAX);
        let all = frame(9, &vec![1; 1 << 20]);
        let mut source = &all[..];
        while buffer.next_span().unwrap().is_none() {
            buffer.fill(read_from(&mut source)).unwrap();
            let bound = (2 * buffer.waiting_bytes()).max(READ_AHEAD_BYTES_MAX);
            assert!(buffer.capacity() <= bound + BUFFER_BYTES_MIN, "{}", buffer.capacity());
        }
        assert!(buffer.is_empty() && source.is_empty());
    }

    #[test]
    fn memory_is_given_back() {
        let mut buffer = FrameBuffer::new(SERVER_FRAME_LENGTH_MAX);
        assert_eq!(buffer.capacity(), 0);
        let large = frame(9, &vec![1; 1 << 20]);
        let small = frame(8, b"x");
        let mut source = &large[..];
        while buffer.next_span().unwrap().is_none() {
            buffer.fill(read_from(&mut source)).unwrap();
        }
        buffer.fill(read_from(&mut &small[..])).unwrap();
        assert!(buffer.capacity() <= RETAINED_BYTES_MAX);
        buffer.release();
        assert!(buffer.capacity() > 0, "a frame waits in it");
        assert_eq!(buffer.next_frame().unwrap().map(|frame| frame.opcode), Some(8));
        buffer.release();
        assert_eq!(buffer.capacity(), 0);
    }

    #[test]
    fn reads_that_fill_the_buffer_make_it_larger_up_to_a_bound() {
        let stream: Vec<u8> = (0..100_000).flat_map(|_| frame(9, b"small")).collect();
        let mut source = &stream[..];
        let mut buffer = FrameBuffer::new(100);
        let mut capacities = Vec::new();
        while !source.is_empty() {
            buffer.fill(read_from(&mut source)).unwrap();
            capacities.push(buffer.capacity());
            while buffer.next_span().unwrap().is_some() {}
        }
        assert_eq!(capacities[0], BUFFER_BYTES_MIN);
        assert_eq!(capacities.last(), Some(&READ_AHEAD_BYTES_MAX));
    }
}
