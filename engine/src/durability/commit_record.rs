//! What the log holds of a commit, and how it is applied again: by the same [`Table::apply`] that made it.
//!
//! ```text
//! payload   u8 version (1, or 3 with sequences) · varint commit · i64 time (microseconds since 1970) · varint relation ids drawn ·
//!           varint schema versions drawn · u64 bytes of the body · body · varint first entry's sequence (0: none) · bytes audit entries
//! body      varint dropped tables · their ids · varint defined tables, each: bool is_empty, schema ·
//!           varint changed tables, each: varint id, change;
//!           in version 3 then sequences: varint dropped · their ids · varint defined, each: sequence ·
//!           varint moved, each: varint id, place
//! pieces    a payload that is too large for one record goes into parts before it:
//!           u8 version (2) · varint commit · varint parts · varint bytes of the whole payload
//! part      varint commit · varint number of the part · bytes of the payload
//! ```

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::sync::Arc;

use crate::encoding::{
    DecodeError, Reader, decode_change, decode_place, decode_schema, decode_sequence,
    encode_change, encode_place, encode_schema, encode_sequence, put_bytes, put_varint,
};
use crate::storage::change::TableChange;
use crate::storage::root::{Counters, Root, Shared};
use crate::storage::schema::{IndexColumn, IndexDefinition, Schema};
use crate::storage::sequence::{Sequence, SequenceDefinition, SequenceId};
use crate::storage::table::{AddIndexError, Table};
use crate::storage::{RowId, TableId};
use crate::transaction::log::{SequenceEffect, TableEffect};

/// The payload in one piece.
const WHOLE: u8 = 1;

/// The payload in parts.
const IN_PARTS: u8 = 2;

/// The payload in one piece, with sequences at the end of its body.
const WITH_SEQUENCES: u8 = 3;

const BODY_LENGTH_BYTES: usize = 8;

/// What a commit's record says beside its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitHead {
    /// Its number.
    pub commit: u64,
    /// When it was written: microseconds since 1970.
    pub time_us: i64,
    /// Numbers below these have been given.
    pub counters: Counters,
}

/// A commit's record, read.
#[derive(Clone, Copy, Debug)]
pub struct CommitRecord<'a> {
    /// Which commit.
    pub head: CommitHead,
    /// Its changes: see [`apply`].
    pub body: &'a [u8],
    /// The sequence of its first audit entry; 0 if it has none.
    pub first_entry: u64,
    /// Its audit entries.
    pub entries: &'a [u8],
}

/// A [`crate::wal::record::Kind::Commit`] record.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// All of it.
    Whole(CommitRecord<'a>),
    /// All of it is in the parts before.
    InParts {
        /// Which commit.
        commit: u64,
        /// How many parts.
        parts: u64,
        /// Bytes of all of them.
        bytes: u64,
    },
}

/// A piece of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Which commit.
    pub commit: u64,
    /// Its place among the parts.
    pub number: u64,
    /// Bytes of the payload.
    pub bytes: &'a [u8],
}

/// Why a record cannot be applied.
#[derive(Debug)]
pub enum ApplyError {
    /// It cannot be read.
    Decode(DecodeError),
    /// It does not fit the state that it should change.
    Misfit(String),
}

impl From<DecodeError> for ApplyError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl std::fmt::Display for ApplyError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Decode(error) => write!(formatter, "{error}"),
            Self::Misfit(what) => formatter.write_str(what),
        }
    }
}

/// Appends what a commit did.
pub fn encode_body(effects: &[TableEffect], out: &mut Vec<u8>) {
    let count = |is_one: fn(&TableEffect) -> bool| {
        effects.iter().filter(|effect| is_one(effect)).count() as u64
    };
    put_varint(out, count(|effect| matches!(effect, TableEffect::Dropped(_))));
    for effect in effects {
        if let TableEffect::Dropped(table) = effect {
            put_varint(out, table.0);
        }
    }
    put_varint(out, count(|effect| matches!(effect, TableEffect::Defined { .. })));
    for effect in effects {
        if let TableEffect::Defined { schema, is_empty } = effect {
            out.push(u8::from(*is_empty));
            encode_schema(schema, out);
        }
    }
    put_varint(out, count(|effect| matches!(effect, TableEffect::Changed(..))));
    for effect in effects {
        if let TableEffect::Changed(table, change) = effect {
            put_varint(out, table.0);
            encode_change(change, out);
        }
    }
}

/// Appends what a commit did to sequences, if it did anything: the end of a body.
pub fn encode_sequence_effects(effects: &[SequenceEffect], out: &mut Vec<u8>) {
    if effects.is_empty() {
        return;
    }
    let count = |is_one: fn(&SequenceEffect) -> bool| {
        effects.iter().filter(|effect| is_one(effect)).count() as u64
    };
    put_varint(out, count(|effect| matches!(effect, SequenceEffect::Dropped(_))));
    for effect in effects {
        if let SequenceEffect::Dropped(sequence) = effect {
            put_varint(out, sequence.0);
        }
    }
    put_varint(out, count(|effect| matches!(effect, SequenceEffect::Defined(_))));
    for effect in effects {
        if let SequenceEffect::Defined(sequence) = effect {
            encode_sequence(sequence, out);
        }
    }
    put_varint(out, count(|effect| matches!(effect, SequenceEffect::Moved(..))));
    for effect in effects {
        if let SequenceEffect::Moved(sequence, logged) = effect {
            put_varint(out, sequence.0);
            encode_place(*logged, out);
        }
    }
}

/// The head of a commit's record.
pub fn head_of(commit: u64, time_us: i64, shared: &Shared) -> CommitHead {
    CommitHead { commit, time_us, counters: shared.counters() }
}

/// Begins a payload: the body follows, which may end in sequences, then [`end_payload`]. Answers where the body begins.
pub fn begin_payload(head: CommitHead, with_sequences: bool, out: &mut Vec<u8>) -> usize {
    out.push(if with_sequences { WITH_SEQUENCES } else { WHOLE });
    put_varint(out, head.commit);
    out.extend_from_slice(&head.time_us.to_le_bytes());
    put_varint(out, head.counters.relation_ids);
    put_varint(out, head.counters.schema_versions);
    // The body's length is known at its end.
    out.extend_from_slice(&[0; BODY_LENGTH_BYTES]);
    out.len()
}

/// Ends a payload whose body begins at `body`, with its audit entries.
pub fn end_payload(body: usize, first_entry: u64, entries: &[u8], out: &mut Vec<u8>) {
    let length = (out.len() as u64).saturating_sub(body as u64);
    if let Some(place) = out.get_mut(body.saturating_sub(BODY_LENGTH_BYTES)..body) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    put_varint(out, first_entry);
    put_bytes(out, entries);
}

/// Appends the record that ends a payload in parts.
pub fn encode_end_of_parts(commit: u64, parts: u64, bytes: u64, out: &mut Vec<u8>) {
    out.push(IN_PARTS);
    put_varint(out, commit);
    put_varint(out, parts);
    put_varint(out, bytes);
}

/// Appends what stands before a part's bytes.
pub fn encode_part_head(commit: u64, number: u64, out: &mut Vec<u8>) {
    put_varint(out, commit);
    put_varint(out, number);
}

/// Reads a commit's record.
pub fn decode_payload(bytes: &[u8]) -> Result<Payload<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let payload = match reader.u8()? {
        WHOLE | WITH_SEQUENCES => {
            let head = CommitHead {
                commit: reader.varint()?,
                time_us: i64::from_le_bytes(reader.array()?),
                counters: Counters {
                    relation_ids: reader.varint()?,
                    schema_versions: reader.varint()?,
                },
            };
            let length = reader.u64()?;
            let body = reader.take(usize::try_from(length).unwrap_or(usize::MAX))?;
            let first_entry = reader.varint()?;
            Payload::Whole(CommitRecord { head, body, first_entry, entries: reader.bytes()? })
        }
        IN_PARTS => Payload::InParts {
            commit: reader.varint()?,
            parts: reader.varint()?,
            bytes: reader.varint()?,
        },
        _ => return Err(reader.error("a commit of version 1 or 3")),
    };
    reader.end()?;
    Ok(payload)
}

/// The commit and its time, of the first bytes of a payload that is not in parts itself.
pub fn decode_commit_and_time(prefix: &[u8]) -> Result<(u64, i64), DecodeError> {
    let mut reader = Reader::new(prefix);
    match reader.u8()? {
        WHOLE | WITH_SEQUENCES => Ok((reader.varint()?, i64::from_le_bytes(reader.array()?))),
        _ => Err(reader.error("a commit of version 1 or 3")),
    }
}

/// Reads a part.
pub fn decode_part(bytes: &[u8]) -> Result<Part<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let (commit, number) = (reader.varint()?, reader.varint()?);
    let bytes = reader.take(reader.remaining())?;
    Ok(Part { commit, number, bytes })
}

/// Applies a body to the state before its commit; answers how many rows changed.
pub fn apply(root: &mut Root, body: &[u8]) -> Result<u64, ApplyError> {
    let mut reader = Reader::new(body);
    for _ in 0..reader.count(1)? {
        let table = TableId(reader.varint()?);
        root.drop_table(table).ok_or_else(|| misfit("drops a table that is not there", table))?;
    }
    let mut redefined: Vec<Arc<Schema>> = Vec::new();
    for _ in 0..reader.count(2)? {
        let is_empty = reader.bool()?;
        let schema = Arc::new(decode_schema(&mut reader)?);
        if is_empty {
            root.replace_table(Arc::new(Table::new(schema, root.shared().gauge())));
        } else {
            reshape(root, &schema)?;
            redefined.push(schema);
        }
    }
    let mut rows = 0_u64;
    for _ in 0..reader.count(2)? {
        let id = TableId(reader.varint()?);
        let table =
            root.table_mut(id).ok_or_else(|| misfit("changes a table that is not there", id))?;
        let change = decode_change(&mut reader, table.schema())?;
        check_rows(table, &change)?;
        rows = rows.saturating_add(change.row_count() as u64);
        table.apply(&change).map_err(|_| misfit("repeats a unique key in a table", id))?;
        table.raise_row_ids(&change);
    }
    if reader.remaining() > 0 {
        apply_sequences(root, &mut reader)?;
    }
    reader.end()?;
    for schema in redefined {
        redefine(root, &schema)?;
    }
    Ok(rows)
}

fn apply_sequences(root: &mut Root, reader: &mut Reader<'_>) -> Result<(), ApplyError> {
    let missing = |id: SequenceId| {
        ApplyError::Misfit(format!("a commit changes a sequence that is not there ({})", id.0))
    };
    for _ in 0..reader.count(1)? {
        let id = SequenceId(reader.varint()?);
        root.drop_sequence(id).ok_or_else(|| missing(id))?;
    }
    for _ in 0..reader.count(2)? {
        root.replace_sequence(decode_sequence(reader)?);
    }
    for _ in 0..reader.count(2)? {
        let id = SequenceId(reader.varint()?);
        let (value, is_called) = decode_place(reader)?;
        let definition = &root.sequence(id).ok_or_else(|| missing(id))?.definition;
        if !(definition.min..=definition.max).contains(&value) {
            let what = format!("a commit moves a sequence out of its bounds ({})", id.0);
            return Err(ApplyError::Misfit(what));
        }
        let sequence = Sequence::at(SequenceDefinition::clone(definition), value, is_called);
        root.move_sequence(sequence);
    }
    Ok(())
}

fn misfit(what: &str, table: TableId) -> ApplyError {
    ApplyError::Misfit(format!("a commit {what} (table {})", table.0))
}

/// Gives the table the columns of `schema`, and takes from it the indexes that `schema` has not: before rows come that
/// have the columns, and that the indexes might refuse.
fn reshape(root: &mut Root, schema: &Schema) -> Result<(), ApplyError> {
    let table = root
        .table(schema.table)
        .ok_or_else(|| misfit("redefines a table that is not there", schema.table))?;
    let old = table.schema();
    let data_type = |schema: &Schema, ordinal: usize| {
        schema.columns.get(ordinal).map(|column| column.data_type)
    };
    for ordinal in 0..schema.columns.len() {
        let kept = old.ordinal_of_number(schema.number(ordinal));
        if kept.is_some_and(|kept| data_type(old, kept) != data_type(schema, ordinal)) {
            return Err(misfit("keeps the rows of other columns", schema.table));
        }
    }
    let mut kept = Schema::clone(schema);
    kept.indexes.retain(|index| old.index(index.id).is_some());
    for index in &kept.indexes {
        let is_same =
            old.index(index.id).is_some_and(|before| has_same_keys((old, before), (schema, index)));
        if !is_same {
            return Err(misfit("has other indexes than its table", schema.table));
        }
    }
    let reshaped = table.reshaped(&Arc::new(kept));
    root.replace_table(Arc::new(reshaped));
    Ok(())
}

/// Whether two versions of an index have the same keys for the same rows.
fn has_same_keys(
    (old, before): (&Schema, &IndexDefinition),
    (new, after): (&Schema, &IndexDefinition),
) -> bool {
    let same = |(before, after): (&IndexColumn, &IndexColumn)| {
        let order = |column: &IndexColumn| (column.descending, column.nulls_first);
        old.number(before.ordinal) == new.number(after.ordinal) && order(before) == order(after)
    };
    before.unique == after.unique
        && before.columns.len() == after.columns.len()
        && before.columns.iter().zip(&after.columns).all(same)
}

/// Builds the indexes that are new, and takes over the rest of the schema.
fn redefine(root: &mut Root, schema: &Arc<Schema>) -> Result<(), ApplyError> {
    let table = root
        .table(schema.table)
        .ok_or_else(|| misfit("redefines a table that is not there", schema.table))?;
    let mut table = Table::clone(table);
    for index in &schema.indexes {
        if table.schema().index(index.id).is_none() {
            let added = table.add_index(Arc::clone(index), &mut || Ok(()));
            added.map_err(|error| match error {
                AddIndexError::Stopped(error) => ApplyError::Misfit(error.to_string()),
                AddIndexError::Duplicate(_) => {
                    misfit("builds a unique index over repeated keys", schema.table)
                }
            })?;
        }
    }
    if table.schema() != schema {
        let ids =
            |schema: &Schema| -> Vec<_> { schema.indexes.iter().map(|index| index.id).collect() };
        if ids(table.schema()) != ids(schema) {
            return Err(misfit("has other indexes than its table", schema.table));
        }
        table = table.with_schema(Arc::clone(schema));
    }
    root.replace_table(Arc::new(table));
    Ok(())
}

/// What is deleted or updated exists, what is inserted does not: [`Table::apply`] relies on it.
fn check_rows(table: &Table, change: &TableChange) -> Result<(), ApplyError> {
    let updated = change.updated.as_ref().map_or(&[][..], |updated| &updated.ids);
    let exists = |id: &RowId| table.find(*id).is_some();
    if !change.deleted.iter().chain(updated).all(exists) {
        return Err(misfit("changes a row that is not there", table.id()));
    }
    let inserted = change.inserted.as_ref().map_or(&[][..], |inserted| &inserted.ids);
    if table.has_any_of(inserted) {
        return Err(misfit("inserts a row that is there", table.id()));
    }
    Ok(())
}
