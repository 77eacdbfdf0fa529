//! EXPLAIN of the syntax tree.

use super::Statement;

/// EXPLAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// What is to be shown.
    pub options: ExplainOptions,
    /// The statement, one that has a plan.
    pub statement: Box<Statement>,
}

/// What EXPLAIN shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplainOptions {
    /// ANALYZE: runs the statement, and shows what each operator did.
    pub analyze: bool,
    /// COSTS: the rows that are expected.
    pub costs: bool,
    /// TIMING: how long each operator took; only with ANALYZE.
    pub timing: bool,
    /// SUMMARY: times of the whole; as ANALYZE if nothing is said.
    pub summary: Option<bool>,
    /// FORMAT.
    pub format: ExplainFormat,
}

/// How EXPLAIN shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExplainFormat {
    /// Lines of an indented tree.
    #[default]
    Text,
    /// One JSON text.
    Json,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            analyze: false,
            costs: true,
            timing: true,
            summary: None,
            format: ExplainFormat::Text,
        }
    }
}
