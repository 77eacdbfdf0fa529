//! SELECT ... FOR UPDATE and its kin: rows are locked as they pass, and those that cannot be are passed over or an error.

use crate::binder::RowLock;
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_scalar;
use crate::executor::operator::{BoxOperator, Operator};
use crate::storage::RowId;
use crate::storage::batch::{Batch, Selection};
use crate::types::{Value, ValueRef};

/// Passes on rows that it has locked.
pub(super) struct LockRows<'a> {
    input: BoxOperator<'a>,
    locks: &'a [RowLock],
    /// How many rows are wanted at most; evaluated at first.
    kept: Option<&'a Expression>,
    left: Option<usize>,
}

impl<'a> LockRows<'a> {
    pub(super) fn new(
        input: BoxOperator<'a>,
        locks: &'a [RowLock],
        kept: Option<&'a Expression>,
    ) -> Self {
        Self { input, locks, kept, left: None }
    }

    /// Locks the rows at some places of the batch, and says at which of them it did.
    fn lock(&self, batch: &Batch<'_>, places: &[u32], context: &Context<'a>) -> Result<Vec<u32>> {
        let mut places = places.to_vec();
        for lock in self.locks {
            let id = |place: u32| match batch.columns[lock.row_id]
                .get(batch.selection.row(place as usize))
            {
                ValueRef::Int8(id) => RowId(id as u64),
                _ => unreachable!("row ids are bigints"),
            };
            let rows: Vec<RowId> = places.iter().map(|place| id(*place)).collect();
            let locked = context.environment.lock_rows(context.root, lock, &rows)?;
            let mut locked = locked.into_iter();
            places.retain(|_| locked.next().unwrap_or_default());
        }
        Ok(places)
    }
}

impl<'a> Operator<'a> for LockRows<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let left = match self.left {
            Some(left) => left,
            None => match self.kept.map(|kept| evaluate_scalar(kept, context)).transpose()? {
                Some(Value::Int8(kept)) => usize::try_from(kept).unwrap_or(0),
                _ => usize::MAX,
            },
        };
        self.left = Some(left);
        if left == 0 {
            return Ok(None);
        }
        let Some(mut batch) = self.input.next(context)? else { return Ok(None) };
        let rows = batch.len() as u32;
        let mut locked: Vec<u32> = Vec::new();
        let mut next = 0;
        // No row is locked that is not wanted: as many at a time as are still missing.
        while next < rows && locked.len() < left {
            let end = rows
                .min(next.saturating_add(u32::try_from(left - locked.len()).unwrap_or(u32::MAX)));
            let places: Vec<u32> = (next..end).collect();
            locked.extend(self.lock(&batch, &places, context)?);
            next = end;
        }
        if left != usize::MAX {
            self.left = Some(left - locked.len());
        }
        if locked.len() < rows as usize {
            batch.selection = if locked.is_empty() {
                Selection::Rows(Vec::new())
            } else {
                batch.selection.narrow(&locked)
            };
        }
        Ok(Some(batch))
    }
}
