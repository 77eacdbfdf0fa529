//! A session of a database in this process.

use spg_engine::session::{RowSink, TransactionStatus};
use spg_engine::{Error, Session, SqlState};

use crate::failure::{Failure, Outcome};
use crate::table_name::TableName;
use crate::target::{NextColumns, TableColumn};

/// A session of a database in this process.
pub(crate) struct Local {
    session: Session,
}

impl Local {
    pub(crate) fn new(session: Session) -> Self {
        Self { session }
    }

    pub(super) fn execute(&mut self, text: &str, sink: &mut dyn RowSink) -> Outcome<String> {
        Ok(self.session.execute(text, &[], sink)?.to_string())
    }

    pub(super) fn columns(&mut self, table: &TableName) -> Outcome<Vec<TableColumn>> {
        let prepared = self.session.prepare(&table.select_all());
        let prepared = prepared.map_err(|error| table.without_position(error.into()))?;
        let columns = prepared.columns().iter().map(|column| TableColumn {
            name: column.name.to_string(),
            data_type: column.data_type,
        });
        Ok(columns.collect())
    }

    /// Adds rows to a table as one statement; answers how many.
    pub(crate) fn load(
        &mut self,
        table: &TableName,
        names: &[&str],
        next: NextColumns<'_>,
    ) -> Outcome<u64> {
        Ok(self.session.insert_rows(&table.name, names, next)?)
    }

    pub(super) fn fail_block(&mut self, reason: &Failure) {
        let message = reason.fields.message.clone();
        let error = Error::new(SqlState::IoError, message);
        self.session.insert_rows("", &[], &mut || Err(error.clone())).ok();
    }

    pub(super) fn status(&self) -> TransactionStatus {
        self.session.status()
    }

    pub(super) fn canceller(&self) -> Box<dyn Fn() + Send> {
        let canceller = self.session.canceller();
        Box::new(move || canceller.cancel())
    }
}
