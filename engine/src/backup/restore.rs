//! Making a new data directory of a backup: everything is verified first, the image gets its name last.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::history::{Plan, Until};
use super::manifest::{self, File, Manifest};
use super::{AUDIT_NAME, IMAGE_NAME};
use crate::audit::{self, AuditLog, Expectation, Key};
use crate::checkpoint::{self, ImageHeader, LoadedImage};
use crate::crypto::blake3::Hasher;
use crate::disk::Disk;
use crate::durability::files::AUDIT_SEAL_BYTES_DEFAULT;
use crate::durability::journal::now_us;
use crate::identity::{ChainState, DatabaseId, hex};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::root::Root;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 1 << 20;

/// What is to be restored, and where to.
#[derive(Debug)]
pub struct Restore<'a> {
    /// The disk that is read from.
    pub from: &'a Arc<dyn Disk>,
    /// The backup's directory.
    pub source: &'a Path,
    /// The disk that is written to.
    pub to: &'a Arc<dyn Disk>,
    /// The directory to make.
    pub directory: &'a Path,
    /// What the audit chain is keyed with.
    pub key: Option<&'a Key>,
    /// Where the log was archived that goes on from the backup.
    pub archive: Option<&'a Path>,
    /// How far that is replayed.
    pub until: Until,
}

/// A data directory that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The database.
    pub id: DatabaseId,
    /// The commit that the backup holds.
    pub backup_commit: u64,
    /// The commit that the directory shows.
    pub commit: u64,
    /// When that was written: microseconds since 1970.
    pub time_us: i64,
    /// Whether the archive ends with that commit.
    pub is_end_of_archive: bool,
    /// Rows of all tables.
    pub rows: u64,
    /// The last audit entry; None without an audit log.
    pub chain: Option<ChainState>,
}

/// Verifies the backup and makes the directory of it, as a database that was closed in order and has no log yet. What was
/// begun is removed if this fails.
pub fn restore(restore: &Restore<'_>) -> Result<Restored, OpenError> {
    check_is_free(&**restore.to, restore.directory)?;
    let manifest = read_manifest(restore)?;
    for file in &manifest.files {
        check_file(restore.from, &restore.source.join(&file.name), file, None)?;
    }
    let image = load_image(restore, &manifest)?;
    check_chain(restore, &manifest)?;
    let plan = Plan::find(restore.from, restore.archive, &manifest, restore.until)?;
    let making = Making { restore, manifest: &manifest, plan };
    making.make_directory()?;
    let made = making.all(image);
    if made.is_err() {
        making.give_up();
    }
    made
}

fn is_taken(directory: &Path) -> OpenError {
    OpenError::new(OpenErrorKind::Usage, directory, "the directory is not empty")
        .with_hint("give one that is not there yet; nothing was touched")
}

fn check_is_free(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    match disk.list(directory) {
        Ok(names) if !names.is_empty() => Err(is_taken(directory)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(OpenError::io(directory, "look at it", &error))
        }
        _ => Ok(()),
    }
}

/// Reads the manifest, and checks that all that it names is there, and nothing else.
fn read_manifest(restore: &Restore<'_>) -> Result<Manifest, OpenError> {
    let path = restore.source.join(manifest::NAME);
    let disk = &**restore.from;
    let file = disk.open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::new(
            OpenErrorKind::Missing,
            &path,
            "there is no manifest: this is no backup, or one that was not finished",
        )
        .with_hint("use another backup"),
        _ => OpenError::io(&path, "open it", &error),
    })?;
    let io = |error: io::Error| OpenError::io(&path, "read it", &error);
    let bytes = file.len().map_err(io)?;
    if bytes > manifest::BYTES_MAX {
        return Err(OpenError::new(OpenErrorKind::Damaged, &path, "the manifest is too long")
            .with_values(format!("at most {} bytes", manifest::BYTES_MAX), bytes.to_string()));
    }
    let mut content = vec![0; bytes as usize];
    let read = file.read_at(0, &mut content).map_err(io)?;
    content.truncate(read);
    let manifest = Manifest::decode(&content, &path, restore.key)?;
    check_names(disk, restore.source, &manifest)?;
    Ok(manifest)
}

fn check_names(disk: &dyn Disk, source: &Path, manifest: &Manifest) -> Result<(), OpenError> {
    let list = disk.list(source).map_err(|error| OpenError::io(source, "list it", &error))?;
    let is_named = |name: &Path| {
        name == Path::new(manifest::NAME)
            || manifest.files.iter().any(|file| Path::new(&file.name) == name)
    };
    if let Some(stranger) = list.iter().find(|name| !is_named(Path::new(name))) {
        let path = source.join(stranger);
        let message = "the manifest does not name this file: it is not the backup's";
        return Err(OpenError::new(OpenErrorKind::Foreign, &path, message)
            .with_hint("move it elsewhere, if you know where it is from"));
    }
    let has = |name: &str| manifest.files.iter().any(|file| file.name == name);
    if !has(IMAGE_NAME) || has(AUDIT_NAME) != manifest.chain.is_some() {
        let path = source.join(manifest::NAME);
        return Err(OpenError::new(OpenErrorKind::Damaged, &path, "the manifest lacks a file"));
    }
    Ok(())
}

/// Reads a file whole, and compares it with what the manifest says of it; copies it on the way, if it is to be copied.
fn check_file(
    disk: &Arc<dyn Disk>,
    path: &Path,
    expected: &File,
    copy: Option<(&dyn Disk, &Path)>,
) -> Result<(), OpenError> {
    let io = |error: io::Error| OpenError::io(path, "read it", &error);
    let file = disk.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            OpenError::new(OpenErrorKind::Missing, path, "a file of the backup is absent")
                .with_hint("use another backup")
        }
        _ => OpenError::io(path, "open it", &error),
    })?;
    let differs = |what: &str, expected: String, found: String| {
        OpenError::new(OpenErrorKind::Damaged, path, format!("its {what} is not the manifest's"))
            .with_values(expected, found)
            .with_hint("use another backup")
    };
    let bytes = file.len().map_err(io)?;
    if bytes != expected.bytes {
        let (expected, found) = (expected.bytes.to_string(), bytes.to_string());
        return Err(differs("length", format!("{expected} bytes"), format!("{found} bytes")));
    }
    let written = |target: &Path, error: io::Error| OpenError::io(target, "write it", &error);
    let made = copy.map(|(disk, target)| {
        disk.create(target).map(|file| (file, target)).map_err(|error| written(target, error))
    });
    let made = made.transpose()?;
    let (mut hasher, mut offset, mut piece) = (Hasher::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        let read = file.read_at(offset, &mut piece).map_err(io)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
        if let Some((to, target)) = &made {
            to.write_at(offset, &piece[..read]).map_err(|error| written(target, error))?;
        }
        offset += read as u64;
    }
    let hash = <[u8; 32]>::from(hasher.finalize());
    if hash != expected.hash {
        return Err(differs("BLAKE3", hex(&expected.hash), hex(&hash)));
    }
    if let Some((to, target)) = made {
        to.sync().map_err(|error| written(target, error))?;
    }
    Ok(())
}

/// Loads the image, and holds it against the manifest.
fn load_image(restore: &Restore<'_>, manifest: &Manifest) -> Result<LoadedImage, OpenError> {
    let path = restore.source.join(IMAGE_NAME);
    let image =
        checkpoint::load(&**restore.from, &path, Some(manifest.id), &mut |_| {}, &|| Ok(()))?;
    let header = &image.header;
    let found = (header.commit.0, header.lsn, header.audit);
    let expected = (manifest.commit, manifest.lsn.0, manifest.chain);
    if found != expected {
        let shown = |(commit, lsn, chain): (u64, u64, Option<ChainState>)| {
            format!("commit {commit}, log {lsn:016x}, chain {chain:?}")
        };
        let message = "the image does not end where the manifest says";
        return Err(OpenError::new(OpenErrorKind::Tampered, &path, message)
            .with_values(shown(expected), shown(found)));
    }
    Ok(image)
}

/// Verifies every link of the audit log's copy, and that it ends with the commit.
fn check_chain(restore: &Restore<'_>, manifest: &Manifest) -> Result<(), OpenError> {
    let Some(chain) = manifest.chain else { return Ok(()) };
    let path = restore.source.join(AUDIT_NAME);
    let report = audit::verify(&**restore.from, &path, restore.key, Some(chain.head));
    let report = report.map_err(|fault| {
        let kind = if fault.is_io { OpenErrorKind::Io } else { OpenErrorKind::Tampered };
        OpenError::new(kind, &fault.path.clone(), fault.to_string())
    })?;
    if report.id != manifest.id || report.state != chain || report.trailing_bytes > 0 {
        let message = "the audit log does not end where the image does";
        return Err(OpenError::new(OpenErrorKind::Tampered, &path, message)
            .with_values(format!("{chain:?}"), format!("{:?}", report.state)));
    }
    Ok(())
}

/// A directory that is being made.
struct Making<'a> {
    restore: &'a Restore<'a>,
    manifest: &'a Manifest,
    plan: Plan,
}

impl Making<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.restore.directory.join(name)
    }

    fn make_directory(&self) -> Result<(), OpenError> {
        let directory = self.restore.directory;
        self.restore.to.make_directory(directory).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => is_taken(directory),
            _ => OpenError::io(directory, "make the directory", &error),
        })
    }

    fn all(&self, image: LoadedImage) -> Result<Restored, OpenError> {
        let log = self.audit()?;
        let root = self.plan.replay(image, self.manifest, log.as_ref())?;
        let chain = self.close(log)?;
        let rows = self.image(&root, chain)?;
        Ok(Restored {
            id: self.manifest.id,
            backup_commit: self.manifest.commit,
            commit: root.commit.0,
            time_us: self.plan.time_us,
            is_end_of_archive: self.plan.is_end,
            rows,
            chain,
        })
    }

    /// Copies the audit log and opens the copy, which verifies every link of what is there now.
    fn audit(&self) -> Result<Option<AuditLog>, OpenError> {
        let Some(chain) = self.manifest.chain else { return Ok(None) };
        let to = self.restore.to;
        for file in self.manifest.files.iter().filter(|file| file.name != IMAGE_NAME) {
            let source = self.restore.source.join(&file.name);
            check_file(self.restore.from, &source, file, Some((&**to, &self.path(&file.name))))?;
        }
        let expectation = Expectation { proven: Some(chain), ..Expectation::default() };
        let (log, _) = AuditLog::open(
            Arc::clone(to),
            &self.path(AUDIT_NAME),
            self.manifest.id,
            self.restore.key.cloned(),
            AUDIT_SEAL_BYTES_DEFAULT,
            &expectation,
            &mut |_, _| {},
        )?;
        Ok(Some(log))
    }

    fn close(&self, log: Option<AuditLog>) -> Result<Option<ChainState>, OpenError> {
        let closed = log.map(|log| log.close()).transpose();
        closed.map_err(|error| OpenError::io(&self.path(AUDIT_NAME), "write it", &error))
    }

    /// Writes the image as one without a log, and gives it its name: from then on there is a database.
    fn image(&self, root: &Root, chain: Option<ChainState>) -> Result<u64, OpenError> {
        let path = self.path(IMAGE_NAME);
        let header = ImageHeader {
            id: self.manifest.id,
            epoch: 0,
            commit: root.commit,
            lsn: 0,
            time_us: now_us(),
            audit: chain,
            entries_first: 0,
            entries: Vec::new(),
            counters: root.shared().counters(),
        };
        let to = &**self.restore.to;
        let written = checkpoint::write(to, &path, root, &header, &mut |_| Ok(()));
        let written = written.and_then(|written| {
            checkpoint::install(to, &path)?;
            Ok(written)
        });
        let written = written.map_err(|error| {
            OpenError::new(OpenErrorKind::Io, &path, error.to_string())
                .with_hint("what was written was removed; try again when the disk can be written")
        })?;
        Ok(written.rows)
    }

    /// Removes what there is, the image first.
    fn give_up(&self) {
        let to = self.restore.to;
        let _ = to.remove(&self.path(IMAGE_NAME));
        for name in to.list(self.restore.directory).unwrap_or_default() {
            if let Err(error) = to.remove(&self.restore.directory.join(&name)) {
                log::warn!("{}: left behind: {error}", self.restore.directory.join(name).display());
            }
        }
    }
}
