//! Where and how to connect.

use std::net::SocketAddr;
use std::time::Duration;

/// How long connecting and the hello may take unless [`Config::connect_timeout`] says otherwise.
const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Where and how to connect. A `&str` or `String` "host:port" converts into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `host:port`; all addresses of the host are tried in turn.
    pub address: String,
    /// Who, for the server's records.
    pub user: Option<String>,
    /// Which program, for the server's records.
    pub application_name: Option<String>,
    /// The name of a session that the server keeps when the connection ends.
    pub session: Option<String>,
    /// Settings, as by SET.
    pub options: Vec<(String, String)>,
    /// How long connecting and the hello may take together; `None` for ever. Ten seconds by default.
    pub connect_timeout: Option<Duration>,
    /// How long to wait for the next bytes of an answer; `None`, the default, for ever. The connection is of no
    /// use after it; to end a long statement use `statement_timeout` or a [`CancelToken`](super::CancelToken).
    pub read_timeout: Option<Duration>,
    /// How long to look for an answer before the thread goes to sleep for it; zero by default. It costs the core, and
    /// becomes shorter by itself while it is in vain.
    pub poll: Duration,
}

impl Config {
    /// A configuration with nothing but the address.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            user: None,
            application_name: None,
            session: None,
            options: Vec::new(),
            connect_timeout: Some(CONNECT_TIMEOUT_DEFAULT),
            read_timeout: None,
            poll: Duration::ZERO,
        }
    }

    /// Sets the user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the program's name.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = Some(name.into());
        self
    }

    /// Sets the session's name.
    #[must_use]
    pub fn session(mut self, name: impl Into<String>) -> Self {
        self.session = Some(name.into());
        self
    }

    /// Adds a setting.
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((key.into(), value.into()));
        self
    }

    /// Sets the time to connect.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time to wait for bytes.
    #[must_use]
    pub fn read_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sets the time to look before sleeping.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// The options of Hello.
    pub(super) fn hello_options(&self) -> Vec<(&str, &str)> {
        let named = [
            ("user", &self.user),
            ("application_name", &self.application_name),
            ("session", &self.session),
        ];
        let named = named.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
        let others = self.options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        named.chain(others).collect()
    }
}

impl From<&str> for Config {
    fn from(address: &str) -> Self {
        Self::new(address)
    }
}

impl From<String> for Config {
    fn from(address: String) -> Self {
        Self::new(address)
    }
}

impl From<SocketAddr> for Config {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.to_string())
    }
}

impl From<&Config> for Config {
    fn from(config: &Config) -> Self {
        config.clone()
    }
}
