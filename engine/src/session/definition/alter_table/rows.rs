//! The rows under their new schema, and whether they keep to it.

use std::sync::Arc;

use super::super::Definer;
use super::super::create_index::build_error;
use super::{Alteration, Computed};
use crate::binder::bound::Expression;
use crate::binder::{bind_check, bind_column_default};
use crate::error::{Error, Result, SqlState};
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::expression::{evaluate, evaluate_scalar};
use crate::executor::modify::check_referred;
use crate::parser::parse_expression;
use crate::storage::RowId;
use crate::storage::batch::{Batch, ColumnRef};
use crate::storage::change::{Stamps, TableChange, UpdatedRows};
use crate::storage::chunk::Chunk;
use crate::storage::column::{Column, ColumnData};
use crate::storage::reference::Link;
use crate::storage::schema::Schema;
use crate::storage::table::Table;
use crate::types::Value;

impl Definer<'_> {
    /// The value of an expression without columns.
    pub(in super::super) fn evaluate(&self, expression: &Expression) -> Result<Value> {
        evaluate_scalar(expression, &self.context())
    }

    fn context(&self) -> Context<'_> {
        Context {
            root: self.root,
            parameters: &[],
            interrupt: self.interrupt,
            memory: self.memory,
            subqueries: &NoSubqueries,
            environment: self.environment,
            reads: None,
        }
    }

    /// Makes the table what its schema says.
    pub(super) fn finish(&mut self, alteration: &Alteration) -> Result<()> {
        let mut schema = alteration.schema.clone();
        schema.alter(self.root.shared().draw_schema_version());
        let is_old = |id| alteration.table.schema().index(id).is_some();
        let (kept, added): (Vec<_>, Vec<_>) =
            schema.indexes.drain(..).partition(|index| is_old(index.id));
        schema.indexes = kept;
        let mut table = alteration.table.reshaped(&Arc::new(schema));
        for (number, computed) in &alteration.computed {
            self.compute(&mut table, *number, computed)?;
        }
        let interrupt = self.interrupt;
        for definition in added {
            let built = table.add_index(Arc::clone(&definition), &mut || interrupt.check());
            built.map_err(|error| build_error(error, &definition, &table))?;
        }
        for number in &alteration.not_null {
            self.check_not_null(&table, *number)?;
        }
        for name in &alteration.checks {
            self.check_rows(&table, name)?;
        }
        for name in &alteration.foreign_keys {
            self.check_references(&table, name)?;
        }
        self.touched.push((table.id(), table.row_count() as u64));
        self.root.replace_table(Arc::new(table));
        Ok(())
    }

    /// Gives every row a value of its own in one column.
    fn compute(&mut self, table: &mut Table, number: u64, computed: &Computed) -> Result<()> {
        let Some(ordinal) = table.schema().ordinal_of_number(number) else { return Ok(()) };
        let definition = &table.schema().columns[ordinal];
        let Computed::Default = computed;
        let value = bind_column_default(self.root, definition)?;
        let mut values = Column::with_capacity(definition.data_type, table.row_count());
        let mut ids: Vec<RowId> = Vec::with_capacity(table.row_count());
        for chunk in table.chunks() {
            self.interrupt.check()?;
            let selection = chunk.selection();
            ids.extend(selection.iter().map(|slot| chunk.row_id(slot)));
            let rows = selection.len();
            let batch = Batch::computed(Vec::new(), rows);
            values.append(&*evaluate(&value, &batch, &self.context())?, 0..rows);
        }
        if ids.is_empty() {
            return Ok(());
        }
        let stamps = Stamps::One(self.root.shared().draw_stamp());
        let updated = UpdatedRows { ids, ordinals: vec![ordinal], values: vec![values], stamps };
        let change = TableChange { updated: Some(updated), ..TableChange::default() };
        // The column is new, so no index has it.
        table
            .apply(&change)
            .map_err(|_| Error::new(SqlState::InternalError, "a new column has a key"))
    }

    fn check_not_null(&self, table: &Table, number: u64) -> Result<()> {
        let Some(ordinal) = table.schema().ordinal_of_number(number) else { return Ok(()) };
        let has_null = |chunk: &Chunk| {
            let column = chunk.column(ordinal);
            column.nulls.is_some() && chunk.selection().iter().any(|slot| column.is_null(slot))
        };
        for chunk in table.chunks() {
            self.interrupt.check()?;
            if has_null(chunk) {
                let (column, table) = (&table.schema().columns[ordinal].name, &table.schema().name);
                let message =
                    format!("column \"{column}\" of relation \"{table}\" contains null values");
                return Err(Error::new(SqlState::NotNullViolation, message)
                    .with_table(&**table)
                    .with_column(&**column));
            }
        }
        Ok(())
    }

    /// 23503 if a row refers to none.
    fn check_references(&self, table: &Table, name: &str) -> Result<()> {
        let mut keys = table.schema().constraints.foreign_keys.iter();
        let Some(key) = keys.find(|key| *key.name == *name) else { return Ok(()) };
        let parent = if key.table == table.id() {
            Some(table)
        } else {
            self.root.table(key.table).map(|table| &**table)
        };
        let Some(link) = parent.and_then(|parent| Link::new(key, table, parent)) else {
            return Err(Error::new(SqlState::InternalError, "a foreign key refers to nothing"));
        };
        for chunk in table.chunks() {
            self.interrupt.check()?;
            for slot in chunk.selection().iter() {
                check_referred(&link, chunk, slot, None)?;
            }
        }
        Ok(())
    }

    fn check_rows(&self, table: &Table, name: &str) -> Result<()> {
        let schema: &Arc<Schema> = table.schema();
        let mut checks = schema.constraints.checks.iter();
        let Some(check) = checks.find(|check| *check.name == *name) else { return Ok(()) };
        let condition = bind_check(self.root, schema, &parse_expression(&check.condition)?)?;
        for chunk in table.chunks() {
            self.interrupt.check()?;
            let columns = chunk.columns().map(ColumnRef::Borrowed).collect();
            let batch = Batch { columns, selection: chunk.selection() };
            let truth = evaluate(&condition, &batch, &self.context())?;
            let ColumnData::Bool(values) = &truth.data else { unreachable!("it is a condition") };
            if (0..batch.len()).any(|row| !values[row] && !truth.is_null(row)) {
                let table = &schema.name;
                let message = format!(
                    "check constraint \"{name}\" of relation \"{table}\" is violated by some row"
                );
                return Err(Error::new(SqlState::CheckViolation, message)
                    .with_table(&**table)
                    .with_constraint(name));
            }
        }
        Ok(())
    }
}
