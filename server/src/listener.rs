//! Accepting: a thread for each connection, or a reason why not.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use spg_wire::message::server::error_response;
use spg_wire::socket::Socket;
use spg_wire::{ErrorFields, Severity, SqlState};

use crate::connection;
use crate::limits::{ACCEPT_PAUSE, LINGER, REFUSAL_LOG_INTERVAL, REFUSED_KEPT_MAX};
use crate::registry::{Demand, Handle};
use crate::shared::{Phase, Shared};

/// Accepts until the server ends, which a byte on `wake` says.
pub(crate) fn run(listener: &TcpListener, wake: &UnixStream, shared: &Arc<Shared>) {
    let mut refusals = Refusals { reserve: reserve(), ..Refusals::default() };
    while shared.phase() != Phase::Stopping {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
        let linger = Timespec { tv_sec: 0, tv_nsec: i64::from(LINGER.subsec_nanos()) };
        let timeout = (!refusals.kept.is_empty()).then_some(&linger);
        let waited = rustix::event::poll(&mut waiting, timeout);
        if let Err(error) = waited
            && error != Errno::INTR
        {
            refusals.log("could not wait for connections", &error);
            std::thread::sleep(ACCEPT_PAUSE);
        }
        refusals.close_old();
        accept_all(listener, shared, &mut refusals);
    }
}

/// Accepts whoever waits.
fn accept_all(listener: &TcpListener, shared: &Arc<Shared>, refusals: &mut Refusals) {
    while shared.phase() != Phase::Stopping {
        match listener.accept() {
            Ok((stream, peer)) => admit(stream, peer, shared, refusals),
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
fn admit(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, refusals: &mut Refusals) {
    let socket = match prepare(stream, shared) {
        Ok(socket) => Arc::new(socket),
        Err(error) => return refusals.log("lost a connection before it began", &error),
    };
    if let Err(reason) = start(&socket, peer, shared) {
        shared.registry.count_refused();
        refusals.refuse(socket, &reason);
    }
}

fn prepare(stream: TcpStream, shared: &Shared) -> io::Result<Socket> {
    stream.set_nonblocking(false)?;
    let socket = Socket::new(stream)?;
    socket.set_write_timeout(Some(shared.options.write_timeout))?;
    Ok(socket)
}

/// Starts a connection's thread.
fn start(socket: &Arc<Socket>, peer: SocketAddr, shared: &Arc<Shared>) -> Result<(), String> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| format!("no random numbers: {error}"))?;
    let make = |id| Handle::new(id, secret, peer, Arc::clone(socket));
    let handle = shared.registry.add(shared.options.connections_max, make);
    let handle = handle.ok_or_else(|| "sorry, too many clients already".to_owned())?;
    let id = handle.id;
    if shared.phase() == Phase::Stopping {
        // Whoever asked all connections to end may not have seen this one.
        handle.end(Demand::Stopping);
    }
    let of_thread = Arc::clone(shared);
    let spawned = std::thread::Builder::new()
        .name(format!("connection {id}"))
        .stack_size(shared.options.stack_bytes)
        .spawn(move || connection::run(&of_thread, &handle));
    if let Err(error) = spawned {
        shared.registry.remove(id);
        return Err(format!("could not start a thread for the connection: {error}"));
    }
    shared.wake_watcher();
    Ok(())
}

/// Connections that got no thread.
#[derive(Default)]
struct Refusals {
    /// Open for a moment, so that their clients can read why.
    kept: VecDeque<(Arc<Socket>, Instant)>,
    /// A descriptor to give up when there is none left, so that even then a client is told.
    reserve: Option<File>,
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    /// Tells a client that it cannot be served.
    fn refuse(&mut self, socket: Arc<Socket>, reason: &str) {
        self.log("refused a connection", &reason);
        if self.kept.len() >= REFUSED_KEPT_MAX {
            self.kept.pop_front();
        }
        tell(&socket, reason);
        self.kept.push_back((socket, Instant::now()));
    }

    /// Closes those whose clients have had their moment.
    fn close_old(&mut self) {
        let now = Instant::now();
        while self.kept.front().is_some_and(|(_, since)| now - *since >= LINGER) {
            self.kept.pop_front();
        }
    }

    /// Accepts one connection with the descriptor in reserve, to tell it that there is no other.
    fn refuse_without_descriptor(&mut self, listener: &TcpListener, error: &io::Error) {
        self.log("could not accept a connection", error);
        self.kept.clear();
        self.reserve = None;
        if let Ok((stream, _)) = listener.accept()
            && let Ok(socket) = Socket::new(stream)
        {
            tell(&socket, &format!("could not accept the connection: {error}"));
        }
        self.reserve = reserve();
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

/// A descriptor to give up.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Sends 53300. There is room for it, since nothing was sent before; if it fails, the client has gone already.
fn tell(socket: &Socket, reason: &str) {
    let sqlstate = SqlState::from_code("53300");
    let mut out = Vec::new();
    error_response(&mut out, &ErrorFields::new(Severity::Fatal, sqlstate, reason));
    let _ = socket.try_write(&out);
    let _ = socket.shutdown(Shutdown::Write);
}
