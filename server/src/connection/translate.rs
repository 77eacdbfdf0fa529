//! What the engine says, in the wire's words: errors, notices, types, columns, values, where a session stands.

use std::sync::Arc;

use spg_engine::binder::bound::OutputColumn;
use spg_engine::limits::VECTOR_DIMENSIONS_MAX;
use spg_engine::session::{Notice, Receipt, TransactionStatus};
use spg_engine::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};
use spg_engine::types::{check_element, too_many_dimensions};
use spg_engine::{DataType, Error, Result, SqlState, Value};
use spg_wire::value::{Floats, oid};
use spg_wire::{AuditHead, ColumnRef, ErrorFields, Severity, ValueRef};

/// An error as fields of an ErrorResponse.
pub(super) fn error_fields(error: &Error) -> ErrorFields {
    let from = error.fields();
    let sqlstate = spg_wire::SqlState::from_code(from.sqlstate.code());
    ErrorFields {
        detail: from.detail.clone(),
        hint: from.hint.clone(),
        position: from.position.map(|position| position.0),
        schema: from.schema.clone(),
        table: from.table.clone(),
        column: from.column.clone(),
        constraint: from.constraint.clone(),
        ..ErrorFields::new(Severity::Error, sqlstate, from.message.clone())
    }
}

/// An error of the daemon's own.
pub(super) fn error(sqlstate: &str, message: impl Into<String>) -> ErrorFields {
    ErrorFields::new(Severity::Error, spg_wire::SqlState::from_code(sqlstate), message)
}

/// A notice as fields of a NoticeResponse.
pub(super) fn notice_fields(notice: &Notice) -> ErrorFields {
    let severity = match notice.severity {
        "WARNING" => Severity::Warning,
        "INFO" => Severity::Info,
        _ => Severity::Notice,
    };
    let sqlstate = spg_wire::SqlState::from_code(notice.sqlstate.code());
    let fields = ErrorFields::new(severity, sqlstate, notice.message.clone());
    ErrorFields { detail: notice.detail.clone(), ..fields }
}

/// OID and modifier of a type.
pub(super) fn type_of(data_type: DataType) -> (u32, i32) {
    match data_type {
        DataType::Bool => (oid::BOOL, -1),
        DataType::Int2 => (oid::INT2, -1),
        DataType::Int4 => (oid::INT4, -1),
        DataType::Int8 => (oid::INT8, -1),
        DataType::Float4 => (oid::FLOAT4, -1),
        DataType::Float8 => (oid::FLOAT8, -1),
        DataType::Date => (oid::DATE, -1),
        DataType::Time => (oid::TIME, -1),
        DataType::Timestamp => (oid::TIMESTAMP, -1),
        DataType::TimestampTz => (oid::TIMESTAMPTZ, -1),
        DataType::Interval => (oid::INTERVAL, -1),
        DataType::Text | DataType::Unknown => (oid::TEXT, -1),
        // PostgreSQL counts the four bytes of a header.
        DataType::Varchar(length) => (oid::VARCHAR, length.map_or(-1, |length| length as i32 + 4)),
        DataType::Vector(dimensions) => (oid::VECTOR, dimensions.map_or(-1, i32::from)),
    }
}

/// A column.
pub(super) fn column(column: &OutputColumn) -> ColumnRef<'_> {
    let (type_oid, type_modifier) = type_of(column.data_type);
    ColumnRef { name: &column.name, type_oid, type_modifier }
}

/// A receipt.
#[inline]
pub(super) fn receipt(receipt: &Receipt) -> spg_wire::Receipt {
    let head = receipt.chain.map(|chain| AuditHead { sequence: chain.sequence, hash: chain.head });
    spg_wire::Receipt { commit: receipt.commit.0, head }
}

/// The type that Parse gives a parameter; Unknown is inferred. 42704 for an OID that is no type's.
pub(super) fn parameter_type(type_oid: u32) -> Result<DataType> {
    Ok(match type_oid {
        oid::INFER | oid::UNKNOWN => DataType::Unknown,
        oid::BOOL => DataType::Bool,
        oid::INT2 => DataType::Int2,
        oid::INT4 => DataType::Int4,
        oid::INT8 => DataType::Int8,
        oid::FLOAT4 => DataType::Float4,
        oid::FLOAT8 => DataType::Float8,
        oid::DATE => DataType::Date,
        oid::TIME => DataType::Time,
        oid::TIMESTAMP => DataType::Timestamp,
        oid::TIMESTAMPTZ => DataType::TimestampTz,
        oid::INTERVAL => DataType::Interval,
        oid::TEXT => DataType::Text,
        oid::VARCHAR => DataType::Varchar(None),
        oid::VECTOR => DataType::Vector(None),
        unknown => {
            let message = format!("type with OID {unknown} does not exist");
            return Err(Error::new(SqlState::UndefinedObject, message));
        }
    })
}

/// A parameter. Numbers allocate nothing.
#[inline]
pub(super) fn value(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Bool(value) => Value::Bool(value),
        ValueRef::Int2(value) => Value::Int2(value),
        ValueRef::Int4(value) => Value::Int4(value),
        ValueRef::Int8(value) => Value::Int8(value),
        ValueRef::Float4(value) => Value::Float4(value),
        ValueRef::Float8(value) => Value::Float8(value),
        ValueRef::Date(days) => Value::Date(Date::checked(days)?),
        ValueRef::Time(us) => Value::Time(Time::checked(us)?),
        ValueRef::Timestamp(us) => Value::Timestamp(Timestamp::checked(us)?),
        ValueRef::TimestampTz(us) => Value::TimestampTz(TimestampTz::checked(us)?),
        ValueRef::Interval(value) => Value::Interval(interval(value)),
        ValueRef::Text(value) => Value::Text(Arc::from(value)),
        ValueRef::Vector(value) => Value::Vector(vector(value)?),
    })
}

/// An interval.
pub(super) fn interval(value: spg_wire::value::Interval) -> Interval {
    let spg_wire::value::Interval { months, days, microseconds } = value;
    Interval { months, days, microseconds }
}

/// The numbers of a vector, if they are those of one.
fn vector(floats: Floats<'_>) -> Result<Arc<[f32]>> {
    if floats.len() > VECTOR_DIMENSIONS_MAX {
        return Err(too_many_dimensions());
    }
    if floats.is_empty() {
        let message = "vector must have at least 1 dimension";
        return Err(Error::new(SqlState::DataException, message));
    }
    let numbers: Arc<[f32]> = floats.iter().collect();
    numbers.iter().try_for_each(|number| check_element(*number))?;
    Ok(numbers)
}

/// Where a session stands.
#[inline]
pub(super) fn status(status: TransactionStatus) -> spg_wire::TransactionStatus {
    match status {
        TransactionStatus::Idle => spg_wire::TransactionStatus::Idle,
        TransactionStatus::InTransaction => spg_wire::TransactionStatus::Block,
        TransactionStatus::Failed => spg_wire::TransactionStatus::Failed,
    }
}
