//! Names of simulated files: what processes see, what is durable, and the changes between that no directory sync has
//! made durable yet.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::directory_of;
use super::file::{Cut, File};
use super::lock;
use super::random::Chances;

/// A file, shared by its names and its handles; it lives as long as one of them.
pub(super) type SharedFile = Arc<Mutex<File>>;

type Entries = BTreeMap<Arc<Path>, SharedFile>;

/// All names of a disk.
#[derive(Debug, Default)]
pub(super) struct Names {
    now: Entries,
    durable: Entries,
    /// In the order they were made.
    changes: Vec<Change>,
}

/// A change that is not durable yet.
#[derive(Clone, Debug)]
struct Change {
    /// The name that goes.
    from: Option<Arc<Path>>,
    /// The name that comes.
    to: Option<Arc<Path>>,
    file: SharedFile,
}

impl Change {
    /// Both names of a rename are in one directory.
    fn is_in(&self, directory: &Path) -> bool {
        self.from.iter().chain(&self.to).any(|path| directory_of(path) == directory)
    }

    /// Applies the change to entries that may lack changes before it: whole or not at all, and a file never has two names.
    fn apply(&self, entries: &mut Entries) {
        match &self.to {
            Some(to) => {
                entries.retain(|_, file| !Arc::ptr_eq(file, &self.file));
                entries.insert(to.clone(), self.file.clone());
            }
            None => entries.retain(|path, file| {
                !Arc::ptr_eq(file, &self.file) || Some(path) != self.from.as_ref()
            }),
        }
    }
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<&SharedFile> {
        self.now.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<Path>, &SharedFile)> {
        self.now.iter()
    }

    fn change(&mut self, from: Option<&Path>, to: Option<&Path>, file: SharedFile) {
        let change = Change { from: from.map(Arc::from), to: to.map(Arc::from), file };
        change.apply(&mut self.now);
        self.changes.push(change);
    }

    /// The name must be free.
    pub(super) fn create(&mut self, path: &Path) -> SharedFile {
        let file = SharedFile::default();
        self.change(None, Some(path), file.clone());
        file
    }

    /// Whether there was such a file.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> bool {
        let Some(file) = self.now.get(from).cloned() else { return false };
        if from != to {
            self.change(Some(from), Some(to), file);
        }
        true
    }

    /// Whether there was such a file.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        let Some(file) = self.now.get(path).cloned() else { return false };
        self.change(Some(path), None, file);
        true
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        let durable = &mut self.durable;
        self.changes.retain(|change| {
            let synced = change.is_in(directory);
            if synced {
                change.apply(durable);
            }
            !synced
        });
    }

    /// Puts a file there that is durable at once, name and bytes.
    pub(super) fn put_durable(&mut self, path: &Path, file: File) {
        let path: Arc<Path> = Arc::from(path);
        let file = Arc::new(Mutex::new(file));
        self.changes.retain(|change| {
            change.from.as_ref() != Some(&path) && change.to.as_ref() != Some(&path)
        });
        self.now.insert(path.clone(), file.clone());
        self.durable.insert(path, file);
    }

    /// A copy that shares no file with this one.
    pub(super) fn copy(&self) -> Self {
        let mut copies: HashMap<*const Mutex<File>, SharedFile> = HashMap::new();
        let mut copy_of = |file: &SharedFile| {
            let copy = copies.entry(Arc::as_ptr(file));
            copy.or_insert_with(|| Arc::new(Mutex::new(lock(file).clone()))).clone()
        };
        let mut copy_all = |entries: &Entries| -> Entries {
            entries.iter().map(|(path, file)| (path.clone(), copy_of(file))).collect()
        };
        let (now, durable) = (copy_all(&self.now), copy_all(&self.durable));
        let copy_change =
            |change: &Change| Change { file: copy_of(&change.file), ..change.clone() };
        Self { now, durable, changes: self.changes.iter().map(copy_change).collect() }
    }

    /// What is left after a power cut.
    pub(super) fn cut(&self, cut: &Cut, chances: &mut Chances) -> Self {
        let mut left = self.durable.clone();
        for change in &self.changes {
            if cut.survives(chances) {
                change.apply(&mut left);
            }
        }
        for file in left.values_mut() {
            let cut = lock(file).cut(cut, chances);
            *file = Arc::new(Mutex::new(cut));
        }
        Self { now: left.clone(), durable: left, changes: Vec::new() }
    }
}
