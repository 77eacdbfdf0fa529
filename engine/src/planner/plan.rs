//! What the planner yields: the tree of operators that will run, expressions resolved to ordinals of the input row.

use std::sync::Arc;

use crate::binder::bound::{AggregateCall, BoundConflict, Expression, OutputColumn, SortKey};
use crate::binder::{BoundCheck, RowLock};
use crate::parser::ast::{JoinKind, SetOperator};
use crate::storage::{IndexId, TableId};
use crate::types::DataType;

/// A planned statement, cached by text and schema version.
#[derive(Clone, Debug)]
pub struct StatementPlan {
    /// What to do.
    pub kind: StatementPlanKind,
    /// Plans of the uncorrelated subqueries, by index.
    pub subqueries: Vec<Plan>,
    /// Types of the parameters.
    pub parameters: Vec<DataType>,
    /// The schema version of the root that it was bound to; a root with another one needs a new plan.
    pub schema_version: u64,
}

/// What a planned statement does.
#[derive(Clone, Debug)]
pub enum StatementPlanKind {
    /// Answers rows.
    Query {
        /// Makes them.
        plan: Plan,
        /// Names and types; ids are ordinals.
        columns: Vec<OutputColumn>,
    },
    /// Adds rows.
    Insert {
        /// The table.
        table: TableId,
        /// All columns of the table in its order.
        source: Plan,
        /// ON CONFLICT; its expressions' ids are ordinals already.
        conflict: Option<BoundConflict>,
        /// CHECK; the ids of its columns are ordinals already.
        checks: Vec<BoundCheck>,
        /// Whether foreign keys have to do with it.
        linked: bool,
        /// RETURNING.
        returning: Option<ReturningPlan>,
    },
    /// Overwrites columns of rows.
    Update {
        /// The table.
        table: TableId,
        /// Row id (Int8), then a value for each of `ordinals`.
        source: Plan,
        /// The columns assigned.
        ordinals: Vec<usize>,
        /// Those CHECK constraints that they can break.
        checks: Vec<BoundCheck>,
        /// Whether foreign keys have to do with it.
        linked: bool,
        /// RETURNING.
        returning: Option<ReturningPlan>,
    },
    /// Removes rows.
    Delete {
        /// The table.
        table: TableId,
        /// Row id (Int8).
        source: Plan,
        /// Whether foreign keys have to do with it.
        linked: bool,
        /// RETURNING.
        returning: Option<ReturningPlan>,
    },
}

/// RETURNING over a batch of all the table's columns.
#[derive(Clone, Debug)]
pub struct ReturningPlan {
    /// A value for each answered column.
    pub expressions: Vec<Expression>,
    /// Names and types.
    pub columns: Vec<OutputColumn>,
}

/// One operator with its inputs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The operator.
    pub node: PlanNode,
    /// Types of its output columns.
    pub types: Vec<DataType>,
    /// Names of its output columns for EXPLAIN (`t.a`, an alias, or the expression's text).
    pub names: Vec<Arc<str>>,
    /// Rows it is expected to yield.
    pub estimated_rows: f64,
}

/// What a scan of a table yields: stored columns by ordinal (any order, repeats allowed), then the row id if asked.
#[derive(Clone, Debug)]
pub struct TableOutput {
    /// The table.
    pub table: TableId,
    /// Its name or alias, for EXPLAIN.
    pub alias: Arc<str>,
    /// Stored columns by ordinal.
    pub ordinals: Vec<usize>,
    /// Whether a last column holds the row id (Int8).
    pub row_id: bool,
}

/// The operators.
#[derive(Clone, Debug)]
pub enum PlanNode {
    /// One row without columns.
    OneRow,
    /// No row.
    Empty,
    /// Literal rows.
    Values {
        /// The rows; no column may be referred to.
        rows: Vec<Vec<Expression>>,
    },
    /// All rows of a table in row-id order.
    Scan {
        /// What it yields.
        output: TableOutput,
        /// Over the output's columns.
        filter: Option<Expression>,
    },
    /// At most one row: every column of a unique index equals a value.
    Seek {
        /// What it yields.
        output: TableOutput,
        /// The index.
        index: IndexId,
        /// A value for each column of the index, without columns, of the column's type. NULL finds nothing.
        key: Vec<Expression>,
        /// Over the output's columns.
        filter: Option<Expression>,
    },
    /// Rows in index order.
    IndexScan {
        /// What it yields.
        output: TableOutput,
        /// The index.
        index: IndexId,
        /// Which part of it.
        range: IndexRange,
        /// Backwards.
        reverse: bool,
        /// Over the output's columns.
        filter: Option<Expression>,
        /// What is done instead where the run turns out to be long; None where the order is wanted.
        whole: Option<WholeScan>,
    },
    /// The `limit` rows nearest to a vector, nearest first, ties by row id.
    Nearest {
        /// What it yields.
        output: TableOutput,
        /// Ordinal (in the table) of the vector column.
        vector: usize,
        /// The distance: one of [`crate::binder::bound::Function`]'s `Distance*`.
        metric: crate::binder::bound::Function,
        /// The vector to be near to, without columns.
        target: Expression,
        /// LIMIT, without columns.
        limit: Expression,
        /// OFFSET, without columns.
        offset: Option<Expression>,
        /// Over the output's columns; applied first.
        filter: Option<Expression>,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// Input.
        input: Box<Plan>,
        /// Boolean.
        predicate: Expression,
    },
    /// Computed columns.
    Project {
        /// Input.
        input: Box<Plan>,
        /// A value for each output column.
        expressions: Vec<Expression>,
    },
    /// Rows in order; with a limit only the first of them are kept (a bounded heap).
    Sort {
        /// Input.
        input: Box<Plan>,
        /// Keys, most significant first; rows with equal keys keep their order.
        keys: Vec<SortKey>,
        /// Keep so many (LIMIT + OFFSET), without columns.
        limit: Option<Expression>,
    },
    /// Rows locked as they pass, each at most once.
    LockRows {
        /// Input.
        input: Box<Plan>,
        /// What is locked of each; `row_id` is an ordinal of the input.
        locks: Vec<RowLock>,
        /// Lock no more rows than so many (LIMIT + OFFSET), without columns; NULL is no limit.
        kept: Option<Expression>,
    },
    /// LIMIT and OFFSET.
    Limit {
        /// Input.
        input: Box<Plan>,
        /// LIMIT; NULL is none; negative is 2201W.
        limit: Option<Expression>,
        /// OFFSET; NULL is none; negative is 2201X.
        offset: Option<Expression>,
    },
    /// A join on equal keys. Output: left's columns, then right's.
    HashJoin {
        /// Inner, Left, Right or Full.
        kind: JoinKind,
        /// Probes.
        left: Box<Plan>,
        /// Is built into the table.
        right: Box<Plan>,
        /// Keys over left.
        left_keys: Vec<Expression>,
        /// Keys over right, of the same types.
        right_keys: Vec<Expression>,
        /// A further condition over the joined row.
        residual: Option<Expression>,
    },
    /// For each outer row the inner rows that an index finds. Output: outer's columns, then inner's.
    IndexJoin {
        /// Inner or Left.
        kind: JoinKind,
        /// Outer.
        outer: Box<Plan>,
        /// What the inner side yields.
        output: TableOutput,
        /// The index.
        index: IndexId,
        /// Values over the outer row for the first columns of the index, of those columns' types.
        keys: Vec<Expression>,
        /// A further condition over the joined row.
        residual: Option<Expression>,
    },
    /// Any other join; right is held in memory. Output: left's columns, then right's.
    NestedLoopJoin {
        /// Inner, Left, Right or Full; Cross is Inner without a condition.
        kind: JoinKind,
        /// Outer.
        left: Box<Plan>,
        /// Inner.
        right: Box<Plan>,
        /// Over the joined row.
        condition: Option<Expression>,
    },
    /// GROUP BY: groups, then aggregates. Without groups exactly one row.
    Aggregate {
        /// Input.
        input: Box<Plan>,
        /// Group columns.
        groups: Vec<Expression>,
        /// Aggregates.
        aggregates: Vec<AggregateCall>,
    },
    /// Rows without duplicates.
    Distinct {
        /// Input.
        input: Box<Plan>,
    },
    /// UNION, INTERSECT, EXCEPT.
    SetOperation {
        /// Which.
        operator: SetOperator,
        /// ALL.
        all: bool,
        /// First input.
        left: Box<Plan>,
        /// Second input.
        right: Box<Plan>,
    },
}

/// A table read from end to end in place of a run of an index: what bounds the run is known only when the plan runs.
#[derive(Clone, Debug)]
pub struct WholeScan {
    /// What the filter reads.
    pub seen: TableOutput,
    /// Over those columns: what bounds the run, and the rest.
    pub filter: Expression,
    /// The share of the table's rows from which on the run costs more.
    pub share: f64,
}

/// A part of an index.
#[derive(Clone, Debug, Default)]
pub struct IndexRange {
    /// Values that the first columns equal (a NULL finds nothing).
    pub equal: Vec<Expression>,
    /// Lower bound of the next column in its own order: value and whether it is included.
    pub lower: Option<(Expression, bool)>,
    /// Upper bound likewise.
    pub upper: Option<(Expression, bool)>,
    /// Whether rows that are NULL in the next column are left out though neither bound is given (IS NOT NULL).
    pub not_null: bool,
}
