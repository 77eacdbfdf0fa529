//! INSERT, UPDATE, DELETE and definitions: on which root they run, and when their answer may be given.

use std::sync::Arc;

use crate::error::{Result, SqlState};
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::Execution;
use crate::parser::ast::Statement;
use crate::planner::plan::StatementPlanKind;
use crate::session::definition::{self, Definer};
use crate::session::held_answer::HeldAnswer;
use crate::session::parameter::coerce;
use crate::session::prepared::PreparedPlan;
use crate::session::run::run_write;
use crate::session::statement::command_name;
use crate::session::{CommandTag, Notice, Prepared, RowSink, Session, TransactionStatus};
use crate::storage::root::Root;
use crate::storage::{Stamp, TableId};
use crate::transaction::block::Block;
use crate::transaction::executed::{AuditPolicy, Executed};
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
        let heads = self.database.heads();
        let root = self.block.root(heads);
        let planned = prepared.plan_for(root)?;
        let parameters = coerce(parameters, &planned.plan.parameters, root)?;
        let stamp = self.block.stamp(heads);
        let root = self.block.root_mut(heads);
        let interrupt = self.interrupts.current();
        let execution = Execution { parameters: &parameters, interrupt, memory };
        let rows = run_write(&planned.plan, root, stamp, &execution, sink)?;
        self.block.touch(written_table(&planned), rows);
        if rows != 0 {
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
                    Err(error) if error.sqlstate() == SqlState::SerializationFailure => {}
                    done => return done,
                }
            }
        }
        let mut held = HeldAnswer::new(memory);
        let rows = self.on_pending(prepared, parameters, |session, root, stamp| {
            let planned = prepared.plan_for(root)?;
            let parameters = coerce(parameters, &planned.plan.parameters, root)?;
            let interrupt = session.interrupts.current();
            let execution = Execution { parameters: &parameters, interrupt, memory };
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
        let mut held = HeldAnswer::new(memory);
        self.block = Block::default();
        let written = self.write_in_block(prepared, parameters, memory, &mut held);
        let block = std::mem::take(&mut self.block);
        let rows = written?;
        self.commit_alone(block)?;
        held.give(sink)?;
        Ok(rows)
    }

    pub(super) fn commit_alone(&mut self, block: Block) -> Result<()> {
        let lock_timeout = self.settings.values().lock_timeout();
        let interrupt = self.interrupts.current();
        let actor = self.actor();
        let outcome = block.commit(self.database.heads(), actor, lock_timeout, interrupt)?;
        outcome.map_or(Ok(()), |outcome| self.settle_or_run_ahead(outcome, true))
    }

    /// Runs `work` on a copy of `pending`'s root under the writer lock and queues it as a commit if `work` says that it
    /// changed something. What the answer was computed from is durable when it returns, or deferred.
    fn on_pending<T>(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        work: impl FnOnce(&Self, &mut Root, Stamp) -> Result<(T, bool)>,
    ) -> Result<T> {
        let database = Arc::clone(&self.database);
        let heads = database.heads();
        let pending =
            heads.lock(self.settings.values().lock_timeout(), self.interrupts.current())?;
        let mut root = Root::clone(&pending.root);
        let stamp = root.shared().draw_stamp();
        let result = work(self, &mut root, stamp);
        let outcome = if let Ok((_, true)) = result {
            let statements = match heads.audit_policy() {
                AuditPolicy::Off => Vec::new(),
                policy => vec![Executed::new(policy, &prepared.text, parameters)],
            };
            heads.queue(pending, root, self.actor(), statements)
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
        let builds_index = matches!(statement, Statement::CreateIndex(_));
        if builds_index {
            self.database.check_memory()?;
        }
        let notices = if self.status != TransactionStatus::Idle {
            self.define_in_block(prepared)?
        } else if builds_index {
            self.build_index_alone(prepared)?
        } else {
            self.on_pending(prepared, &[], |session, root, _| {
                let mut definer = Definer::new(root, session.interrupts.current());
                definer.execute(statement)?;
                let changed = !definer.touched.is_empty();
                Ok((definer.notices, changed))
            })?
        };
        for notice in &notices {
            self.notify(sink, notice);
        }
        Ok(CommandTag::Plain(tag))
    }

    fn define_in_block(&mut self, prepared: &Prepared) -> Result<Vec<Notice>> {
        let heads = self.database.heads();
        let root = self.block.root_mut(heads);
        let mut definer = Definer::new(root, self.interrupts.current());
        definer.execute(&prepared.statement)?;
        let (notices, touched) = (definer.notices, definer.touched);
        if !touched.is_empty() {
            self.block.note(heads.audit_policy(), &prepared.text, &[]);
        }
        for (table, rows) in touched {
            self.block.touch(table, rows);
        }
        Ok(notices)
    }

    /// CREATE INDEX on its own: built on `published` without the lock, caught up at commit.
    fn build_index_alone(&mut self, prepared: &Prepared) -> Result<Vec<Notice>> {
        self.settle_in_flight();
        let mut attempt = 1;
        loop {
            self.block = Block::default();
            let defined = self.define_in_block(prepared);
            let block = std::mem::take(&mut self.block);
            let notices = defined?;
            match self.commit_alone(block) {
                Ok(()) => return Ok(notices),
                Err(error)
                    if error.sqlstate() == SqlState::SerializationFailure
                        && attempt < INDEX_BUILD_ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
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
