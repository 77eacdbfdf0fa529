//! Rows that have to wait for the end of their statement: in memory, and beyond a bound in a temporary file.

use std::io::{self, Read, Seek, Write};

use spg_engine::{Error, Result, SqlState};
use tempfile::SpooledTempFile;

/// Bytes kept in memory.
const MEMORY_BYTES_MAX: usize = 16 << 20;

/// Bytes gathered before one write.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes written first and read afterwards.
#[derive(Debug)]
pub(crate) struct Spool {
    piece: Vec<u8>,
    file: SpooledTempFile,
    len: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { piece: Vec::new(), file: SpooledTempFile::new(MEMORY_BYTES_MAX), len: 0 }
    }
}

impl Spool {
    /// Where the next bytes go; call [`Self::settle`] now and then.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.piece
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0 && self.piece.is_empty()
    }

    /// Moves gathered bytes on if they are many; 53100 or 58030 if the temporary file takes no more.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.piece.len() < PIECE_BYTES {
            Ok(())
        } else {
            self.flush().map_err(|e| spool_error(&e))
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.piece)?;
        self.len += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }

    /// All bytes, from the first.
    pub(crate) fn read(&mut self) -> io::Result<impl Read> {
        self.flush()?;
        self.file.rewind()?;
        Ok((&mut self.file).take(self.len))
    }
}

fn spool_error(error: &io::Error) -> Error {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DiskFull,
        _ => SqlState::IoError,
    };
    Error::new(class, format!("could not write to temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_written_beyond_memory_too() {
        // The last is beyond what is kept in memory.
        for count in [0, 1, 100, 20_000] {
            let mut spool = Spool::default();
            assert!(spool.is_empty());
            for number in 0..count {
                writeln!(spool.end(), "{number:01000}").unwrap();
                spool.settle().unwrap();
            }
            let mut text = String::new();
            spool.read().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text.lines().count(), count);
            assert!(text.lines().enumerate().all(|(place, line)| line.parse() == Ok(place)));
        }
    }
}
