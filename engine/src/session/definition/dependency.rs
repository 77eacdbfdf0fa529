//! What depends on what is to be dropped: in the way of a DROP, taken along by CASCADE.

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parser::quote_name;
use crate::storage::schema::Schema;
use crate::storage::sequence::Sequence;

/// Something that depends on what is to be dropped, in PostgreSQL's words.
pub(super) struct Dependent {
    /// Itself: `constraint c on table t`.
    pub(super) described: String,
    /// What it depends on, which may be a part of what is dropped: `column a of table t`.
    pub(super) on: String,
}

impl Definer<'_> {
    /// 2BP01 if something depends on `what`; with CASCADE a notice of what is dropped along, which the caller does.
    pub(super) fn check_dependents(
        &mut self,
        what: &str,
        dependents: &[Dependent],
        cascade: bool,
    ) -> Result<()> {
        if dependents.is_empty() {
            return Ok(());
        }
        if !cascade {
            let lines = dependents
                .iter()
                .map(|Dependent { described, on }| format!("{described} depends on {on}"));
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!("cannot drop {what} because other objects depend on it"),
            )
            .with_detail(lines.collect::<Vec<_>>().join("\n"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        let lines: Vec<String> = dependents
            .iter()
            .map(|Dependent { described, .. }| format!("drop cascades to {described}"))
            .collect();
        if let [line] = lines.as_slice() {
            self.notice(SqlState::SuccessfulCompletion, line.clone());
        } else {
            let message = format!("drop cascades to {} other objects", lines.len());
            self.notice_with_detail(SqlState::SuccessfulCompletion, message, lines.join("\n"));
        }
        Ok(())
    }
}

/// How messages name it, as [`described_column`] and [`described_default`] do: names of relations quoted where SQL needs
/// it, names of columns as they are.
pub(super) fn described_sequence(sequence: &Sequence) -> String {
    format!("sequence {}", quote_name(&sequence.definition.name))
}

pub(super) fn described_column(schema: &Schema, ordinal: usize) -> String {
    format!("column {} of table {}", schema.columns[ordinal].name, quote_name(&schema.name))
}

pub(super) fn described_default(schema: &Schema, ordinal: usize) -> String {
    format!("default value for {}", described_column(schema, ordinal))
}
