//! Rows from the wire, gathered into the engine's batches of columns.

use spg_engine::binder::bound::OutputColumn;
use spg_engine::limits::BATCH_ROWS_MAX;
use spg_engine::session::RowSink;
use spg_engine::storage::batch::Batch;
use spg_engine::storage::column::Column;
use spg_engine::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};
use spg_engine::{DataType, Error, SqlState, ValueRef};
use spg_wire::client::RowRef;
use spg_wire::value::oid;

use crate::target::TableColumn;

/// Bytes of values that are gathered before they go on: large ones must not wait for a thousand others.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// Rows on their way into a sink.
#[derive(Default)]
pub(super) struct Batches {
    types: Vec<DataType>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    /// The numbers of a vector, aligned.
    numbers: Vec<f32>,
}

impl Batches {
    /// Begins rows of `columns`.
    pub(super) fn begin(
        &mut self,
        columns: &[spg_wire::Column],
        sink: &mut dyn RowSink,
    ) -> spg_engine::Result<()> {
        let described: Vec<OutputColumn> = columns
            .iter()
            .enumerate()
            .map(|(id, column)| {
                let TableColumn { name, data_type } = describe(column)?;
                Ok(OutputColumn { name: name.into(), data_type, id })
            })
            .collect::<spg_engine::Result<_>>()?;
        self.types = described.iter().map(|column| column.data_type).collect();
        self.restart();
        sink.columns(&described)
    }

    /// Takes a row.
    pub(super) fn push(
        &mut self,
        row: &RowRef<'_>,
        sink: &mut dyn RowSink,
    ) -> spg_engine::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(row.values()) {
            let value = value.map_err(|error| {
                Error::new(
                    SqlState::ProtocolViolation,
                    format!("the server sent no such value: {error}"),
                )
            })?;
            self.bytes += match value {
                spg_wire::ValueRef::Text(text) => text.len(),
                spg_wire::ValueRef::Vector(vector) => 4 * vector.len(),
                _ => 8,
            };
            column.push(engine_value(value, &mut self.numbers));
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX {
            self.flush(sink)?;
        }
        Ok(())
    }

    /// Hands on what was gathered.
    pub(super) fn flush(&mut self, sink: &mut dyn RowSink) -> spg_engine::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let batch = Batch::computed(std::mem::take(&mut self.columns), self.rows);
        self.restart();
        sink.batch(&batch)
    }

    fn restart(&mut self) {
        // Most answers are short: the columns grow as rows come.
        self.columns =
            self.types.iter().map(|&data_type| Column::with_capacity(data_type, 0)).collect();
        (self.rows, self.bytes) = (0, 0);
    }
}

/// A column of the server in the engine's terms; 0A000 for a type that only a later version knows.
pub(super) fn describe(column: &spg_wire::Column) -> spg_engine::Result<TableColumn> {
    let modifier = u32::try_from(column.type_modifier).ok();
    let data_type = match column.type_oid {
        oid::BOOL => DataType::Bool,
        oid::INT2 => DataType::Int2,
        oid::INT4 => DataType::Int4,
        oid::INT8 => DataType::Int8,
        oid::FLOAT4 => DataType::Float4,
        oid::FLOAT8 => DataType::Float8,
        oid::DATE => DataType::Date,
        oid::TIME => DataType::Time,
        oid::TIMESTAMP => DataType::Timestamp,
        oid::TIMESTAMPTZ => DataType::TimestampTz,
        oid::INTERVAL => DataType::Interval,
        oid::TEXT | oid::UNKNOWN => DataType::Text,
        oid::VARCHAR => DataType::Varchar(modifier.and_then(|modifier| modifier.checked_sub(4))),
        oid::VECTOR => DataType::Vector(modifier.and_then(|modifier| modifier.try_into().ok())),
        unknown => {
            let message = format!("this version of spg cannot show type {unknown}");
            return Err(
                Error::new(SqlState::FeatureNotSupported, message).with_column(column.name.clone())
            );
        }
    };
    Ok(TableColumn { name: column.name.clone(), data_type })
}

/// A value of the wire in the engine's terms; `numbers` has a vector's from then on.
pub(crate) fn engine_value<'a>(
    value: spg_wire::ValueRef<'a>,
    numbers: &'a mut Vec<f32>,
) -> ValueRef<'a> {
    match value {
        spg_wire::ValueRef::Null => ValueRef::Null,
        spg_wire::ValueRef::Bool(value) => ValueRef::Bool(value),
        spg_wire::ValueRef::Int2(value) => ValueRef::Int2(value),
        spg_wire::ValueRef::Int4(value) => ValueRef::Int4(value),
        spg_wire::ValueRef::Int8(value) => ValueRef::Int8(value),
        spg_wire::ValueRef::Float4(value) => ValueRef::Float4(value),
        spg_wire::ValueRef::Float8(value) => ValueRef::Float8(value),
        spg_wire::ValueRef::Date(value) => ValueRef::Date(Date(value)),
        spg_wire::ValueRef::Time(value) => ValueRef::Time(Time(value)),
        spg_wire::ValueRef::Timestamp(value) => ValueRef::Timestamp(Timestamp(value)),
        spg_wire::ValueRef::TimestampTz(value) => ValueRef::TimestampTz(TimestampTz(value)),
        spg_wire::ValueRef::Interval(value) => {
            let spg_wire::value::Interval { months, days, microseconds } = value;
            ValueRef::Interval(Interval { months, days, microseconds })
        }
        spg_wire::ValueRef::Text(value) => ValueRef::Text(value),
        spg_wire::ValueRef::Vector(vector) => {
            numbers.clear();
            numbers.extend(vector.iter());
            ValueRef::Vector(numbers)
        }
    }
}
