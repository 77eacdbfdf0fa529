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
        if self.options.is_empty() {
            return Ok(());
        }
        write!(formatter, " ({})", self.options.to_string().trim_start())
    }
}

impl Display for SequenceOptions {
    /// Each option with a blank before it.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        super::display::clause(formatter, "AS", self.data_type.as_ref())?;
        super::display::clause(formatter, "INCREMENT BY", self.increment.as_ref())?;
        for (word, bound) in [("MINVALUE", self.min), ("MAXVALUE", self.max)] {
            match bound {
                Some(Some(value)) => write!(formatter, " {word} {value}")?,
                Some(None) => write!(formatter, " NO {word}")?,
                None => {}
            }
        }
        super::display::clause(formatter, "START WITH", self.start.as_ref())?;
        match self.restart {
            Some(Some(value)) => write!(formatter, " RESTART WITH {value}")?,
            Some(None) => formatter.write_str(" RESTART")?,
            None => {}
        }
        super::display::clause(formatter, "CACHE", self.cache.as_ref())?;
        match self.cycle {
            Some(true) => formatter.write_str(" CYCLE")?,
            Some(false) => formatter.write_str(" NO CYCLE")?,
            None => {}
        }
        match &self.owned_by {
            Some(Some((table, column))) => write!(formatter, " OWNED BY {table}.{column}"),
            Some(None) => formatter.write_str(" OWNED BY NONE"),
            None => Ok(()),
        }
    }
}
