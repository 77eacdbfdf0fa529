//! Query: a script, statement by statement. It goes on after an error.

use spg_engine::SqlState;
use spg_engine::parser::statements;
use spg_wire::message::server;
use spg_wire::{ErrorFields, Opcode};

use super::conversation::Client;
use super::end::End;
use super::reply::Reply;
use super::translate;
use crate::registry::Demand;
use crate::shared::Shared;

impl Client<'_> {
    pub(super) fn query(&mut self, script: &str, shared: &Shared) -> Result<(), End> {
        self.settle();
        let mut is_empty = true;
        for statement in statements(script) {
            is_empty = false;
            if let Some(hook) = &shared.options.statement_hook {
                hook(statement);
            }
            let mut reply = Reply::new(self.output, true);
            match self.session.execute(statement, &[], &mut reply) {
                Ok(tag) => self.complete(&tag),
                Err(error) => {
                    self.check_output()?;
                    let fields = translate::error_fields(&error);
                    self.count_statement();
                    self.answer_error(&within(script, statement, fields, error.sqlstate()));
                }
            }
            // Whoever must end does so between statements, and says why where it is read.
            if self.demand() != Demand::None {
                return Ok(());
            }
        }
        if is_empty {
            server::plain(&mut self.output.bytes, Opcode::EmptyQuery);
        }
        self.ready();
        Ok(())
    }
}

/// The error of a statement as one of its script: positions count from the script's beginning.
fn within(
    script: &str,
    statement: &str,
    mut fields: ErrorFields,
    sqlstate: SqlState,
) -> ErrorFields {
    let start = statement.as_ptr() as usize - script.as_ptr() as usize;
    if let Some(position) = &mut fields.position {
        let before = script.get(..start).map_or(0, |before| before.chars().count());
        *position = position.saturating_add(before as u32);
    }
    if sqlstate == SqlState::ProtocolViolation {
        // The engine misses values for parameters; a script has no way to bring any.
        return translate::error("42P02", "there is no parameter $1");
    }
    fields
}
