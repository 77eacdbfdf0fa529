//! The write-ahead log: records that stand alone, in segments that are overwritten in place.
//!
//! A log sequence number ([`Lsn`]) is a byte's place in the whole log. A segment holds the bytes from the number in its
//! name on, its own header included: `PREFIX.0000000000400000` begins at 4 MiB. Segments are written with zeros before they
//! are used, so that a commit overwrites blocks that the file system has already given; segments before the last checkpoint
//! are used again under a later name.
//!
//! ```text
//! segment   offset  size
//!           0       8     magic "SPGWAL01"
//!           8       16    database
//!           24      8     first LSN (the number in the name)
//!           32      8     bytes of the segment
//!           40      4     CRC-32C of bytes 0..40
//!           44      468   zeros
//!           512           records
//!
//! record    0       4     magic "SPGr"
//! (8-byte   4       4     bytes of the payload
//! boundary) 8       8     epoch: grows with every start
//!           16      8     LSN of this record
//!           24      8     LSN of the first record of its group
//!           32      4     checksum of the record before (its bytes 44..48)
//!           36      4     kind
//!           40      4     CRC-32C of the payload
//!           44      4     CRC-32C of the database and bytes 0..44
//!           48            payload, then zeros to the next 8-byte boundary
//! ```
//!
//! A **group** is what one sync makes durable. Invariant: a group is written only after the sync of the group before has
//! returned. So a record whose group began after place L proves that everything up to L was durable once: if something at L
//! is not as it was written, that is damage. A place that only records of its own group follow may be torn: it was never
//! acknowledged, and is cut.
//!
//! Reading order: [`record`] and [`segment`] are the formats, [`writer`] appends groups, [`reader`] finds where the log ends,
//! [`full`] reads and copies segments that are written no more.

pub mod full;
pub mod reader;
pub mod record;
pub mod segment;
#[cfg(test)]
mod tests;
pub mod writer;

use std::fmt;

/// A place in the log: bytes since its beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    /// Sixteen hexadecimal digits, as in segments' names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl fmt::Debug for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::str::FromStr for Lsn {
    type Err = std::num::ParseIntError;

    /// Up to sixteen hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}
