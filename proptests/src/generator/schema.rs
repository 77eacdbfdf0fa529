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
    /// SET DEFAULT
    SetDefault,
}

/// A FOREIGN KEY: columns that refer to the primary key of a table.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// The table that refers.
    pub child: TableName,
    /// Its columns, one for each of the primary key.
    pub columns: Vec<usize>,
    /// The table that is referred to.
    pub parent: TableName,
    /// MATCH FULL: all of the columns are NULL or none.
    pub is_full: bool,
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
    /// The columns of each table's primary key, where it is not the first column alone.
    pub primary: Vec<Vec<usize>>,
    /// In the order in which they were made.
    pub keys: Vec<ForeignKey>,
    /// In any.
    pub checks: Vec<Check>,
}

/// Constraints drawn from `numbers`.
pub fn schema(numbers: &[u16]) -> Schema {
    let choices = &mut Choices::new(numbers);
    let keys = choices.below(4);
    let primary: Vec<_> = (0..TABLES).map(|_| primary_key(choices)).collect();
    let mut keys: Vec<_> = (0..keys).map(|_| foreign_key(choices, &primary)).collect();
    keys.sort_by_key(|key| key.child);
    let checks = (0..choices.below(3)).map(|_| check(choices)).collect();
    Schema { primary, keys, checks }
}

fn primary_key(choices: &mut Choices<'_>) -> Vec<usize> {
    let further = choices.once_in(3).then(|| 1 + choices.below(2));
    std::iter::once(0).chain(further).collect()
}

fn foreign_key(choices: &mut Choices<'_>, primary: &[Vec<usize>]) -> ForeignKey {
    let (child, parent) = (table(choices), table(choices));
    let columns = match primary[parent.0].len() {
        1 => vec![1 + choices.below(2)],
        _ => choices.pick(&[[1, 2], [2, 1], [0, 1], [0, 2]]).to_vec(),
    };
    let is_full = columns.len() > 1 && choices.once_in(3);
    let actions =
        [Action::NoAction, Action::Cascade, Action::SetNull, Action::Restrict, Action::SetDefault];
    let (on_delete, on_update) = (choices.pick(&actions), choices.pick(&actions));
    ForeignKey { child, columns, parent, is_full, on_delete, on_update }
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
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

impl Schema {
    /// Whether a column refers to a table.
    pub fn refers(&self, table: TableName, column: usize) -> bool {
        self.keys.iter().any(|key| key.child == table && key.columns.contains(&column))
    }

    /// The columns of a table's primary key.
    pub fn primary(&self, table: TableName) -> &[usize] {
        self.primary.get(table.0).map_or(&[0], Vec::as_slice)
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
            let is_set = matches!(left, Action::SetNull | Action::SetDefault);
            let is_seen_half = is_set && !self.checks.is_empty();
            let shared = key.columns.iter().any(|column| other.columns.contains(column));
            key.parent == other.parent && (!is_same || is_seen_half || shared && !refuses(left))
        }) || self.keys.iter().any(|key| {
            let primary = self.primary(key.child);
            !refuses(action(key)) && key.columns.iter().any(|column| primary.contains(column))
        })
    }

    /// What makes the tables.
    pub fn definitions(&self) -> Vec<String> {
        let mut texts: Vec<String> =
            (0..TABLES).map(|table| self.table(TableName(table))).collect();
        texts.extend(self.keys.iter().map(|key| {
            let ForeignKey { child, parent, .. } = key;
            let (columns, full) =
                (names(&key.columns), if key.is_full { " MATCH FULL" } else { "" });
            let (on_delete, on_update) = (key.on_delete.sql(), key.on_update.sql());
            format!(
                "ALTER TABLE {child} ADD FOREIGN KEY ({columns}) REFERENCES {parent}{full} \
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
        let primary = self.primary(table);
        let mut text = format!("CREATE TABLE {table} (");
        for (column, definition) in super::DEFINITIONS.iter().enumerate() {
            let key = if primary == [column] { " PRIMARY KEY" } else { "" };
            let checks: String = of(Some(column)).map(condition).collect();
            let _ = write!(text, "{definition}{key}{checks}, ");
        }
        text.truncate(text.len() - 2);
        if primary.len() > 1 {
            let _ = write!(text, ", PRIMARY KEY ({})", names(primary));
        }
        text.extend(of(None).map(|check| format!(",{}", condition(check))));
        text + ")"
    }

    /// The rows that the tables begin with, so that transactions meet; they refer to rows before them, as far as they can.
    pub fn first_rows(&self) -> Vec<Statement> {
        let mut rows: Vec<(TableName, Vec<Value>)> = Vec::new();
        for (table, id) in
            (0..TABLES).flat_map(|table| FIRST_IDS.map(move |id| (TableName(table), id)))
        {
            let mut row = first_row(id);
            for key in self.keys.iter().filter(|key| key.child == table) {
                let is_referred = |(table, other): &(TableName, Vec<Value>)| {
                    let primary = self.primary(*table);
                    let mut pairs = key.columns.iter().zip(primary);
                    *table == key.parent
                        && pairs.all(|(own, theirs)| number(&row[*own]) == number(&other[*theirs]))
                };
                if !rows.iter().chain([&(table, row.clone())]).any(is_referred) {
                    let free = key.columns.iter().filter(|own| !self.primary(table).contains(own));
                    free.for_each(|own| row[*own] = Value::Null);
                }
            }
            rows.push((table, row));
        }
        let insert = |(table, row): (TableName, Vec<Value>)| {
            Statement::Insert(table, vec![row.into_iter().map(Some).collect()], false)
        };
        rows.into_iter().map(insert).collect()
    }
}

/// Names of columns.
fn names(columns: &[usize]) -> String {
    columns.iter().map(|column| COLUMNS[*column].0).collect::<Vec<_>>().join(", ")
}

/// The ids that each table begins with.
pub(super) const FIRST_IDS: std::ops::Range<i32> = 1..7;

/// The row that a table begins with, whatever it refers to.
pub(super) fn first_row(id: i32) -> Vec<Value> {
    vec![
        Value::Int4(id),
        Value::Int4(1 + (id - 1) / 2),
        Value::Int8(i64::from(1 + (id - 1) / 3)),
        Value::Text(["a", "b", ""][id as usize % 3].into()),
        Value::Bool(id % 2 == 0),
        Value::Float8(f64::from(id) / 2.0),
    ]
}

/// An integer of any width.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int4(number) => Some(i64::from(*number)),
        Value::Int8(number) => Some(*number),
        _ => None,
    }
}
