//! Constant expressions are evaluated once, here; those that fail are left for the run, where they may never be reached.

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::literal;
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::environment::NoEnvironment;
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
    let data_type = expression.data_type();
    if has_null_operand(&expression) {
        return Expression::Literal { value: Value::Null, data_type };
    }
    if !is_constant {
        return expression;
    }
    match quick_cast(&expression).or_else(|| evaluate(&expression)) {
        Some(value) => Expression::Literal { value, data_type },
        None => expression,
    }
}

/// Whether a call is NULL whatever its other arguments are, which PostgreSQL does not evaluate then either.
fn has_null_operand(expression: &Expression) -> bool {
    let Expression::Call { function, arguments, .. } = expression else { return false };
    let is_null = |argument: &Expression| matches!(argument, Expression::Literal { value, .. } if value.is_null());
    match function {
        Function::DistinctFrom(_)
        | Function::Greatest
        | Function::Least
        | Function::Scalar(ScalarFunction::Concat | ScalarFunction::ConcatWithSeparator) => false,
        Function::NullIf => arguments.first().is_some_and(is_null),
        _ => arguments.iter().any(is_null),
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
    let interrupt = Interrupt::default();
    let memory = MemoryBudget::new(FOLD_MEMORY_BYTES);
    let context = Context {
        root: &root,
        parameters: &[],
        interrupt: &interrupt,
        memory: &memory,
        subqueries: &NoSubqueries,
        environment: &NoEnvironment,
        reads: None,
    };
    evaluate_scalar(expression, &context).ok()
}
