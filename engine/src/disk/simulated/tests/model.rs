//! Random operations beside a model that keeps every state a file and a name had since it was last synced.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["a", "b", "c"];
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Step {
    Create {
        name: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Remove {
        name: usize,
    },
    SyncDirectory,
    Write {
        name: usize,
        offset: u64,
        len: usize,
    },
    SetLen {
        name: usize,
        len: u64,
    },
    Sync {
        name: usize,
        fails: bool,
    },
    /// The machine loses its power and is started again.
    PowerCut {
        seed: u64,
    },
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    // Around the ends of sectors and pages above all.
    let place = prop_oneof![0..12_000_u64, (0..24_u64).prop_map(|sector| sector * 512)];
    let len = prop_oneof![1..600_usize, Just(4096_usize), 1..9000_usize];
    prop_oneof![
        3 => name.clone().prop_map(|name| Step::Create { name }),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => name.clone().prop_map(|name| Step::Remove { name }),
        2 => Just(Step::SyncDirectory),
        8 => (name.clone(), place.clone(), len)
            .prop_map(|(name, offset, len)| Step::Write { name, offset, len }),
        2 => (name.clone(), place).prop_map(|(name, len)| Step::SetLen { name, len }),
        3 => (name, prop::bool::weighted(0.1)).prop_map(|(name, fails)| Step::Sync { name, fails }),
        1 => any::<u64>().prop_map(|seed| Step::PowerCut { seed }),
        1 => Just(Step::Kill),
    ]
}

/// A file's states since its last sync, that one first, the present one last.
#[derive(Clone, Default)]
struct ModelFile {
    versions: Vec<Vec<u8>>,
    /// After a failed sync no later one is trusted: the simulated disk heals page by page, which has a test of its own.
    is_suspect: bool,
}

#[derive(Default)]
struct Model {
    files: Vec<ModelFile>,
    /// The files a name had since the directory was last synced, that one first, the present one last.
    names: BTreeMap<usize, Vec<Option<usize>>>,
    /// Every write is of another byte, so that no two versions look alike.
    byte: u8,
}

impl Model {
    fn file(&self, name: usize) -> Option<usize> {
        self.names.get(&name).and_then(|files| *files.last().unwrap())
    }

    fn set(&mut self, name: usize, file: Option<usize>) {
        self.names.entry(name).or_insert_with(|| vec![None]).push(file);
    }

    fn change(&mut self, file: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let versions = &mut self.files[file].versions;
        let mut bytes = versions.last().unwrap().clone();
        change(&mut bytes);
        versions.push(bytes);
    }

    /// What is on the disk becomes the model's only state; it must be one the model allows.
    fn take_over(&mut self, disk: &SimulatedDisk) {
        let mut left = Model { byte: self.byte, ..Model::default() };
        for (name, text) in NAMES.iter().enumerate() {
            let candidates = self.names.get(&name).cloned().unwrap_or_else(|| vec![None]);
            let Some(bytes) = disk.contents(&path(text)) else {
                assert!(candidates.contains(&None), "{text} is gone\n{disk:?}");
                continue;
            };
            let mut files = candidates.iter().flatten();
            assert!(
                files.any(|file| self.files[*file].may_be(&bytes)),
                "{text} has {} bytes it never had",
                bytes.len()
            );
            left.names.insert(name, vec![Some(left.files.len())]);
            left.files.push(ModelFile { versions: vec![bytes], is_suspect: false });
        }
        *self = left;
    }
}

impl ModelFile {
    /// Whether the length and every sector are those of some version; what a version lacks are zeros.
    fn may_be(&self, bytes: &[u8]) -> bool {
        let padded = |version: &[u8], place: usize| version.get(place).copied().unwrap_or(0);
        let sector_of = |version: &[u8], begin: usize, sector: &[u8]| {
            sector.iter().enumerate().all(|(place, byte)| *byte == padded(version, begin + place))
        };
        self.versions.iter().any(|version| version.len() == bytes.len())
            && bytes.chunks(SECTOR_BYTES).enumerate().all(|(number, sector)| {
                let begin = number * SECTOR_BYTES;
                self.versions.iter().any(|version| sector_of(version, begin, sector))
            })
    }
}

fn create_or_move(step: &Step, disk: &SimulatedDisk, model: &mut Model) {
    match *step {
        Step::Create { name } => {
            let is_free = model.file(name).is_none();
            assert_eq!(disk.create(&path(NAMES[name])).is_ok(), is_free);
            if is_free {
                model.set(name, Some(model.files.len()));
                model.files.push(ModelFile { versions: vec![Vec::new()], is_suspect: false });
            }
        }
        Step::Rename { from, to } => {
            let file = model.file(from);
            let renamed = disk.rename(&path(NAMES[from]), &path(NAMES[to]));
            assert_eq!(renamed.is_ok(), file.is_some());
            if file.is_some() && from != to {
                model.set(from, None);
                model.set(to, file);
            }
        }
        Step::Remove { name } => {
            let is_there = model.file(name).is_some();
            assert_eq!(disk.remove(&path(NAMES[name])).is_ok(), is_there);
            if is_there {
                model.set(name, None);
            }
        }
        _ => {
            disk.sync_directory(Path::new(DIRECTORY)).unwrap();
            for files in model.names.values_mut() {
                files.drain(..files.len() - 1);
            }
        }
    }
}

fn write_or_sync(step: &Step, disk: &SimulatedDisk, model: &mut Model) {
    let (Step::Write { name, .. } | Step::SetLen { name, .. } | Step::Sync { name, .. }) = *step
    else {
        return;
    };
    let Some(file) = model.file(name) else {
        assert!(disk.open(&path(NAMES[name])).is_err());
        return;
    };
    let handle = disk.open(&path(NAMES[name])).unwrap();
    match *step {
        Step::Write { offset, len, .. } => {
            model.byte = model.byte % 255 + 1;
            let bytes = vec![model.byte; len];
            handle.write_at(offset, &bytes).unwrap();
            let offset = offset as usize;
            model.change(file, |content| {
                content.resize(content.len().max(offset + len), 0);
                content[offset..offset + len].copy_from_slice(&bytes);
            });
        }
        Step::SetLen { len, .. } => {
            handle.set_len(len).unwrap();
            model.change(file, |content| content.resize(len as usize, 0));
        }
        Step::Sync { fails, .. } => {
            if fails {
                disk.fail_at(disk.operations(), Fault::InputOutput);
            }
            assert_eq!(handle.sync().is_err(), fails);
            let file = &mut model.files[file];
            file.is_suspect |= fails;
            if !file.is_suspect {
                file.versions.drain(..file.versions.len() - 1);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_sector_length_and_name_is_one_that_was(
        steps in prop::collection::vec(step(), 1..60),
        seeds in prop::collection::vec(any::<u64>(), 8),
    ) {
        let mut disk = SimulatedDisk::new();
        let mut model = Model::default();
        for step in &steps {
            match step {
                Step::PowerCut { seed } => {
                    let left = disk.power_cut(*seed);
                    prop_assert_eq!(contents(&left), contents(&disk.power_cut(*seed)));
                    disk = left;
                    model.take_over(&disk);
                }
                Step::Kill => disk = disk.process_kill(),
                Step::Create { .. } | Step::Rename { .. } | Step::Remove { .. }
                | Step::SyncDirectory => create_or_move(step, &disk, &mut model),
                _ => write_or_sync(step, &disk, &mut model),
            }
            for (name, text) in NAMES.iter().enumerate() {
                let expected = model.file(name).map(|file| model.files[file].versions.last().unwrap());
                let found = disk.contents(&path(text));
                prop_assert_eq!(found.as_ref(), expected);
            }
        }
        for seed in seeds {
            let mut model = Model { files: model.files.clone(), names: model.names.clone(), byte: 0 };
            model.take_over(&disk.power_cut(seed));
        }
    }
}

fn contents(disk: &SimulatedDisk) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    disk.paths().into_iter().map(|path| (path.clone(), disk.contents(&path))).collect()
}
