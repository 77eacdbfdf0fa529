//! Adding entries that have their links already: those that an archive of the write-ahead log holds.

use super::entry::entry_length;
use super::file::AuditLog;
use super::links::Links;
use crate::open_error::{OpenError, OpenErrorKind};

impl AuditLog {
    /// Follows the links of whole entries from the log's last one on, and appends them; does not sync.
    pub fn extend(&self, entries: &[u8]) -> Result<(), OpenError> {
        let mut links = Links::after(self.state());
        let mut rest = entries;
        while !rest.is_empty() {
            let at = links.next;
            let wrong = |expected: &str, found: &str| {
                let message = "the entries that follow it elsewhere are not linked to it";
                OpenError::new(OpenErrorKind::Tampered, &self.path, message)
                    .in_entry(at)
                    .with_values(expected, found)
            };
            let length = rest.first_chunk().and_then(|prefix| entry_length(*prefix));
            let Some((entry, after)) = length.and_then(|length| rest.split_at_checked(length))
            else {
                return Err(wrong("an entry", "other bytes"));
            };
            let followed = links.follow(entry, self.key.as_ref()).map(drop);
            followed.map_err(|mismatch| {
                let expected = format!("{} ({})", mismatch.expected, mismatch.message);
                wrong(&expected, &mismatch.found)
            })?;
            rest = after;
        }
        let Some(state) = links.state() else { return Ok(()) };
        self.append(entries, state)
            .map_err(|error| OpenError::io(&self.path, "write to it", &error))
    }
}
