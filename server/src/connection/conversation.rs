//! What follows the Hello: frames executed in order, all that have arrived before anything is written.

use std::collections::BTreeMap;
use std::ops::Range;

use spg_engine::identity::ChainState;
use spg_engine::session::{CANCELED, CommandTag, Prepared, Receipt, TransactionStatus};
use spg_engine::storage::CommitNumber;
use spg_engine::{Error, Session, SqlState, Value};
use spg_wire::frame::FrameSpan;
use spg_wire::message::{VERSION_OF_RECEIPTS, server};
use spg_wire::{ClientMessage, ErrorFields, Opcode, ProtocolError};

use super::copy_in::CopyRequest;
use super::end::End;
use super::input::Input;
use super::output::Output;
use super::translate;
use crate::limits::VALUES_RETAINED;
use crate::registry::{Demand, Handle};
use crate::shared::Shared;
use crate::stats;

/// What a statement is told that runs for too long after the server was asked to end.
const STOPPING: &str = "canceling statement because the server is stopping";

/// A client's side of a connection, from Hello to its end.
pub(super) struct Conversation<'a> {
    pub(super) shared: &'a Shared,
    pub(super) handle: &'a Handle,
    pub(super) input: &'a mut Input,
    pub(super) client: Client<'a>,
}

/// What messages change; apart from the input, from which they borrow.
pub(super) struct Client<'a> {
    pub(super) session: Session,
    pub(super) output: &'a mut Output,
    /// Prepared statements by the client's numbers.
    pub(super) statements: BTreeMap<u32, Statement>,
    /// Bytes of their texts.
    pub(super) statement_bytes: usize,
    /// The statement that is bound.
    pub(super) bound: Option<u32>,
    /// Its parameters; kept for their memory.
    pub(super) values: Vec<Value>,
    /// After an error: everything up to the next Sync is passed over.
    pub(super) skipping: bool,
    /// Whether the last held answer was not followed by Sync yet.
    pub(super) is_unit_open: bool,
    /// The version of the protocol that is spoken.
    version: u16,
    /// What the client believes it to be.
    application_name: String,
    /// A setting was changed in the open block, whose end may change it back.
    has_set: bool,
}

/// A prepared statement.
pub(super) struct Statement {
    /// None for a text without a statement.
    pub(super) prepared: Option<Prepared>,
    pub(super) text_bytes: usize,
}

/// What to do after a message.
pub(super) enum Next {
    /// Go on.
    Frame,
    /// Load rows, which takes further frames.
    CopyIn(CopyRequest),
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        handle: &'a Handle,
        (session, version): (Session, u16),
        input: &'a mut Input,
        output: &'a mut Output,
    ) -> Self {
        let application_name = session.setting("application_name").unwrap_or_default();
        let client = Client {
            session,
            output,
            statements: BTreeMap::new(),
            statement_bytes: 0,
            bound: None,
            values: Vec::new(),
            skipping: false,
            is_unit_open: false,
            version,
            application_name,
            has_set: false,
        };
        Self { shared, handle, input, client }
    }

    /// The session, for those who keep it.
    pub(super) fn into_session(self) -> Session {
        self.client.session
    }

    /// Executes frames until the connection ends, and answers why.
    pub(super) fn converse(&mut self) -> End {
        loop {
            if let Err(end) = self.turn() {
                // What was executed before is answered before.
                let _ = self.client.settle();
                return end;
            }
        }
    }

    /// Executes what has arrived, writes the answers, waits for more.
    #[inline]
    fn turn(&mut self) -> Result<(), End> {
        while let Some(span) = self.input.next_span()? {
            if self.handle.demand() != Demand::None {
                // What is done is answered to its end.
                if self.input.frame(span).opcode == Opcode::Sync as u8 {
                    self.frame(span)?;
                }
                return Err(self.input.end());
            }
            self.frame(span)?;
            if self.client.output.is_full() {
                self.client.flush()?;
            }
        }
        let in_transaction = self.client.session.status() != TransactionStatus::Idle;
        // Before the answer: who has read it may ask how many transactions are open.
        self.handle.set_in_transaction(in_transaction);
        self.client.answer()?;
        self.client.output.release();
        if self.handle.demand() != Demand::None {
            return Err(self.input.end());
        }
        let deadline = if in_transaction { self.client.session.deadline() } else { None };
        self.input.wait(deadline)
    }

    #[inline]
    fn frame(&mut self, span: FrameSpan) -> Result<(), End> {
        let frame = self.input.frame(span);
        let next = match ClientMessage::decode(frame) {
            Ok(message) => self.client.message(message, self.shared)?,
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => {
                let is_query = [Opcode::Query as u8, Opcode::Admin as u8].contains(&frame.opcode);
                self.client.broken_message(error, is_query);
                Next::Frame
            }
        };
        match next {
            Next::Frame => Ok(()),
            Next::CopyIn(request) => self.copy_in(&request),
        }
    }
}

impl Client<'_> {
    #[inline]
    fn message(&mut self, message: ClientMessage<'_>, shared: &Shared) -> Result<Next, End> {
        match message {
            ClientMessage::Sync => self.sync(),
            ClientMessage::Ping(number) => server::pong(&mut self.output.bytes, number),
            ClientMessage::Stats => {
                let figures = stats::figures(shared, self.session.database());
                let figures = figures.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                server::stats_reply(&mut self.output.bytes, figures);
            }
            ClientMessage::Terminate => {
                self.flush()?;
                return Err(End::Closed);
            }
            ClientMessage::Hello { .. }
            | ClientMessage::Cancel(_)
            | ClientMessage::CancelSession(_) => {
                let (opcode, during) = (message.opcode(), "a conversation");
                return Err(ProtocolError::UnexpectedMessage { opcode, during }.into());
            }
            _ if self.skipping => {}
            _ => return self.request(message, shared),
        }
        Ok(Next::Frame)
    }

    #[inline]
    fn request(&mut self, message: ClientMessage<'_>, shared: &Shared) -> Result<Next, End> {
        if self.is_unit_open && !self.close_unit() {
            return Ok(Next::Frame);
        }
        match message {
            ClientMessage::Bind { statement_id, parameters } => {
                self.bind(statement_id, parameters);
            }
            ClientMessage::Execute => self.execute(),
            ClientMessage::Query(script) => self.query(script, shared)?,
            ClientMessage::Admin { verb, options } => self.administer(verb, options),
            ClientMessage::Parse { statement_id, text, parameter_types } => {
                self.parse(statement_id, text, parameter_types);
            }
            ClientMessage::Close { statement_id } => self.close(statement_id),
            ClientMessage::CopyIn { table, columns } => {
                self.settle();
                return Ok(Next::CopyIn(CopyRequest::new(table, columns)));
            }
            ClientMessage::CopyOut(source) => self.copy_out(source),
            ClientMessage::CopyData(_) | ClientMessage::CopyDone | ClientMessage::CopyFail(_) => {
                let message = format!("unexpected message {:?} outside a copy", message.opcode());
                self.fail(&translate::error("08P01", message));
            }
            ClientMessage::Hello { .. }
            | ClientMessage::Cancel(_)
            | ClientMessage::CancelSession(_)
            | ClientMessage::Ping(_)
            | ClientMessage::Terminate
            | ClientMessage::Stats
            | ClientMessage::Sync => unreachable!("these are answered before requests are"),
        }
        Ok(Next::Frame)
    }

    /// Answers a message whose texts or values are no texts or values.
    fn broken_message(&mut self, error: ProtocolError, is_query: bool) {
        if self.skipping {
            return;
        }
        self.fail(&error.to_fields());
        if is_query {
            self.skipping = false;
            self.ready();
        }
    }

    #[inline]
    pub(super) fn sync(&mut self) {
        self.skipping = false;
        self.unbind();
        self.is_unit_open = false;
        self.ready();
    }

    /// Forgets what was bound: a connection that waits keeps no texts, nor room for many values.
    #[inline]
    pub(super) fn unbind(&mut self) {
        self.bound = None;
        self.values.clear();
        if self.values.capacity() > VALUES_RETAINED {
            self.values = Vec::new();
        }
    }

    #[inline]
    pub(super) fn ready(&mut self) {
        server::ready(&mut self.output.bytes, translate::status(self.session.status()));
    }

    /// Answers an error, after which everything up to Sync is passed over.
    pub(super) fn fail(&mut self, fields: &ErrorFields) {
        self.answer_error(fields);
        self.skipping = true;
        self.unbind();
    }

    /// Answers an error.
    pub(super) fn answer_error(&mut self, fields: &ErrorFields) {
        self.handle().counters().errors.add(1);
        if fields.sqlstate.as_str() == SqlState::AdminShutdown.code() {
            self.end_terminated();
        }
        if self.demand() == Demand::Stopping && fields.message == CANCELED {
            let mut fields = fields.clone();
            STOPPING.clone_into(&mut fields.message);
            return server::error_response(&mut self.output.bytes, &fields);
        }
        server::error_response(&mut self.output.bytes, fields);
    }

    /// The session was asked to end: the connection ends behind what is answered, whether the watcher has seen it or not.
    pub(super) fn end_terminated(&self) {
        self.handle().end(Demand::Terminated);
    }

    fn handle(&self) -> &Handle {
        &self.output.handle
    }

    /// Answers that a statement is done and what it has committed, and tells if that changed a setting that the client
    /// follows.
    #[inline]
    pub(super) fn complete(&mut self, tag: &CommandTag) {
        let receipt = self.session.take_receipt();
        self.complete_with(tag, receipt.as_ref());
    }

    /// As [`Self::complete`]; says where in the output the receipt is.
    #[inline]
    pub(super) fn complete_with(
        &mut self,
        tag: &CommandTag,
        receipt: Option<&Receipt>,
    ) -> Range<usize> {
        self.handle().counters().statements.add(1);
        let receipt =
            receipt.filter(|_| self.version >= VERSION_OF_RECEIPTS).map(translate::receipt);
        let (verb, rows) = match tag {
            CommandTag::Rows(verb, rows) => (verb, Some(*rows)),
            CommandTag::Plain(verb) => (verb, None),
        };
        server::command_complete(&mut self.output.bytes, verb, rows, receipt.as_ref());
        let end = self.output.bytes.len();
        if rows.is_none() {
            self.follow_settings(verb);
        }
        end - receipt.map_or(0, |receipt| receipt.bytes())..end
    }

    /// The receipt that a commit in flight will have, as far as it is known: the head is filled in when it is settled.
    pub(super) fn receipt_to_come(&self, commit: CommitNumber) -> Receipt {
        let journal = self.session.database().journal();
        let has_chain = journal.is_some_and(|journal| journal.audit.is_some());
        let chain = has_chain.then_some(ChainState { sequence: 0, head: [0; 32] });
        Receipt { commit, chain }
    }

    fn follow_settings(&mut self, verb: &str) {
        match verb {
            "SET" | "RESET" => self.has_set = true,
            "COMMIT" | "ROLLBACK" if self.has_set => {}
            _ => return,
        }
        if self.session.status() == TransactionStatus::Idle {
            self.has_set = false;
        }
        let now = self.session.setting("application_name").unwrap_or_default();
        if now != self.application_name {
            server::parameter_status(&mut self.output.bytes, "application_name", &now);
            self.application_name = now;
        }
    }

    /// Sends all answers, once what they rest on is durable.
    #[inline]
    pub(super) fn flush(&mut self) -> Result<(), End> {
        if !self.settle() && self.is_unit_open {
            self.is_unit_open = false;
            self.skipping = true;
            self.unbind();
        }
        self.output.send()
    }

    /// As [`Self::flush`]; or, where nothing that comes depends on how it goes, leaves the answers to whoever makes durable what
    /// they rest on. In memory there is nobody to leave them to.
    #[inline]
    fn answer(&mut self) -> Result<(), End> {
        let output = &self.output;
        if output.held.is_empty()
            || self.is_unit_open
            || !output.can_hand_over()
            || self.is_in_memory()
        {
            return self.flush();
        }
        self.output.hand_over(&mut self.session)
    }

    fn is_in_memory(&self) -> bool {
        self.session.database().journal().is_none()
    }

    /// Waits until everything that the answers rest on is durable. Where that fails, the error is the answer.
    #[inline]
    pub(super) fn settle(&mut self) -> bool {
        self.output.held.is_empty() || self.output.settle(&mut self.session)
    }

    /// A further message before Sync needs to know whether the last statement went well.
    #[cold]
    fn close_unit(&mut self) -> bool {
        self.is_unit_open = false;
        let well = self.settle();
        self.skipping = !well;
        well
    }

    /// Ends what was only begun after an error of the output: there is nobody to answer.
    pub(super) fn check_output(&self) -> Result<(), End> {
        if self.output.is_broken() { Err(End::Closed) } else { Ok(()) }
    }

    /// A statement's error, as its answer.
    #[cold]
    pub(super) fn statement_failed(&mut self, error: &Error) {
        self.count_statement();
        self.fail(&translate::error_fields(error));
    }

    /// Counts a statement that is not completed.
    pub(super) fn count_statement(&self) {
        self.handle().counters().statements.add(1);
    }

    /// What is asked of the connection.
    pub(super) fn demand(&self) -> Demand {
        self.handle().demand()
    }
}
