//! Functions of the catalog, and who may not write to it.

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::coercion::{Coercion, coerce};
use crate::binder::context::{Context, Typed};
use crate::binder::function::{ambiguous_function, undefined_function};
use crate::binder::resolution::{Choice, choose};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::ObjectName;
use crate::system::function::{SIGNATURES, SystemFunction, relation_number};
use crate::system::{self, Kind};
use crate::types::{DataType, Position, Value};

/// Whether a function of the catalog has this name.
pub(super) fn is_function(name: &str) -> bool {
    SIGNATURES.iter().any(|(names, ..)| names.contains(&name))
}

/// Binds a function of the catalog; gives the arguments back if it is none.
pub(super) fn bind_function(
    context: &mut Context<'_>,
    name: &str,
    arguments: Vec<Typed>,
    position: Position,
) -> Result<std::result::Result<Expression, Vec<Typed>>> {
    if !is_function(name) {
        return Ok(Err(arguments));
    }
    let types: Vec<DataType> = arguments.iter().map(Typed::data_type).collect();
    let candidates: Vec<_> = SIGNATURES
        .iter()
        .filter(|(names, parameters, ..)| names.contains(&name) && parameters.len() == types.len())
        .collect();
    let parameters: Vec<&[DataType]> =
        candidates.iter().map(|(_, parameters, ..)| *parameters).collect();
    let (_, parameters, result, function) = match choose(&parameters, &types) {
        Choice::One(index) => candidates[index],
        Choice::None => return Err(undefined_function(name, &types, position)),
        Choice::Ambiguous => return Err(ambiguous_function(name, &types, position)),
    };
    let mut operands = Vec::with_capacity(arguments.len());
    for (place, (argument, target)) in arguments.into_iter().zip(*parameters).enumerate() {
        operands.push(match &argument.expression {
            // As the literal of a regclass: looked up where it is written.
            Expression::Literal { value: Value::Text(name), data_type: DataType::Unknown }
                if place == 0 && function.takes_relation() =>
            {
                let number = relation_number(context.root, name)
                    .map_err(|error| error.at(argument.position))?;
                Expression::Literal { value: Value::Int8(number), data_type: DataType::Int8 }
            }
            _ => coerce(context, argument, *target, Coercion::Implicit)?,
        });
    }
    if let (SystemFunction::RelationNumber, [Expression::Literal { data_type, .. }]) =
        (*function, operands.as_slice())
        && *data_type == DataType::Int8
    {
        return Ok(Ok(operands.remove(0)));
    }
    let function = Function::Scalar(ScalarFunction::System(*function));
    Ok(Ok(Expression::Call { function, arguments: operands, data_type: *result }))
}

/// What a statement that writes does to a table.
#[derive(Clone, Copy)]
pub(super) enum Writes {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

/// 55000 for a view, 42501 for a catalog.
pub(super) fn refuse_write(name: &ObjectName, writes: Writes) -> Result<()> {
    let schema = name.schema.as_ref().map(|schema| &*schema.name);
    let Some((view, _)) = system::find(schema, &name.name.name) else { return Ok(()) };
    if view.kind == Kind::Catalog {
        return Err(Error::system_catalog(view.name));
    }
    let (verb, doing, event) = match writes {
        Writes::Insert => ("insert into", "inserting into", "INSERT"),
        Writes::Update => ("update", "updating", "UPDATE"),
        Writes::Delete => ("delete from", "deleting from", "DELETE"),
    };
    let message = format!("cannot {verb} view \"{}\"", view.name);
    Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message)
        .with_detail(
            "Views that do not select from a single table or view are not automatically updatable.",
        )
        .with_hint(format!(
            "To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON {event} DO INSTEAD rule."
        )))
}
