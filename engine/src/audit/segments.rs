//! Names of the files: the active one, the sealed ones beside it, the temporary one.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, directory_of};

/// Digits that a sealed segment's name ends with: its first sequence.
const SEQUENCE_DIGITS: usize = 16;

/// The files of one audit log that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// Sealed segments by their first sequence, ascending.
    pub(super) sealed: Vec<(u64, PathBuf)>,
    /// Whether the active file is there.
    pub(super) has_active: bool,
    /// Whether a temporary file is there, left behind by a crash.
    pub(super) has_temporary: bool,
}

/// Looks which files of the log at `path` there are.
pub(super) fn find(disk: &dyn Disk, path: &Path) -> io::Result<Files> {
    let active = path.file_name().unwrap_or_default();
    let temporary = temporary_path(path);
    let mut files = Files { sealed: Vec::new(), has_active: false, has_temporary: false };
    for name in disk.list(directory_of(path))? {
        if name == active {
            files.has_active = true;
        } else if Some(name.as_os_str()) == temporary.file_name() {
            files.has_temporary = true;
        } else if let Some(first) = first_of_name(active, &name) {
            files.sealed.push((first, path.with_file_name(name)));
        }
    }
    files.sealed.sort_unstable();
    Ok(files)
}

/// The sealed segment's path.
pub(super) fn sealed_path(path: &Path, first: u64) -> PathBuf {
    with_suffix(path, &format!(".{first:016x}"))
}

/// Where a file is written before it gets its name.
pub(super) fn temporary_path(path: &Path) -> PathBuf {
    with_suffix(path, ".new")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// The first sequence, if `name` is that of a sealed segment of `active`.
fn first_of_name(active: &OsStr, name: &OsStr) -> Option<u64> {
    let rest = name.as_encoded_bytes().strip_prefix(active.as_encoded_bytes())?;
    let digits = rest.strip_prefix(b".")?;
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if digits.len() != SEQUENCE_DIGITS || !digits.iter().all(is_digit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        let path = Path::new("/d/audit.log");
        assert_eq!(sealed_path(path, 0x2af), Path::new("/d/audit.log.00000000000002af"));
        assert_eq!(temporary_path(path), Path::new("/d/audit.log.new"));
        let first = |name: &str| first_of_name(OsStr::new("audit.log"), OsStr::new(name));
        assert_eq!(first("audit.log.00000000000002af"), Some(0x2af));
        for other in
            ["audit.log", "audit.log.2af", "audit.log.00000000000002AF", "b.log.00000000000002af"]
        {
            assert_eq!(first(other), None, "{other}");
        }
    }
}
