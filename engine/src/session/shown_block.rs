//! What others see of the open transaction block.

use std::sync::Arc;

use crate::session::settings::show_isolation;
use crate::session::{Session, TransactionStatus};
use crate::storage::CommitNumber;
use crate::system::live::TransactionState;

/// What of a block changes while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownBlock {
    snapshot: Option<CommitNumber>,
    has_written: bool,
    is_failed: bool,
    is_read_only: bool,
}

impl Session {
    /// Has the card show the open block, if it is not shown as it stands.
    #[inline]
    pub(super) fn show_block(&mut self) {
        let base = self.block.base();
        let shown = ShownBlock {
            snapshot: base.map(|root| root.commit),
            has_written: self.block.has_written(),
            is_failed: self.status == TransactionStatus::Failed,
            is_read_only: self.is_read_only(),
        };
        if self.shown_block == Some(shown) {
            return;
        }
        self.shown_block = Some(shown);
        if let Some(began) = self.block_began {
            let state = TransactionState {
                began,
                isolation: show_isolation(self.isolation()),
                is_read_only: shown.is_read_only,
                is_failed: shown.is_failed,
                has_written: shown.has_written,
                snapshot: None,
            };
            self.own.card.show_block(state, base);
        }
    }

    /// No block is open any more.
    #[inline]
    pub(super) fn hide_block(&mut self) {
        if self.shown_block.take().is_some() {
            self.own.card.end_block();
        }
    }

    /// Pins what the open block's first query sees, so that it is shown while that runs.
    pub(super) fn pin_block(&mut self) {
        if self.block.base().is_none() {
            self.block.root(self.database.heads());
            self.show_block();
        }
    }

    /// The application's name may be another.
    pub(super) fn show_application(&self) {
        self.own.card.set_application(&Arc::clone(&self.settings.values().application_name));
    }
}
