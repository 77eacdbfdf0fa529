//! The texts of a column: back to back, the long ones out of line.

use std::ops::Range;
use std::sync::Arc;

use crate::limits::TEXT_INLINE_BYTES_MAX;

/// Texts back to back; those over [`TEXT_INLINE_BYTES_MAX`] out of line, so that copying the column is cheap.
#[derive(Clone, Debug, Default)]
pub struct TextColumn {
    /// End of each row's text in `bytes`.
    ends: Vec<u32>,
    /// The inline texts.
    bytes: String,
    /// (row, text) of the long ones, by row; such a row is empty in `bytes`.
    large: Vec<(u32, Arc<str>)>,
    /// Bytes of the long ones.
    large_bytes: usize,
}

impl TextColumn {
    /// No text, room for `rows` ends.
    pub fn with_capacity(rows: usize) -> Self {
        Self { ends: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Texts of these lengths, back to back in `text`; None unless they end between characters and at its end.
    pub fn from_lengths(mut lengths: Vec<u32>, text: &str) -> Option<Self> {
        if lengths.iter().any(|length| *length as usize > TEXT_INLINE_BYTES_MAX) {
            return Self::with_large(&lengths, text);
        }
        let mut end = 0_u32;
        for length in &mut lengths {
            end = end.checked_add(*length)?;
            *length = end;
        }
        let whole = end as usize == text.len()
            && (text.is_ascii() || lengths.iter().all(|end| text.is_char_boundary(*end as usize)));
        whole.then(|| Self { ends: lengths, bytes: text.to_owned(), ..Self::default() })
    }

    /// [`Self::from_lengths`] where some are long.
    fn with_large(lengths: &[u32], mut text: &str) -> Option<Self> {
        let mut column = Self::with_capacity(lengths.len());
        for length in lengths {
            let (next, rest) = text.split_at_checked(*length as usize)?;
            let is_inline = next.len() <= TEXT_INLINE_BYTES_MAX;
            if is_inline && u32::try_from(column.bytes.len() + next.len()).is_err() {
                return None;
            }
            column.push(next);
            text = rest;
        }
        column.bytes.shrink_to_fit();
        column.large.shrink_to_fit();
        text.is_empty().then_some(column)
    }

    /// The texts at `rows` back to back; None where a long one may be among them.
    pub fn back_to_back(&self, rows: Range<usize>) -> Option<&str> {
        match rows.len() {
            0 => Some(""),
            _ if self.large.is_empty() => {
                Some(&self.bytes[self.start(rows.start)..self.ends[rows.end - 1] as usize])
            }
            _ => None,
        }
    }

    /// A copy with room for `rows` more texts of the average length.
    pub(super) fn clone_with_room(&self, rows: usize) -> Self {
        let average = self.bytes.len() / self.ends.len().max(1);
        let mut copy = Self {
            ends: Vec::with_capacity(self.ends.len() + rows),
            bytes: String::with_capacity(self.bytes.len() + average * rows),
            large: self.large.clone(),
            large_bytes: self.large_bytes,
        };
        copy.ends.extend_from_slice(&self.ends);
        copy.bytes.push_str(&self.bytes);
        copy
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] as usize }
    }

    /// The text at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let start = self.start(row);
        let end = self.ends[row] as usize;
        if start == end && !self.large.is_empty() {
            return self.large_at(row);
        }
        &self.bytes[start..end]
    }

    /// The first byte of the text at `row`, or of the next one; and the byte where texts of equal length would have it,
    /// which is asked for before the ends have come from memory.
    #[inline]
    pub(super) fn touch(&self, row: usize) -> usize {
        let byte =
            |place: usize| self.bytes.as_bytes().get(place).map_or(0, |byte| usize::from(*byte));
        let near = self.bytes.len() * row / self.ends.len().max(1);
        byte(near) + byte(self.start(row))
    }

    fn large_place(&self, row: usize) -> Result<usize, usize> {
        self.large.binary_search_by_key(&(row as u32), |(row, _)| *row)
    }

    fn large_at(&self, row: usize) -> &str {
        self.large_place(row).map_or("", |place| &self.large[place].1)
    }

    /// Appends a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        if text.len() > TEXT_INLINE_BYTES_MAX {
            self.push_large(Arc::from(text));
        } else {
            self.bytes.push_str(text);
            self.ends.push(self.bytes.len() as u32);
        }
    }

    fn push_large(&mut self, text: Arc<str>) {
        self.large_bytes += text.len();
        self.large.push((self.ends.len() as u32, text));
        self.ends.push(self.bytes.len() as u32);
    }

    /// Overwrites the text at `row`, moving what lies behind it.
    pub(super) fn set(&mut self, row: usize, text: &str) {
        if let Ok(place) = self.large_place(row) {
            self.large_bytes -= self.large.remove(place).1.len();
        }
        let inline = if text.len() > TEXT_INLINE_BYTES_MAX {
            let place = self.large_place(row).unwrap_or_else(|place| place);
            self.large.insert(place, (row as u32, Arc::from(text)));
            self.large_bytes += text.len();
            ""
        } else {
            text
        };
        let (start, end) = (self.start(row), self.ends[row] as usize);
        self.bytes.replace_range(start..end, inline);
        if inline.len() != end - start {
            let grown = inline.len().wrapping_sub(end - start) as u32;
            for end in &mut self.ends[row..] {
                *end = end.wrapping_add(grown);
            }
        }
    }

    /// Appends `rows` of `other`, sharing the long texts.
    pub(super) fn append(&mut self, other: &Self, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let (start, end) = (other.start(rows.start), other.ends[rows.end - 1] as usize);
        let shift = (self.bytes.len() as u32).wrapping_sub(start as u32);
        let first = self.ends.len();
        self.bytes.push_str(&other.bytes[start..end]);
        self.ends.extend(other.ends[rows.clone()].iter().map(|end| end.wrapping_add(shift)));
        let from = other.large.partition_point(|(row, _)| (*row as usize) < rows.start);
        for (row, text) in &other.large[from..] {
            if *row as usize >= rows.end {
                break;
            }
            self.large_bytes += text.len();
            self.large.push(((*row as usize - rows.start + first) as u32, Arc::clone(text)));
        }
    }

    /// Appends row `row` of `other`, sharing a long text.
    #[inline]
    pub(super) fn push_from(&mut self, other: &Self, row: usize) {
        let (start, end) = (other.start(row), other.ends[row] as usize);
        if start == end
            && !other.large.is_empty()
            && let Ok(place) = other.large_place(row)
        {
            self.push_large(Arc::clone(&other.large[place].1));
        } else {
            self.bytes.push_str(&other.bytes[start..end]);
            self.ends.push(self.bytes.len() as u32);
        }
    }

    pub(super) fn gather(&self, rows: &[u32]) -> Self {
        let bytes: usize = rows
            .iter()
            .map(|&row| self.ends[row as usize] as usize - self.start(row as usize))
            .sum();
        let mut gathered = Self::with_capacity(rows.len());
        gathered.bytes.reserve_exact(bytes);
        for &row in rows {
            gathered.push_from(self, row as usize);
        }
        gathered
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
        self.large.shrink_to_fit();
    }

    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        self.ends.capacity() * 4
            + self.bytes.capacity()
            + self.large.capacity() * 24
            + self.large.len() * 16
            + self.large_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(column: &TextColumn) -> Vec<&str> {
        (0..column.len()).map(|row| column.get(row)).collect()
    }

    #[test]
    fn lengths_must_fit_the_text() {
        let long = "ü".repeat(TEXT_INLINE_BYTES_MAX);
        let text = format!("aé{long}b");
        let lengths = vec![0, 3, 2 * TEXT_INLINE_BYTES_MAX as u32, 1, 0];
        let column = TextColumn::from_lengths(lengths, &text).unwrap();
        assert_eq!(texts(&column), ["", "aé", &long, "b", ""]);
        assert_eq!((column.large.len(), column.large_bytes), (1, long.len()));
        assert_eq!(column.back_to_back(0..1), None);
        let column = TextColumn::from_lengths(vec![1, 2], "aé").unwrap();
        assert_eq!((column.get(1), column.back_to_back(1..2)), ("é", Some("é")));
        for (lengths, text) in [
            (vec![1], ""),
            (vec![1], "ab"),
            (vec![2, 1], "aé"),
            (vec![u32::MAX, 4], "aé"),
            (vec![300, 1], &text[..301]),
            (vec![299], &text[..301]),
            (vec![303], &text[..301]),
        ] {
            assert!(TextColumn::from_lengths(lengths.clone(), text).is_none(), "{lengths:?}");
        }
    }

    #[test]
    fn set_append_and_gather_keep_short_and_long_texts_apart() {
        let long = "x".repeat(TEXT_INLINE_BYTES_MAX + 1);
        let longer = "y".repeat(3_000);
        let mut model = vec!["a".to_owned(), String::new(), long.clone(), "bcd".to_owned()];
        let mut column = TextColumn::default();
        for text in &model {
            column.push(text);
        }
        for (row, text) in [(2, "now short"), (0, longer.as_str()), (0, &long), (1, "é"), (3, "")]
        {
            column.set(row, text);
            text.clone_into(&mut model[row]);
            assert_eq!(texts(&column), model);
        }
        let mut joined = TextColumn::default();
        joined.push("first");
        joined.append(&column, 0..3);
        joined.append(&column, 3..3);
        assert_eq!(texts(&joined), ["first", &long, "é", "now short"]);
        assert_eq!(texts(&joined.gather(&[3, 1, 1])), ["now short", &long, &long]);
        assert_eq!(joined.large_bytes, long.len());
        assert_eq!(texts(&joined.clone_with_room(3)), texts(&joined));
    }
}
