//! A growable vector of bits: NULL marks and live rows.

use std::ops::Range;

/// Bits packed into words; bits beyond `len` are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    /// `len` zero bits.
    pub fn zeros(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// `len` one bits.
    pub fn ones(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let Some(last) = words.last_mut()
            && !len.is_multiple_of(64)
        {
            *last = (1 << (len % 64)) - 1;
        }
        Self { words, len }
    }

    /// `len` bits, eight a byte, the lowest first; None unless the bytes are as many as that takes and the bits beyond
    /// `len` are zero.
    pub fn from_bytes(bytes: &[u8], len: usize) -> Option<Self> {
        let words: Vec<u64> = bytes
            .chunks(8)
            .map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
            .collect();
        let beyond = match len % 64 {
            0 => 0,
            bits => words.last().map_or(0, |last| last >> bits),
        };
        (bytes.len() == len.div_ceil(8) && beyond == 0).then_some(Self { words, len })
    }

    /// Appends its bits, eight a byte, the lowest first: as [`Self::from_bytes`] takes them.
    pub fn put_bytes(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for word in &self.words {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.truncate(start + self.len.div_ceil(8));
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bit.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `index`.
    #[inline]
    pub fn get(&self, index: usize) -> bool {
        debug_assert!(index < self.len);
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Sets bit `index` to `bit`.
    pub fn set(&mut self, index: usize, bit: bool) {
        debug_assert!(index < self.len);
        let mask = 1 << (index % 64);
        if bit {
            self.words[index / 64] |= mask;
        } else {
            self.words[index / 64] &= !mask;
        }
    }

    /// Appends a bit.
    #[inline]
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        if bit {
            self.set(self.len - 1, true);
        }
    }

    /// Appends `count` zero bits.
    pub fn extend_zeros(&mut self, count: usize) {
        self.len += count;
        self.words.resize(self.len.div_ceil(64), 0);
    }

    /// Appends `count` one bits.
    pub fn extend_ones(&mut self, count: usize) {
        for _ in 0..count {
            self.push(true);
        }
    }

    /// Appends the bits `range` of `other`, a word at a time.
    pub fn append(&mut self, other: &Self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let taken = (64 - self.len % 64).min(64 - at % 64).min(range.end - at);
            let mask = u64::MAX >> (64 - taken);
            let bits = other.words[at / 64] >> (at % 64) & mask;
            if self.len.is_multiple_of(64) {
                self.words.push(0);
            }
            let last = self.words.len() - 1;
            self.words[last] |= bits << (self.len % 64);
            self.len += taken;
            at += taken;
        }
    }

    /// Sets the bits that are set in `other`, which must be as long.
    pub fn union(&mut self, other: &Self) {
        debug_assert_eq!(self.len, other.len);
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Number of one bits.
    pub fn count_ones(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The words, low bit first; bits beyond `len` are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Indexes of the one bits, ascending.
    pub fn iter_ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(place, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    place * 64 + bit
                })
            })
        })
    }

    /// Bytes it takes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_no_others_pass() {
        for len in [0_usize, 1, 7, 8, 9, 63, 64, 65, 130] {
            let mut bitmap = Bitmap::default();
            (0..len).for_each(|bit| bitmap.push(bit % 3 != 1));
            let mut bytes = Vec::new();
            bitmap.put_bytes(&mut bytes);
            assert_eq!(bytes.len(), len.div_ceil(8));
            assert_eq!(Bitmap::from_bytes(&bytes, len), Some(bitmap));
            assert_eq!(Bitmap::from_bytes(&bytes, len + 8), None);
            if let Some(last) = bytes.last_mut().filter(|_| len % 8 != 0) {
                *last |= 0x80;
                assert_eq!(Bitmap::from_bytes(&bytes, len), None);
            }
        }
    }

    #[test]
    fn append_takes_any_range_to_any_place() {
        let mut source = Bitmap::default();
        (0..300).for_each(|bit| source.push(bit % 3 == 0 || bit % 7 == 2));
        for start in [0, 1, 63, 64, 65, 130] {
            for len in [0, 1, 5, 63, 64, 65, 128, 170] {
                for before in [0, 1, 60, 64, 100] {
                    let mut joined = Bitmap::ones(before);
                    joined.append(&source, start..start + len);
                    joined.extend_zeros(3);
                    joined.extend_ones(2);
                    let expected: Vec<bool> = std::iter::repeat_n(true, before)
                        .chain((start..start + len).map(|bit| source.get(bit)))
                        .chain([false, false, false, true, true])
                        .collect();
                    let found: Vec<bool> = (0..joined.len()).map(|bit| joined.get(bit)).collect();
                    assert_eq!(found, expected, "{start} {len} {before}");
                    let ones = expected.iter().filter(|bit| **bit).count();
                    assert_eq!((joined.count_ones(), joined.iter_ones().count()), (ones, ones));
                }
            }
        }
    }
}
