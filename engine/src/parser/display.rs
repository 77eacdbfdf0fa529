//! The tree as SQL again: canonical, and parsed to the same tree.
//!
//! Any operand that is more than a name, a literal or a call stands in parentheses, so that no precedence is needed.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Assignment, ConflictTarget, Delete, Discard, Explain, ExplainFormat, ExplainOptions,
    Identifier, Insert, InsertSource, IsolationLevel, ObjectName, OnConflict, Overriding,
    SelectItem, SetConstraints, SetVariable, Statement, TransactionModes, Update,
};
use super::keyword::{Category, Keyword};

/// The items with `separator` between.
pub(super) fn list<T: Display>(
    formatter: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            formatter.write_str(separator)?;
        }
        item.fmt(formatter)?;
    }
    Ok(())
}

/// `keyword item`, if there is an item.
pub(super) fn clause<T: Display>(
    formatter: &mut Formatter<'_>,
    keyword: &str,
    item: Option<&T>,
) -> fmt::Result {
    item.map_or(Ok(()), |item| write!(formatter, " {keyword} {item}"))
}

/// The text between quotes, which are doubled inside.
pub(super) fn quoted(formatter: &mut Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    formatter.write_char(quote)?;
    for character in text.chars() {
        if character == quote {
            formatter.write_char(quote)?;
        }
        formatter.write_char(character)?;
    }
    formatter.write_char(quote)
}

/// A name, quoted where it must be; `bare` says which keywords need no quotes.
pub(super) fn name(
    formatter: &mut Formatter<'_>,
    name: &str,
    bare: impl Fn(Keyword) -> bool,
) -> fmt::Result {
    let start = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte >= 0x80;
    let part = |byte: u8| start(byte) || byte.is_ascii_digit() || byte == b'$';
    let plain = name.bytes().next().is_some_and(start) && name.bytes().all(part);
    if plain && Keyword::find(name).is_none_or(bare) {
        return formatter.write_str(name);
    }
    quoted(formatter, name, '"')
}

impl Display for Identifier {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        name(formatter, &self.name, |keyword| keyword.category() == Category::Unreserved)
    }
}

impl Display for ObjectName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}.")?;
        }
        self.name.fmt(formatter)
    }
}

impl Display for Explain {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let ExplainOptions { analyze, costs, timing, summary, format } = self.options;
        let mut words = Vec::new();
        words.extend(analyze.then_some("ANALYZE"));
        words.extend((!costs).then_some("COSTS OFF"));
        words.extend((!timing).then_some("TIMING OFF"));
        words.extend(summary.map(|shown| if shown { "SUMMARY" } else { "SUMMARY OFF" }));
        words.extend((format == ExplainFormat::Json).then_some("FORMAT JSON"));
        formatter.write_str("EXPLAIN ")?;
        if !words.is_empty() {
            write!(formatter, "({}) ", words.join(", "))?;
        }
        self.statement.fmt(formatter)
    }
}

impl Display for Statement {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => query.fmt(formatter),
            Self::Insert(insert) => insert.fmt(formatter),
            Self::Update(update) => update.fmt(formatter),
            Self::Delete(delete) => delete.fmt(formatter),
            Self::CreateTable(table) => table.fmt(formatter),
            Self::AlterTable(alter) => alter.fmt(formatter),
            Self::RenameIndex(rename) => rename.fmt(formatter),
            Self::DropTable(objects) => write!(formatter, "DROP TABLE {objects}"),
            Self::CreateIndex(index) => index.fmt(formatter),
            Self::DropIndex(objects) => write!(formatter, "DROP INDEX {objects}"),
            Self::Truncate(truncate) => {
                formatter.write_str("TRUNCATE TABLE ")?;
                list(formatter, &truncate.names, ", ")?;
                let restart = if truncate.restart_identity { " RESTART IDENTITY" } else { "" };
                formatter.write_str(restart)?;
                formatter.write_str(if truncate.cascade { " CASCADE" } else { "" })
            }
            Self::CreateSequence(create) => create.fmt(formatter),
            Self::AlterSequence(alter) => alter.fmt(formatter),
            Self::DropSequence(objects) => write!(formatter, "DROP SEQUENCE {objects}"),
            Self::Begin(modes) => write!(formatter, "BEGIN{modes}"),
            Self::Commit => formatter.write_str("COMMIT"),
            Self::Rollback => formatter.write_str("ROLLBACK"),
            Self::CommitAndChain => formatter.write_str("COMMIT AND CHAIN"),
            Self::RollbackAndChain => formatter.write_str("ROLLBACK AND CHAIN"),
            Self::Savepoint(savepoint) => write!(formatter, "SAVEPOINT {savepoint}"),
            Self::ReleaseSavepoint(savepoint) => {
                write!(formatter, "RELEASE SAVEPOINT {savepoint}")
            }
            Self::RollbackToSavepoint(savepoint) => {
                write!(formatter, "ROLLBACK TO SAVEPOINT {savepoint}")
            }
            Self::SetTransaction(modes) => write!(formatter, "SET TRANSACTION{modes}"),
            Self::SetSessionCharacteristics(modes) => {
                write!(formatter, "SET SESSION CHARACTERISTICS AS TRANSACTION{modes}")
            }
            Self::SetConstraints(set) => set.fmt(formatter),
            Self::Set(variable) => variable.fmt(formatter),
            Self::Show(variable) => setting(formatter, "SHOW ", variable.as_ref()),
            Self::Discard(discard) => discard.fmt(formatter),
            Self::Checkpoint => formatter.write_str("CHECKPOINT"),
            Self::Reset(variable) => setting(formatter, "RESET ", variable.as_ref()),
            Self::Explain(explain) => explain.fmt(formatter),
        }
    }
}

fn setting(
    formatter: &mut Formatter<'_>,
    verb: &str,
    variable: Option<&Identifier>,
) -> fmt::Result {
    formatter.write_str(verb)?;
    match variable {
        Some(variable) => variable_name(formatter, &variable.name),
        None => formatter.write_str("ALL"),
    }
}

/// A setting's name, quoted part by part.
fn variable_name(formatter: &mut Formatter<'_>, variable: &str) -> fmt::Result {
    if variable.split('.').any(str::is_empty) {
        return quoted(formatter, variable, '"');
    }
    for (index, part) in variable.split('.').enumerate() {
        if index > 0 {
            formatter.write_char('.')?;
        }
        // SET and SHOW give some unreserved words, such as TIME ZONE and NAMES, a meaning of their own.
        name(formatter, part, |_| false)?;
    }
    Ok(())
}

impl Display for SetVariable {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.local { "SET LOCAL " } else { "SET " })?;
        variable_name(formatter, &self.name.name)?;
        formatter.write_str(" TO ")?;
        let Some(values) = &self.value else {
            return formatter.write_str("DEFAULT");
        };
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                formatter.write_str(", ")?;
            }
            quoted(formatter, value, '\'')?;
        }
        Ok(())
    }
}

impl Display for SetConstraints {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("SET CONSTRAINTS ")?;
        if self.names.is_empty() {
            formatter.write_str("ALL")?;
        }
        list(formatter, &self.names, ", ")?;
        formatter.write_str(if self.deferred { " DEFERRED" } else { " IMMEDIATE" })
    }
}

impl Display for Discard {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::All => "DISCARD ALL",
            Self::Plans => "DISCARD PLANS",
            Self::Sequences => "DISCARD SEQUENCES",
            Self::Temporary => "DISCARD TEMP",
        })
    }
}

impl Display for TransactionModes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let isolation = self.isolation.map(|level| match level {
            IsolationLevel::ReadUncommitted => "ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::ReadCommitted => "ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::RepeatableRead => "ISOLATION LEVEL REPEATABLE READ",
            IsolationLevel::Serializable => "ISOLATION LEVEL SERIALIZABLE",
        });
        let read_only = self.read_only.map(|only| if only { "READ ONLY" } else { "READ WRITE" });
        let deferrable =
            self.deferrable.map(|yes| if yes { "DEFERRABLE" } else { "NOT DEFERRABLE" });
        let mut separator = " ";
        for mode in [isolation, read_only, deferrable].into_iter().flatten() {
            write!(formatter, "{separator}{mode}")?;
            separator = ", ";
        }
        Ok(())
    }
}

fn returning(formatter: &mut Formatter<'_>, items: &[SelectItem]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    formatter.write_str(" RETURNING ")?;
    list(formatter, items, ", ")
}

impl Display for Insert {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "INSERT INTO {}", self.table)?;
        clause(formatter, "AS", self.alias.as_ref())?;
        if !self.columns.is_empty() {
            formatter.write_str(" (")?;
            list(formatter, &self.columns, ", ")?;
            formatter.write_str(")")?;
        }
        match self.overriding {
            Some(Overriding::System) => formatter.write_str(" OVERRIDING SYSTEM VALUE")?,
            Some(Overriding::User) => formatter.write_str(" OVERRIDING USER VALUE")?,
            None => {}
        }
        match &self.source {
            InsertSource::Default => formatter.write_str(" DEFAULT VALUES")?,
            InsertSource::Query(query) => write!(formatter, " {query}")?,
        }
        if let Some(on_conflict) = &self.on_conflict {
            on_conflict.fmt(formatter)?;
        }
        returning(formatter, &self.returning)
    }
}

impl Display for OnConflict {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(" ON CONFLICT")?;
        match &self.target {
            Some(ConflictTarget::Columns { columns, filter }) => {
                formatter.write_str(" (")?;
                list(formatter, columns, ", ")?;
                formatter.write_str(")")?;
                clause(formatter, "WHERE", filter.as_ref())?;
            }
            Some(ConflictTarget::Constraint(name)) => write!(formatter, " ON CONSTRAINT {name}")?,
            None => {}
        }
        let Some(update) = &self.update else { return formatter.write_str(" DO NOTHING") };
        formatter.write_str(" DO UPDATE SET ")?;
        list(formatter, &update.assignments, ", ")?;
        clause(formatter, "WHERE", update.filter.as_ref())
    }
}

impl Display for Assignment {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} = {}", self.column, self.value)
    }
}

impl Display for Update {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "UPDATE {}", self.table)?;
        clause(formatter, "AS", self.alias.as_ref())?;
        formatter.write_str(" SET ")?;
        list(formatter, &self.assignments, ", ")?;
        clause(formatter, "WHERE", self.filter.as_ref())?;
        returning(formatter, &self.returning)
    }
}

impl Display for Delete {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "DELETE FROM {}", self.table)?;
        clause(formatter, "AS", self.alias.as_ref())?;
        clause(formatter, "WHERE", self.filter.as_ref())?;
        returning(formatter, &self.returning)
    }
}
