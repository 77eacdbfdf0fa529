//! Reading bytes that are not trusted: every length is checked against what is there.

use std::fmt;

/// What is wrong with encoded bytes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Bytes from the start of what was read.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
    /// The number that was found instead, where one says what is wrong.
    pub found: Option<u64>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {} at byte {}", self.expected, self.offset)?;
        match self.found {
            Some(found) => write!(formatter, ", found {found}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A place in bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes that are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// An error at this place.
    #[cold]
    pub fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError { offset: self.offset, expected, found: None }
    }

    /// An error at this place, before which a number was read.
    #[cold]
    pub fn error_found(&self, expected: &'static str, found: u64) -> DecodeError {
        DecodeError { offset: self.offset, expected, found: Some(found) }
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.offset.checked_add(count);
        match end.and_then(|end| Some((end, self.bytes.get(self.offset..end)?))) {
            Some((end, taken)) => {
                self.offset = end;
                Ok(taken)
            }
            None => Err(self.error("more bytes")),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        <[u8; N]>::try_from(taken).map_err(|_| self.error("more bytes"))
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A byte that is 0 or 1.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.error("a truth value before")),
        }
    }

    /// Two bytes.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number as [`super::put_varint`] writes it.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error("a number of 64 bits before"))
    }

    /// A count of things that take at least `bytes_each` bytes each: no more than can be there.
    pub fn count(&mut self, bytes_each: usize) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        let possible = (self.remaining() / bytes_each.max(1)) as u64;
        if count > possible {
            return Err(self.error("a count before that fits what is left"));
        }
        Ok(count as usize)
    }

    /// Bytes as [`super::put_bytes`] writes them.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.count(1)?;
        self.take(count)
    }

    /// Text as [`super::put_bytes`] writes it.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.error("UTF-8 text before"))
    }

    /// An error unless everything was read.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.error("the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{put_bytes, put_varint};
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let mut bytes = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        for number in numbers {
            put_varint(&mut bytes, number);
        }
        put_bytes(&mut bytes, "grün".as_bytes());
        let mut reader = Reader::new(&bytes);
        for number in numbers {
            assert_eq!(reader.varint(), Ok(number));
        }
        assert_eq!(reader.text(), Ok("grün"));
        assert_eq!(reader.end(), Ok(()));
        assert!(reader.u8().is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Reader::new(&[0xff; 12]).varint().is_err());
        assert!(Reader::new(&[0x80]).varint().is_err());
        assert!(Reader::new(&[200, 1, 0]).bytes().is_err());
        assert!(Reader::new(&[1, 0xff]).text().is_err());
        assert!(Reader::new(&[2]).bool().is_err());
        let mut huge = Vec::new();
        put_varint(&mut huge, u64::MAX);
        assert!(Reader::new(&huge).count(8).is_err());
    }
}
