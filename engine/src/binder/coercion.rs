//! Types: which casts exist in which context, how an expression is brought to a type, what type several have in common.

use crate::binder::bound::Expression;
use crate::binder::context::{Clause, Context, Typed};
use crate::binder::{fix, fold, literal};
use crate::error::{Error, Result, SqlState};
use crate::types::{DataType, Position, Value};

/// How much a context lets a value's type change. Each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coercion {
    /// An operand or an argument: nothing is lost.
    Implicit,
    /// A column's new value: what is lost is an error.
    Assignment,
    /// A cast that the statement wrote.
    Explicit,
}

/// Whether `source` can become `target` (modifiers aside). Unknown becomes anything: its text is read.
pub(super) fn can_coerce(source: DataType, target: DataType, coercion: Coercion) -> bool {
    use DataType::{
        Bool, Date, Int4, Interval, Text, Time, Timestamp, TimestampTz, Unknown, Varchar, Vector,
    };
    match (source, target) {
        (Timestamp, Date | Time) | (TimestampTz, Date | Time | Timestamp) | (Interval, Time) => {
            coercion >= Coercion::Assignment
        }
        (Unknown, _)
        | (Text | Varchar(_), Text | Varchar(_))
        | (Vector(_), Vector(_))
        | (Date, Timestamp | TimestampTz)
        | (Timestamp, TimestampTz)
        | (Time, Interval) => true,
        (source, target) if source.same_kind(target) => true,
        (source, target) if source.is_numeric() && target.is_numeric() => {
            rank(source) < rank(target) || coercion >= Coercion::Assignment
        }
        (_, Text | Varchar(_)) => coercion >= Coercion::Assignment,
        (Text | Varchar(_), _) | (Int4, Bool) | (Bool, Int4) => coercion == Coercion::Explicit,
        _ => false,
    }
}

/// Numeric types from narrow to wide.
fn rank(data_type: DataType) -> u8 {
    match data_type {
        DataType::Int2 => 1,
        DataType::Int4 => 2,
        DataType::Int8 => 3,
        DataType::Float4 => 4,
        DataType::Float8 => 5,
        _ => 0,
    }
}

/// The type without its modifier.
pub(super) fn without_modifier(data_type: DataType) -> DataType {
    match data_type {
        DataType::Varchar(_) => DataType::Varchar(None),
        DataType::Vector(_) => DataType::Vector(None),
        other => other,
    }
}

/// The type among its category that PostgreSQL prefers.
pub(super) fn is_preferred(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Float8
            | DataType::Bool
            | DataType::Text
            | DataType::TimestampTz
            | DataType::Interval
    )
}

/// PostgreSQL's `typcategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// B.
    Boolean,
    /// N.
    Numeric,
    /// S.
    String,
    /// D.
    Datetime,
    /// T.
    Timespan,
    /// U: user-defined.
    Vector,
    /// X.
    Unknown,
}

/// The category of a type.
pub(super) fn category(data_type: DataType) -> Category {
    match data_type {
        DataType::Unknown => Category::Unknown,
        DataType::Bool => Category::Boolean,
        DataType::Text | DataType::Varchar(_) => Category::String,
        DataType::Vector(_) => Category::Vector,
        DataType::Date | DataType::Time | DataType::Timestamp | DataType::TimestampTz => {
            Category::Datetime
        }
        DataType::Interval => Category::Timespan,
        _ => Category::Numeric,
    }
}

/// Brings an expression to a type to which it [`can_coerce`]. Implicitly, modifiers do not matter, and TEXT and
/// VARCHAR are the same thing.
pub(super) fn coerce(
    context: &mut Context<'_>,
    typed: Typed,
    target: DataType,
    coercion: Coercion,
) -> Result<Expression> {
    let Typed { expression, position } = typed;
    match expression {
        Expression::Literal { value, data_type: DataType::Unknown } => {
            let read = literal::convert_unknown(&value, target, coercion);
            let read = read.map_err(|error| error.at(position))?;
            fix::note_reading(context, &read, position);
            Ok(read)
        }
        Expression::Parameter { index, data_type: DataType::Unknown } => {
            let base = without_modifier(target);
            decide_parameter(context, index, base, position)?;
            let parameter = Expression::Parameter { index, data_type: base };
            Ok(cast(parameter, target, coercion))
        }
        expression => Ok(cast(expression, target, coercion)),
    }
}

/// Writes the cast unless the expression is of the type already.
fn cast(expression: Expression, target: DataType, coercion: Coercion) -> Expression {
    let source = expression.data_type();
    let needless = source == target
        || match coercion {
            Coercion::Implicit => source.same_kind(target) || both_text(source, target),
            Coercion::Assignment => {
                source.same_kind(target) && without_modifier(target) == target
                    || fits(source, target)
                    || both_text(source, target) && without_modifier(target) == target
            }
            Coercion::Explicit => false,
        };
    if needless {
        return expression;
    }
    fold::fold(Expression::Cast {
        operand: Box::new(expression),
        target,
        explicit: coercion == Coercion::Explicit,
    })
}

fn both_text(source: DataType, target: DataType) -> bool {
    category(source) == Category::String && category(target) == Category::String
}

/// Every VARCHAR(m) is a VARCHAR(n) for m up to n.
fn fits(source: DataType, target: DataType) -> bool {
    matches!((source, target), (DataType::Varchar(Some(m)), DataType::Varchar(Some(n))) if m <= n)
}

fn decide_parameter(
    context: &mut Context<'_>,
    index: usize,
    data_type: DataType,
    position: Position,
) -> Result<()> {
    let decided = &mut context.parameters[index];
    if *decided == DataType::Unknown {
        *decided = data_type;
    } else if *decided != data_type {
        return Err(Error::new(
            SqlState::AmbiguousParameter,
            format!("inconsistent types deduced for parameter ${}", index + 1),
        )
        .with_detail(format!("{decided} versus {data_type}"))
        .at(position));
    }
    Ok(())
}

/// Decides what nothing else did: unknown becomes text.
pub(super) fn default_to_text(context: &mut Context<'_>, typed: Typed) -> Result<Typed> {
    if typed.data_type() != DataType::Unknown {
        return Ok(typed);
    }
    let position = typed.position;
    Ok(Typed::new(coerce(context, typed, DataType::Text, Coercion::Implicit)?, position))
}

/// A condition: 42804 `argument of WHERE must be type boolean, not type integer`.
pub(super) fn to_boolean(
    context: &mut Context<'_>,
    typed: Typed,
    argument_of: &str,
) -> Result<Expression> {
    to_type(context, typed, DataType::Bool, Coercion::Implicit, argument_of)
}

/// The argument of LIMIT or OFFSET.
pub(super) fn to_row_count(
    context: &mut Context<'_>,
    typed: Typed,
    clause: Clause,
) -> Result<Expression> {
    to_type(context, typed, DataType::Int8, Coercion::Assignment, clause.name())
}

fn to_type(
    context: &mut Context<'_>,
    typed: Typed,
    target: DataType,
    coercion: Coercion,
    argument_of: &str,
) -> Result<Expression> {
    let source = typed.data_type();
    if !can_coerce(source, target, coercion) {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "argument of {argument_of} must be type {}, not type {}",
                target.sql_name(),
                source.sql_name()
            ),
        )
        .at(typed.position));
    }
    coerce(context, typed, target, coercion)
}

/// The new value of a column: 42804 where no assignment cast exists.
pub(super) fn assign(
    context: &mut Context<'_>,
    typed: Typed,
    target: DataType,
    column: &str,
) -> Result<Expression> {
    let source = typed.data_type();
    if !can_coerce(source, target, Coercion::Assignment) {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "column \"{column}\" is of type {} but expression is of type {}",
                target.sql_name(),
                source.sql_name()
            ),
        )
        .with_hint("You will need to rewrite or cast the expression.")
        .at(typed.position));
    }
    coerce(context, typed, target, Coercion::Assignment)
}

/// A cast that the statement wrote; `position` is the cast's own.
pub(super) fn cast_explicitly(
    context: &mut Context<'_>,
    typed: Typed,
    target: DataType,
    position: Position,
) -> Result<Expression> {
    let source = typed.data_type();
    if !can_coerce(source, target, Coercion::Explicit) {
        return Err(Error::new(
            SqlState::CannotCoerce,
            format!("cannot cast type {} to {}", source.sql_name(), target.sql_name()),
        )
        .at(position));
    }
    coerce(context, typed, target, Coercion::Explicit)
}

/// The type that all have in common, as PostgreSQL's `select_common_type`; `what` names the construct in errors.
pub(super) fn common_type(
    types: impl IntoIterator<Item = (DataType, Position)> + Clone,
    what: &str,
) -> Result<DataType> {
    let mut common = DataType::Unknown;
    for (data_type, position) in types.clone() {
        if data_type == DataType::Unknown || data_type.same_kind(common) {
            continue;
        }
        if common == DataType::Unknown {
            common = data_type;
        } else if category(common) != category(data_type) {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "{what} types {} and {} cannot be matched",
                    common.sql_name(),
                    data_type.sql_name()
                ),
            )
            .at(position));
        } else if !is_preferred(common)
            && can_coerce(common, data_type, Coercion::Implicit)
            && !can_coerce(data_type, common, Coercion::Implicit)
        {
            common = data_type;
        }
    }
    if common == DataType::Unknown {
        return Ok(DataType::Text);
    }
    // A modifier survives only where all agree on it.
    if types.into_iter().all(|(data_type, _)| data_type == common) {
        return Ok(common);
    }
    Ok(without_modifier(common))
}

/// Brings all to the type they have in common; the expressions and that type.
pub(super) fn to_common_type(
    context: &mut Context<'_>,
    operands: Vec<Typed>,
    what: &str,
) -> Result<(Vec<Expression>, DataType)> {
    let common =
        common_type(operands.iter().map(|typed| (typed.data_type(), typed.position)), what)?;
    let expressions = operands
        .into_iter()
        .map(|typed| {
            let source = typed.data_type();
            if !can_coerce(source, common, Coercion::Implicit) {
                let (source, common) = (source.sql_name(), common.sql_name());
                let message = format!("{what} could not convert type {source} to {common}");
                return Err(Error::new(SqlState::CannotCoerce, message).at(typed.position));
            }
            coerce(context, typed, common, Coercion::Implicit)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((expressions, common))
}

/// NULL of a type.
pub(super) fn null(data_type: DataType) -> Expression {
    Expression::Literal { value: Value::Null, data_type }
}
