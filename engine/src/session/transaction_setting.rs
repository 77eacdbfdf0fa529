//! Settings that belong to the open transaction rather than to the session; outside a block they are what it would begin with.

use crate::error::Result;
use crate::session::Session;
use crate::session::TransactionStatus;
use crate::session::settings::{boolean, isolation, show_isolation};
use crate::session::transaction_control::Modes;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionSetting {
    Deferrable,
    Isolation,
    ReadOnly,
}

impl TransactionSetting {
    /// All of them, by name.
    pub(super) const ALL: [Self; 3] = [Self::Deferrable, Self::Isolation, Self::ReadOnly];

    /// The one of this name, in any case.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deferrable => "transaction_deferrable",
            Self::Isolation => "transaction_isolation",
            Self::ReadOnly => "transaction_read_only",
        }
    }

    /// What SHOW ALL says about it.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Deferrable => {
                "Whether to defer a read-only serializable transaction until it can be executed with no possible serialization failures."
            }
            Self::Isolation => "Sets the current transaction's isolation level.",
            Self::ReadOnly => "Sets the current transaction's read-only status.",
        }
    }

    /// As SHOW prints it.
    pub(super) fn show(self, modes: Modes) -> &'static str {
        let on_or_off = |is_on| if is_on { "on" } else { "off" };
        match self {
            Self::Deferrable => on_or_off(modes.deferrable),
            Self::Isolation => show_isolation(modes.isolation),
            Self::ReadOnly => on_or_off(modes.read_only),
        }
    }

    /// Modes with it set.
    pub(super) fn set(self, modes: Modes, words: Option<&[String]>) -> Result<Modes> {
        let mut modes = modes;
        // DEFAULT is the same whatever blocks begin with.
        let default = Modes::default();
        let (name, word) = (self.name(), words.and_then(<[String]>::first));
        match self {
            Self::Deferrable => {
                modes.deferrable =
                    word.map_or(Ok(default.deferrable), |word| boolean(name, word))?;
            }
            Self::Isolation => {
                modes.isolation =
                    word.map_or(Ok(default.isolation), |word| isolation(name, word))?;
            }
            Self::ReadOnly => {
                modes.read_only = word.map_or(Ok(default.read_only), |word| boolean(name, word))?;
            }
        }
        Ok(modes)
    }
}

impl Session {
    /// How the open block runs, or the next would.
    pub(super) fn modes_in_force(&self) -> Modes {
        match self.status {
            TransactionStatus::Idle => Modes::of_new_blocks(self.settings.values()),
            _ => self.modes,
        }
    }

    /// SET, or without words SET TO DEFAULT.
    pub(super) fn set_transaction_setting(
        &mut self,
        setting: TransactionSetting,
        words: Option<&[String]>,
    ) -> Result<()> {
        let modes = setting.set(Modes::default(), words)?;
        // Outside a block it would end with its own statement.
        if self.status == TransactionStatus::Idle {
            return Ok(());
        }
        match setting {
            TransactionSetting::Deferrable => self.set_deferrable(modes.deferrable),
            TransactionSetting::Isolation => self.set_isolation(modes.isolation),
            TransactionSetting::ReadOnly => self.set_read_only(modes.read_only),
        }
    }
}
