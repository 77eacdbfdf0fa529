//! A tiny generator of chances, so that what a seed decides stays decided.

/// `SplitMix64`: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Debug)]
pub(super) struct Chances(u64);

impl Chances {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True `eighths` times in eight.
    pub(super) fn happens(&mut self, eighths: u64) -> bool {
        self.next() >> 61 < eighths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_published() {
        let mut chances = Chances::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| chances.next()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn chances_are_what_they_say() {
        let mut chances = Chances::new(7);
        let count = |eighths| (0..8000).filter(|_| chances.happens(eighths)).count();
        let counts: Vec<usize> = [0, 2, 8].into_iter().map(count).collect();
        assert!(
            counts[0] == 0 && (1800..2200).contains(&counts[1]) && counts[2] == 8000,
            "{counts:?}"
        );
    }
}
