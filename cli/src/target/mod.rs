//! Where statements run: a database in this process, or a server.
//!
//! Both answer alike: rows go to a sink as batches of the engine's columns, failures have the same fields.

mod batches;
mod local;
mod remote;

use spg_engine::DataType;
use spg_engine::session::{RowSink, TransactionStatus};
use spg_engine::storage::column::Column;

use crate::audit::Request;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Cancel;
use crate::table_name::TableName;

pub(crate) use batches::engine_value;
pub(crate) use local::{Local, named_session};
pub(crate) use remote::Remote;

/// Where statements run.
pub(crate) enum Target {
    /// A session of a database in this process.
    Local(Box<Local>),
    /// A session of a server.
    Remote(Box<Remote>),
}

/// A column as its table or the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumn {
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) data_type: DataType,
}

/// What it means that a session takes the place of another.
const NEW_SESSION: &str =
    "This is a new session: what was open is rolled back, settings are reset.";

/// Yields the rows of a load, until there are none left.
pub(crate) type NextColumns<'a> = &'a mut dyn FnMut() -> spg_engine::Result<Option<Vec<Column>>>;

impl Target {
    /// Runs one statement; its rows go to `sink`, its tag is answered.
    pub(crate) fn execute(&mut self, text: &str, sink: &mut dyn RowSink) -> Outcome<String> {
        match self {
            Self::Local(local) => local.execute(text, sink),
            Self::Remote(remote) => remote.execute(text, sink),
        }
    }

    /// Asks the database what is no SQL; the rows of the answer go to `sink`, its tag is answered.
    pub(crate) fn administer(
        &mut self,
        request: &Request,
        sink: &mut dyn RowSink,
    ) -> Outcome<String> {
        match self {
            Self::Local(local) => local.administer(request, sink),
            Self::Remote(remote) => remote.administer(request, sink),
        }
    }

    /// Runs one statement whose answer nobody wants to see.
    pub(crate) fn command(&mut self, text: &str) -> Outcome<()> {
        self.execute(text, &mut Silent).map(drop)
    }

    /// The same of a statement with texts as its parameters.
    pub(crate) fn command_with(&mut self, text: &str, values: Vec<String>) -> Outcome<()> {
        match self {
            Self::Local(local) => local.command_with(text, values),
            Self::Remote(remote) => remote.command_with(text, &values),
        }
    }

    /// What ended the connection after the last statement's answer had come; answered once.
    pub(crate) fn take_loss(&mut self) -> Option<Failure> {
        match self {
            Self::Local(_) => None,
            Self::Remote(remote) => remote.take_loss(),
        }
    }

    /// Takes a new connection in place of a lost one.
    pub(crate) fn reconnect(&mut self) -> Outcome<()> {
        match self {
            Self::Local(local) => local.renew(),
            Self::Remote(remote) => remote.reconnect(),
        }
    }

    /// What that means, in words for the user.
    pub(crate) fn renewal(&self) -> String {
        match self {
            Self::Local(_) => format!("{}.\n{NEW_SESSION}", self.greeting()),
            Self::Remote(remote) => remote.renewal(),
        }
    }

    /// What the last statement committed: the commit's number and, behind a blank, the audit chain's head if there is
    /// one.
    pub(crate) fn take_receipt(&mut self) -> Option<String> {
        match self {
            Self::Local(local) => local.take_receipt(),
            Self::Remote(remote) => remote.take_receipt(),
        }
    }

    /// The columns of a table, in its order.
    pub(crate) fn columns(&mut self, table: &TableName) -> Outcome<Vec<TableColumn>> {
        match self {
            Self::Local(local) => local.columns(table),
            Self::Remote(remote) => remote.columns(table),
        }
    }

    /// Fails the transaction block that is open, as an error of a statement does.
    pub(crate) fn fail_block(&mut self, reason: &Failure) {
        match self {
            Self::Local(local) => local.fail_block(reason),
            Self::Remote(remote) => remote.fail_block(),
        }
    }

    /// The number of the session among those of a server; 0 in this process, which has one at a time.
    pub(crate) fn session_id(&self) -> u64 {
        match self {
            Self::Local(_) => 0,
            Self::Remote(remote) => remote.session_id(),
        }
    }

    /// Where the session stands.
    pub(crate) fn status(&self) -> TransactionStatus {
        match self {
            Self::Local(local) => local.status(),
            Self::Remote(remote) => remote.status(),
        }
    }

    /// Whether what runs there outlives this process in part or whole, so that it is cancelled rather than killed.
    pub(crate) fn is_kept(&self) -> bool {
        match self {
            Self::Local(local) => local.has_files(),
            Self::Remote(_) => true,
        }
    }

    /// Whether a transaction block that is open now stays open for the next invocation.
    pub(crate) fn keeps_block(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Remote(remote) => remote.is_named(),
        }
    }

    /// What cancels the statement that runs, from another thread.
    pub(crate) fn canceller(&self) -> Cancel {
        match self {
            Self::Local(local) => local.canceller(),
            Self::Remote(remote) => remote.canceller(),
        }
    }

    /// What `\conninfo` tells.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Local(local) => local.description(),
            Self::Remote(remote) => remote.description(),
        }
    }

    /// Where statements run, in a line for the shell's greeting.
    pub(crate) fn greeting(&self) -> String {
        match self {
            Self::Local(local) if local.has_files() => "files, in this process".to_owned(),
            Self::Local(_) => "in this process, gone at the end".to_owned(),
            Self::Remote(remote) => remote.greeting(),
        }
    }

    /// Ends the session in order, and the database with it if it is in this process.
    pub(crate) fn close(self) -> Outcome<()> {
        match self {
            Self::Local(local) => local.close(),
            Self::Remote(remote) => {
                remote.close();
                Ok(())
            }
        }
    }
}

/// For statements that answer nothing to show.
struct Silent;

impl RowSink for Silent {
    fn columns(&mut self, _: &[spg_engine::binder::bound::OutputColumn]) -> spg_engine::Result<()> {
        Ok(())
    }

    fn batch(&mut self, _: &spg_engine::storage::batch::Batch<'_>) -> spg_engine::Result<()> {
        Ok(())
    }

    fn notice(&mut self, notice: &spg_engine::session::Notice) {
        crate::messages::notice(notice);
    }
}
