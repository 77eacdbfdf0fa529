//! Constant expressions are evaluated once, here; those that fail are left for the run, where they may never be reached.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::binder::bound::Expression;
use crate::binder::literal;
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::expression::evaluate_scalar;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::storage::root::Root;
use crate::types::Value;

/// Memory that folding one node may take: `repeat('x', 100000000)` is better left to the run, which accounts for it.
const FOLD_MEMORY_BYTES: usize = 64 << 10;

/// The constant that a cast or a call over constants is, or the expression as it was.
///
/// Invariant: operands were folded before, so looking at the direct ones suffices.
pub(super) fn fold(expression: Expression) -> Expression {
    let mut is_constant = true;
    expression.each_child(&mut |child| {
        is_constant &= matches!(child, Expression::Literal { .. });
    });
    if !is_constant {
        return expression;
    }
    let data_type = expression.data_type();
    match quick_cast(&expression).or_else(|| evaluate(&expression)) {
        Some(value) => Expression::Literal { value, data_type },
        None => expression,
    }
}

/// Casts of numbers and NULL are most of what there is to fold.
fn quick_cast(expression: &Expression) -> Option<Value> {
    let Expression::Cast { operand, target, .. } = expression else { return None };
    let Expression::Literal { value, .. } = &**operand else { return None };
    if value.is_null() {
        return Some(Value::Null);
    }
    literal::widen(value, *target)
}

fn evaluate(expression: &Expression) -> Option<Value> {
    let root = Root::empty();
    let interrupt = Interrupt::new(Arc::new(AtomicBool::new(false)), None);
    let memory = MemoryBudget::new(FOLD_MEMORY_BYTES);
    let context = Context {
        root: &root,
        parameters: &[],
        interrupt: &interrupt,
        memory: &memory,
        subqueries: &NoSubqueries,
    };
    evaluate_scalar(expression, &context).ok()
}
