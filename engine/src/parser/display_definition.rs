//! Definitions as SQL again.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    AlterAction, AlterTable, ColumnSpecification, ConstraintKind, CreateIndex, CreateTable,
    DropObjects, Reference, ReferentialAction, RenameIndex, TableConstraint,
};
use super::display::{clause, list};
use crate::types::DataType;

impl Display for DropObjects {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.concurrently { "CONCURRENTLY " } else { "" })?;
        formatter.write_str(if self.if_exists { "IF EXISTS " } else { "" })?;
        list(formatter, &self.names, ", ")?;
        formatter.write_str(if self.cascade { " CASCADE" } else { "" })
    }
}

impl Display for CreateTable {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(formatter, "CREATE TABLE {condition}{} (", self.name)?;
        list(formatter, &self.columns, ", ")?;
        if !self.columns.is_empty() && !self.constraints.is_empty() {
            formatter.write_str(", ")?;
        }
        list(formatter, &self.constraints, ", ")?;
        formatter.write_str(")")
    }
}

impl Display for ColumnSpecification {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.type_name.data_type {
            DataType::Int2 if self.serial => write!(formatter, "{} SMALLSERIAL", self.name)?,
            DataType::Int8 if self.serial => write!(formatter, "{} BIGSERIAL", self.name)?,
            _ if self.serial => write!(formatter, "{} SERIAL", self.name)?,
            _ => write!(formatter, "{} {}", self.name, self.type_name)?,
        }
        if let Some(identity) = &self.identity {
            write!(formatter, " {identity}")?;
        }
        if let Some(default) = &self.default {
            formatter.write_str(" DEFAULT ")?;
            super::display_expression::operand(formatter, default)?;
        }
        match self.not_null {
            Some(true) => formatter.write_str(" NOT NULL")?,
            Some(false) => formatter.write_str(" NULL")?,
            None => {}
        }
        for key in &self.keys {
            clause(formatter, "CONSTRAINT", key.constraint_name.as_ref())?;
            formatter.write_str(if key.primary { " PRIMARY KEY" } else { " UNIQUE" })?;
        }
        for check in &self.checks {
            clause(formatter, "CONSTRAINT", check.constraint_name.as_ref())?;
            write!(formatter, " CHECK ({})", check.condition)?;
        }
        for reference in &self.references {
            clause(formatter, "CONSTRAINT", reference.constraint_name.as_ref())?;
            write!(formatter, " {}", reference.reference)?;
        }
        Ok(())
    }
}

impl Display for Reference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "REFERENCES {}", self.table)?;
        if !self.columns.is_empty() {
            formatter.write_str(" (")?;
            list(formatter, &self.columns, ", ")?;
            formatter.write_str(")")?;
        }
        formatter.write_str(if self.match_full { " MATCH FULL" } else { "" })?;
        for (event, action) in [("DELETE", self.on_delete), ("UPDATE", self.on_update)] {
            let action = match action {
                ReferentialAction::NoAction => continue,
                ReferentialAction::Restrict => "RESTRICT",
                ReferentialAction::Cascade => "CASCADE",
                ReferentialAction::SetNull => "SET NULL",
                ReferentialAction::SetDefault => "SET DEFAULT",
            };
            write!(formatter, " ON {event} {action}")?;
        }
        Ok(())
    }
}

impl Display for TableConstraint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(formatter, "CONSTRAINT {name} ")?;
        }
        match &self.kind {
            ConstraintKind::Key { primary, columns } => {
                formatter.write_str(if *primary { "PRIMARY KEY (" } else { "UNIQUE (" })?;
                list(formatter, columns, ", ")?;
                formatter.write_str(")")
            }
            ConstraintKind::Check(condition) => write!(formatter, "CHECK ({condition})"),
            ConstraintKind::Foreign { columns, reference } => {
                formatter.write_str("FOREIGN KEY (")?;
                list(formatter, columns, ", ")?;
                write!(formatter, ") {reference}")
            }
        }
    }
}

impl Display for CreateIndex {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.unique { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" })?;
        formatter.write_str(if self.concurrently { " CONCURRENTLY" } else { "" })?;
        formatter.write_str(if self.if_not_exists { " IF NOT EXISTS" } else { "" })?;
        if let Some(name) = &self.name {
            write!(formatter, " {name}")?;
        }
        write!(formatter, " ON {} (", self.table)?;
        for (index, column) in self.columns.iter().enumerate() {
            formatter.write_str(if index > 0 { ", " } else { "" })?;
            column.column.fmt(formatter)?;
            super::display_query::direction(formatter, column.descending, column.nulls_first)?;
        }
        formatter.write_str(")")
    }
}

impl Display for AlterTable {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_exists { "IF EXISTS " } else { "" };
        write!(formatter, "ALTER TABLE {condition}{} ", self.name)?;
        list(formatter, &self.actions, ", ")
    }
}

impl Display for AlterAction {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let conditional = |condition: bool| if condition { "IF EXISTS " } else { "" };
        let cascading = |cascade: bool| if cascade { " CASCADE" } else { "" };
        match self {
            Self::AddColumn { if_not_exists, column } => {
                let condition = if *if_not_exists { "IF NOT EXISTS " } else { "" };
                write!(formatter, "ADD COLUMN {condition}{column}")
            }
            Self::DropColumn { if_exists, column, cascade } => {
                let (condition, cascade) = (conditional(*if_exists), cascading(*cascade));
                write!(formatter, "DROP COLUMN {condition}{column}{cascade}")
            }
            Self::SetDefault { column, default: Some(default) } => {
                write!(formatter, "ALTER COLUMN {column} SET DEFAULT {default}")
            }
            Self::SetDefault { column, default: None } => {
                write!(formatter, "ALTER COLUMN {column} DROP DEFAULT")
            }
            Self::SetNotNull { column, not_null } => {
                let verb = if *not_null { "SET" } else { "DROP" };
                write!(formatter, "ALTER COLUMN {column} {verb} NOT NULL")
            }
            Self::AddIdentity { column, identity } => {
                write!(formatter, "ALTER COLUMN {column} ADD {identity}")
            }
            Self::SetIdentity { column, always, options } => {
                write!(formatter, "ALTER COLUMN {column}")?;
                match always {
                    Some(true) => formatter.write_str(" SET GENERATED ALWAYS")?,
                    Some(false) => formatter.write_str(" SET GENERATED BY DEFAULT")?,
                    None => {}
                }
                options.each(&mut |option| write!(formatter, " SET {option}"))
            }
            Self::DropIdentity { column, if_exists } => {
                let condition = if *if_exists { " IF EXISTS" } else { "" };
                write!(formatter, "ALTER COLUMN {column} DROP IDENTITY{condition}")
            }
            Self::SetType { column, type_name, using } => {
                write!(formatter, "ALTER COLUMN {column} TYPE {type_name}")?;
                clause(formatter, "USING", using.as_ref())
            }
            Self::AddConstraint(constraint) => write!(formatter, "ADD {constraint}"),
            Self::DropConstraint { if_exists, name, cascade } => {
                let (condition, cascade) = (conditional(*if_exists), cascading(*cascade));
                write!(formatter, "DROP CONSTRAINT {condition}{name}{cascade}")
            }
            Self::RenameTable(to) => write!(formatter, "RENAME TO {to}"),
            Self::RenameColumn { from, to } => {
                write!(formatter, "RENAME COLUMN {from} TO {to}")
            }
            Self::RenameConstraint { from, to } => {
                write!(formatter, "RENAME CONSTRAINT {from} TO {to}")
            }
        }
    }
}

impl Display for RenameIndex {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_exists { "IF EXISTS " } else { "" };
        write!(formatter, "ALTER INDEX {condition}{} RENAME TO {}", self.name, self.to)
    }
}
