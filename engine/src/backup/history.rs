//! What happened after a backup, as an archive of the log has it: how far it is to be replayed, and replaying it.
//!
//! The archive is read twice. The first time nothing is applied: it is found that every record follows the one before up to
//! the commit that is wanted, so that what is missing or damaged is known before anything is made of the backup.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::manifest::Manifest;
use crate::audit::AuditLog;
use crate::checkpoint::LoadedImage;
use crate::disk::Disk;
use crate::durability::archiver::archived_segments;
use crate::durability::commit_record::{
    Payload, decode_commit_and_time, decode_part, decode_payload,
};
use crate::durability::replay::{Anchor, Replay};
use crate::encoding::DecodeError;
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::root::Root;
use crate::wal::Lsn;
use crate::wal::full::{self, Link, OnRecord};
use crate::wal::reader::Record;
use crate::wal::record::{Kind, record_bytes};
use crate::wal::segment::Segments;

/// Audit entries are taken over when so many bytes are gathered.
const ENTRIES_BYTES_MAX: usize = 4 << 20;

/// How far a restore goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the end of the archive.
    End,
    /// To a commit.
    Commit(u64),
    /// To the last commit before the first that was written after a moment: microseconds since 1970.
    Time(i64),
}

/// Where the replay ends.
#[derive(Debug)]
pub(super) struct Plan {
    /// The archive's segments; None replays nothing.
    segments: Option<Segments>,
    from: Lsn,
    to: Lsn,
    /// The last commit.
    pub(super) commit: u64,
    /// When it was written.
    pub(super) time_us: i64,
    /// Whether the archive has nothing behind it.
    pub(super) is_end: bool,
}

/// How a walk over the archive ended.
enum Walked {
    /// Where it was told to.
    Stopped,
    /// There are no more segments.
    End,
    /// The segment at the first place is not there, but one at the second.
    Gap(Lsn, Lsn),
}

impl Plan {
    /// Finds how far the archive in `directory` leads.
    pub(super) fn find(
        disk: &Arc<dyn Disk>,
        directory: Option<&Path>,
        manifest: &Manifest,
        until: Until,
    ) -> Result<Self, OpenError> {
        let mut plan = Self {
            segments: None,
            from: manifest.lsn,
            to: manifest.lsn,
            commit: manifest.commit,
            time_us: manifest.time_us,
            is_end: false,
        };
        check_until(manifest, until)?;
        let Some(directory) = directory else {
            return if until == Until::End || plan.reaches(until) {
                Ok(plan)
            } else {
                let message = "the backup alone ends before what is wanted";
                Err(OpenError::new(OpenErrorKind::Usage, Path::new("--to"), message)
                    .with_hint("give the archive of the log, --archive-dir"))
            };
        };
        if plan.reaches(until) {
            return Ok(plan);
        }
        let segments = archived_segments(disk, directory, manifest.id);
        plan.survey(&segments, until)?;
        plan.segments = Some(segments);
        Ok(plan)
    }

    /// Whether nothing behind this can be wanted.
    fn reaches(&self, until: Until) -> bool {
        until == Until::Commit(self.commit)
    }

    fn survey(&mut self, segments: &Segments, until: Until) -> Result<(), OpenError> {
        let starts = starts_of(segments)?;
        let mut survey = Survey { plan: self, until, parts: None };
        let from = survey.plan.from;
        let walked = walk(segments, &starts, from, &mut |path, record| survey.take(path, record))?;
        match walked {
            Walked::Stopped => Ok(()),
            Walked::Gap(missing, next) => Err(self.gap(segments, missing, next)),
            Walked::End => {
                self.is_end = true;
                match until {
                    Until::Commit(wanted) if wanted > self.commit => Err(OpenError::new(
                        OpenErrorKind::Missing,
                        segments.directory(),
                        "the archive ends before the commit that is wanted",
                    )
                    .with_values(
                        format!("commit {wanted}"),
                        format!("commits up to {}", self.commit),
                    )
                    .with_hint("the rest is in the server's own log: start it on its own files, and it is archived")),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The error of segments that are missing before one that is there.
    fn gap(&self, segments: &Segments, missing: Lsn, next: Lsn) -> OpenError {
        let first = self.commit.saturating_add(1);
        let commits = match first_commit_from(segments, next) {
            Some(behind) if behind > first => {
                format!("commits {first} to {} are missing", behind.saturating_sub(1))
            }
            Some(_) => "no commit is in what is missing".to_owned(),
            None => format!("commits from {first} on are missing"),
        };
        // Where the segment begins that should hold the backup's place is not known.
        let (path, expected) = if missing == self.from {
            (segments.directory().to_owned(), format!("a segment that holds {missing}"))
        } else {
            (segments.path(missing), format!("a segment at {missing}"))
        };
        let message = format!("the archive has a gap: {commits}");
        OpenError::new(OpenErrorKind::Missing, &path, message)
            .with_values(expected, format!("the next one at {next}"))
            .with_hint(format!(
                "put the segments back; or restore up to what is before them, --to {}",
                self.commit
            ))
    }

    /// Applies what is to be replayed to the image's state, and has the audit log follow.
    pub(super) fn replay(
        &self,
        image: LoadedImage,
        manifest: &Manifest,
        log: Option<&AuditLog>,
    ) -> Result<Root, OpenError> {
        let Some(segments) = &self.segments else { return Ok(image.root) };
        if self.to <= self.from {
            return Ok(image.root);
        }
        let anchor = Anchor {
            commit: manifest.commit,
            chain: manifest.chain,
            hash: image.hash,
            own_entry: Vec::new(),
        };
        let mut replay = Replay::new(image.root, anchor);
        walk(segments, &starts_of(segments)?, self.from, &mut |path, record| {
            if record.header.lsn >= self.to {
                return Ok(ControlFlow::Break(()));
            }
            replay.take(path, record)?;
            if replay.expectation.redo.len() >= ENTRIES_BYTES_MAX {
                take_entries(&mut replay, log)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        take_entries(&mut replay, log)?;
        if replay.root.commit.0 != self.commit {
            let message = "the archive has changed while it was read";
            return Err(OpenError::new(OpenErrorKind::Damaged, segments.directory(), message)
                .with_values(
                    format!("commit {}", self.commit),
                    format!("commit {}", replay.root.commit.0),
                )
                .with_hint("leave the archive alone while it is restored from"));
        }
        log::info!("replayed {} commits, {} rows of the archive", replay.commits, replay.rows);
        Ok(replay.root)
    }
}

/// Hands the entries that were gathered to the audit log.
fn take_entries(replay: &mut Replay, log: Option<&AuditLog>) -> Result<(), OpenError> {
    let entries = std::mem::take(&mut replay.expectation.redo);
    match log {
        Some(log) if !entries.is_empty() => log.extend(&entries).map_err(|error| {
            error.with_hint(
                "a log that was cut with --recover-to goes on from a backup made after that",
            )
        }),
        // Auditing began after the backup; it begins anew with the database that is restored.
        _ => Ok(()),
    }
}

fn check_until(manifest: &Manifest, until: Until) -> Result<(), OpenError> {
    let is_before = match until {
        Until::End => false,
        Until::Commit(commit) => commit < manifest.commit,
        Until::Time(time_us) => time_us < manifest.time_us,
    };
    if is_before {
        return Err(OpenError::new(
            OpenErrorKind::Usage,
            Path::new("--to"),
            format!("the backup is of commit {}, which is later", manifest.commit),
        )
        .with_hint("use an earlier backup"));
    }
    if until != Until::End && until != Until::Commit(manifest.commit) && manifest.lsn == Lsn(0) {
        return Err(OpenError::new(
            OpenErrorKind::Usage,
            Path::new("--to"),
            "the backup is of a database without a write-ahead log: nothing goes on from it",
        ));
    }
    Ok(())
}

fn starts_of(segments: &Segments) -> Result<Vec<Lsn>, OpenError> {
    let starts = segments
        .list()
        .map_err(|error| OpenError::io(segments.directory(), "list the archive", &error))?;
    if starts.is_empty() {
        return Err(OpenError::new(
            OpenErrorKind::Missing,
            segments.directory(),
            "no segment of a log is in this archive",
        )
        .with_hint(
            "give the directory that the server had as --archive-dir; a segment comes there when it is full, when commits in \
             it are as old as --archive-interval, and when the server stops",
        ));
    }
    Ok(starts)
}

/// Goes over the archive's records from the one at `from` on.
fn walk(
    segments: &Segments,
    starts: &[Lsn],
    from: Lsn,
    on_record: OnRecord<'_>,
) -> Result<Walked, OpenError> {
    let next_of = |place: Lsn| starts.iter().copied().find(|start| *start > place);
    let missing = |place: Lsn| next_of(place).map_or(Walked::End, |next| Walked::Gap(place, next));
    let holding = starts.iter().copied().rfind(|start| *start <= from);
    let Some(mut start) = holding else { return Ok(missing(from)) };
    if segments.open(start)?.end() <= from {
        return Ok(missing(from));
    }
    let mut link: Option<Link> = None;
    let mut first = Some(from);
    loop {
        let read = full::read(segments, start, first.take(), &mut link, on_record)?;
        let Some(next) = read.next else { return Ok(Walked::Stopped) };
        if starts.binary_search(&next).is_err() {
            return Ok(missing(next));
        }
        start = next;
    }
}

/// The first commit in the segments from `start` on, as far as one can be found.
fn first_commit_from(segments: &Segments, start: Lsn) -> Option<u64> {
    let mut found = None;
    let starts = segments.list().ok()?;
    for start in starts.into_iter().filter(|place| *place >= start) {
        let mut link = None;
        full::read(segments, start, None, &mut link, &mut |_, record| {
            found = match record.header.kind {
                Kind::Commit => commit_of(record.payload),
                Kind::Part => decode_part(record.payload).ok().map(|part| part.commit),
                _ => None,
            };
            Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .ok()?;
        if found.is_some() {
            break;
        }
    }
    found
}

fn commit_of(payload: &[u8]) -> Option<u64> {
    match decode_payload(payload).ok()? {
        Payload::Whole(record) => Some(record.head.commit),
        Payload::InParts { commit, .. } => Some(commit),
    }
}

/// Looks at the records, and moves the plan's end behind each that is wanted.
struct Survey<'a> {
    plan: &'a mut Plan,
    until: Until,
    /// The commit whose parts were read, and its time.
    parts: Option<(u64, i64)>,
}

impl Survey<'_> {
    fn take(&mut self, path: &Path, record: Record<'_>) -> Result<ControlFlow<()>, OpenError> {
        let end = record.header.lsn.0.saturating_add(record_bytes(record.payload.len()) as u64);
        let malformed = |error: DecodeError| {
            OpenError::new(
                OpenErrorKind::Damaged,
                path,
                format!("a record at {} cannot be read: {error}", record.header.lsn),
            )
        };
        let commit = match record.header.kind {
            Kind::Part => {
                let part = decode_part(record.payload).map_err(malformed)?;
                if part.number == 0 {
                    self.parts = Some(decode_commit_and_time(part.bytes).map_err(malformed)?);
                }
                return Ok(ControlFlow::Continue(()));
            }
            Kind::Commit => match decode_payload(record.payload).map_err(malformed)? {
                Payload::Whole(record) => Some((record.head.commit, record.head.time_us)),
                Payload::InParts { commit, .. } => {
                    let parts = self.parts.take().filter(|(of, _)| *of == commit);
                    // The backup's own commit may have its parts before the place where it goes on.
                    Some(parts.unwrap_or((commit, self.plan.time_us)))
                }
            },
            _ => None,
        };
        let is_wanted = match commit {
            Some((commit, time_us)) if commit <= self.plan.commit => {
                self.check_history(path, commit, time_us)?;
                true
            }
            Some((commit, time_us)) => self.follow(path, commit, time_us)?,
            // What belongs to no commit is taken only with a later one, or with all.
            None => self.until == Until::End,
        };
        if is_wanted {
            self.plan.to = Lsn(end);
        } else if commit.is_some() {
            return Ok(ControlFlow::Break(()));
        }
        let is_reached = commit.is_some() && self.plan.reaches(self.until);
        Ok(if is_reached { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// The backup's own commit is the one that the archive has there: it may be the archive of a database that was restored from
    /// the same backup, and has gone on in another way.
    fn check_history(&self, path: &Path, commit: u64, time_us: i64) -> Result<(), OpenError> {
        if commit != self.plan.commit || time_us == self.plan.time_us {
            return Ok(());
        }
        let message =
            format!("the archive has another commit {commit}: another history of the database");
        Err(OpenError::new(OpenErrorKind::Foreign, path, message)
            .with_values(
                format!("one of {} us since 1970", self.plan.time_us),
                format!("one of {time_us} us since 1970"),
            )
            .with_hint("give the archive of the server that the backup was made of"))
    }

    /// Takes the next commit, unless it is written after the time that is wanted.
    fn follow(&mut self, path: &Path, commit: u64, time_us: i64) -> Result<bool, OpenError> {
        let expected = self.plan.commit.saturating_add(1);
        if commit != expected {
            let message = "the archive's commits do not follow one another";
            return Err(OpenError::new(OpenErrorKind::Damaged, path, message)
                .with_values(format!("commit {expected}"), format!("commit {commit}")));
        }
        if matches!(self.until, Until::Time(until_us) if time_us > until_us) {
            return Ok(false);
        }
        (self.plan.commit, self.plan.time_us) = (commit, time_us);
        Ok(true)
    }
}
