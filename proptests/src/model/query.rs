//! The model's queries: nested loops, then a filter, then groups, then an order.

use std::cmp::Ordering;

use spg_engine::Value;

use super::evaluate::{Result, Scope, evaluate, truth};
use super::state::State;
use super::value::{row_order, total_order};
use crate::generator::{COLUMNS, Expression, JoinKind, OrderKey, Query, Select};

type Rows = Vec<Vec<Value>>;

/// The rows of a query, in its order.
pub(super) fn answer(state: &State, query: &Query) -> Result<Rows> {
    let mut rows: Rows = Vec::new();
    for (place, (all, select)) in query.selects.iter().enumerate() {
        rows.extend(select_rows(state, select)?);
        if place > 0 && !all {
            make_distinct(&mut rows);
        }
    }
    if !query.order.is_empty() {
        rows.sort_by(|left, right| order(&query.order, left, right));
    }
    let offset = query.offset.unwrap_or(0).min(rows.len());
    rows.drain(..offset);
    rows.truncate(query.limit.unwrap_or(usize::MAX));
    Ok(rows)
}

/// How ORDER BY orders two rows.
pub(super) fn order(keys: &[OrderKey], left: &[Value], right: &[Value]) -> Ordering {
    let by_key = |key: &OrderKey| {
        let (left, right) = (&left[key.ordinal], &right[key.ordinal]);
        let nulls_first = key.nulls_first.unwrap_or(key.descending);
        match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, true) => {
                if nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, false) if key.descending => total_order(right, left),
            (false, false) => total_order(left, right),
        }
    };
    keys.iter().map(by_key).fold(Ordering::Equal, Ordering::then)
}

fn make_distinct(rows: &mut Rows) {
    rows.sort_by(|left, right| row_order(left, right));
    rows.dedup_by(|left, right| row_order(left, right).is_eq());
}

fn select_rows(state: &State, select: &Select) -> Result<Rows> {
    let mut joined = joined_rows(state, select)?;
    if let Some(filter) = &select.filter {
        let mut kept = Vec::new();
        for row in joined {
            if truth(Scope { state, row: &row, group: &[] }, filter)? == Some(true) {
                kept.push(row);
            }
        }
        joined = kept;
    }
    let mut rows = Vec::new();
    match &select.groups {
        None => {
            for row in &joined {
                rows.push(items(Scope { state, row, group: &[] }, select)?);
            }
        }
        Some(groups) => {
            for group in grouped(state, groups, joined)? {
                let nothing = vec![Value::Null; COLUMNS.len() * (select.joins.len() + 1)];
                let row = group.first().unwrap_or(&nothing);
                let scope = Scope { state, row, group: &group };
                let having = match &select.having {
                    Some(having) => truth(scope, having)? == Some(true),
                    None => true,
                };
                if having {
                    rows.push(items(scope, select)?);
                }
            }
        }
    }
    if select.distinct {
        make_distinct(&mut rows);
    }
    Ok(rows)
}

fn items(scope: Scope<'_>, select: &Select) -> Result<Vec<Value>> {
    select.items.iter().map(|item| evaluate(scope, item)).collect()
}

fn grouped(state: &State, groups: &[Expression], joined: Rows) -> Result<Vec<Rows>> {
    if groups.is_empty() {
        return Ok(vec![joined]);
    }
    let mut found: Vec<(Vec<Value>, Rows)> = Vec::new();
    for row in joined {
        let scope = Scope { state, row: &row, group: &[] };
        let key = groups.iter().map(|group| evaluate(scope, group)).collect::<Result<Vec<_>>>()?;
        match found.iter_mut().find(|(known, _)| row_order(known, &key).is_eq()) {
            Some((_, rows)) => rows.push(row),
            None => found.push((key, vec![row])),
        }
    }
    Ok(found.into_iter().map(|(_, rows)| rows).collect())
}

fn joined_rows(state: &State, select: &Select) -> Result<Rows> {
    let table_rows = |table| state.tables[&table].rows.values().map(|row| row.values.clone());
    let mut joined: Rows = table_rows(select.from).collect();
    for join in &select.joins {
        let mut next = Vec::new();
        for left in joined {
            let before = next.len();
            for right in table_rows(join.table) {
                let row: Vec<Value> = left.iter().cloned().chain(right).collect();
                let matches = match &join.on {
                    Some(on) => truth(Scope { state, row: &row, group: &[] }, on)? == Some(true),
                    None => true,
                };
                if matches {
                    next.push(row);
                }
            }
            if next.len() == before && join.kind == JoinKind::Left {
                let nulls = std::iter::repeat_n(Value::Null, COLUMNS.len());
                next.push(left.into_iter().chain(nulls).collect());
            }
        }
        joined = next;
    }
    Ok(joined)
}
