//! Infix operators: which types they take, what they yield.

use crate::binder::bound::{Arithmetic, Comparison, Expression, Function};
use crate::binder::coercion::{Category, Coercion, category, coerce};
use crate::binder::context::{Context, Typed, leftmost};
use crate::binder::fold::fold;
use crate::binder::{datetime, literal};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::BinaryOperator;
use crate::types::{DataType, Position};

/// What an operator is made of once its operands' types are known.
struct Resolved {
    function: Function,
    operand_type: DataType,
    data_type: DataType,
}

/// Why there is no operator.
enum Missing {
    None,
    Ambiguous,
}

/// Binds `left operator right`; `position` is the operator's own.
pub(super) fn bind_binary(
    context: &mut Context<'_>,
    operator: BinaryOperator,
    left: Typed,
    right: Typed,
    position: Position,
) -> Result<Typed> {
    let start = leftmost(leftmost(left.position, position), right.position);
    let (left, right) = match datetime::bind_operator(context, operator, left, right, position)? {
        Ok(bound) => return Ok(Typed::new(bound, start)),
        Err(operands) => operands,
    };
    let (left_type, right_type) = (left.data_type(), right.data_type());
    let resolved = match resolve(operator, left_type, right_type) {
        Ok(resolved) => resolved,
        Err(missing) => {
            let signature =
                format!("{} {} {}", left_type.sql_name(), symbol(operator), right_type.sql_name());
            return Err(match missing {
                Missing::None => undefined_operator(&signature, position),
                Missing::Ambiguous => ambiguous_operator(&signature, position),
            });
        }
    };
    let operand_type = narrowed(&resolved, &left, &right);
    let coercion = if operator == BinaryOperator::Concatenate {
        Coercion::Explicit
    } else {
        Coercion::Implicit
    };
    let arguments = vec![
        coerce_operand(context, left, operand_type, coercion)?,
        coerce_operand(context, right, operand_type, coercion)?,
    ];
    let call =
        Expression::Call { function: resolved.function, arguments, data_type: resolved.data_type };
    Ok(Typed::new(fold(call), start))
}

/// The type to compare in: a constant is narrowed to the other side's integer type where it fits, so that an index
/// on the other side serves.
fn narrowed(resolved: &Resolved, left: &Typed, right: &Typed) -> DataType {
    let (left_type, right_type) = (left.data_type(), right.data_type());
    if matches!(resolved.function, Function::Compare(_)) {
        if fits(right, left_type) {
            return left_type;
        }
        if fits(left, right_type) {
            return right_type;
        }
    }
    resolved.operand_type
}

/// Whether it is an integer constant in the range of an integer type.
pub(super) fn fits(constant: &Typed, target: DataType) -> bool {
    match &constant.expression {
        Expression::Literal { value, data_type } => {
            data_type.is_integer() && target.is_integer() && literal::widen(value, target).is_some()
        }
        _ => false,
    }
}

/// Only `||` casts as if the cast were written, and then only what is not text already.
fn coerce_operand(
    context: &mut Context<'_>,
    operand: Typed,
    target: DataType,
    coercion: Coercion,
) -> Result<Expression> {
    let coercion = if category(operand.data_type()) == category(target) {
        Coercion::Implicit
    } else {
        coercion
    };
    coerce(context, operand, target, coercion)
}

/// `left comparison right` where the operator is implied (IN, USING, CASE); `position` is where to report.
pub(super) fn compare(
    context: &mut Context<'_>,
    operator: BinaryOperator,
    left: Typed,
    right: Typed,
    position: Position,
) -> Result<Expression> {
    bind_binary(context, operator, left, right, position).map(|typed| typed.expression)
}

fn resolve(
    operator: BinaryOperator,
    left: DataType,
    right: DataType,
) -> std::result::Result<Resolved, Missing> {
    use BinaryOperator as B;
    match operator {
        B::Equal => comparison(Comparison::Equal, left, right),
        B::NotEqual => comparison(Comparison::NotEqual, left, right),
        B::Less => comparison(Comparison::Less, left, right),
        B::LessOrEqual => comparison(Comparison::LessOrEqual, left, right),
        B::Greater => comparison(Comparison::Greater, left, right),
        B::GreaterOrEqual => comparison(Comparison::GreaterOrEqual, left, right),
        B::Add => arithmetic(Arithmetic::Add, left, right),
        B::Subtract => arithmetic(Arithmetic::Subtract, left, right),
        B::Multiply => arithmetic(Arithmetic::Multiply, left, right),
        B::Divide => arithmetic(Arithmetic::Divide, left, right),
        B::Modulo => arithmetic(Arithmetic::Modulo, left, right),
        B::Power => arithmetic(Arithmetic::Power, left, right),
        B::Concatenate => concatenation(left, right),
        B::DistanceEuclidean => distance(Function::DistanceEuclidean, left, right),
        B::DistanceInnerProduct => distance(Function::DistanceInnerProduct, left, right),
        B::DistanceCosine => distance(Function::DistanceCosine, left, right),
        B::DistanceTaxicab => distance(Function::DistanceTaxicab, left, right),
    }
}

fn comparison(
    comparison: Comparison,
    left: DataType,
    right: DataType,
) -> std::result::Result<Resolved, Missing> {
    let operand_type = comparison_type(left, right).ok_or(Missing::None)?;
    Ok(Resolved {
        function: Function::Compare(comparison),
        operand_type,
        data_type: DataType::Bool,
    })
}

/// The type as which two types compare; None where they do not.
pub(super) fn comparison_type(left: DataType, right: DataType) -> Option<DataType> {
    match (category(left), category(right)) {
        (Category::Numeric, Category::Numeric) => Some(wider(left, right)),
        (
            Category::Numeric | Category::Boolean | Category::Datetime | Category::Timespan,
            Category::Unknown,
        ) => Some(left),
        (
            Category::Unknown,
            Category::Numeric | Category::Boolean | Category::Datetime | Category::Timespan,
        ) => Some(right),
        (Category::Boolean, Category::Boolean) => Some(DataType::Bool),
        (Category::Timespan, Category::Timespan) => Some(DataType::Interval),
        (Category::Datetime, Category::Datetime) if left == right => Some(left),
        (Category::Datetime, Category::Datetime) if left.is_datetime() && right.is_datetime() => {
            Some(datetime::wider(left, right))
        }
        (Category::Vector, Category::Vector | Category::Unknown)
        | (Category::Unknown, Category::Vector) => Some(DataType::Vector(None)),
        (Category::String | Category::Unknown, Category::String | Category::Unknown) => {
            Some(DataType::Text)
        }
        _ => None,
    }
}

/// The type in which two numeric types are compared and computed: an integer beside a REAL is DOUBLE PRECISION.
fn wider(left: DataType, right: DataType) -> DataType {
    use DataType::{Float4, Float8, Int2, Int4, Int8};
    match (left, right) {
        (Float4, Float4) => Float4,
        (Int2, Int2) => Int2,
        (Int2 | Int4, Int2 | Int4) => Int4,
        (Int2 | Int4 | Int8, Int2 | Int4 | Int8) => Int8,
        _ => Float8,
    }
}

fn arithmetic(
    arithmetic: Arithmetic,
    left: DataType,
    right: DataType,
) -> std::result::Result<Resolved, Missing> {
    let operands = match (category(left), category(right)) {
        (Category::Unknown, Category::Unknown) => {
            if arithmetic != Arithmetic::Power {
                return Err(Missing::Ambiguous);
            }
            DataType::Float8
        }
        (Category::Numeric, Category::Numeric) => wider(left, right),
        (Category::Numeric, Category::Unknown) => left,
        (Category::Unknown, Category::Numeric) => right,
        (Category::Vector, Category::Vector | Category::Unknown)
        | (Category::Unknown, Category::Vector)
            if matches!(
                arithmetic,
                Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply
            ) =>
        {
            DataType::Vector(None)
        }
        _ => return Err(Missing::None),
    };
    let operand_type = match arithmetic {
        Arithmetic::Power => DataType::Float8,
        Arithmetic::Modulo if operands.is_float() => DataType::Float8,
        _ => operands,
    };
    Ok(Resolved {
        function: Function::Arithmetic(arithmetic),
        operand_type,
        data_type: operand_type,
    })
}

fn concatenation(left: DataType, right: DataType) -> std::result::Result<Resolved, Missing> {
    let is_string = |data_type| matches!(category(data_type), Category::String | Category::Unknown);
    if left.is_vector() || right.is_vector() || !(is_string(left) || is_string(right)) {
        return Err(Missing::None);
    }
    Ok(Resolved {
        function: Function::Concatenate,
        operand_type: DataType::Text,
        data_type: DataType::Text,
    })
}

fn distance(
    function: Function,
    left: DataType,
    right: DataType,
) -> std::result::Result<Resolved, Missing> {
    let is_vector = |data_type| matches!(category(data_type), Category::Vector | Category::Unknown);
    if !(is_vector(left) && is_vector(right)) {
        return Err(Missing::None);
    }
    Ok(Resolved { function, operand_type: DataType::Vector(None), data_type: DataType::Float8 })
}

/// The operator as written.
fn symbol(operator: BinaryOperator) -> &'static str {
    use BinaryOperator as B;
    match operator {
        B::Equal => "=",
        B::NotEqual => "<>",
        B::Less => "<",
        B::LessOrEqual => "<=",
        B::Greater => ">",
        B::GreaterOrEqual => ">=",
        B::Add => "+",
        B::Subtract => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::Modulo => "%",
        B::Power => "^",
        B::Concatenate => "||",
        B::DistanceEuclidean => "<->",
        B::DistanceInnerProduct => "<#>",
        B::DistanceCosine => "<=>",
        B::DistanceTaxicab => "<+>",
    }
}

/// 42883 `operator does not exist: integer = text`.
pub(super) fn undefined_operator(signature: &str, position: Position) -> Error {
    Error::new(SqlState::UndefinedFunction, format!("operator does not exist: {signature}"))
        .with_hint("No operator matches the given name and argument types. You might need to add explicit type casts.")
        .at(position)
}

/// 42725 `operator is not unique: unknown + unknown`.
pub(super) fn ambiguous_operator(signature: &str, position: Position) -> Error {
    Error::new(SqlState::AmbiguousFunction, format!("operator is not unique: {signature}"))
        .with_hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
        .at(position)
}
