//! Named functions: the table of what exists, and the choice among functions of one name.

use crate::binder::advisory::{AdvisoryAction, AdvisoryFunction};
use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::coercion::{Category, Coercion, category, coerce};
use crate::binder::context::{Context, Typed};
use crate::binder::fold::fold;
use crate::binder::resolution::{Choice, choose};
use crate::binder::sequence::bind_sequence_call;
use crate::binder::{aggregate, catalog, conditional, datetime, literal};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::system;
use crate::types::{DataType, Position, Value};

/// A function that can be called.
struct Signature {
    names: &'static [&'static str],
    parameters: &'static [DataType],
    result: DataType,
    /// None is one that PostgreSQL has and SPG has not: 0A000 rather than a wrong choice among the others.
    function: Option<Function>,
}

const INT2: DataType = DataType::Int2;
const INT4: DataType = DataType::Int4;
const INT8: DataType = DataType::Int8;
const FLOAT4: DataType = DataType::Float4;
const FLOAT8: DataType = DataType::Float8;
const TEXT: DataType = DataType::Text;
const BOOL: DataType = DataType::Bool;
const VECTOR: DataType = DataType::Vector(None);

const fn scalar(
    names: &'static [&'static str],
    parameters: &'static [DataType],
    result: DataType,
    function: ScalarFunction,
) -> Signature {
    Signature { names, parameters, result, function: Some(Function::Scalar(function)) }
}

const fn distance(names: &'static [&'static str], function: Function) -> Signature {
    Signature { names, parameters: &[VECTOR, VECTOR], result: FLOAT8, function: Some(function) }
}

const fn missing(names: &'static [&'static str], parameters: &'static [DataType]) -> Signature {
    Signature { names, parameters, result: TEXT, function: None }
}

use ScalarFunction as S;

const LOCK: AdvisoryFunction = AdvisoryFunction::of_session(AdvisoryAction::Lock);
const XACT_LOCK: AdvisoryFunction = AdvisoryFunction::of_transaction(AdvisoryAction::Lock);
const TRY_LOCK: AdvisoryFunction = AdvisoryFunction::of_session(AdvisoryAction::TryLock);
const XACT_TRY_LOCK: AdvisoryFunction = AdvisoryFunction::of_transaction(AdvisoryAction::TryLock);
const UNLOCK: AdvisoryFunction = AdvisoryFunction::of_session(AdvisoryAction::Unlock);
const UNLOCK_ALL: AdvisoryFunction = AdvisoryFunction::of_session(AdvisoryAction::UnlockAll);

/// Functions with a fixed number of arguments.
static SIGNATURES: &[Signature] = &[
    scalar(&["abs"], &[INT2], INT2, S::Abs),
    scalar(&["abs"], &[INT4], INT4, S::Abs),
    scalar(&["abs"], &[INT8], INT8, S::Abs),
    scalar(&["abs"], &[FLOAT4], FLOAT4, S::Abs),
    scalar(&["abs"], &[FLOAT8], FLOAT8, S::Abs),
    scalar(&["ceil", "ceiling"], &[FLOAT8], FLOAT8, S::Ceil),
    scalar(&["floor"], &[FLOAT8], FLOAT8, S::Floor),
    scalar(&["round"], &[FLOAT8], FLOAT8, S::Round),
    scalar(&["round"], &[FLOAT8, INT4], FLOAT8, S::Round),
    scalar(&["trunc"], &[FLOAT8], FLOAT8, S::Trunc),
    scalar(&["sign"], &[FLOAT8], FLOAT8, S::Sign),
    scalar(&["mod"], &[INT2, INT2], INT2, S::Mod),
    scalar(&["mod"], &[INT4, INT4], INT4, S::Mod),
    scalar(&["mod"], &[INT8, INT8], INT8, S::Mod),
    scalar(&["mod"], &[FLOAT8, FLOAT8], FLOAT8, S::Mod),
    scalar(&["power", "pow"], &[FLOAT8, FLOAT8], FLOAT8, S::Power),
    scalar(&["sqrt"], &[FLOAT8], FLOAT8, S::Sqrt),
    scalar(&["exp"], &[FLOAT8], FLOAT8, S::Exp),
    scalar(&["ln"], &[FLOAT8], FLOAT8, S::Ln),
    scalar(&["log", "log10"], &[FLOAT8], FLOAT8, S::Log10),
    scalar(&["pi"], &[], FLOAT8, S::Pi),
    scalar(&["length", "char_length", "character_length"], &[TEXT], INT4, S::Length),
    scalar(&["octet_length"], &[TEXT], INT4, S::OctetLength),
    scalar(&["lower"], &[TEXT], TEXT, S::Lower),
    scalar(&["upper"], &[TEXT], TEXT, S::Upper),
    scalar(&["substr", "substring"], &[TEXT, INT4], TEXT, S::Substring),
    scalar(&["substr", "substring"], &[TEXT, INT4, INT4], TEXT, S::Substring),
    missing(&["substring"], &[TEXT, TEXT]),
    missing(&["substring"], &[TEXT, TEXT, TEXT]),
    scalar(&["btrim"], &[TEXT], TEXT, S::TrimBoth),
    scalar(&["btrim"], &[TEXT, TEXT], TEXT, S::TrimBoth),
    scalar(&["ltrim"], &[TEXT], TEXT, S::TrimLeft),
    scalar(&["ltrim"], &[TEXT, TEXT], TEXT, S::TrimLeft),
    scalar(&["rtrim"], &[TEXT], TEXT, S::TrimRight),
    scalar(&["rtrim"], &[TEXT, TEXT], TEXT, S::TrimRight),
    scalar(&["replace"], &[TEXT, TEXT, TEXT], TEXT, S::Replace),
    scalar(&["strpos", "position"], &[TEXT, TEXT], INT4, S::StringPosition),
    scalar(&["left"], &[TEXT, INT4], TEXT, S::Left),
    scalar(&["right"], &[TEXT, INT4], TEXT, S::Right),
    scalar(&["repeat"], &[TEXT, INT4], TEXT, S::Repeat),
    scalar(&["reverse"], &[TEXT], TEXT, S::Reverse),
    scalar(&["lpad"], &[TEXT, INT4], TEXT, S::PadLeft),
    scalar(&["lpad"], &[TEXT, INT4, TEXT], TEXT, S::PadLeft),
    scalar(&["rpad"], &[TEXT, INT4], TEXT, S::PadRight),
    scalar(&["rpad"], &[TEXT, INT4, TEXT], TEXT, S::PadRight),
    scalar(&["starts_with"], &[TEXT, TEXT], BOOL, S::StartsWith),
    scalar(&["split_part"], &[TEXT, TEXT, INT4], TEXT, S::SplitPart),
    scalar(&["vector_dims"], &[VECTOR], INT4, S::VectorDimensions),
    scalar(&["vector_norm"], &[VECTOR], FLOAT8, S::VectorNorm),
    scalar(&["inner_product"], &[VECTOR, VECTOR], FLOAT8, S::InnerProduct),
    scalar(&["pg_advisory_lock"], &[INT8], TEXT, S::Advisory(LOCK)),
    scalar(&["pg_advisory_lock"], &[INT4, INT4], TEXT, S::Advisory(LOCK)),
    scalar(&["pg_advisory_lock_shared"], &[INT8], TEXT, S::Advisory(LOCK.shared())),
    scalar(&["pg_advisory_lock_shared"], &[INT4, INT4], TEXT, S::Advisory(LOCK.shared())),
    scalar(&["pg_advisory_xact_lock"], &[INT8], TEXT, S::Advisory(XACT_LOCK)),
    scalar(&["pg_advisory_xact_lock"], &[INT4, INT4], TEXT, S::Advisory(XACT_LOCK)),
    scalar(&["pg_advisory_xact_lock_shared"], &[INT8], TEXT, S::Advisory(XACT_LOCK.shared())),
    scalar(&["pg_advisory_xact_lock_shared"], &[INT4, INT4], TEXT, S::Advisory(XACT_LOCK.shared())),
    scalar(&["pg_try_advisory_lock"], &[INT8], BOOL, S::Advisory(TRY_LOCK)),
    scalar(&["pg_try_advisory_lock"], &[INT4, INT4], BOOL, S::Advisory(TRY_LOCK)),
    scalar(&["pg_try_advisory_lock_shared"], &[INT8], BOOL, S::Advisory(TRY_LOCK.shared())),
    scalar(&["pg_try_advisory_lock_shared"], &[INT4, INT4], BOOL, S::Advisory(TRY_LOCK.shared())),
    scalar(&["pg_try_advisory_xact_lock"], &[INT8], BOOL, S::Advisory(XACT_TRY_LOCK)),
    scalar(&["pg_try_advisory_xact_lock"], &[INT4, INT4], BOOL, S::Advisory(XACT_TRY_LOCK)),
    scalar(
        &["pg_try_advisory_xact_lock_shared"],
        &[INT8],
        BOOL,
        S::Advisory(XACT_TRY_LOCK.shared()),
    ),
    scalar(
        &["pg_try_advisory_xact_lock_shared"],
        &[INT4, INT4],
        BOOL,
        S::Advisory(XACT_TRY_LOCK.shared()),
    ),
    scalar(&["pg_advisory_unlock"], &[INT8], BOOL, S::Advisory(UNLOCK)),
    scalar(&["pg_advisory_unlock"], &[INT4, INT4], BOOL, S::Advisory(UNLOCK)),
    scalar(&["pg_advisory_unlock_shared"], &[INT8], BOOL, S::Advisory(UNLOCK.shared())),
    scalar(&["pg_advisory_unlock_shared"], &[INT4, INT4], BOOL, S::Advisory(UNLOCK.shared())),
    scalar(&["pg_advisory_unlock_all"], &[], TEXT, S::Advisory(UNLOCK_ALL)),
    distance(&["l2_distance"], Function::DistanceEuclidean),
    distance(&["cosine_distance"], Function::DistanceCosine),
    distance(&["l1_distance"], Function::DistanceTaxicab),
];

/// Binds name(arguments).
pub(super) fn bind_call(
    context: &mut Context<'_>,
    call: &ast::FunctionCall,
    position: Position,
) -> Result<Typed> {
    let name = &*call.name.name;
    if let Some(kind) = aggregate::Kind::named(name) {
        return aggregate::bind_aggregate(context, kind, call, position);
    }
    if call.distinct && is_function(name) {
        return Err(Error::new(
            SqlState::WrongObjectType,
            format!("DISTINCT specified, but {name} is not an aggregate function"),
        )
        .at(position));
    }
    let arguments = &call.arguments;
    match name {
        "coalesce" => return conditional::bind_coalesce(context, arguments, position),
        "nullif" => return conditional::bind_null_if(context, arguments, position),
        "greatest" => {
            return conditional::bind_extreme(context, Function::Greatest, arguments, position);
        }
        "least" => return conditional::bind_extreme(context, Function::Least, arguments, position),
        _ => {}
    }
    let arguments = conditional::bind_all(context, arguments)?;
    if arguments.is_empty()
        && let Some(value) = session_value(name)
    {
        return Ok(Typed::new(literal::text(&value), position));
    }
    if let Some(function) = sequence_function(name) {
        return bind_sequence_call(context, function, name, arguments, position);
    }
    let arguments = match datetime::bind_function(context, name, arguments, position)? {
        Ok(bound) => return Ok(Typed::new(bound, position)),
        Err(arguments) => arguments,
    };
    let arguments = match catalog::bind_function(context, name, arguments, position)? {
        Ok(bound) => return Ok(Typed::new(bound, position)),
        Err(arguments) => arguments,
    };
    if let Some(function) = variadic(name, &arguments) {
        let call = bind_variadic(context, function, arguments)?;
        return Ok(Typed::new(call, position));
    }
    bind_scalar(context, name, arguments, position)
}

/// Whether a function that is no aggregate has this name: of any other PostgreSQL says that it does not exist.
fn is_function(name: &str) -> bool {
    matches!(name, "coalesce" | "nullif" | "greatest" | "least" | "concat")
        || session_value(name).is_some()
        || sequence_function(name).is_some()
        || catalog::is_function(name)
        || SIGNATURES.iter().any(|signature| signature.names.contains(&name))
}

fn sequence_function(name: &str) -> Option<ScalarFunction> {
    Some(match name {
        "nextval" => S::NextValue,
        "currval" => S::CurrentValue,
        "lastval" => S::LastValue,
        "setval" => S::SetValue,
        _ => return None,
    })
}

/// What a session answers without looking at data.
fn session_value(name: &str) -> Option<String> {
    Some(match name {
        "version" => format!("PostgreSQL 15.0 (SPG {})", env!("CARGO_PKG_VERSION")),
        "current_database" | "current_catalog" => system::source::DATABASE.to_owned(),
        "current_schema" => system::Namespace::Public.name().to_owned(),
        _ => return None,
    })
}

fn bind_scalar(
    context: &mut Context<'_>,
    name: &str,
    arguments: Vec<Typed>,
    position: Position,
) -> Result<Typed> {
    let types: Vec<DataType> = arguments.iter().map(Typed::data_type).collect();
    let candidates: Vec<&Signature> = SIGNATURES
        .iter()
        .filter(|signature| {
            signature.parameters.len() == types.len() && signature.names.contains(&name)
        })
        .collect();
    let parameters: Vec<&[DataType]> =
        candidates.iter().map(|signature| signature.parameters).collect();
    let chosen = match choose(&parameters, &types) {
        Choice::One(index) => candidates[index],
        Choice::None => return Err(undefined_function(name, &types, position)),
        Choice::Ambiguous => return Err(ambiguous_function(name, &types, position)),
    };
    let Some(function) = chosen.function else {
        return Err(Error::not_supported(&signature_text(name, chosen.parameters), position));
    };
    let mut operands = Vec::with_capacity(arguments.len());
    for (argument, target) in arguments.into_iter().zip(chosen.parameters) {
        operands.push(coerce(context, argument, *target, Coercion::Implicit)?);
    }
    let call = Expression::Call { function, arguments: operands, data_type: chosen.result };
    Ok(Typed::new(fold(call), position))
}

/// concat and `concat_ws` take any number of arguments of any type.
fn variadic(name: &str, arguments: &[Typed]) -> Option<ScalarFunction> {
    match (name, arguments) {
        ("concat", [_, ..]) => Some(ScalarFunction::Concat),
        ("concat_ws", [separator, _, ..]) => {
            let separator = category(separator.data_type());
            let is_text = matches!(separator, Category::String | Category::Unknown);
            is_text.then_some(ScalarFunction::ConcatWithSeparator)
        }
        _ => None,
    }
}

/// concat and `concat_ws` write their arguments as text.
fn bind_variadic(
    context: &mut Context<'_>,
    function: ScalarFunction,
    arguments: Vec<Typed>,
) -> Result<Expression> {
    let mut texts = Vec::with_capacity(arguments.len());
    for argument in arguments {
        texts.push(match category(argument.data_type()) {
            Category::Boolean => letter(context, &argument.expression)?,
            Category::String | Category::Unknown => {
                coerce(context, argument, DataType::Text, Coercion::Implicit)?
            }
            _ => coerce(context, argument, DataType::Text, Coercion::Explicit)?,
        });
    }
    Ok(fold(Expression::Call {
        function: Function::Scalar(function),
        arguments: texts,
        data_type: DataType::Text,
    }))
}

/// concat writes a boolean as t or f, unlike the cast to text.
fn letter(context: &mut Context<'_>, boolean: &Expression) -> Result<Expression> {
    if let Expression::Literal { value: Value::Bool(value), .. } = boolean {
        return Ok(literal::text(if *value { "t" } else { "f" }));
    }
    let when_true = context.copy(boolean)?;
    let when_false = Expression::Not(Box::new(context.copy(boolean)?));
    Ok(Expression::Case {
        branches: vec![(when_true, literal::text("t")), (when_false, literal::text("f"))],
        otherwise: None,
        data_type: DataType::Text,
    })
}

fn signature_text(name: &str, types: &[DataType]) -> String {
    let types: Vec<&str> = types.iter().map(|data_type| data_type.sql_name()).collect();
    format!("function {name}({})", types.join(", "))
}

/// 42883 `function foo(integer) does not exist`.
pub(super) fn undefined_function(name: &str, types: &[DataType], position: Position) -> Error {
    Error::new(
        SqlState::UndefinedFunction,
        format!("{} does not exist", signature_text(name, types)),
    )
    .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.")
    .at(position)
}

/// 42725 `function sum(unknown) is not unique`.
pub(super) fn ambiguous_function(name: &str, types: &[DataType], position: Position) -> Error {
    Error::new(
        SqlState::AmbiguousFunction,
        format!("{} is not unique", signature_text(name, types)),
    )
    .with_hint(
        "Could not choose a best candidate function. You might need to add explicit type casts.",
    )
    .at(position)
}
