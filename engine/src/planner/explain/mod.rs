//! EXPLAIN: a plan as the tree of operators that will run, or that ran: [`tree`] makes it, [`render`] writes it in the form
//! of PostgreSQL's text or JSON.

mod render;
mod tree;

use std::time::Duration;

use crate::executor::profile::{Figures, Profile};
use crate::parser::ast::{ExplainFormat, ExplainOptions};
use crate::planner::plan::StatementPlan;
use crate::storage::root::Root;

/// What was measured of a statement that ran.
#[derive(Debug)]
pub struct Measured<'m> {
    /// What its operators did.
    pub profile: &'m Profile,
    /// Rows answered or changed.
    pub rows: u64,
    /// How long planning took.
    pub planning: Duration,
    /// How long it ran.
    pub execution: Duration,
}

impl Measured<'_> {
    /// The figures of all of it.
    fn figures(&self) -> Figures {
        let (startup, total) = (self.execution, self.execution);
        Figures { loops: 1, rows: self.rows, startup, total, whole_table: false }
    }
}

/// The lines of a plain EXPLAIN.
pub fn explain(statement: &StatementPlan, root: &Root) -> Vec<String> {
    explain_with(statement, root, ExplainOptions::default(), None, Duration::ZERO)
}

/// The lines of EXPLAIN as `options` want it: those of a JSON text are one. `planning` is how long planning took.
pub fn explain_with(
    statement: &StatementPlan,
    root: &Root,
    options: ExplainOptions,
    measured: Option<&Measured<'_>>,
    planning: Duration,
) -> Vec<String> {
    let tree = tree::tree(statement, root, measured);
    let mut times = Vec::new();
    if options.summary.unwrap_or(options.analyze) {
        times.push(("Planning Time", planning));
        times.extend(measured.map(|measured| ("Execution Time", measured.execution)));
    }
    match options.format {
        ExplainFormat::Text => render::text(&tree, &times, options),
        ExplainFormat::Json => vec![render::json(&tree, &times, options)],
    }
}
