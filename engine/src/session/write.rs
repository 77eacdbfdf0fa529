//! INSERT, UPDATE, DELETE and definitions: on which root they run, and when their answer may be given.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::{ChangeGuard, Execution};
use crate::locks::{Mode, Object, Patience, Scope};
use crate::parser::ast::Statement;
use crate::planner::plan::StatementPlanKind;
use crate::session::definition::{self, Definer};
use crate::session::environment::SessionEnvironment;
use crate::session::held_answer::HeldAnswer;
use crate::session::parameter::coerce;
use crate::session::prepared::PreparedPlan;
use crate::session::run::run_write;
use crate::session::statement::command_name;
use crate::session::{CommandTag, Notice, Prepared, RowSink, Session, TransactionStatus};
use crate::storage::reference::reachable;
use crate::storage::root::Root;
use crate::storage::sequence::SequenceId;
use crate::storage::{Stamp, TableId};
use crate::transaction::block::{Block, Writing};
use crate::transaction::executed::{AuditPolicy, Executed};
use crate::transaction::row_locks::{LockingGuard, PendingGuard};
use crate::transaction::validate::Conflicts;
use crate::transaction::write_set::Proposals;
use crate::types::Value;

/// How often a large statement outside a block is tried without the writer lock.
const OPTIMISTIC_ATTEMPTS: usize = 2;

/// How often CREATE INDEX is: it conflicts only with other definitions, and must not build under the lock.
const INDEX_BUILD_ATTEMPTS: usize = 16;

impl Session {
    pub(super) fn write(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        self.check_writable(command_name(&prepared.statement))?;
        let memory = if matches!(prepared.statement, Statement::Delete(_)) {
            self.budget()
        } else {
            self.database.check_memory()?;
            self.budget_to_grow()
        };
        let rows = if self.status == TransactionStatus::Idle {
            self.write_alone(prepared, parameters, &memory, sink)?
        } else {
            self.write_in_block(prepared, parameters, &memory, sink)?
        };
        Ok(match prepared.statement {
            Statement::Insert(_) => CommandTag::Rows("INSERT 0", rows),
            Statement::Update(_) => CommandTag::Rows("UPDATE", rows),
            _ => CommandTag::Rows("DELETE", rows),
        })
    }

    fn write_in_block(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        if !self.is_read_committed() {
            return self.write_once(prepared, parameters, memory, sink);
        }
        let (rows, held) = self.restarting(memory, |session, sink| {
            session.write_once(prepared, parameters, memory, sink)
        })?;
        held.give(sink)?;
        Ok(rows)
    }

    fn write_once(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        self.remember_reads();
        let locks_rows = self.is_read_committed();
        let heads = self.database.heads();
        let mut transaction = self.transaction();
        let interrupt = self.interrupts.current();
        let stamp = self.block.stamp(heads);
        transaction.stamp = Some(stamp);
        let environment =
            &SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        let root = self.block.root(heads);
        let planned = prepared.plan_for(root)?;
        let parameters = coerce(parameters, &planned.plan.parameters, root, environment)?;
        let Writing { root, base, reads } = self.block.write(heads);
        let conflicts = Conflicts { base, heads };
        let patience = Patience { lock_timeout: environment.lock_timeout, interrupt };
        let (locks, restart) = (&self.own.effects.locks, &self.own.effects.restart);
        let locking = LockingGuard { base, heads, locks, patience, restart };
        let guard: Option<&dyn ChangeGuard> =
            if locks_rows { Some(&locking) } else { Some(&conflicts) };
        let execution =
            Execution { parameters: &parameters, interrupt, memory, environment, reads, guard };
        let table = written_table(&planned);
        let next_row_id = |root: &Root| root.table(table).map(|table| table.next_row_id());
        let first = next_row_id(root);
        let rows = run_write(&planned.plan, root, stamp, &execution, sink)?;
        let (last, changed) = (next_row_id(root), changed_tables(&planned, table, root));
        if let StatementPlanKind::Insert { conflict: Some(conflict), .. } = &planned.plan.kind
            && let (Some(first), Some(last)) = (first, last)
            && first < last
        {
            let arbiters = conflict.arbiters.clone();
            self.block.propose(Proposals { table, arbiters, rows: first..last });
        }
        if rows != 0 {
            for table in changed {
                self.block.touch(table, rows);
            }
            self.block.note(heads.audit_policy(), &prepared.text, &parameters);
        }
        Ok(rows)
    }

    fn write_alone(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        // The root is dropped before anything is waited for.
        let is_small = {
            let root = self.database.heads().published();
            prepared.plan_for(&root)?.shape.is_small(&root)
        };
        if !is_small {
            self.settle_in_flight();
            for _ in 0..OPTIMISTIC_ATTEMPTS {
                match self.write_as_block(prepared, parameters, memory, sink) {
                    Err(error) if self.may_try_again(&error) => {}
                    done => return done,
                }
            }
        }
        loop {
            let result = self.write_on_pending(prepared, parameters, memory, sink);
            if let Some((object, mode)) = self.own.effects.blocked.take() {
                self.await_lock(object, mode)?;
            } else if result.is_err() && self.own.effects.take_must_leave_writer_lock() {
                break;
            } else {
                return result;
            }
        }
        self.settle_in_flight();
        loop {
            match self.write_as_block(prepared, parameters, memory, sink) {
                Err(error) if self.may_try_again(&error) => {}
                done => return done,
            }
        }
    }

    /// Whether a statement of its own that lost against another may run again.
    fn may_try_again(&self, error: &Error) -> bool {
        error.sqlstate() == SqlState::SerializationFailure
            && !self.own.effects.has_used_advisory_locks()
    }

    /// Waits for a lock that is in the way of a statement of its own, which holds it then.
    fn await_lock(&mut self, object: Object, mode: Mode) -> Result<()> {
        self.settle_in_flight();
        let lock_timeout = self.settings.values().lock_timeout();
        let patience = Patience { lock_timeout, interrupt: self.interrupts.current() };
        self.own.effects.locks.lock(object, mode, Scope::Transaction, &patience).map(|_| ())
    }

    fn write_on_pending(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        let mut held = HeldAnswer::new(memory);
        let rows = self.on_pending(prepared, parameters, |environment, root, stamp| {
            let planned = prepared.plan_for(root)?;
            let parameters = coerce(parameters, &planned.plan.parameters, root, environment)?;
            let interrupt = environment.interrupt;
            // Under the lock nobody else commits between what it reads and what it writes.
            let reads = None;
            let effects = &environment.own.effects;
            let foreign = PendingGuard { locks: &effects.locks, blocked: &effects.blocked };
            let guard: Option<&dyn ChangeGuard> = Some(&foreign);
            let execution =
                Execution { parameters: &parameters, interrupt, memory, environment, reads, guard };
            let rows = run_write(&planned.plan, root, stamp, &execution, &mut held)?;
            Ok((rows, rows != 0))
        })?;
        held.give(sink)?;
        Ok(rows)
    }

    /// A statement of its own as a transaction on `published`, without the writer lock until it commits.
    fn write_as_block(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        self.block = Block::default();
        let written = self.restarting(memory, |session, sink| {
            session.write_once(prepared, parameters, memory, sink)
        });
        let block = std::mem::take(&mut self.block);
        let (rows, held) = written?;
        self.commit_alone(block)?;
        held.give(sink)?;
        Ok(rows)
    }

    pub(super) fn commit_alone(&mut self, block: Block) -> Result<()> {
        let outcome = self.commit_block(block, false)?;
        outcome.map_or(Ok(()), |outcome| self.settle_or_run_ahead(outcome, true))
    }

    /// Runs `work` on a copy of `pending`'s root under the writer lock and queues it as a commit if `work` says that it
    /// changed something, or drew from sequences. What the answer was computed from is durable when it returns, or
    /// deferred.
    fn on_pending<T>(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        work: impl FnOnce(&SessionEnvironment<'_>, &mut Root, Stamp) -> Result<(T, bool)>,
    ) -> Result<T> {
        let database = Arc::clone(&self.database);
        let heads = database.heads();
        let pending =
            heads.lock(self.settings.values().lock_timeout(), self.interrupts.current())?;
        let mut root = Root::clone(&pending.root);
        let stamp = root.shared().draw_stamp();
        let environment = self.environment_under_lock();
        let result = work(&environment, &mut root, stamp);
        let drawn = environment.take_noted();
        let outcome = if let Ok((_, true)) = result {
            let statements = match heads.audit_policy() {
                AuditPolicy::Off => Vec::new(),
                policy => vec![Executed::new(policy, &prepared.text, parameters)],
            };
            log_sequences(&mut root, &drawn);
            heads.queue(pending, root, self.actor(), statements)
        } else if !drawn.is_empty() {
            // What was drawn is not given back, though nothing else comes of the statement.
            let mut root = Root::clone(&pending.root);
            log_sequences(&mut root, &drawn);
            heads.queue(pending, root, None, Vec::new())
        } else {
            let outcome = Arc::clone(&pending.outcome);
            drop(pending);
            outcome
        };
        let is_own = matches!(result, Ok((_, true)));
        self.settle_or_defer(outcome, is_own)?;
        result.map(|(answer, _)| answer)
    }

    /// CREATE, DROP, TRUNCATE.
    pub(super) fn define(
        &mut self,
        prepared: &Prepared,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let statement = &prepared.statement;
        let tag = definition::tag(statement).unwrap_or_default();
        self.check_writable(tag)?;
        // What goes through all rows of a table does so without the writer lock.
        let is_long = matches!(statement, Statement::CreateIndex(_) | Statement::AlterTable(_));
        if is_long {
            self.database.check_memory()?;
        }
        let notices = if self.status != TransactionStatus::Idle {
            self.define_in_block(prepared)?
        } else if is_long {
            self.define_at_length(prepared)?
        } else {
            self.define_on_pending(prepared)?
        };
        for notice in &notices {
            self.notify(sink, notice);
        }
        Ok(CommandTag::Plain(tag))
    }

    fn define_on_pending(&mut self, prepared: &Prepared) -> Result<Vec<Notice>> {
        let memory = self.budget_to_grow();
        self.on_pending(prepared, &[], |environment, root, _| {
            let mut definer = Definer::new(root, environment, &memory);
            definer.execute(&prepared.statement)?;
            let changed = definer.has_changed();
            Ok((definer.notices, changed))
        })
    }

    fn define_in_block(&mut self, prepared: &Prepared) -> Result<Vec<Notice>> {
        self.refresh_snapshot()?;
        let memory = self.budget_to_grow();
        let heads = self.database.heads();
        let transaction = self.transaction();
        let interrupt = self.interrupts.current();
        let environment =
            SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        let root = self.block.root_mut(heads);
        let mut definer = Definer::new(root, &environment, &memory);
        definer.execute(&prepared.statement)?;
        let changed = definer.has_changed();
        let (notices, touched) = (definer.notices, definer.touched);
        let sequences = definer.touched_sequences;
        if changed {
            self.block.note(heads.audit_policy(), &prepared.text, &[]);
        }
        for (table, rows) in touched {
            self.block.touch(table, rows);
        }
        for sequence in sequences {
            self.block.touch_sequence(sequence);
        }
        Ok(notices)
    }

    /// CREATE INDEX or ALTER TABLE on its own: on `published` without the lock, caught up at commit. An ALTER TABLE that
    /// others' rows come in the way of is done under the lock in the end.
    fn define_at_length(&mut self, prepared: &Prepared) -> Result<Vec<Notice>> {
        self.settle_in_flight();
        let builds_index = matches!(prepared.statement, Statement::CreateIndex(_));
        let attempts = if builds_index { INDEX_BUILD_ATTEMPTS } else { OPTIMISTIC_ATTEMPTS };
        let mut attempt = 1;
        loop {
            self.block = Block::default();
            let defined = self.define_in_block(prepared);
            let block = std::mem::take(&mut self.block);
            let notices = defined?;
            match self.commit_alone(block) {
                Ok(()) => return Ok(notices),
                Err(error) if error.sqlstate() != SqlState::SerializationFailure => {
                    return Err(error);
                }
                Err(_) if attempt < attempts => attempt += 1,
                Err(error) if builds_index => return Err(error),
                Err(_) => return self.define_on_pending(prepared),
            }
        }
    }
}

/// Notes the furthest place of each sequence in a root that is about to be queued.
fn log_sequences(root: &mut Root, sequences: &[SequenceId]) {
    for id in sequences {
        if let Some(promised) = root.sequence(*id).map(|sequence| sequence.state.promised()) {
            root.log_sequence(*id, promised);
        }
    }
}

/// The table that a plan writes to, and those whose rows may change with its.
fn changed_tables(planned: &PreparedPlan, table: TableId, root: &Root) -> Vec<TableId> {
    let mut tables = match &planned.plan.kind {
        StatementPlanKind::Insert { linked: true, conflict: Some(_), .. }
        | StatementPlanKind::Update { linked: true, .. }
        | StatementPlanKind::Delete { linked: true, .. } => reachable(root, table),
        _ => Vec::new(),
    };
    tables.push(table);
    tables
}

/// The table that a plan writes to.
fn written_table(planned: &PreparedPlan) -> TableId {
    match &planned.plan.kind {
        StatementPlanKind::Insert { table, .. }
        | StatementPlanKind::Update { table, .. }
        | StatementPlanKind::Delete { table, .. } => *table,
        StatementPlanKind::Query { .. } => unreachable!("a query writes nothing"),
    }
}
