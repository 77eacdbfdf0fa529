//! How many rows survive a predicate: rules of thumb over row counts, as no statistics are kept.

use super::expressions::as_column_comparison;
use crate::binder::bound::{ColumnId, Comparison, Expression, Function};
use crate::types::Value;

/// Of rows compared with `=` to a constant.
pub(super) const EQUALITY: f64 = 0.005;
/// Of rows compared with `<` and its kin, bounded at one end.
pub(super) const RANGE: f64 = 0.33;
/// Of rows bounded at both ends.
pub(super) const RANGE_BOTH: f64 = 0.02;
/// Of rows that are NULL.
const NULLS: f64 = 0.01;
/// Of rows for which anything else holds.
const UNKNOWN: f64 = 0.33;
/// Distinct values of a column that no unique index covers, as a share of its rows.
const DISTINCT: f64 = 0.1;

/// The share of rows for which `predicate` is true.
pub(super) fn selectivity(predicate: &Expression) -> f64 {
    match predicate {
        Expression::Call { function: Function::Compare(comparison), .. } => match comparison {
            Comparison::Equal => EQUALITY,
            Comparison::NotEqual => 1.0 - EQUALITY,
            _ => RANGE,
        },
        Expression::Call { function: Function::Like | Function::ILike, .. } => 0.05,
        Expression::IsNull { negated, .. } => negate_if(*negated, NULLS),
        Expression::InList { list, negated, .. } => {
            negate_if(*negated, (EQUALITY * list.len() as f64).min(0.5))
        }
        Expression::InSubquery { .. } | Expression::Column { .. } => 0.5,
        Expression::Not(operand) => 1.0 - selectivity(operand),
        Expression::And(operands) => conjuncts(operands),
        Expression::Or(operands) => {
            1.0 - operands.iter().map(|operand| 1.0 - selectivity(operand)).product::<f64>()
        }
        Expression::Literal { value: Value::Bool(true), .. } => 1.0,
        Expression::Literal { value: Value::Bool(false) | Value::Null, .. } => 0.0,
        _ => UNKNOWN,
    }
}

fn negate_if(negated: bool, share: f64) -> f64 {
    if negated { 1.0 - share } else { share }
}

/// The share of rows for which all are true; two bounds of one column count as one range.
pub(super) fn conjuncts(conjuncts: &[Expression]) -> f64 {
    let mut share = 1.0;
    let mut bounded: Vec<(ColumnId, Comparison)> = Vec::new();
    for conjunct in conjuncts {
        match as_column_comparison(conjunct) {
            Some(bound) if is_range(bound.comparison) => {
                let other_end = bounded.iter().any(|(column, comparison)| {
                    *column == bound.column && is_lower(*comparison) != is_lower(bound.comparison)
                });
                share *= if other_end { RANGE_BOTH / RANGE } else { RANGE };
                bounded.push((bound.column, bound.comparison));
            }
            _ => share *= selectivity(conjunct),
        }
    }
    share
}

/// Whether it is one of `< <= > >=`.
pub(super) fn is_range(comparison: Comparison) -> bool {
    !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
}

/// Whether it is `>` or `>=`.
pub(super) fn is_lower(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
}

/// Distinct values expected of a column of `rows` rows.
pub(super) fn distinct(rows: f64, unique: bool) -> f64 {
    if unique { rows.max(1.0) } else { (rows * DISTINCT).max(1.0) }
}

/// At least one row, and a whole number of them.
pub(super) fn rows(estimate: f64) -> f64 {
    estimate.round().max(1.0)
}
