//! The hash value: its text form, and comparison that takes the same time whatever differs.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use super::HASH_BYTES;

/// A 32-byte hash. Prints and parses as 64 hexadecimal digits; equality takes constant time, so
/// that a code may be checked against a forged one.
#[derive(Clone, Copy, Eq)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl From<[u8; HASH_BYTES]> for Hash {
    fn from(bytes: [u8; HASH_BYTES]) -> Hash {
        Hash(bytes)
    }
}

impl From<Hash> for [u8; HASH_BYTES] {
    fn from(hash: Hash) -> [u8; HASH_BYTES] {
        hash.0
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Hash) -> bool {
        // The black box keeps the compiler from leaving the loop at the first difference.
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |difference, (left, right)| black_box(difference | (left ^ right))) == 0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Text that is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseHashError;

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash is 64 hexadecimal digits")
    }
}

impl std::error::Error for ParseHashError {}

impl FromStr for Hash {
    type Err = ParseHashError;

    /// Takes 64 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Hash, ParseHashError> {
        if text.len() != 2 * HASH_BYTES {
            return Err(ParseHashError);
        }
        let mut bytes = [0; HASH_BYTES];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Ok(Hash(bytes))
    }
}

fn digit(character: u8) -> Result<u8, ParseHashError> {
    let value = char::from(character).to_digit(16).ok_or(ParseHashError)?;
    Ok(value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let hash = Hash(std::array::from_fn(|index| (index * 37) as u8));
        let text = hash.to_string();
        assert!(text.starts_with("00254a6f94b9de03") && text.len() == 64, "{text}");
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
        assert_eq!(format!("{hash:?}"), format!("Hash({text})"));
    }

    #[test]
    fn other_text_is_refused() {
        let good = "0".repeat(64);
        for bad in
            ["", &good[1..], &format!("{good}0"), &good.replacen('0', "g", 1), &"é".repeat(32)]
        {
            assert_eq!(bad.parse::<Hash>(), Err(ParseHashError), "{bad:?}");
        }
        assert_eq!(good.parse(), Ok(Hash([0; HASH_BYTES])));
    }

    #[test]
    fn every_bit_counts_in_equality() {
        let hash = Hash([0x5a; HASH_BYTES]);
        for bit in 0..8 * HASH_BYTES {
            let mut other = hash;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash, other, "bit {bit}");
        }
    }
}
