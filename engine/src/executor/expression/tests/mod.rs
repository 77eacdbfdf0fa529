//! What the kernels' tests share: expressions in short, contexts, outcomes as text.

mod columns;
mod values;

use std::sync::Arc;

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::error::Result;
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::environment::NoEnvironment;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::storage::root::Root;
use crate::types::{DataType, Value, format_value};

/// Calls `body` with a context of these parameters.
fn with_context<R>(parameters: &[Value], body: impl FnOnce(&Context<'_>) -> R) -> R {
    let (root, interrupt, memory) = (Root::empty(), Interrupt::default(), MemoryBudget::default());
    let result = body(&Context {
        root: &root,
        parameters,
        interrupt: &interrupt,
        memory: &memory,
        subqueries: &NoSubqueries,
        environment: &NoEnvironment,
        reads: None,
    });
    assert_eq!(memory.used_bytes(), 0, "evaluation gives its memory back");
    result
}

/// A value as its output function writes it, NULL as `NULL`, an error as its code and message.
fn written(outcome: Result<Value>) -> String {
    match outcome {
        Ok(Value::Null) => "NULL".to_owned(),
        Ok(value) => {
            let mut out = String::new();
            format_value(value.as_ref(), &mut out);
            out
        }
        Err(error) => error.to_string(),
    }
}

fn type_of(value: &Value) -> DataType {
    match value {
        Value::Null => DataType::Unknown,
        Value::Bool(_) => DataType::Bool,
        Value::Int2(_) => DataType::Int2,
        Value::Int4(_) => DataType::Int4,
        Value::Int8(_) => DataType::Int8,
        Value::Float4(_) => DataType::Float4,
        Value::Float8(_) => DataType::Float8,
        Value::Date(_) => DataType::Date,
        Value::Time(_) => DataType::Time,
        Value::Timestamp(_) => DataType::Timestamp,
        Value::TimestampTz(_) => DataType::TimestampTz,
        Value::Interval(_) => DataType::Interval,
        Value::Text(_) => DataType::Text,
        Value::Vector(_) => DataType::Vector(None),
    }
}

fn literal(value: Value) -> Expression {
    let data_type = type_of(&value);
    Expression::Literal { value, data_type }
}

fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

fn vector(elements: &[f32]) -> Value {
    Value::Vector(Arc::from(elements))
}

fn call(function: Function, arguments: Vec<Expression>, data_type: DataType) -> Expression {
    Expression::Call { function, arguments, data_type }
}

fn scalar(function: ScalarFunction, data_type: DataType, arguments: Vec<Value>) -> Expression {
    call(Function::Scalar(function), arguments.into_iter().map(literal).collect(), data_type)
}
