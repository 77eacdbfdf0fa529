//! The archiver: copies full segments of the log to another directory, and keeps the log from using them again before.
//!
//! Invariants:
//! - A segment is given free only after its copy is synced and has its name, and the name is synced.
//! - Segments are archived in the order of the log. One that cannot be is tried again; it and those behind it stay where they
//!   are meanwhile, commits go on, and the operator is told in the log and in the figures.
//! - The archive is one history: at the start it may hold nothing that this log has not reached, and never two segments of one
//!   name. A log that was cut, or of a restored database, needs another directory.
//!
//! A segment is also ended when commits in it are older than an interval, and when the database is closed in order, so that
//! the archive is never further behind than that.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::durability::journal::Journal;
use crate::identity::DatabaseId;
use crate::open_error::{OpenError, OpenErrorKind};
use crate::wal::Lsn;
use crate::wal::full;
use crate::wal::record::{HEADER_BYTES, Header};
use crate::wal::segment::Segments;
use crate::wal::writer::Wal;

/// What the names in an archive begin with, whatever the log is called.
const NAME: &str = "wal.log";

/// How often it looks around.
const TICK: Duration = Duration::from_millis(200);

/// A segment that could not be archived is not tried again before this.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The segments that an archive has of a database.
pub fn archived_segments(disk: &Arc<dyn Disk>, directory: &Path, id: DatabaseId) -> Segments {
    Segments { disk: Arc::clone(disk), prefix: directory.join(NAME), id }
}

/// How archiving fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveStatus {
    /// Everything before this place of the log is in the archive.
    pub position: Lsn,
    /// Segments archived since the start.
    pub segments: u64,
    /// Attempts that failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; None if it did not.
    pub failure: Option<String>,
}

/// Archives the log of one open database.
#[derive(Debug)]
pub struct Archiver {
    journal: Arc<Journal>,
    archive: Segments,
    /// Commits do not wait longer than this for their segment to be ended.
    interval: Duration,
    /// One archives at a time.
    work: Mutex<Work>,
    status: Mutex<ArchiveStatus>,
    signal: Signal,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Work {
    /// Segments before this are archived.
    done: Lsn,
    /// [`Journal::wal_bytes`] when a segment was last ended, and when that was. At the start the segment may have commits of
    /// a process that was killed.
    ended_bytes: u64,
    ended_at: Instant,
    failed_at: Option<Instant>,
}

#[derive(Debug, Default)]
struct Signal {
    stop: Mutex<bool>,
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Archiver {
    /// Of a database that was just opened, into a directory, which is made if it is not there. From now on the log keeps what
    /// is not archived.
    pub fn open(
        journal: Arc<Journal>,
        directory: &Path,
        interval: Duration,
    ) -> Result<Option<Self>, OpenError> {
        let Some(wal) = &journal.wal else { return Ok(None) };
        let archive = archived_segments(&journal.disk, directory, journal.id);
        check_history(&archive, wal)?;
        wal.keep_from(Lsn(0)).map_err(|error| OpenError::io(directory, "archive into", &error))?;
        let work =
            Work { done: Lsn(0), ended_bytes: u64::MAX, ended_at: Instant::now(), failed_at: None };
        let archiver = Self {
            journal,
            archive,
            interval,
            work: Mutex::new(work),
            status: Mutex::default(),
            signal: Signal::default(),
            thread: Mutex::new(None),
        };
        archiver.try_to_write();
        Ok(Some(archiver))
    }

    /// Tells now whether the archive cannot be written, not when the first segment is full.
    fn try_to_write(&self) {
        let (disk, path) = (&self.archive.disk, self.archive.unfinished_path());
        let tried = disk.create(&path).and_then(|_| disk.remove(&path));
        self.tell(tried.map_err(|error| OpenError::io(&path, "archive", &error)).err().as_ref());
    }

    /// Starts its thread.
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let archiver = Arc::clone(self);
        let builder = std::thread::Builder::new().name("spg-archiver".to_owned());
        let thread = builder.spawn(move || archiver.run())?;
        *lock(&self.thread) = Some(thread);
        Ok(())
    }

    /// Ends its thread, the segment that is written to, and archives what there is; called before the log is closed.
    pub fn finish(&self) {
        *lock(&self.signal.stop) = true;
        self.signal.changed.notify_one();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            log::error!("the thread that archives the log has panicked");
        }
        if let Err(error) = self.archive_all() {
            log::error!("not all of the log is archived, the next start goes on with it: {error}");
        }
    }

    /// Where the archive is.
    pub fn directory(&self) -> &Path {
        self.archive.directory()
    }

    /// How it fares.
    pub fn status(&self) -> ArchiveStatus {
        lock(&self.status).clone()
    }

    /// Archives everything that is committed: ends the segment that is written to, if something was committed in it.
    pub fn archive_all(&self) -> Result<(), OpenError> {
        let mut work = lock(&self.work);
        self.end_segment(&mut work);
        self.archive_full(&mut work)
    }

    fn run(&self) {
        while self.wait() {
            let mut work = lock(&self.work);
            if work.ended_at.elapsed() >= self.interval {
                self.end_segment(&mut work);
            }
            let rests = work.failed_at.is_some_and(|at| at.elapsed() < RETRY_AFTER);
            if !rests {
                // What is wrong has been said.
                let _ = self.archive_full(&mut work);
            }
        }
    }

    /// Waits for the next tick; false ends the thread.
    fn wait(&self) -> bool {
        let stop = lock(&self.signal.stop);
        let waited = self.signal.changed.wait_timeout_while(stop, TICK, |stop| !*stop);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends the segment that is written to, if there are commits since the last time. One that cannot be ended now is later.
    fn end_segment(&self, work: &mut Work) {
        let bytes = self.journal.wal_bytes();
        if bytes != work.ended_bytes && self.journal.end_segment() {
            work.ended_bytes = bytes;
        }
        work.ended_at = Instant::now();
    }

    fn archive_full(&self, work: &mut Work) -> Result<(), OpenError> {
        let Some(wal) = &self.journal.wal else { return Ok(()) };
        let current = wal.current_segment();
        if work.done >= current {
            return Ok(());
        }
        let archived = self.archive_before(current, work, wal);
        work.failed_at = archived.is_err().then(Instant::now);
        self.tell(archived.as_ref().err());
        archived
    }

    fn archive_before(&self, current: Lsn, work: &mut Work, wal: &Wal) -> Result<(), OpenError> {
        let segments = wal.segments();
        let io = |path: PathBuf| move |error| OpenError::io(&path, "archive", &error);
        let starts = segments.list().map_err(io(segments.prefix.clone()))?;
        let left = starts.into_iter().filter(|start| *start >= work.done && *start < current);
        for start in left.collect::<Vec<_>>() {
            // What is about to be used again was archived before.
            if segments.is_being_recycled(start).map_err(io(segments.path(start)))? {
                continue;
            }
            full::copy(segments, start, &self.archive)?;
            work.done = Lsn(start.0.saturating_add(1));
            let mut status = lock(&self.status);
            status.segments = status.segments.saturating_add(1);
        }
        work.done = current;
        lock(&self.status).position = current;
        if let Err(error) = wal.keep_from(current) {
            log::warn!("could not give archived segments of the log free: {error}");
        }
        Ok(())
    }

    /// Keeps what became of an attempt, and says what changed.
    fn tell(&self, failure: Option<&OpenError>) {
        let mut status = lock(&self.status);
        let failure = failure.map(ToString::to_string);
        if let Some(failure) = &failure {
            status.failures = status.failures.saturating_add(1);
            if status.failure.as_ref() != Some(failure) {
                log::error!(
                    "the log cannot be archived, and keeps its segments until it can be: {failure}"
                );
            }
        } else if status.failure.is_some() {
            log::info!("the log is archived again, up to {}", status.position);
        }
        status.failure = failure;
    }
}

/// An archive of this log ends before the segment that the log goes on in, with what the log had there.
fn check_history(archive: &Segments, wal: &Wal) -> Result<(), OpenError> {
    let (own, current) = (wal.segments(), wal.current_segment());
    let list = |segments: &Segments, what: &str| {
        segments.list().map_err(|error| OpenError::io(segments.directory(), what, &error))
    };
    let Some(last) = list(archive, "list the archive")?.last().copied() else { return Ok(()) };
    let foreign = |message: &str| {
        let path = archive.path(last);
        Err(OpenError::new(OpenErrorKind::Foreign, &path, message).with_hint(
            "give an archive of its own to a database that was restored or whose log was cut",
        ))
    };
    // Its header says whose it is.
    let end = archive.open(last)?.end();
    if last >= current {
        return foreign(
            "the archive holds what this log has not reached: another history of the database",
        )
        .map_err(|error: OpenError| {
            error.with_values(format!("segments before {current}"), format!("one at {last}"))
        });
    }
    let starts = list(own, "list the segments")?;
    let is_there = starts.contains(&last) && !own.is_being_recycled(last).unwrap_or(true);
    // The first record names the checksum of the one before, so the same one has the same behind it.
    if is_there && first_record(own, last)? != first_record(archive, last)? {
        return foreign(
            "the archive holds other records than this log: another history of the database",
        );
    }
    let oldest = starts.first().copied().unwrap_or(end);
    if oldest == end && !follows(own, oldest, archive, last)? {
        return foreign("this log does not follow the archive: another history of the database");
    }
    if end < oldest {
        log::warn!(
            "the archive {} ends at {end}, and the log begins at {oldest}: backups made before that place cannot be brought \
             past it; make a new backup",
            archive.directory().display()
        );
    }
    Ok(())
}

/// Whether the first record of a segment of the log follows the last one of the archive's segment before it, if it has one.
fn follows(own: &Segments, start: Lsn, archive: &Segments, last: Lsn) -> Result<bool, OpenError> {
    let header = first_record(own, start)?;
    let Some((header, _)) = Header::read(own.id, &header) else { return Ok(true) };
    let mut link: Option<full::Link> = None;
    let read =
        full::read(archive, last, None, &mut link, &mut |_, _| Ok(ControlFlow::Continue(())));
    // One that is damaged is found when it is restored from.
    Ok(read.is_err() || link.is_none_or(|link| header.previous == link.checksum))
}

/// The header of a segment's first record.
fn first_record(segments: &Segments, start: Lsn) -> Result<[u8; HEADER_BYTES], OpenError> {
    let segment = segments.open(start)?;
    let mut bytes = [0; HEADER_BYTES];
    let read = segment.file.read_at(segment.offset(segment.first_record()), &mut bytes);
    read.map_err(|error| OpenError::io(&segment.path, "read it", &error))?;
    Ok(bytes)
}
