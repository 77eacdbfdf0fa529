//! Replaying the log over an image: each commit once, in order, by what a live commit is applied with.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::path::Path;

use crate::audit::{Chain, Draft, Entry, Expectation, Key, Kind as EntryKind};
use crate::checkpoint::ImageHeader;
use crate::crypto::blake3;
use crate::durability::commit_record::{CommitRecord, Payload, apply, decode_part, decode_payload};
use crate::durability::position::{Start, decode_chain, decode_note};
use crate::encoding::{DecodeError, Reader};
use crate::identity::ChainState;
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::wal::reader::Record;
use crate::wal::record::Kind;
use crate::wal::segment::SEGMENT_HEADER_BYTES;

/// What an image says about the log that goes on from it.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The commit that the image shows.
    pub commit: u64,
    /// The chain after it.
    pub chain: Option<ChainState>,
    /// The image's hash.
    pub hash: [u8; 32],
    /// The audit entry that names the image and stands behind `chain`, if it is in no record of the log.
    pub own_entry: Vec<u8>,
}

impl Anchor {
    /// Of an image with this header and hash. The image of a database that was given a log begins that log, so no record
    /// has its entry: what it must be follows from the image, and the audit log is held against that.
    pub fn of(header: &ImageHeader, hash: [u8; 32], key: Option<&Key>) -> Self {
        let commit = header.commit.0;
        let mut own_entry = Vec::new();
        if let Some(chain) = header.audit
            && header.lsn == SEGMENT_HEADER_BYTES
            && commit > 0
        {
            let draft = Draft::image(commit, header.time_us, hash);
            Chain::new(chain, key.cloned()).append(&draft, &mut own_entry);
        }
        Self { commit, chain: header.audit, hash, own_entry }
    }
}

/// A state that records are applied to.
#[derive(Debug)]
pub struct Replay {
    /// The state.
    pub root: Root,
    /// What the audit log must hold.
    pub expectation: Expectation,
    /// Commits that were applied.
    pub commits: u64,
    /// Rows that they changed.
    pub rows: u64,
    /// Whether the database has an audit log, as far as is known.
    pub is_audited: bool,
    /// Whether an audit entry names the image.
    pub image_is_named: bool,
    anchor: Anchor,
    has_begun: bool,
    /// The next audit entry's sequence; None without an audit log.
    next_entry: Option<u64>,
    parts: Parts,
}

/// Pieces of a commit whose end has not come yet.
#[derive(Debug, Default)]
struct Parts {
    commit: u64,
    count: u64,
    bytes: Vec<u8>,
}

/// What is wrong with a record.
enum Fault {
    Decode(DecodeError),
    Order(String, String),
    Misfit(String),
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// The next of entries that stand one after the other; each begins with its length.
fn next_entry<'a>(reader: &mut Reader<'a>) -> Result<Entry<'a>, DecodeError> {
    let length = reader.clone().u32()?;
    Entry::decode(reader.take(length as usize)?)
}

impl Replay {
    /// Over the state that the image shows.
    pub fn new(root: Root, anchor: Anchor) -> Self {
        let redo_first = anchor.chain.map(|chain| chain.sequence.saturating_add(1));
        let names_itself = !anchor.own_entry.is_empty();
        let next_entry = redo_first.map(|first| first.saturating_add(u64::from(names_itself)));
        Self {
            root,
            expectation: Expectation {
                proven: anchor.chain,
                redo_first: redo_first.unwrap_or_default(),
                redo: anchor.own_entry.clone(),
                ..Expectation::default()
            },
            commits: 0,
            rows: 0,
            is_audited: anchor.chain.is_some(),
            image_is_named: anchor.commit == 0 || names_itself,
            anchor,
            has_begun: false,
            next_entry,
            parts: Parts::default(),
        }
    }

    /// Takes one record.
    pub fn take(&mut self, path: &Path, record: Record<'_>) -> Result<(), OpenError> {
        self.step(&record).map_err(|fault| {
            let error = |message| {
                OpenError::new(OpenErrorKind::Damaged, path, message)
                    .with_hint("restore the files from one backup")
            };
            let place = format!("at {}", record.header.lsn);
            match fault {
                Fault::Decode(decode) => {
                    error(format!("a record {place} cannot be read: {decode}"))
                }
                Fault::Order(expected, found) => {
                    error(format!("the record {place} does not follow"))
                        .with_values(expected, found)
                }
                Fault::Misfit(what) => error(format!("the record {place} does not fit: {what}")),
            }
        })
    }

    fn step(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        let payload = record.payload;
        match record.header.kind {
            Kind::Start => {
                self.parts = Parts::default();
                self.start(Start::decode(payload)?)?;
            }
            Kind::Commit => self.commit_payload(payload)?,
            Kind::Part => self.part(payload)?,
            Kind::Note => {
                let (first, entries) = decode_note(payload)?;
                self.begin("a commit or a start", "a note")?;
                self.collect(first, entries, None)?;
            }
            Kind::Close => {
                self.begin("a commit or a start", "a close")?;
                let mut reader = Reader::new(payload);
                let chain = decode_chain(&mut reader)?;
                reader.end()?;
                self.prove(chain)?;
            }
            Kind::Idle | Kind::Switch => {}
        }
        Ok(())
    }

    /// The first record is the one that the image names.
    fn begin(&mut self, expected: &str, found: &str) -> Result<(), Fault> {
        if self.has_begun { Ok(()) } else { Err(Fault::Order(expected.into(), found.into())) }
    }

    fn start(&mut self, start: Start) -> Result<(), Fault> {
        self.has_begun = true;
        if start.commit != self.root.commit.0 {
            return Err(Fault::Order(
                format!("a start after commit {}", self.root.commit.0),
                format!("one after commit {}", start.commit),
            ));
        }
        self.prove(start.chain)
    }

    /// The audit log was synced up to `chain` when this was written.
    fn prove(&mut self, chain: Option<ChainState>) -> Result<(), Fault> {
        let Some(chain) = chain else {
            if self.is_audited {
                return Err(Fault::Order("an audit chain".into(), "none".into()));
            }
            return Ok(());
        };
        let next = chain.sequence.saturating_add(1);
        if !self.is_audited {
            // Auditing began with this start.
            self.is_audited = true;
            self.next_entry = Some(next);
            self.expectation.redo_first = next;
        }
        if let Some(expected) = self.next_entry.filter(|expected| next < *expected) {
            return Err(Fault::Order(
                format!("a chain up to {expected}"),
                format!("one up to {next}"),
            ));
        }
        if self.next_entry.is_some_and(|expected| next > expected) {
            // Entries that belong to no record of the log: a recovery cut what they were made for.
            self.next_entry = Some(next);
            self.expectation.redo_first = next;
            self.expectation.redo.clear();
        }
        if self.expectation.proven.is_none_or(|proven| proven.sequence <= chain.sequence) {
            self.expectation.proven = Some(chain);
        }
        Ok(())
    }

    fn part(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let part = decode_part(payload)?;
        if part.number == 0 {
            self.parts = Parts { commit: part.commit, ..Parts::default() };
        }
        if part.commit != self.parts.commit || part.number != self.parts.count {
            return Err(Fault::Order(
                format!("part {} of commit {}", self.parts.count, self.parts.commit),
                format!("part {} of commit {}", part.number, part.commit),
            ));
        }
        self.parts.count = self.parts.count.saturating_add(1);
        self.parts.bytes.extend_from_slice(part.bytes);
        Ok(())
    }

    fn commit_payload(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let parts = std::mem::take(&mut self.parts);
        match decode_payload(payload)? {
            Payload::Whole(record) => self.commit(&record),
            // The image's own commit: its parts were before it, and are not needed.
            Payload::InParts { commit, .. } if !self.has_begun && commit == self.anchor.commit => {
                self.has_begun = true;
                Ok(())
            }
            Payload::InParts { commit, parts: count, bytes } => {
                let found = (parts.commit, parts.count, parts.bytes.len() as u64);
                if found != (commit, count, bytes) {
                    return Err(Fault::Order(
                        format!("{count} parts of commit {commit}, {bytes} bytes"),
                        format!("{} parts of commit {}, {} bytes", found.1, found.0, found.2),
                    ));
                }
                match decode_payload(&parts.bytes)? {
                    Payload::Whole(record) if record.head.commit == commit => self.commit(&record),
                    _ => Err(Fault::Misfit("its parts are not of its commit".into())),
                }
            }
        }
    }

    fn commit(&mut self, record: &CommitRecord<'_>) -> Result<(), Fault> {
        let commit = record.head.commit;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let expected =
            if is_first { self.anchor.commit } else { self.root.commit.0.saturating_add(1) };
        if commit != expected {
            return Err(Fault::Order(format!("commit {expected}"), format!("commit {commit}")));
        }
        if is_first {
            return Ok(());
        }
        self.collect(record.first_entry, record.entries, Some((commit, record.body)))?;
        let rows =
            apply(&mut self.root, record.body).map_err(|error| Fault::Misfit(error.to_string()))?;
        self.root.commit = CommitNumber(commit);
        self.root.shared().raise(record.head.counters);
        self.commits = self.commits.saturating_add(1);
        self.rows = self.rows.saturating_add(rows);
        Ok(())
    }

    /// Takes the audit entries of a record; those of a commit must tell its changes.
    fn collect(
        &mut self,
        first: u64,
        entries: &[u8],
        of_commit: Option<(u64, &[u8])>,
    ) -> Result<(), Fault> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.next_entry != Some(first) {
            let expected = self.next_entry.map_or("none".into(), |next| format!("entry {next}"));
            return Err(Fault::Order(expected, format!("entry {first}")));
        }
        let digest = of_commit.map(|(_, body)| <[u8; 32]>::from(blake3::hash(body)));
        let mut next = first;
        let mut reader = Reader::new(entries);
        while reader.remaining() > 0 {
            let entry = next_entry(&mut reader)?;
            let fits = match of_commit {
                Some((commit, _)) => entry.commit == commit && Some(entry.digest) == digest,
                None => true,
            };
            if !fits || entry.sequence != next {
                return Err(Fault::Misfit(format!(
                    "its audit entry {} tells other changes than it holds",
                    entry.sequence
                )));
            }
            let names_image = entry.kind == EntryKind::Image
                && entry.commit == self.anchor.commit
                && entry.digest == self.anchor.hash;
            self.image_is_named |= names_image;
            next = next.saturating_add(1);
        }
        self.next_entry = Some(next);
        self.expectation.redo.extend_from_slice(entries);
        Ok(())
    }

    /// An error if the audit log should name the image and does not: it is not the image that was written.
    pub fn check_image_is_named(&self, image: &Path) -> Result<(), OpenError> {
        if self.anchor.chain.is_none() || self.image_is_named {
            return Ok(());
        }
        Err(OpenError::new(
            OpenErrorKind::Tampered,
            image,
            "no audit entry names this image: it is not the one that was written",
        )
        .with_values(
            format!("an entry of commit {} with the image's hash", self.anchor.commit),
            crate::identity::hex(&self.anchor.hash),
        )
        .with_hint("restore the image from a backup"))
    }
}
