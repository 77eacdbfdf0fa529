//! A blocking client, in the shape of the `postgres` crate.
//!
//! ```no_run
//! use spg_wire::client::Client;
//!
//! let mut client = Client::connect("127.0.0.1:5440")?;
//! client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)")?;
//! client.execute("INSERT INTO t VALUES ($1, $2)", &[&1_i32, &"alice"])?;
//! let row = client.query_one("SELECT name FROM t WHERE id = $1", &[&1_i32])?;
//! assert_eq!(row.get::<&str>("name"), "alice");
//! # Ok::<(), spg_wire::client::Error>(())
//! ```
//!
//! It checks what the server sends as carefully as the server checks clients: whatever comes, a call ends with an
//! [`Error`], and after one of the stream the connection refuses further use.

mod cancel;
mod config;
mod connection;
mod convert;
mod copy;
mod error;
mod execution;
mod pipeline;
mod retry;
mod row;
mod simple;
mod statement;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

pub use crate::message::client::CopySource;
pub use cancel::{CancelToken, cancel_session};
pub use config::Config;
pub use convert::{FromValue, ToValue};
pub use copy::{CopyIn, CopyOut};
pub use error::{Conversion, Error};
pub use execution::RowIter;
pub use pipeline::Pipeline;
pub use retry::{Retry, retry};
pub use row::{ColumnIndex, Row, RowRef};
pub use simple::{ScriptEvent, StatementResult};
pub use statement::{Source, Statement};
pub use transaction::Transaction;

use crate::error::ErrorFields;
use crate::frame::Opcode;
use crate::message::{Receipt, ServerMessage, TransactionStatus, client};
use crate::value::ColumnRef;
use connection::Connection;
use execution::Execution;
use statement::Dropped;

/// The number of the statement that a text given to `query` or `execute` is prepared under, over and over.
const UNNAMED_ID: u32 = 0;

/// How long [`Client::close`] waits for the server.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    dropped: Arc<Dropped>,
    statement_id_last: u32,
}

impl Client {
    /// Connects to `host:port`, or as a [`Config`] says.
    pub fn connect(config: impl Into<Config>) -> Result<Self, Error> {
        let connection = Connection::open(&config.into())?;
        Ok(Self { connection, dropped: Arc::default(), statement_id_last: UNNAMED_ID })
    }

    /// Runs one statement; all its rows.
    pub fn query<'s>(
        &mut self,
        statement: impl Into<Source<'s>>,
        parameters: &[&dyn ToValue],
    ) -> Result<Vec<Row>, Error> {
        self.query_raw(statement, parameters)?.collect()
    }

    /// Runs one statement that answers exactly one row; P0002 or P0003 if it does not.
    pub fn query_one<'s>(
        &mut self,
        statement: impl Into<Source<'s>>,
        parameters: &[&dyn ToValue],
    ) -> Result<Row, Error> {
        self.query_opt(statement, parameters)?.ok_or(Error::RowCount { too_many: false })
    }

    /// Runs one statement that answers at most one row; P0003 if it answers more.
    pub fn query_opt<'s>(
        &mut self,
        statement: impl Into<Source<'s>>,
        parameters: &[&dyn ToValue],
    ) -> Result<Option<Row>, Error> {
        let mut rows = self.query_raw(statement, parameters)?;
        let row = rows.next().transpose()?;
        match rows.next().transpose()? {
            Some(_) => Err(Error::RowCount { too_many: true }),
            None => Ok(row),
        }
    }

    /// Runs one statement; how many rows it answered or changed.
    pub fn execute<'s>(
        &mut self,
        statement: impl Into<Source<'s>>,
        parameters: &[&dyn ToValue],
    ) -> Result<u64, Error> {
        let mut rows = self.query_raw(statement, parameters)?;
        while rows.next_row()?.is_some() {}
        Ok(rows.rows_affected())
    }

    /// Runs one statement; its rows as they are asked for. A text is prepared, run and answered in one round trip.
    pub fn query_raw<'s>(
        &mut self,
        statement: impl Into<Source<'s>>,
        parameters: &[&dyn ToValue],
    ) -> Result<RowIter<'_>, Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        self.dropped.close(&mut connection.out);
        let mut execution = match statement.into() {
            Source::Text(text) => {
                let mark = connection.out.len();
                client::parse(&mut connection.out, UNNAMED_ID, text, &[]).map_err(Error::Limit)?;
                write_execution(connection, UNNAMED_ID, parameters)
                    .inspect_err(|_| connection.out.truncate(mark))?;
                Execution::parsed()
            }
            Source::Prepared(statement) => {
                if !statement.belongs_to(&self.dropped) {
                    return Err(Error::Usage("the statement was prepared on another connection"));
                }
                write_execution(connection, statement.id(), parameters)?;
                Execution::prepared(statement.shared_columns())
            }
        };
        connection.flush()?;
        execution.read_parse(connection)?;
        Ok(RowIter::new(connection, execution))
    }

    /// Prepares a statement; types of parameters are inferred.
    pub fn prepare(&mut self, text: &str) -> Result<Statement, Error> {
        self.prepare_typed(text, &[])
    }

    /// Prepares a statement; types of its first parameters are given, 0 and the rest are inferred.
    pub fn prepare_typed(
        &mut self,
        text: &str,
        parameter_types: &[u32],
    ) -> Result<Statement, Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        self.dropped.close(&mut connection.out);
        let id = self.statement_id_last.wrapping_add(1).max(1);
        client::parse(&mut connection.out, id, text, parameter_types).map_err(Error::Limit)?;
        self.statement_id_last = id;
        connection.sync();
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        let statement = match connection.decode(span)? {
            ServerMessage::ParseComplete { parameter_types, columns, .. } => {
                let columns = columns.iter().map(ColumnRef::to_column).collect();
                let dropped = Arc::clone(&self.dropped);
                Statement::new(id, parameter_types.iter().collect(), columns, dropped)
            }
            ServerMessage::ErrorResponse(fields) => return Err(connection.failed(fields)),
            _ => return Err(connection.unexpected(opcode, "preparing")),
        };
        connection.skip_to_ready()?;
        Ok(statement)
    }

    /// Waits for an answer to a ping with `number`; another number is a broken protocol.
    pub fn ping(&mut self, number: u64) -> Result<(), Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        client::ping(&mut connection.out, number);
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        match connection.decode(span)? {
            ServerMessage::Pong(echo) if echo == number => Ok(()),
            ServerMessage::ErrorResponse(fields) => Err(Error::Db(fields)),
            _ => Err(connection.unexpected(opcode, "a ping")),
        }
    }

    /// Figures about the server: names and values.
    pub fn stats(&mut self) -> Result<Vec<(String, String)>, Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        client::plain(&mut connection.out, Opcode::Stats);
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        match connection.decode(span)? {
            ServerMessage::StatsReply(stats) => {
                Ok(stats.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
            }
            ServerMessage::ErrorResponse(fields) => Err(Error::Db(fields)),
            _ => Err(connection.unexpected(opcode, "stats")),
        }
    }

    /// What cancels this connection's statements from another thread.
    pub fn cancel_token(&self) -> CancelToken {
        self.connection.cancel_token()
    }

    /// Whether the session is in a transaction block, and in which state.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.connection.status()
    }

    /// A setting that the server reports: `server_version`.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.connection.parameter(key)
    }

    /// Which database this is.
    pub fn database_uuid(&self) -> [u8; 16] {
        self.connection.database_uuid
    }

    /// What the last commit of this connection was acknowledged with: its number, and the head of the audit chain after it.
    pub fn last_receipt(&self) -> Option<Receipt> {
        self.connection.last_receipt
    }

    /// Notices that came since the last call, but for those that `simple_query` and `simple_query_with` showed. The
    /// latest hundred are kept.
    pub fn take_notices(&mut self) -> Vec<ErrorFields> {
        self.connection.take_notices()
    }

    /// Whether the connection is of no further use.
    pub fn is_closed(&self) -> bool {
        self.connection.is_broken()
    }

    /// Says goodbye and waits, for a second at most, until the server has closed: then its side is over, and a named
    /// session is free for the next connection. Dropping says goodbye and does not wait.
    pub fn close(mut self) {
        self.connection.terminate();
        self.connection.wait_for_end(CLOSE_TIMEOUT);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.terminate();
    }
}

/// Writes Bind, Execute and Sync; nothing if a limit forbids it.
#[inline]
fn write_execution(
    connection: &mut Connection,
    statement_id: u32,
    parameters: &[&dyn ToValue],
) -> Result<(), Error> {
    let values = parameters.iter().map(|parameter| parameter.to_value());
    client::bind(&mut connection.out, statement_id, values).map_err(Error::Limit)?;
    client::plain(&mut connection.out, Opcode::Execute);
    connection.sync();
    Ok(())
}
