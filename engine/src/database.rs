//! Database: one database in this process, and where sessions come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::administration::note_verified;
use crate::disk::real::{RealDisk, create_directory};
use crate::disk::{Disk, FileLock};
use crate::durability::archiver::{ArchiveStatus, Archiver};
use crate::durability::checkpointer::{Checkpointer, Pace};
use crate::durability::journal::Journal;
use crate::durability::keeper::Keeper;
use crate::durability::log_thread::LogThread;
use crate::durability::{self, Files, Opened};
use crate::error::{Error, Result, SqlState};
use crate::identity::{ChainState, DatabaseId};
use crate::locks::Locks;
use crate::metrics::Figure;
use crate::open_error::OpenError;
use crate::session::activity::Activity;
use crate::session::figures::figures;
use crate::session::{Defaults, Session};
use crate::storage::CommitNumber;
use crate::storage::gauge::Gauge;
use crate::storage::root::Root;
use crate::transaction::heads::Heads;
use crate::transaction::log::{CommitLog, MemoryLog};
use crate::wal::Lsn;
use crate::wal::writer::Wal;

/// Numbers the databases of this process, so that a prepared statement is not taken to another one.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// How to open a database.
#[derive(Debug, Default)]
pub struct Options {
    /// Bytes that all live data together may take before statements that grow it answer 53200; None is no limit.
    pub memory_limit_bytes: Option<usize>,
    /// What makes commits durable; None keeps them in memory.
    pub log: Option<Box<dyn CommitLog>>,
    /// What its sessions' settings are before anybody sets them.
    pub session_defaults: Defaults,
}

/// One database, shared by its sessions.
#[derive(Debug)]
pub struct Database {
    id: u64,
    memory_limit_bytes: Option<usize>,
    session_defaults: Defaults,
    heads: Arc<Heads>,
    gauge: Arc<Gauge>,
    activity: Arc<Activity>,
    locks: Arc<Locks>,
    durable: Option<Durable>,
}

/// What a database with files keeps open.
#[derive(Debug)]
struct Durable {
    journal: Arc<Journal>,
    checkpointer: Option<Arc<Checkpointer>>,
    archiver: Option<Arc<Archiver>>,
    keeper: Keeper,
    log_thread: LogThread,
    is_closed: AtomicBool,
    _locks: Vec<FileLock>,
}

/// A closed database is written as an image up to this size, so that the next start has no log to replay.
const CLOSING_IMAGE_BYTES_MAX: usize = 256 << 20;

impl Database {
    /// Opens an empty database in memory.
    pub fn open(options: Options) -> Result<Arc<Self>> {
        let root = Root::empty();
        let gauge = Arc::clone(root.shared().gauge());
        let log = options.log.unwrap_or_else(|| Box::new(MemoryLog));
        Ok(Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            memory_limit_bytes: options.memory_limit_bytes,
            session_defaults: options.session_defaults,
            heads: Arc::new(Heads::new(root, log)),
            gauge,
            activity: Arc::default(),
            locks: Arc::default(),
            durable: None,
        }))
    }

    /// Opens the database that `files` names, or makes it if none of them is there; `options.log` is not used.
    ///
    /// Each file is locked until the database is dropped. What was cut after a crash, replayed and verified is logged.
    pub fn open_files(
        options: &Options,
        files: Files,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        files.check()?;
        if let Some(directory) = &files.make_directory {
            create_directory(directory)
                .map_err(|error| OpenError::io(directory, "make the directory", &error))?;
        }
        if let Some(directory) = &files.archive {
            create_directory(directory)
                .map_err(|error| OpenError::io(directory, "make the directory", &error))?;
        }
        let files = files.resolved()?;
        files.check()?;
        let locks = files
            .paths()
            .map(|path| FileLock::acquire(path))
            .collect::<std::result::Result<_, _>>()?;
        Self::open_on(Arc::new(RealDisk), options, &files, locks)
    }

    /// Opens the database that `files` names on `disk`, whose files nobody else may have open.
    #[expect(clippy::needless_pass_by_value, reason = "the database keeps the disk for life")]
    pub fn open_on(
        disk: Arc<dyn Disk>,
        options: &Options,
        files: &Files,
        locks: Vec<FileLock>,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let Opened { root, journal, image_commit } = durability::open(&disk, files)?;
        let gauge = Arc::clone(root.shared().gauge());
        let journal = Arc::new(journal);
        // Before anything may give segments of the log free.
        let archiver = files.archive.as_ref().map(|directory| {
            Archiver::open(Arc::clone(&journal), directory, files.archive_interval)
        });
        let archiver = archiver.transpose()?.flatten().map(Arc::new);
        let heads = Arc::new(Heads::new(root, Box::new(Arc::clone(&journal))));
        if let Some(chain) = journal.chain() {
            // Nothing is opened before that is so.
            note_verified(&heads, chain.sequence);
        }
        let checkpointer = match (&files.db, &files.wal, image_commit) {
            (Some(image), Some(_), Some(commit)) => Some(Arc::new(Checkpointer::new(
                Arc::clone(&journal),
                image.clone(),
                commit,
                files.checkpoint_wal_bytes,
                files.checkpoint_interval,
            ))),
            _ => None,
        };
        let not_started = |error: std::io::Error| {
            let path = files.paths().next().cloned().unwrap_or_default();
            OpenError::io(&path, "start the threads that keep its files", &error)
        };
        let (keeper, log_thread) = if files.keeper {
            let log_thread = LogThread::start(Arc::clone(&heads)).map_err(not_started)?;
            let keeper =
                Keeper::start(Arc::clone(&heads), Arc::clone(&journal), checkpointer.clone());
            if keeper.is_err() {
                log_thread.stop();
            }
            let keeper = keeper.map_err(not_started)?;
            if let Some(archiver) = &archiver
                && let Err(error) = archiver.start()
            {
                keeper.stop(checkpointer.as_deref());
                log_thread.stop();
                return Err(not_started(error));
            }
            (keeper, log_thread)
        } else {
            (Keeper::absent(), LogThread::absent())
        };
        let is_closed = AtomicBool::new(false);
        Ok(Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            memory_limit_bytes: options.memory_limit_bytes,
            session_defaults: options.session_defaults.clone(),
            heads,
            gauge,
            activity: Arc::default(),
            locks: Arc::default(),
            durable: Some(Durable {
                journal,
                checkpointer,
                archiver,
                keeper,
                log_thread,
                is_closed,
                _locks: locks,
            }),
        }))
    }

    /// The sessions that there are.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Writes an image of what is committed, so that the log before it is not needed any more. Without a log there is
    /// nothing to do.
    pub fn checkpoint(&self) -> Result<()> {
        match self.durable.as_ref().and_then(|durable| durable.checkpointer.as_ref()) {
            Some(checkpointer) => checkpointer.run(&self.heads, Pace::Asked),
            None => Ok(()),
        }
    }

    /// Ends in order: everything is on the disk and says so. Called when the database is dropped, too; then an error is only
    /// logged. Nothing can be written afterwards.
    pub fn close(&self) -> Result<()> {
        let Some(durable) = &self.durable else {
            self.log_exact_places();
            return Ok(());
        };
        if durable.is_closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        durable.log_thread.stop();
        durable.keeper.stop(durable.checkpointer.as_deref());
        self.heads.write_queue();
        self.log_exact_places();
        if let Some(checkpointer) = &durable.checkpointer
            && self.gauge.bytes() <= CLOSING_IMAGE_BYTES_MAX
            && self.heads.refusal().is_none()
            && let Err(error) = checkpointer.run(&self.heads, Pace::Closing)
        {
            log::error!("the last checkpoint failed, the log has what it lacks: {error}");
        }
        if let Some(archiver) = &durable.archiver {
            archiver.finish();
        }
        durable.journal.close()
    }

    /// Has the log say where sequences stand exactly, so that the next start leaves no gap.
    fn log_exact_places(&self) {
        // A commit while a panic unwinds would end the process.
        if self.heads.refusal().is_some() || std::thread::panicking() {
            return;
        }
        let pending = self.heads.writer.lock_uninterrupted();
        let mut next = Root::clone(&pending.root);
        let mut is_behind = false;
        for sequence in pending.root.sequences() {
            let (value, is_called) = sequence.state.position();
            if (sequence.logged.value, sequence.logged.is_called) != (value, is_called) {
                next.log_sequence(sequence.id(), sequence.state.exact());
                is_behind = true;
            }
        }
        if is_behind {
            let outcome = self.heads.queue(pending, next, None, Vec::new());
            if let Err(error) = self.heads.settle(&outcome) {
                log::warn!("sequences go on with a gap at the next start: {error}");
            }
        }
    }

    /// Commits without a change: the root after it stands where the log and the audit chain are now.
    pub(crate) fn commit_nothing(&self) -> Result<()> {
        let pending = self.heads.writer.lock_uninterrupted();
        let next = Root::clone(&pending.root);
        let outcome = self.heads.queue(pending, next, None, Vec::new());
        self.heads.settle(&outcome).map(|_| ())
    }

    /// Its identity, which all its files carry; None in memory.
    pub fn database_id(&self) -> Option<DatabaseId> {
        self.durable.as_ref().map(|durable| durable.journal.id)
    }

    /// Where its audit chain stands; None without an audit log.
    pub fn audit_head(&self) -> Option<ChainState> {
        self.durable.as_ref().and_then(|durable| durable.journal.chain())
    }

    /// Its files; None in memory.
    pub fn journal(&self) -> Option<&Arc<Journal>> {
        self.durable.as_ref().map(|durable| &durable.journal)
    }

    /// Archives the log up to the last commit; nothing is done without an archive.
    pub fn archive(&self) -> std::result::Result<(), OpenError> {
        let archiver = self.durable.as_ref().and_then(|durable| durable.archiver.as_ref());
        archiver.map_or(Ok(()), |archiver| archiver.archive_all())
    }

    /// How archiving fares; None without an archive.
    pub fn archive_status(&self) -> Option<ArchiveStatus> {
        let archiver = self.durable.as_ref()?.archiver.as_ref()?;
        Some(archiver.status())
    }

    /// Keeps checkpoints from beginning until what it answers is dropped.
    pub(crate) fn hold_checkpoints(&self) -> Option<impl Drop> {
        let checkpointer = self.durable.as_ref()?.checkpointer.as_ref()?;
        Some(checkpointer.hold())
    }

    /// Why nothing can be written any more until the next start, if so: a sync of the log has failed.
    pub fn refusal(&self) -> Option<Error> {
        self.heads.refusal()
    }

    /// What is published now: one version of the whole database, kept alive by whoever holds it.
    pub fn published_root(&self) -> Arc<Root> {
        self.heads.published()
    }

    /// The last published commit.
    pub fn published_commit(&self) -> CommitNumber {
        self.heads.published().commit
    }

    /// Where the log goes on; None without one.
    pub fn wal_position(&self) -> Option<Lsn> {
        self.durable.as_ref()?.journal.wal.as_ref().map(Wal::position)
    }

    /// The commit that the image shows; None without a log beside it.
    pub fn image_commit(&self) -> Option<CommitNumber> {
        let checkpointer = self.durable.as_ref()?.checkpointer.as_ref()?;
        Some(CommitNumber(checkpointer.image_commit()))
    }

    /// Has what is acknowledged before it is durable written soon.
    pub(crate) fn flush_soon(&self) {
        match &self.durable {
            Some(durable) => durable.keeper.flush(),
            None => self.heads.write_queue(),
        }
    }

    /// A new session.
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self))
    }

    /// What its sessions' settings are before anybody sets them.
    pub fn session_defaults(&self) -> &Defaults {
        &self.session_defaults
    }

    /// The limit it was opened with.
    pub fn memory_limit_bytes(&self) -> Option<usize> {
        self.memory_limit_bytes
    }

    /// What its sessions have locked, and who waits.
    pub fn locks(&self) -> &Arc<Locks> {
        &self.locks
    }

    /// Counters of what is alive.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// Everything that is counted, by name: `spg_stats`.
    pub fn figures(&self) -> Vec<Figure> {
        figures(&self.heads, &self.activity)
    }

    /// The longest that a writer has held the writer lock since this was last asked: what any other writer may have waited.
    pub fn take_longest_writer_hold(&self) -> std::time::Duration {
        self.heads.writer.take_longest_hold()
    }

    /// The number in which this database differs from the others of this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    #[inline]
    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// Bytes that the limit leaves for data to grow by.
    #[inline]
    pub(crate) fn memory_left(&self) -> usize {
        self.memory_limit_bytes.map_or(usize::MAX, |limit| limit.saturating_sub(self.gauge.bytes()))
    }

    /// 53200 when the data takes more than the limit: asked before a statement that grows it.
    #[inline]
    pub(crate) fn check_memory(&self) -> Result<()> {
        match self.memory_limit_bytes {
            Some(limit) if self.gauge.bytes() > limit => Err(over_limit(self.gauge.bytes(), limit)),
            _ => Ok(()),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            log::error!(
                "could not close the database in order, the next start recovers it: {error}"
            );
        }
    }
}

#[cold]
fn over_limit(used: usize, limit: usize) -> Error {
    Error::new(SqlState::OutOfMemory, "out of memory")
        .with_detail(format!("The data takes {used} bytes; the database's limit is {limit} bytes."))
        .with_hint(
            "Delete rows, drop or truncate tables, or start with a higher --memory-limit. Reads and deletes go on.",
        )
}
