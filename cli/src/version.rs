//! `version`: the command's own, and the server's if one answers.

use std::time::Duration;

use spg_engine::{DataType, Value};
use spg_wire::client::Client;

use crate::arguments::Arguments;
use crate::connect::Address;
use crate::report::Report;

/// How long a server may take to answer: nobody waits for a version.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The version, of the command and of the engine in it.
pub(crate) fn version() -> String {
    format!("spg {} (engine {})", env!("CARGO_PKG_VERSION"), spg_engine::VERSION)
}

/// Both: a row of two texts, the server's null where none answers, which is no error here.
pub(crate) fn report(arguments: &Arguments) -> Report {
    let mut line = version();
    let mut server = Value::Null;
    if !arguments.is_here() {
        let (told, said) = ask(&arguments.address());
        server = told.map_or(Value::Null, |told| Value::Text(told.into()));
        line.push('\n');
        line.push_str(&said);
    }
    let mut report = Report::new("VERSION");
    let client = Value::Text(env!("CARGO_PKG_VERSION").into());
    report.column("client", DataType::Text, &[client]);
    report.column("server", DataType::Text, &[server]);
    report.line = Some(line);
    report
}

/// The version of a server: it says `15.0 (SPG 0.1.0)`, PostgreSQL's first for the programs that look for that.
pub(crate) fn server_version(client: &Client) -> &str {
    let told = client.parameter("server_version").unwrap_or("of unknown version");
    let own = told.split_once("(SPG ").and_then(|(_, behind)| behind.strip_suffix(')'));
    own.unwrap_or(told)
}

/// The version of the server, if it tells it, and a sentence about it.
fn ask(address: &Address) -> (Option<String>, String) {
    let at = &address.text;
    match address.connect(TIMEOUT) {
        Ok(client) => {
            let version = server_version(&client);
            (Some(version.to_owned()), format!("server {version} at {at}"))
        }
        Err(failure) if failure.code() == "08001" => (None, format!("no server answers at {at}")),
        Err(failure) => (None, format!("the server at {at} says: {}", failure.fields.message)),
    }
}
