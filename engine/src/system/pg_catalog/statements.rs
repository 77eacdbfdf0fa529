//! What statements have cost: `spg_stat_statements`.

use super::{FLOAT8, INT8, TEXT};
use crate::error::Result;
use crate::system::row;
use crate::system::rows::Rows;
use crate::system::source::Source;
use crate::types::DataType;

pub(super) const STATEMENTS: &[(&str, DataType)] = &[
    ("queryid", INT8),
    ("query", TEXT),
    ("calls", INT8),
    ("rows", INT8),
    ("failures", INT8),
    ("total_exec_time", FLOAT8),
    ("mean_exec_time", FLOAT8),
    ("max_exec_time", FLOAT8),
    ("timed_calls", INT8),
];

pub(super) fn statements(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for statement in source.live.statements()? {
        row!(rows;
            statement.id, statement.text, statement.calls, statement.rows, statement.failures, statement.total_ms,
            statement.mean_ms, statement.max_ms, statement.timed_calls,
        )?;
    }
    Ok(())
}
