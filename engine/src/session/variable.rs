//! SET, SHOW, RESET.

use std::sync::Arc;

use crate::binder::bound::OutputColumn;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::SetVariable;
use crate::session::settings;
use crate::session::transaction_setting::TransactionSetting;
use crate::session::{CommandTag, RowSink, Session, TransactionStatus};
use crate::storage::batch::Batch;
use crate::storage::column::Column;
use crate::types::{DataType, ValueRef};

/// What the session's last commit was acknowledged with: its number, and the audit chain's head after it.
const LAST_RECEIPT: &str = "spg.last_receipt";

impl Session {
    /// The value of a setting as SHOW answers it; 42704 when there is none of the name.
    pub fn setting(&self, name: &str) -> Result<String> {
        self.shown(name).map(|(_, value)| value)
    }

    pub(super) fn set_variable(
        &mut self,
        set: &SetVariable,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let name = set.name.name.as_str();
        let words = set.value.as_deref();
        if set.local && self.status == TransactionStatus::Idle {
            let message = "SET LOCAL can only be used in transaction blocks";
            self.warn(sink, SqlState::NoActiveSqlTransaction, message);
        }
        match TransactionSetting::find(name) {
            Some(setting) => self.set_transaction_setting(setting, words)?,
            None => self.settings.set(name, words, set.local)?,
        }
        self.show_application();
        Ok(CommandTag::Plain("SET"))
    }

    /// Does what functions of the statement that has just ended have set.
    #[inline]
    pub(super) fn set_by_functions(&mut self) -> Result<()> {
        if self.own.effects.settings.borrow().is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut *self.own.effects.settings.borrow_mut());
        for change in &changes {
            match TransactionSetting::find(&change.name) {
                Some(setting) => self.set_transaction_setting(setting, change.words())?,
                None => self.settings.set(&change.name, change.words(), change.local)?,
            }
        }
        self.show_application();
        Ok(())
    }

    pub(super) fn reset(&mut self, name: Option<&str>) -> Result<CommandTag> {
        match name {
            None => self.settings.reset_all(),
            Some(name) if TransactionSetting::find(name).is_some() => {
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    format!("parameter \"{name}\" cannot be reset"),
                ));
            }
            Some(name) => self.settings.set(name, None, false)?,
        }
        self.show_application();
        Ok(CommandTag::Plain("RESET"))
    }

    pub(super) fn show(&self, name: &str, sink: &mut dyn RowSink) -> Result<CommandTag> {
        let (name, value) = self.shown(name)?;
        answer_texts(sink, &[name], &[vec![value]])?;
        Ok(CommandTag::Plain("SHOW"))
    }

    pub(super) fn show_all(&self, sink: &mut dyn RowSink) -> Result<CommandTag> {
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        let mut add = |name: &str, value: String, description: &str| {
            columns[0].push(name.to_owned());
            columns[1].push(value);
            columns[2].push(description.to_owned());
        };
        for definition in settings::visible() {
            let value = definition.show(self.settings.values());
            add(definition.name, value, definition.description);
        }
        let modes = self.modes_in_force();
        for setting in TransactionSetting::ALL {
            add(setting.name(), setting.show(modes).to_owned(), setting.description());
        }
        answer_texts(sink, &["name", "setting", "description"], &columns)?;
        Ok(CommandTag::Plain("SHOW"))
    }

    fn shown(&self, name: &str) -> Result<(&'static str, String)> {
        if let Some(setting) = TransactionSetting::find(name) {
            return Ok((setting.name(), setting.show(self.modes_in_force()).to_owned()));
        }
        if name.eq_ignore_ascii_case(LAST_RECEIPT) {
            let receipt = self.last_receipt.map(|receipt| receipt.to_string());
            return Ok((LAST_RECEIPT, receipt.unwrap_or_default()));
        }
        self.settings.show(name)
    }
}

/// Answers columns of text.
pub(super) fn answer_texts(
    sink: &mut dyn RowSink,
    names: &[&str],
    columns: &[Vec<String>],
) -> Result<u64> {
    let described: Vec<OutputColumn> = names
        .iter()
        .enumerate()
        .map(|(id, name)| OutputColumn { name: Arc::from(*name), data_type: DataType::Text, id })
        .collect();
    sink.columns(&described)?;
    let rows = columns.first().map_or(0, Vec::len);
    let texts = columns
        .iter()
        .map(|texts| {
            let mut column = Column::with_capacity(DataType::Text, rows);
            for text in texts {
                column.push(ValueRef::Text(text));
            }
            column
        })
        .collect();
    sink.batch(&Batch::computed(texts, rows))?;
    Ok(rows as u64)
}
