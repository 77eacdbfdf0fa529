//! Query: a script, statement by statement. It goes on after an error.

use spg_engine::limits::STATEMENT_BYTES_MAX;
use spg_engine::parser::{first_parameter, statements};
use spg_engine::{Error, SqlState};
use spg_wire::message::server;
use spg_wire::{ErrorFields, List, Opcode};

use super::conversation::Client;
use super::end::End;
use super::reply::Reply;
use super::translate;
use crate::registry::Demand;
use crate::shared::Shared;

impl Client<'_> {
    pub(super) fn query(&mut self, script: &str, shared: &Shared) -> Result<(), End> {
        self.settle();
        if script.len() > STATEMENT_BYTES_MAX {
            let message = format!("script is longer than {STATEMENT_BYTES_MAX} bytes");
            self.answer_error(&translate::error("54000", message));
        } else if !self.script(script, shared)? {
            return Ok(());
        }
        self.ready();
        Ok(())
    }

    /// Runs a task of the operator's, which is answered as a script of one statement is.
    pub(super) fn administer(&mut self, verb: &str, options: List<'_, (&str, &str)>) {
        self.settle();
        let options: Vec<(&str, &str)> = options.iter().collect();
        let mut reply = Reply::new(self.output, true);
        match self.session.administer(verb, &options, &mut reply) {
            Ok(tag) => {
                self.complete_with(&tag, None);
            }
            Err(error) => {
                self.count_statement();
                self.answer_error(&translate::error_fields(&error));
            }
        }
        self.ready();
    }

    /// Runs the statements; answers whether the script is over, for which a demand to end may be too early.
    fn script(&mut self, script: &str, shared: &Shared) -> Result<bool, End> {
        self.session.forget_cancel();
        let mut place = Place { script, byte: 0, characters: 0 };
        let mut was_canceled = false;
        let mut is_first = true;
        for statement in statements(script) {
            // Whoever must end does so between statements, and says why where it is read.
            if !is_first && self.demand() != Demand::None {
                return Ok(false);
            }
            if let Some(hook) = &shared.options.statement_hook {
                hook(statement);
            }
            // A cancel is meant for all of the script. Where a statement has said so, that is enough.
            if !is_first && let Err(error) = self.session.check_cancel() {
                if !was_canceled {
                    self.answer_error(&translate::error_fields(&error));
                }
                return Ok(true);
            }
            is_first = false;
            let mut reply = Reply::new(self.output, true);
            was_canceled = false;
            match self.session.execute(statement, &[], &mut reply) {
                Ok(tag) => self.complete(&tag),
                Err(error) => {
                    self.check_output()?;
                    self.count_statement();
                    if error.sqlstate() == SqlState::AdminShutdown {
                        self.end_terminated();
                        return Ok(false);
                    }
                    was_canceled = error.sqlstate() == SqlState::QueryCanceled;
                    self.answer_error(&place.error(statement, &error));
                }
            }
            if self.output.is_full() {
                self.flush()?;
            }
        }
        if is_first {
            server::plain(&mut self.output.bytes, Opcode::EmptyQuery);
        }
        Ok(true)
    }
}

/// How far into a script its characters are counted: each once, however many statements fail.
struct Place<'a> {
    script: &'a str,
    byte: usize,
    characters: u32,
}

impl Place<'_> {
    /// The error of a statement as one of its script: positions count from the script's beginning.
    fn error(&mut self, statement: &str, error: &Error) -> ErrorFields {
        let mut fields = translate::error_fields(error);
        // The engine misses values for parameters, or types; a script has no way to bring any.
        if matches!(error.sqlstate(), SqlState::ProtocolViolation | SqlState::IndeterminateDatatype)
            && let Some((name, byte)) = first_parameter(statement)
        {
            fields = translate::error("42P02", format!("there is no parameter {name}"));
            let before = statement.get(..byte).map_or(0, |before| before.chars().count());
            fields.position = Some(before as u32 + 1);
        }
        if let Some(position) = &mut fields.position {
            let start = statement.as_ptr() as usize - self.script.as_ptr() as usize;
            let between = self.script.get(self.byte..start).unwrap_or_default();
            self.characters = self.characters.saturating_add(between.chars().count() as u32);
            self.byte = start;
            *position = position.saturating_add(self.characters);
        }
        fields
    }
}
