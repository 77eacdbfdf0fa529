//! The walk over the expression tree.

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::types::Value;

fn unfinished<T>() -> Result<T> {
    Err(Error::new(SqlState::InternalError, "expression kernels are being written"))
}

pub(super) fn column<'b>(
    _expression: &Expression,
    _batch: &'b Batch<'_>,
    _context: &Context<'_>,
) -> Result<ColumnRef<'b>> {
    unfinished()
}

pub(super) fn predicate(
    _expression: &Expression,
    _batch: &Batch<'_>,
    _context: &Context<'_>,
) -> Result<Selection> {
    unfinished()
}

pub(super) fn scalar(_expression: &Expression, _context: &Context<'_>) -> Result<Value> {
    unfinished()
}
