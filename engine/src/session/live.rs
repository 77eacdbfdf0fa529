//! The running database as a session's views and functions see it, and what they do to other sessions.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::locks::{LockView, Mode, Object, OwnerId};
use crate::metrics::{Figure, Latencies};
use crate::session::effects::SettingChange;
use crate::session::environment::SessionEnvironment;
use crate::session::figures::figures;
use crate::session::settings::{Definition, Values, find as find_setting, visible};
use crate::session::transaction_control::Modes;
use crate::session::transaction_setting::TransactionSetting;
use crate::storage::CommitNumber;
use crate::system::live::{
    Live, LockMode, LockState, Locked, SessionState, SettingState, StatementState,
};
use crate::system::source::DATABASE;

/// How often a session that waits for another's end looks.
const TERMINATION_POLL: Duration = Duration::from_millis(5);

impl Live for SessionEnvironment<'_> {
    fn user(&self) -> Result<String> {
        let user = self.own.card.user();
        // Whoever does not say who it is is the one role there is.
        Ok(if user.is_empty() { DATABASE.to_owned() } else { user.to_string() })
    }

    fn session_id(&self) -> Result<i32> {
        Ok(self.own.card.id)
    }

    fn cancel(&self, session: i32) -> Result<bool> {
        if self.own.activity.cancel(session) {
            // It may be the statement's own.
            self.interrupt.check()?;
            return Ok(true);
        }
        Ok(self.no_session(session))
    }

    fn terminate(&self, session: i32, patience: Duration) -> Result<bool> {
        if !self.own.activity.terminate(session) {
            return Ok(self.no_session(session));
        }
        let began = Instant::now();
        loop {
            // It may be the statement's own.
            self.interrupt.check()?;
            if patience.is_zero() || !self.own.activity.has(session) {
                return Ok(true);
            }
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                let message = format!(
                    "backend with PID {session} did not terminate within {} millisecond{}",
                    patience.as_millis(),
                    if patience.as_millis() == 1 { "" } else { "s" }
                );
                self.warn(message);
                return Ok(false);
            }
            std::thread::sleep(left.min(TERMINATION_POLL));
        }
    }

    fn sessions(&self, with_retained: bool) -> Result<Vec<SessionState>> {
        let newest = with_retained.then(|| self.heads.published());
        Ok(self.own.activity.states(newest.as_deref()))
    }

    fn locks(&self) -> Result<Vec<LockState>> {
        Ok(self.own.effects.locks.locks().snapshot().into_iter().map(lock_state).collect())
    }

    fn statements(&self) -> Result<Vec<StatementState>> {
        Ok(self.own.activity.statements())
    }

    fn figures(&self) -> Result<Vec<Figure>> {
        Ok(figures(self.heads, &self.own.activity))
    }

    fn latencies(&self) -> Result<Latencies> {
        Ok(self.heads.latencies())
    }

    fn published_commit(&self) -> Result<CommitNumber> {
        Ok(self.heads.published().commit)
    }

    fn settings(&self) -> Result<Vec<SettingState>> {
        let (values, modes) = self.settings_by_now()?;
        let state = |definition: &'static Definition| SettingState {
            name: definition.name,
            value: definition.show(&values),
            description: definition.description,
            is_preset: definition.is_preset(),
        };
        let of_transaction = TransactionSetting::ALL.map(|setting| SettingState {
            name: setting.name(),
            value: setting.show(modes).to_owned(),
            description: setting.description(),
            is_preset: false,
        });
        let mut settings: Vec<SettingState> = visible().map(state).chain(of_transaction).collect();
        settings.sort_by_key(|setting| setting.name.to_ascii_lowercase());
        Ok(settings)
    }

    fn set_setting(&self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let value = value.map(str::to_owned);
        let change = SettingChange { name: name.to_owned(), value, local };
        let shown = if let Some(setting) = TransactionSetting::find(name) {
            let modes = setting.set(self.transaction.modes, change.words())?;
            setting.show(modes).to_owned()
        } else {
            let values = self.settings.with([&change])?;
            find_setting(name).map_or_else(String::new, |found| found.show(&values))
        };
        // The last says it all: a statement may call it for each of its rows.
        let mut changes = self.own.effects.settings.borrow_mut();
        changes.retain(|other| other.name != change.name || other.local != change.local);
        changes.push(change);
        Ok(shown)
    }
}

impl SessionEnvironment<'_> {
    /// Warns that there is no such session.
    fn no_session(&self, session: i32) -> bool {
        self.warn(format!("PID {session} is not a PostgreSQL backend process"));
        false
    }

    fn warn(&self, message: String) {
        self.own.effects.warnings.borrow_mut().push(message);
    }

    /// The settings with what the statement itself has set.
    fn settings_by_now(&self) -> Result<(Values, Modes)> {
        let changes = self.own.effects.settings.borrow();
        let of_transaction = |change: &&SettingChange| TransactionSetting::find(&change.name);
        let values =
            self.settings.with(changes.iter().filter(|change| of_transaction(change).is_none()))?;
        let mut modes = self.transaction.modes;
        for change in changes.iter() {
            if let Some(setting) = of_transaction(&change) {
                modes = setting.set(modes, change.words())?;
            }
        }
        Ok((values, modes))
    }
}

/// A lock as views show it.
fn lock_state(view: LockView) -> LockState {
    // A session's locks have its number.
    let session = |owner: OwnerId| i32::try_from(owner).unwrap_or(i32::MAX);
    LockState {
        session: session(view.owner),
        locked: match view.object {
            Object::Row(table, row) => Locked::Row(table, row),
            Object::Key(table, index, _) => Locked::Key(table, index),
            Object::Advisory(number) => Locked::Advisory(number),
            Object::AdvisoryPair(first, second) => Locked::AdvisoryPair(first, second),
        },
        mode: match view.mode {
            Mode::Presence | Mode::KeyShare => LockMode::KeyShare,
            Mode::Share => LockMode::Share,
            Mode::NoKeyUpdate => LockMode::NoKeyUpdate,
            Mode::Update | Mode::Remove => LockMode::Update,
        },
        granted: view.granted,
        blocked_by: view.blocked_by.into_iter().map(session).collect(),
    }
}
