//! The vectors of a column: blocks of contiguous floats; in a computed column they may differ in dimension.

use std::ops::Range;
use std::sync::Arc;

use crate::limits::VECTOR_BLOCK_BYTES;

/// Vectors of one dimension in blocks of about 32 KiB, or of several dimensions one by one.
///
/// Stored columns declare their dimension; only a computed one (`VALUES ('[1]'::vector), ('[1,2]')`) can be mixed.
#[derive(Clone, Debug)]
pub struct VectorColumn {
    /// Numbers of each vector; 0 while no vector is known, and in a mixed column.
    dimensions: usize,
    /// Number of vectors.
    len: usize,
    /// Vectors back to back, `rows_per_block` in each but the last.
    blocks: Vec<Arc<Vec<f32>>>,
    /// All vectors, once two differ in dimension; empty ones at NULLs. Then there are no blocks.
    mixed: Option<Vec<Arc<[f32]>>>,
}

impl VectorColumn {
    /// An empty column of vectors of `dimensions`; 0 takes those of the first vector pushed.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, len: 0, blocks: Vec::new(), mixed: None }
    }

    /// `len` vectors of `dimensions` in blocks of [`Self::rows_per_block`]; None unless the blocks hold just those.
    pub fn from_blocks(dimensions: usize, len: usize, blocks: Vec<Vec<f32>>) -> Option<Self> {
        let mut column = Self::new(dimensions);
        let rows = column.rows_per_block();
        let numbers = |place: usize| (len - place * rows).min(rows) * dimensions;
        let fits = dimensions != 0
            && blocks.len() == len.div_ceil(rows)
            && blocks.iter().enumerate().all(|(place, block)| block.len() == numbers(place));
        column.len = len;
        column.blocks = blocks.into_iter().map(Arc::new).collect();
        fits.then_some(column)
    }

    /// `len` vectors that are all NULL, of no dimensions yet.
    pub fn unknown(len: usize) -> Self {
        Self { len, ..Self::new(0) }
    }

    /// Numbers of each vector; 0 while unknown, and where they differ.
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
            return self.mixed.as_ref().map_or(&[], |mixed| &mixed[row]);
        }
        let rows = self.rows_per_block();
        let start = row % rows * self.dimensions;
        &self.blocks[row / rows][start..start + self.dimensions]
    }

    /// Makes room for vectors of `dimensions`: the first ones fix the column's, others make it mixed.
    fn admit(&mut self, dimensions: usize) {
        if self.dimensions == dimensions || self.mixed.is_some() {
            return;
        }
        if self.dimensions == 0 {
            self.dimensions = dimensions;
            for _ in 0..std::mem::take(&mut self.len) {
                self.push_zeros();
            }
        } else {
            self.mixed = Some((0..self.len).map(|row| Arc::from(self.get(row))).collect());
            self.dimensions = 0;
            self.blocks = Vec::new();
        }
    }

    /// The block that takes the next vector.
    fn open_block(&mut self) -> &mut Vec<f32> {
        if self.len.is_multiple_of(self.rows_per_block()) {
            self.blocks.push(Arc::default());
        }
        self.len += 1;
        Arc::make_mut(self.blocks.last_mut().expect("a block was just made where there was none"))
    }

    /// Appends a vector; an empty one stands at a NULL.
    pub fn push(&mut self, vector: &[f32]) {
        if vector.is_empty() {
            return self.push_zeros();
        }
        self.admit(vector.len());
        if let Some(mixed) = &mut self.mixed {
            mixed.push(Arc::from(vector));
            self.len += 1;
        } else {
            self.open_block().extend_from_slice(vector);
        }
    }

    /// Appends a vector of zeros: what stands at a NULL.
    pub fn push_zeros(&mut self) {
        if let Some(mixed) = &mut self.mixed {
            mixed.push(Arc::default());
            self.len += 1;
        } else if self.dimensions == 0 {
            self.len += 1;
        } else {
            let dimensions = self.dimensions;
            let block = self.open_block();
            block.resize(block.len() + dimensions, 0.0);
        }
    }

    /// Overwrites the vector at `row`.
    pub(super) fn set(&mut self, row: usize, vector: &[f32]) {
        self.admit(vector.len());
        if let Some(mixed) = &mut self.mixed {
            mixed[row] = Arc::from(vector);
        } else {
            self.slot_mut(row).copy_from_slice(vector);
        }
    }

    /// Overwrites the vector at `row` with zeros.
    pub(super) fn set_zeros(&mut self, row: usize) {
        if let Some(mixed) = &mut self.mixed {
            mixed[row] = Arc::default();
        } else if self.dimensions != 0 {
            self.slot_mut(row).fill(0.0);
        }
    }

    fn slot_mut(&mut self, row: usize) -> &mut [f32] {
        let rows = self.rows_per_block();
        let start = row % rows * self.dimensions;
        &mut Arc::make_mut(&mut self.blocks[row / rows])[start..start + self.dimensions]
    }

    /// Appends `rows` of `other`, whole blocks by pointer where they fall on block bounds of both.
    pub(super) fn append(&mut self, other: &Self, rows: Range<usize>) {
        if other.dimensions != 0 {
            self.admit(other.dimensions);
        }
        let per_block = self.rows_per_block();
        let mut row = rows.start;
        while row < rows.end {
            let whole = self.dimensions != 0
                && self.dimensions == other.dimensions
                && self.len.is_multiple_of(per_block)
                && row.is_multiple_of(per_block)
                && row + per_block <= rows.end;
            if whole {
                self.blocks.push(Arc::clone(&other.blocks[row / per_block]));
                self.len += per_block;
                row += per_block;
            } else {
                self.push_from(other, row);
                row += 1;
            }
        }
    }

    pub(super) fn push_from(&mut self, other: &Self, row: usize) {
        self.push(other.get(row));
    }

    pub(super) fn gather(&self, rows: &[u32]) -> Self {
        let mut gathered = Self::new(self.dimensions);
        for &row in rows {
            gathered.push_from(self, row as usize);
        }
        gathered
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.blocks.shrink_to_fit();
        if let Some(block) = self.blocks.last_mut().and_then(Arc::get_mut) {
            block.shrink_to_fit();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.capacity() * 4 + 40).sum();
        let mixed: usize = self.mixed.iter().flatten().map(|vector| vector.len() * 4 + 32).sum();
        self.blocks.capacity() * 8 + blocks + mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_several_dimensions_are_kept_as_they_are() {
        let mut column = VectorColumn::new(0);
        column.push_zeros();
        column.push(&[1.0, 2.0]);
        column.push(&[3.0]);
        column.push_zeros();
        let gathered = column.gather(&[3, 2, 1]);
        assert_eq!((gathered.get(1), gathered.get(2)), (&[3.0][..], &[1.0, 2.0][..]));
        let mut uniform = VectorColumn::new(0);
        uniform.push(&[5.0, 6.0]);
        uniform.append(&column, 0..4);
        assert_eq!((uniform.len(), uniform.get(0)), (5, &[5.0, 6.0][..]));
        assert_eq!((uniform.get(2), uniform.get(3)), (&[1.0, 2.0][..], &[3.0][..]));
        column.set(1, &[7.0, 8.0, 9.0]);
        column.set_zeros(2);
        assert_eq!((column.get(1), column.get(2)), (&[7.0, 8.0, 9.0][..], &[][..]));
    }

    #[test]
    fn blocks_must_hold_just_the_vectors() {
        let dimensions = 2_048; // four rows a block
        let block = |rows: usize| vec![1.0; rows * dimensions];
        let mut column =
            VectorColumn::from_blocks(dimensions, 6, vec![block(4), block(2)]).unwrap();
        column.push(&block(1));
        assert_eq!((column.len(), column.get(5)[7], column.blocks().len()), (7, 1.0, 2));
        for (len, blocks) in [(5, vec![4, 2]), (6, vec![2, 4]), (6, vec![6]), (4, vec![4, 0])] {
            let blocks: Vec<_> = blocks.into_iter().map(block).collect();
            assert!(VectorColumn::from_blocks(dimensions, len, blocks).is_none(), "{len}");
        }
        assert!(VectorColumn::from_blocks(0, 0, Vec::new()).is_none());
        let mut unknown = VectorColumn::unknown(3);
        unknown.push(&[1.0, 2.0]);
        assert_eq!((unknown.get(2), unknown.get(3)), (&[0.0, 0.0][..], &[1.0, 2.0][..]));
    }

    #[test]
    fn blocks_are_shared_on_append_and_copied_on_write() {
        let dimensions = 2_048; // four rows a block
        let mut column = VectorColumn::new(0);
        column.push_zeros();
        for value in 1..10_u8 {
            column.push(&vec![f32::from(value); dimensions]);
        }
        assert_eq!((column.rows_per_block(), column.blocks().len(), column.len()), (4, 3, 10));
        let mut copy = VectorColumn::new(0);
        copy.append(&column, 0..9);
        assert!(Arc::ptr_eq(&copy.blocks()[1], &column.blocks()[1]));
        copy.set(5, &vec![50.0; dimensions]);
        copy.set_zeros(2);
        let first: Vec<f32> = (0..9).map(|row| copy.get(row)[dimensions - 1]).collect();
        assert_eq!(first, [0.0, 1.0, 0.0, 3.0, 4.0, 50.0, 6.0, 7.0, 8.0]);
        assert_eq!(column.get(5)[0], 5.0);
        assert_eq!(copy.gather(&[8, 5]).get(1)[0], 50.0);
    }
}
