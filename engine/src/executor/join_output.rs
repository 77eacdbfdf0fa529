//! What all joins share: pairs of rows to joined rows, the residual condition, and rows that found no partner.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::parser::ast::JoinKind;
use crate::storage::batch::Batch;
use crate::storage::bitmap::Bitmap;
use crate::storage::column::Column;
use crate::types::{DataType, ValueRef};

/// Makes the joined rows of a left batch, and remembers which of its rows had a partner.
pub(super) struct JoinOutput<'a> {
    residual: Option<&'a Expression>,
    /// Whether left rows without a partner are answered.
    pub(super) fills_right: bool,
    /// Whether right rows without a partner are answered.
    pub(super) fills_left: bool,
    left_types: &'a [DataType],
    right_types: &'a [DataType],
    /// Left rows of the current batch that had a partner.
    left_matched: Bitmap,
    /// Right rows that had a partner, where they are held.
    right_matched: Bitmap,
}

/// Pairs of rows: places in the left batch, rows of what is held of the right.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) left: Vec<u32>,
    pub(super) right: Vec<u32>,
}

impl Pairs {
    pub(super) fn push(&mut self, left: usize, right: u32) {
        self.left.push(left as u32);
        self.right.push(right);
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }
}

impl<'a> JoinOutput<'a> {
    pub(super) fn new(
        kind: JoinKind,
        residual: Option<&'a Expression>,
        left_types: &'a [DataType],
        right_types: &'a [DataType],
    ) -> Self {
        Self {
            residual,
            fills_right: matches!(kind, JoinKind::Left | JoinKind::Full),
            fills_left: matches!(kind, JoinKind::Right | JoinKind::Full),
            left_types,
            right_types,
            left_matched: Bitmap::default(),
            right_matched: Bitmap::default(),
        }
    }

    /// Begins a left batch of `rows` rows.
    pub(super) fn begin_left(&mut self, rows: usize) {
        if self.fills_right {
            self.left_matched = Bitmap::zeros(rows);
        }
    }

    /// Says that `rows` rows of the right are held.
    pub(super) fn begin_right(&mut self, rows: usize) {
        if self.fills_left {
            self.right_matched = Bitmap::zeros(rows);
        }
    }

    /// The joined rows of `pairs`; `right` has a row for each pair.
    pub(super) fn join<'b>(
        &mut self,
        left: &Batch<'_>,
        pairs: &Pairs,
        right: Vec<Column>,
        context: &Context<'_>,
    ) -> Result<Batch<'b>> {
        let rows: Vec<u32> =
            pairs.left.iter().map(|&place| left.selection.row(place as usize) as u32).collect();
        let mut columns: Vec<_> = left.columns.iter().map(|column| column.gather(&rows)).collect();
        columns.extend(right);
        let mut batch = Batch::computed(columns, pairs.len());
        if let Some(residual) = self.residual {
            batch.selection = evaluate_predicate(residual, &batch, context)?;
        }
        if self.fills_right {
            batch
                .selection
                .iter()
                .for_each(|pair| self.left_matched.set(pairs.left[pair] as usize, true));
        }
        if self.fills_left {
            batch
                .selection
                .iter()
                .for_each(|pair| self.right_matched.set(pairs.right[pair] as usize, true));
        }
        Ok(batch)
    }

    /// The rows of the finished left batch that had no partner, with NULLs on the right.
    pub(super) fn unmatched_left<'b>(&self, left: &Batch<'_>) -> Option<Batch<'b>> {
        if !self.fills_right {
            return None;
        }
        let rows: Vec<u32> = (0..left.len())
            .filter(|&place| !self.left_matched.get(place))
            .map(|place| left.selection.row(place) as u32)
            .collect();
        let mut columns: Vec<_> = left.columns.iter().map(|column| column.gather(&rows)).collect();
        columns.extend(nulls(self.right_types, rows.len()));
        (!rows.is_empty()).then(|| Batch::computed(columns, rows.len()))
    }

    /// Right rows from `start` on that had no partner, at most `max`; and where to go on.
    pub(super) fn unmatched_right(&self, start: usize, max: usize) -> (Vec<u32>, usize) {
        let mut rows = Vec::new();
        let mut row = start;
        while row < self.right_matched.len() && rows.len() < max {
            if !self.right_matched.get(row) {
                rows.push(row as u32);
            }
            row += 1;
        }
        (rows, row)
    }

    /// Right rows with NULLs on the left.
    pub(super) fn filled_left<'b>(&self, right: Vec<Column>, rows: usize) -> Batch<'b> {
        let mut columns = nulls(self.left_types, rows);
        columns.extend(right);
        Batch::computed(columns, rows)
    }
}

fn nulls(types: &[DataType], rows: usize) -> Vec<Column> {
    types.iter().map(|&data_type| Column::repeat(data_type, ValueRef::Null, rows)).collect()
}
