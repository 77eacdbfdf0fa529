//! Checkpoints: the image of a pinned root, written in slices, after which the log before it is not needed.
//!
//! Order: the audit log is synced as far as the root goes; the image is written and synced beside the one there is; an audit
//! entry with its hash is made durable; only then is it renamed into place; and last the log's segments before it are given
//! free. A crash between any two leaves the old image with all of its log, or the new one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::audit::Draft;
use crate::durability::faults;
use crate::durability::image::ImageFile;
use crate::durability::journal::Journal;
use crate::error::{Error, Result, SqlState};
use crate::transaction::heads::Heads;
use crate::wal::Lsn;

/// How hard a checkpoint works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A quarter of a core: nobody waits for it.
    Background,
    /// Half of a core: a session waits for it, others read and write.
    Asked,
    /// All it can: the database is being closed.
    Closing,
}

impl Pace {
    /// How long to rest after so much work.
    fn rest(self, worked: Duration) -> Duration {
        match self {
            Self::Background => worked * 3,
            Self::Asked => worked,
            Self::Closing => Duration::ZERO,
        }
    }
}

/// Makes checkpoints of one database, one at a time.
#[derive(Debug)]
pub struct Checkpointer {
    journal: Arc<Journal>,
    image: PathBuf,
    wal_bytes: u64,
    interval: Duration,
    done: Mutex<Done>,
    /// [`Done`]'s, readable while a checkpoint runs.
    commit: AtomicU64,
    is_given_up: AtomicBool,
}

/// The last checkpoint.
#[derive(Debug)]
struct Done {
    commit: u64,
    at: Instant,
    wal_bytes: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Checkpointer {
    /// Of the database whose image shows `commit` now.
    pub fn new(
        journal: Arc<Journal>,
        image: PathBuf,
        commit: u64,
        wal_bytes: u64,
        interval: Duration,
    ) -> Self {
        let done = Mutex::new(Done { commit, at: Instant::now(), wal_bytes: 0 });
        let commit = AtomicU64::new(commit);
        Self {
            journal,
            image,
            wal_bytes,
            interval,
            done,
            commit,
            is_given_up: AtomicBool::new(false),
        }
    }

    /// Whether so much was written, or so long ago, that a checkpoint is worth its while.
    pub fn is_due(&self) -> bool {
        let done = lock(&self.done);
        let written = self.journal.wal_bytes().saturating_sub(done.wal_bytes);
        written >= self.wal_bytes || written > 0 && done.at.elapsed() >= self.interval
    }

    /// The commit that the image shows.
    pub fn image_commit(&self) -> u64 {
        self.commit.load(Ordering::Relaxed)
    }

    /// Keeps checkpoints from beginning, until what it answers is dropped.
    pub fn hold(&self) -> impl Drop {
        lock(&self.done)
    }

    /// Ends the checkpoint that runs in the background, and lets no other begin there.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Makes a checkpoint of what is published. Nothing is done if the image shows that already.
    pub fn run(&self, heads: &Heads, pace: Pace) -> Result<()> {
        let mut done = lock(&self.done);
        let began = Instant::now();
        let wal_bytes = self.journal.wal_bytes();
        let root = heads.published();
        if root.commit.0 == done.commit {
            return Ok(());
        }
        let Some(place) = root.place.get().copied() else {
            return Err(Error::new(
                SqlState::InternalError,
                "a published commit has no place in the log",
            ));
        };
        self.journal.sync_audit()?;
        let (id, disk) = (self.journal.id, Arc::clone(&self.journal.disk));
        let file = ImageFile { disk, path: self.image.clone(), id };
        let epoch = self.journal.wal.as_ref().map_or(0, crate::wal::writer::Wal::epoch);
        let mut since = Instant::now();
        let written = file.write(&root, place, epoch, &[], &mut |_| {
            if pace == Pace::Background && self.is_given_up.load(Ordering::Relaxed) {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "given up"));
            }
            let rest = pace.rest(since.elapsed());
            if !rest.is_zero() {
                thread::sleep(rest);
            }
            since = Instant::now();
            Ok(())
        });
        let written = match written {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            written => written.map_err(|error| faults::not_written("database image", &error))?,
        };
        let commit = root.commit.0;
        drop(root);
        self.journal.note(&Draft::image(commit, place.time_us, written.hash))?;
        file.install().map_err(|error| faults::not_written("database image", &error))?;
        if let Some(wal) = &self.journal.wal
            && let Err(error) = wal.release(Lsn(place.lsn))
        {
            log::warn!("could not give segments of the log free: {error}");
        }
        *done = Done { commit, at: Instant::now(), wal_bytes };
        self.commit.store(commit, Ordering::Relaxed);
        log::info!(
            "checkpoint: {} rows, {} bytes, as of commit {commit}, in {:.3} s",
            written.rows,
            written.bytes,
            began.elapsed().as_secs_f64()
        );
        Ok(())
    }
}
