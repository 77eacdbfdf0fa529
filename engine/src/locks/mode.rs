//! The modes of locks, and which of them exclude each other.

/// How an object is locked, weakest first: PostgreSQL's four modes of row locks, and one at either end that tells a row which
/// is about to go from one that is only kept FOR UPDATE. Advisory locks are [`Mode::Share`] or [`Mode::Update`], keys of unique
/// indexes [`Mode::Update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The row has its key and does not lose it now: whoever wants to know waits for [`Mode::Remove`] alone.
    Presence,
    /// The row stays and its key stays.
    KeyShare,
    /// The row stays as it is.
    Share,
    /// The holder may change the row, but not its key.
    NoKeyUpdate,
    /// The holder may delete the row or change its key.
    Update,
    /// The holder does so.
    Remove,
}

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modes(u8);

impl Mode {
    /// Every mode, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Presence,
        Self::KeyShare,
        Self::Share,
        Self::NoKeyUpdate,
        Self::Update,
        Self::Remove,
    ];

    /// Whether two sessions may not hold an object in these modes at the same time.
    ///
    /// | | presence | KEY SHARE | SHARE | NO KEY UPDATE | UPDATE | remove |
    /// |---|---|---|---|---|---|---|
    /// | presence | | | | | | X |
    /// | KEY SHARE | | | | | X | X |
    /// | SHARE | | | | X | X | X |
    /// | NO KEY UPDATE | | | X | X | X | X |
    /// | UPDATE | | X | X | X | X | X |
    /// | remove | X | X | X | X | X | X |
    pub fn conflicts_with(self, other: Self) -> bool {
        match self {
            Self::Presence => other == Self::Remove,
            Self::KeyShare => other >= Self::Update,
            Self::Share => other >= Self::NoKeyUpdate,
            Self::NoKeyUpdate => other >= Self::Share,
            Self::Update => other >= Self::KeyShare,
            Self::Remove => true,
        }
    }

    /// What a row lock in this mode is called in SQL.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Presence | Self::KeyShare => "FOR KEY SHARE",
            Self::Share => "FOR SHARE",
            Self::NoKeyUpdate => "FOR NO KEY UPDATE",
            Self::Update | Self::Remove => "FOR UPDATE",
        }
    }

    /// What an advisory lock in this mode is called.
    pub fn advisory_name(self) -> &'static str {
        match self {
            Self::Presence | Self::KeyShare | Self::Share => "ShareLock",
            Self::NoKeyUpdate | Self::Update | Self::Remove => "ExclusiveLock",
        }
    }
}

impl Modes {
    fn bit(mode: Mode) -> u8 {
        1 << mode as u8
    }

    pub(super) fn insert(&mut self, mode: Mode) {
        self.0 |= Self::bit(mode);
    }

    pub(super) fn remove(&mut self, mode: Mode) {
        self.0 &= !Self::bit(mode);
    }

    pub(super) fn contains(self, mode: Mode) -> bool {
        self.0 & Self::bit(mode) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().filter(move |mode| self.contains(*mode))
    }

    /// Whether whoever holds these keeps others from `mode`.
    pub(super) fn conflict_with(self, mode: Mode) -> bool {
        self.iter().any(|held| held.conflicts_with(mode))
    }

    /// Whether one of them is `mode` or a stronger one.
    pub(super) fn cover(self, mode: Mode) -> bool {
        self.iter().any(|held| held >= mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_symmetric_and_grow_with_strength() {
        for left in Mode::ALL {
            for right in Mode::ALL {
                assert_eq!(left.conflicts_with(right), right.conflicts_with(left));
                for stronger in Mode::ALL.into_iter().filter(|mode| *mode >= left) {
                    assert!(!left.conflicts_with(right) || stronger.conflicts_with(right));
                }
            }
        }
        assert!(!Mode::KeyShare.conflicts_with(Mode::NoKeyUpdate));
        assert!(!Mode::Share.conflicts_with(Mode::Share));
        assert!(!Mode::Presence.conflicts_with(Mode::Update));
        assert!(Mode::NoKeyUpdate.conflicts_with(Mode::NoKeyUpdate));
    }
}
