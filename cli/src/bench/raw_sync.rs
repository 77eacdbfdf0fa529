//! `raw-sync`: what the disk gives to anybody who makes small writes durable one after the other.
//!
//! 512 bytes are overwritten and synced, then the next 512, in a file that was written with zeros before: what a
//! write-ahead log does at best, so that durable inserts of the same minute have something to be compared with.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use spg_engine::SqlState;
use spg_engine::disk::{Disk, DiskFile, RealDisk, directory_of};

use crate::bench::WARM_UP;
use crate::bench::tally::Tally;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;

/// Bytes of a write: a disk's sector.
const WRITE_BYTES: usize = 512;

/// Bytes of the file: a segment of a log.
const FILE_BYTES: u64 = 16 << 20;

/// Bytes written together when the file is prepared.
const PREPARED_BYTES: usize = 1 << 20;

/// A file for the measurement; gone when it is dropped.
struct Scratch {
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Scratch {
    fn make(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("spg_bench_raw_sync_{}", std::process::id()));
        let file = RealDisk.create(&path)?;
        let scratch = Self { path, file };
        let zeros = vec![0; PREPARED_BYTES];
        for offset in (0..FILE_BYTES).step_by(PREPARED_BYTES) {
            scratch.file.write_at(offset, &zeros)?;
        }
        scratch.file.sync()?;
        RealDisk.sync_directory(directory_of(&scratch.path))?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = RealDisk.remove(&self.path) {
            let path = self.path.display();
            crate::messages::line(&format!("WARNING:  could not remove {path}: {error}"));
        }
    }
}

/// Measures the disk of `directory` for so many seconds after a warm-up.
pub(super) fn measure(directory: &Path, seconds: u32, interrupt: &Interrupt) -> Outcome<Tally> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + Duration::from_secs(u64::from(seconds));
    let measured = Scratch::make(directory).and_then(|scratch| {
        let mut tally = Tally::default();
        let mut offset = 0;
        write_until(begin, &scratch, &mut offset, interrupt, &mut tally)?;
        tally.restart();
        write_until(end, &scratch, &mut offset, interrupt, &mut tally)?;
        Ok(tally)
    });
    interrupt.check()?;
    measured.map_err(|error| {
        let message = format!("could not measure the disk of {}: {error}", directory.display());
        let class = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DiskFull,
            _ => SqlState::IoError,
        };
        Failure::new(class, message)
    })
}

fn write_until(
    end: Instant,
    scratch: &Scratch,
    offset: &mut u64,
    interrupt: &Interrupt,
    tally: &mut Tally,
) -> io::Result<()> {
    let mut now = Instant::now();
    while now < end && !interrupt.is_requested() {
        // Other bytes than those that are there, as in a log.
        let bytes = [now.elapsed().as_nanos() as u8 | 1; WRITE_BYTES];
        scratch.file.write_at(*offset, &bytes)?;
        scratch.file.sync()?;
        *offset = (*offset + WRITE_BYTES as u64) % FILE_BYTES;
        let ended = Instant::now();
        tally.done(ended.duration_since(now));
        now = ended;
    }
    Ok(())
}
