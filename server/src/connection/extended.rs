//! Parse, Bind, Execute, Close: prepared statements.

use spg_engine::Result;
use spg_engine::parser::statements;
use spg_engine::session::{Prepared, Unsettled};
use spg_wire::message::server;
use spg_wire::{List, Opcode, Parameter};

use super::conversation::{Client, Statement};
use super::output::Held;
use super::reply::Reply;
use super::translate;
use crate::limits::{PREPARED_STATEMENTS_MAX, PREPARED_TEXT_BYTES_MAX};

impl Client<'_> {
    pub(super) fn parse(&mut self, statement_id: u32, text: &str, types: List<'_, u32>) {
        if let Err(message) = self.check_room(statement_id, text) {
            return self.fail(&translate::error("54000", message));
        }
        let types = types.iter().map(translate::parameter_type).collect::<Result<Vec<_>>>();
        let prepared = types.and_then(|types| match statements(text).next() {
            Some(_) => self.session.prepare_typed(text, &types).map(Some),
            None => Ok(None),
        });
        match prepared {
            Ok(prepared) => {
                let parameters = prepared.as_ref().map_or(&[][..], Prepared::parameters);
                let columns = prepared.as_ref().map_or(&[][..], Prepared::columns);
                server::parse_complete(
                    &mut self.output.bytes,
                    statement_id,
                    parameters.iter().map(|data_type| translate::type_of(*data_type).0),
                    columns.iter().map(translate::column),
                );
                self.forget(statement_id);
                self.statement_bytes += text.len();
                let statement = Statement { prepared, text_bytes: text.len() };
                self.statements.insert(statement_id, statement);
            }
            Err(error) => self.fail(&translate::error_fields(&error)),
        }
    }

    /// Whether a statement may be added, or take the place of the one of its number.
    fn check_room(&self, statement_id: u32, text: &str) -> std::result::Result<(), String> {
        let replaced = self.statements.get(&statement_id);
        if replaced.is_none() && self.statements.len() >= PREPARED_STATEMENTS_MAX {
            return Err(format!("more than {PREPARED_STATEMENTS_MAX} prepared statements"));
        }
        let others = self.statement_bytes - replaced.map_or(0, |statement| statement.text_bytes);
        if others + text.len() > PREPARED_TEXT_BYTES_MAX {
            return Err(format!(
                "prepared statements of more than {PREPARED_TEXT_BYTES_MAX} bytes"
            ));
        }
        Ok(())
    }

    #[inline]
    pub(super) fn bind(&mut self, statement_id: u32, parameters: List<'_, Parameter<'_>>) {
        self.unbind();
        let Some(statement) = self.statements.get(&statement_id) else {
            let message = format!("prepared statement {statement_id} does not exist");
            return self.fail(&translate::error("26000", message));
        };
        let prepared = statement.prepared.as_ref();
        let expected = prepared.map_or(0, |prepared| prepared.parameters().len());
        if parameters.len() != expected {
            let message = format!(
                "Bind supplies {} parameters, but prepared statement {statement_id} requires {expected}",
                parameters.len()
            );
            return self.fail(&translate::error("08P01", message));
        }
        for parameter in parameters {
            match parameter.value() {
                Ok(value) => match translate::value(value) {
                    Ok(value) => self.values.push(value),
                    Err(error) => return self.fail(&translate::error_fields(&error)),
                },
                Err(error) => return self.fail(&error.to_fields()),
            }
        }
        self.bound = Some(statement_id);
    }

    #[inline]
    pub(super) fn execute(&mut self) {
        let bound = self.bound.take();
        let Some(statement) = bound.and_then(|id| self.statements.get(&id)) else {
            return self.fail(&translate::error("08P01", "Execute without a Bind before it"));
        };
        let Some(prepared) = &statement.prepared else {
            return server::plain(&mut self.output.bytes, Opcode::EmptyQuery);
        };
        // An answer without rows may wait in the output for its commit; rows may have to be sent before their end.
        let may_defer = !prepared.answers_rows();
        if !may_defer && !self.output.held.is_empty() {
            // Their errors are their own statements' answers.
            self.output.settle(&mut self.session);
        }
        self.session.defer_commits(may_defer);
        let start = self.output.bytes.len();
        let mut reply = Reply::new(self.output, prepared.columns().is_empty());
        let result = self.session.execute_prepared(prepared, &self.values, &mut reply);
        self.session.defer_commits(false);
        self.unbind();
        let unsettled = self.session.take_unsettled();
        let to_come = unsettled.as_ref().and_then(Unsettled::own_commit);
        let mut room = 0..0;
        match (result, to_come) {
            (Ok(tag), None) => self.complete(&tag),
            (Ok(tag), Some(commit)) => {
                let receipt = self.receipt_to_come(commit);
                room = self.complete_with(&tag, Some(&receipt));
            }
            (Err(error), _) => self.statement_failed(&error),
        }
        if let Some(unsettled) = unsettled {
            let answer = start..self.output.bytes.len();
            self.output.held.push(Held { unsettled, answer, receipt: room });
            self.is_unit_open = true;
        }
    }

    pub(super) fn close(&mut self, statement_id: u32) {
        self.forget(statement_id);
        server::plain(&mut self.output.bytes, Opcode::CloseComplete);
    }

    fn forget(&mut self, statement_id: u32) {
        if let Some(statement) = self.statements.remove(&statement_id) {
            self.statement_bytes -= statement.text_bytes;
        }
        if self.bound == Some(statement_id) {
            self.unbind();
        }
    }
}
