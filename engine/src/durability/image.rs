//! The image as the journal uses it: written beside, put in place, and when it is too large to be written per commit.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::Entry;
use crate::checkpoint::{self, ImageHeader, Stop, WriteError};
use crate::disk::Disk;
use crate::identity::DatabaseId;
use crate::storage::root::{Place, Root};

/// Beyond this an image per commit is more than a commit should cost.
const LARGE_IMAGE_BYTES: u64 = 64 << 20;

/// Whether the operator was told.
static WARNED: AtomicBool = AtomicBool::new(false);

/// The image of an open database.
#[derive(Clone, Debug)]
pub(super) struct ImageFile {
    /// Where files are.
    pub(super) disk: Arc<dyn Disk>,
    /// Its path.
    pub(super) path: PathBuf,
    /// The database.
    pub(super) id: DatabaseId,
}

/// The disk's own answer, whose kind says what it means.
fn io_error(error: WriteError) -> io::Error {
    match error {
        WriteError::Io { path, doing, error } => {
            let kind = error.kind();
            io::Error::new(kind, format!("could not {doing} {}: {error}", path.display()))
        }
        WriteError::Stopped => io::ErrorKind::Interrupted.into(),
    }
}

/// An image that was written and is not in its place yet.
pub(super) use crate::checkpoint::WrittenImage as Written;

impl ImageFile {
    /// Writes the image of `root` beside the one there is, synced. `pace` is called with the bytes written, often; an error
    /// of it stops the writing.
    pub(super) fn write(
        &self,
        root: &Root,
        place: Place,
        epoch: u64,
        entries: &[u8],
        pace: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> io::Result<Written> {
        let first = Entry::first(entries).map_err(io::Error::other)?;
        let header = ImageHeader {
            id: self.id,
            epoch,
            commit: root.commit,
            lsn: place.lsn,
            time_us: place.time_us,
            audit: place.chain,
            entries_first: first.map_or(0, |entry| entry.sequence),
            entries: entries.to_vec(),
            counters: root.shared().counters(),
        };
        let mut stopped = None;
        let written = checkpoint::write(&*self.disk, &self.path, root, &header, &mut |bytes| {
            pace(bytes).map_err(|error| {
                stopped = Some(error);
                Stop
            })
        });
        written.map_err(|error| stopped.unwrap_or_else(|| io_error(error)))
    }

    /// Puts the image that was written last in its place.
    pub(super) fn install(&self) -> io::Result<()> {
        checkpoint::install(&*self.disk, &self.path).map_err(io_error)
    }

    /// Tells the operator once that an image of this size is written for every commit.
    pub(super) fn warn_of_size(&self, bytes: u64) {
        if bytes > LARGE_IMAGE_BYTES && !WARNED.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{} has {} MB, and all of it is written for every commit: add a write-ahead log (WAL, SPG_WAL or --data-dir)",
                self.path.display(),
                bytes >> 20
            );
        }
    }
}
