//! `export`: a table as CSV that `import` reads back as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, Prepared, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::{Error, Result, Session, SqlState};

use crate::console::Console;
use crate::format::CsvFormat;
use crate::progress::Progress;
use crate::table_name::TableName;

/// Writes the table into `path`, gzipped if it ends in `.gz`; answers the number of rows.
///
/// The file appears when it is whole: a reader never sees half of it, and after an error the old one is still there.
pub(crate) fn to_file(table: &str, path: &Path, session: &mut Session) -> Result<u64> {
    let table = TableName::parse(table)?;
    let statement = table.select_all(session)?;
    write_file(&statement, path, session).map_err(|failure| match failure {
        Failure::Statement(error) => error,
        Failure::Output(error) => cannot_write(path, &error),
    })
}

/// Writes the table to standard output, whatever the console's format; only an error is shown in that.
pub(crate) fn to_output(table: &str, console: &mut Console) -> io::Result<()> {
    let out = BufWriter::with_capacity(64 << 10, io::stdout());
    let statement =
        TableName::parse(table).and_then(|table| table.select_all(&mut console.session));
    let written = statement
        .map_err(Failure::Statement)
        .and_then(|statement| write(&statement, out, &mut console.session));
    match written {
        Ok((_, mut out)) => out.flush(),
        Err(Failure::Statement(error)) => console.show(&Err(error), ""),
        Err(Failure::Output(error)) => Err(error),
    }
}

/// What ended an export.
enum Failure {
    /// The rows could not be read.
    Statement(Error),
    /// They could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn write_file(
    statement: &Prepared,
    path: &Path,
    session: &mut Session,
) -> std::result::Result<u64, Failure> {
    let unfinished = Unfinished::create(path)?;
    let buffer = BufWriter::with_capacity(64 << 10, &unfinished.file);
    let rows = if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        let encoder = GzEncoder::new(buffer, Compression::default());
        let (rows, encoder) = write(statement, encoder, session)?;
        encoder.finish()?.flush()?;
        rows
    } else {
        let (rows, mut buffer) = write(statement, buffer, session)?;
        buffer.flush()?;
        rows
    };
    unfinished.finish(path)?;
    Ok(rows)
}

fn write<W: Write>(
    statement: &Prepared,
    out: W,
    session: &mut Session,
) -> std::result::Result<(u64, W), Failure> {
    let mut sink = CountedRows { rows: CsvFormat::new(out), progress: Progress::rows("exporting") };
    let result = session.execute_prepared(statement, &[], &mut sink);
    // An error of the output ends the statement with an error too; the output's own says more.
    sink.rows.check()?;
    result.map_err(Failure::Statement)?;
    Ok((sink.rows.rows(), sink.rows.into_inner()))
}

/// CSV that moves a progress display.
struct CountedRows<W> {
    rows: CsvFormat<W>,
    progress: Progress,
}

impl<W: Write> RowSink for CountedRows<W> {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.rows.columns(columns)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.progress.advance(batch.len() as u64);
        self.rows.batch(batch)
    }

    fn notice(&mut self, notice: &Notice) {
        self.rows.notice(notice);
    }
}

/// A file beside the one to be written; removed unless it is finished.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let path = target.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing left under this name.
        fs::remove_file(&self.path).ok();
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DiskFull,
        _ => SqlState::IoError,
    };
    Error::new(class, format!("could not write file \"{}\": {error}", path.display()))
}
