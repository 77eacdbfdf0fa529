//! A client of the load in this process: a thread with a session of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{CommandTag, Notice, Prepared, RowSink, TransactionStatus};
use spg_engine::storage::batch::Batch;
use spg_engine::{Database, Result, Session, Value};
use spg_wire::ValueRef;

use crate::bench::lane::Mode;
use crate::bench::place::APPLICATION;
use crate::bench::random::Random;
use crate::bench::tally::Tally;
use crate::bench::worker::Schedule;
use crate::bench::workload::{Operation, Script};
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::target::{engine_value, named_session};

/// A session of the load.
pub(super) struct OwnSession {
    session: Session,
    script: Arc<Script>,
    /// What each statement is prepared as; none if it is to be written out.
    prepared: Vec<Prepared>,
    random: Random,
    serial: u64,
    serial_step: u64,
    scratch: Scratch,
    /// Operations counted so far, for who looks on.
    count: Arc<AtomicU64>,
}

/// Memory that is used again.
#[derive(Default)]
struct Scratch {
    numbers: Vec<f32>,
    aligned: Vec<f32>,
    values: Vec<Value>,
    text: Vec<u8>,
}

impl OwnSession {
    /// Session `index` of `count_all`; `settings` are statements that are run first.
    pub(super) fn open(
        database: &Arc<Database>,
        script: Arc<Script>,
        mode: Mode,
        (index, count_all): (u64, u64),
        settings: &[String],
        count: Arc<AtomicU64>,
    ) -> Outcome<Self> {
        let mut session = named_session(database, APPLICATION)?;
        for setting in settings {
            session.execute(setting, &[], &mut Counted::default())?;
        }
        let prepared = match mode {
            Mode::Prepared => script
                .statements
                .iter()
                .map(|statement| session.prepare(&statement.text))
                .collect::<Result<_>>()?,
            Mode::Simple => Vec::new(),
        };
        Ok(Self {
            session,
            script,
            prepared,
            random: Random::new(index),
            serial: index,
            serial_step: count_all,
            scratch: Scratch::default(),
            count,
        })
    }

    /// Works until the schedule's end; what was counted between its begin and its end.
    pub(super) fn run(mut self, schedule: Schedule, interrupt: &Interrupt) -> Tally {
        let mut tally = Tally::default();
        self.work_until(schedule.begin, interrupt, &mut tally);
        tally.restart();
        self.work_until(schedule.end, interrupt, &mut tally);
        tally.of_clients = vec![tally.latencies.count()];
        tally
    }

    fn work_until(&mut self, end: Instant, interrupt: &Interrupt, tally: &mut Tally) {
        let mut now = Instant::now();
        while now < end && !interrupt.is_requested() {
            let operation = Operation { seed: self.random.next(), serial: self.serial };
            self.serial += self.serial_step;
            let is_done = self.operate(operation, interrupt, tally);
            let ended = Instant::now();
            if is_done {
                tally.done(ended.duration_since(now));
                self.count.store(tally.latencies.count(), Ordering::Relaxed);
            }
            now = ended;
        }
    }

    /// Does an operation, again after each conflict; whether it went well.
    fn operate(&mut self, operation: Operation, interrupt: &Interrupt, tally: &mut Tally) -> bool {
        loop {
            let Err(failure) = self.try_once(operation) else { return true };
            let is_conflict = match failure {
                Fault::Engine(failure) => {
                    let is_conflict = matches!(failure.code(), "40001" | "40P01");
                    tally.failed(is_conflict, &failure.fields);
                    is_conflict
                }
                Fault::Rows(statement, rows) => {
                    tally.wrong(&self.script.statements[statement], rows);
                    false
                }
            };
            if self.session.status() != TransactionStatus::Idle {
                // A block that has failed ends with nothing done, which cannot fail.
                self.session.execute("ROLLBACK", &[], &mut Counted::default()).ok();
            }
            if !is_conflict || interrupt.is_requested() {
                return false;
            }
        }
    }

    fn try_once(&mut self, operation: Operation) -> std::result::Result<(), Fault> {
        let Self { session, script, prepared, scratch, .. } = self;
        let Scratch { numbers, aligned, values, text } = scratch;
        for step in 0..script.step_count() {
            let (mut index, mut result) = (0, Ok(CommandTag::Plain("")));
            let mut sink = Counted::default();
            script.step(operation, step, numbers, |statement, parameters| {
                index = statement;
                result = match prepared.get(statement) {
                    Some(prepared) => {
                        fill(values, parameters, aligned);
                        session.execute_prepared(prepared, values, &mut sink)
                    }
                    None => script.statements[statement]
                        .written_out(parameters, text)
                        .map_err(|_| unreachable!("workloads have texts only"))
                        .and_then(|text| session.execute(text, &[], &mut sink)),
                };
            });
            let rows = match result.map_err(|error| Fault::Engine(error.into()))? {
                CommandTag::Rows(_, rows) => rows,
                CommandTag::Plain(_) => 0,
            };
            if !script.statements[index].is_answered_by(rows, sink.rows) {
                return Err(Fault::Rows(index, rows));
            }
        }
        Ok(())
    }
}

/// Why an operation did not go well.
enum Fault {
    /// A statement failed.
    Engine(Failure),
    /// The statement with this index answered so many rows, and had to answer others.
    Rows(usize, u64),
}

fn fill(values: &mut Vec<Value>, parameters: &[ValueRef<'_>], aligned: &mut Vec<f32>) {
    values.clear();
    for parameter in parameters {
        values.push(engine_value(*parameter, aligned).to_value());
    }
}

/// Counts rows.
#[derive(Default)]
struct Counted {
    rows: u64,
}

impl RowSink for Counted {
    fn columns(&mut self, _: &[OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.rows += batch.len() as u64;
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        crate::messages::notice(notice);
    }
}
