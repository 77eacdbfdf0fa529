//! A new file that is written from its start to its end.

use std::io;

use super::DiskFile;

/// Bytes between two syncs. A file of gigabytes that is synced once, at its end, keeps the disk busy for so long that every
/// commit in those moments waits for it.
const SYNC_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 8 << 20 };

/// The end of a file that grows.
#[derive(Debug)]
pub struct Appender {
    file: Box<dyn DiskFile>,
    length: u64,
    unsynced: u64,
}

impl Appender {
    /// At the start of a file that is empty.
    pub fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file, length: 0, unsynced: 0 }
    }

    /// Bytes appended so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends `bytes`; what was appended long before is on the disk then.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.length, bytes)?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.unsynced = self.unsynced.saturating_add(bytes.len() as u64);
        if self.unsynced < SYNC_BYTES {
            return Ok(());
        }
        self.unsynced = 0;
        self.file.sync()
    }

    /// Syncs all of it.
    pub fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::simulated::SimulatedDisk;
    use crate::disk::{Disk, directory_of};

    #[test]
    fn what_was_appended_long_before_is_on_the_disk() {
        let path = Path::new("grows");
        for seed in 0..20 {
            let disk = SimulatedDisk::new();
            let mut file = Appender::new(disk.create(path).unwrap());
            disk.sync_directory(directory_of(path)).unwrap();
            for _ in 0..100 {
                file.append(&[7; 1_000]).unwrap();
            }
            assert_eq!(file.length(), 100_000);
            let left = disk.power_cut(seed).contents(path).unwrap();
            assert!(left.len() as u64 >= SYNC_BYTES, "{}", left.len());
            assert!(left[..SYNC_BYTES as usize].iter().all(|byte| *byte == 7));
            file.sync().unwrap();
            assert_eq!(disk.power_cut(seed).contents(path).unwrap(), vec![7; 100_000]);
        }
    }
}
