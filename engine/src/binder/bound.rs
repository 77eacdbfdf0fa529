//! What the binder yields: every name looked up, every type decided, every implicit cast written out.
//!
//! A bound query is a tree of [`Relation`]s. Each column that a relation makes has a [`ColumnId`] unique within the
//! statement, and expressions refer to columns by it, so the planner can move expressions about freely; its last
//! step replaces ids by ordinals (see [`Expression::Column`]).

use std::sync::Arc;

pub use crate::binder::conflict::{BoundConflict, ConflictUpdate};
use crate::binder::locking::RowLock;
use crate::binder::{AdvisoryFunction, BoundCheck};
use crate::parser::ast::{JoinKind, SetOperator};
use crate::storage::TableId;
use crate::storage::schema::Schema;
use crate::system::function::SystemFunction;
use crate::types::datetime::DatetimeFunction;
use crate::types::{DataType, Value};

/// A column of some relation of the statement; in a [`crate::planner::plan::Plan`] an ordinal of the input row.
pub type ColumnId = usize;

/// A statement with rows or changes in it. (Definitions, transactions and settings are executed from the syntax
/// tree, they have nothing to plan.)
#[derive(Clone, Debug)]
pub enum BoundStatement {
    /// SELECT and its kin.
    Query(BoundQuery),
    /// INSERT.
    Insert(BoundInsert),
    /// UPDATE.
    Update(BoundUpdate),
    /// DELETE.
    Delete(BoundDelete),
}

/// A bound statement with what belongs to all of it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The statement.
    pub statement: BoundStatement,
    /// Uncorrelated subqueries in expressions, by the index that [`Expression`] uses.
    pub subqueries: Vec<BoundQuery>,
    /// Types of $1, $2, ... as far as they were inferred (never Unknown: text when nothing decides).
    pub parameters: Vec<DataType>,
    /// How many column ids were given out: the planner draws new ones from here.
    pub next_column_id: ColumnId,
}

/// Rows with names.
#[derive(Clone, Debug)]
pub struct BoundQuery {
    /// Where the rows come from, ORDER BY and LIMIT included.
    pub relation: Relation,
    /// What is answered, in order.
    pub columns: Vec<OutputColumn>,
}

/// One column of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    /// Its name.
    pub name: Arc<str>,
    /// Its type (never Unknown).
    pub data_type: DataType,
    /// The relation's column.
    pub id: ColumnId,
}

/// INSERT.
#[derive(Clone, Debug)]
pub struct BoundInsert {
    /// The table.
    pub table: TableId,
    /// Rows with one column for each column of the table, in its order, defaults filled in, cast to its type.
    pub source: BoundQuery,
    /// ON CONFLICT.
    pub conflict: Option<BoundConflict>,
    /// CHECK.
    pub checks: Vec<BoundCheck>,
    /// Whether foreign keys have to do with it.
    pub linked: bool,
    /// RETURNING.
    pub returning: Option<Returning>,
}

/// UPDATE.
#[derive(Clone, Debug)]
pub struct BoundUpdate {
    /// The table.
    pub table: TableId,
    /// The rows: first column the row id (Int8), then a value for each of `ordinals`, cast to its type.
    pub source: BoundQuery,
    /// The columns assigned.
    pub ordinals: Vec<usize>,
    /// Those CHECK constraints that they can break.
    pub checks: Vec<BoundCheck>,
    /// Whether foreign keys have to do with it.
    pub linked: bool,
    /// RETURNING.
    pub returning: Option<Returning>,
}

/// DELETE.
#[derive(Clone, Debug)]
pub struct BoundDelete {
    /// The table.
    pub table: TableId,
    /// The rows: one column, the row id (Int8).
    pub source: BoundQuery,
    /// Whether foreign keys have to do with it.
    pub linked: bool,
    /// RETURNING.
    pub returning: Option<Returning>,
}

/// RETURNING: expressions over the table's columns (their ids are the ordinals).
#[derive(Clone, Debug)]
pub struct Returning {
    /// A value for each answered column.
    pub expressions: Vec<Expression>,
    /// Names and types; ids are 0, 1, ...
    pub columns: Vec<OutputColumn>,
}

/// A source of rows. Children's columns are visible to the relation's own expressions by id.
#[derive(Clone, Debug)]
pub enum Relation {
    /// One row without columns.
    OneRow,
    /// No row; the columns exist all the same.
    Empty {
        /// Its columns.
        columns: Vec<(ColumnId, DataType)>,
    },
    /// A table.
    Scan {
        /// The table.
        table: TableId,
        /// Its shape, indexes included.
        schema: Arc<Schema>,
        /// The columns that the statement uses: id and ordinal.
        columns: Vec<(ColumnId, usize)>,
        /// The id of a column with the row id (Int8), where a writer needs it.
        row_id: Option<ColumnId>,
        /// The name it goes by in the statement, for EXPLAIN.
        alias: Arc<str>,
        /// Rows at the time of binding, for the planner's estimates.
        row_count: u64,
    },
    /// Literal rows.
    Values {
        /// Ids and types of the columns.
        columns: Vec<(ColumnId, DataType)>,
        /// The rows, cast to those types; no column may be referred to.
        rows: Vec<Vec<Expression>>,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// Input.
        input: Box<Relation>,
        /// Boolean.
        predicate: Expression,
    },
    /// Computed columns; only these are visible above.
    Project {
        /// Input.
        input: Box<Relation>,
        /// Id and value of each.
        columns: Vec<(ColumnId, Expression)>,
    },
    /// A join; the columns of both sides are visible above.
    Join {
        /// Cross is Inner without a condition.
        kind: JoinKind,
        /// Left.
        left: Box<Relation>,
        /// Right.
        right: Box<Relation>,
        /// Boolean over both sides; None is true.
        condition: Option<Expression>,
    },
    /// GROUP BY and aggregates. Without groups exactly one row.
    Aggregate {
        /// Input.
        input: Box<Relation>,
        /// Id and value of each group column.
        groups: Vec<(ColumnId, Expression)>,
        /// Id and call of each aggregate.
        aggregates: Vec<(ColumnId, AggregateCall)>,
    },
    /// Rows without duplicates over all `columns` (NULLs are equal).
    Distinct {
        /// Input, whose visible columns are exactly `columns`.
        input: Box<Relation>,
        /// The columns.
        columns: Vec<(ColumnId, DataType)>,
    },
    /// Rows in order.
    Sort {
        /// Input.
        input: Box<Relation>,
        /// Keys, most significant first.
        keys: Vec<SortKey>,
    },
    /// Rows that are locked as they pass.
    Lock {
        /// Input.
        input: Box<Relation>,
        /// What is locked of each.
        locks: Vec<RowLock>,
    },
    /// LIMIT and OFFSET (Int8 expressions without columns; NULL is none).
    Limit {
        /// Input.
        input: Box<Relation>,
        /// LIMIT.
        limit: Option<Expression>,
        /// OFFSET.
        offset: Option<Expression>,
    },
    /// UNION, INTERSECT, EXCEPT.
    SetOperation {
        /// Which.
        operator: SetOperator,
        /// ALL.
        all: bool,
        /// First input with the ids of its columns, in order.
        left: Box<(Relation, Vec<ColumnId>)>,
        /// Second input likewise, cast to the same types.
        right: Box<(Relation, Vec<ColumnId>)>,
        /// Ids and types of the result.
        columns: Vec<(ColumnId, DataType)>,
    },
}

/// One key of a sort.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What to sort by.
    pub expression: Expression,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, written or by default (DESC).
    pub nulls_first: bool,
}

/// An aggregate in a query.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCall {
    /// Which.
    pub function: AggregateFunction,
    /// Its argument, cast to what the function works on; None for count(*).
    pub argument: Option<Expression>,
    /// DISTINCT.
    pub distinct: bool,
    /// Type of the result: count Int8; sum of integers Int8 (22003 beyond), of float4 Float4, of float8 Float8;
    /// avg Float8; min and max that of the argument; sum and avg of vectors Vector.
    pub data_type: DataType,
}

/// The aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// count(*)
    CountStar,
    /// count(x)
    Count,
    /// sum(x)
    Sum,
    /// avg(x)
    Average,
    /// min(x)
    Min,
    /// max(x)
    Max,
}

/// A typed expression. Operands have the types the function works on: the binder wrote the casts.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A constant.
    Literal {
        /// The value, NULL or of the type.
        value: Value,
        /// The type.
        data_type: DataType,
    },
    /// $n.
    Parameter {
        /// n - 1.
        index: usize,
        /// The type it was inferred to have; the value given is of it or NULL.
        data_type: DataType,
    },
    /// A column of the input: by [`ColumnId`] in a [`Relation`], by ordinal of the input batch in a plan.
    Column {
        /// Which.
        id: ColumnId,
        /// Its type.
        data_type: DataType,
    },
    /// A function or operator over all its arguments.
    Call {
        /// Which.
        function: Function,
        /// The arguments.
        arguments: Vec<Expression>,
        /// The type of the result.
        data_type: DataType,
    },
    /// A cast; text to anything parses, anything to text prints.
    Cast {
        /// Of what.
        operand: Box<Expression>,
        /// To what, modifier included.
        target: DataType,
        /// Written in the statement: a text too long for VARCHAR(n) is cut. Otherwise (assignment): 22001.
        explicit: bool,
    },
    /// All true; evaluated left to right, a later operand only for rows where no earlier one is false.
    And(Vec<Expression>),
    /// Any true; likewise for rows where no earlier one is true.
    Or(Vec<Expression>),
    /// NOT.
    Not(Box<Expression>),
    /// IS \[NOT\] NULL.
    IsNull {
        /// Tested.
        operand: Box<Expression>,
        /// NOT.
        negated: bool,
    },
    /// IS \[NOT\] TRUE or FALSE (UNKNOWN is `IsNull` over a boolean).
    IsBoolean {
        /// Tested, boolean.
        operand: Box<Expression>,
        /// TRUE or FALSE.
        value: bool,
        /// NOT.
        negated: bool,
    },
    /// \[NOT\] IN (list): three-valued.
    InList {
        /// Tested.
        operand: Box<Expression>,
        /// Of the operand's type.
        list: Vec<Expression>,
        /// NOT.
        negated: bool,
    },
    /// CASE WHEN condition THEN value ... ELSE value END; a branch is evaluated only for the rows that reach it.
    Case {
        /// Conditions (boolean) and values.
        branches: Vec<(Expression, Expression)>,
        /// ELSE; None is NULL.
        otherwise: Option<Box<Expression>>,
        /// The type of the values.
        data_type: DataType,
    },
    /// COALESCE; a later operand only for the rows where all earlier ones are NULL.
    Coalesce {
        /// The operands, of one type.
        operands: Vec<Expression>,
        /// Their type.
        data_type: DataType,
    },
    /// An uncorrelated subquery's one value, NULL for no row (21000 for several).
    ScalarSubquery {
        /// Index in [`Bound::subqueries`].
        index: usize,
        /// Type of its one column.
        data_type: DataType,
    },
    /// Whether an uncorrelated subquery has a row.
    Exists {
        /// Index in [`Bound::subqueries`].
        index: usize,
    },
    /// \[NOT\] IN (SELECT ...): three-valued.
    InSubquery {
        /// Tested, of the type of the subquery's one column.
        operand: Box<Expression>,
        /// Index in [`Bound::subqueries`].
        index: usize,
        /// NOT.
        negated: bool,
    },
}

/// Functions and operators whose arguments are all evaluated. Strict (a NULL argument gives NULL) unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `=` and its kin: two arguments of one kind of type; NaN equals NaN and is above all, -0 equals 0, text by bytes.
    Compare(Comparison),
    /// IS \[NOT\] DISTINCT FROM (the flag is NOT); not strict.
    DistinctFrom(bool),
    /// `+ - * / %` over two arguments of one numeric type (or vectors: + - *), and `^` over Float8.
    Arithmetic(Arithmetic),
    /// Unary minus.
    Negate,
    /// `||` over text.
    Concatenate,
    /// LIKE: text, pattern, and optionally the escape character (a third argument; absent: backslash).
    Like,
    /// ILIKE likewise.
    ILike,
    /// `<->`.
    DistanceEuclidean,
    /// `<#>`.
    DistanceInnerProduct,
    /// `<=>`.
    DistanceCosine,
    /// `<+>`.
    DistanceTaxicab,
    /// NULLIF(a, b); not strict in b.
    NullIf,
    /// GREATEST; NULLs ignored.
    Greatest,
    /// LEAST; NULLs ignored.
    Least,
    /// Every other function by name.
    Scalar(ScalarFunction),
}

/// `=` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
}

/// Named functions. Numeric ones work on the argument's own type where PostgreSQL's do, else on Float8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarFunction {
    /// abs(n)
    Abs,
    /// ceil(f), ceiling(f)
    Ceil,
    /// floor(f)
    Floor,
    /// round(f) to even as PostgreSQL's dround, round(f, digits) half away from zero
    Round,
    /// trunc(f)
    Trunc,
    /// sign(f)
    Sign,
    /// mod(n, n)
    Mod,
    /// power(f, f), pow
    Power,
    /// sqrt(f)
    Sqrt,
    /// exp(f)
    Exp,
    /// ln(f)
    Ln,
    /// log(f), log10
    Log10,
    /// `pi()`
    Pi,
    /// `length(t)`, `char_length`, `character_length`: in characters
    Length,
    /// `octet_length(t)`
    OctetLength,
    /// lower(t)
    Lower,
    /// upper(t)
    Upper,
    /// substr(t, from[, count]), substring
    Substring,
    /// btrim(t[, characters])
    TrimBoth,
    /// ltrim(t[, characters])
    TrimLeft,
    /// rtrim(t[, characters])
    TrimRight,
    /// replace(t, from, to)
    Replace,
    /// strpos(t, sought), position
    StringPosition,
    /// left(t, n)
    Left,
    /// right(t, n)
    Right,
    /// concat(...): NULLs skipped; not strict
    Concat,
    /// `concat_ws(separator, ...)`: NULLs skipped; strict in the separator
    ConcatWithSeparator,
    /// repeat(t, n)
    Repeat,
    /// reverse(t)
    Reverse,
    /// lpad(t, n[, fill])
    PadLeft,
    /// rpad(t, n[, fill])
    PadRight,
    /// `starts_with(t, prefix)`
    StartsWith,
    /// `split_part(t, separator, n)`
    SplitPart,
    /// `vector_dims(v)`
    VectorDimensions,
    /// `vector_norm(v)`
    VectorNorm,
    /// `inner_product(v, v)`
    InnerProduct,
    /// Of dates, times and intervals
    Datetime(DatetimeFunction),
    /// nextval(sequence): of a sequence's identity (Int8) or its name
    NextValue,
    /// currval(sequence)
    CurrentValue,
    /// `lastval()`
    LastValue,
    /// `setval(sequence, n[, is_called])`
    SetValue,
    /// Of the catalog and the session
    System(SystemFunction),
    /// Of advisory locks
    Advisory(AdvisoryFunction),
}

impl ScalarFunction {
    /// Whether it is one of those of sequences.
    pub fn draws_from_sequences(self) -> bool {
        matches!(self, Self::NextValue | Self::CurrentValue | Self::LastValue | Self::SetValue)
    }

    /// Whether two calls with the same arguments may differ within a statement: it must be called once for each row.
    pub fn is_volatile(self) -> bool {
        self.draws_from_sequences()
            || matches!(self, Self::Datetime(DatetimeFunction::ClockTime) | Self::Advisory(_))
            || matches!(self, Self::System(function) if function.has_effect())
    }
}

impl Expression {
    /// The type of its value.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Literal { data_type, .. }
            | Self::Parameter { data_type, .. }
            | Self::Column { data_type, .. }
            | Self::Call { data_type, .. }
            | Self::Case { data_type, .. }
            | Self::Coalesce { data_type, .. }
            | Self::ScalarSubquery { data_type, .. } => *data_type,
            Self::Cast { target, .. } => *target,
            Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::IsNull { .. }
            | Self::IsBoolean { .. }
            | Self::InList { .. }
            | Self::Exists { .. }
            | Self::InSubquery { .. } => DataType::Bool,
        }
    }
}
