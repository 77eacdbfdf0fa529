//! Sequences of the syntax tree.

use super::{Identifier, ObjectName, TypeName};
use crate::types::Position;

/// CREATE SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequence {
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// What it is like.
    pub options: SequenceOptions,
}

/// ALTER SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequence {
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// What changes.
    pub options: SequenceOptions,
}

/// GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY \[(options)\].
#[derive(Clone, Debug, PartialEq)]
pub struct IdentitySpecification {
    /// ALWAYS.
    pub always: bool,
    /// SEQUENCE NAME name: what its sequence is called.
    pub sequence_name: Option<ObjectName>,
    /// Of its sequence, which is of the column's type.
    pub options: SequenceOptions,
}

/// Options of a sequence, each None where it was not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceOptions {
    /// AS type.
    pub data_type: Option<TypeName>,
    /// INCREMENT \[BY\] n.
    pub increment: Option<i64>,
    /// MINVALUE n, or NO MINVALUE (Some(None)).
    pub min: Option<Option<i64>>,
    /// MAXVALUE n, or NO MAXVALUE.
    pub max: Option<Option<i64>>,
    /// START \[WITH\] n.
    pub start: Option<i64>,
    /// RESTART \[\[WITH\] n\].
    pub restart: Option<Option<i64>>,
    /// CACHE n.
    pub cache: Option<i64>,
    /// CYCLE or NO CYCLE.
    pub cycle: Option<bool>,
    /// OWNED BY table.column, or OWNED BY NONE.
    pub owned_by: Option<Option<(ObjectName, Identifier)>>,
    /// Where the options begin.
    pub position: Position,
}

impl SequenceOptions {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
