//! What makes commits durable: a log that takes groups of records. A database in memory has nothing to write.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::metrics::Latencies;
use crate::storage::change::TableChange;
use crate::storage::difference::{Changes, extract};
use crate::storage::root::{Place, Root};
use crate::storage::schema::Schema;
use crate::storage::sequence::{Logged, Sequence, SequenceId};
use crate::storage::table::Table;
use crate::storage::{CommitNumber, TableId};
use crate::transaction::executed::{Actor, AuditPolicy, Executed};

/// One commit, as the log is asked to keep it. It names the roots before and after and computes nothing until asked.
#[derive(Debug)]
pub struct Record {
    before: Arc<Root>,
    after: Arc<Root>,
    actor: Option<Actor>,
    statements: Vec<Executed>,
}

/// What a commit did to one table.
#[derive(Debug)]
pub enum TableEffect {
    /// The table is gone.
    Dropped(TableId),
    /// The table is new, or its schema is another; [`Self::Changed`] has its rows.
    Defined {
        /// What it looks like now.
        schema: Arc<Schema>,
        /// Whether it begins without rows: a new table, or one whose rows or columns were replaced.
        is_empty: bool,
    },
    /// Rows changed.
    Changed(TableId, TableChange),
}

/// What a commit did to one sequence.
#[derive(Debug)]
pub enum SequenceEffect {
    /// The sequence is gone.
    Dropped(SequenceId),
    /// The sequence is new, or its definition is another.
    Defined(Sequence),
    /// A restart goes on from another place.
    Moved(SequenceId, Logged),
}

impl Record {
    /// A record of the step from `before` to `after`.
    pub fn new(
        before: Arc<Root>,
        after: Arc<Root>,
        actor: Option<Actor>,
        statements: Vec<Executed>,
    ) -> Self {
        Self { before, after, actor, statements }
    }

    /// The commit's number.
    pub fn commit(&self) -> CommitNumber {
        self.after.commit
    }

    /// The root after it.
    pub fn after(&self) -> &Arc<Root> {
        &self.after
    }

    /// Who made it, if the log audits.
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Its statements in order; none unless the log audits.
    pub fn statements(&self) -> &[Executed] {
        &self.statements
    }

    /// Says where the log keeps it: before [`CommitLog::write`] returns, once.
    pub fn set_place(&self, place: Place) {
        let is_first = self.after.place.set(place).is_ok();
        assert!(is_first, "a commit is written once");
    }

    /// What it did: tables that are gone, tables that are defined, tables whose rows changed; each in the order of their
    /// identities. Costs as much as the change is large.
    pub fn effects(&self) -> Vec<TableEffect> {
        let mut effects = Vec::new();
        for table in self.before.tables() {
            if self.after.table(table.id()).is_none() {
                effects.push(TableEffect::Dropped(table.id()));
            }
        }
        let mut changed = Vec::new();
        for table in self.after.tables() {
            let before = self.before.table(table.id());
            if before.is_some_and(|before| Arc::ptr_eq(before, table)) {
                continue;
            }
            let kept =
                before.filter(|before| before.schema().contents() == table.schema().contents());
            if kept.is_none_or(|before| before.schema() != table.schema()) {
                let (schema, is_empty) = (Arc::clone(table.schema()), kept.is_none());
                effects.push(TableEffect::Defined { schema, is_empty });
            }
            let change = match kept {
                Some(before) => change_between(before, table),
                None => change_between(
                    &Table::new(Arc::clone(table.schema()), &table.shared().gauge),
                    table,
                ),
            };
            if !change.is_empty() {
                changed.push(TableEffect::Changed(table.id(), change));
            }
        }
        effects.extend(changed);
        effects
    }

    /// What it did to sequences, in the order of their identities.
    pub fn sequence_effects(&self) -> Vec<SequenceEffect> {
        let gone = self.before.sequences().map(Sequence::id);
        let gone = gone.filter(|id| self.after.sequence(*id).is_none());
        let mut effects: Vec<_> = gone.map(SequenceEffect::Dropped).collect();
        for sequence in self.after.sequences() {
            match self.before.sequence(sequence.id()) {
                Some(before) if before.definition == sequence.definition => {
                    let place = |logged: Logged| (logged.value, logged.is_called);
                    if place(before.logged) != place(sequence.logged) {
                        effects.push(SequenceEffect::Moved(sequence.id(), sequence.logged));
                    }
                }
                _ => effects.push(SequenceEffect::Defined(sequence.clone())),
            }
        }
        effects
    }
}

fn change_between(before: &Table, after: &Table) -> TableChange {
    extract(before, after, &Changes::between(before, after).into_rows())
}

/// Keeps commits. Called by one thread at a time, with commits in order.
pub trait CommitLog: Send + Sync + std::fmt::Debug {
    /// Makes the records durable, all of them before it returns. After an error none of them is, or it is not known
    /// (08007) and [`Self::refusal`] refuses from then on.
    fn write(&self, records: &[Record]) -> Result<()>;

    /// What records shall carry for the audit log.
    fn audit_policy(&self) -> AuditPolicy {
        AuditPolicy::Off
    }

    /// How long its parts take.
    fn latencies(&self) -> Latencies {
        Latencies::new()
    }

    /// Why nothing can be written any more, if so: asked before a statement that writes.
    fn refusal(&self) -> Option<Error> {
        None
    }
}

/// The log of a database in memory: nothing to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryLog;

impl CommitLog for MemoryLog {
    fn write(&self, _records: &[Record]) -> Result<()> {
        Ok(())
    }
}

impl<T: CommitLog + ?Sized> CommitLog for Arc<T> {
    fn write(&self, records: &[Record]) -> Result<()> {
        (**self).write(records)
    }

    fn audit_policy(&self) -> AuditPolicy {
        (**self).audit_policy()
    }

    fn latencies(&self) -> Latencies {
        (**self).latencies()
    }

    fn refusal(&self) -> Option<Error> {
        (**self).refusal()
    }
}
