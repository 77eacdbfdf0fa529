//! What an operator asks of an open database, beside SQL: the audit log's head, its entries, its verification, its archiving; and
//! whether the files hold what is in memory.
//!
//! Each verb answers rows. A difference that was found is XX001, with the file, the place, what was expected and what was found.

mod audit_log;
mod backup;
mod compare;
mod interruptible;
mod verify;

use std::path::Path;
use std::sync::Arc;

pub(crate) use audit_log::note_verified;
use interruptible::InterruptibleDisk;

use crate::binder::bound::OutputColumn;
use crate::database::Database;
use crate::durability::journal::Journal;
use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::session::{CommandTag, RowSink};
use crate::storage::batch::Batch;
use crate::storage::column::Column;
use crate::types::{DataType, ValueRef};

/// Rows of one batch of an answer.
const BATCH_ROWS: usize = 256;

impl Database {
    /// Runs one verb: `audit-head`, `audit-verify` (`expect_head`), `audit-list` (`since_us`, `until_us`, `from_commit`,
    /// `to_commit`, `contains`, `user`, `application`, `limit`), `audit-archive` (`directory`), `backup`
    /// (`directory`, `progress`), `verify`.
    pub fn administer(
        &self,
        verb: &str,
        options: &[(&str, &str)],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        self.administer_until(verb, options, sink, Arc::default())
    }

    /// The same; what takes long looks at `interrupt` now and then, and ends with its error.
    pub(crate) fn administer_until(
        &self,
        verb: &str,
        options: &[(&str, &str)],
        sink: &mut dyn RowSink,
        interrupt: Arc<Interrupt>,
    ) -> Result<CommandTag> {
        let mut options = Options { given: options, verb, interrupt };
        match verb {
            "audit-head" => audit_log::head(self, &mut options, sink),
            "audit-verify" => audit_log::verify(self, &mut options, sink),
            "audit-list" => audit_log::list(self, &mut options, sink),
            "audit-archive" => audit_log::archive(self, &mut options, sink),
            "backup" => backup::backup(self, &mut options, sink),
            "verify" => verify::verify(self, &mut options, sink),
            _ => Err(Error::new(
                SqlState::UndefinedFunction,
                format!("there is no administration verb \"{verb}\""),
            )),
        }
    }
}

/// The options of a verb; each is taken once, and none may be left.
struct Options<'a> {
    given: &'a [(&'a str, &'a str)],
    verb: &'a str,
    interrupt: Arc<Interrupt>,
}

impl<'a> Options<'a> {
    /// 22023 unless all options are among `known`.
    fn check(&self, known: &[&str]) -> Result<()> {
        match self.given.iter().find(|(key, _)| !known.contains(key)) {
            Some((key, _)) => Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("{} has no option \"{key}\"", self.verb),
            )),
            None => Ok(()),
        }
    }

    /// The database's disk, whose reads fail once the verb has to end.
    fn disk(&self, journal: &Journal) -> InterruptibleDisk {
        let (disk, interrupt) = (Arc::clone(&journal.disk), Arc::clone(&self.interrupt));
        InterruptibleDisk { disk, interrupt }
    }

    /// What an error of reading means: the verb's end where it had to, or else that the files do not hold what they should.
    fn differs(&self, error: &dyn std::fmt::Display) -> Error {
        self.interrupt.check().err().unwrap_or_else(|| differs(error.to_string()))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.given.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// A path on the machine of the database.
    fn directory(&self) -> Result<&'a Path> {
        let invalid = |message| Err(Error::new(SqlState::InvalidParameterValue, message));
        let Some(text) = self.text("directory").filter(|text| !text.is_empty()) else {
            return invalid(format!("{} needs the option \"directory\"", self.verb));
        };
        if !Path::new(text).is_absolute() {
            return invalid(format!(
                "\"{text}\" is no absolute path: the directory is looked for where the database runs"
            ));
        }
        Ok(Path::new(text))
    }

    /// Whether an option is `on`; `off` is as good as none.
    fn flag(&self, key: &str) -> Result<bool> {
        match self.text(key) {
            Some("on") => Ok(true),
            Some("off") | None => Ok(false),
            Some(other) => Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("option \"{key}\" is on or off, not \"{other}\""),
            )),
        }
    }

    fn number<N: std::str::FromStr>(&self, key: &str) -> Result<Option<N>> {
        self.text(key)
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::new(
                        SqlState::InvalidParameterValue,
                        format!("option \"{key}\" is no number of its range: \"{text}\""),
                    )
                })
            })
            .transpose()
    }
}

/// Rows of an answer, given on in batches.
struct Answer<'a> {
    sink: &'a mut dyn RowSink,
    types: Vec<DataType>,
    columns: Vec<Column>,
    rows: u64,
}

impl<'a> Answer<'a> {
    fn new(sink: &'a mut dyn RowSink, columns: &[(&str, DataType)]) -> Result<Self> {
        let described: Vec<OutputColumn> = columns
            .iter()
            .enumerate()
            .map(|(id, (name, data_type))| OutputColumn {
                name: (*name).into(),
                data_type: *data_type,
                id,
            })
            .collect();
        sink.columns(&described)?;
        let types: Vec<DataType> = columns.iter().map(|(_, data_type)| *data_type).collect();
        let columns = empty(&types);
        Ok(Self { sink, types, columns, rows: 0 })
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> Result<()> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(*value);
        }
        self.rows += 1;
        if self.columns.first().is_some_and(|column| column.len() >= BATCH_ROWS) {
            self.give()?;
        }
        Ok(())
    }

    fn give(&mut self) -> Result<()> {
        let rows = self.columns.first().map_or(0, Column::len);
        let columns = std::mem::replace(&mut self.columns, empty(&self.types));
        self.sink.batch(&Batch::computed(columns, rows))
    }

    fn end(mut self) -> Result<CommandTag> {
        self.give()?;
        Ok(CommandTag::Rows("SELECT", self.rows))
    }
}

fn empty(types: &[DataType]) -> Vec<Column> {
    types.iter().map(|data_type| Column::with_capacity(*data_type, 0)).collect()
}

/// XX001: the files do not hold what they should.
fn differs(message: impl Into<String>) -> Error {
    Error::new(SqlState::DataCorrupted, message)
}
