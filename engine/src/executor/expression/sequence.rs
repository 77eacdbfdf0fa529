//! nextval, currval, lastval, setval: a value for each row, in the order of the rows.

use crate::binder::bound::ScalarFunction;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::operand::{Operand, unbound};
use crate::parser::qualified_name;
use crate::storage::column::{Column, ColumnData};
use crate::storage::root::Root;
use crate::storage::sequence::{Sequence, SequenceId};
use crate::types::{DataType, Value, ValueRef};

/// A function of sequences over its operands, of which the first is a sequence's identity or its name.
pub(super) fn sequence(
    function: ScalarFunction,
    operands: &[Operand<'_>],
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let (root, environment) = (context.root, context.environment);
    if function == ScalarFunction::LastValue {
        return environment.last_value(root).map(|value| Operand::Constant(Value::Int8(value)));
    }
    if function == ScalarFunction::NextValue
        && let [Operand::Constant(Value::Int8(id))] = operands
    {
        let values = environment.next_values(root, SequenceId(*id as u64), rows)?;
        return Ok(Operand::owned(Column::new(ColumnData::Int8(values))));
    }
    let mut column = Column::with_capacity(DataType::Int8, rows);
    for row in 0..rows {
        context.interrupt.check()?;
        let strict = operands.iter().all(|operand| !operand.get(row).is_null());
        let Some(id) = strict.then(|| identity(operands[0].get(row), root)).transpose()? else {
            column.push(ValueRef::Null);
            continue;
        };
        let value = match function {
            ScalarFunction::NextValue => environment.next_values(root, id, 1)?[0],
            ScalarFunction::CurrentValue => environment.current_value(root, id)?,
            _ => {
                let ValueRef::Int8(value) = operands[1].get(row) else {
                    return Err(unbound("an argument of setval"));
                };
                let is_called = operands
                    .get(2)
                    .is_none_or(|operand| !matches!(operand.get(row), ValueRef::Bool(false)));
                environment.set_value(root, id, value, is_called)?;
                value
            }
        };
        column.push(ValueRef::Int8(value));
    }
    Ok(Operand::owned(column))
}

fn identity(value: ValueRef<'_>, root: &Root) -> Result<SequenceId> {
    match value {
        ValueRef::Int8(id) => Ok(SequenceId(id as u64)),
        ValueRef::Text(name) => find_sequence(root, name).map(Sequence::id),
        _ => Err(unbound("a sequence's name")),
    }
}

/// The sequence that a text names as a statement would: 42602 for no name, 42P01, 42809 for something else.
pub fn find_sequence<'r>(root: &'r Root, text: &str) -> Result<&'r Sequence> {
    let parts = qualified_name(text)?;
    let name = match parts.as_slice() {
        [name] => name,
        [schema, name] if schema == "public" => name,
        [schema, _] => {
            let message = format!("schema \"{schema}\" does not exist");
            return Err(Error::new(SqlState::InvalidSchemaName, message));
        }
        _ => {
            let message =
                format!("cross-database references are not implemented: \"{}\"", parts.join("."));
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
    };
    match root.sequence_by_name(name) {
        Some(sequence) => Ok(sequence),
        None if root.has_relation(name) => {
            Err(Error::new(SqlState::WrongObjectType, format!("\"{name}\" is not a sequence")))
        }
        None => {
            Err(Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist")))
        }
    }
}
