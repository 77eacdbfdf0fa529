//! Constant expressions are evaluated once, here; those that fail are left for the run, where they may never be reached.

use crate::binder::bound::Expression;
use crate::binder::literal;

/// The constant that a cast or a call over constants is, or the expression as it was.
pub(super) fn fold(expression: Expression) -> Expression {
    if let Expression::Cast { operand, target, .. } = &expression
        && let Expression::Literal { value, .. } = &**operand
    {
        if value.is_null() {
            return Expression::Literal { value: value.clone(), data_type: *target };
        }
        if let Some(value) = literal::widen(value, *target) {
            return Expression::Literal { value, data_type: *target };
        }
    }
    expression
}
