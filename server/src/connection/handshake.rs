//! Hello, or Cancel in its place.

use std::sync::Arc;

use spg_engine::session::Rows;
use spg_engine::{Database, Error, Result, Session, SqlState};
use spg_wire::message::{CancelKey, server};
use spg_wire::{ClientMessage, List, Opcode, PROTOCOL_VERSION, ProtocolError};

use super::end::End;
use super::input::Input;
use super::output::Output;
use super::translate;
use crate::limits::NAME_BYTES_MAX;
use crate::registry::{Demand, Handle};
use crate::shared::{Phase, Served, Shared};

/// A connection whose Hello was accepted.
pub(super) struct Greeted {
    pub(super) session: Session,
    /// The version that is spoken.
    pub(super) version: u16,
    /// The session's name, if it shall be kept.
    pub(super) name: Option<String>,
}

/// What a Hello asks for.
#[derive(Default)]
struct Request {
    name: Option<String>,
    /// For the logs: nobody proves who it is.
    user: String,
    settings: Vec<(String, String)>,
}

/// Waits for Hello and answers it.
pub(super) fn greet(
    shared: &Arc<Shared>,
    handle: &Handle,
    input: &mut Input,
    output: &mut Output,
) -> std::result::Result<Greeted, End> {
    let span = loop {
        if handle.demand() != Demand::None {
            return Err(input.end());
        }
        if let Some(span) = input.next_span()? {
            break span;
        }
        input.wait_for_hello()?;
    };
    let message = ClientMessage::decode(input.frame(span))?;
    let served = match shared.phase() {
        Phase::Loading => return Err(End::loading()),
        Phase::Stopping => return Err(End::terminated()),
        Phase::Ready => shared.served().ok_or_else(End::loading)?,
    };
    let (version, options) = match message {
        ClientMessage::Hello { version, options } => (version, options),
        ClientMessage::Cancel(key) => {
            shared.registry.cancel(key);
            return Err(cancelled(output)?);
        }
        ClientMessage::CancelSession(name) => {
            shared.named_sessions.cancel(name);
            return Err(cancelled(output)?);
        }
        other => {
            let opcode = other.opcode();
            return Err(ProtocolError::UnexpectedMessage { opcode, during: "the handshake" }.into());
        }
    };
    if version >> 8 != PROTOCOL_VERSION >> 8 {
        return Err(ProtocolError::Version(version).into());
    }
    let request = read_options(options).map_err(|error| refused(&error))?;
    let mut greeted = open(shared, &served.database, &request).map_err(|error| refused(&error))?;
    // Of a session that is kept, too: it is the connection that acts now.
    greeted.session.set_actor(&request.user, &handle.peer.to_string());
    let application = greeted.session.setting("application_name").unwrap_or_default();
    log::debug!("connection {}: user {:?}, application {application:?}", handle.id, request.user);
    let version = version.min(PROTOCOL_VERSION);
    accept(handle, served, &greeted, version, output);
    input.admit();
    let Opened { session, .. } = greeted;
    Ok(Greeted { session, version, name: request.name })
}

/// Answers a request to cancel; the connection was for nothing else.
fn cancelled(output: &mut Output) -> std::result::Result<End, End> {
    server::plain(&mut output.bytes, Opcode::CancelDone);
    output.send()?;
    Ok(End::Closed)
}

/// A session as Hello asked for it.
struct Opened {
    session: Session,
    /// For a named one, whether it was there already.
    resumed: Option<bool>,
}

fn refused(error: &Error) -> End {
    End::fatal(translate::error_fields(error))
}

fn read_options(options: List<'_, (&str, &str)>) -> Result<Request> {
    let mut request = Request::default();
    for (key, value) in options {
        match key {
            "session" => request.name = Some(value.to_owned()),
            "user" => {
                check_name(key, value)?;
                value.clone_into(&mut request.user);
            }
            "application_name" => {
                check_name(key, value)?;
                request.settings.push((key.to_owned(), value.to_owned()));
            }
            _ => request.settings.push((key.to_owned(), value.to_owned())),
        }
    }
    Ok(request)
}

fn check_name(key: &str, value: &str) -> Result<()> {
    if value.len() > NAME_BYTES_MAX {
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("{key} is longer than {NAME_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// A session with the settings asked for. A named one that was there keeps its own: they may be those of an open block.
fn open(shared: &Shared, database: &Arc<Database>, request: &Request) -> Result<Opened> {
    let Some(name) = &request.name else {
        let mut session = database.session();
        apply(&mut session, &request.settings)?;
        return Ok(Opened { session, resumed: None });
    };
    let (mut session, resumed) = shared.named_sessions.attach(name, database)?;
    if !resumed && let Err(error) = apply(&mut session, &request.settings) {
        shared.named_sessions.forget(name);
        return Err(error);
    }
    Ok(Opened { session, resumed: Some(resumed) })
}

fn apply(session: &mut Session, settings: &[(String, String)]) -> Result<()> {
    for (key, value) in settings {
        // Asks for the setting first: what is no setting's name does not get into a statement.
        session.setting(key)?;
        let name: Vec<String> =
            key.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        let value = value.replace('\'', "''");
        let text = format!("SET {} TO '{value}'", name.join("."));
        session.execute(&text, &[], &mut Rows::default())?;
    }
    Ok(())
}

fn accept(handle: &Handle, served: &Served, opened: &Opened, version: u16, output: &mut Output) {
    let setting = |name| opened.session.setting(name).unwrap_or_default();
    let mut parameters: Vec<(&str, String)> =
        ["server_version", "server_encoding", "client_encoding", "application_name"]
            .into_iter()
            .map(|name| (name, setting(name)))
            .collect();
    if let Some(resumed) = opened.resumed {
        parameters.push(("session_resumed", if resumed { "on" } else { "off" }.to_owned()));
    }
    let key = CancelKey { session_id: handle.id, secret: handle.secret };
    let parameters = parameters.iter().map(|(name, value)| (*name, value.as_str()));
    server::hello_ok(&mut output.bytes, version, served.uuid, key, parameters);
    server::ready(&mut output.bytes, translate::status(opened.session.status()));
}
