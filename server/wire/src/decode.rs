//! A bounds-checked reader over one payload, and lists of items that are read when they are looked at.

use std::fmt;
use std::marker::PhantomData;

use crate::error::ProtocolError;

/// Reads a payload from front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `payload`.
    #[inline]
    pub fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    /// What was not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes that nobody read.
    #[inline]
    pub fn finish(self) -> Result<(), ProtocolError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ProtocolError::TrailingBytes) }
    }

    /// `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    /// `length` bytes.
    #[inline]
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], ProtocolError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, ProtocolError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of two bytes.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, ProtocolError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number of four bytes.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A signed number of four bytes.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, ProtocolError> {
        self.array().map(i32::from_le_bytes)
    }

    /// A number of eight bytes.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, ProtocolError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A string: u32 length and UTF-8 without NUL.
    #[inline]
    pub fn string(&mut self) -> Result<&'a str, ProtocolError> {
        let length = self.u32()?;
        text(self.bytes(length as usize)?)
    }

    /// A string that may be missing: length 0xFFFFFFFF.
    pub fn optional_string(&mut self) -> Result<Option<&'a str>, ProtocolError> {
        match self.u32()? {
            u32::MAX => Ok(None),
            length => text(self.bytes(length as usize)?).map(Some),
        }
    }

    /// A u16 count and as many items.
    #[inline]
    pub fn list<T: Item<'a>>(&mut self) -> Result<List<'a, T>, ProtocolError> {
        let count = self.u16()?;
        List::read(self, u32::from(count))
    }

    /// A u32 count and as many items.
    pub fn long_list<T: Item<'a>>(&mut self) -> Result<List<'a, T>, ProtocolError> {
        let count = self.u32()?;
        List::read(self, count)
    }
}

/// Checks that bytes are a text of SPG: UTF-8 without NUL.
#[inline]
pub fn text(bytes: &[u8]) -> Result<&str, ProtocolError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ProtocolError::InvalidUtf8)?;
    if bytes.contains(&0) { Err(ProtocolError::NulInText) } else { Ok(text) }
}

/// What a [`List`] consists of.
pub trait Item<'a>: Sized {
    /// The least that one takes, so that a count that lies is refused before anything is done for it.
    const BYTES_MIN: usize;

    /// Reads one.
    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError>;
}

/// A list within a payload. Its bounds were checked when the message was decoded, once; its items are read again
/// when they are looked at, so that a message is decoded without allocating.
pub struct List<'a, T> {
    count: u32,
    bytes: &'a [u8],
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// Reads `count` items off `reader`.
    #[inline]
    pub fn read(reader: &mut Reader<'a>, count: u32) -> Result<Self, ProtocolError> {
        let bytes_min = (count as usize).checked_mul(T::BYTES_MIN);
        if bytes_min.is_none_or(|bytes| bytes > reader.rest.len()) {
            return Err(ProtocolError::CountTooLarge);
        }
        let all = reader.rest;
        for _ in 0..count {
            T::read(reader)?;
        }
        let length = all.len().saturating_sub(reader.rest.len());
        let bytes = all.get(..length).unwrap_or_default();
        Ok(Self { count, bytes, item: PhantomData })
    }

    /// The items.
    #[inline]
    pub fn iter(&self) -> ListIter<'a, T> {
        ListIter { left: self.count, reader: Reader::new(self.bytes), item: PhantomData }
    }
}

impl<T> List<'_, T> {
    /// An empty list.
    pub fn empty() -> Self {
        Self { count: 0, bytes: &[], item: PhantomData }
    }

    /// How many items there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of the items, without the count.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.bytes == other.bytes
    }
}

impl<'a, T: Item<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Item<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Item<'a>> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

/// Iterates over a [`List`].
#[derive(Clone, Debug)]
pub struct ListIter<'a, T> {
    left: u32,
    reader: Reader<'a>,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Item<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::read(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<'a, T: Item<'a>> ExactSizeIterator for ListIter<'a, T> {}

impl<'a> Item<'a> for u32 {
    const BYTES_MIN: usize = 4;

    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        reader.u32()
    }
}

impl<'a> Item<'a> for &'a str {
    const BYTES_MIN: usize = 4;

    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        reader.string()
    }
}

impl<'a> Item<'a> for (&'a str, &'a str) {
    const BYTES_MIN: usize = 8;

    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        Ok((reader.string()?, reader.string()?))
    }
}

/// A value's bytes; `None` is NULL. i32 length, -1 for NULL, and the bytes.
impl<'a> Item<'a> for Option<&'a [u8]> {
    const BYTES_MIN: usize = 4;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        match reader.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| ProtocolError::NegativeLength)?;
                reader.bytes(length).map(Some)
            }
        }
    }
}

/// A row: u16 count and the values.
impl<'a> Item<'a> for List<'a, Option<&'a [u8]>> {
    const BYTES_MIN: usize = 2;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        reader.list()
    }
}
