//! How a table is read: a seek of one key, a run of an index, or a scan.

use std::sync::Arc;

use super::columns::{ColumnSet, resolve_option};
use super::estimate;
use super::expressions::{as_column_comparison, comparable, conjunction, split_conjuncts};
use super::operators::Planned;
use crate::binder::bound::{ColumnId, Comparison, Expression, Relation};
use crate::error::Result;
use crate::planner::plan::{IndexRange, Plan, PlanNode, TableOutput, WholeScan};
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::{IndexId, TableId};
use crate::types::DataType;

/// Cost of reaching one row through an index, where a row of a scan costs 1: a dependent memory access or two
/// against half a nanosecond a value.
const INDEX_ROW_COST: f64 = 40.0;

/// The least number of rows that costs are reckoned with.
pub(crate) const COSTED_ROWS_MIN: f64 = 1_000.0;

/// A table with the predicates over it.
pub(super) struct TableRelation<'r> {
    /// The table.
    pub table: TableId,
    /// Its shape.
    pub schema: &'r Arc<Schema>,
    /// Ids and ordinals of the columns in use.
    pub columns: &'r [(ColumnId, usize)],
    /// The id of the row id, if it is in use.
    pub row_id: Option<ColumnId>,
    /// The name it goes by.
    pub alias: &'r Arc<str>,
    /// Its rows.
    pub row_count: f64,
    /// What must be true of a row.
    pub conjuncts: Vec<Expression>,
}

/// A way into a table that uses an index.
pub(super) struct IndexPath<'r> {
    /// The index.
    pub definition: &'r IndexDefinition,
    /// Values of its first columns.
    pub equal: Vec<Expression>,
    /// Lower bound of the next column.
    pub lower: Option<(Expression, bool)>,
    /// Upper bound of the next column.
    pub upper: Option<(Expression, bool)>,
    /// Whether rows that are NULL in the next column are left out though it has no bound.
    pub not_null: bool,
    /// Which conjuncts it makes true, by place.
    pub served: Vec<usize>,
}

impl<'r> TableRelation<'r> {
    /// `relation` as a table under filters, if it is one.
    pub(super) fn of(relation: &'r Relation) -> Option<Self> {
        match relation {
            Relation::Scan { table, schema, columns, row_id, alias, row_count } => Some(Self {
                table: *table,
                schema,
                columns,
                row_id: *row_id,
                alias,
                row_count: (*row_count as f64).max(1.0),
                conjuncts: Vec::new(),
            }),
            Relation::Filter { input, predicate } => {
                let mut table = Self::of(input)?;
                split_conjuncts(predicate.clone(), &mut table.conjuncts);
                Some(table)
            }
            _ => None,
        }
    }

    /// The ordinal of one of its columns.
    pub(super) fn ordinal(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().find(|(column, _)| *column == id).map(|(_, ordinal)| *ordinal)
    }

    /// The rows that costs are reckoned with: a table that is small now may have grown when a kept plan runs again.
    fn costed_row_count(&self) -> f64 {
        self.row_count.max(COSTED_ROWS_MIN)
    }

    /// Whether a unique index covers exactly the column `id`.
    pub(super) fn is_unique(&self, id: ColumnId) -> bool {
        let Some(ordinal) = self.ordinal(id) else { return false };
        self.schema.indexes.iter().any(|index| {
            index.unique && index.columns.len() == 1 && index.columns[0].ordinal == ordinal
        })
    }

    /// What an access yields that serves `required` and the filter `conjuncts`, with the ids of its columns.
    pub(super) fn output(
        &self,
        required: &ColumnSet,
        conjuncts: &[&Expression],
    ) -> (TableOutput, Vec<ColumnId>) {
        let mut output = TableOutput {
            table: self.table,
            alias: Arc::clone(self.alias),
            ordinals: Vec::new(),
            row_id: false,
        };
        let filtered = ColumnSet::default().with_used(conjuncts.iter().copied());
        let mut ids = Vec::new();
        for pass in [required, &filtered] {
            for (id, ordinal) in self.columns {
                if pass.contains(*id) && !ids.contains(id) {
                    output.ordinals.push(*ordinal);
                    ids.push(*id);
                }
            }
        }
        if let Some(id) = self.row_id
            && (required.contains(id) || filtered.contains(id))
        {
            output.row_id = true;
            ids.push(id);
        }
        (output, ids)
    }

    /// A plan of this table around what `node` makes of output and filter.
    pub(super) fn access(
        &self,
        required: &ColumnSet,
        served: &[usize],
        estimated_rows: f64,
        node: impl FnOnce(TableOutput, Option<Expression>) -> PlanNode,
    ) -> Result<Planned> {
        let rest: Vec<_> = (self.conjuncts.iter().enumerate())
            .filter(|(place, _)| !served.contains(place))
            .map(|(_, conjunct)| conjunct)
            .collect();
        let (output, columns) = self.output(required, &rest);
        let (types, names) = self.types_and_names(&output);
        let rest = conjunction(rest.into_iter().cloned().collect());
        let filter = resolve_option(rest.as_ref(), &columns)?;
        let plan = Plan { node: node(output, filter), types, names, estimated_rows };
        Ok(Planned { plan, columns })
    }

    /// Types and names for EXPLAIN of an output.
    pub(super) fn types_and_names(&self, output: &TableOutput) -> (Vec<DataType>, Vec<Arc<str>>) {
        let mut types = Vec::with_capacity(output.ordinals.len() + 1);
        let mut names: Vec<Arc<str>> = Vec::with_capacity(output.ordinals.len() + 1);
        for &ordinal in &output.ordinals {
            let column = &self.schema.columns[ordinal];
            types.push(column.data_type);
            names.push(format!("{}.{}", self.alias, column.name).into());
        }
        if output.row_id {
            types.push(DataType::Int8);
            names.push(format!("{}.ctid", self.alias).into());
        }
        (types, names)
    }

    /// Rows that satisfy all conjuncts.
    pub(super) fn estimated_rows(&self) -> f64 {
        estimate::rows(self.row_count * estimate::conjuncts(&self.conjuncts))
    }

    /// What of `definition` the conjuncts can use; None if nothing.
    pub(super) fn index_path(&self, definition: &'r IndexDefinition) -> IndexPath<'r> {
        let mut path = IndexPath {
            definition,
            equal: Vec::new(),
            lower: None,
            upper: None,
            not_null: false,
            served: Vec::new(),
        };
        for column in &definition.columns {
            let data_type = self.schema.columns[column.ordinal].data_type;
            if let Some((place, value)) = self.equality_on(column.ordinal, data_type) {
                path.equal.push(value);
                path.served.push(place);
            } else {
                self.bound_path(column.ordinal, data_type, &mut path);
                break;
            }
        }
        path
    }

    fn equality_on(&self, ordinal: usize, data_type: DataType) -> Option<(usize, Expression)> {
        self.comparisons_on(ordinal, data_type)
            .find(|(_, comparison, _)| *comparison == Comparison::Equal)
            .map(|(place, _, value)| (place, value))
    }

    fn bound_path(&self, ordinal: usize, data_type: DataType, path: &mut IndexPath<'r>) {
        for (place, comparison, value) in self.comparisons_on(ordinal, data_type) {
            let bound = match comparison {
                Comparison::Greater | Comparison::GreaterOrEqual => &mut path.lower,
                Comparison::Less | Comparison::LessOrEqual => &mut path.upper,
                Comparison::Equal | Comparison::NotEqual => continue,
            };
            // A second bound at the same end stays a filter.
            if bound.is_none() {
                let included =
                    matches!(comparison, Comparison::GreaterOrEqual | Comparison::LessOrEqual);
                *bound = Some((value, included));
                path.served.push(place);
            }
        }
    }

    fn comparisons_on(
        &self,
        ordinal: usize,
        data_type: DataType,
    ) -> impl Iterator<Item = (usize, Comparison, Expression)> + '_ {
        self.conjuncts.iter().enumerate().filter_map(move |(place, conjunct)| {
            let found = as_column_comparison(conjunct)?;
            let usable = self.ordinal(found.column) == Some(ordinal)
                && comparable(found.value.data_type(), data_type);
            usable.then_some((place, found.comparison, found.value))
        })
    }
}

impl IndexPath<'_> {
    /// Whether every column of a unique index equals a value.
    pub(super) fn is_seek(&self) -> bool {
        self.definition.unique && self.equal.len() == self.definition.columns.len()
    }

    /// Whether it leads to fewer rows than all.
    pub(super) fn narrows(&self) -> bool {
        !self.served.is_empty()
    }

    /// The rows it leads to.
    pub(super) fn estimated_rows(&self, table: &TableRelation<'_>) -> f64 {
        estimate::rows(table.row_count * self.share()).min(if self.is_seek() {
            1.0
        } else {
            f64::MAX
        })
    }

    /// [`Self::estimated_rows`] of the row count that costs are reckoned with.
    pub(super) fn costed_rows(&self, table: &TableRelation<'_>) -> f64 {
        estimate::rows(table.costed_row_count() * self.share())
    }

    /// The share of the table's rows.
    fn share(&self) -> f64 {
        let bounds = match (&self.lower, &self.upper) {
            (Some(_), Some(_)) => estimate::RANGE_BOTH,
            (None, None) => 1.0,
            _ => estimate::RANGE,
        };
        estimate::EQUALITY.powi(self.equal.len() as i32) * bounds
    }

    /// The part of the index.
    pub(super) fn range(self) -> (IndexId, IndexRange) {
        let Self { definition, equal, lower, upper, not_null, .. } = self;
        (definition.id, IndexRange { equal, lower, upper, not_null })
    }
}

/// The cheapest access to a table. Where an index narrows the rows, how much is decided when the plan runs.
pub(super) fn plan_table(table: &TableRelation<'_>, required: &ColumnSet) -> Result<Planned> {
    match cheapest_path(table) {
        Some((_, path)) => {
            let whole = whole_scan(table, &path)?;
            plan_path(table, path, false, required, whole)
        }
        None => table.access(required, &[], table.estimated_rows(), |output, filter| {
            PlanNode::Scan { output, filter }
        }),
    }
}

/// What may be done instead of following `path`.
fn whole_scan(table: &TableRelation<'_>, path: &IndexPath<'_>) -> Result<Option<WholeScan>> {
    // What bounds the run comes first: as along the index, the rest is not evaluated for rows outside of it.
    let (served, rest): (Vec<_>, Vec<_>) =
        (table.conjuncts.iter().enumerate()).partition(|(place, _)| path.served.contains(place));
    let conjuncts: Vec<&Expression> =
        served.iter().chain(&rest).map(|(_, conjunct)| *conjunct).collect();
    let (seen, columns) = table.output(&ColumnSet::default(), &conjuncts);
    let filter = conjunction(conjuncts.into_iter().cloned().collect());
    let filter = resolve_option(filter.as_ref(), &columns)?;
    let share = scan_cost(table) / index_cost(table.costed_row_count());
    Ok(filter.map(|filter| WholeScan { seen, filter, share }))
}

/// The index path that leads to the fewest rows, with its cost.
fn cheapest_path<'r>(table: &TableRelation<'r>) -> Option<(f64, IndexPath<'r>)> {
    let mut best: Option<(f64, IndexPath<'_>)> = None;
    for definition in &table.schema.indexes {
        let path = table.index_path(definition);
        if !path.narrows() {
            continue;
        }
        let cost = if path.is_seek() { 0.0 } else { index_cost(path.costed_rows(table)) };
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, path));
        }
    }
    best
}

/// The cost of the cheapest access that narrows the rows by an index.
pub(super) fn cheapest_cost(table: &TableRelation<'_>) -> Option<f64> {
    cheapest_path(table).map(|(cost, _)| cost)
}

/// The cost of reading all rows, comparable to rows times [`INDEX_ROW_COST`].
pub(super) fn scan_cost(table: &TableRelation<'_>) -> f64 {
    // A predicate costs about as much as the columns it reads.
    table.costed_row_count() * (1.0 + table.conjuncts.len() as f64)
}

/// The cost of reading `rows` rows through an index.
pub(super) fn index_cost(rows: f64) -> f64 {
    rows * INDEX_ROW_COST
}

/// A seek or an index scan along `path`, in its order.
pub(super) fn plan_index_path(
    table: &TableRelation<'_>,
    path: IndexPath<'_>,
    reverse: bool,
    required: &ColumnSet,
) -> Result<Planned> {
    plan_path(table, path, reverse, required, None)
}

fn plan_path(
    table: &TableRelation<'_>,
    path: IndexPath<'_>,
    reverse: bool,
    required: &ColumnSet,
    whole: Option<WholeScan>,
) -> Result<Planned> {
    let served = path.served.clone();
    if path.is_seek() {
        let index = path.definition.id;
        let key = path.equal;
        return table.access(required, &served, 1.0, |output, filter| PlanNode::Seek {
            output,
            index,
            key,
            filter,
        });
    }
    let rest = (table.conjuncts.iter().enumerate())
        .filter(|(place, _)| !served.contains(place))
        .map(|(_, conjunct)| conjunct.clone())
        .collect::<Vec<_>>();
    let rows = estimate::rows(path.estimated_rows(table) * estimate::conjuncts(&rest));
    let (index, range) = path.range();
    table.access(required, &served, rows, |output, filter| PlanNode::IndexScan {
        output,
        index,
        range,
        reverse,
        filter,
        whole,
    })
}
