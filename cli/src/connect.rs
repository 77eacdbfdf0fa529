//! The way to a server.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use spg_wire::client::{Client, Config};

use crate::exit::Status;
use crate::failure::{Failure, Outcome};

/// Where a server listens unless something else is said.
pub(crate) const ADDRESS_DEFAULT: &str = "127.0.0.1:5544";

/// How long connecting and the hello may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where to connect, and to which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `host:port`.
    pub(crate) text: String,
    /// The name of a session that the server keeps between invocations.
    pub(crate) session: Option<String>,
}

impl Address {
    /// Connects and says hello, within `timeout`.
    pub(crate) fn connect(&self, timeout: Duration) -> Outcome<Client> {
        self.open(self.config(timeout))
    }

    /// Connects within `timeout`, which is also the longest silence of the server that is borne.
    pub(crate) fn connect_impatiently(&self, timeout: Duration) -> Outcome<Client> {
        self.open(self.config(timeout).read_timeout(Some(timeout)))
    }

    fn config(&self, timeout: Duration) -> Config {
        Config::new(&self.text).application_name("spg").connect_timeout(Some(timeout))
    }

    fn open(&self, mut config: Config) -> Outcome<Client> {
        if let Some(user) = user() {
            config = config.user(user);
        }
        if let Some(session) = &self.session {
            config = config.session(session);
        }
        Client::connect(config).map_err(|error| {
            // Without a hello there is no connection, whatever the reason.
            Failure { status: Status::NoConnection, ..Failure::of_client(error, &self.text) }
        })
    }
}

/// Who, for the records of the server or of the audit log; nothing where the system does not say or the name is longer
/// than one may be.
///
/// The system's name for who runs the process, which no variable changes; where it has none, what USER says.
pub(crate) fn user() -> Option<String> {
    let id = fs::metadata("/proc/self").ok().map(|process| process.uid());
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = id.and_then(|id| name_of(id, &users));
    named
        .or_else(|| std::env::var("USER").ok())
        .filter(|user| !user.is_empty() && user.len() <= spg_engine::limits::NAME_BYTES_MAX)
}

/// The name of a user by number, in the lines of `/etc/passwd`: name, password, number.
fn name_of(id: u32, users: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\na:b\napp:x:1000:100::/:\n";
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(1000, users).as_deref(), Some("app"));
        assert_eq!(name_of(100, users), None);
    }
}
