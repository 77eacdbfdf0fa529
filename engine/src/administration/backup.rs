//! `backup`: everything as of one commit, into a new directory.

use std::time::{Duration, Instant};

use super::{Answer, Options};
use crate::backup::{self, Progress};
use crate::database::Database;
use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::locks::Patience;
use crate::session::{CommandTag, Notice, RowSink};
use crate::types::{DataType, ValueRef};

/// How often it is told how far a backup is.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// Makes a backup; reads, writes and checkpoints go on.
pub(super) fn backup(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&["directory", "progress"])?;
    let directory = options.directory()?;
    let journal = database.journal().filter(|journal| journal.image.is_some()).ok_or_else(|| {
        Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            "this database keeps its data in memory, and has nothing that could be restored from files",
        )
        .with_hint("spg dump writes it as SQL.")
    })?;
    wait_for_acknowledged(database, options.interrupt.as_ref())?;
    let mut told = options.flag("progress")?.then_some(Told { sink: &mut *sink, last: None });
    let mut pace = |progress| {
        if let Some(told) = &mut told {
            told.tell(progress);
        }
        options.interrupt.check()
    };
    let written = backup::write(journal, || database.published_root(), directory, &mut pace)?;
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

/// Waits until what was acknowledged before it was durable (`synchronous_commit = off`) is published.
fn wait_for_acknowledged(database: &Database, interrupt: &Interrupt) -> Result<()> {
    let heads = database.heads();
    let (_, outcome) = heads.newest(&Patience { lock_timeout: None, interrupt })?;
    // Where the log has failed, what was published before is all there is.
    heads.settle(&outcome).ok();
    Ok(())
}

/// Who wants to be told how far the backup is, and when that was done last.
struct Told<'a> {
    sink: &'a mut dyn RowSink,
    last: Option<Instant>,
}

impl Told<'_> {
    fn tell(&mut self, progress: Progress) {
        if self.last.is_some_and(|last| last.elapsed() < TOLD_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let message = format!("{} {}", progress.bytes, progress.bytes_total);
        self.sink.notice(&Notice::new("INFO", SqlState::SuccessfulCompletion, message));
    }
}
