//! The secret of a keyed chain: who does not have it cannot recompute hashes.

use std::fmt;

use crate::crypto::blake3::{HASH_BYTES, Hash, Hasher};

/// A key of 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; HASH_BYTES]);

impl Key {
    /// A key from its bytes.
    pub fn new(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// A key from a file's content: 32 raw bytes, or 64 hexadecimal digits with white space around them.
    pub fn parse(content: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; HASH_BYTES]>::try_from(content) {
            return Some(Self(bytes));
        }
        let text = std::str::from_utf8(content).ok()?.trim();
        text.parse::<Hash>().ok().map(|hash| Self(hash.into()))
    }

    /// The hash of some bytes that only who has the key can compute; without a key anybody can.
    pub fn hash(key: Option<&Self>, bytes: &[u8]) -> [u8; HASH_BYTES] {
        hash(key, bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Key {
    /// Never shows the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// A hasher of the keyed or of the plain kind.
pub(super) fn hasher(key: Option<&Key>) -> Hasher {
    key.map_or_else(Hasher::new, |key| Hasher::new_keyed(key.bytes()))
}

/// The keyed or plain hash of some bytes.
pub(super) fn hash(key: Option<&Key>, bytes: &[u8]) -> [u8; HASH_BYTES] {
    hasher(key).update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_and_digits_are_keys_and_nothing_else() {
        let bytes: [u8; 32] = std::array::from_fn(|place| place as u8 | 0x80);
        let digits = Hash::from(bytes).to_string();
        let key = Key::parse(&bytes).unwrap();
        for content in [digits.clone(), format!("{digits}\n"), format!(" {digits}\r\n")] {
            assert_eq!(Key::parse(content.as_bytes()), Some(key.clone()), "{content:?}");
        }
        for content in ["", "00", &digits[1..], &format!("{digits}0"), &"x".repeat(64)] {
            assert_eq!(Key::parse(content.as_bytes()), None, "{content:?}");
        }
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn the_key_changes_the_hash() {
        let key = Key::new([7; 32]);
        assert_eq!(hash(None, b"abc"), *crate::crypto::blake3::hash(b"abc").as_bytes());
        assert_ne!(hash(Some(&key), b"abc"), hash(None, b"abc"));
        assert_ne!(hash(Some(&key), b"abc"), hash(Some(&Key::new([8; 32])), b"abc"));
    }
}
