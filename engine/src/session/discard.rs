//! DISCARD: a session as good as new. Statements that were prepared by their own are their owner's, and stay.

use crate::error::Result;
use crate::parser::ast::Discard;
use crate::session::{CommandTag, Session};

impl Session {
    pub(super) fn discard(&mut self, discard: Discard) -> Result<CommandTag> {
        let tag = match discard {
            Discard::All => {
                self.reset(None)?;
                self.own.effects.locks.unlock_all();
                self.cache.forget();
                self.own.forget_drawn();
                "DISCARD ALL"
            }
            Discard::Plans => {
                self.cache.forget();
                "DISCARD PLANS"
            }
            Discard::Sequences => {
                self.own.forget_drawn();
                "DISCARD SEQUENCES"
            }
            Discard::Temporary => "DISCARD TEMP",
        };
        Ok(CommandTag::Plain(tag))
    }
}
