//! A disk whose machine stops, and what must be found on it afterwards: the model's committed state.

use std::collections::BTreeSet;
use std::sync::Arc;

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::{Database, Options};

use crate::answer;
use crate::check::disagreement;
use crate::crash::campaign::Crash;
use crate::crash::mode::Mode;
use crate::crash::state::check_indexes;
use crate::generator::Statement;
use crate::model::Model;

/// Where the data is: nowhere but in memory, or in files on a simulated disk.
#[derive(Debug)]
pub(super) struct Medium {
    files: Option<(Mode, SimulatedDisk)>,
    /// How the machine stops that is going to.
    planned: Option<Crash>,
}

impl Medium {
    pub(super) fn new(mode: Option<Mode>) -> Self {
        Self { files: mode.map(|mode| (mode, SimulatedDisk::new())), planned: None }
    }

    pub(super) fn open(&self) -> Result<Arc<Database>, String> {
        match &self.files {
            None => Database::open(Options::default()).map_err(|error| error.to_string()),
            Some((mode, disk)) => mode.open(disk.clone()).map_err(|error| error.to_string()),
        }
    }

    /// Has the machine stop after some more operations; says whether there is one that can.
    pub(super) fn plan(&mut self, operations: usize, seed: Option<u64>) -> bool {
        let Some((_, disk)) = &self.files else { return false };
        disk.crash_at(disk.operations() + operations as u64);
        self.planned = Some(seed.map_or(Crash::Kill, Crash::Cut));
        true
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.files.as_ref().is_some_and(|(_, disk)| disk.has_crashed())
    }

    /// The machine has stopped, or does so now: what is left is another disk. Says whether there was one.
    pub(super) fn stop(&mut self) -> bool {
        let crash = self.planned.take().unwrap_or(Crash::Kill);
        let Some((_, disk)) = &mut self.files else { return false };
        *disk = crash.of(disk);
        true
    }
}

/// What of a database, nobody working on it, is not as in the model.
pub(super) fn difference(database: &Arc<Database>, model: &Model) -> Option<String> {
    let root = database.published_root();
    let indexes = root.tables().flat_map(|table| table.schema().indexes.iter());
    let names = indexes.map(|index| index.name.to_string());
    let made: BTreeSet<String> = names.filter(|name| !name.ends_with("_pkey")).collect();
    if made != model.committed_indexes() {
        return Some(format!("indexes {:?} expected, {made:?} found", model.committed_indexes()));
    }
    let mut session = database.session();
    let mut contents = model.committed_contents().into_iter();
    let fault = contents.find_map(|(query, expected)| {
        let answered = answer::run(&mut session, &query.to_string());
        disagreement(&Statement::Query(query), &expected, &answered)
    });
    fault.or_else(|| check_indexes(database).err())
}
