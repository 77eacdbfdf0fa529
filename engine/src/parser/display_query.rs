//! Queries as SQL again.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    JoinConstraint, JoinKind, LockStrength, LockWait, Locking, OrderItem, Query, QueryBody, Select,
    SelectItem, SetOperator, TableAlias, TableReference, Values,
};
use super::display::{clause, list};

impl Display for Query {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.body.fmt(formatter)?;
        if !self.order_by.is_empty() {
            formatter.write_str(" ORDER BY ")?;
            list(formatter, &self.order_by, ", ")?;
        }
        clause(formatter, "LIMIT", self.limit.as_ref())?;
        clause(formatter, "OFFSET", self.offset.as_ref())?;
        self.locking.iter().try_for_each(|locking| write!(formatter, " {locking}"))
    }
}

impl LockStrength {
    /// As SQL.
    pub fn clause(self) -> &'static str {
        match self {
            Self::KeyShare => "FOR KEY SHARE",
            Self::Share => "FOR SHARE",
            Self::NoKeyUpdate => "FOR NO KEY UPDATE",
            Self::Update => "FOR UPDATE",
        }
    }
}

impl Display for Locking {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.strength.clause())?;
        if !self.of.is_empty() {
            formatter.write_str(" OF ")?;
            list(formatter, &self.of, ", ")?;
        }
        formatter.write_str(match self.wait {
            LockWait::Block => "",
            LockWait::SkipLocked => " SKIP LOCKED",
            LockWait::NoWait => " NOWAIT",
        })
    }
}

impl Display for QueryBody {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(select) => select.fmt(formatter),
            Self::Values(values) => values.fmt(formatter),
            Self::SetOperation { operator, all, left, right, .. } => {
                let operator = match operator {
                    SetOperator::Union => "UNION",
                    SetOperator::Intersect => "INTERSECT",
                    SetOperator::Except => "EXCEPT",
                };
                // Where the parser found an operator inside another without parentheses, precedence put it there.
                write!(formatter, "{left} {operator} {}{right}", if *all { "ALL " } else { "" })
            }
            Self::Nested(query) => write!(formatter, "({query})"),
        }
    }
}

impl Display for Values {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("VALUES ")?;
        for (index, row) in self.rows.iter().enumerate() {
            formatter.write_str(if index > 0 { ", (" } else { "(" })?;
            list(formatter, row, ", ")?;
            formatter.write_str(")")?;
        }
        Ok(())
    }
}

impl Display for Select {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.distinct { "SELECT DISTINCT" } else { "SELECT" })?;
        if !self.items.is_empty() {
            formatter.write_str(" ")?;
            list(formatter, &self.items, ", ")?;
        }
        if !self.from.is_empty() {
            formatter.write_str(" FROM ")?;
            list(formatter, &self.from, ", ")?;
        }
        clause(formatter, "WHERE", self.filter.as_ref())?;
        if !self.group_by.is_empty() {
            formatter.write_str(" GROUP BY ")?;
            list(formatter, &self.group_by, ", ")?;
        }
        clause(formatter, "HAVING", self.having.as_ref())
    }
}

impl Display for SelectItem {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wildcard(_) => formatter.write_str("*"),
            Self::TableWildcard(table) => write!(formatter, "{table}.*"),
            Self::Expression { expression, alias } => {
                expression.fmt(formatter)?;
                clause(formatter, "AS", alias.as_ref())
            }
        }
    }
}

impl Display for TableReference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { name, alias } => {
                name.fmt(formatter)?;
                clause(formatter, "AS", alias.as_ref())
            }
            Self::Derived { query, alias, .. } => write!(formatter, "({query}) AS {alias}"),
            Self::Join { kind, left, right, constraint, .. } => {
                let natural = matches!(constraint, JoinConstraint::Natural);
                let natural = if natural { " NATURAL" } else { "" };
                let kind = match kind {
                    JoinKind::Inner => "JOIN",
                    JoinKind::Left => "LEFT JOIN",
                    JoinKind::Right => "RIGHT JOIN",
                    JoinKind::Full => "FULL JOIN",
                    JoinKind::Cross => "CROSS JOIN",
                };
                write!(formatter, "{left}{natural} {kind} ")?;
                match &**right {
                    join @ Self::Join { .. } => write!(formatter, "({join})")?,
                    table => table.fmt(formatter)?,
                }
                constraint.fmt(formatter)
            }
        }
    }
}

impl Display for JoinConstraint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None | Self::Natural => Ok(()),
            Self::On(condition) => write!(formatter, " ON {condition}"),
            Self::Using(columns) => {
                formatter.write_str(" USING (")?;
                list(formatter, columns, ", ")?;
                formatter.write_str(")")
            }
        }
    }
}

impl Display for TableAlias {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.name.fmt(formatter)?;
        if self.columns.is_empty() {
            return Ok(());
        }
        formatter.write_str(" (")?;
        list(formatter, &self.columns, ", ")?;
        formatter.write_str(")")
    }
}

impl Display for OrderItem {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.expression.fmt(formatter)?;
        direction(formatter, self.descending, self.nulls_first)
    }
}

/// ` DESC NULLS FIRST`, as far as written.
pub(super) fn direction(
    formatter: &mut Formatter<'_>,
    descending: bool,
    nulls_first: Option<bool>,
) -> fmt::Result {
    formatter.write_str(if descending { " DESC" } else { "" })?;
    match nulls_first {
        Some(true) => formatter.write_str(" NULLS FIRST"),
        Some(false) => formatter.write_str(" NULLS LAST"),
        None => Ok(()),
    }
}
