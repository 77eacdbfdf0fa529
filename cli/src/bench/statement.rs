//! A statement of a workload: prepared, or written out with its values each time.

use std::io::Write;
use std::str::Utf8Error;

use spg_wire::message::client;
use spg_wire::{Opcode, ProtocolError, ValueRef};

/// A statement and what it must answer.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its text, with `$n`.
    pub(super) text: String,
    /// Rows that it answers or changes.
    pub(super) rows: u64,
    /// Whether it answers them.
    is_read: bool,
    /// The text between the parameters; before each but the first stands the parameter of that index.
    pieces: Vec<(Option<usize>, String)>,
}

impl Statement {
    pub(super) fn new(text: String, rows: u64) -> Self {
        let mut parts = text.split('$');
        let first = parts.next().unwrap_or_default().to_owned();
        let mut pieces = vec![(None, first)];
        for part in parts {
            let (digit, rest) = part.split_at(1);
            let number: usize = digit.parse().expect("a workload has less than ten parameters");
            pieces.push((Some(number - 1), rest.to_owned()));
        }
        let is_read = text.starts_with("SELECT");
        Self { text, rows, is_read, pieces }
    }

    /// Whether it has done what it had to: `rows` is what its `CommandComplete` says, `data_rows` how many came.
    #[inline]
    pub(super) fn is_answered_by(&self, rows: u64, data_rows: u64) -> bool {
        rows == self.rows && data_rows == if self.is_read { rows } else { 0 }
    }

    /// Writes the request that runs it by its text.
    pub(super) fn query(
        &self,
        values: &[ValueRef<'_>],
        text: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let text = self.written_out(values, text).map_err(|_| ProtocolError::InvalidUtf8)?;
        client::query(out, text)
    }

    /// The text with its values, written into `text`.
    pub(super) fn written_out<'a>(
        &self,
        values: &[ValueRef<'_>],
        text: &'a mut Vec<u8>,
    ) -> Result<&'a str, Utf8Error> {
        text.clear();
        for (parameter, piece) in &self.pieces {
            if let Some(value) = parameter.and_then(|index| values.get(index)) {
                write_literal(*value, text);
            }
            text.extend_from_slice(piece.as_bytes());
        }
        std::str::from_utf8(text)
    }
}

/// Writes the request that runs what was prepared under `index`.
#[inline]
pub(super) fn execute(
    index: usize,
    values: &[ValueRef<'_>],
    out: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    client::bind(out, index as u32, values.iter().copied())?;
    client::plain(out, Opcode::Execute);
    client::plain(out, Opcode::Sync);
    Ok(())
}

/// The kinds of values that workloads have.
fn write_literal(value: ValueRef<'_>, text: &mut Vec<u8>) {
    let written = match value {
        ValueRef::Int4(number) => write!(text, "{number}"),
        ValueRef::Int8(number) => write!(text, "{number}"),
        ValueRef::Text(value) => write!(text, "'{}'", value.replace('\'', "''")),
        ValueRef::Vector(vector) => {
            text.push(b'[');
            for (place, number) in vector.iter().enumerate() {
                let separator = if place > 0 { "," } else { "" };
                write!(text, "{separator}{number}").expect(IN_MEMORY);
            }
            text.push(b']');
            Ok(())
        }
        _ => unreachable!("no workload has such a parameter"),
    };
    written.expect(IN_MEMORY);
}

/// Why writing cannot fail here.
const IN_MEMORY: &str = "writing to memory cannot fail";

#[cfg(test)]
mod tests {
    use super::*;
    use spg_wire::value::Floats;
    use spg_wire::{ClientMessage, Frame};

    #[test]
    fn values_are_written_where_the_parameters_stand() {
        let values = [
            ValueRef::Int4(-5),
            ValueRef::Text("it's"),
            ValueRef::Vector(Floats::Numbers(&[1.5, 2.0])),
        ];
        for (text, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT $1", "SELECT -5"),
            ("a $2 b $1 c", "a 'it''s' b -5 c"),
            ("v <-> $3 LIMIT 10", "v <-> [1.5,2] LIMIT 10"),
        ] {
            let (mut scratch, mut out) = (Vec::new(), Vec::new());
            Statement::new(text.to_owned(), 1).query(&values, &mut scratch, &mut out).unwrap();
            let frame = Frame { opcode: out[4], payload: &out[5..] };
            assert_eq!(ClientMessage::decode(frame), Ok(ClientMessage::Query(expected)));
        }
    }
}
