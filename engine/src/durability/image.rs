//! The image as the journal uses it: written beside, put in place, and when it is too large to be written per commit.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::checkpoint::{self, ImageHeader};
use crate::disk::Disk;
use crate::identity::DatabaseId;
use crate::storage::root::{Place, Root};

/// Beyond this an image per commit is more than a commit should cost.
const LARGE_IMAGE_BYTES: u64 = 64 << 20;

/// Whether the operator was told.
static WARNED: AtomicBool = AtomicBool::new(false);

/// The image of an open database.
#[derive(Clone, Debug)]
pub struct ImageFile {
    /// Where files are.
    pub disk: Arc<dyn Disk>,
    /// Its path.
    pub path: PathBuf,
    /// The database.
    pub id: DatabaseId,
}

/// An image that was written and is not in its place yet.
pub use crate::checkpoint::WrittenImage as Written;

impl ImageFile {
    /// Writes the image of `root` beside the one there is, synced. `pace` is called with the bytes written, often; an error
    /// of it stops the writing.
    pub fn write(
        &self,
        root: &Root,
        place: Place,
        epoch: u64,
        entries: &[u8],
        pace: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> io::Result<Written> {
        let header = ImageHeader::new(self.id, epoch, root, place, entries);
        checkpoint::write(&*self.disk, &self.path, root, &header, pace)
    }

    /// Puts the image that was written last in its place.
    pub fn install(&self) -> io::Result<()> {
        checkpoint::install(&*self.disk, &self.path)
    }

    /// Tells the operator once that an image of this size is written for every commit.
    pub fn warn_of_size(&self, bytes: u64) {
        if bytes > LARGE_IMAGE_BYTES && !WARNED.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{} has {} MB, and all of it is written for every commit: add a write-ahead log (WAL, SPG_WAL or --data-dir)",
                self.path.display(),
                bytes >> 20
            );
        }
    }
}
