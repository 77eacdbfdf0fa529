//! Numbers of things, as PostgreSQL's catalogs have them: fixed ones below 16384, then those of relations.

pub use crate::storage::DATABASE_OID as DATABASE;
use crate::storage::root::Root;
use crate::storage::schema::{CheckConstraint, ForeignKey, Schema};
use crate::storage::sequence::SequenceId;
use crate::storage::{FIRST_NORMAL_OID, IndexId, TableId};
use crate::system::source::Constraint;
use crate::system::{Namespace, all, find};
use crate::types::DataType;

/// From here on views are numbered.
const FIRST_VIEW: i64 = 12_000;

/// Everybody is the one role there is.
pub const ROLE: i64 = 10;
/// The role that a session believes to be.
pub const ROLE_OF_SESSION: i64 = 11;
/// The access method of tables.
pub const HEAP: i64 = 2;
/// The access method of indexes.
pub const BTREE: i64 = 403;
/// The collation of everything: bytes.
pub const COLLATION: i64 = 950;
/// `pg_class` itself, where something is described by the catalog that it is in.
pub const PG_CLASS: i64 = 1_259;

/// A table's or a view's number.
pub fn table(id: TableId) -> i64 {
    match id.system_place() {
        Some(place) => FIRST_VIEW + place as i64,
        None => relation(id.0),
    }
}

/// An index's number, which is its constraint's too.
pub fn index(id: IndexId) -> i64 {
    relation(id.0)
}

/// A sequence's number.
pub fn sequence(id: SequenceId) -> i64 {
    relation(id.0)
}

fn relation(id: u64) -> i64 {
    FIRST_NORMAL_OID + id as i64
}

/// A number for what has only a name within its table (a CHECK, a foreign key, a DEFAULT): in the upper half of an OID's
/// range.
pub fn named(table: TableId, what: &str, name: &str) -> i64 {
    // FNV-1a: it has to be the same at the next start.
    let bytes = table.0.to_le_bytes().into_iter().chain(what.bytes()).chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (0x8000_0000 | (hash >> 33)) as i64
}

/// A schema's number.
pub fn namespace(namespace: Namespace) -> i64 {
    match namespace {
        Namespace::Catalog => 11,
        Namespace::Public => 2_200,
        Namespace::Information => 13_000,
    }
}

/// A type's number; that of `vector`, which is no type of PostgreSQL itself, is the wire's.
pub fn data_type(data_type: DataType) -> i64 {
    match data_type {
        DataType::Bool => 16,
        DataType::Int8 => 20,
        DataType::Int2 => 21,
        DataType::Int4 => 23,
        DataType::Text | DataType::Unknown => 25,
        DataType::Float4 => 700,
        DataType::Float8 => 701,
        DataType::Varchar(_) => 1_043,
        DataType::Date => 1_082,
        DataType::Time => 1_083,
        DataType::Timestamp => 1_114,
        DataType::TimestampTz => 1_184,
        DataType::Interval => 1_186,
        DataType::Vector(_) => VECTOR,
    }
}

/// The number of `vector` on the wire.
pub const VECTOR: i64 = 16_388;

/// The types that there are, without modifiers.
pub const TYPES: [DataType; 14] = [
    DataType::Bool,
    DataType::Int8,
    DataType::Int2,
    DataType::Int4,
    DataType::Text,
    DataType::Float4,
    DataType::Float8,
    DataType::Varchar(None),
    DataType::Date,
    DataType::Time,
    DataType::Timestamp,
    DataType::TimestampTz,
    DataType::Interval,
    DataType::Vector(None),
];

/// A type by its number.
pub fn type_of(number: i64) -> Option<DataType> {
    TYPES.into_iter().find(|known| data_type(*known) == number)
}

/// `atttypmod`: a VARCHAR's length and 4, a VECTOR's dimensions; -1 without.
pub fn modifier(data_type: DataType) -> i32 {
    match data_type {
        DataType::Varchar(Some(length)) => length as i32 + 4,
        DataType::Vector(Some(dimensions)) => i32::from(dimensions),
        _ => -1,
    }
}

/// A constraint's number.
pub fn constraint(schema: &Schema, constraint: &Constraint<'_>) -> i64 {
    match constraint {
        Constraint::Key(key) => index(key.id),
        Constraint::Check(CheckConstraint { name, .. })
        | Constraint::Foreign(ForeignKey { name, .. }) => named(schema.table, "constraint", name),
    }
}

/// The relation of that number: its name, and its schema.
pub fn relation_name(root: &Root, number: i64) -> Option<(Namespace, String)> {
    if (FIRST_VIEW..FIRST_NORMAL_OID).contains(&number) {
        let (view, _) = all().nth((number - FIRST_VIEW) as usize)?;
        return Some((view.namespace, view.name.to_owned()));
    }
    let id = u64::try_from(number.checked_sub(FIRST_NORMAL_OID)?).ok()?;
    let name = if let Some(table) = root.table(TableId(id)) {
        table.schema().name.to_string()
    } else if let Some(sequence) = root.sequence(SequenceId(id)) {
        sequence.definition.name.to_string()
    } else {
        root.tables().find_map(|table| table.schema().index(IndexId(id)))?.name.to_string()
    };
    Some((Namespace::Public, name))
}

/// The table of that number.
pub fn table_of(number: i64) -> Option<TableId> {
    u64::try_from(number.checked_sub(FIRST_NORMAL_OID)?).ok().map(TableId)
}

/// The index of that number.
pub fn index_of(number: i64) -> Option<IndexId> {
    u64::try_from(number.checked_sub(FIRST_NORMAL_OID)?).ok().map(IndexId)
}

/// The number of the relation that `[schema.]name` means.
pub fn relation_named(root: &Root, schema: Option<&str>, name: &str) -> Option<i64> {
    if let Some((_, schema)) = find(schema, name) {
        return Some(table(schema.table));
    }
    if schema.is_some_and(|schema| schema != Namespace::Public.name()) {
        return None;
    }
    if let Some(found) = root.table_by_name(name) {
        return Some(table(found.id()));
    }
    if let Some((_, found)) = root.index_by_name(name) {
        return Some(index(found.id));
    }
    root.sequence_by_name(name).map(|found| sequence(found.id()))
}
