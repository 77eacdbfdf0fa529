//! For tests: tables made by hand, statements carried through all stages without a session.

use std::sync::Arc;

use crate::binder::bind;
use crate::error::Result;
use crate::executor::environment::NoEnvironment;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::{Execution, modify, query};
use crate::parser::parse;
use crate::planner::plan::{StatementPlan, StatementPlanKind};
use crate::planner::{explain, plan};
use crate::storage::Stamp;
use crate::storage::root::Root;
use crate::storage::schema::{
    Alterations, ColumnDefinition, Constraints, IndexColumn, IndexDefinition, Schema,
};
use crate::types::{DataType, Value, format_value};

/// A root with tables.
pub(crate) struct Fixture {
    pub(crate) root: Root,
    pub(crate) memory: MemoryBudget,
    pub(crate) interrupt: Interrupt,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let (memory, interrupt) = (MemoryBudget::default(), Interrupt::default());
        Self { root: Root::empty(), memory, interrupt }
    }

    /// Adds a table: its columns (the first of them `keys` are the primary key) and further indexes by ordinals.
    pub(crate) fn table(
        &mut self,
        name: &str,
        columns: &[(&str, DataType)],
        keys: usize,
        indexes: &[&[usize]],
    ) -> &mut Self {
        let shared = Arc::clone(self.root.shared());
        let index = |name: String, ordinals: Vec<usize>, primary| {
            let column = |ordinal| IndexColumn { ordinal, descending: false, nulls_first: false };
            Arc::new(IndexDefinition {
                id: shared.draw_index_id(),
                name: name.into(),
                columns: ordinals.into_iter().map(column).collect(),
                unique: primary,
                constraint: primary,
                primary,
            })
        };
        let mut definitions = Vec::new();
        if keys > 0 {
            definitions.push(index(format!("{name}_pkey"), (0..keys).collect(), true));
        }
        for ordinals in indexes {
            let names: Vec<_> = ordinals.iter().map(|&ordinal| columns[ordinal].0).collect();
            definitions.push(index(
                format!("{name}_{}_idx", names.join("_")),
                ordinals.to_vec(),
                false,
            ));
        }
        let columns = columns.iter().enumerate().map(|(ordinal, (name, data_type))| {
            let not_null = ordinal < keys;
            ColumnDefinition { not_null, ..ColumnDefinition::nullable(name, *data_type) }
        });
        self.root.create_table(Schema {
            table: shared.draw_table_id(),
            name: name.into(),
            columns: columns.collect(),
            indexes: definitions,
            constraints: Constraints::default(),
            alterations: Alterations::default(),
            structure: shared.draw_schema_version(),
        });
        self
    }

    pub(crate) fn plan(&self, text: &str) -> Result<StatementPlan> {
        plan(bind(&parse(text)?, &self.root)?, &self.root)
    }

    /// The lines of EXPLAIN, without the numbers of rows.
    pub(crate) fn explain(&self, text: &str) -> String {
        let plan = self.plan(text).expect("the statement is valid");
        let lines = explain(&plan, &self.root);
        let cut = |line: &String| line.split("  (rows=").next().unwrap_or_default().to_owned();
        lines.iter().map(cut).collect::<Vec<_>>().join("\n")
    }

    /// Runs a statement; its rows as `a|b` lines.
    pub(crate) fn run(&mut self, text: &str, parameters: &[Value]) -> Result<Vec<String>> {
        let plan = self.plan(text)?;
        self.run_plan(&plan, parameters)
    }

    pub(crate) fn run_plan(
        &mut self,
        plan: &StatementPlan,
        parameters: &[Value],
    ) -> Result<Vec<String>> {
        let execution = Execution {
            parameters,
            interrupt: &self.interrupt,
            memory: &self.memory,
            environment: &NoEnvironment,
            reads: None,
            guard: None,
        };
        let mut rows = Vec::new();
        let mut sink = |batch: &crate::storage::batch::Batch<'_>| {
            for place in 0..batch.len() {
                let mut line = String::new();
                for column in 0..batch.columns.len() {
                    if column > 0 {
                        line.push('|');
                    }
                    match batch.value(column, place) {
                        value if value.is_null() => line.push_str("NULL"),
                        value => format_value(value, &mut line),
                    }
                }
                rows.push(line);
            }
            Ok(())
        };
        let count = match plan.kind {
            StatementPlanKind::Query { .. } => query(plan, &self.root, &execution, &mut sink)?,
            _ => modify(plan, &mut self.root, Stamp(1), &execution, &mut sink)?,
        };
        if rows.is_empty() && !matches!(plan.kind, StatementPlanKind::Query { .. }) {
            rows.push(format!("{count} changed"));
        }
        Ok(rows)
    }

    /// Runs a statement that must succeed.
    #[track_caller]
    pub(crate) fn rows(&mut self, text: &str) -> Vec<String> {
        match self.run(text, &[]) {
            Ok(rows) => rows,
            Err(error) => unreachable!("{text}: {error}"),
        }
    }

    /// Runs a statement and compares its rows, joined by spaces.
    #[track_caller]
    pub(crate) fn check(&mut self, text: &str, expected: &str) {
        assert_eq!(self.rows(text).join(" "), expected, "{text}");
    }
}
