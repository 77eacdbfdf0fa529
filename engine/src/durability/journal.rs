//! The journal: makes groups of commits durable in the files there are, and links them into the audit chain.
//!
//! Order of a group: changes and audit entries are encoded; the log's group is written and synced (or, without a log, the whole
//! image is written, synced and renamed); the audit entries are appended, unsynced, since log or image holds them (in memory
//! mode they are synced: the audit log is all there is). Only then are the roots published.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use crate::audit::{AuditLog, Chain, Draft, Key, Parameters};
use crate::crypto::blake3;
use crate::disk::Disk;
use crate::durability::commit_record::{
    begin_payload, encode_body, encode_end_of_parts, encode_part_head, encode_sequence_effects,
    end_payload, head_of,
};
use crate::durability::faults;
use crate::durability::image::{ImageFile, Written};
use crate::durability::position::encode_chain;
use crate::error::{Error, Result};
use crate::identity::{ChainState, DatabaseId};
use crate::metrics::Latencies;
use crate::sabotage::{self, Break};
use crate::storage::root::{Place, Root};
use crate::transaction::executed::{AuditPolicy, Executed, ExecutedParameters};
use crate::transaction::log::{CommitLog, Record};
use crate::wal::record::Kind;
use crate::wal::writer::{Group, Wal, WriteError};

/// Bytes of one part of a large commit, where segments are large enough.
const PART_BYTES_MAX: usize = 1 << 20;

/// Parts are synced when so many bytes are gathered: a large commit takes memory and time in slices.
const PARTS_GATHERED_BYTES_MAX: usize = 4 << 20;

/// Memory kept from one commit for the next.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Bytes of varints before a part's bytes, at most.
const PART_HEAD_BYTES_MAX: usize = 20;

/// The files of an open database.
#[derive(Debug)]
pub struct Journal {
    /// The database.
    pub id: DatabaseId,
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// The image's path; None keeps no image.
    pub image: Option<PathBuf>,
    /// The log; None writes an image per commit, or nothing.
    pub wal: Option<Wal>,
    /// The audit log.
    pub audit: Option<AuditLog>,
    policy: AuditPolicy,
    key: Option<Key>,
    state: Mutex<State>,
    /// Set once the files may not be what they seem: why.
    refusal: OnceLock<Error>,
    /// Bytes that were written to the log since it was opened.
    wal_bytes: AtomicU64,
    last_write: Mutex<Option<Instant>>,
}

/// What one group at a time changes.
#[derive(Debug, Default)]
struct State {
    chain: Option<Chain>,
    /// Audit entries that are durable elsewhere and could not be appended yet, and the chain after them.
    backlog: Vec<u8>,
    entries: Vec<u8>,
    payload: Vec<u8>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as i64
}

impl Journal {
    /// A journal over files that were opened or made.
    pub fn new(
        id: DatabaseId,
        disk: Arc<dyn Disk>,
        image: Option<PathBuf>,
        wal: Option<Wal>,
        audit: Option<(AuditLog, Chain)>,
        policy: AuditPolicy,
        key: Option<Key>,
    ) -> Self {
        let (audit, chain) = audit.unzip();
        let policy = if audit.is_some() { policy } else { AuditPolicy::Off };
        Self {
            id,
            disk,
            image,
            wal,
            audit,
            policy,
            key,
            state: Mutex::new(State { chain, ..State::default() }),
            refusal: OnceLock::new(),
            wal_bytes: AtomicU64::new(0),
            last_write: Mutex::new(None),
        }
    }

    /// What the audit chain is keyed with.
    pub fn key(&self) -> &Option<Key> {
        &self.key
    }

    /// Where the audit chain stands.
    pub fn chain(&self) -> Option<ChainState> {
        lock(&self.state).chain.as_ref().map(Chain::state)
    }

    /// Bytes written to the log since it was opened.
    pub fn wal_bytes(&self) -> u64 {
        self.wal_bytes.load(Ordering::Relaxed)
    }

    /// When a group was last written.
    pub fn last_write(&self) -> Option<Instant> {
        *lock(&self.last_write)
    }

    /// Nothing is written any more until the database is opened again.
    pub fn refuse(&self, error: &Error) {
        if self.refusal.set(faults::writes_stopped(error)).is_ok() {
            log::error!(
                "{error}; writes are refused until the database is opened again, reads go on"
            );
        }
    }

    /// Adds an audit entry that belongs to no commit; durable when it returns.
    pub fn note(&self, draft: &Draft<'_>) -> Result<Option<ChainState>> {
        let mut state = lock(&self.state);
        self.check_refusal()?;
        self.write_backlog(&mut state)?;
        let Some(chain) = &mut state.chain else { return Ok(None) };
        let before = chain.state();
        let mut entries = Vec::new();
        let after = chain.append(draft, &mut entries);
        let written = self.write_note(before.sequence.saturating_add(1), &entries);
        if let Err(error) = written {
            if let Some(chain) = &mut state.chain {
                chain.reset(before);
            }
            return Err(error);
        }
        state.entries = entries;
        self.append_entries(&mut state, after)?;
        Ok(Some(after))
    }

    /// Makes durable in the audit log what it has and what it still lacks.
    pub fn sync_audit(&self) -> Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        self.write_backlog(&mut lock(&self.state))?;
        audit.sync().map_err(|error| {
            let error = faults::unknown("audit log", &error);
            self.refuse(&error);
            error
        })?;
        Ok(())
    }

    /// Proves the log's last group while nothing happens, and appends what the audit log lacks.
    pub fn write_idle(&self, wal: &Wal) {
        let mut state = lock(&self.state);
        if self.refusal.get().is_some() {
            return;
        }
        // Both are tried again with the next commit, which says so if it cannot be.
        let _ = self.write_backlog(&mut state);
        if let Err(error) = wal.write_idle() {
            let _ = self.failed(error);
        }
    }

    /// Ends the log's segment, so that it can be archived. Whether it did: what cannot be written now is tried again.
    pub fn end_segment(&self) -> bool {
        let Some(wal) = &self.wal else { return false };
        // Invariant: what the log's failure means is decided by one at a time.
        let _state = lock(&self.state);
        if self.refusal.get().is_some() {
            return false;
        }
        wal.end_segment().map_err(|error| self.failed(error)).is_ok()
    }

    fn write_note(&self, first_entry: u64, entries: &[u8]) -> Result<()> {
        let Some(wal) = &self.wal else { return Ok(()) };
        let written = wal.begin().and_then(|mut group| {
            group.append(Kind::Note, &[&first_entry.to_le_bytes(), entries])?;
            group.write()
        });
        written.map_err(|error| self.failed(error))
    }

    fn check_refusal(&self) -> Result<()> {
        self.refusal.get().cloned().map_or(Ok(()), Err)
    }

    /// What a failure of the log means for whoever waits.
    fn failed(&self, error: WriteError) -> Error {
        match error {
            WriteError::Refused(error) => faults::not_written("write-ahead log", &error),
            WriteError::Unknown(error) => {
                let error = faults::unknown("write-ahead log", &error);
                self.refuse(&error);
                error
            }
        }
    }

    /// Appends what an earlier append could not: nothing is acknowledged that the audit log lacks for long.
    fn write_backlog(&self, state: &mut State) -> Result<()> {
        if state.backlog.is_empty() {
            return Ok(());
        }
        let (Some(audit), Some(chain)) = (&self.audit, &state.chain) else { return Ok(()) };
        audit
            .append(&state.backlog, chain.state())
            .map_err(|error| faults::not_written("audit log", &error))?;
        state.backlog.clear();
        Ok(())
    }

    /// Appends the group's entries, which log or image holds already, or else the audit log is synced.
    fn append_entries(&self, state: &mut State, after: ChainState) -> Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        if state.entries.is_empty() {
            return Ok(());
        }
        let appended = audit.append(&state.entries, after);
        if self.wal.is_some() || self.image.is_some() {
            if let Err(error) = appended {
                log::error!(
                    "could not append to the audit log: {error}; it is tried again with the next commit"
                );
                state.backlog.extend_from_slice(&state.entries);
            }
            return Ok(());
        }
        appended.map_err(|error| faults::not_written("audit log", &error))?;
        audit.sync().map_err(|error| {
            let error = faults::unknown("audit log", &error);
            self.refuse(&error);
            error
        })?;
        Ok(())
    }

    /// Encodes one commit and adds it to the log's group; answers where it is kept.
    fn add<'a>(
        &'a self,
        state: &mut State,
        group: &mut Option<Group<'a>>,
        record: &Record,
    ) -> std::result::Result<Place, WriteError> {
        let time_us = now_us();
        let head = head_of(record.commit().0, time_us, record.after().shared());
        state.payload.clear();
        let sequences = record.sequence_effects();
        let body = begin_payload(head, !sequences.is_empty(), &mut state.payload);
        if self.wal.is_some() || state.chain.is_some() {
            encode_body(&record.effects(), &mut state.payload);
            encode_sequence_effects(&sequences, &mut state.payload);
        }
        let entries_from = state.entries.len();
        let first_entry = link(state, body, record, time_us);
        let mut lsn = 0;
        if let Some(group) = group {
            let entries = &state.entries[entries_from..];
            end_payload(body, first_entry, entries, &mut state.payload);
            lsn = self.add_payload(group, record.commit().0, &state.payload)?;
        }
        if state.payload.capacity() > KEPT_BYTES_MAX {
            state.payload = Vec::new();
        }
        Ok(Place { lsn, time_us, chain: state.chain.as_ref().map(Chain::state) })
    }

    fn add_payload(
        &self,
        group: &mut Group<'_>,
        commit: u64,
        payload: &[u8],
    ) -> std::result::Result<u64, WriteError> {
        self.wal_bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
        let part_bytes = group.payload_bytes_max().min(PART_BYTES_MAX + PART_HEAD_BYTES_MAX);
        if payload.len() <= part_bytes {
            return Ok(group.append(Kind::Commit, &[payload])?.0);
        }
        let mut head = Vec::new();
        let pieces = payload.chunks(part_bytes - PART_HEAD_BYTES_MAX);
        let parts = pieces.len() as u64;
        for (number, piece) in pieces.enumerate() {
            head.clear();
            encode_part_head(commit, number as u64, &mut head);
            group.append(Kind::Part, &[&head, piece])?;
            group.write_through(PARTS_GATHERED_BYTES_MAX)?;
        }
        head.clear();
        encode_end_of_parts(commit, parts, payload.len() as u64, &mut head);
        Ok(group.append(Kind::Commit, &[&head])?.0)
    }

    /// Writes the group's records to the log; or, without one, the image of its last root.
    fn write_group(&self, state: &mut State, records: &[Record]) -> Result<Vec<Place>> {
        let failed = |error| self.failed(error);
        let mut group = self.wal.as_ref().map(Wal::begin).transpose().map_err(failed)?;
        let mut places = Vec::with_capacity(records.len());
        for record in records {
            places.push(self.add(state, &mut group, record).map_err(failed)?);
        }
        if let Some(group) = group {
            group.write().map_err(failed)?;
        } else if let (Some(path), Some(record), Some(place)) =
            (&self.image, records.last(), places.last())
        {
            self.write_image(state, path.clone(), record.after(), *place)?;
        }
        Ok(places)
    }

    /// Image mode: the whole image, and behind the group's audit entries one that names it.
    fn write_image(
        &self,
        state: &mut State,
        path: PathBuf,
        root: &Root,
        place: Place,
    ) -> Result<()> {
        let file = ImageFile { disk: Arc::clone(&self.disk), path, id: self.id };
        if let Some(audit) = &self.audit {
            // What the image before this one carried is in the audit log for good once this one replaces it.
            audit.sync().map_err(|error| {
                let error = faults::unknown("audit log", &error);
                self.refuse(&error);
                error
            })?;
        }
        let written = file
            .write(root, place, 0, &state.entries, &mut |_| Ok(()))
            .map_err(|error| faults::not_written("database image", &error))?;
        let Written { hash, bytes, .. } = written;
        if let Err(error) = file.install() {
            let error = faults::unknown("database image", &error);
            self.refuse(&error);
            return Err(error);
        }
        file.warn_of_size(bytes);
        if let Some(chain) = &mut state.chain {
            chain.append(&Draft::image(root.commit.0, place.time_us, hash), &mut state.entries);
        }
        Ok(())
    }
}

/// The audit entries of one commit, into the group's; answers the first one's sequence, 0 if there is none.
fn link(state: &mut State, body: usize, record: &Record, time_us: i64) -> u64 {
    let Some(chain) = &mut state.chain else { return 0 };
    if record.statements().is_empty() {
        return 0;
    }
    let first = chain.state().sequence.saturating_add(1);
    let digest = blake3::hash(&state.payload[body..]).into();
    for executed in record.statements() {
        if sabotage::is(Break::SkipAuditEntry) && record.commit().0.is_multiple_of(4) {
            continue;
        }
        let statement = Draft::statement(record.commit().0, time_us, &executed.text, digest);
        let draft = Draft {
            number: executed.executions,
            user: record.actor().map_or("", |actor| &actor.user),
            application: record.actor().map_or("", |actor| &actor.application),
            peer: record.actor().map_or("", |actor| &actor.peer),
            parameters: parameters(executed),
            ..statement
        };
        chain.append(&draft, &mut state.entries);
    }
    first
}

fn parameters(executed: &Executed) -> Parameters<'_> {
    match &executed.parameters {
        ExecutedParameters::None => Parameters::None,
        ExecutedParameters::Texts(texts) => Parameters::Recorded(texts),
        ExecutedParameters::Digest(digest) => Parameters::Digest(digest.finish()),
    }
}

impl CommitLog for Journal {
    fn latencies(&self) -> Latencies {
        let times = self.wal.as_ref().map(|wal| ("wal_sync", wal.sync_times.times()));
        times.into_iter().collect()
    }

    fn write(&self, records: &[Record]) -> Result<()> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        self.check_refusal()?;
        self.write_backlog(state)?;
        state.entries.clear();
        let before = state.chain.as_ref().map(Chain::state);
        let result = self.write_group(state, records).and_then(|places| {
            let after = state.chain.as_ref().map(Chain::state);
            after.map_or(Ok(()), |after| self.append_entries(state, after))?;
            Ok(places)
        });
        match result {
            Ok(places) => {
                for (record, place) in records.iter().zip(places) {
                    record.set_place(place);
                }
                *lock(&self.last_write) = Some(Instant::now());
                Ok(())
            }
            Err(error) => {
                if let (Some(chain), Some(before)) = (&mut state.chain, before) {
                    chain.reset(before);
                }
                Err(error)
            }
        }
    }

    fn audit_policy(&self) -> AuditPolicy {
        self.policy
    }

    fn refusal(&self) -> Option<Error> {
        self.refusal.get().cloned()
    }
}

impl Journal {
    /// Ends in order: everything is on the disk and says so; nothing can be written afterwards.
    pub fn close(&self) -> Result<()> {
        let mut state = lock(&self.state);
        if self.refusal.get().is_some() {
            return Ok(());
        }
        self.write_backlog(&mut state)?;
        let chain = state.chain.as_ref().map(Chain::state);
        if let Some(audit) = &self.audit {
            audit.close().map_err(|error| faults::not_written("audit log", &error))?;
        }
        let written = self.wal.as_ref().map_or(Ok(()), |wal| {
            state.payload.clear();
            encode_chain(chain, &mut state.payload);
            let mut group = wal.begin()?;
            group.append(Kind::Close, &[&state.payload])?;
            group.write()
        });
        // Set whatever became of it: the next open decides from what is there.
        let closed = self.refusal.set(faults::closed());
        written.map_err(|error| match error {
            WriteError::Refused(error) => faults::not_written("write-ahead log", &error),
            WriteError::Unknown(error) => faults::unknown("write-ahead log", &error),
        })?;
        debug_assert!(closed.is_ok(), "nothing else sets it under the lock");
        Ok(())
    }
}
