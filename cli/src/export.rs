//! `export`: a table as CSV that `import` reads back as it was.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;

use crate::console::Console;
use crate::failure::{Ended, Outcome};
use crate::format::CsvFormat;
use crate::output_file::{OutputFile, cannot_write};
use crate::progress::Progress;
use crate::table_name::TableName;
use crate::target::Target;

/// Writes the table into `path`, gzipped if it ends in `.gz`; answers its tag.
///
/// The file appears when it is whole, and after an error the old one is still there; a pipe or a device is written into.
pub(crate) fn to_file(table: &str, path: &Path, target: &mut Target) -> Outcome<String> {
    let table = TableName::parse(table)?;
    match write_file(&table, path, target) {
        Ok(rows) => Ok(format!("EXPORT {rows}")),
        Err(Ended::Statement(failure)) => Err(failure),
        Err(Ended::Output(error)) => Err(cannot_write(path, &error).into()),
    }
}

/// Writes the table to standard output, whatever the console's format; only an error is shown in that.
pub(crate) fn to_output(table: &str, console: &mut Console) -> io::Result<()> {
    let out = BufWriter::with_capacity(64 << 10, io::stdout());
    let target = &mut console.target;
    let written = match TableName::parse(table) {
        Ok(table) => console.interrupt.during(|| {
            let (_, mut out) = write(&table, out, target)?;
            Ok(out.flush()?)
        }),
        Err(error) => Err(Ended::Statement(error.into())),
    };
    console.show_written("table", written)
}

fn write_file(table: &TableName, path: &Path, target: &mut Target) -> Result<u64, Ended> {
    let output = OutputFile::create(path)?;
    let buffer = BufWriter::with_capacity(64 << 10, output.file());
    let rows = if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        let encoder = GzEncoder::new(buffer, Compression::default());
        let (rows, encoder) = write(table, encoder, target)?;
        encoder.finish()?.flush()?;
        rows
    } else {
        let (rows, mut buffer) = write(table, buffer, target)?;
        buffer.flush()?;
        rows
    };
    output.finish()?;
    Ok(rows)
}

fn write<W: Write>(table: &TableName, out: W, target: &mut Target) -> Result<(u64, W), Ended> {
    let mut sink = CountedRows { rows: CsvFormat::new(out), progress: Progress::rows("exporting") };
    let result = target.execute(&table.select_all(), &mut sink);
    // An error of the output ends the statement with an error too; the output's own says more.
    sink.rows.check()?;
    result.map_err(|failure| Ended::Statement(table.without_position(failure)))?;
    Ok((sink.rows.rows(), sink.rows.into_inner()))
}

/// CSV that moves a progress display.
struct CountedRows<W> {
    rows: CsvFormat<W>,
    progress: Progress,
}

impl<W: Write> RowSink for CountedRows<W> {
    fn columns(&mut self, columns: &[OutputColumn]) -> spg_engine::Result<()> {
        self.rows.columns(columns)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> spg_engine::Result<()> {
        self.progress.advance(batch.len() as u64);
        self.rows.batch(batch)
    }

    fn notice(&mut self, notice: &Notice) {
        self.rows.notice(notice);
    }
}
