//! Bytes as what files hold: nothing that is read from a file panics, or takes memory that the bytes do not justify.

use std::path::Path;

use spg_engine::audit::{self, Entry};
use spg_engine::checkpoint;
use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::durability::commit_record::{Payload, apply, decode_part, decode_payload};
use spg_engine::identity::DatabaseId;
use spg_engine::storage::chunk::Chunk;
use spg_engine::storage::root::Root;
use spg_engine::wal::record::Header;

const IMAGE: &str = "/data/spg.db";
const AUDIT: &str = "/data/audit.log";

/// The first byte says what the others are: a commit's record, a record of the log, an image, an audit log.
pub fn files(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 => commit(bytes),
        1 => record(bytes),
        2 => image(bytes),
        _ => audit_log(bytes),
    }
}

/// What made a table with two indexes and two rows: most changes are of rows that are there.
const BEFORE: [&[u8]; 3] = [
    include_bytes!("../../fuzz/seeds/files/commit-1"),
    include_bytes!("../../fuzz/seeds/files/commit-2"),
    include_bytes!("../../fuzz/seeds/files/commit-3"),
];

/// Applied to nothing and to a database, twice each: a second time it mostly does not fit.
fn commit(bytes: &[u8]) {
    let _ = decode_part(bytes);
    let Ok(Payload::Whole(record)) = decode_payload(bytes) else { return };
    let mut before = Root::empty();
    for kept in BEFORE {
        if let Some(Ok(Payload::Whole(record))) = kept.get(1..).map(decode_payload) {
            assert!(apply(&mut before, record.body).is_ok(), "what was kept fits");
        }
    }
    for mut root in [Root::empty(), before] {
        for _ in 0..2 {
            if apply(&mut root, record.body).is_err() {
                break;
            }
            check(&root);
        }
    }
}

fn check(root: &Root) {
    for table in root.tables() {
        let rows: usize = table.chunks().map(Chunk::live_rows).sum();
        assert_eq!(rows, table.row_count(), "the chunks hold the rows");
        for index in table.indexes() {
            assert_eq!(index.len(), rows, "the index holds the rows");
        }
    }
}

fn record(bytes: &[u8]) {
    if let Some((header, _)) = Header::read(DatabaseId([0; 16]), bytes) {
        let _ = header.payload(bytes);
    }
}

fn image(bytes: &[u8]) {
    let disk = SimulatedDisk::new();
    disk.replace(Path::new(IMAGE), bytes);
    let _ = checkpoint::load(&disk, Path::new(IMAGE), None, &mut |_| {}, &|| Ok(()));
}

fn audit_log(bytes: &[u8]) {
    let _ = Entry::decode(bytes);
    let disk = SimulatedDisk::new();
    disk.replace(Path::new(AUDIT), bytes);
    let _ = audit::verify(&disk, Path::new(AUDIT), None, None);
}
