//! INSERT ... ON CONFLICT.

use std::fmt::{Display, Formatter, Result};

use spg_engine::Value;

use super::COLUMNS;
use super::sql::{Expression, TableName, ValuesRow, filter_text, list, returning};

/// An INSERT that says what becomes of a row whose key is taken.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// INTO
    pub table: TableName,
    /// VALUES; None in a row is DEFAULT.
    pub rows: Vec<Vec<Option<Value>>>,
    /// The columns of the key; None: any.
    pub target: Option<Vec<usize>>,
    /// DO UPDATE; else DO NOTHING.
    pub update: Option<Update>,
    /// RETURNING *
    pub returning: bool,
}

/// What the row becomes that has the key. The proposed row is a second table in the expressions.
#[derive(Clone, Debug)]
pub struct Update {
    /// SET
    pub assignments: Vec<(usize, Expression)>,
    /// WHERE
    pub filter: Option<Expression>,
}

impl Display for Upsert {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "INSERT INTO {} AS x0 VALUES ", self.table)?;
        list(out, self.rows.iter().map(|row| ValuesRow(row)))?;
        out.write_str(" ON CONFLICT")?;
        if let Some(columns) = &self.target {
            let names: Vec<_> = columns.iter().map(|column| COLUMNS[*column].0).collect();
            write!(out, " ({})", names.join(", "))?;
        }
        match &self.update {
            None => out.write_str(" DO NOTHING")?,
            Some(update) => {
                out.write_str(" DO UPDATE SET ")?;
                let assign = |(column, value): &(usize, Expression)| {
                    format!("{} = {}", COLUMNS[*column].0, excluded(&value.to_string()))
                };
                list(out, update.assignments.iter().map(assign))?;
                out.write_str(&excluded(&filter_text(update.filter.as_ref())))?;
            }
        }
        out.write_str(returning(self.returning))
    }
}

/// The second table has a name of its own; no literal reads like the one that it is given.
fn excluded(text: &str) -> String {
    text.replace("x1.", "excluded.")
}
