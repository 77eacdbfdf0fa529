//! A growable vector of bits: NULL marks and live rows.

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

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bit.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `index`.
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
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        if bit {
            self.set(self.len - 1, true);
        }
    }

    /// Inserts a bit before `index`, moving the rest up by one.
    pub fn insert(&mut self, index: usize, bit: bool) {
        self.push(false);
        for place in (index + 1..self.len).rev() {
            let moved = self.get(place - 1);
            self.set(place, moved);
        }
        self.set(index, bit);
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
