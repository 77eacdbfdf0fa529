//! A column of values of one type: what a chunk stores, what an expression computes.

use std::sync::Arc;

use crate::limits::{TEXT_INLINE_BYTES_MAX, VECTOR_BLOCK_BYTES};
use crate::storage::bitmap::Bitmap;
use crate::types::{DataType, ValueRef};

/// Values of one type with NULL marks.
///
/// Invariant: at a NULL the data holds the type's zero (0, false, "", zeros), so loops may read it.
#[derive(Clone, Debug)]
pub struct Column {
    /// The values.
    pub data: ColumnData,
    /// One bit a row, set where NULL; None when no row is.
    pub nulls: Option<Bitmap>,
}

/// The values of a [`Column`] by type.
#[derive(Clone, Debug)]
pub enum ColumnData {
    /// BOOL.
    Bool(Vec<bool>),
    /// SMALLINT.
    Int2(Vec<i16>),
    /// INT.
    Int4(Vec<i32>),
    /// BIGINT.
    Int8(Vec<i64>),
    /// REAL.
    Float4(Vec<f32>),
    /// DOUBLE PRECISION.
    Float8(Vec<f64>),
    /// TEXT and VARCHAR.
    Text(TextColumn),
    /// VECTOR.
    Vector(VectorColumn),
}

/// Texts back to back; those over [`TEXT_INLINE_BYTES_MAX`] out of line, so that copying the column is cheap.
#[derive(Clone, Debug, Default)]
pub struct TextColumn {
    /// End of each row's text in `bytes`.
    ends: Vec<u32>,
    /// The inline texts.
    bytes: String,
    /// (row, text) of the long ones, by row; such a row is empty in `bytes`.
    large: Vec<(u32, Arc<str>)>,
}

/// Vectors of one dimension in blocks of about 32 KiB.
#[derive(Clone, Debug)]
pub struct VectorColumn {
    /// Numbers of each vector; 0 until the first is pushed to a column of undeclared dimension.
    dimensions: usize,
    /// Number of vectors.
    len: usize,
    /// Vectors back to back, `rows_per_block` in each but the last.
    blocks: Vec<Arc<Vec<f32>>>,
}

macro_rules! for_each_data {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            ColumnData::Bool($values) => $body,
            ColumnData::Int2($values) => $body,
            ColumnData::Int4($values) => $body,
            ColumnData::Int8($values) => $body,
            ColumnData::Float4($values) => $body,
            ColumnData::Float8($values) => $body,
            ColumnData::Text($values) => $body,
            ColumnData::Vector($values) => $body,
        }
    };
}

impl Column {
    /// An empty column for `data_type` with room for `rows` (Unknown is stored as text).
    pub fn with_capacity(data_type: DataType, rows: usize) -> Self {
        let data = match data_type {
            DataType::Bool => ColumnData::Bool(Vec::with_capacity(rows)),
            DataType::Int2 => ColumnData::Int2(Vec::with_capacity(rows)),
            DataType::Int4 => ColumnData::Int4(Vec::with_capacity(rows)),
            DataType::Int8 => ColumnData::Int8(Vec::with_capacity(rows)),
            DataType::Float4 => ColumnData::Float4(Vec::with_capacity(rows)),
            DataType::Float8 => ColumnData::Float8(Vec::with_capacity(rows)),
            DataType::Text | DataType::Varchar(_) | DataType::Unknown => {
                ColumnData::Text(TextColumn {
                    ends: Vec::with_capacity(rows),
                    bytes: String::new(),
                    large: Vec::new(),
                })
            }
            DataType::Vector(dimensions) => {
                ColumnData::Vector(VectorColumn::new(dimensions.map_or(0, usize::from)))
            }
        };
        Self { data, nulls: None }
    }

    /// A column without NULLs.
    pub fn new(data: ColumnData) -> Self {
        Self { data, nulls: None }
    }

    /// `rows` copies of one value; NULL takes `data_type`.
    pub fn repeat(data_type: DataType, value: ValueRef<'_>, rows: usize) -> Self {
        let mut column = Self::with_capacity(data_type, rows);
        for _ in 0..rows {
            column.push(value);
        }
        column
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        for_each_data!(&self.data, values => values.len())
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `row` is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.get(row))
    }

    /// The value at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> ValueRef<'_> {
        if self.is_null(row) {
            return ValueRef::Null;
        }
        match &self.data {
            ColumnData::Bool(values) => ValueRef::Bool(values[row]),
            ColumnData::Int2(values) => ValueRef::Int2(values[row]),
            ColumnData::Int4(values) => ValueRef::Int4(values[row]),
            ColumnData::Int8(values) => ValueRef::Int8(values[row]),
            ColumnData::Float4(values) => ValueRef::Float4(values[row]),
            ColumnData::Float8(values) => ValueRef::Float8(values[row]),
            ColumnData::Text(values) => ValueRef::Text(values.get(row)),
            ColumnData::Vector(values) => ValueRef::Vector(values.get(row)),
        }
    }

    /// Appends a value, which must be NULL or of the column's own type.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) {
        let is_null = value.is_null();
        if let Some(nulls) = &mut self.nulls {
            nulls.push(is_null);
        } else if is_null {
            let mut nulls = Bitmap::zeros(self.len());
            nulls.push(true);
            self.nulls = Some(nulls);
        }
        match (&mut self.data, value) {
            (ColumnData::Bool(values), ValueRef::Bool(value)) => values.push(value),
            (ColumnData::Int2(values), ValueRef::Int2(value)) => values.push(value),
            (ColumnData::Int4(values), ValueRef::Int4(value)) => values.push(value),
            (ColumnData::Int8(values), ValueRef::Int8(value)) => values.push(value),
            (ColumnData::Float4(values), ValueRef::Float4(value)) => values.push(value),
            (ColumnData::Float8(values), ValueRef::Float8(value)) => values.push(value),
            (ColumnData::Text(values), ValueRef::Text(value)) => values.push(value),
            (ColumnData::Vector(values), ValueRef::Vector(value)) => values.push(value),
            (data, ValueRef::Null) => data.push_zero(),
            (_, other) => unreachable!("a value of another type in a column: {other:?}"),
        }
    }

    /// Appends the rows `rows` of `other`, a column of the same type.
    pub fn extend_selected(&mut self, other: &Self, rows: &[u32]) {
        for &row in rows {
            self.push(other.get(row as usize));
        }
    }

    /// The rows `rows`, in that order, as a new column.
    pub fn gather(&self, rows: &[u32]) -> Self {
        let data = match &self.data {
            ColumnData::Bool(values) => ColumnData::Bool(gather(values, rows)),
            ColumnData::Int2(values) => ColumnData::Int2(gather(values, rows)),
            ColumnData::Int4(values) => ColumnData::Int4(gather(values, rows)),
            ColumnData::Int8(values) => ColumnData::Int8(gather(values, rows)),
            ColumnData::Float4(values) => ColumnData::Float4(gather(values, rows)),
            ColumnData::Float8(values) => ColumnData::Float8(gather(values, rows)),
            ColumnData::Text(values) => ColumnData::Text(values.gather(rows)),
            ColumnData::Vector(values) => ColumnData::Vector(values.gather(rows)),
        };
        let nulls = self.nulls.as_ref().map(|nulls| {
            let mut gathered = Bitmap::zeros(rows.len());
            for (place, &row) in rows.iter().enumerate() {
                if nulls.get(row as usize) {
                    gathered.set(place, true);
                }
            }
            gathered
        });
        Self { data, nulls }
    }

    /// Bytes it takes on the heap, shared blocks and long texts included.
    pub fn heap_bytes(&self) -> usize {
        let data = match &self.data {
            ColumnData::Bool(values) => values.capacity(),
            ColumnData::Int2(values) => values.capacity() * 2,
            ColumnData::Int4(values) => values.capacity() * 4,
            ColumnData::Float4(values) => values.capacity() * 4,
            ColumnData::Int8(values) => values.capacity() * 8,
            ColumnData::Float8(values) => values.capacity() * 8,
            ColumnData::Text(values) => values.heap_bytes(),
            ColumnData::Vector(values) => values.heap_bytes(),
        };
        data + self.nulls.as_ref().map_or(0, Bitmap::heap_bytes)
    }
}

fn gather<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

impl ColumnData {
    fn push_zero(&mut self) {
        match self {
            Self::Bool(values) => values.push(false),
            Self::Int2(values) => values.push(0),
            Self::Int4(values) => values.push(0),
            Self::Int8(values) => values.push(0),
            Self::Float4(values) => values.push(0.0),
            Self::Float8(values) => values.push(0.0),
            Self::Text(values) => values.push(""),
            Self::Vector(values) => values.push_zeros(),
        }
    }
}

impl TextColumn {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        let end = self.ends[row] as usize;
        if start == end && !self.large.is_empty() {
            return self.large_at(row);
        }
        &self.bytes[start..end]
    }

    fn large_at(&self, row: usize) -> &str {
        match self.large.binary_search_by_key(&(row as u32), |(row, _)| *row) {
            Ok(place) => &self.large[place].1,
            Err(_) => "",
        }
    }

    /// Appends a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        if text.len() > TEXT_INLINE_BYTES_MAX {
            self.large.push((self.ends.len() as u32, Arc::from(text)));
        } else {
            self.bytes.push_str(text);
        }
        self.ends.push(self.bytes.len() as u32);
    }

    fn gather(&self, rows: &[u32]) -> Self {
        let mut gathered =
            Self { ends: Vec::with_capacity(rows.len()), bytes: String::new(), large: Vec::new() };
        for &row in rows {
            gathered.push(self.get(row as usize));
        }
        gathered
    }

    fn heap_bytes(&self) -> usize {
        let large: usize = self.large.iter().map(|(_, text)| text.len() + 16).sum();
        self.ends.capacity() * 4 + self.bytes.capacity() + self.large.capacity() * 24 + large
    }
}

impl VectorColumn {
    /// An empty column of vectors of `dimensions`; 0 takes those of the first vector pushed.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, len: 0, blocks: Vec::new() }
    }

    /// Numbers of each vector; 0 while unknown.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no vector.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Vectors of a full block.
    pub fn rows_per_block(&self) -> usize {
        (VECTOR_BLOCK_BYTES / 4 / self.dimensions.max(1)).max(1)
    }

    /// The blocks: vectors back to back, [`Self::rows_per_block`] in each but the last.
    pub fn blocks(&self) -> &[Arc<Vec<f32>>] {
        &self.blocks
    }

    /// The vector at `row`.
    pub fn get(&self, row: usize) -> &[f32] {
        if self.dimensions == 0 {
            return &[];
        }
        let rows = self.rows_per_block();
        let start = row % rows * self.dimensions;
        &self.blocks[row / rows][start..start + self.dimensions]
    }

    /// Appends a vector, which must have the column's dimension once that is known.
    pub fn push(&mut self, vector: &[f32]) {
        if self.dimensions == 0 && !vector.is_empty() {
            self.dimensions = vector.len();
            let nulls_before = std::mem::take(&mut self.len);
            for _ in 0..nulls_before {
                self.push_zeros();
            }
        }
        assert_eq!(vector.len(), self.dimensions, "vectors of one column have one dimension");
        let rows = self.rows_per_block();
        if self.len.is_multiple_of(rows) {
            self.blocks.push(Arc::new(Vec::new()));
        }
        let block = self.blocks.last_mut().expect("a block was just made where there was none");
        Arc::make_mut(block).extend_from_slice(vector);
        self.len += 1;
    }

    fn push_zeros(&mut self) {
        if self.dimensions == 0 {
            self.len += 1;
        } else {
            let zeros = vec![0.0; self.dimensions];
            self.push(&zeros);
        }
    }

    fn gather(&self, rows: &[u32]) -> Self {
        let mut gathered = Self::new(self.dimensions);
        for &row in rows {
            if self.dimensions == 0 {
                gathered.len += 1;
            } else {
                gathered.push(self.get(row as usize));
            }
        }
        gathered
    }

    fn heap_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.capacity() * 4 + 40).sum();
        self.blocks.capacity() * 8 + blocks
    }
}
