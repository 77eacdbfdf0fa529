//! CopyOut: rows in bulk, many in a frame.

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{CommandTag, Notice, Prepared, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::{Error, Result, SqlState};
use spg_wire::encode::CopyWriter;
use spg_wire::frame::SERVER_FRAME_LENGTH_MAX;
use spg_wire::message::client::CopySource;
use spg_wire::message::server;
use spg_wire::{Opcode, RowWriter};

use super::conversation::Client;
use super::output::Output;
use super::reply::{send, too_large, write_row};
use super::translate;
use crate::limits::FLUSH_BYTES;

impl Client<'_> {
    pub(super) fn copy_out(&mut self, source: CopySource<'_>) {
        self.settle();
        let result = self.copy_source(source).and_then(|prepared| {
            let mut rows = CopyRows { output: self.output };
            self.session.execute_prepared(&prepared, &[], &mut rows)
        });
        match result {
            Ok(CommandTag::Rows(_, rows)) => {
                server::plain(&mut self.output.bytes, Opcode::CopyEnd);
                self.complete(&CommandTag::Rows("COPY", rows));
            }
            Ok(CommandTag::Plain(_)) => unreachable!("what answers rows has a number in its tag"),
            Err(error) => self.statement_failed(&error),
        }
    }

    fn copy_source(&mut self, source: CopySource<'_>) -> Result<Prepared> {
        let prepared = match source {
            CopySource::Table(table) => select(&mut self.session, table, &[])?,
            CopySource::Query(text) => self.session.prepare(text)?,
        };
        if prepared.columns().is_empty() {
            let message = "COPY needs a query that answers rows";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        if !prepared.parameters().is_empty() {
            let message = "there is no parameter $1";
            return Err(Error::new(SqlState::UndefinedParameter, message));
        }
        Ok(prepared)
    }
}

/// Prepares the statement that reads `columns` of a table (none: all), both named as the catalog has them.
pub(super) fn select(
    session: &mut spg_engine::Session,
    table: &str,
    columns: &[&str],
) -> Result<Prepared> {
    let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let list = if names.is_empty() { "*".to_owned() } else { names.join(", ") };
    session.prepare(&format!("SELECT {list} FROM {}", quoted(table))).map_err(|error| {
        // Without the position in a statement that the client has not written.
        let fields = error.fields();
        Error::new(fields.sqlstate, fields.message.clone())
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes frames of rows.
struct CopyRows<'a> {
    output: &'a mut Output,
}

impl RowSink for CopyRows<'_> {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        let columns = columns.iter().map(translate::column);
        server::columns(&mut self.output.bytes, Opcode::CopyOutReady, columns);
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        let mut place = 0;
        while place < batch.len() {
            let mut frame = CopyWriter::begin(&mut self.output.bytes, Opcode::CopyRows);
            while place < batch.len() && frame.bytes() < FLUSH_BYTES {
                let row: RowWriter<'_> = frame.row();
                if let Err(error) = write_row(row, batch, place) {
                    frame.abandon();
                    return Err(too_large(&error));
                }
                frame.row_done();
                place += 1;
            }
            frame.finish_within(SERVER_FRAME_LENGTH_MAX).map_err(|error| too_large(&error))?;
            if self.output.is_full() {
                send(self.output)?;
            }
        }
        self.output.handle.counters().rows_sent.add(batch.len() as u64);
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        server::notice_response(&mut self.output.bytes, &translate::notice_fields(notice));
    }
}
