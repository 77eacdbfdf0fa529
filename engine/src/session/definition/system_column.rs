//! The columns that every table of PostgreSQL has beside its own. SPG has none of them; their names are kept free all the same.

use crate::error::{Error, Result, SqlState};

/// Their names.
const NAMES: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// 42701 for a new column with such a name.
pub(super) fn check_column_name(name: &str) -> Result<()> {
    if NAMES.contains(&name) {
        let message = format!("column name \"{name}\" conflicts with a system column name");
        return Err(Error::new(SqlState::DuplicateColumn, message));
    }
    Ok(())
}

/// 0A000 for what is done to such a column, where the table has none of its own by the name; `done` is `drop`.
pub(super) fn refuse_system_column(name: &str, done: &str) -> Result<()> {
    if NAMES.contains(&name) {
        let message = format!("cannot {done} system column \"{name}\"");
        return Err(Error::new(SqlState::FeatureNotSupported, message));
    }
    Ok(())
}
