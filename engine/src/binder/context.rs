//! What binding one statement carries along: the levels of queries around the current place, ids and parameters.

use crate::binder::bound::{AggregateCall, BoundQuery, ColumnId, Expression};
use crate::binder::scope::{Scope, Source};
use crate::error::{Error, Result, SqlState};
use crate::limits::{JOIN_TABLES_MAX, NESTING_DEPTH_MAX};
use crate::parser::ast;
use crate::parser::ast::ExpressionKind;
use crate::storage::root::Root;
use crate::types::{DataType, Position};
use std::sync::Arc;

/// Nodes that binding may copy: BETWEEN and the simple CASE repeat their operand, which nested would grow without
/// bound.
const COPIED_NODES_MAX: usize = 1_000_000;

/// The state of binding one statement.
pub(super) struct Context<'a> {
    /// Where tables are looked up.
    pub(super) root: &'a Root,
    /// The query levels around the current place, the innermost last.
    pub(super) levels: Vec<Level>,
    /// Subqueries of expressions bound so far.
    pub(super) subqueries: Vec<BoundQuery>,
    /// Types of the parameters; Unknown is undecided.
    pub(super) parameters: Vec<DataType>,
    /// Where each parameter stood first without a type.
    pub(super) parameter_positions: Vec<Position>,
    /// How literals of a DEFAULT or CHECK are read that need the session for it.
    pub(super) readings: Vec<(Position, Expression)>,
    next_column_id: ColumnId,
    depth: usize,
    copied_nodes: usize,
    table_count: usize,
}

/// One query around the current place.
pub(super) struct Level {
    /// What names mean here.
    pub(super) scope: Scope,
    /// The clause being bound.
    pub(super) clause: Clause,
    /// Every source of FROM so far, whether it can be referred to here or not: for hints.
    pub(super) seen: Vec<Arc<Source>>,
    /// Whether an aggregate's argument is being bound.
    pub(super) inside_aggregate: bool,
    /// Aggregates found so far.
    pub(super) aggregates: Vec<(ColumnId, AggregateCall)>,
    /// What the query groups by.
    pub(super) groups: Vec<(ColumnId, Expression)>,
    /// Columns referred to outside aggregates and group expressions, in order.
    pub(super) references: Vec<Reference>,
}

/// A column referred to.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    /// Which.
    pub(super) id: ColumnId,
    /// Where.
    pub(super) position: Position,
}

/// The clause that an expression stands in: it decides whether aggregates may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    /// The select list.
    Select,
    /// WHERE.
    Where,
    /// JOIN ... ON.
    On,
    /// GROUP BY.
    GroupBy,
    /// HAVING.
    Having,
    /// ORDER BY.
    OrderBy,
    /// LIMIT.
    Limit,
    /// OFFSET.
    Offset,
    /// VALUES.
    Values,
    /// SET of UPDATE.
    Update,
    /// RETURNING.
    Returning,
    /// DEFAULT of a column.
    Default,
    /// CHECK of a table.
    Check,
}

impl Clause {
    /// Its name in `aggregate functions are not allowed in ...`; None where they are.
    pub(super) fn refuses_aggregates(self) -> Option<&'static str> {
        match self {
            Self::Select | Self::Having | Self::OrderBy => None,
            Self::Where => Some("WHERE"),
            Self::On => Some("JOIN conditions"),
            Self::GroupBy => Some("GROUP BY"),
            Self::Limit => Some("LIMIT"),
            Self::Offset => Some("OFFSET"),
            Self::Values => Some("VALUES"),
            Self::Update => Some("UPDATE"),
            Self::Returning => Some("RETURNING"),
            Self::Default => Some("DEFAULT expressions"),
            Self::Check => Some("check constraints"),
        }
    }

    /// Its name in `cannot use subquery in ...`; None where one may stand.
    pub(super) fn refuses_subqueries(self) -> Option<&'static str> {
        match self {
            Self::Default => Some("DEFAULT expression"),
            Self::Check => Some("check constraint"),
            _ => None,
        }
    }

    /// Its name in `argument of ... must be ...` and `... position 3 is not in select list`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Where => "WHERE",
            Self::On => "JOIN/ON",
            Self::GroupBy => "GROUP BY",
            Self::Having => "HAVING",
            Self::OrderBy => "ORDER BY",
            Self::Limit => "LIMIT",
            Self::Offset => "OFFSET",
            Self::Values => "VALUES",
            Self::Update => "UPDATE",
            Self::Returning => "RETURNING",
            Self::Default => "DEFAULT",
            Self::Check => "CHECK",
        }
    }
}

/// A bound expression with its leftmost place, which type errors report.
pub(super) struct Typed {
    /// The expression.
    pub(super) expression: Expression,
    /// Its leftmost place.
    pub(super) position: Position,
}

impl Typed {
    /// An expression and its leftmost place.
    pub(super) fn new(expression: Expression, position: Position) -> Self {
        Self { expression, position }
    }

    /// The type.
    pub(super) fn data_type(&self) -> DataType {
        self.expression.data_type()
    }
}

/// The place further to the left.
pub(super) fn leftmost(first: Position, second: Position) -> Position {
    match (first.is_known(), second.is_known()) {
        (true, true) => Position(first.0.min(second.0)),
        (true, false) => first,
        (false, _) => second,
    }
}

/// The leftmost place of an expression that is not bound yet; an operator's own place is in its middle.
pub(super) fn start_of(expression: &ast::Expression) -> Position {
    let mut start = expression.position;
    let mut expression = expression;
    loop {
        expression = match &expression.kind {
            ExpressionKind::Binary { left: operand, .. }
            | ExpressionKind::IsDistinctFrom { left: operand, .. }
            | ExpressionKind::Is { operand, .. }
            | ExpressionKind::Between { operand, .. }
            | ExpressionKind::InList { operand, .. }
            | ExpressionKind::InSubquery { operand, .. }
            | ExpressionKind::Like { operand, .. }
            | ExpressionKind::Cast { operand, .. } => operand,
            ExpressionKind::And(operands) | ExpressionKind::Or(operands) => &operands[0],
            _ => return start,
        };
        start = leftmost(start, expression.position);
    }
}

impl Level {
    /// A level without sources.
    pub(super) fn new(clause: Clause) -> Self {
        Self {
            scope: Scope::default(),
            clause,
            seen: Vec::new(),
            inside_aggregate: false,
            aggregates: Vec::new(),
            groups: Vec::new(),
            references: Vec::new(),
        }
    }

    /// Whether rows are grouped, as far as is known by now.
    pub(super) fn is_grouped(&self) -> bool {
        !self.groups.is_empty() || !self.aggregates.is_empty()
    }
}

impl<'a> Context<'a> {
    /// At the beginning of a statement.
    pub(super) fn new(root: &'a Root, parameters: &[DataType]) -> Self {
        Self {
            root,
            levels: Vec::new(),
            subqueries: Vec::new(),
            parameters: parameters.to_vec(),
            parameter_positions: vec![Position::UNKNOWN; parameters.len()],
            readings: Vec::new(),
            next_column_id: 0,
            depth: 0,
            copied_nodes: 0,
            table_count: 0,
        }
    }

    /// The innermost query.
    pub(super) fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("invariant: expressions are bound inside a level")
    }

    /// Gives out `count` consecutive column ids; the first.
    pub(super) fn draw_column_ids(&mut self, count: usize) -> ColumnId {
        let first = self.next_column_id;
        self.next_column_id += count;
        first
    }

    /// Gives out one column id.
    pub(super) fn draw_column_id(&mut self) -> ColumnId {
        self.draw_column_ids(1)
    }

    /// How many column ids were given out.
    pub(super) fn next_column_id(&self) -> ColumnId {
        self.next_column_id
    }

    /// Enters one level of recursion; 54001 beyond the bound.
    pub(super) fn descend(&mut self, position: Position) -> Result<()> {
        self.depth += 1;
        if self.depth > NESTING_DEPTH_MAX {
            return Err(Error::nesting_too_deep(position));
        }
        Ok(())
    }

    /// Leaves it. (An error ends the statement, so error paths need not.)
    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// Counts a table of FROM; 54000 beyond the bound.
    pub(super) fn count_table(&mut self, position: Position) -> Result<()> {
        self.table_count += 1;
        if self.table_count > JOIN_TABLES_MAX {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                format!("statements can refer to at most {JOIN_TABLES_MAX} tables"),
            )
            .at(position));
        }
        Ok(())
    }

    /// Copies an expression that the statement wrote once, within bounds.
    pub(super) fn copy(&mut self, expression: &Expression) -> Result<Expression> {
        self.copied_nodes += count_nodes(expression);
        if self.copied_nodes > COPIED_NODES_MAX {
            return Err(Error::new(SqlState::StatementTooComplex, "expression is too complex")
                .with_detail("BETWEEN and CASE repeat their operand for each comparison."));
        }
        Ok(expression.clone())
    }
}

fn count_nodes(expression: &Expression) -> usize {
    let mut count = 1;
    expression.each_child(&mut |child| count += count_nodes(child));
    count
}
