//! Row ids on disk: distances as varints, runs of consecutive ids together.
//!
//! | part | bytes | meaning |
//! |---|---|---|
//! | count | varint | number of ids |
//! | then, until there are as many: | | |
//! | step | varint | bit 0: whether it is a run of several; above it the zigzag distance from the id expected next |
//! | length | 1 | of a run: its ids less 2, up to [`RUN_IDS_MAX`] ids |
//!
//! Expected next is the id after the one before, at first 0.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{DecodeError, Reader, put_varint};
use crate::storage::RowId;

/// Row ids are below this: far above what a counter reaches, and a distance with its two flags fits a varint.
pub const ROW_ID_END: u64 = 1 << 61;

/// Ids of one run. Bounds what two bytes can ask a reader to allocate; a million ids still take 62 KB.
const RUN_IDS_MAX: usize = 32;

/// Appends row ids in any order, each below [`ROW_ID_END`].
pub fn encode_row_ids(ids: &[RowId], out: &mut Vec<u8>) {
    put_varint(out, ids.len() as u64);
    let mut next = 0_u64;
    let mut rest = ids;
    while let Some(first) = rest.first() {
        debug_assert!(first.0 < ROW_ID_END, "a counter does not get there");
        let run = run_length(rest);
        let distance = first.0.wrapping_sub(next) as i64;
        let zigzag = (distance << 1 ^ distance >> 63) as u64;
        put_varint(out, zigzag << 1 | u64::from(run > 1));
        if run > 1 {
            out.push(run.saturating_sub(2) as u8);
        }
        next = first.0.wrapping_add(run as u64);
        rest = rest.get(run..).unwrap_or_default();
    }
}

/// How many ids from the first on are consecutive, up to [`RUN_IDS_MAX`].
fn run_length(ids: &[RowId]) -> usize {
    let pairs = ids.iter().zip(ids.iter().skip(1)).take(RUN_IDS_MAX.saturating_sub(1));
    let consecutive = pairs.take_while(|(id, next)| id.0.wrapping_add(1) == next.0).count();
    consecutive.saturating_add(1)
}

/// Reads what [`encode_row_ids`] wrote.
pub fn decode_row_ids(reader: &mut Reader<'_>) -> Result<Vec<RowId>, DecodeError> {
    let count = reader.varint()?;
    let possible = (reader.remaining() as u64).saturating_mul(RUN_IDS_MAX as u64);
    let Some(count) = usize::try_from(count).ok().filter(|_| count <= possible) else {
        return Err(reader.error_found("a count of row ids before that fits what is left", count));
    };
    // Runs take two bytes for their most ids: what is reserved is bounded by the bytes there are.
    let mut ids = Vec::with_capacity(count);
    let mut next = 0_u64;
    while ids.len() < count {
        let step = reader.varint()?;
        let (zigzag, is_run) = (step >> 1, step & 1 == 1);
        let first =
            next.wrapping_add_signed((zigzag >> 1) as i64 ^ ((zigzag & 1) as i64).wrapping_neg());
        let run = if is_run { usize::from(reader.u8()?).saturating_add(2) } else { 1 };
        let end = first.saturating_add(run as u64);
        if first >= ROW_ID_END || run > RUN_IDS_MAX || run > count.saturating_sub(ids.len()) {
            return Err(reader.error("a run of row ids before"));
        }
        ids.extend((first..end).map(RowId));
        next = end;
    }
    Ok(ids)
}
