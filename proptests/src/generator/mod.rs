//! Random statements of a small SQL: drawn from a list of numbers, so that a shorter list with smaller numbers is a
//! simpler statement and shrinking needs nothing else.
//!
//! What is left out on purpose, because PostgreSQL leaves it open: errors in WHERE (their order is the planner's),
//! LIMIT without an order (which rows), sums of floats that round.

mod choices;
mod expression;
mod query;
mod row_lock;
mod schema;
mod sql;
mod statement;
mod upsert;

pub use choices::Choices;
pub use query::query;
pub use row_lock::{LockWait, RowLock, Strength};
pub use schema::{Action, Check, ForeignKey, Schema, schema};
pub use sql::{
    Aggregate, Comparison, Expression, Join, JoinKind, Kind, Level, Operator, OrderKey, Query,
    Select, Statement, TableName, Test,
};
pub use statement::{Step, statement};
pub use upsert::{Update, Upsert};

/// The columns that every generated table has.
pub const COLUMNS: [(&str, Kind); 6] = [
    ("id", Kind::Int4),
    ("a", Kind::Int4),
    ("b", Kind::Int8),
    ("c", Kind::Text),
    ("d", Kind::Bool),
    ("f", Kind::Float8),
];

/// The same as they are defined, the primary key aside.
const DEFINITIONS: [&str; 6] =
    ["id INT", "a INT DEFAULT 1", "b BIGINT", "c TEXT", "d BOOL", "f DOUBLE PRECISION"];

/// The definition of a generated table without constraints.
pub const DEFINITION: &str =
    "(id INT PRIMARY KEY, a INT DEFAULT 1, b BIGINT, c TEXT, d BOOL, f DOUBLE PRECISION)";
