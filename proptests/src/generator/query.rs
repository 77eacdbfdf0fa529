//! Random queries.

use super::expression::{Place, column, expression};
use super::sql::{Aggregate, Expression, Join, JoinKind, Kind, OrderKey, Query, Select, TableName};
use super::{COLUMNS, Choices};

/// Number of tables.
pub(super) const TABLES: usize = 2;

/// A query of any form.
pub fn query(choices: &mut Choices<'_>) -> Query {
    let parts = if choices.once_in(6) { 2 } else { 1 };
    let bounded = choices.once_in(3);
    let kinds: Vec<Kind> = (0..=choices.below(3)).map(|_| any_kind(choices)).collect();
    let grouped = parts == 1 && choices.once_in(4);
    let mut selects = Vec::new();
    for _ in 0..parts {
        let all = choices.below(2) == 0;
        let select = if grouped {
            grouped_select(choices, &kinds)
        } else {
            select(choices, &kinds, !bounded && parts == 1)
        };
        selects.push((all, select));
    }
    let width = selects[0].1.items.len();
    let mut query = Query { selects, order: Vec::new(), limit: None, offset: None };
    if bounded || choices.once_in(2) {
        let keys = if bounded { width } else { 1 + choices.below(width) };
        query.order = (0..keys).map(|ordinal| order_key(choices, ordinal)).collect();
    }
    if bounded {
        query.limit = (!choices.once_in(4)).then(|| choices.below(6));
        query.offset = choices.once_in(2).then(|| choices.below(4));
    }
    query
}

/// A query of one column.
pub(super) fn one_column(choices: &mut Choices<'_>, kind: Kind) -> Query {
    let mut select = plain(choices, vec![]);
    let place = Place { tables: 1, may_fail: false, subqueries: false };
    select.items = vec![column(choices, place, kind)];
    if choices.once_in(2) {
        select.filter = Some(expression(choices, place, Kind::Bool, 1));
    }
    Query { selects: vec![(true, select)], order: Vec::new(), limit: None, offset: None }
}

/// A query of one column and one row.
pub(super) fn one_value(choices: &mut Choices<'_>, kind: Kind) -> Query {
    let mut query = one_column(choices, kind);
    let select = &mut query.selects[0].1;
    let aggregate = choices.pick(&[Aggregate::Minimum, Aggregate::Maximum]);
    let operand = select.items.pop().map(Box::new);
    select.items.push(Expression::Aggregate(aggregate, false, operand));
    select.groups = Some(Vec::new());
    query
}

/// A query of the six columns of a table, its keys moved away.
pub(super) fn whole_rows(choices: &mut Choices<'_>) -> Query {
    let place = Place { tables: 1, may_fail: true, subqueries: true };
    let mut select = plain(choices, vec![]);
    let shift = Expression::Literal(Kind::Int4, spg_engine::Value::Int4(choices.below(9) as i32));
    let id =
        Expression::Binary(super::Operator::Add, Box::new(Expression::Column(0)), Box::new(shift));
    select.items.push(id);
    for (_, kind) in &COLUMNS[1..] {
        select.items.push(expression(choices, place, *kind, 1));
    }
    select.filter = Some(expression(choices, Place { may_fail: false, ..place }, Kind::Bool, 1));
    Query { selects: vec![(true, select)], order: Vec::new(), limit: None, offset: None }
}

pub(super) fn table(choices: &mut Choices<'_>) -> TableName {
    TableName(choices.below(TABLES))
}

impl Query {
    /// All rows of a table.
    pub fn all_of(table: TableName) -> Self {
        let choices = &mut Choices::new(&[]);
        let mut select = Select { from: table, ..plain(choices, Vec::new()) };
        select.items = (0..COLUMNS.len()).map(Expression::Column).collect();
        Self { selects: vec![(true, select)], order: Vec::new(), limit: None, offset: None }
    }
}

fn any_kind(choices: &mut Choices<'_>) -> Kind {
    choices.pick(&[Kind::Int4, Kind::Text, Kind::Int8, Kind::Bool, Kind::Float8])
}

fn order_key(choices: &mut Choices<'_>, ordinal: usize) -> OrderKey {
    let descending = choices.once_in(3);
    let nulls_first = choices.once_in(4).then(|| choices.below(2) == 0);
    OrderKey { ordinal, descending, nulls_first }
}

fn plain(choices: &mut Choices<'_>, joins: Vec<Join>) -> Select {
    Select {
        distinct: false,
        items: Vec::new(),
        from: table(choices),
        joins,
        filter: None,
        groups: None,
        having: None,
    }
}

fn joins(choices: &mut Choices<'_>) -> Vec<Join> {
    let count = if choices.once_in(3) { 1 + usize::from(choices.once_in(4)) } else { 0 };
    (0..count).map(|place| join(choices, place + 2)).collect()
}

fn join(choices: &mut Choices<'_>, tables: usize) -> Join {
    let kind = choices.pick(&[JoinKind::Inner, JoinKind::Left, JoinKind::Inner, JoinKind::Cross]);
    let place = Place { tables, may_fail: false, subqueries: false };
    let on = (kind != JoinKind::Cross).then(|| {
        if choices.once_in(4) {
            return expression(choices, place, Kind::Bool, 1);
        }
        let kind = any_kind(choices);
        let left = column(choices, Place { tables: tables - 1, ..place }, kind);
        let Expression::Column(inner) = column(choices, Place { tables: 1, ..place }, kind) else {
            return left;
        };
        let right = Expression::Column((tables - 1) * COLUMNS.len() + inner);
        let equal = Expression::Compare(super::Comparison::Equal, Box::new(left), Box::new(right));
        if choices.once_in(3) {
            return Expression::And(vec![equal, expression(choices, place, Kind::Bool, 1)]);
        }
        equal
    });
    Join { kind, table: table(choices), on }
}

fn select(choices: &mut Choices<'_>, kinds: &[Kind], may_fail: bool) -> Select {
    let joins = joins(choices);
    let mut select = plain(choices, joins);
    let distinct = choices.once_in(6);
    let tables = select.joins.len() + 1;
    let place = Place { tables, may_fail: may_fail && !distinct, subqueries: true };
    select.distinct = distinct;
    select.items = kinds.iter().map(|kind| expression(choices, place, *kind, 2)).collect();
    if choices.once_in(2) {
        select.filter =
            Some(expression(choices, Place { may_fail: false, ..place }, Kind::Bool, 2));
    }
    select
}

fn grouped_select(choices: &mut Choices<'_>, kinds: &[Kind]) -> Select {
    let joins = joins(choices);
    let mut select = plain(choices, joins);
    let place = Place { tables: select.joins.len() + 1, may_fail: false, subqueries: false };
    let groups = choices.below(3).min(kinds.len());
    let groups: Vec<_> = kinds[..groups].iter().map(|kind| column(choices, place, *kind)).collect();
    select.items.clone_from(&groups);
    for _ in 0..=choices.below(2) {
        select.items.push(aggregate(choices, place));
    }
    if choices.once_in(2) {
        select.filter = Some(expression(choices, place, Kind::Bool, 1));
    }
    if choices.once_in(4) {
        let count = Expression::Aggregate(Aggregate::CountRows, false, None);
        let least =
            Expression::Literal(Kind::Int8, spg_engine::Value::Int8(choices.below(4) as i64));
        select.having =
            Some(Expression::Compare(super::Comparison::Greater, Box::new(count), Box::new(least)));
    }
    select.groups = Some(groups);
    select
}

fn aggregate(choices: &mut Choices<'_>, place: Place) -> Expression {
    let aggregates = [
        Aggregate::CountRows,
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Minimum,
        Aggregate::Maximum,
        Aggregate::Average,
    ];
    let aggregate = choices.pick(&aggregates);
    let kind = match aggregate {
        Aggregate::CountRows => return Expression::Aggregate(aggregate, false, None),
        Aggregate::Sum | Aggregate::Average => choices.pick(&[Kind::Int4, Kind::Float8]),
        Aggregate::Minimum | Aggregate::Maximum => {
            choices.pick(&[Kind::Int4, Kind::Int8, Kind::Text, Kind::Float8])
        }
        Aggregate::Count => any_kind(choices),
    };
    let distinct = choices.once_in(4);
    Expression::Aggregate(aggregate, distinct, Some(Box::new(column(choices, place, kind))))
}
