//! Walking, rewriting and classifying bound expressions: what every stage of the planner needs.

use crate::binder::bound::{ColumnId, Comparison, Expression, Function};
use crate::types::{DataType, Value};

/// Nodes that a predicate may have after definitions were written into it; a larger one stays above its projection,
/// because nested derived tables could double it at every level.
const SUBSTITUTED_NODES_MAX: usize = 100;

/// Calls `visit` for every column that `expression` refers to.
pub(super) fn each_column(expression: &Expression, visit: &mut dyn FnMut(ColumnId)) {
    if let Expression::Column { id, .. } = expression {
        visit(*id);
    }
    expression.each_child(&mut |child| each_column(child, visit));
}

/// Whether every column of `expression` satisfies `test` (true when it has none).
pub(super) fn all_columns(expression: &Expression, test: &dyn Fn(ColumnId) -> bool) -> bool {
    let mut all = true;
    each_column(expression, &mut |id| all &= test(id));
    all
}

/// Whether `expression` refers to no column: it has one value for the whole statement.
pub(super) fn is_constant(expression: &Expression) -> bool {
    all_columns(expression, &|_| false) && !expression.is_volatile()
}

/// Replaces every column for which `definition` has an expression.
pub(super) fn replace_columns(
    expression: &mut Expression,
    definition: &dyn Fn(ColumnId) -> Option<Expression>,
) {
    if let Expression::Column { id, .. } = expression {
        if let Some(replacement) = definition(*id) {
            *expression = replacement;
        }
        return;
    }
    expression.each_child_mut(&mut |child| replace_columns(child, definition));
}

fn node_count(expression: &Expression) -> usize {
    let mut count = 1;
    expression.each_child(&mut |child| count += node_count(child));
    count
}

/// `expression` with the columns of a projection replaced by what they are computed from; None when that would make
/// it too large.
pub(super) fn substitute(
    expression: &Expression,
    columns: &[(ColumnId, Expression)],
) -> Option<Expression> {
    let find = |id| columns.iter().find(|(column, _)| *column == id).map(|(_, value)| value);
    let (mut grown, mut is_volatile) = (0, false);
    each_column(expression, &mut |id| {
        grown += find(id).map_or(0, |value| node_count(value) - 1);
        is_volatile |= find(id).is_some_and(Expression::is_volatile);
    });
    if is_volatile {
        return None;
    }
    if grown > 0 && grown + node_count(expression) > SUBSTITUTED_NODES_MAX {
        return None;
    }
    let mut substituted = expression.clone();
    replace_columns(&mut substituted, &|id| find(id).cloned());
    Some(substituted)
}

/// Appends the operands of `predicate` that must all be true, in their order.
pub(super) fn split_conjuncts(predicate: Expression, conjuncts: &mut Vec<Expression>) {
    match predicate {
        Expression::And(operands) => {
            for operand in operands {
                split_conjuncts(operand, conjuncts);
            }
        }
        Expression::Literal { value: Value::Bool(true), .. } => {}
        other => conjuncts.push(other),
    }
}

/// The predicate that all `conjuncts` are true; None when there is none.
pub(super) fn conjunction(mut conjuncts: Vec<Expression>) -> Option<Expression> {
    match conjuncts.len() {
        0 => None,
        1 => conjuncts.pop(),
        _ => Some(Expression::And(conjuncts)),
    }
}

/// The two operands of an equality.
pub(super) fn as_equality(expression: &Expression) -> Option<(&Expression, &Expression)> {
    match expression {
        Expression::Call { function: Function::Compare(Comparison::Equal), arguments, .. } => {
            match arguments.as_slice() {
                [left, right] => Some((left, right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether `predicate` is never true where all columns that satisfy `nulled` are NULL, so that an outer join below it
/// is an inner one.
pub(super) fn rejects_null(predicate: &Expression, nulled: &dyn Fn(ColumnId) -> bool) -> bool {
    match predicate {
        Expression::Call {
            function: Function::Compare(_) | Function::Like | Function::ILike,
            arguments,
            ..
        } => arguments.iter().any(|argument| is_null_with(argument, nulled)),
        Expression::IsNull { operand, negated: true } | Expression::InList { operand, .. } => {
            is_null_with(operand, nulled)
        }
        Expression::Column { id, .. } => nulled(*id),
        Expression::And(operands) => operands.iter().any(|operand| rejects_null(operand, nulled)),
        Expression::Or(operands) => operands.iter().all(|operand| rejects_null(operand, nulled)),
        _ => false,
    }
}

/// Whether `expression` is surely NULL where all columns that satisfy `nulled` are.
fn is_null_with(expression: &Expression, nulled: &dyn Fn(ColumnId) -> bool) -> bool {
    match expression {
        Expression::Column { id, .. } => nulled(*id),
        Expression::Cast { operand, .. } => is_null_with(operand, nulled),
        Expression::Call {
            function: Function::Arithmetic(_) | Function::Negate,
            arguments,
            ..
        } => arguments.iter().any(|argument| is_null_with(argument, nulled)),
        _ => false,
    }
}

/// A comparison of a column with a constant, the column on the left.
pub(super) struct ColumnComparison {
    /// The column.
    pub column: ColumnId,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: of the column's own kind of type.
    pub value: Expression,
}

/// Reads `expression` as a comparison of a bare column (lossless widening casts aside) with a constant.
pub(super) fn as_column_comparison(expression: &Expression) -> Option<ColumnComparison> {
    let Expression::Call { function: Function::Compare(comparison), arguments, .. } = expression
    else {
        return None;
    };
    let [left, right] = arguments.as_slice() else { return None };
    if let Some((column, value)) = column_and_value(left, right) {
        return Some(ColumnComparison { column, comparison: *comparison, value });
    }
    let (column, value) = column_and_value(right, left)?;
    Some(ColumnComparison { column, comparison: mirrored(*comparison), value })
}

/// The comparison with its sides exchanged.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

fn column_and_value(side: &Expression, other: &Expression) -> Option<(ColumnId, Expression)> {
    if !is_constant(other) {
        return None;
    }
    match side {
        Expression::Column { id, data_type } if comparable(*data_type, other.data_type()) => {
            Some((*id, other.clone()))
        }
        Expression::Cast { operand, target, .. } => match operand.as_ref() {
            Expression::Column { id, data_type } => {
                Some((*id, narrowed(other, *data_type, *target)?))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether values of both types are stored alike.
pub(super) fn comparable(left: DataType, right: DataType) -> bool {
    left.same_kind(right) || (left.is_text() && right.is_text())
}

/// `value`, which was compared with a column of `column` cast to `target`, as a constant of the column's own type;
/// None where the cast can change the comparison.
fn narrowed(value: &Expression, column: DataType, target: DataType) -> Option<Expression> {
    let unbounded = matches!(target, DataType::Text | DataType::Varchar(None));
    if column.is_text() && unbounded && value.data_type().is_text() {
        return Some(value.clone());
    }
    let Expression::Literal { value, .. } = value else { return None };
    let integer = match (target, value) {
        (DataType::Int4, Value::Int4(value)) => i64::from(*value),
        (DataType::Int8, Value::Int8(value)) => *value,
        // Doubles hold every integer of 32 bits, so the cast keeps order and equality.
        (DataType::Float8, Value::Float8(value))
            if column != DataType::Int8 && value.trunc() == *value && value.abs() < 4e9 =>
        {
            *value as i64
        }
        _ => return None,
    };
    let value = match column {
        DataType::Int2 => Value::Int2(i16::try_from(integer).ok()?),
        DataType::Int4 => Value::Int4(i32::try_from(integer).ok()?),
        _ => return None,
    };
    Some(Expression::Literal { value, data_type: column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(value: Value, data_type: DataType) -> Expression {
        Expression::Literal { value, data_type }
    }

    #[test]
    fn constants_are_narrowed_only_where_they_fit() {
        let cases = [
            (DataType::Int4, DataType::Int8, Value::Int8(5), Some(Value::Int4(5))),
            (DataType::Int4, DataType::Int8, Value::Int8(1 << 40), None),
            (DataType::Int2, DataType::Int4, Value::Int4(-7), Some(Value::Int2(-7))),
            (DataType::Int4, DataType::Float8, Value::Float8(5.0), Some(Value::Int4(5))),
            (DataType::Int4, DataType::Float8, Value::Float8(5.5), None),
            (DataType::Int8, DataType::Float8, Value::Float8(5.0), None),
            (DataType::Int4, DataType::Float8, Value::Float8(f64::NAN), None),
        ];
        for (column, target, value, expected) in cases {
            let narrowed = narrowed(&literal(value, target), column, target);
            assert_eq!(narrowed, expected.map(|value| literal(value, column)));
        }
    }

    #[test]
    fn substitution_stops_before_it_explodes() {
        let column = |id| Expression::Column { id, data_type: DataType::Int4 };
        let mut value = column(0);
        for level in 1..40 {
            let sum = Expression::Call {
                function: Function::Arithmetic(crate::binder::bound::Arithmetic::Add),
                arguments: vec![column(level - 1), column(level - 1)],
                data_type: DataType::Int4,
            };
            let columns = [(level - 1, value.clone())];
            let Some(next) = substitute(&sum, &columns) else {
                assert!(level > 3, "small definitions are written in");
                return;
            };
            value = next;
        }
        panic!("an expression doubled forty times");
    }
}
