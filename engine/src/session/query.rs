//! Reads, and EXPLAIN.

use crate::binder::bind;
use crate::error::Result;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::Execution;
use crate::parser::ast::Statement;
use crate::planner::{explain, plan};
use crate::session::parameter::coerce;
use crate::session::run::run_query;
use crate::session::variable::answer_texts;
use crate::session::{CommandTag, Prepared, RowSink, Session, TransactionStatus};
use crate::storage::root::Root;
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
        let memory = self.budget();
        let interrupt = self.interrupts.current();
        let rows = if self.status == TransactionStatus::Idle {
            let root = self.database.heads().published();
            assert!(
                root.commit >= self.last_seen,
                "a session never sees an older commit than before"
            );
            self.last_seen = root.commit;
            run_on(&root, prepared, parameters, interrupt, &memory, sink)?
        } else {
            let root = self.block.root(self.database.heads());
            run_on(root, prepared, parameters, interrupt, &memory, sink)?
        };
        Ok(CommandTag::Rows("SELECT", rows))
    }

    /// EXPLAIN: the plan as a tree, one line a row.
    pub(super) fn explain(
        &mut self,
        explained: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let heads = self.database.heads();
        let lines = if self.status == TransactionStatus::Idle {
            explained_lines(explained, &heads.published())?
        } else {
            explained_lines(explained, self.block.root(heads))?
        };
        answer_texts(sink, &["QUERY PLAN"], &[lines])?;
        Ok(CommandTag::Plain("EXPLAIN"))
    }
}

fn run_on(
    root: &Root,
    prepared: &Prepared,
    parameters: &[Value],
    interrupt: &Interrupt,
    memory: &MemoryBudget,
    sink: &mut dyn RowSink,
) -> Result<u64> {
    let planned = prepared.plan_for(root)?;
    let parameters = coerce(parameters, &planned.plan.parameters, root)?;
    let execution = Execution { parameters: &parameters, interrupt, memory };
    run_query(&planned.plan, root, &execution, sink)
}

fn explained_lines(explained: &Statement, root: &Root) -> Result<Vec<String>> {
    let planned = plan(bind(explained, root)?, root)?;
    Ok(explain(&planned, root))
}
