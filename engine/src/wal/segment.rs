//! Segments: their names, their headers, how a new one is made and an old one used again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::identity::DatabaseId;
use crate::open_error::{OpenError, OpenErrorKind};
use crate::wal::Lsn;

/// Bytes before a segment's first record: one sector, which is written whole or not at all.
pub const SEGMENT_HEADER_BYTES: u64 = 512;

/// Bytes of a segment by default.
pub const SEGMENT_BYTES_DEFAULT: u64 = 4 << 20;

/// The least a segment may have.
pub const SEGMENT_BYTES_MIN: u64 = 16 << 10;

/// The most a segment may have: recovery reads one at a time.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"SPGWAL01";
const MAGIC_ANY_VERSION: &[u8] = b"SPGWAL";
const CHECKED_BYTES: usize = 40;
const NAME_DIGITS: usize = 16;

/// What follows the name of a segment while it is not whole.
const UNFINISHED: &str = ".new";

/// Zeros are written in pieces of this size.
const ZEROS_BYTES: usize = 1 << 20;

/// Where the segments of one log are.
#[derive(Clone, Debug)]
pub struct Segments {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The path that the names begin with.
    pub prefix: PathBuf,
    /// The database.
    pub id: DatabaseId,
}

/// One open segment.
#[derive(Debug)]
pub struct Segment {
    /// Its file.
    pub file: Box<dyn DiskFile>,
    /// Its path.
    pub path: PathBuf,
    /// The LSN of its first byte.
    pub start: Lsn,
    /// Its length.
    pub bytes: u64,
}

impl Segment {
    /// The LSN of its first record.
    pub fn first_record(&self) -> Lsn {
        Lsn(self.start.0.saturating_add(SEGMENT_HEADER_BYTES))
    }

    /// The LSN behind its last byte.
    pub fn end(&self) -> Lsn {
        Lsn(self.start.0.saturating_add(self.bytes))
    }

    /// Where a place of the log is in the file.
    pub fn offset(&self, lsn: Lsn) -> u64 {
        lsn.0.saturating_sub(self.start.0)
    }
}

impl Segments {
    /// The directory.
    pub fn directory(&self) -> &Path {
        match self.prefix.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// The path of the segment that begins at `start`.
    pub fn path(&self, start: Lsn) -> PathBuf {
        self.suffixed(&format!(".{start}"))
    }

    /// Where a segment is written before it has its name.
    pub fn unfinished_path(&self) -> PathBuf {
        self.suffixed(UNFINISHED)
    }

    fn suffixed(&self, suffix: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    }

    /// Where the segments begin, in order.
    pub fn list(&self) -> io::Result<Vec<Lsn>> {
        let names = self.names()?;
        let mut starts: Vec<Lsn> = names.iter().filter_map(|name| self.start_of(name)).collect();
        starts.sort_unstable();
        Ok(starts)
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        match self.disk.list(self.directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed,
        }
    }

    fn start_of(&self, name: &OsStr) -> Option<Lsn> {
        let prefix = self.prefix.file_name()?.to_str()?;
        let digits = name.to_str()?.strip_prefix(prefix)?.strip_prefix('.')?;
        let is_number = digits.len() == NAME_DIGITS
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_number { digits.parse().ok() } else { None }
    }

    /// Removes what a crash left unfinished; it is never read.
    pub fn remove_unfinished(&self) -> io::Result<()> {
        let unfinished = self.unfinished_path();
        match self.disk.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes a segment of zeros, whole and durable before it has its name.
    pub fn create(&self, start: Lsn, bytes: u64) -> io::Result<Segment> {
        self.remove_unfinished()?;
        let unfinished = self.unfinished_path();
        let file = self.disk.create(&unfinished)?;
        let made = self.fill(&*file, start, bytes);
        if let Err(error) = made {
            // The space it took is somebody's last.
            let _ = self.disk.remove(&unfinished);
            return Err(error);
        }
        self.name(file, &unfinished, start, bytes)
    }

    fn fill(&self, file: &dyn DiskFile, start: Lsn, bytes: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS_BYTES.min(bytes as usize)];
        let mut offset = 0;
        while offset < bytes {
            let count = (bytes - offset).min(zeros.len() as u64);
            file.write_at(offset, &zeros[..count as usize])?;
            offset += count;
        }
        file.write_at(0, &self.header(start, bytes))?;
        file.sync()
    }

    /// Gives a segment that is not needed any more a new place at the end of the log. What it held stays in it: records of
    /// a lower LSN, which are none here.
    pub fn recycle(&self, old: &Path, start: Lsn, bytes: u64) -> io::Result<Segment> {
        let file = self.disk.open(old)?;
        if file.len()? != bytes {
            return Err(io::Error::other("the old segment has another size"));
        }
        file.write_at(0, &self.header(start, bytes))?;
        file.sync()?;
        self.name(file, old, start, bytes)
    }

    fn name(
        &self,
        file: Box<dyn DiskFile>,
        from: &Path,
        start: Lsn,
        bytes: u64,
    ) -> io::Result<Segment> {
        let path = self.path(start);
        self.disk.rename(from, &path)?;
        self.disk.sync_directory(self.directory())?;
        Ok(Segment { file, path, start, bytes })
    }

    fn header(&self, start: Lsn, bytes: u64) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        header[..8].copy_from_slice(&MAGIC);
        header[8..24].copy_from_slice(&self.id.0);
        header[24..32].copy_from_slice(&start.0.to_le_bytes());
        header[32..40].copy_from_slice(&bytes.to_le_bytes());
        let checksum = crc32c::crc32c(&header[..CHECKED_BYTES]);
        header[CHECKED_BYTES..44].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Opens a segment and checks its header and length.
    pub fn open(&self, start: Lsn) -> Result<Segment, OpenError> {
        let path = self.path(start);
        let io = |doing| move |error: io::Error| (doing, error);
        let opened = (|| {
            let file = self.disk.open(&path).map_err(io("open it"))?;
            let mut header = [0; SEGMENT_HEADER_BYTES as usize];
            let read = file.read_at(0, &mut header).map_err(io("read it"))?;
            let length = file.len().map_err(io("ask for its length"))?;
            Ok((file, header, read, length))
        })();
        let (file, header, read, length) = match opened {
            Ok(opened) => opened,
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(missing(&path));
            }
            Err((doing, error)) => return Err(OpenError::io(&path, doing, &error)),
        };
        if read < header.len() {
            return Err(damaged(&path, "the segment is cut short").at(length).with_values(
                format!("at least {} bytes", header.len()),
                format!("{length} bytes"),
            ));
        }
        let bytes = self.check_header(&path, &header, start)?;
        if length != bytes {
            return Err(damaged(&path, "the segment has another length than it was made with")
                .at(length.min(bytes))
                .with_values(format!("{bytes} bytes"), format!("{length} bytes")));
        }
        Ok(Segment { file, path, start, bytes })
    }

    /// Checks a header; answers the segment's length.
    fn check_header(
        &self,
        path: &Path,
        header: &[u8; SEGMENT_HEADER_BYTES as usize],
        start: Lsn,
    ) -> Result<u64, OpenError> {
        let (checked, rest) = header.split_at(CHECKED_BYTES);
        let (checksum, zeros) = rest.split_at(4);
        let number = |range: std::ops::Range<usize>| {
            let bytes = checked.get(range).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        if !checked.starts_with(&MAGIC) && checked.starts_with(MAGIC_ANY_VERSION) {
            let version =
                String::from_utf8_lossy(checked.get(6..8).unwrap_or_default()).into_owned();
            return Err(OpenError::new(
                OpenErrorKind::Version,
                path,
                "the log's format is not known",
            )
            .at(6)
            .with_values("version 01", version)
            .with_hint("open it with the version that wrote it"));
        }
        let expected = crc32c::crc32c(checked);
        if checksum != expected.to_le_bytes() || !checked.starts_with(&MAGIC) {
            let found = checksum.try_into().map_or(0, u32::from_le_bytes);
            return Err(damaged(path, "the segment's header is not as it was written")
                .at(0)
                .with_values(format!("checksum {expected:08x}"), format!("{found:08x}")));
        }
        if let Some(place) = zeros.iter().position(|byte| *byte != 0) {
            return Err(damaged(path, "the segment's header is not as it was written")
                .at((CHECKED_BYTES + 4).saturating_add(place) as u64)
                .with_values("zeros", "other bytes"));
        }
        if checked.get(8..24) != Some(&self.id.0[..]) {
            let found = checked.get(8..24).and_then(|id| id.try_into().ok()).unwrap_or_default();
            return Err(OpenError::new(
                OpenErrorKind::Foreign,
                path,
                "the log belongs to another database",
            )
            .at(8)
            .with_values(self.id.to_string(), DatabaseId(found).to_string())
            .with_hint("give the log of this database"));
        }
        if number(24..32) != start.0 {
            return Err(damaged(path, "the segment's name is not the one it was written under")
                .at(24)
                .with_values(start.to_string(), Lsn(number(24..32)).to_string()));
        }
        let bytes = number(32..40);
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) {
            return Err(damaged(path, "the segment's length cannot be").at(32));
        }
        Ok(bytes)
    }

    /// Whether the file called like a segment at `start` has another place in its header: the process ended while it was
    /// about to use the segment again.
    pub fn is_being_recycled(&self, start: Lsn) -> io::Result<bool> {
        let path = self.path(start);
        let mut place = [0; 8];
        self.disk.open(&path)?.read_at(24, &mut place)?;
        let is_ours = Self::database_of(&*self.disk, &path)? == Some(self.id);
        Ok(is_ours && u64::from_le_bytes(place) != start.0)
    }

    /// The database that a segment names, whichever it is; None if its header is not one.
    pub fn database_of(disk: &dyn Disk, path: &Path) -> io::Result<Option<DatabaseId>> {
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        let read = disk.open(path)?.read_at(0, &mut header)?;
        let checked = header.get(..CHECKED_BYTES).unwrap_or_default();
        let is_whole = read == header.len()
            && checked.starts_with(&MAGIC)
            && header.get(CHECKED_BYTES..CHECKED_BYTES + 4)
                == Some(&crc32c::crc32c(checked).to_le_bytes()[..]);
        let id = header.get(8..24).and_then(|id| id.try_into().ok()).map(DatabaseId);
        Ok(id.filter(|_| is_whole))
    }
}

pub(super) fn damaged(path: &Path, message: &str) -> OpenError {
    OpenError::new(OpenErrorKind::Damaged, path, message)
        .with_hint("restore the files from a backup, or see the README on damaged files")
}

fn missing(path: &Path) -> OpenError {
    OpenError::new(OpenErrorKind::Missing, path, "a segment of the log is absent")
        .with_hint("put it back, or restore the files from a backup")
}
