//! What is counted, and how long things take: `spg_stats`, `spg_latencies`.

use super::{INT8, TEXT};
use crate::error::Result;
use crate::system::row;
use crate::system::rows::Rows;
use crate::system::source::Source;
use crate::types::DataType;

pub(super) const STATS: &[(&str, DataType)] = &[("name", TEXT), ("value", TEXT)];

/// A histogram: so many took no longer than `up_to_us`, and longer than the row before.
pub(super) const LATENCIES: &[(&str, DataType)] =
    &[("name", TEXT), ("up_to_us", INT8), ("count", INT8)];

pub(super) fn stats(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (name, value) in source.live.figures()? {
        row!(rows; name.as_str(), value.as_str())?;
    }
    Ok(())
}

pub(super) fn latencies(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (name, times) in source.live.latencies()? {
        for (longest, count) in times.buckets {
            row!(rows; name, longest as i64, count as i64)?;
        }
    }
    Ok(())
}
