//! A session of a database in this process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use spg_engine::session::{Canceller, RowSink, Rows, TransactionStatus};
use spg_engine::{DataType, Database, Error, Session, SqlState, Value};

use crate::audit::Request;
use crate::connect;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Cancel;
use crate::printable::printable;
use crate::table_name::TableName;
use crate::target::{NextColumns, TableColumn};

/// A session of a database in this process.
pub(crate) struct Local {
    session: Session,
    /// What the session cancels by; shared with those who cancel from another thread.
    canceller: Arc<Mutex<Canceller>>,
    application: String,
    /// The database's files, as they are told; none of one in memory.
    files: Vec<PathBuf>,
}

/// A session that the audit log knows as this user's, with `application`.
pub(crate) fn named_session(database: &Arc<Database>, application: &str) -> Outcome<Session> {
    let mut session = database.session();
    session.set_actor(&connect::user().unwrap_or_default(), "local");
    session.execute(
        &format!("SET application_name = '{application}'"),
        &[],
        &mut Rows::default(),
    )?;
    Ok(session)
}

impl Local {
    /// A session of `database`; what it commits is known as done by this user with `application`.
    pub(crate) fn new(database: &Arc<Database>, application: &str) -> Outcome<Self> {
        let session = named_session(database, application)?;
        let canceller = Arc::new(Mutex::new(session.canceller()));
        let files = Vec::new();
        Ok(Self { session, canceller, application: application.to_owned(), files })
    }

    /// The same, which knows where its database is.
    pub(crate) fn in_files(self, files: Vec<PathBuf>) -> Self {
        Self { files, ..self }
    }

    /// Takes a new session in place of one that was ended.
    pub(super) fn renew(&mut self) -> Outcome<()> {
        self.session = named_session(self.session.database(), &self.application)?;
        *self.canceller.lock().unwrap_or_else(PoisonError::into_inner) = self.session.canceller();
        Ok(())
    }

    /// An error of the session; once it has been ended it is as lost as a connection.
    fn failure(&self, error: Error) -> Failure {
        let failure = Failure::from(error);
        if self.session.canceller().is_terminated() { failure.of_lost_session() } else { failure }
    }

    /// Ends the session, then the database in order: the next start has nothing to recover.
    pub(super) fn close(self) -> Outcome<()> {
        let database = Arc::clone(self.session.database());
        drop(self.session);
        Ok(database.close()?)
    }

    pub(super) fn has_files(&self) -> bool {
        self.session.database().database_id().is_some()
    }

    pub(super) fn description(&self) -> String {
        match self.session.database().database_id() {
            Some(id) => format!("The database {id}{}, opened in this process.", self.place()),
            None => "A database in this process, gone when it ends.".to_owned(),
        }
    }

    /// As ` in /data/image and /data/log`.
    fn place(&self) -> String {
        let names = |paths: &[PathBuf]| {
            let whole = |path| std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
            let names = paths.iter().map(|path| printable(&whole(path).display().to_string()));
            names.collect::<Vec<_>>().join(", ")
        };
        match self.files.split_last() {
            None => String::new(),
            Some((last, [])) => format!(" in {}", names(std::slice::from_ref(last))),
            Some((last, others)) => {
                format!(" in {} and {}", names(others), names(std::slice::from_ref(last)))
            }
        }
    }

    pub(super) fn execute(&mut self, text: &str, sink: &mut dyn RowSink) -> Outcome<String> {
        let tag = self.session.execute(text, &[], sink);
        Ok(tag.map_err(|error| self.failure(error))?.to_string())
    }

    pub(super) fn command_with(&mut self, text: &str, values: Vec<String>) -> Outcome<()> {
        let values: Vec<Value> =
            values.into_iter().map(|value| Value::Text(Arc::from(value))).collect();
        let done = self.session.execute(text, &values, &mut Rows::default());
        done.map(|_| ()).map_err(|error| self.failure(error))
    }

    pub(super) fn administer(
        &mut self,
        request: &Request,
        sink: &mut dyn RowSink,
    ) -> Outcome<String> {
        Ok(self.session.administer(request.verb, &request.options(), sink)?.to_string())
    }

    pub(super) fn take_receipt(&mut self) -> Option<String> {
        self.session.take_receipt().map(|receipt| receipt.to_string())
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

    /// The types of a table's columns, in its order.
    pub(crate) fn types(&mut self, table: &TableName) -> Outcome<Vec<DataType>> {
        Ok(self.columns(table)?.iter().map(|column| column.data_type).collect())
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

    pub(super) fn canceller(&self) -> Cancel {
        let canceller = Arc::clone(&self.canceller);
        Box::new(move || canceller.lock().unwrap_or_else(PoisonError::into_inner).cancel())
    }
}
