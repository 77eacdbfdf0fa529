//! A session of a server.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use spg_engine::session::{Notice, RowSink, TransactionStatus};
use spg_engine::{DataType, SqlState};
use spg_wire::client::{CancelToken, Client, CopyIn, Error, RowRef, ScriptEvent, ToValue};
use spg_wire::{Column, Receipt, RowWriter, Severity};

use crate::audit::Request;
use crate::connect::{Address, CONNECT_TIMEOUT};
use crate::exit::Status;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Cancel;
use crate::messages;
use crate::table_name::TableName;
use crate::target::batches::{Batches, describe};
use crate::target::{NEW_SESSION, TableColumn};
use crate::version::server_version;

/// A session of a server.
pub(crate) struct Remote {
    client: Client,
    /// What cancels on `client`; shared with those who cancel from another thread.
    cancel_token: Arc<Mutex<CancelToken>>,
    address: Address,
    /// What ended the connection after a statement's answer had come, until that is told.
    loss: Option<Failure>,
    /// What the last statement committed.
    receipt: Option<Receipt>,
}

impl Remote {
    pub(crate) fn new(client: Client, address: Address) -> Self {
        let cancel_token = Arc::new(Mutex::new(client.cancel_token()));
        Self { client, cancel_token, address, loss: None, receipt: None }
    }

    /// Takes a new connection in place of one that is lost.
    pub(super) fn reconnect(&mut self) -> Outcome<()> {
        self.client = self.address.connect(CONNECT_TIMEOUT)?;
        *self.cancel_token.lock().unwrap_or_else(PoisonError::into_inner) =
            self.client.cancel_token();
        (self.loss, self.receipt) = (None, None);
        Ok(())
    }

    /// What a new connection in place of a lost one means.
    pub(super) fn renewal(&self) -> String {
        let session = match &self.address.session {
            Some(name) => format!("Session \"{name}\" goes on as far as the server has kept it."),
            None => NEW_SESSION.to_owned(),
        };
        format!("{}.\n{session}", self.greeting())
    }

    pub(super) fn execute(&mut self, text: &str, sink: &mut dyn RowSink) -> Outcome<String> {
        self.answer(sink, |client, answer| {
            client.simple_query_with(text, |event| answer.take(&event))
        })
    }

    pub(super) fn command_with(&mut self, text: &str, values: &[String]) -> Outcome<()> {
        let values: Vec<&dyn ToValue> = values.iter().map(|value| value as &dyn ToValue).collect();
        self.client.execute(text, &values).map(|_| ()).map_err(|error| self.failure(error))
    }

    pub(super) fn administer(
        &mut self,
        request: &Request,
        sink: &mut dyn RowSink,
    ) -> Outcome<String> {
        let options = request.options();
        self.answer(sink, |client, answer| {
            client.administer_with(request.verb, &options, |event| answer.take(&event))
        })
    }

    /// Takes the answer of one statement, which `ask` asks for.
    fn answer<'a>(
        &mut self,
        sink: &'a mut dyn RowSink,
        ask: impl FnOnce(&mut Client, &mut Answer<'a>) -> Result<(), Error>,
    ) -> Outcome<String> {
        if let Some(loss) = self.loss.take() {
            return Err(loss);
        }
        let mut answer = Answer { sink, batches: Batches::default(), ended: None, receipt: None };
        let ended = ask(&mut self.client, &mut answer);
        let Answer { ended: answered, receipt, .. } = answer;
        self.receipt = receipt;
        match (answered, ended) {
            // Rows before the connection broke are no answer: nothing says that they are whole.
            (None, Err(error)) => Err(self.failure(error)),
            // How the statement ended stands, as a server that is going down says before it says so.
            (Some(answered), Err(error)) => {
                self.loss = Some(self.failure(error));
                answered
            }
            (Some(answered), Ok(())) => answered,
            (None, Ok(())) => Err(Failure::new(
                SqlState::ProtocolViolation,
                "the server did not say how the statement ended",
            )),
        }
    }

    pub(super) fn take_loss(&mut self) -> Option<Failure> {
        self.loss.take()
    }

    pub(super) fn take_receipt(&mut self) -> Option<String> {
        self.receipt.take().map(|receipt| receipt.to_string())
    }

    pub(super) fn columns(&mut self, table: &TableName) -> Outcome<Vec<TableColumn>> {
        match self.client.prepare(&table.select_all()) {
            Ok(statement) => Ok(table_columns(statement.columns())?),
            Err(error) => Err(table.without_position(self.failure(error))),
        }
    }

    /// Begins to load rows, which have the columns `names`.
    pub(crate) fn load(&mut self, table: &TableName, names: &[&str]) -> Outcome<Loading<'_>> {
        let address = &self.address.text;
        match self.client.copy_in(&table.name, names) {
            Ok(copy) => {
                let columns = table_columns(copy.columns())?;
                let types = columns.iter().map(|column| column.data_type).collect();
                Ok(Loading { copy, types, address })
            }
            Err(error) => Err(Failure::of_client(error, address)),
        }
    }

    pub(super) fn fail_block(&mut self) {
        // No table has an empty name, so this fails, and the block with it.
        self.client.copy_in("", &[]).err();
    }

    pub(super) fn status(&self) -> TransactionStatus {
        match self.client.transaction_status() {
            spg_wire::TransactionStatus::Idle => TransactionStatus::Idle,
            spg_wire::TransactionStatus::Block => TransactionStatus::InTransaction,
            spg_wire::TransactionStatus::Failed => TransactionStatus::Failed,
        }
    }

    pub(super) fn session_id(&self) -> u64 {
        self.client.cancel_token().key().session_id
    }

    pub(super) fn is_named(&self) -> bool {
        self.address.session.is_some()
    }

    pub(super) fn canceller(&self) -> Cancel {
        let shared = Arc::clone(&self.cancel_token);
        Box::new(move || {
            let token = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // A cancel that does not arrive changes nothing; the statement goes on.
            token.cancel().ok();
        })
    }

    pub(super) fn description(&self) -> String {
        let version = server_version(&self.client);
        let key = self.client.cancel_token().key();
        let secret = key.secret.map(|byte| format!("{byte:02x}")).concat();
        let named = match &self.address.session {
            Some(name) => format!(" \"{name}\""),
            None => String::new(),
        };
        let id = key.session_id;
        format!(
            "Server {version} at {}, session{named} {id}.\nCancel what it runs: spg cancel {id} {secret}",
            self.address.text
        )
    }

    /// The greeting of the shell.
    pub(super) fn greeting(&self) -> String {
        let version = server_version(&self.client);
        format!("server {version} at {}", self.address.text)
    }

    pub(super) fn close(self) {
        self.client.close();
    }

    fn failure(&self, error: spg_wire::client::Error) -> Failure {
        Failure::of_client(error, &self.address.text)
    }
}

/// The answer to one statement, on its way to a sink.
struct Answer<'a> {
    sink: &'a mut dyn RowSink,
    batches: Batches,
    /// How the statement ended, once that is known.
    ended: Option<Outcome<String>>,
    /// What it committed.
    receipt: Option<Receipt>,
}

impl Answer<'_> {
    /// Breaks when the sink takes no more: then the rest is not wanted either.
    fn take(&mut self, event: &ScriptEvent<'_>) -> ControlFlow<()> {
        let taken = match event {
            ScriptEvent::Columns(columns) => self.batches.begin(columns, self.sink),
            ScriptEvent::Row(row) => self.row(row),
            ScriptEvent::Complete { tag, receipt, .. } => {
                self.receipt = *receipt;
                self.complete(tag)
            }
            ScriptEvent::Error(fields) => {
                let fields = Box::new((*fields).clone());
                self.ended = Some(Err(Failure { fields, status: Status::Failed }));
                Ok(())
            }
            ScriptEvent::Notice(fields) if fields.severity == Severity::Info => {
                let (severity, sqlstate) = ("INFO", SqlState::SuccessfulCompletion);
                self.sink.notice(&Notice::new(severity, sqlstate, fields.message.clone()));
                Ok(())
            }
            ScriptEvent::Notice(fields) => {
                messages::remote_notice(fields);
                Ok(())
            }
            ScriptEvent::Empty => {
                self.ended = Some(Ok(String::new()));
                Ok(())
            }
        };
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.ended = Some(Err(error.into()));
                ControlFlow::Break(())
            }
        }
    }

    fn row(&mut self, row: &RowRef<'_>) -> spg_engine::Result<()> {
        self.batches.push(row, self.sink)
    }

    fn complete(&mut self, tag: &str) -> spg_engine::Result<()> {
        self.batches.flush(self.sink)?;
        self.ended = Some(Ok(tag.to_owned()));
        Ok(())
    }
}

/// Rows on their way into a table of a server; dropped without [`Self::finish`] nothing is loaded.
pub(crate) struct Loading<'a> {
    copy: CopyIn<'a>,
    types: Vec<DataType>,
    address: &'a str,
}

impl Loading<'_> {
    /// Types of the values that each row must have.
    pub(crate) fn types(&self) -> Vec<DataType> {
        self.types.clone()
    }

    /// Adds the row that `write` writes.
    pub(crate) fn row(
        &mut self,
        write: impl FnOnce(&mut RowWriter<'_>) -> spg_engine::Result<()>,
    ) -> Outcome<()> {
        let mut problem = None;
        let sent = self.copy.write_row_with(|row| match write(row) {
            Ok(()) => true,
            Err(error) => {
                problem = Some(error);
                false
            }
        });
        match problem {
            Some(error) => Err(error.into()),
            None => sent.map_err(|error| Failure::of_client(error, self.address)),
        }
    }

    /// Loads the rows; answers how many.
    pub(crate) fn finish(self) -> Outcome<u64> {
        self.copy.finish().map_err(|error| Failure::of_client(error, self.address))
    }
}

fn table_columns(columns: &[Column]) -> spg_engine::Result<Vec<TableColumn>> {
    columns.iter().map(describe).collect()
}
