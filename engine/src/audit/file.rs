//! The open audit log: appending to the active file, syncing, sealing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::Chain;
use super::header::{ENTRIES_OFFSET, Header, MARK_OFFSETS, Mark, SECTOR_BYTES};
use super::key::Key;
use super::links::Links;
use super::segments::{sealed_path, temporary_path};
use crate::disk::{Disk, DiskFile, directory_of};
use crate::identity::{ChainState, DatabaseId};
use crate::open_error::{OpenError, OpenErrorKind};

/// The audit files of an open database. One appends at a time; [`AuditLog::sync`] may run beside it.
#[derive(Debug)]
pub struct AuditLog {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) path: PathBuf,
    pub(super) id: DatabaseId,
    pub(super) key: Option<Key>,
    pub(super) seal_bytes: u64,
    pub(super) tail: Mutex<Tail>,
    /// Held by whoever moves sealed segments away, or needs them where they are.
    pub(super) places: Mutex<()>,
}

/// The active file and how far it got.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) file: Arc<dyn DiskFile>,
    /// Its first entry's sequence.
    pub(super) first: u64,
    /// Where the next entry goes.
    pub(super) end: u64,
    /// The last entry in the file.
    pub(super) state: ChainState,
    /// How far it was synced, as [`Mark`] tells it.
    pub(super) synced: Mark,
    /// The sequence that the newest mark in the file names, and the place of the other mark.
    pub(super) marked: u64,
    pub(super) mark_place: usize,
    pub(super) health: Health,
    /// The active file is sealed when it would grow beyond this.
    pub(super) seal_at: u64,
    pub(super) sealed: Vec<Sealed>,
}

/// A sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) path: PathBuf,
    /// Its last entry.
    pub(super) last: ChainState,
}

/// What became of the active file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It ends where it should.
    Whole,
    /// A write failed: it may go on behind its end.
    Ragged,
    /// A sync failed, or a seal stopped half way: what is on the disk is not known until it is opened again.
    Failed,
}

impl AuditLog {
    /// Makes a new log with its genesis entry. The file gets its name when it is whole and synced.
    pub fn create(
        disk: Arc<dyn Disk>,
        path: &Path,
        id: DatabaseId,
        key: Option<Key>,
        time_us: i64,
        seal_bytes: u64,
    ) -> Result<(Self, Chain), OpenError> {
        let files = super::segments::find(&*disk, path)
            .map_err(|error| OpenError::io(path, "list the directory of", &error))?;
        if let Some(present) = files.sealed.first().map(|(_, sealed)| sealed.as_path()) {
            let message = "a sealed audit segment is there, but no database that it belongs to";
            return Err(OpenError::new(OpenErrorKind::Usage, present, message));
        }
        if files.has_active {
            let message = "an audit log is there already";
            return Err(OpenError::new(OpenErrorKind::Usage, path, message));
        }
        let mut entries = Vec::new();
        let chain = Chain::genesis(id, time_us, key.clone(), &mut entries);
        let tail = new_file(&*disk, path, id, key.as_ref(), Links::genesis(id), &entries)
            .and_then(|file| {
                disk.rename(&temporary_path(path), path)?;
                disk.sync_directory(directory_of(path))?;
                let end = ENTRIES_OFFSET.saturating_add(entries.len() as u64);
                let mark = Mark { state: chain.state(), end };
                Ok(Tail { seal_at: seal_bytes, ..Tail::synced(Arc::from(file), 0, mark) })
            })
            .map_err(|error| OpenError::io(path, "create", &error))?;
        let path = path.to_owned();
        let tail = Mutex::new(tail);
        Ok((Self { disk, path, id, key, seal_bytes, tail, places: Mutex::default() }, chain))
    }

    /// The active file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database it belongs to.
    pub fn id(&self) -> DatabaseId {
        self.id
    }

    /// The last entry that was appended.
    pub fn state(&self) -> ChainState {
        self.tail().state
    }

    /// The last entry that is known to be on the disk.
    pub fn synced_state(&self) -> ChainState {
        self.tail().synced.state
    }

    /// Appends a group: whole entries as [`Chain::append`] made them, and the chain's state after them. Does not sync. Before
    /// that the active file is sealed if it would grow over its bound; a seal that cannot begin is put off.
    ///
    /// After an error none of the entries are in the log; the caller resets the chain.
    pub fn append(&self, bytes: &[u8], state: ChainState) -> io::Result<()> {
        let mut tail = self.tail();
        tail.mend()?;
        let end = tail.end.saturating_add(bytes.len() as u64);
        if end > tail.seal_at && tail.end > ENTRIES_OFFSET {
            self.seal(&mut tail)?;
        }
        tail.write_mark(self.id, self.key.as_ref())?;
        if let Err(error) = tail.file.write_at(tail.end, bytes) {
            tail.health = Health::Ragged;
            // The entries must not come back if the process ends now. If this fails too, the next append tries again.
            let _ = tail.mend();
            return Err(error);
        }
        tail.end = tail.end.saturating_add(bytes.len() as u64);
        tail.state = state;
        Ok(())
    }

    /// Makes what was appended before durable, and answers the last entry of it. Appending goes on meanwhile. A failed sync is
    /// never tried again: until the log is opened anew, everything fails.
    pub fn sync(&self) -> io::Result<ChainState> {
        let tail = self.tail();
        if tail.health == Health::Failed {
            return Err(failed());
        }
        if tail.synced.state == tail.state {
            return Ok(tail.state);
        }
        let (file, first) = (Arc::clone(&tail.file), tail.first);
        let reached = Mark { state: tail.state, end: tail.end };
        drop(tail);
        let result = file.sync();
        let mut tail = self.tail();
        if let Err(error) = result {
            tail.health = Health::Failed;
            return Err(error);
        }
        // A file that was sealed meanwhile was synced by that.
        if tail.first == first && tail.synced.end < reached.end {
            tail.synced = reached;
        }
        Ok(reached.state)
    }

    /// Syncs everything and leaves a mark that says so: of what was there at the end nothing can go unseen.
    pub fn close(&self) -> io::Result<ChainState> {
        let state = self.sync()?;
        let mut tail = self.tail();
        tail.mend()?;
        if tail.write_mark(self.id, self.key.as_ref())? {
            tail.sync()?;
        }
        Ok(state)
    }

    /// Gives the active file its sealed name and begins the next one. Answers an error only if the log can no longer be used.
    fn seal(&self, tail: &mut Tail) -> io::Result<()> {
        tail.sync()?;
        let links = Links::after(tail.state);
        let begun = new_file(&*self.disk, &self.path, self.id, self.key.as_ref(), links, &[]);
        let file = match begun {
            Ok(file) => file,
            Err(error) => {
                log::warn!("{}: not sealed yet: {error}", self.path.display());
                tail.seal_at = tail.end.saturating_add(self.seal_bytes / 8);
                return Ok(());
            }
        };
        let path = sealed_path(&self.path, tail.first);
        if let Err(error) = self.exchange_names(&path) {
            tail.health = Health::Failed;
            return Err(error);
        }
        let mut sealed = std::mem::take(&mut tail.sealed);
        sealed.push(Sealed { path, last: tail.state });
        let mark = Mark { state: tail.state, end: ENTRIES_OFFSET };
        let next = Tail::synced(Arc::from(file), links.next, mark);
        *tail = Tail { sealed, seal_at: self.seal_bytes, ..next };
        Ok(())
    }

    /// Each name is on the disk before the next one changes, so that no crash loses the sealed file.
    fn exchange_names(&self, sealed: &Path) -> io::Result<()> {
        let directory = directory_of(&self.path);
        self.disk.rename(&self.path, sealed)?;
        self.disk.sync_directory(directory)?;
        self.disk.rename(&temporary_path(&self.path), &self.path)?;
        self.disk.sync_directory(directory)
    }

    /// Keeps sealed segments where they are until what it answers is dropped; appending goes on.
    pub fn hold_places(&self) -> impl Drop {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    /// A file all of which is synced, with neither bound nor segments before it.
    pub(super) fn synced(file: Arc<dyn DiskFile>, first: u64, mark: Mark) -> Self {
        Self {
            file,
            first,
            end: mark.end,
            state: mark.state,
            synced: mark,
            marked: mark.state.sequence,
            mark_place: 0,
            health: Health::Whole,
            seal_at: u64::MAX,
            sealed: Vec::new(),
        }
    }

    /// Cuts off what a failed write left behind the end, durably, so that it cannot come back under later entries.
    fn mend(&mut self) -> io::Result<()> {
        match self.health {
            Health::Whole => return Ok(()),
            Health::Failed => return Err(failed()),
            Health::Ragged => {}
        }
        self.file.set_len(self.end)?;
        self.sync()?;
        self.health = Health::Whole;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.file.sync() {
            self.health = Health::Failed;
            return Err(error);
        }
        self.synced = Mark { state: self.state, end: self.end };
        Ok(())
    }

    /// Writes how far the file was synced, if the marks do not say so yet; whether it wrote.
    fn write_mark(&mut self, id: DatabaseId, key: Option<&Key>) -> io::Result<bool> {
        if self.marked == self.synced.state.sequence {
            return Ok(false);
        }
        let sector = self.synced.encode(id, self.first, key);
        let offset = MARK_OFFSETS.get(self.mark_place).copied().unwrap_or_default();
        // The other mark is whole. Over zeros a mark that is cut off shows as one; after an error it is written anew.
        self.file.write_at(offset, &[0; SECTOR_BYTES])?;
        self.file.write_at(offset, &sector)?;
        self.marked = self.synced.state.sequence;
        self.mark_place = 1_usize.saturating_sub(self.mark_place);
        Ok(true)
    }
}

/// Writes and syncs a file under its temporary name.
pub(super) fn new_file(
    disk: &dyn Disk,
    path: &Path,
    id: DatabaseId,
    key: Option<&Key>,
    links: Links,
    entries: &[u8],
) -> io::Result<Box<dyn DiskFile>> {
    let temporary = temporary_path(path);
    match disk.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&temporary)?;
    let mut bytes = Header::new(id, key, links).encode().to_vec();
    bytes.resize(ENTRIES_OFFSET as usize, 0);
    bytes.extend_from_slice(entries);
    file.write_at(0, &bytes)?;
    file.sync()?;
    Ok(file)
}

fn failed() -> io::Error {
    io::Error::other("the audit log failed before; open the database again")
}
