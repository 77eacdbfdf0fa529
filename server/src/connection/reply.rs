//! A statement's rows on their way to the client: from the engine's columns straight into the output buffer.

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::types::datetime::Interval;
use spg_engine::{Error, Result, SqlState, ValueRef};
use spg_wire::message::server;
use spg_wire::{Opcode, ProtocolError, RowWriter};

use super::output::Output;
use super::translate;

/// Writes DataRows.
pub(super) struct Reply<'a> {
    output: &'a mut Output,
    /// Whether the columns are told before the rows.
    describes: bool,
}

impl<'a> Reply<'a> {
    /// Rows without RowDescription, unless `describes`.
    #[inline]
    pub(super) fn new(output: &'a mut Output, describes: bool) -> Self {
        Self { output, describes }
    }
}

impl RowSink for Reply<'_> {
    #[inline]
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        if self.describes {
            let described = columns.iter().map(translate::column);
            server::columns(&mut self.output.bytes, Opcode::RowDescription, described);
        }
        Ok(())
    }

    #[inline]
    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        let rows = batch.len();
        for place in 0..rows {
            let row = RowWriter::data_row(&mut self.output.bytes);
            write_row(row, batch, place).map_err(|error| too_large(&error))?;
            if self.output.is_full() {
                send(self.output)?;
            }
        }
        self.output.handle.counters().rows_sent.add(rows as u64);
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        server::notice_response(&mut self.output.bytes, &translate::notice_fields(notice));
        if notice.severity == "INFO" {
            // How far work is helps only while it goes on. Where this fails, so will sending the answer.
            let _ = send(self.output);
        }
    }
}

/// Writes the values of one row of a batch.
#[inline]
pub(super) fn write_row(
    mut writer: RowWriter<'_>,
    batch: &Batch<'_>,
    place: usize,
) -> std::result::Result<(), ProtocolError> {
    let row = batch.selection.row(place);
    for column in &batch.columns {
        match column.get(row) {
            ValueRef::Int4(value) => writer.push_i32(value),
            ValueRef::Text(value) => writer.push_text(value),
            ValueRef::Int8(value) => writer.push_i64(value),
            ValueRef::Float8(value) => writer.push_f64(value),
            ValueRef::Null => writer.push_null(),
            ValueRef::Bool(value) => writer.push_bool(value),
            ValueRef::Int2(value) => writer.push_i16(value),
            ValueRef::Float4(value) => writer.push_f32(value),
            ValueRef::Date(value) => writer.push_i32(value.0),
            ValueRef::Time(value) => writer.push_i64(value.0),
            ValueRef::Timestamp(value) => writer.push_i64(value.0),
            ValueRef::TimestampTz(value) => writer.push_i64(value.0),
            ValueRef::Interval(Interval { months, days, microseconds }) => {
                writer.push_interval(spg_wire::value::Interval { months, days, microseconds });
            }
            ValueRef::Vector(value) => writer.push_vector(value),
        }
    }
    writer.finish()
}

/// Sends what there is in the middle of a statement, which ends if that fails.
#[cold]
pub(super) fn send(output: &mut Output) -> Result<()> {
    output.send().map_err(|_| {
        Error::new(SqlState::ConnectionFailure, "the client no longer reads its answer")
    })
}

/// 54000 for a row that no frame holds.
#[cold]
pub(super) fn too_large(error: &ProtocolError) -> Error {
    Error::new(SqlState::ProgramLimitExceeded, format!("a row is too large to be sent: {error}"))
}
