//! The syntax tree of generated statements, and their text.

use std::fmt::{Display, Formatter, Result};

use spg_engine::Value;
use spg_engine::types::ValueRef;

use super::{COLUMNS, RowLock, Upsert};
use crate::answer::text_of;

/// The types in play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// INT.
    Int4,
    /// BIGINT.
    Int8,
    /// DOUBLE PRECISION.
    Float8,
    /// TEXT.
    Text,
    /// BOOL.
    Bool,
}

/// A table, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName(pub usize);

/// How transactions are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// READ COMMITTED
    ReadCommitted,
    /// REPEATABLE READ
    RepeatableRead,
    /// SERIALIZABLE
    Serializable,
}

/// Arithmetic and `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
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
    /// `||`
    Concatenate,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// `IS DISTINCT FROM`
    Distinct,
    /// `IS NOT DISTINCT FROM`
    NotDistinct,
}

/// What IS tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// NULL
    Null,
    /// NOT NULL
    NotNull,
    /// TRUE
    True,
    /// NOT TRUE
    NotTrue,
    /// FALSE
    False,
}

/// Aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// count(*)
    CountRows,
    /// count(x)
    Count,
    /// sum(x)
    Sum,
    /// avg(x)
    Average,
    /// min(x)
    Minimum,
    /// max(x)
    Maximum,
}

/// An expression. Columns are numbered through the joined tables: table `n / 6` as `xN`, column `n % 6`.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A column.
    Column(usize),
    /// A literal.
    Literal(Kind, Value),
    /// -x
    Minus(Box<Expression>),
    /// abs(x)
    Absolute(Box<Expression>),
    /// length(x)
    Length(Box<Expression>),
    /// upper(x)
    Upper(Box<Expression>),
    /// NOT x
    Not(Box<Expression>),
    /// x op y
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// x cmp y
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// x AND y ...
    And(Vec<Expression>),
    /// x OR y ...
    Or(Vec<Expression>),
    /// x IS ...
    Is(Test, Box<Expression>),
    /// x \[NOT\] IN (list)
    In(bool, Box<Expression>, Vec<Expression>),
    /// x \[NOT\] IN (SELECT)
    InQuery(bool, Box<Expression>, Box<Query>),
    /// (SELECT)
    Scalar(Box<Query>),
    /// x BETWEEN y AND z
    Between(Box<Expression>, Box<Expression>, Box<Expression>),
    /// x LIKE 'pattern'
    Like(Box<Expression>, &'static str),
    /// CASE WHEN x THEN y ELSE z END
    Case(Box<Expression>, Box<Expression>, Box<Expression>),
    /// coalesce(x, y)
    Coalesce(Box<Expression>, Box<Expression>),
    /// nullif(x, y)
    NullIf(Box<Expression>, Box<Expression>),
    /// greatest(x, y)
    Greatest(Box<Expression>, Box<Expression>),
    /// CAST(x AS type)
    Cast(Kind, Box<Expression>),
    /// aggregate(\[DISTINCT\] x)
    Aggregate(Aggregate, bool, Option<Box<Expression>>),
}

/// How a table joins those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// JOIN
    Inner,
    /// LEFT JOIN
    Left,
    /// CROSS JOIN
    Cross,
}

/// A further table.
#[derive(Clone, Debug)]
pub struct Join {
    /// How.
    pub kind: JoinKind,
    /// Which.
    pub table: TableName,
    /// ON; none for CROSS.
    pub on: Option<Expression>,
}

/// SELECT without ORDER BY.
#[derive(Clone, Debug)]
pub struct Select {
    /// DISTINCT.
    pub distinct: bool,
    /// The select list.
    pub items: Vec<Expression>,
    /// FROM: the first table.
    pub from: TableName,
    /// FROM: further tables.
    pub joins: Vec<Join>,
    /// WHERE.
    pub filter: Option<Expression>,
    /// GROUP BY; None: no grouping.
    pub groups: Option<Vec<Expression>>,
    /// HAVING.
    pub having: Option<Expression>,
}

/// An ordinal, whether it descends, and whether NULLs come first.
#[derive(Clone, Copy, Debug)]
pub struct OrderKey {
    /// From 0.
    pub ordinal: usize,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST or LAST where written.
    pub nulls_first: Option<bool>,
}

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// UNION of these (ALL where true); the first's flag is of no use.
    pub selects: Vec<(bool, Select)>,
    /// ORDER BY.
    pub order: Vec<OrderKey>,
    /// LIMIT.
    pub limit: Option<usize>,
    /// OFFSET.
    pub offset: Option<usize>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT
    Query(Query),
    /// INSERT; None in a row is DEFAULT.
    Insert(TableName, Vec<Vec<Option<Value>>>, bool),
    /// INSERT ... SELECT of six columns.
    InsertSelect(TableName, Query),
    /// INSERT ... ON CONFLICT
    Upsert(Upsert),
    /// SELECT ... FOR UPDATE and its kin
    Lock(RowLock),
    /// UPDATE: column and value, WHERE, RETURNING.
    Update(TableName, Vec<(usize, Expression)>, Option<Expression>, bool),
    /// DELETE: WHERE, RETURNING.
    Delete(TableName, Option<Expression>, bool),
    /// TRUNCATE
    Truncate(TableName),
    /// CREATE \[UNIQUE\] INDEX name ON table (columns, descending or not)
    CreateIndex(usize, TableName, Vec<(usize, bool)>, bool),
    /// DROP INDEX
    DropIndex(usize),
    /// BEGIN at a level
    Begin(Level),
    /// COMMIT
    Commit,
    /// ROLLBACK
    Rollback,
    /// SAVEPOINT
    Savepoint(usize),
    /// RELEASE
    Release(usize),
    /// ROLLBACK TO
    RollbackTo(usize),
    /// No SQL: the session is gone, in the middle of whatever it did, and there is a new one.
    Disconnect,
    /// CHECKPOINT
    Checkpoint,
    /// `SET synchronous_commit`
    SynchronousCommit(bool),
    /// No SQL: after so many more operations of the disk the machine stops; the power is cut with a seed, or the process killed.
    Crash(usize, Option<u64>),
}

impl Display for Kind {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Int4 => "INT",
            Self::Int8 => "BIGINT",
            Self::Float8 => "FLOAT8",
            Self::Text => "TEXT",
            Self::Bool => "BOOL",
        })
    }
}

impl Display for TableName {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "t{}", self.0)
    }
}

impl Display for Level {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        })
    }
}

impl Display for Operator {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Concatenate => "||",
        })
    }
}

impl Display for Comparison {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Distinct => "IS DISTINCT FROM",
            Self::NotDistinct => "IS NOT DISTINCT FROM",
        })
    }
}

impl Display for Test {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Null => "NULL",
            Self::NotNull => "NOT NULL",
            Self::True => "TRUE",
            Self::NotTrue => "NOT TRUE",
            Self::False => "FALSE",
        })
    }
}

/// A literal of a value.
struct Literal<'a>(&'a Value);

impl Display for Literal<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let text = text_of(self.0).unwrap_or_else(|| "NULL".to_owned());
        match self.0.as_ref() {
            ValueRef::Text(text) => write!(out, "'{}'", text.replace('\'', "''")),
            ValueRef::Float8(_) => write!(out, "'{text}'"),
            ValueRef::Bool(value) => out.write_str(if value { "TRUE" } else { "FALSE" }),
            _ if text.starts_with('-') => write!(out, "({text})"),
            _ => out.write_str(&text),
        }
    }
}

/// Items with commas between them.
pub(super) fn list<T: Display>(
    out: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
) -> Result {
    separated(out, items, ", ")
}

fn separated<T: Display>(
    out: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
) -> Result {
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.write_str(separator)?;
        }
        write!(out, "{item}")?;
    }
    Ok(())
}

impl Expression {
    /// Whether it names no column, not in a subquery either.
    fn is_constant(&self) -> bool {
        // No literal reads like one.
        let text = self.to_string();
        !["x0.", "x1.", "x2."].iter().any(|table| text.contains(table))
    }

    /// Whether its value is known before there is a row if it is NULL: it is constant, or NULL because an operand is.
    pub fn is_known_null(&self) -> bool {
        match self {
            Self::Minus(operand)
            | Self::Absolute(operand)
            | Self::Length(operand)
            | Self::Upper(operand)
            | Self::Cast(_, operand) => operand.is_known_null(),
            Self::Binary(_, left, right) => left.is_known_null() || right.is_known_null(),
            Self::Literal(_, value) => value.is_null(),
            _ => self.is_constant(),
        }
    }
}

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Column(column) => write!(out, "x{}.{}", column / 6, COLUMNS[column % 6].0),
            Self::Literal(kind, value) => write!(out, "{}::{kind}", Literal(value)),
            Self::Minus(operand) => write!(out, "(- {operand})"),
            Self::Absolute(operand) => write!(out, "abs({operand})"),
            Self::Length(operand) => write!(out, "length({operand})"),
            Self::Upper(operand) => write!(out, "upper({operand})"),
            Self::Not(operand) => write!(out, "(NOT {operand})"),
            Self::Binary(operator, left, right) => write!(out, "({left} {operator} {right})"),
            Self::Compare(comparison, left, right) => write!(out, "({left} {comparison} {right})"),
            Self::And(operands) | Self::Or(operands) => {
                out.write_str("(")?;
                separated(
                    out,
                    operands,
                    if matches!(self, Self::And(_)) { " AND " } else { " OR " },
                )?;
                out.write_str(")")
            }
            Self::Is(test, operand) => write!(out, "({operand} IS {test})"),
            Self::In(negated, operand, items) => {
                write!(out, "({operand}{} IN (", if *negated { " NOT" } else { "" })?;
                list(out, items)?;
                out.write_str("))")
            }
            Self::InQuery(negated, operand, query) => {
                write!(out, "({operand}{} IN ({query}))", if *negated { " NOT" } else { "" })
            }
            Self::Scalar(query) => write!(out, "({query})"),
            Self::Between(operand, low, high) => {
                write!(out, "({operand} BETWEEN {low} AND {high})")
            }
            Self::Like(operand, pattern) => write!(out, "({operand} LIKE '{pattern}')"),
            Self::Case(condition, then, otherwise) => {
                write!(out, "CASE WHEN {condition} THEN {then} ELSE {otherwise} END")
            }
            Self::Coalesce(left, right) => write!(out, "coalesce({left}, {right})"),
            Self::NullIf(left, right) => write!(out, "nullif({left}, {right})"),
            Self::Greatest(left, right) => write!(out, "greatest({left}, {right})"),
            Self::Cast(kind, operand) => write!(out, "CAST({operand} AS {kind})"),
            Self::Aggregate(aggregate, distinct, operand) => {
                let name = match aggregate {
                    Aggregate::CountRows | Aggregate::Count => "count",
                    Aggregate::Sum => "sum",
                    Aggregate::Average => "avg",
                    Aggregate::Minimum => "min",
                    Aggregate::Maximum => "max",
                };
                let distinct = if *distinct { "DISTINCT " } else { "" };
                match operand {
                    Some(operand) => write!(out, "{name}({distinct}{operand})"),
                    None => write!(out, "{name}(*)"),
                }
            }
        }
    }
}

impl Display for Select {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "SELECT {}", if self.distinct { "DISTINCT " } else { "" })?;
        list(out, &self.items)?;
        write!(out, " FROM {} AS x0", self.from)?;
        for (place, join) in self.joins.iter().enumerate() {
            let kind = match join.kind {
                JoinKind::Inner => "JOIN",
                JoinKind::Left => "LEFT JOIN",
                JoinKind::Cross => "CROSS JOIN",
            };
            write!(out, " {kind} {} AS x{}", join.table, place + 1)?;
            if let Some(on) = &join.on {
                write!(out, " ON {on}")?;
            }
        }
        if let Some(filter) = &self.filter {
            write!(out, " WHERE {filter}")?;
        }
        if let Some(groups) = self.groups.as_ref().filter(|groups| !groups.is_empty()) {
            out.write_str(" GROUP BY ")?;
            list(out, groups)?;
        }
        if let Some(having) = &self.having {
            write!(out, " HAVING {having}")?;
        }
        Ok(())
    }
}

impl Display for OrderKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "{}{}", self.ordinal + 1, if self.descending { " DESC" } else { "" })?;
        match self.nulls_first {
            None => Ok(()),
            Some(true) => out.write_str(" NULLS FIRST"),
            Some(false) => out.write_str(" NULLS LAST"),
        }
    }
}

impl Display for Query {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        for (place, (all, select)) in self.selects.iter().enumerate() {
            if place > 0 {
                out.write_str(if *all { " UNION ALL " } else { " UNION " })?;
            }
            write!(out, "{select}")?;
        }
        if !self.order.is_empty() {
            out.write_str(" ORDER BY ")?;
            list(out, &self.order)?;
        }
        if let Some(limit) = self.limit {
            write!(out, " LIMIT {limit}")?;
        }
        if let Some(offset) = self.offset {
            write!(out, " OFFSET {offset}")?;
        }
        Ok(())
    }
}

/// A row of VALUES.
pub(super) struct ValuesRow<'a>(pub(super) &'a [Option<Value>]);

impl Display for ValuesRow<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let texts = self.0.iter().map(|value| match value {
            None => "DEFAULT".to_owned(),
            Some(value) => Literal(value).to_string(),
        });
        out.write_str("(")?;
        list(out, texts)?;
        out.write_str(")")
    }
}

pub(super) fn returning(wanted: bool) -> &'static str {
    if wanted { " RETURNING *" } else { "" }
}

pub(super) fn filter_text(filter: Option<&Expression>) -> String {
    filter.map_or_else(String::new, |filter| format!(" WHERE {filter}"))
}

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Query(query) => write!(out, "{query}"),
            Self::Insert(table, rows, back) => {
                write!(out, "INSERT INTO {table} VALUES ")?;
                list(out, rows.iter().map(|row| ValuesRow(row)))?;
                out.write_str(returning(*back))
            }
            Self::InsertSelect(table, query) => write!(out, "INSERT INTO {table} {query}"),
            Self::Upsert(upsert) => write!(out, "{upsert}"),
            Self::Lock(query) => write!(out, "{query}"),
            Self::Update(table, assignments, filter, back) => {
                write!(out, "UPDATE {table} AS x0 SET ")?;
                let assign = |(column, value): &(usize, Expression)| {
                    format!("{} = {value}", COLUMNS[*column].0)
                };
                list(out, assignments.iter().map(assign))?;
                write!(out, "{}{}", filter_text(filter.as_ref()), returning(*back))
            }
            Self::Delete(table, filter, back) => {
                let filter = filter_text(filter.as_ref());
                write!(out, "DELETE FROM {table} AS x0{filter}{}", returning(*back))
            }
            Self::Truncate(table) => write!(out, "TRUNCATE {table}"),
            Self::CreateIndex(index, table, columns, unique) => {
                let unique = if *unique { "UNIQUE " } else { "" };
                write!(out, "CREATE {unique}INDEX i{index} ON {table} (")?;
                let name = |(column, descending): &(usize, bool)| {
                    format!("{}{}", COLUMNS[*column].0, if *descending { " DESC" } else { "" })
                };
                list(out, columns.iter().map(name))?;
                out.write_str(")")
            }
            Self::DropIndex(index) => write!(out, "DROP INDEX i{index}"),
            Self::Begin(level) => write!(out, "BEGIN ISOLATION LEVEL {level}"),
            Self::Commit => out.write_str("COMMIT"),
            Self::Rollback => out.write_str("ROLLBACK"),
            Self::Savepoint(name) => write!(out, "SAVEPOINT s{name}"),
            Self::Release(name) => write!(out, "RELEASE s{name}"),
            Self::RollbackTo(name) => write!(out, "ROLLBACK TO s{name}"),
            Self::Disconnect => out.write_str("disconnect"),
            Self::SynchronousCommit(on) => {
                write!(out, "SET synchronous_commit = {}", if *on { "on" } else { "off" })
            }
            Self::Checkpoint => out.write_str("CHECKPOINT"),
            Self::Crash(operations, seed) => {
                write!(out, "crash after {operations} operations, power cut {seed:?}")
            }
        }
    }
}
