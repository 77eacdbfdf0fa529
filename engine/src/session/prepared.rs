//! A statement prepared for repeated execution: its tree, and its plan for the schema that it last met.

use std::cell::RefCell;
use std::sync::Arc;

use crate::binder::bind_typed;
use crate::binder::bound::OutputColumn;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::Statement;
use crate::planner::plan;
use crate::planner::plan::StatementPlan;
use crate::session::plan_shape::Shape;
use crate::session::run::answered_columns;
use crate::session::statistics::Counters;
use crate::storage::root::Root;
use crate::types::DataType;

/// A statement prepared by [`super::Session::prepare`], for the sessions of one database.
#[derive(Debug)]
pub struct Prepared {
    pub(super) text: Arc<str>,
    pub(super) statement: Statement,
    /// What its executions cost; None where nobody counts.
    pub(super) counters: Option<Arc<Counters>>,
    /// Identity of the database whose tables the plan names.
    pub(super) database: u64,
    plan: RefCell<Option<Arc<PreparedPlan>>>,
    /// The types that the client gave its parameters; Unknown is for the binder to decide.
    declared: Vec<DataType>,
    parameters: Vec<DataType>,
    columns: Vec<OutputColumn>,
    /// Whether somebody was told of parameters and columns, which must not change from then on.
    is_described: bool,
}

/// A plan with what decides how it is run and how long it is good.
#[derive(Debug)]
pub(super) struct PreparedPlan {
    pub(super) plan: StatementPlan,
    pub(super) shape: Shape,
}

impl Prepared {
    /// A parsed statement, not planned yet.
    pub(super) fn new(
        text: &str,
        statement: Statement,
        database: u64,
        declared: &[DataType],
    ) -> Self {
        Self {
            text: Arc::from(text),
            statement,
            counters: None,
            database,
            plan: RefCell::new(None),
            declared: declared.to_vec(),
            parameters: Vec::new(),
            columns: Vec::new(),
            is_described: false,
        }
    }

    /// Types of $1, $2, ... at the time of preparing.
    pub fn parameters(&self) -> &[DataType] {
        &self.parameters
    }

    /// Names and types of the rows it answers; empty when it answers none, and for SHOW and EXPLAIN, which say when they run.
    pub fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }

    /// Whether it answers rows, those of SHOW and EXPLAIN included.
    pub fn answers_rows(&self) -> bool {
        !self.columns.is_empty()
            || matches!(
                self.statement,
                Statement::Query(_) | Statement::Show(_) | Statement::Explain(_)
            )
    }

    /// Whether it is planned rather than executed from its tree.
    pub(super) fn has_plan(&self) -> bool {
        matches!(
            self.statement,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
        )
    }

    /// Plans it, to know its parameters and columns.
    pub(super) fn describe(&mut self, root: &Root) -> Result<()> {
        let prepared = self.plan_for(root)?;
        self.parameters.clone_from(&prepared.plan.parameters);
        self.columns = answered_columns(&prepared.plan).unwrap_or_default().to_vec();
        self.is_described = true;
        Ok(())
    }

    /// The plan that is at hand.
    pub(super) fn planned(&self) -> Option<Arc<PreparedPlan>> {
        self.plan.borrow().clone()
    }

    /// Its plan for `root`: the one at hand, unless the schema or the size of a table it reads has changed.
    #[inline]
    pub(super) fn plan_for(&self, root: &Root) -> Result<Arc<PreparedPlan>> {
        if let Some(prepared) = &*self.plan.borrow()
            && prepared.plan.schema_version == root.schema_version
            && prepared.shape.still_fits(root)
        {
            return Ok(Arc::clone(prepared));
        }
        self.plan_anew(root)
    }

    #[cold]
    fn plan_anew(&self, root: &Root) -> Result<Arc<PreparedPlan>> {
        let plan = plan(bind_typed(&self.statement, root, &self.declared)?, root)?;
        if self.is_described {
            self.check_columns(answered_columns(&plan).unwrap_or_default())?;
        }
        let shape = Shape::of(&plan, root);
        let prepared = Arc::new(PreparedPlan { plan, shape });
        *self.plan.borrow_mut() = Some(Arc::clone(&prepared));
        Ok(prepared)
    }

    /// 0A000 if the statement would answer other columns than it was described with.
    fn check_columns(&self, columns: &[OutputColumn]) -> Result<()> {
        let same = |(left, right): (&OutputColumn, &OutputColumn)| {
            left.name == right.name && left.data_type == right.data_type
        };
        if columns.len() == self.columns.len() && columns.iter().zip(&self.columns).all(same) {
            return Ok(());
        }
        let message = "cached plan must not change result type";
        Err(Error::new(SqlState::FeatureNotSupported, message))
    }
}
