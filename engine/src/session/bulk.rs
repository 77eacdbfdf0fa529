//! Rows in bulk, as `spg import` brings them.

use crate::error::{Error, Result, SqlState};
use crate::session::Session;
use crate::storage::column::Column;

impl Session {
    /// Adds rows in bulk as one INSERT statement: `next` yields batches of columns, one column for each of `columns`
    /// (empty: all the table's, in order), until it yields none. Values are cast as INSERT casts them; limits, NOT NULL and
    /// uniqueness hold. An error of `next` or of a row undoes all of it. Answers the number of rows.
    pub fn insert_rows(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        let _ = (table, columns, next);
        Err(Error::new(SqlState::InternalError, "statements are being written"))
    }
}
