//! `verify`: that image, log and audit chain give what is in memory, and that indexes hold what tables hold.

use std::path::Path;

use super::audit_log::note_verified;
use super::compare::{difference, index_fault};
use super::{Answer, Options, differs};
use crate::audit;
use crate::checkpoint;
use crate::database::Database;
use crate::durability::journal::Journal;
use crate::durability::replay::{Anchor, Replay};
use crate::error::{Error, Result};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::session::{CommandTag, RowSink};
use crate::storage::root::Root;
use crate::types::{DataType, ValueRef};
use crate::wal::Lsn;
use crate::wal::reader::{Range, Record, scan};

/// Checks everything; reads go on, writes too, a checkpoint waits. Takes the memory of the data once more.
pub(super) fn verify(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&[])?;
    // Invariant: while this is held the image stays and the log keeps its segments.
    let _checkpoint = database.hold_checkpoints();
    let root = database.published_root();
    let mut answer = Answer::new(sink, &[("part", DataType::Text), ("detail", DataType::Text)])?;
    if let Some(journal) = database.journal() {
        if let Some(image) = &journal.image {
            let detail = files_give(journal, image, &root, options)?;
            for (part, detail) in detail {
                answer.row(&[ValueRef::Text(part), ValueRef::Text(&detail)])?;
            }
        }
        if let Some(log) = &journal.audit {
            let report =
                audit::verify(&options.disk(journal), log.path(), journal.key().as_ref(), None)
                    .map_err(|fault| options.differs(&fault))?;
            note_verified(database.heads(), report.state.sequence);
            let detail =
                format!("{} entries, {} bytes, every link verified", report.entries, report.bytes);
            answer.row(&[ValueRef::Text("audit log"), ValueRef::Text(&detail)])?;
        }
    }
    if let Some(fault) = index_fault(&root, &options.interrupt)? {
        return Err(differs(fault));
    }
    let (tables, rows, indexes) =
        root.tables().fold((0, 0, 0), |(tables, rows, indexes), table| {
            (tables + 1, rows + table.row_count(), indexes + table.indexes().len())
        });
    let detail = format!(
        "{tables} tables, {rows} rows, {indexes} indexes agree, as of commit {}",
        root.commit.0
    );
    answer.row(&[ValueRef::Text("memory"), ValueRef::Text(&detail)])?;
    answer.end()
}

/// Loads the image and replays the log up to the root; they must give that root.
fn files_give(
    journal: &Journal,
    image: &Path,
    root: &Root,
    options: &Options<'_>,
) -> Result<Vec<(&'static str, String)>> {
    let damaged = |error: OpenError| options.differs(&error);
    let (disk, check) = (options.disk(journal), &|| options.interrupt.check());
    let loaded =
        checkpoint::load(&disk, image, Some(journal.id), &mut |_| {}, check).map_err(damaged)?;
    let header = loaded.header;
    let anchor = Anchor::of(&header, loaded.hash, journal.key().as_ref());
    let mut details = vec![(
        "image",
        format!("{} rows, {} bytes, as of commit {}", loaded.rows, loaded.bytes, header.commit.0),
    )];
    let mut replay = Replay::new(loaded.root, anchor);
    if let (Some(wal), Some(place)) = (&journal.wal, root.place.get()) {
        // Up to the root's own record; what was written behind it is not asked for.
        let range =
            Range { from: Some(Lsn(header.lsn)), to: Some(Lsn(place.lsn.saturating_add(1))) };
        let take = &mut |path: &Path, record: Record<'_>| {
            let ended = |error: Error| OpenError::new(OpenErrorKind::Io, path, error.to_string());
            options.interrupt.check().map_err(ended)?;
            replay.take(path, record)
        };
        let scanned = scan(wal.segments(), range, take).map_err(damaged)?;
        let detail = format!("{} commits, {} bytes after the image", replay.commits, scanned.bytes);
        details.push(("write-ahead log", detail));
    }
    if replay.root.commit != root.commit {
        return Err(differs(format!(
            "the files end with commit {}, memory with commit {}",
            replay.root.commit.0, root.commit.0
        )));
    }
    let mut fault = difference(&replay.root, root, &options.interrupt)?;
    if fault.is_none() {
        fault = index_fault(&replay.root, &options.interrupt)?;
    }
    fault.map_or(Ok(details), |what| Err(differs(what)))
}
