//! One connection of the load: a batch of operations out in one write, their answers in, the next batch.
//!
//! With a pipeline of one, an operation of several statements sends each when the one before is answered, as a client
//! does that looks at the answers; in a longer pipeline all statements of all operations go out together.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spg_wire::client::Error;
use spg_wire::frame::SERVER_FRAME_LENGTH_MAX;
use spg_wire::message::client;
use spg_wire::socket::{Polling, Socket};
use spg_wire::{ErrorFields, Frame, FrameBuffer, Opcode, ServerMessage, TransactionStatus};

use crate::bench::place::APPLICATION;
use crate::bench::random::Random;
use crate::bench::statement;
use crate::bench::tally::Tally;
use crate::bench::workload::{Operation, Script};

/// Whether statements are prepared once or written out each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Parse once, then Bind, Execute and Sync.
    Prepared,
    /// Query.
    Simple,
}

/// An operation that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    operation: Operation,
    /// When it was sent first.
    started: Instant,
    outcome: Outcome,
}

/// How an operation has gone so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Good,
    /// 40001 or 40P01: to be done again.
    Conflict,
    Failed,
}

/// What has come in answer to one request.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    data_rows: u64,
    /// What `CommandComplete` says.
    rows: u64,
}

/// A connection of the load.
pub(super) struct Lane {
    script: Arc<Script>,
    mode: Mode,
    pipeline: usize,
    settings: Vec<(&'static str, &'static str)>,
    random: Random,
    /// What the next operation's serial number is; those of all lanes differ.
    serial: u64,
    serial_step: u64,
    batch: Vec<Sent>,
    /// The operation and the step whose answer comes next.
    operation: usize,
    step: usize,
    /// The statements whose answers are still to come.
    awaited: VecDeque<usize>,
    /// A ROLLBACK was sent to get out of a failed block.
    is_rolling_back: bool,
    answer: Answer,
    inbox: FrameBuffer,
    out: Vec<u8>,
    text: Vec<u8>,
    numbers: Vec<f32>,
}

impl Lane {
    /// Lane `index` of `count`; the session begins with `settings`.
    pub(super) fn new(
        script: Arc<Script>,
        mode: Mode,
        pipeline: usize,
        settings: Vec<(&'static str, &'static str)>,
        index: u64,
        count: u64,
    ) -> Self {
        Self {
            script,
            mode,
            pipeline,
            settings,
            random: Random::new(index),
            serial: index,
            serial_step: count,
            batch: Vec::with_capacity(pipeline),
            operation: 0,
            step: 0,
            awaited: VecDeque::with_capacity(pipeline),
            is_rolling_back: false,
            answer: Answer::default(),
            inbox: FrameBuffer::new(SERVER_FRAME_LENGTH_MAX),
            out: Vec::new(),
            text: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Says hello on `socket` and prepares the statements; the answers are waited for.
    pub(super) fn open(&mut self, socket: &Socket) -> Result<(), Error> {
        let mut options = vec![("application_name", APPLICATION)];
        options.extend(&self.settings);
        client::hello(&mut self.out, spg_wire::PROTOCOL_VERSION, &options).map_err(Error::Limit)?;
        if self.mode == Mode::Prepared {
            for (index, statement) in self.script.statements.iter().enumerate() {
                client::parse(&mut self.out, index as u32, &statement.text, &[])
                    .map_err(Error::Limit)?;
            }
            client::plain(&mut self.out, Opcode::Sync);
        }
        self.send(socket)?;
        // One Ready for the hello, one for the Sync.
        let mut readies_due = 1 + u32::from(self.mode == Mode::Prepared);
        while readies_due > 0 {
            if let Some(frame) = self.inbox.next_frame().map_err(Error::Protocol)? {
                match ServerMessage::decode(frame).map_err(Error::Protocol)? {
                    ServerMessage::Ready(_) => readies_due -= 1,
                    ServerMessage::ErrorResponse(fields) => return Err(Error::Db(fields)),
                    _ => {}
                }
            } else {
                self.receive(socket, &mut Polling::new(Duration::ZERO))?;
            }
        }
        Ok(())
    }

    /// Sends the next batch: what has to be done again, and further operations.
    pub(super) fn start(&mut self, socket: &Socket, now: Instant) -> Result<(), Error> {
        self.batch.retain(|sent| sent.outcome == Outcome::Conflict);
        for sent in &mut self.batch {
            sent.outcome = Outcome::Good;
        }
        while self.batch.len() < self.pipeline {
            let operation = Operation { seed: self.random.next(), serial: self.serial };
            self.serial += self.serial_step;
            self.batch.push(Sent { operation, started: now, outcome: Outcome::Good });
        }
        (self.operation, self.step) = (0, 0);
        let steps = if self.pipeline == 1 { 1 } else { self.script.step_count() };
        for index in 0..self.batch.len() {
            for step in 0..steps {
                self.write_step(index, step)?;
            }
        }
        self.send(socket)
    }

    /// Whether answers are still to come.
    pub(super) fn is_busy(&self) -> bool {
        self.operation < self.batch.len()
    }

    /// Reads what has arrived, having waited for it, and takes the answers; operations that have ended at `tally`.
    /// Whether the batch is done.
    pub(super) fn advance(
        &mut self,
        socket: &Socket,
        polling: &mut Polling,
        tally: &mut Tally,
    ) -> Result<bool, Error> {
        self.receive(socket, polling)?;
        let now = Instant::now();
        while let Some(span) = self.inbox.next_span().map_err(Error::Protocol)? {
            let frame = self.inbox.frame(span);
            match Opcode::from_byte(frame.opcode) {
                Some(Opcode::DataRow) => self.answer.data_rows += 1,
                Some(Opcode::CommandComplete) => {
                    let rows = frame.payload.first_chunk();
                    self.answer.rows = u64::from_le_bytes(*rows.ok_or_else(broken)?);
                }
                Some(Opcode::Ready) => {
                    let status = frame.payload.first().copied();
                    let status =
                        status.and_then(TransactionStatus::from_byte).ok_or_else(broken)?;
                    self.answered(status, now, tally)?;
                }
                Some(Opcode::RowDescription) => {}
                _ => {
                    if let Some(fields) = failure(frame)? {
                        self.failed(&fields, tally)?;
                    }
                }
            }
        }
        if !self.out.is_empty() {
            self.send(socket)?;
        }
        Ok(!self.is_busy())
    }

    /// An ErrorResponse to the request whose answer is being read.
    fn failed(&mut self, fields: &ErrorFields, tally: &mut Tally) -> Result<(), Error> {
        let fatal = !matches!(fields.severity, spg_wire::Severity::Error);
        let Some(sent) = self.batch.get_mut(self.operation).filter(|_| !fatal) else {
            return Err(Error::Db(Box::new(fields.clone())));
        };
        if sent.outcome != Outcome::Good {
            // The rest of a block that has failed.
            return Ok(());
        }
        let is_conflict = matches!(fields.code(), "40001" | "40P01");
        sent.outcome = if is_conflict { Outcome::Conflict } else { Outcome::Failed };
        tally.failed(is_conflict, fields);
        Ok(())
    }

    /// A Ready: the request whose answer was read is done.
    fn answered(
        &mut self,
        status: TransactionStatus,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let answer = std::mem::take(&mut self.answer);
        if self.is_rolling_back {
            self.is_rolling_back = false;
            self.end_operation(now, tally);
            return Ok(());
        }
        let statement = self.awaited.pop_front().ok_or_else(broken)?;
        let statement = &self.script.statements[statement];
        let sent = self.batch.get_mut(self.operation).ok_or_else(broken)?;
        if sent.outcome == Outcome::Good && !statement.is_answered_by(answer.rows, answer.data_rows)
        {
            sent.outcome = Outcome::Failed;
            tally.wrong(statement, answer.rows);
        }
        self.step += 1;
        let (is_good, is_last) =
            (sent.outcome == Outcome::Good, self.step == self.script.step_count());
        if self.pipeline == 1 && is_good && !is_last {
            return self.write_step(self.operation, self.step);
        }
        if self.pipeline == 1 && status != TransactionStatus::Idle {
            self.is_rolling_back = true;
            return client::query(&mut self.out, "ROLLBACK").map_err(Error::Limit);
        }
        if self.pipeline == 1 || is_last {
            self.end_operation(now, tally);
        }
        Ok(())
    }

    fn end_operation(&mut self, now: Instant, tally: &mut Tally) {
        if let Some(sent) = self.batch.get(self.operation)
            && sent.outcome == Outcome::Good
        {
            tally.done(now.duration_since(sent.started));
        }
        self.operation += 1;
        self.step = 0;
    }

    fn write_step(&mut self, index: usize, step: usize) -> Result<(), Error> {
        let operation = self.batch[index].operation;
        let (script, out, text) = (&self.script, &mut self.out, &mut self.text);
        let mut written = Ok(());
        script.step(operation, step, &mut self.numbers, |statement, values| {
            self.awaited.push_back(statement);
            written = match self.mode {
                Mode::Prepared => statement::execute(statement, values, out),
                Mode::Simple => script.statements[statement].query(values, text, out),
            };
        });
        written.map_err(Error::Limit)
    }

    fn send(&mut self, socket: &Socket) -> Result<(), Error> {
        let sent = socket.write_all(&self.out).map_err(Error::Io);
        self.out.clear();
        sent
    }

    fn receive(&mut self, socket: &Socket, polling: &mut Polling) -> Result<(), Error> {
        match self.inbox.fill(|buffer| polling.read_some(socket, buffer)) {
            Ok(0) => Err(Error::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Io(error)),
        }
    }
}

/// The error in a frame, if it is one; other messages that may come between are none.
fn failure(frame: Frame<'_>) -> Result<Option<Box<ErrorFields>>, Error> {
    match ServerMessage::decode(frame).map_err(Error::Protocol)? {
        ServerMessage::ErrorResponse(fields) => Ok(Some(fields)),
        ServerMessage::NoticeResponse(_)
        | ServerMessage::ParameterStatus { .. }
        | ServerMessage::ParseComplete { .. } => Ok(None),
        other => Err(Error::Protocol(spg_wire::ProtocolError::UnexpectedMessage {
            opcode: other.opcode(),
            during: "a benchmark",
        })),
    }
}

/// A message that ends inside a field, or one that was not asked for.
fn broken() -> Error {
    Error::Protocol(spg_wire::ProtocolError::Truncated)
}
