//! Accepting: a thread for each connection, or a reason why not.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use spg_wire::message::server::error_response;
use spg_wire::socket::Socket;
use spg_wire::{ErrorFields, Severity, SqlState};

use crate::connection;
use crate::limits::{ACCEPT_PAUSE, LINGER, REFUSAL_LOG_INTERVAL, REFUSED_KEPT_MAX, STACK_BYTES};
use crate::registry::{Demand, Handle};
use crate::shared::{Phase, Shared};

/// Accepts until the server ends, which a byte on `wake` says.
pub(crate) fn run(listener: &TcpListener, wake: &UnixStream, shared: &Arc<Shared>) {
    let mut refusals = Refusals::default();
    while shared.phase() != Phase::Stopping {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
        let waited = rustix::event::poll(&mut waiting, None);
        if let Err(error) = waited
            && error != Errno::INTR
        {
            refusals.log("could not wait for connections", &error);
            std::thread::sleep(ACCEPT_PAUSE);
        }
        accept_all(listener, shared, &mut refusals);
    }
}

/// Accepts whoever waits.
fn accept_all(listener: &TcpListener, shared: &Arc<Shared>, refusals: &mut Refusals) {
    while shared.phase() != Phase::Stopping {
        match listener.accept() {
            Ok((stream, peer)) => {
                if let Err(error) = admit(&stream, peer, shared) {
                    shared.registry.count_refused();
                    refusals.refuse(stream, &error);
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return,
                // The client has given up already.
                io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                _ => {
                    shared.registry.count_refused();
                    refusals.refuse_without_descriptor(listener, &error);
                    return;
                }
            },
        }
    }
}

/// Gives a connection its thread, or says why it cannot have one.
fn admit(stream: &TcpStream, peer: SocketAddr, shared: &Arc<Shared>) -> io::Result<()> {
    let too_many = || io::Error::other("sorry, too many clients already");
    stream.set_nonblocking(false)?;
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let connections_max = shared.options.connections_max;
    let handle = shared.registry.add(connections_max, |id| {
        let socket = Socket::new(stream.try_clone()?)?;
        socket.set_write_timeout(Some(shared.options.write_timeout))?;
        Ok::<_, io::Error>(Handle::new(id, secret, peer, socket))
    })?;
    let handle = handle.ok_or_else(too_many)?;
    let id = handle.id;
    if shared.phase() == Phase::Stopping {
        // Whoever asked all connections to end may not have seen this one.
        handle.end(Demand::Stopping);
    }
    let of_thread = Arc::clone(shared);
    let spawned = std::thread::Builder::new()
        .name(format!("connection {id}"))
        .stack_size(STACK_BYTES)
        .spawn(move || connection::run(&of_thread, &handle));
    if let Err(error) = spawned {
        shared.registry.remove(id);
        return Err(error);
    }
    Ok(())
}

/// Connections that got no thread.
#[derive(Default)]
struct Refusals {
    /// Open for a moment, so that their clients can read why.
    kept: VecDeque<(TcpStream, Instant)>,
    /// A descriptor to give up when there is none left, so that even then a client is told.
    reserve: Option<File>,
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    /// Tells a client that it cannot be served.
    fn refuse(&mut self, stream: TcpStream, error: &io::Error) {
        self.log("refused a connection", error);
        let now = Instant::now();
        while self.kept.front().is_some_and(|(_, since)| now - *since >= LINGER)
            || self.kept.len() >= REFUSED_KEPT_MAX
        {
            self.kept.pop_front();
        }
        let _ = tell(&stream, error);
        self.kept.push_back((stream, now));
    }

    /// Accepts one connection with the descriptor in reserve, to tell it that there is no other.
    fn refuse_without_descriptor(&mut self, listener: &TcpListener, error: &io::Error) {
        self.log("could not accept a connection", error);
        self.kept.clear();
        self.reserve = None;
        if let Ok((stream, _)) = listener.accept() {
            let _ = tell(&stream, error);
        }
        self.reserve = File::open("/dev/null").ok();
        std::thread::sleep(ACCEPT_PAUSE);
    }

    /// Logs what happened, at a bounded rate.
    fn log(&mut self, what: &str, error: &dyn std::fmt::Display) {
        let now = Instant::now();
        let is_early = self.logged.is_some_and(|logged| now - logged < REFUSAL_LOG_INTERVAL);
        if is_early {
            self.unlogged += 1;
            return;
        }
        log::warn!("{what}: {error} ({} more since the last line)", self.unlogged);
        (self.logged, self.unlogged) = (Some(now), 0);
    }
}

/// Sends 53300. There is room for it: nothing was sent before.
fn tell(stream: &TcpStream, error: &io::Error) -> io::Result<()> {
    let sqlstate = SqlState::from_code("53300");
    let fields = ErrorFields::new(Severity::Fatal, sqlstate, error.to_string());
    let mut out = Vec::new();
    error_response(&mut out, &fields);
    stream.set_nonblocking(true)?;
    stream.set_write_timeout(Some(Duration::from_millis(1)))?;
    io::Write::write_all(&mut &*stream, &out)?;
    stream.shutdown(Shutdown::Write)
}
