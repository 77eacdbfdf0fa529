//! The log on a simulated disk: what is written is read, whatever segments it goes through; torn is told from damaged.

mod ends;
mod model;

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::simulated::SimulatedDisk;
use crate::identity::DatabaseId;
use crate::open_error::OpenError;
use crate::wal::Lsn;
use crate::wal::reader::{Range, Scanned, clean, scan, secure};
use crate::wal::record::Kind;
use crate::wal::segment::{SEGMENT_BYTES_MIN, Segments};
use crate::wal::writer::{Resume, Wal};

/// A record as it was written or read.
type Written = (Kind, Vec<u8>);

fn segments(disk: &SimulatedDisk) -> Segments {
    let prefix = PathBuf::from("/d/wal.log");
    Segments { disk: Arc::new(disk.clone()), prefix, id: DatabaseId([3; 16]) }
}

/// A log without a record.
fn create(disk: &SimulatedDisk) -> Wal {
    let segments = segments(disk);
    let segment = segments.create(Lsn(0), SEGMENT_BYTES_MIN).unwrap();
    let position = segment.first_record();
    let resume = Resume { segment, ready: Vec::new(), position, checksum: 0, epoch: 0 };
    Wal::resume(segments, resume, SEGMENT_BYTES_MIN)
}

fn read_from(
    disk: &SimulatedDisk,
    from: Option<Lsn>,
) -> Result<(Vec<Written>, Scanned), OpenError> {
    let mut records = Vec::new();
    let scanned = scan(&segments(disk), Range { from, to: None }, &mut |_, record| {
        if record.header.kind != Kind::Switch {
            records.push((record.header.kind, record.payload.to_vec()));
        }
        Ok(())
    })?;
    Ok((records, scanned))
}

fn read(disk: &SimulatedDisk) -> Result<(Vec<Written>, Scanned), OpenError> {
    read_from(disk, None)
}

/// Opens the log as recovery does.
fn recover(disk: &SimulatedDisk) -> (Vec<Written>, Wal) {
    let (records, scanned) = read(disk).unwrap();
    secure(&segments(disk), &scanned).unwrap();
    clean(&scanned).unwrap();
    (records, Wal::resume(segments(disk), scanned.resume, SEGMENT_BYTES_MIN))
}

/// Writes a group of commits.
fn write(wal: &Wal, payloads: &[&[u8]]) -> Lsn {
    let mut group = wal.begin().unwrap();
    let places: Vec<Lsn> =
        payloads.iter().map(|payload| group.append(Kind::Commit, &[payload]).unwrap()).collect();
    group.write().unwrap();
    places[0]
}

fn commits(payloads: &[&[u8]]) -> Vec<Written> {
    payloads.iter().map(|payload| (Kind::Commit, payload.to_vec())).collect()
}
