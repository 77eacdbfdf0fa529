//! The simulated disk does what it says, so that what is tested on it is tested.

mod cuts;
mod faults;
mod model;

use std::path::{Path, PathBuf};

use super::super::{Disk, DiskFile};
use super::{Fault, SimulatedDisk};

const DIRECTORY: &str = "/d";

fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

fn create(disk: &SimulatedDisk, name: &str, bytes: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.create(&path(name)).unwrap();
    file.write_at(0, bytes).unwrap();
    file
}

/// A file that is durable, name and bytes.
fn create_durable(disk: &SimulatedDisk, name: &str, bytes: &[u8]) -> Box<dyn DiskFile> {
    let file = create(disk, name, bytes);
    file.sync().unwrap();
    disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    file
}

/// What a file holds after power cuts with many seeds, each state once, sorted; None where the file is absent.
fn states(disk: &SimulatedDisk, name: &str) -> Vec<Option<Vec<u8>>> {
    let mut states: Vec<_> =
        (0..400).map(|seed| disk.power_cut(seed).contents(&path(name))).collect();
    states.sort();
    states.dedup();
    states
}
