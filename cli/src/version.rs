//! `version`: the command's own, and the server's if one answers.

use std::io::{self, Write};
use std::time::Duration;

use spg_wire::client::Client;

use crate::arguments::Arguments;
use crate::connect::Address;

/// How long a server may take to answer: nobody waits for a version.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The version, of the command and of the engine in it.
pub(crate) fn version() -> String {
    format!("spg {} (engine {})", env!("CARGO_PKG_VERSION"), spg_engine::VERSION)
}

/// Prints both; that no server answers is no error here.
pub(crate) fn run(arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", version())?;
    if arguments.memory {
        return Ok(());
    }
    writeln!(out, "{}", server_line(&arguments.address()))
}

/// The version of a server: it says `15.0 (SPG 0.1.0)`, PostgreSQL's first for the programs that look for that.
pub(crate) fn server_version(client: &Client) -> &str {
    let told = client.parameter("server_version").unwrap_or("of unknown version");
    let own = told.split_once("(SPG ").and_then(|(_, behind)| behind.strip_suffix(')'));
    own.unwrap_or(told)
}

fn server_line(address: &Address) -> String {
    match address.connect(TIMEOUT) {
        Ok(client) => {
            format!("server {} at {}", server_version(&client), address.text)
        }
        Err(failure) if failure.code() == "08001" => {
            format!("no server answers at {}", address.text)
        }
        Err(failure) => format!("the server at {} says: {}", address.text, failure.fields.message),
    }
}
