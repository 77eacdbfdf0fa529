//! Latencies in bounded memory: buckets that grow with the value, so that each is off by less than 1.6%.

/// Bits of a value that tell buckets of the same magnitude apart.
const FINE_BITS: u32 = 6;

/// Buckets of one magnitude.
const FINE_COUNT: usize = 1 << FINE_BITS;

/// Enough for every u64.
const BUCKET_COUNT: usize = FINE_COUNT * (64 - FINE_BITS as usize + 1);

/// Counts of values, by magnitude and the six bits behind the first one.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKET_COUNT], count: 0, max: 0 }
    }
}

impl Histogram {
    /// Adds a value.
    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        self.buckets[bucket(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Adds all values of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// Forgets all values.
    pub(super) fn clear(&mut self) {
        self.buckets.fill(0);
        (self.count, self.max) = (0, 0);
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The largest value; 0 if there is none.
    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// The value that a share of `share` (0 to 1) of all do not exceed; 0 if there is none.
    pub(super) fn quantile(&self, share: f64) -> u64 {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest(index).min(self.max);
            }
        }
        self.max
    }
}

/// Values below 2^7 have buckets of their own; above, the first seven bits choose.
fn bucket(value: u64) -> usize {
    let magnitude = (u64::BITS - value.leading_zeros()).saturating_sub(FINE_BITS + 1);
    let fine = (value >> magnitude) as usize;
    magnitude as usize * FINE_COUNT + fine
}

/// The largest value of a bucket.
fn highest(index: usize) -> u64 {
    let magnitude = (index / FINE_COUNT).saturating_sub(1);
    let fine = (index - magnitude * FINE_COUNT) as u64;
    ((fine + 1) << magnitude).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        let values = (0..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            [power - 1, power, power + 1, power + power / 3]
        });
        for value in values.chain([u64::MAX]) {
            let index = bucket(value);
            assert!(index < BUCKET_COUNT, "{value}");
            let top = highest(index);
            assert_eq!(bucket(top), index, "{value}");
            assert!(top >= value && (top - value) as f64 <= value as f64 / 64.0, "{value}: {top}");
            assert!(top == u64::MAX || bucket(top + 1) == index + 1, "{value}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut halves = [Histogram::default(), Histogram::default()];
        assert_eq!(halves[0].quantile(0.5), 0);
        for value in 1..=10_000_u64 {
            halves[(value % 2) as usize].add(value * 1_000);
        }
        let [mut all, odd] = halves;
        all.merge(&odd);
        assert_eq!((all.count(), all.max()), (10_000, 10_000_000));
        for (share, exact) in [(0.5, 5e6), (0.99, 9.9e6), (0.999, 9.99e6)] {
            let found = all.quantile(share) as f64;
            assert!(found >= exact && found <= exact * 1.016, "{share}: {found}");
        }
        assert_eq!(all.quantile(1.0), 10_000_000);
        all.clear();
        assert_eq!((all.count(), all.quantile(0.5)), (0, 0));
    }
}
