//! Records of a CSV file as values of the table's types: in batches of columns for a database in this process, as rows
//! for a server.

use spg_engine::limits::BATCH_ROWS_MAX;
use spg_engine::storage::column::{Column, ColumnData};
use spg_engine::types::datetime::Interval;
use spg_engine::types::{check_dimensions, check_length, parse_value};
use spg_engine::{DataType, Result, SqlState, Value, ValueRef};
use spg_wire::RowWriter;

use crate::failure::Outcome;
use crate::import::CsvFile;
use crate::import::csv_reader::{Field, Record};
use crate::interrupt::Interrupt;
use crate::table_name::TableName;
use crate::target::Target;

/// Types of the table's columns that the file's header names, in the header's order.
pub(super) fn target_columns(
    table: &TableName,
    file: &CsvFile<'_>,
    target: &mut Target,
) -> Outcome<Vec<DataType>> {
    let all = target.columns(table)?;
    let find = |name: &String| {
        let same = all.iter().find(|column| column.name == *name);
        same.map(|column| column.data_type).ok_or_else(|| {
            let message =
                format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
            let error = file.header_error(SqlState::UndefinedColumn, message);
            let folded = all.iter().find(|column| column.name.eq_ignore_ascii_case(name));
            match folded {
                Some(column) => error.with_hint(format!(
                    "Perhaps you meant the column \"{}\": the header's names are taken as written.",
                    column.name
                )),
                None => error,
            }
        })
    };
    Ok(file.names.iter().map(find).collect::<Result<_>>()?)
}

/// Adds all records to the table; answers how many.
pub(super) fn load(
    table: &TableName,
    types: &[DataType],
    file: &mut CsvFile<'_>,
    target: &mut Target,
    interrupt: &Interrupt,
) -> Outcome<u64> {
    let names = file.names.clone();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut record = Record::default();
    match target {
        Target::Local(local) => local.load(table, &names, &mut || {
            interrupt.check()?;
            next_batch(types, file, &mut record)
        }),
        Target::Remote(remote) => {
            let mut loading = remote.load(table, &names)?;
            let types = loading.types();
            while file.read(&mut record)? {
                interrupt.check()?;
                loading.row(|row| push_record(row, &types, &record, file))?;
            }
            loading.finish()
        }
    }
}

/// Writes a record as a row of the wire.
fn push_record(
    row: &mut RowWriter<'_>,
    types: &[DataType],
    record: &Record,
    file: &CsvFile<'_>,
) -> Result<()> {
    for (index, (&data_type, field)) in types.iter().zip(record.iter()).enumerate() {
        push_value(row, data_type, field).map_err(|error| file.locate(error, field.line, index))?;
    }
    Ok(())
}

fn push_value(row: &mut RowWriter<'_>, data_type: DataType, field: Field<'_>) -> Result<()> {
    if field.is_null() {
        row.push_null();
        return Ok(());
    }
    if data_type.is_text() {
        check_length(data_type, field.text)?;
        row.push_text(field.text);
        return Ok(());
    }
    match parse_value(data_type, field.text)? {
        Value::Null => row.push_null(),
        Value::Bool(value) => row.push_bool(value),
        Value::Int2(value) => row.push_i16(value),
        Value::Int4(value) => row.push_i32(value),
        Value::Int8(value) => row.push_i64(value),
        Value::Float4(value) => row.push_f32(value),
        Value::Float8(value) => row.push_f64(value),
        Value::Date(value) => row.push_i32(value.0),
        Value::Time(value) => row.push_i64(value.0),
        Value::Timestamp(value) => row.push_i64(value.0),
        Value::TimestampTz(value) => row.push_i64(value.0),
        Value::Interval(Interval { months, days, microseconds }) => {
            row.push_interval(spg_wire::value::Interval { months, days, microseconds });
        }
        Value::Text(value) => row.push_text(&value),
        Value::Vector(value) => row.push_vector(&value),
    }
    Ok(())
}

/// The next records as columns; None at the end of the file.
fn next_batch(
    types: &[DataType],
    file: &mut CsvFile<'_>,
    record: &mut Record,
) -> Result<Option<Vec<Column>>> {
    let mut columns: Vec<Column> =
        types.iter().map(|&data_type| Column::with_capacity(data_type, BATCH_ROWS_MAX)).collect();
    let mut rows = 0;
    while rows < BATCH_ROWS_MAX && file.read(record)? {
        for (index, (column, &data_type)) in columns.iter_mut().zip(types).enumerate() {
            let field = record.field(index);
            push_field(column, data_type, field)
                .map_err(|error| file.locate(error, field.line, index))?;
        }
        rows += 1;
    }
    Ok((rows > 0).then_some(columns))
}

fn push_field(column: &mut Column, data_type: DataType, field: Field<'_>) -> Result<()> {
    if field.is_null() {
        column.push(ValueRef::Null);
    } else if data_type.is_text() {
        check_length(data_type, field.text)?;
        column.push(ValueRef::Text(field.text));
    } else {
        let value = parse_value(data_type, field.text)?;
        if let (Value::Vector(vector), ColumnData::Vector(vectors)) = (&value, &column.data) {
            // A batch holds vectors of one dimension, also where the column declares none.
            let seen = (vectors.dimensions() > 0).then_some(vectors.dimensions() as u16);
            check_dimensions(seen, vector.len())?;
        }
        column.push(value.as_ref());
    }
    Ok(())
}
