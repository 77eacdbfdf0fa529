//! A session's settings: SET, SET LOCAL, RESET, SHOW, and what a rollback does to them.
//!
//! Two copies: `session`, which SET changes, and `current`, which is in force and which SET LOCAL changes alone. COMMIT
//! takes `current` back to `session`; ROLLBACK takes both back to what they were at BEGIN, ROLLBACK TO to what they were at
//! the savepoint. All of these copy two pointers.

mod definition;
mod value;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, SqlState};
use crate::limits::STATEMENT_MEMORY_BYTES_DEFAULT;
use crate::parser::ast::IsolationLevel;
use crate::session::effects::SettingChange;
use crate::types::datetime::Zone;

pub(super) use definition::{Definition, find, visible};
pub(super) use value::{boolean, isolation, show_isolation};

/// `lock_timeout` by default. PostgreSQL waits for ever; here a wait that long means that one statement holds up every
/// writer, and an error is the better answer.
const LOCK_TIMEOUT_DEFAULT_MS: u64 = 30_000;

/// `idle_in_transaction_session_timeout` by default: a forgotten transaction keeps a whole old version of the data alive.
const IDLE_IN_TRANSACTION_TIMEOUT_DEFAULT_MS: u64 = 3_600_000;

/// The values in force, typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) lock_timeout_ms: u64,
    pub(super) statement_timeout_ms: u64,
    pub(super) transaction_timeout_ms: u64,
    pub(super) max_snapshot_age_ms: u64,
    pub(super) idle_in_transaction_timeout_ms: u64,
    pub(super) statement_memory_bytes: u64,
    pub(super) default_read_only: bool,
    pub(super) default_isolation: IsolationLevel,
    pub(super) default_deferrable: bool,
    pub(super) synchronous_commit: bool,
    pub(super) application_name: Arc<str>,
    /// Lowest severity sent, as its place in [`definition::MESSAGE_LEVELS`].
    pub(super) message_level: usize,
    pub(super) extra_float_digits: i64,
    pub(super) time_zone: Zone,
    /// -1 for none.
    pub(super) log_min_duration_ms: i64,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            lock_timeout_ms: LOCK_TIMEOUT_DEFAULT_MS,
            statement_timeout_ms: 0,
            transaction_timeout_ms: 0,
            max_snapshot_age_ms: 0,
            idle_in_transaction_timeout_ms: IDLE_IN_TRANSACTION_TIMEOUT_DEFAULT_MS,
            statement_memory_bytes: STATEMENT_MEMORY_BYTES_DEFAULT as u64,
            default_read_only: false,
            default_isolation: IsolationLevel::default(),
            default_deferrable: false,
            synchronous_commit: true,
            application_name: Arc::from(""),
            message_level: definition::MESSAGE_LEVEL_NOTICE,
            extra_float_digits: 1,
            time_zone: Zone::utc(),
            log_min_duration_ms: -1,
        }
    }
}

/// A duration setting, where 0 means none.
fn duration(milliseconds: u64) -> Option<Duration> {
    (milliseconds != 0).then(|| Duration::from_millis(milliseconds))
}

impl Values {
    /// From which duration on a statement is logged.
    #[inline]
    pub(super) fn log_min_duration(&self) -> Option<Duration> {
        u64::try_from(self.log_min_duration_ms).ok().map(Duration::from_millis)
    }

    pub(super) fn lock_timeout(&self) -> Option<Duration> {
        duration(self.lock_timeout_ms)
    }

    pub(super) fn statement_timeout(&self) -> Option<Duration> {
        duration(self.statement_timeout_ms)
    }

    pub(super) fn transaction_timeout(&self) -> Option<Duration> {
        duration(self.transaction_timeout_ms)
    }

    pub(super) fn max_snapshot_age(&self) -> Option<Duration> {
        duration(self.max_snapshot_age_ms)
    }

    /// Whether a running statement has a deadline.
    #[inline]
    pub(super) fn limits_statements(&self) -> bool {
        self.statement_timeout_ms != 0 || self.limits_transactions()
    }

    /// Whether a transaction has one, be it idle or not.
    #[inline]
    pub(super) fn limits_transactions(&self) -> bool {
        (self.transaction_timeout_ms | self.max_snapshot_age_ms) != 0
    }

    pub(super) fn idle_in_transaction_timeout(&self) -> Option<Duration> {
        duration(self.idle_in_transaction_timeout_ms)
    }

    /// Whether a notice of this severity is sent: `client_min_messages`.
    pub(super) fn sends(&self, severity: &str) -> bool {
        definition::message_rank(severity) >= self.message_level
    }
}

/// What the settings of a database's sessions are before anybody sets them, and after RESET.
#[derive(Clone, Debug, Default)]
pub struct Defaults(Arc<Values>);

impl Defaults {
    /// Sets one as SET would: 42704 for a name that there is not, 22023 and others for a value that it does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let definition = find(name).ok_or_else(|| unrecognized(name))?;
        let mut changed = Values::clone(&self.0);
        definition.set(&mut changed, Some(&[value.to_owned()]), &Values::default())?;
        self.0 = Arc::new(changed);
        Ok(())
    }

    fn scopes(&self) -> Scopes {
        Scopes { session: Arc::clone(&self.0), current: Arc::clone(&self.0) }
    }
}

/// Both copies.
#[derive(Clone, Debug)]
struct Scopes {
    session: Arc<Values>,
    current: Arc<Values>,
}

/// The settings of a session with what a rollback needs.
#[derive(Debug)]
pub(super) struct Settings {
    defaults: Defaults,
    scopes: Scopes,
    /// As at BEGIN; None while nothing was set since.
    at_begin: Option<Scopes>,
    savepoints: Vec<Scopes>,
}

impl Settings {
    pub(super) fn new(defaults: &Defaults) -> Self {
        Self {
            defaults: defaults.clone(),
            scopes: defaults.scopes(),
            at_begin: None,
            savepoints: Vec::new(),
        }
    }

    /// What is in force.
    #[inline]
    pub(super) fn values(&self) -> &Values {
        &self.scopes.current
    }

    /// SET, SET LOCAL or (without `words`) SET TO DEFAULT and RESET.
    pub(super) fn set(&mut self, name: &str, words: Option<&[String]>, local: bool) -> Result<()> {
        let definition = find(name).ok_or_else(|| unrecognized(name))?;
        let mut changed = Values::clone(&self.scopes.current);
        definition.set(&mut changed, words, &self.defaults.0)?;
        if self.at_begin.is_none() {
            self.at_begin = Some(self.scopes.clone());
        }
        self.scopes.current = Arc::new(changed);
        if !local {
            let mut changed = Values::clone(&self.scopes.session);
            definition.set(&mut changed, words, &self.defaults.0)?;
            self.scopes.session = Arc::new(changed);
        }
        Ok(())
    }

    /// What is in force once these are set too, if all of them can be.
    pub(super) fn with<'c>(
        &self,
        changes: impl IntoIterator<Item = &'c SettingChange>,
    ) -> Result<Values> {
        let mut values = Values::clone(&self.scopes.current);
        for change in changes {
            let definition = find(&change.name).ok_or_else(|| unrecognized(&change.name))?;
            definition.set(&mut values, change.words(), &self.defaults.0)?;
        }
        Ok(values)
    }

    /// RESET ALL.
    pub(super) fn reset_all(&mut self) {
        if self.at_begin.is_none() {
            self.at_begin = Some(self.scopes.clone());
        }
        self.scopes = self.defaults.scopes();
    }

    /// SHOW name: the name in its own spelling, and the value.
    pub(super) fn show(&self, name: &str) -> Result<(&'static str, String)> {
        let definition = find(name).ok_or_else(|| unrecognized(name))?;
        Ok((definition.name, definition.show(self.values())))
    }

    /// SAVEPOINT, as the `depth`-th.
    pub(super) fn savepoint(&mut self, depth: usize) {
        self.savepoints.truncate(depth - 1);
        self.savepoints.push(self.scopes.clone());
    }

    /// RELEASE: `depth` savepoints are left.
    pub(super) fn release_savepoint(&mut self, depth: usize) {
        self.savepoints.truncate(depth);
    }

    /// ROLLBACK TO: `depth` savepoints are left, the last of them that rolled back to.
    pub(super) fn rollback_to_savepoint(&mut self, depth: usize) {
        self.savepoints.truncate(depth);
        if let Some(scopes) = self.savepoints.last() {
            self.scopes = scopes.clone();
        }
    }

    /// COMMIT, or the end of a statement outside a block.
    #[inline]
    pub(super) fn commit(&mut self) {
        if self.at_begin.is_some() {
            self.at_begin = None;
            self.savepoints.clear();
            self.scopes.current = Arc::clone(&self.scopes.session);
        }
    }

    /// ROLLBACK.
    #[inline]
    pub(super) fn rollback(&mut self) {
        if let Some(scopes) = self.at_begin.take() {
            self.scopes = scopes;
        }
        self.savepoints.clear();
    }
}

pub(super) fn unrecognized(name: &str) -> Error {
    Error::new(
        SqlState::UndefinedObject,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(settings: &mut Settings, name: &str, value: &str, local: bool) {
        settings.set(name, Some(&[value.to_owned()]), local).unwrap();
    }

    fn shown(settings: &Settings, name: &str) -> String {
        settings.show(name).unwrap().1
    }

    #[test]
    fn commit_ends_what_is_local_and_rollback_undoes_all() {
        let mut settings = Settings::new(&Defaults::default());
        set(&mut settings, "statement_timeout", "1s", false);
        settings.commit();
        set(&mut settings, "statement_timeout", "2s", false);
        set(&mut settings, "statement_timeout", "3s", true);
        assert_eq!(shown(&settings, "statement_timeout"), "3s");
        settings.commit();
        assert_eq!(shown(&settings, "statement_timeout"), "2s");
        set(&mut settings, "statement_timeout", "4s", false);
        settings.rollback();
        assert_eq!(shown(&settings, "statement_timeout"), "2s");
    }

    #[test]
    fn a_reset_goes_back_to_the_databases_defaults() {
        let mut defaults = Defaults::default();
        defaults.set("statement_timeout", "1min").unwrap();
        assert_eq!(defaults.set("none", "1").unwrap_err().sqlstate(), SqlState::UndefinedObject);
        assert!(defaults.set("statement_timeout", "soon").is_err());
        let mut settings = Settings::new(&defaults);
        assert_eq!(shown(&settings, "statement_timeout"), "1min");
        set(&mut settings, "statement_timeout", "2s", false);
        settings.set("statement_timeout", None, false).unwrap();
        assert_eq!(shown(&settings, "statement_timeout"), "1min");
        set(&mut settings, "statement_timeout", "2s", false);
        settings.reset_all();
        settings.commit();
        assert_eq!(shown(&settings, "statement_timeout"), "1min");
    }

    #[test]
    fn savepoints_keep_settings() {
        let mut settings = Settings::new(&Defaults::default());
        set(&mut settings, "application_name", "a", false);
        settings.savepoint(1);
        set(&mut settings, "application_name", "b", true);
        settings.savepoint(2);
        set(&mut settings, "application_name", "c", false);
        settings.rollback_to_savepoint(2);
        assert_eq!(shown(&settings, "application_name"), "b");
        settings.rollback_to_savepoint(1);
        assert_eq!(shown(&settings, "application_name"), "a");
        settings.rollback();
        assert_eq!(shown(&settings, "application_name"), "");
    }
}
