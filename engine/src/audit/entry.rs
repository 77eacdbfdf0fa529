//! One entry of the chain: its fields, its bytes, and reading them back.
//!
//! Little-endian. A text is its length as a varint ([`crate::encoding`]) and its UTF-8 bytes.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | L, the entry's length with everything, at most [`ENTRY_BYTES_MAX`] |
//! | 4 | 4 | L with all bits inverted: a changed length is not taken for an entry that was cut off |
//! | 8 | 8 | sequence: 0 for the genesis entry, then one more each |
//! | 16 | 1 | kind: 0 genesis, 1 statement, 2 opened empty, 3 image, 4 archived |
//! | 17 | 1 | parameters: 0 none, 1 recorded, 2 digest |
//! | 18 | 6 | zero |
//! | 24 | 8 | commit |
//! | 32 | 8 | time, microseconds since 1970, signed |
//! | 40 | 8 | statement: executions; archived: the last entry that was moved away; else 0 |
//! | 48 | 32 | statement: digest of the row changes; image: its BLAKE3; archived: that entry's hash; else 0 |
//! | 80 | 32 | the previous entry's hash; in the genesis entry [`genesis_previous`] |
//! | 112 | | user, application, peer, statement: four texts |
//! | | | recorded parameters: their count (varint), each as a varint (0 for NULL, else length + 1) and UTF-8 bytes |
//! | | 32 | digest of the parameters ([`ParametersDigest`]) |
//! | L - 32 | 32 | hash: BLAKE3 of all bytes before it, keyed if the chain has a key |

use crate::crypto::blake3::{HASH_BYTES, Hasher};
use crate::encoding::{DecodeError, Reader, put_bytes, put_varint};
use crate::identity::{ChainState, DatabaseId};
use crate::limits::{PARAMETERS_MAX, STATEMENT_BYTES_MAX};

/// Bytes of recorded parameters of one entry; beyond them their digest is kept.
pub const RECORDED_BYTES_MAX: usize = 16 << 20;

/// Bytes of an entry: statement, parameters with their lengths, names.
pub const ENTRY_BYTES_MAX: usize = 36 << 20;

/// Bytes of user, application and peer each; what is longer is cut.
const NAME_TEXT_BYTES_MAX: usize = 4 << 10;

/// Bytes before the texts.
const FIXED_BYTES: usize = 112;

/// Bytes of an entry whose texts are all empty.
pub(super) const ENTRY_BYTES_MIN: usize = FIXED_BYTES + 4 + HASH_BYTES;

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The chain begins.
    Genesis,
    /// A statement that was committed.
    Statement,
    /// The database was opened without data: only the chain goes on.
    OpenedEmpty,
    /// An image of the database was written.
    Image,
    /// Sealed segments were moved away.
    Archived,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Genesis => 0,
            Self::Statement => 1,
            Self::OpenedEmpty => 2,
            Self::Image => 3,
            Self::Archived => 4,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Genesis, Self::Statement, Self::OpenedEmpty, Self::Image, Self::Archived]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// The kind's name: `statement`, `opened empty`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Statement => "statement",
            Self::OpenedEmpty => "opened empty",
            Self::Image => "image",
            Self::Archived => "archived",
        }
    }
}

/// A statement's parameters as a draft has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters<'a> {
    /// There were none.
    None,
    /// Their text forms, `None` for NULL. Over [`RECORDED_BYTES_MAX`] their digest is written instead.
    Recorded(&'a [Option<String>]),
    /// Their digest alone: see [`ParametersDigest`].
    Digest([u8; HASH_BYTES]),
}

/// An entry before it has its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// What it tells.
    pub kind: Kind,
    /// The commit it belongs to.
    pub commit: u64,
    /// Microseconds since 1970.
    pub time_us: i64,
    /// Executions of the statement, or the last archived entry's sequence.
    pub number: u64,
    /// Digest of the row changes, the image's BLAKE3, or the last archived entry's hash.
    pub digest: [u8; HASH_BYTES],
    /// Who.
    pub user: &'a str,
    /// With what.
    pub application: &'a str,
    /// From where.
    pub peer: &'a str,
    /// The statement's text.
    pub statement: &'a str,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> Draft<'a> {
    fn bare(kind: Kind, commit: u64, time_us: i64) -> Self {
        Self {
            kind,
            commit,
            time_us,
            number: 0,
            digest: [0; HASH_BYTES],
            user: "",
            application: "",
            peer: "",
            statement: "",
            parameters: Parameters::None,
        }
    }

    /// The chain's first entry.
    pub(super) fn genesis(time_us: i64) -> Self {
        Self::bare(Kind::Genesis, 0, time_us)
    }

    /// A statement executed once, without parameters; the other fields are for the caller to set.
    pub fn statement(commit: u64, time_us: i64, text: &'a str, digest: [u8; HASH_BYTES]) -> Self {
        let bare = Self::bare(Kind::Statement, commit, time_us);
        Self { number: 1, digest, statement: text, ..bare }
    }

    /// The database was opened without data.
    pub fn opened_empty(time_us: i64) -> Self {
        Self::bare(Kind::OpenedEmpty, 0, time_us)
    }

    /// An image of the state after `commit`, with the BLAKE3 of its bytes.
    pub fn image(commit: u64, time_us: i64, hash: [u8; HASH_BYTES]) -> Self {
        Self { digest: hash, ..Self::bare(Kind::Image, commit, time_us) }
    }

    /// The segments that end with `last` may be absent from now on.
    pub fn archived(commit: u64, time_us: i64, last: ChainState) -> Self {
        let bare = Self::bare(Kind::Archived, commit, time_us);
        Self { number: last.sequence, digest: last.head, ..bare }
    }
}

/// An entry read back; its texts stand in the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its place in the chain.
    pub sequence: u64,
    /// What it tells.
    pub kind: Kind,
    /// The commit it belongs to.
    pub commit: u64,
    /// Microseconds since 1970.
    pub time_us: i64,
    /// Executions of the statement, or the last archived entry's sequence.
    pub number: u64,
    /// Digest of the row changes, the image's BLAKE3, or the last archived entry's hash.
    pub digest: [u8; HASH_BYTES],
    /// The previous entry's hash.
    pub previous: [u8; HASH_BYTES],
    /// Who.
    pub user: &'a str,
    /// With what.
    pub application: &'a str,
    /// From where.
    pub peer: &'a str,
    /// The statement's text.
    pub statement: &'a str,
    parameters: EncodedParameters<'a>,
    /// The entry's own hash.
    pub hash: [u8; HASH_BYTES],
}

/// Parameters as they stand in an entry; recorded ones were checked and are decoded on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EncodedParameters<'a> {
    None,
    Recorded(&'a [u8]),
    Digest([u8; HASH_BYTES]),
}

impl<'a> Entry<'a> {
    /// The first of entries that stand one after the other; None if there is none.
    pub fn first(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::new(bytes);
        let length = reader.clone().u32()?;
        Self::decode(reader.take(length as usize)?).map(Some)
    }

    /// Reads the entry that `bytes` are, all of them. Says nothing about its hash.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let length = reader.u32()?;
        if length as usize != bytes.len() || reader.u32()? != !length {
            return Err(reader.error("the entry's length before"));
        }
        let sequence = reader.u64()?;
        let kind = reader.u8()?;
        let kind = Kind::from_code(kind).ok_or_else(|| reader.error("a kind of entry before"))?;
        let form = reader.u8()?;
        if reader.array::<6>()? != [0; 6] {
            return Err(reader.error("zeros before"));
        }
        let (commit, time_us, number) = (reader.u64()?, reader.u64()?.cast_signed(), reader.u64()?);
        let (digest, previous) = (reader.array()?, reader.array()?);
        let (user, application, peer) = (reader.text()?, reader.text()?, reader.text()?);
        let statement = reader.text()?;
        let parameters = match form {
            0 => EncodedParameters::None,
            1 => EncodedParameters::Recorded(recorded(bytes, &mut reader)?),
            2 => EncodedParameters::Digest(reader.array()?),
            _ => return Err(reader.error("a form of parameters before")),
        };
        let hash = reader.array()?;
        reader.end()?;
        Ok(Self {
            sequence,
            kind,
            commit,
            time_us,
            number,
            digest,
            previous,
            user,
            application,
            peer,
            statement,
            parameters,
            hash,
        })
    }

    /// The recorded parameters, `None` for NULL; empty if none were recorded.
    pub fn recorded_parameters(&self) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
        let encoded = match self.parameters {
            EncodedParameters::Recorded(bytes) => bytes,
            EncodedParameters::None | EncodedParameters::Digest(_) => &[],
        };
        let mut reader = Reader::new(encoded);
        std::iter::from_fn(move || match reader.remaining() {
            0 => None,
            _ => parameter(&mut reader).ok(),
        })
    }

    /// Whether parameters were recorded, be they none at all.
    pub fn has_recorded_parameters(&self) -> bool {
        matches!(self.parameters, EncodedParameters::Recorded(_))
    }

    /// The digest that stands for the parameters.
    pub fn parameters_digest(&self) -> Option<[u8; HASH_BYTES]> {
        match self.parameters {
            EncodedParameters::Digest(digest) => Some(digest),
            EncodedParameters::None | EncodedParameters::Recorded(_) => None,
        }
    }

    /// The last entry that was moved away, if the entry tells of that.
    pub fn archived(&self) -> Option<ChainState> {
        (self.kind == Kind::Archived)
            .then_some(ChainState { sequence: self.number, head: self.digest })
    }

    /// The chain's state after this entry.
    pub fn state(&self) -> ChainState {
        ChainState { sequence: self.sequence, head: self.hash }
    }
}

/// Passes over recorded parameters and answers their bytes without the count.
fn recorded<'a>(bytes: &'a [u8], reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let count = reader.count(1)?;
    let start = reader.offset();
    for _ in 0..count {
        parameter(reader)?;
    }
    bytes.get(start..reader.offset()).ok_or_else(|| reader.error("parameters before"))
}

fn parameter<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>, DecodeError> {
    let Some(length) = reader.varint()?.checked_sub(1) else { return Ok(None) };
    let length =
        usize::try_from(length).map_err(|_| reader.error("a parameter's length before"))?;
    let text = std::str::from_utf8(reader.take(length)?);
    text.map(Some).map_err(|_| reader.error("UTF-8 text before"))
}

/// The length that the first eight bytes of an entry tell, if they agree and it is possible.
pub(super) fn entry_length(prefix: [u8; 8]) -> Option<usize> {
    let both = u64::from_le_bytes(prefix);
    let (length, inverse) = (both as u32, (both >> 32) as u32);
    let possible = (ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX).contains(&(length as usize));
    (possible && inverse == !length).then_some(length as usize)
}

/// Writes a draft at its place behind what `out` has: everything but the hash.
pub(super) fn encode_unhashed(
    draft: &Draft<'_>,
    sequence: u64,
    previous: &[u8; HASH_BYTES],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let parameters = kept_parameters(draft.parameters);
    let form = match parameters {
        Parameters::None => 0,
        Parameters::Recorded(_) => 1,
        Parameters::Digest(_) => 2,
    };
    let mut fixed = [0; FIXED_BYTES];
    let fields: [(usize, &[u8]); 7] = [
        (8, &sequence.to_le_bytes()),
        (16, &[draft.kind.code(), form]),
        (24, &draft.commit.to_le_bytes()),
        (32, &draft.time_us.to_le_bytes()),
        (40, &draft.number.to_le_bytes()),
        (48, &draft.digest),
        (80, previous),
    ];
    for (offset, field) in fields {
        for (place, byte) in fixed.iter_mut().skip(offset).zip(field) {
            *place = *byte;
        }
    }
    out.extend_from_slice(&fixed);
    for name in [draft.user, draft.application, draft.peer] {
        put_bytes(out, shortened(name, NAME_TEXT_BYTES_MAX));
    }
    put_bytes(out, shortened(draft.statement, STATEMENT_BYTES_MAX));
    match parameters {
        Parameters::None => {}
        Parameters::Recorded(texts) => put_parameters(out, texts),
        Parameters::Digest(digest) => out.extend_from_slice(&digest),
    }
    let length = out.len().saturating_sub(start).saturating_add(HASH_BYTES) as u32;
    debug_assert!(length as usize <= ENTRY_BYTES_MAX, "all parts are bounded");
    let lengths = length.to_le_bytes().into_iter().chain((!length).to_le_bytes());
    for (place, byte) in out.iter_mut().skip(start).zip(lengths) {
        *place = byte;
    }
}

/// Recorded parameters that are too many or too long become their digest.
fn kept_parameters(parameters: Parameters<'_>) -> Parameters<'_> {
    let Parameters::Recorded(texts) = parameters else { return parameters };
    let bytes = texts
        .iter()
        .fold(0_usize, |sum, text| sum.saturating_add(text.as_ref().map_or(0, String::len)));
    if bytes <= RECORDED_BYTES_MAX && texts.len() <= PARAMETERS_MAX {
        return parameters;
    }
    let mut digest = ParametersDigest::new();
    digest.add(texts.iter().map(Option::as_deref));
    Parameters::Digest(digest.finish())
}

fn put_parameters(out: &mut Vec<u8>, texts: &[Option<String>]) {
    put_varint(out, texts.len() as u64);
    for text in texts {
        match text {
            None => put_varint(out, 0),
            Some(text) => {
                put_varint(out, (text.len() as u64).saturating_add(1));
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// As much of a text as fits, whole characters.
fn shortened(text: &str, bytes_max: usize) -> &[u8] {
    let end = text.floor_char_boundary(bytes_max);
    text.as_bytes().get(..end).unwrap_or_default()
}

/// What the genesis entry has in place of a previous hash: BLAKE3's key derivation of the database's identity, so that the
/// chain of one database is never the beginning of another's.
pub(super) fn genesis_previous(id: DatabaseId) -> [u8; HASH_BYTES] {
    Hasher::new_derive_key("SPG audit log version 1: genesis").update(&id.0).finalize().into()
}

/// The digest that stands for parameters: BLAKE3 over, for each execution, the count of its parameters (8 bytes), then for
/// each a byte 0 for NULL, or a byte 1, its length (8 bytes) and its text form.
#[derive(Clone, Debug, Default)]
pub struct ParametersDigest(Hasher);

impl ParametersDigest {
    /// Of no executions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one execution's parameters.
    pub fn add<'a>(&mut self, texts: impl ExactSizeIterator<Item = Option<&'a str>>) {
        self.0.update(&(texts.len() as u64).to_le_bytes());
        for text in texts {
            match text {
                None => self.0.update(&[0]),
                Some(text) => self
                    .0
                    .update(&[1])
                    .update(&(text.len() as u64).to_le_bytes())
                    .update(text.as_bytes()),
            };
        }
    }

    /// The digest of everything added.
    pub fn finish(&self) -> [u8; HASH_BYTES] {
        self.0.finalize().into()
    }
}
