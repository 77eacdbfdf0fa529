//! The manifest: what a backup consists of, as lines of text.
//!
//! ```text
//! SPG backup 1
//! database 01234567-89ab-4def-8123-456789abcdef
//! commit 42
//! lsn 0000000000400200                  where the log goes on; zeros without a log
//! time 1795363500000000                 of the commit, microseconds since 1970
//! chain 57 <64 hexadecimal digits>      the last audit entry: its sequence and hash; or: chain none
//! keyed no                              whether chain and manifest have a key
//! file 4096 <64 hexadecimal digits> spg.db
//! file 2048 <64 hexadecimal digits> audit.log
//! end <64 hexadecimal digits>           BLAKE3 of everything before this line, under the key if there is one
//! ```

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fmt::Write as _;
use std::path::Path;

use crate::audit::Key;
use crate::identity::{ChainState, DatabaseId, hex};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::wal::Lsn;

/// Its name.
pub const NAME: &str = "MANIFEST";

/// Longer is none: thousands of files have a hundred bytes each.
pub const BYTES_MAX: u64 = 64 << 20;

const TITLE: &str = "SPG backup 1";
const TITLE_ANY_VERSION: &str = "SPG backup ";

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in the backup's directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of it.
    pub hash: [u8; 32],
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The database.
    pub id: DatabaseId,
    /// The commit it is the state of.
    pub commit: u64,
    /// Where the log goes on.
    pub lsn: Lsn,
    /// When the commit was written, or the database opened that has it as its last: microseconds since 1970.
    pub time_us: i64,
    /// The last audit entry; None without an audit log.
    pub chain: Option<ChainState>,
    /// Whether the chain has a key.
    pub is_keyed: bool,
    /// All other files.
    pub files: Vec<File>,
}

impl Manifest {
    /// Its text.
    pub fn encode(&self, key: Option<&Key>) -> String {
        let chain = match self.chain {
            Some(chain) => format!("{} {}", chain.sequence, hex(&chain.head)),
            None => "none".to_owned(),
        };
        let keyed = if self.is_keyed { "yes" } else { "no" };
        let mut text = format!(
            "{TITLE}\ndatabase {}\ncommit {}\nlsn {}\ntime {}\nchain {chain}\nkeyed {keyed}\n",
            self.id, self.commit, self.lsn, self.time_us
        );
        for file in &self.files {
            let _ = writeln!(text, "file {} {} {}", file.bytes, hex(&file.hash), file.name);
        }
        let end = hex(&Key::hash(key, text.as_bytes()));
        let _ = writeln!(text, "end {end}");
        text
    }

    /// Reads the text of the file at `path`.
    pub fn decode(bytes: &[u8], path: &Path, key: Option<&Key>) -> Result<Self, OpenError> {
        let mut lines = Lines { path, bytes, offset: 0 };
        let title = lines.next()?;
        if title != TITLE && title.starts_with(TITLE_ANY_VERSION) {
            let error =
                OpenError::new(OpenErrorKind::Version, path, "the backup's format is not known");
            return Err(error
                .at(0)
                .with_values(TITLE, title)
                .with_hint("use the release that wrote it"));
        }
        if title != TITLE {
            return Err(lines.wrong(0, TITLE, title));
        }
        let id = lines.field("database", parse_id)?;
        let commit = lines.field("commit", |text| text.parse().ok())?;
        let lsn = lines.field("lsn", |text| text.parse().ok())?;
        let time_us = lines.field("time", |text| text.parse().ok())?;
        let chain = lines.field("chain", |text| match text {
            "none" => Some(None),
            _ => parse_chain(text).map(Some),
        })?;
        let is_keyed = lines.field("keyed", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })?;
        check_key(path, is_keyed, key)?;
        let mut files = Vec::new();
        loop {
            let checked = lines.offset;
            let line = lines.next()?;
            if let Some(end) = line.strip_prefix("end ") {
                lines.check_end(checked, end, key)?;
                return Ok(Self { id, commit, lsn, time_us, chain, is_keyed, files });
            }
            let file = line.strip_prefix("file ").and_then(parse_file);
            files.push(file.ok_or_else(|| lines.wrong(checked, "a file, or the end", line))?);
        }
    }
}

fn check_key(path: &Path, is_keyed: bool, key: Option<&Key>) -> Result<(), OpenError> {
    let (message, hint) = match (is_keyed, key.is_some()) {
        (true, false) => ("the backup has a key, none was given", "give --audit-key-file"),
        (false, true) => ("the backup has no key, one was given", "leave --audit-key-file out"),
        _ => return Ok(()),
    };
    Err(OpenError::new(OpenErrorKind::Usage, path, message).with_hint(hint))
}

/// The lines of a file, of which each ends with a line feed.
struct Lines<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// Where the next line begins.
    offset: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, OpenError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n');
        let line = length.and_then(|length| std::str::from_utf8(rest.get(..length)?).ok());
        let line = line.ok_or_else(|| self.wrong(self.offset, "a line of text", "other bytes"))?;
        self.offset = self.offset.saturating_add(line.len()).saturating_add(1);
        Ok(line)
    }

    fn field<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, OpenError> {
        let begin = self.offset;
        let line = self.next()?;
        let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        value.and_then(parse).ok_or_else(|| self.wrong(begin, name, line))
    }

    /// Checks the last line, which begins at `checked` and says `stored`.
    fn check_end(&self, checked: usize, stored: &str, key: Option<&Key>) -> Result<(), OpenError> {
        let expected = hex(&Key::hash(key, self.bytes.get(..checked).unwrap_or_default()));
        if stored != expected {
            return Err(self.wrong(checked, &format!("end {expected}"), &format!("end {stored}")));
        }
        if self.offset != self.bytes.len() {
            return Err(self.wrong(self.offset, "nothing", "more bytes"));
        }
        Ok(())
    }

    fn wrong(&self, offset: usize, expected: &str, found: &str) -> OpenError {
        OpenError::new(OpenErrorKind::Damaged, self.path, "the manifest is not as it was written")
            .at(offset as u64)
            .with_values(expected, found)
            .with_hint("use another backup")
    }
}

fn parse_id(text: &str) -> Option<DatabaseId> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let id = DatabaseId(u128::from_str_radix(&digits, 16).ok()?.to_be_bytes());
    (id.to_string() == text).then_some(id)
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let (high, low) = text.split_at_checked(32)?;
    let number = |digits: &str| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes);
    let hash: Vec<u8> = number(high)?.into_iter().chain(number(low)?).collect();
    (hex(&hash) == text).then_some(hash.try_into().ok()?)
}

fn parse_chain(text: &str) -> Option<ChainState> {
    let (sequence, head) = text.split_once(' ')?;
    Some(ChainState { sequence: sequence.parse().ok()?, head: parse_hash(head)? })
}

fn parse_file(text: &str) -> Option<File> {
    let (bytes, rest) = text.split_once(' ')?;
    let (hash, name) = rest.split_once(' ')?;
    // What a manifest names lies beside it, and is none of its own.
    let is_plain = name == super::IMAGE_NAME || name.starts_with(super::AUDIT_NAME);
    (is_plain && !name.contains('/')).then_some(File {
        name: name.to_owned(),
        bytes: bytes.parse().ok()?,
        hash: parse_hash(hash)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_no_changed_byte_is_taken() {
        let path = Path::new("/b/MANIFEST");
        for key in [None, Some(Key::new([3; 32]))] {
            let key = key.as_ref();
            let manifest = Manifest {
                id: DatabaseId(std::array::from_fn(|place| place as u8 * 17)),
                commit: 42,
                lsn: Lsn(0x40_0200),
                time_us: -5,
                chain: key.map(|_| ChainState { sequence: 57, head: [0xab; 32] }),
                is_keyed: key.is_some(),
                files: ["spg.db", "audit.log", "audit.log.0000000000000000"]
                    .map(|name| File { name: name.to_owned(), bytes: 9, hash: [1; 32] })
                    .to_vec(),
            };
            let text = manifest.encode(key);
            assert_eq!(Manifest::decode(text.as_bytes(), path, key), Ok(manifest.clone()));
            for place in 0..text.len() {
                for bit in [1, 0x20, 0x80] {
                    let mut changed = text.clone().into_bytes();
                    changed[place] ^= bit;
                    let error = Manifest::decode(&changed, path, key).unwrap_err();
                    assert!(error.to_string().contains("MANIFEST"), "{error}");
                }
                Manifest::decode(&text.as_bytes()[..place], path, key).unwrap_err();
            }
            Manifest::decode(format!("{text}\n").as_bytes(), path, key).unwrap_err();
            let other = Key::new([4; 32]);
            Manifest::decode(text.as_bytes(), path, Some(&other)).unwrap_err();
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        let hash = "00".repeat(32);
        let name = |name: &str| parse_file(&format!("1 {hash} {name}")).map(|file| file.name);
        assert_eq!(name("spg.db").as_deref(), Some("spg.db"));
        for name_of_another in ["../spg.db", "audit.log/../x", "/etc/passwd", "MANIFEST", ""] {
            assert_eq!(name(name_of_another), None, "{name_of_another}");
        }
    }
}
