//! The file that an import reads: gzipped or plain, whatever its name says, without a byte order mark.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use spg_engine::{Error, Result, SqlState};

use crate::progress::{Counted, Progress};

/// What every gzip file begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// U+FEFF, with which some programs begin UTF-8 files.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The text of a file.
pub(crate) type Source = BufReader<Box<dyn Read>>;

/// Opens `path`; `label` names what the progress bar shows.
pub(crate) fn open(path: &Path, label: &'static str) -> Result<Source> {
    let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    let metadata = file.metadata().map_err(|error| cannot_open(path, &error))?;
    if metadata.is_dir() {
        return Err(cannot_open(path, &io::ErrorKind::IsADirectory.into()));
    }
    let counted = Progress::start(label, metadata.len()).count(file);
    let text = decompressed(counted).map_err(|error| cannot_read(path, &error))?;
    Ok(BufReader::with_capacity(64 << 10, text))
}

fn decompressed(file: Counted<File>) -> io::Result<Box<dyn Read>> {
    let file = peeked(file, &GZIP_MAGIC)?;
    if file.found {
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, file.whole()));
        return without_mark(decoder);
    }
    without_mark(file.whole())
}

fn without_mark<R: Read + 'static>(text: R) -> io::Result<Box<dyn Read>> {
    let text = peeked(text, &BYTE_ORDER_MARK)?;
    Ok(if text.found { Box::new(text.rest) } else { Box::new(text.whole()) })
}

/// An input whose beginning was looked at.
struct Peeked<R> {
    found: bool,
    start: Vec<u8>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    fn whole(self) -> Chain<Cursor<Vec<u8>>, R> {
        Cursor::new(self.start).chain(self.rest)
    }
}

/// Reads as many bytes as `magic` has and compares.
fn peeked<R: Read>(mut input: R, magic: &[u8]) -> io::Result<Peeked<R>> {
    let mut start = Vec::with_capacity(magic.len());
    input.by_ref().take(magic.len() as u64).read_to_end(&mut start)?;
    Ok(Peeked { found: start == magic, start, rest: input })
}

/// 58030 for a file that cannot be opened for reading.
pub(crate) fn cannot_open(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    Error::new(SqlState::IoError, format!("could not open file \"{path}\" for reading: {error}"))
}

/// 58030 for a file that cannot be read to its end: broken off, damaged, or the disk fails.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip data ends too early".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the gzip data is damaged: {error}")
        }
        _ => error.to_string(),
    };
    let path = path.display();
    Error::new(SqlState::IoError, format!("could not read file \"{path}\": {reason}"))
}
