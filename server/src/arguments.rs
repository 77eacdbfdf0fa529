//! The command line: positions, options, variables.

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use spg_server::limits::{ADDRESS_DEFAULT, POLL_MAX};

use crate::memory_limit;

/// What in a position means that there is none.
const NONE: &str = "-";

/// SPG's daemon: serves a database over TCP.
///
/// An argument beats its variable; `-` in a position means none; an empty variable is unset.
#[derive(Debug, Parser)]
#[command(name = "spg-server", version)]
struct Words {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:5544]
    #[arg(env = "SPG_ADDR")]
    addr: Option<String>,

    /// The database's image (not built yet)
    #[arg(env = "SPG_DB")]
    db: Option<OsString>,

    /// The audit log (not built yet)
    #[arg(env = "SPG_AUDIT")]
    audit: Option<OsString>,

    /// The write-ahead log (not built yet)
    #[arg(env = "SPG_WAL")]
    wal: Option<OsString>,

    /// Directory of spg.db, audit.log and wal.log (not built yet)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<OsString>,

    /// Listen on an address that others can reach, although nothing is authenticated or encrypted
    #[arg(long)]
    insecure: bool,

    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = spg_server::limits::CONNECTIONS_MAX_DEFAULT)]
    max_connections: usize,

    /// Microseconds that a connection polls before it waits, while cores are free; 0 never
    #[arg(long, value_name = "N", default_value_t = spg_server::limits::POLL_DEFAULT.as_micros() as u64)]
    poll_us: u64,

    /// Seconds that a client may read nothing of its answer
    #[arg(long, value_name = "N", default_value_t = spg_server::limits::WRITE_TIMEOUT_DEFAULT.as_secs())]
    write_timeout: u64,

    /// Bytes that all data together may take, such as 512MB [default: 80% of the memory there is]
    #[arg(long, value_name = "SIZE", value_parser = memory_limit::parse)]
    memory_limit: Option<usize>,

    /// Milliseconds for a Hello
    #[arg(long, hide = true, value_name = "N")]
    hello_timeout_ms: Option<u64>,

    /// Milliseconds for a frame
    #[arg(long, hide = true, value_name = "N")]
    frame_timeout_ms: Option<u64>,

    /// Milliseconds that a client may read nothing of its answer
    #[arg(long, hide = true, value_name = "N")]
    write_timeout_ms: Option<u64>,

    /// Milliseconds that a named session is kept without a connection
    #[arg(long, hide = true, value_name = "N")]
    session_idle_ms: Option<u64>,

    /// Milliseconds that running statements may go on when the server ends
    #[arg(long, hide = true, value_name = "N")]
    stop_grace_ms: Option<u64>,
}

/// What the daemon was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// The address as it was given.
    pub(crate) address: String,
    /// How to serve.
    pub(crate) options: spg_server::Options,
    /// Bytes of all data, if given.
    pub(crate) memory_limit: Option<usize>,
}

/// A usage error: what is wrong and what to do.
type Usage = (ErrorKind, String);

impl Arguments {
    /// Reads the process's arguments; ends the process with status 2 on a usage error.
    pub(crate) fn read() -> Self {
        Self::check(Words::parse())
            .unwrap_or_else(|(kind, message)| Words::command().error(kind, message).exit())
    }

    fn check(words: Words) -> Result<Self, Usage> {
        refuse_paths(&words)?;
        let address = words.addr.filter(|address| !address.is_empty() && address != NONE);
        let address = address.unwrap_or_else(|| ADDRESS_DEFAULT.to_owned());
        let addresses = resolve(&address, words.insecure)?;
        if words.max_connections == 0 {
            return Err(invalid("--max-connections 0 leaves nobody to serve; give at least 1"));
        }
        let poll = Duration::from_micros(words.poll_us);
        if poll > POLL_MAX {
            let message = format!("--poll-us is at most {}", POLL_MAX.as_micros());
            return Err((ErrorKind::InvalidValue, message));
        }
        let write_timeout = match words.write_timeout_ms {
            Some(milliseconds) => Duration::from_millis(milliseconds),
            None => Duration::from_secs(words.write_timeout),
        };
        if write_timeout.is_zero() {
            return Err(invalid("--write-timeout 0 would end every connection; give at least 1"));
        }
        let mut options = spg_server::Options {
            addresses,
            connections_max: words.max_connections,
            poll,
            write_timeout,
            ..spg_server::Options::default()
        };
        let milliseconds = [
            (words.hello_timeout_ms, &mut options.hello_timeout),
            (words.frame_timeout_ms, &mut options.frame_timeout),
            (words.session_idle_ms, &mut options.named_session_idle),
            (words.stop_grace_ms, &mut options.stop_grace),
        ];
        for (given, option) in milliseconds {
            if let Some(given) = given {
                *option = Duration::from_millis(given);
            }
        }
        Ok(Self { address, options, memory_limit: words.memory_limit })
    }
}

fn invalid(message: &str) -> Usage {
    (ErrorKind::InvalidValue, message.to_owned())
}

/// Files are not built yet: what would be kept in one must not seem to be.
fn refuse_paths(words: &Words) -> Result<(), Usage> {
    let paths = [
        ("DB", &words.db),
        ("AUDIT", &words.audit),
        ("WAL", &words.wal),
        ("--data-dir", &words.data_dir),
    ];
    for (name, path) in paths {
        let given = path.as_ref().filter(|path| !path.is_empty() && *path != NONE);
        if let Some(path) = given {
            let message = format!(
                "{name} names the path {}, but this version keeps data in memory only: leave it out",
                path.display()
            );
            return Err((ErrorKind::InvalidValue, message));
        }
    }
    Ok(())
}

/// The addresses of a host and port, all on this machine's loopback unless that is waived.
fn resolve(address: &str, insecure: bool) -> Result<Vec<SocketAddr>, Usage> {
    let resolved = address.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let addresses = resolved.map_err(|error| {
        let message =
            format!("\"{address}\" is no address to listen on ({error}); write HOST:PORT");
        (ErrorKind::InvalidValue, message)
    })?;
    if !insecure && let Some(reachable) = addresses.iter().find(|a| !a.ip().is_loopback()) {
        let message = format!(
            "{reachable} can be reached by others, and nothing is authenticated or encrypted yet: \
             listen on 127.0.0.1, or say --insecure where only the application reaches it"
        );
        return Err((ErrorKind::InvalidValue, message));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str]) -> Result<Arguments, String> {
        let words = Words::try_parse_from([&["spg-server"], words].concat());
        Arguments::check(words.map_err(|error| error.to_string())?).map_err(|(_, message)| message)
    }

    #[test]
    fn addresses_that_others_reach_need_a_word_for_it() {
        let error = check(&["0.0.0.0:5544"]).unwrap_err();
        assert!(error.contains("--insecure"), "{error}");
        assert!(check(&["0.0.0.0:5544", "--insecure"]).is_ok());
        let arguments = check(&["127.0.0.2:0"]).unwrap();
        assert_eq!(arguments.options.addresses, ["127.0.0.2:0".parse().unwrap()]);
        assert_eq!(check(&["-"]).unwrap().address, ADDRESS_DEFAULT);
        assert!(check(&["somewhere"]).unwrap_err().contains("HOST:PORT"));
    }

    #[test]
    fn paths_are_refused_by_name() {
        for words in [
            &["127.0.0.1:0", "x.db"][..],
            &["127.0.0.1:0", "-", "x.db"],
            &["127.0.0.1:0", "-", "-", "x.db"],
            &["--data-dir", "x.db"],
        ] {
            let error = check(words).unwrap_err();
            assert!(error.contains("x.db"), "{error}");
        }
        assert!(check(&["127.0.0.1:0", "-", "", "-"]).is_ok());
    }

    #[test]
    fn numbers_have_bounds() {
        for words in [
            ["--max-connections", "0"],
            ["--poll-us", "10001"],
            ["--write-timeout", "0"],
            ["--memory-limit", "much"],
        ] {
            assert!(check(&words).is_err(), "{words:?}");
        }
        Words::command().debug_assert();
    }
}
