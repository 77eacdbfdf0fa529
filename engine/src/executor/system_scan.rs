//! All rows of a view that nobody stores: made at the first pull, from the statement's root and the running database.

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::buffer::Reservation;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::executor::operator::Operator;
use crate::planner::plan::TableOutput;
use crate::storage::batch::Batch;
use crate::storage::column::Column;
use crate::system;
use crate::system::rows::Rows;
use crate::system::source::Source;

/// Rows of a batch.
const BATCH_ROWS: usize = 256;

/// A scan of a view.
pub(super) struct SystemScan<'a> {
    output: &'a TableOutput,
    filter: Option<&'a Expression>,
    /// The output's columns and the number of rows; None before the first pull.
    made: Option<(Vec<Column>, usize)>,
    next_row: usize,
    reservation: Reservation<'a>,
}

impl<'a> SystemScan<'a> {
    pub(super) fn new(
        context: &Context<'a>,
        output: &'a TableOutput,
        filter: Option<&'a Expression>,
    ) -> Self {
        let reservation = Reservation::new(context.memory);
        Self { output, filter, made: None, next_row: 0, reservation }
    }

    fn make(&mut self, context: &Context<'a>) -> Result<()> {
        let table = self.output.table;
        let missing = || Error::new(SqlState::InternalError, "a view that is not there");
        let view = system::view(table).ok_or_else(missing)?;
        let (_, schema) =
            system::find(Some(view.namespace.name()), view.name).ok_or_else(missing)?;
        let source = Source { root: context.root, live: context.environment.live() };
        let reservation = std::cell::RefCell::new(&mut self.reservation);
        let reserve = |bytes: usize| {
            context.interrupt.check()?;
            reservation.borrow_mut().grow(bytes)
        };
        let mut rows = Rows::new(schema, &self.output.ordinals, &reserve);
        view.fill(&source, &mut rows)?;
        let count = rows.count();
        let made = rows.into_columns();
        let column = |&ordinal: &usize| {
            made[ordinal].clone().expect("invariant: the output's columns were asked for")
        };
        self.made = Some((self.output.ordinals.iter().map(column).collect(), count));
        Ok(())
    }
}

impl<'a> Operator<'a> for SystemScan<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if self.made.is_none() {
            self.make(context)?;
        }
        let Some((columns, count)) = &self.made else { return Ok(None) };
        while self.next_row < *count {
            let end = (self.next_row + BATCH_ROWS).min(*count);
            let places: Vec<u32> = (self.next_row as u32..end as u32).collect();
            self.next_row = end;
            let gathered = columns.iter().map(|column| column.gather(&places)).collect();
            let mut batch = Batch::computed(gathered, places.len());
            if let Some(filter) = self.filter {
                batch.selection = evaluate_predicate(filter, &batch, context)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
