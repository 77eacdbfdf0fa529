//! Plans run over roots.

use crate::binder::bound::{Bound, Expression};
use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::parser::ast;
use crate::planner::plan::StatementPlan;
use crate::session::RowSink;
use crate::storage::Stamp;
use crate::storage::root::Root;
use crate::types::{DataType, Value};

fn unfinished<T>() -> Result<T> {
    Err(Error::new(SqlState::InternalError, "the stage is being written"))
}

pub(super) fn bind(_statement: &ast::Statement, _root: &Root) -> Result<Bound> {
    unfinished()
}

pub(super) fn bind_default(
    _expression: &ast::Expression,
    _column: &str,
    _data_type: DataType,
) -> Result<Expression> {
    unfinished()
}

pub(super) fn run_query(
    _plan: &StatementPlan,
    _root: &Root,
    _parameters: &[Value],
    _interrupt: &Interrupt,
    _memory: &MemoryBudget,
    _sink: &mut dyn RowSink,
) -> Result<u64> {
    unfinished()
}

pub(super) fn run_write(
    _plan: &StatementPlan,
    _root: &mut Root,
    _stamp: Stamp,
    _parameters: &[Value],
    _interrupt: &Interrupt,
    _memory: &MemoryBudget,
    _sink: &mut dyn RowSink,
) -> Result<u64> {
    unfinished()
}
