//! `backup`: everything as of one commit, into a new directory.

use super::{Answer, Options};
use crate::backup;
use crate::database::Database;
use crate::error::{Error, Result, SqlState};
use crate::session::{CommandTag, RowSink};
use crate::types::{DataType, ValueRef};

/// Makes a backup; reads, writes and checkpoints go on.
pub(super) fn backup(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&["directory"])?;
    let directory = options.directory()?;
    let journal = database.journal().filter(|journal| journal.image.is_some()).ok_or_else(|| {
        Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            "this database keeps its data in memory, and has nothing that could be restored from files",
        )
        .with_hint("spg dump writes it as SQL.")
    })?;
    let written = backup::write(journal, || database.published_root(), directory, &|| {
        options.interrupt.check()
    })?;
    log::info!(
        "backup: {} bytes in {} files, as of commit {}, in {:.3} s, in {}",
        written.bytes,
        written.files,
        written.manifest.commit,
        written.took.as_secs_f64(),
        directory.display()
    );
    let columns = [
        ("commit", DataType::Int8),
        ("bytes", DataType::Int8),
        ("files", DataType::Int8),
        ("seconds", DataType::Float8),
    ];
    let mut answer = Answer::new(sink, &columns)?;
    answer.row(&[
        ValueRef::Int8(written.manifest.commit as i64),
        ValueRef::Int8(written.bytes as i64),
        ValueRef::Int8(written.files as i64),
        ValueRef::Float8((written.took.as_secs_f64() * 1e3).round() / 1e3),
    ])?;
    answer.end()
}
