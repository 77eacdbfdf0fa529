//! nextval, currval, setval, lastval: a sequence that is named by a constant is looked up here, any other when it runs.

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::coercion::{Coercion, coerce};
use crate::binder::context::{Context, Typed};
use crate::binder::function::undefined_function;
use crate::error::{Result, SqlState};
use crate::executor::expression::find_sequence;
use crate::types::{DataType, Position, Value};

/// Binds a call of a function of sequences.
pub(super) fn bind_sequence_call(
    context: &mut Context<'_>,
    function: ScalarFunction,
    name: &str,
    arguments: Vec<Typed>,
    position: Position,
) -> Result<Typed> {
    let types: Vec<DataType> = arguments.iter().map(Typed::data_type).collect();
    let integer = |data_type: &DataType| data_type.is_integer() || *data_type == DataType::Unknown;
    let fits = match (function, types.as_slice()) {
        (ScalarFunction::LastValue, []) => true,
        (ScalarFunction::NextValue | ScalarFunction::CurrentValue, [name]) => is_name(*name),
        (ScalarFunction::SetValue, [name, value]) => is_name(*name) && integer(value),
        (ScalarFunction::SetValue, [name, value, called]) => {
            let truth = matches!(called, DataType::Bool | DataType::Unknown);
            is_name(*name) && integer(value) && truth
        }
        _ => false,
    };
    if !fits {
        return Err(undefined_function(name, &types, position));
    }
    let targets = [DataType::Text, DataType::Int8, DataType::Bool];
    let mut operands = Vec::with_capacity(arguments.len());
    for (place, (argument, target)) in arguments.into_iter().zip(targets).enumerate() {
        operands.push(match &argument.expression {
            Expression::Literal { value: Value::Text(text), data_type: DataType::Unknown }
                if place == 0 =>
            {
                let sequence = match find_sequence(context.root, text) {
                    Ok(sequence) => sequence,
                    // PostgreSQL reads the name here, and looks at what it names when it runs.
                    Err(error) if error.sqlstate() == SqlState::WrongObjectType => {
                        return Err(error);
                    }
                    Err(error) => return Err(error.at(argument.position)),
                };
                let value = Value::Int8(sequence.id().0 as i64);
                Expression::Literal { value, data_type: DataType::Int8 }
            }
            _ => coerce(context, argument, target, Coercion::Implicit)?,
        });
    }
    let function = Function::Scalar(function);
    let call = Expression::Call { function, arguments: operands, data_type: DataType::Int8 };
    Ok(Typed::new(call, position))
}

fn is_name(data_type: DataType) -> bool {
    data_type.is_text() || data_type == DataType::Unknown
}
