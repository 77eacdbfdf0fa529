//! Functions that applications call beside the views: names of things by number, definitions, sizes.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, SqlState};
use crate::parser::qualified_name;
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::system::source::{DATABASE, Source};
use crate::system::{Namespace, oid, pg_catalog, text};
use crate::types::{DataType, Value, ValueRef};

/// A function over the catalog or the session. Strict unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemFunction {
    /// `pg_backend_pid()`
    BackendPid,
    /// `pg_blocking_pids(session)`
    BlockingSessions,
    /// `pg_cancel_backend(session)`
    CancelSession,
    /// `pg_terminate_backend(session [, milliseconds])`
    TerminateSession,
    /// `col_description(relation, column)`, `obj_description(thing[, catalog])`: nothing has one.
    Description,
    /// `current_user`
    CurrentUser,
    /// `pg_database_size(name)`
    DatabaseSize,
    /// `pg_encoding_to_char(number)`
    EncodingName,
    /// `pg_get_expr(text, relation[, pretty])`
    ExpressionText,
    /// `format_type(type, modifier)`; not strict in the modifier
    FormatType,
    /// `has_table_privilege` and its kin: everybody may do everything.
    HasPrivilege,
    /// `pg_get_constraintdef(constraint[, pretty])`
    ConstraintDefinition,
    /// `pg_get_indexdef(index[, column, pretty])`
    IndexDefinition,
    /// `pg_indexes_size(relation)`
    IndexesSize,
    /// `pg_is_in_recovery()`
    IsInRecovery,
    /// `regclass(name)`: the number of a relation; 42P01.
    RelationNumber,
    /// `to_regclass(name)`: the same, or NULL.
    RelationNumberOrNull,
    /// `number::regclass`: the name of a relation.
    RelationName,
    /// `pg_relation_size(relation)`
    RelationSize,
    /// `pg_get_serial_sequence(table, column)`
    SerialSequence,
    /// `current_setting(name[, missing_ok])`
    Setting,
    /// `set_config(name, value, is_local)`; strict in nothing
    SetSetting,
    /// `pg_size_pretty(bytes)`
    SizePretty,
    /// `pg_table_is_visible(relation)`
    TableIsVisible,
    /// `pg_total_relation_size(relation)`
    TotalSize,
    /// `pg_get_userbyid(role)`
    UserName,
}

use SystemFunction as F;

const TEXT: DataType = DataType::Text;
const BOOL: DataType = DataType::Bool;
const INT4: DataType = DataType::Int4;
const INT8: DataType = DataType::Int8;

/// Names, types of the arguments, type of the result. Relations are numbers, or names where PostgreSQL takes a regclass.
pub const SIGNATURES: &[(&[&str], &[DataType], DataType, SystemFunction)] = &[
    (&["pg_backend_pid"], &[], INT4, F::BackendPid),
    (&["pg_blocking_pids"], &[INT4], TEXT, F::BlockingSessions),
    (&["pg_cancel_backend"], &[INT4], BOOL, F::CancelSession),
    (&["pg_terminate_backend"], &[INT4], BOOL, F::TerminateSession),
    (&["pg_terminate_backend"], &[INT4, INT8], BOOL, F::TerminateSession),
    (&["current_setting"], &[TEXT], TEXT, F::Setting),
    (&["current_setting"], &[TEXT, BOOL], TEXT, F::Setting),
    (&["col_description"], &[INT8, INT4], TEXT, F::Description),
    (&["obj_description"], &[INT8], TEXT, F::Description),
    (&["obj_description"], &[INT8, TEXT], TEXT, F::Description),
    (&["current_user", "session_user", "user", "current_role"], &[], TEXT, F::CurrentUser),
    (&["pg_database_size"], &[TEXT], INT8, F::DatabaseSize),
    (&["pg_database_size"], &[INT8], INT8, F::DatabaseSize),
    (&["pg_encoding_to_char"], &[INT4], TEXT, F::EncodingName),
    (&["pg_get_expr"], &[TEXT, INT8], TEXT, F::ExpressionText),
    (&["pg_get_expr"], &[TEXT, INT8, BOOL], TEXT, F::ExpressionText),
    (&["format_type"], &[INT8, INT4], TEXT, F::FormatType),
    (&["has_schema_privilege", "has_table_privilege"], &[TEXT, TEXT], BOOL, F::HasPrivilege),
    (&["has_schema_privilege", "has_table_privilege"], &[INT8, TEXT], BOOL, F::HasPrivilege),
    (&["pg_get_constraintdef"], &[INT8], TEXT, F::ConstraintDefinition),
    (&["pg_get_constraintdef"], &[INT8, BOOL], TEXT, F::ConstraintDefinition),
    (&["pg_get_indexdef"], &[INT8], TEXT, F::IndexDefinition),
    (&["pg_get_indexdef"], &[INT8, INT4, BOOL], TEXT, F::IndexDefinition),
    (&["pg_indexes_size"], &[INT8], INT8, F::IndexesSize),
    (&["pg_indexes_size"], &[TEXT], INT8, F::IndexesSize),
    (&["pg_is_in_recovery"], &[], BOOL, F::IsInRecovery),
    (&["regclass"], &[TEXT], INT8, F::RelationNumber),
    (&["regclass"], &[INT8], TEXT, F::RelationName),
    (&["to_regclass"], &[TEXT], INT8, F::RelationNumberOrNull),
    (&["pg_relation_size", "pg_table_size"], &[INT8], INT8, F::RelationSize),
    (&["pg_relation_size", "pg_table_size"], &[TEXT], INT8, F::RelationSize),
    (&["pg_get_serial_sequence"], &[TEXT, TEXT], TEXT, F::SerialSequence),
    (&["set_config"], &[TEXT, TEXT, BOOL], TEXT, F::SetSetting),
    (&["pg_size_pretty"], &[INT8], TEXT, F::SizePretty),
    (&["pg_table_is_visible"], &[INT8], BOOL, F::TableIsVisible),
    (&["pg_total_relation_size"], &[INT8], INT8, F::TotalSize),
    (&["pg_total_relation_size"], &[TEXT], INT8, F::TotalSize),
    (&["pg_get_userbyid"], &[INT8], TEXT, F::UserName),
];

impl SystemFunction {
    /// Whether its first argument is a regclass in PostgreSQL.
    pub fn takes_relation(self) -> bool {
        matches!(self, F::RelationNumber | F::RelationSize | F::TotalSize | F::IndexesSize)
    }

    /// Whether a NULL in the argument at `place` gives NULL.
    pub fn is_strict_in(self, place: usize) -> bool {
        match self {
            F::FormatType => place == 0,
            F::SetSetting => false,
            _ => true,
        }
    }

    /// Whether a call does something.
    pub fn has_effect(self) -> bool {
        matches!(self, F::SetSetting | F::CancelSession | F::TerminateSession)
    }

    /// Its name, or the first of those that mean the same.
    pub fn name(self) -> &'static str {
        let found = SIGNATURES.iter().find(|(.., function)| *function == self);
        found.and_then(|(names, ..)| names.first()).unwrap_or(&"-")
    }
}

/// The value of a call, none of whose arguments is NULL that it is strict in.
pub fn call(
    function: SystemFunction,
    arguments: &[ValueRef<'_>],
    source: &Source<'_>,
) -> Result<Value> {
    let root = source.root;
    let text = |text: String| Value::Text(Arc::from(text));
    let optional = |found: Option<String>| found.map_or(Value::Null, text);
    Ok(match (function, arguments) {
        (F::BackendPid, _) => Value::Int4(source.live.session_id()?),
        (F::BlockingSessions, [ValueRef::Int4(session)]) => {
            let found = pg_catalog::blockers(source, *session)?;
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            text(format!("{{{}}}", found.join(",")))
        }
        (F::CancelSession, [ValueRef::Int4(session)]) => Value::Bool(source.live.cancel(*session)?),
        (F::TerminateSession, [ValueRef::Int4(session), rest @ ..]) => {
            Value::Bool(source.live.terminate(*session, patience(rest)?)?)
        }
        (F::Setting, [ValueRef::Text(name), missing_ok @ ..]) => {
            let settings = source.live.settings()?.into_iter();
            let found = settings.rev().find(|setting| setting.name.eq_ignore_ascii_case(name));
            match found {
                Some(setting) => text(setting.value),
                None if missing_ok == [ValueRef::Bool(true)] => Value::Null,
                None => return Err(unknown_setting(name)),
            }
        }
        (F::CurrentUser, _) => text(source.live.user()?),
        (F::Description, _) => Value::Null,
        (F::DatabaseSize, _) => Value::Int8(root.tables().map(|table| total_bytes(table)).sum()),
        (F::EncodingName, [ValueRef::Int4(6)]) => text("UTF8".to_owned()),
        (F::EncodingName, _) => text(String::new()),
        (F::ExpressionText, [ValueRef::Text(written), ..]) => text((*written).to_owned()),
        (F::FormatType, [ValueRef::Int8(number), modifier]) => {
            let ValueRef::Int4(modifier) = modifier else {
                return Ok(text(format_type(*number, -1)));
            };
            text(format_type(*number, *modifier))
        }
        (F::HasPrivilege | F::IsInRecovery, _) => Value::Bool(function == F::HasPrivilege),
        (F::ConstraintDefinition, [ValueRef::Int8(number), rest @ ..]) => {
            let is_pretty = matches!(rest, [ValueRef::Bool(true)]);
            optional(constraint_definition(source, *number, is_pretty)?)
        }
        (F::IndexDefinition, [ValueRef::Int8(number), rest @ ..]) => {
            let column = match rest {
                [ValueRef::Int4(column), ..] => *column,
                _ => 0,
            };
            optional(index_definition(root, *number, column))
        }
        (F::RelationNumber, [ValueRef::Text(name)]) => Value::Int8(relation_number(root, name)?),
        (F::RelationNumberOrNull, [ValueRef::Text(name)]) => {
            relation_number(root, name).map_or(Value::Null, Value::Int8)
        }
        (F::RelationName, [ValueRef::Int8(number)]) => text(relation_name(root, *number)),
        (F::SerialSequence, [ValueRef::Text(table), ValueRef::Text(column)]) => {
            optional(serial_sequence(root, table, column)?)
        }
        (F::SetSetting, [ValueRef::Text(name), value, local]) => {
            let value = match value {
                ValueRef::Text(value) => Some(*value),
                _ => None,
            };
            text(source.live.set_setting(name, value, *local == ValueRef::Bool(true))?)
        }
        (F::SetSetting, _) => {
            let message = "SET requires parameter name";
            return Err(Error::new(SqlState::NullValueNotAllowed, message));
        }
        (F::SizePretty, [ValueRef::Int8(bytes)]) => text(size_pretty(*bytes)),
        (F::TableIsVisible, [ValueRef::Int8(number)]) => {
            let found = oid::relation_name(root, *number);
            found.map_or(Value::Null, |(namespace, _)| {
                Value::Bool(namespace != Namespace::Information)
            })
        }
        (F::UserName, _) => text(DATABASE.to_owned()),
        (F::RelationSize | F::TotalSize | F::IndexesSize, [relation]) => {
            size(function, *relation, root)?.map_or(Value::Null, Value::Int8)
        }
        _ => return Err(Error::new(SqlState::InternalError, "arguments of a catalog function")),
    })
}

/// How long a session that is asked to end is waited for.
fn patience(arguments: &[ValueRef<'_>]) -> Result<Duration> {
    let [ValueRef::Int8(milliseconds)] = arguments else {
        return Ok(Duration::ZERO);
    };
    u64::try_from(*milliseconds).map(Duration::from_millis).map_err(|_| {
        let message = "\"timeout\" must not be negative";
        Error::new(SqlState::NumericValueOutOfRange, message)
    })
}

/// The number of the relation that a text names: 42602 for no name, 42P01.
pub fn relation_number(root: &Root, name: &str) -> Result<i64> {
    if let Ok(number) = name.trim().parse() {
        return Ok(number);
    }
    let parts = qualified_name(name)?;
    let found = match parts.as_slice() {
        [name] => oid::relation_named(root, None, name),
        [schema, name] => oid::relation_named(root, Some(schema), name),
        _ => None,
    };
    found.ok_or_else(|| {
        let message = format!("relation \"{}\" does not exist", parts.join("."));
        Error::new(SqlState::UndefinedTable, message)
    })
}

/// The name of a relation, with its schema where it is not found without; the number where there is none.
fn relation_name(root: &Root, number: i64) -> String {
    match oid::relation_name(root, number) {
        Some((Namespace::Information, name)) => format!("information_schema.{}", text::name(&name)),
        Some((_, name)) => text::name(&name),
        None if number == 0 => "-".to_owned(),
        None => number.to_string(),
    }
}

fn format_type(number: i64, modifier: i32) -> String {
    let Some(data_type) = oid::type_of(number) else {
        return if number == 0 { "-" } else { "???" }.to_owned();
    };
    match (data_type, modifier) {
        (DataType::Varchar(_), 5..) => DataType::Varchar(Some(modifier as u32 - 4)).to_string(),
        (DataType::Vector(_), 1..) => DataType::Vector(Some(modifier as u16)).to_string(),
        _ => data_type.to_string(),
    }
}

fn constraint_definition(
    source: &Source<'_>,
    number: i64,
    is_pretty: bool,
) -> Result<Option<String>> {
    let found = source.constraints().find(|(schema, one)| oid::constraint(schema, one) == number);
    found.map(|(schema, one)| text::constraint(source, schema, &one, is_pretty)).transpose()
}

/// The whole definition of an index, or the name of one of its columns.
fn index_definition(root: &Root, number: i64, column: i32) -> Option<String> {
    let id = oid::index_of(number)?;
    root.tables().find_map(|table| {
        let schema = table.schema();
        let index = schema.index(id)?;
        if column == 0 {
            return Some(text::index(schema, index));
        }
        let key = index.columns.get(usize::try_from(column - 1).ok()?)?;
        Some(text::name(&schema.columns[key.ordinal].name))
    })
}

fn serial_sequence(root: &Root, table: &str, column: &str) -> Result<Option<String>> {
    let number = relation_number(root, table)?;
    let Some(table) = oid::table_of(number).and_then(|id| root.table(id)) else { return Ok(None) };
    let schema = table.schema();
    let Some(ordinal) = schema.ordinal(column) else {
        let name = &schema.name;
        let message = format!("column \"{column}\" of relation \"{name}\" does not exist");
        return Err(Error::new(SqlState::UndefinedColumn, message));
    };
    let sequence = schema.columns[ordinal].sequences.first().and_then(|id| root.sequence(*id));
    Ok(sequence.map(|sequence| format!("public.{}", text::name(&sequence.definition.name))))
}

/// Bytes of a table, of its indexes, or of both; an index is one by itself.
fn size(function: SystemFunction, relation: ValueRef<'_>, root: &Root) -> Result<Option<i64>> {
    let number = match relation {
        ValueRef::Text(name) => relation_number(root, name)?,
        ValueRef::Int8(number) => number,
        _ => return Ok(None),
    };
    if let Some(table) = oid::table_of(number).and_then(|id| root.table(id)) {
        return Ok(Some(match function {
            F::RelationSize => table.heap_bytes() as i64,
            F::IndexesSize => index_bytes(table),
            _ => total_bytes(table),
        }));
    }
    let id = oid::index_of(number);
    let index = id.and_then(|id| root.tables().find_map(|table| table.index(id)));
    if let Some(index) = index {
        return Ok(Some(if function == F::IndexesSize { 0 } else { index.heap_bytes() as i64 }));
    }
    // Views and sequences are there, and take nothing.
    Ok(oid::relation_name(root, number).map(|_| 0))
}

fn index_bytes(table: &Table) -> i64 {
    table.indexes().iter().map(|index| index.heap_bytes() as i64).sum()
}

fn total_bytes(table: &Table) -> i64 {
    table.heap_bytes() as i64 + index_bytes(table)
}

/// Bytes in the largest unit that leaves at least ten of them, rounded, as PostgreSQL does.
fn size_pretty(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    const LIMIT: i64 = 10 * 1_024;
    let mut size = bytes;
    // From the second unit on half of one is kept to round by.
    let mut halves = false;
    for (place, unit) in UNITS.iter().enumerate() {
        let limit = if halves { 2 * LIMIT - 1 } else { LIMIT };
        if size.saturating_abs() < limit || place + 1 == UNITS.len() {
            let rounded = if halves { i64::midpoint(size, size.signum()) } else { size };
            return format!("{rounded} {unit}");
        }
        size /= if halves { 1_024 } else { 512 };
        halves = true;
    }
    unreachable!("the last unit takes any size")
}

#[cold]
fn unknown_setting(name: &str) -> Error {
    let message = format!("unrecognized configuration parameter \"{name}\"");
    Error::new(SqlState::UndefinedObject, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_in_postgresql() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (-10_752, "-11 kB"),
            (20_000_000, "19 MB"),
            (1 << 40, "1024 GB"),
            (i64::MAX, "8192 PB"),
        ] {
            assert_eq!(size_pretty(bytes), text);
        }
    }
}
