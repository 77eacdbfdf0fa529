//! Sequences as SQL again.

use std::fmt::{self, Display, Formatter};

use super::ast::{AlterSequence, CreateSequence, IdentitySpecification, SequenceOptions};

impl Display for CreateSequence {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(formatter, "CREATE SEQUENCE {condition}{}{}", self.name, self.options)
    }
}

impl Display for AlterSequence {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_exists { "IF EXISTS " } else { "" };
        write!(formatter, "ALTER SEQUENCE {condition}{}{}", self.name, self.options)
    }
}

impl Display for IdentitySpecification {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let when = if self.always { "ALWAYS" } else { "BY DEFAULT" };
        write!(formatter, "GENERATED {when} AS IDENTITY")?;
        let name = self.sequence_name.as_ref().map(|name| format!("SEQUENCE NAME {name}"));
        let options = format!("{}{}", name.unwrap_or_default(), self.options);
        if options.is_empty() {
            return Ok(());
        }
        write!(formatter, " ({})", options.trim_start())
    }
}

impl Display for SequenceOptions {
    /// Each option with a blank before it.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.each(&mut |option| write!(formatter, " {option}"))
    }
}

impl SequenceOptions {
    /// Each option that was written.
    pub(super) fn each(&self, show: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
        if let Some(data_type) = &self.data_type {
            show(&format!("AS {data_type}"))?;
        }
        let value = |word: &str, value: Option<i64>| value.map(|value| format!("{word} {value}"));
        let bound = |word: &str, bound: Option<Option<i64>>| {
            bound.map(|bound| bound.map_or(format!("NO {word}"), |value| format!("{word} {value}")))
        };
        let restart = self.restart.map(|value| {
            value.map_or("RESTART".to_owned(), |value| format!("RESTART WITH {value}"))
        });
        let cycle = self.cycle.map(|cycle| if cycle { "CYCLE" } else { "NO CYCLE" }.to_owned());
        let owner = self.owned_by.as_ref().map(|owner| match owner {
            Some((table, column)) => format!("OWNED BY {table}.{column}"),
            None => "OWNED BY NONE".to_owned(),
        });
        let options = [
            value("INCREMENT BY", self.increment),
            bound("MINVALUE", self.min),
            bound("MAXVALUE", self.max),
            value("START WITH", self.start),
            restart,
            value("CACHE", self.cache),
            cycle,
            owner,
        ];
        options.iter().flatten().try_for_each(|option| show(option))
    }
}
