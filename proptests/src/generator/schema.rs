//! Random constraints: which rows refer to which, and what must be true of each.

use std::fmt::Write as _;

use spg_engine::Value;

use super::expression::{Place, expression};
use super::query::{TABLES, table};
use super::sql::{Expression, Kind, Statement, TableName};
use super::{COLUMNS, Choices};

/// What becomes of rows that refer to one that is gone, or has another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// NO ACTION
    NoAction,
    /// RESTRICT
    Restrict,
    /// CASCADE
    Cascade,
    /// SET NULL
    SetNull,
}

/// A FOREIGN KEY: one column that refers to the primary key of a table.
#[derive(Clone, Copy, Debug)]
pub struct ForeignKey {
    /// The table that refers.
    pub child: TableName,
    /// Its column.
    pub column: usize,
    /// The table that is referred to.
    pub parent: TableName,
    /// ON DELETE
    pub on_delete: Action,
    /// ON UPDATE
    pub on_update: Action,
}

/// A CHECK.
#[derive(Clone, Debug)]
pub struct Check {
    /// Of which table.
    pub table: TableName,
    /// Whether it stands with its column, rather than behind the columns.
    pub with_column: Option<usize>,
    /// What must not be false.
    pub condition: Expression,
}

/// The constraints of all tables.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// In the order in which they were made.
    pub keys: Vec<ForeignKey>,
    /// In any.
    pub checks: Vec<Check>,
}

/// Constraints drawn from `numbers`.
pub fn schema(numbers: &[u16]) -> Schema {
    let choices = &mut Choices::new(numbers);
    let mut keys: Vec<ForeignKey> = (0..choices.below(4)).map(|_| foreign_key(choices)).collect();
    keys.sort_by_key(|key| key.child);
    let checks = (0..choices.below(3)).map(|_| check(choices)).collect();
    Schema { keys, checks }
}

fn foreign_key(choices: &mut Choices<'_>) -> ForeignKey {
    let (child, parent) = (table(choices), table(choices));
    let column = 1 + choices.below(2);
    let actions = [Action::NoAction, Action::Cascade, Action::SetNull, Action::Restrict];
    let (on_delete, on_update) = (choices.pick(&actions), choices.pick(&actions));
    ForeignKey { child, column, parent, on_delete, on_update }
}

/// Mostly true, so that there are rows.
fn check(choices: &mut Choices<'_>) -> Check {
    let place = Place { tables: 1, may_fail: false, subqueries: false };
    let table = table(choices);
    let column = 1 + choices.below(COLUMNS.len() - 1);
    let kind = COLUMNS[column].1;
    let unequal = Expression::Compare(
        super::Comparison::NotEqual,
        Box::new(Expression::Column(column)),
        Box::new(Expression::Literal(kind, choices.value(kind))),
    );
    if choices.below(2) == 0 {
        return Check { table, with_column: Some(column), condition: unequal };
    }
    let condition = Expression::Or(vec![unequal, expression(choices, place, Kind::Bool, 1)]);
    Check { table, with_column: None, condition }
}

impl Action {
    fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
        }
    }
}

impl Schema {
    /// Whether a column refers to a table.
    pub fn refers(&self, table: TableName, column: usize) -> bool {
        self.keys.iter().any(|key| (key.child, key.column) == (table, column))
    }

    /// Whether it may be told what a change of several rows comes to by which of them is followed first: several keys refer to
    /// one table, and not all of them do the same, or leave rows half changed for a CHECK to see.
    pub fn depends_on_order(&self, action: impl Fn(&ForeignKey) -> Action) -> bool {
        let refuses = |action| matches!(action, Action::NoAction | Action::Restrict);
        let pairs = self.keys.iter().enumerate();
        let mut pairs =
            pairs.flat_map(|(place, key)| self.keys[..place].iter().map(move |other| (key, other)));
        pairs.any(|(key, other)| {
            let (left, right) = (action(key), action(other));
            let is_same = left == right || refuses(left) && refuses(right);
            let is_seen_half = left == Action::SetNull && !self.checks.is_empty();
            key.parent == other.parent && (!is_same || is_seen_half)
        })
    }

    /// What makes the tables.
    pub fn definitions(&self) -> Vec<String> {
        let mut texts: Vec<String> =
            (0..TABLES).map(|table| self.table(TableName(table))).collect();
        texts.extend(self.keys.iter().map(|key| {
            let ForeignKey { child, parent, .. } = key;
            let (column, _) = COLUMNS[key.column];
            let (on_delete, on_update) = (key.on_delete.sql(), key.on_update.sql());
            format!(
                "ALTER TABLE {child} ADD FOREIGN KEY ({column}) REFERENCES {parent} \
                 ON DELETE {on_delete} ON UPDATE {on_update}"
            )
        }));
        texts
    }

    fn table(&self, table: TableName) -> String {
        let condition = |check: &Check| {
            // Nothing else in it reads like the name that a query gives its table.
            format!(" CHECK ({})", check.condition.to_string().replace("x0.", ""))
        };
        let of = |column| {
            let checks = self.checks.iter();
            checks.filter(move |check| check.table == table && check.with_column == column)
        };
        let mut text = format!("CREATE TABLE {table} (");
        for (column, definition) in super::DEFINITIONS.iter().enumerate() {
            let checks: String = of(Some(column)).map(condition).collect();
            let _ = write!(text, "{definition}{checks}, ");
        }
        text.truncate(text.len() - 2);
        text.extend(of(None).map(|check| format!(",{}", condition(check))));
        text + ")"
    }

    /// The rows that the tables begin with, so that transactions meet; they refer to rows before them, as far as they refer.
    pub fn first_rows(&self) -> Vec<Statement> {
        let rows = (0..TABLES).flat_map(|table| (1..7).map(move |id| (TableName(table), id)));
        rows.map(|(table, id)| {
            let refers_on = |column| {
                let mut keys = self.keys.iter();
                keys.any(|key| (key.child, key.column) == (table, column) && key.parent > table)
            };
            let or_null = |column, value| if refers_on(column) { Value::Null } else { value };
            let values = [
                Value::Int4(id),
                or_null(1, Value::Int4(1 + (id - 1) / 2)),
                or_null(2, Value::Int8(i64::from(1 + (id - 1) / 3))),
                Value::Text(["a", "b", ""][id as usize % 3].into()),
                Value::Bool(id % 2 == 0),
                Value::Float8(f64::from(id) / 2.0),
            ];
            Statement::Insert(table, vec![values.into_iter().map(Some).collect()], false)
        })
        .collect()
    }
}
