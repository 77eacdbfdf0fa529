//! Session: one client's state, from SQL text to rows.
//!
//! A statement is four verbs: parse, bind, plan, execute. Here it is decided on which root it runs:
//!
//! - a read outside a block takes `published`, runs, and drops it;
//! - a small write outside a block runs on `pending` under the writer lock, so it never conflicts;
//! - a large one runs on `published` without the lock and commits as a block does; after conflicts, under the lock;
//! - inside a block everything runs on the block's root (see [`crate::transaction::block`]).
//!
//! Reading order: [`prepared`] and [`plan_cache`] keep trees and plans; [`statement`] sends each kind of statement its way;
//! [`query`] and [`write`] run plans, [`definition`] runs CREATE and DROP, [`transaction_control`] BEGIN to COMMIT,
//! [`variable`] SET and SHOW; [`bulk`] loads; [`deferred`] keeps commits in flight; [`expiry`] ends what takes too long.

pub(crate) mod activity;
mod answer;
mod bulk;
mod deferred;
#[cfg(test)]
mod deferred_tests;
mod definition;
#[cfg(test)]
mod definition_tests;
mod discard;
mod effects;
mod environment;
mod expiry;
mod explain;
pub(crate) mod figures;
mod held_answer;
mod interrupt;
mod live;
mod parameter;
mod plan_cache;
mod plan_shape;
mod prepared;
mod query;
mod row_locks;
mod run;
mod set_constraints;
mod settings;
mod shown_block;
mod statement;
pub(crate) mod statistics;
mod transaction_control;
mod transaction_setting;
mod variable;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use answer::{CommandTag, Notice, RowSink, Rows, TransactionStatus};
pub use deferred::Unsettled;
pub use interrupt::Canceller;
pub use prepared::Prepared;
pub use settings::Defaults;

pub use crate::executor::interrupt::{CANCELED, Deadline, Timeout};
pub use crate::transaction::block::Receipt;
pub use crate::transaction::heads::OnSettled;

use crate::database::Database;
use crate::error::{Error, Result, SqlState};
use crate::executor::memory::MemoryBudget;
use crate::metrics::tallies::Tally;
use crate::parser;
use crate::parser::ast::Statement;
use crate::session::deferred::Deferred;
use crate::session::environment::Own;
use crate::session::expiry::{Since, is_expiry};
use crate::session::interrupt::Interrupts;
use crate::session::plan_cache::PlanCache;
use crate::session::settings::Settings;
use crate::session::shown_block::ShownBlock;
use crate::session::statistics::Counters;
use crate::session::transaction_control::{AtSavepoint, Modes};
use crate::storage::CommitNumber;
use crate::transaction::block::Block;
use crate::transaction::executed::{Actor, AuditPolicy};
use crate::types::datetime::TimestampTz;
use crate::types::{DataType, Value};

/// One client's state: its transaction block, its settings, its plans.
///
/// It holds no version of the data between statements outside a block, so an idle session costs no memory but its own.
#[derive(Debug)]
pub struct Session {
    database: Arc<Database>,
    interrupts: Interrupts,
    settings: Settings,
    status: TransactionStatus,
    block: Block,
    modes: Modes,
    /// What was at each savepoint.
    savepoint_modes: Vec<AtSavepoint>,
    /// What the time limits of the open block count from.
    since: Since,
    /// The newest commit it has seen. Invariant: never goes backwards.
    last_seen: CommitNumber,
    /// Of its last commit.
    last_receipt: Option<Receipt>,
    /// Of what the last statement committed, until it is taken.
    statement_receipt: Option<Receipt>,
    user: Arc<str>,
    peer: Arc<str>,
    cache: PlanCache,
    deferred: Deferred,
    own: Own,
    /// When the open block began.
    block_began: Option<TimestampTz>,
    /// What the card shows of the open block, as far as it may change: the snapshot, and whether it has written or failed.
    shown_block: Option<ShownBlock>,
}

impl Session {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        let interrupts = Interrupts::default();
        let own = Own::new(database.activity(), database.locks(), interrupts.canceller());
        let settings = Settings::new(database.session_defaults());
        own.card.set_application(&settings.values().application_name);
        Self {
            settings,
            database,
            interrupts,
            status: TransactionStatus::Idle,
            block: Block::default(),
            modes: Modes::default(),
            savepoint_modes: Vec::new(),
            since: Since::default(),
            last_seen: CommitNumber(0),
            last_receipt: None,
            statement_receipt: None,
            user: Arc::from(""),
            peer: Arc::from(""),
            cache: PlanCache::default(),
            deferred: Deferred::default(),
            own,
            block_began: None,
            shown_block: None,
        }
    }

    /// Executes one statement ([`parser::statements`] cuts a script into them): its rows go to `sink`, its tag is
    /// returned. A text executed before is neither parsed nor planned again.
    pub fn execute(
        &mut self,
        text: &str,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        if let Some((slot, prepared)) = self.cache.take(text) {
            let result = self.execute_prepared(&prepared, parameters, sink);
            self.cache.put_back(slot, prepared);
            return result;
        }
        let prepared = self.parse(text, &[])?;
        let result = self.execute_prepared(&prepared, parameters, sink);
        self.cache.insert(prepared);
        result
    }

    /// Parses and, where rows or changes are concerned, binds and plans one statement for repeated execution.
    pub fn prepare(&mut self, text: &str) -> Result<Prepared> {
        self.prepare_typed(text, &[])
    }

    /// [`Self::prepare`] with the types of the first parameters; Unknown is decided by how the statement uses it.
    pub fn prepare_typed(&mut self, text: &str, parameters: &[DataType]) -> Result<Prepared> {
        let mut prepared = self.parse(text, parameters)?;
        let described = self.describe(&mut prepared);
        self.fail_block_on_error(described).map(|()| prepared)
    }

    /// Executes a prepared statement; it is planned again when the schema has changed since.
    pub fn execute_prepared(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let started = self.start_statement(matches!(
            prepared.statement,
            Statement::Rollback | Statement::RollbackAndChain
        ))?;
        let result = match &prepared.counters {
            Some(counters) => {
                let run = |session: &mut Self| session.dispatch(prepared, parameters, sink);
                self.count(counters, &prepared.statement, run)
            }
            None => self.dispatch(prepared, parameters, sink),
        };
        let result = result.and_then(|tag| self.set_by_functions().map(|()| tag));
        self.give_warnings(sink);
        self.end_statement(started, result.as_ref().err());
        result
    }

    /// Counts an execution, and shows that it runs.
    #[inline]
    fn count(
        &mut self,
        counters: &Counters,
        statement: &Statement,
        run: impl FnOnce(&mut Self) -> Result<CommandTag>,
    ) -> Result<CommandTag> {
        let rows = |tag: &CommandTag| match tag {
            CommandTag::Rows(_, rows) => *rows,
            CommandTag::Plain(_) => 0,
        };
        let result = self.watch(counters, run, rows);
        let rows = result.as_ref().map_or(0, rows);
        self.own.card.tallies().add_statement(statement, rows);
        result
    }

    /// Shows that something runs, and what it costs.
    #[inline]
    fn watch<T>(
        &mut self,
        counters: &Counters,
        run: impl FnOnce(&mut Self) -> Result<T>,
        rows: impl Fn(&T) -> u64,
    ) -> Result<T> {
        let logged_from = self.settings.values().log_min_duration();
        let began = counters.begin(logged_from.is_some());
        self.own.card.begin_statement(counters.number, began);
        let result = run(self);
        self.own.card.end_statement(counters.number);
        let elapsed = counters.end(began, result.as_ref().ok().map(rows));
        if let (Some(logged_from), Some(elapsed)) = (logged_from, elapsed)
            && elapsed >= logged_from
        {
            statistics::log_slow(self.own.card.id(), &counters.text, elapsed);
        }
        result
    }

    /// A handle with which another thread cancels the statement that runs.
    pub fn canceller(&self) -> Canceller {
        self.interrupts.canceller()
    }

    /// A script begins: what was canceled before does not concern it.
    pub fn forget_cancel(&mut self) {
        self.interrupts.current().restart();
    }

    /// Between the statements of a script: 57014 if a cancel has come since the last one began, 57P01 if the session is to end,
    /// and an open block fails.
    pub fn check_cancel(&mut self) -> Result<()> {
        let result = self.interrupts.check_cancel();
        self.fail_block_on_error(result)
    }

    /// Runs a verb of [`Database::administer`]; it concerns no block. What takes long is ended as statements are, by a cancel
    /// or `statement_timeout`; a backup by a cancel alone, since it takes as long as the data is large.
    pub fn administer(
        &mut self,
        verb: &str,
        options: &[(&str, &str)],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let deadline = if verb == "backup" { None } else { self.statement_deadline() };
        self.interrupts.start(deadline);
        let interrupt = self.interrupts.current().beside();
        self.database.administer_until(verb, options, sink, Arc::new(interrupt))
    }

    /// Where the session stands.
    pub fn status(&self) -> TransactionStatus {
        self.status
    }

    /// The database it belongs to.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// `idle_in_transaction_session_timeout`, if there is one.
    pub fn idle_in_transaction_timeout(&self) -> Option<Duration> {
        self.settings.values().idle_in_transaction_timeout()
    }

    /// Says who uses the session, for the audit log.
    pub fn set_actor(&mut self, user: &str, peer: &str) {
        self.own.card.set_user(user, peer);
        self.user = Arc::from(user);
        self.peer = Arc::from(peer);
    }

    /// What the session's last commit was acknowledged with.
    pub fn last_receipt(&self) -> Option<Receipt> {
        self.last_receipt
    }

    /// What the last statement's commit was acknowledged with; None if it committed nothing, or only begun to
    /// ([`Self::take_unsettled`]).
    #[inline]
    pub fn take_receipt(&mut self) -> Option<Receipt> {
        self.statement_receipt.take()
    }

    /// Who it is, if anybody asks.
    fn actor(&self) -> Option<Actor> {
        let is_asked = self.database.heads().audit_policy() != AuditPolicy::Off;
        is_asked.then(|| Actor {
            user: Arc::clone(&self.user),
            application: Arc::clone(&self.settings.values().application_name),
            peer: Arc::clone(&self.peer),
        })
    }

    fn parse(&mut self, text: &str, parameters: &[DataType]) -> Result<Prepared> {
        self.own.card.tallies().add(Tally::Parsed, 1);
        let parsed = parser::parse(text);
        let statement = self.fail_block_on_error(parsed)?;
        let mut prepared = Prepared::new(text, statement, self.database.id(), parameters);
        prepared.counters = Some(self.own.count(&prepared.text));
        Ok(prepared)
    }

    fn describe(&mut self, prepared: &mut Prepared) -> Result<()> {
        if !prepared.has_plan() {
            return Ok(());
        }
        match self.status {
            TransactionStatus::Failed => Err(block_failed()),
            TransactionStatus::InTransaction => {
                let root = self.block.root(self.database.heads());
                prepared.describe(root)
            }
            TransactionStatus::Idle => prepared.describe(&self.database.heads().published()),
        }
    }

    /// An error in a block makes it fail, whichever stage it comes from.
    fn fail_block_on_error<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && self.status == TransactionStatus::InTransaction
        {
            self.fail_block(error);
        }
        result
    }

    /// Answers when the statement started, where a clock was read: a reading is half the cost of a BEGIN.
    #[inline]
    fn start_statement(&mut self, rolls_back: bool) -> Result<Option<Instant>> {
        let mut started = None;
        self.statement_receipt = None;
        self.own.effects.start_statement();
        if let Err(error) = self.interrupts.check_terminated() {
            self.end_terminated();
            return Err(error);
        }
        // ROLLBACK leaves the same behind whether the block had expired or not.
        if self.may_expire() && !rolls_back {
            let now = Instant::now();
            self.check_expiry(now)?;
            started = Some(now);
        }
        self.interrupts.start(self.statement_deadline());
        Ok(started)
    }

    #[inline]
    fn end_statement(&mut self, started: Option<Instant>, error: Option<&Error>) {
        if let Some(error) = error {
            self.own.card.tallies().add_error(error);
            if error.sqlstate() == SqlState::AdminShutdown {
                self.end_terminated();
            }
        }
        if self.status == TransactionStatus::Idle {
            self.hide_block();
            self.stop_counting();
            self.own.effects.locks.release_transaction();
            if error.is_some() {
                self.settings.rollback();
            } else {
                self.settings.commit();
            }
            return;
        }
        if let Some(error) = error {
            self.fail_block(error);
        }
        if self.is_read_committed() {
            self.block.release_snapshot();
        }
        self.show_block();
        // A statement that hardly looked at its interrupt was short: its start stands for its end.
        let is_short = self.interrupts.current().checks() < SHORT_STATEMENT_CHECKS;
        self.count_idle(started.filter(|_| is_short));
    }

    /// The open block has failed.
    #[cold]
    fn fail_block(&mut self, error: &Error) {
        if is_expiry(error) {
            self.fail_expired();
            return;
        }
        self.status = TransactionStatus::Failed;
        // What is sure to be rolled back keeps nobody waiting.
        let kept = self.savepoint_modes.last().map_or(0, |savepoint| savepoint.lock_count);
        self.own.effects.locks.release_to(kept);
    }

    fn budget(&self) -> MemoryBudget {
        MemoryBudget::new(self.settings.values().statement_memory_bytes as usize)
    }

    /// The memory of a statement that adds to the data: no more than the database's limit leaves.
    fn budget_to_grow(&self) -> MemoryBudget {
        let statement = self.settings.values().statement_memory_bytes as usize;
        MemoryBudget::to_grow(statement, self.database.memory_left())
    }

    /// Notes a commit that an answer rests on.
    #[inline]
    fn see(&mut self, commit: CommitNumber) {
        assert!(commit >= self.last_seen, "a session never sees an older commit than before");
        self.last_seen = commit;
    }

    /// Sends a notice, if `client_min_messages` lets it through.
    fn notify(&self, sink: &mut dyn RowSink, notice: &Notice) {
        if self.settings.values().sends(notice.severity) {
            sink.notice(notice);
        }
    }

    /// Sends the warnings of functions that the statement called.
    fn give_warnings(&self, sink: &mut dyn RowSink) {
        let warnings = std::mem::take(&mut *self.own.effects.warnings.borrow_mut());
        for message in &warnings {
            self.warn(sink, SqlState::Warning, message);
        }
    }

    fn warn(&self, sink: &mut dyn RowSink, sqlstate: SqlState, message: &str) {
        let message = message.to_owned();
        self.notify(sink, &Notice::new("WARNING", sqlstate, message));
    }
}

impl Drop for Session {
    /// What is in flight is written, whether or not its answer is still awaited.
    fn drop(&mut self) {
        self.settle_in_flight();
        self.database.activity().leave(&self.own.card);
    }
}

/// Looks at the interrupt within which a statement has been short: it has handled a few thousand rows at most.
const SHORT_STATEMENT_CHECKS: u32 = 4;

/// 25P02.
#[cold]
fn block_failed() -> Error {
    Error::new(
        SqlState::InFailedSqlTransaction,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}
