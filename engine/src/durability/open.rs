//! Opening a database: its files made when all of them are absent, or loaded, replayed, verified, repaired where a crash
//! explains it, and otherwise refused.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audit::{self, AuditLog, Chain, Draft, Entry, Expectation, Presence};
use crate::checkpoint::{self, LoadedImage};
use crate::disk::{Disk, directory_of};
use crate::durability::files::{Files, exists};
use crate::durability::image::ImageFile;
use crate::durability::journal::{Journal, now_us};
use crate::durability::position::Start;
use crate::durability::replay::{Anchor, Replay};
use crate::identity::{ChainState, DatabaseId};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::root::{Place, Root};
use crate::wal::Lsn;
use crate::wal::reader::{self, Range, Scanned};
use crate::wal::record::Kind;
use crate::wal::segment::{SEGMENT_HEADER_BYTES, Segments};
use crate::wal::writer::{Resume, Wal, WriteError};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// A database that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Its state.
    pub root: Root,
    /// Its files.
    pub journal: Journal,
    /// The commit that the image shows; None without an image.
    pub image_commit: Option<u64>,
}

/// Opens the files, or makes them.
pub fn open(disk: &Arc<dyn Disk>, files: &Files) -> Result<Opened, OpenError> {
    files.check()?;
    let Some(db) = &files.db else { return open_audited_memory(disk, files) };
    checkpoint::remove_stale(&**disk, db).map_err(|error| cannot_write(db, &error))?;
    let opening = Opening { disk, files, db };
    if exists(disk, db)? { opening.load() } else { opening.create() }
}

/// A database with an image, being opened.
struct Opening<'a> {
    disk: &'a Arc<dyn Disk>,
    files: &'a Files,
    db: &'a Path,
}

/// A log whose end is found.
struct Log {
    scanned: Scanned,
    segments: Segments,
}

fn cannot_write(path: &Path, error: &dyn std::fmt::Display) -> OpenError {
    OpenError::new(OpenErrorKind::Io, path, error.to_string())
}

fn new_id(path: &Path) -> Result<DatabaseId, OpenError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| cannot_write(path, &error))?;
    // The bits that say "random" in a UUID.
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    Ok(DatabaseId(id))
}

/// Memory with an audit log: only the chain goes on.
fn open_audited_memory(disk: &Arc<dyn Disk>, files: &Files) -> Result<Opened, OpenError> {
    let path = files
        .audit
        .as_deref()
        .ok_or_else(|| OpenError::new(OpenErrorKind::Usage, Path::new(""), "no file is given"))?;
    let io = |error: io::Error| OpenError::io(path, "look at it", &error);
    let (id, (log, chain)) = if audit::presence(&**disk, path).map_err(io)? == Presence::Absent {
        let id = new_id(path)?;
        (id, create_audit(disk, files, path, id)?)
    } else {
        let id = audit::database_of(&**disk, path).map_err(io)?.ok_or_else(|| {
            OpenError::new(
                OpenErrorKind::Damaged,
                path,
                "the audit log's header is not as it was written",
            )
            .at(0)
            .with_hint("restore the file from a backup")
        })?;
        (id, open_audit(disk, files, path, id, &Expectation::standalone())?)
    };
    let journal = Journal::new(
        id,
        Arc::clone(disk),
        None,
        None,
        Some((log, chain)),
        files.audit_policy,
        files.audit_key.clone(),
    );
    let noted = journal.note(&Draft::opened_empty(now_us()));
    noted.map_err(|error| cannot_write(path, &error))?;
    let root = Root::empty();
    set_place(&root, 0, journal.chain());
    Ok(Opened { root, journal, image_commit: None })
}

fn create_audit(
    disk: &Arc<dyn Disk>,
    files: &Files,
    path: &Path,
    id: DatabaseId,
) -> Result<(AuditLog, Chain), OpenError> {
    let key = files.audit_key.clone();
    AuditLog::create(Arc::clone(disk), path, id, key, now_us(), files.audit_seal_bytes)
}

fn open_audit(
    disk: &Arc<dyn Disk>,
    files: &Files,
    path: &Path,
    id: DatabaseId,
    expectation: &Expectation,
) -> Result<(AuditLog, Chain), OpenError> {
    let mut told = Instant::now();
    let key = files.audit_key.clone();
    let seal = files.audit_seal_bytes;
    AuditLog::open(Arc::clone(disk), path, id, key, seal, expectation, &mut |done, total| {
        tell(&mut told, "verifying the audit log", done, total);
    })
}

/// Says how far a long step is, now and then.
fn tell(told: &mut Instant, doing: &str, done: u64, total: u64) {
    if told.elapsed() >= PROGRESS_INTERVAL {
        *told = Instant::now();
        log::info!("{doing}: {}%", done.saturating_mul(100) / total.max(1));
    }
}

fn set_place(root: &Root, lsn: u64, chain: Option<ChainState>) -> Place {
    let place = Place { lsn, time_us: now_us(), chain };
    *root.place.get_or_init(|| place)
}

impl Opening<'_> {
    /// Makes the files; none of them may be there, except what an interrupted creation left.
    fn create(&self) -> Result<Opened, OpenError> {
        self.check_nothing_is_there()?;
        let id = new_id(self.db)?;
        let audit = self.files.audit.as_ref();
        let audit = audit.map(|path| create_audit(self.disk, self.files, path, id)).transpose()?;
        let resume = self.files.wal.as_ref().map(|wal| self.create_log(wal, id)).transpose()?;
        let root = Root::empty();
        let lsn = resume.as_ref().map_or(0, |(resume, _)| resume.position.0);
        let place = set_place(&root, lsn, audit.as_ref().map(|(_, chain)| chain.state()));
        log::info!("created database {id} at {}", self.db.display());
        let wal = resume
            .map(|(resume, segments)| Wal::resume(segments, resume, self.files.wal_segment_bytes));
        self.write_first_image(id, &root, place, audit.as_ref().map(|(log, _)| log)).and_then(
            |hash| {
                let is_named = self.files.wal.is_none();
                self.start(root, id, wal, audit, is_named.then_some((place, hash)))
            },
        )
    }

    fn check_nothing_is_there(&self) -> Result<(), OpenError> {
        if let Some(path) = &self.files.audit {
            let present = audit::presence(&**self.disk, path)
                .map_err(|error| OpenError::io(path, "look at it", &error))?;
            match present {
                Presence::Absent => {}
                Presence::Blank => self.remove(path)?,
                Presence::Present => return Err(self.image_is_missing(path)),
            }
        }
        if let Some(path) = &self.files.wal {
            self.remove_blank_log(path, |path| self.image_is_missing(path))?;
        }
        Ok(())
    }

    fn image_is_missing(&self, present: &Path) -> OpenError {
        OpenError::new(
            OpenErrorKind::Missing,
            self.db,
            format!("the database image is absent, but {} is there", present.display()),
        )
        .with_hint(
            "put the image back, or give paths at which there is no file to begin a new database",
        )
    }

    fn remove(&self, path: &Path) -> Result<(), OpenError> {
        self.disk.remove(path).map_err(|error| OpenError::io(path, "remove it", &error))
    }

    /// Removes segments in which nothing was ever written; others are what `refuse` says.
    fn remove_blank_log(
        &self,
        prefix: &Path,
        refuse: impl Fn(&Path) -> OpenError,
    ) -> Result<(), OpenError> {
        let mut segments = Segments {
            disk: Arc::clone(self.disk),
            prefix: prefix.to_owned(),
            id: DatabaseId([0; 16]),
        };
        let io = |error: io::Error| OpenError::io(prefix, "look for its segments", &error);
        segments.remove_unfinished().map_err(io)?;
        for start in segments.list().map_err(io)? {
            let path = segments.path(start);
            let id = Segments::database_of(&**self.disk, &path).map_err(io)?;
            segments.id = id.ok_or_else(|| refuse(&path))?;
            if !reader::is_blank(&segments, start)? {
                return Err(refuse(&path));
            }
            self.remove(&path)?;
        }
        Ok(())
    }

    fn create_log(&self, prefix: &Path, id: DatabaseId) -> Result<(Resume, Segments), OpenError> {
        let segments = Segments { disk: Arc::clone(self.disk), prefix: prefix.to_owned(), id };
        let segment = segments
            .create(Lsn(0), self.files.wal_segment_bytes)
            .map_err(|error| OpenError::io(&segments.path(Lsn(0)), "make it", &error))?;
        let position = segment.first_record();
        Ok((Resume { segment, ready: Vec::new(), position, checksum: 0, epoch: 0 }, segments))
    }

    fn image_file(&self, id: DatabaseId) -> ImageFile {
        ImageFile { disk: Arc::clone(self.disk), path: self.db.to_owned(), id }
    }

    /// Writes an image of a root that is in no image of this kind yet; answers its hash.
    fn write_first_image(
        &self,
        id: DatabaseId,
        root: &Root,
        place: Place,
        audit: Option<&AuditLog>,
    ) -> Result<[u8; 32], OpenError> {
        if let (Some(audit), Some(path)) = (audit, &self.files.audit) {
            audit.sync().map_err(|error| OpenError::io(path, "sync it", &error))?;
        }
        let file = self.image_file(id);
        let written = file.write(root, place, 0, &[], &mut |_| Ok(()));
        let written = written.and_then(|written| file.install().map(|()| written));
        let written = written.map_err(|error| OpenError::io(self.db, "write it", &error))?;
        Ok(written.hash)
    }

    /// Loads the image and goes on from it.
    fn load(&self) -> Result<Opened, OpenError> {
        let began = Instant::now();
        let mut told = Instant::now();
        // The name may be seen and not be on the disk yet. Nothing that the image brings with it may get there before.
        self.disk
            .sync_directory(directory_of(self.db))
            .map_err(|error| OpenError::io(self.db, "sync the directory of", &error))?;
        let mut tell_progress = |progress: checkpoint::Progress| {
            tell(&mut told, "loading the image", progress.bytes, progress.bytes_total);
        };
        let loaded = checkpoint::load(&**self.disk, self.db, None, &mut tell_progress, &|| Ok(()))?;
        log::info!(
            "loaded {}: {} rows, {} bytes, as of commit {}, in {:.3} s",
            self.db.display(),
            loaded.rows,
            loaded.bytes,
            loaded.header.commit.0,
            began.elapsed().as_secs_f64()
        );
        if loaded.header.lsn == 0 {
            self.go_on_from_image(loaded)
        } else {
            self.go_on_from_log(loaded)
        }
    }

    /// The image is all there is, beside the audit log.
    fn go_on_from_image(&self, loaded: LoadedImage) -> Result<Opened, OpenError> {
        let LoadedImage { header, root, hash, .. } = loaded;
        let id = header.id;
        let (mut audit, begins) = match (&self.files.audit, header.audit) {
            (None, None) => (None, false),
            (None, Some(_)) => return Err(self.needs("audit log", "AUDIT")),
            (Some(path), None) => (Some(self.begin_audit(path, id)?), true),
            (Some(path), Some(chain)) => {
                self.check_audit_is_there(path)?;
                let expectation = self.image_expectation(&header, chain, hash)?;
                (Some(open_audit(self.disk, self.files, path, id, &expectation)?), false)
            }
        };
        let chain = audit.as_ref().map(|(_, chain)| chain.state());
        let Some(prefix) = &self.files.wal else {
            let place = set_place(&root, 0, chain);
            let log = audit.as_ref().map(|(log, _)| log).filter(|_| begins);
            let hash =
                log.map(|log| self.write_first_image(id, &root, place, Some(log))).transpose()?;
            return self.start(root, id, None, audit, hash.map(|hash| (place, hash)));
        };
        self.remove_blank_log(prefix, |path| {
            OpenError::new(
                OpenErrorKind::Foreign,
                path,
                "there is a log, but the image was written without one",
            )
            .with_hint("give the log's path a directory in which there is none")
        })?;
        let (resume, segments) = self.create_log(prefix, id)?;
        let place = set_place(&root, resume.position.0, chain);
        let hash = self.write_first_image(id, &root, place, audit.as_ref().map(|(log, _)| log))?;
        if let Some((log, chain)) = audit.as_mut().filter(|_| root.commit.0 > 0) {
            Self::name_first_image(log, chain, &Draft::image(root.commit.0, place.time_us, hash))?;
        }
        log::info!("{} has a write-ahead log from now on", self.db.display());
        let wal = Wal::resume(segments, resume, self.files.wal_segment_bytes);
        self.start(root, id, Some(wal), audit, None)
    }

    /// The entry of an image that a log begins with; after a crash before it [`Anchor::of`] has it put back.
    fn name_first_image(
        log: &AuditLog,
        chain: &mut Chain,
        draft: &Draft<'_>,
    ) -> Result<(), OpenError> {
        let mut entry = Vec::new();
        chain.append(draft, &mut entry);
        let named = log.append(&entry, chain.state()).and_then(|()| log.sync());
        named.map(drop).map_err(|error| OpenError::io(log.path(), "write to it", &error))
    }

    /// What the audit log must hold if the image is the last that was written.
    fn image_expectation(
        &self,
        header: &checkpoint::ImageHeader,
        chain: ChainState,
        hash: [u8; 32],
    ) -> Result<Expectation, OpenError> {
        let malformed = |_| {
            OpenError::new(
                OpenErrorKind::Damaged,
                self.db,
                "the audit entries in the image cannot be read",
            )
        };
        let mut redo = header.entries.clone();
        let proven = match Entry::first(&redo).map_err(malformed)? {
            Some(first) => {
                ChainState { sequence: first.sequence.saturating_sub(1), head: first.previous }
            }
            None => chain,
        };
        Chain::new(chain, self.files.audit_key.clone())
            .append(&Draft::image(header.commit.0, header.time_us, hash), &mut redo);
        Ok(Expectation {
            proven: Some(proven),
            redo_first: proven.sequence.saturating_add(1),
            redo,
            ..Expectation::default()
        })
    }

    /// The log goes on from the image.
    fn go_on_from_log(&self, loaded: LoadedImage) -> Result<Opened, OpenError> {
        let LoadedImage { header, root, hash, .. } = loaded;
        let Some(prefix) = &self.files.wal else {
            return Err(self.needs("write-ahead log", "WAL"));
        };
        let segments =
            Segments { disk: Arc::clone(self.disk), prefix: prefix.clone(), id: header.id };
        let anchor = Anchor::of(&header, hash, self.files.audit_key.as_ref());
        let (mut replay, log) = self.replay(segments, Lsn(header.lsn), root, anchor)?;
        let Log { scanned, segments } = log;
        let cannot = |doing| {
            let path = &scanned.resume.segment.path;
            move |error: io::Error| OpenError::io(path, doing, &error)
        };
        // Before the audit log gets what it lacks: it must never have what the log may still lose.
        reader::secure(&segments, &scanned).map_err(cannot("write its last group again"))?;
        let audit = self.audit_of_log(&mut replay, header.id)?;
        // After the audit log had its say on what is cut.
        reader::clean(&scanned).map_err(cannot("clear what is behind its end"))?;
        let wal = Wal::resume(segments, scanned.resume, self.files.wal_segment_bytes);
        self.start(replay.root, header.id, Some(wal), audit, None).map(|mut opened| {
            opened.image_commit = Some(header.commit.0);
            opened
        })
    }

    fn replay(
        &self,
        segments: Segments,
        from: Lsn,
        root: Root,
        anchor: Anchor,
    ) -> Result<(Replay, Log), OpenError> {
        let began = Instant::now();
        let mut told = Instant::now();
        let io =
            |error: io::Error| OpenError::io(&segments.prefix, "look for its segments", &error);
        segments.remove_unfinished().map_err(io)?;
        let mut replay = Replay::new(root, anchor);
        let range = Range { from: Some(from), to: self.files.recover_to };
        let scanned = reader::scan(&segments, range, &mut |path, record| {
            if told.elapsed() >= PROGRESS_INTERVAL {
                told = Instant::now();
                log::info!(
                    "replaying the log: at {}, {} commits",
                    record.header.lsn,
                    replay.commits
                );
            }
            replay.take(path, record)
        })?;
        // The start that the first record is may be torn: then nothing was ever acknowledged.
        let was_never_started = from == Lsn(SEGMENT_HEADER_BYTES);
        if scanned.records == 0 && !was_never_started {
            return Err(OpenError::new(
                OpenErrorKind::Damaged,
                &scanned.resume.segment.path,
                "the log does not hold the record that the image goes on from: it is older than the image, or damaged",
            )
            .at(scanned.resume.segment.offset(from))
            .with_values(format!("commit {}", replay.root.commit.0), "no record")
            .with_hint("restore image and log from one backup"));
        }
        tell_end(&scanned);
        log::info!(
            "replayed {} commits, {} rows, {} bytes of log up to {} in {:.3} s{}",
            replay.commits,
            replay.rows,
            scanned.bytes,
            scanned.resume.position,
            began.elapsed().as_secs_f64(),
            if scanned.last_kind == Some(Kind::Close) {
                ""
            } else {
                "; it was not closed in order"
            }
        );
        Ok((replay, Log { scanned, segments }))
    }

    fn audit_of_log(
        &self,
        replay: &mut Replay,
        id: DatabaseId,
    ) -> Result<Option<(AuditLog, Chain)>, OpenError> {
        match (&self.files.audit, replay.is_audited) {
            (None, false) => Ok(None),
            (None, true) => Err(self.needs("audit log", "AUDIT")),
            (Some(path), false) => self.begin_audit(path, id).map(Some),
            (Some(path), true) => {
                self.check_audit_is_there(path)?;
                if self.files.recover_to.is_some() {
                    // What the operator gives up was done all the same: its entries stay.
                    replay.expectation.goes_on = true;
                } else {
                    replay.check_image_is_named(self.db)?;
                }
                open_audit(self.disk, self.files, path, id, &replay.expectation).map(Some)
            }
        }
    }

    /// An audit log for a database that has had none.
    fn begin_audit(&self, path: &Path, id: DatabaseId) -> Result<(AuditLog, Chain), OpenError> {
        let present = audit::presence(&**self.disk, path)
            .map_err(|error| OpenError::io(path, "look at it", &error))?;
        match present {
            Presence::Absent => {}
            Presence::Blank => self.remove(path)?,
            Presence::Present => {
                return Err(OpenError::new(
                    OpenErrorKind::Foreign,
                    path,
                    "there is an audit log, but this database was written without one",
                )
                .with_hint("give a path at which there is no file, to begin one"));
            }
        }
        log::info!("{} has an audit log from now on", self.db.display());
        create_audit(self.disk, self.files, path, id)
    }

    fn check_audit_is_there(&self, path: &Path) -> Result<(), OpenError> {
        let present = audit::presence(&**self.disk, path)
            .map_err(|error| OpenError::io(path, "look at it", &error))?;
        if present == Presence::Absent {
            return Err(OpenError::new(
                OpenErrorKind::Missing,
                path,
                "the audit log is absent, and this database has one",
            )
            .with_hint("put it back, or restore the files from a backup"));
        }
        Ok(())
    }

    /// A file that the database has was not given.
    fn needs(&self, what: &str, argument: &str) -> OpenError {
        OpenError::new(
            OpenErrorKind::Usage,
            self.db,
            format!("this database has a {what}, which was not given"),
        )
        .with_hint(format!("give its path as {argument}, or use --data-dir"))
    }

    /// Everything is in its place: begins an epoch of the log, or notes the image that was made for an audit log.
    fn start(
        &self,
        mut root: Root,
        id: DatabaseId,
        wal: Option<Wal>,
        audit: Option<(AuditLog, Chain)>,
        image: Option<(Place, [u8; 32])>,
    ) -> Result<Opened, OpenError> {
        let chain = audit.as_ref().map(|(_, chain)| chain.state());
        let mut lsn = 0;
        if let Some(wal) = &wal {
            let start = Start { commit: root.commit.0, time_us: now_us(), chain };
            lsn = write_start(wal, start).map_err(|error| {
                OpenError::io(&wal.segments().prefix, "begin a new epoch in it", &error)
            })?;
        }
        root.place = std::sync::OnceLock::new();
        set_place(&root, lsn, chain);
        let db: Option<PathBuf> = Some(self.db.to_owned());
        let commit = root.commit.0;
        let is_audited = audit.is_some();
        let journal = Journal::new(
            id,
            Arc::clone(self.disk),
            db,
            wal,
            audit,
            self.files.audit_policy,
            self.files.audit_key.clone(),
        );
        if let Some((place, hash)) = image.filter(|_| is_audited) {
            journal
                .note(&Draft::image(commit, place.time_us, hash))
                .map_err(|error| cannot_write(self.db, &error))?;
        }
        Ok(Opened { root, journal, image_commit: Some(commit) })
    }
}

/// Begins an epoch: what was recovered is what the log goes on from.
fn write_start(wal: &Wal, start: Start) -> io::Result<u64> {
    wal.prepare()?;
    let mut payload = Vec::new();
    start.encode(&mut payload);
    let written = wal.begin().and_then(|mut group| {
        let lsn = group.append(Kind::Start, &[&payload])?;
        group.write()?;
        Ok(lsn.0)
    });
    written.map_err(|error| match error {
        WriteError::Refused(error) | WriteError::Unknown(error) => error,
    })
}

/// What a crash, or an earlier use of the segment, left behind the log's end.
fn tell_end(scanned: &Scanned) {
    let (path, bytes) = (scanned.resume.segment.path.display(), scanned.torn_bytes);
    let position = scanned.resume.position;
    if bytes > 0 && scanned.is_torn {
        log::warn!("{path}: cut {bytes} bytes at {position} that were never acknowledged");
    } else if bytes > 0 {
        log::debug!("{path}: {bytes} bytes at {position} are of no commit");
    }
}
