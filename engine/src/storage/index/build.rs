//! Building an index from the rows of a table: encode, sort, fill leaf after leaf.

use std::sync::Arc;

use super::{AddIndexError, Entries, Index, Key};
use crate::error::Result;
use crate::limits::INTERRUPT_CHECK_ROWS;
use crate::storage::RowId;
use crate::storage::gauge::Gauge;
use crate::storage::key;
use crate::storage::rows::Rows;
use crate::storage::schema::{IndexDefinition, Schema};

/// Memory of the entries that are sorted at once. Little in tests, so that small tables go beyond it.
const UNSORTED_BYTES_MAX: usize = if cfg!(test) { 2 << 10 } else { 32 << 20 };

/// The entries to sort; those with a NULL are apart, for they are never duplicates.
#[derive(Default)]
struct Unsorted {
    nulls: Vec<RowId>,
    fixed: Vec<(i64, RowId)>,
    /// Start and end of each key in `bytes`, its row, and whether it has a NULL.
    byte_keys: Vec<(usize, usize, RowId, bool)>,
    bytes: Vec<u8>,
}

impl Index {
    /// An index over `rows`; `check` is called every [`INTERRUPT_CHECK_ROWS`] and may stop it.
    pub(in crate::storage) fn build(
        schema: &Schema,
        definition: Arc<IndexDefinition>,
        rows: &Rows,
        gauge: &Arc<Gauge>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> std::result::Result<Self, AddIndexError> {
        let mut index = Self::new(schema, definition);
        let mut unsorted = Unsorted::default();
        let mut pause = Pause { rows: 0, check };
        let mut highest = None;
        for chunk in rows.iter() {
            for slot in chunk.selection().iter() {
                pause.row()?;
                let key = index.key(|ordinal| chunk.column(ordinal).get(slot));
                let row = chunk.row_id(slot);
                if unsorted.is_empty() && key.continues(&mut highest) {
                    if !index.insert(&key, row, gauge) {
                        return Err(index.duplicate_of(rows, row));
                    }
                    continue;
                }
                unsorted.add(&index.definition, key, row)?;
                if unsorted.is_full() {
                    index.fill(std::mem::take(&mut unsorted), rows, gauge, &mut pause)?;
                }
            }
        }
        index.fill(unsorted, rows, gauge, &mut pause)?;
        Ok(index)
    }

    /// Adds all entries of `rows` in `unsorted`.
    fn fill(
        &mut self,
        unsorted: Unsorted,
        rows: &Rows,
        gauge: &Arc<Gauge>,
        pause: &mut Pause<'_>,
    ) -> std::result::Result<(), AddIndexError> {
        let unique = self.definition.unique;
        let Unsorted { nulls: null_rows, mut fixed, mut byte_keys, bytes } = unsorted;
        match &mut self.entries {
            Entries::Fixed { keys, nulls } => {
                fixed.sort_unstable();
                for row in null_rows {
                    pause.row()?;
                    nulls.insert(&0, row, false, gauge);
                }
                for (key, row) in fixed {
                    pause.row()?;
                    if !keys.insert(&key, row, unique, gauge) {
                        return Err(self.duplicate_of(rows, row));
                    }
                }
            }
            Entries::Bytes(keys) => {
                byte_keys.sort_unstable_by(|left, right| {
                    (&bytes[left.0..left.1], left.2).cmp(&(&bytes[right.0..right.1], right.2))
                });
                for (start, end, row, has_null) in byte_keys {
                    pause.row()?;
                    if !keys.insert(&bytes[start..end], row, unique && !has_null, gauge) {
                        return Err(self.duplicate_of(rows, row));
                    }
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn duplicate_of(&self, rows: &Rows, row: RowId) -> AddIndexError {
        let (chunk, slot) = rows.find(row).expect("the row was just read");
        AddIndexError::Duplicate(self.duplicate(|ordinal| chunk.column(ordinal).get(slot)))
    }
}

impl Key {
    /// Whether it is an integer key not below the highest so far, which it then becomes: entries that come in order go
    /// straight to their leaf.
    #[inline]
    fn continues(&self, highest: &mut Option<i64>) -> bool {
        match self {
            Self::Fixed(key) if highest.is_none_or(|highest| highest <= *key) => {
                *highest = Some(*key);
                true
            }
            _ => false,
        }
    }
}

impl Unsorted {
    fn is_empty(&self) -> bool {
        self.nulls.is_empty() && self.fixed.is_empty() && self.byte_keys.is_empty()
    }

    /// Whether it should be sorted and emptied, so that building takes little memory beside the index.
    fn is_full(&self) -> bool {
        self.nulls.len() * 8 + self.fixed.len() * 16 + self.byte_keys.len() * 32 + self.bytes.len()
            >= UNSORTED_BYTES_MAX
    }

    fn add(
        &mut self,
        definition: &IndexDefinition,
        key: Key,
        row: RowId,
    ) -> std::result::Result<(), AddIndexError> {
        match key {
            Key::Null => self.nulls.push(row),
            Key::Fixed(key) => self.fixed.push((key, row)),
            Key::Bytes { bytes, has_null } => {
                key::check_key_bytes(definition, bytes.len()).map_err(AddIndexError::Stopped)?;
                let start = self.bytes.len();
                self.bytes.extend_from_slice(&bytes);
                self.byte_keys.push((start, self.bytes.len(), row, has_null));
            }
        }
        Ok(())
    }
}

/// Calls the caller's check every so many rows.
struct Pause<'a> {
    rows: usize,
    check: &'a mut dyn FnMut() -> Result<()>,
}

impl Pause<'_> {
    #[inline]
    fn row(&mut self) -> std::result::Result<(), AddIndexError> {
        self.rows += 1;
        if self.rows.is_multiple_of(INTERRUPT_CHECK_ROWS) {
            (self.check)().map_err(AddIndexError::Stopped)?;
        }
        Ok(())
    }
}
