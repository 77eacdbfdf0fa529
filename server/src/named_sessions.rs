//! Sessions with a name, which the server keeps when their connection ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spg_engine::session::{Canceller, TransactionStatus};
use spg_engine::{Database, Error, Result, Session, SqlState};

use crate::limits::{NAME_BYTES_MAX, NAMED_SESSIONS_MAX};
use crate::shared::lock;

/// All of them by name.
#[derive(Debug, Default)]
pub(crate) struct NamedSessions {
    sessions: Mutex<BTreeMap<String, Slot>>,
}

#[derive(Debug)]
enum Slot {
    /// A connection has it; what cancels its statements.
    InUse(Canceller),
    /// Nobody has had it since.
    Kept(Box<Session>, Instant),
}

impl Slot {
    /// Whether nobody has it, and it was asked to end.
    fn is_terminated(&self) -> bool {
        matches!(self, Self::Kept(session, _) if session.canceller().is_terminated())
    }
}

impl NamedSessions {
    /// Takes up the session of this name, or begins it; and whether it was there.
    pub(crate) fn attach(&self, name: &str, database: &Arc<Database>) -> Result<(Session, bool)> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(Error::new(
                SqlState::InvalidName,
                format!("the name of a session has 1 to {NAME_BYTES_MAX} bytes"),
            ));
        }
        // Declared before the lock, so that its transaction is rolled back behind it.
        let _ended;
        let mut sessions = lock(&self.sessions);
        if sessions.get(name).is_some_and(Slot::is_terminated) {
            _ended = sessions.remove(name);
        }
        let count = sessions.len();
        match sessions.get_mut(name) {
            Some(slot) => {
                let Slot::Kept(session, _) = slot else {
                    let message = format!("session \"{name}\" is in use by another connection");
                    return Err(Error::new(SqlState::ObjectInUse, message));
                };
                let in_use = Slot::InUse(session.canceller());
                let Slot::Kept(session, _) = std::mem::replace(slot, in_use) else {
                    unreachable!("it was a kept one")
                };
                Ok((*session, true))
            }
            None if count >= NAMED_SESSIONS_MAX => {
                Err(Error::new(SqlState::TooManyConnections, "too many named sessions")
                    .with_detail(format!("At most {NAMED_SESSIONS_MAX} are kept at a time.")))
            }
            None => {
                let session = database.session();
                sessions.insert(name.to_owned(), Slot::InUse(session.canceller()));
                Ok((session, false))
            }
        }
    }

    /// Cancels what the session of this name runs. Nobody learns whether there was one.
    pub(crate) fn cancel(&self, name: &str) {
        if let Some(Slot::InUse(canceller)) = lock(&self.sessions).get(name) {
            canceller.cancel();
        }
    }

    /// Keeps a session for its next connection.
    pub(crate) fn detach(&self, name: &str, session: Session) {
        if let Some(slot) = lock(&self.sessions).get_mut(name) {
            *slot = Slot::Kept(Box::new(session), Instant::now());
        }
    }

    /// Forgets a session whose connection did not give it back.
    pub(crate) fn forget(&self, name: &str) {
        lock(&self.sessions).remove(name);
    }

    /// Ends those that were asked to end, or left longer than `idle_limit` or than their own limit for an open block.
    pub(crate) fn expire(&self, now: Instant, idle_limit: Duration) {
        let mut expired = Vec::new();
        lock(&self.sessions).retain(|_, slot| {
            let Slot::Kept(session, since) = slot else { return true };
            let is_over = session.canceller().is_terminated()
                || now.saturating_duration_since(*since) >= idle_limit;
            if !is_over && session.expire(now).is_none() {
                return true;
            }
            let in_use = Slot::InUse(session.canceller());
            if let Slot::Kept(session, _) = std::mem::replace(slot, in_use) {
                expired.push(session);
            }
            false
        });
        // Their transactions are rolled back outside the lock: an open one may hold much.
        drop(expired);
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.sessions).is_empty()
    }

    /// How many there are, and how many of those without a connection have an open block.
    pub(crate) fn count(&self) -> (usize, usize) {
        let sessions = lock(&self.sessions);
        let open = sessions.values().filter(|slot| match slot {
            Slot::InUse(_) => false,
            Slot::Kept(session, _) => session.status() != TransactionStatus::Idle,
        });
        (sessions.len(), open.count())
    }

    /// Ends all that no connection has.
    pub(crate) fn clear(&self) {
        let sessions = std::mem::take(&mut *lock(&self.sessions));
        drop(sessions);
    }
}
