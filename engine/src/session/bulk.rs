//! Rows in bulk, as `spg import` brings them: columns in, one INSERT statement's rules.

use std::sync::Arc;

use crate::binder::bound::Expression;
use crate::binder::{BoundCheck, bind_column_default, bind_table_checks};
use crate::error::{Error, Result, SqlState};
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::expression::evaluate;
use crate::executor::memory::MemoryBudget;
use crate::executor::modify::{check_columns, check_loaded, insert_columns};
use crate::executor::read_set::ReadSet;
use crate::metrics::tallies::Tally;
use crate::session::environment::SessionEnvironment;
use crate::session::{Session, TransactionStatus, block_failed};
use crate::storage::batch::{Batch, ColumnRef};
use crate::storage::column::{Column, ColumnData};
use crate::storage::root::Root;
use crate::storage::schema::Schema;
use crate::storage::{RowId, Stamp, TableId};
use crate::transaction::block::Writing;
use crate::transaction::executed::AuditPolicy;
use crate::types::{DataType, Position};

/// What fills a column of the table.
enum Filling {
    /// The batch's column at this place.
    Given(usize),
    /// The default, for each row anew.
    Default(Expression),
}

/// What a load needs to know about its table.
struct Target {
    table: TableId,
    /// For each column of the table.
    fillings: Vec<Filling>,
    given: usize,
    checks: Vec<BoundCheck>,
}

impl Session {
    /// Adds rows in bulk as one INSERT statement: `next` yields batches of columns, one column for each of `columns`
    /// (empty: all the table's, in order), until it yields none. Values are cast as INSERT casts them; limits, NOT NULL and
    /// uniqueness hold. An error of `next` or of a row undoes all of it. Answers the number of rows.
    ///
    /// Outside a block it commits; large as it may be, other writers wait only for its last few milliseconds.
    pub fn insert_rows(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        let started = self.start_statement(false)?;
        let counters = self.own.count(&Arc::from(statement_text(table, columns)));
        let run = |session: &mut Self| session.load_in_block_or_alone(table, columns, next);
        let result = self.watch(&counters, run, |rows| *rows);
        let result = result.and_then(|rows| self.set_by_functions().map(|()| rows));
        let tallies = self.own.card.tallies();
        tallies.add(Tally::Copies, 1);
        tallies.add(Tally::RowsInserted, *result.as_ref().unwrap_or(&0));
        self.end_statement(started, result.as_ref().err());
        result
    }

    fn load_in_block_or_alone(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        match self.status {
            TransactionStatus::Failed => Err(block_failed()),
            TransactionStatus::InTransaction => {
                let mark = self.block.mark_statement();
                let loaded = self.load(table, columns, next);
                if loaded.is_err() {
                    self.block.undo_statement(mark);
                }
                loaded
            }
            TransactionStatus::Idle => self.load_alone(table, columns, next),
        }
    }

    fn load_alone(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        self.settle_in_flight();
        let loaded = self.load(table, columns, next);
        let block = std::mem::take(&mut self.block);
        let rows = loaded?;
        self.commit_alone(block)?;
        Ok(rows)
    }

    fn load(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        self.check_writable("INSERT")?;
        self.refresh_snapshot()?;
        self.remember_reads();
        let memory = self.budget();
        let heads = self.database.heads();
        let interrupt = self.interrupts.current();
        let is_block = self.status != TransactionStatus::Idle;
        let transaction = self.transaction();
        let environment =
            &SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        let target = target(self.block.root(heads), table, columns)?;
        let stamp = self.block.stamp(heads);
        let mut rows = 0;
        let loaded = self.block.root(heads).table(target.table);
        let first = loaded.map_or(RowId(0), |table| table.next_row_id());
        while let Some(batch) = next()? {
            interrupt.check()?;
            self.database.check_memory()?;
            let Writing { root, reads, .. } = self.block.write(heads);
            // Alone, what was free and is taken the commit finds out by itself.
            let reads = reads.filter(|_| is_block);
            match insert_batch(root, &target, batch, stamp, environment, (&memory, reads)) {
                Ok(inserted) => rows += inserted,
                Err(error) => {
                    // Its keys may be there already, which the client learns by it.
                    if let Some(reads) = self.block.reads() {
                        reads.note_table(target.table);
                    }
                    return Err(error.behind_rows(rows));
                }
            }
        }
        let (root, reads) = self.block.root_and_reads(heads);
        check_loaded(root, target.table, first, interrupt, reads)?;
        self.block.touch(target.table, rows);
        self.block.note_load();
        let policy = heads.audit_policy();
        if rows != 0 && policy != AuditPolicy::Off {
            self.block.note(policy, &Arc::from(statement_text(table, columns)), &[]);
        }
        Ok(rows)
    }
}

/// What a load is called in the audit log.
fn statement_text(table: &str, columns: &[&str]) -> String {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let list: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let list = if list.is_empty() { String::new() } else { format!(" ({})", list.join(", ")) };
    format!("COPY {}{list} FROM STDIN", quote(table))
}

fn target(root: &Root, table: &str, columns: &[&str]) -> Result<Target> {
    let table = root
        .table_by_name(table)
        .ok_or_else(|| Error::undefined_table(table, Position::UNKNOWN))?;
    let schema = table.schema();
    let ordinals = ordinals(schema, columns)?;
    let mut fillings = Vec::with_capacity(schema.columns.len());
    for (ordinal, column) in schema.columns.iter().enumerate() {
        let given = ordinals.iter().position(|&given| given == ordinal);
        fillings.push(match given {
            Some(place) => Filling::Given(place),
            None => Filling::Default(bind_column_default(root, column)?),
        });
    }
    let checks = bind_table_checks(root, schema)?;
    Ok(Target { table: table.id(), fillings, given: ordinals.len(), checks })
}

fn ordinals(schema: &Schema, columns: &[&str]) -> Result<Vec<usize>> {
    if columns.is_empty() {
        return Ok((0..schema.columns.len()).collect());
    }
    let mut ordinals = Vec::with_capacity(columns.len());
    for column in columns {
        let ordinal = schema.ordinal(column).ok_or_else(|| {
            Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{column}\" of relation \"{}\" does not exist", schema.name),
            )
        })?;
        if ordinals.contains(&ordinal) {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{column}\" specified more than once"),
            ));
        }
        ordinals.push(ordinal);
    }
    Ok(ordinals)
}

fn insert_batch(
    root: &mut Root,
    target: &Target,
    columns: Vec<Column>,
    stamp: Stamp,
    environment: &SessionEnvironment<'_>,
    (memory, reads): (&MemoryBudget, Option<&ReadSet>),
) -> Result<u64> {
    let rows = columns.first().map_or(0, Column::len);
    if columns.len() != target.given || columns.iter().any(|column| column.len() != rows) {
        return Err(Error::new(
            SqlState::InternalError,
            "a batch of a load has other columns than were announced",
        ));
    }
    let Some(table) = root.table(target.table) else {
        return Err(Error::new(SqlState::InternalError, "the table of a load is gone"));
    };
    let schema = Arc::clone(table.schema());
    let batch = Batch::computed(columns, rows);
    let inserted = {
        let context = Context {
            root,
            parameters: &[],
            interrupt: environment.interrupt,
            reads,
            memory,
            subqueries: &NoSubqueries,
            environment,
        };
        table_columns(&schema, target, &batch, &context).and_then(|values| {
            check_columns(&schema, &target.checks, &values, rows, &context)?;
            Ok(values)
        })
    }
    .and_then(|values| insert_columns(root, stamp, target.table, values, reads));
    match inserted {
        Err(error) if rows == 1 && is_of_data(&error) => Err(error.in_first_row()),
        Err(error) if is_of_data(&error) => {
            let insert = |row| insert_batch(root, target, row, stamp, environment, (memory, reads));
            Err(refused_row(&batch, rows, insert).unwrap_or(error))
        }
        inserted => inserted,
    }
}

/// Whether a row is at fault: not what was asked for meanwhile, nor what there is too little of.
fn is_of_data(error: &Error) -> bool {
    ["22", "23", "54"].iter().any(|class| error.sqlstate().code().starts_with(class))
}

/// Which row of a batch was refused, and why: adds them one by one, which the caller takes back with everything else.
#[cold]
fn refused_row(
    batch: &Batch<'_>,
    rows: usize,
    mut insert: impl FnMut(Vec<Column>) -> Result<u64>,
) -> Option<Error> {
    (0..rows).find_map(|row| {
        let alone =
            |column: &ColumnRef<'_>| Column::repeat(stored_type(column), column.get(row), 1);
        let error = insert(batch.columns.iter().map(alone).collect()).err()?;
        Some(error.behind_rows(row as u64))
    })
}

/// All columns of the table for the rows of a batch, cast to the table's types.
fn table_columns(
    schema: &Schema,
    target: &Target,
    batch: &Batch<'_>,
    context: &Context<'_>,
) -> Result<Vec<Column>> {
    let mut columns = Vec::with_capacity(schema.columns.len());
    for (definition, filling) in schema.columns.iter().zip(&target.fillings) {
        columns.push(match filling {
            Filling::Default(default) => evaluate(default, batch, context)?.into_owned(),
            Filling::Given(place) => cast_column(batch, *place, definition.data_type, context)?,
        });
    }
    Ok(columns)
}

fn cast_column(
    batch: &Batch<'_>,
    place: usize,
    target: DataType,
    context: &Context<'_>,
) -> Result<Column> {
    let data_type = stored_type(&batch.columns[place]);
    let operand = Expression::Column { id: place, data_type };
    let expression = if data_type == target {
        operand
    } else {
        Expression::Cast { operand: Box::new(operand), target, explicit: false }
    };
    Ok(evaluate(&expression, batch, context)?.into_owned())
}

fn stored_type(column: &Column) -> DataType {
    match &column.data {
        ColumnData::Bool(_) => DataType::Bool,
        ColumnData::Int2(_) => DataType::Int2,
        ColumnData::Int4(_) => DataType::Int4,
        ColumnData::Int8(_) => DataType::Int8,
        ColumnData::Float4(_) => DataType::Float4,
        ColumnData::Float8(_) => DataType::Float8,
        ColumnData::Date(_) => DataType::Date,
        ColumnData::Time(_) => DataType::Time,
        ColumnData::Timestamp(_) => DataType::Timestamp,
        ColumnData::TimestampTz(_) => DataType::TimestampTz,
        ColumnData::Interval(_) => DataType::Interval,
        ColumnData::Text(_) => DataType::Text,
        ColumnData::Vector(_) => DataType::Vector(None),
    }
}
