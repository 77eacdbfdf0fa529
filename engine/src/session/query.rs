//! Reads.

use crate::error::Result;
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::Execution;
use crate::executor::read_set::ReadSet;
use crate::session::environment::SessionEnvironment;
use crate::session::parameter::coerce;
use crate::session::run::run_query;
use crate::session::{CommandTag, Prepared, RowSink, Session, TransactionStatus};
use crate::storage::root::Root;
use crate::transaction::block::Block;
use crate::types::Value;

impl Session {
    /// SELECT, VALUES and set operations: outside a block on `published`, which is dropped at the end.
    pub(super) fn query(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        self.check_database(prepared)?;
        if self.status != TransactionStatus::Idle {
            self.refresh_snapshot()?;
            self.pin_block();
            self.remember_reads();
        }
        let memory = self.budget();
        let interrupt = self.interrupts.current();
        let transaction = self.transaction();
        let heads = self.database.heads();
        let environment =
            &SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        let rows = if self.status == TransactionStatus::Idle {
            let root = self.database.heads().snapshot();
            assert!(
                root.commit >= self.last_seen,
                "a session never sees an older commit than before"
            );
            self.last_seen = root.commit;
            self.own.card.begin_reading(root.commit);
            let result = run_on(&root, prepared, parameters, environment, (&memory, None), sink);
            self.own.card.end_reading();
            result?
        } else {
            let (root, reads) = self.block.root_and_reads(heads);
            run_on(root, prepared, parameters, environment, (&memory, reads), sink)?
        };
        let rows = match rows {
            Some(rows) => rows,
            None => self.query_with_locks(prepared, parameters, &memory, sink)?,
        };
        Ok(CommandTag::Rows("SELECT", rows))
    }

    /// A query that locks rows: outside a block in a transaction of its own.
    fn query_with_locks(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        let is_alone = self.status == TransactionStatus::Idle;
        if is_alone {
            self.block = Block::default();
        }
        let answered = self.restarting(memory, |session, sink| {
            session.query_with_locks_once(prepared, parameters, memory, sink)
        });
        if is_alone {
            self.block = Block::default();
        }
        let (rows, held) = answered?;
        held.give(sink)?;
        Ok(rows)
    }

    fn query_with_locks_once(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        memory: &MemoryBudget,
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        let heads = self.database.heads();
        let interrupt = self.interrupts.current();
        let mut transaction = self.transaction();
        transaction.stamp = Some(self.block.stamp(heads));
        let environment =
            &SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        let (root, reads) = self.block.root_and_reads(heads);
        let planned = prepared.plan_for(root)?;
        let parameters = coerce(parameters, &planned.plan.parameters, root, environment)?;
        let parameters = &parameters;
        let execution =
            Execution { parameters, interrupt, memory, environment, reads, guard: None };
        run_query(&planned.plan, root, &execution, sink)
    }
}

/// None, and nothing done, where rows are to be locked.
fn run_on(
    root: &Root,
    prepared: &Prepared,
    parameters: &[Value],
    environment: &SessionEnvironment<'_>,
    (memory, reads): (&MemoryBudget, Option<&ReadSet>),
    sink: &mut dyn RowSink,
) -> Result<Option<u64>> {
    let planned = prepared.plan_for(root)?;
    if planned.shape.locks_rows {
        return Ok(None);
    }
    let parameters = coerce(parameters, &planned.plan.parameters, root, environment)?;
    let interrupt = environment.interrupt;
    let guard = None;
    let execution =
        Execution { parameters: &parameters, interrupt, memory, environment, reads, guard };
    run_query(&planned.plan, root, &execution, sink).map(Some)
}
