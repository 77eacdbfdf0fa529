//! What a supervisor such as systemd is told: that the daemon is ready, and that it ends.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends a state to the socket that `NOTIFY_SOCKET` names, if it names one: `READY=1`, `STOPPING=1`.
pub(crate) fn notify(state: &str) {
    let Some(name) = std::env::var("NOTIFY_SOCKET").ok().filter(|name| !name.is_empty()) else {
        return;
    };
    if let Err(error) = send(&name, state) {
        log::warn!("could not tell the supervisor at {name} that {state}: {error}");
    }
}

fn send(name: &str, state: &str) -> io::Result<()> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}
